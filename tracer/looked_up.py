"""What a line looked up that writes into an array, told from its text without running any of it again.

The index, as far as it takes nothing but to look and arithmetic of whole numbers; whether what is written is a number;
and whether all that was looked up is still there. Used by adopted.py.
"""

from __future__ import annotations

import ast
import operator
from inspect import CO_OPTIMIZED
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.callee import values_of
from tracer.standins import is_traced, plain

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from tracer.source import Written

_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_NUMBERS = (int, float, complex, np.number)
_PARTS = (int, slice, type(None), type(Ellipsis))
# By name: methods of arrays that give a view of one where they can, as NumPy's functions of that name do
_VIEWS = {name: getattr(np.ndarray, name) for name in ("ravel", "reshape", "swapaxes", "transpose", "view")}
_LISTING = ("item", "tolist", "__array__", "nonzero")
_WITH_ASSIGNMENT = (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)  # or whatever others do meanwhile


class UnknownError(Exception):
    """What an expression is can't be told without running it."""


def index_of(node: ast.expr, frame: FrameType) -> Any:
    """Return what an index is, where that takes nothing but to look, and arithmetic of whole numbers."""
    match node:
        case ast.Tuple(parts):
            return tuple(index_of(each, frame) for each in parts)
        case ast.List(parts):
            return [_whole(each, frame) for each in parts]
        case ast.Slice(lower, upper, step):
            return slice(
                *(None if each is None else index_of(each, frame) for each in (lower, upper, step))
            )
        case ast.UnaryOp(ast.USub(), operand):
            return -_whole(operand, frame)
        case ast.UnaryOp(ast.Invert(), operand):
            return ~_index_array(operand, frame)
        case ast.BinOp(left, operation, right) if type(operation) in _ARITHMETIC:
            whole = _whole(left, frame), _whole(right, frame)
            if type(operation) in (ast.FloorDiv, ast.Mod) and not whole[1]:
                raise UnknownError
            return _ARITHMETIC[type(operation)](*whole)
        case ast.Compare(left, [operation], [right]) if type(operation) in _COMPARISONS:
            compared = [plain(_only(each, frame)) for each in (left, right)]
            if all(_is_plain_number(each) for each in compared):
                return _COMPARISONS[type(operation)](*compared)
            raise UnknownError
    found = plain(_only(node, frame))
    if isinstance(found, np.ndarray):
        return found if type(found) is np.ndarray and found.dtype.kind in "iub" else _fail()
    if type(found) in (list, tuple):
        kinds = _PARTS if type(found) is tuple else (int, bool)
        return found if all(type(each) in kinds for each in found) else _fail()
    is_one = found is None or found is Ellipsis or isinstance(found, int | np.integer | slice)
    return found if is_one else _fail()


def view_of(node: ast.expr, frame: FrameType) -> Any:
    """Return a view like the one that an expression has made anew, `W.T`, `W[1]`; None where it does not say so.

    Of an array that the program has: nothing of the program's runs, and nothing else has what such a call gives.
    """
    try:
        made = _seen(node, frame)
    except (UnknownError, IndexError, TypeError, ValueError):
        return None
    is_view = type(made) is np.ndarray and made.base is not None
    return made if is_view else None


def named_arrays(node: ast.expr, frame: FrameType) -> list[Any]:
    """Return the arrays that an expression may be; none where it makes them anew, as `W.T` does."""
    found = [each for each in values_of(node, frame) if type(each) is np.ndarray]
    owners = [*values_of(node.value, frame)] if isinstance(node, ast.Attribute) else []
    owners = [each for each in owners if isinstance(each, np.ndarray)]
    return [each for each in found if any(each is owner for owner in owners)] if owners else found


def _seen(node: ast.expr, frame: FrameType) -> Any:
    match node:
        case ast.Subscript(of, key) if not isinstance(of, ast.List | ast.Tuple):
            return _array(of, frame)[index_of(key, frame)]
        case ast.Attribute(of, "T" | "mT" as name):
            return getattr(_array(of, frame), name)
        case ast.Call(ast.Attribute(of, name), arguments, []) if name in _VIEWS:
            called = [*values_of(node.func, frame)]
            if len(called) == 1 and called[0] is getattr(np, name, None):
                of, *arguments = arguments
            return _VIEWS[name](_array(of, frame), *(index_of(each, frame) for each in arguments))
    return _fail()


