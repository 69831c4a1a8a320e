"""Write docs/gallery.md and docs/plots.md with their pictures, and those of the README: python tests/gallery_page.py.

What a picture says is its sample's; how it looks depends on the versions of what lays it out and draws it. So a PNG
keeps the texts that are drawn in it and the layout engine that placed them, for the test: it compares the texts, and
where the engine is the same, a small copy of what is seen.
"""

from __future__ import annotations

import io
import re
from importlib import metadata
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from rolled_programs import rolled_trace
from test_samples import trace_of

import viz
from viz import plots, raster
from viz.diagram import diagram
from viz.export import picture
from viz.layout import geometry
from viz.samples import samples

if TYPE_CHECKING:
    from viz.samples import Sample

DOCS = Path(__file__).parent.parent / "docs"
GALLERY, PLOTS = DOCS / "gallery.md", DOCS / "plots.md"
COLOURS = 96  # of a PNG, which is a quarter as large so; a picture has a dozen, and shades at the edges of letters
SMALL = 8  # pixels of a picture are one of its small copy
IN_README = {"residual": lambda: trace_of("residual"), "remember": lambda: rolled_trace("remember")}
NOISE = 1e-9  # what is left of numbers that cancel is another number on another machine
PLOTTED = {  # kind: sample and name
    "flow": ("attention", None),
    "histogram": ("resnet", None),
    "sum": ("rnn", "W_hh"),
    "time": ("newton", "root"),
}
_ABOUT = {
    "flow": "Every edge at its backward step, from the output on the left to the inputs on the right. The line is "
    "the way that most of one input's gradient came: of the one whose gradient differs most in size from "
    "the seed, or of the NAME that you give. Beneath, what each operation on that way made of it; the "
    "factors multiply to the one in the heading. A gradient that vanishes or explodes shows where, and at "
    "which line.",
    "histogram": "The sizes on the edges into each function's operations; by line, where there is one function alone. "
    "What no log axis holds, zeros and NaN, is counted beside.",
    "sum": "The terms of a splitter's sum in the order in which they came back, each from where the one before "
    "it ended: the twelve largest by line and turn, the rest as one. Terms to the left are hatched. An "
    "array is told by shares: the part of each term along the whole, which add up to 100 %.",
    "time": "The gradient of each value that a variable was given, turn by turn; of a value that is used again "
    "and again, such as a weight, of each use. Without NAME, the variables that a loop carries from turn "
    "to turn; up to four names, or a line: `model.py:12`.",
}
_GALLERY_HEAD = """# Gallery

Each sample as `edgegrad samples NAME -o NAME.png` draws it. Written by `python tests/gallery_page.py`; the suite fails
where a picture says something else than its sample.
"""
_PLOTS_HEAD = """# Plots

`t.plot(kind, name)` returns a matplotlib `Figure`; `edgegrad plot TRACE [KIND] [NAME…] -o OUT` writes a .png, .svg or
.pdf. Without a kind it is `time` for a function with a loop, else `flow`. Sizes are |gradient|, of an array its
Euclidean norm, on a log axis, or on one from 0 where all are the same. Letters have 8 points where a figure is as wide
as a printed column (3.5 inches), and nothing is told by colour alone. A long run is drawn in bins, as a band from the
least to the most: a million operations take a second.

```python
figure = rnn.last_trace.plot("time", ["h", "c"])
figure.axes[0].set_ylim(1e-9, 1)  # an ordinary figure: change what you like
figure.savefig("h.pdf")
```

These are written by `python tests/gallery_page.py`.
"""


def picture_path(name: str) -> Path:
    """Return where the picture of a sample is kept."""
    return DOCS / "gallery" / f"{name}.png"


def plot_path(kind: str) -> Path:
    """Return where the example of a kind of plot is kept."""
    return DOCS / "plots" / f"{kind}.svg"


def readme_path(name: str) -> Path:
    """Return where a picture of the README is kept."""
    return DOCS / f"{name}.svg"


def gallery_text() -> str:
    """Return the page of all samples."""
    parts = [
        f"\n## {sample.name}\n\n{_told(sample)}\n\n![The graph of {sample.name}](gallery/{sample.name}.png)\n"
        for sample in samples()
    ]
    return _GALLERY_HEAD + "".join(parts)


def _told(sample: Sample) -> str:
    told = f"{sample.title} Look for: {sample.look_for}".replace("*", r"\*")
    return fill(told, 118)


def plots_text() -> str:
    """Return the page of all kinds of plot."""
    parts = []
    for kind, (sample, name) in PLOTTED.items():
        asked = f"edgegrad plot {sample}.trace {kind}{f' {name}' if name else ''} -o {kind}.svg"
        parts.append(
            f"\n## {kind}\n\n{fill(_ABOUT[kind], 118)}\n\n```\n{asked}\n```\n\n![{kind} of {sample}](plots/{kind}.svg)\n"
        )
    return _PLOTS_HEAD + "".join(parts)


