"""Arrays that plain NumPy code made in the traced function, and that a traced value is written into: `b = DATA.copy()`.

Nothing tells of such an array until NumPy asks the traced value for a number. By then the running line says which
variable holds the array, and where in it the value goes. Where nothing but variables of the program has the array, as
the count of references tells, a stand-in for it takes its place in them, and the write is one like any other.

What can't be told from the text alone, without running any of it again, is not followed. Used by standins.py.
"""

from __future__ import annotations

import ast
import ctypes
import gc
import operator
import sys
import weakref
from inspect import CO_OPTIMIZED
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tracer.blank import blank
from tracer.buffers import write
from tracer.callee import IS_SNAPSHOT, forget_snapshot, seeing, values_of
from tracer.frames import is_own
from tracer.holders import Attribute, Item
from tracer.leading import is_looked_into
from tracer.leftovers import own_references
from tracer.reach import place_of, places_leading_to
from tracer.references import borrowed, references
from tracer.rules.kinds import is_complex
from tracer.running import written_at
from tracer.standins import is_traced, plain

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from tracer.holders import Holder
    from tracer.source import Written
    from tracer.tape import Tape

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
_LISTING = ("item", "tolist", "__array__", "nonzero")
_WITH_ASSIGNMENT = (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)  # or whatever others do meanwhile
# Iterators that use the tuple they gave out for the next one, if it has been let go.
_REUSING = frozenset((zip, enumerate, type(iter({}.items())), type(reversed({}.items()))))


class _UnknownError(Exception):
    """What an expression is can't be told without running it."""


class _Variable(NamedTuple):
    """A variable of a function that runs."""

    frame: FrameType
    name: str

    def known_as(self) -> tuple[int, str]:
        """Return what tells one variable from another: a variable of several functions is one."""
        code = self.frame.f_code
        is_shared = self.name in code.co_cellvars or self.name in code.co_freevars
        return 0 if is_shared else id(self.frame), self.name

    def read(self) -> Any:
        """See Holder."""
        return self.frame.f_locals[self.name]

    def write(self, value: Any) -> None:
        """See Holder."""
        variables = self.frame.f_locals
        variables[self.name] = value
        if IS_SNAPSHOT:
            ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(self.frame), ctypes.c_int(0))


def adopt(value: Any, frame: FrameType) -> bool:
    """Record the write of a traced value that the running line of a frame does; say whether it could be done.

    NumPy then does it once more, of the plain value.
    """
    frames = frames_of(frame)
    try:
        return _adopt(value, frames)
    finally:
        for each in frames:
            forget_snapshot(each)


def _adopt(value: Any, frames: list[FrameType]) -> bool:
    frame = frames[0]
    written = written_at(frame.f_code, frame.f_lasti)
    if written is None:
        return False
    target, stored, _ = written
    try:
        with np.errstate(all="ignore"):  # of whole numbers that went round, NumPy has warned
            index = _index(target.slice, frame)
    except _UnknownError:
        return False
    if not _is_settled(written, index, frame):
        return False
    places = places_of(target.value, frame)
    if not places:
        return False
    if not _takes(
        places[0].read(), index, value, is_number=stored is not None and _is_numeric(stored, frame)
    ):
        return False
    with np.errstate(all="ignore"):  # NumPy warns when it does it
        fewest = _fewest(places[0].read(), index, value.value_) - borrowed(target.value, frame)
        if is_held_elsewhere(places, fewest, value.tape_, frame):
            return False
        made = blank(places[0].read(), value.tape_)
        write(made, index, value, frame)
    value.tape_.has_adopted = True
    for place in places:
        place.write(made)
    return True


def _takes(array: Any, index: Any, value: Any, *, is_number: bool) -> bool:
    """Tell whether a traced value, asked for its numbers, is all that is written into an array at an index."""
    if not can_be_written(array) or (is_complex(value.value_) and not is_complex(array)):
        return False
    try:
        region = array[index]
    except (IndexError, TypeError, ValueError):
        return False
    return is_number or not isinstance(region, np.ndarray)  # of a list of traced values, it is one


