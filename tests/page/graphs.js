// Small graphs as the page gets them.

import { Graph } from "../../viz/page/graph.js";

/** s = x + y; return s * x, at x = 2, y = 3: x has two uses. */
export function splitter() {
  const line = (number) => ({ file: 0, line: number, end: number, code: "" });
  const view = {
    name: "splitter",
    parent: null,
    output: 5,
    nodes: [
      { kind: "input", op: "input", name: "x", value: "2", grad: "7", out: [0] },
      { kind: "splitter", op: "copy", name: "x", value: "2", grad: "7", in: [0], out: [1, 3], sums: [[3, 1, "5", "5"], [1, 4, "7", "2"]] },
      { kind: "input", op: "input", name: "y", value: "3", grad: "2", out: [2] },
      { kind: "function", op: "add", symbol: "+", name: "s", value: "5", grad: "2", in: [1, 2], out: [4], site: line(1) },
      { kind: "function", op: "multiply", symbol: "×", value: "10", grad: "1", in: [4, 3], out: [5], site: line(2) },
      { kind: "output", op: "output", value: "10", grad: "1", in: [5] },
    ],
    edges: [
      { from: 0, to: 1, step: 5, value: "2", grad: "7" },
      { from: 1, to: 3, step: 4, value: "2", grad: "2", working: "2 × 1 = 2" },
      { from: 2, to: 3, step: 3, value: "3", grad: "2", working: "2 × 1 = 2" },
      { from: 1, to: 4, step: 1, value: "2", grad: "5", working: "1 × 5 = 5" },
      { from: 3, to: 4, step: 2, value: "5", grad: "2", working: "1 × 2 = 2" },
      { from: 4, to: 5, step: 0, value: "10", grad: "1" },
    ],
    order: [5, 3, 4, 2, 1, 0],
    practice: [],
  };
  return new Graph({ views: [view], findings: [], files: [{ name: "program.py", lines: [] }] });
}
