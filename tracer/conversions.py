"""Methods of the user's classes that code in C asks for a number: `float(weight)` of a class with a `__float__`.

C takes nothing but a plain float from it, and a TypeError that the program may catch instead of a traced one. While a
trace runs, the class has a method in its place whose answer leaves the graph as that of the value itself does; that of
an `__array__` is an error, which is raised also where the program catches NumPy's. `stored.py` finds the classes; those
that are made meanwhile are met here. Used by stored.py, type_of.py and patches.py.
"""

from __future__ import annotations

import builtins
import functools
import sys
from types import FunctionType
from typing import Any

import numpy as np

from tracer.asked_for import written_or_cut
from tracer.callee import called_name
from tracer.cuts import COMPLEX
from tracer.errors import UnsupportedError
from tracer.frames import is_library, is_own, place
from tracer.holders import module_of, names_of
from tracer.standins import is_traced

_frame = sys._getframe  # noqa: SLF001  (the one that converts)
_ARRAY = "__array__"
# By name: what a value leaves the graph through; "" where its answer is refused
_VIA = {"__float__": "float()", "__int__": "int()", "__complex__": COMPLEX, _ARRAY: ""}


def is_conversion(name: Any, item: Any) -> bool:
    """Tell whether what a class has under a name is such a method, written in Python, and not ours already."""
    return name in _VIA and type(item) is FunctionType and not is_own(item.__code__.co_filename)


def converting(name: str, method: Any) -> Any:
    """Return the method that takes the place of one of a class, by its name."""

    @functools.wraps(method)
    def convert(*args: Any, **options: Any) -> Any:
        value, frame = method(*args, **options), _frame(1)
        # By the user, who gets what it returns: `super().__float__()`
        if not is_traced(value) or called_name(frame.f_code, frame.f_lasti) == name:
            return value
        if name == _ARRAY:
            if is_own(frame.f_code.co_filename):
                return value
            raise UnsupportedError(
                "a traced array was handed to code in C by an object's __array__",
                where=place(frame),
                got=f"it gives an array of shape {np.shape(value.value_)}, which is none to NumPy",
                advice="np.asarray(…) of the object is followed; detach(x) gives it the plain array, and leaves that "
                "out of the gradient",
            )
        written_or_cut(value, _VIA[name], frame)
        return value.value_

    return convert


_exchanged: list[tuple[Any, Any]] = []  # what makes classes, and what did before
_met: list[tuple[type, str, Any, Any]] = []  # class, name, its own method, and what is in the place of it


def exchange(*, following: bool) -> None:
    """Look at the classes that are made from now on, or no more: then they have their own methods again."""
    if following and not _exchanged:
        before = builtins.__build_class__
        _exchanged.append((_meeting(before), before))
        builtins.__build_class__ = _exchanged[0][0]
    elif not following and _exchanged:
        meeting, before = _exchanged.pop()
        if builtins.__build_class__ is meeting:  # else the program's own, which may lead to it
            builtins.__build_class__ = before
        while _met:
            kind, name, method, own = _met.pop()
            if names_of(kind).get(name) is own:
                type.__setattr__(kind, name, method)


def met(kind: Any) -> Any:
    """Return a class that has been made while a trace runs, with such methods in the place of its own."""
    if issubclass(type(kind), type) and not is_library(str(module_of(kind))):
        for name in _VIA.keys() & names_of(kind).keys():
            method = names_of(kind)[name]
            if is_conversion(name, method):
                _met.append((kind, name, method, converting(name, method)))
                type.__setattr__(kind, name, _met[-1][-1])
    return kind


@functools.lru_cache(maxsize=1)
def _meeting(before: Any) -> Any:
    @functools.wraps(before)
    def build(*args: Any, **options: Any) -> Any:
        return met(before(*args, **options))

    return build
