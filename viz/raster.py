"""Geometry -> PNG and PDF, by matplotlib's Agg and pdf canvases, without pyplot and without a window."""

from __future__ import annotations

import io
import math
import warnings
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import BoxStyle
from matplotlib.path import Path as Curve
from matplotlib.transforms import Affine2D

from tracer.errors import DrawError
from viz import theme
from viz.geometry import PlacedText, PlacedWire, arrowhead, corners, turn_head
from viz.sizes import item_size, label_size
from viz.text_size import missing_glyphs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.backend_bases import GraphicsContextBase, RendererBase

    from viz.geometry import Geometry, PlacedGroup, PlacedShape, PlacedSpark, Rect
    from viz.parts import Diagram, Place
    from viz.theme import Role, Stroke

INCH = 72.0
SCALE = 2.0  # device pixels a pixel, for sharp text
LEAST_SCALE = 0.55  # text of 12 pixels is then 7 tall: the least that can be read
MOST_PIXELS = 40_000_000
LONGEST_SIDE = 32_000
PDF_LIMIT = 14_400.0  # points: what readers of PDF agree on


def write(geometry: Geometry, kind: str) -> tuple[bytes, tuple[str, ...]]:
    """Return the picture as the bytes of a `png` or a `pdf`, and notes; raises DrawError for too many pixels."""
    longest = max(geometry.width, geometry.height)
    zoom = min(1.0, PDF_LIMIT / longest) if kind == "pdf" else 1.0
    scale = _png_scale(geometry) if kind == "png" else 1.0
    figure = Figure(figsize=(geometry.width * zoom / INCH, geometry.height * zoom / INCH), dpi=INCH * scale)
    figure.add_artist(_Picture(geometry, zoom, zoom * scale))
    out = io.BytesIO()
    # Text is as wide as it was measured only where its outlines are not moved to whole pixels.
    with warnings.catch_warnings(), rc_context({"text.hinting": "none"}):
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        canvas: Any = FigureCanvasAgg(figure) if kind == "png" else FigureCanvasPdf(figure)
        if kind == "png":
            canvas.print_png(out, metadata={"Software": None}, pil_kwargs={"compress_level": 4})
        else:
            canvas.print_pdf(out, metadata={"CreationDate": None, "Producer": None, "Creator": None})
    return out.getvalue(), _notes(geometry, kind, scale)


def refuse_what_no_png_holds(diagram: Diagram) -> None:
    """Raise DrawError where boxes and labels alone have more pixels than a PNG may: before they have got places."""
    sizes = [item_size(box) for box in diagram.boxes]
    sizes += [label_size(arrow.label) for arrow in diagram.arrows]
    area = sum(width * height for width, height in sizes)
    refuse_pixels(area, f"its {len(diagram.boxes):,} boxes and their labels alone have")


def refuse_pixels(area: float, told: str) -> None:
    """Raise DrawError for so many pixels that none can be read at the scale that a PNG may have; `told` has them."""
    if math.sqrt(MOST_PIXELS / max(area, 1.0)) < LEAST_SCALE:
        raise _too_big(f"{told} {area:,.0f} pixels")


def _png_scale(geometry: Geometry) -> float:
    """Choose a scale that keeps within the pixels allowed."""
    area, longest = geometry.width * geometry.height, max(geometry.width, geometry.height)
    scale = min(SCALE, math.sqrt(MOST_PIXELS / area), LONGEST_SIDE / longest)
    if scale >= LEAST_SCALE:
        return scale
    raise _too_big(f"{geometry.width:,.0f} × {geometry.height:,.0f} pixels")


def _too_big(pixels: str) -> DrawError:
    return DrawError(
        "the picture is too big for a PNG",
        got=f"{pixels}; at most {MOST_PIXELS:,} are drawn",
        advice="write .svg or .pdf, which have no pixels",
    )


def _notes(geometry: Geometry, kind: str, scale: float) -> tuple[str, ...]:
    smaller = (f"drawn at {scale:.0%} of its size, as a PNG can't be larger: .svg and .pdf have no pixels",)
    return (*(smaller if scale < 1 else ()), *_missing(geometry, kind))


def _missing(geometry: Geometry, kind: str) -> tuple[str, ...]:
    texts = [text for shape in geometry.shapes for text in (*shape.inside, *shape.beside)]
    texts += [text for wire in geometry.wires for text in wire.texts]
    missing = sorted(set().union(*(missing_glyphs(run) for text in texts for _, run, _ in text.runs)))
    if not missing:
        return ()
    return (
        f"DejaVu Sans has no glyph for {' '.join(missing[:8])}: drawn as boxes in a {kind}, right in an .svg",
    )


class _Picture(Artist):
    """The whole picture as one artist: with one for each line and text, most of the time goes into the artists."""

    def __init__(self, geometry: Geometry, zoom: float, scale: float) -> None:
        super().__init__()
        self.geometry, self.zoom, self.scale = geometry, zoom, scale

    def draw(self, renderer: RendererBase) -> None:
        """Draw it with what matplotlib draws with."""
        _Brush(renderer, self.zoom, self.scale).picture(self.geometry)


