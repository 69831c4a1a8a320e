"""Scalar and Array: the stand-ins that flow through user code in place of numbers and append to the tape.

Everything but the value, the tape and the record's position is worked out after the run. The two-operand methods
of Scalar are the hot path of the whole project: they are written out from one template, with the operator inlined,
because each indirection costs more than the arithmetic.
"""

from __future__ import annotations

import math
import numbers
import opcode
import operator
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer import mutation, numpy_calls
from tracer.buffers import refuse_swap_in_c, replace, write
from tracer.exponent import is_read_as_exponent
from tracer.flat import Flat
from tracer.numpy_table import MUTATING_METHODS, UFUNC_RULES
from tracer.operations import OP_NUMBERS
from tracer.rules.kinds import is_complex
from tracer.standins import CONVERSION, Traced, cut, is_traced, plain, plain_deep, record_call, unary
from tracer.tape import AUXILIARY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_frame = sys._getframe  # noqa: SLF001  (the only way to see the caller at this speed)
_NUMBERS = (int, float, complex, np.number, np.bool_, np.ndarray)
_SEQUENCES = frozenset({list, tuple, str, bytes, bytearray})
_COPY = np.copy  # which is another function while a trace runs
_BINARY_OP = opcode.opmap["BINARY_OP"]
_STORE_SUBSCR = opcode.opmap["STORE_SUBSCR"]
_REMAINDERS = (6, 19)  # argument of BINARY_OP for `%` and `%=`
_TWO = 2
_FIRST_IN_PLACE = 13  # the argument from which on an operator is written `+=`
# By which other libraries ask an array for its memory, or for a wrapping of their own
_SPECIAL_ATTRIBUTES = frozenset(
    "__array_interface__ __array_namespace__ __array_priority__ __array_struct__ __array_wrap__ __dlpack__ "
    "__dlpack_device__".split()
)
ARITHMETIC = {  # method name -> name of the rule, and the operator as it is written
    "add": ("add", "+"),
    "sub": ("subtract", "-"),
    "mul": ("multiply", "*"),
    "truediv": ("divide", "/"),
    "floordiv": ("floor_divide", "//"),
    "mod": ("remainder", "%"),
    "pow": ("power", "**"),
    "matmul": ("matmul", "@"),
}
_COMPUTE = {method: getattr(operator, f"__{method}__") for method in ARITHMETIC}


