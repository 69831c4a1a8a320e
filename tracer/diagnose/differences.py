"""Derivatives by differences, with an estimate of how far off they are. No rules, no traces: plain functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

_STEPS = 8
_SHRINK = 2.0
_ROUNDINGS = 16  # of the values that a bend is computed from, at most


def slope(function: Callable[[Any], Any], step: Any) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the derivative at 0 of a function of one number, element by element, and the estimated error of it.

    `step` is one for all elements, or one for each.

    Central differences at `step`, step/2, step/4, …, extrapolated to 0 (Ridders 1982, "Accurate computation of F'(x)
    and F'(x)F''(x)"); of all extrapolations each element takes the one that agrees best with its neighbours, so a step
    may be too large for one element and too small for another. What rounding makes of the differences counts as error,
    and so does, at a kink, the difference of the two sides. NaN and infinity are an infinite error.
    """
    middle = np.asarray(function(0.0))
    precision = np.finfo(middle.dtype).eps if middle.dtype.kind == "f" else np.finfo(np.float64).eps
    middle = middle.astype(np.float64)
    best, error = np.full(middle.shape, np.nan), np.full(middle.shape, np.inf)
    rows: list[list[np.ndarray[Any, Any]]] = []
    bends: list[np.ndarray[Any, Any]] = []  # by step: how far the slopes of the two sides differ
    noise = np.zeros(middle.shape)
    with np.errstate(all="ignore"):
        for turn in range(_STEPS):
            h = step / _SHRINK**turn
            upper, lower = (np.asarray(function(by), np.float64) for by in (h, -h))
            noise = precision * np.maximum(np.abs(upper), np.abs(lower)) / h
            row = [(upper - lower) / (2 * h)]
            bends.append(np.abs(upper + lower - 2 * middle) / h)
            factor = 1.0
            for column in range(1, turn + 1):
                factor *= _SHRINK**2
                before, beside = rows[-1][column - 1], row[column - 1]
                row.append(beside + (beside - before) / (factor - 1))
                distance = np.maximum(np.abs(row[-1] - beside), np.abs(row[-1] - before)) + noise
                better = distance < error
                best, error = np.where(better, row[-1], best), np.where(better, distance, error)
            rows.append(row)
        # Half as large at half the step where the function is smooth, as large as before where it has a kink.
        kink = 2 * bends[-1] - bends[-2]
        return best, error + np.where(kink > bends[-1] / 2 + _ROUNDINGS * noise, kink, 0)
