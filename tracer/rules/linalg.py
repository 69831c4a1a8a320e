"""Vjps of products of arrays: matmul, dot, outer, inner, vdot, tensordot. Read through rules.RULES.

Linear in the gradient, without complex conjugation but where the function itself conjugates (vdot).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.rules.kinds import Array, Operands, Outer, Params, Pulls, Vjp, typed

if TYPE_CHECKING:
    from collections.abc import Sequence


def _matmul(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array | Outer:
    del out, params
    a, b = operands
    product: Any
    if a.ndim == 2 and b.ndim < 3:  # first, because it is what programs mostly do
        if b.ndim == 1 and port == 0:
            return Outer(g, b, a.dtype)
        product = g.dot(b.T) if port == 0 else a.T.dot(g)
    elif a.ndim == 1 and b.ndim == 2:
        if port == 1:
            return Outer(a, g, b.dtype, is_turned=True)
        product = b.dot(g)
    elif b.ndim == 1:
        product = np.multiply.outer(g, b) if port == 0 else np.tensordot(g, a, np.ndim(g))
    elif a.ndim == 1:
        product = _row_times_matrices(port, g, a, b)
    elif port == 0:
        product = g @ b.swapaxes(-1, -2)
    elif b.ndim == 2:  # one matrix for a whole batch: one contraction, not a sum of products
        rows = math.prod(a.shape[:-1])
        product = a.reshape(rows, a.shape[-1]).T @ g.reshape(rows, g.shape[-1])
    else:
        product = a.swapaxes(-1, -2) @ g
    return product if product.dtype is operands[port].dtype else typed(product, operands[port])


def column_times_row(g: Array, matrix: Array, vector: Array, *_: Any) -> Outer:
    """Return what goes back to a matrix of float64 that was multiplied by a vector."""
    del matrix
    return Outer(g, vector, vector.dtype)


def vector_times_row(g: Array, vector: Array, *_: Any) -> Outer:
    """Return what goes back to a matrix of float64 that a vector was multiplied by."""
    return Outer(vector, g, vector.dtype, is_turned=True)


OF_OUTERS = frozenset((column_times_row, vector_times_row))


def _to_vector(g: Array, vector: Array, matrix: Array, *_: Any) -> Any:
    del vector
    return matrix.dot(g)


def _to_left(g: Array, left: Array, right: Array, *_: Any) -> Any:
    del left
    return g.dot(right.T)


def _to_right(g: Array, left: Array, *_: Any) -> Any:
    return left.T.dot(g)


# By the axes of the operands
_PULLS: dict[tuple[int, int], Pulls] = {
    (2, 1): ((1, _to_right), (0, column_times_row)),
    (1, 2): ((1, vector_times_row), (0, _to_vector)),
    (2, 2): ((1, _to_right), (0, _to_left)),
}


def _row_times_matrices(port: int, g: Any, a: Array, b: Array) -> Any:
    if port == 1:
        return a[:, None] * g[..., None, :]
    columns = (b @ g[..., None])[..., 0]
    return columns.sum(tuple(range(columns.ndim - 1)))


def _contract(port: int, g: Any, operands: Operands, axes: tuple[Sequence[int], Sequence[int]]) -> Array:
    """Contract `g` with the other operand over the axes that the other brought to `out`."""
    a, b = operands
    ours, theirs = axes if port == 0 else axes[::-1]
    operand, other = (a, b) if port == 0 else (b, a)
    free = [axis for axis in range(operand.ndim) if axis not in ours]
    other_free = [axis for axis in range(other.ndim) if axis not in theirs]
    start = a.ndim - len(axes[0]) if port == 0 else 0
    g_axes = list(range(start, start + len(other_free)))
    product = np.tensordot(np.asarray(g), other, (g_axes, other_free))
    # tensordot leaves our free axes first, then the contracted ones in the order of the other operand.
    order = free + [ours[theirs.index(axis)] for axis in sorted(theirs)]
    return typed(product.transpose([order.index(axis) for axis in range(operand.ndim)]), operand)


def _tensordot(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del out
    a, b = operands
    axes = params.get("axes", 2)
    if isinstance(axes, int | np.integer):
        return _contract(port, g, operands, (list(range(a.ndim - axes, a.ndim)), list(range(axes))))
    of_a, of_b = ([each] if isinstance(each, int | np.integer) else list(each) for each in axes)
    return _contract(
        port, g, operands, ([each % a.ndim for each in of_a], [each % b.ndim for each in of_b])
    )


def _dot(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array | Outer:
    a, b = operands
    if (a.ndim, b.ndim) in _PULLS:
        return _matmul(port, g, out, operands, params)
    if a.ndim == 0 or b.ndim == 0:
        return _contract(port, g, operands, ([], []))
    return _contract(port, g, operands, ([a.ndim - 1], [max(b.ndim - 2, 0)]))


def _inner(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del out, params
    a, b = operands
    if a.ndim == 0 or b.ndim == 0:
        return _contract(port, g, operands, ([], []))
    return _contract(port, g, operands, ([a.ndim - 1], [b.ndim - 1]))


def _vdot(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del out, params
    a, b = (each.reshape(operands[port].shape) for each in operands)
    g = np.asarray(g)  # a bare number would take the precision of float32
    return typed((g * b).conj() if port == 0 else g * a.conj(), operands[port])


def _outer(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del out, params
    a, b = operands
    product = g @ b.ravel() if port == 0 else a.ravel() @ g
    return typed(product.reshape(operands[port].shape), operands[port])


LINALG = {
    "matmul": Vjp(_matmul, "@", pulls=_PULLS),
    "dot": Vjp(_dot, pulls=_PULLS),
    "outer": Vjp(_outer),
    "inner": Vjp(_inner),
    "vdot": Vjp(_vdot),
    "tensordot": Vjp(_tensordot),
}
