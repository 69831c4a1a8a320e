"""Functions that make arrays, replaced while a trace runs (`patches.py`): `np.zeros` and the like, `np.array`.

What they make of plain numbers can be written into (`blank.py`); `np.array` of traced values is recorded.
"""

from __future__ import annotations

import functools
import sys
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer import numpy_calls
from tracer.array_likes import USUAL, array_in, asked, defines_array
from tracer.blank import Blank, blank, blank_of
from tracer.callee import is_called
from tracer.counts import is_whole, items_of_permutation
from tracer.cuts import cut
from tracer.families import expose, note_view
from tracer.filled import is_handed_to_c
from tracer.flat import Flat
from tracer.frames import only_shows, wants_plain_arrays
from tracer.memory import owns_its_memory
from tracer.refused import refuse
from tracer.standins import holds_traced, is_traced, plain, plain_deep, record_call, traced_in, whole_plain
from tracer.tape import AUXILIARY, innermost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_frame = sys._getframe  # noqa: SLF001  (the only way to see the caller at this speed)
_OF_COUNTS = (
    *("empty", "zeros", "ones", "eye", "identity", "tri", "indices"),
    *("hanning", "hamming", "blackman", "bartlett", "kaiser", "diag_indices"),
)
_OF_AN_ARRAY = ("zeros_like", "ones_like", "empty_like")
_BETWEEN_ENDS = ("linspace", "logspace", "geomspace")
_FOR_C = ("asarray_chkfinite", "ascontiguousarray", "asfortranarray")
_TO_ARRAYS = ("array", "asarray", "asanyarray", "require", *_FOR_C)


# Modules of SciPy that go on in Python with what they have put in order; what they hand to C is a cut there.
_PLAIN_PYTHON = (
    "scipy._lib.", "scipy._external.", "scipy.integrate._ivp.", "scipy.optimize._optimize.",
    "scipy.signal._signaltools.", "scipy.spatial._kdtree.", "scipy.spatial.distance.", "scipy.stats.",
)  # fmt: skip


def _is_plain_python(frame: FrameType) -> bool:
    return f"{frame.f_globals.get('__name__')}.".startswith(_PLAIN_PYTHON)


def made(value: Any, function: Callable[..., Any], frame: FrameType) -> Any:
    """Return an array that the user's code made by calling `function`, as one that can be written into.

    Libraries get the plain array: they hand it to C code, which would not know what else to do with it.
    """
    running = innermost()
    if (
        running is None
        or not running.is_open
        or type(value) is not np.ndarray
        or value.dtype.kind not in "fc"
    ):
        return value
    if not is_called(function, frame) or is_handed_to_c(frame.f_code, frame.f_lasti):
        return value
    return blank(value, running)


