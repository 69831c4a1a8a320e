"""What the running line of a frame calls: found by evaluating what stands before the parentheses, without side effects.

Compiled code has no frame of its own: what it calls seems to be called by the user's line.
"""

from __future__ import annotations

import ast
import builtins
import dis
import functools
import inspect
import linecache
import re
import sys
from collections import OrderedDict, defaultdict, deque
from itertools import chain
from types import (
    GetSetDescriptorType,
    MappingProxyType,
    MemberDescriptorType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.exact import following_of
from tracer.frames import wants_plain_arrays
from tracer.instructions import loaded_by
from tracer.memory import owner_of
from tracer.running import running_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import CodeType, FrameType

# What has an item tells so by looking, and by nothing of the program's
_MAPPINGS = (dict, OrderedDict, defaultdict, MappingProxyType)
_CONTAINERS = (*_MAPPINGS, list, tuple, deque)
_SEQUENCES = (list, tuple, str, bytes, bytearray, range, deque)
_LITERALS = {ast.List: list, ast.ListComp: list, ast.Tuple: tuple, ast.JoinedStr: str}
# `frame.f_locals` of a function is a dict of its own, which holds on.
IS_SNAPSHOT = sys.version_info < (3, 13)
# To such a dict: those of the frame, of a variable and of the count itself
_ALONE = 3
_KEYS = (str, int, float, bool, bytes, type(None))


def is_called(function: Any, frame: FrameType) -> bool:
    """Tell whether the user's line itself calls `function`; False also where that can't be told."""
    if wants_plain_arrays(frame):
        return False
    return any(
        each is function or (issubclass(type(each), functools.partial) and following_of(each) is function)
        for each in called(frame)
    )


def called(frame: FrameType) -> Iterator[Any]:
    """Yield what the running instruction of a frame may call; nothing where it calls nothing, or nobody can tell."""
    linecache.getlines(frame.f_code.co_filename, frame.f_globals)  # which finds it by its loader, too
    written = _written(frame.f_code, frame.f_lasti)
    if written is not None:
        yield from values_of(written, frame)


def called_name(code: CodeType, offset: int) -> str | None:
    """Return the name of the function or method that an instruction calls, whatever that is."""
    written = _written(code, offset)
    if isinstance(written, ast.Attribute):
        return written.attr
    return written.id if isinstance(written, ast.Name) else None


def called_as_written(code: CodeType, offset: int) -> str | None:
    """Return the name of what an instruction calls, with what stands before it if that is a name: `rng.choice`."""
    written = _written(code, offset)
    text = ast.unparse(written) if isinstance(written, (ast.Attribute, ast.Name)) else ""
    return text if text.replace(".", "").isidentifier() else called_name(code, offset)


def named(frame: FrameType, offset: int) -> Iterator[Any]:
    """Yield the values of the names in the expression at an instruction."""
    code = frame.f_code
    spans = list(code.co_positions())
    first, last, start, end = spans[offset // 2]
    if first is None or last is None or start is None or end is None:
        return
    words = set(re.findall(r"\w+", _text(code, first, last, start, end).decode()))
    before: tuple[str, ...] = ()
    for each in dis.get_instructions(code):
        line, _, column, _ = spans[each.offset // 2]
        names = loaded_by(each)
        if line is not None and column is not None and (first, start) <= (line, column) < (last, end):
            for name in (*before, *names):
                yield from values_of(ast.Name(name), frame)
            before = ()
        else:  # Of two variables in one instruction only the first has a place: `x[i] = y` loads y and x
            second = names[-1:] if type(each.argval) is tuple else ()
            before = second if not words or words.issuperset(second) else ()


@functools.lru_cache(maxsize=512)
def _written(code: CodeType, offset: int) -> ast.expr | None:
    """Return the expression that is called at an instruction; None where it is no call."""
    first, last, start, end = list(code.co_positions())[offset // 2]
    if first is None or last is None or start is None or end is None:
        return None
    if not all(_lines(code, first, last)):
        return _compiled(code, offset, (first, start))
    call = call_at(code, offset)
    return call.func if call is not None else None


def call_at(code: CodeType, offset: int) -> ast.Call | None:
    """Return the call that is written at an instruction; None where it is none, or there is no text."""
    first, last, start, end = list(code.co_positions())[offset // 2]
    if first is None or last is None or start is None or end is None:
        return None
    try:
        tree = ast.parse(b"(" + _text(code, first, last, start, end) + b")", mode="eval").body
    except (SyntaxError, ValueError):
        return None
    return tree if isinstance(tree, ast.Call) else None


def _text(code: CodeType, first: int, last: int, start: int, end: int) -> bytes:
    lines = _lines(code, first, last)
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    return b"".join(lines)


def _lines(code: CodeType, first: int, last: int) -> list[bytes]:
    return [linecache.getline(code.co_filename, line).encode() for line in range(first, last + 1)]


def _compiled(code: CodeType, offset: int, start: tuple[int, int]) -> ast.expr | None:
    """Return the dotted name that is called, where there is no text: what is loaded where the call starts."""
    spans = list(code.co_positions())
    called: ast.expr | None = None
    # The last one is the call itself: a frame can stand in the caches behind it.
    for each in [each for each in dis.get_instructions(code) if each.offset <= offset][:-1]:
        line, _, column, _ = spans[each.offset // 2]
        if (line, column) != start or each.opname in ("PUSH_NULL", "PRECALL", "CACHE"):
            continue
        if each.opname.startswith(("LOAD_ATTR", "LOAD_METHOD")) and called is not None:
            called = ast.Attribute(called, each.argval)
        elif loaded_by(each):
            called = ast.Name(loaded_by(each)[-1])
        else:
            return None
    return called


def values_of(node: ast.AST, frame: FrameType) -> Iterator[Any]:
    """Yield what an expression may be, without running any of it: nothing where that takes more than to look."""
    match node:
        case ast.Constant(value):
            yield value
        case ast.Name(name):
            known = (frame.f_locals, frame.f_globals, vars(builtins))
            found = [names[name] for names in known if name in names][:1]
            del known
            forget_snapshot(frame)
            yield from found
        case ast.Attribute(of, name):
            yield from _looked_up(_attribute, values_of(of, frame), [name])
        case ast.Subscript(ast.List() | ast.Tuple()):
            for each in parts_of(node, frame):
                yield from values_of(each, frame)
        case ast.Subscript(of, key):
            yield from _looked_up(_item, values_of(of, frame), list(values_of(key, frame)))
        case ast.IfExp(_, one, other):
            yield from chain(values_of(one, frame), values_of(other, frame))
        case ast.BoolOp(_, parts):
            yield from chain.from_iterable(values_of(each, frame) for each in parts)
        case ast.Call(ast.Name("getattr"), [of, name, *_]):
            yield from _looked_up(_attribute, values_of(of, frame), list(values_of(name, frame)))
        case ast.Call(ast.Attribute(of, "get" | "setdefault"), [key, *_]):
            mappings = (each for each in values_of(of, frame) if type(each) in _MAPPINGS)
            yield from _looked_up(_item, mappings, list(values_of(key, frame)))


def parts_of(node: ast.expr, frame: FrameType) -> list[ast.expr]:
    """Return what `[W, b][i]` may be, as that is written; of anything else, it is that."""
    match node:
        case ast.Subscript(ast.List(parts) | ast.Tuple(parts), key):
            if not all(isinstance(each, ast.Name | ast.Attribute | ast.Constant) for each in parts):
                return []  # what others call may have put something else there
            keys = [each for each in values_of(key, frame) if type(each) is int]
            return [parts[each] for each in keys if -len(parts) <= each < len(parts)]
    return [node]


def not_an_index(value: Any, error: TypeError, frame: FrameType) -> TypeError:
    """Return the error for a number that is no whole one where one is wanted: in `[1, 2][x]`, the sequence's own."""
    match running_at(frame.f_code, frame.f_lasti):
        case ast.Subscript(of, key):
            kinds = map(type, values_of(of, frame))
            kind: Any = _LITERALS.get(type(of)) or next(
                (each for each in kinds if each in _SEQUENCES), None
            )
            if kind is not None:
                like = range(1) if kind is range else kind()
                try:
                    return TypeError(like[value:] if type(key) is ast.Slice else like[value])
                except TypeError as own:
                    return own.with_traceback(None)
    return error.with_traceback(None)


def forget_snapshot(frame: FrameType) -> None:
    """Let go of what `frame.f_locals` has copied: what a variable held must be gone when the program lets it go.

    Not where somebody else has the copy, or may write it back: what traces or profiles a program gets it written back.
    """
    code = frame.f_code
    if not IS_SNAPSHOT or not code.co_flags & inspect.CO_OPTIMIZED or sys.gettrace() or sys.getprofile():
        return
    copied = frame.f_locals
    if sys.getrefcount(copied) <= _ALONE:
        for name in (*code.co_varnames, *code.co_cellvars, *code.co_freevars):
            copied.pop(name, None)


def seeing(arrays: Iterable[Any], frame: FrameType) -> str:
    """Name the variables of the running function that hold other arrays on the memory of some."""
    known = [each for each in arrays if type(each) is np.ndarray]
    owners = {id(owner_of(each)) for each in known}
    found = [
        name
        for name, held in frame.f_locals.items()
        if type(held) is np.ndarray
        and held.base is not None
        and id(owner_of(held)) in owners
        and not any(held is each for each in known)
    ]
    forget_snapshot(frame)
    return " and ".join(found)


def _looked_up(
    look_up: Callable[[Any, Any], Iterator[Any]], owners: Iterator[Any], keys: list[Any]
) -> Iterator[Any]:
    for owner in owners:
        for key in keys:
            yield from look_up(owner, key)


def _item(container: Any, key: Any) -> Iterator[Any]:
    if type(container) in _CONTAINERS and type(key) in _KEYS:
        try:
            if type(container) not in _MAPPINGS or key in container:
                yield container[key]
        except (KeyError, IndexError, TypeError):
            return


def _attribute(owner: Any, name: Any) -> Iterator[Any]:
    """Yield an attribute, without calling a property or the like."""
    if type(name) is not str:
        return
    if isinstance(owner, ModuleType):
        if name in vars(owner):
            yield vars(owner)[name]
        return
    try:
        found = inspect.getattr_static(owner, name)
        looked_up_by = inspect.getattr_static(type(owner), "__getattribute__")
    except AttributeError:
        return
    if not isinstance(looked_up_by, WrapperDescriptorType):  # but a function of the user's
        return
    if isinstance(found, (staticmethod, classmethod)):
        yield found.__func__
    elif isinstance(found, (MemberDescriptorType, GetSetDescriptorType)):  # of __slots__
        try:
            yield found.__get__(owner)
        except AttributeError:
            return
    else:
        yield found
