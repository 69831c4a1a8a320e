"""Where two runs part: in columns, which values and gradients of matched rows differ, and which of them first.

A value is born different where no operand of its differs that is the same one in both runs: an input, a changed
constant, another operation before it. All other differences follow from those. Used by diff.py alone.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from tracer.diagnose.alignment import UNMATCHED, Alignment
from tracer.diagnose.comparison import (
    Change,
    Items,
    Tolerance,
    differing,
    rounding_of,
    sizes,
    special_rows,
    sums_slack,
    types_of,
)
from tracer.graph import FUNCTION

if TYPE_CHECKING:
    from tracer.edge_gradients import EdgeGradients
    from tracer.graph import Graph
    from tracer.trace import Trace

Column: TypeAlias = np.ndarray[Any, Any]

COPY = -1  # port of the edge into a splitter


class Slots(NamedTuple):
    """Operands of matched rows, side by side: the row of the first trace, the operand's port, and both slots."""

    rows: Column
    ports: Column
    a: Column
    b: Column


class Forward:
    """The values of matched rows, compared; `differs`, `born` and `rewired` by row of the first trace."""

    def __init__(self, a: Trace, b: Trace, alignment: Alignment, tolerance: Tolerance) -> None:
        self.a, self.b, self.alignment, self.tolerance = a, b, alignment, tolerance
        self.items = Items(tolerance)
        self.rows_a = np.flatnonzero(alignment.to_b != UNMATCHED)
        self.rows_b = alignment.to_b[self.rows_a]
        values_a, values_b = a.recording.values, b.recording.values
        self.types = np.zeros(len(a.recording), np.int8)
        types_a, types_b = types_of(values_a), types_of(values_b)
        self.types_a, self.types_b = types_a[self.rows_a], types_b[self.rows_b]  # by pair
        self.types[self.rows_a] = np.maximum(self.types_a, self.types_b)
        slack = np.maximum(
            sums_slack(a.recording, types_a)[self.rows_a], sums_slack(b.recording, types_b)[self.rows_b]
        )
        self.old, self.new = values_a.floats[self.rows_a], values_b.floats[self.rows_b]
        self.differs = np.zeros(len(a.recording), np.bool_)
        self.differs[self.rows_a] = differing(self.old, self.new, self.types[self.rows_a], slack, tolerance)
        self.changes: dict[int, Change] = {}
        special = np.union1d(special_rows(values_a), alignment.to_a[special_rows(values_b)])
        for row in special[special >= 0].tolist():
            other = int(alignment.to_b[row])
            if other == UNMATCHED:
                continue
            change = self.items.change(values_a.kept(row), values_b.kept(other))
            self.differs[row] = change is not None
            if change is not None:
                self.changes[row] = change
        self._follow()

    @cached_property
    def slots(self) -> Slots:
        """The operands that stand at the same port of matched rows."""
        starts_a, starts_b = self.a.recording.starts, self.b.recording.starts
        rows_a, rows_b = self.rows_a, self.rows_b
        degrees = np.minimum(
            starts_a[rows_a + 1] - starts_a[rows_a], starts_b[rows_b + 1] - starts_b[rows_b]
        )
        ports = np.arange(int(degrees.sum())) - np.repeat(np.cumsum(degrees) - degrees, degrees)
        return Slots(
            np.repeat(rows_a, degrees),
            ports,
            np.repeat(starts_a[rows_a], degrees) + ports,
            np.repeat(starts_b[rows_b], degrees) + ports,
        )

    def _follow(self) -> None:
        """Tell what is born different from what follows, and find the operands that come from elsewhere."""
        a, b, slots = self.a.recording, self.b.recording, self.slots
        old, new = a.operands[slots.a], b.operands[slots.b]
        is_constant = (old < 0) & (new < 0)
        self.is_same_use = (old >= 0) & (new >= 0) & (self.alignment.to_b[np.maximum(old, 0)] == new)
        # y * x for x * y: what the edge of x sends back is not to be compared with that of y.
        to_a, to_b = self.alignment.to_a, self.alignment.to_b
        is_new = (to_b[np.maximum(old, 0)] == UNMATCHED) & (to_a[np.maximum(new, 0)] == UNMATCHED)
        self.is_comparable = self.is_same_use | is_new
        constants = np.flatnonzero(is_constant)
        left = a.constants.floats[-1 - old[constants]]
        right = b.constants.floats[-1 - new[constants]]
        is_other = (left != right) & ~(np.isnan(left) & np.isnan(right))
        count = len(a)
        follows = np.zeros(count, np.bool_)
        follows[slots.rows[self.is_same_use & self.differs[np.maximum(old, 0)]]] = True
        changed = np.zeros(count, np.bool_)
        changed[slots.rows[constants[is_other]]] = True
        changed[slots.rows[~self.is_same_use & ~is_constant]] = True
        changed[self.rows_a] |= np.diff(a.starts)[self.rows_a] != np.diff(b.starts)[self.rows_b]
        self.born = self.differs & (~follows | changed)

    @property
    def first(self) -> int | None:
        """The first row that differs, which no earlier one explains."""
        rows = np.flatnonzero(self.born)
        return int(rows[0]) if len(rows) else None

    @cached_property
    def sizes(self) -> Column:
        """By row: how large the difference is."""
        column = np.zeros(len(self.a.recording))
        column[self.rows_a] = sizes(self.old, self.new)
        for row, change in self.changes.items():
            column[row] = change.size
        return column

    def change(self, row: int) -> Change:
        """Return what became of the value of a row."""
        if row in self.changes:
            return self.changes[row]
        values = self.a.recording.values[row], self.b.recording.values[int(self.alignment.to_b[row])]
        return Change(*values, float(sizes(*(np.array([float(each)]) for each in values))[0]))


