"""The operators of two operands: the hot path, written out from templates, and whatever else an operand may be.

The methods of Scalar are the hot path of the whole project: the operator is inlined, because each indirection costs
more than the arithmetic. `values.py` has them written into its classes.
"""

from __future__ import annotations

import numbers
import operator
import sys
from array import array
from collections import deque
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer import numpy_calls
from tracer.array_likes import USUAL, array_in, takes_ufuncs
from tracer.buffers import replace, write
from tracer.cuts import cut
from tracer.flat import Flat, in_rows, plain_flat
from tracer.instructions import operator_at
from tracer.operations import OP_NUMBERS
from tracer.other_threads import has_written_elsewhere
from tracer.standins import Traced, is_traced, plain, plain_deep, record_call
from tracer.tape import AUXILIARY

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_frame = sys._getframe  # noqa: SLF001  (the only way to see the caller at this speed)
_NUMBERS = (int, float, complex, np.number, np.bool_, np.ndarray)
_PYTHONS_NUMBERS = (int, float, complex)
_SEQUENCES = frozenset({list, tuple, str, bytes, bytearray, array, deque})
# Types that have no order with a float
_WITHOUT_ORDER = frozenset((str, bytes, type(None), list, tuple, dict, complex))
# What two-operand functions meet nearly always, with Scalar and Array; what else there is, they ask for one by one
OPERANDS: set[type] = {float, int, np.float64, np.ndarray}
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


def divided(left: Any, right: Any, frame: FrameType) -> Any:
    """Compute and record divmod."""
    for other in (left, right):
        if not is_traced(other) and (
            not isinstance(other, _NUMBERS) or _answers_itself(left, other, divmod)
        ):
            return _foreign(left, right, other, "divmod", divmod, frame)
    quotient, rest = divmod(plain(left), plain(right))
    return (
        record_call("floor_divide", (left, right), quotient, None, frame, AUXILIARY),
        record_call("remainder", (left, right), rest, None, frame, AUXILIARY),
    )


def binary(left: Any, right: Any, name: str, compute: Callable[[Any, Any], Any], frame: FrameType) -> Any:
    """Compute and record an operator whose operands are not those of the hot path."""
    for other in (left, right):
        if type(other) in OPERANDS or is_traced(other):
            continue
        if not isinstance(other, _NUMBERS) or _answers_itself(left, other, compute):
            return _foreign(left, right, other, name, compute, frame)
    value = _computed(compute, left, right, frame)
    if type(value) is not np.ndarray and not isinstance(value, _NUMBERS) and type(right) is np.ndarray:
        # An object, in an array without axes
        return _foreign(left, right[()], right[()], name, compute, frame)
    return record_call(name, (left, right), value, None, frame)


def _answers_itself(left: Any, other: Any, compute: Callable[[Any, Any], Any]) -> bool:
    """Tell whether Python asks the operand on the right first: `class Meters(float)` with an operator of its own."""
    kind = type(plain(left))
    if other is left or kind not in _PYTHONS_NUMBERS:
        return False
    own = getattr(type(other), f"__r{compute.__name__}__", None)
    # A float takes an int for its own operator, and not the other way round.
    return type(own) is FunctionType and isinstance(other, _PYTHONS_NUMBERS[_PYTHONS_NUMBERS.index(kind) :])


def uncompared(number: Traced, other: Any) -> Any:
    """Have Python refuse a comparison, which knows who stood first; anything else is raised on."""
    if type(number.value_) is float and type(other) in _WITHOUT_ORDER:
        return NotImplemented
    raise  # noqa: PLE0704  (called where it is caught)


