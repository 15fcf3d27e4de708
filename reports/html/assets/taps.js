// @ts-check
// How the output is computed along each axis: where each tap of each input element lands, what is cropped, and how
// wrong elements are distributed over the phases (output position modulo stride), each of which has its own taps.

const MOST_POSITIONS = 64;

function geometryView(outcome, tensor) {
  if (!outcome.geometry) return el("p", {}, "By the rules this case is invalid: ", withRules("R11"), ".");
  const [rule, crop] = JSON.parse(outcome.geometry);
  const sizes = (name) => String(outcome[name]).split("x").map(Number);
  const [inputs, kernel, stride, dilation] = ["input_size", "kernel_size", "stride", "dilation"].map(sizes);
  const axes = SPATIAL[outcome.rank].map((name, n) => ({
    name,
    input: inputs[n],
    kernel: kernel[n],
    stride: stride[n],
    dilation: dilation[n],
    crop: crop[n],
  }));
  const wrong = outcome.direction === "fwd" && tensor ? wrongPositions(outcome, tensor, axes) : null;
  const summary = el(
    "summary",
    {},
    el("b", {}, "Geometry "),
    ` output ${outcome.output_size} by ${rule}, crop `,
    axes.map(({ name, crop: [low, high] }) => `${name} (${low}, ${high})`).join(", "),
  );
  return el(
    "details",
    { class: "environment", open: wrong !== null },
    summary,
    el("p", {}, "The rule: ", withRules(rule), ` ${facts.rules[rule].replaceAll("`", "")}.`),
    wrong ? phaseView(wrong, axes) : null,
    el(
      "div",
      { class: "taps" },
      axes.map((axis, n) => tapPicture(axis, wrong ? wrong.byAxis[n] : null)),
    ),
    el(
      "p",
      { class: "legend" },
      "Each row is an input element, each box a tap that adds to an output position; ",
      "positions outside the frame are cropped. Marked positions have wrong values.",
    ),
  );
}

// Counts of wrong elements by position on each axis and by phase.
function wrongPositions(outcome, tensor, axes) {
  if (!tensor.expected || String(tensor.shape) !== String(tensor.expected_shape)) return null;
  const first = outcome.layout === "channels_last" ? 1 : 2;
  const byAxis = axes.map((_, n) => new Array(tensor.shape[first + n]).fill(0));
  const phases = new Map();
  tensor.got.forEach((value, index) => {
    const difference = subtract(value, tensor.expected[index]);
    // For data that round, only an element outside its error bound is wrong.
    const isWrong = tensor.budget && typeof difference === "number" ? !(tensor.budget[index] <= 1) : difference !== 0;
    const place = placeOf(index, tensor.shape);
    const at = axes.map((_, n) => place[first + n]);
    const phase = axes.map(({ stride, crop }, n) => (((at[n] + crop[0]) % stride) + stride) % stride).join(",");
    const cell = phases.get(phase) ?? { n: 0, wrong: 0 };
    cell.n += 1;
    cell.wrong += isWrong;
    phases.set(phase, cell);
    if (isWrong)
      at.forEach((position, n) => {
        byAxis[n][position] += 1;
      });
  });
  return { byAxis, phases };
}

function phaseView({ phases }, axes) {
  if (phases.size < 2) return null;
  const cells = [...phases]
    .sort(([a], [b]) => byValue(a, b))
    .map(([phase, { n, wrong }]) => {
      const item = el("li", {}, el("code", {}, `(${phase})`), ` ${wrong} of ${n}`);
      item.style.background = wrong ? redShare(wrong / n) : "";
      return item;
    });
  return el(
    "div",
    {},
    el("h4", {}, `Wrong elements by phase, position modulo stride (${axes.map(({ name }) => name).join(", ")})`),
    el("ul", { class: "phases" }, cells),
  );
}

function tapPicture({ name, input, kernel, stride, dilation, crop: [low, high] }, wrong) {
  const full = (input - 1) * stride + dilation * (kernel - 1) + 1;
  const [start, end] = [Math.min(0, low), Math.max(full, full - high)];
  if (!input || end - start > MOST_POSITIONS)
    return el("p", { class: "note" }, `${name}: ${input} elements to ${full - low - high} positions, too long to draw`);
  const size = 16;
  const rows = Math.min(input, 24);
  const x = (position) => (position - start) * size;
  const [width, height] = [(end - start) * size + 2, (rows + 1) * size + 18];
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const shape = (tag, attributes, text) => {
    const element = document.createElementNS(svg.namespaceURI, tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    svg.append(element);
  };
  const title =
    `${name}: ${input} input elements, kernel ${kernel}, stride ${stride}, dilation ${dilation}, ` +
    `output ${full - low - high}`;
  svg.setAttribute("viewBox", `-1 -1 ${width} ${height}`);
  svg.setAttribute("width", String(width));
  svg.setAttribute("height", String(height));
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", title);
  for (let j = 0; j < rows; j += 1) {
    for (let t = 0; t < kernel; t += 1) {
      // Rule R1: tap t of input element j adds to this position of the full result.
      const position = j * stride + t * dilation;
      const kept = position >= low && position < full - high;
      shape("rect", {
        x: x(position) + 1,
        y: j * size + 1,
        width: size - 2,
        height: size - 2,
        rx: 2,
        class: kept ? "tap" : "tap cropped",
      });
      shape("text", { x: x(position) + size / 2, y: j * size + size / 2 + 4, class: "tap-name" }, t);
    }
  }
  const length = Math.max(0, full - low - high);
  for (let position = 0; position < length; position += 1) {
    shape("rect", {
      x: x(position + low) + 1,
      y: rows * size + 3,
      width: size - 2,
      height: size - 2,
      rx: 2,
      class: wrong?.[position] ? "out wrong" : "out",
    });
    if (length <= 32 || position % 4 === 0)
      shape(
        "text",
        {
          x: x(position + low) + size / 2,
          y: rows * size + 14,
          class: wrong?.[position] ? "tap-name wrong" : "tap-name",
        },
        position,
      );
  }
  shape("rect", { x: x(low), y: 0, width: length * size, height: (rows + 1) * size + 4, class: "frame" });
  return el(
    "figure",
    {},
    el(
      "figcaption",
      {},
      name,
      el(
        "span",
        {},
        ` ${input} → ${length}, k ${kernel}, s ${stride}, d ${dilation}`,
        input > rows ? `, first ${rows} inputs` : "",
      ),
    ),
    el("div", { class: "canvas" }, svg),
  );
}
