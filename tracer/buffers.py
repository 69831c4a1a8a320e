"""Writing into arrays in place: `a[i] = x`, `a += b`, `out=`, and what else sees the same memory.

A record is never changed. A write makes a new record, and the stand-in moves on to it. Before the first write into
some memory, the stand-ins that look at it move to memory of their own, which no record holds; from then on what a
view gives to the tape is a copy. After a write, every other living stand-in that sees the memory moves on, too.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.errors import UnsupportedError
from tracer.memory import overlaps_itself, owner_of, shared
from tracer.rules.edited import Edited, whole
from tracer.rules.kinds import is_complex
from tracer.standins import (
    NO_RECORD,
    STORES,
    Traced,
    holds_traced,
    is_traced,
    open_tape,
    plain,
    plain_deep,
    record_call,
    wrap,
)
from tracer.tape import AUXILIARY, WIDTH, Family, Tape, place

if TYPE_CHECKING:
    from types import FrameType

_VALUE = 3  # place of the value in a record
_FEWEST = 64  # writes between two full copies of an array, at least


def note_view(view: Any, operands: tuple[Any, ...], index: Any = None) -> None:
    """Remember that a result looks at the memory of an operand; `index` where it was taken by indexing."""
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
        for each in (view, operand):
            # Last, also where one that is gone had the same identity: the order is that of the program alone.
            family.members.pop(id(each), None)
            family.members[id(each)] = weakref.ref(each)
        if index is not None:
            family.links[id(view)] = (weakref.ref(view), weakref.ref(operand), index)
        if family.is_private and is_traced(view):
            view.tape_.records[view.id_ + _VALUE] = view.value_.copy()


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


def forget_link(view: Any) -> None:
    """Forget by which index a view was taken, where its shape is another one now: the addresses tell what it sees."""
    family = _family(view)
    if family is not None:
        family.links.pop(id(view), None)


def write(array: Any, index: Any, value: Any, frame: FrameType) -> None:
    """Do `array[index] = value` and record it, also for every living stand-in that sees the memory.

    Raises what NumPy raises, and UnsupportedError where the memory is shared in a way that can't be followed.
    """
    tape = array.tape_
    if frame is not tape.frame:
        tape.refuse_write_elsewhere(frame)
    index, plain_value = copied(plain_deep(index)), plain_deep(value)
    if open_tape((value,), frame) not in (None, tape):
        raise UnsupportedError(
            "a value of one trace is written into an array of another",
            where=place(frame),
            advice="pass the value in as an argument of the traced function",
        )
    if is_traced(value) and value.tape_ is not tape:
        value = plain_value
    if not tape.is_open or not array.value_.flags.writeable:
        array.value_[index] = plain_value
        return
    if is_traced(value) and _is_there_already(array, index, value):
        return
    _refuse_shared(array, frame)
    others = _others(array)
    if not (holds_traced(value) or is_traced(array) or any(map(is_traced, others))):
        array.value_[index] = plain_value
        return
    _refuse_overlapping(array, frame)
    if type(value) in (list, tuple):
        _refuse_parts_of_itself(array.value_[index], value, frame)
    _own_memory(array, others, frame)
    region = array.value_[index]
    seen = (
        region
        if isinstance(region, np.ndarray) and np.may_share_memory(region, array.value_)
        else array.value_
    )
    others = [other for other in others if np.may_share_memory(other.value_, seen)]
    before = [_before(stand_in) for stand_in in (array, *others)]
    array.value_[index] = plain_value
    # Else plain numbers were written where only another stand-in is traced.
    if is_traced(array) or holds_traced(value):
        operand = fitted(value, np.shape(region), array.value_.dtype, frame)
        _record_write(array, before[0], index, operand, frame, flag=0)
    for other, old in zip(others, before[1:], strict=True):
        _follow(other, old, array, frame)


def replace(array: Any, made: Any, frame: FrameType) -> Any:
    """Do `array += …`, whose result `made` has been recorded, and return the array, moved on to it."""
    _refuse_shared(array, frame)
    _refuse_overlapping(array, frame)
    others = _others(array)
    if not others and is_traced(array):
        # Nobody else looks: the array goes on with the memory of the result.
        array.value_, array.id_ = made.value_, made.id_
        return array
    _own_memory(array, others, frame)
    others = [other for other in others if np.may_share_memory(other.value_, array.value_)]
    before = [_before(other) for other in others]
    array.value_[...] = made.value_
    _move_on(array, made.id_)
    for other, old in zip(others, before, strict=True):
        _follow(other, old, array, frame)
    return array


def _refuse_shared(array: Any, frame: FrameType) -> None:
    if array.id_ in array.tape_.shared_inputs:
        raise UnsupportedError(
            "an in-place write into an argument that shares its memory with another argument is not followed",
            where=place(frame),
            advice="write a = a + b instead of a += b, or pass a copy",
        )


def _refuse_overlapping(array: Any, frame: FrameType) -> None:
    if type(array.value_) is np.ndarray and overlaps_itself(array.value_):
        raise UnsupportedError(
            "an in-place write through a view whose elements share memory with each other is not followed",
            where=place(frame),
            got=f"an array of shape {array.value_.shape} and strides {array.value_.strides}",
            advice="write into the array that it is a view of, or take a copy first",
        )


def _refuse_parts_of_itself(region: Any, values: Any, frame: FrameType) -> None:
    """Refuse `a[:] = [a[1], a[0]]` of rows: NumPy copies them one by one, the last ones after they were overwritten."""
    for each in values:
        if type(each) in (list, tuple):
            _refuse_parts_of_itself(region, each, frame)
        elif type(plain(each)) is np.ndarray and np.may_share_memory(plain(each), region):
            raise UnsupportedError(
                "a list of parts of an array is written into the same array, some after they are overwritten",
                where=place(frame),
                advice="write a[:] = np.array([…]) of the parts",
            )


def refuse_swap_in_c(array: Any, part: Any, frame: FrameType) -> None:
    """Refuse `array[i] = part` by code in C, where the part is a view: it swaps rows (np.random's shuffle).

    For a real array that code keeps a copy of the row; for anything else it swaps views, which are overwritten.
    """
    is_written_by_the_user = frame.f_code.co_code[frame.f_lasti] in STORES
    if not is_written_by_the_user and owner_of(array.value_) is owner_of(part.value_):
        raise UnsupportedError(
            "code in C writes parts of a traced array to other places of it, as np.random's shuffle does",
            where=place(frame),
            advice="choose the order first: a = a[rng.permutation(len(a))]",
        )


def _is_there_already(array: Any, index: Any, value: Any) -> bool:
    """Tell whether `a[i] += x` has done its work: Python writes the view that it changed back to its place."""
    if type(value.value_) is not np.ndarray or owner_of(value.value_) is not owner_of(array.value_):
        return False
    region = array.value_[index]
    return (
        type(region) is np.ndarray
        and region.__array_interface__["data"] == value.value_.__array_interface__["data"]
        and (region.shape, region.strides) == (value.value_.shape, value.value_.strides)
    )


def _members(*stand_ins: Any) -> dict[int, Any]:
    """Return stand-ins as the members of a family: known by identity, and let go of when the program does."""
    return {id(each): weakref.ref(each) for each in stand_ins}


def _family(array: Any) -> Family | None:
    family: Family | None = array.tape_.families.get(id(owner_of(array.value_)))
    return family


def _others(array: Any) -> list[Any]:
    """Return the living stand-ins that see some memory of an array, but itself."""
    family = _family(array)
    if family is None:
        return []
    living = {
        id(each): each for each in (member() for member in family.members.values()) if each is not None
    }
    living.pop(id(array), None)
    owner = family.owner
    found = [each for each in living.values() if owner_of(each.value_) is owner]
    family.members = _members(array, *found)
    family.links = {key: link for key, link in family.links.items() if key in living or key == id(array)}
    return found


def _own_memory(array: Any, others: list[Any], frame: FrameType) -> None:
    """Before the first write: move an array, and who sees its memory, to memory that no record holds."""
    tape = array.tape_
    family = _family(array)
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
    if not others:
        array.value_ = array.value_.copy(order="K")
        owner = owner_of(array.value_)
        tape.families[id(owner)] = Family(owner, is_private=True, members=_members(array))
        return
    assert family is not None
    owner = family.owner
    memory = np.empty(owner.nbytes, np.uint8)
    start = owner.__array_interface__["data"][0]
    links = family.links
    for each in (owner, array, *others):
        seen = each if each is owner else each.value_
        try:
            moved: np.ndarray[Any, Any] = np.ndarray(
                seen.shape, seen.dtype, memory, seen.__array_interface__["data"][0] - start, seen.strides
            )
        except (ValueError, TypeError):
            raise UnsupportedError(
                "an in-place write through a view is not followed here",
                where=place(frame),
                got=f"the memory of an array of shape {owner.shape} has gaps",
                advice="write a = a + b instead of a += b, or take a copy first",
            ) from None
        if each is owner:
            moved[...] = owner
        else:
            moved.flags.writeable = seen.flags.writeable
            each.value_ = moved
    members = _members(array, *others)
    tape.families[id(memory)] = Family(memory, is_private=True, members=members, links=links)


def _before(stand_in: Any) -> Any:
    """Return what an array is before a write: what its record holds, or a copy where it has no record."""
    if is_traced(stand_in):
        return stand_in.tape_.records[stand_in.id_ + _VALUE]
    return stand_in.value_.copy(order="K")


def fitted(value: Any, shape: tuple[int, ...], dtype: Any, frame: FrameType) -> Any:
    """Return the value to be written in the shape of the part that it is written to, each step on record."""
    if type(value) in (list, tuple):
        from tracer.numpy_calls import array_of  # noqa: PLC0415  (which is made of this room)

        value = array_of(value, frame) if holds_traced(value) else np.array(plain_deep(value), dtype)
    if not is_traced(value):
        return value
    if is_complex(value.value_) and dtype.kind == "f":  # NumPy has warned that it keeps the real part alone
        value = record_call("real", (value,), np.array(np.real(value.value_))[()], None, frame, AUXILIARY)
    seen = np.asarray(value.value_)
    if seen.ndim > len(shape):
        seen = seen.reshape(seen.shape[seen.ndim - len(shape) :])
        value = record_call("reshape", (value,), seen, {}, frame, AUXILIARY)
    if seen.shape != shape:
        stretched = np.broadcast_to(seen, shape).copy()
        value = record_call("broadcast_to", (value,), stretched, {}, frame, AUXILIARY)
    return value


def _record_write(array: Any, before: Any, index: Any, value: Any, frame: FrameType, flag: int) -> None:
    """Record `array[index] = value` and move the array on to it."""
    tape: Tape = array.tape_
    if is_traced(value):
        operand, constant, written = value.id_, None, tape.records[value.id_ + _VALUE]
    else:
        value = plain(value)
        constant = written = np.array(value, array.value_.dtype) if np.ndim(value) else value
        operand = None
    old = array.id_ if is_traced(array) else None
    edited: Any = Edited(before, index, written)
    if _steps(tape, array) >= max(_FEWEST, edited.size // 8):
        edited = array.value_.copy()
        tape.writes[id(array)] = 0
    constants = (None if old is not None else before, constant)
    position = tape.append("setitem", (old, operand), constants, edited, frame, {"index": index}, flag)
    _move_on(array, position)


def _steps(tape: Tape, array: Any) -> int:
    """Count the writes into an array since it was last kept in full."""
    count = tape.writes[id(array)] = tape.writes.get(id(array), 0) + 1
    return count


def _move_on(array: Any, position: int) -> None:
    """Give a stand-in its next record. One that had none becomes a traced array."""
    array.id_ = position
    if type(array) is not Traced.stand_ins["array"]:
        # The class of a stand-in answers as the plain value's does, so it is set past it.
        vars(object)["__class__"].__set__(array, Traced.stand_ins["array"])


def _follow(other: Any, before: Any, array: Any, frame: FrameType) -> None:
    """Move `other` on, after a write into `array`, whose memory it sees; what that takes is noted as followed."""
    if not (is_traced(array) or is_traced(other)):
        return
    tape: Tape = array.tape_
    first = len(tape.records)
    if is_complex(other.value_) != is_complex(array.value_):
        _follow_part(other, before, array, frame)
    else:
        _take_over(other, before, array, _overlap(other, array), frame)
    tape.followed += range(first, len(tape.records), WIDTH)


def _follow_part(other: Any, before: Any, array: Any, frame: FrameType) -> None:
    """Move `other` on, where one of the two is complex and the other sees its real or imaginary part."""
    whole_array, part = (array, other) if is_complex(array.value_) else (other, array)
    is_real = shared(part.value_, whole_array.value_.real)[1] is not None
    name = "real" if is_real else "imag"
    seen = getattr(whole_array.value_, name)
    if whole_array is array:
        source = _stand_in(record_call(name, (array,), seen.copy(), None, frame, AUXILIARY), array.tape_)
        _take_over(other, before, source, shared(other.value_, seen), frame)
        return
    before = whole(before)
    old = wrap(other.tape_, other.id_, before)
    old_part = getattr(before, name).copy()
    changed = _stand_in(record_call(name, (old,), old_part, None, frame, AUXILIARY), other.tape_)
    changed.value_ = seen.copy()
    _take_over(changed, old_part, array, shared(seen, array.value_), frame)
    made = record_call(f"with_{name}", (old, changed), other.value_.copy(), None, frame, AUXILIARY)
    if is_traced(made):
        _move_on(other, made.id_)


def _stand_in(value: Any, tape: Tape) -> Any:
    """Return a stand-in for an array, without a record where it is plain."""
    return value if is_traced(value) else wrap(tape, NO_RECORD, value)


def _take_over(other: Any, before: Any, array: Any, overlap: tuple[Any, Any], frame: FrameType) -> None:
    """Record that `other` has what was written into `array`, where both see it."""
    in_other, in_array = overlap
    if in_array is None:
        return
    if in_other is ...:
        if not is_traced(array):
            # Plain numbers were written, and all of `other` is plain again: as a write of constants.
            _record_write(other, before, ..., other.value_.copy(), frame, AUXILIARY)
            return
        taken = np.array(array.value_[in_array])
        made = record_call("getitem", (array,), taken, {"index": in_array}, frame, AUXILIARY)
        _move_on(other, fitted(made, other.value_.shape, other.value_.dtype, frame).id_)
        return
    part = array
    if not is_traced(array):
        part = array.value_.copy() if in_array is ... else array.value_[in_array]
    elif in_array is not ...:
        part = record_call(
            "getitem", (array,), array.value_[in_array].copy(), {"index": in_array}, frame, AUXILIARY
        )
        part = fitted(part, np.shape(other.value_[in_other]), other.value_.dtype, frame)
    _record_write(other, before, in_other, part, frame, AUXILIARY)


def _overlap(other: Any, array: Any) -> tuple[Any, Any]:
    """Return where in `other`, and where in `array`, is what both see: `...` for everywhere, None for nowhere."""
    family = _family(array)
    for view, parent in ((array, other), (other, array)):
        link = family.links.get(id(view)) if family else None
        is_linked = link is not None and link[0]() is view and link[1]() is parent
        # What is written into a part of windows that overlap is seen by other parts, too.
        if link is not None and is_linked and not overlaps_itself(parent.value_):
            return (link[2], ...) if view is array else (..., link[2])
    return shared(other.value_, array.value_)


def copied(index: Any) -> Any:
    """Copy the arrays of an index: what is changed in place after its use must not corrupt a gradient."""
    if type(index) is tuple:
        return tuple(map(copied, index))
    if type(index) is list:
        return np.array(index) if index else index
    return index.copy() if type(index) is np.ndarray else index
