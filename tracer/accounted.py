"""Whether all stand-ins of a run that has ended are accounted for, so that the program needs no search for them.

Their number is known, as each has a reference to the tape. Those of a ring that nothing refers to (objects that know
their parents, a function within that calls itself) are garbage. And an error keeps the frames of the calls that it came
through, as a debugger wants it, and those their variables: they are counted from the frames inwards, and only into what
the frames alone hold, so that it costs the same in a large program.
"""

from __future__ import annotations

import gc
from collections import Counter
from itertools import chain
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from tracer.references import references

if TYPE_CHECKING:
    from types import FrameType

_MANY = 300  # stand-ins that are searched for longer than it takes to collect all garbage
_AT_ONCE = 200  # objects that are looked into for rings that frames hold,
_FOR_EACH = 20  # and for each stand-in that is missing: fewer than a search for it comes by


def errors_of(error: BaseException | None) -> list[BaseException]:
    """Return an error, those that led to it, and the members of groups among them, each once."""
    found: dict[int, BaseException] = {}
    more = [error]
    while more:
        each = more.pop()
        if each is not None and id(each) not in found:
            found[id(each)] = each
            more += [each.__cause__, each.__context__]
            if isinstance(each, BaseExceptionGroup):
                more += each.exceptions
    return list(found.values())


def are_accounted_for(tape: list[Any], error: BaseException | None) -> bool:
    """Tell whether the frames of an error, and garbage, have all references to a tape but its list's and one more."""
    if not _missing(tape, error):
        return True
    if gc.isenabled():
        gc.collect(1)
    missing = _missing(tape, error, in_rings=True)
    if missing > _MANY and gc.isenabled():
        gc.collect()
        missing = _missing(tape, error, in_rings=True)
    return not missing


def _missing(tape: list[Any], error: BaseException | None, *, in_rings: bool = False) -> int:
    """Count the references to a tape that neither its list and one more nor the frames of an error have."""
    missing = references(tape, 0) - 1
    if error is None or not missing:
        return missing
    frames = _Frames(error, id(tape[0]))
    missing -= frames.count(missing)
    return missing - frames.count_in_rings(missing) if in_rings and missing else missing


class _Frames:
    """The frames of an error, and the objects that they lead to."""

    def __init__(self, error: BaseException, sought: int) -> None:
        # By identity. Nothing else here keeps an object, so that one reference to it is ours
        self._met: dict[int, Any] = {id(frame): frame for frame in _frames_of(error)}
        self._inside: Counter[int] = Counter()  # by identity: references from what was looked into
        self._known = {*self._met, sought}  # by identity: what is looked into, or never is
        self._sought = sought

    def count(self, most: int) -> int:
        """Return how many references to what is sought the frames have, and what they alone hold; at most so many."""
        to_look_into = list(self._met)
        for key in to_look_into:
            alone = [each for each in self._look_into(key) if self._is_inside(each)]
            self._known.update(alone)
            to_look_into += alone
            if self._inside[self._sought] >= most:
                return most
        return self._inside[self._sought]

    def count_in_rings(self, missing: int) -> int:
        """Return how many more there are where objects refer to each other, and no others to them."""
        looked_into: list[int] = []
        to_look_into = list(self._met)
        for key in to_look_into:
            if len(looked_into) > _AT_ONCE + _FOR_EACH * missing:
                break
            if key not in self._known and not issubclass(type(self._met[key]), (type, ModuleType)):
                self._known.add(key)
                looked_into.append(key)
                to_look_into += self._look_into(key)
        elsewhere = [key for key in looked_into if not self._is_inside(key)]
        inside = set(looked_into).difference(elsewhere)
        for key in elsewhere:
            led_to = inside.intersection(map(id, gc.get_referents(self._met[key])))
            inside -= led_to
            elsewhere += led_to
        leading = (map(id, gc.get_referents(self._met[key])) for key in inside)
        return sum(each == self._sought for each in chain.from_iterable(leading))

    def _look_into(self, key: int) -> set[int]:
        """Count what an object holds; return what of that is not looked into yet."""
        if type(self._met[key]) is FunctionType:
            self._known.add(id(self._met[key].__globals__))
        held = list(filter(gc.is_tracked, gc.get_referents(self._met[key])))
        keys = list(map(id, held))
        self._inside.update(keys)
        self._met.update(zip(keys, held, strict=True))
        return set(keys).difference(self._known)

    def _is_inside(self, key: int) -> bool:
        """Tell whether all references to an object are from what was looked into."""
        return references(self._met, key) == self._inside[key]


def _frames_of(error: BaseException) -> list[FrameType]:
    """Return the frames in the tracebacks of an error and of those that led to it, each once."""
    found: dict[int, FrameType] = {}
    for each in errors_of(error):
        traceback = each.__traceback__
        while traceback is not None:
            found[id(traceback.tb_frame)] = traceback.tb_frame
            traceback = traceback.tb_next
    return list(found.values())
