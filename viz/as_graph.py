"""Trace -> nodes and edges with attributes, for programs that read graphs: `viz.graphml`, `viz.model_explorer`.

Exact, or rolled up as pictures are: then a number is that of the first run and of the last, with the smallest and the
largest between them, and of arrays their norms. Of a part, a node says how many of its edges were left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from viz import labels
from viz.calls import CallNames
from viz.diagram import refuse_too_many
from viz.rolled_numbers import Numbers
from viz.wording import gate_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.graph import Graph
    from viz.choice import Choice
    from viz.rolled_numbers import Series
    from viz.rollup import Rolled, RolledEdge, RolledNode
    from viz.skeleton import Flags, Ints

Attributes = dict[str, Any]


@dataclass(frozen=True, slots=True)
class GraphNode:
    """One node: its number, what it is in a word, the calls around it from the outermost on, and what else is known."""

    index: int
    label: str
    calls: tuple[str, ...]
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """One edge between two nodes, by their numbers."""

    index: int
    source: int
    target: int
    port: int
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class GraphData:
    """A whole graph."""

    title: str
    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]
    is_rolled: bool


def exact_data(trace: Any, choice: Choice, suffix: str, *, force: bool) -> GraphData:
    """Return the nodes of a trace that were chosen, and the edges between them; raises DrawError for too many."""
    count = len(trace.nodes)
    keep = np.ones(count, np.bool_) if choice.keep is None else choice.keep
    refuse_too_many(trace.graph, keep, suffix, force=force)
    scopes = trace.sites.scopes
    names = CallNames(scopes)
    left_out = _left_out(trace.graph, keep, np.arange(count))
    nodes = tuple(
        _node(trace.nodes[each], scopes, names, left_out.get(each, {}))
        for each in np.flatnonzero(keep).tolist()
    )
    inner = np.flatnonzero(keep[trace.graph.src] & keep[trace.graph.dst])
    edges = tuple(_edge(trace.edges[each]) for each in inner.tolist())
    return GraphData(labels.name(trace.function), nodes, edges, is_rolled=False)


def _left_out(graph: Graph, keep: Flags, place: Ints) -> dict[int, Attributes]:
    """Count, by the place of a node, the edges that lead to it or from it across the border of a part."""
    entering = graph.dst[keep[graph.dst] & ~keep[graph.src]]
    leaving = graph.src[keep[graph.src] & ~keep[graph.dst]]
    found: dict[int, Attributes] = {}
    for name, ends in (("operands_left_out", entering), ("uses_left_out", leaving)):
        places, counts = np.unique(place[ends], return_counts=True)
        for at, count in zip(places.tolist(), counts.tolist(), strict=True):
            found.setdefault(at, {})[name] = count
    return found


def _node(node: Any, scopes: Sequence[Any], names: CallNames, left_out: Attributes) -> GraphNode:
    calls = []
    scope = node.scope if node.kind not in ("input", "output") else scopes[0]
    while scope.depth > 0:
        calls.append(names.call(scope.index))
        scope = scopes[scope.parent]
    known = {"kind": node.kind, "op": node.op, "name": node.label or node.name, "value": node.value}
    known |= {"grad": node.grad, **_site(node.site), **left_out}
    return GraphNode(node.index, _label(node), tuple(reversed(calls)), _known(known))


def _label(node: Any) -> str:
    if node.kind == "function":
        return gate_text(node)
    name = labels.name(node.label or node.name or "")
    return f"output {name}".strip() if node.kind == "output" else name if node.kind == "input" else node.op


def _edge(edge: Any) -> GraphEdge:
    known = {"port": edge.port, "value": edge.value, "upstream": edge.upstream, "local": edge.local}
    if edge.grad is None:  # of a run that failed
        known = {"port": edge.port, "value": edge.value}
    known |= {"grad": edge.grad, "formula": edge.formula, "step": edge.step}
    return GraphEdge(edge.index, edge.src.index, edge.dst.index, edge.port, _known(known))


def rolled_data(rolled: Rolled) -> GraphData:
    """Return a rolled graph."""
    numbers = Numbers(rolled)
    left_out = _left_out(rolled.trace.graph, rolled.of_node >= 0, rolled.of_node)
    nodes = tuple(
        _rolled_node(node, rolled, numbers, left_out.get(node.index, {})) for node in rolled.nodes
    )
    edges = tuple(_rolled_edge(edge, numbers) for edge in rolled.edges)
    return GraphData(labels.name(rolled.trace.function), nodes, edges, is_rolled=True)


def _rolled_node(node: RolledNode, rolled: Rolled, numbers: Numbers, left_out: Attributes) -> GraphNode:
    calls = []
    group = node.group
    while group >= 0:
        calls.append(rolled.groups[group].name)
        group = rolled.groups[group].parent
    symbol = rolled.trace.nodes[int(node.members[0])].symbol if node.kind == "function" else node.op
    label = node.name if node.kind in ("input", "output") and node.name else symbol or node.name
    known: Attributes = {"kind": node.kind, "op": node.op, "name": node.name, "count": node.count}
    if node.kind != "group":
        known |= _series("value", numbers.values(node))
    if node.kind == "splitter":
        known |= _series("grad", numbers.into(node))
    known |= {**_site(node.site), **left_out}
    return GraphNode(node.index, labels.name(label), tuple(reversed(calls)), _known(known))


def _rolled_edge(edge: RolledEdge, numbers: Numbers) -> GraphEdge:
    known: Attributes = {"port": edge.port, "count": edge.count, "goes_back": edge.is_back}
    known |= _series("value", numbers.carried(edge)) | _series("grad", numbers.gradients(edge))
    return GraphEdge(edge.index, edge.src, edge.dst, edge.port, _known(known))


def _series(name: str, series: Series | None) -> Attributes:
    if series is None or not len(series.values):
        return {}
    name = f"{name}_norm" if series.is_norm else name
    sizes = {"smallest": series.values[series.least], "largest": series.values[series.most]}
    told = {"first": series.first, "last": series.last, **sizes}
    return {f"{name}_{which}": float(number) for which, number in told.items()}


def _site(site: Any) -> Attributes:
    if site is None or not site.line:
        return {}
    return {"site": f"{PurePath(site.file).name}:{site.line}", "code": labels.clean(site.text or "")}


def _known(attributes: Attributes) -> Attributes:
    return {
        key: value
        for key, value in attributes.items()
        if value is not None and not (isinstance(value, str) and not value)
    }


def flat(attributes: Attributes) -> dict[str, str | int | float | bool]:
    """Return attributes as numbers and text alone: an array is its shape and its norm, a complex number text."""
    found: dict[str, str | int | float | bool] = {}
    for key, value in attributes.items():
        if labels.is_array(value):
            found[f"{key}_shape"] = labels.shape(value)
            found[f"{key}_norm"] = labels.norm_of(value)
            continue
        plain = value.item() if isinstance(value, (np.generic, np.ndarray)) else value
        if isinstance(plain, complex):
            found[key] = labels.number(plain)
        elif key in ("value", "grad", "upstream", "local") and isinstance(plain, int):
            found[key] = float(plain)
        else:
            found[key] = plain
    return found
