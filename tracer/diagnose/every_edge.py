"""The check of every edge of a trace: numbers by columns, arrays one by one. Used by verify.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose import sums
from tracer.diagnose.array_edges import FEW, ROUGHER, ArrayEdges
from tracer.diagnose.faults import Faults
from tracer.diagnose.forward import MANY_COLUMNS
from tracer.diagnose.partials import (
    KINK,
    NO_FUNCTION,
    OTHER_VALUE,
    RIGHT,
    SAME_VALUE,
    WRONG,
    Operation,
    elementwise,
    judge,
)
from tracer.diagnose.replay import replay
from tracer.diagnose.verification import Verification
from tracer.errors import EdgegradError
from tracer.graph import CUT, operand_value
from tracer.operations import OP_NUMBERS, RULE_OF
from tracer.partials import scalar_locals
from tracer.rules.kinds import Elementwise, Many

if TYPE_CHECKING:
    from tracer.diagnose.forward import Forward
    from tracer.gradients import Gradients
    from tracer.trace import Trace

UNJUDGED = -1
_SINGLE = {np.float32: 4, np.float16: 2}
_PROGRESS = 64  # arrays between two reports

Progress = Callable[[int, int], None]


class Check:
    """The state of one verification; by slot: a status, what was found, and what differences give."""

    def __init__(self, trace: Trace, progress: Progress | None) -> None:
        self.trace, self.graph, self.recording = trace, trace.graph, trace.recording
        self.gradients = _gradients(trace)
        self.progress = progress
        slots = len(self.recording.operands)
        self.status = np.full(slots, UNJUDGED, np.int8)
        self.found, self.expected, self.error = (np.full(slots, np.nan) for _ in range(3))
        # By slot: whether the numbers are of the gradient, not of the partial
        self.of_gradient = np.zeros(slots, np.bool_)
        self.other: list[int] = []  # rows whose value is another
        self.values = self.same_bits = self.done = 0
        locals_again, is_scalar = scalar_locals(self.graph)
        self.is_scalar = is_scalar.copy()
        self.locals = locals_again if self.gradients is None else self.gradients.locals

    # ------------------------------------------------------------------------------------------------------- scalars

    def scalars(self) -> None:
        """Check all rows of numbers, a column for each operation."""
        recording = self.recording
        for number in np.flatnonzero(np.bincount(recording.ops[self.is_scalar])).tolist():
            rule = RULE_OF[number]
            assert isinstance(rule, Elementwise)
            rows = np.flatnonzero(self.is_scalar & (recording.ops == number))
            ports = [port for port, text in enumerate(rule.partials) if text]
            self._columns(elementwise(number, rule), rows, len(rule.partials), ports)
        self._many()

    def _columns(self, operation: Operation | None, rows: Any, arity: int, ports: list[int]) -> None:
        """Check many runs of one operation on numbers."""
        recording = self.recording
        operands, first, out = recording.operands, recording.starts[rows], recording.values.floats[rows]
        columns = [_column(recording, operands[first + port]) for port in range(arity)]
        is_same = self._again(operation, rows, columns, out)
        for port in ports:
            chosen = np.flatnonzero(operands[first + port] >= 0)
            if not len(chosen):
                continue
            slots = first[chosen] + port
            judged = judge(
                operation, [each[chosen] for each in columns], out[chosen], port, self.locals[slots], {}
            )
            status = judged.status
            status[~is_same[chosen] & (status != NO_FUNCTION)] = OTHER_VALUE
            self.status[slots], self.expected[slots], self.error[slots] = (
                status,
                judged.expected,
                judged.error,
            )
            self.found[slots] = self.locals[slots]
            self.report(len(chosen))

    def _many(self) -> None:
        """Check functions of a few numbers, such as max(a, b), by columns, too."""
        recording = self.recording
        degrees = np.diff(recording.starts)
        is_wide = np.zeros(len(recording), np.bool_)
        is_wide[recording.values.wide_rows] = True
        uses_wide = np.zeros(len(recording), np.bool_)
        traced = np.flatnonzero(recording.operands >= 0)
        uses_wide[self.graph.slot_consumer[traced[is_wide[recording.operands[traced]]]]] = True
        for name, function in MANY_COLUMNS.items():
            number = OP_NUMBERS[name]
            rule = RULE_OF[number]
            assert isinstance(rule, Many)
            mine = (recording.ops == number) & (degrees > 0) & (degrees <= FEW) & ~is_wide & ~uses_wide
            for arity in np.unique(degrees[mine]).tolist():
                rows = np.flatnonzero(mine & (degrees == arity))
                self.is_scalar[rows] = True
                self._fill_partials(rule, rows)
                operation = Operation(_of_list(function), False, None, _kinks_of(rule))
                self._columns(operation, rows, arity, list(range(arity)))

    def _fill_partials(self, rule: Many, rows: Any) -> None:
        """Compute the partials where nothing came back, and so nobody asked for them."""
        recording = self.recording
        missing = rows[np.isnan(self.locals[recording.starts[rows]])]
        if len(missing) and self.gradients is not None:
            self.locals = self.locals.copy()
        for row in missing.tolist():
            first, stop = recording.starts[row : row + 2]
            operands = [operand_value(recording, slot) for slot in range(first, stop)]
            self.locals[first:stop] = rule.partials(operands, recording.values[row])

    def _again(self, operation: Operation | None, rows: Any, columns: list[Any], out: Any) -> Any:
        """Compute a column of values again, and return which of them are what was recorded."""
        if operation is None:
            return np.ones(len(rows), np.bool_)
        value = np.asarray(operation.function(tuple(columns), {}, out), np.float64)
        same_bits = (value == out) | (np.isnan(value) & np.isnan(out))
        allowed = np.full(len(rows), SAME_VALUE)
        others = self.recording.values.others
        if others:  # numbers of NumPy's in less than double precision are among them
            kinds = [type(others.get(row)) for row in rows.tolist()]
            for at in np.flatnonzero([kind in _SINGLE for kind in kinds]).tolist():
                allowed[at] *= ROUGHER[_SINGLE[kinds[at]]]
        is_same = same_bits | (np.abs(value - out) <= allowed * np.abs(out))
        self.values += len(rows)
        self.same_bits += int(np.count_nonzero(same_bits))
        self.other += rows[~is_same].tolist()
        return is_same

    def report(self, count: int) -> None:
        """Say how far the check is."""
        before, self.done = self.done, self.done + count
        if self.progress is not None and (
            count > _PROGRESS or before // _PROGRESS != self.done // _PROGRESS
        ):
            self.progress(self.done, int(np.count_nonzero(self.recording.operands >= 0)))

    def others(self) -> None:
        """Check what is no column of numbers."""
        ArrayEdges(self).rows()

    # -------------------------------------------------------------------------------------------------------- result

    def result(self) -> Verification:
        """Gather what was found."""
        checked = int(np.count_nonzero(self.status != UNJUDGED))
        unequal, added = sums.unequal(self.trace, self.gradients) if self.gradients is not None else ([], 0)
        if self.progress is not None:
            self.progress(self.done, self.done)
        wrong = np.flatnonzero(self.status == WRONG)[::-1]
        unclear = np.flatnonzero(self.status > WRONG)[::-1]
        columns = (self.status, self.found, self.expected, self.error, self.of_gradient)
        return Verification(
            self.trace.function,
            checked,
            int(np.count_nonzero(self.status == RIGHT)),
            Faults(self.trace, wrong, columns, unequal),
            Faults(self.trace, unclear, columns, []),
            added,
            self.values,
            self.same_bits,
            Faults(self.trace, np.zeros(0, np.int64), columns, [], sorted(self.other, reverse=True)),
            int(np.count_nonzero(self.trace.graph.kinds == CUT)),
            replay(
                self.trace,
                self.gradients,
                is_wrong=bool(len(wrong) or unequal),
                has_kink=bool((self.status == KINK).any()),
            ),
            self.trace.error or "",
        )


def _gradients(trace: Trace) -> Gradients | None:
    try:
        return trace.gradients
    except EdgegradError:  # a run that failed, or an output that must be chosen
        return None


def _of_list(function: Callable[[Any], Any]) -> Forward:
    return lambda operands, _, __: function(operands)


def _kinks_of(rule: Many) -> Callable[[Any, Any], Any] | None:
    test = rule.at_kink
    if test is None:
        return None
    return lambda operands, out: np.array(
        [test(tuple(each), result) for *each, result in zip(*operands, out, strict=True)], np.bool_
    )


def _column(recording: Any, operands: Any) -> Any:
    values = np.empty(len(operands))
    traced = operands >= 0
    values[traced] = recording.values.floats[operands[traced]]
    values[~traced] = recording.constants.floats[-1 - operands[~traced]]
    return values
