import assert from "node:assert/strict";
import test from "node:test";

import { Calls } from "../../viz/page/calls.js";
import { IS_STUB, boundsOf, boxOf, itemsByRef, linesOf, pictureOf, refOf } from "../../viz/page/columns.js";
import { Free } from "../../viz/page/free.js";
import { gridOf, hit } from "../../viz/page/grid.js";
import { addHead, addWire } from "../../viz/page/outlines.js";
import { levelOf } from "../../viz/page/painter.js";

/** Two boxes and a wire between them with a label, a stub of the same edge, and the frame of a call around. */
function small() {
  return pictureOf({
    counts: [1, 2, 2],
    styles: [["scope", "rect", 1, [6, 4]], ["wire plain", "path", 1.2, []], ["input plain", "rect", 1.3, []], ["function plain", "ellipse", 1.3, []]],
    roles: [["name", 13, true], ["value", 12.5, false], ["gradient", 12.5, true]],
    strings: ["x", "2", "7", "call()"],
    styleOf: [0, 1, 1, 2, 3],
    calls: [7],
    texts: [1, 1, 0, 1, 0],
    rects: [0, 0, 40000, 10000, 100, 100, 400, 200, 20000, 5000, 300, 300],
    edges: [8, 8, -1, -1],
    nodes: [3, 4],
    points: [500, 200, 100, 0, 19300, 4950, 100, 0, 500, 200, 10, 10, 10, 10, 10, 10],
    lengths: [4, 4],
    heads: [1, IS_STUB],
    lines: [10, 100, 300, 1, 9000, 2500, 600, 2, 200, 230, 100, 1],
    runs: [0, 0, 3, 0, 1, 1, 200, 2, 2, 0, 0, 0],
  });
}

test("columns become pixels, and what belongs to what", () => {
  const picture = small();
  assert.deepEqual([...picture.point.subarray(0, 8)], [50, 20, 60, 20, 1990, 515, 2000, 515]);
  assert.deepEqual([...picture.point.subarray(8, 12)], [50, 20, 51, 21], "each wire begins at a place of its own");
  assert.deepEqual(boxOf(picture, 4), { x: 2000, y: 500, width: 30, height: 30 });
  assert.deepEqual(boundsOf(picture), { x: 0, y: -3, width: 4000, height: 1003 });
  assert.deepEqual([0, 1, 2, 3, 4].map((item) => refOf(picture, item)), [null, "e8", "e8", "n3", "n4"]);
  assert.deepEqual(itemsByRef(picture).get("e8"), [1, 2], "what has the label comes first");
  assert.deepEqual(linesOf(picture, 1), [{ x: 900, y: 250, width: 60, runs: [{ role: "value", text: "2" }, { role: "gradient", text: "7" }] }]);
});

test("an empty picture has a size", () => {
  const nothing = pictureOf({ counts: [0, 0, 0], calls: [], styles: [], roles: [], strings: [], styleOf: [], texts: [], rects: [], edges: [], nodes: [], points: [], lengths: [], heads: [], lines: [], runs: [] });
  assert.deepEqual(boundsOf(nothing), { x: 0, y: 0, width: 1, height: 1 });
  assert.deepEqual([...gridOf(nothing).meeting(0, 0, 9, 9)], []);
});

test("a rectangle meets what is in it, once each and in the order of drawing", () => {
  const grid = gridOf(small());
  assert.deepEqual([...grid.meeting(0, 0, 100, 100)], [0, 1, 2, 3]);
  assert.deepEqual([...grid.meeting(1995, 490, 2040, 540)], [0, 1, 4]);
  assert.deepEqual([...grid.meeting(3000, 700, 3100, 800)], [0]);
  assert.deepEqual([...grid.meeting(-500, -500, -100, -100)], []);
  assert.deepEqual([...grid.meeting(-1e6, -1e6, 1e6, 1e6)], [0, 1, 2, 3, 4], "all of it, from far away");
});

test("the grid finds what a search through everything finds", () => {
  let seed = 7;
  const random = (most) => (seed = (seed * 48271) % 2147483647) % most;
  const count = 400;
  const box = new Float32Array(4 * count);
  for (let item = 0; item < count; item++) {
    const [x, y] = [random(9000) - 3000, random(5000) - 2000];
    box.set([x, y, x + random(900), y + random(700)], 4 * item);
  }
  const grid = gridOf({ box, count });
  for (let turn = 0; turn < 50; turn++) {
    const [left, top] = [random(9000) - 3000, random(5000) - 2000];
    const [right, bottom] = [left + random(2500), top + random(1500)];
    const expected = Array.from({ length: count }, (_, item) => item).filter(
      (item) => box[4 * item] <= right && box[4 * item + 1] <= bottom && box[4 * item + 2] >= left && box[4 * item + 3] >= top,
    );
    assert.deepEqual([...grid.meeting(left, top, right, bottom)], expected);
  }
});

