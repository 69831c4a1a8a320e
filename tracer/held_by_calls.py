"""What a call has of the arguments of the function that it runs: `list(map(update, params, grads))`, `Layer(W)`.

No place of the program leads there: it is in variables of C code, or waits in the line of who calls, and is let go of
when the function returns. So it needs no stand-in, but it counts. Where the text says which call it is, a call of the
same form, of a function of ours, tells how many references that has in this version of Python. Nothing is counted of
what goes on with an argument afterwards (`filter`, `sorted` by a key, `accumulate`). Used by who_holds.py.
"""

from __future__ import annotations

import ast
import dis
import inspect
import sys
from collections import deque
from functools import lru_cache, partial, reduce
from itertools import pairwise
from types import CodeType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, NamedTuple

from tracer.callee import forget_snapshot, values_of
from tracer.holders import names_of, order_of
from tracer.references import BORROWS, borrowed, is_lent_by_caller, references
from tracer.running import running_at
from tracer.variables import frames_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

# They do nothing but to ask an iterator for what comes next.
_CONSUMERS: tuple[Any, ...] = (list, tuple, set, dict, any, all, sum, max, min, next, deque, enumerate, zip)
_GENERATORS = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
_ASSIGNING = ("STORE_FAST", "DELETE_FAST", "LOAD_FAST_AND_CLEAR")
# From 3.13 on Python enters `__init__` without C code in between, once it has seen the line: no call tells of another
_SETS_UP_IN_C = sys.version_info < (3, 13)
_WARM = 64  # calls after which Python has the quicker way to do one, with fewer references


class _Form(NamedTuple):
    """A call of `called` with `items[0]`, how many positional arguments it hands on, and the names of others."""

    text: str
    positional: int
    names: tuple[str, ...] = ()


def held_by_calls(array: int, frame: FrameType) -> int:
    """Count the references to an array, given by its identity, that the calls of functions that run have."""
    return sum(_held(array, inner, outer) for inner, outer in pairwise(frames_of(frame)))


def _held(array: int, inner: FrameType, outer: FrameType) -> int:
    count = 0 if inner.f_code.co_flags & _GENERATORS else _given(inner).count(array)
    node = running_at(outer.f_code, outer.f_lasti) if count else None
    if not isinstance(node, ast.Call):
        return 0
    known = [
        (each, called)
        for each in _calls(node, outer)
        for called in _called_by(each, inner.f_code, outer)
        if array not in map(id, _defaults(called))
    ]
    if len(known) != 1:
        return 0
    call, called = known[0]
    fewest = [_references(form, called) - lacking for form, lacking in _forms(call, called, array, outer)]
    count = 1 if _is_of(call, reduce, outer) else count  # it has what it begins with only once more
    return count * max(0, min(fewest)) + _lent(array, inner) if fewest else 0


def _lent(array: int, frame: FrameType) -> int:
    """Count the variables with an array that are taken for lent by who calls: these are not, C code is in between."""
    names = (
        (name for name in frame.f_code.co_varnames if id(frame.f_locals.get(name)) == array)
        if BORROWS
        else ()
    )
    return sum(is_lent_by_caller(name, frame) for name in names)


def _given(frame: FrameType) -> list[int]:
    """Return, by identity, the arguments of a function that runs which nothing can have taken the place of."""
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount
    names = [each for each in code.co_varnames[:count] if each not in _assigned(code, frame.f_lasti)]
    given = [id(frame.f_locals[each]) for each in names]
    if code.co_flags & inspect.CO_VARARGS and (rest := code.co_varnames[count]) not in _assigned(
        code, frame.f_lasti
    ):
        given += map(id, frame.f_locals[rest])
    forget_snapshot(frame)
    return given


@lru_cache(maxsize=256)
def _assigned(code: CodeType, offset: int) -> frozenset[str]:
    """Return the variables that a function may have assigned or deleted before an instruction, or in a loop around it.

    `p -= g` assigns p, but only after its own instruction. A variable of an inner function may be assigned any time.
    """
    instructions = [*dis.get_instructions(code)]
    loops = [(each.argval, each.offset) for each in instructions if "BACKWARD" in each.opname]
    around = [(first, last) for first, last in loops if first <= offset <= last]
    named = [
        each.argval
        for each in instructions
        if each.opname.startswith(_ASSIGNING)
        and (each.offset <= offset or any(first <= each.offset <= last for first, last in around))
    ]
    return frozenset(code.co_cellvars).union(*(each if type(each) is tuple else (each,) for each in named))


