"""Trace -> Diagram: decides what the picture says, as boxes, arrows, labels, groups and a legend.

Knows no format and no position; `viz.layout` places what is decided here. All numbers come from `viz.labels`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.errors import DrawError
from viz import labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from viz.theme import Role, Shape, State

NODE_LIMIT = 50_000  # a picture of more has nothing to see
GROUP_LIMIT = 60


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one role."""

    text: str
    role: Role


Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Label:
    """The text at a wire: values above it, gradients below."""

    above: tuple[Line, ...] = ()
    below: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Box:
    """One node. `lead` is the label of the wire that ends in a splitter: its gradient is the splitter's sum."""

    shape: Shape
    lines: tuple[Line, ...] = ()
    caption: tuple[Line, ...] = ()
    lead: Label = Label()
    state: State = "plain"
    lead_state: State = "plain"
    tooltip: str = ""
    group: int = -1
    wires_in: int = 0


@dataclass(frozen=True, slots=True)
class Arrow:
    """One edge between two boxes, by their positions in the diagram."""

    source: int
    target: int
    label: Label = Label()
    state: State = "plain"
    tooltip: str = ""
    from_splitter: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """One call of a helper function, drawn as a dashed frame around what it did."""

    title: str
    parent: int = -1


@dataclass(frozen=True, slots=True)
class Diagram:
    """All that a picture says."""

    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    groups: tuple[Group, ...] = ()
    has_arrays: bool = False


