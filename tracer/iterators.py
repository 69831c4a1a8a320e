"""`np.nditer` and `np.nested_iters`, which iterate in C over plain copies: to read them is a cut, to write is refused.

What a loop wrote into such a copy would be lost. `patches.py` replaces the names.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.errors import UnsupportedError
from tracer.families import expose
from tracer.frames import place, users
from tracer.seeds import Reading
from tracer.standins import Traced, is_traced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_frame = sys._getframe  # noqa: SLF001  (the only way to see the caller at this speed)
_ORIGINALS = ((np.nditer, 2), (np.nested_iters, 3))  # with the place of `op_flags`
_WRITING = ("readwrite", "writeonly")


def _iterating(original: Callable[..., Any], at: int) -> Callable[..., Any]:
    def function(*args: Any, **options: Any) -> Any:
        op: Any = args[0] if args else options.get("op")
        operands: Any = op if type(op) in (list, tuple) else (op,)
        flags = args[at] if len(args) > at else options.get("op_flags")
        if not any(issubclass(type(each), Traced) for each in operands) or not _writes(operands, flags):
            return original(*args, **options)
        if any(map(is_traced, operands)):
            raise UnsupportedError(
                f"np.{original.__name__} that writes is not followed",
                where=place(users(_frame(1))),
                got="a traced array among its operands, of which it would change a copy",
                advice="write it as operations of whole arrays, or as a loop over np.ndindex(a.shape)",
            )
        memory = [_memory(each) for each in operands]
        given = memory if type(op) in (list, tuple) else memory[0]
        return original(given, *args[1:], **{name: each for name, each in options.items() if name != "op"})

    return function


def _writes(operands: Any, flags: Any) -> bool:
    """Tell whether an iterator may change one of its operands, or makes one, as it does where that is None."""
    if any(each is None for each in operands):
        return True
    each_flags = [[flag] if isinstance(flag, str) else flag for flag in flags or ()]
    return any(flag in _WRITING for some in each_flags for flag in some or ())


def _memory(operand: Any) -> Any:
    """Return the memory itself of an array that holds no traced value yet; none may be written into it any more."""
    if not issubclass(type(operand), Traced):
        return operand
    expose(operand)
    return operand.value_


def replacements() -> Iterator[tuple[Any, Any]]:
    """Yield (original, replacement)."""
    for original, at in _ORIGINALS:
        function = _iterating(original, at)
        if not isinstance(original, type):
            yield original, function
            continue
        names = {name: each for name, each in vars(original).items() if not name.startswith("__")}
        names |= {"__wrapped__": original, "__module__": original.__module__, "__doc__": original.__doc__}
        names["__called__"] = staticmethod(function)
        yield original, Reading(original.__name__, (), names)  # NumPy lets no class be made of its own
