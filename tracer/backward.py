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
from tracer.operations import IS_ELEMENTWISE, RULE_OF
from tracer.recording import operand_of
from tracer.rules.edited import Edited, whole
from tracer.rules.kinds import Elementwise, Many, Outer, Part, Rule, Vjp, is_complex

if TYPE_CHECKING:
    from tracer.graph import Graph
    from tracer.recording import Recording

# Bytes of operands' gradients that are kept; an edge beyond it is recomputed when asked for
BUDGET = 1 << 29
_CHUNK = 1 << 16  # operands turned into Python floats at a time
# The gradient of a row that nothing has reached, known by identity: adding to it makes another float, and
# -0.0 + x is x, bit for bit.
_NOTHING = -0.0

_COMPRESSED = (Part, Outer, Edited)
_NO_PARAMS: dict[str, Any] = {}


@dataclass(slots=True)
class Gradients:
    """Gradients by row and by operand.

    `numbers[r]` is the gradient of row r's value where that is a real number, `arrays[r]` where it is an array or
    complex; zero, and not `reached[r]`, where the seeded output does not depend on it. `locals[s]` is the local partial
    of slot s for real scalars, NaN elsewhere. `slots[s]` is the gradient that the consumer of slot s sends back where
    that is an array or complex, or comes from a rule that is no product; it has the shape of the operand as the
    operation saw it. `narrowed[s]` is the same summed over the broadcast axes.
    """

    numbers: np.ndarray[Any, np.dtype[np.float64]]
    arrays: dict[int, Any]
    reached: np.ndarray[Any, np.dtype[np.bool_]]
    locals: np.ndarray[Any, np.dtype[np.float64]]
    slots: dict[int, Any]
    narrowed: dict[int, Any]

    def row(self, row: int) -> Any:
        """Return the gradient of a row that was reached."""
        return whole(self.arrays[row]) if row in self.arrays else float(self.numbers[row])


def backward(graph: Graph, row: int, seed: Any, *, keep_all: bool = False) -> Gradients:
    """Go back from `row`, whose gradient is `seed`, over every operand that it depends on.

    A row of -1 is an output that no input reaches: every gradient is zero.
    """
    recording = graph.recording
    with np.errstate(all="ignore"):  # inf and NaN are answers here, and findings say where they were born
        local_column, fast = scalar_locals(graph)
        gradients: list[Any] = [_NOTHING] * len(recording)
        work = _Work(graph, gradients, local_column, BUDGET if not keep_all else np.inf)
        if row >= 0:
            gradients[row] = seed
        slow = np.flatnonzero(~fast[: row + 1] & (np.diff(recording.starts[: row + 2]) > 0))[::-1]
        ops, firsts, stops = (
            column[slow].tolist() for column in (recording.ops, recording.starts[:-1], recording.starts[1:])
        )
        stop = row + 1
        for turn, op, first_slot, stop_slot in zip(slow.tolist(), ops, firsts, stops, strict=True):
            if turn + 1 < stop:
                work.scalars(turn + 1, stop)
            if turn in work.outers:
                work.add_outers(turn)
            if gradients[turn] is not _NOTHING:
                work.one(turn, RULE_OF[op], first_slot, stop_slot)
            stop = turn
        work.scalars(0, stop)
        for turn in tuple(work.outers):
            work.add_outers(turn)
    count = len(gradients)
    reached = np.fromiter(map(is_not, gradients, repeat(_NOTHING)), np.bool_, count)
    arrays: dict[int, Any] = {}
    if set(map(type, gradients)) != {float}:
        arrays = {number: value for number, value in enumerate(gradients) if type(value) is not float}
        for number in arrays:
            gradients[number] = 0.0
    numbers = np.fromiter(gradients, np.float64, count)
    numbers[~reached] = 0.0
    return Gradients(numbers, arrays, reached, local_column, work.slots, work.narrowed)


