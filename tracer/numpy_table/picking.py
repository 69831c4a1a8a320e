"""Functions whose result are elements of their arguments, told by their values: partition, unique, set operations.

They are read by looking the values up: where NumPy's algorithm doesn't say which of several equal elements it took,
the first is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.numpy_table.arrange import numbered
from tracer.numpy_table.reading import Followed, OptionError, Reader
from tracer.standins import plain_deep

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.rules.kinds import Array


def _looked_up(values: Array, found: Array) -> Array:
    """Return, for each of some values, 1 + the flat place of the first element that equals it."""
    flat = values.ravel()
    order = np.argsort(flat, kind="stable")
    return order[np.searchsorted(flat[order], found)] + 1


def _partition(a: Any, kth: Any, axis: Any = -1, kind: Any = "introselect", order: Any = None) -> Followed:
    if order is not None:
        raise OptionError("order=")
    values, (numbers,) = np.asarray(plain_deep(a)), numbered([a])
    result = np.partition(values, plain_deep(kth), plain_deep(axis), kind)
    if axis is None:
        values, numbers, axis = values.ravel(), numbers.ravel(), 0
    before, after = (np.argsort(each, axis, "stable") for each in (values, result))
    places = np.empty_like(numbers)
    np.put_along_axis(places, after, np.take_along_axis(numbers, before, axis), axis)
    return "partition", (a,), {"places": places}


def _unique(
    ar: Any,
    return_index: Any = False,
    return_inverse: Any = False,
    return_counts: Any = False,
    axis: Any = None,
    **options: Any,
) -> Followed | list[Followed | None]:
    values, (numbers,), axis = np.asarray(plain_deep(ar)), numbered([ar]), plain_deep(axis)
    if axis is None:
        places = _looked_up(values, np.unique(values, **options))
    else:
        _, first = np.unique(values, return_index=True, axis=axis)
        places = np.take(numbers, first, axis)
    row: Followed = ("unique", (ar,), {"places": places})
    others = [None for asked in (return_index, return_inverse, return_counts) if asked]
    return [row, *others] if others else row


def _unique_of(name: str) -> Callable[..., Followed | list[Followed | None]]:
    def read(x: Any, /) -> Followed | list[Followed | None]:
        results = getattr(np, name)(plain_deep(x))
        found = results[0] if isinstance(results, tuple) else results
        row: Followed = ("unique", (x,), {"places": _looked_up(np.asarray(plain_deep(x)), found)})
        return [row, *(None for _ in results[1:])] if isinstance(results, tuple) else row

    return read


def _set_operation(name: str) -> Callable[..., Followed | list[Followed | None]]:
    def read(ar1: Any, ar2: Any, *rest: Any, **options: Any) -> Followed | list[Followed | None]:
        results = getattr(np, name)(plain_deep(ar1), plain_deep(ar2), *rest, **options)
        found = results[0] if isinstance(results, tuple) else results
        both = np.concatenate([np.ravel(plain_deep(ar1)), np.ravel(plain_deep(ar2))])
        row: Followed = (name, (ar1, ar2), {"places": _looked_up(both, found)})
        return [row, None, None] if isinstance(results, tuple) else row

    return read


def _trim_zeros(filt: Any, trim: Any = "fb", axis: Any = None) -> Followed:
    """Read which part was kept from where its memory begins: NumPy gives a view."""
    values, (numbers,) = np.array(plain_deep(filt), order="C"), numbered([filt])
    kept = np.trim_zeros(values, trim, **({} if axis is None else {"axis": plain_deep(axis)}))
    first, start = (each.__array_interface__["data"][0] for each in (kept, values))
    offset = (first - start) // values.itemsize if kept.size else 0
    corner = np.unravel_index(offset, values.shape) if values.size else (0,) * values.ndim
    part = tuple(slice(at, at + length) for at, length in zip(corner, kept.shape, strict=True))
    return "trim_zeros", (filt,), {"places": numbers[part].copy()}


PICKING: dict[Any, Reader] = {
    np.partition: _partition,
    np.unique: _unique,
    **{
        getattr(np, name): _unique_of(name)
        for name in ("unique_values", "unique_all", "unique_counts", "unique_inverse")
    },
    **{
        getattr(np, name): _set_operation(name)
        for name in ("union1d", "intersect1d", "setdiff1d", "setxor1d")
    },
    np.trim_zeros: _trim_zeros,
}
