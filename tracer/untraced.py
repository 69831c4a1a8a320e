"""What a call is given that is not traced: arrays of other classes, of objects, of records; sets and other numbers.

It goes into the function as it is, and t.grads has None for it: that is said when the call is made.
"""

from __future__ import annotations

import os.path
import sys
import warnings
from array import array
from collections import deque
from numbers import Number
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.cut_warnings import warned
from tracer.errors import CutError, CutWarning
from tracer.frames import place, users
from tracer.holders import is_object, own_attributes
from tracer.operations import OP_NUMBERS
from tracer.structures import fill, is_number

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from types import CodeType

    from tracer.recording import Recording
    from tracer.structures import Structure
    from tracer.tape import Tape

_FLOATS = (float, complex, np.inexact)
_OF_NUMPY = (np.ndarray, np.void)
_COLLECTIONS = (set, frozenset, deque, array)
_HOLDING = (np.ndarray, list, tuple)
_NAMED = 3
HOLDING = " with floats in it"
"""How the description of an object of the program's own ends, whose numbers are constants where nothing watches it."""
_MOST = 1000  # attributes and items of one that are looked at
# By what it is: what to give instead of {0}.
_INSTEAD = {
    "object": "give what it holds in a list, {0}.tolist()",
    "records": "give each field as an array of its own",
    "MaskedArray": "give its numbers and its mask as plain arrays, np.ma.getdata({0}) and np.ma.getmaskarray({0})",
    "class": "give a plain array, np.asarray({0})",
    "collection": "give a list, list({0})",
    "number": "give float({0})",
    "complex": "give complex({0})",
    "outer": "detach({0}) is a number of its own, which the inner trace follows",
    "attribute": "give {0} as an argument of its own, or as an item",
    "nothing": "name what holds floats or arrays of floats, or leave it out",
    "static": "take it out of one of the two",
}


def described(value: Any) -> str:
    """Say what it is that is not traced; an array or a record of fields that may be floats is a structured one."""
    name = type(value).__name__
    if not issubclass(type(value), _OF_NUMPY):
        return _with_article(name) + (" of floats" if issubclass(type(value), _COLLECTIONS) else "")
    dtype, is_array = value.dtype, issubclass(type(value), np.ndarray)
    if is_array and type(value) is not np.ndarray:
        return f"a {name} of {dtype}"
    kind = "array" if is_array else "record"
    return (f"a structured {kind}" if _has_floats(dtype) else _with_article(kind)) + f" of {dtype}"


def without_floats(value: Any) -> str:
    """Say what it is in which nothing is traced."""
    if issubclass(type(value), _OF_NUMPY):
        return described(value)
    return f"{_with_article(type(value).__name__)} without a float in it"


def _with_article(name: str) -> str:
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def way_to_floats(value: Any) -> str:
    """Tell by which row of the advice a value is traced; '' where it holds nothing that has a gradient."""
    kind = type(value)
    if issubclass(kind, _COLLECTIONS):
        return "collection" if any(map(is_number, value)) else ""
    if not issubclass(kind, _OF_NUMPY):
        is_like = issubclass(kind, Number) and not issubclass(kind, (int, np.integer))
        return "" if not is_like else "complex" if issubclass(kind, complex) else "number"
    dtype = value.dtype
    if dtype.kind == "O":
        return "object" if _are_floats(value.ravel()) else ""
    if _has_floats(dtype):
        return "records"
    if dtype.kind not in "fc":
        return ""
    return "MaskedArray" if issubclass(type(value), np.ma.MaskedArray) else "class"


def described_object(value: Any, own: dict[str, Any]) -> str:
    """Say what an object of the program's is whose attributes, or what they hold, are floats; '' for any other."""
    pending, seen = [own] if is_object(value) else [], set[int]()
    while pending and len(seen) < _MOST:
        held = pending.pop()
        if id(held) in seen:
            continue
        seen.add(id(held))
        for each in tuple(held.values() if type(held) is dict else held):
            kind = type(each)
            if issubclass(kind, _FLOATS) or (kind is np.ndarray and each.dtype.kind in "fc"):
                return _with_article(type(value).__name__) + HOLDING
            if kind in (dict, list, tuple):
                pending.append(each)
            elif is_object(each):
                pending.append(own_attributes(each) or {})
    return ""


def tell(lost: dict[str, tuple[str, str]], parameters: Collection[str], tape: Tape) -> None:
    """Warn of what is given and not traced, once for each place that calls. Raises CutError where that is strict."""
    if not lost:
        return
    frame = users(sys._getframe(1))  # noqa: SLF001  (the place of the call)
    listed = ", ".join(f"{path} is {what}" for path, (what, _) in list(lost.items())[:_NAMED])
    more = f" and {len(lost) - _NAMED:,} more like it" if len(lost) > _NAMED else ""
    path, (_, way) = next(iter(lost.items()))
    what = f"{listed}{more}: not traced, so t.grads has None for it"
    advice = _INSTEAD[way].format(path)
    lost.clear()
    root = path.partition("[")[0].partition(".")[0]
    if root in parameters and way not in ("nothing", "static"):
        advice += f"; static=({root!r},) says that this is meant"
    if tape.strict:
        raise CutError(what, where=place(frame), advice=advice)
    message = CutWarning(f"{what}; at {place(frame)}; {advice}")
    names = frame.f_globals
    warnings.warn_explicit(
        message,
        CutWarning,
        frame.f_code.co_filename,
        frame.f_lineno,
        names.get("__name__"),
        names.setdefault("__warningregistry__", {}),
    )


def holds_any(name: str, paths: Iterable[str]) -> bool:
    """Tell whether one of some paths is a name, or leads on from it."""
    return any(
        path.startswith(name) and path[len(name) : len(name) + 1] in ("", ".", "[") for path in paths
    )


def tell_unused(
    watched: dict[str, tuple[Any, Any, CodeType, int]],
    structures: dict[str, Structure],
    recording: Recording,
    tape: Tape,
) -> CutWarning | None:
    """Warn of what `watch` returned and nothing was computed with: the program goes on with what it had before.

    The warning is returned where it is an error.
    """
    for name, (value, stand_in, code, line) in watched.items():
        numbers: list[int] = []
        fill(structures[name], numbers.append)
        if stand_in is value or not numbers or holds_any(name, tape.read_otherwise):
            continue
        rows = (recording.ops == OP_NUMBERS["input"]).nonzero()[0][numbers]
        if np.isin(rows, recording.operands).any() or any(
            output.row in rows for output in recording.outputs
        ):
            continue
        error = warned(
            f"nothing is computed with what watch(…, {name!r}) returned, so its gradient is 0",
            f"{os.path.split(code.co_filename)[1]}:{line}",
            f"watch leaves the value that it is given as it is: go on with {name} = watch(…, {name!r})",
            code.co_filename,
            line,
        )
        if error is not None:
            return error
    return None


def _are_floats(items: np.ndarray[Any, Any]) -> bool:
    """Tell whether objects are, or hold, numbers that are traced outside of an array of objects."""
    kinds = set(map(type, items))
    if any(issubclass(kind, _HOLDING) for kind in kinds):
        return any(map(_holds_floats, items))
    return any(issubclass(kind, _FLOATS) for kind in kinds)


def _holds_floats(value: Any) -> bool:
    return is_number(value) or (issubclass(type(value), (list, tuple)) and any(map(is_number, value)))


def _has_floats(dtype: np.dtype[Any]) -> bool:
    """Tell whether a field of a type, or one of its fields, is made of floats."""
    return any(
        each.base.kind in "fc" or _has_floats(each.base) for each, *_ in (dtype.fields or {}).values()
    )
