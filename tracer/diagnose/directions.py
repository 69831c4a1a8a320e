"""What comes back to one operand of an operation on arrays, against differences along directions. For every_edge.py."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.differences import slope
from tracer.diagnose.partials import CHOICE, NOT_FINITE, RIGHT, ROUGH, TINY, WRONG, finite
from tracer.operations import OP_NAMES, is_own
from tracer.rules.arrange import ARRANGE
from tracer.rules.edited import Part
from tracer.rules.kinds import is_complex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tracer.diagnose.forward import Forward

Array = np.ndarray[Any, Any]

# What these compute of a direction is their derivative along it, exactly, the other operands being zero …
LINEAR = frozenset(
    "reshape ravel squeeze expand_dims transpose swapaxes moveaxis flip concatenate stack getitem item setitem add_at "
    "subtract_at sum mean cumsum diagonal trace diag diff fftn ifftn rfftn irfftn hfft ihfft astype copy broadcast_to "
    "negative positive add subtract real imag conjugate".split()
) | frozenset(ARRANGE)
# … or as they are.
MULTILINEAR = frozenset(
    "matmul dot outer inner vdot kron tensordot einsum vecdot matvec vecmat multi_dot multiply sparse_matmul".split()
)

_FEW = 4  # elements: each is a direction
_RANDOM = 2  # directions else
_STEPS = (2.0**-6, 2.0**-18)
# By bytes of a real number: how much rougher a rule is in single and in half precision.
_FACTORS = {8: 1.0, 4: 2.0**8, 2: 2.0**13}
_PRECISIONS: dict[float, Any] = {1.0: np.float64, 2.0**8: np.float32, 2.0**13: np.float16}
_TOLERANCE, _SURE = 1e-6, 1e-4


@dataclass(frozen=True, slots=True)
class Applied:
    """One run of an operation: what it computes, what it was given, and what it gave."""

    operation: int
    function: Forward
    operands: tuple[Any, ...]
    out: Any
    params: dict[str, Any]

    def of(self, operands: tuple[Any, ...]) -> Any:
        """Compute it of other operands."""
        return self.function(operands, self.params, self.out)

    def widened(self) -> Applied:
        """Return it in double precision."""
        return replace(self, operands=tuple(map(_widened, self.operands)), out=_widened(self.out))


def judge(
    run: Applied,
    port: int,
    weight: Any,
    got: Any,
    again: Callable[[tuple[Any, ...], Any], Any],
    along: Sequence[Any] = (),
) -> tuple[int, float, float, float]:
    """Compare the gradient `got` of one operand, for the gradient `weight` of the result, with differences.

    Return the status, and for the direction that tells most what the gradient gives, what differences give, and the
    error of these. `again` is the rule, for operands and a result beside the recorded ones; `along` are directions to
    take.
    """
    wide, weight = run.widened(), _widened(weight)
    claim = _Claim(got)
    factor = max(_factor(each) for each in (*run.operands, run.out))
    norm = claim.norm
    told = (RIGHT, norm, norm, 0.0)
    # How steep a function of such values may well be: what is nothing against it, and told to be nothing, is right.
    steep = float(np.max(np.abs(weight), initial=0) * np.max(np.abs(wide.out), initial=0))
    for direction in along or _directions(wide.operands[port]):
        in_plane = claim.in_plane(direction)
        found = in_plane.real
        expected, error, gross = _along(wide, port, weight, direction)
        size = max(abs(in_plane), abs(expected), norm if np.size(direction) > _FEW else 0.0)
        distance = abs(found - expected)
        # What cancels in the sum leaves its rounding
        of_sum = 32 * float(np.finfo(_PRECISIONS[factor]).eps) * gross
        if not np.isfinite(expected) or not np.isfinite(found):
            is_sure = np.isfinite(expected) and error <= _SURE * abs(expected)
            status = WRONG if is_sure else NOT_FINITE
        elif (distance <= _TOLERANCE * factor * size + error + of_sum and error <= _SURE * size) or (
            found == expected and error <= _TOLERANCE * (1 + steep)
        ):
            status = RIGHT
        else:
            error_of_rule = of_sum + _rounding(run, again, direction, factor, steep)
            allowed = _TOLERANCE * factor * size + 10 * error + error_of_rule + TINY
            if distance > allowed and error <= _SURE * size:
                status = WRONG
            else:
                status = (
                    RIGHT
                    if distance <= allowed and error <= max(_SURE * size, error_of_rule + TINY)
                    else ROUGH
                )
        if status == WRONG:
            return status, found, expected, error
        if status != RIGHT:
            told = (status, found, expected, error)
    return told


class _Claim:
    """A gradient, whole or the part of it that is not zero."""

    def __init__(self, gradient: Any) -> None:
        self._part = gradient if type(gradient) is Part else None
        self._numbers = _widened(gradient if self._part is None else self._part.innermost.value)
        self.norm = float(np.linalg.norm(np.ravel(self._numbers)))

    def along(self, direction: Any) -> float:
        """Return how fast the output changes along a direction of the operand."""
        return self.in_plane(direction).real

    def in_plane(self, direction: Any) -> complex:
        """Return the same and, as imaginary part, what it is sideways: both are rounded as the larger is."""
        chosen = direction if self._part is None else self._part.of(direction)
        return complex(np.sum(self._numbers * chosen))


def _along(run: Applied, port: int, weight: Any, direction: Any) -> tuple[float, float, float]:
    """Return the derivative of the weighted result along a direction, its error, and the size of what it sums."""
    operands = run.operands
    name = OP_NAMES[run.operation] if is_own(run.operation) else ""

    def moved(to: Any) -> Any:
        return run.of(tuple(to if at == port else each for at, each in enumerate(operands)))

    if name in LINEAR:
        parts = tuple(direction if at == port else np.zeros_like(each) for at, each in enumerate(operands))
        change = run.function(parts, run.params, np.zeros_like(run.out))
        return _exactly(weight * change)
    if name in MULTILINEAR:
        return _exactly(weight * moved(direction))
    sizes = np.abs(operands[port])
    size = float(np.max(sizes, initial=0, where=np.isfinite(sizes))) or 1.0
    if size < TINY:  # steps that small have no digits
        return float("nan"), float("inf"), 0.0
    best, least, gross = float("nan"), float("inf"), 0.0
    for share in _STEPS:
        for scale in {size, min(size, 1.0)}:
            total, error, terms = _differences(
                lambda by: moved(operands[port] + by * direction), weight, share * scale
            )
            if error < least:
                best, least, gross = total, error, terms
        if least <= _TOLERANCE * abs(best):
            break
    return best, least, gross


def _differences(result: Callable[[Any], Any], weight: Any, step: float) -> tuple[float, float, float]:
    """Differentiate the weighted sum of a result, element by element: what cancels in the sum costs no digits."""
    is_in_plane = is_complex(weight) or is_complex(result(0.0))
    if not is_in_plane:
        change, error = slope(lambda by: _real_only(result(by)), step)
        return _summed(weight, change, error)
    real, first = slope(lambda by: np.real(result(by)), step)
    imaginary, second = slope(lambda by: np.imag(result(by)), step)
    total, off, terms = _summed(np.real(weight), real, first)
    rest, also_off, other_terms = _summed(np.imag(weight), imaginary, second)
    return total - rest, off + also_off, terms + other_terms


def _summed(weight: Any, change: Any, error: Any) -> tuple[float, float, float]:
    weight, change, error = np.broadcast_arrays(weight, change, error)
    counts = weight != 0
    terms = np.where(counts, weight * change, 0.0)
    off = float(np.sum(np.where(counts, np.abs(weight) * error, 0.0)))
    return float(np.sum(terms)), off, float(np.sum(np.abs(terms)))


def _real_only(value: Any) -> Any:
    """Return numbers, NaN for those that a step has made complex: two roots that met."""
    return np.where(np.imag(value) == 0, np.real(value), np.nan) if is_complex(value) else value


def _exactly(terms: Any) -> tuple[float, float, float]:
    """Add up what is no difference, and so has no error but that of the sum."""
    return float(np.sum(np.real(terms))), 0.0, float(np.sum(np.abs(terms)))


def _rounding(
    run: Applied, again: Callable[[tuple[Any, ...], Any], Any], direction: Any, factor: float, steep: float
) -> float:
    """Return by how much the answer of a rule changes with the last digits of the numbers that it is given."""
    operands, out = run.operands, run.out
    precision = np.finfo(_PRECISIONS[factor]).eps
    random = np.random.default_rng(1)

    def shaken(value: Any) -> Any:
        numbers = np.asarray(value)
        if numbers.dtype.kind not in "fc":
            return value
        by: Any = random.choice([-1.0, 1.0], numbers.shape)
        if numbers.dtype.kind == "c":  # whose argument is rounded, too
            by = by + 1j * random.choice([-1.0, 1.0], numbers.shape)
        return np.asarray(numbers * (1 + 8 * precision * by), numbers.dtype)

    still = _Claim(again(operands, out)).along(direction)
    moved = tuple(map(shaken, operands))
    of_operands = (
        _Claim(again(moved, np.asarray(run.of(moved), np.asarray(out).dtype))).along(direction) - still
    )
    of_out = float(finite(_Claim(again(operands, shaken(out))).along(direction) - still))
    return float(finite(of_operands)) + (of_out if of_out <= CHOICE * factor * (1 + steep) else 0.0)


def _directions(operand: Any) -> Iterator[Any]:
    """Yield directions in which an operand is moved: each element where there are few, else random ones."""
    shape = np.shape(operand)
    size = int(np.prod(shape))
    units = (1.0, 1j) if is_complex(operand) else (1.0,)
    if size <= _FEW:
        for at in range(size):
            for unit in units:
                direction = np.zeros(shape, np.result_type(operand, unit))
                direction.flat[at] = unit
                yield direction if shape else direction[()]
        return
    for turn in range(_RANDOM):
        yield _random(shape, turn, is_complex(operand))


@lru_cache(maxsize=16)
def _random(shape: tuple[int, ...], turn: int, is_in_plane: bool) -> Array:
    random = np.random.default_rng(turn)
    direction: Array = random.normal(size=shape)
    return direction + 1j * random.normal(size=shape) if is_in_plane else direction


def _widened(value: Any) -> Any:
    """Return a value in double precision, in which differences are taken; whole numbers and choices as they are."""
    array = np.asarray(value)
    if array.dtype.kind == "c":
        array = array.astype(np.complex128, copy=False)
    elif array.dtype.kind == "f" or (array.dtype.kind in "iu" and not array.ndim):
        array = array.astype(np.float64, copy=False)
    return array if array.ndim else array[()]


def _factor(value: Any) -> float:
    dtype = np.asarray(value).dtype
    if dtype.kind not in "fc":
        return 1.0
    return _FACTORS.get(dtype.itemsize // (2 if dtype.kind == "c" else 1), 1.0)
