"""How large the values of a column are, and which are not finite. Used by explain and by the terminal's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.numbers_text import is_finite
from tracer.recording import Values
from tracer.rules.kinds import Compressed, is_complex

if TYPE_CHECKING:
    from collections.abc import Sequence


def magnitudes(values: Values) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the size of each number and the norm of each array."""
    sizes: np.ndarray[Any, np.dtype[np.float64]] = np.abs(values.floats)
    with np.errstate(all="ignore"):
        for position, value in values.others.items():
            numbers = value.numbers if isinstance(value, Compressed) else value
            if isinstance(numbers, np.ndarray):
                sizes[position] = np.linalg.norm(numbers.ravel())
            elif is_complex(numbers):
                sizes[position] = np.abs(numbers)
    return sizes


def not_finite(values: Values) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Say of each value whether it is, or holds, a NaN or an infinity."""
    answer: np.ndarray[Any, np.dtype[np.bool_]] = ~np.isfinite(values.floats)
    for position, value in values.others.items():
        answer[position] = not is_finite(value.numbers if isinstance(value, Compressed) else value)
    return answer


def largest_first(sizes: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return what sorts by falling size, with what is not finite before everything else."""
    falling: np.ndarray[Any, np.dtype[np.float64]] = -np.where(np.isnan(sizes), np.inf, sizes)
    return falling


def largest_of(column: Values, positions: Sequence[int], count: int) -> list[int]:
    """Return the `count` of some positions of a column at which the values are largest, in the order given."""
    some = Values(column.floats[positions])
    if column.others:
        some.others.update(
            (rank, column.others[position])
            for rank, position in enumerate(positions)
            if position in column.others
        )
    order = np.argsort(largest_first(magnitudes(some)), kind="stable")[:count]
    return [positions[rank] for rank in sorted(order.tolist())]