class _Number(Traced, stands_for="none"):
    """What Scalar and Array share: reads that carry no gradient, ways out of the graph, NumPy's two protocols."""

    __slots__ = ()

    @property  # type: ignore[misc]
    def __class__(self) -> type[Any]:
        """Answer isinstance as the plain value would, so that checks in user code take the same branch."""
        return type(self.value)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if "out" in options:
            return mutation.call_into(ufunc, method, inputs, options, _frame(1))
        if method == "at":
            return mutation.call_at(ufunc, inputs, _frame(1))
        if method == "__call__" and not options and ufunc in UFUNC_RULES:
            if len(inputs) == 1:
                return unary(self, UFUNC_RULES[ufunc], ufunc, _frame(1))
            kinds = set(map(type, inputs))
            if len(inputs) == _TWO and Array in kinds and kinds <= _OPERANDS and ufunc is not np.power:
                left, right = inputs
                value = ufunc(plain(left), plain(right))
                return record_call(UFUNC_RULES[ufunc], inputs, value, None, _frame(1))
        return numpy_calls.call_ufunc(ufunc, method, inputs, options, _frame(1))

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        return mutation.call_any(function, args, options, _frame(1))

    def __lt__(self, other: Any) -> Any:
        return self.value < plain(other)

    def __le__(self, other: Any) -> Any:
        return self.value <= plain(other)

    def __gt__(self, other: Any) -> Any:
        return self.value > plain(other)

    def __ge__(self, other: Any) -> Any:
        return self.value >= plain(other)

    def __eq__(self, other: object) -> Any:
        equal = self.value == plain(other)
        if self.tape.hashed is not None and (equal is True or equal is np.True_):
            _note_key(self, other, _frame(1))
        return equal

    def __ne__(self, other: object) -> Any:
        return self.value != plain(other)

    def __hash__(self) -> int:
        number = hash(self.value)
        if not isinstance(self.value, int):
            frame = _frame(1)
            self.tape.hashed = frame.f_code, frame.f_lasti
        return number

    def __bool__(self) -> bool:
        return bool(self.value)

    def __str__(self) -> str:
        return str(self.value)

    def __repr__(self) -> str:
        return repr(self.value)

    def __format__(self, form: str) -> str:
        return format(self.value, form)

    def __index__(self) -> int:
        if is_read_as_exponent(_frame(1)):
            cut(self, "the exponent of a plain array", _frame(1))
        return operator.index(self.value)

    def __int__(self) -> int:
        number = int(self.value)  # raises the plain value's own error
        if not _formats_text(_frame(1)):
            cut(self, "int()", _frame(1))
        return number

    def __float__(self) -> float:
        number = float(self.value)
        if not _formats_text(_frame(1)):
            cut(self, "float()", _frame(1))
        return number

    def __complex__(self) -> complex:
        return complex(cut(self, "complex(); x + 1j*y is followed", _frame(1)))

    def __reduce__(self) -> tuple[Any, ...]:
        return _identity, (cut(self, "pickle", _frame(1)),)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.array(cut(self, CONVERSION, _frame(1)), dtype=dtype, copy=copy)

    @property
    def real(self) -> Any:
        """The real part: of a real value, itself."""
        return self._part("real", _frame(1)) if is_complex(self.value) else self

    @real.setter
    def real(self, value: Any) -> None:
        mutation.set_part(self, "real", value, _frame(1))

    @property
    def imag(self) -> Any:
        """The imaginary part: of a real value, a plain zero."""
        return self._part("imag", _frame(1)) if is_complex(self.value) else self.value.imag

    @imag.setter
    def imag(self, value: Any) -> None:
        mutation.set_part(self, "imag", value, _frame(1))

    def _part(self, name: str, frame: FrameType) -> Any:
        return numpy_calls.part_of(self, name, frame)

    def __invert__(self) -> Any:
        return ~self.value

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
        frame = _frame(1)
        return _divmod(self, other, frame)

    def __rdivmod__(self, other: Any) -> Any:
        return _divmod(other, self, _frame(1))

    def _attribute(self, name: str, frame: FrameType) -> Any:
        """Whatever else a number or an array has: array methods are followed as NumPy's functions are."""
        if name in ("__array_interface__", "__array_struct__"):
            # NumPy's C code would read the memory through them and say nothing; so it asks __array__, which cuts.
            raise AttributeError(f"a traced array has no {name}: detach(array) gives one that has")
        attribute = getattr(self.value, name)  # raises the plain value's own AttributeError
        if name in MUTATING_METHODS and type(self.value) is np.ndarray:
            return mutation.method_of(self, name, frame)
        if isinstance(self.value, (np.ndarray, np.generic)):
            return numpy_calls.attribute(self, name, attribute, frame)
        if name == "numerator":
            return self
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

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes; they can be set, as NumPy's can."""
        shape: tuple[int, ...] = self.value.shape
        return shape

    @shape.setter
    def shape(self, shape: Any) -> None:
        mutation.set_shape(self, shape, _frame(1))

    def __bytes__(self) -> bytes:
        return bytes(cut(self, "bytes()", _frame(1)))

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        iter(self.value)  # raises NumPy's own error for a 0-d array
        frame = _frame(1)
        return (numpy_calls.getitem(self, index, frame) for index in range(len(self.value)))

    def __getitem__(self, index: Any) -> Any:
        return numpy_calls.getitem(self, index, _frame(1))

    def __setitem__(self, index: Any, value: Any) -> None:
        frame = _frame(1)
        if issubclass(type(value), Array) and value.value.base is not None:
            refuse_swap_in_c(self, value, frame)
        write(self, index, value, frame)

    @property
    def flat(self) -> Flat:
        """All elements in one row, to be read and written."""
        return Flat(self)

    @flat.setter
    def flat(self, value: Any) -> None:
        Flat(self).write(..., value, _frame(1))

    def __contains__(self, item: Any) -> bool:
        return plain(item) in self.value

    def __copy__(self) -> Any:
        return numpy_calls.call_function(_COPY, (self,), {}, _frame(1))

    def __deepcopy__(self, memo: Any) -> Any:
        return numpy_calls.call_function(_COPY, (self,), {}, _frame(1))


