"""The stand-ins that see some memory: which are alive, which of them sees all of it, and when it is the program's own.

A view shows what another array holds. Of several stand-ins that see one memory, one that sees all of it is the root:
what is written through any of them is recorded there (`buffers.py`), and all others look at it.
"""

from __future__ import annotations

import weakref
from operator import methodcaller
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tracer.elements import overlaps_itself, placed_alike, shared, way_to
from tracer.errors import UnsupportedError
from tracer.frames import place
from tracer.members import Members
from tracer.memory import address_of, laid_out_copy, on_memory_of, owner_of
from tracer.operations import OP_NUMBERS
from tracer.rules.edited import may_copy, view_of
from tracer.standins import Traced, is_traced
from tracer.tape import VALUE

if TYPE_CHECKING:
    from types import FrameType

Step: TypeAlias = tuple[str, dict[str, Any], Any]
"""An operation that gives a view, its params, and what makes the view: an index, or a method."""

_OPERATION, _LEFT, _PARAMS = 0, 1, 2  # places in a record of one operand
_ONE_TRACED = 1  # the mask of such a record
_SMALL = 64  # elements that are sooner copied than looked up
_INPUT = OP_NUMBERS["input"] << 2
_GETITEM, _TRANSPOSE, _RESHAPE = (OP_NUMBERS[name] for name in ("getitem", "transpose", "reshape"))


class Family:
    """The stand-ins that see some memory."""

    __slots__ = ("is_exposed", "is_private", "members", "owner", "raw", "root", "ways")

    def __init__(
        self, owner: np.ndarray[Any, Any], *, is_private: bool, members: Members | None = None
    ) -> None:
        self.owner = owner
        self.is_private = is_private  # no record holds the memory, so the program may write into it
        self.members = Members() if members is None else members
        self.root: Any = None  # a weak reference to a member that sees all of the memory
        # By identity of a view: the view and the root (weakly), and how it is taken of that one.
        self.ways: dict[int, tuple[Any, Any, list[Step]]] = {}
        self.is_exposed = False  # the program holds the memory as something that no stand-in sees
        self.raw: list[Any] = []  # the same, as long as one of these lives: weak references


def note_view(view: Any, operands: tuple[Any, ...]) -> None:
    """Remember that a result looks at the memory of an operand."""
    owner = owner_of(view.value_)
    for operand in operands:
        if not issubclass(type(operand), Traced) or type(operand.value_) is not np.ndarray:
            continue
        if owner_of(operand.value_) is not owner:
            continue
        family = view.tape_.families.get(id(owner))
        if family is None:
            # What is no record's yet is the program's own memory: no record holds it.
            family = view.tape_.families[id(owner)] = Family(owner, is_private=not is_traced(operand))
            family.root = weakref.ref(operand) if _sees_all(operand, owner) else None
        for each in (view, operand):
            family.members.put(each)
        if family.is_private and is_traced(view):
            view.tape_.records[view.id_ + VALUE] = _as_recorded(view, operand)


def _as_recorded(view: Any, operand: Any) -> Any:
    """Return what a view of memory that will change is now."""
    records = view.tape_.records
    code, source, params, *_ = records[view.id_ : view.id_ + VALUE]
    if view.value_.size <= _SMALL or code & 3 != _ONE_TRACED or source != operand.id_:
        return view.value_.copy()
    operation, params = code >> 2, params or {}
    if operation == _GETITEM and not may_copy(params["index"]):
        seen = params["index"]
    elif operation == _TRANSPOSE:
        seen = methodcaller("transpose", params.get("axes"))
    elif operation == _RESHAPE and params.get("order") != "F":
        seen = methodcaller("reshape", view.value_.shape)
    else:
        return view.value_.copy()
    return kept_view(records[source + VALUE], seen, view.value_)


def kept_view(before: Any, seen: Any, value: np.ndarray[Any, Any]) -> Any:
    """Return the `value` of a view as a record keeps it, by what it shows of what another record keeps."""
    return value.copy() if value.size <= _SMALL else view_of(before, seen, value.shape)


def expose(array: Any, raw: Any = None) -> None:
    """Note that an array without a record handed out its memory in a way that writes can't be seen through.

    Where that is a `raw` array whose base is the stand-in, it holds as long as the array lives: its views keep it.
    """
    owner = owner_of(array.value_)
    family = array.tape_.families.setdefault(id(owner), Family(owner, is_private=True))
    if raw is None:
        family.is_exposed = True
    else:
        family.raw = [each for each in family.raw if each() is not None] + [weakref.ref(raw)]


def forget_ways(array: Any) -> None:
    """Forget how views are taken of an array whose shape is another one now: the addresses tell what they see."""
    family = family_of(array)
    if family is not None:
        family.ways.clear()


def family_of(array: Any) -> Family | None:
    """Return the family of an array that others may see, too."""
    family: Family | None = array.tape_.families.get(id(owner_of(array.value_)))
    return family


def others_of(array: Any, index: Any = ...) -> list[Any]:
    """Return the living stand-ins, but itself, that see some of what an array has at an index, and their root.

    All that see some of its memory, where that is to be moved.
    """
    family = family_of(array)
    if family is None or family.members.are_only(array):
        return []
    owner = family.owner
    if not family.is_private:
        found = family.members.all()
    else:
        found = family.members.between(seen_at(array.value_, index))
        root = family.root() if family.root is not None else None
        if root is not None and not any(each is root for each in found):
            found.append(root)
    return [each for each in found if each is not array and owner_of(each.value_) is owner]


def seen_at(array: np.ndarray[Any, Any], index: Any) -> np.ndarray[Any, Any]:
    """Return the view of an array that an index takes, also of one element; the array, where the index copies."""
    region = array[index]
    if not isinstance(region, np.ndarray) and not may_copy(index):
        region = array[(*index, ...) if type(index) is tuple else (index, ...)]
    is_view = isinstance(region, np.ndarray) and owner_of(region) is owner_of(array)
    return region if is_view else array


