"""The layout of pictures that no engine places in time: all rows at once, layer by layer, in columns of numbers.

What `viz.layered` does to one row, without counting crossings: layers by longest path, bends where a wire passes a
layer, barycentre sweeps, and heights that keep order and distance. Used by `viz.large` alone.

The sweeps are written twice. One row is too short for columns: NumPy's calls would cost more than its few items a
layer, and counting crossings and isotonic regression, which make a row that is looked at better, go item by item.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from viz.layered import (
    ASIDE,
    BEND_GAP,
    FRAME_GAP,
    GAP,
    LAYER_GAP,
    LEVEL,
    STEEP,
    STRAIGHT,
    WIDEST_GAP,
)
from viz.routes import entries
from viz.skeleton import pulled_ranks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from viz.skeleton import Flags, Floats, Ints, Skeleton

ORDER_SWEEPS = 6
HEIGHT_SWEEPS = 6
MOST_BENDS = 4  # times the items; beyond it wires run straight, behind whatever is there
LEAST_WEIGHT = 1e-9


@dataclass(frozen=True, slots=True)
class PlacedRow:
    """Where the items of one row are and the bends of its wires; `paths` draws them when they are wanted."""

    skeleton: Skeleton
    x: Floats
    y: Floats  # of the items, and behind them of the bends
    layer: Ints  # as above
    left: Floats  # by layer
    right: Floats
    trunk: Ints  # by item: its first bend

    def moved(self, x: float, y: float) -> PlacedRow:
        """Return the row, moved to the right and down."""
        return replace(self, x=self.x + x, y=self.y + y, left=self.left + x, right=self.right + x)

    def paths(self) -> tuple[Floats, ...]:
        """Draw each segment: level through every layer, and a Bézier curve from layer to layer."""
        skeleton, size = self.skeleton, self.skeleton.size
        tail, head = skeleton.tail, skeleton.head
        count = len(tail)
        if not count:
            return ()
        pieces = self.layer[head] - self.layer[tail]  # of each segment: one from layer to layer
        is_straight = (pieces > 1) & (self.trunk[tail] < 0)
        pieces = np.where(is_straight, 1, pieces)
        of, step = _counted(pieces)
        first = np.where(step == 0, tail[of], self.trunk[tail[of]] + step - 1)
        is_last = step == pieces[of] - 1
        last_bend = first[np.cumsum(pieces) - 1]
        ends = entries(skeleton, self.x[:size], self.y[:size], self.y[last_bend].tolist())
        second = np.where(is_last, head[of], self.trunk[tail[of]] + step)
        arrive = np.where(is_last, ends[of, 1], self.y[second])
        start, stop = self.right[self.layer[first]], self.left[self.layer[second]]
        begin = np.stack([self.x[tail] + skeleton.width[tail] / 2, self.y[tail]], axis=1)
        is_curve = np.abs(arrive - self.y[first]) >= LEVEL
        of, start, stop, arrive = of[is_curve], start[is_curve], stop[is_curve], arrive[is_curve]
        # Where each curve comes from: the end of the one before in its segment, else the segment's begin.
        follows = np.concatenate([[False], of[1:] == of[:-1]])
        from_x = np.where(follows, np.roll(stop, 1), begin[of, 0])
        from_y = np.where(follows, np.roll(arrive, 1), begin[of, 1])
        bend = (stop - start) / 2
        level = np.maximum(start, from_x)
        curves = np.stack([level, from_y, start + bend, from_y, stop - bend, arrive, stop, arrive], axis=1)
        curves = curves.reshape(-1, 4, 2)
        bends = np.bincount(of, minlength=count)
        before = np.cumsum(bends) - bends
        paths = []
        # Python's own numbers are faster than short arrays.
        starts, stops, corners = begin.tolist(), ends.tolist(), curves.tolist()
        for segment, (many, at) in enumerate(zip(bends.tolist(), before.tolist(), strict=True)):
            points = [starts[segment]]
            for curve in corners[at : at + many]:
                _run(points, curve[0])
                points += curve[1:]
            _run(points, stops[segment])
            paths.append(np.array(points))
        return tuple(paths)


def _run(points: list[list[float]], stop: list[float]) -> None:
    """Add a straight line to a Bézier path; nothing where it has no length, or leads back."""
    x, y = points[-1]
    if stop[0] - x < LEVEL and abs(stop[1] - y) < LEVEL:
        return
    third_x, third_y = (stop[0] - x) / 3, (stop[1] - y) / 3
    points += [[x + third_x, y + third_y], [stop[0] - third_x, stop[1] - third_y], stop]


def _counted(counts: Ints) -> tuple[Ints, Ints]:
    """Say of each of some counted things whose it is, and which of them."""
    of = np.repeat(np.arange(len(counts)), counts)
    return of, np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)


def place(skeletons: Sequence[Skeleton]) -> list[PlacedRow]:
    """Place the items of all rows; the same skeletons give the same places."""
    return _Rows(skeletons).placed()


class _Rows:
    """The items of all rows one after the other, and behind them the bends of all rows."""

    def __init__(self, skeletons: Sequence[Skeleton]) -> None:
        self.skeletons = skeletons
        sizes = np.array([each.size for each in skeletons], np.int64)
        self.first = np.concatenate([[0], np.cumsum(sizes)])
        size = int(self.first[-1])
        offsets = self.first[:-1]
        shifted = list(zip(skeletons, offsets.tolist(), strict=True))
        tail = _joined([each.tail + at for each, at in shifted], np.int64)
        head = _joined([each.head + at for each, at in shifted], np.int64)
        rank = _joined([_ranks(each) for each in skeletons], np.int64)
        self.row = np.repeat(np.arange(len(skeletons)), sizes)
        bends, trunk = _trunks(np.repeat(sizes, sizes), self.row, tail, head, rank)
        owner, step = _counted(bends)
        total = size + len(owner)
        self.trunk = trunk
        self.row = np.concatenate([self.row, self.row[owner]])
        self.rank = np.concatenate([rank, rank[owner] + step + 1])
        span = rank[head] - rank[tail]
        last = np.where((span > 1) & (trunk[tail] >= 0), trunk[tail] + span - 2, tail)
        before_bend = np.where(step == 0, owner, np.arange(size, total) - 1)
        self.source = np.concatenate([last, before_bend])
        self.target = np.concatenate([head, np.arange(size, total)])
        none = np.zeros(total - size)
        self.height = np.concatenate([_joined([each.height for each in skeletons], np.float64), none])
        self.width = np.concatenate([_joined([each.width for each in skeletons], np.float64), none])
        self.is_bend = np.arange(total) >= size
        is_late = np.concatenate([_joined([each.is_late for each in skeletons], np.bool_), none > 0])
        self.group = np.concatenate([_joined([each.group for each in skeletons], np.int64), none - 2])
        self.pull = np.where(is_late[self.source] | is_late[self.target], ASIDE, 1.0)
        self.pull[self.is_bend[self.source] & self.is_bend[self.target]] = STRAIGHT
        is_ordered = _joined([each.is_ordered for each in skeletons], np.bool_)
        uses = np.bincount(self.source, minlength=total)
        enters = (self.target < size) & (uses[self.source] == 1)
        self.ordered = np.flatnonzero(enters)
        self.ordered = self.ordered[is_ordered[self.target[self.ordered]]]
        self._look_at_layers(owner)

    def _look_at_layers(self, owner: Ints) -> None:
        """List the items and the links of each rank, and give items their first places, in order of execution."""
        size = len(self.trunk)
        self.ranks = int(self.rank.max(initial=-1)) + 1
        key = np.arange(size)
        first_use = np.full(size, len(self.rank))  # the label of a wire stands where its wire comes from
        np.minimum.at(first_use, self.target[self.target < size], self.source[self.target < size])
        is_label = np.concatenate(
            [np.arange(each.size) >= each.boxes for each in self.skeletons] or [key > 0]
        )
        key = np.where(is_label, np.minimum(first_use, size - 1), key)
        key = np.concatenate([key, key[owner]])
        order = np.lexsort((key, self.row, self.rank))
        self.items = np.split(order, np.searchsorted(self.rank[order], np.arange(1, self.ranks)))
        self.position = np.zeros(len(self.rank))
        for items in self.items:
            self._number(items)
        is_near = self.rank[self.target] == self.rank[self.source] + 1
        near = np.flatnonzero(is_near)
        near = near[np.argsort(self.rank[self.source[near]], kind="stable")]
        self.links = np.split(near, np.searchsorted(self.rank[self.source[near]], np.arange(1, self.ranks)))
        self.local = np.zeros(len(self.rank), np.int64)  # by item: where it stands in its rank's list

    def _number(self, items: Ints) -> None:
        """Give the items of a rank numbers within their rows, in their order."""
        rows = self.row[items]
        self.position[items] = np.arange(len(items)) - np.searchsorted(rows, rows)

    def placed(self) -> list[PlacedRow]:
        """Order, place and give out the rows."""
        for sweep in range(ORDER_SWEEPS):
            self._sort(forwards=sweep % 2 == 0)
        self._order_entries()
        heights = self._heights()
        x, left, right, first_layer = self._columns(heights)
        return self._shared_out(x, heights, left, right, first_layer)

    def _sort(self, *, forwards: bool) -> None:
        """Sort every rank by the mean place of what is before it, or behind it."""
        for rank in range(1, self.ranks) if forwards else range(self.ranks - 2, -1, -1):
            items = self.items[rank]
            own, other = self._linked(rank, forwards=forwards)
            mean, weight = self._means(items, own, self.position[other], np.ones(len(own)))
            wish = np.where(weight > 0, mean, self.position[items])
            self.items[rank] = items[np.lexsort((wish, self.row[items]))]
            self._number(self.items[rank])

    def _linked(self, rank: int, *, forwards: bool) -> tuple[Ints, Ints]:
        """Return the ends in a rank of the links before it or behind it, and their other ends."""
        links = self.links[rank - 1] if forwards else self.links[rank]
        before, behind = self.source[links], self.target[links]
        return (behind, before) if forwards else (before, behind)

    def _means(self, items: Ints, own: Ints, values: Floats, weights: Floats) -> tuple[Floats, Floats]:
        """Return the weighted mean of what is linked to each item, and how much it weighs."""
        self.local[items] = np.arange(len(items))
        at = self.local[own]
        weight = np.bincount(at, weights, minlength=len(items))
        total = np.bincount(at, weights * values, minlength=len(items))
        mean: Floats = total / np.maximum(weight, LEAST_WEIGHT)
        return mean, weight.astype(np.float64)

    def _order_entries(self) -> None:
        """Exchange the places of what leads to one gate alone until its operands enter in order."""
        sources, targets = self.source[self.ordered], self.target[self.ordered]
        grouped = np.argsort(targets, kind="stable")
        by_place = np.lexsort((self.position[sources], targets))
        self.position[sources[grouped]] = self.position[sources[by_place]]
        self.items = [items[np.lexsort((self.position[items], self.row[items]))] for items in self.items]

    def _heights(self) -> Floats:
        """Give each item the height nearest to its neighbours' mean that keeps order and distance."""
        y = np.zeros(len(self.rank))
        offsets = [self._offsets(items) for items in self.items]
        for items, offset in zip(self.items, offsets, strict=True):
            rows = self.row[items]
            last = np.searchsorted(rows, rows, side="right") - 1
            y[items] = offset - offset[last] / 2 if len(items) else offset
        for sweep in range(HEIGHT_SWEEPS):
            forwards = sweep % 2 == 0
            for rank in range(self.ranks) if forwards else range(self.ranks - 1, -1, -1):
                self._settle(rank, offsets[rank], y, forwards=forwards, both=sweep >= HEIGHT_SWEEPS - 2)
        return y

    def _settle(self, rank: int, offsets: Floats, y: Floats, *, forwards: bool, both: bool) -> None:
        """Move the items of a rank to the middle of two ways that keep order and distance: push down, and push up."""
        items = self.items[rank]
        means, weights = [], []
        for way in (True, False):
            if rank == (0 if way else self.ranks - 1):
                means.append(np.zeros(len(items)))
                weights.append(np.zeros(len(items)))
                continue
            own, other = self._linked(rank, forwards=way)
            links = self.links[rank - 1] if way else self.links[rank]
            mean, weight = self._means(items, own, y[other], self.pull[links])
            means.append(mean)
            weights.append(weight)
        near, far = (0, 1) if forwards else (1, 0)
        if not both:
            weights[far] = np.where(weights[near] > 0, 0.0, weights[far])
        weight = weights[0] + weights[1]
        mean = (means[0] * weights[0] + means[1] * weights[1]) / np.maximum(weight, LEAST_WEIGHT)
        wish = np.where(weight > 0, mean, y[items]) - offsets
        y[items] = _monotone(wish, self.row[items]) + offsets

    def _offsets(self, items: Ints) -> Floats:
        """Return the least distances of a rank's items from the first of their row."""
        if not len(items):
            return np.zeros(0)
        half, is_bend, group, row = (
            self.height[items] / 2,
            self.is_bend[items],
            self.group[items],
            self.row[items],
        )
        has_bend = is_bend[1:] | is_bend[:-1]
        gap = np.where(has_bend, BEND_GAP, GAP)
        gap += np.where((group[1:] != group[:-1]) & ~has_bend, FRAME_GAP, 0.0)
        down = np.concatenate([[0.0], np.cumsum(half[1:] + half[:-1] + gap)])
        found: Floats = down - down[np.searchsorted(row, row)]
        return found

    def _columns(self, y: Floats) -> tuple[Floats, Floats, Floats, Ints]:
        """Give each layer of each row an x: wide enough for its widest item, further apart where wires are steep."""
        ranks = np.zeros(len(self.skeletons), np.int64)
        np.maximum.at(ranks, self.row, self.rank + 1)
        first_layer = np.concatenate([[0], np.cumsum(ranks)])
        layer = first_layer[self.row] + self.rank
        wide = np.zeros(int(first_layer[-1]))
        np.maximum.at(wide, layer, self.width)
        rise = np.zeros(len(wide))
        np.maximum.at(rise, layer[self.source], np.abs(y[self.target] - y[self.source]))
        gaps = np.minimum(LAYER_GAP + STEEP * rise, WIDEST_GAP)
        ends = np.cumsum(wide + gaps)
        left = ends - wide - gaps
        left -= np.repeat(left[np.minimum(first_layer[:-1], len(left) - 1)] if len(left) else left, ranks)
        right = left + wide
        return (left + wide / 2)[layer], left, right, first_layer

    def _shared_out(
        self, x: Floats, y: Floats, left: Floats, right: Floats, first_layer: Ints
    ) -> list[PlacedRow]:
        """Give each row what is its own."""
        size = len(self.trunk)
        rows_of_bends = self.row[size:]
        bends = size + np.searchsorted(rows_of_bends, np.arange(len(self.skeletons) + 1))
        found = []
        for at, skeleton in enumerate(self.skeletons):
            items = slice(int(self.first[at]), int(self.first[at + 1]))
            bent = slice(int(bends[at]), int(bends[at + 1]))
            layers = slice(int(first_layer[at]), int(first_layer[at + 1]))
            trunk = self.trunk[items]
            trunk = np.where(trunk >= 0, trunk - bent.start + skeleton.size, -1)
            found.append(
                PlacedRow(
                    skeleton,
                    x[items],
                    np.concatenate([y[items], y[bent]]),
                    np.concatenate([self.rank[items], self.rank[bent]]),
                    left[layers],
                    right[layers],
                    trunk,
                )
            )
        return found


