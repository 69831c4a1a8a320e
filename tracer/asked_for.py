"""What the line that asks a stand-in for something wants with it: a text, a key, a Fraction, NumPy's own protocol.

Used by values.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.callee import called_name
from tracer.cuts import cut
from tracer.frames import wants_plain_arrays
from tracer.instructions import ITEM_STORES, operator_at
from tracer.standins import is_traced, plain
from tracer.texts import note

if TYPE_CHECKING:
    from types import FrameType

    from tracer.standins import Traced

_NUMBERS = (float, np.float64)
_KEPT = "a comparison with an equal value that the program has kept, as a cache does"
_FEW = 64  # elements of an array that are looked at


def written_or_cut(number: Traced, via: str, frame: FrameType) -> None:
    """Let a number leave the graph; `"%.2f" % x` only reads it, where other operators ask the stand-in."""
    if operator_at(frame) in ("%", "%="):
        note(number, "", frame)
    else:
        cut(number, via, frame)


def note_equal(value: Traced, other: Any, frame: FrameType) -> None:
    """Say that a key found an equal one, or a number one that the program has kept: it may give what it holds for that.

    A dict, a set or a cache asks for the hash and for equality in one instruction.
    """
    is_same = is_traced(other) and other.tape_ is value.tape_ and other.id_ == value.id_
    if is_same or not value.tape_.is_open:
        return
    if value.tape_.hashed == (frame.f_code, frame.f_lasti):
        # Which puts a value where another one was
        if frame.f_code.co_code[frame.f_lasti] not in ITEM_STORES:
            cut(value, "a key that equals another one, of a dict, a set or a cache", frame)
    elif type(other) in _NUMBERS and _are_kept([float(other)], frame):
        cut(value, _KEPT, frame)


def note_equal_arrays(one: Any, other: Any, frame: FrameType) -> None:
    """Say so of an array that is compared with one that the program has kept, and is all equal to it."""
    value, kept = (one, other) if is_traced(one) else (other, one)
    if type(kept) is not np.ndarray or kept.dtype.kind != "f" or not is_traced(value):
        return
    array = value.value_
    is_equal = np.shape(array) == kept.shape and kept.size and array.flat[0] == kept.flat[0]
    if is_equal and np.array_equal(array, kept) and _are_kept(kept.flat[:_FEW].tolist(), frame):
        cut(value, _KEPT, frame)


def _are_kept(numbers: list[float], frame: FrameType) -> bool:
    """Tell whether any of some numbers is none that is equal by chance, or written, and may be taken for the value."""
    from tracer.only_decides import only_decides  # noqa: PLC0415  (few numbers are equal)
    from tracer.texts_back import is_round  # noqa: PLC0415  (as above)

    are_kept = any(not is_round(abs(each)) and each not in frame.f_code.co_consts for each in numbers)
    return are_kept and not only_decides(frame)


def part_of_fraction(number: Any, frame: FrameType) -> Any:
    """Let a whole number leave into a Fraction, which divides it by what is common to both: a step, like any `//`."""
    if frame.f_globals.get("__name__") != "fractions":
        return number
    return (
        plain(number)
        if frame.f_code.co_name in ("_richcmp", "__eq__")
        else cut(number, "a Fraction", frame)
    )


def is_asked_by(frame: FrameType, name: str) -> bool:
    """Tell whether the user's own line asks for an attribute: `a.name`, `hasattr(a, "name")`."""
    code = frame.f_code
    if name not in code.co_names and name not in code.co_consts:
        return False
    asking = called_name(code, frame.f_lasti) in (None, "getattr", "hasattr")
    return asking and not wants_plain_arrays(frame)
