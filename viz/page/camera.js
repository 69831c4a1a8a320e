/* Pan and zoom: wheel, drag, pinch and keys move a camera, and a view draws what it sees. */

const STEP = 1.25;
const SMALLEST = 0.05;
const LARGEST = 6;
const READABLE = 9 / 11; // the smallest text is 9 pixels
const WHOLE = 0.68; // gradients are 8.5 pixels; of a picture that would be smaller a part is shown at first
const EDGE = 4; // pixels beyond the room that hide nothing
const COMFORTABLE = 1.35;
const PADDING = 28;
const SLACK = 8; // pixels of a picture between what is shown together and the edges
const REST = 160; // milliseconds without a move
const CLICK = 4; // pixels that a click may move

/** The scale and place at which some bounds fill a room. */
export function fitted(bounds, room, most = COMFORTABLE, least = SMALLEST) {
  const scale = Math.min(
    (room.width - 2 * PADDING) / Math.max(bounds.width, 1),
    (room.height - 2 * PADDING) / Math.max(bounds.height, 1),
    most,
  );
  const used = Math.max(scale, least);
  return {
    scale: used,
    x: (room.width - bounds.width * used) / 2 - bounds.x * used,
    y: (room.height - bounds.height * used) / 2 - bounds.y * used,
  };
}

/** Whether all of a picture can be read at once. */
export const isReadable = (bounds, room) => fitted(bounds, room).scale >= WHOLE;

/** Where to begin: all of it, if that can be read, else all of its width, around a box, or at its left upper corner, or from
 * there on where the first of some starts is in sight; of these as many as there is room for. */
export function beginning(bounds, room, box = null, starts = []) {
  const whole = fitted(bounds, room);
  if (whole.scale >= WHOLE) return whole;
  const wide = fitted({ ...bounds, height: 1 }, room).scale;
  const scale = wide >= WHOLE ? wide : READABLE;
  const start = (from, length, size, middle) => {
    if (length * scale <= size - 2 * PADDING) return (size - length * scale) / 2 - from * scale;
    const [least, most] = [size - PADDING - (from + length) * scale, PADDING - from * scale]; // and show no empty paper
    return Math.min(most, Math.max(least, size / 2 - middle * scale));
  };
  const around = ({ x, y, width, height }) => ({
    scale,
    x: start(bounds.x, bounds.width, room.width, x + width / 2),
    y: start(bounds.y, bounds.height, room.height, y + height / 2),
  });
  if (box) return around(box);
  const corner = around({ x: -Infinity, y: -Infinity, width: 0, height: 0 });
  const shown = together(starts, bounds, room.width / scale - SLACK, room.height / scale - SLACK);
  if (!shown) return corner;
  const [needed, middle] = [revealing(corner, shown, room), around(shown)];
  return { scale, x: needed.x === corner.x ? corner.x : middle.x, y: needed.y === corner.y ? corner.y : middle.y };
}

/* A box around those boxes that fit into a size together with the one next to the corner, each the next one. */
function together(boxes, corner, width, height) {
  const distance = (box) => box.x - corner.x + box.y - corner.y;
  let all = null;
  for (const box of [...boxes].sort((first, second) => distance(first) - distance(second))) {
    const next = all ? united(all, box) : box;
    if (!all || (next.width <= width && next.height <= height)) all = next;
  }
  return all;
}

function united(first, second) {
  const [x, y] = [Math.min(first.x, second.x), Math.min(first.y, second.y)];
  const [right, bottom] = [Math.max(first.x + first.width, second.x + second.width), Math.max(first.y + first.height, second.y + second.height)];
  return { x, y, width: right - x, height: bottom - y };
}

/** The sides at which a picture goes on beyond the room. */
export function beyond(camera, bounds, room) {
  const [left, top] = [camera.x + bounds.x * camera.scale, camera.y + bounds.y * camera.scale];
  const [right, bottom] = [left + bounds.width * camera.scale, top + bounds.height * camera.scale];
  const sides = { left: left < -EDGE, top: top < -EDGE, right: right > room.width + EDGE, bottom: bottom > room.height + EDGE };
  return Object.keys(sides).filter((side) => sides[side]);
}

/** The camera after a zoom that leaves a point where it is. */
export function zoomed(camera, factor, point, least = SMALLEST) {
  const scale = Math.min(LARGEST, Math.max(least, camera.scale * factor));
  const ratio = scale / camera.scale;
  return { scale, x: point.x - (point.x - camera.x) * ratio, y: point.y - (point.y - camera.y) * ratio };
}

