"""A plain number among the outputs: its gradient is 0, which is to be told where it was made of what left the graph.

Of a function that returns nothing else, the end of the run tells that (`came_back.py`). Used by lookup.py and by
diagnose/cuts.py.
"""

from __future__ import annotations

import os.path
from typing import TYPE_CHECKING

import numpy as np

from tracer.cut_warnings import warned
from tracer.cuts import MEANT
from tracer.diagnose.reading import program
from tracer.lookup import described
from tracer.operations import OP_NUMBERS

if TYPE_CHECKING:
    from tracer.recording import Output
    from tracer.source import Site
    from tracer.trace import Trace

_ADVICE = "return the traced value itself; detach(x) of it says that this is meant"


def tell(trace: Trace, output: Output) -> None:
    """Warn of a plain output that is gone back from: it may be made of what left the graph, or was written as text."""
    rows = cuts_behind(trace, output)
    sites = [trace.sites.place(rows[0]).site] if rows else _read_back(trace)
    if not sites:
        return
    via = trace.recording.params[rows[0]].get("via") if rows else "text that is read back"
    site = sites[0]
    error = warned(
        f"the output {described(trace, output)} of {trace.function} is a plain number, so no gradient goes back from "
        f"it; a traced value left the graph through {via}",
        f"{os.path.split(site.file)[1]}:{site.line}" if site is not None else "a place that is not known",
        _ADVICE,
        site.file if site is not None else trace.function,
        site.line if site is not None else 0,
    )
    if error is not None:
        raise error


def cuts_behind(trace: Trace, output: Output) -> list[int]:
    """Return the rows of the cuts that a plain output may be made of; those of its very number come first."""
    rows = np.flatnonzero(trace.recording.ops == OP_NUMBERS["cut"]).tolist()
    rows = [row for row in rows if trace.recording.params.get(row, {}).get("via") != MEANT]
    return sorted(rows, key=lambda row: not np.array_equal(trace.recording.values[row], output.value))


def _read_back(trace: Trace) -> list[Site]:
    """Return the places at which the program, by its text, reads a number of what it has written."""
    ran = {scope.name for scope in trace.sites.scopes}
    texts = (program(file, source) for file, source in trace.source.items())
    sites = (text.site_of(number) for text in texts for _, number in text.read_back)
    return [site for site in sites if site is not None and site.function in ran]
