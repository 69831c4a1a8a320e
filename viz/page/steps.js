/* The backward pass as steps: after step k the first k edges have fired. Nothing here touches the document. */

import { nodeRef } from "./graph.js";

/** Hold the order in which edges fire, and say what is known after each step. */
export class BackwardPass {
  constructor(graph) {
    this.graph = graph;
    this.load();
  }

  /** Take the order of the view that the graph shows. */
  load() {
    const { graph } = this;
    this.order = graph.view.order;
    this.length = this.order.length;
    this.turn = new Map(this.order.map((edge, turn) => [edge, turn]));
    this.splitters = graph.nodes.flatMap((node, index) => (node.sums && node.in ? [index] : []));
  }

  hasFired(edge, step) {
    return (this.turn.get(edge) ?? -1) < step;
  }

  /** The edge that fired last, or null before the first. */
  now(step) {
    return step > 0 ? this.order[step - 1] : null;
  }

  /** What has no gradient yet: edges that have not fired, and the nodes whose gradient they bring. */
  later(step) {
    return this.order.slice(step).flatMap((edge) => this.graph.shownWith(edge));
  }

  /** Of a splitter: how many of its uses have arrived, of how many, whether that is all that come, as those that the output
   * does not depend on never do, and the sum so far as text, "" where none is told. */
  waiting(node, step) {
    const { sums, silent = 0 } = this.graph.nodes[node];
    const time = step > 0 ? this.graph.edges[this.now(step)].step : -1; // that of the whole graph, if this is a part
    const arrived = sums.filter(([, fired]) => fired <= time).length;
    const sum = arrived ? sums[arrived - 1][2] : null;
    return { arrived, total: sums.length + silent, isAll: arrived === sums.length, sum: sum === null ? "" : `, Σ ${sum}` };
  }

  #all({ sums, uses, silent }) {
    const places = sums.length;
    if (silent) return `${places} of ${places + silent}, the rest 0,`;
    const [least, most] = uses ?? [places, places];
    if (least === places && most === places) return `all ${places}`;
    const where = `(${places} ${places === 1 ? "place" : "places"})`;
    return least === most ? `all ${most.toLocaleString("en")} uses ${where}` : `all uses ${where}`;
  }

  /** The splitters that some uses have come back to, and that have not fired themselves: what each waits for. */
  notes(step) {
    const notes = new Map();
    for (const index of this.splitters) {
      const own = this.graph.nodes[index].in[0];
      const { arrived, total, isAll, sum } = this.waiting(index, step);
      if (!arrived || this.hasFired(own, step)) continue;
      const state = !isAll ? `waiting ${arrived} of ${total}` : `${this.#all(this.graph.nodes[index])} are here`;
      notes.set(nodeRef(index), `${state}${sum}`);
    }
    return notes;
  }

  /** What just happened, in words. */
  told(step) {
    const { graph } = this;
    if (!this.length) return "There is no backward pass to step through.";
    if (step === 0) {
      const seed = graph.view.output === null ? "" : graph.nodes[graph.view.output].grad;
      return `Before the backward pass: the gradient of the output is ${seed}.`;
    }
    const edge = graph.edges[this.now(step)];
    const from = graph.nodes[edge.from];
    const end = step === this.length ? " The backward pass is complete." : "";
    return `${this.#happened(edge)}${from.sums ? this.#arrived(edge.from, step) : ""}${end}`;
  }

  #happened(edge) {
    const { graph } = this;
    const to = graph.nodes[edge.to];
    const receiver = graph.nameOf(edge.from);
    const grad = edge.grad.split("\n")[0];
    if (to.kind === "output") return `The output hands its gradient ${grad} to ${receiver}.`;
    if (to.sums) {
      const [least, uses] = to.uses ?? [to.sums.length, to.sums.length];
      const what = graph.nameOf(edge.to);
      const runs = to.count ? `, in each of ${to.count.toLocaleString("en")} runs` : "";
      if (to.silent && uses > 1) return `The ${what} has the gradients of ${uses} of its ${uses + to.silent} uses and fires: with 0 from ${rest(to.silent)} their sum is ${grad}.`;
      if (uses === 1) return `The ${what} fires${runs}: of its ${to.silent ? `${1 + to.silent} ` : ""}uses, the output depends on one, which brings ${grad}.`;
      const count = least < uses ? `all uses, of ${least} to ${uses.toLocaleString("en")},` : uses === 2 ? "both uses" : `all ${uses.toLocaleString("en")} uses`;
      return `The ${what} has the gradients of ${count} and fires${runs}: their sum is ${grad}.`;
    }
    if (to.kind === "broadcast") return `The ${graph.nameOf(edge.to)} adds up its copies: ${grad}.`;
    const working = edge.working?.split("\n")[0] ?? grad;
    const runs = edge.count ? ` in ${edge.count.toLocaleString("en")} runs, from the first to the last` : "";
    return `${graph.nameOf(edge.to)} sends back to ${receiver}${runs}: ${working}.`;
  }

  #arrived(node, step) {
    const { arrived, total, isAll, sum } = this.waiting(node, step);
    const { silent } = this.graph.nodes[node];
    if (isAll && silent) return ` ${arrived} of ${total} ${arrived === 1 ? "has" : "have"} arrived${sum}, and ${rest(silent)} brings 0: it can fire.`;
    if (isAll) return total > 1 ? ` ${total === 2 ? "Both" : `All ${total}`} have arrived${sum}: it can fire.` : "";
    return ` It waits: ${arrived} of ${total} ${arrived === 1 ? "has" : "have"} arrived${sum}.`;
  }
}

/* Uses that the output does not depend on. */
const rest = (silent) => (silent === 1 ? "the other, through which no gradient comes back," : `each of the other ${silent.toLocaleString("en")}, through which no gradient comes back,`);
