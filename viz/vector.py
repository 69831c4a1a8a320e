"""Geometry -> SVG: real text, attributes instead of style sheets, and a tooltip on every shape and wire."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING

from viz import theme
from viz.geometry import PlacedShape, PlacedText, PlacedWire, Rect, arrowhead, corners, turn_head

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from viz.geometry import Geometry, PlacedGroup, PlacedSpark
    from viz.theme import Role, Stroke


ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
NOT_XML = re.compile("[^\t\n\\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
MINUS_ZERO = re.compile(r"-0(?![.\d])")
has_entity = re.compile("[&<>\"']").search


def write(geometry: Geometry, *, marked: bool = False) -> str:
    """Return the picture as an SVG document; the same geometry gives the same text.

    With marks, each shape and wire says which node or edge it stands for, for a page that decides how large it is.
    """
    return "".join(pieces(geometry, marked=marked))


def pieces(geometry: Geometry, *, marked: bool = False) -> Iterator[str]:
    """Write the document part by part: that of a large picture fits into no memory."""
    for element in _elements(geometry, marked=marked):
        yield f"{element}\n"


def _elements(geometry: Geometry, *, marked: bool) -> Iterator[str]:
    width, height = _number(geometry.width), _number(geometry.height)
    start = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        f' font-family="{theme.FONT_FAMILY}" role="img"'
    )
    yield start + (">" if marked else ' style="max-width:100%;height:auto">')
    yield f"<title>{escape(_plain(geometry.title))}: the gradient on every edge</title>"
    yield f'<rect width="{width}" height="{height}" fill="{theme.PAPER}"/>'
    yield _text(geometry.title)
    yield from map(_text, geometry.row_titles)
    for group in geometry.groups:
        yield _group(group, _mark(group=group.number) if marked else "")
    for wire in geometry.wires:
        yield _wire(wire, _mark(edge=wire.edge) if marked else "")
    for shape in geometry.shapes:
        yield _shape(shape, _mark(shape.node, shape.edge) if marked else "")
    yield '<g class="legend">'
    for entry in geometry.legend:
        if isinstance(entry, PlacedText):
            yield _text(entry)
        else:
            yield _wire(entry) if isinstance(entry, PlacedWire) else _shape(entry)
    yield "</g>"
    yield "</svg>"


def escape(text: str) -> str:
    """Make a string fit for XML text and attributes; what XML has no character for is left out."""
    if has_entity(text):
        text = text.translate(ENTITIES)
    return text if text.isprintable() and text.isascii() else NOT_XML.sub("", text)


def _number(value: float) -> str:
    """Write a coordinate with a tenth of a pixel."""
    text = f"{value:.1f}"
    return "0" if text == "-0.0" else text.removesuffix(".0")


def _plain(text: PlacedText) -> str:
    return "".join(run for _, run, _ in text.runs)


@cache
def _stroke(stroke: Stroke) -> str:
    dashes = f' stroke-dasharray="{",".join(map(_number, stroke.dashes))}"' if stroke.dashes else ""
    return f'stroke="{stroke.colour}" stroke-width="{_number(stroke.width)}"{dashes}'


def _title(tooltip: str) -> str:
    return f"<title>{escape(tooltip)}</title>" if tooltip else ""


def _text(text: PlacedText, *, is_calm: bool = False) -> str:
    spans = []
    for offset, run, role in text.runs:
        place = f' x="{_number(text.x + offset)}"' if offset else ""
        spans.append(f'<tspan class="{role}"{place} {_font(role, is_calm)}>{escape(run)}</tspan>')
    start = f'x="{_number(text.x)}" y="{_number(text.baseline)}"'
    return f'<text {start} xml:space="preserve">{"".join(spans)}</text>'


@cache
def _font(role: Role, is_calm: bool) -> str:
    style = theme.TEXT[role]
    weight = ' font-weight="bold"' if style.bold else ""
    colour = theme.calm(style.colour) if is_calm else style.colour
    return f'fill="{colour}" font-size="{_number(style.size)}"{weight}'


def _texts(texts: Sequence[PlacedText], *, is_calm: bool = False) -> str:
    return "".join(_text(text, is_calm=is_calm) for text in texts)


def _mark(node: int = -1, edge: int = -1, group: int = -1) -> str:
    numbers = {"node": node, "edge": edge, "group": group}
    return "".join(f' data-{kind}="{number}"' for kind, number in numbers.items() if number >= 0)


def _emphasis(placed: PlacedShape | PlacedWire) -> str:
    """Name in a class what somebody asked to see, and what is calm beside it."""
    return (f" {placed.mark}-mark" if placed.mark else "") + (" is-calm" if placed.is_calm else "")


def _group(group: PlacedGroup, mark: str = "") -> str:
    rect = _rect(group.rect, theme.GROUP_FILL, theme.GROUP, 8)
    return f'<g class="scope"{mark}>{rect}{_text(group.title)}</g>'


def _rect(rect: Rect, fill: str, stroke: Stroke, corner: float) -> str:
    return (
        f'<rect x="{_number(rect.x)}" y="{_number(rect.y)}" width="{_number(rect.width)}"'
        f' height="{_number(rect.height)}" rx="{_number(corner)}" fill="{fill}" {_stroke(stroke)}/>'
    )


def _polygon(points: Sequence[tuple[float, float]], fill: str, stroke: str) -> str:
    places = " ".join(f"{_number(x)},{_number(y)}" for x, y in points)
    return f'<polygon points="{places}" fill="{fill}" {stroke}/>'


def _shape(shape: PlacedShape, mark: str = "") -> str:
    outline = theme.outline(shape.state, shape.mark)
    outline = theme.faded(outline) if shape.is_calm else outline
    ink = _ink(shape, outline)
    if shape.count > 1:
        ink = _ink(replace(shape, rect=shape.rect.moved(theme.PILE, -theme.PILE)), outline) + ink
    texts = _texts((*shape.inside, *shape.beside), is_calm=shape.is_calm)
    texts += "".join(map(_spark, shape.sparks))
    kinds = f"{shape.shape} {shape.state}{_emphasis(shape)}"
    return f'<g class="{kinds}"{mark}>{_title(shape.tooltip)}{ink}{texts}</g>'


def _ink(shape: PlacedShape, outline: Stroke) -> str:
    """Return the outline of a shape as SVG."""
    rect, fill = shape.rect, theme.fill(shape.shape, shape.state, outline)
    if shape.shape in ("input", "output"):
        return _rect(rect, fill, outline, theme.CORNER if shape.shape == "input" else 0)
    if shape.shape == "call":
        return _rect(rect, fill, theme.dashed(outline), 8)
    middle_x, middle_y = rect.x + rect.width / 2, rect.y + rect.height / 2
    if shape.shape == "function":
        radii = f'rx="{_number(rect.width / 2)}" ry="{_number(rect.height / 2)}"'
        return f'<ellipse cx="{_number(middle_x)}" cy="{_number(middle_y)}" {radii} fill="{fill}" {_stroke(outline)}/>'
    if shape.shape == "cut":
        return "".join(
            f'<path d="M{_number(x)} {_number(rect.y + rect.height)}L{_number(x + 5)} {_number(rect.y)}"'
            f" {_stroke(theme.Stroke(theme.INK, 1.8))}/>"
            for x in (rect.x, rect.x + 5)
        )
    return _polygon(corners(shape), fill, _stroke(outline))


def _wire(wire: PlacedWire, mark: str = "") -> str:
    points, head = arrowhead(wire)
    stroke = theme.wire(wire.state, wire.mark)
    stroke = theme.faded(stroke) if wire.is_calm else stroke
    path = f'<path d="{_path(points)}" fill="none" {_stroke(stroke)}/>'
    kind = "stub" if wire.is_stub else "wire"
    tips = "".join(
        _polygon(each, stroke.colour, 'stroke="none"') for each in (head, turn_head(wire)) if each
    )
    texts = _texts(wire.texts, is_calm=wire.is_calm) + "".join(map(_spark, wire.sparks))
    return f'<g class="{kind} {wire.state}{_emphasis(wire)}"{mark}>{_title(wire.tooltip)}{path}{tips}{texts}</g>'


def _path(points: Sequence[Sequence[float]]) -> str:
    """Write a Bézier path: all its numbers at once, and each as `_number` writes it."""
    text = _path_form(len(points)) % tuple(chain.from_iterable(points))
    text = text.replace(".0 ", " ").replace(".0C", "C").removesuffix(".0")
    return text if "-0" not in text else MINUS_ZERO.sub("0", text)


@cache
def _path_form(points: int) -> str:
    return "M%.1f %.1f" + (points - 1) // 3 * "C%.1f %.1f %.1f %.1f %.1f %.1f"


def _spark(placed: PlacedSpark) -> str:
    """Return a curve over its runs as SVG, with a ring or a dashed line at zeros and a cross at what is not finite."""
    rect, mark = placed.rect, theme.SPARK_MARK
    out = [_rect(rect, theme.PAPER, theme.SPARK_FRAME, 0)]
    for curve in placed.spark.curves:
        places = [placed.at(place) for place in curve]
        if len(places) == 1:
            out.append(_circle(*places[0], 2.0, f'fill="{theme.SPARK.colour}"'))
            continue
        points = " ".join(f"{_number(x)},{_number(y)}" for x, y in places)
        out.append(f'<polyline points="{points}" fill="none" {_stroke(theme.SPARK)}/>')
    for first, last in placed.spark.zeros:
        if first == last:
            ring = f'fill="{theme.PAPER}" {_stroke(theme.WIRE["plain"])}'
            out.append(_circle(*placed.at((first, 1.0)), mark, ring))
            continue
        (left, y), (right, _) = placed.at((first, 1.0)), placed.at((last, 1.0))
        out.append(
            f'<path d="M{_number(left)} {_number(y)}L{_number(right)} {_number(y)}" {_stroke(theme.SPARK_ZEROS)}/>'
        )
    for across in placed.spark.bad:
        x, y = placed.at((across, 0.0))
        for left, right in ((-mark, mark), (mark, -mark)):
            out.append(
                f'<path d="M{_number(x + left)} {_number(y - mark)}L{_number(x + right)} {_number(y + mark)}"'
                f" {_stroke(theme.Stroke(theme.RED, 2.0))}/>"
            )
    return f'<g class="series">{"".join(out)}</g>'


def _circle(x: float, y: float, radius: float, ink: str) -> str:
    return f'<circle cx="{_number(x)}" cy="{_number(y)}" r="{_number(radius)}" {ink}/>'
