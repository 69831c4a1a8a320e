"""The syntax tree's side of a place: what is written, and where values flow. Used by source.py."""

from __future__ import annotations

import ast
import sys
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from tracer.copies import DISPLAYS, Onward, Path, elements, onward_of, pairs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.instructions import Code, Span

    _Comprehension: TypeAlias = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp

_LOOPS_AT_ITERATOR = sys.version_info >= (3, 13)  # before, at the whole statement or comprehension
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Flow(NamedTuple):
    """Where the value of an expression goes unchanged; `targets` may be tuples that take it apart."""

    targets: tuple[ast.expr, ...] = ()
    returned: tuple[Path, ...] = ()


NOWHERE = Flow()


class FunctionScope(NamedTuple):
    """What a code object is made of; a first line of None stands for any."""

    name: str
    first_line: int | None
    parameters: tuple[str, ...] = ()
    # From Python 3.12 on, comprehensions run in the function around them
    inlined_in: FunctionScope | None = None

    def is_of(self, code: Code) -> bool:
        """Check whether the code object can have been made of this."""
        return (
            self.name == code.code.co_name
            and self.first_line in {None, code.code.co_firstlineno}
            and len(self.parameters) == len(code.parameters)
            and all(map(_is_same_name, self.parameters, code.parameters))
        ) or (self.inlined_in is not None and self.inlined_in.is_of(code))


def _is_same_name(written: str, compiled: str) -> bool:
    """Compare two names; in a class, `__x` is compiled to `_Class__x`."""
    return written == compiled or (written.startswith("__") and compiled.endswith(written))


class Visit(NamedTuple):
    """One node met on the walk: where its value goes, and the code object that it is part of."""

    node: ast.AST
    flow: Flow
    scope: FunctionScope


class Loop(NamedTuple):
    """One `for`, of a statement or a comprehension."""

    iterator: ast.expr
    target: ast.expr
    scope: FunctionScope


class Index(NamedTuple):
    """The nodes of one file at the spans that were asked for; calls and attributes also by their end.

    `onward` says where the value of a target is copied to, by the target's identity.
    """

    nodes: dict[Span, Visit]
    ends: dict[tuple[int | None, int | None], Visit]
    loops: dict[Span, list[Loop]]
    onward: dict[int, Onward]
    parameters: list[tuple[FunctionScope, dict[str, Onward]]]


def index_of(tree: ast.Module, spans: set[Span]) -> Index:
    """Find the nodes at the spans, in one walk that passes over statements without any."""
    index = Index({}, {}, {}, {}, [])
    lines = sorted({span[0] for span in spans if span[0] is not None})
    ends = {(span[1], span[3]) for span in spans}
    stack = [Visit(tree, NOWHERE, FunctionScope("<module>", None))]
    while stack:
        visit = stack.pop()
        node = visit.node
        if isinstance(node, (ast.expr, ast.stmt, ast.pattern)):
            if isinstance(node, ast.stmt) and not holds_any(node, lines):
                continue
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                onward, parameters = onward_of(node)
                index.onward.update(onward)
                index.parameters.append((_definition_scope(node), parameters))
            span = span_of(node)
            if span in spans and not isinstance(node, ast.Expr):
                index.nodes.setdefault(span, visit)  # of two nodes with one span, the outer one
            for part in _shown(node) if isinstance(node, ast.JoinedStr) else ():
                if span_of(part) in spans:  # its own from Python 3.12 on: before, that of the f-string
                    index.nodes.setdefault(span_of(part), visit)
            if isinstance(node, (ast.Call, ast.Attribute)) and (span[1], span[3]) in ends:
                index.ends[span[1], span[3]] = visit
            for loop in _loops(visit):
                at = span_of(loop.iterator) if _LOOPS_AT_ITERATOR else span
                if at in spans:
                    index.loops.setdefault(at, []).append(loop)
            if isinstance(node, (ast.Name, ast.Constant)):
                continue
        stack.extend(_children(visit))
    return index


def holds_any(node: ast.stmt, lines: list[int]) -> bool:
    """Tell whether a statement is on any of some lines, which are in order."""
    at = bisect_left(lines, _first_line(node))
    return at < len(lines) and lines[at] <= (node.end_lineno or node.lineno)


