"""Dashed frames around the calls of helper functions: whether there are any, and for layouts that know none, where.

A frame is drawn only where it holds its own items and no others: a wrong frame is worse than none.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from viz.parts import Diagram
    from viz.skeleton import Floats, Skeleton

Frame = tuple[float, float, float, float]  # left, top, width, height

PADDING = 9.0
TITLE_INDENT = 8.0, 5.0
MOST = 60  # frames, beyond which an engine takes several times as long, or a row has too many to read


def without_crowds(rows: Sequence[Diagram]) -> tuple[tuple[Diagram, ...], tuple[str, ...]]:
    """Leave out the frames of rows that have too many, and say so."""
    crowded = sum(len(row.groups) > MOST for row in rows)
    shown = tuple(_frameless(row) if len(row.groups) > MOST else row for row in rows)
    return shown, (
        f"{crowded:,} of {len(rows):,} rows have no frames around calls: too many",
    ) if crowded else ()


def without_slow(diagram: Diagram) -> tuple[Diagram, tuple[str, ...]]:
    """Leave out so many frames of an exact graph that an engine takes several times as long, and say so."""
    count = len(diagram.groups)
    if count <= MOST or diagram.is_rolled:
        return diagram, ()
    note = f"no frames around calls: there are {count:,}, and at most {MOST} are drawn; --only FUNCTION frames one"
    return _frameless(diagram), (note,)


def _frameless(row: Diagram) -> Diagram:
    return replace(row, boxes=tuple(replace(box, group=-1) for box in row.boxes), groups=())


def frames(skeleton: Skeleton, x: Floats, y: Floats) -> tuple[Frame | None, ...]:
    """Return the frame of each group, or None where it would hold what isn't its own."""
    low = np.stack([x - skeleton.width / 2, y - skeleton.height / 2], axis=1)
    high = np.stack([x + skeleton.width / 2, y + skeleton.height / 2], axis=1)
    parents = skeleton.group_parent.tolist()
    inside = [skeleton.group == group for group in range(len(parents))]
    corners: dict[int, tuple[Floats, Floats]] = {}
    for group in range(len(parents) - 1, -1, -1):  # inner groups have the higher numbers
        own = inside[group]
        if parents[group] >= 0:
            inside[parents[group]] = inside[parents[group]] | own
        inner = [corners[each] for each in corners if parents[each] == group]
        left_top = np.min([low[own].min(axis=0), *(corner for corner, _ in inner)], axis=0) - PADDING
        right_bottom = np.max([high[own].max(axis=0), *(corner for _, corner in inner)], axis=0) + PADDING
        title = skeleton.group_title[group]
        left_top[1] -= title[1]
        right_bottom[0] = max(right_bottom[0], left_top[0] + title[0] + 2 * PADDING)
        overlaps = np.all((low < right_bottom) & (high > left_top), axis=1)
        if not np.any(overlaps & ~own) and not _meets(left_top, right_bottom, corners, inside, group):
            corners[group] = (left_top, right_bottom)
    return tuple(_frame(corners.get(group)) for group in range(len(parents)))


def title_place(left: float, top: float) -> tuple[float, float]:
    """Return where a frame's title begins."""
    return left + TITLE_INDENT[0], top + TITLE_INDENT[1]


def _meets(
    left_top: Floats,
    right_bottom: Floats,
    corners: dict[int, tuple[Floats, Floats]],
    inside: list[np.ndarray],
    group: int,
) -> bool:
    """Say whether a frame would meet one beside it."""
    return any(
        bool(np.all(other_low < right_bottom) and np.all(other_high > left_top))
        for other, (other_low, other_high) in corners.items()
        if not np.any(inside[other] & inside[group])
    )


def _frame(corners: tuple[Floats, Floats] | None) -> Frame | None:
    if corners is None:
        return None
    (left, top), (right, bottom) = corners[0].tolist(), corners[1].tolist()
    return left, top, right - left, bottom - top
