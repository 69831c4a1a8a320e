"""Vjps of NumPy's functions of polynomials, highest power first. Read through rules.RULES."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tracer.rules.kinds import Array, Operands, Params, Vjp, typed
from tracer.rules.matrices import summed_to
from tracer.rules.systems import SYSTEMS


def _powers(x: Array, count: int) -> Array:
    """Return x**(count - 1), …, x, 1 along a new first axis."""
    exponents = np.arange(count)[::-1].reshape(count, *(1,) * x.ndim)
    return np.asarray(x**exponents)


def _polyval(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back over Horner's scheme; the coefficients may be arrays, which broadcast with x."""
    del out, params
    p, x = operands
    if port == 1:
        value = slope = np.zeros(np.shape(g), np.result_type(p, x))
        for coefficient in p:
            value, slope = value * x + coefficient, slope * x + value
        return typed(summed_to(g * slope, x.shape), x)
    back = [summed_to(g * power, p.shape[1:]) for power in _powers(x, len(p))]
    return typed(np.reshape(back, p.shape), p)


def _vander(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, out
    (x,) = operands
    g = g if params["increasing"] else g[:, ::-1]
    exponents = np.arange(1, g.shape[1])
    return typed((g[:, 1:] * exponents * x[:, None] ** (exponents - 1)).sum(1), x)


def _polyfit(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back over the least squares of w (vander(x) p - y), with columns scaled to the length 1 as NumPy's are."""
    x, y, *weights = operands
    deg = params["deg"]
    w = weights[0] if weights else np.ones_like(x)
    powers = np.vander(x, deg + 1)
    matrix = powers * w[:, None]
    right = (y.T * w).T
    scale = np.sqrt((matrix**2).sum(0))
    scaled = (out.T * scale).T, (g.T / scale).T
    pull = SYSTEMS["lstsq"].pull
    if port == 1:
        return typed((pull(1, scaled[1], scaled[0], (matrix / scale, right), {}).T * w).T, y)
    of_scaled = pull(0, scaled[1], scaled[0], (matrix / scale, right), {})
    # Zero where the equations are enough: else the shortest of the scaled solutions changes with the scale.
    of_scale = -((g * out).reshape(len(scale), -1).sum(1) + (of_scaled * matrix).sum(0) / scale) / scale
    of_matrix = (of_scaled + of_scale * matrix) / scale
    if port == 0:
        return _vander(0, of_matrix * w[:, None], powers, (x,), {"increasing": False})
    of_right = pull(1, scaled[1], scaled[0], (matrix / scale, right), {})
    return typed((of_matrix * powers).sum(1) + (of_right * y).reshape(len(y), -1).sum(1), w)


def _polyder(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, out
    (p,) = operands
    factors = np.polyder(np.ones(len(p)), params["m"])
    back = np.zeros(len(p), g.dtype)
    back[: len(factors)] = g * factors
    return typed(back, p)


def _polyint(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del out
    p, m = operands[0], params["m"]
    if port == 1:  # of the constants, the first is integrated m - 1 times
        k = operands[1]
        back = g[len(p) :] / [math.factorial(m - 1 - at) for at in range(m)]
        if k.size > m:  # more than are integrated
            return typed(np.pad(back, (0, k.size - m)), k)
        return typed(summed_to(back, k.shape), k)
    return typed(g[: len(p)] * np.polyint(np.ones(len(p)), m)[: len(p)], p)


def _aligned(g: Any, operand: Array) -> Array:
    """Take the lowest powers, or fill up with zeros for highest ones that NumPy left away."""
    count = operand.size
    back = np.zeros(count, g.dtype)
    kept = min(count, len(g))
    back[count - kept :] = g[len(g) - kept :]
    return typed(back.reshape(operand.shape), operand)


def _polyadd(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del out, params
    return _aligned(g, operands[port])


def _polysub(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del out, params
    return _aligned(-g if port else g, operands[port])


def _polymul(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Correlate with the other factor: the full product of what is written, though NumPy leaves leading zeros away."""
    del out, params
    a, b = (np.atleast_1d(operand) for operand in operands)
    full = np.zeros(len(a) + len(b) - 1, g.dtype)
    full[len(full) - len(g) :] = g
    return typed(
        np.correlate(full, (b, a)[port].conj(), "valid").reshape(operands[port].shape), operands[port]
    )


def _quotient_matrix(v: Array, count: int) -> Array:
    """Return the matrix that multiplies a polynomial of `count` coefficients by v."""
    matrix = np.zeros((count + len(v) - 1, count), v.dtype)
    for at in range(count):
        matrix[at : at + len(v), at] = v
    return matrix


def _polydiv(port: int, of_quotient: Any, of_rest: Any, quotient: Any, operands: Operands) -> Array:
    """Go back over u = q v + r: the highest rows of the product give q, the others r."""
    u, v = map(np.atleast_1d, operands)
    taken = np.result_type(*operands, quotient)
    taken = np.dtype(np.complex128 if taken.kind == "c" else np.float64)  # which np.linalg takes
    product = _quotient_matrix(v, len(quotient)).astype(taken)
    tail = np.zeros(len(u), taken)
    if len(of_rest):
        tail[len(u) - len(of_rest) :] = of_rest
    if len(u) < len(v):
        return typed(tail.reshape(operands[0].shape), u) if port == 0 else np.zeros_like(operands[1])
    top = np.linalg.solve(product[: len(quotient)].T, of_quotient.astype(taken) - product.T @ tail)
    back = tail.copy()
    back[: len(quotient)] += top
    if port == 0:
        return typed(back.reshape(operands[0].shape), u)
    return typed(-np.correlate(back, quotient.conj(), "valid").reshape(operands[1].shape), v)


def _polydiv_quotient(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del params
    return _polydiv(port, g, np.zeros(0), out, operands)


def _polydiv_rest(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    quotient = params["results"][0]
    del out
    return _polydiv(port, np.zeros_like(quotient), g, quotient, operands)


def _roots(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Return -r**k / p'(r) for the coefficient of the power k."""
    del port, params
    (p,) = operands
    slopes = np.polyval(np.polyder(p), out)
    return typed((_powers(out, len(p)) * (-g / slopes)).sum(1), p)


def _is_multiple(out: Any, operands: Operands, params: Params) -> bool:
    del params
    slopes = np.abs(np.polyval(np.polyder(operands[0]), out))
    sizes = np.polyval(np.abs(np.polyder(operands[0])), np.abs(out))
    return bool((slopes <= 1e-7 * sizes).any())


def _poly(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Return, for every root, the opposite of the product of the other factors."""
    del port, out, params
    (roots,) = operands
    back = [-np.dot(g[1:], np.poly(np.delete(roots, at))) for at in range(len(roots))]
    return typed(np.reshape(back, roots.shape), roots)


POLYNOMIALS = {
    "polyval": Vjp(_polyval),
    "vander": Vjp(_vander),
    "polyfit": Vjp(_polyfit),
    "polyder": Vjp(_polyder),
    "polyint": Vjp(_polyint),
    "polyadd": Vjp(_polyadd, "+"),
    "polysub": Vjp(_polysub, "−"),
    "polymul": Vjp(_polymul, "×"),
    "polydiv_quotient": Vjp(_polydiv_quotient, "÷"),
    "polydiv_rest": Vjp(_polydiv_rest, "÷"),
    "roots": Vjp(
        _roots,
        kink="a root that is there twice",
        choice="roots: a double root has no slope, inf or very large",
        at_kink=_is_multiple,
    ),
    "poly": Vjp(_poly),
}