def _calls(node: ast.AST | None, frame: FrameType) -> Iterator[ast.Call]:
    """Yield a call, and those of `map` that it asks for what comes next."""
    if isinstance(node, ast.Call):
        yield node
        consumers = (*_CONSUMERS, map)
        if any(each is known for each in values_of(node.func, frame) for known in consumers):
            for each in node.args:
                yield from (inner for inner in _calls(each, frame) if _is_of(inner, map, frame))


def _is_of(call: ast.Call, function: Any, frame: FrameType) -> bool:
    return any(each is function for each in values_of(call.func, frame))


def _called_by(call: ast.Call, code: CodeType, frame: FrameType) -> Iterator[Any]:
    """Yield what a call calls, by itself or as it is given it, if that runs some code."""
    is_given = _is_of(call, map, frame) or _is_of(call, reduce, frame)
    node = call.func if not is_given else call.args[0] if call.args else None
    if isinstance(node, ast.Lambda):
        alike = [each for each in frame.f_code.co_consts if _is_code_of(each, node)]
        yield from [_no_function] if len(alike) == 1 and alike[0] is code else []
    elif isinstance(node, ast.Call) and _is_of(node, partial, frame) and not node.keywords:
        function, *given = ([*values_of(each, frame)] for each in node.args)
        if all(len(each) == 1 for each in given):
            made = (partial(each, *(value for (value,) in given)) for each in function if callable(each))
            yield from (each for each in made if _code(each) is code)
    elif isinstance(node, ast.Attribute):
        for owner in values_of(node.value, frame):
            found = values_of(node, frame)
            yield from (_bound(each, owner, node.attr) for each in found if _code(each) is code)
    elif node is not None:
        yield from (each for each in values_of(node, frame) if _code(each) is code)


def _bound(function: Any, owner: Any, name: str) -> Any:
    """Return what an attribute is that is a function: a method, where the class of its owner has it."""
    is_class = issubclass(type(owner), type)
    if type(function) is not FunctionType:
        return function  # a class
    held = _in_class(owner if is_class else type(owner), name)
    if held is function and not is_class:
        return MethodType(function, owner)
    return MethodType(function, owner) if type(held) is classmethod else function


def _is_code_of(constant: Any, node: ast.Lambda) -> bool:
    if type(constant) is not CodeType or constant.co_name != "<lambda>" or node.args.defaults:
        return False
    names = tuple(each.arg for each in node.args.args)
    return constant.co_firstlineno == node.lineno and constant.co_varnames[: constant.co_argcount] == names


def _no_function() -> None:
    """Stand for a function that the text alone has."""


def _code(called: Any) -> CodeType | None:
    """Return the code of a function, or of what a method, a part of a call, an object or a class runs if called."""
    kind: Any = type(called)
    if kind is type and _SETS_UP_IN_C:
        made, set_up = _in_class(called, "__new__"), _in_class(called, "__init__")
        return set_up.__code__ if made is _OBJECTS_NEW and type(set_up) is FunctionType else None
    if kind is FunctionType:
        return called.__code__  # type: ignore[no-any-return]
    if kind in (MethodType, partial):
        return _code(called.__func__ if kind is MethodType else called.func)
    own = _in_class(kind, "__call__")
    return own.__code__ if type(own) is FunctionType else None


_OBJECTS_NEW = vars(object)["__new__"]


def _in_class(kind: type, name: str) -> Any:
    return next((names_of(each)[name] for each in order_of(kind) if name in names_of(each)), None)


def _defaults(called: Any) -> Iterator[Any]:
    """Yield what is given to a function by itself where it is called."""
    if type(called) is partial:
        yield from (*called.args, *called.keywords.values(), *_defaults(called.func))
    elif type(called) is MethodType:
        yield from (called.__self__, *_defaults(called.__func__))
    elif type(called) is FunctionType:
        yield from (*(called.__defaults__ or ()), *(called.__kwdefaults__ or {}).values())
    elif type(called) is type:
        yield from _defaults(_in_class(called, "__init__"))
    else:
        yield from _defaults(_in_class(type(called), "__call__"))


