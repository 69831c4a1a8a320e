"""How much of a gradient goes from the result of an operation to one of its operands, as one number for each use.

For real numbers that is the local partial, and everything made of it is exact. For arrays there is no one number: the
part of a gradient G that one use sends is stated as the share g · G / G · G, its projection on the whole. The shares of
all uses of a value add up to 1, whatever their signs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.rules.edited import Part, whole
from tracer.rules.kinds import Compressed

if TYPE_CHECKING:
    from tracer.trace import Trace


class Transfer:
    """What a path is multiplied by at each slot, from the consumer's result to the operand.

    At a row that holds a real number a path is worth its part of that row's gradient, at an array or a complex number a
    share of that gradient. `weights[s]` is the local partial, or NaN until `measure(s)` is asked.
    """

    def __init__(self, trace: Trace) -> None:
        self._gradients = trace.gradients
        self._recording = trace.recording
        self._consumers = trace.graph.slot_consumer
        self._targets = trace.graph.targets
        # By row: largest element, and what it is divided by
        self._totals: dict[int, tuple[float, float]] = {}
        self.is_shared = np.zeros(len(trace.recording), np.bool_)
        self.is_shared[trace.recording.values.wide_rows] = True
        self.weights = trace.gradients.locals.copy()

    def measure(self, slot: int) -> float:
        """Return the weight of a slot that is no product of numbers; 0 where nothing came back."""
        gradients, row = self._gradients, int(self._consumers[slot])
        if not gradients.reached[row]:
            return 0.0
        operand = int(self._recording.operands[slot])
        sent = gradients.narrow(slot) if slot in self._targets else gradients.slot(slot)
        # What the operand holds of this use, in its own unit, and what one of the consumer's units is.
        amount = self._share(sent, operand) if self.is_shared[operand] else float(np.real(sent))
        if self.is_shared[row]:
            return amount
        upstream = float(gradients.numbers[row])
        return amount / upstream if upstream else 0.0

    def _share(self, sent: Any, row: int) -> float:
        """Return g · G / G · G; 0 where the uses of a row cancel, so that nothing goes further."""
        total = self._gradients.row(row)
        if row not in self._totals:
            scale = float(np.max(np.abs(total), initial=0.0))
            self._totals[row] = scale, _dot(total, total, scale) if scale else 0.0
        scale, square = self._totals[row]
        if not square:
            return 0.0
        if isinstance(sent, Part) and not sent.repeats:
            return _dot(sent.numbers, sent.of(total), scale) / square
        return _dot(sent.dense() if isinstance(sent, Compressed) else whole(sent), total, scale) / square


def _dot(left: Any, right: Any, scale: float) -> float:
    """Return the inner product of two gradients as vectors of real numbers, over scale² so that it fits the floats."""
    with np.errstate(all="ignore"):
        return float(np.vdot(np.divide(left, np.float64(scale)), np.divide(right, np.float64(scale))).real)
