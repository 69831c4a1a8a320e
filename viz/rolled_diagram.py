"""Rolled -> Diagram: one box per place of the program, ×count, with what its numbers were over all runs.

What ran once is put into the words of the exact picture; only what ran several times has words of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from viz import labels, theme
from viz.diagram import Writer
from viz.failed import failure_of
from viz.parts import Arrow, Box, Diagram, Group, Label, Line, Span
from viz.rolled_numbers import Numbers, Series
from viz.rolled_wording import (
    common_gate_text,
    gain_lines,
    gradient_series_lines,
    series_state,
    series_tooltip,
    splitter_lines,
    times,
    uses_text,
    value_series_lines,
)
from viz.sparks import spark_of
from viz.wording import is_ordered, operand, place, quieted, tooltip

if TYPE_CHECKING:
    from viz.rollup import Ints, Rolled, RolledEdge, RolledNode
    from viz.theme import State

MOST_LOOKED_AT = 200  # runs that are looked at one by one for kinks, and for what made a number not finite


def rolled_diagram(rolled: Rolled) -> Diagram:
    """Decide what the picture of a rolled trace says."""
    writer = RolledWriter(rolled)
    trace = rolled.trace
    groups = tuple(
        Group(group.name + (f"  {times(group.count)}" if group.count > 1 else ""), group.parent)
        for group in rolled.groups
    )
    title = labels.name(trace.function) + ("" if writer.numbers.has_gradients else ", no gradients")
    boxes = tuple(map(writer.box, rolled.nodes))
    arrows = tuple(map(writer.arrow, rolled.edges))
    has_arrays = len(trace.graph.array_rows) > 0
    return Diagram(title, boxes, arrows, groups, has_arrays, is_rolled=True)


class Named:
    """A node of the exact graph under its name in the rolled one, which is asked for without looking at all rows."""

    __slots__ = ("_view", "label", "name")

    def __init__(self, view: Any, name: str) -> None:
        self._view = view
        self.label = self.name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(self._view, name)


class NamedEdge:
    """An edge of the exact graph whose ends are named so."""

    __slots__ = ("_view", "dst", "src")

    def __init__(self, view: Any, src: Named, dst: Named) -> None:
        self._view = view
        self.src, self.dst = src, dst

    def __getattr__(self, name: str) -> Any:
        return getattr(self._view, name)


class RolledWriter:
    """Puts one rolled node or edge into words."""

    def __init__(self, rolled: Rolled) -> None:
        self.rolled = rolled
        self.numbers = Numbers(rolled)
        self.trace = rolled.trace
        seeded = self.trace.output.index if self.numbers.has_gradients else -1
        self.failure = failure_of(self.trace)
        self.exact = Writer(self.trace.function, seeded, self.failure)
        raised = self.rolled.of_node[sorted(self.failure.nodes)]
        self.raised = frozenset(raised.tolist())
        self.entering: dict[int, list[tuple[int, Ints]]] = {}
        for number, port, edges in rolled.entering:
            self.entering.setdefault(number, []).append((port, edges))
        self.leaving = {number: [edges] for number, edges in rolled.leaving}

    def _node(self, node: RolledNode, member: int) -> Named:
        view: Any = self.trace.nodes[member]
        return Named(self.numbers.seen(view), node.name)

    def _edge(self, edge: RolledEdge, member: int) -> NamedEdge:
        view: Any = self.trace.edges[member]
        src, dst = self.rolled.nodes[edge.src], self.rolled.nodes[edge.dst]
        ends = self._node(src, view.src.index), self._node(dst, view.dst.index)
        return NamedEdge(self.numbers.seen(view), *ends)

    def box(self, node: RolledNode) -> Box:
        """Say what a node's box shows."""
        make = {
            "input": self._outside,
            "output": self._outside,
            "function": self._gate,
            "splitter": self._splitter,
            "cut": self._cut,
            "group": self._call,
        }[node.kind]
        box = make(node)
        count = 1 if node.kind == "splitter" else node.count
        if node.count > 1 and node.index in self.raised:
            box = replace(box, caption=(*box.caption, *self.failure.told), state="alarm")
        name = node.name if node.kind == "group" else labels.name(node.name)
        return replace(box, name=name, node=node.index, group=node.group, count=count)

    def _as_exact(self, node: RolledNode) -> Box:
        """Write what ran once as the exact picture does."""
        view = self._node(node, int(node.members[0]))
        edges = [self._edge(edge, int(edge.members[0])) for edge in self.rolled.incoming[node.index]]
        used = [self._edge(edge, int(edge.members[0])) for edge in self.rolled.outgoing[node.index]]
        outside = [self._outer(int(edges[0])) for _, edges in self.entering.get(node.index, ())]
        elsewhere = [self._outer(int(edges[0])) for edges in self.leaving.get(node.index, ())]
        return self.exact.box(view, edges + outside, used + elsewhere, node.group)

    def _outer(self, number: int) -> NamedEdge:
        """Return an edge that leads to or from what is left out."""
        view: Any = self.trace.edges[number]
        ends = Named(view.src, ""), Named(view.dst, "")
        return NamedEdge(self.numbers.seen(view), *ends)

    def _ports(self, node: RolledNode) -> list[int]:
        """Return as which operands wires lead to a box, also those across the border."""
        inner = [edge.port for edge in self.rolled.incoming[node.index]]
        return inner + [port for port, _ in self.entering.get(node.index, ())]

    def _is_used(self, node: RolledNode) -> bool:
        return bool(self.rolled.outgoing[node.index]) or node.index in self.leaving

    def _outside(self, node: RolledNode) -> Box:
        if node.count == 1:
            return self._as_exact(node)
        name = node.name if node.kind == "input" else f"output {node.name}".strip()
        lines: list[Line] = [(Span(labels.name(name), "name"), Span(f"  {times(node.count)}", "quiet"))]
        values = self.numbers.values(node)
        views = [self.trace.nodes[int(member)] for member in node.members[[0, -1]]]
        lines += value_series_lines("", values, *(view.value for view in views))
        edges = self.rolled.outgoing[node.index]
        if node.kind == "output":
            lines.append((Span("not seeded", "quiet"),))
        elif not self._is_used(node):
            lines += self.failure.unused
        elif self.numbers.has_gradients:
            lines += self._norm_of_all(edges)
        tip = tooltip(f"{node.kind}s {node.name}: {node.count:,}")
        return Box("input" if node.kind == "input" else "output", tuple(lines), tooltip=tip, wires_in=1)

    def _norm_of_all(self, edges: list[RolledEdge]) -> tuple[Line, ...]:
        """Write the norm of the gradients of many inputs together: each leaves by one edge."""
        every = np.concatenate([self.numbers.all_gradients(edge) for edge in edges])
        with np.errstate(all="ignore"):
            size = labels.norm(every)
        is_bad = not bool(np.isfinite(every).all())
        return ((Span(f"⚠ {size}" if is_bad else size, "alarm" if is_bad else "gradient"),),)

    def _gate(self, node: RolledNode) -> Box:
        if node.count == 1:
            return self._as_exact(node)
        incoming = self.rolled.incoming[node.index]
        first = self._node(node, int(node.members[0]))
        caption: list[Line] = [(Span(times(node.count), "quiet"),), *self._kinks(node)]
        if not self._is_used(node):
            caption += self.failure.unused if node.index not in self.raised else ()
        is_quiet = (
            bool(incoming) and not any(map(self.numbers.fired, incoming)) and self.numbers.has_gradients
        )
        state: State = "alarm" if self._made_bad(node) else "unreached" if is_quiet else "plain"
        text = common_gate_text(self.trace, node.members)
        what = f"{node.name}: {node.op}" if node.name else node.op
        return Box(
            "function",
            ((Span(text, "faint" if state == "unreached" else "symbol"),),),
            tuple(caption),
            state=state,
            tooltip=tooltip(f"{what}, {node.count:,} times", place(first)),
            wires_in=len(ports := self._ports(node)),
            is_ordered=is_ordered(first, len(set(ports))),
        )

    def _kinks(self, node: RolledNode) -> list[Line]:
        """Say in how many runs a derivative is a convention, where a rule has one."""
        rule = self.trace.nodes[int(node.members[0])].rule
        if rule is None or not rule.choice:
            return []
        looked_at = node.members[:MOST_LOOKED_AT].tolist()
        kinks = [kink for kink in (self.trace.nodes[member].kink for member in looked_at) if kink]
        if not kinks:
            return []
        of = "" if len(looked_at) == node.count else f" of the first {len(looked_at)}"
        text = f"{labels.clean(kinks[0])} in {len(kinks)} run{'s' if len(kinks) > 1 else ''}{of}"
        return [(Span(labels.shorten(text, 2 * labels.NAME_LIMIT), "quiet"),)]

    def _made_bad(self, node: RolledNode) -> bool:
        """Say whether a number that is not finite begins here, forward or backward."""
        values = self.numbers.values(node)
        runs = node.members[:MOST_LOOKED_AT]
        if values is not None:
            bad = np.zeros(values.count, np.bool_) if values.is_finite else ~np.isfinite(values.values)
            for edge in self.rolled.incoming[node.index] if self.numbers.has_gradients else ():
                gradients = self.numbers.gradients(edge)
                if gradients is not None and gradients.bad:
                    bad[:MOST_LOOKED_AT] = True  # then each run is looked at
            runs = node.members[bad][:MOST_LOOKED_AT]
        for member in runs.tolist():
            view = self._node(node, member)
            edges = view.in_edges
            made = not labels.is_finite(view.value) and all(labels.is_finite(edge.value) for edge in edges)
            if made:
                return True
            broke = self.numbers.has_gradients and labels.is_finite(view.grad)
            if broke and not all(labels.is_finite(edge.grad) for edge in edges):
                return True
        return False

    def _splitter(self, node: RolledNode) -> Box:
        is_copy = node.op == "copy"
        into = next(iter(self.rolled.incoming[node.index]), None)
        above: tuple[Line, ...] = ()
        state: State = "plain"
        if into is not None:
            above, state = self._value_lines(into), self._state(into)
        below, spark = self._splitter_gradient(node, is_copy=is_copy)
        is_quiet = state == "unreached"
        lead = Label(quieted(above), quieted(below)) if is_quiet else Label(above, below, spark)
        uses = self.numbers.uses(node)
        what = f"splitter of {node.name}: {uses:,} uses" if is_copy else f"broadcast of {node.name}"
        return Box(
            "splitter" if is_copy else "broadcast",
            lead=lead,
            state="unreached" if is_quiet else "plain",
            tooltip=tooltip(what, place(self._node(node, int(node.members[0])))),
            wires_in=1,
        )

    def _splitter_gradient(self, node: RolledNode, *, is_copy: bool) -> tuple[tuple[Line, ...], Any]:
        if not self.numbers.has_gradients:
            return (), None
        if node.count == 1:
            if not is_copy:
                return self._as_exact(node).lead.below, None
            return splitter_lines(self.numbers, self.rolled, node, self.numbers.sum_of(node)), None
        series = self.numbers.into(node)
        assert series is not None
        fired = int(np.count_nonzero(self.trace.fired[self.trace.graph.first_in[node.members]]))
        lines = gradient_series_lines(series, fired)
        what = uses_text(self.numbers.uses_each(node)) if is_copy else "Σ over copies"
        return ((Span(f"{what}, {times(node.count)}", "working"),), *lines), spark_of(series)

    def _cut(self, node: RolledNode) -> Box:
        box = self._as_exact(node)
        caption = box.caption if node.count == 1 else (*box.caption, (Span(times(node.count), "quiet"),))
        return replace(box, caption=caption)

    def _call(self, node: RolledNode) -> Box:
        lines = (
            (Span(node.name, "name"),),
            (Span(f"{node.count:,} calls" if node.count > 1 else "1 call", "quiet"),),
            (Span(f"{len(node.members):,} nodes inside", "quiet"),),
        )
        site = node.site
        where = f"{site.text}  (line {site.line})" if site is not None else ""
        wires = len(self._ports(node))
        return Box("call", lines, tooltip=tooltip(f"{node.name}: closed", where), wires_in=wires)

    def arrow(self, edge: RolledEdge) -> Arrow:
        """Say what an edge's wire shows."""
        source, target = self.rolled.nodes[edge.src], self.rolled.nodes[edge.dst]
        drawn = self._one_run(edge) if edge.count == 1 else self._several_runs(edge, source, target)
        label = drawn.label
        back_to = self.rolled.goes_back_to(edge) if edge.is_back else drawn.back_to
        if edge.is_back and not label.is_empty:
            what = f"{labels.name(source.name)}  " if source.name and edge.count > 1 else ""
            to_next = (Span(what, "name"), Span(f"to the next {back_to}{self._told_apart(edge)}", "quiet"))
            label = replace(label, above=(to_next, *label.above))
        return replace(
            drawn,
            source=edge.src,
            target=edge.dst,
            label=label,
            from_splitter=source.kind == "splitter",
            edge=edge.index,
            is_back=edge.is_back,
            back_to=back_to,
        )

    def _told_apart(self, edge: RolledEdge) -> str:
        """Name the gate that a wire goes back to, where its value goes back to several: `'s [1:]`."""
        target = self.rolled.nodes[edge.dst]
        if target.kind != "function" or sum(each.is_back for each in self.rolled.outgoing[edge.src]) < 2:
            return ""
        return f"'s {common_gate_text(self.trace, target.members)}"

    def _one_run(self, edge: RolledEdge) -> Arrow:
        view = self._edge(edge, int(edge.members[0]))
        return self.exact.arrow(view, view.src, view.dst, edge.src, edge.dst)

    def _several_runs(self, edge: RolledEdge, source: RolledNode, target: RolledNode) -> Arrow:
        state = self._state(edge)
        series = self.numbers.gradients(edge)
        used_by = target.name if target.kind == "group" else target.op
        tip = tooltip(
            f"{source.name or source.op} → {used_by}, {edge.count:,} times",
            series_tooltip(self.numbers, edge),
            place(self._node(target, int(target.members[0]))) if target.kind == "function" else "",
        )
        if target.kind == "splitter":
            return Arrow(edge.src, edge.dst, state=state, tooltip=tip)
        above = self._value_lines(edge)
        if target.kind == "cut":
            return Arrow(
                edge.src,
                edge.dst,
                Label(above, ((Span("0", "gradient"), Span("  cut off", "quiet")),)),
                state,
                tip,
            )
        below: tuple[Line, ...] = ()
        spark = None
        if series is not None:
            below = gradient_series_lines(series, self.numbers.fired(edge))
            spark = spark_of(series, theme.LARGE_SPARK_SIZE if edge.is_back else theme.SPARK_SIZE)
            if edge.is_back and self._is_in_each_turn(edge):
                below += gain_lines(series)
        label = (
            Label(quieted(above), quieted(below)) if state == "unreached" else Label(above, below, spark)
        )
        which = operand(edge.port) if target.kind == "function" and edge.port >= 0 else ""
        return Arrow(edge.src, edge.dst, label, state, tip, operand=which)

    def _is_in_each_turn(self, edge: RolledEdge) -> bool:
        """Say whether a wire that goes back is one chain from the first turn to the last: it runs as often as its ends.

        Else its runs are further apart than a turn (`if k % 3 == 0: z = w * h`), or end with a call.
        """
        ends = [self.rolled.nodes[edge.src], self.rolled.nodes[edge.dst]]
        ends += (self.rolled.nodes[each.src] for each in self.rolled.incoming[edge.src])
        is_split = ends[0].kind == "splitter"
        return edge.count >= max(end.count for end in (ends if is_split else ends[:2])) - 1

    def _value_lines(self, edge: RolledEdge) -> tuple[Line, ...]:
        """Write what a wire carries, named where it starts at an operation."""
        source = self.rolled.nodes[edge.src]
        name = source.name if source.kind == "function" and not edge.is_back else ""
        values: Series | None = self.numbers.carried(edge)
        ends = [self.trace.edges[int(member)].value for member in edge.members[[0, -1]]]
        return value_series_lines(name, values, *ends)

    def _state(self, edge: RolledEdge) -> State:
        """Say how a wire is drawn: by the worst that flows on it in any run."""
        if self.rolled.nodes[edge.dst].kind == "cut":
            return "cut"
        series, values = self.numbers.gradients(edge), self.numbers.carried(edge)
        if values is None and any(
            not labels.is_finite(self.trace.edges[member].value)
            for member in edge.members[:MOST_LOOKED_AT].tolist()
        ):
            return "alarm"
        return series_state(series, values, self.numbers.fired(edge))
