"""A number over its runs as data for the page: what is drawn of it, and its extremes in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from viz import labels

if TYPE_CHECKING:
    from collections.abc import Callable

    from viz.rolled_numbers import Series


def series_data(series: Series | None, when: Callable[[int], str]) -> dict[str, Any] | None:
    """Say what is drawn of a series, and its first, last, smallest and largest in words; None for one run.

    `when` says of a run in which turn it was.
    """
    if series is None or len(series.values) < 2:
        return None
    named = {"first": 0, "last": len(series.values) - 1, "least": series.least, "most": series.most}
    return {
        "count": len(series.values),
        "isNorm": series.is_norm,
        "runs": series.runs.tolist(),
        "sizes": [_size(value) for value in series.points.tolist()],
        "named": {name: [run, _text(series, run), when(run)] for name, run in named.items()},
    }


def _size(value: float) -> float | str:
    return float(f"{value:.4g}") if np.isfinite(value) else labels.number(value)


def _text(series: Series, run: int) -> str:
    text = labels.number(float(series.values[run]))
    return f"‖{text}‖" if series.is_norm else text
