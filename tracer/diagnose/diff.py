"""What differs between two traces, and where it begins: forward from the inputs, backward from the output.

alignment.py says which row is which, divergence.py which numbers differ; here it is told by site, as data, and the two
first differences with their causes. diff_text.py makes text of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tracer.diagnose.alignment import UNMATCHED, Alignment, align
from tracer.diagnose.cause import Cause, Operation, first_gradient, first_value, operation
from tracer.diagnose.comparison import ATOL, RTOL, Change, Tolerance
from tracer.diagnose.divergence import Backward, Forward
from tracer.diagnose.given import require_trace
from tracer.errors import EdgegradError, UsageError
from tracer.numbers_text import clean
from tracer.operations import OP_NUMBERS

if TYPE_CHECKING:
    from tracer.source import Site
    from tracer.trace import Trace

Column: TypeAlias = np.ndarray[Any, Any]

_LIKENESS = 0.1  # of the operations of the shorter trace: with less, programs of two names are two programs
_PORTS = 64  # operands of one place that are told apart
_ROUNDED = 3  # digits to which differences are put in order: what follows from one change is of one size


@dataclass(frozen=True, slots=True)
class Lone:
    """Operations of one place that one trace alone has."""

    operation: Operation
    count: int


@dataclass(frozen=True, slots=True)
class Group:
    """The values of one place, or the gradients of the edges into it, that differ: the largest change of them."""

    operation: Operation
    old_line: int
    """The line in the first trace."""
    port: int | None
    """The operand of the edges, from 0; -1 for the edges into the splitter of the place's values; None for values."""
    differing: int
    total: int
    born: int
    """Values that no changed operand explains."""
    change: Change
    a: int
    b: int
    """The node or edge with the largest change, by number in each trace."""


@dataclass(frozen=True, slots=True)
class InputChange:
    """An input whose value or gradient differs; None for what is the same."""

    name: str
    value: Change | None
    gradient: Change | None


@dataclass(frozen=True, slots=True)
class OutputChange:
    """A number or array in the result that differs; `name` is its path in it, empty where it is the whole."""

    name: str
    value: Change


@dataclass(frozen=True, slots=True)
class Diff:
    """What differs between two traces; `str` is the text of it."""

    same: bool = field(init=False)
    """Whether there is no difference beyond tolerance, and no operation that one trace alone has."""
    function_a: str
    function_b: str
    operations_a: int
    operations_b: int
    matched: int
    rtol: float | None
    """None: by type, 1e-9 for float64, 1e-4 for float32, 1e-2 for float16."""
    atol: float
    removed: tuple[Lone, ...]
    added: tuple[Lone, ...]
    first_value: Cause | None
    first_gradient: Cause | None
    values_compared: int
    values_differing: int
    edges_compared: int
    edges_differing: int
    inputs: tuple[InputChange, ...]
    outputs: tuple[OutputChange, ...]
    values: tuple[Group, ...]
    gradients: tuple[Group, ...]
    notes: tuple[str, ...]

    def __post_init__(self) -> None:
        differences = (
            self.removed, self.added, self.first_value, self.first_gradient, self.inputs, self.outputs, self.values,
            self.gradients,
        )  # fmt: skip
        object.__setattr__(self, "same", not any(differences))

    def __str__(self) -> str:
        from tracer.diagnose.diff_text import render  # noqa: PLC0415  (which reads what is here)

        return render(self)

    def __repr__(self) -> str:  # which a shell or a notebook shows
        return str(self)


def diff(a: Trace, b: Trace, *, rtol: float | None = None, atol: float = ATOL) -> Diff:
    """Compare two traces; see `tracer.diff`."""
    _check(a, b, rtol, atol)
    alignment = align(a, b)
    _refuse_strangers(a, b, alignment)
    tolerance = Tolerance(rtol, atol)
    forward = Forward(a, b, alignment, tolerance)
    notes = [
        f"{which} stopped with {trace.error}: compared as far as it came"
        for which, trace in (("the first run", a), ("the second run", b))
        if trace.error is not None
    ]
    backward = None
    reasons = {which: _no_gradient(trace) for which, trace in (("first", a), ("second", b))}
    if any(reasons.values()):
        which, reason = next((which, reason) for which, reason in reasons.items() if reason)
        notes.append(f"no gradients are compared, as the {which} trace has none: {reason}")
    else:
        backward = Backward(forward)
    compared = len(forward.rows_a)
    return Diff(
        function_a=a.function,
        function_b=b.function,
        operations_a=_operations(a),
        operations_b=_operations(b),
        matched=int(np.count_nonzero(a.recording.ops[forward.rows_a] != OP_NUMBERS["input"])),
        rtol=rtol,
        atol=atol,
        removed=_lone(a, alignment.to_b, b),
        added=_lone(b, alignment.to_a, a),
        first_value=first_value(forward),
        first_gradient=first_gradient(backward) if backward else None,
        values_compared=compared,
        values_differing=int(np.count_nonzero(forward.differs)),
        edges_compared=len(backward.rows) if backward else 0,
        edges_differing=int(np.count_nonzero(backward.differs)) if backward else 0,
        inputs=_inputs(forward, backward),
        outputs=_outputs(forward),
        values=_value_groups(forward),
        gradients=_gradient_groups(backward) if backward else (),
        notes=(*notes, *_types_note(forward), *_measured_note(forward)),
    )


