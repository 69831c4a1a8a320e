"""Into the trace and out of it: numbers in arguments become stand-ins, stand-ins in results become numbers.

Lists, dicts and dataclasses that hold numbers stay the objects that they are: stand-ins are put into them for the time
of the call, so that every way to one leads to the same inputs. When the function ends, each has plain values again,
those that the plain program would have left there. An array is copied, as the tape must not change with it.
"""

from __future__ import annotations

import sys
import warnings
from array import array
from collections import deque
from contextlib import nullcontext, suppress
from functools import cached_property, partial
from itertools import chain
from numbers import Number
from operator import is_
from threading import get_ident
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.holders import own_attributes
from tracer.memory import callers_own, is_lent, laid_out_copy
from tracer.object_arrays import exchange, holds_objects
from tracer.patches import original as original_function
from tracer.patches import replacement
from tracer.plain_arrays import PlainArrays
from tracer.second_ways import refuse, told
from tracer.standins import Traced, is_traced, wrap
from tracer.structures import (
    Structure,
    is_looked_into,
    items_of,
    own_places,
    path_of,
    place_in,
    put_into,
    rebuilt,
    refill,
    structure_of,
)
from tracer.turns import CHANGED, BusyError, exchanging

if TYPE_CHECKING:
    from types import CodeType

    from tracer.errors import CutError, CutWarning
    from tracer.tape import Tape

REFERENCES = 3  # that `Boxes` and the tape have to the array of an input
_MISSING = object()
_PLAIN = frozenset((float, int, str, bool, type(None)))
_WITHOUT_ATTRIBUTES = frozenset((tuple, list, dict, set, frozenset, deque))
_MAY_HAVE_FLOATS = (np.ndarray, np.void, set, frozenset, deque, array, Number)
_NOT_LOOKED_INTO = (ModuleType, FunctionType, partial)


