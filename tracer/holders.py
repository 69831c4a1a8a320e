"""Where programs keep numbers and functions: variables of modules and closures, attributes, items.

`watching.py` puts stand-ins there, `stored.py` the functions that are followed.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections import OrderedDict, deque
from enum import Enum
from types import (
    CellType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
    SimpleNamespace,
)
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from tracer.errors import LookupNameError, UnsupportedError
from tracer.frames import is_library

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# What a place holds that is not there; written, it takes the place away from a dict
MISSING: Any = object()
CONTAINERS = (list, dict, deque)
# What `iter()` makes of what has nothing but items by number, as arrays
OVER_SEQUENCES: type = type(iter(type("_Sequence", (), {"__getitem__": None})()))
_BASES = (list, tuple, OrderedDict, dict, deque)
_POINTER = ctypes.sizeof(ctypes.c_void_p)
_NO_OBJECTS = (type, ModuleType, FunctionType, MethodType)
# What everything of ctypes is: it reads the memory of what it holds
_MEMORY: Any = ctypes.Structure.__mro__[-2]
_DESCRIPTORS = (GetSetDescriptorType, MemberDescriptorType)
# What a class is made of, past what its metaclass says of it: nothing of the user's runs where it is only looked at.
module_of: Any = vars(type)["__module__"].__get__
names_of: Any = vars(type)["__dict__"].__get__
bases_of: Any = vars(type)["__bases__"].__get__
order_of: Any = vars(type)["__mro__"].__get__


class Holder(Protocol):
    """A place that holds one value."""

    def read(self) -> Any:
        """Return the value; MISSING where there is none any more."""

    def write(self, value: Any) -> None:
        """Put another value there, past `__setattr__` and what forbids it."""


class Item(NamedTuple):
    """An item of a list, tuple or dict, which the variables of a module and the attributes of most objects are, too.

    A tuple is written into where it is: all who have it, and be it a loop alone, find another item there for a time.
    """

    items: Any
    key: Any

    def read(self) -> Any:
        """See Holder."""
        if issubclass(type(self.items), dict):
            return dict.get(self.items, self.key, MISSING)
        try:
            for kind in (list, tuple):
                if issubclass(type(self.items), kind):
                    return kind.__getitem__(self.items, self.key)
            return self.items[self.key]
        except LookupError:
            return MISSING

    def write(self, value: Any) -> None:
        """See Holder."""
        if value is MISSING:
            dict.pop(self.items, self.key, None)
        elif issubclass(type(self.items), dict):
            dict.__setitem__(self.items, self.key, value)
        elif issubclass(type(self.items), list):
            list.__setitem__(self.items, self.key, value)
        elif issubclass(type(self.items), tuple):
            address = id(self.items) + tuple.__basicsize__ + self.key * _POINTER
            _write_into(address, tuple.__getitem__(self.items, self.key), value)
        else:
            self.items[self.key] = value


def _write_into(address: int, before: Any, value: Any) -> None:
    """Put a value where a tuple or an iterator has another one, which nothing of Python's does."""
    slot = ctypes.c_void_p.from_address(address)
    if slot.value != id(before):
        raise UnsupportedError(
            "an array in a tuple or an iterator is written into, and this Python keeps those otherwise",
            got=f"got Python {sys.version}",
            advice="keep the array in a list",
        )
    # What it holds for a time is put back: the collector may not know of a tuple that held arrays and numbers alone.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(value))
    slot.value = id(value)
    ctypes.pythonapi.Py_DecRef(ctypes.py_object(before))


class Attribute(NamedTuple):
    """A slot of an object, or an attribute of a class itself."""

    owner: Any
    name: str

    def read(self) -> Any:
        """See Holder."""
        if issubclass(type(self.owner), type):
            return names_of(self.owner).get(self.name, MISSING)
        try:
            return object.__getattribute__(self.owner, self.name)
        except AttributeError:
            return MISSING

    def write(self, value: Any) -> None:
        """See Holder."""
        if issubclass(type(self.owner), type):
            type.__setattr__(self.owner, self.name, value)
        else:
            object.__setattr__(self.owner, self.name, value)


class Cell(NamedTuple):
    """A variable of a function around this one."""

    cell: CellType

    def read(self) -> Any:
        """See Holder."""
        try:
            return self.cell.cell_contents
        except ValueError:
            return MISSING

    def write(self, value: Any) -> None:
        """See Holder."""
        self.cell.cell_contents = value


class OfPartial(NamedTuple):
    """The function of a `functools.partial`, or its arguments."""

    owner: Any
    name: str

    def read(self) -> Any:
        """See Holder."""
        return getattr(self.owner, self.name)

    def write(self, value: Any) -> None:
        """See Holder."""
        owner = self.owner
        state = {"func": owner.func, "args": owner.args} | {self.name: value}
        owner.__setstate__((*state.values(), owner.keywords, owner.__dict__ or None))


class OfIterator(NamedTuple):
    """What Python's iterator over a sequence goes through, `for row in W`, until that is at its end."""

    owner: Any

    def read(self) -> Any:
        """See Holder."""
        return next(iter(gc.get_referents(self.owner)), MISSING)

    def write(self, value: Any) -> None:
        """See Holder."""
        _write_into(id(self.owner) + object.__basicsize__ + _POINTER, self.read(), value)


def is_object(value: Any) -> bool:
    """Tell whether a value is an object of the user's, whose attributes are looked into."""
    return are_objects(type(value)) and (own_attributes(value) is not None or any(slots(value)))


