import assert from "node:assert/strict";
import test from "node:test";

import { pathOf, placesOf } from "../../viz/page/series.js";
import { nameOf, notesOf } from "../../viz/page/turns.js";

const graph = {
  view: { loops: [25, 1000] },
  edges: [
    { loop: 0, turns: { 3: { grad: "7", working: "7 × 1 = 7\n[0] more" } } },
    { loop: 0, turns: { 4: { grad: "9" } } },
    { loop: 1, turns: { 3: { grad: "5" } } },
    { grad: "1" },
  ],
};

test("a turn is told by the edges of its loop that ran in it", () => {
  assert.deepEqual([...notesOf(graph, { loop: 0, turn: 3 })], [["e0", "7 × 1 = 7"]]);
  assert.deepEqual([...notesOf(graph, { loop: 0, turn: 4 })], [["e1", "9"]]);
  assert.equal(nameOf(graph, { loop: 1, turn: 3 }), "turn 3 of 1,000, from 0");
});

test("a series that spans decades is drawn on a log scale, zero and nan beside it", () => {
  const { isLog, places } = placesOf({ count: 5, runs: [0, 1, 2, 3, 4], sizes: [1, -0.01, 0, "nan", 100] });
  assert.ok(isLog);
  assert.deepEqual(places.map((place) => place && Math.round(place[1])), [45, 90, null, null, 0]);
  assert.equal(pathOf(places).match(/M/g).length, 2);
});

test("a series of nearly equal numbers is drawn from zero", () => {
  const { isLog, places } = placesOf({ count: 2, runs: [0, 1], sizes: [2, 4] });
  assert.ok(!isLog);
  assert.deepEqual(places.map(([, y]) => y), [45, 0]);
});

test("a series of zeros has a line at the bottom", () => {
  assert.ok(placesOf({ count: 2, runs: [0, 1], sizes: [0, 0] }).places.every(([, y]) => y === 90));
});
