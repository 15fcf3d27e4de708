// @ts-check
// One outcome: the case, the output, the expected output, and the call.

function findOutcome(adapter, caseId) {
  // Outcomes are stored by the number of their case.
  const number = "SELECT case_no FROM cases WHERE case_id = ?";
  return query(`SELECT * FROM outcomes WHERE case_no = (${number}) AND adapter = ?`, [caseId, adapter])[0];
}

function showOutcome(box, adapter, caseId) {
  const outcome = findOutcome(adapter, caseId);
  if (!outcome) {
    box.replaceChildren(el("p", {}, `This report has no outcome of ${adapter} for ${caseId}.`));
    return;
  }
  box.replaceChildren(
    el(
      "p",
      { class: "back" },
      outcome.finding
        ? el("a", { href: `#/finding/${outcome.finding}` }, "← its finding")
        : el("a", { href: "#/overview" }, "← overview"),
    ),
    el(
      "h1",
      { class: outcome.gates ? "wrong" : "right" },
      `${outcome.adapter}: ${label(outcome.status, outcome.kind)}`,
    ),
    permalink(() => outcomeLink(adapter, caseId)),
    el("h2", {}, "The case"),
    outcomeBody(outcome),
  );
  box.dataset.title = `${adapter}: ${label(outcome.status, outcome.kind)}, ${caseId}`;
}

// Everything about an outcome; it is drawn again when its details arrive from a file next to the page.
// `more` makes other things to run, such as a script, which come after the call.
function outcomeBody(outcome, more = () => []) {
  const details = detailsOf(outcome.id);
  const file = details ? undefined : fileOf(outcome.id);
  const body = filledBody(outcome, more, details, file);
  if (file !== undefined) {
    loadFile(file).then(
      () => body.replaceWith(filledBody(outcome, more, detailsOf(outcome.id))),
      (error) => body.querySelector(".pending").replaceChildren(`${error.message}; the numbers are missing.`),
    );
  }
  return body;
}

function filledBody(outcome, more, details, file) {
  const body = el("div", {}, el("p", { class: "case" }, outcome.case_id, " ", copyButton(outcome.case_id)));
  if (outcome.standing || outcome.before) body.append(standingView(outcome));
  if (outcome.diagnosis) body.append(el("p", {}, el("b", {}, outcome.diagnosis)));
  if (outcome.detail) body.append(el("pre", { class: "text", tabindex: "0" }, withRules(outcome.detail)));
  if (outcome.source) body.append(el("p", { class: "note" }, "Documented: ", withLinks(outcome.source)));
  const evidence = details ? JSON.parse(details.evidence) : {};
  for (const [name, tensor] of Object.entries(evidence)) body.append(tensorView(name, tensor, outcome));
  body.append(geometryView(outcome, evidence.y));
  body.append(el("h3", {}, "Every adapter on this case"), sameCase(outcome));
  if (details?.program) body.append(el("h3", {}, "The call"), copyable(details.program.trim()));
  if (file !== undefined) body.append(el("p", { class: "pending" }, "Loading the numbers …"));
  body.append(...more());
  const target = `${outcome.case_id} --adapter ${shellWord(outcome.adapter)}`;
  if (outcome.gates)
    body.append(
      el("h3", {}, "Continue in a terminal"),
      copyable(["check", "explain", "minimize", "repro"].map((name) => `conformance ${name} ${target}`).join("\n")),
    );
  body.append(el("h3", {}, "Parameters"), parameters(outcome), environment(outcome.adapter) ?? "");
  return body;
}

// How the outcome compares with what was known, and the expectation that explains it.
function standingView({ standing, expectation, before }) {
  return el(
    "p",
    {},
    standing ? standingBadge(standing, standing) : null,
    before ? ` before: ${before}` : null,
    expectation ? [" expected: ", withLinks(expectation)] : null,
  );
}

function shellWord(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

// How the columns that hold 0 or 1 are shown.
const YES_OR_NO = { valid_question: ["no", "yes"], bias: ["no", "yes"] };

function parameters(outcome) {
  // Skip columns that repeat others: the sizes of all axes together include those of each axis.
  const skipped = /^axes_|_(min|max|d|h|w|width)$|^case_id$/;
  const names = Object.keys(facts.columns).filter(
    (name) => facts.columns[name] === "case" && !skipped.test(name) && outcome[name] !== null,
  );
  return el(
    "dl",
    { class: "parameters" },
    names.map((name) =>
      el(
        "div",
        {},
        el("dt", {}, name === "valid_question" ? "valid case" : name.replaceAll("_", " ")),
        el("dd", {}, name in YES_OR_NO ? YES_OR_NO[name][outcome[name]] : String(outcome[name])),
      ),
    ),
  );
}

function sameCase(outcome) {
  const rows = query(
    `SELECT adapter, status, kind, answer, profile, budget, max_abs_error
      FROM asked WHERE case_no = ? ORDER BY adapter`,
    [outcome.case_no],
  );
  const cells = (row) => [
    row.profile ?? "",
    row.budget === null ? "" : `${Math.round(row.budget * 100)} %`,
    row.max_abs_error === null ? "" : number(row.max_abs_error),
    row.answer ?? "",
  ];
  return el(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": "Every adapter on this case" },
    el(
      "table",
      {},
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          ["adapter", "outcome", "profile", "bound used", "largest error", "bits"].map((name) =>
            el("th", { scope: "col", title: name === "bits" ? "equal letters mean equal bits" : null }, name),
          ),
        ),
      ),
      el(
        "tbody",
        {},
        rows.map((row) =>
          el(
            "tr",
            {},
            el(
              "th",
              { scope: "row" },
              row.adapter === outcome.adapter
                ? row.adapter
                : el("a", { href: outcomeLink(row.adapter, outcome.case_id) }, row.adapter),
            ),
            el("td", {}, badge(row.status, row.kind)),
            cells(row).map((text) => el("td", {}, text)),
          ),
        ),
      ),
    ),
  );
}

// The facts about the machine as text, without those that could not be measured.
function factsOf(about) {
  const names = { true: "yes", false: "no" };
  return Object.entries(about.facts ?? {})
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name} ${names[value] ?? value}`);
}

function environment(adapter) {
  const about = facts.environments[adapter];
  if (!about) return null;
  const versions = Object.entries(about.versions ?? {})
    .map(([name, version]) => `${name} ${version}`)
    .join(", ");
  const parts = [
    versions,
    about.python && `Python ${about.python}`,
    about.cpu,
    about.threads && `${about.threads} threads`,
    (about.cpu_flags ?? []).join(" "),
    about.platform,
    ...factsOf(about),
  ];
  return el("div", {}, el("h3", {}, "Environment"), el("p", {}, parts.filter(Boolean).join(" · ")));
}
