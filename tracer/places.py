"""Where the rows and calls of a run were made, found after it, in bulk: the hot path notes two integers of each."""

from __future__ import annotations

import opcode
from typing import TYPE_CHECKING

import numpy as np

from tracer.instructions import start_of
from tracer.operations import OP_NUMBERS
from tracer.scopes import NO_INSTRUCTION
from tracer.sites import NO_PLACE, Scope, Sites
from tracer.source import Going, parameters_of, resolve, source_of
from tracer.tape import AUXILIARY

if TYPE_CHECKING:
    from types import CodeType

    from tracer.recording import Recording

_OFFSET_BITS = 32
_OFFSET = (1 << _OFFSET_BITS) - 1

_PRECALL = bytes((opcode.opmap["PRECALL"],)) if "PRECALL" in opcode.opmap else None
_TO_CALL = 4  # bytes: it has one cache


def sites_of(recording: Recording, failed: tuple[CodeType, int] | None) -> Sites:
    """Resolve the places of all rows and calls, and of the instruction at which the run failed."""
    rows = len(recording)
    if not recording.calls:  # an argument could not be boxed, so nothing ran
        nowhere = np.full(rows, NO_PLACE, np.int32)
        return Sites(
            places=[],
            row_places=nowhere,
            row_scopes=np.zeros(rows, np.int32),
            scopes=[Scope(0, "", -1, 0, NO_PLACE)],
            source={},
            copied_inputs=[],
            inputs=recording.input_names,
            starts=recording.starts,
            operands=recording.operands,
            is_write=np.zeros(rows, np.bool_),
        )
    # Keyed by identity: equal code objects may stand at different places.
    callers = [call.caller for call in recording.calls if call.caller is not None]
    if failed is not None:
        callers.append(failed[0])
    codes = list({id(code): code for code in (*recording.segment_codes, *callers)}.values())
    numbers = {id(code): number for number, code in enumerate(codes)}
    lengths = np.diff(np.append(recording.segments, rows))
    row_codes = np.repeat(
        np.array([numbers[id(code)] for code in recording.segment_codes], np.int64), lengths
    )
    row_keys = row_codes << _OFFSET_BITS | np.maximum(recording.instructions, 0).astype(np.int64)
    order = np.argsort(row_keys, kind="stable")
    is_first = np.diff(row_keys[order], prepend=-1) > 0
    keys = row_keys[order][is_first].tolist()
    call_keys = [
        NO_PLACE if call.caller is None else numbers[id(call.caller)] << _OFFSET_BITS | call.instruction
        for call in recording.calls
    ]
    failed_key = NO_PLACE if failed is None else numbers[id(failed[0])] << _OFFSET_BITS | failed[1]
    texts = [code.co_code for code in codes]  # which Python puts together each time
    starts = {key: _start_of(key, texts) for key in {*keys, *call_keys, failed_key} - {NO_PLACE}}
    place_keys = sorted(set(starts.values()))
    place_of_start = {start: number for number, start in enumerate(place_keys)}
    place_of_key = {key: place_of_start[start] for key, start in starts.items()}
    row_places = np.empty(rows, np.int32)
    row_places[order] = np.array([place_of_key[key] for key in keys], np.int32)[np.cumsum(is_first) - 1]
    row_places[recording.instructions == NO_INSTRUCTION] = NO_PLACE
    place_of_key[NO_PLACE] = NO_PLACE
    scopes: list[Scope] = []
    for index, (call, key) in enumerate(zip(recording.calls, call_keys, strict=True)):
        depth = scopes[call.parent].depth + 1 if call.parent >= 0 else 0
        scopes.append(Scope(index, call.code.co_qualname, call.parent, depth, place_of_key[key]))
    pairs = [(codes[key >> _OFFSET_BITS], key & _OFFSET & ~AUXILIARY) for key in place_keys]
    places = [
        place._replace(targets=(), returned=False, further=(), reads=()) if key & AUXILIARY else place
        for place, key in zip(resolve(pairs), place_keys, strict=True)
    ]
    return Sites(
        places=places,
        row_places=row_places,
        row_scopes=np.repeat(recording.segment_scopes, lengths),
        scopes=scopes,
        source=source_of([*codes, recording.calls[0].code]),
        copied_inputs=_copied_inputs(recording),
        inputs=recording.input_names,
        starts=recording.starts,
        operands=recording.operands,
        is_write=recording.ops == OP_NUMBERS["setitem"],
        failed_at=place_of_key[failed_key],
    )


def _start_of(key: int, texts: list[bytes]) -> int:
    """Return the key of an instruction by its start, of which a frame can also stand in the caches."""
    text, offset = texts[key >> _OFFSET_BITS], key & _OFFSET & ~AUXILIARY
    start = start_of(text, offset)
    # In Python 3.11 float(x) moves from its CALL to the PRECALL before it after seven turns
    if text[start : start + 1] == _PRECALL:
        start += _TO_CALL
    return key - offset + start


def _copied_inputs(recording: Recording) -> list[tuple[int, tuple[Going, ...]]]:
    goings = parameters_of(recording.calls[0].code)
    rows = np.flatnonzero(recording.ops == OP_NUMBERS["input"]).tolist() if goings else []
    named = zip(rows, recording.input_names[: len(rows)], strict=True)
    return [(row, goings[name]) for row, name in named if name in goings]
