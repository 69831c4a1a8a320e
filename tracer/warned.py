"""NumPy's warnings name the user's line, though it is edgegrad's code that calls NumPy.

A warning is filed under the place of the Python frame that is running: without a trace the user's, with one a method
of a stand-in. While a trace runs, what is about to be shown of edgegrad's own places is given again for the user's
place, with the filters and the once-per-place memory of the user's module. Nothing is done before a warning.

One of Python's own tells that a trace has changed the program: `(1.7).__eq__(x)` of a stand-in is NotImplemented, which
counts as true.
"""

from __future__ import annotations

import functools
import sys
import warnings
from contextlib import suppress
from typing import Any

from tracer.callee import named
from tracer.errors import UnsupportedError
from tracer.frames import beyond_own, is_own, place
from tracer.standins import Traced, holds_traced

_frame = sys._getframe  # noqa: SLF001  (the only way to see who was warned)
_MEMORY = "__warningregistry__"


def redirect(*, to_user: bool) -> None:
    """Give NumPy's warnings for the user's places, or no more."""
    if to_user:
        _forget_own_places()
        _showing.append(warnings._showwarnmsg)  # type: ignore[attr-defined]  # noqa: SLF001  (C asks this name)
        warnings._showwarnmsg = _show  # type: ignore[attr-defined]  # noqa: SLF001
        warnings.filters.insert(0, _FILTER)  # type: ignore[attr-defined]  # past what would forget who has been warned
    elif _showing:
        warnings._showwarnmsg = _showing.pop()  # type: ignore[attr-defined]  # noqa: SLF001
        with suppress(ValueError):  # the program has set its own
            warnings.filters.remove(_FILTER)  # type: ignore[attr-defined]


_showing: list[Any] = []


class _Refusing:
    """Stands where a filter has a pattern: refuses what no plain program is warned of."""

    def match(self, text: str) -> bool:
        """Look at the text of a warning that is about to be given; tell whether it is refused, and so not given."""
        if text == _NOT_IMPLEMENTED:
            frame = beyond_own(_frame(1))
            is_meant = "NotImplemented" in frame.f_code.co_names
            if not is_meant and any(map(holds_traced, named(frame, frame.f_lasti))):
                UnsupportedError(  # noted, and raised when the function has ended
                    "a traced value is compared by a method of a plain number",
                    where=place(frame),
                    got="it answers NotImplemented, which counts as true",
                    advice="compare by the operator: 1.7 == x for (1.7).__eq__(x)",
                )
                return True
        return False


_NOT_IMPLEMENTED = "NotImplemented should not be used in a boolean context"  # from Python 3.14 on, an error
_FILTER = ("ignore", _Refusing(), DeprecationWarning, None, 0)


@functools.cache
def _forget_own_places() -> None:
    """Have Python remember no place of edgegrad's own as warned for: all of the user's lines pass through it."""
    spaces = [vars(module) for name, module in sys.modules.items() if name.partition(".")[0] == "tracer"]
    kinds = [kind for kind in Traced.stand_ins.values() for kind in kind.__mro__]
    methods = [method for kind in kinds for method in vars(kind).values()]
    spaces += [method.__globals__ for method in methods if hasattr(method, "__globals__")]
    for space in spaces:
        space[_MEMORY] = None


def _show(message: Any) -> None:
    if not is_own(message.filename):
        _showing[-1](message)
        return
    frame = _frame(1)
    while frame.f_back is not None and frame.f_code.co_filename != message.filename:
        frame = frame.f_back
    if frame.f_code.co_filename == message.filename:
        frame.f_globals[_MEMORY] = None  # also of a room that was imported since
    while frame.f_back is not None and is_own(frame.f_code.co_filename):
        frame = frame.f_back
    # What the user wants to see once has been seen once already: here, where nobody looked.
    warnings.onceregistry.pop((str(message.message), message.category), None)  # type: ignore[attr-defined]
    names = frame.f_globals
    warnings.warn_explicit(
        message.message,
        message.category,
        frame.f_code.co_filename,
        frame.f_lineno,
        names.get("__name__", "<string>"),
        names.setdefault(_MEMORY, {}),
        source=message.source,
    )
