/* One turn of a loop: which turns the page has in full, and what each edge says of the one that is chosen. */

import { el } from "./dom.js";
import { edgeRef } from "./graph.js";

/** What the edges of a loop say of one turn: Map from reference to text. */
export function notesOf(graph, { loop, turn }) {
  const notes = new Map();
  graph.edges.forEach((edge, index) => {
    const told = edge.loop === loop ? edge.turns[turn] : undefined;
    if (told) notes.set(edgeRef(index), (told.working ?? told.grad).split("\n")[0]);
  });
  return notes;
}

/** A turn in words. */
export function nameOf(graph, { loop, turn }) {
  return `turn ${turn.toLocaleString("en")} of ${graph.view.loops[loop].toLocaleString("en")}, from 0`;
}

/** Make what a turn of an edge's loop is chosen by, and show the edge in it: choose({loop, turn}) is told. */
export function turnChooser(graph, index, chosen, choose) {
  const { turns, loop } = graph.edges[index];
  const kept = Object.keys(turns).map(Number).sort((first, second) => first - second);
  const count = graph.view.loops[loop];
  const pane = el("div", { class: "turn", "aria-live": "polite", "data-of": edgeRef(index) });
  const show = (turn) => {
    const told = turns[turn];
    const lines = (told.working ?? told.grad).split("\n").map((line) => el("div", { class: "working" }, line));
    const value = el("div", {}, "value ", el("span", { class: "value" }, told.value));
    pane.replaceChildren(value, ...lines, told.formula ? el("small", {}, `local = ${told.formula}`) : "");
  };
  const first = chosen?.loop === loop && chosen.turn in turns ? chosen.turn : kept.at(-1);
  const options = kept.map((turn) => el("option", { value: turn, selected: turn === first }, `turn ${turn.toLocaleString("en")}`));
  const pick = (event) => {
    const turn = Number(event.target.value);
    show(turn);
    choose({ loop, turn });
  };
  const told = kept.length === count ? `all ${count} turns` : `${kept.length} of ${count.toLocaleString("en")} turns are kept in this page`;
  show(first);
  return [
    el("h3", {}, el("label", { for: "turn" }, "One turn")),
    el("p", { class: "row" }, el("select", { id: "turn", change: pick }, options), el("small", {}, told)),
    pane,
  ];
}
