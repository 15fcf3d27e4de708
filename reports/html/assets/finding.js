// @ts-check
// All outcomes of one cause, with the smallest of them in full.

const MOST_MEMBERS = 60;

function showFinding(box, id) {
  const finding = facts.findings.find((item) => item.id === id);
  if (!finding) {
    box.replaceChildren(el("p", {}, `This report has no finding ${id}.`));
    return;
  }
  const members = query(
    `SELECT case_id FROM outcomes WHERE finding = ?
      ORDER BY case_id <> ?, (input_max + kernel_max) * rank * in_channels * out_channels, case_id LIMIT ?`,
    [id, finding.smallest, MOST_MEMBERS],
  );
  const shared = query(
    `SELECT other.adapter, count(*) AS n FROM asked JOIN asked AS other USING (case_no)
    WHERE asked.finding = ? AND other.gates AND other.judged AND other.adapter <> asked.adapter
    GROUP BY 1 ORDER BY 2 DESC`,
    [id],
  );
  const mine = `finding = ${quote(id)}`;
  const all = el("a", { href: explorerLink(mine) }, `all ${finding.count} in the explorer`);
  const outcome = findOutcome(finding.adapter, finding.smallest);
  const more = () =>
    [
      finding.script
        ? [el("h3", {}, "Standalone script: needs only the framework and NumPy"), copyable(finding.script)]
        : null,
      finding.issue
        ? el(
            "details",
            { class: "more" },
            el("summary", {}, "Text for an issue report"),
            copyable(finding.issue, "text"),
          )
        : null,
    ]
      .flat()
      .filter(Boolean);
  box.replaceChildren(
    ...[
      el("p", { class: "back" }, el("a", { href: "#/overview" }, "← overview")),
      el("h1", { class: "wrong" }, [`${finding.adapter}: ${finding.label}`, finding.text].filter(Boolean).join("; ")),
      permalink(() => `#/finding/${id}`),
      el(
        "p",
        {},
        el("a", { href: explorerLink(mine) }, `${finding.count} ${finding.count === 1 ? "case" : "cases"}`),
        standingsView(mine),
      ),
      breakdownView(finding),
      conditionView(finding),
      expectationsView(mine),
      machinesView(finding.machines),
      sharedView(shared),
      lifeView(finding.life),
      el("h2", {}, "The smallest case"),
      outcomeBody({ ...outcome, expectation: null }, more),
      el("h2", {}, "Cases"),
      el(
        "ol",
        { class: "members" },
        members.map((row) =>
          el("li", {}, el("a", { class: "case", href: outcomeLink(finding.adapter, row.case_id) }, row.case_id)),
        ),
      ),
      el("p", {}, all),
    ]
      .flat()
      .filter(Boolean),
  );
}

// The number of its cases by standing, each with a link to the outcomes.
function standingsView(where) {
  const counts = query(
    `SELECT standing, count(*) AS n FROM outcomes WHERE ${where} AND standing IS NOT NULL GROUP BY standing`,
  );
  const order = Object.keys(facts.standings);
  counts.sort((a, b) => order.indexOf(a.standing) - order.indexOf(b.standing));
  return counts.map(({ standing, n }) => [
    " · ",
    el(
      "a",
      { href: explorerLink(`${where} AND standing = ${quote(standing)}`) },
      standingBadge(standing, `${n} ${standing}`),
    ),
  ]);
}

function expectationsView(where) {
  const rows = query(
    `SELECT expectation, count(*) AS n FROM outcomes WHERE ${where} AND expectation IS NOT NULL
      GROUP BY expectation ORDER BY n DESC`,
  );
  return rows.map(({ expectation }) => el("p", {}, el("b", {}, "Expected "), withLinks(expectation)));
}

function sharedView(shared) {
  if (!shared.length) return el("p", {}, "No other adapter fails these cases.");
  const names = shared.map(({ adapter, n }, at) => [at ? ", " : "", `${adapter} (${n})`]);
  return el("p", {}, "Other adapters that fail some of these cases: ", names, ".");
}

// The machines on which it was seen, and those that ran its cases without showing it.
function machinesView(machines) {
  if (!machines) return null;
  const [seen, notSeen] = machines;
  return el(
    "p",
    {},
    `It happened on these machines: ${seen.join(", ")}. `,
    notSeen.length ? `It did not happen on: ${notSeen.join(", ")}.` : "No other machine ran these cases.",
  );
}

// The condition under which it happens, as text and as a link to the cases that meet it.
function conditionView({ adapter, condition }) {
  if (!condition) return null;
  const where = `adapter = ${quote(adapter)} AND judged AND (${condition.sql})`;
  const [before, after] = condition.phrase.split(condition.text, 2);
  const link = el("a", { href: explorerLink(where) }, el("code", {}, condition.text));
  const when = condition.exact ? "It happens when " : `${before[0].toUpperCase()}${before.slice(1)}`;
  return el("p", {}, when, after === undefined ? "" : link, `${after ?? ""}. ${condition.counted}`);
}

// The number of its cases by kind of failure, dtype, direction and kind of data.
function breakdownView({ breakdown }) {
  const names = { kind: "outcome", dtype: "dtype", direction: "direction", data: "data" };
  const parts = Object.entries(names)
    .filter(([name]) => Object.keys(breakdown[name] ?? {}).length > 1)
    .map(
      ([name, title]) =>
        `${title}: ${Object.entries(breakdown[name])
          .map(([value, count]) => `${count} ${value}`)
          .join(", ")}`,
    );
  return parts.length ? el("p", { class: "breakdown" }, parts.join(" · ")) : null;
}

// The outcomes of the smallest case over the versions in the history.
function lifeView(life) {
  if (!life.length) return null;
  const rows = life.map((stage) =>
    el(
      "tr",
      {},
      el("td", {}, stage.since),
      el("td", {}, stage.until === stage.since ? "" : stage.until),
      el("td", { class: "number" }, String(stage.runs)),
      el("td", {}, stage.label),
      el("td", {}, stage.transform),
    ),
  );
  return el(
    "div",
    {},
    el("h2", {}, "By version"),
    el(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": "By version" },
      el(
        "table",
        {},
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            ["from", "to", "runs", "outcome of the smallest case", "diagnosis"].map((name) =>
              el("th", { scope: "col" }, name),
            ),
          ),
        ),
        el("tbody", {}, rows),
      ),
    ),
  );
}
