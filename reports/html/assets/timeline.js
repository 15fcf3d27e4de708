// @ts-check
// The findings of this run over the recorded runs: one row per finding, one column per run.

const MOST_RUNS = 60;

function runTitle({ run, started, versions }, adapter = "") {
  const day = started ? new Date(started * 1000).toISOString().slice(0, 16).replace("T", " ") : null;
  return [`run ${run}`, day && `${day} UTC`, versions[adapter]].filter(Boolean).join(", ");
}

function timelineRow(adapter, life, runs, title) {
  const cells = runs.map((run) => {
    const stage = life.find(({ first_run, last_run }) => first_run <= run.run && run.run <= last_run);
    const outcome = stage ? [stage.label, stage.transform].filter(Boolean).join(", ") : "not run";
    const about = `${runTitle(run, adapter)}: ${outcome}`;
    const { symbol, colour } = facts.statuses[stage?.label.split(":")[0]] ?? { symbol: "", colour: "undone" };
    const cell = { class: `cell support ${colour}`, role: "img", "aria-label": about, title: about };
    return el("td", {}, el("span", cell, symbol));
  });
  return el("tr", {}, el("th", { scope: "row", class: "what" }, title), cells);
}

function showTimeline(box) {
  if (box.childElementCount) return;
  if (!facts.timeline) {
    box.replaceChildren(
      el("h1", {}, "The findings over time"),
      el("p", {}, "This report was written without a history of runs; ", el("code", {}, "--history"), " adds one."),
    );
    return;
  }
  const runs = facts.timeline.runs.slice(-MOST_RUNS);
  const rows = [
    ...facts.findings
      .filter((finding) => finding.life.length)
      .map((finding) => {
        const name = `${finding.adapter}: ${finding.text || finding.label}`;
        return timelineRow(finding.adapter, finding.life, runs, el("a", { href: `#/finding/${finding.id}` }, name));
      }),
    ...facts.timeline.fixed.map((item) => {
      const link = el("a", { class: "case", href: outcomeLink(item.adapter, item.case) }, item.case);
      return timelineRow(item.adapter, item.life, runs, [`${item.adapter}, fixed: `, link]);
    }),
  ];
  const head = runs.map((run) => el("th", { scope: "col", title: runTitle(run) }, String(run.run)));
  box.replaceChildren(
    el("h1", { id: "timeline-title" }, "The findings over time"),
    permalink(() => "#/timeline"),
    el(
      "p",
      { class: "legend" },
      `The outcome of the smallest case of each finding in the last ${runs.length} recorded runs, the latest on the `,
      "right, and one case of each that was fixed. A cell names its run, the versions and the outcome.",
    ),
    el(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": "Timeline" },
      el(
        "table",
        { class: "grid many narrow features" },
        el("thead", {}, el("tr", {}, el("td"), head)),
        el("tbody", {}, rows),
      ),
    ),
  );
}
