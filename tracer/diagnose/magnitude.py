"""How large the values of a column are, and which are not finite. Used by explain and by the terminal's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.numbers_text import is_finite
from tracer.rules.edited import Edited
from tracer.statistics import Measurer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.recording import Values


def magnitudes(values: Values) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the size of each number and the norm of each array."""
    sizes: np.ndarray[Any, np.dtype[np.float64]] = np.abs(values.floats)
    rows = values.wide_rows
    sizes[rows] = Measurer().table([values.others[row] for row in rows.tolist()])[:, 0]
    return sizes


def not_finite(values: Values) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Say of each value whether it is, or holds, a NaN or an infinity."""
    answer: np.ndarray[Any, np.dtype[np.bool_]] = ~np.isfinite(values.floats)
    rows = values.array_rows
    for position, value in values.others.items():
        if not isinstance(value, (np.ndarray, Edited)):
            answer[position] = not is_finite(value)
    answer[rows] = Measurer().table([values.others[row] for row in rows.tolist()])[:, 4] > 0
    return answer


def largest_first(sizes: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return what sorts by falling size, with what is not finite before everything else."""
    falling: np.ndarray[Any, np.dtype[np.float64]] = -np.where(np.isnan(sizes), np.inf, sizes)
    return falling


def largest_of(
    sizes: np.ndarray[Any, np.dtype[np.float64]], positions: Sequence[int], count: int
) -> list[int]:
    """Return the `count` of some positions of a column of sizes that are largest, in the order given."""
    order = np.argsort(largest_first(sizes[positions]), kind="stable")[:count]
    return [positions[rank] for rank in sorted(order.tolist())]
