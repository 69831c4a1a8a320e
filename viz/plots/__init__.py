"""Trace -> matplotlib figures: flow, histogram, sum and time. No pyplot, no window; one room for each kind."""

from __future__ import annotations

import difflib
import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.style import context

from tracer.diagnose.given import require_trace
from tracer.errors import DrawError, UsageError
from viz.plots.flow import draw_flow
from viz.plots.histogram import draw_histogram
from viz.plots.style import HOUSE
from viz.plots.sums import draw_sum
from viz.plots.through_time import MOST_SERIES, draw_time, looped

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from tracer.trace import Trace
    from viz.plots.style import Plot

_DRAWN: dict[str, Callable[[Trace, Sequence[str]], Plot]] = {
    "flow": draw_flow,
    "histogram": draw_histogram,
    "sum": draw_sum,
    "time": draw_time,
}
KINDS = tuple(_DRAWN)
SUFFIXES = (".png", ".svg", ".pdf")
DPI = 200


def plot(trace: Trace, kind: str | None = None, name: str | Sequence[str] | None = None) -> Plot:
    """Return a figure of the gradients of a trace: `flow`, `histogram`, `sum` or `time`.

    Where no kind is given, the gradient through time of a function with a loop, else the flow. `name` is the value
    whose way, sum or time is shown; of `time` up to four, or a line: "model.py:12". Raises UsageError for a wrong kind
    and for what has no such plot, LookupNameError for an unknown name, GradientError where there are no gradients.
    """
    require_trace(trace, "plot")
    names = [name] if isinstance(name, str) else list(name or ())
    if kind is None:
        kind = "time" if looped(trace) else "flow"
    _check(trace, kind, names)
    with context(["default", HOUSE]), np.errstate(all="ignore"):
        return _DRAWN[kind](trace, names)


def save(figure: Plot, path: str | os.PathLike[str]) -> None:
    """Write a figure to a file, in the format of its suffix: .png, .svg or .pdf; raises DrawError."""
    target = Path(path)
    kind = target.suffix.lower().removeprefix(".")
    if f".{kind}" not in SUFFIXES:
        raise DrawError(f"can't plot to {str(target)!r}", advice=f"use one of {', '.join(SUFFIXES)}")
    nameless = {"png": {"Software": None}, "svg": {"Date": None}}.get(
        kind, {"CreationDate": None, "Producer": None, "Creator": None}
    )
    out = io.BytesIO()
    letters = {"pdf.fonttype": 42, "svg.hashsalt": "edgegrad"}
    with context(["default", HOUSE, letters]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(out, format=kind, dpi=DPI, metadata=nameless)
    try:
        target.write_bytes(out.getvalue())
    except OSError as error:
        raise DrawError(f"can't write {str(target)!r}", got=error.strerror or str(error)) from error


def _check(trace: Trace, kind: str, names: Sequence[str]) -> None:
    if kind not in KINDS:
        close = difflib.get_close_matches(str(kind), KINDS, n=1, cutoff=0.5)
        known = {*trace.input_rows.values(), *(variable.name for variable in trace.sites.variables)}
        is_name = not close and kind in known
        raise UsageError(
            f"there is no plot {kind!r}",
            got=f"{kind} is a value of {trace.function}" if is_name else "",
            advice=f"did you mean {close[0]}?"
            if close
            else f"name the kind first: time {kind}, sum {kind} or flow {kind}"
            if is_name
            else f"the kinds are {', '.join(KINDS)}",
        )
    trace.output  # noqa: B018  (raises what keeps it from having gradients)
    if not (trace.steps >= 0).any():
        raise UsageError(
            f"no gradient flows in {trace.function}: its output depends on none of its inputs",
            advice="t.findings() says why",
        )
    most = {"histogram": 0, "time": MOST_SERIES}.get(kind, 1)
    if len(names) > most:
        raise UsageError(
            f"{kind} takes {'no name' if not most else f'at most {most} names' if most > 1 else 'one name'}",
            got=f"got {', '.join(names)}",
        )
