"""What a placed picture is made of, and how text is set: the vocabulary of `viz.layout`, `viz.legend` and the writers.

All in pixels, y downwards. Nothing here decides anything.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from viz import theme
from viz.text_size import ASCENT, LINE_HEIGHT, text_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from viz.parts import Label, Line, Place, Spark
    from viz.skeleton import Floats
    from viz.theme import MarkKind, Role, Shape, State

TAG_POINT = 9.0  # the tip of a tag


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle: left, top, width and height."""

    x: float
    y: float
    width: float
    height: float

    def moved(self, x: float, y: float) -> Rect:
        """Return the rectangle, moved to the right and down."""
        return Rect(self.x + x, self.y + y, self.width, self.height)


@dataclass(frozen=True, slots=True)
class PlacedText:
    """One line of text: where it starts on its baseline, and its runs with their distance from there."""

    x: float
    baseline: float
    runs: tuple[tuple[float, str, Role], ...]
    width: float
    size: float

    @property
    def rect(self) -> Rect:
        """The room that the line takes."""
        return Rect(self.x, self.baseline - ASCENT * self.size, self.width, LINE_HEIGHT * self.size)

    def moved(self, x: float, y: float) -> PlacedText:
        """Return the line, moved to the right and down."""
        return PlacedText(self.x + x, self.baseline + y, self.runs, self.width, self.size)


@dataclass(frozen=True, slots=True)
class PlacedSpark:
    """A small curve of a number over its runs."""

    rect: Rect
    spark: Spark

    def moved(self, x: float, y: float) -> PlacedSpark:
        """Return the curve, moved to the right and down."""
        return PlacedSpark(self.rect.moved(x, y), self.spark)

    def at(self, place: Place) -> Place:
        """Return a place of the curve in pixels."""
        return self.rect.x + place[0] * self.rect.width, self.rect.y + place[1] * self.rect.height


@dataclass(frozen=True, slots=True)
class PlacedShape:
    """One shape with the text inside it and beside it."""

    shape: Shape
    rect: Rect
    state: State = "plain"
    inside: tuple[PlacedText, ...] = ()
    beside: tuple[PlacedText, ...] = ()
    tooltip: str = ""
    node: int = -1  # what it stands for in what is drawn
    edge: int = -1  # of a tag: the edge that goes on there
    count: int = 1  # how many nodes it stands for
    sparks: tuple[PlacedSpark, ...] = ()
    mark: MarkKind | None = None
    is_calm: bool = False

    def moved(self, x: float, y: float) -> PlacedShape:
        """Return the shape with its text, moved to the right and down."""
        inside = tuple(text.moved(x, y) for text in self.inside)
        beside = tuple(text.moved(x, y) for text in self.beside)
        sparks = tuple(spark.moved(x, y) for spark in self.sparks)
        return replace(self, rect=self.rect.moved(x, y), inside=inside, beside=beside, sparks=sparks)


@dataclass(frozen=True, slots=True)
class PlacedWire:
    """One edge: a Bézier path of (3k + 1, 2) points, an arrowhead or none, and its label."""

    points: Floats
    state: State
    has_arrowhead: bool
    texts: tuple[PlacedText, ...] = ()
    tooltip: str = ""
    is_stub: bool = False  # it goes on in another row
    edge: int = -1  # what it stands for in what is drawn
    sparks: tuple[PlacedSpark, ...] = ()
    turns_at: Place | None = None  # of a wire that goes back: where an arrowhead points to the left
    mark: MarkKind | None = None
    is_calm: bool = False

    def moved(self, x: float, y: float) -> PlacedWire:
        """Return the wire with its label, moved to the right and down."""
        return replace(
            self,
            points=self.points + np.array([x, y]),
            texts=tuple(text.moved(x, y) for text in self.texts),
            sparks=tuple(spark.moved(x, y) for spark in self.sparks),
            turns_at=None if self.turns_at is None else (self.turns_at[0] + x, self.turns_at[1] + y),
        )


@dataclass(frozen=True, slots=True)
class PlacedGroup:
    """The dashed frame of a call."""

    rect: Rect
    title: PlacedText
    number: int = -1  # of the call in what is drawn, which has a frame in each of its rows

    def moved(self, x: float, y: float) -> PlacedGroup:
        """Return the frame with its title, moved to the right and down."""
        return PlacedGroup(self.rect.moved(x, y), self.title.moved(x, y), self.number)


@dataclass(frozen=True, slots=True)
class Geometry:
    """A whole picture, ready to be written in any format; `notes` are lines for the person who asked for it."""

    width: float
    height: float
    title: PlacedText
    shapes: Sequence[PlacedShape]
    wires: Sequence[PlacedWire]
    groups: Sequence[PlacedGroup]
    row_titles: tuple[PlacedText, ...]
    legend: tuple[PlacedShape | PlacedWire | PlacedText, ...]
    notes: tuple[str, ...] = ()
    has_ways_back: bool = False  # to the next turn
    has_turn_tags: bool = False  # of values that go on in the next turn


@lru_cache(maxsize=65_536)  # each is asked for by the rows, by the layout and when it is set
def _span_width(text: str, role: Role) -> float:
    style = theme.TEXT[role]
    return text_width(text, style.size, bold=style.bold)


