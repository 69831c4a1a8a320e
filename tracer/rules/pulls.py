"""A rule's text, compiled to what goes back to one operand where all are arrays of float64. Used by kinds.py.

The product with what came back is part of it, and every step that is sure to be an array of the answer's shape is
written into the memory of the answer.
"""

from __future__ import annotations

import ast
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.rules.formula import NAMESPACE, VOCABULARY, compile_formula, folded, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 3  # operands of what `compile_pull` compiles
_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
}


@cache
def compile_pull(text: str, names: tuple[str, ...]) -> Callable[..., Any]:
    """Compile `text` to a function of `g`, MOST operands, `out` and `room` that gives `g` × the partial by one operand.

    `g`, `out` and the operands are arrays of float64, the operands also plain numbers; None stands for those that the
    operation does not have. `room` gives an array to write the answer into, or is None.
    """
    tree = folded(text, names)
    body = text_of(tree)
    number = _number_of(body)
    # Of an operation of one operand, that is an array, too.
    steps = _Steps({"out", *(names if len(names) == 1 else ())})
    local = steps.write(tree) if number is None else "_number"
    room = "_local" if steps.lines else "_room()"
    parameters = ", ".join(
        ("_g", *names, *(f"_{port}" for port in range(len(names), MOST)), "out", "_room")
    )
    lines = [
        f"def _pull({parameters}):",
        "    try:",
        *(f"        {line}" for line in steps.lines or [f"_local = {body if number is None else local}"]),
        f"        return _g * _local if _room is None else _multiply(_g, _local, {room})",
        "    except (ZeroDivisionError, OverflowError):",  # as in formula.py
        f"        return _g * _formula()({', '.join((*names, 'out'))})",
    ]
    namespace = {**NAMESPACE, **steps.namespace, "_formula": partial(compile_formula, text, names)}
    if number is not None:  # which NumPy would turn into an array for every product
        namespace["_number"] = np.array(number)
    exec(compile("\n".join(lines), f"<rule: {body}>", "exec"), namespace)  # noqa: S102  (as in formula.py)
    pull: Callable[..., Any] = namespace["_pull"]
    # Where the answer is a product with an operand or a number, which one: what repeats is written out.
    pull.factor = names.index(body) if body in names else namespace.get("_number")  # type: ignore[attr-defined]
    return pull


class _Steps:
    """A text as steps, each of which has a ufunc write into the memory of the answer, instead of an array of its own.

    Such a step is what is sure to be an array of the answer's shape and type; anything else stays text. The ufuncs
    are those that the operators call, and so the bits are theirs.
    """

    def __init__(self, arrays: set[str]) -> None:
        self._arrays = arrays  # the names that are sure to be arrays
        self.lines: list[str] = []
        self.namespace: dict[str, Any] = {"_multiply": np.multiply}

    def write(self, node: ast.expr) -> str:
        """Write the steps to a value; return its name, or its text where it takes none."""
        name, operands = _ufunc_of(node)
        if not name or not self._is_array(node):
            return self._text(node)
        self.namespace[f"_{name}"] = getattr(np, name)
        # Only arithmetic gives the same bits where it reads the memory that it writes to, for sure.
        is_free = not isinstance(node, ast.Call)
        given = []
        for each in operands:
            is_step = is_free and bool(_ufunc_of(each)[0]) and self._is_array(each)
            given.append(self.write(each) if is_step else self._text(each))
            is_free &= not is_step
        room = "_local" if self.lines else "None if _room is None else _room()"
        self.lines.append(f"_local = _{name}({', '.join(given)}, {room})")
        return "_local"

    def _is_array(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Name):
            return node.id in self._arrays
        return any(map(self._is_array, _ufunc_of(node)[1]))

    def _text(self, node: ast.expr) -> str:
        if not isinstance(node, ast.Constant):
            return ast.unparse(node)
        name = f"_number{len(self.namespace)}"
        self.namespace[name] = np.array(float(node.value))  # type: ignore[arg-type]  # as above
        return name


def _ufunc_of(node: ast.expr) -> tuple[str, list[ast.expr]]:
    """Return the ufunc that an operator or a call is, if it is one, and what it is given."""
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.Pow):  # others are decided by the numbers
            is_square = isinstance(node.right, ast.Constant) and node.right.value == 2
            return ("square", [node.left]) if is_square else ("", [])
        return _OPERATORS.get(type(node.op), ""), [node.left, node.right]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return "negative", [node.operand]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1:
        ufunc = VOCABULARY.get(node.func.id)
        if isinstance(ufunc, np.ufunc) and "d->d" in ufunc.types:
            return node.func.id, node.args
    return "", []


def _number_of(body: str) -> float | None:
    """Return the number that a text is; None where it is more than that."""
    try:
        return float(ast.literal_eval(body))
    except (ValueError, TypeError):
        return None
