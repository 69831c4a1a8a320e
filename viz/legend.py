"""The legend below a picture: what is in this picture, and nothing that isn't."""

from __future__ import annotations

import re
import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tracer.numbers_text import DIGITS
from viz import theme
from viz.geometry import PlacedShape, PlacedSpark, PlacedText, PlacedWire, Rect, line_height, set_line
from viz.marks import ROLE
from viz.parts import Span, Spark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from viz.parts import Diagram, Line, Mark
    from viz.theme import Shape, State

LEAST_WIDTH = 620.0
SAMPLE_WIDTH = 34.0
SAMPLE_HEIGHT = 20.0
COLUMN_GAP = 22.0
ROW_GAP = 5.0
LEAST_LETTERS = 40  # of a line of text that is broken
WHOLE = 800.0  # texts up to so wide stand in one line

Entry = PlacedShape | PlacedWire | PlacedText


TERMS = {  # how the words for when a use was are read: t = 24, turn 24, run 24
    r"\w+ = −?[\d,]*\d(?=[:,)])": "what the use in that turn of its loop adds",
    r"\bturn [\d,]*\d": "what the use in that turn of its loop adds, counted from 0",
    r"\brun [\d,]*\d": "what the use in that run of its gate adds, counted from 0",
}
TIMES = re.compile(r" *×([\d,]+)")

FRACTION = re.compile(r"\d+\.\d+")

# Where there is a cut, too, its ways may be what is small: by the presence of one
_UNREACHED = ("the output does not depend on it", "no gradient comes back")


def legend(
    diagram: Diagram,
    width: float,
    *,
    has_rows: bool = False,
    has_ways_back: bool = True,
    has_turn_tags: bool = False,
) -> tuple[list[Entry], tuple[float, float]]:
    """Place the legend's entries in rows within a width; also the size that they take.

    What goes back to the next turn does so by wires, by tags or both.
    """
    placed: list[Entry] = []
    x = y = widest = 0.0
    entries = _entries(diagram, has_rows=has_rows, has_ways_back=has_ways_back, has_turn_tags=has_turn_tags)
    for sample, line in entries:
        indent = SAMPLE_WIDTH + 6 if sample else 0.0
        first, *more = _wrapped(line, max(width - indent, WHOLE))
        text = set_line(first, 0, (SAMPLE_HEIGHT - line_height(first)) / 2)
        if x and x + indent + text.width > width:
            x, y = 0.0, y + SAMPLE_HEIGHT + ROW_GAP
        placed += [entry.moved(x, y) for entry in sample]
        placed.append(text.moved(x + indent, y))
        widest = max(widest, x + indent + text.width)
        for each in more:
            y += line_height(each)
            placed.append(set_line(each, x + indent, y + (SAMPLE_HEIGHT - line_height(each)) / 2))
        x = width if more else x + indent + text.width + COLUMN_GAP  # nothing stands beside two lines
    return placed, (widest, y + SAMPLE_HEIGHT)


def _wrapped(line: Line, width: float) -> list[Line]:
    """Break the last run of a line, its text, into lines of about a width."""
    whole = set_line(line, 0, 0).width
    if whole <= width:
        return [line]
    *before, last = line
    letters = max(int(len(last.text) * width / whole), LEAST_LETTERS)
    first, *more = textwrap.wrap(last.text, letters, drop_whitespace=False, break_long_words=False)
    return [
        (*before, Span(first.rstrip(), last.role)),
        *((Span(each.strip(), last.role),) for each in more),
    ]


