"""What containers of numbers are made of: their items, the paths to them, and the same container with others.

Used where numbers go into the trace and come out of it, and by whoever asks for the gradients of an argument.
"""

from __future__ import annotations

import dataclasses
from collections import ChainMap, UserDict, UserList, defaultdict, deque
from contextlib import suppress
from operator import is_
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tracer.frames import is_library
from tracer.holders import (
    MISSING,
    Attribute,
    Item,
    base_of,
    items_in,
    module_of,
    order_of,
    own_attributes,
    slots,
)
from tracer.standins import Traced, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tracer.holders import Holder

_CONTAINERS = (tuple, list, dict)
# Classes of Python's own for objects that are looked into, and the attribute that is: of None all.
_OBJECTS: dict[type, str | None] = {
    ChainMap: "maps",
    SimpleNamespace: None,
    UserDict: "data",
    UserList: "data",
}
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
        items = _fields_of(item) if dataclasses.is_dataclass(type(item)) else items_of(item)
        if items is None or id(item) in seen or _kind_of(type(item)) is not None:
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
    filled = rebuilt(structure, {key: fill(item, numbers) for key, item in items})
    for name, item in beside(structure):
        attribute_of(filled, name).write(fill(item, numbers))
    return filled


def names_in(structure: Structure, path: str, known: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Yield the name and the number of each input in a structure; of an object attributes, where `known` names do."""
    pending = [(path, structure)]
    while pending:
        path, structure = pending.pop()
        if type(structure) is int:
            yield path, structure
        items = items_of(structure) or ()
        is_object = type(structure) is dict and any(name.startswith(f"{path}.") for name in known)
        pending += [
            (f"{path}.{key}" if is_object else path_of(path, structure, key), item) for key, item in items
        ]
        pending += [(f"{path}.{name}", item) for name, item in beside(structure)]


def is_number(value: Any) -> bool:
    """Tell whether a value is a number or an array of numbers that may have a gradient."""
    return issubclass(type(value), (float, complex, np.inexact)) or (
        type(value) is np.ndarray and value.dtype.kind in "fc"
    )


def items_of(value: Any) -> list[tuple[Any, Any]] | None:
    """Return the (key, item) pairs of a container that is looked into; None for anything else.

    They are what it holds, past what its class makes of it: what a dataclass computes each time is none of them.
    """
    kind = type(value)
    if issubclass(kind, _CONTAINERS):
        return list(items_in(value))
    of = _kind_of(kind)
    if of is None and not dataclasses.is_dataclass(kind):
        return None
    own = own_attributes(value) or {}
    if of is None:
        in_slots = set(slots(value))
        fields = [field.name for field in dataclasses.fields(value)]
        names = [name for name in fields if name in own or name in in_slots]
    else:
        names = [name for name in own if _OBJECTS[of] in (name, None) or _is_of_user(kind)]
        names += slots(value)
    return _held(value, names)


def beside(value: Any) -> list[tuple[str, Any]]:
    """Return the (name, item) pairs of the attributes that an object of a class of lists or dicts has, too."""
    kind = type(value)
    if not issubclass(kind, (list, dict)) or not _is_of_user(kind):
        return []
    own = own_attributes(value)
    return [] if own is value else _held(value, [*(own or ()), *slots(value)])


def _held(value: Any, names: Iterable[str]) -> list[tuple[str, Any]]:
    held = [(name, attribute_of(value, name).read()) for name in names]
    return [(name, item) for name, item in held if item is not MISSING]


def _is_of_user(kind: type) -> bool:
    return not is_library(str(module_of(kind)))


def _kind_of(kind: type) -> type | None:
    """Return which of Python's own classes for objects that are looked into a class is; None for another one."""
    if dataclasses.is_dataclass(kind):
        return None
    return next((each for each in order_of(kind) if each in _OBJECTS), None)


def _fields_of(value: Any) -> list[tuple[Any, Any]]:
    """Return the fields of a dataclass, also those that it computes, but for those that it has no answer for."""
    found = []
    for each in dataclasses.fields(value):
        with suppress(Exception):
            found.append((each.name, getattr(value, each.name)))
    return found


def is_looked_into(kind: type) -> bool:
    """Tell whether a class is one of lists, dicts, dataclasses and the like, into which stand-ins can be put."""
    return issubclass(kind, (list, dict)) or dataclasses.is_dataclass(kind) or _kind_of(kind) is not None


def place_in(value: Any, key: Any) -> Holder:
    """Return the place of something that such a container holds."""
    return Item(value, key) if issubclass(type(value), (list, dict)) else attribute_of(value, key)


def attribute_of(value: Any, name: str) -> Holder:
    """Return the place of an attribute of an object, past what its class makes of it."""
    own = own_attributes(value)
    return Item(own, name) if own is not None and name in own else Attribute(value, name)


def own_places(value: Any) -> Iterator[Holder]:
    """Yield the places of an object's own attributes, also of one of a class of lists or dicts."""
    own = own_attributes(value)
    if own is not None and own is not value:
        yield from (Item(own, name) for name in list(own))
    yield from (Attribute(value, name) for name in slots(value))


def structure_of(
    value: Any, structures: dict[Any, Structure], attributes: dict[str, Structure] | None = None
) -> Structure:
    """Return the structure of a container from those of its items, and of what is beside them; None where all are None.

    Of an object of Python's own it is a dict of its attributes, or that of the container that it is around, if nothing
    else in it is a number.
    """
    if all(each is None for each in (*structures.values(), *(attributes or {}).values())):
        return None
    if _kind_of(type(value)) is not None:
        is_alone = all(each is None or name == "data" for name, each in structures.items())
        return structures["data"] if _is_around_data(value) and is_alone else structures
    if _is_plain_tuple(value):
        return tuple(structures.values())
    made = rebuilt(value, structures)
    for name, each in (attributes or {}).items():
        attribute_of(made, name).write(each)
    return made


def path_of(path: str, container: Any, key: Any) -> str:
    """Write the place of an item the way Python writes it."""
    if issubclass(type(container), tuple) and hasattr(container, "_fields"):
        return f"{path}.{container._fields[key]}"
    if issubclass(type(container), (tuple, list, dict)):
        return f"{path}[{plain(key)!r}]"
    return path if _is_around_data(container) and key == "data" else f"{path}.{key}"


def refill(container: Any, members: list[Any]) -> Any:
    """Give a set or deque other members."""
    container.clear()
    (container.extend if issubclass(type(container), deque) else container.update)(members)
    return container


def put_into(container: Any, items: dict[Any, Any]) -> Any:
    """Put other items into a list, a dict or a dataclass itself: whoever else has it sees them, too."""
    kind = type(container)
    if issubclass(kind, list):
        list.__setitem__(container, slice(None), items.values())
    elif issubclass(kind, dict):
        base = base_of(kind)
        known = list(base.keys(container))
        for key, item in items.items():
            base.__setitem__(container, key, item)
        # By other keys, or by other hashes
        if not all(map(is_, known, items)) or len(container) != len(items):
            base.clear(container)
            base.update(container, items)
    else:
        for name, item in items.items():
            place_in(container, name).write(item)
    return container


def rebuilt(like: Any, items: dict[Any, Any]) -> Any:
    """Return a container like `like` with other items; nothing of its class's is run to make it.

    For an object of a class that is derived from one in C, a dict.
    """
    kind = type(like)
    if issubclass(kind, tuple):
        made = _made_tuple(like, tuple(items.values()))
    elif issubclass(kind, list):
        made = list.__new__(kind)
        list.extend(made, items.values())
    elif issubclass(kind, dict):
        base = base_of(kind)
        made = base.__new__(kind)
        if isinstance(made, defaultdict):
            made.default_factory = like.default_factory
        base.update(made, items)
    else:
        try:
            made = object.__new__(kind)
        except TypeError:
            return dict(items)
    _copy_attributes(like, made)
    return made if issubclass(kind, _CONTAINERS) else put_into(made, items)


def _made_tuple(like: Any, items: tuple[Any, ...]) -> Any:
    try:
        return tuple.__new__(type(like), items)
    except TypeError:  # a struct sequence, as of time.gmtime(), which has more than its items
        return type(like)(items, like.__reduce__()[1][1])


def _copy_attributes(like: Any, made: Any) -> None:
    own = own_attributes(like)
    if own is like:  # a dict whose items are its attributes
        object.__setattr__(made, "__dict__", made)
    elif own:
        vars(made).update(own)
    for name in slots(like):
        value = Attribute(like, name).read()
        if value is not MISSING:
            Attribute(made, name).write(value)


def _is_around_data(value: Any) -> bool:
    return _OBJECTS.get(_kind_of(type(value)) or object) == "data"


def _is_plain_tuple(value: Any) -> bool:
    return issubclass(type(value), tuple) and not hasattr(type(value), "_fields")
