"""What a picture is made of before it has a place: the vocabulary of `viz.diagram` and all that draw it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from viz.theme import Role, Shape, State


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one role."""

    text: str
    role: Role


Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Label:
    """The text at a wire: values above it, gradients below."""

    above: tuple[Line, ...] = ()
    below: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Box:
    """One node, or the tag of a wire that goes from one row to another.

    `lead` is the label of the wire that ends in a splitter: its gradient is the splitter's sum.
    """

    shape: Shape
    lines: tuple[Line, ...] = ()
    caption: tuple[Line, ...] = ()
    lead: Label = Label()
    state: State = "plain"
    tooltip: str = ""
    group: int = -1
    wires_in: int = 0
    is_ordered: bool = (
        False  # its wires enter from top to bottom in the order of the arrows that lead to it
    )
    name: str = ""  # of the value that it gives
    node: int = -1  # its number in what is drawn
    edge: int = -1  # of a tag: the edge that goes on there


@dataclass(frozen=True, slots=True)
class Arrow:
    """One edge between two boxes, by their positions in the diagram."""

    source: int
    target: int
    label: Label = Label()
    state: State = "plain"
    tooltip: str = ""
    from_splitter: bool = False
    operand: str = ""  # which one of its gate it is, to be said where the picture does not show it
    edge: int = -1  # its number in what is drawn


@dataclass(frozen=True, slots=True)
class Group:
    """One call of a helper function, drawn as a dashed frame around what it did."""

    title: str
    parent: int = -1


@dataclass(frozen=True, slots=True)
class Diagram:
    """All that a picture says."""

    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    groups: tuple[Group, ...] = ()
    has_arrays: bool = False


class _Inside(Protocol):
    """What may be in another of its kind."""

    @property
    def parent(self) -> int: ...


def common_group(first: int, second: int, groups: Sequence[_Inside]) -> int:
    """Return the innermost group around two boxes, or -1."""
    around = set()
    while first >= 0:
        around.add(first)
        first = groups[first].parent
    while second >= 0 and second not in around:
        second = groups[second].parent
    return second
