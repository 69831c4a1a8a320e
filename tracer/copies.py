"""Where a variable's value goes on to by statements that only copy it: `x = y`, `self.h = b`, `return a, b`.

Used by syntax.py. It is read from the text alone, so a value is followed only along what is certain: from an
assignment to the statements that run whenever it has run, and behind a loop with what the loop assigned last. A
branch that may rebind the variable or leave the function ends it: no name is better than a wrong one.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Of an element of a returned tuple: its position in there, and so on inwards; empty for the value itself.
Path: TypeAlias = tuple[int, ...]
Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

DISPLAYS = (ast.Tuple, ast.List)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_CALLS = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom)
# Calls that change none of their arguments.
_READS = frozenset({"print", "append", "appendleft", "extend", "insert", "add", "update", "setdefault"})
_OWN_BODIES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


class Ends(NamedTuple):
    """Variables that a value is copied to, and the places in a result that it is returned at."""

    targets: list[ast.expr]
    returned: list[Path]


class Onward(NamedTuple):
    """Where the value of an assignment goes on to: each time, or where it was the call's last."""

    each: Ends
    last: Ends


class _Block(NamedTuple):
    """Statements that follow each other, and the place of the statement around them."""

    statements: Sequence[ast.stmt]
    around: _Block | None = None
    place: int = 0  # index of that statement
    is_loop: bool = False
    in_try: bool = False
    goes_on: bool = True  # behind it, the statement after the one around it is next


class _Facts(NamedTuple):
    """What a statement, with all that is in it, can do."""

    binds: frozenset[str]
    exits: bool  # leaves the statements that it stands in
    returns: bool
    calls: bool


class _Copy(NamedTuple):
    source: str
    targets: tuple[ast.expr, ...]
    returned: tuple[Path, ...]


class _Start(NamedTuple):
    """A variable has a value, before statement `at` of a block runs."""

    name: str
    block: _Block
    at: int
    is_last: bool = False


def variable_of(target: ast.expr) -> str:
    """Name the variable that is assigned to: `h`, `self.h`, `hs` for `hs[t]`; '' where there is no name."""
    while isinstance(target, ast.Subscript):
        target = target.value
    if isinstance(target, ast.Name):
        return target.id
    try:
        return ast.unparse(target) if isinstance(target, ast.Attribute) else ""
    except RecursionError:
        return ""


def name_of(target: ast.expr) -> str:
    """Name what is assigned to: an item with a key that is written out by its text, `state['h']`; else its variable.

    Not so `h[0]`, which is what a label calls the first value of h.
    """
    inner = target
    while isinstance(inner, ast.Subscript) and not _is_item(inner):
        inner = inner.value
    return ast.unparse(inner) if isinstance(inner, ast.Subscript) else variable_of(target)


def _is_item(target: ast.expr) -> bool:
    """Say whether a target is an item by a key that is text, of a variable or of another such item."""
    if not isinstance(target, ast.Subscript):
        return False
    while isinstance(target, ast.Subscript):
        if not (isinstance(target.slice, ast.Constant) and isinstance(target.slice.value, str)):
            return False
        target = target.value
    while isinstance(target, ast.Attribute):
        target = target.value
    return isinstance(target, ast.Name)


def elements(value: ast.expr) -> Iterator[tuple[Path, ast.expr]]:
    """Yield the elements of a tuple or list that is written out, up to a starred one; else the value itself."""
    if not isinstance(value, DISPLAYS):
        yield (), value
        return
    for position, item in enumerate(value.elts):
        if isinstance(item, ast.Starred):
            return
        yield from (((position, *path), part) for path, part in elements(item))


def pairs(targets: list[ast.expr], value: ast.expr) -> Iterator[tuple[ast.expr, list[ast.expr]]]:
    """Pair `a, b = x * y, z` element by element. Else the value goes to all targets, also those to be unpacked."""
    pending = [(targets, value)]
    while pending:
        targets, value = pending.pop()
        displays = [target.elts for target in targets if isinstance(target, DISPLAYS)]
        if isinstance(value, DISPLAYS):
            paired = [display for display in displays if _is_paired(display, value.elts)]
            pending += [([display[at] for display in paired], item) for at, item in enumerate(value.elts)]
        else:
            yield value, targets


def _is_paired(targets: list[ast.expr], values: list[ast.expr]) -> bool:
    starred = any(isinstance(element, ast.Starred) for element in (*targets, *values))
    return len(targets) == len(values) and not starred


