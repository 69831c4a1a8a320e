"""Trace -> what its page shows, as data that JSON can hold: pictures, nodes and edges, source, findings, exercises.

Every number's text comes from `viz.labels`; the page formats none. What may be of any size is cut here, and says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracer.errors import EdgegradError
from viz import labels
from viz.page.arrays import Arrays
from viz.page.exact import edge_data, node_data
from viz.page.practice import exercises
from viz.page.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.diagnose.finding import Finding


def page_data(trace: Any, pictures: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Say all that the page of an exact trace shows; `trace` may be one without gradients."""
    sources, arrays = Sources(trace.sites.source), Arrays()
    nodes, edges = list(trace.nodes), list(trace.edges)
    has_gradients = trace.output is not None
    told_edges = [edge_data(edge, arrays) for edge in edges]
    told_nodes = [node_data(node, sources, arrays) for node in nodes]
    fired = sorted((edge.step, edge.index) for edge in edges if edge.step is not None)
    found = _findings(trace)
    return {
        "title": labels.name(trace.function),
        "output": trace.output.index if has_gradients else None,
        "nodes": told_nodes,
        "edges": told_edges,
        "order": [edge for _, edge in fired],
        "findings": [_finding(each, sources) for each in found],
        "pictures": list(pictures),
        "practice": exercises(trace, nodes) if has_gradients else [],
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
    return {
        "kind": finding.kind,
        "severity": finding.severity,
        "message": labels.clean(finding.message),
        "advice": labels.clean(finding.advice),
        "code": finding.code,
        "site": sources.place(finding.site),
        "node": None if finding.node is None else finding.node.index,
        "edges": [edge.index for edge in finding.edges],
    }
