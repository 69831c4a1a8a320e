"""Trace -> file: chooses the format by the path's suffix. The way in to all pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracer.errors import DrawError
from viz import vector
from viz.diagram import diagram
from viz.forward import Forward
from viz.layout import geometry

if TYPE_CHECKING:
    import os

SUFFIXES = (".svg", ".png", ".pdf", ".dot", ".html")


def svg(trace: Any) -> str:
    """Return the picture of a trace as an SVG document."""
    return vector.write(geometry(diagram(_of_what_there_is(trace)[0])))


def embedded(trace: Any, page_limit: int) -> tuple[str, str]:
    """Return a picture as SVG and its page for a cell of a notebook, empty where there are too many nodes for one."""
    drawn, _ = _of_what_there_is(trace)
    picture = diagram(drawn)
    placed = geometry(picture)
    if len(trace.nodes) > page_limit:
        return vector.write(placed), ""
    from viz import page  # noqa: PLC0415 - its parts are read from files

    return vector.write(placed), page.write(drawn, picture, placed, embedded=True)


def draw(trace: Any, path: str | os.PathLike[str], engine: str | None = None) -> tuple[str, ...]:
    """Write the picture of a trace to a file, in the format of its suffix: .svg, .png, .pdf, .dot or .html.

    Of a run that failed, what was recorded. Returns notes for the person who asked, such as that another layout was
    used; raises DrawError.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in SUFFIXES:
        raise DrawError(
            f"can't draw {str(target)!r}",
            got=f"the suffix is {suffix!r}" if suffix else "it has no suffix",
            advice=f"use one of {', '.join(SUFFIXES)}",
        )
    drawn, remarks = _of_what_there_is(trace)
    content, notes = _content(drawn, suffix, engine)
    try:
        target.write_bytes(content)
    except OSError as error:
        raise DrawError(
            f"can't write {str(target)!r}",
            got=error.strerror or str(error),
            advice="choose another path for the picture",
        ) from error
    return (*remarks, *notes)


def _of_what_there_is(trace: Any) -> tuple[Any, tuple[str, ...]]:
    """Return a trace, or of a run that failed what it computed, with a note that says so."""
    if trace.error is None or trace.recording.outputs:
        return trace, ()
    remark = f"the forward graph alone, without gradients: {trace.function} raised {trace.error}"
    return Forward(trace), (remark,)


def _content(trace: Any, suffix: str, engine: str | None) -> tuple[bytes, tuple[str, ...]]:
    """Return a picture's bytes and the notes on it; each writer is imported when it is used."""
    picture = diagram(trace)
    if suffix == ".dot":
        from viz import dot  # noqa: PLC0415 - pydot is needed for this format alone

        return dot.write(picture).encode(), ()
    placed = geometry(picture, engine)
    if suffix == ".svg":
        return vector.write(placed).encode(), placed.notes
    if suffix == ".html":
        from viz import page  # noqa: PLC0415 - its parts are read from files

        return page.write(trace, picture, placed).encode(), placed.notes
    from viz import raster  # noqa: PLC0415 - matplotlib takes the better part of a second to import

    content, notes = raster.write(placed, suffix.removeprefix("."))
    return content, (*placed.notes, *notes)
