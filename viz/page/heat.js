/* A small array as a table of cells, by the logarithm of their size; a cell tells its number. */

import { colourAt, endOf, rangeOf, shareOf } from "./colours.js";
import { el, svgEl } from "./dom.js";

const WIDEST = 300;
const CELL = 22;
const SMALLEST = 3;

/** The index of an element in its array: [1, 2]. */
export function indexAt(flat, shape) {
  const index = [];
  for (const length of [...shape].reverse()) {
    index.unshift(flat % length);
    flat = Math.floor(flat / length);
  }
  return `[${index.join(", ")}]`;
}

/** Draw an array; of more than two axes, the leading ones one below the other. */
export function heatMap(array, title, theme) {
  const columns = array.shape.at(-1) ?? 1;
  const rows = array.elements.length / columns;
  const size = Math.max(SMALLEST, Math.min(CELL, Math.floor(WIDEST / columns)));
  const sizes = array.elements.map((each) => Math.abs(each));
  const range = rangeOf(sizes);
  const least = range && endOf(range, sizes);
  const told = el("p", { class: "cell-value", "aria-live": "off" }, `${rows} × ${columns} cells, by |size| (log)${least ? `; ${least} look alike` : ""}`);
  const cells = array.elements.map((element, flat) => {
    const share = shareOf(Math.abs(element), range);
    const isBad = typeof element === "string";
    const place = { x: (flat % columns) * size, y: Math.floor(flat / columns) * size, width: size - 0.5, height: size - 0.5 };
    const text = `${indexAt(flat, array.shape)} = ${String(element).replace("-", "−")}`;
    const cell = svgEl("rect", {
      ...place,
      class: isBad ? "bad" : share === null ? "zero" : element < 0 ? "negative" : "positive",
      pointerenter: () => told.replaceChildren(text),
    });
    if (share !== null) cell.style.fill = colourAt(share, theme);
    return [cell, element < 0 && size >= 10 ? minus(place, size) : null];
  });
  const first = array.elements.length ? array.elements.map(String).slice(0, 6).join(", ") : "";
  const label = `${title}: ${array.shape.join(" × ")} array, ${first}${array.elements.length > 6 ? ", …" : ""}`;
  const box = { width: columns * size, height: rows * size, role: "img", "aria-label": label.replaceAll("-", "−") };
  return el("figure", { class: "heat" }, el("figcaption", {}, title), svgEl("svg", box, cells), told);
}

/* The sign of an element, for which the colour has no room. */
function minus(place, size) {
  const y = place.y + size / 2;
  return svgEl("path", { d: `M${place.x + size * 0.3} ${y}h${size * 0.4}`, class: "sign" });
}
