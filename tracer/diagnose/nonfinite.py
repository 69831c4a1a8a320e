"""Where NaN and infinity are born, forward and backward, and what they spoil. Which words say so: nonfinite_words.py.

Forward, a value that is not finite is born by the operation whose operands are finite; NaN that came of infinities is
theirs, but where they are meant: a constant or an argument, as in a mask of -inf. So is what came of a 0 that an
infinity left: swallowed_infinities.py. Backward, a gradient is born on the
edge whose upstream is finite. Where the operation met a value that was born before, it is that one's doing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.finding import Finding
from tracer.diagnose.magnitude import not_finite
from tracer.diagnose.nonfinite_words import Spoiled, advice_for, of_edge, of_input, of_value
from tracer.diagnose.spread import NOTHING, Column, closure, first_of, has_gradients, is_function, roots_of
from tracer.diagnose.swallowed_infinities import origin_of_zero
from tracer.graph import FUNCTION, INPUT, SPLITTER

if TYPE_CHECKING:
    from collections.abc import Hashable

    from tracer.trace import Trace


_MEND_FIRST = "mend the other cause first, then look again"


@dataclass(slots=True)
class _Spread:
    """The roots of what is not finite, by row or by edge; NOTHING where it is finite."""

    roots: Column
    is_nan: Column
    is_meant: Column  # by row: an infinity that the program wrote down
    above: Column  # of each link by which it went on, the two ends
    below: Column

    def part_in(self, items: Column) -> Column:
        """Return which roots have a part in some items."""
        flags = np.zeros(len(self.roots), np.bool_)
        own = self.roots[items]
        flags[own[own != NOTHING]] = True
        return np.flatnonzero(closure(flags, self.roots[self.above], self.roots[self.below]))


@dataclass(slots=True)
class _Cause:
    """What is born at one place."""

    rows: list[int] = field(default_factory=list)
    edges: list[int] = field(default_factory=list)
    bad_rows: list[int] = field(default_factory=list)  # the same, of those that do harm
    bad_edges: list[int] = field(default_factory=list)
    born: list[int] = field(default_factory=list)  # all edges whose gradient is not finite by it
    spoiled: int = 0


def find(trace: Trace) -> list[Finding]:
    """Find where NaN and infinity are born; where the result is spoiled, its gradients are by the same cause."""
    values = values_spread(trace)
    gradients = _gradients_spread(trace) if has_gradients(trace) else None
    causes: dict[Hashable, _Cause] = defaultdict(_Cause)
    _add_values(trace, values, causes)
    if gradients is not None:
        is_told = any(cause.bad_rows for cause in causes.values())
        born: dict[Hashable, _Cause] = defaultdict(_Cause) if is_told else causes
        _add_gradients(trace, values, gradients, born)
        if is_told:  # what is left to say of the gradients: that a value does harm which reaches no output
            for place in born.keys() & causes.keys():
                causes[place].born = born[place].bad_edges + born[place].edges
                if not causes[place].bad_rows:
                    causes[place].bad_edges = born[place].bad_edges
    return [
        finding
        for cause in causes.values()
        if (finding := _finding(trace, values, gradients, cause)) is not None
    ]


def values_spread(trace: Trace) -> _Spread:
    """Follow the values that are not finite, row by row."""
    recording, consumer = trace.recording, trace.graph.slot_consumer
    count, operands = len(recording), recording.operands
    bad = not_finite(recording.values)
    roots = np.full(count, NOTHING, np.int64)
    is_nan = np.isnan(recording.values.floats) & bad
    for row in np.flatnonzero(bad & is_nan).tolist() if recording.values.others else ():
        if row in recording.values.others:
            is_nan[row] = bool(np.isnan(recording.values[row]).any())
    slots = np.flatnonzero(operands >= 0)
    slots = slots[bad[operands[slots]] & bad[consumer[slots]]]
    links = (consumer[slots], operands[slots])
    parent = np.arange(count)
    is_meant = np.zeros(count, np.bool_)
    rows = np.flatnonzero(bad)
    if len(rows):
        _set_first(parent, *(end[~is_nan[links[0]]] for end in links))
        parent = roots_of(parent)
        is_meant = bad & (_has_bad_constant(trace) | (trace.graph.kinds[trace.graph.node_of_row] == INPUT))
        is_meant = (is_meant & ~is_nan & (parent == np.arange(count)))[parent] & bad & ~is_nan
        # Of what a NaN came of, another NaN comes first; an infinity that is meant is no cause.
        to_nan = is_nan[links[0]] & (is_nan[links[1]] | ~is_meant[links[1]])
        links = tuple(end[~is_nan[links[0]] | to_nan] for end in links)
        to_nan = is_nan[links[0]]
        order = np.argsort(~is_nan[links[1]][to_nan], kind="stable")
        _set_first(parent, *(end[to_nan][order] for end in links))
        roots[rows] = roots_of(parent)[rows]
        _lead_back(trace, parent, roots, is_meant)
    return _Spread(roots, is_nan, is_meant, *links)


def _lead_back(trace: Trace, parent: Column, roots: Column, is_meant: Column) -> None:
    """Give what is born of a 0 that an infinity left the root of that infinity."""
    born = np.unique(roots[roots != NOTHING])
    born = born[~is_meant[born]]
    for row in born[1:].tolist():  # the first has none before it
        origin = origin_of_zero(trace, row, roots, is_meant)
        if origin != NOTHING:
            parent[row] = origin
    roots[roots != NOTHING] = roots_of(parent)[roots != NOTHING]


def _set_first(parent: Column, items: Column, parents: Column) -> None:
    first = first_of(len(parent), items, parents)
    has_one = first != NOTHING
    parent[has_one] = first[has_one]


def _has_bad_constant(trace: Trace) -> Column:
    recording = trace.recording
    found = np.zeros(len(recording), np.bool_)
    bad = not_finite(recording.constants)
    if bad.any():
        slots = np.flatnonzero(recording.operands < 0)
        slots = slots[bad[-1 - recording.operands[slots]]]
        found[trace.graph.slot_consumer[slots]] = True
    return found


def _gradients_spread(trace: Trace) -> _Spread | None:
    """Follow the gradients that are not finite, edge by edge; None where all are finite."""
    graph, statistics = trace.graph, trace.edge_statistics
    bad = statistics.not_finite > 0
    if not bad.any():
        return None
    edges = np.flatnonzero(bad)
    is_nan = bad & np.isnan(statistics.min)
    dst = graph.dst
    # The gradient that arrived at a node: of several that did at a splitter, one that is NaN comes first.
    order = edges[np.argsort(~is_nan[edges], kind="stable")]
    arrived = first_of(len(graph.kinds), graph.src[order], order)
    parent = np.arange(len(bad))
    above = arrived[dst[edges]]
    parent[edges[above != NOTHING]] = above[above != NOTHING]
    roots = np.full(len(bad), NOTHING, np.int64)
    roots[edges] = roots_of(parent)[edges]
    # Into a node by its first edge: where that is spoiled, all that arrived at the node has a part in it.
    into = graph.first_in[graph.src[edges]]
    is_link = graph.kinds[graph.src[edges]] == SPLITTER
    into, outof = into[is_link], edges[is_link]
    is_link = bad[into]
    return _Spread(roots, is_nan, np.zeros(0, np.bool_), into[is_link], outof[is_link])


def _place_of(trace: Trace, row: int) -> Hashable:
    """Return what tells causes apart: the place in the source, or an input."""
    place = int(trace.sites.row_places[row])
    return place if place >= 0 else (row,)


def _add_values(trace: Trace, values: _Spread, causes: dict[Hashable, _Cause]) -> None:
    """Gather the values that are born not finite, by place; those that are meant count where they do harm."""
    recording = trace.recording
    spoiled_rows = np.flatnonzero(values.roots != NOTHING)
    if not len(spoiled_rows):
        return
    outputs = recording.outputs if not has_gradients(trace) else [_seeded(trace)]
    ends = np.array([output.row for output in outputs if output.row >= 0], np.int64)
    if trace.error is not None and len(recording):
        ends = np.append(ends, len(recording) - 1)  # what the run was at when it failed
    harmful = set(values.part_in(ends).tolist())
    uses = np.bincount(trace.graph.rows[trace.graph.src], minlength=len(recording))
    counts = np.bincount(values.roots[spoiled_rows], uses[spoiled_rows], minlength=len(recording))
    for row in np.unique(values.roots[spoiled_rows]).tolist():
        if values.is_meant[row] and row not in harmful:
            continue
        cause = causes[_place_of(trace, row)]
        (cause.bad_rows if row in harmful else cause.rows).append(row)
        cause.spoiled += int(counts[row])


def _seeded(trace: Trace) -> Any:
    return trace.recording.outputs[trace.output.index - trace.graph.first_output]


def _add_gradients(
    trace: Trace, values: _Spread, gradients: _Spread, causes: dict[Hashable, _Cause]
) -> None:
    """Gather the gradients that are born not finite, each at the place that is to blame."""
    graph, recording = trace.graph, trace.recording
    edges = np.flatnonzero(gradients.roots != NOTHING)
    at_inputs = edges[graph.kinds[graph.src[edges]] == INPUT]
    harmful = set(gradients.part_in(at_inputs).tolist())
    counts = np.bincount(gradients.roots[edges])
    of_functions = is_function(graph)
    dst = graph.dst
    born = np.flatnonzero(counts)
    rows = np.where(of_functions[born], graph.rows[dst[born]], graph.rows[graph.src[born]])
    may_be_blamed = of_functions[born] & bool((values.roots != NOTHING).any())
    columns = (born, rows, may_be_blamed, counts[born])
    for edge, row, is_checked, count in zip(*(column.tolist() for column in columns), strict=True):
        blamed = row
        if is_checked:
            operands = recording.operands[recording.starts[row] : recording.starts[row + 1]].tolist()
            for each in (row, *operands):
                if each >= 0 and values.roots[each] != NOTHING and not values.is_meant[each]:
                    blamed = int(values.roots[each])
                    break
            else:
                origin = origin_of_zero(trace, row, values.roots, values.is_meant)
                blamed = origin if origin != NOTHING else row
        cause = causes[_place_of(trace, blamed)]
        (cause.bad_edges if edge in harmful else cause.edges).append(edge)
        cause.spoiled += count


def _finding(trace: Trace, values: _Spread, gradients: _Spread | None, cause: _Cause) -> Finding | None:
    """Tell one cause by what does most harm: a value that reaches the output, then a gradient that reaches an input."""
    graph = trace.graph
    is_harmful = bool(cause.bad_rows or cause.bad_edges)
    rows = cause.bad_rows or ([] if cause.bad_edges else cause.rows)
    edges = cause.bad_edges or cause.edges
    runs = len(cause.bad_rows or cause.bad_edges or cause.rows or cause.edges)
    is_beside = not is_harmful and _is_any_input_spoiled(trace, gradients)
    if rows:
        row = rows[0]
        node = trace.nodes[int(graph.node_of_row[row])]
        spoiled = Spoiled(
            cause.spoiled,
            runs,
            _spoiled_inputs(trace, gradients, cause.born),
            is_value=True,
            is_in_result=bool(cause.bad_rows),
            is_beside_another=is_beside,
        )
        said = (
            of_input(node, spoiled)
            if node.kind == "input"
            else of_value(node, _first_nan(trace, values, row), spoiled)
        )
    else:
        edge = trace.edges[edges[0]]
        spoiled = Spoiled(
            cause.spoiled,
            runs,
            _spoiled_inputs(trace, gradients, edges) if cause.bad_edges else (),
            is_value=False,
        )
        origin = cause.rows[0] if cause.rows else -1
        blamed = trace.nodes[int(graph.node_of_row[origin])] if origin >= 0 else None
        node = blamed or (edge.dst if graph.kinds[edge.dst.index] == FUNCTION else edge.src)
        said = of_edge(edge, spoiled, blamed, _first_nan_edge(trace, gradients, edges[0]))
    return Finding(
        kind="nonfinite",
        severity="error" if is_harmful else "note",
        site=node.site,
        message=said.message,
        advice=advice_for(node, said)
        if is_harmful
        else _MEND_FIRST
        if is_beside
        else "nothing has to be done about it",
        node=node,
        edges=tuple(trace.edges[each] for each in edges[:4]),
        numbers=said.numbers | {"spoiled": cause.spoiled, "runs": runs},
    )


def _first_nan(trace: Trace, values: _Spread, row: int) -> Any:
    """Return the node at which an infinity became NaN, or came again of its 0; None where it did not."""
    if values.is_nan[row]:
        return None
    of_it = values.roots == row
    spoiled = np.flatnonzero(of_it & values.is_nan)
    if not len(spoiled):
        again = of_it.copy()
        again[row] = False
        again[values.above] = False
        spoiled = np.flatnonzero(again)
    return trace.nodes[int(trace.graph.node_of_row[spoiled[0]])] if len(spoiled) else None


def _first_nan_edge(trace: Trace, gradients: _Spread | None, edge: int) -> Any:
    """Return the edge at which an infinite gradient became NaN, going back; None where it did not."""
    if gradients is None or gradients.is_nan[edge]:
        return None
    spoiled = np.flatnonzero((gradients.roots == edge) & gradients.is_nan)
    return trace.edges[int(spoiled[np.argmin(trace.steps[spoiled])])] if len(spoiled) else None


def _is_any_input_spoiled(trace: Trace, gradients: _Spread | None) -> bool:
    if gradients is None:
        return False
    graph = trace.graph
    return bool((graph.kinds[graph.src[gradients.roots != NOTHING]] == INPUT).any())


def _spoiled_inputs(trace: Trace, gradients: _Spread | None, born: list[int]) -> tuple[str, ...]:
    """Name the inputs whose gradient is not finite by what is born at some edges."""
    if gradients is None or not born:
        return ()
    flags = np.zeros(len(gradients.roots), np.bool_)
    flags[born] = True
    flags = closure(flags, gradients.roots[gradients.below], gradients.roots[gradients.above])
    nodes = [int(trace.graph.node_of_row[row]) for row in trace.input_rows]
    outlet = first_of(len(trace.graph.kinds), trace.graph.src, np.arange(len(trace.graph.src)))
    names = []
    for node in nodes:
        edge = outlet[node]
        if edge != NOTHING and gradients.roots[edge] != NOTHING and flags[gradients.roots[edge]]:
            names.append(trace.nodes[node].label)
    return tuple(names)
