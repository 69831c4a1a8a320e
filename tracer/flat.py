"""What a traced array is gone through by: its rows, and all its elements.

`a.flat` is also read and written by flat places.
"""

from __future__ import annotations

import operator
import sys
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.buffers import refuse_overwritten
from tracer.mutation import call_any, call_ufunc_any
from tracer.numpy_calls import getitem
from tracer.standins import is_traced, plain, plain_deep
from tracer.writing_calls import write_flat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import SupportsIndex

_frame = sys._getframe  # noqa: SLF001  (the only way to see the caller at this speed)


class Flat:
    """Stands for a flatiter."""

    __slots__ = ("base", "index")

    __hash__ = None  # type: ignore[assignment]  # as a flatiter's

    def __init__(self, array: Any) -> None:
        self.base, self.index = array, 0

    @property
    def coords(self) -> tuple[int, ...]:
        """The place of the next element."""
        rest, places = self.index, []
        for length in self.base.value_.shape[:0:-1]:
            rest, place = divmod(rest, length)
            places.append(place)
        return (rest, *reversed(places)) if self.base.value_.ndim else ()

    def __len__(self) -> int:
        return int(self.base.value_.size)

    def __iter__(self) -> Iterator[Any]:
        self.index = 0
        return self

    def __next__(self) -> Any:
        if self.index >= len(self):
            raise StopIteration
        element = getitem(self.base, self.coords, _frame(1))
        self.index += 1
        return element

    def __getitem__(self, index: Any) -> Any:
        return getitem(self.base, self._places(index), _frame(1))

    def __setitem__(self, index: Any, value: Any) -> None:
        self.write(index, value, _frame(1))

    def write(self, index: Any, value: Any, frame: FrameType) -> None:
        """Write values, which are gone through again and again, at flat places."""
        value = in_rows(value, frame)
        array, index, values = self.base.value_, plain_deep(index), plain_deep(value)
        array.copy().flat[index] = values  # raises NumPy's own errors
        if type(values) is np.ndarray and np.may_share_memory(array, values):
            refuse_overwritten(array, values, lambda into, part: into.flat.__setitem__(index, part), frame)
        places = np.arange(len(self))[index].ravel()
        write_flat(frame, self.base, places, value, np.arange(len(places)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self.copy().__array__(dtype, copy=copy)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        frame = _frame(1)
        return call_ufunc_any(ufunc, method, in_rows(inputs, frame), options, frame)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        frame = _frame(1)
        if function is np.copy:  # which for NumPy is np.array(self)
            return self.in_a_row(frame)
        return call_any(function, in_rows(args, frame), options, frame)

    def __reduce__(self) -> Any:
        """Say how to make NumPy's own, once a plain array can take the place of the stand-in (`leftovers.py`)."""
        return _begun, (self.base, self.index)

    def copy(self) -> Any:
        """Return all elements in one row."""
        return self.in_a_row(_frame(1)).copy()

    def in_a_row(self, frame: FrameType) -> Any:
        """Return all elements in one row, as NumPy takes them from the iterator: where it can, not copied."""
        return self.base._attribute("ravel", frame)()  # noqa: SLF001  (a record, or a view of a blank array)

    def _places(self, index: Any) -> tuple[Any, ...]:
        shape = self.base.value_.shape
        flat = np.arange(self.base.value_.size)[plain_deep(index)]
        return tuple(np.unravel_index(flat, shape)) if shape else (np.zeros_like(flat),)[:0]


class Rows:
    """What an array is gone through by: Python's own iterator, as NumPy's has, asks it for one index after another.

    When the trace has ended, the array is put in place of the stand-in (`leftovers.py`).
    """

    __slots__ = ("array",)

    def __init__(self, array: Any) -> None:
        self.array = array

    def __getitem__(self, index: int) -> Any:
        array = self.array
        return getitem(array, index, _frame(1)) if is_traced(array) else array[index]

    def __len__(self) -> int:
        return len(self.array)

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        return self.array.__reduce_ex__(protocol)


def plain_flat(given: Any) -> Any:
    """Return NumPy's iterator over the plain elements; of anything else the plain value."""
    return given.base.value_.flat if type(given) is Flat else plain(given)


def _write_comparisons() -> None:
    """Give Flat the six comparisons, which are NumPy's of plain elements."""

    def comparing(compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        return lambda self, other: compute(plain_flat(self), plain_flat(other))

    for name in ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"):
        setattr(Flat, name, comparing(getattr(operator, name)))


def _begun(array: Any, index: int) -> Any:
    """Return the iterator over all elements that has given so many."""
    elements = array.flat
    deque(islice(elements, index), maxlen=0)
    return elements


def in_rows(given: Any, frame: FrameType) -> Any:
    """Return arguments with the elements in one row in place of each iterator, in lists and tuples of them, too."""
    if type(given) is Flat:
        return given.in_a_row(frame)
    return type(given)([in_rows(each, frame) for each in given]) if type(given) in (tuple, list) else given


_write_comparisons()
Flat.__name__ = Flat.__qualname__ = "numpy.flatiter"
