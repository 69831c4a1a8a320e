/* Where the picture stands: between the source and the details, or, where only so all of it can be read, above both. */

import { isReadable } from "./camera.js";

const NARROW = 1000; // pixels of a window that has no room for three panes

/** Arrange the panes for a picture; whether that is a new arrangement. */
export function arrange(bounds, stage) {
  const { dataset } = document.documentElement;
  const before = dataset.layout;
  const room = (layout) => {
    dataset.layout = layout;
    return stage.getBoundingClientRect();
  };
  if (window.innerWidth <= NARROW) dataset.layout = "over";
  else if (!isReadable(bounds, room("beside")) && !isReadable(bounds, room("over"))) dataset.layout = "beside";
  return dataset.layout !== before;
}
