"""Exercises: gradients to fill in, and which wrong number each known mistake gives.

A question is fair if the answer follows from what the reader sees, as it is rounded there, and if nobody who makes a
mistake is right by it: what can't be told apart from the answer is called no mistake. Of an array one item is asked
for. The words of the mistakes are those of `tracer.diagnose.mistakes`; the page only compares.
"""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tracer.diagnose.explain import named_operands
from tracer.diagnose.sums import uses_of
from tracer.diagnose.terms import Followed, Terms, when_of
from tracer.numbers_text import ROUNDED
from tracer.rules.kinds import Elementwise
from viz import labels, wording
from viz.page.practice_mistakes import mistakes_of, mistakes_of_parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from viz.page.numbering import Numbering

MOST = 120  # exercises of one view
MOST_TERMS = 8  # of a sum that a person adds up; every one of them may be left out
LARGEST = 100_000  # items of an array of which one is asked for
NAME_LIMIT = 90  # characters of what a number is called
ITEMS = 3  # the largest, of which the first is taken that can be asked for fairly


class Given(NamedTuple):
    """A number that a question tells: what it is, and the edge of the view whose gradient it is, if it is one."""

    name: str
    number: float
    edge: int | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """The exercises of a view, and how many gradients it does not ask for."""

    exercises: list[dict[str, Any]]
    unfair: int
    rest: int

    def data(self) -> dict[str, Any]:
        """Return them as the page has them."""
        return {"practice": self.exercises, "unasked": [self.unfair, self.rest]}


NOTHING_ASKED = Asked([], 0, 0)


def exercises(nodes: Sequence[Any], numbers: Numbering) -> Asked:
    """Return what is to be filled in of an exact graph, in the order in which the backward pass comes to it."""
    edges = [edge for node in nodes for edge in node.in_edges if edge.step is not None]
    edges = [edge for edge in edges if numbers.edge(edge) is not None and edge.dst.kind != "output"]
    if not edges:
        return NOTHING_ASKED
    asker = Asker(edges[0].trace, numbers, is_seen=True)
    edges.sort(key=lambda edge: edge.step)
    return as_many(map(asker.ask, edges), len(edges))


def as_many(told: Iterator[dict[str, Any] | None], count: int) -> Asked:
    """Take exercises, None for what is not fair, as far as a view has room for them; there may be `count`."""
    found, unfair = [], 0
    with np.errstate(all="ignore"):
        for each in told:
            if each is None:
                unfair += 1
            else:
                found.append(each)
            if len(found) == MOST:
                break
    return Asked(found, unfair, count - len(found) - unfair)


