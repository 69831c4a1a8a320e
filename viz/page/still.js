/* What a canvas shows as an image that can be moved and scaled at once, while it would take long to paint it anew. */

import { el } from "./dom.js";

/** Keep what is painted: begin(camera) says by which, show(camera) shows it as another one would see it. */
export function stillOf(canvas, context) {
  const copy = el("canvas");
  let from = null;
  let isKept = false;

  return {
    begin(camera) {
      from = camera;
      isKept = false;
    },

    show(camera, ratio, ground) {
      if (!isKept) {
        [copy.width, copy.height] = [canvas.width, canvas.height];
        copy.getContext("2d", { alpha: false }).drawImage(canvas, 0, 0);
        isKept = true;
      }
      const scale = camera.scale / from.scale;
      const [x, y] = [camera.x - from.x * scale, camera.y - from.y * scale];
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.fillStyle = ground;
      context.fillRect(0, 0, canvas.width, canvas.height);
      context.drawImage(copy, x * ratio, y * ratio, copy.width * scale, copy.height * scale);
    },
  };
}
