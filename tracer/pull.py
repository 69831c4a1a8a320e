"""One rule on one operand: what an operation sends back, checked. Used by the rooms that go back.

Rules check nothing; this room gives them operands as they take them, and checks shape and type of what they answer.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tracer.errors import RuleError
from tracer.rules.edited import Edited, Part, whole
from tracer.rules.kinds import Elementwise, Outer, Vjp, is_complex

COMPRESSED = (Part, Outer, Edited)


def pull(
    rule: Elementwise | Vjp,
    port: int,
    upstream: Any,
    out: Any,
    operands: tuple[Any, ...],
    params: dict[str, Any],
    target: tuple[int, ...] | None,
) -> Any:
    """Return the gradient that an operation sends back to one operand, in the shape in which it saw the operand.

    `target` is the shape that the operand was broadcast to, if it was. The answer is checked: RuleError.
    """
    if isinstance(rule, Vjp) and type(operands[port]) is np.ndarray and not operands[port].size:
        return np.zeros(target or operands[port].shape, operands[port].dtype)
    if rule.of_complex is not None and any(map(is_complex, (*operands, out))):
        rule = rule.of_complex
    taken, out, upstream = as_taken(rule, operands, out, upstream, has_differences=True)
    if isinstance(rule, Elementwise):
        passes = rule.passes[port]
        back = upstream if passes else rule.product(upstream, elementwise_local(rule, port, taken, out))
    else:
        if rule.shared is not None:
            params = rule.shared(taken, params)
        back = rule.pull(port, upstream, out, taken, params)
    operand = operands[port]
    if (
        type(back) is np.ndarray
        and type(operand) is np.ndarray
        and back.dtype is operand.dtype
        and back.shape == (target or operand.shape)
    ):
        return back
    if type(back) is Part and type(operand) not in (np.ndarray, Edited):
        back = back.dense()  # of a number: `np.sum(x)[()]`
    return back if type(back) in COMPRESSED else checked(back, operand, target, port)


_OF_PYTHON = (float, int, complex, bool)


def as_taken(
    rule: Elementwise | Vjp, operands: tuple[Any, ...], out: Any, upstream: Any, *, has_differences: bool
) -> tuple[tuple[Any, ...], Any, Any]:
    """Return operands, result and gradient as a rule takes them: whole arrays, unless it looks at shapes alone.

    An elementwise rule takes all in the precision of the result; a vjp, where NumPy was given numbers, arrays without
    axes.
    """
    if isinstance(rule, Vjp) and rule.shapes_only:
        takes_it = rule.takes_parts or type(upstream) is not Part
        return operands, out, upstream if takes_it else upstream.dense()
    if has_differences:
        if isinstance(rule, Vjp) and rule.takes_parts and type(operands[0]) is Edited:
            return operands, out, upstream if type(upstream) is Part else whole(upstream)
        operands, out = tuple(map(whole, operands)), whole(out)
    if type(upstream) is not Part or isinstance(rule, Elementwise) or not rule.takes_parts:
        upstream = whole(upstream)
    if isinstance(rule, Elementwise):
        return _widened(operands, out), out, upstream
    for operand in operands:
        if type(operand) is not np.ndarray or operand.dtype.kind in "iu":
            return tuple(map(_as_array, operands)), np.asarray(out), np.asarray(whole(upstream))
    return operands, out, upstream


def _as_array(operand: Any) -> Any:
    """Return an operand as an array; whole numbers in floats: gradients are made of those, and they never wrap."""
    array = np.asarray(operand)
    return array.astype(np.float64) if array.dtype.kind in "iu" else array


def elementwise_local(rule: Elementwise, port: int, operands: tuple[Any, ...], out: Any) -> Any:
    """Evaluate a local partial, in the precision of the result."""
    if type(out) is np.ndarray:
        operands = _widened(operands, out)
    elif is_complex(out) and rule.partials[port] not in rule.operand_names:
        # NumPy's numbers, which answer inf where Python raises, and know the logarithm of a negative one.
        operands = tuple(np.asarray(each, np.result_type(out))[()] for each in operands)
    elif any(map(is_complex, operands)):
        operands = tuple(np.asarray(each)[()] for each in operands)
    return rule.local(port)(*operands, out)


def _widened(operands: tuple[Any, ...], out: Any) -> tuple[Any, ...]:
    """Return operands in the precision of the result: NumPy, too, widens float32 before it divides.

    So it does whole numbers, which would wrap: -x of unsigned ones.
    """
    if type(out) is np.ndarray:
        dtype = out.dtype
        if dtype.kind == "c":  # Python's numbers neither compare nor have the logarithm of a negative one
            return tuple(
                np.asarray(each, dtype)[()] if np.asarray(each).dtype.kind in "fciub" else each
                for each in operands
            )
        for operand in operands:
            if type(operand) not in _OF_PYTHON and getattr(operand, "dtype", dtype) is not dtype:
                return tuple(
                    each.astype(dtype)
                    if type(each) not in _OF_PYTHON and each.dtype.kind in "fiub"
                    else each
                    for each in operands
                )
    return operands


def narrowed(gradient: Any, operand: Any) -> Any:
    """Sum a gradient over the axes along which its operand was broadcast."""
    narrow_gradient = narrow(gradient, np.shape(operand) if type(operand) is not Edited else operand.shape)
    return (
        narrow_gradient
        if isinstance(operand, (np.ndarray, Edited))
        else as_number(narrow_gradient, operand)
    )


def narrow(gradient: Any, shape: tuple[int, ...]) -> Any:
    """Sum a gradient over the axes along which its value of `shape` was broadcast."""
    extra = gradient.ndim - len(shape)
    axes = tuple(range(extra)) + tuple(
        extra + axis
        for axis, length in enumerate(shape)
        if length == 1 and gradient.shape[extra + axis] != 1
    )
    total = gradient.sum(axis=axes, keepdims=True)
    return total.reshape(shape)


def checked(back: Any, operand: Any, target: tuple[int, ...] | None, port: int) -> Any:
    """Return the answer of a rule in the type of its operand; raise RuleError where the shape is not the operand's."""
    is_array = isinstance(operand, (np.ndarray, Edited))
    if is_complex(back) and not is_complex(operand):
        back = np.real(back)  # a real number moves along the real axis alone
    is_number = target is None and not is_array
    shape = target or (operand.shape if is_array else ())
    if np.shape(back) != shape and not (is_number and np.size(back) == 1):
        raise RuleError(
            f"a rule answered with the wrong shape for operand {port}",
            got=f"got {np.shape(back)}, expected {shape}",
            advice="this is a fault of the rule, not of the program: please report it",
        )
    if is_number:
        return as_number(back, operand)
    return np.asarray(back, operand.dtype if is_array else None)


def as_number(gradient: Any, operand: Any) -> float | complex:
    """Return the gradient of a number as Python's: complex for a complex number, of a real one the real part."""
    if is_complex(operand):
        return complex(gradient)
    return float(gradient.real if is_complex(gradient) else gradient)
