/* A view drawn on a canvas, for pictures that a browser can't hold as elements; its interface is that of `svg.js`.
 *
 * What a canvas can't do, elements do: a cursor has the keyboard's focus and stands where its node is, a screen reader
 * hears what the node is, and from afar a plate says what a pointer is at. */

import { Calls, SHIFT } from "./calls.js";
import { boundsOf, boxOf, itemsByRef, linesOf, pictureOf, shiftTitles } from "./columns.js";
import { el } from "./dom.js";
import { gridOf, hit } from "./grid.js";
import { inksOf } from "./inks.js";
import { levelOf, painterOf } from "./painter.js";
import { stillOf } from "./still.js";

const REACH = 7; // pixels of the screen that a pointer may be off
const SHADES = 16; // looks that wires have by the size of their gradients
const MANY = 12_000; // items in sight: they move as one image, and are painted when they rest
const REST = 140; // milliseconds
const PRINTED = 3600; // pixels of the longer side of the whole picture on paper
const OVER = ["gradient", "working", "alarm"]; // where a note stands

export function canvasView(element, view, sentence) {
  const picture = pictureOf(view.columns);
  shiftTitles(picture, SHIFT);
  const grid = gridOf(picture);
  const calls = new Calls(picture, grid);
  const items = itemsByRef(picture);
  const bounds = boundsOf(picture);
  const handlers = { hover: () => {}, choose: () => {}, focus: () => {}, fold: () => {} };
  const lights = new Map(); // by state: its refs
  const state = { inks: inksOf(element, picture), lit: new Map(), later: new Set(), noted: new Map(), colours: null, version: 0 };

  const help = `Picture of ${view.nodes.length} nodes; with the arrow keys, one after the other`;
  const canvas = el("canvas", { role: "img", "aria-label": help });
  const said = el("p", { class: "said", "aria-live": "polite" });
  const plate = el("div", { class: "plate", "aria-hidden": "true", hidden: true });
  const first = [...items.keys()].find((ref) => ref[0] === "n");
  const cursor = el("div", { class: "cursor", role: "button", tabindex: "0", "data-ref": first, "aria-label": first && sentence(first) });
  element.replaceChildren(canvas, cursor, plate, said);
  const context = canvas.getContext("2d", { alpha: false });
  const painter = painterOf(context, picture, grid, calls, state);
  const still = stillOf(canvas, context);
  let camera = { x: 0, y: 0, scale: 1 };
  let room = { width: 0, height: 0 };
  let asked = 0;
  let resting = 0;
  let inSight = 0;
  let pointed = null;
  let isPrinting = false;

  function fitRoom() {
    const ratio = window.devicePixelRatio || 1;
    const next = { width: element.clientWidth, height: element.clientHeight, ratio };
    if (next.width === room.width && next.height === room.height && ratio === room.ratio) return;
    room = next;
    canvas.width = Math.round(room.width * ratio);
    canvas.height = Math.round(room.height * ratio);
  }

  function paint() {
    cancelAnimationFrame(asked);
    clearTimeout(resting);
    asked = 0;
    if (isPrinting) return;
    fitRoom();
    inSight = painter.paint(camera, room, room.ratio);
    still.begin(camera);
    placeCursor();
  }

  /* Paint what the camera sees; where that is very much, move what was painted until it rests. */
  function follow() {
    if (inSight < MANY || asked || !room.width) return paint();
    still.show(camera, room.ratio, state.inks.paper);
    placeCursor();
    clearTimeout(resting);
    resting = setTimeout(repaint, REST);
  }

  /* At the next frame; of all that changes until then, once. */
  function repaint() {
    asked ||= requestAnimationFrame(paint);
  }

  function placeCursor() {
    const box = items.has(cursor.dataset.ref) && shapeBox(cursor.dataset.ref);
    if (!box) return;
    const [width, height] = [box.width * camera.scale, box.height * camera.scale];
    cursor.style.transform = `translate(${camera.x + box.x * camera.scale}px, ${camera.y + box.y * camera.scale}px)`;
    cursor.style.width = `${width}px`;
    cursor.style.height = `${height}px`;
  }

  function shapeBox(ref) {
    const item = items.get(ref)[0];
    return calls.boxOf(calls.cover[item] < 0 ? item : calls.cover[item]);
  }

  const isHidden = (ref) => state.later.has(ref);

  /* What the cursor is at: a node, or the closed call that hides it. */
  function toldAt(ref) {
    const item = items.get(ref)?.[0];
    const isCovered = item !== undefined && calls.cover[item] >= 0;
    return isCovered ? `${calls.told(calls.around(item))}, o opens it` : sentence(ref, isHidden);
  }

  function moveCursor(ref) {
    cursor.dataset.ref = ref;
    const told = toldAt(ref);
    cursor.setAttribute("aria-label", told);
    said.textContent = told;
    placeCursor();
  }

  function fold(at, isOpen) {
    if (!calls.list[at] || calls.list[at].isOpen === isOpen) return;
    calls.fold(at, isOpen);
    state.version += 1;
    cursor.setAttribute("aria-label", toldAt(cursor.dataset.ref));
    said.textContent = calls.told(at);
    plate.hidden = true;
    repaint();
    handlers.fold();
  }

  const placeOf = (event) => {
    const place = canvas.getBoundingClientRect();
    return [(event.clientX - place.left - camera.x) / camera.scale, (event.clientY - place.top - camera.y) / camera.scale];
  };
  const refAt = (event) => hit(picture, grid, ...placeOf(event), REACH / camera.scale, calls.cover);
  const callAt = (event) => {
    const call = calls.at(...placeOf(event));
    return call >= 0 && (!calls.list[call].isOpen || levelOf(camera.scale) === "near") ? call : -1; // from afar no − is drawn
  };

  function point(event) {
    if (event.buttons) return;
    const call = callAt(event);
    const ref = call < 0 ? refAt(event) : null;
    if (ref !== pointed) handlers.hover(ref);
    pointed = ref;
    canvas.classList.toggle("is-pointing", ref !== null || call >= 0);
    showPlate(ref, event);
  }

  function click(event) {
    const call = callAt(event);
    if (call >= 0) fold(call);
    else handlers.choose(refAt(event));
  }

  /* What is written at a place whose text is too small to be read. */
  function showPlate(ref, event) {
    plate.hidden = ref === null || levelOf(camera.scale) === "near";
    if (plate.hidden) return;
    const hides = isHidden(ref) ? OVER : [];
    const lines = linesOf(picture, items.get(ref)[0]).map(({ runs }) => runs.filter(({ role }) => !hides.includes(role)));
    plate.replaceChildren(...lines.filter((runs) => runs.length).map((runs) => el("div", {}, runs.map(({ role, text }) => el("span", { class: role }, text)))));
    const place = canvas.getBoundingClientRect();
    plate.hidden = !plate.firstChild;
    plate.style.left = `${event.clientX - place.left + 14}px`;
    plate.style.top = `${event.clientY - place.top + 14}px`;
  }

  const leave = () => {
    pointed = null;
    plate.hidden = true;
    handlers.hover(null);
  };
  canvas.addEventListener("pointermove", point);
  canvas.addEventListener("pointerleave", leave);
  canvas.addEventListener("click", click);
  cursor.addEventListener("focus", () => handlers.focus(cursor.dataset.ref));
  const watch = new ResizeObserver(repaint);
  watch.observe(element);

  /* On paper stands all of the picture, as sharp as a canvas may be. */
  function print() {
    isPrinting = true;
    const scale = PRINTED / Math.max(bounds.width, bounds.height);
    [canvas.width, canvas.height] = [bounds.width, bounds.height].map((length) => Math.max(1, Math.round(length * scale)));
    const whole = { width: canvas.width, height: canvas.height };
    painter.paint({ scale, x: -bounds.x * scale, y: -bounds.y * scale }, whole, 1);
  }

  function printed() {
    isPrinting = false;
    room = { width: 0, height: 0 };
    paint();
  }
  window.addEventListener("beforeprint", print);
  window.addEventListener("afterprint", printed);

  return {
    bounds,

    place(next) {
      camera = next;
      plate.hidden = true;
      follow();
    },

    frames: calls.list,
    fold,
    frameOf: (ref) => (items.has(ref) ? calls.around(items.get(ref)[0]) : -1),

    uncover(ref) {
      const item = items.get(ref)?.[0];
      while (item !== undefined && calls.cover[item] >= 0) fold(calls.around(item), true);
    },

    box(ref) {
      const item = items.get(ref)?.[0];
      return item === undefined || calls.cover[item] >= 0 ? null : boxOf(picture, item);
    },

    light(name, refs) {
      const before = lights.get(name) ?? [];
      if (!before.length && ![...refs].length) return;
      lights.set(name, [...refs]);
      if (name === "later") {
        state.later = new Set(refs);
        state.version += 1;
        cursor.setAttribute("aria-label", toldAt(cursor.dataset.ref));
      } else {
        state.lit.set(name, [...refs].flatMap((ref) => items.get(ref) ?? []));
      }
      repaint();
    },

    note(texts) {
      state.noted = new Map();
      for (const [ref, text] of texts) {
        const item = items.get(ref)?.[0];
        const lines = item === undefined ? [] : linesOf(picture, item);
        const line = lines.find(({ runs }) => runs.some(({ role }) => OVER.includes(role))) ?? lines[0];
        if (line) state.noted.set(item, { x: line.x + line.width / 2, y: line.y, text });
      }
      repaint();
    },

    /* Of sizes that look nearly the same, one look; and the theme may be another one. */
    colour(inkOf) {
      state.inks = inksOf(element, picture);
      state.colours = inkOf ? new Map() : null;
      state.version += 1;
      const looks = new Map();
      for (const edge of inkOf ? new Set(picture.edge) : []) {
        const ink = edge < 0 ? null : inkOf(edge);
        if (!ink) continue;
        const shade = Math.round(ink.width * (SHADES / 4));
        if (!looks.has(shade)) looks.set(shade, { ...ink, dashes: [], alpha: 1 });
        state.colours.set(edge, looks.get(shade));
      }
      repaint();
    },

    focus(ref) {
      if (!items.has(ref)) return;
      const isSame = document.activeElement === cursor;
      moveCursor(ref);
      if (isSame) handlers.focus(ref);
      else cursor.focus({ preventScroll: true });
    },

    on(event, handler) {
      handlers[event] = handler;
    },

    destroy() {
      cancelAnimationFrame(asked);
      clearTimeout(resting);
      watch.disconnect();
      window.removeEventListener("beforeprint", print);
      window.removeEventListener("afterprint", printed);
      element.replaceChildren();
    },
  };
}
