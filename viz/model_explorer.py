"""GraphData -> the JSON that Model Explorer reads (github.com/google-ai-edge/model-explorer): calls are its layers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from viz import labels

if TYPE_CHECKING:
    from viz.as_graph import GraphData, GraphEdge

OF_OUTPUT = ("value", "grad")  # what is said of the value that leaves a node
SLASH = "\N{DIVISION SLASH}"  # what parts layers can't be in the name of one


def write(data: GraphData) -> str:
    """Return a collection of one graph as JSON."""
    leaving: dict[int, list[GraphEdge]] = {}
    entering: dict[int, list[GraphEdge]] = {}
    for edge in data.edges:
        leaving.setdefault(edge.source, []).append(edge)
        entering.setdefault(edge.target, []).append(edge)
    output = {edge.index: at for uses in leaving.values() for at, edge in enumerate(uses)}
    nodes = []
    for node in data.nodes:
        known = node.attributes
        uses = leaving.get(node.index, [])
        nodes.append(
            {
                "id": str(node.index),
                "label": node.label,
                "namespace": "/".join(call.replace("/", SLASH) for call in node.calls),
                "attrs": _pairs(known),
                "incomingEdges": [
                    {
                        "sourceNodeId": str(edge.source),
                        "sourceNodeOutputId": str(output[edge.index]),
                        "targetNodeInputId": str(at),
                    }
                    for at, edge in enumerate(entering.get(node.index, []))
                ],
                "inputsMetadata": [
                    {"id": str(at), "attrs": _pairs(edge.attributes)}
                    for at, edge in enumerate(entering.get(node.index, []))
                ],
                "outputsMetadata": [
                    {"id": str(at), "attrs": _pairs(edge.attributes, OF_OUTPUT)}
                    for at, edge in enumerate(uses)
                ],
            }
        )
    graph = {"id": data.title, "nodes": nodes}
    return json.dumps({"label": data.title, "graphs": [graph]}, ensure_ascii=False, indent=1) + "\n"


def _pairs(attributes: dict[str, Any], beginnings: tuple[str, ...] = ("",)) -> list[dict[str, str]]:
    return [
        {"key": key, "value": _text(value)}
        for key, value in attributes.items()
        if key.startswith(beginnings)
    ]


def _text(value: Any) -> str:
    if labels.is_array(value):
        return f"{labels.summary(value)}  {labels.worst(value)}"
    if isinstance(value, bool):
        return str(value).lower()
    return labels.clean(value) if isinstance(value, str) else labels.number(value)
