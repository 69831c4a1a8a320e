"""What gradients of inputs would be if those of some values inside were others: how much harm is in a choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.backward import backward_from

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tracer.diagnose.fates import Parameter
    from tracer.gradients import Gradients
    from tracer.trace import Trace

MATERIAL = 0.75
"""Of a gradient: a change by so much decides it."""
_ROUNDING = 1e-9
_TINY = 1e-300


@dataclass(frozen=True, slots=True)
class Changed:
    """A parameter whose gradient hangs on the choice: by what share of it, and one element of it with either choice."""

    name: str
    parameter: Parameter
    share: float
    before: Any
    after: Any


def changed_by(trace: Trace, other: Mapping[int, Any], parameters: list[Parameter]) -> list[Changed]:
    """Return the parameters whose gradient would be another, most changed first.

    `other` says, by row, by what the gradients of some values would differ.
    """
    changes = backward_from(trace.graph, other)
    found = []
    for parameter in parameters:
        rows = [row for row in parameter.rows if changes.reached[row] and np.any(changes.row(row))]
        if not rows:
            continue
        before = [_gradient(trace.gradients, row) for row in parameter.rows]
        change = [_gradient(changes, row) for row in parameter.rows]
        share = _size(change) / max(_size(before), _TINY * max(_size(change), 1.0))
        if not _ROUNDING <= share < np.inf:
            continue  # it cancels, as the shift of a softmax does; or is not finite
        at = parameter.rows.index(max(rows, key=lambda row: _size([changes.row(row)])))
        name = trace.input_rows[parameter.rows[at]] if len(parameter.rows) > 1 else parameter.title
        found.append(Changed(name, parameter, share, before[at], before[at] + change[at]))
    return sorted(found, key=lambda each: -each.share)


def count_unchanged(trace: Trace, changed: list[Changed], parameters: list[Parameter]) -> int:
    """Count the other parameters that have a gradient."""
    names = {each.parameter.name for each in changed}
    return sum(
        any(np.any(_gradient(trace.gradients, row)) for row in parameter.rows)
        for parameter in parameters
        if parameter.name not in names
    )


def _gradient(gradients: Gradients, row: int) -> Any:
    return gradients.row(row) if gradients.reached[row] else 0.0


def _size(parts: list[Any]) -> float:
    return float(np.sqrt(sum(float(np.sum(np.abs(part) ** 2)) for part in parts)))
