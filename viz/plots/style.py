"""The house style of plots: the colours of `viz.theme`, told apart in grey too; text of 8 points in a printed column.

A figure is 4.8 inches wide with letters of 11 points, and so at the 3.5 inches of a column with letters of 8.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.ticker import (
    FixedLocator,
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    NullLocator,
)

from viz import labels, theme
from viz.text_size import missing_glyphs, text_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.trace import Trace
    from viz.plots.series import Series

WIDTH = 4.8
POINTS = 11.0
NAME_LIMIT = 28
HOUSE = {
    "font.family": ["DejaVu Sans"],
    "font.size": POINTS,
    "axes.labelsize": POINTS,
    "axes.titlesize": POINTS,
    "xtick.labelsize": POINTS,
    "ytick.labelsize": POINTS,
    "figure.facecolor": theme.PAPER,
    "axes.facecolor": theme.PAPER,
    "text.color": theme.INK,
    "axes.labelcolor": theme.INK,
    "axes.edgecolor": theme.GREY,
    "xtick.color": theme.GREY,
    "ytick.color": theme.GREY,
    "xtick.labelcolor": theme.INK,
    "ytick.labelcolor": theme.INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
LINES: tuple[dict[str, Any], ...] = (  # by series: colour, dashes and marks, each enough to tell them apart
    {"color": theme.RED, "linestyle": "-", "marker": "o"},
    {"color": theme.INK, "linestyle": (0, (5, 2)), "marker": "s"},
    {"color": theme.GREEN, "linestyle": (0, (1, 1.5)), "marker": "^"},
    {"color": theme.GREY, "linestyle": (0, (5, 2, 1, 2)), "marker": "D"},
)
MARKED = 60  # points of a line that each get a mark
_SMALLEST, _LARGEST = 5e-324, 1.7e308
_LEAST_POWER = -307  # smaller numbers have fewer digits
_LEAST_LEVEL = -290.0  # powers of ten: smaller ones have no linear axis
_SAME = 1e-9  # powers of ten between sizes that differ by roundings alone
_STEPS = (1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 400)  # decades from label to label
_BETWEEN = (
    (1, 2, 5),
    (1, 1.5, 2, 3, 4, 5, 7),
    tuple(tenths / 10 for tenths in range(10, 100)),
)  # digits of labels where an axis has fewer than two decades
TOTAL = "sum"  # the row that adds up the others
SIDE = 0.1  # inches of empty paper at the left and the right
LINE = 0.21  # inches that a line of text takes
ROW = 0.26  # inches that a line of a list takes
TALL = 2.2  # inches that an axis of sizes takes
AXIS = 0.55  # inches that the labels of an axis and its name take
TOP = 0.66  # inches that the headline takes


class Plot(Figure):
    """A matplotlib figure that a notebook shows, whether pyplot is there or not."""

    def _repr_png_(self) -> bytes:
        import io  # noqa: PLC0415  (for notebooks alone)

        out = io.BytesIO()
        self.savefig(out, format="png", dpi=110)
        return out.getvalue()


def shown(text: str, limit: int = NAME_LIMIT) -> str:
    """Make a user's text fit to stand in a plot: one line, not too long, each sign in the font."""
    cut = labels.shorten(labels.clean(text), limit)
    missing = missing_glyphs(cut)
    return "".join("□" if sign in missing else sign for sign in cut) if missing else cut


def inches(text: str, *, bold: bool = False) -> float:
    """Return how wide a line of text is."""
    return text_width(text, POINTS, bold=bold) / 72


def headline(figure: Figure, text: str, remark: str) -> None:
    """Write what a plot shows, and beneath what its numbers are, in the margin that `settle` leaves at the top."""
    height = figure.get_size_inches()[1]
    looks: tuple[dict[str, Any], ...] = ({"fontweight": "bold"}, {"color": theme.GREY})
    for number, (line, look) in enumerate(zip((text, remark), looks, strict=True)):
        depth = 0.06 + number * LINE
        figure.text(SIDE / WIDTH, 1 - depth / height, line, va="top", parse_math=False, **look)


def settle(axes: Any, top: float, height: float, right: float = SIDE) -> None:
    """Place axes so many inches below the top of the figure, their labels on the left as wide as they are."""
    total = axes.figure.get_size_inches()[1]
    axis = axes.yaxis
    texts = [label.get_text() for label in axis.get_ticklabels()]
    widest = max((inches(text, bold=text == TOTAL) for text in texts), default=0.0)
    left = SIDE + widest + 0.1
    bounds = (left / WIDTH, 1 - (top + height) / total, (WIDTH - left - right) / WIDTH, height / total)
    axes.set_position(bounds)


def write(axes: Any, x: float, y: float, text: str, **style: Any) -> Any:
    """Write a text that is never read as mathematics."""
    return axes.text(x, y, text, **{"parse_math": False, "va": "center", **style})


def log_scale(axes: Any, series: Sequence[Series]) -> None:
    """Give an axis of sizes its limits and a few labels, with room for what no log axis holds.

    Where all sizes are one, it is no log axis but one from 0.
    """
    bounds = [bound for each in series for bound in _bounds(each)]
    low, high = (math.log10(min(bounds)), math.log10(max(bounds))) if bounds else (-1.0, 1.0)
    if (
        bounds
        and high - low < _SAME
        and _LEAST_LEVEL < low < -_LEAST_LEVEL
        and not any(len(each.zeros) or len(each.broken) for each in series)
    ):
        _level(axes, bounds[0])
        return
    has_zeros = any(len(each.zeros) for each in series)
    is_broken = any(len(each.broken) for each in series)
    span = max(high - low, 0.3)
    least = max(low - span * (0.28 if has_zeros else 0.06), math.log10(_SMALLEST))
    most = min(high + span * (0.28 if is_broken else 0.06), math.log10(_LARGEST))
    axes.set_yscale("log")
    axes.set_ylim(10.0**least, 10.0**most)
    label_decades(axes.yaxis, least, most)


