"""The text of a function, found by its code object, and what its variables are given there. Used by text_reads.py."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from itertools import chain, islice
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from tracer.diagnose.program_text import Function, called_name, parameters_in_order
from tracer.diagnose.reading import program
from tracer.source import source_of
from tracer.syntax import COMPREHENSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

    from tracer.diagnose.reading import Program

_KEPT = 1 << 10  # functions of which the text is found again
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_OF_PYTEST = {"AssertionError", "append", "locals"}
_NAMING = (ast.Name, ast.Attribute, ast.Subscript)
SCOPES = (*COMPREHENSIONS, *_DEFINITIONS, ast.Lambda)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_BRANCHES = (ast.If, ast.Try, ast.Match)


@lru_cache(maxsize=_KEPT)
def text_of(code: CodeType, file: str) -> tuple[Program, Function] | None:
    """Return the text of a function; None where it can't be had, or may be another one's."""
    source = source_of([code]).get(file)
    if source is None:
        return None
    text = program(file, source)
    found = [each for each in text.nodes if isinstance(each, Function) and _is_of(each, code, text)]
    if len(found) > 1:
        found = [each for each in found if isinstance(each, ast.Lambda) and _has_all(each.body, code)]
    return (text, found[0]) if len(found) == 1 else None


def _is_of(node: Function, code: CodeType, text: Program) -> bool:
    """Tell whether a function has the name, the line and the parameters of a code object, and all the names in it."""
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
    if (getattr(node, "name", "<lambda>"), first) != (code.co_name, code.co_firstlineno):
        return False
    count = code.co_argcount + code.co_kwonlyargcount
    if parameters_in_order(node) != [*code.co_varnames[:count]]:
        return False
    words = {*re.findall(r"\w+", "\n".join(text.lines[first - 1 : node.end_lineno]))}
    names = (*code.co_names, *code.co_varnames)
    if any(name.startswith("@") for name in names):  # pytest's, which writes assertions anew
        words |= _OF_PYTEST
    return all(name[0] in "._@" or words.issuperset(name.split(".")) for name in names)  # `import a.b`


def _has_all(body: ast.expr, code: CodeType) -> bool:
    """Tell whether all instructions of a lambda stand in an expression: there may be several in a line."""
    first, last = (body.lineno, body.col_offset), (body.end_lineno, body.end_col_offset)
    spans = (each for each in code.co_positions() if None not in each and each[3] != 0)
    return all(first <= (line, column) and (end, stop) <= last for line, end, column, stop in spans)


class Parts(NamedTuple):
    """What in the body of a function reads something, what is given something else, and what is returned."""

    reading: list[ast.expr]
    written: list[ast.AST]
    returned: list[ast.expr]


def end_of(code: CodeType, offset: int) -> tuple[int, float]:
    """Return the line and the column where the expression ends that an instruction is of."""
    first, last, _, end = next(islice(code.co_positions(), offset // 2, None))
    return (last, end) if last is not None and end is not None else (first or code.co_firstlineno, inf)


@lru_cache(maxsize=_KEPT)
def later_than(end: tuple[int, float], function: Function) -> frozenset[ast.AST]:
    """Return what of a function runs only after an expression that ends there has run for the first time.

    In a loop around both it may run before where a condition decides whether the expression is reached; and what
    decides in an expression (`... if A.any() else b`, `for row in A`) stands behind what it decides of.
    """
    line, found = end[0], set(ast.walk(function))
    for each in ast.walk(function):
        if isinstance(each, _LOOPS) and _spans(each, line):
            if any(isinstance(inner, _BRANCHES) and _spans(inner, line) for inner in ast.walk(each)):
                found.difference_update(ast.walk(each))
        elif isinstance(each, (ast.IfExp, *COMPREHENSIONS)) and _spans(each, line):
            found.difference_update(ast.walk(each))
    return frozenset(
        each for each in found if (getattr(each, "lineno", 0), getattr(each, "col_offset", 0)) >= end
    )


def _spans(node: ast.stmt | ast.expr, line: int) -> bool:
    return node.lineno <= line <= (node.end_lineno or line)


@lru_cache(maxsize=_KEPT)
def parts_of(text: Program, function: Function) -> Parts:
    """Return what is asked of the body of a function."""
    body = [function.body] if isinstance(function, ast.Lambda) else function.body
    parts = Parts([], [], [function.body] if isinstance(function, ast.Lambda) else [])
    for node in chain.from_iterable(map(ast.walk, body)):
        is_changed = isinstance(text.parents.get(node), ast.AugAssign)  # which reads it, too
        if isinstance(node, ast.Call) or (isinstance(node, _NAMING) and isinstance(node.ctx, ast.Load)):
            parts.reading.append(node)
        elif isinstance(node, ast.Global) or (isinstance(node, _NAMING[1:]) and not is_changed):
            parts.written.append(node)
        elif isinstance(node, ast.Return) and node.value is not None and text.enclosing(node) is function:
            parts.returned.append(node.value)
        if isinstance(node, ast.Call) and called_name(node) == "setattr":
            parts.written.append(node)
    return parts


@lru_cache(maxsize=_KEPT)
def bound_in(scope: ast.AST) -> dict[str, list[ast.AST]]:
    """Return the variables of a function or comprehension, and where they are given something."""
    found: dict[str, list[ast.AST]] = {}
    if isinstance(scope, COMPREHENSIONS):
        nodes = [*chain.from_iterable(ast.walk(each.target) for each in scope.generators)]
    else:
        arguments = scope.args  # type: ignore[attr-defined]
        found = {each.arg: [] for each in ast.walk(arguments) if isinstance(each, ast.arg)}
        body = scope.body if isinstance(scope.body, list) else [scope.body]  # type: ignore[attr-defined]
        nodes = [*chain.from_iterable(map(_walk_own, body))]
    for each in nodes:
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            found.setdefault(each.id, []).append(each)
        elif isinstance(each, (*_DEFINITIONS, ast.ClassDef)):
            found.setdefault(each.name, [])
    shared = {name for each in nodes if isinstance(each, (ast.Global, ast.Nonlocal)) for name in each.names}
    return {name: each for name, each in found.items() if name not in shared}


def _walk_own(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what stands in a statement, but not in the functions and comprehensions in it."""
    pending = [node]
    while pending:
        each = pending.pop()
        yield each
        if not isinstance(each, (*SCOPES, ast.ClassDef)):
            pending += ast.iter_child_nodes(each)
        elif isinstance(each, COMPREHENSIONS):  # whose `:=` binds out here
            pending += (inner for inner in ast.walk(each) if isinstance(inner, ast.NamedExpr))