def scalar_locals(
    graph: Graph,
) -> tuple[np.ndarray[Any, np.dtype[np.float64]], np.ndarray[Any, np.dtype[np.bool_]]]:
    """Return the local partial of every operand of every elementwise scalar row, and which rows those are."""
    recording = graph.recording
    operands, starts = recording.operands, recording.starts
    fast = IS_ELEMENTWISE[recording.ops]
    fast[np.fromiter(recording.params, np.int64, len(recording.params))] = False
    wide_rows, wide_constants = recording.values.wide_rows, recording.constants.wide_rows
    if len(wide_rows) or len(wide_constants):
        fast[wide_rows] = False
        # Of operands: the constants first, then the rows.
        is_wide = np.zeros(len(recording.constants) + len(recording), np.bool_)
        is_wide[wide_rows + len(recording.constants)] = True
        is_wide[len(recording.constants) - 1 - wide_constants] = True
        uses_wide = is_wide[operands + len(recording.constants)]
        fast[graph.slot_consumer[uses_wide]] = False
    column = np.full(len(operands), np.nan)
    for number in np.flatnonzero(np.bincount(recording.ops[fast])).tolist():
        rule = RULE_OF[number]
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
        return np.take(recording.values.floats, operands)
    if (operands < 0).all():
        return np.take(recording.constants.floats, -1 - operands)
    values = np.empty(len(operands))
    traced = operands >= 0
    values[traced] = recording.values.floats[operands[traced]]
    values[~traced] = recording.constants.floats[-1 - operands[~traced]]
    return values


class _Work:
    """The state of one backward pass."""

    __slots__ = (
        "_sums", "budget", "gradients", "graph", "has_differences", "local_column", "narrowed", "outers", "recording",
        "slots",
    )  # fmt: skip

    def __init__(
        self, graph: Graph, gradients: list[Any], local_column: np.ndarray[Any, Any], budget: float
    ) -> None:
        self.budget = budget  # bytes of gradients of operands that may still be kept
        self.graph = graph
        self.recording = graph.recording
        self.gradients = gradients
        self.local_column = local_column
        self.has_differences = Edited in set(map(type, graph.recording.values.others.values()))
        self.slots: dict[int, Any] = {}
        self.narrowed: dict[int, Any] = {}
        self.outers: dict[int, list[Outer]] = {}  # by row: what is still to be added to its gradient
        self._sums: set[int] = set()  # rows whose gradient is our own array: it may grow in place

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

    def one(self, row: int, rule: Rule | None, first_slot: int, stop_slot: int) -> None:
        """Go back over one row by its rule."""
        if rule is None:  # a cut passes nothing back
            return
        recording, targets = self.recording, self.graph.targets
        producers = recording.operands[first_slot:stop_slot].tolist()
        arrays = recording.values.others
        operands = tuple(
            [
                arrays[producer] if producer in arrays else operand_of(recording, producer)
                for producer in producers
            ]
        )
        out = arrays[row] if row in arrays else recording.values[row]
        params = recording.params.get(row, _NO_PARAMS) if recording.params else _NO_PARAMS
        gradients, upstream = self.gradients, self.gradients[row]
        if type(upstream) is Edited and not _takes_differences(rule):
            upstream = gradients[row] = upstream.dense()
        if self.has_differences and not _takes_differences(rule):
            operands, out = tuple(map(whole, operands)), whole(out)
        partials = rule.partials(operands, out) if isinstance(rule, Many) else ()
        if partials and not is_complex(out):
            self.local_column[first_slot:stop_slot] = partials
        for port in range(len(producers) - 1, -1, -1):
            producer, slot = producers[port], first_slot + port
            if producer < 0:
                continue
            target = targets.get(slot) if targets else None
            if isinstance(rule, Many):
                local = partials[port]
                back: Any = as_number(upstream * local, operands[port])
                if rule.routes and not local:
                    # Not chosen by max: nothing goes further back, not even as 0 × inf.
                    self.slots[slot] = 0.0
                    continue
            else:
                back = pull(rule, port, upstream, out, operands, params, target)
            kept = back.nbytes if type(back) is np.ndarray else 0  # compressed costs next to nothing
            if kept <= self.budget:
                self.budget -= kept
                self.slots[slot] = back
            if target is not None:
                back = narrow(back, np.shape(operands[port]))
                if type(operands[port]) is not np.ndarray:
                    back = as_number(back, operands[port])
                self.narrowed[slot] = back
            present = gradients[producer]
            if present is _NOTHING and (type(back) not in _COMPRESSED or type(back) is Edited):
                gradients[producer] = back
            else:
                self._add(producer, present, back)

    def _add(self, row: int, present: Any, gradient: Any) -> None:
        """Add one use more to a row's gradient; the first was shared, a sum is ours and grows in place."""
        if type(present) in (float, complex) and present is not _NOTHING:
            self.gradients[row] = present + gradient
            return
        if type(present) is Edited:
            if type(gradient) is Part:
                self.gradients[row] = present.plus(gradient.index, gradient.value)
                return
            present = present.dense()
        if row not in self._sums:
            self._sums.add(row)
            present = np.zeros(gradient.shape, gradient.dtype) if present is _NOTHING else np.array(present)
            self.gradients[row] = present
        if type(gradient) is np.ndarray:
            present += gradient
        elif type(gradient) is Outer:
            self.outers.setdefault(row, []).append(gradient)
        else:
            gradient.add_to(present)

    def add_outers(self, row: int) -> None:
        """Add the columns times rows that came back to a matrix from all its uses, in one product."""
        outers = self.outers.pop(row)
        columns, rows = np.stack([each.column for each in outers]), np.stack([each.row for each in outers])
        product, total = columns.T.dot(rows), self.gradients[row]
        total += product if is_complex(total) else product.real


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
    if rule.of_complex is not None and any(map(is_complex, (*operands, out))):
        rule = rule.of_complex
    if isinstance(rule, Elementwise):
        text = rule.partials[port]
        back = upstream if text == "1" else upstream * elementwise_local(rule, port, operands, out)
    elif rule.shapes_only:
        back = rule.pull(port, upstream, out, operands, params)
    else:
        back = rule.pull(port, *_as_arrays(upstream, out, operands), params)
    operand = operands[port]
    if (
        type(back) is np.ndarray
        and type(operand) is np.ndarray
        and back.dtype is operand.dtype
        and back.shape == (target or operand.shape)
    ):
        return back
    return back if type(back) in _COMPRESSED else _checked(back, operand, target, port)