def _check(a: Any, b: Any, rtol: Any, atol: Any) -> None:
    for each in (a, b):
        require_trace(each, "diff")
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if tolerance is not None and not (isinstance(tolerance, (int, float)) and 0 <= tolerance < np.inf):
            raise UsageError(
                f"{name} is no tolerance", got=f"got {tolerance!r}", advice="give a number of at least 0"
            )


def _refuse_strangers(a: Trace, b: Trace, alignment: Alignment) -> None:
    """Raise UsageError for traces of two programs."""
    least = min(_operations(a), _operations(b))
    shared = set(a.input_rows.values()) & set(b.input_rows.values())
    if alignment.alike > _LIKENESS * least or (a.function == b.function and (shared or not least)):
        return
    raise UsageError(
        "the two traces have nothing in common",
        got=f"got {a.function} with {_operations(a):,} operations and {b.function} with {_operations(b):,}, of which "
        + (f"{alignment.alike:,} are alike" if alignment.alike else "none is alike"),
        advice="compare two runs of one program, or of two versions of it",
    )


def _no_gradient(trace: Trace) -> str:
    """Say why a trace has no gradients; empty where it has."""
    try:
        trace.output  # noqa: B018  (reading it is the question)
        trace.seed_value  # noqa: B018
    except EdgegradError as error:
        return error.what
    return ""


def _operations(trace: Trace) -> int:
    return int(np.count_nonzero(trace.recording.ops != OP_NUMBERS["input"]))


def _measured_note(forward: Forward) -> tuple[str, ...]:
    count = forward.items.measured
    if not count:
        return ()
    what = "1 array was" if count == 1 else f"{count:,} arrays were"
    return (f"{what} not kept in full, and compared by norm, extremes and mean",)


def _types_note(forward: Forward) -> tuple[str, ...]:
    """Say where numbers are of another type, which is a difference that the tolerance takes for none."""
    other = np.flatnonzero(forward.types_a != forward.types_b)
    if not len(other):
        return ()
    row, types = other[0], tuple(RTOL)
    first = operation(forward.b, int(forward.rows_b[row]))
    change = f"{types[forward.types_a[row]]} → {types[forward.types_b[row]]}"
    count = f"{len(other):,} of {len(forward.rows_a):,} values"
    return (f"{count} are of another type, the first of them {first}: {change}",)


def _lone(trace: Trace, partners: Column, other: Trace) -> tuple[Lone, ...]:
    """Count the rows without a partner by place, in the order of the run, and the outputs that the other lacks."""
    paths = (
        {output.path for output in other.recording.outputs} if trace.error is other.error is None else None
    )
    outputs = tuple(
        Lone(Operation("output", clean(output.path), "", "", 0, ""), 1)
        for output in trace.recording.outputs
        if paths is not None and output.path not in paths
    )
    rows = np.flatnonzero(partners == UNMATCHED)
    if not len(rows):
        return outputs
    firsts, counts = _grouped(_places(trace, rows))
    order = np.argsort(firsts)
    found = (
        Lone(operation(trace, int(rows[firsts[group]])), int(counts[group])) for group in order.tolist()
    )
    return (*found, *outputs)


def _places(trace: Trace, rows: Column) -> Column:
    """Return a number for the site and operation of each row; inputs are places of their own."""
    ops = trace.recording.ops[rows].astype(np.int64)
    sites: dict[Site, int] = {}  # a loop's condition is compiled twice, and so has two places
    of_place = np.array(
        [0, *(sites.setdefault(place.site, len(sites) + 1) for place in trace.sites.places)]
    )
    places = of_place[trace.sites.row_places[rows] + 1]
    is_input = ops == OP_NUMBERS["input"]
    keys = places << 16 | ops
    keys[is_input] = -1 - rows[is_input]
    return keys


