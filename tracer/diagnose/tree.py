"""An explanation as data, and as a tree of text lines. Made by explain.py; shown by Trace.explain and the terminal."""

from __future__ import annotations

import ast
import re
import textwrap
from dataclasses import dataclass
from typing import Any, Literal

from tracer.numbers_text import clean, operand

WIDTH = 100
LEAST_CODE = 8
LEAST_ROOM = 12  # for the code, where the tree is so deep that there is less than the least
ROOM_FOR_CODE = 24  # with less, the code is worth more than the operation's name and the formula
LOCAL = "local"  # an array's local partial that is not told by one number
GAP = "   "
_LEAST_OPERANDS = 8  # characters of two operands

Kind = Literal["use", "broadcast", "seed", "unseeded", "unreached", "cut", "more", "deeper", "seen"]

_AUGMENTED = re.compile(r"[^=]*(\*\*|//|>>|<<|[-+*/%@&|^])=")


@dataclass(frozen=True, slots=True)
class Term:
    """One line of the tree: a use of the value above it, and what the use sent back; or what is left out here."""

    kind: Kind
    level: int
    parent: int  # position of the term whose upstream gradient this is a part of; -1: the value asked for
    arithmetic: str
    grad: Any = None
    upstream: Any = None
    local: Any = None
    formula: str = ""
    op: str = ""
    port: int = 0
    has_twin: bool = False  # the operation takes the same value at another port too
    variable: str = ""
    code: str = ""
    file: str = ""
    line: int = 0
    # Of the loops around it: `t = 43`; where they are unknown which run of the operation: `run 16`
    turn: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The gradient of one value: a heading, and the terms in the order of the text."""

    name: str
    value: Any
    grad: Any
    uses: int
    heading: str
    terms: tuple[Term, ...]


def cut_short(text: str, limit: int) -> str:
    """Cut code that is too long at its end; its beginning tells best where it stands."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def shorten_code(text: str, limit: int) -> str:
    """Cut code that is too long at its end; of two operands both, where the operator would go: `self.d… * othe…`."""
    if len(text) <= limit:
        return text
    try:
        found = ast.parse(text, mode="eval").body if text.isascii() else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        found = None
    if not isinstance(found, ast.BinOp):
        return cut_short(text, limit)
    left, right = text[: found.left.end_col_offset], text[found.right.col_offset :]
    between = text[len(left) : len(text) - len(right)]
    room = limit - len(between)
    does_stay = len(left) + 1 < room
    if does_stay or room < _LEAST_OPERANDS:
        return cut_short(text, limit)
    of_left = min(len(left), max(room // 2, room - len(right)))
    return f"{cut_short(left, of_left)}{between}{cut_short(right, room - of_left)}"


def render(explained: Explanation, width: int = WIDTH) -> str:
    """Write an explanation as a tree of lines of at most `width` characters, and leave out what there is no room for.

    The operation goes first, as the code says it too; then the formula; then the code.
    """
    guided = _guided(explained.terms)
    for shows_formula, shows_op in ((True, True), (True, False), (False, False)):
        lines = [(guide + _arithmetic(term, shows_formula=shows_formula), term) for guide, term in guided]
        placed = [(left, term) for left, term in lines if term.op]
        left_width = max((len(left) for left, _ in placed), default=0)
        op_width, place_width, longest_code = (
            max((len(text(term)) for _, term in placed), default=0) for text in (_operation, _place, _code)
        )
        code_width = width - left_width - place_width - 2 * len(GAP) - shows_op * (op_width + len(GAP))
        if code_width >= min(longest_code, ROOM_FOR_CODE):
            break
    if code_width < min(longest_code, LEAST_CODE):
        # Arithmetic that is deep in the tree may take the room of its own line's code, and no other's.
        left_width -= min(longest_code, LEAST_ROOM) - code_width
        code_width = min(longest_code, LEAST_ROOM)
    text = textwrap.wrap(explained.heading, width, subsequent_indent="  ", break_on_hyphens=False)
    for left, term in lines:
        columns = [left]
        if term.op:
            columns = [left.ljust(left_width)]
            if shows_op:
                columns.append(_operation(term).ljust(op_width))
            room = left_width + len(GAP) + code_width - len(columns[0])
            if len(left) <= left_width:
                columns.append(shorten_code(_code(term), code_width).ljust(min(code_width, longest_code)))
            elif room > 0:
                columns[0] += " " * room
            columns.append(_place(term))
        text.append(cut_short(GAP.join(columns).rstrip(), width))
    return "\n".join(text)


def _arithmetic(term: Term, *, shows_formula: bool) -> str:
    """Put the formula of the local partial beside its number, or in place of an array's."""
    if not term.formula or not shows_formula:
        return term.arithmetic
    if term.arithmetic.endswith(LOCAL):
        return f"{term.arithmetic.removesuffix(LOCAL)}({term.formula})"
    return f"{term.arithmetic} ({term.formula})"


def _operation(term: Term) -> str:
    return f"{operand(term.port)} of {term.op}" if term.has_twin else term.op


def _code(term: Term) -> str:
    """Write the code of a term as an assignment, which an augmented one is already."""
    if not term.variable or _AUGMENTED.match(term.code):
        return term.code
    return f"{clean(term.variable)} = {term.code}" if term.code else clean(term.variable)


def _place(term: Term) -> str:
    turn = f" ({term.turn})" if term.turn else ""
    return f"{term.file}:{term.line}{turn}" if term.file else ""


def _guided(terms: tuple[Term, ...]) -> list[tuple[str, Term]]:
    """Draw the lines of the tree in front of each term."""
    last_child: dict[int, int] = {term.parent: position for position, term in enumerate(terms)}
    guides: list[str] = []
    guided = []
    for position, term in enumerate(terms):
        del guides[term.level - 1 :]
        is_last = last_child[term.parent] == position
        guided.append(("".join(guides) + ("└─ " if is_last else "├─ "), term))
        guides.append("   " if is_last else "│  ")
    return guided
