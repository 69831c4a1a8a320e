"""Globals, closure variables and attributes as inputs for the time of one call: `@trace(watch=("W", "model.W"))`.

The stand-ins are put where the values are held, so that every way to them sees the same: an object stays the object
that it is. Afterwards each place has a plain value again, the one that the plain program would have left there.
"""

from __future__ import annotations

import warnings
from collections import deque
from contextlib import suppress
from functools import cached_property
from itertools import chain
from operator import is_
from threading import get_ident
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.cut_warnings import Warned
from tracer.errors import CutError, CutWarning
from tracer.exchange import Exchange
from tracer.holders import (
    CONTAINERS,
    MISSING,
    Holder,
    Item,
    inside,
    is_object,
    items_in,
)
from tracer.memory import memory_of, overlapping, owner_of
from tracer.reach import MODULES, place_of, places_leading_to, reachable
from tracer.standins import Traced, is_traced
from tracer.structures import items_of, path_of, rebuilt, structure_of
from tracer.turns import CHANGED, WATCHERS, BusyError, exchanging, refused
from tracer.untraced import holds_any, way_to_floats, without_floats
from tracer.watched_names import find, functions_of
from tracer.ways import Beginning, Known, Ways

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import FrameType

    from tracer.boxing import Boxes
    from tracer.structures import Structure

# What the function has left of its stand-ins is looked for in so many places, and in containers of so many items; of
# what is further away, a later trace says that it is a constant.
_MOST, _LARGEST = 20_000, 1000


