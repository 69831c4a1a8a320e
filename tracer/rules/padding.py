"""Vjp of `np.pad` where what it fills in is computed: means, extremes, ramps, odd reflections; see rules.RULES.

NumPy goes through the axes one by one, and what it fills in along one is there when it comes to the next; so the way
back begins with the last. Params: `mode` and `reflect_type`; `widths`, before and after by axis; `lengths`, of how
many elements at each end a mean or an extreme is taken, None for all. `end_values` move nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tracer.rules.kinds import Array, Operands, Params, Vjp, typed
from tracer.rules.quantiles import QUANTILES
from tracer.rules.reduce import REDUCE

_REDUCTIONS = {
    "mean": REDUCE["mean"],
    "maximum": REDUCE["max"],
    "minimum": REDUCE["min"],
    "median": QUANTILES["median"],
}
_FUNCTIONS: dict[str, Any] = {"mean": np.mean, "maximum": np.max, "minimum": np.min, "median": np.median}
STATISTICAL = frozenset(_REDUCTIONS)


def _part(axis: int, start: int | None, stop: int | None) -> tuple[slice, ...]:
    return (*(slice(None),) * axis, slice(start, stop))


def _ends(params: Params, axis: int, length: int) -> list[tuple[Any, int]]:
    """Return, for each end, what its reduction looks at, and how many elements it fills."""
    lengths = params["lengths"]
    before, after = (length, length) if lengths is None else (min(each, length) for each in lengths[axis])
    first, last = params["widths"][axis]
    return [(_part(axis, 0, before), first), (_part(axis, length - after, length), last)]


def _forward(x: Array, axis: int, params: Params) -> Array:
    parts = [
        np.broadcast_to(
            _FUNCTIONS[params["mode"]](x[seen], axis=axis, keepdims=True),
            tuple(count if at == axis else n for at, n in enumerate(x.shape)),
        )
        for seen, count in _ends(params, axis, x.shape[axis])
    ]
    return np.concatenate([parts[0], x, parts[1]], axis)


def _pad(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, out
    (x,) = operands
    if params["mode"] not in STATISTICAL:
        for axis in range(x.ndim):
            options = {} if params["mode"] == "linear_ramp" else {"reflect_type": params["reflect_type"]}
            weights: Any = np.pad(
                np.eye(x.shape[axis]), (params["widths"][axis], (0, 0)), params["mode"], **options
            )
            g = np.moveaxis(np.tensordot(weights, g, (0, axis)), 0, axis)
        return typed(np.asarray(g), x)
    stages = [x]
    for axis in range(x.ndim - 1):
        stages.append(_forward(stages[-1], axis, params))
    rule = _REDUCTIONS[params["mode"]]
    given = {"keepdims": True, "method": "linear", "weights": None}
    for axis in reversed(range(x.ndim)):
        whole, before = g, stages[axis]
        first, length = params["widths"][axis][0], before.shape[axis]
        g = whole[_part(axis, first, first + length)].copy()
        filled = (_part(axis, 0, first), _part(axis, first + length, None))
        for (seen, count), place in zip(_ends(params, axis, length), filled, strict=True):
            if count:
                taken = before[seen]
                reduced = np.asarray(_FUNCTIONS[params["mode"]](taken, axis=axis, keepdims=True))
                total = whole[place].sum(axis, keepdims=True)
                g[seen] += rule.pull(0, total, reduced, (taken,), {"axis": axis, **given})
    return typed(np.asarray(g), x)


def _has_tie(out: Any, operands: Operands, params: Params) -> bool:
    """Tell whether an extreme that fills the padding is there twice."""
    del out
    (x,), mode = operands, params["mode"]
    if mode not in ("maximum", "minimum"):
        return False
    at_kink = _REDUCTIONS[mode].at_kink
    assert at_kink is not None
    for axis in range(x.ndim):
        for seen, count in _ends(params, axis, x.shape[axis]):
            reduced = _FUNCTIONS[mode](x[seen], axis=axis, keepdims=True)
            if count and at_kink(reduced, (x[seen],), {"axis": axis, "keepdims": True}):
                return True
        x = _forward(x, axis, params)
    return False


PADDING = {
    "pad_computed": Vjp(
        _pad,
        "pad",
        kink="the largest or the smallest is there twice",
        choice="pad by maximum or minimum: ties share equally",
        at_kink=_has_tie,
    )
}
