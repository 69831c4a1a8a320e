"""Node and Edge: views of one row of a trace's columns, made when somebody looks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from tracer.graph import CUT, FUNCTION, KINDS, NO_SLOT, OUTPUT, SPLITTER, operand_value
from tracer.operations import OP_NAMES, RULE_OF
from tracer.own_references import refuse_written
from tracer.pull import as_number, elementwise_local
from tracer.rooms import handed_out
from tracer.rules.elementwise import POWERS
from tracer.rules.kinds import Compressed, Elementwise, Many, Rule, is_complex, rule_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.sites import Scope
    from tracer.source import Site
    from tracer.statistics import Statistics
    from tracer.trace import Trace


class _View:
    """One row of the columns of a trace; equal to another view of the same row."""

    __slots__ = ("index", "trace")

    def __init__(self, trace: Trace, index: int) -> None:
        self.trace = trace
        self.index = index

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.trace is self.trace and other.index == self.index

    def __hash__(self) -> int:
        return hash((type(self), self.index))


class Node(_View):
    """A node of the graph: an input, a function node, a splitter, an output, or a cut."""

    __slots__ = ("_kind", "row")
    _kind: int
    row: int
    """The recorded row that this node stands for; -1 for an output that was never traced."""

    def __init__(self, trace: Trace, index: int) -> None:
        self.trace = trace
        self.index = index
        graph = trace.graph
        self._kind = int(graph.kinds[index])
        self.row = int(graph.rows[index])

    @property
    def kind(self) -> str:
        """'input', 'function', 'splitter', 'output' or 'cut'."""
        return KINDS[self._kind]

    @property
    def _slot(self) -> int:
        return int(self.trace.graph.node_slots[self.index])

    @property
    def op(self) -> str:
        """The name of the rule; 'copy' or 'broadcast' for splitters; else the kind."""
        if self._kind == SPLITTER:
            return "copy" if self._slot == NO_SLOT else "broadcast"
        return OP_NAMES[self.trace.recording.ops[self.row]] if self._kind == FUNCTION else self.kind

    @property
    def rule(self) -> Rule | None:
        """The derivative rule of a function node, for its kind of operands; None for every other node."""
        rule = RULE_OF[self.trace.recording.ops[self.row]] if self._kind == FUNCTION else None
        return rule_for(rule, *self._numbers) if rule and rule.of_complex else rule

    @property
    def symbol(self) -> str:
        """What a gate shows: the rule's symbol, or the name of the operation without its kind of operand."""
        rule = self.rule
        return (rule.symbol if rule else "") or self.op.removesuffix("_scalars")

    @property
    def name(self) -> str | None:
        """The variable that the value was assigned to; the path of an input or output; None without one."""
        kind = self._kind
        if kind == OUTPUT:
            return self.trace.recording.outputs[self.index - self.trace.graph.first_output].path
        if self.row in self.trace.input_rows:
            return self.trace.input_rows[self.row]
        return None if kind == CUT else self.trace.sites.name(self.row)[0] or None

    @property
    def label(self) -> str:
        """What the trace finds the value by: the name, with its count (`h[3]`) where it was assigned several times.

        With its function (`helper.h[3]`) where the name alone is that of another variable.
        """
        if self._kind in (OUTPUT, CUT) or self.row in self.trace.input_rows:
            return self.name or ""
        return self.trace.sites.name(self.row)[1]

    @property
    def names(self) -> tuple[str, ...]:
        """All names of the value, with their counts, the label first: what a helper and what its caller called it."""
        if not self.label or self._kind == OUTPUT:
            return (self.label,) if self.label else ()
        return tuple(dict.fromkeys((self.label, *(label for _, label in self.trace.sites.names(self.row)))))

    @property
    def value(self) -> Any:
        """The value that leaves this node: a number, or an array that can't be written to: the way back reads it.

        Raises UnsupportedError where it is what `Trace.result` raises that of.
        """
        if self._kind == OUTPUT:
            value = self.trace.recording.outputs[self.index - self.trace.graph.first_output].value
            refuse_written(value)
            return handed_out(value)
        value = self.trace.recording.values[self.row]
        return (
            handed_out(value)
            if self._slot == NO_SLOT
            else np.broadcast_to(value, self.trace.graph.targets[self._slot])
        )

    @property
    def grad(self) -> Any:
        """The gradient of the seeded output with respect to this value; None at a cut, and zeros where it is zero.

        An array must not be written to: others share it.
        """
        gradients = self.trace.gradients
        if self._kind == CUT:
            return None
        if self._kind == OUTPUT:
            return handed_out(self.trace.seed_value) if self == self.trace.output else zero_like(self.value)
        value = self.trace.recording.values[self.row]
        if self._slot != NO_SLOT:
            is_reached = gradients.reached[self.trace.graph.slot_consumer[self._slot]]
            return handed_out(gradients.narrow(self._slot)) if is_reached else zero_like(value)
        return handed_out(gradients.row(self.row)) if gradients.reached[self.row] else zero_like(value)

    @property
    def site(self) -> Site | None:
        """Where in the source the value was made; None for inputs."""
        kind = self._kind
        if kind == OUTPUT or self.row in self.trace.input_rows or self.row < 0:
            return None
        return self.trace.sites.place(self.row).site

    @property
    def scope(self) -> Scope:
        """The call in which the value was made."""
        sites = self.trace.sites
        return sites.scopes[sites.row_scopes[self.row] if self.row >= 0 and self._kind != OUTPUT else 0]

    @property
    def in_edges(self) -> list[Edge]:
        """The edges that lead here, by port."""
        first = self.trace.graph.first_in
        return [Edge(self.trace, edge) for edge in range(first[self.index], first[self.index + 1])]

    @property
    def out_edges(self) -> list[Edge]:
        """The edges that leave here: at most one, but for splitters."""
        return [Edge(self.trace, edge) for edge in self.trace.graph.out_edges(self.index)]

    @property
    def uses(self) -> list[Edge]:
        """The edges by which the value was used: its one out-edge, or those of its splitter."""
        return [Edge(self.trace, edge) for edge in self.trace.graph.uses(self.index)]

    @property
    def operands(self) -> tuple[Any, ...]:
        """The operands in order: an Edge where the operand is traced, else the constant itself."""
        if self._kind != FUNCTION:
            return tuple(self.in_edges)
        graph, recording = self.trace.graph, self.trace.recording
        return tuple(
            Edge(self.trace, graph.edge_of(self.row, slot))
            if recording.operands[slot] >= 0
            else handed_out(operand_value(recording, slot))
            for slot in range(recording.starts[self.row], recording.starts[self.row + 1])
        )

    @property
    def params(self) -> dict[str, Any]:
        """What a function node's rule is told besides its operands: an index, an axis; must not be written to."""
        return self.trace.recording.params.get(self.row, {}) if self._kind == FUNCTION else {}

    @property
    def _numbers(self) -> tuple[tuple[Any, ...], Any]:
        """The values of the operands, and the result."""
        recording = self.trace.recording
        slots = range(recording.starts[self.row], recording.starts[self.row + 1])
        return tuple(operand_value(recording, slot) for slot in slots), recording.values[self.row]

    @property
    def kink(self) -> str:
        """The convention chosen where the derivative is one here (`abs'(0) = 0`), else the empty string."""
        rule = self.rule
        if rule is None or not rule.choice:
            return ""
        operands, out = self._numbers
        if isinstance(rule, Elementwise):
            if self.op in POWERS and not isinstance(self.operands[1], Edge):
                operands = (operands[0], np.where(np.equal(operands[1], 0), 1, operands[1]))  # x**0 is flat
            chosen = rule.flat or (rule.at_kink is not None and np.any(rule.at_kink(*operands, out)))
        elif isinstance(rule, Many):
            chosen = rule.at_kink is not None and rule.at_kink(operands, out)
        else:
            params = self.trace.recording.params.get(self.row, {})
            chosen = rule.at_kink is not None and rule.at_kink(
                out, tuple(map(np.asarray, operands)), params
            )
        return rule.choice if chosen else ""

    def __repr__(self) -> str:
        from tracer.shown import node_text  # noqa: PLC0415  (not needed to trace)

        return node_text(self)


