// @ts-check
// All outcomes in one table that draws only the visible rows.

const DEFAULT_COLUMNS = ["status", "adapter", "case_id", "detail"];
// In a narrow window a row is a block: status and adapter in one line, the case in two, every other column in one.
const NARROW = matchMedia("(max-width: 700px)");
const FIRST_LINE = ["status", "adapter"];
const WIDE = { case_id: 620, detail: 520, diagnosis: 360, adapter: 220, status: 160, source: 260 };

class Explorer {
  constructor(box) {
    this.box = box;
    this.ids = [];
    this.text = el("input", {
      type: "search",
      id: "text",
      autocomplete: "off",
      placeholder: "words in a case, an adapter, an outcome or a message",
      "aria-describedby": "matches",
      oninput: () => this.typed(),
    });
    this.input = el("input", {
      type: "search",
      id: "where",
      list: "completions",
      spellcheck: "false",
      autocomplete: "off",
      placeholder: "a condition in SQL: padding = 'same' AND groups > 1 AND exactly(1, gates)",
      "aria-describedby": "matches",
      oninput: () => this.typed(),
    });
    this.suggestions = el("datalist", { id: "completions" });
    this.matches = el("p", { id: "matches", role: "status", class: "matches" });
    this.head = el("tr", { role: "row" });
    this.body = el("tbody");
    this.table = el(
      "table",
      { class: "rows", "aria-labelledby": "explorer-title" },
      el("thead", {}, this.head),
      this.body,
    );
    this.scroller = el(
      "div",
      {
        class: "scroller",
        tabindex: "0",
        role: "region",
        "aria-label": "Outcomes",
        onkeydown: (event) => this.walk(event),
      },
      this.table,
    );
    this.presets = el("select", {
      "aria-label": "Ready-made conditions",
      onchange: (event) => this.go({ where: event.target.value }),
    });
    this.filterBox = el("details", { class: "filters", open: !NARROW.matches });
    box.replaceChildren(
      el("h1", { id: "explorer-title" }, "Explorer"),
      permalink(() => location.hash),
      el(
        "form",
        {
          class: "search",
          role: "search",
          onsubmit: (event) => {
            event.preventDefault();
            this.go({ where: this.input.value });
          },
        },
        el("label", { for: "text" }, "search"),
        this.text,
        el("label", { for: "where" }, "where"),
        this.input,
        this.suggestions,
      ),
      this.matches,
      el(
        "div",
        { class: "controls" },
        this.presets,
        this.columnPicker(),
        ["CSV", "JSON", "ids"].map((kind) =>
          el("button", { type: "button", onclick: () => saveOutcomes(this.ids, kind) }, `save ${kind}`),
        ),
        this.help(),
      ),
      el("div", { class: "filtered" }, this.filterBox, this.scroller),
    );
    this.window = new RowWindow(
      this.scroller,
      () => this.rowHeight(),
      () => this.draw(),
    );
    NARROW.addEventListener("change", () => this.draw());
    const [statuses, cases] = outcomeColumns("status", "case_no");
    this.statuses = statuses;
    this.cases = cases;
  }

  help() {
    const names = Object.values(QUANTIFIERS).map(({ form, about }) => [
      el("dt", {}, el("code", {}, form)),
      el("dd", {}, about),
    ]);
    return el(
      "details",
      { class: "help" },
      el("summary", {}, "how to write a condition"),
      el(
        "p",
        {},
        "One SQL condition, as on the command line: comparisons, AND, OR, NOT, LIKE, IN, BETWEEN, IS NULL. ",
        "In addition, over all outcomes of the same case:",
      ),
      el("dl", {}, names),
      el(
        "p",
        {},
        "Columns: ",
        Object.keys(facts.columns).map((name) => [el("code", {}, name), " "]),
      ),
    );
  }

  // As the style sheet has it.
  rowHeight() {
    if (!NARROW.matches) return 30;
    const others = this.columns.filter((name) => !FIRST_LINE.includes(name) && name !== "case_id");
    return 12 + 24 + (this.columns.includes("case_id") ? 36 : 0) + 24 * others.length;
  }

  columnPicker() {
    this.picks = Object.keys(facts.columns).map((name) => {
      // The shown columns stay in place; a new one comes last.
      const input = el("input", {
        type: "checkbox",
        value: name,
        onchange: () =>
          this.go({ columns: [...this.columns.filter((column) => column !== name), ...(input.checked ? [name] : [])] }),
      });
      return input;
    });
    return el(
      "details",
      { class: "help" },
      el("summary", {}, "columns"),
      el(
        "div",
        { class: "picks" },
        this.picks.map((input) => el("label", {}, input, input.value.replaceAll("_", " "))),
      ),
    );
  }

