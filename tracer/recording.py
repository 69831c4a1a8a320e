"""A frozen tape: columns of equal length, one row a record. Made by `freeze`, read by `graph.py` and `backward.py`.

A row is an input, an operation or a cut. Rows are in execution order, so an operand is always an earlier row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import compress, repeat
from operator import is_
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from tracer.operations import COMPACT_COLUMN, COMPACT_OPERANDS
from tracer.rules.edited import Edited, whole
from tracer.tape import WIDTH, Call, Tape

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from types import CodeType

# Of rows, operands, nodes and edges: a trace of 2**31 of them would need a hundred gigabytes
INDEX = np.int32
Indices: TypeAlias = np.ndarray[Any, np.dtype[np.int32]]
_CHUNK = 1 << 16  # records frozen at a time: what the lists of the tape need is freed as the columns grow
_FEW = 48  # records that are frozen one by one
_SHORT = 1 << 12  # records of which is known again how they are connected
_KEPT = 8  # of such recordings
_NAN = float("nan")
_FLOAT = frozenset((float,))
ARRAYS = frozenset((np.ndarray, Edited))
_FLOATS_AND_ARRAYS = _FLOAT | ARRAYS
_LEFT, _RIGHT, _BOTH = 1, 2, 3
_WIDE = frozenset((np.ndarray, Edited, complex, np.complex64, np.complex128, np.clongdouble))


def indices(numbers: Collection[int]) -> Indices:
    """Put whole numbers into a column; NumPy reads Python's at four times the speed as those of its own size."""
    return np.fromiter(numbers, np.int64, len(numbers)).astype(INDEX)


class Arrays(NamedTuple):
    """Which rows of a column hold arrays."""

    rows: Indices  # in order
    wide_rows: Indices  # these, and complex numbers
    has_differences: bool  # some are `Edited`


def _arrays_of(rows: Collection[int], types: Sequence[type], kinds: set[type]) -> Arrays:
    """Return where the arrays are among values of these types, which stand in these rows."""
    found = _rows_of(ARRAYS & kinds, rows, types)
    wide = _WIDE & kinds
    return Arrays(found, found if wide <= ARRAYS else _rows_of(wide, rows, types), Edited in kinds)


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
            self._arrays = _arrays_of(list(self.others), types, set(types))
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


