"""Loops as the program's text has them: which are around an expression, what runs in each turn.

Used by turns.py, which finds the turns in a run. No answer is better than a wrong one: a loop whose turns nothing
tells apart is not named.
"""

from __future__ import annotations

import ast
from functools import cached_property
from typing import TYPE_CHECKING

from tracer.diagnose.program_text import Function, Text, called_name, parameters_in_order
from tracer.diagnose.written_loop import COMPREHENSIONS, WrittenLoop, whole_number, written_loop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.source import Site

_STATEMENTS = (ast.For, ast.AsyncFor, ast.While)
_CHOICES = (ast.IfExp, ast.BoolOp, ast.NamedExpr)
_COPIES = (
    *_CHOICES,
    ast.Name,
    ast.Attribute,
    ast.Subscript,
    ast.Starred,
    ast.Await,
    ast.Yield,
    ast.Tuple,
    ast.List,
)
_IN_STEP = ("zip", "enumerate")  # which take an item of each in each turn
_OWN_BODIES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


class LoopText:
    """The loops of one file."""

    def __init__(self, file: str, source: str) -> None:
        self._text = Text(file, source)
        self._loops: dict[ast.AST, WrittenLoop] = {}
        self._copied: dict[ast.AST, frozenset[str]] = {}

    @cached_property
    def _nodes(self) -> dict[tuple[int, int, int, int], ast.AST]:
        found: dict[tuple[int, int, int, int], ast.AST] = {}
        for node in ast.walk(self._text.tree):
            if isinstance(node, ast.expr | ast.AugAssign):
                found.setdefault(self._text.position(node), node)
        return found

    def node_at(self, site: Site) -> ast.AST | None:
        """Return the expression at a place."""
        return self._nodes.get((site.line, site.column, site.end_line, site.end_column))

    def around(self, node: ast.AST, function: str) -> list[WrittenLoop] | None:
        """Return the loops around an expression, the outermost first; None where they are unclear.

        Also where its function is another one than is named: a generator runs when somebody else wants it to.
        """
        found = []
        child, parent = node, self._text.parents.get(node)
        part: ast.AST = node  # of a comprehension: what of its clause the expression is in
        while parent is not None and not isinstance(parent, _OWN_BODIES):
            if isinstance(parent, _STATEMENTS) and _is_inside(child, parent):
                found.append(self._loop(parent))
            elif isinstance(parent, COMPREHENSIONS) and part is not parent.generators[0].iter:
                if len(parent.generators) > 1 or parent.generators[0].ifs:
                    return None
                found.append(self._loop(parent))
            part = child if isinstance(parent, ast.comprehension) else parent
            child, parent = parent, self._text.parents.get(parent)
        if (
            function
            and getattr(parent, "name", "<lambda>" if parent is not None else "<module>") != function
        ):
            return None
        return found[::-1]

    def _loop(self, node: ast.AST) -> WrittenLoop:
        if node not in self._loops:
            self._loops[node] = written_loop(node)
        return self._loops[node]

    def step_of(self, node: ast.AST, loop: WrittenLoop) -> int:
        """Say in which statement of a loop an expression stands; −1 for the test of a `while`."""
        body = getattr(loop.node, "body", ())
        above: ast.AST | None = node
        while above is not None and above is not loop.node:
            for at, statement in enumerate(body):
                if above is statement:
                    return at
            if above is getattr(loop.node, "test", None):
                return -1
            above = self._text.parents.get(above)
        return 0

    def is_behind(self, node: ast.AST, other: ast.AST) -> bool:
        """Say whether the first of two expressions of a statement is evaluated later: around it, or to the right."""
        above: ast.AST | None = node
        while above is not None and above is not other:
            above = self._text.parents.get(above)
        if above is other:
            return False
        start = {
            each: (getattr(each, "lineno", 0), getattr(each, "col_offset", 0)) for each in (node, other)
        }
        return any(each is other for each in ast.walk(node)) or start[node] > start[other]

    def runs_in_each_turn(self, node: ast.AST, loop: WrittenLoop) -> bool:
        """Say whether an expression is evaluated once in each turn that comes to its end."""
        child, parent = node, self._text.parents.get(node)
        while parent is not None and parent is not loop.node:
            if not _is_certain(child, parent):
                return False
            child, parent = parent, self._text.parents.get(parent)
        if parent is None or not isinstance(loop.node, _STATEMENTS):
            return parent is not None and not isinstance(child, ast.comprehension)
        if not any(child is statement for statement in loop.node.body):
            return False
        before = loop.node.body[: self.step_of(node, loop) + 1]
        return not any(_continues(statement) for statement in before)

    def turns_in_each(self, inner: WrittenLoop, loop: WrittenLoop) -> int | None:
        """Return how many turns a loop takes in each turn of another one, if that is written: `range(20)`."""
        match inner.node:
            case ast.For(iter=ast.Call(func=ast.Name(id="range"), args=written, keywords=[]), body=body):
                numbers = [whole_number(each) for each in written]
            case _:
                return None
        if None in numbers or any(
            isinstance(each, ast.Break) for part in body for each in _own_parts(part)
        ):
            return None
        if not self.runs_in_each_turn(inner.node, loop) or self._is_left_early(inner.node, loop.node):
            return None
        try:
            return len(range(*numbers)) or None  # type: ignore[arg-type]  # none of them is None
        except (TypeError, ValueError, OverflowError):
            return None

    def _is_left_early(self, node: ast.AST, loop: ast.AST) -> bool:
        """Say whether an error may end a part of a loop without ending the loop: some `with` swallow it."""
        above = self._text.parents.get(node)
        while above is not None and above is not loop:
            if isinstance(above, ast.With | ast.AsyncWith):
                return True
            above = self._text.parents.get(above)
        return False

    def is_seen_from_the_start(self, node: ast.AST, region: ast.AST) -> bool:
        """Say whether what an expression first reads of before a loop, or a function, it has read in every run of it.

        Not so where one of its variables is set to something else in between that is only copied: after twelve
        turns with plain numbers, `force = thrust if t >= 12 else 0.0` hands on what was there all the time.
        """
        inner = list(ast.walk(node))
        if any(isinstance(each, _CHOICES) for each in inner):
            return False
        names = {each.id for each in inner if isinstance(each, ast.Name)}
        names |= {each.attr for each in inner if isinstance(each, ast.Attribute)}
        return names.isdisjoint(self._copied_in(region))

    def is_steady(self, name: str, region: ast.AST) -> bool:
        """Say whether a variable is not set to what may be there already by a loop."""
        return bool(name) and name not in self._copied_in(region)

    def items_taken(self, node: ast.AST) -> tuple[WrittenLoop, tuple[str, ...]] | None:
        """Return the loop that takes its items from what an expression says, and the variables that it takes them of.

        None for what need not be taken from its first item on, one in each turn, such as an iterator.
        """
        loop = self._text.parents.get(node)
        if isinstance(loop, ast.comprehension):
            loop = self._text.parents.get(loop)
        of = [node]
        if isinstance(node, ast.Call) and called_name(node) in _IN_STEP:
            of = list(node.args)
        if not isinstance(loop, (*_STATEMENTS, *COMPREHENSIONS)) or _items_of(loop) is not node:
            return None
        return self._loop(loop), tuple(each.id for each in of if isinstance(each, ast.Name))

    def function_around(self, node: ast.AST) -> Function | None:
        """Return the function that an expression stands in."""
        return self._text.enclosing(node)

    def is_set_once(self, name: str, function: Function) -> bool:
        """Say whether a variable or parameter of a function is given a value at one place."""
        times = sum(_set_name(each) == name for each in ast.walk(function))
        return times + (name in parameters_in_order(function)) == 1

    def _copied_in(self, region: ast.AST) -> frozenset[str]:
        """Return the variables that are set to what may be there already somewhere in a loop or a function."""
        if region not in self._copied:
            set_here = ((_set_name(each), each) for each in ast.walk(region))
            self._copied[region] = frozenset(
                name for name, each in set_here if name and self._is_copied(each)
            )
        return self._copied[region]

    def _is_copied(self, name: ast.AST) -> bool:
        """Say whether a variable is set to what may be there already; by arguments, counters and calls it is not."""
        above = self._text.parents.get(name)
        match above:
            case ast.AugAssign() | ast.arg():
                return False
            case ast.Assign(value=value) | ast.AnnAssign(value=value):
                return isinstance(value, _COPIES)
            case ast.Tuple(elts=parts):
                statement = self._text.parents.get(above)
                if isinstance(statement, ast.Assign):
                    value = statement.value
                    if isinstance(value, ast.Tuple) and len(value.elts) == len(parts):
                        value = value.elts[[each is name for each in parts].index(True)]
                    return isinstance(value, _COPIES)
        while above is not None and not isinstance(above, (*_STATEMENTS, *COMPREHENSIONS)):
            above = self._text.parents.get(above)
        loop = self._loop(above) if above is not None else None
        return loop is None or not (loop.is_counter and loop.name == _set_name(name))

    def runs_in_each_call(self, node: ast.AST) -> ast.AST | None:
        """Return the function whose calls all evaluate an expression once; None where it need not."""
        child, parent = node, self._text.parents.get(node)
        while parent is not None and not isinstance(parent, _OWN_BODIES):
            if not (_is_certain(child, parent) or _runs_some_turns(parent)):
                return None
            child, parent = parent, self._text.parents.get(parent)
        body = getattr(parent, "body", ())
        if not isinstance(body, list):
            return parent if body is child else None
        for statement in body:
            if statement is child:
                return parent
            if any(isinstance(each, ast.Return) for each in _own_parts(statement)):
                return None
        return None


