"""NumPy calls that may write into an array: `np.add.at`; those of `into_out.py` and `writing_calls.py` are led there.

Each is a plain NumPy call whose result is then written by `buffers.write`, which records it.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer import into_out, numpy_calls
from tracer.array_likes import USUAL, arrays_in, takes_ufuncs
from tracer.buffers import copied, fitted, replace, write
from tracer.by_place import by_place, names_with_out
from tracer.callables import CALLING_FUNCTIONS
from tracer.cuts import FOREIGN, MADE_IN_TRACE, cut
from tracer.errors import UnsupportedError
from tracer.families import forget_ways, is_argument, note_view, others_of, own_memory
from tracer.frames import place
from tracer.into_out import call_into
from tracer.numpy_calls import arrays_of, call_function, getitem
from tracer.other_threads import has_written_elsewhere
from tracer.refused import refuse
from tracer.rules.edited import may_repeat
from tracer.rules.kinds import is_complex
from tracer.second_ways import refuse_written_otherwise
from tracer.standins import Traced, is_traced, open_tape, plain_deep, record_call, traced_in
from tracer.ufunc_calls import call_ufunc, chosen_by
from tracer.writing_calls import WRITING_FUNCTIONS, adopted_first, call_writing, writes_in_place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_OF_CALLERS = {id(vars(each)) for each in (numpy_calls, into_out)}  # who call NumPy with plain values
_AT_RULES = {np.add: "add_at", np.subtract: "subtract_at"}


def call_any(
    function: Any,
    args: tuple[Any, ...],
    options: dict[str, Any],
    frame: FrameType,
    compute: Callable[..., Any] | None = None,
) -> Any:
    """Do a call of a NumPy function that may write: into its first argument, into `out`, or nowhere.

    A method gives its own way to `compute` the value from the arguments but the first.
    """
    if id(frame.f_globals) in _OF_CALLERS:
        raise _HeldElsewhereError
    if options and compute is None:
        args, options = by_place(function, args, options)
    args = arrays_in(args)
    if function in WRITING_FUNCTIONS and (
        function is not np.nan_to_num or writes_in_place(*args, **options)
    ):
        return call_writing(function, args, options, frame)
    if function in CALLING_FUNCTIONS:
        return CALLING_FUNCTIONS[function](frame, *args, **options)
    if len(args) > 1:
        names = names_with_out(function)
        if len(args) <= len(names) and "out" in names[: len(args)]:  # np.dot(a, b, out)
            at = names.index("out")
            args, options = args[:at], {**dict(zip(names[at:], args[at:], strict=False)), **options}
    try:
        if options.get("out") is not None:
            return call_into(function, "", args, options, frame)
        return call_function(function, args, options, frame, compute)
    except _HeldElsewhereError:
        listed = _in_lists(args)
        if listed is args:
            raise refuse(f"{function.__name__} of this container", frame) from None
    return call_any(function, listed, options, frame, compute)


class _HeldElsewhereError(Exception):
    """NumPy has found traced values where we look for none: in a deque, a named tuple, a class of sequences."""


def _in_lists(given: Any) -> Any:
    """Return arguments with lists in place of other sequences; themselves where there are none."""
    kind = type(given)
    if kind is tuple or kind is list:
        listed = kind(map(_in_lists, given))
        return given if all(map(operator.is_, listed, given)) else listed
    if issubclass(kind, (Traced, str, bytes, dict)) or (kind is np.ndarray and not given.dtype.hasobject):
        return given
    is_sequence = hasattr(kind, "__len__") and hasattr(kind, "__getitem__")
    return [_in_lists(each) for each in given] if is_sequence else given


def call_ufunc_any(
    ufunc: Any, method: str, inputs: tuple[Any, ...], options: dict[str, Any], frame: FrameType
) -> Any:
    """Do a call of a ufunc, or of a method of it, that may write: into its first argument, into `out`, or nowhere."""
    if not USUAL.issuperset(map(type, inputs)):
        if any(map(takes_ufuncs, map(type, inputs))):
            return NotImplemented
        inputs = arrays_in(inputs)
    if "out" in options:
        return call_into(ufunc, method, inputs, options, frame)
    if method == "at":
        return call_at(ufunc, inputs, frame)
    return call_ufunc(ufunc, method, inputs, options, frame)


def call_at(ufunc: Any, inputs: tuple[Any, ...], frame: FrameType) -> None:
    """Do `np.add.at(array, index, value)`, where an element may be named several times."""
    if type(inputs[0]) is np.ndarray:
        adopted = adopted_first(ufunc.at, inputs, {}, frame)
        if adopted is not None:
            call_at(ufunc, (adopted.stand_in, *inputs[1:]), frame)
            adopted.settle()
            return
    array, index, *values = inputs
    index = copied(plain_deep(index))
    if not issubclass(type(array), Traced):
        tape = open_tape(traced_in(inputs), frame)
        if tape is None:
            ufunc.at(array, index, *plain_deep(values))
            return
        if array.dtype.kind in "biu":  # whole numbers, as those that ufunc(array, values) gives
            ufunc.at(array, index, *plain_deep(values))
            for each in traced_in(values):
                cut(each, f"np.{ufunc.__name__}.at of {array.dtype}", frame)
            return
        refuse_written_otherwise(array, tape, frame)
        raise UnsupportedError(
            f"np.{ufunc.__name__}.at writes into {FOREIGN}",
            where=place(frame),
            advice=MADE_IN_TRACE,
        )
    fresh = array.value_.copy(order="K")
    fresh.flags.writeable = array.value_.flags.writeable
    ufunc.at(fresh, index, *plain_deep(values))
    if not fresh.flags.writeable and fresh.size:  # NumPy has not looked, and written into it
        raise UnsupportedError(
            f"np.{ufunc.__name__}.at writes into a read-only array",
            where=place(frame),
            got="NumPy does so for some indices, and raises an error for others",
            advice="write into the array that it is a view of, or into a copy",
        )
    if ufunc in _AT_RULES and array.value_.flags.writeable:
        operand = fitted(values[0], np.shape(array.value_[index]), array.value_.dtype, frame)
        made = record_call(_AT_RULES[ufunc], (array, operand), fresh, {"index": index}, frame)
        if is_traced(made):
            replace(array, made, frame)
        else:
            write(array, ..., fresh, frame)
    elif open_tape(traced_in((array, *values)), frame) is None:
        write(array, ..., fresh, frame)
    else:
        for part, mask in _rounds(index, array.value_):
            operands = arrays_of(tuple(values), frame)
            if mask is not None:
                operands = tuple(chosen_by(operand, mask, frame) for operand in operands)
            made = call_ufunc(ufunc, "__call__", (getitem(array, part, frame), *operands), {}, frame)
            write(array, part, made, frame)


def _rounds(index: Any, array: np.ndarray[Any, Any]) -> Iterator[tuple[Any, Any]]:
    """Yield what `ufunc.at` does one after the other, in rounds that name no element twice.

    A round is an index, and a mask of the values that belong to it; None for all of them.
    """
    places = np.arange(array.size).reshape(array.shape)[index]
    if not may_repeat(index) or len(np.unique(places)) == places.size:
        yield index, None
        return
    flat = places.ravel()
    order = np.argsort(flat, kind="stable")
    turn = np.empty(len(flat), np.intp)
    turn[order] = np.arange(len(flat)) - np.searchsorted(flat[order], flat[order])
    for number in range(int(turn.max()) + 1):
        mask = (turn == number).reshape(places.shape)
        yield np.unravel_index(places[mask], array.shape), mask


def set_part(array: Any, name: str, value: Any, frame: FrameType) -> None:
    """Do `array.real = value` or `array.imag = value`."""
    fresh = array.value_.copy(order="K") if type(array.value_) is np.ndarray else array.value_
    setattr(fresh, name, plain_deep(value))  # raises NumPy's own errors, and Python's for a number
    if not is_complex(fresh):
        write(array, ..., value, frame)
        return
    part = fitted(value, fresh.shape, fresh.real.dtype, frame)
    write(array, ..., record_call(f"with_{name}", (array, part), fresh, None, frame), frame)


def set_shape(array: Any, shape: Any, frame: FrameType) -> None:
    """Do `array.shape = shape`: the stand-in moves on to a record of the same memory in another shape."""
    if has_written_elsewhere(array, lambda into: setattr(into, "shape", plain_deep(shape)), frame):
        return
    value = array.value_.view()
    value.shape = plain_deep(shape)  # raises NumPy's own errors
    if is_argument(array):
        own_memory(array, others_of(array), frame)
        value = array.value_.reshape(value.shape)
    made = record_call("reshape", (array,), value, {}, frame)
    if is_traced(made):
        note_view(made, (array,))
        forget_ways(array)
        value, array.id_ = made.value_, made.id_
    array.value_ = value
