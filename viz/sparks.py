"""Series -> the small curve of its sizes beside a wire: on a log scale where they span decades."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from viz import labels, theme
from viz.parts import Line, Span, Spark

if TYPE_CHECKING:
    from viz.parts import Place
    from viz.rolled_numbers import Series

LEAST_RUNS = 3  # two numbers say all that a curve of them would
LOG_FROM = 10.0  # the largest over the smallest from which on the scale is one of powers


def spark_of(series: Series, size: tuple[float, float] = theme.SPARK_SIZE) -> Spark | None:
    """Return the curve of a series; None where it has nothing to tell: few runs, or the same number in all."""
    sizes, runs = np.abs(series.points), series.runs
    if len(series.values) < LEAST_RUNS or series.is_constant:
        return None
    is_finite = np.isfinite(sizes)
    is_drawn = is_finite & (sizes > 0)
    across = runs / max(len(series.values) - 1, 1)
    if not is_drawn.any():
        height, scale = np.zeros(len(sizes)), tuple[Line, ...]()
    else:
        least, most = float(sizes[is_drawn].min()), float(sizes[is_drawn].max())
        is_log = most / least >= LOG_FROM if least * LOG_FROM > 0 else True
        height = np.ones(len(sizes))
        with np.errstate(all="ignore"):
            if is_log:
                height[is_drawn] = (math.log(most) - np.log(sizes[is_drawn])) / (
                    math.log(most) - math.log(least)
                )
            else:
                height[is_drawn] = 1 - sizes[is_drawn] / most
        scale = _scale(series, least, most, is_log=is_log)
    return Spark(
        _curves(across, height, is_drawn),
        tuple((curve[0][0], curve[-1][0]) for curve in _curves(across, height, is_finite & (sizes == 0))),
        tuple(across[~is_finite].tolist()),
        scale,
        size,
    )


def _scale(series: Series, least: float, most: float, *, is_log: bool) -> tuple[Line, ...]:
    """Write the largest and the smallest size but zero: on a log scale its ends."""
    note = "  log" if is_log else ""
    shown = [f"{_size(series, most)}{note}", _size(series, least)]
    return tuple((Span(text, "aside"),) for text in dict.fromkeys(shown))


def _size(series: Series, size: float) -> str:
    text = labels.number(size, 3)
    return f"‖{text}‖" if series.is_norm else text


def _curves(across: np.ndarray, height: np.ndarray, is_drawn: np.ndarray) -> tuple[tuple[Place, ...], ...]:
    """Break the curve where there is nothing to draw."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], is_drawn.astype(np.int8), [0]])))
    return tuple(
        tuple(zip(across[start:stop].tolist(), height[start:stop].tolist(), strict=True))
        for start, stop in list(pairwise(edges.tolist()))[::2]
    )
