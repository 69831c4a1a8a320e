"""Trace -> HTML for a notebook: the picture where it is one to look at, else what `edgegrad show` says."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console

from tracer.errors import DrawError, EdgegradError
from viz import export, text
from viz.diagram import NODE_LIMIT
from viz.summary import summary
from viz.vector import escape

if TYPE_CHECKING:
    from tracer.trace import Trace

MOST_NODES = 300  # a picture of more is taller than any screen, and is drawn when it is asked for
COLUMNS = 120


def html(trace: Trace) -> str:
    """Return what a notebook shows of a trace."""
    reason = _why_no_gradient(trace)
    if reason:
        return _told(trace, reason)
    count = len(trace.nodes)
    if count > MOST_NODES:
        return _told(trace, f"a picture of {count:,} nodes is not drawn unasked")
    try:
        return export.svg(trace)
    except DrawError as error:
        return _told(trace, str(error))


def _why_no_gradient(trace: Trace) -> str:
    try:
        trace.output  # noqa: B018  (reading it is the question)
        trace.seed_value  # noqa: B018
    except EdgegradError as error:
        return str(error)
    return ""


def _told(trace: Trace, reason: str) -> str:
    """Write a summary of a trace as text, why there is no picture, and how to draw one."""
    told = summary(trace)
    if told.no_gradient:
        told = replace(told, no_gradient=reason)  # in words of Python, not of the command line
    console = Console(file=StringIO(), width=COLUMNS, color_system=None, highlight=False)
    for part in text.summary_parts(told):
        console.print(part)
    written = console.file
    assert isinstance(written, StringIO)
    lines = [line.rstrip() for line in written.getvalue().splitlines()]
    if not told.no_gradient:
        lines += ["", reason]
    can_draw = (not told.no_gradient or trace.error is not None) and len(trace.nodes) <= NODE_LIMIT
    lines += ['to draw it: trace.draw("graph.svg")'] if can_draw else []
    shown = escape("\n".join(lines))
    return f"<pre>{shown}</pre>"
