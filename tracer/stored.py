"""Functions that a program keeps elsewhere than in a name: `{"tanh": math.tanh}`, `def act(x, f=math.tanh)`.

And methods by which a class of the user's answers code in C, as `__float__` (`conversions.py`). `patches.py` replaces
names. What the traced function can reach besides, through the globals that it and its helpers use, their defaults and
closures, containers, classes and objects, is found here, and replaced where it stands. The nearest
come first, and no more than so many objects are looked at: a call is traced often, and what was not found is a cut,
which says so. Objects are looked at past what their classes say: nothing of the user's runs (a proxy may raise).
"""

from __future__ import annotations

import dis
import operator
import sys
from collections import OrderedDict, defaultdict
from functools import lru_cache, partial
from itertools import chain
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    FunctionType,
    MethodType,
    ModuleType,
    SimpleNamespace,
)
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from tracer import array_methods, ufunc_names
from tracer.conversions import converting, is_conversion
from tracer.exact import Exact, original_of
from tracer.frames import is_library
from tracer.holders import (
    MISSING,
    Attribute,
    Cell,
    Item,
    OfPartial,
    bases_of,
    module_of,
    names_of,
    own_attributes,
    slots,
)
from tracer.instructions import with_inner
from tracer.standins import Traced
from tracer.type_of import MOST_FUNCTIONS, TYPE_OF
from tracer.type_of import is_handed_on as hands_type_on
from tracer.type_of import only_asks as asks_type

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tracer.exact import Loose
    from tracer.holders import Holder

_MOST = 5_000  # things looked at, about a millisecond
_LONGEST = 200  # a container that is longer holds data
_DICTS = (dict, defaultdict, OrderedDict)
_WITH_KEYS = frozenset({*_DICTS, set})
# With a flag for what is called at once, the second from Python 3.12 on
_LOADS_TO_CALL = ("LOAD_GLOBAL", "LOAD_ATTR")[: 1 + (sys.version_info >= (3, 12))]
_READS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_ATTR", "LOAD_METHOD", "LOAD_FROM_DICT", "IMPORT_FROM")
# Instructions that read or write an attribute, and names by which a program has modules as objects
_OF_OBJECTS = ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR", "STORE_ATTR", "DELETE_ATTR")
_GIVING_MODULES = ("modules", "__name__", "__import__", "import_module")
# By name: what stands for a builtin in the user's modules, and whether a function needs the builtin itself
_OF_BUILTINS = {"type": (TYPE_OF, hands_type_on)}
_FUNCTIONS = (FunctionType, BuiltinFunctionType)
_Held: TypeAlias = tuple[Any, Any, Any]  # holder, key, item
_LEAVES = frozenset({float, int, bool, complex, str, bytes, type(None), np.ndarray, range})


class Slot(NamedTuple):
    """A place where a function is kept, or a tuple with functions."""

    place: Holder
    original: Any
    replaced: Any

    def exchange(self) -> None:
        """Keep the replacement there."""
        self.place.write(self.replaced)

    def restore(self) -> None:
        """Keep the original there again, unless the program has put something else there."""
        if self.place.read() is self.replaced:
            self.place.write(self.original)


class Found(NamedTuple):
    """What of a program is to be exchanged."""

    slots: list[Slot]
    # Those of the `loose` replacements that the program may do more with than call them: that are kept anywhere, or are
    # keys of a dict or members of a set, or that its code reads as values.
    loose: set[Any]
    methods: set[type]  # of plain arrays, of ufuncs: those are followed


def search(roots: tuple[Any, ...], replacement: Callable[[Any], Any], loose: Loose) -> Found:
    """Return what is to be exchanged of what is reachable from `roots`, nearest first."""
    found: list[Slot] = []
    methods: set[type] = set()
    functions: list[FunctionType] = []
    noted: set[Any] = set()

    def noting(value: Any) -> Any:
        other = replacement(value)
        if type(other) is FunctionType and other in loose.originals:
            noted.add(other)
        return other

    pending: list[Any] = list(roots)
    seen: set[int] = set()
    looked_at = 0
    for value in pending:  # which grows
        if type(value) in _LEAVES or id(value) in seen:
            continue
        if looked_at >= _MOST:
            break
        seen.add(id(value))
        for holder, key, item in _items_if_any(value):
            looked_at += 1
            if type(item) in _LEAVES:
                continue
            pending.append(item)
            if holder is not None:
                is_named = _is_own_name(value, holder, item)
                new = _with_type_of(value, item) if key == "__defaults__" else item
                other = _replaced(new, replacement if is_named else noting, key)
                if other is not item:
                    found.append(Slot(_place(holder, key), item, other))
        if type(value) in _WITH_KEYS and len(value) <= _LONGEST:
            for key in list(value):
                _replaced(key, noting)
        if type(value) is FunctionType and not is_library(str(value.__globals__.get("__name__"))):
            functions.append(value)
            methods.update(array_methods.called_by(value))
            for name in _read_by(value.__code__):
                noted.update(loose.by_name.get(name, ()))
                noting(value.__globals__.get(name))
    given = [each for positional, *named in roots[1:] for each in (*positional, *named)]
    found += (
        Slot(Item(names, name), *others) for names, name, *others in ufunc_names.names_in(functions, given)
    )
    return Found(_without_kept(found, pending), noted, methods)


