"""Where a run ended that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracer.diagnose.explain import called
from tracer.diagnose.finding import Finding
from tracer.numbers_text import clean, is_array, number, summary
from tracer.sites import NO_PLACE

if TYPE_CHECKING:
    from tracer.trace import Trace


def find(trace: Trace) -> list[Finding]:
    """Say where the exception was raised, and what was recorded last before it."""
    if trace.error is None:
        return []
    sites, recording = trace.sites, trace.recording
    site = sites.places[sites.failed_at].site if sites.failed_at != NO_PLACE else None
    message = f"the run ended here by {clean(trace.error)}"
    node = None
    if len(recording):
        node = trace.nodes[int(trace.graph.node_of_row[len(recording) - 1])]
        value = node.value
        shown = summary(value) if is_array(value) else number(value)
        message += f"; the last that was recorded is {called(node)} = {shown}"
    return [
        Finding(
            kind="failed",
            severity="error",
            site=site,
            message=message,
            advice="look at what was recorded up to here; there are no gradients of a run that failed",
            node=node,
        )
    ]
