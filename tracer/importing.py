"""Modules that are first imported while a trace runs: `import json` in the traced function. Used by patches.py.

A module that was there before has been searched; of another nobody tells but the import itself. `importlib` is not
asked: what it imports stays as it is.
"""

from __future__ import annotations

import builtins
import functools
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class _Importing(threading.local):
    depth = 0  # of imports of this thread within each other


_importing = _Importing()
_exchanged: list[tuple[Any, Any]] = []  # what imports, and what did before
_made: list[tuple[Any, Any, Any]] = []  # the last that was made: of what, what it calls, and itself


def exchange(meet: Callable[[], None] | None) -> None:
    """Call `meet` after every import that has brought a module, or no more (None)."""
    if meet is not None and not _exchanged:
        before = builtins.__import__
        if not _made or _made[0][0] is not before or _made[0][1] != meet:
            _made[:] = [(before, meet, _following(before, meet))]
        _exchanged.append((_made[0][2], before))
        builtins.__import__ = _made[0][2]
    elif meet is None and _exchanged:
        following, before = _exchanged.pop()
        if builtins.__import__ is following:  # else the program's own, which may lead to it
            builtins.__import__ = before


def _following(original: Callable[..., Any], meet: Callable[[], None]) -> Callable[..., Any]:
    @functools.wraps(original)
    def function(*args: Any, **options: Any) -> Any:
        count = len(sys.modules)
        _importing.depth += 1
        try:
            return original(*args, **options)
        finally:
            _importing.depth -= 1
            # Once for a module, with all that it imports itself
            if len(sys.modules) != count and not _importing.depth:
                meet()

    return function
