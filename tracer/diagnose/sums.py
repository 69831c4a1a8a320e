"""Splitters and broadcasts against the sum of their edges. Used by every_edge.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tracer.graph import NO_SLOT
from tracer.pull import narrow
from tracer.rules.edited import Edited, Part
from tracer.rules.kinds import Compressed

if TYPE_CHECKING:
    from tracer.gradients import Gradients
    from tracer.trace import Trace

_ROUNDINGS = 64  # of each term of a sum, in the order in which anybody may add


class Unequal(NamedTuple):
    """A node whose gradient is not the sum of what came back to it, and where that is worst."""

    node: int
    found: Any
    expected: Any
    error: float


def unequal(trace: Trace, gradients: Gradients) -> tuple[list[Unequal], int]:
    """Return the nodes whose recorded gradient is no sum, in backward order, and how many sums were looked at."""
    found, count = _numbers(trace, gradients)
    for part, counted in (_arrays(trace, gradients), _broadcasts(trace, gradients)):
        found += part
        count += counted
    return sorted(found, key=lambda each: -each.node), count


def _numbers(trace: Trace, gradients: Gradients) -> tuple[list[Unequal], int]:
    """Add up all that is a number, at once."""
    graph, floats = trace.graph, trace.edge_gradients().floats
    rows = len(trace.recording)
    # Edges from a value to its own splitter are none of its uses
    is_own = graph.is_copy(graph.dst)
    is_stretched = graph.node_slots[graph.src] != NO_SLOT
    terms = np.flatnonzero(~is_own & ~is_stretched)
    producers, values = graph.rows[graph.src[terms]], floats[terms]
    totals, sizes = (np.bincount(producers, each, minlength=rows) for each in (values, np.abs(values)))
    counts = np.bincount(producers, minlength=rows)
    numbers = np.where(gradients.reached, gradients.numbers, 0.0)
    is_number = counts > 0
    is_number[trace.recording.values.wide_rows] = False
    allowed = np.finfo(np.float64).eps * _ROUNDINGS * np.sqrt(counts) * sizes
    for row, value in trace.recording.values.others.items():
        # Kept as Python's numbers, and summed in fewer digits
        if isinstance(value, (np.float32, np.float16)):
            allowed[row] *= precision(value) / np.finfo(np.float64).eps
    distance = np.abs(totals - numbers)
    is_same = (distance <= allowed) | (totals == numbers) | ~np.isfinite(totals) & ~np.isfinite(numbers)
    # What a step down the graph multiplied to 0 × inf is not finite in the sum alone.
    wrong = np.flatnonzero(is_number & ~is_same & np.isfinite(totals))
    found = [
        Unequal(
            int(graph.node_of_row[row] + (counts[row] > 1)),
            float(numbers[row]),
            float(totals[row]),
            float(allowed[row]),
        )
        for row in wrong.tolist()
    ]
    return found, int(np.count_nonzero(is_number & (counts > 1)))


def _arrays(trace: Trace, gradients: Gradients) -> tuple[list[Unequal], int]:
    """Add up the arrays and complex numbers, where they are kept."""
    graph, values = trace.graph, trace.recording.values
    gradient_of = trace.edge_gradients().others
    found, count = [], 0
    for row in values.wide_rows.tolist():
        uses = uses_of(trace, row)
        if not gradients.reached[row] or not gradients.is_at_hand(row) or not uses:
            continue
        kept = gradients.row(row)
        total = np.zeros(np.shape(kept), np.result_type(np.asarray(kept), np.float64))
        rough = precision(kept)
        size = np.zeros(total.shape)
        for edge in uses:
            if edge not in gradient_of:
                continue
            term = gradient_of[edge]
            rough = max(rough, precision(term))
            if type(term) is Part:
                term.add_to(total)
                term.sizes().add_to(size)
                continue
            term = term.dense() if isinstance(term, Compressed) else term
            total += term
            size += np.abs(term)
        count += len(uses) > 1
        worst = _worst(np.asarray(kept), total, size, rough * np.sqrt(len(uses)))
        if worst is not None:
            found.append(Unequal(int(graph.node_of_row[row]) + (len(uses) > 1), *worst))
    return found, count


def uses_of(trace: Trace, row: int) -> list[int]:
    """Return the edges by which the value of a row was used."""
    return trace.graph.uses(int(trace.graph.node_of_row[row]))


def _broadcasts(trace: Trace, gradients: Gradients) -> tuple[list[Unequal], int]:
    """Add up what came back to the copies of each value that was stretched."""
    graph, values = trace.graph, trace.recording.values
    broadcasts = np.flatnonzero(graph.node_slots != NO_SLOT)
    found, count = [], 0
    for node, slot in zip(broadcasts.tolist(), graph.node_slots[broadcasts].tolist(), strict=True):
        if slot not in gradients.narrowed or slot not in gradients.slots:
            continue
        sent = gradients.slots[slot]
        sent = np.asarray(sent.dense() if isinstance(sent, Compressed) else sent)
        operand = values.kept(int(graph.rows[node]))
        shape = operand.shape if isinstance(operand, Edited) else np.shape(operand)
        kept = np.asarray(gradients.narrowed[slot])
        exact = np.complex128 if sent.dtype.kind == "c" else np.float64
        total, size = narrow(sent.astype(exact), shape), narrow(np.abs(sent).astype(np.float64), shape)
        count += 1
        rough = max(map(precision, (kept, sent, operand))) * np.sqrt(max(1, sent.size // max(1, kept.size)))
        worst = _worst(kept, total if kept.dtype.kind == "c" else total.real, size, rough)
        if worst is not None:
            found.append(Unequal(node, *worst))
    return found, count


def precision(value: Any) -> float:
    """Return the distance of 1 from the next number of a type."""
    dtype = getattr(value, "dtype", np.dtype(np.float64))
    return float(np.finfo(dtype).eps) if dtype.kind in "fc" else float(np.finfo(np.float64).eps)


def _worst(kept: Any, total: Any, size: Any, rough: float) -> tuple[Any, Any, float] | None:
    """Return the element in which a gradient differs most from its sum; None where it is the sum."""
    allowed = rough * _ROUNDINGS * size
    distance = np.abs(kept - total)
    is_wrong = (distance > allowed) & np.isfinite(total)
    is_wrong |= np.isfinite(total) & ~np.isfinite(kept)
    if not np.any(is_wrong):
        return None
    at = int(np.argmax(np.where(is_wrong, np.nan_to_num(distance, nan=np.inf), -1)))
    return np.ravel(kept)[at].item(), np.ravel(total)[at].item(), float(np.ravel(allowed)[at])
