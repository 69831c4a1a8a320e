"""What an audit asks of one claim, and a mistake that answers it. Used by audit.py, mistakes.py and factors.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.numbers_text import DIGITS, addends

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tracer.diagnose.terms import Terms

Array = np.ndarray[Any, Any]
_NEARER = 0.05  # of the distance to the right gradient
WEIGHED = 200  # uses that are looked at one by one


@dataclass(frozen=True)
class Explanation:
    """A mistake that gives the claimed number."""

    kind: str
    cost: float
    text: str
    """What was done, in words."""
    made: str = ""
    """The arithmetic that gives the claimed number; empty where that is an array."""
    uses: tuple[int, ...] = field(default=())
    """The uses that it is about, by their place among the terms."""


@dataclass(frozen=True, eq=False)
class Question:
    """What is asked: which mistake makes `claimed` of these terms."""

    name: str
    claimed: Array
    terms: Terms
    same: Callable[[Any, Any], bool]
    """Whether two gradients are the same, to within the tolerance."""
    dimensions: dict[int, str]
    """By length: what has that many elements along an axis."""

    @property
    def total(self) -> Array:
        """The gradient that is right."""
        return np.asarray(self.terms.total)

    @property
    def is_number(self) -> bool:
        """Whether it is a single number."""
        return self.total.ndim == 0

    @cached_property
    def users(self) -> list[list[int]]:
        """The uses by the operation that they are: both operands of `W * W` are of one. Of many uses, none."""
        found: dict[int, list[int]] = {}
        for at in range(self.terms.count if self.terms.count <= WEIGHED else 0):
            found.setdefault(self.terms.use(at).index, []).append(at)
        return list(found.values())

    def parts(self) -> Iterator[tuple[str, Array]]:
        """Yield what people add up, and what that is: a line for each use; for each operation, if those are fewer."""
        terms = self.terms
        if terms.count > 1:
            yield f"has {terms.count:,} uses", terms.terms
        if 1 < len(self.users) < terms.count:
            parts = np.array([terms.terms[which].sum(0) for which in self.users])
            yield f"is used by {len(parts):,} operations", parts

    def is_made_by(self, numbers: Any) -> bool:
        """Tell whether the claimed gradient is this one, and so by far more than it is the right one."""
        made = np.reshape(numbers, self.total.shape)
        return self.same(self.claimed, made) and self.is_nearer(made)

    def is_nearer(self, made: Any) -> bool:
        """Tell whether something is by far nearer to what is claimed than the right gradient is."""
        return self.claimed.shape != self.total.shape or is_nearer(self.claimed, made, self.total)

    def sum_text(self, digits: int = DIGITS) -> str:
        """Write the sum of the terms, without its total."""
        return addends(self.terms.terms[:, 0][::-1], digits=digits)  # as the program uses the value


def is_nearer(claimed: Array, made: Any, right: Array) -> bool:
    """Tell whether what a mistake makes is by far nearer to what is claimed than what is right."""
    off = float(np.abs(claimed - right).max(initial=0.0))
    return not np.isfinite(off) or float(np.abs(claimed - made).max(initial=0.0)) <= _NEARER * off
