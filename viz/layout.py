"""Diagram -> Geometry: measures the text, asks a layout engine, and places every line of text.

The Geometry is what all formats draw (`viz.vector`, `viz.raster`): shapes, wires and lines of text, in pixels, y
downwards. The label of a wire is an item of the layout of its own, which the wire runs through: the values stand
above it, the gradients below, and nothing else can be there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from viz import engines, theme
from viz.geometry import (
    Geometry,
    PlacedGroup,
    PlacedShape,
    PlacedText,
    PlacedWire,
    Rect,
    block,
    set_line,
    stack,
)
from viz.legend import LEAST_WIDTH, legend
from viz.parts import Span, common_group
from viz.skeleton import Skeleton

if TYPE_CHECKING:
    from collections.abc import Sequence

    from viz.parts import Arrow, Box, Diagram, Label, Line
    from viz.skeleton import Floats, Placement

MARGIN = 18.0
LABEL_PADDING = 7.0  # on both sides of a wire's label
WIRE_CLEARANCE = 3.0  # between a wire and the text above and below it
SNAP = 1.0  # what an engine's rounding may be off
FORK_GAP = 5.0
CAPTION_GAP = 3.0


def _label_size(label: Label) -> tuple[float, float]:
    """Return the size of a wire's label; the wire runs through its middle, so both halves are alike."""
    above, below = block(label.above), block(label.below)
    half = max(above[1], below[1]) + WIRE_CLEARANCE
    return max(above[0], below[0]) + 2 * LABEL_PADDING, 2 * half


def _set_label(label: Label, centre: float, y: float) -> tuple[PlacedText, ...]:
    above = stack(label.above, centre, y - WIRE_CLEARANCE - block(label.above)[1])
    return above + stack(label.below, centre, y + WIRE_CLEARANCE)


def shape_size(box: Box) -> tuple[float, float]:
    """Return the size of a box's own shape, without its lead and its caption."""
    width, height = block(box.lines)
    if box.shape in ("splitter", "broadcast"):
        return theme.FORK_SIZE, theme.FORK_SIZE
    if box.shape == "cut":
        return theme.CUT_SIZE, theme.CUT_SIZE
    if box.shape == "function":
        tall = max(theme.GATE_SIZE, theme.GATE_STEP * box.wires_in)
        is_short = width <= theme.GATE_SIZE - 12
        return (theme.GATE_SIZE if is_short else width * 1.18 + 16), tall if is_short else max(
            tall, height + 14
        )
    return width + 2 * theme.BOX_PADDING[0], height + 2 * theme.BOX_PADDING[1]


def _item_size(box: Box) -> tuple[float, float]:
    """Return the room that a box needs in the layout; its wires come in and leave at half its height."""
    width, height = shape_size(box)
    caption = block(box.caption)
    if box.caption:
        width, height = max(width, caption[0]), height + 2 * (caption[1] + CAPTION_GAP)
    if box.lead.above or box.lead.below:
        lead = _label_size(box.lead)
        width, height = width + lead[0] + FORK_GAP, max(height, lead[1])
    return width, height


def geometry(diagram: Diagram, engine: str | None = None) -> Geometry:
    """Place a diagram; raises DrawError for an engine that is not there."""
    skeleton, label_items = _skeleton(diagram)
    placement, notes = engines.place(skeleton, engine)
    shapes = tuple(
        _set_box(box, float(x), float(y), float(width))
        for box, x, y, width in zip(diagram.boxes, placement.x, placement.y, skeleton.width, strict=False)
    )
    wires = _wires(diagram, skeleton, placement, shapes, label_items)
    groups = _set_groups(diagram, placement)
    return _compose(diagram, shapes, wires, groups, notes)


def _skeleton(diagram: Diagram) -> tuple[Skeleton, list[int]]:
    """Make the layout's task: boxes first, then the labels of wires; also each arrow's label item, or -1."""
    sizes = [_item_size(box) for box in diagram.boxes]
    group = [box.group for box in diagram.boxes]
    is_late = [False] * len(sizes)
    tails, heads, label_items = [], [], []
    parents = [each.parent for each in diagram.groups]
    for arrow in diagram.arrows:
        if not (arrow.label.above or arrow.label.below):
            label_items.append(-1)
            tails.append(arrow.source)
            heads.append(arrow.target)
            continue
        item = len(sizes)
        label_items.append(item)
        sizes.append(_label_size(arrow.label))
        is_late.append(arrow.from_splitter)
        group.append(common_group(group[arrow.source], group[arrow.target], diagram.groups))
        tails += [arrow.source, item]
        heads += [item, arrow.target]
    width, height = np.array(sizes).reshape(-1, 2).T
    titles = [block([_title(each.title)]) for each in diagram.groups]
    boxes = diagram.boxes
    blank = np.zeros(len(sizes), np.bool_)
    is_gate, is_source = blank.copy(), blank.copy()
    is_gate[: len(boxes)] = [box.shape == "function" and not box.caption for box in boxes]
    is_source[: len(boxes)] = [box.shape == "input" for box in boxes]
    skeleton = Skeleton(
        len(boxes),
        width,
        height,
        np.array(tails, np.int64),
        np.array(heads, np.int64),
        is_gate,
        np.array(is_late, np.bool_),
        is_source,
        np.array(group, np.int64),
        np.array(parents, np.int64),
        np.array(titles).reshape(-1, 2),
    )
    return skeleton, label_items


