"""Arrays of plain NumPy code's that a traced value is written into: `b = DATA.copy(); b[0] = x`, a global, an item.

Nothing tells of such an array until NumPy asks the traced value for a number. By then the running line says which
variable holds the array, and where in it the value goes. Where all that has the array are places of the program, as the
count of references tells (`who_holds.py`), a stand-in takes its place in them, and the write is one like any other.

What can't be told from the text alone, without running any of it again, is not followed. Used by standins.py.
"""

from __future__ import annotations

import ast
import sys
import weakref
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.blank import blank, blank_of
from tracer.buffers import write
from tracer.callee import forget_snapshot, parts_of, seeing, values_of
from tracer.holders import Attribute, Item, names_of, order_of
from tracer.looked_up import UnknownError, index_of, is_numeric, is_settled, named_arrays, view_of
from tracer.memory import on_memory_of, owner_of, owns_its_memory, placed_on
from tracer.references import borrowed
from tracer.rules.kinds import is_complex
from tracer.running import written_at
from tracer.variables import Variable, cells_of, frames_of
from tracer.who_holds import ALONE, holders_of, places_in_variables, surplus_of

if TYPE_CHECKING:
    from types import FrameType

    from tracer.holders import Holder
    from tracer.source import Written
    from tracer.tape import Tape


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
    target = written.target
    try:
        with np.errstate(all="ignore"):  # of whole numbers that went round, NumPy has warned
            index = index_of(target.slice, frame)
    except UnknownError:
        return False
    if not is_settled(written, index, frame):
        return False
    is_flat = isinstance(target.value, ast.Attribute) and target.value.attr == "flat"
    array = target.value.value if is_flat and isinstance(target.value, ast.Attribute) else target.value
    places, by_itself = places_written(array, frame)
    if not places or not _takes(places[0].read(), index, value, written, frame, is_flat=is_flat):
        return False
    with np.errstate(all="ignore"):  # NumPy warns when it does it
        by_itself.update(_by_itself(places[0].read(), index, value.value_, is_flat=is_flat))
        by_itself[id(places[0].read())] -= borrowed(array, frame)
        held = holders_of(places, by_itself, value.tape_, frame)
        if held is None:
            return False
        adopted = Adopted(held, value.tape_)
        if is_flat:
            adopted.stand_in.flat.write(index, value, frame)
        else:
            write(adopted.stand_in, index, value, frame)
    adopted.settle()
    return True


class Adopted:
    """Stand-ins for an array that is written and for all that see its memory, which take their places after the write.

    Where the array outlasts the running functions, they are on its memory, and the program has it back when those end,
    as the object that it was.
    """

    def __init__(self, held: list[list[Holder]], tape: Tape) -> None:
        """Make stand-ins for arrays of one memory, given by their places: first those of the one that is written."""
        self._tape = tape
        self._is_lasting = not all(
            isinstance(each, Variable) and not each.is_shared() for places in held for each in places
        )
        owner = owner_of(held[0][0].read())
        self._whole = blank(on_memory_of(owner) if self._is_lasting else owner, tape)
        # Of each array: its stand-in, itself, its places
        self._held = [(self._stand_in_for(places[0].read()), places[0].read(), places) for places in held]
        if all(array is not owner for _, array, _ in self._held):
            self._held.append((self._whole, owner, []))
        self.stand_in = self._held[0][0]

    def _stand_in_for(self, array: np.ndarray[Any, Any]) -> Any:
        return self._whole if array.base is None else self.part(array)

    def part(self, view: np.ndarray[Any, Any]) -> Any:
        """Return the stand-in for a view of the array."""
        if self._is_lasting:
            placed = placed_on(owner_of(self._whole.value_), view)
            placed.flags.writeable = view.flags.writeable
            view = placed
        return blank_of(view, self._whole)

    def settle(self) -> None:
        """Put the stand-ins where the arrays were."""
        running = self._tape.running
        cells = cells_of(running.function) if running is not None and self._is_lasting else {}
        for stand_in, array, places in self._held:
            if running is not None:
                running.boxes.note_written(stand_in, array, is_lent=self._is_lasting)
            for place in places:
                lasting = cells.get(place.name) if isinstance(place, Variable) else place
                if lasting is not None:
                    self._tape.places.append((lasting, stand_in, array))
                place.write(stand_in)


