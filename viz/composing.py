"""Rows that are placed -> Geometry: the title above, the rows in columns, the legend below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from viz import shelves
from viz.geometry import Geometry, set_line
from viz.legend import LEAST_WIDTH, legend
from viz.parts import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from viz.geometry import PlacedGroup, PlacedShape, PlacedWire
    from viz.parts import Diagram

    Parts = tuple[Sequence[PlacedShape], Sequence[PlacedWire], Sequence[PlacedGroup]]

MARGIN = 18.0
ROW_GAP = 30.0
Bounds = tuple[float, float, float, float]  # left, top, right, bottom


def compose(
    diagram: Diagram,
    bounds: Sequence[Bounds],
    parts: Callable[[Sequence[tuple[float, float]]], Parts],
    notes: tuple[str, ...],
    *,
    has_ways_back: bool = False,
    has_turn_tags: bool = False,
) -> Geometry:
    """Put the title above and the legend below the rows; ask for their parts once it is known how far they move."""
    title = set_line((Span(diagram.title, "title"),), MARGIN, MARGIN)
    begin = MARGIN + title.rect.height + 12
    right, bottom = MARGIN + title.width, begin
    has_rows = len(bounds) > 1
    numbers = [
        set_line((Span(f"row {number + 1}", "quiet"),), MARGIN, begin) for number in range(len(bounds))
    ]
    head = numbers[0].rect.height + 4 if has_rows else 0.0
    heights = [row_bottom - top + head + ROW_GAP for _, top, _, row_bottom in bounds]
    moves = shelves.placed(heights, [row_right - left for left, _, row_right, _ in bounds])
    moved: list[tuple[float, float]] = []
    for (left, top, row_right, row_bottom), (x, y) in zip(bounds, moves, strict=True):
        moved.append((MARGIN - left + x, begin + head - top + y))
        right = max(right, MARGIN + row_right - left + x)
        bottom = max(bottom, begin + head + row_bottom - top + y)
    row_titles = [number.moved(*move) for number, move in zip(numbers, moves, strict=True) if has_rows]
    entries, legend_size = legend(
        diagram,
        max(right - MARGIN, LEAST_WIDTH),
        has_rows=has_rows,
        has_ways_back=has_ways_back,
        has_turn_tags=has_turn_tags,
    )
    shapes, wires, groups = parts(moved)
    return Geometry(
        round(max(right, MARGIN + legend_size[0]) + MARGIN),
        round(bottom + 18 + legend_size[1] + MARGIN),
        title,
        shapes,
        wires,
        groups,
        tuple(row_titles),
        tuple(entry.moved(MARGIN, bottom + 18) for entry in entries),
        notes,
        has_ways_back,
        has_turn_tags,
    )
