"""Vjps of norms and of the condition number. Read through rules.RULES.

Params of norm: `kind` ("vector" or "matrix"), `ord`, `axes` (the vector's axes, which count as one, or the
matrix's rows and columns) and `keepdims`. An order that is traced is a second operand.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tracer.rules.kinds import Array, Operands, Params, Vjp, typed
from tracer.rules.matrices import has_equal, solved, tolerance
from tracer.rules.systems import inverted

INF = np.inf


def _divided(x: Any, out: Any) -> Any:
    """Divide, with 0 / 0 = 0."""
    return x / np.where(out == 0, 1, out) * (out != 0)


def _shared(chosen: Any, axes: Any) -> Any:
    """Share 1 equally among what is chosen."""
    return chosen / np.maximum(chosen.sum(axes, keepdims=True), 1)


def _chosen(sizes: Any, order: Any, axes: Any) -> Any:
    """Mark the largest or the smallest; not by comparing with NumPy's result, whose sums may round otherwise."""
    extreme = (np.max if order > 0 else np.min)(sizes, axes, keepdims=True)
    return (sizes == extreme) | (np.isnan(sizes) & np.isnan(extreme))


def _of_vector(x: Any, out: Any, order: Any, axes: tuple[int, ...]) -> Any:
    """Return the conjugate local partial of a vector norm; `out` has the axes of x, with length 1."""
    if order in (None, 2):
        return _divided(x, out)
    if order == 1:
        return np.sign(x)
    if order in (INF, -INF):
        return np.sign(x) * _shared(_chosen(np.abs(x), order, axes), axes)
    with np.errstate(all="ignore"):
        power = (np.abs(x) / np.where(out == 0, 1, out)) ** (order - 1)
        # What has no finite slope at 0 gets none.
        return np.where((x == 0) | (out == 0), 0, np.sign(x) * power)


def _by_order(x: Any, out: Any, order: Any, axes: tuple[int, ...]) -> Any:
    """Return the slope of (sum of |x|**p) ** (1/p) by p: the entropy of the shares of |x|**p, over -p**2, times out."""
    if np.isinf(order):
        return np.zeros_like(out)
    shares = (np.abs(x) / np.where(out == 0, 1, out)) ** order
    return out * np.sum(shares * np.log(np.where(shares == 0, 1, shares)), axes, keepdims=True) / order**2


def _of_matrix(x: Any, out: Any, order: Any) -> Any:
    """Return the conjugate local partial of a matrix norm over the last two axes; `out` has them with length 1."""
    if order in (None, "fro"):
        return _divided(x, out)
    if order in ("nuc", 2, -2):
        u, s, vh = np.linalg.svd(x, full_matrices=False)
        weights = (s > tolerance(s)).astype(x.dtype)
        if order != "nuc":
            weights = weights * 0
            weights[..., 0 if order == 2 else -1] = 1
        return (u * weights[..., None, :]) @ vh
    summed, chosen_along = (-2, -1) if order in (1, -1) else (-1, -2)
    sizes = np.abs(x).sum(summed, keepdims=True)
    return np.sign(x) * _shared(_chosen(sizes, order, chosen_along), chosen_along)


def _norm(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    x, *orders = operands
    axes, order = params["axes"], params["ord"]
    if not params["keepdims"]:
        at = tuple(sorted(axis % x.ndim for axis in axes))
        g, out = np.expand_dims(g, at), np.expand_dims(out, at)
    if port == 1:
        return typed(np.sum(g * _by_order(x, out, order, axes)), orders[0])
    if params["kind"] == "vector":
        return typed(g * _of_vector(x, out, order, axes).conj(), x)
    moved, g, out = (np.moveaxis(each, axes, (-2, -1)) for each in (x, g, out))
    return typed(np.moveaxis(g * _of_matrix(moved, out, order).conj(), (-2, -1), axes), x)


def _is_kink(out: Any, operands: Operands, params: Params) -> bool:
    x, order, axes = np.asarray(operands[0]), params["ord"], params["axes"]
    if not x.size:
        return False
    if params["kind"] == "matrix":
        return _is_matrix_kink(np.moveaxis(x, axes, (-2, -1)), np.asarray(out), order)
    if order in (None, 2):
        return bool(np.any(np.asarray(out) == 0))
    if order in (INF, -INF):
        sizes = np.abs(x)
        chosen = _chosen(sizes, order, axes)
        return bool((chosen.sum(axes) > 1).any() or (sizes[chosen] == 0).any())
    if order > 1:
        return bool(np.any(np.asarray(out) == 0))
    return bool((x == 0).any())


def _is_matrix_kink(x: Array, out: Array, order: Any) -> bool:
    if order in (None, "fro"):
        return bool((out == 0).any())
    if order in ("nuc", 2, -2):
        s = np.linalg.svd(x, compute_uv=False)
        if order == "nuc":
            return bool((s <= tolerance(s)).any())
        ends = s[..., :2] if order == 2 else s[..., -2:]
        return has_equal(ends) or bool((s[..., 0 if order == 2 else -1] <= tolerance(s)[..., 0]).any())
    sizes = np.abs(x).sum(-2 if order in (1, -1) else -1)
    return bool((_chosen(sizes, order, -1).sum(-1) > 1).any() or (x == 0).any())


def _cond(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, out
    (a,) = operands
    order = params["p"]
    g = np.asarray(np.real(g))[..., None, None]  # NumPy 2.0's out of complex ones is complex, and real
    if order in (None, 2, -2):
        s = np.linalg.svd(a, compute_uv=False)
        top, bottom = (s[..., at, None, None] for at in (0, -1))
        with np.errstate(all="ignore"):
            of_top = (1 / bottom) if order != -2 else -bottom / top**2
            of_bottom = -top / bottom**2 if order != -2 else 1 / top
            local = of_top * _of_matrix(a, top, 2) + of_bottom * _of_matrix(a, bottom, -2)
            return typed(g * local.conj(), a)
    inverse = solved(a, np.eye(a.shape[-1], dtype=a.dtype))
    sizes = [np.linalg.norm(each, order, (-2, -1), keepdims=True) for each in (a, inverse)]
    back = inverted(_of_matrix(inverse, sizes[1], order).conj(), inverse)
    return typed(g * (sizes[1] * _of_matrix(a, sizes[0], order).conj() + sizes[0] * back), a)


def _is_cond_kink(out: Any, operands: Operands, params: Params) -> bool:
    a, order = np.asarray(operands[0]), params["p"]
    if not np.isfinite(out).all():
        return True
    if order in (None, 2, -2):
        return any(_is_matrix_kink(a, np.asarray(out), each) for each in (2, -2))
    inverse = np.linalg.inv(a)
    return any(_is_matrix_kink(each, np.linalg.norm(each, order, (-2, -1)), order) for each in (a, inverse))


NORMS = {
    "norm": Vjp(
        _norm,
        "‖ ‖",
        kink="a norm, a number or a singular value of 0, or a tie",
        choice="norm: 0 at 0; ties share equally, or go to NumPy's first singular vector",
        at_kink=_is_kink,
    ),
    "cond": Vjp(
        _cond,
        kink="no inverse, or a tie in one of the norms",
        choice="cond: ties as in norm; without an inverse nan or infinite",
        at_kink=_is_cond_kink,
    ),
}