class Backward:
    """The gradients of matched edges and rows, compared; edges are side by side, in no special order."""

    def __init__(self, forward: Forward) -> None:
        self.forward = forward
        a, b = forward.a, forward.b
        self.gradients_a, self.gradients_b = a.edge_gradients(), b.edge_gradients()
        slots = forward.slots
        of_slot_a, of_slot_b = _edges_of_slots(a.graph), _edges_of_slots(b.graph)
        edges_a, edges_b = of_slot_a[slots.a], of_slot_b[slots.b]
        both = np.flatnonzero((edges_a >= 0) & (edges_b >= 0) & forward.is_comparable)
        self._copies_a = _copy_edges(a.graph)
        copies_a = self._copies_a[forward.rows_a]
        copies_b = _copy_edges(b.graph)[forward.rows_b]
        copied = np.flatnonzero((copies_a >= 0) & (copies_b >= 0))
        self.edges_a = np.concatenate([edges_a[both], copies_a[copied]])
        self.edges_b = np.concatenate([edges_b[both], copies_b[copied]])
        self.rows = np.concatenate([slots.rows[both], forward.rows_a[copied]])
        self.ports = np.concatenate([slots.ports[both], np.full(len(copied), COPY)])
        self.old, self.new = self.gradients_a.floats[self.edges_a], self.gradients_b.floats[self.edges_b]
        self._slack = np.zeros(len(a.recording))
        self._slack[forward.rows_a] = np.maximum(
            _rounding(a, of_slot_a, self.gradients_a, forward.types)[forward.rows_a],
            _rounding(b, of_slot_b, self.gradients_b, _on_b(forward))[forward.rows_b],
        )
        self._compare_edges(slots.a[both])
        self._compare_rows()

    def _compare_edges(self, slots: Column) -> None:
        forward = self.forward
        slack = self._slack[self.rows]
        partials = forward.a.gradients.locals[slots]
        with np.errstate(all="ignore"):
            slack[: len(slots)] *= np.abs(np.where(np.isfinite(partials), partials, 1.0))
        self.differs = differing(self.old, self.new, forward.types[self.rows], slack, forward.tolerance)
        self.changes: dict[int, Change] = {}  # by position
        is_special = _has(self.gradients_a, self.edges_a) | _has(self.gradients_b, self.edges_b)
        special = np.flatnonzero(is_special)
        # As they fired: what is kept as a difference is followed from one to the next.
        for position in special[np.argsort(-self.edges_a[special])].tolist():
            change = self._item(int(self.edges_a[position]), int(self.edges_b[position]))
            self.differs[position] = change is not None
            if change is not None:
                self.changes[position] = change

    def _item(self, edge_a: int, edge_b: int) -> Change | None:
        """Compare what two edges carry back, of arrays that were not kept by their statistics."""
        items = self.forward.items
        a, b = self.forward.a, self.forward.b
        if edge_a in self._measured[0] or edge_b in self._measured[1]:
            nodes = (trace.edges[edge].src for trace, edge in ((a, edge_a), (b, edge_b)))
            dtypes = [np.asarray(node.value).dtype for node in nodes]
            return items.by_statistics(a.edge_statistics[edge_a], b.edge_statistics[edge_b], dtypes)
        return items.change(self.gradients_a[edge_a], self.gradients_b[edge_b])

    @cached_property
    def _measured(self) -> tuple[frozenset[int], ...]:
        """The edges of each trace whose gradients were not kept."""
        traces = self.forward.a, self.forward.b
        return tuple(frozenset(trace.gradients.measured.edges.tolist()) for trace in traces)

    def _compare_rows(self) -> None:
        """Compare the whole gradients of rows."""
        forward = self.forward
        rows_a, rows_b = forward.rows_a, forward.rows_b
        a, b = forward.a.gradients, forward.b.gradients
        self.row_differs = np.zeros(len(forward.a.recording), np.bool_)
        types, slack = forward.types[rows_a], self._slack[rows_a]
        self.row_differs[rows_a] = differing(
            a.numbers[rows_a], b.numbers[rows_b], types, slack, forward.tolerance
        )
        self.row_changes: dict[int, Change] = {}
        to_a, to_b = forward.alignment.to_a, forward.alignment.to_b
        wide = np.union1d(
            forward.a.recording.values.wide_rows, to_a[forward.b.recording.values.wide_rows]
        ).astype(np.int64)
        for row in wide[wide >= 0][::-1].tolist():  # as above
            other = int(to_b[row])
            # What was not kept is seen at the edges, by its statistics.
            if other == UNMATCHED or not (a.is_at_hand(row) and b.is_at_hand(other)):
                continue
            change = forward.items.change(_row(forward.a, row), _row(forward.b, other))
            self.row_differs[row] = change is not None
            if change is not None:
                self.row_changes[row] = change

    @property
    def first(self) -> tuple[int | None, int | None]:
        """The position of the first edge that differs, or the row whose gradient differs before any edge does."""
        graph = self.forward.a.graph
        edges = np.flatnonzero(self.differs)
        rows = np.flatnonzero(self.row_differs)
        last_edge = int(edges[np.argmax(self.edges_a[edges])]) if len(edges) else None
        if not len(rows):
            return last_edge, None
        row = int(rows[-1])
        # The edges into a row and into its splitter fire when its gradient is complete.
        node = int(graph.node_of_row[row])
        has_splitter = self._copies_a[row] >= 0
        if last_edge is None or self.edges_a[last_edge] < graph.first_in[node + 1] + has_splitter:
            return None, row
        return last_edge, None

    @cached_property
    def sizes(self) -> Column:
        """By position: how large the difference is."""
        column = sizes(self.old, self.new)
        for position, change in self.changes.items():
            column[position] = change.size
        return column

    def change(self, position: int) -> Change:
        """Return what became of the gradient of an edge."""
        if position in self.changes:
            return self.changes[position]
        return Change(float(self.old[position]), float(self.new[position]), float(self.sizes[position]))

    def row_change(self, row: int) -> Change:
        """Return what became of the whole gradient of a row."""
        if row in self.row_changes:
            return self.row_changes[row]
        old = float(self.forward.a.gradients.numbers[row])
        new = float(self.forward.b.gradients.numbers[int(self.forward.alignment.to_b[row])])
        return Change(old, new, float(sizes(np.array([old]), np.array([new]))[0]))


