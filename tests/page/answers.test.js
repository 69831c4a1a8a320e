import assert from "node:assert/strict";
import test from "node:test";

import { judge, readNumber } from "../../viz/page/answers.js";

for (const [text, number] of [
  ["7", 7],
  [" −0.5 ", -0.5],
  ["1e-3", 1e-3],
  [".5", 0.5],
  ["3/4", 0.75],
  ["7 × 3", 21],
  ["3 + 7*2", 17],
  ["-(2 - 5)*2", 6],
  ["0,25", 0.25],
  ["1 - 2 - 3", -4],
  ["0.5 x 3", 1.5],
  ["0.5 X\u00a03", 1.5],
  ["1-0.5**2", 0.75],
  ["1 − 0.5^2", 0.75],
  ["-2**2", -4],
  ["(-2)²", 4],
  ["2**3**2", 512],
  ["2**-1*4", 2],
  ["6 ÷ 4", 1.5],
  ["5.", 5],
]) {
  test(`${text} is ${number}`, () => assert.equal(readNumber(text), number));
}

for (const text of ["", "x", "7 7", "3 +", "(2", "2)", "alert(1)", "1/", "Infinity", "1e", "--", "1/0", "x3", "2**", "2***3", "1.2.3"]) {
  test(`${JSON.stringify(text)} is no number`, () => assert.ok(Number.isNaN(readNumber(text))));
}

const exercise = {
  answer: 7,
  mistakes: [
    { number: 3.5, kind: "mean-not-sum", text: "x has 2 uses, whose gradients are added; this is their mean", made: "(2 + 5)/2" },
    { number: 10, kind: "product-not-sum", text: "this is their product", made: "" },
  ],
};

for (const [text, right, kind] of [
  ["7", true, undefined],
  ["7.02", true, undefined],
  ["7.1", false, undefined],
  ["3.5", false, "mean-not-sum"],
  ["2*5", false, "product-not-sum"],
]) {
  test(`${text} is judged`, () => {
    const judged = judge(exercise, text);
    assert.deepEqual([judged.right, judged.kind], [right, kind]);
  });
}

test("a mistake is told with its arithmetic", () => {
  assert.equal(judge(exercise, "3.5").text, "No: x has 2 uses, whose gradients are added; this is their mean: (2 + 5)/2.");
});

test("what is no number counts as no try", () => assert.equal(judge(exercise, "x + y").isNumber, false));

test("zero is right where zero is right", () => {
  assert.ok(judge({ answer: 0, mistakes: [] }, "0").right);
  assert.ok(!judge({ answer: 0, mistakes: [] }, "0.01").right);
});

for (const [text, kind] of [["1001", undefined], ["1000", "missing-uses"], ["1000.6", undefined], ["1000.4", "missing-uses"], ["1004", undefined]]) {
  test(`${text} is the answer or the mistake next to it, whichever is nearer`, () => {
    const near = { answer: 1001, mistakes: [{ number: 1000, kind: "missing-uses", text: "a use is missing", made: "", or: "it is their mean" }] };
    const judged = judge(near, text);
    assert.deepEqual([judged.right, judged.kind], [kind === undefined, kind]);
    if (kind) assert.equal(judged.text, "No: a use is missing; or it is their mean.");
  });
}

test("a tiny gradient is not zero", () => assert.ok(!judge({ answer: 1e-20, mistakes: [] }, "0").right));

for (const [text, said] of [
  ["3.5 x 2", "= 7. Right."],
  ["1 - 0.5**2", "= 0.75. No, and none of the usual mistakes gives it."],
  ["7/2", /^= 3.5. No: x has 2 uses/],
  ["1-8", "= −7. No, and none of the usual mistakes gives it."],
  ["−0.5", "No, and none of the usual mistakes gives it."],
  ["7", "Right."],
]) {
  test(`${text} is answered with what it came to`, () => {
    const { text: told } = judge(exercise, text);
    if (typeof said === "string") assert.equal(told, said);
    else assert.match(told, said);
  });
}
