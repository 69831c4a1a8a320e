"""The gradients of all edges of a trace, and their sizes, in columns. Read through `Trace`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tracer.graph import CUT, NO_SLOT, OUTPUT, SPLITTER
from tracer.partials import scalar_rows
from tracer.rooms import handed_out
from tracer.statistics import EdgeStatistics, Measurer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.gradients import Flags
    from tracer.graph import Graph
    from tracer.trace import Trace
    from tracer.views import Node

_MANY = 1024  # gradients that are measured together, and so may be there at the same time


class EdgeGradients:
    """The gradient of every edge: `floats` has the real numbers, NaN elsewhere; `others`, by edge, all the rest.

    An array that was not kept is computed when it is looked at, and not kept then either. None can be written to.
    """

    def __init__(self, floats: np.ndarray[Any, Any], others: _Arrays) -> None:
        self.floats = floats
        self.others = others

    def __len__(self) -> int:
        return len(self.floats)

    def __getitem__(self, edge: int) -> Any:
        return self.others[edge] if edge in self.others else float(self.floats[edge])


class _Arrays(Mapping[int, Any]):
    """The gradients that are arrays, by edge; some are `Compressed`."""

    def __init__(self, trace: Trace, is_array: np.ndarray[Any, Any]) -> None:
        self._trace = trace
        self._is_array = is_array
        self._count = int(np.count_nonzero(is_array))

    def __contains__(self, edge: object) -> bool:
        return isinstance(edge, int) and 0 <= edge < len(self._is_array) and bool(self._is_array[edge])

    def __getitem__(self, edge: int) -> Any:
        return handed_out(self.as_kept(edge))

    def as_kept(self, edge: int) -> Any:
        """Return a gradient that no user gets: edges share arrays, and many lie in one block."""
        if edge not in self:
            raise KeyError(edge)
        trace = self._trace
        graph, gradients = trace.graph, trace.gradients
        node, slot = graph.dst_of(edge), int(graph.slots[edge])
        kind = graph.kinds[node]
        if kind == OUTPUT:
            return trace.seed_value
        if kind != SPLITTER:
            return gradients.slot(slot)
        return gradients.row_as_kept(int(graph.rows[node])) if slot < 0 else gradients.narrow(slot)

    def __iter__(self) -> Iterator[int]:
        return iter(self._is_array.nonzero()[0].tolist())

    def __len__(self) -> int:
        return self._count


def edges_fired(trace: Trace) -> Flags:
    """Return, by edge, whether it fired in the backward pass; what is returned may be that of other traces, too."""
    graph, reached, output = trace.graph, trace.gradients.reached, trace.output
    fired: Flags = graph.outline.get(
        ("fired", output.index, reached.tobytes()), lambda: _fired(graph, reached, output)
    )
    return fired


def _fired(graph: Graph, reached: Flags, output: Node) -> Flags:
    # By node: whether the row was reached that it acts in, which is that of a broadcast's consumer.
    rows = graph.acting_rows() if graph.targets else graph.rows
    fires = reached.take(rows) if len(reached) else np.zeros(len(rows), np.bool_)
    fires[graph.kinds == CUT] = False
    fires[graph.first_output :] = False
    fired = fires.repeat(graph.first_in[1:] - graph.first_in[:-1])
    if output.row >= 0:
        fired[graph.first_in[output.index]] = True
    fired.setflags(write=False)
    return fired


class _Columns(NamedTuple):
    """Where the gradient of each edge is found, whatever it is."""

    passing: Flags  # splitters and outputs pass on what they get
    is_array: Flags
    broadcasts: Any  # edges that lead to one


def _columns_of(graph: Graph, fired: Flags) -> _Columns:
    is_array = np.zeros(len(fired), np.bool_)
    wide_rows = graph.wide_rows  # arrays, and complex numbers
    broadcasts = np.zeros(0, np.int64)
    if len(wide_rows):
        has_array = np.zeros(len(graph.recording) + 1, np.bool_)  # the last for outputs that have no row
        has_array[wide_rows] = True
        is_array = has_array[graph.rows.take(graph.src)]
        if graph.targets:
            is_target = np.zeros(len(graph.recording.operands), np.bool_)
            is_target[list(graph.targets)] = True
            edges = (is_target[graph.slots] & (graph.slots != NO_SLOT)).nonzero()[0]
            is_narrow = graph.kinds[graph.heads(edges)] == SPLITTER
            is_array[edges[~is_narrow]] = True
            broadcasts = edges[is_narrow]
        is_array &= fired
    is_array.setflags(write=False)
    return _Columns(graph.slots == NO_SLOT, is_array, broadcasts)


def edge_gradients(trace: Trace) -> EdgeGradients:
    """Return the gradient of every edge."""
    fired = trace.fired  # first, so that what it needs for a moment is gone again
    graph, gradients = trace.graph, trace.gradients
    columns = graph.outline.get(("columns", fired.tobytes()), lambda: _columns_of(graph, fired))
    is_array, broadcasts = columns.is_array, columns.broadcasts
    if not len(fired):
        return EdgeGradients(np.zeros(0), _Arrays(trace, is_array))
    column = gradients.numbers.take(graph.rows).repeat(graph.first_in[1:] - graph.first_in[:-1])
    partials = gradients.locals.take(graph.slots) if len(gradients.locals) else np.ones(len(column))
    partials[columns.passing] = 1.0
    with np.errstate(all="ignore"):
        column *= partials
    column[is_array] = np.nan
    column[~fired] = 0.0
    # Numbers that come from a rule that is no product; where a local partial is NaN, so is the product.
    partials[broadcasts] = 1.0
    rest = np.isnan(partials).nonzero()[0]
    rest = rest[fired[rest] & ~is_array[rest]]
    if len(rest):
        rest = rest[~scalar_rows(graph)[graph.slot_consumer[graph.slots[rest]]]]
    for edge, slot in zip(rest.tolist(), graph.slots[rest].tolist(), strict=True):
        column[edge] = gradients.slot(slot)
    # A number that was broadcast gets what all its copies got.
    narrow = broadcasts[fired[broadcasts] & ~is_array[broadcasts]]
    for edge, slot in zip(narrow.tolist(), graph.slots[narrow].tolist(), strict=True):
        column[edge] = gradients.narrow(slot)
    seeded = int(graph.first_in[trace.output.index]) if trace.output.row >= 0 else -1
    if seeded >= 0 and not is_array[seeded]:
        column[seeded] = trace.seed_value
    return EdgeGradients(column, _Arrays(trace, is_array))


def edge_statistics(trace: Trace) -> EdgeStatistics:
    """Return the statistics of every edge: of what was not kept those that were taken before it went."""
    gradients = trace.edge_gradients()
    measured = trace.gradients.measured
    edges = np.fromiter(gradients.others, np.int64, len(gradients.others))
    table = np.empty((len(edges), measured.table.shape[1]))
    is_measured = np.isin(edges, measured.edges)
    table[is_measured] = measured.table[np.searchsorted(measured.edges, edges[is_measured])]
    # Last edges first, as the backward pass goes: differences are followed from one to the next.
    missing = np.flatnonzero(~is_measured)[::-1]
    measurer = Measurer()
    for start in range(0, len(missing), _MANY):
        some = missing[start : start + _MANY]
        table[some] = measurer.table([gradients.others.as_kept(edge) for edge in edges[some].tolist()])
    return EdgeStatistics(gradients.floats, edges, table)
