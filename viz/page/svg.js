/* A view drawn as SVG: text that can be selected, styled by classes.
 *
 * The interface that all views share, so that `canvas.js` takes the place of this one where there is much. A reference is "n3" or "e12".
 *
 *   const view = svgView(element, picture, sentence)   picture: one of data.views, with its svg and its boxes
 *                                 sentence(ref of a node, isHidden(ref)): what a screen reader says
 *   view.bounds                   {x, y, width, height} of what is drawn, in the picture's own pixels
 *   view.place({x, y, scale})     put the picture's origin at x, y of the element; the camera calls it
 *   view.box(ref)                 {x, y, width, height} in the picture's pixels; null where it is not in this picture
 *   view.light(name, refs)        what is in a state: "hover", "chosen", "now", "later", "found", "apart"; replaces what was
 *                                 "later" hides gradients, "apart" makes pale, and the other states draw attention
 *   view.note(notes, values)      Maps from ref to text that stands in place of a gradient or a value; replaces all notes
 *   view.colour(inkOf)            inkOf(edge number) -> {stroke, width, stops} or null; null instead of it: plain again
 *   view.focus(ref)               move the keyboard's focus to a node
 *   view.frames                   of open calls, each {name, nodes, isOpen, box}; view.fold(number) closes one or opens it again
 *   view.frameOf(ref)             the number of the innermost frame around it, -1
 *   view.uncover(ref)             open the frames that hide it
 *   view.leadTo(number)           open a frame and those around it, and move the focus there
 *   view.on(event, handler)       "hover": ref or null; "choose": ref or null; "focus": ref; "open": ref of a closed group; "fold"
 *   view.destroy()
 */

import { FEW, isInSight } from "./culling.js";
import { svgEl } from "./dom.js";
import { closedSign, foldable } from "./frames.js";

const HIT_WIDTH = 14;

