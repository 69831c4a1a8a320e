/* The page: makes its parts, and tells each what the others were asked. */

import { cameraOf } from "./camera.js";
import { inkOf, rangeOf } from "./colours.js";
import { Details } from "./details.js";
import { byId, el } from "./dom.js";
import { Graph, edgeRef, indexOf, isNode } from "./graph.js";
import { KEYS, isTaken, keyOf } from "./keys.js";
import { player } from "./player.js";
import { Practice } from "./practice.js";
import { scaleLegend } from "./scale.js";
import { searchBox } from "./search.js";
import { sourcePane } from "./source.js";
import { BackwardPass } from "./steps.js";
import { parse, svgView } from "./svg.js";

const data = JSON.parse(byId("data").textContent);
const root = document.documentElement;
const stage = byId("stage");
const pane = byId("details");
const graph = new Graph(data);
const pass = new BackwardPass(graph);
const dark = matchMedia("(prefers-color-scheme: dark)");
let chosen = null;
let isColoured = false;
let isPractising = false;
let hidden = new Set(); // the gradients that are not there yet

byId("title").textContent = data.title;
document.title = `${data.title} · edgegrad`;

const theme = () => (root.dataset.theme === "auto" ? (dark.matches ? "dark" : "light") : root.dataset.theme);
const link = (ref, text) =>
  el(
    "button",
    {
      type: "button",
      class: "link",
      "data-to": ref,
      click: () => choose(ref, { reveal: true }),
      pointerenter: () => hover([ref]),
      pointerleave: () => hover([]),
      focus: () => hover([ref]),
      blur: () => hover([]),
    },
    text,
  );
const details = new Details(graph, link, theme);
const practice = new Practice(graph, {
  look: (ref) => choose(ref, { reveal: true, keep: true }),
  changed: () => showStep(steps.step()),
  redraw: () => showPane(practice.pane()),
});

/* The picture. */
const view = svgView(stage, data.pictures[0], (ref) => graph.sentence(ref));
const camera = cameraOf(stage, (at) => view.place(at));
view.on("hover", (ref) => hover(ref ? [ref] : []));
view.on("choose", (ref) => (isPractising ? practice.focus(ref) : choose(ref)));
view.on("focus", (ref) => {
  camera.reveal(view.box(ref));
  hover([ref]);
});

const source = sourcePane(byId("source"), graph, {
  hover: (refs) => view.light("hover", refs),
  choose: (refs, site) => {
    if (refs.length === 1) return choose(refs[0], { reveal: true, keep: isPractising });
    view.light("chosen", refs);
    camera.reveal(view.box(refs[0]));
    if (!isPractising) showPane(details.line(refs, site));
  },
});

/** Light what is pointed at, and its line. */
function hover(refs) {
  view.light("hover", refs);
  source.light([...refs, ...(chosen ? [chosen] : [])].map((ref) => graph.siteOf(ref)).filter(Boolean));
}

/** Choose a node or an edge, or nothing; its details take the place of the overview. */
function choose(ref, { reveal = false, keep = false } = {}) {
  chosen = ref;
  view.light("chosen", ref ? [ref] : []);
  hover([]);
  if (ref && reveal) camera.reveal(view.box(ref));
  if (ref) source.reveal(graph.siteOf(ref));
  if (!keep) showPane(ref ? details.of(ref) : details.overview());
}

function showPane(content) {
  pane.replaceChildren(...content.flat(Infinity).filter(Boolean));
  pane.scrollTop = 0;
  hideInPane();
}

/** Hide in the details what is hidden in the picture. */
function hideInPane() {
  for (const part of pane.querySelectorAll("[data-of]")) part.classList.toggle("is-later", hidden.has(part.dataset.of));
}

/** Show what is known after a step; in practice, what was answered. */
function showStep(step) {
  const edge = isPractising ? null : pass.now(step);
  const isWhole = step === pass.length;
  hidden = new Set(isPractising ? practice.hidden() : pass.later(step));
  view.light("later", hidden);
  view.light("now", edge === null || isWhole ? [] : [edgeRef(edge)]);
  view.note(isPractising ? practice.notes() : pass.notes(step));
  hideInPane();
  if (edge !== null && !isWhole) {
    camera.reveal(view.box(edgeRef(edge)));
    source.light([graph.siteOf(edgeRef(edge))].filter(Boolean));
    source.reveal(graph.siteOf(edgeRef(edge)));
  }
  root.classList.toggle("is-stepping", !isWhole);
}

/** Draw wires by the size of their gradients, or plainly. */
function colour() {
  const range = rangeOf(graph.edges.map((edge) => edge.magnitude));
  const isShown = isColoured && range !== null;
  view.colour(isShown ? (edge) => inkOf(graph.edges[edge].magnitude, range, theme()) : null);
  byId("colour-button").setAttribute("aria-pressed", String(isColoured));
  byId("scale").hidden = !isColoured;
  byId("scale").replaceChildren(isShown ? scaleLegend(range, theme()) : "No gradient has a size.");
}

