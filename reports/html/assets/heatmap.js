// @ts-check
// One plane of a tensor as a heat map. Colours diverge around zero, on a scale that colour-blind people can read.

const ODD = "#00968f"; // NaN and infinity: a colour that the scale does not have
const ON_DARK = d3.piecewise(d3.interpolateLab, ["#a99bf5", "#2b3036", "#f2a24e"]);

// Values of one plane: rows by columns.
class Plane {
  constructor(values, rows, columns) {
    this.values = values;
    this.rows = rows;
    this.columns = columns;
  }

  get reach() {
    let reach = 0;
    for (const value of this.values) if (typeof value === "number") reach = Math.max(reach, Math.abs(value));
    return reach;
  }
}

function colourScale(reach) {
  const scale = d3.scaleDiverging([-(reach || 1), 0, reach || 1], isDark() ? ON_DARK : d3.interpolatePuOr);
  return (value) => (typeof value === "number" ? scale(value) : ODD);
}

function isDark() {
  return inkOn(getComputedStyle(document.body).backgroundColor) === "#fff";
}

// Black or white, whichever has more contrast with a colour.
function inkOn(colour) {
  const [r, g, b] = colour.startsWith("#")
    ? [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16))
    : colour.match(/[\d.]+/g).map(Number);
  return 0.299 * r + 0.587 * g + 0.114 * b > 140 ? "#111" : "#fff";
}

function heatMap({ title, note, plane, reach, axes, room, absent, onpoint }) {
  const numbers = plane.values.filter((value) => typeof value === "number");
  const longest = numbers.reduce((length, value) => Math.max(length, short(value).length), 2);
  const fits = (pixels, count) => Math.floor(pixels / Math.max(count, 1));
  const cell = Math.max(3, Math.min(44, fits(room - 28, plane.columns), fits(420, plane.rows)));
  const margin = { left: axes.row && plane.rows > 1 ? 26 : 0, top: 16 };
  const canvas = el("canvas", {
    tabindex: "0",
    role: "img",
    "aria-label": `${title}: heat map of ${plane.rows} by ${plane.columns} values; arrow keys read them`,
  });
  const [width, height] = [margin.left + plane.columns * cell, margin.top + plane.rows * cell];
  const dense = window.devicePixelRatio || 1;
  [canvas.width, canvas.height] = [Math.max(1, width * dense), Math.max(1, height * dense)];
  [canvas.style.width, canvas.style.height] = [`${width}px`, `${height}px`];
  const colour = colourScale(reach);
  const draw = (focus) => {
    const context = canvas.getContext("2d");
    context.setTransform(dense, 0, 0, dense, 0, 0);
    context.clearRect(0, 0, width, height);
    const ink = getComputedStyle(document.body).color;
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillStyle = ink;
    const step = (count) => Math.max(1, Math.ceil((count * 22) / Math.max(count * cell, 1)), Math.ceil(22 / cell));
    for (let x = 0; x < plane.columns; x += step(plane.columns)) context.fillText(x, margin.left + (x + 0.5) * cell, 7);
    if (margin.left)
      for (let y = 0; y < plane.rows; y += step(plane.rows)) context.fillText(y, 11, margin.top + (y + 0.5) * cell);
    const gap = cell > 8 ? 1 : 0;
    const fitting = (length) => Math.min(12, Math.floor((cell * 1.6) / length));
    plane.values.forEach((value, index) => {
      const [x, y] = [
        margin.left + (index % plane.columns) * cell,
        margin.top + Math.floor(index / plane.columns) * cell,
      ];
      const fill = colour(value);
      context.fillStyle = fill;
      context.fillRect(x, y, cell - gap, cell - gap);
      const size = fitting(typeof value === "number" ? longest : value.length);
      if (size >= 8) {
        context.font = `${size}px system-ui, sans-serif`;
        context.fillStyle = inkOn(fill);
        context.fillText(short(value), x + cell / 2, y + cell / 2);
      }
    });
    if (focus) {
      context.strokeStyle = ink;
      context.lineWidth = 2;
      context.strokeRect(margin.left + focus[1] * cell, margin.top + focus[0] * cell, cell - gap, cell - gap);
    }
  };
  canvas.mark = draw;
  const at = [0, 0];
  const point = (row, column) => {
    if (!plane.values.length) return;
    at[0] = Math.max(0, Math.min(plane.rows - 1, row));
    at[1] = Math.max(0, Math.min(plane.columns - 1, column));
    onpoint(at[0], at[1]);
  };
  canvas.addEventListener("pointermove", (event) =>
    point(Math.floor((event.offsetY - margin.top) / cell), Math.floor((event.offsetX - margin.left) / cell)),
  );
  canvas.addEventListener("focus", () => point(...at));
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!move) return;
    event.preventDefault();
    point(at[0] + move[0], at[1] + move[1]);
  });
  draw();
  return {
    canvas,
    figure: el(
      "figure",
      {},
      el("figcaption", {}, title, el("span", {}, note ? ` ${note}` : "")),
      ...(plane.values.length
        ? [el("div", { class: "canvas" }, canvas), legend(reach, colour)]
        : [el("p", { class: "note" }, absent)]),
    ),
  };
}

function legend(reach, colour) {
  const canvas = el("canvas", { width: "120", height: "8", "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  for (let x = 0; x < 120; x += 1) {
    context.fillStyle = colour(((x / 119) * 2 - 1) * (reach || 1));
    context.fillRect(x, 0, 1, 8);
  }
  return el("div", { class: "scale" }, short(-reach), canvas, short(reach));
}
