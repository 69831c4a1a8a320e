/* The page: makes its parts, and tells each what the others were asked. */

import { cameraOf } from "./camera.js";
import { canvasView } from "./canvas.js";
import { Details } from "./details.js";
import { divider } from "./divider.js";
import { byId, el } from "./dom.js";
import { Graph, edgeRef, indexOf, isNode } from "./graph.js";
import { showHelp } from "./help.js";
import { KEYS, isTaken, keyOf } from "./keys.js";
import { dataOf } from "./packed.js";
import { player } from "./player.js";
import { Practice } from "./practice.js";
import { colourBySize } from "./scale.js";
import { searchBox } from "./search.js";
import { sourcePane } from "./source.js";
import { BackwardPass } from "./steps.js";
import { svgView } from "./svg.js";
import { allOf, nameOf, numbersOf, turnChooser } from "./turns.js";

const data = await dataOf(byId("data"));
const root = document.documentElement;
const stage = byId("stage");
const pane = byId("details");
const graph = new Graph(data);
const pass = new BackwardPass(graph);
const dark = matchMedia("(prefers-color-scheme: dark)");
let view = null;
let source = null;
let chosen = null;
let turn = null; // of a loop, the one that is looked at: {loop, turn}
let isColoured = false;
let isPractising = false;
let hidden = new Set(); // the gradients that are not there yet

const theme = () => (root.dataset.theme === "auto" ? (dark.matches ? "dark" : "light") : root.dataset.theme);
const camera = cameraOf(stage, (at) => view.place(at));
const details = new Details(graph, link, theme, open, (edge) => turnChooser(graph, edge, turn, chooseTurn));
const practice = new Practice(graph, {
  look: (ref) => choose(ref, { reveal: true, keep: true }),
  changed: () => showStep(steps.step()),
  redraw: () => showPane(practice.pane()),
});
const steps = player(pass, showStep);

/** Turn to a view: the whole, or a closed group. */
function open(number, ref = null) {
  steps.stop();
  isPractising = false;
  turn = null;
  view?.destroy();
  graph.load(number);
  pass.load();
  practice.restart();
  const viewOf = graph.view.columns ? canvasView : svgView;
  view = viewOf(stage, graph.view, (each, isHidden) => graph.sentence(each, isHidden));
  view.on("hover", (each) => hover(each ? [each] : []));
  view.on("choose", (each) => (isPractising ? practice.focus(each) : choose(each)));
  view.on("focus", (each) => {
    camera.reveal(view.box(each));
    hover([each]);
  });
  source = sourcePane(byId("source"), graph, { hover: (refs) => view.light("hover", refs), choose: chooseLine });
  byId("turn-note").hidden = true;
  byId("crumbs").replaceChildren(...crumbs());
  camera.begin(view.bounds, whereToLook());
  source.begin();
  colour();
  leaveOrEnterPractice();
  steps.go(pass.length);
  choose(ref, { reveal: ref !== null });
}

/** The box that a view which is too large to be read begins with: what is wrong, or the output, where gradients come from. */
function whereToLook() {
  const wrong = data.findings.filter(({ severity }) => severity !== "note").flatMap((finding) => graph.placesOf(finding));
  const output = graph.view.output === null ? [] : [`n${graph.view.output}`];
  return [...wrong, ...output].map((ref) => view.box(ref)).find(Boolean) ?? null;
}

/** The way to the view that is shown: each one around it leads there. */
function crumbs() {
  return graph.way().map((number, at, way) => {
    const { name } = data.views[number];
    const isHere = at === way.length - 1;
    const separator = at ? el("span", { "aria-hidden": "true" }, " › ") : null;
    const here = el(at ? "span" : "h1", { "aria-current": "page" }, name);
    return el("span", {}, separator, isHere ? here : el("button", { type: "button", class: "link", click: () => open(number) }, name));
  });
}

/** Make a button that leads to a node or an edge. */
function link(ref, text) {
  const listeners = {
    click: () => choose(ref, { show: true }),
    pointerenter: () => hover([ref]),
    pointerleave: () => hover([]),
    focus: () => hover([ref]),
    blur: () => hover([]),
  };
  return el("button", { type: "button", class: "link", "data-to": ref, ...listeners }, text);
}

