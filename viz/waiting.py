"""What a person at a terminal sees of work that takes longer than a second: what it is, and how much of it is done.

Nothing is imported and nothing shown before the second is over. `viz.verdicts.progress_bar` is for what others start.
"""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Reached = Callable[[int, int], None]

T = TypeVar("T")

AFTER = 1.0  # seconds
_EVERY = 0.1  # seconds
_TOLD = 1_000  # things from one telling to the next


def told(things: Iterable[T], reached: Reached, done: int, everything: int) -> Iterator[T]:
    """Give things out one by one, each a step, and tell how many steps are done."""
    for thing in things:
        if not done % _TOLD:
            reached(min(done, everything), everything)  # a picture has a title and a legend, too
        done += 1
        yield thing


@contextmanager
def waiting(what: str) -> Iterator[Reached]:
    """Show on stderr that something is being done, once it has taken a second; nothing is left of it.

    What is given is told how many of how many steps are done. Nothing may be printed meanwhile.
    """
    steps: list[tuple[int, int]] = []

    def reached(done: int, everything: int) -> None:
        steps[:] = [(done, everything)]

    if not sys.stderr.isatty():
        yield reached
        return
    has_ended = threading.Event()

    def show() -> None:
        if has_ended.wait(AFTER):
            return
        from rich.console import Console  # noqa: PLC0415  (needed only where it takes long)
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn  # noqa: PLC0415  (as above)

        columns = TextColumn("{task.description} …", markup=False), BarColumn(), TaskProgressColumn()
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(what, total=None)
            while not has_ended.wait(_EVERY):
                for done, everything in steps[:]:
                    bar.update(task, completed=done, total=everything)

    shown = threading.Thread(target=show, daemon=True)
    shown.start()
    try:
        yield reached
    finally:
        has_ended.set()
        shown.join()
