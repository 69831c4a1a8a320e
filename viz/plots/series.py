"""Sizes along a run, however long: some hundred points, with what no log axis holds apart. Columns in, columns out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

Column: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]

MOST_POINTS = 500  # more are drawn as a band
BINS = 250


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Sizes along a run, each one or by bins; what no log axis holds, zeros and NaN, by its places."""

    name: str
    at: Column
    sizes: Column  # of a bin the median; NaN where there is none
    least: Column  # as `sizes`, unless there are bins
    most: Column
    zeros: Column
    broken: Column
    count: int
    zero_count: int
    broken_count: int

    @property
    def is_binned(self) -> bool:
        """Say whether a point stands for many."""
        return len(self.at) < self.count


def series_of(name: str, at: Column, sizes: Column) -> Series:
    """Make a series of sizes at their places, in bins of equally many where they are too many to be drawn."""
    is_zero, is_broken = sizes == 0, ~np.isfinite(sizes)
    shown = np.where(is_zero | is_broken, np.nan, sizes)
    least = middle = most = shown
    places = at.astype(np.float64)
    zeros, broken = places[is_zero], places[is_broken]
    if len(sizes) > MOST_POINTS:
        starts = np.unique(np.linspace(0, len(sizes), BINS, endpoint=False).astype(np.int64))
        lengths = np.diff(np.append(starts, len(sizes)))
        places = np.add.reduceat(places, starts) / lengths
        least, most = np.fmin.reduceat(shown, starts), np.fmax.reduceat(shown, starts)
        middle = _medians(shown, starts, lengths)
        zeros = places[np.logical_or.reduceat(is_zero, starts)]
        broken = places[np.logical_or.reduceat(is_broken, starts)]
    return Series(
        name,
        places,
        middle,
        least,
        most,
        zeros,
        broken,
        len(sizes),
        int(is_zero.sum()),
        int(is_broken.sum()),
    )


def _medians(shown: Column, starts: Numbers, lengths: Numbers) -> Column:
    """Return the lower median of each bin, without its NaN."""
    table = np.full((len(starts), int(lengths.max())), np.nan)
    table[np.arange(table.shape[1]) < lengths[:, None]] = shown
    table.sort(axis=1)  # NaN last
    counts = np.isfinite(table).sum(axis=1)
    medians: Column = table[np.arange(len(starts)), np.maximum(counts - 1, 0) // 2]
    return medians
