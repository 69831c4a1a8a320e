"""Geometry -> what the page draws: the picture without its title, and its legend as a small picture of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from viz import vector
from viz.geometry import Geometry, PlacedText
from viz.legend import legend

if TYPE_CHECKING:
    from viz.parts import Diagram

LEGEND_WIDTH = 620.0
_NO_TITLE = PlacedText(0, 0, (), 0, 0)


def picture_data(diagram: Diagram, geometry: Geometry) -> dict[str, Any]:
    """Return a picture with marks and its legend, each as SVG; the page has the title already."""
    alone = replace(geometry, title=_NO_TITLE, legend=())
    entries, (width, height) = legend(diagram, LEGEND_WIDTH, has_rows=bool(geometry.row_titles))
    signs = Geometry(width, height, _NO_TITLE, (), (), (), (), tuple(entries))
    return {"svg": vector.write(alone, marked=True), "legend": vector.write(signs, marked=True)}
