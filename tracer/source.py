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
import threading
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from tracer.copies import DISPLAYS, Ends, Onward, Path, elements, name_of
from tracer.instructions import Code, Instruction, Span, instructions_of, taken_by_next, with_inner
from tracer.syntax import COMPREHENSIONS, NOWHERE, Flow, Index, Loop, Visit, holds_any, index_of, span_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import CodeType


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


class Going(NamedTuple):
    """Where an element of a value goes: the one at `path` in a tuple, or all of it where the path is empty.

    It is returned at places in a result, which are paths, too. `is_last`: the last in a call alone goes there.
    """

    path: Path
    targets: tuple[str, ...]
    returned: tuple[Path, ...]
    is_last: bool


class Place(NamedTuple):
    """A site, and where the value of its expression goes unchanged: to variables, out of its function.

    One instruction can call many operations (`s = sum(xs)`): its expression's value is that of the last.
    """

    site: Site
    targets: tuple[str, ...]
    returned: bool
    further: tuple[Going, ...] = ()  # into and out of tuples, and behind loops
    reads: tuple[
        tuple[int, str], ...
    ] = ()  # operands that are variables of the function: position and name

    @property
    def goings(self) -> tuple[Going, ...]:
        """All places that the value goes to."""
        whole = Going((), self.targets, ((),) if self.returned else (), is_last=False)
        return (whole, *self.further) if self.targets or self.returned else self.further


def resolve(pairs: Sequence[tuple[CodeType, int]]) -> list[Place]:
    """Find the place of each (code object, `f_lasti`) pair, in the order of the pairs."""
    # Keyed by id: to hash a code object is to read all of it, and equal ones need not stand at one place.
    wanted: dict[int, tuple[CodeType, set[int]]] = {}
    for code, offset in pairs:
        wanted.setdefault(id(code), (code, set()))[1].add(offset)
    files: dict[str, list[Instruction]] = {}
    for code, offsets in wanted.values():
        files.setdefault(code.co_filename, []).extend(instructions_of(code, offsets))
    places: dict[tuple[int, int], Place] = {}
    for file, instructions in files.items():
        places.update(_places(file, instructions))
    return [places[id(code), offset] for code, offset in pairs]


class Written(NamedTuple):
    """What an instruction writes to, and the expressions of the statement around it, where they are known."""

    target: ast.Subscript
    stored: ast.expr | None  # all that is written there
    between: ast.expr | None  # what ran after the target was looked up: `target += between`


def written_at(code: CodeType, offset: int) -> Written | None:
    """Return what an instruction writes to.

    None rather than a guess: the text must be what the code object was compiled from.
    """
    return _written_at(code, offset, code.co_filename)


@lru_cache(maxsize=256)
def _written_at(code: CodeType, offset: int, file: str) -> Written | None:
    # Codes of two files can be equal, and only one of the files have been edited.
    (instruction,) = instructions_of(code, {offset})
    text = _text(file)
    tree = _parse(text) if text and instruction.operation in _STORES else None
    found = _match(instruction, index_of(tree, {instruction.span})) if tree is not None else None
    if found is None or not isinstance(found.node, ast.Subscript) or not _is_compiled_from(code, text):
        return None
    target, stored, between = found.node, None, None
    for node in ast.walk(tree) if tree is not None else ():
        match node:
            case ast.Assign(targets=[only], value=value) if only is target:
                stored = value
            case ast.AugAssign(target=changed, value=value) if changed is target:
                between = value
    return Written(target, stored, between)


def running_at(code: CodeType, offset: int) -> ast.AST | None:
    """Return the expression or statement that an instruction does; None rather than a guess, as above."""
    return next(reversed(path_at(code, offset)), None)


def path_at(code: CodeType, offset: int) -> tuple[ast.AST, ...]:
    """Return the statement in which an instruction does something, and what is in it, up to what that is, as above."""
    return _path_at(code, offset, code.co_filename)


@lru_cache(maxsize=256)
def _path_at(code: CodeType, offset: int, file: str) -> tuple[ast.AST, ...]:
    (instruction,) = instructions_of(code, {offset})
    text = _text(file)
    tree = _parse(text) if text else None
    found = _match(instruction, index_of(tree, {instruction.span})) if tree is not None else None
    if found is None or not _is_compiled_from(code, text):
        return ()
    return _path_to(found.node, tree)