@lru_cache(maxsize=64)  # by identity: a function that is traced again and again is read once
def onward_of(function: Function) -> tuple[dict[int, Onward], dict[str, Onward]]:
    """Say where values go on to: by identity of the target that they are assigned to, and by parameter."""
    copies = _Copies(function)
    if not copies.sources:
        return {}, {}
    by_target: dict[int, Onward] = {}
    for target, start in copies.starts():
        if (
            start.name in copies.sources
            and not _is_item(target)
            and (onward := copies.follow(start)) is not None
        ):
            by_target[id(target)] = onward
    arguments = function.args
    parameters = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    by_parameter = {
        each.arg: onward
        for each in parameters
        if each.arg in copies.sources
        and (onward := copies.follow(_Start(each.arg, copies.body, 0))) is not None
    }
    return by_target, by_parameter


class _Copies:
    """The statements of one function."""

    def __init__(self, function: Function) -> None:
        self.facts: dict[int, _Facts] = {}
        # Variables that any call may rebind
        self.shared = frozenset(
            name
            for node in ast.walk(function)
            if isinstance(node, (ast.Global, ast.Nonlocal))
            for name in node.names
        )
        self.body = _Block(function.body, goes_on=False)
        self.copies: dict[int, list[_Copy]] = {}
        self.sources: set[str] = set()
        for _, _, statement in self._statements():
            self.copies[id(statement)] = found = list(_copies(statement))
            self.sources.update(copy.source for copy in found)
            self.facts[id(statement)] = _facts(statement)

    def _statements(self) -> Iterator[tuple[_Block, int, ast.stmt]]:
        """Yield every statement of the function, with its block and its index in there."""
        pending = [self.body]
        while pending:
            block = pending.pop()
            for index, statement in enumerate(block.statements):
                yield block, index, statement
                pending += _blocks(statement, block, index)

    def starts(self) -> Iterator[tuple[ast.expr, _Start]]:
        """Yield every target in the function, and where its value can first be read."""
        for block, index, statement in self._statements():
            match statement:
                case ast.For(target=target) | ast.AsyncFor(target=target):
                    inside = _blocks(statement, block, index)[0]
                    yield from (
                        (part, _Start(variable_of(part), inside, 0)) for _, part in elements(target)
                    )
                case ast.Assign(targets=targets):
                    for target in targets:
                        for _, part in elements(target):
                            yield part, _Start(variable_of(part), block, index + 1)
                case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
                    yield target, _Start(variable_of(target), block, index + 1)
            if not _blocks(statement, block, index) or isinstance(statement, ast.If):
                bound = list(_bound(statement))
                for node in _walk(statement):
                    # With another binding, or a way out, in a branch behind it, it may not come to its end.
                    is_certain = not self.facts[id(statement)].exits
                    if isinstance(node, ast.NamedExpr) and is_certain and bound.count(node.target.id) == 1:
                        yield node.target, _Start(node.target.id, block, index + 1)

    def follow(self, start: _Start) -> Onward | None:
        """Say where a value goes on to; None for nowhere."""
        onward = Onward(Ends([], []), Ends([], []))
        pending = [start]
        while pending:
            name, block, at, is_last = start = pending.pop(0)
            after_loop = None if is_last else self._after_loop(start)
            if after_loop is not None:
                pending.append(after_loop)
            for copy, copied_at in self._met(name, block, at):
                ends = onward.last if is_last else onward.each
                ends.returned.extend(copy.returned)
                for target in copy.targets:
                    if not isinstance(target, ast.Subscript):
                        ends.targets.append(target)
                        pending.append(_Start(variable_of(target), *copied_at, is_last))
        return onward if any((*onward.each, *onward.last)) else None

    def _met(self, name: str, block: _Block, at: int) -> Iterator[tuple[_Copy, tuple[_Block, int]]]:
        """Yield the copies of a variable that are certain to run next, and what comes after each."""
        while True:
            for index in range(at, len(block.statements)):
                statement = block.statements[index]
                for copy in self.copies[id(statement)]:
                    if copy.source == name:
                        yield copy, (block, index + 1)
                facts = self.facts[id(statement)]
                may_change = facts.calls and ("." in name or name in self.shared or block.in_try)
                if name in facts.binds or facts.exits or may_change:
                    return
            if not block.goes_on or block.around is None:
                return
            block, at = block.around, block.place + 1

    def _after_loop(self, start: _Start) -> _Start | None:
        """Return the place behind the loop that an assignment stands in, if the loop's last one is its last value."""
        loop: _Block | None = None
        block: _Block | None = start.block
        while block is not None:
            if block.is_loop:
                if loop is not None:
                    return None  # of two loops: what the inner one gave last is not the last of the call
                loop = block
            block = block.around
        if loop is None or loop.around is None:
            return None
        statement = loop.around.statements[loop.place]
        if getattr(statement, "orelse", None) or self.facts[id(statement)].returns:
            return None
        bindings = [
            index
            for index, each in enumerate(loop.statements)
            for name in _bound(each)
            if name == start.name
        ]
        if isinstance(statement, (ast.For, ast.AsyncFor)):
            bindings += [-1 for _, part in elements(statement.target) if variable_of(part) == start.name]
        if len(bindings) > 1:
            if start.block is not loop or max(bindings) != start.at - 1:
                return None
            between = loop.statements[max(min(bindings), 0) : start.at]
            if any(self.facts[id(each)].exits or _blocks(each, loop, 0) for each in between):
                return None
        return _Start(start.name, loop.around, loop.place + 1, is_last=True)


