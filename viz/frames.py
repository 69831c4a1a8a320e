"""Dashed frames around the calls of helper functions, for layouts that know no groups.

A frame is drawn only where it holds its own items and no others: a wrong frame is worse than none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from viz.skeleton import Floats, Skeleton

Frame = tuple[float, float, float, float]  # left, top, width, height

PADDING = 9.0
TITLE_INDENT = 8.0, 5.0


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
