"""Methods that read what they are given in C and ask nobody: `X.dot(w)` of a global X, `np.add.reduce([x, y])`.

NumPy's functions and operators ask their arguments, and most methods come down to those. The ones here do not, and
those of ufuncs do not look into lists, so while a trace runs whose program calls one by its name, its class has a
function in its place that follows it. A program that has none, or only `np.dot(X, w)`, which is known from its code,
leaves the class as it is.
"""

from __future__ import annotations

import ctypes
import dis
import functools
import gc
import sys
from itertools import pairwise
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.array_likes import arrays_in
from tracer.instructions import with_inner
from tracer.leftovers import put_in_place
from tracer.references import references
from tracer.standins import holds_traced, is_traced
from tracer.tape import innermost
from tracer.type_of import MOST_FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType

_frame = sys._getframe  # noqa: SLF001  (the user's)
_OF_ARRAYS = {"dot": np.dot, "choose": np.choose}
OF_UFUNCS = ("accumulate", "outer", "reduce", "reduceat")
_KINDS: dict[str, type] = {**dict.fromkeys(_OF_ARRAYS, np.ndarray), **dict.fromkeys(OF_UFUNCS, np.ufunc)}
_PLAIN = {name: vars(kind)[name] for name, kind in _KINDS.items()}
# What NumPy names of a method's arguments to those that it asks, and in which order they are: inputs, and others
_PARAMETERS = {
    "accumulate": (("array",), ("axis", "dtype", "out")),
    "outer": ((), ()),
    "reduce": (("array",), ("axis", "dtype", "out", "keepdims", "initial", "where")),
    "reduceat": (("array", "indices"), ("axis", "dtype", "out")),
}
_PLAINEST = frozenset((np.ndarray, np.ufunc, np.float64, bool, float, int, type(None)))
_forget = ctypes.PYFUNCTYPE(None, ctypes.py_object)(("PyType_Modified", ctypes.pythonapi))


def exchange(kinds: Iterable[type], *, following: bool) -> None:
    """Have the methods of some classes followed, or no more."""
    methods = _following() if following else _PLAIN
    for kind in kinds:
        # What the class's __dict__ shows, read-only, as no class that is written in C can be written to: this is how
        # Python itself changes one, and then has it forget which methods it has found.
        written = gc.get_referents(vars(kind))[0]
        written.update({name: methods[name] for name, own in _KINDS.items() if own is kind})
        _forget(kind)


def leave_plain() -> None:
    """Put the plain methods in place of those that the program has kept: `self.product = X.dot`."""
    own = _following()
    for name, plain_method in _PLAIN.items():
        if not references(own, name):
            continue
        bound = [each for each in gc.get_referrers(own[name]) if type(each) is MethodType]
        put_in_place(bound, {id(each): getattr(each.__self__, name) for each in bound})
        put_in_place([own[name]], {id(own[name]): plain_method}, own, bound)


def called_by(function: FunctionType) -> Iterator[type]:
    """Yield the classes of which a function may call one of the methods."""
    names = function.__globals__
    for kind, owner in _owners(function.__code__):
        if type(names.get(owner)) is not ModuleType:
            yield kind


@functools.lru_cache(maxsize=MOST_FUNCTIONS)
def _owners(code: CodeType) -> frozenset[tuple[type, str]]:
    """Return of which globals a function reads a method; an empty name for anything else, or where it has the name."""
    found: set[tuple[type, str]] = set()
    for each in with_inner([code]):
        # Also a name that getattr is given
        found.update((_KINDS[name], "") for name in _KINDS.keys() & set(each.co_consts))
        if not _KINDS.keys().isdisjoint(each.co_names):
            for before, instruction in pairwise(dis.get_instructions(each)):
                if instruction.argval in _KINDS and instruction.opcode in dis.hasname:
                    owner = before.argval if before.opname == "LOAD_GLOBAL" else ""
                    found.add((_KINDS[instruction.argval], owner))
    return frozenset(found)


@functools.cache
def _following() -> dict[str, Callable[..., Any]]:
    from tracer.mutation import call_any, call_ufunc_any  # noqa: PLC0415  (which is made of rooms that import this one)

    def of_array(name: str, array: Any, args: Any, options: Any, frame: FrameType) -> Any:
        return call_any(_OF_ARRAYS[name], (array, *args), options, frame)

    def of_ufunc(name: str, ufunc: Any, args: Any, options: Any, frame: FrameType) -> Any:
        given = None if _takes_objects(ufunc) else as_asked(name, args, options)
        return NotImplemented if given is None else call_ufunc_any(ufunc, name, *given, frame)

    return {
        name: _followed(name, of_array if kind is np.ndarray else of_ufunc) for name, kind in _KINDS.items()
    }


def _followed(name: str, follow: Callable[..., Any]) -> Callable[..., Any]:
    plain_method = _PLAIN[name]

    @functools.wraps(plain_method)
    def method(own: Any, /, *args: Any, **options: Any) -> Any:
        # The usual first, at its fastest
        is_known = len(args) > 0 and type(own) in _PLAINEST
        if is_known and not options and _PLAINEST.issuperset(map(type, args)):
            return plain_method(own, *args)
        result = NotImplemented
        if is_known and is_traced(args[0]):
            result = follow(name, own, args, options, _frame(1))
        elif innermost() is not None:
            given = arrays_in(args)
            if holds_traced((own, *given, *options.values())):
                result = follow(name, own, given, options, _frame(1))
        return plain_method(own, *args, **options) if result is NotImplemented else result

    return method


@functools.cache
def _takes_objects(ufunc: Any) -> bool:
    """Tell whether a ufunc is of np.frompyfunc, which calls a Python function with what is in a list."""
    return bool(ufunc.types == ["OO->O"])


def as_asked(
    name: str, args: tuple[Any, ...], options: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """Return the inputs and options of a ufunc's method as NumPy gives them to those that it asks.

    None where they are not what the method takes, which NumPy says.
    """
    inputs, places = _PARAMETERS[name]
    if len(args) == len(inputs) and "out" not in options:
        return args, options
    options = {**options}
    if places:
        named = dict(zip(inputs + places, args, strict=False))
        if len(args) > len(inputs + places) or not named.keys().isdisjoint(options):
            return None
        named |= options
        if not named.keys() >= set(inputs) or not named.keys() <= {*inputs, *places}:
            return None
        args, options = tuple(named.pop(each) for each in inputs), named
    out = options.pop("out", None)
    if out is not None:
        options["out"] = out if type(out) is tuple else (out,)
    return args, options
