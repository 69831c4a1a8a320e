"""Memory for values and gradients: many gradients in one block, so that the system hands out few large pieces.

A block that nothing looks into any more is used again by the next backward pass: new memory costs more than the
arithmetic that fills it. What is handed to users is copied (`views.py`), so that one gradient holds no block.
"""

from __future__ import annotations

import math
from collections import deque
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.references import references

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK = 1 << 22  # bytes; for so many NumPy asks for large pages
_PAGE = 1 << 21  # bytes of a large one
_FEWEST = 1 << 20  # bytes that are worth a block
_SIZES = range(1 << 10, 1 << 19)  # bytes of an array that lies in one
_LINE = 64  # bytes of the processor's cache
_BYTES = np.dtype(np.uint8)
_ITEM = np.dtype(np.float64).itemsize
_MOST_BLOCKS = 4  # that are not given back to the system

_KEPT = 1 << 24  # bytes of the largest array whose memory the allocator keeps for the next one

# A run holds what it computes until its trace is gone, all at once. glibc gives such a stretch back to the system, and
# the next run gets it again page by page, at twice the price of its arithmetic, until it has seen one large array
# go: from then on it keeps twice that, and arrays that are smaller come from there (mallopt(3), M_MMAP_THRESHOLD). The
# next one does, too, and NumPy asks the system for large pages for it, as for all of 4 MiB: what comes there has them.
np.empty(_KEPT, np.uint8)
np.empty(_KEPT - _PAGE, np.uint8)

# Each is taken out while it is looked at, so that no two threads get the same.
_blocks: deque[np.ndarray[Any, Any]] = deque()


def rooms(counts: dict[tuple[int, ...], int]) -> dict[tuple[int, ...], Iterator[Any]]:
    """Return, for shapes of which about so many arrays of float64 are needed, what gives such arrays, without end.

    Shapes that are left out, and all where they are few, are better made one by one; so is what is needed beyond that.
    """
    strides = {shape: _stride(shape) for shape, count in counts.items() if count and _fits(shape)}
    counts = {shape: counts[shape] for shape in strides}
    needed = sum(count * strides[shape] for shape, count in counts.items())
    if needed < _FEWEST:
        return {}
    supply = _Supply(needed)
    return {
        shape: chain(
            chain.from_iterable(supply.stretches(shape, strides[shape], count)),
            map(np.empty, repeat(shape)),
        )
        for shape, count in counts.items()
    }


def _fits(shape: tuple[int, ...]) -> bool:
    """Tell whether arrays of float64 of a shape may lie in a block."""
    return _stride(shape) in _SIZES


def _stride(shape: tuple[int, ...]) -> int:
    return -(-math.prod(shape) * _ITEM // _LINE) * _LINE


def handed_out(held: Any) -> Any:
    """Return a gradient or a value as users get it: edges share arrays, so none that can be written to.

    Of what lies in a block, a copy, which does not hold the block.
    """
    if type(held) is not np.ndarray:
        return held
    is_copied = is_in_block(held) and 0 not in held.strides
    given = held.copy("K") if is_copied else held.view()
    given.flags.writeable = False
    return given


def is_in_block(array: np.ndarray[Any, Any]) -> bool:
    """Tell whether an array lies in a block."""
    base = array.base
    return type(base) is np.ndarray and base.dtype is _BYTES


class _Supply:
    """The blocks of one backward pass, and how many bytes are still needed."""

    def __init__(self, needed: int) -> None:
        self._needed = needed
        self._block = np.empty(0, np.uint8)
        self._used = self._stop = 0

    def stretches(self, shape: tuple[int, ...], stride: int, count: int) -> Iterator[np.ndarray[Any, Any]]:
        """Yield arrays of arrays, each as many as there is room for."""
        while count:
            if self._stop - self._used < stride:
                self._block = _block(self._needed)
                self._used, self._stop = _stretch_of(self._block)
            number = min(count, (self._stop - self._used) // stride)
            strides = np.empty(shape, np.float64).strides
            stretch = np.ndarray((number, *shape), np.float64, self._block, self._used, (stride, *strides))
            # First, as another shape may be asked for before this one again
            self._used += number * stride
            self._needed -= number * stride
            count -= number
            yield stretch


def _block(needed: int) -> np.ndarray[Any, Any]:
    """Return a block that nothing looks into, at most as large as needed unless it is there already."""
    for _ in range(len(_blocks)):
        try:
            taken = [_blocks.popleft()]
        except IndexError:  # another thread has it
            break
        is_free = not references(taken, 0)
        _hold(taken[0])
        if is_free:
            return taken[0]
    if needed <= _BLOCK // 2:
        return np.empty(needed, np.uint8)
    block = np.empty(_BLOCK + _PAGE, np.uint8)
    _hold(block)
    return block


def _stretch_of(block: np.ndarray[Any, Any]) -> tuple[int, int]:
    """Return from where to where a block is used: the system gives large pages for what begins as they do."""
    if len(block) < _BLOCK:
        return 0, len(block)
    start = -block.__array_interface__["data"][0] % _PAGE
    return start, start + _BLOCK


def _hold(block: np.ndarray[Any, Any]) -> None:
    if len(_blocks) < _MOST_BLOCKS:
        _blocks.append(block)