test("a pointer means what is under it, else what is near", () => {
  const picture = small();
  const grid = gridOf(picture);
  const at = (x, y, reach = 7) => hit(picture, grid, x, y, reach);
  assert.equal(at(30, 20), "n3");
  assert.equal(at(2010, 515), "n4");
  assert.equal(at(1997, 511), "n4", "a shape before the end of its wire");
  assert.equal(at(905, 245), "e8", "a label is its wire's");
  assert.equal(at(1025, 267.5), "e8", "the middle of the curve");
  assert.equal(at(1025, 290), null);
  assert.equal(at(1025, 290, 30), "e8", "from afar a pointer covers more");
  assert.equal(at(3000, 900), null, "a frame is no node");
});

test("less is written from afar", () => {
  assert.deepEqual([0.03, 0.2, 0.45, 2].map(levelOf), ["far", "middle", "near", "near"]);
});

test("a word takes its room, and what comes later does without", () => {
  const free = new Free();
  assert.ok(free.take(0, 0, 10, 5));
  assert.ok(!free.take(9, 4, 20, 9));
  assert.ok(free.take(10, 5, 20, 9), "side by side");
});

test("a wire ends short of its arrowhead, a stub at its tag", () => {
  const picture = small();
  const path = () => {
    const said = [];
    const say = (name) => (...numbers) => said.push([name, ...numbers.map((each) => Math.round(10 * each) / 10)]);
    return { said, moveTo: say("M"), lineTo: say("L"), bezierCurveTo: say("C"), closePath: say("Z") };
  };
  const [wire, head, far, none] = [path(), path(), path(), path()];
  addWire(wire, picture, 1, "near");
  assert.deepEqual(wire.said, [["M", 50, 20], ["C", 60, 20, 1990, 515, 1993, 515]]);
  addHead(head, picture, 1);
  assert.deepEqual(head.said, [["M", 2000, 515], ["L", 1992, 518.2], ["L", 1992, 511.8], ["Z"]]);
  addWire(far, picture, 1, "far");
  assert.deepEqual(far.said, [["M", 50, 20], ["L", 2000, 515]]);
  addHead(none, picture, 2);
  assert.deepEqual(none.said, []);
});

/* The frame of a call in that of another one, which goes on in a second row; a box in each, and a wire that leads out. */
function framed() {
  return pictureOf({
    counts: [4, 1, 3],
    styles: [["scope", "rect", 1, []], ["row", "rect", 1, []], ["wire plain", "path", 1, []], ["function plain", "ellipse", 1, []]],
    roles: [["name", 13, true]],
    strings: ["outer()", "inner()"],
    calls: [0, 1, 0, -1],
    styleOf: [0, 0, 0, 1, 2, 3, 3, 3],
    texts: [1, 1, 1, 0, 0, 0, 0, 0],
    rects: [...[0, 0, 4000, 2000], ...[200, 300, 1000, 1000], ...[0, 5000, 4000, 2000], ...[0, 4500, 100, 100], ...[500, 600, 300, 300], ...[2000, 600, 300, 300], ...[500, 5600, 300, 300]],
    edges: [4, -1, -1, -1],
    nodes: [0, 1, 2],
    points: [800, 750, 100, 0, 5100, 0, 100, 0],
    lengths: [4],
    heads: [1],
    lines: [10, 150, 300, 1, 210, 450, 300, 1, 10, 5150, 300, 1],
    runs: [0, 0, 0, 0, 0, 1, 0, 0, 0],
  });
}

test("a call has a frame in each row, and what is in them", () => {
  const picture = framed();
  const calls = new Calls(picture, gridOf(picture));
  assert.deepEqual(calls.list.map(({ name, nodes, isOpen }) => [name, nodes, isOpen]), [["outer()", 3, true], ["inner()", 1, true]]);
  assert.deepEqual([5, 6, 7].map((item) => calls.around(item)), [1, 0, 0], "the innermost");
});

test("what is closed covers what is in it, but not the wires that lead out", () => {
  const picture = framed();
  const grid = gridOf(picture);
  const calls = new Calls(picture, grid);
  calls.fold(1);
  assert.deepEqual([...calls.cover], [-1, -1, -1, -1, -1, 1, -1, -1]);
  calls.fold(0);
  assert.deepEqual([...calls.cover], [-1, 0, -1, -1, -1, 0, 0, 2], "the outermost, in each row its own");
  assert.equal(calls.around(5), 0);
  assert.equal(hit(picture, grid, 65, 75, 5, calls.cover), null);
  calls.fold(0);
  assert.deepEqual(calls.list.map(({ isOpen }) => isOpen), [true, false]);
  assert.equal(calls.told(1), "inner(), closed, 1 node inside");
});

test("an open call is met at its sign, a closed one in all of its frame", () => {
  const picture = framed();
  const calls = new Calls(picture, gridOf(picture));
  assert.deepEqual([[15, 13], [300, 150], [35, 40]].map((place) => calls.at(...place)), [0, -1, 1]);
  calls.fold(0);
  assert.deepEqual([[15, 13], [300, 150], [35, 40]].map((place) => calls.at(...place)), [0, 0, 0]);
});
