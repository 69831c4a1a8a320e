"""Another value of the program in the place of the one that a derivative multiplies by: y for x̂, c for tanh(c).

Used by wrong_rules.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.composed_rules import name_of
from tracer.diagnose.local_rules import summed_to
from tracer.graph import operand_value
from tracer.numbers_text import clean
from tracer.views import Node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.diagnose.local_rules import Run
    from tracer.trace import Trace

_MATRIX = 2
_MOST = 24  # names that are tried


def slips_of_other_values(trace: Trace, run: Run, upstream: Any, sent: Any) -> Iterator[tuple[str, Any]]:
    """Yield what is sent back with another named array as the other operand, or as the mask, less what is right."""
    recording = trace.recording
    if run.name == "maximum" and np.array_equal(sent, np.where(run.node.value > 0, upstream, 0.0)):
        row = int(recording.operands[run.slot])
        for name, value in _alike(trace, run.node.row, row, np.asarray(recording.values[row])):
            yield f"masked by {name} > 0 in place of the operand", np.where(value > 0, upstream, 0.0) - sent
        return
    first, stop = int(recording.starts[run.node.row]), int(recording.starts[run.node.row + 1])
    if run.name not in ("multiply", "matmul", "dot") or stop - first != _MATRIX:
        return
    is_left = run.slot == first
    slot = first + 1 if is_left else first
    other, row = np.asarray(operand_value(recording, slot)), int(recording.operands[slot])
    if other.size == 1:  # a number may be any other
        return
    given = _name(trace, row) or "the other operand"
    for name, value in _alike(trace, run.node.row, row, other):
        difference = value - other
        if run.name == "multiply":
            change = summed_to(upstream * difference, np.shape(operand_value(recording, run.slot)))
        else:
            change = _of_product(upstream, difference, is_left=is_left)
        if change is not None and np.shape(change) == np.shape(operand_value(recording, run.slot)):
            yield f"{name} in place of {given}", change


def _of_product(upstream: Any, other: Any, *, is_left: bool) -> Any:
    """Return what a product of arrays sends back to an operand; None where it is of other dimensions."""
    if np.ndim(upstream) == _MATRIX == other.ndim:
        return upstream @ other.T if is_left else other.T @ upstream
    if is_left and np.ndim(upstream) == other.ndim == 1:
        return np.outer(upstream, other)
    return None


def _alike(trace: Trace, user: int, row: int, other: Any) -> Iterator[tuple[str, Any]]:
    """Yield the named arrays of a shape that differ: of a loop's, what was made in the same turn."""
    values = trace.recording.values
    turn, turns = _turn(trace, user)
    tried = 0
    is_transpose = row >= 0 and name_of(trace, row) == "transpose"
    seen = {row}
    inputs = [(name, np.array([at])) for at, name in trace.input_rows.items()]
    for name, rows in (*((each.name, rows) for each, rows in trace.sites.variables.items()), *inputs):
        at = int(rows[0 if len(rows) == 1 else turn]) if len(rows) in (1, turns) else -1
        if at < 0 or at in seen or tried == _MOST:
            continue
        value = np.asarray(values[at])
        is_turned = value.shape != other.shape or is_transpose
        value = value.T if is_turned else value
        if value.shape == other.shape and not np.array_equal(value, other):
            seen.add(at)
            tried += 1
            yield clean(name) + (".T" if is_turned else ""), value


def _turn(trace: Trace, row: int) -> tuple[int, int]:
    """Return which run of its line an operation is, and how many there are."""
    places, ops = trace.sites.row_places, trace.recording.ops
    runs = np.flatnonzero((places == places[row]) & (ops == ops[row]))
    return int(np.searchsorted(runs, row)), len(runs)


def _name(trace: Trace, row: int) -> str:
    if row < 0:
        return ""
    name = Node(trace, int(trace.graph.node_of_row[row])).name
    if not name and name_of(trace, row) == "transpose":
        turned = _name(trace, int(trace.recording.operands[trace.recording.starts[row]]))
        return f"{turned}.T" if turned else ""
    return clean(name) if name else ""
