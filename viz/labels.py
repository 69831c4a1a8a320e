"""Text for numbers, arrays, constants and names, as pictures and the terminal show them; see `tracer.numbers_text`."""

from __future__ import annotations

from typing import Any

import numpy as np

from tracer.numbers_text import (
    CONSTANT_LIMIT,
    LARGEST_TERMS,
    addends,
    addition,
    clean,
    constant,
    index,
    is_array,
    is_finite,
    largest,
    memory,
    norm,
    norm_of,
    norms,
    number,
    product,
    rounded,
    shape,
    short_count,
    shorten,
    shorten_text,
    summary,
    worst,
    worst_index,
)

NAME_LIMIT = 32
_FIRST = 3  # numbers of an index; of several, one less of each

_SUPERSCRIPTS = str.maketrans("0123456789−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")

__all__ = [
    "CONSTANT_LIMIT",
    "LARGEST_TERMS",
    "addends",
    "addition",
    "clean",
    "constant",
    "index",
    "is_array",
    "is_finite",
    "largest",
    "memory",
    "name",
    "norm",
    "norm_of",
    "norms",
    "number",
    "product",
    "rounded",
    "shape",
    "short_count",
    "shorten",
    "shorten_text",
    "subscript",
    "summary",
    "superscript",
    "worst",
    "worst_index",
]


def name(text: str) -> str:
    """Make a user's name fit to be drawn."""
    return shorten(clean(text), NAME_LIMIT)


def subscript(position: Any) -> str:
    """Write an index as it stands in the source: [2:], [:, 0], [i] with its number; [[1, 0, 2, …]], [mask 2 of 5]."""
    parts = position if isinstance(position, tuple) else (position,)
    arrays = sum(is_array(part) for part in parts)
    told = ", ".join(_part(part, _FIRST if arrays == 1 else _FIRST - 1) for part in parts)
    return f"[{shorten(clean(told), 2 * CONSTANT_LIMIT - 2)}]"


def _part(part: Any, first: int) -> str:
    if is_array(part) and np.ndim(part):
        if part.dtype.kind == "b":
            return f"mask {np.count_nonzero(part):,} of {part.size:,}"
        if np.ndim(part) == 1 and part.size:
            more = ", …" if part.size > first + 1 else ""
            shown = part if not more else part[:first]
            return f"[{', '.join(map(number, shown.tolist()))}{more}]"
        return f"array {shape(part)}"
    return "..." if part is Ellipsis else constant(part)


def superscript(value: Any) -> str:
    """Write a whole exponent above the line, ² or ⁻¹; empty for what has no such characters."""
    text = number(value) if isinstance(value, (int, float, complex, np.number)) else ""
    return (
        text.translate(_SUPERSCRIPTS) if all(ord(character) in _SUPERSCRIPTS for character in text) else ""
    )
