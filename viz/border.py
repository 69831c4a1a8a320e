"""The border of a picture that shows a part of a trace: tags for what was left out.

Used by `viz.diagram`, and by `viz.rolled_border` for sums.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from viz import labels
from viz.part import gradients_of
from viz.parts import Arrow, Box, Label, Line, Span
from viz.wording import gate_text, sum_lines, tooltip, wire_value

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_TAGS = 3  # at one side of a node; beyond it one tag counts


def tag_before(source: Any, group: int) -> Box:
    """Return the tag of a value that comes from what was left out."""
    return Box("enters", lines=(_what(source),), tooltip=tooltip("left out of this view"), group=group)


def tag_behind(target: Any, group: int) -> Box:
    """Return the tag of an operation that uses a value and was left out."""
    return Box("leaves", lines=(_what(target),), tooltip=tooltip("left out of this view"), group=group)


def count_before(edges: Sequence[Any], stop: int, group: int) -> tuple[Box, Arrow]:
    """Return one tag for many operands that were left out, which is the next box, and its arrow."""
    return Box("enters", lines=(_more(len(edges)),), group=group), Arrow(-1, stop)


def count_behind(edges: Sequence[Any], source: Any, start: int, group: int) -> tuple[Box, Arrow]:
    """Return one tag for many uses that were left out, and its arrow, which says what they add to the gradient."""
    terms = gradients_of(edges)
    label = Label(wire_value(source), sum_lines(terms, sum_of(terms)))
    arrow = Arrow(start, -1, label, from_splitter=source.kind == "splitter")
    return Box("leaves", lines=(_more(len(edges)),), group=group), arrow


def _more(count: int) -> Line:
    return (Span(f"+{count:,} more", "quiet"),)


def _what(node: Any) -> Line:
    """Name a node: by its value's name, else by its operation; with its line."""
    text = labels.name(node.label or node.name or "")
    if node.kind == "output":
        text = f"output {text}".strip()
    line = f"  line {node.site.line}" if node.site is not None and node.site.line else ""
    what = text or (gate_text(node) if node.kind == "function" else node.op)
    return (Span(what, "name"), *((Span(line, "quiet"),) if line else ()))


def sum_of(terms: Any) -> Any:
    """Add up gradients; None without a backward pass."""
    if isinstance(terms, np.ndarray):
        return math.fsum(terms) if np.isfinite(terms).all() else float(terms.sum())
    if any(term is None for term in terms):
        return None
    if all(isinstance(term, float) for term in terms) and all(map(math.isfinite, terms)):
        return math.fsum(terms)
    with np.errstate(all="ignore"):
        return sum(terms[1:], terms[0])
