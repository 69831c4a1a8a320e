"""Everything a person looks at: pictures, page, plots, terminal. Imports `tracer`, never the reverse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from typing import Unpack

    from matplotlib.figure import Figure

    from viz.choice import ViewOptions

__all__ = ["draw", "plot", "progress_bar", "svg", "to_networkx"]


def draw(
    trace: Any,
    file: str | os.PathLike[str],
    /,
    engine: str | None = None,
    **view: Unpack[ViewOptions],
) -> tuple[str, ...]:
    """Write the picture of a trace to a file, in the format of its suffix; `view` as `Trace.draw` has it.

    Pictures: .svg, .png, .pdf, .html (a page), .mmd (Mermaid), .dot; data: .graphml, .json (of Model Explorer).

    Returns notes for the person who asked, such as that another layout was used; raises DrawError.
    """
    from viz import export  # noqa: PLC0415  (the command line's help is quick without it)
    from viz.choice import View  # noqa: PLC0415  (as above)

    return export.draw(trace, file, engine, View(**view))


def to_networkx(
    trace: Any,
    *,
    exact: bool = False,
    focus: str | None = None,
    depth: int | None = None,
    only: str | None = None,
    force: bool = False,
) -> Any:
    """Return the graph of a trace as a `networkx.MultiDiGraph`, or the part of it that `draw` would show."""
    from viz import export, graphml  # noqa: PLC0415  (as above)
    from viz.choice import View  # noqa: PLC0415  (as above)

    view = View(exact=exact, focus=focus, depth=depth, only=only, force=force)
    return graphml.to_networkx(export.data(trace, view)[0])


def svg(trace: Any) -> str:
    """Return the picture of a trace as an SVG document."""
    from viz import export  # noqa: PLC0415  (as above)

    return export.svg(trace)


def plot(trace: Any, kind: str | None = None, name: str | Sequence[str] | None = None) -> Figure:
    """Return a matplotlib figure of the gradients of a trace; see `viz.plots.plot`."""
    from viz import plots  # noqa: PLC0415  (as above)

    return plots.plot(trace, kind, name)


def progress_bar(what: str) -> AbstractContextManager[Callable[[int, int], None] | None]:
    """Show how far something is to a person at a terminal, and tell a `progress=` of it; None where nobody looks."""
    from viz import verdicts  # noqa: PLC0415  (as above)

    return verdicts.progress_bar(what)
