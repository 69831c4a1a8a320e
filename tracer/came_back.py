"""Whether a number that left the graph came back into it: where it has only been looked at, nobody is warned.

`history.append(float(loss))` loses nothing. The text says so, or that the number came back (`takers.py`). Where it does
not say, what came back is a constant of a later operation that the program did not have: a warning is left out only
where each of those is written in the text, or made there of what is (`made_of.py`), is what the program had before the
first number left (`held_before.py`), or was computed with before. Used by run.py and tape.py.
"""

from __future__ import annotations

import dis
from functools import cached_property, lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.counts import makes_int
from tracer.instructions import start_of
from tracer.made_of import Origins
from tracer.operations import OP_NUMBERS
from tracer.recording import LOOKED_AT
from tracer.rules.edited import Edited, whole
from tracer.takers import is_only_looked_at, rows_of_cuts, takers
from tracer.tape import AUXILIARY
from tracer.texts_back import flat, is_round

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType

    from tracer.cut_warnings import Left
    from tracer.errors import CutError, CutWarning
    from tracer.held_before import Held
    from tracer.recording import Recording
    from tracer.tape import Tape

_CUT, _INPUT, _SUBTRACT = OP_NUMBERS["cut"], OP_NUMBERS["input"], OP_NUMBERS["subtract"]
_TWO = 2
_LOADS = ("LOAD_CONST", "LOAD_SMALL_INT")
# Which come up by chance: only the text of the operation itself counts
_COMMON = frozenset((0.5, 1.0, 2.0, 10.0))
_MASK = frozenset((0.0, 1.0))  # elements of what these make
_MAKE_MASKS = frozenset(
    ("zeros", "ones", "eye", "identity", "zeros_like", "ones_like", "tri", "tril", "triu", "diag", "astype")
)
_COUNTING = (int, bool, str, bytes, type(None), slice, type(...), type, np.integer, np.bool_, np.dtype)
_MOST = 20_000  # constants that are looked at,
_MOST_ELEMENTS = 1_000_000  # and elements of constant arrays;
_FEW = 1000  # different numbers in an array that may be written in the program
_KEPT = 1 << 10  # places in programs of which is known again what is written there


def told(tape: Tape, recording: Recording, known: set[tuple[int, int]]) -> CutError | CutWarning | None:
    """Warn of the places whose numbers may have come back; return the error where warnings are errors.

    `known` are constants that are nothing of those numbers, by row and operand.
    """
    first = min(each.row for each in tape.left)
    has_gradients = any(each.row >= 0 for each in recording.outputs)
    last = _Later(recording, tape.held, known, first).last() if has_gradients else len(recording)
    said = set()
    for each in tape.left:
        if not has_gradients or _may_be_back(each, recording, last):
            if (each.what, each.code, each.line) in said:
                continue
            said.add((each.what, each.code, each.line))
            error = tape.told(each.what, each.advice, each.code, each.line, is_cut=True)
            if error is not None:
                return error
        else:
            tape.untold.append((each.code, each.instruction))
    return None


def mark(recording: Recording, untold: Iterable[tuple[CodeType, int]]) -> None:
    """Note of the cuts at some places that their numbers are only looked at, for whoever reads the trace."""
    for row in rows_of_cuts(recording, untold):
        recording.params[row][LOOKED_AT] = True


def _may_be_back(left: Left, recording: Recording, last: int) -> bool:
    """Tell whether a number came back, by the text; where that does not say, by the last constant of unknown origin."""
    if left.row < last:
        return not is_only_looked_at(recording, left.code, left.instruction, left.row)
    return any(takers(recording, [(left.code, left.instruction)], left.row))


