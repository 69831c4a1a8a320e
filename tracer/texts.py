"""What is written of traced values, noted while the function runs: text is a read, of which nothing is said.

Whether one of the numbers in it was read back and went on as a constant is known at the end of the run
(`texts_back.py`), from the constants of the graph.
"""

from __future__ import annotations

import threading
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from tracer.cuts import is_step
from tracer.frames import users
from tracer.scopes import COMPREHENSIONS

if TYPE_CHECKING:
    from types import CodeType, FrameType

    from tracer.standins import Traced

VIA = "text that is read back"
MAY_BE_BACK = "traced values were written as text, and numbers that may be read back from it went on"
_MOST = 5_000  # texts that are remembered: the last
FARTHEST = 4  # calls that a text is returned from
_LONGEST = 10_000  # characters of one


class Text(NamedTuple):
    """One text that was made of a traced value."""

    text: str  # empty where only the value is known: "%.3f" % x
    value: Any
    record: int
    before: int  # where the next record stands on the tape
    scope: int
    code: CodeType
    instruction: int
    names: dict[str, Any]  # the globals of that code
    callers: tuple[tuple[CodeType, int], ...]  # the calls around it

    @property
    def places(self) -> tuple[tuple[CodeType, int], ...]:
        """Where it was made, and the calls around that."""
        return ((self.code, self.instruction), *self.callers)


_text = partial(tuple.__new__, Text)  # in one step: one is made for every text


def note(traced: Traced, text: str, frame: FrameType) -> str:
    """Remember the text of a traced value; an empty one, that it was asked for as a number to be written."""
    tape, value = traced.tape_, traced.value_
    is_of_ours = tape.is_open and traced.id_ >= 0 and threading.get_ident() == tape.thread
    if is_of_ours and type(value) is not int and not is_step(tape, traced.id_):
        if tape.texts is None:
            tape.texts = deque(maxlen=_MOST)
        own = users(frame)
        scope = tape.segments[-1].scope if own is tape.frame else tape.scopes.nearest(own)
        callers = () if own.f_back is tape.scopes.hook_frame else _callers(own)
        place = scope, own.f_code, own.f_lasti, own.f_globals, callers
        kept = None if text else value
        tape.texts.append(_text((text[:_LONGEST], kept, traced.id_, len(tape.records), *place)))
    return text


def _callers(frame: FrameType) -> tuple[tuple[CodeType, int], ...]:
    """Return where the user's functions around one stand; comprehensions are parts of theirs."""
    found: list[tuple[CodeType, int]] = []
    at: FrameType | None = frame
    while at is not None and len(found) < FARTHEST:
        is_part = at.f_code.co_name in COMPREHENSIONS
        at = at.f_back
        if at is None or at is not users(at):
            break
        if not is_part:
            found.append((at.f_code, at.f_lasti))
    return tuple(found)
