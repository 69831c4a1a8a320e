"""Python values <-> columns: numbers, text, arrays, and containers of them, as one table of objects.

Used by trace_format.py alone. An object is a kind and a payload: the value itself, or its place in a pool of array
elements or in the list of strings. A container owns the next children in their column, each of which has a smaller
number than it and belongs to it alone (values without parts may be shared). So the table is read in order, without
recursion, and can't go round in circles.

Classes are not kept, because making one again would mean to import and run code: a namedtuple or dataclass gets a
class of the same name and fields, any other object becomes an `Unsaved` that prints as it did.
"""

from __future__ import annotations

import dataclasses
import keyword
import re
from collections import namedtuple
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from types import EllipsisType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tracer.standins import plain
from tracer.trace_arrays import AnyArray, ArrayWriter, is_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_DEEPEST = 400  # levels of containers: deeper ones can't be boxed or unboxed either
_MOST_CLASSES = _MOST_FIELDS = 1000
_LONGEST_TEXT = 4000  # characters that are kept of an object's repr
_INT64 = range(-(1 << 63), 1 << 63)
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class _Kind(IntEnum):
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
    kind: _Kind
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
            is_endless = id(item) in open_containers or len(open_containers) >= _DEEPEST
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
                added = self._new_range(_Kind.INT, items)
            elif issubclass(kind, (np.number, np.bool_)) and is_plain(items[0].dtype):
                pool, first = self.arrays.add_scalars(items)
                added = self._new_range(_Kind.SCALAR + pool, range(first, first + len(items)))
            elif kind is np.ndarray:
                added = [
                    self._leaf_number((_Kind.ARRAY, self.arrays.add(item)))
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
                return _Kind.NONE, 0
            case bool():
                return (_Kind.TRUE if value else _Kind.FALSE), 0
            case EllipsisType():
                return _Kind.ELLIPSIS, 0
            case np.generic() if is_plain(value.dtype):
                pool, place = self.arrays.add_scalars([value])
                return _Kind.SCALAR + pool, place
            case np.ndarray() if is_plain(value.dtype) and not isinstance(value, np.ma.MaskedArray):
                return _Kind.ARRAY, self.arrays.add(
                    value if type(value) is np.ndarray else value.view(np.ndarray)
                )
            case float():
                return _Kind.FLOAT, int(np.float64(value).view(np.int64))
            case int() if int(value) in _INT64:
                return _Kind.INT, int(value)
            case int():
                return _Kind.LARGE_INT, self._string(hex(value))
            case str():
                return _Kind.TEXT, self._string(str(value))
            case bytes():
                return _Kind.BYTES, self._string(value.decode("latin-1"))
            case np.dtype() if is_plain(value):
                return _Kind.DTYPE, self._string(value.str)
        return None

    def _opened(self, value: Any) -> _Container:
        """Take a container apart; what is none is described."""
        match value:
            case np.ndarray() | np.generic():
                return _description(value)
            case complex():
                return _Container(_Kind.COMPLEX, (value.real, value.imag))
            case slice() | range():
                kind = _Kind.SLICE if isinstance(value, slice) else _Kind.RANGE
                return _Container(kind, (value.start, value.stop, value.step))
            case tuple():
                number = self._class_of_tuple(value)
                return _Container(_Kind.TUPLE if number is None else _Kind.NAMED_TUPLE, value, number)
            case list():
                return _Container(_Kind.LIST, value)
            case dict():
                return _Container(_Kind.DICT, [part for pair in value.items() for part in pair])
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            names = tuple(each.name for each in dataclasses.fields(value) if hasattr(value, each.name))
            number = self._class(type(value).__qualname__, names)
            if number is not None:
                return _Container(_Kind.DATACLASS, [getattr(value, name) for name in names], number)
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
        if number is None and len(self._classes) < _MOST_CLASSES and len(names) <= _MOST_FIELDS:
            number = self._classes[name, names] = len(self._classes)
        return number


def _description(value: Any) -> _Container:
    """Return what remains of an object that can't be kept, without addresses, which say nothing later."""
    try:
        text = value.text if isinstance(value, Unsaved) else repr(value)
    except Exception:  # noqa: BLE001  (a repr that fails must not cost the trace)
        text = f"<{type(value).__name__}>"
    return _Container(_Kind.UNSAVED, (type(value).__name__, _ADDRESS.sub("", text)[:_LONGEST_TEXT]))


@dataclass(frozen=True, slots=True)
class ValueColumns:
    """What the table of objects consists of, as it is read from a file."""

    kinds: AnyArray
    payloads: AnyArray
    children: AnyArray
    strings: Sequence[str]
    classes: Sequence[tuple[str, tuple[str, ...]]]
    arrays: Sequence[AnyArray]
    pools: Sequence[AnyArray]


def read_values(columns: ValueColumns) -> list[Any]:
    """Return all values by number; raise ValueError or another builtin error for a table that is wrong."""
    kinds, payloads = columns.kinds, columns.payloads
    if len(kinds) != len(payloads):
        raise ValueError("the table of objects has columns of unequal length")
    if len(columns.classes) > _MOST_CLASSES:
        raise ValueError("there are too many classes")
    values: list[Any] = [None] * len(kinds)
    _read_numbers(columns, values)
    is_number = (kinds >= _Kind.SCALAR) | (kinds == _Kind.INT) | (kinds == _Kind.FLOAT)
    is_container = (kinds >= _Kind.COMPLEX) & (kinds < _Kind.SCALAR)
    forest = _Forest(values, is_container, columns.children.tolist())
    for number in np.flatnonzero(~is_number).tolist():
        kind, payload = _Kind(int(kinds[number])), int(payloads[number])
        if kind < _Kind.COMPLEX:
            values[number] = _LEAVES[kind](payload, columns)
        elif kind in (_Kind.NAMED_TUPLE, _Kind.DATACLASS):
            name, names = _at(columns.classes, payload)
            items = forest.take(number, len(names))
            make = _named_tuple_class if kind == _Kind.NAMED_TUPLE else _dataclass_class
            values[number] = _filled(make(name, names), names, items)
        else:
            values[number] = _BUILDERS[kind](*forest.take(number, payload))
    if forest.used != len(columns.children):
        raise ValueError("the table of objects has children without a parent")
    return values


@dataclass(slots=True)
class _Forest:
    """Hands each container its children, which no other container may have."""

    values: list[Any]
    is_container: AnyArray
    children: list[int]
    used: int = 0
    depths: dict[int, int] = field(default_factory=dict)  # of containers that have no parent yet

    def take(self, parent: int, count: int) -> list[Any]:
        """Return the next children."""
        numbers = self.children[self.used : self.used + count]
        if not 0 <= count == len(numbers) or not all(0 <= number < parent for number in numbers):
            raise ValueError("a container in the table of objects has children that are not there")
        self.used += count
        depth = 0
        for number in numbers:
            if self.is_container[number] and number in self.depths:
                depth = max(depth, self.depths.pop(number))
            elif self.is_container[number]:
                raise ValueError("a container in the table of objects has two parents")
        if depth > _DEEPEST:
            raise ValueError("containers in the table of objects are nested too deep")
        self.depths[parent] = depth + 1
        return [self.values[number] for number in numbers]


def _read_numbers(columns: ValueColumns, values: list[Any]) -> None:
    """Read what is there by the million, a kind at a time."""
    kinds, payloads = columns.kinds, columns.payloads
    for kind in np.unique(kinds).tolist():
        if kind not in (_Kind.INT, _Kind.FLOAT) and kind < _Kind.SCALAR:
            continue
        places = np.flatnonzero(kinds == kind)
        found: list[Any]
        if kind == _Kind.INT:
            found = payloads[places].tolist()
        elif kind == _Kind.FLOAT:
            found = payloads[places].astype(np.int64).view(np.float64).tolist()
        elif payloads[places].min() < 0:
            raise ValueError("a number in the table of objects is in no pool")
        else:
            found = list(columns.pools[kind - _Kind.SCALAR][payloads[places]])
        for place, value in zip(places.tolist(), found, strict=True):
            values[place] = value


def plain_dtype(text: str) -> np.dtype[Any]:
    """Return the type that a text names; raise ValueError unless its elements are plain bytes."""
    if not re.fullmatch(r"[<>|=]?[biufcSUmM]\d{1,9}(\[\d{0,9}[a-zA-Z]{1,2}\])?", text):
        raise ValueError(f"{text!r} is not the type of a number")
    dtype = np.dtype(text)
    if not is_plain(dtype):
        raise ValueError(f"{text!r} is not the type of a number")
    return dtype


def _at(items: Sequence[Any], number: int) -> Any:
    if not 0 <= number < len(items):
        raise ValueError("an object refers to one that is not there")
    return items[number]


def _unsaved(name: str, text: str) -> Unsaved:
    unsaved: Unsaved = _unsaved_class(name)(text)
    return unsaved


@lru_cache(maxsize=256)
def _unsaved_class(name: str) -> type[Any]:
    return type(name, (Unsaved,), {"__slots__": ()})


_LEAVES: dict[_Kind, Callable[[int, ValueColumns], Any]] = {
    _Kind.NONE: lambda _, __: None,
    _Kind.FALSE: lambda _, __: False,
    _Kind.TRUE: lambda _, __: True,
    _Kind.ELLIPSIS: lambda _, __: ...,
    _Kind.LARGE_INT: lambda payload, columns: int(_at(columns.strings, payload), 16),
    _Kind.TEXT: lambda payload, columns: _at(columns.strings, payload),
    _Kind.BYTES: lambda payload, columns: _at(columns.strings, payload).encode("latin-1"),
    _Kind.DTYPE: lambda payload, columns: plain_dtype(_at(columns.strings, payload)),
    _Kind.ARRAY: lambda payload, columns: _at(columns.arrays, payload),
}
_BUILDERS: dict[_Kind, Callable[..., Any]] = {
    _Kind.COMPLEX: complex,
    _Kind.TUPLE: lambda *items: items,
    _Kind.LIST: lambda *items: list(items),
    _Kind.DICT: lambda *parts: dict(zip(parts[::2], parts[1::2], strict=True)),
    _Kind.SLICE: slice,
    _Kind.RANGE: range,
    _Kind.UNSAVED: _unsaved,
}


# Cached, so that what two files hold compares equal.
@lru_cache(maxsize=256)
def _named_tuple_class(name: str, names: tuple[str, ...]) -> type[Any]:
    is_usable = name.isidentifier() and not keyword.iskeyword(name)
    # Renaming leaves good names alone, and makes a bad one (from a file that was tampered with) harmless.
    made: type[Any] = namedtuple(name if is_usable else "namedtuple", names, rename=True)  # type: ignore[misc]  # noqa: PYI024
    return made


@lru_cache(maxsize=256)
def _dataclass_class(name: str, names: tuple[str, ...]) -> type[Any]:
    """Return a frozen class, because a frozen instance can be the key of a dict."""
    made = dataclasses.make_dataclass(name.rpartition(".")[2], names, init=False, frozen=True)
    made.__qualname__ = name
    return made


def _filled(kind: type[Any], names: tuple[str, ...], items: list[Any]) -> Any:
    """Return an instance of a class made here."""
    if issubclass(kind, tuple):
        return kind(*items)
    made = object.__new__(kind)
    for name, item in zip(names, items, strict=True):
        object.__setattr__(made, name, item)
    return made
