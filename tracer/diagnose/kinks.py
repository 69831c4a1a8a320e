"""Derivatives that are a convention, abs'(0) = 0, and what another choice would have given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.dead import names_of
from tracer.diagnose.fates import parameters_of
from tracer.diagnose.finding import Finding
from tracer.diagnose.otherwise import MATERIAL, Changed, changed_by, count_unchanged
from tracer.diagnose.spread import NOTHING, Column, gradient_edges, has_gradients
from tracer.numbers_text import norm
from tracer.operations import OP_NAMES, OP_NUMBERS, RULE_OF
from tracer.partials import scalar_rows
from tracer.recording import operand_of
from tracer.rules.elementwise import POWERS
from tracer.rules.kinds import Elementwise, Many, Vjp, is_complex
from tracer.rules.reduce import kept_axes

if TYPE_CHECKING:
    from tracer.diagnose.fates import Parameter
    from tracer.recording import Recording
    from tracer.trace import Trace
    from tracer.views import Node

# Places for which the other choice is worked out; of a long run fewer: each is a pass over the graph
_FEW = 8
# Seconds: of all passes, and of an operation in one, at most
_TIME, _OF_A_SCALAR, _OF_ANOTHER = 1.2, 1e-6, 30e-6
_ADVICE = "look at the function beside this point, or take a smooth one, if this gradient matters"
_MOST = 10_000  # rows that are worked out one by one
_TIES = frozenset(("maximum", "minimum", "fmax", "fmin"))  # which share equally
_FIRST = frozenset(("max_scalars", "min_scalars"))  # of which the first gets all
_EXTREMES = frozenset(("max", "min", "nanmax", "nanmin"))  # whose elements share equally
# Their rules say 0 where any slope might be
_TURNS = frozenset(("absolute", "fabs", "hypot", "hypot_scalars", "dist", "norm", "std"))


def find(trace: Trace) -> list[Finding]:
    """Find the operations whose derivative is a convention where they were used."""
    if not has_gradients(trace):
        return []
    rows = _rows_at_kinks(trace)
    places, starts, counts = np.unique(trace.sites.row_places[rows], return_index=True, return_counts=True)
    groups = np.split(rows, starts[1:]) if len(rows) else []
    few = _count_to_work_out(trace) if len(places) else 0
    worked_out = np.argsort(-counts, kind="stable")[:few].tolist()
    parameters = parameters_of(trace) if len(places) else []
    return [
        _finding(trace, group, parameters if number in worked_out else [])
        for number, group in enumerate(groups)
    ]


def _count_to_work_out(trace: Trace) -> int:
    """Return for how many places there is time to work out the other choice: each is a pass over the graph."""
    is_scalar = scalar_rows(trace.graph)
    scalars = int(np.count_nonzero(is_scalar))
    return min(int(_TIME / (scalars * _OF_A_SCALAR + (len(is_scalar) - scalars) * _OF_ANOTHER)), _FEW)


def _rows_at_kinks(trace: Trace) -> Column:
    """Return the rows with a gradient that are at a kink of their rule, by their places."""
    graph, recording = trace.graph, trace.recording
    outlet = gradient_edges(graph)
    is_live = outlet != NOTHING
    is_live[is_live] = trace.edge_statistics.norm[outlet[is_live]] != 0
    # By operand: constants from the end
    is_wide = np.zeros(len(recording) + len(recording.constants), np.bool_)
    is_wide[recording.values.wide_rows] = True
    is_wide[-1 - recording.constants.wide_rows] = True
    found = [np.zeros(0, np.int64)]
    for number in np.flatnonzero(np.bincount(recording.ops[is_live], minlength=1)).tolist():
        rule = RULE_OF[number]
        if rule is None or not rule.choice or rule.at_kink is None or getattr(rule, "flat", False):
            continue
        rows = np.flatnonzero(is_live & (recording.ops == number))
        in_bulk = ~is_wide[rows] & ~np.isnan(recording.values.floats[rows])
        if isinstance(rule, Elementwise):
            test: Any = rule.at_kink
            for port in range(len(rule.partials)):  # an array without axes gives a number, too
                in_bulk &= ~is_wide[recording.operands[recording.starts[rows] + port]]
            columns = _columns(trace, rows[in_bulk], len(rule.partials))
            with np.errstate(all="ignore"):
                answer = test(*columns, recording.values.floats[rows[in_bulk]])
                at_kink = np.broadcast_to(answer, in_bulk.sum())
            if OP_NAMES[number] in POWERS:  # x**0 is flat
                exponents = recording.operands[recording.starts[rows[in_bulk]] + 1]
                at_kink = at_kink & ((exponents >= 0) | (columns[1] != 0))
            found.append(rows[in_bulk][at_kink])
            rows = rows[~in_bulk]
        elif OP_NAMES[number] in _FIRST:
            in_bulk &= recording.starts[rows + 1] - recording.starts[rows] == 2
            left, right = _columns(trace, rows[in_bulk], 2)
            found.append(rows[in_bulk][left == right])
            rows = rows[~in_bulk]
        elif isinstance(rule, Many):
            rows = rows[recording.values.floats[rows] == 0]
        bent = [row for row in rows.tolist() if trace.nodes[int(graph.node_of_row[row])].kink]
        found.append(np.array(bent, np.int64))
    all_rows = np.concatenate(found)
    return all_rows[np.lexsort((all_rows, trace.sites.row_places[all_rows]))]


def _columns(trace: Trace, rows: Column, count: int) -> list[Column]:
    """Return the operands of scalar rows as floats."""
    recording = trace.recording
    columns = []
    for port in range(count):
        operands = recording.operands[recording.starts[rows] + port]
        column = np.empty(len(rows))
        is_row = operands >= 0
        column[is_row] = recording.values.floats[operands[is_row]]
        column[~is_row] = recording.constants.floats[-1 - operands[~is_row]]
        columns.append(column)
    return columns


def _other_choices(trace: Trace, rows: Column) -> dict[int, Any]:
    """Return, by row of an operand, by what its gradient would differ with the other choice; empty if unknown."""
    recording = trace.recording
    is_wide = np.isin(rows, recording.values.wide_rows)
    degrees = recording.starts[rows + 1] - recording.starts[rows]
    total: dict[int, Any] = {}
    for op in (*_TIES, *_FIRST, "absolute", "fabs"):
        arity = 1 if op in ("absolute", "fabs") else 2
        in_bulk = ~is_wide & (recording.ops[rows] == OP_NUMBERS[op]) & (degrees == arity)
        signs = (1.0,) if arity == 1 else (0.5, -0.5) if op in _TIES else (-1.0, 1.0)
        for port, sign in enumerate(signs):
            operands = recording.operands[recording.starts[rows[in_bulk]] + port]
            _add_bulk(total, operands, sign * trace.gradients.numbers[rows[in_bulk]])
        rows, is_wide, degrees = rows[~in_bulk], is_wide[~in_bulk], degrees[~in_bulk]
    if len(rows) > _MOST:
        return {}
    for row in rows.tolist():
        for operand, change in _other_choice(trace, row).items():
            total[operand] = total[operand] + change if operand in total else change
    return total


def _add_bulk(total: dict[int, Any], operands: Column, changes: Column) -> None:
    """Add numbers to those of their operands; constants have none."""
    found, inverse = np.unique(operands[operands >= 0], return_inverse=True)
    sums = np.bincount(inverse, changes[operands >= 0], minlength=len(found))
    for operand, change in zip(found.tolist(), sums.tolist(), strict=True):
        total[operand] = total.get(operand, 0.0) + change


def _other_choice(trace: Trace, row: int) -> dict[int, Any]:
    """Do the same for one row, of arrays or of several operands."""
    recording, op = trace.recording, OP_NAMES[trace.recording.ops[row]]
    upstream = trace.gradients.row(row)
    slots = range(int(recording.starts[row]), int(recording.starts[row + 1]))
    operands = [int(recording.operands[slot]) for slot in slots]
    values = [operand_of(recording, operand) for operand in operands]
    out = recording.values[row]
    shapes = {np.shape(value) for value, operand in zip(values, operands, strict=True) if operand >= 0}
    if is_complex(out) or any(map(is_complex, values)):
        return {}
    change: dict[int, Any] = {}
    if op in _TIES and shapes == {np.shape(out)}:
        tie = np.equal(values[0], values[1])
        for operand, sign in zip(operands, (0.5, -0.5), strict=True):
            if operand >= 0:
                change[operand] = change.get(operand, 0.0) + upstream * tie * sign
    elif op in _FIRST:
        tied = [at for at, value in enumerate(values) if value == out][:2]
        for at, sign in zip(tied, (-1.0, 1.0), strict=False):
            if operands[at] >= 0:
                change[operands[at]] = change.get(operands[at], 0.0) + upstream * sign
    elif op in ("absolute", "fabs") and shapes == {np.shape(out)}:
        change[operands[0]] = upstream * np.equal(values[0], 0)
    elif op == "clip" and operands[0] >= 0 and np.shape(values[0]) == np.shape(out):
        at_edge = np.equal(values[0], values[1]) | np.equal(values[0], values[2])
        change[operands[0]] = -upstream * at_edge
    elif op in _EXTREMES and operands[0] >= 0:
        change[operands[0]] = _first_takes_all(recording, row, upstream)
    elif op in _TURNS and operands[0] >= 0 and not np.ndim(out):
        size = max(np.size(values[0]), 1)
        change[operands[0]] = np.full(np.shape(values[0]), upstream / size**0.5)[()]
    return {operand: _typed(recording.values[operand], each) for operand, each in change.items()}


def _first_takes_all(recording: Recording, row: int, upstream: Any) -> Any:
    """Return by what the gradient of an array differs where the first of the largest gets all, and no equal share."""
    rule, params = RULE_OF[recording.ops[row]], recording.params.get(row, {})
    assert isinstance(rule, Vjp)
    first, stop = recording.starts[row : row + 2]
    operands = tuple(
        np.asarray(operand_of(recording, int(each))) for each in recording.operands[first:stop]
    )
    out, axis = recording.values[row], params.get("axis")
    if not np.isfinite(upstream).all():
        return np.zeros_like(operands[0])
    shared = np.asarray(rule.pull(0, np.asarray(upstream), out, operands, params))
    is_tied = np.asarray(rule.pull(0, np.ones_like(upstream), out, operands, params)) != 0
    axes = tuple(range(is_tied.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    last = tuple(range(is_tied.ndim - len(axes), is_tied.ndim))
    moved = np.moveaxis(is_tied, axes, last)
    rows = moved.reshape(*moved.shape[: last[0]], -1)
    is_first = rows & (np.cumsum(rows, axis=-1) == 1)
    whole = kept_axes(upstream, operands[0], params)
    return np.where(np.moveaxis(is_first.reshape(moved.shape), last, axes), whole, 0) - shared


def _typed(value: Any, change: Any) -> Any:
    return np.asarray(change, value.dtype) if isinstance(value, np.ndarray) else float(change)


def _finding(trace: Trace, rows: Column, parameters: list[Parameter]) -> Finding:
    node = trace.nodes[int(trace.graph.node_of_row[rows[0]])]
    times = f" ({len(rows):,} times)" if len(rows) > 1 else ""
    message = f"the derivative is a convention here{times}: {node.kink or node.op}"
    changed: list[Changed] = []
    is_material = False
    other = _other_choices(trace, rows) if parameters else {}
    if other:
        changed = changed_by(trace, other, parameters)
        decided = sum(each.share >= MATERIAL for each in changed)
        # A net with a unit at exactly 0 still learns by what does not pass the unit.
        others = count_unchanged(trace, changed, parameters) if _is_unit(node) else 0
        is_material = decided > 0 and (not _is_unit(node) or decided == len(changed) + others)
        message += _effect(changed)
    return Finding(
        kind="kink",
        severity="warning" if is_material else "note",
        site=node.site,
        message=message,
        advice="nothing has to be done about it" if other and not changed else _ADVICE,
        node=node,
        edges=tuple(node.in_edges[:2]),
        numbers={"runs": len(rows), "spoiled": len(rows) if is_material else 0},
    )


def _is_unit(node: Node) -> bool:
    """Say whether a node is a relu, a pooling or its like inside of a larger function."""
    operands = node.operands
    traced = [each for each in operands if hasattr(each, "upstream")]
    is_choice = node.op in _EXTREMES or (node.op in (*_TIES, *_FIRST) and len(traced) < len(operands))
    return is_choice and traced[0].src.row not in node.trace.input_rows


def _effect(changed: list[Changed]) -> str:
    if not changed:
        return "; no gradient of an input depends on it"
    first, *more = changed
    text = f"would be {norm(first.after)} instead of {norm(first.before)}"
    return f"; with another choice the gradient of {first.name} {text}" + (
        f", and that of {names_of(each.name for each in more)} would change, too" if more else ""
    )
