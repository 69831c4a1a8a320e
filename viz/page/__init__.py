"""Trace -> one HTML file: the picture, the source and all the arithmetic, to be explored offline in a browser.

`data` says what is in it, `document` puts it into a file with the modules of this folder. No server, no request, no
build step; positions come from `viz.layout`, as for every picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from viz.page.data import page_data
from viz.page.document import as_html

if TYPE_CHECKING:
    from viz.export import Shown
    from viz.geometry import Geometry
    from viz.waiting import Reached


def write(
    shown: Shown,
    geometry: Geometry,
    engine: str | None = None,
    *,
    embedded: bool = False,
    reached: Reached | None = None,
) -> str:
    """Return the page of a picture that is placed; what can be opened in it is placed by the same engine.

    Embedded, for a cell of a notebook.
    """
    return as_html(page_data(shown, geometry, engine, reached, embedded=embedded), embedded=embedded)
