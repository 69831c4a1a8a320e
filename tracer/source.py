"""Where in the user's source an instruction stands, and which variables its value goes to.

The tape knows (code object, instruction offset) pairs and nothing else; here they become files, lines,
columns, texts and names, in bulk, after the run. Used by sites.py; nothing in here knows the tape.

No answer is better than a wrong one: a file may have been edited since it was imported. An answer is given
only where the syntax tree has an expression of the right kind at exactly the instruction's columns, in a
function with the code object's name, first line and parameters, that mentions only what the code mentions.
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

    # Line, end line, column and end column in bytes, as `co_positions` has them; None is unknown.
    _Span: TypeAlias = tuple[int | None, int | None, int | None, int | None]
    _Comprehension: TypeAlias = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@dataclass(frozen=True, slots=True)
class Site:
    """One place in the source; lines count from 1, columns from 0 in characters.

    Where the source can't be had, the text is empty and the columns are -1.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    text: str
    function: str


@dataclass(frozen=True, slots=True)
class Place:
    """A site, and where the value of its expression goes unchanged: to variables, out of its function.

    One instruction can call many operations (`s = sum(xs)`): its expression's value is that of the last.
    """

    site: Site
    targets: tuple[str, ...]
    returned: bool


def resolve(pairs: Sequence[tuple[CodeType, int]]) -> list[Place]:
    """Find the place of each (code object, `f_lasti`) pair, in the order of the pairs."""
    # Keyed by id: to hash a code object is to read all of it, and equal ones need not stand at one place.
    wanted: dict[int, tuple[CodeType, set[int]]] = {}
    for code, offset in pairs:
        wanted.setdefault(id(code), (code, set()))[1].add(offset)
    files: dict[str, list[_Instruction]] = {}
    for code, offsets in wanted.values():
        files.setdefault(code.co_filename, []).extend(_instructions(code, offsets))
    places: dict[tuple[int, int], Place] = {}
    for file, instructions in files.items():
        places.update(_places(file, instructions))
    return [places[id(code), offset] for code, offset in pairs]


def source_of(codes: Iterable[CodeType]) -> dict[str, str]:
    """Map each file that the code objects come from to its text; left out where it can't be had."""
    files = dict.fromkeys(code.co_filename for code in codes)
    return {file: text for file in files if (text := _read(file))}


def _read(file: str) -> str:
    linecache.checkcache(file)
    return "".join(linecache.getlines(file))


_FILTERS = threading.Lock()  # warning filters belong to the whole process


@lru_cache(maxsize=4)
def _parse(text: str) -> ast.Module | None:
    """Parse a file, or answer None; the traces of one session come from the same few files."""
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python has warned the user already, when the file was imported
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


# The code object's side: what was executed.


class _Code:
    """What is asked of one code object, read once."""

    def __init__(self, code: CodeType) -> None:
        self.code = code
        self.bytes = code.co_code
        self.spans: list[_Span] = list(code.co_positions())
        count = code.co_argcount + code.co_kwonlyargcount
        count += bool(code.co_flags & CO_VARARGS) + bool(code.co_flags & CO_VARKEYWORDS)
        self.parameters = code.co_varnames[:count]
        self._names = {*code.co_names, *code.co_varnames, *code.co_freevars, *code.co_cellvars}
        self._numbers = {(type(value), value) for value in code.co_consts if type(value) in _NUMBERS}

    def mentions(self, name: str) -> bool:
        """Look for a name, with or without dots; not for private ones, which the compiler renames."""
        parts = (part for part in name.split(".") if part.isidentifier())
        return name in self._names or all(part in self._names or part.startswith("__") for part in parts)

    def holds(self, constant: object) -> bool:
        """Look for a number; other constants are not looked for."""
        return type(constant) not in _NUMBERS or (type(constant), constant) in self._numbers


class _Instruction(NamedTuple):
    """One instruction; it starts at the offset or before: a frame can stand in the caches behind it."""

    code: _Code
    offset: int
    start: int
    operation: str
    argument: int
    span: _Span