def is_held_elsewhere(places: list[Holder], fewest: int, tape: Tape, frame: FrameType) -> bool:
    """Tell whether anything but some places has an array, with so many references that the write has by itself.

    Places in what the variables of the running functions hold are added to those given.
    """
    tape.forget_snapshot(places[0].read())
    fewest += own_references(places[0].read())
    if surplus_of(places) <= fewest:
        return False
    tape.forget_views(places[0].read())
    if surplus_of(places) <= fewest:
        return False
    places += _places_inside(places, surplus_of(places) - fewest, frame)
    surplus = surplus_of(places)
    return surplus > fewest and surplus - _count_in_iterators(places[0].read()) > fewest


def _places_inside(places: list[Holder], surplus: int, frame: FrameType) -> list[Holder]:
    """Return the other places that hold an array in lists, dicts and objects: of the program, of running functions."""
    missing = surplus + sum(not isinstance(each, _Variable) for each in places)
    array, known = places[0].read(), set(map(_identity, places))
    roots = [frame.f_globals]
    for each in frames_of(frame):
        roots += [held for held in each.f_locals.values() if is_looked_into(type(held))]
    leading = places_leading_to({id(array): missing}, (id(array),), roots)
    found = [place_of(owner, key) for owner, key, held in leading if held is array]
    # A cell is the variable of a function, and known as that.
    others = {_identity(each): each for each in found if isinstance(each, Item | Attribute)}
    return [each for identity, each in others.items() if identity not in known]


def _identity(place: Holder) -> tuple[int, Any]:
    match place:
        case Item(owner, name) | Attribute(owner, name):
            return id(owner), name
    return id(place), None


def _count_in_iterators(array: Any) -> int:
    """Count the tuples with an array in which zip and the like give out the next items, if nothing else has them."""
    count = 0
    for iterator in [each for each in gc.get_objects() if type(each) in _REUSING]:
        held = gc.get_referents(iterator)
        for at in range(len(held)):
            is_alone = type(held[at]) is tuple and references(held, at) == 1  # that of the iterator
            count += sum(each is array for each in held[at]) if is_alone else 0
    return count


def name_of_target(frame: FrameType) -> str | None:
    """Return what the running line writes into, as it is written."""
    written = written_at(frame.f_code, frame.f_lasti)
    return None if written is None else ast.unparse(written.target.value)


def views_of_target(frame: FrameType) -> str:
    """Name the variables that see what the running line writes into."""
    written = written_at(frame.f_code, frame.f_lasti)
    return "" if written is None else seeing(values_of(written.target.value, frame), frame)


def type_of_target(frame: FrameType) -> np.dtype[Any] | None:
    """Return the type of what the running line writes into, `a` of `a["p"][i] = x`, if its numbers have no gradient."""
    written = written_at(frame.f_code, frame.f_lasti)
    target = None if written is None else written.target.value
    while isinstance(target, ast.Subscript):
        target = target.value
    try:
        arrays = [] if target is None else values_of(target, frame)
        types = [each.dtype for each in arrays if type(each) is np.ndarray]
    finally:
        forget_snapshot(frame)
    return next((each for each in types if each.kind not in "fc"), None)


def can_be_written(array: Any) -> bool:
    """Tell whether a stand-in may take the place of an array: it owns its memory, and its numbers have a gradient."""
    return (
        type(array) is np.ndarray
        and array.dtype.kind in "fc"
        and array.dtype.isnative
        and array.base is None
        and bool(array.flags.writeable)
        and not weakref.getweakrefcount(array)
    )


