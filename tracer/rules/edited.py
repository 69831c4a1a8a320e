"""An array that differs from another one in a part: what writing by index makes of values and of gradients.

A loop that fills an array of n numbers one by one makes n arrays of n numbers. Kept as their differences they take
as much memory as the numbers that were written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tracer.rules.kinds import Array


@dataclass(slots=True, eq=False, repr=False)
class Chain:
    """What arrays that follow each other share: one working array, moved forward from one to the next."""

    made: int = 0  # how many there are
    at: int = 0  # the number of the one whose array it is now; not itself, which would be a circle
    array: Any = None
    is_kept: bool = True  # of gradients: whether the array at the start is held anyway


# Not frozen: one is made for every write, and freezing triples what that costs.
@dataclass(slots=True, eq=False, repr=False)
class Edited:
    """`before` with `value` written, or added, at `index`."""

    before: Array | Edited
    index: Any
    value: Any
    adds: bool = False
    shape: tuple[int, ...] = ()
    dtype: Any = None
    chain: Chain = field(default_factory=Chain)
    number: int = 0  # in the chain, from 1

    def __post_init__(self) -> None:
        """Take over what is the same for the whole chain."""
        self.shape, self.dtype = self.before.shape, self.before.dtype
        if type(self.before) is Edited:
            self.chain = self.before.chain
        self.chain.made += 1
        self.number = self.chain.made

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape))

    @property
    def nbytes(self) -> int:
        """The bytes of the full array."""
        return self.size * int(self.dtype.itemsize)

    def current(self) -> Array:
        """Return the full array to be read at once: the next in the chain is made in the same memory."""
        chain = self.chain
        steps: list[Edited] = []
        each: Any = self
        while type(each) is Edited and each.number != chain.at:
            steps.append(each)
            each = each.before
        array: Array = chain.array if type(each) is Edited else each.copy()
        chain.at, chain.array = 0, None  # while it is being moved
        for step in reversed(steps):
            value = step.value.dense() if type(step.value) is Edited else step.value
            if not step.adds:
                array[step.index] = value
            elif may_repeat(step.index):
                np.add.at(array, step.index, value)
            else:
                array[step.index] += value
        chain.at, chain.array = self.number, array
        return array

    def dense(self) -> Array:
        """Return the full array, as the caller's own."""
        return self.current().copy()

    def add_to(self, total: Array) -> None:
        """Add the array to `total` in place."""
        total += self.current()

    @property
    def numbers(self) -> Array:
        """The full array."""
        return self.dense()

    def plus(self, index: Any, value: Any) -> Edited:
        """Return this array with `value` added at `index`."""
        return Edited(self, index, value, adds=True)


def whole(value: Any) -> Any:
    """Return an array that was kept as a difference in full; anything else unchanged."""
    return value.dense() if type(value) is Edited else value


def may_repeat(index: Any) -> bool:
    """Say whether `index` can name one element twice, as integer arrays do and slices and masks don't."""
    return not all(_names_once(part) for part in (index if isinstance(index, tuple) else (index,)))


def _names_once(part: Any) -> bool:
    if isinstance(part, np.ndarray):
        return bool(part.dtype.kind == "b")
    return part is None or part is Ellipsis or isinstance(part, int | np.integer | slice)
