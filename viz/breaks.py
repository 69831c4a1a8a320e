"""Where rows may begin: the columns of a picture, how bad it is to part it before each, and rows of about a width.

Used by `viz.wrap`, which chooses among such rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from viz.sizes import item_size, label_size
from viz.skeleton import pulled_ranks

if TYPE_CHECKING:
    from viz.parts import Diagram
    from viz.skeleton import Floats, Ints

FULL = 1.16  # of the width of a row: none holds more
COLUMN_GAP = 30.0  # between the columns of a layout
ITEM_GAP = 16.0  # between what stands in a column
RAGGED = 3.0  # how many tags an empty row is as bad as
OVERFULL = 4.0  # how much worse a row too full is than one too empty
BROUGHT = ("input", "enters")  # what comes from nothing in the picture stands where it is used
NAMELESS = 1.25  # a tag with a number reads less well than one with a name
FRAME_APART = 1.5  # how many tags it is as bad as to part the frame of a call
WHOLE = ("splitter", "broadcast", "cut", "output")  # what is not parted from what it belongs to
SPLITTER_APART = 4.0  # how many tags it is as bad as to part those


def columns(diagram: Diagram) -> tuple[Ints, Floats, Floats]:
    """Say which column each box is in, and how wide and tall each is; labels of wires have columns of their own."""
    boxes, arrows = diagram.boxes, [arrow for arrow in diagram.arrows if not arrow.is_back]
    count = len(boxes)
    labelled = [at for at, arrow in enumerate(arrows) if not arrow.label.is_empty]
    source = np.array([arrow.source for arrow in arrows], np.int64)
    target = np.array([arrow.target for arrow in arrows], np.int64)
    item = np.full(len(arrows), -1, np.int64)
    item[labelled] = np.arange(count, count + len(labelled))
    plain = item < 0
    tail = np.concatenate([source[plain], source[~plain], item[~plain]])
    head = np.concatenate([target[plain], item[~plain], target[~plain]])
    movable = np.array(
        [box.shape in BROUGHT for box in boxes] + [arrows[at].from_splitter for at in labelled], np.bool_
    )
    column = pulled_ranks(len(movable), tail, head, movable)
    sizes = [item_size(box) for box in boxes] + [label_size(arrows[at].label) for at in labelled]
    width, height = np.array(sizes).reshape(-1, 2).T
    widths = np.zeros(int(column.max(initial=-1)) + 1)
    heights = widths.copy()
    np.maximum.at(widths, column, width + COLUMN_GAP)
    np.add.at(heights, column, height + ITEM_GAP)
    return column[:count], widths, heights


def tags_at(
    diagram: Diagram, column: Ints, widths: Floats, row_width: float, splitter_apart: float = SPLITTER_APART
) -> Floats:
    """Say how bad it is to begin a row at each column: by the wires that would be parted there.

    A wire longer than a row is parted wherever the rows begin.
    """
    columns = len(widths)
    ends = np.concatenate([[0.0], np.cumsum(widths)]).tolist()
    cost = np.zeros(columns + 1)
    for arrow in diagram.arrows:
        source, target = diagram.boxes[arrow.source], diagram.boxes[arrow.target]
        first, last = sorted((column[arrow.source], column[arrow.target]))
        if ends[last] - ends[first] > FULL * row_width:
            continue
        weight = 1.0 if source.name else NAMELESS
        if target.shape in WHOLE:
            weight = splitter_apart if target.shape == "splitter" else SPLITTER_APART
        cost[first + 1] += weight
        cost[last + 1] -= weight
    for first, last in _spans(diagram, column):
        cost[first + 1] += FRAME_APART
        cost[last + 1] -= FRAME_APART
    return np.cumsum(cost)[:columns]


def rows_of_width(widths: Floats, tags: Floats, row_width: float) -> Ints:
    """Break the columns into rows of about a width, of the least cost: tags, and width left over."""
    columns = len(widths)
    ends = np.concatenate([[0.0], np.cumsum(widths)]).tolist()
    cost = tags.tolist()
    best = [0.0] * (columns + 1)  # of all rows before a column
    begin = [0] * (columns + 1)
    first = 0
    for stop in range(1, columns + 1):
        while ends[stop] - ends[first] > FULL * row_width and first < stop - 1:
            first += 1
        best[stop], begin[stop] = min(
            (best[start] + cost[start] + _raggedness((ends[stop] - ends[start]) / row_width), start)
            for start in range(first, stop)
        )
    rows = np.zeros(columns, np.int64)
    stop = columns
    while stop:
        rows[begin[stop]] = 1
        stop = begin[stop]
    return np.cumsum(rows) - 1


def _spans(diagram: Diagram, column: Ints) -> list[tuple[int, int]]:
    """Return the first and the last column of each group, with the groups inside it."""
    parents = [group.parent for group in diagram.groups]
    spans: list[list[int]] = [[] for _ in parents]
    for box, at in zip(diagram.boxes, column.tolist(), strict=True):
        if box.group >= 0:
            spans[box.group].append(at)
    for group in range(len(parents) - 1, -1, -1):  # inner groups have the higher numbers
        spans[group] = [min(spans[group]), max(spans[group])]
        if parents[group] >= 0:
            spans[parents[group]] += spans[group]
    return [(first, last) for first, last in spans]


def _raggedness(width: float) -> float:
    """Say how bad it is to fill a row to so much of its width: to leave part of it empty, or to go beyond."""
    left = 1 - width
    return RAGGED * left**2 * (1.0 if left > 0 else OVERFULL)
