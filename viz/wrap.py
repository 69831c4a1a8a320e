"""Diagram -> rows: a picture wider than a screen is broken like a line of text, where few wires are in the way.

The rows are the narrower the better, but no narrower than leaves the whole picture the shape of a page. A small picture
is broken in several ways, and the one that parts and leaves blank the least is taken. Every row is a Diagram of its
own, which `viz.layout` places.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from viz.breaks import (
    BROUGHT,
    FRAME_APART,
    FULL,
    NAMELESS,
    SPLITTER_APART,
    WHOLE,
    columns,
    rows_of_width,
    tags_at,
)
from viz.rows import CONTINUED, Rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from viz.parts import Box, Diagram
    from viz.skeleton import Floats, Ints

WIDEST = 1_800.0  # a picture up to this wide stays in one row
ROW_WIDTH = 1_230.0  # of what a row holds besides its tags
STRETCHES = (1.0, 1.4, 1.8)  # of that width: the longer a picture is, the wider are its rows
TALLEST = 2.0  # as wide as its rows; with what an engine puts between columns, a page of 4 : 3
# Rows taller than this on average are no lines of text, and wider ones take an engine long.
MOST_OF_ROW = 700.0
ROW_HEAD = 60.0  # what a row takes above and below: its number, and the frames of its calls
MOST_TRIED = 300  # boxes of a picture that is broken in several ways
PARTS = (0.7, 0.8, 0.9, 1.0, 1.1)  # of the usual width, for rows that are tried
FEW = 4  # rows; of more there are as many as rows of the usual width
BLANK = 8.0  # how many tags a row is as bad as that is nearly empty beside the widest one
TOO_WIDE = 40.0  # how many tags a row is as bad as that is twice as wide as a screen
BACK_APART = 4.0  # how many tags more it is as bad as to part what goes back to the next turn
NEVER = 1_000.0  # tags: where no row begins


def wrap(diagram: Diagram) -> tuple[Diagram, ...]:
    """Break a diagram into rows no wider than a screen; one row where it is narrow enough."""
    column, widths, heights = columns(diagram)
    if float(widths.sum()) <= WIDEST:
        return (diagram,)
    for stretch in STRETCHES:
        width = stretch * ROW_WIDTH
        tags = tags_at(diagram, column, widths, width)
        row_of_column = rows_of_width(widths, tags, width)
        height = _height(row_of_column, heights)
        if height <= TALLEST * width or height > MOST_OF_ROW * (int(row_of_column[-1]) + 1):
            break
    usual = _with_first_use(diagram, row_of_column[column].tolist())
    if len(diagram.boxes) > MOST_TRIED:
        return Rows(diagram, usual).make()
    whole = (0,) * len(usual)
    tried = {whole} | {
        tuple(_with_first_use(diagram, each[column].tolist()))
        for each in _tried(diagram, column, widths, width, tags)
    }
    made = {row: Rows(diagram, row).make() for row in sorted(tried) if max(row) <= max(*usual, FEW - 1)}
    back = [(arrow.source, arrow.target) for arrow in diagram.arrows if arrow.is_back]
    widest = max(WIDEST, FULL * width)

    def badness(row: Sequence[int]) -> float:
        turns = sum(row[source] != row[target] for source, target in back)
        return BACK_APART * turns + _badness(made[tuple(row)], widest)

    return made[min(made, key=badness)]


def _tried(diagram: Diagram, column: Ints, widths: Floats, width: float, tags: Floats) -> Iterator[Ints]:
    """Give rows of several widths, with splitters in the row of what they split or in the next.

    Some begin only behind a column with boxes: the label of a wire that is parted stands in its second row, and not in
    the first, where it would be counted.
    """
    ends_in_label = np.append(False, ~np.isin(np.arange(len(widths) - 1), column))
    for cost in (tags, tags_at(diagram, column, widths, width, splitter_apart=1.0)):
        for part in PARTS:
            yield rows_of_width(widths, cost, part * width)
            yield rows_of_width(widths, cost + NEVER * ends_in_label, part * width)


def _badness(rows: Sequence[Diagram], widest: float) -> float:
    """Say how bad some rows are: what they part, what is blank beside the widest one, and whether that is too wide."""
    widths = np.array([float(columns(row)[1].sum()) for row in rows])
    parted = sum(
        NAMELESS if _is_nameless(box) else 1.0 for row in rows for box in row.boxes if box.shape == "leaves"
    )
    parted += SPLITTER_APART * sum(map(_torn, rows))
    frames = sum(group.title.endswith(CONTINUED) for row in rows for group in row.groups)
    blank = 1 - widths / widths.max()
    return float(
        parted
        + FRAME_APART * frames
        + BLANK * (blank**2).sum()
        + TOO_WIDE * max(widths.max() / widest - 1, 0.0)
        + len(rows)
    )


def _torn(row: Diagram) -> int:
    """Count what comes from another row than that of what it belongs to; a splitter may, with all its uses."""
    split = {arrow.source for arrow in row.arrows if row.boxes[arrow.target].shape == "leaves"}
    entering = [arrow.target for arrow in row.arrows if row.boxes[arrow.source].shape == "enters"]
    return sum(
        row.boxes[target].shape in WHOLE and (row.boxes[target].shape != "splitter" or target in split)
        for target in entering
    )


def _is_nameless(tag: Box) -> bool:
    return any(span.text.startswith("#") for line in tag.lines for span in line)


def _height(row_of_column: Ints, heights: Floats) -> float:
    """Estimate how tall a picture of such rows becomes: each is as tall as its tallest column."""
    tallest = np.zeros(int(row_of_column[-1]) + 1)
    np.maximum.at(tallest, row_of_column, heights)
    return float((tallest + ROW_HEAD).sum())


def _with_first_use(diagram: Diagram, row: list[int]) -> list[int]:
    """Bring inputs, their splitters and what is done to one use of an input alone into the row of their first use.

    So with the tags of what a view leaves out, before and behind.
    """
    boxes = diagram.boxes
    is_inputs = [box.shape in BROUGHT for box in boxes]
    first = [max(row)] * len(row)
    for arrow in diagram.arrows:
        source, target = boxes[arrow.source], boxes[arrow.target]
        is_only_use = source.shape == "splitter" and target.shape == "function" and target.wires_in == 1
        if is_inputs[arrow.source] and (is_only_use or target.shape in ("splitter", "broadcast")):
            is_inputs[arrow.target] = True
    filled = {row[at] for at, is_input in enumerate(is_inputs) if not is_input}
    for arrow in sorted(diagram.arrows, key=lambda arrow: arrow.source, reverse=True):
        if is_inputs[arrow.source] and (
            row[arrow.source] in filled or boxes[arrow.source].shape != "function"
        ):
            first[arrow.source] = min(first[arrow.source], row[arrow.target])
            row[arrow.source] = first[arrow.source]
    for arrow in diagram.arrows:
        if boxes[arrow.target].shape == "leaves":  # for what was left out: beside what it is used from
            row[arrow.target] = row[arrow.source]
    used = {end for arrow in diagram.arrows for end in (arrow.source, arrow.target)}
    begin = min((row[at] for at in used), default=0)
    row = [
        at_row if at in used else begin for at, at_row in enumerate(row)
    ]  # what is unused fills no row alone
    left = {each: at for at, each in enumerate(sorted(set(row)))}  # a row may have lost all that it had
    return [left[each] for each in row]
