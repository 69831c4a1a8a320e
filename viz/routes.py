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

    from viz.skeleton import Flags, Floats, Ints, Skeleton

CLEARANCE = 4.0
HEAD_ROOM = theme.ARROW_LENGTH  # before a gate: a wire along its arrowheads would seem to enter it
FOUR = np.arange(4)  # points of a Bézier curve


def _weights(count: int) -> Floats:
    """Return what the four points of a Bézier curve are multiplied by for so many points along it."""
    t = np.linspace(0.0, 1.0, count)[:, None]
    return np.concatenate([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3], axis=1)


WEIGHTS = _weights(17)
MANY_WEIGHTS = _weights(97)
SURELY = 1e-6  # pixels, more than rounding
LONG = 150.0  # a curve on which a box would be passed over between two of the few points
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
STEPS_ASIDE = np.array([0, -1, 1, -2, 2, -3, -4])  # where other wires have the nearest places
STEEPNESS = 0.4  # a bend is at least this wide for its height
NARROW_SPREAD = 0.55  # of a gate's half height, for two or three wires
WIDE_SPREAD = 0.85
TOGETHER = 4.0  # pixels between two wires that can't be told apart
LONGEST_TOGETHER = 36.0  # of such a stretch
MOST_COMPARED = 500  # segments of a row, beyond which that would take too long
STEP = 9.0  # between points of a wire that are looked at
AROUND = TOGETHER / 2 * np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])  # a point, where cells may meet


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


def plain_routes(
    skeleton: Skeleton, x: Floats, y: Floats, routes: Sequence[Floats], titles: Floats
) -> tuple[Floats, ...]:
    """Replace an engine's routes by plain ones wherever nothing else is in the way.

    `titles` are the rooms of the frames' titles: left, top, right and bottom.
    """
    tail, head = skeleton.tail, skeleton.head
    starts = np.stack([x[tail] + skeleton.width[tail] / 2, y[tail]], axis=1)
    stops = entries(skeleton, x, y, y[tail].tolist())
    room = np.stack([skeleton.width, skeleton.height], axis=1) / 2 + CLEARANCE
    low, high = np.stack([x, y], axis=1) - room, np.stack([x, y], axis=1) + room
    before_heads = low - np.stack(
        [np.where(skeleton.mouth > 0, HEAD_ROOM, 0.0), np.zeros(len(low))], axis=1
    )
    low, before_heads, high = (
        np.concatenate(each)
        for each in ((low, titles[:, :2]), (before_heads, titles[:, :2]), (high, titles[:, 2:]))
    )
    chosen = _Chosen()
    for segment, route in enumerate(routes):
        start, stop = starts[segment], stops[segment]
        ends = int(tail[segment]), int(head[segment])
        near = (before_heads[:, 0] < stop[0]) & (high[:, 0] > start[0])
        near[list(ends)] = False
        boxes, obstacles = (low[near], high[near]), (before_heads[near], high[near])
        own = route if not skeleton.is_ordered[head[segment]] else _led_to(route, stop)
        first = None
        for path in _ways(start, stop, own, boxes, obstacles, chosen):
            first = path if first is None else first
            if len(routes) > MOST_COMPARED or not chosen.runs_along(path, ends):
                break
        else:
            assert first is not None
            path = first
        chosen.add(path, ends)
    return tuple(chosen.paths)


def through_items(skeleton: Skeleton, x: Floats, y: Floats, paths: Sequence[Floats]) -> int:
    """Count the wires that run through an item which they do not lead to."""
    half = np.stack([skeleton.width, skeleton.height], axis=1) / 2
    low, high = np.stack([x, y], axis=1) - half, np.stack([x, y], axis=1) + half
    found = 0
    for path, *ends in zip(paths, skeleton.tail.tolist(), skeleton.head.tolist(), strict=True):
        others = np.ones(skeleton.size, np.bool_)
        others[ends] = False
        found += not _is_clear(path, (low[others], high[others]))
    return found


def _ways(
    start: Floats,
    stop: Floats,
    own: Floats,
    boxes: tuple[Floats, Floats],
    obstacles: tuple[Floats, Floats],
    chosen: _Chosen,
) -> Iterator[Floats]:
    """Give the ways between two points, the best first: plain ones, the engine's own, steep ones."""
    if stop[0] - start[0] > SHORTEST:
        plain = list(_candidates(start, stop, obstacles, chosen.levels))
        yield from (path for path in plain if _is_clear(path, obstacles))
        is_own_clear = _is_clear(own, obstacles)
        if is_own_clear and _is_direct(own, stop):
            yield own
        steep = _steep(start, stop, obstacles, chosen.columns)
        yield from (path for path in steep if _is_clear(path, obstacles))
        if is_own_clear:
            yield own
        beside = [path for path in _steep(start, stop, obstacles, ()) if _is_clear(path, obstacles)]
        yield from beside
        yield from (path for path in plain if _is_clear(path, boxes))
        if beside:  # along another wire is better than through something
            return
    yield own


def _is_direct(path: Floats, stop: Floats) -> bool:
    """Say whether a way leads nowhere back, and ends at the left side of what it leads to."""
    return bool(np.all(np.diff(path[:, 0]) >= -1)) and path[-1, 0] <= stop[0] + 1


