"""Methods of the user's classes that code in C asks for a number: `float(weight)` of a class with a `__float__`.

C takes nothing but a plain float from it, and a TypeError that the program may catch instead of a traced one. While a
trace runs, the class has a method in its place whose answer leaves the graph as that of the value itself does.
"""

from __future__ import annotations

import functools
import sys
from types import FunctionType
from typing import Any

from tracer.asked_for import written_or_cut
from tracer.callee import called_name
from tracer.cuts import COMPLEX
from tracer.frames import is_own
from tracer.standins import is_traced

_frame = sys._getframe  # noqa: SLF001  (the one that converts)
_VIA = {"__float__": "float()", "__int__": "int()", "__complex__": COMPLEX}


def is_conversion(name: Any, item: Any) -> bool:
    """Tell whether what a class has under a name is such a method, written in Python, and not ours already."""
    return name in _VIA and type(item) is FunctionType and not is_own(item.__code__.co_filename)


def converting(name: str, method: Any) -> Any:
    """Return the method that takes the place of one of a class, by its name."""

    @functools.wraps(method)
    def convert(*args: Any, **options: Any) -> Any:
        value, frame = method(*args, **options), _frame(1)
        # By the user, who gets what it returns: `super().__float__()`
        if not is_traced(value) or called_name(frame.f_code, frame.f_lasti) == name:
            return value
        written_or_cut(value, _VIA[name], frame)
        return value.value_

    return convert
