/* The details of one node or one edge: its arithmetic, its uses, its place, what was found there. */

import { el } from "./dom.js";
import { edgeRef, indexOf, isNode, nodeRef } from "./graph.js";
import { growing, inList, inTable } from "./growing.js";
import { heatMap } from "./heat.js";
import { seriesPlot } from "./series.js";

/** Make the panes; of the page it asks: `link(ref, text)` makes a button that leads to a place, `theme()` names the colours,
 * `open(view)` turns to a closed group, `fold(number)` closes or opens one of the `frames()` in the picture, and
 * `turnOf(edge)` and `turnOfLoop(loop)` make what a run is chosen by. */
export class Details {
  constructor(graph, page) {
    this.graph = graph;
    this.page = page;
    this.link = page.link;
  }

  /** What is told of a node or an edge. */
  of(ref) {
    return isNode(ref) ? this.#node(indexOf(ref)) : this.#edge(indexOf(ref));
  }

  /** What is told of a line of the source. */
  line(refs, site) {
    const row = (ref) => el("li", {}, this.link(ref, this.graph.nameOf(indexOf(ref))), this.#valueOf(ref));
    return [el("h2", {}, `Line ${site.line}`), el("ul", { class: "plain-list" }, growing(refs, row, inList))];
  }

  /** What is told while nothing is chosen: the inputs, the output, and the findings. */
  overview() {
    const { graph } = this;
    const of = (kind) => graph.nodes.flatMap((node, index) => (node.kind === kind ? [nodeRef(index)] : []));
    const ends = ["input", "output"].map(of);
    const rows = (refs) => growing(refs, (ref) => this.#row(ref), inTable);
    const head = el("tr", {}, ["name", "value", "gradient"].map((text) => el("th", { scope: "col" }, text)));
    const { findings } = graph.data;
    const found = [el("h2", {}, `Findings (${findings.length})`), this.#findings(findings)];
    return [
      this.#marks(),
      findings.length ? found : null, // they are what one looks for
      ends.flat().length > 0 && [
        el("h2", {}, "Inputs and outputs"),
        el("table", {}, el("thead", {}, head), el("tbody", {}, ends.map(rows))),
      ],
      this.#groups(),
      this.#loops(),
      findings.length ? null : found,
    ];
  }

  /** What somebody asked to see in the picture. */
  #marks() {
    const { marks } = this.graph.view;
    const row = ([kind, sign, text]) => el("li", {}, el("b", { class: kind }, sign), ` ${text}`);
    return marks.length > 0 && [el("h2", {}, "Marked in the picture"), el("ul", { class: "plain-list marks" }, marks.map(row))];
  }

  /** The calls: each opens and closes here as at its sign in the picture. */
  #groups() {
    const closed = this.graph.nodes.flatMap((node, index) => (node.kind === "group" ? [index] : []));
    const calls = [...this.page.frames().keys(), ...closed.map(nodeRef)];
    if (!calls.length) return null;
    const row = (call) => el("li", {}, typeof call === "number" ? this.#frame(call) : this.#closed(call));
    return [el("h2", {}, "Calls"), el("ul", { class: "plain-list" }, growing(calls, row, inList))];
  }

  #frame(number) {
    const { name, nodes, isOpen } = this.page.frames()[number];
    const button = { type: "button", class: "fold", id: `frame-${number}`, "aria-expanded": String(isOpen), click: () => this.page.fold(number) };
    return el("button", button, el("b", { "aria-hidden": "true" }, isOpen ? "−" : "+"), ` ${name} `, el("small", {}, `${nodes} inside`));
  }

  #closed(ref) {
    const { name, nodes, count, opens } = this.graph.item(ref);
    const told = [` ${name}${count > 1 ? ` ×${count.toLocaleString("en")}` : ""} `, el("small", {}, `${nodes.toLocaleString("en")} inside`)];
    if (opens === undefined) return this.link(ref, told);
    const button = { type: "button", class: "fold", "aria-expanded": "false", click: () => this.page.open(opens) };
    return el("button", button, el("b", { "aria-hidden": "true" }, "+"), told);
  }

