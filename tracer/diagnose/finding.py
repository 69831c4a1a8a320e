"""What a finding is: something that is wrong with a gradient, with its cause, its numbers and its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tracer.source import Site
    from tracer.views import Edge, Node

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause, however many edges it spoils; worst first in `Trace.findings`."""

    kind: str
    """'nonfinite', 'vanishing', 'exploding', 'cancellation', 'dead', 'cut' or 'kink'."""
    severity: Severity
    """'error' and 'warning' where it does harm to the gradient of an input; 'note' where it is harmless."""
    site: Site | None
    """The place to mend: None only where an input itself is the cause."""
    message: str
    """One sentence: the cause, with the factors or terms that prove it."""
    advice: str
    """One sentence: what to do about it."""
    node: Node | None
    """The node where it starts."""
    edges: tuple[Edge, ...] = ()
    """The edges that prove it: those of the factors, the cancelling uses, the lost or gained gradient."""
    numbers: Mapping[str, float | int | str] = field(default_factory=dict)
    """The numbers of the message by name, as JSON can hold them; `spoiled` counts the edges that it spoils."""
