"""What a program holds now under a name, an attribute or a key, without running any of it. Used by text_reads.py."""

from __future__ import annotations

from functools import cached_property, partial
from itertools import islice
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from tracer.caches import CACHED
from tracer.frames import is_library
from tracer.holders import (
    CONTAINERS,
    MISSING,
    Attribute,
    base_of,
    is_object,
    items_in,
    module_of,
    names_of,
    order_of,
    own_attributes,
    slots,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MOST = 2000  # items of a container
_NOWHERE = (0, None)


class Value(NamedTuple):
    """What an expression may stand for: how it is reached, itself, and the place of that: its owner, and the key."""

    path: str
    held: Any
    place: tuple[int, Any] = _NOWHERE
    is_chosen: bool = True  # else it is one item of several, of which the text does not say which

    def identity(self) -> Any:
        """Return what tells this from other things that are held."""
        held = self.held
        if type(held) in (Called, Computed):
            return id(held.function), held.own and held.own.identity()
        return (id(held.kind),) if type(held) in (New, Above) else id(held)


class New(NamedTuple):
    """An object that the function itself makes: of its attributes those of its class are known."""

    kind: type


class Above(NamedTuple):
    """An object as `super()` has it in a method of a class."""

    own: Value
    kind: type


class Called(NamedTuple):
    """A function that is called, the object that it is a method of, and what it is given before the arguments."""

    function: Any
    own: Value | None = None
    first: tuple[Value, ...] = ()

    def defaults(self) -> dict[str, Any]:
        """Return the defaults of parameters."""
        code, values = self.function.__code__, self.function.__defaults__ or ()
        names = code.co_varnames[: code.co_argcount]
        return dict(zip(names[len(names) - len(values) :], values, strict=True)) | (
            self.function.__kwdefaults__ or {}
        )


def attribute(of: Value, name: str) -> Iterator[Value]:
    """Yield what an attribute holds; a function of the class as a method, a property as the call that it is."""
    owner = of.held
    if type(owner) is ModuleType:
        own: Any = {} if is_library(owner.__name__) else vars(owner)
    else:
        own = own_attributes(owner) if is_object(owner) or type(owner) is FunctionType else None
    path = f"{of.path}.{name}"
    if own is not None and name in own:
        yield Value(path, own[name], (id(own), name))
        if type(found_in(order_of(type(owner)), name)) is cached_property:  # which has just computed it
            yield from _of_class(of, name, path)
    elif issubclass(type(owner), tuple) and name in getattr(type(owner), "_fields", ()):
        at = type(owner)._fields.index(name)
        yield Value(path, tuple.__getitem__(owner, at), (id(owner), at))
    elif is_object(owner) and name in slots(owner):
        yield Value(path, Attribute(owner, name).read(), (id(owner), name))
    else:
        yield from _of_class(of, name, path)


def _of_class(of: Value, name: str, path: str) -> Iterator[Value]:
    is_class = issubclass(type(of.held), type)
    kinds = order_of(of.held if is_class else _kind_of(of.held))
    if type(of.held) is Above:
        after = kinds.index(of.held.kind) + 1 if of.held.kind in kinds else 0
        kinds, of = kinds[after:], of.held.own
    held = found_in(kinds, name)
    if type(held) is classmethod and type(held.__func__) is FunctionType:
        yield Value(path, Called(held.__func__, Value(of.path, kinds[0])))
    elif type(held) is staticmethod:
        yield Value(path, held.__func__)
    elif type(held) is FunctionType and not is_class:
        yield Value(path, Called(held, of))
    elif held is not MISSING:
        computing = None if is_class else computed_by(held)
        is_computed = type(computing) is FunctionType
        yield Value(path, Computed(computing, of) if is_computed else held, (id(kinds[0]), name))


def _kind_of(held: Any) -> type:
    if type(held) is Above:
        return _kind_of(held.own.held)
    return held.kind if type(held) is New else type(held)


class Computed(NamedTuple):
    """What a function computes each time when an attribute is read."""

    function: Any
    own: Value


def computed_by(held: Any) -> Any:
    """Return the function of a property, of one that is kept, or of a method of the class; None for anything else."""
    if type(held) in (staticmethod, classmethod):
        return held.__func__
    return held.fget if type(held) is property else held.func if type(held) is cached_property else None


_ABSTRACT = (Above, New, Called, Computed)


def found_in(kinds: Iterable[type], name: str) -> Any:
    """Return what the first class of the user's has that has something under a name."""
    for each in kinds:
        if not is_library(str(module_of(each))) and name in names_of(each):
            return names_of(each)[name]
    return MISSING


def item(of: Value, key: Any) -> Iterator[Value]:
    """Yield the item of a container under a key that is written."""
    for each in _containers(of):
        kind, at, found = base_of(type(each)), key, MISSING
        if issubclass(kind, dict):
            found = dict.get(each, key, MISSING)
        elif type(key) is int and -kind.__len__(each) <= key < kind.__len__(each):
            at, found = key % kind.__len__(each), kind.__getitem__(each, key)
        if found is not MISSING:
            yield Value(f"{of.path}[{key!r}]", found, (id(each), at))


def items(of: Value) -> Iterator[Value]:
    """Yield the items of a container."""
    for each in _containers(of):
        for key, held in islice(items_in(each), _MOST):
            yield Value(f"{of.path}[{key!r}]", held, (id(each), key), is_chosen=False)


def _containers(of: Value) -> Iterator[Any]:
    """Yield the list, tuple or dict that a value is, or has in it as a `UserDict` has."""
    held = of.held
    if is_object(held):
        held = (own_attributes(held) or {}).get("data")
    if type(held) not in _ABSTRACT and issubclass(type(held), (tuple, *CONTAINERS)):
        yield held


def functions(of: Value) -> Iterator[Called]:
    """Yield the functions that run when a value is called."""
    held, path = of.held, of.path.rpartition(".")[0]
    if type(held) is Called:
        yield held
    elif type(held) is FunctionType:
        beneath = vars(held).get("__wrapped__")
        yield from functions(Value("", beneath)) if callable(beneath) else [Called(held)]
    elif type(held) is MethodType:
        for each in functions(Value("", held.__func__)):
            yield each._replace(own=Value(path or each.function.__code__.co_varnames[0], held.__self__))
    elif issubclass(type(held), partial):
        given = tuple(Value("an argument of a partial", each) for each in held.args)
        yield from (each._replace(first=given) for each in functions(Value("", held.func)))
    elif issubclass(type(held), type):
        maker = found_in(order_of(held), "__init__")
        if type(maker) is FunctionType:
            yield Called(maker, Value("", New(held)))
    elif type(held) is CACHED:
        yield from functions(Value("", held.__wrapped__))
    elif is_object(held) or type(held) is New:
        yield from methods(of, "__call__")


def methods(of: Value, *names: str) -> Iterator[Called]:
    """Yield the methods of some names that a value has of its class."""
    for name in names:
        held = found_in(order_of(_kind_of(of.held)), name)
        if type(held) is FunctionType:
            yield Called(held, of)


def package_of(function: Any) -> str:
    """Return the package of a function or a method."""
    return str(getattr(function, "__module__", "")).partition(".")[0]
