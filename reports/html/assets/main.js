// @ts-check
// The address alone determines the view, so that every view can be shared as a link.

const VIEWS = {
  overview: () => document.getElementById("overview"),
  explorer: (parameters) => fill("explorer", (box) => showExplorer(box, parameters)),
  outcome: (_, adapter, caseId) => fill("detail", (box) => showOutcome(box, adapter, caseId)),
  agreement: () => fill("agreement", showAgreement),
  corpus: () => document.getElementById("corpus"),
  rules: (_, number) => showRule(number),
  finding: (_, id) => fill("detail", (box) => showFinding(box, id)),
};

function fill(id, show) {
  const box = document.getElementById(id);
  show(box);
  return box;
}

function showRule(number) {
  const rule = number && document.getElementById(`rule-${number}`);
  // After the view is shown, as a hidden element cannot be scrolled to.
  if (rule)
    setTimeout(() => {
      rule.scrollIntoView();
      rule.focus({ preventScroll: true });
    }, 0);
  return document.getElementById("rules");
}

/** @returns {NodeListOf<HTMLElement>} */
function elements(selector) {
  return document.querySelectorAll(selector);
}

function route() {
  if (location.hash && !location.hash.startsWith("#/")) return;
  const [path, query = ""] = location.hash.slice(2).split("?");
  const [name, ...rest] = path.split("/").map(decodeURIComponent);
  const view = VIEWS[name] ?? VIEWS.overview;
  const shown = view(new URLSearchParams(query), ...rest);
  for (const section of elements("main > section")) section.hidden = section !== shown;
  for (const link of elements("nav a")) {
    if (link.dataset.view === (rest[0] === "glossary" ? "glossary" : name || "overview"))
      link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  window.scrollTo(0, 0);
}

function switchTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme ?? (dark ? "dark" : "light");
  document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
  route();
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
  window.addEventListener("hashchange", () => {
    route();
    document.getElementById("content").focus();
  });
  route();
  document.documentElement.dataset.ready = "yes";
}

start();
