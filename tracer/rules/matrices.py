"""What several rules of linear algebra share: transposed, summed back, divided by gaps.

Where a function conjugates, its equation is that of the books, in matrices' adjoints: it is given conj(g), and its
answer is conjugated. That costs nothing for real numbers, of which `.conj()` is the array itself.
"""

from __future__ import annotations

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


_SMALL = 16  # up to here one call of LAPACK costs less than the products of the halves


def inverse_of_lower(factor: Any) -> Array:
    """Invert lower triangular matrices by halves: products alone, where NumPy has no triangular solve."""
    n = factor.shape[-1]
    if n <= _SMALL:
        whole: Array = np.linalg.inv(factor)
        return whole
    half = n // 2
    inverse: Array = np.zeros_like(factor)
    halves = factor[..., :half, :half], factor[..., half:, half:]
    first, second = inverse_of_lower(np.stack(halves)) if n == 2 * half else map(inverse_of_lower, halves)
    inverse[..., :half, :half] = first
    inverse[..., half:, half:] = second
    inverse[..., half:, :half] = -second @ (factor[..., half:, :half] @ first)
    return inverse
