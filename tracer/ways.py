"""What sees the memory of arrays that are inputs: the stand-ins for their views, and for what they are parts of.

Made where an array is written into (`first_writes.py`), or watched (`watching.py`), and the program has such ways.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tracer.buffers import look_again
from tracer.elements import places, taken, way_to
from tracer.families import is_argument, note_view, others_of
from tracer.memory import laid_out_copy, overlapping, owner_of
from tracer.standins import NO_RECORD, wrap
from tracer.tape import AUXILIARY

if TYPE_CHECKING:
    from tracer.boxing import Boxes

_LARGEST = 1 << 24  # bytes of an array of which an argument is a part, which are copied


class Known(NamedTuple):
    """An array of the program's that has a stand-in."""

    array: np.ndarray[Any, Any]
    stand_in: Any
    path: str


class Beginning:
    """Stands for the frame of the traced function before that runs: what is recorded then is at its first line."""

    f_lasti = 0


class Ways:
    """The ways to inputs that are in one memory, and that nothing has been written into."""

    def __init__(self, inputs: list[Known], boxes: Boxes, frame: Any) -> None:
        owner = owner_of(inputs[0].array)
        whole = boxes.wholes.get(id(owner))
        # What they are parts of takes their place.
        self.known = inputs if whole is None else [Known(owner, whole, inputs[0].path)]
        self._boxes = boxes
        self._frame = frame

    def stand_in_for(self, array: np.ndarray[Any, Any]) -> Any:
        """Return the stand-in for an array that sees the memory of the inputs; None where it can't have one."""
        owner = owner_of(self.known[0].array)
        if owner_of(array) is not owner or not array.size:
            return None
        seen, root = self._seen_by(array)
        if seen is None and any(np.may_share_memory(array, each.array) for each in self.known):
            if all(each.array is not owner for each in self.known) and self._widen(owner):
                seen, root = self._seen_by(array)
            if array is owner:
                return root
        if seen is None:
            return None
        seen.flags.writeable = array.flags.writeable
        made = wrap(self._boxes.tape, NO_RECORD, seen)
        note_view(made, (root,))
        self._follow(made, root)
        self._boxes.note_stand_in(made, array)
        return made

    def _seen_by(self, array: np.ndarray[Any, Any]) -> tuple[Any, Any]:
        """Return what a stand-in for an array sees, and the one that it is a view of; None where there is none."""
        for each in self.known:
            seen = taken(each.stand_in.value_, way_to(array, each.array))
            if seen is not None:
                return seen, each.stand_in
        return None, None

    def _widen(self, owner: Any) -> bool:
        """Go on with the array of which inputs are parts: one that is constant but for them."""
        tape = self._boxes.tape
        if type(owner) is not np.ndarray or not 0 < owner.nbytes <= _LARGEST:
            return False
        parts = [(each, array) for each, array, _ in self._boxes.entries if owner_of(array) is owner]
        if not all(is_argument(each) for each, _ in parts) or overlapping([array for _, array in parts]):
            return False
        value = laid_out_copy(owner)
        moved: list[tuple[Any, Any]] = []  # stand-ins that see some of it, and what they see
        indices = []
        for part, array in parts:
            steps = way_to(array, owner)
            seen = taken(value, steps)
            views = others_of(part)
            moved += [
                (part, seen),
                *((each, taken(seen, way_to(each.value_, part.value_))) for each in views),
            ]
            if steps is None or any(each is None for _, each in moved):
                return False
            indices.append(
                steps[0][1] if len(steps) == 1 and steps[0][0] == "getitem" else places(seen, value)
            )
        whole, first = None, len(tape.records)
        for (part, _), index in zip(parts, indices, strict=True):
            operands = (None if whole is None else whole.id_, part.id_)
            constants = (value if whole is None else None, None)
            params = {"index": index}
            position = tape.append("setitem", operands, constants, value, self._frame, params, AUXILIARY)
            whole = wrap(tape, position, value)
        tape.note_followed(first)
        for each, now in moved:
            now.flags.writeable = each.value_.flags.writeable
            each.value_ = now
            note_view(each, (whole,))
        self._boxes.note_stand_in(whole, owner)
        self._boxes.wholes[id(owner)] = whole
        self.known = [Known(owner, whole, self.known[0].path)]
        return True

    def _follow(self, view: Any, root: Any) -> None:
        tape = self._boxes.tape
        first = len(tape.records)
        look_again(view, root, self._frame)
        tape.note_followed(first)
