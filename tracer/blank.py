"""Blank: stands for an array that the traced function made itself, and wrote no traced value into yet.

`out = np.zeros(n); out[i] = x` needs an array that notices the write. Until then it is a plain array in all that it
answers; with the first traced value written into it, it becomes an `Array` (`buffers.py`).
"""

from __future__ import annotations

import operator
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer import into_out, mutation, numpy_calls, ufunc_calls, writing_calls
from tracer.array_likes import USUAL
from tracer.callee import called_name
from tracer.families import expose, note_view
from tracer.memory import owner_of
from tracer.numpy_table import MUTATING_METHODS
from tracer.operators import ARITHMETIC, binary
from tracer.standins import NO_RECORD, plain_deep
from tracer.values import Array

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from tracer.tape import Tape

_frame = sys._getframe  # noqa: SLF001  (the only way to see the caller at this speed)

_RAW = ("data", "ctypes", "__dlpack__")
_INTERFACES = ("__array_interface__", "__array_struct__")
_OF_OTHER_TYPES = ("view", "getfield")


class Blank(Array, stands_for="blank"):
    """Stands for an array of constants that can be written into."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        frame = _frame(1)
        if "out" in options:
            return into_out.call_into(ufunc, method, inputs, options, frame)
        if method == "at":
            return mutation.call_at(ufunc, inputs, frame)
        return blank_of(ufunc_calls.call_ufunc(ufunc, method, inputs, options, frame), self)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        frame = _frame(1)
        return blank_of(mutation.call_any(function, args, options, frame), self)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        frame = _frame(1)
        # By the user, who gets the array itself
        if called_name(frame.f_code, frame.f_lasti) == "__array__":
            return self._attribute("astype", frame)(dtype or self.value_.dtype, copy=bool(copy))
        return np.array(self.value_, dtype=dtype)

    def __buffer__(self, flags: int) -> memoryview:
        """Let code in C look at the memory, where Python asks for that: from 3.12 on."""
        raw: memoryview = self.value_.__buffer__(flags)  # raises NumPy's own errors
        expose(self, raw)
        return raw

    def __release_buffer__(self, raw: memoryview) -> None:
        """Have whoever looks keep `raw` meanwhile: of what has no such method NumPy keeps the object alone."""

    def __reduce__(self) -> Any:
        return self.value_.__reduce__()

    def __getitem__(self, index: Any) -> Any:
        if self.id_ != NO_RECORD:  # it was asked for before the first traced value was written
            return numpy_calls.getitem(self, index, _frame(1))
        return blank_of(self.value_[plain_deep(index)], self)

    def _part(self, name: str, frame: FrameType) -> Any:
        del frame
        return blank_of(getattr(self.value_, name), self)

    def __neg__(self) -> Any:
        return blank_of(-self.value_, self)

    def __pos__(self) -> Any:
        return blank_of(+self.value_, self)

    def __abs__(self) -> Any:
        return blank_of(abs(self.value_), self)

    def __copy__(self) -> Any:
        return blank_of(self.value_.copy(), self)

    def __deepcopy__(self, memo: Any) -> Any:
        return blank_of(self.value_.copy(), self)

    def _attribute(self, name: str, frame: FrameType) -> Any:
        attribute = getattr(self.value_, name)
        if name in MUTATING_METHODS:
            return writing_calls.method_of(self, name, frame)
        # Code in C asks for the interfaces, too, and what it makes of them has the stand-in as its base.
        if name in _RAW or (name in _INTERFACES and _is_read(name, frame)):
            expose(self)
            return attribute
        if not callable(attribute):
            return blank_of(attribute, self)

        def method(*args: Any, **options: Any) -> Any:
            if self.id_ != NO_RECORD or numpy_calls.any_open((*args, *options.values()), frame):
                return numpy_calls.attribute(self, name, attribute, frame)(*args, **options)
            value = getattr(self.value_, name)(*plain_deep(args), **plain_deep(options))
            if name in _OF_OTHER_TYPES and (type(value), value.dtype) != (np.ndarray, self.value_.dtype):
                expose(self)
            return blank_of(value, self)

        return method


def _is_read(name: str, frame: FrameType) -> bool:
    """Tell whether the running line itself reads an attribute: `a.name`, `getattr(a, "name")`."""
    code = frame.f_code
    return (name in code.co_names and called_name(code, frame.f_lasti) is None) or (
        name in code.co_consts and called_name(code, frame.f_lasti) == "getattr"
    )


def blank(value: Any, tape: Tape) -> Any:
    """Return the stand-in for an array that the traced function made; whatever is none comes back as it is."""
    if type(value) is not np.ndarray or value.dtype.kind not in "fc" or not tape.is_open:
        return value
    made = Blank()
    made.value_, made.tape_, made.id_ = value, tape, NO_RECORD
    return made


def blank_of(value: Any, source: Blank) -> Any:
    """Return the stand-in for an array that was computed from a blank one, or that sees its memory."""
    if type(value) in (list, tuple):
        return type(value)(blank_of(item, source) for item in value)
    if value is source.value_:
        return source
    made = blank(value, source.tape_)
    if type(made) is Blank and value.base is not None and owner_of(value) is owner_of(source.value_):
        note_view(made, (source,))
    return made


def _write_operators() -> None:
    """Give Blank the operators, which hold for constants or lead into the general path."""

    def forward(rule: str, compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        return lambda self, other: blank_of(binary(self, other, rule, compute, _frame(1)), self)

    def reflected(rule: str, compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        return lambda self, other: blank_of(binary(other, self, rule, compute, _frame(1)), self)

    for method, (rule, _) in ARITHMETIC.items():
        compute = getattr(operator, f"__{method}__")
        setattr(Blank, f"__{method}__", forward(rule, compute))
        setattr(Blank, f"__r{method}__", reflected(rule, compute))


_write_operators()
Blank.__name__ = Blank.__qualname__ = "numpy.ndarray"
USUAL.add(Blank)
