"""Diagram -> Geometry: measures the text, asks a layout engine, and places every line of text.

The Geometry is what all formats draw (`viz.vector`, `viz.raster`): shapes, wires and lines of text, in pixels, y
downwards. The label of a wire is an item of the layout of its own, which the wire runs through: the values stand
above it, the gradients below, and nothing else can be there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from viz import engines, shelves
from viz.geometry import (
    TAG_POINT,
    Geometry,
    PlacedGroup,
    PlacedShape,
    PlacedSpark,
    PlacedText,
    PlacedWire,
    Rect,
    arrowhead,
    block,
    left_side,
    set_line,
    set_spark,
    stack,
)
from viz.going_back import POINTED, has_turn_tags, tag_back, wires_back
from viz.legend import LEAST_WIDTH, legend
from viz.parts import Span, common_group
from viz.sizes import CAPTION_GAP, WIRE_CLEARANCE, item_size, label_size, shape_size
from viz.skeleton import Skeleton
from viz.wrap import wrap

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from viz.parts import Box, Diagram, Label, Line
    from viz.skeleton import Floats, Placement

MARGIN = 18.0
ROW_GAP = 30.0
SNAP = 1.0  # what an engine's rounding may be off


def _set_label(
    label: Label, centre: float, y: float
) -> tuple[tuple[PlacedText, ...], tuple[PlacedSpark, ...]]:
    """Place a label's text above and below its wire, and its curve below that."""
    above = stack(label.above, centre, y - WIRE_CLEARANCE - block(label.above)[1])
    scale, sparks = set_spark(label, centre, y + WIRE_CLEARANCE + block(label.below)[1])
    return above + stack(label.below, centre, y + WIRE_CLEARANCE) + scale, sparks


@dataclass(frozen=True, slots=True)
class _Row:
    """What an engine and `_set_box` made of one row."""

    shapes: tuple[PlacedShape, ...]
    wires: tuple[PlacedWire, ...]
    groups: tuple[PlacedGroup, ...]
    blocked: tuple[int, ...] = ()  # arrows that go back and found no way

    def moved(self, x: float, y: float) -> _Row:
        """Return the row, moved to the right and down."""
        return _Row(
            tuple(shape.moved(x, y) for shape in self.shapes),
            tuple(wire.moved(x, y) for wire in self.wires),
            tuple(group.moved(x, y) for group in self.groups),
        )


def geometry(diagram: Diagram, engine: str | None = None) -> Geometry:
    """Place a diagram; raises DrawError for an engine that is not there."""
    rows, placed, notes = place_rows(diagram, engine)
    return _compose(diagram, placed, notes, has_turn_tags=has_turn_tags(rows))


def place_rows(
    diagram: Diagram, engine: str | None = None
) -> tuple[Sequence[Diagram], list[_Row], tuple[str, ...]]:
    """Break a diagram into rows and place each; what goes back and finds no way becomes two tags."""
    rows: Sequence[Diagram] = wrap(diagram)
    while True:
        placed, notes = _placed(rows, engine)
        if not any(row.blocked for row in placed):
            return rows, placed, notes
        rows = [tag_back(row, each.blocked) for row, each in zip(rows, placed, strict=True)]


def _placed(rows: Sequence[Diagram], engine: str | None) -> tuple[list[_Row], tuple[str, ...]]:
    """Place each row, and say at its wires which operand they are where its engine could not keep them in order."""
    numbered: list[set[int]] = [set() for _ in rows]
    while True:
        shown = [_numbered(*row) for row in zip(rows, numbered, strict=True)]
        tasks = [_skeleton(row) for row in shown]
        placements, notes = engines.place([skeleton for skeleton, _ in tasks], engine)
        unclear = [
            engines.inverted(skeleton, placement) - known
            for (skeleton, _), placement, known in zip(tasks, placements, numbered, strict=True)
        ]
        if not any(unclear):
            break
        numbered = [known | new for known, new in zip(numbered, unclear, strict=True)]
    placed = [
        _set_row(row, *task, placement)
        for row, task, placement in zip(shown, tasks, placements, strict=True)
    ]
    return placed, notes


def _numbered(row: Diagram, gates: Collection[int]) -> Diagram:
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


