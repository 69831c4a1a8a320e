"""Exercises of a rolled graph: of a place that ran often the gradient of one turn, of a splitter its whole sum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from viz.page.practice import Asked, Asker, as_many

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from viz.loops import Loops
    from viz.page.numbering import Numbering
    from viz.rollup import Rolled, RolledEdge


def rolled_exercises(rolled: Rolled, loops: Loops, order: Sequence[int], numbers: Numbering) -> Asked:
    """Return what is to be filled in, in the order in which the backward pass comes to it first."""
    asker = Asker(rolled.trace, numbers, is_seen=False)
    edges = [rolled.edges[number] for number in order]
    kinds = [rolled.nodes[edge.dst].kind for edge in edges]
    asked = [edge for edge, kind in zip(edges, kinds, strict=True) if kind != "output"]
    told = (
        None if rolled.nodes[edge.dst].kind == "group" else _exercise(edge, asker, loops) for edge in asked
    )
    return as_many(told, len(asked))


def _exercise(edge: RolledEdge, asker: Asker, loops: Loops) -> dict[str, Any] | None:
    views = asker.followed.trace.edges
    if edge.count == 1:
        return asker.ask(views[int(edge.members[0])])
    loop, runs = loops.of(edge)
    for turn in _tried(list(runs)):
        view = views[int(edge.members[runs[turn]])]
        told = asker.ask(view) if view.step is not None else None
        if told is not None:
            return told | {"loop": loop, "turn": turn}
    return None


def _tried(turns: Sequence[int]) -> Iterator[int]:
    """Give turns of which one is asked for: the last, where the backward pass begins, one between, the first."""
    yield from dict.fromkeys((turns[-1], turns[len(turns) // 2], turns[0]))