def places_of(node: ast.expr, frame: FrameType) -> list[Holder]:
    """Return the places that hold the array that an expression is, as far as they are known."""
    arrays = [each for each in values_of(node, frame) if type(each) is np.ndarray]
    if len(arrays) != 1:
        return []
    places: list[Holder] = []
    for each in frames_of(frame):
        own = _variables(each)
        names = [name for name, held in each.f_locals.items() if held is arrays[0]]
        places += [_Variable(each, name) if name in own else Item(each.f_locals, name) for name in names]
    match node:
        case ast.Name(name) if frame.f_globals.get(name) is arrays[0]:
            places.append(Item(frame.f_globals, name))
        case ast.Attribute(of, name):
            for owner in values_of(of, frame):
                attributes = attributes_of(owner)
                if type(attributes) is dict and attributes.get(name) is arrays[0]:
                    places.append(Item(attributes, name))
        case ast.Subscript(of, key):
            for items in values_of(of, frame):
                held = [Item(items, each) for each in values_of(key, frame) if type(items) in (dict, list)]
                places += [each for each in held if each.read() is arrays[0]]
    return places


def frames_of(frame: FrameType) -> list[FrameType]:
    """Return a frame and those that wait for it, up to the first of edgegrad's own."""
    frames = [frame]
    while (back := frames[-1].f_back) is not None and not is_own(back.f_code.co_filename):
        frames.append(back)
    return frames


def _variables(frame: FrameType) -> frozenset[str]:
    """Return the names of a function's variables; what else its `locals()` hold, somebody has put into that dict."""
    code = frame.f_code
    is_function = code.co_flags & CO_OPTIMIZED
    return frozenset((*code.co_varnames, *code.co_cellvars, *code.co_freevars) if is_function else ())


def attributes_of(owner: Any) -> Any:
    """Return the dict of an object's attributes; None where it has none."""
    try:
        return object.__getattribute__(owner, "__dict__")
    except (AttributeError, TypeError):
        return None


def surplus_of(places: list[Holder]) -> int:
    """Count the references to an array beyond those of some places."""
    variables = [place for place in places if isinstance(place, _Variable)]
    items = {(id(place.items), place.key) for place in places if isinstance(place, Item)}
    if IS_SNAPSHOT:
        items |= {(id(place.frame.f_locals), place.name) for place in variables}
    others = len(places) - len(variables) - sum(isinstance(place, Item) for place in places)
    held = len(items) + len({each.known_as() for each in variables}) + others
    return sys.getrefcount(places[0].read()) - held


class Asked:
    """What is written in place of a traced value, and is asked for numbers as that is."""

    def __init__(self, value: Any, places: list[Holder]) -> None:
        self.value = value
        self.places = places
        self.surplus: int | None = None

    def __float__(self) -> float:
        self.count()
        return float(self.value)

    def __complex__(self) -> complex:
        self.count()
        return complex(self.value)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        self.count()
        return np.array(self.value, dtype=dtype, copy=copy)

    def count(self) -> None:
        """Count the references to the array when it is asked for the first time."""
        if self.surplus is None:
            self.surplus = surplus_of(self.places)


def _fewest(like: np.ndarray[Any, Any], index: Any, value: Any) -> int:
    """Count what is more while an array that only one place has is written at the same index."""
    items = [np.empty_like(like)]
    asked = Asked(value, [Item(items, 0)])
    items[0][index] = asked
    return 0 if asked.surplus is None else asked.surplus


def _only_looks(node: ast.expr, frame: FrameType) -> bool:
    """Tell whether an expression runs nothing of the program's that could change what others look up."""
    inner = list(ast.walk(node))
    calls = [each for each in inner if isinstance(each, ast.Call)]
    return not any(isinstance(each, _WITH_ASSIGNMENT) for each in inner) and all(
        _is_numeric(each, frame) for each in (node, *calls)
    )