def _foreign(
    left: Any, right: Any, other: Any, name: str, compute: Callable[[Any, Any], Any], frame: FrameType
) -> Any:
    """Compute an operator of a traced value and `other`, which is no number of Python or NumPy."""
    traced = left if other is right else right
    kind = type(other)
    if kind is Flat:
        if isinstance(traced.value_, _PYTHONS_NUMBERS):  # for which it has no operators
            return _computed(compute, plain_flat(left), plain_flat(right), frame)
        return binary(in_rows(left, frame), in_rows(right, frame), name, compute, frame)
    if name == "multiply" and kind in _SEQUENCES and isinstance(traced.value_, (int, np.integer)):
        # A count. Where the sequence stands first, Python repeats it itself, in place for `*=`.
        return NotImplemented if traced is right else compute(traced.value_, other)
    answer = _as_numpy(left, right, other, name, compute, frame)
    if answer is not NotImplemented:
        return answer
    if kind in (list, tuple):
        # Raises where a list is no operand
        value = _computed(compute, plain_deep(left), plain_deep(right), frame)
        if isinstance(value, (np.ndarray, np.generic)):
            return record_call(name, numpy_calls.arrays_of((left, right), frame), value, None, frame)
    is_number = isinstance(other, numbers.Number) and not isinstance(other, _PYTHONS_NUMBERS)
    if traced is left and kind not in _SEQUENCES and not is_number:
        reflected = getattr(kind, f"__r{compute.__name__}__", None)
        operand = left
        if isinstance(traced.value_, np.ndarray) and not _takes_whole_arrays(kind):
            reflected = None  # NumPy asks such a class for every element
        elif (
            reflected is not None
            and isinstance(traced.value_, np.generic)
            and not _takes_whole_arrays(kind)
        ):
            operand = numpy_calls.item(left, frame)  # as a number of Python's
        answer = NotImplemented if reflected is None else reflected(other, operand)
        if answer is not NotImplemented:
            return answer
    value = _as_written(compute, frame)(plain(left), plain(right))  # raises the plain program's error
    if isinstance(other, _PYTHONS_NUMBERS):
        return record_call(name, (left, right), value, None, frame)
    if type(value) is float and isinstance(other, numbers.Rational):
        operands = (left, float(other)) if other is right else (float(other), right)
        return record_call(name, operands, value, None, frame)
    cut(traced, f"an operator with a {kind.__name__}", frame)
    return value


def _as_numpy(
    left: Any, right: Any, other: Any, name: str, compute: Callable[[Any, Any], Any], frame: FrameType
) -> Any:
    """Do what NumPy does of an operand of the user's class: it asks that for an array, or leaves it the ufunc."""
    traced, kind = left if other is right else right, type(other)
    if isinstance(traced.value_, (np.ndarray, np.generic)) and takes_ufuncs(kind):
        return getattr(np, name)(left, right)
    made = other
    if isinstance(traced.value_, np.ndarray) and not _takes_whole_arrays(kind):
        made = array_in(other)
    if made is other:
        return NotImplemented
    operands = (left, made) if other is right else (made, right)
    return binary(*operands, name, compute, frame)


def _takes_whole_arrays(kind: type) -> bool:
    """Tell whether NumPy leaves an operator to a class; else it asks the class element by element."""
    return getattr(kind, "__array_ufunc__", ...) is None or hasattr(kind, "__array_priority__")


def _computed(compute: Callable[[Any, Any], Any], left: Any, right: Any, frame: FrameType) -> Any:
    """Compute an operator of plain values; where that is an error, it is the one of the operator as written."""
    try:
        return compute(plain(left), plain(right))
    except TypeError:
        in_place = _as_written(compute, frame)
    return in_place(plain(left), plain(right))


def _as_written(compute: Callable[[Any, Any], Any], frame: FrameType) -> Callable[[Any, Any], Any]:
    """Return the in-place form of an operator that was written in place: its errors say so."""
    if operator_at(frame).endswith("="):
        in_place: Callable[[Any, Any], Any] = getattr(operator, f"i{compute.__name__.strip('_')}")
        return in_place
    return compute


def _in_place(
    array: Any, other: Any, name: str, compute: Callable[[Any, Any], Any], frame: FrameType
) -> Any:
    """Follow `array += other`: NumPy writes into a copy, and the same stand-in goes on with that."""
    if frame is not array.tape_.frame and has_written_elsewhere(
        array, lambda into: compute(into, plain_deep(other)), frame
    ):
        return array
    if not array.tape_.is_open or not array.value_.flags.writeable:
        compute(array.value_, plain_deep(other))
        return array
    other = in_rows(other, frame)
    if type(other) not in USUAL and not _takes_whole_arrays(type(other)):
        other = array_in(other)
    fresh = array.value_.copy(order="K")
    # In place, so that casting and its errors are those of the plain program.
    compute(fresh, plain_deep(other))
    made = record_call(name, numpy_calls.arrays_of((array, other), frame), fresh, None, frame)
    if is_traced(made):
        return replace(array, made, frame)
    write(array, ..., fresh, frame)
    return array


