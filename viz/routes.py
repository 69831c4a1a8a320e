"""How a wire runs from item to item: where it enters a gate, and a plain S where nothing is in the way.

Used by both layouts; an engine's own route is kept where a plain one would run through something.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from viz.skeleton import Floats, Skeleton

CLEARANCE = 4.0
SAMPLES = np.linspace(0.0, 1.0, 17)
SHORTEST = 10.0
ONE_BEND = 110.0  # a wire shorter than this is one S from end to end
STEEPNESS = 0.4  # a bend is at least this wide for its height
NARROW_SPREAD = 0.55  # of a gate's half height, for two or three wires
WIDE_SPREAD = 0.85


def entries(skeleton: Skeleton, x: Floats, y: Floats, origin: Sequence[float]) -> Floats:
    """Say where each segment ends, (segments, 2): at the middle of an item's left side, or spread over a gate's.

    `origin` is the height that each segment comes from, which orders the wires at a gate.
    """
    head = skeleton.head
    ends = np.stack([x[head] - skeleton.width[head] / 2, y[head]], axis=1)
    entering: dict[int, list[int]] = {}
    for segment in np.flatnonzero(skeleton.is_gate[head]).tolist():
        entering.setdefault(int(head[segment]), []).append(segment)
    for gate, segments in entering.items():
        if len(segments) < 2:
            continue
        segments.sort(key=lambda segment: (origin[segment], segment))
        spread = NARROW_SPREAD if len(segments) < 4 else WIDE_SPREAD
        for segment, step in zip(
            segments, np.linspace(-spread, spread, len(segments)).tolist(), strict=True
        ):
            ends[segment, 0] = x[gate] - skeleton.width[gate] / 2 * math.sqrt(1 - step * step)
            ends[segment, 1] = y[gate] + skeleton.height[gate] / 2 * step
    return ends


def plain_routes(skeleton: Skeleton, x: Floats, y: Floats, routes: Sequence[Floats]) -> tuple[Floats, ...]:
    """Replace an engine's routes by plain ones wherever nothing else is in the way."""
    tail, head = skeleton.tail, skeleton.head
    starts = np.stack([x[tail] + skeleton.width[tail] / 2, y[tail]], axis=1)
    stops = entries(skeleton, x, y, y[tail].tolist())
    room = np.stack([skeleton.width, skeleton.height], axis=1) / 2 + CLEARANCE
    low, high = np.stack([x, y], axis=1) - room, np.stack([x, y], axis=1) + room
    chosen = []
    for segment, route in enumerate(routes):
        start, stop = starts[segment], stops[segment]
        left, right = start[0], stop[0]
        top, bottom = min(start[1], stop[1]), max(start[1], stop[1])
        near = (low[:, 0] < right) & (high[:, 0] > left) & (low[:, 1] < bottom) & (high[:, 1] > top)
        near[[tail[segment], head[segment]]] = False
        obstacles = (low[near], high[near])
        candidates = _candidates(start, stop) if right - left > SHORTEST else []
        chosen.append(next((path for path in candidates if _is_clear(path, obstacles)), route))
    return tuple(chosen)


def _candidates(start: Floats, stop: Floats) -> list[Floats]:
    """Return the plain routes between two points: the bend first and then level, all the way, or level first."""
    way = float(stop[0] - start[0])
    bend = max(ONE_BEND / 2, STEEPNESS * abs(float(stop[1] - start[1])))
    if way < max(bend, ONE_BEND):
        return [s_curve(start, stop)]
    after = np.array([start[0] + bend, stop[1]])
    before = np.array([stop[0] - bend, start[1]])
    return [
        np.concatenate([s_curve(start, after), straight(after, stop)[1:]]),
        s_curve(start, stop),
        np.concatenate([straight(start, before), s_curve(before, stop)[1:]]),
    ]


def s_curve(start: Floats, stop: Floats) -> Floats:
    """Return a Bézier curve that leaves and arrives level."""
    middle = (start[0] + stop[0]) / 2
    return np.array([start, (middle, start[1]), (middle, stop[1]), stop])


def straight(start: Floats, stop: Floats) -> Floats:
    """Return a straight line as a Bézier curve."""
    return np.array([start, start + (stop - start) / 3, stop - (stop - start) / 3, stop])


def _is_clear(path: Floats, obstacles: tuple[Floats, Floats]) -> bool:
    """Say whether a path keeps out of all rectangles."""
    low, high = obstacles
    if not len(low):
        return True
    t = SAMPLES[:, None]
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
    pieces = [
        sum(weight * path[at + k] for k, weight in enumerate(weights)) for at in range(0, len(path) - 1, 3)
    ]
    points = np.concatenate(pieces)[:, None, :]
    return not bool(np.any(np.all((points > low) & (points < high), axis=2)))
