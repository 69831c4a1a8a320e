"""`math.*`, `cmath.*`, `sum`, `pow`, `min`, `max`, `hasattr` and `id`, replaced while a trace runs (`patches.py`).

Each does what its original does and records it; plain values only pass through.
"""

from __future__ import annotations

import builtins
import cmath
import functools
import math
import operator
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.operations import OP_NUMBERS
from tracer.operators import binary
from tracer.standins import SCALARS, is_traced, plain, plain_deep, record_call
from tracer.tape import AUXILIARY
from tracer.values import Array, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_frame = sys._getframe  # noqa: SLF001  (the only way to see the caller at this speed)

_ONE_ARGUMENT = {
    "acos": "arccos", "acosh": "arccosh", "asin": "arcsin", "asinh": "arcsinh", "atan": "arctan",
    "atanh": "arctanh", "cbrt": "cbrt", "cos": "cos", "cosh": "cosh", "degrees": "degrees", "erf": "erf",
    "erfc": "erfc", "exp": "exp", "exp2": "exp2", "expm1": "expm1", "fabs": "fabs", "gamma": "gamma",
    "lgamma": "lgamma", "log10": "log10", "log1p": "log1p", "log2": "log2", "radians": "radians", "sin": "sin",
    "sinh": "sinh", "sqrt": "sqrt", "tan": "tan", "tanh": "tanh",
}  # fmt: skip
_ARGUMENTS = {
    "atan2": "arctan2",
    "copysign": "copysign",
    "fma": "fma",
    "fmod": "fmod",
    "ldexp": "ldexp",
    "nextafter": "nextafter",
    "pow": "power",
    "remainder": "ieee_remainder",
}
_OF_COMPLEX = {
    "acos": "arccos", "acosh": "arccosh", "asin": "arcsin", "asinh": "arcsinh", "atan": "arctan",
    "atanh": "arctanh", "cos": "cos", "cosh": "cosh", "exp": "exp", "log10": "log10", "phase": "angle",
    "sin": "sin", "sinh": "sinh", "sqrt": "sqrt", "tan": "tan", "tanh": "tanh",
}  # fmt: skip
_PLAIN_READS = ("isclose", "isfinite", "isinf", "isnan", "ulp")


def _one_argument(original: Callable[[Any], Any], name: str) -> Callable[[Any], Any]:
    """Follow a function of one number: the hot path of programs written with `math`."""
    code = OP_NUMBERS[name] << 2 | 1

    def function(x: Any, /) -> Any:
        if type(x) is not Scalar:
            return _general(original, name, (x,), _frame(1)) if is_traced(x) else original(x)
        value = original(x.value_)
        tape = x.tape_
        frame = _frame(1)
        if frame is not tape.frame and not tape.enter(frame, x):
            return value
        out = Scalar()
        out.value_, out.tape_ = value, tape
        records = tape.records
        out.id_ = len(records)
        records += (code, x.id_, None, value, frame.f_lasti)
        return out

    return function


def _general(original: Callable[..., Any], name: str, operands: tuple[Any, ...], frame: FrameType) -> Any:
    """Compute and record a function of numbers, of which some may be arrays of one element."""
    value = original(*map(plain, operands))
    return record_call(name, tuple(_number(operand, frame) for operand in operands), value, None, frame)


def _number(operand: Any, frame: FrameType) -> Any:
    """Return the element of a traced array of one element, as `float(array)` is; numbers unchanged."""
    return (
        record_call("item", (operand,), operand.value_.item(), {}, frame, AUXILIARY)
        if type(operand) is Array
        else operand
    )


def _arguments(original: Callable[..., Any], name: str) -> Callable[..., Any]:
    def function(*operands: Any, **options: Any) -> Any:
        if any(map(is_traced, operands)):
            return _general(functools.partial(original, **plain_deep(options)), name, operands, _frame(1))
        return original(*operands, **plain_deep(options))

    return function


def _plain_read(original: Callable[..., Any], _: str) -> Callable[..., Any]:
    def function(*args: Any, **options: Any) -> Any:
        return original(*map(plain, args), **plain_deep(options))

    return function


