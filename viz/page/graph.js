/* What the page knows of a graph: nodes and edges by reference ("n3", "e12"), and how to say what each is.
 *
 * Nothing here touches the document. */

export const nodeRef = (index) => `n${index}`;
export const edgeRef = (index) => `e${index}`;
export const isNode = (ref) => ref[0] === "n";
export const indexOf = (ref) => Number(ref.slice(1));

/** Hold the data of a page, with what follows from it. */
export class Graph {
  constructor(data) {
    this.data = data;
    this.nodes = data.nodes;
    this.edges = data.edges;
    this.byLine = new Map();
    this.nodes.forEach((node, index) => {
      if (!node.site || node.kind === "splitter") return;
      for (let line = node.site.line; line <= node.site.end; line++) {
        const key = lineKey(node.site.file, line);
        this.byLine.set(key, [...(this.byLine.get(key) ?? []), nodeRef(index)]);
      }
    });
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
    const line = node.site ? ` at line ${node.site.line}` : "";
    return `${node.symbol || node.op}${line}`;
  }

  /** What the value that leaves a node is called; behind a splitter, as before it. */
  valueName(index) {
    let node = this.nodes[index];
    while ((node.kind === "splitter" || node.kind === "broadcast") && node.in?.length) {
      index = this.edges[node.in[0]].from;
      node = this.nodes[index];
    }
    return node.name || (node.symbol ? `${node.symbol} ${this.lineOf(nodeRef(index))}`.trim() : node.kind);
  }

  /** A node or an edge in a sentence, as a screen reader says it. */
  sentence(ref) {
    if (!isNode(ref)) {
      const edge = this.item(ref);
      const working = (edge.working ?? "").replaceAll("\n", ", ");
      const grad = working || (edge.grad ? `gradient ${edge.grad}` : "no gradient");
      return `edge from ${this.nameOf(edge.from)} to ${this.nameOf(edge.to)}: value ${edge.value}, ${grad}`;
    }
    const node = this.item(ref);
    const named = node.kind === "function" && node.name ? `, ${node.name}` : "";
    const value = node.value ? `, value ${node.value}` : "";
    const grad = node.grad ? `, gradient ${node.grad}` : "";
    return `${this.nameOf(indexOf(ref))}${named}${value}${grad}`;
  }

  /** What is beside a node against the wires: the edges that lead to it and from it. */
  around(ref) {
    const item = this.item(ref);
    if (!isNode(ref)) return [nodeRef(item.from), nodeRef(item.to)];
    return [...(item.in ?? []), ...(item.out ?? [])].map(edgeRef);
  }
}

const lineKey = (file, line) => `${file}:${line}`;