def _is_settled(written: Written, index: Any, frame: FrameType) -> bool:
    """Tell whether what was looked up for `b[i] += …` is still there after the right side ran, whatever that called."""
    target, between = written.target, written.between
    if between is None or _only_looks(between, frame):
        return True
    code = frame.f_code
    own = _variables(frame).difference(code.co_cellvars, code.co_freevars)
    inner = [*ast.walk(target.value), *ast.walk(target.slice)]
    parts = index if type(index) is tuple else (index,)
    return (
        not any(isinstance(each, _WITH_ASSIGNMENT) for each in ast.walk(between))
        and not any(isinstance(each, ast.Attribute | ast.Subscript) for each in inner)
        and all(each.id in own for each in inner if isinstance(each, ast.Name))
        and not any(isinstance(each, np.ndarray | list) for each in parts)
    )


def _index(node: ast.expr, frame: FrameType) -> Any:
    """Return what an index is, where that takes nothing but to look, and arithmetic of whole numbers."""
    match node:
        case ast.Tuple(parts):
            return tuple(_index(each, frame) for each in parts)
        case ast.Slice(lower, upper, step):
            return slice(*(None if each is None else _index(each, frame) for each in (lower, upper, step)))
        case ast.UnaryOp(ast.USub(), operand):
            return -_whole(operand, frame)
        case ast.UnaryOp(ast.Invert(), operand):
            return ~_index_array(operand, frame)
        case ast.BinOp(left, operation, right) if type(operation) in _ARITHMETIC:
            whole = _whole(left, frame), _whole(right, frame)
            if type(operation) in (ast.FloorDiv, ast.Mod) and not whole[1]:
                raise _UnknownError
            return _ARITHMETIC[type(operation)](*whole)
        case ast.Compare(left, [operation], [right]) if type(operation) in _COMPARISONS:
            compared = [plain(_only(each, frame)) for each in (left, right)]
            if all(_is_plain_number(each) for each in compared):
                return _COMPARISONS[type(operation)](*compared)
            raise _UnknownError
    found = plain(_only(node, frame))
    if isinstance(found, np.ndarray):
        return found if type(found) is np.ndarray and found.dtype.kind in "iub" else _fail()
    if type(found) is list and all(type(each) in (int, bool) for each in found):
        return found
    is_one = found is None or found is Ellipsis or isinstance(found, int | np.integer | slice)
    return found if is_one else _fail()


def _whole(node: ast.expr, frame: FrameType) -> Any:
    found = _index(node, frame)
    return found if type(found) is int or isinstance(found, np.integer) else _fail()


def _index_array(node: ast.expr, frame: FrameType) -> Any:
    found = _index(node, frame)
    return found if isinstance(found, np.ndarray) else _fail()


def _only(node: ast.expr, frame: FrameType) -> Any:
    found = list(values_of(node, frame))
    return found[0] if len(found) == 1 else _fail()


def _fail() -> Any:
    raise _UnknownError


def _is_plain_number(value: Any) -> bool:
    """Say whether a value is a number or an array of numbers: what is computed of it is, too."""
    if isinstance(value, np.ndarray):
        return type(value) is np.ndarray and value.dtype.kind in "fciub"
    return isinstance(value, _NUMBERS)


def _is_numeric(node: ast.expr, frame: FrameType) -> bool:
    """Say whether an expression surely was a number or an array of numbers, no list of them."""
    match node:
        case ast.UnaryOp(_, operand):
            return _is_numeric(operand, frame)
        case ast.BinOp(left, _, right):
            return _is_numeric(left, frame) and _is_numeric(right, frame)
        case ast.Subscript(of, _) if _is_numeric(of, frame):
            return True
        case ast.Call(called, arguments, []):
            functions = list(values_of(called, frame))
            is_ufunc = len(functions) == 1 and isinstance(functions[0], np.ufunc) and functions[0].nout == 1
            if isinstance(called, ast.Attribute) and called.attr not in _LISTING:
                is_ufunc = is_ufunc or _is_numeric(called.value, frame)
            return is_ufunc and all(_is_numeric(each, frame) for each in arguments)
    found = list(values_of(node, frame))
    return len(found) == 1 and (is_traced(found[0]) or _is_plain_number(plain(found[0])))
