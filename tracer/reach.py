"""What a program can reach: the places in its variables, those in what is held there, and so on, the nearest first.

`watching.py` looks there for other ways to what it watches, and for stand-ins that the function has left. A program
may hold much: plain numbers and texts are passed over, and a class is looked at once, not for each of its objects.
"""

from __future__ import annotations

import operator
import sys
from collections import deque
from contextlib import suppress
from functools import partial
from itertools import starmap
from math import inf
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from tracer.frames import is_installed, is_library
from tracer.holders import (
    CONTAINERS,
    MISSING,
    Attribute,
    Cell,
    Item,
    OfPartial,
    module_of,
    names_of,
    order_of,
    own_attributes,
    slots_of,
)
from tracer.leading import is_looked_into, leading_to

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    from tracer.holders import Holder

_PLAIN = frozenset({float, int, bool, complex, str, bytes, type(None)})
_WRAPPERS = (staticmethod, classmethod, MethodType)


class _All:
    def __contains__(self, _: object) -> bool:
        return True


_ALL = _All()


def reachable(
    roots: Iterable[Any], most: float = inf, largest: float = inf
) -> Iterator[tuple[Any, Any, Any]]:
    """Yield (owner, key, value) for the places in the roots, then for those in what is held there, and so on.

    Nothing is looked into once there were so many places, and no container that is larger.
    """
    return _reached(deque(roots), _Walk(largest), most)


def places_leading_to(
    arrays: Mapping[int, float], owners: Container[int], roots: Iterable[Any]
) -> Iterator[tuple[Any, Any, Any]]:
    """Yield what `reachable` does, all of it that leads to some arrays or to their memory, as `leading_to` tells."""
    roots = list(roots)
    found = leading_to(arrays, owners, map(_searched, roots))
    return _reached(deque(roots), _Walk(inf), inf, found) if found else iter(())


def _searched(root: Any) -> Any:
    if type(root) is Cell:
        return root.cell
    return own_attributes(root) if issubclass(type(root), ModuleType) else root


def _reached(
    pending: deque[Any], walk: _Walk, most: float, wanted: Container[int] = _ALL
) -> Iterator[tuple[Any, Any, Any]]:
    seen: set[int] = set()
    keep: list[Any] = []  # or an identity could be another's
    count = 0
    while pending and count < most:
        value = pending.popleft()
        if type(value) is Cell:
            cell, value = value.cell, value.read()
            if id(value) not in wanted:
                continue
            yield cell, None, value
            if not walk.is_looked_into(type(value)):
                continue
        if id(value) in seen:
            continue
        seen.add(id(value))
        keep.append(value)
        parts = _parts(value)
        if parts is not None:  # no places: what it holds stays there
            pending.extend(each for each in parts if id(each) in wanted and walk.is_looked_into(type(each)))
            continue
        for owner, items in walk.contents(value):
            count += len(items)
            for key, held in items:
                kind = type(held)
                if kind in _PLAIN or id(held) not in wanted:
                    continue
                yield owner, key, held
                if walk.is_looked_into(kind) and (kind is not FunctionType or _holds_anything(held)):
                    pending.append(held)


def place_of(owner: Any, key: Any) -> Holder:
    """Return the place of what was reached."""
    if issubclass(type(owner), (*CONTAINERS, tuple)):
        return Item(owner, key)
    if issubclass(type(owner), partial):
        return OfPartial(owner, key)
    return Cell(owner) if key is None else Attribute(owner, key)


def _parts(value: Any) -> list[Any] | None:
    """Return what a value holds that can't be written into; None where it can."""
    kind = type(value)
    if issubclass(kind, tuple):
        return list(tuple.__iter__(value))
    if kind in _WRAPPERS:
        return [value.__func__, *([value.__self__] if kind is MethodType else [])]
    return [value.fget, value.fset] if kind is property else None


def _holds_anything(function: FunctionType) -> bool:
    held = function.__closure__ or function.__defaults__ or function.__kwdefaults__ or function.__dict__
    return bool(held)


