"""How a wire runs from item to item: where it enters a gate, and a plain S where nothing is in the way.

Used by both layouts; an engine's own route is kept where a plain one would run through something.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from viz import theme

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from viz.skeleton import Floats, Skeleton

CLEARANCE = 4.0
HEAD_ROOM = theme.ARROW_LENGTH  # before a gate: a wire along its arrowheads would seem to enter it
SAMPLES = np.linspace(0.0, 1.0, 17)[:, None]
FOUR = np.arange(4)  # points of a Bézier curve
WEIGHTS = np.concatenate(
    [
        (1 - SAMPLES) ** 3,
        3 * SAMPLES * (1 - SAMPLES) ** 2,
        3 * SAMPLES**2 * (1 - SAMPLES),
        SAMPLES**3,
    ],
    axis=1,
)
SHORTEST = 10.0
ONE_BEND = 110.0  # a wire shorter than this is one S from end to end
BEND_PLACES = (
    0.0,
    1.0,
    0.25,
    0.5,
    0.75,
)  # of the level way, before the bend; the first that is clear is taken
APART = 8.0  # between level parts of two wires
MOST_LEVELS = 16  # ways past obstacles that are tried
STEEP_BENDS = (
    36.0,
    24.0,
    14.0,
    10.0,
)  # how wide a bend is that fits between two columns; the first that is clear
STEPS_ASIDE = (0, -1, 1, -2, 2, -3, -4)  # where other wires have the nearest places
STEEPNESS = 0.4  # a bend is at least this wide for its height
NARROW_SPREAD = 0.55  # of a gate's half height, for two or three wires
WIDE_SPREAD = 0.85


def entries(skeleton: Skeleton, x: Floats, y: Floats, origin: Sequence[float]) -> Floats:
    """Say where each segment ends, (segments, 2): at the middle of an item's left side, or spread over a gate's.

    `origin` is the height that each segment comes from, which orders the wires at a gate whose operands may be
    exchanged; at any other they are in the order of the segments.
    """
    head = skeleton.head
    ends = np.stack([x[head] - skeleton.width[head] / 2, y[head]], axis=1)
    entering: dict[int, list[int]] = {}
    for segment in np.flatnonzero(skeleton.mouth[head] > 0).tolist():
        entering.setdefault(int(head[segment]), []).append(segment)
    for gate, segments in entering.items():
        if len(segments) < 2:
            continue
        if not skeleton.is_ordered[gate]:
            segments.sort(key=lambda segment: (origin[segment], segment))
        spread = NARROW_SPREAD if len(segments) < 4 else WIDE_SPREAD
        for segment, step in zip(
            segments, np.linspace(-spread, spread, len(segments)).tolist(), strict=True
        ):
            if skeleton.is_gate[gate]:
                ends[segment, 0] = x[gate] - skeleton.width[gate] / 2 * math.sqrt(1 - step * step)
            ends[segment, 1] = y[gate] + skeleton.mouth[gate] / 2 * step
    return ends


def plain_routes(skeleton: Skeleton, x: Floats, y: Floats, routes: Sequence[Floats]) -> tuple[Floats, ...]:
    """Replace an engine's routes by plain ones wherever nothing else is in the way."""
    tail, head = skeleton.tail, skeleton.head
    starts = np.stack([x[tail] + skeleton.width[tail] / 2, y[tail]], axis=1)
    stops = entries(skeleton, x, y, y[tail].tolist())
    room = np.stack([skeleton.width, skeleton.height], axis=1) / 2 + CLEARANCE
    low, high = np.stack([x, y], axis=1) - room, np.stack([x, y], axis=1) + room
    before_heads = low - np.stack(
        [np.where(skeleton.mouth > 0, HEAD_ROOM, 0.0), np.zeros(len(low))], axis=1
    )
    chosen = []
    taken: list[tuple[float, float, float]] = []  # from, to and height of the level parts between two bends
    columns: list[tuple[float, float, float]] = []  # from, to and place of the steep bends
    for segment, route in enumerate(routes):
        start, stop = starts[segment], stops[segment]
        near = (before_heads[:, 0] < stop[0]) & (high[:, 0] > start[0])
        near[[tail[segment], head[segment]]] = False
        boxes, obstacles = (low[near], high[near]), (before_heads[near], high[near])
        is_short = stop[0] - start[0] <= SHORTEST
        plain = [] if is_short else list(_candidates(start, stop, obstacles, taken))
        own = route if not skeleton.is_ordered[head[segment]] else _led_to(route, stop)
        path = next((path for path in plain if _is_clear(path, obstacles)), None)
        if path is None and not is_short and not _is_clear(own, obstacles):
            steep = _steep(start, stop, obstacles, columns)
            path = next((path for path in steep if _is_clear(path, obstacles)), None)
            if path is not None:
                columns.append((*sorted((start[1], stop[1])), (path[3, 0] + path[6, 0]) / 2))
            else:
                path = next((path for path in plain if _is_clear(path, boxes)), None)
        if path is None:
            path = own
        elif _has_two_bends(path):
            taken.append((path[3, 0], path[6, 0], path[3, 1]))
        chosen.append(path)
    return tuple(chosen)


