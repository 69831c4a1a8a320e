"""Errors that a program can only get because of a trace, said as what they are.

Code in C that asks for the exact type of a number takes a stand-in for nothing it knows, and says so in words that no
plain program meets: a float that is no float.
"""

from __future__ import annotations

import os.path
import re
from types import BuiltinFunctionType, ModuleType
from typing import Any

import numpy as np

from tracer.callee import called_name, named
from tracer.errors import UnsupportedError
from tracer.standins import Traced
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


# What a plain program may be told as well, if it hands over a wrong type; what is called by which name; what of.
_WHOLE, _NUMBER, _ANY = (int, np.integer), (float, np.floating), object
_POSSIBLE: tuple[tuple[str, tuple[str, ...], Any], ...] = (
    ("an integer is required", ("deque",), _WHOLE),
    ("Expected int as r", ("permutations",), _WHOLE),
    (r"\* wants int", (), _WHOLE),
    ("argument must be an integer", (), _WHOLE),  # a comparison with a Decimal
    ("argument must be int or float", ("from_float",), _ANY),
    (r"Could not convert object to NumPy \w+", ("datetime64", "timedelta64"), _WHOLE),
    # Seconds: a float, or whatever is an int
    (
        "'float' object cannot be interpreted as an integer",
        ("acquire", "fromtimestamp", "get", "join", "utcfromtimestamp"),
        _NUMBER,
    ),
)
_PLAIN = (str, bytes, int, float, type(None), type, ModuleType, BuiltinFunctionType)


def said_clearly(error: BaseException) -> BaseException:
    """Return the error that says what happened, caused by the one given; that itself if a plain program may get it."""
    if type(error) not in (TypeError, ValueError) or not _is_misunderstood(error):
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


def _is_misunderstood(error: BaseException) -> bool:
    said = str(error)
    if type(error) is TypeError and re.fullmatch(_IMPOSSIBLE, said):
        return True
    row = next((row for row in _POSSIBLE if re.fullmatch(row[0], said)), None)
    innermost, traceback = None, error.__traceback__
    while row is not None and traceback is not None:
        if not is_own(traceback.tb_frame.f_code.co_filename):
            innermost = traceback
        traceback = traceback.tb_next
    if row is None or innermost is None:
        return False
    frame, offset, (_, calls, kinds) = innermost.tb_frame, innermost.tb_lasti, row
    return (not calls or called_name(frame.f_code, offset) in calls) and any(
        _may_be(each, kinds) for each in named(frame, offset)
    )


def _may_be(value: Any, kinds: Any) -> bool:
    """Tell whether a value stands for one of some kinds, or may hold what does."""
    if issubclass(type(value), Traced):
        return isinstance(value.value, kinds)
    return not issubclass(type(value), _PLAIN)
