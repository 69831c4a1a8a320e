"""Where a number goes on that left the graph: by the program's text, to the operations that took it for a constant.

The text says what is computed from it; that an operation of the run stands at such a place, later, with a constant
where the text has that number, and that the output hangs on it, the trace says. What the text does not show is not
followed: a number that is put into a list, an object, or a function of another file. What a function of a library makes
of it (a root, an integral, a draw) is a number that no operation made: all that comes out of the call may have it.
Used by cuts.py and read_back.py.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tracer.diagnose.files import readings_of
from tracer.diagnose.program_text import Function, Text, called_name, parameters_in_order
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
    "str repr format print debug info warning error critical write".split()
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
_CONVERSIONS = (
    _SLOPELESS
    | _CARRIES
    | _METHODS
    | frozenset(
        "float16 float32 float64 longdouble complex64 complex128 asarray asanyarray ascontiguousarray array "
        "dump dumps dtype divmod hash index".split()
    )
)
"""Calls that hand the number itself on, or nothing of it."""
_CHOOSING = frozenset("sorted sort min max filter takewhile dropwhile groupby nlargest nsmallest".split())
"""Calls that choose by what a function gives: their results are others of their arguments."""
_PUTTING = ("append", "appendleft", "extend", "insert")
_MOST = 400  # places that are followed
_HELD = (ast.Tuple, ast.List, ast.Starred, ast.GeneratorExp, ast.ListComp, ast.keyword)


class Carrier(NamedTuple):
    """An expression that has the number, as it left or with something computed from it."""

    node: ast.expr
    is_same: bool
    is_made: bool = False
    """Whether a function made it that can't be looked into: a number, or what has it in its attributes and items."""

    def on(self, node: ast.expr) -> Carrier:
        """Return the same for what is computed from it."""
        return self._replace(node=node, is_same=False)


def follow(trace: Trace, site: Site, start: ast.expr, values: list[Any], after: int) -> Followed:
    """Follow a plain number by the text, to the operations that took it for a constant, and that the output hangs on.

    `start` is the expression in the file of `site` that has the number, `values` what it was, and `after` the row from
    which on an operation counts; no values are known of a number that was read from a text.
    """
    text = program(site.file, trace.source[site.file])
    at = _Places(trace, site.file)
    found: dict[int, None] = {}
    is_lost = is_returned = False
    is_made = is_swallowing(text, start)
    pending, seen = [Carrier(start, bool(values) and not is_made, is_made)], set[int]()
    pending += [Carrier(each, is_same=False, is_made=True) for each in readings_of(text, start)]
    while pending and len(seen) < _MOST:
        carrier = pending.pop()
        if id(carrier.node) in seen:
            continue
        seen.add(id(carrier.node))
        rows = at.taken(text, carrier, values, after)
        found.update(dict.fromkeys(rows))
        if not rows:
            following = list(_onward(text, carrier))
            is_lost |= not following and carrier.is_made and not _is_looked_at(text, carrier.node)
            is_returned |= carrier.is_made and _is_result(text, carrier.node)
            pending += following
    return Followed(sorted(found), is_lost or len(seen) == _MOST, is_returned)


class Followed(NamedTuple):
    """The operations that took a number; of one that a library made, too, whether it goes where nothing follows."""

    rows: list[int]
    is_lost: bool = False
    is_returned: bool = False


def is_swallowing(text: Text, start: ast.expr) -> bool:
    """Say whether a number left in a call of what can't be looked into: not in a conversion of the program's own."""
    return (
        isinstance(start, ast.Call)
        and called_name(start) not in _CONVERSIONS
        and text.function(called_name(start)) is None
    )


