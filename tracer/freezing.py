"""A closed tape -> Recording: its list of records becomes columns. Used by run.py.

A long tape is frozen chunk by chunk from the end, so that the list's memory goes as the columns come. Of a short one,
how its records are connected is known again when the same program is called again.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import compress
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tracer.operations import COMPACT_COLUMN, COMPACT_OPERANDS
from tracer.outlines import Known
from tracer.recording import INDEX, KEPT, SHORT, Indices, Recording, Values, indices, values_of
from tracer.tape import WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tracer.tape import Tape

_CHUNK = 1 << 16  # records frozen at a time: what the lists of the tape need is freed as the columns grow
_FEW = 48  # records that are frozen one by one
_CONNECTIONS = 4  # of one form, as a loop over data may use other rows in each call
_LEFT, _RIGHT, _BOTH = 1, 2, 3


def freeze(tape: Tape) -> Recording:
    """Turn a closed tape into columns; the tape's records are used up."""
    records, count = tape.records, len(tape.records) // WIDTH
    columns = _freeze_few(records) if count <= _FEW else _freeze_many(records)
    for number, instruction in tape.waiting.items():
        at, *_ = stops = [segment.start // WIDTH for segment in tape.segments[number : number + 2]]
        columns.instructions[at : stops[1] if len(stops) > 1 else count] = instruction
    tape.instructions = columns.instructions
    return Recording(
        *columns,
        segments=indices([segment.start // WIDTH for segment in tape.segments]),
        segment_scopes=indices([segment.scope for segment in tape.segments]),
        segment_codes=[segment.code for segment in tape.segments],
        calls=tape.scopes.calls,
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
    of_rows = np.array([*records[4::WIDTH], *starts, *operands], INDEX)  # sooner made than three arrays
    rows, used = len(ops), 2 * len(ops) + 1
    columns = _Columns(
        np.array(ops, np.int16),
        values_of(records[3::WIDTH]),
        of_rows[rows:used],
        of_rows[used:],
        values_of(constants),
        params,
        of_rows[:rows],
    )
    records.clear()
    return columns


def _freeze_many(records: list[Any]) -> _Columns:
    """Turn records into columns, chunk by chunk from the end, so that their memory goes as the columns come."""
    count = len(records) // WIDTH
    is_short = count <= SHORT
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
        _connected_again(form, general, *map(tuple, traced))
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
    connections: Known  # by the operands, of those that are known again


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
        Known(_CONNECTIONS),
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
@lru_cache(maxsize=KEPT)
def _form_again(codes: tuple[int, ...]) -> _Form:
    form = _form_of(codes)
    form.ops.setflags(write=False)
    return form


def _connected_again(
    form: _Form,
    general: tuple[tuple[int | None, ...], ...],
    left: tuple[int, ...],
    right: tuple[int, ...],
) -> tuple[np.ndarray[Any, Any], Indices]:
    def connected() -> tuple[np.ndarray[Any, Any], Indices]:
        found = _connected(form._replace(degrees=form.degrees.copy()), general, left, right)
        for column in found:
            column.setflags(write=False)  # it is that of other recordings, too
        return found

    columns: tuple[np.ndarray[Any, Any], Indices] = form.connections.get((general, left, right), connected)
    return columns


forget = _form_again.cache_clear
"""Forget how recordings are connected, for tests that work out the same in two ways."""


def _joined(parts: list[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
