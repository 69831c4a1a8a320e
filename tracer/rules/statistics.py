"""Vjps of var, std, cumprod, diff and convolve. Read through rules.RULES."""

from __future__ import annotations

from typing import Any

import numpy as np

from tracer.rules.kinds import Array, Operands, Params, Vjp, typed
from tracer.rules.reduce import kept_axes


def _deviation(operand: Array, params: Params) -> tuple[Array, Any]:
    """Return the conjugate distances from the mean, and what the sum of their squares is divided by."""
    axis = params["axis"]
    count = operand.size // max(np.mean(operand, axis=axis).size, 1)
    distance = operand - np.mean(operand, axis=axis, keepdims=True)
    return distance.conj(), count - params["ddof"]


def _var(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Return 2 (x - mean) / (n - ddof); the mean moves too, but the distances from it add up to nothing."""
    del port, out
    (operand,) = operands
    distance, count = _deviation(operand, params)
    return typed(kept_axes(g, operand, params) * 2 * distance / count, operand)


def _std(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Return (x - mean) / ((n - ddof) std), and 0 where all are equal."""
    del port
    (operand,) = operands
    distance, count = _deviation(operand, params)
    root = kept_axes(out, operand, params)
    share = np.divide(distance, count * root, out=np.zeros_like(distance), where=root != 0)
    return typed(kept_axes(g, operand, params) * share, operand)


def _is_constant(out: Any, operands: Operands, params: Params) -> bool:
    del operands, params
    return bool(np.any(np.asarray(out) == 0))


def _cumprod(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Add up, for every factor, the products that it is in, each without it: no division, so zeros are no exception."""
    del port, out
    (operand,) = operands
    axis = params["axis"]
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
    return typed(
        (answer if axis is None else np.moveaxis(answer, -1, axis)).reshape(operand.shape), operand
    )


def _diff(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Take differences of the gradients, the other way round."""
    del port, out
    axis = -1 if params["axis"] is None else params["axis"]
    back = g
    for _ in range(1 if params["n"] is None else params["n"]):
        widths = [(0, 0)] * back.ndim
        widths[axis] = (1, 1)
        back = -np.diff(np.pad(back, widths), axis=axis)
    return typed(np.array(back), operands[0])


def _convolve(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del out
    first, second = (np.atleast_1d(each) for each in operands)
    full = np.zeros(len(first) + len(second) - 1, g.dtype)
    shortest = min(len(first), len(second))
    start = {"full": 0, "same": (shortest - 1) // 2, "valid": shortest - 1}[params["mode"] or "full"]
    full[start : start + len(g)] = g
    answer = np.correlate(full, (second, first)[port].conj(), "valid")  # it conjugates them again
    return typed(answer.reshape(operands[port].shape), operands[port])


_NO_SPREAD = "std of equal numbers"

STATISTICS = {
    "var": Vjp(_var),
    "std": Vjp(_std, kink=_NO_SPREAD, choice="std' = 0", at_kink=_is_constant),
    "cumprod": Vjp(_cumprod),
    "diff": Vjp(_diff),
    "convolve": Vjp(_convolve),
}
