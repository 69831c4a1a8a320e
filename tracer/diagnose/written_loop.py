"""One loop as it is written, and what its turns are called: `t = 24`, `for word: turn 24`. Used by loop_text.py."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from tracer import numbers_text

NAME_LIMIT = 20
UNNAMED = "_"
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True, eq=False)
class WrittenLoop:
    """A loop; `turn` is written with the number of a turn, `start` and `step` make it what a counter holds."""

    node: ast.AST
    name: str = ""  # of its variable
    start: int = 0
    step: int = 1
    is_counter: bool = False

    def turn(self, number: int) -> str:
        """Name a turn: `t = 24` for a variable that counts, else `for word: turn 24`; turns count from 0."""
        if self.is_counter:
            return f"{self.name} = {numbers_text.number(self.start + self.step * number)}"
        return (f"for {self.name}: " if self.name else "") + f"turn {number:,}"


def written_loop(node: ast.AST) -> WrittenLoop:
    """Read what a loop's variable is called, and what it holds if it counts."""
    target = getattr(node, "target", None)
    source = getattr(node, "iter", None)
    if isinstance(node, COMPREHENSIONS):
        target, source = node.generators[0].target, node.generators[0].iter
    if target is None:
        return WrittenLoop(node)
    name = ast.unparse(target).strip("()")
    counter, start, step = _counted(target, source)
    if counter and counter != UNNAMED and not _is_set_again(counter, target, node):
        return WrittenLoop(node, counter, start, step, is_counter=True)
    return WrittenLoop(node, name if len(name) <= NAME_LIMIT and name != UNNAMED else "")


def _counted(target: ast.expr, source: ast.expr | None) -> tuple[str, int, int]:
    """Return the variable that counts the turns of a loop, and from where in which steps; empty where none does."""
    match target, source:
        case ast.Name(id=name), ast.Call(func=ast.Name(id="range"), args=[_], keywords=[]):
            return name, 0, 1
        case ast.Name(id=name), ast.Call(func=ast.Name(id="range"), args=[start, _, *rest], keywords=[]):
            first, step = whole_number(start), whole_number(rest[0]) if rest else 1
            return (name, first, step) if first is not None and step is not None else ("", 0, 1)
        case (
            ast.Tuple(elts=[ast.Name(id=name), _]),
            ast.Call(func=ast.Name(id="enumerate"), args=[_], keywords=keywords),
        ):
            first = whole_number(keywords[0].value) if keywords else 0
            return (name, first, 1) if first is not None else ("", 0, 1)
        case (
            ast.Tuple(elts=[ast.Name(id=name), _]),
            ast.Call(func=ast.Name(id="enumerate"), args=[_, start], keywords=[]),
        ):
            first = whole_number(start)
            return (name, first, 1) if first is not None else ("", 0, 1)
    return "", 0, 1


def whole_number(node: ast.expr) -> int | None:
    """Return the whole number that is written there, if one is."""
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError):
        return None
    return value if type(value) is int else None


def _is_set_again(name: str, target: ast.expr, loop: ast.AST) -> bool:
    own = set(ast.walk(target))
    return any(
        isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load)
        for node in ast.walk(loop)
        if node not in own
    )
