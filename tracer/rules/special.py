"""Functions that derivatives need and NumPy lacks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

# -B(2k)/(2k) for k = 1..8, with the Bernoulli numbers B(2k) of Abramowitz & Stegun 23.1
ASYMPTOTIC = (-1 / 12, 1 / 120, -1 / 252, 1 / 240, -1 / 132, 691 / 32760, -1 / 12, 3617 / 8160)
_POINTS = 128  # of the integral of i1: enough up to where it overflows
LARGE = 10  # from here on the asymptotic series is exact in float64


def digamma(x: Any) -> Any:
    """Return the logarithmic derivative of the gamma function, also of complex `x`; NaN at its poles.

    Reflection, recurrence and asymptotic series: Abramowitz & Stegun 6.3.7, 6.3.5, 6.3.18.
    """
    given = np.asarray(x)
    dtype = given.dtype if given.dtype.kind in "fc" else np.dtype(np.float64)
    wide = given.astype(np.complex128 if dtype.kind == "c" else np.float64)
    with np.errstate(all="ignore"):
        reflected = wide.real < 0
        positive = np.where(reflected, 1 - wide, wide)
        value = _digamma_of_positive(positive)
        # tan has the period pi: the distance to the next integer is exact, pi * wide is not.
        value = value - np.where(reflected, math.pi / np.tan(math.pi * (wide - np.rint(wide.real))), 0)
    poles = (wide.real <= 0) & (wide == np.rint(wide.real))
    return np.where(poles, np.nan, value).astype(dtype)[()]


_ANGLES = (np.arange(_POINTS) + 0.5) * (math.pi / (2 * _POINTS))


def i1(x: Any) -> Any:
    """Return the modified Bessel function of order 1, the derivative of np.i0, for real `x`.

    The mean of sinh(x cos t) cos t over a quarter turn: all terms have one sign, and the midpoint rule is exact to
    the last digits for periodic functions. Abramowitz & Stegun 9.6.19.
    """
    given = np.asarray(x)
    dtype = given.dtype if given.dtype.kind == "f" else np.dtype(np.float64)
    cosines = np.cos(_ANGLES)
    return np.mean(np.sinh(given.astype(np.float64)[..., None] * cosines) * cosines, -1).astype(dtype)[()]


def _digamma_of_positive(x: Any) -> Any:
    steps = np.zeros_like(x)
    for _ in range(LARGE):
        small = x.real < LARGE
        steps += np.where(small, 1 / x, 0)
        x = x + small
    inverse_square = 1 / (x * x)
    series = np.zeros_like(x)
    for coefficient in reversed(ASYMPTOTIC):
        series = (series + coefficient) * inverse_square
    return np.log(x) - 1 / (2 * x) + series - steps
