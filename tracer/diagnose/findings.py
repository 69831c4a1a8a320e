"""Everything that is wrong with the gradients of a trace, worst first. Read through `Trace.findings`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracer.diagnose import (
    cancellation,
    cuts,
    dead,
    dropped,
    failure,
    floored,
    gain,
    kinks,
    nonfinite,
    read_back,
    searches,
    untraced_arguments,
    warned,
)
from tracer.diagnose.finding import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.diagnose.finding import Finding
    from tracer.trace import Trace

DETECTORS: tuple[Callable[[Trace], list[Finding]], ...] = (
    failure.find,
    nonfinite.find,
    cuts.find,
    read_back.find,
    warned.find,
    searches.find,
    dead.find,
    dropped.find,
    gain.find,
    floored.find,
    cancellation.find,
    kinks.find,
    untraced_arguments.find,
)
"""Each finds its kinds. Where two tell of the same place, the worse finding stands, and of equals the first."""


def find(trace: Trace, progress: Callable[[int, int], None] | None = None) -> list[Finding]:
    """Return what is wrong with the gradients of a trace, worst first; one finding for one cause.

    `progress` is told how many detectors have looked, of how many.
    """
    if trace.error is None:
        trace.seed_value  # noqa: B018  (says what is missing where there is no output to go back from)
    found: list[Finding] = []
    for done, detector in enumerate(DETECTORS, 1):
        found += detector(trace)
        if progress is not None:
            progress(done, len(DETECTORS))
    found.sort(key=lambda finding: (SEVERITIES.index(finding.severity), -harm(finding)))
    told: set[object] = set()
    return [finding for finding in found if _is_new(finding, told)]


def harm(finding: Finding) -> float:
    """Return by how much a finding is worse than others of its severity: the number of edges that it spoils."""
    return float(finding.numbers.get("spoiled", 0))


def _is_new(finding: Finding, told: set[object]) -> bool:
    """Say whether no worse finding tells of the same place; each input is a place of its own."""
    site = finding.site
    place = finding.node if site is None else (site.file, site.line, site.column, site.end_column)
    if place is not None and place in told:
        return False
    told.add(place)
    return True