def _log(original: Callable[..., Any], _: str) -> Callable[..., Any]:
    def function(x: Any, /, *base: Any) -> Any:
        if is_traced(x) or any(map(is_traced, base)):
            return _general(original, "log_base" if base else "log", (x, *base), _frame(1))
        return original(x, *base)

    return function


def _hypot(original: Callable[..., Any], _: str) -> Callable[..., Any]:
    def function(*coordinates: Any) -> Any:
        if any(map(is_traced, coordinates)):
            name = "hypot" if len(coordinates) == 2 else "hypot_scalars"
            return _general(original, name, coordinates, _frame(1))
        return original(*coordinates)

    return function


def _has_attribute(original: Callable[..., bool], _: str) -> Callable[..., bool]:
    """Answer for a stand-in what its plain value has: `hasattr(x, "__iter__")` asks whether x is a number."""

    def function(thing: Any, name: str, /) -> bool:
        return original(plain(thing), name)

    return function


def _identity(original: Callable[[Any], int], _: str) -> Callable[[Any], int]:
    """Answer for the stand-in of a caller's array what that has: a program may keep what belongs to it by `id(p)`."""

    def function(thing: Any, /) -> int:
        running = thing.tape_.running if type(thing) is Array else None
        return original(thing if running is None else running.boxes.callers_own(thing))

    return function


def _two_results(names: tuple[str, str]) -> Callable[[Callable[..., Any], str], Callable[..., Any]]:
    def make(original: Callable[..., Any], _: str) -> Callable[..., Any]:
        def function(x: Any, /) -> Any:
            if not is_traced(x):
                return original(x)
            frame = _frame(1)
            results = original(x.value_)
            operand = (_number(x, frame),)
            return tuple(
                record_call(name, operand, value, None, frame, AUXILIARY) if name else value
                for name, value in zip(names, results, strict=True)
            )

        return function

    return make


def _points(name: str) -> Callable[[Callable[..., Any], str], Callable[..., Any]]:
    """Follow a function of two sequences of numbers: dist and sumprod."""

    def make(original: Callable[..., Any], _: str) -> Callable[..., Any]:
        def function(p: Any, q: Any, /) -> Any:
            p, q = list(p), list(q)
            if not any(map(is_traced, (*p, *q))):
                return original(p, q)
            value = original(list(map(plain, p)), list(map(plain, q)))
            return record_call(name, (*p, *q), value, {}, _frame(1))

        return function

    return make


def _sequence(name: str) -> Callable[[Callable[..., Any], str], Callable[..., Any]]:
    """Follow a function of one sequence of numbers and, for sum and prod, a start."""

    def make(original: Callable[..., Any], _: str) -> Callable[..., Any]:
        def function(numbers: Any, /, *start: Any, **named_start: Any) -> Any:
            numbers = list(numbers)
            extra = (*start, *named_start.values())
            if not any(map(is_traced, (*numbers, *extra))):
                return original(numbers, *start, **named_start)
            if not all(isinstance(plain(number), SCALARS) for number in (*numbers, *extra)):
                if name == "fsum" or len(extra) > 1:
                    return original(numbers, *start, **named_start)
                rule, compute = _STEPS[name]
                return _folded((*(extra or (_STARTS[name],)), *numbers), rule, compute, _frame(1))
            value = original(list(map(plain, numbers)), *map(plain, start), **plain_deep(named_start))
            return record_call(name, (*numbers, *extra), value, {}, _frame(1))

        return function

    return make


_STEPS: dict[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "sum_scalars": ("add", operator.add),
    "prod_scalars": ("multiply", operator.mul),
}
_STARTS = {"sum_scalars": 0, "prod_scalars": 1}


def _folded(
    operands: tuple[Any, ...], name: str, compute: Callable[[Any, Any], Any], frame: FrameType
) -> Any:
    """Add up arrays one by one, as the builtin sum does, with the caller's line for every step."""
    total = operands[0]
    for operand in operands[1:]:
        if _are_numbers(total, operand):
            total = binary(total, operand, name, compute, frame)
        else:
            total = compute(total, operand)
    return total