def root_of(array: Any, others: list[Any]) -> Any:
    """Return the stand-in that sees all memory of an array and of what else sees it; None where none does."""
    family = family_of(array)
    if family is None or not others or not array.value_.size:
        return array
    root = family.root() if family.root is not None else None
    if root is None or not _sees_all(root, family.owner):
        root = next((each for each in (*others, array) if _sees_all(each, family.owner)), None)
        family.root = weakref.ref(root) if root is not None else None
        family.ways.clear()
    return root


def _sees_all(stand_in: Any, owner: Any) -> bool:
    value = stand_in.value_
    return owner_of(value) is owner and value.nbytes == owner.nbytes and not overlaps_itself(value)


def way_of(view: Any, root: Any) -> list[Step]:
    """Return by which operations a stand-in's array is taken of the root's."""
    family = family_of(root)
    assert family is not None
    known = family.ways.get(id(view))
    if known is not None and known[0]() is view and known[1]() is root:
        return known[2]
    found = way_to(view.value_, root.value_)
    if found is None:
        way: list[Step] = [_by_places(view.value_, root.value_)]
    else:
        way = [
            ("getitem", {"index": given}, given)
            if name == "getitem"
            else (name, {"axes": given} if name == "transpose" else {}, methodcaller(name, given))
            for name, given in found
        ]
    family.ways[id(view)] = (weakref.ref(view), weakref.ref(root), way)
    return way


def _by_places(view: np.ndarray[Any, Any], root: np.ndarray[Any, Any]) -> Step:
    """Return the step that takes a view element by element."""
    index = shared(view, root)[1]
    return "getitem", {"index": index}, index


def own_memory(array: Any, others: list[Any], frame: FrameType) -> None:
    """Before the first write: move an array, and who sees its memory, to memory that no record holds.

    That of an argument is the caller's, and `others` become more where the program has views of it.
    Raises UnsupportedError where the program has the memory in hand as raw numbers, too.
    """
    tape = array.tape_
    family = family_of(array)
    if not is_traced(array) and family is None:
        owner = owner_of(array.value_)
        tape.families[id(owner)] = Family(owner, is_private=True)
        return
    if family is not None and family.is_private:
        if family.is_exposed or any(each() is not None for each in family.raw):
            raise UnsupportedError(
                "a traced value is written into memory that the program has in hand as raw numbers, too",
                where=place(frame),
                got="by .data, .ctypes, a view of another type, or a library that keeps it",
                advice="ask for them after the last write, or of a copy",
            )
        return
    argument = next(filter(is_argument, (array, *others)), None)
    lender = None if argument is None else tape.lender_of(argument, frame)
    if lender is not None:
        others[:] = others_of(array)  # those of other ways to it, too
        family = family_of(array)
        memory = _lent(lender[0], lender[1], (array, *others), frame)
    elif not others:
        array.value_ = laid_out_copy(array.value_)
        owner = owner_of(array.value_)
        tape.families[id(owner)] = Family(owner, is_private=True, members=Members(array))
        return
    else:
        assert family is not None
        memory = _moved(family.owner, (array, *others), frame)
    moved = tape.families[id(memory)] = Family(memory, is_private=True, members=Members(array, *others))
    if family is not None:
        moved.root, moved.ways = family.root, family.ways


def is_argument(array: Any) -> bool:
    """Tell whether an array is an input that nothing has been written into."""
    return is_traced(array) and array.tape_.records[array.id_] == _INPUT


def _lent(
    argument: Any, callers: np.ndarray[Any, Any], stand_ins: tuple[Any, ...], frame: FrameType
) -> Any:
    """Give stand-ins that share the memory of an argument that of the caller's array instead; return it."""
    whole, before = on_memory_of(callers), argument.value_
    memory = owner_of(whole)
    has_its_layout = all(
        length == 1 or ours == theirs
        for length, ours, theirs in zip(before.shape, before.strides, callers.strides, strict=True)
    )
    for each in stand_ins:
        seen, moved = each.value_, whole.view()
        if each is not argument:
            at = address_of(callers) + address_of(seen) - address_of(before)
            found = (at, seen.strides) if has_its_layout else placed_alike(seen, before, callers)
            if found is None:
                raise _gaps_refused(callers, frame)
            moved = np.ndarray(seen.shape, seen.dtype, memory, found[0] - address_of(memory), found[1])
        moved.flags.writeable = seen.flags.writeable
        each.value_ = moved
    return memory


def _gaps_refused(array: np.ndarray[Any, Any], frame: FrameType) -> UnsupportedError:
    return UnsupportedError(
        "an in-place write through a view is not followed here",
        where=place(frame),
        got=f"the memory of an array of shape {array.shape} has gaps",
        advice="write a = a + b instead of a += b, or take a copy first",
    )


def _moved(owner: np.ndarray[Any, Any], stand_ins: tuple[Any, ...], frame: FrameType) -> Any:
    """Give stand-ins new memory, which they share as they share that of the owner; return it."""
    memory = np.empty(owner.nbytes, np.uint8)
    start = owner.__array_interface__["data"][0]
    for each in (None, *stand_ins):
        seen = owner if each is None else each.value_
        try:
            moved: np.ndarray[Any, Any] = np.ndarray(
                seen.shape, seen.dtype, memory, seen.__array_interface__["data"][0] - start, seen.strides
            )
        except (ValueError, TypeError):
            raise _gaps_refused(owner, frame) from None
        if each is None:
            moved[...] = owner
        else:
            moved.flags.writeable = seen.flags.writeable
            each.value_ = moved
    return memory
