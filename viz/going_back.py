"""Arrows that go back to the next turn of a loop: as wires in lanes below their row, or as two tags.

A layout engine sees none of them: it is asked for places of a graph without circles.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from viz.geometry import PlacedWire, block, left_side, set_spark, stack
from viz.lanes import Back, lanes
from viz.marks import FORKS
from viz.parts import Arrow, Box, Span
from viz.routes import straight
from viz.sizes import LABEL_PADDING, WIRE_CLEARANCE, item_size, label_size, spark_size

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from viz.geometry import PlacedShape, Rect
    from viz.parts import Diagram, Label
    from viz.skeleton import Floats
    from viz.theme import Role

POINTED = ("function", "call", "output")  # what wires lead to with an arrowhead
NEXT_TURN = "next turn"
LOW = 0.8  # of a gate's half height: where a wire from below enters


def wires_back(
    row: Diagram, shapes: Sequence[PlacedShape], obstacles: Sequence[Rect], passed: Floats
) -> dict[int, PlacedWire]:
    """Draw the arrows of a row that go back, by their place in it; without those that find no way."""
    arrows = [at for at, arrow in enumerate(row.arrows) if arrow.is_back]
    backs = []
    for at in arrows:
        arrow = row.arrows[at]
        start, box, target = shapes[arrow.source].rect, row.boxes[arrow.target], shapes[arrow.target]
        height = target.rect.y + target.rect.height / 2
        if box.shape in ("function", "call") and box.wires_in > 1:
            height += LOW * target.rect.height / 2
        lead = item_size(box)[0] if not box.lead.is_empty else 0.0
        end = (
            left_side(target.shape, target.rect, height)
            if not lead
            else target.rect.x + target.rect.width - lead
        )
        backs.append(
            Back(
                (start.x + start.width, start.y + start.height / 2),
                (end, height),
                _hanging_size(arrow.label),
            )
        )
    drawn = {}
    outputs = [shape.rect for shape in shapes if shape.shape == "output"]
    for at, lane in zip(arrows, lanes(backs, obstacles, passed, outputs), strict=True):
        if lane is None:
            continue
        arrow = row.arrows[at]
        target = shapes[arrow.target]
        points = lane.points
        if not row.boxes[arrow.target].lead.is_empty:
            fork = np.array([target.rect.x, points[-1, 1]])
            points = np.concatenate([points, straight(points[-1], fork)[1:]])
        centre, top = lane.label
        label = _label(arrow, row.boxes[arrow.target])
        lines = (*label.above, *label.below)
        scale, sparks = set_spark(label, centre, top + WIRE_CLEARANCE + block(lines)[1])
        drawn[at] = PlacedWire(
            points,
            arrow.state,
            target.shape in POINTED,
            stack(lines, centre, top + WIRE_CLEARANCE) + scale,
            arrow.tooltip,
            edge=arrow.edge,
            sparks=sparks,
            turns_at=lane.turn,
            mark=arrow.mark,
            is_calm=arrow.is_calm,
        )
    return drawn


def _label(arrow: Arrow, target: Box) -> Label:
    """Say which operand a wire is, that enters its gate below all others."""
    if not (target.is_ordered and arrow.operand):
        return arrow.label
    return replace(arrow.label, above=((Span(arrow.operand, "quiet"),), *arrow.label.above))


def _hanging_size(label: Label) -> tuple[float, float]:
    """Return the size of a label that hangs below its wire."""
    width = label_size(label)[0]
    lines = (*label.above, *label.below)
    return width - LABEL_PADDING, WIRE_CLEARANCE + block(lines)[1] + spark_size(label)[1]


def tag_back(row: Diagram, numbers: Collection[int]) -> Diagram:
    """Draw some arrows that go back as two tags with the value's name: where it leaves, and where it comes in."""
    boxes, arrows = list(row.boxes), list(row.arrows)
    names = _names(row, [row.arrows[at].source for at in numbers])
    for at in numbers:
        arrow = row.arrows[at]
        name = names[arrow.source]
        role: Role = "quiet" if arrow.state == "unreached" else "name"
        tag = Box("leaves", state="plain", tooltip=arrow.tooltip, edge=arrow.edge, mark=arrow.mark)
        leaves = replace(tag, lines=((Span(name, role), Span(f"  next {arrow.back_to}", "quiet")),))
        enters = replace(
            tag, shape="enters", lines=((Span(f"last {arrow.back_to}  ", "quiet"), Span(name, role)),)
        )
        arrows[at] = replace(arrow, source=len(boxes) + 1, from_splitter=False, is_back=False)
        arrows.append(
            Arrow(arrow.source, len(boxes), state=arrow.state, tooltip=arrow.tooltip, edge=arrow.edge)
        )
        boxes.append(replace(leaves, group=row.boxes[arrow.source].group))
        boxes.append(replace(enters, group=row.boxes[arrow.target].group))
    return replace(row, boxes=tuple(boxes), arrows=tuple(arrows))


def _names(row: Diagram, sources: Sequence[int]) -> dict[int, str]:
    """Name boxes on tags: by their values, else by what makes these; what another box has too with a number."""
    before = {arrow.target: arrow.source for arrow in row.arrows if row.boxes[arrow.target].shape in FORKS}
    names: dict[int, str] = {}
    taken: dict[str, int] = {}
    for source in dict.fromkeys(sources):
        maker = source
        while not row.boxes[maker].name and maker in before:
            maker = before[maker]
        box = row.boxes[maker]
        if box.name:
            names[source] = box.name
            continue
        text = "".join(span.text for line in box.lines[:1] for span in line) or "value"
        taken[text] = taken.get(text, 0) + 1
        names[source] = text if taken[text] == 1 else f"{text} #{taken[text]}"
    return names


def has_turn_tags(rows: Sequence[Diagram]) -> bool:
    """Say whether something goes back by tags."""
    texts = (
        span.text for row in rows for box in row.boxes if box.shape == "leaves" for span in box.lines[0]
    )
    return any(text.strip() == NEXT_TURN for text in texts)
