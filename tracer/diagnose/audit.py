"""Compare claimed gradients with those of a trace, and name the mistake that explains each wrong one.

Claims are gone through in backward order. A wrong one is put in for the right gradient of its node before the next ones
are looked at, so that what only follows from an earlier mistake is told from a mistake of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.claims import Claim, claims_of
from tracer.diagnose.factors import SIGN_OFF, named_factor, reason_of
from tracer.diagnose.given import require_trace
from tracer.diagnose.local_rules import WRONG_SIGN, key_of
from tracer.diagnose.mistakes import explanations, sizes
from tracer.diagnose.odd_claims import OddCase, is_odd
from tracer.diagnose.question import Explanation, Question, is_nearer
from tracer.diagnose.rearranged import is_shuffled
from tracer.diagnose.reshaped import dimensions_of
from tracer.diagnose.rounded import digits_apart, rounded_to
from tracer.diagnose.shared_factors import Compared, SharedFactor, shared_factor
from tracer.diagnose.terms import Followed, described
from tracer.diagnose.tried import Tried, WrongRule, texts_of
from tracer.diagnose.verdict import Audit, Verdict, with_doubt
from tracer.diagnose.witnesses import beside_right
from tracer.diagnose.wrong_rules import wrong_rules
from tracer.errors import UsageError
from tracer.numbers_text import DIGITS, clean, listed, norm, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tracer.diagnose.terms import Terms
    from tracer.source import Site
    from tracer.trace import Trace

TOLERANCES = {8: 1e-7, 4: 1e-4, 2: 1e-2}
"""By bytes of a real number, of claim or gradient the fewer: how far, of itself, a right gradient may be off."""
_MOST_SITES = 1000
_ALSO = 2
_LIKELY = 2.0  # what a factor costs that has a name


def audit(
    trace: Trace, claims: Mapping[str, Any], *, rtol: float | None = None, atol: float | None = None
) -> Audit:
    """Say of each claimed gradient whether it is right, and else which mistake gives that number.

    `claims` are numbers, arrays or tensors by name, as `trace[name]` takes it: inputs and variables; or structures as
    in `trace.grads`. A claim is right that differs by at most `atol + rtol × |gradient|`; by default `rtol` is 1e-7,
    1e-4 where the claim or the gradient is in single precision, 1e-2 in half, and `atol` is `rtol` of the largest term
    that the gradient is a sum of. Where no tolerance is given, the gradient in three digits or more is right, too,
    unless a mistake gives just that number. A claim of another shape, of no numbers, or that is not finite gets a
    verdict of its own. Raises LookupNameError for a name that the trace does not have.
    """
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if tolerance is not None and not is_tolerance(tolerance):
            raise UsageError(
                f"{name} is no tolerance", got=f"got {tolerance!r}", advice="give a number from 0 on"
            )
    require_trace(trace, "audit")
    ordered = claims_of(trace, claims)
    followed = Followed(trace)
    dimensions = dimensions_of(trace)
    verdicts: list[Verdict] = []
    tried = Tried()
    with np.errstate(all="ignore"):
        cases = [_Case(claim, followed, dimensions, tried, rtol, atol) for claim in ordered]
        compared = [case.compared() for case in cases if not is_odd(case.claim)]
        tried.right = [
            claim for claim in ordered for each in compared if each.is_right and each.name == claim.name
        ]
        shared = shared_factor(trace, compared)
        for claim, case in zip(ordered, cases, strict=True):
            verdict = case.odd_verdict() if is_odd(claim) else case.verdict(shared)
            if not verdict.ok and not any(each.is_first for each in verdicts):
                verdict = replace(verdict, is_first=True)
            is_other = verdict.kind not in ("match", "follows") or verdict.is_rounded
            if is_other and claim.value.shape == np.shape(claim.node.grad):
                followed.put(claim.name, claim.node, claim.value)
            if verdict.is_rounded:
                tried.rounded.add(claim.name)
            verdicts.append(verdict)
    return Audit(trace.function, with_doubt(verdicts))


class _Case:
    """One claim, and what it is compared with."""

    def __init__(
        self,
        claim: Claim,
        followed: Followed,
        dimensions: dict[int, str],
        tried: Tried,
        rtol: float | None,
        atol: float | None,
    ) -> None:
        self.claim, self.followed, self.dimensions, self.tried = claim, followed, dimensions, tried
        self.given = rtol, atol
        self.has_tolerance = self.given != (None, None)
        self.expected = np.asarray(claim.node.grad)
        is_one = claim.value.size == 1 == self.expected.size
        self.claimed = claim.value.reshape(self.expected.shape) if is_one else claim.value
        size = min(_bytes(np.asarray(each)) for each in (self.expected, claim.value))
        self.rtol = TOLERANCES.get(size, TOLERANCES[8]) if rtol is None else rtol
        self.atol = atol

    def compared(self) -> Compared:
        """Return what is looked at for a factor that claims have in common."""

        def is_made_by(numbers: Any) -> bool:
            made = np.reshape(numbers, self.expected.shape)
            return self.is_same(self.claimed, made, 0.0) and is_nearer(self.claimed, made, self.expected)

        is_right = self.is_right(self.claimed, self.expected)
        return Compared(self.claim.name, self.claim.node, self.claimed, self.expected, is_right, is_made_by)

    def odd_verdict(self) -> Verdict:
        """Judge a claim that can't be compared number by number."""

        def judged(numbers: Any) -> Verdict:
            claim = replace(self.claim, value=numbers)
            return _Case(claim, self.followed, self.dimensions, self.tried, *self.given).verdict(None)

        terms = self.followed.terms(self.claim.node, as_recorded=True)
        return OddCase(
            self.claim, terms, self.is_right, judged, self.tried.spoiled, self.dimensions
        ).verdict()

    def verdict(self, shared: SharedFactor | None) -> Verdict:
        """Judge the claim."""
        node = self.claim.node
        if self.is_right(self.claimed, self.expected):
            return self._told("match", "right", site=node.site)
        terms = self.followed.terms(node)
        place = terms.site
        names = self.followed.names(node) if self.followed.is_changed else []
        true_terms = self.followed.terms(node, as_recorded=True) if names else terms
        if names:
            total = np.asarray(terms.total)
            scale = terms.largest
            is_other = not self.is_same(total, self.expected, scale)
            if is_other and self.is_same(self.claimed, total, scale):
                lead = listed(names, _ALSO)
                if self.tried.rounded.issuperset(names):
                    text = f"right, given the rounded {lead}"
                    return self._told("match", text, site=node.site, terms=terms)
                text = f"right, given what is claimed for {lead}"
                return self._told("follows", text, site=place, follows=tuple(names), terms=true_terms)
        # Zero, to within the rounding of what cancels
        if self.is_same(self.claimed, self.expected, true_terms.scale):
            return self._told("match", "right", site=node.site)
        if shared is not None and self.claim.name in shared.names:
            return self._shared(shared, self._asked(true_terms))
        # Its own mistake was made with what came before it, or beside that: whichever assumes less.
        ways = (
            [(self._asked(terms), names), (self._asked(true_terms), [])]
            if names
            else [(self._asked(terms), [])]
        )
        told = [(asked, found, given) for asked, given in ways if (found := explanations(asked))]
        if not told:
            return self._wrong_rule(ways) or self._rounded(terms, true_terms) or self._unknown(ways[0][0])
        asked, found, given = min(told, key=lambda each: each[1][0].cost)
        return self._by_rule(asked, found[0], given) or self._explained(asked, found, given)

    def _shared(self, shared: SharedFactor, asked: Question) -> Verdict:
        """Tell of a factor that several claims have in common: all but the first follow from it."""
        first, *others = shared.names
        site = asked.terms.site
        if self.claim.name != first:
            text = f"right, given the mistake that {first} shows"
            return self._told("follows", text, site=site, follows=(first,), terms=asked.terms)
        rules = wrong_rules(asked, self.tried, is_on_way=True)
        name, _ = named_factor(asked, shared.factor)
        is_sign = abs(shared.factor + 1) <= SIGN_OFF
        if rules and not name and not is_sign:
            return self._told("wrong-rule", texts_of(rules), site=rules[0].node.site, terms=asked.terms)
        shown = f"{listed(others, _ALSO)} {'shows' if len(others) == 1 else 'show'} it, too"
        if shared.node is not None and not name and not is_sign:
            terms = self.followed.terms(shared.node, as_recorded=True)
            claim = replace(
                self.claim, node=shared.node, value=shared.factor * np.asarray(shared.node.grad)
            )
            inside = _Case(claim, self.followed, self.dimensions, self.tried, *self.given)
            told = inside.explained_alone(terms)
            if told is not None:
                return replace(told, name=self.claim.name, message=f"{told.message}; {shown}")
        what = "all that is claimed"
        if shared.node is not None:
            where, named = described(shared.node, self.followed.turns), clean(shared.node.name or "")
            is_told = not named or f"{named} = " in where
            what = f"what comes back to {where if is_told else f'{named} ({where})'}"
        size = name or number(shared.factor)
        said = "has the wrong sign" if is_sign else f"is {size} times what it should be"
        reason = reason_of(self.dimensions, shared.factor)
        text = f"{what} {said}{reason}; {shown}"
        if rules:
            text += f"; as well explained by wrong-rule: {texts_of(rules)}"
        also = ("wrong-rule",) if rules else ()
        return self._told("sign" if is_sign else "scale", text, site=site, terms=asked.terms, also=also)

    def explained_alone(self, terms: Terms) -> Verdict | None:
        """Tell of the mistake that gives the claim, if it is more than a factor."""
        named = clean(self.claim.node.name or "")
        asked = replace(self._asked(terms), name=named or described(self.claim.node, self.followed.turns))
        found = [each for each in explanations(asked) if each.kind != "scale"]
        if found:
            return self._explained(asked, found, [])
        rules = wrong_rules(asked, self.tried)
        return self._told_rules(asked, rules, []) if rules else None

    def _by_rule(self, asked: Question, best: Explanation, names: list[str]) -> Verdict | None:
        """Prefer a wrong rule, where there is one, to what any number may be: a strange factor, some set of uses."""
        is_set = best.kind == "missing-uses" and best.cost > 1 and len(best.uses) < asked.terms.count
        is_factor = best.kind == "scale" and best.cost > _LIKELY
        if names or not (is_set or is_factor or best.kind == "swapped"):
            return None
        rules = wrong_rules(asked, self.tried)
        if best.kind == "swapped" and rules and not rules[0].of:
            text = f"{best.text}; as well explained by wrong-rule: {texts_of(rules)}"
            return self._told(
                "swapped", text, site=asked.terms.site, terms=asked.terms, also=("wrong-rule",)
            )
        return self._told_rules(asked, rules, names) if rules else None

    def is_right(self, claimed: Any, expected: Any) -> bool:
        """Tell whether a gradient is what it should be."""
        return self.is_same(claimed, expected, np.abs(expected).max(initial=0))

    def is_same(self, left: Any, right: Any, scale: float) -> bool:
        """Tell whether two gradients are the same to within the tolerance; what is not finite in both is."""
        left, right = np.asarray(left), np.asarray(right)
        if left.shape != right.shape:
            return False
        atol = self.rtol * (scale if np.isfinite(scale) else 0.0) if self.atol is None else self.atol
        distance = np.abs(left - right)
        is_near = (distance <= atol + self.rtol * np.abs(right)) & np.isfinite(distance)
        return bool(np.all(is_near | (left == right) | np.isnan(left) & np.isnan(right)))

    def _asked(self, terms: Terms) -> Question:
        # A mistake must give what is claimed more closely than the right gradient does.
        scale = min(terms.largest, float(np.abs(self.claimed).max(initial=0))) if terms.count else 0.0

        def same(left: Any, right: Any) -> bool:
            return self.is_same(np.asarray(left), np.asarray(right), scale)

        return Question(clean(self.claim.name), self.claimed, terms, same, self.dimensions)

    def _explained(self, asked: Question, found: list[Explanation], names: list[str]) -> Verdict:
        best, *rest = found
        equal = [each for each in rest if each.cost <= best.cost]
        also = tuple(dict.fromkeys(each.kind for each in equal if each.kind != best.kind))
        text = best.text
        alike = [each for each in equal if each.kind == best.kind]
        if also:
            others = "; or ".join(f"{each.kind}: {each.text}" for each in equal if each.kind != best.kind)
            text += f"; as well explained by {others}"
        elif alike:
            text += (
                f"; as well explained by {len(alike):,} other set{'s' if len(alike) > 1 else ''} of uses"
            )
        if names:
            text += f"; given what is claimed for {listed(names, _ALSO)}"
        sites = [asked.terms.use(at).site for at in sorted(best.uses, reverse=True)[:_MOST_SITES]]
        uses = tuple(site for site in sites if site is not None)
        site = (
            uses[0] if uses and best.kind in ("missing-uses", "added-not-multiplied") else asked.terms.site
        )
        return self._told(
            best.kind,
            text,
            site=site or (uses[0] if uses else None),
            made=best.made,
            terms=asked.terms,
            uses=uses,
            also=also,
            follows=tuple(names),
        )

    def _wrong_rule(self, ways: list[tuple[Question, list[str]]]) -> Verdict | None:
        """Look for one operation whose local rule is wrong, further along than at the value."""
        for asked, names in ways:
            if found := wrong_rules(asked, self.tried):
                return self._told_rules(asked, found, names)
        return None

    def _told_rules(self, asked: Question, found: list[WrongRule], names: list[str]) -> Verdict:
        is_sign = any(key_of(each.text) == WRONG_SIGN for each in found)
        if first := found[0].of:
            text = f"right, given the {'mistake' if is_sign else 'wrong rule'} that {first} shows"
            site = asked.terms.site
            return self._told("follows", text, site=site, follows=(first,), terms=asked.terms)
        text = texts_of(found)
        if right := beside_right(found, self.tried.right):
            verb = "is right, which goes" if len(right) == 1 else "are right, which go"
            text += f"; {listed(right, _ALSO)} {verb} through it, too"
        if names:
            text += f"; given what is claimed for {listed(names, _ALSO)}"
        site = found[0].node.site
        kind = "sign" if is_sign else "wrong-rule"
        return self._told(kind, text, site=site, terms=asked.terms, follows=tuple(names))

    def _unknown(self, asked: Question) -> Verdict:
        terms = asked.terms
        text = "no known mistake gives this"
        if self.tried.is_cut:
            text += "; a wrong rule was looked for at the nearest operations only"
        if is_shuffled(self.claimed, asked.total, asked.same):
            text += "; its elements are the right ones in another order"
        if told := rounded_to(self.claimed, self.expected):
            text = f"right to the {told} in which it is written, but not to the tolerance that is given"
        if not terms.count:
            text = "the output does not depend on it, so its gradient is zero"
        if terms.count == 1:
            edge = terms.use(0)
            upstream = np.asarray(self.followed.node(edge))
            if upstream.shape == self.claimed.shape and asked.same(self.claimed, upstream):
                text += f"; it is what arrives at {terms.place(0)}, without the local partial there"
        return self._told("unknown", text, site=terms.site, terms=terms)

    def _rounded(self, terms: Terms, true_terms: Terms) -> Verdict | None:
        """Accept the right gradient in fewer digits, if nobody asked for more and no mistake gives just this number."""
        if self.has_tolerance:
            return None
        told, given, shown = rounded_to(self.claimed, self.expected), "", true_terms
        if (
            not told
            and (names := self.followed.names(self.claim.node))
            and self.tried.rounded.issuperset(names)
        ):
            told, given, shown = (
                rounded_to(self.claimed, terms.total),
                f", given the rounded {listed(names, _ALSO)}",
                terms,
            )
        if not told:
            return None
        text = f"right, to the {told} in which it is written{given}"
        verdict = self._told("match", text, site=self.claim.node.site, terms=shown)
        return replace(verdict, is_rounded=True)

    def _told(
        self,
        kind: str,
        text: str,
        *,
        site: Site | None,
        made: str = "",
        terms: Terms | None = None,
        uses: tuple[Site, ...] = (),
        also: tuple[str, ...] = (),
        follows: tuple[str, ...] = (),
    ) -> Verdict:
        claimed, expected = self.claimed, self.expected
        is_number = expected.ndim == 0
        arithmetic = ""
        if terms is not None:
            digits = digits_apart(claimed, expected) if is_number else DIGITS
            told = sizes(self._asked(terms), digits)
            claim = number(claimed, digits) if is_number else f"{norm(claimed)}"
            arithmetic = f"{told}; claimed {claim}{f' = {made}' if made not in ('', claim) else ''}"
            if claimed.shape == expected.shape and not (is_number and made):
                arithmetic += f", off by {norm(claimed - expected)}"
        return Verdict(
            self.claim.name,
            kind,
            site,
            text,
            claimed[()] if is_number else claimed,
            expected[()] if is_number else expected,
            arithmetic,
            uses,
            also,
            follows,
        )


def is_tolerance(given: Any) -> bool:
    """Say whether something is a real number from 0 on."""
    is_number = isinstance(given, (int, float, np.integer, np.floating)) and not isinstance(given, bool)
    return is_number and bool(np.isfinite(given)) and given >= 0


def _bytes(array: np.ndarray[Any, Any]) -> int:
    return array.dtype.itemsize // (2 if array.dtype.kind == "c" else 1) if array.dtype.kind in "fc" else 8
