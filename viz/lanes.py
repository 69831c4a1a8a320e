"""Wires that go back: below the row, from right to left, where the layout engine has left nothing.

A wire leaves its box to the right, goes down where the way is free, runs to the left in a lane of its own under
everything, and goes up to the box that it leads to. Its label hangs below the lane.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from viz.routes import straight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from viz.geometry import Rect
    from viz.skeleton import Floats

CLEARANCE = 4.0  # between a wire that goes up or down and what it passes
ROOMY = 12.0  # as much where there is room
NEAR = 2.0  # between a wire that runs along its row and the text above and below it
LEAST_TURN = 16.0  # before a wire turns down, and between its turn up and its end
STEP = 4.0  # between the places where a wire may turn
FURTHEST = 420.0  # that a wire runs along its row before it turns
LANE_GAP = 16.0
CORNER = 9.0


@dataclass(frozen=True, slots=True)
class Back:
    """A wire that goes back: from a box's right side to a box's left side, and the size of its label."""

    start: tuple[float, float]
    stop: tuple[float, float]
    label: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Lane:
    """Its way, the middle of the top of its label, and where its arrowhead points to the left."""

    points: Floats
    label: tuple[float, float]
    turn: tuple[float, float]


def lanes(
    backs: Sequence[Back], obstacles: Sequence[Rect], passed: Floats, outputs: Sequence[Rect] = ()
) -> list[Lane | None]:
    """Lead wires back, the short ones first; None for one that finds no way.

    A wire turns where it meets no obstacle; its lane is below what it passes: left, top, right and bottom of each. No
    wire goes around an output, which is not in the loop.
    """
    boxes = np.array([(rect.x, rect.y, rect.x + rect.width, rect.y + rect.height) for rect in obstacles])
    boxes = boxes.reshape(-1, 4)
    bottom = float(passed[:, 3].max())
    ways: dict[int, tuple[float, float]] = {}
    taken: list[float] = []  # where other wires turn
    for at in sorted(range(len(backs)), key=lambda at: abs(backs[at].start[0] - backs[at].stop[0])):
        down = _turn(boxes, taken, backs[at].start, 1.0, bottom)
        up = _turn(boxes, [*taken, down] if down else taken, backs[at].stop, -1.0, bottom)
        if down is not None and up is not None and not _encloses(backs[at], down, up, outputs):
            ways[at] = (down, up)
            taken += [down, up]
    found: list[Lane | None] = [None] * len(backs)
    laid: list[tuple[float, float, float, float]] = []
    depths: dict[int, float] = {}  # of the lanes of those that are laid
    waiting = list(ways)
    while waiting:
        # Next is one whose label no wire has to pass that goes further down.
        turns = {at: [x for other in waiting if other != at for x in ways[other]] for at in waiting}
        spans = {at: _span(*ways[at], backs[at].label[0], turns[at]) for at in waiting}
        free = [at for at in waiting if spans[at] is not None]
        if not free:
            break
        at = free[0]
        waiting.remove(at)
        span = spans[at] or (0.0, 0.0)
        down, up = ways[at]
        left, right = min(up, span[0]), max(down, span[1])
        lowest = passed[(passed[:, 0] < right + LANE_GAP) & (passed[:, 2] > left - LANE_GAP), 3].max(
            initial=0.0
        )
        # A label hangs below the lanes of the wires that come down where it is.
        ends = [
            depths[other]
            for other in depths
            if any(span[0] - CLEARANCE < turn < span[1] + CLEARANCE for turn in ways[other])
        ]
        below = max([float(lowest), *ends])
        y = _free_lane(laid, left, right, backs[at].label[1], below)
        laid.append((left, y, right, y + backs[at].label[1]))
        depths[at] = y
        start, stop = backs[at].start, backs[at].stop
        points = _rounded([start, (down, start[1]), (down, y), (up, y), (up, stop[1]), stop])
        found[at] = Lane(points, ((span[0] + span[1]) / 2, y), ((down + up) / 2, y))
    return found


def _turn(
    boxes: Floats, taken: Sequence[float], end: tuple[float, float], side: float, bottom: float
) -> float | None:
    """Return where a wire turns down: the nearest place to its end where nothing is in its way."""
    x, y = end
    left, top, right, low = boxes.T
    is_own = (left <= x + 1) & (right >= x - 1) & (top <= y + 1) & (low >= y - 1)
    beside = ~is_own & (top < y + NEAR) & (low > y - NEAR)
    below = ~is_own & (low > y - CORNER) & (top < bottom)
    for clearance in (ROOMY, CLEARANCE):
        for step in np.arange(LEAST_TURN, FURTHEST, STEP).tolist():
            turn = x + side * step
            if np.any(beside & (left < max(x, turn)) & (right > min(x, turn))):
                break
            meets = below & (left < turn + clearance) & (right > turn - clearance)
            if not meets.any() and all(abs(turn - other) >= 2 * CLEARANCE for other in taken):
                return float(turn)
    return None


def _encloses(back: Back, down: float, up: float, rects: Sequence[Rect]) -> bool:
    """Say whether a wire that turns at two places goes around one of some boxes."""
    left, right, top = min(down, up), max(down, up), min(back.start[1], back.stop[1])
    return any(left < rect.x + rect.width / 2 < right and rect.y + rect.height > top for rect in rects)


def _span(down: float, up: float, width: float, turns: Sequence[float]) -> tuple[float, float] | None:
    """Return where a label may hang along a lane without a wire that has to pass it; None for nowhere."""
    middle = (down + up) / 2
    for left in (
        middle - width / 2,
        up + CLEARANCE,
        down - width - CLEARANCE,
        down - CORNER,
        up + CORNER - width,
    ):
        if not any(left - CLEARANCE < turn < left + width + CLEARANCE for turn in turns):
            return left, left + width
    return None


def _free_lane(
    laid: Sequence[tuple[float, float, float, float]],
    left: float,
    right: float,
    height: float,
    bottom: float,
) -> float:
    """Return the height of the highest lane in which a wire and its label meet no other."""
    beside = [each for each in laid if each[0] < right + LANE_GAP and each[2] > left - LANE_GAP]
    highest = bottom + LANE_GAP
    for y in sorted({highest, *(max(highest, each[3] + LANE_GAP) for each in beside)}):
        if not any(each[1] < y + height + LANE_GAP and each[3] + LANE_GAP > y for each in beside):
            return y
    raise AssertionError  # below the lowest there is always room


def _rounded(path: Sequence[tuple[float, float]]) -> Floats:
    """Return a way of level and upright lines as a Bézier path with round corners."""
    places = [np.array(place, np.float64) for place in path]
    points = [places[0]]
    for before, corner, after in zip(places, places[1:], places[2:], strict=False):
        into, out = corner - before, after - corner
        radius = min(CORNER, float(np.abs(into).sum()) / 2, float(np.abs(out).sum()) / 2)
        start = corner - radius * into / max(float(np.abs(into).sum()), 1e-9)
        stop = corner + radius * out / max(float(np.abs(out).sum()), 1e-9)
        points += list(straight(points[-1], start)[1:])
        points += [start + (corner - start) * 0.55, stop + (corner - stop) * 0.55, stop]
    points += list(straight(points[-1], places[-1])[1:])
    return np.array(points)
