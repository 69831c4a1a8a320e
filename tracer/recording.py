"""A frozen tape: columns of equal length, one row a record. Made by freezing.py, read by `graph.py` and `backward.py`.

A row is an input, an operation or a cut. Rows are in execution order, so an operand is always an earlier row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import compress, repeat
from operator import is_
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from tracer.rules.edited import Edited, whole

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from types import CodeType

    from tracer.scopes import Call

# Of rows, operands, nodes and edges: a trace of 2**31 of them would need a hundred gigabytes
INDEX = np.int32
Indices: TypeAlias = np.ndarray[Any, np.dtype[np.int32]]
_FEW = 48  # rows that are looked at one by one
SHORT = 1 << 12  # rows of a recording of which is known again what they were before
KEPT = 8  # of such recordings
# Of the parameters of a cut: no operation of the run has taken its number
LOOKED_AT = "looked at"
_NAN = float("nan")
_FLOAT = frozenset((float,))
ARRAYS = frozenset((np.ndarray, Edited))
_OF_FLOAT64 = frozenset((np.ndarray, np.float64, int))
_WIDE = frozenset((np.ndarray, Edited, complex, np.complex64, np.complex128, np.clongdouble))


def indices(numbers: Collection[int]) -> Indices:
    """Put whole numbers into a column; NumPy reads Python's at four times the speed as those of its own size."""
    return np.fromiter(numbers, np.int64, len(numbers)).astype(INDEX)


class Arrays(NamedTuple):
    """Which rows of a column hold arrays."""

    rows: Indices  # in order
    wide_rows: Indices  # these, and complex numbers
    has_differences: bool  # some are `Edited`
    among_others: bytes | None  # of each value that is no float, whether it is one; None: all are
    is_of_float64: bool  # no number beside them would make float64 another type

    def of(self, others: dict[int, Any]) -> list[Any]:
        """Return the arrays among the values of the column that are no floats."""
        return list(
            others.values() if self.among_others is None else compress(others.values(), self.among_others)
        )


def _arrays_of(rows: Collection[int], types: Sequence[type], others: Sequence[type]) -> Arrays:
    """Return where the arrays are among values of these types, which stand in these rows; `others` are no floats."""
    kinds = set(others)
    found, wide = _rows_of(ARRAYS & kinds, rows, types), _WIDE & kinds
    return Arrays(
        found,
        found if wide <= ARRAYS else _rows_of(wide, rows, types),
        Edited in kinds,
        None if kinds <= ARRAYS else bytes(map(ARRAYS.__contains__, others)),
        kinds <= _OF_FLOAT64,
    )


def _rows_of(wanted: frozenset[type], rows: Collection[int], types: Sequence[type]) -> Indices:
    """Return those of some rows that have one of these types."""
    if len(types) <= _FEW:
        return indices([row for row, kind in zip(rows, types, strict=True) if kind in wanted])
    chosen = np.zeros(len(types), np.bool_)
    for kind in wanted:
        chosen |= np.frombuffer(bytearray(map(is_, types, repeat(kind))), np.bool_)
    return indices(rows)[chosen] if type(rows) is not range else chosen.nonzero()[0].astype(INDEX)


@dataclass(slots=True, eq=False, repr=False)
class Values:
    """A column of Python values: the floats in one array, everything else by row."""

    floats: np.ndarray[Any, np.dtype[np.float64]]
    others: dict[int, Any] = field(default_factory=dict)
    _arrays: Arrays | None = None

    def __len__(self) -> int:
        return len(self.floats)

    @property
    def array_rows(self) -> Indices:
        """The rows that hold an array, in order."""
        return self.arrays().rows

    @property
    def wide_rows(self) -> Indices:
        """The rows that hold an array or a complex number, in order: what no float of the column stands for."""
        return self.arrays().wide_rows

    def arrays(self) -> Arrays:
        """Return where the arrays are: each look at all of the values is one at all of memory."""
        if self._arrays is None:
            types = list(map(type, self.others.values()))
            self._arrays = _arrays_of(list(self.others), types, types)
        return self._arrays

    def kept(self, row: int) -> Any:
        """Return an item as it is kept: an array may be one as its difference from another (`Edited`)."""
        return self.others[row] if row in self.others else float(self.floats[row])

    def __getitem__(self, row: int) -> Any:
        if row in self.others:
            return whole(self.others[row])
        return float(self.floats[row])


