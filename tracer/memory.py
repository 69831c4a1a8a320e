"""Which memory an array looks at: its owner, what two arrays share, and whether anything else may see it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import byte_bounds
from numpy.lib.stride_tricks import as_strided

from tracer.references import references

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_STRIDED_BASE: type[Any] = type(
    as_strided(np.empty(1)).base
)  # stands between a view by strides and its array


_MOST_WORK = 10_000  # candidates that NumPy tries, to find what two arrays have in common
_shares_memory: Any = np.shares_memory  # whose stub knows two numbers for `max_work` alone
_asarray = np.asarray  # not the one that is there while a trace runs
_DENSE, _FEW = 2, 4096  # how many times its elements, and bytes, a copy may take for its gaps


def owner_of(array: Any) -> Any:
    """Return the array that owns the memory."""
    while isinstance(base := array.base, (np.ndarray, _STRIDED_BASE)):
        array = base if isinstance(base, np.ndarray) else base.base
    return array


def memory_of(array: Any) -> Any:
    """Return the array that owns the memory; where that was made of a buffer (`np.frombuffer`), whose that is."""
    owner = owner_of(array)
    held = owner.base
    while type(held) is memoryview:
        held = held.obj
    return owner if held is None else held


def laid_out_copy(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a copy with gaps where the array has them: they decide what a view is and what a copy, and order sums."""
    if array.flags.forc:
        return array.copy(order="K")
    item, strides = array.itemsize, array.strides
    low, high = byte_bounds(array)
    is_sparse = high - low > _DENSE * array.nbytes + _FEW
    if is_sparse or any(step % item for step in strides):
        strides = _with_small_gaps(array)
    ends = [(length - 1) * step for length, step in zip(array.shape, strides, strict=True)]
    memory = np.zeros(sum(map(abs, ends)) // item + 1, array.dtype)
    start = -sum(end for end in ends if end < 0)
    copy: np.ndarray[Any, Any] = np.ndarray(array.shape, array.dtype, memory, start, strides)
    copy[...] = array
    return copy


def _with_small_gaps(array: np.ndarray[Any, Any]) -> tuple[int, ...]:
    """Return strides in the same order, with gaps of one element where there are any."""
    strides, inner, item = list(array.strides), -1, array.itemsize
    for axis in sorted(range(array.ndim), key=lambda axis: abs(array.strides[axis])):
        step, length = array.strides[axis], array.shape[axis]
        if length == 1 or step == 0:
            strides[axis] = 0
            continue
        fitting = item if inner < 0 else abs(array.strides[inner]) * array.shape[inner]
        packed = item if inner < 0 else abs(strides[inner]) * array.shape[inner]
        packed += item * (abs(step) != fitting)
        strides[axis] = packed if step > 0 else -packed
        inner = axis
    return tuple(strides)


class _Lender:
    """Has an array, and hands out its memory as if nothing owned it."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.array = array
        if array.flags.c_contiguous:
            start, shape, kind = address_of(array), array.shape, array.dtype.str
        else:
            start, high = byte_bounds(array)
            shape, kind = (high - start,), "|u1"
        self.__array_interface__ = {"data": (start, False), "shape": shape, "typestr": kind, "version": 3}


def on_memory_of(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the like of an array on the memory that it lends: that has an owner that nothing else owns."""
    memory: np.ndarray[Any, Any] = _asarray(_Lender(array))
    if array.flags.c_contiguous:
        return memory
    return np.ndarray(
        array.shape, array.dtype, memory, address_of(array) - address_of(memory), array.strides
    )


def is_lent(array: np.ndarray[Any, Any]) -> bool:
    """Tell whether an array is on memory of the caller's."""
    return array.base is not None and type(owner_of(array).base) is _Lender


def borrowed_of(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the caller's array whose memory an array is on."""
    own: np.ndarray[Any, Any] = owner_of(array).base.array
    return own


def callers_own(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the caller's array that an array on its memory stands for, or the same part of it."""
    own = borrowed_of(array)
    if (own.shape, own.strides, address_of(own)) == (array.shape, array.strides, address_of(array)):
        return own
    seen: np.ndarray[Any, Any] | None = taken(own, way_to(array, own))
    return array if seen is None else seen


def overlap(left: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> bool:
    """Tell whether two arrays see some of the same memory, or that takes too long to find out."""
    if not np.may_share_memory(left, right):
        return False
    try:
        return bool(_shares_memory(left, right, max_work=_MOST_WORK))
    except np.exceptions.TooHardError:
        return True


def is_within(part: np.ndarray[Any, Any], array: np.ndarray[Any, Any]) -> bool:
    """Tell whether an array sees nothing before or behind what another one sees."""
    low, high = byte_bounds(array)
    first, last = byte_bounds(part)
    return bool(low <= first and last <= high)


def overlapping(arrays: list[np.ndarray[Any, Any]]) -> set[int]:
    """Return the identities of those arrays that see some of what another one of them sees."""
    found: set[int] = set()
    near: list[tuple[int, np.ndarray[Any, Any]]] = []  # those that end further on, and where
    for low, high, turn in sorted((*byte_bounds(each), turn) for turn, each in enumerate(arrays)):
        near = [each for each in near if each[0] > low]
        for _, other in near:
            if overlap(other, arrays[turn]):
                found |= {id(other), id(arrays[turn])}
        near.append((high, arrays[turn]))
    return found


def taken(array: Any, steps: list[tuple[str, Any]] | None) -> Any:
    """Return the view that some steps take of an array; None where there is none."""
    if steps is None or array is None:
        return None
    seen = array
    for name, given in steps:
        seen = seen[given] if name == "getitem" else getattr(seen, name)(given)
    return seen if owner_of(seen) is owner_of(array) else None


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
    taken: dict[int, int] = {}  # by axis of the view: that of the array which it goes along
    for axis, (length, stride) in enumerate(zip(view.shape, view.strides, strict=True)):
        if length == 1:
            continue
        fitting = [
            each
            for each, along in enumerate(array.strides)
            if array.shape[each] > 1 and along and each not in taken.values() and not stride % along
        ]
        along = max(fitting, key=lambda each: abs(array.strides[each]), default=-1)
        step = stride // array.strides[along] if along >= 0 else 0
        first = start[along] if step else 0
        last = first + step * (length - 1)
        if not step or not 0 <= last < array.shape[along]:
            return None
        taken[axis] = along
        if step == 1 and length == array.shape[along]:
            index[along] = slice(None)
        else:
            stop = last + (1 if step > 0 else -1)
            index[along] = slice(first, stop if stop >= 0 else None, step if step != 1 else None)
    if not taken:
        index.append(...)  # else it were a number
    axes = list(taken.values())
    if axes == sorted(axes):
        return [("getitem", _with_new_axes(index, taken, view.ndim))]
    steps: list[tuple[str, Any]] = [
        ("getitem", tuple(index)),
        ("transpose", tuple(np.argsort(np.argsort(axes)).tolist())),
    ]
    if len(taken) < view.ndim:
        steps.append(
            ("getitem", tuple(slice(None) if axis in taken else None for axis in range(view.ndim)))
        )
    return steps


def _with_new_axes(index: list[Any], taken: dict[int, int], ndim: int) -> tuple[Any, ...]:
    """Return an index whose slices give the axes of a view that are `taken`, with None for the others."""
    found: list[Any] = []
    axis = 0
    for each in index:
        if type(each) is slice:
            while axis not in taken:
                found.append(None)
                axis += 1
            axis += 1
        found.append(each)
    return (*found, *[None] * (ndim - axis))


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


def address_of(array: np.ndarray[Any, Any]) -> int:
    """Return where the first element is."""
    address: int = array.__array_interface__["data"][0]
    return address


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
    numbers = (np.arange(owner.nbytes // array.itemsize) % 2039).astype(
        array.dtype
    )  # which float16 has, too
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


def is_alone(options: dict[str, Any], held: int = 0) -> bool:
    """Tell of `b *= x`, asked by the `__array_ufunc__` of x, whether nothing has the array but so many references."""
    (array,) = options["out"]
    owns = array.base is None
    del array
    return owns and _references(options) - held <= _fewest()


def _references(options: dict[str, Any]) -> int:
    return references(options["out"], 0)


class _Asked:
    """What is asked in place of x."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> int:
        return _references(options)


class _Made:
    """Has no array, but makes one."""

    written: Any = None

    def __getitem__(self, index: Any) -> Any:
        return np.empty(1)

    def __setitem__(self, index: Any, value: Any) -> None:
        self.written = value


@cache
def _fewest() -> int:
    """Count the references to an array that nothing has while it is written."""
    made = _Made()
    made[0] *= _Asked()
    return int(made.written)
