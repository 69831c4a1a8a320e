"""What the text gives a variable, and whether that can be nothing but numbers, which nobody writes into.

Used by made_of.py.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from tracer.diagnose.program_text import called_name, parameters_in_order
from tracer.plain_calls import sets_any_name

if TYPE_CHECKING:
    from tracer.diagnose.program_text import Function
    from tracer.diagnose.reading import Program

PLAIN_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.MatMult)
# Of Python's own functions, and of its modules': whose result is a number that is made of nothing but what they get
_NUMBERS = frozenset("float int complex abs round pow max min".split())
_OF_NUMBERS = ("abs", "round", "pow", "max", "min")  # of arrays they give an array
_OF_MATH = ("math", "cmath")
_DRAWS = frozenset(
    "normal standard_normal uniform random random_sample integers randint permutation choice exponential gamma beta "
    "binomial poisson randn rand gauss".split()
)
_OF_MODULES = frozenset(("pi", "e", "tau", "inf"))
_COUNTS = frozenset(("size", "ndim"))
# Where a variable is read that nothing gives another name, and nothing writes into
_HARMLESS = (ast.BinOp, ast.UnaryOp, ast.Compare, ast.FormattedValue)


def counts(node: ast.expr) -> bool:
    """Tell whether an expression is the length of something, or its shape."""
    match node:
        case ast.Attribute(attr="shape") | ast.Subscript(value=ast.Attribute(attr="shape")):
            return True
        case ast.Attribute(attr=name):
            return name in _COUNTS
        case ast.Call(func=ast.Name(id="len")):
            return True
    return False


def is_constant(text: Program, node: ast.expr) -> bool:
    """Tell whether an attribute is a number of a module's (`np.pi`), or a shape."""
    if isinstance(node, ast.Attribute) and node.attr in _OF_MODULES:
        return text.module_of(node) in ("math", "cmath", "numpy")
    return isinstance(node, ast.Attribute) and node.attr == "shape"


def given_in_module(text: Program, name: str) -> ast.expr | None:
    """Return the numbers that a file gives a global, at one place outside of functions and nowhere else; else None."""
    if text.binds(name) != 1 or sets_any_name(text):
        return None
    named = [each for each in text.nodes if getattr(each, "id", getattr(each, "attr", "")) == name]
    stores = [each for each in named if not isinstance(getattr(each, "ctx", None), ast.Load)]
    match [text.parents.get(each) for each in stores]:
        case [ast.Assign(targets=[ast.Name()], value=value) as assigned]:
            is_outside = isinstance(text.parents.get(assigned), ast.Module)
            return value if is_outside and all(map(_is_of_number, ast.walk(value))) else None
    return None


def _is_of_number(node: ast.AST) -> bool:
    numbers = isinstance(node, ast.Constant) and isinstance(node.value, (int, float, complex))
    return numbers or isinstance(node, (ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop))


def is_number_call(text: Program, call: ast.Call) -> bool:
    """Tell whether a call is one of Python's or of its modules that makes a number of numbers."""
    name = called_name(call)
    if isinstance(call.func, ast.Name) and not text.binds(name):
        return name in _NUMBERS or name == "len"
    return text.module_of(call.func) in _OF_MATH


def is_draw(text: Program, call: ast.Call) -> bool:
    """Tell whether a call draws random numbers, if what it is a method of is a generator."""
    if called_name(call) not in _DRAWS or not isinstance(call.func, ast.Attribute):
        return False
    module = text.imported_name(call.func).rpartition(".")[0] if text.module_of(call.func) else ""
    return module in ("", "numpy.random", "random")


def is_number(text: Program, function: Function, name: str, seen: set[str]) -> bool:
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
    given = given_at(text, name)
    return given is not None and (
        given.is_counter or all(_is_number_of(text, function, each, seen) for each in given.parts)
    )


class Given(NamedTuple):
    """What a statement gives a variable: one of some expressions, or what it is changed by."""

    parts: list[ast.expr]
    is_counter: bool = False  # it counts from and to these


def given_at(text: Program, name: ast.Name) -> Given | None:
    """Return what a variable is given at one place; None where that is not known."""
    above = text.parents.get(name)
    at = -1
    if isinstance(above, ast.Tuple):
        if any(isinstance(each, ast.Starred) for each in above.elts):
            return None  # which takes as many as there are
        at, above = above.elts.index(name), text.parents.get(above)
    match above:
        case ast.Assign(targets=[_], value=ast.Tuple(elts=parts)) if 0 <= at < len(parts):
            return None if any(isinstance(each, ast.Starred) for each in parts) else Given([parts[at]])
        case ast.Assign(targets=[_], value=ast.Attribute(attr="shape") as held):  # of each, too
            return Given([held])
        case ast.Assign(targets=[_], value=held) | ast.AnnAssign(value=ast.expr() as held) if at < 0:
            return Given([held])
        case ast.AugAssign(op=operator, value=held) if isinstance(operator, PLAIN_OPERATORS):
            return Given([held])
        case ast.For(iter=over) | ast.comprehension(iter=over):
            return _looped(text, over, at)
    return None


def _looped(text: Program, over: ast.expr, at: int) -> Given | None:
    """Return what a loop gives its variable; `at` where each is a tuple, one of its items."""
    match over:
        case ast.Call(func=ast.Name(id="range"), args=args, keywords=[]) if at < 0:
            return None if text.binds("range") else Given(args, is_counter=True)
        case ast.Call(func=ast.Name(id="enumerate"), args=[over, *first], keywords=[]) if at in (0, 1):
            if text.binds("enumerate"):
                return None
            return _looped(text, over, -1) if at else Given(first, is_counter=True)
        case ast.Tuple(elts=parts) | ast.List(elts=parts) if at < 0:
            return Given(parts)
        case ast.Call(func=ast.Attribute(value=ast.Constant())) if at < 0:
            return Given([over])
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
            return is_number_call(text, node) and (
                is_of_any or all(_is_number_of(text, function, each, seen) for each in given)
            )
        case ast.Attribute():
            return is_constant(text, node)
        case ast.Subscript(value=ast.Attribute(attr="shape")):
            return True
        case ast.Name(id=name):
            return is_number(text, function, name, seen) or given_in_module(text, name) is not None
    return False


def is_alone(text: Program, function: Function, name: ast.Name) -> bool:
    """Tell whether what a variable is given holds nothing but numbers: `rows + []` has the lists of `rows`, too."""
    given = given_at(text, name)
    pending: list[ast.AST] = [*given.parts] if given is not None else []
    while pending:
        each = pending.pop()
        if isinstance(each, (ast.Tuple, ast.List)):
            if not all(_is_number_of(text, function, item, set()) for item in each.elts):
                return False
        elif not isinstance(each, ast.Call):
            pending += ast.iter_child_nodes(each)
    return True


def is_harmless(text: Program, load: ast.AST) -> bool:
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
