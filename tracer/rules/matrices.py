"""What several rules of linear algebra share: transposed, summed back, divided by gaps.

Where a function conjugates, its equation is that of the books, in matrices' adjoints: it is given conj(g), and its
answer is conjugated. That costs nothing for real numbers, of which `.conj()` is the array itself.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tracer.rules.kinds import Array


def transposed(x: Any) -> Any:
    """Swap the last two axes."""
    return np.swapaxes(x, -1, -2)


def adjoint(x: Any) -> Any:
    """Swap the last two axes and conjugate; costs nothing for real matrices."""
    return np.swapaxes(x, -1, -2).conj()


def diagonal_of(x: Any) -> Any:
    """Return the diagonals of square matrices as a view that can be written to."""
    return np.einsum("...ii->...i", x)


@lru_cache(maxsize=4)
def lower_triangle(size: int) -> Array:
    """Tell which places of a square matrix are in its lower triangle; making that takes longer than using it."""
    return np.tri(size, dtype=np.bool_)


def summed_to(gradient: Any, shape: tuple[int, ...]) -> Array:
    """Sum a gradient over the axes along which an operand of `shape` was stretched."""
    total: Array = np.asarray(gradient)
    if total.shape == shape:
        return total
    extra = total.ndim - len(shape)
    stretched = [extra + at for at, n in enumerate(shape) if n == 1 and total.shape[extra + at] != 1]
    return np.asarray(total.sum((*range(extra), *stretched))).reshape(shape)


def solved(a: Any, b: Any) -> Array:
    """Solve a x = b for matrices b; NaN throughout where a matrix of the batch is singular."""
    try:
        answer: Array = np.linalg.solve(a, b)
    except np.linalg.LinAlgError:
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        answer = np.full((*batch, *b.shape[-2:]), np.nan, np.result_type(a, b))
        wide_a, wide_b = (np.broadcast_to(x, (*batch, *x.shape[-2:])) for x in (a, b))
        for at in np.ndindex(batch):
            if batch:
                answer[at] = solved(wide_a[at], wide_b[at])
    return answer


def tolerance(values: Any) -> Array:
    """Return the distance at which the eigenvalues or singular values of a matrix count as equal."""
    values = np.asarray(values)
    largest = np.max(np.abs(values), -1, keepdims=True, initial=0)
    share: Array = largest * (4 * values.shape[-1] * np.finfo(values.dtype).eps)
    return share


def has_equal(values: Any) -> bool:
    """Tell whether two of the last axis are equal, as far as their precision goes."""
    values = np.asarray(values)
    if values.dtype.kind == "c":
        gaps = np.abs(values[..., None, :] - values[..., :, None])
        others = ~np.eye(values.shape[-1], dtype=bool)
        return bool(((gaps <= tolerance(values)[..., None]) & others).any())
    return bool((np.diff(np.sort(values, -1), axis=-1) <= tolerance(values)).any())


def inverse_gaps(values: Any) -> Array:
    """Return the matrix of 1 / (w[j] - w[i]), zero where they are equal and on the diagonal."""
    gaps = values[..., None, :] - values[..., :, None]
    equal = np.abs(gaps) <= tolerance(values)[..., None]
    return np.where(equal, 0, 1 / np.where(equal, 1, gaps)).astype(gaps.dtype, copy=False)


def inverse_of(values: Any) -> Array:
    """Return 1 / values, zero where a value is zero as far as its precision goes."""
    none = np.abs(values) <= tolerance(values)
    return np.where(none, 0, 1 / np.where(none, 1, values)).astype(values.dtype, copy=False)


_SMALL = 16  # rows of a block, at most: one call of LAPACK for all of those on the diagonal


def inverse_of_lower(factor: Any) -> Array:
    """Invert lower triangular matrices by blocks: products alone, where NumPy has no triangular solve."""
    n = factor.shape[-1]
    blocks = 1 << (max(n - 1, 0) // _SMALL).bit_length()
    size = -(-n // blocks)
    rows = size * blocks  # those beyond n are those of a matrix of ones, as which they stay
    matrix: Array = np.zeros((*factor.shape[:-2], rows, rows), factor.dtype)
    matrix[..., :n, :n] = factor
    diagonal_of(matrix[..., n:, n:])[...] = 1
    inverse = np.zeros_like(matrix)
    _blocks_of(inverse, blocks)[...] = np.linalg.inv(_blocks_of(matrix, blocks))
    while blocks > 1:
        blocks //= 2
        pairs, inverted = _blocks_of(matrix, blocks), _blocks_of(inverse, blocks)
        upper, lower = slice(size), slice(size, None)
        inner = pairs[..., lower, upper] @ inverted[..., upper, upper]
        inverted[..., lower, upper] = -inverted[..., lower, lower] @ inner
        size *= 2
    return inverse[..., :n, :n]


def _blocks_of(matrices: Array, count: int) -> Array:
    """Return so many blocks on the diagonal as a view that can be written to."""
    size = matrices.shape[-1] // count
    blocks: Array = np.einsum(
        "...iaib->...iab", matrices.reshape(*matrices.shape[:-2], count, size, count, size)
    )
    return blocks
