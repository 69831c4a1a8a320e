"""How wide a string is in DejaVu Sans, from a table of glyph advances; no font library is imported.

`viz.layout` gives every box and label a fixed size with it, before any format is written. The table
`glyph_advances.json` is made from the fonts that matplotlib bundles; `tests/test_viz_text_size.py` compares
the two and rewrites the table when it is run as a script.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

LINE_HEIGHT = 1.24
ASCENT = 0.93  # the top of a line above its baseline; the rest of the line height is below
MISSING = 1.3  # glyphs that come from another font, in em: an emoji is wider than an ideograph's 1.0


class _Advances(dict[str, float]):
    """Advances by character."""

    def __missing__(self, _: str) -> float:
        return MISSING


@cache
def advances(face: str) -> _Advances:
    """Return character -> advance in em of the `regular` or the `bold` face."""
    table = json.loads(resources.files("viz").joinpath("glyph_advances.json").read_text("ascii"))
    em = table["units_per_em"]
    return _Advances(
        (chr(int(first) + offset), units / em)
        for first, run in table[face].items()
        for offset, units in enumerate(run)
    )


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of one line of text at a font size, both in pixels; kerning is left out."""
    known = advances("bold" if bold else "regular")
    return size * sum(map(known.__getitem__, text))


def missing_glyphs(text: str) -> set[str]:
    """Return the characters that DejaVu Sans can't draw."""
    known = advances("regular")
    return {character for character in text if character not in known}
