/* A number over its runs: a curve of its size, on a log scale where it spans decades. */

import { el, svgEl } from "./dom.js";

const WIDTH = 280;
const HEIGHT = 90;
const LOG_FROM = 10; // the largest over the smallest from which on the scale is one of powers
const WORDS = { first: "first", last: "last", least: "smallest", most: "largest" };

/** Where the points of a series are drawn: [x, y] with y downwards, null for what has no place. */
export function placesOf(series) {
  const sizes = series.sizes.map((size) => Math.abs(size));
  const known = sizes.filter((size) => size > 0 && Number.isFinite(size));
  const most = Math.max(...known);
  const least = Math.min(...known);
  const isLog = most / least >= LOG_FROM;
  const height = (size) => {
    if (!Number.isFinite(size)) return null;
    if (!isLog) return known.length ? 1 - size / most : 1;
    return size > 0 ? Math.log(most / size) / Math.log(most / least) : null;
  };
  const across = (run) => (WIDTH * run) / Math.max(1, series.count - 1);
  const places = sizes.map((size, at) => {
    const y = height(size);
    return y === null ? null : [across(series.runs[at]), HEIGHT * y];
  });
  return { isLog, places, across };
}

/** The path through the places: broken where there is none. */
export function pathOf(places) {
  let isDrawing = false;
  const parts = [];
  for (const place of places) {
    if (place) parts.push(`${isDrawing ? "L" : "M"}${place[0].toFixed(1)} ${place[1].toFixed(1)}`);
    isDrawing = place !== null;
  }
  return parts.join("");
}

/** Draw a series, with its extremes in words. */
export function seriesPlot(title, series) {
  const { isLog, places, across } = placesOf(series);
  const tick = (size, at) => {
    const x = across(series.runs[at]);
    return svgEl("line", { class: typeof size === "string" ? "bad" : "zero", x1: x, x2: x, y1: HEIGHT - 6, y2: HEIGHT });
  };
  const odd = series.sizes.map((size, at) => (places[at] ? null : tick(size, at)));
  const named = Object.entries(series.named).map(([name, [, text, when]]) => `${WORDS[name]} ${text} at ${when}`);
  const size = { viewBox: `-4 -4 ${WIDTH + 8} ${HEIGHT + 8}`, width: WIDTH + 8, height: HEIGHT + 8 };
  const axis = svgEl("line", { class: "axis", x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT });
  const curve = svgEl("path", { d: pathOf(places) });
  const picture = svgEl("svg", { ...size, role: "img", "aria-label": `${title}: ${named.join(", ")}` }, axis, curve, odd);
  const caption = el("figcaption", {}, `${title}${series.isNorm ? ", norm" : ", size"}${isLog ? " (log)" : ""}`);
  const facts = Object.entries(series.named).map(([name, [, text, when]]) => [
    el("dt", {}, WORDS[name]),
    el("dd", {}, text, el("small", {}, `  ${when}`)),
  ]);
  return el("figure", { class: "plot" }, caption, picture, el("dl", {}, facts));
}
