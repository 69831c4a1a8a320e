"""What is kept of the gradients of arrays where all of them are more than the budget.

Rows come first: a row's gradient is what those of its operands are computed from again, one rule each. Where even the
rows are too many, those that are kept lie scattered, so that from any of the others some are near. Arrays that share
memory are paid for once. What is not kept is measured before it goes.
"""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.gradients import Measured, memory_of
from tracer.graph import FUNCTION, SPLITTER
from tracer.memory import owner_of
from tracer.rules.edited import Edited, Part
from tracer.statistics import FIELDS, Measurer

if TYPE_CHECKING:
    from tracer.graph import Graph

# Multiples of it fall evenly into any part of 0…1, with no period to match a loop's
_GOLDEN = (5**0.5 - 1) / 2
_CHEAP = 64  # bytes that are not counted


def most_bytes(graph: Graph) -> float:
    """Return what the gradients of all arrays take at most: a bound that costs little."""
    recording = graph.recording
    count = len(recording.operands) + len(recording)
    return graph.most_bytes * count + 16.0 * sum(map(math.prod, graph.targets.values()))


def array_bytes(graph: Graph, row: int) -> tuple[int, int]:
    """Return the bytes of the gradients of all arrays up to a row, and of all operands, if nothing is shared."""
    recording = graph.recording
    others, rows = recording.values.others, graph.array_rows
    rows = rows[rows <= row]
    if not len(rows):
        return 0, 0
    sizes = np.zeros(len(recording))
    sizes[rows] = [others[each].nbytes for each in rows.tolist()]
    operands = recording.operands[: recording.starts[row + 1]]
    by_slots = float(sizes[operands[operands >= 0]].sum())
    by_slots += 16.0 * sum(map(math.prod, graph.targets.values()))
    plain = np.array([type(others[each]) is np.ndarray for each in rows.tolist()])
    return int(sizes[rows[plain]].sum()), int(by_slots)


class Keeper:
    """Decides, one gradient at a time, what is kept within a budget of bytes."""

    def __init__(self, graph: Graph, output: int, budget: float, bytes_of_rows: int) -> None:
        self.slots: dict[int, Any] = {}
        self.narrowed: dict[int, Any] = {}
        self.is_row_kept = True  # of the row whose turn it is
        self._graph = graph
        self._output = output
        self._share = budget / bytes_of_rows if bytes_of_rows else 1.0  # of the rows
        self._for_rows = min(budget, float(bytes_of_rows))
        self._for_slots = budget - self._for_rows
        self._held: set[int] = set()  # by identity: memory that is kept, and so lives on
        self._split = set(graph.rows[graph.is_copy()].tolist())
        self._measurer = Measurer()
        # What was measured, and the numbers, for each of: slots, narrowed slots, rows with several uses.
        self._keys: tuple[list[int], ...] = ([], [], [])
        self._numbers = (array("d"), array("d"), array("d"))

    def row(self, row: int, gradient: Any) -> None:
        """Decide about the gradient of a row, which is complete."""
        if type(gradient) is Edited:
            self.is_row_kept = gradient.chain.is_kept
        elif type(gradient) is Part:
            self.is_row_kept, self._for_rows = self._take(memory_of(gradient), self._for_rows)
        elif type(gradient) is not np.ndarray:
            self.is_row_kept = True
        elif row == self._output:
            self.is_row_kept = True
            self._held.add(id(owner_of(gradient)))
        elif self._share >= 1 or row * _GOLDEN % 1 < self._share:
            self.is_row_kept, self._for_rows = self._take(gradient, self._for_rows)
        else:
            self.is_row_kept = id(owner_of(gradient)) in self._held
        if not self.is_row_kept and row in self._split:
            self._measure(2, row, gradient)

    def slot(self, slot: int, gradient: Any) -> None:
        """Decide about what is sent back to an operand."""
        if self._is_kept(gradient):
            self.slots[slot] = gradient
        else:
            self._measure(0, slot, gradient)

    def narrow(self, slot: int, gradient: Any) -> None:
        """Decide about what a broadcast sends back."""
        if self._is_kept(gradient):
            self.narrowed[slot] = gradient
        else:
            self._measure(1, slot, gradient)

    def measured(self) -> Measured:
        """Return the statistics of what was not kept, by edge."""
        graph = self._graph
        slots, narrowed, rows = (np.array(keys, np.int64) for keys in self._keys)
        dst_kinds = graph.kinds[graph.dst]
        has_slot = graph.slots >= 0
        edge_of = np.zeros((2, len(graph.recording.operands)), np.int64)
        for line, kind in enumerate((FUNCTION, SPLITTER)):
            into = np.flatnonzero(has_slot & (dst_kinds == kind))
            edge_of[line, graph.slots[into]] = into
        edges = np.concatenate(
            [edge_of[0, slots], edge_of[1, narrowed], graph.first_in[graph.node_of_row[rows] + 1]]
        )
        table = np.concatenate([np.array(numbers).reshape(-1, FIELDS) for numbers in self._numbers])
        order = np.argsort(edges)
        return Measured(edges[order].astype(np.int32), table[order])

    def _is_kept(self, gradient: Any) -> bool:
        if type(gradient) is Edited:
            if type(gradient.before) is not Edited:
                gradient.chain.is_kept, self._for_slots = self._take(gradient.before, self._for_slots)
            return gradient.chain.is_kept
        memory = memory_of(gradient)
        if type(memory) is not np.ndarray:
            return True
        is_kept, self._for_slots = self._take(memory, self._for_slots)
        return is_kept

    def _take(self, memory: Any, purse: float) -> tuple[bool, float]:
        """Say whether memory is kept, and what is left of the bytes to spend."""
        owner = owner_of(memory)
        if id(owner) in self._held:
            return True, purse
        if owner.nbytes <= _CHEAP:
            return True, purse
        if owner.nbytes > purse:
            return False, purse
        self._held.add(id(owner))
        return True, purse - owner.nbytes

    def _measure(self, what: int, key: int, gradient: Any) -> None:
        self._keys[what].append(key)
        self._numbers[what].extend(self._measurer.of(gradient))


class Forgetful(Keeper):
    """Keeps nothing, and measures nothing: for going back to one row again."""

    def __init__(self) -> None:
        self.slots, self.narrowed = {}, {}

    def slot(self, slot: int, gradient: Any) -> None:
        """Pass over it."""

    def narrow(self, slot: int, gradient: Any) -> None:
        """Pass over it."""
