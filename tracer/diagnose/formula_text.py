"""The formula of a local partial with the operands of one use put in, written as a person would write it.

Only the text is made simpler, 3 * x**2 for 3 * x**(3 - 1): the number that stands beside it was computed by the rule.
Used by explain.py alone.
"""

from __future__ import annotations

import ast
import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.numbers_text import constant, number

if TYPE_CHECKING:
    from collections.abc import Mapping

_ATOM = re.compile(r"[^\W\d][\w.]*(\[[^\[\]]*\]|\([^()]*\))*")
_TOO_LARGE = 2**53  # where + 1 is lost
_PLACEHOLDER = re.compile(r"_(\d+)_")


def formula_text(formula: str, operands: Mapping[str, Any]) -> str:
    """Return a rule's formula in the user's names and numbers; empty where the number alone says as much.

    `operands` has the text or the number of each name in the formula; an empty text says that there is none.
    """
    if formula in operands:  # as of a product: the other factor
        return operands[formula] if isinstance(operands[formula], str) else ""
    tree = ast.parse(formula, mode="eval").body
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & operands.keys()
    if any(operands[name] == "" for name in used) or all(_is_number(operands[name]) for name in used):
        return ""
    texts: list[str] = []
    simple = _Simpler(operands, texts).visit(tree)
    if _number_of(simple) is not None:
        return ""
    written = ast.unparse(_Formatted().visit(simple)).replace(" ** ", "**").replace(" / ", "/")
    return _PLACEHOLDER.sub(lambda found: _grouped(texts[int(found[1])], found), written)


def _is_number(operand: Any) -> bool:
    return not isinstance(operand, str)


def _grouped(text: str, found: re.Match[str]) -> str:
    """Put an operand in parentheses where the formula around it could tear it apart."""
    around = found.string[: found.start()][-1:] + found.string[found.end() :][:1]
    return text if _ATOM.fullmatch(text) or around in ("", "()") else f"({text})"


class _Formatted(ast.NodeTransformer):
    """Writes numbers as all numbers here are written."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.Name(
            f"{number(node.value.imag)}j" if isinstance(node.value, complex) else number(node.value)
        )


class _Simpler(ast.NodeTransformer):
    """Puts the operands in, numbers as numbers and texts as placeholders, and leaves out what says nothing."""

    def __init__(self, operands: Mapping[str, Any], texts: list[str]) -> None:
        self.operands = operands
        self.texts = texts

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Put an operand in."""
        operand = self.operands.get(node.id)
        if operand is None:
            return node
        if isinstance(operand, str):
            return self._placeholder(operand)
        real = _real(operand)
        return self._placeholder(constant(operand)) if real is None else _constant(real)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Put operands into the arguments: the function's name is no operand, whatever the user's are."""
        node.args = [self.visit(each) for each in node.args]
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """Compute with numbers, and leave out + 0, × 1 and ^1."""
        left: ast.expr = self.visit(node.left)
        right: ast.expr = self.visit(node.right)
        a, b = _number_of(left), _number_of(right)
        match node.op:
            case ast.Add():
                if a is not None and b is not None:
                    return _constant(a + b)
                if a == 0 or b == 0:
                    return right if a == 0 else left
            case ast.Sub():
                if a is not None and b is not None:
                    return _constant(a - b)
                if a == 0 or b == 0:
                    return _negative(right) if a == 0 else left
            case ast.Mult():
                return _product(left, right)
            case ast.Div():
                return _quotient(left, right)
            case ast.Pow():
                return _power(left, right)
        return ast.BinOp(left, node.op, right)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        """Take two signs for none."""
        operand = self.visit(node.operand)
        return _negative(operand) if isinstance(node.op, ast.USub) else ast.UnaryOp(node.op, operand)

    def _placeholder(self, text: str) -> ast.Name:
        self.texts.append(text)
        return ast.Name(f"_{len(self.texts) - 1}_")


def _product(left: ast.expr, right: ast.expr) -> ast.expr:
    a = _number_of(left)
    if a == 0:
        return left
    if a == 1 or _number_of(right) == 1:
        return right if a == 1 else left
    if a == -1:
        return _negative(right)
    if isinstance(right, ast.BinOp) and isinstance(right.op, ast.Div) and _number_of(right.left) == 1:
        return ast.BinOp(left, ast.Div(), right.right)  # 2 * 1/x
    return ast.BinOp(left, ast.Mult(), right)


def _quotient(left: ast.expr, right: ast.expr) -> ast.expr:
    divisor = _number_of(right)
    if divisor is not None and divisor < 0:
        left, right, divisor = _negative(left), _constant(-divisor), -divisor
    return left if divisor == 1 else ast.BinOp(left, ast.Div(), right)


def _power(base: ast.expr, exponent: ast.expr) -> ast.expr:
    """Write x**1 as x, x**0 as 1, x**-2 as 1/x**2 and x**0.5 as a root."""
    power = _number_of(exponent)
    if power is None:
        return ast.BinOp(base, ast.Pow(), exponent)
    if power == 0:
        return _constant(1)
    if power < 0:
        return ast.BinOp(_constant(1), ast.Div(), _power(base, _constant(-power)))
    if power == 1:
        return base
    if power == 0.5:
        return ast.Call(ast.Name("sqrt"), [base], [])
    return ast.BinOp(base, ast.Pow(), exponent)


def _negative(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return node.operand
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        return ast.BinOp(_negative(node.left), node.op, node.right)  # -2 * x, with no parentheses
    return ast.UnaryOp(ast.USub(), node)


def _real(operand: Any) -> float | None:
    """Return a number that can be computed with here as Python's own; None for what is no such number."""
    if not isinstance(operand, (int, float, np.integer, np.floating)):
        return None
    value = int(operand) if isinstance(operand, (int, np.integer)) else float(operand)
    return value if math.isfinite(value) and abs(value) < _TOO_LARGE else None


def _constant(value: float) -> ast.expr:
    """Make a number; a negative one as a minus and a number, which is what has the right parentheses."""
    return ast.UnaryOp(ast.USub(), ast.Constant(-value)) if value < 0 else ast.Constant(value)


def _number_of(node: ast.expr) -> float | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _number_of(node.operand)
        return None if inner is None else -inner
    return _real(node.value) if isinstance(node, ast.Constant) else None
