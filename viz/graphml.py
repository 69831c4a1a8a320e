"""GraphData -> a graph of NetworkX, and GraphML; the library is an extra, and is imported when it is used."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from tracer.errors import DrawError
from viz.as_graph import flat
from viz.vector import NOT_XML

if TYPE_CHECKING:
    from viz.as_graph import Attributes, GraphData


def to_networkx(data: GraphData) -> Any:
    """Return a `networkx.MultiDiGraph`: numbers as names of nodes and as keys of edges, all else as attributes."""
    return _graph(data, lambda attributes: attributes)


def write(data: GraphData) -> bytes:
    """Return the graph as GraphML, in which an attribute is a number or a text."""
    graph = _graph(data, lambda attributes: {key: as_xml(value) for key, value in flat(attributes).items()})
    out = io.BytesIO()
    _library().write_graphml_xml(graph, out, named_key_ids=True)
    return out.getvalue()


def as_xml(value: Any) -> Any:
    """Return a text without what XML has no character for; anything else as it is."""
    return NOT_XML.sub("\N{REPLACEMENT CHARACTER}", value) if isinstance(value, str) else value


def _graph(data: GraphData, shown: Any) -> Any:
    graph = _library().MultiDiGraph(**shown({"name": data.title, "rolled": data.is_rolled}))
    for node in data.nodes:
        known: Attributes = {"label": node.label, "calls": " / ".join(node.calls), **node.attributes}
        graph.add_node(node.index, **shown(known))
    for edge in data.edges:
        graph.add_edge(edge.source, edge.target, key=edge.index, **shown(edge.attributes))
    return graph


def _library() -> Any:
    try:
        import networkx as nx  # noqa: PLC0415  (an extra)
    except ImportError:
        raise DrawError(
            "GraphML and graphs of NetworkX need NetworkX",
            got="it is not installed",
            advice="pip install 'edgegrad[networkx]'",
        ) from None
    return nx
