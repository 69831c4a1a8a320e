/* A large picture as columns of numbers, as `columns.py` writes them. Nothing here touches the document.
 *
 * An item is a number: first frames of calls and titles of rows, then wires, then shapes. Lengths are in pixels. */

const MOST_ROOM = 1e9;
const TENTH = 10;
export const IS_STUB = 2;

/** Unfold the columns: by item, by point of a wire, by line of text and by run of a line. */
export function pictureOf({ counts, styles, roles, strings, ...data }) {
  const [frames, wires, shapes] = counts;
  const count = frames + wires + shapes;
  const firstShape = frames + wires;
  const picture = {
    count,
    styles,
    roles,
    strings,
    firstWire: frames,
    firstShape,
    style: Uint16Array.from(data.styleOf),
    node: new Int32Array(count).fill(-1),
    edge: new Int32Array(count).fill(-1),
    call: Int32Array.from(data.calls), // by frame; -1 for the title of a row
    head: Uint8Array.from(data.heads), // by wire
    rect: new Float32Array(4 * count), // of frames and shapes: left, top, width, height
    box: new Float32Array(4 * count), // with all text: left, top, right, bottom
    point: pointsAt(data.points, data.lengths),
    pointsOf: starts(data.lengths), // by wire
    linesOf: starts(data.texts), // by item
    line: { x: [], y: [], width: [], runsOf: [] },
    run: { x: [], role: [], string: [] },
  };
  picture.edge.set(data.edges, frames);
  picture.node.set(data.nodes, firstShape);
  const rects = everyOf(data.rects, 1, 0, Float32Array, TENTH);
  picture.rect.set(rects.subarray(0, 4 * frames));
  picture.rect.set(rects.subarray(4 * frames), 4 * firstShape);
  fillTexts(picture, data.lines, data.runs);
  for (let item = 0; item < count; item++) measure(picture, item);
  return picture;
}

/** Bounds of all items: {x, y, width, height}. */
export function boundsOf({ box, count }) {
  const found = [MOST_ROOM, MOST_ROOM, -MOST_ROOM, -MOST_ROOM];
  for (let at = 0; at < 4 * count; at += 4) grow(found, box[at], box[at + 1], box[at + 2], box[at + 3]);
  return rectOf(found);
}

/** The room of an item with its text. */
export function boxOf({ box }, item) {
  return rectOf(box.subarray(4 * item, 4 * item + 4));
}

/** Items by node and by edge; of an edge, what has the label first. */
export function itemsByRef(picture) {
  const found = new Map();
  const add = (ref, item, isFirst) => {
    const items = found.get(ref);
    if (!items) found.set(ref, [item]);
    else if (isFirst) items.unshift(item);
    else items.push(item);
  };
  for (let item = picture.firstWire; item < picture.count; item++) {
    const isWire = item < picture.firstShape;
    if (picture.node[item] >= 0) add(`n${picture.node[item]}`, item, false);
    if (picture.edge[item] >= 0) add(`e${picture.edge[item]}`, item, isWire && picture.head[item - picture.firstWire] !== IS_STUB);
  }
  return found;
}

/** What an item stands for: "n3", "e12" or null. */
export function refOf({ node, edge }, item) {
  if (node[item] >= 0) return `n${node[item]}`;
  return edge[item] >= 0 ? `e${edge[item]}` : null;
}

/** Move the titles of calls to the right. */
export function shiftTitles(picture, shift) {
  const { call, line, box } = picture;
  for (let frame = 0; frame < picture.firstWire; frame++) {
    if (call[frame] < 0) continue;
    for (let at = picture.linesOf[frame]; at < picture.linesOf[frame + 1]; at++) {
      line.x[at] += shift;
      box[4 * frame + 2] = Math.max(box[4 * frame + 2], line.x[at] + line.width[at]);
    }
  }
}

/** The lines of an item: their text, and which run has which role. */
export function linesOf(picture, item) {
  const { line, run, roles, strings } = picture;
  const lines = [];
  for (let at = picture.linesOf[item]; at < picture.linesOf[item + 1]; at++) {
    const runs = [];
    for (let each = line.runsOf[at]; each < line.runsOf[at + 1]; each++) {
      runs.push({ role: roles[run.role[each]][0], text: strings[run.string[each]] });
    }
    lines.push({ x: line.x[at], y: line.y[at], width: line.width[at], runs });
  }
  return lines;
}

/* Points as their distances from the one before, in tenths: x and y in turns. */
function pointsAt(distances, lengths) {
  const found = new Float32Array(distances.length);
  let at = 0;
  for (const length of lengths) {
    for (let each = 0, x = 0, y = 0; each < length; each++, at += 2) {
      found[at] = (x += distances[at]) / TENTH;
      found[at + 1] = (y += distances[at + 1]) / TENTH;
    }
  }
  return found;
}

/* Every so many of some numbers, from one on: a loop, which takes a tenth of the time that `from` takes. */
function everyOf(numbers, size, from, Column, unit = 1) {
  const found = new Column(numbers.length / size);
  for (let at = 0, each = from; at < found.length; at++, each += size) found[at] = numbers[each] / unit;
  return found;
}

function starts(lengths) {
  const found = new Int32Array(lengths.length + 1);
  lengths.forEach((length, at) => (found[at + 1] = found[at] + length));
  return found;
}

function fillTexts({ line, run }, lines, runs) {
  line.x = everyOf(lines, 4, 0, Float32Array, TENTH);
  line.y = everyOf(lines, 4, 1, Float32Array, TENTH);
  line.width = everyOf(lines, 4, 2, Float32Array, TENTH);
  line.runsOf = starts(everyOf(lines, 4, 3, Uint32Array));
  run.x = everyOf(runs, 3, 0, Float32Array, TENTH);
  run.role = everyOf(runs, 3, 1, Uint8Array);
  run.string = everyOf(runs, 3, 2, Uint32Array);
}

/* The room of an item: its shape or its points, and its lines. */
function measure(picture, item) {
  const { rect, point, pointsOf, line, roles, run, firstWire, firstShape } = picture;
  const found = [MOST_ROOM, MOST_ROOM, -MOST_ROOM, -MOST_ROOM];
  if (item >= firstWire && item < firstShape) {
    for (let at = pointsOf[item - firstWire]; at < pointsOf[item - firstWire + 1]; at++) {
      grow(found, point[2 * at], point[2 * at + 1], point[2 * at], point[2 * at + 1]);
    }
    picture.rect.set([found[0], found[1], found[2] - found[0], found[3] - found[1]], 4 * item);
  } else {
    const [x, y] = [rect[4 * item], rect[4 * item + 1]];
    grow(found, x, y, x + rect[4 * item + 2], y + rect[4 * item + 3]);
  }
  for (let at = picture.linesOf[item]; at < picture.linesOf[item + 1]; at++) {
    const size = line.runsOf[at] < line.runsOf[at + 1] ? roles[run.role[line.runsOf[at]]][1] : 0;
    grow(found, line.x[at], line.y[at] - size, line.x[at] + line.width[at], line.y[at] + size / 3);
  }
  picture.box.set(found, 4 * item);
}

function grow(found, left, top, right, bottom) {
  if (left < found[0]) found[0] = left;
  if (top < found[1]) found[1] = top;
  if (right > found[2]) found[2] = right;
  if (bottom > found[3]) found[3] = bottom;
}

function rectOf([left, top, right, bottom]) {
  return right < left ? { x: 0, y: 0, width: 1, height: 1 } : { x: left, y: top, width: right - left, height: bottom - top };
}
