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
        size = max(_size(heights, widths, column_of))
        if size * WORTH <= extent:
            best, extent = column_of, size
    return _places(heights, best, widths)


def _size(
    heights: Sequence[float], widths: Sequence[float], column_of: Sequence[int]
) -> tuple[float, float]:
    columns = range(column_of[-1] + 1)
    width = sum(max(_of(widths, column_of, column)) + GAP for column in columns)
    return width, max(sum(_of(heights, column_of, column)) for column in columns)


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


def _places(
    heights: Sequence[float], column_of: Sequence[int], widths: Sequence[float]
) -> list[tuple[float, float]]:
    places = []
    left = top = 0.0
    for at, column in enumerate(column_of):
        if at and column != column_of[at - 1]:
            left += max(_of(widths, column_of, column - 1)) + GAP
            top = 0.0
        places.append((left, top))
        top += heights[at]
    return places
