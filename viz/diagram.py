"""Trace -> Diagram: decides what the picture says, as boxes, arrows, labels, groups and a legend.

Knows no format and no position; `viz.layout` places what is decided here. All numbers come from `viz.labels`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.errors import DrawError
from viz import labels
from viz.border import MOST_TAGS, count_before, count_behind, tag_before, tag_behind
from viz.calls import CallNames
from viz.choice import EVERYTHING, Choice
from viz.failed import NO_FAILURE, Failure, failure_of
from viz.marks import mark
from viz.part import Part, gradients_of
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

    from tracer.graph import Graph
    from viz.skeleton import Flags
    from viz.theme import State

NODE_LIMIT = 20_000  # a picture of more is a file that no viewer opens, and has nothing to see
COST = {  # by suffix, as measured: seconds that a node or an edge takes to be drawn, and bytes in the file
    ".svg": (0.00016, 890),
    ".pdf": (0.0014, 200),
    ".html": (0.00025, 80),
    ".dot": (0.0001, 190),
    ".mmd": (0.00009, 70),
    ".graphml": (0.00008, 400),
    ".json": (0.0001, 800),
}
MEMORY = {
    ".svg": 2_500,
    ".html": 5_000,
    ".json": 12_000,
}  # bytes that a node or an edge takes while it is drawn
OTHER_MEMORY = 7_000
PIXELS = 30_000  # that a node or an edge takes with the room around it
PAGE_DATA = 430  # bytes of a node or an edge in a page, before they are packed
MOST_PAGE_DATA = 1 << 29  # the longest text that a browser holds


def diagram(
    trace: Any, choice: Choice = EVERYTHING, *, force: bool = False, suffix: str = ".svg"
) -> Diagram:
    """Decide what the picture of a trace says; raises DrawError for a graph too big to look at, unless forced to."""
    refuse_too_many(trace.graph, choice.keep, suffix, force=force)
    part = Part(trace, choice)
    groups, group_of_scope = _groups(part.nodes, trace.sites.scopes)
    group_of = [group_of_scope.get(_scope(node, trace.sites.scopes).index, -1) for node in part.nodes]
    _move_splitters_out(part, group_of, groups)
    seeded = trace.output.index if trace.output is not None else -1
    writer = Writer(trace.function, seeded, failure_of(trace))
    boxes = [
        writer.box(*each) for each in zip(part.nodes, part.incoming, part.outgoing, group_of, strict=True)
    ]
    arrows = [
        writer.arrow(trace.edges[edge], part.nodes[start], part.nodes[stop], start, stop)
        for edge, start, stop in part.inner
    ]
    drawn = Diagram(labels.name(trace.function), (), (), groups, has_arrays=part.has_arrays)
    if part.before or part.behind:
        arrows = _add_border(part, writer, boxes, arrows, group_of_scope)
        drawn = replace(drawn, is_part=True)
    drawn = replace(drawn, boxes=tuple(boxes), arrows=tuple(arrows))
    return mark(drawn, choice.marks, choice.on_nodes, choice.on_edges, is_rest_calm=choice.is_rest_calm)


def refuse_too_many(graph: Graph, keep: Flags | None, suffix: str, *, force: bool) -> None:
    """Raise DrawError for more nodes than are drawn unasked, or than anything holds; it says what they would take."""
    entering = np.diff(graph.first_in)
    count = len(graph.kinds) if keep is None else int(np.count_nonzero(keep))
    if count <= NODE_LIMIT:
        return
    parts = count + int((entering if keep is None else entering[keep]).sum())
    _refuse_what_nothing_holds(count, parts, suffix)
    if force:
        return
    raise DrawError(
        f"a picture of {count:,} nodes can't be read",
        got=f"{_cost(parts, suffix)}{NODE_LIMIT:,} nodes are drawn unasked",
        advice="leave --exact out, or look at a part: --focus NAME, or --only FUNCTION; --force (in Python force=True) "
        "draws it all the same",
    )


def _cost(parts: int, suffix: str) -> str:
    """Say what a picture would take, of the formats for which that is known."""
    if suffix not in COST:
        return ""
    seconds, size = (each * parts for each in COST[suffix])
    time = f"{seconds / 60:,.0f} minutes" if seconds > 90 else f"{seconds:.0f} seconds"
    return f"it would take about {time}, and be {labels.memory(round(size))} as {suffix}; "


def _refuse_what_nothing_holds(count: int, parts: int, suffix: str) -> None:
    data, most = labels.memory(parts * PAGE_DATA), labels.memory(MOST_PAGE_DATA)
    if suffix == ".html" and parts * PAGE_DATA > MOST_PAGE_DATA:
        raise DrawError(
            f"a page of {count:,} nodes can't be opened",
            got=f"it would hold about {data}, and a browser reads at most {most}",
            advice="write .svg, leave --exact out, or look at a part: --focus NAME, or --only FUNCTION",
        )
    if suffix == ".png":
        from viz import raster  # noqa: PLC0415 - matplotlib takes the better part of a second to import

        raster.refuse_pixels(parts * PIXELS, f"{count:,} nodes and their wires would have")
    free, needed = free_memory(), parts * MEMORY.get(suffix, OTHER_MEMORY)
    if free is None or needed <= free:
        return
    raise DrawError(
        f"a picture of {count:,} nodes does not fit into memory",
        got=f"it would take about {labels.memory(needed)}, and {labels.memory(free)} are free",
        advice="leave --exact out, or look at a part: --focus NAME, or --only FUNCTION",
    )


def free_memory() -> int | None:
    """Return how many bytes this machine can still give; None where it does not say."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    except OSError:
        return None
    kilobytes = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return 1024 * int(kilobytes[0]) if kilobytes else None


