"""Whether a number that a traced function has left is the next state of one that was there: `W = W - rate * g`.

What a cache keeps is a constant in the next trace, where the program would have computed it of the same inputs: a
gradient is missing. The next state of a number is a constant there as the first one was. They are told apart by the
text: the expression that computed the number reads the place where it is left. Used by leftovers.py.
"""

from __future__ import annotations

import ast
from bisect import bisect_right
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from tracer.holders import Attribute, Cell, Item
from tracer.running import path_at
from tracer.standins import is_traced
from tracer.tape import AUXILIARY, WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import CodeType

    from tracer.holders import Holder
    from tracer.tape import Tape

_COMPREHENSIONS = (ast.ListComp, ast.DictComp, ast.GeneratorExp)
_NAMED = (ast.Name, ast.Attribute, ast.Subscript, ast.Call)


def is_next_state(stand_in: Any, places: Sequence[Holder], tape: Tape) -> bool:
    """Tell of a stand-in that was left at some places whether it took the place of what it was computed of."""
    if not places or not is_traced(stand_in):
        return False
    at = bisect_right(tape.segments, stand_in.id_, key=lambda segment: segment.start) - 1
    _, scope, code = tape.segments[at]
    offset = int(tape.instructions[stand_in.id_ // WIDTH])
    path = path_at(code, offset & ~AUXILIARY) if offset >= 0 else ()
    # Of a list or a dict that is computed anew, all of it
    read = [next((each for each in path if isinstance(each, _COMPREHENSIONS)), path[-1])] if path else []
    while read:
        named = [each for part in read for each in ast.walk(part) if isinstance(each, _NAMED)]
        if any(_is_at(place, each, code) for each in _placed(named, path[0]) for place in places):
            return True
        call = tape.scopes.calls[scope]
        if call.caller is None:
            return False
        names = {each.id for each in named if isinstance(each, ast.Name)}
        path = path_at(call.caller, call.instruction)
        read = list(_given(path[-1], names, call.code)) if path else []
        code, scope = call.caller, call.parent
    return False


def _given(call: ast.AST, names: set[str], code: CodeType) -> Iterator[ast.expr]:
    """Yield what a call gives for some parameters of a function; of a method, it may begin with the second one."""
    if not isinstance(call, ast.Call):
        return
    given = list(takewhile(lambda each: not isinstance(each, ast.Starred), call.args))
    for first in range(2 if isinstance(call.func, ast.Attribute) else 1):
        yield from (
            each
            for name, each in zip(code.co_varnames[first : code.co_argcount], given, strict=False)
            if name in names
        )
    yield from (each.value for each in call.keywords if each.arg in names)


def _placed(named: list[Any], statement: ast.AST) -> Iterator[ast.expr]:
    """Yield the variables and attributes among what is read, and the items that the statement writes, too."""
    match statement:
        case ast.Assign(targets=targets):
            pass
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
            targets = [target]
        case ast.Expr(ast.Call(ast.Name("setattr"), [of, name, _])):
            targets = [_attribute(of, name)]
        case ast.Expr(ast.Call(ast.Attribute(of, "update"), given, named_ones)):
            targets = [target for each in (*given, *named_ones) for target in _updated(of, each)]
        case _:
            targets = []
    written = {ast.unparse(each) for target in targets for each in getattr(target, "elts", [target])}
    for each in named:
        match each:
            case ast.Call(ast.Name("getattr"), [of, name, *_]):
                if ast.unparse(_attribute(of, name)) in written:
                    yield ast.Attribute(of, str(name.value)) if isinstance(name, ast.Constant) else each
            case ast.Name() | ast.Attribute():
                yield each
        if ast.unparse(each) in written:  # also what is in a list that takes the place of another one
            yield each if isinstance(each, ast.Subscript) else ast.Subscript(each, ast.Slice())


def _attribute(of: ast.expr, name: ast.expr) -> ast.expr:
    return ast.Call(ast.Name("getattr"), [of, name], [])


def _updated(of: ast.expr, given: ast.AST) -> Iterator[ast.expr]:
    """Yield what `of.update(given)` writes: items, attributes, or all of it where it goes through what is there."""
    keys: list[ast.expr | None] = []
    match given:
        case ast.keyword(str(name)):
            keys = [ast.Constant(name)]
        case ast.keyword(None, inner):
            yield from _updated(of, inner)
        case ast.Dict(found):
            keys = [*found]
        case ast.DictComp(key, _, [each, *_]) | ast.GeneratorExp(ast.Tuple([key, _]), [each, *_]):
            keys = [key]
            if any(ast.unparse(of) == ast.unparse(inner) for inner in ast.walk(each.iter)):
                yield of
    for key in filter(None, keys):
        yield ast.Subscript(of, key)
        match of:
            case ast.Attribute(owner, "__dict__") | ast.Call(ast.Name("vars"), [owner]):
                yield _attribute(owner, key)


def _is_at(place: Holder, read: ast.expr, code: CodeType) -> bool:
    """Tell whether a place may be what is read; a variable of the function's own is none."""
    match read, place:
        case ast.Name(name), Cell():
            return name in code.co_freevars
        case ast.Name(name), Item(_, key):
            return key == name and name not in (*code.co_varnames, *code.co_cellvars)
        case ast.Attribute(_, name), Item(_, key) | Attribute(_, key):
            return bool(key == name)
        case ast.Call(), Item(_, key) | Attribute(_, key):
            return isinstance(key, str)
        case ast.Subscript(of, ast.Constant(constant)), Item(_, key):
            return key == constant and _is_lasting(of, code)
        case ast.Subscript(of, _), Item():
            return _is_lasting(of, code)
    return False


def _is_lasting(node: ast.expr, code: CodeType) -> bool:
    """Tell whether what an item is read of is no variable that the function has made itself."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    match node:
        case ast.Call(ast.Name("vars"), [of]):
            return _is_lasting(of, code)
    own = {*code.co_varnames[code.co_argcount + code.co_kwonlyargcount :], *code.co_cellvars}
    return isinstance(node, ast.Name) and node.id not in own
