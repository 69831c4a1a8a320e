"""Recurrences that forget by design: states that others replace turn by turn, and running averages. Used by gain.py.

That the first state of a recurrent net, or of a momentum, has no influence after many turns is how it should be: the
output lives off what came in since. That early items of what comes in are lost is another matter, but in an average.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.passes import columns_of
from tracer.graph import operand_value
from tracer.operations import OP_NUMBERS

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from tracer.diagnose.passes import Passes, Stretch
    from tracer.diagnose.way import Numbers

LOOKED_AT = 64
"""Inputs that may be first states; more seldom are."""
_TURNS = 3
"""Of a recurrence: fewer are no run that forgets."""
_MOST = 2000  # rows of one turn that are looked at
_LEVELS = 3  # of what only moves elements
_PORTS = 8  # of an operation; further ones count as the last
_MOVES = columns_of("getitem", "item", "copy", "reshape", "ravel", "transpose", "astype")
_ADDS = columns_of("add", "subtract", "sum_scalars", "fsum", "concatenate", "stack")
_JOINS = columns_of("concatenate", "stack")  # as of a state and what comes in: W @ np.concatenate([h, x])
_MULTIPLY, _ADD = OP_NUMBERS["multiply"], OP_NUMBERS["add"]
_ONE = 1e-6  # by how much factors may miss it together


class Forgetting:
    """What is asked of the recurrences of one trace."""

    def __init__(self, passes: Passes) -> None:
        self.passes, self.trace, self.recording = passes, passes.trace, passes.trace.recording
        self.consumers = passes.trace.graph.slot_consumer

    def first_states(self, rows: Numbers) -> Numbers:
        """Return which of some inputs are first states, which what comes in at each turn replaces."""
        rows = rows[np.isin(rows, self.passes.inputs)]
        if not len(rows):
            return rows
        is_carried = self._carried()
        slots = self.passes.ways.slots[rows]
        likely = rows[is_carried[self._keys(slots)] | _MOVES[self.passes.ops[self.passes.users[rows]]]]
        found = [row for row in likely[:LOOKED_AT].tolist() if self._is_first_state(row, is_carried)]
        return np.array(found, np.int64)

    def is_average(self, stretch: Stretch) -> bool:
        """Say whether the passes are those of a running average: p × old + q × new, with p + q = 1."""
        rows = stretch.rows
        if stretch.name != "multiply" or len(rows) < _TURNS:
            return False
        return all(self._is_mixed(int(row)) for row in (rows[0], rows[len(rows) // 2], rows[-1]))

    def come_in(self, rows: Iterable[int]) -> bool:
        """Say whether items come into a recurrence, by something that is the same at every turn, and are no layers."""
        return all(self._comes_in(row) for row in rows)

    # ------------------------------------------------------------------------------------------------- first states

    def _keys(self, slots: Any) -> Any:
        """Return numbers of the places and operands at which values are used; of what has no place, the same."""
        users = self.consumers[slots]
        ports = np.minimum(slots - self.recording.starts[users], _PORTS - 1)
        return (self.passes.places[users] + 1) * _PORTS + ports

    def _carried(self) -> Any:
        """Say, by key, whether a value is used there that was computed."""
        slots = np.flatnonzero(self.recording.operands >= 0)
        is_input = np.zeros(len(self.recording), np.bool_)
        is_input[list(self.trace.input_rows)] = True
        moves = np.flatnonzero(_MOVES[self.passes.ops])
        sources = self.recording.operands[self.recording.starts[moves]]
        for _ in range(_LEVELS):
            is_input[moves] |= (sources < 0) | is_input[sources]
        computed = slots[~is_input[self.recording.operands[slots]]]
        flags = np.zeros((len(self.trace.sites.places) + 2) * _PORTS, np.bool_)
        flags[self._keys(computed)] = True
        flags[:_PORTS] = False
        return flags

    def _is_first_state(self, row: int, is_carried: Any) -> bool:
        """Say whether an input is used only where later turns use what they computed, and others come in there."""
        pending, used = [row], []
        while pending:
            slots = np.flatnonzero(self.recording.operands == pending.pop())
            users = self.consumers[slots]
            moves = _MOVES[self.passes.ops[users]] & ~is_carried[self._keys(slots)]
            pending += users[moves].tolist()
            used += slots[~moves].tolist()
            if len(used) > LOOKED_AT or not all(is_carried[self._keys(np.array(used, np.int64))]):
                return False
        way = self.passes.ways.rows_from(row)
        keys = self._keys(self.passes.ways.slots[way])
        found, counts = np.unique(keys[is_carried[keys]], return_counts=True)
        carried = np.flatnonzero(keys == found[np.argmax(counts)])
        return len(carried) > _TURNS and self._is_replaced(way, carried)

    def _is_replaced(self, way: Numbers, carried: Numbers) -> bool:
        """Say whether something else is added to a state at every turn, and not the same each time."""
        users = self.passes.users[way[carried[: _TURNS + 1]]].tolist()
        second, third = (
            self._added(way[carried[at] : carried[at + 1] + 1], users[at - 1], users[0])
            for at in range(1, _TURNS)
        )
        return bool(second and third and second != third)

    def _added(self, turn: Numbers, since: int, start: int) -> set[Hashable]:
        """Return what the terms that come in at a turn are made of: items of what was there before `start`."""
        recording, users, known = self.recording, self.passes.users[turn], set(turn.tolist())
        sums = {row for row in users[:-1].tolist() if _ADDS[self.passes.ops[row]]}
        pending = list(sums)
        found: set[Hashable] = set()
        while pending and len(known) < _MOST:
            row = pending.pop()
            for slot in range(int(recording.starts[row]), int(recording.starts[row + 1])):
                operand = int(recording.operands[slot])
                if operand < 0 and row in sums:
                    continue  # a term that nothing is learnt by
                if operand < 0:
                    found.add(_content(operand_value(recording, slot)))
                elif operand < start:
                    index = recording.params.get(row, {}).get("index")
                    found.add((operand, repr(index)))
                elif operand > since and operand not in known:
                    known.add(operand)
                    pending.append(operand)
        return found

    # ----------------------------------------------------------------------------------------------------- averages

    def _is_mixed(self, row: int) -> bool:
        """Say whether a value is multiplied by p, and to the product another one is added that was by 1 - p."""
        following = self.passes.ways.following
        product = int(following[row])
        total = int(following[product])
        if total < 0 or self.passes.ops[total] != _ADD:
            return False
        kept = self._factors(product, without=row)
        others = [each for each in self._operands(total) if each >= 0 and each != product]
        added = [
            factor
            for each in others
            if self.passes.ops[each] == _MULTIPLY
            for factor in self._factors(each)
        ]
        return any(
            np.shape(p) == np.shape(q) and bool(np.all(np.abs(np.add(p, q) - 1) <= _ONE))
            for p in kept
            for q in added
        )

    def _operands(self, row: int) -> list[int]:
        operands: list[int] = self.recording.operands[
            self.recording.starts[row] : self.recording.starts[row + 1]
        ].tolist()
        return operands

    def _factors(self, row: int, without: int = -1) -> list[Any]:
        first = int(self.recording.starts[row])
        return [
            operand_value(self.recording, first + port)
            for port, operand in enumerate(self._operands(row))
            if operand < 0 or operand != without
        ]

    # --------------------------------------------------------------------------------------------------- what comes in

    def _comes_in(self, row: int) -> bool:
        """Say whether the operation that an item comes in by has the same other operands in all of its runs."""
        passes, recording = self.passes, self.recording
        while _MOVES[passes.ops[passes.users[row]]] or _JOINS[passes.ops[passes.users[row]]]:
            row = int(passes.ways.following[row])
        user, slot = int(passes.users[row]), int(passes.ways.slots[row])
        port = slot - int(recording.starts[user])
        is_alike = (passes.places == passes.places[user]) & (passes.ops == passes.ops[user])
        others = {
            tuple(
                _content(recording.values.kept(each)) or each  # a number may be computed anew, 1 - keep
                for at, each in enumerate(self._operands(run))
                if at != port and each >= 0
            )
            for run in np.flatnonzero(is_alike)[:LOOKED_AT].tolist()
        }
        return len(others) == 1


def _content(constant: Any) -> Hashable:
    """Return what tells constants apart: a float, or an array; whole numbers only count."""
    if isinstance(constant, float):
        return constant
    return np.asarray(constant).tobytes() if isinstance(constant, np.ndarray) and constant.ndim else None
