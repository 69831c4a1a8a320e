"""One rolled node per place and chain of calls, before any group is closed: what `viz.rollup` starts from.

Columns over the exact graph, each made in one pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tracer.graph import CUT, FUNCTION, INPUT, KINDS, OUTPUT, SPLITTER
from tracer.groups import Numbered, is_sparse
from tracer.operations import OP_NAMES, OP_NUMBERS
from tracer.sites import NO_PLACE
from viz.folding import ROOT, Calls, fold_paths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.graph import Graph
    from tracer.source import Place
    from tracer.trace import Trace
    from viz.text_order import Key

Ints: TypeAlias = np.ndarray[Any, np.dtype[Any]]

_BEFORE, _LATE = -1, 1 << 62  # what is done before a call's own places, and after them
_STACK = OP_NUMBERS["stack"]
_FURTHEST = 20_000  # rows among which it is looked up where a call goes on


def _fitting(bound: int) -> type[np.signedinteger[Any]]:
    """Return the smaller type that holds all keys up to a bound."""
    return np.int32 if bound < np.iinfo(np.int32).max else np.int64


def _by_depth(graph: Graph, ops: Ints, row_places: Ints) -> tuple[Ints, int]:
    """Tell the lists in a list from the one around them, which `np.array([[a, b]])` stacks at one place.

    Returns the operations, where an outer stack has a number of its own, and a bound of these.
    """
    operands, width, is_stack = graph.recording.operands, len(OP_NAMES), ops == _STACK
    if not is_stack.any():
        return ops, width
    stacked = np.flatnonzero(is_stack.take(graph.slot_consumer) & (operands >= 0))
    users, used = graph.slot_consumer[stacked], operands[stacked]
    is_nested = (ops[used] == _STACK) & (row_places[used] == row_places[users])
    users, used = users[is_nested], used[is_nested]
    while len(users):
        ops = ops.astype(np.int64)
        ops[users] = width
        width += 1
        is_deeper = ops[used] == width - 1
        users, used = users[is_deeper], used[is_deeper]
    return ops, width


class ByPlace:
    """One rolled node per place and chain of calls, before any group is closed: columns over these."""

    def __init__(self, trace: Trace, calls: Calls, keep: Ints | None) -> None:
        self.trace, self.calls, self.graph = trace, calls, trace.graph
        self._ways: dict[int, Key] = {ROOT: ()}
        self.patterns: dict[int, str] = {}  # by key of an input or output: what it is called
        kept = np.ones(0, np.bool_) if keep is None else np.asarray(keep, np.bool_)
        self.is_whole = bool(kept.all())
        keys, bound = self._node_keys()
        if not self.is_whole:
            keys[~kept] = bound
        numbered = Numbered(keys, bound)
        order = np.argsort(numbered.first)  # rolled nodes are in the order of their first runs
        self.first, self.keys = numbered.first[order], numbered.keys[order]
        self.of_node = numbered.by_row(np.argsort(order))
        self.group = self._groups()
        self._edges()

    def _row_keys(self) -> tuple[Ints, int]:
        """Give a key to each row, by operation, place, and folded chain of calls; to inputs by their path."""
        trace, recording, sites = self.trace, self.graph.recording, self.trace.sites
        place_of = _equal_places(sites.places)
        places, scopes = len(place_of), len(self.calls.groups)
        row_places = place_of.take(sites.row_places)
        ops, width = _by_depth(self.graph, recording.ops, row_places)
        if is_sparse(scopes * places * width, len(ops)):
            numbered = Numbered(ops, width)
            width = len(numbered.keys)
            ops = numbered.by_row(range(width))
        bound = scopes * places * width
        keys: Ints = row_places.astype(_fitting(bound), copy=False)
        if scopes > 1:
            keys += (self.calls.of_scope * places).astype(keys.dtype).take(sites.row_scopes)
        keys *= width
        keys += ops
        if is_sparse(bound, len(keys)):
            used, keys = np.unique(keys, return_inverse=True)
            bound = len(used)
        rows, names = list(trace.input_rows), list(trace.input_rows.values())
        patterns, pattern_of = fold_paths(names, self._unused(rows), self._shapes(rows))
        keys = keys.astype(np.int32, copy=False)
        keys[rows] = bound + np.asarray(pattern_of, np.int64)
        self.patterns.update({bound + at: pattern for at, pattern in enumerate(patterns)})
        return keys, bound + len(patterns)

    def _unused(self, rows: Sequence[int]) -> Sequence[bool]:
        """Say of inputs which of them nothing uses."""
        is_used = np.zeros(len(self.graph.recording), np.bool_)
        operands = self.graph.recording.operands
        is_used[operands[operands >= 0]] = True
        is_used[[output.row for output in self.graph.recording.outputs]] = True
        unused: Sequence[bool] = (~is_used[rows]).tolist()
        return unused

    def _shapes(self, rows: Sequence[int]) -> list[tuple[int, ...]]:
        """Return the shapes of rows' values."""
        values = self.graph.recording.values
        is_wide = np.isin(rows, self.graph.wide_rows).tolist()
        return [np.shape(values[row]) if wide else () for row, wide in zip(rows, is_wide, strict=True)]

    def _node_keys(self) -> tuple[Ints, int]:
        """Key the nodes: a splitter goes with the value that it copies, a broadcast with its operand's use."""
        graph, recording = self.graph, self.graph.recording
        of_row, bound = self._row_keys()
        self.row_bound = bound
        keys = of_row.take(graph.rows)  # the outputs' are written over
        is_splitter = graph.kinds == SPLITTER
        keys[is_splitter] += bound
        top = 2 * bound
        broadcasts = (graph.node_slots >= 0).nonzero()[0]
        if len(broadcasts):
            slots = graph.node_slots[broadcasts]
            consumers = graph.slot_consumer[slots]
            ports = slots - recording.starts[consumers]
            width = int(ports.max()) + 1
            sources = of_row[graph.rows[broadcasts]].astype(np.int64)
            wide = (sources * bound + of_row[consumers]) * width + ports
            used, numbers = np.unique(wide, return_inverse=True)
            keys[broadcasts] = top + numbers
            top += len(used)
        paths = [output.path for output in recording.outputs]
        rows = [output.row for output in recording.outputs]
        patterns, pattern_of = fold_paths(paths, shapes=self._shapes(rows))
        seeded = self._seeded()
        for at, pattern in enumerate(pattern_of):
            keys[graph.first_output + at] = top + pattern
        self.patterns.update({top + at: pattern for at, pattern in enumerate(patterns)})
        top += len(patterns)
        if seeded >= 0:  # the picture says where the backward pass begins
            keys[graph.first_output + seeded] = top
            self.patterns[top] = paths[seeded]
            top += 1
        return keys, top

    def _seeded(self) -> int:
        trace = self.trace
        if trace.error is not None and not trace.recording.outputs:
            return -1
        return trace.output.index - self.graph.first_output

    def _groups(self) -> list[int]:
        """Say in which folded call each rolled node is; inputs and outputs are in none."""
        graph, sites = self.graph, self.trace.sites
        kinds, rows = graph.kinds[self.first].tolist(), graph.rows[self.first].tolist()
        inputs = self.trace.input_rows
        slots = graph.node_slots[self.first].tolist()
        groups = []
        for kind, row, slot in zip(kinds, rows, slots, strict=True):
            where = int(graph.slot_consumer[slot]) if slot >= 0 else row
            is_outside = kind in (INPUT, OUTPUT) or (slot < 0 and row in inputs)
            groups.append(ROOT if is_outside else int(self.calls.of_scope[sites.row_scopes[where]]))
        return groups

    def _edges(self) -> None:
        """Give a number to each edge, by target, port and source."""
        graph, recording = self.graph, self.graph.recording
        count = max(len(self.first), 1)
        starts = recording.starts
        width = int((starts[1:] - starts[:-1]).max(initial=1))  # ports are below it
        bound = count * count * width
        dtype = _fitting(bound)
        sources = self.of_node.take(graph.src)
        # By node: the slot of its first operand, which is that of a broadcast, and none of a splitter or an output.
        has_operands = (graph.kinds == FUNCTION) | (graph.kinds == CUT)
        first_slot = np.where(has_operands, starts.take(graph.rows), graph.node_slots)
        degrees = graph.first_in[1:] - graph.first_in[:-1]
        # The port is what a slot is beyond the first one. What is too large for the type on the way comes back into it.
        of_target = self.of_node.astype(dtype) * (width * count) - first_slot.astype(dtype) * count
        keys: Ints = graph.slots.astype(dtype) * count
        keys += sources
        keys += of_target.repeat(degrees)
        if not self.is_whole:
            keys[(sources < 0) | (self.of_node.repeat(degrees) < 0)] = bound
        self.edges = Numbered(keys, bound)
        used = self.edges.keys
        self.edge_src = (used % count).tolist()
        self.edge_port = (used // count % width).tolist()
        self.edge_dst = (used // count // width).tolist()

    def text_key(self, node: int) -> Key:
        """Return what tells which of two nodes stands earlier in the text: their calls, then their places.

        What a call does comes before what its own instruction gives.
        """
        exact = int(self.first[node])
        kind, row, slot = (
            int(column[exact]) for column in (self.graph.kinds, self.graph.rows, self.graph.node_slots)
        )
        if kind == OUTPUT:
            return (_LATE, exact)
        if slot >= 0:
            return (*self._row_key(int(self.graph.slot_consumer[slot])), _LATE, exact)
        return (*self._row_key(row), _LATE + 1 + int(kind == SPLITTER), exact)

    def _row_key(self, row: int) -> Key:
        sites = self.trace.sites
        place, scope = int(sites.row_places[row]), int(sites.row_scopes[row])
        if place == NO_PLACE:
            return (place,)
        way = self.way(int(self.calls.of_scope[scope]))
        return (*way, *self._around(place, scope, row), place)

    def way(self, group: int) -> Key:
        """Return the places of the calls that lead to a folded call, from the outermost inwards."""
        if group not in self._ways:
            call, sites = self.calls.groups[group], self.trace.sites
            parent = sites.scopes[call.first].parent
            row = (
                int(np.argmax(sites.row_scopes == call.first))
                if self._is_foreign(call.place, parent)
                else 0
            )
            around = self._around(call.place, parent, row)
            self._ways[group] = (*self.way(call.parent), *around, call.place)
        return self._ways[group]

    def _is_foreign(self, place: int, scope: int) -> bool:
        """Tell whether a place is not in the code of a call, but in that of a generator that runs within it."""
        sites = self.trace.sites
        return place != NO_PLACE and bool(sites.places[place].site.function != sites.scopes[scope].name)

    def _around(self, place: int, scope: int, row: int) -> Key:
        """Return where a call goes on after a row of a generator that runs within it: the text has it just before."""
        if not self._is_foreign(place, scope):
            return ()
        rows = slice(row + 1, row + 1 + _FURTHEST)
        sites = self.trace.sites
        seen = set()  # a generator's own places come again and again
        for ahead in zip(sites.row_scopes[rows].tolist(), sites.row_places[rows].tolist(), strict=True):
            if ahead not in seen:
                seen.add(ahead)
                place_here = self._place_in(scope, *ahead)
                if place_here != NO_PLACE and not self._is_foreign(place_here, scope):
                    return (place_here, _BEFORE)
        return (_LATE, _BEFORE)

    def _place_in(self, scope: int, inner: int, place: int) -> int:
        """Return where in a call something is that was made in it, or in a call within it; NO_PLACE for neither."""
        scopes = self.trace.sites.scopes
        while inner != scope:
            if scopes[inner].depth <= scopes[scope].depth:
                return NO_PLACE
            place, inner = scopes[inner].place, scopes[inner].parent
        return place

    def kind(self, node: int) -> str:
        """Name the kind of a rolled node."""
        return KINDS[self.graph.kinds[self.first[node]]]


def _equal_places(places: Sequence[Place]) -> Ints:
    """Return, by place, the first that is equal; at the end for rows without one.

    A compiler writes some parts of a program twice: the condition of a `while`, what stands in a `finally`.
    """
    known: dict[Place, int] = {}
    numbers = [
        known.setdefault(place, at) if place.site.column >= 0 else at for at, place in enumerate(places)
    ]
    return np.array([*numbers, len(numbers)], np.int32)
