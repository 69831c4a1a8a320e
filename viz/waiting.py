"""What a person at a terminal sees of work that takes longer than a second: that it goes on, and what it is.

Nothing is imported and nothing shown before the second is over. Where the work can say how far it is,
`viz.verdicts.progress_bar` shows that instead.
"""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

AFTER = 1.0  # seconds


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Say on stderr that something is being done, once it has taken a second; nothing is left of it.

    Nothing may be printed meanwhile.
    """
    if not sys.stderr.isatty():
        yield
        return
    has_ended = threading.Event()

    def show() -> None:
        if has_ended.wait(AFTER):
            return
        from rich.console import Console  # noqa: PLC0415  (needed only where it takes long)
        from rich.text import Text  # noqa: PLC0415  (as above)

        with Console(stderr=True).status(Text(f"{what} …")):
            has_ended.wait()

    shown = threading.Thread(target=show, daemon=True)
    shown.start()
    try:
        yield
    finally:
        has_ended.set()
        shown.join()
