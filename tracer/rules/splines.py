"""Vjps of the splines of `scipy.interpolate`: of their coefficients by the data, and of their values.

A piecewise polynomial is read at x with `breaks` and coefficients (the highest power first), a B-spline with knots `t`
and degree `k`; `nu` says which derivative is read. At a knot the slope is that after it. What a spline is made of is
linear in the data, but for PchipInterpolator, whose slopes are weighted harmonic means (F. Fritsch, J. Butland, SIAM J.
Sci. Stat. Comput. 5, 1984). Read through rules.RULES.
"""

from __future__ import annotations

from math import perm
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.rules.from_scipy import from_scipy
from tracer.rules.kinds import Array, Operands, Params, Vjp, typed

if TYPE_CHECKING:
    from collections.abc import Callable

_AT_ONCE = 2**20  # numbers of a basis

# read at places


def _powers(x: Array, params: Params) -> tuple[Array, Array]:
    """Return of each place in which piece it is, and how far from its beginning."""
    breaks = params["breaks"]
    if params["extrapolate"] == "periodic":
        x = breaks[0] + (x - breaks[0]) % (breaks[-1] - breaks[0])
    piece = np.clip(np.searchsorted(breaks, x, side="right") - 1, 0, len(breaks) - 2)
    return piece, x - breaks[piece]


