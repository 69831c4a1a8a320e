"""Nodes and edges of an exact graph as data for the page: their arithmetic in words, and how large it is."""

from __future__ import annotations

import math
from itertools import accumulate
from operator import add
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.explain import formula_of
from viz import labels, wording
from viz.calls import CallNames
from viz.page.numbering import numbering
from viz.page.pictures import picture_data
from viz.page.practice import NOTHING_ASKED, exercises
from viz.waiting import told

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from viz.geometry import Geometry
    from viz.page.arrays import Arrays
    from viz.page.numbering import Numbering
    from viz.page.sources import Sources
    from viz.parts import Diagram, Line
    from viz.waiting import Reached

FORMULA_LIMIT = 80


def exact_view(
    trace: Any,
    diagram: Diagram,
    geometry: Geometry,
    sources: Sources,
    arrays: Arrays,
    reached: Reached | None = None,
) -> tuple[dict[str, Any], Numbering]:
    """Say what the view of an exact graph shows: its picture, nodes and edges, and what can be practised.

    Of a part of a graph, with what is at the other ends of the edges that were parted.
    """
    edges = sorted({arrow.edge for arrow in diagram.arrows if arrow.edge >= 0})
    views = [trace.edges[edge] for edge in edges]
    ends = {end.index for edge in views for end in (edge.src, edge.dst)}
    nodes = [
        trace.nodes[node] for node in sorted(ends | {box.node for box in diagram.boxes if box.node >= 0})
    ]
    numbers = numbering(trace, [node.index for node in nodes], edges)
    names = CallNames(trace.sites.scopes)
    fired = sorted((edge.step, numbers.edge(edge)) for edge in views if edge.step is not None)
    has_gradients = trace.output is not None
    output = int(numbers.nodes[trace.output.index]) if has_gradients else -1
    told_nodes, told_edges = _told(nodes, views, reached) if reached else (nodes, views)
    view = {
        "name": labels.name(trace.function),
        "parent": None,
        "nodes": [node_data(node, numbers, names, sources, arrays) for node in told_nodes],
        "edges": [edge_data(edge, numbers, arrays) for edge in told_edges],
        "order": [edge for _, edge in fired],
        "output": output if output >= 0 else None,
        **(exercises(nodes, numbers) if has_gradients else NOTHING_ASKED).data(),
        **picture_data(diagram, numbers.renumbered(geometry)),
    }
    return view, numbers


def _told(
    nodes: Sequence[Any], edges: Sequence[Any], reached: Reached
) -> tuple[Iterable[Any], Iterable[Any]]:
    """Tell how far it is while nodes and edges are put into words: half of the last quarter; the rest is drawn."""
    half = len(nodes) + len(edges)
    return told(nodes, reached, 6 * half, 8 * half), told(edges, reached, 6 * half + len(nodes), 8 * half)


def node_data(
    node: Any, numbers: Numbering, names: CallNames, sources: Sources, arrays: Arrays
) -> dict[str, Any]:
    """Say what a node is, what it gives and where it was made; edges are told by their numbers."""
    told = {
        "kind": node.op if node.kind == "splitter" and node.op == "broadcast" else node.kind,
        "op": labels.clean(node.op),
        "symbol": wording.gate_text(node) if node.kind == "function" else "",
        "name": labels.name(node.label or node.name or ""),
        "value": text_of(node.value),
        "grad": text_of(node.grad),
        "in": numbers.known(node.in_edges),
        "out": numbers.known(node.out_edges),
        "site": sources.place(node.site),
        "scope": _scope(node, names),
        "kink": labels.clean(node.kink) if node.kind == "function" else "",
        "constants": _constants(node),
        "valueArray": arrays.add(node.value),
        "gradArray": arrays.add(node.grad),
    }
    if node.kind == "splitter" and node.op == "copy" and node.grad is not None:
        told["sums"] = running_sums(node, numbers)
        told["silent"] = sum(edge.step is None for edge in node.out_edges) or None
    return {key: value for key, value in told.items() if value not in (None, "", [])}


def edge_data(edge: Any, numbers: Numbering, arrays: Arrays) -> dict[str, Any]:
    """Say what an edge carries in both directions, and the product that made its gradient."""
    ends = {"from": int(numbers.nodes[edge.src.index]), "to": int(numbers.nodes[edge.dst.index])}
    return ends | arithmetic(edge) | _of_array(arrays.add(edge.grad)) | _of_step(edge.step)


def _of_array(number: int | None) -> dict[str, Any]:
    return {} if number is None else {"gradArray": number}


def _of_step(step: int | None) -> dict[str, Any]:
    return {} if step is None else {"step": step}


def arithmetic(edge: Any) -> dict[str, Any]:
    """Say what one edge carries in both directions, and what its gradient was made from."""
    grad, is_gate = edge.grad, edge.dst.kind == "function"
    told = {
        "operand": wording.operand(edge.port) if is_gate else "",
        "value": text_of(edge.value),
        "grad": text_of(grad),
        "formula": labels.shorten(labels.clean(formula_of(edge)), FORMULA_LIMIT) if is_gate else "",
        "working": "\n".join(map(text_of_line, wording.product_lines(edge))) if is_gate else "",
        "magnitude": magnitude(grad),
        "bad": wording.is_bad(grad) or None,
    }
    return {key: value for key, value in told.items() if value not in (None, "")}


def text_of(value: Any) -> str | None:
    """Write a value or a gradient; an array by its shape, its norm and its worst element."""
    if value is None:
        return None
    if not labels.is_array(value):
        return labels.number(value)
    return f"{labels.summary(value)}, {labels.worst(value)}" if value.size else labels.summary(value)


def magnitude(grad: Any) -> float | None:
    """Return the size of a gradient, its norm if it is an array; None where there is none or it is not finite."""
    if grad is None or wording.is_bad(grad):
        return None
    size = float(np.linalg.norm(np.ravel(grad))) if labels.is_array(grad) else abs(complex(grad))
    return float(f"{size:.5g}") if math.isfinite(size) else None


def running_sums(node: Any, numbers: Numbering) -> list[tuple[int | None, int, str, str]]:
    """Return the uses of a value in the order in which they fire: edge, step, the sum up to it, and what it adds."""
    fired = sorted((edge for edge in node.out_edges if edge.step is not None), key=lambda edge: edge.step)
    terms = [edge.grad for edge in fired]
    with np.errstate(all="ignore"):
        sums = [labels.norm(total) for total in accumulate(terms, add)]
    if sums:
        sums[-1] = labels.norm(node.grad)  # added up in the order of the backward pass, to the bit
    return [
        (numbers.edge(edge), edge.step, total, labels.norm(term))
        for edge, total, term in zip(fired, sums, terms, strict=True)
    ]


def text_of_line(line: Line) -> str:
    """Return a line of text without its roles."""
    return "".join(span.text for span in line)


def _scope(node: Any, names: CallNames) -> str:
    """Name the calls around a node, the innermost first; empty in the traced function itself."""
    if node.kind in ("input", "output"):
        return ""
    calls: list[str] = []
    scope, scopes = node.scope, node.trace.sites.scopes
    while scope.depth > 0:
        calls.append(names.call(scope.index))
        scope = scopes[scope.parent]
    return " in ".join(calls)


def _constants(node: Any) -> list[tuple[str, str]]:
    """List the operands that carry no gradient, by their places."""
    if node.kind != "function":
        return []
    return [
        (wording.operand(port), labels.constant(operand))
        for port, operand in enumerate(node.operands)
        if not hasattr(type(operand), "upstream")
    ]
