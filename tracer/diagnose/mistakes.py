"""The mistakes that hand-written backward passes make, as a table: what number each gives, and how it is told.

A hypothesis looks at the terms of a gradient and at what is claimed in its place, and answers with the explanations
that give the claimed numbers. One that assumes less has a lower cost. Used by audit.py.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.subsets import left_out
from tracer.diagnose.terms import described
from tracer.diagnose.training_mistakes import (
    of_examples,
    of_others,
    of_overwritten_parts,
    of_triangles,
    of_weights,
    one_of_copies,
)
from tracer.numbers_text import DIGITS, addends, norm, number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tracer.diagnose.terms import Terms

Array = np.ndarray[Any, Any]
_LISTED = 4  # uses that a message names
_NEARER = 0.05  # of the distance to the right gradient
_WEIGHED = 200  # uses of which one may have a factor
_NEARLY = SIGN_OFF = 1e-6  # of a factor
_TELLING = 1e-3  # of the largest element: by what is smaller, any factor is as good
_ROUND = 2  # digits in which people write a bound
_RATE = 0.1  # that a learning rate is at most, if nothing else shows that it is one
_WHOLE = 10  # factors from 2 to this are looked for in numbers


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


def explanations(question: Question) -> list[Explanation]:
    """Return all single mistakes that give the claimed gradient, those that assume least first."""
    found: list[Explanation] = []
    for hypothesis in HYPOTHESES:
        found += hypothesis(question)
    least = min((each.cost for each in found if each.kind != "scale"), default=math.inf)
    # A factor tells less than the mistake that made it
    found = [each for each in found if each.kind != "scale" or each.cost < least]
    return sorted(found, key=lambda each: each.cost)


def _sign(asked: Question) -> Iterator[Explanation]:
    if np.any(asked.total) and asked.is_made_by(-asked.total):
        yield Explanation(
            "sign", 1, "it has the wrong sign", f"−({number(asked.total)})" if asked.is_number else ""
        )


def _transposed(asked: Question) -> Iterator[Explanation]:
    claimed, total = asked.claimed, asked.total
    if total.ndim > 1 and claimed.shape == total.shape[::-1] and asked.same(np.transpose(claimed), total):
        is_told = claimed.shape != total.shape
        how = f": {claimed.shape}, expected" if is_told else ", which its shape does not show:"
        yield Explanation("transposed", 1, f"it is transposed{how} {total.shape}")


def _mean(asked: Question) -> Iterator[Explanation]:
    """Look for a mean over the uses, or over the copies of a broadcast."""
    terms = asked.terms
    if terms.count > 1 and np.any(asked.total) and asked.is_made_by(asked.total / terms.count):
        text = f"{asked.name} has {terms.count:,} uses, whose gradients are added; claimed is their mean"
        made = f"({asked.sum_text()})/{terms.count:,}" if asked.is_number else ""
        yield Explanation("mean-not-sum", 1, text, made, tuple(range(terms.count)))
    copies = terms.copies
    if terms.count and (copies > 1).any() and asked.is_made_by(np.sum(terms.terms / copies[:, None], 0)):
        at = int(np.argmax(copies))
        text = f"{asked.name} is broadcast to {int(copies[at]):,} copies, whose gradients are added"
        text += "; claimed is their mean"
        yield Explanation("mean-not-sum", 1, text, "", (at,))


def _product(asked: Question) -> Iterator[Explanation]:
    terms = asked.terms
    if terms.count > 1 and np.any(asked.claimed) and asked.is_made_by(np.prod(terms.terms, 0)):
        text = f"{asked.name} has {terms.count:,} uses, whose gradients are added; claimed is their product"
        made = (
            " × ".join(map(number, terms.terms[:, 0][::-1]))
            if asked.is_number and terms.count <= _LISTED
            else ""
        )
        yield Explanation("product-not-sum", 1, text, made, tuple(range(terms.count)))


def _missing(asked: Question) -> Iterator[Explanation]:
    """Look for uses that were not added."""
    terms = asked.terms
    if terms.count == 1 and not np.any(asked.claimed) and asked.is_made_by(np.zeros_like(asked.total)):
        yield Explanation(
            "missing-uses", 2, f"the one use of {asked.name}, {terms.place(0)}, was not added", "0", (0,)
        )
    if terms.count < 2:
        return
    told: set[tuple[int, ...]] = set()
    for missing in left_out(terms.terms, np.ravel(asked.claimed), asked.same):
        users = tuple(terms.use(at).index for at in missing)  # W * W: either operand is as good
        if users not in told and any(np.any(terms.terms[at]) for at in missing):
            told.add(users)
            yield _told_missing(asked, missing)


def _told_missing(asked: Question, missing: tuple[int, ...]) -> Explanation:
    terms, count = asked.terms, asked.terms.count
    there = sorted(set(range(count)) - set(missing))
    made = addends(terms.terms[there[::-1], 0]) if asked.is_number and there else ""
    lacks = _lacks(asked, missing)
    cost = float(min(len(missing), 1 + len(there)))
    if not there:
        return Explanation(
            "missing-uses", 2, f"none of the {count:,} uses of {asked.name} was added", "0", missing
        )
    if there == [count - 1]:
        text = (
            f"only the last to arrive, {terms.place(there[0])}, is in it: overwritten with = instead of +="
        )
        if len({terms.use(at).index for at in missing}) == 1:
            text += ", or the other was forgotten"
        return Explanation("missing-uses", 1, f"{text}; {lacks}", made, missing)
    if there == list(range(len(there))):
        number_of = "the first" if len(there) == 1 else f"the first {len(there):,}"
        verb = "is" if len(there) == 1 else "are"
        text = f"it fired before all had arrived: only {number_of} of {count:,} to arrive {verb} in it"
        if len(there) == 1:
            text += ", or it was overwritten with = in the order of the program"
        return Explanation("missing-uses", 1, f"{text}; {lacks}", made, missing)
    return Explanation("missing-uses", cost, f"{lacks}", made, missing)


def _lacks(asked: Question, missing: tuple[int, ...]) -> str:
    """Say which uses are missing, in the order of the program."""
    terms = asked.terms
    by_user: dict[int, list[int]] = {}
    for at in sorted(missing, reverse=True):
        by_user.setdefault(terms.use(at).index, []).append(at)
    places = [
        terms.place(which[0]) if len(which) == 1 else described(terms.use(which[0]), terms.follower.turns)
        for which in itertools.islice(by_user.values(), _LISTED)
    ]
    if len(by_user) == 1:
        alike = "" if terms.twin(missing[0]) is None or len(missing) > 1 else ", one of several like it,"
        return f"the use of {asked.name} by {places[0]}{alike} is missing"
    more = f" and {len(by_user) - len(places):,} more" if len(by_user) > len(places) else ""
    return f"{len(by_user):,} uses of {asked.name} are missing: {', '.join(places)}{more}"


def _added(asked: Question) -> Iterator[Explanation]:
    """Look for function nodes at which upstream and local partial were added."""
    terms = asked.terms
    sums = terms.added
    if sums is None or not terms.count:
        return
    if asked.is_made_by(np.sum(sums, 0)):
        yield _told_added(asked, tuple(range(terms.count)), 1)
    elif terms.count > 1:
        made = np.ravel(asked.total) - terms.terms + sums
        off = np.abs(made - np.ravel(asked.claimed)).max(1, initial=0.0)
        found = itertools.takewhile(
            lambda at: asked.is_made_by(made[at]), np.argsort(off, kind="stable").tolist()
        )
        for at in sorted(found):
            yield _told_added(asked, (at,), 1.5)


def _told_added(asked: Question, which: tuple[int, ...], cost: float) -> Explanation:
    terms = asked.terms
    at = which[-1]
    places = ", ".join(terms.place(each) for each in sorted(which, reverse=True)[:_LISTED])
    text = f"upstream × local partial is what comes back from {places}; claimed is their sum"
    made = ""
    if asked.is_number:
        from tracer.views import Edge  # noqa: PLC0415  (for the two factors alone)

        parts = []
        for each in sorted(range(terms.count), reverse=True)[:_LISTED]:
            edge = Edge(terms.node.trace, terms.edges[each])
            if each in which:
                upstream = terms.gradient(edge.dst)
                parts.append(f"({number(upstream)} + {number(edge.local)})")
            else:
                parts.append(number(terms.terms[each, 0]))
        made = " + ".join(parts) + (" + …" if terms.count > _LISTED else "")
    return Explanation("added-not-multiplied", cost, text, made, which or (at,))


def _scale(asked: Question) -> Iterator[Explanation]:
    """Look for a constant factor: any for arrays; for a number, which is a multiple of every other, a likely one."""
    claimed, total = np.ravel(asked.claimed), np.ravel(asked.total)
    square = float(np.sum(np.abs(total) ** 2))
    if not square or not np.any(claimed):
        return
    factor = float(np.sum((claimed * np.conj(total)).real)) / square
    if not np.isfinite(factor) or factor in (0.0, 1.0) or not asked.is_made_by(factor * total):
        return
    name, cost = named_factor(asked, factor)
    is_telling = np.count_nonzero(np.abs(total) > _TELLING * np.abs(total).max()) > 1
    if not name and not is_telling:
        return
    made = f"{name or number(factor)} × {number(asked.total)}" if asked.is_number else ""
    reason = reason_of(asked.dimensions, factor)
    size = float(np.linalg.norm(claimed))
    if (
        not (name or reason)
        and 0 < factor < 1
        and math.isclose(size, float(f"{size:.{_ROUND}g}"), rel_tol=_NEARLY)
    ):
        reason = f"; so is a gradient whose norm is clipped to {number(size)}"
    text = f"it is {name or number(factor)} times what it should be{reason}"
    yield Explanation("scale", cost, text, made)


def _one_scaled(asked: Question) -> Iterator[Explanation]:
    """Look for one use, or all of a line, with a factor too many: twice the weight decay, a sign, a mean."""
    terms = asked.terms
    if not 1 < terms.count <= _WEIGHED:
        return
    change = np.ravel(asked.claimed) - np.ravel(asked.total)
    users: dict[Any, list[int]] = {}
    for at in range(terms.count):
        users.setdefault(terms.use(at).index, []).append(at)  # both operands of W * W
    lines: dict[Any, list[int]] = {}
    for at in range(terms.count):
        lines.setdefault((terms.use(at).op, terms.use(at).site), []).append(at)
    several = [
        which for which in lines.values() if len(which) < terms.count and which not in users.values()
    ]
    for which in (*several, *users.values()):
        term = terms.terms[which].sum(0)
        square = float(np.sum(np.abs(term) ** 2))
        if not square or not np.isfinite(square):
            continue
        factor = 1 + float(np.sum((change * np.conj(term)).real)) / square
        is_all = which in several
        is_sign, is_gone = abs(factor + 1) <= _NEARLY, is_all and abs(factor) <= _NEARLY
        is_telling = np.count_nonzero(term) > 1 and factor > 0
        name = "0" if is_gone else "−1" if is_sign else named_factor(asked, factor)[0] if is_telling else ""
        if name and asked.is_made_by(np.ravel(asked.total) + (factor - 1) * term):
            where = described(terms.use(which[0]), None if is_all else terms.follower.turns)
            where += f", in all {len(which):,} runs," if is_all else ""
            how = "with the wrong sign" if is_sign else f"{name} times{reason_of(asked.dimensions, factor)}"
            text = f"what comes back from {where} is {'missing' if is_gone else f'in it {how}'}"
            yield Explanation(
                "missing-uses" if is_gone else "scale", 1.9 if is_all else 2.0, text, "", tuple(which)
            )


def _clipped(asked: Question) -> Iterator[Explanation]:
    """Look for a gradient that was clipped, as against those that explode."""
    claimed, total = asked.claimed, asked.total
    most = float(np.abs(claimed).max(initial=0.0))
    if np.iscomplexobj(total) or not most or not np.any(np.abs(claimed) < most):
        return
    if asked.is_made_by(np.clip(total, -most, most)):
        is_cut = np.abs(total) > most
        count, kept = int(np.count_nonzero(is_cut)), np.unique(np.abs(total[~is_cut]))
        if (count == 1 or np.count_nonzero(kept > _NEARLY * most) <= 1) and not math.isclose(
            most, float(f"{most:.{_ROUND}g}"), rel_tol=_NEARLY
        ):
            return  # any number that is too small may be called clipped, and so may any of one size
        others = "; the others are right" if count < total.size else ""
        text = f"{count:,} of {total.size:,} elements are clipped at ±{number(most)}{others}"
        yield Explanation("clipped", 1, text)


def named_factor(asked: Question, factor: float) -> tuple[str, float]:
    """Return a factor as people write it, and how much it assumes; empty for one that nobody would."""
    sign, size = ("−" if factor < 0 else ""), abs(factor)
    near = _NEARLY * size

    def is_near(other: float) -> bool:
        return abs(size - other) <= near

    wholes = [*range(2, _WHOLE + 1), *asked.dimensions, asked.terms.count, 100, 1000]
    for whole in wholes:
        if whole > 1 and is_near(whole):
            return f"{sign}{whole:,}", 2.0
        if whole > 1 and is_near(1 / whole):
            return f"{sign}1/{whole:,}", 2.0
    return "", 3.0


def reason_of(dimensions: dict[int, str], factor: float) -> str:
    """Return what a factor may come from: the length of an axis, or a learning rate."""
    size = abs(factor)
    for whole, what in dimensions.items():
        if whole > 2 and min(abs(size - whole) / whole, abs(size * whole - 1)) <= _NEARLY:
            claimed, written = ("mean", "sum") if size < 1 else ("sum", "mean")
            return f"; {whole:,} is the length of {what}: a {claimed} where the program has a {written}"
    if size < 1 and math.isclose(size, float(f"{size:.{_ROUND}g}"), rel_tol=_NEARLY):
        if factor < 0:
            return f"; so is a step against the gradient with a learning rate of {number(size)}"
        if size <= _RATE:
            return f"; so is a gradient with a learning rate of {number(size)} in it"
    return ""


def _of_training(asked: Question) -> Iterator[Explanation]:
    """Look for what a training loop makes of a gradient."""
    for found in (of_weights(asked), of_others(asked), of_triangles(asked)):
        for kind, cost, text in found:
            yield Explanation(kind, cost, text)
    # Of one element of an array, too: the arrays that it comes from are not those of its terms
    if asked.is_number:
        return
    for kind, cost, text, at in (*of_examples(asked), *one_of_copies(asked)):
        yield Explanation(kind, cost, text, "", (at,))
    for kind, cost, text, which in of_overwritten_parts(asked):
        yield Explanation(kind, cost, text, "", which)


HYPOTHESES: tuple[Callable[[Question], Iterator[Explanation]], ...] = (
    _sign,
    _transposed,
    _missing,
    _mean,
    _product,
    _added,
    _clipped,
    _scale,
    _one_scaled,
    _of_training,
)


def sizes(asked: Question, digits: int = DIGITS) -> str:
    """Write the arithmetic that is right: the sum of the terms, or of arrays its norm and the number of uses."""
    terms = asked.terms
    if not asked.is_number:
        uses = f" from {terms.count:,} uses" if terms.count > 1 else ""
        return f"{norm(asked.total)}{uses}"
    if terms.count > 1:
        return f"{asked.sum_text(digits)} = {number(asked.total, digits)}"
    return number(asked.total, digits)
