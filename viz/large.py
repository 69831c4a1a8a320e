"""The Geometry of a picture of tens of thousands of boxes: one layout for all rows, and nothing set before it is drawn.

A shape or a wire with its text is a thousand bytes. Rows keep numbers, and make their shapes and wires each time that
a writer comes to them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

import numpy as np

from viz import bulk
from viz.composing import compose
from viz.engines import LARGE
from viz.frames import frames, without_crowds
from viz.reading_order import inverted
from viz.setting import numbered, set_groups, set_shapes, set_wires, skeleton_of
from viz.skeleton import Placement
from viz.wrap import wrap

if TYPE_CHECKING:
    from viz.bulk import PlacedRow
    from viz.composing import Bounds, Parts
    from viz.geometry import Geometry, PlacedGroup, PlacedShape, PlacedWire
    from viz.parts import Diagram


T = TypeVar("T")


class OnDemand(Sequence[T], Generic[T]):
    """Parts of a picture, made row by row as they are looked at."""

    def __init__(self, counts: Sequence[int], make: Callable[[int], Sequence[T]]) -> None:
        self._first = [0, *accumulate(counts)]
        self._make = make

    def __len__(self) -> int:
        return self._first[-1]

    def __iter__(self) -> Iterator[T]:
        for row in range(len(self._first) - 1):
            yield from self._make(row)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return tuple(self[at] for at in range(*index.indices(len(self))))
        at = range(len(self))[index]
        row = bisect_right(self._first, at) - 1
        return self._make(row)[at - self._first[row]]


@dataclass(frozen=True, slots=True)
class _Row:
    """What one row says, and where its parts are."""

    diagram: Diagram
    label_items: list[int]
    place: PlacedRow
    groups: tuple[tuple[float, float, float, float] | None, ...]

    def moved(self, x: float, y: float) -> _Row:
        groups = tuple(box and (box[0] + x, box[1] + y, *box[2:]) for box in self.groups)
        return _Row(self.diagram, self.label_items, self.place.moved(x, y), groups)

    def bounds(self) -> Bounds:
        """Return left, top, right and bottom of all items, bends and frames."""
        place, size = self.place, self.place.skeleton.size
        x, y = place.x, place.y[:size]
        across, down = place.skeleton.width / 2, place.skeleton.height / 2
        boxes = [
            (left, top, left + wide, top + tall) for left, top, wide, tall in filter(None, self.groups)
        ]
        boxes.append(((x - across).min(), (y - down).min(), (x + across).max(), (y + down).max()))
        boxes.append((x.min(), place.y.min(), x.max(), place.y.max()))
        left_top, right_bottom = np.min(boxes, axis=0)[:2], np.max(boxes, axis=0)[2:]
        return (*left_top.tolist(), *right_bottom.tolist())

    def placement(self, *, has_paths: bool = False) -> Placement:
        place = self.place
        paths = place.paths() if has_paths else ()
        return Placement(place.x, place.y[: place.skeleton.size], paths, self.groups)

    def shapes(self) -> tuple[PlacedShape, ...]:
        return set_shapes(self.diagram, self.place.skeleton, self.placement())

    def wires(self) -> tuple[PlacedWire, ...]:
        placement = self.placement(has_paths=True)
        found = set_wires(self.diagram, self.place.skeleton, placement, self.label_items)
        return tuple(wire for wire in found if wire is not None)

    def frames(self) -> tuple[PlacedGroup, ...]:
        return set_groups(self.diagram, self.placement())


def is_large(diagram: Diagram) -> bool:
    """Whether a diagram has more boxes than an engine places in time, and is that of an exact graph."""
    return len(diagram.boxes) > LARGE and not diagram.is_rolled


def geometry(diagram: Diagram) -> Geometry:
    """Place a diagram; nothing in it goes back."""
    broken, left_out = without_crowds(wrap(diagram))
    rows = [_Row(*row) for row in _placed(broken)]
    bounds = [row.bounds() for row in rows]
    note = (
        f"{len(diagram.boxes):,} boxes are too many for a layout engine: placed row by row in the order of execution, "
        "and no crossings counted"
    )

    def parts(moves: Sequence[tuple[float, float]]) -> Parts:
        placed = [row.moved(*move) for row, move in zip(rows, moves, strict=True)]
        return (
            OnDemand([len(row.diagram.boxes) for row in placed], lambda at: placed[at].shapes()),
            OnDemand([len(row.diagram.arrows) for row in placed], lambda at: placed[at].wires()),
            tuple(group for row in placed for group in row.frames()),
        )

    return compose(diagram, bounds, parts, (note, *left_out))


def _placed(rows: Sequence[Diagram]) -> list[tuple[Diagram, list[int], PlacedRow, Any]]:
    """Place all rows, and say at wires which operand they are where that is not seen."""
    shown = list(rows)
    tasks = [skeleton_of(row) for row in shown]
    told: list[set[int]] = [set() for _ in rows]
    while True:
        places = bulk.place([skeleton for skeleton, _ in tasks])
        is_clear = True
        for at, (place, (skeleton, _)) in enumerate(zip(places, tasks, strict=True)):
            unclear = inverted(skeleton, place.y) - told[at]
            if unclear:
                is_clear = False
                told[at] |= unclear
                shown[at] = numbered(rows[at], told[at])
                tasks[at] = skeleton_of(shown[at])
        if is_clear:
            break
    return [
        (row, label_items, place, frames(place.skeleton, place.x, place.y[: place.skeleton.size]))
        for row, (_, label_items), place in zip(shown, tasks, places, strict=True)
    ]
