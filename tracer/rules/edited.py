"""An array that differs in a part from another one, or from zeros: what indexing makes of values and of gradients.

A loop that fills an array of n numbers one by one makes n arrays of n numbers. Kept as their differences they take
as much memory as the numbers that were written. So does a loop that reads them one by one, going back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import methodcaller
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tracer.rules.kinds import Array


_DEEPEST = 8  # parts of parts; each is gone through whenever the numbers are asked for


class Chain:
    """What arrays that follow each other share: one working array, moved forward from one to the next."""

    __slots__ = ("array", "at", "depth", "is_kept", "made")

    def __init__(self) -> None:
        self.made = 0  # how many there are
        self.at = 0  # the number of the one whose array it is now; not itself, which would be a circle
        self.array: Any = None
        self.depth = 0  # of views of arrays that are kept as differences from views of …
        self.is_kept = True  # of gradients: whether the array at the start is held anyway


# Not frozen: one is made for every write, and freezing triples what that costs.
@dataclass(slots=True, eq=False, repr=False)
class Edited:
    """`before` with `value` written, or added, at `index`; or the view of it that `index` gives."""

    before: Array | Edited
    index: Any
    value: Any
    added: Part | None = None  # in place of index and value: it is added, not written
    is_view: bool = False
    shape: tuple[int, ...] = ()
    dtype: Any = None
    chain: Chain = field(default_factory=Chain)
    number: int = 0  # in the chain, from 1

    def __post_init__(self) -> None:
        """Take over what is the same for the whole chain; a view may be the start of one."""
        self.dtype = self.before.dtype
        if not self.is_view:
            self.shape = self.before.shape
            if type(self.before) is Edited:
                self.chain = self.before.chain
        elif type(self.before) is Edited:
            self.chain.depth = self.before.chain.depth + 1
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
        if self.is_view:
            return _seen(current(self.before), self.index)
        chain = self.chain
        steps: list[Edited] = []
        each: Any = self
        while type(each) is Edited and not each.is_view and each.number != chain.at:
            steps.append(each)
            each = each.before
        is_there = type(each) is Edited and not each.is_view
        array: Array = chain.array if is_there else current(each).copy()
        chain.at, chain.array = 0, None  # while it is being moved
        for step in reversed(steps):
            if step.added is not None:
                step.added.add_to(array)
                continue
            value = step.value
            if type(value) is Edited:  # which may be a view of what is being moved
                chain.at, chain.array = getattr(step.before, "number", 0), array
                value = value.current()
                chain.at, chain.array = 0, None
            array[step.index] = value
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

    def plus(self, part: Part) -> Edited:
        """Return this array with a part added."""
        return Edited(self, None, None, part)

    def changed_in(self, array: Array) -> Array:
        """Return the elements of an array at the places where this one differs from the one before."""
        changed: Array = array[self.index] if self.added is None else self.added.of(array)
        return changed


# Not frozen, as above.
@dataclass(slots=True, eq=False, repr=False)
class Part:
    """The gradient of an indexing: `value` at `index`, zero elsewhere, with no array of zeros.

    Where what was indexed had been a view, the value is again a part (`x[1:][i]`), and `index` is no array, or what
    makes the view (`x.T[i]`).
    """

    index: Any
    value: Any
    shape: tuple[int, ...]
    dtype: Any

    def dense(self) -> Array:
        """Return the gradient as a full array."""
        total = np.zeros(self.shape, self.dtype)
        self.add_to(total)
        return total

    def add_to(self, total: Array) -> None:
        """Add the gradient to `total` in place."""
        part = self
        while type(part.value) is Part:
            seen = _seen(total, part.index)
            if type(part.index) is methodcaller and not np.may_share_memory(seen, total):
                total += part.value.dense().reshape(total.shape)  # only reshaping may have to copy
                return
            total, part = seen, part.value
        if may_repeat(part.index):
            np.add.at(total, part.index, part.value)
        else:
            total[part.index] += part.value

    def of(self, array: Array) -> Any:
        """Return the elements of an array at the places of the part."""
        part = self
        while type(part) is Part:
            array, part = _seen(array, part.index), part.value
        return array

    def sizes(self) -> Part:
        """Return the part with the sizes of its numbers."""
        parts = [self]
        while type(parts[-1].value) is Part:
            parts.append(parts[-1].value)
        value: Any = np.abs(parts[-1].value)
        for part in reversed(parts):
            value = Part(part.index, value, part.shape, value.dtype)
        sizes: Part = value
        return sizes

    @property
    def innermost(self) -> Part:
        """The part that has the numbers."""
        part = self
        while type(part.value) is Part:
            part = part.value
        return part

    @property
    def repeats(self) -> bool:
        """Whether it may name one element twice."""
        return may_repeat(self.innermost.index)

    @property
    def numbers(self) -> Array:
        """The part itself, or a full array where one element was taken several times."""
        part = self.innermost
        return part.dense() if may_repeat(part.index) else np.asarray(part.value)


def part_of(index: Any, value: Any, shape: tuple[int, ...], dtype: Any) -> Part:
    """Return the gradient of an indexing, of whose result the gradient is `value`, an array in any form."""
    if type(value) is Part and (may_copy(index) or not is_shallow(value)):
        value = value.dense()
    return Part(index, value if type(value) is Part else np.asarray(whole(value)), shape, dtype)


def is_shallow(part: Part) -> bool:
    """Say whether a part may become the value of another."""
    depth = 1
    while type(part.value) is Part:
        depth, part = depth + 1, part.value
    return depth < _DEEPEST


def _seen(array: Array, index: Any) -> Array:
    seen: Array = index(array) if type(index) is methodcaller else array[index]
    return seen


def view_of(before: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Return what `index`, or what makes a view, shows of an array that nothing writes into any more."""
    if type(before) is not Edited:
        return _seen(before, index)
    if before.chain.depth >= _DEEPEST:
        return _seen(before.current(), index).copy()
    return Edited(before, index, None, is_view=True, shape=shape)


def is_view(value: Any) -> bool:
    """Tell whether an array is kept as a view of one that is kept as a difference."""
    return type(value) is Edited and value.is_view


def base_of(view: Any) -> Any:
    """Return the array, kept as a difference, that a view is one of."""
    while is_view(view):
        view = view.before
    return view


def current(value: Any) -> Any:
    """Return an array that was kept as a difference to be read at once; anything else unchanged."""
    return value.current() if type(value) is Edited else value


def whole(value: Any) -> Any:
    """Return an array that was kept as a difference in full; anything else unchanged."""
    return value.dense() if type(value) in _DIFFERENCES else value


def may_repeat(index: Any) -> bool:
    """Say whether `index` can name one element twice, as integer arrays do and slices and masks don't."""
    if type(index) is int or type(index) is slice:
        return False
    return not all(_names_once(part) for part in (index if isinstance(index, tuple) else (index,)))


def may_copy(index: Any) -> bool:
    """Say whether indexing by `index` may make an array of its own, which no change of goes back to the first."""
    return not all(_is_basic(part) for part in (index if isinstance(index, tuple) else (index,)))


def _is_basic(part: Any) -> bool:
    return (
        part is None
        or part is Ellipsis
        or (isinstance(part, int | np.integer | slice) and type(part) is not bool)
    )


def _names_once(part: Any) -> bool:
    if isinstance(part, np.ndarray):
        return bool(part.dtype.kind == "b")
    return part is None or part is Ellipsis or isinstance(part, int | np.integer | slice)


_DIFFERENCES = frozenset((Edited, Part))
