"""Variables by the program's text: whether what one is given is something that nothing else has.

Used by goes_on.py.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from tracer.diagnose.program_text import called_name
from tracer.plain_calls import is_conversion

if TYPE_CHECKING:
    from tracer.diagnose.program_text import Text

_NUMBERS = frozenset("float int complex float16 float32 float64 longdouble".split())
# How a container is made that nothing else has
_FRESH = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
_MAKERS = frozenset("list dict set deque defaultdict OrderedDict zeros empty ones full".split())


def is_made(text: Text, name: ast.Name, statement: ast.AST) -> bool:
    """Tell whether a statement makes the container that it gives a name, and gives it nothing else."""
    made = _given(name, statement)
    return isinstance(made, _FRESH) or (isinstance(made, ast.Call) and _makes_container(text, made))


def is_new(text: Text, name: ast.Name, statement: ast.AST) -> bool:
    """Tell whether a statement gives a variable a number, a text or a container that nothing else has."""
    made = _given(name, statement)
    made = made.operand if isinstance(made, ast.UnaryOp) else made
    is_number = isinstance(made, (ast.Constant, ast.JoinedStr)) or (
        isinstance(made, ast.Call) and called_name(made) in _NUMBERS and is_conversion(text, made)
    )
    is_changed = isinstance(statement, ast.AugAssign) and statement.target is name
    return is_number or is_changed or is_made(text, name, statement)


def _given(name: ast.Name, statement: ast.AST) -> ast.AST | None:
    """Return what an assignment gives a variable, and nothing else; None where the text does not show it."""
    match statement:
        case ast.Assign(targets=[target], value=made) | ast.AnnAssign(target=target, value=made):
            if target is name:
                return made
            if (
                isinstance(target, ast.Tuple)
                and isinstance(made, ast.Tuple)
                and len(target.elts) == len(made.elts)
            ):
                return dict(zip(target.elts, made.elts, strict=True)).get(name)
    return None


def _makes_container(text: Text, call: ast.Call) -> bool:
    name = called_name(call)
    if isinstance(call.func, ast.Name) and not text.binds(name):
        return name in _MAKERS
    return name in _MAKERS and text.module_of(call.func) in ("collections", "numpy")
