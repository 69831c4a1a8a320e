"""Arrays of arguments that the program's text reads by another way: `record(step, net.W)` of a step with `net.loss(X)`.

What plain code reads there is a constant, and no traced value meets it. Whether the text may do so at all, the names in
it say: in the function, in what it calls, and in what all that holds. Only then it is read (`text_reads.py`).
"""

from __future__ import annotations

import dis
from functools import lru_cache, partial
from itertools import chain, islice
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.caches import CACHED
from tracer.frames import is_installed, is_library
from tracer.holders import (
    CONTAINERS,
    Attribute,
    is_object,
    items_in,
    module_of,
    names_of,
    order_of,
    own_attributes,
    slots,
)
from tracer.memory import is_within, memory_of, overlap
from tracer.text_values import computed_by, package_of
from tracer.variables import enclosed

if TYPE_CHECKING:
    from tracer.errors import CutError, CutWarning
    from tracer.tape import Tape
    from tracer.text_reads import Read

_MOST = 2000  # values that are looked at, and items of a container
_PLAIN = frozenset({float, int, bool, complex, str, bytes, type(None)})
# By what a text may lead to, functions by their code: what was read, and has none of the arrays of arguments in it.
# It holds the code: else another text could come to lie at its address.
_unread: dict[tuple[Any, ...], list[CodeType]] = {}
_KEPT = 1 << 10  # functions whose names are known again


def told(
    function: Any,
    given: dict[str, Any],
    arrays: list[tuple[np.ndarray[Any, Any], str]],
    written: dict[int, dict[CodeType, tuple[int, float]]],
    tape: Tape,
) -> CutError | CutWarning | None:
    """Warn where the text reads the array of an argument otherwise; return the error where that is one.

    `given` are the arguments that hold what they hold without a trace. Of arrays that were `written`, by identity, it
    is what is read before: where functions were then.
    """
    by_memory: dict[int, list[tuple[np.ndarray[Any, Any], str]]] = {}
    for array, name in arrays:
        by_memory.setdefault(id(memory_of(array)), []).append((array, name))
    reached = _reachable([function, *given.values()])
    if not any(type(each) is np.ndarray and _names_of(each, by_memory) for each in reached):
        return None
    codes = [each.__code__ for each in reached if type(each) is FunctionType]
    others = (id(each) for each in reached if type(each) is not FunctionType)
    ends = {name: written.get(id(array), {}) for array, name in arrays}
    state = (
        *map(id, codes),
        *others,
        *(_where(array) for array, _ in arrays),
        *(tuple((id(code), end) for code, end in each.items()) for each in ends.values()),
    )
    if state in _unread:
        return None
    from tracer.text_reads import reads_of  # noqa: PLC0415  (which reads texts: few programs are so)

    found: dict[str, Read] = {}
    for until in [each for at, each in enumerate(ends.values()) if each not in [*ends.values()][:at]]:
        for read in reads_of(function, given, until):
            for name in _names_of(read.array, by_memory):
                if ends[name] == until:
                    found.setdefault(name, read)
    if not found:
        _unread[state] = [*codes, *chain.from_iterable(ends.values())]
        while len(_unread) > _KEPT:
            del _unread[next(iter(_unread))]
    for name, (way, _, code, line) in found.items():
        what = f"{name} is an argument, and {way}, which the function may read here, is the same array, as a constant"
        advice = f"use {name} itself, or watch {way} and don't pass {name}; "
        advice += f"where a constant is meant, pass {name}.copy()"
        error = tape.told(what, advice, code, line)
        if error is not None:
            return error
    return None


def _where(array: np.ndarray[Any, Any]) -> tuple[Any, ...]:
    """Return which memory an array sees: another view may come to lie where it was."""
    return array.__array_interface__["data"][0], array.shape, array.strides


def _names_of(value: Any, by_memory: dict[int, list[tuple[np.ndarray[Any, Any], str]]]) -> list[str]:
    """Name the arguments in whose arrays another one lies."""
    near = by_memory.get(id(memory_of(value)), ())
    return [name for array, name in near if overlap(value, array) and is_within(value, array)]


def _reachable(beginning: list[Any]) -> list[Any]:
    """Return what the names in the text of a function, the first, may lead to; no other library is read."""
    names: set[str] = set()
    package, count = package_of(beginning[0]), -1
    pending, seen, named = [*beginning], dict[int, Any](), list[Any]()
    while len(names) > count and len(seen) < _MOST:
        count = len(names)
        for value in named:  # which may have what was named since
            pending += _under_names(value, names)
        for value in pending:  # which grows
            if id(value) not in seen and type(value) not in _PLAIN and len(seen) < _MOST:
                seen[id(value)] = value
                if type(value) is np.ndarray:
                    continue
                if type(value) is FunctionType:
                    pending += _named_by(value, names, package)
                elif _has_names(value):
                    named.append(value)
                    pending += _under_names(value, names)
                else:
                    pending += _held(value)
        pending.clear()
    return [*seen.values()]


def _named_by(function: Any, names: set[str], package: str) -> list[Any]:
    """Return what a function has around it and by default, and the variables that it reads; add the names in it."""
    if (
        is_installed(str(function.__module__), function.__code__.co_filename)
        and package_of(function) != package
    ):
        return []
    variables, attributes = _named_in(function.__code__)
    names |= attributes
    found = [
        *enclosed(function),
        *(function.__defaults__ or ()),
        *(function.__kwdefaults__ or {}).values(),
        *vars(function).values(),
    ]
    return found + [function.__globals__[name] for name in variables if name in function.__globals__]


def _held(value: Any) -> list[Any]:
    kind = type(value)
    if kind is MethodType:
        return [value.__func__, value.__self__]
    if issubclass(kind, (tuple, *CONTAINERS)):
        return [each for _, each in islice(items_in(value), _MOST)]
    if issubclass(kind, partial):
        return [value.func, *value.args, *value.keywords.values()]
    return [value.__wrapped__] if kind is CACHED else []


def _has_names(value: Any) -> bool:
    kind = type(value)
    return issubclass(kind, type) or (
        not is_library(value.__name__) if issubclass(kind, ModuleType) else is_object(value)
    )


def _under_names(value: Any, names: set[str]) -> list[Any]:
    """Return what an object, a class or a module has under some names."""
    if issubclass(type(value), type):
        return _methods(value, names)
    own = own_attributes(value) or {}
    held = [own[name] for name in names & own.keys()]
    held += [Attribute(value, name).read() for name in slots(value) if name in names]
    return held + _methods(type(value), names)


def _methods(kind: type, names: set[str]) -> list[Any]:
    """Return what a class of the user's has under such names, and operators, which have none in a text."""
    found = []
    for each in order_of(kind):
        if not is_library(str(module_of(each))):
            own = names_of(each)
            found += [own[name] for name in own if name in names or name[:2] == "__"]
    return [computed_by(each) or each for each in found]


@lru_cache(maxsize=_KEPT)
def _named_in(code: CodeType) -> tuple[frozenset[str], frozenset[str]]:
    """Return the global variables that a function reads, and the attributes: also any text may name one."""
    variables: set[str] = set()
    names = {each for each in code.co_consts if type(each) is str and each.isidentifier()}
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
