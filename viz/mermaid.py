"""Diagram -> Mermaid, which GitHub and many editors draw where it stands in a text: a flowchart from left to right.

Every id is our own, and every text goes through `quote`, the only place that writes user text into Mermaid.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from viz import theme

if TYPE_CHECKING:
    from collections.abc import Sequence

    from viz.parts import Box, Diagram, Line

SHAPES = {  # what stands around a label
    "input": ("[", "]"),
    "output": ("[", "]"),
    "function": ("([", "])"),
    "splitter": ("{", "}"),
    "broadcast": ("{", "}"),
    "cut": ("[/", "/]"),
    "leaves": (">", "]"),
    "enters": (">", "]"),
    "call": ("[[", "]]"),
}
SIGNS = {"splitter": "◆", "broadcast": "◇", "cut": "⫽"}  # of shapes that have no text
# Mermaid reads Markdown also in characters that are given by number: a joiner, which takes no room, keeps it from that.
JOINER = "\u2060"
BLOCK = re.compile(r"^(?=[-+#>=~]|\d+[.)])")  # what would begin a list or a heading
MARKUP = str.maketrans({"\\": f"\\{JOINER}", "_": f"{JOINER}_{JOINER}", "*": "∗", "`": "ˋ"})
MOST_EDGES = 500  # that Mermaid draws unasked
NOT_PLAIN = re.compile(r"[^a-zA-Z0-9 .,:=/×−Σ√‖→▶⚑◎⚠◆◇⫽…²³⁻¹∑∗ˋ\u2060]|(?<=\d)\.(?= )|^ | $|(?<= ) |//")


def write(diagram: Diagram) -> tuple[str, tuple[str, ...]]:
    """Return a diagram as Mermaid text, and notes on it."""
    lines = ["flowchart LR"]
    members: dict[int, list[str]] = {}
    for number, box in enumerate(diagram.boxes):
        members.setdefault(box.group, []).append(_node(number, box))
    children: dict[int, list[int]] = {}
    for number, each in enumerate(diagram.groups):
        children.setdefault(each.parent, []).append(number)
    lines += members.get(-1, [])
    waiting: list[tuple[int, bool]] = [(group, True) for group in reversed(children.get(-1, []))]
    while waiting:
        group, is_opening = waiting.pop()
        if not is_opening:
            lines.append("end")
            continue
        lines.append(f"subgraph g{group}[{quote([diagram.groups[group].title])}]")
        lines += members.get(group, [])
        waiting.append((group, False))
        waiting += [(child, True) for child in reversed(children.get(group, []))]
    styles = []
    for number, arrow in enumerate(diagram.arrows):
        target = diagram.boxes[arrow.target]
        label = target.lead if not target.lead.is_empty else arrow.label
        texts = _texts((*label.above, *label.below))
        stroke = theme.wire(arrow.state, arrow.mark)
        line = "-.->" if stroke.dashes else "==>" if stroke.width > 2 else "-->"
        said = f"|{quote(texts)}|" if texts else ""
        lines.append(f"n{arrow.source} {line}{said} n{arrow.target}")
        colour = theme.calm(stroke.colour) if arrow.is_calm else stroke.colour
        if colour != theme.INK:
            styles.append(f"linkStyle {number} stroke:{colour}")
    text = "\n".join([*lines, *styles]) + "\n"
    count = len(diagram.arrows)
    if count <= MOST_EDGES:
        return text, ()
    return text, (
        f"Mermaid draws at most {MOST_EDGES} edges unless it is told otherwise, and these are {count:,}",
    )


def quote(lines: Sequence[str]) -> str:
    """Write lines of any text as a quoted Mermaid label that is drawn as itself: by the numbers of its characters."""
    lines = [BLOCK.sub(JOINER, line).replace("://", f":{JOINER}//").translate(MARKUP) for line in lines]
    return '"' + "<br/>".join(NOT_PLAIN.sub(_by_number, line) for line in lines) + '"'


def _by_number(found: re.Match[str]) -> str:
    return "".join(f"#{ord(character)};" for character in found.group())


def _node(number: int, box: Box) -> str:
    opening, closing = SHAPES[box.shape]
    texts = _texts((*box.lines, *box.caption)) or [SIGNS.get(box.shape, " ")]
    return f"n{number}{opening}{quote(texts)}{closing}"


def _texts(lines: Sequence[Line]) -> list[str]:
    return ["".join(span.text for span in line) for line in lines]