class _Brush:
    """Draws by a renderer of matplotlib, in the geometry's pixels."""

    def __init__(self, renderer: RendererBase, zoom: float, scale: float) -> None:
        self.renderer = renderer
        self.scale = scale
        self.height = renderer.get_canvas_width_height()[1]
        self.places = Affine2D().scale(self.scale, -self.scale).translate(0, self.height)
        self.pen = cache(partial(_pen, renderer, zoom))  # a picture has some twenty
        self.font = cache(partial(_font, zoom))

    def picture(self, geometry: Geometry) -> None:
        for title in (geometry.title, *geometry.row_titles):
            self.text(title)
        for group in geometry.groups:
            self.group(group)
        for wire in geometry.wires:
            self.wire(wire)
        for shape in geometry.shapes:
            self.shape(shape)
        for entry in geometry.legend:
            if isinstance(entry, PlacedText):
                self.text(entry)
            elif isinstance(entry, PlacedWire):
                self.wire(entry)
            else:
                self.shape(entry)

    def curve(self, curve: Curve, fill: str, stroke: Stroke | None) -> None:
        self.renderer.draw_path(
            self.pen(stroke), curve, self.places, None if fill == "none" else to_rgb(fill)
        )

    def polygon(self, corners: Sequence[Place], fill: str, stroke: Stroke | None) -> None:
        self.curve(Curve([*corners, corners[0]], closed=True), fill, stroke)

    def line(self, places: Sequence[Place], stroke: Stroke) -> None:
        self.curve(Curve(places), "none", stroke)

    def text(self, text: PlacedText, *, is_calm: bool = False) -> None:
        baseline = text.baseline * self.scale
        if not self.renderer.flipy():
            baseline = self.height - baseline
        for offset, run, role in text.runs:
            if not run:
                continue
            colour = theme.TEXT[role].colour
            pen = self.pen(theme.Stroke(theme.calm(colour) if is_calm else colour, 0))
            self.renderer.draw_text(pen, (text.x + offset) * self.scale, baseline, run, self.font(role), 0)

    def group(self, group: PlacedGroup) -> None:
        self.rectangle(group.rect, theme.GROUP_FILL, theme.GROUP, 8)
        self.text(group.title)

    def rectangle(self, rect: Rect, fill: str, stroke: Stroke, corner: float) -> None:
        style = BoxStyle.Round(pad=0, rounding_size=corner) if corner else BoxStyle.Square(pad=0)
        self.curve(style(rect.x, rect.y, rect.width, rect.height, 1), fill, stroke)

    def shape(self, shape: PlacedShape) -> None:
        if shape.count > 1:
            self.outline(replace(shape, rect=shape.rect.moved(theme.PILE, -theme.PILE)))
        self.outline(shape)
        for text in (*shape.inside, *shape.beside):
            self.text(text, is_calm=shape.is_calm)
        for spark in shape.sparks:
            self.spark(spark)

    def outline(self, shape: PlacedShape) -> None:
        rect, outline = shape.rect, theme.outline(shape.state, shape.mark)
        outline = theme.faded(outline) if shape.is_calm else outline
        fill = theme.fill(shape.shape, shape.state, outline)
        if shape.shape in ("input", "output"):
            self.rectangle(rect, fill, outline, theme.CORNER if shape.shape == "input" else 0)
        elif shape.shape == "call":
            self.rectangle(rect, fill, theme.dashed(outline), 8)
        elif shape.shape == "function":
            self.curve(_ellipse(rect), fill, outline)
        elif shape.shape == "cut":
            for x in (rect.x, rect.x + 5):
                self.line([(x, rect.y + rect.height), (x + 5, rect.y)], theme.Stroke(theme.INK, 1.8))
        else:
            self.polygon(corners(shape), fill, outline)

    def wire(self, wire: PlacedWire) -> None:
        points, head = arrowhead(wire)
        codes = [Curve.MOVETO] + [Curve.CURVE4] * (len(points) - 1)
        stroke = theme.wire(wire.state, wire.mark)
        stroke = theme.faded(stroke) if wire.is_calm else stroke
        self.curve(Curve(points, codes), "none", stroke)
        for each in (head, turn_head(wire)):
            if each:
                self.polygon(each, stroke.colour, None)
        for text in wire.texts:
            self.text(text, is_calm=wire.is_calm)
        for spark in wire.sparks:
            self.spark(spark)

    def spark(self, placed: PlacedSpark) -> None:
        self.rectangle(placed.rect, theme.PAPER, theme.SPARK_FRAME, 0)
        mark = theme.SPARK_MARK
        for curve in placed.spark.curves:
            places = [placed.at(place) for place in curve]
            if len(places) == 1:
                self.curve(Curve.circle(places[0], 2.0), theme.SPARK.colour, None)
            else:
                self.line(places, theme.SPARK)
        for first, last in placed.spark.zeros:
            left, right = placed.at((first, 1.0)), placed.at((last, 1.0))
            if first == last:
                self.curve(Curve.circle(left, mark), theme.PAPER, theme.WIRE["plain"])
            else:
                self.line([left, right], theme.SPARK_ZEROS)
        for across in placed.spark.bad:
            x, y = placed.at((across, 0.0))
            for side in (-mark, mark):
                self.line([(x - side, y - mark), (x + side, y + mark)], theme.Stroke(theme.RED, 2.0))


def _pen(renderer: RendererBase, zoom: float, stroke: Stroke | None) -> GraphicsContextBase:
    """Return what lines are drawn with, and text of their colour."""
    pen = renderer.new_gc()
    pen.set_joinstyle("miter")
    pen.set_linewidth(stroke.width * zoom if stroke else 0)
    if stroke:
        pen.set_foreground(stroke.colour)
        if stroke.dashes:
            pen.set_dashes(0, [length * zoom for length in stroke.dashes])
    return pen


def _font(zoom: float, role: Role) -> FontProperties:
    style = theme.TEXT[role]
    weight = "bold" if style.bold else "normal"
    return FontProperties(family="DejaVu Sans", size=style.size * zoom, weight=weight)


def _ellipse(rect: Rect) -> Curve:
    radii = Affine2D().scale(rect.width / 2, rect.height / 2)
    return Curve.unit_circle().transformed(
        radii.translate(rect.x + rect.width / 2, rect.y + rect.height / 2)
    )
