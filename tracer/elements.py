"""Which elements of an array another one sees, by which steps it is taken of that, and in which order they are written.

Answered by where the elements are in memory: NumPy tells of a view only what it is made of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.memory import address_of, borrowed_of, owner_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def taken(array: Any, steps: list[tuple[str, Any]] | None) -> Any:
    """Return the view that some steps take of an array; None where there is none."""
    if steps is None or array is None:
        return None
    seen = array
    for name, given in steps:
        seen = seen[given] if name == "getitem" else getattr(seen, name)(given)
    return seen if owner_of(seen) is owner_of(array) else None


def way_to(view: np.ndarray[Any, Any], array: np.ndarray[Any, Any]) -> list[tuple[str, Any]] | None:
    """Return by which steps a view can be taken of an array that sees all of it; None where that takes more than these.

    A step is `getitem` with a basic index, `transpose` with axes, or `reshape` with a shape.
    """
    if view.dtype != array.dtype or not view.size:
        return None
    steps = _slices(view, array)
    if steps is None and array.flags.c_contiguous:
        flat = array.reshape(-1)
        steps = _slices(view, flat)
        if steps is None and view.flags.c_contiguous:
            steps = _slices(view.reshape(-1), flat)
            steps = None if steps is None else [*steps, ("reshape", view.shape)]
        steps = None if steps is None else [("reshape", (-1,)), *steps]
    return steps


def _slices(view: np.ndarray[Any, Any], array: np.ndarray[Any, Any]) -> list[tuple[str, Any]] | None:
    """Return the index, and the order of axes, by which a view can be taken of an array."""
    found = _place(address_of(view), array)
    if found is None:
        return None
    (*start,) = found
    index: list[Any] = start.copy()
    along_axes: dict[int, int] = {}  # by axis of the view: the axis of the array that it goes along
    for axis, (length, stride) in enumerate(zip(view.shape, view.strides, strict=True)):
        if length == 1:
            continue
        fitting = [
            each
            for each, along in enumerate(array.strides)
            if array.shape[each] > 1 and along and each not in along_axes.values() and not stride % along
        ]
        along = max(fitting, key=lambda each: abs(array.strides[each]), default=-1)
        step = stride // array.strides[along] if along >= 0 else 0
        first = start[along] if step else 0
        last = first + step * (length - 1)
        if not step or not 0 <= last < array.shape[along]:
            return None
        along_axes[axis] = along
        if step == 1 and length == array.shape[along]:
            index[along] = slice(None)
        else:
            stop = last + (1 if step > 0 else -1)
            index[along] = slice(first, stop if stop >= 0 else None, step if step != 1 else None)
    if not along_axes:
        index.append(...)  # else it were a number
    axes = list(along_axes.values())
    if axes == sorted(axes):
        return [("getitem", _with_new_axes(index, along_axes, view.ndim))]
    steps: list[tuple[str, Any]] = [
        ("getitem", tuple(index)),
        ("transpose", tuple(np.argsort(np.argsort(axes)).tolist())),
    ]
    if len(along_axes) < view.ndim:
        steps.append(
            ("getitem", tuple(slice(None) if axis in along_axes else None for axis in range(view.ndim)))
        )
    return steps


def _with_new_axes(index: list[Any], along_axes: dict[int, int], ndim: int) -> tuple[Any, ...]:
    """Return an index whose slices give some axes of a view, with None for the others."""
    found: list[Any] = []
    axis = 0
    for each in index:
        if type(each) is slice:
            while axis not in along_axes:
                found.append(None)
                axis += 1
            axis += 1
        found.append(each)
    return (*found, *[None] * (ndim - axis))


def callers_own(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the caller's array that an array on its memory stands for, or the same part of it."""
    own = borrowed_of(array)
    if (own.shape, own.strides, address_of(own)) == (array.shape, array.strides, address_of(array)):
        return own
    seen: np.ndarray[Any, Any] | None = taken(own, way_to(array, own))
    return array if seen is None else seen


def shared(other: np.ndarray[Any, Any], array: np.ndarray[Any, Any]) -> tuple[Any, Any]:
    """Return where in `other`, and where in `array`, is what both see: `...` for everywhere, None for nowhere."""
    theirs, ours = _addresses(other), _addresses(array)
    order = np.argsort(ours, axis=None)
    places = np.searchsorted(ours.ravel()[order], theirs.ravel())
    places[places == ours.size] = 0
    found = ours.ravel()[order[places]] == theirs.ravel() if ours.size else np.zeros(theirs.size, np.bool_)
    if not found.any():
        return None, None
    if not ours.ndim:  # its element is given the axes by which it is seen
        whole = (..., (None,) * theirs.ndim)
        return whole if found.all() else (np.nonzero(found.reshape(theirs.shape)), (None,))
    in_array = np.unravel_index(order[places[found]], ours.shape)
    if found.all():
        shaped = tuple(each.reshape(theirs.shape) for each in in_array)
        return ..., shaped
    return np.unravel_index(np.flatnonzero(found), theirs.shape), in_array


