"""Graph + seed -> the gradient of every edge.

Each edge is written exactly once, by its consumer; a row's gradient is the sum of its uses and is complete when its
turn comes, because rows are gone through in reverse execution order and every use is a later row. Scalars are done
in bulk: their local partials over whole columns, then one tight loop that only multiplies and adds. Arrays are done
one row at a time, by their rules. This room checks what a rule answers; rules check nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import repeat
from operator import is_not
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.errors import RuleError
from tracer.graph import operand_value
from tracer.rules import RULES
from tracer.rules.kinds import Elementwise, Many, Part
from tracer.tape import OP_NAMES

if TYPE_CHECKING:
    from tracer.graph import Graph
    from tracer.recording import Recording

BUDGET = (
    1 << 29
)  # bytes of operands' gradients that are kept; an edge beyond it is recomputed when asked for
_CHUNK = 1 << 16  # operands turned into Python floats at a time
_NOTHING = (
    -0.0
)  # known by identity: the gradient of a row that nothing has reached; -0.0 + x is x, bit for bit

_NO_PARAMS: dict[str, Any] = {}
_IS_ELEMENTWISE = np.array([isinstance(RULES.get(name), Elementwise) for name in OP_NAMES], np.bool_)


@dataclass(slots=True)
class Gradients:
    """Gradients by row and by operand.

    `numbers[r]` is the gradient of row r's value where that is a number, `arrays[r]` where it is an array; zero, and
    not `reached[r]`, where the seeded output does not depend on it. `locals[s]` is the local partial of slot s for
    scalars, NaN elsewhere. `slots[s]` is the gradient that the consumer of slot s sends back where that is an array,
    or comes from a rule that is no product; it has the shape of the operand as the operation saw it. `narrowed[s]` is
    the same summed over the broadcast axes.
    """

    numbers: np.ndarray[Any, np.dtype[np.float64]]
    arrays: dict[int, Any]
    reached: np.ndarray[Any, np.dtype[np.bool_]]
    locals: np.ndarray[Any, np.dtype[np.float64]]
    slots: dict[int, Any]
    narrowed: dict[int, Any]

    def row(self, row: int) -> Any:
        """Return the gradient of a row that was reached."""
        return self.arrays[row] if row in self.arrays else float(self.numbers[row])


def backward(graph: Graph, row: int, seed: Any, *, keep_all: bool = False) -> Gradients:
    """Go back from `row`, whose gradient is `seed`, over every operand that it depends on.

    A row of -1 is an output that no input reaches: every gradient is zero.
    """
    recording = graph.recording
    with np.errstate(all="ignore"):  # inf and NaN are answers here, and findings say where they were born
        local_column, fast = scalar_locals(recording)
        gradients: list[Any] = [_NOTHING] * len(recording)
        work = _Work(graph, gradients, local_column, BUDGET if not keep_all else np.inf)
        if row >= 0:
            gradients[row] = seed
        slow = np.flatnonzero(~fast[: row + 1] & (np.diff(recording.starts[: row + 2]) > 0))
        stop = row + 1
        for turn in slow[::-1].tolist():
            work.scalars(turn + 1, stop)
            work.one(turn)
            stop = turn
        work.scalars(0, stop)
    count = len(gradients)
    reached = np.fromiter(map(is_not, gradients, repeat(_NOTHING)), np.bool_, count)
    arrays: dict[int, Any] = {}
    if set(map(type, gradients)) > {float}:
        arrays = {row: value for row, value in enumerate(gradients) if type(value) is not float}
        for row in arrays:
            gradients[row] = 0.0
    numbers = np.fromiter(gradients, np.float64, count)
    numbers[~reached] = 0.0
    return Gradients(numbers, arrays, reached, local_column, work.slots, work.narrowed)


def scalar_locals(
    recording: Recording,
) -> tuple[np.ndarray[Any, np.dtype[np.float64]], np.ndarray[Any, np.dtype[np.bool_]]]:
    """Return the local partial of every operand of every elementwise scalar row, and which rows those are."""
    operands, starts = recording.operands, recording.starts
    fast = _IS_ELEMENTWISE[recording.ops]
    slow_rows = [row for row, value in recording.values.others.items() if isinstance(value, np.ndarray)]
    for rows in (slow_rows, list(recording.params)):
        fast[np.array(rows, np.int64)] = False
    array_constants = [
        k for k, value in recording.constants.others.items() if isinstance(value, np.ndarray)
    ]
    if array_constants or slow_rows:
        is_array = np.zeros(len(recording), np.bool_)
        is_array[slow_rows] = True
        is_constant_array = np.zeros(len(recording.constants), np.bool_)
        is_constant_array[array_constants] = True
        slot_is_array = np.empty(len(operands), np.bool_)
        traced = operands >= 0
        slot_is_array[traced] = is_array[operands[traced]]
        slot_is_array[~traced] = is_constant_array[-1 - operands[~traced]]
        fast[np.repeat(np.arange(len(recording)), np.diff(starts))[slot_is_array]] = False
    column = np.full(len(operands), np.nan)
    for number in np.unique(recording.ops[fast]).tolist():
        rule = RULES[OP_NAMES[number]]
        assert isinstance(rule, Elementwise)
        rows = np.flatnonzero(fast & (recording.ops == number))
        first = starts[rows]
        arity = int(starts[rows[0] + 1] - first[0])
        columns = [_column(recording, operands[first + port]) for port in range(arity)]
        out = recording.values.floats[rows]
        for port in range(arity):
            traced = operands[first + port] >= 0
            if traced.all():
                column[first + port] = rule.local(port)(*columns, out)
            elif traced.any():
                partial = rule.local(port)(*(values[traced] for values in columns), out[traced])
                column[first[traced] + port] = partial
    return column, fast


def _column(recording: Recording, operands: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the values of scalar operands as floats."""
    if (operands >= 0).all():
        return recording.values.floats[operands]
    if (operands < 0).all():
        return recording.constants.floats[-1 - operands]
    values = np.empty(len(operands))
    traced = operands >= 0
    values[traced] = recording.values.floats[operands[traced]]
    values[~traced] = recording.constants.floats[-1 - operands[~traced]]
    return values


