"""The stand-ins that see some memory, found by the addresses that they see: of many views, a write concerns few."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

_FEW = 16
_NOWHERE = (np.iinfo(np.int64).max, np.iinfo(np.int64).min)


class Members:
    """Stand-ins in the order in which the program has last made views of them, held weakly.

    Where they are is worked out once somebody asks: most programs make views, and write into none.
    """

    __slots__ = ("_bounds", "_fresh", "_rows", "_turns")

    def __init__(self, *stand_ins: Any) -> None:
        self._fresh: dict[int, Any] = {}  # by identity: those that have no row yet
        self._rows: list[Any] = []
        self._turns: dict[int, int] = {}  # by identity: its row
        self._bounds = np.empty((2, _FEW), np.int64)  # by row: its addresses, the second beyond the last
        for each in stand_ins:
            self.put(each)

    def put(self, stand_in: Any) -> None:
        """Make a stand-in the last, also where one that is gone had the same identity."""
        self._fresh.pop(id(stand_in), None)
        self._fresh[id(stand_in)] = weakref.ref(stand_in)

    def are_only(self, stand_in: Any) -> bool:
        """Tell whether there are none but one, as of an array that is filled and never looked at in parts."""
        count = len(self._turns) + len(self._fresh)
        return not count or (count == 1 and (id(stand_in) in self._turns or id(stand_in) in self._fresh))

    def all(self) -> list[Any]:
        """Return those that live."""
        self._settle()
        return [each for row in self._turns.values() if (each := self._rows[row]()) is not None]

    def between(self, seen: np.ndarray[Any, Any]) -> list[Any]:
        """Return those that live and may see some of what an array sees; of few, all, which is sooner done."""
        if not self._rows and len(self._fresh) <= _FEW:
            return [each for reference in self._fresh.values() if (each := reference()) is not None]
        self._settle()
        count = len(self._rows)
        low, high = _bounds(seen)
        starts, stops = self._bounds[:, :count]
        rows = ((starts < high) & (stops > low)).nonzero()[0].tolist()
        found = []
        for row in rows:
            each = self._rows[row]()
            if each is None:
                self._bounds[:, row] = _NOWHERE
            else:
                found.append(each)
        return found

    def _settle(self) -> None:
        fresh, self._fresh = self._fresh, {}
        for key, reference in fresh.items():
            if key in self._turns:
                self._bounds[:, self._turns.pop(key)] = _NOWHERE
            stand_in = reference()
            if stand_in is not None:
                if len(self._rows) == self._bounds.shape[1]:
                    self._clear()
                self._bounds[:, len(self._rows)] = _bounds(stand_in.value_)
                self._turns[key] = len(self._rows)
                self._rows.append(reference)

    def _clear(self) -> None:
        """Let go of the rows of those that are gone, or have a later one; have room for as many again."""
        kept = [(key, row) for key, row in self._turns.items() if self._rows[row]() is not None]
        bounds = self._bounds[:, [row for _, row in kept]]
        self._rows = [self._rows[row] for _, row in kept]
        self._turns = {key: turn for turn, (key, _) in enumerate(kept)}
        self._bounds = np.empty((2, max(_FEW, 2 * len(kept))), np.int64)
        self._bounds[:, : len(kept)] = bounds


def _bounds(array: np.ndarray[Any, Any]) -> tuple[int, int]:
    if not array.size:
        return _NOWHERE
    low, high = byte_bounds(array)
    return int(low), int(high)