# What two-operand functions meet nearly always; what else there is, they ask for one by one
_OPERANDS = frozenset((Scalar, Array, float, int, np.float64, np.ndarray))


def _formats_text(frame: FrameType) -> bool:
    """Tell whether a number is asked for by `"%.2f" % x`, which only reads it; other operators ask the stand-in."""
    code, at = frame.f_code.co_code, frame.f_lasti
    return code[at] == _BINARY_OP and code[at + 1] in _REMAINDERS


def _note_key(value: Traced, other: Any, frame: FrameType) -> None:
    """Say that a key found an equal one: a dict, a set or a cache gives what it holds for that one.

    A lookup asks for the hash and for equality in one instruction.
    """
    is_same = is_traced(other) and other.tape is value.tape and other.id == value.id
    if is_same or value.tape.hashed != (frame.f_code, frame.f_lasti) or not value.tape.is_open:
        return
    if frame.f_code.co_code[frame.f_lasti] != _STORE_SUBSCR:  # which puts a value where another one was
        cut(value, "a key that equals another one, of a dict, a set or a cache", frame)


def _identity(value: Any) -> Any:
    """Return the value: what a pickled stand-in becomes."""
    return value


def _divmod(left: Any, right: Any, frame: FrameType) -> Any:
    for other in (left, right):
        if not is_traced(other) and not isinstance(other, _NUMBERS):
            return _foreign(left, right, other, "divmod", divmod, frame)
    quotient, rest = divmod(plain(left), plain(right))
    return (
        record_call("floor_divide", (left, right), quotient, None, frame, AUXILIARY),
        record_call("remainder", (left, right), rest, None, frame, AUXILIARY),
    )


def binary(left: Any, right: Any, name: str, compute: Callable[[Any, Any], Any], frame: FrameType) -> Any:
    """Compute and record an operator whose operands are not those of the hot path."""
    for other in (left, right):
        if type(other) not in _OPERANDS and not is_traced(other) and not isinstance(other, _NUMBERS):
            return _foreign(left, right, other, name, compute, frame)
    return record_call(name, (left, right), compute(plain(left), plain(right)), None, frame)


def _foreign(
    left: Any, right: Any, other: Any, name: str, compute: Callable[[Any, Any], Any], frame: FrameType
) -> Any:
    """Compute an operator of a traced value and `other`, which is no number of Python or NumPy."""
    traced = left if other is right else right
    kind = type(other)
    if name == "multiply" and kind in _SEQUENCES and isinstance(traced.value, (int, np.integer)):
        # A count. Where the sequence stands first, Python repeats it itself, in place for `*=`.
        return NotImplemented if traced is right else compute(traced.value, other)
    if kind in (list, tuple):
        value = compute(plain_deep(left), plain_deep(right))  # raises where a list is no operand
        if isinstance(value, (np.ndarray, np.generic)):
            return record_call(name, numpy_calls.arrays_of((left, right), frame), value, None, frame)
    if traced is left and kind not in _SEQUENCES and not isinstance(other, numbers.Number):
        reflected = getattr(kind, f"__r{compute.__name__}__", None)
        operand = left
        if isinstance(traced.value, np.ndarray) and not _takes_whole_arrays(kind):
            reflected = None  # NumPy asks such a class for every element
        elif (
            reflected is not None and isinstance(traced.value, np.generic) and not _takes_whole_arrays(kind)
        ):
            operand = numpy_calls.item(left, frame)  # as a number of Python's
        answer = NotImplemented if reflected is None else reflected(other, operand)
        if answer is not NotImplemented:
            return answer
    value = _as_written(compute, frame)(plain(left), plain(right))  # raises the plain program's error
    if type(value) is float and isinstance(other, numbers.Rational):
        operands = (left, float(other)) if other is right else (float(other), right)
        return record_call(name, operands, value, None, frame)
    cut(traced, f"an operator with a {kind.__name__}", frame)
    return value


