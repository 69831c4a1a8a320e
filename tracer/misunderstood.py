"""Errors that a program can only get because of a trace, said as what they are.

Code in C that asks for the exact type of a number takes a stand-in for nothing it knows, and says so in words that no
plain program meets: a float that is no float.
"""

from __future__ import annotations

import ast
import os.path
import re
from contextlib import suppress
from types import BuiltinFunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.accounted import errors_of
from tracer.callee import called_name, named, values_of
from tracer.errors import UnsupportedError
from tracer.frames import is_library, is_own, library_function
from tracer.holders import Attribute
from tracer.patches import replacement
from tracer.replacements import original
from tracer.running import running_at
from tracer.standins import Traced, plain
from tracer.structures import own_places

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from tracer.boxing import Boxes

_KIND = r"(float|int|ndarray|numpy\.\w+)"
_IMPOSSIBLE = "|".join(  # compiled when there is an error to compare with
    (
        rf"descriptor '\w+' requires a '{_KIND}' object but received a '\1'",
        rf"descriptor '\w+' for '{_KIND}' objects doesn't apply to a '\2' object",
        rf"{_KIND}\(\) takes no arguments",
        r"conversion from (float|int) to Decimal is not supported",
        r"Object of type (float|int|float64) is not JSON serializable",
        r"keys must be str, int, float, bool or None, not (float|int)",
        r"unsupported type for timedelta \w+ component: (float|int)",
        r".*a bytes-like object is required, not 'numpy\.ndarray'",
        r"must be real number, not float",
        r"\w+\.__float__ returned non-float \(type float\)",
        r"__complex__ returned non-complex \(type float\)",
        r"don't know how to coerce float and float",
        r"No matching signature found",
        r"cannot convert 'numpy\.ndarray' object to \w+",
        r".* must be numpy\.ndarray, not numpy\.ndarray",
        r"Argument '\w+' has incorrect type \(expected numpy\.ndarray, got numpy\.ndarray\)",
        r"Cannot convert numpy\.ndarray to numpy\.ndarray",
        r"Invalid call to pythranized function `\w+\([\s\S]*\bnumpy\.ndarray\b[\s\S]*",
    )
)


# What a plain program may be told as well, if it hands over a wrong type; what is called by which name; what of.
_WHOLE, _NUMBER, _ANY = (int, np.integer), (float, np.floating), object
_POSSIBLE: tuple[tuple[str, tuple[str, ...], Any], ...] = (
    ("an integer is required", ("deque",), _WHOLE),
    ("Axis argument is only supported on ndarray objects", ("shuffle",), _ANY),
    ("Expected int as r", ("permutations",), _WHOLE),
    (r"\* wants int", (), _WHOLE),
    ("argument must be an integer", (), _WHOLE),  # a comparison with a Decimal
    (
        "argument must be int or float(, not float)?",
        ("create_decimal_from_float", "from_float", "fromtimestamp", "utcfromtimestamp"),
        _ANY,
    ),
    (r"__(int|index|trunc)__ returned non-int \(type float\)", (), _WHOLE),
    ("__hash__ method should return an integer", (), _WHOLE),
    ("unmarshallable object", ("dump", "dumps"), _ANY),
    ("object __array__ method not producing an array", (), _ANY),
    (
        r"descriptor '\w+' requires a 'numpy\.\w+' object but received a 'float'",
        (),
        (np.generic, np.ndarray),
    ),
    (r"descriptor '\w+' (requires|for) .*'int' object.* 'float'( object)?", (), _WHOLE),
    # `(2.0).__mul__(x)` answers so
    (r"unsupported operand type\(s\) for .*'NotImplementedType'.*", (), _ANY),
    (r"(float|int|complex)\(\) argument must be .*, not '?NotImplementedType'?", (), _ANY),
    ("NotImplemented should not be used in a boolean context", (), _ANY),
    ("object supporting the buffer API required", (), (np.ndarray, np.generic)),
    (r"Could not convert object to NumPy \w+", ("datetime64", "timedelta64"), _WHOLE),
    # Seconds: a float, or whatever is an int
    (
        r"'(numpy\.)?float(64)?' object cannot be interpreted as an integer( or float)?",
        ("acquire", "fromtimestamp", "get", "join", "utcfromtimestamp"),
        float,
    ),
    ("cannot convert 'float' object to bytes", ("bytes", "bytearray"), np.generic),
    ("setting an array element with a sequence", (), _NUMBER),  # NumPy, of an array of text: texts[0] = x
)
# What a plain program is told of an array that is read-only or not contiguous, or of what is none.
_OF_BUFFERS = re.compile(
    r"Supplied output array must be (C-)?contiguous, .*|out must be a numpy array"
    r"|'?out(put)?'? must be an array"
    r"|.*must be read-write bytes-like object, not numpy\.ndarray"
)
# What a library's Python may be told that takes a number of NumPy's for an array, by asking for its type.
_END = "\n"  # of the first line: Pythran's errors go on with what is allowed
_INSTEAD = {
    "object __array__ method not producing an array": "np.asarray(…) of the object is followed",
    "NotImplementedType": "an operator is followed: 2.0 * x, not float.__mul__(2.0, x)",
}
_OF_ITEMS = "'float' object does not support item assignment"
_PLAIN = (str, bytes, int, float, type(None), type, ModuleType, BuiltinFunctionType)


def as_told(error: BaseException, boxes: Boxes) -> BaseException:
    """Return what a function raised as its caller gets it: said clearly, with plain values in it."""
    error = said_clearly(error)
    for each in errors_of(error):
        for place in (Attribute(each, "args"), *own_places(each)):
            with suppress(Exception):  # of the user's `__hash__`
                value = place.read()
                unboxed = boxes.unbox(value)
                if unboxed is not value:
                    place.write(unboxed)
        if isinstance(each, AttributeError) and issubclass(type(each.obj), Traced):
            _name_plain_type(each)
    return error


