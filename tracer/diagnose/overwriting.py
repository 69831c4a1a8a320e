"""Statements of a loop that overwrite at each turn what nobody has read: `total = …` in place of `+=`. By the text."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracer.diagnose.program_text import Text
    from tracer.source import Site


def overwriting_at(program: Text, site: Site) -> tuple[Site, str] | None:
    """Return the statement of a loop that overwrites at each turn what nobody has read, and the name it gives."""
    for node in program.expressions(site):
        found = overwriting(program, node)
        if found is not None:
            statement, target = found
            place = program.site_of(statement)
            return None if place is None else (place, ast.unparse(target))
    return None


def overwriting(program: Text, node: ast.AST) -> tuple[ast.stmt, ast.expr] | None:
    """Find it for an expression, or for what is added to a sum that begins anew at each turn."""
    while isinstance(above := program.parents.get(node), (ast.List, ast.Tuple)):
        node = above
    statement = program.parents.get(node)
    if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
        loop = program.parents.get(statement)
        while isinstance(loop, (ast.For, ast.While)):
            for each in loop.body:
                starts = isinstance(each, ast.Assign) and _target(each)
                if isinstance(starts, ast.Name) and starts.id == statement.target.id:
                    return _unread(program, loop, each, starts)
            loop = program.parents.get(loop)
        return None
    loop = program.parents.get(statement) if isinstance(statement, ast.Assign) else None
    if not isinstance(statement, ast.Assign) or not isinstance(loop, (ast.For, ast.While)):
        return None
    target = _target(statement)
    is_there = statement in loop.body and target is not None
    return _unread(program, loop, statement, target) if is_there and target is not None else None


def _unread(
    program: Text, loop: ast.For | ast.While, statement: ast.stmt, target: ast.expr
) -> tuple[ast.stmt, ast.expr] | None:
    """Return a statement of a loop if only what comes after the loop reads what it gives."""
    function, base = program.enclosing(loop), target
    while isinstance(base, (ast.Subscript, ast.Attribute)):
        if isinstance(base, ast.Subscript) and not isinstance(base.slice, ast.Constant):
            return None
        base = base.value
    inside = set(ast.walk(loop))
    if (
        not isinstance(base, ast.Name)
        or function is None
        or any(isinstance(each, ast.Break) for each in inside)
    ):
        return None
    read = [
        each for each in names(function, base.id) if isinstance(each.ctx, ast.Load) and each is not base
    ]
    return (statement, target) if read and not inside.intersection(read) else None


def _target(statement: ast.Assign) -> ast.expr | None:
    return statement.targets[0] if len(statement.targets) == 1 else None


def names(function: ast.AST, name: str) -> list[ast.Name]:
    """Return where a name stands in a function."""
    return [node for node in ast.walk(function) if isinstance(node, ast.Name) and node.id == name]
