"""Trace -> the edges that `edgegrad edges` shows: chosen and sorted in columns, and put into words one by one."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.explain import one_line
from tracer.diagnose.magnitude import largest_first, magnitudes
from tracer.errors import UsageError
from tracer.graph import CUT, FUNCTION, KINDS, NO_SLOT, OUTPUT, SPLITTER
from tracer.numbers_text import clean
from tracer.operations import OP_NAMES
from tracer.sites import NO_PLACE
from viz.running import why_no_gradient

if TYPE_CHECKING:
    from tracer.trace import Trace
    from tracer.views import Edge, Node

    Mask = np.ndarray[Any, np.dtype[np.bool_]]
    Column = np.ndarray[Any, Any]


class Order(StrEnum):
    """What edges are sorted by."""

    STEP = "step"
    GRAD = "grad"
    VALUE = "value"
    LINE = "line"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which edges to show: those that fit everything that is given."""

    name: str | None = None
    line: int | None = None
    op: str | None = None
    least: float | None = None  # the size of the gradient
    order: Order = Order.STEP
    top: int = 20


@dataclass(frozen=True, slots=True)
class EdgeLine:
    """One edge in words."""

    step: int | None
    source: str
    target: str
    op: str
    port: int
    value: Any
    upstream: Any
    local: Any
    formula: str | None
    grad: Any
    variable: str
    code: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class EdgeTable:
    """The edges that were chosen, of how many."""

    lines: tuple[EdgeLine, ...]
    chosen: int
    edges: int
    has_gradients: bool
    no_gradient: str  # why there are none; empty where there are


def edge_table(trace: Trace, choice: Choice) -> EdgeTable:
    """Choose and sort edges; a run that failed has edges without gradients.

    Raises LookupNameError for an unknown variable, UsageError for an operation that the trace does not hold.
    """
    reason = why_no_gradient(trace)
    sizes: Column | None = trace.edge_statistics.norm if reason is None else None
    chosen = np.flatnonzero(_chosen(trace, sizes, choice))
    order = np.argsort(_key(trace, sizes, choice.order)[chosen], kind="stable")
    lines = tuple(
        edge_line(trace.edges[index], has_gradients=sizes is not None)
        for index in chosen[order[: choice.top]].tolist()
    )
    no_gradient = "" if reason is None else reason.message
    return EdgeTable(lines, len(chosen), len(trace.edges), sizes is not None, no_gradient)


def _chosen(trace: Trace, sizes: Column | None, choice: Choice) -> Mask:
    mask = np.ones(len(trace.edges), np.bool_)
    if choice.name is not None:
        mask &= _carries(trace, choice.name)
    if choice.line is not None:
        mask &= _lines(trace) == choice.line
    if choice.op is not None:
        mask &= _leads_to(trace, choice.op)
    if choice.least is not None and sizes is not None:
        mask &= (sizes >= choice.least) | np.isnan(sizes)
    return mask


def _carries(trace: Trace, name: str) -> Mask:
    """Choose the edges that carry an input (or part of one), or any value of a variable."""
    wanted = name.replace('"', "'")
    parts = (f"{wanted}[", f"{wanted}.")
    inputs = [row for row, path in trace.input_rows.items() if path == wanted or path.startswith(parts)]
    rows = np.append(trace.sites.rows_named(wanted), np.array(inputs, np.int64))
    if not len(rows):
        # One assignment, h[3]; or a name that isn't there, and the lookup says so.
        rows = np.array([trace[name].row])
    is_wanted = np.zeros(len(trace.recording) + 1, np.bool_)  # the last for outputs that have no row
    is_wanted[rows] = True
    chosen: Mask = is_wanted[trace.graph.rows[trace.graph.src]]
    return chosen


def _lines(trace: Trace) -> Column:
    """Return, by edge, the line of the operation that uses it; 0 where there is none."""
    graph, sites = trace.graph, trace.sites
    line_of_place = np.array([*(place.site.line for place in sites.places), 0], np.int64)
    lines = line_of_place[np.where(sites.row_places == NO_PLACE, len(sites.places), sites.row_places)]
    column = lines[graph.rows[graph.dst]]
    kinds = graph.kinds[graph.dst]
    column[(kinds != FUNCTION) & (kinds != CUT)] = 0
    return column


def _leads_to(trace: Trace, op: str) -> Mask:
    graph = trace.graph
    kinds = graph.kinds[graph.dst]
    is_broadcast = graph.node_slots[graph.dst] != NO_SLOT
    special: dict[str, Mask] = {
        "copy": (kinds == SPLITTER) & ~is_broadcast,
        "broadcast": (kinds == SPLITTER) & is_broadcast,
        "output": kinds == OUTPUT,
        "cut": kinds == CUT,
    }
    ops = graph.ops[graph.dst]
    functions: Mask = (kinds == FUNCTION) & np.isin(
        ops, [number for number, name in enumerate(OP_NAMES) if name == op]
    )
    if functions.any():
        return functions
    if op in special:
        return special[op]
    present = [OP_NAMES[number] for number in np.unique(ops[kinds == FUNCTION]).tolist()]
    close = difflib.get_close_matches(op, present, n=1, cutoff=0.5)
    raise UsageError(
        f"the trace of {trace.function} has no operation {op}",
        advice=f"did you mean {close[0]}?" if close else f"it has {', '.join(present) or 'none'}",
    )


def _key(trace: Trace, sizes: Column | None, order: Order) -> Column:
    """Return what the edges are sorted by, ascending."""
    if order is Order.LINE:
        lines = _lines(trace)
        return np.where(lines == 0, np.iinfo(np.int64).max, lines)
    if order is Order.VALUE:
        rows = trace.graph.rows[trace.graph.src]
        by_value: Column = largest_first(magnitudes(trace.recording.values))[rows]
        return by_value
    if sizes is None:
        return np.arange(len(trace.edges))
    if order is Order.GRAD:
        return largest_first(sizes)
    steps: Column = trace.steps.astype(np.int64)
    steps[steps < 0] = np.iinfo(np.int64).max
    return steps


def edge_line(edge: Edge, *, has_gradients: bool = True) -> EdgeLine:
    """Put one edge into words."""
    user = edge.dst
    placed = user.out_edges[0].dst if user.op == "broadcast" else user
    site = placed.site if user.op != "copy" else None
    return EdgeLine(
        step=edge.step if has_gradients else None,
        source=_source(edge.src),
        target=_target(user),
        op=user.op,
        port=edge.port,
        value=edge.value,
        upstream=edge.upstream if has_gradients else None,
        local=edge.local if has_gradients else None,
        formula=edge.formula,
        grad=edge.grad if has_gradients else None,
        variable=placed.label if site is not None else "",
        code=one_line(site.text) if site is not None else "",
        file=PurePath(site.file).name if site is not None and site.line else "",
        line=site.line if site is not None else 0,
    )


def _source(node: Node) -> str:
    """Name the value that an edge brings: by its variable, else by the operation that made it."""
    return clean(node.label) or node.op


def _target(node: Node) -> str:
    """Name what takes the value: the variable that is made of it, or the operation."""
    if node.kind == KINDS[SPLITTER]:
        return "splitter" if node.op == "copy" else "broadcast"
    if node.kind == KINDS[OUTPUT]:
        return f"output {clean(node.name or '')}".rstrip()
    return clean(node.label) or node.op
