"""Everything a person looks at: pictures, page, plots, terminal. Imports `tracer`, never the reverse."""

from __future__ import annotations

from viz.export import draw, svg

__all__ = ["draw", "svg"]
