"""What part of a trace a picture draws: its nodes with their edges.

Used by `viz.diagram` and `viz.border`. Edges are looked at one by one only where they are drawn: a value may have
a million uses, of which three are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from viz import labels

if TYPE_CHECKING:
    from tracer.recording import Indices
    from viz.choice import Choice

MANY = 1_000  # edges from which on their gradients are taken out of columns


class Edges(Sequence[Any]):
    """Some edges of a trace by their numbers; a view of one is made when it is looked at."""

    def __init__(self, trace: Any, numbers: Indices) -> None:
        self.trace = trace
        self.numbers = numbers

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Edges: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return Edges(self.trace, self.numbers[index])
        return self.trace.edges[int(self.numbers[index])]

    @property
    def heads(self) -> Indices:
        """The nodes that they lead to."""
        first = self.trace.graph.first_in
        found: Indices = first.searchsorted(self.numbers.astype(first.dtype), side="right") - 1
        return found


def gradients_of(edges: Sequence[Any]) -> Any:
    """Return the gradients of edges: of many that are numbers a column."""
    if isinstance(edges, Edges) and len(edges) > MANY and hasattr(edges.trace, "edge_gradients"):
        column = edges.trace.edge_gradients()
        if not any(number in column.others for number in edges.numbers[[0, -1]].tolist()):
            return column.floats[edges.numbers]
    return [edge.grad for edge in edges]


class Part:
    """The nodes of a trace that are drawn, by their place in the picture, and the edges that touch them."""

    def __init__(self, trace: Any, choice: Choice) -> None:
        graph = trace.graph
        count = len(trace.nodes)
        keep = np.ones(count, np.bool_) if choice.keep is None else choice.keep
        shown = np.flatnonzero(keep)
        self.trace = trace
        self.nodes = [trace.nodes[each] for each in shown.tolist()]
        self.places = np.full(count, -1, np.int64)
        self.places[shown] = np.arange(len(shown))
        first, by_source = graph.edges_by_source
        self.incoming = [
            Edges(trace, np.arange(start, stop))
            for start, stop in zip(
                graph.first_in[shown].tolist(), graph.first_in[shown + 1].tolist(), strict=True
            )
        ]
        self.outgoing = [
            Edges(trace, by_source[start:stop])
            for start, stop in zip(first[shown].tolist(), first[shown + 1].tolist(), strict=True)
        ]
        sources, targets = graph.src, graph.dst
        inner = np.flatnonzero(keep[sources] & keep[targets])
        starts, stops = self.places[sources[inner]].tolist(), self.places[targets[inner]].tolist()
        self.inner = list(zip(inner.tolist(), starts, stops, strict=True))  # with the places of both ends
        is_border = keep[sources] != keep[targets]
        border = np.flatnonzero(is_border)
        self.before = self._grouped(border[keep[targets[border]]], targets)
        self.behind = self._grouped(border[keep[sources[border]]], sources)
        self.has_arrays = any(labels.is_array(node.value) for node in self.nodes)

    def _grouped(self, border: Indices, ends: Indices) -> dict[int, Edges]:
        """Return edges to what is left out by the place of their end that is drawn."""
        order = np.argsort(ends[border], kind="stable")
        nodes, begin = np.unique(ends[border][order], return_index=True)
        parts = np.split(border[order], begin[1:])
        return {
            int(self.places[node]): Edges(self.trace, part)
            for node, part in zip(nodes.tolist(), parts, strict=False)
        }
