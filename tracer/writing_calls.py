"""NumPy functions and methods that write into their array: `np.copyto`, `np.put`, `np.place`, `a.fill`, `a.sort`.

Each is a plain NumPy call whose result is then written by `buffers.write`, which records it.
"""

from __future__ import annotations

import copy
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.buffers import write
from tracer.cuts import FOREIGN, MADE_IN_TRACE, brief, not_of_floats
from tracer.errors import UnsupportedError
from tracer.frames import is_library, place
from tracer.numpy_calls import arrays_of, call_function, getitem
from tracer.refused import refuse
from tracer.second_ways import refuse_written_otherwise
from tracer.standins import Traced, is_traced, open_tape, plain, plain_deep, traced_in
from tracer.ufunc_calls import chosen_by

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_TWO = 2


def method_of(array: Any, name: str, frame: FrameType) -> Callable[..., None]:
    """Return the method of an array that changes it: fill, partition, put or sort."""
    return partial(_METHODS[name], frame, array)


def call_writing(function: Any, args: tuple[Any, ...], options: dict[str, Any], frame: FrameType) -> Any:
    """Do a NumPy function that writes into its first argument."""
    if args and type(args[0]) is np.ndarray:
        adopted = adopted_first(function, args, options, frame)
        if adopted is not None:
            result = call_writing(function, (adopted.stand_in, *args[1:]), options, frame)
            adopted.settle()
            return result
    target = args[0] if args else next(iter(options.values()))
    if not issubclass(type(target), Traced):
        is_read_only = type(target) is np.ndarray and not target.flags.writeable  # which NumPy says
        tape = open_tape(traced_in((*args, *options.values())), frame)
        if is_read_only or tape is None:
            return function(*plain_deep(args), **plain_deep(options))
        if is_library(str(frame.f_globals.get("__name__"))):
            raise refuse(f"np.{function.__name__}", frame)
        if args and type(target) is np.ndarray and target.dtype.kind not in "fc":
            function(
                target.copy(), *plain_deep(args[1:]), **plain_deep(options)
            )  # raises NumPy's own errors
            value = next(traced_in((*args[1:], *options.values()))).value_
            raise not_of_floats(target.dtype, "it", f"value {brief(value)}", frame)
        refuse_written_otherwise(target, tape, frame)
        raise UnsupportedError(
            f"np.{function.__name__} writes into {FOREIGN}",
            where=place(frame),
            advice=MADE_IN_TRACE,
        )
    return WRITING_FUNCTIONS[function](frame, *args, **options)


def adopted_first(function: Any, args: tuple[Any, ...], options: dict[str, Any], frame: FrameType) -> Any:
    """Return the stand-in for the plain array that a call writes into first of all; None where there can be none."""
    from tracer.adopted_calls import adopt_argument  # noqa: PLC0415  (which is made of this room)

    tape = open_tape(traced_in((*args, *options.values())), frame)
    return None if tape is None else adopt_argument(function, args, options, 0, tape, frame)


def _fill(frame: FrameType, array: Any, *args: Any, **options: Any) -> None:
    # Raises NumPy's own errors
    np.empty(1, array.value_.dtype).fill(*plain_deep(args), **plain_deep(options))
    write(array, ..., args[0], frame)


def _arrange(function: Any, frame: FrameType, array: Any, *args: Any, **options: Any) -> None:
    """Sort or partition in place."""
    if not array.value_.flags.writeable:
        # Raises NumPy's own error
        getattr(array.value_, function.__name__)(*plain_deep(args), **plain_deep(options))
    if not args and "axis" not in options and function is np.sort:
        options["axis"] = -1
    write(array, ..., call_function(function, (array, *args), options, frame), frame)


