"""The mistakes that hand-written backward passes make, as a table: what number each gives, and how it is told.

A hypothesis looks at the terms of a gradient and at what is claimed in its place, and answers with the explanations
that give the claimed numbers. One that assumes less has a lower cost. Used by audit.py.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from tracer.diagnose.factors import of_a_bound, of_all, of_one_use
from tracer.diagnose.question import Explanation
from tracer.diagnose.rearranged import of_order, of_wrong_axis
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

    from tracer.diagnose.question import Question

_LISTED = 4  # uses that a message names
_ZERO = "it was never computed, or set to zero again"


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


def _moved(asked: Question) -> Iterator[Explanation]:
    for kind, cost, text in of_order(asked):
        yield Explanation(kind, cost, text)
    if asked.claimed.shape == asked.total.shape:
        for text, made in of_wrong_axis(asked.terms, asked.claimed):
            if asked.is_made_by(made):
                yield Explanation("wrong-axis", 1, f"it is {text}")


def _mean(asked: Question) -> Iterator[Explanation]:
    """Look for a mean over the uses, or over the copies of a broadcast."""
    terms = asked.terms
    for what, parts in asked.parts():
        if np.any(asked.total) and asked.is_made_by(asked.total / len(parts)):
            text = f"{asked.name} {what}, whose gradients are added; claimed is their mean"
            made = f"({addends(parts[::-1, 0])})/{len(parts):,}" if asked.is_number else ""
            yield Explanation("mean-not-sum", 1, text, made, tuple(range(terms.count)))
    copies = terms.copies
    if terms.count and (copies > 1).any() and asked.is_made_by(np.sum(terms.terms / copies[:, None], 0)):
        at = int(np.argmax(copies))
        text = f"{asked.name} is broadcast to {int(copies[at]):,} copies, whose gradients are added"
        text += "; claimed is their mean"
        yield Explanation("mean-not-sum", 1, text, "", (at,))


def _product(asked: Question) -> Iterator[Explanation]:
    for what, parts in asked.parts():
        if np.any(asked.claimed) and asked.is_made_by(np.prod(parts, 0)):
            text = f"{asked.name} {what}, whose gradients are added; claimed is their product"
            is_short = asked.is_number and len(parts) <= _LISTED
            made = " × ".join(map(number, parts[::-1, 0])) if is_short else ""
            yield Explanation("product-not-sum", 1, text, made, tuple(range(asked.terms.count)))


def _missing(asked: Question) -> Iterator[Explanation]:
    """Look for uses that were not added."""
    terms = asked.terms
    if terms.count == 1 and not np.any(asked.claimed) and asked.is_made_by(np.zeros_like(asked.total)):
        text = f"the one use of {asked.name}, {terms.place(0)}, was not added: {_ZERO}"
        yield Explanation("missing-uses", 2, text, "0", (0,))
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
    users = [which for which in asked.users if set(which) <= set(missing)]
    cost = float(min(len(users) if sum(map(len, users)) == len(missing) else len(missing), 1 + len(there)))
    if not there:
        text = f"none of the {count:,} uses of {asked.name} was added: {_ZERO}"
        return Explanation("missing-uses", 2, text, "0", missing)
    if not np.any(asked.claimed):  # what is there is zero itself
        text = f"it is zero: {_ZERO}; or overwritten with = by a use that sends nothing back; {lacks}"
        return Explanation("missing-uses", 2, text, "0", missing)
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
    _moved,
    _missing,
    _mean,
    _product,
    _added,
    of_a_bound,
    of_all,
    of_one_use,
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
