"""Columns -> Python values: the table of objects that `trace_values.py` writes, read with suspicion."""

from __future__ import annotations

import dataclasses
import keyword
import re
from collections import namedtuple
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.trace_arrays import AnyArray, is_plain
from tracer.trace_values import DEEPEST, MOST_CLASSES, Kind, Unsaved

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


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
    if len(columns.classes) > MOST_CLASSES:
        raise ValueError("there are too many classes")
    values: list[Any] = [None] * len(kinds)
    _read_numbers(columns, values)
    is_number = (kinds >= Kind.SCALAR) | (kinds == Kind.INT) | (kinds == Kind.FLOAT)
    is_container = (kinds >= Kind.COMPLEX) & (kinds < Kind.SCALAR)
    forest = _Forest(values, is_container, columns.children.tolist())
    for number in np.flatnonzero(~is_number).tolist():
        kind, payload = Kind(int(kinds[number])), int(payloads[number])
        if kind < Kind.COMPLEX:
            values[number] = _LEAVES[kind](payload, columns)
        elif kind in (Kind.NAMED_TUPLE, Kind.DATACLASS):
            name, names = _at(columns.classes, payload)
            items = forest.take(number, len(names))
            make = _named_tuple_class if kind == Kind.NAMED_TUPLE else _dataclass_class
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
        if depth > DEEPEST:
            raise ValueError("containers in the table of objects are nested too deep")
        self.depths[parent] = depth + 1
        return [self.values[number] for number in numbers]


def _read_numbers(columns: ValueColumns, values: list[Any]) -> None:
    """Read what is there by the million, a kind at a time."""
    kinds, payloads = columns.kinds, columns.payloads
    for kind in np.unique(kinds).tolist():
        if kind not in (Kind.INT, Kind.FLOAT) and kind < Kind.SCALAR:
            continue
        places = np.flatnonzero(kinds == kind)
        found: list[Any]
        if kind == Kind.INT:
            found = payloads[places].tolist()
        elif kind == Kind.FLOAT:
            found = payloads[places].astype(np.int64).view(np.float64).tolist()
        elif payloads[places].min() < 0:
            raise ValueError("a number in the table of objects is in no pool")
        else:
            found = list(columns.pools[kind - Kind.SCALAR][payloads[places]])
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


_LEAVES: dict[Kind, Callable[[int, ValueColumns], Any]] = {
    Kind.NONE: lambda _, __: None,
    Kind.FALSE: lambda _, __: False,
    Kind.TRUE: lambda _, __: True,
    Kind.ELLIPSIS: lambda _, __: ...,
    Kind.LARGE_INT: lambda payload, columns: int(_at(columns.strings, payload), 16),
    Kind.TEXT: lambda payload, columns: _at(columns.strings, payload),
    Kind.BYTES: lambda payload, columns: _at(columns.strings, payload).encode("latin-1"),
    Kind.DTYPE: lambda payload, columns: plain_dtype(_at(columns.strings, payload)),
    Kind.ARRAY: lambda payload, columns: _at(columns.arrays, payload),
}
_BUILDERS: dict[Kind, Callable[..., Any]] = {
    Kind.COMPLEX: complex,
    Kind.TUPLE: lambda *items: items,
    Kind.LIST: lambda *items: list(items),
    Kind.DICT: lambda *parts: dict(zip(parts[::2], parts[1::2], strict=True)),
    Kind.SLICE: slice,
    Kind.RANGE: range,
    Kind.UNSAVED: _unsaved,
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
