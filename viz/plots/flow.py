"""The flow: how large gradients are along the backward pass, and what made them so on the way to one value."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.cut_inputs import why_nothing
from tracer.diagnose.explain import one_line
from tracer.diagnose.forest import END
from tracer.diagnose.passes import Passes
from tracer.diagnose.tree import shorten_code
from tracer.errors import UsageError
from tracer.graph import CUT, FUNCTION, NO_SLOT
from tracer.numbers_text import DIGITS, is_finite, number, power_of_ten
from viz import theme
from viz.plots.series import Numbers, Series, series_of
from viz.plots.style import (
    AXIS,
    LINES,
    MARKED,
    NAME_LIMIT,
    ROW,
    SIDE,
    TALL,
    TOP,
    WIDTH,
    Plot,
    bar,
    by_norm,
    count_along,
    headline,
    list_rows,
    log_scale,
    mark_what_has_no_size,
    settle,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.source import Site
    from tracer.trace import Trace
    from viz.plots.series import Column

NAMED_SITES = 6
REST = "the rest"
NOTICEABLE = 0.005  # powers of ten: less is "× 1" and not worth a bar
_PALE = "#c3c7cb"
_ADVICE = "name a value that the output depends on"


@dataclass(frozen=True, slots=True)
class SiteGain:
    """What the passes through one operation of the source made of a gradient, in powers of ten."""

    op: str
    line: int
    passes: int
    change: float
    code: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """Sizes along the backward pass; and of one value, the way that most of its gradient came."""

    edges: Series
    way: Series | None  # None where no input gets a gradient that is finite and not zero
    change: float  # over the way, in powers of ten
    gains: tuple[SiteGain, ...]  # those that changed most, the largest first
    rest: SiteGain | None  # the others together


def flow(trace: Trace, name: str | None = None) -> Flow:
    """Collect the sizes of the gradients by backward step, and the gain by place on the way to one value.

    The value is an input whose gradient is not finite, else the one whose gradient differs most in size from the seed,
    where none is named.
    """
    steps, sizes = trace.steps, trace.edge_statistics.norm
    in_order = np.flatnonzero(steps >= 0)[::-1]  # the last edge fires first
    edges = series_of("", np.arange(len(in_order), dtype=np.float64), sizes[in_order])
    with np.errstate(all="ignore"):
        passes = Passes(trace)
        row = _start(trace, passes, name)
        if row is None:
            return Flow(edges, None, 0.0, (), None)
        edges_of_slots = _edges_of_slots(trace)
        spoiled = _spoiled_way(trace, sizes[edges_of_slots], passes.ways.sizes, row)
        start = int(trace.graph.slot_consumer[spoiled[-1]]) if len(spoiled) else row
        way = passes.ways.rows_from(start)
        uses = edges_of_slots[passes.ways.slots[way]]
        gains, change = _gains(passes, way, sizes[uses])
        if len(spoiled):
            change = float(np.log10(passes.ways.sizes[row]))
            gains.append(SiteGain(passes.name(start), int(trace.sites.place(start).site.line), 1, change))
            way = np.concatenate([trace.recording.operands[spoiled], way])
            uses = np.concatenate([edges_of_slots[spoiled], uses])
    points = np.sort(np.concatenate([uses, _into_splitters(trace, way)]))[::-1]
    label = trace.nodes[int(trace.graph.node_of_row[row])].label
    series = series_of(label or name or "", steps[points].astype(np.float64), sizes[points])
    telling = [each for each in gains if NOTICEABLE <= abs(each.change) < np.inf]
    named = sorted(telling, key=lambda each: -abs(each.change))[:NAMED_SITES]
    others = [each for each in gains if each not in named]
    named += [each for each in others if np.isnan(each.change) or each.change == np.inf]
    others = [each for each in others if each not in named]
    left = sum(each.change for each in others if np.isfinite(each.change))
    rest = SiteGain(REST, 0, sum(each.passes for each in others), left)
    return Flow(edges, series, change, tuple(named), rest if others else None)


def _gains(passes: Passes, way: Numbers, used: Column) -> tuple[list[SiteGain], float]:
    """Return what each place on a way did to a gradient, what the sums of uses did, and what is left in all.

    Where a gradient is so small that no float holds it, what it would be is told by the partials.
    """
    ways = passes.ways
    is_lost = bool((used == 0).any())
    at_operations = ways.sent.copy()
    if not is_lost:
        at_operations[way] = np.log10(used) - np.log10(ways.sizes[ways.following[way]])
    gains = [
        SiteGain(
            each.name, _site(passes, each.row).line, each.passes, each.change, _site(passes, each.row).text
        )
        for each in passes.stretches(way, at_operations, at_operations)
    ]
    if is_lost:
        return gains, float(at_operations[way].sum())
    at_sums = ways.growth[way] - at_operations[way]
    count = int(np.count_nonzero(np.abs(at_sums) >= NOTICEABLE))
    gains.append(SiteGain("sums of uses", 0, count, float(at_sums.sum())))
    return gains, float(ways.growth[way].sum())


def _spoiled_way(trace: Trace, used: Column, sizes: Column, row: int) -> Numbers:
    """Return the slots on the way from a gradient that is not finite to the operation that made it so.

    `used` is by slot the size of what it sends back, `sizes` that of each row's gradient.
    """
    operands = trace.recording.operands
    spoiled = np.flatnonzero((operands >= 0) & ~np.isfinite(used))
    slot_of = np.full(len(sizes), NO_SLOT)
    slot_of[operands[spoiled]] = spoiled
    slots: list[int] = []
    while not np.isfinite(sizes[row]) and slot_of[row] != NO_SLOT:
        slots.append(int(slot_of[row]))
        row = int(trace.graph.slot_consumer[slots[-1]])
    return np.array(slots, np.int64)


def _into_splitters(trace: Trace, rows: Numbers) -> Numbers:
    """Return the edges that bring values with several uses to their splitters."""
    graph = trace.graph
    splitters = graph.node_of_row[rows] + 1
    splitters = splitters[splitters < len(graph.kinds)]
    found: Numbers = graph.first_in[splitters[graph.is_copy(splitters)]].astype(np.int64)
    return found


def _site(passes: Any, row: int) -> Site:
    site: Site = passes.trace.sites.place(int(passes.users[row])).site
    return site


def _start(trace: Trace, passes: Any, name: str | None) -> int | None:
    """Return the row whose way is shown; None where there is none to show."""
    ways = passes.ways
    if name is not None:
        row = trace[name].row
        if row >= 0 and row != trace.output.row and _is_spoiled(trace, row):
            return row
        if row < 0 or row == trace.output.row or ways.following[row] == END:
            raise UsageError(
                f"there is no way back to {name!r}", got=_why_no_way(trace, row), advice=_ADVICE
            )
        return row
    for row in trace.input_rows:
        if row != trace.output.row and _is_spoiled(trace, row):
            return row
    inputs = passes.inputs[np.isfinite(ways.sizes[passes.inputs]) & (passes.inputs != trace.output.row)]
    if not len(inputs):
        return None
    change = np.abs(np.log10(ways.sizes[inputs] / np.linalg.norm(np.ravel(trace.seed_value))))
    if np.isinf(change).any():  # too small for a float, or cancelled: the partials tell which
        change = np.where(np.isinf(change), np.abs(ways.total(ways.gain)[inputs]), change)
    return int(inputs[np.argmax(change)])


def _why_no_way(trace: Trace, row: int) -> str:
    if row == trace.output.row:
        return "it is the output"
    is_reached = row >= 0 and bool(trace.gradients.reached[row])
    return "its gradient is zero" if is_reached else why_nothing(trace, row)


def _is_spoiled(trace: Trace, row: int) -> bool:
    return bool(trace.gradients.reached[row]) and not is_finite(trace.gradients.row(row))


def _edges_of_slots(trace: Trace) -> Numbers:
    """Return, by slot of an operand, the edge that brings it to its operation; -1 for constants."""
    graph = trace.graph
    edges = np.full(len(trace.recording.operands), -1, np.int64)
    kinds = graph.kinds[graph.dst]
    used = np.flatnonzero((graph.slots >= 0) & ((kinds == FUNCTION) | (kinds == CUT)))
    edges[graph.slots[used]] = used
    return edges


def draw_flow(trace: Trace, names: Sequence[str]) -> Plot:
    """Draw the size of each gradient by backward step, and beneath what made it change on the way to one value."""
    found = flow(trace, *names)
    bars = [*found.gains]
    if found.rest is not None and abs(found.rest.change) >= NOTICEABLE:
        bars.append(found.rest)
    lower = ROW * len(bars)
    figure = Plot(figsize=(WIDTH, TOP + TALL + AXIS + (lower + 0.45 if bars else 0.0)))
    axes: Any = figure.add_subplot(2, 1, 1)
    _draw_edges(axes, found.edges)
    if found.way is not None:
        _draw_way(axes, found.way)
    log_scale(axes, [found.edges])
    mark_what_has_no_size(axes, [found.edges], [theme.GREY])
    count_along(axes.xaxis)
    axes.set_xlabel("backward step: output → inputs")
    settle(axes, TOP, TALL)
    what = "all edges, least to most" if found.edges.is_binned else "○ |gradient| of each edge"
    headline(figure, f"{shown(trace.function)}: gradient on its way back", f"{what}{by_norm(trace)}")
    if found.way is not None and bars:
        _draw_gains(figure, found, bars, lower)
    return figure


def _draw_edges(axes: Any, edges: Series) -> None:
    if edges.is_binned:
        axes.fill_between(edges.at, edges.least, edges.most, color=_PALE, linewidth=0)
        axes.plot(edges.at, edges.sizes, color=theme.GREY, linewidth=1.2)
    else:
        look = {"marker": "o", "ms": 4.5, "mfc": _PALE, "mec": theme.GREY, "mew": 0.8}
        axes.plot(edges.at, edges.sizes, linestyle="none", **look)


def _draw_way(axes: Any, way: Series) -> None:
    look = LINES[0] if way.count <= MARKED else {**LINES[0], "marker": ""}
    axes.plot(way.at, way.sizes, linewidth=1.6, markersize=3.5, **look)
    if way.is_binned:
        axes.fill_between(way.at, way.least, way.most, color=theme.RED, alpha=0.3, linewidth=0)


def _draw_gains(figure: Plot, found: Flow, bars: Sequence[SiteGain], height: float) -> None:
    """Draw by what factor each operation on the way changed a gradient: to the left it lost, to the right it gained."""
    assert found.way is not None
    axes: Any = figure.add_subplot(2, 1, 2)
    for place, each in enumerate(bars):
        if np.isfinite(each.change):
            bar(axes, place, 0.0, each.change)
    alarms = [not np.isfinite(each.change) for each in bars]
    factors = [
        f"{'⚠ ' if alarm else ''}× {_factor(each.change)}" for each, alarm in zip(bars, alarms, strict=True)
    ]
    right = list_rows(axes, _names(bars), factors, alarms)
    ends = [0.0, *(each.change for each in bars if np.isfinite(each.change))]
    room = 0.04 * (max(ends) - min(ends)) or 1.0
    axes.set_xlim(min(ends) - room, max(ends) + room)
    top = TOP + TALL + AXIS + 0.3
    settle(axes, top, height, right)
    lost = ", which no float holds" if 10.0**found.change == 0 and np.isfinite(found.change) else ""
    title = f"on the way to {shown(found.way.name)}: × {_factor(found.change)}{lost}"
    depth = (top - 0.04) / figure.get_size_inches()[1]
    look: dict[str, Any] = {"va": "bottom", "color": theme.RED, "fontweight": "bold"}
    figure.text(SIDE / WIDTH, 1 - depth, title, parse_math=False, **look)


def _factor(change: float) -> str:
    return power_of_ten(change, DIGITS) if np.isfinite(change) else number(10.0**change)


def _names(gains: Sequence[SiteGain]) -> list[str]:
    """Name the bars; what has the name of another by its code."""
    counts = Counter((each.op, each.line) for each in gains)
    return [
        _by_code(each) if counts[each.op, each.line] > 1 and each.code else _called(each) for each in gains
    ]


def _by_code(gain: SiteGain) -> str:
    before, after = f"line {gain.line}: ", _times(gain)
    return f"{before}{shorten_code(one_line(gain.code), NAME_LIMIT - len(before) - len(after))}{after}"


def _called(gain: SiteGain) -> str:
    if gain.op == REST:
        return f"{REST} ({gain.passes:,} passes)"
    return f"{gain.op}{f', line {gain.line}' if gain.line else ''}{_times(gain)}"


def _times(gain: SiteGain) -> str:
    return f" ×{gain.passes:,}" if gain.passes > 1 else ""
