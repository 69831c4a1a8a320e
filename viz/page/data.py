"""Trace -> what its page shows, as data that JSON can hold: views, source, findings, arrays.

Every number's text comes from `viz.labels`; the page formats none. What may be of any size is cut here, and says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracer.errors import EdgegradError
from viz import labels
from viz.page.arrays import Arrays
from viz.page.exact import exact_view
from viz.page.sources import Sources

if TYPE_CHECKING:
    from tracer.diagnose.finding import Finding
    from viz.geometry import Geometry
    from viz.parts import Diagram


def page_data(trace: Any, diagram: Diagram, geometry: Geometry) -> dict[str, Any]:
    """Say all that the page of an exact trace shows; `trace` may be one without gradients."""
    sources, arrays = Sources(trace.sites.source), Arrays()
    views = [exact_view(trace, diagram, geometry, sources, arrays)]
    return {
        "title": labels.name(trace.function),
        "views": views,
        "findings": [_finding(each, sources) for each in _findings(trace)],
        "arrays": arrays.data(),
        "files": sources.data(),
    }


def _findings(trace: Any) -> list[Finding]:
    """Ask for findings; where there are no gradients to look at there may be none."""
    try:
        found: list[Finding] = trace.findings()
    except EdgegradError:
        return []
    return found


def _finding(finding: Finding, sources: Sources) -> dict[str, Any]:
    places = [] if finding.node is None else [f"n{finding.node.index}"]
    places += [f"e{edge.index}" for edge in finding.edges]
    return {
        "kind": finding.kind,
        "severity": finding.severity,
        "message": labels.clean(finding.message),
        "advice": labels.clean(finding.advice),
        "code": finding.code,
        "site": sources.place(finding.site),
        "places": {"0": places},
    }
