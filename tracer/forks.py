"""A process that `os.fork` makes while traces run: the child is plain Python.

It has one thread, the one that forked. What the traces of all threads have replaced and watched is put back in it, and
their tapes are closed: a traced function that goes on in the child computes plain values, and a worker of a pool, which
never returns into it, is as it would be without a trace.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tracer import patches, tape, turns

if TYPE_CHECKING:
    from collections.abc import Callable


def stay_plain(forget_running: Callable[[], None]) -> None:
    """Have children be plain from now on; `forget_running` makes the thread one in which no trace runs."""

    def become_plain() -> None:
        turns.give_all_up()
        tape.close_all()
        patches.put_all_back()
        turns.forget()
        forget_running()
        _let_go()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_hold, after_in_parent=_let_go, after_in_child=become_plain)


def _hold() -> None:
    """Have no thread be in the midst of exchanging something, or of a search."""
    turns.SEARCHING.acquire()
    turns.CHANGED.acquire()
    patches.LOCK.acquire()


def _let_go() -> None:
    """Let threads exchange again."""
    patches.LOCK.release()
    turns.CHANGED.release()
    turns.SEARCHING.release()
