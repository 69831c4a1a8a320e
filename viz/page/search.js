/* Search by name, operation or line. The finding touches no document; the box does. */

import { byId, el } from "./dom.js";
import { nodeRef } from "./graph.js";

const FIRST = 12; // hits that are listed at first; as many again as one goes on

/** Find nodes for a text: `12` or `line 12` by line, else by name, operation, the words of the list or code; those that begin with it first. */
export function find(graph, text) {
  const query = text.trim().toLowerCase();
  if (!query) return [];
  const line = /^(?:line\s*|:)?(\d+)$/.exec(query);
  const found = graph.nodes.flatMap((node, index) => {
    if (line) return node.site && node.site.line <= line[1] && line[1] <= node.site.end ? [{ index, rank: 0 }] : [];
    const rank = rankOf(node, graph.nameOf(index).toLowerCase(), query);
    return rank === null ? [] : [{ index, rank }];
  });
  return found.sort((first, second) => first.rank - second.rank || first.index - second.index).map(({ index }) => nodeRef(index));
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

/** Make the search box work; handlers: show(refs) as one types, choose(ref). */
export function searchBox(graph, handlers) {
  const [input, list] = [byId("search"), byId("hits")];
  let all = [];
  let refs = []; // those that are listed
  let active = -1;

  function fill() {
    all = find(graph, input.value);
    active = all.length ? 0 : -1;
    handlers.show(all);
    write(FIRST);
  }

  function write(most) {
    refs = all.slice(0, most);
    const options = refs.map((ref, at) => {
      const choose = (event) => {
        event.preventDefault(); // the focus stays in the box until the choice moves it
        pick(at);
      };
      const place = graph.lineOf(ref);
      const node = graph.item(ref);
      return el(
        "li",
        { role: "option", id: `hit-${at}`, "aria-selected": String(at === active), pointerdown: choose },
        el("b", {}, node.name && node.kind === "function" ? `${node.name} ` : ""),
        el("span", {}, graph.nameOf(Number(ref.slice(1))).replace(` at ${place}`, "")),
        el("small", {}, place),
      );
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
    if (ref) handlers.choose(ref);
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
