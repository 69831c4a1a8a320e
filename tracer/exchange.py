"""Exchanging an array for its stand-in wherever the program has it: what is watched, and arguments that are written.

Used by watching.py, which finds the places, and puts back what was there.
"""

from __future__ import annotations

import weakref
from collections import Counter
from math import inf
from operator import is_
from types import MethodType
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.boxing import REFERENCES
from tracer.leading import is_looked_into, leading_to
from tracer.memory import memory_of, owner_of
from tracer.own_references import held_alone, own_references
from tracer.reach import place_of
from tracer.references import references
from tracer.structures import items_of, rebuilt
from tracer.ways import Known, Ways

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tracer.holders import Holder

# What Python's own machinery keeps in the variables of a module: a loader may know the whole process.
_OF_MODULES = frozenset({"__spec__", "__loader__", "__builtins__"})


class Exchange:
    """The arrays of one call that have stand-ins, and the places where those are: also in `places`, of the tape."""

    def __init__(self, places: list[tuple[Holder, Any, Any]]) -> None:
        self._places = places
        self.known: dict[int, Known] = {}  # by identity of the array
        self.ways: dict[int, Ways] = {}  # to what is watched, by identity of what owns the memory
        # Makes the stand-in for an array that sees part of an argument. Of its own it would keep all of the trace.
        self.view_of: Callable[[np.ndarray[Any, Any]], Any] | None = None

    def put(self, place: Holder, stand_in: Any, value: Any) -> None:
        """Put a stand-in at a place where a value is."""
        self._places.append((place, stand_in, value))  # first, as an interrupt may come between the two
        place.write(stand_in)

    def at(
        self,
        found: list[tuple[Any, Any, Any]],
        keys: Iterable[int],
        variables: Mapping[int, Callable[[str], Holder]],
        warn: Callable[[str, str], None],
    ) -> None:
        """Put the stand-ins of some arrays at the places that lead to them; say so where that can't be.

        `variables` are, by identity of a copy of what a function that runs has in variables, what makes a name a place.
        """
        owners = {id(memory_of(self.known[key].array)): self.known[key] for key in keys}
        for key in keys:  # NumPy takes a proxy for what it stands for, and asks nobody
            known = self.known[key]
            if any(type(each) in weakref.ProxyTypes for each in weakref.getweakrefs(known.array)):
                warn("a weak proxy stands for", known.path)
        others: list[tuple[Any, Any]] = []
        for _ in range(2):  # again, as the first time may have shown that more than a part is seen
            rest = []
            for owner, key, value in found:
                other = self._exchanged(value)
                if other is value:
                    rest.append((owner, key, value))
                elif id(owner) in variables:  # which end with their function, and are not put back
                    variables[id(owner)](key).write(other)
                else:
                    self.put(place_of(owner, key), other, value)
            found = rest
        for _, key, value in found:
            if issubclass(type(value), np.ndarray) and not value.dtype.hasobject:
                seen = owners.get(id(memory_of(value)))
                if seen is not None and np.may_share_memory(value, seen.array):
                    warn(f"{_called(key)} shares its memory with", seen.path)
            elif not is_looked_into(type(value)) and key not in _OF_MODULES:
                others.append((key, value))
        # By now, nothing that has been exchanged leads there.
        for key, value in others:
            paths = [known.path for owner, known in owners.items() if leading_to({}, (owner,), [value])]
            if paths:
                warn(f"{_called(key)} ({type(value).__name__}) holds", paths[0])

    def missing(self, objects: list[tuple[Any, dict[str, tuple[Any, int]]]]) -> dict[int, float]:
        """Count the references to the watched arrays beyond our own, where there are any, by identity of the array.

        `inf` where another may see its memory. `objects` are what Boxes has noted of those, with their attributes.
        """
        noted = Counter(id(known.array.base) for known in self.known.values())
        noted.update(id(item) for _, own in objects for item, _ in own.values())
        noted.update([held for each in self._places for _, held in held_alone(each, 2, noted)])
        found = {key: self._missing(known, noted) for key, known in self.known.items()}
        return {key: count for key, count in found.items() if count > 0}

    def _missing(self, known: Known, noted: Counter[int]) -> float:
        count = references(known, 0) - REFERENCES - noted[id(known.array)]
        owner = [owner_of(known.array)]
        is_part = id(owner[0]) not in self.known and references(owner, 0) > noted[id(owner[0])]
        is_lent = owner[0].base is not None
        if is_part or is_lent or weakref.getweakrefcount(known.array):
            return inf
        del owner
        return count - own_references(known.array)[0] if count > 0 else count

    def _exchanged(self, value: Any) -> Any:
        """Return a value with the stand-ins of watched arrays in it, where that makes another value; else itself."""
        kind = type(value)
        if kind is np.ndarray:
            if id(value) not in self.known and (view := self._view(value)) is not None:
                self.known[id(value)] = Known(value, view, "")
            return self.known[id(value)].stand_in if id(value) in self.known else value
        if issubclass(kind, tuple):
            olds = dict(items_of(value) or ())
            items = {at: self._exchanged(each) for at, each in olds.items()}
            return value if all(map(is_, items.values(), olds.values())) else rebuilt(value, items)
        if kind in (weakref.ref, MethodType):
            held = value() if kind is weakref.ref else value.__self__
            other = self._exchanged(held) if type(held) is np.ndarray else held
            if other is not held:
                return weakref.ref(other) if kind is weakref.ref else MethodType(value.__func__, other)
        return value

    def _view(self, array: np.ndarray[Any, Any]) -> Any:
        """Return the stand-in for an array that sees part of one that has one; None where there is none."""
        if self.view_of is not None:
            return self.view_of(array)
        ways = self.ways.get(id(owner_of(array)))
        return None if ways is None else ways.stand_in_for(array)


def _called(key: Any) -> str:
    return "a variable" if key is None else f"an item [{key}]" if type(key) is int else f"{key}"
