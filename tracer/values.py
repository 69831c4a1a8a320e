"""Scalar and Array: the stand-ins that flow through user code in place of numbers and append to the tape.

Everything but the value, the tape and the record's position is worked out after the run. The operators of two operands
are written in by `operators.py`.
"""

from __future__ import annotations

import math
import operator
import sys
from abc import ABCMeta
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer import mutation, numpy_calls, writing_calls
from tracer.array_likes import USUAL, array_in
from tracer.asked_for import is_asked_by, note_equal, note_equal_arrays, part_of_fraction, written_or_cut
from tracer.buffers import refuse_swap_in_c, write
from tracer.callee import called_name, not_an_index
from tracer.counts import is_taken_for_shape, items_of_permutation
from tracer.cuts import COMPLEX, CONVERSION, cut
from tracer.flat import Flat, Rows
from tracer.instructions import operator_at
from tracer.numpy_table import MUTATING_METHODS, UFUNC_RULES
from tracer.operators import OPERANDS, binary, divided, uncompared, write_arithmetic, write_integer_methods
from tracer.other_threads import is_met_elsewhere
from tracer.refused import refuse
from tracer.rules.kinds import is_complex
from tracer.standins import Traced, plain, record_call, unary
from tracer.texts import note

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType
    from typing import SupportsIndex

_frame = sys._getframe  # noqa: SLF001  (the only way to see the caller at this speed)
_COPY, _POWER = np.copy, np.power  # which are other functions while a trace runs
_TWO = 2
_MATCHES_SEQUENCES = 1 << 5  # of the flags of a class, Py_TPFLAGS_SEQUENCE
# By which other libraries ask an array for its memory, or for a wrapping of their own
_SPECIAL_ATTRIBUTES = frozenset(
    "__array_interface__ __array_namespace__ __array_priority__ __array_struct__ __array_wrap__ __dlpack__ "
    "__dlpack_device__ __setstate__".split()
)


