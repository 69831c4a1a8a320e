"""An array argument that the program reaches by a second way, too: a global, an attribute, a view.

`first_writes.py` has the other ways lead to the argument once that is written into. What was written by one of them
before, or by one that could not be found, is refused when the function has ended. Used by boxing.py.
"""

from __future__ import annotations

import dis
import os.path
from collections import Counter
from inspect import CO_OPTIMIZED
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.callee import forget_snapshot
from tracer.errors import UnsupportedError
from tracer.frames import is_installed, is_own, place
from tracer.holders import CONTAINERS, are_objects
from tracer.instructions import line_of, loaded_by
from tracer.memory import borrowed_of, is_lent, memory_of, overlap, same_bytes
from tracer.references import BORROWS
from tracer.rules.edited import whole
from tracer.standins import Traced
from tracer.tape import VALUE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType, FrameType

    from tracer.errors import CutError, CutWarning
    from tracer.tape import Tape

_IS = dis.opmap["IS_OP"]


def refuse(
    arrays: Iterable[tuple[Any, np.ndarray[Any, Any], int, str]], tape: Tape, code: CodeType
) -> None:
    """Raise UnsupportedError where an argument was written into by one way and is read by another.

    Given are, of each array argument, its stand-in, the caller's array, its first record, and its name.
    """
    written: dict[int, list[tuple[np.ndarray[Any, Any], str]]] = {}  # by whose the memory is
    for stand_in, callers, _, name in arrays:
        if is_lent(stand_in.value_):
            array = borrowed_of(stand_in.value_)
            written.setdefault(id(memory_of(array)), []).append((array, name))
        recorded = tape.records[stand_in.id_ + VALUE]
        seen = stand_in.value_ if is_lent(stand_in.value_) else callers
        if not same_bytes(seen, whole(recorded)):
            raise refused(name, f"{name} was written into by a second way", where_of(code))
    for constant in tape.constants() if written else ():
        for array, name in written.get(id(memory_of(constant)), ()):
            if overlap(constant, array):
                raise refused(name, f"{name} is written into, and read by a second way", where_of(code))


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
    codes = dict.fromkeys([tape.scopes.calls[0].code, *(segment.code for segment in tape.segments)])
    for at, code in enumerate(codes):
        loaded: list[str] = []  # one after the other, and nothing else in between
        for each in dis.get_instructions(code) if _IS in code.co_code[::2] else ():
            if each.opcode == _IS and len(loaded) > 1 and (at > 0 or {*loaded[-2:]} <= {*names}):
                return code, line_of(code, each.offset)
            loaded = [*loaded, *loaded_by(each)] if loaded_by(each) else []
    return None, 0


def where_of(code: CodeType) -> str:
    """Return where a function is, for a message."""
    return f"{os.path.split(code.co_filename)[1]}:{code.co_firstlineno}"


def refused(name: str, what: str, where: str) -> UnsupportedError:
    """Return the error for an argument of which the trace is not that of the plain program."""
    return UnsupportedError(
        f"{what}, as a global, an attribute or a view of it",
        where=where,
        got="what is computed of both is not what it is without a trace, or its gradient is not",
        advice=f"use {name} alone, or give the function a copy; a global that is no argument is traced by watch=(…)",
    )


def refuse_written_otherwise(array: Any, tape: Tape, frame: FrameType) -> None:
    """Raise UnsupportedError where an array into which a traced value is written sees the memory of an input."""
    for _, name in tape.inputs_seen_by(array) if type(array) is np.ndarray else ():
        raise UnsupportedError(
            f"a traced value is written into the array of {name}, an input, as a global, an attribute or a view of it",
            where=place(frame),
            got=f"the function has a copy of it until something is written into {name} itself",
            advice=f"write into {name}, after which all other ways lead there, too; "
            f"or watch the object that holds it and don't pass {name}",
        )


def counted_in_callers(given: tuple[tuple[Any, ...], dict[str, Any]], frame: FrameType) -> Counter[int]:
    """Count, by identity, the references that the arguments of a call have, and the variables of who waits for it."""
    in_variables: Counter[int] = Counter()
    for each in frames_from(frame.f_back):
        code = each.f_code
        if code.co_flags & CO_OPTIMIZED:
            # A variable of several functions is a cell, which any of them may read.
            own = set(code.co_varnames).difference(code.co_cellvars)
            in_variables.update(id(held) for name, held in each.f_locals.items() if name in own)
            forget_snapshot(each)
    if BORROWS:
        in_variables = Counter(in_variables.keys())
    return in_variables + Counter(map(id, (*given[0], *given[1].values())))


def held_by_callers(frame: FrameType) -> list[Any]:
    """Return the containers and objects that who waits for a call has in variables of the program's functions."""
    found: dict[int, Any] = {}
    for each in frames_from(frame.f_back):
        if each.f_code.co_flags & CO_OPTIMIZED and _is_of_program(each):
            found |= {id(held): held for held in each.f_locals.values()}
            forget_snapshot(each)
    kinds = set(map(type, found.values())).difference(Traced.stand_ins.values())
    wanted = {kind for kind in kinds if issubclass(kind, (*CONTAINERS, tuple)) or are_objects(kind)}
    return [held for held in found.values() if type(held) in wanted]


def _is_of_program(frame: FrameType) -> bool:
    file, module = frame.f_code.co_filename, str(frame.f_globals.get("__name__"))
    return not (is_own(file) or is_installed(module, file))


def frames_from(frame: FrameType | None, until: FrameType | None = None) -> list[FrameType]:
    """Return a frame and those that wait for it, before another one."""
    found = []
    while frame is not None and frame is not until:
        found.append(frame)
        frame = frame.f_back
    return found
