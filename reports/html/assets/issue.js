// @ts-check
// The body of an issue for a framework's tracker, in Markdown, made from the record of the run.

function issueBody(finding, outcome) {
  const about = facts.environments[outcome.adapter] ?? {};
  const versions = Object.entries(about.versions ?? {})
    .map(([name, version]) => `${name} ${version}`)
    .join(", ");
  const others = query("SELECT adapter, status, kind FROM asked WHERE case_no = ? AND adapter <> ? ORDER BY adapter", [
    outcome.case_no,
    outcome.adapter,
  ]);
  const script = finding.script ?? detailsOf(outcome.id)?.program ?? "";
  const parts = [
    `# ${versions.split(",")[0] || outcome.adapter}: transposed convolution, ${label(outcome.status, outcome.kind)}`,
    [outcome.diagnosis, outcome.detail]
      .filter(Boolean)
      .map((text) => fenced(text))
      .join("\n\n"),
    `Case \`${outcome.case_id}\``,
    finding.condition ? conditionLine(finding.condition) : "",
    [finding.kinds, finding.spread].some(Boolean)
      ? `Cases of this cause: ${[finding.kinds, finding.spread].filter(Boolean).join("; ")}.`
      : "",
    `## Script\n\n${fenced(script, script.startsWith("//") ? "javascript" : "python")}`,
    `## Environment\n\n${[
      versions,
      about.python && `Python ${about.python}`,
      about.cpu,
      (about.cpu_flags ?? []).join(" "),
      about.platform,
      factsOf(about).join(", "),
    ]
      .filter(Boolean)
      .map((text) => `- ${text}`)
      .join("\n")}`,
    others.length ? `## Other implementations on the same case\n\n${others.map(otherLine).join("\n")}` : "",
  ];
  return `${parts.filter(Boolean).join("\n\n")}\n`;
}

function otherLine({ adapter, status, kind }) {
  return `- ${adapter}: ${label(status, kind)}`;
}

function conditionLine({ exact, text, counted }) {
  return `${exact ? "It happens when" : "Seen in cases with"} ${inline(text)}. ${counted}`;
}

// A code block whose fence is longer than any run of backticks inside.
function fenced(text, language = "") {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text.trimEnd()}\n${fence}`;
}

function inline(text) {
  return `\`${text.replaceAll("`", "'")}\``;
}