def _instructions(code: CodeType, offsets: set[int]) -> Iterator[_Instruction]:
    facts = _Code(code)
    for offset in sorted(offsets):
        if not 0 <= offset < len(facts.bytes):  # a frame that has not started stands at -1
            yield _Instruction(facts, offset, offset, "", 0, (None, None, None, None))
            continue
        start = offset
        while start and not facts.bytes[start]:
            start -= 2
        operation, argument = dis.opname[facts.bytes[start]], facts.bytes[start + 1]
        yield _Instruction(facts, offset, start, operation, argument, facts.spans[offset // 2])


# The syntax tree's side: what is written, and where values flow.


class _Flow(NamedTuple):
    """Where the value of an expression goes unchanged."""

    targets: tuple[ast.expr, ...] = ()
    returned: bool = False


_NOWHERE = _Flow()


class _Scope(NamedTuple):
    """What a code object is made of; a first line of None stands for any."""

    name: str
    first_line: int | None
    parameters: tuple[str, ...] = ()
    inlined_in: _Scope | None = None  # from Python 3.12 on, comprehensions run in the function around them

    def is_of(self, code: _Code) -> bool:
        """Check whether the code object can have been made of this."""
        return (
            self.name == code.code.co_name
            and self.first_line in {None, code.code.co_firstlineno}
            and len(self.parameters) == len(code.parameters)
            and all(map(_is_same_name, self.parameters, code.parameters))
        ) or (self.inlined_in is not None and self.inlined_in.is_of(code))


def _is_same_name(written: str, compiled: str) -> bool:
    """Compare two names; in a class, `__x` is compiled to `_Class__x`."""
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


class _Index(NamedTuple):
    """The nodes of one file at the spans that were asked for; calls and attributes also by their end."""

    nodes: dict[_Span, _Visit]
    ends: dict[tuple[int | None, int | None], _Visit]
    loops: dict[_Span, list[_Loop]]


def _index(tree: ast.Module, spans: set[_Span]) -> _Index:
    """Find the nodes at the spans, in one walk that passes over statements without any."""
    index = _Index({}, {}, {})
    lines = sorted({span[0] for span in spans if span[0] is not None})
    ends = {(span[1], span[3]) for span in spans}
    stack = [_Visit(tree, _NOWHERE, _Scope("<module>", None))]
    while stack:
        visit = stack.pop()
        node = visit.node
        if isinstance(node, (ast.expr, ast.stmt, ast.pattern)):
            if isinstance(node, ast.stmt) and not _holds_any(node, lines):
                continue
            span = _span(node)
            if span in spans and not isinstance(node, ast.Expr):
                index.nodes.setdefault(span, visit)  # of two nodes with one span, the outer one
            if isinstance(node, (ast.Call, ast.Attribute)) and (span[1], span[3]) in ends:
                index.ends[span[1], span[3]] = visit
            for loop in _loops(visit):
                at = _span(loop.iterator) if _LOOPS_AT_ITERATOR else span
                if at in spans:
                    index.loops.setdefault(at, []).append(loop)
            if isinstance(node, (ast.Name, ast.Constant)):
                continue
        stack.extend(_children(visit))
    return index


def _holds_any(node: ast.stmt, lines: list[int]) -> bool:
    at = bisect_left(lines, _first_line(node))
    return at < len(lines) and lines[at] <= (node.end_lineno or node.lineno)


def _first_line(node: ast.stmt) -> int:
    """Say where a code object begins: at the first decorator, if there are any."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return decorators[0].lineno if decorators else node.lineno


def _span(node: ast.expr | ast.stmt | ast.pattern) -> tuple[int, int, int, int]:
    return node.lineno, node.end_lineno or 0, node.col_offset, node.end_col_offset or 0


def _loops(visit: _Visit) -> list[_Loop]:
    match visit.node:
        case ast.For(iter=iterator, target=target):
            return [_Loop(iterator, target, visit.scope)]
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp() as node:
            scope = _comprehension_scope(node, visit.scope)
            return [_Loop(each.iter, each.target, scope) for each in node.generators if not each.is_async]
    return []


def _children(visit: _Visit) -> Iterator[_Visit]:
    """Yield the children, each with where its value goes and the scope that it is computed in."""
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
        case ast.IfExp(test=test, body=first, orelse=second):
            yield _Visit(test, _NOWHERE, scope)
            yield _Visit(first, flow, scope)
            yield _Visit(second, flow, scope)
        case ast.BoolOp(values=values):
            yield from (_Visit(value, flow, scope) for value in values)
        case ast.Return(value=ast.expr() as value):
            yield _Visit(value, _Flow(returned=True), scope)
        case ast.Lambda(args=arguments, body=value):
            yield _Visit(arguments, _NOWHERE, scope)
            yield _Visit(value, _Flow(returned=True), _function_scope("<lambda>", node.lineno, arguments))
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            body = _definition_scope(node)  # and decorators, defaults and bases are outside of it
            for child in ast.iter_child_nodes(node):
                yield _Visit(child, _NOWHERE, body if isinstance(child, ast.stmt) else scope)
        case _:
            inside = _comprehension_scope(node, scope) if isinstance(node, _COMPREHENSIONS) else scope
            children = (child for child in ast.iter_child_nodes(node) if child._fields)  # not operators
            yield from (_Visit(child, _NOWHERE, inside) for child in children)


def _pairs(targets: list[ast.expr], value: ast.expr) -> Iterator[tuple[ast.expr, tuple[ast.expr, ...]]]:
    """Pair `a, b = x * y, z` element by element; where the lengths differ, the elements have no targets."""
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


def _definition_scope(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> _Scope:
    if isinstance(node, ast.ClassDef):
        return _Scope(node.name, _first_line(node))
    return _function_scope(node.name, _first_line(node), node.args)


def _comprehension_scope(node: _Comprehension, outside: _Scope) -> _Scope:
    """Make the scope of a comprehension; its first iterator, and perhaps all of it, runs outside."""
    name = "genexpr" if isinstance(node, ast.GeneratorExp) else type(node).__name__.lower()
    return _Scope(f"<{name}>", node.lineno, (".0",), outside)


# Both together.


def _places(file: str, instructions: list[_Instruction]) -> Iterator[tuple[tuple[int, int], Place]]:
    text = _read(file).replace("\r\n", "\n").replace("\r", "\n")  # as Python's parser counts lines
    tree = _parse(text) if text else None
    spans = {instruction.span for instruction in instructions}
    index = _index(tree, spans) if tree is not None else _Index({}, {}, {})
    lines = text.split("\n")
    for instruction in instructions:
        found = _match(instruction, index)
        yield (id(instruction.code.code), instruction.offset), _place(instruction, found, lines)


def _place(instruction: _Instruction, found: _Visit | None, lines: list[str]) -> Place:
    code = instruction.code.code
    targets = found.flow.targets if found is not None else ()
    names = tuple(dict.fromkeys(name for target in targets if (name := _name(target))))
    if found is None or not all(map(instruction.code.mentions, names)):
        line = instruction.span[0] or code.co_firstlineno
        return Place(Site(code.co_filename, line, -1, line, -1, "", code.co_qualname), (), returned=False)
    assert isinstance(found.node, (ast.expr, ast.stmt, ast.pattern))
    line, end_line, start, end = _span(found.node)
    column, end_column = _characters(lines[line - 1], start), _characters(lines[end_line - 1], end)
    rows = lines[line - 1 : end_line]
    rows[-1] = rows[-1][:end_column]
    rows[0] = rows[0][column:]
    site = Site(code.co_filename, line, column, end_line, end_column, "\n".join(rows), code.co_qualname)
    return Place(site, names, found.flow.returned)


def _characters(line: str, count: int) -> int:
    """Say how many characters the first bytes of a line are."""
    return count if line.isascii() else len(line.encode()[:count].decode())


def _name(target: ast.expr) -> str:
    """Name the variable that is assigned to: `h`, `self.h`, `hs` for `hs[t]`; '' where there is no name."""
    while isinstance(target, ast.Subscript):
        target = target.value
    if isinstance(target, ast.Name):
        return target.id
    try:
        return ast.unparse(target) if isinstance(target, ast.Attribute) else ""
    except RecursionError:
        return ""


def _match(instruction: _Instruction, index: _Index) -> _Visit | None:
    """Find the node that an instruction was compiled from; None rather than a guess."""
    code, _, _, operation, _, span = instruction
    if operation in _LOOPS and span in index.loops:
        return _match_loop(instruction, index.loops[span])
    visit = index.nodes.get(span)
    kinds = _KINDS.get(operation)
    if kinds is None:
        return _match_reader(code, visit)
    visit = visit or _method(index, span)
    if visit is None or not isinstance(visit.node, kinds) or not visit.scope.is_of(code):
        return None
    return visit._replace(flow=_flow(visit, operation)) if _agrees(visit.node, instruction) else None


def _method(index: _Index, span: _Span) -> _Visit | None:
    """Find a call or an attribute by its end: over several lines, its instruction begins at its name."""
    visit = index.ends.get((span[1], span[3]))
    node = visit.node if visit is not None else None
    attribute = node.func if isinstance(node, ast.Call) else node
    if not isinstance(attribute, ast.Attribute):
        return None
    name_column = (attribute.end_col_offset or 0) - len(attribute.attr)  # as the compiler computes it
    return visit if (attribute.end_lineno, name_column) == (span[0], span[2]) else None


def _flow(visit: _Visit, operation: str) -> _Flow:
    """Say where a value goes; some operations know better than what is around them."""
    match visit.node:
        case ast.AugAssign(target=target) | ast.Tuple(elts=[target]) | ast.List(elts=[target]):
            return _Flow((target,))
        case ast.Subscript() as target if operation in _STORES:
            return _Flow((target,))
        case ast.Compare(ops=[_, _, *_]):
            return _NOWHERE
    return visit.flow


def _match_reader(code: _Code, visit: _Visit | None) -> _Visit | None:
    """Find what a truth test, an f-string or the like reads: a place, and no value of its own."""
    if visit is None or not visit.scope.is_of(code):
        return None
    node: ast.AST | None = visit.node
    if isinstance(node, (ast.stmt, ast.IfExp)):  # Python 3.11 tests at the whole `if`
        node = getattr(node, "test", None)
    return None if node is None else _Visit(node, _NOWHERE, visit.scope)


def _match_loop(instruction: _Instruction, loops: list[_Loop]) -> _Visit | None:
    """Find the `for` of an instruction; before Python 3.13, those of one comprehension share their span."""
    code, _, start, operation, _, span = instruction
    same = [at for at in range(0, start, 2) if code.spans[at // 2] == span]
    turn = sum(dis.opname[code.bytes[at]] == "FOR_ITER" for at in same)
    loop = loops[turn % len(loops)]  # the body of a `finally` is compiled twice
    if not loop.scope.is_of(code):
        return None
    # A comprehension's iterator can be made outside of it, where its variables mean nothing.
    outside = operation == "GET_ITER" and loop.scope.inlined_in is not None
    return _Visit(loop.iterator, _NOWHERE if outside else _Flow((loop.target,)), loop.scope)


def _agrees(node: ast.AST, instruction: _Instruction) -> bool:
    """Check that the code object has the node's operator, and the names and numbers among its operands."""
    if isinstance(node, ast.UnaryOp) and type(node.op) is not _SIGNS[instruction.operation]:
        return False
    if isinstance(node, (ast.BinOp, ast.AugAssign)):
        operator = _OPERATORS.index(type(node.op))
        if instruction.argument != operator + len(_OPERATORS) * isinstance(node, ast.AugAssign):
            return False
    for part in (node, *ast.iter_child_nodes(node)):
        match part:
            case ast.Name(id=name) | ast.Attribute(attr=name) if not instruction.code.mentions(name):
                return False
            case ast.Constant(value=value) if not instruction.code.holds(value):
                return False
    return True


_LOOPS_AT_ITERATOR = sys.version_info >= (3, 13)  # before, at the whole statement or comprehension
# From Python 3.14 on, small integers are no constants, and a subscript is a binary operation.
_NUMBERS = (float, complex) if "LOAD_SMALL_INT" in dis.opmap else (float, complex, int)
_SUBSCRIPTS_TOO = () if "BINARY_SUBSCR" in dis.opmap else (ast.Subscript,)
_DISPLAYS = (ast.Tuple, ast.List)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_LOOPS = ("FOR_ITER", "GET_ITER")
_STORES = ("STORE_SUBSCR", "STORE_SLICE")

_OPERATORS: tuple[type[ast.operator], ...] = (  # by the argument of BINARY_OP; in place, the same again
    *(ast.Add, ast.BitAnd, ast.FloorDiv, ast.LShift, ast.MatMult, ast.Mult, ast.Mod, ast.BitOr, ast.Pow),
    *(ast.RShift, ast.Sub, ast.Div, ast.BitXor),
)

_SIGNS: dict[str, type[ast.unaryop]] = {
    "UNARY_NEGATIVE": ast.USub,
    "UNARY_POSITIVE": ast.UAdd,
    "CALL_INTRINSIC_1": ast.UAdd,  # from Python 3.12 on
    "UNARY_INVERT": ast.Invert,
    "UNARY_NOT": ast.Not,
}

_KINDS: dict[str, tuple[type[ast.AST], ...]] = {  # what the operations that make values are compiled from
    "BINARY_OP": (ast.BinOp, ast.AugAssign, *_SUBSCRIPTS_TOO),
    "UNPACK_SEQUENCE": _DISPLAYS,
    **dict.fromkeys(("COMPARE_OP", "CONTAINS_OP"), (ast.Compare, ast.pattern)),
    **dict.fromkeys(_SIGNS, (ast.UnaryOp,)),
    **dict.fromkeys(("BINARY_SUBSCR", "BINARY_SLICE", *_STORES), (ast.Subscript,)),
    **dict.fromkeys(("LOAD_ATTR", "LOAD_METHOD"), (ast.Attribute,)),
    **dict.fromkeys(("PRECALL", "CALL", "CALL_KW", "CALL_FUNCTION_EX"), (ast.Call,)),
}
