"""Which operations took a plain number that was traced: those at the places where the text leads it (`goes_on.py`).

Used by came_back.py, texts_back.py and made_of.py, when the run is over.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tracer.goes_on import may_catch, ways_of
from tracer.operations import OP_NUMBERS
from tracer.rules.edited import Edited
from tracer.scopes import WHOLE_TRACE
from tracer.tape import AUXILIARY
from tracer.texts import FARTHEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import CodeType

    from tracer.goes_on import Join
    from tracer.instructions import Span
    from tracer.recording import Recording

    Place: TypeAlias = tuple[CodeType, int]

_CUT = OP_NUMBERS["cut"]
_MOST = 2000  # calls of a function that are told apart
_KEPT = 1 << 10  # expressions of which is known again which instructions they are


def takers(recording: Recording, places: Iterable[Place], after: int) -> Iterator[tuple[int, Any]]:
    """Yield the rows after one that took what was made of a number for a constant, and that constant.

    `places` are where it left, or was written, and the calls around that: it goes on there if it is returned.
    """
    returned: bool | None = None
    for code, instruction in places:
        ways = ways_of(code, instruction, returned)
        for join in ways.joins if ways is not None else ():
            if join.is_certain:
                taken = _taken(recording, code.co_filename, join, after)
                yield from (
                    (row, each[0]) for row, operands in taken if (each := [*filter(_is_float, operands)])
                )
        if ways is None or not ways.returned:
            return
        returned = ways.returned


def is_only_looked_at(recording: Recording, code: CodeType, instruction: int, after: int) -> bool:
    """Tell whether the numbers that left at one place from a row on went nowhere, but to the result."""
    cuts = rows_of_cuts(recording, [(code, instruction)], after)
    scopes = {*recording.segment_scopes[recording.segments_of(cuts)].tolist()}
    calls = {calls_around(recording, scope) for scope in scopes} if len(scopes) < _MOST else ()
    return bool(calls) and all(
        _is_looked_at(recording, ((code, instruction), *around), after) for around in calls
    )


def is_text_looked_at(recording: Recording, places: tuple[Place, ...], after: int) -> bool:
    """Tell whether the texts that were made at one place, which calls are around, went nowhere, as above.

    Where nothing of the graph is in the result, its numbers may be made of them: nor may they go there then.
    """
    is_shown = any(each.row >= 0 for each in recording.outputs)
    return _is_looked_at(recording, places, after, is_text=True, may_be_result=not is_shown)


def rows_of_cuts(recording: Recording, places: Iterable[Place], first: int = 0) -> list[int]:
    """Return the rows of the cuts at some places, from one row on."""
    offsets: dict[int, list[int]] = {}
    for code, instruction in places:
        offsets.setdefault(id(code), []).append(instruction)
    return _rows_at(recording, offsets, first, is_cut=True)


def calls_around(recording: Recording, scope: int) -> tuple[Place, ...]:
    """Return where the calls around a scope are, the innermost first; none around the whole trace."""
    places = []
    while scope != WHOLE_TRACE:
        call = recording.calls[scope]
        if call.caller is not None:
            places.append((call.caller, call.instruction))
        scope = max(call.parent, WHOLE_TRACE)
    return tuple(places)


def _is_looked_at(
    recording: Recording,
    places: tuple[Place, ...],
    after: int,
    *,
    is_text: bool = False,
    may_be_result: bool = False,
) -> bool:
    returned: bool | None = None
    called: CodeType | None = None
    for code, instruction in places:
        ways = ways_of(code, instruction, returned, called, is_text=is_text)
        if ways is None or not ways.is_followed:
            return False
        if ways.is_raised and any(may_catch(each) for each, _ in places):
            return False
        for join in ways.joins:
            for _, operands in _taken(recording, code.co_filename, join, after):
                if operands or join.port is None:  # or it is a parameter
                    return False
        if ways.returned is None:
            return True
        if (code, instruction) != places[-1] and not ways.is_to_caller:
            return False
        returned, called = ways.returned, code
    # Or it may be returned further
    return not is_text or (len(places) <= FARTHEST and not may_be_result)


def _taken(recording: Recording, file: str, join: Join, after: int) -> Iterator[tuple[int, list[Any]]]:
    """Yield the operations at a place, and the constants that they have there."""
    codes = {id(each): each for each in recording.segment_codes if each.co_filename == file}
    offsets = {key: _offsets(code, join.span) for key, code in codes.items()}
    for row in _rows_at(recording, offsets, after + 1):
        first, last = recording.starts[row : row + 2].tolist()
        slots = range(first, last) if join.port is None else range(first, last)[join.port :][:1]
        operands = recording.operands[list(slots)].tolist()
        yield row, [recording.constants.kept(-1 - each) for each in operands if each < 0]


@lru_cache(maxsize=_KEPT)
def _offsets(code: CodeType, wanted: Span) -> list[int]:
    """Return the instructions of an expression."""
    return [2 * at for at, span in enumerate(code.co_positions()) if span == wanted]


def _rows_at(
    recording: Recording, offsets: dict[int, list[int]], first: int, *, is_cut: bool = False
) -> list[int]:
    """Return the rows from one on that were made at some instructions, by the identity of their code."""
    wanted = [*{*chain.from_iterable(offsets.values())}]
    is_there = np.isin(recording.instructions[first:] & ~AUXILIARY, wanted)
    rows = first + (is_there & ((recording.ops[first:] == _CUT) == is_cut)).nonzero()[0]
    segments = recording.segments_of(rows).tolist()
    codes = recording.segment_codes
    return [
        row
        for row, segment in zip(rows.tolist(), segments, strict=True)
        if recording.instructions[row] & ~AUXILIARY in offsets.get(id(codes[segment]), ())
    ]


def _is_float(constant: Any) -> bool:
    if type(constant) in (np.ndarray, Edited):
        return np.dtype(constant.dtype).kind in "fc"
    return isinstance(constant, (float, complex, np.inexact))
