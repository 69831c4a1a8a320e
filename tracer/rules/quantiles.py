"""Vjps of median, percentile and quantile, and of their nan-forms. Read through rules.RULES.

All are a mix of two neighbours in sorted order, whatever the method: NumPy's own answer for the numbers 0, 1, 2, …
is the place, whose whole part names the neighbour before and whose fraction is the share of the one after. Equal
elements stand in their order, as in a stable sort: the first goes first.

Params: `axis` and `keepdims`; `q`, where it is no operand; `method`; `weights`, in the shape of the operand.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from tracer.rules.kinds import Array, Operands, Params, Vjp, typed

# By how much the place moves with q, for n elements; every other method jumps from element to element.
_SPEEDS = {
    "linear": lambda n: n - 1,
    "weibull": lambda n: n + 1,
    "hazen": lambda n: n,
    "median_unbiased": lambda n: n + 1 / 3,
    "normal_unbiased": lambda n: n + 1 / 4,
    "interpolated_inverted_cdf": lambda n: n,
}


def _axes(operand: Array, params: Params) -> tuple[int, ...]:
    axis = params["axis"]
    if axis is None or not operand.ndim:
        return tuple(range(operand.ndim))
    return tuple(each % operand.ndim for each in (axis if isinstance(axis, tuple) else (axis,)))


def _rows(array: Array, axes: tuple[int, ...]) -> Array:
    """Put the axes that are reduced last, and together."""
    others = [at for at in range(array.ndim) if at not in axes]
    moved = array.transpose([*others, *axes])
    count = math.prod(array.shape[at] for at in axes)
    return moved.reshape(*(array.shape[at] for at in others), count)


def _back_from_rows(rows: Array, operand: Array, axes: tuple[int, ...]) -> Array:
    order = [*(at for at in range(operand.ndim) if at not in axes), *axes]
    moved = rows.reshape([operand.shape[at] for at in order])
    return moved.transpose(np.argsort(order))


def _places(name: str, q: Any, rows: Array, order: Array, params: Params) -> Array:
    """Return the places of the answers among the sorted elements of every row."""
    count = rows.shape[-1]
    numbers = np.broadcast_to(np.arange(float(count)), rows.shape)
    if name.startswith("nan"):
        missing = np.sort(np.isnan(rows), -1)
        missing = missing & ~missing.all(-1, keepdims=True)  # the answer is NaN: any of them
        numbers = np.where(missing, np.nan, numbers)
    else:
        has_nan = np.isnan(rows).any(-1, keepdims=True)
        numbers = np.where(has_nan, count - 1.0, numbers)  # the answer is the NaN that is sorted last
    function = getattr(np, name)
    if "median" in name:
        return np.asarray(function(numbers, -1))
    options: dict[str, Any] = {"method": params["method"]}
    if params["weights"] is not None:
        weights = _rows(np.broadcast_to(params["weights"], params["shape"]), _axes(rows, params["of_rows"]))
        options["weights"] = np.take_along_axis(weights, order, -1)
    return np.asarray(function(numbers, q, -1, **options))


def _pull(name: str, port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del out
    operand = operands[0]
    axes = _axes(operand, params)
    rows = _rows(operand, axes)
    order = np.argsort(rows, -1, kind="stable")
    q = operands[1] if len(operands) > 1 else params.get("q", 0.5)
    params = {**params, "shape": operand.shape, "of_rows": {"axis": axes}}
    count = rows.shape[-1]
    places = _places(name, q, rows, order, params)
    places = np.broadcast_to(places, np.shape(q) + rows.shape[:-1]).reshape(-1, *rows.shape[:-1])
    g = np.reshape(g, places.shape)
    last = count - 1 - (np.isnan(rows).sum(-1) if name.startswith("nan") else 0)  # NaN stand behind it
    before = np.minimum(places.astype(np.intp), np.maximum(last - 1, 0))
    after = np.minimum(before + 1, np.maximum(last, 0))
    if port == 1:
        return _by_q(name, g, places, (before, after), np.sort(rows, -1), operands[1], params)
    share = places - before
    back = np.zeros((rows[..., 0].size, count), g.dtype)
    flat_order = order.reshape(back.shape)
    lines = np.arange(len(back))
    for at in range(len(places)):
        for place, part in ((before[at], 1 - share[at]), (after[at], share[at])):
            np.add.at(back, (lines, flat_order[lines, place.ravel()]), (g[at] * part).ravel())
    return typed(_back_from_rows(back, operand, axes), operand)


def _by_q(
    name: str,
    g: Any,
    places: Array,
    neighbours: tuple[Array, Array],
    ordered: Array,
    q: Array,
    params: Params,
) -> Array:
    """Return the distance of the neighbours, times the speed of the place; at both ends the place may stand still."""
    before, after = (
        np.stack(
            [np.take_along_axis(ordered, place[at][..., None], -1)[..., 0] for at in range(len(place))]
        )
        for place in neighbours
    )
    count = ordered.shape[-1] - np.isnan(ordered).sum(-1)
    speed = _SPEEDS.get(params["method"], np.zeros_like)(count)
    if params["method"] != "linear":
        speed = np.where((places == 0) | (places == count - 1), 0, speed)
    back = g * (after - before) * speed / (100 if "percentile" in name else 1)
    return typed(back.reshape(len(places), -1).sum(1).reshape(q.shape), q)


def _has_tie(name: str, out: Any, operands: Operands, params: Params) -> bool:
    """Tell whether an answer stands beside an equal element, or moves on to another one here."""
    del name
    rows = np.sort(_rows(operands[0], _axes(operands[0], params)), -1)
    equal = np.concatenate([rows[..., 1:] == rows[..., :-1], np.zeros((*rows.shape[:-1], 1), np.bool_)], -1)
    answers = np.reshape(out, (-1, *rows.shape[:-1]))[..., None]
    return bool((equal & (rows == answers)).any())


QUANTILES = {
    name: Vjp(
        partial(_pull, name),
        kink="equal elements",
        choice=f"{name}: of equal elements the first goes first",
        at_kink=partial(_has_tie, name),
    )
    for name in ("median", "percentile", "quantile", "nanmedian", "nanpercentile", "nanquantile")
}
