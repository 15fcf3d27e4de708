// @ts-check
// The address alone determines the view, so that every view can be shared as a link.

const VIEWS = {
  overview: (_, part) => at("overview", part),
  support: () => fill("support", showSupport),
  timeline: () => fill("timeline", showTimeline),
  explorer: (parameters) => fill("explorer", (box) => showExplorer(box, parameters)),
  outcome: (_, adapter, caseId) => fill("detail", (box) => showOutcome(box, adapter, caseId)),
  agreement: () => fill("agreement", showAgreement),
  corpus: () => document.getElementById("corpus"),
  rules: (_, number) => at("rules", number && `rule-${number}`),
  finding: (_, id) => fill("detail", (box) => showFinding(box, id)),
};

function fill(id, show) {
  const box = document.getElementById(id);
  delete box.dataset.title;
  show(box);
  return box;
}

// A view, scrolled to one of its parts.
function at(id, part) {
  const element = part && document.getElementById(part);
  // After the view is shown, as a hidden element cannot be scrolled to.
  if (element)
    setTimeout(() => {
      element.scrollIntoView();
      element.focus({ preventScroll: true });
    }, 0);
  const view = document.getElementById(id);
  view.dataset.title = (element?.querySelector("h2") ?? element ?? view.querySelector("h1")).textContent;
  return view;
}

function showUnknown(box, name) {
  box.replaceChildren(
    el("h1", {}, `This report has no view "${name}"`),
    el("p", {}, el("a", { href: "#/overview" }, "← overview")),
  );
}

/** @returns {NodeListOf<HTMLElement>} */
function elements(selector) {
  return document.querySelectorAll(selector);
}

// Show the view of the address; whether it is a different one from before.
function route() {
  if (location.hash && !location.hash.startsWith("#/")) return false;
  const [path, query = ""] = location.hash.slice(2).split("?");
  const [name, ...rest] = path.split("/").map(decodeURIComponent);
  const view = VIEWS[name || "overview"] ?? (() => fill("detail", (box) => showUnknown(box, name)));
  const shown = view(new URLSearchParams(query), ...rest);
  for (const section of elements("main > section")) section.hidden = section !== shown;
  for (const link of elements("nav a")) {
    if (link.dataset.view === (rest[0] === "glossary" ? "glossary" : name || "overview"))
      link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  entitle(shown);
  const moved = path !== shownPath;
  if (moved) window.scrollTo(0, 0);
  shownPath = path;
  return moved;
}

let shownPath;

function switchTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme ?? (dark ? "dark" : "light");
  document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
  route();
  drawThumbnails();
}

async function start() {
  document.getElementById("theme").addEventListener("click", switchTheme);
  try {
    await openDatabase();
  } catch (error) {
    document
      .getElementById("matrix")
      .replaceChildren(el("p", {}, `This browser cannot read the data: ${error.message}`));
    return;
  }
  showMatrix(document.getElementById("matrix"));
  for (const heading of elements("[data-link]"))
    heading.after(permalink(() => heading.dataset.link, heading.textContent));
  window.addEventListener("hashchange", () => {
    const kept = !route() && document.activeElement !== document.body;
    if (!kept) document.getElementById("content").focus({ preventScroll: true });
  });
  route();
  drawThumbnails();
  document.documentElement.dataset.ready = "yes";
}

start();
