"""Keys of a terminal, one by one: the only place that knows how each system reads them."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ENTER, ESCAPE, BACKSPACE = "enter", "escape", "backspace"
_NAMES = {
    "\r": ENTER,
    "\n": ENTER,
    "\x7f": BACKSPACE,
    "\x08": BACKSPACE,
    "\x1b": ESCAPE,
    "\x03": "q",
    "\x04": "q",
}
_SEQUENCES = {
    "[A": "up",
    "[B": "down",
    "[C": "right",
    "[D": "left",
    "[H": "home",
    "[F": "end",
    "[1~": "home",
    "[4~": "end",
    "OA": "up",
    "OB": "down",
    "OC": "right",
    "OD": "left",
    "OH": "home",
    "OF": "end",
}
_WINDOWS = {"H": "up", "P": "down", "M": "right", "K": "left", "G": "home", "O": "end"}
_REST = 0.05  # seconds in which the rest of a sequence follows its first character

if sys.platform == "win32":
    import msvcrt
    import time

    @contextmanager
    def keyboard() -> Iterator[Callable[[float | None], str]]:
        """Give a function that waits for a key, at most so many seconds: its name, or "" where none came."""

        def read(seconds: float | None) -> str:
            end = None if seconds is None else time.monotonic() + seconds
            while not msvcrt.kbhit():
                if end is not None and time.monotonic() >= end:
                    return ""
                time.sleep(0.01)
            first = msvcrt.getwch()
            if first in "\x00\xe0":
                return _WINDOWS.get(msvcrt.getwch(), "unknown")
            return _NAMES.get(first, first)

        yield read

else:
    import codecs
    import os
    import select
    import termios
    import tty

    @contextmanager
    def keyboard() -> Iterator[Callable[[float | None], str]]:
        """Give a function that waits for a key, at most so many seconds: its name, or "" where none came.

        The terminal is as it was when the block is left. The end of the input is `q`.
        """
        source = sys.stdin.fileno()
        before = termios.tcgetattr(source)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")

        def character(seconds: float | None) -> str:
            while select.select([source], [], [], seconds)[0]:
                byte = os.read(source, 1)
                if not byte:
                    return "\x04"
                if read := decoder.decode(byte):
                    return read
            return ""

        def read(seconds: float | None) -> str:
            first = character(seconds)
            if first != "\x1b":
                return _NAMES.get(first, first)
            sequence = character(_REST)
            if not sequence:
                return ESCAPE
            while sequence not in _SEQUENCES and len(sequence) < 8 and (more := character(_REST)):
                sequence += more
                if more.isalpha() or more == "~":
                    break
            return _SEQUENCES.get(sequence, "unknown")

        try:
            tty.setcbreak(source)
            yield read
        finally:
            termios.tcsetattr(source, termios.TCSADRAIN, before)
