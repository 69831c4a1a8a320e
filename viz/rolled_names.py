"""What a rolled node is called: the variable that its values went to, without a count.

Told by the places alone, as `tracer.sites` does by rows: what is returned goes on to the place of the call.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tracer.sites import NO_PLACE
from viz.folding import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.copies import Path
    from viz.rolled_nodes import ByPlace


def named(fine: ByPlace) -> list[str]:
    """Return the name of each rolled node, empty where it has none."""
    sites, graph = fine.trace.sites, fine.graph
    rows = graph.rows[fine.first].tolist()
    kinds = [fine.kind(node) for node in range(len(rows))]
    source: dict[int, int] = {}  # by splitter: the node whose value it copies
    for start, stop in zip(fine.edge_src, fine.edge_dst, strict=True):
        if kinds[stop] == "splitter":
            source.setdefault(stop, start)
    names = []
    for node, (kind, row) in enumerate(zip(kinds, rows, strict=True)):
        key = int(fine.keys[node])
        if kind in ("input", "output"):
            names.append(fine.patterns[key])
        elif kind == "cut":
            names.append("")
        elif row in fine.trace.input_rows:
            names.append(fine.patterns.get(key - fine.row_bound, fine.trace.input_rows[row]))
        else:
            group = int(fine.calls.of_scope[sites.row_scopes[row]])
            names.append(_assigned(fine, int(sites.row_places[row]), group))
    seen = _seen(fine, kinds, source)
    for node, kind in enumerate(kinds):
        if kind == "function" and not names[node]:
            names[node] = seen.get(node, "")
    for node, kind in enumerate(kinds):
        if kind == "splitter" and node in source:
            names[node] = names[_origin(node, source)]
    return names


def _origin(node: int, source: dict[int, int]) -> int:
    while node in source:
        node = source[node]
    return node


def _assigned(fine: ByPlace, place: int, group: int) -> str:
    """Follow a value from its place to the variables, of the outermost call that names it."""
    found = ""
    waiting: list[tuple[int, int, Path]] = [(place, group, ())]
    seen = set()
    while waiting:
        step = waiting.pop(0)
        place, group, path = step
        if place == NO_PLACE or step in seen:
            continue
        seen.add(step)
        named_here = ""
        for going in fine.trace.sites.places[place].goings:
            if going.is_last or going.path != path[: len(going.path)]:
                continue
            rest = path[len(going.path) :]
            if not rest and going.targets and not named_here:
                named_here = going.targets[0]
            if group != ROOT:
                call = fine.calls.groups[group]
                waiting += [(call.place, call.parent, (*each, *rest)) for each in going.returned]
        found = named_here or found
    return found


def _seen(fine: ByPlace, kinds: Sequence[str], source: dict[int, int]) -> dict[int, str]:
    """Return what the operators that read a value call it, where they agree."""
    sites, graph = fine.trace.sites, fine.graph
    read: dict[int, set[str]] = defaultdict(set)
    for start, stop, port in zip(fine.edge_src, fine.edge_dst, fine.edge_port, strict=True):
        if kinds[stop] != "function":
            continue
        place = int(sites.row_places[graph.rows[fine.first[stop]]])
        if place != NO_PLACE:
            read[_origin(start, source)].update(
                name for at, name in sites.places[place].reads if at == port
            )
    return {node: next(iter(names)) for node, names in read.items() if len(names) == 1}
