import assert from "node:assert/strict";
import test from "node:test";

import { BackwardPass } from "../../viz/page/steps.js";
import { splitter } from "./graphs.js";

const pass = new BackwardPass(splitter());
const refs = (list) => [...new Set(list)].sort();

test("before the first step, every gradient but the output's is still to come", () => {
  assert.deepEqual(refs(pass.later(0)), ["e0", "e1", "e2", "e3", "e4", "e5", "n0", "n1", "n2"]);
  assert.equal(pass.now(0), null);
});

test("after the last step, nothing is", () => {
  assert.deepEqual(pass.later(pass.length), []);
});

test("an input has its gradient when its edge has fired", () => {
  assert.ok(pass.later(3).includes("n2"));
  assert.ok(!pass.later(4).includes("n2"));
});

for (const [step, notes] of [
  [1, []],
  [2, [["n1", "waiting 1 of 2, Σ 5"]]],
  [4, [["n1", "waiting 1 of 2, Σ 5"]]],
  [5, [["n1", "all 2 are here, Σ 7"]]],
  [6, []],
]) {
  test(`after step ${step} the splitter says ${JSON.stringify(notes)}`, () => {
    assert.deepEqual([...pass.notes(step)], notes);
  });
}

for (const [step, words] of [
  [0, "Before the backward pass: the gradient of the output is 1."],
  [1, "The output hands its gradient 1 to × at line 2."],
  [2, "× at line 2 sends back to splitter of x: 1 × 5 = 5. It waits: 1 of 2 has arrived, Σ 5."],
  [5, "+ at line 1 sends back to splitter of x: 2 × 1 = 2. Both have arrived, Σ 7: it can fire."],
  [6, "The splitter of x has the gradients of both uses and fires: their sum is 7. The backward pass is complete."],
]) {
  test(`step ${step} is told in words`, () => assert.equal(pass.told(step), words));
}

test("a graph without gradients has no steps", () => {
  const graph = splitter();
  graph.view.order = [];
  assert.match(new BackwardPass(graph).told(0), /no backward pass/);
});

/* b, used in 30 turns at one place; and x, split in each of its turns. */
const rolled = (count, uses, sum) => {
  const graph = splitter();
  const node = graph.nodes[1];
  node.count = count;
  node.sums = [[3, 1, null, "‖1‖ → ‖9‖"], [1, 4, sum, "‖2‖ → ‖8‖"]].slice(2 - uses);
  const each = (count ? 1 : 30) * uses;
  node.uses = [each, each];
  graph.edges[1].count = 30;
  graph.edges[3].count = 30;
  graph.edges[0].grad = `${sum}\n3 of 30 zero`;
  return new BackwardPass(graph);
};

test("a sum that is not made is not told, and turns count as uses", () => {
  const one = rolled(undefined, 1, "‖11‖");
  assert.deepEqual([...one.notes(5)], [["n1", "all 30 uses (1 place) are here, Σ ‖11‖"]]);
  assert.match(one.told(6), /gradients of all 30 uses and fires: their sum is ‖11‖\./);
  const two = rolled(undefined, 2, "‖11‖");
  assert.deepEqual([...two.notes(2)], [["n1", "waiting 1 of 2"]]);
  assert.match(two.told(2), /1 of 2 has arrived\.$/);
  assert.deepEqual([...two.notes(5)], [["n1", "all 60 uses (2 places) are here, Σ ‖11‖"]]);
});

test("a splitter in a loop has the uses of one turn, and no sum over turns", () => {
  const each = rolled(30, 2, "0.5 → 7");
  assert.deepEqual([...each.notes(5)], [["n1", "all 2 are here, Σ 0.5 → 7"]]);
  assert.match(each.told(6), /gradients of both uses and fires, in each of 30 runs: their sum is 0\.5 → 7\./);
});

for (const [uses, sentence] of [
  [[1, 1], "The splitter of x fires, in each of 12 runs: of its uses, the output depends on one, which brings ‖11‖."],
  [[2, 2], "The splitter of x has the gradients of both uses and fires, in each of 12 runs: their sum is ‖11‖."],
  [[4, 4], "The splitter of x has the gradients of all 4 uses and fires, in each of 12 runs: their sum is ‖11‖."],
  [[1, 4], "The splitter of x has the gradients of all uses, of 1 to 4, and fires, in each of 12 runs: their sum is ‖11‖."],
]) {
  test(`one place that is ${uses} uses of each run is told as such`, () => {
    const each = rolled(12, 1, "‖11‖");
    each.graph.nodes[1].uses = uses;
    assert.equal(each.told(6).replace(" The backward pass is complete.", ""), sentence);
  });
}

test("uses that the output does not depend on are counted as the picture counts them, and not waited for", () => {
  const graph = splitter();
  graph.nodes[1].silent = 1;
  const counting = new BackwardPass(graph);
  assert.deepEqual([...counting.notes(2)], [["n1", "waiting 1 of 3, Σ 5"]]);
  assert.match(counting.told(2), / It waits: 1 of 3 has arrived, Σ 5\.$/);
  assert.deepEqual([...counting.notes(5)], [["n1", "2 of 3, the rest 0, are here, Σ 7"]]);
  assert.match(counting.told(5), / 2 of 3 have arrived, Σ 7, and the other, through which no gradient comes back, brings 0: it can fire\.$/);
  assert.match(counting.told(6), /has the gradients of 2 of its 3 uses and fires: with 0 from the other, through which no gradient comes back, their sum is 7\./);
});
