"""How a program reads a value that no operation was recorded of: by its text. Used by dead.py.

A comparison, a search for the place of the largest, a conversion to a whole number: they give no gradient and leave no
record. What the text does not show is not answered.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Literal, TypeGuard, cast

from tracer.diagnose.overwriting import overwriting
from tracer.diagnose.program_text import Text, called_name, loads_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.diagnose.program_text import Function
    from tracer.source import Site

Kind = Literal[
    "compared",
    "branched",
    "picked",
    "rounded",
    "counted",
    "sized",
    "indexed",
    "overwritten",
    "text",
    "read back",
    "dropped",
    "read",
]
_COMPARES = frozenset(
    "isclose allclose array_equal array_equiv isin in1d isfinite isinf isnan signbit greater greater_equal less "
    "less_equal equal not_equal logical_and logical_or logical_not logical_xor".split()
)
_OF_CALLS: dict[str, Kind] = {
    name: kind
    for kind, names in cast(
        "dict[Kind, str]",
        {
            "picked": "argmax argmin argsort argwhere nonzero flatnonzero searchsorted digitize argpartition lexsort",
            "rounded": "int round floor ceil trunc rint astype bool",
            "counted": "histogram histogram2d histogramdd bincount count_nonzero",
            "sized": "len",
        },
    ).items()
    for name in names.split()
}
_SIZES = frozenset("size shape ndim".split())
_WRITES = frozenset("str repr format print dumps dump write join".split())
_TEXTS = frozenset("str repr format".split())  # which leave no record
_READS_BACK = frozenset(
    "float int complex eval literal_eval Decimal Fraction loads fromstring array asarray float32 float64".split()
)
_QUANTIFIERS = frozenset("all any bool item".split())
_DEEPEST = 4  # calls that a value is followed into
_LAST: dict[Kind, int] = {
    "compared": 0, "picked": 1, "rounded": 2, "counted": 3, "indexed": 4, "branched": 5, "read back": 6, "text": 7,
    "sized": 8, "read": 9, "overwritten": 10, "dropped": 11,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reading:
    """What is done to a value, and where."""

    kind: Kind
    site: Site | None


def _maps_back(call: ast.Call) -> bool:
    """Say whether a call makes numbers of several texts: `map(float, text.split())`."""
    first = call.args[0] if call.args else None
    return called_name(call) == "map" and getattr(first, "id", getattr(first, "attr", "")) in _READS_BACK


class Program(Text):
    """The text of one file, asked how it reads a value."""

    def of_name(self, function: str, name: str, key: str = "", depth: int = 0) -> Reading | None:
        """Say how a function reads a parameter, or the part `key` of it: 'b' of params['b']; None if unknown."""
        found = self.function(function, name)
        if found is None:
            return None
        all_loads = self.variables_of(found).loads_of(name)
        loads = [load for load in all_loads if not key or self._has_key(load, key)]
        if not loads and not all(map(self._names_a_part, all_loads)):
            return Reading("read", None)  # perhaps in a loop over all of it, or by a method
        if not key and (written := self._overwritten(found, name)):
            return Reading("overwritten", self.site_of(written))
        return self._first([self._reading(load, depth) for load in loads]) or Reading("dropped", None)

    def _overwritten(self, function: Function, name: str) -> ast.AST | None:
        """Return the statement that gives a parameter another value, if what is computed with comes after it."""
        variables = self.variables_of(function)
        for node in variables.stores_of(name):
            statement = self.statement(node)
            is_new = isinstance(statement, ast.Assign)
            if is_new and not any(each.id == name for each in loads_in(statement)):
                later = [load for load in variables.loads_of(name) if load.lineno > node.lineno]
                if any(self._reading(load, _DEEPEST).kind == "read" for load in later):
                    return statement
        return None

    def of_expression(self, site: Site) -> Reading | None:
        """Say what becomes of the value of an expression: what reads it, or the variable that it is given to."""
        node = self.expression(site)
        return None if node is None else self._reading(node, 0)

    @cached_property
    def read_back(self) -> list[tuple[ast.expr, ast.expr]]:
        """What is turned into text and becomes a number again: the expression of the text, and the number's."""
        return [
            (node, number)
            for node in self.nodes
            if isinstance(node, ast.JoinedStr)
            or _is_format(node)
            or (isinstance(node, ast.Call) and called_name(node) in _TEXTS)
            for number in self._readers(node, 0)
        ]

    def _reading(self, node: ast.expr, depth: int) -> Reading:
        """Climb from an expression to what makes something else of it."""
        below: ast.AST = node
        above = self.parents.get(node)
        while above is not None:
            called = called_name(above) if isinstance(above, ast.Call) else ""
            if isinstance(above, ast.Compare) or called in _COMPARES:
                return self._comparison(above)
            if (kind := _made_of(above, below)) is not None:
                return Reading(kind, self.site_of(above))
            if isinstance(above, ast.JoinedStr) or called in _WRITES or _is_format(above):
                assert isinstance(above, ast.expr)
                return self._text(above, depth)
            if isinstance(above, ast.Call) and below in above.args and depth < _DEEPEST:
                inside = self._of_argument(above, above.args.index(below), depth)
                if inside is not None:
                    return inside
            if self._is_test(below):
                return Reading("branched", self.site_of(below))
            if isinstance(above, ast.stmt):
                return self._of_statement(above, below, depth)
            below, above = above, self.parents.get(above)
        return Reading("read", None)

    def _comparison(self, node: ast.AST) -> Reading:
        """Say whether a truth value, or whether all or any of several, only decides which way the program goes."""
        decides: ast.AST = node
        while (above := self.parents.get(decides)) is not None and (
            (isinstance(above, ast.Call) and called_name(above) in _QUANTIFIERS)
            or (isinstance(above, ast.Attribute) and above.attr in _QUANTIFIERS)
        ):
            decides = above
        return Reading("branched" if self._is_test(decides) else "compared", self.site_of(node))

    def _text(self, node: ast.expr, depth: int) -> Reading:
        return Reading("read back" if self._is_read_back(node, depth) else "text", self.site_of(node))

    def _is_read_back(self, node: ast.expr, depth: int) -> bool:
        """Say whether a text becomes a number again, there or by the variable that it is given to."""
        return next(self._readers(node, depth), None) is not None

    def _readers(self, node: ast.expr, depth: int) -> Iterator[ast.expr]:
        """Yield the calls that make a number of a text again."""
        below: ast.AST = node
        above = self.parents.get(node)
        while above is not None and not isinstance(above, ast.stmt):
            if isinstance(above, ast.Call) and called_name(above) in _READS_BACK and below in above.args:
                yield above
                return
            if isinstance(above, ast.Call) and _maps_back(above) and below in above.args[1:]:
                yield above
                return
            if isinstance(above, ast.comprehension) and below is above.iter and depth < _DEEPEST:
                items = {each.id for each in ast.walk(above.target) if isinstance(each, ast.Name)}
                for load in loads_in(self.parents[above]):
                    if load.id in items:
                        yield from self._readers(load, depth + 1)
                return
            if isinstance(above, ast.Compare) or (
                isinstance(above, ast.Subscript) and below is above.slice
            ):
                return
            below, above = above, self.parents.get(above)
        function = self.enclosing(node)
        if not isinstance(above, ast.Assign) or function is None or depth >= _DEEPEST:
            return
        names = {target.id for target in above.targets if isinstance(target, ast.Name)}
        for name in names:
            for load in self.variables_of(function).loads_of(name):
                if load.lineno > above.lineno:
                    yield from self._readers(load, depth + 1)

    def _of_argument(self, call: ast.Call, position: int, depth: int) -> Reading | None:
        """Say how a function of the same file reads what it is given; None where another is called."""
        function = call.func.id if isinstance(call.func, ast.Name) else ""
        found = self.function(function) if function else None
        if found is None or position >= len(found.args.args):
            return None
        inside = self.of_name(function, found.args.args[position].arg, depth=depth + 1)
        is_back = inside is not None and inside.kind == "text" and self._is_read_back(call, depth)
        return Reading("read back", inside.site) if is_back and inside is not None else inside

    def _of_statement(self, statement: ast.stmt, value: ast.AST, depth: int) -> Reading:
        """Follow a value that is given to a variable to what reads that; say where it is overwritten unread."""
        is_given = (
            isinstance(statement, ast.Assign) and len(statement.targets) == 1 and statement.value is value
        )
        if isinstance(statement, ast.Return) and statement.value is value and depth < _DEEPEST:
            calls = self._calls_of(self.enclosing(statement))
            return self._first([self._reading(call, depth + 1) for call in calls]) or Reading("read", None)
        again = overwriting(self, value)
        if again is not None:
            return Reading("overwritten", self.site_of(again[0]))
        target = statement.targets[0] if is_given else None  # type: ignore[attr-defined]
        function = self.enclosing(statement)
        if not isinstance(target, ast.Name) or function is None or depth >= _DEEPEST:
            return Reading("read", None)
        named = self.variables_of(function).names_of(target.id)
        after = [node for node in named if node.lineno > statement.lineno]
        stored = [node for node in after if isinstance(node.ctx, ast.Store)]
        until = min((node.lineno for node in stored), default=10**9)
        loads = [node for node in after if isinstance(node.ctx, ast.Load) and node.lineno <= until]
        if not stored:
            loads += self._next_turn(function, statement, target.id)
        found = self._first([self._reading(load, depth + 1) for load in loads])
        if found is not None:
            return found
        if stored:
            first = min(stored, key=lambda node: node.lineno)
            return Reading("overwritten", self.site_of(self.statement(first)))
        return Reading("dropped", None)

    def _next_turn(self, function: Function, statement: ast.stmt, name: str) -> list[ast.Name]:
        """Return what reads a variable of a loop when the next turn begins: `while x > 1: x = x / 2`."""
        loop = self.loop_around(statement)
        around = set(ast.walk(loop)) if loop is not None else set()
        within = [node for node in self.variables_of(function).names_of(name) if node in around]
        until = min((_place(node) for node in within if isinstance(node.ctx, ast.Store)), default=(0, 0))
        return [node for node in within if isinstance(node.ctx, ast.Load) and _place(node) < until]

    def _calls_of(self, function: Function | None) -> list[ast.Call]:
        """Return the calls of a function by its name, where that can be no other."""
        if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return []
        around = self.enclosing(function) or self.tree
        within = list(ast.walk(around))
        name = function.name
        is_other = any(
            (isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == name)
            or (isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store))
            or (isinstance(node, ast.arg) and node.arg == name)
            for node in within
            if node is not function
        )
        return [
            node
            for node in within
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
            if not is_other
        ]

    def _first(self, readings: list[Reading]) -> Reading | None:
        return min(readings, key=lambda reading: _LAST[reading.kind], default=None)

    def _is_test(self, node: ast.AST) -> bool:
        """Say whether a truth value decides which way the program goes, and is no value itself."""
        above = self.parents.get(node)
        while isinstance(above, (ast.BoolOp, ast.UnaryOp)):
            node, above = above, self.parents.get(above)
        if isinstance(above, ast.IfExp) and _is_number(above.body):
            return not _is_number(above.orelse)  # 1.0 if x > 0 else -1.0 is a step, and no branch
        if isinstance(above, (ast.If, ast.While, ast.IfExp, ast.Assert)):
            return above.test is node
        return isinstance(above, ast.comprehension) and node in above.ifs

    def _has_key(self, load: ast.Name, key: str) -> bool:
        """Say whether a part is read: this one, or any that is named where the key is empty."""
        above = self.parents.get(load)
        if isinstance(above, ast.Attribute):
            return key in ("", above.attr)
        is_named = isinstance(above, ast.Subscript) and isinstance(above.slice, ast.Constant)
        named = above.slice.value if is_named else None  # type: ignore[union-attr]
        return isinstance(named, str) and key in ("", named)

    def _names_a_part(self, load: ast.Name) -> bool:
        """Say whether a part is read by its name; a method that is called there reads what it likes."""
        above = self.parents.get(load)
        called = self.parents.get(above) if isinstance(above, ast.Attribute) else None
        return self._has_key(load, "") and not (isinstance(called, ast.Call) and called.func is above)


@lru_cache(maxsize=16)
def program(file: str, text: str) -> Program:
    """Return the tree of a file, remembered: many inputs are asked about one after another."""
    return Program(file, text)


def _made_of(above: ast.AST, below: ast.AST) -> Kind | None:
    """Say what an expression makes of a part of it that has no slope."""
    if isinstance(above, ast.Subscript) and below is above.slice:
        return "indexed"
    if isinstance(above, ast.Attribute) and above.attr in _SIZES:
        return "sized"
    return _OF_CALLS.get(called_name(above)) if isinstance(above, ast.Call) else None


def _place(node: ast.expr) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _is_number(node: ast.expr) -> bool:
    """Say whether a number is written there: 1.0, -1."""
    return isinstance(node.operand if isinstance(node, ast.UnaryOp) else node, ast.Constant)


def _is_format(node: ast.AST) -> TypeGuard[ast.BinOp]:
    """Say whether a text is made by `"%.2f" % x`."""
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Mod)
        and isinstance(node.left, ast.Constant)
        and isinstance(node.left.value, str)
    )
