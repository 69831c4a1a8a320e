"""Text for numbers, arrays, constants and names, as pictures and the terminal show them; see `tracer.numbers_text`."""

from __future__ import annotations

from tracer.numbers_text import (
    CONSTANT_LIMIT,
    addends,
    clean,
    constant,
    factors,
    index,
    is_array,
    is_finite,
    largest,
    norm,
    norms,
    number,
    shape,
    shorten,
    summary,
    worst,
    worst_index,
)

NAME_LIMIT = 32

__all__ = [
    "CONSTANT_LIMIT",
    "addends",
    "clean",
    "constant",
    "factors",
    "index",
    "is_array",
    "is_finite",
    "largest",
    "name",
    "norm",
    "norms",
    "number",
    "shape",
    "shorten",
    "summary",
    "worst",
    "worst_index",
]


def name(text: str) -> str:
    """Make a user's name fit to be drawn."""
    return shorten(clean(text), NAME_LIMIT)
