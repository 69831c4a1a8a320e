"""Writing into arrays in place: `a[i] = x`, `a += b`, `out=`, and what else sees the same memory.

A record is never changed. A write makes a new record, of the stand-in that sees all of the memory (`families.py`), and
it moves on to that. Before the first write into some memory, the stand-ins that look at it move to memory of their own,
which no record holds. After a write, every other living stand-in that sees the place looks at it again.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from operator import methodcaller
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.elements import (
    differs_in_place,
    may_read_what_it_overwrites,
    overlaps_itself,
    places,
    shared,
    way_to,
)
from tracer.errors import UnsupportedError
from tracer.families import is_argument, kept_view, others_of, own_memory, root_of, seen_at, way_of
from tracer.frames import place
from tracer.instructions import ITEM_STORES
from tracer.memory import is_lent, owner_of
from tracer.other_threads import has_written_elsewhere
from tracer.rules.edited import Edited, may_copy, whole
from tracer.rules.kinds import is_complex
from tracer.running import written_at
from tracer.standins import (
    NO_RECORD,
    Traced,
    holds_traced,
    is_traced,
    open_tape,
    plain,
    plain_deep,
    record_call,
    wrap,
)
from tracer.tape import AUXILIARY, VALUE, Tape

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

_FEWEST = 64  # writes between two full copies of an array, at least


def write(array: Any, index: Any, value: Any, frame: FrameType) -> None:
    """Do `array[index] = value` and record it, also for every living stand-in that sees the memory.

    Raises what NumPy raises, and UnsupportedError where the memory is shared in a way that can't be followed.
    """
    tape = array.tape_
    index, plain_value = copied(plain_deep(index)), plain_deep(value)
    if frame is not tape.frame and has_written_elsewhere(
        array, lambda into: into.__setitem__(index, plain_value), frame
    ):
        return
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
    others = others_of(array, index)
    is_followed = holds_traced(value) or is_traced(array) or any(map(is_traced, others))
    if not is_followed or array.value_.size == 0:
        array.value_[index] = plain_value
        return
    _refuse_overlapping(array, frame)
    if type(value) in (list, tuple):
        _refuse_parts_of_itself(array.value_[index], value, frame)
    elif type(plain_value) is np.ndarray and may_read_what_it_overwrites(array.value_, index, plain_value):
        refuse_overwritten(
            array.value_, plain_value, lambda into, part: into.__setitem__(index, part), frame
        )
    own_memory(array, others, frame)
    region = array.value_[index]
    root = root_of(array, others)
    if others:
        seen = seen_at(array.value_, index)
        others = [other for other in others if other is root or np.may_share_memory(other.value_, seen)]
    if root is not None and root is not array and (is_traced(root) or holds_traced(value)):
        at = _place_in(root, array, index, region)
        if at is not None:
            _write_into_root(root, at, (array, index, value, np.shape(region)), others, frame)
            return
    before = [_before(stand_in) for stand_in in (array, *others)]
    array.value_[index] = plain_value
    # Else plain numbers were written where only another stand-in is traced.
    if is_traced(array) or holds_traced(value):
        operand = fitted(value, np.shape(region), array.value_.dtype, frame)
        _record_write(array, before[0], index, operand, frame, flag=0)
    for other, old in zip(others, before[1:], strict=True):
        _follow(other, old, array, frame)


def _place_in(root: Any, array: Any, index: Any, region: Any) -> Any:
    """Return by which index of the root `array[index]` is written; None where there is none."""
    if is_complex(root.value_) != is_complex(array.value_) or not root.value_.ndim:
        return None
    if type(region) is not np.ndarray and not may_copy(index):
        region = array.value_[(*index, ...) if type(index) is tuple else (index, ...)]
    if (
        type(region) is np.ndarray
        and region.base is not None
        and owner_of(region) is owner_of(array.value_)
    ):
        steps = way_to(region, root.value_) if region.ndim else None
        if steps is not None and len(steps) == 1 and steps[0][0] == "getitem":
            at = steps[0][1]
        else:
            at = places(region, root.value_)
    else:
        numbers = np.arange(array.value_.size).reshape(array.value_.shape)[index]
        found = places(array.value_, root.value_)
        at = None if found is None else tuple(np.ravel(each)[numbers] for each in found)
    return at[0] if at is not None and len(at) == 1 else at


def _write_into_root(
    root: Any, at: Any, written: tuple[Any, Any, Any, tuple[int, ...]], others: list[Any], frame: FrameType
) -> None:
    """Do the write through a view, and record it as one into the root, which all others look at."""
    array, index, value, shape = written
    before = _before(root)
    array.value_[index] = plain_deep(value)
    operand = fitted(value, shape, array.value_.dtype, frame)
    has_name = not _is_of_a_part(frame.f_code, frame.f_lasti)
    _record_write(root, before, at, operand, frame, AUXILIARY if has_name else 0)
    first = len(root.tape_.records)
    look_again(array, root, frame, 0 if has_name else AUXILIARY)
    for other in others:
        if other is not root:
            look_again(other, root, frame)
    root.tape_.note_followed(first)


@lru_cache(maxsize=512)
def _is_of_a_part(code: CodeType, offset: int) -> bool:
    """Tell of `a[1:][i] = x` that it is `a` which is given another value; in `row[i] = x` it is the view."""
    written = written_at(code, offset)
    return written is not None and isinstance(written.target.value, ast.Subscript)


def look_again(view: Any, root: Any, frame: FrameType, flag: int = AUXILIARY) -> None:
    """Move a view on to what it shows of the root now."""
    tape, made, value = root.tape_, root, root.value_
    way = way_of(view, root)
    for number, (name, params, seen) in enumerate(way, 1):
        before = tape.records[made.id_ + VALUE]
        value = seen(value) if isinstance(seen, methodcaller) else value[seen]
        last = flag if number == len(way) else AUXILIARY
        made = record_call(name, (made,), value, params, frame, last)
        tape.records[made.id_ + VALUE] = kept_view(before, seen, value)
    _move_on(view, made.id_)


def replace(array: Any, made: Any, frame: FrameType) -> Any:
    """Do `array += …`, whose result `made` has been recorded, and return the array, moved on to it."""
    _refuse_overlapping(array, frame)
    if array.value_.size == 0:
        return array
    others = others_of(array)
    if not others and is_traced(array) and not is_argument(array):
        if is_lent(array.value_):
            array.value_[...], array.id_ = made.value_, made.id_
            return array
        if array.value_.flags.forc:
            # Nobody else looks: the array goes on with the memory of the result.
            array.value_, array.id_ = made.value_, made.id_
            return array
    own_memory(array, others, frame)
    root = root_of(array, others)
    others = [other for other in others if other is root or np.may_share_memory(other.value_, array.value_)]
    before = [_before(other) for other in others]
    array.value_[...] = made.value_
    _move_on(array, made.id_)
    if root is not None and root is not array:  # first, as the others look at it
        turns = sorted(range(len(others)), key=lambda turn: others[turn] is not root)
        others, before = [others[turn] for turn in turns], [before[turn] for turn in turns]
        _follow(others.pop(0), before.pop(0), array, frame)
    for other, old in zip(others, before, strict=True):
        _follow(other, old, array if root is None else root, frame)
    return array


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


def refuse_overwritten(array: Any, value: Any, write: Callable[[Any, Any], Any], frame: FrameType) -> None:
    """Refuse a plain write of a part of an array into itself, in which NumPy reads what it has overwritten by then."""
    if differs_in_place(array, value, write):
        raise UnsupportedError(
            "parts of an array are written into the same array, some after they are overwritten",
            where=place(frame),
            advice="write a[i] = a[j].copy()",
        )


def refuse_swap_in_c(array: Any, part: Any, frame: FrameType) -> None:
    """Refuse `array[i] = part` by code in C, where the part is a view: it swaps rows (np.random's shuffle).

    For a real array that code keeps a copy of the row; for anything else it swaps views, which are overwritten.
    """
    is_written_by_the_user = frame.f_code.co_code[frame.f_lasti] in ITEM_STORES
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


def _before(stand_in: Any) -> Any:
    """Return what an array is before a write: what its record holds, or a copy where it has no record."""
    if is_traced(stand_in):
        return stand_in.tape_.records[stand_in.id_ + VALUE]
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
        operand, constant, written = value.id_, None, tape.records[value.id_ + VALUE]
    else:
        value = plain(value)
        if type(value) is np.ndarray:
            tape.meet(value)
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
    elif is_traced(array) and array.value_.nbytes == owner_of(array.value_).nbytes:
        look_again(other, array, frame)
    else:
        _take_over(other, before, array, shared(other.value_, array.value_), frame)
    tape.note_followed(first)


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


def copied(index: Any) -> Any:
    """Copy the arrays of an index: what is changed in place after its use must not corrupt a gradient."""
    if type(index) is tuple:
        return tuple(map(copied, index))
    if type(index) is list:
        return np.array(index) if index else index
    return index.copy() if type(index) is np.ndarray else index
