"""What a constant of an operation is made of, by the program's text: whether it can't be a number that left the graph.

`w - 0.1 * 0.7**epoch * g` takes a constant that nothing in the program holds, but all that it is computed from is
written there: numbers, counters of loops, draws. Whatever the program keeps elsewhere of what left, an operation with
such a constant has not taken it. Only what is known here counts as known: anything else may have it. Used by
came_back.py.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, NamedTuple

from tracer.diagnose.program_text import called_name, parameters_in_order
from tracer.diagnose.reading import program
from tracer.operations import OP_NAMES
from tracer.plain_calls import calls_directly, gives_to_nobody, is_to_caller, means_what_it_says
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
# Of Python's own functions, and of its modules': whose result is a number that is made of nothing but what they get;
_NUMBERS = frozenset("float int complex abs round pow".split())
_OF_NUMBERS = ("abs", "round", "pow")  # of an array they give an array
_OF_MATH = ("math", "cmath")
# or an array that nothing else has
_ARRAYS = frozenset(
    "array arange linspace zeros ones eye full exp log sqrt sin cos tanh sum mean outer dot maximum minimum".split()
)
_DRAWS = frozenset(
    "normal standard_normal uniform random random_sample integers randint permutation choice exponential gamma beta "
    "binomial poisson randn rand gauss".split()
)
_GENERATORS = ("numpy.random.default_rng", "numpy.random.RandomState", "random.Random")
_READ = ("json.loads", "ast.literal_eval")
_COUNTS = frozenset(("size", "ndim"))
# Where a variable is read that nothing gives another name, and nothing writes into
_HARMLESS = (ast.BinOp, ast.UnaryOp, ast.Compare, ast.FormattedValue)
# Of two operands each, which are those of the expression: others are made of the lists in it
_OPERATIONS = frozenset(
    "add subtract multiply divide floor_divide remainder power matmul dot maximum minimum".split()
)
_TWO = 2
_PLAIN_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.MatMult)


class _Level(NamedTuple):
    """A function that was running, by its text."""

    text: Program
    node: ast.AST  # what it was doing
    code: CodeType


class Origins:
    """The constants of one recording, and where they are from."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._known: dict[Any, bool] = {}

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
            self._known[key] = _is_written(places, port, operation, traced)
        return self._known[key]