def operand_name(node: ast.AST, operand: int) -> str:
    """Return the variable that is an operand of an operator; empty where it is none."""
    operands: list[ast.expr] = []
    match node:
        case ast.BinOp(left=first, right=second) | ast.AugAssign(target=first, value=second):
            operands = [first, second]
        case ast.UnaryOp(operand=first) | ast.Subscript(value=first):
            operands = [first]
    name = operands[operand] if operand < len(operands) else None
    return name.id if isinstance(name, ast.Name) else ""


def argument_name(call: ast.AST | None, function: Function | None, parameter: str) -> str:
    """Return the variable that a call gives a function for a parameter; empty where it need not be one."""
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        return ""
    if (
        not isinstance(function, ast.FunctionDef)
        or function.name != call.func.id
        or function.decorator_list
    ):
        return ""
    given: dict[str | None, ast.expr] = {each.arg: each.value for each in call.keywords}
    if not any(isinstance(each, ast.Starred) for each in call.args):
        given |= zip(parameters_in_order(function), call.args, strict=False)
    name = given.get(parameter)
    return name.id if isinstance(name, ast.Name) else ""


def _items_of(loop: ast.AST) -> ast.expr | None:
    """Return what a loop takes its items from."""
    if isinstance(loop, COMPREHENSIONS):
        return loop.generators[0].iter if len(loop.generators) == 1 else None
    return getattr(loop, "iter", None)


