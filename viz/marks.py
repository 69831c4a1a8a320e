"""Diagram + marks -> Diagram: what somebody asked to see stands out by a line, a colour and a sign; the rest is calm.

Marks are by the numbers that boxes and arrows carry, so they fit exact and rolled pictures alike.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from viz.parts import Label, Span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from viz.parts import Arrow, Box, Diagram, Line, Mark
    from viz.theme import Role

ROLE: Mapping[str, Role] = {"focus": "name", "path": "path", "finding": "finding"}
FORKS = ("splitter", "broadcast")


def mark(
    diagram: Diagram,
    marks: Sequence[Mark],
    on_nodes: Mapping[int, Sequence[int]],
    on_edges: Mapping[int, Sequence[int]],
    *,
    is_rest_calm: bool,
) -> Diagram:
    """Put marks at the boxes and arrows that have the numbers given; the same diagram where there is nothing to do."""
    if not marks:
        return diagram
    on_leads: dict[int, tuple[Mark, ...]] = {}  # by box: what is said of the wire that ends in a splitter
    arrows = []
    for arrow in diagram.arrows:
        found = tuple(marks[each] for each in on_edges.get(arrow.edge, ()))
        if diagram.boxes[arrow.target].shape in FORKS:
            on_leads[arrow.target] = found
        arrows.append(_arrow(arrow, found, is_calm=is_rest_calm and not found))
    boxes = []
    for number, box in enumerate(diagram.boxes):
        found = tuple(marks[each] for each in on_nodes.get(box.node, ()))
        boxes.append(_box(box, found, on_leads.get(number, ()), is_calm=is_rest_calm and not found))
    return replace(diagram, boxes=tuple(boxes), arrows=tuple(arrows), marks=tuple(marks))


def on_rolled(marks: Mapping[int, Sequence[int]], folded: Any) -> dict[int, tuple[int, ...]]:
    """Return the marks of exact nodes or edges by the rolled ones that they are folded into."""
    found: dict[int, dict[int, None]] = {}
    for each, numbers in marks.items():
        if folded[each] >= 0:
            found.setdefault(int(folded[each]), {}).update(dict.fromkeys(numbers))
    return {each: tuple(sorted(numbers)) for each, numbers in found.items()}


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
    told = [each for each in found if each.kind != "path"]  # of a path the wires tell
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
