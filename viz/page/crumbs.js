/* Where in the program the picture is: from the whole to the group that is open, each with a way back. */

import { el } from "./dom.js";

/** Make the way to the view that is shown; `open(number)` turns to another one. */
export function crumbs(graph, open) {
  const way = graph.way();
  const go = (number, text, attributes = {}) => el("button", { type: "button", class: "link", click: () => open(number), ...attributes }, text);
  const parts = way.map((number, at) => {
    const { name } = graph.data.views[number];
    const isHere = at === way.length - 1;
    const separator = at ? el("span", { "aria-hidden": "true" }, "› ") : null;
    return el("span", {}, separator, isHere ? el(at ? "span" : "h1", { "aria-current": "page" }, name) : go(number, name));
  });
  if (way.length === 1) return [...parts, el("span", { class: "quiet" }, "whole program")];
  const parent = way.at(-2);
  const label = `Close ${graph.view.name}, back to ${graph.data.views[parent].name}`;
  return [...parts, go(parent, "−", { class: "close", "aria-label": label, title: label })];
}
