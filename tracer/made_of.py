"""What a constant of an operation is made of, by the program's text: whether it can't be a number that left the graph.

`w - 0.1 * 0.7**epoch * g` takes a constant that nothing in the program holds, but all that it is computed from is
written there: numbers, counters of loops, draws. Whatever the program keeps elsewhere of what left, an operation with
such a constant has not taken it. Only what is known here counts as known: anything else may have it. Used by
came_back.py.
"""

from __future__ import annotations

import ast
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tracer.diagnose.program_text import called_name, parameters_in_order
from tracer.diagnose.reading import program
from tracer.given_numbers import (
    PLAIN_OPERATORS,
    counts,
    given_at,
    given_in_module,
    is_alone,
    is_constant,
    is_draw,
    is_harmless,
    is_number,
    is_number_call,
)
from tracer.operations import OP_NAMES
from tracer.plain_calls import (
    calls_directly,
    gives_to_nobody,
    is_to_caller,
    means_what_it_says,
    sets_any_name,
)
from tracer.running import running_at
from tracer.source import source_of
from tracer.syntax import span_of
from tracer.takers import calls_around
from tracer.tape import AUXILIARY

if TYPE_CHECKING:
    from types import CodeType

    from tracer.diagnose.program_text import Function
    from tracer.diagnose.reading import Program
    from tracer.recording import Recording
    from tracer.takers import Place

_MOST = 200  # expressions that are asked for
# NumPy's, whose result is an array that nothing else has
_ARRAYS = frozenset(
    "array arange linspace zeros ones eye full exp log sqrt sin cos tanh sum mean outer dot maximum minimum".split()
)
_GENERATORS = ("numpy.random.default_rng", "numpy.random.RandomState", "random.Random")
_READ = ("json.loads", "ast.literal_eval")
# Of two operands each, which are those of the expression: others are made of the lists in it
_OPERATIONS = frozenset(
    "add subtract multiply divide floor_divide remainder power matmul dot maximum minimum".split()
)
_TWO = 2
# What an expression is made of that makes the same number each time, beside names and constants
_ARITHMETIC = (ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop, ast.expr_context)


class _Level(NamedTuple):
    """A function that was running, by its text."""

    text: Program
    node: ast.AST  # what it was doing
    code: CodeType


class Origins:
    """The constants of one recording, and where they are from."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._known: dict[Any, _Written] = {}

    def is_written(self, row: int, port: int) -> bool:
        """Tell whether all that the constant is made of, which an operation took, is written in the program."""
        recording = self._recording
        segment = int(recording.segments_of(row))
        first, last = recording.starts[row : row + 2].tolist()
        traced = int((recording.operands[first:last] >= 0).sum())
        place = recording.segment_codes[segment], int(recording.instructions[row]) & ~AUXILIARY
        operation = OP_NAMES[recording.ops[row]]
        if last - first != _TWO or operation not in _OPERATIONS:
            return False
        places = (place, *calls_around(recording, int(recording.segment_scopes[segment])))
        key = (*((id(code), at) for code, at in places), port, operation, traced)
        if key not in self._known:
            self._known[key] = _written(places, port, operation, traced)
        written = self._known[key]
        if not written.is_known or written.number is None:
            return written.is_known
        # Another one has come in its place, by whatever way: `setattr(f, name, …)` of its defaults
        constant = recording.constants.kept(-1 - recording.operands[first + port].item())
        return bool(np.all(np.asarray(constant) == written.number))


class _Written(NamedTuple):
    """What the text says of an operand: whether all that it is made of is written, and which number that makes."""

    is_known: bool
    number: Any = None  # None where it may be one of several


def _written(places: tuple[Place, ...], port: int, operation: str, traced: int) -> _Written:
    levels = []
    for code, instruction in places:
        level = _level(code, instruction)
        if level is None:
            break
        levels.append(level)
    is_whole = len(levels) == len(places)
    match levels[0].node if levels else None:
        case ast.BinOp(left=left, right=right) | ast.AugAssign(target=left, value=right):
            parts, operand = _Parts(levels, is_whole), (left, right)[port]
            return _Written(parts.are_written(operand), parts.number(operand, 0))
        case ast.Call(args=args, keywords=[]) as call if called_name(call) == operation:
            held = [call.func.value] if isinstance(call.func, ast.Attribute) else []
            given = args if len(args) == _TWO else [*held, *args]
            unknown = [each for each in given if not _Parts(levels, is_whole).are_written(each)]
            # Each is one operand, so those that are traced are the ones of which nothing is known.
            return _Written(len(given) == _TWO and len(unknown) == traced)
    return _Written(False)


def _level(code: CodeType, instruction: int) -> _Level | None:
    """Return what a function was doing; None where the text can't be had, or may not mean what it says."""
    found = running_at(code, instruction)
    if not isinstance(found, (ast.expr, ast.AugAssign)):
        return None
    text = program(code.co_filename, source_of([code]).get(code.co_filename, ""))
    same = [each for each in text.nodes if type(each) is type(found) and span_of(each) == span_of(found)]
    if len(same) != 1 or not means_what_it_says(text):
        return None
    return _Level(text, same[0], code)