  // Show the state that the address holds.
  show(parameters) {
    this.where = parameters.get("where") ?? "";
    this.filters = new Filters(parameters);
    const [column, direction] = (parameters.get("sort") ?? "").split(".");
    this.sort = facts.columns[column] ? [column, direction === "desc" ? "DESC" : "ASC"] : [null, "ASC"];
    const chosen = (parameters.get("columns") ?? "").split(".").filter((name) => facts.columns[name]);
    this.columns = chosen.length ? chosen : DEFAULT_COLUMNS;
    if (this.input.value !== this.where) this.input.value = this.where;
    if (this.text.value !== this.filters.text) this.text.value = this.filters.text;
    for (const pick of this.picks) pick.checked = this.columns.includes(pick.value);
    this.presets.replaceChildren(
      el("option", { value: "" }, "ready-made conditions …"),
      ...PRESETS.map(([name, where]) => el("option", { value: where, selected: where === this.where }, name)),
    );
    this.drawHead();
    this.filter();
  }

  address(changes) {
    const state = {
      where: this.where,
      sort: this.sort[0] ? `${this.sort[0]}.${this.sort[1].toLowerCase()}` : "",
      columns: this.columns,
      filters: this.filters.entries(),
      ...changes,
    };
    const columns = state.columns.join(".");
    const entries = [
      ["where", state.where],
      ...state.filters,
      ["sort", state.sort],
      ["columns", columns === DEFAULT_COLUMNS.join(".") ? "" : columns],
    ];
    return `#/explorer?${new URLSearchParams(entries.filter(([, value]) => value))}`;
  }

  go(changes) {
    location.hash = this.address(changes);
  }

  // Typing filters at once; the address follows, without a step in the browser history for every key.
  typed() {
    this.suggestions.replaceChildren(...completions(this.input.value).map((value) => el("option", { value })));
    this.where = this.input.value;
    this.filters.text = this.text.value;
    history.replaceState(null, "", this.address({}));
    this.filter();
    entitle(this.box);
  }

  filter() {
    this.box.dataset.title = `Explorer: ${[this.filters.phrase(), this.where].filter(Boolean).join(", ") || "all"}`;
    let ids;
    try {
      ids = matching(this.where, this.sort);
    } catch (error) {
      this.reject(error);
      return;
    }
    this.input.removeAttribute("aria-invalid");
    this.scroller.classList.remove("stale");
    const { ids: found, counts } = this.filters.apply(ids);
    this.ids = found;
    this.rows = new Map();
    this.matches.replaceChildren(...this.tally());
    this.drawFilters(counts);
    this.window.reset(this.ids.length);
    this.draw();
  }

  // The rows of the last valid condition stay, but do not look like those of this one.
  reject(error) {
    const better = corrected(this.where, error);
    const message = `invalid condition: ${error.message}${better ? "; did you mean " : ""}`;
    this.matches.replaceChildren(
      el("span", { class: "badge red" }, message),
      ...(better ? [el("a", { href: this.address({ where: better }) }, el("code", {}, better))] : []),
    );
    this.input.setAttribute("aria-invalid", "true");
    this.scroller.classList.add("stale");
  }

  // The links are new after each change; the focus and what is unfolded stay.
  drawFilters(counts) {
    const key = document.activeElement?.closest(".filters [data-key]")?.getAttribute("data-key");
    const unfolded = [...this.filterBox.querySelectorAll("details[open]")].map((details) => details.dataset.key);
    this.filterBox.replaceChildren(
      el("summary", {}, "filters"),
      ...filterLists(this.filters, counts, (filters) => this.address({ filters })),
    );
    for (const details of this.filterBox.querySelectorAll("details"))
      details.open = unfolded.includes(details.dataset.key);
    if (key) this.filterBox.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
  }

  tally() {
    const counts = {};
    for (const id of this.ids) counts[this.statuses[id]] = (counts[this.statuses[id]] ?? 0) + 1;
    const named = Object.keys(facts.statuses)
      .filter((name) => counts[name])
      .map((name) => {
        const href = this.address({ filters: this.filters.toggled("status", name) });
        return [" ", el("a", { href }, badge(name), ` ${counts[name].toLocaleString("en")}`)];
      });
    return [
      el("b", {}, `${this.ids.length.toLocaleString("en")} of ${this.statuses.length.toLocaleString("en")} outcomes`),
      ...named.flat(),
      ...(this.where || this.filters.entries().length ? [" ", el("a", { href: "#/explorer" }, "show all")] : []),
    ];
  }

