"""The border of a rolled picture of a part of a trace: a tag for all that enters a box, or leaves it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from viz import labels
from viz.parts import Arrow, Box, Line, Span
from viz.wording import tooltip

if TYPE_CHECKING:
    from tracer.recording import Indices
    from viz.parts import Diagram
    from viz.rollup import Rolled
    from viz.skeleton import Flags

MOST_NAMES = 2  # of values, in a tag
MOST_ASKED = 1_000  # nodes whose names are asked for


def with_border(diagram: Diagram, rolled: Rolled, keep: Flags | None) -> Diagram:
    """Add to the picture of the nodes that a mask keeps a tag before and behind each box that others touch."""
    if keep is None or keep.all():
        return diagram
    graph = rolled.trace.graph
    sources, targets = graph.src, graph.dst
    boxes, before, behind = list(diagram.boxes), [], []
    entering = np.flatnonzero(~keep[sources] & keep[targets])
    for place, ends, count in _by_box(rolled.of_node[targets[entering]], sources[entering]):
        before.append(Arrow(len(boxes), place))
        boxes.append(_tag("enters", rolled, ends, count))
    leaving = np.flatnonzero(keep[sources] & ~keep[targets])
    for place, ends, count in _by_box(rolled.of_node[sources[leaving]], targets[leaving]):
        is_fork = diagram.boxes[place].shape in ("splitter", "broadcast")
        behind.append(Arrow(place, len(boxes), from_splitter=is_fork))
        boxes.append(_tag("leaves", rolled, ends, count))
    arrows = (*diagram.arrows, *before, *behind)
    return replace(diagram, boxes=tuple(boxes), arrows=arrows, is_part=bool(before or behind))


def _by_box(places: Indices, ends: Indices) -> list[tuple[int, Indices, int]]:
    """Collect the other ends of edges by the box that they touch: each once, and how many edges there are."""
    order = np.argsort(places, kind="stable")
    boxes, first = np.unique(places[order], return_index=True)
    parts = np.split(ends[order], first[1:])
    return [
        (place, np.unique(part), len(part))
        for place, part in zip(boxes.tolist(), parts, strict=False)
        if place >= 0
    ]


def _tag(shape: Any, rolled: Rolled, ends: Indices, count: int) -> Box:
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
