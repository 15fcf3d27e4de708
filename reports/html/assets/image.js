// @ts-check
// The maps of a tensor as one image file, with their titles, for an issue or a talk.

const MARGIN = 16;
const HEAD = 74;

/**
 * Save the maps of a tensor as they are shown.
 * @param {HTMLElement} maps The figures.
 * @param {string} name The name of the tensor.
 * @param {{ adapter: string, case_id: string }} outcome What they belong to.
 */
function saveMaps(maps, name, outcome) {
  const dense = window.devicePixelRatio || 1;
  const drawn = [...maps.querySelectorAll("figure")].flatMap((figure) => {
    const canvas = /** @type {HTMLCanvasElement | null} */ (figure.querySelector("canvas[role=img]"));
    const title = figure.querySelector("figcaption").textContent;
    return canvas ? [{ title, canvas, width: canvas.width / dense, height: canvas.height / dense }] : [];
  });
  const titles = [`${outcome.adapter}: ${name}`, outcome.case_id];
  const image = document.createElement("canvas");
  const context = image.getContext("2d");
  const font = "13px system-ui, sans-serif";
  context.font = font;
  const wide = (text) => context.measureText(text).width;
  const lefts = [MARGIN];
  for (const { title, width } of drawn) lefts.push(lefts.at(-1) + Math.max(width, wide(title)) + MARGIN);
  const size = [
    Math.max(lefts.at(-1), ...titles.map((title) => wide(title) + 2 * MARGIN)),
    Math.max(...drawn.map(({ height }) => height), 0) + HEAD + MARGIN,
  ];
  [image.width, image.height] = size.map((length) => Math.ceil(length * dense));
  context.scale(dense, dense);
  const { color, backgroundColor } = getComputedStyle(document.body);
  context.fillStyle = backgroundColor;
  context.fillRect(0, 0, size[0], size[1]);
  context.fillStyle = color;
  context.font = font;
  titles.forEach((title, n) => {
    context.fillText(title, MARGIN, 24 + 18 * n);
  });
  drawn.forEach(({ title, canvas, width, height }, n) => {
    context.fillText(title, lefts[n], HEAD - 8);
    context.drawImage(canvas, lefts[n], HEAD, width, height);
  });
  const file = `${outcome.case_id}-${outcome.adapter.replaceAll(/[^\w.-]+/g, "_")}-${name}.png`;
  image.toBlob((blob) => save(blob, file));
}
