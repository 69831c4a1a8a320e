"""Run a program under a trace, write what was asked for, and open traces again. Used by the command line."""

from __future__ import annotations

import warnings
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

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
from tracer.hook import options_of, refuse_unfinished
from tracer.run import run
from viz.hints import output_to_choose, quoted
from viz.labels import clean
from viz.loading import (
    TRACE_SUFFIX,
    arguments,
    as_array,
    close_file,
    described,
    load_function,
    place_of,
    program_folder,
    read_value,
    split_target,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tracer.trace import Trace
    from viz.choice import View


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
    target: str,
    settings: Sequence[str],
    of: str | None,
    seed: str | None,
    *,
    watch: Sequence[str],
    strict: bool = False,
) -> tuple[Trace, EdgegradError | None]:
    """Run FILE.py[:FUNC] under a trace; return the trace, and the error that says how the run failed if it did.

    Raises UsageError, ProgramError and UnsupportedError (for a generator or async function) where nothing could be run.
    """
    start = _seed(seed)
    file, name = split_target(target)
    with program_folder(file):
        function = load_function(file, name)
        refuse_unfinished(function)
        options = options_of(function)
        chosen = options.of if of is None else _output(of)
        args, kwargs = arguments(function, settings)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CutWarning)  # the summary lists the cuts
            options = options._replace(
                of=chosen, strict=strict or options.strict, watch=(*options.watch, *watch)
            )
            trace, error = run(function, args, kwargs, options)
    if error is not None:
        return trace, _failure(function, trace, error, settings)
    return (trace if seed is None else trace.backward(seed=start)), None


def traced(
    target: str,
    settings: Sequence[str],
    of: str | None = None,
    seed: str | None = None,
    *,
    watch: Sequence[str] = (),
) -> tuple[Trace, EdgegradError | None]:
    """Open a trace file, or run FILE.py[:FUNC] as `run_program` does; raise what keeps it from having gradients.

    Raises UsageError for arguments beside a trace file.
    """
    if target.partition(":")[0].endswith(".py") or ".py:" in target:
        trace, failure = run_program(target, settings, of, seed, watch=watch)
    else:
        if settings or watch:
            raise UsageError(
                f"{target} is a trace, which has its arguments",
                got=f"got {' '.join((*settings, *watch))}",
                advice="give arguments to a program: edgegrad check FILE.py:FUNCTION x=2.0",
            )
        trace = open_trace(Path(target), of, seed)
        failure = how_failed(trace)
    missing = None if trace.error is not None else why_no_gradient(trace)
    if missing is not None:
        raise missing
    return trace, failure


def _output(of: str) -> str | int:
    """Read the choice of an output: a number is a position in the result, all else a name."""
    return int(of) if of.removeprefix("-").isdecimal() else of


def _seed(text: str | None) -> Any:
    return None if text is None else read_value("--seed", text)


def _failure(
    function: Callable[..., object], trace: Trace, error: BaseException, settings: Sequence[str]
) -> EdgegradError:
    if isinstance(error, EdgegradError):
        return error
    lists = [name for name, _, value in (each.partition("=") for each in settings) if value.startswith("[")]
    # A list where the program wants an array has no `mean`, and `-` is none of its operators.
    may_want_array = bool(lists) and isinstance(error, (AttributeError, TypeError))
    failure = ProgramError(
        f"{trace.function} raised {described(error)}",
        where=place_of(error, function),
        got=f"{lists[0]} is a list" if may_want_array else "",
        advice=f"for an array, {as_array(lists[0])}" if may_want_array else "",
    )
    failure.__cause__ = error
    return failure


def how_failed(trace: Trace) -> ProgramError | None:
    """Return the error that says how a recorded run failed; None for one that did not."""
    if trace.error is None:
        return None
    sites = trace.sites
    place = sites.places[sites.failed_at].site if sites.failed_at >= 0 else None
    where = f"{PurePath(place.file).name}:{place.line}" if place is not None and place.line else ""
    return ProgramError(f"{trace.function} raised {clean(trace.error)}", where=where)


def why_no_gradient(trace: Trace) -> EdgegradError | None:
    """Return the error that says why a trace has no output to go back from; None where it has one."""
    try:
        trace.output  # noqa: B018  (reading it is the question)
        trace.seed_value  # noqa: B018
    except EdgegradError as error:
        # The advice of the Python API, in words of the command line.
        if isinstance(error, GradientError) and error.what.endswith("returned several values"):
            return GradientError(
                error.what, got=error.got, advice=f"choose one: --of {quoted(output_to_choose(trace))}"
            )
        if isinstance(error, GradientError) and error.what.endswith("needs a seed"):
            return GradientError(
                error.what,
                got=error.got,
                advice="give the gradient to start with: --seed '[1.0, …]' or --seed @FILE.npy",
            )
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


def open_trace(path: Path, of: str | None = None, seed: str | None = None) -> Trace:
    """Read a trace file, and go back from another output or with another seed where one is named.

    Raises UsageError where there is no file and for a seed that can't be read, TraceFileError for a file that is no
    trace, LookupNameError for an output and GradientError for a seed that don't fit.
    """
    start = _seed(seed)
    trace = _read(path)
    if of is None and seed is None:
        return trace
    chosen = trace.backward(None if of is None else _output(of), start)
    error = why_no_gradient(chosen)
    # That the other of the two is not given yet is said where gradients are asked for.
    if error is not None and (seed is not None or not error.what.endswith("needs a seed")):
        raise error
    return chosen


def open_with_gradients(path: Path, of: str | None, seed: str | None) -> Trace:
    """Read a trace file as `open_trace` does; raise what keeps the trace from having gradients."""
    trace = open_trace(path, of, seed)
    error = why_no_gradient(trace)
    if error is not None:
        raise error
    return trace


def _read(path: Path) -> Trace:
    program, colon, _ = str(path).partition(".py:")
    if path.suffix == ".py" or colon:
        stem = Path(program).with_suffix("").name
        raise UsageError(
            f"{path} is a program, not a trace",
            advice=f"run it first: edgegrad run {quoted(str(path))} -o {quoted(stem + TRACE_SUFFIX)}",
        )
    if not path.exists():
        close = close_file(path)
        advice = f"did you mean {close[0]}?" if close else f"make one: edgegrad run FILE.py -o {path}"
        raise UsageError(f"there is no file {path}", advice=advice)
    if path.is_dir():
        raise UsageError(f"{path} is a folder", advice=f"name a {TRACE_SUFFIX} file")
    try:
        return load(path)
    except OSError as error:
        raise TraceFileError(f"can't read {path}", got=error.strerror or str(error)) from error


def draw(
    trace: Trace, path: Path, engine: str | None, view: View, reached: Callable[[int, int], None]
) -> tuple[str, ...]:
    """Draw a trace, of a run that failed what was computed; return the notes on the picture. Raises DrawError.

    `reached` is told how many of how many steps are done.
    """
    from viz.export import draw as draw_file  # noqa: PLC0415  (the pictures' rooms are many)

    error = why_no_gradient(trace)
    if error is not None and trace.error is None:
        raise error
    try:
        return draw_file(trace, path, engine, view, reached)
    except OSError as error:
        raise DrawError(f"can't write {path}", got=error.strerror or str(error)) from error
