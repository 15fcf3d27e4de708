// @ts-check
// A tensor of an output next to the expected one: planes as heat maps, sliders for the other axes.

const SPATIAL = { 1: ["W"], 2: ["H", "W"], 3: ["D", "H", "W"] };

// The names of the axes of a tensor, outermost first.
function tensorAxes(name, outcome) {
  const spatial = SPATIAL[outcome.rank];
  if (name === "dw" || name === "ddw") return ["input channel", "output channel of the group", ...spatial];
  if (name === "db") return ["channel"];
  return outcome.layout === "channels_last" ? ["batch", ...spatial, "channel"] : ["batch", "channel", ...spatial];
}

const NOTES = { difference: "got − expected", "bound used": "1 is the most that rounding can cause" };

function tensorView(name, tensor, outcome) {
  const names = tensorAxes(name, outcome);
  const same = tensor.expected && String(tensor.shape) === String(tensor.expected_shape);
  const tensors = [
    ["expected", tensor.expected_shape, tensor.expected],
    ["got", tensor.shape, tensor.got],
  ].filter(([, shape, values]) => shape && values && shape.length === names.length);
  const heading = el("h3", {}, `${name} `, el("span", { class: "note" }, shapes(tensor, names)));
  if (!tensors.length)
    return el(
      "div",
      {},
      heading,
      el(
        "p",
        { class: "note" },
        "The output has a different number of axes and cannot be drawn like the expected one.",
      ),
    );
  const difference = same ? tensor.got.map((value, index) => subtract(value, tensor.expected[index])) : null;
  if (same) tensors.push(["difference", tensor.shape, difference]);
  if (same && tensor.budget) tensors.push(["bound used", tensor.shape, tensor.budget]);
  const [row, column] = drawnAxes(names);
  const others = names.map((_, axis) => axis).filter((axis) => axis !== column && axis !== row);
  const largest = names.map((_, axis) => Math.max(...tensors.map(([, shape]) => shape[axis])));
  const place = worst(tensors[0], tensors[1]) ?? names.map(() => 0);
  const maps = el("div", { class: "maps" });
  const readout = el("p", { class: "readout", role: "status" }, "");
  const draw = () => {
    const canvases = [];
    const point = (y, x) => {
      const at = [...place];
      at[column] = x;
      if (row >= 0) at[row] = y;
      const values = tensors.map(
        ([title, shape, flat]) => `${title} ${within(at, shape) ? number(flat[flatIndex(at, shape)]) : "nothing"}`,
      );
      readout.textContent = `[${at.join(", ")}]  ${values.join("  ")}`;
      for (const canvas of canvases) canvas.mark([y, x]);
    };
    const room = mapRoom(tensors.length);
    const planes = tensors.map(([title, shape, flat]) => [title, cut(flat, shape, place, row, column)]);
    // "expected" and "got" share a scale, so that they can be compared; the others have their own.
    const reach = Math.max(...planes.filter(([title]) => !(title in NOTES)).map(([, plane]) => plane.reach));
    maps.replaceChildren(
      ...planes.map(([title, plane]) => {
        const note = NOTES[title] ?? "";
        const map = heatMap({
          title,
          note,
          plane,
          absent: absence(names, place, tensors.find(([name]) => name === title)[1], [row, column]),
          reach: title in NOTES ? plane.reach : reach,
          axes: { row: row >= 0 },
          room,
          onpoint: point,
        });
        canvases.push(map.canvas);
        return map.figure;
      }),
    );
    readout.textContent = "Point at an element, or focus a map and use the arrow keys.";
  };
  const sliders = others
    .filter((axis) => largest[axis] > 1)
    .map((axis) => {
      const shown = el("output", {}, String(place[axis]));
      const input = el("input", {
        type: "range",
        min: "0",
        max: String(largest[axis] - 1),
        value: String(place[axis]),
        "aria-label": names[axis],
        oninput: () => {
          place[axis] = Number(input.value);
          shown.textContent = input.value;
          draw();
        },
      });
      return el("label", {}, names[axis], input, shown, el("span", { class: "note" }, `of 0–${largest[axis] - 1}`));
    });
  draw();
  const save = el(
    "button",
    { type: "button", class: "copy", onclick: () => saveMaps(maps, name, outcome) },
    "save image",
  );
  const controls = el("div", { class: "controls" }, sliders, save);
  return el("div", {}, heading, controls, maps, readout);
}