class Output(NamedTuple):
    """One number in the result of the traced function: where it stands, and the row that made it (-1: none)."""

    path: str
    row: int
    value: Any


@dataclass(slots=True, eq=False, repr=False)
class Recording:
    """What one run did, in columns."""

    ops: np.ndarray[Any, np.dtype[np.int16]]  # by row: number in OP_NAMES
    values: Values  # by row: the result
    starts: Indices  # operands of row r are starts[r]:starts[r + 1]
    operands: Indices  # a row, or -1 - the number of a constant
    constants: Values
    params: dict[int, dict[str, Any]]  # by row, where the rule needs any
    instructions: Indices  # by row: offset in the code that made it
    segments: Indices  # rows at which the running call changes
    segment_scopes: Indices
    segment_codes: list[CodeType]
    calls: list[Call]
    input_names: list[str]
    outputs: list[Output] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.ops)

    def segments_of(self, rows: Any) -> Any:
        """Return the segment, by its number, in which a row was made, or each of several."""
        return np.searchsorted(self.segments, rows, "right") - 1


def values_of(items: Sequence[Any]) -> Values:
    """Put Python values into a column."""
    if len(items) > SHORT and set(map(type, items)) <= _FLOAT:
        return Values(np.fromiter(items, np.float64, len(items)))
    types = tuple(map(type, items))
    places = _places_again(types) if len(types) <= SHORT else _places_of(types)
    if not places.others:
        return Values(np.fromiter(items, np.float64, len(items)), {}, places.arrays)
    floats, others = np.full(len(items), _NAN), items
    if len(places.others) < len(items):
        floats[np.frombuffer(places.is_float, np.bool_)] = list(compress(items, places.is_float))
        others = list(map(items.__getitem__, places.others))
    for row in places.numbers:
        floats[row] = _as_float(items[row])
    return Values(floats, dict(zip(places.others, others, strict=True)), places.arrays)


class _Places(NamedTuple):
    """What the types of some values say of them."""

    is_float: bytes
    others: list[int]  # rows of what is no float
    numbers: list[int]  # those of them that hold no array, either
    arrays: Arrays


def _places_of(types: Sequence[type]) -> _Places:
    is_float = bytes(map(is_, types, repeat(float)))
    others = (~np.frombuffer(is_float, np.bool_)).nonzero()[0].tolist()
    arrays = _arrays_of(range(len(types)), types, list(map(types.__getitem__, others)))
    numbers = [row for row in others if types[row] not in ARRAYS] if arrays.among_others else []
    return _Places(is_float, others, numbers, arrays)


@lru_cache(maxsize=2 * KEPT)  # of a recording, its values and its constants
def _places_again(types: tuple[type, ...]) -> _Places:
    places = _places_of(types)
    places.arrays.rows.setflags(write=False)  # they are those of other recordings, too
    places.arrays.wide_rows.setflags(write=False)
    return places


forget = _places_again.cache_clear
"""Forget what is known again, for tests that work out the same in two ways."""


def _as_float(item: Any) -> float:
    """Return a number as a float for the columns; NaN for what is none: arrays, strings, arguments of a rule."""
    try:
        return float(item) if isinstance(item, (float, int, np.floating, np.integer, np.bool_)) else _NAN
    except OverflowError:  # an int beyond the floats
        return _NAN


def operand_of(recording: Recording, producer: int) -> Any:
    """Return the value of an operand by its number: of a row, or of a constant below zero."""
    return recording.values[producer] if producer >= 0 else recording.constants[-1 - producer]
