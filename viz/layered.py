"""The built-in layout: layers from left to right, in NumPy and plain lists, no recursion, no engine needed.

Longest-path ranks, sources pulled to their first use, one shared trunk of bends for all long segments that leave
the same item, barycentre sweeps against crossings, coordinates by isotonic regression (Sugiyama's method).
`place` serves every picture where no layout engine is installed, and graphs that an engine can't do in time.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from viz.frames import frames
from viz.routes import entries
from viz.skeleton import Floats, Ints, Placement, Skeleton, pulled_ranks

GAP = 16.0  # between items of a layer
BEND_GAP = 9.0  # between a long wire's bend and what is beside it
FRAME_GAP = 28.0  # more between items of different calls, which have frames with titles
LAYER_GAP = 30.0
STEEP = 0.22  # a gap between layers grows with the vertical way that its wires have to go
WIDEST_GAP = 150.0
SWEEPS = 12
COORDINATE_SWEEPS = 12
BIG_SWEEPS = 3
SMALL = 1_500  # items and bends up to which more is tried against crossings
LONG = 300  # items and bends from which on a chain is kept straight
BIG = 12_000  # items and bends from which on fewer sweeps are made, and crossings not counted
MOST_BENDS = 250_000  # beyond it long segments run straight, behind whatever is there
STRAIGHT = 6.0  # how much more a segment between two bends pulls than another
ASIDE = 0.03  # how little a splitter's copy pulls in a long graph, whose chains would drift away
LEVEL = 0.25  # less than this is no bend
LONG_TRUNK = 6  # bends from which on only one of a trunk's wires is drawn along all of it


def place(skeleton: Skeleton) -> Placement:
    """Place every item and draw every segment; the same skeleton gives the same placement."""
    if not skeleton.size:
        return Placement(np.zeros(0), np.zeros(0), (), ())
    rank = pulled_ranks(skeleton.size, skeleton.tail, skeleton.head, skeleton.is_source | skeleton.is_late)
    layered = _Layers(skeleton, rank)
    layered.reduce_crossings()
    x, y = layered.coordinates()
    groups = frames(skeleton, x[: skeleton.size], y[: skeleton.size])
    return Placement(x[: skeleton.size], y[: skeleton.size], layered.paths(x, y), groups)


class _Layers:
    """Items and bends by layer, with the short links between neighbouring layers."""

    def __init__(self, skeleton: Skeleton, rank: Ints) -> None:
        self.skeleton = skeleton
        size = skeleton.size
        ranks_of = rank.tolist()
        self.layer = ranks_of.copy()
        span = rank[skeleton.head] - rank[skeleton.tail]
        furthest = np.zeros(size, np.int64)
        np.maximum.at(furthest, skeleton.tail, span - 1)
        is_long = int(furthest.sum()) > MOST_BENDS
        trunks: list[range] = []
        links: dict[tuple[int, int], None] = {}
        total = size
        for item, bends in enumerate(furthest.tolist() if not is_long else [0] * size):
            trunk = range(total, total + bends)
            trunks.append(trunk)
            total += bends
            self.layer.extend(range(ranks_of[item] + 1, ranks_of[item] + 1 + bends))
        for item, trunk in enumerate(trunks):
            links.update(dict.fromkeys(pairwise([item, *trunk])))
        self.chains: list[tuple[int, range, int]] = []  # tail, the bends between, head
        for tail, head, length in zip(
            skeleton.tail.tolist(), skeleton.head.tolist(), span.tolist(), strict=True
        ):
            trunk = trunks[tail][: length - 1]
            self.chains.append((tail, trunk, head))
            links[trunk[-1] if trunk else tail, head] = None
        self.total = total
        self.height = np.concatenate([skeleton.height, np.zeros(total - size)])
        self.width = np.concatenate([skeleton.width, np.zeros(total - size)])
        self.is_late = [*skeleton.is_late.tolist(), *[False] * (total - size)]
        self.before: list[list[int]] = [[] for _ in range(total)]
        self.after: list[list[int]] = [[] for _ in range(total)]
        for tail, head in links:
            if self.layer[head] == self.layer[tail] + 1:
                self.after[tail].append(head)
                self.before[head].append(tail)
        self.layers: list[list[int]] = [[] for _ in range(max(self.layer) + 1)]
        for item, layer in enumerate(self.layer):
            self.layers[layer].append(item)
        self.position = [0] * total
        self._number()
        self.ordered = self._ordered_entries()

    def _ordered_entries(self) -> list[tuple[int, list[int]]]:
        """List for each gate whose operands have an order its layer and what lies before it, in that order.

        Each of these items leads to that gate alone, so that they may change places and leave every other gate's.
        """
        entering: dict[int, list[int]] = {}
        for tail, trunk, head in self.chains:
            last = trunk[-1] if trunk else tail
            if self.skeleton.is_ordered[head] and len(self.after[last]) == 1:
                entering.setdefault(head, []).append(last)
        return [(self.layer[head], items) for head, items in entering.items() if len(items) > 1]

    def _order_entries(self) -> None:
        """Exchange the places of what lies before a gate until its operands enter in order."""
        position = self.position
        for layer, items in self.ordered:
            for place, item in zip(sorted(position[each] for each in items), items, strict=True):
                self.layers[layer - 1][place] = item
                position[item] = place

    def _number(self) -> None:
        for layer in self.layers:
            for position, item in enumerate(layer):
                self.position[item] = position

    def reduce_crossings(self) -> None:
        """Order each layer by the mean position of its neighbours, to and fro, and keep the best order seen."""
        if self.total >= BIG:
            for sweep in range(BIG_SWEEPS):
                self._sweep(sweep, flips_ties=False)
            self._order_entries()
            return
        self._order_entries()
        first = [layer.copy() for layer in self.layers]
        best, fewest = first, self._crossings()
        is_small = self.total < SMALL
        for trial in range(4 if is_small else 1):
            self._restore(first)
            start, flips_ties = trial % 2, trial >= 2
            for sweep in range(start, start + (SWEEPS)):
                if not fewest:
                    break
                self._sweep(sweep, flips_ties=flips_ties)
                if is_small:
                    self._swap_neighbours()
                self._order_entries()
                crossings = self._crossings()
                if crossings < fewest:
                    best, fewest = [layer.copy() for layer in self.layers], crossings
        self._restore(best)

    def _sweep(self, sweep: int, *, flips_ties: bool) -> None:
        """Sort every layer by the one before it, or on odd sweeps by the one after it."""
        count = len(self.layers)
        if sweep % 2 == 0:
            for number in range(1, count):
                self._sort(self.layers[number], self.before, flips_ties=flips_ties)
        else:
            for number in range(count - 2, -1, -1):
                self._sort(self.layers[number], self.after, flips_ties=flips_ties)

    def _restore(self, layers: list[list[int]]) -> None:
        self.layers = [layer.copy() for layer in layers]
        self._number()

    def _swap_neighbours(self) -> None:
        """Swap two items of a layer, one beside the other, wherever that leaves fewer crossings."""
        position = self.position
        for layer in self.layers:
            for place in range(len(layer) - 1):
                upper, lower = layer[place], layer[place + 1]
                gain = 0
                for neighbours in (self.before, self.after):
                    above = [position[each] for each in neighbours[upper]]
                    below = [position[each] for each in neighbours[lower]]
                    gain += sum((a > b) - (a < b) for a in above for b in below)
                if gain > 0:
                    layer[place], layer[place + 1] = lower, upper
                    position[upper], position[lower] = place + 1, place

    def _sort(self, layer: list[int], neighbours: list[list[int]], *, flips_ties: bool) -> None:
        if len(layer) < 2:
            return
        if flips_ties:
            layer.reverse()
        position = self.position
        wish = {
            item: sum(position[each] for each in neighbours[item]) / len(neighbours[item])
            if neighbours[item]
            else float(position[item])
            for item in layer
        }
        layer.sort(key=wish.__getitem__)
        for place, item in enumerate(layer):
            position[item] = place

    def _crossings(self) -> int:
        """Count the pairs of links that cross."""
        crossings = 0
        position = self.position
        for layer in self.layers[:-1]:
            ends = [
                place for item in layer for place in sorted(position[each] for each in self.after[item])
            ]
            if len(ends) > 1:
                crossings += _inversions(ends)
        return crossings

    def coordinates(self) -> tuple[Floats, Floats]:
        """Give each item the place nearest to its neighbours' mean that keeps order and distance."""
        y = np.zeros(self.total)
        offsets = []
        for layer in self.layers:
            offset = self._offsets(layer)
            offsets.append(offset)
            y[layer] = offset - offset[-1] / 2
        heights = y.tolist()
        sweeps = COORDINATE_SWEEPS
        for sweep in range(sweeps):
            forwards = sweep % 2 == 0
            order = range(len(self.layers)) if forwards else range(len(self.layers) - 1, -1, -1)
            for number in order:
                is_last = sweep >= sweeps - 2
                self._settle(self.layers[number], offsets[number].tolist(), heights, forwards, both=is_last)
        y = np.asarray(heights)
        top = (y - self.height / 2).min()
        return self._columns(y), y - top

    def _offsets(self, layer: list[int]) -> Floats:
        """Return the least distances of a layer's items from its first."""
        size = self.skeleton.size
        half = self.height[layer] / 2
        is_bend = np.asarray(layer) >= size
        gap = np.where(is_bend[:-1] | is_bend[1:], BEND_GAP, GAP)
        if len(self.skeleton.group_parent):
            group = np.array([-1 if item >= size else self.skeleton.group[item] for item in layer])
            gap += np.where((group[:-1] != group[1:]) & (gap == GAP), FRAME_GAP, 0.0)
        return np.concatenate([[0.0], np.cumsum(half[:-1] + half[1:] + gap)])

    def _settle(
        self, layer: list[int], offsets: list[float], heights: list[float], forwards: bool, *, both: bool
    ) -> None:
        """Move one layer's items to the least weighted squares of their wishes, in order and apart."""
        size = self.skeleton.size
        wishes, weights = [], []
        is_late = self.is_late
        aside = 1.0 if self.total < LONG else ASIDE
        before, after = (self.before, self.after) if forwards else (self.after, self.before)
        for item, offset in zip(layer, offsets, strict=True):
            neighbours = before[item]
            if both or not neighbours:
                neighbours = neighbours + after[item]
            wish = weight = 0.0
            for each in neighbours:
                aside_pull = aside if is_late[item] or is_late[each] else 1.0
                pull = STRAIGHT if item >= size and each >= size else aside_pull
                wish += pull * heights[each]
                weight += pull
            wishes.append((wish / weight if weight else heights[item]) - offset)
            weights.append(weight or 0.05)
        for item, offset, moved in zip(layer, offsets, _isotonic(wishes, weights), strict=True):
            heights[item] = moved + offset

    def _columns(self, y: Floats) -> Floats:
        """Give each layer an x: wide enough for its widest item, and further apart where wires are steep."""
        count = len(self.layers)
        wide = np.zeros(count)
        np.maximum.at(wide, np.asarray(self.layer), self.width)
        gaps = np.zeros(count)
        for number, layer in enumerate(self.layers[:-1]):
            rise = max(
                (abs(float(y[each] - y[item])) for item in layer for each in self.after[item]), default=0.0
            )
            gaps[number] = min(LAYER_GAP + STEEP * rise, WIDEST_GAP)
        left = np.concatenate([[0.0], np.cumsum(wide + gaps)[:-1]])
        self.left, self.right = left, left + wide
        x: Floats = (left + wide / 2)[np.asarray(self.layer)]
        return x

    def _own_parts(self) -> list[list[int]]:
        """List the items and bends that each wire is drawn along: of a long trunk, one wire draws the whole."""
        furthest: dict[int, int] = {}
        for number, (tail, trunk, _) in enumerate(self.chains):
            if len(trunk) > len(self.chains[furthest.setdefault(tail, number)][1]):
                furthest[tail] = number
        return [
            [trunk[-1], head]
            if len(trunk) > LONG_TRUNK and furthest[tail] != number
            else [tail, *trunk, head]
            for number, (tail, trunk, head) in enumerate(self.chains)
        ]

    def paths(self, x: Floats, y: Floats) -> tuple[Floats, ...]:
        """Draw each segment: level through every layer, and a Bézier curve from layer to layer."""
        origin = [y[trunk[-1] if trunk else tail] for tail, trunk, _ in self.chains]
        ends = entries(self.skeleton, x, y, origin).tolist()
        paths = []
        for number, chain in enumerate(self._own_parts()):
            tail, head = chain[0], chain[-1]
            end_x, end_y = ends[number]
            points = [(x[tail] + self.width[tail] / 2, y[tail])]
            level = points[0][0]  # how far the wire has run level since its last bend
            for first, second in pairwise(chain):
                start, stop = self.right[self.layer[first]], self.left[self.layer[second]]
                arrive = end_y if second == head else y[second]
                level = max(level, start)
                if abs(arrive - points[-1][1]) < LEVEL:
                    level = stop
                    continue
                from_y = points[-1][1]
                points += _line(points[-1], (level, from_y))
                bend = (stop - start) / 2
                points += [(start + bend, from_y), (stop - bend, arrive), (stop, arrive)]
                level = stop
            points += _line(points[-1], (max(level, end_x), end_y))
            paths.append(np.array(points))
        return tuple(paths)


