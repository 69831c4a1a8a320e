/* How to read the page: its mouse, its keys, and the signs of the picture. */

import { el } from "./dom.js";
import { KEYS } from "./keys.js";
import { parse } from "./svg.js";

const MOUSE =
  "Drag to move, turn the wheel or pinch to zoom. Point at a line of the source or at a node to see what belongs together; " +
  "click for the arithmetic. A − at the frame of a call closes it, and a + opens what is closed.";

/** Open the dialog. */
export function showHelp(dialog, legend) {
  const picture = parse(legend);
  picture.setAttribute("aria-label", "What the signs of the picture mean");
  const rows = KEYS.map(([, shown, words]) => el("div", {}, el("dt", {}, el("kbd", {}, shown)), el("dd", {}, words)));
  dialog.replaceChildren(
    el("h2", { id: "help-title" }, "How to read this page"),
    el("p", {}, MOUSE),
    picture,
    el("dl", { class: "keys" }, rows),
    el("button", { type: "button", click: () => dialog.close() }, "Close"),
  );
  dialog.showModal();
}