def _takes_whole_arrays(kind: type) -> bool:
    """Tell whether NumPy leaves an operator to a class; else it asks the class element by element."""
    return getattr(kind, "__array_ufunc__", ...) is None or hasattr(kind, "__array_priority__")


def _as_written(compute: Callable[[Any, Any], Any], frame: FrameType) -> Callable[[Any, Any], Any]:
    """Return the in-place form of an operator that was written in place: its errors say so."""
    code, at = frame.f_code.co_code, frame.f_lasti
    if code[at] == _BINARY_OP and code[at + 1] >= _FIRST_IN_PLACE:
        in_place: Callable[[Any, Any], Any] = getattr(operator, f"i{compute.__name__}")
        return in_place
    return compute


def _in_place(
    array: Array, other: Any, name: str, compute: Callable[[Any, Any], Any], frame: FrameType
) -> Array:
    """Follow `array += other`: NumPy writes into a copy, and the same stand-in goes on with that."""
    if not array.tape.is_open or not array.value.flags.writeable:
        compute(array.value, plain_deep(other))
        return array
    fresh = array.value.copy(order="K")
    # In place, so that casting and its errors are those of the plain program.
    compute(fresh, plain_deep(other))
    made = record_call(name, numpy_calls.arrays_of((array, other), frame), fresh, None, frame)
    if is_traced(made):
        replaced: Array = replace(array, made, frame)
        return replaced
    write(array, ..., fresh, frame)
    return array


_FORWARD = """
def __{method}__(self, other{extra_parameter}):
    {guard_arguments}
    tape = self.tape
    kind = type(other)
    if kind is {Kind} and other.tape is tape:
        value = self.value {symbol} other.value
        code, right = {both}, other.id
    elif {is_plain}:
        value = self.value {symbol} other
        code, right = {left_only}, other
    elif {is_scalar}:
        value = self.value {symbol} other.value
        code, right = {both}, other.id
    else:
        return binary(self, other, "{rule}", compute, getframe(1))
    {guard_value}
    frame = getframe(1)
    if frame is not tape.frame and not tape.enter(frame):
        return value
    {keep_constant}
    out = {Kind}()
    out.value, out.tape = value, tape
    records = tape.records
    out.id = len(records)
    records += (code, self.id, right, value, frame.f_lasti)
    return out
"""
_REFLECTED = """
def __r{method}__(self, other{extra_parameter}):
    {guard_arguments}
    kind = type(other)
    if kind is not float and kind is not int:
        return binary(other, self, "{rule}", compute, getframe(1))
    value = other {symbol} self.value
    {guard_value}
    tape = self.tape
    frame = getframe(1)
    if frame is not tape.frame and not tape.enter(frame):
        return value
    out = {Kind}()
    out.value, out.tape = value, tape
    records = tape.records
    out.id = len(records)
    records += ({right_only}, other, self.id, value, frame.f_lasti)
    return out
"""
_OF_SCALARS = {
    "Kind": "Scalar",
    "is_plain": "kind is float or kind is int or kind is float64",
    "is_scalar": "False",
    "keep_constant": "",
    "guard_value": "",
    "guard_arguments": "",
    "extra_parameter": "",
}
_OF_ARRAYS = _OF_SCALARS | {
    "Kind": "Array",
    "is_plain": "kind is float or kind is int or kind is ndarray",
    "is_scalar": "kind is Scalar and other.tape is tape",
    "keep_constant": "if kind is ndarray: right = tape.snapshot(other)",
    # A number, where both arrays have no axes, and an array of no real numbers take the general path.
    "guard_value": 'if type(value) is not ndarray or value.dtype.kind != "f": '
    'return record_call("{rule}", {operands}, value, None, getframe(1))',
}
_POWER_OF_SCALARS = {
    "extra_parameter": ", modulus=None",
    "guard_arguments": "if modulus is not None: return pow(plain(self), plain(other), plain(modulus))",
}


