"""What a layout engine is asked and what it answers: sizes and segments in, places and curves out, no text.

`viz.layout` makes a Skeleton from a Diagram; `viz.layered` and `viz.engines` answer with a Placement.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Skeleton:
    """Items to place from left to right, and the segments between them.

    An item is a shape or the label of a wire, which passes through its middle: so labels get room of their own,
    and no wire runs through another wire's label. Sizes are in pixels.
    """

    boxes: int  # items before this one are shapes, the others labels of wires
    width: Floats
    height: Floats
    tail: Ints
    head: Ints
    is_gate: Flags  # an ellipse: wires enter all along its left side, not only at its middle
    mouth: Floats  # the height over which wires enter an item: a gate's, without its caption; else 0
    is_ordered: Flags  # wires enter from top to bottom in the order of the segments
    is_late: Flags  # a label that belongs beside its segment's head rather than its tail
    is_source: Flags  # may move right, to its first use
    group: Ints  # the innermost group that an item belongs to, or -1
    group_parent: Ints
    group_title: Floats  # (groups, 2): the room that each group's title needs

    @property
    def size(self) -> int:
        """Count the items."""
        return len(self.width)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where everything is, in pixels, y downwards: centres of items, and one Bézier path per segment."""

    x: Floats
    y: Floats
    paths: tuple[Floats, ...]  # each (3k + 1, 2), from the tail's right side to the head's left side
    group_boxes: tuple[tuple[float, float, float, float] | None, ...]  # left, top, width, height


def ranks(size: int, tail: Ints, head: Ints) -> list[int]:
    """Return each item's longest distance from an item that nothing flows into; no recursion."""
    waiting = np.bincount(head, minlength=size).tolist()
    order = np.argsort(tail, kind="stable")
    heads = head[order].tolist()
    first = np.searchsorted(tail[order], np.arange(size + 1)).tolist()
    rank = [0] * size
    ready = [item for item in range(size) if not waiting[item]]
    for item in ready:
        below = rank[item] + 1
        for target in heads[first[item] : first[item + 1]]:
            rank[target] = max(rank[target], below)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    return rank


def pulled_ranks(size: int, tail: Ints, head: Ints, may_move: Flags) -> Ints:
    """Rank items by their longest path, and pull what may move, and all that only follows it, to its first use."""
    rank = ranks(size, tail, head)
    heads_of: list[list[int]] = [[] for _ in range(size)]
    tails_of: list[list[int]] = [[] for _ in range(size)]
    for source, target in zip(tail.tolist(), head.tolist(), strict=True):
        heads_of[source].append(target)
        tails_of[target].append(source)
    movable = may_move.tolist()
    forwards = sorted(range(size), key=rank.__getitem__)
    for item in forwards:
        if tails_of[item] and all(
            movable[source] and len(heads_of[source]) == 1 for source in tails_of[item]
        ):
            movable[item] = True
    for item in reversed(forwards):
        if movable[item] and heads_of[item]:
            rank[item] = min(rank[target] for target in heads_of[item]) - 1
    return np.asarray(rank, np.int64) - min(rank, default=0)
