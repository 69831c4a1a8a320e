"""Diagram + marks -> Diagram: what somebody asked to see stands out by a line, a colour and a sign; the rest is calm.

Marks are by the numbers that boxes and arrows carry, so they fit exact and rolled pictures alike.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from viz.parts import Label, Span
from viz.theme import PATHS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from viz.parts import Arrow, Box, Diagram, Line, Mark
    from viz.skeleton import Ints
    from viz.theme import Role

ROLE: Mapping[str, Role] = {"focus": "name", **{kind: kind for kind in PATHS}, "finding": "finding"}
FORKS = ("splitter", "broadcast")


def mark(
    diagram: Diagram,
    marks: Sequence[Mark],
    on_nodes: Sequence[Ints],
    on_edges: Sequence[Ints],
    *,
    is_rest_calm: bool,
) -> Diagram:
    """Put each mark at the boxes and arrows with its numbers; the same diagram where there is nothing to do."""
    if not marks:
        return diagram
    at_nodes, at_edges = _by_place(on_nodes), _by_place(on_edges)
    on_leads: dict[int, tuple[Mark, ...]] = {}  # by box: what is said of the wire that ends in a splitter
    arrows = []
    for arrow in diagram.arrows:
        found = tuple(marks[each] for each in at_edges.get(arrow.edge, ()))
        if diagram.boxes[arrow.target].shape in FORKS:
            on_leads[arrow.target] = found
        arrows.append(_arrow(arrow, found, is_calm=is_rest_calm and not found))
    boxes = []
    for number, box in enumerate(diagram.boxes):
        found = tuple(marks[each] for each in at_nodes.get(box.node, ()))
        boxes.append(_box(box, found, on_leads.get(number, ()), is_calm=is_rest_calm and not found))
    return replace(diagram, boxes=tuple(boxes), arrows=tuple(arrows), marks=tuple(marks))


def on_rolled(places: Sequence[Ints], folded: Any) -> tuple[Ints, ...]:
    """Return for each mark, by the exact nodes or edges where it stands, the rolled ones that they are folded into."""
    found = (np.unique(folded[each]) for each in places)
    return tuple(each[each >= 0] for each in found)


def _by_place(places: Sequence[Ints]) -> dict[int, list[int]]:
    """Return the numbers of the marks by the place where they stand."""
    found: dict[int, list[int]] = {}
    for number, each in enumerate(places):
        for place in np.unique(each).tolist():
            found.setdefault(place, []).append(number)
    return found


def _arrow(arrow: Arrow, found: Sequence[Mark], *, is_calm: bool) -> Arrow:
    if not found:
        return replace(arrow, is_calm=is_calm)
    has_label = arrow.label.above or arrow.label.below
    label = _signed(arrow.label, found) if has_label else arrow.label
    return replace(arrow, label=label, mark=found[0].kind)


def _box(box: Box, found: Sequence[Mark], on_lead: Sequence[Mark], *, is_calm: bool) -> Box:
    lead = _signed(box.lead, on_lead) if on_lead and (box.lead.above or box.lead.below) else box.lead
    if not found:
        return replace(box, lead=lead, is_calm=is_calm)
    told = [each for each in found if each.kind not in PATHS]  # of a path the wires tell
    captions = tuple((_sign(each), Span(each.short, ROLE[each.kind])) for each in told)
    return replace(
        box,
        lead=lead,
        caption=(*box.caption, *captions),
        mark=found[0].kind,
        tooltip="\n".join(filter(None, (*(f"{each.sign} {each.text}" for each in told), box.tooltip))),
    )


def _signed(label: Label, found: Sequence[Mark]) -> Label:
    signs: Line = tuple(map(_sign, found))
    first = label.above[0] if label.above else ()
    return replace(label, above=((*signs, *first), *label.above[1:]))


def _sign(each: Mark) -> Span:
    return Span(f"{each.sign} ", ROLE[each.kind])
