"""The rows of a graph, gone back over from the last to the first. Used by backward.py, and again.py.

Uses are added from the last to the first, so that sums reproduce; those of a matrix that are columns times rows come
last, in one product. Scalars are done in bulk: their local partials over whole columns, then one tight loop that only
multiplies and adds. Arrays are done one row at a time, by their rules (`pull.py`), or straight (`straight.py`).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.minus import Minus
from tracer.operations import RULE_OF
from tracer.pull import COMPRESSED, as_number, as_taken, checked, elementwise_local, narrowed
from tracer.recording import operand_of
from tracer.rules.edited import Edited, Part
from tracer.rules.kinds import Elementwise, Many, Outer, Vjp, is_complex, rule_for, typed
from tracer.straight import Straight, by_its_rule
from tracer.turn_code import way_back

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tracer.graph import Graph
    from tracer.keeping import Keeper
    from tracer.recording import Recording

_CHUNK = 1 << 16  # operands turned into Python floats at a time
_FEW = 4
_FEW_ROWS = 48  # that are gone back over by their rules before anything is asked about them in columns
# The gradient of a row that nothing has reached, known by identity: adding to it makes another float, and
# -0.0 + x is x, bit for bit.
NOTHING = -0.0

# Arrays that are kept as their difference from another one, or from zeros
_DIFFERENCES = frozenset((Edited, Part))
_ARRAYS = frozenset((np.ndarray, Edited))
_MOST_OUTERS = 1024  # that wait to be added
_NO_PARAMS: dict[str, Any] = {}


def steps_of(recording: Recording, rows: np.ndarray[Any, Any]) -> Iterator[tuple[int, int, int, list[int]]]:
    """Return, for each of some rows: the row, its op, its first slot, and its operands."""
    firsts = recording.starts[rows]
    degrees = recording.starts[rows + 1] - firsts
    ends = degrees.cumsum()
    slots = (firsts - ends + degrees).repeat(degrees) + np.arange(len(rows) and ends[-1])
    operands = recording.operands[slots].tolist()
    producers = [
        operands[start:end] for start, end in zip((ends - degrees).tolist(), ends.tolist(), strict=True)
    ]
    return zip(rows.tolist(), recording.ops[rows].tolist(), firsts.tolist(), producers, strict=True)


class BackwardPass:
    """The state of one backward pass."""

    __slots__ = (
        "_sums", "constants", "gradients", "graph", "has_differences", "keeper", "known", "local_column", "narrowed",
        "others", "outers", "recording", "slots", "wanted",
    )  # fmt: skip

    def __init__(
        self,
        graph: Graph,
        gradients: Any,
        local_column: np.ndarray[Any, Any],
        keeper: Keeper | None = None,
        wanted: set[int] | None = None,
        known: Mapping[int, Any] = MappingProxyType({}),
    ) -> None:
        self.graph = graph
        self.recording = graph.recording
        self.others = graph.recording.values.others
        self.constants = graph.recording.constants.others
        self.gradients = gradients  # by row
        self.local_column = local_column
        self.keeper = keeper  # None: everything is kept
        self.known = known  # by slot: what need not be computed
        self.wanted = wanted  # the rows whose gradients are of interest; None: all
        self.has_differences = graph.has_differences
        # By slot: what goes back to an operand, and where that was stretched, its sum in the operand's own shape
        self.slots: dict[int, Any] = {} if keeper is None else keeper.slots
        self.narrowed: dict[int, Any] = {} if keeper is None else keeper.narrowed
        self.outers: dict[int, list[Outer]] = {}  # by row: what is still to be added to its gradient
        self._sums: set[int] = set()  # rows whose gradient is our own array: it may grow in place

    def one_by_one(self, rows: np.ndarray[Any, Any], stop: int) -> int:
        """Go back over some rows, and the scalar ones between them, from row `stop` on; return the last one."""
        if not len(rows):
            return stop
        if self.keeper is not None or not len(self.graph.array_rows) or len(rows) <= _FEW_ROWS:
            steps = ((row, 0, 0, by_its_rule, None, None, None, None, None) for row in rows.tolist())
            return self._step_by_step(steps, steps_of(self.recording, rows), stop)
        straight = Straight(self.graph, rows)
        by_rule = steps_of(self.recording, straight.plan.by_rule)
        for first, last, loop in straight.plan.stretches:
            way = None
            if loop is not None:
                way = way_back(straight, loop, self.gradients, self.outers, NOTHING)
            if way is None:
                stop = self._step_by_step(straight.steps(first, last), by_rule, stop)
                continue
            self.scalars(way.top + 1, stop)
            way.code(
                self.gradients, self.slots, self._sums, NOTHING, self._add, self._put_by,
                np.ndarray, Minus, np.multiply, np.add, np.subtract, *way.given, way.slots, way.columns,
            )  # fmt: skip
            stop = way.bottom
        return stop

    def _step_by_step(
        self,
        steps: Iterator[tuple[Any, ...]],
        by_rule: Iterator[tuple[int, int, int, list[int]]],
        stop: int,
    ) -> int:
        """Take some steps, as Straight has them; return the last row."""
        gradients, slots, outers, sums = self.gradients, self.slots, self.outers, self._sums
        nothing, ndarray, outer = NOTHING, np.ndarray, Outer
        upstream: Any = None
        for row, slot, producer, pull, x, y, z, out, room in steps:
            if row != stop:
                if row + 1 < stop:
                    self.scalars(row + 1, stop)
                stop = row
                if row in outers:
                    self.add_outers(row)
                upstream = gradients[row]
                if pull is by_its_rule:
                    step = next(by_rule)
                    if upstream is not nothing:
                        self._one_of_kept(*step)
                    continue
                if type(upstream) in _DIFFERENCES:
                    upstream = gradients[row] = upstream.dense()
            if upstream is nothing:
                continue
            back = upstream if pull is None else pull(upstream, x, y, z, out, room)
            slots[slot] = back
            present = gradients[producer]
            if type(back) is outer:
                self._put_by(producer, back)
            elif present is nothing:
                gradients[producer] = back
            elif producer in sums:
                present += back
            elif type(present) is ndarray:
                gradients[producer] = present + back if room is None else np.add(present, back, room())
                sums.add(producer)
            else:
                self._add(producer, present, back)
        return stop

    def scalars(self, first_row: int, stop_row: int) -> None:
        """Go back over the scalar rows first_row:stop_row."""
        if first_row >= stop_row:
            return
        starts, operands = self.recording.starts, self.recording.operands
        first, stop = int(starts[first_row]), int(starts[stop_row])
        gradients = self.gradients
        nothing = NOTHING
        # One or two rows between two of arrays: columns would cost more than the numbers
        if stop - first <= _FEW:
            for slot in range(stop - 1, first - 1, -1):
                producer = int(operands[slot])
                upstream = gradients[self.graph.slot_consumer[slot]]
                if producer >= 0 and upstream is not nothing:
                    gradients[producer] += upstream * float(self.local_column[slot])
            return
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

    def _one_of_kept(self, row: int, op: int, first_slot: int, producers: list[int]) -> None:
        """Go back over one row by its rule, and let go of its gradient where that is too much to keep."""
        keeper = self.keeper
        if keeper is not None:
            gradient = self.gradients[row]
            if type(gradient) is Part and not getattr(RULE_OF[op], "takes_parts", False):
                gradient = self.gradients[row] = gradient.dense()  # as it will be, and so is paid for
            keeper.row(row, gradient)
        self.one(row, op, first_slot, producers)
        if keeper is not None and not keeper.is_row_kept:
            self.gradients[row] = None

    def one(self, row: int, op: int, first_slot: int, producers: list[int]) -> None:
        """Go back over one row by its rule."""
        rule = RULE_OF[op]
        if rule is not None and rule.of_complex is not None:
            rule = rule_for(rule, *self._found(row, producers))
        if isinstance(rule, Elementwise):
            self._elementwise(rule, row, first_slot, producers)
        elif isinstance(rule, Vjp):
            self._vjp(rule, row, first_slot, producers)
        elif rule is not None:  # a cut passes nothing back
            self._many(rule, row, first_slot, producers)

    def _elementwise(self, rule: Elementwise, row: int, first_slot: int, producers: list[int]) -> None:
        """Go back over a product: upstream × local, or the upstream itself."""
        upstream = self.gradients[row]
        if type(upstream) in _DIFFERENCES:
            upstream = self.gradients[row] = upstream.dense()
        others, targets, wanted = self.others, self.graph.targets, self.wanted
        passes = rule.passes
        dtype = upstream.dtype if type(upstream) is np.ndarray else None
        operands: tuple[Any, ...] | None = None
        for port in range(len(producers) - 1, -1, -1):
            producer = producers[port]
            if producer < 0 or (wanted is not None and producer not in wanted):
                continue
            target = targets.get(first_slot + port) if targets else None
            operand = others.get(producer, 0.0)
            fits = type(operand) is np.ndarray and operand.dtype is dtype
            if passes[port]:
                back = upstream
            else:
                if operands is None:
                    operands, out, upstream = self._prepared(row, rule, producers)
                if type(out) is np.ndarray:
                    back = rule.product(upstream, rule.locals[port](*operands, out))
                else:
                    back = rule.product(upstream, elementwise_local(rule, port, operands, out))
                fits = fits and type(back) is np.ndarray and back.dtype is dtype
                fits = fits and back.shape == (target or operand.shape)
            if not fits:
                back = checked(back, operand, target, port)
            self._send(first_slot + port, producer, back, operand, target)

    def _vjp(self, rule: Vjp, row: int, first_slot: int, producers: list[int]) -> None:
        """Go back over what is no product, by a function of its own."""
        kind = type(self.gradients[row])
        if (kind is Edited and not rule.shapes_only) or (kind is Part and not rule.takes_parts):
            self.gradients[row] = self.gradients[row].dense()
        others, targets, wanted = self.others, self.graph.targets, self.wanted
        operands, out, upstream = self._prepared(row, rule, producers)
        params = self.recording.params.get(row, _NO_PARAMS)
        if rule.shared is not None:
            params = rule.shared(operands, params)
        for port in range(len(producers) - 1, -1, -1):
            producer = producers[port]
            if producer < 0 or (wanted is not None and producer not in wanted):
                continue
            slot = first_slot + port
            target = targets.get(slot) if targets else None
            operand = others.get(producer, 0.0)
            if slot in self.known:
                back = self.known[slot]
            elif type(operand) is np.ndarray and not operand.size:
                back = np.zeros(target or operand.shape, operand.dtype)  # no rule has to know about nothing
            else:
                back = rule.pull(port, upstream, out, operands, params)
                if type(back) not in COMPRESSED and (
                    type(back) is not np.ndarray
                    or type(operand) is not np.ndarray
                    or back.dtype is not operand.dtype
                    or back.shape != (target or operand.shape)
                ):
                    back = checked(back, operand, target, port)
                elif type(back) is Part and type(operand) not in _ARRAYS:  # `np.sum(x)[()]`
                    back = checked(back.dense(), operand, target, port)
            self._send(slot, producer, back, operand, target)

    def _send(self, slot: int, producer: int, back: Any, operand: Any, target: Any) -> None:
        """Put a gradient on its edge, and add it to those of the other uses."""
        keeper = self.keeper
        if keeper is None:
            self.slots[slot] = back
        else:
            keeper.slot(slot, back)
        if target is not None:
            back = narrowed(back, operand)
            if keeper is None:
                self.narrowed[slot] = back
            else:
                keeper.narrow(slot, back)
        present = self.gradients[producer]
        kind = type(back)
        if kind is Outer:
            self._put_by(producer, back)
        elif present is NOTHING and (kind is not Part or type(operand) in _ARRAYS):
            self.gradients[producer] = back
        else:
            self._add(producer, present, back)

    def _prepared(
        self, row: int, rule: Elementwise | Vjp, producers: list[int]
    ) -> tuple[tuple[Any, ...], Any, Any]:
        """Return the operands of a row, its result and its gradient, as its rule takes them."""
        operands, out = self._found(row, producers)
        return as_taken(rule, operands, out, self.gradients[row], has_differences=self.has_differences)

    def _found(self, row: int, producers: list[int]) -> tuple[tuple[Any, ...], Any]:
        """Return the operands of a row and its result, as they are kept."""
        others, constants, recording = self.others, self.constants, self.recording
        found = []
        for each in producers:
            if each >= 0:
                found.append(others[each] if each in others else float(recording.values.floats[each]))
            elif -1 - each in constants:
                found.append(constants[-1 - each])
            else:
                found.append(float(recording.constants.floats[-1 - each]))
        out = others[row] if row in others else float(recording.values.floats[row])
        return tuple(found), out

    def _many(self, rule: Many, row: int, first_slot: int, producers: list[int]) -> None:
        """Go back over a function of many scalars."""
        recording, upstream = self.recording, self.gradients[row]
        operands = [operand_of(recording, producer) for producer in producers]
        stop_slot = first_slot + len(producers)
        out = recording.values[row]
        partials = rule.partials(operands, out)
        if not is_complex(out):
            self.local_column[first_slot:stop_slot] = partials
        for port in range(len(producers) - 1, -1, -1):
            producer, slot = producers[port], first_slot + port
            if producer < 0:
                continue
            local = partials[port]
            if rule.routes and not local:
                # Not chosen by max: nothing goes further back, not even as 0 × inf.
                self.slots[slot] = 0.0
                continue
            back = self.slots[slot] = as_number(upstream * local, operands[port])
            present = self.gradients[producer]
            self.gradients[producer] = back if present is NOTHING else present + back

    def _put_by(self, row: int, gradient: Outer) -> None:
        """Put a column times a row by, to be added with others in one product."""
        outers = self.outers.setdefault(row, [])
        outers.append(gradient)
        if len(outers) == _MOST_OUTERS:
            self.add_outers(row)

    def _add(self, row: int, present: Any, gradient: Any) -> None:
        """Add one use more to a row's gradient; the first was shared, a sum is ours and grows in place."""
        if row in self._sums:
            if type(gradient) is np.ndarray:
                present += gradient
            else:
                gradient.add_to(present)
            return
        if type(present) is Edited:
            if type(gradient) is Part:
                self.gradients[row] = present.plus(gradient)
                return
            total = present.dense()
        elif type(present) is Part:
            total = present.dense()
        elif present is NOTHING:
            total = np.zeros(gradient.shape, gradient.dtype)
        elif type(gradient) in (float, complex):
            self.gradients[row] = present + gradient
            return
        elif type(gradient) is np.ndarray:
            self.gradients[row] = np.asarray(present + gradient)
            self._sums.add(row)
            return
        else:
            total = np.array(present)
        if type(gradient) is np.ndarray:
            total += gradient
        else:
            gradient.add_to(total)
        self.gradients[row] = total
        self._sums.add(row)

    def add_outers(self, row: int) -> None:
        """Add the columns times rows that came back to a matrix from all its uses, in one product."""
        outers = self.outers.pop(row)
        columns, rows = (
            np.concatenate(factors).reshape(len(outers), -1)
            for factors in ([each.column for each in outers], [each.row for each in outers])
        )
        product = typed(columns.T.dot(rows), np.empty(0, outers[0].dtype))
        present = self.gradients[row]
        if present is NOTHING:
            self.gradients[row] = product
            self._sums.add(row)
        else:
            self._add(row, present, product)
