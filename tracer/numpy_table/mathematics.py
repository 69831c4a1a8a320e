"""Functions of calculus, signals and statistics; sequences between two ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.numpy_table.reading import NOT_GIVEN, Followed, OptionError, Reader, only_defaults
from tracer.standins import holds_traced, is_traced, plain, plain_deep

if TYPE_CHECKING:
    from collections.abc import Callable


def _constant(value: Any, what: str) -> Any:
    """Return an argument that no gradient is known for, as plain numbers."""
    if holds_traced(value):
        raise OptionError(f"a traced {what}")
    return plain_deep(value)


# elementwise, but no ufuncs


def _unwrap(p: Any, discont: Any = None, axis: Any = -1, *, period: Any = 2 * np.pi) -> Followed:
    del axis  # the jumps that are added are whole periods: constants
    _constant(discont, "discont=")
    _constant(period, "period=")
    return "unwrap", (p,), {}


def _nan_to_num(
    x: Any, copy: Any = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Followed:
    if not copy:
        raise OptionError("copy=False, which writes in place")
    _constant((nan, posinf, neginf), "nan=, posinf= or neginf=")
    return "nan_to_num", (x,), {}


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
    axes = tuple(range(ndim)) if axes is None else axes if isinstance(axes, tuple) else (axes,)
    spacings = varargs * len(axes) if len(varargs) == 1 else varargs or (None,) * len(axes)
    rows: list[Followed | None] = []
    for at, spacing in zip(axes, spacings, strict=True):
        operands = (f,) if spacing is None else (f, spacing)
        rows.append(("gradient", operands, {"axis": int(at), "edge_order": int(plain(edge_order))}))
    first = rows[0] if len(axes) == 1 else None
    return rows if first is None else first


def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1) -> Followed:
    params = {"axis": plain(axis), "by_x": x is not None}
    return "trapezoid", (y, dx if x is None else x), params


def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Followed:
    ends = {"left": left, "right": right, "period": period}
    return "interp", (x, xp, fp), {name: _constant(each, f"{name}=") for name, each in ends.items()}


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
    del dtype
    params = {"num": int(plain(num)), "endpoint": bool(endpoint), "axis": plain(axis)}
    return "logspace", (start, stop), {**params, "base": float(_constant(base, "base="))}


def _geomspace(
    start: Any, stop: Any, num: Any = 50, endpoint: Any = True, dtype: Any = None, axis: Any = 0
) -> Followed:
    del dtype
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
    del dtype
    operands = (m,) if y is None else (m, y)
    _refuse_one_row(operands, rowvar)
    weights = {"fweights": fweights, "aweights": aweights}
    params: dict[str, Any] = {
        name: None if each is None else np.asarray(_constant(each, f"{name}="))
        for name, each in weights.items()
    }
    return "cov", operands, params | {"rowvar": bool(rowvar), "bias": bool(bias), "ddof": plain(ddof)}


def _corrcoef(x: Any, y: Any = None, rowvar: Any = True, *, dtype: Any = None) -> Followed:
    del dtype
    operands = (x,) if y is None else (x, y)
    _refuse_one_row(operands, rowvar)
    return "corrcoef", operands, {"rowvar": bool(rowvar)}


def _refuse_one_row(operands: tuple[Any, ...], rowvar: Any) -> None:
    """Refuse what the versions of NumPy disagree on: whether the columns of one row are variables."""
    if not rowvar and any(np.shape(plain_deep(each))[:-1] == (1,) for each in operands):
        raise OptionError("rowvar=False of one row")


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
    row: Followed | None = None
    if weights is None and density and _edges_move(a, bins, range):
        raise OptionError("density=True and bins that move with the data")
    if holds_traced(weights):
        numbers = np.asarray(plain_deep(a))
        places = np.searchsorted(edges, numbers, "right") - 1
        places[numbers == edges[-1]] = len(edges) - 2
        places[(numbers < edges[0]) | (numbers > edges[-1])] = len(edges) - 1
        if density and (holds_traced(a) or holds_traced(bins)):
            raise OptionError("density=True and weights= that are traced like the data")
        params: dict[str, Any] = {"bins": places}
        if density:
            params["widths"] = np.diff(edges)
        row = ("histogram_density" if density else "histogram", (weights,), params)
    elif density and holds_traced(bins):
        raise OptionError("density=True and traced bins")
    return [row, _edges(a, bins, range)]


def _edges_move(a: Any, bins: Any, limits: Any) -> bool:
    return holds_traced(a) and limits is None and np.ndim(plain_deep(bins)) == 0


def _edges(a: Any, bins: Any, limits: Any) -> Followed | None:
    """Read the edges: those that were given, or at equal distances between the ends of the data."""
    _constant(limits, "range=")
    if np.ndim(plain_deep(bins)):
        return ("copy", (bins,), None) if is_traced(bins) else None
    return ("histogram_edges", (a,), {}) if _edges_move(a, bins, limits) else None


def _histogram_bin_edges(
    a: Any,
    bins: Any = 10,
    range: Any = None,  # noqa: A002  (NumPy's own name)
    weights: Any = None,
) -> Followed | None:
    del weights
    return _edges(a, bins, range)


def _histogram_of_many(sample: Any, bins: Any = 10, range: Any = None, **options: Any) -> None:  # noqa: A002
    _refuse_moving(sample, bins, range, **options)


def _histogram_of_two(x: Any, y: Any, bins: Any = 10, range: Any = None, **options: Any) -> None:  # noqa: A002
    _refuse_moving((x, y), bins, range, **options)


def _refuse_moving(data: Any, bins: Any, limits: Any, density: Any = None, weights: Any = None) -> None:
    """Refuse all that a result follows smoothly; counts take steps."""
    _constant(weights, "weights=")
    _constant(bins, "bins")
    if density or (limits is None and not isinstance(bins, list | tuple | np.ndarray)):
        _constant(data, "sample, whose bins move with it")


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