class Watcher:
    """The watched values of one call."""

    def __init__(self, function: Any, boxes: Boxes) -> None:
        self._boxes = boxes
        self._function = function
        self._places: list[tuple[Holder, Any, Any]] = boxes.tape.places
        self._is_ending = False
        self._roots: list[Any] = []  # objects, lists and dicts that were looked into
        self._looked_into: dict[int, Structure] = {}
        self._exchange = Exchange(self._places)
        self._known = self._exchange.known  # by identity of the array
        self._names: tuple[str, ...] = ()
        self._has_begun = False  # with all of the names, so that the function runs

    @cached_property
    def _functions(self) -> list[Any]:
        return functions_of(self._function)

    def watch_names(
        self, names: tuple[str, ...], arguments: dict[str, Any], structures: dict[str, Structure]
    ) -> None:
        """Put stand-ins where the names are bound, and add what they are to the structures.

        Raises LookupNameError for a name that is not bound, UnsupportedError for one that a trace around this one
        watches, BusyError for one that a trace in another thread watches.
        """
        if names:
            with exchanging():
                self._watch_names(names, arguments, structures)

    def _watch_names(
        self, names: tuple[str, ...], arguments: dict[str, Any], structures: dict[str, Structure]
    ) -> None:
        self._names = names
        WATCHERS.append(self)
        self._enter_names(names, arguments, structures)
        beginning: Any = Beginning()
        self._boxes.tape.frame = beginning
        self._replace_second_references(beginning)
        self._has_begun = True

    def _enter_names(
        self, names: tuple[str, ...], arguments: dict[str, Any], structures: dict[str, Structure]
    ) -> None:
        # All are found first: a property on the way to one must not compute with stand-ins for another.
        found = [(name, *find(name, arguments, self._functions)) for name in names]
        for name, before, place in found:
            value = before if place is None else place.read()
            structure = self._enter(place, value, name, with_ints=True)
            if structures.get(name) is None:
                structures[name] = structure
                self._note_nothing(value, structure, name, is_argument=place is None)

    def watch_value(self, value: Any, name: str, frame: FrameType) -> tuple[Any, Structure]:
        """Make a value an input, and what an object holds; return what to go on with, and its structure."""
        if not is_object(value):
            first = len(self._boxes.tape.input_names)
            boxed, structure = self._boxes.box(value, name)
            for array, path in self._boxes.arrays_from(first):
                self._boxes.tape.note_watched(array, path)
            self._note_nothing(value, structure, name)
            return boxed, structure
        with CHANGED:
            while (busy := self._busy_in(value, name)) is not None:
                busy.wait()
            if self not in WATCHERS:
                WATCHERS.append(self)
            structure = self._enter(None, value, name, with_ints=False)
            self._replace_second_references(frame)
        self._note_nothing(value, structure, name)
        return value, structure

    def _note_nothing(
        self, value: Any, structure: Structure, name: str, *, is_argument: bool = False
    ) -> None:
        """Note what is watched and holds nothing that is traced; what is empty may be filled by the function."""
        lost = self._boxes.lost
        is_empty = value is None or (issubclass(type(value), (*CONTAINERS, tuple)) and not value)
        if structure is None and not is_empty and not holds_any(name, lost):
            is_static = is_argument and _is_number(value, with_ints=True)
            lost[name] = (
                ("watched, and static", "static") if is_static else (without_floats(value), "nothing")
            )

    def _busy_in(self, value: Any, name: str) -> BusyError | None:
        """Return what stands in the way of watching an object: the trace of another thread that watches part of it."""
        for _, _, held in reachable([value]):
            if issubclass(type(held), Traced) and held.tape_.places and held.tape_.thread != get_ident():
                return BusyError(name, held.tape_)
        return None

    def restore(self) -> None:
        """Put plain values back: what was there before, or what the function has put there.

        Until `end`, no other trace looks at the places.
        """
        if self not in WATCHERS:
            return
        if not self._is_ending:  # as after an interrupt in the midst of it
            CHANGED.acquire()
            self._is_ending = True
        unbox = self._boxes.unbox
        for place, stand_in, before in reversed(self._places):
            now = place.read()
            if now is stand_in:
                place.write(before)
            elif now is not MISSING:
                place.write(unbox(now))
        for owner, key, value in reachable(self._roots):
            self._clean(owner, key, value)
        # What is not watched may have been given traced values, too. Without a watch they stay: a later trace says so.
        program = self.program() if self._has_begun else ()
        for owner, key, value in chain.from_iterable(reachable(each, _MOST, _LARGEST) for each in program):
            if issubclass(type(value), Traced) or _holds_stand_ins(value):
                self._clean(owner, key, value)

    def end(self) -> None:
        """Let other traces look at the places, which the program has back with all that was written into them."""
        if self._is_ending:
            self._is_ending = False
            if self in WATCHERS:
                WATCHERS.remove(self)
            CHANGED.notify_all()
            CHANGED.release()

    def give_up(self) -> None:
        """Restore while the function is still running: in a forked child, where its trace gives up the rest."""
        self.restore()
        self._places.clear()
        self.end()

    def _clean(self, owner: Any, key: Any, value: Any) -> None:
        if issubclass(type(value), CONTAINERS):
            self._boxes.unbox(value)
        elif value is not MISSING:
            fresh = self._boxes.unbox(value)
            if fresh is not value:
                place_of(owner, key).write(fresh)

    def _enter(self, place: Holder | None, value: Any, path: str, *, with_ints: bool) -> Structure:
        """Put stand-ins for a value, or for what it holds; return the structure: input numbers and None."""
        if issubclass(type(value), Traced) and is_traced(value):
            if value.tape_ is self._boxes.tape:
                return self._boxes.numbers.get(value.id_)
            if value.tape_.places and value.tape_.thread != get_ident():
                raise BusyError(path, value.tape_)
            raise refused(path)
        if type(value) is np.ndarray and id(value) in self._known:
            return self._put(place, self._known[id(value)].stand_in, value)
        if _is_number(value, with_ints=with_ints):
            if place is None:  # an argument that is static
                return None
            stand_in, number = self._boxes.box(value, path)
            if type(value) is np.ndarray and number is not None:
                self._known[id(value)] = Known(value, stand_in, path)
                self._boxes.tape.note_watched(value, path)
            return self._put(place, stand_in, value)
        if issubclass(type(value), tuple):
            return self._enter_tuple(place, value, path, with_ints=with_ints)
        is_named = issubclass(type(value), (type, ModuleType)) and path in self._names
        if not issubclass(type(value), CONTAINERS) and not is_object(value) and not is_named:
            if issubclass(type(value), (np.ndarray, np.void)) and way_to_floats(value):
                self._boxes.note_untraced(value, path)
            return None
        if id(value) not in self._looked_into:
            self._roots.append(value)
            self._looked_into[id(value)] = None  # while it is looked into: it may hold itself
            is_container = issubclass(type(value), CONTAINERS)
            found = {
                suffix: self._enter(each, each.read(), path + suffix, with_ints=with_ints and is_container)
                for suffix, each in inside(value)
            }
            self._looked_into[id(value)] = _structure(value, found)
        return self._looked_into[id(value)]

    def _enter_tuple(
        self, place: Holder | None, value: tuple[Any, ...], path: str, *, with_ints: bool
    ) -> Structure:
        """Put another tuple where the stand-ins can't be put into the one that is there."""
        before = dict(items_of(value) or ())
        items = before.copy()
        structures = {
            at: self._enter(Item(items, at), each, path_of(path, value, at), with_ints=with_ints)
            for at, each in before.items()
        }
        if place is not None and not all(map(is_, items.values(), before.values())):
            self._put(place, rebuilt(value, items), value)
        return structure_of(value, structures)

    def _put(self, place: Holder | None, stand_in: Any, value: Any) -> Structure:
        if place is not None:
            self._exchange.put(place, stand_in, value)
        return self._boxes.numbers.get(stand_in.id_) if issubclass(type(stand_in), Traced) else None

    def _replace_second_references(self, frame: Any) -> None:
        """Have the program's other ways to a watched array lead to its stand-in; say so where that can't be."""
        self._tell_overlapping()
        missing = self._exchange.missing(self._boxes.objects)
        if missing:
            owners = {id(owner_of(self._known[key].array)) for key in missing}
            for owner in owners:
                inputs = [
                    each for each in self._known.values() if each.path and id(owner_of(each.array)) == owner
                ]
                self._exchange.ways[owner] = Ways(inputs, self._boxes, frame)
            memories = {id(memory_of(self._known[key].array)) for key in missing}
            found = list(places_leading_to(missing, memories, chain(self._roots, *self.program())))
            self._exchange.at(found, missing, {}, self._warn)

    def _tell_overlapping(self) -> None:
        """Say of which watched arrays the gradient is that of their own uses alone."""
        inputs = [known for known in self._known.values() if known.path]
        found = overlapping([known.array for known in inputs])
        apart = [known for known in inputs if id(known.array) in found or self._is_apart(known)]
        if apart:
            paths, largest = (
                ", ".join(each.path for each in apart),
                max(apart, key=lambda each: each.array.size),
            )
            what = f"{paths}: watched, each as an input of its own, in memory that another one sees, too"
            advice = f"the gradient of each is that of its own uses alone; watch {largest.path} alone"
            self._tell(what, advice)

    def _is_apart(self, known: Known) -> bool:
        """Tell of what is watched from here on that what it is a part of is followed already, without it."""
        whole = self._boxes.wholes.get(id(owner_of(known.array)))
        return whole is not None and owner_of(whole.value_) is not owner_of(known.stand_in.value_)

    def lead_to(
        self,
        argument: Known,
        find: Callable[[], list[tuple[Any, Any, Any]]],
        variables: Mapping[int, Callable[[str], Holder]],
        view_of: Callable[[np.ndarray[Any, Any]], Any],
        warn: Callable[[str, str], None],
    ) -> None:
        """Have the places that are found lead to the stand-in of an argument, before that is written into.

        For `variables` see Exchange.at.
        """
        if id(argument.array) in self._known:
            return
        with exchanging():
            if any(id(argument.array) in each._exchange.known for each in WATCHERS):  # noqa: SLF001  (of the same class)
                raise refused(argument.path)
            if self not in WATCHERS:
                WATCHERS.append(self)
            self._known[id(argument.array)] = argument
            self._exchange.view_of = view_of
            self._exchange.at(find(), [id(argument.array)], variables, warn)

    def _warn(self, how: str, path: str) -> None:
        advice = "what is read through it carries no gradient back; make it in the traced function"
        self._tell(f"{how} {path}, which is watched", advice)

    def _tell(self, what: str, advice: str) -> None:
        if self._boxes.tape.strict:
            raise CutError(what, advice=advice)
        self._boxes.tape.given.append(Warned(what, advice, "", 0))
        warnings.warn(CutWarning(f"{what}; {advice}"), stacklevel=2)

    def program(self) -> tuple[list[Any], list[Any]]:
        """Return what the program's places are in: the function with its variables; its modules, all but libraries."""
        packages = {
            function.__module__.partition(".")[0] for function in self._functions if function.__module__
        }
        modules = [
            names
            for package, is_installed, names in MODULES.listed()
            if package in packages or not is_installed
        ]
        return [*(function.__globals__ for function in self._functions), *self._functions], modules


def _structure(value: Any, found: dict[str, Structure]) -> Structure:
    if all(each is None for each in found.values()):
        return None
    if issubclass(type(value), (list, deque)):
        return list(found.values())
    if issubclass(type(value), dict):
        return dict(zip((key for key, _ in items_in(value)), found.values(), strict=True))
    return {name[1:]: each for name, each in found.items() if each is not None}


def _holds_stand_ins(value: Any) -> bool:
    with suppress(Exception):  # whatever a container of the user's may raise
        if issubclass(type(value), CONTAINERS) and len(value) <= _LARGEST:
            items = value.values() if issubclass(type(value), dict) else value
            return any(issubclass(kind, Traced) for kind in set(map(type, items)))
    return False


def _is_number(value: Any, *, with_ints: bool) -> bool:
    if type(value) is np.ndarray:
        return bool(value.dtype.kind in "fc")
    kind = type(value)
    return issubclass(kind, (float, complex, np.inexact)) or (
        with_ints and (kind is int or (kind is not np.timedelta64 and issubclass(kind, np.integer)))
    )
