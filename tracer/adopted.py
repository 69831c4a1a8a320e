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
import sys
import weakref
from types import FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tracer.blank import blank
from tracer.buffers import write
from tracer.callee import IS_SNAPSHOT, forget_snapshot, seeing, values_of
from tracer.frames import is_own
from tracer.holders import Attribute, Item, names_of, order_of
from tracer.leading import is_looked_into
from tracer.leftovers import own_references
from tracer.looked_up import UnknownError, index_of, is_numeric, is_settled, variables_of
from tracer.reach import place_of, places_leading_to
from tracer.references import borrowed, references
from tracer.rules.kinds import is_complex
from tracer.running import written_at

if TYPE_CHECKING:
    from types import FrameType

    from tracer.holders import Holder
    from tracer.tape import Tape

# Iterators that use the tuple they gave out for the next one, if it has been let go.
_REUSING = frozenset((zip, enumerate, type(iter({}.items())), type(reversed({}.items()))))


class Variable(NamedTuple):
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


class Default(NamedTuple):
    """A default of a function, of those that are given by position."""

    function: Any
    at: int

    def read(self) -> Any:
        """See Holder."""
        return self.function.__defaults__[self.at]

    def write(self, value: Any) -> None:
        """See Holder."""
        before = self.function.__defaults__
        self.function.__defaults__ = (*before[: self.at], value, *before[self.at + 1 :])


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
            index = index_of(target.slice, frame)
    except UnknownError:
        return False
    if not is_settled(written, index, frame):
        return False
    places = places_of(target.value, frame)
    if not places:
        return False
    if not _takes(
        places[0].read(), index, value, is_number=stored is not None and is_numeric(stored, frame)
    ):
        return False
    with np.errstate(all="ignore"):  # NumPy warns when it does it
        fewest = _fewest(places[0].read(), index, value.value_) - borrowed(target.value, frame)
        if is_held_elsewhere(places, fewest, value.tape_, frame):
            return False
        made = blank(places[0].read(), value.tape_)
        write(made, index, value, frame)
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
    missing = surplus + sum(not isinstance(each, Variable) for each in places)
    array, known = places[0].read(), set(map(_identity, places))
    roots = [frame.f_globals]
    for each in frames_of(frame):
        roots += [held for held in each.f_locals.values() if is_looked_into(type(held))]
    found, functions = _leading(array, missing, roots)
    for function in functions:
        defaults = [function.__defaults__]
        if references(defaults, 0) == 1:  # that of the function
            found += [Default(function, at) for at, each in enumerate(defaults[0]) if each is array]
    # A cell is the variable of a function, and known as that.
    others = {_identity(each): each for each in found if isinstance(each, Item | Attribute | Default)}
    return [each for identity, each in others.items() if identity not in known]


def _leading(array: Any, missing: int, roots: list[Any]) -> tuple[list[Holder], list[Any]]:
    """Return the places in some roots that hold an array, and the functions that have it among their defaults."""
    found: list[Holder] = []
    functions: list[Any] = []
    for owner, key, held in places_leading_to({id(array): missing}, (id(array),), roots):
        if held is array:
            found.append(place_of(owner, key))
        elif key == "__defaults__" and type(owner) is FunctionType:
            functions.append(owner)
    return found, functions


def _identity(place: Holder) -> tuple[int, Any]:
    match place:
        case Item(owner, name) | Attribute(owner, name) | Default(owner, name):
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


def arrays_of_target(frame: FrameType) -> list[np.ndarray[Any, Any]]:
    """Return what the running line writes into, as far as it is known."""
    written = written_at(frame.f_code, frame.f_lasti)
    try:
        values = [] if written is None else values_of(written.target.value, frame)
    finally:
        forget_snapshot(frame)
    return [each for each in values if type(each) is np.ndarray]


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
        own = variables_of(each)
        names = [name for name, held in each.f_locals.items() if held is arrays[0]]
        places += [Variable(each, name) if name in own else Item(each.f_locals, name) for name in names]
    match node:
        case ast.Name(name) if frame.f_globals.get(name) is arrays[0]:
            places.append(Item(frame.f_globals, name))
        case ast.Attribute(of, name):
            for owner in values_of(of, frame):
                attributes = attributes_of(owner)
                if type(attributes) is dict and attributes.get(name) is arrays[0]:
                    places.append(Item(attributes, name))
                elif (shared := place_in_class(owner, name)) is not None and shared.read() is arrays[0]:
                    places.append(shared)
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


def place_in_class(owner: Any, name: str) -> Attribute | None:
    """Return the place of an attribute that a class has, or an object of its class: where Python finds it."""
    kinds = order_of(owner if issubclass(type(owner), type) else type(owner))
    return next((Attribute(kind, name) for kind in kinds if name in names_of(kind)), None)


def attributes_of(owner: Any) -> Any:
    """Return the dict of an object's attributes; None where it has none."""
    try:
        return object.__getattribute__(owner, "__dict__")
    except (AttributeError, TypeError):
        return None


def surplus_of(places: list[Holder]) -> int:
    """Count the references to an array beyond those of some places."""
    variables = [place for place in places if isinstance(place, Variable)]
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
