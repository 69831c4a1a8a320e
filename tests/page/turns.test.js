import assert from "node:assert/strict";
import test from "node:test";

import { pathOf, placesOf } from "../../viz/page/series.js";
import { nameOf, numbersOf } from "../../viz/page/turns.js";
import { splitter } from "./graphs.js";

const turnsOf = (numbers) => Object.fromEntries(numbers.map((turn) => [turn, { value: `v${turn}\nmore`, grad: `g${turn}`, working: `g${turn} × 1 = g${turn}\n[0] more` }]));

/* x runs 25 times, is split in each, and used in turns 0 and 1 by s, in turn 1 by the product, in another loop by y. */
const graph = splitter();
graph.view.loops = [{ count: 25, word: "turn", names: { 0: "t = 3", 5: "t = −7", 24: "t = −45" } }, { count: 1000, word: "run" }, { count: 12, word: "turn", names: { 10: "i = 1, turn 3", 11: "turn 11" } }];
graph.nodes[0].count = graph.nodes[1].count = 25;
for (const [edge, loop, turns] of [[0, 0, [0, 1]], [1, 0, [0, 1]], [3, 0, [1]], [2, 1, [0, 1]]]) Object.assign(graph.edges[edge], { count: 25, loop, turns: turnsOf(turns) });

test("a turn is told by the edges of its loop that ran in it, and by the nodes with their gradients", () => {
  const working = "g1 × 1 = g1";
  const { gradients, values, apart } = numbersOf(graph, { loop: 0, turn: 1 });
  assert.deepEqual([...gradients], [["e0", working], ["n0", "g1"], ["n1", "g1"], ["e1", working], ["e3", working]]);
  graph.edges[3].turns[1].value = "(5,)  ‖1.734‖, −1.355 at [4]";
  assert.equal(numbersOf(graph, { loop: 0, turn: 1 }).values.get("e3"), "(5,)  ‖1.734‖");
  assert.deepEqual([...values], ["e0", "n0", "n1", "e1", "e3"].map((ref) => [ref, "v1"]));
  assert.deepEqual(apart, ["e2"]);
});

test("what has no run in a turn is told apart, and what is not of the loop's turns is not", () => {
  assert.deepEqual(numbersOf(graph, { loop: 0, turn: 0 }).apart, ["e2", "e3"]);
  assert.deepEqual(numbersOf(graph, { loop: 1, turn: 0 }).apart, ["n0", "n1", "e0", "e1", "e3"]);
  assert.deepEqual([...numbersOf(graph, { loop: 1, turn: 0 }).gradients.keys()], ["e2"]); // y is of all turns
});

for (const [loop, turn, name] of [
  [0, 5, "t = −7 (of 25)"],
  [0, 0, "t = 3 (first of 25)"],
  [0, 24, "t = −45 (last of 25)"],
  [1, 3, "run 3 (of 1,000, from 0)"],
  [2, 10, "i = 1, turn 3 (of 12, from 0)"],
  [2, 11, "turn 11 (last of 12, from 0)"],
]) {
  test(`a turn is called ${name}`, () => assert.equal(nameOf(graph, { loop, turn }), name));
}

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
