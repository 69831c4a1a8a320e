"""Functions of calculus, signals and statistics; sequences between two ends."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.numpy_table.reading import (
    NOT_GIVEN,
    Followed,
    OptionError,
    Reader,
    only_defaults,
    refuse_real_part,
)
from tracer.standins import holds_traced, is_traced, plain, plain_deep

if TYPE_CHECKING:
    from collections.abc import Callable


_MOVING = (
    "density=True and bins that move with the data: the counts jump where an edge meets a number "
    "(without density= it is followed)"
)


def _constant(value: Any, what: str) -> Any:
    """Return an argument that no gradient is known for, as plain numbers."""
    if holds_traced(value):
        raise OptionError(f"a traced {what}")
    return plain_deep(value)


# elementwise, but no ufuncs


def _unwrap(p: Any, discont: Any = None, axis: Any = -1, *, period: Any = 2 * np.pi) -> Followed:
    del discont, axis  # where they add a period, the answer jumps
    return "unwrap", (p, period), None


def _nan_to_num(
    x: Any, copy: Any = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Followed:
    del copy  # where it is False, `mutation.py` writes
    if not holds_traced((nan, posinf, neginf)):
        return "nan_to_num", (x,), None
    dtype = np.asarray(plain_deep(x)).dtype
    most = float(np.finfo(dtype).max) if dtype.kind in "fc" else 0.0
    ends = (most if posinf is None else posinf, -most if neginf is None else neginf)
    return "nan_to_given", (x, nan, *ends), None


def _one(name: str) -> Callable[..., Followed]:
    def read(x: Any, out: Any = None) -> Followed:
        only_defaults((out,), {})
        return name, (x,), None

    return read


# calculus


def _diff(
    a: Any, n: Any = 1, axis: Any = -1, prepend: Any = NOT_GIVEN, append: Any = NOT_GIVEN
) -> Followed:
    operands = tuple(each for each in (prepend, a, append) if each is not NOT_GIVEN)
    return "diff", operands if plain(n) else (a,), {"n": int(plain(n)), "axis": plain(axis)}


def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Followed:
    named = {"to_begin": to_begin, "ary": ary, "to_end": to_end}
    given = {name: each for name, each in named.items() if each is not None}
    return "ediff1d", tuple(given.values()), {"given": tuple(given)}


def _gradient(
    f: Any, *varargs: Any, axis: Any = None, edge_order: Any = 1
) -> Followed | list[Followed | None]:
    ndim = np.ndim(plain_deep(f))
    axes = plain_deep(axis)
    axes = (
        tuple(range(ndim)) if axes is None else tuple(axes) if isinstance(axes, tuple | list) else (axes,)
    )
    spacings = varargs * len(axes) if len(varargs) == 1 else varargs or (None,) * len(axes)
    rows: list[Followed | None] = []
    for at, spacing in zip(axes, spacings, strict=True):
        operands = (f,) if spacing is None else (f, spacing)
        rows.append(("gradient", operands, {"axis": int(at), "edge_order": int(plain(edge_order))}))
    first = rows[0] if len(axes) == 1 else None
    return rows if first is None else first


def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1) -> Followed:
    params = {"axis": plain(axis), "by_x": x is not None}
    if x is not None and np.asarray(plain_deep(x)).dtype.kind == "u":
        raise OptionError("x= of unsigned integers, whose differences may wrap")
    return "trapezoid", (y, dx if x is None else x), params


def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Followed:
    if np.ndim(plain(period)):
        raise OptionError("an array as period=")
    named = {"left": left, "right": right, "period": period}
    traced = {name: each for name, each in named.items() if is_traced(each)}
    return "interp", (x, xp, fp, *traced.values()), {**plain_deep(named), "traced": tuple(traced)}


def _convolve(a: Any, v: Any, mode: Any = "full") -> Followed:
    return "convolve", (a, v), {"mode": mode}


def _correlate(a: Any, v: Any, mode: Any = "valid") -> Followed:
    return "correlate", (a, v), {"mode": mode}


# sequences


def _linspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: Any = True,
    retstep: Any = False,
    dtype: Any = None,
    axis: Any = 0,
    *,
    device: Any = None,
) -> Followed | list[Followed | None]:
    del dtype, device
    params = {"num": int(plain(num)), "endpoint": bool(endpoint), "axis": plain(axis)}
    row: Followed = ("linspace", (start, stop), params)
    return [row, ("linspace_step", (start, stop), params)] if retstep else row


def _logspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: Any = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: Any = 0,
) -> Followed:
    refuse_real_part(dtype, start, stop, base)
    params = {"num": int(plain(num)), "endpoint": bool(endpoint), "axis": plain(axis)}
    if np.ndim(plain_deep(base)):
        raise OptionError("an array base= (base ** np.linspace(…)[:, None] is followed)")
    operands = (start, stop, base) if is_traced(base) else (start, stop)
    return "logspace", operands, {**params, "base": plain(base)}


def _geomspace(
    start: Any, stop: Any, num: Any = 50, endpoint: Any = True, dtype: Any = None, axis: Any = 0
) -> Followed:
    refuse_real_part(dtype, start, stop)
    params = {"num": int(plain(num)), "endpoint": bool(endpoint), "axis": plain(axis)}
    return "geomspace", (start, stop), params


# statistics


def _cov(
    m: Any,
    y: Any = None,
    rowvar: Any = True,
    bias: Any = False,
    ddof: Any = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Followed:
    operands = (m,) if y is None else (m, y)
    refuse_real_part(dtype, *operands)
    _refuse_one_row(operands, rowvar)
    weights = {"fweights": fweights, "aweights": aweights}
    params: dict[str, Any] = {
        name: None if each is None else np.asarray(plain_deep(each)).real for name, each in weights.items()
    }
    if holds_traced(aweights):
        params["of_weights"] = len(operands)
        operands = (*operands, aweights)
    return "cov", operands, params | {"rowvar": bool(rowvar), "bias": bool(bias), "ddof": plain(ddof)}


def _corrcoef(x: Any, y: Any = None, rowvar: Any = True, *, dtype: Any = None) -> Followed:
    operands = (x,) if y is None else (x, y)
    refuse_real_part(dtype, *operands)
    _refuse_one_row(operands, rowvar)
    return "corrcoef", operands, {"rowvar": bool(rowvar)}


def _refuse_one_row(operands: tuple[Any, ...], rowvar: Any) -> None:
    """Refuse what the versions of NumPy disagree on: whether the columns of one row are variables."""
    if not rowvar and any(np.shape(plain_deep(each))[:-1] == (1,) for each in operands):
        raise OptionError(
            "rowvar=False of one row: versions of NumPy disagree on what that is "
            "(of the transposed array it is followed)"
        )


def _bincount(x: Any, /, weights: Any = None, minlength: Any = 0) -> Followed | None:
    del minlength
    if weights is None:
        return None
    return "bincount", (weights,), {"bins": np.array(plain_deep(x), np.intp)}


def _histogram(
    a: Any,
    bins: Any = 10,
    range: Any = None,  # noqa: A002  (NumPy's own name)
    density: Any = None,
    weights: Any = None,
) -> list[Followed | None]:
    edges = np.histogram_bin_edges(plain_deep(a), plain_deep(bins), plain_deep(range))
    if density and (holds_traced(bins) or _edges_move(a, bins, range)):
        raise OptionError(_MOVING)
    row = _counts(weights, [np.ravel(plain_deep(a))], [edges], density)
    return [row, _edges(a, bins, range)]


def _counts(weights: Any, data: list[Any], edges: list[Any], density: Any) -> Followed | None:
    """Read the sums of the weights in each bin; without weights they are counts, which take steps."""
    if not holds_traced(weights):
        return None
    shape = tuple(len(each) - 1 for each in edges)
    bins, inside = [], np.ones(np.shape(data[0]), np.bool_)
    for numbers, ends in zip(data, edges, strict=True):
        place = np.searchsorted(ends, numbers, "right") - 1
        place[numbers == ends[-1]] = len(ends) - 2
        inside &= (numbers >= ends[0]) & (numbers <= ends[-1])
        bins.append(place)
    flat = np.ravel_multi_index(tuple(bins), shape, mode="clip")
    params: dict[str, Any] = {"bins": np.where(inside, flat, math.prod(shape))}
    if density:
        params["widths"] = functools.reduce(np.multiply.outer, map(np.diff, edges))
    return "histogram_density" if density else "histogram", (weights,), params


def _edges_move(a: Any, bins: Any, limits: Any) -> bool:
    return (holds_traced(limits) or (holds_traced(a) and limits is None)) and np.ndim(plain_deep(bins)) == 0


def _edges(a: Any, bins: Any, limits: Any) -> Followed | None:
    """Read the edges: those that were given, or at equal distances between the ends of the data."""
    if np.ndim(plain_deep(bins)):
        return ("copy", (bins,), None) if is_traced(bins) else None
    if holds_traced(limits):
        edges = np.histogram_bin_edges(plain_deep(a), plain_deep(bins), plain_deep(limits))
        return "linspace", tuple(limits), {"num": len(edges), "endpoint": True, "axis": 0}
    return ("histogram_edges", (a,), {}) if _edges_move(a, bins, limits) else None


def _histogram_bin_edges(
    a: Any,
    bins: Any = 10,
    range: Any = None,  # noqa: A002  (NumPy's own name)
    weights: Any = None,
) -> Followed | None:
    del weights
    return _edges(a, bins, range)


def _histogram_of_many(
    sample: Any,
    bins: Any = 10,
    range: Any = None,  # noqa: A002  (NumPy's own name)
    density: Any = None,
    weights: Any = None,
) -> list[Any]:
    if np.ndim(plain(sample)) == 2 and not isinstance(plain(sample), list | tuple):
        data = [(sample, column) for column in np.arange(np.shape(plain(sample))[1])]
    elif np.ndim(plain_deep(sample)) < 2:
        data = [(sample, None)]
    else:
        data = [(each, None) for each in sample]
    return _of_several(data, bins, range, density, weights)


def _histogram_of_two(
    x: Any,
    y: Any,
    bins: Any = 10,
    range: Any = None,  # noqa: A002  (NumPy's own name)
    density: Any = None,
    weights: Any = None,
) -> list[Any]:
    if np.iterable(plain(bins)) and len(bins) > 2:  # of both variables
        bins = [bins, bins]
    counts, edges = _of_several([(x, None), (y, None)], bins, range, density, weights)
    return [counts, *edges]


def _of_several(data: list[Any], bins: Any, limits: Any, density: Any, weights: Any) -> list[Any]:
    """Read a histogram of several variables, each an array or a column of one."""
    given = list(bins) if np.iterable(plain(bins)) else [bins] * len(data)
    ends: list[Any] = list(limits) if limits is not None else [None] * len(data)
    rows: list[Followed | None] = []
    for (operand, column), each, end in zip(data, given, ends, strict=True):
        row: Followed | None = None
        if np.ndim(plain_deep(each)):
            row = ("copy", (each,), None) if holds_traced(each) else None
        elif end is not None and holds_traced(end):
            row = ("linspace", tuple(end), {"num": int(plain(each)) + 1, "endpoint": True, "axis": 0})
        elif end is None and holds_traced(operand):
            row = ("histogram_edges", (operand,), {"column": column})
        rows.append(row)
    if density and any(rows):
        raise OptionError(_MOVING)
    values = [
        np.asarray(plain_deep(operand))[... if column is None else (..., column)]
        for operand, column in data
    ]
    edges = np.histogramdd(values, plain_deep(given), plain_deep(ends))[1]
    return [_counts(weights, values, list(edges), density), rows]


MATHEMATICS: dict[Any, Reader] = {
    np.unwrap: _unwrap,
    np.nan_to_num: _nan_to_num,
    np.sinc: _one("sinc"),
    np.i0: _one("i0"),
    np.fix: _one("fix"),
    np.diff: _diff,
    np.ediff1d: _ediff1d,
    np.gradient: _gradient,
    np.trapezoid: _trapezoid,
    np.interp: _interp,
    np.convolve: _convolve,
    np.correlate: _correlate,
    np.linspace: _linspace,
    np.logspace: _logspace,
    np.geomspace: _geomspace,
    np.cov: _cov,
    np.corrcoef: _corrcoef,
    np.bincount: _bincount,
    np.histogram: _histogram,
    np.histogram_bin_edges: _histogram_bin_edges,
    np.histogramdd: _histogram_of_many,
    np.histogram2d: _histogram_of_two,
}
