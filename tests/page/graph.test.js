import assert from "node:assert/strict";
import test from "node:test";

import { indexAt } from "../../viz/page/heat.js";
import { isTaken, keyOf } from "../../viz/page/keys.js";
import { find } from "../../viz/page/search.js";
import { splitter } from "./graphs.js";

const graph = splitter();

for (const [query, found] of [
  ["s", ["n3"]],
  ["X", ["n0", "n1"]],
  ["multi", ["n4"]],
  ["×", ["n4"]],
  ["splitter of X", ["n1"]],
  ["× at line 2", ["n4"]],
  ["2", ["n4"]],
  ["line 1", ["n3"]],
  ["nothing", []],
  ["  ", []],
]) {
  test(`a search for ${JSON.stringify(query)} finds ${found}`, () => assert.deepEqual(find(graph, query), found));
}

test("a search finds calls: those that are open in the picture, and those of other views", () => {
  const other = splitter();
  const { views } = other.data;
  views.push({ ...views[0], name: "neuron ×102", parent: 0 }, { ...views[0], name: "neuron_of ×3", parent: 1 });
  other.nodes[4].kind = "group";
  other.nodes[4].name = "neuron";
  const frames = [{ name: "layer()" }, { name: "s()" }];
  assert.deepEqual(find(other, "neur", frames), ["n4", "v2"]); // the closed call's own view is found by its node
  assert.deepEqual(find(other, "Layer", frames), ["f0"]);
  assert.deepEqual(find(other, "s", frames), ["n3", "f1"]);
  assert.deepEqual(find(other, "splitter", frames), ["n1"]);
  other.load(2);
  assert.deepEqual(find(other, "splitter"), ["v0", "n1"]);
});

test("a sentence has the arithmetic, and not what is hidden", () => {
  assert.equal(graph.sentence("n4"), "× at line 2, value 10, gradient 1, to s: 1 × 2 = 2, to x: 1 × 5 = 5");
  assert.equal(graph.sentence("n4", () => true), "× at line 2, value 10, gradient not there yet");
  assert.equal(graph.sentence("n5", () => true), "output, value 10, gradient 1");
});

test("a line knows what it made", () => {
  assert.deepEqual(graph.at(0, 1), ["n3"]);
  assert.deepEqual(graph.at(0, 7), []);
});

test("the gradient of a splitter comes by its own edge, that of anything else from its use", () => {
  assert.deepEqual([0, 1, 3, 5].map((node) => graph.gradientOf(node)), ["e0", "e0", "e4", null]);
});

test("an element is named by its index", () => {
  assert.equal(indexAt(7, [2, 3, 4]), "[0, 1, 3]");
  assert.equal(indexAt(0, [1]), "[0]");
});

test("a key with control is the browser's, and one in a field the field's", () => {
  assert.equal(keyOf({ key: "0", ctrlKey: true }), "");
  assert.equal(keyOf({ key: "ArrowLeft", shiftKey: true }), "Shift+ArrowLeft");
  const inside = (selector) => ({ closest: () => null, matches: (list) => list.includes(selector) });
  assert.ok(isTaken({ key: "c", target: inside("input[type=search]") }));
  assert.ok(isTaken({ key: "ArrowLeft", target: inside("input[type=range]") }));
  assert.ok(!isTaken({ key: "c", target: inside("input[type=range]") }));
});

test("what a wire leads back to its own operation brings is not shown at the operation", () => {
  const looping = splitter();
  looping.nodes[3].out = [4, 6];
  looping.edges.push({ from: 3, to: 3, backTo: "turn" });
  looping.nodes[3].out.reverse();
  assert.deepEqual(looping.shownWith(6), ["e6"]);
  assert.deepEqual(looping.shownWith(0), ["e0", "n0", "n1"]);
});