def _are_numbers(*operands: Any) -> bool:
    return all(isinstance(plain(operand), (*SCALARS, np.ndarray)) for operand in operands)


def _in_order(base: Any, exp: Any, mod: Any = None) -> tuple[Any, ...]:
    """Return the arguments of the builtin pow by its own names: to ask for its signature takes milliseconds."""
    return base, exp, mod


def _power(original: Callable[..., Any], _: str) -> Callable[..., Any]:
    """Follow the builtin pow; with a modulus Python would not ask a stand-in that stands second."""

    def function(*args: Any, **options: Any) -> Any:
        given = args
        if len(args) != 2 or options:
            try:
                given = _in_order(*args, **options)
            except TypeError:  # which Python raises in its own words
                given = ()
            if not given or given[2] is not None:
                return original(*map(plain, args), **plain_deep(options))
        base, exponent = given[:2]
        if (is_traced(base) or is_traced(exponent)) and _are_numbers(base, exponent):
            return binary(base, exponent, "power", operator.pow, _frame(1))
        return original(base, exponent)

    return function


def _extreme(name: str) -> Callable[[Callable[..., Any], str], Callable[..., Any]]:
    """Follow the builtins min and max, which hand one of their arguments on."""

    def make(original: Callable[..., Any], _: str) -> Callable[..., Any]:
        def function(*args: Any, **options: Any) -> Any:
            if options or not args:
                return original(*args, **options)
            numbers = list(args[0]) if len(args) == 1 else args
            if not any(type(number) is Scalar for number in numbers):
                return original(numbers) if len(args) == 1 else original(*args)
            if not all(isinstance(plain(number), (int, float, complex)) for number in numbers):
                return original(numbers)
            value = original(list(map(plain, numbers)))
            return record_call(name, tuple(numbers), value, {}, _frame(1))

        return function

    return make


_MAKERS: dict[str, Callable[[Callable[..., Any], str], Callable[..., Any]]] = {
    "log": _log,
    "hypot": _hypot,
    "dist": _points("dist"),
    "sumprod": _points("sumprod"),
    "fsum": _sequence("fsum"),
    "prod": _sequence("prod_scalars"),
    "modf": _two_results(("modf_fractional", "modf_integral")),
    "frexp": _two_results(("frexp_mantissa", "")),
    **dict.fromkeys(_PLAIN_READS, _plain_read),
}
_COMPLEX_MAKERS: dict[str, tuple[Callable[[Callable[..., Any], str], Callable[..., Any]], str]] = {
    "log": (_log, ""),
    "polar": (_two_results(("absolute", "angle")), ""),
    "rect": (_arguments, "rect"),
    **dict.fromkeys(("isclose", "isfinite", "isinf", "isnan"), (_plain_read, "")),
}


def replacements() -> Iterator[tuple[Any, Callable[..., Any]]]:
    """Yield (original, replacement) for everything that this Python has."""
    rows: list[tuple[Any, str, Callable[..., Any], str]] = []
    rows += [(math, name, _one_argument, rule) for name, rule in _ONE_ARGUMENT.items()]
    rows += [(math, name, _arguments, rule) for name, rule in _ARGUMENTS.items()]
    rows += [(math, name, make, "") for name, make in _MAKERS.items()]
    rows += [(cmath, name, _one_argument, rule) for name, rule in _OF_COMPLEX.items()]
    rows += [(cmath, name, make, rule) for name, (make, rule) in _COMPLEX_MAKERS.items()]
    rows += [(builtins, "sum", _sequence("sum_scalars"), ""), (builtins, "pow", _power, "")]
    rows += [(builtins, "hasattr", _has_attribute, ""), (builtins, "id", _identity, "")]
    rows += [(builtins, name, _extreme(f"{name}_scalars"), "") for name in ("min", "max")]
    for module, name, make, rule in rows:
        original = getattr(module, name, None)  # math.sumprod came with Python 3.12, math.fma with 3.13
        if original is not None:
            yield original, functools.wraps(original)(make(original, rule))
