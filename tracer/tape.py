"""The tape: what is written down while a traced function runs (a Wengert list). No analysis here.

The stand-ins of `values.py` append to it, `recording.py` freezes it. One record is `WIDTH` items of one flat list,
so that appending is a single list operation:

    code         op number × 4 + mask; bit 0: the left operand is traced, bit 1: the right one; 0: the general form
    left         position of the left operand (an int), or its plain value; general form: positions, None for constants
    right        the same for the right operand, or the params of an operation of one operand; general form:
                 (constants, params)
    value        the result
    instruction  offset of the instruction in the caller's code

A record is known by its position in the list, which is what a stand-in carries as its `id`.
"""

from __future__ import annotations

import os.path
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from weakref import WeakValueDictionary

from tracer.cut_warnings import Left, Warned, warned
from tracer.errors import CutError, EdgegradError, refusals
from tracer.frames import OWN_FILES, beyond_own, place, users
from tracer.memory import is_within, memory_of, overlap, same_bytes
from tracer.operations import OP_NUMBERS
from tracer.other_threads import is_met_elsewhere
from tracer.scopes import NO_INSTRUCTION, WHOLE_TRACE, Scopes

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Iterable
    from types import CodeType, FrameType

    import numpy as np

    from tracer.errors import CutWarning
    from tracer.families import Family
    from tracer.held_before import Held
    from tracer.texts import Text

WIDTH = 5
VALUE = 3  # place of the value in a record
# Set in an instruction offset, which is even: a record on the way to the instruction's own result.
AUXILIARY = 1


class Running(Protocol):
    """The run that a tape is of."""

    boxes: Any
    function: Any

    def watcher(self) -> Any:
        """Return what knows where the program's places are."""

    def lender_of(self, argument: Any, frame: FrameType) -> tuple[Any, np.ndarray[Any, Any]] | None:
        """See Tape."""

    def held(self) -> Held:
        """Return what the program has now."""

    def give_up(self) -> None:
        """Have the caller's own values in the arguments, while the function is still running."""


class Segment(NamedTuple):
    """From record `start` on, records are made by `code` within call `scope`."""

    start: int
    scope: int
    code: CodeType


_segment = partial(tuple.__new__, Segment)  # in one step: one is made for every call of a function


STALE_VALUES: dict[int, Any] = {}
"""By identity: plain values that were traced in an earlier run, and that the program has kept (`leftovers.py`)."""
RUNS: WeakValueDictionary[int, Any] = WeakValueDictionary()
"""By identity: the runs of living traces, which hold what the function returned."""
STALE = "a value kept from an earlier trace is a constant in this one"
STALE_ADVICE = "a cache (functools.lru_cache) or a global has kept it: clear that, or say detach(x)"
_RUNNING: dict[int, Tape] = {}  # by thread: the innermost trace that runs in it


