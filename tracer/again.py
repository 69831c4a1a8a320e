"""Gradients that were not kept, computed again from those that were: the same rules on the same numbers, to the bit.

Used by gradients.py alone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.backward_pass import NOTHING, BackwardPass, steps_of
from tracer.keeping import Forgetful
from tracer.operations import RULE_OF
from tracer.pull import narrowed, pull
from tracer.rules.edited import Edited
from tracer.rules.kinds import Elementwise, Vjp, is_complex

if TYPE_CHECKING:
    from tracer.gradients import Gradients
    from tracer.graph import Graph


def slot_again(found: Gradients, slot: int) -> Any:
    """Return the gradient of a slot that was not kept: the same rule on the same numbers."""
    graph = found.graph
    recording = graph.recording
    row = int(graph.slot_consumer[slot])
    first, stop = int(recording.starts[row]), int(recording.starts[row + 1])
    rule = RULE_OF[recording.ops[row]]
    assert isinstance(rule, (Elementwise, Vjp))
    upstream = found.row_as_kept(row)
    values = recording.values
    producers = recording.operands[first:stop].tolist()
    operands = tuple(
        values.kept(each) if each >= 0 else recording.constants.kept(-1 - each) for each in producers
    )
    out = values.kept(row)
    are_numbers = not any(
        isinstance(each, (np.ndarray, Edited)) or is_complex(each) for each in (*operands, out)
    )
    if are_numbers and isinstance(rule, Elementwise) and row not in recording.params:
        return math.nan  # the partial is known, and is that; Python would give a complex number
    with np.errstate(all="ignore"):
        return pull(
            rule,
            slot - first,
            upstream,
            out,
            operands,
            recording.params.get(row, {}),
            graph.targets.get(slot),
        )


def narrowed_again(found: Gradients, slot: int) -> Any:
    """Return what a broadcast that was not kept sends back."""
    recording = found.graph.recording
    with np.errstate(all="ignore"):
        return narrowed(found.slot(slot), recording.values.kept(int(recording.operands[slot])))


class _Sparse(dict[int, Any]):
    """Gradients of few rows."""

    def __missing__(self, row: int) -> Any:
        return NOTHING


def row_again(found: Gradients, row: int) -> None:
    """Go back to a row whose gradient was not kept, from the nearest ones that were, and remember what is met."""
    graph, recording = found.graph, found.graph.recording
    needed, consumers, pending = {row}, set(), [row]
    while pending:
        for consumer in _consumers(graph, pending.pop()):
            if not found.reached[consumer] or consumer in consumers:
                continue
            consumers.add(consumer)
            if not found.is_at_hand(consumer):
                needed.add(consumer)
                pending.append(consumer)
    gradients = _Sparse((turn, found.row_as_kept(turn)) for turn in consumers - needed)
    work = BackwardPass(graph, gradients, found.locals, Forgetful(), needed, found.slots)
    with np.errstate(all="ignore"):
        for turn, op, first_slot, producers in steps_of(
            recording, np.array(sorted(consumers, reverse=True))
        ):
            if turn in work.outers:
                work.add_outers(turn)
            if turn in needed:
                found.remember(turn, gradients[turn])
            work.one(turn, op, first_slot, producers)
            del gradients[turn]
        if row in work.outers:
            work.add_outers(row)
    found.remember(row, gradients[row])


def _consumers(graph: Graph, row: int) -> set[int]:
    """Return the rows that use the value of a row."""
    slots = graph.slots[graph.uses(int(graph.node_of_row[row]))]
    return set(graph.slot_consumer[slots[slots >= 0]].tolist())
