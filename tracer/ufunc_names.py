"""Ufuncs that are called by their names, and do not look into lists: `np.exp([x, y])`.

A ufunc asks its arguments, but not what is in a list, and has no code that could be another, as NumPy's functions have
(`lists.py`). So where the text of the program says that it may give one a list (a display or comprehension, a variable
that is given one, a parameter), the names by which it calls that have a stand-in while a trace runs, which answers a
call with traced values itself, and hands on any other. A ufunc that the program does more with than call it or a
method of it (`act = np.exp`), or has write into an array, which counts who refers to that, stays as it is.
"""

from __future__ import annotations

import ast
import dis
import functools
import sys
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tracer.array_likes import USUAL, arrays_in
from tracer.array_methods import OF_UFUNCS
from tracer.blank import Blank, blank_of
from tracer.exact import Exact
from tracer.holders import own_attributes
from tracer.instructions import with_inner
from tracer.mutation import call_ufunc_any
from tracer.numpy_table import UFUNC_RULES
from tracer.operators import OPERANDS
from tracer.standins import Traced, holds_traced, plain, record_call, unary
from tracer.type_of import MOST_FUNCTIONS
from tracer.values import Array, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_frame = sys._getframe  # noqa: SLF001  (the user's)
_POWER = np.power  # whose name may have a stand-in later
_TWO = 2
_STAND_INS = frozenset(Traced.stand_ins.values())
_RECORDED = frozenset((Scalar, Array))
_PLAIN = frozenset(USUAL) - _STAND_INS
# Of np.frompyfunc, which calls a Python function with what is in the list
_OBJECT = "O"
_MAKING = frozenset(("append", "list", "sorted", "tolist", "tuple"))
_DISPLAYS = (ast.List, ast.ListComp, ast.Tuple)


class _Calls(NamedTuple):
    """What the text of a function does with names: calls with so many arguments, perhaps with a list; anything else.

    And whether it imports any itself.
    """

    counts: dict[str, int]
    with_lists: frozenset[str]
    others: frozenset[str]
    imports: bool = False


def names_in(
    functions: list[FunctionType], given: list[Any]
) -> Iterator[tuple[dict[str, Any], str, Any, Any]]:
    """Yield (namespace, name, ufunc, what stands for it) of the ufuncs that some functions may call with a list.

    `given` are the arguments of the first of them.
    """
    calling = [each for each in functions if _may_call(each.__code__)]
    if not calling or not (
        any(type(each) in (list, tuple) for each in given)
        or any(_makes_lists(each.__code__) for each in functions)
    ):
        return
    calls = [_calls_of(each.__code__) for each in calling]
    for function, own in zip(calling, calls, strict=True):
        for name in own.with_lists:
            for space in _spaces_of(function, own):
                ufunc = space.get(name)
                if type(ufunc) is np.ufunc and _are_calls(name, ufunc, calls):
                    yield space, name, ufunc, _standing_for(ufunc)


def _are_calls(name: str, ufunc: Any, calls: list[_Calls]) -> bool:
    """Tell whether functions only call a ufunc, and none into an array."""
    return _OBJECT not in ufunc.types[0] and all(
        name not in each.others and each.counts.get(name, 0) <= ufunc.nin for each in calls
    )


def _spaces_of(function: FunctionType, calls: _Calls) -> Iterator[dict[str, Any]]:
    """Yield the names of a function's module, and of the modules that it reads ufuncs of: np, special."""
    yield function.__globals__
    if calls.imports:
        yield vars(np)
    for name in calls.others:
        module = function.__globals__.get(name)
        if type(module) is ModuleType:
            yield own_attributes(module) or {}


def _may_call(code: CodeType) -> bool:
    """Tell whether a function has the name of a ufunc."""
    return not _ufuncs_in(np, sys.modules.get("scipy.special")).isdisjoint(_names_of(code))


@functools.lru_cache(maxsize=MOST_FUNCTIONS)
def _ufuncs_in(*modules: ModuleType | None) -> frozenset[str]:
    spaces = [own_attributes(each) or {} for each in modules]
    # Of a trace around this one, or of another thread, it may have a stand-in
    return frozenset(
        name for each in spaces for name, value in each.items() if type(value) in (np.ufunc, Exact)
    )


@functools.lru_cache(maxsize=MOST_FUNCTIONS)
def _names_of(code: CodeType) -> frozenset[str]:
    return frozenset(name for each in with_inner([code]) for name in each.co_names)


@functools.lru_cache(maxsize=MOST_FUNCTIONS)
def _makes_lists(code: CodeType) -> bool:
    """Tell whether a function makes lists or tuples of what is not written in it."""
    return not _MAKING.isdisjoint(_names_of(code)) or any(
        (each.opname in ("BUILD_LIST", "BUILD_TUPLE") and each.arg) or each.opname == "LIST_APPEND"
        for inner in with_inner([code])
        for each in dis.get_instructions(inner)
    )


