/* Paints what a camera sees of a large picture: less of it from afar, and each kind of line in one path.
 *
 * From afar: lines and plain boxes. Nearer: shapes and their names. Near: all text. */

import { addHead, addShape, addWire, endOf, wirePaths } from "./outlines.js";
import { Free } from "./free.js";

const NAMES = 0.16; // the scale from which names are written
const TEXT = 0.36; // and from which all is
const LEAST_NAME = 8; // pixels of the screen
const LEAST_LINE = 0.7;
const LEAST_MARK = 5; // of what is lit: it is seen from afar, too
const MANY = 2500; // wires that are worth a path that is kept
const LATER_WIDTH = 1;
const TITLE = 11;
const WIDE = 0.62; // of a letter's size, how wide it is
const HIDDEN = new Set(["gradient", "working"]);
const LIGHTS = [["found", 3], ["chosen", 3], ["hover", 2.4], ["now", 3.4]]; // as wide as in `page.css`

export const levelOf = (scale) => (scale < NAMES ? "far" : scale < TEXT ? "middle" : "near");

const isAt = (box, x, y) => x >= box.x && y >= box.y && x <= box.x + box.width && y <= box.y + box.height;

/** A painter of one picture: paint(camera, room) draws what `state` says into a context, and none of what `calls` cover. */
export function painterOf(context, picture, grid, calls, state) {
  const { firstWire, firstShape, count } = picture;
  let kept = { version: -1, paths: null };

  function paint({ x, y, scale }, room, ratio) {
    const { inks } = state;
    const level = levelOf(scale);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = inks.paper;
    context.fillRect(0, 0, room.width, room.height);
    const met = grid.meeting(-x / scale, -y / scale, (room.width - x) / scale, (room.height - y) / scale);
    const items = met.filter((item) => calls.cover[item] < 0);
    const wiresAt = items.findIndex((item) => item >= firstWire);
    const shapesAt = items.findIndex((item) => item >= firstShape);
    const part = (from, to) => (from < 0 ? items.subarray(0, 0) : items.subarray(from, to < 0 ? items.length : to));
    const frames = part(0, wiresAt >= 0 ? wiresAt : shapesAt);
    const wires = part(wiresAt, shapesAt);
    const shapes = part(shapesAt, -1);
    context.setTransform(ratio * scale, 0, 0, ratio * scale, ratio * x, ratio * y);
    context.lineJoin = "round";
    paintShapes(frames, level, scale);
    paintWires(wires, level, scale);
    paintShapes(shapes, level, scale);
    const closed = frames.filter((frame) => calls.isClosed(frame));
    paintShapes(closed, level, scale); // over the ends of the wires
    for (const [name, width] of LIGHTS) light(name, width, level, scale);
    context.textBaseline = "alphabetic";
    context.textAlign = "left";
    if (level === "near") {
      write(items, [...closed].map((frame) => calls.boxOf(frame)));
      frames.forEach(paintSign);
      writeNotes();
    } else {
      const free = new Free();
      writeTitles(frames, scale, free, true);
      if (level === "middle") writeNames(shapes, scale, free);
      writeTitles(frames, scale, free, false);
    }
    return items.length;
  }

  /* Wires of one look are one path; of very many, one that is kept until what is lit changes. */
  function paintWires(wires, level, scale) {
    let paths = null;
    if (wires.length > MANY) {
      const version = `${state.version} ${level}`;
      if (kept.version !== version) kept = { version, paths: wirePaths(picture, everyWire(), lookOf, level) };
      paths = kept.paths;
    } else {
      paths = wirePaths(picture, wires, lookOf, level);
    }
    for (const [look, { lines, heads }] of paths) {
      const ink = inkOf(look);
      context.globalAlpha = ink.alpha;
      context.strokeStyle = ink.stroke;
      context.lineWidth = Math.max(ink.width, LEAST_LINE / scale);
      context.setLineDash(level === "far" ? [] : ink.dashes);
      context.stroke(lines);
      if (level === "far") continue;
      context.fillStyle = ink.stroke;
      context.fill(heads);
    }
    context.globalAlpha = 1;
    context.setLineDash([]);
  }

  const everyWire = () => Int32Array.from({ length: firstShape - firstWire }, (_, at) => firstWire + at).filter((item) => calls.cover[item] < 0);

  /* How a wire looks: by its style, by the size of its gradient, or as one that has not fired. */
  function lookOf(item) {
    const edge = picture.edge[item];
    if (state.later.has(`e${edge}`)) return "later";
    return state.colours?.get(edge) ?? picture.style[item];
  }

  function inkOf(look) {
    const { inks } = state;
    if (look === "later") return { stroke: inks.faint, width: LATER_WIDTH, dashes: [], alpha: 1 };
    return typeof look === "number" ? inks.styles[look] : look;
  }

  function paintShapes(items, level, scale) {
    const byStyle = new Map();
    for (const item of items) {
      const style = picture.style[item];
      if (!byStyle.has(style)) byStyle.set(style, []);
      byStyle.get(style).push(item);
    }
    for (const [style, members] of byStyle) {
      const ink = state.inks.styles[style];
      if (ink.shape === "row") continue;
      const path = new Path2D();
      for (const item of members) addShape(path, picture.rect, item, ink, level);
      context.globalAlpha = ink.alpha;
      context.lineWidth = Math.max(ink.width, LEAST_LINE / scale);
      context.setLineDash(level === "far" ? [] : ink.dashes);
      context.fillStyle = ink.fill;
      context.strokeStyle = ink.stroke;
      if (ink.tag !== "path") context.fill(path);
      context.stroke(path);
    }
    context.globalAlpha = 1;
    context.setLineDash([]);
  }

  /* What is pointed at, chosen or found, over all else; from afar it is as large as it must be to be seen. */
  function light(name, width, level, scale) {
    const { inks } = state;
    const items = new Set(state.lit.get(name)?.map((item) => (calls.cover[item] < 0 ? item : calls.cover[item])));
    if (!items.size) return;
    const lines = new Path2D();
    const heads = new Path2D();
    const shapes = new Path2D();
    const solid = new Path2D(); // splitters, which are filled with ink
    for (const item of items) {
      const ink = inks.styles[picture.style[item]];
      if (item >= firstShape || item < firstWire) {
        addShape(ink.shape === "splitter" ? solid : shapes, picture.rect, item, ink, level === "far" ? "near" : level, LEAST_MARK / scale);
      } else {
        addWire(lines, picture, item, level);
        addHead(heads, picture, item, width);
        if (level === "far" && name !== "found") addDot(heads, item, LEAST_MARK / scale / 1.5);
      }
    }
    const colour = name === "now" ? inks.now : inks.accent;
    context.strokeStyle = colour;
    context.fillStyle = colour;
    context.lineWidth = Math.max(width, (width * 0.8) / scale);
    if (name !== "found") {
      context.stroke(lines);
      context.fill(heads);
    }
    context.fill(solid);
    context.stroke(solid);
    if (name === "hover" || level === "far") {
      context.fillStyle = level === "far" ? colour : inks.soft;
      context.fill(shapes);
    }
    context.stroke(shapes);
  }

  /* The − at an open call, the + at a closed one. */
  function paintSign(frame) {
    if (!calls.callOf.has(frame)) return;
    const { inks } = state;
    const { x, y, width, height } = calls.signOf(frame);
    const [middleX, middleY, arm] = [x + width / 2, y + height / 2, width / 2 - 3.5];
    context.fillStyle = inks.paper;
    context.strokeStyle = inks.accent;
    context.lineWidth = 1.5;
    context.beginPath();
    context.roundRect(x, y, width, height, 3);
    context.fill();
    context.moveTo(middleX - arm, middleY);
    context.lineTo(middleX + arm, middleY);
    if (calls.isClosed(frame)) {
      context.moveTo(middleX, middleY - arm);
      context.lineTo(middleX, middleY + arm);
    }
    context.stroke();
  }

  /* Where a wire ends, from so far that it is a hair. */
  function addDot(path, item, radius) {
    const [x, y] = endOf(picture, item);
    path.moveTo(x + radius, y);
    path.arc(x, y, radius, 0, 2 * Math.PI);
  }

  /* All lines of some items, one role after the other: a font is slow to change. What is closed covers labels of wires. */
  function write(items, closed) {
    const { line, run, strings, linesOf, roles } = picture;
    const byRole = roles.map(() => []);
    for (const item of items) {
      const ref = item < firstShape ? `e${picture.edge[item]}` : `n${picture.node[item]}`;
      const isHidden = state.later.has(ref) || state.noted.has(item);
      for (let at = linesOf[item]; at < linesOf[item + 1]; at++) {
        if (item >= firstWire && closed.some((box) => isAt(box, line.x[at] + line.width[at] / 2, line.y[at]))) continue;
        for (let each = line.runsOf[at]; each < line.runsOf[at + 1]; each++) {
          const role = run.role[each];
          if (!isHidden || !HIDDEN.has(roles[role][0])) byRole[role].push(strings[run.string[each]], line.x[at] + run.x[each], line.y[at]);
        }
      }
    }
    byRole.forEach((runs, role) => {
      const { fill, weight, size } = state.inks.roles[role];
      context.fillStyle = fill;
      context.font = `${weight} ${size}px ${state.inks.family}`;
      for (let at = 0; at < runs.length; at += 3) context.fillText(runs[at], runs[at + 1], runs[at + 2]);
    });
  }

  function writeNotes() {
    const { inks } = state;
    context.font = `600 12px ${inks.family}`;
    context.textAlign = "center";
    context.lineWidth = 4;
    context.strokeStyle = inks.paper;
    context.fillStyle = inks.now;
    for (const [item, { x, y, text }] of state.noted) {
      if (calls.cover[item] >= 0) continue;
      context.strokeText(text, x, y);
      context.fillText(text, x, y);
    }
    context.textAlign = "left";
  }

  /* The first word of a shape, where the rest is too small to be read. */
  function writeNames(shapes, scale, free) {
    const { line, run, strings, linesOf, rect } = picture;
    const { inks } = state;
    const size = Math.max(13, LEAST_NAME / scale);
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.font = `bold ${size}px ${inks.family}`;
    context.fillStyle = inks.ink;
    context.strokeStyle = inks.paper;
    context.lineWidth = size / 4;
    for (const item of shapes) {
      const at = linesOf[item];
      const first = line.runsOf[at];
      if (at === linesOf[item + 1] || picture.node[item] < 0) continue;
      const { role } = inks.roles[run.role[first]];
      if (role !== "name" && role !== "symbol") continue;
      const text = strings[run.string[first]].replace(/ = $/, "");
      const [x, y] = [line.x[at] + line.width[at] / 2, rect[4 * item + 1] + rect[4 * item + 3] / 2];
      const half = (WIDE * size * text.length) / 2;
      if (!free.take(x - half, y - size / 2, x + half, y + size / 2)) continue;
      if (text.length > 1) context.strokeText(text, x, y);
      context.fillText(text, x, y);
    }
    context.textAlign = "left";
    context.textBaseline = "alphabetic";
  }

  /* Titles of rows, or of frames with room for them, as large on the screen as they are near. */
  function writeTitles(frames, scale, free, areRows) {
    const { line, run, strings, linesOf, rect } = picture;
    const size = TITLE / scale;
    context.font = `600 ${size}px ${state.inks.family}`;
    context.fillStyle = state.inks.quiet;
    context.strokeStyle = state.inks.paper;
    context.lineWidth = 3 / scale;
    for (const item of frames) {
      const at = linesOf[item];
      const isRow = state.inks.styles[picture.style[item]].shape === "row";
      if (isRow !== areRows || at === linesOf[item + 1]) continue;
      const isClosed = calls.isClosed(item);
      const text = `${isClosed ? "+ " : ""}${strings[run.string[line.runsOf[at]]]}`;
      const width = WIDE * size * text.length;
      let [x, y] = isRow ? [line.x[at], line.y[at]] : [rect[4 * item], rect[4 * item + 1] - 3 / scale];
      if (isClosed) [x, y] = [x + (rect[4 * item + 2] - width) / 2, rect[4 * item + 1] + (rect[4 * item + 3] + size) / 2]; // in its empty frame
      if (!isRow && rect[4 * item + 2] < width) continue;
      if (!free.take(x, y - size, x + width, y)) continue;
      context.strokeText(text, x, y);
      context.fillText(text, x, y);
    }
  }

  return { paint, count };
}
