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

from tracer.array_shapes import shapes_of
from tracer.operations import IS_ELEMENTWISE, OP_NUMBERS
from tracer.outlines import outline_of
from tracer.recording import INDEX, Indices, operand_of

if TYPE_CHECKING:
    from tracer.recording import Recording

KINDS = ("input", "function", "splitter", "output", "cut")
INPUT, FUNCTION, SPLITTER, OUTPUT, CUT = range(len(KINDS))
NO_SLOT = -1
_FEW = 48  # rows
_KIND_OF = {OP_NUMBERS["input"]: INPUT, OP_NUMBERS["cut"]: CUT}
_MATMUL = OP_NUMBERS["matmul"]
_MATRIX = 2  # axes; more are a batch
# What is the same for all recordings of one outline
_CONNECTING = (
    "first_in", "first_output", "is_split", "kinds", "node_of_row", "node_slots", "rows", "slot_consumer", "slots",
    "src", "targets",
)  # fmt: skip


class Graph:
    """The frozen forward graph of a recording, as columns.

    `slot` numbers an operand in `recording.operands`. Nodes: `kinds`, `rows` (the row a node stands for; of an
    output node: the row of its value, -1 where that was never traced), `node_slots` (of a broadcast: its slot),
    `first_in` (in-edges of node n are `first_in[n]:first_in[n + 1]`). Edges: `src`, `slots` (the operand that the
    edge brings to a function node or a broadcast, else -1); `dst` follows from those. Millions of edges are held, so
    what can be derived is.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.array_rows, self.wide_rows, self.has_differences, *_ = recording.values.arrays()
        self.shape_of_row, self._shapes, self.other_types, self.most_bytes = shapes_of(recording)
        self.output_rows = np.array([output.row for output in recording.outputs], INDEX)
        self.outline = outline_of(self)
        vars(self).update(self.outline.get("graph", self._connected))

    def _connected(self) -> dict[str, Any]:
        """Give numbers to nodes and edges; return the columns that say how they are connected."""
        recording = self.recording
        rows, operands, starts = len(recording), recording.operands, recording.starts
        self.slot_consumer = np.arange(rows, dtype=INDEX).repeat(starts[1:] - starts[:-1])
        self.targets = self._broadcast_targets()
        uses = np.bincount(operands[operands >= 0], minlength=rows)
        for output in recording.outputs:
            if output.row >= 0:
                uses[output.row] += 1
        self.is_split = has_splitter = uses > 1  # by row
        if rows <= _FEW:
            self._connect_few()
        else:
            split = has_splitter.nonzero()[0]
            self._place_nodes(has_splitter, split)
            self._draw_edges(has_splitter, split)
        columns = {name: getattr(self, name) for name in _CONNECTING}
        for column in columns.values():
            if isinstance(column, np.ndarray):
                column.setflags(write=False)  # it may be that of other graphs, too
        return columns

    def _connect_few(self) -> None:
        """Give numbers to nodes and edges one by one: of few, that takes less than the steps over whole columns."""
        recording, targets = self.recording, self.targets
        starts, operands = recording.starts.tolist(), recording.operands.tolist()
        nodes: list[tuple[int, int, int]] = []  # kind, row, slot
        edges: list[tuple[int, int]] = []  # source, slot
        first_in, node_of_row, outlets = [0], list[int](), list[int]()

        def add(kind: int, row: int, slot: int, in_edges: list[tuple[int, int]]) -> int:
            nodes.append((kind, row, slot))
            edges.extend(in_edges)
            first_in.append(len(edges))
            return len(nodes) - 1

        for row, (op, is_split) in enumerate(
            zip(recording.ops.tolist(), self.is_split.tolist(), strict=True)
        ):
            into_row = []
            for slot in range(starts[row], starts[row + 1]):
                if operands[slot] < 0:
                    continue
                source = outlets[operands[slot]]
                if slot in targets:
                    source = add(SPLITTER, operands[slot], slot, [(source, slot)])
                into_row.append((source, slot))
            node = add(_KIND_OF.get(op, FUNCTION), row, NO_SLOT, into_row)
            node_of_row.append(node)
            outlets.append(add(SPLITTER, row, NO_SLOT, [(node, NO_SLOT)]) if is_split else node)
        self.first_output = len(nodes)
        for row in self.output_rows.tolist():
            add(OUTPUT, row, NO_SLOT, [(outlets[row], NO_SLOT)] if row >= 0 else [])
        kinds, rows, node_slots = zip(*nodes, strict=True) if nodes else ((), (), ())
        self.kinds, self.rows = np.array(kinds, np.int8), np.array(rows, INDEX)
        self.node_slots, self.node_of_row = np.array(node_slots, INDEX), np.array(node_of_row, INDEX)
        self.first_in = np.array(first_in, INDEX)
        self.src = np.array([source for source, _ in edges], INDEX)
        self.slots = np.array([slot for _, slot in edges], INDEX)

    def _place_nodes(self, has_splitter: np.ndarray[Any, Any], split: np.ndarray[Any, Any]) -> None:
        """Give numbers to the nodes: the rows, and what stands around them."""
        recording, rows = self.recording, len(self.recording)
        slots = np.array(sorted(self.targets), INDEX)
        consumers = self.slot_consumer[slots]
        before = np.bincount(consumers, minlength=rows) if len(slots) else 0  # by row: its broadcasts
        first = np.zeros(rows + 1, INDEX)
        (has_splitter + INDEX(1) + before).cumsum(dtype=INDEX, out=first[1:])
        self.first_output = int(first[-1])
        self.node_of_row = first[:-1] + before
        count = self.first_output + len(self.output_rows)

        self.rows = np.empty(count, INDEX)
        self.kinds = np.empty(count, np.int8)
        self.node_slots = np.empty(count, INDEX)
        self.rows[self.node_of_row] = np.arange(rows, dtype=INDEX)
        self.kinds.fill(FUNCTION)
        self.node_slots.fill(NO_SLOT)
        self.kinds[self.node_of_row[recording.ops == OP_NUMBERS["input"]]] = INPUT
        self.kinds[self.node_of_row[recording.ops == OP_NUMBERS["cut"]]] = CUT
        splitters = self.node_of_row[split] + 1
        self.rows[splitters] = split
        self.kinds[splitters] = SPLITTER
        if len(slots):
            # A row's broadcasts stand before it in the order of its operands.
            turns = np.arange(len(slots)) - np.searchsorted(consumers, consumers)
            self._broadcasts = first[consumers] + turns
            self.rows[self._broadcasts] = recording.operands[slots]
            self.kinds[self._broadcasts] = SPLITTER
            self.node_slots[self._broadcasts] = slots
        self.rows[self.first_output :] = self.output_rows
        self.kinds[self.first_output :] = OUTPUT

    def _draw_edges(self, has_splitter: np.ndarray[Any, Any], split: np.ndarray[Any, Any]) -> None:
        """Give numbers to the edges, by the node they lead to, and connect them."""
        recording, count = self.recording, len(self.kinds)
        is_traced = recording.operands >= 0
        slots = is_traced.nonzero()[0].astype(INDEX)
        traced_before = np.zeros(len(is_traced) + 1, INDEX)  # by slot: how many slots before it are traced
        is_traced.cumsum(dtype=INDEX, out=traced_before[1:])
        first_traced = traced_before[recording.starts]
        traced_in_row = first_traced[1:] - first_traced[:-1]
        outlet = self.node_of_row + has_splitter  # the node from which the uses of a row's value leave
        splitters = self.node_of_row[split] + 1
        is_output_traced = self.output_rows >= 0
        degrees = np.zeros(count, INDEX)
        degrees[self.node_of_row] = traced_in_row
        degrees[splitters] = 1
        if self.targets:
            degrees[self._broadcasts] = 1
        degrees[self.first_output :] = is_output_traced
        self.first_in = np.zeros(count + 1, INDEX)
        degrees.cumsum(dtype=INDEX, out=self.first_in[1:])

        edges = int(self.first_in[-1])
        self.src = np.empty(edges, INDEX)
        self.slots = np.empty(edges, INDEX)
        self.slots.fill(NO_SLOT)
        # By row: the way from a count of traced slots to an edge.
        shift = self.first_in[self.node_of_row] - first_traced[:-1]
        into_rows = shift.repeat(traced_in_row)
        into_rows += np.arange(len(slots), dtype=INDEX)
        self.src[into_rows] = outlet[recording.operands[slots]]
        self.slots[into_rows] = slots
        self.src[self.first_in[splitters]] = splitters - 1
        if self.targets:
            into_broadcasts = self.first_in[self._broadcasts]
            broadcast_slots = self.node_slots[self._broadcasts]
            self.src[into_broadcasts] = outlet[recording.operands[broadcast_slots]]
            self.slots[into_broadcasts] = broadcast_slots
            self.src[into_rows[traced_before[broadcast_slots]]] = self._broadcasts
        into_outputs = self.first_in[self.first_output :][:-1][is_output_traced]
        self.src[into_outputs] = outlet[self.output_rows[is_output_traced]]

    def number_of_shape(self, shape: tuple[int, ...]) -> int:
        """Return the number of a shape: 0 for that of a number, and equal ones for equal shapes."""
        return self._shapes[shape]

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """All shapes, by number."""
        return list(self._shapes)

    def _broadcast_targets(self) -> dict[int, tuple[int, ...]]:
        """Return, by slot, the shape to which an operand is broadcast before its operation.

        Rules never see broadcasting: where NumPy stretches an operand, a node of its own does it in the graph.
        """
        recording, shapes, shape_of_row, consumers = (
            self.recording,
            self.shapes,
            self.shape_of_row,
            self.slot_consumer,
        )
        if not len(shape_of_row):
            return {}
        operands = recording.operands
        is_batch = np.array([len(shape) > _MATRIX for shape in shapes], np.bool_)
        ops, consumer_shapes = recording.ops[consumers], shape_of_row[consumers]
        is_stretching = IS_ELEMENTWISE[ops] | (ops == _MATMUL) & is_batch[consumer_shapes]
        differs = (operands >= 0) & (consumer_shapes > 0) & is_stretching
        differs[differs] = shape_of_row[operands[differs]] != consumer_shapes[differs]
        targets: dict[int, tuple[int, ...]] = {}
        slots = differs.nonzero()[0]
        columns = (slots, consumers[slots], shape_of_row[operands[slots]], consumer_shapes[slots])
        for slot, consumer, own_number, number in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            own, shape = shapes[own_number], shapes[number]
            if recording.ops[consumer] == _MATMUL:
                first = int(recording.starts[consumer])
                left, right = (np.ndim(operand_value(recording, each)) for each in (first, first + 1))
                if right <= _MATRIX or left < _MATRIX or own == (*shape[:-2], *own[-2:]):
                    continue  # vectors, and one matrix for a whole batch: the rule does that
                shape = (*shape[:-2], *own[-2:])
            targets[slot] = shape
        return targets

    @property
    def dst(self) -> Indices:
        """By edge: the node it leads to."""
        return np.arange(len(self.kinds), dtype=INDEX).repeat(self.first_in[1:] - self.first_in[:-1])

    def dst_of(self, edge: int) -> int:
        """Return the node that one edge leads to."""
        # In the column's own type: else the whole column would be converted for every edge.
        return int(self.first_in.searchsorted(INDEX(edge), side="right")) - 1

    def heads(self, edges: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return the nodes that edges lead to."""
        return self.first_in.searchsorted(edges.astype(INDEX), side="right") - 1

    def acting_rows(self, nodes: np.ndarray[Any, Any] | slice = slice(None)) -> Indices:
        """Return the row that each of some nodes is a part of: of a broadcast, that of the operation that wants it."""
        rows, slots = self.rows[nodes].copy(), self.node_slots[nodes]
        is_broadcast = slots >= 0
        rows[is_broadcast] = self.slot_consumer[slots[is_broadcast]]
        return rows

    def edge_of(self, row: int, slot: int) -> int:
        """Return the edge that brings a traced operand to its row."""
        traced_before = np.count_nonzero(self.recording.operands[self.recording.starts[row] : slot] >= 0)
        return int(self.first_in[self.node_of_row[row]]) + int(traced_before)

    @property
    def ops(self) -> np.ndarray[Any, np.dtype[np.int16]]:
        """By node: number in OP_NAMES of the row it stands for."""
        return np.take(self.recording.ops, self.rows)

    @cached_property
    def edges_by_source(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """All edges by the node that they leave, in the order of their use, and by node where its edges begin."""
        first = np.zeros(len(self.kinds) + 1, INDEX)
        np.cumsum(np.bincount(self.src, minlength=len(self.kinds)), dtype=INDEX, out=first[1:])
        return first, np.argsort(self.src, kind="stable")

    def out_edges(self, node: int) -> list[int]:
        """Return the edges that leave a node, in the order of their use."""
        first, edges = self.edges_by_source
        found: list[int] = edges[first[node] : first[node + 1]].tolist()
        return found

    def is_copy(self, nodes: Any = slice(None)) -> Any:
        """Tell, of one node or of several, whether it is the splitter of a value with several uses: no broadcast."""
        return (self.kinds[nodes] == SPLITTER) & (self.node_slots[nodes] == NO_SLOT)

    def uses(self, node: int) -> list[int]:
        """Return the edges by which the value of a node was used: its one out-edge, or those of its splitter."""
        edges = self.out_edges(node)
        user = self.dst_of(edges[0]) if len(edges) == 1 else node
        return self.out_edges(user) if user != node and self.is_copy(user) else edges


def operand_value(recording: Recording, slot: int) -> Any:
    """Return the value of an operand: what its row gave, or the constant."""
    return operand_of(recording, int(recording.operands[slot]))
