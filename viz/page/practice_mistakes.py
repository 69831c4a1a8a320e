"""The wrong numbers of an exercise: which mistake gives each. Used by practice.py.

The mistakes and their words are those of `tracer.diagnose.mistakes`. Only what a reader can tell from the right number
is listed: neither what gives it by chance, nor what differs from it by less than the numbers are rounded by.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.mistakes import explanations
from tracer.diagnose.question import Question
from viz import labels

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tracer.diagnose.terms import Terms

    Row = tuple[float, str, str, str]

EXACT = 1e-9  # what two numbers may differ by, of themselves, to be the same mistake
APART = 4.0  # errors of reading by which a mistake differs from the answer, at least


def mistakes_of(
    name: str, terms: Terms, error: float, factors: tuple[float, float] | None = None
) -> list[dict[str, Any]]:
    """Make each mistake with a few terms, or with the two factors of one, and have the table say what it is."""
    rows = []
    for number in _wrong_numbers(terms):
        found = explanations(Question(name, np.asarray(number), terms, _is_same, {}))
        rows += [
            (number, each.kind, each.text.replace("claimed is", "this is"), each.made)
            for each in found
            if each.cost == found[0].cost
        ]
    if factors is not None and terms.added is None:
        text = f"upstream × local partial is what comes back from {terms.place(0)}; this is their sum"
        made = "({} + {})".format(*map(labels.number, factors))
        rows.insert(0, (sum(factors), "added-not-multiplied", text, made))
    return _listed(rows, float(terms.total), error)


def mistakes_of_parts(
    name: str, parts: Sequence[float], total: float, count: int, error: float
) -> list[dict[str, Any]]:
    """Make each mistake with a sum of many uses, told as the first to arrive, those between, and the last."""
    first, between, last = parts
    uses = f"{name} has {count:,} uses, whose gradients are added"
    shown = [labels.number(part) for part in parts]
    early = "it fired before all had arrived: only the first"
    rows: list[Row] = [
        (total / count, "mean-not-sum", f"{uses}; this is their mean", f"{labels.number(total)}/{count:,}"),
        (total / 3, "mean-not-sum", f"{uses}; this is the mean of three sums", f"({' + '.join(shown)})/3"),
        (
            last,
            "missing-uses",
            "only the last to arrive is in it: overwritten with = instead of +=",
            shown[2],
        ),
        (first, "missing-uses", f"{early} of {count:,} to arrive is in it", shown[0]),
        (total - last, "missing-uses", f"{early} {count - 1:,} of {count:,} to arrive are in it", ""),
        (total - first, "missing-uses", "the first to arrive is missing", ""),
        (between, "missing-uses", "the first and the last to arrive are missing", shown[1]),
        (first + last, "missing-uses", f"only two of {count:,} uses are in it", f"{shown[0]} + {shown[2]}"),
        (first * between * last, "product-not-sum", f"{uses}; this is a product", " × ".join(shown)),
        (-total, "sign", "it has the wrong sign", f"−({labels.number(total)})"),
        (0.0, "missing-uses", f"none of the {count:,} uses of {name} was added", "0"),
    ]
    return _listed(rows, total, error)


def _listed(rows: Sequence[Row], answer: float, error: float) -> list[dict[str, Any]]:
    """Take those that a reader can tell from the answer; two that give the same number are told as one or the other."""
    told: list[dict[str, Any]] = []
    for number, kind, text, made in rows:
        if not math.isfinite(number) or abs(number - answer) <= APART * error:
            continue
        if labels.number(number) == labels.number(answer):
            continue
        alike = next((each for each in told if _is_same(number, each["number"])), None)
        if alike is None:
            told.append({"number": number, "kind": kind, "text": text, "made": made})
        elif text != alike["text"] and "or" not in alike:
            alike["or"] = text
    return told


def _wrong_numbers(terms: Terms) -> Iterator[float]:
    """Give the numbers of the mistakes that people make, the likeliest first."""
    numbers, total = terms.terms[:, 0], float(terms.total)
    if terms.count > 1:
        yield total / terms.count
        yield float(np.prod(numbers))
        yield from numbers.tolist()
        yield from (total - numbers).tolist()
        yield from np.cumsum(numbers).tolist()
    if terms.added is not None:
        sums = terms.added[:, 0]
        yield float(sums.sum())
        yield from (total - numbers + sums).tolist()
    yield -total
    yield 0.0


def _is_same(first: Any, second: Any) -> bool:
    return bool(np.all(np.abs(first - second) <= EXACT * np.maximum(np.abs(first), np.abs(second))))
