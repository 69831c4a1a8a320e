"""Which memory an array looks at: its owner, what two arrays share, and whether anything else may see it."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

_STRIDED_BASE: type[Any] = type(
    as_strided(np.empty(1)).base
)  # stands between a view by strides and its array


def owner_of(array: Any) -> Any:
    """Return the array that owns the memory."""
    while isinstance(base := array.base, (np.ndarray, _STRIDED_BASE)):
        array = base if isinstance(base, np.ndarray) else base.base
    return array


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


def _addresses(array: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the address of every element."""
    addresses = np.full((), array.__array_interface__["data"][0], np.int64)
    for length, stride in zip(array.shape, array.strides, strict=True):
        addresses = addresses[..., None] + np.arange(length) * stride
    return addresses


def is_alone(options: dict[str, Any]) -> bool:
    """Tell of `b *= x`, asked by the `__array_ufunc__` of x, whether nothing but its one place has the array b."""
    (array,) = options["out"]
    owns = array.base is None
    del array
    return owns and _references(options) <= _fewest()


def _references(options: dict[str, Any]) -> int:
    return sys.getrefcount(options["out"][0])


class _Asked:
    """What is asked in place of x."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> int:
        return _references(options)


@cache
def _fewest() -> int:
    """Count the references to an array that only one variable has, while it is written."""
    array: Any = np.empty(1)
    array *= _Asked()
    return int(array)