def _title(text: str) -> Line:
    return (Span(text, "quiet"),)


def _set_box(box: Box, x: float, y: float, room: float) -> PlacedShape:
    """Place a box's shape and texts around the middle of its room; a splitter is at the end of its lead."""
    width, height = shape_size(box)
    beside: tuple[PlacedText, ...] = ()
    if box.lead.above or box.lead.below:
        lead_width = _label_size(box.lead)[0]
        beside = _set_label(box.lead, x - room / 2 + lead_width / 2, y)
        x = x + room / 2 - width / 2
    if box.caption:
        beside += stack(box.caption, x, y + height / 2 + CAPTION_GAP)
    inside = stack(box.lines, x, y - block(box.lines)[1] / 2)
    return PlacedShape(
        box.shape,
        Rect(x - width / 2, y - height / 2, width, height),
        box.state,
        inside,
        beside,
        box.tooltip,
    )


def _wires(
    diagram: Diagram,
    skeleton: Skeleton,
    placement: Placement,
    shapes: Sequence[PlacedShape],
    label_items: Sequence[int],
) -> tuple[PlacedWire, ...]:
    """Join the segments of each arrow, and lead it to the shapes at its ends."""
    wires = []
    segment = 0
    for arrow, item in zip(diagram.arrows, label_items, strict=True):
        points = placement.paths[segment]
        segment += 1
        texts: tuple[PlacedText, ...] = ()
        if item >= 0:
            points = _join(points, placement.paths[segment])
            segment += 1
            texts = _set_label(arrow.label, float(placement.x[item]), float(placement.y[item]))
        start, stop = shapes[arrow.source].rect, shapes[arrow.target].rect
        room = placement.x[arrow.source] + skeleton.width[arrow.source] / 2
        if points[0, 0] <= room + SNAP:
            points = _join(np.array([[start.x + start.width, points[0, 1]]]), points)
        if not skeleton.is_gate[arrow.target]:
            points = _join(points, np.array([[stop.x, points[-1, 1]]]))
        has_arrowhead = diagram.boxes[arrow.target].shape in ("function", "output")
        wires.append(PlacedWire(points, arrow.state, has_arrowhead, texts, _wire_tooltip(diagram, arrow)))
    return tuple(wires)


def _wire_tooltip(diagram: Diagram, arrow: Arrow) -> str:
    return arrow.tooltip or diagram.boxes[arrow.target].tooltip


def _join(first: Floats, second: Floats) -> Floats:
    """Connect two Bézier paths by a straight line."""
    start, stop = first[-1], second[0]
    if np.allclose(start, stop, atol=SNAP):
        outer, inner = (second, first[:-1]) if len(second) == 1 else (second[1:], first)
        return np.concatenate([inner, outer])
    line = np.array([start + (stop - start) / 3, stop - (stop - start) / 3, stop])
    return np.concatenate([first, line, second[1:]])


def _set_groups(diagram: Diagram, placement: Placement) -> tuple[PlacedGroup, ...]:
    """Frame each group that the engine kept together."""
    groups = []
    for group, box in zip(diagram.groups, placement.group_boxes, strict=False):
        if box is None:
            continue
        left, top, width, height = box
        line = _title(group.title)
        groups.append(PlacedGroup(Rect(left, top, width, height), set_line(line, left + 8, top + 5)))
    return tuple(groups)


def _compose(
    diagram: Diagram,
    shapes: tuple[PlacedShape, ...],
    wires: tuple[PlacedWire, ...],
    groups: tuple[PlacedGroup, ...],
    notes: tuple[str, ...],
) -> Geometry:
    """Put the title above and the legend below what the engine placed."""
    title = set_line((Span(diagram.title, "title"),), MARGIN, MARGIN)
    left, top, right, bottom = _bounds(shapes, wires, groups)
    right_of_title = title.width
    graph_width = max(right - left, right_of_title)
    offset_x, offset_y = MARGIN - left, MARGIN + title.rect.height + 12 - top
    entries, legend_size = legend(diagram, max(graph_width, LEAST_WIDTH))
    graph_bottom = bottom + offset_y
    placed_legend = tuple(entry.moved(MARGIN, graph_bottom + 18) for entry in entries)
    return Geometry(
        round(max(graph_width, legend_size[0]) + 2 * MARGIN),
        round(graph_bottom + 18 + legend_size[1] + MARGIN),
        title,
        tuple(shape.moved(offset_x, offset_y) for shape in shapes),
        tuple(wire.moved(offset_x, offset_y) for wire in wires),
        tuple(group.moved(offset_x, offset_y) for group in groups),
        placed_legend,
        notes,
    )


def _bounds(
    shapes: Sequence[PlacedShape], wires: Sequence[PlacedWire], groups: Sequence[PlacedGroup]
) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of everything placed."""
    rects = [shape.rect for shape in shapes] + [group.rect for group in groups]
    rects += [text.rect for shape in shapes for text in (*shape.inside, *shape.beside)]
    rects += [text.rect for wire in wires for text in wire.texts]
    corners = [(rect.x, rect.y) for rect in rects] + [(r.x + r.width, r.y + r.height) for r in rects]
    every = np.concatenate([np.array(corners).reshape(-1, 2), *(wire.points for wire in wires)])
    if not len(every):
        return 0.0, 0.0, 0.0, 0.0
    (left, top), (right, bottom) = every.min(axis=0), every.max(axis=0)
    return float(left), float(top), float(right), float(bottom)