class _Number(Traced, stands_for="none"):
    """What Scalar and Array share: reads that carry no gradient, ways out of the graph, NumPy's two protocols."""

    __slots__ = ()

    @property  # type: ignore[misc]
    def __class__(self) -> type[Any]:
        """Answer isinstance as the plain value would, so that checks in user code take the same branch."""
        return type(self.value_)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        name = None if options or method != "__call__" else UFUNC_RULES.get(ufunc)
        if name is not None:
            if len(inputs) == 1:
                return unary(self, name, ufunc, _frame(1))
            kinds = set(map(type, inputs))
            if len(inputs) == _TWO and Array in kinds and kinds <= OPERANDS and ufunc is not _POWER:
                left, right = inputs
                value = ufunc(plain(left), plain(right))
                return record_call(name, inputs, value, None, _frame(1))
        return mutation.call_ufunc_any(ufunc, method, inputs, options, _frame(1))

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        return mutation.call_any(function, args, options, _frame(1))

    def __lt__(self, other: Any) -> Any:
        try:
            return self.value_ < plain(other)
        except TypeError:
            return uncompared(self, other)

    def __le__(self, other: Any) -> Any:
        try:
            return self.value_ <= plain(other)
        except TypeError:
            return uncompared(self, other)

    def __gt__(self, other: Any) -> Any:
        try:
            return self.value_ > plain(other)
        except TypeError:
            return uncompared(self, other)

    def __ge__(self, other: Any) -> Any:
        try:
            return self.value_ >= plain(other)
        except TypeError:
            return uncompared(self, other)

    def __eq__(self, other: object) -> Any:
        equal = self.value_ == plain(other)
        if equal is True or equal is np.True_:
            note_equal(self, other, _frame(1))
        return equal

    def __ne__(self, other: object) -> Any:
        differs = self.value_ != plain(other)
        if differs is False or differs is np.False_:
            note_equal(self, other, _frame(1))
        return differs

    def __hash__(self) -> int:
        number = hash(self.value_)
        if not isinstance(self.value_, int):
            frame = _frame(1)
            if frame is self.tape_.frame or not is_met_elsewhere(self.tape_, frame, self):
                self.tape_.hashed = frame.f_code, frame.f_lasti
        return number

    def __bool__(self) -> bool:
        return bool(self.value_)

    def __str__(self) -> str:
        return note(self, str(self.value_), _frame(1))

    def __repr__(self) -> str:
        return note(self, repr(self.value_), _frame(1))

    def __format__(self, form: str) -> str:
        return note(self, format(self.value_, form), _frame(1))

    def __index__(self) -> int:
        # A plain array asks up to NumPy 2.2; without an answer it goes on to __array_ufunc__.
        if operator_at(_frame(1)) in ("**", "**="):
            raise TypeError("an exponent that is traced")
        try:
            return operator.index(self.value_)
        except TypeError as error:
            raise not_an_index(self.value_, error, _frame(1)) from None

    def __int__(self) -> int:
        number = int(self.value_)  # raises the plain value's own error
        written_or_cut(self, "int()", _frame(1))
        return number

    def __float__(self) -> float:
        number = float(self.value_)
        written_or_cut(self, "float()", _frame(1))
        return number

    def __complex__(self) -> complex:
        return complex(cut(self, COMPLEX, _frame(1)))

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        """Pickle as the plain value is: whoever reads it need not have us."""
        number = cut(self, "pickle", _frame(1))
        # By an older protocol a float can't be pickled so
        return number.__reduce_ex__(max(operator.index(protocol), 2))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        frame = _frame(1)
        if type(self.value_) is np.ndarray and called_name(frame.f_code, frame.f_lasti) == "__array__":
            # By the user, who gets the array itself
            return self._attribute("astype", frame)(dtype or self.value_.dtype, copy=bool(copy))
        items = items_of_permutation(self, frame)
        items = cut(self, CONVERSION, frame) if items is None else items
        return np.array(items, dtype=dtype, copy=copy)

    @property
    def real(self) -> Any:
        """The real part: of a real value, itself."""
        return self._part("real", _frame(1)) if is_complex(self.value_) else self

    @real.setter
    def real(self, value: Any) -> None:
        mutation.set_part(self, "real", value, _frame(1))

    @property
    def imag(self) -> Any:
        """The imaginary part: of a real value, a plain zero."""
        return self._part("imag", _frame(1)) if is_complex(self.value_) else self.value_.imag

    @imag.setter
    def imag(self, value: Any) -> None:
        mutation.set_part(self, "imag", value, _frame(1))

    def _part(self, name: str, frame: FrameType) -> Any:
        return numpy_calls.part_of(self, name, frame)

    def __invert__(self) -> Any:
        return ~self.value_

    def __neg__(self) -> Any:
        return unary(self, "negative", operator.neg, _frame(1))

    def __pos__(self) -> Any:
        return unary(self, "positive", operator.pos, _frame(1))

    def __abs__(self) -> Any:
        return unary(self, "absolute", abs, _frame(1))

    def __matmul__(self, other: Any) -> Any:
        return binary(self, other, "matmul", operator.matmul, _frame(1))

    def __rmatmul__(self, other: Any) -> Any:
        return binary(other, self, "matmul", operator.matmul, _frame(1))

    def __divmod__(self, other: Any) -> Any:
        return divided(self, other, _frame(1))

    def __rdivmod__(self, other: Any) -> Any:
        return divided(other, self, _frame(1))

    def __conform__(self, protocol: Any) -> Any:
        """Let the plain value leave as a parameter of sqlite3, which asks this of types that it does not know."""
        return cut(self, "a parameter of sqlite3", _frame(1))

    def _attribute(self, name: str, frame: FrameType) -> Any:
        """Whatever else a number or an array has: array methods are followed as NumPy's functions are."""
        if name in ("__array_interface__", "__array_struct__"):
            if is_asked_by(frame, name):
                raise refuse(f"ndarray.{name}", frame)
            # NumPy's C code would read the memory through them and say nothing; so it asks __array__, which cuts.
            raise AttributeError(f"a traced array has no {name}: detach(array) gives one that has")
        attribute = getattr(self.value_, name)  # raises the plain value's own AttributeError
        if name == "hex":
            return lambda: (note(self, "", frame), attribute())[1]
        if name in MUTATING_METHODS and type(self.value_) is np.ndarray:
            return writing_calls.method_of(self, name, frame)
        if isinstance(self.value_, (np.ndarray, np.generic)):
            return numpy_calls.attribute(self, name, attribute, frame)
        if name == "numerator":
            return part_of_fraction(self, frame)
        if name == "conjugate":
            return lambda: numpy_calls.conjugate(self, _frame(1))
        if not callable(attribute) or name in ("is_integer", "bit_length", "bit_count"):
            return attribute

        def leaving(*args: Any) -> Any:
            return getattr(cut(self, f".{name}()", frame), name)(*args)

        return leaving