def are_objects(kind: type) -> bool:
    """Tell whether a class is one of the user's for objects whose attributes are looked into, if they have any."""
    if issubclass(kind, (*_NO_OBJECTS, *CONTAINERS, tuple, Enum, _MEMORY)):
        return False
    return kind is SimpleNamespace or not is_library(str(module_of(kind)))


def own_attributes(value: Any) -> dict[str, Any] | None:
    """Return the attributes of an object, past what its class makes of them; None where it keeps none so."""
    for kind in order_of(type(value)):
        descriptor = names_of(kind).get("__dict__")
        if type(descriptor) in _DESCRIPTORS:  # and not a property of the user's
            found = descriptor.__get__(value)
            return found if type(found) is dict else None
    return None


def items_in(container: Any) -> Iterable[tuple[Any, Any]]:
    """Return the (key, item) pairs of a tuple or of one of CONTAINERS, past what its class makes of them."""
    base = base_of(type(container))
    return base.items(container) if issubclass(base, dict) else enumerate(base.__iter__(container))


def base_of(kind: type) -> Any:
    """Return Python's own class of a container, whose methods read and write it past those that its class may have."""
    return kind if kind in _BASES else next(each for each in _BASES if issubclass(kind, each))


def inside(value: Any) -> Iterator[tuple[str, Holder]]:
    """Yield what a container, an object, a class or a module holds, each with what is written to reach it."""
    kind = type(value)
    if issubclass(kind, CONTAINERS):
        yield from ((f"[{key!r}]", Item(value, key)) for key, _ in list(items_in(value)))
    elif issubclass(kind, type):
        yield from _of_classes(value, set())
    elif issubclass(kind, ModuleType):
        names = own_attributes(value) or {}
        yield from ((f".{name}", Item(names, name)) for name in list(names))
    elif is_object(value):
        yield from attributes(value)


def attributes(value: Any) -> Iterator[tuple[str, Holder]]:
    """Yield the attributes of an object, then those of its classes that it does not hide."""
    own = own_attributes(value) or {}
    yield from ((f".{name}", Item(own, name)) for name in list(own))
    yield from ((f".{name}", Attribute(value, name)) for name in slots(value))
    yield from _of_classes(type(value), {*own, *slots(value)})


def _of_classes(inner: type, hidden: set[str]) -> Iterator[tuple[str, Holder]]:
    for kind in order_of(inner):
        yield from (
            (f".{name}", Attribute(kind, name)) for name, _ in members_of(kind) if name not in hidden
        )
        hidden.update(names_of(kind))


def members_of(kind: type) -> Iterator[tuple[str, Any]]:
    """Yield the name and the value of each attribute that a class of the user's has itself."""
    if not is_library(str(module_of(kind))):
        yield from (
            (name, each) for name, each in list(names_of(kind).items()) if not name.startswith("__")
        )


def slots(value: Any) -> Iterator[str]:
    """Yield the names of an object's slots."""
    return slots_of(type(value))


def slots_of(inner: type) -> Iterator[str]:
    """Yield the names of the slots of a class's objects."""
    for kind in order_of(inner):
        if not is_library(str(module_of(kind))):
            yield from (name for name, each in names_of(kind).items() if type(each) is MemberDescriptorType)


def attribute(owner: Any, name: str, path: str) -> Holder:
    """Find the place of an attribute; `path` is how the owner is reached, for messages.

    Raises LookupNameError where there is none, UnsupportedError for a property that computes its value.
    """
    if issubclass(type(owner), type):
        for kind in owner.__mro__:
            if name in vars(kind):
                return Attribute(kind, name)
    elif issubclass(type(owner), ModuleType):
        if name in vars(owner):
            return Item(vars(owner), name)
    elif is_object(owner) and name in (own := own_attributes(owner) or {}):  # of which there may be many
        return Item(own, name)
    else:
        found = dict(attributes(owner)) if is_object(owner) else {}
        holder = found.get(f".{name}")
        held = MISSING if holder is None else holder.read()
        if holder is not None and held is not MISSING and not issubclass(type(held), property):
            return holder
        if hasattr(owner, name):
            value = getattr(owner, name)
            for each in found.values():
                if each.read() is value:
                    return each
            raise UnsupportedError(
                f"{path}.{name} can't be watched",
                got="it is computed each time, not an attribute that holds a value",
                advice=f"watch the attribute that it is computed from, or all of them: {path}",
            )
    from tracer.lookup import nearest  # noqa: PLC0415  (for a name that is wrong)

    names = [each[1:] for each, _ in attributes(owner)] if is_object(owner) else []
    raise LookupNameError(
        f"a {_kind(owner)} that is watched has no attribute {name!r}",
        got=f"{path} is one",
        advice=nearest(name, names),
    )


def item(owner: Any, key: Any, path: str) -> Holder:
    """Find the place of an item of a container. Raises LookupNameError where there is none."""
    if issubclass(type(owner), (list, deque)) and isinstance(key, int) and -len(owner) <= key < len(owner):
        return Item(owner, key)
    if issubclass(type(owner), dict) and key in owner:
        return Item(owner, key)
    raise LookupNameError(
        f"{path}[{key!r}] can't be watched", got=f"{path} is a {_kind(owner)} without such an item"
    )


def _kind(owner: Any) -> str:
    return owner.__name__ if issubclass(type(owner), type) else type(owner).__name__
