"""Functions that make arrays, replaced while a trace runs: what they give can be written into (`blank.py`)."""

from __future__ import annotations

import functools
import linecache
import re
import sys
from itertools import islice
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer import numpy_calls
from tracer.blank import blank
from tracer.standins import holds_traced, plain_deep, record_call
from tracer.tape import innermost, wants_plain_arrays

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType, FrameType

_frame = sys._getframe  # noqa: SLF001  (the only way to see the caller at this speed)
_DOTTED_NAME = re.compile(r"([\w.]+)\s*\(")
_CALLEES: dict[tuple[CodeType, int], Any] = {}  # by instruction: what it calls
_OF_A_SHAPE = ("empty", "zeros", "ones", "eye", "identity", "tri")
_OF_AN_ARRAY = ("zeros_like", "ones_like", "empty_like")
_OF_NUMBERS = ("arange", "linspace", "logspace", "geomspace", "copy", "fromiter")


def made(value: Any, function: Callable[..., Any], frame: FrameType) -> Any:
    """Return an array that the user's code made by calling `function`, as one that can be written into.

    Libraries get the plain array: they hand it to C code, which would not know what else to do with it.
    """
    running = innermost()
    if running is None or not running.is_open or wants_plain_arrays(frame):
        return value
    call = (frame.f_code, frame.f_lasti)
    if call not in _CALLEES:
        _CALLEES[call] = _callee(frame)
    # Compiled code has no frame of its own: what it calls seems to be called by the user's line.
    return blank(value, running) if _CALLEES[call] is function else value


def _callee(frame: FrameType) -> Any:
    """Return what the running line calls, found by its name in the source; None where that can't be told."""
    positions = next(islice(frame.f_code.co_positions(), frame.f_lasti // 2, None), (None,) * 4)
    line, _, column, _ = positions
    if line is None or column is None:
        return None
    text = linecache.getline(frame.f_code.co_filename, line, frame.f_globals).encode()[column:].decode()
    name = _DOTTED_NAME.match(text)
    if name is None:
        return None
    first, *rest = name[1].split(".")
    found = frame.f_locals.get(first, frame.f_globals.get(first))
    for attribute in rest:
        if not isinstance(found, ModuleType):
            return None
        found = vars(found).get(attribute)
    return found


def _creating(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def function(*args: Any, **options: Any) -> Any:
        value = original(*args, **options)
        return made(value, function, _frame(1)) if type(value) is np.ndarray else value

    return function


def _full(original: Callable[..., Any]) -> Callable[..., Any]:
    """Follow np.full and np.full_like: the number that fills the array may be traced."""

    @functools.wraps(original)
    def function(*args: Any, **options: Any) -> Any:
        filling = args[1] if len(args) > 1 else options.get("fill_value")
        value = original(*plain_deep(args), **plain_deep(options))
        if holds_traced(filling) and value.dtype.kind in "fc":
            frame = _frame(1)
            return record_call("broadcast_to", numpy_calls.arrays_of((filling,), frame), value, None, frame)
        return made(value, function, _frame(1))

    return function


def replacements() -> Iterator[tuple[Any, Callable[..., Any]]]:
    """Yield (original, replacement) for the functions that make arrays."""
    for name in (*_OF_A_SHAPE, *_OF_AN_ARRAY, *_OF_NUMBERS):
        original = getattr(np, name)
        yield original, _creating(original)
    for name in ("full", "full_like"):
        original = getattr(np, name)
        yield original, _full(original)
