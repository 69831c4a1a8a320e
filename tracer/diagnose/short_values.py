"""Values that are short of digits, though their inputs are not: told from the rounding errors before them.

Used by lost_digits.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose import roundings
from tracer.diagnose.changes import Changes, Sweep
from tracer.diagnose.passes import columns_of
from tracer.operations import OP_NAMES, is_own
from tracer.rules.kinds import is_complex

if TYPE_CHECKING:
    from tracer.diagnose.scale import Column
    from tracer.gradients import Flags
    from tracer.recording import Recording
    from tracer.trace import Trace

GUILTY = 100.0
"""By how much a value must be worse than roundings of the inputs would make it."""
LEFT = 0.8
"""Of its digits: a value that keeps more is not short of them."""
LOSES, CANCELS = 4.0, 1.25
"""By how much an operation makes the relative error of its operands worse; of a sum any loss is by what cancels."""
_SUMS = columns_of(*"add subtract sum mean sum_scalars fsum diff nansum nanmean add_at subtract_at".split())


@dataclass(slots=True, eq=False)
class Chosen:
    """Some of the values of a trace: a column of flags for numbers, and for arrays which of their elements, by row."""

    numbers: Flags
    arrays: dict[int, Any]

    def __bool__(self) -> bool:
        return bool(self.arrays) or bool(self.numbers.any())

    def at(self, rows: Column) -> Chosen:
        """Return those of some rows alone."""
        chosen = np.zeros_like(self.numbers)
        chosen[rows] = self.numbers[rows]
        return Chosen(chosen, {row: self.arrays[row] for row in rows.tolist() if row in self.arrays})


class ShortValues:
    """The errors of all values, and which of them are the fault of the operation that shows them."""

    def __init__(self, trace: Trace) -> None:
        self.trace, self.recording = trace, trace.recording
        self.sweep = Sweep(trace)
        self.errors = self._drawn(0)

    def guilty(self) -> Chosen:
        """Return what lost digits that roundings of the inputs would not have taken."""
        suspects = self._suspects()
        if not suspects:
            return suspects
        again = self._drawn(1)  # where errors are drawn, those of one draw may cancel by chance
        self.errors.numbers = _larger(self.errors.numbers, again.numbers)
        for row, errors in again.arrays.items():
            self.errors.arrays[row] = _larger(self.errors.arrays[row], errors)
        return self._guilty(suspects, *self._of_inputs())

    def _drawn(self, seed: int) -> Changes:
        """Return the errors of all values, where they are not known as by a draw."""

        def committed(row: int, operands: tuple[Any, ...], out: Any, change: Any) -> Any:
            return change + _errors_of(self.recording, row, operands, out, seed)

        return self.sweep.forward(self.sweep.roundings(seed), {}, committed)

    def spoiled_by(self, guilty: Chosen) -> Changes:
        """Carry the errors of the guilty forward, and no others."""

        def own(row: int, _: tuple[Any, ...], __: Any, change: Any) -> Any:
            if row in guilty.arrays:
                return np.where(guilty.arrays[row], self.errors.arrays[row], change)
            return 0.0 if guilty.numbers[row] else change

        numbers = np.where(guilty.numbers, self.errors.numbers, 0.0)
        changes = self.sweep.forward(numbers, {}, own, guilty.numbers)
        # Where errors compensate, as in Kahan's sum, what is wrong together is less than each.
        changes.numbers = _at_most(changes.numbers, self.errors.numbers)
        changes.arrays = {
            row: _at_most(change, self.errors.of(row)) for row, change in changes.arrays.items()
        }
        return changes

    def _suspects(self) -> Chosen:
        """Return what lost digits: more than its operands had lost before."""
        recording, errors, reached = self.recording, self.errors, self.trace.gradients.reached
        relative = relative_error(errors.numbers, recording.values.floats)
        for row, error in errors.arrays.items():
            relative[row] = np.max(relative_error(error, recording.values[row]), initial=0.0)
        sizes = np.full(len(recording), roundings.unit(0.0))
        for row, value in recording.values.others.items():
            sizes[row] = roundings.unit(value) or sizes[row]
        before = sizes.copy()
        slots = np.flatnonzero(recording.operands >= 0)
        np.maximum.at(before, self.trace.graph.slot_consumer[slots], relative[recording.operands[slots]])
        least = np.where(_SUMS[recording.ops], CANCELS, LOSES)
        is_short = (relative >= sizes**LEFT) & reached
        numbers = is_short & (relative >= least * before) & np.isfinite(before)
        numbers[list(errors.arrays)] = False
        arrays = {
            row: self._elements(row, least[row], sizes[row]) for row in errors.arrays if is_short[row]
        }
        return Chosen(numbers, {row: mask for row, mask in arrays.items() if mask.any()})

    def _elements(self, row: int, least: float, size: float) -> Any:
        """Return which elements of an array lost digits."""
        out = self.recording.values[row]
        first, stop = self.recording.starts[row : row + 2]
        before: Any = np.full(np.shape(out), size)
        for producer in self.recording.operands[first:stop].tolist():
            if producer < 0:
                continue
            operand = relative_error(self.errors.of(producer), self.recording.values[producer])
            try:
                operand = np.broadcast_to(operand, np.shape(out))
            except ValueError:
                operand = np.max(operand, initial=0.0)
            before = np.maximum(before, operand)
        relative = relative_error(self.errors.arrays[row], out)
        return (relative >= size**LEFT) & (relative >= least * before) & np.isfinite(before)

    def _guilty(self, suspects: Chosen, one: Changes, other: Changes) -> Chosen:
        """Acquit what roundings of the inputs make as bad."""
        most = np.maximum(np.abs(one.numbers), np.abs(other.numbers))
        numbers = suspects.numbers & (np.abs(self.errors.numbers) >= GUILTY * most)
        arrays = {}
        for row, suspected in suspects.arrays.items():
            most_there = np.maximum(np.abs(one.of(row)), np.abs(other.of(row)))
            mask = suspected & (np.abs(self.errors.arrays[row]) >= GUILTY * most_there)
            if mask.any():
                arrays[row] = mask
        return Chosen(numbers, arrays)

    def _of_inputs(self) -> tuple[Changes, Changes]:
        """Return what becomes of two changes of all inputs in their last digit, and of constants that are rounded."""
        one, other = (self._last_digits(seed) for seed in (1, 2))
        if len(self.sweep.slow):
            return self._carried(*one, 1), self._carried(*other, 2)
        both = self.sweep.forward(one[0] + 1j * other[0], {}, _nothing).numbers  # both in one sweep
        return Changes(both.real), Changes(both.imag)

    def _last_digits(self, seed: int) -> tuple[Column, dict[int, Any]]:
        """Draw changes of the inputs, and of constants that are not short, in their last digit."""
        numbers = self.sweep.of_constants(lambda constants: _last_digit_of_constants(constants, seed))
        arrays: dict[int, Any] = {}
        for row in self.trace.input_rows:
            value = self.recording.values[row]
            if is_complex(value):
                continue
            size = roundings.unit(value) or roundings.unit(0.0)  # whole numbers that stand for floats
            places = np.arange(np.size(value), dtype=np.float64) + row
            change = roundings.drawn(places, seed=seed).reshape(np.shape(value)) * np.abs(value) * size
            if np.ndim(value):
                arrays[row] = change
            else:
                numbers[row] = float(change)
        return numbers, arrays

    def _carried(self, numbers: Column, arrays: dict[int, Any], seed: int) -> Changes:
        def own(row: int, operands: tuple[Any, ...], _: Any, change: Any) -> Any:
            return change + self._of_array_constants(row, operands, seed)

        return self.sweep.forward(numbers, arrays, own)

    def _of_array_constants(self, row: int, operands: tuple[Any, ...], seed: int) -> Any:
        """Return what changes of the data make of a sum or a difference, as of a residual y − f(x)."""
        name = OP_NAMES[self.recording.ops[row]]
        if name not in ("add", "subtract"):
            return 0.0
        first = int(self.recording.starts[row])
        constants = [
            _last_digit_of_constants(np.asarray(operand, np.float64), seed)
            for operand, producer in zip(
                operands, self.recording.operands[first : first + 2].tolist(), strict=True
            )
            if producer < 0
        ]
        return sum(constants, 0.0)


def _at_most(change: Any, error: Any) -> Any:
    return np.clip(change, -np.abs(error), np.abs(error))


def _nothing(row: int, operands: tuple[Any, ...], out: Any, change: Any) -> Any:  # noqa: ARG001  (an `Own`)
    return change


def _larger(one: Any, other: Any) -> Any:
    return np.where(np.abs(other) > np.abs(one), other, one)


def _errors_of(recording: Recording, row: int, operands: tuple[Any, ...], out: Any, seed: int) -> Any:
    """Return the errors that an operation on arrays, or of many numbers, committed."""
    op = int(recording.ops[row])
    name = OP_NAMES[op] if is_own(op) else ""
    if name in ("max_scalars", "min_scalars"):
        return 0.0
    if name in ("sum_scalars", "fsum"):
        return _exact_sum([*map(float, operands), -float(out)])
    if roundings.is_elementwise(op):
        return roundings.of_elementwise(name, operands, out, roundings.unit(out), seed)
    return roundings.of_arrays(op, operands, recording.params.get(row, {}), out, seed)


def _exact_sum(numbers: list[float]) -> float:
    try:
        return math.fsum(numbers)
    except (OverflowError, ValueError):
        return 0.0


def _last_digit_of_constants(constants: Any, seed: int) -> Any:
    change = roundings.drawn(constants, seed=seed) * roundings.unit(0.0) * np.abs(constants)
    return np.where(roundings.is_short(constants), 0.0, change)


def relative_error(error: Any, value: Any) -> Any:
    """Return errors relative to values: none where there is no error, infinite where there is nothing else."""
    size = np.abs(np.asarray(value))
    found = np.abs(error) / size
    return np.where((np.asarray(error) == 0) | ~np.isfinite(size), 0.0, found)
