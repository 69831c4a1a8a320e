"""The check of operations that are no columns of numbers, one run at a time. Used by every_edge.py."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.backward_pass import steps_of
from tracer.diagnose import directions, sums
from tracer.diagnose.directions import Applied
from tracer.diagnose.forward import forward
from tracer.diagnose.partials import (
    KINK,
    NO_FUNCTION,
    NOT_FINITE,
    OTHER_VALUE,
    RIGHT,
    SAME_VALUE,
    WRONG,
    elementwise,
    judge,
)
from tracer.errors import EdgegradError
from tracer.graph import operand_value
from tracer.minus import in_full
from tracer.operations import OP_NAMES, RULE_OF
from tracer.pull import elementwise_local, pull
from tracer.rules.edited import Part
from tracer.rules.kinds import Compressed, Elementwise, Many, Rule, is_complex, rule_for

if TYPE_CHECKING:
    from tracer.diagnose.every_edge import Check

FEW = 16  # operands of a function of many: each is moved by itself
ROUGHER = {8: 1.0, 4: 1e5, 2: 5e7}  # by bytes of a real number: of SAME_VALUE, what sums may differ by


@dataclass(frozen=True, slots=True)
class _Row:
    """One run of an operation, and its rule."""

    row: int
    first: int  # of its slots
    rule: Rule
    run: Applied


class ArrayEdges:
    """The rows of a trace that are looked at one by one; what is found goes into the check."""

    def __init__(self, check: Check) -> None:
        self.check, self.recording = check, check.recording

    def rows(self) -> None:
        """Check all of them, those that went back first."""
        check, recording = self.check, self.recording
        rows = np.flatnonzero(~check.is_scalar & (np.diff(recording.starts) > 0))
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
            function = forward(number)
            status = NO_FUNCTION
            if function is not None:
                run = Applied(number, function, operands, out, recording.params.get(row, {}))
                status = self._value_again(row, run)
            if status != RIGHT:
                check.status[[first + port for port in traced]] = status
            elif isinstance(rule, Many) and len(producers) > FEW:
                self._of_many(_Row(row, first, rule, run), rule, traced)
            else:
                for port in traced:
                    self._one(_Row(row, first, rule, run), port)
            check.report(len(traced))

    def _value_again(self, row: int, run: Applied) -> int:
        """Compute a value again, and say how it compares."""
        check = self.check
        try:
            value = np.asarray(run.of(run.operands))
        except (ValueError, TypeError, ArithmeticError, IndexError, np.linalg.LinAlgError):
            check.other.append(row)
            return OTHER_VALUE
        recorded = np.asarray(run.out)
        if isinstance(RULE_OF[run.operation], Elementwise) and value.ndim <= recorded.ndim:
            value = np.broadcast_to(value, recorded.shape)
        check.values += 1
        if value.shape == recorded.shape and np.array_equal(
            value.astype(recorded.dtype), recorded, equal_nan=recorded.dtype.kind in "fc"
        ):
            check.same_bits += 1
            return RIGHT
        if value.shape == recorded.shape and recorded.dtype.kind in "fc":
            finite = np.isfinite(recorded)
            size = float(np.max(np.abs(recorded), initial=0, where=finite))
            factor = max(map(_rougher, (*run.operands, run.out)))
            distance = np.abs(value - recorded)
            if np.all((distance <= SAME_VALUE * factor * size) | ~finite & (np.isfinite(value) == finite)):
                return RIGHT
        check.other.append(row)
        return OTHER_VALUE

    def _one(self, given: _Row, port: int) -> None:
        """Check one operand of one row."""
        check, rule, run, slot = self.check, given.rule, given.run, given.first + port
        target = check.graph.targets.get(slot)
        seen = tuple(
            np.broadcast_to(each, target) if at == port and target is not None else each
            for at, each in enumerate(run.operands)
        )
        if np.asarray(run.operands[port]).dtype.kind not in "fciu":
            return
        if isinstance(rule, Elementwise) and not any(map(is_complex, (*run.operands, run.out))):
            self._elements(given, rule, port)
            return

        def again(operands: tuple[Any, ...], result: Any) -> Any:
            if isinstance(rule, Many):  # whose partials hang on which of its operands is which
                operands, result = seen, run.out
            return _back(rule, port, upstream, result, operands, run.params)

        upstream, got = self._recorded(given.row, slot, run.out)
        check.of_gradient[slot] = True
        try:
            if got is None:
                got = again(seen, run.out)
            judged = directions.judge(replace(run, operands=seen), port, upstream, got, again)
        except EdgegradError:  # a rule that was code of the program
            check.status[slot] = NO_FUNCTION
            return
        except (ValueError, TypeError, ArithmeticError, np.linalg.LinAlgError):
            judged = (NOT_FINITE, np.nan, np.nan, np.inf)
        check.status[slot], check.found[slot], check.expected[slot], check.error[slot] = judged
        if judged[0] != RIGHT and _is_kink(rule, run.out, run.operands, run.params):
            check.status[slot] = KINK

    def _recorded(self, row: int, slot: int, out: Any) -> tuple[Any, Any]:
        """Return the gradients of a result and of an operand as they are kept; a random one where nothing came back."""
        gradients = self.check.gradients
        if gradients is not None and gradients.reached[row]:
            upstream = gradients.row(row)
            if np.any(upstream) and np.isfinite(upstream).all():
                got = in_full(gradients.slots.get(slot))
                return upstream, _dense(got)
        random = np.random.default_rng(0)
        weight: Any = np.asarray(random.normal(size=np.shape(out)), np.asarray(out).dtype)
        return weight if np.ndim(out) else weight[()], None

    def _elements(self, given: _Row, rule: Elementwise, port: int) -> None:
        """Check the partials of all elements of an array, and the product that they make."""
        check, run, slot = self.check, given.run, given.first + port
        operands, out, params = run.operands, run.out, run.params
        result = np.asarray(out, np.float64)
        columns = [np.broadcast_to(np.asarray(each, np.float64), result.shape).ravel() for each in operands]
        local = np.broadcast_to(np.asarray(elementwise_local(rule, port, operands, out)), result.shape)
        is_single = np.asarray(out).dtype.itemsize < np.dtype(np.float64).itemsize
        operation = elementwise(run.operation, rule)
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
            check.status[slot] = RIGHT
            return
        order = np.array([0, 5, 1, 2, 3, 4, 6])  # by status: what is told of an array first
        worst = int(np.argmax(order[judged.status]))
        check.status[slot] = judged.status[worst]
        check.found[slot], check.expected[slot] = local.ravel()[worst], judged.expected[worst]
        check.error[slot] = judged.error[worst]
        row, gradients = given.row, check.gradients
        if judged.status[worst] == WRONG or gradients is None or not gradients.reached[row]:
            return
        got = in_full(gradients.slots.get(slot))
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
            check.status[slot], check.of_gradient[slot] = WRONG, True
            check.found[slot], check.expected[slot] = np.ravel(got)[worst], np.ravel(product)[worst]
            check.error[slot] = np.ravel(allowed)[worst]

    def _of_many(self, given: _Row, rule: Many, traced: list[int]) -> None:
        """Check a function of many numbers along directions of ever fewer of them, down to those that are wrong."""
        check, first, operands, out = self.check, given.first, given.run.operands, given.run.out
        recorded = check.locals[first : first + len(operands)]
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
                return given.run.function(tuple(operand[0].tolist()), {}, out)

            run = replace(given.run, function=compute, operands=(point,), params={})
            status, found, expected, error = directions.judge(
                run, 0, 1.0, partials, lambda _, __: partials, [direction]
            )
            if status == WRONG and len(some) > 1:
                pending += np.array_split(some, 2)
                continue
            slots = first + some
            check.status[slots] = status
            if len(some) == 1:
                check.found[slots], check.expected[slots] = found / random[some], expected / random[some]
                check.error[slots] = error
            if status not in (RIGHT, WRONG) and _is_kink(rule, out, operands, {}):
                check.status[slots] = KINK


def _rougher(value: Any) -> float:
    dtype = np.asarray(value).dtype
    return ROUGHER.get(np.asarray(value).real.dtype.itemsize, 1.0) if dtype.kind in "fc" else 1.0


def _has_partial(rule: Rule, port: int) -> bool:
    return not isinstance(rule, Elementwise) or bool(rule.partials[port])


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