def _takes_differences(rule: Rule) -> bool:
    return isinstance(rule, Vjp) and rule.shapes_only


def _as_arrays(upstream: Any, out: Any, operands: tuple[Any, ...]) -> tuple[Any, Any, tuple[Any, ...]]:
    """Return what a vjp expects: where NumPy was given numbers, arrays without axes."""
    for operand in operands:
        if type(operand) is not np.ndarray:
            return np.asarray(upstream), np.asarray(out), tuple(map(np.asarray, operands))
    return upstream, out, operands


def elementwise_local(rule: Elementwise, port: int, operands: tuple[Any, ...], out: Any) -> Any:
    """Evaluate a local partial, in the precision of the result: NumPy, too, widens float32 before it divides."""
    if type(out) is np.ndarray:
        dtype = out.dtype
        for operand in operands:
            if type(operand) is np.ndarray and operand.dtype is not dtype:
                operands = tuple(
                    each.astype(dtype) if type(each) is np.ndarray and each.dtype.kind == "f" else each
                    for each in operands
                )
                break
    elif is_complex(out) and rule.partials[port] not in rule.operand_names:
        # NumPy's numbers, which answer inf where Python raises, and know the logarithm of a negative one.
        operands = tuple(np.asarray(each, np.result_type(out))[()] for each in operands)
    elif any(map(is_complex, operands)):
        operands = tuple(np.asarray(each)[()] for each in operands)
    return rule.local(port)(*operands, out)


def recomputed(graph: Graph, slot: int, gradients: Gradients) -> Any:
    """Return the gradient of a slot that was beyond the budget: the same rule on the same numbers."""
    recording = graph.recording
    row = int(graph.slot_consumer[slot])
    first, stop = int(recording.starts[row]), int(recording.starts[row + 1])
    rule = RULE_OF[recording.ops[row]]
    assert isinstance(rule, (Elementwise, Vjp))
    with np.errstate(all="ignore"):
        return pull(
            rule,
            slot - first,
            gradients.row(row),
            recording.values[row],
            tuple(operand_of(recording, producer) for producer in recording.operands[first:stop].tolist()),
            recording.params.get(row, _NO_PARAMS),
            graph.targets.get(slot),
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


def _checked(back: Any, operand: Any, target: tuple[int, ...] | None, port: int) -> Any:
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
