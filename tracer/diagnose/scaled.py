"""Numbers that are too large or too small for a float: a mantissa and a power of two. Used by paths.py."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

_BLOCK = 1_000  # so many mantissas, of a half or more each, multiply to a float that loses no digits


@dataclass(frozen=True, slots=True)
class Scaled:
    """A number: the mantissa times two to the exponent. What is not finite is all in the mantissa."""

    mantissa: float
    exponent: int = 0

    def __float__(self) -> float:
        """Return the nearest float: infinite beyond the floats, zero beneath them."""
        try:
            return math.ldexp(self.mantissa, self.exponent)
        except OverflowError:
            return math.copysign(math.inf, self.mantissa)

    @property
    def log10(self) -> float:
        """The logarithm of the size."""
        if not self.mantissa:
            return -math.inf
        return math.log10(abs(self.mantissa)) + self.exponent * math.log10(2)

    @property
    def rank(self) -> tuple[bool, int, float]:
        """By what sizes are compared: largest is what is not finite."""
        if not math.isfinite(self.mantissa):
            return True, 0, 0.0
        return False, self.exponent if self.mantissa else -(2**62), abs(self.mantissa)

    def over(self, divisor: float) -> Scaled:
        """Divide by a number that is neither zero nor infinite."""
        below, power = math.frexp(divisor)
        return _scaled(self.mantissa / below, self.exponent - power)


def _scaled(number: float, exponent: int = 0) -> Scaled:
    mantissa, more = math.frexp(number)
    return Scaled(mantissa, exponent + more)


def product(factors: np.ndarray[Any, np.dtype[np.float64]]) -> Scaled:
    """Multiply numbers, in their order."""
    mantissas, exponents = np.frexp(factors)
    parts = mantissas.tolist()
    found = Scaled(1.0, int(exponents.sum(dtype=np.int64)))
    for start in range(0, len(parts), _BLOCK):
        found = _scaled(math.prod([found.mantissa, *parts[start : start + _BLOCK]]), found.exponent)
    return found


def total(terms: Sequence[Scaled]) -> Scaled:
    """Add up numbers; NaN where infinities of both signs meet."""
    infinite = [term.mantissa for term in terms if not math.isfinite(term.mantissa)]
    if infinite:
        return Scaled(sum(infinite))
    top = max((term.exponent for term in terms if term.mantissa), default=0)
    return _scaled(math.fsum(float(Scaled(term.mantissa, term.exponent - top)) for term in terms), top)