export function svgView(element, picture, sentence) {
  const root = parse(picture.svg);
  const groups = new Map(); // by ref: its elements; a wire of several rows has several
  const lit = new Map(); // by state: its refs
  const handlers = { hover: () => {}, choose: () => {}, focus: () => {}, open: () => {}, fold: () => {} };
  const replaced = new Map(); // by part of a text: what stood there, and where its line began
  const middles = new Map(); // of lines of text that a note took the place of: a browser is slow to measure
  let notes = [];
  let reachable = null;
  let isColoured = false;

  for (const group of root.querySelectorAll("[data-node], [data-edge]")) {
    const ref = group.dataset.node ? `n${group.dataset.node}` : `e${group.dataset.edge}`;
    group.dataset.ref = ref;
    groups.set(ref, [...(groups.get(ref) ?? []), group]);
    const wire = group.matches(".wire, .stub") ? group.querySelector("path") : null;
    if (wire) group.prepend(hitPath(wire));
    if (group.dataset.node) {
      group.setAttribute("role", "button");
      group.setAttribute("tabindex", "-1");
      group.setAttribute("aria-label", sentence(ref, () => false));
      if (picture.nodes[group.dataset.node].opens !== undefined) {
        group.setAttribute("aria-expanded", "false");
        closedSign(group);
      }
    }
  }
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "Nodes of the graph, in the order of execution");
  const parts = root.querySelectorAll(":scope > g");
  const boxes = new Map(picture.boxes.map(([x, y, width, height], at) => [parts[at], { x, y, width, height }]));
  const isCulled = boxes.size > FEW && !("embedded" in document.documentElement.dataset); // where all is shown
  if (isCulled) parts.forEach((group) => group.classList.add("is-out")); // until the camera is there
  const frames = foldable(boxes, () => handlers.fold());
  const gradients = svgEl("defs", {});
  root.append(gradients);
  element.replaceChildren(root);
  makeReachable([...groups.keys()].find((ref) => ref[0] === "n"));

  const refAt = (event) => event.target.closest?.("[data-ref]")?.dataset.ref ?? null;
  const listeners = {
    pointerover: (event) => handlers.hover(refAt(event)),
    pointerleave: () => handlers.hover(null),
    click: (event) => {
      const call = event.target.closest?.("[data-call]");
      const isSign = Boolean(event.target.closest?.(".sign"));
      if (call && (isSign || call.matches(".is-folded"))) frames.fold(Number(call.dataset.call));
      else if (isSign) handlers.open(refAt(event));
      else handlers.choose(refAt(event));
    },
    dblclick: (event) => event.target.closest?.("[data-ref][aria-expanded=false]") && handlers.open(refAt(event)),
  };
  for (const [name, listener] of Object.entries(listeners)) root.addEventListener(name, listener);
  const focused = (event) => {
    const ref = refAt(event);
    if (!ref) return;
    makeReachable(ref);
    handlers.focus(ref);
  };
  element.addEventListener("focusin", focused); // an SVG that listens for the focus can take it

  /* One node at a time is in the order of the Tab key; the arrow keys go on from there. */
  function makeReachable(ref) {
    if (!ref || ref[0] !== "n") return;
    if (reachable) groups.get(reachable)[0].setAttribute("tabindex", "-1");
    groups.get(ref)[0].setAttribute("tabindex", "0");
    reachable = ref;
  }

  /* What is hidden from the eye is not said, either: of what changed, the node itself, or those at both ends. */
  function tell(changed, hidden) {
    const ends = (ref) => (ref[0] === "n" ? [ref] : ["from", "to"].map((end) => `n${picture.edges[Number(ref.slice(1))][end]}`));
    for (const ref of new Set(changed.flatMap(ends))) {
      groups.get(ref)?.[0].setAttribute("aria-label", sentence(ref, (each) => hidden.has(each)));
    }
  }

  /* What has the label: the wire, and not its stub in another row. */
  function labelled(ref) {
    const all = groups.get(ref) ?? [];
    return all.find((each) => each.matches(".wire")) ?? all[0];
  }

  /* Where the middle of a line of text is, as it was written. */
  function middleOf(line, group) {
    group.classList.remove("is-out"); // what is not drawn has no size
    if (!middles.has(line)) {
      const { x, width } = line.getBBox();
      middles.set(line, x + width / 2);
    }
    return middles.get(line);
  }

  /* Put a text in place of a value, and of what follows it in its line, around the same middle. */
  function replace(ref, text) {
    const group = labelled(ref);
    const part = group?.querySelector("tspan.value");
    if (!part) return;
    const line = part.closest("text");
    replaced.set(part, [part.textContent, line.getAttribute("x")]);
    line.setAttribute("x", middleOf(line, group));
    line.setAttribute("text-anchor", "middle");
    part.textContent = text;
    for (let next = part.nextElementSibling; next; next = next.nextElementSibling) next.classList.add("is-replaced");
  }

  /* Write again what stood there. */
  function restore(part, [text, x]) {
    part.textContent = text;
    part.closest("text").setAttribute("x", x);
    part.closest("text").removeAttribute("text-anchor");
  }

  return {
    bounds: boundsOf([...boxes.values()]),

    place(camera) {
      root.style.transform = `translate(${camera.x}px, ${camera.y}px) scale(${camera.scale})`;
      if (!isCulled) return;
      const room = { width: element.clientWidth, height: element.clientHeight };
      for (const [group, box] of boxes) group.classList.toggle("is-out", !isInSight(box, camera, room));
    },

    box(ref) {
      const group = labelled(ref);
      return frames.isHidden(group) ? null : (boxes.get(group) ?? null);
    },

    frames: frames.list,
    fold: frames.fold,
    frameOf: (ref) => frames.around(labelled(ref)),
    uncover: (ref) => frames.uncover(labelled(ref)),
    leadTo: frames.leadTo,

    light(state, refs) {
      const next = new Set(refs);
      const before = lit.get(state) ?? new Set();
      const name = `is-${state}`;
      for (const ref of before) if (!next.has(ref)) groups.get(ref)?.forEach((group) => group.classList.remove(name));
      for (const ref of next) if (!before.has(ref)) groups.get(ref)?.forEach((group) => group.classList.add(name));
      lit.set(state, next);
      if (state === "later") tell([...[...before].filter((ref) => !next.has(ref)), ...[...next].filter((ref) => !before.has(ref))], next);
      if (state === "now") frames.light(name, [...next].map(labelled));
    },

    note(texts, values) {
      for (const note of notes) note.remove();
      notes = [];
      for (const line of root.querySelectorAll(".is-replaced")) line.classList.remove("is-replaced");
      replaced.forEach((written, part) => restore(part, written));
      replaced.clear();
      for (const [ref, text] of values) replace(ref, text);
      for (const [ref, text] of texts) {
        const group = labelled(ref);
        const place = group?.querySelector(".gradient, .working, .alarm")?.closest("text") ?? group?.querySelector("text");
        if (!place) continue;
        const at = { x: middleOf(place, group), y: place.getAttribute("y"), class: "note", "text-anchor": "middle" };
        notes.push(svgEl("text", at, text));
        for (const part of group.querySelectorAll("tspan:is(.gradient, .working, .alarm)")) part.closest("text").classList.add("is-replaced");
        group.append(notes.at(-1));
      }
    },

    colour(inkOf) {
      if (!inkOf && !isColoured) return;
      isColoured = Boolean(inkOf);
      gradients.replaceChildren();
      for (const [ref, elements] of groups) {
        if (ref[0] !== "e") continue;
        const ink = inkOf?.(Number(ref.slice(1)));
        for (const group of elements.filter((each) => each.matches(".wire, .stub"))) {
          group.classList.toggle("is-coloured", Boolean(ink));
          const name = ink?.stops ? addGradient(gradients, group.querySelector("path:not(.hit)"), ink.stops) : null;
          group.style.setProperty("--stroke", name ? `url(#${name})` : (ink?.stroke ?? ""));
          group.style.setProperty("--head", ink?.stops?.at(-1)[1] ?? ink?.stroke ?? "");
          group.style.setProperty("--weight", ink?.width ?? "");
        }
      }
    },

    focus(ref) {
      groups.get(ref)?.[0].focus({ preventScroll: true });
    },

    on(event, handler) {
      handlers[event] = handler;
    },

    destroy() {
      element.removeEventListener("focusin", focused);
      root.remove();
    },
  };
}