def _write_methods(kind: type[_Number], lines: dict[str, str], method: str, rule: str, symbol: str) -> None:
    """Write out an operator's forward and reflected method from the templates above."""
    code = OP_NUMBERS[rule] << 2
    codes = {"left_only": code | 1, "right_only": code | 2, "both": code | 3}
    space: dict[str, Any] = {
        "Array": Array,
        "Scalar": Scalar,
        "binary": binary,
        "compute": _COMPUTE[method],
        "float64": np.float64,
        "getframe": _frame,
        "ndarray": np.ndarray,
        "plain": plain,
        "record_call": record_call,
    }
    for template, name, operands in (
        (_FORWARD, f"__{method}__", "(self, other)"),
        (_REFLECTED, f"__r{method}__", "(other, self)"),
    ):
        filled = {key: line.format(rule=rule, operands=operands) for key, line in lines.items()}
        text = template.format(method=method, rule=rule, symbol=symbol, **codes, **filled)
        exec(compile(text, __file__, "exec"), space)  # noqa: S102  (our own text, as dataclasses does)
        setattr(kind, name, space[name])


def _write_arithmetic() -> None:
    """Give Scalar and Array the operators of ARITHMETIC, and Array those in place."""

    def in_place(rule: str, compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        return lambda self, other: _in_place(self, other, rule, compute, _frame(1))

    for method, (rule, symbol) in ARITHMETIC.items():
        _write_methods(Array, _OF_ARRAYS, method, rule, symbol)
        setattr(Array, f"__i{method}__", in_place(rule, getattr(operator, f"__i{method}__")))
        if method != "matmul":
            lines = _OF_SCALARS | (_POWER_OF_SCALARS if method == "pow" else {})
            _write_methods(Scalar, lines, method, rule, symbol)


def _write_attributes() -> None:
    """Give Scalar and Array what numbers and arrays have, name by name.

    One `__getattr__` would say the same, but Python then no longer reads `self.value` in one step, which the hot path
    does six times.
    """

    def reader(name: str) -> property:
        return property(lambda self: self._attribute(name, _frame(1)))

    for kind, plain_kinds in ((Scalar, (float, int, np.float64, np.int64)), (Array, (np.ndarray,))):
        for name in {name for each in plain_kinds for name in dir(each)}:
            if (not name.startswith("_") or name in _SPECIAL_ATTRIBUTES) and not hasattr(kind, name):
                setattr(kind, name, reader(name))


def _borrow_names() -> None:
    """Take the names that Python's own messages should show: "'float' object is not iterable"."""
    for kind, name in ((Scalar, "float"), (Array, "numpy.ndarray")):
        kind.__name__ = kind.__qualname__ = name


def _write_integer_methods() -> None:
    """Bit operators are for integers, which take steps: plain results, as from a comparison."""

    def forward(compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        return lambda self, other: compute(plain(self), plain(other))

    def reflected(compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        return lambda self, other: compute(plain(other), plain(self))

    for method in ("and", "or", "xor", "lshift", "rshift"):
        compute = getattr(operator, f"__{method}__")
        setattr(_Number, f"__{method}__", forward(compute))
        setattr(_Number, f"__r{method}__", reflected(compute))


_write_arithmetic()
_write_integer_methods()
_write_attributes()
_borrow_names()
