"""Trace -> HTML for a notebook: the picture, rolled up where it is large; without gradients, what `edgegrad show` says.

Of a run that failed both: what is said, and the forward picture.
A still picture, as wide as the cell at most; over it, in a frame without any rights but to run its own script, the page
with the backward pass. Where frames are taken out, as GitHub does, or scripts don't run, the picture is what is left.
"""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console

from tracer.errors import DrawError, EdgegradError
from viz import export, labels, text
from viz.summary import summary
from viz.vector import escape

if TYPE_CHECKING:
    from tracer.trace import Trace

LEAST_WIDTH = 560  # pixels that the buttons of the backward pass take
PLAYER = 60  # pixels beneath the picture for the backward pass
COLUMNS = 120
_SIZE = re.compile(r'width="([\d.]+)" height="([\d.]+)"')


def html(trace: Trace) -> str:
    """Return what a notebook shows of a trace."""
    reason = _why_no_gradient(trace)
    failed = _told(trace, reason) if reason else ""
    if reason and trace.error is None:
        return failed
    try:
        return failed + _shown(trace, *export.embedded(trace))
    except DrawError as error:
        return _told(trace, str(error))


def _shown(trace: Trace, svg: str, page: str) -> str:
    size = _SIZE.search(svg)
    assert size is not None
    width, height, name = size[1], size[2], escape(labels.name(trace.function))
    shows = "the gradient on every edge" if trace.error is None else "the values up to where it failed"
    picture = base64.b64encode(svg.encode()).decode()
    image = (
        f'<img src="data:image/svg+xml;base64,{picture}" alt="The graph of {name}: {shows}" '
        f'style="display:block;width:100%;max-width:{width}px;height:auto;aspect-ratio:{width}/{height};margin:0"/>'
    )
    if not page:
        return f"<div>{image}</div>"
    frame = (
        f'<iframe title="{name}: the gradient on every edge, step by step" sandbox="allow-scripts" '
        f'srcdoc="{escape(page)}" style="position:absolute;inset:0;width:100%;height:100%;border:0"></iframe>'
    )
    box = f"position:relative;max-width:{max(float(width), LEAST_WIDTH):g}px;padding-bottom:{PLAYER}px"
    return f'<div style="{box}">{image}{frame}</div>'


def _why_no_gradient(trace: Trace) -> str:
    try:
        trace.output  # noqa: B018  (reading it is the question)
        trace.seed_value  # noqa: B018
    except EdgegradError as error:
        return str(error)
    return ""


def _told(trace: Trace, reason: str) -> str:
    """Write a summary of a trace as text, and why it has no gradients or no picture."""
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
    shown = escape("\n".join(lines))
    return f"<pre>{shown}</pre>"
