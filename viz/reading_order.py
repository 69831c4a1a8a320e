"""The order in which a person reads: a placement whose inputs, and uses of a value, come from top to bottom.

An engine that looks for few crossings has no reason to prefer a picture to its mirror. Used by `viz.engines`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from viz.skeleton import Floats, Ints, Placement, Skeleton


def in_order(skeleton: Skeleton, placement: Placement) -> Placement:
    """Turn a placement upside down where that brings more into order, and exchange what is alike."""
    if not skeleton.size:
        return placement
    alike = _ends_alike(skeleton)
    y, paths = placement.y.copy(), list(placement.paths)
    if _is_upside_down(skeleton, y, alike):
        half = skeleton.height / 2
        both = float((y - half).min() + (y + half).max())
        y = both - y
        paths = [np.stack([path[:, 0], both - path[:, 1]], axis=1) for path in paths]
    for segments in alike:
        _exchange(skeleton, segments, y, paths)
    return replace(placement, y=y, paths=tuple(paths))


def inverted(skeleton: Skeleton, y: Floats) -> set[int]:
    """List the gates whose operands come from places that are not in their order."""
    lowest: dict[int, float] = {}
    found = set()
    entering = np.flatnonzero(skeleton.is_ordered[skeleton.head])
    tails, heads = skeleton.tail[entering], skeleton.head[entering].tolist()
    for head, height in zip(heads, y[tails].tolist(), strict=True):
        if height < lowest.get(head, -math.inf):
            found.add(head)
        lowest[head] = height
    return found


def crossings(skeleton: Skeleton, placement: Placement) -> int:
    """Count the pairs of segments that cross, as straight lines between the sides of what they join."""
    tail, head, half = skeleton.tail, skeleton.head, skeleton.width / 2
    start = np.stack([placement.x[tail] + half[tail], placement.y[tail]], axis=1)
    way = np.stack([placement.x[head] - half[head], placement.y[head]], axis=1) - start
    apart = (tail[:, None] != tail) & (head[:, None] != head)
    between = start[None] - start[:, None]
    turn = _cross(way[:, None], way[None])
    with np.errstate(divide="ignore", invalid="ignore"):
        along, across = _cross(between, way[None]) / turn, _cross(between, way[:, None]) / turn
    meets = (along > 0) & (along < 1) & (across > 0) & (across < 1)
    return int(np.count_nonzero(meets & apart)) // 2


def _cross(left: Floats, right: Floats) -> Floats:
    product: Floats = left[..., 0] * right[..., 1] - left[..., 1] * right[..., 0]
    return product


def _ends_alike(skeleton: Skeleton) -> list[list[int]]:
    """List the segments to what ends the wires of one item, such as its tags: any of them fits where another is."""
    leads_on = np.bincount(skeleton.tail, minlength=skeleton.size) > 0
    is_end = ~leads_on & (np.bincount(skeleton.head, minlength=skeleton.size) == 1)
    alike: dict[tuple[float, ...], list[int]] = {}
    for segment in np.flatnonzero(is_end[skeleton.head]).tolist():
        head = skeleton.head[segment]
        key = (skeleton.tail[segment], skeleton.group[head], skeleton.height[head])
        alike.setdefault(key, []).append(segment)
    return [segments for segments in alike.values() if len(segments) > 1]


def _exchange(skeleton: Skeleton, segments: Sequence[int], y: Floats, paths: list[Floats]) -> None:
    """Put the ends of some segments, which are alike, into the order of the segments."""
    heads = skeleton.head[segments]
    by_place = np.argsort(y[heads], kind="stable")
    wider = (skeleton.width[heads[by_place]] - skeleton.width[heads]) / 2
    y[heads] = y[heads[by_place]]
    moved = [paths[segments[at]] for at in by_place.tolist()]
    for segment, path, more in zip(segments, moved, wider.tolist(), strict=True):
        paths[segment] = path.copy()
        paths[segment][-2:, 0] += more


def _is_upside_down(skeleton: Skeleton, y: Floats, alike: Sequence[Sequence[int]]) -> bool:
    """Say whether more would come in order in the mirror: inputs and outputs (`x[0]`, `x[1]`, …), else uses of a value.

    Both cross as often. Frames have their titles on top, and operands may have an order: these stay. What is alike
    has no say: it can be exchanged.
    """
    if len(skeleton.group_parent) or len(inverted(skeleton, -y)) > len(inverted(skeleton, y)):
        return False
    free = [segment for segments in alike for segment in segments]
    boxes = np.arange(skeleton.boxes)
    used = np.append(skeleton.tail, skeleton.head[free])
    ends = [boxes[skeleton.is_source[boxes]], np.setdiff1d(boxes, used)]
    others = np.delete(np.arange(len(skeleton.tail)), free)
    others = others[np.argsort(skeleton.tail[others], kind="stable")]
    uses = np.split(skeleton.head[others], np.flatnonzero(np.diff(skeleton.tail[others])) + 1)
    return (_order(ends, y) or _order(uses, y)) < 0


def _order(lists: Sequence[Ints], y: Floats) -> float:
    """Say how far items stand in the order of their lists, by places and not by distances: below 0 in reverse."""
    places = ((np.argsort(np.argsort(y[each])), np.arange(len(each))) for each in lists)
    return sum(float(place @ (2 * at - len(at) + 1)) for place, at in places)
