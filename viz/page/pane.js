/* The pane beside the picture: what is told there, and which gradients in it are not known yet. */

import { byId } from "./dom.js";

/** Fill an element: `show(content)` says something else, by `keep` from where it was read; `hide(refs)` is of the picture. */
export function paneOf(element) {
  let hidden = new Set();

  function cover() {
    for (const part of element.querySelectorAll("[data-of]")) part.classList.toggle("is-later", hidden.has(part.dataset.of));
  }
  element.addEventListener("grown", cover);

  return {
    element,

    show(content, { keep = false } = {}) {
      const place = keep ? element.scrollTop : 0;
      const key = keep && element.contains(document.activeElement) ? document.activeElement.id : "";
      element.replaceChildren(...content.flat(Infinity).filter(Boolean));
      element.scrollTop = place;
      if (key) byId(key)?.focus({ preventScroll: true });
      cover();
    },

    hide(refs) {
      hidden = refs;
      cover();
    },
  };
}
