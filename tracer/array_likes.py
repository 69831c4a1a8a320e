"""Objects of the user's classes that NumPy makes arrays of: those with `__array__`, and sequences.

NumPy's code in C asks them, and takes no stand-in for an answer. So where a traced value or a replaced function sees
them first, they are asked here, and the call goes on with the traced array, or with a list.
"""

from __future__ import annotations

import operator
from collections import UserList, deque
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.frames import is_library
from tracer.holders import module_of
from tracer.standins import Traced, holds_traced, plain

if TYPE_CHECKING:
    from collections.abc import Callable

_ASARRAY = np.asarray  # which is another function while a trace runs
_NESTED = (list, tuple)
_DEEPEST = 64  # axes of an array
# What is nearly always given, but for lists; with the stand-ins. What else there is, is looked at one by one.
USUAL: set[type] = {
    *(bool, bytes, complex, dict, float, int, range, slice, str, type(None), type(...)),
    *(np.ndarray, np.bool_, np.float32, np.float64, np.int64),
}
_OF_PYTHON = (UserList, deque)
_NO_SEQUENCES = (Traced, np.ndarray, np.generic, str, bytes, bytearray, dict)
_OWN_MEMORY = ("__array_interface__", "__array_struct__", "__buffer__")  # which NumPy takes first
_PROTOCOLS = ("__array_function__", "__array_ufunc__")


def defines_array(kind: type) -> bool:
    """Tell whether NumPy makes arrays of a class of the user's by its `__array__`."""
    return (
        _is_users(kind)
        and hasattr(kind, "__array__")
        and not any(hasattr(kind, each) for each in _OWN_MEMORY)
    )


def takes_ufuncs(kind: type) -> bool:
    """Tell whether NumPy leaves its ufuncs to a class of the user's."""
    return kind not in USUAL and _is_users(kind) and getattr(kind, "__array_ufunc__", None) is not None


def arrays_in(given: Any, depth: int = 0) -> Any:
    """Return arguments with traced arrays, or lists with traced values, for what NumPy would make arrays of.

    The same object where there is nothing of that kind.
    """
    if USUAL.issuperset(map(type, given)) or depth > _DEEPEST:
        return given
    found = [array_in(each, depth + 1) for each in given]
    return given if all(map(operator.is_, found, given)) else type(given)(found)


def array_in(value: Any, depth: int = 0) -> Any:
    """Do so for one argument."""
    kind = type(value)
    if kind in _NESTED:
        return arrays_in(value, depth)
    if kind in USUAL or any(hasattr(kind, each) for each in _PROTOCOLS):
        return value
    if defines_array(kind):
        return asked(_ASARRAY, value)[0]
    if _is_sequence(kind):
        listed = arrays_in([*value], depth + 1)
        return listed if holds_traced(listed) else value
    return value


def may_hold_traced(value: Any) -> bool:
    """Tell whether NumPy would find a traced value in an object, or asks it for an array, which may be one."""
    kind = type(value)
    if any(hasattr(kind, each) for each in _PROTOCOLS):
        return False
    return defines_array(kind) or (_is_sequence(kind) and array_in(value) is not value)


def asked(make: Callable[..., Any], value: Any, *args: Any, **options: Any) -> tuple[Any, Any]:
    """Have NumPy make an array of an object by its `__array__`: what that answered, if it is traced, and the array."""
    question = _Question(value)
    made = make(question, *args, **options)
    answer = question.answer
    return (answer if issubclass(type(answer), Traced) else made), made


class _Question:
    """Asks an object for NumPy, and keeps the answer."""

    def __init__(self, value: Any) -> None:
        self.value, self.answer = value, None

    def __array__(self, *args: Any, **options: Any) -> Any:
        self.answer = self.value.__array__(*args, **options)
        return plain(self.answer)


def _is_users(kind: type) -> bool:
    return not issubclass(kind, _NO_SEQUENCES) and not is_library(str(module_of(kind)))


def _is_sequence(kind: type) -> bool:
    is_known = issubclass(kind, (*_NESTED, *_OF_PYTHON)) or _is_users(kind)
    return is_known and hasattr(kind, "__len__") and hasattr(kind, "__getitem__")
