/* Which room is still free for a word: what comes first takes it. Nothing here touches the document. */

/** The room that was taken, as rectangles. */
export class Free {
  #taken = [];

  /** Take a room, if nothing there is taken. */
  take(left, top, right, bottom) {
    if (this.#taken.some((each) => each.left < right && left < each.right && each.top < bottom && top < each.bottom)) return false;
    this.#taken.push({ left, top, right, bottom });
    return true;
  }
}