def _led_to(route: Floats, stop: Floats) -> Floats:
    """Move the last bend of a route, so that it ends at a point."""
    moved = route.copy()
    moved[-2:] += stop - route[-1]
    return moved


def _has_two_bends(path: Floats) -> bool:
    return len(path) == 10 and path[3, 1] not in (path[0, 1], path[-1, 1])


def _candidates(
    start: Floats,
    stop: Floats,
    obstacles: tuple[Floats, Floats],
    taken: Sequence[tuple[float, float, float]],
) -> Iterator[Floats]:
    """Give the plain routes between two points: one bend somewhere on the way, then two, past an obstacle's edge."""
    way = float(stop[0] - start[0])
    bend = max(ONE_BEND / 2, STEEPNESS * abs(float(stop[1] - start[1])))
    if way < max(bend, ONE_BEND):
        yield s_curve(start, stop)
        return
    first, *others = BEND_PLACES
    yield _bent(start, stop, bend, first * (way - bend))
    yield s_curve(start, stop)
    for share in others:
        yield _bent(start, stop, bend, share * (way - bend))
    middle = (start[1] + stop[1]) / 2
    levels = np.concatenate([obstacles[0][:, 1], obstacles[1][:, 1]])
    for level in levels[np.argsort(np.abs(levels - middle), kind="stable")][:MOST_LEVELS].tolist():
        down, up = (max(ONE_BEND / 2, STEEPNESS * abs(level - end)) for end in (start[1], stop[1]))
        meets = any(
            left < stop[0] and right > start[0] and abs(height - level) < APART
            for left, right, height in taken
        )
        if down + up <= way and not meets:
            begin, end = np.array([start[0] + down, level]), np.array([stop[0] - up, level])
            yield np.concatenate([s_curve(start, begin), straight(begin, end)[1:], s_curve(end, stop)[1:]])


def _steep(
    start: Floats,
    stop: Floats,
    obstacles: tuple[Floats, Floats],
    taken: Sequence[tuple[float, float, float]],
) -> Iterator[Floats]:
    """Give the routes with one narrow bend, right before an obstacle or right after one, that no other wire has."""
    top, bottom = sorted((float(start[1]), float(stop[1])))
    for bend, apart in ((bend, apart) for apart in (APART, APART / 2) for bend in STEEP_BENDS):
        for begin in np.unique(np.concatenate([obstacles[0][:, 0] - bend, obstacles[1][:, 0]])).tolist():
            for step in STEPS_ASIDE:
                place = begin + step * apart
                before, middle = place - float(start[0]), place + bend / 2
                meets = any(
                    abs(middle - other) < apart and low < bottom and high > top
                    for low, high, other in taken
                )
                if before >= 0 and before + bend <= stop[0] - start[0] and not meets:
                    yield _bent(start, stop, bend, before)


def _bent(start: Floats, stop: Floats, bend: float, before: float) -> Floats:
    """Return a route that runs level, bends, and runs level again."""
    begin = start + np.array([before, 0.0])
    end = np.array([begin[0] + bend, stop[1]])
    return np.concatenate([straight(start, begin), s_curve(begin, end)[1:], straight(end, stop)[1:]])


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
    near = (low[:, 1] < path[:, 1].max()) & (high[:, 1] > path[:, 1].min())  # a curve is within its points
    if not near.any():
        return True
    low, high = low[near], high[near]
    pieces = path[(np.arange(0, len(path) - 1, 3)[:, None] + FOUR)]
    points = (WEIGHTS @ pieces).reshape(-1, 1, 2)
    return not bool(np.any(np.all((points > low) & (points < high), axis=2)))
