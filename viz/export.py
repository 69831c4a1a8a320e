"""Trace -> file: chooses the format by the path's suffix. The way in to all pictures."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.errors import DrawError
from viz import labels, vector
from viz.choice import EVERYTHING, WHOLE, View, choose
from viz.diagram import diagram
from viz.forward import Forward
from viz.layout import geometry
from viz.marks import mark, on_rolled
from viz.rolled_border import with_border
from viz.rolled_diagram import rolled_diagram
from viz.rollup import BUDGET, MOST_ARROWS, roll_up
from viz.waiting import told

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator

    from viz.as_graph import GraphData
    from viz.choice import Choice
    from viz.parts import Diagram
    from viz.rollup import Rolled

PICTURES = (".svg", ".png", ".pdf", ".dot", ".html", ".mmd")  # .mmd: Mermaid
DATA = (".graphml", ".json")  # .json: of Model Explorer
SUFFIXES = (*PICTURES, *DATA)
MOST_EMBEDDED = 1_500_000  # characters of a page in a notebook, which is saved with it
STEPS = 4  # gradients, words, places, ink
ERROR_LIMIT = 200  # characters of what a program raised


def svg(trace: Any, view: View = WHOLE) -> str:
    """Return the picture of a trace as an SVG document."""
    return vector.write(geometry(picture(trace, view)[0]))


@dataclass(frozen=True, slots=True)
class Part:
    """What of a trace is shown: rolled up, or as it ran; of a run that failed, what it computed."""

    trace: Any
    choice: Choice
    rolled: Rolled | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a picture shows: a trace, or what it computed before it failed; rolled up, or as it ran."""

    trace: Any
    rolled: Rolled | None
    diagram: Diagram
    notes: tuple[str, ...]
    choice: Choice = EVERYTHING


def picture(trace: Any, view: View = WHOLE) -> tuple[Diagram, tuple[str, ...]]:
    """Decide what a picture of a trace says, and what to tell the person who asked."""
    shown = decide(trace, view)
    return shown.diagram, shown.notes


def decide(trace: Any, view: View = WHOLE, suffix: str = ".svg") -> Shown:
    """Decide what a picture of a trace shows."""
    part = _part(trace, view)
    choice, rolled = part.choice, part.rolled
    if rolled is None:
        drawn = diagram(part.trace, choice, force=view.force, suffix=suffix)
        return Shown(part.trace, None, drawn, part.notes)
    return Shown(part.trace, rolled, rolled_picture(rolled, choice), part.notes, choice)


def rolled_picture(rolled: Rolled, choice: Choice) -> Diagram:
    """Decide what the picture of a rolled graph shows, with the marks of a choice."""
    return mark(
        with_border(rolled_diagram(rolled), rolled),
        choice.marks,
        on_rolled(choice.on_nodes, rolled.of_node),
        on_rolled(choice.on_edges, rolled.of_edge),
        is_rest_calm=choice.is_rest_calm,
    )


def data(trace: Any, view: View = WHOLE, suffix: str = ".graphml") -> tuple[GraphData, tuple[str, ...]]:
    """Return what a picture would show as nodes and edges with attributes, and what to tell the person who asked."""
    from viz.as_graph import exact_data, rolled_data  # noqa: PLC0415 - for programs that read graphs

    part = _part(trace, view)
    if part.rolled is not None:
        return rolled_data(part.rolled), part.notes
    return exact_data(part.trace, part.choice, suffix, force=view.force), part.notes


def _part(trace: Any, view: View) -> Part:
    """Choose what is shown, and roll it up above a budget."""
    shown, remarks = _of_what_there_is(trace)
    choice = choose(trace, view)
    notes = (*remarks, *choice.notes)
    count = len(trace.nodes) if choice.keep is None else int(np.count_nonzero(choice.keep))
    entering = np.diff(trace.graph.first_in)
    arrows = int((entering if choice.keep is None else entering[choice.keep]).sum())
    if view.exact or (count <= BUDGET and arrows <= MOST_ARROWS and not view.rolled):
        return Part(shown, choice, None, notes)
    rolled = roll_up(trace, choice.keep)
    note = f"rolled up: {count:,} nodes as {len(rolled.nodes):,} boxes"
    if count <= BUDGET and not view.rolled:
        note = f"rolled up: {arrows:,} edges as {len(rolled.edges):,} arrows"
    if not view.rolled:
        note += "; --focus NAME or --only FUNCTION show a part as it ran, --exact all of it"
    return Part(shown, choice, rolled, (*notes, note))


def embedded(trace: Any) -> tuple[str, str]:
    """Return a picture as SVG and its page for a cell of a notebook; "" where there are no steps or it is too large."""
    shown = decide(trace)
    placed = geometry(shown.diagram)
    if shown.trace is not trace:  # but what there is of a run that failed
        return vector.write(placed), ""
    from viz import page  # noqa: PLC0415 - its parts are read from files

    written = page.write(shown, placed, embedded=True)
    return vector.write(placed), written if len(written) <= MOST_EMBEDDED else ""


