"""Which node of the syntax tree an instruction was compiled from. Used by source.py.

An answer is given only where the tree has an expression of the right kind at exactly the instruction's columns, in a
function with the code object's name, first line and parameters, that mentions only what the code mentions.
"""

from __future__ import annotations

import ast
import dis
from typing import TYPE_CHECKING

from tracer.copies import DISPLAYS
from tracer.instructions import STORES_OF_ITEMS
from tracer.syntax import COMPREHENSIONS, NOWHERE, Flow, Visit

if TYPE_CHECKING:
    from tracer.instructions import Code, Instruction, Span
    from tracer.syntax import Index, Loop

# From Python 3.14 on, a subscript is a binary operation.
_SUBSCRIPTS_TOO = () if "BINARY_SUBSCR" in dis.opmap else (ast.Subscript,)
_LOOPS = ("FOR_ITER", "GET_ITER")

_OPERATORS: tuple[type[ast.operator], ...] = (  # by the argument of BINARY_OP
    *(ast.Add, ast.BitAnd, ast.FloorDiv, ast.LShift, ast.MatMult, ast.Mult, ast.Mod, ast.BitOr, ast.Pow),
    *(ast.RShift, ast.Sub, ast.Div, ast.BitXor),
)

_SIGNS: dict[str, type[ast.unaryop]] = {
    "UNARY_NEGATIVE": ast.USub,
    "UNARY_POSITIVE": ast.UAdd,
    "CALL_INTRINSIC_1": ast.UAdd,  # from Python 3.12 on
    "UNARY_INVERT": ast.Invert,
    "UNARY_NOT": ast.Not,
}

_KINDS: dict[str, tuple[type[ast.AST], ...]] = {  # what the operations that make values are compiled from
    "BINARY_OP": (ast.BinOp, ast.AugAssign, *_SUBSCRIPTS_TOO),
    "UNPACK_SEQUENCE": DISPLAYS,
    **dict.fromkeys(("COMPARE_OP", "CONTAINS_OP"), (ast.Compare, ast.pattern)),
    **dict.fromkeys(_SIGNS, (ast.UnaryOp,)),
    **dict.fromkeys(("BINARY_SUBSCR", "BINARY_SLICE", *STORES_OF_ITEMS), (ast.Subscript,)),
    **dict.fromkeys(("LOAD_ATTR", "LOAD_METHOD"), (ast.Attribute,)),
    **dict.fromkeys(("PRECALL", "CALL", "CALL_KW", "CALL_FUNCTION_EX"), (ast.Call,)),
}


def matched(instruction: Instruction, index: Index) -> Visit | None:
    """Find the node that an instruction was compiled from; None rather than a guess."""
    code, _, _, operation, _, span = instruction
    if operation in _LOOPS and span in index.loops:
        return _match_loop(instruction, index.loops[span])
    visit = index.nodes.get(span)
    kinds = _KINDS.get(operation)
    if kinds is None:
        return _match_reader(code, visit)
    if visit is not None and isinstance(visit.node, COMPREHENSIONS) and visit.scope.is_of(code):
        # Python 3.11 calls it, and what it goes through first is asked for its items in that call's name.
        return Visit(visit.node.generators[0].iter, NOWHERE, visit.scope)
    visit = visit or _method(index, span)
    if visit is None or not isinstance(visit.node, kinds) or not visit.scope.is_of(code):
        return None
    return visit._replace(flow=_flow(visit, operation)) if _agrees(visit.node, instruction) else None


def _method(index: Index, span: Span) -> Visit | None:
    """Find a call or an attribute by its end: over several lines, its instruction begins at its name."""
    visit = index.ends.get((span[1], span[3]))
    node = visit.node if visit is not None else None
    attribute = node.func if isinstance(node, ast.Call) else node
    if not isinstance(attribute, ast.Attribute):
        return None
    name_column = (attribute.end_col_offset or 0) - len(attribute.attr)  # as the compiler computes it
    return visit if (attribute.end_lineno, name_column) == (span[0], span[2]) else None


def _flow(visit: Visit, operation: str) -> Flow:
    """Say where a value goes; some operations know better than what is around them."""
    match visit.node:
        case ast.AugAssign(target=target) | ast.Tuple(elts=[target]) | ast.List(elts=[target]):
            return Flow((target,))
        case ast.Subscript() as target if operation in STORES_OF_ITEMS:
            return Flow((target,))
        case ast.Compare(ops=[_, _, *_]):
            return NOWHERE
    return visit.flow


def _match_reader(code: Code, visit: Visit | None) -> Visit | None:
    """Find what a truth test, an f-string or the like reads: a place, and no value of its own."""
    if visit is None or not visit.scope.is_of(code):
        return None
    node: ast.AST | None = visit.node
    if isinstance(node, (ast.stmt, ast.IfExp)):  # Python 3.11 tests at the whole `if`
        node = getattr(node, "test", None)
    return None if node is None else Visit(node, NOWHERE, visit.scope)


def _match_loop(instruction: Instruction, loops: list[Loop]) -> Visit | None:
    """Find the `for` of an instruction; before Python 3.13, those of one comprehension share their span."""
    code, _, start, operation, _, span = instruction
    same = [at for at in range(0, start, 2) if code.spans[at // 2] == span]
    turn = sum(dis.opname[code.bytes[at]] == "FOR_ITER" for at in same)
    loop = loops[turn % len(loops)]  # the body of a `finally` is compiled twice
    if not loop.scope.is_of(code):
        return None
    # A comprehension's iterator can be made outside of it, where its variables mean nothing.
    outside = operation == "GET_ITER" and loop.scope.inlined_in is not None
    return Visit(loop.iterator, NOWHERE if outside else Flow((loop.target,)), loop.scope)


def _agrees(node: ast.AST, instruction: Instruction) -> bool:
    """Check that the code object has the node's operator, and the names and numbers among its operands."""
    if isinstance(node, ast.UnaryOp) and type(node.op) is not _SIGNS[instruction.operation]:
        return False
    if instruction.operation == "BINARY_OP" and instruction.argument != _operator_of(node):
        return False
    for part in (node, *ast.iter_child_nodes(node)):
        match part:
            case ast.Name(id=name) | ast.Attribute(attr=name) if not instruction.code.mentions(name):
                return False
            case ast.Constant(value=value) if not instruction.code.holds(value):
                return False
    return True


def _operator_of(node: ast.AST) -> int:
    """Return the argument of BINARY_OP that an operator is compiled to: one list, the same in place, then `a[i]`."""
    if isinstance(node, (ast.BinOp, ast.AugAssign)):
        return _OPERATORS.index(type(node.op)) + len(_OPERATORS) * isinstance(node, ast.AugAssign)
    return 2 * len(_OPERATORS)
