"""The first write into an array argument: from then on, whatever else holds the array leads to the same stand-in.

Until then the function works on a copy, as the tape must not change when the caller's array does. From then on it works
in the caller's own memory, so every way to it reads the numbers of the plain program; and what holds the array is
given the stand-in, so that they carry the gradient. What can't be given it, as a view or an iterator, is told of. A
search is done only where references to the array are unaccounted for. Used by run.py.
"""

from __future__ import annotations

import weakref
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.adopted import Variable
from tracer.boxing import REFERENCES
from tracer.buffers import look_again
from tracer.callee import forget_snapshot
from tracer.families import note_view, others_of
from tracer.frames import place
from tracer.leftovers import own_references
from tracer.memory import laid_out_copy, owner_of, places, taken, way_to
from tracer.references import references
from tracer.second_ways import count_in_callers, frames_from, refused
from tracer.standins import NO_RECORD, wrap
from tracer.tape import AUXILIARY, VALUE, WIDTH, same_bytes
from tracer.watching import Known

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from tracer.boxing import Boxes
    from tracer.watching import Watcher

_LARGEST = 1 << 24  # bytes of an array of which an argument is a part, which are copied


def before_write(
    argument: Any, boxes: Boxes, given: tuple[Any, Any], watcher: Callable[[], Watcher], frame: FrameType
) -> tuple[Any, np.ndarray[Any, Any]] | None:
    """Have all ways to the caller's array of an argument lead to its stand-in; return that, and the caller's array.

    Where the program has the array of which the argument is a part, it is that one, and its stand-in. What can't be
    made to lead there is told of; it has the right numbers, as it is the caller's memory that will be written into.
    """
    entry = boxes.entry_of(argument)
    if entry is None:
        return None
    tape, name = boxes.tape, boxes.name_of(argument.id_)
    if not same_bytes(entry[1], tape.records[argument.id_ + VALUE]):
        raise refused(name, f"{name} was written into by a second way", place(frame))
    tape.forget_memory(owner_of(entry[1]))  # what was read before the write is what it was
    missing = _missing(entry, boxes, given)
    ways = _Ways(Known(entry[1], argument, name), boxes, frame)
    if missing > 0:
        ways.lead_to(watcher(), missing)
    return ways.known.stand_in, ways.known.array


class _Ways:
    """The ways to an argument that is about to be written into."""

    def __init__(self, argument: Known, boxes: Boxes, frame: FrameType) -> None:
        self.known = argument  # or what it is a part of
        self._boxes = boxes
        self._frame = frame

    def lead_to(self, watcher: Watcher, missing: float) -> None:
        """Have them lead to its stand-in."""
        frames = frames_from(self._frame, until=self._boxes.tape.hook_frame)
        variables = [(dict(each.f_locals), each) for each in frames if each.f_locals is not each.f_globals]
        try:
            watcher.lead_to(
                self.known,
                missing,
                [*(copied for copied, _ in variables), *(each.f_globals for each in frames)],
                {id(copied): partial(Variable, each) for copied, each in variables},
                self._stand_in_for,
                self._warn,
            )
        finally:
            for each in frames:
                forget_snapshot(each)

    def _warn(self, how: str, path: str) -> None:
        what = f"{how} {path}, which is written into here"
        advice = f"what is read through it carries no gradient back; read {path}, or make it in the traced function"
        self._boxes.tape.refuse_if_strict(what, advice, self._frame)
        self._boxes.tape.warn(what, advice, self._frame)

    def _stand_in_for(self, array: np.ndarray[Any, Any]) -> Any:
        """Return the stand-in for an array that sees the memory of the argument; None where it can't have one."""
        owner = owner_of(self.known.array)
        if owner_of(array) is not owner or not array.size:
            return None
        if way_to(array, self.known.array) is None:
            if not np.may_share_memory(array, self.known.array) or not self._widen(owner):
                return None
            if array is owner:
                return self.known.stand_in
        root = self.known.stand_in
        seen = taken(root.value_, way_to(array, self.known.array))
        if seen is None:
            return None
        seen.flags.writeable = array.flags.writeable
        made = wrap(self._boxes.tape, NO_RECORD, seen)
        note_view(made, (root,))
        self._follow(made, root)
        self._boxes.note_stand_in(made, array)
        return made

    def _widen(self, owner: Any) -> bool:
        """Go on with the array of which the argument is a part: one that is constant but for that part."""
        part, tape = self.known.stand_in, self._boxes.tape
        if type(owner) is not np.ndarray or not 0 < owner.nbytes <= _LARGEST:
            return False
        value, steps = laid_out_copy(owner), way_to(self.known.array, owner)
        seen = taken(value, steps)
        views = others_of(part)
        moved = [taken(seen, way_to(each.value_, part.value_)) for each in views]
        if steps is None or seen is None or any(each is None for each in moved):
            return False
        index = steps[0][1] if len(steps) == 1 and steps[0][0] == "getitem" else places(seen, value)
        params = {"index": index}
        position = tape.append(
            "setitem", (None, part.id_), (value, None), value, self._frame, params, AUXILIARY
        )
        whole = wrap(tape, position, value)
        for each, now in zip((part, *views), (seen, *moved), strict=True):
            now.flags.writeable = each.value_.flags.writeable
            each.value_ = now
            note_view(each, (whole,))
        self._follow(part, whole)
        self._boxes.note_stand_in(whole, owner)
        self.known = Known(owner, whole, self.known.path)
        return True

    def _follow(self, view: Any, root: Any) -> None:
        tape = self._boxes.tape
        first = len(tape.records)
        look_again(view, root, self._frame)
        tape.followed += range(first, len(tape.records), WIDTH)


def _missing(entry: tuple[Any, Any, int], boxes: Boxes, given: tuple[Any, Any]) -> float:
    """Count the references to the caller's array of an argument that are neither our own nor of who waits for us.

    `inf` where another array may see its memory.
    """
    hook = boxes.tape.hook_frame
    ours = (
        REFERENCES - 1 + own_references(entry[1]) + sum(each is entry[1] for *_, each in boxes.tape.places)
    )
    count = references(entry, 1) - ours
    if weakref.getweakrefcount(entry[1]):
        return inf
    owner = [owner_of(entry[1])]
    of_owner = references(owner, 0) - 1 if owner[0] is not entry[1] else 0
    if of_owner > 0 and of_owner > count_in_callers(owner[0], given, hook):
        return inf
    return count - count_in_callers(entry[1], given, hook) if count > 0 else 0
