// @ts-check
// What each adapter does with each feature: a table in the manner of caniuse.com.

// Each feature is a condition on the columns of a case.
const FEATURES = {
  Rank: { "1-D": "rank = 1", "2-D": "rank = 2", "3-D": "rank = 3" },
  Padding: {
    valid: "padding = 'valid'",
    same: "padding = 'same'",
    "same_upper, same_lower": "padding IN ('same_upper', 'same_lower')",
    circular: "padding = 'circular'",
    explicit: "padding = 'explicit' AND crop_low_min >= 0 AND crop_high_min >= 0",
    "uneven at the two ends": "padding = 'explicit' AND axes_crop_uneven > 0",
    "zeros added": "crop_low_min < 0 OR crop_high_min < 0",
    "output size given": "given_output_size IS NOT NULL",
  },
  Parameters: {
    output_padding: "output_padding_max > 0",
    stride: "stride_max > 1",
    "stride over kernel": "axes_stride_over_effective > 0",
    dilation: "dilation_max > 1",
    "dilation and stride": "dilation_max > 1 AND stride_max > 1",
    groups: "groups > 1",
    depthwise: "groups > 1 AND groups = in_channels",
    bias: "bias",
    "different axes": "stride_min <> stride_max OR kernel_min <> kernel_max OR dilation_min <> dilation_max",
  },
  Layout: { "channels first": "layout = 'channels_first'", "channels last": "layout = 'channels_last'" },
  Size: { "batch of 0": "batch = 0", "empty axis": "input_min = 0", "several items": "batch > 1" },
  Data: {
    "exact integers": "data = 'ints'",
    "rounded numbers": "data = 'normal'",
    "NaN, infinity and other special values": "data NOT IN ('ints', 'normal', 'ones')",
  },
  Direction: { output: "direction = 'fwd'", gradients: "direction = 'grad'" },
  "Invalid calls": { "refused as the rules demand": "NOT valid_question" },
};

// The states of a cell, the first that holds.
const SUPPORT = {
  works: { symbol: "✓", colour: "green", about: "all outputs are right", holds: (t) => t.judged && !t.wrong },
  wrong: { symbol: "✗", colour: "red", about: "no output is right", holds: (t) => t.judged && t.wrong === t.judged },
  partly: {
    symbol: "◐",
    colour: "yellow",
    about: "some outputs are right, others wrong; a cell names when, or what is wrong",
    holds: (t) => t.judged,
  },
  unsupported: {
    symbol: "–",
    colour: "blue",
    about: "refused, as its documentation says",
    holds: (t) => t.unsupported,
  },
  inexpressible: {
    symbol: "·",
    colour: "cyan",
    about: "its interface has no way to say it",
    holds: (t) => t.inexpressible,
  },
  "not judged": { symbol: "○", colour: "yellow", about: "run, but no output was compared", holds: (t) => t.n },
  "not run": { symbol: "", colour: "cyan", about: "this run has no such case", holds: () => true },
};

// The numbers of outcomes of each adapter among some cases: all, judged, wrong, and those that were not run.
function supportTallies(where) {
  const [row] = query(`SELECT json_group_array(case_no) AS numbers FROM cases WHERE ${where}`);
  const wanted = new Set(JSON.parse(row.numbers));
  const [cases, adapters, statuses, gates, judged, findings] = outcomeColumns(
    "case_no",
    "adapter",
    "status",
    "gates",
    "judged",
    "finding",
  );
  const tallies = new Map(
    facts.adapters.map((name) => [
      name,
      { n: 0, judged: 0, wrong: 0, unsupported: 0, inexpressible: 0, findings: new Map() },
    ]),
  );
  cases.forEach((number, id) => {
    if (!wanted.has(number)) return;
    const tally = tallies.get(adapters[id]);
    tally.n += 1;
    tally.judged += judged[id];
    if (gates[id] & judged[id]) {
      tally.wrong += 1;
      tally.findings.set(findings[id], (tally.findings.get(findings[id]) ?? 0) + 1);
    }
    if (statuses[id] in tally) tally[statuses[id]] += 1;
  });
  return tallies;
}

// Dtypes are the features that differ from run to run.
function featureGroups() {
  const dtypes = [...new Set(caseColumn("dtype"))].sort(byValue);
  const { Rank, ...others } = FEATURES;
  return { Rank, Dtype: Object.fromEntries(dtypes.map((name) => [name, `dtype = ${quote(name)}`])), ...others };
}

// When the outputs of a cell are wrong, by finding, the most frequent first: its condition, or else what is wrong.
function supportReasons({ findings }) {
  const counted = [...findings].sort(([, one], [, other]) => other - one);
  return counted.flatMap(([id, n]) => {
    const finding = facts.findings.find((item) => item.id === id);
    if (!finding) return [];
    const { condition } = finding;
    const reason = condition?.exact ? `where ${condition.text}` : finding.text || finding.label;
    return [`${n} ${reason}`];
  });
}

function supportCell(tally, adapter, feature, where) {
  const [name, { symbol, colour, about }] = Object.entries(SUPPORT).find(([, state]) => state.holds(tally));
  if (!tally.n) return el("td", {}, el("span", { class: "cell undone", title: `${adapter}, ${feature}: not run` }, ""));
  const counts = [
    tally.wrong
      ? `${tally.wrong} of ${tally.judged} wrong: ${supportReasons(tally).join("; ")}`
      : tally.judged
        ? `${tally.judged} right`
        : "",
    tally.unsupported ? `${tally.unsupported} unsupported` : "",
    tally.inexpressible ? `${tally.inexpressible} inexpressible` : "",
  ];
  const text = tally.wrong ? `${symbol} ${tally.wrong}` : symbol;
  const title = `${adapter}, ${feature}: ${text} ${name}, ${about} (${counts.filter(Boolean).join(", ") || tally.n})`;
  const href = explorerLink(`adapter = ${quote(adapter)} AND (${where})`);
  return el("td", {}, el("a", { href, class: `support ${colour}`, title, "aria-label": title }, text));
}

function supportRows(group, features) {
  const rows = Object.entries(features).flatMap(([feature, where]) => {
    const tallies = supportTallies(where);
    // A feature that no case of the run has says nothing.
    if (![...tallies.values()].some((tally) => tally.n)) return [];
    const cells = facts.adapters.map((name) => supportCell(tallies.get(name), name, feature, where));
    return [el("tr", {}, el("th", { scope: "row" }, feature), cells)];
  });
  const columns = String(facts.adapters.length + 1);
  return rows.length
    ? el("tbody", {}, el("tr", {}, el("th", { scope: "rowgroup", colspan: columns, class: "group" }, group)), rows)
    : null;
}

function showSupport(box) {
  if (box.childElementCount) return;
  const head = el(
    "tr",
    {},
    el("td"),
    facts.adapters.map((name) => el("th", { scope: "col" }, name)),
  );
  const table = el(
    "table",
    { class: `${gridClass(facts.adapters.length)} narrow features` },
    el("thead", {}, head),
    Object.entries(featureGroups()).map(([group, features]) => supportRows(group, features)),
  );
  const legend = Object.entries(SUPPORT).map(([name, { symbol, colour, about }]) =>
    el("li", {}, el("span", { class: `badge ${colour}` }, `${symbol} ${name}`), ` ${about}`),
  );
  box.replaceChildren(
    el("h1", { id: "support-title" }, "Support by adapter and feature"),
    permalink(() => "#/support"),
    el("ul", { class: "legend states" }, legend),
    el("p", { class: "legend" }, "A number counts wrong outputs. Every cell opens its outcomes."),
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Support" }, table),
  );
}
