"""Whether a comparison with an equal number only decides of the way, by the program's text, and takes no kept number.

A cache gives what it has for an equal number, `if x == self.x: return self.y`. An assertion, a loop that has converged
(`if x == last: break`), a bound that is reached (`if y == HIGH: return 2 * x`) do not. What the text does not show is
not answered. And whether an array is only looked at: tested, compared, shown. Used by asked_for.py and text_reads.py.
"""

from __future__ import annotations

import ast
import builtins
from functools import lru_cache
from types import BuiltinFunctionType, ModuleType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tracer.diagnose.program_text import Function, called_name, loads_in, parameters_in_order
from tracer.exact import Exact
from tracer.frames import is_library, users
from tracer.function_text import text_of
from tracer.plain_calls import catches, does_end, does_make
from tracer.standins import is_traced
from tracer.syntax import span_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FrameType
    from typing import Any

    from tracer.diagnose.program_text import Text

_KEPT = 1 << 8  # places of which is known again what is decided there
_EQUAL = frozenset("array_equal array_equiv allclose equal assertEqual".split())
_HANDING_ON = frozenset("all any bool".split())
_PLAIN = (int, bool, str, bytes, type(None), np.ufunc, Exact)
_JUMPS = (ast.Return, ast.Continue, ast.Break)
_NOTHING = (ast.Pass, ast.Raise)
_OPERATED = (ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.FormattedValue, ast.JoinedStr)
_TESTING = (ast.If, ast.While, ast.IfExp, ast.Assert)


class _Decided(NamedTuple):
    """What runs where the numbers are equal: variables that are read; those that are also in the comparison."""

    read: frozenset[str]
    own: frozenset[str]


_NOTHING_READ = _Decided(frozenset(), frozenset())


def only_decides(frame: FrameType) -> bool:
    """Tell whether the comparison that a frame is at takes no number that the program has kept with an equal one."""
    frame = users(frame)
    decided = _decided(frame.f_code, frame.f_lasti)
    return decided is not None and all(
        _holds_none(name, name in decided.own, frame) for name in decided.read
    )


def _holds_none(name: str, is_own: bool, frame: FrameType) -> bool:
    """Tell whether a variable holds no number that was kept: a value that is followed, a count, a function."""
    names = (frame.f_locals, frame.f_globals, vars(builtins))
    value: Any = next((each[name] for each in names if name in each), None)
    kind = type(value)
    if kind is ModuleType:
        return is_library(value.__name__) or value.__name__ == "math"
    if kind is BuiltinFunctionType:  # and no `kept.get`
        return type(value.__self__) in (ModuleType, type(None))
    is_python_s = value is getattr(builtins, name, None)
    return is_python_s or kind in _PLAIN or (is_own and is_traced(value))


