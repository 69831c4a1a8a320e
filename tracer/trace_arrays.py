"""Arrays <-> pools: one block of memory for each type of element, and a table of the views into it.

Used by trace_values.py alone. An array that looks into another one's memory (`x.T`, `x[2:]`, a part of a gradient)
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
    """Where the elements of an array lie: from `low` up to `high`, the first at `address`; `dense`: with no gaps."""

    address: int
    low: int
    high: int
    dense: bool


@dataclass(slots=True)
class ArrayWriter:
    """Collects arrays and NumPy scalars, and lays them out in pools.

    A pool begins with the scalars of its type, in the order in which they came; arrays follow.
    """

    _arrays: list[AnyArray] = field(default_factory=list)
    _extents: list[_Extent] = field(default_factory=list)
    # By what of the memory an array shows, and by identity, which is faster to look up.
    _numbers: dict[tuple[Any, ...], int] = field(default_factory=dict)
    _known: dict[int, tuple[int, AnyArray]] = field(default_factory=dict)
    _pools: dict[str, int] = field(default_factory=dict)
    _scalars: dict[str, list[AnyArray]] = field(default_factory=dict)
    _scalar_counts: dict[str, int] = field(default_factory=dict)

    def add(self, array: AnyArray) -> int:
        """Return the number of an array; one that shows the same memory in the same way has the same number."""
        known = self._known.get(id(array))
        if known is not None:
            return known[0]
        extent = _extent(array)
        # The stride of an axis of length 1 means nothing.
        strides = None if array.flags.c_contiguous else [step if n > 1 else 0 for n, step in _axes(array)]
        key = (extent.address, array.dtype.str, array.shape, strides and tuple(strides))
        number = self._numbers.setdefault(key, len(self._arrays))
        if number == len(self._arrays):
            self._arrays.append(array)
            self._extents.append(extent)
            self._pool(array.dtype)
        self._known[id(array)] = number, array
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
        holders, copies = self._holders()
        starts: dict[int, int] = {}  # by holder: where it begins in its pool
        columns: dict[str, list[int]] = {
            name: [] for name in ("pools", "offsets", "ranks", "shapes", "strides")
        }
        for number, array in enumerate(self._arrays):
            shown, extent, holder = array, self._extents[number], holders.get(number, number)
            held, held_extent = self._arrays[holder], self._extents[holder]
            if number in copies:
                shown = held = copies[number]
                extent = held_extent = _extent(shown)
            name, item, offset = array.dtype.str, array.itemsize, 0
            if array.size:
                if holder not in starts:
                    starts[holder] = filled[name]
                    blocks[name].append(_flat(held))
                    filled[name] += held.size
                offset = starts[holder] + (extent.address - held_extent.low) // item
            columns["pools"].append(self._pools[name])
            columns["offsets"].append(offset)
            columns["ranks"].append(array.ndim)
            columns["shapes"] += array.shape
            columns["strides"] += [
                step // item if length > 1 else 0  # of what was cut to length 1 because it repeats, too
                for length, step in _axes(shown)
            ]
        return columns, {name: _joined(pieces) for name, pieces in blocks.items()}

    def _holders(self) -> tuple[dict[int, int], dict[int, AnyArray]]:
        """Return, for arrays that are not written as they are, which one they are a view of, or the copy to write.

        Going up in memory, longest first, an array lies inside the last one that reached further than all before
        it, or inside none.
        """
        holders: dict[int, int] = {}
        copies: dict[int, AnyArray] = {}
        extents = self._extents
        filled = (number for number, array in enumerate(self._arrays) if array.size)
        order = sorted(filled, key=lambda number: (extents[number].low, -extents[number].high, number))
        furthest: dict[tuple[str, int], int] = {}
        for number in order:
            array, extent = self._arrays[number], extents[number]
            item = array.itemsize
            family = (array.dtype.str, extent.low % item)
            holder = furthest.get(family)
            if (
                holder is not None
                and extent.high <= extents[holder].high
                and (array.flags.c_contiguous or all(step % item == 0 for step in array.strides))
            ):
                holders[number] = holder
            elif extent.dense:
                furthest[family] = number
            else:
                copies[number] = _without_gaps(array)
        return holders, copies


def _extent(array: AnyArray) -> _Extent:
    address = low = high = array.__array_interface__["data"][0] if array.size else 0
    if array.flags.c_contiguous:
        return _Extent(address, low, low + array.nbytes, dense=True)
    for length, step in _axes(array):
        reach = (length - 1) * step
        low, high = low + min(reach, 0), high + max(reach, 0)
    return _Extent(address, low, high + array.itemsize, _is_dense(array))


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
    return [
        _view(
            pools[number],
            offset,
            tuple(itertools.islice(lengths, rank)),
            tuple(itertools.islice(steps, rank)),
        )
        for number, offset, rank in zip(columns["pools"], columns["offsets"], columns["ranks"], strict=True)
    ]


def _view(pool: AnyArray, offset: int, shape: tuple[int, ...], steps: tuple[int, ...]) -> AnyArray:
    """Return one array; NumPy itself refuses a shape that reaches out of the pool."""
    item = pool.itemsize
    if len(shape) > _MOST_AXES or math.prod(shape) * item > max(_LARGEST_REPEAT, pool.nbytes):
        raise ValueError("an array is larger than its pool")
    if 0 in shape:
        view = np.empty(shape, pool.dtype)
        view.flags.writeable = False
        return view
    strides = tuple(step * item for step in steps)
    # The bytes, because NumPy hands out no buffer of dates.
    return np.ndarray(shape, pool.dtype, pool.view(np.uint8).data, offset * item, strides)