def _is_written(places: tuple[Place, ...], port: int, operation: str, traced: int) -> bool:
    levels = []
    for code, instruction in places:
        level = _level(code, instruction)
        if level is None:
            break
        levels.append(level)
    is_whole = len(levels) == len(places)
    match levels[0].node if levels else None:
        case ast.BinOp(left=left, right=right) | ast.AugAssign(target=left, value=right):
            return _Parts(levels, is_whole).are_written((left, right)[port])
        case ast.Call(args=args, keywords=[]) as call if called_name(call) == operation:
            held = [call.func.value] if isinstance(call.func, ast.Attribute) else []
            given = args if len(args) == _TWO else [*held, *args]
            unknown = [each for each in given if not _Parts(levels, is_whole).are_written(each)]
            # Each is one operand, so those that are traced are the ones of which nothing is known.
            return len(given) == _TWO and len(unknown) == traced
    return False


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

    def _on(self, level: int, *nodes: ast.AST) -> bool:
        self._pending += [(each, level) for each in nodes]
        return True

    def _is_known(self, node: ast.AST, level: int) -> bool:
        """Tell of an expression whether it can be known, and have its parts asked for."""
        match node:
            case ast.Constant():
                return True
            case ast.BinOp(left=left, op=operator, right=right):
                return isinstance(operator, _PLAIN_OPERATORS) and self._on(level, left, right)
            case ast.UnaryOp(operand=held):
                return self._on(level, held)
            case ast.IfExp(body=body, orelse=other):  # which of them, has no gradient
                return self._on(level, body, other)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                return self._on(level, *parts)
            case ast.Subscript(value=held) | ast.ListComp(elt=held) | ast.GeneratorExp(elt=held):
                return self._on(level, held)
            case ast.Call():
                return self._call(node, level)
            case ast.Name(id=name):
                return self._variable(node, name, level)
        return False

    def _call(self, call: ast.Call, level: int) -> bool:
        text, name = self._levels[level].text, called_name(call)
        given = [*call.args, *(each.value for each in call.keywords)]
        if not gives_to_nobody(call) or any(isinstance(each, ast.Starred) for each in given):
            return False
        if _is_number_call(text, call):
            return name == "len" or self._on(level, *given)
        if _is_draw(text, call):
            sizes = {each.value for each in call.keywords if each.arg == "size"}
            parts = [each for each in given if not (each in sizes and _counts(each))]
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
        if not variables.is_own(name) or variables.is_given_otherwise(name):
            return False
        stores = variables.stores_of(name)
        if not (stores or name in parameters_in_order(function)):
            return False
        if name in parameters_in_order(function) and not self._parameter(function, name, level):
            return False
        if not all(self._store(each, level) for each in stores):
            return False
        return _is_number(text, function, name, set()) or (
            all(_is_alone(text, function, each) for each in stores)
            and all(_is_harmless(text, each) for each in variables.loads_of(name))
        )

    def _parameter(self, function: Function, name: str, level: int) -> bool:
        """Go on to what the call gave a parameter."""
        text = self._levels[level].text
        if level + 1 >= len(self._levels) or not is_to_caller(text, function):
            return False
        outer = self._levels[level + 1]
        call = outer.node
        if (
            outer.text is not text
            or not isinstance(call, ast.Call)
            or not isinstance(call.func, ast.Name)
            or not calls_directly(text, call, getattr(function, "name", ""))
        ):
            return False
        if any(isinstance(each, ast.Starred) for each in call.args) or any(
            each.arg is None for each in call.keywords
        ):
            return False
        names = [each.arg for each in (*function.args.posonlyargs, *function.args.args)]
        given = dict(zip(names, call.args, strict=False)) | {
            each.arg: each.value for each in call.keywords if each.arg
        }
        defaults = dict(zip(reversed(names), reversed(function.args.defaults), strict=False))
        if name in given:
            return self._on(level + 1, given[name])
        return isinstance(defaults.get(name), ast.Constant)

    def _store(self, name: ast.Name, level: int) -> bool:
        """Go on to what a variable is given."""
        given = _given(self._levels[level].text, name)
        if given is None:
            return False
        return self._on(
            level,
            *(each for each in given.parts if not (given.is_counter and self._only_counts(each, level))),
        )

    def _only_counts(self, node: ast.expr, level: int) -> bool:
        """Tell whether a number says how often: a length, or a whole number that the traced function is given."""
        if _counts(node):
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


def _counts(node: ast.expr) -> bool:
    """Tell whether an expression is the length of something, or its shape."""
    match node:
        case ast.Attribute(attr="shape") | ast.Subscript(value=ast.Attribute(attr="shape")):
            return True
        case ast.Attribute(attr=name):
            return name in _COUNTS
        case ast.Call(func=ast.Name(id="len")):
            return True
    return False


def _is_number_call(text: Program, call: ast.Call) -> bool:
    name = called_name(call)
    if isinstance(call.func, ast.Name) and not text.binds(name):
        return name in _NUMBERS or name == "len"
    return text.module_of(call.func) in _OF_MATH


def _is_draw(text: Program, call: ast.Call) -> bool:
    """Tell whether a call draws random numbers, if what it is a method of is a generator."""
    if called_name(call) not in _DRAWS or not isinstance(call.func, ast.Attribute):
        return False
    module = text.imported_name(call.func).rpartition(".")[0] if text.module_of(call.func) else ""
    return module in ("", "numpy.random", "random")


def _is_number(text: Program, function: Function, name: str, seen: set[str]) -> bool:
    """Tell whether a variable can be nothing but a number, which nobody can write into."""
    if name in seen:
        return True
    seen.add(name)
    stores = text.variables_of(function).stores_of(name)
    return (
        bool(stores)
        and name not in parameters_in_order(function)
        and all(_gets_number(text, function, each, seen) for each in stores)
    )


def _gets_number(text: Program, function: Function, name: ast.Name, seen: set[str]) -> bool:
    given = _given(text, name)
    return given is not None and (
        given.is_counter or all(_is_number_of(text, function, each, seen) for each in given.parts)
    )