class _Walk:
    """Looks into one value after the other; what is not of its own is seen once in all."""

    def __init__(self, largest: float) -> None:
        self._largest = largest
        self._slots: dict[type, list[str]] = {}  # of the objects of a class
        self._classes: set[type] = set()  # that have been looked into
        self._kinds: dict[type, bool] = {}  # whether what is of a class is looked into

    def is_looked_into(self, kind: type) -> bool:
        """See is_looked_into: once for each class."""
        if kind not in self._kinds:
            self._kinds[kind] = is_looked_into(kind)
        return self._kinds[kind]

    def contents(self, value: Any) -> list[tuple[Any, list[tuple[Any, Any]]]]:
        """Return each owner in a value with its (key, value) pairs: what raises when it is looked into has none."""
        found: list[tuple[Any, list[tuple[Any, Any]]]] = []
        with suppress(Exception):  # whatever an object of the user's may raise
            found.extend(self._contents(value))
        return found

    def _contents(self, value: Any) -> Iterator[tuple[Any, list[tuple[Any, Any]]]]:
        kind = type(value)
        if issubclass(kind, CONTAINERS) and kind not in CONTAINERS:
            own = own_attributes(value) or {}
            if own is not value:
                yield own, list(own.items())
        if issubclass(kind, dict):
            # A module's variables are looked into however many they are
            if dict.__len__(value) <= self._largest or dict.__contains__(value, "__name__"):
                yield value, list(dict.items(value))
        elif issubclass(kind, (list, deque)):
            if len(value) <= self._largest:
                yield value, list(enumerate(value))
        elif issubclass(kind, FunctionType):
            yield from ((cell, [(None, Cell(cell).read())]) for cell in value.__closure__ or ())
            yield value, [("__defaults__", value.__defaults__)]
            yield from (
                (names, list(names.items())) for names in (value.__kwdefaults__, value.__dict__) if names
            )
        elif issubclass(kind, partial):
            yield value, [("func", value.func), ("args", value.args)]
            yield value.keywords, list(value.keywords.items())
        elif issubclass(kind, type):
            yield from self._of_classes(value)
        elif issubclass(kind, ModuleType):
            names = own_attributes(value) or {}
            yield names, list(names.items())
        else:
            yield from self._of_object(value, kind)

    def _of_object(self, value: Any, kind: type) -> Iterator[tuple[Any, list[tuple[Any, Any]]]]:
        own = own_attributes(value) or {}
        yield own, list(own.items())
        if kind not in self._slots:
            self._slots[kind] = list(slots_of(kind))
        held = [(name, Attribute(value, name).read()) for name in self._slots[kind]]
        yield value, [(name, each) for name, each in held if each is not MISSING]
        yield from self._of_classes(kind)

    def _of_classes(self, inner: type) -> Iterator[tuple[Any, list[tuple[Any, Any]]]]:
        for kind in order_of(inner):
            if kind not in self._classes:
                self._classes.add(kind)
                own = [] if is_library(str(module_of(kind))) else list(names_of(kind).items())
                looked_at = (
                    (name, each) for name, each in own if name[:2] != "__" or type(each) is FunctionType
                )
                yield kind, list(looked_at)


class _Modules:
    """The modules of the process, looked at anew where they are others: most are of libraries."""

    def __init__(self) -> None:
        self._modules: list[Any] = []
        self._listed: list[tuple[str, bool, dict[str, Any]]] = []

    def listed(self) -> list[tuple[str, bool, dict[str, Any]]]:
        """Return the package of each module, whether that is installed and no program, and its variables."""
        modules = sys.modules.copy()
        now = list(modules.values())
        if len(now) != len(self._modules) or not all(map(operator.is_, now, self._modules)):
            self._modules, self._listed = now, list(starmap(_described, modules.items()))
        return self._listed


MODULES = _Modules()


def _described(name: str, module: Any) -> tuple[str, bool, dict[str, Any]]:
    package, names = name.partition(".")[0], own_attributes(module) or {}
    return package, is_installed(package, str(names.get("__file__", ""))), names
