"""Functions that reduce or accumulate along axes, and the quantiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.numpy_table.reading import (
    NOT_GIVEN,
    Followed,
    Reader,
    accumulation,
    given_options,
    reduction,
    spread,
)
from tracer.rules.reduce import REDUCE
from tracer.standins import holds_traced, plain, plain_deep

if TYPE_CHECKING:
    from collections.abc import Callable

_SUM = "dtype out keepdims initial where"
_MAX = "out keepdims initial where"
_ORDERS = {"sum": _SUM, "prod": _SUM, "mean": "dtype out keepdims", "max": _MAX, "min": _MAX}


def _ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Followed:
    return reduction("ptp", "out keepdims")(a, axis, out, keepdims)


def _median(name: str) -> Callable[..., Followed]:
    order = "out overwrite_input keepdims"

    def read(a: Any, axis: Any = None, *rest: Any, **options: Any) -> Followed:
        given = given_options(order, rest, options)
        given.pop("overwrite_input", None)
        return reduction(name, order)(a, axis, **given)

    return read


def _quantile(name: str) -> Callable[..., Followed]:
    order = "out overwrite_input method keepdims"

    def read(a: Any, q: Any, axis: Any = None, *rest: Any, **options: Any) -> Followed:
        given = given_options(order, rest, options)
        given.pop("overwrite_input", None)
        method, weights = given.pop("method", "linear"), given.pop("weights", None)
        _, operands, params = reduction(name, order)(a, axis, **given)
        params = {**(params or {}), "method": method, "weights": None}
        if weights is not None:  # they choose an element: the answer takes steps as they change
            shape = np.shape(plain_deep(a))
            weights = np.asarray(plain_deep(weights))
            if weights.shape != shape:  # one for every place along the axis
                weights = weights.reshape(
                    [-1 if at == plain(axis) % len(shape) else 1 for at in range(len(shape))]
                )
            params["weights"] = np.array(np.broadcast_to(weights, shape))
        if holds_traced(q):
            return name, (*operands, q), params
        return name, operands, {**params, "q": np.asarray(plain_deep(q))}

    return read


def _average(
    a: Any, axis: Any = None, weights: Any = None, returned: Any = False, *, keepdims: Any = False
) -> Followed | list[Followed | None]:
    keeps = bool(keepdims) and keepdims is not NOT_GIVEN
    axis = plain_deep(axis)
    params = {"axis": tuple(axis) if isinstance(axis, list) else axis, "keepdims": keeps}
    if weights is None:
        row: Followed = ("mean", (a,), params)
        return [row, None] if returned else row
    row = ("average", (a, weights), params)
    if not returned:
        return row
    if not holds_traced(weights):
        return [row, None]
    shape = np.shape(plain_deep(a))
    return [row, ("average_weights", (weights,), {**params, "shape": shape})]


REDUCTIONS: dict[Any, Reader] = {
    **{getattr(np, name): reduction(name, order) for name, order in _ORDERS.items()},
    **{
        getattr(np, f"nan{name}"): reduction(f"nan{name}", order)
        for name, order in _ORDERS.items()
        if name in REDUCE
    },
    np.amax: reduction("max", _MAX),
    np.amin: reduction("min", _MAX),
    np.ptp: _ptp,
    **{getattr(np, name): spread(name) for name in ("var", "std", "nanvar", "nanstd")},
    **{getattr(np, name): accumulation(name) for name in ("cumsum", "cumprod", "nancumsum", "nancumprod")},
    **{
        getattr(np, function): accumulation(name)
        for function, name in (("cumulative_sum", "cumsum"), ("cumulative_prod", "cumprod"))
        if hasattr(np, function)  # since NumPy 2.1
    },
    np.median: _median("median"),
    np.nanmedian: _median("nanmedian"),
    **{
        getattr(np, name): _quantile(name)
        for name in ("percentile", "quantile", "nanpercentile", "nanquantile")
    },
    np.average: _average,
}
OVERWRITING: dict[Any, int] = {
    np.median: 3,
    np.nanmedian: 3,
    **dict.fromkeys((np.percentile, np.quantile, np.nanpercentile, np.nanquantile), 4),
}
"""The place of `overwrite_input` in the calls of functions that use the array they are given as scratch memory."""


def without_overwriting(
    function: Any, args: tuple[Any, ...], options: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments with `overwrite_input` off: the array is the tape's, and its record is never changed."""
    at = OVERWRITING[function]
    if len(args) > at:
        args = (*args[:at], False, *args[at + 1 :])
    return args, {name: value for name, value in options.items() if name != "overwrite_input"}