def freeze(tape: Tape) -> Recording:
    """Turn a closed tape into columns; the tape's records are used up."""
    records, count = tape.records, len(tape.records) // WIDTH
    columns = _freeze_few(records) if count <= _FEW else _freeze_many(records)
    for number, instruction in tape.waiting.items():
        at, *_ = stops = [segment.start // WIDTH for segment in tape.segments[number : number + 2]]
        columns.instructions[at : stops[1] if len(stops) > 1 else count] = instruction
    return Recording(
        *columns,
        segments=indices([segment.start // WIDTH for segment in tape.segments]),
        segment_scopes=indices([segment.scope for segment in tape.segments]),
        segment_codes=[segment.code for segment in tape.segments],
        calls=tape.calls,
        input_names=tape.input_names,
    )


class _Columns(NamedTuple):
    ops: np.ndarray[Any, Any]
    values: Values
    starts: Indices
    operands: Indices
    constants: Values
    params: dict[int, dict[str, Any]]
    instructions: Indices


def _freeze_few(records: list[Any]) -> _Columns:
    """Turn records into columns one by one: of few, that takes a fraction of the steps over whole columns."""
    ops: list[int] = []
    starts, operands = [0], list[int]()
    constants: list[Any] = []
    params: dict[int, dict[str, Any]] = {}
    for row, (code, left, right) in enumerate(
        zip(records[0::WIDTH], records[1::WIDTH], records[2::WIDTH], strict=True)
    ):
        op, mask = code >> 2, code & _BOTH
        given: Any = None
        if not mask:
            positions, (plain, given) = left, right
        elif COMPACT_OPERANDS[op] == 1:
            positions, plain, given = (left,), (None,), right
        else:
            positions = (left if mask & _LEFT else None, right if mask & _RIGHT else None)
            plain = (left, right)
        if given:
            params[row] = given
        for position, constant in zip(positions, plain, strict=False):
            if position is None:
                operands.append(-1 - len(constants))
                constants.append(constant)
            else:
                operands.append(position // WIDTH)
        ops.append(op)
        starts.append(len(operands))
    columns = _Columns(
        np.array(ops, np.int16),
        values_of(records[3::WIDTH]),
        np.array(starts, INDEX),
        np.array(operands, INDEX),
        values_of(constants),
        params,
        np.array(records[4::WIDTH], INDEX),
    )
    records.clear()
    return columns


def _freeze_many(records: list[Any]) -> _Columns:
    """Turn records into columns, chunk by chunk from the end, so that their memory goes as the columns come."""
    count = len(records) // WIDTH
    is_short = count <= _SHORT
    chunks: list[_Chunk] = []
    for first in range((count - 1) // _CHUNK * _CHUNK, -1, -_CHUNK):
        chunks.append(_freeze_chunk(records[first * WIDTH :] if first else records, is_short=is_short))
        del records[first * WIDTH :]
    chunks.reverse()
    starts = np.zeros(count + 1, INDEX)
    _joined([chunk.degrees for chunk in chunks]).cumsum(dtype=INDEX, out=starts[1:])
    start, *rest = chunks
    values, constants, params = start.values, start.constants, start.params
    if rest:
        values = Values(_joined([chunk.values.floats for chunk in chunks]), values.others)
        constants = Values(_joined([chunk.constants.floats for chunk in chunks]), constants.others)
    first, first_constant = len(start.values), len(start.constants)
    for chunk in rest:
        values.others.update((first + row, value) for row, value in chunk.values.others.items())
        constants.others.update(
            (first_constant + row, value) for row, value in chunk.constants.others.items()
        )
        params.update((first + row, value) for row, value in chunk.params.items())
        chunk.operands[chunk.operands < 0] -= first_constant
        first += len(chunk.values)
        first_constant += len(chunk.constants)
    return _Columns(
        _joined([chunk.ops for chunk in chunks]),
        values,
        starts,
        _joined([chunk.operands for chunk in chunks]),
        constants,
        params,
        _joined([chunk.instructions for chunk in chunks]),
    )


class _Chunk(NamedTuple):
    ops: np.ndarray[Any, Any]
    values: Values
    degrees: np.ndarray[Any, Any]
    operands: np.ndarray[Any, Any]
    constants: Values
    params: dict[int, dict[str, Any]]
    instructions: np.ndarray[Any, Any]


def _freeze_chunk(records: list[Any], *, is_short: bool) -> _Chunk:
    """Turn a stretch of records into columns, of a short recording all; constants are numbered from 0 within it."""
    codes, left, right = (records[place::WIDTH] for place in range(3))
    form = _form_again(tuple(codes)) if is_short else _form_of(codes)
    general = tuple([left[row] for row in form.general])
    traced = [
        side if chosen is None else compress(side, chosen)
        for side, chosen in zip((left, right), form.chosen, strict=True)
    ]
    degrees, operands = (
        _connected_again(tuple(codes), general, *map(tuple, traced))
        if is_short
        else _connected(form, general, *traced)
    )
    params: dict[int, dict[str, Any]] = {row: right[row] for row in form.of_one if right[row]}
    constants: list[Any] = []
    for side, plain in zip((left, right), form.plain, strict=True):
        constants += map(side.__getitem__, plain)
    for row, positions in zip(form.general, general, strict=True):
        given, row_params = right[row]
        if row_params:
            params[row] = row_params
        constants += [
            constant for position, constant in zip(positions, given, strict=False) if position is None
        ]
    return _Chunk(
        form.ops,
        values_of(records[3::WIDTH]),
        degrees,
        operands,
        values_of(constants),
        params,
        indices(records[4::WIDTH]),
    )


class _Form(NamedTuple):
    """What the codes of some records say of them."""

    ops: np.ndarray[Any, Any]
    degrees: np.ndarray[Any, Any]  # 0 in the general form
    general: list[int]  # rows in that form
    of_one: list[int]  # rows of one operand, beside which there may be params
    traced: list[np.ndarray[Any, Any]]  # by side, left and right: the rows that have a position there
    chosen: list[list[bool] | None]  # by side: of each row, whether it has; None: all have
    plain: tuple[list[int], ...]  # by side: the rows that have a constant there


def _form_of(given: Sequence[int]) -> _Form:
    codes = indices(given)
    masks = codes & _BOTH
    degrees = COMPACT_COLUMN[codes >> 2] * (masks > 0)
    is_traced = [masks & bit > 0 for bit in (_LEFT, _RIGHT)]
    return _Form(
        (codes >> 2).astype(np.int16),
        degrees,
        (masks == 0).nonzero()[0].tolist(),
        ((masks == _LEFT) & (degrees == 1)).nonzero()[0].tolist(),
        [each.nonzero()[0] for each in is_traced],
        [None if each.all() else each.tolist() for each in is_traced],
        tuple(
            (~each & (masks > 0) & (degrees > shift)).nonzero()[0].tolist()
            for shift, each in enumerate(is_traced)
        ),
    )


def _connected(
    form: _Form,
    general: tuple[tuple[int | None, ...], ...],
    left: Iterable[int],
    right: Iterable[int],
) -> tuple[np.ndarray[Any, Any], Indices]:
    """Return how many operands each row has, and all of them: a row, or -1 - the number of a constant.

    Given are the positions of the operands in the general form, and of those that stand left and right.
    """
    count, degrees = len(form.ops), form.degrees
    degrees[form.general] = list(map(len, general))
    starts = np.zeros(count + 1, INDEX)
    degrees.cumsum(dtype=INDEX, out=starts[1:])
    operands = np.empty(starts[-1], INDEX)
    constants = 0
    for shift, (positions, traced, plain) in enumerate(
        zip((left, right), form.traced, form.plain, strict=True)
    ):
        operands[starts[plain] + shift] = -1 - constants - np.arange(len(plain))
        constants += len(plain)
        operands[starts[:-1][traced] + shift] = np.fromiter(positions, np.int64, len(traced)) // WIDTH
    for row, row_positions in zip(form.general, general, strict=True):
        for place, position in enumerate(row_positions, starts[row].item()):
            if position is None:
                operands[place] = -1 - constants
                constants += 1
            else:
                operands[place] = position // WIDTH
    return degrees, operands


# A program that is called again makes the same records, but for their values.
@lru_cache(maxsize=_KEPT)
def _form_again(codes: tuple[int, ...]) -> _Form:
    form = _form_of(codes)
    form.ops.setflags(write=False)
    return form


@lru_cache(maxsize=_KEPT)
def _connected_again(
    codes: tuple[int, ...],
    general: tuple[tuple[int | None, ...], ...],
    left: tuple[int, ...],
    right: tuple[int, ...],
) -> tuple[np.ndarray[Any, Any], Indices]:
    form = _form_again(codes)
    found = _connected(form._replace(degrees=form.degrees.copy()), general, left, right)
    for column in found:
        column.setflags(write=False)  # it is that of other recordings, too
    return found


def values_of(items: Sequence[Any]) -> Values:
    """Put Python values into a column."""
    kinds = set(map(type, items))
    if kinds <= _FLOAT:
        return Values(np.fromiter(items, np.float64, len(items)))
    types = tuple(map(type, items))
    places = _places_again(types) if len(types) <= _SHORT else _places_of(types)
    floats, others = np.full(len(items), _NAN), items
    if float in kinds:
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
    kinds = set(types)
    is_float = bytes(map(is_, types, repeat(float)))
    others = (~np.frombuffer(is_float, np.bool_)).nonzero()[0].tolist()
    numbers = [] if kinds <= _FLOATS_AND_ARRAYS else [row for row in others if types[row] not in ARRAYS]
    return _Places(is_float, others, numbers, _arrays_of(range(len(types)), types, kinds))


@lru_cache(maxsize=_KEPT)
def _places_again(types: tuple[type, ...]) -> _Places:
    places = _places_of(types)
    places.arrays.rows.setflags(write=False)  # they are those of other recordings, too
    places.arrays.wide_rows.setflags(write=False)
    return places


def forget() -> None:
    """Forget how recordings are connected, for tests that work out the same in two ways."""
    for each in (_form_again, _connected_again, _places_again):
        each.cache_clear()


def _as_float(item: Any) -> float:
    """Return a number as a float for the columns; NaN for what is none: arrays, strings, arguments of a rule."""
    try:
        return float(item) if isinstance(item, (float, int, np.floating, np.integer, np.bool_)) else _NAN
    except OverflowError:  # an int beyond the floats
        return _NAN


def operand_of(recording: Recording, producer: int) -> Any:
    """Return the value of an operand by its number: of a row, or of a constant below zero."""
    return recording.values[producer] if producer >= 0 else recording.constants[-1 - producer]


def _joined(parts: list[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