def _path_to(wanted: ast.AST, tree: ast.AST | None) -> tuple[ast.AST, ...]:
    """Return a node of a tree and what is around it, from the statement on."""
    lines = [getattr(wanted, "lineno", 0)]
    pending: list[tuple[ast.AST, tuple[ast.AST, ...]]] = [] if tree is None else [(tree, ())]
    while pending:
        node, around = pending.pop()
        around = (node,) if isinstance(node, ast.stmt) else (*around, node)
        if node is wanted:
            return around
        if not isinstance(node, ast.stmt) or holds_any(node, lines):
            pending += [(inner, around) for inner in ast.iter_child_nodes(node)]
    return (wanted,)


def _is_compiled_from(code: CodeType, text: str) -> bool:
    """Tell whether a file that has this text gives this code object, to the columns."""
    return any(code == each and [*code.co_positions()] == [*each.co_positions()] for each in _codes(text))


@lru_cache(maxsize=4)
def _codes(text: str) -> list[CodeType]:
    """Return the code objects of a file."""
    tree = _parse(text)
    if tree is None:
        return []
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python has warned the user already, when the file was imported
        try:
            return with_inner([compile(tree, "", "exec", dont_inherit=True)])
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return []


def variables_of(text: str, function: str) -> frozenset[str]:
    """Return the parameters and variables of a function of a file, by its whole name, whatever they hold."""
    found: set[str] = set()
    for code in _codes(text.replace("\r\n", "\n").replace("\r", "\n")):
        of, *inner = code.co_qualname.removeprefix(function).split(_LOCALS)
        if code.co_qualname.startswith(function) and not of and set(inner) <= _COMPREHENSIONS:
            found |= {*code.co_varnames, *code.co_cellvars}
    return frozenset(found)


def parameters_of(code: CodeType) -> dict[str, tuple[Going, ...]]:
    """Say where the arguments of a function go on to by being copied, `h = h0`, by parameter."""
    text = _text(code.co_filename)
    tree = _parse(text) if text else None
    if tree is None:
        return {}
    first = code.co_firstlineno
    facts = Code(code)
    for scope, parameters in index_of(tree, {(first, first, None, None)}).parameters:
        if scope.is_of(facts):
            found = {name: tuple(_copied((), onward)) for name, onward in parameters.items()}
            return {name: each for name, each in found.items() if all(map(facts.mentions, _names(each)))}
    return {}


def source_of(codes: Iterable[CodeType]) -> dict[str, str]:
    """Map each file that the code objects come from to its text; left out where it can't be had."""
    files = dict.fromkeys(code.co_filename for code in codes)
    return {file: text for file in files if (text := _read(file))}


def _text(file: str) -> str:
    return _read(file).replace("\r\n", "\n").replace("\r", "\n")  # as Python's parser counts lines


def _read(file: str) -> str:
    linecache.checkcache(file)
    return "".join(linecache.getlines(file))


_LOCALS = ".<locals>."
_COMPREHENSIONS = {"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"}  # which are part of their function
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


def _places(file: str, instructions: list[Instruction]) -> Iterator[tuple[tuple[int, int], Place]]:
    text = _text(file)
    tree = _parse(text) if text else None
    spans = {instruction.span for instruction in instructions}
    index = index_of(tree, spans) if tree is not None else Index({}, {}, {}, {}, [])
    lines = text.split("\n")
    for instruction in instructions:
        found = _match(instruction, index)
        yield (id(instruction.code.code), instruction.offset), _place(instruction, found, lines, index)