class Boxes:
    """The arguments of one call as stand-ins, and what it takes to undo that."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.entries: list[tuple[Any, Any, int]] = []  # stand-in, the caller's array, its first record
        self._containers: list[Any] = []  # what may hold a stand-in at the end
        # By identity: the arrays of one argument, and what they became
        self._met_arrays: dict[int, tuple[Any, int]] = {}
        # By identity: the structures of containers that were looked into, None while one is, as it may hold itself
        self._structures: dict[int, Structure] = {}
        self._has_places = False  # for itself, while it looks into a container
        self._objects: list[tuple[Any, dict[str, tuple[Any, int]]]] = []  # and their attributes before
        # By identity: of a stand-in, or of a tuple of some, the caller's object
        self._originals: dict[int, Any] = {}
        self._keep: list[Any] = []
        # Stand-ins for arrays that are no arguments: on their memory; and by identity the arrays of others
        self._lent: list[tuple[Any, np.ndarray[Any, Any]]] = []
        self._written: dict[int, np.ndarray[Any, Any]] = {}
        self.wholes: dict[int, Any] = {}  # by identity: stand-ins for arrays of which inputs are parts
        self.arrays: dict[int, np.ndarray[Any, Any]] = {}  # by stand-in: what the caller got for it
        self.numbers: dict[int, int] = {}  # by record: which input it is
        self.untraced: dict[str, str] = {}  # by path: what it is, an array that isn't traced
        self.lost: dict[str, tuple[str, str]] = {}  # those that hold floats, and what to do about it

    def box(self, value: Any, path: str) -> tuple[Any, Structure]:
        """Return `value` with stand-ins for its numbers, and its structure as input numbers.

        Inputs are numbered in the order in which they are met. An array that is held twice (tied weights) is one input.
        What is no number and holds none comes back as it is.
        Raises BusyError for a container that holds the stand-ins of a trace in another thread.
        """
        self._met_arrays.clear()
        return self._box(value, path)

    def _box(self, value: Any, path: str) -> tuple[Any, Structure]:
        if issubclass(type(value), Traced):
            if value.tape_ is self.tape and value.id_ in self.numbers:
                return value, self.numbers[value.id_]  # by another way to the same place: `f(o, vars(o))`
            value = self._met(value, path)
        kind = type(value)
        if (
            kind is float
            or kind is int
            or kind is complex
            # A span of time is a whole number to NumPy's classes.
            or (
                kind is not np.timedelta64
                and issubclass(kind, (np.inexact, np.integer))
                and not is_traced(value)
            )
        ):
            return self._input(value, value, path)
        if kind is np.ndarray:
            return self._box_array(value, path)
        if issubclass(kind, tuple):
            return self._box_tuple(value, path)
        if not is_looked_into(kind):
            self._leave(value, kind, path)
            return replacement(value), None
        if id(value) not in self._structures:
            self._structures[id(value)] = None
            self._containers.append(value)
            with nullcontext() if self._has_places else exchanging():
                outer, self._has_places = self._has_places, True
                self._structures[id(value)] = self._box_inside(value, path)
                self._has_places = outer
        return value, self._structures[id(value)]

    def _box_array(self, value: np.ndarray[Any, Any], path: str) -> tuple[Any, Structure]:
        if value.dtype.kind not in "fc":
            self.note_untraced(value, path)
            return value, None
        if id(value) in self._met_arrays:
            return self._met_arrays[id(value)]
        # The function works on a copy: the tape must not change when the caller's array does.
        boxed, number = self._input(laid_out_copy(value), value, path)
        if not value.flags.writeable:
            boxed.value_.flags.writeable = False
            if not _can_be_unlocked(value):
                boxed.value_ = boxed.value_.view()
        self.entries.append((boxed, value, boxed.id_))
        self.tape.note_input(value, path)
        self._met_arrays[id(value)] = boxed, number
        return boxed, number

    def _box_tuple(self, value: tuple[Any, ...], path: str) -> tuple[Any, Structure]:
        items, structures = {}, {}
        for at, item in items_of(value) or ():
            items[at], structures[at] = self._box(item, path_of(path, value, at))
        structure = structure_of(value, structures)
        if all(map(is_, items.values(), tuple.__iter__(value))):
            return value, structure
        boxed = rebuilt(value, items)
        self._originals[id(boxed)] = value
        self._keep.append(boxed)
        return boxed, structure

    def _box_inside(self, value: Any, path: str) -> Structure:
        """Put stand-ins into a list, a dict or a dataclass itself; return its structure."""
        structures = {}
        for key, before in items_of(value) or ():
            if issubclass(type(before), Traced):
                self._refuse_busy(before, path)
            stand_in, structures[key] = self._box(before, path_of(path, value, key))
            if stand_in is not before:
                place = place_in(value, key)
                self.tape.places.append((place, stand_in, before))  # first: an interrupt may come between
                place.write(stand_in)
        return structure_of(value, structures)

    def _refuse_busy(self, value: Any, path: str) -> None:
        """Raise BusyError for a stand-in that a trace in another thread has put there, and will take away."""
        other = value.tape_
        if other.places and other.thread != self.tape.thread and not self.tape.scopes.calls:
            raise BusyError(path, other)

    def _met(self, value: Any, path: str) -> Any:
        """Return what to go on with for a stand-in: of this trace, of one around it, or of another thread's."""
        tape, array = value.tape_, value.value_
        if not is_traced(value):
            return array  # an array that the function made itself, and watches
        is_lent_elsewhere = tape.thread != get_ident() and type(array) is np.ndarray and is_lent(array)
        if is_lent_elsewhere and not self.tape.scopes.calls:
            # It was at a place whose array is an argument of the other trace, which writes into that.
            if tape.is_open:
                raise BusyError(path, tape)
            return callers_own(array)
        if tape.is_open and tape.is_met_elsewhere(sys._getframe(1), value):  # noqa: SLF001
            return _only_read(array)  # of a place that a trace in another thread watches
        if tape.is_open:
            self.untraced[path] = "a value of the outer trace, which alone follows it"
            self.lost[path] = self.untraced[path], "outer"
        return value

    def arrays_from(self, first: int) -> list[tuple[Any, str]]:
        """Return the caller's arrays among the inputs from one on, and their names."""
        numbered = ((self.numbers[position], array) for _, array, position in self.entries)
        return [(array, self.tape.input_names[number]) for number, array in numbered if number >= first]

    def note_untraced(self, value: Any, path: str) -> None:
        """Note an array, a record, or what may hold floats or be like one, that the function gets as it is."""
        from tracer.untraced import described, way_to_floats  # noqa: PLC0415  (few calls are given any)

        way = way_to_floats(value)
        if way or issubclass(type(value), (np.ndarray, np.void)):
            self.untraced[path] = described(value)
        if way:
            self.lost[path] = self.untraced[path], way
        if holds_objects(value):
            self._containers.append(value)

    def _leave(self, value: Any, kind: type, path: str) -> None:
        """Note what is told of, or looked at after the call, of a value that the function gets as it is."""
        if kind is not bool and issubclass(kind, _MAY_HAVE_FLOATS):
            self.note_untraced(value, path)
        if issubclass(type(value), (set, deque)):
            self._containers.append(value)
        elif not issubclass(kind, _NOT_LOOKED_INTO) and (own := own_attributes(value)) is not None:
            self._objects.append((value, {name: _state(item) for name, item in own.items()}))

    def _input(self, value: Any, callers: Any, path: str) -> tuple[Any, int]:
        number = len(self.tape.input_names)
        stand_in = wrap(self.tape, self.tape.add_input(path, value), value)
        self.numbers[stand_in.id_] = number
        self._originals[id(stand_in)] = callers
        self._keep.append(stand_in)
        return stand_in, number

    def refuse_second_ways(self, code: CodeType) -> None:
        """Raise UnsupportedError where an array was written into by one way and is read by another."""
        if self.entries:
            refuse(((*each, self.name_of(each[2])) for each in self.entries), self.tape, code)

    def told_second_ways(self, function: Any) -> CutError | CutWarning | None:
        """Warn where `is` tells an argument from itself, or the text names it otherwise; return the error of that."""
        error = None
        if len({id(callers) for _, callers, _ in self.entries}) < len(self.entries):
            error = told(((callers, self.name_of(first)) for _, callers, first in self.entries), self.tape)
        return error or self._told_named_otherwise(function)

    def _told_named_otherwise(self, function: Any) -> CutError | CutWarning | None:
        """Warn where the text names an argument's array by another way; return the error where that is one.

        Not where a traced value has met it there, which has been told, nor where all ways lead to the argument, as to
        what is watched.
        """
        arrays = [
            (callers, self.name_of(first))
            for stand_in, callers, first in self.entries
            if not is_lent(stand_in.value_) and self.name_of(first) not in self.tape.read_otherwise
        ]
        if not arrays or self.tape.watched:
            return None
        from tracer import named_otherwise  # noqa: PLC0415  (programs of numbers have none)

        return named_otherwise.told(function, arrays, self.tape)

    def entry_of(self, argument: Any) -> tuple[Any, Any, int] | None:
        """Return, of an array argument, its stand-in, the caller's array and its first record."""
        return next((each for each in self.entries if each[0] is argument), None)

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

    def name_of(self, record: int) -> str:
        """Return what the argument of a record is called."""
        return self.tape.input_names[self.numbers[record]]

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
        is_shared = bool(self._containers or self.tape.places)
        with CHANGED if is_shared else nullcontext():
            self._put_back()
            # None is looked into from another, however deep it lies; what the user's `__hash__` raises in one leaves
            # the others the caller's.
            done = set(map(id, self._containers))
            for container in self._containers:
                with suppress(Exception):
                    self._unbox_inside(container, done)
            self._clean_objects()
            self.tape.places.clear()
            if is_shared:
                CHANGED.notify_all()  # a trace in another thread may wait for them

    def _clean_objects(self) -> None:
        for holder, attributes in self._objects:
            own = own_attributes(holder) or {}
            for name, item in list(own.items()):
                kept, length = attributes.get(name, (_MISSING, -1))
                if kept is not item:
                    own[name] = self.unbox(item)
                elif length != _state(item)[1]:
                    self.clean(item)

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

    def clean(self, container: Any) -> None:
        """Put plain numbers for the stand-ins that the function has put into a container of the caller's."""
        self.unbox(container)

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
        if kind not in _WITHOUT_ATTRIBUTES:
            for place in own_places(value):
                now = place.read()
                unboxed = self.unbox(now, done)
                if unboxed is not now:
                    place.write(unboxed)
        if items is None:
            members = [self.unbox(item, done) for item in value]
            if all(map(is_, members, value)):
                return value
            is_fixed = issubclass(kind, frozenset)
            return self._remember(value, kind(members)) if is_fixed else refill(value, members)
        if not issubclass(kind, (tuple, list, dict)):
            return value
        fresh = {self.unbox(key): self.unbox(item, done) for key, item in items}
        if all(map(is_, chain(*fresh.items()), chain(*items))):
            return value
        return (
            self._remember(value, rebuilt(value, fresh))
            if issubclass(kind, tuple)
            else put_into(value, fresh)
        )

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


def _only_read(value: Any) -> Any:
    """Return a number as it is, and a copy of an array, into which a write would be lost."""
    if type(value) is np.ndarray:
        value = laid_out_copy(value)
        value.flags.writeable = False
    return value


def _can_be_unlocked(array: np.ndarray[Any, Any]) -> bool:
    """Tell whether NumPy would have a read-only array be written into: not one of bytes, or a part of one that is."""
    if array.flags.owndata:
        return True
    try:
        array.view().flags.writeable = True
    except ValueError:
        return False
    return True


def _give(array: np.ndarray[Any, Any], value: np.ndarray[Any, Any]) -> None:
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


def _state(item: Any) -> tuple[Any, int]:
    """Return what tells whether an attribute was bound anew, or a container in it has grown or shrunk."""
    kind = next((each for each in (list, dict, set, deque) if issubclass(type(item), each)), None)
    return item, kind.__len__(item) if kind is not None else 0
