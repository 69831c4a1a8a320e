"""Formulas: the text of a partial derivative, compiled once to a function of NumPy columns or arrays.

Used by kinds.py alone. A text may use the names of the operands, `out`, and the functions of VOCABULARY.
"""

from __future__ import annotations

import ast
import math
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.rules.special import digamma

if TYPE_CHECKING:
    from collections.abc import Callable

COLUMN_TYPE = np.dtype(np.float64)

FROM_NUMPY = (
    "abs",
    "copysign",
    "cos",
    "cosh",
    "exp",
    "exp2",
    "floor",
    "log",
    "real",
    "rint",
    "sign",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
    "where",
)
VOCABULARY: dict[str, Any] = {
    "pi": math.pi,
    "inf": math.inf,
    "digamma": digamma,
    **{name: getattr(np, name) for name in FROM_NUMPY},
}


@cache
def compile_formula(text: str, names: tuple[str, ...], zero_where: str = "") -> Callable[..., Any]:
    """Compile `text` to a function of the operands `names` and `out`, all positional.

    It is zero where the condition `zero_where` holds, whatever the text says there. The answer has out's
    floating type wherever the text computes one of its own.
    """
    value = _body(text, names)
    if not zero_where:
        return _compile(names, f"return {value}")
    return _compile(
        names,
        f"value = {value}",
        f"excluded = {zero_where}",
        # A condition on constants alone is a plain bool, and then mostly False: no pass over the array.
        "return value if excluded is False else typed(where(excluded, 0, value), out)",
    )


@cache
def compile_condition(text: str, names: tuple[str, ...]) -> Callable[..., Any]:
    """Compile `text` to a function of the operands `names` and `out` with a boolean answer."""
    return _compile(names, f"return {text}")


def _compile(names: tuple[str, ...], *statements: str) -> Callable[..., Any]:
    parameters = ", ".join((*names, "out"))
    lines = [
        f"def local({parameters}):",
        "    try:",
        *(f"        {statement}" for statement in statements),
        # Plain numbers raise where NumPy answers inf: 1/y for the constant y = 0.
        "    except (ZeroDivisionError, OverflowError):",
        f"        return local(*as_arrays({parameters}))",
    ]
    namespace = {**VOCABULARY, "typed": _typed, "as_arrays": _as_arrays}
    # Our own tables, and rules that a user writes into their own program: no text from outside gets here.
    exec(compile("\n".join(lines), f"<rule: {statements[0]}>", "exec"), namespace)  # noqa: S102
    local: Callable[..., Any] = namespace["local"]
    return local


def _body(text: str, names: tuple[str, ...]) -> str:
    tree = _Fold({*names, "out"}).visit(ast.parse(text, mode="eval").body)
    # Only a function or a comparison can answer in a wider type than its float32 operands have.
    widens = any(isinstance(node, ast.Call | ast.Compare) for node in ast.walk(tree))
    body = ast.unparse(tree)
    return f"typed({body}, out)" if widens else body


class _Fold(ast.NodeTransformer):
    """Turn what depends on no operand into a plain number.

    `sqrt(pi)` is a NumPy float64, which would widen a float32 array; a plain number does not.
    """

    def __init__(self, operands: set[str]) -> None:
        self.operands = operands

    def visit(self, node: ast.AST) -> Any:
        names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        if isinstance(node, ast.Call | ast.BinOp) and not names & self.operands:
            number = eval(ast.unparse(node), dict(VOCABULARY))  # noqa: S307 our own table, as above
            return ast.Constant(float(number))
        return self.generic_visit(node)


def _typed(value: Any, out: Any) -> Any:
    if type(value) is bool:  # a comparison of plain numbers: np.where(True, x, y)
        value = np.bool_(value)
    dtype = getattr(out, "dtype", COLUMN_TYPE)
    if value.dtype is dtype or value.dtype == dtype or dtype.kind not in "fc":
        return value
    return value.astype(dtype)


def _as_arrays(*operands: Any) -> list[Any]:
    dtype = getattr(operands[-1], "dtype", COLUMN_TYPE)
    if dtype.kind not in "fc":
        dtype = COLUMN_TYPE
    return [np.asarray(operand, dtype) for operand in operands]