class Asker:
    """Makes the question for one edge of a trace: into a function node its product, into a splitter its sum.

    `is_seen` says that the picture shows each number as it was; else a question tells what it needs.
    """

    def __init__(self, trace: Any, numbers: Numbering, *, is_seen: bool) -> None:
        self.followed = Followed(trace)
        self.numbers = numbers
        self.is_seen = is_seen

    def ask(self, edge: Any) -> dict[str, Any] | None:
        """Return the exercise of an edge; None where no question is fair."""
        make = self._sum if edge.dst.kind == "splitter" else self._product
        for place in _places(edge.grad):
            told = make(edge, place)
            if told is not None and told["mistakes"]:  # of 0 × 0 there are none
                item = {} if place is None else {"item": labels.index(place)}
                return {"edge": self.numbers.edge(edge)} | item | told
        return None

    def _product(self, edge: Any, place: Any) -> dict[str, Any] | None:
        upstream, local, answer = edge.upstream, edge.local, _item(edge.grad, place)
        if local is None or np.iscomplexobj(local) or np.iscomplexobj(upstream):
            return None
        if np.shape(upstream) != np.shape(edge.grad):
            return None
        factors = _item(upstream, place), _item(local, place)
        above = Given("upstream", factors[0], self._edge_above(edge.dst))
        terms = _Terms(edge.src, answer, [edge.index], np.array([[answer]]), self.followed)
        if place is None:
            terms.added = np.array([[sum(factors)]])  # which is else found by a look at the whole trace
        else:
            _of_items(terms)
        shown = [] if self.is_seen and place is None else [above]
        for given, local_read in self._locals(edge, place, factors[1]):
            error = _error(_read(factors[0]) * local_read, answer)
            if _is_fair(error, answer):
                wrong = mistakes_of(_name(edge), terms, error, factors=factors)
                working = "{} {} ".format(*labels.product(*factors, answer)) + labels.number(answer)
                return _told(answer, [*shown, *given], working, wrong)
        return None

    def _locals(self, edge: Any, place: Any, local: float) -> Iterator[tuple[list[Given], float]]:
        """Give what a question may tell of the local partial, the least first, and what a reader makes of it."""
        rule = edge.dst.rule
        if isinstance(rule, Elementwise) and place is None:
            operands = [getattr(each, "value", each) for each in edge.dst.operands]
            called = named_operands(edge.dst)
            values = dict(zip((*rule.operand_names, "out"), (*operands, edge.dst.value), strict=True))
            tree = ast.walk(ast.parse(rule.formula(edge.port), mode="eval"))
            used = {node.id for node in tree if isinstance(node, ast.Name)}
            named = [
                Given(called[name] if isinstance(called[name], str) else "constant", _number(values[name]))
                for name in sorted(used & called.keys())
            ]
            if self.is_seen or all(given.name for given in named):
                read = [_read(value) for value in values.values()]
                yield [] if self.is_seen else named, float(rule.local(edge.port)(*read))
        yield [Given("local", local)], _read(local)

    def _edge_above(self, node: Any) -> int | None:
        """Return the edge that brings a node its upstream gradient."""
        return next(iter(self.numbers.known(node.out_edges)), None)

    def _sum(self, edge: Any, place: Any) -> dict[str, Any] | None:
        trace, node = edge.trace, edge.src
        uses = np.array(uses_of(trace, node.row), np.int64)[::-1]
        uses = uses[trace.steps[uses] >= 0]
        if edge.dst.op != "copy" or len(uses) < 2:
            return None
        answer = _item(edge.grad, place)
        if len(uses) > MOST_TERMS:
            return self._long_sum(edge, place, answer, uses)
        terms = _Terms(node, answer, uses.tolist(), self._terms(uses, place), self.followed)
        parts = [
            Given(terms.place(at), float(terms.terms[at, 0]), self.numbers.edge(trace.edges[use]))
            for at, use in enumerate(terms.edges)
        ]
        error = _error(sum(_read(part.number) for part in parts), answer)
        if not _is_fair(error, answer):
            return None
        if place is not None:
            _of_items(terms)
        given = [each for each in parts if not self.is_seen or place is not None or each.edge is None]
        return _sum_told(answer, given, parts, len(uses), mistakes_of(_name(edge), terms, error))

    def _long_sum(self, edge: Any, place: Any, answer: float, uses: Any) -> dict[str, Any] | None:
        """Ask for a sum of many uses by three of its parts: the first to arrive, those between, and the last."""
        trace, count = edge.trace, len(uses)
        ends = uses[[0, -1]]
        first, last = self._terms(ends, place)[:, 0].tolist()
        terms = _Terms(edge.src, answer, ends.tolist(), np.array([[first], [last]]), self.followed)
        of_first, of_last = (self.numbers.edge(trace.edges[use]) for use in ends.tolist())
        parts = [
            Given(f"the first to arrive, {terms.place(0)}", first, of_first),
            Given(f"the {count - 2:,} after it together", answer - first - last, of_first),
            Given(f"the last to arrive, {terms.place(1)}", last, of_last),
        ]
        error = _error(sum(_read(part.number) for part in parts), answer)
        if not _is_fair(error, answer):
            return None
        numbers = [part.number for part in parts]
        wrong = mistakes_of_parts(_name(edge), numbers, answer, count, error)
        return _sum_told(answer, parts, parts, count, wrong)

    def _terms(self, uses: Any, place: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return what uses bring, as lines of one number."""
        trace = self.followed.trace
        return np.array([[_item(trace.edges[use].grad, place)] for use in uses.tolist()])


class _Terms(Terms):
    """Terms that say where each is as the page does: × at line 9, k = 3."""

    def place(self, at: int) -> str:
        """Say where one use is, once: it takes a look at the whole trace."""
        if at not in self._places:
            self._places[at] = self._place(at)
        return self._places[at]

    def _place(self, at: int) -> str:
        node, port = self.use(at), self.twin(at)
        if node.kind != "function" or node.site is None or not node.site.line:
            return super().place(at)
        lead = "" if port is None else f"{wording.operand(port)} of "
        when = when_of(node, self.follower.turns)
        return f"{lead}{wording.gate_text(node)} at line {node.site.line}{f', {when}' if when else ''}"

    @cached_property
    def _places(self) -> dict[int, str]:
        return {}


def _of_items(terms: Terms) -> None:
    """Have terms that are items of arrays say nothing of whole arrays."""
    terms.added, terms.copies, terms.sent_to_copies = None, np.ones(terms.count), None


def _sum_told(
    answer: float, given: list[Given], parts: list[Given], count: int, wrong: list[dict[str, Any]]
) -> dict[str, Any]:
    addends, equals = labels.addition([part.number for part in parts], answer)
    return _told(answer, given, f"Σ {addends} {equals} {labels.number(answer)}", wrong) | {"uses": count}


def _told(answer: float, given: list[Given], working: str, wrong: list[dict[str, Any]]) -> dict[str, Any]:
    told = {
        "answer": answer,
        "shown": labels.number(answer),
        "working": working,
        "mistakes": wrong,
    }
    facts = [
        (labels.shorten(labels.clean(each.name), NAME_LIMIT), labels.number(each.number), each.edge)
        for each in given
    ]
    return told | ({"given": facts} if facts else {})


def _places(grad: Any) -> list[Any]:
    """List what can be asked for: None for a number itself, or the places of the largest items of an array."""
    if isinstance(grad, (float, np.floating)):
        return [None] if math.isfinite(grad) else []
    if not labels.is_array(grad) or grad.dtype.kind != "f" or not 0 < grad.size <= LARGEST:
        return []
    sizes = np.where(np.isfinite(grad), np.abs(grad), -1.0).ravel()
    places = [np.unravel_index(int(at), grad.shape) for at in np.argsort(-sizes, kind="stable")[:ITEMS]]
    return [tuple(map(int, place)) for place in places if np.isfinite(grad[place])]


def _item(value: Any, place: Any) -> float:
    return float(value if place is None else np.asarray(value)[place])


def _name(edge: Any) -> str:
    return labels.name(edge.src.label or edge.src.name or edge.src.op)


def _read(number: Any) -> float:
    """Return a number as a reader sees it; what is no number is NaN, and no question is fair with it."""
    return float(labels.number(_number(number)).replace("−", "-"))


def _number(value: Any) -> float:
    is_number = isinstance(value, (int, float, np.integer, np.floating, np.bool_))
    return float(value) if is_number else math.nan


def _error(read: float, answer: float) -> float:
    """Say by how much those may be off who make no mistake: they read rounded numbers, and round."""
    return max(abs(read - answer), abs(_read(answer) - answer))


def _is_fair(error: float, answer: float) -> bool:
    return error <= ROUNDED * abs(answer)
