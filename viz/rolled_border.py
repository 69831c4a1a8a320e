"""The border of a rolled picture of a part of a trace: a tag for all that enters a box as one operand, or leaves it."""

from __future__ import annotations

import re
from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from viz import labels
from viz.border import sum_of
from viz.diagram import Writer
from viz.marks import FORKS
from viz.part import Edges, gradients_of
from viz.parts import Arrow, Box, Label, Line, Span
from viz.rolled_diagram import Named, NamedEdge
from viz.rolled_numbers import Numbers, Series
from viz.rolled_wording import gradient_series_lines, series_state, times, uses_text, value_series_lines
from viz.rollup import SEVERAL
from viz.sparks import spark_of
from viz.wording import operand, quieted, sum_lines, tooltip

if TYPE_CHECKING:
    from viz.parts import Diagram
    from viz.rollup import Ints, Rolled

MOST_NAMES = 2  # of values, in a tag
MOST_ASKED = 1_000  # nodes whose names are asked for


def with_border(diagram: Diagram, rolled: Rolled) -> Diagram:
    """Add to the picture of a part a tag before and behind each box that others touch."""
    if not (rolled.entering or rolled.leaving):
        return diagram
    graph = rolled.trace.graph
    words = _Words(rolled)
    boxes = list(diagram.boxes)
    arrows = [
        (edge.dst, edge.port, arrow) for edge, arrow in zip(rolled.edges, diagram.arrows, strict=True)
    ]
    for place, port, edges in rolled.entering:
        shape = diagram.boxes[place].shape
        which = operand(port) if shape == "function" and port != SEVERAL else ""
        arrow = words.on(Arrow(len(boxes), place, operand=which), edges, "")
        if shape in FORKS:  # whose own label says it
            arrow = replace(arrow, label=Label())
        arrows.append((place, port, arrow))
        boxes.append(_tag("enters", rolled, np.unique(graph.src[edges]), len(edges)))
    for place, edges in rolled.leaving:
        is_fork = diagram.boxes[place].shape in FORKS
        arrow = Arrow(place, len(boxes), from_splitter=is_fork)
        name = "" if is_fork else rolled.nodes[place].name
        arrows.append((len(boxes), 0, words.on(arrow, edges, name)))
        boxes.append(_tag("leaves", rolled, np.unique(graph.dst[edges]), len(edges)))
    arrows.sort(key=itemgetter(0, 1))  # the operands of a gate from top to bottom
    return replace(diagram, boxes=tuple(boxes), arrows=tuple(arrow for *_, arrow in arrows), is_part=True)


class _Words:
    """What stands at wires across the border: what they carry, and the gradients that come back on them."""

    def __init__(self, rolled: Rolled) -> None:
        self.rolled, self.trace = rolled, rolled.trace
        self.numbers = Numbers(rolled)
        seeded = self.trace.output.index if self.numbers.has_gradients else -1
        self.exact = Writer(self.trace.function, seeded)

    def on(self, arrow: Arrow, edges: Ints, name: str) -> Arrow:
        """Say what the wire of some exact edges shows; of one what the exact picture says."""
        if len(edges) == 1:
            return self._one(arrow, int(edges[0]), name)
        series, carried = self.numbers.gradients_of(edges), self.numbers.carried_by(edges)
        values = (self.trace.edges[int(edge)].value for edge in edges[[0, -1]])
        above = value_series_lines(name, carried, *values)
        if series is None:
            return replace(arrow, label=Label(above))
        fired = int(np.count_nonzero(self.trace.fired[edges]))
        state = series_state(series, carried, fired)
        runs = np.unique(self.trace.graph.src[edges])
        if arrow.from_splitter and len(runs) < len(edges):
            return replace(arrow, label=Label(above, self._sum(edges, runs, series)), state=state)
        below = gradient_series_lines(series, fired)
        label = (
            Label(quieted(above), quieted(below))
            if state == "unreached"
            else Label(above, below, spark_of(series))
        )
        return replace(arrow, label=label, state=state)

    def _one(self, arrow: Arrow, number: int, name: str) -> Arrow:
        edge: Any = self.trace.edges[number]
        source, target = Named(edge.src, name), Named(edge.dst, "")
        view = NamedEdge(self.numbers.seen(edge), source, target)
        told = self.exact.arrow(view, source, target, arrow.source, arrow.target)
        return replace(arrow, label=told.label, state=told.state, tooltip=told.tooltip)

    def _sum(self, edges: Ints, runs: Ints, series: Series) -> tuple[Line, ...]:
        """Write what several uses of each value that leaves add to its gradient."""
        sources = self.trace.graph.src[edges]
        if len(runs) == 1:
            return sum_lines(terms := gradients_of(Edges(self.trace, edges)), sum_of(terms))
        of_runs = np.searchsorted(runs, sources)
        what = (Span(f"{uses_text(np.bincount(of_runs))}, {times(len(runs))}", "working"),)
        if series.is_norm:
            return (what,)
        with np.errstate(all="ignore"):
            sums = np.zeros(len(runs))
            np.add.at(sums, of_runs, series.values)
        return (what, *gradient_series_lines(Series.of(sums), len(runs)))


def _tag(shape: Any, rolled: Rolled, ends: Ints, count: int) -> Box:
    """Return a tag that names what it stands for where that is one or two variables, and counts edges else."""
    names = list(dict.fromkeys(_name(rolled.trace.nodes[each]) for each in ends[:MOST_ASKED].tolist()))
    line: Line = (Span(f"+{count:,} more", "quiet"),)
    if all(names) and len(names) <= MOST_NAMES and len(ends) <= MOST_ASKED:
        line = (Span(", ".join(names), "name"), *((Span(f"  ×{count:,}", "quiet"),) if count > 1 else ()))
    return Box(shape, lines=(line,), tooltip=tooltip("left out of this view"))


def _name(node: Any) -> str:
    if node.kind == "output":
        return "output"
    path = node.trace.input_rows.get(node.row, "")
    if path:
        return labels.name(re.split(r"[\[.]", path, maxsplit=1)[0] or path)
    return labels.name(node.name or (node.symbol if node.kind == "function" else ""))
