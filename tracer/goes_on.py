"""Where a plain number that was traced goes, by the program's text: what is only looked at, what an operation took.

A constant says not where it is from. The text of the function in which a number left, or was written, says what is made
of it: where that is all that can be made of it, the number went nowhere else; and where an operation of the run stands
at such a place, with a constant, the number came back, however it was changed. What the text does not show is not
answered. Used by takers.py.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from tracer.diagnose.program_text import (
    Function,
    called_name,
    loads_in,
    parameters_in_order,
)
from tracer.diagnose.reading import program
from tracer.own_variables import is_made, is_new
from tracer.plain_calls import (
    PUTS,
    calls_directly,
    catches,
    does_end,
    does_make,
    gives_to_nobody,
    is_alone,
    is_conversion,
    is_of_one_number,
    is_text,
    is_to_caller,
    means_what_it_says,
    writes,
)
from tracer.running import running_at
from tracer.source import source_of
from tracer.syntax import span_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

    from tracer.diagnose.program_text import Text
    from tracer.diagnose.reading import Program
    from tracer.instructions import Span

_KEPT = 1 << 10  # places of which is known again where what stands there goes
_MOST = 400  # expressions that are followed
# What an expression stands in: where it ends, where it is handed on, where it is one of several
_LOOK = (ast.Expr, ast.Compare, ast.Slice)
_HAND_ON = (
    *(ast.UnaryOp, ast.FormattedValue, ast.Starred, ast.keyword),
    *(ast.ListComp, ast.SetComp, ast.GeneratorExp),
)
_HOLD = (ast.Tuple, ast.List, ast.Set, ast.Dict, ast.DictComp, ast.BoolOp, ast.IfExp)
# Operators of objects: of numbers they seldom are
_OF_OBJECTS = (ast.LShift, ast.RShift, ast.BitOr, ast.BitAnd, ast.BitXor)


class Join(NamedTuple):
    """A place at which an operation may take the number for a constant."""

    span: Span
    port: int | None  # which operand it is; None in a call
    is_certain: bool  # it is that, or made of it, whichever way the program goes


class Ways(NamedTuple):
    """Where a number goes from one place."""

    joins: tuple[Join, ...]
    is_followed: bool  # these are all
    # Whether the function gives it to its caller; True: what that gets is the number, or made of it
    returned: bool | None
    is_to_caller: bool  # to nobody else: no decorator keeps it, and it is no generator's or coroutine's
    is_raised: bool  # by an error, which ends the run where nothing catches it


def goes_nowhere(code: CodeType, offset: int) -> bool:
    """Tell whether the text alone says that no operation can take a number, nor the result."""
    ways = ways_of(code, offset)
    return (
        ways is not None
        and ways.is_followed
        and not (ways.joins or ways.is_raised)
        and ways.returned is None
    )


def ways_of(
    code: CodeType,
    offset: int,
    returned: bool | None = None,
    called: CodeType | None = None,
    *,
    is_text: bool = False,
) -> Ways | None:
    """Return where a number goes that left, or was written, at an instruction; None where the text can't be had.

    `returned` of a call that has it from another function, which `called` is: see Ways. `is_text`: it was written.
    """
    file = code.co_filename
    name = called.co_name if called is not None else ""
    return _ways_of(code, offset, returned, name, file, source_of([code]).get(file, ""), is_text)


@lru_cache(maxsize=_KEPT)
def _ways_of(
    code: CodeType,
    offset: int,
    returned: bool | None,
    called: str,
    file: str,
    written: str,
    is_text: bool,
) -> Ways | None:
    node = running_at(code, offset)
    if not isinstance(node, ast.expr):
        return None
    text = program(file, written)
    same = [each for each in text.nodes if type(each) is type(node) and span_of(each) == span_of(node)]
    # Before Python 3.12, what stands behind the colon in an f-string has the place of all of it.
    same = [each for each in same if not isinstance(text.parents.get(each), ast.FormattedValue)] or same
    if len(same) != 1 or text.enclosing(same[0]) is None:
        return None
    if returned is None and is_text and isinstance(same[0], ast.Call) and does_end(text, same[0]):
        return Ways(
            (), is_followed=means_what_it_says(text), returned=None, is_to_caller=True, is_raised=False
        )
    if returned is None:
        is_known = writes(text, same[0]) if is_text else is_conversion(text, same[0])
        return _Followed(text, same[0], is_of_one_number(same[0]), is_known).ways()
    is_direct = isinstance(same[0], ast.Call) and calls_directly(text, same[0], called)
    return _Followed(text, same[0], returned, is_direct).ways()


def may_catch(code: CodeType) -> bool:
    """Tell whether a function may go on after an error."""
    file = code.co_filename
    text = program(file, source_of([code]).get(file, ""))
    return catches(text.function(code.co_qualname) or text.tree)


class _Followed:
    """One number, followed through the text of a file."""

    def __init__(self, text: Program, start: ast.expr, is_certain: bool, is_followed: bool) -> None:
        self._text, self._start = text, start
        self._pending: list[tuple[ast.AST, bool]] = [(start, is_certain)]
        self._seen: dict[ast.AST, bool] = {}
        self._joins: dict[tuple[Span, int | None], bool] = {}
        self._calls: dict[Function, list[ast.Call]] = {}  # by function: those that handed it there
        self._is_followed = is_followed and means_what_it_says(text)
        self._gives: bool | None = None
        self._is_raised = False

    def ways(self) -> Ways:
        while self._pending and len(self._seen) < _MOST:
            node, is_certain = self._pending.pop()
            if node not in self._seen or (is_certain and not self._seen[node]):
                self._seen[node] = is_certain
                self._step(node, self._text.parents.get(node), is_certain)
        joins = [Join(span, port, is_certain) for (span, port), is_certain in self._joins.items()]
        functions = [each for each in (self._text.enclosing(self._start), *self._calls) if each is not None]
        is_caught = self._is_raised and any(map(catches, functions))
        is_followed = self._is_followed and not self._pending and not is_caught
        is_direct = is_to_caller(self._text, self._text.enclosing(self._start))
        return Ways(tuple(joins), is_followed, self._gives, is_direct, self._is_raised)

    def _on(self, node: ast.AST, is_certain: bool) -> None:
        self._pending.append((node, is_certain))

    def _lose(self) -> None:
        self._is_followed = False

    def _join(self, node: ast.expr | ast.stmt, port: int | None, is_certain: bool) -> None:
        key = span_of(node), port
        self._joins[key] = is_certain or self._joins.get(key, False)

    def _step(self, node: ast.AST, above: ast.AST | None, is_certain: bool) -> None:
        """Go on to what is around an expression that has the number."""
        if isinstance(above, _LOOK) or node is getattr(above, "test", None):
            return
        if isinstance(above, _HAND_ON):
            self._on(above, is_certain)
        elif isinstance(above, _HOLD):
            self._on(above, False)
        else:
            step = self._STEPS.get(type(above))
            if step is None:
                self._lose()
            else:
                step(self, node, above, is_certain)

    def _operator(self, node: ast.AST, above: ast.BinOp, is_certain: bool) -> None:
        if isinstance(above.op, _OF_OBJECTS):
            self._lose()
        if is_text(above):
            is_certain &= is_of_one_number(above)
        else:
            self._join(above, int(node is above.right), is_certain)
        self._on(above, is_certain)

    def _text_around(self, _: ast.AST, above: ast.JoinedStr, is_certain: bool) -> None:
        self._on(above, is_certain and is_of_one_number(above))

    def _subscript(self, node: ast.AST, above: ast.Subscript, is_certain: bool) -> None:
        changed = self._text.parents.get(above)
        if node is above.slice:
            self._key(above)
            return
        if isinstance(changed, ast.AugAssign) and changed.target is above:
            self._join(changed, 0, False)
        if isinstance(above.ctx, ast.Load):
            self._on(above, is_certain)
        elif isinstance(above.ctx, ast.Store):  # of an array, which is part of the graph if that is
            self._join(above, None, False)

    def _key(self, above: ast.Subscript) -> None:
        """Go on to where a container is read that may have the number for a key."""
        if not isinstance(above.ctx, ast.Load) or self._text.binds("defaultdict"):
            if isinstance(above.value, ast.Name):
                self._put(above.value)
            else:
                self._lose()

    def _attribute(self, _: ast.AST, above: ast.Attribute, is_certain: bool) -> None:
        call = self._text.parents.get(above)
        if isinstance(call, ast.Call) and call.func is above:
            if above.attr not in PUTS:
                self._join(call, None, False)
            if not gives_to_nobody(call):
                self._lose()
            self._on(call, is_certain and is_alone(above, call))
        else:
            self._on(above, is_certain)

    def _call(self, node: ast.AST, call: ast.Call, is_certain: bool) -> None:
        name = called_name(call)
        held = call.func.value if isinstance(call.func, ast.Attribute) else None
        if isinstance(self._text.parents.get(call), ast.Raise) and name != "StopIteration":
            self._is_raised = True
            return
        if does_end(self._text, call):
            return
        if does_make(self._text, call):
            self._join(call, None, is_certain)
            self._on(call, is_certain and is_alone(node, call))
        elif isinstance(held, ast.Constant):
            self._on(call, is_certain and is_of_one_number(call))
        elif isinstance(held, ast.Name) and name in PUTS:
            self._put(held)
        elif name == "eval":
            self._lose()
            self._on(call, is_certain)
        else:
            self._handed(node, call, is_certain)

    def _put(self, name: ast.Name) -> None:
        """Go on to where a container is read that was made in the function, as it is the only one to have it."""
        if self._is_new(name, is_made):
            self._named(name, False)
        else:
            self._lose()

    def _handed(self, node: ast.AST, call: ast.Call, is_certain: bool) -> None:
        """Go on in a function of the same file that is called by its name."""
        function = self._text.function(called_name(call)) if isinstance(call.func, ast.Name) else None
        is_known = function in self._text.tree.body and self._text.binds(called_name(call)) == 1
        if not isinstance(function, ast.FunctionDef) or function.decorator_list or not is_known:
            self._lose()
            return
        first, by_either, by_name = (
            [each.arg for each in some]
            for some in (function.args.posonlyargs, function.args.args, function.args.kwonlyargs)
        )
        given: dict[Any, Any] = dict(zip(call.args, first + by_either, strict=False))
        given |= {each: each.arg for each in call.keywords if each.arg in by_either + by_name}
        if node not in given or any(isinstance(each, ast.Starred) for each in call.args):
            self._lose()
            return
        calls = self._calls.setdefault(function, [])
        if call not in calls:
            calls.append(call)
            for each in ast.walk(function):  # what it returns goes on to this call, too
                self._seen.pop(each, None)
        self._read(function, given[node], is_certain and len(self._text.calls_of(function.name)) == 1)

    def _returned(self, node: ast.AST, _above: ast.Return | ast.Lambda, is_certain: bool) -> None:
        function = self._text.enclosing(node)
        calls = self._calls.get(function, []) if function is not None else []
        if calls and not is_to_caller(self._text, function):
            self._lose()
        if function is self._text.enclosing(self._start):
            self._gives = is_certain and self._gives in (None, True)
        for call in calls:
            self._on(call, is_certain and len(calls) == 1)

    def _told(self, _node: ast.AST, _above: ast.Assert, _is_certain: bool) -> None:
        self._is_raised = True

    def _assigned(self, _: ast.AST, above: Any, is_certain: bool) -> None:
        if isinstance(above, ast.AugAssign):
            self._join(above, 1, is_certain)
            if isinstance(above.target, ast.Name) and not self._is_new(above.target, is_new):
                self._lose()
        if isinstance(above, ast.NamedExpr):
            self._on(above, is_certain)
        for each in above.targets if isinstance(above, ast.Assign) else [above.target]:
            self._bind(each, is_certain)

    def _looped(self, node: ast.AST, above: ast.For | ast.comprehension, is_certain: bool) -> None:
        if node is above.iter:
            self._bind(above.target, is_certain)

    def _bind(self, target: ast.AST, is_certain: bool) -> None:
        match target:
            case ast.Name():
                self._named(target, is_certain)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for each in parts:
                    self._bind(each, False)
            case ast.Starred(value=held):
                self._bind(held, False)
            case ast.Subscript(value=ast.Name() as name):
                self._put(name)
            case _:
                self._lose()

    def _named(self, name: ast.Name, is_certain: bool) -> None:
        function = self._text.enclosing(name)
        if function is None:
            self._lose()
        else:
            self._read(function, name.id, is_certain)

    def _read(self, function: Function, name: str, is_certain: bool) -> None:
        """Go on to where a function reads one of its own variables."""
        variables = self._text.variables_of(function)
        if not variables.is_own(name):
            self._lose()
            return
        stores = variables.stores_of(name)
        changes = [each for each in stores if self._is_change(each)]
        is_certain &= len(stores) - len(changes) + (name in parameters_in_order(function)) == 1
        for each in stores:
            above = self._text.parents.get(each)
            if isinstance(above, ast.AugAssign):
                self._join(above, 0, is_certain)
        for load in variables.loads_of(name):
            self._on(load, is_certain)

    def _is_change(self, name: ast.Name) -> bool:
        """Tell whether a variable is given what is made of nothing but itself: `text = text.strip()`."""
        statement = self._text.parents.get(name)
        if not isinstance(statement, (ast.Assign, ast.AugAssign)):
            return False
        names = {each.id for each in loads_in(statement.value)}
        is_of_itself = name.id in names or isinstance(statement, ast.AugAssign)
        return is_of_itself and not any(map(self._text.is_variable, names - {name.id}))

    def _is_new(self, name: ast.Name, is_so: Callable[[Text, ast.Name, ast.AST], bool]) -> bool:
        """Tell of a variable whether each statement that gives it something gives it what nothing else has."""
        function = self._text.enclosing(name)
        if function is None or name.id in parameters_in_order(function):
            return False
        variables = self._text.variables_of(function)
        if variables.is_given_otherwise(name.id):
            return False
        stores = variables.stores_of(name.id)
        return bool(stores) and all(is_so(self._text, each, self._text.statement(each)) for each in stores)

    _STEPS: ClassVar[dict[type | None, Any]] = {
        ast.BinOp: _operator,
        ast.JoinedStr: _text_around,
        ast.Subscript: _subscript,
        ast.Attribute: _attribute,
        ast.Call: _call,
        ast.Assert: _told,
        ast.Assign: _assigned,
        ast.AnnAssign: _assigned,
        ast.AugAssign: _assigned,
        ast.NamedExpr: _assigned,
        ast.For: _looped,
        ast.comprehension: _looped,
        ast.Return: _returned,
        ast.Lambda: _returned,
    }
