"""NumPy functions that are given a function of the user's: apply_along_axis, apply_over_axes, piecewise, vectorize.

The user's function is called with traced values, as often and in the order in which NumPy calls it; NumPy puts plain
results together, and once more the numbers of their elements, which says what stands where.
"""

from __future__ import annotations

import copy
import functools
import sys
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.numpy_calls import array_of, call_function, getitem
from tracer.numpy_table.arrange import numbered
from tracer.standins import holds_traced, is_traced, plain, plain_deep, record_call

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from tracer.rules.kinds import Array

_frame = sys._getframe  # noqa: SLF001  (the only way to see the caller at this speed)


def _element_numbers(values: Any) -> Array:
    return np.arange(np.size(values)).reshape(np.shape(values))


def _taken(array: Any, places: Any, frame: FrameType) -> Any:
    """Return the elements of an argument at flat places, traced where it is; a number for one place."""
    if not np.ndim(plain_deep(array)):
        return (
            call_function(np.broadcast_to, (array, np.shape(places)), {}, frame)
            if np.ndim(places)
            else array
        )
    if np.ndim(places):
        index = np.unravel_index(places, np.shape(array.value_))
        return getitem(array, index, frame)
    return record_call("item", (array,), array.value_.item(places), {"index": (int(places),)}, frame)


def _put_together(
    name: str, parts: list[Any], assemble: Callable[[Any, Any], Any], into: Any, frame: FrameType
) -> Any:
    """Record what NumPy makes of the results of a user's function: `assemble(parts, into)`."""
    parts = [array_of(part, frame) if holds_traced(part) else part for part in parts]
    value = assemble(map(plain_deep, parts), into)
    places = assemble(iter(numbered(parts)), _element_numbers(into))
    return record_call(name, tuple(parts), value, {"places": np.asarray(places, np.intp)}, frame)


def _apply_along_axis(
    frame: FrameType, func1d: Any, axis: Any, arr: Any, *args: Any, **options: Any
) -> Any:
    parts: list[Any] = []
    numbers = np.asarray(plain(arr))

    def called(places: Any) -> Any:
        line = _taken(arr, places, frame) if is_traced(arr) else numbers.ravel()[places]
        parts.append(func1d(line, *args, **options))
        return plain_deep(parts[-1])

    axis = plain(axis)
    np.apply_along_axis(called, axis, _element_numbers(numbers))

    def assemble(results: Any, into: Any) -> Any:
        return np.apply_along_axis(lambda _: next(results), axis, into)

    return _put_together("apply_along_axis", parts, assemble, numbers, frame)


def _apply_over_axes(frame: FrameType, func: Any, a: Any, axes: Any) -> Any:
    value = a
    for axis in np.atleast_1d(plain_deep(axes)).tolist():
        ndim = np.ndim(plain(value))
        place = axis + np.ndim(plain(a)) if axis < 0 else axis
        result = func(value, place)
        if np.ndim(plain(result)) != ndim:
            result = call_function(np.expand_dims, (result, place), {}, frame)
        if np.ndim(plain(result)) != ndim:
            raise ValueError("function is not returning an array of the correct shape")  # NumPy's own words
        value = result
    return value


def _piecewise(frame: FrameType, x: Any, condlist: Any, funclist: Any, *args: Any, **options: Any) -> Any:
    parts: list[Any] = []
    conditions = plain_deep(condlist)

    def asked(function: Any) -> Any:
        def called(places: Any) -> Any:
            if callable(function):
                piece = _taken(x, places, frame) if is_traced(x) else np.asarray(plain(x)).ravel()[places]
                parts.append(function(piece, *args, **options))
            else:
                parts.append(function)
            return 0

        return called

    np.piecewise(_element_numbers(plain(x)), conditions, [asked(function) for function in funclist])

    def assemble(results: Any, into: Any) -> Any:
        return np.piecewise(into, conditions, [lambda _: next(results)] * len(funclist))

    return _put_together("piecewise", parts, assemble, plain(x), frame)


CALLING_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.apply_along_axis: _apply_along_axis,
    np.apply_over_axes: _apply_over_axes,
    np.piecewise: _piecewise,
}


