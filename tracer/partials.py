"""The local partials of scalar rows, evaluated over whole columns. Which those are, others ask too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from tracer.operations import IS_ELEMENTWISE, RULE_OF
from tracer.rules.kinds import Elementwise

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.graph import Graph
    from tracer.recording import Recording

    Column: TypeAlias = np.ndarray[Any, Any]


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


class _Step(NamedTuple):
    """One use of the operands of all rows of one operation: what is taken, and where its partials go."""

    local: Callable[..., Any]
    columns: tuple[_Taken, ...]  # the operands
    out: Column
    slots: Column


class _Taken(NamedTuple):
    """Where the values of scalar operands stand, in columns: of rows, of constants, or of both."""

    rows: Column
    constants: Column
    is_row: Column | None  # None where all are one or the other

    def of(self, recording: Recording) -> Column:
        """Return the values as floats."""
        if self.is_row is None:
            column, places = (
                (recording.values, self.rows) if len(self.rows) else (recording.constants, self.constants)
            )
            return column.floats.take(places)
        values = np.empty(len(self.is_row))
        values[self.is_row] = recording.values.floats[self.rows]
        values[~self.is_row] = recording.constants.floats[self.constants]
        return values


def scalar_locals(
    graph: Graph,
) -> tuple[np.ndarray[Any, np.dtype[np.float64]], np.ndarray[Any, np.dtype[np.bool_]]]:
    """Return the local partial of every operand of every elementwise scalar row, and which rows those are.

    Which they are may be that of other graphs, too.
    """
    recording = graph.recording
    fast, steps = graph.outline.get("scalars", lambda: _plan(graph))
    column = np.full(len(recording.operands), np.nan)
    for step in steps:
        operands = (each.of(recording) for each in step.columns)
        column[step.slots] = step.local(*operands, recording.values.floats.take(step.out))
    return column, fast


def _plan(graph: Graph) -> tuple[Column, list[_Step]]:
    """Return which rows are scalar, and how to take their partials: nothing here holds a value."""
    recording = graph.recording
    operands, starts, fast = recording.operands, recording.starts, scalar_rows(graph)
    steps = []
    for number in np.bincount(recording.ops[fast]).nonzero()[0].tolist():
        rule = RULE_OF[number]
        assert isinstance(rule, Elementwise)
        rows = (fast & (recording.ops == number)).nonzero()[0]
        first = starts[rows]
        arity = int(starts[rows[0] + 1] - first[0])
        ports = [operands[first + port] for port in range(arity)]
        for port, each in enumerate(ports):
            traced = each >= 0
            if traced.all():
                columns = tuple(map(_taken, ports))
                steps.append(_Step(rule.local(port), columns, rows, first + port))
            elif traced.any():
                columns = tuple(_taken(operand[traced]) for operand in ports)
                steps.append(_Step(rule.local(port), columns, rows[traced], first[traced] + port))
    fast.setflags(write=False)
    return fast, steps


def _taken(operands: Column) -> _Taken:
    is_row = operands >= 0
    is_mixed = is_row.any() and not is_row.all()
    return _Taken(operands[is_row], -1 - operands[~is_row], is_row if is_mixed else None)
