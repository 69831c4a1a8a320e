"""Geometry -> what the page draws: the picture without its title, and its legend as a small picture of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from viz import vector
from viz.geometry import Geometry, PlacedText

if TYPE_CHECKING:
    from collections.abc import Iterable

    from viz.geometry import PlacedShape, PlacedWire

_NO_TITLE = PlacedText(0, 0, (), 0, 0)


def picture_data(geometry: Geometry) -> dict[str, Any]:
    """Return a picture with marks and its legend, each as SVG; the page has the title already."""
    alone = replace(geometry, title=_NO_TITLE, legend=())
    return {"svg": vector.write(alone, marked=True), "legend": vector.write(_legend(geometry), marked=True)}


def _legend(geometry: Geometry) -> Geometry:
    left, top, right, bottom = _bounds(geometry.legend)
    entries = tuple(entry.moved(-left, -top) for entry in geometry.legend)
    return Geometry(right - left, bottom - top, _NO_TITLE, (), (), (), (), entries)


def _bounds(
    entries: Iterable[PlacedShape | PlacedWire | PlacedText],
) -> tuple[float, float, float, float]:
    rects = [entry.rect for entry in entries if not hasattr(entry, "points")]
    return (
        min((rect.x for rect in rects), default=0.0) - 40.0,
        min((rect.y for rect in rects), default=0.0) - 4.0,
        max((rect.x + rect.width for rect in rects), default=0.0) + 4.0,
        max((rect.y + rect.height for rect in rects), default=0.0) + 4.0,
    )
