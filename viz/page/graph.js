/* What the page knows of a graph: nodes and edges by reference ("n3", "e12"), and how to say what each is.
 *
 * Nothing here touches the document. */

export const nodeRef = (index) => `n${index}`;
export const edgeRef = (index) => `e${index}`;
export const isNode = (ref) => ref[0] === "n";
export const indexOf = (ref) => Number(ref.slice(1));

const isCopy = ({ kind }) => kind === "splitter" || kind === "broadcast";

/** Hold the data of a page: one view of it at a time, with what follows from that. */
export class Graph {
  constructor(data) {
    this.data = data;
    this.load(0);
  }

  /** Turn to a view. */
  load(number) {
    this.number = number;
    this.view = this.data.views[number];
    this.nodes = this.view.nodes;
    this.edges = this.view.edges;
    this.byLine = new Map();
    this.nodes.forEach((node, index) => {
      if (!node.site || node.kind === "splitter") return;
      for (let line = node.site.line; line <= node.site.end; line++) {
        const key = lineKey(node.site.file, line);
        if (!this.byLine.has(key)) this.byLine.set(key, []);
        this.byLine.get(key).push(nodeRef(index));
      }
    });
  }

  /** The views around the one that is shown, the outermost first, with itself at the end. */
  way() {
    const way = [];
    for (let number = this.number; number !== null; number = this.data.views[number].parent) way.unshift(number);
    return way;
  }

  /** Where a finding is in the view that is shown: references, the node first. */
  placesOf(finding) {
    return finding.places[this.number];
  }

  item(ref) {
    return (isNode(ref) ? this.nodes : this.edges)[indexOf(ref)];
  }

  /** The nodes made at a line. */
  at(file, line) {
    return this.byLine.get(lineKey(file, line)) ?? [];
  }

  /** The place in the source that belongs to a node, or to what uses an edge. */
  siteOf(ref) {
    if (isNode(ref)) return this.item(ref).site;
    const edge = this.item(ref);
    return this.nodes[edge.to].site ?? this.nodes[edge.from].site;
  }

  lineOf(ref) {
    const site = this.siteOf(ref);
    return site ? `line ${site.line}` : "";
  }

  /** A node in a few words: `x`, `× at line 4 (s)`, `splitter of x`. */
  nameOf(index) {
    const node = this.nodes[index];
    if (node.kind === "input") return node.name || "input";
    if (node.kind === "output") return `output ${node.name ?? ""}`.trim();
    if (node.kind === "splitter") return `splitter of ${this.valueName(index)}`;
    if (node.kind === "broadcast") return `broadcast of ${this.valueName(index)}`;
    if (node.kind === "cut") return "cut";
    if (node.kind === "group") return node.name;
    const line = node.site ? ` at line ${node.site.line}` : "";
    return `${node.symbol || node.op}${line}`;
  }

  /** What the value that leaves a node is called; behind a splitter, as before it. */
  valueName(index) {
    let node = this.nodes[index];
    while (isCopy(node) && node.in?.length) {
      index = this.edges[node.in[0]].from;
      node = this.nodes[index];
    }
    return node.name || (node.symbol ? `${node.symbol} ${this.lineOf(nodeRef(index))}`.trim() : node.kind);
  }

  /** A node with its arithmetic in a sentence, as a screen reader says it; without what is still hidden. */
  sentence(ref, isHidden = () => false) {
    const index = indexOf(ref);
    const node = this.nodes[index];
    const own = this.gradientOf(index);
    const parts = [this.nameOf(index)];
    if (node.kind === "function" && node.name) parts.push(node.name);
    if (node.kind === "group") parts.push(`closed group, ${node.nodes} nodes inside${node.opens === undefined ? "" : ", o opens it"}`);
    if (node.count) parts.push(`${node.count} ${node.kind === "group" ? "calls" : "runs"}`);
    if (node.value) parts.push(`value ${node.value}`);
    if (own !== null && isHidden(own)) parts.push("gradient not there yet");
    else if (node.grad) parts.push(`gradient ${node.grad}`);
    if (node.kind === "function") {
      for (const edge of node.in ?? []) {
        const { from, working } = this.edges[edge];
        if (working && !isHidden(edgeRef(edge))) parts.push(`to ${this.valueName(from)}: ${working.replaceAll("\n", ", ")}`);
      }
    }
    return parts.join(", ");
  }

  /** The edge that brings a node its gradient, by reference; null for an output, which has it from the start. */
  gradientOf(index) {
    const node = this.nodes[index];
    const edge = node.kind === "output" ? undefined : (isCopy(node) ? node.in : node.out)?.[0];
    return edge === undefined ? null : edgeRef(edge);
  }

  /** An edge, and the nodes that show its gradient as theirs: an input, or the splitter that it adds up. */
  shownWith(edge) {
    const refs = [edgeRef(edge)];
    const { from, to } = this.edges[edge];
    if (this.nodes[from].kind === "input") refs.push(nodeRef(from));
    if (isCopy(this.nodes[to]) && this.nodes[to].in[0] === edge) refs.push(nodeRef(to)); // not an operation that a wire leads back to
    return refs;
  }
}

const lineKey = (file, line) => `${file}:${line}`;