class _Chosen:
    """The ways that were chosen, which others keep away from."""

    def __init__(self) -> None:
        self.paths: list[Floats] = []
        self.levels: list[tuple[float, float, float]] = []  # from, to and height, between two bends
        self.columns: list[tuple[float, float, float]] = []  # from, to and place of the steep bends
        self._ends: list[tuple[int, int]] = []
        self._cells = np.zeros(0, np.int64)  # of the picture, sorted: each as often as ways pass it
        self._ways = np.zeros(0, np.int64)  # which way passes that cell

    def add(self, path: Floats, ends: tuple[int, int]) -> None:
        """Choose a way between two items."""
        if len(path) == 10:
            if path[3, 1] not in (path[0, 1], path[-1, 1]):
                self.levels.append((path[3, 0], path[6, 0], path[3, 1]))
            elif path[6, 0] - path[3, 0] <= STEEP_BENDS[0]:
                self.columns.append((*sorted((path[0, 1], path[-1, 1])), (path[3, 0] + path[6, 0]) / 2))
        passed = np.unique(_cells(_in_steps(path, TOGETHER)))
        places = np.searchsorted(self._cells, passed)
        self._cells = np.insert(self._cells, places, passed)
        self._ways = np.insert(self._ways, places, len(self.paths))
        self.paths.append(path)
        self._ends.append(ends)

    def runs_along(self, path: Floats, ends: tuple[int, int]) -> bool:
        """Say whether a way would be taken for another one, that neither begins nor ends where it does."""
        if not self.paths:
            return False
        cells = np.sort(_cells(_in_steps(path, STEP)[:, None] + AROUND), axis=1)
        is_new = (
            np.diff(cells, axis=1, prepend=-1) != 0
        )  # a point away from where cells meet is in one of them
        steps, cells = np.nonzero(is_new)[0], cells[is_new]
        first = np.searchsorted(self._cells, cells)
        met = np.searchsorted(self._cells, cells, side="right") - first
        steps = np.repeat(steps, met)
        at = np.repeat(first - np.cumsum(met) + met, met) + np.arange(len(steps))
        count = len(self.paths)
        often = np.bincount(np.unique(steps * count + self._ways[at]) % count, minlength=count)
        return any(
            self._ends[way][0] != ends[0] and self._ends[way][1] != ends[1]
            for way in np.flatnonzero(STEP * often > LONGEST_TOGETHER).tolist()
        )


def _cells(points: Floats) -> Ints:
    """Return the numbers of the cells of the picture that points are in."""
    cells: Ints = np.floor(points / TOGETHER).astype(np.int64)
    return cells[..., 0] + (cells[..., 1] << 32)


def _in_steps(path: Floats, step: float) -> Floats:
    """Return points along a path, one every few pixels."""
    points = (WEIGHTS @ path[(np.arange(0, len(path) - 1, 3)[:, None] + FOUR)]).reshape(-1, 2)
    far = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    steps = np.arange(0.0, far[-1], step)
    return np.stack([np.interp(steps, far, points[:, 0]), np.interp(steps, far, points[:, 1])], axis=1)


def _led_to(route: Floats, stop: Floats) -> Floats:
    """Move the last bend of a route, so that it ends at a point."""
    moved = route.copy()
    moved[-2:] += stop - route[-1]
    return moved


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
    others = np.array([other for low, high, other in taken if low < bottom and high > top])
    edges = {
        bend: np.unique(np.concatenate([obstacles[0][:, 0] - bend, obstacles[1][:, 0]]))
        for bend in STEEP_BENDS
    }
    for bend, apart in ((bend, apart) for apart in (APART, APART / 2) for bend in STEEP_BENDS):
        places = (edges[bend][:, None] + apart * STEPS_ASIDE).ravel()
        before = places - start[0]
        meets = (np.abs(places[:, None] + bend / 2 - others) < apart).any(axis=1)
        is_way = (before >= 0) & (before + bend <= stop[0] - start[0]) & ~meets
        before = before[is_way]
        for each in before[~_is_level_blocked(start, stop, bend, before, obstacles)].tolist():
            yield _bent(start, stop, bend, each)


def _is_level_blocked(
    start: Floats, stop: Floats, bend: float, before: Floats, obstacles: tuple[Floats, Floats]
) -> Flags:
    """Say of routes that bend once, by how far before the bend, which run level through an obstacle.

    Only those that `_is_clear` would find, too, at the points that it looks at: so no route is lost.
    """
    after = stop[0] - start[0] - before - bend
    is_long = np.maximum(np.maximum(before, after), abs(float(stop[1] - start[1]))) > LONG
    steps = np.where(is_long, len(MANY_WEIGHTS) - 1, len(WEIGHTS) - 1)
    blocked = np.zeros(len(before), np.bool_)
    low, high = obstacles
    for level, begin, end in (
        (start[1], np.broadcast_to(start[0], before.shape), start[0] + before),
        (stop[1], stop[0] - after, np.broadcast_to(stop[0], before.shape)),
    ):
        met = (low[:, 1] + SURELY < level) & (level < high[:, 1] - SURELY)
        within = np.minimum(high[met, 0, None], end) - np.maximum(low[met, 0, None], begin)
        blocked |= (within > (end - begin) / steps + SURELY).any(axis=0)
    return blocked


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
    left_top, right_bottom = path.min(axis=0), path.max(axis=0)  # a curve is within its points
    near = ((low < right_bottom) & (high > left_top)).all(axis=1)
    if not near.any():
        return True
    low, high = low[near], high[near]
    pieces = path[(np.arange(0, len(path) - 1, 3)[:, None] + FOUR)]
    is_long = np.ptp(pieces, axis=1).max() > LONG
    points = ((MANY_WEIGHTS if is_long else WEIGHTS) @ pieces).reshape(-1, 2)
    x, y = points.T[..., None]
    meets = (x > low[:, 0]) & (x < high[:, 0]) & (y > low[:, 1]) & (y < high[:, 1])
    return not bool(meets.any())