class _Work:
    """The state of one backward pass."""

    def __init__(
        self, graph: Graph, gradients: list[Any], local_column: np.ndarray[Any, Any], budget: float
    ) -> None:
        self.budget = budget  # bytes of gradients of operands that may still be kept
        self.graph = graph
        self.recording = graph.recording
        self.gradients = gradients
        self.local_column = local_column
        self.slots: dict[int, Any] = {}
        self.narrowed: dict[int, Any] = {}
        self._sums: set[int] = (
            set()
        )  # rows whose gradient is an array of our own, which may be added to in place

    def scalars(self, first_row: int, stop_row: int) -> None:
        """Go back over the scalar rows first_row:stop_row."""
        if first_row >= stop_row:
            return
        starts, operands = self.recording.starts, self.recording.operands
        first, stop = int(starts[first_row]), int(starts[stop_row])
        gradients = self.gradients
        nothing = _NOTHING
        for chunk_stop in range(stop, first, -_CHUNK):
            chunk = slice(max(first, chunk_stop - _CHUNK), chunk_stop)
            traced = operands[chunk] >= 0
            producers = operands[chunk][traced][::-1].tolist()
            partials = self.local_column[chunk][traced][::-1].tolist()
            consumers = self.graph.slot_consumer[chunk][traced][::-1].tolist()
            for consumer, producer, partial in zip(consumers, producers, partials, strict=True):
                upstream = gradients[consumer]
                if upstream is not nothing:
                    gradients[producer] += upstream * partial

    def one(self, row: int) -> None:
        """Go back over one row by its rule."""
        upstream = self.gradients[row]
        if upstream is _NOTHING:
            return
        recording = self.recording
        rule = RULES.get(OP_NAMES[recording.ops[row]])
        if rule is None:  # a cut passes nothing back
            return
        slots = range(recording.starts[row], recording.starts[row + 1])
        operands = tuple(operand_value(recording, slot) for slot in slots)
        out = recording.values[row]
        if isinstance(rule, Many):
            self.local_column[slots.start : slots.stop] = rule.partials(operands, out)
        for slot in reversed(slots):
            producer = int(recording.operands[slot])
            if producer < 0:
                continue
            back = pull(self.graph, slot, upstream, operands, out, self.local_column)
            if slot in self.graph.targets:
                narrowed = narrow(back, np.shape(operands[slot - slots.start]))
                self.narrowed[slot] = (
                    narrowed if isinstance(operands[slot - slots.start], np.ndarray) else float(narrowed)
                )
                self._keep(slot, back)
                back = self.narrowed[slot]
            else:
                self._keep(slot, back)
            self._add(producer, back)

    def _keep(self, slot: int, gradient: Any) -> None:
        """Keep what an operand's edge carries, within the budget; a part of an array or a number always."""
        size = gradient.nbytes if isinstance(gradient, np.ndarray) else 0
        if size <= self.budget:
            self.budget -= size
            self.slots[slot] = gradient

    def _add(self, row: int, gradient: Any) -> None:
        """Add one use to a row's gradient; the first is shared, a sum is ours and grows in place."""
        present = self.gradients[row]
        if present is _NOTHING:
            if isinstance(gradient, Part):
                gradient = gradient.dense()
                self._sums.add(row)
            self.gradients[row] = gradient
        elif not isinstance(gradient, (np.ndarray, Part)):
            self.gradients[row] = present + gradient
        else:
            if row not in self._sums:
                self._sums.add(row)
                present = self.gradients[row] = np.array(present)
            if isinstance(gradient, Part):
                gradient.add_to(present)
            else:
                present += gradient


