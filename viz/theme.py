"""What each role looks like: colours, sizes and weights. No layout, no format.

Colour never carries a meaning alone: a value stands above its wire and a gradient below it, a zero gradient has
a dashed wire, one that is not finite a heavy wire and a ⚠, what the output does not depend on is small and says so,
and each kind of node has a shape of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FONT_FAMILY = "DejaVu Sans, Verdana, sans-serif"

Role = Literal["name", "value", "gradient", "working", "symbol", "quiet", "faint", "alarm", "title"]
Shape = Literal["input", "output", "function", "splitter", "broadcast", "cut", "call", "leaves", "enters"]
State = Literal["plain", "zero", "unreached", "alarm", "cut"]


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

TEXT: dict[Role, TextStyle] = {
    "name": TextStyle(INK, 13, bold=True),
    "value": TextStyle(GREEN, 12.5),
    "gradient": TextStyle(RED, 12.5, bold=True),
    "working": TextStyle(SOFT_RED, 12.5),
    "symbol": TextStyle(INK, 15),
    "quiet": TextStyle(GREY, 11),
    "faint": TextStyle(GREY, 12),
    "alarm": TextStyle(RED, 13, bold=True),
    "title": TextStyle(INK, 15, bold=True),
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
SPARK_FRAME = Stroke("#c9ced4", 0.8)
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


def fill(shape: Shape, state: State) -> str:
    """Return the colour inside a shape; a splitter is filled like its outline."""
    return OUTLINE[state].colour if shape == "splitter" and state != "alarm" else FILL[shape]


BOX_PADDING = (11.0, 7.0)
TAG_PADDING = (8.0, 3.0)
GATE_SIZE = 34.0
UNREACHED_GATE_SIZE = 26.0
GATE_STEP = 12.0  # the height of a gate with many operands, a wire
FORK_SIZE = 13.0
CUT_SIZE = 16.0
PILE = 3.0  # how far the second outline of a box that stands for many is moved
SPARK_SIZE = (84.0, 28.0)
SPARK_MARK = 2.4  # half the size of a mark at a run whose number is zero or not finite
ARROW_LENGTH = 8.0
ARROW_WIDTH = 6.4
CORNER = 5.0
