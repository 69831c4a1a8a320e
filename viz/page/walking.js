/* Where the keyboard is in the graph, and where its arrows lead. */

import { indexOf, isNode } from "./graph.js";

/** Make the ways of the keyboard; `shown()` gives the view and what is chosen in it. */
export function walker(graph, shown) {
  /* The node that has the focus, or the chosen one; null where there is none. */
  function focused() {
    const ref = document.activeElement?.dataset?.ref ?? shown().chosen;
    if (!ref) return null;
    return isNode(ref) ? indexOf(ref) : graph.edges[indexOf(ref)].from;
  }

  return {
    focused,

    /** Go from node to node in the order of execution. */
    walk(direction) {
      const { view } = shown();
      const at = focused();
      let next = at === null ? 0 : at + direction;
      while (graph.nodes[next] && !view.box(`n${next}`)) next += direction; // what is outside of a part, or closed
      if (graph.nodes[next]) view.focus(`n${next}`);
    },

    /** Go along a wire. */
    follow(side, end) {
      const { view } = shown();
      const at = focused();
      const edge = at === null ? undefined : graph.nodes[at][side]?.[0];
      if (edge === undefined) return;
      const ref = `n${graph.edges[edge][end]}`;
      view.uncover(ref);
      view.focus(ref);
    },
  };
}