def placed_alike(
    view: np.ndarray[Any, Any], array: np.ndarray[Any, Any], other: np.ndarray[Any, Any]
) -> tuple[int, tuple[int, ...]] | None:
    """Return where a view of an array would start in another one of other gaps, and its strides there."""
    in_view, index = shared(view, array)
    if in_view is not ...:
        return None
    found = _addresses(other)[index]
    start = int(found.ravel()[0])
    steps = [
        int(found[(0,) * axis + (min(1, length - 1),) + (0,) * (view.ndim - axis - 1)]) - start
        for axis, length in enumerate(view.shape)
    ]
    return (
        (start, tuple(steps)) if np.array_equal(_addresses_from(start, view.shape, steps), found) else None
    )


def places(region: np.ndarray[Any, Any], array: np.ndarray[Any, Any]) -> tuple[Any, ...] | None:
    """Return the indices at which an array sees the elements of a region; None if it does not see all of them."""
    index: tuple[Any, ...] | None = _place(
        address_of(region) if region.ndim == 0 else _addresses(region), array
    )
    return index


def _place(addresses: Any, array: np.ndarray[Any, Any]) -> Any:
    """Return the indices of the elements at addresses; None where the array has others, or overlaps itself."""
    rest = addresses - address_of(array)
    for length, stride in zip(array.shape, array.strides, strict=True):
        if stride < 0:
            rest = rest - stride * (length - 1)
    index: list[Any] = [rest * 0] * array.ndim
    reach = array.itemsize
    axes = sorted((abs(stride), axis) for axis, stride in enumerate(array.strides) if array.shape[axis] > 1)
    for stride, axis in axes:
        if stride < reach:
            return None
        reach += stride * (array.shape[axis] - 1)
    if _any(rest < 0) or _any(rest >= reach):
        return None
    for stride, axis in reversed(axes):
        at, rest = divmod(rest, stride)
        if _any(at >= array.shape[axis]):
            return None
        index[axis] = at if array.strides[axis] > 0 else array.shape[axis] - 1 - at
    return None if _any(rest != 0) else tuple(index)


def _any(flags: Any) -> bool:
    """Tell whether one of some flags is set, or the one; NumPy takes long for one."""
    return flags if type(flags) is bool else bool(flags.any())


def overlaps_itself(array: np.ndarray[Any, Any]) -> bool:
    """Tell whether elements of an array look at the same memory, as those of a view by strides may."""
    if array.flags.forc:  # without gaps
        return False
    reach = array.itemsize
    for stride, length in sorted(
        (abs(stride), length)
        for stride, length in zip(array.strides, array.shape, strict=True)
        if length != 1
    ):
        if stride < reach:
            addresses = np.sort(_addresses(array), axis=None)
            return bool((np.diff(addresses) < array.itemsize).any())
        reach += stride * (length - 1)
    return False


def may_read_what_it_overwrites(
    array: np.ndarray[Any, Any], index: Any, value: np.ndarray[Any, Any]
) -> bool:
    """Tell whether `array[index] = value` may read a part of the array that it has overwritten by then.

    NumPy copies first, but not along one axis with steps that go the same way, as `a[::2] = a[:3]`, nor by a mask.
    """
    if not value.ndim or not np.may_share_memory(array, value):
        return False
    region = array[index]
    if not isinstance(region, np.ndarray) or region.ndim != 1 or region.size != value.size > 1:
        return False
    if np.may_share_memory(region, array):
        ours, theirs = _addresses(region), _addresses(value).ravel()
        return region.strides != value.strides[-1:] and bool(np.isin(theirs[theirs != ours], ours).any())
    return bool(getattr(index[0] if type(index) is tuple else index, "dtype", None) == np.bool_)


def differs_in_place(
    array: np.ndarray[Any, Any], value: np.ndarray[Any, Any], write: Callable[[Any, Any], Any]
) -> bool:
    """Tell whether a write into an array is another one of a copy of the value: done where elements are numbered."""
    if array.dtype != value.dtype:
        return True
    owner = owner_of(array)
    # Whole numbers that float16 has, too
    numbers = (np.arange(owner.nbytes // array.itemsize) % 2039).astype(array.dtype)
    changed, read = (
        np.ndarray(each.shape, each.dtype, numbers, address_of(each) - address_of(owner), each.strides)
        for each in (array, value)
    )
    expected = changed.copy()
    write(expected, read.copy())
    write(changed, read)
    return not np.array_equal(changed, expected)


def _addresses(array: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the address of every element."""
    return _addresses_from(address_of(array), array.shape, array.strides)


def _addresses_from(
    start: int, shape: tuple[int, ...], strides: Iterable[int]
) -> np.ndarray[Any, np.dtype[np.int64]]:
    addresses = np.full((), start, np.int64)
    for length, stride in zip(shape, strides, strict=True):
        addresses = addresses[..., None] + np.arange(length) * stride
    return addresses