def texts_of_sample(name: str) -> set[str]:
    """Return the lines of text that a sample's picture must have, whatever lays it out."""
    drawn = diagram(trace_of(name))
    told = [(box.lines, box.caption, box.lead.above, box.lead.below) for box in drawn.boxes]
    told += [(arrow.label.above, arrow.label.below) for arrow in drawn.arrows]
    lines = [line for parts in told for part in parts for line in part]
    return {_steady("".join(span.text for span in line)) for line in lines}


def texts_in_picture(path: Path) -> set[str]:
    """Return the lines of text in a picture."""
    with Image.open(path) as image:
        return set(image.text["Description"].splitlines())


def engine_of(path: Path) -> str:
    """Return what laid a picture out."""
    with Image.open(path) as image:
        return image.text["Layout"]


def engine() -> str:
    """Return what lays pictures out here."""
    try:
        return f"graphviz-pure {metadata.version('graphviz-pure')}"
    except metadata.PackageNotFoundError:
        return "another"


def small_copy(png: bytes) -> np.ndarray:
    """Return a picture in grey, small enough that neither shades nor the shapes of letters matter."""
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("L").reduce(SMALL), np.float64)


def rendered(name: str) -> tuple[bytes, set[str]]:
    """Return the picture of a sample as a PNG of all colours, and the lines of text in it."""
    placed = geometry(picture(trace_of(name))[0])
    texts = [text for wire in placed.wires for text in wire.texts]
    texts += [text for shape in placed.shapes for text in (*shape.inside, *shape.beside)]
    lines = {_steady("".join(run for _, run, _ in text.runs)) for text in texts}
    return raster.write(placed, "png")[0], lines


def _write_picture(name: str) -> None:
    png, lines = rendered(name)
    told = PngInfo()
    told.add_itxt("Description", "\n".join(sorted(lines)))
    told.add_text("Layout", engine())
    _in_few_colours(png).save(picture_path(name), optimize=True, pnginfo=told)


def _in_few_colours(png: bytes) -> Image.Image:
    """Return a picture in its most frequent colours, so that paper and ink stay what they are."""
    with Image.open(io.BytesIO(png)) as image:
        pixels = np.asarray(image.convert("RGB"), np.uint32)
    codes = (pixels[..., 0] << 16) | (pixels[..., 1] << 8) | pixels[..., 2]
    counts = np.bincount(codes.ravel(), minlength=1 << 24)
    found = np.flatnonzero(counts)
    parts = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1)
    kept = parts[np.argsort(-counts[found], kind="stable")[:COLOURS]]
    nearest = np.zeros(1 << 24, np.uint8)
    nearest[found] = np.square(parts[:, None] - kept).sum(axis=2).argmin(axis=1)
    flat = Image.fromarray(nearest[codes], "P")
    flat.putpalette(kept.ravel().tolist())
    return flat


def texts_of_plot(kind: str) -> list[str]:
    """Return the texts of an example, from its figure."""
    sample, name = PLOTTED[kind]
    figure = plots.plot(trace_of(sample), kind, name)
    texts = [*figure.texts]
    for axes in figure.axes:
        texts += [*axes.texts, *axes.get_yticklabels(), axes.xaxis.label]
    return [_steady(text.get_text()) for text in texts if text.get_text()]


def texts_in_plot(path: Path) -> set[str]:
    """Return the texts of a plot: matplotlib draws letters as outlines, and says in comments what they are."""
    return set(map(_steady, re.findall(r"<!-- (.*?) -->", path.read_text("utf-8"))))


def _steady(text: str) -> str:
    """Leave out numbers that are what is left of larger ones."""
    text = " ".join(text.split())
    return re.sub(r"−?[\d.]+e[-+]\d+", lambda match: "~0" if _is_noise(match[0]) else match[0], text)


def _is_noise(number: str) -> bool:
    return abs(float(number.replace("−", "-"))) < NOISE


def write() -> None:
    """Write both pages and all pictures."""
    for name, make in IN_README.items():
        readme_path(name).write_text(viz.svg(make()), encoding="utf-8")
    for folder in ("gallery", "plots"):
        (DOCS / folder).mkdir(exist_ok=True)
    for sample in samples():
        _write_picture(sample.name)
    for kind, (sample, name) in PLOTTED.items():
        plots.save(plots.plot(trace_of(sample), kind, name), plot_path(kind))
    GALLERY.write_text(gallery_text(), encoding="utf-8")
    PLOTS.write_text(plots_text(), encoding="utf-8")


if __name__ == "__main__":
    write()
