/* The calls in a large picture: which of them are closed, and what that covers. Nothing here touches the document.
 *
 * What is closed hides what is in its frame and covers the ends of the wires that lead there; nothing moves. A call has a
 * frame in each row that it goes on in. */

import { linesOf } from "./columns.js";

export const SIDE = 14; // of the sign at a frame
export const SHIFT = SIDE + 6; // of its title, which makes room for the sign
const [LEFT, TOP] = [8, 6]; // of the sign in the frame
const SLACK = 1; // pixels

/** The calls of a picture, and what those that are closed cover. */
export class Calls {
  constructor(picture, grid) {
    this.picture = picture;
    this.grid = grid;
    this.cover = new Int32Array(picture.count).fill(-1); // by item: the frame that hides it
    this.callOf = new Map(); // by frame: the place of its call in the list
    this.list = []; // of each: {name, nodes, isOpen, box}, and its frames
    const places = new Map();
    for (let frame = 0; frame < picture.firstWire; frame++) {
      const call = picture.call[frame];
      if (call < 0) continue;
      if (!places.has(call)) {
        places.set(call, this.list.length);
        this.list.push(this.#named(frame));
      }
      this.list[places.get(call)].frames.push(frame);
      this.callOf.set(frame, places.get(call));
    }
  }

  /* What it is called now; how much is in it is counted when it is asked for, of what may be thousands. */
  #named(frame) {
    const call = { name: linesOf(this.picture, frame)[0].runs.map(({ text }) => text).join("").trim(), frames: [], isOpen: true, box: this.boxOf(frame) };
    Object.defineProperty(call, "nodes", { get: () => new Set(call.frames.flatMap((each) => this.inside(each)).map((item) => this.picture.node[item]).filter((node) => node >= 0)).size });
    return call;
  }

  boxOf(frame) {
    const [x, y, width, height] = this.picture.rect.subarray(4 * frame, 4 * frame + 4);
    return { x, y, width, height };
  }

  /** The items in a frame. */
  inside(frame) {
    const { x, y, width, height } = this.boxOf(frame);
    return [...this.grid.meeting(x, y, x + width, y + height)].filter((item) => item !== frame && this.#isIn(frame, item));
  }

  #isIn(frame, item) {
    const { x, y, width, height } = this.boxOf(frame);
    const [left, top, right, bottom] = this.picture.box.subarray(4 * item, 4 * item + 4);
    return left >= x - SLACK && top >= y - SLACK && right <= x + width + SLACK && bottom <= y + height + SLACK;
  }

  /** Close a call, or open it again. */
  fold(at, isOpen = !this.list[at].isOpen) {
    this.list[at].isOpen = isOpen;
    this.cover.fill(-1);
    const closed = this.list.filter((each) => !each.isOpen).flatMap(({ frames }) => frames);
    for (const frame of closed) {
      for (const item of this.inside(frame)) if (this.cover[item] < 0 || this.#isIn(frame, this.cover[item])) this.cover[item] = frame;
    }
  }

  isClosed(frame) {
    return this.callOf.has(frame) && !this.list[this.callOf.get(frame)].isOpen;
  }

  /** The call that hides an item, or the innermost around it; -1. */
  around(item) {
    if (this.cover[item] >= 0) return this.callOf.get(this.cover[item]);
    const [left, top, right, bottom] = this.picture.box.subarray(4 * item, 4 * item + 4);
    let [found, least] = [-1, Infinity];
    for (const frame of this.grid.meeting(left, top, right, bottom)) {
      if (!this.callOf.has(frame) || !this.#isIn(frame, item)) continue;
      const { width, height } = this.boxOf(frame);
      if (width * height < least) [found, least] = [this.callOf.get(frame), width * height];
    }
    return found;
  }

  /** The call whose sign is at a place, or that is closed there; -1. */
  at(x, y) {
    for (const frame of this.grid.meeting(x, y, x, y)) {
      if (!this.callOf.has(frame) || this.cover[frame] >= 0) continue;
      const box = this.isClosed(frame) ? this.boxOf(frame) : this.signOf(frame);
      if (x >= box.x && y >= box.y && x <= box.x + box.width && y <= box.y + box.height) return this.callOf.get(frame);
    }
    return -1;
  }

  /** Where the sign of a frame is. */
  signOf(frame) {
    const { x, y } = this.boxOf(frame);
    return { x: x + LEFT, y: y + TOP, width: SIDE, height: SIDE };
  }

  /** A closed call in a few words. */
  told(at) {
    const { name, nodes, isOpen } = this.list[at];
    return `${name}, ${isOpen ? "open" : "closed"}, ${nodes} ${nodes === 1 ? "node" : "nodes"} inside`;
  }
}