def _takes(
    array: Any, index: Any, value: Any, written: Written, frame: FrameType, *, is_flat: bool
) -> bool:
    """Tell whether a traced value, asked for its numbers, is all that is written into an array at an index."""
    if not can_be_written(owner_of(array)) or (is_complex(value.value_) and not is_complex(array)):
        return False
    try:
        region = (array.flat if is_flat else array)[index]
    except (IndexError, TypeError, ValueError):
        return False
    if not isinstance(region, np.ndarray):  # of a list of traced values, it may be one of them
        return True
    # As what an operator made of the region is; of a list of such arrays there are more axes than in the region
    if (written.between is not None or region.ndim) and np.shape(value.value_) == region.shape:
        return True
    return written.between is None and written.stored is not None and is_numeric(written.stored, frame)


def name_of_target(frame: FrameType) -> str | None:
    """Return what the running line writes into, as it is written."""
    written = written_at(frame.f_code, frame.f_lasti)
    return None if written is None else ast.unparse(written.target.value)


def arrays_of_target(frame: FrameType) -> list[np.ndarray[Any, Any]]:
    """Return what the running line writes into, as far as it is known."""
    return [each for each in _targets(frame) if type(each) is np.ndarray]


def is_buffer_target(frame: FrameType) -> bool:
    """Tell whether the running line writes into memory of no array's own: a memoryview, an array.array."""
    return any(
        not issubclass(type(each), np.ndarray) or (type(each) is np.ndarray and not owns_its_memory(each))
        for each in _targets(frame)
    )


def _targets(frame: FrameType) -> list[Any]:
    written = written_at(frame.f_code, frame.f_lasti)
    try:
        return [] if written is None else list(values_of(written.target.value, frame))
    finally:
        forget_snapshot(frame)


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
    arrays = named_arrays(node, frame)
    if len(arrays) != 1:
        return []
    node = parts_of(node, frame)[0]
    places = places_in_variables(lambda held: held is arrays[0], frame)
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
                held = [
                    Item(items, each)
                    for each in values_of(key, frame)
                    if type(items) in (dict, list, tuple)
                ]
                places += [each for each in held if each.read() is arrays[0]]
    return places or [Item([arrays[0]], 0)]  # a list of ours: the others are searched for


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


def places_written(node: ast.expr, frame: FrameType) -> tuple[list[Holder], Counter[int]]:
    """Return the places of the array that a line writes into, and what references it has by itself, as `holders_of`.

    There is a list of ours for a view that the line has made anew, `W.T[0] = x`, with another one like it; and none
    where the text does not tell the array.
    """
    places = places_of(node, frame)
    view = None if places else view_of(node, frame)
    return (places, Counter()) if view is None else ([Item([view], 0)], Counter({id(owner_of(view)): 1}))


class Asked:
    """What is written in place of a traced value into the like of an array, and is asked for numbers as that is.

    It counts the references that the write has by itself to an array that only one place has.
    """

    def __init__(self, value: Any, array: np.ndarray[Any, Any]) -> None:
        fresh = np.empty_like(array)
        self.value = value
        self.items = [fresh if array.base is None else fresh[...]]
        self.of_array, self.of_owner = -1, 0

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
        """Count the references to the array when it is asked for the first time; of a view, to its owner, too."""
        if self.of_array < 0:
            self.of_array = surplus_of([Item(self.items, 0)]) - ALONE
            if self.items[0].base is not None:
                self.of_owner = sys.getrefcount(self.items[0].base) - 1 - ALONE

    def counted(self, array: np.ndarray[Any, Any]) -> dict[int, int]:
        """Return what has been counted as that of an array, by identity."""
        return {id(owner_of(array)): self.of_owner, id(array): self.of_array}


def _by_itself(array: np.ndarray[Any, Any], index: Any, value: Any, *, is_flat: bool) -> dict[int, int]:
    """Count the references that a write at the same index has by itself: see `Asked`."""
    asked = Asked(value, array)
    if is_flat:
        asked.items[0].flat[index] = asked
    else:
        asked.items[0][index] = asked
    return asked.counted(array)