def _level(axes: Any, size: float) -> None:
    """Give an axis of one size its limits: from 0, so that what is constant is no chance part of a scale."""
    axes.set_ylim(0.0, 1.3 * size)
    axes.yaxis.set_major_locator(FixedLocator([0.0, size]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda size, _: labels.rounded(size, 3)))


def _bounds(series: Series) -> list[float]:
    numbers = [each for each in (*series.least.tolist(), *series.most.tolist()) if each == each]  # noqa: PLR0124
    return [min(numbers), max(numbers)] if numbers else []


def label_decades(axis: Any, least: float, most: float, count: int = 5) -> None:
    """Label at most so many powers of ten; where there are fewer than two on an axis, numbers between them."""
    first, last = math.ceil(max(least, _LEAST_POWER)), math.floor(most)
    axis.set_minor_locator(NullLocator())
    if last > first:
        step = next(step for step in _STEPS if last // step - -(-first // step) < count)
        places = [10.0**power for power in range(-(-first // step) * step, last + 1, step)]
        if last - first < 4:
            axis.set_minor_locator(LogLocator(subs=(2, 3, 4, 5, 6, 7, 8, 9), numticks=99))
    else:
        powers = range(math.floor(least), last + 1)
        for digits in _BETWEEN:
            places = [digit * 10.0**power for power in powers for digit in digits]
            places = [place for place in places if least <= math.log10(place) <= most]
            if len(places) > 1:
                break
        places = places[:: -(-len(places) // count)]
    axis.set_major_locator(FixedLocator(places))
    axis.set_major_formatter(FuncFormatter(lambda size, _: labels.rounded(size, 2)))
    axis.set_minor_formatter(NullFormatter())


def count_along(axis: Any) -> None:
    """Label an axis that counts with whole numbers."""
    axis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axis.set_major_formatter(FuncFormatter(lambda count, _: labels.short_count(count)))


def list_rows(axes: Any, names: Sequence[str], numbers: Sequence[str], alarms: Sequence[bool]) -> float:
    """Name the rows of bars on the left, and on the right write their numbers; return the inches that those take.

    A column of its own keeps the numbers clear of every bar.
    """
    axes.set_yticks(range(len(names)), [shown(name) for name in names], parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.axvline(0, color=theme.INK, linewidth=1)
    widest = 0.0
    for place, (text, is_alarm, label) in enumerate(
        zip(numbers, alarms, axes.get_yticklabels(), strict=True)
    ):
        is_bold = is_alarm or names[place] == TOTAL
        label.set_fontweight("bold" if names[place] == TOTAL else "normal")
        colour, weight = theme.RED if is_alarm else theme.INK, "bold" if is_bold else "normal"
        write(axes, 1.0, place, text, transform=axes.get_yaxis_transform(), color=colour, fontweight=weight)
        widest = max(widest, inches(text, bold=is_bold))
    return widest + SIDE


def bar(axes: Any, place: int, start: float, length: float) -> None:
    """Draw a bar to the right, filled, or to the left, hatched: told apart in grey too."""
    look = {"color": theme.PAPER, "hatch": "////"} if length < 0 else {"color": theme.SOFT_RED}
    axes.barh(place, length, 0.62, left=start, edgecolor=theme.RED, linewidth=0.8, **look)


def mark_what_has_no_size(axes: Any, series: Sequence[Series], colours: Sequence[str]) -> None:
    """Mark zeros on the lower edge and NaN and infinity on the upper one, and say how many there are."""
    across = axes.get_xaxis_transform()
    zeros, broken = (
        sum(counts) for counts in zip(*((s.zero_count, s.broken_count) for s in series), strict=True)
    )
    for each, colour in zip(series, colours, strict=True):
        line = {"transform": across, "linestyle": "none", "clip_on": False}
        axes.plot(each.zeros, [0.03] * len(each.zeros), marker="o", mfc="white", mec=colour, ms=4.5, **line)
        axes.plot(each.broken, [0.97] * len(each.broken), marker="X", color=theme.RED, ms=7, **line)
    if zeros:
        write(axes, 1.0, 0.1, f"○ zero: {zeros:,}", transform=axes.transAxes, ha="right", color=theme.GREY)
    if broken:
        style = {"ha": "right", "color": theme.RED, "fontweight": "bold"}
        write(axes, 1.0, 0.9, f"✖ NaN or infinite: {broken:,}", transform=axes.transAxes, **style)


def spread(places: Sequence[float], gap: float, low: float = 0.0, high: float = 1.0) -> list[float]:
    """Move places apart until each two are a gap from each other, in their order and within bounds where that fits."""
    order = sorted(range(len(places)), key=places.__getitem__)
    moved = [min(max(place, low), high) for place in places]
    for _ in range(2):
        for before, after in pairwise(order):
            moved[after] = max(moved[after], moved[before] + gap)
        if order and moved[order[-1]] > high:
            moved[order[-1]] = high
            for after, before in pairwise(reversed(order)):
                moved[before] = min(moved[before], moved[after] - gap)
    return moved


def by_norm(trace: Trace) -> str:
    """Say what the size of an array is, where there are any."""
    return ", of an array its norm" if len(trace.graph.wide_rows) else ""
