"""What a finding is: something that is wrong with a gradient, with its cause, its numbers and its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, Literal

from tracer.numbers_text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tracer.source import Site
    from tracer.views import Edge, Node

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
KINDS = ("failed", "nonfinite", "vanishing", "exploding", "cancellation", "dead", "cut", "kink")


@dataclass(frozen=True, slots=True, repr=False)
class Finding:
    """One cause, however many edges it spoils; worst first in `Trace.findings`."""

    kind: str
    """One of KINDS; 'failed' is where a run ended by an exception."""
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

    @property
    def place(self) -> str:
        """The file and line of the site in short: model.py:12; empty without one."""
        return f"{PurePath(self.site.file).name}:{self.site.line}" if self.site and self.site.line else ""

    @property
    def code(self) -> str:
        """The expression of the site on one line."""
        return clean(" ".join(self.site.text.split())) if self.site else ""

    def __str__(self) -> str:
        where = f" at {self.place}" if self.place else ""
        code = f": {self.code}" if self.code else ""
        return f"{self.severity}: {self.kind}{where}{code}\n  {self.message}\n  {self.advice}"

    def __repr__(self) -> str:
        where = f" at {self.place}" if self.place else ""
        return f"<{self.severity}: {self.kind}{where}: {self.message}>"
