"""Errors that only a trace can have raised, seen where they are raised: the program may catch them and go on.

`float.__mul__(x, 2.0)` is a TypeError of C's for a stand-in, before any code of ours is asked. From Python 3.12 on the
interpreter tells of each exception as it is raised, which costs nothing where none is.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import CodeType

_MONITORING: Any = getattr(sys, "monitoring", None)
_TOOLS = (4, 3)  # numbers that Python gives to no kind of tool
_NAME = "edgegrad"


def exchange(*, looking: bool) -> None:
    """Look at what is raised, or no more; where other tools have both numbers, nothing is looked at."""
    if _MONITORING is None:
        return
    own = next((tool for tool in _TOOLS if _MONITORING.get_tool(tool) == _NAME), None)
    if looking and own is None:
        free = next((tool for tool in _TOOLS if _MONITORING.get_tool(tool) is None), None)
        if free is not None:
            _MONITORING.use_tool_id(free, _NAME)
            _MONITORING.register_callback(free, _MONITORING.events.RAISE, _look)
            _MONITORING.set_events(free, _MONITORING.events.RAISE)
    elif own is not None and not looking:
        _MONITORING.set_events(own, 0)
        _MONITORING.register_callback(own, _MONITORING.events.RAISE, None)
        _MONITORING.free_tool_id(own)


def _look(code: CodeType, _: int, error: BaseException) -> None:
    """Note an error that no plain program gets; run.py raises the first one at the end."""
    if type(error) not in (TypeError, ValueError):
        return
    from tracer.frames import is_library, is_own  # noqa: PLC0415  (few programs raise)
    from tracer.misunderstood import said_clearly  # noqa: PLC0415
    from tracer.tape import innermost  # noqa: PLC0415

    names = sys._getframe(1).f_globals  # noqa: SLF001  (of the code that raises it)
    if (
        innermost() is not None
        and not is_own(code.co_filename)
        and not is_library(str(names.get("__name__")))
    ):
        with suppress(Exception):  # which would take the place of the program's own
            said_clearly(error)