def _forms(call: ast.Call, called: Any, array: int, frame: FrameType) -> Iterator[tuple[_Form, int]]:
    """Yield the forms of a call that may give the array, and how many references to it this one may lack."""
    if _is_of(call, map, frame):
        yield _Form("list(map(called, items))", 1), 0
    elif _is_of(call, reduce, frame):
        if call.args[2:] and _is_left_alone(call.args[2], array, frame):
            yield _Form("reduce(called, [None], items[0])", 2), borrowed(call.args[2], frame)
    else:
        given: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
        if type(called) in (FunctionType, MethodType) and not any(map(_is_unpacked, given)):
            return
        if len(given) == 1 and isinstance(given[0], ast.Starred) and not _is_list(given[0].value, frame):
            return  # a tuple is handed on as it is
        for it in given:
            places = [_argument(each, is_it=each is it) for each in given]
            count = sum(not isinstance(each, ast.keyword) for each in given)
            count -= sum(isinstance(each, ast.Starred) and each is not it for each in given)
            names = [each.arg for each in call.keywords if each.arg is not None]
            names += ["_"] if isinstance(it, ast.keyword) and it.arg is None else []
            value = it.value if isinstance(it, ast.keyword) else it
            lacking = 0 if _is_unpacked(it) else borrowed(value, frame)
            yield _Form(f"called({', '.join(places)})", count, tuple(names)), lacking


def _is_left_alone(node: ast.expr, array: int, frame: FrameType) -> bool:
    """Tell whether an array, by its identity, is what a variable has held since the call began."""
    if not isinstance(node, ast.Name) or array not in map(id, values_of(node, frame)):
        return False
    code = frame.f_code
    return node.id in code.co_varnames and node.id not in code.co_cellvars


def _is_unpacked(given: ast.expr | ast.keyword) -> bool:
    return isinstance(given, ast.Starred) or (isinstance(given, ast.keyword) and given.arg is None)


def _is_list(node: ast.expr, frame: FrameType) -> bool:
    held = [*values_of(node, frame)]
    return isinstance(node, ast.List) or (bool(held) and all(type(each) is list for each in held))


def _argument(given: ast.expr | ast.keyword, *, is_it: bool) -> str:
    """Return an argument as it is written, with the array in its place or with nothing."""
    if isinstance(given, ast.Starred):
        return "*items" if is_it else "*()"
    if isinstance(given, ast.keyword):
        if given.arg is None:
            return "**{'_': items[0]}" if is_it else "**{}"
        return f"{given.arg}={'items[0]' if is_it else None}"
    return "items[0]" if is_it else "None"


def _references(form: _Form, called: Any) -> int:
    """Count the references that a call of a form has to an argument, and the function none: the fewest, as above."""
    items, counts = [object()], []

    def count() -> None:
        counts.append(references(items, 0) - 1)  # that of the parameter

    names, before = [*form.names], called
    positional = form.positional
    while type(before) in (MethodType, partial):
        if type(before) is partial:
            names += before.keywords
        positional += len(before.args) if type(before) is partial else 1
        before = before.func if type(before) is partial else before.__func__
    positional += type(before) is not FunctionType
    parameters = ", ".join((*(f"_{at}" for at in range(positional)), *dict.fromkeys(names)))
    made: dict[str, Any] = {"count": count, "reduce": reduce}
    exec(_compiled(form.text, parameters), made)  # noqa: S102  (text of this room)
    made["call"](_like(called, made["function"]), items)
    return min(counts, default=0)


@lru_cache(maxsize=64)
def _compiled(form: str, parameters: str) -> CodeType:
    """Compile a call of a form, and a function that has as many parameters: of others Python may call it otherwise."""
    function = f"def function({parameters}):\n    count()\n"
    call = f"def call(called, items):\n    for _number in range({_WARM}):\n        {form}\n"
    return compile(function + call, "", "exec")


def _like(called: Any, function: Any) -> Any:
    """Return what runs a function as what is called runs its own."""
    if type(called) is FunctionType:
        return function
    if type(called) is MethodType:
        return MethodType(_like(called.__func__, function), object())
    if type(called) is partial:
        return partial(
            _like(called.func, function), *map(type, called.args), **dict.fromkeys(called.keywords)
        )
    if type(called) is type:
        return type("Called", (), {"__init__": function})
    return type("Called", (), {"__call__": function})()
