"""What is known of the claims of an audit that were judged already, and how much may be done for the others.

Used by audit.py and wrong_rules.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracer.diagnose.claims import Claim
    from tracer.diagnose.local_rules import Run
    from tracer.views import Node

_WORK = 500_000  # rows that are gone back over for the claims of an audit, at most: about two seconds
_KNOWN = 200_000  # as many for whether other claims have shown the rule


@dataclass(frozen=True, slots=True)
class WrongRule:
    """An operation whose local rule is wrong, and what was done in its place."""

    run: Run
    """The last one."""
    text: str
    """What was done, as local_rules.py says it."""
    where: str
    shown: str
    """The claim that showed it."""
    of: str = ""
    """The same, if that is another one than this."""
    reach: str = ""
    """Where what is sent back wrongly arrives, as _REACHES has it."""
    turns: tuple[Run, ...] = ()
    """Of several turns of a loop, the runs in them."""
    beside: tuple[Run, ...] = ()
    """Of a slip that was made in several places, a run in each."""

    @property
    def node(self) -> Node:
        """The operation."""
        return self.run.node


@dataclass(slots=True)
class Tried:
    """What is known of other claims of the same audit, and how much may still be done, whatever time that takes."""

    rules: list[WrongRule] = field(default_factory=list)
    left: float = _WORK
    left_for_known: float = _KNOWN
    is_cut: bool = False
    """Whether the search for the last claim ended before the output."""
    rounded: set[str] = field(default_factory=set)
    """The claims that are right to the digits in which they are written."""
    right: list[Claim] = field(default_factory=list)
    """Those that are right."""
    spoiled: list[Claim] = field(default_factory=list)
    """Those that are not finite, in backward order."""
    work: Any = None
    """By row: of going back over it and all before it, in rows of numbers."""


def texts_of(found: list[WrongRule]) -> str:
    """Say what was done, and where."""
    return "; or ".join(f"{each.text}, at {each.where}" for each in found)
