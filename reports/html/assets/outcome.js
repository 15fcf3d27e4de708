// One outcome: what was asked, what came, what is right, and the call.

const SPATIAL = { 1: ["W"], 2: ["H", "W"], 3: ["D", "H", "W"] };

function findOutcome(adapter, caseId) {
  return ask("SELECT * FROM outcomes WHERE adapter = ? AND case_id = ?", [adapter, caseId])[0];
}

function showOutcome(box, adapter, caseId) {
  const outcome = findOutcome(adapter, caseId);
  if (!outcome) {
    box.replaceChildren(el("p", {}, `This report has no outcome of ${adapter} for ${caseId}.`));
    return;
  }
  box.replaceChildren(
    el("p", { class: "back" }, outcome.finding ? el("a", { href: `#/finding/${outcome.finding}` }, "← its finding") : el("a", { href: "#/overview" }, "← overview")),
    el("h1", { class: outcome.gates ? "wrong" : "right" }, `${outcome.adapter}: ${label(outcome.status, outcome.kind)}`),
    outcomeBody(outcome));
}

function outcomeBody(outcome) {
  const kept = ask("SELECT program, evidence FROM details WHERE id = ?", [outcome.id])[0];
  const body = el("div", {}, el("div", { class: "copyable" }, el("p", { class: "case" }, outcome.case_id)));
  if (outcome.diagnosis) body.append(el("p", {}, el("b", {}, outcome.diagnosis)));
  if (outcome.detail) body.append(el("pre", { class: "text", tabindex: "0" }, outcome.detail));
  if (outcome.source) body.append(el("p", { class: "note" }, `Documented: ${outcome.source}`));
  const evidence = kept ? JSON.parse(kept.evidence) : {};
  for (const [name, tensor] of Object.entries(evidence)) body.append(tensorView(name, tensor, outcome));
  const right = el("div", {}, el("h3", {}, "Every adapter on this case"), sameCase(outcome));
  if (kept && kept.program) body.append(el("h3", {}, "The call"), copyable(kept.program));
  if (outcome.gates && !kept) body.append(el("p", { class: "note" }, "The numbers of this outcome are not in this file; ask again:"));
  if (outcome.gates) body.append(copyable(`conformance check ${outcome.case_id} --adapter ${shellWord(outcome.adapter)}`));
  body.append(el("div", { class: "two" }, right, el("div", {}, el("h3", {}, "Parameters"), parameters(outcome))), environment(outcome.adapter));
  return body;
}

function shellWord(text) {
  return /^[\w@%+=:,.\/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function parameters(outcome) {
  const skipped = /(_min|_max|^case_id)$/;
  const names = Object.keys(facts.columns).filter((name) => facts.columns[name] === "case" && !skipped.test(name) && outcome[name] !== null);
  return el("dl", {}, names.map((name) => [el("dt", {}, name.replaceAll("_", " ")), el("dd", {}, String(outcome[name]))]));
}

function sameCase(outcome) {
  const rows = ask("SELECT adapter, status, kind, answer, profile, budget, max_abs_error FROM asked WHERE case_no = ? ORDER BY adapter", [outcome.case_no]);
  const cells = (row) => [row.profile ?? "", row.budget === null ? "" : `${Math.round(row.budget * 100)} %`, row.max_abs_error === null ? "" : number(row.max_abs_error), row.answer ?? ""];
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Every adapter on this case" }, el("table", {},
    el("thead", {}, el("tr", {}, ["adapter", "outcome", "profile", "bound used", "largest error", "bits"].map((name) => el("th", { scope: "col", title: name === "bits" ? "equal letters, equal bits" : null }, name)))),
    el("tbody", {}, rows.map((row) => el("tr", {}, el("th", { scope: "row" }, row.adapter === outcome.adapter ? row.adapter : el("a", { href: outcomeLink(row.adapter, outcome.case_id) }, row.adapter)),
      el("td", {}, badge(row.status, row.kind)), cells(row).map((text) => el("td", {}, text)))))));
}

function environment(adapter) {
  const about = facts.environments[adapter];
  if (!about) return null;
  const versions = Object.entries(about.versions ?? {}).map(([name, version]) => `${name} ${version}`).join(", ");
  const parts = [versions, about.python && `Python ${about.python}`, about.cpu, about.threads && `${about.threads} threads`, (about.cpu_flags ?? []).join(" "), about.platform];
  return el("div", {}, el("h3", {}, "Where"), el("p", {}, parts.filter(Boolean).join(" · ")));
}

// Names of a tensor's axes, outermost first.
function tensorAxes(name, outcome) {
  const spatial = SPATIAL[outcome.rank];
  if (name === "dw") return ["input channel", "output channel of the group", ...spatial];
  if (name === "db") return ["channel"];
  return outcome.layout === "channels_last" ? ["batch", ...spatial, "channel"] : ["batch", "channel", ...spatial];
}