class _Places:
    """The operations of one file by their places."""

    def __init__(self, trace: Trace, file: str) -> None:
        self.trace = trace
        self.file = file
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
        port = _port(above, carrier.node)
        if not len(rows) and port is not None:
            rows, port = self._by_methods(numbers), None
        rows = rows[(rows > after) & gradients.reached[rows]]
        found = []
        for row in rows.tolist():
            first, stop = recording.starts[row : row + 2].tolist()
            ports = range(first, stop) if port is None else [first + port][: stop - first]
            constants = [
                operand_of(recording, int(recording.operands[slot]))
                for slot in ports
                if recording.operands[slot] < 0
            ]
            if carrier.is_made:
                constants = [each for each in constants if np.asarray(each).dtype.kind in "fc"]
            if constants and (not carrier.is_same or any(_is_one(each, values) for each in constants)):
                found.append(row)
        return found

    def _by_methods(self, numbers: list[int]) -> np.ndarray[Any, Any]:
        """Return the operations by which a library's class does what an operator says, as Fraction multiplies."""
        sites = self.trace.sites
        called = [scope.index for scope in sites.scopes if scope.place in numbers]
        rows = np.flatnonzero(np.isin(sites.row_scopes, called))
        files = [site.file if (site := sites.place(row).site) else "" for row in rows.tolist()]
        return rows[[file not in ("", self.file) for file in files]] if files else rows


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
            yield carrier.on(above)
    elif isinstance(above, ast.IfExp) and node is not above.test:
        yield carrier._replace(node=above)
    elif isinstance(above, ast.NamedExpr):
        yield carrier._replace(node=above)
        yield from _loads(text, above.target, above, carrier)
    elif isinstance(above, ast.Subscript) and node is above.value:
        yield carrier.on(above)
    elif isinstance(above, ast.Attribute) and (above.attr in _METHODS or carrier.is_made):
        call = text.parents.get(above)
        is_called = isinstance(call, ast.Call) and call.func is above
        yield carrier.on(call if is_called else above)  # type: ignore[arg-type]
    elif isinstance(above, ast.Call) and node is above.func and carrier.is_made:
        yield carrier.on(above)
    elif isinstance(above, ast.Call) and node is not above.func:
        yield from _through_call(text, above, above.args.index(node) if node in above.args else "", carrier)
    elif isinstance(above, ast.keyword):
        call = text.parents.get(above)
        if isinstance(call, ast.Call) and above.arg:
            yield from _through_call(text, call, above.arg, carrier)
    elif isinstance(above, _HELD):
        if isinstance(above, ast.expr):
            yield carrier._replace(node=above)
    elif isinstance(above, (ast.stmt, ast.Lambda)):
        yield from _from_statement(text, above, carrier)


def _is_looked_at(text: Text, node: ast.AST) -> bool:
    """Say whether a value ends where it stands: compared, shown, counted with, dropped, or the program's result."""
    above = text.parents.get(node)
    if isinstance(above, ast.keyword):
        above = text.parents.get(above)
    if isinstance(above, ast.Call):
        return node is not above.func and called_name(above) in _SLOPELESS
    if isinstance(above, ast.BinOp):
        return isinstance(above.op, ast.Mod) and isinstance(above.left, ast.Constant)
    if isinstance(above, (ast.Assign, ast.AnnAssign)):
        targets = above.targets if isinstance(above, ast.Assign) else [above.target]
        named = [each for target in targets for each in getattr(target, "elts", [target])]
        return all(isinstance(each, ast.Name) for each in named)
    if isinstance(above, ast.Subscript):
        return node is above.slice
    if isinstance(above, ast.IfExp):
        return node is above.test
    if isinstance(above, ast.Return):
        return _is_result(text, node)
    return isinstance(
        above, (ast.Expr, ast.Compare, ast.FormattedValue, ast.If, ast.While, ast.Assert, ast.Slice)
    )


def _is_result(text: Text, node: ast.AST) -> bool:
    """Say whether something is what a function returns that nothing in the text calls: the one that is traced."""
    above = text.parents.get(node)
    function = text.enclosing(node)
    return isinstance(above, ast.Return) and not text.calls_of(getattr(function, "name", ""))


