"""Trace -> Rolled: the graph folded by the program's text. One node per place in its chain of calls, ×count.

Columns in, a few dozen objects out: nothing here is done row by row in Python, so a run of a million operations of
a loop takes some passes over its columns. The numbers of a rolled graph are in `viz.rolled_numbers`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from tracer.diagnose.turns import Turns
from tracer.graph import CUT, FUNCTION
from tracer.groups import members_of
from tracer.sites import NO_PLACE
from viz.calls import CallNames
from viz.folding import ROOT, fold_calls
from viz.parts import common_group
from viz.rolled_names import named
from viz.rolled_nodes import ByPlace
from viz.text_order import in_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.source import Site
    from tracer.trace import Trace
    from viz.text_order import Key

Ints: TypeAlias = np.ndarray[Any, np.dtype[Any]]

MOST_ARROWS = 600  # of a picture that is not rolled up
BUDGET = 150  # boxes; a picture of more is rolled up, and one that is rolled up closes groups
READABLE = 80  # boxes of a rolled picture that can be read where a document shows it 1,600 pixels wide
FEWEST = 30  # boxes besides it that are left where a call is closed for that
SEVERAL = -1  # the port of a rolled edge that stands for many operands
MANY_PORTS = 4  # of one node that come from one node: they are one rolled edge


@dataclass(frozen=True, slots=True, eq=False)
class RolledNode:
    """All runs of one place; of a closed group all that its calls did, where `kind` is 'group'."""

    index: int
    kind: str
    op: str
    name: str  # the variable, the path or the pattern of paths, the call of a closed group; may be empty
    site: Site | None
    group: int  # the innermost open group, or -1
    count: int  # runs; of a closed group its calls
    members: Ints  # exact nodes, in execution order


@dataclass(frozen=True, slots=True, eq=False)
class RolledEdge:
    """All uses of one rolled node as one operand of another."""

    index: int
    src: int
    dst: int
    port: int  # SEVERAL where many operands come from one node
    count: int
    members: Ints  # exact edges, in execution order
    is_back: bool  # a value that is carried to the next turn: without these, the graph has no circle


@dataclass(frozen=True, slots=True)
class RolledGroup:
    """All calls of one function from one place."""

    name: str  # as it is typed: `helper()`, or `helper[2]` for one of several
    parent: int
    count: int
    site: Site | None  # of the call


@dataclass(frozen=True, eq=False)
class Rolled:
    """A trace, folded. `of_node` and `of_edge` tell where each exact node and edge went: -1 for nowhere.

    Nodes are in the order of the program's text: an edge leads to a later one, but for those that go back.
    """

    trace: Trace
    nodes: tuple[RolledNode, ...]
    edges: tuple[RolledEdge, ...]
    groups: tuple[RolledGroup, ...]
    of_node: Ints
    of_edge: Ints
    chains: Ints  # by call: the number of its folded chain of calls

    @cached_property
    def incoming(self) -> list[list[RolledEdge]]:
        """By node: the edges that lead to it, by port."""
        return self._edges_by([edge.dst for edge in self.edges])

    @cached_property
    def outgoing(self) -> list[list[RolledEdge]]:
        """By node: the edges that leave it."""
        return self._edges_by([edge.src for edge in self.edges])

    @cached_property
    def turns(self) -> Turns:
        """In which turns of its loops the program did what it did."""
        return Turns(self.trace)

    @cached_property
    def is_whole(self) -> bool:
        """Whether nothing of the trace is left out."""
        return not (self.of_node < 0).any()

    @cached_property
    def entering(self) -> list[tuple[int, int, Ints]]:
        """What leads to a node from what is left out: the node, as which operand, and the exact edges."""
        if self.is_whole:
            return []
        graph = self.trace.graph
        edges = np.flatnonzero((self.of_node[graph.src] < 0) & (self.of_node[graph.dst] >= 0))
        users = graph.dst[edges]
        is_gate = (graph.kinds[users] == FUNCTION) | (graph.kinds[users] == CUT)
        starts = self.trace.recording.starts[np.where(is_gate, graph.rows[users], 0)]
        ports = (graph.slots[edges] - np.where(is_gate, starts, graph.node_slots[users])).astype(np.int64)
        nodes = self.of_node[users]
        for node in np.unique(nodes).tolist():
            own = nodes == node
            if self.nodes[node].kind == "group" or len(np.unique(ports[own])) >= MANY_PORTS:
                ports[own] = SEVERAL
        return [(node, port, each) for (node, port), each in _split(edges, nodes, ports)]

    @cached_property
    def leaving(self) -> list[tuple[int, Ints]]:
        """What leads from a node to what is left out: the node, and the exact edges."""
        if self.is_whole:
            return []
        graph = self.trace.graph
        edges = np.flatnonzero((self.of_node[graph.src] >= 0) & (self.of_node[graph.dst] < 0))
        return [(node, each) for (node,), each in _split(edges, self.of_node[graph.src[edges]])]

    def goes_back_to(self, edge: RolledEdge) -> str:
        """Say whether a loop carries what goes back, as far as is known, or calls within calls do."""
        graph, turns = self.trace.graph, self.turns
        member = edge.members[:1]
        made, used = (
            turns.of_row(int(row)) if row >= 0 else None
            for row in (graph.rows[graph.src[member]][0], graph.acting_rows(graph.dst[member])[0])
        )
        if made is None or used is None:
            return "call" if self._is_recursion(int(member[0])) else "turn"
        return "turn" if any(dict(used).get(loop, turn) != turn for loop, turn in made) else "call"

    def _is_recursion(self, edge: int) -> bool:
        """Say whether one end of an exact edge is in a call of the function within the other end's call."""
        graph, sites, chains = self.trace.graph, self.trace.sites, self.chains
        rows = [int(graph.rows[graph.src[edge]]), int(graph.acting_rows(graph.dst[[edge]])[0])]
        around, inner = sorted(int(sites.row_scopes[row]) for row in rows)
        if around == inner or chains[around] != chains[inner]:
            return False
        while inner > around:  # callers come first
            inner = sites.scopes[inner].parent
        return inner == around

    def _edges_by(self, ends: Sequence[int]) -> list[list[RolledEdge]]:
        found: list[list[RolledEdge]] = [[] for _ in self.nodes]
        for edge, end in zip(self.edges, ends, strict=True):
            found[end].append(edge)
        return found