def _piecewise(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back to the places and to the coefficients, whose further axes come after those of x."""
    del out
    x, c = operands
    g = np.asarray(g)
    piece, inner = (each.reshape(x.shape + (1,) * (c.ndim - 2)) for each in _powers(x, params))
    if not params["extrapolate"]:
        outside = (x < params["breaks"][0]) | (x > params["breaks"][-1])
        g = np.where(outside.reshape(inner.shape), 0, g)
    order, back = params["nu"] + (port == 0), np.zeros(c.shape)
    slope = np.zeros(g.shape)
    for power, row in enumerate(range(len(c) - 1, -1, -1)):
        if power >= order:
            local = perm(power, order) * inner ** (power - order)
            if port:
                np.add.at(back[row], piece.reshape(x.shape), g * local)
            else:
                slope += local * c[row][piece.reshape(x.shape)]
    return typed(back, c) if port else _summed(g * slope, x)


def _integral(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back over the integral between two numbers to both of them, and to the coefficients."""
    ends, c, breaks = [float(each) for each in operands[:2]], operands[2], params["breaks"]
    g = np.where(np.isnan(out), 0, g)  # extrapolate=False
    if port < 2:
        value = from_scipy("interpolate", "PPoly")(c, breaks)(ends[port])
        return typed(np.sum(g * value) * (1 if port else -1), operands[port])
    edges = np.array([-np.inf, *breaks[1:-1], np.inf])
    edges = np.minimum(np.maximum(edges, min(ends)), max(ends))
    low, high = edges[:-1] - breaks[:-1], edges[1:] - breaks[:-1]
    powers = np.arange(len(c), 0, -1)[:, None]
    weights = (high**powers - low**powers) / powers * (1 if ends[0] <= ends[1] else -1)
    return typed(np.multiply.outer(weights, g), c)


def _summed(back: Array, x: Array) -> Array:
    return typed(np.sum(back, axis=tuple(range(x.ndim, back.ndim))), x)


def _b_spline(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    x, c = operands
    made, g = from_scipy("interpolate", "BSpline"), np.asarray(g)
    knots, degree, nu, extrapolate = (params[name] for name in ("t", "k", "nu", "extrapolate"))
    if port == 0:
        slope = made(knots, c, degree)(x, nu + 1, extrapolate)
        return _summed(np.where(np.isnan(out) & np.isnan(slope), 0, g * slope), x)
    back, places, g = np.zeros((len(c), int(np.prod(c.shape[1:])))), x.ravel(), g.reshape(x.size, -1)
    basis, step = made(knots, np.eye(len(c)), degree), max(1, _AT_ONCE // len(c))
    for at in range(0, x.size, step):
        values = basis(places[at : at + step], nu, extrapolate)
        back += np.where(np.isnan(values), 0, values).T @ g[at : at + step]
    return typed(back.reshape(c.shape), c)


# made of data


def _linear(make: Callable[[Array, Params], Array], made: int) -> Vjp:
    """Return the rule of coefficients, along `made` axes, that are linear in the data, by those of each datum alone."""

    def pull(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
        del port, out
        (y,) = operands
        count, along = y.shape[params["axis"]], tuple(range(made))
        step = max(1, _AT_ONCE // (4 * count))
        parts = [
            np.tensordot(make(np.eye(count, min(step, count - at), -at), params), g, (along, along))
            for at in range(0, count, step)
        ]
        return typed(np.moveaxis(np.concatenate(parts), 0, params["axis"]), y)

    return Vjp(pull, real_only=True)


def _cubic(y: Array, params: Params) -> Array:
    ends = params["bc_type"]
    if not isinstance(ends, str):
        ends = [each if isinstance(each, str) else (int(each[0]), np.zeros(y.shape[1:])) for each in ends]
    return np.asarray(from_scipy("interpolate", "CubicSpline")(params["x"], y, bc_type=ends).c)


def _interpolating(y: Array, params: Params) -> Array:
    ends = params["bc_type"]
    if ends is not None and not isinstance(ends, str):
        ends = [
            each
            if each is None or isinstance(each, str)
            else [(int(order), np.zeros(y.shape[1:])) for order, _ in each]
            for each in ends
        ]
    made = from_scipy("interpolate", "make_interp_spline")
    return np.asarray(made(params["x"], y, params["k"], params["t"], ends).c)


def _of_hermite(g: Array, width: Array) -> tuple[Array, Array]:
    """Go back from the coefficients of cubic pieces to the values and slopes at their ends."""
    t = g[0] / width - g[1]
    by_chord = g[1] / width - 2 * t / width
    of_y, of_slope = (np.zeros((g.shape[1] + 1, *g.shape[2:])) for _ in range(2))
    of_y[:-1] = g[3] - by_chord / width
    of_y[1:] += by_chord / width
    of_slope[:-1] = g[2] - g[1] / width + t / width
    of_slope[1:] += t / width
    return of_y, of_slope


def _widths(g: Any, params: Params) -> tuple[Array, Array]:
    g = np.asarray(g)
    return g, np.diff(params["x"]).reshape(-1, *(1,) * (g.ndim - 2))


def _hermite(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del out
    back = _of_hermite(*_widths(g, params))[port]
    return typed(np.moveaxis(back, 0, params["axis"]), operands[port])


def _pchip(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, out
    (y,) = operands
    g, width = _widths(g, params)
    chord = np.diff(np.moveaxis(y, params["axis"], 0), axis=0) / width
    back, of_slope = _of_hermite(g, width)
    of_chord = np.zeros(chord.shape)
    if len(chord) == 1:
        of_chord[0] = of_slope[0] + of_slope[1]
    else:
        before, after = chord[:-1], chord[1:]
        by_before, by_after = 2 * width[1:] + width[:-1], width[1:] + 2 * width[:-1]
        turns = np.sign(before) * np.sign(after) <= 0
        with np.errstate(all="ignore"):
            mean = (by_before + by_after) / (by_before / before + by_after / after)
            local = of_slope[1:-1] * mean**2 / (by_before + by_after)
            of_chord[:-1] += np.where(turns, 0, local * by_before / before**2)
            of_chord[1:] += np.where(turns, 0, local * by_after / after**2)
        for end, beside in ((0, 1), (-1, -2)):
            near, next_to = _of_end(width[end], width[beside], chord[end], chord[beside])
            of_chord[end] += of_slope[end] * near
            of_chord[beside] += of_slope[end] * next_to
    back[:-1] -= of_chord / width
    back[1:] += of_chord / width
    return typed(np.moveaxis(back, 0, params["axis"]), y)


def _of_end(width: Array, beside: Array, chord: Array, next_chord: Array) -> tuple[Array, Array]:
    """Return the derivatives of the slope at an end by the two chords next to it."""
    near, next_to = (2 * width + beside) / (width + beside), -width / (width + beside)
    slope = near * chord + next_to * next_chord
    is_zero = np.sign(slope) != np.sign(chord)
    is_steep = (np.sign(chord) != np.sign(next_chord)) & (abs(slope) > 3 * abs(chord))
    return np.where(is_zero, 0, np.where(is_steep, 3, near)), np.where(is_zero | is_steep, 0, next_to)


def _has_level(out: Any, operands: Operands, params: Params) -> bool:
    del out
    return not np.all(np.diff(operands[0], axis=params["axis"]))


SPLINES = {
    "piecewise_polynomial": Vjp(_piecewise, real_only=True),
    "piecewise_integral": Vjp(_integral, "∫", real_only=True),
    "b_spline": Vjp(_b_spline, real_only=True),
    "cubic_spline": _linear(_cubic, 2),
    "interpolating_spline": _linear(_interpolating, 1),
    "cubic_hermite": Vjp(_hermite, real_only=True),
    "pchip": Vjp(
        _pchip,
        kink="where two neighbours are equal",
        choice="pchip: there the slope stays zero",
        at_kink=_has_level,
        real_only=True,
    ),
}
