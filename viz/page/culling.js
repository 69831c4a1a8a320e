/* Which parts of a picture are in sight. Text is what a browser paints slowly; what nobody sees or can read is left out. */

export const FEW = 300; // parts of a picture that is always painted whole
const MARGIN = 250; // pixels around the room that are painted, too
const READABLE = 0.25; // the scale below which nobody can read

/** Whether a box of the picture can be read where the camera is; `room` is the size of what the camera looks into. */
export function isInSight(box, { x, y, scale }, room) {
  if (scale < READABLE) return false;
  const left = x + box.x * scale;
  const top = y + box.y * scale;
  return (
    left < room.width + MARGIN &&
    top < room.height + MARGIN &&
    left + box.width * scale > -MARGIN &&
    top + box.height * scale > -MARGIN
  );
}
