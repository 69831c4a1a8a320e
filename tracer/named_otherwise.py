"""Arrays of arguments that the program's text reads by another way: `record(step, net.W)` of a step with `net.loss(X)`.

What plain code reads there is a constant, and no traced value meets it. So it is looked for in the text: from the code
of the function on, by the variables and attributes that are read in it, and in the functions that are found so.
"""

from __future__ import annotations

import dis
from collections import deque
from functools import lru_cache
from itertools import islice
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.frames import is_installed, is_library
from tracer.holders import CONTAINERS, is_object, module_of, names_of, order_of, own_attributes
from tracer.memory import is_within, memory_of, overlap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.errors import CutError, CutWarning
    from tracer.tape import Tape

_MOST = 2000  # values that are looked at, and items of a container
_PASSED = frozenset({float, int, bool, complex, str, bytes, type(None), np.ndarray})
_NO_OPERATORS = frozenset({"__init__", "__new__", "__post_init__", "__repr__", "__str__"})
_KEPT = 1 << 10  # functions whose names are known again


def told(
    function: Any, arrays: list[tuple[np.ndarray[Any, Any], str]], tape: Tape
) -> CutError | CutWarning | None:
    """Warn where the text names the array of an argument otherwise; return the error where that is one."""
    code = tape.scopes.calls[0].code
    for name, way in _ways_named(function, arrays).items():
        what = f"{name} is an argument, and {way}, which the function may read, is the same array, as a constant"
        advice = f"use {name} itself, or watch {way} and don't pass {name}; "
        advice += f"where a constant is meant, pass {name}.copy()"
        error = tape.told(what, advice, code, code.co_firstlineno)
        if error is not None:
            return error
    return None


def _ways_named(function: Any, arrays: list[tuple[np.ndarray[Any, Any], str]]) -> dict[str, str]:
    """Return, by the name of an argument, how the text of the function and of what it calls names its array."""
    by_memory: dict[int, list[tuple[np.ndarray[Any, Any], str]]] = {}
    for array, name in arrays:
        by_memory.setdefault(id(memory_of(array)), []).append((array, name))
    names: set[str] = set()
    while True:
        count = len(names)
        found: dict[str, str] = {}
        for path, value in _reached(function, names):
            for array, name in by_memory.get(id(memory_of(value)), ()):
                if overlap(value, array) and is_within(value, array):
                    found.setdefault(name, path)
        if found or len(names) == count:
            return found


def _reached(function: Any, names: set[str]) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """Yield the arrays that can be reached by some names, with the way there; add the names that were met on it."""
    pending: deque[tuple[str, Any]] = deque([("", function)])
    seen: dict[int, Any] = {}
    package = _package_of(getattr(function, "__func__", function))
    while pending and len(seen) < _MOST:
        path, value = pending.popleft()
        if type(value) is np.ndarray:
            yield path, value
        elif id(value) not in seen:
            seen[id(value)] = value
            pending.extend(_held(path, value, names, package))


def _held(path: str, value: Any, names: set[str], package: str) -> list[tuple[str, Any]]:
    """Return what a value holds that is reached by some names, each with the way there; no other library is read."""
    kind = type(value)
    if kind is MethodType:
        return [("", value.__func__), ("self", value.__self__)]
    if kind is FunctionType:
        is_others = is_installed(str(value.__module__), value.__code__.co_filename)
        if is_others and _package_of(value) != package:
            return []
        variables, attributes = _named_in(value.__code__)
        names |= attributes
        cells = zip(value.__code__.co_freevars, value.__closure__ or (), strict=True)
        around = [(name, each) for name, cell in cells for each in _content(cell)]
        return around + [(name, value.__globals__[name]) for name in variables if name in value.__globals__]
    if issubclass(kind, (tuple, *CONTAINERS)):
        kind = next(each for each in (tuple, *CONTAINERS) if issubclass(kind, each))
        items = dict.items(value) if kind is dict else enumerate(kind.__iter__(value))
        # Not the arrays themselves: who checks one argument after the other has them all in a list or a dict
        return [
            (f"{path}[{key!r}]", each) for key, each in islice(items, _MOST) if type(each) not in _PASSED
        ]
    if (issubclass(kind, ModuleType) and not is_library(value.__name__)) or is_object(value):
        own = own_attributes(value) or {}
        held = [(f"{path}.{name}", own[name]) for name in names & own.keys()]
        return held + [("", method) for method in _methods(kind, names)]
    return []


def _package_of(function: Any) -> str:
    return str(getattr(function, "__module__", "")).partition(".")[0]


def _content(cell: Any) -> list[Any]:
    try:
        return [cell.cell_contents]
    except ValueError:  # empty
        return []


def _methods(kind: type, names: set[str]) -> list[Any]:
    """Return the functions of a class of the user's that have such a name, and operators, which have none in a text."""
    methods = []
    for each in order_of(kind):
        if not is_library(str(module_of(each))):
            own = names_of(each)
            methods += [
                own[name]
                for name in own
                if name in names or (name[:2] == "__" and name not in _NO_OPERATORS)
            ]
    return [each for each in methods if type(each) is FunctionType]


@lru_cache(maxsize=_KEPT)
def _named_in(code: CodeType) -> tuple[frozenset[str], frozenset[str]]:
    """Return the global variables, and the attributes, that a function reads, and those that are made in it."""
    variables: set[str] = set()
    names: set[str] = set()
    for each in dis.get_instructions(code):
        if each.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            variables.add(each.argval)
        elif each.opname in ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR"):
            names.add(each.argval)
        elif type(each.argval) is CodeType:
            inner = _named_in(each.argval)
            variables |= inner[0]
            names |= inner[1]
    return frozenset(variables), frozenset(names)