def _entries(
    diagram: Diagram, *, has_rows: bool, has_ways_back: bool, has_turn_tags: bool
) -> list[tuple[list[PlacedShape | PlacedWire], Line]]:
    """List what the picture holds: a sample and its meaning."""
    shapes = {box.shape for box in diagram.boxes}
    states = {arrow.state for arrow in diagram.arrows}
    entries = _numbers(diagram, has_operations="function" in shapes)
    if "splitter" in shapes:
        what = Span("splitter: one value, several uses; ", "quiet")
        line = (what, Span("Σ", "working"), Span(" gradients add up", "quiet"))
        entries.append(([_shape("splitter", theme.FORK_SIZE)], line))
    if "broadcast" in shapes:
        line = (
            Span("broadcast: copies along an axis; ", "quiet"),
            Span("Σ", "working"),
            Span(" over them", "quiet"),
        )
        entries.append(([_shape("broadcast", theme.FORK_SIZE)], line))
    if "cut" in shapes:
        entries.append(
            ([_wire("cut"), _shape("cut", theme.CUT_SIZE)], (Span("cut: no gradient beyond", "quiet"),))
        )
    if "zero" in states:
        entries.append(([_wire("zero")], (Span("gradient is zero", "quiet"),)))
    if "unreached" in states:
        entries.append(
            ([_wire("unreached")], (Span(f"small, grey: {_UNREACHED['cut' in shapes]}", "quiet"),))
        )
    if "alarm" in states:
        entries.append(([_wire("alarm")], (Span("⚠", "alarm"), Span(" not finite", "quiet"))))
    if has_rows:
        entries.append(([_tag("leaves")], (Span("goes on in the row that it names", "quiet"),)))
        entries.append(([_tag("enters")], (Span("comes from the row that it names", "quiet"),)))
    if has_turn_tags:
        entries.append(
            (
                [_tag("leaves")],
                (Span("next turn: is used where last turn names it, a turn later", "quiet"),),
            )
        )
    if diagram.is_part:
        entries.append(
            ([_tag("enters")], (Span("left out of this view: what it names, or so many", "quiet"),))
        )
    entries += (
        ([_marked(each)], (Span(each.sign, ROLE[each.kind]), Span(f" {each.text}", "quiet")))
        for each in diagram.marks
    )
    if any(arrow.is_calm for arrow in diagram.arrows):
        entries.append(([], (Span("pale: not on these paths", "quiet"),)))
    if diagram.is_rolled:
        entries += _rolled(diagram, has_ways_back=has_ways_back)
    return entries + _digits(diagram)


def _digits(diagram: Diagram) -> list[tuple[list[PlacedShape | PlacedWire], Line]]:
    """Explain how numbers and arrays are written."""
    entries: list[tuple[list[PlacedShape | PlacedWire], Line]] = []
    worked = [span.text for span in _worked(diagram)]
    if any(map(_is_rounded, worked)):
        entries.append(([], (Span(f"rounded to {DIGITS} digits or more", "quiet"),)))
    if any("≈" in text for text in worked):
        what = Span(" rounded so far that what is shown gives something else", "quiet")
        entries.append(([], (Span("≈", "working"), what)))
    if diagram.has_arrays:
        text = "arrays: shape  ‖norm‖  largest element and its place; → where the rule is no product"
        entries.append(([], (Span(text, "quiet"),)))
    return entries


def _numbers(
    diagram: Diagram, *, has_operations: bool
) -> list[tuple[list[PlacedShape | PlacedWire], Line]]:
    """Explain the numbers at a wire, and how they come about."""
    entries: list[tuple[list[PlacedShape | PlacedWire], Line]] = [
        ([], (Span("value", "value"), Span(" above a wire, forward", "quiet")))
    ]
    line: Line = (Span("operation", "quiet"),)
    if _has_gradients(diagram):
        entries.append(([], (Span("gradient", "gradient"), Span(" below it, backward", "quiet"))))
        line = (
            Span("operation: ", "quiet"),
            Span("upstream × local = ", "working"),
            Span("gradient", "gradient"),
        )
    return [*entries, ([_shape("function", 18)], line)] if has_operations else entries


def _has_gradients(diagram: Diagram) -> bool:
    """Say whether any stands there: not so of a run that failed."""
    return any(span.role in ("gradient", "working", "alarm") for span in _worked(diagram))


def _worked(diagram: Diagram) -> Iterator[Span]:
    """Give what stands in boxes, and below wires."""
    for box in diagram.boxes:
        for line in (*box.lines, *box.lead.below):
            yield from line
    for arrow in diagram.arrows:
        for line in arrow.label.below:
            yield from line


