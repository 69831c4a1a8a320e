/* The source beside the graph: a line lights what it made, and what is looked at lights its line. */

import { el } from "./dom.js";

/** Fill the pane; `handlers` are told of the nodes of a line: hover(refs), choose(refs, site). */
export function sourcePane(element, graph, handlers) {
  const rows = new Map();
  let longest = 0; // of the lines that made something
  element.replaceChildren();
  for (const [number, file] of graph.data.files.entries()) {
    const list = el("div", { class: "code" });
    let before = 0;
    for (const [line, text] of file.lines) {
      if (line !== before + 1) list.append(el("div", { class: "gap", "aria-hidden": "true" }, "⋯"));
      before = line;
      const made = graph.at(number, line);
      if (made.length) longest = Math.max(longest, text.length);
      const row = lineRow(line, text, made, { file: number, line }, handlers);
      rows.set(`${number}:${line}`, row);
      list.append(row);
    }
    element.append(el("h2", {}, file.name), list);
    if (!file.lines.length) list.append(el("p", { class: "quiet" }, "The text of this file is not in the trace."));
  }
  element.style.setProperty("--longest", longest);
  if (!graph.data.files.length) element.append(el("p", { class: "quiet" }, "No line of source is known."));

  let lit = [];
  let asked = 0;
  return {
    light(sites) {
      lit.forEach((row) => row.classList.remove("is-lit"));
      lit = sites.flatMap((site) => {
        const lines = Array.from({ length: site.end - site.line + 1 }, (_, step) => site.line + step);
        return lines.map((line) => rows.get(`${site.file}:${line}`)).filter(Boolean);
      });
      lit.forEach((row) => row.classList.add("is-lit"));
    },
    /** Begin at the first line that made something. */
    begin() {
      const first = element.querySelector(".made");
      if (first) element.scrollTop = first.offsetTop - element.offsetTop - element.clientHeight / 5;
    },
    reveal(site) {
      const row = site && rows.get(`${site.file}:${site.line}`);
      if (!row) return;
      cancelAnimationFrame(asked); // of several lines in one frame, the last one
      asked = requestAnimationFrame(() => scrollTo(row));
    },
  };

  function scrollTo(row) {
    const [pane, line] = [element.getBoundingClientRect(), row.getBoundingClientRect()];
    if (line.top < pane.top + 40 || line.bottom > pane.bottom - 20) {
      element.scrollTop += line.top - pane.top - pane.height / 3;
    }
  }
}

function lineRow(line, text, refs, site, handlers) {
  const parts = [el("span", { class: "number" }, String(line)), el("span", { class: "text" }, text || " ")];
  if (!refs.length) return el("div", { class: "line" }, parts);
  return el(
    "button",
    {
      type: "button",
      class: "line made",
      "aria-label": `line ${line}: ${text.trim()}, ${refs.length} ${refs.length === 1 ? "value" : "values"}`,
      pointerenter: () => handlers.hover(refs),
      pointerleave: () => handlers.hover([]),
      focus: () => handlers.hover(refs),
      blur: () => handlers.hover([]),
      click: () => handlers.choose(refs, site),
    },
    parts,
  );
}
