"""Diagram -> DOT, by pydot, for people who want to go on with Graphviz themselves.

Every id is our own, and every string goes through `quote`, the only place that writes user text into DOT.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pydot

from viz import theme

if TYPE_CHECKING:
    from viz.parts import Box, Diagram, Label, Line

SHAPES = {
    "input": "box",
    "output": "box",
    "function": "ellipse",
    "splitter": "diamond",
    "broadcast": "diamond",
    "cut": "plaintext",
    "call": "box",
    "leaves": "cds",
    "enters": "cds",
}


def write(diagram: Diagram) -> str:
    """Return a diagram as DOT text."""
    graph = pydot.Dot(
        graph_type="digraph", rankdir="LR", fontname="DejaVu Sans", label=quote(diagram.title), labelloc="t"
    )
    graph.set_node_defaults(
        fontname="DejaVu Sans", fontsize="12", style="filled", fillcolor=quote(theme.PAPER)
    )
    graph.set_edge_defaults(fontname="DejaVu Sans", fontsize="11")
    clusters: list[Any] = []
    for number, group in enumerate(diagram.groups):
        colour = quote(theme.GROUP.colour)
        cluster: Any = pydot.Cluster(f"g{number}", label=quote(group.title), style="dashed", color=colour)
        (clusters[group.parent] if group.parent >= 0 else graph).add_subgraph(cluster)
        clusters.append(cluster)
    for number, box in enumerate(diagram.boxes):
        (clusters[box.group] if box.group >= 0 else graph).add_node(_node(number, box))
    for arrow in diagram.arrows:
        stroke = theme.wire(arrow.state, arrow.mark)
        stroke = theme.faded(stroke) if arrow.is_calm else stroke
        target = diagram.boxes[arrow.target]
        label = arrow.label if target.lead.is_empty else target.lead
        graph.add_edge(
            pydot.Edge(
                f"n{arrow.source}",
                f"n{arrow.target}",
                label=quote(_label(label)),
                tooltip=quote(arrow.tooltip or target.tooltip),
                color=quote(stroke.colour),
                penwidth=str(stroke.width),
                style="dashed" if stroke.dashes else "solid",
            )
        )
    return str(graph.to_string())


def quote(text: str) -> str:
    r"""Write any string as a quoted DOT string that is drawn as itself.

    Graphviz reads a backslash as the start of an escape (\N is the node's name), and an ampersand as that of an
    entity, also inside quotes; pydot passes on as it is what begins and ends with a quote.
    """
    text = text.replace("\\", "\\\\").replace("&", "&amp;").replace('"', '\\"')
    return '"' + text.replace("\r", "\\r").replace("\n", "\\n") + '"'


def _node(number: int, box: Box) -> pydot.Node:
    lines = [*box.lines, *box.caption]
    outline = theme.outline(box.state, box.mark)
    outline = theme.faded(outline) if box.is_calm else outline
    node = pydot.Node(
        f"n{number}",
        shape=SHAPES[box.shape],
        label=quote("\n".join(map(_text, lines))),
        tooltip=quote(box.tooltip),
        color=quote(outline.colour),
        penwidth=str(outline.width),
        fillcolor=quote(theme.fill(box.shape, box.state, outline)),
    )
    if box.is_ordered:
        node.set("ordering", "in")
    return node


def _label(label: Label) -> str:
    return "\n".join(map(_text, (*label.above, *label.below)))


def _text(line: Line) -> str:
    return "".join(span.text for span in line)
