"""Who holds an array that plain code made, and its views: variables of running functions, places in lists, objects, ….

A stand-in takes its place in all of them, so they must be all of them: as many as there are references to the array,
of which each of its views has one.
What is nearest is asked first: where it was found in an earlier call, then what loops hold, at last the whole program.
Used by adopted.py and adopted_calls.py.
"""

from __future__ import annotations

import sys
import weakref
from collections import Counter
from functools import partial
from itertools import chain
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.callee import IS_SNAPSHOT
from tracer.held_by_calls import held_by_calls
from tracer.holders import Attribute, Cell, Item, OfIterator
from tracer.in_passing import held_in_passing, objects_in_passing, places_in_passing
from tracer.instructions import operator_at
from tracer.known_places import places_known, remember
from tracer.leading import is_looked_into
from tracer.looked_up import variables_of
from tracer.memory import owner_of
from tracer.own_references import own_references
from tracer.reach import place_of, places_leading_to, reachable
from tracer.references import is_lent_by_caller, is_set_aside, is_waiting
from tracer.second_ways import counted_in_callers, held_by_callers
from tracer.variables import Variable, frames_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FrameType

    from tracer.holders import Holder
    from tracer.tape import Tape

_YOUNG = range(2)  # generations of the garbage collector
_MOST, _LARGEST = 2000, 1000  # places that are looked at near by, and items of a container there


def holders_of(
    places: list[Holder], by_itself: dict[int, int], tape: Tape, frame: FrameType
) -> list[list[Holder]] | None:
    """Return all places that have an array which is written, then those of each other array that sees its memory.

    None where anything else has one of them. Those places of it that are known are given, and, by identity of such an
    array, how many references to it the write has by itself.
    """
    if is_set_aside(places[0].read(), frame):
        return None
    tape.forget_snapshot(places[0].read())
    return _Holders(places, by_itself, tape, frame).found()


def surplus_of(places: list[Holder]) -> int:
    """Count the references to an array beyond those of some places."""
    variables = [place for place in places if isinstance(place, Variable)]
    items = {(id(place.items), place.key) for place in places if isinstance(place, Item)}
    if IS_SNAPSHOT:
        items |= {(id(place.frame.f_locals), place.name) for place in variables}
    others = len(places) - len(variables) - sum(isinstance(place, Item) for place in places)
    owning = (place for place in variables if not is_lent_by_caller(place.name, place.frame))
    held = len(items) + len({each.known_as() for each in owning}) + others
    return sys.getrefcount(places[0].read()) - held


def places_in_variables(is_wanted: Callable[[Any], bool], frame: FrameType) -> list[Holder]:
    """Return the variables of functions that run which hold what is wanted."""
    found: list[Holder] = []
    for each in frames_of(frame):
        own = variables_of(each)
        names = [name for name, held in each.f_locals.items() if is_wanted(held)]
        if each is not frame or not operator_at(frame):  # of `a[i] += x` the target itself waits
            names = [name for name in names if not is_waiting(name, each)]
        found += [Variable(each, name) if name in own else Item(each.f_locals, name) for name in names]
    return found


