"""How much room each part of a picture takes, in pixels, before it has a place; for `viz.wrap` and `viz.layout`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from viz import theme
from viz.geometry import TAG_POINT, block

if TYPE_CHECKING:
    from viz.parts import Box, Label

LABEL_PADDING = 7.0  # on both sides of a wire's label
WIRE_CLEARANCE = 3.0  # between a wire and the text above and below it
FORK_GAP = 5.0
CAPTION_GAP = 3.0


def label_size(label: Label) -> tuple[float, float]:
    """Return the size of a wire's label; the wire runs through its middle, so both halves are alike."""
    above, below, spark = block(label.above), block(label.below), spark_size(label)
    half = max(above[1], below[1] + spark[1]) + WIRE_CLEARANCE
    return max(above[0], below[0], spark[0]) + 2 * LABEL_PADDING, 2 * half


def spark_size(label: Label) -> tuple[float, float]:
    """Return the size of a label's curve with its scale, and the gap above it."""
    if label.spark is None:
        return 0.0, 0.0
    width, height = label.spark.size
    scale = block(label.spark.scale)
    return width + theme.SCALE_GAP + scale[0], theme.SPARK_GAP + max(height, scale[1])


def shape_size(box: Box) -> tuple[float, float]:
    """Return the size of a box's own shape, without its lead and its caption."""
    width, height = block(box.lines)
    if box.shape in ("splitter", "broadcast"):
        return theme.FORK_SIZE, theme.FORK_SIZE
    if box.shape == "cut":
        return theme.CUT_SIZE, theme.CUT_SIZE
    if box.shape in ("leaves", "enters"):
        return width + 2 * theme.TAG_PADDING[0] + TAG_POINT, height + 2 * theme.TAG_PADDING[1]
    if box.shape == "call":
        tall = max(height + 2 * theme.BOX_PADDING[1], theme.GATE_STEP * box.wires_in)
        return width + 2 * theme.BOX_PADDING[0], tall
    if box.shape == "function":
        least = theme.UNREACHED_GATE_SIZE if box.state == "unreached" else theme.GATE_SIZE
        tall = max(least, theme.GATE_STEP * box.wires_in)
        is_short = width <= least - 12
        return (least if is_short else width * 1.18 + 16), tall if is_short else max(tall, height + 14)
    return width + 2 * theme.BOX_PADDING[0], height + 2 * theme.BOX_PADDING[1]


def item_size(box: Box) -> tuple[float, float]:
    """Return the room that a box needs in the layout; its wires come in and leave at half its height."""
    width, height = shape_size(box)
    caption = block(box.caption)
    if box.caption:
        width, height = max(width, caption[0]), height + 2 * (caption[1] + CAPTION_GAP)
    if not box.lead.is_empty:
        lead = label_size(box.lead)
        width, height = width + lead[0] + FORK_GAP, max(height, lead[1])
    return width, height
