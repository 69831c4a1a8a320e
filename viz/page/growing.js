/* A long list: its first rows, and a button that shows as many again, until all are there. */

import { el } from "./dom.js";

const FIRST = 200;

/** Frames for that row. */
export const inList = (content) => el("li", {}, content);
export const inTable = (content) => el("tr", {}, el("td", { colspan: 3 }, content));

/** Make the rows of a list, `make(item)` one of them; `frame(parts)` makes the row that the button stands in. */
export function growing(items, make, frame) {
  if (items.length <= FIRST) return items.map(make);
  let shown = FIRST;
  const told = el("small", { role: "status" });
  const button = el("button", { type: "button", class: "grow", click: grow });
  const row = frame([button, " ", told]);
  tell();

  function tell() {
    const rest = items.length - shown;
    button.textContent = `Show ${Math.min(rest, shown).toLocaleString("en")} more`;
    told.textContent = `${shown.toLocaleString("en")} of ${items.length.toLocaleString("en")} are shown`;
  }

  function grow() {
    const rows = items.slice(shown, 2 * shown).map(make);
    shown = Math.min(items.length, 2 * shown);
    row.before(...rows);
    row.dispatchEvent(new Event("grown", { bubbles: true }));
    tell();
    (rows[0].querySelector("button") ?? button).focus({ preventScroll: true }); // at what is new
    if (shown === items.length) button.hidden = true;
  }

  return [...items.slice(0, FIRST).map(make), row];
}
