"""Geometry -> columns of numbers for a canvas: what a browser can't hold as elements, it draws from these.

Lengths are in tenths of a pixel. Items come in this order: frames of calls, titles of rows, wires, shapes; `columns.js`
reads them. A string is written once, and what it looks like stands in a table.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from viz import theme

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from viz.geometry import Geometry, PlacedShape, PlacedText, PlacedWire, Rect

LARGEST_SVG = 1_000  # shapes; above, a browser is slow to hold a picture as elements


def is_large(geometry: Geometry) -> bool:
    """Whether a picture of an exact graph is drawn on a canvas, which draws no curves over runs."""
    return len(geometry.shapes) > LARGEST_SVG


def columns(geometry: Geometry) -> dict[str, Any]:
    """Return a picture without its title and its legend as columns."""
    written = _Columns()
    for group in geometry.groups:
        written.calls.append(group.number)
        written.add(written.style("scope", "rect", theme.GROUP), (group.title,), group.rect)
    for title in geometry.row_titles:
        written.calls.append(-1)
        written.add(written.style("row", "rect", theme.GROUP), (title,), title.rect)
    for wire in geometry.wires:
        written.add_wire(wire)
    for shape in geometry.shapes:
        written.add_shape(shape)
    return written.data()


class _Table:
    """Values that are written once, by number."""

    def __init__(self) -> None:
        self.numbers: dict[Any, int] = {}

    def number(self, value: Hashable) -> int:
        return self.numbers.setdefault(value, len(self.numbers))


@dataclass(eq=False)
class _Columns:
    """The columns as they grow."""

    counts: list[int] = field(default_factory=lambda: [0, 0, 0])  # frames and titles, wires, shapes
    calls: list[int] = field(default_factory=list)  # by frame and title: the call; -1 for none
    styles: _Table = field(default_factory=_Table)
    roles: _Table = field(default_factory=_Table)
    strings: _Table = field(default_factory=_Table)
    style_of: list[int] = field(default_factory=list)  # by item
    texts: list[int] = field(default_factory=list)  # by item: how many lines
    rects: list[int] = field(default_factory=list)  # by frame, title and shape: left, top, width, height
    edges: list[int] = field(default_factory=list)  # by wire and shape
    nodes: list[int] = field(default_factory=list)  # by shape
    points: list[int] = field(default_factory=list)  # by wire: each as its distance from the one before
    lengths: list[int] = field(default_factory=list)  # by wire: how many points
    heads: list[int] = field(default_factory=list)  # by wire: 1 with an arrowhead, 2 for a stub
    lines: list[int] = field(default_factory=list)  # by line: left, baseline, width, how many runs
    runs: list[int] = field(default_factory=list)  # by run: distance, role, string

    def style(self, kinds: str, tag: str, stroke: theme.Stroke) -> int:
        return self.styles.number((kinds, tag, stroke.width, stroke.dashes))

    def add(self, style: int, lines: Iterable[PlacedText], rect: Rect, kind: int = 0) -> None:
        """Write a frame, a title or a shape."""
        self.rects += _tenths((rect.x, rect.y, rect.width, rect.height))
        self._item(style, lines, kind)

    def add_wire(self, wire: PlacedWire) -> None:
        """Write a wire with its label."""
        kinds = f"{'stub' if wire.is_stub else 'wire'} {wire.state}{_emphasis(wire)}"
        points = np.rint(np.asarray(wire.points) * 10).astype(np.int64)
        self.points += np.diff(points, axis=0, prepend=np.zeros((1, 2), np.int64)).ravel().tolist()
        self.lengths.append(len(points))
        self.heads.append(2 if wire.is_stub else int(wire.has_arrowhead))
        self.edges.append(wire.edge)
        self._item(self.style(kinds, "path", theme.wire(wire.state, wire.mark)), wire.texts, 1)

    def add_shape(self, shape: PlacedShape) -> None:
        """Write a shape with the text in it and beside it."""
        kinds = f"{shape.shape} {shape.state}{_emphasis(shape)}"
        stroke = theme.outline(shape.state, shape.mark)
        self.nodes.append(shape.node)
        self.edges.append(shape.edge)
        tag = {"function": "ellipse", "cut": "path"}.get(shape.shape, "polygon")
        tag = "rect" if shape.shape in ("input", "output", "call") else tag
        self.add(self.style(kinds, tag, stroke), (*shape.inside, *shape.beside), shape.rect, 2)

    def _item(self, style: int, lines: Iterable[PlacedText], kind: int) -> None:
        self.counts[kind] += 1
        self.style_of.append(style)
        before = len(self.lines)
        for line in lines:
            self.lines += [*_tenths((line.x, line.baseline, line.width)), len(line.runs)]
            for offset, text, role in line.runs:
                self.runs += [round(offset * 10), self.roles.number(role), self.strings.number(text)]
        self.texts.append((len(self.lines) - before) // 4)

    def data(self) -> dict[str, Any]:
        """Return all columns, each by its name."""
        looks = {role: theme.TEXT[role] for role in self.roles.numbers}
        return {
            "counts": self.counts,
            "calls": self.calls,
            "styles": list(self.styles.numbers),
            "roles": [(role, style.size, style.bold) for role, style in looks.items()],
            "strings": list(self.strings.numbers),
            "styleOf": self.style_of,
            "texts": self.texts,
            "rects": self.rects,
            "edges": self.edges,
            "nodes": self.nodes,
            "points": self.points,
            "lengths": self.lengths,
            "heads": self.heads,
            "lines": self.lines,
            "runs": self.runs,
        }


def _tenths(lengths: Iterable[float]) -> list[int]:
    return [round(length * 10) for length in lengths]


def _emphasis(placed: PlacedShape | PlacedWire) -> str:
    return (f" {placed.mark}-mark" if placed.mark else "") + (" is-calm" if placed.is_calm else "")