_FORWARD = """
def __{method}__(self, other{extra_parameter}):
    {guard_arguments}
    tape = self.tape_
    kind = type(other)
    if kind is {Kind} and other.tape_ is tape:
        value = self.value_ {symbol} other.value_
        code, right = {both}, other.id_
    elif {is_plain}:
        value = self.value_ {symbol} other
        code, right = {left_only}, other
    elif {is_scalar}:
        value = self.value_ {symbol} other.value_
        code, right = {both}, other.id_
    else:
        return binary(self, other, "{rule}", compute, getframe(1))
    {guard_value}
    frame = getframe(1)
    if frame is not tape.frame and not tape.enter(frame, self, other):
        return value
    {keep_constant}
    out = {Kind}()
    out.value_, out.tape_ = value, tape
    records = tape.records
    out.id_ = len(records)
    records += (code, self.id_, right, value, frame.f_lasti)
    return out
"""
_REFLECTED = """
def __r{method}__(self, other{extra_parameter}):
    {guard_arguments}
    kind = type(other)
    if kind is not float and kind is not int:
        return binary(other, self, "{rule}", compute, getframe(1))
    value = other {symbol} self.value_
    {guard_value}
    tape = self.tape_
    frame = getframe(1)
    if frame is not tape.frame and not tape.enter(frame, self):
        return value
    out = {Kind}()
    out.value_, out.tape_ = value, tape
    records = tape.records
    out.id_ = len(records)
    records += ({right_only}, other, self.id_, value, frame.f_lasti)
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
    "is_scalar": "kind is Scalar and other.tape_ is tape",
    "keep_constant": "if kind is ndarray: right = tape.snapshot(other)",
    # A number, where both arrays have no axes, and an array of no real numbers take the general path.
    "guard_value": 'if type(value) is not ndarray or value.dtype is not float64_dtype and value.dtype.kind != "f": '
    'return record_call("{rule}", {operands}, value, None, getframe(1))',
}
_POWER_OF_SCALARS = {
    "extra_parameter": ", modulus=None",
    "guard_arguments": "if modulus is not None: return pow(plain(self), plain(other), plain(modulus))",
}


def _write_methods(
    kinds: dict[str, type[Traced]], lines: dict[str, str], method: str, rule: str, symbol: str
) -> None:
    """Write out an operator's forward and reflected method from the templates above."""
    code = OP_NUMBERS[rule] << 2
    codes = {"left_only": code | 1, "right_only": code | 2, "both": code | 3}
    space: dict[str, Any] = {
        **kinds,
        "binary": binary,
        "compute": _COMPUTE[method],
        "float64": np.float64,
        "float64_dtype": np.dtype(np.float64),
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
        setattr(kinds[lines["Kind"]], name, space[name])


def _write_at_first_use(
    kinds: dict[str, type[Traced]], lines: dict[str, str], method: str, rule: str, symbol: str
) -> None:
    """Give a class an operator that is written out when it is first used; importing would wait for all of them."""
    kind, compute = kinds[lines["Kind"]], _COMPUTE[method]

    def at_first_use(name: str, *, is_reflected: bool) -> Callable[..., Any]:
        def first(self: Traced, other: Any, *modulus: Any) -> Any:
            _write_methods(kinds, lines, method, rule, symbol)
            if modulus:
                return getattr(self, name)(other, *modulus)
            left, right = (other, self) if is_reflected else (self, other)
            return binary(left, right, rule, compute, _frame(1))

        return first

    for name, is_reflected in ((f"__{method}__", False), (f"__r{method}__", True)):
        setattr(kind, name, at_first_use(name, is_reflected=is_reflected))


def write_arithmetic(scalar: type[Traced], array: type[Traced]) -> None:
    """Give Scalar and Array the operators of ARITHMETIC, and Array those in place."""
    kinds = {"Scalar": scalar, "Array": array}
    OPERANDS.update(kinds.values())

    def in_place(rule: str, compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        return lambda self, other: _in_place(self, other, rule, compute, _frame(1))

    for method, (rule, symbol) in ARITHMETIC.items():
        _write_at_first_use(kinds, _OF_ARRAYS, method, rule, symbol)
        setattr(array, f"__i{method}__", in_place(rule, getattr(operator, f"__i{method}__")))
        if method != "matmul":
            lines = _OF_SCALARS | (_POWER_OF_SCALARS if method == "pow" else {})
            _write_at_first_use(kinds, lines, method, rule, symbol)


def write_integer_methods(kind: type[Traced]) -> None:
    """Give a stand-in the bit operators. Integers take steps, so the results are plain, as of a comparison."""

    def forward(compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        return lambda self, other: _computed(compute, self, other, _frame(1))

    def reflected(compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        return lambda self, other: _computed(compute, other, self, _frame(1))

    for method in ("and", "or", "xor", "lshift", "rshift"):
        compute = getattr(operator, f"__{method}__")
        setattr(kind, f"__{method}__", forward(compute))
        setattr(kind, f"__r{method}__", reflected(compute))
