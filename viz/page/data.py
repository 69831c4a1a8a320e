"""Trace -> what its page shows, as data that JSON can hold: views, source, findings, arrays.

Every number's text comes from `viz.labels`; the page formats none. What may be of any size is cut here, and says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracer.errors import EdgegradError
from viz import labels
from viz.page.arrays import Arrays
from viz.page.exact import exact_view
from viz.page.rolled import MOST_VIEWS, rolled_views
from viz.page.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.diagnose.finding import Finding
    from viz.export import Shown
    from viz.geometry import Geometry
    from viz.page.numbering import Numbering
    from viz.waiting import Reached


def page_data(
    shown: Shown,
    geometry: Geometry,
    engine: str | None,
    reached: Reached | None = None,
    *,
    embedded: bool = False,
) -> dict[str, Any]:
    """Say all that the page of a picture shows; rolled up, with a view of each closed group, but where none opens."""
    trace = shown.trace
    sources, arrays = Sources(trace.sites.source), Arrays()
    if shown.rolled is None:
        views = [exact_view(trace, shown.diagram, geometry, sources, arrays, reached)]
    else:
        views = rolled_views(shown, geometry, sources, arrays, engine, 1 if embedded else MOST_VIEWS)
    numberings = [numbers for _, numbers in views]
    return {
        "title": labels.name(trace.function),
        "views": [view for view, _ in views],
        "findings": [_finding(each, sources, numberings) for each in _findings(trace)],
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


def _finding(finding: Finding, sources: Sources, numberings: Sequence[Numbering]) -> dict[str, Any]:
    return {
        "kind": finding.kind,
        "severity": finding.severity,
        "message": labels.clean(finding.message),
        "advice": labels.clean(finding.advice),
        "code": finding.code,
        "site": sources.place(finding.site),
        "places": [numbers.places(finding) for numbers in numberings],
    }
