"""Why the first value and the first gradient of two runs differ, as data and one sentence each. Used by diff.py."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tracer.diagnose.alignment import UNMATCHED, one_line
from tracer.diagnose.comparison import Change, Items, Tolerance
from tracer.diagnose.divergence import COPY, Backward, Forward
from tracer.numbers_text import clean, index, is_array, norm, number, shorten, summary
from tracer.operations import OP_NAMES
from tracer.recording import operand_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracer.trace import Trace
    from tracer.views import Edge, Node

_LONGEST_CODE = 60
_SHOWN_USES = 3

Kind = Literal[
    "input", "constant", "option", "operand", "arithmetic", "seed", "output", "uses", "local", "upstream"
]


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation and its place; an input has no line."""

    op: str
    variable: str
    code: str
    file: str
    line: int
    function: str

    def __str__(self) -> str:
        code = shorten(self.code, _LONGEST_CODE)
        if not self.line:
            return f"{self.op} {self.variable}".rstrip()
        named = f"{self.variable} = {code}" if self.variable else code or self.op
        return f"{named} ({self.file}:{self.line})"


@dataclass(frozen=True, slots=True)
class Cause:
    """The first difference in one direction, and what it comes from."""

    kind: Kind
    """Of a value: 'input', 'constant', 'option', 'operand' (another operation before it) or 'arithmetic' (the same
    operands gave another value). Of a gradient: 'seed', 'output', 'uses' (a splitter gained or lost some), 'local' or
    'upstream'."""
    operation: Operation
    """In the second trace."""
    old_line: int
    change: Change
    message: str
    follow: int
    """How many other values, or gradients of edges, differ."""
    a: int
    b: int
    """The node, or the edge where the kind is 'local' or 'upstream', by number in each trace."""


def operation(trace: Trace, row: int) -> Operation:
    """Say what made a row, and where."""
    variable = clean(trace.input_rows.get(row) or trace.sites.name(row)[1])
    op = OP_NAMES[trace.recording.ops[row]]
    site = trace.sites.place(row).site
    return Operation(
        op, variable, clean(one_line(site.text)), PurePath(site.file).name, site.line, site.function
    )


def written(change: Change) -> str:
    """Write what became of a number, or of the element of an array that differs most."""
    at = f" at {index(change.place)}" if change.place else ""
    old, new = (summary(each) if is_array(each) else number(each) for each in (change.old, change.new))
    digits = 4
    while old == new and digits < 17 and not is_array(change.old) and not is_array(change.new):
        digits += 1
        old, new = number(change.old, digits), number(change.new, digits)
    return f"{old} → {new}{at}"


def first_value(forward: Forward) -> Cause | None:
    """Return the first value that differs in the order of the run, and why; None where none does."""
    row = forward.first
    if row is None:
        return None
    a, b = forward.a, forward.b
    other = int(forward.alignment.to_b[row])
    kind, message = _why_value(forward, row, other)
    return Cause(
        kind,
        operation(b, other),
        operation(a, row).line,
        forward.change(row),
        message,
        int(np.count_nonzero(forward.differs)) - 1,
        int(a.graph.node_of_row[row]),
        int(b.graph.node_of_row[other]),
    )


def _why_value(forward: Forward, row: int, other: int) -> tuple[Kind, str]:
    a, b = forward.a, forward.b
    if row in a.input_rows:
        return "input", "another input"
    items = Items(forward.tolerance)
    old, new = _operands(a, row), _operands(b, other)
    if len(old) != len(new):
        return (
            "operand",
            f"it has {_counted(len(old), 'operand')} in the first trace, {len(new)} in the second",
        )
    for left, right in zip(old, new, strict=True):
        if left < 0 and right < 0:
            change = items.change(
                *(operand_of(*each) for each in ((a.recording, left), (b.recording, right)))
            )
            if change is not None:
                return "constant", f"its constant changed: {written(change)}"
        elif min(left, right) < 0 or forward.alignment.to_b[left] != right:
            return "operand", f"it is computed from {_operand(b, right)}, not from {_operand(a, left)}"
    if _params(a, row) != _params(b, other):
        return "option", "it is called with other options, or takes other elements"
    exact = Items(Tolerance(rtol=0.0))
    for left, right in zip(old, new, strict=True):
        if left >= 0:
            change = exact.change(
                *(operand_of(*each) for each in ((a.recording, left), (b.recording, right)))
            )
            if change is not None:
                return (
                    "arithmetic",
                    f"it enlarges a difference within tolerance: {_called(b, right)} {written(change)}",
                )
    types = [_type_name(trace.recording.values[each]) for trace, each in ((a, row), (b, other))]
    if types[0] != types[1]:
        return "arithmetic", f"the same operands gave a {types[0]} and give a {types[1]}"
    return "arithmetic", "the same operands give another value: another machine, or version of NumPy"


