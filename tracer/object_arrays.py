"""Arrays of objects, and of records that have some: what is in them the garbage collector does not know.

What of a trace the program has put into one is there until the call has ended. Used by unboxing.py and leftovers.py.
"""

from __future__ import annotations

import gc
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MANY = 1000  # objects that the collector is asked of at once


def holds_objects(value: Any) -> bool:
    """Tell whether a value is an array in which there are objects."""
    return issubclass(type(value), np.ndarray) and value.dtype.hasobject


def exchange(array: np.ndarray[Any, Any], other: Callable[[Any], Any]) -> None:
    """Put others in place of the objects in an array, where they are others; what is read only keeps what it has."""
    array = np.ndarray.view(array, np.ndarray)  # past what its class makes of it
    if array.dtype.names is not None:
        for name in array.dtype.names:
            if array.dtype[name].hasobject:
                exchange(array[name], other)
        return
    for index, item in zip(np.ndindex(array.shape), array.ravel().tolist(), strict=True):
        new = other(item)
        if new is not item and array.flags.writeable:
            place = array[(*index, np.newaxis)]  # which has an axis, or an array would be spread over it
            place[0] = new


def all_arrays() -> list[np.ndarray[Any, Any]]:
    """Return the arrays of objects that the program has, in other such arrays, too: every object is looked at."""
    looked_for = frozenset((tuple, dict, *_with_derived(np.ndarray)))
    seen: dict[int, Any] = {}
    # No module, as `leftovers.holders_of` says
    holders = [each for each in gc.get_objects() if type(each) is not ModuleType]
    while holders:
        fresh: list[Any] = []
        for at in range(0, len(holders), _MANY):
            for each in gc.get_referents(*holders[at : at + _MANY]):
                if type(each) not in looked_for or id(each) in seen:
                    continue
                if holds_objects(each):
                    seen[id(each)] = each
                    inner: list[Any] = []
                    exchange(each, partial(_noted, inner))
                    fresh.append(inner)
                # The collector passes over those that hold nothing but what it does not know.
                elif type(each) in (tuple, dict) and not gc.is_tracked(each):
                    seen[id(each)] = each
                    fresh.append(each)
        holders = fresh
    return [each for each in seen.values() if holds_objects(each)]


def _with_derived(kind: type) -> Iterator[type]:
    yield kind
    derived: list[type] = type.__subclasses__(kind)
    for each in derived:
        yield from _with_derived(each)


def _noted(noted: list[Any], item: Any) -> Any:
    noted.append(item)
    return item
