"""Vjps of reductions: sum, mean, prod, max, min, cumsum. Read through rules.RULES.

Params: `axis` (None, an int or a tuple) and `keepdims`, as NumPy names them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tracer.rules.kinds import Array, Operands, Params, Vjp, typed

LARGE = 8192  # elements; a zero-stride view of more is cheaper than filling them


def kept_axes(reduced: Any, operand: Array, params: Params) -> Array:
    """Give a reduced array its reduced axes back, with length 1."""
    axis = params.get("axis")
    if axis is None:
        return np.asarray(reduced).reshape((1,) * operand.ndim)
    axes = {each % operand.ndim for each in (axis if isinstance(axis, tuple) else (axis,))}
    return np.asarray(reduced).reshape([1 if at in axes else n for at, n in enumerate(operand.shape)])


def _spread(g: Any, operand: Array, params: Params) -> Array:
    """Copy the gradient of a sum to each of its terms; a large answer is a read-only view."""
    kept = g if params.get("axis") is None and np.ndim(g) == 0 else kept_axes(g, operand, params)
    if operand.size > LARGE:
        return np.broadcast_to(np.asarray(kept, operand.dtype), operand.shape)
    spread = np.empty(operand.shape, operand.dtype)
    spread[...] = kept
    return spread


def _sum(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, out
    return _spread(g, operands[0], params)


def _mean(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port
    count = operands[0].size // max(np.size(out), 1)
    return _spread(g / max(count, 1), operands[0], params)


def _prod(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Multiply what stands before with what stands after: no division, so zeros are no exception."""
    del port, out
    (operand,) = operands
    axis = params.get("axis")
    axes = tuple(range(operand.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    last = tuple(range(operand.ndim - len(axes), operand.ndim))
    factors = np.moveaxis(operand, axes, last)
    rows = factors.reshape(
        *factors.shape[: operand.ndim - len(axes)], math.prod(factors.shape[last[0] :] if last else ())
    )
    others = np.ones_like(rows)
    others[..., 1:] = np.cumprod(rows[..., :-1], axis=-1)
    others[..., :-1] *= np.cumprod(rows[..., :0:-1], axis=-1)[..., ::-1]
    return typed(
        kept_axes(g, operand, params) * np.moveaxis(others.reshape(factors.shape), last, axes), operand
    )


def _is_chosen(out: Any, operand: Array, params: Params) -> Array:
    """Mark the elements that the largest or smallest was taken from; NaN is taken from every NaN."""
    kept = kept_axes(out, operand, params)
    chosen: Array = operand == kept
    if np.isnan(kept).any():
        chosen = chosen | (np.isnan(operand) & np.isnan(kept))
    return chosen


def _count(chosen: Array, params: Params) -> Array:
    counts: Array = np.count_nonzero(chosen, axis=params.get("axis"), keepdims=True)
    return counts


def _extreme(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port
    chosen = _is_chosen(out, operands[0], params)
    share = kept_axes(g, operands[0], params) / _count(chosen, params)
    return np.where(chosen, typed(share, operands[0]), 0)


def _has_tie(out: Any, operands: Operands, params: Params) -> bool:
    chosen = _is_chosen(out, operands[0], params)
    return bool((_count(chosen, params) > 1).any())


def _cumsum(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, out
    (operand,) = operands
    axis = params.get("axis")
    at = 0 if axis is None else axis
    rest = np.flip(np.cumsum(np.flip(np.atleast_1d(g), at), at), at)
    return typed(rest.reshape(operand.shape), operand)


REDUCE = {
    "sum": Vjp(_sum, "Σ"),
    "mean": Vjp(_mean),
    "prod": Vjp(_prod, "∏"),
    "max": Vjp(
        _extreme, kink="the largest is there twice", choice="max: ties share equally", at_kink=_has_tie
    ),
    "min": Vjp(
        _extreme, kink="the smallest is there twice", choice="min: ties share equally", at_kink=_has_tie
    ),
    "cumsum": Vjp(_cumsum),
}