def pull(
    graph: Graph,
    slot: int,
    upstream: Any,
    operands: tuple[Any, ...],
    out: Any,
    local_column: np.ndarray[Any, Any],
) -> Any:
    """Return the gradient that a slot's operation sends back, checked, in the shape that the operation saw."""
    recording = graph.recording
    row = int(graph.slot_consumer[slot])
    port = slot - int(recording.starts[row])
    name = OP_NAMES[recording.ops[row]]
    rule = RULES[name]
    if isinstance(rule, Many):
        back = upstream * float(local_column[slot])
    elif isinstance(rule, Elementwise):
        back = upstream if rule.partials[port] == "1" else upstream * rule.local(port)(*operands, out)
    else:
        back = rule.pull(port, upstream, out, operands, recording.params.get(row, _NO_PARAMS))
    return _checked(back, graph.targets.get(slot), operands[port], name, port)


def recomputed(graph: Graph, slot: int, gradients: Gradients) -> Any:
    """Return the gradient of a slot that was beyond the budget: the same rule on the same numbers."""
    recording = graph.recording
    row = int(graph.slot_consumer[slot])
    operands = tuple(
        operand_value(recording, each) for each in range(recording.starts[row], recording.starts[row + 1])
    )
    with np.errstate(all="ignore"):
        return pull(graph, slot, gradients.row(row), operands, recording.values[row], gradients.locals)


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


def _checked(back: Any, target: tuple[int, ...] | None, operand: Any, name: str, port: int) -> Any:
    """Return the answer of a rule in the type of its operand; raise RuleError where the shape is not the operand's."""
    if isinstance(back, Part):
        return back
    if not isinstance(operand, np.ndarray) and target is None:
        if np.size(back) != 1:
            raise RuleError(
                f"the rule of {name} answered with the wrong shape for operand {port}",
                got=f"got {np.shape(back)}, expected a single number",
                advice="this is a fault of the rule: please report it",
            )
        return float(back) if type(back) is not float else back
    shape = operand.shape if target is None else target
    if type(back) is not np.ndarray or back.shape != shape:
        if np.shape(back) != shape:
            raise RuleError(
                f"the rule of {name} answered with the wrong shape for operand {port}",
                got=f"got {np.shape(back)}, expected {shape}",
                advice="this is a fault of the rule: please report it",
            )
        back = np.asarray(back)
    if isinstance(operand, np.ndarray) and back.dtype is not operand.dtype and back.dtype != operand.dtype:
        back = back.astype(operand.dtype)
    return back
