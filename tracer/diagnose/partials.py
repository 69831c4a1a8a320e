"""Local partials against differences of their operation, a whole column at once. Used by verify.py.

No answer beats a wrong one: a partial is called wrong only where the differences are sure, and differ from it by more than
both may be off: the differences by truncation and rounding, the rule by the rounding of the numbers that it is given.
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
_ROUNDINGS = 8.0  # of every number that a rule is given
_SCREEN_STEP = 2.0**-14  # of the operand
_TINY_STEP = 1e-30  # imaginary: its square is nothing
_STEPS = (2.0**-6, 2.0**-16)  # of the operand, then where there is a kink or pole nearby
_CHUNK = 1 << 17  # numbers that are looked at together


@dataclass(frozen=True)
class Judged:
    """By number of a column: a status, and the partial by differences with its error."""

    status: Column
    expected: Column
    error: Column


def judge(
    operation: int, rule: Elementwise, operands: Sequence[Column], out: Column, params: dict[str, Any], port: int, got: Column
) -> Judged:
    """Compare the partials of one elementwise operation by one operand with differences; all columns are floats."""
    if len(out) <= _CHUNK:
        return _judge(operation, rule, operands, out, params, port, got)
    parts = []
    for start in range(0, len(out), _CHUNK):
        part = slice(start, start + _CHUNK)
        parts.append(_judge(operation, rule, [each[part] for each in operands], out[part], params, port, got[part]))
    return Judged(*(np.concatenate([getattr(each, name) for each in parts]) for name in ("status", "expected", "error")))


def _judge(
    operation: int, rule: Elementwise, operands: Sequence[Column], out: Column, params: dict[str, Any], port: int, got: Column
) -> Judged:
    function = forward(operation)
    status = np.full(len(out), ROUGH, np.int8)
    expected, error = np.full(len(out), np.nan), np.full(len(out), np.inf)
    if function is None:
        status[:] = NO_FUNCTION
        return Judged(status, expected, error)

    def compute(chosen: Any, moved: Any) -> Any:
        given = [moved if at == port else each[chosen] for at, each in enumerate(operands)]
        return function(tuple(given), params, out[chosen])

    # What the quick way finds right is right; the rest is looked at closely.
    everything = slice(None)
    if is_own(operation) and OP_NAMES[operation] in HOLOMORPHIC:
        expected = np.imag(compute(everything, operands[port] + 1j * _TINY_STEP)) / _TINY_STEP
        error = np.abs(expected) * np.finfo(np.float64).eps
        is_right = np.abs(got - expected) <= TOLERANCE * np.abs(got)
    else:
        step = _SCREEN_STEP * _sizes(operands[port])
        upper, lower = (compute(everything, operands[port] + by) for by in (step, -step))
        expected = (upper - lower) / (2 * step)
        error = np.abs(expected) * _SCREEN_STEP**2
        is_level = (upper == out) & (lower == out) & (got == 0)
        is_right = (np.abs(got - expected) <= TOLERANCE * np.abs(got)) & (got != 0) | is_level
    is_right &= np.isfinite(got) & np.isfinite(out)
    status[is_right] = RIGHT
    rest = np.flatnonzero(~is_right)
    if len(rest):
        status[rest], expected[rest], error[rest] = _closely(rule, operands, out, port, got, rest, compute)
    return Judged(status, expected, error)


def _closely(
    rule: Elementwise,
    operands: Sequence[Column],
    out: Column,
    port: int,
    got: Column,
    rest: Column,
    compute: Callable[[Any, Any], Any],
) -> tuple[Column, Column, Column]:
    """Judge what is not plainly right, by differences at several steps."""
    given, result, claim = [each[rest] for each in operands], out[rest], got[rest]
    expected, error = np.full(len(rest), np.nan), np.full(len(rest), np.inf)
    middle = given[port]
    sizes = _sizes(middle)
    for share in _STEPS:
        for size in (sizes, np.minimum(sizes, 1.0)):
            again, rough = slope(lambda by: compute(rest, middle + by), share * size)
            better = rough < error
            expected, error = np.where(better, again, expected), np.where(better, rough, error)
    sizes = np.maximum(np.abs(claim), np.abs(expected))
    distance = np.abs(claim - expected)
    rounding = _rounding(rule, port, given, result, claim)
    is_sure = error <= SURE * sizes
    agrees = distance <= TOLERANCE * sizes + 10 * error + rounding
    agrees |= (claim == expected) & np.isfinite(claim)
    status = np.full(len(rest), ROUGH, np.int8)
    is_same = (claim == expected) & (error <= TOLERANCE * (1 + np.abs(result) / _sizes(middle)))
    status[agrees & (is_sure | is_same | (error <= rounding) | (error == 0))] = RIGHT
    status[is_sure & ~agrees] = WRONG
    is_finite = np.isfinite(result)
    status[(status == ROUGH) & ~np.isfinite(claim) | ~is_finite] = NOT_FINITE
    at_kink = rule.at_kink
    if at_kink is not None:
        kinks = np.broadcast_to(at_kink(*given, result), result.shape)
        status[kinks & (status != RIGHT)] = KINK
    return status, expected, error


def _sizes(numbers: Column) -> Column:
    """Return how large numbers are, and 1 for zero."""
    sizes = np.abs(numbers)
    return np.where((sizes > 0) & np.isfinite(sizes), sizes, 1.0)


def _rounding(rule: Elementwise, port: int, given: Sequence[Column], out: Column, claim: Column) -> Column:
    """Return by how much a partial changes with the last digits of the numbers that it is computed from."""
    local = rule.local(port)
    least = np.finfo(np.float64).eps * _ROUNDINGS
    change = np.zeros(len(out))
    for at in range(len(given) + 1):
        numbers = [*given, out]
        numbers[at] = numbers[at] * (1 + least)
        moved = np.abs(local(*numbers) - claim)
        change += np.where(np.isfinite(moved), moved, 0)
    return change
