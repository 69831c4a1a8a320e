"""The operands of an operation as they are written, and what runs after each, before the operation.

Used by held_before.py.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from tracer.diagnose.reading import program
from tracer.source import source_of
from tracer.syntax import span_of

if TYPE_CHECKING:
    from types import CodeType

    from tracer.instructions import Span

_KEPT = 1 << 10  # places of which is known again what is written there
_PARTS = (
    *(ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop, ast.Constant),
    *(ast.Name, ast.Attribute, ast.Subscript, ast.expr_context),
)


class Operand(NamedTuple):
    """An operand, and those that are computed between it and the operation."""

    node: ast.expr
    after: tuple[ast.expr, ...]


@lru_cache(maxsize=_KEPT)
def computed_in(code: CodeType) -> dict[int, list[Operand]]:
    """Return, by instruction, the operands of a function's operators that are computed by operators alone."""
    text = program(code.co_filename, source_of([code]).get(code.co_filename, ""))
    function = text.function(code.co_qualname)
    found: dict[Span, list[Operand]] = {}
    for node in ast.walk(function) if function is not None else ():
        if isinstance(node, (ast.BinOp, ast.AugAssign)):
            computed = [each for each in _operands_of(node) if _is_computed(each.node)]
            if computed:
                found[span_of(node)] = computed
    spans = enumerate(code.co_positions()) if found else ()
    return {2 * at: found[span] for at, span in spans if span in found}


def _is_computed(node: ast.expr) -> bool:
    """Tell whether an expression computes something, of names, attributes and items."""
    parts = [*ast.walk(node)]
    is_operator = isinstance(node, (ast.BinOp, ast.UnaryOp))
    return (
        is_operator
        and any(isinstance(each, ast.Name) for each in parts)
        and all(isinstance(each, _PARTS) for each in parts)
    )


def _operands_of(node: ast.AST | None) -> tuple[Operand, ...]:
    match node:
        case ast.BinOp(left=left, right=right):
            operands: list[ast.expr] = [left, right]
        case ast.AugAssign(value=value):
            operands = [value]
        case _:
            return ()
    found = []
    for at, operand in enumerate(operands):
        after = operands[at + 1 :]
        # As an operand that binds a variable may bind one that this has read
        if not any(isinstance(each, ast.NamedExpr) for other in after for each in ast.walk(other)):
            found.append(Operand(operand, tuple(after)))
    return tuple(found)
