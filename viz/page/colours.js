/* Colour by the size of a gradient, on a logarithmic scale: one way from dim to strong, and from thin to thick, so that
 * nobody needs to tell hues apart. Nothing here touches the document. */

/* By theme: from the smallest to the largest. Lightness goes one way, and each stands out from its ground by 3 : 1. */
export const RAMPS = {
  light: ["#6f93b8", "#5c82b4", "#4f70ae", "#4a5da5", "#4a4797", "#472f80", "#3d1a60", "#2b0a3d"],
  dark: ["#5f7592", "#54879f", "#4f9aa3", "#5bb09b", "#82c487", "#b4d66f", "#e2e56b", "#fdf6a8"],
};
const THIN = 1.2;
const THICK = 4.2;
const MOST_STOPS = 24; // of the colours along one wire
const LEAST_RANGE = 1; // decades: gradients that are nearly equal look nearly equal

const NOISE = 13; // decades below the largest: what is less and far from all else is what rounding left
const GAP = 3; // decades without any size; what vanishes step by step has no such gap, and stays in the range

/** The range of the sizes that are not zero, in decades: [low, high], without what rounding left; null where there are none. */
export function rangeOf(magnitudes) {
  const decades = Float64Array.from(magnitudes.filter((each) => each > 0), Math.log10).sort();
  if (!decades.length) return null;
  const high = decades.at(-1);
  const isCut = (each, at) => high - decades[at - 1] > NOISE && each - decades[at - 1] > GAP; // below it
  const low = decades[Math.max(0, decades.findLastIndex(isCut))];
  const missing = Math.max(0, LEAST_RANGE - (high - low)) / 2;
  return [low - missing, high + missing];
}

/** The lower end of a range in words, where there is less that looks like it; else null. */
export function endOf(range, magnitudes) {
  return magnitudes.some((each) => each > 0 && Math.log10(each) < range[0]) ? `${(10 ** range[0]).toPrecision(2)} and below` : null;
}

/** Where a size lies in a range, from 0 to 1; null for what is zero, unknown or not finite. */
export function shareOf(magnitude, range) {
  if (!(magnitude > 0) || !range) return null;
  return Math.min(1, Math.max(0, (Math.log10(magnitude) - range[0]) / (range[1] - range[0])));
}

/** The colour at a place between 0 and 1. */
export function colourAt(share, theme) {
  const ramp = RAMPS[theme];
  const place = share * (ramp.length - 1);
  const first = Math.min(ramp.length - 2, Math.floor(place));
  const part = place - first;
  const mixed = channels(ramp[first]).map((each, at) => Math.round(each + (channels(ramp[first + 1])[at] - each) * part));
  return `rgb(${mixed.join(", ")})`;
}

/** How a wire is drawn for the size of its gradient; null where it keeps its own look. */
export function inkOf(magnitude, range, theme) {
  const share = shareOf(magnitude, range);
  return share === null ? null : { stroke: colourAt(share, theme), width: THIN + (THICK - THIN) * share };
}

/** The sizes of an edge's gradient: [where from 0 to 1 among its runs, size], from first to last; of a chosen turn one. */
export function sizesOf(edge, turn = null) {
  if (turn && edge.loop === turn.loop) return [[0, edge.turns[turn.turn]?.magnitude]];
  if (!edge.series) return [[0, edge.magnitude]];
  const { runs, sizes, count } = edge.series;
  return sizes.map((size, at) => [runs[at] / (count - 1), Math.abs(size)]);
}

/** How a wire is drawn for several sizes: as for the largest, and `stops` [where, colour] from first to last. */
export function inkOver(sizes, range, theme) {
  const known = sizes.filter(([, size]) => shareOf(size, range) !== null);
  const ink = inkOf(known.reduce((most, [, size]) => Math.max(most, size), 0), range, theme);
  if (!ink || known.length < 2) return ink;
  const every = Math.ceil(known.length / MOST_STOPS);
  const chosen = known.filter((_, at) => at % every === 0 || at === known.length - 1);
  return { ...ink, stops: chosen.map(([where, size]) => [where, colourAt(shareOf(size, range), theme)]) };
}

/** The numbers to write at a scale, with their places: a few powers of ten, or its ends where these are not two. */
export function ticksOf(range) {
  const first = Math.ceil(range[0]);
  const last = Math.floor(range[1]);
  if (last <= first) return [0, 1].map((share) => ({ text: (10 ** range[share]).toPrecision(2), share }));
  const most = Math.max(-first, last) < 100 ? 6 : 4; // 1e-160 is wide
  const every = Math.max(1, Math.ceil((last - first) / most));
  const ticks = [];
  for (let power = first; power <= last; power += every) {
    ticks.push({ text: `1e${power}`, share: (power - range[0]) / (range[1] - range[0]) });
  }
  return ticks;
}

function channels(hex) {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
}
