"""Whether numbers may have come back from text together: `sum(map(float, text.split()))`, of which no digits tell.

Text that is only shown is followed by the text of the program (`goes_on.py`). Where that does not say so, something
that runs makes numbers of text, and an operation after it took a constant of which nobody knows where it is from, that
is to be said. Used by texts_back.py, where nothing else is known of what came back.
"""

from __future__ import annotations

import ast
import linecache
import sys
from functools import lru_cache
from itertools import chain
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.program_text import Function, called_name, parameters_in_order
from tracer.diagnose.reading import program
from tracer.frames import is_installed, is_own
from tracer.function_text import text_of
from tracer.made_of import Origins
from tracer.operations import OP_NUMBERS
from tracer.rules.edited import Edited
from tracer.scopes import COMPREHENSIONS
from tracer.syntax import span_of
from tracer.takers import is_text_looked_at
from tracer.tape import WIDTH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tracer.diagnose.reading import Program
    from tracer.recording import Recording
    from tracer.texts import Text

_CUT = OP_NUMBERS["cut"]
# What makes numbers of text, or of bytes
_PARSERS = frozenset(
    "loads load literal_eval eval exec read_csv safe_load getfloat unpack unpack_from iter_unpack fromstring "
    "frombuffer loadtxt genfromtxt fromhex fromfile fromiter from_bytes ord".split()
)
# Calls that make numbers of text, or of numbers; and those that make an array of them, or ask something of their type
_NUMBERS = frozenset("float int complex Decimal Fraction float16 float32 float64 longdouble float_".split())
_ARRAYS = frozenset("array asarray asanyarray astype full".split())
_ASKING = frozenset("isinstance issubclass zeros ones empty arange eye zeros_like ones_like len".split())
# Constants that any program has
_COMMON = (0.0, 0.5, 1.0, 2.0, 10.0)
_MOST = 20_000  # constants that are looked at
_KEPT = 1 << 12  # functions and files of which is known again what is named in them


def parsed(
    recording: Recording, texts: list[Text], given: Any, known: Callable[[], set[float]]
) -> Text | None:
    """Return a text that may have been read back with others.

    `given` are the function and its arguments; `known` returns the sizes of numbers that the program has anyway.
    """
    first: dict[Any, Text] = {}
    for text in texts:
        first.setdefault(tuple((id(code), at) for code, at in text.places), text)
    lost = [
        text for text in first.values() if not is_text_looked_at(recording, text.places, _row(text) - 1)
    ]
    row = _last_unknown(recording, min(map(_row, lost)), known()) if lost else -1
    if row < 0 or not _makes_numbers(recording, texts, given):
        return None
    return next((text for text in reversed(lost) if _row(text) <= row), None)


def _row(text: Text) -> int:
    return int(text.before) // WIDTH


def _last_unknown(recording: Recording, first: int, known: set[float]) -> int:
    """Return a row from one on that took a constant of which nobody knows where it is from; -1 where there is none."""
    origins, common = Origins(recording), known.union(_COMMON)
    slots = np.flatnonzero(recording.operands < 0)
    rows = np.searchsorted(recording.starts, slots, "right") - 1
    slots, rows = slots[rows >= first], rows[rows >= first]
    if len(slots) > _MOST:
        return len(recording)
    results = [] if any(each.row >= 0 for each in recording.outputs) else recording.outputs
    if not all(size in common for each in results for size in _sizes(each.value)):
        return len(recording)  # the result itself
    for slot, row in zip(slots[::-1].tolist(), map(int, rows[::-1]), strict=True):
        constant = recording.constants.kept(-1 - recording.operands[slot].item())
        is_known = all(each in common for each in _sizes(constant))
        if not is_known and not origins.is_written(row, slot - recording.starts[row].item()):
            return row
    found = (
        row
        for row, params in recording.params.items()
        if row >= first and not all(size in common for each in params.values() for size in _sizes(each))
    )
    return max(found, default=-1)


def _sizes(constant: Any) -> Iterator[float]:
    """Yield the sizes of the floats in a constant; of a whole number there is none."""
    if isinstance(constant, (list, tuple)):
        for each in constant:
            yield from _sizes(each)
    elif isinstance(constant, (float, complex, np.inexact)):
        yield from (abs(float(constant.real)), abs(float(constant.imag)))
    elif isinstance(constant, (np.ndarray, Edited)) and np.dtype(constant.dtype).kind in "fc":
        array = np.asarray(constant)
        yield from np.abs([array.real, array.imag]).ravel().tolist()


