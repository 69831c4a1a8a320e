"""The commands that show a trace otherwise than as a graph: plots, and steps. Registered by cli.py."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  (the parser reads the annotations as it starts)
from typing import Annotated

import typer

from viz.options import File, Of, Seed  # noqa: TC001  (as above)


def plot(
    trace: File,
    output: Annotated[
        list[Path],
        typer.Option(
            "-o", "--output", metavar="OUT", help="Write it, by suffix: .png .svg .pdf; repeatable."
        ),
    ],
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar="KIND", help="flow, histogram, sum or time; else time for a loop, else flow."
        ),
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME", help="The value whose way, sum or time is shown; of time up to four."
        ),
    ] = None,
    of: Of = None,
    seed: Seed = None,
) -> None:
    """Plot gradients: their flow back, their sizes by function, the sum at a splitter, or a loop's through time."""
    from viz import plots, text  # noqa: PLC0415
    from viz.running import check_outputs, open_with_gradients  # noqa: PLC0415

    check_outputs(output, plots.SUFFIXES)
    figure = plots.plot(open_with_gradients(trace, of, seed), kind, names)
    for path in output:
        plots.save(figure, path)
        text.show(text.wrote(path))
