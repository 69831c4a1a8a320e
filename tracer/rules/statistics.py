"""Vjps of statistics: var, std, cumprod, average, cov, corrcoef, histogram. Read through rules.RULES."""

from __future__ import annotations

from typing import Any

import numpy as np

from tracer.rules.kinds import Array, Operands, Params, Vjp, is_complex, typed
from tracer.rules.matrices import summed_to
from tracer.rules.reduce import REDUCE, chosen_only, kept_axes


def _deviation(operands: Operands, params: Params) -> tuple[Array, Any]:
    """Return the conjugate distances from the mean, and what the sum of their squares is divided by."""
    operand, *mean = operands
    axis, where = params["axis"], params.get("where")
    chosen = np.broadcast_to(True if where is None else where, operand.shape)
    count = np.count_nonzero(chosen, axis, keepdims=True)
    center = mean[0] if mean else np.mean(operand, axis, keepdims=True, where=chosen)
    return chosen_only((operand - center).conj(), params), np.maximum(count - params["ddof"], 0)


def _of_mean(back: Array, mean: Array) -> Array:
    """Return what goes to a mean that was given: the opposite of what goes to all its elements."""
    return typed(summed_to(-back, mean.shape), mean)


def _var(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Return 2 (x - mean) / (n - ddof); the mean moves too, but the distances from it add up to nothing.

    The result is real, also with dtype=complex.
    """
    del out
    distance, count = _deviation(operands, params)
    back = kept_axes(np.real(g), operands[0], params) * 2 * distance / count
    return typed(back, operands[0]) if port == 0 else _of_mean(back, operands[1])


def _std(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Return (x - mean) / ((n - ddof) std), and 0 where all are equal."""
    distance, count = _deviation(operands, params)
    root = kept_axes(out, operands[0], params)
    share = np.divide(distance, count * root, out=np.zeros_like(distance), where=root != 0)
    back = kept_axes(np.real(g), operands[0], params) * share
    return typed(back, operands[0]) if port == 0 else _of_mean(back, operands[1])


def _is_constant(out: Any, operands: Operands, params: Params) -> bool:
    del operands, params
    return bool(np.any(np.asarray(out) == 0))


def _cumprod(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Add up, for every factor, the products that it is in, each without it: no division, so zeros are no exception."""
    del port
    (given,) = operands
    axis, where = params["axis"], params.get("where")
    factors = given if is_complex(out) else given.real  # of complex factors with dtype=float
    operand = factors if where is None else np.where(where, factors, factors.dtype.type(1))
    if params.get("include_initial"):
        g = np.take(g, np.arange(1, g.shape[axis or 0]), axis or 0)
    rows = operand.reshape(1, -1) if axis is None else np.moveaxis(operand, axis, -1)
    back = g.reshape(1, -1) if axis is None else np.moveaxis(g, axis, -1)
    answer = np.zeros_like(rows)
    length = rows.shape[-1]
    before = np.ones_like(rows)
    before[..., 1:] = np.cumprod(rows[..., :-1], axis=-1)
    # after[k] = g[k] + x[k + 1] (g[k + 1] + x[k + 2] (…)): Horner's rule from the right.
    after = np.zeros(rows.shape[:-1], rows.dtype)
    for at in range(length - 1, -1, -1):
        after = back[..., at] + (rows[..., at + 1] * after if at + 1 < length else 0)
        answer[..., at] = before[..., at] * after
    answer = (answer if axis is None else np.moveaxis(answer, -1, axis)).reshape(given.shape)
    return typed(chosen_only(answer, params), given)


def _average(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Return w / sum(w) for a, (a - out) / sum(w) for the weights w."""
    a, weights = operands
    spread = weights
    if weights.shape != a.shape:  # one weight for every place along the axes
        axis = params["axis"]
        axes = [each % a.ndim for each in (axis if isinstance(axis, tuple) else (axis,))]
        spread = np.expand_dims(
            weights.transpose(np.argsort(axes)), tuple(at for at in range(a.ndim) if at not in axes)
        )
    spread = np.broadcast_to(spread, a.shape)
    share = kept_axes(g, a, params) / spread.sum(params["axis"], keepdims=True)
    if port == 0:
        return typed(share * spread, a)
    back = share * (a - kept_axes(out, a, params))
    if weights.shape != a.shape:
        back = back.sum(tuple(at for at in range(a.ndim) if at not in axes)).transpose(
            np.argsort(np.argsort(axes))
        )
    return typed(back, weights)


def _average_weights(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back over the sum of weights, copied for every average."""
    del port, out
    (weights,) = operands
    if weights.shape == params["shape"]:
        return typed(np.broadcast_to(kept_axes(g, weights, params), weights.shape), weights)
    return typed(np.full(weights.shape, np.sum(g)), weights)


def _variables(operands: Operands, params: Params) -> list[Array]:
    """Return what np.cov makes of its arguments: a row for every variable."""
    turned = not params["rowvar"]
    return [operand.T if turned and operand.ndim > 1 else np.atleast_2d(operand) for operand in operands]


def _weights(params: Params) -> Any:
    found = [params[name] for name in ("fweights", "aweights") if params[name] is not None]
    return np.prod(found, axis=0) if found else None


def _cov(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Return (g + g*) conj(x - mean) w / n, with g* the adjoint: that the mean moves, too, adds up to nothing."""
    blocks = _variables(operands[: params.get("of_weights")], params)
    rows = np.concatenate(blocks)
    weights = _weights(params)
    shares = np.ones(rows.shape[1]) if weights is None else np.asarray(weights, np.float64)
    lost = params["ddof"] if params["ddof"] is not None else (0 if params["bias"] else 1)
    if params["aweights"] is not None:
        lost = lost * np.sum(shares * params["aweights"]) / shares.sum()
    g = np.reshape(g, (len(rows), len(rows)))
    distance = rows - np.average(rows, 1, shares)[:, None]
    if port == params.get("of_weights"):
        return _by_weights(g, np.reshape(out, g.shape), distance, operands[port], params)
    back = (g + g.conj().T) @ distance.conj() * (shares / max(shares.sum() - lost, 0))
    start = sum(map(len, blocks[:port]))
    mine = back[start : start + len(blocks[port])]
    turned = not params["rowvar"] and operands[port].ndim > 1
    return typed((mine.T if turned else mine).reshape(operands[port].shape), operands[port])


def _by_weights(g: Array, out: Array, distance: Array, weights: Array, params: Params) -> Array:
    """Go back over sum(f w d d*) / n with n = sum(f w) - lost sum(f w**2) / sum(f w), for counts f and weights w."""
    counts = 1 if params["fweights"] is None else params["fweights"]
    lost = params["ddof"] if params["ddof"] is not None else (0 if params["bias"] else 1)
    shares = weights.real  # NumPy drops imaginary parts
    total, squares = np.sum(counts * shares), np.sum(counts * shares**2)
    products = np.sum(np.real((g.T @ distance) * distance.conj()), 0)
    of_n = 1 - lost * (2 * shares * total - squares) / total**2
    back = counts * (products - np.sum(np.real(g * out)) * of_n) / (total - lost * squares / total)
    return typed(np.asarray(back), weights)


def _corrcoef(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back over cov(x)_ij / (s_i s_j) with s_i the root of cov(x)_ii."""
    rows = np.concatenate(_variables(operands, params))
    params = {**params, "bias": False, "ddof": None, "fweights": None, "aweights": None}
    g, out = (np.reshape(each, (len(rows), len(rows))) for each in (g, out))
    variance = rows.var(1, ddof=1)
    deviation = np.sqrt(variance)
    of_cov = g / (deviation[:, None] * deviation)
    places = np.arange(len(rows))
    turned_back = np.real(g * out)
    of_cov[places, places] -= (turned_back + turned_back.T).sum(1) / 2 / variance
    return _cov(port, of_cov, out, operands, params)


def _bincount(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Give every weight what came back to its bin; `bins` has the size of g where a weight is in none."""
    del port, out
    (weights,) = operands
    bins = params["bins"]
    return typed(np.append(g, 0)[np.minimum(bins, g.size)].reshape(weights.shape), weights)


def _histogram_density(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back over counts / (total width): more in one bin is less in all the others."""
    (weights,) = operands
    bins, widths = params["bins"], params["widths"]
    total = weights.ravel()[bins.ravel() < g.size].sum()
    back = (g / widths - np.sum(g * out)) / total
    return _bincount(port, back, out, operands, params)


def _histogram_edges(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back over edges at equal distances between the smallest and the largest number."""
    del port, out
    (numbers,) = operands
    column = params.get("column")
    if column is not None:
        back: Array = np.zeros_like(numbers)
        back[:, column] = _histogram_edges(0, g, None, (numbers[:, column],), {})
        return back
    share = np.linspace(0, 1, len(g))
    top = REDUCE["max"].pull(0, np.sum(g * share), numbers.max(), operands, {})
    bottom = REDUCE["min"].pull(0, np.sum(g * (1 - share)), numbers.min(), operands, {})
    return typed(np.asarray(top + bottom), numbers)


_NO_SPREAD = "std of equal numbers"

STATISTICS = {
    "var": Vjp(_var),
    "std": Vjp(_std, kink=_NO_SPREAD, choice="std' = 0", at_kink=_is_constant),
    "cumprod": Vjp(_cumprod),
    "average": Vjp(_average),
    "average_weights": Vjp(_average_weights),
}
DISTRIBUTIONS = {
    "cov": Vjp(_cov),
    "corrcoef": Vjp(_corrcoef),
    "bincount": Vjp(_bincount),
    "histogram": Vjp(_bincount),
    "histogram_density": Vjp(_histogram_density),
    "histogram_edges": Vjp(_histogram_edges),
}
