"""The recorded graph, computed again with other inputs: for verify, and for cancellation.py.

verify judges edges one by one elsewhere; here the gradients of all inputs at once are held against differences. The
graph has the branches and the indices of the run in it, so a step never takes another branch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tracer.diagnose.forward import forward
from tracer.diagnose.partials import KINK, NO_FUNCTION, NOT_FINITE, RIGHT, ROUGH, SURE, TOLERANCE, WRONG
from tracer.operations import IS_ELEMENTWISE, OP_NAMES, is_own
from tracer.recording import operand_of
from tracer.rules.kinds import is_complex

if TYPE_CHECKING:
    from tracer.diagnose.forward import Forward
    from tracer.gradients import Gradients
    from tracer.trace import Trace

MOST = 1_000_000
"""Operations that are computed again, a few times each, for verify: longer runs are left out."""
_FEW = 10_000
"""The same for a finding, which has less time."""
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
    if trace.output.row < 0 or len(rows) > _FEW or not inputs or not all(map(_is_real, inputs.values())):
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
        self.along, self.output, self.seed = along, trace.output.row, np.asarray(trace.seed_value)
        self.before = {row: np.asarray(recording.values[row], np.float64)[()] for row in along}
        self.is_unknown = False
        # What is computed, then what it is computed of besides; by row, where it stands.
        self._slots = {row: slot for slot, row in enumerate(along)}
        self._steps: list[tuple[Forward, list[int], dict[str, Any], Any]] = []
        starts, operands, ops = (
            column.tolist() for column in (recording.starts, recording.operands, recording.ops)
        )
        functions = {op: forward(op) for op in {ops[row] for row in rows}}
        for row in rows:
            of = operands[starts[row] : starts[row + 1]]
            if row in along or self._slots.keys().isdisjoint(of) or OP_NAMES[ops[row]] == "cut":
                continue
            function = functions[ops[row]]
            if function is None:
                self.is_unknown = True
                return
            self._slots[row] = len(self._slots)
            self._steps.append((function, of, recording.params.get(row, {}), recording.values[row]))
        slots = self._slots
        others: dict[int, int] = {}
        for _, of, _, _ in self._steps:
            of[:] = [
                slots[each] if each in slots else others.setdefault(each, len(slots) + len(others))
                for each in of
            ]
        self._constants = [operand_of(recording, each) for each in others]
        # A program's own functions may take one number only.
        is_elementwise = all(
            IS_ELEMENTWISE[op] and is_own(op) for op in {ops[row] for row in slots.keys() - along.keys()}
        )
        self._fixed_output = recording.values[self.output]
        is_scalar = all(np.ndim(value) == 0 for value in (*self.before.values(), *self._constants))
        self._has_lanes = is_scalar and is_elementwise

    def slope(self) -> tuple[float, float]:
        """Return the derivative of the output along the direction, and how far off it may be."""
        best, least = float("nan"), float("inf")
        for step in _STEPS:
            outputs = self._outputs([step, -step, step / 2, -step / 2])
            whole = (outputs[0] - outputs[1]) / (2 * step)
            half = (outputs[2] - outputs[3]) / step
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
        if not values or self.output not in self._slots:
            return False
        largest = max(float(np.max(np.abs(each), initial=0.0)) for each in values)
        output = values[self._slots[self.output]]
        size = float(np.max(np.abs(output), initial=0.0))
        return bool(np.isfinite(largest)) and size <= _ROUNDINGS * _precision(output) * largest

    def _outputs(self, steps: list[float]) -> list[float]:
        """Return the output with the inputs moved by each step; NaN where they can't be. Of numbers, all at once."""
        if self._has_lanes:
            values = self._values(np.array(steps))
            output = self._output_in(values)
            lanes: list[float] = np.broadcast_to((self.seed * output).real, (len(steps),)).tolist()
            return lanes
        return [float(np.sum((self.seed * self._output_in(self._values(by))).real)) for by in steps]

    def _output_in(self, values: list[Any]) -> Any:
        if not values:
            return float("nan")
        return values[self._slots[self.output]] if self.output in self._slots else self._fixed_output

    def _values(self, by: Any) -> list[Any]:
        """Return what is computed with the inputs moved; nothing where they can't be."""
        values = [self.before[row] + by * direction for row, direction in self.along.items()]
        count = len(values)
        values += [None] * len(self._steps)
        values += self._constants
        try:
            for slot, (function, places, params, out) in enumerate(self._steps, start=count):
                values[slot] = function(tuple([values[place] for place in places]), params, out)
        except (ValueError, TypeError, ArithmeticError, IndexError, np.linalg.LinAlgError):
            return []
        return values[: len(self._slots)]


def _is_real(value: Any) -> bool:
    return np.asarray(value).dtype.kind == "f" and not is_complex(value)


def _direction(random: np.random.Generator, value: Any) -> Any:
    """Return a random direction of the size of a value; of a zero, of size 1."""
    size = float(np.max(np.abs(value), initial=0.0, where=np.isfinite(value))) or 1.0
    return random.normal(size=np.shape(value)) * size


def _precision(value: Any) -> float:
    dtype = np.asarray(value).dtype
    return float(np.finfo(dtype).eps) if dtype.kind in "fc" else 0.0
