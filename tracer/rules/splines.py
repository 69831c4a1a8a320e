"""The vjp of a piecewise polynomial of `scipy.interpolate` (CubicSpline, PchipInterpolator, …) by where it is read.

Params, as SciPy's `PPoly` has them: `breaks`, `coefficients` (the highest power first), `nu` (which derivative is
read), `extrapolate`. At a knot the slope is that after it. Needs no SciPy. Read through rules.RULES.
"""

from __future__ import annotations

from math import perm
from typing import Any

import numpy as np

from tracer.rules.kinds import Array, Operands, Params, Vjp, typed


def _slope(x: Array, params: Params) -> Array:
    """Return the derivative at each place; what the coefficients have more axes than two come after those of x."""
    breaks, coefficients = params["breaks"], params["coefficients"]
    if params["extrapolate"] == "periodic":
        x = breaks[0] + (x - breaks[0]) % (breaks[-1] - breaks[0])
    piece = np.clip(np.searchsorted(breaks, x, side="right") - 1, 0, len(breaks) - 2)
    inner = (x - breaks[piece]).reshape(x.shape + (1,) * (coefficients.ndim - 2))
    order, slope = params["nu"] + 1, np.zeros(x.shape + coefficients.shape[2:])
    for power, each in enumerate(coefficients[::-1]):
        if power >= order:
            slope += perm(power, order) * each[piece] * inner ** (power - order)
    return slope


def _piecewise(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    x = operands[port]
    slope = _slope(x, params)
    outside = np.isnan(out) & np.isfinite(slope)  # extrapolate=False
    back = np.where(outside, 0, g * slope)
    return typed(np.sum(back, axis=tuple(range(x.ndim, back.ndim))), x)


SPLINES = {"piecewise_polynomial": Vjp(_piecewise, real_only=True)}