def _is_own_name(function: Any, holder: Any, item: Any) -> bool:
    """Tell whether a global is one by which a function calls another: what else it does with that, its code says."""
    return type(function) is FunctionType and holder is function.__globals__ and type(item) in _FUNCTIONS


def _without_kept(found: list[Slot], reached: list[Any]) -> list[Slot]:
    """Leave `type` the builtin in modules with functions that hand it on, and then in all defaults."""
    for stand_in, hands_on in _OF_BUILTINS.values():
        if not any(_has(each.replaced, stand_in) for each in found):
            continue
        otherwise = [
            each.__globals__ for each in reached if type(each) is FunctionType and hands_on(each.__code__)
        ]
        found = [
            each
            for each in found
            if not _has(each.replaced, stand_in)
            or not any(getattr(each.place, "items", names) is names for names in otherwise)
        ]
    return found


def _has(replaced: Any, stand_in: Any) -> bool:
    return replaced is stand_in or (type(replaced) is tuple and any(each is stand_in for each in replaced))


def _with_type_of(function: Any, defaults: Any) -> Any:
    """Return the defaults of a function, with what stands for `type` where the function only asks that."""
    if type(function) is not FunctionType or not any(each is type for each in defaults):
        return defaults
    code = function.__code__
    names = code.co_varnames[: code.co_argcount][-len(defaults) :]
    return tuple(
        TYPE_OF if each is type and asks_type(code, name) else each
        for name, each in zip(names, defaults, strict=True)
    )


def _items_if_any(value: Any) -> Iterable[_Held]:
    """Return what `_items` yields; nothing of what can't be looked into: that must not end a trace."""
    try:
        found = _items(value)
        return found if type(found) is list else list(found)
    except Exception:  # noqa: BLE001  (whatever an object of the user's may raise)
        return []


def _place(holder: Any, key: Any) -> Holder:
    kind = type(holder)
    if issubclass(kind, (dict, list)):
        return Item(holder, key)
    if kind is partial:
        return OfPartial(holder, key)
    return Cell(holder) if kind is CellType else Attribute(holder, key)


def _replaced(item: Any, replacement: Callable[[Any], Any], key: Any = None) -> Any:
    """Return the replacement of a function, or of a method by its name, or a tuple with them; else what it is."""
    if item is MISSING:  # a module without a name of its own for a builtin
        return _OF_BUILTINS[key][0]
    if type(item) is staticmethod:
        beneath = replacement(item.__func__)
        return item if beneath is item.__func__ else staticmethod(beneath)
    if issubclass(type(item), tuple) and tuple.__len__(item) <= _LONGEST:
        olds = list(tuple.__iter__(item))
        items = [_replaced(each, replacement) for each in olds]
        return item if all(map(operator.is_, items, olds)) else tuple.__new__(type(item), items)
    if type(item) is FunctionType and is_conversion(key, item):
        return converting(key, item)
    return replacement(item)


def _items(value: Any) -> Iterable[_Held]:
    """Return (holder, key, item) for what an object holds, without a holder for what can't be exchanged there."""
    kind = type(value)
    if kind in _READERS:
        return _READERS[kind](value)
    if issubclass(kind, type):
        return _of_class(value)
    if issubclass(kind, tuple):
        return _of_members(tuple.__getitem__(value, slice(None)))
    return () if issubclass(kind, Traced) else _of_object(value)


def _of_class(value: Any) -> Iterator[_Held]:
    if not is_library(str(module_of(value))):
        yield from ((value, name, item) for name, item in list(names_of(value).items()))
        yield from ((None, None, base) for base in bases_of(value))


def _of_object(value: Any) -> list[_Held]:
    kind = type(value)
    attributes = own_attributes(value) or {}
    if is_library(str(module_of(kind))) and kind is not SimpleNamespace:
        # functools.lru_cache
        return [(None, None, attributes["__wrapped__"])] if "__wrapped__" in attributes else []
    found = [(None, None, kind), *_of_dict(attributes)]
    if issubclass(kind, dict):
        found += _of_dict(value)
    if issubclass(kind, list):
        found += _of_sequence(value)
    found += [(value, name, _attribute(value, name)) for name in slots(value)]
    return found


