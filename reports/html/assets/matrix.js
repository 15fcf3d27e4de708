// @ts-check
// How often outputs are wrong, over the values of any two columns; every cell links to its outcomes.

const FACETS = [
  "adapter",
  "rank",
  "padding",
  "output_padding",
  "stride",
  "dilation",
  "groups",
  "kernel_size",
  "layout",
  "dtype",
  "bias",
  "data",
  "direction",
  "batch",
  "in_channels",
  "out_channels",
  "input_size",
  "status",
  "kind",
  "profile",
];
const MOST_VALUES = 40;
const MANY = 12;

function gridClass(columns) {
  return columns > MANY ? "grid many" : "grid";
}

function facets() {
  readColumns(
    "cases",
    "case_no",
    FACETS.filter((name) => facts.columns[name] === "case"),
    ofCases,
  );
  readColumns(
    "asked",
    "id",
    ["case_no", "gates", "judged", ...FACETS.filter((name) => facts.columns[name] !== "case")],
    ofOutcomes,
  );
  return FACETS.filter((name) => {
    const count = new Set((facts.columns[name] === "case" ? ofCases : ofOutcomes).get(name)).size;
    return count > 1 && count <= MOST_VALUES;
  });
}

// The number of outcomes (n), of those that were judged, and of those that are wrong, by the value of a column.
function tallied(values) {
  const [gates, judged] = outcomeColumns("gates", "judged");
  const tallies = new Map();
  values.forEach((value, id) => {
    if (!tallies.has(value)) tallies.set(value, { n: 0, judged: 0, wrong: 0 });
    const tally = tallies.get(value);
    tally.n += 1;
    tally.judged += judged[id];
    tally.wrong += gates[id] & judged[id];
  });
  return tallies;
}

// The parameter whose values best separate wrong outputs from right ones: its chi-square statistic is the most standard
// deviations above its mean.
function mostTelling(names) {
  const byCase = tallied(outcomeColumns("case_no")[0]);
  const score = (name) => {
    const column = caseColumn(name);
    const sumByValue = new Map();
    let [all, wrong] = [0, 0];
    for (const [number, tally] of byCase) {
      const sum = sumByValue.get(column[number]) ?? { judged: 0, wrong: 0 };
      sum.judged += tally.judged;
      sum.wrong += tally.wrong;
      sumByValue.set(column[number], sum);
      all += tally.judged;
      wrong += tally.wrong;
    }
    const mean = wrong / all;
    const sums = [...sumByValue.values()].filter((sum) => sum.judged);
    const square = sums.reduce((total, sum) => total + sum.judged * (sum.wrong / sum.judged - mean) ** 2, 0);
    const freedom = sums.length - 1;
    return freedom > 0 && mean > 0 && mean < 1 ? (square / (mean * (1 - mean)) - freedom) / Math.sqrt(2 * freedom) : 0;
  };
  const parameters = names.filter((name) => facts.columns[name] === "case");
  const ranked = parameters.map((name) => [score(name), name]).sort((a, b) => b[0] - a[0]);
  return ranked.length ? ranked[0][1] : "adapter";
}

function showMatrix(box) {
  const names = facets();
  let [down, across] = [mostTelling(names), "adapter"];
  // Many names are easier to read as rows.
  if (facts.adapters.length > MANY) [down, across] = [across, down];
  const draw = () => {
    const controls = el(
      "div",
      { class: "controls" },
      select("rows", ["adapter", ...names.filter((name) => name !== "adapter")], down, (value) => {
        down = value;
        draw();
      }),
      select("columns", ["adapter", ...names.filter((name) => name !== "adapter")], across, (value) => {
        across = value;
        draw();
      }),
      el(
        "button",
        {
          type: "button",
          onclick: () => {
            [down, across] = [across, down];
            draw();
          },
        },
        "swap",
      ),
    );
    box.replaceChildren(
      controls,
      matrixTable(down, across),
      el(
        "p",
        { class: "legend" },
        "Each cell shows discrepancies out of judged outcomes. A dash means that nothing was judged there: the ",
        "framework or its interface cannot, or it was not run. Every cell opens its outcomes.",
      ),
    );
  };
  draw();
}

function matrixTable(down, across) {
  const [ys, xs] = outcomeColumns(down, across);
  const values = (column) => [...new Set(column)].sort(byValue);
  const [rows, columns] = [values(ys), values(xs)];
  const place = new Map(columns.map((x, n) => [x, n]));
  const line = new Map(rows.map((y, n) => [y, n * columns.length]));
  const cells = tallied(ys.map((y, id) => line.get(y) + place.get(xs[id])));
  const shown = (value) => (value === null ? "none" : String(value));
  const head = el(
    "tr",
    {},
    el("td"),
    columns.map((x) => el("th", { scope: "col" }, shown(x))),
  );
  const body = rows.map((y) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, shown(y)),
      columns.map((x) => {
        const cell = cells.get(line.get(y) + place.get(x));
        if (!cell) return el("td", {}, el("span", { class: "cell undone", "aria-label": "not run" }, ""));
        return el(
          "td",
          {},
          matrixCell(cell, `${across} ${shown(x)}, ${down} ${shown(y)}`, `${equals(across, x)} AND ${equals(down, y)}`),
        );
      }),
    ),
  );
  const table = el(
    "table",
    { class: gridClass(columns.length) },
    el("caption", { class: "quiet" }, `Discrepancies by ${down} and ${across}`),
    el("thead", {}, head),
    el("tbody", {}, body),
  );
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Matrix" }, table);
}

function matrixCell(cell, where, condition) {
  const { judged } = cell;
  const text = !judged ? "–" : cell.wrong ? `${cell.wrong} / ${judged}` : String(judged);
  // The name that a screen reader reads contains the visible text.
  const verdict = !judged ? "nothing judged" : cell.wrong ? `${text} differ` : `${text} agree`;
  const name = `${where}: ${verdict}${cell.n - judged ? `, ${cell.n - judged} not judged` : ""}`;
  const link = el(
    "a",
    {
      href: explorerLink(condition),
      class: !judged ? "undone" : cell.wrong ? "differs" : "clean",
      "aria-label": name,
      title: name,
    },
    text,
  );
  if (cell.wrong) link.style.background = redShare(cell.wrong / judged);
  return link;
}

function byValue(a, b) {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}