def _add_border(
    part: Part, writer: Writer, boxes: list[Box], arrows: list[Arrow], group_of_scope: dict[int, int]
) -> list[Arrow]:
    """Add tags for what is left out, for many edges one; return all arrows in the order of their edges."""
    scopes = part.trace.sites.scopes
    placed = list(zip((edge for edge, _, _ in part.inner), arrows, strict=True))
    for stop, edges in part.before.items():
        if len(edges) > MOST_TAGS:
            box, arrow = count_before(edges, stop, boxes[stop].group)
            placed.append((edges[0].index, replace(arrow, source=len(boxes))))
            boxes.append(box)
            continue
        for edge in edges:
            source, target = edge.src, part.nodes[stop]
            placed.append((edge.index, writer.arrow(edge, source, target, len(boxes), stop)))
            boxes.append(tag_before(source, _common(source, target, scopes, group_of_scope)))
    for start, edges in part.behind.items():
        source = part.nodes[start]
        if len(edges) > MOST_TAGS:
            box, arrow = count_behind(edges, source, start, boxes[start].group)
            placed.append((edges[0].index, replace(arrow, target=len(boxes))))
            boxes.append(box)
            continue
        for edge in edges:
            target = edge.dst
            placed.append((edge.index, writer.arrow(edge, source, target, start, len(boxes))))
            boxes.append(tag_behind(target, _common(source, target, scopes, group_of_scope)))
    return [arrow for _, arrow in sorted(placed, key=itemgetter(0))]


def _common(first: Any, second: Any, scopes: Sequence[Any], group_of_scope: dict[int, int]) -> int:
    """Return the frame around two nodes, one of which is left out."""
    inner, outer = _scope(first, scopes), _scope(second, scopes)
    while inner != outer:
        if inner.depth >= outer.depth:
            inner = scopes[inner.parent]
        else:
            outer = scopes[outer.parent]
    return group_of_scope.get(inner.index, -1)


def _scope(node: Any, scopes: Sequence[Any]) -> Any:
    return scopes[0] if node.kind in ("input", "output") else node.scope


def _groups(nodes: Sequence[Any], scopes: Sequence[Any]) -> tuple[tuple[Group, ...], dict[int, int]]:
    """Make a group of each call of a helper that did something."""
    numbers: dict[int, int] = {}
    groups: list[Group] = []
    names = CallNames(scopes)
    for node in nodes:
        chain = []
        scope = _scope(node, scopes)
        while scope.depth > 0 and scope.index not in numbers:
            chain.append(scope)
            scope = scopes[scope.parent]
        for call in reversed(chain):
            numbers[call.index] = len(groups)
            parent = numbers.get(call.parent, -1)
            groups.append(Group(names.call(call.index), parent))
    return tuple(groups), numbers


def _move_splitters_out(part: Part, group_of: list[int], groups: Sequence[Group]) -> None:
    """Put each splitter where its value is used: what a helper returns is split by its caller."""
    for at, node in enumerate(part.nodes):
        if node.kind != "splitter" or group_of[at] < 0:
            continue
        source = int(part.places[part.incoming[at][0].src.index])
        own = group_of[source] if source >= 0 else -1
        ends = np.unique(part.places[part.outgoing[at].heads]).tolist()
        around = {common_group(own, group_of[end], groups) for end in ends if end >= 0}
        if around and own not in around:
            group_of[at] = min(around)


@dataclass(frozen=True, slots=True)
class Writer:
    """Puts one node or edge into words."""

    function: str
    seeded: int
    failure: Failure = NO_FAILURE

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
        if node.index in self.failure.nodes:
            told = self.failure.told
            box = replace(box, caption=(*box.caption, *told), state="alarm")
        return replace(box, name=labels.name(node.label or node.name or ""), node=node.index)

    def _input(self, node: Any, _: Sequence[Any], outgoing: Sequence[Any], group: int) -> Box:
        lines: list[Line] = [(Span(labels.name(node.label or node.name or "input"), "name"),)]
        lines += value_lines(node.value)
        lines += gradient_lines(node.grad)
        if not outgoing and node.index not in self.failure.nodes:
            lines += self.failure.unused
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
            caption += self.failure.unused if node.index not in self.failure.nodes else ()
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
        below = sum_lines(gradients_of(outgoing), edge.grad) if is_copy else broadcast_lines(node, edge)
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

    def arrow(self, edge: Any, source: Any, target: Any, start: int, stop: int) -> Arrow:
        """Say what an edge's wire shows, between the boxes at two places."""
        from_splitter = source.kind == "splitter"
        state = edge_state(edge)
        if target.kind == "splitter":
            return Arrow(start, stop, state=state, from_splitter=from_splitter, edge=edge.index)
        if target.kind == "cut":
            below: tuple[Line, ...] = ((Span("0", "gradient"), Span("  cut off", "quiet")),)
        elif target.kind == "function":
            below = product_lines(edge)
        else:
            below = gradient_lines(edge.grad)
        above = wire_value(source)
        is_quiet = is_unreached(edge)
        return Arrow(
            start,
            stop,
            Label(quieted(above), quieted(below)) if is_quiet else Label(above, below),
            state,
            edge_tooltip(edge, source, target),
            from_splitter,
            operand(edge.port) if target.kind == "function" else "",
            edge.index,
        )
