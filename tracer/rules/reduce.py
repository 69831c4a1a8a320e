"""Vjps of reductions: sum, mean, prod, max, min, ptp, cumsum. Read through rules.RULES.

Params: `axis` (None, an int or a tuple), `keepdims` and `where`, as NumPy names them; `initial` is a second operand.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tracer.rules.kinds import Array, Operands, Params, Vjp, is_complex, typed

LARGE = 8192  # elements; a zero-stride view of more is cheaper than filling them


def kept_axes(reduced: Any, operand: Array, params: Params) -> Array:
    """Give a reduced array its reduced axes back, with length 1."""
    axis = params.get("axis")
    if axis is None or not operand.ndim:  # a number takes axis=0 and axis=-1, and has neither
        return np.asarray(reduced).reshape((1,) * operand.ndim)
    axes = {each % operand.ndim for each in (axis if isinstance(axis, tuple) else (axis,))}
    return np.asarray(reduced).reshape([1 if at in axes else n for at, n in enumerate(operand.shape)])


def _spread(g: Any, operand: Array, params: Params) -> Array:
    """Copy the gradient of a sum to each of its terms; a large answer is a read-only view."""
    kept = g if params.get("axis") is None and np.ndim(g) == 0 else kept_axes(g, operand, params)
    if np.iscomplexobj(kept) and operand.dtype.kind != "c":  # with dtype=complex
        kept = np.real(kept)
    if operand.size > LARGE:
        return np.broadcast_to(np.asarray(kept, operand.dtype), operand.shape)
    spread = np.empty(operand.shape, operand.dtype)
    spread[...] = kept
    return spread


def chosen_only(back: Any, params: Params) -> Array:
    """Give nothing to the elements that `where` left out."""
    where = params.get("where")
    return back if where is None else np.where(where, back, np.zeros((), back.dtype))


def _sum(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del out
    if port == 1:  # initial
        return typed(np.asarray(np.sum(g)), operands[1])
    return chosen_only(_spread(g, operands[0], params), params)


def _mean(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port
    (operand,) = operands
    where = params.get("where")
    count: Any = operand.size // max(np.size(out), 1)
    if where is not None:
        shaped = np.broadcast_to(where, operand.shape)
        count = np.count_nonzero(shaped, axis=params.get("axis"), keepdims=bool(params.get("keepdims")))
    return chosen_only(_spread(g / np.maximum(count, 1), operand, params), params)


def _prod(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Multiply what stands before with what stands after: no division, so zeros are no exception."""
    operand, *initial = operands
    if not is_complex(out):  # of complex factors with dtype=float
        operand = operand.real
    where = params.get("where")
    if where is not None:
        operand = np.where(where, operand, operand.dtype.type(1))
    axis = params.get("axis")
    if port == 1:
        return typed(np.sum(g * np.prod(operand, axis, keepdims=bool(params.get("keepdims")))), initial[0])
    if axis is None or not operand.ndim:
        axis = tuple(range(operand.ndim))
    axes = axis if isinstance(axis, tuple) else (axis,)
    last = tuple(range(operand.ndim - len(axes), operand.ndim))
    factors = np.moveaxis(operand, axes, last)
    rows = factors.reshape(
        *factors.shape[: operand.ndim - len(axes)], math.prod(factors.shape[last[0] :] if last else ())
    )
    others = np.ones_like(rows)
    others[..., 1:] = np.cumprod(rows[..., :-1], axis=-1)
    others[..., :-1] *= np.cumprod(rows[..., :0:-1], axis=-1)[..., ::-1]
    if initial:
        others = others * initial[0]
    return typed(
        chosen_only(
            kept_axes(g, operand, params) * np.moveaxis(others.reshape(factors.shape), last, axes), params
        ),
        operands[0],
    )


def _is_chosen(out: Any, operand: Array, params: Params) -> Array:
    """Mark the elements that the largest or smallest was taken from; NaN is taken from every NaN."""
    kept = kept_axes(out, operand, params)
    chosen: Array = operand == kept
    if np.isnan(kept).any():
        chosen = chosen | (np.isnan(operand) & np.isnan(kept))
    return chosen if params.get("where") is None else chosen & params["where"]


def _count(out: Any, operands: Operands, params: Params) -> tuple[Array, Array]:
    """Return what was chosen, and among how many, `initial` too, it is shared."""
    operand, *initial = operands
    chosen = _is_chosen(out, operand, params)
    counts: Array = np.count_nonzero(chosen, axis=params.get("axis"), keepdims=True)
    return chosen, counts + (kept_axes(out, operand, params) == initial[0]) if initial else counts


def _extreme(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    chosen, counts = _count(out, operands, params)
    share = kept_axes(g, operands[0], params) / np.maximum(counts, 1)
    if port == 1:
        return typed(np.sum(share * (kept_axes(out, operands[0], params) == operands[1])), operands[1])
    return np.where(chosen, typed(share, operands[0]), 0)


def _has_tie(out: Any, operands: Operands, params: Params) -> bool:
    return bool((_count(out, operands, params)[1] > 1).any())


def _ends(operands: Operands, params: Params) -> tuple[Array, Array]:
    axis, keepdims = params.get("axis"), bool(params.get("keepdims"))
    return np.max(operands[0], axis, keepdims=keepdims), np.min(operands[0], axis, keepdims=keepdims)


def _ptp(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Send the gradient to the largest, and its opposite to the smallest."""
    del out
    largest, smallest = (_extreme(port, g, end, operands, params) for end in _ends(operands, params))
    return largest - smallest


def _has_tie_at_an_end(out: Any, operands: Operands, params: Params) -> bool:
    del out
    return any(_has_tie(end, operands, params) for end in _ends(operands, params))


def _cumsum(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, out
    (operand,) = operands
    axis = params.get("axis")
    at = 0 if axis is None else axis
    rest = np.flip(np.cumsum(np.flip(np.atleast_1d(g), at), at), at)
    if params.get("include_initial"):
        rest = np.take(rest, np.arange(1, rest.shape[at]), at)
    return typed(chosen_only(rest.reshape(operand.shape), params), operand)


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
    "ptp": Vjp(
        _ptp,
        kink="the largest or the smallest is there twice",
        choice="ptp: ties share equally",
        at_kink=_has_tie_at_an_end,
    ),
    "cumsum": Vjp(_cumsum),
}
