"""What a thread other than the one that runs the traced function does with stand-ins: there, all values are plain.

What is watched it has read at the watched place, as any thread may, and the trace gets a warning. What only the traced
function can have handed to it is refused, when the function ends: the order of the records would be the scheduler's,
and the gradients with it.
"""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING, Any

from tracer.errors import UnsupportedError, refusals
from tracer.frames import place, users
from tracer.memory import owner_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from tracer.errors import CutError, CutWarning
    from tracer.tape import Tape

_READ = "another thread has read a value that is an input of this trace, and got the plain one"
_ADVICE = "what it computes there carries no gradient back; a function that is traced works without threads"


def is_met_elsewhere(tape: Tape, frame: FrameType, *operands: Any) -> bool:
    """Tell whether operands of a tape are used in another thread than its own; note it where they are."""
    if get_ident() == tape.thread:
        return False
    if any(is_handed(tape, each) for each in operands):
        _refuse(tape, "a traced value is used", frame)
    elif tape.elsewhere is None:
        own = users(frame)
        tape.elsewhere = own.f_code, own.f_lineno
    return True


def is_handed(tape: Tape, operand: Any) -> bool:
    """Tell of what another thread has whether the traced function handed it over, as it is at no watched place."""
    return getattr(operand, "tape_", None) is tape and not _before(tape, operand)


def has_written_elsewhere(array: Any, write: Callable[[Any], Any], frame: FrameType) -> bool:
    """Do a write of another thread into a stand-in's array, plainly; False in the tape's own thread.

    It is done to what the trace goes on with, and to what the program has at a watched place: as without a trace. That
    is refused when the function ends.
    """
    tape = array.tape_
    if not tape.is_open or get_ident() == tape.thread:
        return False
    _refuse(tape, "a traced array is written into", frame)
    memory = owner_of(array.value_)
    own = [before for before in _before(tape, array) if owner_of(before) is not memory]
    for each in (array.value_, *own):
        write(each)
    return True


def told_elsewhere(tape: Tape) -> CutError | CutWarning | None:
    """Warn that a watched value was read in another thread; return the error where that is one."""
    return None if tape.elsewhere is None else tape.told(_READ, _ADVICE, *tape.elsewhere)


def _before(tape: Tape, operand: Any) -> list[Any]:
    """Return what was before at the watched places where a stand-in is, or was at first."""
    return [
        before for held, first, before in list(tape.places) if operand is first or operand is held.read()
    ]


def _refuse(tape: Tape, what: str, frame: FrameType) -> None:
    """Note the error. The thread goes on: the function may wait for its answer, and hears of it at its end."""
    if tape.refused is not None:
        return
    first = refusals.first  # of a trace that this thread runs itself
    tape.refused = UnsupportedError(
        f"{what} in another thread than the one that runs the traced function",
        where=place(frame, tape.thread),
        advice="trace the function that the thread runs, or call it without threads; "
        "to another process, hand detach(x)",
    )
    refusals.first = first
