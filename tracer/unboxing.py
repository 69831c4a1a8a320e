"""Out of the trace: what the program has for each stand-in, in results, and wherever stand-ins were put for a call.

When the function ends, the caller's lists, dicts and dataclasses have plain values again, those that the plain program
would have left there, and its arrays what was written into the copies. Used by boxing.py, whose boxes know both ways.
"""

from __future__ import annotations

import warnings
from collections import deque
from contextlib import nullcontext, suppress
from functools import cached_property
from itertools import chain
from operator import is_
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.holders import own_attributes
from tracer.memory import is_lent
from tracer.object_arrays import exchange, holds_objects
from tracer.plain_arrays import PlainArrays
from tracer.replacements import original as original_function
from tracer.standins import Traced
from tracer.structures import items_of, own_places, put_into, rebuilt, refill
from tracer.turns import CHANGED

if TYPE_CHECKING:
    from tracer.tape import Tape

_MISSING = object()
_PLAIN = frozenset((float, int, str, bool, type(None)))
_WITHOUT_ATTRIBUTES = frozenset((tuple, list, dict, set, frozenset, deque))


class Unboxing:
    """What stand-ins were put in place of for one call, and the way back."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.entries: list[tuple[Any, Any, int]] = []  # stand-in, the caller's array, its first record
        self.containers: list[Any] = []  # what may hold a stand-in at the end
        self.objects: list[tuple[Any, dict[str, tuple[Any, int]]]] = []  # and their attributes before
        # By identity: of a stand-in, or of a tuple of some, the caller's object
        self._originals: dict[int, Any] = {}
        self._keep: list[Any] = []
        # Stand-ins for arrays that are no arguments: on their memory; and by identity the arrays of others
        self._lent: list[tuple[Any, np.ndarray[Any, Any]]] = []
        self._written: dict[int, np.ndarray[Any, Any]] = {}
        self.wholes: dict[int, Any] = {}  # by identity: stand-ins for arrays of which inputs are parts
        self.arrays: dict[int, np.ndarray[Any, Any]] = {}  # by stand-in: what the caller got for it

    def callers_own(self, stand_in: Any) -> Any:
        """Return the program's own object for a stand-in, which is that itself where the function has made it."""
        return self._originals.get(id(stand_in), self._written.get(id(stand_in), stand_in))

    def note_stand_in(self, stand_in: Any, original: Any) -> None:
        """Note that a stand-in was put in place of an array of the program's."""
        self._originals[id(stand_in)] = self.arrays[id(stand_in)] = original
        self._keep.append(stand_in)

    def note_written(self, stand_in: Any, original: Any, *, is_lent: bool) -> None:
        """Note a stand-in for an array that is no argument, and whether it writes into the memory of that."""
        if is_lent:
            self.note_stand_in(stand_in, original)
            self._lent.append((stand_in, original))
        else:
            self._written[id(stand_in)] = original
            self._keep.append(stand_in)

    def lent(self) -> list[np.ndarray[Any, Any]]:
        """Return the program's arrays into whose memory the function writes."""
        entries = [callers for stand_in, callers, _ in self.entries if is_lent(stand_in.value_)]
        return entries + [original for _, original in self._lent]

    def only_read(self) -> dict[int, np.ndarray[Any, Any]]:
        """Return by stand-in the caller's arrays that nothing was written into."""
        return {
            id(stand_in): callers
            for stand_in, callers, _ in self.entries
            if id(stand_in) not in self.arrays
        }

    @cached_property
    def plain_arrays(self) -> PlainArrays:
        """What makes arrays plain, once nothing is written into them any more."""
        return PlainArrays(self)

    def write_back(self) -> None:
        """Give the caller's arrays what the function wrote into its copies, and what holds stand-ins plain values."""
        for stand_in, original, first in self.entries:
            if stand_in.id_ != first:
                _give(original, stand_in.value_)
                self.arrays[id(stand_in)] = original
            _lock(original, stand_in.value_)
        for stand_in, original in self._lent:
            _give(original, stand_in.value_)
            _lock(original, stand_in.value_)
        is_shared = bool(self.containers or self.tape.places)
        with CHANGED if is_shared else nullcontext():
            self._put_back()
            # None is looked into from another, however deep it lies; what the user's `__hash__` raises in one leaves
            # the others the caller's.
            done = set(map(id, self.containers))
            for container in self.containers:
                with suppress(Exception):
                    self._unbox_inside(container, done)
            self._clean_objects()
            self.tape.places.clear()
            if is_shared:
                CHANGED.notify_all()  # a trace in another thread may wait for them

    def _clean_objects(self) -> None:
        for holder, attributes in self.objects:
            own = own_attributes(holder) or {}
            for name, item in list(own.items()):
                kept, length = attributes.get(name, (_MISSING, -1))
                if kept is not item:
                    own[name] = self.unbox(item)
                elif length != state_of(item)[1]:
                    self.unbox(item)

    def give_up(self) -> None:
        """Have the caller's own values everywhere while the function is still running: in a forked child."""
        self.write_back()
        self.let_go()

    def _put_back(self) -> None:
        """Put what was there before where the function has left it."""
        for place, stand_in, before in reversed(self.tape.places):
            with suppress(Exception):  # of the user's `__hash__`
                if place.read() is stand_in:
                    place.write(before)

    def let_go(self) -> None:
        """Go on with the caller's own arrays instead of copies."""
        for stand_in, original, first in self.entries:
            if stand_in.id_ != first:
                _give(original, stand_in.value_)
            stand_in.value_ = original
        self.entries.clear()

    def unbox(self, value: Any, done: set[int] | None = None) -> Any:
        """Return a result with plain numbers for stand-ins; what came in as an argument goes out as that object.

        Containers that can be written into stay the objects that they are; those that are `done` are not looked into.
        """
        if type(value) in _PLAIN:
            return value
        if id(value) in self._originals:
            return self._originals[id(value)]
        if issubclass(type(value), Traced):
            is_of_an_outer_trace = value.tape_ is not self.tape and value.tape_.is_open
            return value if is_of_an_outer_trace else self._unboxed(value)
        done = set() if done is None else done
        if original_function(value) is not value or id(value) in done:
            return original_function(value)
        done.add(id(value))
        return self._unbox_inside(value, done)

    def _unbox_inside(self, value: Any, done: set[int]) -> Any:
        kind = type(value)
        if holds_objects(value):
            exchange(value, lambda item: self.unbox(item, done))
            return value
        items = items_of(value)
        if items is None and not issubclass(kind, (set, frozenset, deque)):
            return value
        for place in own_places(value) if kind not in _WITHOUT_ATTRIBUTES else ():
            now = place.read()
            unboxed = self.unbox(now, done)
            if unboxed is not now:
                place.write(unboxed)
        if items is None:
            members = [self.unbox(item, done) for item in value]
            if all(map(is_, members, value)):
                return value
            if issubclass(kind, frozenset):
                return self._remember(value, kind(members))
            return refill(value, members)
        if not issubclass(kind, (tuple, list, dict)):
            return value
        fresh = {self.unbox(key): self.unbox(item, done) for key, item in items}
        if all(map(is_, chain(*fresh.items()), chain(*items))):
            return value
        if issubclass(kind, tuple):
            return self._remember(value, rebuilt(value, fresh))
        return put_into(value, fresh)

    def _remember(self, value: Any, unboxed: Any) -> Any:
        """Have what is there twice in a result be one object there, too."""
        self._originals[id(value)] = unboxed
        self._keep.append(value)
        return unboxed

    def _unboxed(self, stand_in: Any) -> Any:
        """Return the plain number; of an array what is the caller's own, the same each time."""
        number = stand_in.value_
        if type(number) is not np.ndarray:
            return number
        self.arrays[id(stand_in)] = self.plain_arrays.plain(number)
        return self._remember(stand_in, self.arrays[id(stand_in)])


def _give(array: np.ndarray[Any, Any], value: np.ndarray[Any, Any]) -> None:
    """Put what the function has in its copy into the array of the caller's."""
    if array.shape != value.shape:  # the function has set it, and was warned that NumPy will not have that
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            array.shape = value.shape
    if not is_lent(value):
        array[...] = value


def _lock(array: np.ndarray[Any, Any], value: np.ndarray[Any, Any]) -> None:
    """Have an array be read-only where the function has made it that: `a.setflags(write=False)`."""
    if not value.flags.writeable and array.flags.writeable:
        array.flags.writeable = False


def state_of(item: Any) -> tuple[Any, int]:
    """Return what tells whether an attribute was bound anew, or a container in it has grown or shrunk."""
    kind = next((each for each in (list, dict, set, deque) if issubclass(type(item), each)), None)
    return item, kind.__len__(item) if kind is not None else 0
