"""The terms of one gradient: what each use of a value sent back, and what it was multiplied from. Used by audit.py."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.backward import backward
from tracer.diagnose.sums import uses_of
from tracer.diagnose.turns import Turns
from tracer.graph import FUNCTION, OUTPUT, SPLITTER
from tracer.numbers_text import clean, operand
from tracer.rules.kinds import Compressed
from tracer.views import Edge, Node

if TYPE_CHECKING:
    from tracer.gradients import Gradients
    from tracer.source import Site
    from tracer.trace import Trace

_MOST = 50  # claims whose consequences are followed


@dataclass(eq=False)
class Terms:
    """The gradient of a node and the terms it is the sum of, in the order in which they arrive: the last use first.

    `terms` has one line for each use; numbers are lines of one element.
    """

    node: Node
    total: Any
    edges: list[int]
    terms: np.ndarray[Any, Any]
    follower: Followed
    as_recorded: bool = False

    def gradient(self, node: Node) -> Any:
        """Return the gradient of another node, in the same way."""
        return node.grad if self.as_recorded else self.follower.taken(node)

    def changes(self, node: Node) -> list[Gradients]:
        """Return the passes whose sum is the gradient of what comes after a node: the trace's, and what was put in."""
        return [node.trace.gradients, *([] if self.as_recorded else self.follower.before(node))]

    @property
    def count(self) -> int:
        """How many uses there are."""
        return len(self.edges)

    @property
    def site(self) -> Site | None:
        """Where the value is computed; of an input, which has no place, the first of its uses."""
        return self.node.site or (self.use(self.count - 1).site if self.count else None)

    def use(self, at: int) -> Node:
        """Return the operation that one use is."""
        edge = Edge(self.node.trace, self.edges[at])
        consumer = edge.dst
        if consumer.kind == "splitter":  # a broadcast, whose one edge leads on
            consumer = consumer.out_edges[0].dst
        return consumer

    def place(self, at: int) -> str:
        """Say where one use is; of two uses by one operation, which operand."""
        port = self.twin(at)
        return ("" if port is None else f"{operand(port)} of ") + described(
            self.use(at), self.follower.turns
        )

    def twin(self, at: int) -> int | None:
        """Return which operand a use is, where the same operation uses the value several times."""
        edge = Edge(self.node.trace, self.edges[at])
        twins = [each for each in edge.dst.in_edges if each.src == edge.src]
        return edge.port if len(twins) > 1 else None

    @cached_property
    def added(self) -> np.ndarray[Any, Any] | None:
        """What each use would send back if upstream and local partial were added; None where one has no partial."""
        graph = self.node.trace.graph
        if self.count > _MANY_USES:
            return None
        in_bulk = self._added_numbers()
        if in_bulk is not None or self.count > _MANY_ARRAYS:
            return in_bulk
        sums = np.empty_like(self.terms)
        for at, number in enumerate(self.edges):
            edge = Edge(self.node.trace, number)
            local = edge.local if graph.kinds[graph.dst_of(number)] == FUNCTION else None
            if local is None:
                return None
            upstream = self.gradient(edge.dst)
            if np.shape(upstream) != np.shape(self.total):
                return None
            sums[at] = np.ravel(np.asarray(upstream) + local)
        return sums

    def _added_numbers(self) -> np.ndarray[Any, Any] | None:
        """Do it for uses by operations on numbers, all at once; None where one is another."""
        graph = self.node.trace.graph
        edges = np.array(self.edges, np.int64)
        slots = graph.slots[edges]
        if np.ndim(self.total) or (slots < 0).any() or (graph.kinds[graph.dst[edges]] != FUNCTION).any():
            return None
        sums = self.follower.upstream(graph.slot_consumer[slots], as_recorded=self.as_recorded)
        sums += self.node.trace.gradients.locals[slots]
        return None if np.isnan(sums).any() else sums[:, None]

    @cached_property
    def copies(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """By use: to how many elements each element was broadcast."""
        trace = self.node.trace
        size = max(1, int(np.size(self.total)))
        counts = np.ones(self.count)
        for at, number in enumerate(self.edges if trace.graph.targets else ()):
            slot = int(trace.graph.slots[number])
            if slot in trace.graph.targets and trace.graph.kinds[trace.graph.dst_of(number)] == SPLITTER:
                counts[at] = np.prod(trace.graph.targets[slot]) / size
        return counts

    @cached_property
    def largest(self) -> float:
        """The size of the largest number that a use sent back."""
        if not self.terms.size or np.iscomplexobj(self.terms):
            return float(np.abs(self.terms).max(initial=0))
        return float(max(self.terms.max(), -self.terms.min()))

    @cached_property
    def scale(self) -> float:
        """The size of the largest number that was added to make the gradient: of a use, or of a copy."""
        largest = self.largest
        if self.count > _MANY_ARRAYS or not (self.copies > 1).any():
            return largest
        trace = self.node.trace
        for at in np.flatnonzero(self.copies > 1).tolist():
            copies = Edge(trace, self.edges[at]).dst.out_edges[0].grad
            largest = max(largest, float(np.abs(np.asarray(copies)).max(initial=0)))
        return largest

    @cached_property
    def sent_to_copies(self) -> np.ndarray[Any, Any] | None:
        """What came back to each copy along axes that the value has not, as samples have a bias; of one use alone."""
        if self.count != 1 or (dst := Edge(self.node.trace, self.edges[0]).dst).kind != "splitter":
            return None
        copied = self.follower.edge(dst.out_edges[0].index, self.node, as_recorded=self.as_recorded)
        shape, size = np.shape(self.total), int(np.size(self.total))
        if (
            np.ndim(copied) <= len(shape)
            or copied.shape[np.ndim(copied) - len(shape) :] != shape
            or not size
        ):
            return None
        lines: np.ndarray[Any, Any] = copied.reshape(*copied.shape[: copied.ndim - len(shape)], size)
        return lines


_MANY_USES = 10_000  # beyond it, nobody multiplies by hand
_MANY_ARRAYS = 500  # which are looked at one by one


class Followed:
    """The gradients of a trace, and what becomes of them where other ones are put in for some nodes.

    Going back is linear: what is put in for a node, less what was there, is a seed of its own.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self._changes: list[tuple[str, int, Gradients]] = []

    @cached_property
    def turns(self) -> Turns:
        """In which turns of its loops the program did what it did."""
        return Turns(self.trace)

    @property
    def is_changed(self) -> bool:
        """Whether anything was put in."""
        return bool(self._changes)

    def put(self, name: str, node: Node, claimed: Any) -> None:
        """Put a gradient in for that of a node."""
        row, value = node.row, node.trace.recording.values[node.row] if node.row >= 0 else None
        if row < 0 or len(self._changes) >= _MOST:
            return
        difference = np.asarray(claimed) - np.asarray(self.node(node))
        if not np.isfinite(difference).all() or node.name in self.trace.input_rows.values():
            return
        if isinstance(value, np.ndarray):
            seed: Any = np.asarray(difference.reshape(value.shape), value.dtype)
        else:
            seed = complex(difference) if np.iscomplexobj(difference) else float(difference)
        self._changes.append((name, row, backward(self.trace.graph, row, seed)))

    def node(self, node: Node) -> Any:
        """Return the gradient of a node."""
        return self._sum(node.grad, [self._change(gradients, node) for gradients in self.before(node)])

    def taken(self, node: Node) -> Any:
        """Return the gradient that a node's operands get theirs of: what was put in for the node itself counts."""
        own = [gradients for _, row, gradients in self._changes if row == node.row]
        return self._sum(self.node(node), [self._change(gradients, node) for gradients in own])

    def upstream(self, rows: np.ndarray[Any, Any], *, as_recorded: bool) -> np.ndarray[Any, Any]:
        """Return the gradients of many numbers; NaN where one is of an array."""
        found: np.ndarray[Any, Any] = self.trace.gradients.numbers[rows]
        for _, row, gradients in [] if as_recorded else self._changes:
            found += np.where((row >= rows) & gradients.reached[rows], gradients.numbers[rows], 0.0)
        return found

    def edge(self, number: int, node: Node, *, as_recorded: bool) -> Any:
        """Return the gradient of an edge, of a copy of what a node gives."""
        changes = [] if as_recorded else self.before(node)
        given = np.asarray(Edge(self.trace, number).grad)
        return np.asarray(self._sum(given, [self._edge_change(each, number) for each in changes]))

    def names(self, node: Node) -> list[str]:
        """Return the names of what was put in and changes the gradient of a node, the last first."""
        return [
            name
            for name, row, gradients in reversed(self._changes)
            if row > node.row and np.any(self._change(gradients, node))
        ]

    def terms(self, node: Node, *, as_recorded: bool = False) -> Terms:
        """Return the terms of a node: with what was put in, or as they are in the trace."""
        trace = self.trace
        uses = np.array(uses_of(trace, node.row) if node.row >= 0 else [], np.int64)[::-1]
        edges = uses[trace.steps[uses] >= 0].tolist()  # those that the output depends on
        total = node.grad if as_recorded else self.node(node)
        changes = [] if as_recorded else self.before(node)
        is_number = not np.ndim(total) and not np.iscomplexobj(total)
        if is_number:
            terms = self._floats[edges]
            for each in changes:
                terms = terms + self._numbers(each, edges)
            return Terms(node, total, edges, terms[:, None], self, as_recorded=as_recorded)
        found = np.zeros((len(edges), np.size(total)), np.result_type(np.asarray(total), np.float64))
        for at, number in enumerate(edges):
            found[at] = np.ravel(Edge(trace, number).grad)
            for each in changes:
                found[at] += np.ravel(self._edge_change(each, number))
        return Terms(node, total, edges, found, self, as_recorded=as_recorded)

    @cached_property
    def _floats(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        return self.trace.edge_gradients().floats

    def before(self, node: Node) -> list[Gradients]:
        """Return the changes that were put in for later values."""
        return [gradients for _, row, gradients in self._changes if row > node.row]

    def _change(self, gradients: Gradients, node: Node) -> Any:
        return gradients.row(node.row) if gradients.reached[node.row] else 0.0

    def _numbers(self, gradients: Gradients, edges: list[int]) -> np.ndarray[Any, Any]:
        """Return the change on many edges that carry numbers; few come from rules that are no products."""
        graph, chosen = self.trace.graph, np.asarray(edges, np.int64)
        slots = graph.slots[chosen]
        consumers = graph.slot_consumer[slots]
        found = gradients.numbers[consumers] * gradients.locals[slots]
        found[(slots < 0) | ~gradients.reached[consumers]] = 0.0
        rest = np.isnan(found)
        if graph.targets:
            rest |= np.fromiter(map(graph.targets.__contains__, slots.tolist()), np.bool_, len(slots))
        for at in np.flatnonzero(rest).tolist():
            found[at] = self._edge_change(gradients, edges[at])
        return found

    def _edge_change(self, gradients: Gradients, edge: int) -> Any:
        graph = self.trace.graph
        node, slot = graph.dst_of(edge), int(graph.slots[edge])
        if slot < 0 or graph.kinds[node] == OUTPUT:
            return 0.0
        if not gradients.reached[graph.slot_consumer[slot]]:
            return 0.0
        found = gradients.narrow(slot) if graph.kinds[node] == SPLITTER else gradients.slot(slot)
        return found.dense() if isinstance(found, Compressed) else found

    @staticmethod
    def _sum(start: Any, changes: list[Any]) -> Any:
        for each in changes:
            start = start + each
        return start


def described(node: Node, turns: Turns | None, name: str = "") -> str:
    """Say which operation of which line a node is, and when it ran: `tanh at rnn.py:12 (t = 3)`.

    With the variable that it gives, `tanh at rnn.py:12 (g = …)`, where its line has others of its kind.
    """
    place = place_of(node.site)
    name = name or (node.label if node.kind in ("input", "output") else node.op)
    if not place:
        return clean(name)
    gives = f"{clean(node.name)} = …" if node.name and _is_one_of_several(node) else ""
    when = when_of(node, turns) if turns is not None else ""
    told = ", ".join(each for each in (gives, when) if each)
    return f"{clean(name)} at {place}" + (f" ({told})" if told else "")


def _is_one_of_several(node: Node) -> bool:
    """Tell whether a line has another operation of the same kind."""
    if node.row < 0 or node.kind != "function":
        return False
    trace = node.trace
    sites, ops = trace.sites, trace.recording.ops
    here = place_of(node.site)
    places = np.unique(sites.row_places[ops == ops[node.row]]).tolist()
    return sum(place_of(sites.places[place].site) == here for place in places if place >= 0) > 1


def when_of(node: Node, turns: Turns) -> str:
    """Say when an operation ran that ran several times: in which turn of its loop, else which run of its line it is."""
    row = node.row
    if row < 0:
        return ""
    count = runs_beside(node)
    return turns.text_of(row) or f"run {turns.run_of(row):,} of {count:,}, from 0" if count > 1 else ""


def runs_beside(node: Node) -> int:
    """Return how often the operation of a node was recorded at its place."""
    places, ops = node.trace.sites.row_places, node.trace.recording.ops
    return int(np.count_nonzero((places == places[node.row]) & (ops == ops[node.row])))


def place_of(site: Site | None) -> str:
    """Return file and line, empty where there is none."""
    return f"{PurePath(site.file).name}:{site.line}" if site is not None and site.line else ""
