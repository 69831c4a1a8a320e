"""Python values -> columns: numbers, text, arrays, and containers of them, as one table of objects.

An object is a kind and a payload: the value itself, or its place in a pool of array
elements or in the list of strings. A container owns the next children in their column, each of which has a smaller
number than it and belongs to it alone (values without parts may be shared). So the table is read in order, without
recursion, and can't go round in circles.

Classes are not kept, because making one again would mean to import and run code: a namedtuple or dataclass gets a
class of the same name and fields, any other object becomes an `Unsaved` that prints as it did.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from enum import IntEnum
from types import EllipsisType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tracer.standins import plain
from tracer.trace_arrays import ArrayWriter, is_plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DEEPEST = 400  # levels of containers: deeper ones can't be boxed or unboxed either
MOST_CLASSES = _MOST_FIELDS = 1000
_LONGEST_TEXT = 4000  # characters that are kept of an object's repr
_INT64 = range(-(1 << 63), 1 << 63)
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class Kind(IntEnum):
    """What an object is. From SCALAR on: a NumPy scalar, SCALAR + the number of its pool; payload: place in it."""

    NONE = 0
    FALSE = 1
    TRUE = 2
    ELLIPSIS = 3
    INT = 4  # payload: the value
    LARGE_INT = 5  # payload: a string, in hexadecimal
    FLOAT = 6  # payload: the bits
    TEXT = 7  # payload: a string
    BYTES = 8  # payload: a string, one character for each byte
    DTYPE = 9  # payload: a string
    ARRAY = 10  # payload: number in the table of arrays
    COMPLEX = 16  # from here on containers; payload: how many children
    TUPLE = 17
    LIST = 18
    DICT = 19
    SLICE = 20
    RANGE = 21
    UNSAVED = 22
    NAMED_TUPLE = 23  # payload of these two: a class
    DATACLASS = 24
    SCALAR = 32


class Unsaved:
    """Stands for an object that a trace file can't hold; it has the name of its class, and prints as it did."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


class _Container(NamedTuple):
    kind: Kind
    items: Sequence[Any]
    number_of_class: int | None = None