def _array(node: ast.expr, frame: FrameType) -> Any:
    """Return the plain array that an expression is, or a view like the one that it has made."""
    found = [*values_of(node, frame)]
    array = found[0] if len(found) == 1 else _seen(node, frame)
    return array if type(array) is np.ndarray and not array.dtype.hasobject else _fail()


def _whole(node: ast.expr, frame: FrameType) -> Any:
    found = index_of(node, frame)
    return found if type(found) is int or isinstance(found, np.integer) else _fail()


def _index_array(node: ast.expr, frame: FrameType) -> Any:
    found = index_of(node, frame)
    return found if isinstance(found, np.ndarray) else _fail()


def _only(node: ast.expr, frame: FrameType) -> Any:
    found = list(values_of(node, frame))
    return found[0] if len(found) == 1 else _fail()


def _fail() -> Any:
    raise UnknownError


def _is_plain_number(value: Any) -> bool:
    """Say whether a value is a number or an array of numbers: what is computed of it is, too."""
    if isinstance(value, np.ndarray):
        return type(value) is np.ndarray and value.dtype.kind in "fciub"
    return isinstance(value, _NUMBERS)


def is_numeric(node: ast.expr, frame: FrameType) -> bool:
    """Say whether an expression surely was a number or an array of numbers, no list of them."""
    match node:
        case ast.UnaryOp(_, operand):
            return is_numeric(operand, frame)
        case ast.BinOp(left, _, right):
            return is_numeric(left, frame) and is_numeric(right, frame)
        case ast.Subscript(ast.Attribute(of, "flat"), _) | ast.Subscript(of, _) if is_numeric(of, frame):
            return True
        case ast.Call(called, arguments, []):
            functions = list(values_of(called, frame))
            is_ufunc = len(functions) == 1 and isinstance(functions[0], np.ufunc) and functions[0].nout == 1
            if isinstance(called, ast.Attribute) and called.attr not in _LISTING:
                is_ufunc = is_ufunc or is_numeric(called.value, frame)
            if is_ufunc and all(is_numeric(each, frame) for each in arguments):
                return True
    found = list(values_of(node, frame))
    return len(found) == 1 and (is_traced(found[0]) or _is_plain_number(plain(found[0])))


def variables_of(frame: FrameType) -> frozenset[str]:
    """Return the names of a function's variables; what else its `locals()` hold, somebody has put into that dict."""
    code = frame.f_code
    is_function = code.co_flags & CO_OPTIMIZED
    return frozenset((*code.co_varnames, *code.co_cellvars, *code.co_freevars) if is_function else ())


def is_settled(written: Written, index: Any, frame: FrameType) -> bool:
    """Tell whether what was looked up for `b[i] += …` is still there after the right side ran, whatever that called."""
    target, between = written.target, written.between
    if between is None or _only_looks(between, frame):
        return True
    code = frame.f_code
    own = variables_of(frame).difference(code.co_cellvars, code.co_freevars)
    inner = [*ast.walk(target.value), *ast.walk(target.slice)]
    parts = index if type(index) is tuple else (index,)
    return (
        not any(isinstance(each, _WITH_ASSIGNMENT) for each in ast.walk(between))
        and not any(isinstance(each, ast.Attribute | ast.Subscript) for each in inner)
        and all(each.id in own for each in inner if isinstance(each, ast.Name))
        and not any(isinstance(each, np.ndarray | list) for each in parts)
    )


def _only_looks(node: ast.expr, frame: FrameType) -> bool:
    """Tell whether an expression runs nothing of the program's that could change what others look up."""
    inner = list(ast.walk(node))
    calls = [each for each in inner if isinstance(each, ast.Call)]
    return not any(isinstance(each, _WITH_ASSIGNMENT) for each in inner) and all(
        is_numeric(each, frame) for each in (node, *calls)
    )