function toggleColour() {
  isColoured = !isColoured;
  colour();
}

function togglePractice() {
  isPractising = !isPractising;
  byId("practice-button").setAttribute("aria-pressed", String(isPractising));
  byId("player").inert = isPractising;
  steps.stop();
  steps.go(pass.length);
  if (!isPractising) return choose(null);
  byId("status").textContent = "Practice: the gradients are hidden until you have filled them in.";
  choose(null, { keep: true });
  showPane(practice.pane());
  pane.querySelector("input:not([readonly])")?.focus();
}

function turnTheme() {
  const themes = ["auto", "light", "dark"];
  root.dataset.theme = themes[(themes.indexOf(root.dataset.theme) + 1) % themes.length];
  byId("theme-button").textContent = `Theme: ${root.dataset.theme}`;
  redraw();
}

/** Draw again what has colours of the theme in it. */
function redraw() {
  colour();
  if (!isPractising) showPane(chosen ? details.of(chosen) : details.overview());
}

/** Go from node to node in the order of execution, or along a wire. */
function walk(direction) {
  const at = focused();
  const next = at === null ? 0 : at + direction;
  if (graph.nodes[next]) view.focus(`n${next}`);
}

function follow(side, end) {
  const at = focused();
  const edge = at === null ? undefined : graph.nodes[at][side]?.[0];
  if (edge !== undefined) view.focus(`n${graph.edges[edge][end]}`);
}

function focused() {
  const ref = document.activeElement?.dataset?.ref ?? chosen;
  if (!ref) return null;
  return isNode(ref) ? indexOf(ref) : graph.edges[indexOf(ref)].from;
}

function help() {
  const dialog = byId("help");
  const rows = KEYS.map(([, shown, words]) => el("tr", {}, el("th", { scope: "row" }, el("kbd", {}, shown)), el("td", {}, words)));
  const close = el("button", { type: "button", click: () => dialog.close() }, "Close");
  const legend = parse(data.pictures[0].legend);
  legend.setAttribute("aria-label", "What the signs of the picture mean");
  const mouse = "Drag to move, turn the wheel or pinch to zoom; point at a line of the source or at a node to see what belongs together, and click for the arithmetic.";
  dialog.replaceChildren(el("h2", { id: "help-title" }, "How to read this page"), el("p", {}, mouse), legend, el("table", {}, el("tbody", {}, rows)), close);
  dialog.showModal();
}

searchBox(graph, {
  show: (refs) => view.light("found", refs),
  choose: (ref) => {
    choose(ref, { reveal: true });
    view.focus(ref);
  },
});

const steps = player(pass, showStep);
const unlessPractising = (action) => () => isPractising || action();
const actions = {
  ArrowRight: unlessPractising(steps.next),
  ArrowLeft: unlessPractising(steps.back),
  " ": unlessPractising(steps.play),
  Home: unlessPractising(steps.first),
  End: unlessPractising(steps.last),
  ArrowDown: () => walk(1),
  ArrowUp: () => walk(-1),
  "Shift+ArrowRight": () => follow("out", "to"),
  "Shift+ArrowLeft": () => follow("in", "from"),
  Enter: () => focused() !== null && !isPractising && choose(`n${focused()}`),
  Escape: () => (isPractising ? togglePractice() : choose(null)),
  "+": () => camera.zoom(1),
  "-": () => camera.zoom(-1),
  0: () => camera.fit(view.bounds),
  "/": () => byId("search").select(),
  c: toggleColour,
  p: togglePractice,
  "?": help,
};
const byKey = new Map(KEYS.flatMap(([keys]) => keys.map((key) => [key, actions[keys[0]]])));
document.addEventListener("keydown", (event) => {
  const action = isTaken(event) ? null : byKey.get(keyOf(event));
  if (!action) return;
  event.preventDefault();
  action();
});

const clicks = {
  "overview-button": () => (isPractising ? togglePractice() : choose(null)),
  "colour-button": toggleColour,
  "practice-button": togglePractice,
  "theme-button": turnTheme,
  "help-button": help,
  "zoom-in": () => camera.zoom(1),
  "zoom-out": () => camera.zoom(-1),
  "zoom-fit": () => camera.fit(view.bounds),
};
for (const [id, action] of Object.entries(clicks)) byId(id).addEventListener("click", action);
dark.addEventListener("change", redraw);

choose(null);
// A cell of a notebook gets its size late, and is nothing to measure before.
if ("embedded" in root.dataset) new ResizeObserver(() => camera.fit(view.bounds)).observe(stage);
else camera.begin(view.bounds);
source.begin();
