/* Search by name, operation or line. The finding touches no document; the box does. */

import { byId, el } from "./dom.js";
import { indexOf, nodeRef } from "./graph.js";

const FIRST = 12; // hits that are listed at first; as many again as one goes on

/** Find nodes, and calls by their names: `12` or `line 12` by line, else by name, operation, the words of the list or code;
 * those that begin with it first. A call is that of a frame of the picture, "f3", or of another view, "v1". */
export function find(graph, text, frames = []) {
  const query = text.trim().toLowerCase();
  if (!query) return [];
  const line = /^(?:line\s*|:)?(\d+)$/.exec(query);
  if (line) return graph.nodes.flatMap(({ site }, index) => (site && site.line <= line[1] && line[1] <= site.end ? [nodeRef(index)] : []));
  const ranked = [
    ...graph.nodes.map((node, index) => [nodeRef(index), rankOf(node, graph.nameOf(index).toLowerCase(), query)]),
    ...frames.map(({ name }, number) => [`f${number}`, rankOfCall(name, query)]),
    ...graph.data.views.map(({ name, parent }, number) => [`v${number}`, isElsewhere(graph, number, parent) ? rankOfCall(name, query) : null]),
  ];
  return ranked.filter(([, rank]) => rank !== null).sort(([, first], [, second]) => first - second).map(([ref]) => ref);
}

/* Whether a view is neither shown nor that of a closed call in what is shown, which is found as a node. */
const isElsewhere = (graph, number, parent) => number !== graph.number && parent !== graph.number;

function rankOfCall(name, query) {
  const called = name.toLowerCase();
  if (called.split("(")[0] === query) return 0;
  if (called.startsWith(query)) return 1;
  return query.length > 1 && called.includes(query) ? 2 : null;
}

function rankOf(node, said, query) {
  const name = (node.name ?? "").toLowerCase();
  if (name === query) return 0;
  if (name.startsWith(query)) return 1;
  if (name.includes(query)) return 2;
  if (query.length === 1 && query !== node.symbol) return null; // a letter is in everything
  if (node.op.toLowerCase().includes(query) || (node.symbol ?? "").toLowerCase().includes(query) || said.includes(query)) return 3;
  return (node.site?.code ?? "").toLowerCase().includes(query) && node.kind === "function" ? 4 : null;
}

/** Make the search box work; handlers: frames() of the picture, show(refs) as one types, choose(ref), frame(number), view(number). */
export function searchBox(graph, handlers) {
  const [input, list] = [byId("search"), byId("hits")];
  let all = [];
  let refs = []; // those that are listed
  let active = -1;

  function fill() {
    all = find(graph, input.value, handlers.frames());
    active = all.length ? 0 : -1;
    handlers.show(all.filter((ref) => ref[0] === "n"));
    write(FIRST);
  }

  function write(most) {
    refs = all.slice(0, most);
    const options = refs.map((ref, at) => {
      const choose = (event) => {
        event.preventDefault(); // the focus stays in the box until the choice moves it
        pick(at);
      };
      return el("li", { role: "option", id: `hit-${at}`, "aria-selected": String(at === active), pointerdown: choose }, told(ref));
    });
    const more = (event) => {
      event.preventDefault();
      showMore();
    };
    const rest = all.length - refs.length;
    if (rest) options.push(el("li", { class: "more", role: "presentation", pointerdown: more }, `and ${rest.toLocaleString("en")} more`));
    if (input.value.trim() && !all.length) options.push(el("li", { class: "more", role: "presentation" }, "nothing is called so"));
    list.replaceChildren(...options);
    open(options.length > 0);
  }

  function told(ref) {
    if (ref[0] === "f") return [el("b", {}, handlers.frames()[indexOf(ref)].name), el("small", {}, "call")];
    if (ref[0] === "v") {
      const { name, parent } = graph.data.views[indexOf(ref)];
      return [el("b", {}, name), el("small", {}, parent === null ? "whole program" : `in ${graph.data.views[parent].name}`)];
    }
    const node = graph.item(ref);
    const place = node.kind === "group" ? "call" : graph.lineOf(ref);
    const name = graph.nameOf(indexOf(ref)).replace(` at ${place}`, "");
    return [node.name && node.kind === "function" ? el("b", {}, `${node.name} `) : "", el("span", {}, name), el("small", {}, place)];
  }

  function showMore() {
    const place = list.scrollTop;
    write(2 * refs.length);
    list.scrollTop = place;
  }

  function open(isOpen) {
    list.hidden = !isOpen;
    input.setAttribute("aria-expanded", String(isOpen));
    mark();
  }

  function mark() {
    [...list.children].forEach((item, at) => item.role === "option" && item.setAttribute("aria-selected", String(at === active)));
    if (active >= 0 && !list.hidden) {
      input.setAttribute("aria-activedescendant", `hit-${active}`);
      list.children[active].scrollIntoView({ block: "nearest" });
    } else input.removeAttribute("aria-activedescendant");
  }

  function pick(at) {
    const ref = refs[at];
    close();
    const lead = { n: () => handlers.choose(ref), f: () => handlers.frame(indexOf(ref)), v: () => handlers.view(indexOf(ref)) };
    if (ref) lead[ref[0]]();
  }

  function close() {
    open(false);
    handlers.show([]);
  }

  input.addEventListener("input", fill);
  input.addEventListener("focus", () => input.value && fill());
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && refs.length) {
      if (active + step === refs.length && refs.length < all.length) showMore();
      active = (active + step + refs.length) % refs.length;
      mark();
      event.preventDefault();
    } else if (event.key === "Enter") {
      pick(active);
    } else if (event.key === "Escape") {
      close();
      input.blur();
    }
  });
}
