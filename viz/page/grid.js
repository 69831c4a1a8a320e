/* Where the items of a large picture are: which of them a rectangle meets, and which one a pointer means.
 *
 * Nothing here touches the document. */

import { refOf } from "./columns.js";

const CELL = 480; // pixels of the picture
const SHAPES_FIRST = 0.5; // a shape counts as nearer than a wire, which is longer
const STEPS = 8; // pieces that a curve is taken for when a pointer looks for it

/** Put the boxes of a picture into cells: meeting(left, top, right, bottom) -> items in the order of drawing. */
export function gridOf({ box, count }) {
  const cells = new Map();
  const seen = new Uint32Array(count);
  let visit = 0;
  const cell = (length) => Math.floor(length / CELL);
  const key = (column, row) => column * 65536 + row;
  for (let item = 0; item < count; item++) {
    const [left, top, right, bottom] = box.subarray(4 * item, 4 * item + 4);
    for (let column = cell(left); column <= cell(right); column++) {
      for (let row = cell(top); row <= cell(bottom); row++) {
        const items = cells.get(key(column, row));
        if (items) items.push(item);
        else cells.set(key(column, row), [item]);
      }
    }
  }

  function meeting(left, top, right, bottom) {
    visit += 1;
    const found = [];
    const take = (items) => {
      for (const item of items) {
        if (seen[item] === visit) continue;
        seen[item] = visit;
        const at = 4 * item;
        if (box[at] <= right && box[at + 1] <= bottom && box[at + 2] >= left && box[at + 3] >= top) found.push(item);
      }
    };
    const columns = cell(right) - cell(left) + 1;
    const rows = cell(bottom) - cell(top) + 1;
    if (columns * rows > cells.size) {
      for (const items of cells.values()) take(items);
    } else {
      for (let column = cell(left); column <= cell(right); column++) {
        for (let row = cell(top); row <= cell(bottom); row++) take(cells.get(key(column, row)) ?? []);
      }
    }
    return Int32Array.from(found).sort();
  }
  return { meeting };
}

/** What a point of the picture means: a shape or a text there, else what is nearest; null where all is farther off.
 * `cover` says of what is hidden by what. */
export function hit(picture, grid, x, y, reach, cover = []) {
  let best = null;
  let least = reach;
  for (const item of grid.meeting(x - reach, y - reach, x + reach, y + reach)) {
    const ref = refOf(picture, item);
    if (!ref || cover[item] >= 0) continue;
    const distance = item < picture.firstShape ? wireDistance(picture, item, x, y) : shapeDistance(picture, item, x, y);
    if (distance > least) continue;
    best = ref;
    least = distance;
  }
  return best;
}

function shapeDistance(picture, item, x, y) {
  const [left, top, width, height] = picture.rect.subarray(4 * item, 4 * item + 4);
  return SHAPES_FIRST * Math.min(outside(left, top, left + width, top + height, x, y), textDistance(picture, item, x, y));
}

function wireDistance(picture, item, x, y) {
  let least = textDistance(picture, item, x, y);
  const { point, pointsOf, firstWire } = picture;
  const last = pointsOf[item - firstWire + 1] - 1;
  for (let at = pointsOf[item - firstWire]; at < last; at += 3) {
    const corners = point.subarray(2 * at, 2 * at + 8);
    let [fromX, fromY] = corners;
    for (let step = 1; step <= STEPS; step++) {
      const [toX, toY] = bezier(corners, step / STEPS);
      least = Math.min(least, segmentDistance(fromX, fromY, toX, toY, x, y));
      [fromX, fromY] = [toX, toY];
    }
  }
  return least;
}

/* A label is its wire's; a pointer in it is as near as it can be, but for what stands there itself. */
function textDistance(picture, item, x, y) {
  const { line, roles, run } = picture;
  let least = Infinity;
  for (let at = picture.linesOf[item]; at < picture.linesOf[item + 1]; at++) {
    const size = roles[run.role[line.runsOf[at]]]?.[1] ?? 0;
    least = Math.min(least, outside(line.x[at], line.y[at] - size, line.x[at] + line.width[at], line.y[at] + size / 3, x, y));
  }
  return least;
}

function outside(left, top, right, bottom, x, y) {
  return Math.hypot(Math.max(left - x, 0, x - right), Math.max(top - y, 0, y - bottom));
}

function bezier(corners, share) {
  const rest = 1 - share;
  const weights = [rest ** 3, 3 * rest * rest * share, 3 * rest * share * share, share ** 3];
  const along = (axis) => weights.reduce((sum, weight, at) => sum + weight * corners[2 * at + axis], 0);
  return [along(0), along(1)];
}

function segmentDistance(fromX, fromY, toX, toY, x, y) {
  const [acrossX, acrossY] = [toX - fromX, toY - fromY];
  const length = acrossX * acrossX + acrossY * acrossY;
  const share = length ? Math.min(1, Math.max(0, ((x - fromX) * acrossX + (y - fromY) * acrossY) / length)) : 0;
  return Math.hypot(x - fromX - share * acrossX, y - fromY - share * acrossY);
}
