"""How large a gradient is, in five numbers, without a dense array where one can do without.

Taken of what is kept when somebody asks, and of what is not kept before it goes (`backward.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from tracer.rules.edited import Chain, Edited, Part, may_repeat
from tracer.rules.kinds import Outer

if TYPE_CHECKING:
    from collections.abc import Sequence

Array: TypeAlias = np.ndarray[Any, Any]
Column: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

_SMALL = 4096  # elements; arrays of fewer are measured many at a time
_LEAST = 1e-290  # below it the products of two numbers lose digits
_FAR = 1e140  # beyond it, or below its inverse, squares lose what they are squares of


class Statistics(NamedTuple):
    """What is known of the elements of one gradient, kept or not; of complex ones, of their sizes |g|.

    NaN is the smallest, the largest and the mean of what holds a NaN, and of what holds nothing.
    """

    norm: float  # Euclidean
    min: float
    max: float
    mean: float
    not_finite: int


FIELDS = len(Statistics._fields)


@dataclass(frozen=True, slots=True, eq=False)
class EdgeStatistics:
    """Statistics by edge, in columns: `norm`, `min`, `max`, `mean`, `not_finite`, or one edge's by its number.

    `numbers` are the gradients that are numbers, NaN elsewhere; `table` has a line for each of `arrays`, the edges
    whose gradient is an array, in order.
    """

    numbers: Column
    arrays: np.ndarray[Any, np.dtype[np.int64]]
    table: Column

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, edge: int) -> Statistics:
        line = int(np.searchsorted(self.arrays, edge))
        if line < len(self.arrays) and self.arrays[line] == edge:
            return statistics_of(self.table[line])
        return of_number(float(self.numbers[edge]))

    @property
    def norm(self) -> Column:
        """The Euclidean norm of an array, the size of a number."""
        sizes: Column = np.abs(self.numbers)
        return self._with(sizes, 0)

    @property
    def min(self) -> Column:
        """The smallest element."""
        return self._with(self.numbers.copy(), 1)

    @property
    def max(self) -> Column:
        """The largest element."""
        return self._with(self.numbers.copy(), 2)

    @property
    def mean(self) -> Column:
        """The mean of all elements."""
        return self._with(self.numbers.copy(), 3)

    @property
    def not_finite(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """How many elements are NaN or infinite."""
        return self._with((~np.isfinite(self.numbers)).astype(np.float64), 4).astype(np.int64)

    def _with(self, column: Column, field: int) -> Column:
        column[self.arrays] = self.table[:, field]
        return column


def statistics_of(line: Any) -> Statistics:
    """Return a line of a table as statistics."""
    norm, least, most, mean, not_finite = (float(number) for number in line)
    return Statistics(norm, least, most, mean, int(not_finite))


def of_number(number: complex) -> Statistics:
    """Return the statistics of one number."""
    size = abs(number)
    real = size if isinstance(number, complex) else number
    return Statistics(size, real, real, real, int(not math.isfinite(size)))


class Measurer:
    """Takes statistics; remembers the parts of arrays that are kept as differences, from one to the next."""

    def __init__(self) -> None:
        self._chains: dict[int, _Blocks] = {}  # by identity of the chain, which the blocks keep alive

    def table(self, gradients: Sequence[Any]) -> Column:
        """Return a line of numbers for each gradient; small arrays are measured many at a time."""
        table = np.empty((len(gradients), FIELDS))
        groups: dict[tuple[int, bool], list[tuple[int, Array]]] = {}
        seen: dict[int, int] = {}  # by identity: edges share arrays
        for place, gradient in enumerate(gradients):
            first = seen.setdefault(id(gradient), place)
            if first != place:
                continue
            is_part = type(gradient) is Part
            array = _numbers_in_zeros(gradient) if is_part else gradient
            if _is_plain(array) and 0 < array.size <= _SMALL:
                groups.setdefault((array.size, is_part), []).append((place, array))
            else:
                table[place] = self.of(gradient)
        for (size, is_part), found in groups.items():
            step = max(_SMALL, size) * 64 // size
            for start in range(0, len(found), step):
                some = found[start : start + step]
                places = [place for place, _ in some]
                flat = np.concatenate([array.ravel() for _, array in some])
                table[places] = _lines(flat.reshape(len(some), size))
                if is_part:
                    sizes = np.array([math.prod(gradients[place].shape) for place in places])
                    table[places] = _among_zeros(table[places], size, sizes)
        if len(seen) < len(gradients):
            table[:] = table[[seen[id(gradient)] for gradient in gradients]]
        return table

    def of(self, gradient: Any) -> Statistics:
        """Return the statistics of one gradient."""
        with np.errstate(all="ignore"):
            if type(gradient) is np.ndarray:
                return _of_array(gradient)
            if type(gradient) is Part:
                return _of_part(gradient)
            if type(gradient) is Outer:
                return _of_outer(gradient)
            if type(gradient) is Edited:
                return self._of_edited(gradient)
            return of_number(complex(gradient) if np.iscomplexobj(gradient) else float(gradient))

    def _of_edited(self, edited: Edited) -> Statistics:
        array = edited.current()
        if array.size <= _SMALL or array.dtype.kind == "c" or edited.is_view:
            return _of_array(array)
        blocks = self._chains.get(id(edited.chain))
        if blocks is None or blocks.at is not edited.before:
            blocks = self._chains[id(edited.chain)] = _Blocks(edited, array)
        else:
            blocks.move(edited, array)
        return blocks.statistics()


class _Blocks:
    """The statistics of an array block by block, so that a small change of a large array costs little."""

    def __init__(self, at: Edited, array: Array) -> None:
        self.chain: Chain = at.chain
        self._length = 1 << (array.size.bit_length() + 1) // 2
        self._places = np.arange(array.size).reshape(array.shape)
        self._take_all(at, array)

    def _take_all(self, at: Edited, array: Array) -> None:
        self.at = at
        starts = np.arange(0, array.size, self._length)
        flat = array.ravel().astype(np.float64, copy=False)
        self._squares = np.add.reduceat(flat * flat, starts)
        self._least = np.minimum.reduceat(flat, starts)
        self._most = np.maximum.reduceat(flat, starts)
        self._sums = np.add.reduceat(flat, starts)

    def move(self, at: Edited, array: Array) -> None:
        """Go on to the next array of the chain."""
        touched = np.unique(at.changed_in(self._places) // self._length).tolist()
        if len(touched) * 4 > len(self._squares):
            self._take_all(at, array)
            return
        self.at = at
        flat = array.ravel()
        for block in touched:
            part = flat[block * self._length : (block + 1) * self._length].astype(np.float64, copy=False)
            self._squares[block], self._sums[block] = part.dot(part), part.sum()
            self._least[block], self._most[block] = part.min(), part.max()

    def statistics(self) -> Statistics:
        """Return those of the whole array."""
        square = float(self._squares.sum())
        least, most = float(self._least.min()), float(self._most.max())
        if not (least == most == 0 or 1 / _FAR < square < _FAR):
            return _of_array(self.at.current())
        return Statistics(math.sqrt(square), least, most, float(self._sums.sum()) / self._places.size, 0)


def _is_plain(gradient: Any) -> bool:
    return type(gradient) is np.ndarray and gradient.dtype == np.float64


def _lines(rows: Array) -> Column:
    """Return the statistics of each row of a matrix of float64."""
    with np.errstate(all="ignore"):
        least, most = rows.min(1), rows.max(1)
        largest = np.maximum(np.abs(least), np.abs(most))
        table = np.stack([largest, least, most, rows.sum(1) / rows.shape[1], np.zeros(len(rows))], 1)
        is_far = ~((largest > 1 / _FAR) & (largest < _FAR))
        near = rows[~is_far] if is_far.any() else rows
        table[~is_far, 0] = np.sqrt(np.einsum("ij,ij->i", near, near))
        is_bad = ~np.isfinite(largest)  # whose norm that is
        table[is_bad, 4] = np.count_nonzero(~np.isfinite(rows[is_bad]), axis=1)
        for line in np.flatnonzero(is_far & ~is_bad & (largest != 0)).tolist():
            table[line] = _of_array(rows[line])
    return table


def _of_array(array: Array) -> Statistics:
    if not array.size:
        return Statistics(0.0, math.nan, math.nan, math.nan, 0)
    copies = 1
    if 0 in array.strides:  # one element that stands for many
        once = array[tuple(slice(None) if stride else slice(1) for stride in array.strides)]
        copies, array = array.size // once.size, once
    flat = array.ravel(order="K")
    flat = np.abs(flat) if flat.dtype.kind == "c" else flat
    flat = flat.astype(np.float64, copy=False)
    least, most = float(flat.min()), float(flat.max())
    largest = max(abs(least), abs(most))
    bad = 0
    if not math.isfinite(largest):  # of NaN, min and max are NaN
        bad = int(flat.size - np.count_nonzero(np.isfinite(flat)))
        norm = largest
    elif largest and not 1 / _FAR < largest < _FAR:
        scaled = flat / largest
        norm = largest * math.sqrt(float(scaled.dot(scaled)))
    else:
        norm = math.sqrt(float(flat.dot(flat)))
    mean = float(flat.sum()) / flat.size
    return Statistics(norm * math.sqrt(copies), least, most, mean, bad * copies)


def _of_part(part: Part) -> Statistics:
    """Measure the part, and the zeros around it."""
    size = math.prod(part.shape)
    innermost = part.innermost
    value = np.asarray(innermost.value)
    if (may_repeat(innermost.index) and not _is_once(innermost.index)) or value.size > size:
        return _of_array(part.dense())
    if value.dtype != part.dtype:
        value = value.astype(part.dtype)
    inside = of_number(value.item()) if value.ndim == 0 else _of_array(value)
    if value.size == size:
        return inside
    if not value.size:
        return Statistics(0.0, 0.0, 0.0, 0.0, 0)
    # min and max of Python would lose a NaN.
    least, most = (
        bound if math.isnan(bound) else pick(bound, 0.0)
        for bound, pick in ((inside.min, min), (inside.max, max))
    )
    return Statistics(inside.norm, least, most, inside.mean * (value.size / size), inside.not_finite)


def _numbers_in_zeros(part: Part) -> Any:
    """Return the numbers of a part that surely names each element once; None where that has to be looked at."""
    innermost = part.innermost
    return innermost.value if innermost.dtype == np.float64 and not may_repeat(innermost.index) else None


def _among_zeros(lines: Column, size: int, sizes: np.ndarray[Any, Any]) -> Column:
    """Return the statistics of arrays of so many `sizes`, of which `size` elements have these, and all others are 0."""
    rest = sizes > size
    lines[rest, 1], lines[rest, 2] = np.minimum(lines[rest, 1], 0), np.maximum(lines[rest, 2], 0)
    lines[:, 3] *= size / sizes
    return lines


def _is_once(index: Any) -> bool:
    """Say whether an integer array names each of its elements once; not looked at for several such arrays."""
    if isinstance(index, tuple):
        (index, *others) = [each for each in index if not isinstance(each, slice)] or [0]
        if others:
            return False
    if not isinstance(index, np.ndarray) or index.dtype.kind not in "iu" or (index < 0).any():
        return False
    return len(np.unique(index)) == index.size


def _of_outer(outer: Outer) -> Statistics:
    """Measure a product by its factors: its extremes are among the products of theirs."""
    column, row = _of_array(outer.column), _of_array(outer.row)
    corners = [a * b for a in (column.min, column.max) for b in (row.min, row.max)]
    exact = np.asarray(corners, np.dtype(outer.dtype).type(0).real.dtype).astype(np.float64)
    norm = column.norm * row.norm
    is_finite = not (column.not_finite or row.not_finite) and np.isfinite(exact).all()
    if not is_finite or not (_LEAST < norm < 1 / _LEAST or column.norm == 0 or row.norm == 0):
        return _of_array(outer.dense())
    return Statistics(norm, float(exact.min()), float(exact.max()), column.mean * row.mean, 0)
