"""A small graph, or a part of one, as lines of text: the nodes in the order of the run, each with its operands.

    y         = 7.5           residual.py:15  x + main
      ← x     15 × 1 = 15
      ← main  15 × 1 = 15

A splitter stands at the value that it copies: `x = 3   ◆ Σ 45 + 15 = 60`. For `edgegrad show` and `edgegrad step`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from tracer.diagnose.magnitude import largest_of
from tracer.graph import SPLITTER
from viz import labels, text
from viz.edge_table import edge_line
from viz.summary import SplitterLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tracer.trace import Trace
    from tracer.views import Edge, Node

MOST_NODES = 10  # splitters not counted: about what a terminal shows at once
MOST_OPERANDS = 6
CODE_LIMIT = 32
_NAME_LIMIT = 24
_SHOWN_TERMS = 5
_SHOWN_USERS = 3
_GAP = "   "


def is_small(trace: Trace) -> bool:
    """Say whether a whole graph is one to be shown as text."""
    kinds = trace.graph.kinds
    return bool(len(kinds)) and int(np.count_nonzero(kinds != SPLITTER)) <= MOST_NODES


def graph_lines(
    trace: Trace, nodes: Iterable[int] | None = None, *, now: int | None = None, width: int = 1000
) -> list[Text]:
    """Draw some nodes, or all, as lines of text at most so wide.

    With `now`, what has not fired at that backward step has no gradient yet, and its edge is marked.
    """
    chosen = range(len(trace.graph.kinds)) if nodes is None else sorted(set(nodes))
    rows: list[tuple[Text, Text, Text]] = []
    for index in chosen:
        node = trace.nodes[index]
        if node.kind != "splitter":
            rows.append(_node_row(node, now))
            rows += _operand_rows(node, now)
    return _aligned(rows, width)


def _aligned(rows: Sequence[tuple[Text, Text, Text]], width: int) -> list[Text]:
    """Put the cells below each other; where there is no room the code goes, and never a number."""
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    room = width - sum(widths) - 2 * len(_GAP)
    lines = []
    for name, arithmetic, place in rows:
        line = name.copy()
        line.pad_right(widths[0] - len(name))
        line.append(_GAP).append_text(arithmetic)
        if len(place) and room >= min(len(place), CODE_LIMIT // 2):
            line.pad_right(widths[1] - len(arithmetic))
            shown = place.copy()
            shown.truncate(room, overflow="ellipsis")
            line.append(_GAP).append_text(shown)
        line.rstrip()
        line.truncate(width, overflow="ellipsis")
        lines.append(line)
    return lines


def _node_row(node: Node, now: int | None) -> tuple[Text, Text, Text]:
    """Write a node's name, its value with the sum of its uses, and its code."""
    name = Text("  " if now is not None else "").append(value_name(node), style=text.NAME)
    value = Text("= ").append_text(text.value_text(node.value, text.VALUE))
    summed = _summed(node, now)
    if summed is not None:
        value.append("  ◆ ").append_text(summed)
    if node.kind != "function":
        return name, value, Text("" if node.kind == "output" else node.kind, style=text.QUIET)
    line = next((edge_line(edge) for edge in node.in_edges), None)
    if line is None:
        return name, value, Text("")
    place = f"{line.file}:{line.line}" if line.file else ""
    code = line.code if node.label or not place else ""
    return name, value, Text("  ".join(filter(None, (place, code))), style=text.QUIET)


def _summed(node: Node, now: int | None) -> Text | None:
    """Write the sum that a value's splitter made, or how many of its uses it still waits for; None without one."""
    edges = node.out_edges
    if not (len(edges) == 1 and edges[0].dst.op == "copy" and edges[0].dst.kind == "splitter"):
        return None
    trace = node.trace
    uses = np.array(trace.graph.out_edges(edges[0].dst.index), np.int64)  # of which there may be a million
    steps = trace.steps[uses]
    own = edges[0].step
    if now is not None and own is not None and own > now:
        arrived = np.count_nonzero((steps >= 0) & (steps <= now))
        return Text(f"waiting {arrived:,} of {np.count_nonzero(steps >= 0):,}", style=text.QUIET)
    largest = largest_of(trace.edge_statistics.norm, uses.tolist(), _SHOWN_TERMS)
    terms = tuple(trace.edges[edge].grad for edge in largest)
    return Text("Σ ").append_text(text.sum_text(SplitterLine("", len(uses), terms, node.grad)))


def _operand_rows(node: Node, now: int | None) -> list[tuple[Text, Text, Text]]:
    """Write the edges into a node; of many the first, and the one that fires now."""
    first, stop = node.trace.graph.first_in[node.index : node.index + 2].tolist()
    shown = list(range(first, min(first + MOST_OPERANDS, stop)))
    if now is not None and shown:
        others = np.arange(shown[-1] + 1, stop)
        shown += others[node.trace.steps[others] == now].tolist()
    rows = [_edge_row(node.trace.edges[edge], now) for edge in shown]
    left = stop - first - len(shown)
    if left:
        indent = "    " if now is not None else "  "
        rows.append((Text(f"{indent}… {left:,} more operands", style=text.QUIET), Text(""), Text("")))
    return rows


def _edge_row(edge: Edge, now: int | None) -> tuple[Text, Text, Text]:
    """Write where an operand comes from, and the product that came back to it."""
    is_now = now is not None and edge.step == now
    source = edge.src
    line = edge_line(edge)
    told = text.product(line)
    if now is not None and edge.step is not None and edge.step > now:
        told = Text("·", style=text.QUIET)
    elif source.kind == "splitter" and source.op == "broadcast":
        narrow = source.in_edges[0]
        told = told.append(" → Σ of copies ").append_text(text.norm_text(narrow.grad, text.GRADIENT))
    mark = "▶ " if is_now else "  "
    name = Text(f"{mark if now is not None else ''}  ← ").append(value_name(origin(source)))
    if is_now:
        name.stylize("reverse")
    return name, told, Text("")


def origin(node: Node) -> Node:
    """Return the node that made the value that splitters and broadcasts copy."""
    while node.kind == "splitter":
        node = node.in_edges[0].src
    return node


def value_name(node: Node) -> str:
    """Name a value by its variable, else by its code, else by its operation."""
    if node.kind == "output":
        return f"output {labels.clean(node.name or '')}".rstrip()
    if node.label:
        return labels.shorten(labels.clean(node.label), _NAME_LIMIT)
    site = node.site
    code = " ".join(site.text.split()) if site is not None else ""
    return labels.shorten(labels.clean(code), _NAME_LIMIT) if code else node.op


def neighbourhood(edge: Edge) -> list[int]:
    """Return the nodes to be drawn with an edge: where it comes from, what it leads to, and what uses that."""
    user = edge.dst
    if user.kind == "splitter":  # a sum: the value, and operations that sent its terms back
        return [origin(user).index, *_users(user)]
    outlet = user.out_edges[0].dst if user.out_edges else user
    return [origin(edge.src).index, user.index, *_users(outlet if outlet.kind == "splitter" else user)]


def _users(node: Node) -> list[int]:
    """Return the first operations that use a value."""
    edges = node.trace.graph.out_edges(node.index)[:_SHOWN_USERS]
    return [_operation(node.trace.edges[edge]).index for edge in edges]


def _operation(edge: Edge) -> Node:
    """Return the operation that an edge leads to, past a broadcast."""
    node = edge.dst
    while node.kind == "splitter" and node.out_edges:
        node = node.out_edges[0].dst
    return node
