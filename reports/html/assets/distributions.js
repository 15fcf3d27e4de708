// @ts-check
// How far right outputs are from the exact values: a small histogram for each adapter and dtype.

const DISTANCES = [
  {
    column: "budget",
    title: "Share of the error bound that is used",
    edges: [0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1],
    shown: (value) => `${Number((value * 100).toPrecision(2))} %`,
    about: "by the share of the bound that the worst element uses",
    unit: "of the bound",
  },
  {
    column: "max_ulp_error",
    title: "Error in units in the last place",
    edges: [0.5, 1, 2, 4, 10, 30, 100, 1000],
    shown: (value) =>
      value < 1e6
        ? Number(value.toPrecision(2)).toLocaleString("en").replaceAll(",", "\u202f")
        : value.toExponential(1),
    about:
      "by the error of the worst element in units in the last place of the exact value (ULP); " +
      "half a unit is perfect rounding, and many units are not a fault where terms cancel",
    unit: "ULP",
  },
];

const ROUNDED = "status = 'pass' AND data <> 'ints'";

function distributions() {
  return el(
    "div",
    { class: "pairs" },
    DISTANCES.map((distance) => distribution(distance)),
  );
}

function distribution({ column, title, edges, shown, about, unit }) {
  const bin = edges.map((edge, n) => `WHEN ${column} <= ${edge} THEN ${n}`).join(" ");
  const counts =
    query(`SELECT adapter, dtype, CASE ${bin} ELSE ${edges.length} END AS bin, count(*) AS n, max(${column}) AS most
    FROM outcomes WHERE ${ROUNDED} AND ${column} IS NOT NULL GROUP BY 1, 2, 3`);
  if (!counts.length) return null;
  const dtypes = [...new Set(counts.map((row) => row.dtype))].sort(byValue);
  const adapters = facts.adapters.filter((adapter) => counts.some((row) => row.adapter === adapter));
  const cell = (adapter, dtype) => {
    const rows = counts.filter((row) => row.adapter === adapter && row.dtype === dtype);
    if (!rows.length) return el("span", { class: "cell undone" }, "–");
    const most = Math.max(...rows.map((row) => row.most));
    const count = rows.reduce((sum, row) => sum + row.n, 0);
    const name = `${adapter}, ${dtype}: ${count} ${count === 1 ? "output" : "outputs"}, at most ${shown(most)} ${unit}`;
    const where = `adapter = ${quote(adapter)} AND dtype = ${quote(dtype)} AND ${ROUNDED}`;
    const link = `${explorerLink(where)}&sort=${column}.desc&columns=${column}.profile.adapter.case_id`;
    return el("a", { href: link, title: name, "aria-label": name }, histogram(rows, edges.length + 1), shown(most));
  };
  const rows = adapters.map((adapter) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, adapter),
      dtypes.map((dtype) => el("td", {}, cell(adapter, dtype))),
    ),
  );
  return el(
    "div",
    {},
    el("h2", {}, title),
    el(
      "p",
      { class: "legend" },
      `Right outputs of cases that round, ${about}. `,
      `The bars: up to ${edges.map(shown).join(", ")}, and more. The number is the maximum.`,
    ),
    el(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": title },
      el(
        "table",
        { class: "grid distances" },
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            el("td"),
            dtypes.map((dtype) => el("th", { scope: "col" }, dtype)),
          ),
        ),
        el("tbody", {}, rows),
      ),
    ),
  );
}

function histogram(rows, bins) {
  const tallest = Math.max(...rows.map((row) => row.n));
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${bins * 10} 30`);
  svg.setAttribute("class", "histogram");
  svg.setAttribute("aria-hidden", "true");
  const bar = (attributes) => {
    const rect = document.createElementNS(svg.namespaceURI, "rect");
    for (const [name, value] of Object.entries(attributes)) rect.setAttribute(name, value);
    svg.append(rect);
  };
  bar({ class: "floor", x: 0, y: 29, width: bins * 10, height: 1 });
  for (const row of rows) {
    const height = Math.max(1.5, (28 * row.n) / tallest);
    bar({ x: row.bin * 10 + 1, y: 30 - height, width: 8, height });
  }
  return svg;
}
