"""Geometry -> what the page draws: the picture without its title, the room of each of its parts, and its legend."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from viz import vector
from viz.geometry import Geometry, PlacedText
from viz.legend import legend
from viz.page.columns import columns, is_large

if TYPE_CHECKING:
    from viz.geometry import PlacedGroup, PlacedShape, PlacedWire
    from viz.parts import Diagram

LEGEND_WIDTH = 620.0
_NO_TITLE = PlacedText(0, 0, (), 0, 0)


def picture_data(diagram: Diagram, geometry: Geometry) -> dict[str, Any]:
    """Return a picture with marks, what these mean, and its legend as SVG; the page has the title already.

    A large picture comes as `columns` for a canvas. Of SVG, `boxes` has left, top, width and height of each part, in
    the order of the SVG: a browser is slow to measure text.
    """
    alone = replace(geometry, title=_NO_TITLE, legend=())
    entries, (width, height) = legend(
        diagram,
        LEGEND_WIDTH,
        has_rows=bool(geometry.row_titles),
        has_ways_back=geometry.has_ways_back,
        has_turn_tags=geometry.has_turn_tags,
    )
    signs = Geometry(width, height, _NO_TITLE, (), (), (), (), tuple(entries))
    marks = [(each.kind, each.sign, each.text) for each in diagram.marks]
    drawn_legend = {"legend": vector.write(signs, marked=True), "marks": marks}
    if is_large(geometry) and not diagram.is_rolled:
        return {"columns": columns(geometry)} | drawn_legend
    parts: tuple[PlacedGroup | PlacedWire | PlacedShape, ...]
    parts = (*geometry.groups, *geometry.wires, *geometry.shapes)
    return {
        "svg": vector.write(alone, marked=True),
        "boxes": [_box(part) for part in parts],
    } | drawn_legend


def _box(part: PlacedGroup | PlacedWire | PlacedShape) -> list[int]:
    """Return the room of a part with its texts, in whole pixels."""
    rects = [part.rect] if hasattr(part, "rect") else []
    for name in ("texts", "inside", "beside", "sparks"):
        rects += [each.rect for each in getattr(part, name, ())]
    corners = [(rect.x, rect.y) for rect in rects] + [(r.x + r.width, r.y + r.height) for r in rects]
    points = np.array([*corners, *getattr(part, "points", ())])
    (left, top), (right, bottom) = np.floor(points.min(axis=0)), np.ceil(points.max(axis=0))
    return [int(left), int(top), int(right - left), int(bottom - top)]
