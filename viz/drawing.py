"""The commands that make pictures: of a run, of a trace, of a sample. Registered by cli.py."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003  (the parser reads the annotations as it starts)
from typing import TYPE_CHECKING, Annotated

import typer

from viz.options import (
    Engine,
    File,
    Json,
    Of,
    Outputs,
    Pictures,
    Seed,
    Settings,
    Strict,
    Target,
    Watch,
    print_json,
    with_view,
)
from viz.waiting import waiting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.trace import Trace
    from viz.choice import View

PICTURES = (".svg", ".png", ".pdf", ".dot", ".html", ".mmd", ".graphml", ".json")


@with_view
def run(
    target: Target,
    settings: Settings = None,
    output: Outputs = None,
    of: Of = None,
    seed: Seed = None,
    strict: Strict = False,
    watch: Watch = None,
    engine: Engine = None,
    *,
    view: View,
) -> None:
    """Run a function, print the gradient of each input, and write pictures and traces."""
    _run(
        target,
        settings or [],
        output or [],
        of=of,
        seed=seed,
        strict=strict,
        watch=watch or (),
        engine=engine,
        view=view,
    )


@with_view
def draw(
    trace: File,
    output: Pictures,
    of: Of = None,
    seed: Seed = None,
    engine: Engine = None,
    *,
    view: View,
) -> None:
    """Draw a trace, or a part of it; of a run that failed, what was recorded."""
    from viz.running import check_outputs, open_trace  # noqa: PLC0415

    check_outputs(output, PICTURES)
    _draw(open_trace(trace, of, seed), output, engine, view)


def _sample_names(incomplete: str) -> list[str]:
    """Complete the name of a sample."""
    from viz.samples import samples as known_samples  # noqa: PLC0415

    return [sample.name for sample in known_samples() if sample.name.startswith(incomplete)]


@with_view
def samples(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="The sample to run; else list them.", autocompletion=_sample_names
        ),
    ] = None,
    settings: Settings = None,
    output: Outputs = None,
    engine: Engine = None,
    json: Json = False,
    *,
    view: View,
) -> None:
    """List the samples that come with edgegrad, or run one."""
    from viz.samples import sample_file  # noqa: PLC0415
    from viz.samples import samples as known_samples  # noqa: PLC0415

    if name is not None:
        if json:
            from tracer.errors import UsageError  # noqa: PLC0415

            raise UsageError(
                "a run prints no JSON", advice="save it with -o x.trace, then: edgegrad show x.trace --json"
            )
        trace = _run(str(sample_file(name)), settings or [], output or [], engine=engine, view=view)
        _show_attempts(trace, name)
        return
    if json:
        print_json(known_samples())
        return
    from viz import text  # noqa: PLC0415

    text.show(*text.sample_parts(known_samples()))


def _run(
    target: str,
    settings: Sequence[str],
    outputs: Sequence[Path],
    *,
    of: str | None = None,
    seed: str | None = None,
    strict: bool = False,
    watch: Sequence[str] = (),
    engine: str | None = None,
    view: View,
) -> Trace:
    from viz import hints, text  # noqa: PLC0415
    from viz.loading import TRACE_SUFFIX  # noqa: PLC0415
    from viz.running import check_outputs, run_program, save, why_no_gradient  # noqa: PLC0415
    from viz.summary import summary  # noqa: PLC0415

    check_outputs(outputs, (*PICTURES, TRACE_SUFFIX))
    traces = [path for path in outputs if path.suffix.lower() == TRACE_SUFFIX]
    pictures = [path for path in outputs if path not in traces]
    trace, failure = run_program(target, settings, of, seed, strict=strict, watch=watch)
    for path in traces:
        save(trace, path)
    failure = failure or why_no_gradient(trace)
    if failure is not None:
        text.show(*(text.saved_nonetheless(path) for path in traces))
        _draw(trace, pictures, engine, view, has_failed=True)
        raise failure
    text.show(*text.summary_parts(summary(trace)), "")
    for path in traces:
        text.show(text.wrote(path))
    _draw(trace, pictures, engine, view)
    text.show(text.hint(hints.after_run(trace, target, traces)))
    return trace


def _show_attempts(trace: Trace, sample: str) -> None:
    """Show what an audit says of the gradients that a sample claims."""
    from tracer import audit  # noqa: PLC0415
    from viz import text  # noqa: PLC0415
    from viz.samples import attempts  # noqa: PLC0415
    from viz.verdicts import audit_parts  # noqa: PLC0415

    for title, claims in attempts(sample).items():
        text.show("", f"audit of {title}", *audit_parts(audit(trace, claims))[2:])


def _draw(
    trace: Trace,
    outputs: Sequence[Path],
    engine: str | None,
    view: View,
    *,
    has_failed: bool = False,
) -> None:
    """Draw pictures; of a run that failed or has no gradient those that can be, so that it says how it failed."""
    from tracer.errors import EdgegradError  # noqa: PLC0415
    from viz import text  # noqa: PLC0415
    from viz.hints import before_drawing  # noqa: PLC0415
    from viz.running import draw as draw_file  # noqa: PLC0415

    warning = before_drawing(trace, view) if outputs else ""
    if warning:
        sys.stderr.write(f"{warning}\n")
    told: set[str] = set()
    for path in outputs:
        try:
            with waiting(f"drawing {path}") as reached:
                notes = draw_file(trace, path, engine, view, reached)
        except EdgegradError as error:
            if not has_failed:
                raise
            text.show(text.note(f"{path} was not drawn: {error.what}"))
            continue
        text.show(text.wrote(path), *(text.note(each) for each in notes if each not in told))
        told.update(notes)
