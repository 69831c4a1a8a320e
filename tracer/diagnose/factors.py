"""A factor or a sign that is wrong, of all of a gradient or of one use, and a bound. Used by mistakes.py.

Hypotheses as in mistakes.py, whose table they are part of.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.question import WEIGHED, Explanation
from tracer.diagnose.terms import described
from tracer.numbers_text import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.diagnose.question import Question

_NEARLY = SIGN_OFF = 1e-6  # of a factor
_TELLING = 1e-3  # of the largest element: by what is smaller, any factor is as good
_ROUND = 2  # digits in which people write a bound
_RATE = 0.1  # that a learning rate is at most, if nothing else shows that it is one
_WHOLE = 10  # factors from 2 to this are looked for in numbers


def of_all(asked: Question) -> Iterator[Explanation]:
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


def of_one_use(asked: Question) -> Iterator[Explanation]:
    """Look for one use, or all of a line, with a factor too many: twice the weight decay, a sign, a mean."""
    terms = asked.terms
    if not 1 < terms.count <= WEIGHED:
        return
    change = np.ravel(asked.claimed) - np.ravel(asked.total)
    lines: dict[Any, list[int]] = {}
    for at in range(terms.count):
        lines.setdefault((terms.use(at).op, terms.use(at).site), []).append(at)
    several = [which for which in lines.values() if len(which) < terms.count and which not in asked.users]
    for which in (*several, *asked.users):
        term = terms.terms[which].sum(0)
        square = float(np.sum(np.abs(term) ** 2))
        if not square or not np.isfinite(square) or asked.same(term, np.ravel(asked.total)):
            continue  # nothing, or all: what is wrong with that is told of the value
        factor = 1 + float(np.sum((change * np.conj(term)).real)) / square
        is_all = which in several
        is_sign, is_gone = abs(factor + 1) <= _NEARLY, is_all and abs(factor) <= _NEARLY
        is_twice = abs(factor - 2) <= _NEARLY  # which is not one of the factors that any number may be
        is_telling = is_twice or (np.count_nonzero(term) > 1 and factor > 0)
        name = "0" if is_gone else "−1" if is_sign else named_factor(asked, factor)[0] if is_telling else ""
        if name and asked.is_made_by(np.ravel(asked.total) + (factor - 1) * term):
            where = described(terms.use(which[0]), None if is_all else terms.follower.turns)
            where += f", in all {len(which):,} runs," if is_all else ""
            how = "with the wrong sign" if is_sign else f"{name} times{reason_of(asked.dimensions, factor)}"
            text = f"what comes back from {where} is {'missing' if is_gone else f'in it {how}'}"
            kind = "missing-uses" if is_gone else "sign" if is_sign else "scale"
            yield Explanation(kind, 1.9 if is_all else 2.0, text, "", tuple(which))


def of_a_bound(asked: Question) -> Iterator[Explanation]:
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
