"""One row of a picture: what a layout engine is asked of it, and all its text where the answer says.

The label of a wire is an item of the layout of its own, which the wire runs through: the values stand above it, the
gradients below, and nothing else can be there. Used by `viz.layout` and `viz.large`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from viz.frames import title_place
from viz.geometry import (
    TAG_POINT,
    PlacedGroup,
    PlacedShape,
    PlacedSpark,
    PlacedText,
    PlacedWire,
    Rect,
    block,
    left_side,
    set_line,
    set_spark,
    stack,
)
from viz.going_back import POINTED
from viz.parts import Span, common_group
from viz.sizes import CAPTION_GAP, WIRE_CLEARANCE, item_size, label_size, shape_size
from viz.skeleton import Skeleton

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from viz.parts import Box, Diagram, Label, Line
    from viz.skeleton import Placement

    Points = list[list[float]]  # Python's own numbers are faster than short arrays

SNAP = 1.0  # what an engine's rounding may be off


def skeleton_of(diagram: Diagram) -> tuple[Skeleton, list[int]]:
    """Make the layout's task: boxes first, then the labels of wires; also each arrow's label item, or -1."""
    sizes = [item_size(box) for box in diagram.boxes]
    group = [box.group for box in diagram.boxes]
    is_late = [False] * len(sizes)
    tails, heads, label_items = [], [], []
    parents = [each.parent for each in diagram.groups]
    for arrow in diagram.arrows:
        if arrow.is_back:
            label_items.append(-1)
            continue
        if arrow.label.is_empty:
            label_items.append(-1)
            tails.append(arrow.source)
            heads.append(arrow.target)
            continue
        item = len(sizes)
        label_items.append(item)
        sizes.append(label_size(arrow.label))
        is_late.append(arrow.from_splitter)
        group.append(common_group(group[arrow.source], group[arrow.target], diagram.groups))
        tails += [arrow.source, item]
        heads += [item, arrow.target]
    width, height = np.array(sizes).reshape(-1, 2).T
    titles = [block([_title(each.title)]) for each in diagram.groups]
    boxes = diagram.boxes
    blank = np.zeros(len(sizes), np.bool_)
    is_gate, is_source, is_ordered = blank.copy(), blank.copy(), blank.copy()
    is_gate[: len(boxes)] = [box.shape == "function" and not box.caption for box in boxes]
    is_ordered[: len(boxes)] = [box.is_ordered for box in boxes]
    mouth = np.zeros(len(sizes))
    mouth[: len(boxes)] = [
        shape_size(box)[1] if box.shape in ("function", "call") else 0.0 for box in boxes
    ]
    is_source[: len(boxes)] = [box.shape in ("input", "enters") for box in boxes]
    skeleton = Skeleton(
        len(boxes),
        width,
        height,
        np.array(tails, np.int64),
        np.array(heads, np.int64),
        is_gate,
        mouth,
        is_ordered,
        np.array(is_late, np.bool_),
        is_source,
        np.array(group, np.int64),
        np.array(parents, np.int64),
        np.array(titles).reshape(-1, 2),
    )
    return skeleton, label_items


def numbered(row: Diagram, gates: Collection[int]) -> Diagram:
    """Say of the wires of some gates which operand each is, where their places don't."""
    arrows = (
        replace(
            arrow, label=replace(arrow.label, above=((Span(arrow.operand, "quiet"),), *arrow.label.above))
        )
        if arrow.target in gates and not arrow.is_back
        else arrow
        for arrow in row.arrows
    )
    return replace(row, arrows=tuple(arrows))


def _title(text: str) -> Line:
    return (Span(text, "quiet"),)


def set_shapes(diagram: Diagram, skeleton: Skeleton, placement: Placement) -> tuple[PlacedShape, ...]:
    """Place the boxes of a row with their text."""
    places = _places(diagram, skeleton, placement)
    return tuple(_set_box(box, *place) for box, place in zip(diagram.boxes, places, strict=True))


def _places(diagram: Diagram, skeleton: Skeleton, placement: Placement) -> list[tuple[float, float, float]]:
    """Return the middle of each box, and how wide its room is."""
    columns = (placement.x, placement.y, skeleton.width)
    return list(zip(*(column[: len(diagram.boxes)].tolist() for column in columns), strict=True))


