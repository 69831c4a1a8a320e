"""Functions that put elements elsewhere, read by having NumPy do the same to arrays of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view

from tracer.numpy_table.reading import Followed, OptionError, Reader
from tracer.rules.arrange import EACH_ITS_OWN, LIST_OF_ARRAYS, ONE_ARRAY, SEVERAL_RESULTS, SHIFTS
from tracer.rules.padding import STATISTICAL
from tracer.standins import holds_traced, plain_deep, whole_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_COMPUTED = (*STATISTICAL, "linear_ramp")
_PAD_MODES = ("constant", "edge", "reflect", "symmetric", "wrap")


def numbered(operands: Sequence[Any]) -> list[Any]:
    """Return, for every operand, an array of its shape with the numbers of its elements, counted from 1 through all."""
    numbers: list[Any] = []
    first = 1
    for operand in operands:
        shape = np.shape(plain_deep(operand))
        size = int(np.prod(shape))
        numbers.append(np.arange(first, first + size).reshape(shape))
        first += size
    return numbers


def _no_traced(arguments: Any, what: str) -> None:
    if holds_traced(arguments):
        raise OptionError(what)


def _one(name: str, function: Callable[..., Any]) -> Callable[..., Followed]:
    def read(*arguments: Any, **options: Any) -> Followed:
        # NumPy is not of one mind about what the array is called: a, m, ary, array, A, v.
        a, *rest = arguments or (options.pop(next(iter(options))),)
        _no_traced(whole_plain((*rest, *options.values())), "a traced argument")
        (numbers,) = numbered([a])
        return (
            name,
            (a,),
            {"places": np.asarray(function(numbers, *plain_deep(rest), **plain_deep(options)))},
        )

    return read


def _several(name: str, function: Callable[..., Any]) -> Callable[..., list[Followed | None]]:
    def read(a: Any, *rest: Any, **options: Any) -> list[Followed | None]:
        (numbers,) = numbered([a])
        if isinstance(a, list | tuple):  # whose length NumPy takes for that of every axis
            numbers = numbers.tolist()
        parts = function(numbers, *plain_deep(rest), **plain_deep(options))
        return [(name, (a,), {"places": part}) for part in parts]

    return read


def _each(name: str, function: Callable[..., Any]) -> Callable[..., Followed | list[Followed | None]]:
    def read(*arrays: Any, **options: Any) -> Followed | list[Followed | None]:
        if len(arrays) == 1 and name.startswith("atleast"):
            return name, arrays, {"places": function(*numbered(arrays))}
        parts = function(*(numbered([array])[0] for array in arrays), **plain_deep(options))
        return [
            (name, (array,), {"places": part.copy()}) for array, part in zip(arrays, parts, strict=True)
        ]

    return read


def _flat(nested: Any) -> list[Any]:
    """Return what stands in nested lists, in order."""
    return [leaf for item in nested for leaf in _flat(item)] if type(nested) in (list, tuple) else [nested]


def _filled(nested: Any, numbers: list[Any]) -> Any:
    if type(nested) in (list, tuple):
        return [_filled(item, numbers) for item in nested]
    return numbers.pop(0)


def _list(name: str, function: Callable[..., Any]) -> Callable[..., Followed]:
    def read(arrays: Any, **options: Any) -> Followed:
        operands = list(arrays) if name != "block" else _flat(arrays)
        numbers = numbered(operands)
        nested = _filled(arrays, numbers) if name == "block" else numbers
        if options.keys() - {"casting", "dtype"}:
            raise OptionError(f"{next(iter(options))}=")
        return name, tuple(operands), {"places": function(nested)}

    return read


def _pad(array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Followed:
    reflect_type = options.get("reflect_type", "even")
    if mode in _COMPUTED or reflect_type != "even":
        return _pad_computed(array, pad_width, mode, **{"reflect_type": reflect_type, **options})
    if mode == "empty":  # what it leaves in the padding comes from nowhere
        mode = "constant"
    if mode not in _PAD_MODES:
        raise OptionError(
            "a function of the program as mode= (np.pad(x, n), into which it writes, is followed)"
            if callable(mode)
            else f"mode={mode!r}"
        )
    constants = options.pop("constant_values", None)
    operands = (array, constants) if holds_traced(constants) else (array,)
    numbers, *filling = numbered(operands)
    if filling:
        options["constant_values"] = filling[0]
    return "pad", operands, {"places": np.pad(numbers, plain_deep(pad_width), mode, **options)}


def _pad_computed(
    array: Any,
    pad_width: Any,
    mode: str,
    *,
    reflect_type: str,
    stat_length: Any = None,
    end_values: Any = 0,
) -> Followed:
    _no_traced(end_values, "a traced end_values=")
    shape, widths, lengths = np.shape(plain_deep(array)), plain_deep(pad_width), plain_deep(stat_length)
    if isinstance(widths, dict):
        widths = [widths.get(axis, widths.get(axis - len(shape), 0)) for axis in range(len(shape))]
        widths = [np.broadcast_to(each, 2) for each in widths]
    pairs = [
        None if each is None else np.broadcast_to(each, (len(shape), 2)).tolist()
        for each in (widths, lengths)
    ]
    params = {"mode": mode, "widths": pairs[0], "lengths": pairs[1], "reflect_type": reflect_type}
    params["end_values"] = np.broadcast_to(plain_deep(end_values), (len(shape), 2)).tolist()
    return "pad_computed", (array,), params


def _as_strided(
    x: Any, shape: Any = None, strides: Any = None, subok: Any = False, writeable: Any = True
) -> Followed:
    del subok, writeable
    value, (numbers,) = plain_deep(x), numbered([x])
    if not value.flags.c_contiguous:
        raise OptionError(
            "an array whose elements do not lie side by side (as_strided(x.copy(), …) is followed)"
        )
    steps = value.strides if strides is None else plain_deep(strides)
    if any(step % value.itemsize for step in steps):
        raise OptionError(
            "strides that do not lead from element to element: it takes numbers apart into their bytes"
        )
    steps = tuple(step // value.itemsize * numbers.itemsize for step in steps)
    try:
        places = np.ndarray(
            value.shape if shape is None else plain_deep(shape), numbers.dtype, numbers, 0, steps
        )
    except ValueError:
        raise OptionError("strides that lead out of the array") from None
    return "as_strided", (x,), {"places": places.copy()}


def _sort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Followed:
    del kind, stable  # equal elements may stand in any order: in a tie the first goes first
    if order is not None:
        raise OptionError("order=")
    values, (numbers,) = np.asarray(plain_deep(a)), numbered([a])
    if axis is None:
        values, numbers, axis = values.ravel(), numbers.ravel(), 0
    places = np.take_along_axis(numbers, np.argsort(values, axis, "stable"), axis)
    return "sort", (a,), {"places": places}


def _append(arr: Any, values: Any, axis: Any = None) -> Followed:
    first, second = numbered([arr, values])
    return "append", (arr, values), {"places": np.append(first, second, axis)}


def _insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Followed:
    numbers, inserted = numbered([arr, values])
    return "insert", (arr, values), {"places": np.insert(numbers, plain_deep(obj), inserted, axis)}


def _compress(condition: Any, a: Any, axis: Any = None) -> Followed:
    (numbers,) = numbered([a])
    return "compress", (a,), {"places": np.compress(plain_deep(condition), numbers, axis)}


def _compress_method(a: Any, condition: Any, axis: Any = None) -> Followed:
    return _compress(condition, a, axis)


def _extract(condition: Any, arr: Any) -> Followed:
    (numbers,) = numbered([arr])
    return "compress", (arr,), {"places": np.extract(plain_deep(condition), numbers)}


def _choose(a: Any, choices: Any, mode: Any = "raise") -> Followed:
    numbers = numbered(list(choices))
    return "choose", tuple(choices), {"places": np.choose(plain_deep(a), numbers, mode=mode)}


def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Followed:
    operands = (*choicelist, default)
    *numbers, otherwise = numbered(operands)
    return "select", operands, {"places": np.select(plain_deep(list(condlist)), numbers, otherwise)}


ARRANGE: dict[Any, Reader] = {
    **{getattr(np, name): _one(name, getattr(np, name)) for name in ONE_ARRAY},
    **{
        getattr(np, name): _several(name, getattr(np, name))
        for name in SEVERAL_RESULTS
        if hasattr(np, name)
    },
    **{getattr(np, name): _list(name, getattr(np, name)) for name in LIST_OF_ARRAYS},
    **{getattr(np, name): _each(name, getattr(np, name)) for name in EACH_ITS_OWN},
    sliding_window_view: _one("sliding_window_view", sliding_window_view),
    **{getattr(np.fft, name): _one(name, getattr(np.fft, name)) for name in SHIFTS},
    as_strided: _as_strided,
    np.pad: _pad,
    np.sort: _sort,
    np.sort_complex: _sort,
    np.append: _append,
    np.insert: _insert,
    np.compress: _compress,
    np.ndarray.compress: _compress_method,
    np.extract: _extract,
    np.choose: _choose,
    np.select: _select,
}
