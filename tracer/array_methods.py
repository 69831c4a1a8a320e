"""Methods of plain arrays that read what they are given in C and ask nobody: `X.dot(w)` of a global X.

NumPy's functions and operators ask their arguments, and most methods come down to those. The ones here do not, so while
a trace runs whose program calls one by its name, the class has a function in its place that follows it. A program that
has none, or only `np.dot(X, w)`, which is known from its code, leaves the class as it is.
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
from tracer.standins import holds_traced
from tracer.tape import innermost
from tracer.type_of import MOST_FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

_frame = sys._getframe  # noqa: SLF001  (the user's)
_FOLLOWED = {"dot": np.dot, "choose": np.choose}
_PLAIN = {name: vars(np.ndarray)[name] for name in _FOLLOWED}
# What the class's __dict__ shows, read-only, as no class that is written in C can be written to: this is how Python
# itself changes one, and then has it forget which methods it has found.
_METHODS = gc.get_referents(vars(np.ndarray))[0]
_forget = ctypes.PYFUNCTYPE(None, ctypes.py_object)(("PyType_Modified", ctypes.pythonapi))


def exchange(*, following: bool) -> None:
    """Have the methods of plain arrays followed, or no more."""
    _METHODS.update(_following() if following else _PLAIN)
    _forget(np.ndarray)


def leave_plain() -> None:
    """Put the plain methods in place of those that the program has kept: `self.product = X.dot`."""
    own = _following()
    for name, plain_method in _PLAIN.items():
        if not references(own, name):
            continue
        bound = [each for each in gc.get_referrers(own[name]) if type(each) is MethodType]
        put_in_place(bound, {id(each): getattr(each.__self__, name) for each in bound})
        put_in_place([own[name]], {id(own[name]): plain_method}, own, bound)


def are_called_by(function: FunctionType) -> bool:
    """Tell whether a function may call one of the methods."""
    names = function.__globals__
    return any(type(names.get(owner)) is not ModuleType for owner in _owners(function.__code__))


@functools.lru_cache(maxsize=MOST_FUNCTIONS)
def _owners(code: CodeType) -> frozenset[str]:
    """Return of which globals a function reads a method; an empty name for anything else, or where it has the name."""
    found = set()
    for each in with_inner([code]):
        if not _PLAIN.keys().isdisjoint(each.co_consts):  # getattr(X, "dot")
            found.add("")
        if not _PLAIN.keys().isdisjoint(each.co_names):
            for before, instruction in pairwise(dis.get_instructions(each)):
                if instruction.argval in _PLAIN and instruction.opcode in dis.hasname:
                    found.add(before.argval if before.opname == "LOAD_GLOBAL" else "")
    return frozenset(found)


@functools.cache
def _following() -> dict[str, Callable[..., Any]]:
    return {name: _followed(name) for name in _FOLLOWED}


def _followed(name: str) -> Callable[..., Any]:
    from tracer.mutation import call_any  # noqa: PLC0415  (which is made of rooms that import this one)

    function, plain_method = _FOLLOWED[name], _PLAIN[name]

    @functools.wraps(plain_method)
    def method(array: Any, /, *args: Any, **options: Any) -> Any:
        if innermost() is not None:
            given = arrays_in((array, *args))
            if holds_traced((*given, *options.values())):
                return call_any(function, given, options, _frame(1))
        return plain_method(array, *args, **options)

    return method