// Why a tensor has nothing at the position of the sliders: it ends before.
function absence(names, place, shape, drawn) {
  const beyond = names.flatMap((name, axis) =>
    !drawn.includes(axis) && place[axis] >= shape[axis]
      ? [shape[axis] ? `ends at ${name} = ${shape[axis] - 1}` : `has no ${name}`]
      : [],
  );
  return beyond.join(", ") || "has no element";
}

// The width in pixels of one of several maps, as many side by side as the style sheet allows.
function mapRoom(count) {
  const content = document.getElementById("content");
  const width = content.clientWidth - 2 * parseFloat(getComputedStyle(content).paddingLeft);
  const columns = Math.max(1, Math.min(count, Math.floor((width + 24) / 324)));
  return Math.min(480, (width - 24 * (columns - 1)) / columns);
}

// The axes drawn down and across: H and W, or channels and W without an H axis.
function drawnAxes(names) {
  if (names.length === 1) return [-1, 0];
  const down = names.includes("H") ? "H" : names.findLast((name) => name.includes("channel"));
  return [names.indexOf(down), names.indexOf("W")];
}

function shapes(tensor, names) {
  const text = (shape) => (shape ? `(${shape.join(", ")})` : "none");
  const order = ` as (${names.join(", ")})`;
  return String(tensor.shape) === String(tensor.expected_shape)
    ? text(tensor.shape) + order
    : `expected ${text(tensor.expected_shape)}, got ${text(tensor.shape)}${order}`;
}

function subtract(got, expected) {
  if (got === expected) return 0;
  return typeof got === "number" && typeof expected === "number" ? got - expected : "nan";
}

function within(at, shape) {
  return at.every((index, axis) => index < shape[axis]);
}

function flatIndex(at, shape) {
  return at.reduce((index, value, axis) => index * shape[axis] + value, 0);
}

// Where two tensors differ most, on the axes of both; null without a second one. NaN is larger than any number, and an
// element that one of them lacks counts as zero.
function worst(one, other) {
  if (!other) return null;
  const [[, expectedShape, expected], [, shape, got]] = [one, other];
  const sizes = expectedShape.map((length, axis) => Math.max(length, shape[axis]));
  const size = (value) => (typeof value === "number" ? Math.abs(value) : Infinity);
  const element = (flat, at, itsShape) => (within(at, itsShape) ? flat[flatIndex(at, itsShape)] : 0);
  const count = sizes.reduce((product, length) => product * length, 1);
  let [most, place] = [-1, null];
  for (let index = 0; index < count; index += 1) {
    const at = placeOf(index, sizes);
    const difference = size(subtract(element(got, at, shape), element(expected, at, expectedShape)));
    if (difference > most) [most, place] = [difference, at];
  }
  return place;
}

// The position of an element on each axis.
function placeOf(index, shape) {
  const place = [];
  for (let axis = shape.length - 1, rest = index; axis >= 0; axis -= 1) {
    place[axis] = rest % shape[axis];
    rest = Math.floor(rest / shape[axis]);
  }
  return place;
}

function cut(flat, shape, place, row, column) {
  const [rows, columns] = [row >= 0 ? shape[row] : 1, shape[column]];
  const values = [];
  const at = [...place];
  if (!place.every((index, axis) => axis === row || axis === column || index < shape[axis])) return new Plane([], 0, 0);
  for (let y = 0; y < rows; y += 1) {
    for (let x = 0; x < columns; x += 1) {
      if (row >= 0) at[row] = y;
      at[column] = x;
      values.push(flat[flatIndex(at, shape)]);
    }
  }
  return new Plane(values, rows, columns);
}