def _line(start: tuple[float, float], stop: tuple[float, float]) -> list[tuple[float, float]]:
    """Return the Bézier points of a straight line after its start; none where it has no length."""
    if abs(start[0] - stop[0]) < 1e-9:
        return []
    third = ((stop[0] - start[0]) / 3, (stop[1] - start[1]) / 3)
    return [(start[0] + third[0], start[1] + third[1]), (stop[0] - third[0], stop[1] - third[1]), stop]


def _inversions(values: list[int]) -> int:
    """Count the pairs that are out of order, by a Fenwick tree."""
    tree = [0] * (max(values) + 2)
    inversions = 0
    for seen, value in enumerate(values):
        smaller, at = 0, value + 1
        while at:
            smaller += tree[at]
            at &= at - 1
        inversions += seen - smaller
        at = value + 1
        while at < len(tree):
            tree[at] += 1
            at += at & -at
    return inversions


def _isotonic(wishes: list[float], weights: list[float]) -> list[float]:
    """Return the non-decreasing sequence nearest to the wishes (pool adjacent violators)."""
    pools: list[list[float]] = []  # mean, weight, count
    for wish, weight in zip(wishes, weights, strict=True):
        mean, total, count = wish, weight, 1.0
        while pools and pools[-1][0] > mean:
            last = pools.pop()
            mean = (mean * total + last[0] * last[1]) / (total + last[1])
            total += last[1]
            count += last[2]
        pools.append([mean, total, count])
    return [mean for mean, _, count in pools for _ in range(int(count))]
