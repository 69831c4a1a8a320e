"""What the code of a loop on the way back is given, of any recording of the program. Used by turn_code.py.

A way that is kept holds no value of a recording: it says what is to be read of the next one, and how.
"""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.straight import Straight


class Way(NamedTuple):
    """How to go back over a loop: the compiled code, and what it is given."""

    code: Callable[..., None]
    given: list[Any]
    columns: list[Any]
    slots: list[int]
    top: int  # the first row that is gone back over, and the last
    bottom: int

    def of(self, straight: Straight) -> Way:
        """Return the way over the same loop with the values of one recording, of which a way that is kept has none."""
        given, columns = (
            [each.read(straight, each.what) for each in some] for some in (self.given, self.columns)
        )
        return self._replace(given=given, columns=columns)


class Given(NamedTuple):
    """What the code of a loop is given, of any recording: how it is read, and what."""

    read: Callable[[Straight, Any], Any]
    what: Any


def itself(_: Straight, what: Any) -> Any:
    """Return what is the same for all recordings."""
    return what


def value_of(straight: Straight, number: int) -> Any:
    """Return the value of a row or a constant, by its number."""
    return straight.held[number]


def values_of(straight: Straight, rows: slice) -> list[Any]:
    """Return those of all turns."""
    return straight.held[rows]


def constants_of(straight: Straight, numbers: list[int]) -> list[Any]:
    """Return the constants of all turns."""
    return list(map(straight.held.__getitem__, numbers))


def floats_of(straight: Straight, places: np.ndarray[Any, Any]) -> Any:
    """Return constants that are floats; of equal ones an array without axes, which NumPy need not make each time."""
    found = straight.constants.floats[places]
    bits = found.view(np.int64)
    return repeat(found[0:1].reshape(())) if (bits == bits[0]).all() else found.tolist()


def a_room(straight: Straight, shape: int) -> Any:
    """Return what gives an array of a shape, by its number, when it is called."""
    return straight.room_of(shape).__next__


def rooms_of(straight: Straight, shape: int) -> Any:
    """Return arrays of a shape, without end."""
    return straight.room_of(shape)
