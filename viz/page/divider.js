/* What the source is made wider by: dragged, or moved by arrow keys. */

import { byId } from "./dom.js";

const STEP = 2; // percent of the window
const [LEAST, MOST] = [10, 60];
const MOVES = { ArrowLeft: (at) => at - STEP, ArrowRight: (at) => at + STEP, Home: () => LEAST, End: () => MOST };

/** Make the divider work; until it is moved, the source is as wide as its lines need. */
export function divider() {
  const [line, pane] = [byId("divider"), byId("source")];
  const percent = (pixels) => (100 * pixels) / document.documentElement.clientWidth;
  const share = () => Math.round(percent(pane.offsetWidth));
  const tell = () => {
    line.setAttribute("aria-valuenow", share());
    line.setAttribute("aria-valuetext", `${share()} percent of the window`);
  };
  const set = (wanted) => {
    pane.style.width = `${Math.min(MOST, Math.max(LEAST, wanted))}vw`;
  };
  line.setAttribute("aria-valuemin", LEAST);
  line.setAttribute("aria-valuemax", MOST);
  line.addEventListener("keydown", (event) => {
    const move = event.ctrlKey || event.altKey || event.metaKey ? null : MOVES[event.key];
    if (!move) return;
    event.preventDefault();
    set(move(share())); // what is told may be a frame old: two keys may come in one
  });
  line.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    event.preventDefault(); // and select no text
    line.focus();
    line.setPointerCapture(event.pointerId);
  });
  line.addEventListener("pointermove", (event) => {
    if (line.hasPointerCapture(event.pointerId)) set(percent(event.clientX - pane.getBoundingClientRect().left));
  });
  line.addEventListener("dblclick", () => pane.style.removeProperty("width"));
  new ResizeObserver(tell).observe(pane);
}
