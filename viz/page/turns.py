"""The turns of loops: which run of each rolled edge belongs to which turn, and the turns that a page tells in full.

A turn lasts from one run of the loop's first operation to the next; an edge belongs to a loop if it runs in its turns.
Where edges run as often but elsewhere, no turn is claimed: nothing is told rather than something wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from viz.rollup import SEVERAL

if TYPE_CHECKING:
    from viz.rollup import Rolled, RolledEdge

    Ints = np.ndarray[Any, np.dtype[Any]]

TOLD = 3_000  # turns of all edges together: of arrays each takes some 220 bytes
FULL = 100  # turns that are all told, where there are few edges
FULL_OF_MANY = 12  # and where there are many
SOME = 30  # that are told of more
ENDS = 3  # of these at either end; the others are at even distances
SHARE = 0.5  # of a loop's turns that an edge must run in to belong to it


@dataclass(frozen=True, eq=False)
class Loop:
    """A loop: how many turns it takes, and from when to when those last that are told, in numbers of exact nodes."""

    count: int
    turns: tuple[int, ...]
    starts: Ints
    stops: Ints

    def runs(self, times: Ints) -> dict[int, int]:
        """Return, by turn, which run of an edge falls into it; `times` says when each run was."""
        found = np.searchsorted(times, self.starts)
        inside = found < len(times)
        inside[inside] = times[found[inside]] < self.stops[inside]
        return {
            turn: run
            for turn, run, is_in in zip(self.turns, found.tolist(), inside.tolist(), strict=True)
            if is_in
        }


class Loops:
    """The loops of a rolled graph; those of most turns come first, so that an inner one has what runs in it."""

    def __init__(self, rolled: Rolled) -> None:
        self.graph = rolled.trace.graph
        edges = sum(edge.count > 1 for edge in rolled.edges)
        self._most = min(FULL, max(FULL_OF_MANY, TOLD // max(edges, 1)))
        repeated = [node for node in rolled.nodes if node.kind == "function" and node.count > 1]
        repeated.sort(key=lambda node: (-node.count, node.index))
        self._candidates = [_loop(node.members, self._most) for node in repeated]
        self.found: list[Loop] = []

    def of(self, edge: RolledEdge) -> tuple[int, dict[int, int]]:
        """Return the number of an edge's loop and, by turn, the run of the edge in it."""
        times = (
            np.searchsorted(self.graph.first_in, edge.members.astype(self.graph.first_in.dtype), "right")
            - 1
        )
        for loop in self._candidates if edge.port != SEVERAL else ():
            runs = loop.runs(times)
            if len(runs) >= SHARE * len(loop.turns):
                return self._number(loop), runs
        own = _loop(times, self._most)
        return self._number(own), {turn: turn for turn in own.turns}

    def _number(self, loop: Loop) -> int:
        if loop not in self.found:
            self.found.append(loop)
        return self.found.index(loop)


def _loop(times: Ints, most: int) -> Loop:
    count = len(times)
    if count <= most:
        turns = np.arange(count)
    else:
        ends = [*range(ENDS), *range(count - ENDS, count)]
        between = min(most, SOME) - 2 * ENDS
        turns = np.unique(np.concatenate([ends, np.linspace(0, count - 1, between + 2).astype(np.int64)]))
    longest = int(np.diff(times).max()) if count > 1 else 1
    following = np.append(times[1:], times[-1] + longest)
    return Loop(count, tuple(turns.tolist()), times[turns], following[turns])
