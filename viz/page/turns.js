/* One turn of a loop: which turns the page has in full, and what each edge says of the one that is chosen. */

import { el } from "./dom.js";
import { edgeRef, nodeRef } from "./graph.js";

const SHOWS_RUNS = ["input", "splitter", "broadcast"]; // nodes that have numbers beside them

const showsRuns = ({ kind, count }) => count && SHOWS_RUNS.includes(kind);

/* What there is room for: of an array its shape and its norm, without the largest element. */
const short = (text) => text.split("\n")[0].replace(/(?<=‖), \S+ at \[[^\]]*\]$/, "");

/** What is said of one turn: `gradients` and `values`, Maps from reference to text; `apart`: what has several runs, and
 * none of them told in this turn. Of no turn, nothing is said. */
export function numbersOf(graph, chosen) {
  const gradients = new Map();
  const values = new Map();
  if (!chosen) return { gradients, values, apart: [] };
  const { loop, turn } = chosen;
  graph.edges.forEach((edge, index) => {
    const told = edge.loop === loop ? edge.turns[turn] : undefined;
    if (!told) return;
    for (const ref of graph.shownWith(index)) {
      const isEdge = ref === edgeRef(index);
      if (!isEdge && !showsRuns(graph.item(ref))) continue; // it is of all turns, or the edge's alone
      gradients.set(ref, short((isEdge && told.working) || told.grad));
      values.set(ref, short(told.value));
    }
  });
  const nodes = graph.nodes.flatMap((node, index) => (showsRuns(node) && !gradients.has(nodeRef(index)) ? [nodeRef(index)] : []));
  const edges = graph.edges.flatMap((edge, index) => (edge.count && !gradients.has(edgeRef(index)) ? [edgeRef(index)] : []));
  return { gradients, values, apart: [...nodes, ...edges] };
}

/** A turn in a few words, by the loops around it: `i = 3, j = 24`, `turn 24`; or `run 24` of what is no loop. */
const callOf = ({ names }, turn) => names?.[turn] ?? `run ${turn.toLocaleString("en")}`;

/** A turn in words, with how many there are. */
export function nameOf(graph, { loop, turn }) {
  const found = graph.view.loops[loop];
  const { count } = found;
  const place = turn === count - 1 ? "last of " : turn === 0 ? "first of " : "of ";
  const called = callOf(found, turn);
  return `${called} (${place}${count.toLocaleString("en")}${/\b(turn|run) /.test(called) ? ", from 0" : ""})`;
}

/** All turns of a loop, or runs. */
export const allOf = (graph, { loop }) => `all ${graph.view.loops[loop].word}s`;

/** Make what a turn of a loop is chosen by, or all of them; null where none is kept. */
export function loopChooser(graph, loop, chosen, choose) {
  const found = graph.view.loops[loop];
  const inside = graph.edges.filter((edge) => edge.loop === loop && edge.turns);
  const kept = [...new Set(inside.flatMap(({ turns }) => Object.keys(turns).map(Number)))].sort((first, second) => first - second);
  if (!kept.length) return null;
  const lines = inside.map(({ to }) => graph.nodes[to].site?.line).filter(Boolean);
  const place = lines.length ? ` at line ${Math.min(...lines)}` : "";
  const now = chosen?.loop === loop ? chosen.turn : null;
  const options = kept.map((turn) => el("option", { value: turn, selected: turn === now }, callOf(found, turn)));
  const all = el("option", { value: "", selected: now === null }, allOf(graph, { loop }));
  const pick = ({ target }) => choose(target.value === "" ? null : { loop, turn: Number(target.value) });
  const called = `${found.count.toLocaleString("en")} ${found.word}s${place}`;
  return el("li", { class: "row" }, el("label", { for: `loop-${loop}` }, called), el("select", { id: `loop-${loop}`, "data-loop": loop, change: pick }, all, options));
}

/** Make what a turn of an edge's loop is chosen by, and show the edge in it: choose({loop, turn}) is told. */
export function turnChooser(graph, index, chosen, choose) {
  const { turns, loop } = graph.edges[index];
  const kept = Object.keys(turns).map(Number).sort((first, second) => first - second);
  const { count, word } = graph.view.loops[loop];
  const pane = el("div", { class: "turn", "aria-live": "polite", "data-of": edgeRef(index) });
  const show = (turn) => {
    const told = turns[turn];
    const lines = (told.working ?? told.grad).split("\n").map((line) => el("div", { class: "working" }, line));
    const value = el("div", {}, "value ", el("span", { class: "value" }, told.value));
    pane.replaceChildren(value, ...lines, told.formula ? el("small", {}, `local = ${told.formula}`) : "");
  };
  const first = chosen?.loop === loop && chosen.turn in turns ? chosen.turn : kept.at(-1);
  const options = kept.map((turn) => el("option", { value: turn, selected: turn === first }, callOf(graph.view.loops[loop], turn)));
  const pick = (event) => {
    const turn = Number(event.target.value);
    show(turn);
    choose({ loop, turn });
  };
  const told = kept.length === count ? `all ${count} ${word}s` : `${kept.length} of ${count.toLocaleString("en")} ${word}s are kept in this page`;
  show(first);
  return [
    el("h3", {}, el("label", { for: "turn" }, `One ${word}`)),
    el("p", { class: "row" }, el("select", { id: "turn", change: pick }, options), el("small", {}, told)),
    pane,
  ];
}
