"""How the page numbers what it shows: nodes and edges of the trace, or of its roll-up, from 0 in each view."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tracer.diagnose.finding import Finding
    from viz.geometry import Geometry

    Column = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class Numbering:
    """By exact node and edge: its number in a view, -1 where it is not in it."""

    nodes: Column
    edges: Column

    def known(self, edges: Iterable[Any]) -> list[int]:
        """Return the numbers of those edges that are in the view."""
        return [number for number in (int(self.edges[edge.index]) for edge in edges) if number >= 0]

    def edge(self, edge: Any) -> int | None:
        """Return the number of an edge, None where it is not in the view."""
        number = int(self.edges[edge.index])
        return number if number >= 0 else None

    def places(self, finding: Finding) -> list[str]:
        """Say where a finding is in the view, its node first."""
        node = -1 if finding.node is None else int(self.nodes[finding.node.index])
        places = [f"n{node}"] if node >= 0 else []
        return list(dict.fromkeys(places + [f"e{edge}" for edge in self.known(finding.edges)]))

    def renumbered(self, geometry: Geometry) -> Geometry:
        """Mark a picture of an exact graph by the numbers of the view."""
        if _is_unchanged(self.nodes) and _is_unchanged(self.edges):
            return geometry
        return replace(
            geometry,
            shapes=tuple(
                replace(
                    shape,
                    node=int(self.nodes[shape.node]) if shape.node >= 0 else -1,
                    edge=int(self.edges[shape.edge]) if shape.edge >= 0 else -1,
                )
                for shape in geometry.shapes
            ),
            wires=tuple(
                replace(wire, edge=int(self.edges[wire.edge]) if wire.edge >= 0 else -1)
                for wire in geometry.wires
            ),
        )


def _is_unchanged(numbers: Column) -> bool:
    return bool((numbers == np.arange(len(numbers))).all())


def numbering(trace: Any, nodes: Sequence[int], edges: Sequence[int]) -> Numbering:
    """Give numbers to some nodes and edges of a trace, in their order."""
    found = Numbering(np.full(len(trace.nodes), -1, np.int64), np.full(len(trace.edges), -1, np.int64))
    found.nodes[list(nodes)] = np.arange(len(nodes))
    found.edges[list(edges)] = np.arange(len(edges))
    return found
