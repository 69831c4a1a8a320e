import assert from "node:assert/strict";
import test from "node:test";

import { beginning, beyond, fitted, revealing, showing, zoomed } from "../../viz/page/camera.js";

const room = { width: 800, height: 600 };
const seen = (camera, box) => ({ left: camera.x + box.x * camera.scale, top: camera.y + box.y * camera.scale, right: camera.x + (box.x + box.width) * camera.scale, bottom: camera.y + (box.y + box.height) * camera.scale });

for (const bounds of [{ x: 10, y: -5, width: 300, height: 100 }, { x: 0, y: 0, width: 4000, height: 300 }, { x: 0, y: 0, width: 1, height: 9000 }]) {
  test(`all of ${bounds.width} × ${bounds.height} is in the room once it is fitted`, () => {
    const { left, top, right, bottom } = seen(fitted(bounds, room), bounds);
    assert.ok(left >= 0 && top >= 0 && right <= 800 && bottom <= 600);
  });
}

test("a picture too large to be read whole is begun at its corner", () => {
  const bounds = { x: 40, y: 40, width: 3000, height: 3000 };
  const { left, top } = seen(beginning(bounds, room), bounds);
  assert.ok(left > 0 && left < 50 && top > 0 && top < 50);
  assert.ok(beginning(bounds, room).scale > fitted(bounds, room).scale);
});

const wide = { x: 40, y: 40, width: 3000, height: 3000 };

for (const [at, x, y] of [["in the middle", 1500, 1500], ["at its end", 3000, 3000], ["at its corner", 40, 40]]) {
  test(`a picture too large to be read whole is begun around a box ${at}, and shows no empty paper`, () => {
    const box = { x, y, width: 40, height: 40 };
    const camera = beginning(wide, room, box);
    const [shown, all] = [seen(camera, box), seen(camera, wide)];
    assert.ok(shown.left > 0 && shown.top > 0 && shown.right < 800 && shown.bottom < 600);
    assert.ok(all.left < 50 && all.top < 50 && all.right > 750 && all.bottom > 550);
  });
}

const input = (x, y) => ({ x, y, width: 100, height: 60 });

for (const [what, starts, found] of [
  ["at its corner where the first start is there", [input(60, 60)], [input(60, 60)]],
  ["at the first start where that is not at its corner", [input(60, 2500), input(60, 1500)], [input(60, 1500)]],
  ["so that all starts are seen that fit", [input(60, 400), input(60, 60), input(60, 700), input(60, 2000)], [input(60, 60), input(60, 400)]],
  ["lower where more starts fit there", [input(60, 500), input(60, 700), input(60, 900)], [input(60, 500), input(60, 700), input(60, 900)]],
]) {
  test(`a picture too large to be read whole is begun ${what}`, () => {
    const camera = beginning(wide, room, null, starts);
    for (const box of found) {
      const { left, top, right, bottom } = seen(camera, box);
      assert.ok(left >= 0 && top >= 0 && right <= 800 && bottom <= 600);
    }
    assert.equal(seen(camera, wide).left, 28);
  });
}

test("what is in sight stays where it is, also next to the edge and in a picture that is small but whole", () => {
  const box = { x: 10, y: 560, width: 50, height: 40 };
  for (const scale of [0.7, 1]) assert.deepEqual(showing({ x: 0, y: 0, scale }, box, room), { x: 0, y: 0, scale });
});

test("a picture that is only wide stays in the middle of the height", () => {
  const { top, bottom } = seen(beginning({ ...wide, height: 100 }, room, { x: 3000, y: 40, width: 40, height: 40 }), { ...wide, height: 100 });
  assert.ok(Math.abs(top + bottom - 600) < 1);
});

test("where a picture goes on is told by its sides, and what is whole has none", () => {
  assert.deepEqual(beyond(beginning(wide, room), wide, room), ["right", "bottom"]);
  assert.deepEqual(beyond(beginning(wide, room, { x: 3000, y: 3000, width: 40, height: 40 }), wide, room), ["left", "top"]);
  assert.deepEqual(beyond(fitted(wide, room), wide, room), []);
});

test("a picture that is nearly small enough is shown whole at first", () => {
  const bounds = { x: 0, y: 0, width: 1000, height: 100 };
  const { left, right } = seen(beginning(bounds, room), bounds);
  assert.ok(left >= 0 && right <= 800);
});

test("a zoom leaves the point under the pointer where it is, and has an end", () => {
  const camera = { x: 30, y: 40, scale: 1 };
  const point = { x: 200, y: 100 };
  const next = zoomed(camera, 2, point);
  assert.equal((point.x - next.x) / next.scale, (point.x - camera.x) / camera.scale);
  assert.ok(zoomed(camera, 1e9, point).scale < 100);
});

test("what is in the room is not moved, and what is not comes into it", () => {
  const camera = { x: 0, y: 0, scale: 1 };
  assert.deepEqual(revealing(camera, { x: 100, y: 100, width: 50, height: 50 }, room), camera);
  const box = { x: 2000, y: 100, width: 50, height: 50 };
  const { left, right } = seen(revealing(camera, box, room), box);
  assert.ok(left >= 0 && right <= 800);
});

test("what is asked for is brought to the middle at a size that can be read, and not made smaller", () => {
  const box = { x: 2000, y: 100, width: 50, height: 50 };
  const { left, right, top, bottom } = seen(showing({ x: 0, y: 0, scale: 0.05 }, box, room), box);
  assert.ok(right - left > 40);
  assert.ok(Math.abs(left + right - 800) < 1 && Math.abs(top + bottom - 600) < 1);
  assert.equal(showing({ x: 0, y: 0, scale: 2 }, box, room).scale, 2);
});