def _place(instruction: Instruction, found: Visit | None, lines: list[str], index: Index) -> Place:
    code = instruction.code.code
    goings = list(_goings(found.flow, index)) if found is not None else []
    if found is None or not all(map(instruction.code.mentions, _names(goings))):
        line = instruction.span[0] or code.co_firstlineno
        site = Site(code.co_filename, line, -1, line, -1, "", code.co_qualname)
        variable, returned = taken_by_next(instruction)
        return Place(site, (variable,) if variable else (), returned)
    assert isinstance(found.node, (ast.expr, ast.stmt, ast.pattern))
    line, end_line, start, end = span_of(found.node)
    column, end_column = _characters(lines[line - 1], start), _characters(lines[end_line - 1], end)
    rows = lines[line - 1 : end_line]
    rows[-1] = rows[-1][:end_column]
    rows[0] = rows[0][column:]
    site = Site(code.co_filename, line, column, end_line, end_column, "\n".join(rows), code.co_qualname)
    whole, *further = goings
    if any(whole.returned):  # it is an element of what is returned
        further.insert(0, whole._replace(targets=(), returned=tuple(filter(None, whole.returned))))
    reads = tuple(_reads(found.node, instruction)) if found.scope.inlined_in is None else ()
    return Place(site, whole.targets, () in whole.returned, tuple(further), reads)


def _reads(node: ast.AST, instruction: Instruction) -> Iterator[tuple[int, str]]:
    """Yield the operands of an operator that are variables which the function assigns."""
    operands: tuple[ast.expr, ...] = ()
    match node:
        case ast.BinOp(left=left, right=right) | ast.AugAssign(target=left, value=right):
            operands = (left, right)
        case ast.UnaryOp(operand=operand):
            operands = (operand,)
        case ast.Subscript(value=array) if instruction.operation not in _STORES:
            operands = (array,)
    for position, operand in enumerate(operands):
        if isinstance(operand, ast.Name) and operand.id in instruction.code.variables:
            yield position, operand.id


def _goings(flow: Flow, index: Index) -> Iterator[Going]:
    """Say where a value goes: first all of it each time, then the rest."""
    whole = [target for target in flow.targets if not isinstance(target, DISPLAYS)]
    onward = [index.onward[id(target)] for target in whole if id(target) in index.onward]
    targets = [*whole, *(target for each in onward for target in each.each.targets)]
    returned = [*flow.returned, *(path for each in onward for path in each.each.returned)]
    yield _going((), Ends(targets, returned), is_last=False)
    yield from (going for each in onward for going in _copied((), each) if going.is_last)
    for display in flow.targets:
        for path, part in elements(display) if isinstance(display, DISPLAYS) else ():
            yield _going(path, Ends([part], []), is_last=False)
            if id(part) in index.onward:
                yield from _copied(path, index.onward[id(part)])


def _copied(path: Path, onward: Onward) -> Iterator[Going]:
    goings = (_going(path, onward.each, is_last=False), _going(path, onward.last, is_last=True))
    return (going for going in goings if going.targets or going.returned)


def _going(path: Path, ends: Ends, *, is_last: bool) -> Going:
    names = dict.fromkeys(name for target in ends.targets if (name := name_of(target)))
    return Going(path, tuple(names), tuple(dict.fromkeys(ends.returned)), is_last)


def _names(goings: Iterable[Going]) -> Iterator[str]:
    return (name for going in goings for name in going.targets)


def _characters(line: str, count: int) -> int:
    """Say how many characters the first bytes of a line are."""
    return count if line.isascii() else len(line.encode()[:count].decode())


def _match(instruction: Instruction, index: Index) -> Visit | None:
    """Find the node that an instruction was compiled from; None rather than a guess."""
    code, _, _, operation, _, span = instruction
    if operation in _LOOPS and span in index.loops:
        return _match_loop(instruction, index.loops[span])
    visit = index.nodes.get(span)
    kinds = _KINDS.get(operation)
    if kinds is None:
        return _match_reader(code, visit)
    if visit is not None and isinstance(visit.node, COMPREHENSIONS) and visit.scope.is_of(code):
        # Python 3.11 calls it, and what it goes through first is asked for its items in that call's name.
        return Visit(visit.node.generators[0].iter, NOWHERE, visit.scope)
    visit = visit or _method(index, span)
    if visit is None or not isinstance(visit.node, kinds) or not visit.scope.is_of(code):
        return None
    return visit._replace(flow=_flow(visit, operation)) if _agrees(visit.node, instruction) else None