/** Read SVG that edgegrad wrote; in it, names and source are text already. */
export function parse(markup) {
  const root = new DOMParser().parseFromString(markup, "image/svg+xml").documentElement;
  root.querySelector("rect")?.classList.add("paper");
  return document.importNode(root, true);
}

/* A wire is a pixel wide; what a pointer meets is wider. */
function hitPath(wire) {
  const hit = wire.cloneNode();
  for (const name of ["stroke", "stroke-dasharray"]) hit.removeAttribute(name);
  hit.setAttribute("class", "hit");
  hit.setAttribute("stroke-width", HIT_WIDTH);
  return hit;
}

/* Colours along a wire, from left to right as its label is read; its name. */
function addGradient(gradients, path, stops) {
  const [start, end] = [0, path.getTotalLength()].map((at) => path.getPointAtLength(at));
  if (Math.abs(end.x - start.x) < 1) return null;
  const id = `ink-${gradients.childElementCount}`;
  const ends = { x1: Math.min(start.x, end.x), x2: Math.max(start.x, end.x), y1: 0, y2: 0 };
  const marks = stops.map(([offset, colour]) => svgEl("stop", { offset, "stop-color": colour }));
  gradients.append(svgEl("linearGradient", { id, gradientUnits: "userSpaceOnUse", ...ends }, marks));
  return id;
}

function boundsOf(boxes) {
  if (!boxes.length) return { x: 0, y: 0, width: 1, height: 1 };
  const least = (side) => boxes.reduce((found, box) => Math.min(found, side(box)), Infinity);
  const [left, top] = [least((box) => box.x), least((box) => box.y)];
  const [right, bottom] = [-least((box) => -box.x - box.width), -least((box) => -box.y - box.height)];
  return { x: left, y: top, width: right - left, height: bottom - top };
}
