"""The order of a program's text, for a graph that has circles: which edges go back to the next turn.

An edge goes back where it lies on a circle and leads to what stands earlier in the text, or to itself.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Key: TypeAlias = tuple[int, ...]


def in_order(
    keys: Sequence[Key], edges: Iterable[tuple[int, int]]
) -> tuple[list[int], set[tuple[int, int]]]:
    """Return the nodes in an order in which every edge leads on but those that go back; and these.

    It is the order of the keys as far as the edges allow: a value always comes after what it is made of.
    """
    pairs = set(edges)
    heads: list[list[int]] = [[] for _ in keys]
    for source, target in sorted(pairs):
        heads[source].append(target)
    circle = _circles(heads)
    rank = {
        node: at for at, node in enumerate(sorted(range(len(keys)), key=lambda node: (keys[node], node)))
    }
    back = {
        (source, target)
        for source, target in pairs
        if circle[source] == circle[target] and rank[target] <= rank[source]
    }
    waiting = [0] * len(keys)
    for pair in pairs - back:
        waiting[pair[1]] += 1
    ready = [(rank[node], node) for node, count in enumerate(waiting) if not count]
    heapify(ready)
    order = []
    while ready:
        _, node = heappop(ready)
        order.append(node)
        for target in heads[node]:
            if (node, target) not in back:
                waiting[target] -= 1
                if not waiting[target]:
                    heappush(ready, (rank[target], target))
    return order, back


def _circles(heads: Sequence[Sequence[int]]) -> list[int]:
    """Return a number by node, the same for nodes that lead to each other (Tarjan's algorithm, without recursion)."""
    number = [-1] * len(heads)  # in the order of the search
    low = [0] * len(heads)
    circle = [-1] * len(heads)
    open_nodes: list[int] = []
    found = 0
    for root in range(len(heads)):
        if number[root] >= 0:
            continue
        way = [(root, 0)]
        while way:
            node, at = way.pop()
            if not at:
                number[node] = low[node] = found
                found += 1
                open_nodes.append(node)
            else:
                low[node] = min(low[node], low[heads[node][at - 1]])
            while at < len(heads[node]):
                target = heads[node][at]
                at += 1
                if number[target] < 0:
                    way += [(node, at), (target, 0)]
                    break
                if circle[target] < 0:
                    low[node] = min(low[node], number[target])
            else:
                if low[node] == number[node]:
                    while circle[node] < 0:
                        circle[open_nodes.pop()] = node
    return circle
