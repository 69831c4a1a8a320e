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
        value = _digamma_of_positive(np.where(wide.real <= 0, 1 - wide, wide)) - _by_reflection(wide)
    return np.where(_is_pole(wide), np.nan, value).astype(dtype)[()]


def digamma_rise(x: Any, y: Any, step: Any) -> Any:
    """Return digamma(y) - digamma(x), of real `x` and `y` that lie `step` apart, with all digits of a small difference.

    At two poles it is the limit where both are moved by the same; at one, NaN.
    """
    given = np.asarray(y)
    dtype = given.dtype if given.dtype.kind == "f" else np.dtype(np.float64)
    x, y, step = (np.asarray(each, np.float64) for each in (x, y, step))
    with np.errstate(all="ignore"):
        first, last = np.where(x <= 0, 1 - x, x), np.where(y <= 0, 1 - y, y)
        both = (x <= 0) & (y <= 0)
        apart = np.where(both, -step, np.where((x > 0) & (y > 0), step, last - first))
        # The difference of two cotangents, which is zero where the step is whole.
        between = np.where(step == np.rint(step), 0, math.pi * _sine(step) / (_sine(x) * _sine(y)))
        value = _rise_of_positive(first, last, apart)
        value = value + np.where(both, between, _by_reflection(x) - _by_reflection(y))
    return np.where(_is_pole(x) != _is_pole(y), np.nan, value).astype(dtype)[()]


def _is_pole(x: Any) -> Any:
    return (x.real <= 0) & (x == np.rint(x.real))


def _by_reflection(x: Any) -> Any:
    """Return digamma(1 - x) - digamma(x) left of 0: the distance to the next integer is exact, pi * x is not."""
    return np.where(x.real <= 0, math.pi / np.tan(math.pi * (x - np.rint(x.real))), 0)


def _sine(x: Any) -> Any:
    """Return the sine of pi x."""
    return np.sin(math.pi * (x - np.rint(x))) * (1 - 2 * (np.rint(x) % 2))


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


def _rise_of_positive(x: Any, y: Any, step: Any) -> Any:
    """Return what the terms of `_digamma_of_positive` rise by from x to y, each of them without a difference."""
    value = np.zeros(np.broadcast_shapes(np.shape(x), np.shape(y), np.shape(step)))
    for _ in range(LARGE):
        value += step / (x * y)
        x, y = x + 1, y + 1
    logarithm = np.where(abs(step) < x / 2, np.log1p(step / x), np.log(y / x))
    for power, coefficient in enumerate(ASYMPTOTIC, start=1):
        value += coefficient * np.expm1(-2 * power * logarithm) / x ** (2 * power)
    return value + logarithm + step / (2 * x * y)
