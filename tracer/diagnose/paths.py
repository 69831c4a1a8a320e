"""The paths by which a gradient came: those of largest contribution, without walking through all of them.

The contribution of a path is the product of what stands on it (transfer.py), from the output to the input: for numbers,
the local partials. One pass over the uses between the two finds how many paths there are, what they add up to, and the
best way to every row. Any other path leaves the best way at some operations, and at each costs a factor that is known
(Eppstein, Finding the k shortest paths, 1998): so the next largest is always the cheapest way to leave one that was
found, looked up on arrays.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Any, TypeAlias, overload

import numpy as np

from tracer.diagnose.scaled import Scaled, product
from tracer.diagnose.scaled import total as sum_of
from tracer.diagnose.transfer import Transfer
from tracer.graph import SPLITTER
from tracer.rules.kinds import is_complex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.trace import Trace
    from tracer.views import Edge, Node

Slots: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Factors: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

CANCELS = 3.0
"""Powers of ten: a path that is a thousand times the gradient says little about it; the others take it back."""
NOT_FINITE = 1e15  # the logarithm that a factor that is not finite counts with: before all that are


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """One path from a value to the output: which uses it takes, and what it brings."""

    trace: Trace = field(repr=False)
    contribution: float
    """The product of the path: its part of a number's gradient; of an array's, its share times the norm."""
    share: float | None
    """The part of the whole that this is, with its sign; None where the whole is zero or not finite."""
    scaled: Scaled = field(repr=False)
    """The contribution, also where no float is so large or so small."""
    factors: Factors = field(repr=False)
    """What the contribution is the product of, from the output on: what arrives there, then one for each use."""
    slots: Slots = field(repr=False)
    """The uses, from the value on, by the number of the operand in the recording."""

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The edges from the value to the last operation, those to and from splitters and broadcasts among them."""
        graph, edges = self.trace.graph, self.trace.edges
        found: list[Edge] = []
        for slot in self.slots.tolist():
            edge = edges[graph.edge_of(int(graph.slot_consumer[slot]), slot)]
            way = [edge]
            while graph.kinds[graph.src[edge.index]] == SPLITTER:
                edge = edges[int(graph.first_in[graph.src[edge.index]])]
                way.append(edge)
            found += reversed(way)
        return tuple(found)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The function nodes that the path goes through, from the value on."""
        graph, nodes = self.trace.graph, self.trace.nodes
        return tuple(
            nodes[int(graph.node_of_row[graph.slot_consumer[slot]])] for slot in self.slots.tolist()
        )


@dataclass(frozen=True, eq=False)
class Paths(Sequence[Path]):
    """The paths of largest contribution from a value to another, largest first, and what all of them add up to."""

    trace: Trace = field(repr=False)
    source: Node
    target: Node
    total: float
    """What all paths add up to: the gradient of a number, the norm of an array's; with `to`, its part through there."""
    path_count: float
    """How many paths there are: exactly, below 2**53; infinite beyond the floats."""
    path_count_log10: float
    """Its logarithm, which is never too large; -inf where there is none."""
    found: tuple[Path, ...] = field(repr=False)
    has_more: bool = field(repr=False)
    """Whether another path brings anything."""

    def __len__(self) -> int:
        return len(self.found)

    @overload
    def __getitem__(self, index: int) -> Path: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Path, ...]: ...
    def __getitem__(self, index: int | slice) -> Path | tuple[Path, ...]:
        return self.found[index]

    @property
    def others(self) -> float:
        """What the paths that are not listed add up to."""
        return float(self.scaled_others)

    @cached_property
    def scaled_others(self) -> Scaled:
        """The same, also where no float is so large."""
        if not self.has_more:
            return Scaled(0.0)
        listed = [path.scaled for path in self.found]
        return sum_of([Scaled(self.total), *(Scaled(-each.mantissa, each.exponent) for each in listed)])

    @property
    def others_share(self) -> float | None:
        """The share of the paths that are not listed; all shares add up to 1."""
        return _share(self.scaled_others, self.total)

    @property
    def cancels_log10(self) -> float | None:
        """By what power of ten the largest path exceeds all together, where they cancel; else None."""
        if (
            not self.found
            or not math.isfinite(self.total)
            or not math.isfinite(self.found[0].scaled.mantissa)
        ):
            return None
        if not self.total:
            return math.inf
        excess = self.found[0].scaled.over(self.total).log10
        return excess if excess >= CANCELS else None

    def __str__(self) -> str:
        from tracer.diagnose.path_text import text_of  # noqa: PLC0415  (which reads what is in this room)

        return text_of(self)

    def __repr__(self) -> str:  # which a shell or a notebook shows
        return str(self)