def _set_box(box: Box, x: float, y: float, room: float) -> PlacedShape:
    """Place a box's shape and texts around the middle of its room; a splitter is at the end of its lead."""
    rect = _rect(box, x, y, room)
    beside: tuple[PlacedText, ...] = ()
    sparks: tuple[PlacedSpark, ...] = ()
    if not box.lead.is_empty:
        lead_width = label_size(box.lead)[0]
        beside, sparks = _set_label(box.lead, x - room / 2 + lead_width / 2, y)
    x = rect.x + rect.width / 2
    if box.caption:
        beside += stack(box.caption, x, y + rect.height / 2 + CAPTION_GAP)
    middle = x + {"leaves": -TAG_POINT / 2, "enters": TAG_POINT / 2}.get(box.shape, 0.0)
    inside = stack(box.lines, middle, y - block(box.lines)[1] / 2)
    return PlacedShape(
        box.shape,
        rect,
        box.state,
        inside,
        beside,
        box.tooltip,
        box.node,
        box.edge,
        box.count,
        sparks,
        box.mark,
        box.is_calm,
    )


def _rect(box: Box, x: float, y: float, room: float) -> Rect:
    """Return the rectangle of a box's own shape."""
    width, height = shape_size(box)
    if not box.lead.is_empty:
        x = x + room / 2 - width / 2
    return Rect(x - width / 2, y - height / 2, width, height)


def _set_label(
    label: Label, centre: float, y: float
) -> tuple[tuple[PlacedText, ...], tuple[PlacedSpark, ...]]:
    """Place a label's text above and below its wire, and its curve below that."""
    above = stack(label.above, centre, y - WIRE_CLEARANCE - block(label.above)[1])
    scale, sparks = set_spark(label, centre, y + WIRE_CLEARANCE + block(label.below)[1])
    return above + stack(label.below, centre, y + WIRE_CLEARANCE) + scale, sparks


def set_wires(
    diagram: Diagram,
    skeleton: Skeleton,
    placement: Placement,
    label_items: Sequence[int],
) -> list[PlacedWire | None]:
    """Join the segments of each arrow, and lead it to the shapes at its ends; None for those that go back."""
    wires: list[PlacedWire | None] = []
    places = _places(diagram, skeleton, placement)
    rects = [_rect(box, *place) for box, place in zip(diagram.boxes, places, strict=True)]
    item_x, item_y, is_gate = placement.x.tolist(), placement.y.tolist(), skeleton.is_gate.tolist()
    segment = 0
    for arrow, item in zip(diagram.arrows, label_items, strict=True):
        if arrow.is_back:
            wires.append(None)
            continue
        target = diagram.boxes[arrow.target]
        points: Points = placement.paths[segment].tolist()
        segment += 1
        texts: tuple[PlacedText, ...] = ()
        sparks: tuple[PlacedSpark, ...] = ()
        if item >= 0:
            _join(points, placement.paths[segment].tolist())
            segment += 1
            texts, sparks = _set_label(arrow.label, item_x[item], item_y[item])
        start = rects[arrow.source]
        x, _, room = places[arrow.source]
        if points[0][0] <= x + room / 2 + SNAP:
            begin = [[start.x + start.width, points[0][1]]]
            _join(begin, points)
            points = begin
        if not is_gate[arrow.target]:
            y = points[-1][1]
            _join(points, [[left_side(target.shape, rects[arrow.target], y), y]])
        wires.append(
            PlacedWire(
                np.array(points),
                arrow.state,
                target.shape in POINTED,
                texts,
                arrow.tooltip or target.tooltip,
                target.shape == "leaves",
                arrow.edge,
                sparks,
                mark=arrow.mark,
                is_calm=arrow.is_calm,
            )
        )
    return wires


def _join(first: Points, second: Points) -> None:
    """Add a Bézier path to another, with a straight line between them."""
    (x, y), (stop_x, stop_y) = first[-1], second[0]
    across, down = stop_x - x, stop_y - y
    if abs(across) > SNAP or abs(down) > SNAP:
        first += [[x + across / 3, y + down / 3], [stop_x - across / 3, stop_y - down / 3], second[0]]
    elif len(second) == 1:
        first[-1] = second[0]
    first += second[1:]


def set_groups(diagram: Diagram, placement: Placement) -> tuple[PlacedGroup, ...]:
    """Frame each group that the engine kept together."""
    groups = []
    for at, (group, box) in enumerate(zip(diagram.groups, placement.group_boxes, strict=False)):
        if box is None:
            continue
        left, top, width, height = box
        title = set_line(_title(group.title), *title_place(left, top))
        number = at if group.number < 0 else group.number
        groups.append(PlacedGroup(Rect(left, top, width, height), title, number))
    return tuple(groups)
