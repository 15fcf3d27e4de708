// @ts-check
// Elements. Texts become text nodes only, so that no message of a framework can become markup.

function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

function announce(text) {
  document.getElementById("status").textContent = text;
}

function label(status, kind) {
  const name = facts.statuses[status].label;
  return kind ? `${name}: ${kind}` : name;
}

function badge(status, kind) {
  const { colour, symbol, about } = facts.statuses[status];
  const title = kind ? facts.kinds[kind] : about;
  const sign = el("span", { "aria-hidden": "true" }, symbol);
  return el("span", { class: `badge ${colour}`, title }, sign, ` ${label(status, kind)}`);
}

function standingBadge(name, text) {
  const { colour, symbol, about } = facts.standings[name];
  return el(
    "span",
    { class: `badge ${colour}`, title: about },
    el("span", { "aria-hidden": "true" }, symbol),
    ` ${text}`,
  );
}

function copyButton(text) {
  const button = el("button", { type: "button", class: "copy", onclick: () => copy(text, button) }, "copy");
  return button;
}

/**
 * A button that copies the address of a view or of a part of one.
 * @param {() => string} address What follows the name of the file.
 * @param {string} [part] What the address leads to, for somebody who does not see it.
 */
function permalink(address, part = "this view") {
  const properties = { type: "button", class: "copy permalink", "aria-label": `copy link to ${part}` };
  const button = el("button", properties, "copy link");
  button.addEventListener("click", () => copy(location.href.replace(/#.*|$/, address), button));
  return button;
}

// The title of the window, by which a browser names its tab, a bookmark and a step of its history.
const REPORT_TITLE = document.title;

/** @param {HTMLElement} view The view that is shown. */
function entitle(view) {
  const name = view.dataset.title ?? view.querySelector("h1")?.textContent;
  document.title = view.id === "overview" ? REPORT_TITLE : `${name} · ${REPORT_TITLE}`;
}

function copyable(text, style = "") {
  return el("div", { class: "copyable" }, el("pre", { class: style, tabindex: "0" }, text), copyButton(text));
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without the permission, or for a page from disk: copy from a text area.
    const area = el("textarea", {});
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  button.dataset.label ??= button.textContent;
  button.textContent = "copied";
  announce("copied");
  setTimeout(() => {
    button.textContent = button.dataset.label;
  }, 1500);
}

function outcomeLink(adapter, caseId) {
  return `#/outcome/${encodeURIComponent(adapter)}/${encodeURIComponent(caseId)}`;
}

function explorerLink(where) {
  return `#/explorer?where=${encodeURIComponent(where)}`;
}

// A background that is redder for a larger share.
function redShare(share) {
  return `color-mix(in oklab, var(--red) ${Math.round(15 + 30 * share)}%, var(--paper))`;
}

// A number as text: six digits, integers unchanged.
function number(value) {
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e7) return String(value);
  return String(Number(value.toPrecision(6)));
}

// A number as short text, for a cell.
function short(value) {
  if (typeof value !== "number") return String(value);
  return Number.isInteger(value) && Math.abs(value) < 1e5 ? String(value) : String(Number(value.toPrecision(3)));
}

function select(title, options, chosen, onchange) {
  const list = el("select", { onchange: (event) => onchange(event.target.value) });
  for (const option of options)
    list.append(el("option", { value: option, selected: option === chosen }, option.replaceAll("_", " ")));
  return el("label", {}, title, list);
}

// A text with links from the numbers of rules to the rules.
function withRules(text) {
  return text.split(/\b(R[1-9][0-9]?)\b/).map((part) => {
    if (!facts.rules[part]) return part;
    return el("a", { href: `#/rules/${part}`, title: facts.rules[part] }, part);
  });
}

// A text with its addresses as links; for our own texts and documentation only, never for a message of a framework.
function withLinks(text) {
  return text
    .split(/(https:\/\/[^\s,;)]+)/)
    .map((part, n) => (n % 2 ? el("a", { href: part, rel: "noreferrer noopener" }, part) : part));
}