def paths(trace: Trace, name: str, *, to: str | None = None, top: int = 5) -> Paths:
    """Return the `top` paths of largest contribution from an input or variable to `to`, else to the seeded output.

    With `to`, a contribution is that part of the gradient which goes through the value `to`. Raises LookupNameError for
    an unknown name, GradientError where there is no output to go back from.
    """
    source = trace[name]
    target = trace.output if to is None else trace[to]
    search = _Search(trace, source.row, target.row)
    gradient = source.grad
    size = float(np.linalg.norm(gradient)) if np.ndim(gradient) or is_complex(gradient) else float(gradient)
    unit = size if search.is_shared(source.row) else 1.0
    total = size if to is None and search.count else search.total * unit
    found = [_path(trace, slots, factors, unit, total) for slots, factors in search.largest(top + 1)]
    has_more = len(found) > top  # the largest come first, and none that is zero
    found = sorted(found[:top], key=lambda path: path.scaled.rank, reverse=True)
    return Paths(trace, source, target, total, search.count, search.count_log10, tuple(found), has_more)


def _path(trace: Trace, slots: Slots, factors: Factors, unit: float, total: float) -> Path:
    scaled = product(np.append(factors, unit))
    return Path(trace, float(scaled), _share(scaled, total), scaled, factors, slots)


def _share(part: Scaled, total: float) -> float | None:
    return float(part.over(total)) if total and math.isfinite(total) else None