def _set_row(row: Diagram, skeleton: Skeleton, label_items: Sequence[int], placement: Placement) -> _Row:
    """Put everything in a row where the engine wants it."""
    shapes = tuple(
        _set_box(box, float(x), float(y), float(width))
        for box, x, y, width in zip(row.boxes, placement.x, placement.y, skeleton.width, strict=False)
    )
    wires = _wires(row, skeleton, placement, shapes, label_items)
    placed = _Row(shapes, tuple(wire for wire in wires if wire is not None), _set_groups(row, placement))
    if None not in wires:
        return placed
    obstacles = [*_rects(placed), *(group.title.rect for group in placed.groups), *_ends(placed)]
    back = wires_back(row, shapes, obstacles, _passed(placed))
    every = [back.get(at) if wire is None else wire for at, wire in enumerate(wires)]
    blocked = tuple(at for at, wire in enumerate(every) if wire is None)
    return _Row(shapes, tuple(wire for wire in every if wire is not None), placed.groups, blocked)


def _skeleton(diagram: Diagram) -> tuple[Skeleton, list[int]]:
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


def _title(text: str) -> Line:
    return (Span(text, "quiet"),)


def _set_box(box: Box, x: float, y: float, room: float) -> PlacedShape:
    """Place a box's shape and texts around the middle of its room; a splitter is at the end of its lead."""
    width, height = shape_size(box)
    beside: tuple[PlacedText, ...] = ()
    sparks: tuple[PlacedSpark, ...] = ()
    if not box.lead.is_empty:
        lead_width = label_size(box.lead)[0]
        beside, sparks = _set_label(box.lead, x - room / 2 + lead_width / 2, y)
        x = x + room / 2 - width / 2
    if box.caption:
        beside += stack(box.caption, x, y + height / 2 + CAPTION_GAP)
    middle = x + {"leaves": -TAG_POINT / 2, "enters": TAG_POINT / 2}.get(box.shape, 0.0)
    inside = stack(box.lines, middle, y - block(box.lines)[1] / 2)
    return PlacedShape(
        box.shape,
        Rect(x - width / 2, y - height / 2, width, height),
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


def _wires(
    diagram: Diagram,
    skeleton: Skeleton,
    placement: Placement,
    shapes: Sequence[PlacedShape],
    label_items: Sequence[int],
) -> list[PlacedWire | None]:
    """Join the segments of each arrow, and lead it to the shapes at its ends; None for those that go back."""
    wires: list[PlacedWire | None] = []
    segment = 0
    for arrow, item in zip(diagram.arrows, label_items, strict=True):
        if arrow.is_back:
            wires.append(None)
            continue
        points = placement.paths[segment]
        segment += 1
        texts: tuple[PlacedText, ...] = ()
        sparks: tuple[PlacedSpark, ...] = ()
        if item >= 0:
            points = _join(points, placement.paths[segment])
            segment += 1
            texts, sparks = _set_label(arrow.label, float(placement.x[item]), float(placement.y[item]))
        start = shapes[arrow.source].rect
        room = placement.x[arrow.source] + skeleton.width[arrow.source] / 2
        if points[0, 0] <= room + SNAP:
            points = _join(np.array([[start.x + start.width, points[0, 1]]]), points)
        if not skeleton.is_gate[arrow.target]:
            points = _join(
                points, np.array([[left_side(shapes[arrow.target], points[-1, 1]), points[-1, 1]]])
            )
        has_arrowhead = diagram.boxes[arrow.target].shape in POINTED
        tip = arrow.tooltip or diagram.boxes[arrow.target].tooltip
        is_stub = diagram.boxes[arrow.target].shape == "leaves"
        wires.append(
            PlacedWire(
                points,
                arrow.state,
                has_arrowhead,
                texts,
                tip,
                is_stub,
                arrow.edge,
                sparks,
                mark=arrow.mark,
                is_calm=arrow.is_calm,
            )
        )
    return wires


def _join(first: Floats, second: Floats) -> Floats:
    """Connect two Bézier paths by a straight line."""
    start, stop = first[-1], second[0]
    if abs(start[0] - stop[0]) <= SNAP and abs(start[1] - stop[1]) <= SNAP:
        outer, inner = (second, first[:-1]) if len(second) == 1 else (second[1:], first)
        return np.concatenate([inner, outer])
    line = np.array([start + (stop - start) / 3, stop - (stop - start) / 3, stop])
    return np.concatenate([first, line, second[1:]])


def _set_groups(diagram: Diagram, placement: Placement) -> tuple[PlacedGroup, ...]:
    """Frame each group that the engine kept together."""
    groups = []
    for at, (group, box) in enumerate(zip(diagram.groups, placement.group_boxes, strict=False)):
        if box is None:
            continue
        left, top, width, height = box
        title = set_line(_title(group.title), left + 8, top + 5)
        number = at if group.number < 0 else group.number
        groups.append(PlacedGroup(Rect(left, top, width, height), title, number))
    return tuple(groups)


def _compose(
    diagram: Diagram, rows: Sequence[_Row], notes: tuple[str, ...], *, has_turn_tags: bool
) -> Geometry:
    """Put the title above and the legend below the rows that the engine placed."""
    title = set_line((Span(diagram.title, "title"),), MARGIN, MARGIN)
    begin = MARGIN + title.rect.height + 12
    right, bottom = MARGIN + title.width, begin
    bounds = [_bounds(row) for row in rows]
    has_rows = len(rows) > 1
    numbers = [
        set_line((Span(f"row {number + 1}", "quiet"),), MARGIN, begin) for number in range(len(rows))
    ]
    head = numbers[0].rect.height + 4 if has_rows else 0.0
    heights = [row_bottom - top + head + ROW_GAP for _, top, _, row_bottom in bounds]
    moves = shelves.placed(heights, [row_right - left for left, _, row_right, _ in bounds])
    placed: list[_Row] = []
    for row, (left, top, row_right, row_bottom), (x, y) in zip(rows, bounds, moves, strict=True):
        placed.append(row.moved(MARGIN - left + x, begin + head - top + y))
        right = max(right, MARGIN + row_right - left + x)
        bottom = max(bottom, begin + head + row_bottom - top + y)
    row_titles = [number.moved(*move) for number, move in zip(numbers, moves, strict=True) if has_rows]
    entries, legend_size = legend(
        diagram,
        max(right - MARGIN, LEAST_WIDTH),
        has_rows=has_rows,
        has_ways_back=any(wire.turns_at for row in rows for wire in row.wires),
        has_turn_tags=has_turn_tags,
    )
    return Geometry(
        round(max(right, MARGIN + legend_size[0]) + MARGIN),
        round(bottom + 18 + legend_size[1] + MARGIN),
        title,
        tuple(shape for row in placed for shape in row.shapes),
        tuple(wire for row in placed for wire in row.wires),
        tuple(group for row in placed for group in row.groups),
        tuple(row_titles),
        tuple(entry.moved(MARGIN, bottom + 18) for entry in entries),
        notes,
        has_turn_tags,
    )


def _passed(row: _Row) -> Floats:
    """List what no lane may run through: left, top, right and bottom of all there is, of wires piece by piece."""
    rects = [*_rects(row), *(group.rect for group in row.groups)]
    corners = [np.array([[rect.x, rect.y, rect.x + rect.width, rect.y + rect.height] for rect in rects])]
    for wire in row.wires:
        # A Bézier curve keeps within the corners of its four points.
        pieces = np.stack([wire.points[at : len(wire.points) - 3 + at : 3] for at in range(4)])
        corners.append(np.concatenate([pieces.min(axis=0), pieces.max(axis=0)], axis=1))
    return np.concatenate(corners)


def _ends(row: _Row) -> list[Rect]:
    """List all arrowheads, along their middle, and the wires that end in tags: what crosses these seems to belong."""
    heads = [np.array(head) for _, head in map(arrowhead, row.wires) if head]
    ends = [np.array([tip, (upper + lower) / 2]) for tip, upper, lower in heads]
    ends += [wire.points for wire in row.wires if wire.is_stub]
    return [Rect(*each.min(axis=0).tolist(), *np.ptp(each, axis=0).tolist()) for each in ends]


def _rects(row: _Row) -> list[Rect]:
    """List the room of all shapes, texts and curves."""
    rects = [shape.rect for shape in row.shapes]
    rects += [text.rect for shape in row.shapes for text in (*shape.inside, *shape.beside)]
    rects += [text.rect for wire in row.wires for text in wire.texts]
    rects += [spark.rect for shape in row.shapes for spark in shape.sparks]
    return rects + [spark.rect for wire in row.wires for spark in wire.sparks]


def _bounds(row: _Row) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of everything in a row."""
    rects = [*_rects(row), *(group.rect for group in row.groups)]
    corners = [(rect.x, rect.y) for rect in rects] + [(r.x + r.width, r.y + r.height) for r in rects]
    every = np.concatenate([np.array(corners).reshape(-1, 2), *(wire.points for wire in row.wires)])
    if not len(every):
        return 0.0, 0.0, 0.0, 0.0
    (left, top), (right, bottom) = every.min(axis=0), every.max(axis=0)
    return float(left), float(top), float(right), float(bottom)
