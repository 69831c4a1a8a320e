"""The local partials of scalar rows, evaluated over whole columns. Which those are, others ask too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.operations import IS_ELEMENTWISE, RULE_OF
from tracer.rules.kinds import Elementwise

if TYPE_CHECKING:
    from tracer.graph import Graph
    from tracer.recording import Recording


def scalar_rows(graph: Graph) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Say of each row whether it is an elementwise operation of real numbers alone."""
    recording = graph.recording
    is_scalar: np.ndarray[Any, np.dtype[np.bool_]] = IS_ELEMENTWISE[recording.ops]
    is_scalar[np.fromiter(recording.params, np.int64, len(recording.params))] = False
    wide_rows, wide_constants = graph.wide_rows, recording.constants.wide_rows
    is_scalar[wide_rows] = False
    if is_scalar.any() and (len(wide_rows) or len(wide_constants)):
        # Of operands: the constants first, then the rows.
        is_wide = np.zeros(len(recording.constants) + len(recording), np.bool_)
        is_wide[wide_rows + len(recording.constants)] = True
        is_wide[len(recording.constants) - 1 - wide_constants] = True
        uses_wide = is_wide[recording.operands + len(recording.constants)]
        is_scalar[graph.slot_consumer[uses_wide]] = False
    return is_scalar


def scalar_locals(
    graph: Graph,
) -> tuple[np.ndarray[Any, np.dtype[np.float64]], np.ndarray[Any, np.dtype[np.bool_]]]:
    """Return the local partial of every operand of every elementwise scalar row, and which rows those are."""
    recording = graph.recording
    operands, starts = recording.operands, recording.starts
    column, fast = np.full(len(operands), np.nan), scalar_rows(graph)
    for number in np.bincount(recording.ops[fast]).nonzero()[0].tolist():
        rule = RULE_OF[number]
        assert isinstance(rule, Elementwise)
        rows = (fast & (recording.ops == number)).nonzero()[0]
        first = starts[rows]
        arity = int(starts[rows[0] + 1] - first[0])
        out = recording.values.floats[rows]
        ports = [operands[first + port] for port in range(arity)]
        are_traced = [port >= 0 for port in ports]
        counts = [
            int(np.count_nonzero(each)) for each in are_traced
        ]  # of few rows cheaper than `all` and `any`
        columns = [_column(recording, *each) for each in zip(ports, are_traced, counts, strict=True)]
        for port, (traced, count) in enumerate(zip(are_traced, counts, strict=True)):
            if count == len(rows):
                column[first + port] = rule.local(port)(*columns, out)
            elif count:
                partial = rule.local(port)(*(values[traced] for values in columns), out[traced])
                column[first[traced] + port] = partial
    return column, fast


def _column(
    recording: Recording, operands: np.ndarray[Any, Any], traced: np.ndarray[Any, Any], count: int
) -> np.ndarray[Any, Any]:
    """Return the values of scalar operands, so many of which are traced, as floats."""
    if count == len(operands):
        return np.take(recording.values.floats, operands)
    if not count:
        return np.take(recording.constants.floats, -1 - operands)
    values = np.empty(len(operands))
    values[traced] = recording.values.floats[operands[traced]]
    values[~traced] = recording.constants.floats[-1 - operands[~traced]]
    return values