class Edge(_View):
    """One use of one value: exactly one producer and one consumer."""

    __slots__ = ("_head", "_user")
    _head: int
    _user: Node

    @property
    def _dst(self) -> int:
        """The number of the node that uses the value, which is searched for once: all else asks for it."""
        try:
            return self._head
        except AttributeError:
            self._head = self.trace.graph.dst_of(self.index)
            return self._head

    @property
    def src(self) -> Node:
        """The node that the value comes from."""
        return Node(self.trace, int(self.trace.graph.src[self.index]))

    @property
    def dst(self) -> Node:
        """The node that uses the value."""
        try:
            return self._user
        except AttributeError:
            self._user = Node(self.trace, self._dst)
            return self._user

    @property
    def port(self) -> int:
        """The position of the operand at `dst`, counting constants."""
        node = self.dst
        return self._slot - int(self.trace.recording.starts[node.row]) if node.kind == "function" else 0

    @property
    def _slot(self) -> int:
        return int(self.trace.graph.slots[self.index])

    @property
    def value(self) -> Any:
        """The value that the edge carries forward."""
        return self.src.value

    @property
    def upstream(self) -> Any:
        """The gradient that arrives at the output of `dst`."""
        return self.dst.grad

    @property
    def local(self) -> Any:
        """The local partial of `dst` by this operand: a number or an array; None where the rule is a vjp."""
        node = self.dst
        if node.kind != "function":
            return None if node.op in ("broadcast", "cut") or isinstance(node.value, np.ndarray) else 1.0
        value = self.trace.gradients.locals[self._slot]
        if not np.isnan(value):
            return float(value)
        rule, (operands, out) = node.rule, node._numbers  # noqa: SLF001  (a view of the same row)
        with np.errstate(all="ignore"):
            if isinstance(rule, Many):
                local = rule.partial(self.port, operands, out)
            elif isinstance(rule, Elementwise):
                local = elementwise_local(rule, self.port, operands, out)
            else:
                return None
        return (
            np.broadcast_to(local, np.shape(out))
            if isinstance(out, np.ndarray)
            else as_number(local, local)
        )

    @property
    def formula(self) -> str | None:
        """The text of the local partial (`cos(x)`), which is also what was computed; None where there is none."""
        rule = self.dst.rule
        if isinstance(rule, Many):
            return rule.text
        return rule.formula(self.port) if isinstance(rule, Elementwise) else None

    @property
    def grad(self) -> Any:
        """The gradient on this edge; zeros where the seeded output does not depend on this use."""
        graph, gradients = self.trace.graph, self.trace.gradients
        node = self._dst
        kind, row = graph.kinds[node], int(graph.rows[node])
        if kind in (SPLITTER, OUTPUT):
            return self.dst.grad
        if kind == CUT or not gradients.reached[row]:
            return zero_like(self.value)
        found = gradients.slot(self._slot)
        return handed_out(found.dense() if isinstance(found, Compressed) else found)

    @property
    def stats(self) -> Statistics:
        """How large the gradient is: its norm, min, max and mean, and how many elements are not finite."""
        return self.trace.edge_statistics[self.index]

    @property
    def step(self) -> int | None:
        """When the edge fired in the backward pass, counting from 0; None where it never did: its gradient is zero."""
        step = int(self.trace.steps[self.index])
        return step if step >= 0 else None

    def __repr__(self) -> str:
        from tracer.shown import edge_text  # noqa: PLC0415  (as above)

        return edge_text(self)


class Views(Sequence[Any]):
    """All nodes or all edges, made one by one."""

    def __init__(self, what: str, make: Callable[[int], Any], count: int) -> None:
        self._what = what
        self._make = make
        self._count = count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        chosen = range(self._count)[index]
        return [self._make(each) for each in chosen] if isinstance(chosen, range) else self._make(chosen)

    def __repr__(self) -> str:
        from tracer.shown import list_text  # noqa: PLC0415  (as above)

        return list_text(self._what, self)


def zero_like(value: Any) -> Any:
    """Return the gradient that says "zero": in the shape of its value."""
    if isinstance(value, np.ndarray):
        return np.zeros_like(value)
    return 0j if is_complex(value) else 0.0