def _is_rounded(text: str) -> bool:
    """Say whether a number has as many digits as are shown, so that there may be more."""
    return any(len(each.replace(".", "").lstrip("0")) >= DIGITS for each in FRACTION.findall(text))


def _rolled(diagram: Diagram, *, has_ways_back: bool) -> list[tuple[list[PlacedShape | PlacedWire], Line]]:
    """Explain what only a rolled picture has."""
    entries: list[tuple[list[PlacedShape | PlacedWire], Line]] = []
    captions = [span.text for box in diagram.boxes for line in (*box.caption, *box.lines) for span in line]
    often = next((found[1] for found in map(TIMES.fullmatch, captions) if found and found[1] != "1"), "")
    if often:
        text = (
            f"×{often}: one place in the program, run {often} times; a → b: in its first run and its last"
        )
        entries.append(([replace(_shape("function", 18), count=2)], (Span(text, "quiet"),)))
    labels = [arrow.label for arrow in diagram.arrows] + [box.lead for box in diagram.boxes]
    if any(label.spark for label in labels):
        curve = Spark(
            (((0.0, 0.9), (0.25, 0.8), (0.5, 0.55), (0.75, 0.35), (1.0, 0.1)),), (), (), (), (0.0, 0.0)
        )
        room = PlacedSpark(Rect(0, 2, SAMPLE_WIDTH, SAMPLE_HEIGHT - 4), curve)
        sample = PlacedWire(np.zeros((1, 2)), "plain", has_arrowhead=False, sparks=(room,))
        text = "size of the gradient, first run at the left; beside it the largest and the smallest"
        entries.append(([sample], (Span(text, "quiet"),)))
    if any(label.spark and label.spark.zeros for label in labels):
        text = "○ or dashes under a curve: the gradient is zero in these runs"
        entries.append(([], (Span(text, "quiet"),)))
    sums = ["".join(span.text for span in line) for box in diagram.boxes for line in box.lead.below]
    for pattern, text in TERMS.items():
        found = next((found[0] for found in (re.search(pattern, each) for each in sums) if found), "")
        if found:
            what = f"{found}: {text}: its share of the sum, or the term where terms cancel"
            entries.append(([], (Span(what, "quiet"),)))
    if has_ways_back and any(arrow.is_back for arrow in diagram.arrows):
        points = _wire("plain").points[::-1]
        middle = (SAMPLE_WIDTH / 2 - 4, SAMPLE_HEIGHT / 2)
        sample = PlacedWire(points, "plain", has_arrowhead=False, turns_at=middle)
        entries.append(
            (
                [sample],
                (
                    Span(
                        "goes back: a value that is used in the next turn of a loop, or by the next call",
                        "quiet",
                    ),
                ),
            )
        )
    if any(box.shape == "call" for box in diagram.boxes):
        text = "calls of a function, closed: --only FUNCTION shows what is inside"
        entries.append(([_shape("call", 18)], (Span(text, "quiet"),)))
    return entries


def _shape(shape: Shape, size: float) -> PlacedShape:
    left = SAMPLE_WIDTH - size if shape == "cut" else (SAMPLE_WIDTH - size) / 2
    return PlacedShape(shape, Rect(left, (SAMPLE_HEIGHT - size) / 2, size, size))


def _tag(shape: Shape) -> PlacedShape:
    return PlacedShape(shape, Rect(2, 3, SAMPLE_WIDTH - 4, SAMPLE_HEIGHT - 6))


def _marked(each: Mark) -> PlacedShape | PlacedWire:
    return (
        replace(_wire("plain"), mark=each.kind)
        if each.kind in theme.PATHS
        else replace(_shape("function", 18), mark=each.kind)
    )


def _wire(state: State) -> PlacedWire:
    right = SAMPLE_WIDTH - (theme.CUT_SIZE if state == "cut" else 0)
    points = np.array([[right * step / 3, SAMPLE_HEIGHT / 2] for step in range(4)])
    return PlacedWire(points, state, has_arrowhead=False)
