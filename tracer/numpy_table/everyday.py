"""The everyday functions: sums, products, shapes, joins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.numpy_table.reading import (
    Followed,
    OptionError,
    Reader,
    only_defaults,
    operands_only,
    reduction,
    shape_only,
    with_params,
)
from tracer.standins import plain, plain_deep

if TYPE_CHECKING:
    from collections.abc import Callable


def _joined(name: str) -> Callable[..., Followed]:
    def read(arrays: Any, axis: Any = 0, *rest: Any, **options: Any) -> Followed:
        only_defaults(rest, options)
        return name, tuple(arrays), {"axis": plain(axis)}

    return read


def _reshape(a: Any, _shape: Any = None, *rest: Any, **options: Any) -> Followed:
    only_defaults(
        () if rest in ((), ("C",)) else rest,
        {name: value for name, value in options.items() if name not in ("shape", "newshape")},
    )
    return "reshape", (a,), {}


def _flat(name: str) -> Callable[..., Followed]:
    def read(a: Any, order: Any = "C") -> Followed:
        only_defaults((), {"order": order})
        return name, (a,), {}

    return read


def _transpose(a: Any, axes: Any = None) -> Followed:
    return "transpose", (a,), {"axes": None if axes is None else tuple(plain_deep(axes))}


def _tensordot(a: Any, b: Any, axes: Any = 2) -> Followed:
    return "tensordot", (a, b), {"axes": plain_deep(axes)}


def _where(condition: Any, x: Any, y: Any) -> Followed:
    return "where", (plain(condition), x, y), None


def _clip(a: Any, a_min: Any = None, a_max: Any = None, *rest: Any, **options: Any) -> Followed:
    low = options.pop("min", a_min)
    high = options.pop("max", a_max)
    only_defaults(rest, options)
    return "clip", (a, -np.inf if low is None else low, np.inf if high is None else high), None


def _einsum(subscripts: Any, *operands: Any, **options: Any) -> Followed:
    if not isinstance(subscripts, str):
        raise OptionError("subscripts given as lists")
    options.pop("optimize", None)  # another order of the same sums
    only_defaults((), options)
    return "einsum", operands, {"subscripts": subscripts}


def _round(a: Any, decimals: int = 0, *rest: Any, **options: Any) -> Followed:
    only_defaults(rest, options)
    return "round", (a,), {"decimals": plain(decimals)}


EVERYDAY: dict[Any, Reader] = {
    np.sum: reduction("sum"),
    np.mean: reduction("mean"),
    np.prod: reduction("prod"),
    **dict.fromkeys((np.max, np.amax), reduction("max")),
    **dict.fromkeys((np.min, np.amin), reduction("min")),
    np.dot: operands_only("dot"),
    np.outer: operands_only("outer"),
    np.inner: operands_only("inner"),
    np.vdot: operands_only("vdot"),
    np.tensordot: _tensordot,
    np.einsum: _einsum,
    np.where: _where,
    np.clip: _clip,
    np.concatenate: _joined("concatenate"),
    np.stack: _joined("stack"),
    np.reshape: _reshape,
    np.ravel: _flat("ravel"),
    np.transpose: _transpose,
    np.swapaxes: with_params("swapaxes", "axis1", "axis2"),
    np.moveaxis: with_params("moveaxis", "source", "destination"),
    np.flip: with_params("flip", "axis"),
    np.cumsum: with_params("cumsum", "axis"),
    np.squeeze: shape_only("squeeze"),
    np.expand_dims: shape_only("expand_dims"),
    np.broadcast_to: shape_only("broadcast_to"),
    np.copy: shape_only("copy"),
    np.round: _round,
}
