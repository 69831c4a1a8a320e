/* A small array as a table of cells, by the logarithm of their size; a cell tells its number, to a pointer or arrow keys. */

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
  const told = el("p", { class: "cell-value", "aria-live": "polite" }, `${rows} × ${columns} cells, by |size| (log)${least ? `; ${least} look alike` : ""}`);
  const texts = [];
  const drawn = [];
  let at = -1;
  const tell = (flat) => {
    drawn[at]?.classList.remove("is-at");
    at = Math.min(drawn.length - 1, Math.max(0, flat));
    told.replaceChildren(texts[at] ?? "");
  };
  const moves = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, Home: -Infinity, End: Infinity };
  const walk = (event) => {
    if (!(event.key in moves) || !drawn.length) return;
    event.preventDefault();
    const next = at < 0 ? 0 : at + moves[event.key];
    if (Number.isFinite(next) && !(next in drawn)) return;
    tell(next);
    drawn[at].classList.add("is-at");
  };
  const cells = array.elements.map((element, flat) => {
    const share = shareOf(Math.abs(element), range);
    const isBad = typeof element === "string";
    const place = { x: (flat % columns) * size, y: Math.floor(flat / columns) * size, width: size - 0.5, height: size - 0.5 };
    const text = `${indexAt(flat, array.shape)} = ${String(element).replace("-", "−")}`;
    const cell = svgEl("rect", { ...place, class: isBad ? "bad" : share === null ? "zero" : null, pointerenter: () => tell(flat) });
    if (share !== null) cell.style.fill = colourAt(share, theme);
    texts.push(text);
    drawn.push(cell);
    return [cell, element < 0 && size >= 10 ? minus(place, size) : null];
  });
  const first = array.elements.length ? array.elements.map(String).slice(0, 6).join(", ") : "";
  const label = `${title}: ${array.shape.join(" × ")} array, ${first}${array.elements.length > 6 ? ", …" : ""}`;
  const box = { width: columns * size, height: rows * size, role: "img", tabindex: 0, "aria-label": `${label.replaceAll("-", "−")}; arrow keys tell each`, keydown: walk };
  return el("figure", { class: "heat" }, el("figcaption", {}, title), svgEl("svg", box, cells), told);
}

/* The sign of an element, for which the colour has no room. */
function minus(place, size) {
  const y = place.y + size / 2;
  return svgEl("path", { d: `M${place.x + size * 0.3} ${y}h${size * 0.4}`, class: "sign" });
}