def _operands(trace: Trace, row: int) -> list[int]:
    recording = trace.recording
    found: list[int] = recording.operands[recording.starts[row] : recording.starts[row + 1]].tolist()
    return found


def _params(trace: Trace, row: int) -> str:
    """Return the options of an operation as a text, to compare."""
    return repr(sorted(trace.recording.params.get(row, {}).items(), key=lambda item: item[0]))


def _type_name(value: Any) -> str:
    dtype = getattr(value, "dtype", None)
    return str(dtype) if dtype is not None else type(value).__name__


def _operand(trace: Trace, producer: int) -> str:
    if producer < 0:
        value = operand_of(trace.recording, producer)
        return f"the constant {norm(value) if isinstance(value, (float, int, np.ndarray)) else type(value).__name__}"
    return str(operation(trace, producer))


def first_gradient(backward: Backward) -> Cause | None:
    """Return the first gradient that differs in backward order, and why; None where none does."""
    forward = backward.forward
    a, b = forward.a, forward.b
    follow = int(np.count_nonzero(backward.differs))
    start = _start(forward)
    if start is not None:
        kind, message, change = start
        places = _of_output(b), _of_output(a).line
        return Cause(kind, *places, change, message, follow, a.output.index, b.output.index)
    position, changed_row = backward.first
    if changed_row is None and position is None:
        return None
    row = int(backward.rows[position]) if changed_row is None else changed_row
    other = int(forward.alignment.to_b[row])
    places = operation(b, other), operation(a, row).line
    if changed_row is not None or position is None or backward.ports[position] == COPY:
        nodes = int(a.graph.node_of_row[row]), int(b.graph.node_of_row[other])
        message = _why_sum(backward, row, other)
        return Cause("uses", *places, backward.row_change(row), message, follow, *nodes)
    edges = a.edges[int(backward.edges_a[position])], b.edges[int(backward.edges_b[position])]
    kind, message = _why_edge(backward, position, *edges)
    change = backward.change(position)
    return Cause(kind, *places, change, message, follow - 1, edges[0].index, edges[1].index)


def _start(forward: Forward) -> tuple[Kind, str, Change] | None:
    """Say how the two backward passes start differently; None where they don't."""
    a, b = forward.a, forward.b
    row, other = a.output.row, b.output.row
    if min(row, other) < 0:
        return None
    partner = int(forward.alignment.to_b[row])
    change = Items(forward.tolerance).change(a.seed_value, b.seed_value)
    # Where one of the two is new, the other lost or gained a use.
    if UNMATCHED not in (partner, int(forward.alignment.to_a[other])) and partner != other:
        old, new = (_of_output(trace) for trace in (a, b))
        seeds = change or Change(a.seed_value, b.seed_value, 0.0)
        return "output", f"the gradients are those of another value: {old} → {new}", seeds
    if change is not None:
        return "seed", f"another seed: {written(change)}", change
    return None


def _of_output(trace: Trace) -> Operation:
    output = trace.output
    path = clean(output.name or "")
    found = operation(trace, output.row)
    if not path:
        return found
    variable = f"output {path}" + (f" = {found.variable}" if found.variable else "")
    return Operation(found.op, variable, found.code, found.file, found.line, found.function)


