"""A trace without its gradients, for the picture of a run that failed: what was computed, not what came back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracer.views import Views

if TYPE_CHECKING:
    from tracer.trace import Trace


class Forward:
    """What `viz.diagram` reads of a trace, each node and edge without a gradient."""

    output = None

    def __init__(self, trace: Trace) -> None:
        self.function = f"{trace.function}, no gradients"
        self.sites, self.graph = trace.sites, trace.graph
        self.error, self.input_rows = trace.error, trace.input_rows
        self.findings = trace.findings
        self.nodes = _without_gradients("nodes", trace.nodes)
        self.edges = _without_gradients("edges", trace.edges)


def _without_gradients(what: str, views: Views) -> Views:
    return Views(what, lambda index: without_gradients(views[index]), len(views))


def without_gradients(view: Any) -> Any:
    """Return a node or an edge without what the backward pass says about it."""
    return _ForwardView(view)


class _ForwardView:
    """A node or an edge without what the backward pass says about it."""

    __slots__ = ("_view",)
    grad = upstream = local = step = None

    def __init__(self, view: Any) -> None:
        self._view = view

    def __getattr__(self, name: str) -> Any:
        return getattr(self._view, name)
