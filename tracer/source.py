"""Where in the user's source an instruction stands, and which variables its value goes to.

The tape knows (code object, instruction offset) pairs and nothing else; here they become files, lines,
columns, texts and names, in bulk, after the run. Used by sites.py; nothing in here knows the tape.

No answer is better than a wrong one: a file may have been edited since it was imported. So the syntax tree must have
what the code object says (`matching.py`).
"""

from __future__ import annotations

import ast
import linecache
import threading
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from tracer.copies import DISPLAYS, Ends, Onward, Path, elements, name_of
from tracer.instructions import (
    STORES_OF_ITEMS,
    Code,
    Instruction,
    instructions_of,
    taken_by_next,
    with_inner,
)
from tracer.matching import matched
from tracer.syntax import Flow, Index, Visit, holds_any, index_of, span_of

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
    # Operands that are variables of the function: position and name
    reads: tuple[tuple[int, str], ...] = ()

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
    found = _running(instruction, file) if instruction.operation in STORES_OF_ITEMS else None
    if found is None or not isinstance(target := found[0], ast.Subscript):
        return None
    stored, between = None, None
    for node in ast.walk(found[1]):
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
    found = _running(instruction, file)
    return () if found is None else _path_to(*found)


def _running(instruction: Instruction, file: str) -> tuple[ast.AST, ast.Module] | None:
    """Return what an instruction does, and the tree that this is in; None rather than a guess, as above."""
    text = _text(file)
    tree = _parse(text) if text else None
    found = matched(instruction, index_of(tree, {instruction.span})) if tree is not None else None
    if tree is None or found is None or not _is_compiled_from(instruction.code.code, text):
        return None
    return found.node, tree


def _path_to(wanted: ast.AST, tree: ast.AST) -> tuple[ast.AST, ...]:
    """Return a node of a tree and what is around it, from the statement on."""
    lines = [getattr(wanted, "lineno", 0)]
    pending: list[tuple[ast.AST, tuple[ast.AST, ...]]] = [(tree, ())]
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
        found = matched(instruction, index)
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
        case ast.Subscript(value=array) if instruction.operation not in STORES_OF_ITEMS:
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