def line_height(line: Line) -> float:
    """Return the height of a line of text."""
    return LINE_HEIGHT * _line_size(line)[1]


def _line_size(line: Line) -> tuple[float, float]:
    """Return the width of a line of text, and its largest font size."""
    width = size = 0.0
    for span in line:
        width += _span_width(span.text, span.role)
        size = max(size, theme.TEXT[span.role].size)
    return width, size


def set_line(line: Line, x: float, top: float) -> PlacedText:
    """Place a line of text by its left upper corner."""
    runs, width, size = _runs(line)
    return PlacedText(x, top + ASCENT * size, runs, width, size)


def _runs(line: Line) -> tuple[tuple[tuple[float, str, Role], ...], float, float]:
    """Return the runs of a line, its width, and its largest font size."""
    runs = []
    width = size = 0.0
    for span in line:
        runs.append((width, span.text, span.role))
        width += _span_width(span.text, span.role)
        size = max(size, theme.TEXT[span.role].size)
    return tuple(runs), width, size


def stack(lines: Sequence[Line], centre: float, top: float) -> tuple[PlacedText, ...]:
    """Place lines of text one below the other around a centre."""
    placed = []
    for line in lines:
        runs, width, size = _runs(line)
        placed.append(PlacedText(centre - width / 2, top + ASCENT * size, runs, width, size))
        top += LINE_HEIGHT * size
    return tuple(placed)


def set_spark(
    label: Label, centre: float, top: float
) -> tuple[tuple[PlacedText, ...], tuple[PlacedSpark, ...]]:
    """Place a label's curve around a centre, with its scale at its right: the largest above, the smallest below."""
    if label.spark is None:
        return (), ()
    width, height = label.spark.size
    scale_width, scale_height = block(label.spark.scale)
    height = max(height, scale_height)
    left, top = centre - (width + theme.SCALE_GAP + scale_width) / 2, top + theme.SPARK_GAP
    texts = []
    for line, at in zip(label.spark.scale, (top, top + height - scale_height / 2), strict=False):
        texts.append(set_line(line, left + width + theme.SCALE_GAP, at))
    return tuple(texts), (PlacedSpark(Rect(left, top, width, height), label.spark),)


def block(lines: Sequence[Line]) -> tuple[float, float]:
    """Return the size of a stack of lines."""
    width = height = 0.0
    for line in lines:
        line_width, size = _line_size(line)
        width = max(width, line_width)
        height += LINE_HEIGHT * size
    return width, height


def corners(shape: PlacedShape) -> list[tuple[float, float]]:
    """Return the corners of a splitter, or of a tag, which points the way that the wire goes."""
    rect = shape.rect
    left, top, right, bottom = rect.x, rect.y, rect.x + rect.width, rect.y + rect.height
    middle_x, middle_y = rect.x + rect.width / 2, rect.y + rect.height / 2
    if shape.shape == "leaves":
        tip = right - TAG_POINT
        return [(left, top), (tip, top), (right, middle_y), (tip, bottom), (left, bottom)]
    if shape.shape == "enters":
        notch = left + TAG_POINT
        return [(left, top), (right, top), (right, bottom), (left, bottom), (notch, middle_y)]
    return [(left, middle_y), (middle_x, top), (right, middle_y), (middle_x, bottom)]


def arrowhead(wire: PlacedWire) -> tuple[list[list[float]], list[tuple[float, float]]]:
    """Return a wire's path without the room of its arrowhead, and the head's corners (none where it has no head)."""
    points: list[list[float]] = wire.points.tolist()  # Python's own numbers are faster than short arrays
    if not wire.has_arrowhead:
        return points, []
    x, y = points[-1]
    before = next((point for point in points[-2::-1] if math.dist(point, (x, y)) > 1), [x - 1, y])
    length = math.dist((x, y), before)
    along, down = (x - before[0]) / length, (y - before[1]) / length
    back_x, back_y = x - theme.ARROW_LENGTH * along, y - theme.ARROW_LENGTH * down
    half = theme.ARROW_WIDTH / 2 + (theme.wire(wire.state, wire.mark).width - 1)
    points[-1] = [back_x + along, back_y + down]
    left, right = (
        (back_x - half * down, back_y + half * along),
        (back_x + half * down, back_y - half * along),
    )
    return points, [(x, y), left, right]


def turn_head(wire: PlacedWire) -> list[tuple[float, float]]:
    """Return the corners of the arrowhead with which a wire goes back to the left; none for others."""
    if wire.turns_at is None:
        return []
    x, y = wire.turns_at
    half = theme.ARROW_WIDTH / 2 + (theme.WIRE[wire.state].width - 1)
    return [(x, y), (x + theme.ARROW_LENGTH, y - half), (x + theme.ARROW_LENGTH, y + half)]


def left_side(shape: Shape, rect: Rect, y: float) -> float:
    """Return where a shape's left side is at a height; a gate's is round."""
    if shape != "function":
        return rect.x
    step = (y - rect.y - rect.height / 2) / (rect.height / 2)
    return rect.x + rect.width / 2 * (1 - math.sqrt(max(0.0, 1 - step * step)))
