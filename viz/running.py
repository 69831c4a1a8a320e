"""Run a program under a trace, write what was asked for, and open traces again. Used by the command line."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

from tracer import load
from tracer.errors import (
    CutWarning,
    DrawError,
    EdgegradError,
    GradientError,
    ProgramError,
    TraceFileError,
    UsageError,
)
from tracer.hook import options_of, run
from viz.loading import (
    arguments,
    close_file,
    described,
    load_function,
    place_of,
    program_folder,
    split_target,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tracer.trace import Trace

TRACE_SUFFIX = ".trace"


def check_outputs(outputs: Sequence[Path], suffixes: Sequence[str]) -> None:
    """Raise UsageError for a path that can't be written, before anything long is done."""
    for path in outputs:
        if path.suffix.lower() not in suffixes:
            raise UsageError(
                f"can't write {path}",
                got=f"its suffix is {path.suffix!r}"
                if path.suffix
                else "it has no suffix, which says the format",
                advice=f"use one of {', '.join(suffixes)}",
            )
        if not path.parent.is_dir():
            raise UsageError(
                f"can't write {path}", got=f"there is no folder {path.parent}", advice="make it first"
            )
        if path.is_dir():
            raise UsageError(f"can't write {path}", got="it is a folder", advice="name a file in it")


def run_program(
    target: str, settings: Sequence[str], of: str | None = None, *, strict: bool = False
) -> tuple[Trace, EdgegradError | None]:
    """Run FILE.py[:FUNC] under a trace; return the trace, and the error that says how the run failed if it did.

    Raises UsageError and ProgramError where nothing could be run.
    """
    file, name = split_target(target)
    with program_folder(file):
        function = load_function(file, name)
        options = options_of(function)
        chosen = options.of if of is None else _output(of)
        args, kwargs = arguments(function, settings)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CutWarning)  # the summary lists the cuts
            trace, error = run(
                function, args, kwargs, replace(options, of=chosen, strict=strict or options.strict)
            )
    return trace, None if error is None else _failure(function, trace, error)


def _output(of: str) -> str | int:
    """Read the choice of an output: a number is a position in the result, all else a name."""
    return int(of) if of.removeprefix("-").isdecimal() else of


def _failure(function: Callable[..., object], trace: Trace, error: BaseException) -> EdgegradError:
    if isinstance(error, EdgegradError):
        return error
    failure = ProgramError(f"{trace.function} raised {described(error)}", where=place_of(error, function))
    failure.__cause__ = error
    return failure


def why_no_gradient(trace: Trace) -> EdgegradError | None:
    """Return the error that says why a trace has no output to go back from; None where it has one."""
    try:
        trace.output  # noqa: B018  (reading it is the question)
        trace.seed_value  # noqa: B018
    except EdgegradError as error:
        if isinstance(error, GradientError) and error.what.endswith("returned several values"):
            return GradientError(error.what, got=error.got, advice="choose one with --of")
        return error
    return None


def save(trace: Trace, path: Path) -> None:
    """Save a trace; raises TraceFileError where the path can't be written."""
    try:
        trace.save(path)
    except OSError as error:
        raise TraceFileError(
            f"can't write {path}",
            got=error.strerror or str(error),
            advice="choose another path for the trace",
        ) from error


def open_trace(path: Path) -> Trace:
    """Read a trace file; raises UsageError where there is none, TraceFileError where it is no trace."""
    if not path.exists():
        close = close_file(path)
        advice = f"did you mean {close[0]}?" if close else f"make one: edgegrad run FILE.py -o {path}"
        raise UsageError(f"there is no file {path}", advice=advice)
    if path.is_dir():
        raise UsageError(f"{path} is a folder", advice=f"name a {TRACE_SUFFIX} file")
    if path.suffix == ".py":
        raise UsageError(
            f"{path} is a program, not a trace", advice=f"run it first: edgegrad run {path} -o out.trace"
        )
    try:
        return load(path)
    except OSError as error:
        raise TraceFileError(f"can't read {path}", got=error.strerror or str(error)) from error


def draw(trace: Trace, path: Path, engine: str | None) -> tuple[str, ...]:
    """Draw a trace; return the notes on the picture. Raises DrawError."""
    from viz.export import draw as draw_file  # noqa: PLC0415  (the pictures' rooms are many)

    try:
        return draw_file(trace, path, engine)
    except OSError as error:
        raise DrawError(f"can't write {path}", got=error.strerror or str(error)) from error
