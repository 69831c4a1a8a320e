"""The operations on the way from a value to the output, nearest first, and all runs of one. Used by wrong_rules.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.composed_rules import NORMALISED, SIGMOID, SOFTMAX, composed, end_of, name_of
from tracer.diagnose.local_rules import Run
from tracer.diagnose.terms import described, place_of, runs_beside
from tracer.graph import operand_value
from tracer.numbers_text import clean
from tracer.views import Node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.diagnose.turns import Turns
    from tracer.trace import Trace

_NUMBERS = 1_000  # that are worked out in the time of a row
_COMPOSED = {SIGMOID: "sigmoid", SOFTMAX: "softmax", NORMALISED: "normalisation"}


def runs_behind(trace: Trace, target: int) -> Iterator[Run]:
    """Yield the operations that use a value, then those that use these, and so on to the output."""
    recording, graph = trace.recording, trace.graph
    pending, seen = np.array([target]), {target}
    while len(pending):
        following: list[int] = []
        for slot in np.flatnonzero(np.isin(recording.operands, pending)).tolist():
            consumer = int(graph.slot_consumer[slot])
            if not trace.gradients.reached[consumer]:
                continue
            for name, end in composed(trace, consumer):
                yield Run(Node(trace, int(graph.node_of_row[end])), slot, name)
            yield Run(Node(trace, int(graph.node_of_row[consumer])), slot, name_of(trace, consumer))
            if consumer not in seen:
                seen.add(consumer)
                following.append(consumer)
        pending = np.array(following)


def runs_of(run: Run, target: int) -> list[Run]:
    """Return all runs of an operation that come after a value, the last first."""
    trace = run.node.trace
    recording = trace.recording
    row = int(trace.graph.slot_consumer[run.slot])
    port, after = run.slot - int(recording.starts[row]), run.node.row - row
    is_alike = trace.sites.row_places == trace.sites.row_places[row]
    is_alike &= (recording.ops == recording.ops[row]) & trace.gradients.reached
    runs = []
    for each in np.flatnonzero(is_alike)[::-1].tolist():
        end = end_of(trace, run.name, each) if run.name in _COMPOSED and after else each + after
        slot = int(recording.starts[each]) + port
        if end is not None and recording.operands[slot] >= target:
            runs.append(Run(Node(trace, int(trace.graph.node_of_row[end])), slot, run.name))
    return runs


def kind_of(run: Run) -> tuple[int, int, int]:
    """Return what the runs of one operation have in common, by one of its operands."""
    trace, row = run.node.trace, run.node.row
    port = run.slot - int(trace.recording.starts[row])
    return int(trace.sites.row_places[row]), int(trace.recording.ops[row]), port


def by_place(runs: list[Run]) -> tuple[Run, ...]:
    """Return one run of each place."""
    return tuple({kind_of(each)[0]: each for each in runs}.values())


def named_runs(runs: list[Run], turns: Turns) -> str:
    """Say which runs of which operation these are."""
    node, name = runs[0].node, _COMPOSED.get(runs[0].name, "")
    if len(by_place(runs)) > 1:
        lines = dict.fromkeys(place_of(each.node.site) for each in runs[::-1])
        return f"every {name or clean(node.op)} at {' and '.join(lines)}"
    if len(runs) == 1:
        return described(node, turns, name)
    count = runs_beside(node)
    which = "all" if count == len(runs) else f"the last {len(runs):,} of"
    return f"{described(node, None, name)}, in {which} {count:,} runs"


def end_of_way(node: Node, target: int) -> Node:
    """Return the last operation to which a value goes on alone, before other ways from the target come to it.

    What is wrong by a factor may be so at any of them.
    """
    recording, reached = node.trace.recording, reached_from(node.trace, target)
    way = way_of(node)
    for end in way[1:]:
        operands = recording.operands[recording.starts[end.row] : recording.starts[end.row + 1]].tolist()
        if sum(operand in reached for operand in operands) > 1:
            return end
    return way[-1]


def way_of(node: Node) -> list[Node]:
    """Return a value and the operations that it goes through one after the other, each the only use of the last."""
    graph, operands = node.trace.graph, node.trace.recording.operands
    rows = [node.row]
    while len(slots := np.flatnonzero(operands == rows[-1])) == 1:
        rows.append(int(graph.slot_consumer[slots[0]]))
    return [Node(node.trace, int(graph.node_of_row[row])) for row in rows]


def reached_from(trace: Trace, target: int) -> set[int]:
    """Return a row and all that are computed from it."""
    reached = {target}
    for operand, consumer in zip(
        trace.recording.operands.tolist(), trace.graph.slot_consumer.tolist(), strict=True
    ):
        if operand in reached:
            reached.add(consumer)
    return reached


def work_of(trace: Trace) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return, by row, what going back over it takes, in rows of numbers."""
    recording = trace.recording
    work = np.ones(len(recording))
    for row in trace.graph.array_rows.tolist():
        slots = range(int(recording.starts[row]), int(recording.starts[row + 1]))
        sizes = [
            np.size(recording.values[row]),
            *(np.size(operand_value(recording, slot)) for slot in slots),
        ]
        is_product = name_of(trace, row) in ("matmul", "dot")
        work[row] += (np.prod(np.sqrt(sizes)) if is_product else sum(sizes)) / _NUMBERS
    return work