def _name_plain_type(error: AttributeError) -> None:
    """Say of a missing attribute what the plain value says, and let go of the stand-in."""
    error.obj = plain(error.obj)
    try:
        getattr(error.obj, str(error.name))
    except AttributeError as plain_error:
        error.args = plain_error.args


def said_clearly(error: BaseException) -> BaseException:
    """Return the error that says what happened, caused by the one given; that itself if a plain program may get it."""
    if type(error) not in (TypeError, ValueError, NotImplementedError) or not _is_misunderstood(error):
        return error
    from tracer.ways_around import way_around  # noqa: PLC0415  (few programs fail)

    where, library, traceback = "", "", error.__traceback__
    while traceback is not None:
        library = library_function(traceback.tb_frame) or library
        code, names = traceback.tb_frame.f_code, traceback.tb_frame.f_globals
        if not is_own(code.co_filename) and not is_library(str(names.get("__name__"))):
            where = f"{os.path.split(code.co_filename)[1]}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    around = way_around(library) or _instead(_said(error))
    clear = UnsupportedError(
        f"a traced value was handed to {_whose(error, library)} that takes nothing but Python's and NumPy's own types",
        where=where,
        got=_answer(error),
        advice="have it make an array of its own, and write that: y[:] = rng.random(len(y))"
        if _OF_BUFFERS.fullmatch(_said(error))
        else (f"{around}; " if around else "")
        + "detach(x) gives it the plain value, and leaves that out of the gradient",
    )
    clear.__cause__ = error
    return clear


def _instead(said: str) -> str:
    """Return what to do instead of what led to some words: of a method taken of the class, NumPy's function."""
    method = re.match(r"descriptor '(\w+)' (?:for|requires a) 'numpy\.ndarray' object", said)
    if method and callable(getattr(np, method[1], None)):
        return f"np.{method[1]}(a, …) is followed, and so is a.{method[1]}(…)"
    return next((advice for known, advice in _INSTEAD.items() if known in said), "")


def _answer(error: BaseException) -> str:
    """Say what code in C says, and of what: of a float that no float is."""
    return f"it says: {_said(error).partition(_END)[0]}, of the stand-in by which the value is traced"


def _whose(error: BaseException, library: str) -> str:
    if _said(error) == _OF_ITEMS:
        return "a library's code"
    return f"code in C of {library}" if library else "code in C"


def _said(error: BaseException) -> str:
    """Return what an error says of plain types: from Python 3.14 on, it may name the module of a type, too."""
    return str(error).replace("tracer.values.", "")


def _is_misunderstood(error: BaseException) -> bool:
    said = _said(error)
    if type(error) is TypeError and re.fullmatch(_IMPOSSIBLE, said):
        return True
    if said == _OF_ITEMS:
        return _is_by_a_library(error)
    is_of_buffer = _OF_BUFFERS.fullmatch(said) is not None
    row = next((row for row in _POSSIBLE if re.fullmatch(row[0], said)), None)
    innermost, traceback = None, error.__traceback__
    while (row is not None or is_of_buffer) and traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        in_library = is_library(str(traceback.tb_frame.f_globals.get("__name__")))
        in_library = file.endswith(".pyx") or (is_of_buffer and in_library)
        if not is_own(file) and not in_library:
            innermost = traceback
        traceback = traceback.tb_next
    if innermost is not None and is_of_buffer:
        frame, offset = innermost.tb_frame, innermost.tb_lasti
        return any(map(_is_buffer, _held(named(frame, offset)))) or _is_made_for_it(frame, offset)
    if row is None or innermost is None:
        return False
    frame, offset, (_, calls, kinds) = innermost.tb_frame, innermost.tb_lasti, row
    return (not calls or called_name(frame.f_code, offset) in calls) and any(
        _may_be(each, kinds) for each in named(frame, offset)
    )


def _is_by_a_library(error: BaseException) -> bool:
    """Tell whether it is a library whose last line holds a number of NumPy's that is traced."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is None or not is_library(str(last.tb_frame.f_globals.get("__name__"))):
        return False
    held = named(last.tb_frame, last.tb_lasti)
    return any(issubclass(type(each), Traced) and isinstance(each.value_, np.generic) for each in held)


def _held(values: Iterator[Any]) -> Iterator[Any]:
    """Yield some values, and the attributes of those that have any."""
    for value in values:
        yield value
        if not issubclass(type(value), (Traced, *_PLAIN)):
            yield from getattr(value, "__dict__", {}).values()


def _is_made_for_it(frame: FrameType, offset: int) -> bool:
    """Tell whether the line makes the array that it hands over: `data.cumsum(out=np.zeros(3))`."""
    match running_at(frame.f_code, offset):
        case ast.Call(keywords=[*_, ast.keyword("out", ast.Call(maker))]):
            return any(replacement(each) is not original(each) for each in values_of(maker, frame))
    return False


def _is_buffer(value: Any) -> bool:
    """Tell whether a value stands for an array that code in C would have written into."""
    if not issubclass(type(value), Traced) or type(value.value_) is not np.ndarray:
        return False
    return bool(value.value_.flags.c_contiguous and value.value_.flags.writeable)


def _may_be(value: Any, kinds: Any) -> bool:
    """Tell whether a value stands for one of some kinds, or may hold what does: `wait(x[0])`."""
    if issubclass(type(value), Traced):
        return isinstance(value.value_, kinds) or (
            type(value.value_) is np.ndarray and issubclass(value.value_.dtype.type, kinds)
        )
    return not issubclass(type(value), _PLAIN)