def _attribute(value: Any, name: str) -> Any:
    """Return an attribute without running code of the user's; None where there is none."""
    try:
        return object.__getattribute__(value, name)
    except AttributeError:
        return None


def _of_dict(value: dict[Any, Any]) -> list[_Held]:
    return (
        [(value, key, item) for key, item in list(dict.items(value))]
        if dict.__len__(value) <= _LONGEST
        else []
    )


def _of_sequence(value: Any) -> list[_Held]:
    return (
        [(value, place, item) for place, item in enumerate(list.copy(value))]
        if list.__len__(value) <= _LONGEST
        else []
    )


def _of_members(value: Any) -> list[_Held]:
    """Return the items of a set, or of a tuple, which is exchanged as a whole where it is kept."""
    return [(None, None, item) for item in list(value)] if len(value) <= _LONGEST else []


def _of_partial(value: Any) -> Iterator[_Held]:
    yield value, "func", value.func
    yield value, "args", value.args
    yield from _of_dict(value.keywords)


def _of_vectorize(value: Any) -> Iterator[_Held]:
    yield None, None, value.pyfunc  # which is itself replaced where it is called


def _of_method(value: Any) -> Iterator[_Held]:
    yield None, None, value.__self__
    yield None, None, value.__func__


def _of_wrapper(value: Any) -> Iterator[_Held]:
    yield None, None, value.__func__


def _of_exact(value: Any) -> Iterator[_Held]:
    yield None, None, original_of(value)


def _of_property(value: Any) -> Iterator[_Held]:
    yield from ((None, None, each) for each in (value.fget, value.fset, value.fdel))


def _of_function(function: Any) -> Iterator[_Held]:
    names = function.__globals__
    if is_library(str(names.get("__name__"))):
        yield None, None, function.__dict__.get("__wrapped__")
        return
    if function.__defaults__:
        yield function, "__defaults__", function.__defaults__
    yield from _of_dict(function.__kwdefaults__ or {})
    for cell in function.__closure__ or ():
        try:
            yield cell, "cell_contents", cell.cell_contents
        except ValueError:  # a cell that is still empty
            continue
    own, used = _names_of(function.__code__)
    for name in _OF_BUILTINS:
        if name in own and name not in names:
            yield names, name, MISSING
    spaces = [(names, own)]
    for space, wanted in spaces:  # which grows by the modules that are used
        for name in wanted & space.keys():
            item = space[name]
            yield space, name, item
            is_users = type(item) is ModuleType and not is_library(str(vars(item).get("__name__")))
            # Its own module, too: `import model` in model.py
            if is_users and all(vars(item) is not known for known, read in spaces if read == used):
                spaces.append((vars(item), used))
    if function.__dict__:
        yield from _of_dict(function.__dict__)


@lru_cache(maxsize=MOST_FUNCTIONS)
def _names_of(code: CodeType) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names that a function may read of its own module, and all that it reads.

    `np.linalg.cholesky(a)` is no call of a function of the module that is called cholesky, too.
    """
    codes = with_inner([code])
    used = frozenset(chain.from_iterable(each.co_names for each in codes))
    own: set[str] = set()
    for each in chain.from_iterable(map(dis.get_instructions, codes)):
        if each.opname == "IMPORT_NAME" or each.argval in _GIVING_MODULES:  # which may be its own
            return used, used
        if each.opcode in dis.hasname and not each.opname.startswith(_OF_OBJECTS):
            own.add(each.argval)
    return frozenset(own), used


@lru_cache(maxsize=MOST_FUNCTIONS)
def _read_by(code: CodeType) -> frozenset[str]:
    """Return the names that a function does more with than call what they stand for, by `getattr`, too."""
    names = {each for each in code.co_consts if type(each) is str and "getattr" in code.co_names}
    for each in dis.get_instructions(code):
        is_called = each.opname == "LOAD_METHOD" or (each.opname in _LOADS_TO_CALL and (each.arg or 0) & 1)
        if each.opname.startswith(_READS) and type(each.argval) is str and not is_called:
            names.add(each.argval)
    return frozenset(names).union(*(_read_by(each) for each in code.co_consts if type(each) is CodeType))


_READERS: dict[type, Callable[[Any], Iterable[_Held]]] = {
    FunctionType: _of_function,
    MethodType: _of_method,
    staticmethod: _of_wrapper,
    classmethod: _of_wrapper,
    property: _of_property,
    partial: _of_partial,
    np.vectorize: _of_vectorize,
    Exact: _of_exact,
    list: _of_sequence,
    set: _of_members,
    frozenset: _of_members,
    **dict.fromkeys(_DICTS, _of_dict),
    ModuleType: lambda _: (),  # only what a function uses of it
}
