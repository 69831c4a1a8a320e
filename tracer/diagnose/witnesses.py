"""What an operation sends back, and claims that are right although it goes on to them. Used by wrong_rules.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.backward import backward
from tracer.rules.edited import whole
from tracer.rules.kinds import Compressed

if TYPE_CHECKING:
    from tracer.diagnose.claims import Claim
    from tracer.diagnose.tried import WrongRule
    from tracer.gradients import Gradients
    from tracer.trace import Trace

_MOST_RIGHT = 8  # claims that are right
_NOTHING = 1e-9  # of a gradient


def beside_right(found: list[WrongRule], right: list[Claim]) -> list[str]:
    """Return the names of claims that are right and would not be, if what is told of a rule were so for all."""
    if not found or not right or any(each.reach for each in found):
        return []
    run, trace = found[0].run, found[0].node.trace
    row, sent = int(trace.recording.operands[run.slot]), sent_by(trace, trace.gradients, run.slot)
    gradients = backward(trace.graph, row, seed_at(trace, row, sent)) if np.any(sent) else None
    names = []
    for claim in right[:_MOST_RIGHT]:
        own = claim.node.row
        if gradients is not None and 0 <= own <= row and gradients.reached[own]:
            size = np.abs(np.asarray(claim.node.grad)).max(initial=0.0)
            if np.abs(np.asarray(row_of(gradients, own))).max(initial=0.0) > _NOTHING * size:
                names.append(claim.name)
    return names


def seed_at(trace: Trace, row: int, change: Any) -> Any:
    """Return a change of the gradient of a row as what going back may start from."""
    value, change = trace.recording.values[row], np.asarray(change)
    return np.asarray(change, value.dtype) if isinstance(value, np.ndarray) else change[()].item()


def row_of(gradients: Gradients, row: int) -> Any:
    """Return the gradient of a row, zero where none comes."""
    return gradients.row(row) if gradients.reached[row] else 0.0


def sent_by(trace: Trace, gradients: Gradients, slot: int) -> Any:
    """Return what is sent back to the value of an operand."""
    graph = trace.graph
    if not gradients.reached[graph.slot_consumer[slot]]:
        return 0.0
    found = gradients.narrow(slot) if slot in graph.targets else gradients.slot(slot)
    return found.dense() if isinstance(found, Compressed) else whole(found)