/** Light what is pointed at, and its line. */
function hover(refs) {
  view.light("hover", refs);
  source.light([...refs, ...(chosen ? [chosen] : [])].map((ref) => graph.siteOf(ref)).filter(Boolean));
}

/** Choose a node or an edge, or nothing; its details take the place of the overview. */
function choose(ref, { reveal = false, show = false, keep = false } = {}) {
  chosen = ref;
  view.light("chosen", ref ? [ref] : []);
  hover([]);
  if (ref && show) camera.show(view.box(ref));
  else if (ref && reveal) camera.reveal(view.box(ref));
  if (ref) source.reveal(graph.siteOf(ref));
  if (!keep) showPane(ref ? details.of(ref) : details.overview());
}

function chooseLine(refs, site) {
  if (refs.length === 1) return choose(refs[0], { reveal: true, keep: isPractising });
  view.light("chosen", refs);
  camera.reveal(view.box(refs[0]));
  if (!isPractising) showPane(details.line(refs, site));
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
  const isWhole = step === pass.length;
  const edge = isPractising || isWhole ? null : pass.now(step);
  hidden = new Set(isPractising ? practice.hidden() : pass.later(step));
  view.light("later", hidden);
  view.light("now", edge === null ? [] : [edgeRef(edge)]);
  if (turn && !isWhole) setTurn(null); // a step is of all turns
  const one = isPractising ? practice.turn : turn;
  const { gradients, values, apart } = numbersOf(graph, one);
  stage.classList.toggle("is-one-turn", one !== null);
  view.light("apart", apart);
  view.note(isPractising ? practice.notes() : turn ? gradients : pass.notes(step), values);
  hideInPane();
  root.classList.toggle("is-stepping", !isWhole);
  if (edge === null) return;
  const site = graph.siteOf(edgeRef(edge));
  camera.reveal(view.box(edgeRef(edge)));
  source.light([site].filter(Boolean));
  source.reveal(site);
}

/** Look at one turn of a loop: its edges say what happened in it; null: at all turns. */
function chooseTurn(next) {
  setTurn(next);
  steps.stop();
  steps.go(pass.length);
}

function setTurn(next) {
  turn = next;
  byId("turn-note").hidden = turn === null;
  if (turn) byId("turn-text").textContent = `${nameOf(graph, turn)}; pale: ${allOf(graph, turn)}`;
  if (turn) byId("turn-end").textContent = allOf(graph, turn);
  colour();
}

function colour() {
  byId("colour-button").setAttribute("aria-pressed", String(isColoured));
  byId("scale").hidden = !isColoured;
  byId("scale").replaceChildren(...colourBySize(view, graph, isColoured, turn, theme()));
}

function toggleColour() {
  isColoured = !isColoured;
  colour();
}

function togglePractice() {
  isPractising = !isPractising;
  leaveOrEnterPractice();
  steps.stop();
  steps.go(pass.length);
  if (!isPractising) return choose(null);
  if (practice.exercises.length) byId("status").textContent = "Practice: the gradients are hidden until you have filled them in.";
  choose(null, { keep: true });
  showPane(practice.pane());
  pane.querySelector("input:not([readonly])")?.focus();
}

function leaveOrEnterPractice() {
  byId("practice-button").setAttribute("aria-pressed", String(isPractising));
  byId("player").inert = isPractising;
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
  let next = at === null ? 0 : at + direction;
  while (graph.nodes[next] && !view.box(`n${next}`)) next += direction; // what is outside of a part
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

/** Close what is open: practice, details, and at last the group. */
function close() {
  if (isPractising) return togglePractice();
  if (chosen === null && graph.view.parent !== null) return open(graph.view.parent);
  choose(null);
}

const unlessPractising = (action) => () => isPractising || action();
const fit = () => camera.fit(view.bounds);
const help = () => showHelp(byId("help"), graph.view.legend);
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
  Escape: close,
  "+": () => camera.zoom(1),
  "-": () => camera.zoom(-1),
  0: fit,
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
  "zoom-fit": fit,
  "turn-end": () => chooseTurn(null),
};
for (const [id, action] of Object.entries(clicks)) byId(id).addEventListener("click", action);
divider();
dark.addEventListener("change", redraw);
searchBox(graph, {
  show: (refs) => view.light("found", refs),
  choose: (ref) => {
    choose(ref, { show: true, keep: isPractising });
    view.focus(ref);
  },
});
open(0);
root.classList.add("is-ready");
