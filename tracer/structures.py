"""What containers of numbers are made of: their items, the paths to them, and the same container with others.

Used where numbers go into the trace and come out of it, and by whoever asks for the gradients of an argument.
"""

from __future__ import annotations

import copy
import dataclasses
from collections import deque
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tracer.standins import Traced, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# The argument again, with input numbers in place of its numbers and None elsewhere.
Structure: TypeAlias = Any


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the (path, number or stand-in) of every number in a result, in order, without recursion."""
    pending: list[tuple[str, Any]] = [(path, value)]
    seen: set[int] = set()
    while pending:
        here, item = pending.pop()
        if issubclass(type(item), Traced) or is_number(item):
            yield here, item
            continue
        items = items_of(item)
        if items is None or id(item) in seen:
            continue
        seen.add(id(item))
        pending += [(path_of(here, item, key), child) for key, child in reversed(items)]


def fill(structure: Structure, numbers: Callable[[int], Any]) -> Any:
    """Return a structure with `numbers(i)` in place of input number i."""
    if type(structure) is int:
        return numbers(structure)
    items = items_of(structure)
    if items is None:
        return structure
    return rebuilt(structure, {key: fill(item, numbers) for key, item in items})


def names_in(structure: Structure, path: str, known: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Yield the name and the number of each input in a structure; of an object attributes, where `known` names do."""
    pending = [(path, structure)]
    while pending:
        path, structure = pending.pop()
        if type(structure) is int:
            yield path, structure
        items = items_of(structure) or ()
        is_object = isinstance(structure, dict) and any(name.startswith(f"{path}.") for name in known)
        pending += [
            (f"{path}.{key}" if is_object else path_of(path, structure, key), item) for key, item in items
        ]


def is_number(value: Any) -> bool:
    """Tell whether a value is a number or an array of numbers that may have a gradient."""
    return issubclass(type(value), (float, complex, np.inexact)) or (
        type(value) is np.ndarray and value.dtype.kind in "fc"
    )


def items_of(value: Any) -> list[tuple[Any, Any]] | None:
    """Return the (key, item) pairs of a container that is looked into; None for anything else."""
    if issubclass(type(value), (tuple, list)):
        return list(enumerate(value))
    if issubclass(type(value), dict):
        return list(value.items())
    if dataclasses.is_dataclass(type(value)):
        return [
            (field.name, getattr(value, field.name))
            for field in dataclasses.fields(value)
            if hasattr(value, field.name)
        ]
    return None


def path_of(path: str, container: Any, key: Any) -> str:
    """Write the place of an item the way Python writes it."""
    if issubclass(type(container), tuple) and hasattr(container, "_fields"):
        return f"{path}.{container._fields[key]}"
    if issubclass(type(container), (tuple, list, dict)):
        return f"{path}[{plain(key)!r}]"
    return f"{path}.{key}"


def refill(container: Any, members: list[Any]) -> Any:
    """Give a set or deque other members."""
    container.clear()
    (container.extend if issubclass(type(container), deque) else container.update)(members)
    return container


def put_into(container: Any, items: dict[Any, Any]) -> Any:
    """Put plain numbers into a list, a dict or an object itself: whoever else has it sees them, too."""
    if issubclass(type(container), list):
        list.__setitem__(container, slice(None), items.values())
    elif issubclass(type(container), dict):
        if not all(new is old for new, old in zip(items, container, strict=True)):
            container.clear()
        for key, item in items.items():
            dict.__setitem__(container, key, item) if key in container else container.__setitem__(key, item)
    else:
        for name, item in items.items():
            object.__setattr__(container, name, item)
    return container


def rebuilt(like: Any, items: dict[Any, Any], *, structure_only: bool = False) -> Any:
    """Return a container like `like` with other items."""
    if issubclass(type(like), tuple):
        if hasattr(like, "_make"):
            return like._make(items.values())
        return (
            tuple(items.values()) if type(like) is tuple or structure_only else type(like)(items.values())
        )
    if issubclass(type(like), list):
        fresh = copy.copy(like)
        fresh[:] = items.values()
        return fresh
    fresh = copy.copy(like)
    if issubclass(type(like), dict):
        fresh.clear()
        for key, item in items.items():
            fresh[key] = item
        return fresh
    for name, item in items.items():
        object.__setattr__(fresh, name, item)
    return fresh
