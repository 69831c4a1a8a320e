"""Arrays <-> pools: one block of memory for each type of element, and a table of the views into it.

An array that looks into another one's memory (`x.T`, `x[2:]`, a part of a gradient)
is such a view in the file too: it costs no bytes, and after loading every array has the strides that it had, which
matters because sums in another order have other last bits.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

AnyArray: TypeAlias = np.ndarray[Any, Any]

_PLAIN_KINDS = frozenset("biufcSUmM")
_LARGEST_REPEAT = 1 << 30  # bytes that an array may seem to have by repeating elements
_MOST_AXES = 64  # NumPy's own bound
_SMALL, _MANY = 1 << 14, 1 << 10  # bytes of a piece that is written together with others, and with how many


def is_plain(dtype: np.dtype[Any]) -> bool:
    """Tell whether the elements of a type are numbers, dates or text of fixed length: bytes that say it all."""
    return dtype.kind in _PLAIN_KINDS and dtype.itemsize > 0


class _Extent(NamedTuple):
    """Where the elements of an array lie: from `low` up to `high`, the first at `address`."""

    address: int
    low: int
    high: int


class _Place(NamedTuple):
    """An array as it is written: itself or a copy, and how many elements into which other array it begins."""

    shown: AnyArray
    holder: int
    offset: int


@dataclass(slots=True)
class ArrayWriter:
    """Collects arrays and NumPy scalars, and lays them out in pools.

    A pool begins with the scalars of its type, in the order in which they came; arrays follow.
    """

    _arrays: list[AnyArray] = field(default_factory=list)
    _numbers: dict[int, int] = field(default_factory=dict)  # by identity
    _pools: dict[str, int] = field(default_factory=dict)
    _scalars: dict[str, list[AnyArray]] = field(default_factory=dict)
    _scalar_counts: dict[str, int] = field(default_factory=dict)

    def add(self, array: AnyArray) -> int:
        """Return the number of an array, the same one whenever it is the same object."""
        number = self._numbers.get(id(array))
        if number is None:
            number = self._numbers[id(array)] = len(self._arrays)
            self._arrays.append(array)
            self._pool(array.dtype)
        return number

    def add_scalars(self, scalars: Sequence[np.generic]) -> tuple[int, int]:
        """Return the pool of NumPy scalars of one type, and where in it the first of them stands."""
        block = np.array(scalars, scalars[0].dtype)
        name = block.dtype.str
        self._scalars.setdefault(name, []).append(block)
        first = self._scalar_counts.get(name, 0)
        self._scalar_counts[name] = first + len(block)
        return self._pool(block.dtype), first

    def _pool(self, dtype: np.dtype[Any]) -> int:
        return self._pools.setdefault(dtype.str, len(self._pools))

    def table(self) -> tuple[dict[str, list[int]], dict[str, list[AnyArray]]]:
        """Return the columns of the table of views, and by type the one-dimensional blocks of its pool."""
        blocks = {name: list(self._scalars.get(name, ())) for name in self._pools}
        filled = {name: self._scalar_counts.get(name, 0) for name in self._pools}
        places = self._places()
        starts: dict[int, int] = {}  # by holder: where it begins in its pool
        columns: dict[str, list[int]] = {
            name: [] for name in ("pools", "offsets", "ranks", "shapes", "strides")
        }
        for number, array in enumerate(self._arrays):
            shown, holder, offset = places.get(number) or (array, number, 0)
            name, item, has_items = array.dtype.str, array.itemsize, array.size > 0
            if holder not in starts:
                held = places[holder].shown if holder in places else self._arrays[holder]
                starts[holder] = filled[name]
                blocks[name].append(_flat(held))
                filled[name] += held.size
            columns["pools"].append(self._pools[name])
            columns["offsets"].append(starts[holder] + offset)
            columns["ranks"].append(array.ndim)
            columns["shapes"] += array.shape
            columns["strides"] += [
                step // item
                if has_items and length > 1
                else 0  # 0, too, for what was cut because it repeats
                for length, step in _axes(shown)
            ]
        return columns, {name: _joined(pieces) for name, pieces in blocks.items()}

    def _places(self) -> dict[int, _Place]:
        """Return how the arrays are written that share memory with others or do not fill theirs in order."""
        families: dict[int, list[int]] = {}
        for number, array in enumerate(self._arrays):
            if array.size:
                families.setdefault(_owner(array), []).append(number)
        places: dict[int, _Place] = {}
        for family in families.values():
            if len(family) > 1 or not self._arrays[family[0]].flags.c_contiguous:
                self._place(family, places)
        return places

    def _place(self, family: list[int], places: dict[int, _Place]) -> None:
        """Find the arrays of one memory that lie inside another.

        Going up in memory, longest first, that is the last one that reached further than all before it, or none.
        """
        extents = {number: _extent(self._arrays[number]) for number in family}
        furthest: dict[tuple[str, int], int] = {}
        for number in sorted(family, key=lambda each: (extents[each].low, -extents[each].high, each)):
            array, extent = self._arrays[number], extents[number]
            item = array.itemsize
            kind = (array.dtype.str, extent.low % item)
            holder = furthest.get(kind)
            is_inside = holder is not None and extent.high <= extents[holder].high
            if holder is not None and is_inside and all(step % item == 0 for step in array.strides):
                places[number] = _Place(array, holder, (extent.address - extents[holder].low) // item)
            elif _is_dense(array):
                furthest[kind] = number
                places[number] = _Place(array, number, (extent.address - extent.low) // item)
            else:
                copy = _without_gaps(array)
                around = _extent(copy)
                places[number] = _Place(copy, number, (around.address - around.low) // item)


def _owner(array: AnyArray) -> int:
    """Return the identity of what the memory of an array belongs to."""
    base: Any = array
    while type(base) is np.ndarray and base.base is not None:
        base = base.base
    return id(base)


def _extent(array: AnyArray) -> _Extent:
    address = low = high = array.__array_interface__["data"][0]
    for length, step in _axes(array):
        reach = (length - 1) * step
        low, high = low + min(reach, 0), high + max(reach, 0)
    return _Extent(address, low, high + array.itemsize)


def _joined(pieces: list[AnyArray]) -> list[AnyArray]:
    """Return the same elements in fewer pieces, because each takes a while to write."""
    joined: list[AnyArray] = []
    small: list[AnyArray] = []
    for piece in (*pieces, None):
        if small and (piece is None or piece.nbytes >= _SMALL or len(small) == _MANY):
            as_bytes = np.concatenate([each.view(np.uint8) for each in small])
            joined.append(as_bytes.view(small[0].dtype))
            small = []
        if piece is not None:
            (joined if piece.nbytes >= _SMALL else small).append(piece)
    return joined


def _axes(array: AnyArray) -> Iterator[tuple[int, int]]:
    """Return the length and the stride of every axis."""
    return zip(array.shape, array.strides, strict=True)


def _is_dense(array: AnyArray) -> bool:
    """Tell whether the elements fill their stretch of memory, each in a place of its own, in whatever order."""
    expected = array.itemsize
    for step, length in sorted((abs(step), length) for length, step in _axes(array) if length > 1):
        if step != expected:
            return False
        expected *= length
    return True


def _flat(array: AnyArray) -> AnyArray:
    """Return the elements of a dense array in the order of their addresses, without a copy where that is possible."""
    if array.flags.c_contiguous:
        return array.reshape(-1)
    upward = array[(*(slice(None, None, -1 if step < 0 else None) for step in array.strides), ...)]
    axes = sorted(range(array.ndim), key=lambda axis: -upward.strides[axis] if array.shape[axis] > 1 else 0)
    return upward.transpose(axes).reshape(-1)


def _without_gaps(array: AnyArray) -> AnyArray:
    """Return a dense copy that keeps the order of the axes in memory; what is repeated is there once."""
    if array.nbytes <= _LARGEST_REPEAT:
        array = array[
            (*(slice(1) if step == 0 and length else slice(None) for length, step in _axes(array)), ...)
        ]
    return array.copy(order="K")


def read_arrays(columns: Mapping[str, list[int]], pools: Sequence[AnyArray]) -> list[AnyArray]:
    """Return the arrays of a table, as views that can't be written to; raise ValueError for a table that is wrong."""
    if not len(columns["shapes"]) == len(columns["strides"]) == sum(columns["ranks"]):
        raise ValueError("the table of arrays has columns of unequal length")
    lengths, steps = iter(columns["shapes"]), iter(columns["strides"])
    # As bytes, because NumPy hands out no buffer of dates
    memories = [pool.view(np.uint8).data for pool in pools]
    arrays = []
    for number, offset, rank in zip(columns["pools"], columns["offsets"], columns["ranks"], strict=True):
        dtype, memory = pools[number].dtype, memories[number]
        shape = tuple(itertools.islice(lengths, rank))
        strides = tuple(step * dtype.itemsize for step in itertools.islice(steps, rank))
        if rank > _MOST_AXES or math.prod(shape) * dtype.itemsize > max(_LARGEST_REPEAT, memory.nbytes):
            raise ValueError("an array is larger than its pool")
        # NumPy itself refuses a shape that reaches out of the memory.
        if 0 in shape:
            arrays.append(np.ndarray(shape, dtype, b""))
        else:
            arrays.append(np.ndarray(shape, dtype, memory, offset * dtype.itemsize, strides))
    return arrays
