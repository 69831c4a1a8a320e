"""Exercises: gradients to fill in, and which wrong number each known mistake gives.

The mistakes and their words are those of `tracer.diagnose.mistakes`; they are made here, and the page only compares.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.mistakes import Question, explanations
from tracer.diagnose.terms import Followed, Terms
from viz import labels

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from viz.page.numbering import Numbering

MOST = 120  # exercises of one page
MOST_TERMS = 8  # of a sum that a person adds up; every one of them may be left out
EXACT = 1e-9  # what two numbers may differ by, of themselves, to be the same mistake


def exercises(nodes: Sequence[Any], numbers: Numbering) -> list[dict[str, Any]]:
    """Return what is to be filled in, in the order in which the backward pass comes to it.

    Of an edge into a function node, its product; of an edge into a splitter, its sum. Numbers alone, and finite ones.
    """
    edges = [edge for node in nodes for edge in node.in_edges if edge.step is not None]
    edges = [edge for edge in edges if numbers.edge(edge) is not None]
    if not edges:
        return []
    followed = Followed(edges[0].trace)
    edges = [edge for edge in edges if edge.dst.kind != "output" and _is_number(edge.grad)]
    with np.errstate(all="ignore"):
        told = (_exercise(edge, followed, numbers) for edge in sorted(edges, key=lambda edge: edge.step))
        return [each for each, _ in zip((each for each in told if each), range(MOST), strict=False)]


def _is_number(grad: Any) -> bool:
    return isinstance(grad, (float, np.floating)) and math.isfinite(grad)


def _exercise(edge: Any, followed: Followed, numbers: Numbering) -> dict[str, Any] | None:
    node = edge.dst
    if node.kind == "splitter":
        terms = followed.terms(edge.src)
        if node.op != "copy" or not 1 < terms.count <= MOST_TERMS:
            return None
    else:
        terms = Terms(edge.src, edge.grad, [edge.index], np.array([[float(edge.grad)]]), followed)
    name = labels.name(edge.src.label or edge.src.name or edge.src.op)
    return {"edge": numbers.edge(edge), "answer": float(edge.grad), "mistakes": _mistakes(name, terms)}


def _mistakes(name: str, terms: Terms) -> list[dict[str, Any]]:
    """Make each mistake, and have the table say what it is; what gives the right number is none."""
    told: list[dict[str, Any]] = []
    total = float(terms.total)
    for number in _wrong_numbers(terms):
        if not math.isfinite(number) or _is_same(number, total):
            continue
        if any(_is_same(number, each["number"]) for each in told):
            continue
        found = explanations(Question(name, np.asarray(number), terms, _is_same, {}))
        if found:
            told.append(
                {
                    "number": number,
                    "kind": found[0].kind,
                    "text": found[0].text.replace("claimed is", "this is"),
                    "made": found[0].made,
                }
            )
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
