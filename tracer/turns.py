"""Traces of several threads that watch the same place take turns: one waits until the other has put it back.

A trace that finds another one's stand-ins where it would put its own takes back what it has put, waits, and starts
anew; the function has not been called yet. So nobody holds a place while he waits but traces in traces, and those
that would wait for each other are told so.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from itertools import count
from threading import Condition, RLock, get_ident
from typing import TYPE_CHECKING, Any

from tracer.errors import UnsupportedError
from tracer.frames import place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from tracer.tape import Tape
    from tracer.watching import Watcher

CHANGED = Condition(RLock())
"""Held while stand-ins are put at places, and while values are put back; told of when a trace is done with that."""
SEARCHING = RLock()
"""Held while the garbage collector is asked who has what a trace has left: see `searching`."""
WATCHERS: list[Watcher] = []
"""Those that have stand-ins at places."""
# Seconds that another search is waited for: a finaliser that runs in it may wait for this thread
_LONGEST = 2.0
_PATIENCE = 5.0  # seconds in which the other trace must get on
_exchanges = count()  # as often as a trace has had the places for itself
_waiting: dict[int, int] = {}  # by thread: the one whose trace it waits for
_next: set[int] = set()  # threads that have waited, and try before those that come


class BusyError(Exception):
    """A trace of another thread watches what this one would watch. Users never see it."""

    def __init__(self, path: str, tape: Tape) -> None:
        super().__init__(path)
        # Not the tape itself, whose references tell whether a program has kept something of it.
        self.path, self.thread, self.places, self.records = path, tape.thread, tape.places, tape.records

    def wait(self) -> None:
        """Wait until the other trace has ended.

        Raises UnsupportedError where that can't be: it waits for this one, or does not get on.
        """
        thread, other = get_ident(), self.thread
        with CHANGED:
            _refuse_circle(self.path, thread, other)
            _waiting[thread] = other
            try:
                progress = before = None
                while not CHANGED.wait_for(lambda: not self.places, _PATIENCE):
                    before, progress = progress, _progress_of(other, self.records)
                    if progress == before and other not in _waiting:
                        raise refused(self.path)
            finally:
                progress = before = None
                del _waiting[thread]

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait, and be the next to try."""
        with CHANGED:
            self.wait()
            _next.add(get_ident())
        try:
            yield
        finally:
            _pass_on()


@contextmanager
def exchanging() -> Iterator[None]:
    """Have the places for oneself, after those that have waited."""
    with CHANGED:
        CHANGED.wait_for(lambda: not _next or get_ident() in _next)
        next(_exchanges)
        try:
            yield
        finally:
            _pass_on()


def give_all_up() -> None:
    """Give every place its plain value, whatever traces are running."""
    for watcher in reversed(WATCHERS.copy()):
        watcher.give_up()


def forget() -> None:
    """Forget the threads that a forked child does not have."""
    _waiting.clear()
    _next.clear()


@contextmanager
def searching() -> Iterator[None]:
    """Search alone for what a trace has left: what another search goes through looks as if the program had it."""
    is_alone = SEARCHING.acquire(timeout=_LONGEST)
    try:
        yield
    finally:
        if is_alone:
            SEARCHING.release()


def refused(path: str) -> UnsupportedError:
    """Return the error for a place that a trace has whose end can't be waited for, watched or in its argument."""
    return UnsupportedError(
        f"{path} is in use by another trace that is running",
        where=place(sys._getframe(1)),  # noqa: SLF001  (the user's line that calls the traced function)
        got="two traces at once can't both have their inputs in it",
        advice="run them one after the other, or give each a copy: copy.deepcopy(…)",
    )


def _pass_on() -> None:
    with CHANGED:
        _next.discard(get_ident())
        CHANGED.notify_all()


def _refuse_circle(path: str, thread: int, other: int) -> None:
    """Raise where the other thread waits for this one, also by way of further ones."""
    seen: set[int] = set()
    while other in _waiting and other not in seen:
        seen.add(other)
        other = _waiting[other]
        if other == thread:
            raise refused(path)


def _progress_of(thread: int, records: list[Any]) -> tuple[FrameType | None, int, int, str]:
    """Return how far a trace has come: its thread's frame and instruction, and the length of its record.

    What it waits for may be its turn: so that of others counts, too.
    """
    frame = sys._current_frames().get(thread)  # noqa: SLF001  (nothing else tells of another thread)
    return frame, -1 if frame is None else frame.f_lasti, len(records), repr(_exchanges)