class Scalar(_Number, stands_for="number"):
    """Stands for a float, an int or a NumPy scalar."""

    __slots__ = ()

    __iter__ = None  # which `__getitem__` would stand in for

    def __getitem__(self, index: Any) -> Any:
        if not isinstance(self.value_, np.generic):
            if is_taken_for_shape(self.value_, _frame(1)):
                return (self.value_,)
            raise TypeError(f"'{type(self.value_).__name__}' object is not subscriptable")
        return numpy_calls.getitem(self, index, _frame(1))

    def __copy__(self) -> Scalar:
        return self

    def __deepcopy__(self, memo: Any) -> Scalar:
        return self

    def __round__(self, digits: Any = None) -> Any:
        arguments = () if digits is None else (plain(digits),)
        return unary(self, "round", lambda value: round(value, *arguments), _frame(1))

    def __floor__(self) -> Any:
        return unary(self, "floor", math.floor, _frame(1))

    def __ceil__(self) -> Any:
        return unary(self, "ceil", math.ceil, _frame(1))

    def __trunc__(self) -> Any:
        return unary(self, "trunc", math.trunc, _frame(1))


class Array(_Number, stands_for="array"):
    """Stands for an ndarray. `a += b` moves the same stand-in on to a new record: the old value stays on the tape."""

    __slots__ = ("__weakref__",)  # for the views that share its memory

    def __eq__(self, other: object) -> Any:
        note_equal_arrays(self, other, _frame(1))
        return self.value_ == plain(other)

    def __ne__(self, other: object) -> Any:
        note_equal_arrays(self, other, _frame(1))
        return self.value_ != plain(other)

    __hash__ = None  # type: ignore[assignment]  # as an ndarray's, which isinstance(a, Hashable) asks for

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes; they can be set, as NumPy's can."""
        shape: tuple[int, ...] = self.value_.shape
        return shape

    @shape.setter
    def shape(self, shape: Any) -> None:
        mutation.set_shape(self, shape, _frame(1))

    def __bytes__(self) -> bytes:
        return bytes(cut(self, "bytes()", _frame(1)))

    def __len__(self) -> int:
        return len(self.value_)

    def __iter__(self) -> Iterator[Any]:
        iter(self.value_)  # raises NumPy's own error for a 0-d array
        return iter(Rows(self))

    def __getitem__(self, index: Any) -> Any:
        return numpy_calls.getitem(self, index, _frame(1))

    def __setitem__(self, index: Any, value: Any) -> None:
        frame = _frame(1)
        if type(value) is Flat:
            value = value.in_a_row(frame)
        elif type(value) not in USUAL:
            value = array_in(value)
        if issubclass(type(value), Array) and value.value_.base is not None:
            refuse_swap_in_c(self, value, frame)
        write(self, index, value, frame)

    def __delitem__(self, index: Any) -> None:
        del self.value_[index]  # raises NumPy's own error

    @property
    def flat(self) -> Flat:
        """All elements in one row, to be read and written."""
        return Flat(self)

    @flat.setter
    def flat(self, value: Any) -> None:
        Flat(self).write(..., value, _frame(1))

    def __contains__(self, item: Any) -> bool:
        return plain(item) in self.value_

    def __copy__(self) -> Any:
        return numpy_calls.call_function(_COPY, (self,), {}, _frame(1))

    def __deepcopy__(self, memo: Any) -> Any:
        return numpy_calls.call_function(_COPY, (self,), {}, _frame(1))


def _write_attributes() -> None:
    """Give Scalar and Array what numbers and arrays have, name by name.

    One `__getattr__` would say the same, but Python then no longer reads `self.value_` in one step, which the hot path
    does six times.
    """

    def reader(name: str) -> property:
        return property(lambda self: self._attribute(name, _frame(1)))

    for kind, plain_kinds in ((Scalar, (float, int, np.float64, np.int64)), (Array, (np.ndarray,))):
        for name in {name for each in plain_kinds for name in dir(each)}:
            if (not name.startswith("_") or name in _SPECIAL_ATTRIBUTES) and not hasattr(kind, name):
                setattr(kind, name, reader(name))


def _borrow_names() -> None:
    """Take the names that Python's own messages should show, "'float' object is not iterable"; and the texts."""
    for kind, name in ((Scalar, "float"), (Array, "numpy.ndarray")):
        kind.__name__ = kind.__qualname__ = name
        kind.__doc__ = property(lambda self: self.value_.__doc__)  # type: ignore[assignment]


def _match_sequences() -> None:
    """Have `case [a, b]:` match an Array where it matches NumPy's own arrays: from NumPy 2.5 on."""
    if np.ndarray.__flags__ & _MATCHES_SEQUENCES:
        # Whatever is registered with an ABC gets this flag of it. With Sequence, too: but no array is a Sequence.
        ABCMeta("Matched", (), {"__abc_tpflags__": _MATCHES_SEQUENCES}).register(Array)


write_arithmetic(Scalar, Array)
write_integer_methods(_Number)
_write_attributes()
_borrow_names()
_match_sequences()
USUAL.update((Scalar, Array, Flat))
