"""The check of every edge of a trace: numbers by columns, arrays one by one. Used by verify.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.backward import steps_of
from tracer.diagnose import directions, sums
from tracer.diagnose.faults import Faults
from tracer.diagnose.forward import MANY_COLUMNS, forward
from tracer.diagnose.partials import (
    KINK,
    NO_FUNCTION,
    NOT_FINITE,
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
from tracer.operations import OP_NAMES, OP_NUMBERS, RULE_OF
from tracer.partials import scalar_locals
from tracer.pull import elementwise_local, pull
from tracer.rules.kinds import Compressed, Elementwise, Many, Part, Rule, is_complex, rule_for

if TYPE_CHECKING:
    from tracer.diagnose.forward import Forward
    from tracer.gradients import Gradients
    from tracer.trace import Trace

UNJUDGED = -1
_ROUGHER = {8: 1.0, 4: 1e5, 2: 5e7}  # by bytes of a real number: of SAME_VALUE, what sums may differ by
_SINGLE = {np.float32: 4, np.float16: 2}
_FEW = 16  # operands of a function of many: each is moved by itself
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
        self.of_gradient = np.zeros(
            slots, np.bool_
        )  # whether the numbers are of the gradient, not of the partial
        self.other: list[int] = []  # rows whose value is another
        self.values = self.same_bits = self.done = 0
        locals_again, self.is_scalar = scalar_locals(self.graph)
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
            self._report(len(chosen))

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
            mine = (recording.ops == number) & (degrees > 0) & (degrees <= _FEW) & ~is_wide & ~uses_wide
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
                allowed[at] *= _ROUGHER[_SINGLE[kinds[at]]]
        is_same = same_bits | (np.abs(value - out) <= allowed * np.abs(out))
        self.values += len(rows)
        self.same_bits += int(np.count_nonzero(same_bits))
        self.other += rows[~is_same].tolist()
        return is_same

    # -------------------------------------------------------------------------------------------------------- others

    def others(self) -> None:
        """Check what is no column of numbers, one row at a time."""
        recording = self.recording
        rows = np.flatnonzero(~self.is_scalar & (np.diff(recording.starts) > 0))
        for row, number, first, producers in steps_of(recording, rows[::-1]):
            rule = RULE_OF[number]
            if rule is None or OP_NAMES[number] == "cut":
                continue
            operands = tuple(operand_value(recording, first + port) for port in range(len(producers)))
            out = recording.values[row]
            rule = rule_for(rule, operands, out)
            traced = [
                port
                for port, producer in enumerate(producers)
                if producer >= 0 and _has_partial(rule, port)
            ]
            params = recording.params.get(row, {})
            status = self._value_again(row, number, operands, out, params)
            if status != RIGHT:
                self.status[[first + port for port in traced]] = status
            elif isinstance(rule, Many) and len(producers) > _FEW:
                self._of_many(rule, row, first, operands, out, traced)
            else:
                for port in traced:
                    self._one(rule, row, number, first + port, port, operands, out, params)
            self._report(len(traced))

    def _value_again(
        self, row: int, number: int, operands: tuple[Any, ...], out: Any, params: dict[str, Any]
    ) -> int:
        function = forward(number)
        if function is None:
            return NO_FUNCTION
        try:
            value = np.asarray(function(operands, params, out))
        except (ValueError, TypeError, ArithmeticError, IndexError, np.linalg.LinAlgError):
            self.other.append(row)
            return OTHER_VALUE
        recorded = np.asarray(out)
        if isinstance(RULE_OF[number], Elementwise) and value.ndim <= recorded.ndim:
            value = np.broadcast_to(value, recorded.shape)
        self.values += 1
        if value.shape == recorded.shape and np.array_equal(
            value.astype(recorded.dtype), recorded, equal_nan=recorded.dtype.kind in "fc"
        ):
            self.same_bits += 1
            return RIGHT
        if value.shape == recorded.shape and recorded.dtype.kind in "fc":
            finite = np.isfinite(recorded)
            size = float(np.max(np.abs(recorded), initial=0, where=finite))
            factor = max(map(_rougher, (*operands, out)))
            distance = np.abs(value - recorded)
            if np.all((distance <= SAME_VALUE * factor * size) | ~finite & (np.isfinite(value) == finite)):
                return RIGHT
        self.other.append(row)
        return OTHER_VALUE

    def _one(
        self,
        rule: Rule,
        row: int,
        number: int,
        slot: int,
        port: int,
        operands: tuple[Any, ...],
        out: Any,
        params: Any,
    ) -> None:
        """Check one operand of one row."""
        target = self.graph.targets.get(slot)
        seen = tuple(
            np.broadcast_to(each, target) if at == port and target is not None else each
            for at, each in enumerate(operands)
        )
        if np.asarray(operands[port]).dtype.kind not in "fciu":
            return
        if isinstance(rule, Elementwise) and not any(map(is_complex, (*operands, out))):
            self._elements(rule, number, slot, port, operands, out, params)
            return
        function = forward(number)
        assert function is not None  # else the value could not be computed again

        def again(given: tuple[Any, ...], result: Any) -> Any:
            if isinstance(rule, Many):  # whose partials hang on which of its operands is which
                given, result = seen, out
            return _back(rule, port, upstream, result, given, params)

        upstream, got = self._recorded(row, slot, out)
        self.of_gradient[slot] = True
        try:
            if got is None:
                got = again(seen, out)
            judged = directions.judge(number, function, seen, out, params, port, upstream, got, again)
        except EdgegradError:  # a rule that was code of the program
            self.status[slot] = NO_FUNCTION
            return
        except (ValueError, TypeError, ArithmeticError, np.linalg.LinAlgError):
            judged = (NOT_FINITE, np.nan, np.nan, np.inf)
        self.status[slot], self.found[slot], self.expected[slot], self.error[slot] = judged
        if judged[0] != RIGHT and _is_kink(rule, out, operands, params):
            self.status[slot] = KINK

    def _recorded(self, row: int, slot: int, out: Any) -> tuple[Any, Any]:
        """Return the gradients of a result and of an operand as they are kept; a random one where nothing came back."""
        gradients = self.gradients
        if gradients is not None and gradients.reached[row]:
            upstream = gradients.row(row)
            if np.any(upstream) and np.isfinite(upstream).all():
                got = gradients.slots.get(slot)
                return upstream, _dense(got)
        random = np.random.default_rng(0)
        weight: Any = np.asarray(random.normal(size=np.shape(out)), np.asarray(out).dtype)
        return weight if np.ndim(out) else weight[()], None

    def _elements(
        self,
        rule: Elementwise,
        number: int,
        slot: int,
        port: int,
        operands: tuple[Any, ...],
        out: Any,
        params: Any,
    ) -> None:
        """Check the partials of all elements of an array, and the product that they make."""
        result = np.asarray(out, np.float64)
        columns = [np.broadcast_to(np.asarray(each, np.float64), result.shape).ravel() for each in operands]
        local = np.broadcast_to(np.asarray(elementwise_local(rule, port, operands, out)), result.shape)
        is_single = np.asarray(out).dtype.itemsize < np.dtype(np.float64).itemsize
        operation = elementwise(number, rule)
        assert operation is not None  # else the value could not be computed again
        if is_single:  # the rule in double precision, which is the same text
            again = np.asarray(operation.function(tuple(columns), params, result.ravel()), np.float64)
            exact = rule.local(port)(*columns, again)
            judged = judge(operation, columns, again, port, np.broadcast_to(exact, again.shape), params)
        else:
            judged = judge(
                operation, columns, result.ravel(), port, np.asarray(local, np.float64).ravel(), params
            )
        if not result.size:
            self.status[slot] = RIGHT
            return
        order = np.array([0, 5, 1, 2, 3, 4, 6])  # by status: what is told of an array first
        worst = int(np.argmax(order[judged.status]))
        self.status[slot] = judged.status[worst]
        self.found[slot], self.expected[slot] = local.ravel()[worst], judged.expected[worst]
        self.error[slot] = judged.error[worst]
        row = int(self.graph.slot_consumer[slot])
        gradients = self.gradients
        if judged.status[worst] == WRONG or gradients is None or not gradients.reached[row]:
            return
        got = gradients.slots.get(slot)
        if got is None:
            return
        product = np.asarray(gradients.row(row)) * local
        got = np.asarray(got.dense() if isinstance(got, Compressed) else got)
        distance = np.abs(got - product)
        precision = max(sums.precision(each) for each in (out, got, operands[port]))
        allowed = precision * 64 * np.abs(product)
        is_wrong = np.broadcast_to(np.isfinite(distance) & (distance > allowed), np.shape(distance))
        if is_wrong.any():
            worst = int(np.argmax(np.where(is_wrong, distance, -1)))
            self.status[slot], self.of_gradient[slot] = WRONG, True
            self.found[slot], self.expected[slot] = np.ravel(got)[worst], np.ravel(product)[worst]
            self.error[slot] = np.ravel(allowed)[worst]

    def _of_many(
        self, rule: Many, row: int, first: int, operands: tuple[Any, ...], out: Any, traced: list[int]
    ) -> None:
        """Check a function of many numbers along directions of ever fewer of them, down to those that are wrong."""
        number = int(self.recording.ops[row])
        function = forward(number)
        assert function is not None
        recorded = self.locals[first : first + len(operands)]
        partials = (
            recorded if np.isfinite(recorded[traced]).all() else np.asarray(rule.partials(operands, out))
        )
        point = np.array([complex(each).real for each in operands])
        random = np.random.default_rng(0).normal(size=len(point))
        pending = [np.array(traced)]
        while pending:
            some = pending.pop()
            direction = np.zeros(len(point))
            direction[some] = random[some]

            def compute(operand: Any, _: Any, __: Any) -> Any:
                return function(tuple(operand[0].tolist()), {}, out)

            status, found, expected, error = directions.judge(
                number, compute, (point,), out, {}, 0, 1.0, partials, lambda _, __: partials, [direction]
            )
            if status == WRONG and len(some) > 1:
                pending += np.array_split(some, 2)
                continue
            slots = first + some
            self.status[slots] = status
            if len(some) == 1:
                self.found[slots], self.expected[slots] = found / random[some], expected / random[some]
                self.error[slots] = error
            if status not in (RIGHT, WRONG) and _is_kink(rule, out, operands, {}):
                self.status[slots] = KINK

    def _report(self, count: int) -> None:
        before, self.done = self.done, self.done + count
        if self.progress is not None and (
            count > _PROGRESS or before // _PROGRESS != self.done // _PROGRESS
        ):
            self.progress(self.done, int(np.count_nonzero(self.recording.operands >= 0)))

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


def _rougher(value: Any) -> float:
    dtype = np.asarray(value).dtype
    return _ROUGHER.get(np.asarray(value).real.dtype.itemsize, 1.0) if dtype.kind in "fc" else 1.0


def _of_list(function: Callable[[Any], Any]) -> Forward:
    return lambda operands, _, __: function(operands)


def _kinks_of(rule: Many) -> Callable[[Any, Any], Any] | None:
    test = rule.at_kink
    if test is None:
        return None
    return lambda operands, out: np.array(
        [test(tuple(each), result) for *each, result in zip(*operands, out, strict=True)], np.bool_
    )


def _has_partial(rule: Rule, port: int) -> bool:
    return not isinstance(rule, Elementwise) or bool(rule.partials[port])


def _column(recording: Any, operands: Any) -> Any:
    values = np.empty(len(operands))
    traced = operands >= 0
    values[traced] = recording.values.floats[operands[traced]]
    values[~traced] = recording.constants.floats[-1 - operands[~traced]]
    return values


def _back(
    rule: Rule, port: int, upstream: Any, out: Any, operands: tuple[Any, ...], params: dict[str, Any]
) -> Any:
    if isinstance(rule, Many):
        return upstream * rule.partial(port, operands, out)
    back = pull(rule, port, upstream, out, operands, params, None)
    return _dense(back)


def _dense(gradient: Any) -> Any:
    """Return a gradient as an array, but for the part that an indexing took, which may be one of millions."""
    return gradient.dense() if isinstance(gradient, Compressed) and type(gradient) is not Part else gradient


def _is_kink(rule: Rule, out: Any, operands: tuple[Any, ...], params: dict[str, Any]) -> bool:
    """Tell whether the derivative of a row is a convention."""
    if isinstance(rule, Elementwise):
        return rule.at_kink is not None and bool(np.any(rule.at_kink(*operands, out)))
    if isinstance(rule, Many):
        return rule.at_kink is not None and bool(rule.at_kink(operands, out))
    return rule.at_kink is not None and bool(rule.at_kink(out, tuple(map(np.asarray, operands)), params))