def _makes_numbers(recording: Recording, texts: list[Text], given: Any) -> bool:
    """Tell whether a function that ran, or one that is named in such a one, may make numbers of text."""
    function, *arguments = given
    traced = getattr(function, "__func__", function)
    ran = {*recording.segment_codes, *(call.code for call in recording.calls)}
    ran.update(call.caller for call in recording.calls if call.caller is not None)
    ran.update(code for text in texts for code, _ in text.places)
    if (own := getattr(traced, "__code__", None)) is not None:
        ran.add(own)
    found = [text_of(code, code.co_filename) for code in ran if code.co_name not in COMPREHENSIONS]
    if None in found:
        return True
    around = [getattr(traced, "__globals__", {}), *(each.names for each in texts)]
    files = {text.file: text for text, _ in filter(None, found)}
    files |= {text.file: text for text in _imported([*around, dict(enumerate([function, *arguments]))])}
    pending: list[ast.AST] = [each for _, each in filter(None, found)]
    for text in files.values():  # what operators call
        pending += chain.from_iterable(some for name, some in _named(text).items() if name[:2] == "__")
    cuts = _cuts(recording)
    seen: set[ast.AST] = set()
    names: set[str] = set()
    while pending:
        node = pending.pop()
        if node in seen:
            continue
        seen.add(node)
        if any(_is_parser(each, above, cuts) for each, above in _words(node)):
            return True
        new = {getattr(each, "id", getattr(each, "attr", "")) for each, _ in _words(node)} - names
        names |= new
        pending += [each for text in files.values() for name in new for each in _named(text).get(name, ())]
    return False


def _imported(namespaces: Iterable[dict[Any, Any]]) -> Iterator[Program]:
    """Yield the texts of the program's modules that can be reached from some variables."""
    pending, seen = [*namespaces], set[str]()
    while pending:
        for held in [*pending.pop().values()]:
            kind = type(held)
            is_named = issubclass(kind, (FunctionType, type))
            name = str(
                held.__name__ if issubclass(kind, ModuleType) else (held if is_named else kind).__module__
            )
            module = sys.modules.get(name)
            file = getattr(module, "__file__", None)
            if name in seen or module is None or file is None:
                continue
            seen.add(name)
            if not (is_installed(name, file) or is_own(file)):
                pending.append(vars(module))
                yield program(file, "".join(linecache.getlines(file)))


@lru_cache(maxsize=_KEPT)
def _named(text: Program) -> dict[str, list[ast.AST]]:
    """Return what a name may stand for that runs: functions, and what variables around them are given."""
    named: dict[str, list[ast.AST]] = {}
    for node in text.nodes:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            named.setdefault(node.name, []).append(node)
        elif (
            isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and text.enclosing(node) is None
        ):
            named.setdefault(node.id, []).append(getattr(text.statement(node), "value", None) or node)
    return named


@lru_cache(maxsize=_KEPT)
def _words(function: ast.AST) -> list[tuple[ast.Name | ast.Attribute, list[ast.AST]]]:
    """Return what is read in a function, and what that stands in, from the innermost on; no annotations."""
    words: list[tuple[ast.Name | ast.Attribute, list[ast.AST]]] = []
    pending: list[tuple[ast.AST, list[ast.AST]]] = [(function, [])]
    while pending:
        node, around = pending.pop()
        if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
            words.append((node, around))
        for field, part in ast.iter_fields(node):
            if field not in ("annotation", "returns"):
                parts = part if isinstance(part, list) else [part]
                pending += [(each, [node, *around]) for each in parts if isinstance(each, ast.AST)]
    return words


def _is_parser(node: ast.Name | ast.Attribute, around: list[ast.AST], cuts: set[Any]) -> bool:
    """Tell whether something that is read may make numbers of text where it stands."""
    name = node.id if isinstance(node, ast.Name) else node.attr
    if name in _PARSERS:
        return True
    if name not in _NUMBERS:
        return False
    above = around[1] if around and isinstance(around[0], ast.keyword) else around[0] if around else None
    if isinstance(above, ast.Compare):
        return False
    if not isinstance(above, ast.Call):
        return True
    if above.func is not node and called_name(above) not in _ARRAYS:
        return called_name(above) not in _ASKING
    given = above.func.value if isinstance(above.func, ast.Attribute) and above.func is not node else None
    number = given if called_name(above) == "astype" else above.args[0] if above.args else None
    if number is None or isinstance(number, (ast.Constant, ast.Compare)):
        return False
    # A traced number that left there is told of by itself; what a parameter holds may be a text another time.
    parameters = {
        name for each in around if isinstance(each, Function) for name in parameters_in_order(each)
    }
    is_given = isinstance(number, ast.Name) and number.id in parameters
    return is_given or span_of(above) not in cuts


def _cuts(recording: Recording) -> set[Any]:
    """Return where numbers left."""
    rows = np.flatnonzero(recording.ops == _CUT)
    segments = recording.segments_of(rows).tolist() if len(rows) else []
    codes = [recording.segment_codes[each] for each in segments]
    spans = {code: [*code.co_positions()] for code in codes}
    return {
        spans[code][at // 2] for code, at in zip(codes, recording.instructions[rows].tolist(), strict=True)
    }