def _copyto(frame: FrameType, dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    del casting
    where = plain_deep(where)
    if where is True:
        write(dst, ..., src, frame)
        return
    mask = np.broadcast_to(where, dst.value_.shape).copy()
    (operand,) = arrays_of((src,), frame)
    write(dst, mask, chosen_by(operand, mask, frame), frame)


def writes_in_place(x: Any, copy: Any = True, *rest: Any, **options: Any) -> bool:
    """Tell whether a call of np.nan_to_num writes into the array that it is given."""
    del rest, options
    return not copy and type(plain(x)) is np.ndarray


def _nan_to_num(frame: FrameType, x: Any, copy: Any, *rest: Any, **options: Any) -> Any:
    del copy
    write(x, ..., call_function(np.nan_to_num, (x, True, *rest), options, frame), frame)
    return x if x.value_.ndim else getitem(x, (), frame)


def _as_numpy(function: Any, do: Callable[..., None]) -> Callable[..., None]:
    """Have NumPy do a call with a copy first, so that it raises its own errors."""

    def called(frame: FrameType, array: Any, *args: Any, **options: Any) -> None:
        given, named = plain_deep(args), plain_deep(options)
        if function is np.put and not named and _fits(array.value_, *given):
            do(frame, array, *args)
            return
        if any(map(np.iscomplexobj, (*given, *named.values()))):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the write itself warns of imaginary parts
                function(copy.copy(array.value_), *given, **named)
        else:
            function(copy.copy(array.value_), *given, **named)
        if type(array.value_) is np.ndarray:  # else NumPy has written into an array that nobody has
            do(frame, array, *args, **options)

    return called


def _fits(array: Any, *given: Any) -> bool:
    """Tell whether NumPy puts what is given without an error or a warning: a loop of puts copies nothing."""
    if len(given) != _TWO or type(array) is not np.ndarray or not array.flags.writeable:
        return False
    places, values = map(np.asarray, given)
    return bool(
        np.can_cast(places.dtype, np.intp)
        and np.can_cast(values.dtype, array.dtype)
        and np.all((-array.size <= places) & (places < array.size))
    )


def _put(frame: FrameType, a: Any, ind: Any, v: Any, mode: Any = "raise") -> None:
    flat = np.asarray(plain_deep(ind)).ravel().astype(np.intp)
    size = a.value_.size
    places = (
        np.where(flat < 0, flat + size, flat) if mode == "raise" else np.arange(size).take(flat, mode=mode)
    )
    write_flat(frame, a, places, v, np.arange(len(flat)))


def _put_method(frame: FrameType, array: Any, indices: Any, values: Any, mode: Any = "raise") -> None:
    _WRITERS[np.put](frame, array, indices, values, mode)


def _place(frame: FrameType, arr: Any, mask: Any, vals: Any) -> None:
    places = np.flatnonzero(plain_deep(mask))
    if np.may_share_memory(plain(vals), arr.value_):
        raise UnsupportedError(
            "np.place reads values from the array that it writes into, some after they are overwritten",
            where=place(frame),
            advice="give it a copy of the values",
        )
    write_flat(frame, arr, places, vals, np.arange(len(places)))


def _putmask(frame: FrameType, a: Any, mask: Any, values: Any) -> None:
    places = np.flatnonzero(plain_deep(mask))
    write_flat(frame, a, places, values, places)


def _fill_diagonal(frame: FrameType, a: Any, val: Any, wrap: bool = False) -> None:
    probe = np.zeros(a.value_.shape, np.bool_)
    np.fill_diagonal(probe, val=True, wrap=wrap)  # raises NumPy's own errors
    places = np.flatnonzero(probe)
    write_flat(frame, a, places, val, np.arange(len(places)))


def _put_along_axis(frame: FrameType, arr: Any, indices: Any, values: Any, axis: Any = -1) -> None:
    indices = np.asarray(plain_deep(indices))
    if axis is None:
        write(arr, np.unravel_index(indices, arr.value_.shape), values, frame)
        return
    axis = int(axis) % arr.value_.ndim
    grid = [
        indices
        if at == axis
        else np.arange(length).reshape([-1 if each == at else 1 for each in range(indices.ndim)])
        for at, length in enumerate(arr.value_.shape)
    ]
    write(arr, tuple(grid), values, frame)


def write_flat(
    frame: FrameType, array: Any, places: np.ndarray[Any, Any], values: Any, turns: np.ndarray[Any, Any]
) -> None:
    """Write values[turns] at flat places; values are gone through again and again."""
    if not len(places) or not np.size(plain_deep(values)):
        return
    (operand,) = arrays_of((values,), frame)
    if array.value_.ndim:
        index: Any = np.unravel_index(places, array.value_.shape)
    else:  # its one element, written again and again
        index, turns = (), turns[-1]
    if is_traced(operand) and np.ndim(operand.value_):
        size = operand.value_.size
        flat = call_function(np.ravel, (operand,), {}, frame) if operand.value_.ndim != 1 else operand
        write(array, index, getitem(flat, turns % size, frame), frame)
    elif is_traced(operand):
        write(array, index, operand, frame)
    else:
        flat_values = np.ravel(plain_deep(operand))
        write(array, index, flat_values[turns % len(flat_values)], frame)


_METHODS: dict[str, Callable[..., None]] = {
    "fill": _fill,
    "partition": partial(_arrange, np.partition),
    "put": _put_method,
    "sort": partial(_arrange, np.sort),
}
_WRITERS = {
    function: _as_numpy(function, do)
    for function, do in (
        (np.put, _put),
        (np.place, _place),
        (np.putmask, _putmask),
        (np.fill_diagonal, _fill_diagonal),
        (np.put_along_axis, _put_along_axis),
        (np.copyto, _copyto),
    )
}
WRITING_FUNCTIONS: dict[Any, Callable[..., None]] = {**_WRITERS, np.nan_to_num: _nan_to_num}