def _grouped(keys: Column) -> tuple[Column, Column]:
    _, firsts, counts = np.unique(keys, return_index=True, return_counts=True)
    return firsts, counts


def _inputs(forward: Forward, backward: Backward | None) -> tuple[InputChange, ...]:
    found = []
    for row, name in forward.a.input_rows.items():
        value = forward.change(row) if forward.differs[row] else None
        gradient = backward.row_change(row) if backward and backward.row_differs[row] else None
        if value or gradient:
            found.append(InputChange(name, value, gradient))
    return tuple(found)


def _outputs(forward: Forward) -> tuple[OutputChange, ...]:
    """Compare what the two runs returned, path by path."""
    a = forward.a.recording.outputs
    by_path = {output.path: output for output in forward.b.recording.outputs}
    pairs = [(output, by_path[output.path]) for output in a if output.path in by_path]
    found = []
    for old, new in pairs:
        is_float = type(old.value) is type(new.value) is float
        if old.value is new.value or (is_float and old.value == new.value):
            continue
        # What the same operation made was compared as its value, and with the rounding of its terms.
        if old.row >= 0 and forward.alignment.to_b[old.row] == new.row:
            change = forward.change(old.row) if forward.differs[old.row] else None
        else:
            change = forward.items.change(old.value, new.value)
        if change is not None:
            found.append(OutputChange(clean(old.path), change))
    return tuple(found)


def _value_groups(forward: Forward) -> tuple[Group, ...]:
    a = forward.a
    is_input = a.recording.ops[forward.rows_a] == OP_NUMBERS["input"]
    rows = forward.rows_a[~is_input & forward.differs[forward.rows_a]]
    if not len(rows):
        return ()
    keys = _places(a, rows)
    all_keys = _places(a, forward.rows_a)
    groups = []
    for worst, total, members in _worst_of(keys, all_keys, forward.sizes[rows]):
        row = int(rows[worst])
        other = int(forward.alignment.to_b[row])
        groups.append(
            Group(
                operation=operation(forward.b, other),
                old_line=operation(a, row).line,
                port=None,
                differing=len(members),
                total=total,
                born=int(np.count_nonzero(forward.born[rows[members]])),
                change=forward.change(row),
                a=int(a.graph.node_of_row[row]),
                b=int(forward.b.graph.node_of_row[other]),
            )
        )
    return tuple(groups)


def _gradient_groups(backward: Backward) -> tuple[Group, ...]:
    forward = backward.forward
    positions = np.flatnonzero(backward.differs)
    if not len(positions):
        return ()
    positions = positions[np.argsort(-backward.edges_a[positions], kind="stable")]  # as they fired
    keys = _edge_keys(backward, positions)
    all_keys = _edge_keys(backward, np.arange(len(backward.rows)))
    groups = []
    for worst, total, members in _worst_of(keys, all_keys, backward.sizes[positions]):
        position = int(positions[worst])
        row = int(backward.rows[position])
        groups.append(
            Group(
                operation=operation(forward.b, int(forward.alignment.to_b[row])),
                old_line=operation(forward.a, row).line,
                port=int(backward.ports[position]),
                differing=len(members),
                total=total,
                born=0,
                change=backward.change(position),
                a=int(backward.edges_a[position]),
                b=int(backward.edges_b[position]),
            )
        )
    return tuple(groups)


def _edge_keys(backward: Backward, positions: Column) -> Column:
    keys = _places(backward.forward.a, backward.rows[positions])
    ports: Column = np.minimum(backward.ports[positions] + 1, _PORTS - 1)
    return keys * _PORTS + ports


def _worst_of(keys: Column, all_keys: Column, differences: Column) -> list[tuple[int, int, Column]]:
    """Group positions by key, the largest difference first: the worst of each, the size of the whole, its members."""
    differences = np.round(differences, _ROUNDED)
    order = np.argsort(keys, kind="stable")
    distinct, starts = np.unique(keys[order], return_index=True)
    groups = np.minimum(np.searchsorted(distinct, all_keys), len(distinct) - 1)
    totals = np.bincount(groups[distinct[groups] == all_keys], minlength=len(distinct))
    found = []
    for members, total in zip(np.split(order, starts[1:]), totals.tolist(), strict=True):
        worst = int(members[np.argmax(differences[members])])
        found.append((float(differences[worst]), worst, total, members))
    found.sort(key=lambda group: (-group[0], int(group[3][0])))
    return [(worst, total, members) for _, worst, total, members in found]


__all__ = ["RTOL", "Diff", "diff"]
