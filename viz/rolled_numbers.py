"""The numbers of a rolled graph: a gradient over its runs, and the sum of a splitter over all its uses.

Of numbers these are the gradients with their sign, of arrays their norms. Runs are counted from 0, in forward order.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tracer.graph import OUTPUT
from viz.forward import without_gradients
from viz.rollup import SEVERAL
from viz.wording import is_bad

if TYPE_CHECKING:
    from collections.abc import Callable

    from viz.rollup import Rolled, RolledEdge, RolledNode

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Ints: TypeAlias = np.ndarray[Any, np.dtype[Any]]

MOST_POINTS = 200  # of a series that is drawn
MOST_TERMS = 3  # of a sum that are told apart
SHARES_UP_TO = 1.05  # of a total: where a term is larger, terms cancel and are shown themselves
_NORM, _MEAN = 0, 3  # columns of EdgeStatistics
MOST_ELEMENTS = 20_000_000  # of a sum's terms that are looked at for their shares


@dataclass(frozen=True, eq=False)
class Series:
    """A number over the runs of a rolled node or edge."""

    is_norm: bool
    count: int
    read: Callable[[Any], Any]  # by run, or by an index of runs
    is_finite: bool = False  # known without a look at all of them

    @classmethod
    def of(cls, values: Floats, *, is_norm: bool = False) -> Series:
        """Make a series of numbers that are there."""
        return cls(is_norm, len(values), values.__getitem__)

    @cached_property
    def values(self) -> Floats:
        """Those of all runs."""
        found: Floats = self.read(slice(None))
        return found

    @cached_property
    def runs(self) -> Ints:
        """Those that are drawn: all, or of each bin the smallest and the largest."""
        return _drawn(self.values)

    @property
    def first(self) -> float:
        """That of run 0."""
        return float(self.read(0))

    @property
    def last(self) -> float:
        """That of the last run."""
        return float(self.read(self.count - 1))

    @property
    def least(self) -> int:
        """The run with the smallest size; of what is not finite only where nothing is."""
        return self._extremes[0]

    @property
    def most(self) -> int:
        """The run with the largest size; likewise."""
        return self._extremes[1]

    @cached_property
    def _ends(self) -> tuple[int, int]:
        """The runs with the lowest and the highest number; with a NaN where there is one."""
        return int(self.values.argmin()), int(self.values.argmax())

    @property
    def _has_one_sign(self) -> bool:
        """Whether all are finite and greater than zero, or all less: the usual case, told by two of them."""
        low, high = (self.values[end] for end in self._ends)
        return bool((low > 0 and np.isfinite(high)) or (high < 0 and np.isfinite(low)))

    @cached_property
    def _extremes(self) -> tuple[int, int]:
        if self._has_one_sign:
            return self._ends if self.values[self._ends[0]] > 0 else self._ends[::-1]
        sizes = np.abs(self.values)
        is_finite = np.isfinite(sizes)
        return int(np.where(is_finite, sizes, np.inf).argmin()), int(
            np.where(is_finite, sizes, -np.inf).argmax()
        )

    @cached_property
    def bad(self) -> int:
        """How many are not finite."""
        if self.is_finite or bool(np.isfinite(self.values[list(self._ends)]).all()):
            return 0
        return int(self.count - np.count_nonzero(np.isfinite(self.values)))

    @cached_property
    def zeros(self) -> int:
        """How many are zero."""
        return 0 if self._has_one_sign else int(self.count - np.count_nonzero(self.values))

    @cached_property
    def is_constant(self) -> bool:
        """Whether it is the same number in all runs."""
        return self.first == self.last and bool(np.all(self.values == self.values[0]))

    @property
    def points(self) -> Floats:
        """The numbers that are drawn."""
        return self.values[self.runs]


@dataclass(frozen=True, slots=True)
class Term:
    """One use of a splitter's value: the rolled edge, its run, and what it adds."""

    edge: int
    run: int
    value: Any
    share: float  # of the total, as far as it points its way; NaN where that says nothing


@dataclass(frozen=True, slots=True)
class Sum:
    """What a rolled splitter adds up, over all its runs."""

    total: Any  # None for arrays that several splitters add up
    uses: int
    terms: tuple[Term, ...]  # the largest, by what is told of them
    by_share: bool  # else each by itself: where terms cancel


