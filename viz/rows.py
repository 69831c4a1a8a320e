"""A diagram whose boxes are in rows -> the rows, each a Diagram: with tags where a wire goes from one row to another.

A wire that leaves its row ends in a tag with the value's name and the row where it goes on, and begins there with
the same tag; both ends of every arrow are in one row. Used by `viz.wrap`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from viz.parts import Arrow, Box, Diagram, Group, Label, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from viz.theme import Role, State

MANY_TAGS = 3  # of one value; beyond it there is one for each row, which counts
MOST_TAGS = 24  # of one value; beyond it there is one for several rows
CONTINUED = ", continued"
GRAVITY: tuple[State, ...] = (
    "unreached",
    "cut",
    "zero",
    "plain",
    "alarm",
)  # what a shared tag shows: the last


@dataclass(slots=True)
class _Share:
    """The arrows for which one tag stands, and the first and the last row that they go on in."""

    arrows: list[Arrow]
    first: int
    last: int


class Rows:
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
