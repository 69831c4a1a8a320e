"""What a check of every edge has found. Made by every_edge.py, handed out by verify.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracer.diagnose.faults import fault_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.diagnose.faults import Fault
    from tracer.diagnose.replay import Replay


@dataclass(frozen=True, eq=False)
class Verification:
    """What a check of every edge has found; true where nothing is wrong."""

    function: str
    edges: int
    """Edges into function nodes that have a derivative: all of these were checked."""
    right: int
    wrong: Sequence[Fault]
    """In backward order: the first is the first that went wrong."""
    unclear: Sequence[Fault]
    """What could not be judged, each with its reason."""
    sums: int
    """Splitters and broadcasts whose sum was checked."""
    values: int
    """Values that were computed again."""
    same_bits: int
    """How many of them came out to the bit; the others that are right, to within rounding."""
    other_values: Sequence[Fault] = field(default=())
    """Those that came out otherwise than they were recorded."""
    cuts: int = 0
    """Values that left the graph: what was made of them is not checked."""
    inputs: Replay | None = None
    """The gradients of the inputs together, against differences of the recorded graph; None of a very long run."""
    failed: str = ""
    """By what the run ended, if it failed: what it recorded before is checked."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong; what is unclear is not wrong."""
        return not self.wrong

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        return "\n".join(fault_lines(self))

    def __repr__(self) -> str:  # which a shell or a notebook shows
        return str(self)
