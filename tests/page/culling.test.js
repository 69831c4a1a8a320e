import assert from "node:assert/strict";
import test from "node:test";

import { isInSight } from "../../viz/page/culling.js";

const room = { width: 800, height: 600 };
const box = { x: 1000, y: 0, width: 50, height: 20 };

test("what is in the room is in sight, and what is far outside is not", () => {
  assert.ok(isInSight(box, { x: -500, y: 0, scale: 1 }, room));
  assert.ok(isInSight(box, { x: 0, y: 0, scale: 0.5 }, room));
  assert.ok(!isInSight(box, { x: 900, y: 0, scale: 1 }, room));
  assert.ok(!isInSight(box, { x: -3000, y: 0, scale: 1 }, room));
  assert.ok(!isInSight(box, { x: -500, y: 2000, scale: 1 }, room));
});

test("what is too small to be read is out of sight", () => {
  assert.ok(!isInSight(box, { x: 0, y: 0, scale: 0.1 }, room));
});