function tensorView(name, tensor, outcome) {
  const names = tensorAxes(name, outcome);
  const same = tensor.expected && String(tensor.shape) === String(tensor.expected_shape);
  const known = [["expected", tensor.expected_shape, tensor.expected], ["got", tensor.shape, tensor.got]]
    .filter(([, shape, values]) => shape && values && shape.length === names.length);
  const heading = el("h3", {}, `${name} `, el("span", { class: "note" }, shapes(tensor, names)));
  if (!known.length) return el("div", {}, heading, el("p", { class: "note" }, "The answer has another number of axes; it cannot be shown beside the right one."));
  const difference = same ? tensor.got.map((value, index) => apart(value, tensor.expected[index])) : null;
  if (same) known.push(["difference", tensor.shape, difference]);
  const [row, column] = drawnAxes(names);
  const others = names.map((_, axis) => axis).filter((axis) => axis !== column && axis !== row);
  const largest = names.map((_, axis) => Math.max(...known.map(([, shape]) => shape[axis])));
  const place = worst(difference, tensor.shape) ?? names.map(() => 0);
  const maps = el("div", { class: "maps" });
  const readout = el("p", { class: "readout", role: "status" }, "");
  const draw = () => {
    const canvases = [];
    const point = (y, x) => {
      const at = [...place];
      at[column] = x;
      if (row >= 0) at[row] = y;
      const values = known.map(([title, shape, flat]) => `${title} ${within(at, shape) ? number(flat[flatIndex(at, shape)]) : "nothing"}`);
      readout.textContent = `[${at.join(", ")}]  ${values.join("  ")}`;
      for (const canvas of canvases) canvas.mark([y, x]);
    };
    // Three maps side by side where the window is wide, else one below the other.
    const width = document.getElementById("content").clientWidth - 80;
    const room = Math.min(480, width > 1000 ? (width - 48) / 3 : width);
    const planes = known.map(([title, shape, flat]) => [title, cut(flat, shape, place, row, column)]);
    const reach = Math.max(...planes.filter(([title]) => title !== "difference").map(([, plane]) => plane.reach));
    maps.replaceChildren(...planes.map(([title, plane]) => {
      const note = title === "difference" ? "got − expected" : "";
      const map = heatMap({ title, note, plane, reach: title === "difference" ? plane.reach : reach, axes: { row: row >= 0 }, room, onpoint: point });
      canvases.push(map.canvas);
      return map.figure;
    }));
    readout.textContent = "Point at an element, or focus a map and use the arrow keys.";
  };
  const sliders = others.filter((axis) => largest[axis] > 1).map((axis) => {
    const shown = el("output", {}, String(place[axis]));
    const input = el("input", { type: "range", min: "0", max: String(largest[axis] - 1), value: String(place[axis]), "aria-label": names[axis],
      oninput: () => { place[axis] = Number(input.value); shown.textContent = input.value; draw(); } });
    return el("label", {}, names[axis], input, shown, el("span", { class: "note" }, `of 0–${largest[axis] - 1}`));
  });
  draw();
  return el("div", {}, heading, sliders.length ? el("div", { class: "controls" }, sliders) : null, maps, readout);
}

// What runs down and across: H and W; channels and W where there is no H.
function drawnAxes(names) {
  if (names.length === 1) return [-1, 0];
  const down = names.includes("H") ? "H" : names.findLast((name) => name.includes("channel"));
  return [names.indexOf(down), names.indexOf("W")];
}

function shapes(tensor, names) {
  const text = (shape) => (shape ? `(${shape.join(", ")})` : "none");
  const order = ` as (${names.join(", ")})`;
  return String(tensor.shape) === String(tensor.expected_shape) ? text(tensor.shape) + order : `expected ${text(tensor.expected_shape)}, got ${text(tensor.shape)}${order}`;
}

function apart(got, expected) {
  if (got === expected) return 0;
  return typeof got === "number" && typeof expected === "number" ? got - expected : "nan";
}

function within(at, shape) {
  return at.every((index, axis) => index < shape[axis]);
}

function flatIndex(at, shape) {
  return at.reduce((index, value, axis) => index * shape[axis] + value, 0);
}

// Where the difference is largest; NaN is larger than any number.
function worst(difference, shape) {
  if (!difference || !difference.length) return null;
  const size = (value) => (typeof value === "number" ? Math.abs(value) : Infinity);
  let [best, index] = [-1, 0];
  difference.forEach((value, at) => { if (size(value) > best) [best, index] = [size(value), at]; });
  const place = shape.map(() => 0);
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    place[axis] = index % shape[axis];
    index = Math.floor(index / shape[axis]);
  }
  return place;
}

function cut(flat, shape, place, row, column) {
  const [rows, columns] = [row >= 0 ? shape[row] : 1, shape[column]];
  const values = [];
  const at = [...place];
  if (!place.every((index, axis) => axis === row || axis === column || index < shape[axis])) return new Plane([], 0, 0);
  for (let y = 0; y < rows; y += 1) {
    for (let x = 0; x < columns; x += 1) {
      if (row >= 0) at[row] = y;
      at[column] = x;
      values.push(flat[flatIndex(at, shape)]);
    }
  }
  return new Plane(values, rows, columns);
}