def vectorized(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return what follows a call of a np.vectorize object: NumPy goes through numbers of elements instead."""

    @functools.wraps(original)
    def call(self: Any, /, *args: Any, **options: Any) -> Any:
        if not holds_traced([*args, *options.values()]):
            return original(self, *args, **options)
        from tracer.patches import replacement  # noqa: PLC0415  (which imports this room)

        frame, function = _frame(1), replacement(self.pyfunc)
        excluded = getattr(self, "excluded", ())
        arrays = {
            key: array_of(value, frame)
            for key, value in (*enumerate(args), *options.items())
            if holds_traced(value) and key not in excluded
        }
        given = [
            _element_numbers(plain(arrays[at])) if at in arrays else each for at, each in enumerate(args)
        ]
        named = {
            key: _element_numbers(plain(arrays[key])) if key in arrays else each
            for key, each in options.items()
        }
        results: list[Any] = []

        def called(*places: Any, **named_places: Any) -> Any:
            found = [
                _taken(arrays[at], each, frame) if at in arrays else each for at, each in enumerate(places)
            ]
            more = {
                key: _taken(arrays[key], each, frame) if key in arrays else each
                for key, each in named_places.items()
            }
            results.append(function(*found, **more))
            return plain_deep(results[-1])

        values = original(_machine(self, called), *given, **named)
        return _recorded(self, original, values, results, (given, named), frame)

    return call


def _machine(vectorize: Any, function: Callable[..., Any]) -> Any:
    """Return a np.vectorize object like another one that calls `function`."""
    machine = copy.copy(vectorize)
    machine.pyfunc = function
    machine._ufunc = {}  # noqa: SLF001  (its cache of what calls the other one)
    return machine


def _recorded(
    vectorize: Any,
    original: Callable[..., Any],
    values: Any,
    results: list[Any],
    arguments: tuple[list[Any], dict[str, Any]],
    frame: FrameType,
) -> Any:
    """Record the results: a second run over the same elements says in which order they were asked for."""
    several = isinstance(values, tuple)
    width = len(values) if several else 1
    if not holds_traced([list(each) if type(each) is tuple else each for each in results]):
        return values
    turns = count()

    def counted(*_: Any, **__: Any) -> Any:
        turn = next(turns)
        if vectorize.signature is None:
            return (turn,) * width if several else turn
        shapes = [np.shape(plain_deep(each)) for each in (results[turn] if several else [results[turn]])]
        filled = tuple(np.full(shape, turn) for shape in shapes)
        return filled if several else filled[0]

    machine = _machine(vectorize, counted)
    machine.otypes = "q" * width
    given, named = arguments
    asked = original(machine, *given, **named)
    kept = results[len(results) - next(turns) :]  # NumPy may have asked once more, for the type
    columns = list(zip(*kept, strict=True)) if several else [kept]
    recorded = []
    for value, order, column in zip(
        values if several else (values,), asked if several else (asked,), columns, strict=True
    ):
        parts = tuple(array_of(part, frame) if holds_traced(part) else part for part in column)
        sizes = np.array([np.size(plain(part)) for part in parts])
        first = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
        size = int(sizes[0])
        within = np.arange(order.size).reshape(order.shape) % max(size, 1)
        places = first[order] + within + 1
        recorded.append(record_call("vectorize", parts, value, {"places": places}, frame))
    return tuple(recorded) if several else recorded[0]


def indexed(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return what follows `np.r_[…]` and `np.c_[…]`, which put arrays together."""

    @functools.wraps(original)
    def getitem_of(self: Any, key: Any) -> Any:
        from tracer.flat import in_rows  # noqa: PLC0415  (which imports this room)

        frame = _frame(1)
        items = in_rows(key if isinstance(key, tuple) else (key,), frame)
        if not holds_traced(list(items)):
            return original(self, key)
        value = original(self, tuple(plain_deep(item) for item in items))
        operands = [
            array_of(item, frame)
            if holds_traced(item)
            else np.r_[plain_deep(item)]
            if isinstance(item, slice)
            else item
            for item in items
            if not isinstance(item, str)
        ]
        numbers = iter(numbered(operands))
        places = original(self, tuple(item if isinstance(item, str) else next(numbers) for item in items))
        return record_call(
            "concatenate_items", tuple(operands), value, {"places": np.asarray(places)}, frame
        )

    return getitem_of