def roll_up(trace: Trace, keep: Ints | None = None, budget: int = BUDGET) -> Rolled:
    """Fold a trace, or those of its nodes that a mask keeps, and close groups until it has no more than `budget` boxes.

    A program whose own text has more keeps them: only calls can be closed. At the usual budget more are closed until it
    is READABLE, but for those with nearly all that there is.
    """
    calls = fold_calls(trace.sites.scopes)
    fine = ByPlace(trace, calls, keep)
    return _Coarse(fine, budget).rolled()


class _Coarse:
    """Moves splitters to where their values are used, closes groups, and makes the objects."""

    def __init__(self, fine: ByPlace, budget: int) -> None:
        self.fine = fine
        self.calls = fine.calls
        self.names = CallNames(fine.trace.sites.scopes)
        self.group = list(fine.group)
        self._move_splitters_out()
        self.closed = self._close(budget)

    def _move_splitters_out(self) -> None:
        """Put each splitter where its value is used: what a helper returns is split by its caller."""
        fine, groups = self.fine, self.calls.groups
        sources: dict[int, list[int]] = defaultdict(list)
        targets: dict[int, list[int]] = defaultdict(list)
        for source, target in zip(fine.edge_src, fine.edge_dst, strict=True):
            sources[target].append(source)
            targets[source].append(target)
        for node in range(len(self.group)):
            if fine.kind(node) != "splitter" or self.group[node] == ROOT or not sources[node]:
                continue
            own = self.group[sources[node][0]]
            around = {common_group(own, self.group[target], groups) for target in targets[node]}
            if own not in around:
                self.group[node] = min(around, default=ROOT)

    def _close(self, budget: int) -> set[int]:
        """Choose the groups to close: innermost first, and of these the largest, until few enough boxes are left."""
        groups = self.calls.groups
        boxes = [0] * len(groups)
        inner: dict[int, set[int]] = defaultdict(set)  # open groups with boxes, by the one around
        for group in self.group:
            boxes[group] += 1
        for group in sorted(set(self.group) - {ROOT}, reverse=True):
            each = group
            while each != ROOT:
                inner[groups[each].parent].add(each)
                each = groups[each].parent
        closed: set[int] = set()
        left = len(self.group)
        open_groups = {each for found in inner.values() for each in found}
        aim = READABLE if budget == BUDGET else budget
        while left > aim and open_groups:
            leaves = [group for group in open_groups if not inner[group]]
            if left <= budget:
                leaves = [group for group in leaves if left - boxes[group] >= FEWEST]
            if not leaves:
                break
            chosen = max(leaves, key=lambda group: (boxes[group], -group))
            open_groups.discard(chosen)
            inner[groups[chosen].parent].discard(chosen)
            if boxes[chosen] > 1:
                closed.add(chosen)
                left -= boxes[chosen] - 1
                boxes[groups[chosen].parent] += 1
            else:  # nothing is won by closing it alone; it goes with the one around it
                boxes[groups[chosen].parent] += boxes[chosen]
        return closed

    def _outermost_closed(self, group: int) -> int:
        found = -1
        while group != ROOT:
            if group in self.closed:
                found = group
            group = self.calls.groups[group].parent
        return found

    def rolled(self) -> Rolled:
        """Make the objects, in the order of the text."""
        fine = self.fine
        box_of_closed: dict[int, int] = {}
        box_of: list[int] = []  # by place
        boxes: list[_Box] = []
        for node, group in enumerate(self.group):
            closed = self._outermost_closed(group)
            if closed < 0 or closed not in box_of_closed:
                key = fine.text_key(node) if closed < 0 else fine.way(closed)
                box_of_closed[closed] = len(boxes)
                boxes.append(_Box(node, closed, key))
            box_of.append(box_of_closed[closed])
        ends = [
            (box_of[source], box_of[target])
            for source, target in zip(fine.edge_src, fine.edge_dst, strict=True)
        ]
        is_closed = [box.closed >= 0 for box in boxes]
        pairs = {(source, target) for source, target in ends if source != target or not is_closed[source]}
        order, back = in_order([box.key for box in boxes], pairs)
        number = sorted(range(len(order)), key=order.__getitem__)  # by box
        of_node = _moved(fine.of_node, [number[box] for box in box_of])
        members = members_of(of_node, len(boxes))
        names = named(fine)
        numbers_of_groups: dict[int, int] = {}
        groups: list[RolledGroup] = []
        nodes = []
        for index, box in enumerate(boxes[at] for at in order):
            inside = self.group[box.node] if box.closed < 0 else self.calls.groups[box.closed].parent
            group = self._open(inside, numbers_of_groups, groups)
            nodes.append(self._node(index, box, group, names[box.node], members[index]))
        edges, of_edge = self._edges(
            [(number[source], number[target]) for source, target in ends],
            {(number[source], number[target]) for source, target in back},
            {number[at] for at, closed in enumerate(is_closed) if closed},
        )
        return Rolled(fine.trace, tuple(nodes), edges, tuple(groups), of_node, of_edge, self.calls.of_scope)

    def _node(self, index: int, box: _Box, group: int, name: str, members: Ints) -> RolledNode:
        if box.closed >= 0:
            call = self.calls.groups[box.closed]
            site = self._call_site(box.closed)
            name = self.names.calls(call.first, call.count)
            return RolledNode(index, "group", "call", name, site, group, call.count, members)
        view = self.fine.trace.nodes[int(members[0])]
        return RolledNode(index, view.kind, view.op, name, view.site, group, len(members), members)

    def _open(self, group: int, numbers: dict[int, int], made: list[RolledGroup]) -> int:
        if group == ROOT:
            return -1
        if group not in numbers:
            call = self.calls.groups[group]
            parent = self._open(call.parent, numbers, made)
            numbers[group] = len(made)
            name = self.names.calls(call.first, call.count)
            made.append(RolledGroup(name, parent, call.count, self._call_site(group)))
        return numbers[group]

    def _call_site(self, group: int) -> Site | None:
        place = self.calls.groups[group].place
        return None if place == NO_PLACE else self.fine.trace.sites.places[place].site

    def _edges(
        self, ends: Sequence[tuple[int, int]], back: set[tuple[int, int]], closed: set[int]
    ) -> tuple[tuple[RolledEdge, ...], Ints]:
        """Join the edges whose ends are the same now; those inside a closed group are none."""
        fine = self.fine
        ports: dict[tuple[int, int], set[int]] = defaultdict(set)
        for pair, port in zip(ends, fine.edge_port, strict=True):
            ports[pair].add(port)
        joined: dict[tuple[int, int, int], list[int]] = defaultdict(list)
        for at, ((source, target), port) in enumerate(zip(ends, fine.edge_port, strict=True)):
            if target not in closed:
                several = len(ports[source, target]) >= MANY_PORTS
                joined[target, SEVERAL if several else port, source].append(at)
            elif source != target:
                joined[target, 0, source].append(at)
        number_of = [-1] * len(ends)
        keys = sorted(joined)
        for number, key in enumerate(keys):
            for at in joined[key]:
                number_of[at] = number
        of_edge = fine.edges.by_row(number_of)
        members = members_of(of_edge, len(keys))
        edges = tuple(
            RolledEdge(
                index, source, target, port, len(members[index]), members[index], (source, target) in back
            )
            for index, (target, port, source) in enumerate(keys)
        )
        return edges, of_edge


class _Box(NamedTuple):
    """A place, or a closed group by the first of its places."""

    node: int
    closed: int  # the group, or -1
    key: Key


def _split(edges: Ints, *keys: Ints) -> list[tuple[tuple[int, ...], Ints]]:
    """Part edges by keys, in the order of these; each part is in execution order."""
    order = np.lexsort((edges, *keys[::-1]))
    changes = [np.diff(key[order]) != 0 for key in keys]
    parts = np.split(order, np.flatnonzero(np.any(changes, axis=0)) + 1) if len(order) else []
    return [(tuple(int(key[part[0]]) for key in keys), edges[part]) for part in parts]


def _moved(numbers: Ints, new_of: Sequence[int]) -> Ints:
    """Renumber a column; -1 stays."""
    if new_of == list(range(len(new_of))):
        return numbers
    return np.asarray([*new_of, -1], np.int32).take(numbers)
