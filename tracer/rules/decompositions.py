"""Vjps of numpy.linalg: inv, solve, det, slogdet, cholesky, eigvalsh. Read through rules.RULES.

Equations: Giles, "An extended collection of matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008); Murray, "Differentiation of the Cholesky decomposition" (2016).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tracer.rules.kinds import Array, Operands, Params, Vjp, typed


def _transposed(matrix: Any) -> Any:
    return np.swapaxes(matrix, -1, -2)


def _summed_to(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Add up over the batch along which one operand was used again and again."""
    extra = gradient.ndim - len(shape)
    axes = tuple(range(extra)) + tuple(
        extra + at for at, length in enumerate(shape) if length == 1 != gradient.shape[extra + at]
    )
    return gradient.sum(axis=axes, keepdims=True).reshape(shape) if axes else gradient


def _inv(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, params
    inverse = _transposed(out)
    return typed(-inverse @ g @ inverse, operands[0])


def _solve(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Give b of A x = b the answer A^-T g, and A the answer -(A^-T g) x^T."""
    del params
    matrix, right = operands
    is_vector = right.ndim == 1
    columns = np.linalg.solve(_transposed(matrix), g[..., None] if is_vector else g)
    if port == 1:
        return typed(_summed_to(columns[..., 0] if is_vector else columns, right.shape), right)
    found = out[..., None] if is_vector else out
    return typed(_summed_to(-columns @ _transposed(found), matrix.shape), matrix)


def _det(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Det A A^-T; by cofactors where A is singular, which has no inverse but a gradient."""
    del port, params
    (matrix,) = operands
    if np.all(np.asarray(out) != 0):
        return typed((g * out)[..., None, None] * _transposed(np.linalg.inv(matrix)), matrix)
    left, sizes, right = np.linalg.svd(matrix)
    others = np.empty_like(sizes)
    for at in range(sizes.shape[-1]):
        others[..., at] = np.prod(np.delete(sizes, at, axis=-1), axis=-1)
    sign = np.linalg.det(left) * np.linalg.det(right)
    return typed((g * sign)[..., None, None] * ((left * others[..., None, :]) @ right), matrix)


def _logdet(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, out, params
    (matrix,) = operands
    return typed(np.asarray(g)[..., None, None] * _transposed(np.linalg.inv(matrix)), matrix)


def _sign(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, g, out, params
    return np.zeros_like(operands[0])


def _cholesky(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Return L^-T Φ(L^T g) L^-1, made symmetric; Φ takes the lower triangle and half of the diagonal."""
    del port, params
    triangle = _transposed(out)
    inner = np.tril(triangle @ np.tril(g))
    diagonal = np.arange(inner.shape[-1])
    inner[..., diagonal, diagonal] /= 2
    half = np.linalg.solve(triangle, _transposed(np.linalg.solve(triangle, _transposed(inner))))
    return typed((half + _transposed(half)) / 2, operands[0])


def _eigvalsh(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back from each eigenvalue along its eigenvector: V diag(g) V^T."""
    del port, out
    (matrix,) = operands
    _, vectors = np.linalg.eigh(matrix, params["UPLO"])
    return typed((vectors * g[..., None, :]) @ _transposed(vectors), matrix)


DECOMPOSITIONS = {
    "inv": Vjp(_inv),
    "solve": Vjp(_solve),
    "det": Vjp(_det),
    "slogdet_logabsdet": Vjp(_logdet, "slogdet"),
    "slogdet_sign": Vjp(_sign, "sign"),
    "cholesky": Vjp(_cholesky),
    "eigvalsh": Vjp(_eigvalsh),
}
