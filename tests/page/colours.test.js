import assert from "node:assert/strict";
import test from "node:test";

import { RAMPS, colourAt, endOf, inkOf, inkOver, rangeOf, sizesOf, ticksOf } from "../../viz/page/colours.js";

const GROUNDS = { light: "#ffffff", dark: "#14171b" };

/* The relative luminance of WCAG. */
function luminance(colour) {
  const channels = colour.startsWith("#") ? [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16)) : colour.match(/\d+/g).map(Number);
  const [red, green, blue] = channels.map((each) => (each / 255 <= 0.03928 ? each / 255 / 12.92 : ((each / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

for (const [theme, ground] of Object.entries(GROUNDS)) {
  const shades = Array.from({ length: 41 }, (_, at) => luminance(colourAt(at / 40, theme)));

  test(`${theme}: every colour stands out from its ground by 3 : 1`, () => {
    for (const shade of shades) {
      const [high, low] = [shade, luminance(ground)].sort((a, b) => b - a);
      assert.ok((high + 0.05) / (low + 0.05) >= 3, String((high + 0.05) / (low + 0.05)));
    }
  });

  test(`${theme}: lightness goes one way, so that hues need not be told apart`, () => {
    const steps = shades.slice(1).map((shade, at) => shade - shades[at]);
    assert.ok(steps.every((step) => step > 0) || steps.every((step) => step < 0));
  });

  test(`${theme}: the ends are the ends of its table`, () => {
    assert.equal(luminance(colourAt(0, theme)), luminance(RAMPS[theme][0]));
    assert.equal(luminance(colourAt(1, theme)), luminance(RAMPS[theme].at(-1)));
  });
}

test("a range is in decades, and leaves out what is zero, missing or not finite", () => {
  assert.deepEqual(rangeOf([0, undefined, null, 1e-3, 100]), [-3, 2]);
  assert.equal(rangeOf([0, undefined]), null);
  assert.deepEqual(rangeOf([1, 1]), [-0.5, 0.5]);
});

test("what rounding left does not stretch the range, and is told as below it", () => {
  const sizes = [0.1, 9e-17, 0.01, 3e-17, 0];
  const range = rangeOf(sizes);
  assert.deepEqual(range.map((each) => Math.round(each * 1e6) / 1e6), [-2, -1]);
  assert.equal(endOf(range, sizes), "0.010 and below");
  assert.deepEqual(inkOf(9e-17, range, "light"), inkOf(0.01, range, "light"));
});

for (const [what, sizes] of [
  ["vanishes step by step", Array.from({ length: 40 }, (_, at) => 10 ** -at)],
  ["is small, but no rounding", [1e-12, 10]],
]) {
  test(`what ${what} stays in the range`, () => {
    const range = rangeOf(sizes);
    assert.equal(range[0], Math.min(...sizes.map(Math.log10)));
    assert.equal(endOf(range, sizes), null);
  });
}

test("a larger gradient has a thicker wire, and zero keeps its look", () => {
  const range = rangeOf([1e-3, 100]);
  assert.ok(inkOf(10, range, "light").width > inkOf(0.1, range, "light").width);
  assert.equal(inkOf(0, range, "light"), null);
  assert.equal(inkOf(undefined, range, "light"), null);
});

test("ticks are powers of ten, and few", () => {
  assert.deepEqual(ticksOf([-3, 2]).map(({ text }) => text), ["1e-3", "1e-2", "1e-1", "1e0", "1e1", "1e2"]);
  assert.ok(ticksOf([-300, 300]).length <= 5);
});

test("a scale with fewer than two powers of ten has its ends written", () => {
  assert.deepEqual(ticksOf([-0.5, 0.5]), [{ text: "0.32", share: 0 }, { text: "3.2", share: 1 }]);
});

const carried = {
  magnitude: 10,
  loop: 0,
  turns: { 0: { magnitude: 1e-12 }, 2: { magnitude: 10 } },
  series: { count: 3, runs: [0, 1, 2], sizes: [1e-12, 0, -10] },
};

test("what vanishes over the turns is in the scale, and along the wire", () => {
  const sizes = sizesOf(carried);
  const range = rangeOf(sizes.map(([, size]) => size));
  assert.deepEqual(range, [-12, 1]);
  const { stops, width } = inkOver(sizes, range, "light");
  assert.deepEqual(stops, [[0, colourAt(0, "light")], [1, colourAt(1, "light")]]);
  assert.equal(width, inkOf(10, range, "light").width);
});

test("of a chosen turn the wires of its loop have the colour of that turn, and none where they did not run", () => {
  const range = [-12, 1];
  assert.deepEqual(inkOver(sizesOf(carried, { loop: 0, turn: 0 }), range, "light"), inkOf(1e-12, range, "light"));
  assert.equal(inkOver(sizesOf(carried, { loop: 0, turn: 1 }), range, "light"), null);
  assert.equal(sizesOf(carried, { loop: 1, turn: 0 }).length, 3);
  assert.deepEqual(sizesOf({ magnitude: 2 }), [[0, 2]]);
});
