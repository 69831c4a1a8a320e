"""Where a number goes on that left the graph: by the program's text, to the operations that took it for a constant.

The text says what is computed from it; that an operation of the run stands at such a place, later, with a constant
where the text has that number, and that the output hangs on it, the trace says. What the text does not show is not
followed: a number that is put into a list, an object, or a function of another file. Used by cuts.py and read_back.py.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tracer.diagnose.program_text import Text, called_name, loads_of, names_of, parameters_in_order
from tracer.diagnose.reading import program
from tracer.recording import operand_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.source import Site
    from tracer.trace import Trace

_SLOPELESS = frozenset(
    "int round floor ceil trunc rint astype bool len range isnan isfinite isinf isclose allclose any all "
    "argmax argmin argsort argwhere nonzero flatnonzero searchsorted digitize lexsort "
    "zeros ones empty arange eye tile repeat reshape "
    "str repr format print debug info warning error critical write append extend insert".split()
)
"""Calls after which a number is none any more, or only counts."""
_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.MatMult, ast.Mod)
_CARRIES = frozenset(
    "float complex abs sum min max pow eval loads literal_eval Decimal Fraction detach".split()
)
_OF_MODULES = frozenset(("math", "np", "numpy", "cmath", "scipy", "special", "linalg", "operator"))
_METHODS = frozenset(
    "item tolist copy sum mean dot prod max min std var cumsum T real ravel flatten".split()
)
_MOST = 400  # places that are followed
_HELD = (ast.Tuple, ast.List, ast.Starred, ast.GeneratorExp, ast.ListComp, ast.keyword)


class Carrier(NamedTuple):
    """An expression that has the number, as it left or with something computed from it."""

    node: ast.expr
    is_same: bool


def consumers(trace: Trace, site: Site, start: ast.expr, values: list[Any], after: int) -> list[int]:
    """Return the operations that took a plain number for a constant, and that the output hangs on.

    `start` is the expression in the file of `site` that has the number, `values` what it was, and `after` the row from
    which on an operation counts; no values are known of a number that was read from a text.
    """
    text = program(site.file, trace.source[site.file])
    at = _Places(trace, site.file)
    found: dict[int, None] = {}
    pending, seen = [Carrier(start, bool(values))], set[int]()
    while pending and len(seen) < _MOST:
        carrier = pending.pop()
        if id(carrier.node) in seen:
            continue
        seen.add(id(carrier.node))
        rows = at.taken(text, carrier, values, after)
        found.update(dict.fromkeys(rows))
        if not rows:
            pending += _onward(text, carrier)
    return sorted(found)


class _Places:
    """The operations of one file by their places."""

    def __init__(self, trace: Trace, file: str) -> None:
        self.trace = trace
        self.numbers: dict[tuple[int, int, int, int], list[int]] = {}
        for number, place in enumerate(trace.sites.places):
            site = place.site
            if site.file == file:
                key = (site.line, site.column, site.end_line, site.end_column)
                self.numbers.setdefault(key, []).append(number)

    def taken(self, text: Text, carrier: Carrier, values: list[Any], after: int) -> list[int]:
        """Return the operations at the expression around a carrier that have a constant in its place."""
        above = text.parents.get(carrier.node)
        if isinstance(above, ast.keyword):
            above = text.parents.get(above)
        if not isinstance(above, (ast.BinOp, ast.Call, ast.AugAssign, ast.UnaryOp)):
            return []
        numbers = self.numbers.get(text.position(above))
        if numbers is None:
            return []
        recording, gradients = self.trace.recording, self.trace.gradients
        rows = np.flatnonzero(np.isin(self.trace.sites.row_places, numbers))
        rows = rows[(rows > after) & gradients.reached[rows]]
        port = _port(above, carrier.node)
        found = []
        for row in rows.tolist():
            first, stop = recording.starts[row : row + 2].tolist()
            ports = range(first, stop) if port is None else [first + port][: stop - first]
            constants = [
                operand_of(recording, int(recording.operands[slot]))
                for slot in ports
                if recording.operands[slot] < 0
            ]
            if constants and (not carrier.is_same or any(_is_one(each, values) for each in constants)):
                found.append(row)
        return found


def _is_one(constant: Any, values: list[Any]) -> bool:
    return any(np.array_equal(constant, value) for value in values)


def _port(above: ast.AST, node: ast.AST) -> int | None:
    """Return which operand of an operator an expression is; None for the arguments of a call."""
    if isinstance(above, ast.BinOp):
        return 0 if node is above.left else 1
    return 1 if isinstance(above, ast.AugAssign) and node is above.value else None


def _onward(text: Text, carrier: Carrier) -> Iterator[Carrier]:
    """Yield the expressions that have the number next."""
    node, above = carrier.node, text.parents.get(carrier.node)
    if (isinstance(above, ast.BinOp) and isinstance(above.op, _ARITHMETIC)) or isinstance(
        above, ast.UnaryOp
    ):
        if not isinstance(getattr(above, "op", None), ast.Not):
            yield Carrier(above, is_same=False)
    elif isinstance(above, ast.IfExp) and node is not above.test:
        yield Carrier(above, carrier.is_same)
    elif isinstance(above, ast.NamedExpr):
        yield Carrier(above, carrier.is_same)
        yield from _loads(text, above.target, above, carrier)
    elif isinstance(above, ast.Subscript) and node is above.value:
        yield Carrier(above, is_same=False)
    elif isinstance(above, ast.Attribute) and above.attr in _METHODS:
        call = text.parents.get(above)
        is_called = isinstance(call, ast.Call) and call.func is above
        yield Carrier(call if is_called else above, is_same=False)  # type: ignore[arg-type]
    elif isinstance(above, ast.Call) and node is not above.func:
        yield from _through_call(text, above, above.args.index(node) if node in above.args else "", carrier)
    elif isinstance(above, ast.keyword):
        call = text.parents.get(above)
        if isinstance(call, ast.Call) and above.arg:
            yield from _through_call(text, call, above.arg, carrier)
    elif isinstance(above, _HELD):
        if isinstance(above, ast.expr):
            yield Carrier(above, carrier.is_same)
    elif isinstance(above, (ast.stmt, ast.Lambda)):
        yield from _from_statement(text, above, carrier)


def _through_call(text: Text, call: ast.Call, position: int | str, carrier: Carrier) -> Iterator[Carrier]:
    name = called_name(call)
    if name in _SLOPELESS:
        return
    module = call.func.value if isinstance(call.func, ast.Attribute) else None
    while isinstance(module, ast.Attribute):
        module = module.value
    if (module is None and name in _CARRIES) or (isinstance(module, ast.Name) and module.id in _OF_MODULES):
        yield Carrier(call, carrier.is_same and name in ("float", "complex", "detach"))
        return
    if name in ("loads", "literal_eval"):
        yield Carrier(call, is_same=False)
        return
    function = text.function(name)
    if function is None:
        return
    parameters = parameters_in_order(function)
    is_method = isinstance(call.func, ast.Attribute) and parameters[:1] in (["self"], ["cls"])
    if isinstance(position, int):
        position += is_method
        if position >= len(parameters):
            return
        position = parameters[position]
    for load in loads_of(function, position):
        yield Carrier(load, carrier.is_same)


def _from_statement(text: Text, statement: ast.stmt | ast.Lambda, carrier: Carrier) -> Iterator[Carrier]:
    if isinstance(statement, ast.Lambda):
        given = text.parents.get(statement)
        targets = given.targets if isinstance(given, ast.Assign) else []
        for target in targets:
            for call in text.calls_of(getattr(target, "id", "")):
                yield Carrier(call, carrier.is_same)
    elif isinstance(statement, ast.Return):
        function = text.enclosing(statement)
        for call in text.calls_of(getattr(function, "name", "")):
            yield Carrier(call, carrier.is_same)
    elif isinstance(statement, ast.Assign):
        for target in statement.targets:
            if isinstance(target, ast.Tuple) and isinstance(carrier.node, ast.Tuple):
                for each in target.elts:
                    yield from _loads(text, each, statement, Carrier(carrier.node, is_same=False))
            else:
                yield from _loads(text, target, statement, carrier)
    elif isinstance(statement, (ast.AnnAssign, ast.AugAssign)):
        is_same = carrier.is_same and isinstance(statement, ast.AnnAssign)
        yield from _loads(text, statement.target, statement, Carrier(carrier.node, is_same))
    elif isinstance(statement, ast.For) and carrier.node is statement.iter:
        yield from _loads(text, statement.target, statement, Carrier(carrier.node, is_same=False))


def _loads(text: Text, target: ast.AST, statement: ast.AST, carrier: Carrier) -> Iterator[Carrier]:
    """Yield where a variable is read after it was given a number, until it is given another; around a loop, too."""
    function = text.enclosing(statement)
    if not isinstance(target, ast.Name) or function is None:
        return
    line = statement.lineno  # type: ignore[attr-defined]
    loop = text.loop_around(statement)
    stores = [node.lineno for node in names_of(function, target.id) if isinstance(node.ctx, ast.Store)]
    until = min((each for each in stores if each > line), default=10**9)
    again = min((each for each in stores if loop is not None and each >= loop.lineno), default=0)
    for load in loads_of(function, target.id):
        is_next = line < load.lineno <= until or (
            load.lineno == line and load.col_offset > target.col_offset
        )
        is_in_loop = loop is not None and loop.lineno <= load.lineno <= again
        if is_next or is_in_loop:
            yield Carrier(load, carrier.is_same)