def _runs_some_turns(node: ast.AST) -> bool:
    """Say whether it is a loop that is known to run at least once."""
    match node:
        case ast.For(iter=ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int(count))])):
            return count > 0
    return False


def _set_name(node: ast.AST) -> str:
    """Return the variable or attribute that is set here; empty where none is."""
    if isinstance(node, ast.Name | ast.Attribute) and not isinstance(node.ctx, ast.Load):
        return node.id if isinstance(node, ast.Name) else node.attr
    return ""


def _is_inside(child: ast.AST, loop: ast.AST) -> bool:
    """Say whether a part of a loop runs in each turn, and not once before or after."""
    return any(child is each for each in (*getattr(loop, "body", ()), getattr(loop, "test", None)))


def _is_certain(child: ast.AST, parent: ast.AST) -> bool:
    """Say whether a part is evaluated, and once, where what it is part of is."""
    match parent:
        case ast.If(test=first) | ast.IfExp(test=first) | ast.Match(subject=first) | ast.Assert(test=first):
            return child is first
        case ast.For(iter=first) | ast.AsyncFor(iter=first):
            return child is first
        case ast.BoolOp(values=[first, *_]):
            return child is first
        case ast.Compare(left=left, comparators=[first, *_]):
            return child is left or child is first
    return not isinstance(
        parent,
        (
            ast.While,
            ast.Try,
            ast.TryStar,
            ast.match_case,
            ast.comprehension,
            *COMPREHENSIONS,
            *_OWN_BODIES,
        ),
    )


def _continues(statement: ast.stmt) -> bool:
    """Say whether a statement can go on to the next turn of the loop that it stands in."""
    return any(isinstance(node, ast.Continue) for node in _own_parts(statement))


def _own_parts(statement: ast.AST) -> Iterator[ast.AST]:
    pending = [statement]
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, (*_STATEMENTS, *_OWN_BODIES)):
            pending += ast.iter_child_nodes(node)
