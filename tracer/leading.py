"""What of a program leads to some arrays: what holds them, what holds that, and so on, back to where a search begins.

A program may hold millions of things, of which hardly any leads there. So they are not looked at one by one: the
garbage collector names at once what a thousand of them hold, at the speed of C, and only the few that lead to an array
are gone through by `reach.py`. It is all of them: a way that is not found carries no gradient, and nobody hears of it.
"""

from __future__ import annotations

import gc
import weakref
from collections import ChainMap, UserDict, UserList
from contextvars import ContextVar
from functools import cached_property, partial, partialmethod, singledispatchmethod
from math import inf
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.exact import Exact
from tracer.frames import is_library
from tracer.holders import CONTAINERS, are_objects, module_of
from tracer.memory import memory_of
from tracer.standins import Traced

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping

_MANY = 1000  # things that the collector is asked for at once
_PLAIN = (float, int, bool, complex, str, bytes, type(None), range, CodeType, ModuleType, np.dtype)
_WRAPPERS = (staticmethod, classmethod, MethodType)
# Of Python's library, and yet nothing but what the program puts into them
_KEEPERS = (UserDict, UserList, ChainMap, partialmethod, cached_property, singledispatchmethod)
_LOOKED_INTO = (*CONTAINERS, tuple, FunctionType, partial, type, property, *_WRAPPERS, *_KEEPERS)
_DEEP = 5  # steps into what is not looked into: an iterator, a cache, an object of a library's, which may know it all
# Whose traces hold what was watched, too; and what runs tests, whose objects know all tests and what they are given
APART = frozenset({"tracer", "viz", "pytest", "_pytest"})


def leading_to(arrays: Mapping[int, float], owners: Container[int], roots: Iterable[Any]) -> set[int]:
    """Return the identities of what leads from the roots to arrays, or to others that see the memory of the owners.

    `arrays` tells by identity how many references to them there are to find: once all are found in what can be written
    into, the search is at its end; without any, it goes everywhere. Modules, classes of libraries and the globals of
    functions are not looked into: where they are wanted, they are roots.
    """
    return _Search(dict(arrays), owners).back_from(list(roots))


def is_looked_into(kind: type) -> bool:
    """Tell whether what is of a class may hold something that can be written into."""
    return issubclass(kind, _LOOKED_INTO) or are_objects(kind)


def _is_written_into(kind: type) -> bool:
    """Tell whether what is of a class holds what it holds at places of its own."""
    return issubclass(kind, (*CONTAINERS, CellType)) or are_objects(kind)


class _Search:
    def __init__(self, missing: dict[int, float], owners: Container[int]) -> None:
        self._missing = missing
        self._owners = owners
        # By class: what its objects hold, where the collector can't be asked for many of them at once.
        self._special: dict[type, Callable[[Any], Iterable[Any]]] = {}
        self._known: set[type] = set(_PLAIN)
        self._passed: set[type] = set(_PLAIN)  # what is of these holds nothing
        self._inner: set[type] = set()  # what is of these is looked into

    def back_from(self, roots: list[Any]) -> set[int]:
        """Go from the roots to the arrays, and back."""
        found: set[int] = set()
        levels: list[list[Any]] = []
        seen = {id(each): each for each in roots}  # and kept, or an identity could be another's
        pending = list(seen.values())
        beyond: list[Any] = []
        while level := self._looked_into(pending, found, beyond):
            levels.append(level)
            pending = self._held_by_all(level, seen)
            if self._missing and max(self._missing.values()) <= 0:
                self._looked_into(pending, found, [])
                beyond.clear()
                break
        level = beyond
        for _ in range(_DEEP):
            levels.append(level)
            pending, level = self._held_by_all(level, seen), []
            level += self._looked_into(pending, found, level)
        count = 0
        while len(found) > count:  # again where a later one holds an earlier one
            count = len(found)
            for level in reversed(levels):
                for some in _lots(level):
                    if not found.isdisjoint(map(id, self._held_by(some))):
                        found.update(
                            id(each)
                            for each in some
                            if not found.isdisjoint(map(id, self._held_by([each])))
                        )
        return found

    def _held_by_all(self, level: list[Any], seen: dict[int, Any]) -> list[Any]:
        """Return what is held by some that has not been seen; count the references to what is missing."""
        fresh: dict[int, Any] = {}
        passed = self._passed
        for some in _lots(level):
            held = self._held_by(some)
            if not self._missing.keys().isdisjoint(map(id, held)):
                self._count(some)
            fresh.update({id(each): each for each in held if type(each) not in passed})
        new = [fresh[each] for each in fresh.keys() - seen.keys()]
        seen.update(fresh)
        return new

    def _count(self, holders: list[Any]) -> None:
        """Take the references of some holders from those that are missing: what holds a tuple may come later."""
        for holder in holders:
            for each in map(id, self._held_by([holder])):
                if each in self._missing:
                    self._missing[each] -= 1 if _is_written_into(type(holder)) else -inf

    def _looked_into(self, values: list[Any], found: set[int], beyond: list[Any]) -> list[Any]:
        """Return those of some values that are looked into; add others, and note the arrays that are sought."""
        kinds = set(map(type, values))
        for kind in kinds - self._known:
            self._learn(kind)
        passed, special, inner = self._passed, self._special, self._inner
        if any(special.get(kind) is _held_by_array for kind in kinds):
            arrays = [each for each in values if special.get(type(each)) is _held_by_array]
            found.update(id(each) for each in arrays if id(memory_of(each)) in self._owners)
        if kinds <= inner:
            return values
        beyond += [each for each in values if type(each) not in inner and type(each) not in passed]
        return [each for each in values if type(each) in inner]

    def _learn(self, kind: type) -> None:
        self._known.add(kind)
        is_apart = str(module_of(kind)).partition(".")[0] in APART and kind is not Exact
        if is_apart or issubclass(kind, (*_PLAIN, Traced)):
            self._passed.add(kind)
            return
        if is_looked_into(kind) or kind is CellType:
            self._inner.add(kind)
        for base, held_by in _SPECIAL.items():
            if issubclass(kind, base):
                self._special[kind] = held_by
                return

    def _held_by(self, values: list[Any]) -> list[Any]:
        special = self._special
        if special.keys().isdisjoint(map(type, values)):
            return gc.get_referents(*values)
        found = gc.get_referents(*(each for each in values if type(each) not in special))
        for each in values:
            if type(each) in special:
                found += special[type(each)](each)
        return found


def _lots(values: list[Any]) -> Iterator[list[Any]]:
    return (values[at : at + _MANY] for at in range(0, len(values), _MANY))


def _held_by_array(value: Any) -> list[Any]:
    items = np.ndarray.flatten(value).tolist() if value.dtype.hasobject and not value.dtype.names else []
    return [*items, *gc.get_referents(value)]


def _held_by_function(value: FunctionType) -> list[Any]:
    return [value.__closure__, value.__defaults__, value.__kwdefaults__, value.__dict__]


def _held_by_class(value: type) -> list[Any]:
    return [] if is_library(str(module_of(value))) else gc.get_referents(value)


def _held_by_reference(value: Any) -> list[Any]:
    return [*gc.get_referents(value), weakref.ref.__call__(value)]


_SPECIAL: dict[type, Callable[[Any], Iterable[Any]]] = {
    np.ndarray: _held_by_array,
    FunctionType: _held_by_function,
    type: _held_by_class,
    weakref.ref: _held_by_reference,
    np.flatiter: lambda value: [value.base],
    ContextVar: lambda value: [*gc.get_referents(value), value.get(None)],
}
