// @ts-check
// Save outcomes as a file.

const CSV_END = "\r\n";

const EXPORTS = {
  CSV: { name: "outcomes.csv", type: "text/csv", text: (names, rows) => csv(names, rows) },
  JSON: { name: "outcomes.json", type: "application/json", text: (_, rows) => JSON.stringify(rows, null, 1) },
  ids: {
    name: "cases.txt",
    type: "text/plain",
    text: (_, rows) => `${[...new Set(rows.map((row) => row.case_id))].join("\n")}\n`,
  },
};

function csv(names, rows) {
  const cell = (value) => (/[",\r\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : (value ?? ""));
  const lines = [names, ...rows.map((row) => names.map((name) => row[name]))];
  return lines.map((line) => line.map(cell).join(",") + CSV_END).join("");
}

/**
 * Save outcomes.
 * @param {number[]} ids Numbers of the outcomes.
 * @param {string} kind A name in EXPORTS.
 */
function saveOutcomes(ids, kind) {
  const { name, type, text } = EXPORTS[kind];
  const names = Object.keys(facts.columns);
  const sql = `SELECT ${names.join(", ")} FROM outcomes WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id`;
  save(new Blob([text(names, query(sql, [JSON.stringify(ids)]))], { type }), name);
  announce(`saved ${ids.length} outcomes`);
}

/**
 * Save a file.
 * @param {Blob} file The contents.
 * @param {string} name Its name.
 */
function save(file, name) {
  const link = /** @type {HTMLAnchorElement} */ (el("a", { href: URL.createObjectURL(file), download: name }));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
