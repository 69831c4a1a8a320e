"""Local partials against differences of their operation, a whole column at once. Used by every_edge.py.

No answer beats a wrong one: a partial is called wrong only where the differences are sure, and differ from it by more
than both may be off: the differences by truncation and rounding, the rule by the rounding of the numbers it is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.differences import slope
from tracer.diagnose.forward import HOLOMORPHIC, forward
from tracer.operations import OP_NAMES, is_own

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tracer.diagnose.forward import Forward
    from tracer.rules.kinds import Elementwise

Column = np.ndarray[Any, Any]

RIGHT, WRONG, KINK, ROUGH, NOT_FINITE, NO_FUNCTION, OTHER_VALUE = range(7)
REASONS = {
    KINK: "at a kink, where the derivative is a convention",
    ROUGH: "the differences are too rough here: a kink, a pole or a jump nearby, or rounding",
    NOT_FINITE: "the value or its derivative is not finite",
    NO_FUNCTION: "the operation is code that is not at hand",
    OTHER_VALUE: "computed again, the operation gives another value than the recorded one",
}
"""What keeps an edge from being judged, by status."""

TOLERANCE = 1e-6  # of the derivative: what a right rule and good differences may differ by
SURE = 1e-4  # of the derivative: differences that are worse than this say nothing
SAME_VALUE = 1e-9  # of the value: what the same operation may give by another order of sums
# Of how steep an operation is: a change beyond it comes from a choice, and not from rounding
CHOICE = 2.0**-16
_SHAKEN = 1 + 8 * np.finfo(np.float64).eps
_SCREEN_STEP = 2.0**-14  # of the operand
TINY = 1e-290  # below it, digits are lost for good
_TINY_STEP = 1e-30  # imaginary: its square is nothing
_STEPS = (2.0**-6, 2.0**-16)  # of the operand, then where there is a kink or pole nearby
_CHUNK = 1 << 17  # numbers that are looked at together


@dataclass(frozen=True)
class Operation:
    """An operation on numbers, as functions of columns."""

    function: Forward
    takes_complex: bool
    local: Callable[[int, Sequence[Column], Column], Column] | None
    """The rule: the partial by one operand; None where it knows no columns."""
    kinks: Callable[[Sequence[Column], Column], Column] | None
    """Where the derivative is a convention."""
    is_level: bool = False
    """It takes steps, and is level between them."""


@dataclass(frozen=True)
class Judged:
    """By number of a column: a status, and the partial by differences with its error."""

    status: Column
    expected: Column
    error: Column


def elementwise(number: int, rule: Elementwise) -> Operation | None:
    """Return an elementwise operation; None where its function is not at hand."""
    function = forward(number)
    if function is None:
        return None
    kinks = rule.at_kink
    return Operation(
        function,
        is_own(number) and OP_NAMES[number] in HOLOMORPHIC,
        lambda port, operands, out: rule.local(port)(*operands, out),
        None if kinks is None else lambda operands, out: np.broadcast_to(kinks(*operands, out), out.shape),
        rule.flat,
    )


def judge(
    operation: Operation | None,
    operands: Sequence[Column],
    out: Column,
    port: int,
    got: Column,
    params: dict[str, Any],
) -> Judged:
    """Compare the partials by one operand with differences of their operation alone; all columns are floats."""
    if operation is None:
        count = len(out)
        return Judged(np.full(count, NO_FUNCTION, np.int8), np.full(count, np.nan), np.full(count, np.inf))
    parts = []
    for start in range(0, max(len(out), 1), _CHUNK):
        part = slice(start, start + _CHUNK)
        column = _Column(operation, [each[part] for each in operands], out[part], port, params)
        parts.append(column.judged(got[part]))
    return Judged(
        *(
            np.concatenate([getattr(each, name) for each in parts])
            for name in ("status", "expected", "error")
        )
    )


@dataclass(frozen=True)
class _Column:
    """The operands of many runs of one operation, and the one that is moved."""

    operation: Operation
    operands: Sequence[Column]
    out: Column
    port: int
    params: dict[str, Any]

    def moved(self, to: Any) -> Any:
        """Compute with one operand moved."""
        given = tuple(to if at == self.port else each for at, each in enumerate(self.operands))
        return self.operation.function(given, self.params, self.out)

    def chosen(self, some: Column) -> _Column:
        """Return some of the runs."""
        return _Column(
            self.operation, [each[some] for each in self.operands], self.out[some], self.port, self.params
        )

    def judged(self, got: Column) -> Judged:
        """Judge the quick way, and what that does not find right closely."""
        middle, out = self.operands[self.port], self.out
        if self.operation.takes_complex:
            expected = np.imag(self.moved(middle + 1j * _TINY_STEP)) / _TINY_STEP
            error = np.abs(expected) * np.finfo(np.float64).eps
            is_right = np.abs(got - expected) <= TOLERANCE * np.abs(got)
        else:
            step = _SCREEN_STEP * _sizes(middle)
            upper, lower = (self.moved(middle + by) for by in (step, -step))
            expected = (upper - lower) / (2 * step)
            error = np.abs(expected) * _SCREEN_STEP**2
            is_level = (upper == out) & (lower == out) & (got == 0)
            is_right = (np.abs(got - expected) <= TOLERANCE * np.abs(got)) & (got != 0) | is_level
        is_right &= np.isfinite(got) & np.isfinite(expected)
        status = np.where(is_right, np.int8(RIGHT), np.int8(ROUGH))
        rest = np.flatnonzero(~is_right)
        if len(rest):
            status[rest], expected[rest], error[rest] = self.chosen(rest).closely(got[rest])
        return Judged(status, expected, error)

    def closely(self, got: Column) -> tuple[Column, Column, Column]:
        """Judge by differences at several steps."""
        middle, out = self.operands[self.port], self.out
        expected, error = np.full(len(out), np.nan), np.full(len(out), np.inf)
        own = _sizes(middle)
        tried = []
        for share in _STEPS:
            for size in (own, np.minimum(own, 1.0)):
                again, rough = slope(lambda by: self.moved(middle + by), share * size)
                tried.append((again, rough))
                better = rough < error
                expected, error = np.where(better, again, expected), np.where(better, rough, error)
        for again, rough in tried:  # what looks smooth from afar may be made of steps
            is_other = np.abs(again - expected) > 10 * (rough + error) + SURE * np.abs(expected)
            error = np.where(is_other, np.maximum(error, np.abs(again - expected)), error)
        last_digit = 4 * np.spacing(np.abs(middle))
        moved = np.abs(self.moved(middle + last_digit) - out)
        is_rough = moved > 64 * (last_digit * np.abs(expected) + np.spacing(np.abs(out)))
        sizes = np.maximum(np.abs(got), np.abs(expected))
        distance = np.abs(got - expected)
        rounding = self.rounding()
        is_sure = (error <= SURE * sizes) & ~is_rough
        if self.operation.is_level:
            is_sure &= expected == 0
        agrees = (distance <= TOLERANCE * sizes + 10 * error + rounding + TINY) | (got == expected)
        is_same = (got == expected) & (error <= TOLERANCE * (1 + np.abs(out) / own))
        status = np.full(len(out), ROUGH, np.int8)
        status[agrees & (is_sure | is_same | (error <= rounding + TINY))] = RIGHT
        status[is_sure & ~agrees] = WRONG
        if self.operation.is_level:  # at a jump, the side that the value belongs to is level
            goes_on = (self.moved(middle + last_digit) == out) | (self.moved(middle - last_digit) == out)
            status[goes_on & (got == 0)] = RIGHT
        status[(status == ROUGH) & ~np.isfinite(got) | ~np.isfinite(out)] = NOT_FINITE
        if self.operation.kinks is not None:
            status[self.operation.kinks(self.operands, out) & (status != RIGHT)] = KINK
        return status, expected, error

    def rounding(self) -> Column:
        """Return by how much a partial changes with the last digits of the numbers that it is computed from."""
        change = np.zeros(len(self.out))
        local = self.operation.local
        if local is None:
            return change
        still = local(self.port, self.operands, self.out)
        moved = self.operands[self.port] * _SHAKEN
        given = [moved if at == self.port else each for at, each in enumerate(self.operands)]
        change += finite(local(self.port, given, self.moved(moved)) - still)
        # Where another result makes another choice, that is no rounding.
        of_out = finite(local(self.port, self.operands, self.out * _SHAKEN) - still)
        steep = 1 + np.abs(still) + np.abs(self.out) / _sizes(self.operands[self.port])
        return change + np.where(of_out <= CHOICE * steep, of_out, 0)


def finite(change: Any) -> Any:
    """Return the size of a change, none where that is not finite."""
    return np.where(np.isfinite(change), np.abs(change), 0)


def _sizes(numbers: Column) -> Column:
    """Return how large numbers are, and 1 for zero."""
    sizes = np.abs(numbers)
    return np.where((sizes > 0) & np.isfinite(sizes), sizes, 1.0)