@functools.lru_cache(maxsize=MOST_FUNCTIONS)
def _calls_of(code: CodeType) -> _Calls:
    from tracer.function_text import text_of  # noqa: PLC0415  (most programs need no text)

    found = text_of(code, code.co_filename)
    if found is None:
        return _Calls({}, frozenset(), _names_of(code))
    text, function = found
    lists = _variables_with_lists(function)
    counts: dict[str, int] = {}
    with_lists: set[str] = set()
    others: set[str] = set()
    for node in ast.walk(function):
        name = getattr(node, "attr", None) or getattr(node, "id", None)
        if not isinstance(node, (ast.Attribute, ast.Name)) or name is None:
            continue
        call = text.parents.get(node)
        if isinstance(call, ast.Attribute) and call.attr in OF_UFUNCS:
            continue
        if not isinstance(call, ast.Call) or call.func is not node or _may_write(call):
            others.add(name)
            continue
        counts[name] = max(counts.get(name, 0), len(call.args))
        if any(isinstance(each, _DISPLAYS) or getattr(each, "id", None) in lists for each in call.args):
            with_lists.add(name)
    imports = any(isinstance(each, (ast.Import, ast.ImportFrom)) for each in ast.walk(function))
    return _Calls(counts, frozenset(with_lists), frozenset(others), imports)


def _may_write(call: ast.Call) -> bool:
    """Tell whether a call may name an array to write into."""
    return any(isinstance(each, ast.Starred) for each in call.args) or any(
        each.arg in (None, "out") for each in call.keywords
    )


def _variables_with_lists(function: ast.AST) -> set[str]:
    """Return parameters, and variables that are given a list somewhere."""
    found = set()
    for each in ast.walk(function):
        if isinstance(each, ast.arg):
            found.add(each.arg)
        elif isinstance(each, ast.Assign) and _is_list(each.value):
            found.update(target.id for target in each.targets if isinstance(target, ast.Name))
        elif isinstance(each, (ast.AnnAssign, ast.NamedExpr)) and isinstance(each.target, ast.Name):
            found.add(each.target.id)
    return found


def _is_list(value: ast.expr) -> bool:
    is_made = (
        isinstance(value, ast.Call)
        and getattr(value.func, "id", getattr(value.func, "attr", "")) in _MAKING
    )
    is_repeated = isinstance(value, ast.BinOp) and (_is_list(value.left) or _is_list(value.right))
    return isinstance(value, _DISPLAYS) or is_made or is_repeated


STANDING: dict[Any, Exact] = {}
"""By ufunc: what has stood for it."""


def _standing_for(ufunc: Any) -> Exact:
    found = STANDING.get(ufunc)
    if found is None:
        found = STANDING[ufunc] = Exact(ufunc, _following(ufunc))
    return found


def _following(ufunc: Any) -> Callable[..., Any]:
    name, inputs = UFUNC_RULES.get(ufunc), ufunc.nin
    of_one = name if inputs == 1 else None
    of_two = name if inputs == _TWO and ufunc is not _POWER else None

    def function(*args: Any, **options: Any) -> Any:
        if not options:
            kinds = set(map(type, args))
            if of_one is not None and len(args) == 1 and kinds <= _RECORDED:
                return unary(args[0], of_one, ufunc, _frame(1))
            if kinds <= _PLAIN:
                return ufunc(*args)
            if of_two is not None and len(args) == _TWO and Array in kinds and kinds <= OPERANDS:
                left, right = args
                return record_call(of_two, args, ufunc(plain(left), plain(right)), None, _frame(1))
        given = arrays_in(args)
        if any(map(_is_ours, (*given, *options.values()))):
            asked = _as_asked(inputs, given, options)
            result = (
                NotImplemented if asked is None else call_ufunc_any(ufunc, "__call__", *asked, _frame(1))
            )
            if result is not NotImplemented:
                blanks = [each for each in given if type(each) is Blank]
                return blank_of(result, blanks[0]) if blanks else result
        return ufunc(*args, **options)

    return function


def _is_ours(value: Any) -> bool:
    # Also in the tuple of what is to be written into
    if type(value) is tuple and not _STAND_INS.isdisjoint(map(type, value)):
        return True
    return type(value) in _STAND_INS or holds_traced(value)


def _as_asked(
    inputs: int, args: tuple[Any, ...], options: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """Return inputs and options as NumPy gives them to those that it asks; None where it raises an error of its own."""
    if len(args) < inputs or (len(args) > inputs and "out" in options):
        return None
    out = args[inputs:] or options.get("out", ())
    out = out if type(out) is tuple else (out,)
    options = {name: each for name, each in options.items() if name != "out"}
    if any(each is not None for each in out):
        options["out"] = out
    return args[:inputs], options