@dataclass(slots=True)
class ValueWriter:
    """Collects values; each is known by its number."""

    arrays: ArrayWriter = field(default_factory=ArrayWriter)
    kinds: list[int] = field(default_factory=list)
    payloads: list[int] = field(default_factory=list)
    children: list[int] = field(default_factory=list)
    _leaves: dict[tuple[int, int], int] = field(default_factory=dict)
    _strings: dict[str, int] = field(default_factory=dict)
    _classes: dict[tuple[str, tuple[str, ...]], int] = field(default_factory=dict)

    @property
    def strings(self) -> list[str]:
        """The strings that payloads number."""
        return list(self._strings)

    @property
    def classes(self) -> list[list[Any]]:
        """Name and fields of the classes that payloads number."""
        return [[name, list(fields)] for name, fields in self._classes]

    def add(self, value: Any) -> int:
        """Add a value with everything in it and return its number."""
        pending: list[tuple[Any, _Container | None]] = [(plain(value), None)]
        open_containers: set[int] = set()
        done: list[int] = []
        while pending:
            item, container = pending.pop()
            if container is not None:
                open_containers.remove(id(item))
                first = len(done) - len(container.items)
                self.children += done[first:]
                size = len(container.items)
                payload = size if container.number_of_class is None else container.number_of_class
                done[first:] = [self._new(container.kind, payload)]
                continue
            leaf = self._leaf(item)
            if leaf is not None:
                done.append(self._leaf_number(leaf))
                continue
            is_endless = id(item) in open_containers or len(open_containers) >= DEEPEST
            container = _description(item) if is_endless else self._opened(item)
            if is_endless:
                item = container  # the same object may be open further out
            open_containers.add(id(item))
            pending.append((item, container))
            pending += [(plain(child), None) for child in reversed(container.items)]
        return done[0]

    def add_all(self, values: Sequence[Any]) -> list[int]:
        """Add many values, the numbers of one type in one step, and return their numbers."""
        by_type: dict[type, list[int]] = {}
        for place, value in enumerate(values):
            by_type.setdefault(type(value), []).append(place)
        numbers = [0] * len(values)
        for kind, places in by_type.items():
            items = [values[place] for place in places]
            added: Iterable[int]
            if kind is int and min(items) in _INT64 and max(items) in _INT64:
                added = self._new_range(Kind.INT, items)
            elif issubclass(kind, (np.number, np.bool_)) and is_plain(items[0].dtype):
                pool, first = self.arrays.add_scalars(items)
                added = self._new_range(Kind.SCALAR + pool, range(first, first + len(items)))
            elif kind is np.ndarray:
                added = [
                    self._leaf_number((Kind.ARRAY, self.arrays.add(item)))
                    if item.dtype.kind == "f"
                    else self.add(item)
                    for item in items
                ]
            else:
                added = map(self.add, items)
            for place, number in zip(places, added, strict=True):
                numbers[place] = number
        return numbers

    def _leaf_number(self, leaf: tuple[int, int]) -> int:
        number = self._leaves.get(leaf)
        if number is None:
            number = self._leaves[leaf] = self._new(*leaf)
        return number

    def _new(self, kind: int, payload: int) -> int:
        self.kinds.append(int(kind))
        self.payloads.append(payload)
        return len(self.kinds) - 1

    def _new_range(self, kind: int, payloads: Sequence[int]) -> range:
        first = len(self.kinds)
        self.kinds += [int(kind)] * len(payloads)
        self.payloads += payloads
        return range(first, len(self.kinds))

    def _string(self, text: str) -> int:
        return self._strings.setdefault(text, len(self._strings))

    def _leaf(self, value: Any) -> tuple[int, int] | None:  # noqa: PLR0911  (one case a type)
        """Return kind and payload of a value without parts; None for any other."""
        match value:
            case None:
                return Kind.NONE, 0
            case bool():
                return (Kind.TRUE if value else Kind.FALSE), 0
            case EllipsisType():
                return Kind.ELLIPSIS, 0
            case np.generic() if is_plain(value.dtype):
                pool, place = self.arrays.add_scalars([value])
                return Kind.SCALAR + pool, place
            case np.ndarray() if is_plain(value.dtype) and not isinstance(value, np.ma.MaskedArray):
                return Kind.ARRAY, self.arrays.add(
                    value if type(value) is np.ndarray else value.view(np.ndarray)
                )
            case float():
                return Kind.FLOAT, int(np.float64(value).view(np.int64))
            case int() if int(value) in _INT64:
                return Kind.INT, int(value)
            case int():
                return Kind.LARGE_INT, self._string(hex(value))
            case str():
                return Kind.TEXT, self._string(str(value))
            case bytes():
                return Kind.BYTES, self._string(value.decode("latin-1"))
            case np.dtype() if is_plain(value):
                return Kind.DTYPE, self._string(value.str)
        return None

    def _opened(self, value: Any) -> _Container:
        """Take a container apart; what is none is described."""
        match value:
            case np.ndarray() | np.generic():
                return _description(value)
            case complex():
                return _Container(Kind.COMPLEX, (value.real, value.imag))
            case slice() | range():
                kind = Kind.SLICE if isinstance(value, slice) else Kind.RANGE
                return _Container(kind, (value.start, value.stop, value.step))
            case tuple():
                number = self._class_of_tuple(value)
                return _Container(Kind.TUPLE if number is None else Kind.NAMED_TUPLE, value, number)
            case list():
                return _Container(Kind.LIST, value)
            case dict():
                return _Container(Kind.DICT, [part for pair in value.items() for part in pair])
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            names = tuple(each.name for each in dataclasses.fields(value) if hasattr(value, each.name))
            number = self._class(type(value).__qualname__, names)
            if number is not None:
                return _Container(Kind.DATACLASS, [getattr(value, name) for name in names], number)
        return _description(value)

    def _class_of_tuple(self, value: tuple[Any, ...]) -> int | None:
        """Return the class of a namedtuple; None for a plain tuple."""
        names = getattr(type(value), "_fields", None)
        if (
            type(names) is not tuple
            or len(names) != len(value)
            or not all(type(each) is str for each in names)
        ):
            return None
        return self._class(type(value).__name__, names)

    def _class(self, name: str, names: tuple[str, ...]) -> int | None:
        """Return the number of a class; None for one too many."""
        number = self._classes.get((name, names))
        if number is None and len(self._classes) < MOST_CLASSES and len(names) <= _MOST_FIELDS:
            number = self._classes[name, names] = len(self._classes)
        return number


def _description(value: Any) -> _Container:
    """Return what remains of an object that can't be kept, without addresses, which say nothing later."""
    try:
        text = value.text if isinstance(value, Unsaved) else repr(value)
    except Exception:  # noqa: BLE001  (a repr that fails must not cost the trace)
        text = f"<{type(value).__name__}>"
    return _Container(Kind.UNSAVED, (type(value).__name__, _ADDRESS.sub("", text)[:_LONGEST_TEXT]))
