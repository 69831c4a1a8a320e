"""Which numbers of two traces differ by more than rounding, and by how much. Used by diff.py alone.

Two numbers are the same where |a - b| <= atol + rtol * max(|a|, |b|), with NaN equal to NaN; rtol is that of the
coarser of the two types. Where large terms of a sum cancel, what their rounding leaves of it is no difference either.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tracer.operations import OP_NUMBERS
from tracer.rules.edited import Edited
from tracer.rules.kinds import Compressed
from tracer.statistics import Measurer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracer.recording import Recording, Values

Column: TypeAlias = np.ndarray[Any, Any]

RTOL = {"float64": 1e-9, "float32": 1e-4, "float16": 1e-2}
"""The relative difference that is none, by type; that of complex numbers is that of their parts."""
ATOL = 0.0
_TYPES = tuple(RTOL)
_RTOL = np.array(list(RTOL.values()))
_EPS = np.array([np.finfo(name).eps for name in _TYPES], np.float64)
_TINY = np.array([np.finfo(name).tiny for name in _TYPES], np.float64)  # below it, digits are lost
_ROUNDINGS = 16  # of the largest term, that may be left of a sum
_TYPE_OF = {
    np.dtype(code): number
    for number, codes in enumerate((("f8", "c16"), ("f4", "c8"), ("f2",)))
    for code in codes
}
_SUMS = ("add", "subtract")
_MOST_ELEMENTS = 1 << 25  # of arrays that are kept as differences or parts, and are looked at in full


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How large a difference is none; without `rtol` it goes by type."""

    rtol: float | None = None
    atol: float = ATOL

    def relative(self, types: Column) -> Column:
        """Return the relative tolerance of numbers of some types."""
        return _RTOL[types] if self.rtol is None else np.full(len(types), self.rtol)


@dataclass(frozen=True, slots=True)
class Change:
    """A number that differs, or the element of an array that differs most, and where that stands."""

    old: Any
    new: Any
    size: float
    """|new - old| / max(|old|, |new|); infinite where one is not finite or the shapes differ."""
    place: tuple[int, ...] = ()


def types_of(values: Values) -> Column:
    """Return the type of each value: a position in RTOL."""
    column = np.zeros(len(values), np.int8)
    for row, value in values.others.items():
        dtype = getattr(value, "dtype", None)
        if dtype is not None:
            column[row] = _TYPE_OF.get(dtype, 0)
    return column


def differing(a: Column, b: Column, types: Column, slack: Column, tolerance: Tolerance) -> Column:
    """Say which numbers of two columns differ; `slack` is what rounding may have left."""
    with np.errstate(all="ignore"):
        bound = tolerance.relative(types) * np.maximum(np.abs(a), np.abs(b))
        bound += tolerance.atol + slack + _TINY[types]
        is_near = (np.abs(a - b) <= bound) & np.isfinite(a) & np.isfinite(b)
    answer: Column = ~(is_near | (a == b) | (np.isnan(a) & np.isnan(b)))
    return answer


def sizes(a: Column, b: Column) -> Column:
    """Return by how much numbers differ: relative to the larger, infinite where one is not finite."""
    with np.errstate(all="ignore"):
        # Halved, so that the difference of two huge numbers is no infinity.
        found: Column = np.abs(a / 2 - b / 2) / (np.maximum(np.abs(a), np.abs(b)) / 2)
    found[~(np.isfinite(a) & np.isfinite(b))] = np.inf
    return found


def sums_slack(recording: Recording, types: Column) -> Column:
    """Return, by row, what the rounding of its terms may leave of a sum or difference of two numbers."""
    slack = np.zeros(len(recording))
    rows = np.flatnonzero(np.isin(recording.ops, [OP_NUMBERS[name] for name in _SUMS]))
    for port in range(2):
        operands = recording.operands[recording.starts[rows] + port]
        terms = np.empty(len(rows))
        is_row = operands >= 0
        terms[is_row] = recording.values.floats[operands[is_row]]
        terms[~is_row] = recording.constants.floats[-1 - operands[~is_row]]
        slack[rows] = np.maximum(slack[rows], rounding_of(np.abs(terms), types[rows]))
    return slack


def rounding_of(terms: Column, types: Column) -> Column:
    """Return what the rounding of terms of some size may leave."""
    with np.errstate(all="ignore"):
        left: Column = terms * (_ROUNDINGS * _EPS[types])
    left[~np.isfinite(left)] = 0.0
    return left


