"""Ufuncs met by a stand-in, also reduce, accumulate, outer, `where=`: computed on plain values, and recorded."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.asked_for import note_equal_arrays
from tracer.buffers import fitted
from tracer.instructions import operator_at
from tracer.numpy_calls import any_open, arrays_of, call_function
from tracer.numpy_table import FORMS, PLAIN_UFUNCS, TWO_RESULTS, UFUNC_RULES, OptionError, call_options
from tracer.numpy_table.scipy_ufuncs import called_as, special_results, special_rule
from tracer.refused import refuse
from tracer.rules.kinds import is_complex
from tracer.standins import is_traced, open_tape, plain, plain_deep, record_call
from tracer.tape import AUXILIARY

if TYPE_CHECKING:
    from types import FrameType

_ABSOLUTE, _MATMUL, _POWER = np.absolute, np.matmul, np.power  # which are others while a trace runs
# As they are without a trace
_COMPUTE = {
    name: vars(np.ufunc)[name] for name in ("__call__", "accumulate", "outer", "reduce", "reduceat")
}
_OPERATORS: dict[Any, Any] = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.true_divide: operator.truediv,
    np.floor_divide: operator.floordiv,
    np.remainder: operator.mod,
    np.power: operator.pow,  # array ** 2 is np.square: not always the bits of np.power
}

_COMPARING = frozenset((np.equal, np.not_equal))


def call_ufunc(
    ufunc: Any, method: str, inputs: tuple[Any, ...], options: dict[str, Any], frame: FrameType
) -> Any:
    """Compute and record `ufunc(*inputs)`; what is not followed raises UnsupportedError."""
    values = tuple(plain_deep(value) for value in inputs)
    if ufunc in PLAIN_UFUNCS or not (
        open_tape(inputs, frame) or any_open((*inputs, *options.values()), frame)
    ):
        if ufunc in _COMPARING and len(inputs) > 1:
            note_equal_arrays(inputs[0], inputs[1], frame)
        return getattr(ufunc, method)(*values, **plain_deep(options))
    if method != "__call__" or options:
        return _call_form(ufunc, method, inputs, options, frame)
    names = TWO_RESULTS.get(ufunc) or special_results(ufunc, inputs, frame)
    if names is not None:
        results = ufunc(*values)
        inputs = arrays_of(inputs, frame)
        return tuple(
            record_call(name, inputs, value, None, frame, AUXILIARY) if name else value
            for name, value in zip(names, results, strict=True)
        )
    rule = UFUNC_RULES.get(ufunc) or special_rule(ufunc, inputs, frame)
    if rule is None:
        raise refuse(called_as(ufunc), frame)
    value = _as_written(ufunc, values, frame)(*values)
    return record_call(rule, arrays_of(inputs, frame), value, None, frame)


def _as_written(ufunc: Any, values: tuple[Any, ...], frame: FrameType) -> Any:
    """Return the operator where one is written: for numbers it has warnings of its own, and its power own bits."""
    are_numbers = not any(type(value) is np.ndarray for value in values)
    if (ufunc is _POWER or are_numbers) and operator_at(frame) not in ("", "[]"):
        return _OPERATORS.get(ufunc, ufunc)
    return ufunc


def _call_form(
    ufunc: Any, method: str, inputs: tuple[Any, ...], options: dict[str, Any], frame: FrameType
) -> Any:
    """Compute and record what is no plain call: reduce, accumulate, reduceat, outer, or a call with options."""
    value = _COMPUTE[method](ufunc, *plain_deep(inputs), **plain_deep(options))
    called = called_as(ufunc) + ("" if method == "__call__" else f".{method}")
    rule = UFUNC_RULES.get(ufunc) or special_rule(ufunc, inputs, frame)
    if rule is None:
        raise refuse(called, frame)
    try:
        if ufunc is _MATMUL and method == "__call__" and set(options) == {"axes"}:
            return _matmul_along(inputs, plain_deep(options["axes"]), value, frame)
        if method in FORMS:
            rule, operands, params = FORMS[method](ufunc, *inputs, **options)
            operands = _as_real(ufunc, arrays_of(operands, frame), value, frame)
            return record_call(rule, operands, value, params, frame)
        mask = plain_deep(options.pop("where", True))
        params = call_options(ufunc, options)
    except OptionError as error:
        raise refuse(f"{called} with {error}", frame) from None
    operands = _as_real(ufunc, arrays_of(inputs, frame), value, frame)
    if method == "outer":
        first, second = operands
        shape = np.shape(plain(first)) + (1,) * np.ndim(plain(second))
        operands = (_reshaped(first, shape, frame), second)
    if mask is True:
        return record_call(rule, operands, value, params, frame)
    mask = np.broadcast_to(mask, np.shape(value)).copy()
    chosen = tuple(chosen_by(operand, mask, frame) for operand in operands)
    part = record_call(rule, chosen, value[mask], params, frame, AUXILIARY)
    return record_call("setitem", (value, part), value, {"index": mask}, frame)


def _as_real(ufunc: Any, operands: tuple[Any, ...], value: Any, frame: FrameType) -> tuple[Any, ...]:
    """Return the real parts of complex operands, where a real dtype= has NumPy compute with those."""
    if is_complex(value) or ufunc is _ABSOLUTE:
        return operands
    return tuple(_real_part(each, frame) if is_complex(plain(each)) else each for each in operands)


def _real_part(operand: Any, frame: FrameType) -> Any:
    return call_function(np.real, (operand,), {}, frame) if is_traced(operand) else np.real(operand)


def _matmul_along(inputs: tuple[Any, ...], axes: Any, value: Any, frame: FrameType) -> Any:
    """Record a product of matrices that lie along other axes than the last, as moved there and back."""
    operands = arrays_of(inputs, frame)
    if len(axes) != len(operands) + 1 or not all(type(each) is tuple and len(each) == 2 for each in axes):
        raise OptionError("axes= (of matrices, a tuple of two for each and for the result, it is followed)")
    last = (-2, -1)
    moved = tuple(
        record_call(
            "moveaxis",
            (operand,),
            np.moveaxis(operand.value_, own, last),
            {"source": own, "destination": last},
            frame,
            AUXILIARY,
        )
        if is_traced(operand)
        else np.moveaxis(np.asarray(plain(operand)), own, last)
        for operand, own in zip(operands, axes, strict=False)
    )
    made = record_call("matmul", moved, np.moveaxis(value, axes[-1], last), None, frame, AUXILIARY)
    return record_call("moveaxis", (made,), value, {"source": last, "destination": axes[-1]}, frame)


def _reshaped(operand: Any, shape: tuple[int, ...], frame: FrameType) -> Any:
    value = np.reshape(plain(operand), shape)
    return record_call("reshape", (operand,), value, {}, frame, AUXILIARY) if is_traced(operand) else value


def chosen_by(operand: Any, mask: np.ndarray[Any, Any], frame: FrameType) -> Any:
    """Return the elements of an operand at a mask, to whose shape it is stretched first."""
    if not is_traced(operand):
        return np.broadcast_to(plain(operand), mask.shape)[mask]
    if np.ndim(operand.value_) == 0:
        return operand
    stretched = fitted(operand, mask.shape, operand.value_.dtype, frame)
    return record_call(
        "getitem", (stretched,), stretched.value_[mask], {"index": mask.copy()}, frame, AUXILIARY
    )
