"""The first write into an array argument: from then on, whatever else holds the array leads to the same stand-in.

Until then the function works on a copy, as the tape must not change when the caller's array does. From then on it works
in the caller's own memory, so every way to it reads the numbers of the plain program; and what holds the array is
given the stand-in, so that they carry the gradient. What can't be given it, as a view or an iterator, is told of. A
search is done only where references to the array are unaccounted for. Used by run.py.
"""

from __future__ import annotations

import weakref
from functools import partial
from inspect import CO_OPTIMIZED
from math import inf
from typing import TYPE_CHECKING, Any

from tracer.adopted import Variable
from tracer.boxing import REFERENCES
from tracer.buffers import look_again
from tracer.callee import forget_snapshot
from tracer.families import note_view
from tracer.frames import place
from tracer.leftovers import own_references
from tracer.memory import owner_of, way_to
from tracer.references import BORROWS, references
from tracer.second_ways import refused
from tracer.standins import NO_RECORD, wrap
from tracer.tape import VALUE, WIDTH, same_bytes
from tracer.watching import Known

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    import numpy as np

    from tracer.boxing import Boxes
    from tracer.watching import Watcher


def before_write(
    argument: Any, boxes: Boxes, given: tuple[Any, Any], watcher: Callable[[], Watcher], frame: FrameType
) -> np.ndarray[Any, Any] | None:
    """Have all ways to the caller's array of an argument lead to that, and return the array; None for what has none.

    What can't be made to lead there is told of; it has the right numbers, as the array is what will be written into.
    """
    entry = boxes.entry_of(argument)
    if entry is None:
        return None
    tape, name = boxes.tape, boxes.name_of(argument.id_)
    if not same_bytes(entry[1], tape.records[argument.id_ + VALUE]):
        raise refused(name, f"{name} was written into by a second way", place(frame))
    tape.forget_memory(owner_of(entry[1]))  # what was read before the write is what it was
    missing = _missing(entry, boxes, given)
    if missing > 0:
        _lead_to(Known(entry[1], argument, name), missing, boxes, watcher(), frame)
    callers: np.ndarray[Any, Any] = entry[1]
    return callers


def _lead_to(known: Known, missing: float, boxes: Boxes, watcher: Watcher, frame: FrameType) -> None:
    tape = boxes.tape

    def warn(how: str, path: str) -> None:
        what = f"{how} {path}, which is written into here"
        advice = f"what is read through it carries no gradient back; read {path}, or make it in the traced function"
        tape.refuse_if_strict(what, advice, frame)
        tape.warn(what, advice, frame)

    frames = _frames_from(frame, until=tape.hook_frame)
    variables = [(dict(each.f_locals), each) for each in frames if each.f_locals is not each.f_globals]
    try:
        watcher.lead_to(
            known,
            missing,
            [*(copied for copied, _ in variables), *(each.f_globals for each in frames)],
            {id(copied): partial(Variable, each) for copied, each in variables},
            partial(_view_of, known, boxes, frame),
            warn,
        )
    finally:
        for each in frames:
            forget_snapshot(each)


def _view_of(known: Known, boxes: Boxes, frame: FrameType, view: np.ndarray[Any, Any]) -> Any:
    """Return the stand-in for an array that sees part of an argument, or None; recorded as a view of that one."""
    if owner_of(view) is not owner_of(known.array):
        return None
    steps = way_to(view, known.array)
    seen = known.stand_in.value_
    for name, given in steps or ():
        seen = seen[given] if name == "getitem" else getattr(seen, name)(given)
    if steps is None or owner_of(seen) is not owner_of(known.stand_in.value_):
        return None
    seen.flags.writeable = view.flags.writeable
    made = wrap(boxes.tape, NO_RECORD, seen)
    note_view(made, (known.stand_in,))
    first = len(boxes.tape.records)
    look_again(made, known.stand_in, frame)
    boxes.tape.followed += range(first, len(boxes.tape.records), WIDTH)
    boxes.note_stand_in(made, view)
    return made


def _frames_from(frame: FrameType | None, until: FrameType | None = None) -> list[FrameType]:
    found = []
    while frame is not None and frame is not until:
        found.append(frame)
        frame = frame.f_back
    return found


def _missing(entry: tuple[Any, Any, int], boxes: Boxes, given: tuple[Any, Any]) -> float:
    """Count the references to the caller's array of an argument that are neither our own nor of who waits for us.

    `inf` where another array may see its memory.
    """
    hook = boxes.tape.hook_frame
    count = references(entry, 1) - (REFERENCES - 1) - own_references(entry[1])
    if weakref.getweakrefcount(entry[1]):
        return inf
    owner = [owner_of(entry[1])]
    of_owner = references(owner, 0) - 1 if owner[0] is not entry[1] else 0
    if of_owner > 0 and of_owner > _count_outside(owner[0], given, hook):
        return inf
    return count - _count_outside(entry[1], given, hook) if count > 0 else 0


def _count_outside(value: Any, given: tuple[Any, Any], hook: FrameType | None) -> int:
    """Count the references to a value that the arguments have, and the variables of the functions that wait for us."""
    count = sum(each is value for each in (*given[0], *given[1].values()))
    in_variables = 0
    for frame in _frames_from(hook):
        if frame.f_code.co_flags & CO_OPTIMIZED:
            in_variables += sum(each is value for each in frame.f_locals.values())
            forget_snapshot(frame)
    return count + (min(in_variables, 1) if BORROWS else in_variables)