def special_rows(values: Values) -> Column:
    """Return the rows whose values no column of floats can tell apart: arrays, complex numbers, huge ints."""
    rows = np.fromiter(values.others, np.int64, len(values.others))
    return np.sort(rows[np.isnan(values.floats[rows])])


class Items:
    """Compares arrays, complex numbers and what else has no place in a column of floats, one by one."""

    def __init__(self, tolerance: Tolerance) -> None:
        self._tolerance = tolerance
        self._measurers = Measurer(), Measurer()
        self._looked_at = 0
        self.measured = 0
        """Arrays that were compared by their statistics, not element by element."""

    def change(self, a: Any, b: Any) -> Change | None:
        """Return the largest change from one value to another; None where there is none beyond tolerance."""
        if a is b:
            return None
        if isinstance(a, Compressed) or isinstance(b, Compressed):
            if a.shape != b.shape:
                return Change(np.array(_dense(a)), np.array(_dense(b)), math.inf)
            self._looked_at += math.prod(a.shape)
            if self._looked_at > _MOST_ELEMENTS:
                self.measured += 1
                return self._of_statistics(
                    self._measurers[0].of(a), self._measurers[1].of(b), _type_of(a, b)
                )
        a, b = _dense(a), _dense(b)
        if np.shape(a) != np.shape(b):
            return Change(np.array(a), np.array(b), math.inf)
        if not (_is_number(a) and _is_number(b)):
            return None if type(a) is type(b) and a == b else Change(a, b, math.inf)
        return self._of_arrays(a, b)

    def by_statistics(self, a: Any, b: Any, dtypes: Iterable[np.dtype[Any]]) -> Change | None:
        """Return the change of an array's norm, of which only statistics are known."""
        self.measured += 1
        return self._of_statistics(a, b, max((_TYPE_OF.get(each, 0) for each in dtypes), default=0))

    def _of_statistics(self, a: Any, b: Any, number: int) -> Change | None:
        types = np.full(len(a), number)
        old, new = np.array(a, np.float64), np.array(b, np.float64)
        extreme = max(
            (abs(each) for pair in (a, b) for each in (pair.min, pair.max) if math.isfinite(each)),
            default=0.0,
        )
        slack = rounding_of(np.full(len(a), extreme), types)
        differs = np.flatnonzero(differing(old, new, types, slack, self._tolerance))
        if not len(differs):
            return None
        size = float(sizes(old[differs], new[differs]).max())
        return Change(float(old[0]), float(new[0]), size)

    def _of_arrays(self, a: Any, b: Any) -> Change | None:
        number = _type_of(a, b)
        old, new = (np.asarray(each).ravel() for each in (a, b))
        old, new = (each if each.dtype.kind in "fc" else each.astype(np.float64) for each in (old, new))
        with np.errstate(all="ignore"):
            is_same = (old == new) | (np.isnan(old) & np.isnan(new))
            if is_same.all():
                return None
            larger = np.maximum(np.abs(old), np.abs(new)).astype(np.float64)
            gap = np.abs(old - new).astype(np.float64)
            scale = float(larger[np.isfinite(larger)].max(initial=0.0)) if np.ndim(a) else 0.0
            rtol = _RTOL[number] if self._tolerance.rtol is None else self._tolerance.rtol
            bound = self._tolerance.atol + _TINY[number] + rtol * larger + _ROUNDINGS * _EPS[number] * scale
            differs = ~is_same & ~((gap <= bound) & np.isfinite(larger))
            if not differs.any():
                return None
            gap[~np.isfinite(larger)] = np.inf
            worst = int(np.argmax(np.where(differs, gap, -1.0)))
            size = gap[worst] / larger[worst] if np.isfinite(gap[worst]) else math.inf
        place = tuple(int(axis) for axis in np.unravel_index(worst, np.shape(a))) if np.ndim(a) else ()
        return Change(old[worst].item(), new[worst].item(), float(size), place)


def _dense(value: Any) -> Any:
    """Return a value in full, to be read at once."""
    if isinstance(value, Edited):
        return value.current()
    return value.dense() if isinstance(value, Compressed) else value


def _is_number(value: Any) -> bool:
    if isinstance(value, int):  # beyond the floats, else it were in the column
        return False
    return isinstance(value, (float, complex, np.number, np.bool_)) or (
        isinstance(value, np.ndarray) and value.dtype.kind in "fciub"
    )


def _type_of(*values: Any) -> int:
    """Return the coarser of the types of two values."""
    return max(_TYPE_OF.get(getattr(each, "dtype", None), 0) for each in values)  # type: ignore[arg-type]
