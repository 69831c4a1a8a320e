"""The histogram: how large the gradients are on the edges into each function's operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.graph import FUNCTION
from viz import theme
from viz.plots.style import (
    AXIS,
    LINE,
    SIDE,
    TOP,
    WIDTH,
    Plot,
    by_norm,
    headline,
    inches,
    label_decades,
    settle,
    shown,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.trace import Trace
    from viz.plots.series import Column, Numbers

MOST_GROUPS = 8
BINS = 40
_TALL = 0.5  # inches that one histogram takes


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """The gradients on the edges into one function's operations, counted by size."""

    name: str
    counts: Numbers  # by bin
    edges: int
    zeros: int
    broken: int


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Gradients counted by function, or by line where there is one function alone."""

    by: str
    bounds: Column  # of the bins, in powers of ten
    groups: tuple[Group, ...]  # in the order of the run
    others: int  # functions that share the last group


def histogram(trace: Trace) -> Histogram:
    """Count the gradients on the edges into operations by size, function by function."""
    graph, sites = trace.graph, trace.sites
    edges = np.flatnonzero((graph.kinds[graph.dst] == FUNCTION) & (trace.steps >= 0))
    rows = graph.rows[graph.dst[edges]]
    names = [scope.name for scope in sites.scopes]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    key = np.array([numbers[name] for name in names], np.int64)[sites.row_scopes[rows]]
    called, by = list(numbers), "function"
    if len(np.unique(key)) < 2:
        lines = np.array([*(place.site.line for place in sites.places), 0], np.int64)
        found, key = np.unique(lines[sites.row_places[rows]], return_inverse=True)
        called, by = [f"line {line}" if line else "unknown" for line in found.tolist()], "line"
    sizes = trace.edge_statistics.norm[edges]
    key, called, others = _most_met(key, called)
    is_zero, is_broken = sizes == 0, ~np.isfinite(sizes)
    is_shown = ~(is_zero | is_broken)
    powers = np.log10(sizes[is_shown])
    low, high = (float(powers.min()), float(powers.max())) if len(powers) else (0.0, 0.0)
    bounds = np.linspace(low, high, BINS + 1) if high - low > 0.01 else _around(low, high)
    bins = np.clip(np.searchsorted(bounds, powers, side="right") - 1, 0, BINS - 1)
    table = np.bincount(key[is_shown] * BINS + bins, minlength=len(called) * BINS)
    counts = [
        np.bincount(each, minlength=len(called)).tolist() for each in (key, key[is_zero], key[is_broken])
    ]
    groups = zip(called, table.reshape(len(called), -1), *counts, strict=True)
    return Histogram(by, bounds, tuple(Group(*group) for group in groups), others)


def _around(low: float, high: float) -> Column:
    middle = (low + high) / 2
    return np.linspace(middle - 0.5, middle + 0.5, BINS + 1)


def _most_met(key: Numbers, called: Sequence[str]) -> tuple[Numbers, list[str], int]:
    """Give numbers to the groups of most edges in the order of the run, and one to all others together."""
    present, firsts, counts = np.unique(key, return_index=True, return_counts=True)
    kept = present[np.argsort(-counts, kind="stable")[:MOST_GROUPS]]
    kept = present[np.isin(present, kept)]
    kept = kept[np.argsort(firsts[np.isin(present, kept)], kind="stable")]
    others = len(present) - len(kept)
    number = np.full(len(called), len(kept), np.int64)
    number[kept] = np.arange(len(kept))
    names = [called[each] for each in kept.tolist()]
    return number[key], [*names, f"{others:,} others"] if others else names, others


def draw_histogram(trace: Trace, names: Sequence[str]) -> Plot:  # noqa: ARG001  (one signature for all kinds)
    """Draw one histogram beneath the other, on one axis of sizes."""
    found = histogram(trace)
    height = _TALL * len(found.groups)
    figure = Plot(figsize=(WIDTH, TOP - LINE + height + AXIS))
    axes: Any = figure.subplots()
    bounds = 10.0**found.bounds
    across = axes.get_yaxis_transform()
    right = 0.0
    for place, group in enumerate(reversed(found.groups)):
        heights = 0.8 * group.counts / max(int(group.counts.max(initial=0)), 1)
        look = {"facecolor": theme.SOFT_RED, "edgecolor": theme.RED, "linewidth": 0.8}
        axes.stairs(place + heights, bounds, baseline=place, fill=True, **look)
        axes.axhline(place, color=theme.GREY, linewidth=0.6)
        text, colour = _counted(group), theme.RED if group.broken else theme.INK
        write(axes, 1.03, place + 0.05, text, transform=across, va="bottom", color=colour, linespacing=1.1)
        right = max(right, *map(inches, text.split("\n")))
    texts = [shown(group.name, 20) for group in reversed(found.groups)]
    axes.set_yticks(np.arange(len(texts)) + 0.22, texts, parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(0, len(texts))
    axes.set_xscale("log")
    axes.set_xlim(bounds[0], bounds[-1])
    label_decades(axes.xaxis, float(found.bounds[0]), float(found.bounds[-1]), 3)
    axes.set_xlabel(f"|gradient|{by_norm(trace)}")
    settle(axes, TOP - LINE, height, right + 2 * SIDE)
    headline(figure, f"{shown(trace.function)}: sizes of gradients, by {found.by}", "")
    return figure


def _counted(group: Group) -> str:
    """Say how many edges there are, and apart from them those that no log axis holds."""
    count = f"{group.edges:,} edge{'' if group.edges == 1 else 's'}"
    parts = [f"{group.zeros:,} zero"] if group.zeros else []
    parts += [f"⚠ {group.broken:,} NaN/inf"] if group.broken else []
    return f"{' · '.join(parts)}\n{count}" if parts else count
