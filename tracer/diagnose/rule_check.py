"""A user's rule against differences of its function. Used by user_rules.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.differences import slope
from tracer.errors import RuleError, UsageError
from tracer.numbers_text import number
from tracer.pull import pull
from tracer.rules.kinds import Elementwise, Vjp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TOLERANCE = 1e-6  # of the derivative: what a right rule and good differences may differ by
_SURE = 1e-4  # of the derivative: differences that are worse than this say nothing
_SMALL = 1e-3  # of the largest element: smaller ones are compared with this much of it
_STEP = 1 / 64  # of the operand's size
_Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Subject:
    """A function and its rule, at one point."""

    function: Callable[..., Any]
    rule: Elementwise | Vjp
    names: Sequence[str]
    operands: tuple[_Array, ...]
    options: dict[str, Any]

    @property
    def name(self) -> str:
        """The function's name, for messages."""
        return getattr(self.function, "__name__", type(self.function).__name__)

    def result(self, *operands: _Array) -> _Array:
        """Call the function, with numbers where it was given numbers."""
        given = [each if each.ndim else each.item() for each in map(np.asarray, operands)]
        return np.asarray(self.function(*given, **self.options))

    def moved(self, port: int, by: Any) -> _Array:
        """Return the result with one operand moved."""
        return self.result(*(each + by if at == port else each for at, each in enumerate(self.operands)))


def check_rule(
    function: Callable[..., Any],
    rule: Elementwise | Vjp,
    operands: tuple[Sequence[str], Sequence[Any], Sequence[bool]],
    options: dict[str, Any],
) -> None:
    """Compare what a rule gives for each operand with differences of its function at the operands' values.

    `operands` are their names, their values, and whether the rule has a partial for each. A text is compared element by
    element, a function in one random direction. Raises RuleError where they disagree, and UsageError where the
    differences are too rough to tell: at a kink, or in single precision.
    """
    names, values, has_partial = operands
    arrays = map(np.asarray, values)
    numbers = tuple(each.astype(np.float64) if each.dtype.kind in "iu" else each for each in arrays)
    subject = Subject(function, rule, names, numbers, options)
    check = _check_text if isinstance(rule, Elementwise) else _check_code
    with np.errstate(all="ignore"):  # inf and NaN are answers here, too
        for port, is_checked in enumerate(has_partial):
            if is_checked:
                check(subject, port)


def _check_text(subject: Subject, port: int) -> None:
    """Compare a local partial, element by element: all of them are moved at once, and none sees another."""
    out, operand = subject.result(*subject.operands), subject.operands[port]
    expected, error = slope(lambda by: subject.moved(port, by), _step(operand))
    target = out.shape if out.shape != operand.shape else None
    got = pull(subject.rule, port, np.ones_like(out), out, subject.operands, {}, target)

    def where(place: tuple[int, ...]) -> str:
        return ", ".join(number(np.broadcast_to(each, out.shape)[place]) for each in subject.operands)

    _compare(subject, port, (np.asarray(got, np.float64), expected, error), where)


def _check_code(subject: Subject, port: int) -> None:
    """Compare what comes back to one operand in one random direction, which every wrong element shows in."""
    random = np.random.default_rng(0)
    out, operand = subject.result(*subject.operands), subject.operands[port]
    direction = random.normal(size=operand.shape)
    weight: _Array = np.asarray(random.normal(size=out.shape))
    step = _step(operand)
    expected, error = slope(
        lambda by: np.sum(weight * subject.moved(port, np.asarray(by * direction, operand.dtype))), step
    )
    params = {"options": subject.options}
    back = pull(subject.rule, port, weight.astype(out.dtype), out, subject.operands, params, None)
    got = np.sum(np.asarray(back, np.float64) * direction)
    _compare(subject, port, (got, expected, error), lambda _: "a random direction")


def _step(operand: _Array) -> float:
    return (float(np.max(np.abs(operand), initial=0)) or 1.0) * _STEP


def _compare(
    subject: Subject,
    port: int,
    numbers: tuple[Any, _Array, _Array],
    where: Callable[[tuple[int, ...]], str],
) -> None:
    """Raise where two derivatives disagree by more than the differences may be off."""
    got, expected, error = np.broadcast_arrays(*numbers)
    size = np.maximum(np.abs(got), np.abs(expected))
    size = np.maximum(size, _SMALL * np.max(size, initial=0, where=np.isfinite(size)))
    distance = np.abs(got - expected)
    is_sure = error <= _SURE * size
    agrees = distance <= TOLERANCE * size + 10 * error
    is_wrong, is_unsure = is_sure & ~agrees, ~is_sure & ~((error == 0) & agrees)
    mask = is_wrong if is_wrong.any() else is_unsure
    if not mask.any():
        return
    worst = tuple(map(int, np.unravel_index(int(np.argmax(np.where(mask, distance, -1))), mask.shape)))
    rule = subject.rule
    text = f", {rule.formula(port)}," if isinstance(rule, Elementwise) else ""
    partial = f"the partial{text} of {subject.name} by {subject.names[port]}"
    rule_says = f"the rule gives {number(got[worst])}, differences give {number(expected[worst])}"
    if mask is is_wrong:
        raise RuleError(f"{partial} is wrong", where=where(worst), got=rule_says)
    raise UsageError(
        f"{partial} can't be checked here",
        where=where(worst),
        got=f"{rule_says} ± {number(error[worst])}",
        advice="check it away from kinks and poles, and in double precision",
    )
