"""What a picture is made of before it has a place: the vocabulary of `viz.diagram` and all that draw it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from viz.theme import MarkKind, Role, Shape, State


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one role."""

    text: str
    role: Role


Line = tuple[Span, ...]


Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Spark:
    """A small curve of how large a number was, run by run: places from the left and the top, in units of its room.

    It is broken where a number is zero or not finite, and these runs are marked.
    """

    curves: tuple[tuple[Place, ...], ...]
    zeros: tuple[tuple[float, float], ...]  # from the first to the last of those in a row
    bad: tuple[float, ...]
    scale: tuple[Line, ...]  # beside it: the largest above, the smallest below
    size: tuple[float, float]  # in pixels


@dataclass(frozen=True, slots=True)
class Label:
    """The text at a wire: values above it, gradients below, and below them a curve of the gradient over its runs."""

    above: tuple[Line, ...] = ()
    below: tuple[Line, ...] = ()
    spark: Spark | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.above or self.below or self.spark)


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
    count: int = 1  # how many nodes it stands for
    mark: MarkKind | None = None
    is_calm: bool = False


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
    is_back: bool = False  # it goes back to the left, to the next turn of a loop; no layout engine sees it
    back_to: str = "turn"  # or a call, where no loop carries what goes back
    mark: MarkKind | None = None
    is_calm: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """What somebody asked to see in a picture: its sign stands where it is, its text in the legend."""

    kind: MarkKind
    sign: str
    text: str
    short: str = ""  # what stands beside the sign at a box


@dataclass(frozen=True, slots=True)
class Group:
    """One call of a helper function, drawn as a dashed frame around what it did."""

    title: str
    parent: int = -1
    number: int = -1  # in what is drawn, where that is in several rows


@dataclass(frozen=True, slots=True)
class Diagram:
    """All that a picture says."""

    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    groups: tuple[Group, ...] = ()
    has_arrays: bool = False
    is_rolled: bool = False
    marks: tuple[Mark, ...] = ()
    is_part: bool = False  # tags stand for what was left out


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
