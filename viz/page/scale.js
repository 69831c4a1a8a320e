/* The colours of a view, and their legend: a strip from small to large, with powers of ten. */

import { colourAt, endOf, inkOver, rangeOf, sizesOf, ticksOf } from "./colours.js";
import { el, svgEl } from "./dom.js";
import { nameOf } from "./turns.js";

const WIDTH = 220;
const BINS = 44;

/** Draw wires by the size of their gradients, of all turns or of the chosen one, or plainly; the scale, which is that of
 * all, is returned. */
export function colourBySize(view, graph, isColoured, turn, theme) {
  const sizes = graph.edges.flatMap((edge) => sizesOf(edge).map(([, size]) => size));
  const range = rangeOf(sizes);
  const isShown = isColoured && range !== null;
  view.colour(isShown ? (edge) => inkOver(sizesOf(graph.edges[edge], turn), range, theme) : null);
  if (!isShown) return ["No gradient has a size."];
  const runs = turn ? nameOf(graph, turn) : graph.view.isRolled && "a wire from left to right: its first run to its last; as thick as its largest";
  return [scaleLegend(range, theme, endOf(range, sizes)), ...(runs ? [el("small", {}, runs)] : [])];
}

/* Draw the scale of a range; `least` says what its lower end stands for. */
function scaleLegend(range, theme, least = null) {
  const strip = Array.from({ length: BINS }, (_, at) =>
    svgEl("rect", { x: (WIDTH * at) / BINS, y: 18, width: WIDTH / BINS + 0.5, height: 10, fill: colourAt(at / (BINS - 1), theme) }),
  );
  const ticks = ticksOf(range).map(({ text, share }) => [
    svgEl("line", { x1: WIDTH * share, x2: WIDTH * share, y1: 28, y2: 32, class: "tick" }),
    svgEl("text", { x: WIDTH * share, y: 44, "text-anchor": "middle" }, text),
  ]);
  const title = svgEl("text", { x: 0, y: 11 }, `|gradient|, ${least ?? "small"} to large; zero and NaN keep their own look`);
  const size = { viewBox: `-10 0 ${WIDTH + 150} 48`, width: WIDTH + 160, height: 48, role: "img" };
  return svgEl("svg", { ...size, "aria-label": `Colours for |gradient| from 1e${range[0].toFixed(1)}${least ? " and below" : ""} to 1e${range[1].toFixed(1)}` }, title, strip, ticks);
}
