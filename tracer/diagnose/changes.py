"""What small changes of values make of the values that come after them, to first order: forward, over the columns.

Used by lost_digits.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import product as pairs
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.backward_pass import steps_of
from tracer.diagnose import roundings
from tracer.diagnose.directions import LINEAR, MULTILINEAR
from tracer.diagnose.forward import forward
from tracer.errors import EdgegradError
from tracer.operations import OP_NAMES, OP_NUMBERS, RULE_OF, is_own
from tracer.partials import scalar_rows
from tracer.pull import as_taken, elementwise_local
from tracer.recording import operand_of
from tracer.rules.elementwise import ELEMENTWISE
from tracer.rules.kinds import Elementwise, Many, is_complex

if TYPE_CHECKING:
    from tracer.diagnose.scale import Column
    from tracer.trace import Trace

FAULTS = (EdgegradError, ValueError, TypeError, ArithmeticError, IndexError, np.linalg.LinAlgError)
"""What a function raises that is given other numbers, or stranger ones, than it takes."""
_WITH_DATA = ("add", "subtract", "multiply", "divide")  # operations whose constants are changed, too
_STEP = 1e-6  # of the operands, by which what is neither linear nor elementwise is differentiated


@dataclass(slots=True, eq=False)
class Changes:
    """By row, the change of its value: of numbers a column, of arrays by row."""

    numbers: Column
    arrays: dict[int, Any] = field(default_factory=dict)

    def of(self, row: int) -> Any:
        """Return the change of one row."""
        return self.arrays[row] if row in self.arrays else float(self.numbers[row])

    def times(self, share: float) -> Changes:
        """Return a share of them."""
        return Changes(share * self.numbers, {row: share * each for row, each in self.arrays.items()})


Own = Callable[[int, tuple[Any, ...], Any, Any], Any]
"""`(row, operands, out, change)` to the change of a row that is an array, given that which comes from its operands."""


class Sweep:
    """The columns of a trace, set out so that changes go forward over them, several times."""

    def __init__(self, trace: Trace) -> None:
        recording, graph = trace.recording, trace.graph
        self.recording = recording
        self.is_scalar = scalar_rows(graph)
        starts = recording.starts
        slow = ~self.is_scalar & (starts[1:] > starts[:-1])
        self.slow = np.flatnonzero(slow & np.array([rule is not None for rule in RULE_OF])[recording.ops])
        self.slots = np.flatnonzero((recording.operands >= 0) & self.is_scalar[graph.slot_consumer])
        partials = trace.gradients.locals[self.slots]
        self._partials = np.where(np.isfinite(partials), partials, 0.0)
        self.consumers = graph.slot_consumer[self.slots]
        self._columns = (
            self.consumers.tolist(),
            recording.operands[self.slots].tolist(),
            self._partials.tolist(),
        )
        self._is_kept: Any = None

    def roundings(self, seed: int) -> Column:
        """Return the error that each operation on numbers committed, by a draw; zeros for those on arrays."""
        recording = self.recording
        errors = np.zeros(len(recording))
        sizes = np.full(len(recording), roundings.unit(0.0))
        for row, value in recording.values.others.items():
            sizes[row] = roundings.unit(value)
        for op in np.flatnonzero(np.bincount(recording.ops[self.is_scalar])).tolist():
            rows = np.flatnonzero(self.is_scalar & (recording.ops == op))
            first = recording.starts[rows]
            arity = int(recording.starts[rows[0] + 1] - first[0])
            operands = [self.column(recording.operands[first + port]) for port in range(arity)]
            name = OP_NAMES[op] if is_own(op) else ""
            errors[rows] = roundings.of_elementwise(
                name, operands, recording.values.floats[rows], sizes[rows], seed
            )
        return errors

    def column(self, producers: Any) -> Column:
        """Return the values of operands that are numbers."""
        values, constants = self.recording.values.floats, self.recording.constants.floats
        found = np.empty(len(producers))
        is_traced = producers >= 0
        found[is_traced] = values[producers[is_traced]]
        found[~is_traced] = constants[-1 - producers[~is_traced]]
        return found

    def of_constants(self, change: Callable[[Any], Any]) -> Column:
        """Return, by row, what changes of the constants in sums, products and quotients of numbers make of it."""
        recording = self.recording
        found = np.zeros(len(recording))
        for name, port in pairs(_WITH_DATA, range(2)):
            rule, number = ELEMENTWISE[name], OP_NUMBERS[name]
            rows = np.flatnonzero(self.is_scalar & (recording.ops == number))
            rows = rows[recording.operands[recording.starts[rows] + port] < 0]
            if len(rows):
                first = recording.starts[rows]
                operands = [self.column(recording.operands[first + each]) for each in range(2)]
                partial = rule.local(port)(*operands, recording.values.floats[rows])
                found[rows] += partial * change(operands[port])
        found[~np.isfinite(found)] = 0.0
        return found

    def forward(self, numbers: Column, arrays: dict[int, Any], own: Own, fixed: Any = None) -> Changes:
        """Carry changes forward: those that rows have of themselves, and what comes to them from their operands.

        Rows that are `fixed` have their own change alone.
        """
        consumers, producers, partials = self._columns
        if fixed is not None:
            partials = np.where(fixed[self.consumers], 0.0, self._partials).tolist()
        changes = numbers.tolist()
        found: dict[int, Any] = dict(arrays)
        at = 0
        stops = np.searchsorted(self.consumers, self.slow).tolist()
        with np.errstate(all="ignore"):
            for (row, op, _, operands), stop in zip(
                steps_of(self.recording, self.slow), stops, strict=True
            ):
                if stop > at:
                    _scalars(changes, consumers[at:stop], producers[at:stop], partials[at:stop])
                    at = stop
                self._slow(row, op, operands, changes, found, own)
            _scalars(changes, consumers[at:], producers[at:], partials[at:])
            column = np.array(changes)
            column[~np.isfinite(column)] = 0.0
        return Changes(column, found)

    def _slow(
        self, row: int, op: int, producers: list[int], changes: list[float], found: dict[int, Any], own: Own
    ) -> None:
        recording = self.recording
        operands = tuple(operand_of(recording, each) for each in producers)
        out = recording.values[row]
        if any(map(is_complex, (*operands, out))):
            return  # complex numbers are not followed
        given = tuple(
            (found[each] if each in found else changes[each]) if each >= 0 else 0.0 for each in producers
        )
        params = recording.params.get(row, {})
        try:
            change = self._carried(op, operands, given, params, out)
        except FAULTS:
            change = 0.0
        with suppress(*FAULTS):
            change = own(row, operands, out, change)
        if np.ndim(out):
            carried = np.asarray(change, np.float64)
            if carried.shape != out.shape:
                carried = np.broadcast_to(carried, out.shape)
            is_finite = np.isfinite(carried)
            found[row] = carried if is_finite.all() else np.where(is_finite, carried, 0.0)
        else:
            total = changes[row] + float(np.asarray(change, np.float64).reshape(-1)[0])
            changes[row] = total if math.isfinite(total) else 0.0

    def _carried(
        self, op: int, operands: tuple[Any, ...], given: tuple[Any, ...], params: dict[str, Any], out: Any
    ) -> Any:
        """Return what the changes of its operands make of a result."""
        moved = [
            port
            for port, change in enumerate(given)
            if (change.any() if isinstance(change, np.ndarray) else change)
        ]
        if not moved:
            return 0.0
        rule = RULE_OF[op]
        if isinstance(rule, Many):
            partials = rule.partials(operands, out)
            return sum(partials[port] * given[port] for port in moved)
        if isinstance(rule, Elementwise):
            taken, result, _ = as_taken(rule, operands, out, 0.0, has_differences=True)
            return sum(_times(elementwise_local(rule, port, taken, result), given[port]) for port in moved)
        function = forward(op)
        if function is None:
            return 0.0
        wide = tuple(np.asarray(each, np.float64) if _is_float(each) else each for each in operands)
        name = OP_NAMES[op] if is_own(op) else ""
        if name in LINEAR:
            parts = tuple(
                np.broadcast_to(change, np.shape(each)) for change, each in zip(given, wide, strict=True)
            )
            return function(parts, params, np.zeros(np.shape(out)))
        if name in MULTILINEAR:
            return sum(
                function((*wide[:port], given[port], *wide[port + 1 :]), params, out) for port in moved
            )
        share = _STEP * min(
            np.max(np.abs(wide[port]), initial=0.0) / np.max(np.abs(given[port])) or 1.0 for port in moved
        )
        further = tuple(each + share * change for each, change in zip(wide, given, strict=True))
        return (
            np.asarray(function(further, params, out)) - np.asarray(function(wide, params, out))
        ) / share


def _times(local: Any, change: Any) -> Any:
    """Multiply a partial by a change; where nothing changes, nothing comes of an infinite partial either."""
    product = local * change
    return np.where(change == 0, 0.0, product) if np.isnan(product).any() else product


def _is_float(value: Any) -> bool:
    return isinstance(value, (float, np.floating)) or getattr(value, "dtype", np.dtype(bool)).kind == "f"


def _scalars(
    changes: list[float], consumers: list[int], producers: list[int], partials: list[float]
) -> None:
    for consumer, producer, partial in zip(consumers, producers, partials, strict=True):
        changes[consumer] += partial * changes[producer]
