"""Whether a claimed gradient is the right one, rounded to the digits in which it is written: 0.1966 for 0.19661193.

Used by audit.py. Fewer than three digits say nothing: 0.2 may be anything. Nor do whole numbers: a program computes
them, too, and 123.0 for 123.4 is a mistake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.numbers_text import DIGITS, number

if TYPE_CHECKING:
    from collections.abc import Callable

    Numbers = np.ndarray[Any, np.dtype[np.float64]]

LEAST = 3  # digits
_MOST = 15  # digits; more are all that a float has
_ALL = 17  # of a float
_SIZES = 1e-280, 1e280  # between which a number can be moved to its digits and back


def rounded_to(claimed: Any, right: Any) -> str:
    """Say to what the right gradient was rounded to give what is claimed, `4 digits`; empty where it was not.

    An array may also be rounded to decimals, as it is printed, that are three digits of most of its numbers.
    """
    claimed, right = np.asarray(claimed), np.asarray(right)
    if claimed.shape != right.shape or any(each.dtype.kind not in "fiu" for each in (claimed, right)):
        return ""
    eps = [np.finfo(each.dtype).eps for each in (claimed, right) if each.dtype.kind == "f"]
    slack = 4 * float(max(eps, default=0.0))
    given, exact = claimed.astype(np.float64), right.astype(np.float64)
    sizes = np.abs(exact[exact != 0])
    most_off = np.abs(given - exact).max(initial=0.0)
    has_lost = bool(np.any((given == 0) & (exact != 0)))  # a zero may be a gradient that got lost
    if (
        has_lost
        or not np.any(given % 1)
        or not len(sizes)
        or not np.isfinite(most_off)
        or sizes.min() < _SIZES[0]
        or sizes.max() > _SIZES[1]
    ):
        return ""
    if digits := _kept(given, exact, slack, _to_digits, LEAST):
        return f"{digits} digits"
    typical = LEAST - 1 - int(np.floor(np.log10(np.median(sizes))))
    decimals = _kept(given, exact, slack, np.round, max(typical, 1)) if given.ndim else 0
    return f"{decimals} decimals" if decimals else ""


def _kept(
    given: Numbers, exact: Numbers, slack: float, rounded: Callable[[Numbers, int], Numbers], least: int
) -> int:
    """Return in how many digits all of an array is written, if it is what the exact one is in so many; else 0."""

    def is_near(places: int, numbers: Numbers) -> bool:
        return bool(np.all(np.abs(rounded(numbers, places) - given) <= slack * np.abs(given)))

    places = next((places for places in range(least, least + _MOST) if is_near(places, given)), 0)
    is_written_in_fewer = places == least and is_near(places - 1, given)
    return places if places and not is_written_in_fewer and is_near(places, exact) else 0


def _to_digits(numbers: Numbers, digits: int) -> Numbers:
    """Round to significant digits."""
    exponents = np.floor(np.log10(np.abs(numbers, where=numbers != 0, out=np.ones_like(numbers))))
    scales = 10.0 ** (digits - 1 - exponents)
    return np.asarray(np.round(numbers * scales) / scales)


def digits_apart(claimed: Any, expected: Any) -> int:
    """Return how many digits tell two numbers apart."""
    return next(
        (digits for digits in range(DIGITS, _ALL) if number(claimed, digits) != number(expected, digits)),
        _ALL,
    )