class _Later:
    """The operations after a row."""

    def __init__(
        self, recording: Recording, held: Held | None, known: set[tuple[int, int]], first: int
    ) -> None:
        self._recording, self._held, self._before, self._first = recording, held, known, first
        cuts = (recording.ops == _CUT).nonzero()[0].tolist()
        values = [recording.values[row] for row in cuts[:_MOST]]
        self._cut = {*flat(values, deeply=True)}
        self._rounded: dict[int, list[Any]] = {}  # by the row that it was rounded from
        for row, value in zip(cuts, values, strict=False):
            if makes_int(recording.params[row]["via"]):
                of = recording.operands[recording.starts[row]].item()
                self._rounded.setdefault(of, []).append(np.trunc(value))
        whole_numbers = [*chain.from_iterable(self._rounded.values())]
        self._counts = {*map(int, flat(whole_numbers, deeply=True))}
        self._are_counts = any(isinstance(each, (int, np.integer)) for each in values)
        self._are_round = any(map(is_round, self._cut))
        # The arrays that were computed with before: which they are, and what is in them
        self._known: set[bytes | int] = set()
        self._left = _MOST_ELEMENTS
        self._are_kept: dict[float, bool] = {}

    def last(self) -> int:
        """Return the last row that an output is made of and whose constant is of unknown origin; or 0."""
        recording, found = self._recording, 0
        origins = Origins(recording)
        slots = (recording.operands < 0).nonzero()[0]
        users = np.searchsorted(recording.starts, slots, "right") - 1
        places = -1 - recording.operands[slots]
        if len(slots) > _MOST:
            return len(recording)
        before = users <= self._first
        for place in places[before].tolist():
            self._know(recording.constants.kept(place))
        for row, slot in zip(users[~before][::-1].tolist(), slots[~before][::-1].tolist(), strict=True):
            constant = recording.constants.kept(-1 - recording.operands[slot].item())
            port = slot - recording.starts[row].item()
            is_known = (row, port) in self._before or self._is_explained(constant, row)
            is_known = is_known or self._is_fraction(constant, row, port)
            if not is_known and not origins.is_written(row, port) and row in self._led_on:
                found = row
                break
        for row, params in recording.params.items():
            is_own = recording.ops[row] == _CUT or row <= self._first
            floats = (each for each in params.values() if not _only_counts(each))
            if (
                not is_own
                and not all(self._is_explained(each, row) for each in floats)
                and row in self._led_on
            ):
                found = max(found, row)
        return found

    def _is_fraction(self, constant: Any, row: int, port: int) -> bool:
        """Tell whether a whole number stands beside the one that it was rounded from: `x - int(x)`."""
        recording = self._recording
        first, stop = recording.starts[row : row + 2].tolist()
        if (
            recording.ops[row] != _SUBTRACT
            or stop - first != _TWO
            or np.asarray(constant).dtype.kind not in "iu"
        ):
            return False
        near = self._rounded.get(recording.operands[first + 1 - port].item(), [])
        return any(
            np.shape(each) == np.shape(constant) and np.all(np.abs(each - constant) <= 1) for each in near
        )

    def _know(self, constant: Any) -> None:
        if type(constant) is np.ndarray and id(constant) not in self._known:
            self._known.add(id(constant))
            if constant.size <= self._left:
                self._left -= constant.size
                self._known.add(constant.tobytes())

    def _is_explained(self, constant: Any, row: int) -> bool:
        if isinstance(constant, _COUNTING):
            return not isinstance(constant, (int, np.integer)) or self._is_count(constant, row)
        if isinstance(constant, (list, tuple)):
            return all(self._is_explained(each, row) for each in constant)
        if type(constant) is float:  # which would be known as the object that it is
            return False
        if isinstance(constant, (float, complex, np.inexact)):
            parts = [constant.real, *([constant.imag] if constant.imag else [])]
            return all(self._is_written(size, row) for size in flat(parts))
        constant = whole(constant) if type(constant) is Edited else constant
        if not isinstance(constant, np.ndarray) or constant.dtype.hasobject:
            return False
        if constant.dtype.kind in "iu":
            return self._are_data_of_counts(constant)
        return constant.dtype.kind not in "fc" or self._is_data(constant, row)

    def _is_count(self, number: Any, row: int) -> bool:
        """Tell of a whole number whether it can have no gradient: what left are floats, and none of them."""
        size = abs(int(number))
        if not self._are_counts:
            return size not in self._counts
        return size not in self._cut and (int, size) in _operands(*self._place(row))

    def _are_data_of_counts(self, array: np.ndarray[Any, Any]) -> bool:
        """Tell of whole numbers whether they can have no gradient; of floats that left there is none by `int()`."""
        self._left -= array.size
        if self._left < 0 or (self._are_counts and array.tobytes() not in self._known):
            return False
        return self._counts.isdisjoint(np.abs(array).ravel().tolist())

    def _is_written(self, size: float, row: int) -> bool:
        if size in self._cut:
            return False
        code, instruction = self._place(row)
        if self._are_round or size in _COMMON:
            return (float, size) in _operands(code, instruction)
        if size not in self._are_kept:
            self._are_kept[size] = bool(_among(np.array([size]), self._kept)[0])
        return self._are_kept[size]

    def _is_data(self, array: np.ndarray[Any, Any], row: int) -> bool:
        if id(array) in self._known or array.tobytes() in self._known:
            return True
        self._left -= array.size
        if self._left < 0:
            return False
        sizes = _sizes([array])
        if _among(sizes, np.array(sorted(self._cut))).any():
            return False
        rest = np.unique(sizes[~_among(sizes, self._kept)]).tolist()
        if self._are_round:
            return not rest or (not self._names.isdisjoint(_MAKE_MASKS) and _MASK.issuperset(rest))
        return len(rest) < _FEW and all(each in _MASK or self._is_written(each, row) for each in rest)

    def _place(self, row: int) -> tuple[CodeType, int]:
        recording = self._recording
        segment = int(recording.segments_of(row))
        return recording.segment_codes[segment], int(recording.instructions[row])

    @cached_property
    def _led_on(self) -> set[int]:
        """The rows that an output is made of: what goes into others has no part in a gradient."""
        recording = self._recording
        starts, operands = recording.starts.tolist(), recording.operands.tolist()
        found, pending = set(), [each.row for each in recording.outputs if each.row >= 0]
        while pending:
            row = pending.pop()
            if row not in found:
                found.add(row)
                pending += (each for each in operands[starts[row] : starts[row + 1]] if each >= 0)
        return found

    @cached_property
    def _codes(self) -> set[CodeType]:
        return {*self._recording.segment_codes, *(call.code for call in self._recording.calls)}

    @cached_property
    def _names(self) -> set[str]:
        return {*chain.from_iterable(each.co_names for each in self._codes)}

    @cached_property
    def _kept(self) -> np.ndarray[Any, Any]:
        """The numbers that the program had before the first one left, or that are written in it, in order."""
        recording, names = self._recording, self._names
        kept = _sizes(() if self._held is None else self._held.data(names))
        rows = (recording.ops == _INPUT).nonzero()[0].tolist()
        inputs = (each for row in rows if np.size(each := recording.values[row]) < _MOST)
        kept = kept[~_among(kept, np.unique(_sizes(inputs)))]
        if not self._are_round:
            kept = np.append(kept, [*flat(chain.from_iterable(each.co_consts for each in self._codes))])
        return np.unique(kept)