  /** The loops: of each, one turn can be chosen. */
  #loops() {
    const choosers = (this.graph.view.loops ?? []).map((_, loop) => this.page.turnOfLoop(loop)).filter(Boolean);
    return choosers.length ? [el("h2", {}, "Turns and runs"), el("ul", { class: "plain-list" }, choosers)] : null;
  }

  #row(ref) {
    const node = this.graph.item(ref);
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, this.link(ref, this.graph.nameOf(indexOf(ref)))),
      el("td", { class: "value" }, node.value ?? ""),
      el("td", { class: "gradient", "data-of": this.graph.gradientOf(indexOf(ref)) }, node.grad ?? "none"),
    );
  }

  #findings(findings) {
    if (!findings.length) return el("p", { class: "quiet" }, "Nothing looks wrong.");
    return el("ul", { class: "findings" }, growing(findings, (finding) => this.#finding(finding), inList));
  }

  #finding(finding) {
    const title = `${finding.kind}${finding.site ? ` at line ${finding.site.line}` : ""}`;
    const [ref] = this.graph.placesOf(finding);
    return el(
      "li",
      { class: finding.severity },
      el("span", { class: "severity" }, finding.severity),
      ref ? this.link(ref, title) : title,
      finding.code && el("code", {}, finding.code),
      el("p", {}, finding.message),
      el("p", { class: "quiet" }, finding.advice),
    );
  }

  #node(index) {
    const node = this.graph.nodes[index];
    const own = this.graph.gradientOf(index);
    return [
      el("h2", {}, this.#heading(index)),
      this.#where(node.site, node.scope),
      this.#inside(node),
      this.#facts([
        [node.kind === "group" ? "calls" : "runs", node.count ?? (node.kind === "group" ? 1 : null)],
        ["nodes inside", node.nodes],
        ["value", node.value, "value"],
        [node.kind === "function" ? "upstream" : "gradient", node.grad ?? "none", "gradient", own],
        ["kink", node.kink],
      ]),
      this.#arithmetic(index),
      this.#neighbours(index),
      this.#plot("value over the runs", node.valueSeries),
      this.#maps([[node.valueArray, "value"], [node.gradArray, node.kind === "function" ? "upstream" : "gradient", own]]),
      this.#foundAt(nodeRef(index)),
    ];
  }

  #heading(index) {
    const node = this.graph.nodes[index];
    if (node.kind !== "function") return this.graph.nameOf(index);
    if (node.count) return `${node.name ? `${node.name} = ` : ""}${node.symbol}  ×${node.count.toLocaleString("en")}`;
    return node.name ? `${node.name} = ${node.symbol}` : node.symbol;
  }

  #edge(index) {
    const { graph } = this;
    const edge = graph.edges[index];
    return [
      el("h2", {}, `${graph.valueName(edge.from)} → ${graph.nameOf(edge.to)}`),
      this.#where(graph.siteOf(edgeRef(index)), ""),
      this.#facts([
        ["from", this.link(nodeRef(edge.from), graph.nameOf(edge.from))],
        ["to", this.link(nodeRef(edge.to), graph.nameOf(edge.to))],
        ["operand", edge.operand],
        ["runs", edge.count],
        ["goes back", edge.backTo && `the value is used by the next ${edge.backTo}`],
        ["value", edge.value, "value"],
        ["gradient", edge.grad ?? "none", "gradient", edgeRef(index)],
        ["fired", edge.step === undefined ? "never: no gradient comes back through this use" : `step ${edge.step + 1}`],
      ]),
      edge.count ? null : graph.nodes[edge.to].kind === "function" ? this.#products([index]) : this.#arithmetic(edge.to),
      this.#plot("gradient over the runs", edge.series, edgeRef(index)),
      edge.turns && this.page.turnOf(index),
      this.#maps([[edge.gradArray, "gradient", edgeRef(index)]]),
      this.#foundAt(edgeRef(index)),
    ];
  }

  /** The way into a closed group. */
  #inside(node) {
    if (node.kind !== "group") return null;
    if (node.opens === undefined) return el("p", { class: "quiet" }, "This page has no room for what is inside: draw it with --only.");
    return el("button", { type: "button", click: () => this.page.open(node.opens) }, "Open");
  }

  #plot(title, series, of = null) {
    return series ? el("div", { "data-of": of }, seriesPlot(title, series)) : null;
  }

  #where(site, scope) {
    if (!site) return scope ? el("p", { class: "quiet" }, `in ${scope}`) : null;
    const file = this.graph.data.files[site.file].name;
    const place = `${file}:${site.line}${scope ? `, in ${scope}` : ""}`;
    return el("div", { class: "where" }, site.code && el("code", {}, site.code), el("p", { class: "quiet" }, place));
  }

  #facts(facts) {
    const shown = facts.filter(([, text]) => text !== undefined && text !== null && text !== "" && text !== false);
    return el("dl", {}, shown.map(([name, text, kind, of]) => [el("dt", {}, name), el("dd", { class: kind, "data-of": of }, text)]));
  }

  /** How the gradients behind a node come about: its products, or its sum. */
  #arithmetic(index) {
    const node = this.graph.nodes[index];
    if (node.sums) return this.#sum(node, this.graph.gradientOf(index));
    return node.kind === "function" ? this.#products(node.in ?? [], node.constants) : null;
  }

  #products(edges, constants = []) {
    const { graph } = this;
    const head = ["operand", "upstream × local = gradient"].map((text) => el("th", { scope: "col" }, text));
    const row = (index) => {
      const edge = graph.edges[index];
      return el(
        "tr",
        {},
        el("th", { scope: "row" }, this.link(edgeRef(index), graph.valueName(edge.from)), el("small", {}, edge.operand)),
        el("td", {}, this.#working(edge, edgeRef(index)), edge.formula && el("small", {}, `local = ${edge.formula}`)),
      );
    };
    const fixed = constants.map(([operand, text]) =>
      el("tr", {}, el("th", { scope: "row" }, text, el("small", {}, operand)), el("td", { class: "quiet" }, "a constant, without gradient")),
    );
    if (!edges.length && !fixed.length) return null;
    return el("table", { class: "arithmetic" }, el("thead", {}, el("tr", {}, head)), el("tbody", {}, growing(edges, row, inTable), fixed));
  }

  #working(edge, ref) {
    const lines = (edge.working ?? edge.grad ?? "none").split("\n");
    return lines.map((line) => el("div", { class: "working", "data-of": ref }, ...parts(line)));
  }

  #sum(node, own) {
    const { graph } = this;
    const row = ([edge, , sum, term]) => {
      const use = edge === null ? null : graph.edges[edge];
      const of = use && edgeRef(edge);
      const name = use ? this.link(of, graph.nameOf(use.to)) : "outside this view";
      return el(
        "tr",
        {},
        el("th", { scope: "row" }, name, el("small", {}, [use?.operand, use?.count && `${use.count.toLocaleString("en")} uses`].filter(Boolean).join(", "))),
        el("td", { class: "gradient", "data-of": of }, term),
        !node.count && el("td", { class: "working", "data-of": of }, sum ?? "…"), // of runs, those of a use are others than those of the sum
      );
    };
    const silent = node.silent ?? (node.out ?? []).filter((edge) => graph.edges[edge].step === undefined).length;
    const columns = node.count ? ["use, as they arrive", "gradient of the uses"] : ["use, as they arrive", "gradient", "Σ so far"];
    const head = columns.map((text) => el("th", { scope: "col" }, text));
    const [least, most] = node.uses ?? [];
    const each = least === most ? `${most} ${most === 1 ? "use" : "uses"}` : `${least} to ${most} uses`;
    return [
      el("table", { class: "arithmetic" }, el("thead", {}, el("tr", {}, head)), el("tbody", {}, growing(node.sums, row, inTable))),
      el("p", { class: "total" }, node.count ? `Σ of ${each}, in each of ${node.count.toLocaleString("en")} runs = ` : "Σ = ", el("b", { class: "gradient", "data-of": own }, node.grad ?? "none")),
      this.#largest(node.largest, own),
      silent > 0 && el("p", { class: "quiet" }, `${silent} more ${silent === 1 ? "use brings" : "uses bring"} 0: no gradient comes back through ${silent === 1 ? "it" : "them"}`),
    ];
  }

  /** The largest uses of a value that is used in turns: their order is that of what the picture tells. */
  #largest(uses = [], own) {
    if (!uses.length) return null;
    const row = ([edge, when, term]) =>
      el("li", {}, this.link(edgeRef(edge), this.graph.nameOf(this.graph.edges[edge].to)), when && `, ${when}`, ": ", el("b", { class: "gradient", "data-of": own }, term));
    return [el("h3", {}, "Largest uses"), el("ul", { class: "plain-list largest" }, uses.map(row))];
  }

  #neighbours(index) {
    const node = this.graph.nodes[index];
    if (node.kind === "function" || node.kind === "cut") return this.#links("used by", node.out, "to");
    return [this.#links("made by", node.in, "from"), node.sums ? null : this.#links("used by", node.out, "to")];
  }

  #links(title, edges = [], end) {
    if (!edges.length) return null;
    const row = (edge) => {
      const target = this.graph.edges[edge][end];
      return el("li", {}, this.link(nodeRef(target), this.graph.nameOf(target)));
    };
    return [el("h3", {}, title), el("ul", { class: "plain-list" }, growing(edges, row, inList))];
  }

  #maps(maps) {
    return maps
      .filter(([array]) => array !== undefined)
      .map(([array, title, of]) => {
        const figure = heatMap(this.graph.data.arrays[array], title, this.page.theme());
        if (of) figure.dataset.of = of;
        return figure;
      });
  }

  #foundAt(ref) {
    const findings = this.graph.data.findings.filter((finding) => this.graph.placesOf(finding).includes(ref));
    return findings.length ? [el("h3", {}, "Found here"), this.#findings(findings)] : null;
  }

  #valueOf(ref) {
    const { value, grad } = this.graph.item(ref);
    return el("small", {}, ` ${value ?? ""}${grad ? `, gradient ${grad}` : ""}`);
  }
}

/* The gradient, behind the last sign of a product, in its own colour. */
function parts(line) {
  const at = Math.max(line.lastIndexOf("= "), line.lastIndexOf("→ "));
  return at < 0 ? [line] : [line.slice(0, at + 2), el("b", { class: "gradient" }, line.slice(at + 2))];
}
