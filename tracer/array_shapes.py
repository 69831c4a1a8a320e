"""The shape of every array of a recording, by row. Used by graph.py.

To look at every array is to look at all of memory. Where the same program is recorded again, most shapes follow: an
operator of arrays of float64 and numbers makes an array of float64, of the shape to which NumPy stretches its operands.
So only the other arrays are looked at, and if those are as they were, all are.
"""

from __future__ import annotations

import math
from operator import attrgetter
from types import CodeType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tracer.instructions import has_operator
from tracer.operations import OP_NUMBERS
from tracer.outlines import Known
from tracer.recording import INDEX, KEPT, SHORT, Arrays, Indices

if TYPE_CHECKING:
    from collections.abc import Hashable

    from tracer.recording import Recording

FLOAT64 = np.dtype(np.float64)
_FEWEST = 64  # arrays; fewer are sooner looked at
_SEEN = 4  # states of one program, as it may be called with other shapes
# What NumPy does of float64 and float64, or a number of Python's, is float64.
_OPERATORS = ("add", "subtract", "multiply", "divide", "floor_divide", "remainder", "power")
_IS_OPERATOR = np.isin(np.arange(max(OP_NUMBERS.values()) + 1), [OP_NUMBERS[name] for name in _OPERATORS])
_shape, _dtype = attrgetter("shape"), attrgetter("dtype")


class Numbers(dict[tuple[int, ...], int]):
    """Numbers of shapes, given out as they are asked for: 0 is that of a number."""

    def __missing__(self, shape: tuple[int, ...]) -> int:
        self[shape] = number = len(self)
        return number


class Shapes(NamedTuple):
    """What is asked of all arrays of a recording."""

    of_row: Indices  # by row: the number of its shape; empty where there is no array
    numbers: Numbers
    other_types: Indices  # rows whose array is no plain one of float64
    most_bytes: float  # of one of them


def shapes_of(recording: Recording) -> Shapes:
    """Return the shapes of all arrays; the columns may be those of other recordings, too."""
    arrays = recording.values.arrays()
    program = _program_of(recording, arrays)
    state = program and program.state_of(recording)
    if program is None or state is None:
        return _look(recording, arrays)
    shapes: Shapes = program.seen.get(state, lambda: _look(recording, arrays))
    return shapes._replace(numbers=Numbers(shapes.numbers))


def _look(recording: Recording, found: Arrays) -> Shapes:
    """Look at every array."""
    rows, arrays = found.rows, found.of(recording.values.others)
    numbers = Numbers({(): 0})
    if not arrays:
        return Shapes(rows[:0], numbers, rows[:0], 0.0)
    of_row, other_types = np.zeros(len(recording), INDEX), rows[:0]
    shapes = list(map(_shape, arrays))
    if shapes.count(shapes[0]) == len(shapes):
        of_row[rows] = numbers[shapes[0]]
    else:
        of_row[rows] = list(map(numbers.__getitem__, shapes))
    dtypes = list(map(_dtype, arrays))
    itemsize = FLOAT64.itemsize
    if dtypes.count(FLOAT64) < len(dtypes) or found.has_differences:
        is_float64 = [
            type(array) is np.ndarray and dtype is FLOAT64
            for array, dtype in zip(arrays, dtypes, strict=True)
        ]
        other_types = rows[~np.array(is_float64)]
        itemsize = max(dtype.itemsize for dtype in set(dtypes))
    for column in (of_row, other_types):
        column.setflags(write=False)
    return Shapes(of_row, numbers, other_types, float(max(map(math.prod, numbers)) * itemsize))


class _Program:
    """A program, and which of its arrays must be looked at."""

    def __init__(self, recording: Recording, arrays: Arrays) -> None:
        ends = [*recording.segments[1:].tolist(), len(recording)]
        is_written = [
            has_operator(code, recording.instructions[start:end])
            for code, start, end in zip(
                recording.segment_codes, recording.segments.tolist(), ends, strict=True
            )
        ]
        follows = np.concatenate(is_written) & _IS_OPERATOR[recording.ops]
        follows[list(recording.params)] = False
        self.looked_at: list[int] = arrays.rows[~follows[arrays.rows]].tolist()
        self.seen = Known(_SEEN)

    def state_of(self, recording: Recording) -> Hashable:
        """Return what all shapes follow from; None where they do not, as there are other types."""
        others, constants = recording.values.others, recording.constants
        arrays = list(map(others.__getitem__, self.looked_at))
        given = constants.arrays().of(constants.others)
        if any(each.dtype is not FLOAT64 for each in (*arrays, *given)):
            return None
        return tuple(map(_shape, arrays)), tuple(map(_shape, given)), constants.array_rows.tobytes()


def _program_of(recording: Recording, arrays: Arrays) -> _Program | None:
    """Return the program of a recording, where that is worth it and its numbers leave float64 as it is."""
    codes = recording.segment_codes
    if len(arrays.rows) < _FEWEST or len(recording) > SHORT:
        return None
    if not (arrays.is_of_float64 and recording.constants.arrays().is_of_float64):
        return None
    if set(map(type, codes)) != {CodeType}:  # a trace from a file has none
        return None
    columns = (
        recording.ops,
        recording.starts,
        recording.operands,
        recording.instructions,
        recording.segments,
        arrays.rows,
    )
    key = (*codes, *recording.params, *(column.tobytes() for column in columns))
    program: _Program = _programs.get(key, lambda: _Program(recording, arrays))
    return program


_programs = Known(KEPT)
