"""A rolled graph as data for the page: its numbers over the runs, some runs in full, a view of each closed group."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property, partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from viz import labels, wording
from viz.diagram import diagram
from viz.export import rolled_picture
from viz.layout import geometry as placed
from viz.loops import Loops
from viz.page.exact import arithmetic, exact_view, magnitude, text_of, text_of_line
from viz.page.numbering import Numbering
from viz.page.pictures import picture_data
from viz.page.practice_rolled import rolled_exercises
from viz.page.series import series_data
from viz.rolled_numbers import Numbers
from viz.rolled_wording import common_gate_text, gradient_series_lines, value_series_lines
from viz.rollup import BUDGET, roll_up

if TYPE_CHECKING:
    from viz.export import Shown
    from viz.geometry import Geometry
    from viz.loops import Loop
    from viz.page.arrays import Arrays
    from viz.page.sources import Sources
    from viz.parts import Diagram
    from viz.rolled_numbers import Series
    from viz.rollup import Rolled, RolledEdge, RolledNode

MOST_VIEWS = 40
MOST_NODES = 6_000_000  # of the trace, that all roll-ups together look at

View = tuple[dict[str, Any], Numbering]


def rolled_views(
    shown: Shown,
    geometry: Geometry,
    sources: Sources,
    arrays: Arrays,
    engine: str | None,
    most: int,
) -> list[View]:
    """Say what the views of a rolled graph show, `most` of them: the whole, then closed groups, outer ones first."""
    rolled, trace = shown.rolled, shown.trace
    assert rolled is not None
    most = min(most, MOST_NODES // len(trace.nodes) + 1)
    views = [_Writer(rolled, sources, arrays).view(shown.diagram, geometry)]
    graphs: list[Rolled | None] = [rolled]
    for parent, graph in enumerate(graphs):  # which grows as groups are found
        for node in graph.nodes if graph is not None else ():
            if node.kind != "group" or len(views) >= most:
                continue
            keep = np.zeros(len(trace.nodes), np.bool_)
            keep[node.members] = True
            inner = _opened(shown, node, keep)
            if inner is None:
                drawn = diagram(trace, replace(shown.choice, keep=keep))
                view = exact_view(trace, drawn, placed(drawn, engine), sources, arrays)
            else:
                drawn = rolled_picture(inner, shown.choice)
                view = _Writer(inner, sources, arrays).view(drawn, placed(drawn, engine))
            views[parent][0]["nodes"][node.index]["opens"] = len(views)
            called = f" ×{node.count:,}" if node.count > 1 else ""
            view[0].update({"name": f"{node.name}{called}", "parent": parent})
            views.append(view)
            graphs.append(inner)
    return views


def _opened(shown: Shown, node: RolledNode, keep: np.ndarray[Any, Any]) -> Rolled | None:
    """Roll up what is in a closed group; None for one call that can be shown as it ran."""
    if node.count == 1 and len(node.members) <= BUDGET:
        return None
    assert shown.rolled is not None
    for budget in (BUDGET, 4 * BUDGET, len(node.members)):
        inner = roll_up(shown.rolled.trace, keep, budget)
        if len(inner.nodes) > 1:  # and not the group itself, closed again
            break
    return inner


class _Writer:
    """Puts the nodes and edges of one rolled graph into data."""

    def __init__(self, rolled: Rolled, sources: Sources, arrays: Arrays) -> None:
        self.rolled, self.sources, self.arrays = rolled, sources, arrays
        self.trace = rolled.trace
        self.numbers = Numbers(rolled)
        self.has_gradients = self.numbers.has_gradients
        self.loops = Loops(rolled)
        self.order = self._order()
        self.turn = {edge: turn for turn, edge in enumerate(self.order)}

    def view(self, diagram: Diagram, geometry: Geometry) -> View:
        """Say what the view shows."""
        numbering = Numbering(self.rolled.of_node, self.rolled.of_edge)
        output = int(self.rolled.of_node[self.trace.output.index]) if self.has_gradients else -1
        edges = [self._edge(edge) for edge in self.rolled.edges]
        asked = rolled_exercises(self.rolled, self.loops, self.order, numbering)
        view = {
            "name": labels.name(self.trace.function),
            "parent": None,
            "isRolled": True,
            "nodes": [self._node(node) for node in self.rolled.nodes],
            "edges": edges,
            "loops": [_loop(found) for found in self.loops.found],
            "order": self.order,
            "output": output if output >= 0 else None,
            **asked.data(),
            **picture_data(diagram, geometry),
        }
        return view, numbering

    def _order(self) -> list[int]:
        """Order the edges by when they fire first in the backward pass."""
        if not self.has_gradients:
            return []
        firsts = []
        for edge in self.rolled.edges:
            steps = self.trace.steps[edge.members]
            fired = steps[steps >= 0]
            if len(fired):
                firsts.append((int(fired.min()), edge.index))
        return [edge for _, edge in sorted(firsts)]

    def _node(self, node: RolledNode) -> dict[str, Any]:
        first, last = (self.trace.nodes[int(member)] for member in node.members[[0, -1]])
        is_group = node.kind == "group"
        once = node.count == 1 and not is_group
        told: dict[str, Any] = {
            "kind": node.op if node.kind == "splitter" and node.op == "broadcast" else node.kind,
            "op": labels.clean(node.op),
            "symbol": common_gate_text(self.trace, node.members) if node.kind == "function" else "",
            "name": node.name if is_group else labels.name(node.name),
            "count": node.count if node.count > 1 else None,
            "nodes": len(node.members) if is_group else None,
            "value": None if is_group else self._value(node, first, last),
            "grad": self._gradient(node, first) if self.has_gradients else None,
            "in": [edge.index for edge in self.rolled.incoming[node.index]],
            "out": [edge.index for edge in self.rolled.outgoing[node.index]],
            "site": self.sources.place(node.site),
            "scope": "" if node.group < 0 else self._scope(node.group),
            "valueArray": self.arrays.add(first.value) if once else None,
            "valueSeries": None
            if is_group
            else series_data(self.numbers.values(node), partial(self.numbers.when_made, node)),
        }
        if node.kind == "splitter" and node.op == "copy" and self.has_gradients:
            told["sums"] = self._sums(node)
            told["uses"] = self._uses(node)
            told["largest"] = self._largest(node)
        return {key: value for key, value in told.items() if value not in (None, "", [])}

    def _scope(self, group: int) -> str:
        names = []
        while group >= 0:
            names.append(self.rolled.groups[group].name)
            group = self.rolled.groups[group].parent
        return " in ".join(names)

    def _value(self, node: RolledNode, first: Any, last: Any) -> str | None:
        if node.count == 1:
            return text_of(first.value)
        lines = value_series_lines("", self.numbers.values(node), first.value, last.value)
        return "\n".join(map(text_of_line, lines))

    def _gradient(self, node: RolledNode, first: Any) -> str | None:
        """Write the gradient of a node: its own where it ran once, else over its runs what its edges bring."""
        if node.kind in ("group", "cut"):
            return None
        if node.count == 1:
            return text_of(first.grad)
        if node.kind == "splitter":
            series = self.numbers.into(node)
            return self._series_text(series, int(np.count_nonzero(self._fired_into(node))))
        return self._series_text(*self.numbers.out_of(node)) or None

    def _fired_into(self, node: RolledNode) -> np.ndarray[Any, Any]:
        return self.trace.steps[self.trace.graph.first_in[node.members]] >= 0

    def _edge_text(self, edge: RolledEdge) -> str:
        return self._series_text(self.numbers.gradients(edge), self.numbers.fired(edge))

    @staticmethod
    def _series_text(series: Series | None, fired: int) -> str:
        return "\n".join(map(text_of_line, gradient_series_lines(series, fired)))

    def _uses(self, node: RolledNode) -> list[int]:
        """Return of how many uses one run of a splitter adds up gradients: at least, at most.

        One place may be several uses of one run, as where the splitter is before a loop and its use in it.
        """
        each = self._fired_by_node[node.members]
        return [int(each.min()), int(each.max())]

    @cached_property
    def _fired_by_node(self) -> np.ndarray[Any, Any]:
        sources = self.trace.graph.src[self.trace.steps >= 0]
        return np.bincount(sources, minlength=len(self.trace.nodes))

    def _sums(self, node: RolledNode) -> list[tuple[int, int, str | None, str]]:
        """Return the uses of a value in the order in which they fire first: edge, turn, sum up to it, its own sum.

        Only of a number that is split once do the runs of its uses add up. Each run of a splitter in a loop makes a sum
        of its own, and a sum of arrays up to some use is not made for the page: of these only the whole is told, which
        is the splitter's gradient.
        """
        uses = [edge for edge in self.rolled.outgoing[node.index] if edge.index in self.turn]
        uses.sort(key=lambda edge: self.turn[edge.index])
        series = [each for each in map(self.numbers.gradients, uses) if each is not None]
        if node.count > 1 or any(each.is_norm for each in series):
            terms = [_first_line(self._edge_text(edge)) for edge in uses]
            first = self.trace.nodes[int(node.members[0])]
            whole = (
                labels.norm(first.grad)
                if node.count == 1
                else _first_line(self._gradient(node, first) or "")
            )
            totals: list[str | None] = [whole if edge is uses[-1] else None for edge in uses]
        else:
            with np.errstate(all="ignore"):
                sums = [float(each.values.sum()) for each in series]
                terms = [labels.number(each) for each in sums]
                totals = [labels.number(each) for each in accumulate(sums)]
        told = zip(uses, totals, terms, strict=True)
        return [(edge.index, self.turn[edge.index], total, term) for edge, total, term in told]

    def _largest(self, node: RolledNode) -> list[tuple[int, str, str]]:
        """Return the largest uses of a value that is split once and used in turns: edge, when, and what each adds."""
        total = self.numbers.sum_of(node) if node.count == 1 else None
        edges = self.rolled.edges
        if total is None or total.uses == len(self.rolled.outgoing[node.index]):
            return []
        told = []
        for term in total.terms:
            edge = edges[term.edge]
            text = labels.norm(self.trace.edges[int(edge.members[term.run])].grad)
            told.append((edge.index, self.numbers.when(edge, term.run) if edge.count > 1 else "", text))
        return told

    def _edge(self, edge: RolledEdge) -> dict[str, Any]:
        """Say what an edge carries: in full where it ran once, else over its runs, and some of them in full."""
        told: dict[str, Any] = {"from": edge.src, "to": edge.dst}
        if edge.index in self.turn:
            told["step"] = self.turn[edge.index]
        if edge.is_back:
            told["backTo"] = self.rolled.goes_back_to(edge)
        if edge.count == 1:
            view = self.trace.edges[int(edge.members[0])]
            told |= arithmetic(self.numbers.seen(view))
            number = self.arrays.add(view.grad) if self.has_gradients else None
            return told if number is None else told | {"gradArray": number}
        series = self.numbers.gradients(edge)
        first, last = (self.trace.edges[int(member)] for member in edge.members[[0, -1]])
        values = value_series_lines("", self.numbers.carried(edge), first.value, last.value)
        target = self.rolled.nodes[edge.dst]
        told |= {
            "count": edge.count,
            "operand": wording.operand(edge.port) if target.kind == "function" and edge.port >= 0 else "",
            "value": "\n".join(map(text_of_line, values)),
            "grad": self._edge_text(edge) if series is not None else None,
            "series": series_data(series, partial(self.numbers.when, edge)),
        }
        if series is not None:
            told["loop"], told["turns"] = self._turns(edge)
            told["bad"] = bool(series.bad) or None
            finite = np.abs(series.values[np.isfinite(series.values)])
            told["magnitude"] = magnitude(float(finite.max())) if len(finite) else None
        return {key: value for key, value in told.items() if value not in (None, "")}

    def _turns(self, edge: RolledEdge) -> tuple[int, dict[str, Any]]:
        """Tell some turns of an edge's loop in full: by turn its value, its gradient and the product that made it."""
        loop, runs = self.loops.of(edge)
        told = {}
        for turn, run in runs.items():
            found = arithmetic(self.trace.edges[int(edge.members[run])])
            told[str(turn)] = {
                key: found[key]
                for key in ("value", "grad", "working", "formula", "magnitude")
                if key in found
            }
        return loop, told


def _loop(loop: Loop) -> dict[str, Any]:
    """Say how many turns a loop has, and what those that are told are called; of what is no loop they are runs."""
    if not loop.names:
        return {"count": loop.count, "word": "run"}
    return {"count": loop.count, "word": "turn", "names": dict(zip(loop.turns, loop.names, strict=True))}


def _first_line(text: str) -> str:
    return text.split("\n", maxsplit=1)[0]
