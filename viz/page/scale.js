/* The legend of the colours: a strip from small to large, with powers of ten. */

import { colourAt, ticksOf } from "./colours.js";
import { svgEl } from "./dom.js";

const WIDTH = 220;
const BINS = 44;

/** Draw the scale of a range. */
export function scaleLegend(range, theme) {
  const strip = Array.from({ length: BINS }, (_, at) =>
    svgEl("rect", { x: (WIDTH * at) / BINS, y: 18, width: WIDTH / BINS + 0.5, height: 10, fill: colourAt(at / (BINS - 1), theme) }),
  );
  const ticks = ticksOf(range).map(({ text, share }) => [
    svgEl("line", { x1: WIDTH * share, x2: WIDTH * share, y1: 28, y2: 32, class: "tick" }),
    svgEl("text", { x: WIDTH * share, y: 44, "text-anchor": "middle" }, text),
  ]);
  const title = svgEl("text", { x: 0, y: 11 }, "|gradient|, small to large; zero and NaN keep their own look");
  const size = { viewBox: `-10 0 ${WIDTH + 150} 48`, width: WIDTH + 160, height: 48, role: "img" };
  return svgEl("svg", { ...size, "aria-label": `Colours for |gradient| from 1e${range[0].toFixed(1)} to 1e${range[1].toFixed(1)}` }, title, strip, ticks);
}
