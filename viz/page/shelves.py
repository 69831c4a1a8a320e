"""A picture of many rows -> the same rows in several columns, like a newspaper: as wide as a screen is for its height.

The picture on paper is as narrow as a page; a camera sees more at once of what is not a hundred screens high.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from viz.geometry import Geometry

ASPECT = 1.4  # of a room for a picture: its width by its height
GAP = 160.0  # between columns
BELOW = 60.0  # the last row


def in_columns(geometry: Geometry) -> Geometry:
    """Move the rows of a picture so that they stand in columns, from top to bottom and from left to right."""
    tops = [title.rect.y for title in geometry.row_titles]
    if len(tops) < 2:
        return geometry
    rects = [part.rect for part in geometry.shapes] + [part.rect for part in geometry.groups]
    shapes = [_row(tops, part.rect.y) for part in geometry.shapes]
    groups = [_row(tops, part.rect.y) for part in geometry.groups]
    wires = [_row(tops, float(part.points[0, 1])) for part in geometry.wires]
    widths = [0.0] * len(tops)
    for at, rect in zip(shapes + groups, rects, strict=True):
        widths[at] = max(widths[at], rect.x + rect.width)
    bottom = max(rect.y + rect.height for rect in rects) + BELOW
    heights = [after - top for top, after in zip(tops, [*tops[1:], bottom], strict=True)]
    moves = _moves(tops, heights, _columns(heights, widths), widths)
    return replace(
        geometry,
        shapes=tuple(part.moved(*moves[at]) for at, part in zip(shapes, geometry.shapes, strict=True)),
        wires=tuple(part.moved(*moves[at]) for at, part in zip(wires, geometry.wires, strict=True)),
        groups=tuple(part.moved(*moves[at]) for at, part in zip(groups, geometry.groups, strict=True)),
        row_titles=tuple(
            title.moved(*move) for title, move in zip(geometry.row_titles, moves, strict=True)
        ),
    )


def _row(tops: Sequence[float], y: float) -> int:
    """Say which row is at a height: each begins with its title."""
    return max(bisect_right(tops, y) - 1, 0)


def _columns(heights: Sequence[float], widths: Sequence[float]) -> list[int]:
    """Say which column each row is in: as few as make the whole as wide as it should be."""
    column_of = [0] * len(heights)
    for count in range(2, len(heights) + 1):
        column_of = _broken(heights, sum(heights) / count)
        columns = range(column_of[-1] + 1)
        height = max(sum(_of(heights, column_of, column)) for column in columns)
        width = sum(max(_of(widths, column_of, column)) + GAP for column in columns)
        if width >= ASPECT * height:
            break
    return column_of


def _of(lengths: Sequence[float], column_of: Sequence[int], column: int) -> list[float]:
    return [length for length, at in zip(lengths, column_of, strict=True) if at == column]


def _broken(heights: Sequence[float], height: float) -> list[int]:
    """Begin a column where most of a row would be below the foot of the one before."""
    column_of = []
    column, top = 0, 0.0
    for each in heights:
        if top and top + each / 2 > height:
            column, top = column + 1, 0.0
        column_of.append(column)
        top += each
    return column_of


def _moves(
    tops: Sequence[float], heights: Sequence[float], column_of: Sequence[int], widths: Sequence[float]
) -> list[tuple[float, float]]:
    """Say how far each row moves to the right and down."""
    moves = []
    left, top = 0.0, tops[0]
    for at, column in enumerate(column_of):
        if at and column != column_of[at - 1]:
            left += max(_of(widths, column_of, column - 1)) + GAP
            top = tops[0]
        moves.append((left, top - tops[at]))
        top += heights[at]
    return moves
