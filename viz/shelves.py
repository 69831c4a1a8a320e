"""Rows -> columns, like a newspaper: from top to bottom, then from left to right, where a picture is long.

The whole is nearly square then, and is seen at once in most of what shows pictures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

GAP = 160.0  # between columns
WORTH = 1.25  # by how much smaller a picture must become for its rows to stand in more columns


def placed(heights: Sequence[float], widths: Sequence[float]) -> list[tuple[float, float]]:
    """Say where each row stands, right and down: in one column, or in so many that the whole is nearly square."""
    best, extent = [0] * len(heights), max(sum(heights), max(widths, default=0.0))
    for count in range(2, len(heights) + 1):
        column_of = _broken(heights, sum(heights) / count)
        wide, tall = _rooms(heights, widths, column_of)
        size = max(sum(wide), *tall)
        if size * WORTH <= extent:
            best, extent = column_of, size
        if sum(wide) >= max(tall):  # more columns make it only wider
            break
    return _places(heights, best, _rooms(heights, widths, best)[0])


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


def _rooms(
    heights: Sequence[float], widths: Sequence[float], column_of: Sequence[int]
) -> tuple[list[float], list[float]]:
    """Say how wide each column is, with the gap behind it, and how tall."""
    wide = [0.0] * (max(column_of, default=0) + 1)
    tall = wide.copy()
    for height, width, column in zip(heights, widths, column_of, strict=True):
        wide[column] = max(wide[column], width + GAP)
        tall[column] += height
    return wide, tall


def _places(
    heights: Sequence[float], column_of: Sequence[int], wide: Sequence[float]
) -> list[tuple[float, float]]:
    places = []
    top = 0.0
    for at, column in enumerate(column_of):
        if at and column != column_of[at - 1]:
            top = 0.0
        places.append((sum(wide[:column]), top))
        top += heights[at]
    return places