def _method(index: Index, span: Span) -> Visit | None:
    """Find a call or an attribute by its end: over several lines, its instruction begins at its name."""
    visit = index.ends.get((span[1], span[3]))
    node = visit.node if visit is not None else None
    attribute = node.func if isinstance(node, ast.Call) else node
    if not isinstance(attribute, ast.Attribute):
        return None
    name_column = (attribute.end_col_offset or 0) - len(attribute.attr)  # as the compiler computes it
    return visit if (attribute.end_lineno, name_column) == (span[0], span[2]) else None


def _flow(visit: Visit, operation: str) -> Flow:
    """Say where a value goes; some operations know better than what is around them."""
    match visit.node:
        case ast.AugAssign(target=target) | ast.Tuple(elts=[target]) | ast.List(elts=[target]):
            return Flow((target,))
        case ast.Subscript() as target if operation in _STORES:
            return Flow((target,))
        case ast.Compare(ops=[_, _, *_]):
            return NOWHERE
    return visit.flow


def _match_reader(code: Code, visit: Visit | None) -> Visit | None:
    """Find what a truth test, an f-string or the like reads: a place, and no value of its own."""
    if visit is None or not visit.scope.is_of(code):
        return None
    node: ast.AST | None = visit.node
    if isinstance(node, (ast.stmt, ast.IfExp)):  # Python 3.11 tests at the whole `if`
        node = getattr(node, "test", None)
    return None if node is None else Visit(node, NOWHERE, visit.scope)


def _match_loop(instruction: Instruction, loops: list[Loop]) -> Visit | None:
    """Find the `for` of an instruction; before Python 3.13, those of one comprehension share their span."""
    code, _, start, operation, _, span = instruction
    same = [at for at in range(0, start, 2) if code.spans[at // 2] == span]
    turn = sum(dis.opname[code.bytes[at]] == "FOR_ITER" for at in same)
    loop = loops[turn % len(loops)]  # the body of a `finally` is compiled twice
    if not loop.scope.is_of(code):
        return None
    # A comprehension's iterator can be made outside of it, where its variables mean nothing.
    outside = operation == "GET_ITER" and loop.scope.inlined_in is not None
    return Visit(loop.iterator, NOWHERE if outside else Flow((loop.target,)), loop.scope)


def _agrees(node: ast.AST, instruction: Instruction) -> bool:
    """Check that the code object has the node's operator, and the names and numbers among its operands."""
    if isinstance(node, ast.UnaryOp) and type(node.op) is not _SIGNS[instruction.operation]:
        return False
    if instruction.operation == "BINARY_OP" and instruction.argument != _operator_of(node):
        return False
    for part in (node, *ast.iter_child_nodes(node)):
        match part:
            case ast.Name(id=name) | ast.Attribute(attr=name) if not instruction.code.mentions(name):
                return False
            case ast.Constant(value=value) if not instruction.code.holds(value):
                return False
    return True


def _operator_of(node: ast.AST) -> int:
    """Return the argument of BINARY_OP that an operator is compiled to: one list, the same in place, then `a[i]`."""
    if isinstance(node, (ast.BinOp, ast.AugAssign)):
        return _OPERATORS.index(type(node.op)) + len(_OPERATORS) * isinstance(node, ast.AugAssign)
    return 2 * len(_OPERATORS)


# From Python 3.14 on, a subscript is a binary operation.
_SUBSCRIPTS_TOO = () if "BINARY_SUBSCR" in dis.opmap else (ast.Subscript,)
_LOOPS = ("FOR_ITER", "GET_ITER")
_STORES = ("STORE_SUBSCR", "STORE_SLICE")

_OPERATORS: tuple[type[ast.operator], ...] = (  # by the argument of BINARY_OP
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
    "UNPACK_SEQUENCE": DISPLAYS,
    **dict.fromkeys(("COMPARE_OP", "CONTAINS_OP"), (ast.Compare, ast.pattern)),
    **dict.fromkeys(_SIGNS, (ast.UnaryOp,)),
    **dict.fromkeys(("BINARY_SUBSCR", "BINARY_SLICE", *_STORES), (ast.Subscript,)),
    **dict.fromkeys(("LOAD_ATTR", "LOAD_METHOD"), (ast.Attribute,)),
    **dict.fromkeys(("PRECALL", "CALL", "CALL_KW", "CALL_FUNCTION_EX"), (ast.Call,)),
}