def _row(trace: Trace, row: int) -> Any:
    """Return the gradient of a row as it is kept, zero where the output does not depend on it."""
    if trace.gradients.reached[row]:
        return trace.gradients.row_as_kept(row)
    return trace.nodes[int(trace.graph.node_of_row[row])].grad


def _on_b(forward: Forward) -> Column:
    """Return the types by row of the second trace."""
    types = np.zeros(len(forward.b.recording), np.int8)
    types[forward.rows_b] = forward.types[forward.rows_a]
    return types


def _edges_of_slots(graph: Graph) -> Column:
    """Return, by slot, the edge into the function node; -1 for constants and cuts."""
    edges = np.flatnonzero(graph.kinds[graph.dst] == FUNCTION)
    found = np.full(len(graph.recording.operands), -1, np.int64)
    found[graph.slots[edges]] = edges
    return found


def _copy_edges(graph: Graph) -> Column:
    """Return, by row, the edge into its splitter; -1 without one."""
    splitters = np.flatnonzero(graph.is_copy())
    found = np.full(len(graph.recording), -1, np.int64)
    found[graph.rows[splitters]] = graph.first_in[splitters]
    return found


def _has(gradients: EdgeGradients, edges: Column) -> Column:
    """Say which edges carry back what is no real number."""
    flags = np.zeros(len(gradients), np.bool_)
    flags[np.fromiter(gradients.others, np.int64, len(gradients.others))] = True
    found: Column = flags[edges]
    return found


def _rounding(trace: Trace, of_slot: Column, gradients: EdgeGradients, types: Column) -> Column:
    """Return, by row, what rounding may leave of the sum over its uses."""
    operands = trace.recording.operands
    slots = np.flatnonzero((operands >= 0) & (of_slot >= 0))
    terms = np.abs(gradients.floats[of_slot[slots]])
    terms[~np.isfinite(terms)] = 0.0
    return rounding_of(np.bincount(operands[slots], terms, len(trace.recording)), types)
