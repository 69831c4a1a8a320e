"""The commands that show a trace otherwise than as a graph: plots, and steps. Registered by cli.py."""

from __future__ import annotations

import os
import sys
from pathlib import Path  # noqa: TC003  (the parser reads the annotations as it starts)
from typing import Annotated

import typer

from viz.options import File, Json, Of, Seed, print_json
from viz.waiting import waiting


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
    with waiting(f"plotting {trace}") as reached:
        opened = open_with_gradients(trace, of, seed)
        reached(1, 2)
        figure = plots.plot(opened, kind, names)
    for path in output:
        plots.save(figure, path)
        text.show(text.wrote(path))


def step(
    trace: File,
    first: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="STEP|NAME", help="Begin there: where a NAME's gradient is complete."
        ),
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="STEP|NAME", help="Print the steps up to this one.")
    ] = None,
    of: Of = None,
    seed: Seed = None,
    json: Json = False,
) -> None:
    """Walk through the backward pass: each edge as it fires, each splitter as it waits. Piped, a line for each step."""
    from viz.running import open_with_gradients  # noqa: PLC0415
    from viz.steps import Steps  # noqa: PLC0415

    with waiting(f"going back through {trace}") as reached:
        opened = open_with_gradients(trace, of, seed)
        reached(1, 2)
        steps = Steps(opened)
    start = 0 if first is None else steps.named(first)
    end = len(steps) - 1 if last is None else steps.named(last)
    numbers = range(start, end + 1)
    if json:
        print_json([steps[number] for number in numbers])
        return
    is_screen = sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    if last is None and is_screen:
        from viz.stepper import walk  # noqa: PLC0415

        walk(steps, start)
        return
    from viz.step_text import lines_of  # noqa: PLC0415

    for line in lines_of(steps, numbers):
        sys.stdout.write(f"{line}\n")
