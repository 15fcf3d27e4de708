// @ts-check
// Filters of the explorer that need no SQL: the words of a text, and values of a few columns.

const FILTERS = ["status", "kind", "adapter", "machine", "dtype", "layout", "padding", "rank"];
const MOST_SHOWN = 12;

const filterColumns = new Map();

// The values of a filter's column as text, by the numbers of the outcomes; null where there is none.
function filterColumn(name) {
  if (!filterColumns.has(name)) {
    const text = name === "machine" ? (adapter) => facts.machines[adapter] : String;
    const [values] = outcomeColumns(name === "machine" ? "adapter" : name);
    filterColumns.set(
      name,
      values.map((value) => (value === null ? null : text(value))),
    );
  }
  return filterColumns.get(name);
}

/** A text and the chosen values of each filter, as an address holds them. */
class Filters {
  /** @param {URLSearchParams} parameters Of the address. */
  constructor(parameters) {
    this.text = parameters.get("text") ?? "";
    this.chosen = new Map(FILTERS.map((name) => [name, new Set(parameters.getAll(name))]));
  }

  /** The filters as parameters of an address: pairs of a name and a value. */
  entries() {
    const chosen = [...this.chosen].flatMap(([name, values]) => [...values].map((value) => [name, value]));
    return this.text ? [["text", this.text], ...chosen] : chosen;
  }

  /** The same filters as parameters, with one value of one filter chosen or no longer chosen. */
  toggled(name, value) {
    const entries = this.entries();
    const without = entries.filter(([other, chosen]) => other !== name || chosen !== value);
    return without.length < entries.length ? without : [...entries, [name, value]];
  }

  /** The filters as text for a title. */
  phrase() {
    const chosen = [...this.chosen].filter(([, values]) => values.size).map(([, values]) => [...values].join(" or "));
    return [this.text, ...chosen].filter(Boolean).join(", ");
  }

  /**
   * The outcomes that meet all filters, and for each filter the number of outcomes by value: of those that meet all
   * other filters, so that the count of a value is what it would add.
   * @param {number[]} ids Numbers of outcomes.
   */
  apply(ids) {
    const columns = FILTERS.map(filterColumn);
    const tallies = FILTERS.map(() => new Map());
    const count = (n, id) => {
      const value = columns[n][id];
      if (value !== null) tallies[n].set(value, (tallies[n].get(value) ?? 0) + 1);
    };
    const used = FILTERS.map((name, n) => ({ n, values: this.chosen.get(name) })).filter(({ values }) => values.size);
    const met = [];
    for (const id of withWords(ids, this.text)) {
      const failed = used.filter(({ n, values }) => !values.has(columns[n][id]));
      if (!failed.length) {
        met.push(id);
        for (let n = 0; n < columns.length; n += 1) count(n, id);
      } else if (failed.length === 1) count(failed[0].n, id);
    }
    return { ids: met, counts: new Map(FILTERS.map((name, n) => [name, tallies[n]])) };
  }
}

// The outcomes with all words of a text somewhere in their case, adapter, outcome, diagnosis or messages.
function withWords(ids, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return ids;
  const names = ["case_no", "adapter", "status", "kind", "diagnosis", "detail_no", "source_no", "expectation_no"];
  const [cases, ...columns] = outcomeColumns(...names);
  const texts = 4; // of these columns; the others have numbers of messages
  const caseIds = caseColumn("case_id");
  const messages = query("SELECT text_no, text FROM texts");
  return words.reduce((found, word) => {
    // Each different text is read once.
    const has = new Map();
    const holds = (value) => {
      if (!has.has(value)) has.set(value, String(value).toLowerCase().includes(word));
      return has.get(value);
    };
    const said = new Set(messages.filter((row) => row.text.toLowerCase().includes(word)).map((row) => row.text_no));
    return found.filter(
      (id) =>
        holds(caseIds[cases[id]]) ||
        columns.some((column, n) => column[id] !== null && (n < texts ? holds(column[id]) : said.has(column[id]))),
    );
  }, ids);
}

/**
 * The filters as lists of links, each with the number of outcomes that it gives.
 * @param {Filters} filters What is chosen.
 * @param {Map<string, Map<string, number>>} counts Number of outcomes by filter and value.
 * @param {(entries: string[][]) => string} address The address of other filters.
 */
function filterLists(filters, counts, address) {
  return FILTERS.map((name) => {
    const chosen = filters.chosen.get(name);
    const all = new Map([...chosen].map((value) => [value, 0]));
    for (const [value, n] of counts.get(name)) all.set(value, n);
    if (all.size < 2 && !chosen.size) return null;
    const statuses = Object.keys(facts.statuses);
    const order = name === "status" ? (value) => statuses.indexOf(value) : null;
    const values = [...all.keys()].sort((a, b) => (order ? order(a) - order(b) : byValue(a, b)));
    const item = (value) =>
      el(
        "li",
        {},
        el(
          "a",
          {
            href: address(filters.toggled(name, value)),
            "aria-current": chosen.has(value) ? "true" : null,
            "data-key": `${name}=${value}`,
          },
          el("span", {}, name === "status" ? badge(value) : value),
          el("span", { class: "count" }, all.get(value).toLocaleString("en")),
        ),
      );
    const first = values.filter((value, n) => n < MOST_SHOWN || chosen.has(value));
    const rest = values.filter((value) => !first.includes(value));
    return el(
      "div",
      { role: "group", "aria-label": `filter by ${name}` },
      el("h2", {}, name),
      el("ul", {}, first.map(item)),
      rest.length
        ? el("details", { "data-key": name }, el("summary", {}, `${rest.length} more`), el("ul", {}, rest.map(item)))
        : null,
    );
  }).filter(Boolean);
}
