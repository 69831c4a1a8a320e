/* The signs at calls in a picture: a closed one opens by its +, and the frame of an open one closes by its −.
 *
 * What is closed hides what is in its frame and covers the ends of the wires that lead there; nothing moves. A call has a
 * frame in each row that it goes on in. */

import { svgEl } from "./dom.js";

const SIDE = 14;
const SHIFT = SIDE + 6;

/** Make the frames of a picture fold. `parts` are its elements with their boxes; changed() is told. */
export function foldable(parts, changed) {
  const all = [...parts];
  const calls = new Map();
  for (const [part] of all) {
    if (!part.matches(".scope")) continue;
    const number = part.dataset.group;
    if (!calls.has(number)) calls.set(number, { frames: [], isOpen: true });
    calls.get(number).frames.push(frameOf(part, all));
  }
  const list = [...calls.values()].map((call, at) => named(call, at));
  let hidden = new Set();

  function fold(at, isOpen) {
    const call = list[at];
    if (!call || call.isOpen === isOpen) return;
    call.isOpen = isOpen;
    for (const frame of call.frames) cover(frame, isOpen);
    hidden = new Set(list.flatMap((each) => (each.isOpen ? [] : each.inside)));
    for (const [part] of all) part.classList.toggle("is-inside", hidden.has(part));
    changed();
  }

  function uncover(part) {
    list.forEach(({ inside }, at) => inside.includes(part) && fold(at, true));
  }

  return {
    list, // of each call: {name, nodes, isOpen, box}
    fold: (at) => fold(at, !list[at].isOpen),
    isHidden: (part) => hidden.has(part),
    around: (part) => list.findLastIndex(({ inside }) => inside.includes(part)), // the innermost
    uncover,
    leadTo(at) {
      const [{ part }] = list[at].frames;
      uncover(part);
      fold(at, true);
      part.focus({ preventScroll: true });
    },
    /* Light those that are closed and hide some parts. */
    light(name, lit) {
      for (const { frames, inside, isOpen } of list) {
        for (const { part } of frames) part.classList.toggle(name, !isOpen && lit.some((each) => inside.includes(each)));
      }
    },
  };
}

function frameOf(part, all) {
  const [x, y, width, height] = ["x", "y", "width", "height"].map((name) => Number(part.querySelector("rect").getAttribute(name)));
  const isIn = (box) => box.x >= x - 1 && box.y >= y - 1 && box.x + box.width <= x + width + 1 && box.y + box.height <= y + height + 1;
  const inside = all.filter(([other, box]) => other !== part && isIn(box)).map(([other]) => other);
  part.querySelector("text").setAttribute("transform", `translate(${SHIFT} 0)`);
  part.append(sign(x + 8, y + 6, true));
  return { part, inside, box: { x, y, width, height }, place: document.createComment("") };
}

/* Say what a call is, at its frames too; where the picture goes on with it, the page speaks of one. */
function named(call, at) {
  const { frames } = call;
  const inside = frames.flatMap((frame) => frame.inside);
  const nodes = new Set(inside.map(({ dataset }) => dataset.node).filter(Boolean)).size;
  const name = frames[0].part.querySelector("text").textContent.trim();
  const label = `${name}, ${nodes} ${nodes === 1 ? "node" : "nodes"} inside`;
  for (const { part } of frames) {
    part.dataset.call = at;
    for (const [key, value] of Object.entries({ role: "button", tabindex: "-1", "aria-expanded": "true", "aria-label": label })) part.setAttribute(key, value);
  }
  return Object.assign(call, { name, nodes, inside, box: frames[0].box });
}

/* Put a closed frame over what leads into it, and an open one back. */
function cover({ part, place, box }, isOpen) {
  part.classList.toggle("is-folded", !isOpen);
  part.setAttribute("aria-expanded", String(isOpen));
  part.querySelector(".sign").replaceWith(sign(box.x + 8, box.y + 6, isOpen));
  if (isOpen) return place.replaceWith(part);
  const root = part.parentElement;
  part.replaceWith(place);
  root.append(part);
}

/** Put the + at a closed group. */
export function closedSign(part) {
  const box = [...part.querySelectorAll(":scope > rect")].at(-1);
  const [x, y] = ["x", "y"].map((name) => Number(box.getAttribute(name)));
  part.append(sign(x - SIDE / 2, y - SIDE / 2, false));
}

function sign(x, y, isOpen) {
  const [half, arm] = [SIDE / 2, SIDE / 2 - 3.5];
  const lines = `M${x + half - arm} ${y + half}h${2 * arm}${isOpen ? "" : `M${x + half} ${y + half - arm}v${2 * arm}`}`;
  return svgEl(
    "g",
    { class: "sign", "aria-hidden": "true" },
    svgEl("title", {}, isOpen ? "Close" : "Open"),
    svgEl("rect", { x, y, width: SIDE, height: SIDE, rx: 3 }),
    svgEl("path", { d: lines }),
  );
}
