"""Trace -> Diagram: decides what the picture says, as boxes, arrows, labels, groups and a legend.

Knows no format and no position; `viz.layout` places what is decided here. All numbers come from `viz.labels`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from tracer.errors import DrawError
from viz import labels
from viz.parts import Arrow, Box, Diagram, Group, Label, Line, Span, common_group
from viz.wording import (
    broadcast_lines,
    edge_state,
    edge_tooltip,
    gate_text,
    gradient_lines,
    is_bad,
    is_ordered,
    is_unreached,
    operand,
    place,
    product_lines,
    quieted,
    sum_lines,
    tooltip,
    value_lines,
    wire_value,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from viz.theme import State

NODE_LIMIT = 20_000  # a picture of more is a file that no viewer opens, and has nothing to see
GROUP_LIMIT = 60
UNUSED: tuple[Line, ...] = (
    (Span("never used", "quiet"),),
    (Span("in arithmetic", "quiet"),),
)


def diagram(trace: Any) -> Diagram:
    """Decide what the picture of a trace says; raises DrawError for a graph too big to look at."""
    count = len(trace.nodes)
    if count > NODE_LIMIT:
        raise DrawError(
            f"a picture of {count:,} nodes can't be read",
            got=f"at most {NODE_LIMIT:,} are drawn",
            advice="trace fewer steps or a smaller input, or ask `edgegrad edges` and `edgegrad explain`",
        )
    nodes = list(trace.nodes)
    edges = list(trace.edges)
    incoming: list[list[Any]] = [[] for _ in nodes]
    outgoing: list[list[Any]] = [[] for _ in nodes]
    sources = []
    for edge in edges:
        source, target = edge.src.index, edge.dst.index
        sources.append(source)
        outgoing[source].append(edge)
        incoming[target].append(edge)
    groups, group_of = _groups(nodes, trace.sites.scopes)
    _move_splitters_out(nodes, incoming, outgoing, group_of, groups)
    seeded = trace.output.index if trace.output is not None else -1
    writer = _Writer(trace.function, seeded)
    boxes = tuple(
        writer.box(node, incoming[node.index], outgoing[node.index], group_of[node.index]) for node in nodes
    )
    arrows = tuple(
        writer.arrow(edge, nodes[source], nodes[edge.dst.index])
        for edge, source in zip(edges, sources, strict=True)
    )
    return Diagram(
        labels.name(trace.function), boxes, arrows, groups, any(labels.is_array(n.value) for n in nodes)
    )


def _groups(nodes: Sequence[Any], scopes: Sequence[Any]) -> tuple[tuple[Group, ...], list[int]]:
    """Make a group of each call of a helper that did something; none at all where there are too many to read."""
    group_numbers: dict[int, int] = {}
    groups: list[Group] = []
    runs: dict[str, int] = {}
    group_of = []
    for node in nodes:
        chain = []
        scope = scopes[0] if node.kind in ("input", "output") else node.scope
        while scope.depth > 0:
            chain.append(scope)
            scope = scopes[scope.parent]
        group = -1
        for call in reversed(chain):
            if call.index not in group_numbers:
                group_numbers[call.index] = len(groups)
                runs[call.name] = runs.get(call.name, 0) + 1
                groups.append(Group(_call(call.name, runs[call.name]), group))
            group = group_numbers[call.index]
        group_of.append(group)
    if len(groups) > GROUP_LIMIT:
        return (), [-1] * len(nodes)
    return tuple(groups), group_of


def _move_splitters_out(
    nodes: Sequence[Any],
    incoming: Sequence[Sequence[Any]],
    outgoing: Sequence[Sequence[Any]],
    group_of: list[int],
    groups: Sequence[Group],
) -> None:
    """Put each splitter where its value is used: what a helper returns is split by its caller."""
    for node in nodes:
        if node.kind != "splitter" or group_of[node.index] < 0:
            continue
        own = group_of[incoming[node.index][0].src.index]
        around = {common_group(own, group_of[edge.dst.index], groups) for edge in outgoing[node.index]}
        if own not in around:
            group_of[node.index] = min(around)


def _call(function: str, run: int) -> str:
    return f"{labels.name(function)}()" if run == 1 else f"{labels.name(function)}()  call {run}"


@dataclass(frozen=True, slots=True)
class _Writer:
    """Puts one node or edge into words."""

    function: str
    seeded: int

    def box(self, node: Any, incoming: Sequence[Any], outgoing: Sequence[Any], group: int) -> Box:
        """Say what a node's box shows."""
        make = {
            "input": self._input,
            "output": self._output,
            "function": self._gate,
            "splitter": self._splitter,
            "cut": self._cut,
        }[node.kind]
        box = make(node, incoming, outgoing, group)
        return replace(box, name=labels.name(node.label or node.name or ""), node=node.index)

    def _input(self, node: Any, _: Sequence[Any], outgoing: Sequence[Any], group: int) -> Box:
        lines: list[Line] = [(Span(labels.name(node.label or node.name or "input"), "name"),)]
        lines += value_lines(node.value)
        lines += gradient_lines(node.grad)
        if not outgoing:
            lines += UNUSED
        state: State = "alarm" if is_bad(node.grad) or is_bad(node.value) else "plain"
        return Box("input", tuple(lines), state=state, tooltip=tooltip(f"input {node.name}"), group=group)

    def _output(self, node: Any, incoming: Sequence[Any], _: Sequence[Any], group: int) -> Box:
        path = labels.name(node.name or "")
        lines: list[Line] = [(Span(f"output {path}".strip(), "name"),)]
        lines += value_lines(node.value)
        if node.index == self.seeded:
            lines += gradient_lines(node.grad)
        else:
            lines.append((Span("not seeded", "quiet"),))
        return Box(
            "output",
            tuple(lines),
            state="alarm" if is_bad(node.value) else "plain",
            tooltip=tooltip(f"output of {self.function} {path}".rstrip()),
            group=group,
            wires_in=len(incoming),
        )

    def _gate(self, node: Any, incoming: Sequence[Any], outgoing: Sequence[Any], group: int) -> Box:
        caption: list[Line] = []
        if node.kink:
            caption += ((Span(line, "quiet"),) for line in wrap(labels.clean(node.kink), labels.NAME_LIMIT))
        if not outgoing:
            caption += wire_value(node) if node.label else ()
            caption += UNUSED
        made_bad = is_bad(node.value) and not any(is_bad(edge.value) for edge in incoming)
        broke_gradient = not is_bad(node.grad) and any(is_bad(edge.grad) for edge in incoming)
        is_quiet = bool(incoming) and all(map(is_unreached, incoming))
        state: State = "alarm" if made_bad or broke_gradient else "unreached" if is_quiet else "plain"
        return Box(
            "function",
            ((Span(gate_text(node), "faint" if state == "unreached" else "symbol"),),),
            quieted(caption) if is_quiet else tuple(caption),
            state=state,
            tooltip=tooltip(f"{node.label}: {node.op}" if node.label else node.op, place(node)),
            group=group,
            wires_in=len(incoming),
            is_ordered=is_ordered(node, len(incoming)),
        )

    def _splitter(self, node: Any, incoming: Sequence[Any], outgoing: Sequence[Any], group: int) -> Box:
        edge = incoming[0]
        is_copy = node.op == "copy"
        below = (
            sum_lines([each.grad for each in outgoing], edge.grad)
            if is_copy
            else broadcast_lines(node, edge)
        )
        what = (
            f"splitter of {node.label}: {len(outgoing)} uses" if is_copy else f"broadcast of {node.label}"
        )
        lead, is_quiet = Label(wire_value(edge.src), below), is_unreached(edge)
        return Box(
            "splitter" if is_copy else "broadcast",
            lead=Label(quieted(lead.above), quieted(lead.below)) if is_quiet else lead,
            state="unreached" if is_quiet else "plain",
            tooltip=tooltip(what, place(node)),
            group=group,
            wires_in=1,
        )

    def _cut(self, node: Any, _: Sequence[Any], __: Sequence[Any], group: int) -> Box:
        text = node.site.text if node.site is not None and node.site.text else node.name or "cut"
        caption = ((Span(labels.name(text), "quiet"),), (Span("leaves the graph", "quiet"),))
        return Box(
            "cut", (), caption, state="cut", tooltip=tooltip("cut", place(node)), group=group, wires_in=1
        )

    def arrow(self, edge: Any, source: Any, target: Any) -> Arrow:
        """Say what an edge's wire shows."""
        from_splitter = source.kind == "splitter"
        state = edge_state(edge)
        if target.kind == "splitter":
            return Arrow(
                source.index, target.index, state=state, from_splitter=from_splitter, edge=edge.index
            )
        if target.kind == "cut":
            below: tuple[Line, ...] = ((Span("0", "gradient"), Span("  cut off", "quiet")),)
        elif target.kind == "function":
            below = product_lines(edge)
        else:
            below = gradient_lines(edge.grad)
        above = wire_value(source)
        is_quiet = is_unreached(edge)
        return Arrow(
            source.index,
            target.index,
            Label(quieted(above), quieted(below)) if is_quiet else Label(above, below),
            state,
            edge_tooltip(edge, source, target),
            from_splitter,
            operand(edge.port) if target.kind == "function" else "",
            edge.index,
        )
