/* The outlines of wires and shapes as paths. The document is not touched; what a path is, its maker says. */

import { IS_STUB } from "./columns.js";

const ARROW_LENGTH = 8;
const ARROW_WIDTH = 6.4;
const MOST_WIDTH = 4;
const TAG_POINT = 9;
const ROUND = 5; // the corners of an input
const LEAST = 1; // pixels: a step of a wire that shows where it goes

/** Wires with the same look as one path each, and their arrowheads as another: Map from look to {lines, heads}. */
export function wirePaths(picture, wires, lookOf, level) {
  const found = new Map();
  for (const item of wires) {
    const look = lookOf(item);
    let paths = found.get(look);
    if (!paths) found.set(look, (paths = { lines: new Path2D(), heads: new Path2D() }));
    addWire(paths.lines, picture, item, level);
    if (level !== "far") addHead(paths.heads, picture, item);
  }
  return found;
}

/** Add a wire: its curves, short of its arrowhead, or from afar the lines between where they meet. */
export function addWire(path, picture, item, level) {
  const { point, pointsOf, firstWire } = picture;
  const last = pointsOf[item - firstWire + 1] - 1;
  let at = pointsOf[item - firstWire];
  path.moveTo(point[2 * at], point[2 * at + 1]);
  const [alongX, alongY] = level === "far" ? [0, 0] : directionOf(picture, item);
  for (; at < last; at += 3) {
    const p = 2 * at;
    const back = at + 3 < last ? 0 : ARROW_LENGTH - 1;
    if (level === "far") path.lineTo(point[p + 6], point[p + 7]);
    else path.bezierCurveTo(point[p + 2], point[p + 3], point[p + 4], point[p + 5], point[p + 6] - back * alongX, point[p + 7] - back * alongY);
  }
}

/** Add the arrowhead of a wire that has one; that of a heavy line is larger. */
export function addHead(path, picture, item, width = 1) {
  const [alongX, alongY] = directionOf(picture, item);
  if (!alongX && !alongY) return;
  const [tipX, tipY] = endOf(picture, item);
  const [backX, backY] = [tipX - ARROW_LENGTH * alongX, tipY - ARROW_LENGTH * alongY];
  const half = ARROW_WIDTH / 2 + Math.min(width, MOST_WIDTH) - 1;
  path.moveTo(tipX, tipY);
  path.lineTo(backX - half * alongY, backY + half * alongX);
  path.lineTo(backX + half * alongY, backY - half * alongX);
  path.closePath();
}

/** Where a wire ends. */
export function endOf({ point, pointsOf, firstWire }, item) {
  const last = pointsOf[item - firstWire + 1] - 1;
  return [point[2 * last], point[2 * last + 1]];
}

/* Where a wire's arrowhead points, along the last step that is long enough to tell; [0, 0] where there is no head. */
function directionOf({ point, pointsOf, firstWire, head }, item) {
  const wire = item - firstWire;
  if (!head[wire] || head[wire] === IS_STUB) return [0, 0];
  const last = pointsOf[wire + 1] - 1;
  for (let at = last - 1; at >= pointsOf[wire]; at--) {
    const [x, y] = [point[2 * last] - point[2 * at], point[2 * last + 1] - point[2 * at + 1]];
    const length = Math.hypot(x, y);
    if (length > LEAST) return [x / length, y / length];
  }
  return [1, 0];
}

/** Add the outline of a shape, which is at least so large; from afar, a box. */
export function addShape(path, rects, item, { tag, shape }, level, least = 0) {
  let [x, y, width, height] = rects.subarray(4 * item, 4 * item + 4);
  if (width < least) [x, width] = [x - (least - width) / 2, least];
  if (height < least) [y, height] = [y - (least - height) / 2, least];
  if (level === "far") return path.rect(x, y, width, height);
  const [right, bottom, middleX, middleY] = [x + width, y + height, x + width / 2, y + height / 2];
  if (tag === "ellipse") {
    path.moveTo(right, middleY);
    path.ellipse(middleX, middleY, width / 2, height / 2, 0, 0, 2 * Math.PI);
  } else if (tag === "rect") {
    if (shape === "input" || shape === "scope") path.roundRect(x, y, width, height, ROUND);
    else path.rect(x, y, width, height);
  } else if (tag === "path") {
    for (const left of [x, x + 5]) {
      path.moveTo(left, bottom);
      path.lineTo(left + 5, y);
    }
  } else {
    polygon(path, cornersOf(shape, x, y, right, bottom, middleX, middleY));
  }
}

function cornersOf(shape, x, y, right, bottom, middleX, middleY) {
  if (shape === "leaves") return [x, y, right - TAG_POINT, y, right, middleY, right - TAG_POINT, bottom, x, bottom];
  if (shape === "enters") return [x, y, right, y, right, bottom, x, bottom, x + TAG_POINT, middleY];
  return [x, middleY, middleX, y, right, middleY, middleX, bottom];
}

function polygon(path, corners) {
  path.moveTo(corners[0], corners[1]);
  for (let at = 2; at < corners.length; at += 2) path.lineTo(corners[at], corners[at + 1]);
  path.closePath();
}
