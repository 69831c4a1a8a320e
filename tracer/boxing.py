"""Into the trace and out of it: numbers in arguments become stand-ins, stand-ins in results become numbers.

Containers that hold numbers are copied, with the stand-ins in them, and what the function wrote into its copies is
written back when it ends, so that the caller sees the same change as without a trace.
"""

from __future__ import annotations

import sys
import warnings
from collections import deque
from functools import partial
from itertools import chain
from operator import is_
from threading import get_ident
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.holders import own_attributes
from tracer.memory import callers_own, is_lent, laid_out_copy, owner_of
from tracer.patches import original as original_function
from tracer.patches import replacement
from tracer.second_ways import refuse, told
from tracer.standins import Traced, is_traced, plain, wrap
from tracer.structures import (
    Structure,
    items_of,
    path_of,
    put_into,
    rebuilt,
    refill,
)
from tracer.turns import BusyError

if TYPE_CHECKING:
    from types import CodeType

    from tracer.errors import CutWarning, EdgegradError
    from tracer.tape import Tape

REFERENCES = 2  # that `Boxes` has to the array of an input
_MISSING = object()
_NOT_LOOKED_INTO = (ModuleType, FunctionType, partial)
_WRITEABLE = 0x0400  # NumPy's flag


class Boxes:
    """The arguments of one call as stand-ins, and what it takes to undo that."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.entries: list[tuple[Any, Any, int]] = []  # stand-in, the caller's array, its first record
        # The copy, the caller's, and the stand-ins put into the copy.
        self.containers: list[tuple[Any, Any, dict[Any, Any]]] = []
        self.before: list[tuple[Any, list[Any]]] = []  # the caller's, and what was in it
        self._missed: list[Any] = []  # those that were written into by another way
        self._changed: list[tuple[Any, Any, dict[Any, Any]]] = []  # those that the function wrote into
        # By memory, that is, its owner's identity: the inputs that are in it.
        self._families: dict[int, list[int]] = {}
        # By identity: a list that is there twice stays one list.
        self._boxed: dict[int, tuple[Any, Structure]] = {}
        self._untouched: list[Any] = []  # what holds no number yet, and may hold a stand-in at the end
        self._objects: list[tuple[Any, dict[str, tuple[Any, int]]]] = []  # and their attributes before
        self._originals: dict[int, Any] = {}  # copy or stand-in (by identity) -> the caller's object
        self._keep: list[Any] = []
        self.arrays: dict[int, np.ndarray[Any, Any]] = {}  # by stand-in: what the caller got for it
        self._shared: dict[int, int] = {}  # by its owner: stand-ins in the result that see some memory
        # By its owner: an array that sees it from its start, and the memory that the caller has for it, in a row
        self._memories: dict[int, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]] = {}
        self.numbers: dict[int, int] = {}  # by record: which input it is
        self.untraced: dict[str, str] = {}  # by path: what it is, an array that isn't traced
        self.lost: dict[str, tuple[str, str]] = {}  # those that hold floats, and what to do about it

    def box(self, value: Any, path: str, open_containers: tuple[int, ...] = ()) -> tuple[Any, Structure]:
        """Return `value` with stand-ins for its numbers, and its structure as input numbers.

        Inputs are numbered in the order in which they are met. What is no number and holds none comes back as it is.
        """
        if issubclass(type(value), Traced):
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
            if value.dtype.kind not in "fc":
                self.note_untraced(value, path)
                return value, None
            # The function works on a copy: the tape must not change when the caller's array does.
            boxed, number = self._input(laid_out_copy(value), value, path)
            boxed.value_.flags.writeable = value.flags.writeable
            self.entries.append((boxed, value, boxed.id_))
            family = self._families.setdefault(id(owner_of(value)), [])
            family.append(boxed.id_)
            if len(family) > 1:
                self.tape.shared_inputs.update(family)
            return boxed, number
        items = items_of(value)
        if items is None or id(value) in open_containers:
            self._leave(value, kind, path)
            return replacement(value), None
        if id(value) in self._boxed:
            return self._boxed[id(value)]
        boxes = {
            key: self.box(item, path_of(path, value, key), (*open_containers, id(value)))
            for key, item in items
        }
        if all(boxes[key][0] is item for key, item in items):
            self._boxed[id(value)] = value, None
            self._untouched.append(value)
            return value, None
        boxed = rebuilt(value, {key: boxed for key, (boxed, _) in boxes.items()})
        structure = rebuilt(
            value, {key: structure for key, (_, structure) in boxes.items()}, structure_only=True
        )
        self._originals[id(boxed)] = value
        self._keep.append(boxed)
        if not issubclass(type(value), tuple):
            self.containers.append((boxed, value, {key: item for key, (item, _) in boxes.items()}))
            self.before.append((value, [item for _, item in items]))
            self._boxed[id(value)] = boxed, structure
        return boxed, structure

    def _met(self, value: Any, path: str) -> Any:
        """Return what to go on with for a stand-in: of this trace, of one around it, or of another thread's."""
        tape, array = value.tape_, value.value_
        if not is_traced(value):
            return array  # an array that the function made itself, and watches
        is_lent_elsewhere = tape.thread != get_ident() and type(array) is np.ndarray and is_lent(array)
        if is_lent_elsewhere and not self.tape.calls:
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
        """Note an array, or a record, that the function gets as it is."""
        from tracer.untraced import described, way_to_floats  # noqa: PLC0415  (few calls are given any)

        self.untraced[path] = described(value)
        if way := way_to_floats(value):
            self.lost[path] = self.untraced[path], way

    def _leave(self, value: Any, kind: type, path: str) -> None:
        """Note what is told of, or looked at after the call, of a value that the function gets as it is."""
        if issubclass(kind, (np.ndarray, np.void)):
            self.note_untraced(value, path)
        if issubclass(type(value), (set, deque)):
            self._untouched.append(value)
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

    def told_second_ways(
        self, function: Any, code: CodeType, given: tuple[Any, Any]
    ) -> EdgegradError | CutWarning | None:
        """Return the error for what may have been read by a second way; warn where `is` tells one from itself."""
        if self._changed or self._missed:
            from tracer.second_containers import refused_container, refused_miss  # noqa: PLC0415  (few programs write into them)

            if self._missed:
                return refused_miss(self._missed[0], code)
            error = refused_container(self._changed, self._own(), given, sys._getframe(1), function, code)  # noqa: SLF001
            if error is not None:
                return error
        if len({id(callers) for _, callers, _ in self.entries}) == len(self.entries):
            return None
        return told(((callers, self.name_of(first)) for _, callers, first in self.entries), self.tape)

    def _own(self) -> tuple[Any, ...]:
        """Return what of ours holds the caller's containers."""
        return self.__dict__, self._originals, *self.containers, self._changed, *self._changed

    def entry_of(self, argument: Any) -> tuple[Any, Any, int] | None:
        """Return, of an array argument, its stand-in, the caller's array and its first record."""
        return next((each for each in self.entries if each[0] is argument), None)

    def note_stand_in(self, stand_in: Any, original: Any) -> None:
        """Note that a stand-in was put in place of an array of the program's."""
        self._originals[id(stand_in)] = self.arrays[id(stand_in)] = original
        self._keep.append(stand_in)

    def name_of(self, record: int) -> str:
        """Return what the argument of a record is called."""
        return self.tape.input_names[self.numbers[record]]

    def write_back(self) -> None:
        """Give the caller's arrays and containers what the function wrote into its copies."""
        for stand_in, original, first in self.entries:
            if stand_in.id_ != first:
                _give(original, stand_in.value_)
                self.arrays[id(stand_in)] = original
        self._missed += (container for container, before in self.before if not _holds(container, before))
        self.before.clear()  # or it would seem that something else holds them
        for entry in self.containers:
            boxed, original, before = entry
            now = dict(items_of(boxed) or ())
            if len(now) == len(before) and all(
                now.get(key, _MISSING) is item for key, item in before.items()
            ):
                continue
            self._changed.append(entry)
            if issubclass(type(original), list):
                original[:] = [self.unbox(item) for item in boxed]
            elif issubclass(type(original), dict):
                fresh = {self.unbox(key): self.unbox(item) for key, item in boxed.items()}
                original.clear()
                original.update(fresh)
            else:
                for name, item in now.items():
                    if item is not before.get(name, _MISSING):
                        object.__setattr__(original, name, self.unbox(item))

        for container in self._untouched:
            self.clean(container)
        for holder, attributes in self._objects:
            for name, item in list((own_attributes(holder) or {}).items()):
                kept, length = attributes.get(name, (_MISSING, -1))
                if kept is not item:
                    object.__setattr__(holder, name, self.unbox(item))
                elif length != _state(item)[1]:
                    self.clean(item)

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

    def unbox(self, value: Any, open_containers: tuple[int, ...] = ()) -> Any:
        """Return a result with plain numbers for stand-ins; what came in as an argument goes out as that object."""
        if id(value) in self._originals:
            return self._originals[id(value)]
        if issubclass(type(value), Traced):
            is_of_an_outer_trace = value.tape_ is not self.tape and value.tape_.is_open
            return value if is_of_an_outer_trace else self._unboxed(value)
        if original_function(value) is not value or id(value) in open_containers:
            return original_function(value)
        inside = (*open_containers, id(value))
        if issubclass(type(value), (set, frozenset, deque)):
            members = [self.unbox(item, inside) for item in value]
            if all(new is old for new, old in zip(members, value, strict=True)):
                return value
            is_fixed = issubclass(type(value), frozenset)
            return self._remember(value, type(value)(members)) if is_fixed else refill(value, members)
        items = items_of(value)
        if items is None:
            return value
        unboxed = {self.unbox(key): self.unbox(item, inside) for key, item in items}
        if all(new is old for new, old in zip(chain(*unboxed.items()), chain(*items), strict=True)):
            return value
        is_fixed = issubclass(type(value), tuple)
        return self._remember(value, rebuilt(value, unboxed)) if is_fixed else put_into(value, unboxed)

    def _remember(self, value: Any, unboxed: Any) -> Any:
        """Have what is there twice in a result be one object there, too."""
        self._originals[id(value)] = unboxed
        self._keep.append(value)
        return unboxed

    def note_outputs(self, outputs: list[tuple[str, Any]]) -> None:
        """Take in the stand-ins in a result, of which some may see the same memory."""
        arrays = {id(each): plain(each) for _, each in outputs if type(plain(each)) is np.ndarray}
        for each in arrays.values():
            owner = id(owner_of(each))
            self._shared[owner] = self._shared.get(owner, 0) + 1
        for stand_in, callers, _ in self.entries:
            memory = _in_a_row(callers)
            if memory is not None and callers.strides == stand_in.value_.strides:
                self._memories[id(owner_of(stand_in.value_))] = stand_in.value_, memory

    def _seen_in(self, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return the caller's own copy of an array, which sees the memory that the caller has of what it is part of."""
        owner = owner_of(array)
        if id(owner) not in self._memories:
            memory = _in_a_row(owner)
            if self._shared.get(id(owner), 0) < 2 or memory is None:
                return laid_out_copy(array)
            self._memories[id(owner)] = owner, memory.copy()
        source, memory = self._memories[id(owner)]
        offset = array.__array_interface__["data"][0] - source.__array_interface__["data"][0]
        seen = np.ndarray(array.shape, array.dtype, memory, offset, array.strides)
        # To ask `flags.writeable` of what np.broadcast_arrays has made is a warning.
        seen.flags.writeable = bool(array.flags.num & _WRITEABLE) and memory.flags.writeable
        return seen

    def _unboxed(self, stand_in: Any) -> Any:
        """Return the plain number; of an array what is the caller's own, the same each time."""
        number = stand_in.value_
        if type(number) is not np.ndarray:
            return number
        self.arrays[id(stand_in)] = self._seen_in(number)
        return self._remember(stand_in, self.arrays[id(stand_in)])


def _only_read(value: Any) -> Any:
    """Return a number as it is, and a copy of an array, into which a write would be lost."""
    if type(value) is np.ndarray:
        value = laid_out_copy(value)
        value.flags.writeable = False
    return value


def _holds(container: Any, before: list[Any]) -> bool:
    """Tell whether a container holds what it did."""
    now = container if type(container) is list else [item for _, item in items_of(container) or ()]
    return len(now) == len(before) and all(map(is_, now, before))


def _give(array: np.ndarray[Any, Any], value: np.ndarray[Any, Any]) -> None:
    if array.shape != value.shape:  # the function has set it, and was warned that NumPy will not have that
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            array.shape = value.shape
    if not is_lent(value):
        array[...] = value


def _state(item: Any) -> tuple[Any, int]:
    """Return what tells whether an attribute was bound anew, or a container in it has grown or shrunk."""
    return item, len(item) if issubclass(type(item), (list, dict, set, deque)) else 0


def _in_a_row(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | None:
    """Return an array without gaps as one axis, on the same memory; None for any other."""
    if not array.flags.forc:
        return None
    return array.ravel(order="K") if array.size else None