  drawHead() {
    const next = { ASC: "desc", DESC: "" };
    this.head.replaceChildren(
      ...this.columns.map((name) => {
        const sorted = this.sort[0] === name;
        const direction = sorted ? next[this.sort[1]] : "asc";
        const arrow = sorted ? (this.sort[1] === "ASC" ? " ↑" : " ↓") : "";
        const cell = el(
          "th",
          { scope: "col", "aria-sort": sorted ? (this.sort[1] === "ASC" ? "ascending" : "descending") : "none" },
          el(
            "button",
            { type: "button", onclick: () => this.go({ sort: direction ? `${name}.${direction}` : "" }) },
            name.replaceAll("_", " ") + arrow,
          ),
        );
        cell.style.width = `${WIDE[name] ?? 120}px`;
        return cell;
      }),
    );
    this.table.style.width = `${this.columns.reduce((sum, name) => sum + (WIDE[name] ?? 120), 0)}px`;
  }

  draw() {
    if (!this.rows) return;
    this.scroller.style.setProperty("--row", `${this.rowHeight()}px`);
    const { first, end, above, below } = this.window.take();
    const drawn = this.ids.slice(first, end);
    this.fetch(drawn);
    const space = (height) => {
      const row = el(
        "tr",
        { "aria-hidden": "true", class: "space" },
        el("td", { colspan: String(this.columns.length) }),
      );
      row.firstChild.style.height = `${height}px`;
      return row;
    };
    const rows = drawn.map((id, n) => this.row(this.rows.get(id), first + n));
    this.table.setAttribute("aria-rowcount", String(this.ids.length + 1));
    this.body.replaceChildren(...(rows.length ? [space(above), ...rows, space(below)] : []));
    if (this.focused !== undefined)
      this.body.querySelector(`[aria-rowindex="${this.focused + 2}"] a`)?.focus({ preventScroll: true });
  }

  // Read the visible rows that are not loaded yet.
  fetch(ids) {
    const missing = ids.filter((id) => !this.rows.has(id));
    if (!missing.length) return;
    const names = [...new Set([...this.columns, "adapter", "case_id", "status", "kind"])];
    const cases = missing.map((id) => this.cases[id]);
    const sql = `SELECT id, ${names.join(", ")} FROM outcomes WHERE case_no IN (${cases}) AND id IN (${missing})`;
    for (const row of query(sql)) this.rows.set(row.id, row);
  }

  row(row, index) {
    const cells = this.columns.map((name) => {
      if (name === "status") return el("td", {}, badge(row.status, row.kind));
      const text = row[name] === null ? "" : typeof row[name] === "number" ? number(row[name]) : row[name];
      if (name === "case_id")
        return el(
          "td",
          { class: "case-cell" },
          el("a", { class: "case", href: outcomeLink(row.adapter, row.case_id) }, text),
        );
      return el(
        "td",
        {
          title: text.length > 30 ? text : null,
          class: typeof row[name] === "number" ? "number" : null,
          "data-name": FIRST_LINE.includes(name) ? null : name.replaceAll("_", " "),
        },
        text,
      );
    });
    const link = cells.some((cell) => cell.querySelector("a"));
    if (!link)
      cells[0].replaceChildren(el("a", { href: outcomeLink(row.adapter, row.case_id) }, ...cells[0].childNodes));
    return el("tr", { "aria-rowindex": String(index + 2) }, cells);
  }

  // Arrow keys move from row to row, also to rows that are not drawn yet.
  walk(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.target.closest("thead")) return;
    event.preventDefault();
    const row = event.target.closest("[aria-rowindex]");
    const now = row ? Number(row.getAttribute("aria-rowindex")) - 2 : -1;
    this.focused = Math.max(0, Math.min(this.ids.length - 1, now + step));
    this.window.reveal(this.focused);
    this.draw();
    setTimeout(() => {
      this.focused = undefined;
    }, 100);
  }
}

let explorer;

function showExplorer(box, parameters) {
  explorer ??= new Explorer(box);
  box.hidden = false;
  explorer.show(parameters);
}