@lru_cache(maxsize=_KEPT)
def _decided(code: CodeType, offset: int) -> _Decided | None:
    """Return what runs after a comparison; None where its result, or what is kept, may go on from there."""
    found = text_of(code, code.co_filename)
    span = [*code.co_positions()][offset // 2]
    line = span[0]
    if found is None or line is None:
        return None
    text, function = found
    if catches(function):  # and may take what is kept after an error
        return None
    asserted = (each for each in ast.walk(function) if isinstance(each, ast.Assert))
    if any(each.lineno <= line <= (each.end_lineno or 0) for each in asserted):  # pytest writes it anew
        return _NOTHING_READ
    nodes = [
        each
        for each in ast.walk(function)
        if isinstance(each, (ast.Compare, ast.Call)) and span_of(each) == span
    ]
    return _followed(text, function, nodes[0]) if len(nodes) == 1 else None


def _followed(text: Text, function: Function, compared: ast.Compare | ast.Call) -> _Decided | None:
    node: ast.AST = compared
    is_true = _is_true(compared)
    while not isinstance(node, ast.stmt):
        above = text.parents[node]
        if isinstance(node, ast.Call) and (called_name(node).startswith("assert") or does_end(text, node)):
            return _NOTHING_READ
        if isinstance(above, (ast.If, ast.IfExp, ast.While)) and node is above.test:
            ran = None if is_true is None else _ran(text, function, above, is_true=is_true)
            if ran is None:
                return None
            own = {each.id for each in loads_in(compared)} | {*parameters_in_order(function)}
            return _Decided(frozenset(_read_in(ran)), frozenset(own))
        if isinstance(above, ast.UnaryOp) and isinstance(above.op, ast.Not):
            is_true = None if is_true is None else not is_true
        elif not isinstance(above, ast.BoolOp) and not _hands_on(above):
            return None
        node = above
    return None


def _is_true(compared: ast.Compare | ast.Call) -> bool | None:
    """Tell what a comparison of equal numbers gives; None where nobody knows."""
    if isinstance(compared, ast.Call):
        return True if called_name(compared) in _EQUAL else None
    ops = [type(each) for each in compared.ops]
    return True if ops in ([ast.Eq], [ast.In]) else False if ops in ([ast.NotEq], [ast.NotIn]) else None


def _hands_on(node: ast.AST) -> bool:
    """Tell whether an expression is the outcome for all elements, `(x == kept).all()`, or asserts or shows it."""
    if isinstance(node, ast.Attribute):
        return node.attr in _HANDING_ON
    name = called_name(node) if isinstance(node, ast.Call) else ""
    return name in _HANDING_ON or name.startswith("assert") or name == "print"


def _ran(text: Text, function: Function, decided: Any, *, is_true: bool) -> list[ast.AST] | None:
    """Return what runs for equal numbers: that, and what follows if it might not have come to that."""
    if isinstance(decided, ast.IfExp):
        return [decided.body if is_true else decided.orelse]
    if isinstance(decided, ast.While):
        return None if is_true else _after(text, function, decided)
    taken: list[ast.AST] = decided.body if is_true else decided.orelse
    skipped: list[ast.AST] = decided.orelse if is_true else decided.body
    last = taken[-1] if taken else None
    if isinstance(last, ast.Break):
        loop = text.loop_around(decided)
        rest = None if loop is None else _after(text, function, loop)
        return None if rest is None else [*taken, *rest]
    if isinstance(last, (ast.Return, ast.Continue, ast.Raise)):
        return taken
    if all(isinstance(each, _NOTHING) for each in skipped):
        return taken
    is_jump = all(isinstance(each, (*_NOTHING, *_JUMPS)) for each in skipped)
    rest = _after(text, function, decided) if is_jump else None
    return None if rest is None else [*taken, *rest]


def _after(text: Text, function: Function, done: Any) -> list[ast.AST] | None:
    """Return the statements of a function that follow one; None where it may run again in a loop."""
    if text.loop_around(done) is not None or isinstance(function, ast.Lambda):
        return None
    return [
        each
        for each in ast.walk(function)
        if isinstance(each, ast.stmt) and each.lineno > (done.end_lineno or done.lineno)
    ]


def _read_in(parts: list[ast.AST]) -> Iterator[str]:
    """Yield the variables that are read, but not in comparisons, and not those that count: `self.hits += 1`."""
    pending = [*parts]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load):
                yield node.id
        elif isinstance(node, ast.AugAssign) and isinstance(node.value, ast.Constant):
            continue
        elif not isinstance(node, (ast.Compare, ast.Raise)):
            pending += ast.iter_child_nodes(node)


def is_only_looked_at(text: Text, node: ast.AST) -> bool:
    """Tell whether an expression is only tested, compared or shown, or what NumPy makes of it."""
    while True:
        above = text.parents.get(node)
        if isinstance(above, ast.Compare) or (isinstance(above, _TESTING) and node is above.test):
            return True
        if isinstance(above, ast.Call):
            if does_end(text, above):
                return True
            is_method = node is above.func and isinstance(node, ast.Attribute)
            if not is_method and not (node in above.args and does_make(text, above)):
                return False
        elif not isinstance(above, (*_OPERATED, ast.Attribute)):
            return False
        node = above