class _Search:
    """One pass over the uses between two rows, and the ways that lead back from it.

    Rows are counted from the source, slots from the first one behind it.
    """

    def __init__(self, trace: Trace, first: int, last: int) -> None:
        recording, gradients = trace.recording, trace.gradients
        self._transfer = Transfer(trace)
        self._starts = recording.starts[first : last + 2] - recording.starts[first + 1]
        self._slots = slice(int(recording.starts[first + 1]), int(recording.starts[last + 1]))
        self._operands = recording.operands[self._slots] - first
        self._consumers = trace.graph.slot_consumer[self._slots] - first
        self._weights = self._transfer.weights[self._slots]
        self._sizes = _sizes(self._weights)
        self._arriving = 0.0
        if last >= 0 and gradients.reached[last]:
            self._arriving = 1.0 if self.is_shared(last) else float(gradients.numbers[last])
        if last < first:
            self.count, self.total, self._arriving, self._via = 0.0, 0.0, 0.0, [-1]
            return
        self._sweep(last - first + 1)
        self.total *= self._arriving

    def is_shared(self, row: int) -> bool:
        """Say whether a path is worth a share of the row's gradient, and no number."""
        return bool(self._transfer.is_shared[row])

    def _sweep(self, length: int) -> None:
        """Go over the uses once, in the order of the run: a row is later than all that it uses."""
        counts, sums, best, via = [0.0] * length, [0.0] * length, [-math.inf] * length, [-1] * length
        counts[0], sums[0], best[0] = 1.0, 1.0, 0.0
        columns = (self._operands, self._consumers, self._weights, self._sizes)
        steps = enumerate(zip(*(column.tolist() for column in columns), strict=True))
        for slot, (operand, row, known_weight, known_size) in steps:
            if operand < 0 or not counts[operand]:
                continue
            is_known = known_weight == known_weight  # noqa: PLR0124  (NaN; for half the time of a call)
            weight, size = (known_weight, known_size) if is_known else self._measure(slot)
            counts[row] += counts[operand]
            sums[row] += sums[operand] * weight
            reach = best[operand] + size
            if reach > best[row]:
                best[row], via[row] = reach, slot
        self.count, self.total = counts[-1], sums[-1]
        self._best, self._via = np.array(best), via
        # The rows that `via` uses
        self._before = self._operands[via].tolist() if len(self._operands) else [0] * length

    def _measure(self, slot: int) -> tuple[float, float]:
        """Find out and note the weight of a use of arrays, and its logarithm."""
        self._weights[slot] = self._transfer.measure(self._slots.start + slot)
        self._sizes[slot] = _sizes(self._weights[slot : slot + 1])[0]
        return float(self._weights[slot]), float(self._sizes[slot])

    @property
    def count_log10(self) -> float:
        """The logarithm of the number of paths."""
        if math.isfinite(self.count):
            return math.log10(self.count) if self.count else -math.inf
        logs = [-math.inf] * len(self._via)
        logs[0] = 0.0
        for operand, row in zip(self._operands.tolist(), self._consumers.tolist(), strict=True):
            if operand >= 0 and logs[operand] > -math.inf:
                high, low = max(logs[operand], logs[row]), min(logs[operand], logs[row])
                logs[row] = high + math.log1p(math.exp(low - high))
        return logs[-1] / math.log(10)

    def largest(self, top: int) -> Iterator[tuple[Slots, Factors]]:
        """Yield paths as uses from the source on, and factors from the output on; the largest first.

        What leaves a path at an operation goes on by the best way from there; to leave that, too, is another candidate,
        which comes up once, at the path that it leaves last.
        """
        if not self._arriving or self._best[-1] == -math.inf:
            return
        rank = count()
        kept, row = np.zeros(0, np.int64), len(self._via) - 1
        # Lost, order, the way so far, the use by which to leave it
        candidates: list[tuple[float, int, Slots, int]] = []
        lost = 0.0
        while top > 0:
            way = np.append(kept, np.array(self._best_way(row), np.int64))
            yield way[::-1] + self._slots.start, np.append(self._arriving, self._weights[way])
            top -= 1
            for more, place, slot in self._departures(way, len(kept), top):
                heapq.heappush(candidates, (lost + more, next(rank), way[:place], slot))
            if not candidates:
                return
            lost, _, kept, slot = heapq.heappop(candidates)
            kept, row = np.append(kept, slot), int(self._operands[slot])

    def _best_way(self, row: int) -> list[int]:
        """Return the slots of the best way from a row back to the source."""
        via, before, way = self._via, self._before, []
        while row:
            way.append(via[row])
            row = before[row]
        return way

    def _departures(
        self, way: np.ndarray[Any, Any], kept: int, top: int
    ) -> Iterator[tuple[float, int, int]]:
        """Yield the cheapest operands by which to leave a way behind its first `kept` uses: cost, place, slot."""
        rows = self._consumers[way[kept:]]
        degrees = self._starts[rows + 1] - self._starts[rows]
        places = np.repeat(np.arange(kept, len(way)), degrees)
        within = np.arange(len(places)) - np.repeat(degrees.cumsum() - degrees, degrees)
        slots = np.repeat(self._starts[rows], degrees) + within
        operands = self._operands[slots]
        is_other = (operands >= 0) & (slots != way[places])
        places, slots, operands = places[is_other], slots[is_other], operands[is_other]
        costs = self._best[self._consumers[slots]] - (self._best[operands] + self._sizes[slots])
        is_way = np.isfinite(costs)
        places, slots, costs = places[is_way], slots[is_way], costs[is_way]
        for chosen in np.argsort(costs, kind="stable")[:top].tolist():
            yield float(costs[chosen]), int(places[chosen]), int(slots[chosen])


def _sizes(weights: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the logarithms by which paths are compared; what is not finite is larger than all that are."""
    with np.errstate(all="ignore"):
        sizes: np.ndarray[Any, np.dtype[np.float64]] = np.log(np.abs(weights))
    sizes[~np.isfinite(weights)] = NOT_FINITE
    return sizes
