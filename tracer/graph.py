"""Recording -> Graph: one edge per use, splitters and broadcasts inserted. Columns only; no gradients here.

Nodes are in execution order. Around the row that made a value stand the nodes that its use calls for:

    [a broadcast for each operand that has another shape]  [the row itself]  [its splitter, if used more than once]

and after the last row one output node for each number in the result. The edges are numbered by the node they lead
to, and by port within it, so that the in-edges of a node are a range.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.rules import RULES
from tracer.rules.kinds import Elementwise
from tracer.tape import OP_NAMES, OP_NUMBERS

if TYPE_CHECKING:
    from tracer.recording import Recording

KINDS = ("input", "function", "splitter", "output", "cut")
INPUT, FUNCTION, SPLITTER, OUTPUT, CUT = range(len(KINDS))
NO_SLOT = -1

_IS_ARRAY_RULE = np.array(
    [isinstance(RULES.get(name), Elementwise) or name == "matmul" for name in OP_NAMES], np.bool_
)


class Graph:
    """The frozen forward graph of a recording, as columns.

    `slot` numbers an operand in `recording.operands`. Nodes: `kinds`, `rows` (the row a node stands for; of an
    output node: the row of its value, -1 where that was never traced), `node_slots` (of a broadcast: its slot),
    `first_in` (in-edges of node n are `first_in[n]:first_in[n + 1]`). Edges: `src`, `dst`, `port`, `slots`
    (the operand that the edge brings to a function node or a broadcast, else -1).
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        rows = len(recording)
        traced = recording.operands >= 0
        slots = np.flatnonzero(traced)
        producers = recording.operands[slots]
        self.slot_consumer = np.repeat(np.arange(rows), np.diff(recording.starts))
        consumers = self.slot_consumer[slots]
        output_rows = np.array([output.row for output in recording.outputs], np.int64)
        uses = np.bincount(producers, minlength=rows)
        uses += np.bincount(output_rows[output_rows >= 0], minlength=rows)
        self.targets = broadcast_targets(recording)
        broadcast_slots = np.array(sorted(self.targets), np.int64)
        has_splitter = uses > 1

        before = np.bincount(self.slot_consumer[broadcast_slots], minlength=rows)
        first = np.zeros(rows + 1, np.int64)
        np.cumsum(before + 1 + has_splitter, out=first[1:])
        self.node_of_row = first[:-1] + before
        self.splitter_of_row = np.where(has_splitter, self.node_of_row + 1, -1)
        outlet = self.node_of_row + has_splitter  # the node from which the uses of a row's value leave
        count = int(first[-1]) + len(output_rows)
        self.first_output = int(first[-1])

        self.rows = np.empty(count, np.int64)
        self.kinds = np.full(count, FUNCTION, np.int8)
        self.node_slots = np.full(count, NO_SLOT, np.int64)
        self.rows[self.node_of_row] = np.arange(rows)
        self.kinds[self.node_of_row[recording.ops == OP_NUMBERS["input"]]] = INPUT
        self.kinds[self.node_of_row[recording.ops == OP_NUMBERS["cut"]]] = CUT
        split = np.flatnonzero(has_splitter)
        self.rows[self.splitter_of_row[split]] = split
        self.kinds[self.splitter_of_row[split]] = SPLITTER
        rank = np.arange(len(broadcast_slots)) - np.searchsorted(
            self.slot_consumer[broadcast_slots], self.slot_consumer[broadcast_slots]
        )
        broadcasts = first[self.slot_consumer[broadcast_slots]] + rank
        self.rows[broadcasts] = recording.operands[broadcast_slots]
        self.kinds[broadcasts] = SPLITTER
        self.node_slots[broadcasts] = broadcast_slots
        self.rows[self.first_output :] = output_rows
        self.kinds[self.first_output :] = OUTPUT

        degrees = np.zeros(count, np.int64)
        first_traced = np.zeros(len(traced) + 1, np.int64)
        np.cumsum(traced, out=first_traced[1:])
        first_traced = first_traced[recording.starts]
        degrees[self.node_of_row] = np.diff(first_traced)
        degrees[self.splitter_of_row[split]] = 1
        degrees[broadcasts] = 1
        degrees[self.first_output :] = output_rows >= 0
        self.first_in = np.zeros(count + 1, np.int64)
        np.cumsum(degrees, out=self.first_in[1:])

        edges = int(self.first_in[-1])
        self.src = np.empty(edges, np.int64)
        self.dst = np.repeat(np.arange(count), degrees)
        self.port = np.zeros(edges, np.int32)
        self.slots = np.full(edges, NO_SLOT, np.int64)
        into_functions = (
            np.arange(len(slots)) + (self.first_in[self.node_of_row] - first_traced[:-1])[consumers]
        )
        self.src[into_functions] = outlet[producers]
        self.port[into_functions] = slots - recording.starts[consumers]
        self.slots[into_functions] = slots
        self.src[self.first_in[self.splitter_of_row[split]]] = self.node_of_row[split]
        into_broadcasts = self.first_in[broadcasts]
        self.src[into_broadcasts] = outlet[recording.operands[broadcast_slots]]
        self.slots[into_broadcasts] = broadcast_slots
        self.src[into_functions[np.searchsorted(slots, broadcast_slots)]] = broadcasts
        seen = output_rows >= 0
        self.src[self.first_in[self.first_output :][:-1][seen]] = outlet[output_rows[seen]]
        self.edge_of_slot = np.full(
            len(recording.operands), -1, np.int64
        )  # the edge into the function node
        self.edge_of_slot[slots] = into_functions

    @property
    def ops(self) -> np.ndarray[Any, np.dtype[np.int16]]:
        """By node: number in OP_NAMES of the row it stands for."""
        ops: np.ndarray[Any, np.dtype[np.int16]] = self.recording.ops[self.rows]
        return ops

    @cached_property
    def _out_edges(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        first = np.zeros(len(self.kinds) + 1, np.int64)
        np.cumsum(np.bincount(self.src, minlength=len(self.kinds)), out=first[1:])
        return first, np.argsort(self.src, kind="stable")

    def out_edges(self, node: int) -> list[int]:
        """Return the edges that leave a node, in the order of their use."""
        first, edges = self._out_edges
        found: list[int] = edges[first[node] : first[node + 1]].tolist()
        return found


def broadcast_targets(recording: Recording) -> dict[int, tuple[int, ...]]:
    """Return, by slot, the shape to which an operand is broadcast before its operation.

    Rules never see broadcasting: where NumPy stretches an operand, a node of its own does it in the graph.
    """
    targets: dict[int, tuple[int, ...]] = {}
    values, operands, starts = recording.values.others, recording.operands, recording.starts
    candidates = [
        row
        for row, value in values.items()
        if isinstance(value, np.ndarray) and _IS_ARRAY_RULE[recording.ops[row]]
    ]
    for row in sorted(candidates):
        shape = values[row].shape
        slots = range(starts[row], starts[row + 1])
        is_matmul = OP_NAMES[recording.ops[row]] == "matmul"
        if is_matmul:
            ranks = [np.ndim(operand_value(recording, slot)) for slot in slots]
            if ranks[1] < 3 or ranks[0] < 2:  # noqa: PLR2004  (one matrix for a whole batch: the rule does it)
                continue
        for slot in slots:
            if operands[slot] < 0:
                continue
            own = np.shape(operand_value(recording, slot))
            wanted = (*shape[:-2], *own[-2:]) if is_matmul else shape
            if own != wanted:
                targets[slot] = wanted
    return targets


def operand_value(recording: Recording, slot: int) -> Any:
    """Return the value of an operand: what its row gave, or the constant."""
    operand = recording.operands[slot]
    return recording.values[operand] if operand >= 0 else recording.constants[-1 - operand]