def _first_line(node: ast.stmt) -> int:
    """Say where a code object begins: at the first decorator, if there are any."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return decorators[0].lineno if decorators else node.lineno


def span_of(node: ast.expr | ast.stmt | ast.pattern) -> tuple[int, int, int, int]:
    """Return the span of a node, as `co_positions` has it."""
    return node.lineno, node.end_lineno or 0, node.col_offset, node.end_col_offset or 0


def _shown(text: ast.JoinedStr) -> Iterator[ast.FormattedValue]:
    """Yield what an f-string shows, also behind a colon: `{x:{width}}`."""
    for part in text.values:
        if isinstance(part, ast.FormattedValue):
            yield part
            yield from _shown(part.format_spec) if isinstance(part.format_spec, ast.JoinedStr) else ()


def _loops(visit: Visit) -> list[Loop]:
    match visit.node:
        case ast.For(iter=iterator, target=target):
            return [Loop(iterator, target, visit.scope)]
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp() as node:
            scope = _comprehension_scope(node, visit.scope)
            return [Loop(each.iter, each.target, scope) for each in node.generators if not each.is_async]
    return []


def _children(visit: Visit) -> Iterator[Visit]:
    """Yield the children, each with where its value goes and the scope that it is computed in."""
    node, flow, scope = visit
    match node:
        case ast.Assign(targets=targets, value=value):
            yield from (Visit(target, NOWHERE, scope) for target in targets)
            yield from (Visit(part, Flow(tuple(to)), scope) for part, to in pairs(targets, value))
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            yield Visit(target, NOWHERE, scope)
            yield Visit(value, Flow((target,)), scope)
        case ast.NamedExpr(target=target, value=value):
            yield Visit(value, Flow((target, *flow.targets), flow.returned), scope)
        case ast.IfExp(test=test, body=first, orelse=second):
            yield Visit(test, NOWHERE, scope)
            yield Visit(first, flow, scope)
            yield Visit(second, flow, scope)
        case ast.BoolOp(values=values):
            yield from (Visit(value, flow, scope) for value in values)
        case ast.Return(value=ast.expr() as value):
            parts = list(elements(value))
            yield from (Visit(part, Flow(returned=(path,)), scope) for path, part in parts)
            if isinstance(value, DISPLAYS):
                known = {id(part) for _, part in parts}
                yield from (Visit(item, NOWHERE, scope) for item in _rest(value, known))
        case ast.Lambda(args=arguments, body=value):
            yield Visit(arguments, NOWHERE, scope)
            yield Visit(value, Flow(returned=((),)), _function_scope("<lambda>", node.lineno, arguments))
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            body = _definition_scope(node)  # and decorators, defaults and bases are outside of it
            for child in ast.iter_child_nodes(node):
                yield Visit(child, NOWHERE, body if isinstance(child, ast.stmt) else scope)
        case _:
            inside = _comprehension_scope(node, scope) if isinstance(node, COMPREHENSIONS) else scope
            children = (child for child in ast.iter_child_nodes(node) if child._fields)  # not operators
            yield from (Visit(child, NOWHERE, inside) for child in children)


def _rest(display: ast.expr, known: set[int]) -> Iterator[ast.expr]:
    """Yield what is in a display from a starred element on."""
    if isinstance(display, DISPLAYS):
        for item in display.elts:
            yield from _rest(item, known)
    elif id(display) not in known:
        yield display


def _function_scope(name: str, first_line: int, arguments: ast.arguments) -> FunctionScope:
    parameters = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    parameters += [extra for extra in (arguments.vararg, arguments.kwarg) if extra is not None]
    return FunctionScope(name, first_line, tuple(parameter.arg for parameter in parameters))


def _definition_scope(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> FunctionScope:
    if isinstance(node, ast.ClassDef):
        return FunctionScope(node.name, _first_line(node))
    return _function_scope(node.name, _first_line(node), node.args)


def _comprehension_scope(node: _Comprehension, outside: FunctionScope) -> FunctionScope:
    """Make the scope of a comprehension; its first iterator, and perhaps all of it, runs outside."""
    name = "genexpr" if isinstance(node, ast.GeneratorExp) else type(node).__name__.lower()
    return FunctionScope(f"<{name}>", node.lineno, (".0",), outside)
