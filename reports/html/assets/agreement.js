// @ts-check
// Which adapters agree with each other, and how much of their error bounds they use.

const MEASURES = {
  "bit for bit": {
    about: "outputs of the same case with the same bits (an adapter that only infers shapes has none)",
    agree: (a, b, outcomes) => outcomes.answer[a] === outcomes.answer[b],
    counts: (id, outcomes) => outcomes.answer[id] !== null,
  },
  "both right": {
    about: "cases judged for both adapters on which both agree with the oracle within the error bound",
    agree: (a, b, outcomes) => outcomes.status[a] === "pass" && outcomes.status[b] === "pass",
    counts: (id, outcomes) => outcomes.judged[id],
  },
  "same verdict": {
    about: "cases judged for both adapters with the same verdict",
    agree: (a, b, outcomes) => outcomes.status[a] === outcomes.status[b] && outcomes.kind[a] === outcomes.kind[b],
    counts: (id, outcomes) => outcomes.judged[id],
  },
};

function outcomesByCase() {
  const [caseNo, adapter, answer, status, kind, judged] = outcomeColumns(
    "case_no",
    "adapter",
    "answer",
    "status",
    "kind",
    "judged",
  );
  const idsByCase = new Map();
  caseNo.forEach((number, id) => {
    if (!idsByCase.has(number)) idsByCase.set(number, []);
    idsByCase.get(number).push(id);
  });
  return { adapter, answer, status, kind, judged, idsByCase };
}

// For each pair of adapters: n, the number of cases that count, and alike, on how many of them the two agree.
function pairs(outcomes, measure) {
  const names = facts.adapters;
  const place = new Map(names.map((name, n) => [name, n]));
  const table = names.map(() => names.map(() => ({ n: 0, alike: 0 })));
  for (const ids of outcomes.idsByCase.values()) {
    const counted = ids.filter((id) => measure.counts(id, outcomes));
    for (const a of counted) {
      for (const b of counted) {
        const cell = table[place.get(outcomes.adapter[a])][place.get(outcomes.adapter[b])];
        cell.n += 1;
        cell.alike += measure.agree(a, b, outcomes);
      }
    }
  }
  return table;
}

// An order of the adapters that puts those that agree next to each other: join the two closest clusters until one is
// left (average linkage).
function clustered(table) {
  const share = (a, b) => (table[a][b].n ? table[a][b].alike / table[a][b].n : 0);
  let clusters = table.map((_, n) => [n]);
  while (clusters.length > 1) {
    let best = [-1, 0, 1];
    clusters.forEach((one, i) => {
      clusters.forEach((two, j) => {
        if (j <= i) return;
        const mean =
          one.reduce((sum, a) => sum + two.reduce((part, b) => part + share(a, b), 0), 0) / (one.length * two.length);
        if (mean > best[0]) best = [mean, i, j];
      });
    });
    const [, i, j] = best;
    clusters = [...clusters.filter((_, n) => n !== i && n !== j), [...clusters[i], ...clusters[j]]];
  }
  return clusters[0] ?? [];
}

function showAgreement(box) {
  const outcomes = outcomesByCase();
  let measure = "bit for bit";
  const draw = () => {
    const table = pairs(outcomes, MEASURES[measure]);
    const names = facts.adapters;
    // An adapter without an outcome that counts agrees with no other.
    const order = clustered(table).filter((a) => table[a][a].n);
    const head = el(
      "tr",
      {},
      el("td"),
      order.map((b) => el("th", { scope: "col" }, names[b])),
    );
    const rows = order.map((a) =>
      el(
        "tr",
        {},
        el("th", { scope: "row" }, names[a]),
        order.map((b) => el("td", {}, pairCell(table[a][b], names[a], names[b], measure))),
      ),
    );
    box.replaceChildren(
      el("h1", { id: "agreement-title" }, "Agreement between adapters"),
      permalink(() => "#/agreement"),
      el(
        "div",
        { class: "controls" },
        select("measure", Object.keys(MEASURES), measure, (value) => {
          measure = value;
          draw();
        }),
      ),
      el(
        "p",
        { class: "legend" },
        `Percentage of ${MEASURES[measure].about}, rounded down. `,
        "Adapters that agree most are next to each other. Each cell opens the outcomes that differ.",
      ),
      el(
        "div",
        { class: "scroll", tabindex: "0", role: "region", "aria-label": "Agreement" },
        el("table", { class: `${gridClass(order.length)} narrow` }, el("thead", {}, head), el("tbody", {}, rows)),
      ),
      distributions(),
    );
  };
  draw();
}

function pairCell({ n, alike }, one, other, measure) {
  if (one === other) return el("span", { class: "cell undone" }, "");
  if (!n) return el("span", { class: "cell undone", title: "no case with an output of both" }, "–");
  const share = alike / n;
  // Rounded down, so that 100 means all cases.
  const text = share === 1 ? "100" : String(Math.floor(share * 100));
  const both = `adapter IN (${quote(one)}, ${quote(other)})`;
  const where =
    measure === "bit for bit"
      ? `${both} AND differ(${both})`
      : `${both} AND NOT every(judged AND ${both}, status = 'pass') AND judged`;
  const title = `${one} and ${other}: ${text} %, ${alike} of ${n} ${measure}`;
  const link = el("a", { href: explorerLink(where), title, "aria-label": title }, text);
  link.style.background = `color-mix(in oklab, var(--link) ${Math.round(share ** 3 * 45)}%, var(--paper))`;
  return link;
}
