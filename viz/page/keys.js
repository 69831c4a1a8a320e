/* The keys, in one table that also writes the help. */

/** By key: what it does, and the words for it. Keys with the same words stand together in the help. */
export const KEYS = [
  [["ArrowRight"], "→", "one step of the backward pass"],
  [["ArrowLeft"], "←", "one step back"],
  [[" "], "space", "play or pause"],
  [["Home"], "Home", "before the backward pass"],
  [["End"], "End", "all gradients"],
  [["ArrowDown"], "↓", "the next node"],
  [["ArrowUp"], "↑", "the node before"],
  [["Shift+ArrowRight"], "shift →", "along the wire, to a use"],
  [["Shift+ArrowLeft"], "shift ←", "back to where a value comes from"],
  [["Enter"], "enter", "the details of the node"],
  [["Escape"], "esc", "close, and back to the overview"],
  [["o"], "o", "open a closed group, or close the call around a node"],
  [["+", "="], "+", "zoom in"],
  [["-", "−"], "−", "zoom out"],
  [["0"], "0", "fit the whole picture"],
  [["/"], "/", "find a name, a call or a line"],
  [["c"], "c", "colour by |gradient|"],
  [["p"], "p", "practice"],
  [["?"], "?", "this help"],
];

/** The name of a pressed key, as the table has it; empty where it belongs to the browser or to a field. */
export function keyOf(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return "";
  const arrow = event.key.startsWith("Arrow");
  return event.shiftKey && arrow ? `Shift+${event.key}` : event.key;
}

const MOVING = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End"];

/** By what has the focus: which keys are its own. */
const TAKEN = [
  ["dialog, dialog *, input[type=search]", () => true],
  ["input[type=text]", (key) => key !== "Escape"],
  ["select", (key) => key !== "Escape" && key !== "?"],
  ["input[type=range], [role=separator]", (key) => MOVING.includes(key)],
  ["#source, #details, .heat svg", (key) => MOVING.includes(key)], // the pane itself is scrolled, and cells are told
  ["button", (key) => key === " " || key === "Enter"],
];

/** Whether a key is the own one of what has the focus: text goes into a field, and arrows move in it. */
export function isTaken({ target, key }) {
  return TAKEN.some(([selector, isOwn]) => target.matches?.(selector) && isOwn(key));
}
