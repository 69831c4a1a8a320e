"""Claims that can't be compared number by number: of another shape, of no numbers, or not finite where the gradient is.

Each gets a verdict of its own, and what would be right of it is judged as usual. Used by audit.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.rearranged import of_wrong_axis
from tracer.diagnose.reshaped import Reshaped, reshaped
from tracer.diagnose.spoiled import causes_of, how_born, spoiled_by
from tracer.diagnose.verdict import Verdict
from tracer.numbers_text import clean, index, listed, norm, number

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.diagnose.claims import Claim
    from tracer.diagnose.terms import Terms

    Judge = Callable[[Any], Verdict]
    Same = Callable[[Any, Any], bool]

_SHOWN = 2


@dataclass(frozen=True, eq=False)
class OddCase:
    """One claim that is odd, and the way to judge what is made of it."""

    claim: Claim
    terms: Terms
    same: Same
    judge: Judge
    """The verdict on the claim, if it were these numbers."""
    spoiled: list[Claim]
    """The claims before it that are not finite; this one is added."""
    dimensions: dict[int, str]

    def verdict(self) -> Verdict:
        """Judge the claim."""
        if self.claim.fault:
            return self._of_type()
        if self.claim.value.shape != self._expected.shape:
            return self._of_shape()
        return self._of_what_is_not_finite()

    @property
    def _expected(self) -> Any:
        return np.asarray(self.claim.node.grad)

    def _of_type(self) -> Verdict:
        claim, expected = self.claim, self._expected
        if claim.given is None and not np.any(expected):
            return self._told("match", "right: none where the gradient is zero")
        wanted = f"an array {expected.shape}" if expected.ndim else "a number"
        text = f"no gradient: got {clean(claim.fault)}, expected {wanted}"
        if claim.given is None:
            text += "; nothing was handed back to it"
        elif claim.value.shape == expected.shape:
            text += f"; its real part: {_said(self.judge(claim.value))}"
        return self._told("wrong-type", text)

    def _of_shape(self) -> Verdict:
        claimed, expected = self.claim.value, self._expected
        text = f"wrong shape: got {claimed.shape}, expected {expected.shape}"
        mistakes = list(reshaped(self.claim, self.dimensions))
        mistakes += [
            Reshaped(text, claimed, made)
            for text, made in of_wrong_axis(self.terms, claimed)
            if made.shape == claimed.shape
        ]
        told = [each for each in mistakes if each.is_told_by(self.same)]
        if told:
            how = "; or ".join(each.text for each in told[:_SHOWN])
            return self._told(told[0].kind, told[0].start or f"{text}: {how}")
        likely = [each for each in mistakes if each.mended]
        if len(likely) == 1:
            text += f"; {likely[0].mended}, it would be {_said(self.judge(likely[0].made))}"
        return self._told("wrong-shape", text)

    def _of_what_is_not_finite(self) -> Verdict:
        claim, expected = self.claim, self._expected
        bad = odd_elements(claim.value, expected)
        verdict = self.judge(np.where(bad, expected, claim.value))
        is_new = bad & np.isfinite(expected)
        follows = spoiled_by(claim, is_new, self.spoiled) if is_new.any() and verdict.ok else ""
        self.spoiled.append(claim)
        text = _elements(claim.value, expected, bad)
        if follows:
            return self._told(
                "follows", f"{text}: right, given what is claimed for {follows}", follows=(follows,)
            )
        causes = causes_of(claim, is_new) if is_new.any() else []
        if causes:
            text += f"; just there {'; or '.join(causes[:_SHOWN])}"
        if not np.isfinite(expected).all() and (born := how_born(claim.node.trace)):
            text += f"; the gradient itself is not finite: {born}"
        if not bad.all():
            text += f"; the other elements: {_said(verdict)}"
        return self._told("not-finite", text)

    def _told(self, kind: str, text: str, follows: tuple[str, ...] = ()) -> Verdict:
        claim, expected = self.claim, self._expected
        claimed = claim.value if not claim.fault else claim.given
        arithmetic = ""
        if not claim.fault and kind != "match":
            arithmetic = f"{_short(expected)}; claimed {_short(claim.value)}"
        return Verdict(
            claim.name,
            kind,
            self.terms.site,
            text,
            claimed[()] if isinstance(claimed, np.ndarray) else claimed,
            expected[()],
            arithmetic,
            follows=follows,
        )


def is_odd(claim: Claim) -> bool:
    """Tell whether a claim can't be compared number by number with what is right."""
    expected = np.asarray(claim.node.grad)
    if claim.fault:
        return True
    if claim.value.size == 1 == expected.size:
        claim = replace(claim, value=claim.value.reshape(expected.shape))
    return claim.value.shape != expected.shape or bool(odd_elements(claim.value, expected).any())


def odd_elements(claimed: Any, expected: Any) -> Any:
    """Tell which elements are not finite in one alone, or in another way."""
    is_one = np.isfinite(claimed) != np.isfinite(expected)
    is_same = (claimed == expected) | (np.isnan(claimed) & np.isnan(expected))
    return is_one | (~np.isfinite(claimed) & ~is_same)


def _elements(claimed: Any, expected: Any, bad: Any) -> str:
    """Say how many elements are odd, which is the first, and what is right there."""
    first = tuple(map(int, np.argwhere(bad)[0]))
    got, right = claimed[first], expected[first]
    if not claimed.ndim:
        return f"it is {number(got)}, and the gradient is {number(right)}"
    kinds = sorted({number(abs(each)) for each in claimed[bad] if not np.isfinite(each)})
    what = listed(kinds, len(kinds)) if kinds else "finite"
    many = int(np.count_nonzero(bad))
    text = f"{many:,} of {claimed.size:,} elements {'is' if many == 1 else 'are'} {what}"
    place = f"the first at {index(first)}" if many > 1 else f"at {index(first)}"
    return f"{text}, {place}, where the gradient is {number(right)}"


def _said(verdict: Verdict) -> str:
    if verdict.kind == "unknown":
        return "wrong, too"
    return "right" if verdict.ok else f"{verdict.kind}: {verdict.message}"


def _short(value: Any) -> str:
    if not np.ndim(value):
        return number(value[()])
    if np.isfinite(value).all():
        return norm(value)
    return f"{int(np.count_nonzero(~np.isfinite(value))):,} of {value.size:,} elements not finite"
