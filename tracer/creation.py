"""Functions that make arrays, replaced while a trace runs: what they give can be written into (`blank.py`)."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.blank import blank
from tracer.standins import is_traced, plain_deep, record_call
from tracer.tape import innermost, wants_plain_arrays

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_frame = sys._getframe  # noqa: SLF001  (the only way to see the caller at this speed)
_OF_A_SHAPE = ("empty", "zeros", "ones", "eye", "identity", "tri")
_OF_AN_ARRAY = ("zeros_like", "ones_like", "empty_like")
_OF_NUMBERS = ("arange", "linspace", "logspace", "geomspace", "copy", "fromiter")


def made(value: Any, frame: FrameType) -> Any:
    """Return an array that the user's code made, as one that can be written into.

    Libraries get the plain array: they hand it to C code, which would not know what else to do with it.
    """
    running = innermost()
    return value if running is None or wants_plain_arrays(frame) else blank(value, running)


def _creating(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def function(*args: Any, **options: Any) -> Any:
        value = original(*args, **options)
        return made(value, _frame(1)) if type(value) is np.ndarray else value

    return function


def _full(original: Callable[..., Any]) -> Callable[..., Any]:
    """Follow np.full and np.full_like: the number that fills the array may be traced."""

    @functools.wraps(original)
    def function(*args: Any, **options: Any) -> Any:
        filling = args[1] if len(args) > 1 else options.get("fill_value")
        value = original(*plain_deep(args), **plain_deep(options))
        if is_traced(filling) and value.dtype.kind == "f":
            return record_call("broadcast_to", (filling,), value, None, _frame(1))
        return made(value, _frame(1))

    return function


def replacements() -> Iterator[tuple[Any, Callable[..., Any]]]:
    """Yield (original, replacement) for the functions that make arrays."""
    for name in (*_OF_A_SHAPE, *_OF_AN_ARRAY, *_OF_NUMBERS):
        original = getattr(np, name)
        yield original, _creating(original)
    for name in ("full", "full_like"):
        original = getattr(np, name)
        yield original, _full(original)
