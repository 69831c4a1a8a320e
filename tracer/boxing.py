"""Into the trace: numbers in arguments become stand-ins. The way out is that of `unboxing.py`.

Lists, dicts and dataclasses that hold numbers stay the objects that they are: stand-ins are put into them for the time
of the call, so that every way to one leads to the same inputs. An array is copied, as the tape must not change with it.
"""

from __future__ import annotations

import sys
from array import array
from collections import deque
from contextlib import nullcontext
from functools import partial
from numbers import Number
from operator import is_
from threading import get_ident
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.elements import callers_own
from tracer.holders import own_attributes
from tracer.memory import is_lent, laid_out_copy, overlap
from tracer.object_arrays import holds_objects
from tracer.other_threads import is_met_elsewhere
from tracer.patches import replacement
from tracer.second_ways import refuse, told
from tracer.standins import Traced, is_traced, wrap
from tracer.structures import (
    Structure,
    attribute_of,
    beside,
    is_looked_into,
    is_number,
    items_of,
    path_of,
    place_in,
    rebuilt,
    structure_of,
)
from tracer.turns import BusyError, exchanging
from tracer.unboxing import Unboxing, state_of

if TYPE_CHECKING:
    from types import CodeType

    from tracer.errors import CutError, CutWarning
    from tracer.holders import Holder
    from tracer.tape import Tape

REFERENCES = 3  # that `Boxes` and the tape have to the array of an input
_MAY_HAVE_FLOATS = (np.ndarray, np.void, set, frozenset, deque, array, Number)
_NOT_LOOKED_INTO = (ModuleType, FunctionType, partial)


class Boxes(Unboxing):
    """The arguments of one call as stand-ins, and what it takes to undo that."""

    def __init__(self, tape: Tape) -> None:
        super().__init__(tape)
        # By identity: the arrays of one argument, and what they became
        self._met_arrays: dict[int, tuple[Any, int]] = {}
        # By identity: the structures of containers that were looked into, None while one is, as it may hold itself
        self._structures: dict[int, Structure] = {}
        self._has_places = False  # for itself, while it looks into a container
        self._passed: dict[str, Any] = {}  # by path: objects that the function gets as they are
        # By identity of an array that was written into: where functions were when it first was
        self.first_written: dict[int, dict[CodeType, tuple[int, float]]] = {}
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
            self.containers.append(value)
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
        if type(value) is not tuple:
            self._note_beside(value, path)
        for at, item in items_of(value) or ():
            items[at], structures[at] = self._box(item, path_of(path, value, at))
        structure = structure_of(value, structures)
        if all(map(is_, items.values(), tuple.__iter__(value))):
            return value, structure
        boxed = rebuilt(value, items)
        self._originals[id(boxed)] = value
        self._keep.append(boxed)
        return boxed, structure

    def _note_beside(self, value: Any, path: str) -> None:
        """Note the floats in attributes that a tuple of the user's class has beside its items: nothing is put there."""
        for name, item in (own_attributes(value) or {}).items():
            if is_number(item):
                self.untraced[f"{path}.{name}"] = f"an attribute of a {type(value).__name__}"
                self.lost[f"{path}.{name}"] = self.untraced[f"{path}.{name}"], "attribute"

    def _box_inside(self, value: Any, path: str) -> Structure:
        """Put stand-ins into a list, a dict or a dataclass itself; return its structure."""
        structures = {
            key: self._box_at(place_in(value, key), before, path_of(path, value, key))
            for key, before in items_of(value) or ()
        }
        attributes = {
            name: self._box_at(attribute_of(value, name), before, f"{path}.{name}")
            for name, before in beside(value)
        }
        return structure_of(value, structures, attributes)

    def _box_at(self, place: Holder, before: Any, path: str) -> Structure:
        if issubclass(type(before), Traced):
            self._refuse_busy(before, path)
        stand_in, structure = self._box(before, path)
        if stand_in is not before:
            self.tape.places.append((place, stand_in, before))  # first: an interrupt may come between
            place.write(stand_in)
        return structure

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
        if tape.is_open and is_met_elsewhere(tape, sys._getframe(1), value):  # noqa: SLF001
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
            self.containers.append(value)

    def _leave(self, value: Any, kind: type, path: str) -> None:
        """Note what is told of, or looked at after the call, of a value that the function gets as it is."""
        if kind is not bool and issubclass(kind, _MAY_HAVE_FLOATS):
            self.note_untraced(value, path)
        if issubclass(type(value), (set, deque)):
            self.containers.append(value)
        elif not issubclass(kind, _NOT_LOOKED_INTO) and (own := own_attributes(value)) is not None:
            from tracer.untraced import described_object  # noqa: PLC0415  (few calls are given any)

            self._passed[path] = value
            if described := described_object(value, own):
                self.untraced[path] = described
            self.objects.append((value, {name: state_of(item) for name, item in own.items()}))

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
        what is watched, and from the first write on.
        """
        known = self.tape.watched | self.tape.read_otherwise
        named = [(callers, self.name_of(first)) for _, callers, first in self.entries]
        watched = [callers for callers, name in named if name in self.tape.watched]
        arrays = [
            (callers, name)
            for callers, name in named
            if name not in known and not any(overlap(callers, each) for each in watched)
        ]
        if not arrays:
            return None
        from tracer import named_otherwise  # noqa: PLC0415  (programs of numbers have none)

        return named_otherwise.told(function, self._passed, arrays, self.first_written, self.tape)

    def entry_of(self, argument: Any) -> tuple[Any, Any, int] | None:
        """Return, of an array argument, its stand-in, the caller's array and its first record."""
        return next((each for each in self.entries if each[0] is argument), None)

    def name_of(self, record: int) -> str:
        """Return what the argument of a record is called."""
        return self.tape.input_names[self.numbers[record]]


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
