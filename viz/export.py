"""Trace -> file: chooses the format by the path's suffix. The way in to all pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.errors import DrawError
from viz import labels, vector
from viz.choice import WHOLE, View, choose
from viz.diagram import diagram
from viz.forward import Forward
from viz.layout import geometry
from viz.marks import mark, on_rolled
from viz.rolled_border import with_border
from viz.rolled_diagram import rolled_diagram
from viz.rollup import BUDGET, roll_up

if TYPE_CHECKING:
    import os

    from viz.parts import Diagram
    from viz.rollup import Rolled

SUFFIXES = (".svg", ".png", ".pdf", ".dot", ".html")
ERROR_LIMIT = 200  # characters of what a program raised


def svg(trace: Any, view: View = WHOLE) -> str:
    """Return the picture of a trace as an SVG document."""
    return vector.write(geometry(picture(trace, view)[0]))


@dataclass(frozen=True, slots=True)
class Shown:
    """What a picture shows: a trace, or what it computed before it failed; rolled up, or as it ran."""

    trace: Any
    rolled: Rolled | None
    diagram: Diagram
    notes: tuple[str, ...]


def picture(trace: Any, view: View = WHOLE) -> tuple[Diagram, tuple[str, ...]]:
    """Decide what a picture of a trace says, and what to tell the person who asked."""
    shown = decide(trace, view)
    return shown.diagram, shown.notes


def decide(trace: Any, view: View = WHOLE) -> Shown:
    """Decide what a picture of a trace shows: rolled up above a budget."""
    shown, remarks = _of_what_there_is(trace)
    choice = choose(trace, view)
    count = len(trace.nodes) if choice.keep is None else int(np.count_nonzero(choice.keep))
    if count <= BUDGET or view.exact:
        return Shown(shown, None, diagram(shown, choice, force=view.force), (*remarks, *choice.notes))
    rolled = roll_up(trace, choice.keep)
    drawn = mark(
        with_border(rolled_diagram(rolled), rolled, choice.keep),
        choice.marks,
        on_rolled(choice.on_nodes, rolled.of_node),
        on_rolled(choice.on_edges, rolled.of_edge),
        is_rest_calm=choice.is_rest_calm,
    )
    note = (
        f"rolled up: {count:,} nodes as {len(rolled.nodes):,} boxes; "
        "--focus NAME or --only FUNCTION show a part as it ran, --exact all of it"
    )
    return Shown(shown, rolled, drawn, (*remarks, *choice.notes, note))


def draw(
    trace: Any, path: str | os.PathLike[str], engine: str | None = None, view: View = WHOLE
) -> tuple[str, ...]:
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
    shown = decide(trace, view)
    content, notes = _content(shown, suffix, engine)
    try:
        target.write_bytes(content)
    except OSError as error:
        raise DrawError(
            f"can't write {str(target)!r}",
            got=error.strerror or str(error),
            advice="choose another path for the picture",
        ) from error
    return (*shown.notes, *notes)


def _of_what_there_is(trace: Any) -> tuple[Any, tuple[str, ...]]:
    """Return a trace, or of a run that failed what it computed, with a note that says so."""
    if trace.error is None or trace.recording.outputs:
        return trace, ()
    told = labels.shorten(labels.clean(trace.error), ERROR_LIMIT)
    remark = f"the forward graph alone, without gradients: {trace.function} raised {told}"
    return Forward(trace), (remark,)


def _content(shown: Shown, suffix: str, engine: str | None) -> tuple[bytes, tuple[str, ...]]:
    """Return a picture's bytes and the notes on it; each writer is imported when it is used."""
    if suffix == ".dot":
        from viz import dot  # noqa: PLC0415 - pydot is needed for this format alone

        return dot.write(shown.diagram).encode(), ()
    placed = geometry(shown.diagram, engine)
    if suffix == ".svg":
        return vector.write(placed).encode(), placed.notes
    if suffix == ".html":
        from viz import page  # noqa: PLC0415 - its parts are read from files

        return page.write(shown, placed, engine).encode(), placed.notes
    from viz import raster  # noqa: PLC0415 - matplotlib takes the better part of a second to import

    content, notes = raster.write(placed, suffix.removeprefix("."))
    return content, (*placed.notes, *notes)