def _joined(parts: Sequence[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate([np.zeros(0, dtype), *parts])


def _ranks(skeleton: Skeleton) -> Ints:
    is_movable: Flags = skeleton.is_source | skeleton.is_late
    return pulled_ranks(skeleton.size, skeleton.tail, skeleton.head, is_movable)


def _trunks(sizes: Ints, row: Ints, tail: Ints, head: Ints, rank: Ints) -> tuple[Ints, Ints]:
    """Say how many bends all wires that leave an item have, and where they begin; -1 where there are none.

    A row of too many bends, for its size, has none: `sizes` and `row` are those of each item's row.
    """
    size = len(row)
    bends = np.zeros(size, np.int64)
    np.maximum.at(bends, tail, rank[head] - rank[tail] - 1)
    bends[np.bincount(row, bends)[row] > MOST_BENDS * sizes] = 0
    return bends, np.where(bends > 0, size + np.cumsum(bends) - bends, -1)


def _monotone(wishes: Floats, rows: Ints) -> Floats:
    """Return non-decreasing numbers near to the wishes, in each row: half way between the two nearest envelopes."""
    if not len(wishes):
        return wishes
    apart = rows * (2 * float(np.ptp(wishes)) + 1.0)
    lifted = wishes + apart
    below = np.maximum.accumulate(lifted)
    above = np.minimum.accumulate(lifted[::-1])[::-1]
    found: Floats = (below + above) / 2 - apart
    return found
