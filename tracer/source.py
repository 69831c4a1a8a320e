"""Where in the user's source an instruction stands, and which variables its value goes to.

The tape knows (code object, instruction offset) pairs and nothing else; here they become files, lines, columns,
texts and names, in bulk, after the run. Used by tracer/graph.py; nothing in here knows what a tape is.

No answer is better than a wrong one. A file may have been edited since it was imported, so an answer is given
only where the syntax tree has an expression of the right kind at exactly the instruction's columns, inside a
function with the code object's name, first line and parameters, that mentions only what the code object mentions.
"""

from __future__ import annotations

import ast
import dis
import linecache
import sys
import threading
import warnings
from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache
from inspect import CO_VARARGS, CO_VARKEYWORDS
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import CodeType

    _Span: TypeAlias = tuple[
        int, int, int, int
    ]  # line, end line, column, end column; in bytes, as in co_positions
    _Comprehension: TypeAlias = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
    _Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True, slots=True)
class Site:
    """One place in the source: lines count from 1, columns from 0 and in characters; a column of -1 is unknown."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    text: str
    function: str


@dataclass(frozen=True, slots=True)
class Place:
    """A site, and where the value of its expression goes unchanged.

    An instruction can call several operations (`s = sum(xs)` adds at one instruction): the targets are those of
    the expression, that is, of the last of them.
    """

    site: Site
    targets: tuple[str, ...]
    returned: bool


def resolve(pairs: Sequence[tuple[CodeType, int]]) -> list[Place]:
    """Find the place of each (code object, `f_lasti`) pair, in the order of the pairs."""
    # Keyed by id: code objects compare by content, and Python 3.11 leaves the positions out of it.
    offsets: dict[int, tuple[CodeType, set[int]]] = {}
    for code, offset in pairs:
        offsets.setdefault(id(code), (code, set()))[1].add(offset)
    files: dict[str, list[_Instruction]] = {}
    for code, wanted in offsets.values():
        files.setdefault(code.co_filename, []).extend(_instructions(code, wanted))
    places: dict[tuple[int, int], Place] = {}
    for file, instructions in files.items():
        places.update(_places(file, instructions))
    return [places[id(code), offset] for code, offset in pairs]


def source_of(codes: Iterable[CodeType]) -> dict[str, str]:
    """Map each file that the code objects come from to its text; files without a known text are left out."""
    files = dict.fromkeys(code.co_filename for code in codes)
    return {file: text for file in files if (text := _read(file))}


def _read(file: str) -> str:
    linecache.checkcache(file)
    return "".join(linecache.getlines(file))


# Suppressing a warning changes the filters of the whole process, so one thread at a time.
_FILTERS = threading.Lock()


@lru_cache(maxsize=4)
def _parse(text: str) -> ast.Module | None:
    """Parse a file, or answer None; every trace of one session reads the same few files."""
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # what Python says about the user's text was said when it was imported
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


# ---------------------------------------------------------------------------------------------- instructions


class _Code:
    """What is asked of one code object, read once."""

    def __init__(self, code: CodeType) -> None:
        self.code = code
        self.bytes = code.co_code
        self.spans = list(code.co_positions())
        count = code.co_argcount + code.co_kwonlyargcount
        count += bool(code.co_flags & CO_VARARGS) + bool(code.co_flags & CO_VARKEYWORDS)
        self.parameters = code.co_varnames[:count]
        self._names = {*code.co_names, *code.co_varnames, *code.co_freevars, *code.co_cellvars}
        self._numbers = {(type(value), value) for value in code.co_consts if type(value) in _NUMBERS}

    def mentions(self, name: str) -> bool:
        """Check a name as written, with or without dots; a private one is compiled to another."""
        parts = (part for part in name.split(".") if part.isidentifier())
        return all(part in self._names or part.startswith("__") for part in parts)

    def holds(self, constant: object) -> bool:
        """Check a number; other constants are not looked at."""
        return type(constant) not in _NUMBERS or (type(constant), constant) in self._numbers


@dataclass(frozen=True, slots=True)
class _Instruction:
    """One instruction: its operation, and the part of the source that it was compiled from."""

    code: _Code
    offset: int
    operation: str
    argument: int
    line: int
    span: _Span | None


def _instructions(code: CodeType, offsets: set[int]) -> Iterator[_Instruction]:
    facts = _Code(code)
    for offset in sorted(offsets):
        if not 0 <= offset < len(facts.bytes):  # the frame has not started
            yield _Instruction(facts, offset, "", 0, code.co_firstlineno, None)
            continue
        start = offset
        while start > 0 and not facts.bytes[start]:  # Python 3.11 stops in the cache entries behind a call
            start -= 2
        span = facts.spans[offset // 2]
        operation, argument = dis.opname[facts.bytes[start]], facts.bytes[start + 1]
        yield _Instruction(facts, offset, operation, argument, span[0] or code.co_firstlineno, span)


# ---------------------------------------------------------------------------------------------- the syntax tree


class _Flow(NamedTuple):
    """Where the value of an expression goes unchanged."""

    targets: tuple[ast.expr, ...] = ()
    returned: bool = False


_NOWHERE = _Flow()


@dataclass(frozen=True, slots=True)
class _Scope:
    """What the compiler makes a code object of; parameters as in `co_varnames`."""

    name: str
    first_line: int | None
    parameters: tuple[str, ...] = ()
    inlined_in: _Scope | None = None  # Python 3.12 compiles a comprehension into the function around it

    def is_of(self, code: _Code) -> bool:
        scope: _Scope | None = self
        while scope is not None:
            if (
                scope.name == code.code.co_name
                and scope.first_line in (None, code.code.co_firstlineno)
                and len(scope.parameters) == len(code.parameters)
                and all(map(_is_same_name, scope.parameters, code.parameters))
            ):
                return True
            scope = scope.inlined_in
        return False


def _is_same_name(written: str, compiled: str) -> bool:
    """Compare two names; inside a class, the compiler writes `__x` as `_Class__x`."""
    return written == compiled or (written.startswith("__") and compiled.endswith(written))


class _Visit(NamedTuple):
    node: ast.AST
    flow: _Flow
    scope: _Scope


class _Loop(NamedTuple):
    """One `for`, of a statement or a comprehension."""

    iterator: ast.expr
    target: ast.expr
    scope: _Scope


@dataclass(frozen=True, slots=True)
class _Index:
    """The nodes of one file at the places that were asked for."""

    nodes: dict[_Span, _Visit]
    ends: dict[tuple[int, int], _Visit]  # calls and attributes
    loops: dict[_Span, list[_Loop]]


def _index(tree: ast.Module, spans: set[_Span]) -> _Index:
    """Find the nodes at the spans, in one walk that skips statements without any."""
    index = _Index({}, {}, {})
    lines = sorted({span[0] for span in spans})
    ends = {(span[1], span[3]) for span in spans}
    stack = [_Visit(tree, _NOWHERE, _Scope("<module>", None))]
    while stack:
        visit = stack.pop()
        node = visit.node
        if isinstance(node, (ast.expr, ast.stmt, ast.pattern)):
            if isinstance(node, ast.stmt) and not _has_line(node, lines):
                continue
            span = _span(node)
            if span in spans and not isinstance(node, ast.Expr):
                index.nodes.setdefault(span, visit)  # of two with one span, the outer comes first
            if isinstance(node, (ast.Call, ast.Attribute)) and (span[1], span[3]) in ends:
                index.ends[span[1], span[3]] = visit
            if isinstance(node, _LOOPING):
                _index_loops(node, visit.scope, spans, index.loops)
        stack.extend(_children(visit))
    return index


def _has_line(node: ast.stmt, lines: list[int]) -> bool:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    start = bisect_left(
        lines, min(node.lineno, *(decorator.lineno for decorator in decorators), node.lineno)
    )
    return start < len(lines) and lines[start] <= (node.end_lineno or node.lineno)


def _span(node: ast.expr | ast.stmt | ast.pattern) -> _Span:
    return node.lineno, node.end_lineno or 0, node.col_offset, node.end_col_offset or 0


def _index_loops(
    node: ast.For | _Comprehension, scope: _Scope, spans: set[_Span], loops: dict[_Span, list[_Loop]]
) -> None:
    if isinstance(node, ast.For):
        found = [_Loop(node.iter, node.target, scope)]
    else:
        inside = _comprehension_scope(node, scope)
        generators = (generator for generator in node.generators if not generator.is_async)
        found = [_Loop(generator.iter, generator.target, inside) for generator in generators]
    for loop in found:
        span = _span(loop.iterator if _LOOPS_AT_ITERATOR else node)
        if span in spans:
            loops.setdefault(span, []).append(loop)


def _children(visit: _Visit) -> Iterator[_Visit]:
    """Yield the children, each with where its value goes and the scope it is computed in."""
    node, flow, scope = visit
    match node:
        case ast.Assign(targets=targets, value=value):
            yield from (_Visit(target, _NOWHERE, scope) for target in targets)
            yield from (_Visit(part, _Flow(names), scope) for part, names in _pairs(targets, value))
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            yield _Visit(target, _NOWHERE, scope)
            yield _Visit(value, _Flow((target,)), scope)
        case ast.NamedExpr(target=target, value=value):
            yield _Visit(value, _Flow((target, *flow.targets), flow.returned), scope)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield _Visit(test, _NOWHERE, scope)
            yield from (_Visit(branch, flow, scope) for branch in (body, orelse))
        case ast.BoolOp(values=values):
            yield from (_Visit(value, flow, scope) for value in values)
        case ast.Return(value=ast.expr() as value):
            yield _Visit(value, _Flow(returned=True), scope)
        case ast.Lambda(args=arguments, body=body):
            yield _Visit(arguments, _NOWHERE, scope)
            yield _Visit(body, _Flow(returned=True), _function_scope("<lambda>", node.lineno, arguments))
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            outside = (*node.decorator_list, node.args, *([node.returns] if node.returns else []))
            yield from (_Visit(part, _NOWHERE, scope) for part in outside)
            inside = _function_scope(node.name, _first_line(node), node.args)
            yield from (_Visit(statement, _NOWHERE, inside) for statement in node.body)
        case ast.ClassDef():
            outside = (*node.decorator_list, *node.bases, *node.keywords)
            yield from (_Visit(part, _NOWHERE, scope) for part in outside)
            inside = _Scope(node.name, _first_line(node))
            yield from (_Visit(statement, _NOWHERE, inside) for statement in node.body)
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            first, inside = node.generators[0].iter, _comprehension_scope(node, scope)
            yield _Visit(first, _NOWHERE, scope)  # computed before the comprehension is entered
            elements = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
            parts = (part for generator in node.generators for part in ast.iter_child_nodes(generator))
            yield from (_Visit(part, _NOWHERE, inside) for part in (*elements, *parts) if part is not first)
        case _:
            # Operators and contexts have no fields.
            children = (child for child in ast.iter_child_nodes(node) if child._fields)
            yield from (_Visit(child, _NOWHERE, scope) for child in children)


def _pairs(targets: list[ast.expr], value: ast.expr) -> Iterator[tuple[ast.expr, tuple[ast.expr, ...]]]:
    """Pair `a, b = x * y, z` element by element; a display of another length is assigned to no name."""
    pending = [(targets, value)]
    while pending:
        targets, value = pending.pop()
        displays = [target.elts for target in targets if isinstance(target, _DISPLAYS)]
        if isinstance(value, _DISPLAYS):
            paired = [display for display in displays if _is_paired(display, value.elts)]
            pending += [([display[at] for display in paired], item) for at, item in enumerate(value.elts)]
        else:
            yield value, tuple(target for target in targets if not isinstance(target, _DISPLAYS))


def _is_paired(targets: list[ast.expr], values: list[ast.expr]) -> bool:
    starred = any(isinstance(element, ast.Starred) for element in (*targets, *values))
    return len(targets) == len(values) and not starred


def _function_scope(name: str, first_line: int, arguments: ast.arguments) -> _Scope:
    parameters = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    parameters += [extra for extra in (arguments.vararg, arguments.kwarg) if extra is not None]
    return _Scope(name, first_line, tuple(parameter.arg for parameter in parameters))


def _comprehension_scope(node: _Comprehension, outside: _Scope) -> _Scope:
    name = "<genexpr>" if isinstance(node, ast.GeneratorExp) else f"<{type(node).__name__.lower()}>"
    return _Scope(name, node.lineno, (".0",), outside)


def _first_line(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> int:
    return node.decorator_list[0].lineno if node.decorator_list else node.lineno


# ---------------------------------------------------------------------------------------------- both together


def _places(file: str, instructions: list[_Instruction]) -> Iterator[tuple[tuple[int, int], Place]]:
    text = _read(file).replace("\r\n", "\n").replace("\r", "\n")  # as Python's own parser counts lines
    tree = _parse(text) if text else None
    spans = {instruction.span for instruction in instructions if instruction.span is not None}
    index = _index(tree, spans) if tree is not None else _Index({}, {}, {})
    lines = text.split("\n")
    for instruction in instructions:
        key = id(instruction.code.code), instruction.offset
        found = _match(instruction, index)
        yield key, _placed(instruction, found, lines) if found is not None else _unknown(instruction)


def _unknown(instruction: _Instruction) -> Place:
    code, line = instruction.code.code, instruction.line
    return Place(Site(code.co_filename, line, -1, line, -1, "", code.co_qualname), (), returned=False)


def _placed(instruction: _Instruction, found: _Visit, lines: list[str]) -> Place:
    assert isinstance(found.node, (ast.expr, ast.stmt, ast.pattern))
    targets = tuple(dict.fromkeys(name for target in found.flow.targets if (name := _name(target))))
    if not all(map(instruction.code.mentions, targets)):
        return _unknown(instruction)
    line, end_line, start, end = _span(found.node)
    column, end_column = _characters(lines[line - 1], start), _characters(lines[end_line - 1], end)
    rows = lines[line - 1 : end_line]
    rows[-1] = rows[-1][:end_column]
    rows[0] = rows[0][column:]
    code = instruction.code.code
    site = Site(code.co_filename, line, column, end_line, end_column, "\n".join(rows), code.co_qualname)
    return Place(site, targets, found.flow.returned)


def _characters(line: str, count: int) -> int:
    """Say how many characters the first bytes of a line are."""
    return count if line.isascii() else len(line.encode()[:count].decode())


def _name(target: ast.expr) -> str:
    """Name the variable that is assigned to: `h`, `self.h`, and `hs` for `hs[t]`; '' if it has no name."""
    while isinstance(target, ast.Subscript):
        target = target.value
    if isinstance(target, ast.Name):
        return target.id
    try:
        return ast.unparse(target) if isinstance(target, ast.Attribute) else ""
    except RecursionError:
        return ""


def _match(instruction: _Instruction, index: _Index) -> _Visit | None:
    """Find the node that an instruction was compiled from, and where its value goes; None rather than a guess."""
    span, operation, code = instruction.span, instruction.operation, instruction.code
    if span is None:
        return None
    if operation in _LOOPS and span in index.loops:
        return _match_loop(instruction, span, index.loops[span])
    visit = index.nodes.get(span)
    kinds = _KINDS.get(operation)
    if kinds is None:
        return _match_reader(code, visit)
    if visit is None or not isinstance(visit.node, kinds):
        visit = index.ends.get((span[1], span[3]))
        # Over several lines, a method's instructions begin at its name, on the line of that.
        if visit is None or not isinstance(visit.node, kinds) or not _is_at_method(visit.node, span[0]):
            return None
    if not (
        visit.scope.is_of(code) and _is_operator(visit.node, instruction) and _agrees(visit.node, code)
    ):
        return None
    return visit._replace(flow=_flow(visit, operation))


def _match_reader(code: _Code, visit: _Visit | None) -> _Visit | None:
    """Find what a truth test, an f-string or the like reads: a place, and no value."""
    if visit is None or not visit.scope.is_of(code):
        return None
    node: ast.AST | None = visit.node
    if isinstance(node, ast.stmt):  # Python 3.11 tests `if x:` at the whole statement
        node = getattr(node, "test", None)
    return _Visit(node, _NOWHERE, visit.scope) if node is not None else None


def _match_loop(instruction: _Instruction, span: _Span, loops: list[_Loop]) -> _Visit | None:
    """Find the `for` of an instruction; several share a span in a comprehension of Python 3.11 or 3.12."""
    code = instruction.code
    turn = 0
    if len(loops) > 1:
        before = range(0, instruction.offset, 2)
        same = [
            at for at in before if dis.opname[code.bytes[at]] == "FOR_ITER" and code.spans[at // 2] == span
        ]
        turn = len(same) % len(loops)  # a `finally` block is compiled twice
    loop = loops[turn]
    if not loop.scope.is_of(code) or (len(loops) > 1 and instruction.operation != "FOR_ITER"):
        return None
    return _Visit(loop.iterator, _Flow((loop.target,)), loop.scope)


def _flow(visit: _Visit, operation: str) -> _Flow:
    """Say where the value of an operation goes; some operations know it themselves."""
    match visit.node:
        case ast.AugAssign(target=target):
            return _Flow((target,))
        case ast.Tuple(elts=[target]) | ast.List(elts=[target]):
            return _Flow((target,))
        case ast.Compare(ops=[_, _, *_]):
            return _NOWHERE
        case ast.Subscript() as target if operation in _STORES:
            return _Flow((target,))
    return visit.flow


def _is_at_method(node: ast.AST, line: int) -> bool:
    attribute = node.func if isinstance(node, ast.Call) else node
    return isinstance(attribute, ast.Attribute) and attribute.end_lineno == line


def _is_operator(node: ast.AST, instruction: _Instruction) -> bool:
    """Check that `x * y` was compiled to a multiplication."""
    if instruction.operation != "BINARY_OP":
        return True
    argument, count = instruction.argument, len(_OPERATORS)
    if isinstance(node, (ast.BinOp, ast.AugAssign)):
        in_place = isinstance(node, ast.AugAssign)
        return argument in range(2 * count) and (type(node.op), in_place) == (
            _OPERATORS[argument % count],
            argument >= count,
        )
    return argument >= 2 * count  # a subscript, from Python 3.14 on


def _agrees(node: ast.AST, code: _Code) -> bool:
    """Check that the code object mentions the names and numbers among the operands."""
    for child in (node, *ast.iter_child_nodes(node)):
        if isinstance(child, ast.Name) and not code.mentions(child.id):
            return False
        if isinstance(child, ast.Attribute) and not code.mentions(child.attr):
            return False
        if isinstance(child, ast.Constant) and not code.holds(child.value):
            return False
    return True


_LOOPS_AT_ITERATOR = sys.version_info >= (3, 13)  # before, at the whole statement or comprehension
_NUMBERS = (
    (float, complex) if "LOAD_SMALL_INT" in dis.opmap else (float, complex, int)
)  # 3.14 keeps no integers
_DISPLAYS = (ast.Tuple, ast.List)
_LOOPING = (ast.For, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_LOOPS = ("FOR_ITER", "GET_ITER")
_STORES = ("STORE_SUBSCR", "STORE_SLICE")

_OPERATORS = (  # by the argument of BINARY_OP; the in-place operators follow in the same order
    *(ast.Add, ast.BitAnd, ast.FloorDiv, ast.LShift, ast.MatMult, ast.Mult, ast.Mod),
    *(ast.BitOr, ast.Pow, ast.RShift, ast.Sub, ast.Div, ast.BitXor),
)

_KINDS: dict[str, tuple[type[ast.AST], ...]] = {  # what the operations that make values are compiled from
    "BINARY_OP": (ast.BinOp, ast.AugAssign, ast.Subscript),
    **dict.fromkeys(("COMPARE_OP", "CONTAINS_OP"), (ast.Compare, ast.pattern)),
    **dict.fromkeys(("UNARY_NEGATIVE", "UNARY_POSITIVE", "UNARY_INVERT", "UNARY_NOT"), (ast.UnaryOp,)),
    "CALL_INTRINSIC_1": (ast.UnaryOp,),  # `+x`, from Python 3.12 on
    **dict.fromkeys(("BINARY_SUBSCR", "BINARY_SLICE", *_STORES), (ast.Subscript,)),
    **dict.fromkeys(("LOAD_ATTR", "LOAD_METHOD"), (ast.Attribute,)),
    **dict.fromkeys(("PRECALL", "CALL", "CALL_KW", "CALL_FUNCTION_EX"), (ast.Call,)),
    "UNPACK_SEQUENCE": _DISPLAYS,
}
