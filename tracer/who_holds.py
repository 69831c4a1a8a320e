"""Who holds an array that plain code made: variables of running functions, and places in lists, tuples, dicts, objects.

A stand-in takes its place in all of them, so they must be all of them: as many as there are references to the array.
What is nearest is asked first: where it was found in an earlier call, then what loops hold, at last the whole program.
Used by adopted.py and adopted_calls.py.
"""

from __future__ import annotations

import sys
from functools import partial
from itertools import chain
from math import inf
from typing import TYPE_CHECKING, Any

from tracer.callee import IS_SNAPSHOT
from tracer.held_by_calls import held_by_calls
from tracer.holders import Attribute, Cell, Item
from tracer.in_passing import held_in_passing, objects_in_passing, places_in_passing
from tracer.instructions import operator_at
from tracer.known_places import places_known, remember
from tracer.leading import is_looked_into
from tracer.looked_up import variables_of
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


def is_held_elsewhere(places: list[Holder], fewest: int, tape: Tape, frame: FrameType) -> bool:
    """Tell whether anything but some places has an array, with so many references that the write has by itself.

    Other places are added to those given, as they are found.
    """
    if is_set_aside(places[0].read(), frame):
        return True
    tape.forget_snapshot(places[0].read())
    if surplus_of(places) <= fewest:
        return False
    own, ours = own_references(places[0].read())
    if surplus_of(places) <= fewest + own:
        return False
    tape.forget_views(places[0].read())
    return not _Holders(places, fewest + own, ours, tape, frame).are_found()


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


def places_in_variables(array: Any, frame: FrameType) -> list[Holder]:
    """Return the variables of functions that run which hold an array."""
    found: list[Holder] = []
    for each in frames_of(frame):
        own = variables_of(each)
        names = [name for name, held in each.f_locals.items() if held is array]
        if each is not frame or not operator_at(frame):  # of `a[i] += x` the target itself waits
            names = [name for name in names if not is_waiting(name, each)]
        found += [Variable(each, name) if name in own else Item(each.f_locals, name) for name in names]
    return found


class _Holders:
    """What holds an array: the places that are found, and where else to look. Has no reference to the array."""

    def __init__(
        self, places: list[Holder], fewest: int, ours: set[int], tape: Tape, frame: FrameType
    ) -> None:
        self._places = places
        self._fewest = fewest
        self._ours = ours  # by identity: what traces returned, and is no place of the program's
        self._tape = tape
        self._frame = frame

    def are_found(self) -> bool:
        """Look in one place after the other until there are as many as references; say whether there are."""
        young = [partial(self._in_passing, generation) for generation in _YOUNG]
        searches: list[Callable[[], list[Holder]]] = [
            self._in_variables,
            self._remembered,
            *young,
            self._near,
        ]
        for search in searches:
            self._add(search())
            if self._missing() <= 0:
                return True
        self._fewest += held_by_calls(id(self._places[0].read()), self._frame)
        # Who waits for the call finds in its variables the same array, with what was written.
        waiting = counted_in_callers(((), {}), self._tape.scopes.hook_frame)
        self._fewest += waiting[id(self._places[0].read())]
        if self._missing() > 0:
            objects = objects_in_passing(None)
            held = held_in_passing(objects)
            self._add(places_in_passing(self._places[0].read(), held, objects))
            del objects
            if self._missing() > 0:
                self._add(self._searched(held))
        return self._missing() <= 0

    def _missing(self) -> int:
        return surplus_of(self._places) - self._fewest

    def _add(self, found: Iterable[Holder]) -> None:
        """Add places that are not known yet. A cell is none: it is the variable of a function, and known as that."""
        known = set(map(_identity, self._places))
        for each in found:
            identity = _identity(each)
            if identity not in known and identity[0] not in self._ours and not isinstance(each, Cell):
                known.add(identity)
                self._places.append(each)

    def _in_variables(self) -> list[Holder]:
        return places_in_variables(self._places[0].read(), self._frame)

    def _remembered(self) -> list[Holder]:
        """Return the places that an earlier call found, if they still hold the array."""
        found = places_known(self._places[0].read(), {id(each): each for each in self._roots()})
        return [place_of(owner, key) for owner, key, _ in found]

    def _in_passing(self, generation: int) -> list[Holder]:
        """Return the places in what a loop has begun with not long ago."""
        objects = objects_in_passing(generation)
        return places_in_passing(self._places[0].read(), held_in_passing(objects), objects)

    def _near(self) -> list[Holder]:
        """Return the places that are not far from what running functions have."""
        missing, array, roots = self._to_be_found(), self._places[0].read(), self._roots()
        found = [each for root in roots for each in _inside(root, _LARGEST)]
        missing -= _count(found, array)
        for each in reachable(roots, _MOST, _LARGEST):
            some = [each, *_inside(each[2], _LARGEST)]
            found += some
            missing -= _count(some, array)
            if missing <= 0:
                break
        return _places(array, found, roots)

    def _searched(self, held: list[Any]) -> list[Holder]:
        """Return all places of the program, and of what iterators hold."""
        missing, array, begun = self._to_be_found(), self._places[0].read(), self._roots()
        if self._tape.running is not None:
            begun += chain.from_iterable(self._tape.running.watcher().program())
        roots = [*begun, *(each for each in held if is_looked_into(type(each)))]
        found = list(places_leading_to({id(array): missing}, (id(array),), roots))
        found += [inner for each in (*roots, *(value for *_, value in found)) for inner in _inside(each)]
        return _places(array, found, begun)

    def _to_be_found(self) -> int:
        """Return how many references a search comes by: to places that are known, too, and of variables to cells."""
        apart = (isinstance(each, Variable) and not each.is_shared() for each in self._places)
        return self._missing() + len(self._places) - sum(apart)

    def _roots(self) -> list[Any]:
        """Return what running functions and callers have: what is looked into of their variables, and globals."""
        frames = frames_of(self._frame)
        names = {id(each.f_globals): each.f_globals for each in frames}
        variables = chain.from_iterable(each.f_locals.values() for each in frames)
        held = [each for each in variables if is_looked_into(type(each))]
        return [*held, *names.values(), *held_by_callers(self._tape.scopes.hook_frame)]


def _identity(place: Holder) -> tuple[int, Any]:
    match place:
        case Item(owner, name) | Attribute(owner, name):
            return id(owner), name
        case Variable():
            return place.known_as()
    return id(place), None


def _count(found: list[Any], array: Any) -> int:
    return sum(value is array for *_, value in found)


def _places(array: Any, found: list[Any], begun: list[Any]) -> list[Holder]:
    """Return those of some places that hold an array, and remember them."""
    remember(begun, found, (id(array),))
    return [place_of(owner, key) for owner, key, value in found if value is array]


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
