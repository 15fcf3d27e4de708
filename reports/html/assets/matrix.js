// How often answers differ, over the values of any two columns; every cell leads to its outcomes.

const FACETS = ["adapter", "rank", "padding", "output_padding", "stride", "dilation", "groups", "kernel_size", "layout",
  "dtype", "bias", "data", "direction", "batch", "in_channels", "out_channels", "input_size", "status", "kind", "profile"];
const MOST_VALUES = 40;
const MANY = 12;

function gridClass(columns) {
  return columns > MANY ? "grid many" : "grid";
}

function facets() {
  return FACETS.filter((name) => {
    const table = facts.columns[name] === "case" ? "cases" : "asked";
    const found = ask(`SELECT count(*) AS n FROM (SELECT DISTINCT ${name} FROM ${table} LIMIT ${MOST_VALUES + 1})`)[0].n;
    return found > 1 && found <= MOST_VALUES;
  });
}

// The parameter whose values tell answers that differ from those that do not, best of all: its chi-square statistic
// stands out most, in its own standard deviations.
function mostTelling(names) {
  const score = (name) => {
    const { square, values, mean } = ask(`
      SELECT sum(n * (share - mean) * (share - mean)) AS square, count(*) AS "values", mean FROM (
        SELECT sum(judged) AS n, total(wrong) / sum(judged) AS share, (SELECT total(wrong) / sum(judged) FROM tallied) AS mean
        FROM tally WHERE judged GROUP BY ${name})`)[0];
    const freedom = values - 1;
    return freedom > 0 && mean > 0 && mean < 1 ? (square / (mean * (1 - mean)) - freedom) / Math.sqrt(2 * freedom) : 0;
  };
  const parameters = names.filter((name) => facts.columns[name] === "case");
  const ranked = parameters.map((name) => [score(name), name]).sort((a, b) => b[0] - a[0]);
  return ranked.length ? ranked[0][1] : "adapter";
}

function showMatrix(box) {
  const names = facets();
  let [down, across] = [mostTelling(names), "adapter"];
  // Many names are read more easily one below the other.
  if (facts.adapters.length > MANY) [down, across] = [across, down];
  const draw = () => {
    const controls = el("div", { class: "controls" },
      select("rows", ["adapter", ...names.filter((name) => name !== "adapter")], down, (value) => { down = value; draw(); }),
      select("columns", ["adapter", ...names.filter((name) => name !== "adapter")], across, (value) => { across = value; draw(); }),
      el("button", { type: "button", onclick: () => { [down, across] = [across, down]; draw(); } }, "swap"));
    box.replaceChildren(controls, matrixTable(down, across), el("p", { class: "legend" },
      "Each cell: discrepancies of the answers that were judged. A dash: nothing was judged there, as the framework or its interface cannot, or nobody asked. Every cell opens its outcomes."));
  };
  draw();
}

function matrixTable(down, across) {
  const found = ask(`
    SELECT ${down} AS y, ${across} AS x, sum(gates AND judged) AS wrong, sum(judged) AS judged, count(*) AS n
    FROM outcomes GROUP BY ${down}, ${across}`);
  const cells = new Map(found.map((cell) => [JSON.stringify([cell.y, cell.x]), cell]));
  const values = (key) => [...new Set(found.map((cell) => cell[key]))].sort(byValue);
  const [rows, columns] = [values("y"), values("x")];
  const shown = (value) => (value === null ? "none" : String(value));
  const head = el("tr", {}, el("td"), columns.map((x) => el("th", { scope: "col" }, shown(x))));
  const body = rows.map((y) => el("tr", {}, el("th", { scope: "row" }, shown(y)), columns.map((x) => {
    const cell = cells.get(JSON.stringify([y, x]));
    if (!cell) return el("td", {}, el("span", { class: "cell undone", "aria-label": "not asked" }, ""));
    return el("td", {}, matrixCell(cell, `${across} ${shown(x)}, ${down} ${shown(y)}`, `${equals(across, x)} AND ${equals(down, y)}`));
  })));
  const table = el("table", { class: gridClass(columns.length) }, el("caption", { class: "quiet" }, `Discrepancies by ${down} and ${across}`), el("thead", {}, head), el("tbody", {}, body));
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Matrix" }, table);
}

function matrixCell(cell, where, condition) {
  const { judged } = cell;
  const text = !judged ? "–" : cell.wrong ? `${cell.wrong} / ${judged}` : String(judged);
  // What is read aloud holds what is seen.
  const words = !judged ? "nothing judged" : cell.wrong ? `${text} differ` : `${text} agree`;
  const name = `${where}: ${words}${cell.n - judged ? `, ${cell.n - judged} not judged` : ""}`;
  const link = el("a", {
    href: explorerLink(condition),
    class: !judged ? "undone" : cell.wrong ? "differs" : "clean",
    "aria-label": name,
    title: name,
  }, text);
  if (cell.wrong) link.style.background = `color-mix(in oklab, var(--red) ${Math.round(15 + 30 * cell.wrong / judged)}%, var(--paper))`;
  return link;
}

function byValue(a, b) {
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}
