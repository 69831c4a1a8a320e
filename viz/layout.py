"""Diagram -> Geometry: measures the text, asks a layout engine, and places every line of text.

The Geometry is what all formats draw (`viz.vector`, `viz.raster`): shapes, wires and lines of text, in pixels, y
downwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from viz import engines, large
from viz.composing import compose
from viz.frames import without_slow
from viz.geometry import Geometry, PlacedGroup, PlacedShape, PlacedWire, Rect, arrowhead
from viz.going_back import has_turn_tags, tag_back, wires_back
from viz.reading_order import inverted
from viz.setting import numbered, set_groups, set_shapes, set_wires, skeleton_of
from viz.wrap import wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from viz.composing import Bounds, Parts
    from viz.parts import Diagram
    from viz.skeleton import Floats, Placement, Skeleton


@dataclass(frozen=True, slots=True)
class _Row:
    """What an engine and `viz.setting` made of one row."""

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
    if large.is_large(diagram):
        engines.refuse_for_large(engine, len(diagram.boxes))
        return large.geometry(diagram)
    rows, placed, notes = place_rows(diagram, engine)

    def parts(moves: Sequence[tuple[float, float]]) -> Parts:
        moved = [row.moved(*move) for row, move in zip(placed, moves, strict=True)]
        return (
            tuple(shape for row in moved for shape in row.shapes),
            tuple(wire for row in moved for wire in row.wires),
            tuple(group for row in moved for group in row.groups),
        )

    return compose(
        diagram,
        [_bounds(row) for row in placed],
        parts,
        notes,
        has_ways_back=any(wire.turns_at for row in placed for wire in row.wires),
        has_turn_tags=has_turn_tags(rows),
    )


def place_rows(
    diagram: Diagram, engine: str | None = None
) -> tuple[Sequence[Diagram], list[_Row], tuple[str, ...]]:
    """Break a diagram into rows and place each; what goes back and finds no way becomes two tags."""
    diagram, left_out = without_slow(diagram)
    rows = list(wrap(diagram))
    placed, notes = _placed(rows, engine)
    while blocked := [at for at, row in enumerate(placed) if row.blocked]:
        for at in blocked:
            rows[at] = tag_back(rows[at], placed[at].blocked)
        again, more = _placed([rows[at] for at in blocked], engine)
        for at, row in zip(blocked, again, strict=True):
            placed[at] = row
        notes = tuple(dict.fromkeys((*notes, *more)))
    return rows, placed, (*notes, *left_out)


def _placed(rows: Sequence[Diagram], engine: str | None) -> tuple[list[_Row], tuple[str, ...]]:
    """Place each row, and say at its wires which operand they are where its engine could not keep them in order."""
    known: list[set[int]] = [set() for _ in rows]
    while True:
        shown = [numbered(*row) for row in zip(rows, known, strict=True)]
        tasks = [skeleton_of(row) for row in shown]
        placements, notes = engines.place([skeleton for skeleton, _ in tasks], engine)
        unclear = [
            inverted(skeleton, placement.y) - before
            for (skeleton, _), placement, before in zip(tasks, placements, known, strict=True)
        ]
        if not any(unclear):
            break
        known = [before | new for before, new in zip(known, unclear, strict=True)]
    placed = [
        _set_row(row, *task, placement)
        for row, task, placement in zip(shown, tasks, placements, strict=True)
    ]
    return placed, notes


def _set_row(row: Diagram, skeleton: Skeleton, label_items: Sequence[int], placement: Placement) -> _Row:
    """Put everything in a row where the engine wants it."""
    shapes = set_shapes(row, skeleton, placement)
    wires = set_wires(row, skeleton, placement, label_items)
    placed = _Row(shapes, tuple(wire for wire in wires if wire is not None), set_groups(row, placement))
    if None not in wires:
        return placed
    frames = [rect for group in placed.groups for rect in (group.rect, group.title.rect)]
    obstacles = [*_rects(placed), *frames, *_ends(placed)]
    back = wires_back(row, shapes, obstacles, _passed(placed))
    every = [back.get(at) if wire is None else wire for at, wire in enumerate(wires)]
    blocked = tuple(at for at, wire in enumerate(every) if wire is None)
    return _Row(shapes, tuple(wire for wire in every if wire is not None), placed.groups, blocked)


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


def _bounds(row: _Row) -> Bounds:
    """Return left, top, right and bottom of everything in a row."""
    rects = [*_rects(row), *(group.rect for group in row.groups)]
    corners = [(rect.x, rect.y) for rect in rects] + [(r.x + r.width, r.y + r.height) for r in rects]
    every = np.concatenate([np.array(corners).reshape(-1, 2), *(wire.points for wire in row.wires)])
    if not len(every):
        return 0.0, 0.0, 0.0, 0.0
    (left, top), (right, bottom) = every.min(axis=0), every.max(axis=0)
    return float(left), float(top), float(right), float(bottom)
