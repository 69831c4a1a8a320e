"""The rounding error that an operation commits: what an exact result of its operands would be, less what was computed.

Of sums, products, quotients and roots it is known, to the bit, by error-free transformations (Dekker, Knuth); of a
function such as cos it is a number as large as the last digit, drawn from the operands, so that the same computation
commits the same error. What is exact, as a difference of two close numbers, a power of two times x, a maximum, commits
none. Used by changes.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tracer.diagnose.directions import LINEAR, MULTILINEAR
from tracer.diagnose.forward import forward
from tracer.operations import IS_ELEMENTWISE, OP_NAMES, OP_NUMBERS, is_own
from tracer.rules.elementwise import SELECTIONS, STEPS

if TYPE_CHECKING:
    from collections.abc import Sequence

Array: TypeAlias = np.ndarray[Any, Any]

_EXACT = frozenset({*SELECTIONS, *STEPS}) | frozenset(
    "negative positive copy broadcast_to fmod remainder ieee_remainder ldexp frexp_mantissa nan_to_num nan_to_given "
    "unwrap angle real imag conjugate".split()
)
_ADDS = frozenset(
    "sum mean nansum nanmean trace diff fftn ifftn rfftn irfftn cumsum add_at subtract_at".split()
)
"""Of the linear functions those that add up; the others move elements."""
_SPLIT = 134217729.0  # 2**27 + 1: Dekker's, which splits a number into halves whose products are exact
_SHORT = np.float32
_HALF = 0.5
_MIX = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


def is_elementwise(op: int) -> bool:
    """Say whether an operation takes its operands element by element."""
    return bool(IS_ELEMENTWISE[op])


def unit(value: Any) -> float:
    """Return the relative rounding error of a type of number; 0 for whole numbers, which are exact."""
    dtype = getattr(value, "dtype", None)
    if dtype is None:
        return 0.0 if isinstance(value, int) else 2.0**-53
    return float(np.finfo(dtype).eps) / 2 if dtype.kind in "fc" else 0.0


def drawn(*columns: Any, seed: int = 0) -> Any:
    """Draw numbers of sizes between a half and one, of either sign, by the bits of what is given."""
    bits: Any = np.uint64(_MIX[3] * (2 * seed + 1) & 0xFFFFFFFFFFFFFFFF)
    for factor, column in zip(_MIX, columns, strict=False):
        given = np.ascontiguousarray(column, np.float64).view(np.uint64).reshape(np.shape(column))
        bits = (bits ^ given) * np.uint64(factor)
        bits = (bits ^ (bits >> np.uint64(31))) * np.uint64(_MIX[4])
    bits = bits ^ (bits >> np.uint64(29))
    size = _HALF + (bits >> np.uint64(12)).astype(np.float64) * 2.0**-53
    return np.where(bits & np.uint64(1), size, -size)


def is_short(numbers: Any) -> Any:
    """Say of numbers whether few digits write them exactly, as 1, 0.5 or 100: such a constant is meant as it stands."""
    given = np.asarray(numbers, np.float64)
    return (given.astype(_SHORT) == given) | ~np.isfinite(given)


def of_elementwise(name: str, operands: Sequence[Any], out: Any, size: Any, seed: int = 0) -> Any:
    """Return the errors of an elementwise operation; `size` is the relative rounding error of each result."""
    with np.errstate(all="ignore"):
        wide = [np.asarray(each, np.float64) for each in operands]
        result = np.asarray(out, np.float64)
        known = _known(name, wide, result)
        found = _unknown(wide, result, size, name, seed) if known is None else known
        return np.where(np.isfinite(found), found, 0.0)


def _known(name: str, operands: list[Array], out: Array) -> Any:
    """Return the very errors; None where they are not known."""
    if name in _EXACT:
        return np.zeros(np.shape(out))
    match name, operands:
        case ("add", [x, y]):
            return _sum(x, y, out)
        case ("subtract", [x, y]):
            return _sum(x, -y, out)
        case ("multiply", [x, y]):
            return _product(x, y, out)
        case ("divide", [x, y]):
            return _quotient(x, y, out)
        case ("reciprocal", [x]):
            return _quotient(np.ones_like(x), x, out)
        case ("square", [x]):
            return _product(x, x, out)
        case ("sqrt", [x]):
            return np.where(out == 0, 0.0, -_product(out, out, x) / (2 * out))
        case ("astype", [x]):
            return x - out
        case _:
            return None


def _unknown(operands: list[Array], out: Array, size: Any, name: str, seed: int) -> Any:
    """Draw errors of the size of the last digit; a whole result of whole numbers, as cos(0) = 1, has none."""
    is_whole = np.rint(2 * out) == 2 * out
    for each in operands:
        is_whole = is_whole & (np.rint(each) == each)
    errors = np.where(
        is_whole, 0.0, drawn(*operands, seed=2 * OP_NUMBERS.get(name, 0) + seed) * size * np.abs(out)
    )
    if name in ("power", "float_power"):
        x, y = operands
        errors = np.where(y == 2, _product(x, x, out), np.where((y == 1) | (y == 0), 0.0, errors))
    return errors


def _sum(x: Array, y: Array, out: Array) -> Any:
    total = x + y
    part = total - x
    return (total - out) + ((x - (total - part)) + (y - part))


def _product(x: Array, y: Array, out: Array) -> Any:
    product = x * y
    high_x, low_x = _halves(x)
    high_y, low_y = _halves(y)
    rest = ((high_x * high_y - product) + high_x * low_y + low_x * high_y) + low_x * low_y
    return (product - out) + rest


def _quotient(x: Array, y: Array, out: Array) -> Any:
    return -_product(out, y, x) / y


def _halves(x: Array) -> tuple[Any, Any]:
    scaled = _SPLIT * x
    high = scaled - (scaled - x)
    return high, x - high


def of_arrays(op: int, operands: tuple[Any, ...], params: dict[str, Any], out: Any, seed: int = 0) -> Any:
    """Return errors of an operation that is not elementwise, of the size that its additions make likely."""
    name = OP_NAMES[op] if is_own(op) else ""
    result = np.asarray(out, np.float64)
    size = unit(out)
    if name in LINEAR and name not in _ADDS:
        return np.zeros(np.shape(result))
    likely = np.full(np.shape(result), np.max(np.abs(result), initial=0.0))
    if name in _ADDS or name in MULTILINEAR:
        wide = tuple(np.asarray(each, np.float64) for each in operands)
        sizes = _likely(op, wide, params, result)
        if sizes is None:
            return np.zeros(np.shape(result))  # sums of whole numbers
        likely = np.broadcast_to(sizes, np.shape(result))
    errors = drawn(result, seed=2 * op + seed) * size * likely
    return np.where(np.isfinite(errors), errors, 0.0)


def _likely(op: int, operands: tuple[Any, ...], params: dict[str, Any], out: Any) -> Any:
    """Return how large the sums in between are likely to be; None where everything is whole, and so exact."""
    function = forward(op)
    if function is None or OP_NAMES[op].endswith(("fftn", "ifftn")):
        return np.max(np.abs(out), initial=0.0)
    if all(bool((np.rint(each) == each).all()) for each in operands) and bool((np.rint(out) == out).all()):
        return None
    count = max(max(np.size(each) for each in operands) / max(np.size(out), 1), 1.0)
    try:
        squares = function(tuple(each * each for each in operands), params, out * out)
    except (ValueError, TypeError, ArithmeticError, IndexError):
        return np.max(np.abs(out), initial=0.0)
    if OP_NAMES[op] in ("mean", "nanmean"):
        squares = squares / count
    return np.sqrt(np.abs(squares) * (1 + np.log2(count)) + out * out)