class _Holders:
    """What holds an array and its views: the places found, and where else to look. Has no reference to the arrays."""

    def __init__(
        self, written: list[Holder], by_itself: dict[int, int], tape: Tape, frame: FrameType
    ) -> None:
        self._written = written
        self._owner = id(self._owning())
        # By identity of an array that sees the memory: its places; of the one that owns it, there may be none
        self._places: dict[int, list[Holder]] = {id(written[0].read()): written}
        self._places.setdefault(self._owner, [])
        self._by_itself = Counter(by_itself)
        self._ours: set[int] = set()  # by identity: what traces returned, and is no place of the program's
        self._tape = tape
        self._frame = frame

    def found(self) -> list[list[Holder]] | None:
        """Look in one place after the other until there are as many as references; return None where there are not."""
        if self._missing() > 0 and not self._are_found():
            return None
        others = (places for places in self._places.values() if places is not self._written)
        return [self._written, *filter(None, others)] if self._may_be_exchanged() else None

    def _are_found(self) -> bool:
        self._allow(self._own)
        if self._missing() <= 0:
            return True
        self._tape.forget_snapshot(self._owning())
        self._tape.forget_views(self._owning())
        young = [partial(self._in_passing, generation) for generation in _YOUNG]
        searches: list[Callable[[], list[Holder]]] = [
            self._in_variables,
            self._remembered,
            *young,
            self._near,
        ]
        for search in searches:
            self._add(search(), self._own)
            if self._missing() <= 0:
                return True
        # Who waits for the call finds in its variables the same array, with what was written.
        waiting = counted_in_callers(((), {}), self._tape.scopes.hook_frame)

        def of_calls(key: int) -> int:
            return held_by_calls(key, self._frame) + waiting[key]

        self._allow(of_calls)
        if self._missing() > 0:
            objects = objects_in_passing(None)
            held = held_in_passing(objects)
            self._add(places_in_passing(self._sees, held, objects), self._own, of_calls)
            del objects
            if self._missing() > 0:
                self._add(self._searched(held), self._own, of_calls)
        return self._missing() <= 0

    def _owning(self) -> Any:
        return owner_of(self._written[0].read())

    def _sees(self, value: Any) -> bool:
        """Tell whether a value is the array that owns the memory, or a view of it."""
        return id(value) == self._owner or (type(value) is np.ndarray and id(value.base) == self._owner)

    def _own(self, key: int) -> int:
        """Count the references that are edgegrad's own, and note in what those are."""
        array = next(
            (places[0].read() for at, places in self._places.items() if at == key and places), None
        )
        count, ours = own_references(self._owning() if array is None else array)
        self._ours |= ours
        return count

    def _allow(self, *counts: Callable[[int], int]) -> None:
        """Count references to the arrays that are known, which no place has."""
        for key in self._places:
            self._by_itself[key] += sum(count(key) for count in counts)

    def _missing(self) -> int:
        """Count the references to known arrays for which nothing is found yet. A view has one to its base."""
        missing = 0
        for key, places in self._places.items():
            count = surplus_of(places) if places else sys.getrefcount(self._owning())
            views = len(self._places) - 1 if key == self._owner else 0
            missing += max(0, count - ALONE - views - self._by_itself[key])
        return missing

    def _may_be_exchanged(self) -> bool:
        """Tell whether there can be a stand-in for each view: it is an ordinary one of the same numbers."""
        kind = self._owning().dtype
        arrays = (places[0].read() for places in self._places.values() if places)
        return all(each.dtype == kind and not weakref.getweakrefcount(each) for each in arrays)

    def _add(self, found: Iterable[Holder], *counts: Callable[[int], int]) -> None:
        """Add places that are not known yet. A cell is none: it is the variable of a function, and known as that."""
        known = {_identity(each) for places in self._places.values() for each in places}
        for each in found:
            identity = _identity(each)
            if identity not in known and identity[0] not in self._ours and not isinstance(each, Cell):
                known.add(identity)
                key = id(each.read())
                is_new = key not in self._places
                self._places.setdefault(key, []).append(each)
                if is_new:
                    self._by_itself[key] += sum(count(key) for count in counts)

    def _in_variables(self) -> list[Holder]:
        return places_in_variables(self._sees, self._frame)

    def _remembered(self) -> list[Holder]:
        """Return the places that an earlier call found, if they still hold the array."""
        found = places_known(self._owner, self._sees, {id(each): each for each in self._roots()})
        return [place_of(owner, key) for owner, key, _ in found]

    def _in_passing(self, generation: int) -> list[Holder]:
        """Return the places in what a loop has begun with not long ago."""
        objects = objects_in_passing(generation)
        return places_in_passing(self._sees, held_in_passing(objects), objects)

    def _near(self) -> list[Holder]:
        """Return the places that are not far from what running functions have."""
        missing, roots = self._to_be_found(), self._roots()
        found = [each for root in roots for each in _inside(root, _LARGEST)]
        missing -= self._count(found)
        for each in reachable(roots, _MOST, _LARGEST):
            some = [each, *_inside(each[2], _LARGEST)]
            found += some
            missing -= self._count(some)
            if missing <= 0:
                break
        return self._remember(found, roots)

    def _searched(self, held: list[Any]) -> list[Holder]:
        """Return all places of the program, and of what iterators hold."""
        missing, begun = self._to_be_found(), self._roots()
        if self._tape.running is not None:
            begun += chain.from_iterable(self._tape.running.watcher().program())
        roots = [*begun, *(each for each in held if is_looked_into(type(each)))]
        found = list(places_leading_to({self._owner: missing}, (self._owner,), roots))
        found += [inner for each in (*roots, *(value for *_, value in found)) for inner in _inside(each)]
        return self._remember(found, begun)

    def _to_be_found(self) -> int:
        """Return how many references a search comes by: to places that are known, too, and of variables to cells."""
        known = [*chain.from_iterable(self._places.values())]
        apart = (isinstance(each, Variable) and not each.is_shared() for each in known)
        return self._missing() + len(known) - sum(apart)

    def _count(self, found: list[Any]) -> int:
        return sum(self._sees(value) for *_, value in found)

    def _remember(self, found: list[Any], begun: list[Any]) -> list[Holder]:
        """Return those of some places that hold an array which sees the memory, and remember them."""
        remember(begun, found, {id(value): self._owner for *_, value in found if self._sees(value)})
        return [place_of(owner, key) for owner, key, value in found if self._sees(value)]

    def _roots(self) -> list[Any]:
        """Return what running functions and callers have: what is looked into of their variables, and globals."""
        frames = frames_of(self._frame)
        names = {id(each.f_globals): each.f_globals for each in frames}
        variables = chain.from_iterable(each.f_locals.values() for each in frames)
        held = [each for each in variables if is_looked_into(type(each))]
        return [*held, *names.values(), *held_by_callers(self._tape.scopes.hook_frame)]


ALONE = surplus_of([Item([np.empty(1)], 0)])  # of an array that nothing has but its places


def _identity(place: Holder) -> tuple[int, Any]:
    match place:
        case Item(owner, name) | Attribute(owner, name):
            return id(owner), name
        case OfIterator(owner):
            return id(owner), None
        case Variable():
            return place.known_as()
    return id(place), None


def _inside(value: Any, largest: float = inf) -> list[tuple[Any, Any, Any]]:
    """Return the places in a tuple, and in tuples in it; none in anything else, or where there are too many."""
    found: list[tuple[Any, Any, Any]] = []
    pending = [value]
    while pending:
        some = pending.pop()
        if issubclass(type(some), tuple) and tuple.__len__(some) <= largest:
            items = list(tuple.__iter__(some))
            found += [(some, at, each) for at, each in enumerate(items)]
            pending += items
    return found
