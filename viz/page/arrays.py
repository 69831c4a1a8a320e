"""The elements of small arrays, for heat maps; each is written once, and all together are bounded."""

from __future__ import annotations

from typing import Any

import numpy as np

from viz import labels

LARGEST = 4_096  # elements of an array that is shown
MOST = 60_000  # elements of all that are


class Arrays:
    """Arrays by number; equal ones in one place."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._arrays: list[dict[str, Any]] = []
        self._elements = 0

    def add(self, value: Any) -> int | None:
        """Return the number under which an array is kept; None for what is none, and for what is too large."""
        if not labels.is_array(value) or not 0 < value.size <= LARGEST or value.dtype.kind not in "fiub":
            return None
        key = (value.shape, value.dtype.str, value.tobytes())
        if key not in self._numbers:
            if self._elements + value.size > MOST:
                return None
            self._elements += value.size
            self._numbers[key] = len(self._arrays)
            numbers = np.asarray(value, np.float64).ravel().tolist()
            self._arrays.append({"shape": value.shape, "elements": list(map(_element, numbers))})
        return self._numbers[key]

    def data(self) -> list[dict[str, Any]]:
        """Return the arrays by number."""
        return self._arrays


def _element(number: float) -> float | str:
    """Round an element to the digits that are shown; JSON has no nan and no infinity."""
    return float(f"{number:.4g}") if np.isfinite(number) else labels.number(number)
