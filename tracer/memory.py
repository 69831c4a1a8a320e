"""Which memory an array sees: its owner, what two arrays share of it, and how a copy or the caller's own is had."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds
from numpy.lib.stride_tricks import as_strided

# Stands between a view by strides and its array
_STRIDED_BASE: type[Any] = type(as_strided(np.empty(1)).base)
_MOST_WORK = 10_000  # candidates that NumPy tries, to find what two arrays have in common
_shares_memory: Any = np.shares_memory  # whose stub knows two numbers for `max_work` alone
_FEW_BYTES = 1 << 15  # up to which copying two arrays is cheaper than comparing them in place
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


def owns_its_memory(array: np.ndarray[Any, Any]) -> bool:
    """Tell whether an array, or one that it is a view of, owns its memory: of a buffer or a pointer none does."""
    while type(array.base) is np.ndarray:
        array = array.base
    return array.base is None


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
    return placed_on(memory, array)


def in_order_of_memory(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return an array, or a view of it whose axes are in the order in which they lie, if none is yet."""
    if array.flags.forc:
        return array
    return array.transpose(sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis])))


def placed_on(memory: np.ndarray[Any, Any], array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the like of an array on the memory of another one, in which it lies."""
    start = address_of(array) - address_of(memory)
    return np.ndarray(array.shape, array.dtype, memory, start, array.strides)


def is_lent(array: np.ndarray[Any, Any]) -> bool:
    """Tell whether an array is on memory of the caller's."""
    return array.base is not None and type(owner_of(array).base) is _Lender


def borrowed_of(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the caller's array whose memory an array is on."""
    own: np.ndarray[Any, Any] = owner_of(array).base.array
    return own


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


def address_of(array: np.ndarray[Any, Any]) -> int:
    """Return where the first element is."""
    address: int = array.__array_interface__["data"][0]
    return address


def same_bytes(left: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> bool:
    """Compare bit by bit, so that NaN equals itself and 0.0 differs from -0.0."""
    if left.dtype != right.dtype or left.dtype.hasobject or left.shape != right.shape:
        return False
    in_place = left.nbytes > _FEW_BYTES and left.itemsize in (1, 2, 4, 8)
    if in_place and left.flags.c_contiguous and right.flags.c_contiguous:
        unsigned = f"u{left.itemsize}"
        return bool((left.view(unsigned) == right.view(unsigned)).all())
    return left.tobytes() == right.tobytes()
