/* The page: makes its parts, and tells each what the others were asked. */

import { arrange } from "./arrangement.js";
import { beyond, cameraOf } from "./camera.js";
import { canvasView } from "./canvas.js";
import { crumbs } from "./crumbs.js";
import { Details } from "./details.js";
import { divider } from "./divider.js";
import { byId, el } from "./dom.js";
import { Graph, edgeRef } from "./graph.js";
import { showHelp } from "./help.js";
import { KEYS, isTaken, keyOf } from "./keys.js";
import { dataOf } from "./packed.js";
import { paneOf } from "./pane.js";
import { player } from "./player.js";
import { Practice } from "./practice.js";
import { colourBySize } from "./scale.js";
import { searchBox } from "./search.js";
import { sourcePane } from "./source.js";
import { BackwardPass } from "./steps.js";
import { svgView } from "./svg.js";
import { themeSwitch } from "./theme.js";
import { allOf, loopChooser, nameOf, numbersOf, turnChooser } from "./turns.js";
import { walker } from "./walking.js";

const ENTRANCE = 160; // pixels of a call that are brought into sight

const data = await dataOf(byId("data"));
const root = document.documentElement;
const stage = byId("stage");
const pane = paneOf(byId("details"));
const graph = new Graph(data);
const pass = new BackwardPass(graph);
let view = null;
let source = null;
let chosen = null;
let turn = null; // of a loop, the one that is looked at: {loop, turn}
let isColoured = false;
let isPractising = false;

const theme = themeSwitch(byId("theme-button"), redraw);
const camera = cameraOf(stage, (at, room) => {
  byId("graph").dataset.beyond = beyond(at, view.bounds, room).join(" ");
  view.place(at);
});
const details = new Details(graph, {
  link,
  theme,
  open,
  fold,
  frames: () => view.frames,
  turnOf: (edge) => turnChooser(graph, edge, turn, chooseTurn),
  turnOfLoop: (loop) => loopChooser(graph, loop, turn, chooseTurn),
});
const practice = new Practice(graph, {
  look: (ref) => choose(ref, { show: true, keep: true }),
  changed: () => showStep(steps.step()),
  redraw: () => pane.show(practice.pane()),
});
const steps = player(pass, showStep);
const ways = walker(graph, () => ({ view, chosen }));

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
  view.on("open", (each) => open(graph.item(each).opens));
  view.on("fold", () => chosen === null && !isPractising && pane.show(details.overview(), { keep: true }));
  view.on("focus", (each) => {
    camera.reveal(view.box(each));
    hover([each]);
  });
  source = sourcePane(byId("source"), graph, { hover: (refs) => view.light("hover", refs), choose: chooseLine });
  byId("turn-note").hidden = true;
  byId("crumbs").replaceChildren(...crumbs(graph, open));
  arrange(view.bounds, stage);
  begin();
  source.begin();
  colour();
  leaveOrEnterPractice();
  steps.go(pass.length);
  choose(ref, { reveal: ref !== null });
}

/** Turn to what a view which is too large to be read begins with: an error, else the inputs. */
function begin() {
  const wrong = data.findings.filter(({ severity }) => severity === "error").flatMap((finding) => graph.placesOf(finding));
  const inputs = graph.nodes.flatMap(({ kind }, index) => (kind === "input" ? [view.box(`n${index}`)] : []));
  camera.begin(view.bounds, wrong.map((ref) => view.box(ref)).find(Boolean), inputs.filter(Boolean));
}

/** Close a call in the picture, or open it again. */
function fold(number) {
  view.fold(number);
  camera.reveal(view.frames[number].box);
}

/** Lead to a call in the picture. */
function showCall(number) {
  const { box } = view.frames[number];
  view.leadTo(number);
  camera.show({ ...box, width: Math.min(box.width, ENTRANCE), height: Math.min(box.height, ENTRANCE) });
}

