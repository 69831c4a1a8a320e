"""Vjps of cdist and pdist of `scipy.spatial.distance`. Needs no SciPy. Read through rules.RULES.

Params: `metric`, a name of SLOPES, and the exponent `p`. Two points in one place are at a kink of most metrics; their
distance changes by nothing there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.rules.kinds import Array, Operands, Params, Vjp, typed

if TYPE_CHECKING:
    from collections.abc import Callable


def _over(numbers: Array, by: Array) -> Array:
    return np.divide(numbers, by, out=np.zeros(np.broadcast_shapes(numbers.shape, by.shape)), where=by != 0)


def _chebyshev(a: Array, b: Array, out: Array, p: float) -> Array:
    """Return the sign of the largest difference; ties share equally."""
    del out, p
    size = np.abs(a - b)
    largest = (size == np.max(size, axis=-1, keepdims=True, initial=0)) * np.sign(a - b)
    return _over(largest, np.sum(np.abs(largest), axis=-1, keepdims=True))


def _minkowski(a: Array, b: Array, out: Array, p: float) -> Array:
    slope: Array = np.sign(a - b) * _over(np.abs(a - b), out) ** (p - 1)
    return slope


def _cosine(a: Array, b: Array, out: Array, p: float) -> Array:
    del p
    squared = np.sum(a * a, axis=-1, keepdims=True)
    slope: Array = a / squared * (1 - out) - b / np.sqrt(squared * np.sum(b * b, axis=-1, keepdims=True))
    return slope


SLOPES: dict[str, Callable[[Array, Array, Array, float], Array]] = {
    "euclidean": lambda a, b, out, _: _over(a - b, out),
    "sqeuclidean": lambda a, b, _, __: 2 * (a - b),
    "cityblock": lambda a, b, _, __: np.sign(a - b),
    "chebyshev": _chebyshev,
    "minkowski": _minkowski,
    "cosine": _cosine,
}


def _slope(params: Params, a: Array, b: Array, out: Array) -> Array:
    return SLOPES[params["metric"]](a, b, out[..., None], params["p"])


def _cdist(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    a, b = operands[0][:, None], operands[1][None]
    slope = _slope(params, a, b, out) if port == 0 else _slope(params, b, a, out)
    return typed(np.sum(g[..., None] * slope, axis=1 - port), operands[port])


def _pdist(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Give each pair's gradient to both of its points."""
    points = operands[port]
    first, second = np.triu_indices(len(points), 1)
    back = np.zeros(points.shape)
    for mine, other in ((first, second), (second, first)):
        np.add.at(back, mine, g[:, None] * _slope(params, points[mine], points[other], out))
    return typed(back, points)


DISTANCES = {
    "cdist": Vjp(_cdist, real_only=True),
    "pdist": Vjp(_pdist, real_only=True),
}