def _drawn(values: Floats) -> Ints:
    """Choose runs: of each bin the smallest and the largest in size, and what is not finite before both."""
    count = len(values)
    if count <= MOST_POINTS:
        return np.arange(count)
    borders = np.linspace(0, count, MOST_POINTS // 2 + 1).astype(np.int64)
    chosen = {0, count - 1}
    for start, stop in zip(borders[:-1].tolist(), borders[1:].tolist(), strict=True):
        sizes = np.abs(values[start:stop])
        least, most = int(sizes.argmin()), int(sizes.argmax())  # of a NaN both are its place
        if not np.isfinite(sizes[most]):
            sizes[most] = np.inf
            least = int(sizes.argmin())
        chosen |= {start + least, start + most}
    return np.array(sorted(chosen))


def _largest(values: Floats) -> list[int]:
    """Return where the few largest are in size, what is not finite first: each is one look at all."""
    sizes = np.abs(values)
    sizes[np.isnan(sizes)] = np.inf
    found = []
    for _ in range(min(MOST_TERMS, len(sizes))):
        at = int(sizes.argmax())
        found.append(at)
        sizes[at] = -1.0
    return found


class Numbers:
    """The numbers of one rolled graph; the columns behind them are made once."""

    def __init__(self, rolled: Rolled) -> None:
        self.rolled = rolled
        self.trace = rolled.trace
        self._known: dict[int, Series | None] = {}  # gradients, by edge
        self._fired: dict[int, int] = {}
        self._carried: dict[int, Series | None] = {}

    @property
    def has_gradients(self) -> bool:
        """Whether there was anything to go back from."""
        return self.trace.error is None or bool(self.trace.recording.outputs)

    def gradients(self, edge: RolledEdge) -> Series | None:
        """Return the gradient on an edge over its runs; None without a backward pass."""
        if edge.index not in self._known:
            self._known[edge.index] = self.gradients_of(edge.members)
        return self._known[edge.index]

    def fired(self, edge: RolledEdge) -> int:
        """Count the runs in which the output depends on this use: all, where there is nothing to go back from."""
        if not self.has_gradients:
            return edge.count
        if edge.index not in self._fired:
            series = self.gradients(edge)
            is_all = series is not None and not series.zeros
            self._fired[edge.index] = (
                edge.count if is_all else int(np.count_nonzero(self.trace.fired[edge.members]))
            )
        return self._fired[edge.index]

    def gradients_of(self, edges: Ints) -> Series | None:
        """Return the gradients on exact edges; None without a backward pass."""
        if not self.has_gradients:
            return None
        statistics = self.trace.edge_statistics
        values = statistics.numbers.take(edges)
        is_norm = self._is_any_wide(edges)
        if is_norm:
            values = np.abs(values)
        if len(statistics.arrays):
            lines = np.searchsorted(statistics.arrays, edges)
            lines[lines == len(statistics.arrays)] = 0
            is_array = statistics.arrays[lines] == edges
            # Of an array without axes the mean is its number.
            values[is_array] = statistics.table[lines[is_array], _NORM if is_norm else _MEAN]
        return Series.of(values, is_norm=is_norm)

    def _is_any_wide(self, edges: Ints) -> bool:
        """Tell whether edges carry arrays with axes or complex numbers, also where no gradient came back."""
        graph = self.trace.graph
        if not (len(graph.wide_rows) or graph.targets):
            return False
        sources = graph.src[edges]
        return bool((self._has_wide[graph.rows[sources]] | (graph.node_slots[sources] >= 0)).any())

    @cached_property
    def _has_wide(self) -> Ints:
        """By row: whether its value is an array with axes or a complex number."""
        graph, others = self.trace.graph, self.trace.recording.values.others
        wide = np.zeros(len(self.trace.recording) + 1, np.bool_)
        rows = graph.wide_rows
        wide[rows] = True
        if len(graph.shape_of_row):
            without_axes = rows[graph.shape_of_row[rows] == 0]
            wide[without_axes] = [np.iscomplexobj(others[row]) for row in without_axes.tolist()]
        return wide

    def into(self, node: RolledNode) -> Series | None:
        """Return what a splitter sends back, over its runs."""
        return self.gradients_of(self._in_edges(node))

    def out_of(self, node: RolledNode) -> tuple[Series | None, int]:
        """Return the gradient of what a node gives over its runs, and in how many the output depends on it.

        The uses of one node may be several rolled edges: of a loop's result, the next turn and what comes after. None
        where not every run has just one use in what is shown.
        """
        uses = [edge.members for edge in self.rolled.outgoing[node.index]]
        edges = np.concatenate(uses) if uses else np.zeros(0, np.int64)
        edges = edges[np.argsort(self.trace.graph.src[edges], kind="stable")]
        if not np.array_equal(self.trace.graph.src[edges], node.members):
            return None, 0
        return self.gradients_of(edges), int(np.count_nonzero(self.trace.fired[edges]))

    def _in_edges(self, node: RolledNode) -> Ints:
        return self.trace.graph.first_in[node.members]

    def all_gradients(self, edge: RolledEdge) -> Floats:
        """Return the gradient on an edge in each run, of arrays its norm."""
        series = self.gradients(edge)
        return np.zeros(0) if series is None else series.values

    def carried(self, edge: RolledEdge) -> Series | None:
        """Return what an edge carries forward over its runs, where that is a number."""
        if edge.index not in self._carried:
            self._carried[edge.index] = self.carried_by(edge.members)
        return self._carried[edge.index]

    def carried_by(self, edges: Ints) -> Series | None:
        """Return what exact edges carry forward, where that is a number."""
        if self._is_any_wide(edges):
            return None
        graph, floats = self.trace.graph, self.trace.recording.values.floats
        return Series(
            is_norm=False,
            count=len(edges),
            read=lambda runs: floats[graph.rows[graph.src[edges[runs]]]],
            is_finite=self._are_values_finite,
        )

    def values(self, node: RolledNode) -> Series | None:
        """Return what a node gives over its runs, where that is a number."""
        graph, floats, members = self.trace.graph, self.trace.recording.values.floats, node.members
        if len(members) and graph.kinds[members[0]] == OUTPUT:
            return None
        if len(graph.wide_rows) and self._has_wide[graph.rows[members]].any():
            return None
        return Series(
            is_norm=False,
            count=len(members),
            read=lambda runs: floats[graph.rows[members[runs]]],
            is_finite=self._are_values_finite,
        )

    @cached_property
    def _are_values_finite(self) -> bool:
        """Whether all numbers that were computed are finite; not where some are arrays."""
        return bool(np.isfinite(self.trace.recording.values.floats).all())

    def seen(self, view: Any) -> Any:
        """Return a node or an edge, of a run without gradients without what there is to say about them."""
        return view if self.has_gradients else without_gradients(view)

    def when(self, edge: RolledEdge, run: int) -> str:
        """Say when a run of an edge was: in which turns of the loops around it, else which run of its gate, from 0."""
        return self.rolled.turns.text(int(edge.members[run])) or f"run {self.run_of_gate(edge, run):,}"

    def run_of_gate(self, edge: RolledEdge, run: int) -> int:
        """Return in which run of the gate that it leads to a run of an edge was: some runs may use another value.

        Of a closed group, and of a gate that takes several of these values in one run, uses are counted.
        """
        target = self.rolled.nodes[edge.dst]
        if target.kind == "group" or edge.port == SEVERAL:
            return run
        return int(target.members.searchsorted(self.trace.graph.dst_of(int(edge.members[run]))))

    def when_made(self, node: RolledNode, run: int) -> str:
        """Say when a run of a node was, likewise."""
        row = int(self.trace.graph.rows[node.members[run]])
        return self.rolled.turns.text_of(row) or f"run {run:,}"

    def uses(self, node: RolledNode) -> int:
        """Count the uses of a splitter's value, also those outside of the part that is shown."""
        if self.rolled.is_whole:
            return sum(edge.count for edge in self.rolled.outgoing[node.index])
        return int(self._uses_by_node[node.members].sum())

    def uses_each(self, node: RolledNode) -> Ints:
        """Count them by the run of the splitter."""
        return self._uses_by_node[node.members]

    @cached_property
    def _uses_by_node(self) -> Ints:
        return np.bincount(self.trace.graph.src, minlength=len(self.trace.nodes))

    def sum_of(self, node: RolledNode) -> Sum | None:
        """Return the sum that a splitter makes over all its uses, with its largest terms."""
        series = self.into(node)
        if series is None:
            return None
        count = self.uses(node)
        edges = [(edge, self.gradients(edge)) for edge in self.rolled.outgoing[node.index]]
        total: Any = float(series.values.sum())
        if series.is_norm:
            total = self.trace.edges[int(self._in_edges(node)[0])].grad if node.count == 1 else None
        shares = [self._shares(edge, each, total, count) for edge, each in edges]
        by_share = all(bool((np.abs(each) <= SHARES_UP_TO).all()) for each in shares)  # not so for NaN
        candidates = []
        for (edge, each), part in zip(edges, shares, strict=True):
            assert each is not None
            candidates += [
                Term(edge.index, run, float(each.values[run]), float(part[run]))
                for run in _largest(part if by_share else each.values)
            ]
        sizes = np.array([term.share if by_share else term.value for term in candidates])
        terms = (candidates[at] for at in _largest(sizes))  # none where all uses are elsewhere
        return Sum(total, count, tuple(terms), by_share=by_share)

    def _shares(self, edge: RolledEdge, series: Series | None, total: Any, uses: int) -> Floats:
        """Return of each run its share of a total; NaN where that says nothing, or takes too long."""
        shares = np.full(edge.count, np.nan)
        if series is None or total is None or is_bad(total) or np.size(total) * uses > MOST_ELEMENTS:
            return shares
        square = float(np.sum(np.abs(total) ** 2))
        if not square:
            return shares
        with np.errstate(all="ignore"):
            if not series.is_norm:
                return np.asarray(series.values * total / square)
            for run in range(edge.count - 1, -1, -1):  # as the backward pass goes: some are computed again
                term = self.trace.edges[int(edge.members[run])].grad
                shares[run] = float(np.sum(np.real(np.conj(total) * term))) / square
        return shares
