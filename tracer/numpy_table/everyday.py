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
    refuse_real_part,
    shape_only,
    with_params,
)
from tracer.standins import plain, plain_deep

if TYPE_CHECKING:
    from collections.abc import Callable


def _joined(name: str) -> Callable[..., Followed]:
    def read(arrays: Any, axis: Any = 0, *rest: Any, **options: Any) -> Followed:
        only_defaults(rest, {key: each for key, each in options.items() if key not in ("dtype", "casting")})
        return name, tuple(arrays), {"axis": plain(axis)}

    return read


def _reshape(a: Any, _shape: Any = None, order: Any = "C", **options: Any) -> Followed:
    only_defaults(
        (), {name: value for name, value in options.items() if name not in ("shape", "newshape", "copy")}
    )
    if order == "A":
        order = "F" if np.isfortran(np.asarray(plain_deep(a))) else "C"
    return "reshape", (a,), {} if order == "C" else {"order": order}


def _flat(a: Any, order: Any = "C") -> Followed:
    """Read ravel and flatten; those that follow the memory move the numbers of elements that lie like the array."""
    if order in ("C", "F"):
        return "ravel", (a,), {} if order == "C" else {"order": order}
    values = np.asarray(plain(a))
    numbers = np.empty_like(values, np.intp)
    numbers[...] = np.arange(1, values.size + 1).reshape(values.shape)
    return "take", (a,), {"places": numbers.ravel(order)}


def _transpose(a: Any, axes: Any = None) -> Followed:
    axes = plain_deep(axes)
    return "transpose", (a,), {"axes": tuple(axes) if np.iterable(axes) else None}


def _tensordot(a: Any, b: Any, axes: Any = 2) -> Followed:
    return "tensordot", (a, b), {"axes": plain_deep(axes)}


def _where(condition: Any, x: Any, y: Any) -> Followed:
    return "where", (plain(condition), x, y), None


def _clip(a: Any, a_min: Any = None, a_max: Any = None, *rest: Any, **options: Any) -> Followed:
    low = options.pop("min", a_min)
    high = options.pop("max", a_max)
    options.pop("dtype", None)
    only_defaults(rest, options)
    return "clip", (a, -np.inf if low is None else low, np.inf if high is None else high), None


def _as_text(operands: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """Turn einsum(a, [0, 1], b, [1, 2], [0, 2]) into its form with text."""
    lists = [plain_deep(each) for each in operands[1::2]]
    result = plain_deep(operands[-1]) if len(operands) % 2 else None

    def letters(labels: Any) -> str:
        return "".join("..." if each is Ellipsis else chr(ord("a") + int(each)) for each in labels)

    text = ",".join(map(letters, lists)) + ("" if result is None else "->" + letters(result))
    return text, operands[: 2 * len(lists) : 2]


def _einsum(subscripts: Any, *operands: Any, **options: Any) -> Followed:
    if not isinstance(subscripts, str):
        subscripts, operands = _as_text((subscripts, *operands))
        if not all(
            letter.isalpha() for letter in subscripts.translate({ord(each): None for each in ".,->"})
        ):
            raise OptionError("subscripts beyond 25 in lists")
    refuse_real_part(options.get("dtype"), *operands)
    for name in ("optimize", "dtype", "casting"):
        options.pop(name, None)  # another order of the same sums; the engine sees to types
    only_defaults((), options)
    return "einsum", operands, {"subscripts": subscripts}


def _round(a: Any, decimals: int = 0, *rest: Any, **options: Any) -> Followed:
    only_defaults(rest, options)
    return "round", (a,), {"decimals": plain(decimals)}


def _astype(x: Any, dtype: Any, /, *, copy: Any = True, device: Any = None) -> Followed:
    del dtype, copy, device
    return "astype", (x,), None


def _copy(a: Any, order: Any = "K", subok: Any = False) -> Followed:
    del order, subok  # how it lies in memory, and a type that no traced array has
    return "copy", (a,), None


EVERYDAY: dict[Any, Reader] = {
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
    np.ravel: _flat,
    np.transpose: _transpose,
    np.swapaxes: with_params("swapaxes", "axis1", "axis2"),
    np.moveaxis: with_params("moveaxis", "source", "destination"),
    np.flip: with_params("flip", "axis"),
    np.squeeze: shape_only("squeeze"),
    np.expand_dims: shape_only("expand_dims"),
    np.broadcast_to: shape_only("broadcast_to"),
    np.copy: _copy,
    **dict.fromkeys((np.round, np.around), _round),
    np.astype: _astype,
}
