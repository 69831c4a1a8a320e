"""The recorded graph, computed again with other inputs: for verify, and for cancellation.py.

verify judges edges one by one elsewhere; here the gradients of all inputs at once are held against differences. The
graph has the branches and the indices of the run in it, so a step never takes another branch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tracer.diagnose.forward import forward
from tracer.diagnose.partials import KINK, NO_FUNCTION, NOT_FINITE, RIGHT, ROUGH, SURE, TOLERANCE, WRONG
from tracer.graph import operand_value
from tracer.operations import OP_NAMES
from tracer.rules.kinds import is_complex

if TYPE_CHECKING:
    from tracer.gradients import Gradients
    from tracer.trace import Trace

MOST = 10_000
"""Operations that are computed again, a few times each: longer runs are left out."""
_STEPS = (2.0**-8, 2.0**-14, 2.0**-20)  # of the inputs
_ROUNDINGS = 64  # of the output
_NEARER = (-0.63, -0.9, -0.99)  # of the inputs: what is noise by their size alone is none there


class Replay(NamedTuple):
    """How fast the output changes along a direction of all inputs, by the gradients and by differences."""

    status: int
    inputs: int
    found: float
    expected: float
    error: float


def replay(trace: Trace, gradients: Gradients | None, *, is_wrong: bool, has_kink: bool) -> Replay | None:
    """Compare the gradients of the inputs with differences of the output; None where there is nothing to compare.

    `is_wrong` and `has_kink` say of the edges what keeps the two from being the same.
    """
    recording = trace.recording
    if gradients is None or trace.output.row < 0:
        return None
    rows = np.flatnonzero(gradients.reached)
    inputs = [row for row in trace.input_rows if gradients.reached[row] and _is_real(recording.values[row])]
    if not inputs or len(rows) > MOST:
        return None
    random = np.random.default_rng(0)
    along = {row: _direction(random, recording.values[row]) for row in inputs}
    found = sum(float(np.sum(np.asarray(gradients.row(row)).real * along[row])) for row in inputs)
    again = _Again(trace, rows.tolist(), along)
    if again.is_unknown:
        return Replay(NO_FUNCTION, len(inputs), found, np.nan, np.inf)
    expected, error = again.slope()
    rounding = max(_precision(recording.values[row]) for row in (*inputs, trace.output.row))
    size = sum(float(np.sum(np.abs(np.asarray(gradients.row(row)) * along[row]))) for row in inputs)
    allowed = (TOLERANCE + _ROUNDINGS * rounding) * size + 10 * error
    distance = abs(found - expected)
    if not np.isfinite(distance):
        status = NOT_FINITE
    elif distance <= allowed and error <= SURE * size:
        status = RIGHT
    elif is_wrong:
        status = WRONG
    else:  # with every edge right, it is the differences that are off: by rounding, or in a run that amplifies a step
        status = KINK if has_kink else ROUGH
    return Replay(status, len(inputs), found, expected, error)


def is_always_zero(trace: Trace) -> bool:
    """Say whether the output is nothing but rounding at other inputs, too, as is sin² + cos² − 1.

    False also where that is not known: in long runs, and where other inputs have no finite result.
    """
    recording, rows = trace.recording, np.flatnonzero(trace.gradients.reached)
    inputs = {row: recording.values[row] for row in trace.input_rows if trace.gradients.reached[row]}
    if trace.output.row < 0 or len(rows) > MOST or not inputs or not all(map(_is_real, inputs.values())):
        return False
    again = _Again(trace, rows.tolist(), {row: np.asarray(value) for row, value in inputs.items()})
    if again.is_unknown or not all(again.is_zero(by) for by in _NEARER):
        return False
    random = np.random.default_rng(0)
    again.along = {row: _direction(random, value) for row, value in inputs.items()}
    if not again.is_zero(1.0):
        return False
    again.along = {
        row: np.abs(random.normal(size=np.shape(value))) - value for row, value in inputs.items()
    }
    return again.is_zero(1.0)  # with inputs of the same size, and positive: roots and logarithms are finite


class _Again:
    """The part of a graph that leads to the output, computed again with its inputs moved."""

    def __init__(self, trace: Trace, rows: list[int], along: dict[int, Any]) -> None:
        recording = trace.recording
        self.recording, self.rows, self.along = recording, [], along
        self.output, self.seed = trace.output.row, np.asarray(trace.seed_value)
        self.is_unknown = False
        moved = set(along)
        for row in rows:
            operands = recording.operands[recording.starts[row] : recording.starts[row + 1]].tolist()
            if row in moved or moved.isdisjoint(operands) or OP_NAMES[recording.ops[row]] == "cut":
                continue
            function = forward(int(recording.ops[row]))
            if function is None:
                self.is_unknown = True
                return
            moved.add(row)
            self.rows.append((row, function, operands, recording.params.get(row, {})))

    def slope(self) -> tuple[float, float]:
        """Return the derivative of the output along the direction, and how far off it may be."""
        best, least = float("nan"), float("inf")
        for step in _STEPS:
            whole, half = (
                (upper - lower) / (2 * by)
                for by in (step, step / 2)
                for upper, lower in [(self._output(by), self._output(-by))]
            )
            found = half + (half - whole) / 3
            error = abs(found - half)
            if error < least:
                best, least = found, error
            if least <= TOLERANCE * abs(best):
                break
        return best, least

    def is_zero(self, by: float) -> bool:
        """Say whether the output is as small as roundings of the largest value."""
        values = self._values(by)
        if not values or self.output not in values:
            return False
        largest = max(float(np.max(np.abs(each), initial=0.0)) for each in values.values())
        size = float(np.max(np.abs(values[self.output]), initial=0.0))
        return bool(np.isfinite(largest)) and size <= _ROUNDINGS * _precision(values[self.output]) * largest

    def _output(self, by: float) -> float:
        values = self._values(by)
        if not values:
            return float("nan")
        output = values.get(self.output, self.recording.values[self.output])
        return float(np.sum((self.seed * output).real))

    def _values(self, by: float) -> dict[int, Any]:
        """Return what is computed with the inputs moved; nothing where they can't be."""
        recording = self.recording
        values: dict[int, Any] = {
            row: np.asarray(recording.values[row], np.float64)[()] + by * direction
            for row, direction in self.along.items()
        }
        try:
            for row, function, operands, params in self.rows:
                first = int(recording.starts[row])
                given = tuple(
                    values[each] if each in values else operand_value(recording, first + port)
                    for port, each in enumerate(operands)
                )
                values[row] = function(given, params, recording.values[row])
        except (ValueError, TypeError, ArithmeticError, IndexError, np.linalg.LinAlgError):
            return {}
        return values


def _is_real(value: Any) -> bool:
    return np.asarray(value).dtype.kind == "f" and not is_complex(value)


def _direction(random: np.random.Generator, value: Any) -> Any:
    """Return a random direction of the size of a value; of a zero, of size 1."""
    size = float(np.max(np.abs(value), initial=0.0, where=np.isfinite(value))) or 1.0
    return random.normal(size=np.shape(value)) * size


def _precision(value: Any) -> float:
    dtype = np.asarray(value).dtype
    return float(np.finfo(dtype).eps) if dtype.kind in "fc" else 0.0