class Tape:
    """The record of one run. It belongs to the thread that runs the function and is closed when that returns.

    Written out, not a dataclass: one is made in every traced call, and importing waits for so many fields.
    """

    __slots__ = (
        "_snapshots", "elsewhere", "families", "followed", "frame", "given", "hashed", "held", "input_arrays",
        "input_names", "instructions", "is_open", "left", "outer", "places", "read_otherwise", "records", "refused",
        "remembered", "running", "scopes", "segments", "strict", "texts", "thread", "untold", "waiting", "warned",
        "watched", "writes",
    )  # fmt: skip

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        self.records: list[Any] = []
        # Of the last record: the hot path compares with it alone
        self.frame: FrameType | None = None
        self.is_open = True
        self.scopes = Scopes()
        self.segments: list[Segment] = []
        # By number of a segment whose records edgegrad makes for the user (`sum(map(mul, xs, ys))`): the call waited in
        self.waiting: dict[int, int] = {}
        self.running: Running | None = None
        self.outer: Tape | None = None  # the trace in whose function this one was started
        self.input_names: list[str] = []
        self.warned: set[tuple[CodeType, int]] = set()
        self.given: list[Warned] = []  # the warnings of what is no cut
        self.left: list[Left] = []  # where numbers left that may only be looked at: see `came_back.py`
        self.untold: list[tuple[CodeType, int]] = []  # where they are only looked at
        self.held: Held | None = None  # what the program had before the first of them left
        # What is known again in this run: of functions with a cache, of JSON, of sparse matrices, by keys of their own
        self.remembered: dict[Any, Any] = {}
        # The instruction that last asked a traced number for its hash
        self.hashed: tuple[CodeType, int] | None = None
        # By identity of what owns the memory: the program's arrays that are inputs, and what they are called
        self.input_arrays: dict[int, list[tuple[np.ndarray[Any, Any], str]]] = {}
        self.watched: set[str] = set()  # such names of what is no argument
        self.read_otherwise: set[str] = set()  # such names, of which that was told
        self.families: dict[int, Family] = {}  # by identity of the array that owns the memory
        self.writes: dict[int, int] = {}  # by stand-in: writes since it was last recorded in full
        self.followed: list[int] = []  # records that only follow a write: see `unread.py`
        self.thread = threading.get_ident()
        # What another thread met: an error of the trace, at its end; and where it read what is watched
        self.refused: EdgegradError | None = None
        self.elsewhere: tuple[CodeType, int] | None = None
        # Where stand-ins were put by `boxing.py` and `watching.py`: the place, the stand-in, the value before.
        self.places: list[tuple[Any, Any, Any]] = []
        self.texts: deque[Text] | None = None  # what was written of traced values: see `texts.py`
        self.instructions: Any = ()  # by row, once the records are frozen: offsets in the code
        self._snapshots: dict[int, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]] = {}

    def start(self, hook_frame: FrameType, code: CodeType) -> None:
        """Make the frame that calls the traced function the root: what it calls is the whole trace."""
        self.outer = _RUNNING.get(self.thread)
        _RUNNING[self.thread] = self
        self.scopes.start(hook_frame, code)
        self.segments.append(Segment(0, WHOLE_TRACE, code))

    def close(self) -> None:
        """End the recording and let go of every frame; stand-ins that outlive it compute plain values."""
        self.is_open = False
        self.frame = None
        self.running = None
        if _RUNNING.get(self.thread) is self:
            if self.outer is None:
                del _RUNNING[self.thread]
            else:
                _RUNNING[self.thread] = self.outer
        self.scopes.close()
        self._snapshots.clear()
        self.input_arrays.clear()
        self.writes.clear()
        self.remembered.clear()

    def lender_of(self, argument: Any, frame: FrameType) -> tuple[Any, np.ndarray[Any, Any]] | None:
        """Return the caller's array for an argument before the first write into it, and the stand-in for that array.

        It is the argument itself, or stands for an array of which that is a part.
        """
        return None if self.running is None else self.running.lender_of(argument, frame)

    def enter(self, frame: FrameType, *operands: Any) -> bool:
        """Note that records now come from `frame`, of these operands; False where nothing may be recorded.

        That is a tape that is closed, and a thread of the program's that only meets what is watched.
        """
        if not self.is_open:
            running = innermost()
            if running is not None:
                running.meet_stale(frame)
            return False
        if is_met_elsewhere(self, frame, *operands):
            return False
        scope = self.scopes.of(frame)
        self.frame = frame
        code = frame.f_code
        if code.co_filename.startswith(OWN_FILES):
            frame = beyond_own(frame)
            code = frame.f_code
            self.waiting[len(self.segments)] = frame.f_lasti | AUXILIARY
        elif self.held is not None and self.held.look_at(frame):
            self.frame = None  # so that the next record comes by here, too
            last = self.segments[-1]
            if last.scope == scope and last.code is code and len(self.segments) - 1 not in self.waiting:
                return True
        self.segments.append(_segment((len(self.records), scope, code)))
        return True

    def told(
        self, what: str, advice: str, code: CodeType, line: int, *, is_cut: bool = False
    ) -> CutError | CutWarning | None:
        """Warn of what is known when the run is over; return the error where that is one."""
        if not is_cut:
            self.given.append(Warned(what, advice, code.co_filename, line))
        where = f"{os.path.split(code.co_filename)[1]}:{line}"
        if self.strict:
            return CutError(what, where=where, advice=advice)
        return warned(what, where, advice, code.co_filename, line)

    def refuse_if_strict(self, what: str, advice: str, frame: FrameType, got: str = "") -> None:
        """Raise CutError where cuts are errors."""
        if self.strict:
            raise CutError(what, where=place(frame), got=got, advice=advice)

    def warn(self, what: str, advice: str, frame: FrameType) -> None:
        """Warn of a constant that is no cut, as below, and keep that for whoever reads the trace."""
        if (frame.f_code, frame.f_lasti) not in self.warned:
            self.given.append(Warned(what, advice, frame.f_code.co_filename, frame.f_lineno))
            self.warn_cut(what, advice, frame)

    def warn_cut(self, what: str, advice: str, frame: FrameType) -> None:
        """Warn of a cut at the user's line, once for each place in the code.

        A warning that is an error is raised again at the end: code in C may take it for a number that is none.
        """
        if (frame.f_code, frame.f_lasti) not in self.warned:
            self.warned.add((frame.f_code, frame.f_lasti))
            error = warned(what, place(frame), advice, frame.f_code.co_filename, frame.f_lineno)
            if error is not None:
                refusals.first = refusals.first or error
                raise error

    def warn_later(self, what: str, advice: str, frame: FrameType) -> None:
        """Warn of a cut as above, at the end of the run, if the number may have come back into the graph."""
        if (frame.f_code, frame.f_lasti) not in self.warned:
            from tracer.goes_on import goes_nowhere  # noqa: PLC0415  (few programs have a cut)

            self.warned.add((frame.f_code, frame.f_lasti))
            if goes_nowhere(frame.f_code, frame.f_lasti):
                self.untold.append((frame.f_code, frame.f_lasti))
                return
            row = len(self.records) // WIDTH - 1
            if not self.left and self.running is not None:
                self.held = self.running.held()
                self.frame = None
            self.left.append(Left(what, advice, frame.f_code, frame.f_lasti, frame.f_lineno, row))

    def meet_stale(self, frame: FrameType) -> None:
        """Say that a value of an earlier trace is a constant in this one. Raises CutError where this is strict."""
        frame = users(frame)
        self.refuse_if_strict(STALE, STALE_ADVICE, frame)
        self.warn(STALE, STALE_ADVICE, frame)

    def note_input(self, array: np.ndarray[Any, Any], name: str) -> None:
        """Have it told where what the program holds as an input is read as a constant."""
        self.input_arrays.setdefault(id(memory_of(array)), []).append((array, name))

    def note_watched(self, array: np.ndarray[Any, Any], name: str) -> None:
        """Note of such an array that it is watched, from now on: what was read of it before was not yet an input."""
        self.watched.add(name)
        self.forget_memory(memory_of(array))

    def inputs_seen_by(self, array: np.ndarray[Any, Any]) -> list[tuple[np.ndarray[Any, Any], str]]:
        """Return the inputs of whose memory an array sees some, and what they are called."""
        inputs = self.input_arrays.get(id(array if array.base is None else memory_of(array)), ())
        return [(own, name) for own, name in inputs if overlap(array, own)]

    def meet(self, constant: np.ndarray[Any, Any]) -> None:
        """Say that an input is read by another way than its name. Raises CutError where this is strict.

        Data of which an argument is a part are no other way to it: `soft_means(POINTS[:3])` reads POINTS as they are.
        """
        seen = self.inputs_seen_by(constant)
        name = next((name for own, name in seen if name in self.watched or is_within(constant, own)), None)
        if name is None:
            return
        frame = users(sys._getframe(2))  # noqa: SLF001  (whoever computed with it)
        what = f"{name} is watched, and read here by another way, which is a constant"
        advice = f"use {name} itself, or watch the object that holds it"
        if name not in self.watched:
            what = f"{name} is an argument, and read here by another way, a constant that its gradient knows nothing of"
            advice += f" and don't pass {name}; where a constant is meant, pass {name}.copy()"
        self.refuse_if_strict(what, advice, frame)
        self.warn(what, advice, frame)
        self.read_otherwise.add(name)

    def append(
        self,
        name: str,
        operands: tuple[int | None, ...],
        constants: tuple[Any, ...],
        value: Any,
        frame: FrameType,
        params: dict[str, Any] | None = None,
        flag: int = 0,
    ) -> int:
        """Record one operation in the general form and return its position."""
        if frame is not self.frame:
            self.enter(frame)
        records = self.records
        position = len(records)
        records += (OP_NUMBERS[name] << 2, operands, (constants, params), value, frame.f_lasti | flag)
        return position

    def add_input(self, name: str, value: Any) -> int:
        """Record an input: an argument's leaf, or a watched value."""
        position = len(self.records)
        self.records += (OP_NUMBERS["input"] << 2, (), ((), None), value, NO_INSTRUCTION)
        self.input_names.append(name)
        return position

    def note_followed(self, first: int) -> None:
        """Note that the records from one on only follow a write."""
        self.followed += range(first, len(self.records), WIDTH)

    def snapshot(self, constant: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return a copy of a plain array as it is now, the same copy for as long as its bytes don't change.

        A constant that is changed in place after its use must not corrupt a gradient.
        """
        key = id(constant)
        if key in STALE_VALUES and constant.any():  # else the program has cleared it since
            self.meet_stale(sys._getframe(1))  # noqa: SLF001  (from where the user's is found)
        known = self._snapshots.get(key)
        if known is None or known[0] is not constant or not same_bytes(known[1], constant):
            if id(constant if constant.base is None else memory_of(constant)) in self.input_arrays:
                self.meet(constant)
            known = self._snapshots[key] = (constant, constant.copy("K"))
        return known[1]

    def constants(self) -> Iterable[np.ndarray[Any, Any]]:
        """Return the plain arrays that the run has computed with."""
        return (constant for constant, _ in self._snapshots.values())

    def forget_snapshot(self, constant: np.ndarray[Any, Any]) -> None:
        """Let go of an array; its copies stay in the records."""
        self._snapshots.pop(id(constant), None)

    def forget_memory(self, memory: Any) -> None:
        """Let go of all that sees some memory, as above."""
        for key, (constant, _) in [*self._snapshots.items()]:
            if memory_of(constant) is memory:
                del self._snapshots[key]

    def forget_views(self, array: np.ndarray[Any, Any]) -> None:
        """Let go of the views of an array, of which there are copies in the records."""
        seen = [key for key, (constant, _) in self._snapshots.items() if constant.base is array]
        for key in seen:
            del self._snapshots[key]


def innermost() -> Tape | None:
    """Return the trace that runs in this thread, the innermost where they are nested."""
    return _RUNNING.get(threading.get_ident())


def close_all() -> None:
    """Close the tapes of all threads."""
    while _RUNNING:
        tape = next(iter(_RUNNING.values()))
        if tape.running is not None:
            tape.running.give_up()
        tape.close()
