"""Vjps of products and diagonals: kron, cross, vecdot, matvec, vecmat, trace, diagonal, diag. Read through RULES."""

from __future__ import annotations

from typing import Any

import numpy as np

from tracer.rules.kinds import Array, Operands, Params, Vjp, typed
from tracer.rules.matrices import summed_to, transposed


def _kron(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del params
    a, b = operands
    ndim = out.ndim
    shapes = [(1,) * (ndim - each.ndim) + each.shape for each in operands]
    # Axis by axis, out counts the elements of b inside each element of a.
    blocks = np.asarray(g).reshape([n for pair in zip(*shapes, strict=True) for n in pair])
    other_axes = list(range(1 - port, 2 * ndim, 2))
    other = (b if port == 0 else a).reshape(shapes[1 - port])
    product = np.tensordot(blocks, other, (other_axes, list(range(ndim))))
    return typed(np.asarray(product).reshape(operands[port].shape), operands[port])


def _cross(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del out
    axes = params["axes"]
    a, b = (np.moveaxis(each, at, -1) for each, at in zip(operands, axes[:2], strict=True))
    g = np.moveaxis(g, axes[2], -1)
    back = np.cross(b, g) if port == 0 else np.cross(g, a)
    back = summed_to(back, (a, b)[port].shape)
    return typed(np.moveaxis(back, -1, axes[port]), operands[port])


def _vecdot(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del out
    axis = params.get("axis", -1)
    a, b = (np.moveaxis(each, axis, -1) for each in operands)
    g = np.asarray(g)[..., None]  # it conjugates a
    back = summed_to((g * b).conj() if port == 0 else g * a.conj(), (a, b)[port].shape)
    return typed(np.moveaxis(back, -1, axis), operands[port])


def _matvec(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del out, params
    matrix, vector = operands
    at_vector = port == 1
    back = (
        (transposed(matrix) @ g[..., None])[..., 0] if at_vector else g[..., :, None] * vector[..., None, :]
    )
    return typed(summed_to(back, operands[port].shape), operands[port])


def _vecmat(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del out, params
    vector, matrix = operands
    if port == 1:
        return typed(summed_to(vector.conj()[..., :, None] * g[..., None, :], matrix.shape), matrix)
    back = (matrix @ g[..., None])[..., 0].conj()  # it conjugates the vector
    return typed(summed_to(back, vector.shape), vector)


def _on_diagonal(g: Any, operand: Array, params: Params) -> Array:
    """Return zeros with `g`, whose last axis runs along it, on the diagonal."""
    total: Array = np.zeros(operand.shape, operand.dtype)
    offset = params["offset"]
    axes = (params["axis1"], params["axis2"])
    moved = np.moveaxis(total, axes, (-2, -1))
    rows, columns = (operand.shape[axis] for axis in axes)
    places = np.arange(max(0, min(rows + min(offset, 0), columns - max(offset, 0))))
    moved[..., places - min(offset, 0), places + max(offset, 0)] = g
    return total


def _diagonal(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, out
    return _on_diagonal(g, operands[0], params)


def _trace(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, out
    return _on_diagonal(np.asarray(g)[..., None], operands[0], params)


def _diag(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back over the matrix with a given diagonal."""
    del port, out
    return typed(np.diagonal(g, params["k"]), operands[0])


PRODUCTS = {
    "kron": Vjp(_kron, "⊗"),
    "cross": Vjp(_cross, "×"),
    "vecdot": Vjp(_vecdot),
    "matvec": Vjp(_matvec, "@"),
    "vecmat": Vjp(_vecmat, "@"),
    "diagonal": Vjp(_diagonal),
    "trace": Vjp(_trace),
    "diag": Vjp(_diag),
}