def _creating(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def function(*args: Any, **options: Any) -> Any:
        value = original(*args, **options)
        return made(value, function, _frame(1)) if type(value) is np.ndarray else value

    return function


def _counted(original: Callable[..., Any]) -> Callable[..., Any]:
    """Make an array of counts: of a shape, of a number of steps."""

    @functools.wraps(original)
    def function(*args: Any, **options: Any) -> Any:
        options = {name: whole_plain(each) for name, each in options.items()}
        return made(original(*whole_plain(args), **options), function, _frame(1))

    return function


def _between(original: Callable[..., Any]) -> Callable[..., Any]:
    """Make a sequence between two ends, which may be lists of traced numbers: NumPy does not ask those."""

    @functools.wraps(original)
    def function(*args: Any, **options: Any) -> Any:
        frame = _frame(1)
        if any(type(each) in (list, tuple) and holds_traced(each) for each in args[:2]):
            return numpy_calls.call_function(original, args, options, frame)
        return made(original(*args, **options), function, frame)

    return function


def _arange(original: Callable[..., Any]) -> Callable[..., Any]:
    """Follow np.arange by its start and its step; its stop decides how many elements there are."""

    @functools.wraps(original)
    def function(*args: Any, **options: Any) -> Any:
        frame = _frame(1)
        value = original(*plain_deep(args), **plain_deep(options))
        named = {**dict(zip(("start", "stop", "step"), args, strict=False)), **options}
        moving = (named.get("start", 0), named.get("step", 1))
        is_stop = named.get("stop") is None  # np.arange(stop)
        ends = (0 if is_stop else moving[0], 1 if moving[1] is None else moving[1])
        if value.dtype.kind not in "fc" or not any(map(is_traced, ends)):
            return made(value, function, frame)
        result = record_call("arange", ends, value, None, frame)
        return result if is_traced(result) else made(value, function, frame)

    return function


def _from_iterator(original: Callable[..., Any]) -> Callable[..., Any]:
    """Follow np.fromiter of traced numbers, which are taken before NumPy does."""

    @functools.wraps(original)
    def function(*args: Any, **options: Any) -> Any:
        frame = _frame(1)
        count = plain(options.get("count", args[2] if len(args) > 2 else -1))
        if not args or not is_whole(count) or options.get("like") is not None:
            return made(original(*args, **options), function, frame)
        iterator = iter(args[0])
        items = list(iterator if count < 0 else islice(iterator, count))
        value = original(plain_deep(items), *plain_deep(args[1:]), **plain_deep(options))
        if holds_traced(items) and value.dtype.kind in "fc" and value.ndim == 1:
            return numpy_calls.array_of(items, frame, value.dtype, flag=0)
        for number in traced_in(items):
            cut(number, f"np.fromiter of {value.dtype}", frame)
        return made(value, function, frame)

    return function


def _full(original: Callable[..., Any]) -> Callable[..., Any]:
    """Follow np.full and np.full_like: the number that fills the array may be traced."""

    @functools.wraps(original)
    def function(*args: Any, **options: Any) -> Any:
        filling = args[1] if len(args) > 1 else options.get("fill_value")
        value = original(*plain_deep(args), **plain_deep(options))
        frame = _frame(1)
        if holds_traced(filling) and value.dtype.kind in "fc":
            (operand,) = numpy_calls.arrays_of((filling,), frame)
            seen = np.asarray(plain(operand))
            if seen.ndim > value.ndim:  # `np.full((), [x])`
                seen = seen.reshape(seen.shape[seen.ndim - value.ndim :])
                operand = record_call("reshape", (operand,), seen, {}, frame, AUXILIARY)
            return record_call("broadcast_to", (operand,), value, None, frame)
        for number in traced_in([filling]):
            cut(number, f"np.{original.__name__} of {value.dtype}", frame)
        return made(value, function, frame)

    return function


def _array(original: Callable[..., Any]) -> Callable[..., Any]:
    """Follow np.array and np.asarray of traced values, and of lists of them."""
    name = original.__name__
    keyword = "object" if name == "array" else "a"

    @functools.wraps(original)
    def function(*args: Any, **options: Any) -> Any:
        if not args and keyword in options:
            args = (options.pop(keyword),)
        if args and type(args[0]) not in _UNASKED:
            answering = _answering(type(args[0]))
            if answering is not None:
                return answering(original, function, args, options, _frame(1))
            args = (array_in(args[0]), *args[1:])
        if not args or not holds_traced(args[0]):
            value = original(*args, **options)
            # What is not a new array is somebody's, who would not see what is written into a blank one.
            is_new = (
                type(value) is np.ndarray
                and owns_its_memory(value)
                and not (isinstance(args[0], np.ndarray) and np.may_share_memory(value, args[0]))
            )
            return made(value, function, _frame(1)) if is_new else value
        frame = _frame(1)
        dtype = options.get("dtype", args[1] if len(args) > 1 else None)
        value = original(plain_deep(args[0]), *args[1:], **options)
        if only_shows(frame):
            numpy_calls.let_be_shown(args[:1], frame)
            return value.copy()
        _refuse_unfollowed(name, options, frame)
        if name in _FOR_C and not is_called(function, frame):  # but by compiled code, which has no frame
            return _left(args[:1], value, name, frame)
        if value.dtype.kind not in "fc":
            items = items_of_permutation(args[0], frame) if is_traced(args[0]) else None
            if items is not None:
                return items
            return _left(args[:1], value, f"{name} of {value.dtype}", frame)
        if type(args[0]) in (list, tuple):
            result = numpy_calls.array_of(args[0], frame, dtype, flag=0)
        elif value is args[0].value_:  # asarray, or copy=False
            return args[0]
        elif np.may_share_memory(value, args[0].value_):  # with ndmin=, and of an array without axes
            view = record_call("reshape", (args[0],), value, {}, frame)
            note_view(view, (args[0],))
            return view
        else:
            fresh = value.reshape(np.shape(args[0].value_))
            result = record_call("copy" if dtype is None else "astype", (args[0],), fresh, None, frame)
        return _shaped(result, value, frame)

    return function


def _refuse_unfollowed(name: str, options: dict[str, Any], frame: FrameType) -> None:
    """Raise UnsupportedError where an array is made otherwise, or for the own work of a library."""
    if options.get("like") is not None:
        raise refuse(f"np.{name} with like=", frame)
    is_in_order = options.keys() - {"dtype", "copy", "ndmin"} and not _is_plain_python(frame)
    if (name in _FOR_C or is_in_order) and wants_plain_arrays(frame):
        raise refuse(f"np.{name}, by which a library hands an array to code in C,", frame)


def _shaped(result: Any, value: Any, frame: FrameType) -> Any:
    """Return a traced array in the shape of the value."""
    if value.shape == np.shape(plain(result)):
        return result
    return record_call("reshape", (result,), value, {}, frame)


def _answering(kind: type) -> Callable[..., Any] | None:
    """Return what makes arrays of a class that answers for itself."""
    return _OF_STAND_INS.get(kind) or (_asked if defines_array(kind) else None)


def _asked(
    original: Callable[..., Any],
    function: Callable[..., Any],
    args: tuple[Any, ...],
    options: dict[str, Any],
    frame: FrameType,
) -> Any:
    """Return what `__array__` of an object answers as NumPy hands it on: itself, a view of it, a copy."""
    del function
    answer, value = asked(original, *args, **options)
    if answer is value:
        return value
    if type(answer) is Blank:
        return blank_of(value, answer)
    if not is_traced(answer) or value is answer.value_:
        return answer
    if value.dtype.kind not in "fc":
        return _left((answer,), value, f"{original.__name__} of {value.dtype}", frame)
    if np.may_share_memory(value, answer.value_):
        view = record_call("reshape", (answer,), value, {}, frame)
        note_view(view, (answer,))
        return view
    fresh = value.reshape(np.shape(answer.value_))
    result = record_call("astype", (answer,), fresh, None, frame)
    return _shaped(result, value, frame)


def _left(args: Any, value: Any, name: str, frame: FrameType) -> Any:
    """Return a plain array, as which the traced values among the arguments leave."""
    for number in traced_in(args):
        cut(number, f"np.{name}", frame)
    return value


def _array_of_blank(
    original: Callable[..., Any],
    function: Callable[..., Any],
    args: tuple[Any, ...],
    options: dict[str, Any],
    frame: FrameType,
) -> Any:
    """Return the same blank array, a view or a copy of it, as NumPy does; whoever needs a real one gets its memory."""
    source = args[0]
    if not source.tape_.is_open:
        return original(source.value_, *args[1:], **options)
    value = original(source.value_, *args[1:], **options)
    if type(value) is np.ndarray and is_called(function, frame):
        return blank_of(value, source)
    if np.may_share_memory(value, source.value_):
        value = original(*args, **options)  # whose base is the stand-in
        expose(source, value)
    return value


def _array_of_flat(
    original: Callable[..., Any],
    function: Callable[..., Any],
    args: tuple[Any, ...],
    options: dict[str, Any],
    frame: FrameType,
) -> Any:
    """Return the elements of an array in one row: where they lie so, its memory, which NumPy 2.0 alone copies here."""
    del function
    value = original(args[0].base.value_.flat, *args[1:], **options)
    if value.ndim != 1:
        return original(*args, **options)
    row = args[0].in_a_row(frame)
    base = args[0].base.value_
    is_copied = np.may_share_memory(plain(row), base) and not np.may_share_memory(value, base)
    if value.dtype == plain(row).dtype and not is_copied:
        return row
    return row._attribute("astype", frame)(value.dtype)  # noqa: SLF001  (at the user's line)


_UNASKED = USUAL - {Blank, Flat}
_OF_STAND_INS = {Blank: _array_of_blank, Flat: _array_of_flat}


def _strided(original: Callable[..., Any]) -> Callable[..., Any]:
    """Follow a view by strides, which NumPy makes of bare memory."""

    @functools.wraps(original)
    def function(x: Any, *args: Any, **options: Any) -> Any:
        if is_traced(x):
            return numpy_calls.call_function(original, (x, *args), options, _frame(1))
        view = original(plain(x), *plain_deep(args), **plain_deep(options))
        return blank_of(view, x) if type(x) is Blank else view

    return function


def replacements() -> Iterator[tuple[Any, Callable[..., Any]]]:
    """Yield (original, replacement) for the functions that make arrays."""
    for name in _OF_COUNTS:
        original = getattr(np, name)
        yield original, _counted(original)
    for name in (*_OF_AN_ARRAY, "copy"):
        original = getattr(np, name)
        yield original, _creating(original)
    for name in _BETWEEN_ENDS:
        original = getattr(np, name)
        yield original, _between(original)
    yield np.arange, _arange(np.arange)
    yield np.fromiter, _from_iterator(np.fromiter)
    for name in ("full", "full_like"):
        original = getattr(np, name)
        yield original, _full(original)
    for name in _TO_ARRAYS:
        original = getattr(np, name)
        yield original, _array(original)
    yield np.lib.stride_tricks.as_strided, _strided(np.lib.stride_tricks.as_strided)
