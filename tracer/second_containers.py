"""A list, dict or dataclass argument that was written into, and that the program may have read by a second way.

The function works on a copy of it, into which Python writes without a word. So it is told when the function has ended,
where something else holds the caller's own, by a name that the function's code has, or code which that may call: what
was read there was what it had been before the write. Used by boxing.py.
"""

from __future__ import annotations

import gc
from functools import lru_cache, partial
from itertools import chain
from types import CellType, CodeType, FrameType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from tracer.errors import UnsupportedError
from tracer.frames import is_library, is_own
from tracer.holders import Cell, attributes, is_object, module_of, own_attributes
from tracer.leading import APART
from tracer.leftovers import holders_of
from tracer.references import references
from tracer.second_ways import counted_in_callers, where_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_DEEPEST = 4  # containers in containers, up to one that has a name
_WRAPPERS = (MethodType, partial)
_PASSED = (FrameType, ModuleType)
_MOST = 256  # functions of which the names are kept
_NAMES: dict[tuple[CodeType, ...], tuple[set[str], list[int]]] = {}


def refused_container(
    changed: Iterable[tuple[Any, Any, Any]],
    own: tuple[Any, ...],
    given: tuple[Any, Any],
    frame: FrameType,
    function: Any,
    code: CodeType,
) -> UnsupportedError | None:
    """Return the error for an argument that was written into, and may have been read by a second way.

    `changed` has the copy, the caller's own, and what was in it; `own` is what else of ours holds them.
    """
    outside = counted_in_callers(given, frame)
    for entry in changed:
        if references(entry, 1) - 1 <= outside[id(entry[1])]:
            continue
        names = _names_of(entry[1], {id(each) for each in (entry, *own, given[0], given[1])})
        found = sorted(names & _names_in(function, code, given)) if names else []
        if found:
            kind = type(entry[1]).__name__
            return UnsupportedError(
                f"an argument, a {kind}, is written into, and is also {found[0]}, which may be read there",
                where=where_of(code),
                got="the function works on a copy, so what is read by another way is what it was before the write",
                advice=f"read it by the argument alone, or trace it by watch=(…) where {found[0]} is bound",
            )
    return None


def refused_miss(container: Any, code: CodeType) -> UnsupportedError:
    """Return the error for an argument that was written into by a second way."""
    return UnsupportedError(
        f"an argument, a {type(container).__name__}, was written into by a second way, as a global or an attribute",
        where=where_of(code),
        got="the function works on a copy, which does not see that",
        advice="write into the argument alone, or give the function a copy",
    )


def _names_of(value: Any, own: set[int]) -> set[str]:
    """Return the names of variables and attributes that hold a value, or something that holds it."""
    names: set[str] = set()
    keys: dict[int, set[str]] = {}  # of dicts that may have the attributes of an object, by identity
    level: list[Any] = [value]
    holders: list[Any] = []
    for _ in range(_DEEPEST):
        wanted = set(map(id, level))
        own = {*own, *wanted, id(level), id(holders)}
        holders = [each for each in gc.get_referrers(*level) if id(each) not in own]
        level = []
        for at in range(len(holders)):
            holder, kind = holders[at], type(holders[at])
            if str(module_of(kind)).partition(".")[0] in APART or kind in _PASSED:
                continue
            if kind is FunctionType:
                names.add(holder.__name__)
            elif kind is CellType:
                names.update(_free_names(holder))
            elif is_object(holder):
                names |= keys.get(id(own_attributes(holder)), set())
                names.update(name for name, held in _attributes(holder) if id(held) in wanted)
            else:
                level.append(holder)
                if kind is dict:
                    found = {name for name, held in holder.items() if id(held) in wanted}
                    keys[id(holder)] = {name for name in found if type(name) is str}
                    if "__name__" in holder or "__module__" in holder:
                        names |= keys[id(holder)]
                        level.pop()
        if not level:
            break
    return names


def _attributes(owner: Any) -> list[tuple[str, Any]]:
    return [(name[1:], place.read()) for name, place in attributes(owner)]


def _free_names(cell: CellType) -> Iterator[str]:
    """Yield what a variable of several functions is called in those that exist."""
    closures = [each for each in gc.get_referrers(cell) if type(each) is tuple]
    for function in gc.get_referrers(*closures) if closures else ():
        if type(function) is FunctionType:
            names = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
            yield from (name for name, each in names if each is cell)


def _names_in(function: Any, code: CodeType, given: tuple[Any, Any]) -> set[str]:
    """Return the names of globals, attributes and closure variables in some code, and in what that may call.

    They are looked for once, and again where one of them is another function or class by now.
    """
    bound = getattr(function, "__globals__", {})
    called = [each.__code__ for each in (*given[0], *given[1].values()) if type(each) is FunctionType]
    known = _NAMES.get((code, *called))
    if known is None or known[1] != _meanings(known[0], bound):
        names = _found_names([code, *called])
        while len(_NAMES) >= _MOST:
            del _NAMES[next(iter(_NAMES))]
        known = _NAMES[(code, *called)] = names, _meanings(names, bound)
    return known[0]


def _meanings(names: set[str], bound: dict[str, Any]) -> list[int]:
    """Return what tells whether names stand for the same functions and classes, or objects of the same classes."""
    values = [bound.get(name) for name in names]
    return [id(each) if type(each) in (FunctionType, type) else id(type(each)) for each in values]


def _found_names(pending: list[CodeType]) -> set[str]:
    by_name = _functions_by_name()
    names: set[str] = set()
    known = set(pending)
    while pending:
        running = pending.pop()
        fresh = {*running.co_names, *running.co_freevars} - names
        names |= fresh
        inner = (each for each in running.co_consts if type(each) is CodeType)
        more = {*chain.from_iterable(by_name.get(name, ()) for name in fresh), *inner} - known
        known |= more
        pending += more
    return names


def _functions_by_name() -> dict[str, list[CodeType]]:
    """Return the code of the program's functions by what they may be called: also by variables and attributes."""
    by_name: dict[str, list[CodeType]] = {}
    renamed: dict[int, Any] = {}  # what is called by another name than its own, by identity
    closures: list[tuple[CodeType, Any]] = []
    for each in gc.get_objects():
        kind = type(each)
        function = each if kind is FunctionType else _beneath(each) if kind in _WRAPPERS else None
        if function is None or not _is_users(function.__code__.co_filename, function.__module__):
            continue
        by_name.setdefault(function.__name__, []).append(function.__code__)
        if kind is not FunctionType or "<" in function.__qualname__:  # lambdas, those made in functions
            renamed[id(each)] = each
        if kind is FunctionType and each.__closure__:
            closures.append((each.__code__, each.__closure__))
    named: list[tuple[Any, Any]] = []
    for code, cells in closures:
        named += [(name, Cell(cell).read()) for name, cell in zip(code.co_freevars, cells, strict=True)]
    for holder in holders_of(list(renamed.values())):
        if type(holder) is dict:
            named += list(holder.items())
        elif is_object(holder):
            named += _attributes(holder)
    for name, held in named:
        if id(held) in renamed and type(name) is str:
            by_name.setdefault(name, []).append(_beneath(held).__code__)
    return by_name


def _beneath(called: Any) -> Any:
    """Return the function of a method or a partial; None for one in C."""
    while type(called) in _WRAPPERS:
        called = called.func if type(called) is partial else called.__func__
    return called if type(called) is FunctionType else None


@lru_cache(maxsize=4096)
def _is_users(file: str, module: str | None) -> bool:
    return not is_own(file) and "site-packages" not in file and not is_library(str(module))