class _Given(NamedTuple):
    """What a statement gives a variable: one of some expressions, or what it is changed by."""

    parts: list[ast.expr]
    is_counter: bool = False  # it counts from and to these


def _given(text: Program, name: ast.Name) -> _Given | None:
    """Return what a variable is given at one place; None where that is not known."""
    above = text.parents.get(name)
    at = -1
    if isinstance(above, ast.Tuple):
        if any(isinstance(each, ast.Starred) for each in above.elts):
            return None  # which takes as many as there are
        at, above = above.elts.index(name), text.parents.get(above)
    match above:
        case ast.Assign(targets=[_], value=ast.Tuple(elts=parts)) if 0 <= at < len(parts):
            return None if any(isinstance(each, ast.Starred) for each in parts) else _Given([parts[at]])
        case ast.Assign(targets=[_], value=held) | ast.AnnAssign(value=ast.expr() as held) if at < 0:
            return _Given([held])
        case ast.AugAssign(op=operator, value=held) if isinstance(operator, _PLAIN_OPERATORS):
            return _Given([held])
        case ast.For(iter=over) | ast.comprehension(iter=over):
            return _looped(text, over, at)
    return None


def _looped(text: Program, over: ast.expr, at: int) -> _Given | None:
    """Return what a loop gives its variable; `at` where each is a tuple, one of its items."""
    match over:
        case ast.Call(func=ast.Name(id="range"), args=args, keywords=[]) if at < 0:
            return None if text.binds("range") else _Given(args, is_counter=True)
        case ast.Call(func=ast.Name(id="enumerate"), args=[over, *first], keywords=[]) if at in (0, 1):
            if text.binds("enumerate"):
                return None
            return _looped(text, over, -1) if at else _Given(first, is_counter=True)
        case ast.Tuple(elts=parts) | ast.List(elts=parts) if at < 0:
            return _Given(parts)
        case ast.Call(func=ast.Attribute(value=ast.Constant())) if at < 0:
            return _Given([over])
    return None


def _is_number_of(text: Program, function: Function, node: ast.expr, seen: set[str]) -> bool:
    match node:
        case ast.Constant(value=value):
            return isinstance(value, (int, float, complex))
        case ast.UnaryOp(operand=held):
            return _is_number_of(text, function, held, seen)
        case ast.BinOp(left=left, right=right):
            return all(_is_number_of(text, function, each, seen) for each in (left, right))
        case ast.IfExp(body=left, orelse=right):
            return all(_is_number_of(text, function, each, seen) for each in (left, right))
        case ast.Call(args=given):
            is_of_any = called_name(node) not in _OF_NUMBERS
            return _is_number_call(text, node) and (
                is_of_any or all(_is_number_of(text, function, each, seen) for each in given)
            )
        case ast.Name(id=name):
            return _is_number(text, function, name, seen)
    return False


def _is_alone(text: Program, function: Function, name: ast.Name) -> bool:
    """Tell whether what a variable is given holds nothing but numbers: `rows + []` has the lists of `rows`, too."""
    given = _given(text, name)
    pending: list[ast.AST] = [*given.parts] if given is not None else []
    while pending:
        each = pending.pop()
        if isinstance(each, (ast.Tuple, ast.List)):
            if not all(_is_number_of(text, function, item, set()) for item in each.elts):
                return False
        elif not isinstance(each, ast.Call):
            pending += ast.iter_child_nodes(each)
    return True


def _is_harmless(text: Program, load: ast.AST) -> bool:
    """Tell whether a variable is read where nothing gets at what it holds but its numbers."""
    above = text.parents.get(load)
    while isinstance(above, ast.Subscript) and above.value is load:
        if not isinstance(above.ctx, ast.Load):
            return False
        load, above = above, text.parents.get(above)
    if isinstance(above, ast.Attribute):
        call = text.parents.get(above)
        is_call = isinstance(call, ast.Call) and call.func is above
        return above.attr in (_DRAWS if is_call else {"shape", *_COUNTS})
    if isinstance(above, ast.Call) and above.func is not load and not text.binds(called_name(above)):
        return isinstance(above.func, ast.Name) and called_name(above) in ("len", "print", *_NUMBERS)
    return isinstance(above, _HARMLESS) or (isinstance(above, ast.Subscript) and above.slice is load)
