"""What the run has warned of that no cut shows: numbers that an earlier trace has left, or that are read otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracer.diagnose import read_back
from tracer.diagnose.cuts import UNTOLD
from tracer.diagnose.finding import Finding
from tracer.diagnose.spread import has_gradients
from tracer.source import Site
from tracer.texts import MAY_BE_BACK

if TYPE_CHECKING:
    from tracer.trace import Trace


def find(trace: Trace) -> list[Finding]:
    """Repeat the warnings of a run: what was computed from such numbers no gradient knows of."""
    warned = trace.run.warned if has_gradients(trace) else ()
    if any(each.what == MAY_BE_BACK for each in warned) and read_back.find(trace):  # which tells where
        warned = tuple(each for each in warned if each.what != MAY_BE_BACK)
    return [
        Finding(
            kind="cut",
            severity="warning",
            site=Site(file, line, -1, line, -1, "", "") if line else None,
            message=what,
            advice=advice,
            node=None,
            numbers={UNTOLD: 1},
        )
        for what, advice, file, line in warned
    ]