def _why_sum(backward: Backward, row: int, other: int) -> str:
    """Say which uses a value gained and lost."""
    forward = backward.forward
    a, b = forward.a, forward.b
    kept = forward.slots.a[forward.is_same_use], forward.slots.b[forward.is_same_use]
    lost, gained = (
        _uses_but(trace, value, slots) for trace, value, slots in ((a, row, kept[0]), (b, other, kept[1]))
    )
    counts = [
        len(trace.nodes[int(trace.graph.node_of_row[value])].uses)
        for trace, value in ((a, row), (b, other))
    ]
    is_output = a.output.row == row, b.output.row == other
    parts = [
        f"{verb} {', '.join(filter(None, (_listed(trace, slots), 'the output' if is_new_output else '')))}"
        for verb, trace, slots, is_new_output in (
            ("lost", a, lost, is_output == (True, False)),
            ("gained", b, gained, is_output == (False, True)),
        )
        if len(slots) or is_new_output
    ]
    if not parts:
        return "the sum over its uses differs, by differences of its terms that are within tolerance"
    uses = f" ({counts[0]:,} → {counts[1]:,})" if counts[0] != counts[1] else ""
    return f"its uses changed{uses}: it {' and '.join(parts)}"


def _slots_of(trace: Trace, row: int) -> np.ndarray[Any, Any]:
    return np.flatnonzero(trace.recording.operands == row)


def _uses_but(trace: Trace, row: int, kept: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    is_kept = np.zeros(len(trace.recording.operands), np.bool_)
    is_kept[kept] = True
    slots = _slots_of(trace, row)
    found: np.ndarray[Any, Any] = slots[~is_kept[slots]]
    return found


def _listed(trace: Trace, slots: np.ndarray[Any, Any]) -> str:
    """List uses, each with the gradient that it sent back."""
    rows = trace.graph.slot_consumer[slots].tolist()
    edges = (
        trace.edges[trace.graph.edge_of(row, slot)]
        for row, slot in zip(rows[:_SHOWN_USES], slots.tolist(), strict=False)
    )
    texts = [f"{operation(trace, row)}: {_grad(edge)}" for row, edge in zip(rows, edges, strict=False)]
    more = f" and {len(rows) - _SHOWN_USES:,} more" if len(rows) > _SHOWN_USES else ""
    return ", ".join(texts) + more


def _grad(edge: Edge) -> str:
    return norm(edge.grad) if edge.grad is not None else "no gradient"


def _why_edge(backward: Backward, position: int, old: Edge, new: Edge) -> tuple[Kind, str]:
    """Say whether the upstream gradient or the local partial of an edge changed, and the latter with what."""
    forward = backward.forward
    row = int(backward.rows[position])
    products = f"{_product(old)} → {_product(new)}"
    if _is_same(forward, old.upstream, new.upstream) and not backward.row_differs[row]:
        return (
            "local",
            f"its local partial changed, its upstream did not: {products}{_because(forward, row)}",
        )
    return "upstream", f"its upstream changed: {products}"


def _is_same(forward: Forward, old: Any, new: Any) -> bool:
    return Items(forward.tolerance).change(old, new) is None


def _product(edge: Edge) -> str:
    if edge.local is None:
        return f"{norm(edge.grad)} from {norm(edge.upstream)}"
    return f"{norm(edge.upstream)} × {norm(edge.local)} = {norm(edge.grad)}"


def _because(forward: Forward, row: int) -> str:
    """Name the operands, or the result, with which a local partial changed."""
    a, b = forward.a, forward.b
    other = int(forward.alignment.to_b[row])
    changed = [
        f"{_called(b, right)}: {written(forward.change(left))}"
        for left, right in zip(_operands(a, row), _operands(b, other), strict=False)
        if left >= 0 and forward.alignment.to_b[left] == right and forward.differs[left]
    ]
    if changed:
        return f"; with the value of {_joined(dict.fromkeys(changed))}"
    kind, message = _why_value(forward, row, other)
    return "" if kind == "arithmetic" else f"; {message}"


def _called(trace: Trace, row: int) -> str:
    node: Node = trace.nodes[int(trace.graph.node_of_row[row])]
    site = node.site
    return clean(node.label) or (clean(one_line(site.text)) if site is not None and site.text else node.op)


def _joined(texts: Iterable[str]) -> str:
    return " and ".join(texts)


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")