def _through_call(text: Text, call: ast.Call, position: int | str, carrier: Carrier) -> Iterator[Carrier]:
    name = called_name(call)
    if name in _SLOPELESS:
        return
    module = call.func.value if isinstance(call.func, ast.Attribute) else None
    while isinstance(module, ast.Attribute):
        module = module.value
    if (module is None and name in _CARRIES) or (isinstance(module, ast.Name) and module.id in _OF_MODULES):
        yield carrier._replace(
            node=call, is_same=carrier.is_same and name in ("float", "complex", "detach")
        )
        return
    if name in _PUTTING and isinstance(call.func, ast.Attribute):
        function = text.enclosing(call)
        if isinstance(call.func.value, ast.Name) and function is not None:
            for load in text.variables_of(function).loads_of(call.func.value.id):
                yield carrier.on(load)
        return
    if name in ("dumps", "loads", "literal_eval"):
        yield carrier.on(call)
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
    for load in text.variables_of(function).loads_of(position):
        yield carrier._replace(node=load)


def _from_statement(text: Text, statement: ast.stmt | ast.Lambda, carrier: Carrier) -> Iterator[Carrier]:
    if isinstance(statement, ast.Lambda):
        given = text.parents.get(statement)
        targets = given.targets if isinstance(given, ast.Assign) else []
        for target in targets:
            yield from _out_of(text, getattr(target, "id", ""), text.enclosing(statement), carrier)
        yield from _out_of_caller(text, statement)
    elif isinstance(statement, ast.Return):
        function = text.enclosing(statement)
        if function is not None:
            yield from _out_of(text, getattr(function, "name", ""), text.enclosing(function), carrier)
    elif isinstance(statement, ast.Assign):
        for target in statement.targets:
            if isinstance(target, ast.Tuple) and (isinstance(carrier.node, ast.Tuple) or carrier.is_made):
                for each in target.elts:
                    held = each.value if isinstance(each, ast.Starred) else each
                    yield from _loads(text, held, statement, carrier.on(carrier.node))
            else:
                yield from _loads(text, target, statement, carrier)
    elif isinstance(statement, (ast.AnnAssign, ast.AugAssign)):
        is_same = carrier.is_same and isinstance(statement, ast.AnnAssign)
        yield from _loads(text, statement.target, statement, carrier._replace(is_same=is_same))
    elif isinstance(statement, ast.For) and carrier.node is statement.iter:
        yield from _loads(text, statement.target, statement, carrier.on(carrier.node))


def _out_of(text: Text, name: str, function: Function | None, carrier: Carrier) -> Iterator[Carrier]:
    """Yield the calls of a function that gives the number, and of those of other files that it is handed to."""
    for call in text.calls_of(name):
        yield carrier._replace(node=call)
    if function is not None and name:
        for load in text.variables_of(function).loads_of(name):
            yield from _out_of_caller(text, load)


def _out_of_caller(text: Text, function: ast.AST) -> Iterator[Carrier]:
    """Yield the call that a function is handed to, if that may give what it makes of the function's numbers."""
    call = text.parents.get(function)
    if isinstance(call, ast.keyword):
        call = text.parents.get(call)
    if (
        isinstance(call, ast.Call)
        and call.func is not function
        and called_name(call) not in _CHOOSING | _SLOPELESS
        and text.function(called_name(call)) is None
    ):
        yield Carrier(call, is_same=False, is_made=True)


def _loads(text: Text, target: ast.AST, statement: ast.AST, carrier: Carrier) -> Iterator[Carrier]:
    """Yield where a variable is read after it was given a number, until it is given another; around a loop, too."""
    function = text.enclosing(statement)
    if not isinstance(target, ast.Name) or function is None:
        return
    line = statement.lineno  # type: ignore[attr-defined]
    loop = text.loop_around(statement)
    variables = text.variables_of(function)
    stores = [node.lineno for node in variables.stores_of(target.id)]
    until = min((each for each in stores if each > line), default=10**9)
    again = min((each for each in stores if loop is not None and each >= loop.lineno), default=0)
    for load in variables.loads_of(target.id):
        is_next = line < load.lineno <= until or (
            load.lineno == line and load.col_offset > target.col_offset
        )
        is_in_loop = loop is not None and loop.lineno <= load.lineno <= again
        if is_next or is_in_loop:
            yield carrier._replace(node=load)
    for changed in variables.names_of(target.id):
        above = text.parents.get(changed)
        if isinstance(above, ast.AugAssign) and above.target is changed and line < changed.lineno <= until:
            yield from _loads(text, changed, above, carrier.on(carrier.node))