def _blocks(statement: ast.stmt, around: _Block, index: int) -> list[_Block]:
    """Return the blocks in a statement."""
    match statement:
        case ast.If(body=body, orelse=orelse):
            return [around._replace(statements=each, around=around, place=index, is_loop=False, goes_on=True)
                    for each in (body, orelse)]  # fmt: skip
        case ast.With(body=body) | ast.AsyncWith(body=body):
            return [_Block(body, around, index, in_try=around.in_try)]
        case (
            ast.For(body=body, orelse=orelse)
            | ast.AsyncFor(body=body, orelse=orelse)
            | ast.While(body=body, orelse=orelse)
        ):
            loop = _Block(body, around, index, is_loop=True, in_try=around.in_try, goes_on=False)
            return [loop, _Block(orelse, around, index, in_try=around.in_try, goes_on=False)]
        case (
            ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=finalbody)
            | ast.TryStar(body=body, handlers=handlers, orelse=orelse, finalbody=finalbody)
        ):
            parts = (body, *(handler.body for handler in handlers), orelse, finalbody)
            return [_Block(part, around, index, in_try=True, goes_on=False) for part in parts]
        case ast.Match(cases=cases):
            return [_Block(case.body, around, index, in_try=around.in_try) for case in cases]
    return []


def _copies(statement: ast.stmt) -> Iterator[_Copy]:
    match statement:
        case ast.Assign(targets=targets, value=value):
            for part, to in pairs(targets, value):
                whole = tuple(target for target in to if not isinstance(target, DISPLAYS))
                if whole and isinstance(part, (ast.Name, ast.Attribute)):
                    yield _Copy(variable_of(part), whole, ())
        case ast.AnnAssign(target=target, value=(ast.Name() | ast.Attribute()) as value):
            yield _Copy(variable_of(value), (target,), ())
        case ast.Return(value=ast.expr() as value):
            for path, part in elements(value):
                if isinstance(part, (ast.Name, ast.Attribute)):
                    yield _Copy(variable_of(part), (), (path,))


def _facts(statement: ast.stmt) -> _Facts:
    nodes = list(_walk(statement))
    returns = any(isinstance(node, ast.Return) for node in nodes)
    jumps = any(isinstance(node, (ast.Break, ast.Continue)) for node in _walk(statement, but_loops=True))
    return _Facts(
        frozenset(_bound(statement)),
        returns or jumps or isinstance(statement, ast.Raise),
        returns,
        any(isinstance(node, _CALLS) for node in nodes),
    )


def _walk(statement: ast.stmt, *, but_loops: bool = False) -> Iterator[ast.AST]:
    """Yield the nodes of a statement that run when it runs."""
    pending: list[ast.AST] = [statement]
    while pending:
        node = pending.pop()
        yield node
        if but_loops and isinstance(node, _LOOPS):
            pending += node.orelse
        elif not isinstance(node, _OWN_BODIES):
            pending += ast.iter_child_nodes(node)


def _bound(statement: ast.stmt) -> Iterator[str]:
    """Yield what a statement may give another value: also what it writes into, or hands to a call for nothing else."""
    for node in _walk(statement):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Name(ctx=ast.Store() | ast.Del(), id=name):
                yield name
            case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
                yield variable_of(node)
            case ast.alias(name=name, asname=other):
                yield other or name.partition(".")[0]
            case (
                ast.ExceptHandler(name=str() as name)
                | ast.MatchAs(name=str() as name)
                | ast.MatchStar(name=str() as name)
            ):
                yield name
            case ast.Expr(value=ast.Call(func=called) as call):
                only_reads = variable_of(called).rpartition(".")[2] in _READS
                yield from _mentioned(called if only_reads else call)
            case ast.keyword(arg="out", value=value):
                yield from _mentioned(value)


def _mentioned(value: ast.expr) -> Iterator[str]:
    return (variable_of(node) for node in ast.walk(value) if isinstance(node, (ast.Name, ast.Attribute)))
