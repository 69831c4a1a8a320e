"""The loops of a rolled graph: which turns of them are told, and which run of a rolled edge falls into each.

They are those of the program's text; where it tells none, what runs most often stands for one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.graph import OUTPUT
from viz.rollup import SEVERAL

if TYPE_CHECKING:
    from tracer.diagnose.written_loop import WrittenLoop
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
    names: tuple[
        str, ...
    ] = ()  # of these turns, by all loops around them; none where the text does not prove them

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
    """The loops of a rolled graph.

    Of those that the text does not tell, those of most turns come first, so that an inner one has what runs in it.
    """

    def __init__(self, rolled: Rolled) -> None:
        self.rolled, self.graph = rolled, rolled.trace.graph
        edges = sum(edge.count > 1 for edge in rolled.edges)
        self._most = min(FULL, max(FULL_OF_MANY, TOLD // max(edges, 1)))
        repeated = [node for node in rolled.nodes if node.kind == "function" and node.count > 1]
        repeated.sort(key=lambda node: (-node.count, node.index))
        self._candidates = [_loop(node.members, self._most) for node in repeated]
        self._heads = self.graph.dst  # by edge
        self._written: dict[tuple[WrittenLoop, int], Loop] = {}
        self._known: dict[int, tuple[int, dict[int, int]]] = {}  # by edge
        self.found: list[Loop] = []

    def of(self, edge: RolledEdge) -> tuple[int, dict[int, int]]:
        """Return the number of an edge's loop and, by turn, the run of the edge in it."""
        if edge.index not in self._known:
            self._known[edge.index] = self._looked_for(edge)
        return self._known[edge.index]

    def _looked_for(self, edge: RolledEdge) -> tuple[int, dict[int, int]]:
        times = self._heads.take(edge.members)
        written = self._of_text(edge, times)
        if written is not None:
            return written
        for loop in self._candidates if edge.port != SEVERAL else ():
            runs = loop.runs(times)
            if len(runs) >= SHARE * len(loop.turns):
                return self._number(loop), runs
        own = _loop(times, self._most)
        return self._number(own), {turn: turn for turn in own.turns}

    def _of_text(self, edge: RolledEdge, users: Ints) -> tuple[int, dict[int, int]] | None:
        """Look for the loop in the program's text; its turns are those within one chain of calls."""
        if self.graph.kinds[users[0]] == OUTPUT or edge.port == SEVERAL:
            return None
        flat = self.rolled.turns.flat(self.graph.acting_rows(users).astype(np.int64))
        if flat is None:
            return None
        chains = self.rolled.chains
        chain = int(chains[flat.scopes[0]])
        own = np.flatnonzero(chains[flat.marker.scopes] == chain)
        turns = flat.turns
        if len(own) < len(flat.marker.rows):
            number = np.full(len(flat.marker.rows) + 1, -1, np.int64)  # and of none at the end
            number[own] = np.arange(len(own))
            turns = number[turns]
        key = flat.loop, chain
        if key not in self._written:
            loop = _loop(np.arange(len(own)), self._most)
            names = self._names(flat.marker.rows[own[list(loop.turns)]].tolist())
            self._written[key] = replace(loop, names=names)
        loop = self._written[key]
        runs: dict[int, int] = {}
        for run in np.flatnonzero(np.isin(turns, loop.turns)).tolist():
            runs.setdefault(int(turns[run]), run)
        return (self._number(loop), runs) if runs else None

    def _names(self, rows: list[int]) -> tuple[str, ...]:
        """Name turns by a row of each, if all of them are known: `i = 28, j = 7`."""
        names = tuple(map(self.rolled.turns.text_of, rows))
        return names if all(names) else ()

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