/** The camera moved as little as needed for a box to be in the room. */
export function revealing(camera, box, room) {
  const left = camera.x + box.x * camera.scale;
  const top = camera.y + box.y * camera.scale;
  const along = (start, length, size) => {
    if (start >= 0 && start + length <= size) return 0;
    return length > size - 2 * PADDING ? PADDING - start : (size - length) / 2 - start;
  };
  return {
    scale: camera.scale,
    x: camera.x + along(left, box.width * camera.scale, room.width),
    y: camera.y + along(top, box.height * camera.scale, room.height),
  };
}

/** The camera at a box that somebody asked for: where it would be too small to be read, nearer, and around it; a whole
 * picture that is shown at once as it began stays. */
export function showing(camera, box, room) {
  if (camera.scale >= WHOLE) return revealing(camera, box, room);
  const middle = (from, length, size) => size / 2 - (from + length / 2) * READABLE;
  return { scale: READABLE, x: middle(box.x, box.width, room.width), y: middle(box.y, box.height, room.height) };
}

/** Have an element's gestures move a camera; `draw(camera, room)` is called once a frame. */
export function cameraOf(element, draw) {
  let camera = { x: 0, y: 0, scale: 1 };
  let smallest = SMALLEST; // of a very large picture, what shows all of it
  let asked = 0;
  let resting = 0;
  const pointers = new Map();
  let moved = 0;

  let size = null; // as it was when it changed last: to ask for it at each step takes long
  const room = () => element.getBoundingClientRect();
  new ResizeObserver(([{ contentRect }]) => (size = contentRect)).observe(element);
  const set = (next) => {
    camera = next;
    element.classList.add("is-moving"); // moved as one image, and set sharply when it rests
    clearTimeout(resting);
    resting = setTimeout(() => element.classList.remove("is-moving"), REST);
    asked ||= requestAnimationFrame(() => {
      asked = 0;
      draw(camera, size ?? room());
    });
  };
  const local = (event) => ({ x: event.clientX - room().left, y: event.clientY - room().top });
  const centre = () => ({ x: room().width / 2, y: room().height / 2 });

  element.addEventListener(
    "wheel",
    (event) => {
      if ("embedded" in document.documentElement.dataset) return; // the reader of a notebook scrolls past
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 16 : 1;
      const speed = event.ctrlKey ? 0.01 : 0.0016; // a pinch on a touchpad is a wheel with the control key
      set(zoomed(camera, Math.exp(-event.deltaY * lines * speed), local(event), smallest));
    },
    { passive: false },
  );
  element.addEventListener("pointerdown", (event) => {
    const isMouse = event.pointerType === "mouse";
    if (isMouse && (event.button > 1 || event.target.closest?.("text"))) return; // text can be selected
    if (!pointers.size) moved = 0;
    pointers.set(event.pointerId, local(event));
  });
  element.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const after = local(event);
    const others = [...pointers].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
    pointers.set(event.pointerId, after);
    moved += Math.hypot(after.x - before.x, after.y - before.y);
    if (moved > CLICK && !element.hasPointerCapture(event.pointerId)) element.setPointerCapture(event.pointerId);
    if (!others.length) {
      if (moved > CLICK) set({ ...camera, x: camera.x + after.x - before.x, y: camera.y + after.y - before.y });
      return;
    }
    const [other] = others;
    const spread = (point) => Math.max(1, Math.hypot(point.x - other.x, point.y - other.y));
    const middle = { x: (after.x + other.x) / 2, y: (after.y + other.y) / 2 };
    const turned = zoomed(camera, spread(after) / spread(before), middle, smallest);
    set({ ...turned, x: turned.x + (after.x - before.x) / 2, y: turned.y + (after.y - before.y) / 2 });
  });
  for (const name of ["pointerup", "pointercancel"]) {
    element.addEventListener(name, (event) => pointers.delete(event.pointerId));
  }
  element.addEventListener(
    "click",
    (event) => {
      if (moved > CLICK) event.stopPropagation(); // the end of a drag
      moved = 0;
    },
    { capture: true },
  );

  return {
    begin(bounds, box, starts) {
      size = room(); // which the panes may just have been arranged for
      smallest = Math.min(SMALLEST, fitted(bounds, size, COMFORTABLE, 0).scale);
      set(beginning(bounds, size, box, starts));
    },
    fit: (bounds) => set(fitted(bounds, room(), COMFORTABLE, smallest)),
    zoom: (direction) => set(zoomed(camera, STEP ** direction, centre(), smallest)),
    show: (box) => box && set(showing(camera, box, room())),
    reveal: (box) => box && set(revealing(camera, box, size ?? room())),
  };
}
