"""What each role looks like: colours, sizes and weights. No layout, no format.

Colour never carries a meaning alone: a value stands above its wire and a gradient below it, a zero gradient has
a dashed wire, one that is not finite a heavy wire and a ⚠, what the output does not depend on is small and says so,
and each kind of node has a shape of its own. What somebody asked to see has a heavy line of its own colour and a sign,
and each of several paths has dashes of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

FONT_FAMILY = "DejaVu Sans, Verdana, sans-serif"

Role = Literal[
    "name",
    "value",
    "gradient",
    "working",
    "aside",
    "symbol",
    "quiet",
    "faint",
    "alarm",
    "title",
    "path",
    "path-2",
    "path-3",
    "finding",
]
Shape = Literal["input", "output", "function", "splitter", "broadcast", "cut", "call", "leaves", "enters"]
State = Literal["plain", "zero", "unreached", "alarm", "cut"]
MarkKind = Literal["focus", "path", "path-2", "path-3", "finding"]
PathKind = Literal["path", "path-2", "path-3"]


@dataclass(frozen=True, slots=True)
class TextStyle:
    """How a role's text is set."""

    colour: str
    size: float
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Stroke:
    """How a line is drawn; dashes are lengths on and off in pixels."""

    colour: str
    width: float
    dashes: tuple[float, ...] = ()


INK = "#202124"
PAPER = "#ffffff"
GREEN = "#0b7a33"
RED = "#c41a16"
SOFT_RED = "#b5524f"
GREY = "#6b7075"
BLUE = "#0b57d0"
OLIVE = "#7d6b00"
MAGENTA = "#a3127a"  # blue, olive and magenta are told apart by all who see colours
ORANGE = "#a84300"

TEXT: dict[Role, TextStyle] = {
    "name": TextStyle(INK, 13, bold=True),
    "value": TextStyle(GREEN, 12.5),
    "gradient": TextStyle(RED, 12.5, bold=True),
    "working": TextStyle(SOFT_RED, 12.5),
    "aside": TextStyle(GREY, 11),  # what is said beside a gradient, and comes with it
    "symbol": TextStyle(INK, 15),
    "quiet": TextStyle(GREY, 11),
    "faint": TextStyle(GREY, 12),
    "alarm": TextStyle(RED, 13, bold=True),
    "title": TextStyle(INK, 15, bold=True),
    "path": TextStyle(BLUE, 12.5, bold=True),
    "path-2": TextStyle(OLIVE, 12.5, bold=True),
    "path-3": TextStyle(MAGENTA, 12.5, bold=True),
    "finding": TextStyle(ORANGE, 12.5, bold=True),
}

OUTLINE: dict[State, Stroke] = {
    "plain": Stroke(INK, 1.3),
    "zero": Stroke(INK, 1.3),
    "unreached": Stroke(GREY, 1.0),
    "alarm": Stroke(RED, 3.2),
    "cut": Stroke(GREY, 1.3),
}
WIRE: dict[State, Stroke] = {
    "plain": Stroke(INK, 1.2),
    "zero": Stroke(GREY, 1.2, (5, 4)),
    "unreached": Stroke("#8a9096", 0.9, (5, 4)),
    "alarm": Stroke(RED, 3.0),
    "cut": Stroke(GREY, 1.2, (1.5, 3)),
}
SPARK = Stroke(RED, 1.4)
SPARK_ZEROS = Stroke(INK, 2.4, (4, 3))
SPARK_FRAME = Stroke("#c9ced4", 0.8)
PATHS: tuple[PathKind, ...] = ("path", "path-2", "path-3")  # by rank
MARK: dict[MarkKind, Stroke] = {
    "focus": Stroke(INK, 3.0),
    "path": Stroke(BLUE, 3.0),
    "path-2": Stroke(OLIVE, 3.0, (11, 5)),
    "path-3": Stroke(MAGENTA, 3.0, (11, 4, 3, 4)),
    "finding": Stroke(ORANGE, 3.0),
}
GROUP = Stroke("#8a9096", 1.0, (6, 4))
GROUP_FILL = "#f7f8fa"

FILL: dict[Shape, str] = {
    "input": "#eef4fb",
    "output": "#f4f4ea",
    "function": PAPER,
    "splitter": INK,
    "broadcast": PAPER,
    "cut": PAPER,
    "call": GROUP_FILL,
    "leaves": "#f2f2f2",
    "enters": "#f2f2f2",
}


def outline(state: State, mark: MarkKind | None) -> Stroke:
    """Return the line around a shape; what is not finite keeps its own, which is heavy, too."""
    if mark is None or state == "alarm":
        return OUTLINE[state]
    return Stroke(MARK[mark].colour, MARK[mark].width)


def wire(state: State, mark: MarkKind | None) -> Stroke:
    """Return the line of a wire: a mark's is dashed where the wire's own is."""
    own = WIRE[state]
    if mark is None or state == "alarm":
        return own
    return Stroke(MARK[mark].colour, MARK[mark].width, own.dashes or MARK[mark].dashes)


@cache
def calm(colour: str) -> str:
    """Return a colour nearer to the paper, for what is not what somebody asked to see."""
    channels = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(255 - (255 - channel) * CALM):02x}" for channel in channels)


def faded(stroke: Stroke) -> Stroke:
    """Return a line in a calm colour."""
    return Stroke(calm(stroke.colour), stroke.width, stroke.dashes)


def dashed(stroke: Stroke) -> Stroke:
    """Return a line like the frame of a call."""
    return Stroke(stroke.colour, stroke.width, GROUP.dashes)


def fill(shape: Shape, state: State, line: Stroke) -> str:
    """Return the colour inside a shape; a splitter is filled like the line around it."""
    return line.colour if shape == "splitter" and state != "alarm" else FILL[shape]


CALM = 0.55  # of the ink that is left
BOX_PADDING = (11.0, 7.0)
TAG_PADDING = (8.0, 3.0)
GATE_SIZE = 34.0
UNREACHED_GATE_SIZE = 26.0
GATE_STEP = 12.0  # the height of a gate with many operands, a wire
FORK_SIZE = 13.0
CUT_SIZE = 16.0
PILE = 3.0  # how far the second outline of a box that stands for many is moved
SPARK_SIZE = (84.0, 28.0)
LARGE_SPARK_SIZE = (150.0, 46.0)  # of what is carried from turn to turn, where there is room
SPARK_GAP = 3.0  # between a curve and the text above it
SCALE_GAP = 4.0  # between a curve and its scale
SPARK_MARK = 2.4  # half the size of a mark at a run whose number is zero or not finite
ARROW_LENGTH = 8.0
ARROW_WIDTH = 6.4
CORNER = 5.0
