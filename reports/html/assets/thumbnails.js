// @ts-check
// Small maps of wrong elements beside the findings of the overview.

const MOST_THUMBNAILS = 12;
const THUMBNAIL = { width: 96, height: 60, cell: 12 };

// The plane with the largest difference of the smallest case of a finding; null where the page has no such numbers.
function worstPlane(finding) {
  const outcome = findOutcome(finding.adapter, finding.smallest);
  const details = outcome && detailsOf(outcome.id);
  for (const [name, tensor] of Object.entries(details ? JSON.parse(details.evidence) : {})) {
    const { shape, expected_shape, got, expected } = tensor;
    const names = tensorAxes(name, outcome);
    const wrong = expected && String(shape) === String(expected_shape) && got.some((value, n) => value !== expected[n]);
    if (!wrong || shape.length !== names.length) continue;
    const place = worst(["expected", shape, expected], ["got", shape, got]);
    const difference = got.map((value, n) => subtract(value, expected[n]));
    return { name, plane: cut(difference, shape, place, ...drawnAxes(names)) };
  }
  return null;
}

function thumbnail({ name, plane }) {
  const { width, height, cell } = THUMBNAIL;
  const size = Math.max(1, Math.min(cell, Math.floor(width / plane.columns), Math.floor(height / plane.rows)));
  const canvas = /** @type {HTMLCanvasElement} */ (
    el("canvas", {
      class: "thumbnail",
      role: "img",
      "aria-label": `where ${name} is wrong: got − expected, ${plane.rows} by ${plane.columns} values`,
      width: String(Math.min(width, size * plane.columns)),
      height: String(Math.min(height, size * plane.rows)),
    })
  );
  const context = canvas.getContext("2d");
  const colour = colourScale(plane.reach);
  plane.values.forEach((value, n) => {
    context.fillStyle = colour(value);
    context.fillRect((n % plane.columns) * size, Math.floor(n / plane.columns) * size, size, size);
  });
  return canvas;
}

// Draw the maps of the first findings again, in the colours of the scheme.
function drawThumbnails() {
  for (const row of [...elements("tr[data-finding]")].slice(0, MOST_THUMBNAILS)) {
    const finding = facts.findings.find(({ id }) => id === row.dataset.finding);
    const worst = finding && worstPlane(finding);
    row.querySelector(".thumbnail")?.remove();
    if (worst) row.querySelector("td").prepend(thumbnail(worst));
  }
}
