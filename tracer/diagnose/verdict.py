"""What an audit says: a verdict on each claim, and all of them in backward order. Made by audit.py."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tracer.diagnose.terms import place_of
from tracer.numbers_text import listed

if TYPE_CHECKING:
    from tracer.source import Site

KINDS = (
    "match", "mean-not-sum", "product-not-sum", "missing-uses", "added-not-multiplied", "sign", "scale", "transposed",
    "wrong-axis", "clipped", "weight-decay", "step", "swapped", "symmetric", "wrong-rule", "follows", "wrong-shape",
    "wrong-type", "not-finite", "unknown",
)  # fmt: skip


_OF_ONE_VALUE = frozenset(
    {"missing-uses", "mean-not-sum", "product-not-sum", "added-not-multiplied", "clipped", "scale"}
)
_ALSO = 2  # names that a message gives


@dataclass(frozen=True, eq=False)
class Verdict:
    """What is to be said of one claim."""

    name: str
    kind: str
    """One of KINDS."""
    site: Site | None
    """Where in the source the mistake is: at the value, or at the uses that are missing; of an input at a use of it."""
    message: str
    claimed: Any
    expected: Any
    arithmetic: str
    """How the right number comes about, and how the claimed one does."""
    uses: tuple[Site, ...] = ()
    """The places of the uses that the mistake is about."""
    also: tuple[str, ...] = ()
    """Other mistakes that explain the number as well."""
    follows: tuple[str, ...] = ()
    """The claims that it follows from, the nearest first."""
    is_first: bool = False
    """The first wrong one in backward order: where to begin."""
    is_rounded: bool = False
    """Right to the digits in which it is written."""

    @property
    def ok(self) -> bool:
        """Whether the claim is right."""
        return self.kind == "match"

    @property
    def place(self) -> str:
        """The file and line, empty where there is none."""
        return place_of(self.site)

    def __str__(self) -> str:
        where = f" ({self.place})" if self.place else ""
        return f"{self.name}: {self.kind}{where}: {self.message}"

    def __repr__(self) -> str:
        return f"<{self}>"


@dataclass(frozen=True, eq=False)
class Audit:
    """The verdicts on all claims, in backward order; true where all are right."""

    function: str
    verdicts: tuple[Verdict, ...]

    @property
    def ok(self) -> bool:
        """Whether every claim is right."""
        return all(verdict.ok for verdict in self.verdicts)

    @property
    def wrong(self) -> tuple[Verdict, ...]:
        """The verdicts on the claims that are not right."""
        return tuple(verdict for verdict in self.verdicts if not verdict.ok)

    @property
    def first(self) -> Verdict | None:
        """The first wrong one in backward order; None where there is none."""
        return next((verdict for verdict in self.verdicts if verdict.is_first), None)

    @property
    def to_digits(self) -> str:
        """What a headline adds where claims are right only to the digits in which they are written."""
        count = sum(verdict.is_rounded for verdict in self.verdicts)
        many = f" {count:,}" if len(self.verdicts) > 1 else ""
        return f",{many} only to the digits given" if count else ""

    def __bool__(self) -> bool:
        return self.ok

    def __getitem__(self, name: str) -> Verdict:
        for verdict in self.verdicts:
            if verdict.name == name:
                return verdict
        raise KeyError(name)

    def __str__(self) -> str:
        right = len(self.verdicts) - len(self.wrong)
        lines = [f"{self.function}: {right:,} of {len(self.verdicts):,} claims are right{self.to_digits}"]
        for verdict in self.verdicts:
            mark = "first wrong: " if verdict.is_first else ""
            lines.append(f"{mark}{verdict}")
            if verdict.arithmetic:
                lines.append(f"    {verdict.arithmetic}")
        return "\n".join(lines)

    def __repr__(self) -> str:  # which a shell or a notebook shows
        return str(self)


def with_doubt(verdicts: list[Verdict]) -> tuple[Verdict, ...]:
    """Say of the first wrong claim what its explanation leaves open: others that are wrong, too."""
    first = next((at for at, each in enumerate(verdicts) if each.is_first), None)
    unknown = [each.name for each in verdicts if each.kind == "unknown"]
    doubt = ""
    if len(unknown) == len(verdicts) > 1:
        doubt = "; no claim is right: other arguments or weights, an added momentum, or two mistakes look like this"
    elif first is not None and unknown and verdicts[first].kind in _OF_ONE_VALUE:
        doubt = f"; this is not what makes {listed(unknown, _ALSO)} wrong: one mistake further on may give all of them"
    if first is not None:
        verdicts[first] = replace(verdicts[first], message=verdicts[first].message + doubt)
    return tuple(verdicts)
