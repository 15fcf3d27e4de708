// Every outcome, filtered by a condition.

const MOST_ROWS = 500;

function showExplorer(box, parameters) {
  const where = parameters.get("where") ?? "";
  const input = el("input", { type: "search", value: where, spellcheck: "false", autocomplete: "off", "aria-label": "Condition" });
  const form = el("form", { class: "controls", onsubmit: (event) => { event.preventDefault(); location.hash = explorerLink(input.value); } }, input, el("button", {}, "filter"));
  box.replaceChildren(el("h1", { id: "explorer-title" }, "Explorer"), form);
  try {
    const rows = ask(`SELECT adapter, case_id, status, kind, detail FROM outcomes WHERE ${where || "1"} LIMIT ${MOST_ROWS + 1}`);
    box.append(el("p", { role: "status" }, rows.length > MOST_ROWS ? `the first ${MOST_ROWS}` : `${rows.length} outcomes`),
      el("table", {}, el("tbody", {}, rows.slice(0, MOST_ROWS).map((row) => el("tr", {}, el("td", {}, badge(row.status, row.kind)), el("td", {}, row.adapter),
        el("td", {}, el("a", { class: "case", href: outcomeLink(row.adapter, row.case_id) }, row.case_id)))))));
  } catch (error) {
    box.append(el("p", { role: "alert" }, String(error.message)));
  }
}