/** Open the closed group that has the focus, or close the call around it. */
function openOrClose() {
  const at = ways.focused();
  if (at === null) return;
  const { opens } = graph.nodes[at];
  const frame = view.frameOf(`n${at}`);
  if (opens !== undefined) open(opens);
  else if (frame >= 0) fold(frame);
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
  if (ref) view.uncover(ref);
  view.light("chosen", ref ? [ref] : []);
  hover([]);
  if (ref && show) camera.show(view.box(ref));
  else if (ref && reveal) camera.reveal(view.box(ref));
  if (ref) source.reveal(graph.siteOf(ref));
  if (!keep) pane.show(ref ? details.of(ref) : details.overview());
}

function chooseLine(refs, site) {
  if (refs.length === 1) return choose(refs[0], { reveal: true, keep: isPractising });
  view.light("chosen", refs);
  camera.reveal(view.box(refs[0]));
  if (!isPractising) pane.show(details.line(refs, site));
}

/** Show what is known after a step; in practice, what was answered. */
function showStep(step) {
  const isWhole = step === pass.length;
  const edge = isPractising || isWhole ? null : pass.now(step);
  const hidden = new Set(isPractising ? practice.hidden() : pass.later(step));
  view.light("later", hidden);
  pane.hide(hidden);
  view.light("now", edge === null ? [] : [edgeRef(edge)]);
  if (turn && !isWhole) setTurn(null); // a step is of all turns
  const one = isPractising ? practice.turn : turn;
  const { gradients, values, apart } = numbersOf(graph, one);
  stage.classList.toggle("is-one-turn", one !== null);
  view.light("apart", apart);
  view.note(isPractising ? practice.notes() : turn ? gradients : pass.notes(step), values);
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
  const edge = next ? graph.edges.findIndex(({ loop, turns }) => loop === next.loop && next.turn in turns) : -1;
  if (edge >= 0 && !chosen) camera.reveal(view.box(edgeRef(edge)));
  steps.stop();
  steps.go(pass.length);
}

function setTurn(next) {
  turn = next;
  byId("turn-note").hidden = turn === null;
  if (turn) byId("turn-text").textContent = `${nameOf(graph, turn)}; pale: ${allOf(graph, turn)}`;
  if (turn) byId("turn-end").textContent = allOf(graph, turn);
  for (const each of pane.element.querySelectorAll("select[data-loop]")) each.value = turn?.loop === Number(each.dataset.loop) ? turn.turn : "";
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
  pane.show(practice.pane());
  pane.element.querySelector("input:not([readonly])")?.focus();
}

function leaveOrEnterPractice() {
  byId("practice-button").setAttribute("aria-pressed", String(isPractising));
  byId("player").inert = isPractising;
}

/** Draw again what has colours of the theme in it. */
function redraw() {
  colour();
  if (!isPractising) pane.show(chosen ? details.of(chosen) : details.overview());
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
  ArrowDown: () => ways.walk(1),
  ArrowUp: () => ways.walk(-1),
  "Shift+ArrowRight": () => ways.follow("out", "to"),
  "Shift+ArrowLeft": () => ways.follow("in", "from"),
  Enter: () => ways.focused() !== null && !isPractising && choose(`n${ways.focused()}`),
  Escape: close,
  o: openOrClose,
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
  "help-button": help,
  "zoom-in": () => camera.zoom(1),
  "zoom-out": () => camera.zoom(-1),
  "zoom-fit": fit,
  "turn-end": () => chooseTurn(null),
};
for (const [id, action] of Object.entries(clicks)) byId(id).addEventListener("click", action);
divider();
searchBox(graph, {
  frames: () => view.frames,
  frame: showCall,
  view: (number) => open(number),
  show: (refs) => view.light("found", refs),
  choose: (ref) => {
    choose(ref, { show: true, keep: isPractising });
    view.focus(ref);
  },
});
window.addEventListener("resize", () => arrange(view.bounds, stage) && begin());
open(0);
root.classList.add("is-ready");