def draw(
    trace: Any,
    path: str | os.PathLike[str],
    engine: str | None = None,
    view: View = WHOLE,
    reached: Callable[[int, int], None] | None = None,
) -> tuple[str, ...]:
    """Write the picture of a trace to a file, in the format of its suffix: see SUFFIXES.

    Of a run that failed, what was recorded. Returns notes for the person who asked, such as that another layout was
    used; raises DrawError. `reached` is told how many of how many steps are done.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in SUFFIXES:
        raise DrawError(
            f"can't draw {str(target)!r}",
            got=f"the suffix is {suffix!r}" if suffix else "it has no suffix",
            advice=f"use one of {', '.join(SUFFIXES)}",
        )
    try:
        with _unswept():
            pieces, notes = _made(trace, suffix, engine, view, reached or _unheard)
            _write(target, pieces)
    except MemoryError as error:
        raise DrawError(
            f"there is not enough memory to draw {str(target)!r}",
            got=f"the trace has {len(trace.nodes):,} nodes",
            advice="leave --exact out, or look at a part: --focus NAME, or --only FUNCTION",
        ) from error
    return notes


@contextmanager
def _unswept() -> Iterator[None]:
    """Have no sweep of the collector go over a picture's parts again and again: none of them is in a cycle."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _write(target: Path, pieces: Iterable[bytes]) -> None:
    """Write a file; what is made while it is written, and can't be made to its end, leaves none."""
    is_begun = False
    try:
        with target.open("wb") as file:
            is_begun = True
            file.writelines(pieces)
    except BaseException as error:
        if is_begun and target.is_file():  # and no device
            target.unlink()
        if not isinstance(error, OSError):
            raise
        raise DrawError(
            f"can't write {str(target)!r}",
            got=error.strerror or str(error),
            advice="choose another path for the picture",
        ) from error


def _unheard(done: int, everything: int) -> None:
    """Where nobody asked how far it is."""


def _made(
    trace: Any, suffix: str, engine: str | None, view: View, reached: Callable[[int, int], None]
) -> tuple[Iterable[bytes], tuple[str, ...]]:
    """Return the bytes of a picture or a graph, piece by piece, and notes for the person who asked."""
    if trace.error is None:
        trace.gradients  # noqa: B018  (computed where they are not yet)
    reached(1, STEPS)
    if suffix in DATA:
        content, notes = _data_content(trace, suffix, view)
        return [content], notes
    shown = decide(trace, view, suffix)
    reached(2, STEPS)
    pieces, notes = _content(shown, suffix, engine, reached)
    return pieces, (*shown.notes, *notes)


def _of_what_there_is(trace: Any) -> tuple[Any, tuple[str, ...]]:
    """Return a trace, or of a run that failed what it computed, with a note that says so."""
    if trace.error is None or trace.recording.outputs:
        return trace, ()
    told = labels.shorten(labels.clean(trace.error), ERROR_LIMIT)
    remark = f"the forward graph alone, without gradients: {trace.function} raised {told}"
    return Forward(trace), (remark,)


def _content(
    shown: Shown, suffix: str, engine: str | None, reached: Callable[[int, int], None]
) -> tuple[Iterable[bytes], tuple[str, ...]]:
    """Return a picture's bytes, piece by piece, and the notes on it; each writer is imported when it is used."""
    if suffix == ".dot":
        from viz import dot  # noqa: PLC0415 - pydot is needed for this format alone

        return [dot.write(shown.diagram).encode()], ()
    if suffix == ".mmd":
        from viz import mermaid  # noqa: PLC0415 - as above

        text, notes = mermaid.write(shown.diagram)
        return [text.encode()], notes
    if suffix == ".png":
        from viz import raster  # noqa: PLC0415 - matplotlib takes the better part of a second to import

        raster.refuse_what_no_png_holds(shown.diagram)
    placed = geometry(shown.diagram, engine)
    reached(3, STEPS)
    if suffix == ".svg":
        count = len(placed.wires) + len(placed.shapes)
        pieces = told(vector.pieces(placed), reached, (STEPS - 1) * count, STEPS * count)
        return map(str.encode, pieces), placed.notes
    if suffix == ".html":
        from viz import page  # noqa: PLC0415 - its parts are read from files

        return [page.write(shown, placed, engine, reached=reached).encode()], placed.notes
    from viz import raster  # noqa: PLC0415 - as above

    content, notes = raster.write(placed, suffix.removeprefix("."))
    return [content], (*placed.notes, *notes)


def _data_content(trace: Any, suffix: str, view: View) -> tuple[bytes, tuple[str, ...]]:
    """Return the bytes of a graph that programs read, and what to tell the person who asked."""
    graph, notes = data(trace, view, suffix)
    if suffix == ".graphml":
        from viz import graphml  # noqa: PLC0415 - an extra

        return graphml.write(graph), notes
    from viz import model_explorer  # noqa: PLC0415 - as above

    return model_explorer.write(graph).encode(), notes