def _sizes(held: Iterable[Any]) -> np.ndarray[Any, Any]:
    """Return the sizes of the numbers in arrays and lists."""
    pending, numbers, arrays = [*held], [], [np.empty(0)]
    while pending:
        each = pending.pop()
        if type(each) is list:
            pending += each
        elif type(each) is np.ndarray and each.dtype.kind in "fc":
            parts = (each.real, each.imag) if each.dtype.kind == "c" else (each,)
            arrays += [np.abs(part).ravel().astype(np.float64) for part in parts]
        else:
            numbers.append(each)
    return np.concatenate([*arrays, [*flat(numbers, deeply=True)]])


def _among(numbers: np.ndarray[Any, Any], known: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Tell of each number whether it is one of some that are in order."""
    if not len(known):
        return np.zeros(len(numbers), np.bool_)
    return np.asarray(known[np.minimum(np.searchsorted(known, numbers), len(known) - 1)] == numbers)


def _only_counts(value: Any) -> bool:
    """Tell of a parameter of a rule whether it says where, and not how much: an axis, an index, a mask."""
    if isinstance(value, (list, tuple)):
        return all(map(_only_counts, value))
    return value.dtype.kind in "biu" if isinstance(value, np.ndarray) else isinstance(value, _COUNTING)


@lru_cache(maxsize=_KEPT)
def _operands(code: CodeType, instruction: int) -> frozenset[tuple[type, float]]:
    """Return the numbers that are written as operands of an instruction: not in what those are computed from."""
    spans = [each if None not in each else None for each in code.co_positions()]
    own = start_of(code.co_code, instruction & ~AUXILIARY)
    around = spans[own // 2]
    if around is None:
        return frozenset()
    found: list[tuple[Any, Any]] = []
    inner = []
    for each in dis.get_instructions(code):
        span = spans[each.offset // 2]
        if span is None or not _is_in(span, around) or each.offset == own:
            continue
        if each.opname in _LOADS and type(each.argval) in (float, int):
            found.append((span, (type(each.argval), abs(each.argval))))
        elif "JUMP" in each.opname:  # one of several values, which may be computed
            return frozenset()
        elif each.opname.startswith(("BINARY", "CALL", "COMPARE", "UNARY")) and span != around:
            inner.append(span)
    return frozenset(number for span, number in found if not any(_is_in(span, each) for each in inner))


def _is_in(span: Any, other: Any) -> bool:
    return bool((other[0], other[2]) <= (span[0], span[2]) and (span[1], span[3]) <= (other[1], other[3]))