def diagram(trace: Any) -> Diagram:
    """Decide what the picture of a trace says; raises DrawError for a graph too big to look at."""
    count = len(trace.nodes)
    if count > NODE_LIMIT:
        raise DrawError(
            f"a picture of {count:,} nodes can't be read",
            got=f"at most {NODE_LIMIT:,} are drawn",
            advice="trace a smaller input, or use `edgegrad edges` and `edgegrad explain`",
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
    return Diagram(labels.name(trace.function), boxes, arrows, groups, any(labels.is_array(n.value) for n in nodes))


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


def common_group(first: int, second: int, groups: Sequence[Group]) -> int:
    """Return the innermost group around two boxes, or -1."""
    around = set()
    while first >= 0:
        around.add(first)
        first = groups[first].parent
    while second >= 0 and second not in around:
        second = groups[second].parent
    return second


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
        return make(node, incoming, outgoing, group)

    def _input(self, node: Any, _: Sequence[Any], outgoing: Sequence[Any], group: int) -> Box:
        lines: list[Line] = [(Span(labels.name(node.label or node.name or "input"), "name"),)]
        lines += _value_lines(node.value)
        lines += _gradient_lines(node.grad)
        if not outgoing:
            lines.append((Span("never used", "quiet"),))
        state: State = "alarm" if _is_bad(node.grad) or _is_bad(node.value) else "plain"
        return Box("input", tuple(lines), state=state, tooltip=_tooltip(f"input {node.name}"), group=group)

    def _output(self, node: Any, incoming: Sequence[Any], _: Sequence[Any], group: int) -> Box:
        path = labels.name(node.name or "")
        lines: list[Line] = [(Span(f"output {path}".strip(), "name"),)]
        lines += _value_lines(node.value)
        if node.index == self.seeded:
            lines += _gradient_lines(node.grad)
        else:
            lines.append((Span("not seeded", "quiet"),))
        return Box(
            "output",
            tuple(lines),
            state="alarm" if _is_bad(node.value) else "plain",
            tooltip=_tooltip(f"output of {self.function} {path}".rstrip()),
            group=group,
            wires_in=len(incoming),
        )

    def _gate(self, node: Any, incoming: Sequence[Any], outgoing: Sequence[Any], group: int) -> Box:
        caption: list[Line] = []
        if node.kink:
            caption.append((Span(labels.name(node.kink), "quiet"),))
        if not outgoing:
            caption += _wire_value(node) if node.label else ()
            caption.append((Span("never used", "quiet"),))
        made_bad = _is_bad(node.value) and not any(_is_bad(edge.value) for edge in incoming)
        broke_gradient = not _is_bad(node.grad) and any(_is_bad(edge.grad) for edge in incoming)
        return Box(
            "function",
            ((Span(_gate_text(node), "symbol"),),),
            tuple(caption),
            state="alarm" if made_bad or broke_gradient else "plain",
            tooltip=_tooltip(f"{node.label}: {node.op}" if node.label else node.op, _place(node)),
            group=group,
            wires_in=len(incoming),
        )

    def _splitter(self, node: Any, incoming: Sequence[Any], outgoing: Sequence[Any], group: int) -> Box:
        edge = incoming[0]
        is_copy = node.op == "copy"
        below = _sum_lines([each.grad for each in outgoing], edge.grad) if is_copy else _broadcast_lines(node, edge)
        what = f"splitter of {node.label}: {len(outgoing)} uses" if is_copy else f"broadcast of {node.label}"
        return Box(
            "splitter" if is_copy else "broadcast",
            lead=Label(_wire_value(edge.src), below),
            lead_state=_state(edge),
            tooltip=_tooltip(what, _place(node)),
            group=group,
            wires_in=1,
        )

    def _cut(self, node: Any, _: Sequence[Any], __: Sequence[Any], group: int) -> Box:
        text = node.site.text if node.site is not None and node.site.text else node.name or "cut"
        caption = ((Span(labels.name(text), "quiet"),), (Span("leaves the graph", "quiet"),))
        return Box("cut", (), caption, state="cut", tooltip=_tooltip("cut", _place(node)), group=group, wires_in=1)

    def arrow(self, edge: Any, source: Any, target: Any) -> Arrow:
        """Say what an edge's wire shows."""
        state = _state(edge)
        if target.kind == "splitter":
            return Arrow(source.index, target.index, state=state, from_splitter=source.kind == "splitter")
        if target.kind == "cut":
            below: tuple[Line, ...] = ((Span("0", "gradient"), Span("  cut off", "quiet")),)
        elif target.kind == "function":
            below = _product_lines(edge)
        else:
            below = _gradient_lines(edge.grad)
        above = _wire_value(source)
        return Arrow(
            source.index,
            target.index,
            Label(above, below),
            state,
            _edge_tooltip(edge, source, target),
            source.kind == "splitter",
        )


def _gate_text(node: Any) -> str:
    """Show a gate's operation, and the constants among its operands: ×, × 3, 1 −, clip(·, 0, 1)."""
    symbol = labels.shorten(labels.clean(node.symbol), labels.CONSTANT_LIMIT)
    operands = node.operands
    is_wire = [_is_edge(operand) for operand in operands]
    if all(is_wire):
        return symbol
    texts = ["·" if wire else labels.constant(each) for each, wire in zip(operands, is_wire, strict=True)]
    if len(texts) == 2 and not symbol[:1].isalnum():
        return f"{symbol} {texts[1]}" if is_wire[0] else f"{texts[0]} {symbol}"
    return labels.shorten(f"{symbol}({', '.join(texts)})", 2 * labels.CONSTANT_LIMIT)


def _is_edge(operand: Any) -> bool:
    return hasattr(operand, "upstream")


def _wire_value(source: Any) -> tuple[Line, ...]:
    """Write what a wire carries forward: with its name and all it takes where it starts, else in one line."""
    lines = _value_lines(source.value)
    if source.kind != "function":
        return lines[:1]
    if not source.label:
        return lines
    return ((Span(f"{labels.name(source.label)} = ", "name"), *lines[0]), *lines[1:])


def _value_lines(value: Any) -> tuple[Line, ...]:
    role: Role = "alarm" if _is_bad(value) else "value"
    return tuple((Span(_flag(text, role), role),) for text in _texts(value))


def _gradient_lines(grad: Any) -> tuple[Line, ...]:
    role: Role = "alarm" if _is_bad(grad) else "gradient"
    return tuple((Span(_flag(text, role), role),) for text in _texts(grad))


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    if not labels.is_array(value):
        return [labels.number(value)]
    return [labels.summary(value)] if value.size == 0 else [labels.summary(value), labels.worst(value)]


def _flag(text: str, role: Role) -> str:
    """Mark what is not finite by a sign of its own, so that colour is not the only one."""
    return f"⚠ {text}" if role == "alarm" else text


def _result(text: str, *, is_bad: bool) -> Span:
    role: Role = "alarm" if is_bad else "gradient"
    return Span(_flag(text, role), role)


def _product_lines(edge: Any) -> tuple[Line, ...]:
    """Write the product that made a gradient: upstream × local = gradient."""
    grad, upstream = edge.grad, edge.upstream
    if grad is None or upstream is None:
        return ()
    is_bad = _is_bad(grad)
    if edge.step is None:
        return ((_result("0", is_bad=False), Span("  not reached", "quiet")),)
    local = edge.local
    if not labels.is_array(grad) and not labels.is_array(upstream):
        if local is None:
            return ((Span(f"{labels.number(upstream)} → ", "working"), _result(labels.number(grad), is_bad=is_bad)),)
        working = f"{labels.factors(upstream, local)} = "
        return ((Span(working, "working"), _result(labels.number(grad), is_bad=is_bad)),)
    norms = (Span(f"{labels.norm(upstream)} → ", "working"), _result(labels.norm(grad), is_bad=is_bad))
    if not labels.is_array(grad) or grad.size == 0:
        return (norms,)
    place = labels.worst_index(grad)
    if local is None or np.shape(upstream) != grad.shape:
        return (norms, (Span(labels.worst(grad), "working"),))
    at_place = labels.factors(upstream[place], np.broadcast_to(local, grad.shape)[place])
    working = f"{labels.index(place)}  {at_place} = "
    return (norms, (Span(working, "working"), Span(labels.number(grad[place]), "working")))


def _sum_lines(terms: Sequence[Any], total: Any) -> tuple[Line, ...]:
    """Write the sum that a splitter made: Σ 3 + 7 = 10."""
    is_bad = _is_bad(total)
    if not labels.is_array(total):
        working = f"Σ {labels.addends(terms)} = "
        return ((Span(working, "working"), _result(labels.number(total), is_bad=is_bad)),)
    norms = (Span(f"Σ {labels.norms(terms)} → ", "working"), _result(labels.norm(total), is_bad=is_bad))
    if total.size == 0:
        return (norms,)
    place = labels.worst_index(total)
    at_place = labels.addends([term[place] for term in terms])
    return (norms, (Span(f"{labels.index(place)}  {at_place} = {labels.number(total[place])}", "working"),))


def _broadcast_lines(node: Any, edge: Any) -> tuple[Line, ...]:
    """Write the sum over a broadcast's copies: Σ over 128 = 9.3."""
    narrow, wide = np.shape(edge.value), np.shape(node.value)
    copies = math.prod(wide) // max(math.prod(narrow), 1)
    total = edge.grad
    first = (Span(f"Σ over {copies} = ", "working"), _result(labels.norm(total), is_bad=_is_bad(total)))
    if not labels.is_array(total) or total.size == 0:
        return (first,)
    return (first, (Span(labels.worst(total), "working"),))


def _is_bad(value: Any) -> bool:
    """Say whether a value holds a nan or an infinity."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "fc" and not bool(np.isfinite(value).all())
    if value is None or isinstance(value, int):
        return False
    return not bool(np.isfinite(value))


def _state(edge: Any) -> State:
    """Say how a wire is drawn: by the worst that flows on it."""
    grad = edge.grad
    if edge.dst.kind == "cut" or grad is None:
        return "cut"
    if _is_bad(grad) or _is_bad(edge.value):
        return "alarm"
    return "plain" if np.any(grad) else "zero"


def _place(node: Any) -> str:
    """Name a node's line and its text; the file by its name alone, so that a picture is the same everywhere."""
    site = node.site
    if site is None:
        return ""
    text = f"{site.text}  " if site.text else ""
    return f"{text}({PurePath(site.file).name}:{site.line})"


def _edge_tooltip(edge: Any, source: Any, target: Any) -> str:
    start = source.label or source.name or source.op
    parts = [f"{start} → {target.op}, operand {edge.port}"]
    if edge.formula:
        parts.append(f"local partial: {edge.formula}")
    if edge.step is not None:
        parts.append(f"backward step {edge.step}")
    return _tooltip(*parts, _place(target))


def _tooltip(*parts: str) -> str:
    return "\n".join(_lines(parts))


def _lines(parts: Iterable[str]) -> list[str]:
    return [labels.shorten(labels.clean(part), 200) for part in parts if part]
