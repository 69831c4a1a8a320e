"""What is said of an operation that is refused: it has no rule, or its result can't be followed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from tracer.callee import called_name
from tracer.errors import UnsupportedError
from tracer.frames import library_function, place, users

if TYPE_CHECKING:
    from types import FrameType

_LEAVES_OUT = "detach(x) leaves it out of the gradient"
_SUPPORTED = "write it with supported operations"
_END = " followed)"


def refuse(what: str, frame: FrameType) -> UnsupportedError:
    """Return the error for a function that has no rule, naming it and the line.

    `what` may end in the reason and in what is followed: "np.f with a= of b: it has no slope (np.g is followed)".
    """
    from tracer.ways_around import way_around  # noqa: PLC0415  (few programs fail)

    library, advice = _name(library_function(frame), frame), ""
    if what.endswith(_END):
        what, _, advice = what[:-1].partition(" (")
    what, _, reason = what.partition(": ")
    if library.startswith("np."):  # what it is made of is nothing that the program has written
        what, library = library, ""
    return UnsupportedError(
        f"{library} is not followed yet: it calls {what.rstrip(',')}"
        if library
        else f"{what} is not followed yet",
        where=place(frame),
        got=reason or "a traced value was passed in, and no derivative rule is known",
        advice=f"{advice or way_around(library or what) or _SUPPORTED}; {_LEAVES_OUT}",
    )


def _name(library: str, frame: FrameType) -> str:
    """Return the name that a library's function is called by, where its own is none for users."""
    module, _, name = library.rpartition(".")
    user = users(frame)
    return f"{module}.{called_name(user.f_code, user.f_lasti) or name}" if name.startswith("_") else library


def refuse_complex(name: str, frame: FrameType) -> NoReturn:
    """Raise the error for an operation on complex numbers whose rule is one for real numbers."""
    raise UnsupportedError(
        f"{name} of complex numbers is not followed",
        where=place(frame),
        got="its rule is one for real numbers",
        advice=f"{_SUPPORTED}; {_LEAVES_OUT}",
    )


def refuse_value(name: str, value: Any, frame: FrameType) -> NoReturn:
    """Raise the error for a result that is no number and no plain array of numbers."""
    from tracer.ways_around import way_around  # noqa: PLC0415  (as above)

    described = type(value).__name__ + (f" of {value.dtype}" if isinstance(value, np.ndarray) else "")
    around = way_around(described)
    raise UnsupportedError(
        f"{name} gave a result that can't be followed yet",
        where=place(frame),
        got=f"got {described}, expected a number or an array of them",
        advice=f"{around}; {_LEAVES_OUT}" if around else _LEAVES_OUT,
    )
