/* One run of many: which runs the page has in full, and what each edge says of the one that is chosen. */

import { el } from "./dom.js";
import { edgeRef } from "./graph.js";

/** What the edges that run as often as one edge say of a run: Map from reference to text. */
export function notesOf(graph, edge, run) {
  const { count } = graph.edges[edge];
  const notes = new Map();
  graph.edges.forEach((each, index) => {
    const told = each.count === count ? each.runs?.[run] : undefined;
    if (told) notes.set(edgeRef(index), (told.working ?? told.grad).split("\n")[0]);
  });
  return notes;
}

/** Make what a run of an edge is chosen by, and show the run: choose(run) is told of it. */
export function runChooser(graph, edge, chosen, choose) {
  const { runs, count } = graph.edges[edge];
  const kept = Object.keys(runs).map(Number).sort((first, second) => first - second);
  const pane = el("div", { class: "run", "aria-live": "polite" });
  const show = (run) => {
    const told = runs[run];
    const lines = (told.working ?? told.grad).split("\n").map((line) => el("div", { class: "working" }, line));
    const value = el("div", {}, "value ", el("span", { class: "value" }, told.value));
    pane.replaceChildren(value, ...lines, told.formula ? el("small", {}, `local = ${told.formula}`) : "");
  };
  const first = kept.includes(chosen) ? chosen : kept.at(-1);
  const options = kept.map((run) => el("option", { value: run, selected: run === first }, `run ${run.toLocaleString("en")}`));
  const pick = (event) => {
    const run = Number(event.target.value);
    show(run);
    choose(run);
  };
  const told = kept.length === count ? `all ${count} runs` : `${kept.length} of ${count.toLocaleString("en")} runs are kept in this page`;
  show(first);
  return [
    el("h3", {}, el("label", { for: "run" }, "One run")),
    el("p", { class: "row" }, el("select", { id: "run", change: pick }, options), el("small", {}, told)),
    pane,
  ];
}
