"""The backward pass, step by step, as data: which edge fires, what it brings, and what its splitter still waits for.

Columns, made once; what is said of one step is made when it is looked at, so a million steps are no wait.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.cut_inputs import why_nothing
from tracer.diagnose.explain import sum_of
from tracer.errors import LookupNameError, UsageError
from tracer.graph import SPLITTER
from tracer.views import zero_like
from viz import labels
from viz.edge_table import EdgeLine, edge_line
from viz.graph_text import origin, value_name

if TYPE_CHECKING:
    from tracer.edge_gradients import EdgeGradients
    from tracer.trace import Trace
    from tracer.views import Edge, Node

    Numbers = np.ndarray[Any, np.dtype[np.int64]]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A splitter at one step: how many of its uses have sent back their gradients, and what they add up to."""

    name: str
    uses: int  # that the output depends on
    arrived: int
    so_far: Any


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the backward pass: an edge that fires; of a value with several uses, what its splitter has by now."""

    edge: EdgeLine
    splitter: Waiting | None


class Steps:
    """All steps of the backward pass of a trace, by number."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self._steps = trace.steps
        fired = np.flatnonzero(self._steps >= 0)
        self._edges = fired[::-1]  # the last edge fires first: `Trace.steps`
        self._arrived: dict[int, tuple[Numbers, Numbers]] = {}
        self._added_up: dict[int, tuple[int, Any]] = {}  # by splitter: of how many uses, and what they make
        if not len(fired):
            raise UsageError(
                f"there is no backward pass to step through: the output of {trace.function} depends on no input",
                advice="edgegrad check tells why",
            )

    def __len__(self) -> int:
        return len(self._edges)

    def edge(self, step: int) -> Edge:
        """Return the edge that fires at a step."""
        found: Edge = self.trace.edges[int(self._edges[step])]
        return found

    def __getitem__(self, step: int) -> Step:
        edge = self.edge(step)
        return Step(edge_line(edge), self._waiting(edge, step))

    def uses(self, edge: Edge) -> Numbers:
        """Return the uses of the value that an edge belongs to, as edges in the order in which they fire.

        None for a value with a single use.
        """
        splitter = _splitter_of(edge)
        return np.zeros(0, np.int64) if splitter is None else self._arrivals(splitter.index)[0]

    def _arrivals(self, splitter: int) -> tuple[Numbers, Numbers]:
        """Return the uses of a splitter that send something back, in the order in which they do, and their steps."""
        if splitter not in self._arrived:
            edges = np.array(self.trace.graph.out_edges(splitter), np.int64)
            steps = self._steps[edges].astype(np.int64)
            order = np.argsort(steps)[np.count_nonzero(steps < 0) :]
            self._arrived[splitter] = edges[order], steps[order]
        return self._arrived[splitter]

    def _waiting(self, edge: Edge, step: int) -> Waiting | None:
        splitter = _splitter_of(edge)
        if splitter is None:
            return None
        uses, steps = self._arrivals(splitter.index)
        arrived = int(np.searchsorted(steps, step, side="right"))
        so_far = splitter.grad if arrived == len(uses) else self._added(splitter, uses, arrived)
        return Waiting(value_name(origin(splitter)), len(uses), arrived, so_far)

    def _added(self, splitter: Node, uses: Numbers, count: int) -> Any:
        """Add up what the first uses sent back, from where the sum stood when it was last looked at."""
        known, total = self._added_up.get(splitter.index, (0, None))
        if known > count:
            known, total = 0, None
        if known < count:
            more = sum_of(self._gradients, uses[known:count].tolist(), splitter.value)
            total = more if total is None else total + more
            self._added_up[splitter.index] = count, total
        return zero_like(splitter.value) if total is None else total

    @cached_property
    def _gradients(self) -> EdgeGradients:
        return self.trace.edge_gradients()

    @cached_property
    def _sums(self) -> Numbers:
        """The steps at which a splitter has added up what it waited for."""
        graph = self.trace.graph
        found: Numbers = np.flatnonzero(graph.is_copy(graph.dst[self._edges]))
        return found

    def sum_after(self, step: int) -> int:
        """Return the next step at which a splitter fires; the last step where there is none."""
        at = int(np.searchsorted(self._sums, step, side="right"))
        return int(self._sums[at]) if at < len(self._sums) else len(self) - 1

    def sum_before(self, step: int) -> int:
        """Return the step before at which a splitter fired; 0 where there is none."""
        at = int(np.searchsorted(self._sums, step)) - 1
        return int(self._sums[at]) if at >= 0 else 0

    def named(self, wanted: str) -> int:
        """Return a step by its number, or that at which the gradient of an input or variable is complete.

        Raises UsageError for a number that is none of a step and for a value that no gradient comes back to, and
        LookupNameError for an unknown name.
        """
        if wanted.lstrip("-").isdecimal():
            step = int(wanted)
            if not 0 <= step < len(self):
                raise UsageError(f"there is no step {wanted}", advice=f"the steps are 0 to {len(self) - 1}")
            return step
        node = self.trace[wanted]
        edges = node.in_edges if node.kind == "output" else node.out_edges
        step = max((edge.step for edge in edges if edge.step is not None), default=-1)
        if step < 0:
            why = why_nothing(self.trace, int(self.trace.graph.rows[node.index]))
            raise UsageError(f"no gradient comes back to {wanted}: {why}")
        return step

    def found(self, text: str, step: int) -> int | None:
        """Return the next step, past the end from the start, whose operation, code or value has a text in it."""
        hits = np.flatnonzero(self._fits(text)[self._edges])
        if not len(hits):
            return None
        at = int(np.searchsorted(hits, step, side="right"))
        return int(hits[at % len(hits)])

    def _fits(self, text: str) -> Mask:
        """Say of each edge whether the code or line that uses it, or the name of what it carries, has a text in it."""
        trace, sites = self.trace, self.trace.sites
        wanted = text.casefold()
        places = [
            wanted in " ".join(place.site.text.split()).casefold() or text == str(place.site.line)
            for place in sites.places
        ]
        has_code = np.array([*places, False], np.bool_)[sites.row_places]  # the last for NO_PLACE
        has_name = np.zeros(len(trace.recording) + 1, np.bool_)  # the last for outputs that have no row
        for variable, rows in sites.variables.items():
            if wanted in variable.name.casefold():
                has_name[rows] = True
        has_name[[row for row, name in trace.input_rows.items() if wanted in name.casefold()]] = True
        with suppress(LookupNameError):
            has_name[trace[text].row] = True  # h[3]
        graph = trace.graph
        fits: Mask = np.append(has_code, False)[graph.rows[graph.dst]] & (
            graph.kinds[graph.dst] != SPLITTER
        )
        return fits | has_name[graph.rows[graph.src]]


def _splitter_of(edge: Edge) -> Node | None:
    """Return the splitter that an edge leads to or comes from, which is no broadcast."""
    for node in (edge.dst, edge.src):
        if node.kind == "splitter" and node.op == "copy":
            return node
    return None


def written(step: Step) -> str:
    """Write what a splitter has by now: x waits, 1 of 2 uses: 15 so far; x has all 2 uses: 60."""
    waiting = step.splitter
    if waiting is None:
        return ""
    total = labels.norm(waiting.so_far)
    if waiting.arrived < waiting.uses:
        return f"{waiting.name} waits: {waiting.arrived:,} of {waiting.uses:,} uses, {total} so far"
    return f"{waiting.name} has all {waiting.uses:,} uses: {total}"