class _Parts:
    """The expressions that something is made of, each in one of the functions that were running."""

    def __init__(self, levels: list[_Level], is_whole: bool) -> None:
        self._levels = levels
        self._is_whole = is_whole  # the last one is the traced function
        self._pending: list[tuple[ast.AST, int]] = []
        self._seen: set[tuple[ast.AST, int]] = set()
        self._asked: set[tuple[ast.Name, int]] = set()

    def are_written(self, node: ast.AST) -> bool:
        """Tell whether an expression of the innermost function is made of what is written, and of nothing else."""
        self._pending.append((node, 0))
        while self._pending:
            each = self._pending.pop()
            if each in self._seen:  # as `rate = rate * 0.9` is, if all else is
                continue
            self._seen.add(each)
            if len(self._seen) > _MOST or not self._is_known(*each):
                return False
        return True

    def number(self, node: ast.AST, level: int) -> Any:
        """Return the number that an expression makes whenever it runs, as `0.5 * RATE` does; None if it is not one."""
        names = {}
        for each in ast.walk(node):
            if isinstance(each, ast.Name):
                given = self._only(each, level)
                names[each.id] = None if given is None else self.number(*given)
            elif isinstance(each, ast.Constant):
                if not isinstance(each.value, (int, float, complex)):
                    return None
            elif not isinstance(each, _ARITHMETIC):
                return None
        if not all(isinstance(each, (int, float, complex)) for each in names.values()):
            return None
        with suppress(ArithmeticError, TypeError, ValueError):  # the program's own, where it runs
            return eval(compile(ast.Expression(node), "", "eval"), {}, names)  # type: ignore[arg-type]  # noqa: S307  (operators and numbers alone)
        return None

    def _only(self, name: ast.Name, level: int) -> tuple[ast.expr, int] | None:
        """Return the expression that alone gives a variable something; None where there are several."""
        text = self._levels[level].text
        function = text.enclosing(name)
        if function is None or (name, level) in self._asked:
            return None
        self._asked.add((name, level))
        of_module = given_in_module(text, name.id)
        if of_module is not None:
            return of_module, level
        variables = text.variables_of(function)
        stores = variables.stores_of(name.id)
        is_own = variables.is_own(name.id) and not variables.is_given_otherwise(name.id)
        if not is_own or len(stores) > 1:
            return None
        if name.id in parameters_in_order(function):
            return None if stores else self._given(function, name.id, level)
        found = given_at(text, stores[0]) if stores else None
        if found is None or found.is_counter or len(found.parts) > 1:
            return None
        return (found.parts[0], level) if isinstance(text.parents.get(stores[0]), ast.Assign) else None

    def _on(self, level: int, *nodes: ast.AST) -> bool:
        self._pending += [(each, level) for each in nodes]
        return True

    def _is_known(self, node: ast.AST, level: int) -> bool:
        """Tell of an expression whether it can be known, and have its parts asked for."""
        match node:
            case ast.Constant():
                return True
            case ast.BinOp(left=left, op=operator, right=right):
                return isinstance(operator, PLAIN_OPERATORS) and self._on(level, left, right)
            case ast.UnaryOp(operand=held):
                return self._on(level, held)
            case ast.IfExp(body=body, orelse=other):  # which of them, has no gradient
                return self._on(level, body, other)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                return self._on(level, *parts)
            case ast.Subscript(value=held) | ast.ListComp(elt=held) | ast.GeneratorExp(elt=held):
                return self._on(level, held)
            case ast.Attribute():
                return is_constant(self._levels[level].text, node)
            case ast.Call():
                return self._call(node, level)
            case ast.Name(id=name):
                return self._variable(node, name, level)
        return False

    def _call(self, call: ast.Call, level: int) -> bool:
        text, name = self._levels[level].text, called_name(call)
        given = [*call.args, *(each.value for each in call.keywords)]
        if is_draw(text, call):  # np.random.randn(*X.shape)
            given = [each for each in given if not (isinstance(each, ast.Starred) and counts(each.value))]
        if not gives_to_nobody(call) or any(isinstance(each, ast.Starred) for each in given):
            return False
        if is_number_call(text, call):
            return name == "len" or self._on(level, *given)
        if is_draw(text, call):
            sizes = {each.value for each in call.keywords if each.arg == "size"}
            parts = [each for each in given if not (each in sizes and counts(each))]
            held = call.func.value if isinstance(call.func, ast.Attribute) else None
            is_of_module = text.module_of(call.func) != ""
            return self._on(level, *parts, *([] if is_of_module or held is None else [held]))
        if text.imported_name(call.func) in (*_GENERATORS, *_READ) and text.module_of(call.func):
            return self._on(level, *given)
        if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Constant):
            return self._on(level, *given)
        is_array = name in _ARRAYS and text.imported_name(call.func) == f"numpy.{name}"
        return (
            is_array and bool(text.module_of(call.func)) and len(call.args) < 3 and self._on(level, *given)
        )

    def _variable(self, node: ast.AST, name: str, level: int) -> bool:
        text = self._levels[level].text
        function = text.enclosing(node)
        if function is None:
            return False
        variables = text.variables_of(function)
        if given_in_module(text, name) is not None:
            return True
        if not variables.is_own(name) or variables.is_given_otherwise(name):
            return False
        stores = variables.stores_of(name)
        if not (stores or name in parameters_in_order(function)):
            return False
        if name in parameters_in_order(function) and not self._parameter(function, name, level):
            return False
        if not all(self._store(each, level) for each in stores):
            return False
        return is_number(text, function, name, set()) or (
            all(is_alone(text, function, each) for each in stores)
            and all(is_harmless(text, each) for each in variables.loads_of(name))
        )

    def _parameter(self, function: Function, name: str, level: int) -> bool:
        """Go on to what the call gave a parameter."""
        given = self._given(function, name, level)
        return given is not None and self._on(given[1], given[0])

    def _given(self, function: Function, name: str, level: int) -> tuple[ast.expr, int] | None:
        """Return what the call gave a parameter, which may be by default, and the function where that is written."""
        text = self._levels[level].text
        if level + 1 >= len(self._levels) or not is_to_caller(text, function):
            return None
        outer = self._levels[level + 1]
        call = outer.node
        if (
            outer.text is not text
            or not isinstance(call, ast.Call)
            or not isinstance(call.func, ast.Name)
            or not calls_directly(text, call, getattr(function, "name", ""))
        ):
            return None
        if any(isinstance(each, ast.Starred) for each in call.args) or any(
            each.arg is None for each in call.keywords
        ):
            return None
        names = [each.arg for each in (*function.args.posonlyargs, *function.args.args)]
        given = dict(zip(names, call.args, strict=False)) | {
            each.arg: each.value for each in call.keywords if each.arg
        }
        defaults = dict(zip(reversed(names), reversed(function.args.defaults), strict=False))
        if name in given:
            return given[name], level + 1
        default = defaults.get(name)
        return (default, level) if isinstance(default, ast.Constant) and not sets_any_name(text) else None

    def _store(self, name: ast.Name, level: int) -> bool:
        """Go on to what a variable is given."""
        given = given_at(self._levels[level].text, name)
        if given is None:
            return False
        return self._on(
            level,
            *(each for each in given.parts if not (given.is_counter and self._only_counts(each, level))),
        )

    def _only_counts(self, node: ast.expr, level: int) -> bool:
        """Tell whether a number says how often: a length, or a whole number that the traced function is given."""
        if counts(node):
            return True
        text = self._levels[level].text
        function = text.enclosing(node)
        is_outermost = self._is_whole and level == len(self._levels) - 1
        return (
            isinstance(node, ast.Name)
            and is_outermost
            and isinstance(function, ast.FunctionDef)
            and node.id in parameters_in_order(function)
            and text.variables_of(function).is_own(node.id)
            and not text.variables_of(function).stores_of(node.id)
        )
