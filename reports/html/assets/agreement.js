// @ts-check
// Which adapters agree with each other, and how much of their error bounds they use.

const MEASURES = {
  "bit for bit": {
    about: "answers to the same case that are the same bits (an adapter that infers shapes alone has none)",
    alike: (a, b, known) => known.answer[a] === known.answer[b],
    counts: (n, known) => known.answer[n] !== null,
  },
  "both right": {
    about: "cases judged for both on which both agree with the oracle within bound",
    alike: (a, b, known) => known.status[a] === "pass" && known.status[b] === "pass",
    counts: (n, known) => known.judged[n],
  },
  "same verdict": {
    about: "cases judged for both with the same verdict",
    alike: (a, b, known) => known.status[a] === known.status[b] && known.kind[a] === known.kind[b],
    counts: (n, known) => known.judged[n],
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
  const together = new Map();
  caseNo.forEach((number, id) => {
    if (!together.has(number)) together.set(number, []);
    together.get(number).push(id);
  });
  return { adapter, answer, status, kind, judged, together };
}

// Shares of agreeing answers by pair of adapters.
function pairs(known, measure) {
  const names = facts.adapters;
  const place = new Map(names.map((name, n) => [name, n]));
  const table = names.map(() => names.map(() => ({ n: 0, alike: 0 })));
  for (const ids of known.together.values()) {
    const counted = ids.filter((id) => measure.counts(id, known));
    for (const a of counted) {
      for (const b of counted) {
        const cell = table[place.get(known.adapter[a])][place.get(known.adapter[b])];
        cell.n += 1;
        cell.alike += measure.alike(a, b, known);
      }
    }
  }
  return table;
}

// An order of adapters that puts those that agree side by side: the closest two clusters are joined until one is left
// (average linkage).
function clustered(table) {
  const near = (a, b) => (table[a][b].n ? table[a][b].alike / table[a][b].n : 0);
  let clusters = table.map((_, n) => [n]);
  while (clusters.length > 1) {
    let best = [-1, 0, 1];
    clusters.forEach((one, i) => {
      clusters.forEach((two, j) => {
        if (j <= i) return;
        const mean =
          one.reduce((sum, a) => sum + two.reduce((part, b) => part + near(a, b), 0), 0) / (one.length * two.length);
        if (mean > best[0]) best = [mean, i, j];
      });
    });
    const [, i, j] = best;
    clusters = [...clusters.filter((_, n) => n !== i && n !== j), [...clusters[i], ...clusters[j]]];
  }
  return clusters[0] ?? [];
}

function showAgreement(box) {
  const known = outcomesByCase();
  let measure = "bit for bit";
  const draw = () => {
    const table = pairs(known, MEASURES[measure]);
    const names = facts.adapters;
    // Whoever gave no answer that counts agrees with nobody.
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
      el("h1", { id: "agreement-title" }, "Who agrees with whom"),
      el(
        "div",
        { class: "controls" },
        select("measured", Object.keys(MEASURES), measure, (value) => {
          measure = value;
          draw();
        }),
      ),
      el(
        "p",
        { class: "legend" },
        `Percentage of ${MEASURES[measure].about}, rounded down. `,
        "Adapters that agree most stand together. Each cell opens what differs.",
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
  if (!n) return el("span", { class: "cell undone", title: "no case that both answer" }, "–");
  const share = alike / n;
  // Rounded down, so that 100 is all of them.
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
