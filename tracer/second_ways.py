"""An array argument that the program reaches by a second way, too: a global, an attribute, a view. Used by boxing.py.

The function works on a copy of the argument, so what is written by one way is not seen by the other. Where that is
found the result is not the plain one, and is refused. It is not found where plain code alone reads the second way.
"""

from __future__ import annotations

import dis
import os.path
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.errors import UnsupportedError
from tracer.instructions import line_of, loaded_by
from tracer.memory import owner_of
from tracer.tape import VALUE, same_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType

    from tracer.errors import CutError, CutWarning
    from tracer.tape import Tape

_IS = dis.opmap["IS_OP"]
_COMPARED = 1 << 20  # bytes; of a larger array some elements are looked at, evenly


def refuse(
    arrays: Iterable[tuple[Any, np.ndarray[Any, Any], int, str]], tape: Tape, code: CodeType
) -> None:
    """Raise UnsupportedError where an argument was written into by one way and is read by another.

    Given are, of each array argument, its stand-in, the caller's array, its first record, and its name.
    """
    written: dict[int, str] = {}
    for stand_in, callers, first, name in arrays:
        if not _is_same(callers, tape.records[first + VALUE]):
            raise _refused(name, f"{name} was written into by a second way", code)
        if stand_in.id_ != first:
            written[id(owner_of(callers))] = name
    for constant in tape.constants() if written else ():
        name = written.get(id(owner_of(constant)), "")
        if name:
            raise _refused(name, f"{name} is written into, and read by a second way", code)


def told(arrays: Iterable[tuple[np.ndarray[Any, Any], str]], tape: Tape) -> CutError | CutWarning | None:
    """Warn where two arguments are one array and `is` tells them apart; return the error where that is one."""
    names: dict[int, list[str]] = {}
    for callers, name in arrays:
        names.setdefault(id(callers), []).append(name)
    for same in names.values():
        code, line = _identity_asked(tape, same) if len(same) > 1 else (None, 0)
        if code is None:
            continue
        what = f"{' and '.join(same)} are one array, and two inputs of the trace, so `is` between them is false"
        advice = "compare what they hold, or say by an argument that they are the same"
        error = tape.told(what, advice, code, line)
        if error is not None:
            return error
    return None


def _identity_asked(tape: Tape, names: list[str]) -> tuple[CodeType | None, int]:
    """Return where a function that ran asks `a is b` of two variables; of the traced one, of these parameters."""
    codes = dict.fromkeys([tape.calls[0].code, *(segment.code for segment in tape.segments)])
    for at, code in enumerate(codes):
        loaded: list[str] = []  # one after the other, and nothing else in between
        for each in dis.get_instructions(code) if _IS in code.co_code[::2] else ():
            if each.opcode == _IS and len(loaded) > 1 and (at > 0 or {*loaded[-2:]} <= {*names}):
                return code, line_of(code, each.offset)
            loaded = [*loaded, *loaded_by(each)] if loaded_by(each) else []
    return None, 0


def _refused(name: str, what: str, code: CodeType) -> UnsupportedError:
    return UnsupportedError(
        f"{what}, as a global, an attribute or a view of it",
        where=f"{os.path.split(code.co_filename)[1]}:{code.co_firstlineno}",
        got="the traced function works on a copy, and what it computes is not what it is without a trace",
        advice=f"use {name} alone, or give the function a copy; a global that is no argument is traced by watch=(…)",
    )


def _is_same(callers: np.ndarray[Any, Any], before: np.ndarray[Any, Any]) -> bool:
    if callers.nbytes <= _COMPARED:
        return same_bytes(callers, before)
    axis = int(np.argmax(callers.shape))
    some = (slice(None),) * axis + (slice(None, None, callers.nbytes // _COMPARED + 1),)
    return same_bytes(callers[some], before[some])
