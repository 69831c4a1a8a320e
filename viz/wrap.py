"""Diagram -> rows: a picture wider than a screen is broken like a line of text, where few wires are in the way.

The rows are the narrower the better, but no narrower than leaves the whole picture the shape of a page.

A wire that leaves its row ends in a tag with the value's name and the row where it goes on, and begins there with
the same tag. Every row is a Diagram of its own, which `viz.layout` places; both ends of every arrow are in one row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from viz.parts import Arrow, Box, Diagram, Group, Label, Span
from viz.sizes import item_size, label_size
from viz.skeleton import pulled_ranks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from viz.skeleton import Floats, Ints
    from viz.theme import Role, State

WIDEST = 1_800.0  # a picture up to this wide stays in one row
ROW_WIDTH = 1_230.0  # of what a row holds besides its tags
FULL = 1.16  # of that width: no row holds more
STRETCHES = (1.0, 1.4, 1.8)  # of that width: the longer a picture is, the wider are its rows
TALLEST = 2.0  # as wide as its rows; with what an engine puts between columns, a page of 4 : 3
MOST_OF_ROW = (
    700.0  # rows taller than this on average are no lines of text, and wider ones take an engine long
)
ROW_HEAD = 60.0  # what a row takes above and below: its number, and the frames of its calls
COLUMN_GAP = 30.0  # between the columns of a layout
ITEM_GAP = 16.0  # between what stands in a column
RAGGED = 3.0  # how many tags an empty row is as bad as
OVERFULL = 4.0  # how much worse a row too full is than one too empty
BROUGHT = ("input", "enters")  # what comes from nothing in the picture stands where it is used
NAMELESS = 1.25  # a tag with a number reads less well than one with a name
FRAME_APART = 1.5  # how many tags it is as bad as to part the frame of a call
MANY_TAGS = 3  # of one value; beyond it there is one for each row, which counts
MOST_TAGS = 24  # of one value; beyond it there is one for several rows
GRAVITY: tuple[State, ...] = (
    "unreached",
    "cut",
    "zero",
    "plain",
    "alarm",
)  # what a shared tag shows: the last
NEVER = 1_000.0
MOST_TRIED = 300  # boxes of a picture that is broken in several ways, of which the best is taken
FEW = 4  # rows; of more there are as many as rows of the usual width
PARTS = (0.7, 0.8, 0.9, 1.0, 1.1)
BLANK = 8.0  # how many tags a row is as bad as that is nearly empty beside the widest one
TOO_WIDE = 40.0  # how many tags a row is as bad as that is twice as wide as a screen
WHOLE = ("splitter", "broadcast", "cut", "output")  # what is not parted from what it belongs to
CONTINUED = ", continued"
SPLITTER_APART = 4.0  # how many tags it is as bad as to part a splitter from what it splits


def wrap(diagram: Diagram) -> tuple[Diagram, ...]:
    """Break a diagram into rows no wider than a screen; one row where it is narrow enough."""
    column, widths, heights = _columns(diagram)
    if float(widths.sum()) <= WIDEST:
        return (diagram,)
    for stretch in STRETCHES:
        width = stretch * ROW_WIDTH
        tags = _tags_at(diagram, column, widths, width)
        row_of_column = _row_of_column(widths, tags, width)
        height = _height(row_of_column, heights)
        if height <= TALLEST * width or height > MOST_OF_ROW * (int(row_of_column[-1]) + 1):
            break
    usual = _with_first_use(diagram, row_of_column[column].tolist())
    if len(diagram.boxes) > MOST_TRIED:
        return _Rows(diagram, usual).make()
    costs = [tags, _tags_at(diagram, column, widths, width, splitter_apart=1.0)]
    costs += [
        each + NEVER * ~np.insert(np.isin(np.arange(len(widths) - 1), column), 0, True) for each in costs
    ]
    tried = [_row_of_column(widths, each, part * width) for each in costs for part in PARTS]
    rows = {tuple(_with_first_use(diagram, each[column].tolist())) for each in tried}
    most = max(*usual, FEW - 1)
    made = [(diagram,), *(_Rows(diagram, each).make() for each in sorted(rows) if max(each) <= most)]
    return min(made, key=lambda rows: _badness(rows, max(WIDEST, FULL * width)))


def _badness(rows: Sequence[Diagram], widest: float) -> float:
    """Say how bad some rows are: what they part, what is blank beside the widest one, and whether that is too wide."""
    widths = np.array([float(_columns(row)[1].sum()) for row in rows])
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


def _columns(diagram: Diagram) -> tuple[Ints, Floats, Floats]:
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


def _tags_at(
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


def _row_of_column(widths: Floats, tags: Floats, row_width: float) -> Ints:
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


def _raggedness(width: float) -> float:
    """Say how bad it is to fill a row to so much of its width: to leave part of it empty, or to go beyond."""
    left = 1 - width
    return RAGGED * left**2 * (1.0 if left > 0 else OVERFULL)


@dataclass(slots=True)
class _Share:
    """The arrows for which one tag stands, and the first and the last row that they go on in."""

    arrows: list[Arrow]
    first: int
    last: int


class _Rows:
    """Puts boxes and arrows into rows, and tags where a wire goes from one row to another."""

    def __init__(self, diagram: Diagram, row: Sequence[int]) -> None:
        self.diagram = diagram
        self.row = row
        count = max(row) + 1
        self.boxes: list[list[Box]] = [[] for _ in range(count)]
        self.arrows: list[list[Arrow]] = [[] for _ in range(count)]
        self.groups: list[list[Group]] = [[] for _ in range(count)]
        self.group_numbers: list[dict[int, int]] = [{} for _ in range(count)]
        self.first_row = self._first_rows()
        self.fork_source = {
            arrow.target: arrow.source
            for arrow in diagram.arrows
            if diagram.boxes[arrow.target].shape == "splitter"
        }
        self.names: dict[int, str] = {}
        self.taken: set[str] = set()
        self.shares = self._shares_by_row()
        self.counts: dict[str, int] = {}  # how many values have had a number, by name

    def make(self) -> tuple[Diagram, ...]:
        """Return the rows."""
        place = [self._put(box, row) for box, row in zip(self.diagram.boxes, self.row, strict=True)]
        for arrow in self.diagram.arrows:
            source, target = place[arrow.source], place[arrow.target]
            start, stop = self.row[arrow.source], self.row[arrow.target]
            if start == stop:
                self.arrows[start].append(replace(arrow, source=source, target=target))
            else:
                name = self._name(arrow.source)
                placed = replace(arrow, source=source, target=target)
                self._part(placed, name, start, stop, self._share(arrow, stop))
        return tuple(
            replace(self.diagram, boxes=tuple(boxes), arrows=tuple(arrows), groups=tuple(groups))
            for boxes, arrows, groups in zip(self.boxes, self.arrows, self.groups, strict=True)
        )

    def _first_rows(self) -> list[int]:
        """Return the first row of each group, which may hold what was done late: boxes come in execution order."""
        parents = [group.parent for group in self.diagram.groups]
        first = [len(self.boxes)] * len(parents)
        for box, row in zip(self.diagram.boxes, self.row, strict=True):
            if box.group >= 0:
                first[box.group] = min(first[box.group], row)
        for group in range(len(parents) - 1, -1, -1):  # inner groups have the higher numbers
            if parents[group] >= 0:
                first[parents[group]] = min(first[parents[group]], first[group])
        return first

    def _put(self, box: Box, row: int) -> int:
        """Add a box to a row and return its place there."""
        group = self._group(box.group, row)
        self.boxes[row].append(box if group == box.group else replace(box, group=group))
        return len(self.boxes[row]) - 1

    def _shares_by_row(self) -> dict[tuple[int, int], _Share]:
        """Say for which arrows one tag stands, by the box that they leave and the first row that they go on in.

        Only of values with many uses; those that are marked have tags of their own.
        """
        by_row: dict[int, dict[int, list[Arrow]]] = {}  # by box and row
        for arrow in self.diagram.arrows:
            stop = self.row[arrow.target]
            if self.row[arrow.source] != stop and arrow.mark is None:
                by_row.setdefault(arrow.source, {}).setdefault(stop, []).append(arrow)
        shares: dict[tuple[int, int], _Share] = {}
        for source, rows in by_row.items():
            if sum(map(len, rows.values())) <= MANY_TAGS:
                continue
            stops, lot = sorted(rows), -(-len(rows) // MOST_TAGS)
            for at in range(0, len(stops), lot):
                together = stops[at : at + lot]
                share = _Share(
                    [arrow for stop in together for arrow in rows[stop]], together[0], together[-1]
                )
                shares |= {(source, stop): share for stop in together}
        return shares

    def _share(self, arrow: Arrow, stop: int) -> _Share:
        """Return for which arrows one tag stands that leads to an arrow's row: none where there is one already."""
        share = None if arrow.mark is not None else self.shares.get((arrow.source, stop))
        if share is None:
            return _Share([arrow], stop, stop)
        arrows, share.arrows = share.arrows, []
        return _Share(arrows, share.first, share.last)

    def _part(self, arrow: Arrow, name: str, start: int, stop: int, share: _Share) -> None:
        """Draw an arrow in two rows: to a tag in the first, and from a tag to its end in the second."""
        if share.arrows:
            self._leave(_shared(arrow, share.arrows), name, start, share)
        enters = replace(
            _tag(arrow),
            shape="enters",
            lines=((Span(f"row {start + 1}  ", "quiet"), Span(name, _role(arrow))),),
        )
        self.boxes[stop].append(replace(enters, group=self.boxes[stop][arrow.target].group))
        entering = replace(arrow, source=len(self.boxes[stop]) - 1, from_splitter=False, is_back=False)
        self.arrows[stop].append(entering)

    def _leave(self, arrow: Arrow, name: str, start: int, share: _Share) -> None:
        """Draw the stub from a box to the tag by which some arrows leave its row."""
        count = len(share.arrows)
        times = f"  ×{count:,}" if count > 1 else ""
        is_one = share.first == share.last
        where = f"row {share.last + 1}" if is_one else f"rows {share.first + 1} to {share.last + 1}"
        line = (Span(name, _role(arrow)), Span(f"{times}  {where}", "quiet"))
        group = self.boxes[start][arrow.source].group
        self.boxes[start].append(replace(_tag(arrow), lines=(line,), group=group))
        stub = replace(arrow, target=len(self.boxes[start]) - 1, label=Label(), operand="", is_back=False)
        self.arrows[start].append(stub)

    def _group(self, group: int, row: int) -> int:
        """Return the number that a group has in a row; a call that goes on there has a frame in both."""
        if group < 0:
            return -1
        numbers = self.group_numbers[row]
        if group not in numbers:
            whole = self.diagram.groups[group]
            parent = self._group(whole.parent, row)
            numbers[group] = len(self.groups[row])
            title = whole.title + CONTINUED if row > self.first_row[group] else whole.title
            self.groups[row].append(Group(title, parent, group))
        return numbers[group]

    def _name(self, box: int) -> str:
        """Return the name of a value on its tags, which no other value has; all that a splitter copies is one value."""
        while box in self.fork_source:
            box = self.fork_source[box]
        if box not in self.names:
            given = name = self.diagram.boxes[box].name
            while not name or name in self.taken:
                self.counts[given] = self.counts.get(given, 0) + 1
                name = f"{given} #{self.counts[given]}".lstrip()
            self.taken.add(name)
            self.names[box] = name
        return self.names[box]


def _shared(arrow: Arrow, share: Sequence[Arrow]) -> Arrow:
    """Return what stands for several arrows: the worst of them is seen."""
    if len(share) == 1:
        return arrow
    worst = max((each.state for each in share), key=GRAVITY.index)
    is_calm = all(each.is_calm for each in share)
    return replace(arrow, state=worst, is_calm=is_calm, edge=-1, tooltip="")


def _tag(arrow: Arrow) -> Box:
    """Return the tag of a wire without its text."""
    state: State = "unreached" if arrow.state == "unreached" else "plain"
    return Box(
        "leaves",
        state=state,
        tooltip=arrow.tooltip,
        edge=arrow.edge,
        mark=arrow.mark,
        is_calm=arrow.is_calm,
    )


def _role(arrow: Arrow) -> Role:
    return "quiet" if arrow.state == "unreached" else "name"
