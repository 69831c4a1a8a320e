"""Errors that a program can only get because of a trace, said as what they are.

Code in C that asks for the exact type of a number takes a stand-in for nothing it knows, and says so in words that no
plain program meets: a float that is no float.
"""

from __future__ import annotations

import os.path
import re

from tracer.errors import UnsupportedError
from tracer.tape import is_library, is_own

_KIND = r"(float|int|ndarray|numpy\.\w+)"
_IMPOSSIBLE = "|".join(  # compiled when there is an error to compare with
    (
        rf"descriptor '\w+' requires a '{_KIND}' object but received a '\1'",
        rf"descriptor '\w+' for '{_KIND}' objects doesn't apply to a '\2' object",
        rf"{_KIND}\(\) takes no arguments",
        r"conversion from (float|int) to Decimal is not supported",
        r"Object of type (float|int) is not JSON serializable",
        r"keys must be str, int, float, bool or None, not (float|int)",
        r"unsupported type for timedelta \w+ component: (float|int)",
        r".*a bytes-like object is required, not 'numpy\.ndarray'",
        r"must be real number, not float",
        r"don't know how to coerce float and float",
        r"No matching signature found",
    )
)


def said_clearly(error: BaseException) -> BaseException:
    """Return the error that says what happened, caused by the one given; that itself if a plain program may get it."""
    if type(error) is not TypeError or not re.fullmatch(_IMPOSSIBLE, str(error)):
        return error
    where, traceback = "", error.__traceback__
    while traceback is not None:
        code, names = traceback.tb_frame.f_code, traceback.tb_frame.f_globals
        if not is_own(code.co_filename) and not is_library(str(names.get("__name__"))):
            where = f"{os.path.split(code.co_filename)[1]}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    clear = UnsupportedError(
        "a traced value was handed to code in C that takes nothing but Python's and NumPy's own types",
        where=where,
        got=f"it says: {error}",
        advice="detach(x) gives it the plain value, and leaves that out of the gradient",
    )
    clear.__cause__ = error
    return clear
