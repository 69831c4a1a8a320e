"""Values that lost their digits, and the inputs whose gradients are short of digits by that. Used by cancellation.py.

Each operation commits a rounding error; a small difference of large values is mostly such errors, and so is a gradient
that hangs on it. That is the fault of the subtraction only where it makes more of the roundings before it than it would
of roundings in the inputs: of a residual that is nearly zero, a converged step or the shift of a softmax nobody could
know more digits. So three things are carried forward to first order: the errors that were committed, and, twice,
changes of the inputs by their last digit (short_values.py). What came out guilty is given the value that it would have
without the errors, and the gradients are computed again.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.backward import backward_from
from tracer.diagnose import roundings
from tracer.diagnose.changes import FAULTS, Changes
from tracer.diagnose.fates import parameters_of, whole_numbers
from tracer.diagnose.magnitude import magnitudes
from tracer.diagnose.passes import columns_of
from tracer.diagnose.scale import output_size
from tracer.diagnose.short_values import Chosen, ShortValues, relative_error
from tracer.diagnose.spread import NOTHING, operand_edges
from tracer.recording import Values

if TYPE_CHECKING:
    from tracer.diagnose.scale import Column
    from tracer.gradients import Gradients
    from tracer.trace import Trace

MATTERS = 100.0
"""Roundings of the output: what the error of a gradient means to it, at least."""
NO_DIGIT = 0.1
"""A relative error by which not even the first digit is right."""
OF_ARRAY = 100
"""Operations on numbers that take as long as one on small arrays."""
SURELY = 1 << 17
"""Operations on numbers: longer traces are looked into only where a column of conditions gives reason to."""
CONDITION = 128.0
"""By how much more than the output a change of an operand moves it, in such traces, at least."""
LOOKED_INTO, MOST_ARRAYS = 1 << 22, 10_000
"""Elements of arrays, and arrays, at most, that are carried forward."""
SITES = 6
"""Places, at most, of which it is asked by how much each spoils the gradients."""
SHARE = 0.3
"""Of an error: what a place does alone, if the error is its."""
_HALFWAY = 0.5
_KEEPS = columns_of(
    *"multiply divide square reciprocal sqrt negative getitem item setitem reshape transpose concatenate stack".split()
)
"""They make nothing of the errors of their operands but hand them on."""


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
        return _Search(trace).found()


def _work(trace: Trace) -> int:
    """Return about how much there is to carry forward, in operations on numbers."""
    return len(trace.recording) + OF_ARRAY * len(trace.graph.array_rows)


def _is_worth_it(trace: Trace) -> bool:
    graph = trace.graph
    if len(graph.array_rows):
        sizes = np.array([float(np.prod(shape)) for shape in graph.shapes])
        elements = sizes[graph.shape_of_row[graph.array_rows]].sum()
        if elements > LOOKED_INTO or len(graph.array_rows) > MOST_ARRAYS:
            return False
    return _work(trace) <= SURELY or _has_reason(trace)


def _has_reason(trace: Trace) -> bool:
    """Say whether the output would be another by much where one operand is by little, and that operand cancels."""
    recording, values = trace.recording, trace.recording.values.floats
    slots = np.flatnonzero(recording.operands >= 0)
    rows, producers = trace.graph.slot_consumer[slots], recording.operands[slots]
    with np.errstate(all="ignore"):
        partials, sizes = trace.gradients.locals[slots], magnitudes(recording.values)
        is_lossy = np.abs(partials * values[producers]) >= CONDITION * np.abs(values[rows])
        is_lossy |= np.isnan(values[rows]) & ~_KEEPS[recording.ops[rows]]
        is_lossy &= trace.gradients.reached[rows]
        edges = operand_edges(trace.graph)[slots[is_lossy]]
        moves = trace.edge_statistics.norm[edges] * sizes[producers[is_lossy]]
        return bool((moves[edges != NOTHING] >= CONDITION * output_size(trace)).any())


class _Search:
    """The state of one search."""

    def __init__(self, trace: Trace) -> None:
        self.trace, self.recording = trace, trace.recording
        self.values = ShortValues(trace)
        self.errors = self.values.errors

    def found(self) -> Lost:
        """Return what is short of digits, and by what."""
        guilty = self.values.guilty()
        if not guilty:
            return Lost()
        changes = self.values.spoiled_by(guilty)
        try:
            of_all = self._spoiled(changes)
        except FAULTS:  # of a rule of the program's own, which takes no other values than those recorded
            return Lost()
        culprits = self._culprits(guilty)
        of_output = culprits[0] if self._is_output_spoiled(changes) else None
        return Lost(self._shared_out(of_all, culprits, guilty), of_output)

    def _culprits(self, guilty: Chosen) -> list[Culprit]:
        """Gather the guilty by place, the place where most digits went before the others."""
        rows = np.concatenate([np.flatnonzero(guilty.numbers), np.array(list(guilty.arrays), np.int64)])
        relative = np.empty(len(rows))
        numbers = len(rows) - len(guilty.arrays)
        relative[:numbers] = relative_error(
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

    def _elementwise(self, row: int, guilty: Chosen) -> Any:
        relative = relative_error(self.errors.arrays[row], self.recording.values[row])
        return np.where(guilty.arrays[row], relative, 0.0)

    def _spoiled(self, changes: Changes) -> dict[int, Short]:
        """Return the inputs whose gradients are others with the values changed.

        What becomes infinite, a change halfway must spoil, too: the program would not divide by a zero that it keeps
        from dividing by, as in x / (d + (d == 0)), and the trace has the way it went for what was not quite zero.
        """
        short = self._short(self._again(changes))
        infinite = [row for row, each in short.items() if np.isinf(each.error)]
        if infinite:
            halfway = self._short(self._again(changes.times(_HALFWAY)))
            for row in infinite:
                short.pop(row)
                if row in halfway:
                    short[row] = halfway[row]
        return short

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
        for parameter in parameters_of(self.trace) + whole_numbers(self.trace):
            rows = [row for row in parameter.rows if gradients.reached[row]]
            sizes = [np.abs(np.asarray(gradients.row(row))) for row in rows]
            if not rows or any(np.iscomplexobj(values[row]) for row in rows):
                continue
            count = sum(each.size for each in sizes)
            usual = np.sqrt(sum(float(np.sum(each**2)) for each in sizes) / max(count, 1))
            squares = sum(float(np.sum(np.square(values[row], dtype=np.float64))) for row in rows)
            # What is zero throughout is taken as one
            least = scale / (np.sqrt(squares / max(count, 1)) or 1.0)
            for row, size in zip(rows, sizes, strict=True):
                other = np.asarray(again.row(row)) if again.reached[row] else np.zeros(size.shape)
                short = _shortest(row, values[row], np.asarray(gradients.row(row)), other, (usual, least))
                if short is not None:
                    found[row] = short
        return found

    def _is_output_spoiled(self, changes: Changes) -> bool:
        row = self.trace.output.row
        relative = relative_error(changes.of(row), self.recording.values[row])
        return bool(np.max(relative, initial=0.0) > np.sqrt(2 * roundings.unit(self.recording.values[row])))

    def _shared_out(
        self, of_all: dict[int, Short], culprits: list[Culprit], guilty: Chosen
    ) -> tuple[tuple[Culprit, tuple[Short, ...]], ...]:
        """Give each input that is short of digits to the place that takes most of them."""
        if not of_all:
            return ()
        is_alone = len(culprits) == 1 or _work(self.trace) > SURELY
        owners = dict.fromkeys(of_all, 0)
        if not is_alone:
            owners = {}
            for number, culprit in enumerate(culprits[:SITES]):
                alone = self.values.spoiled_by(guilty.at(culprit.rows))
                for row, short in self._spoiled(alone).items():
                    if row in of_all and short.error >= SHARE * of_all[row].error:
                        owners.setdefault(row, number)
        cases: dict[int, list[Short]] = {}
        for row, short in of_all.items():
            cases.setdefault(owners.get(row, 0), []).append(short)
        return tuple(
            (culprits[number], tuple(sorted(shorts, key=lambda short: -short.relative)))
            for number, shorts in sorted(cases.items())
        )


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
