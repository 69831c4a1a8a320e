"""What the line that asks a stand-in for something wants with it: a text, a key, a Fraction, NumPy's own protocol.

Used by values.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracer.callee import called_name
from tracer.cuts import cut
from tracer.frames import wants_plain_arrays
from tracer.instructions import ITEM_STORES, operator_at
from tracer.standins import is_traced, plain
from tracer.texts import note

if TYPE_CHECKING:
    from types import FrameType

    from tracer.standins import Traced


def written_or_cut(number: Traced, via: str, frame: FrameType) -> None:
    """Let a number leave the graph; `"%.2f" % x` only reads it, where other operators ask the stand-in."""
    if operator_at(frame) in ("%", "%="):
        note(number, "", frame)
    else:
        cut(number, via, frame)


def note_key(value: Traced, other: Any, frame: FrameType) -> None:
    """Say that a key found an equal one: a dict, a set or a cache gives what it holds for that one.

    A lookup asks for the hash and for equality in one instruction.
    """
    is_same = is_traced(other) and other.tape_ is value.tape_ and other.id_ == value.id_
    if is_same or value.tape_.hashed != (frame.f_code, frame.f_lasti) or not value.tape_.is_open:
        return
    if frame.f_code.co_code[frame.f_lasti] not in ITEM_STORES:  # which puts a value where another one was
        cut(value, "a key that equals another one, of a dict, a set or a cache", frame)


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
