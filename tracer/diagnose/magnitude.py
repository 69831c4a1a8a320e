"""How large the values of a column are, and which are not finite. Used by explain and by the terminal's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.memory import owner_of
from tracer.numbers_text import is_finite
from tracer.rules.edited import Edited, base_of, is_view
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
    floats = [row for row, value in values.others.items() if type(value) is np.float64]
    answer[floats] = ~np.isfinite([values.others[row] for row in floats])
    for position, value in values.others.items():
        if not isinstance(value, (np.ndarray, Edited, np.float64)):
            answer[position] = not is_finite(value)
    known: dict[int, bool] = {}
    answer[values.array_rows] = False
    rows = [row for row in values.array_rows.tolist() if not _is_of_finite(values.others[row], known)]
    views = [row for row in rows if is_view(values.others[row])]
    arrays = sorted(set(rows).difference(views))
    _measure(arrays, values, answer)
    finite = {id(values.others[row]) for row in arrays if not answer[row]}
    _measure([row for row in views if id(base_of(values.others[row])) not in finite], values, answer)
    return answer


def _measure(rows: list[int], values: Values, answer: np.ndarray[Any, np.dtype[np.bool_]]) -> None:
    answer[rows] = Measurer().table([values.others[row] for row in rows])[:, 4] > 0


def _is_of_finite(value: Any, known: dict[int, bool]) -> bool:
    """Tell whether a value sees memory that is finite throughout: a loop may make a view of it in every turn."""
    if type(value) is not np.ndarray or value.base is None:
        return False
    owner = owner_of(value)
    if owner.dtype != value.dtype:
        return False
    if id(owner) not in known:
        known[id(owner)] = bool(np.isfinite(owner).all())
    return known[id(owner)]


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
