"""Values that lost their digits, and the inputs whose gradients are short of digits by that. Used by cancellation.py.

Each operation commits a rounding error; a small difference of large values is mostly such errors, and so is a gradient
that hangs on it. That is the fault of the subtraction only where it makes more of the roundings before it than it would
of roundings in the inputs: of a residual that is nearly zero, a converged step or the shift of a softmax nobody could
know more digits. So three things are carried forward to first order: the errors that were committed, and, twice, changes
of the inputs by their last digit. What came out guilty is given the value that it would have without the errors, and
the gradients are computed again.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.backward import backward_from
from tracer.diagnose import roundings
from tracer.diagnose.changes import FAULTS, Changes, Sweep
from tracer.diagnose.fates import parameters_of
from tracer.diagnose.scale import gradient_sizes, output_size
from tracer.operations import LIMIT, OP_NAMES, OP_NUMBERS, is_own
from tracer.recording import Values, operand_of
from tracer.rules.kinds import is_complex

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.diagnose.scale import Column
    from tracer.gradients import Flags, Gradients
    from tracer.trace import Trace

GUILTY = 100.0
"""By how much a value must be worse than roundings of the inputs would make it."""
SHORT = 2.0**10
"""Roundings: the relative error of a value that is short of digits."""
LOSES, CANCELS = 4.0, 1.25
"""By how much an operation makes the relative error of its operands worse; of a sum any loss is by what cancels."""
MATTERS = 100.0
"""Roundings of the output: what the error of a gradient means to it, at least."""
NO_DIGIT = 0.1
"""A relative error by which not even the first digit is right."""
SURELY = 1 << 17
"""Rows: longer traces are looked into only where a column of conditions gives reason to."""
CONDITION = 128.0
LOOKED_INTO = 1 << 22
"""Elements of arrays, at most, that are carried forward."""
SITES = 6
"""Places, at most, of which it is asked by how much each spoils the gradients."""
SHARE = 0.3
"""Of an error: what a place does alone, if the error is its."""
_MANY = 100_000
_SUMS = np.zeros(LIMIT, np.bool_)
for _name in "add subtract sum mean sum_scalars fsum diff nansum nanmean add_at subtract_at".split():
    _SUMS[OP_NUMBERS[_name]] = True


@dataclass(frozen=True, slots=True)
class Culprit:
    """An operation whose value is short of digits, of all at its place that which lost most."""

    row: int
    element: tuple[int, ...]  # of an array
    error: float  # of its value
    rows: Column  # all at its place


@dataclass(frozen=True, slots=True)
class Short:
    """An input whose gradient is short of digits."""

    row: int
    element: tuple[int, ...]  # of an array
    gradient: float
    error: float
    relative: float
    digits: float  # of a number like it


@dataclass(frozen=True, slots=True)
class Lost:
    """What was found: culprits, each with the inputs that it spoils, worst first; and whether the output is spoiled."""

    cases: tuple[tuple[Culprit, tuple[Short, ...]], ...] = ()
    of_output: Culprit | None = None


def lost_digits(trace: Trace) -> Lost:
    """Find the operations by which the gradients of inputs are short of digits."""
    if not _is_worth_it(trace):
        return Lost()
    with np.errstate(all="ignore"):
        try:
            return _Search(trace).found()
        except FAULTS:
            return Lost()  # a rule of the program's that fails beside the values that were recorded


def _is_worth_it(trace: Trace) -> bool:
    graph, recording = trace.graph, trace.recording
    if len(graph.array_rows):
        sizes = np.array([float(np.prod(shape)) for shape in graph.shapes])
        if sizes[graph.shape_of_row[graph.array_rows]].sum() > LOOKED_INTO:
            return False
    if len(recording) <= SURELY:
        return True
    values = recording.values.floats
    slots = np.flatnonzero(recording.operands >= 0)
    rows = graph.slot_consumer[slots]
    with np.errstate(all="ignore"):
        sizes = np.abs(trace.gradients.locals[slots] * values[recording.operands[slots]])
        is_lossy = sizes >= CONDITION * np.abs(values[rows])
        is_lossy &= sizes * gradient_sizes(trace)[rows] >= CONDITION * output_size(trace)
        return bool((is_lossy & trace.gradients.reached[rows]).any())


@dataclass(slots=True, eq=False)
class _Rows:
    """Some of the values of a trace: a column of flags for numbers, and for arrays which of their elements, by row."""

    numbers: Flags
    arrays: dict[int, Any]

    def __bool__(self) -> bool:
        return bool(self.arrays) or bool(self.numbers.any())

    def at(self, rows: Column) -> _Rows:
        """Return those of some rows alone."""
        chosen = np.zeros_like(self.numbers)
        chosen[rows] = self.numbers[rows]
        return _Rows(chosen, {row: self.arrays[row] for row in rows.tolist() if row in self.arrays})


class _Search:
    """The state of one search."""

    def __init__(self, trace: Trace) -> None:
        self.trace, self.recording = trace, trace.recording
        self.sweep = Sweep(trace)
        self.errors = self.sweep.forward(self.sweep.roundings(), {}, self._committed)

    def found(self) -> Lost:
        """Return what is short of digits, and by what."""
        guilty = self._suspects()
        if guilty:
            guilty = self._guilty(guilty, [self._of_inputs(seed) for seed in (1, 2)])
        if not guilty:
            return Lost()
        changes = self._spoiled_by(guilty)
        of_all = self._short(self._again(changes))
        culprits = self._culprits(guilty)
        of_output = culprits[0] if self._is_output_spoiled(changes) else None
        return Lost(self._shared_out(of_all, culprits, guilty), of_output)

    def _committed(self, row: int, operands: tuple[Any, ...], out: Any, change: Any) -> Any:
        return change + _errors_of(self.recording, row, operands, out)

    # ------------------------------------------------------------------------------------------------------ the guilty

    def _suspects(self) -> _Rows:
        """Return what lost digits: more than its operands had lost before."""
        recording, errors, reached = self.recording, self.errors, self.trace.gradients.reached
        relative = _relative(errors.numbers, recording.values.floats)
        for row, error in errors.arrays.items():
            relative[row] = np.max(_relative(error, recording.values[row]), initial=0.0)
        sizes = np.full(len(recording), roundings.unit(0.0))
        for row, value in recording.values.others.items():
            sizes[row] = roundings.unit(value) or sizes[row]
        before = sizes.copy()
        slots = np.flatnonzero(recording.operands >= 0)
        np.maximum.at(before, self.trace.graph.slot_consumer[slots], relative[recording.operands[slots]])
        least = np.where(_SUMS[recording.ops], CANCELS, LOSES)
        is_short = (relative >= SHORT * sizes) & reached
        numbers = is_short & (relative >= least * before) & np.isfinite(before)
        numbers[list(errors.arrays)] = False
        arrays = {
            row: self._elements(row, least[row], sizes[row]) for row in errors.arrays if is_short[row]
        }
        return _Rows(numbers, {row: mask for row, mask in arrays.items() if mask.any()})

    def _elements(self, row: int, least: float, size: float) -> Any:
        """Return which elements of an array lost digits."""
        out = self.recording.values[row]
        first, stop = self.recording.starts[row : row + 2]
        before: Any = np.full(np.shape(out), size)
        for producer in self.recording.operands[first:stop].tolist():
            if producer < 0:
                continue
            operand = _relative(self.errors.of(producer), self.recording.values[producer])
            try:
                operand = np.broadcast_to(operand, np.shape(out))
            except ValueError:
                operand = np.max(operand, initial=0.0)
            before = np.maximum(before, operand)
        relative = _relative(self.errors.arrays[row], out)
        return (relative >= SHORT * size) & (relative >= least * before) & np.isfinite(before)

    def _guilty(self, suspects: _Rows, of_inputs: list[Changes]) -> _Rows:
        """Acquit what roundings of the inputs make as bad."""
        one, other = of_inputs
        most = np.maximum(np.abs(one.numbers), np.abs(other.numbers))
        numbers = suspects.numbers & (np.abs(self.errors.numbers) >= GUILTY * most)
        arrays = {}
        for row, suspected in suspects.arrays.items():
            most_there = np.maximum(np.abs(one.of(row)), np.abs(other.of(row)))
            mask = suspected & (np.abs(self.errors.arrays[row]) >= GUILTY * most_there)
            if mask.any():
                arrays[row] = mask
        return _Rows(numbers, arrays)

    def _culprits(self, guilty: _Rows) -> list[Culprit]:
        """Gather the guilty by place, the place where most digits went before the others."""
        rows = np.concatenate([np.flatnonzero(guilty.numbers), np.array(list(guilty.arrays), np.int64)])
        relative = np.empty(len(rows))
        numbers = len(rows) - len(guilty.arrays)
        relative[:numbers] = _relative(
            self.errors.numbers[rows[:numbers]], self.recording.values.floats[rows[:numbers]]
        )
        relative[numbers:] = [self._elementwise(row, guilty).max() for row in guilty.arrays]
        order = np.lexsort((rows, -relative))
        places = self.trace.sites.row_places[rows]
        _, firsts = np.unique(places[order], return_index=True)
        found = []
        for at in order[np.sort(firsts)].tolist():
            row = int(rows[at])
            element: tuple[int, ...] = ()
            if row in guilty.arrays:
                of_elements = self._elementwise(row, guilty)
                element = tuple(map(int, np.unravel_index(int(np.argmax(of_elements)), of_elements.shape)))
            error = float(np.abs(np.asarray(self.errors.of(row))[element]))
            found.append(Culprit(row, element, error, rows[places == places[at]]))
        return found

    def _elementwise(self, row: int, guilty: _Rows) -> Any:
        relative = _relative(self.errors.arrays[row], self.recording.values[row])
        return np.where(guilty.arrays[row], relative, 0.0)

    def _of_inputs(self, seed: int) -> Changes:
        """Return what becomes of a change of each input in its last digit, and of each constant that is rounded."""
        numbers = self.sweep.of_constants(lambda constants: _last_digit_of_constants(constants, seed))
        arrays: dict[int, Any] = {}
        for row in self.trace.input_rows:
            value = self.recording.values[row]
            if is_complex(value) or not roundings.unit(value):
                continue
            places = np.arange(np.size(value), dtype=np.float64) + row
            change = roundings.drawn(places, seed=seed).reshape(np.shape(value)) * np.abs(value)
            if np.ndim(value):
                arrays[row] = change * roundings.unit(value)
            else:
                numbers[row] = float(change) * roundings.unit(value)

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

    # --------------------------------------------------------------------------------------------------- what they do

    def _spoiled_by(self, guilty: _Rows) -> Changes:
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

    def _again(self, changes: Changes) -> Gradients:
        """Return the gradients as they would be with the values changed."""
        trace, recording = self.trace, self.recording
        floats, others = recording.values.floats + changes.numbers, dict(recording.values.others)
        for row in np.flatnonzero(changes.numbers).tolist():
            if isinstance(others.get(row), (float, np.floating)):
                others[row] = type(others[row])(others[row] + changes.numbers[row])
        for row, change in changes.arrays.items():
            if np.any(change):
                value = recording.values[row]
                others[row] = np.asarray(value + change, value.dtype)
        graph = copy.copy(trace.graph)
        graph.recording = replace(recording, values=Values(floats, others))
        row = trace.output.row
        return backward_from(graph, {row: trace.seed_value} if row >= 0 else {})

    def _short(self, again: Gradients) -> dict[int, Short]:
        """Return the inputs whose gradients are others by that, in more than the last half of their digits."""
        gradients, values = self.trace.gradients, self.recording.values
        scale = output_size(self.trace)
        found: dict[int, Short] = {}
        for parameter in parameters_of(self.trace):
            rows = [row for row in parameter.rows if gradients.reached[row]]
            sizes = [np.abs(np.asarray(gradients.row(row))) for row in rows]
            if not rows or any(np.iscomplexobj(values[row]) for row in rows):
                continue
            count = sum(each.size for each in sizes)
            usual = np.sqrt(sum(float(np.sum(each**2)) for each in sizes) / max(count, 1))
            squares = sum(float(np.sum(np.square(values[row], dtype=np.float64))) for row in rows)
            least = scale / (
                np.sqrt(squares / max(count, 1)) or 1.0
            )  # what is zero throughout is taken as one
            for row, size in zip(rows, sizes, strict=True):
                other = np.asarray(again.row(row)) if again.reached[row] else np.zeros(size.shape)
                short = _shortest(row, values[row], np.asarray(gradients.row(row)), other, (usual, least))
                if short is not None:
                    found[row] = short
        return found

    def _is_output_spoiled(self, changes: Changes) -> bool:
        row = self.trace.output.row
        relative = _relative(changes.of(row), self.recording.values[row])
        return bool(np.max(relative, initial=0.0) > np.sqrt(2 * roundings.unit(self.recording.values[row])))

    def _shared_out(
        self, of_all: dict[int, Short], culprits: list[Culprit], guilty: _Rows
    ) -> tuple[tuple[Culprit, tuple[Short, ...]], ...]:
        """Give each input that is short of digits to the place that takes most of them."""
        if not of_all:
            return ()
        is_alone = len(culprits) == 1 or len(self.recording) > _MANY
        owners = dict.fromkeys(of_all, 0)
        if not is_alone:
            owners = {}
            for number, culprit in enumerate(culprits[:SITES]):
                alone = self._spoiled_by(guilty.at(culprit.rows))
                for row, short in self._short(self._again(alone)).items():
                    if row in of_all and short.error >= SHARE * of_all[row].error:
                        owners.setdefault(row, number)
        cases: dict[int, list[Short]] = {}
        for row, short in of_all.items():
            cases.setdefault(owners.get(row, 0), []).append(short)
        return tuple(
            (culprits[number], tuple(sorted(shorts, key=lambda short: -short.relative)))
            for number, shorts in sorted(cases.items())
        )


def _at_most(change: Any, error: Any) -> Any:
    return np.clip(change, -np.abs(error), np.abs(error))


def _errors_of(recording: Any, row: int, operands: Sequence[Any], out: Any) -> Any:
    """Return the errors that an operation on arrays, or of many numbers, committed."""
    op = int(recording.ops[row])
    name = OP_NAMES[op] if is_own(op) else ""
    if name in ("max_scalars", "min_scalars"):
        return 0.0
    if name in ("sum_scalars", "fsum"):
        return _exact_sum([*map(float, operands), -float(out)])
    kind = type(out)
    if not np.ndim(out) and kind in (float, int):
        return (
            0.0
            if kind is int
            else float(roundings.of_arrays(op, tuple(operands), _params(recording, row), out))
        )
    from_rule = roundings.is_elementwise(op)
    if from_rule:
        return roundings.of_elementwise(name, operands, out, roundings.unit(out))
    return roundings.of_arrays(op, tuple(operands), _params(recording, row), out)


def _params(recording: Any, row: int) -> dict[str, Any]:
    found: dict[str, Any] = recording.params.get(row, {})
    return found


def _exact_sum(numbers: list[float]) -> float:
    try:
        return math.fsum(numbers)
    except (OverflowError, ValueError):
        return 0.0


def _last_digit_of_constants(constants: Any, seed: int) -> Any:
    change = roundings.drawn(constants, seed=seed) * roundings.unit(0.0) * np.abs(constants)
    return np.where(roundings.is_short(constants), 0.0, change)


def _relative(error: Any, value: Any) -> Any:
    """Return errors relative to values: none where there is no error, infinite where there is nothing else."""
    size = np.abs(np.asarray(value))
    found = np.abs(error) / size
    return np.where((np.asarray(error) == 0) | ~np.isfinite(size), 0.0, found)


def _shortest(row: int, value: Any, gradient: Any, other: Any, usual: tuple[float, float]) -> Short | None:
    """Return the element of an input's gradient that is most short of digits; None if all are good enough.

    `usual` are the size of such a gradient, and of one that would double the output.
    """
    size = roundings.unit(value) or roundings.unit(0.0)
    error = np.abs(np.asarray(other, np.float64) - gradient)
    is_known = np.isfinite(np.asarray(gradient, np.float64))
    error = np.where(np.isfinite(error), error, np.inf)
    relative = np.where(error > 0, error / np.maximum(np.abs(gradient), usual[0]), 0.0)
    is_short = is_known & (relative > np.sqrt(2 * size)) & (error > MATTERS * size * usual[1])
    if not np.any(is_short):
        return None
    relative = np.where(is_short, relative, 0.0)
    at = np.unravel_index(int(np.argmax(relative)), relative.shape)
    return Short(
        row,
        tuple(map(int, at)),
        float(np.asarray(gradient)[at]),
        float(error[at]),
        float(relative[at]),
        -float(np.log10(2 * size)),
    )
