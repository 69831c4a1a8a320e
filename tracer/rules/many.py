"""Derivatives of scalar functions of any number of scalars: math.prod, math.dist, ….

Read through rules.RULES.
"""

from __future__ import annotations

from itertools import accumulate
from operator import mul
from typing import TYPE_CHECKING, Any

from tracer.rules.kinds import Many

if TYPE_CHECKING:
    from collections.abc import Sequence


def _ones(operands: Sequence[Any], out: Any) -> list[float]:
    del out
    return [1.0] * len(operands)


def _products_of_others(operands: Sequence[Any], out: Any) -> list[Any]:
    """Multiply what stands before with what stands after: no division, so zeros are no exception."""
    del out
    before = accumulate(operands[:-1], mul, initial=1.0)
    after = list(accumulate(reversed(operands[1:]), mul, initial=1.0))
    return [left * right for left, right in zip(before, reversed(after), strict=True)]


def _directions(operands: Sequence[Any], out: Any) -> list[float]:
    return [x / out if out else 0.0 for x in operands]


def _directions_between(operands: Sequence[Any], out: Any) -> list[float]:
    half = len(operands) // 2
    forth = _directions([p - q for p, q in zip(operands[:half], operands[half:], strict=True)], out)
    return [*forth, *(-x for x in forth)]


def _swapped_halves(operands: Sequence[Any], out: Any) -> list[Any]:
    del out
    half = len(operands) // 2
    return [*operands[half:], *operands[:half]]


def _first_chosen(operands: Sequence[Any], out: Any) -> list[float]:
    """Mark the first operand that is the result: Python's min and max hand that one on, also in a tie."""
    partials = [0.0] * len(operands)
    partials[next(at for at, x in enumerate(operands) if x == out or (x != x and out != out))] = 1.0  # noqa: PLR0124
    return partials


def _is_tie(operands: Sequence[Any], out: Any) -> bool:
    return sum(bool(x == out) for x in operands) > 1


def _is_origin(operands: Sequence[Any], out: Any) -> bool:
    del operands
    return bool(out == 0)


MANY = {
    "fsum": Many(_ones, "1", "Σ"),
    "sum_scalars": Many(_ones, "1", "Σ"),
    "prod_scalars": Many(_products_of_others, "product of the others", "∏"),
    "hypot_scalars": Many(
        _directions, "x/out", "hypot", kink="out == 0", choice="hypot'(0, …) = 0", at_kink=_is_origin
    ),
    "dist": Many(
        _directions_between, "±(p - q)/out", kink="out == 0", choice="dist'(p, p) = 0", at_kink=_is_origin
    ),
    **{
        f"{name}_scalars": Many(
            _first_chosen,
            f"1 for the {name}, else 0",
            name,
            kink="a tie",
            choice=f"{name}: in a tie the first gets all",
            at_kink=_is_tie,
            routes=True,
        )
        for name in ("max", "min")
    },
    "sumprod": Many(_swapped_halves, "the other factor", "Σ×"),
}
