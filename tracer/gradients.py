"""The gradients of one backward pass: what is kept of them, and how to ask for what is not.

Made by `backward.py`, or from a trace file; read through `Trace`, `Node` and `Edge`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.lib.array_utils import byte_bounds

from tracer.memory import owner_of
from tracer.minus import Minus, in_full
from tracer.rooms import is_in_block
from tracer.rules.edited import Edited, Part, whole
from tracer.rules.kinds import Outer
from tracer.statistics import FIELDS, Column

if TYPE_CHECKING:
    from tracer.graph import Graph
    from tracer.recording import Indices

RECENT = 1 << 26  # bytes of gradients that were computed again and are remembered
_OF_A_DIFFERENCE = 256  # bytes, about

Flags: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(slots=True, eq=False, repr=False)
class Measured:
    """The statistics of what was not kept, by edge: a line of `table` for each of `edges`, in order."""

    edges: Indices = field(default_factory=lambda: np.zeros(0, np.int32))
    table: Column = field(default_factory=lambda: np.zeros((0, FIELDS)))


@dataclass(slots=True, eq=False, repr=False)
class Gradients:
    """Gradients by row and by operand.

    `numbers[r]` is the gradient of row r's value where that is a real number; zero, and not `reached[r]`, where the
    seeded output does not depend on it. `locals[s]` is the local partial of slot s for real scalars, NaN elsewhere.

    Of arrays and complex numbers these hold what is kept: `arrays[r]` is the gradient of row r; `slots[s]` what the
    consumer of slot s sends back where that is an array or complex, or comes from a rule that is no product, in the
    shape of the operand as the operation saw it; `narrowed[s]` the same summed over the broadcast axes. The methods
    compute what is missing again, by the same rules from the same numbers in the same order: the same bits. Of arrays
    that are asked for one after another, some are remembered (`recent`).
    """

    graph: Graph
    numbers: np.ndarray[Any, np.dtype[np.float64]]
    reached: Flags
    locals: np.ndarray[Any, np.dtype[np.float64]]
    arrays: dict[int, Any]
    slots: dict[int, Any]
    narrowed: dict[int, Any]
    measured: Measured = field(default_factory=Measured)
    recent: dict[int, Any] = field(default_factory=dict)
    recent_bytes: int = 0

    def row(self, row: int) -> Any:
        """Return the gradient of a row that was reached."""
        return whole(self.row_as_kept(row))

    def row_as_kept(self, row: int) -> Any:
        """Return the gradient of a row that was reached; an array may be one as its difference from another."""
        if row in self.arrays:
            return in_full(self.arrays[row])
        if type(self.graph.recording.values.others.get(row)) not in (np.ndarray, Edited):
            return float(self.numbers[row])
        if row not in self.recent:
            from tracer.again import row_again  # noqa: PLC0415  (which makes what is in this room)

            row_again(self, row)
        return self.recent[row]

    def slot(self, slot: int) -> Any:
        """Return what the consumer of a slot sends back to it: a number, an array, or `Compressed`."""
        found = self.slots.get(slot)
        if found is not None:
            return in_full(found)
        partial = float(self.locals[slot])
        if not np.isnan(partial):
            return float(self.numbers[self.graph.slot_consumer[slot]]) * partial
        from tracer.again import slot_again  # noqa: PLC0415  (as above)

        return slot_again(self, slot)

    def narrow(self, slot: int) -> Any:
        """Return what a broadcast sends back: the gradient of a slot, in the shape of its value."""
        if slot in self.narrowed:
            return self.narrowed[slot]
        from tracer.again import narrowed_again  # noqa: PLC0415  (as above)

        return narrowed_again(self, slot)

    def kept_bytes(self) -> int:
        """Return how much memory the gradients of arrays take that are kept; what they share counts once."""
        spans: list[tuple[int, int]] = []
        for kept in (self.arrays, self.slots, self.narrowed):
            for memory in map(memory_of, kept.values()):
                if type(memory) is np.ndarray:
                    owner = owner_of(memory)
                    # A block, or the pool of a file, also holds what is no gradient.
                    is_part = is_in_block(memory) or owner.base is not None
                    spans.append(byte_bounds(memory if is_part else owner))
        total = end = 0
        for low, high in sorted(spans):
            total += max(high - max(low, end), 0)
            end = max(high, end)
        return total

    def is_at_hand(self, row: int) -> bool:
        """Tell whether the gradient of a row is there without going back."""
        return (
            row in self.arrays
            or row in self.recent
            or type(self.graph.recording.values.others.get(row)) not in (np.ndarray, Edited)
        )

    def remember(self, row: int, gradient: Any) -> None:
        """Remember a gradient that was computed again, and forget those that were longest ago."""
        self.recent[row] = gradient
        self.recent_bytes += _bytes_of(gradient)
        while self.recent_bytes > RECENT and len(self.recent) > 1:
            self.recent_bytes -= _bytes_of(self.recent.pop(next(iter(self.recent))))


def memory_of(gradient: Any) -> Any:
    """Return the array that a gradient holds, or holds on to; what is no array as it is."""
    if type(gradient) is Minus:
        return gradient[0]
    if type(gradient) is Part:
        return gradient.innermost.value
    if type(gradient) is Outer:
        return gradient.upstream
    while type(gradient) is Edited:
        gradient = gradient.before
    return gradient


def _bytes_of(gradient: Any) -> int:
    memory = memory_of(gradient) if type(gradient) is Part else gradient
    return int(memory.nbytes) if type(memory) is np.ndarray else _OF_A_DIFFERENCE
