"""The table of what operations on arrays compute: `(operands, params, out) -> value`. Read through forward.py."""

from __future__ import annotations

from typing import Any

import numpy  # noqa: ICN001  (np is what has no types here)

from tracer.rules.arrange import ARRANGE
from tracer.rules.assumed import assumed
from tracer.rules.ufunc_forms import BINARY

# Operands are of any type that NumPy takes: what its annotations say of hundreds of calls says nothing here.
np: Any = numpy


def _given(params: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return those of some parameters that the call had."""
    return {
        name: params[name] for name in names if params.get(name) is not None and params[name] is not False
    }


# ------------------------------------------------------------------------------------------------ shapes and elements


def _arrange(operands: Any, params: Any, out: Any) -> Any:
    """Put the elements where the numbers say; what comes from none stays as it was."""
    places = np.asarray(params["places"])
    elements = np.concatenate([np.ravel(each) for each in operands])
    return np.where(places > 0, elements[np.maximum(places, 1) - 1], out)


def _pad_computed(operands: Any, params: Any, _: Any) -> Any:
    mode = params["mode"]
    options = {"reflect_type": params["reflect_type"]}
    if mode == "linear_ramp":
        options = {"end_values": params["end_values"]}
    elif mode not in ("reflect", "symmetric"):
        options = {"stat_length": params["lengths"]}
    return np.pad(operands[0], params["widths"], mode, **options)


def _item(operands: Any, params: Any, _: Any) -> Any:
    index = params.get("index", ())
    return np.asarray(operands[0]).item(*(index if isinstance(index, tuple) else (index,)))


def _setitem(operands: Any, params: Any, _: Any) -> Any:
    array, value = np.array(operands[0]), np.asarray(operands[1])
    if value.dtype.kind == "c" and array.dtype.kind != "c":
        array = array.astype(value.dtype)
    array[params["index"]] = value
    return array


def _at(ufunc: Any) -> Any:
    def compute(operands: Any, params: Any, _: Any) -> Any:
        array = np.array(operands[0])
        ufunc.at(array, params["index"], operands[1])
        return array

    return compute


def _with_part(part: str) -> Any:
    def compute(operands: Any, _: Any, __: Any) -> Any:
        changed = np.array(operands[0])
        setattr(changed, part, np.real(operands[1]))
        return changed[()]

    return compute


def _concatenated(operands: Any, params: Any, _: Any) -> Any:
    return np.concatenate([np.asarray(each) for each in operands], params.get("axis", 0))


_SHAPES = {
    "reshape": lambda x, p, out: np.reshape(x[0], np.shape(out), order=p.get("order", "C")),
    "ravel": lambda x, p, _: np.ravel(x[0], p.get("order", "C")),
    "squeeze": lambda x, _, out: np.reshape(x[0], np.shape(out)),
    "expand_dims": lambda x, _, out: np.reshape(x[0], np.shape(out)),
    "transpose": lambda x, p, _: np.transpose(x[0], p.get("axes")),
    "swapaxes": lambda x, p, _: np.swapaxes(x[0], p["axis1"], p["axis2"]),
    "moveaxis": lambda x, p, _: np.moveaxis(x[0], p["source"], p["destination"]),
    "flip": lambda x, p, _: np.flip(x[0], p.get("axis")),
    "concatenate": _concatenated,
    "stack": lambda x, p, _: np.stack(x, p.get("axis", 0)),
    "getitem": lambda x, p, _: np.asarray(x[0])[p["index"]],
    "item": _item,
    "pad_computed": _pad_computed,
    "setitem": _setitem,
    "add_at": _at(np.add),
    "subtract_at": _at(np.subtract),
    "with_real": _with_part("real"),
    "with_imag": _with_part("imag"),
    **dict.fromkeys(ARRANGE, _arrange),
}

# ---------------------------------------------------------------------------------------------------------- reductions


def _reduced(name: str, *options: str) -> Any:
    function = getattr(np, name)

    def compute(operands: Any, params: Any, _: Any) -> Any:
        initial = {"initial": operands[1]} if len(operands) > 1 else {}
        return function(operands[0], **_given(params, "axis", "keepdims", "where", *options), **initial)

    return compute


def _spread(name: str) -> Any:
    function = getattr(np, name)

    def compute(operands: Any, params: Any, _: Any) -> Any:
        mean = {"mean": operands[1]} if len(operands) > 1 else {}
        return function(operands[0], **_given(params, "axis", "keepdims", "where", "ddof"), **mean)

    return compute


def _accumulated(name: str) -> Any:
    function = getattr(np, name)
    first = 1.0 if name.endswith("prod") else 0.0

    def compute(operands: Any, params: Any, _: Any) -> Any:
        axis = params.get("axis")
        found = function(operands[0], axis)
        if not params.get("include_initial"):
            return found
        return np.insert(found, 0, first, axis=axis or 0)

    return compute


def _quantile(name: str) -> Any:
    function = getattr(np, name)

    def compute(operands: Any, params: Any, _: Any) -> Any:
        if name.endswith("median"):
            return function(operands[0], **_given(params, "axis", "keepdims"))
        q = operands[1] if len(operands) > 1 else params["q"]
        return function(operands[0], q, **_given(params, "axis", "keepdims", "method", "weights"))

    return compute


def _form(name: str, form: str) -> Any:
    ufunc = BINARY[name]

    def compute(operands: Any, params: Any, _: Any) -> Any:
        if form == "accumulate":
            return ufunc.accumulate(operands[0], params["axis"])
        if form == "reduceat":
            return ufunc.reduceat(operands[0], params["indices"], params["axis"])
        initial = {"initial": operands[1]} if len(operands) > 1 else {}
        options = _given(params, "keepdims", "where")
        return ufunc.reduce(operands[0], axis=params.get("axis"), **options, **initial)

    return compute


def _average_weights(operands: Any, params: Any, _: Any) -> Any:
    (weights,), axis, shape = operands, params["axis"], params["shape"]
    ones = np.ones(shape)
    return np.average(ones, axis, weights, returned=True, keepdims=bool(params["keepdims"]))[1]


def _moments(name: str) -> Any:
    function = getattr(np, name)
    names = ("rowvar", "bias", "ddof", "fweights", "aweights") if name == "cov" else ("rowvar",)

    def compute(operands: Any, params: Any, _: Any) -> Any:
        options, at = {each: params[each] for each in names}, params.get("of_weights")
        if at is not None:
            options["aweights"] = np.real(operands[at])
        return function(*operands[:at], **options)

    return compute


def _histogram(operands: Any, params: Any, out: Any) -> Any:
    """Add up the weights in each bin; `bins` has the size of the result where a weight is in none."""
    bins, weights = (np.ravel(each) for each in (params["bins"], operands[0]))
    counts = np.bincount(bins, weights, minlength=np.size(out) + 1)
    return counts[: np.size(out)].reshape(np.shape(out))


def _histogram_density(operands: Any, params: Any, out: Any) -> Any:
    counts = _histogram(operands, params, out)
    return counts / params["widths"] / counts.sum()


def _histogram_edges(operands: Any, params: Any, out: Any) -> Any:
    (numbers,), column = operands, params.get("column")
    return np.histogram_bin_edges(numbers if column is None else numbers[:, column], len(out) - 1)


_REDUCTIONS = {
    **{
        name: _reduced(name)
        for name in ("sum mean prod max min ptp nansum nanmean nanprod nanmax nanmin".split())
    },
    **{name: _spread(name) for name in ("var", "std", "nanvar", "nanstd")},
    **{name: _accumulated(name) for name in ("cumsum", "cumprod", "nancumsum", "nancumprod")},
    **{
        name: _quantile(name)
        for name in ("median", "quantile", "percentile", "nanmedian", "nanquantile", "nanpercentile")
    },
    **{
        f"{name}.{form}": _form(name, form)
        for name in BINARY
        for form in ("reduce", "accumulate", "reduceat")
    },
    "average": lambda x, p, _: np.average(x[0], p["axis"], x[1], keepdims=bool(p["keepdims"])),
    "average_weights": _average_weights,
    "cov": _moments("cov"),
    "corrcoef": _moments("corrcoef"),
    "bincount": lambda x, p, out: np.bincount(p["bins"], x[0], minlength=len(out)),
    "histogram": _histogram,
    "histogram_density": _histogram_density,
    "histogram_edges": _histogram_edges,
}

# ------------------------------------------------------------------------------------------------------ linear algebra


def _norm(operands: Any, params: Any, _: Any) -> Any:
    x, *orders = operands
    order = float(np.real(orders[0])) if orders else params["ord"]
    options = {"axis": params["axes"], "keepdims": params["keepdims"]}
    if params["kind"] == "vector":
        return np.linalg.vector_norm(x, ord=2 if order is None else order, **options)
    return np.linalg.norm(x, order, **options)


def _svd(part: int) -> Any:
    def compute(operands: Any, _: Any, out: Any) -> Any:
        (a,) = operands
        whole = (part == 0 and np.shape(out)[-1] == a.shape[-2]) or (
            part != 0 and np.shape(out)[-2] == a.shape[-1]
        )
        return np.linalg.svd(a, full_matrices=bool(whole))[part]

    return compute


def _assuming(name: str) -> Any:
    function = getattr(np.linalg, name)

    def compute(operands: Any, params: Any, _: Any) -> Any:
        a, *rest = operands
        return function(assumed(a, params["structure"], lower=params["lower"]), *rest)

    return compute


def _svd_hermitian(part: int) -> Any:
    return lambda x, _, __: np.linalg.svd(x[0], hermitian=True)[part]


def _qr(part: int) -> Any:
    def compute(operands: Any, params: Any, out: Any) -> Any:
        a = operands[0][..., params.get("order", slice(None))]
        rows = np.shape(out)[-1] if part == 0 else np.shape(out)[-2]
        return np.linalg.qr(a, "complete" if rows > min(a.shape[-2:]) else "reduced")[part]

    return compute


_ALGEBRA = {
    **{
        name: (lambda x, _, __, name=name: getattr(np, name)(*x))
        for name in "matmul dot outer inner vdot kron".split()
    },
    **{
        name: (lambda x, _, __, name=name: getattr(np.linalg, name)(*x))
        for name in "inv det solve pinv eigvals svdvals".split()
    },
    "tensordot": lambda x, p, _: np.tensordot(*x, p.get("axes", 2)),
    "einsum": lambda x, p, _: np.einsum(p["subscripts"], *x),
    "cross": lambda x, p, _: np.cross(*x, *p["axes"]),
    "vecdot": lambda x, p, _: np.vecdot(*x, axis=p.get("axis", -1)),
    "matvec": lambda x, _, __: (x[0] @ x[1][..., None])[..., 0],
    "vecmat": lambda x, _, __: (np.conj(x[0])[..., None, :] @ x[1])[..., 0, :],
    "diagonal": lambda x, p, _: np.diagonal(x[0], p["offset"], p["axis1"], p["axis2"]),
    "trace": lambda x, p, _: np.trace(x[0], p["offset"], p["axis1"], p["axis2"]),
    "diag": lambda x, p, _: np.diag(x[0], p["k"]),
    "slogdet": lambda x, _, __: np.linalg.slogdet(x[0])[1],
    "slogdet_sign": lambda x, _, __: np.linalg.slogdet(x[0])[0],
    "matrix_power": lambda x, p, _: np.linalg.matrix_power(x[0], p["n"]),
    "multi_dot": lambda x, _, __: np.linalg.multi_dot(x),
    "tensorinv": lambda x, p, _: np.linalg.tensorinv(x[0], p["ind"]),
    "tensorsolve": lambda x, p, _: np.linalg.tensorsolve(*x, axes=p["axes"]),
    "lstsq": lambda x, _, __: np.linalg.lstsq(*x)[0],
    "lstsq_residuals": lambda x, _, __: np.linalg.lstsq(*x)[1],
    "cholesky": lambda x, p, _: np.linalg.cholesky(x[0], upper=p["upper"]),
    "eigvalsh": lambda x, p, _: np.linalg.eigvalsh(x[0], p["UPLO"]),
    "eigh_values": lambda x, p, _: np.linalg.eigh(x[0], p["UPLO"])[0],
    "eigh_vectors": lambda x, p, _: np.linalg.eigh(x[0], p["UPLO"])[1],
    "eig_values": lambda x, _, __: np.linalg.eig(x[0])[0],
    "eig_vectors": lambda x, _, __: np.linalg.eig(x[0])[1],
    **{f"{name}_assuming": _assuming(name) for name in ("inv", "pinv", "solve")},
    "svd_hermitian_u": _svd_hermitian(0),
    "svd_hermitian_s": _svd_hermitian(1),
    "svd_hermitian_vh": _svd_hermitian(2),
    "svd_u": _svd(0),
    "svd_s": lambda x, _, __: np.linalg.svd(x[0], compute_uv=False),
    "svd_vh": _svd(2),
    "qr_q": _qr(0),
    "qr_r": _qr(1),
    "norm": _norm,
    "cond": lambda x, p, _: np.linalg.cond(x[0], p["p"]),
}

# ------------------------------------------------------------------------- calculus, polynomials, Fourier transforms


def _joined(operands: Any, axis: int) -> Any:
    """Join a `prepend` and an `append` to an array, as np.diff does."""
    ndim = max(np.ndim(each) for each in operands)
    shape = next(np.shape(each) for each in operands if np.ndim(each) == ndim)
    one = [1 if at == axis % ndim else length for at, length in enumerate(shape)]
    return np.concatenate(
        [each if np.ndim(each) else np.broadcast_to(each, one) for each in operands], axis
    )


def _diff(operands: Any, params: Any, _: Any) -> Any:
    axis = -1 if params["axis"] is None else params["axis"]
    return np.diff(_joined(operands, axis), 1 if params["n"] is None else params["n"], axis)


def _ediff1d(operands: Any, params: Any, _: Any) -> Any:
    given = dict(zip(params["given"], operands, strict=True))
    ends = [np.ravel(given[end]) if end in given else np.zeros(0) for end in ("to_begin", "to_end")]
    return np.concatenate([ends[0], np.diff(np.ravel(given["ary"])), ends[1]])


def _trapezoid(operands: Any, params: Any, _: Any) -> Any:
    y, *spacing = operands
    by = {"x" if params["by_x"] else "dx": spacing[0]} if spacing else {}
    return np.trapezoid(y, axis=params["axis"], **by)


def _polyfit(operands: Any, params: Any, _: Any) -> Any:
    x, y, *weights = operands
    return np.polyfit(x, y, params["deg"], w=weights[0] if weights else None)


def _polyint(operands: Any, params: Any, out: Any) -> Any:
    """Integrate; constants of integration that are no operand are in the result alone."""
    p, *constants = operands
    if constants:
        return np.polyint(p, params["m"], constants[0])
    return np.concatenate([np.polyint(p, params["m"])[: len(p)], out[len(p) :]])


def _interp(operands: Any, params: Any, _: Any) -> Any:
    x, xp, fp, *traced = operands
    given = _given(params, "left", "right", "period") | dict(zip(params["traced"], traced, strict=True))
    return np.interp(np.real(x), np.real(xp), fp, **given)


def _logspace(operands: Any, params: Any, _: Any) -> Any:
    start, stop, *base = operands
    options = {each: params[each] for each in _SEQUENCE}
    return np.logspace(start, stop, base=base[0] if base else params["base"], **options)


def _transformed(name: str) -> Any:
    function = getattr(np.fft, name)

    def compute(operands: Any, params: Any, out: Any) -> Any:
        axes, norm = params["axes"], params["norm"]
        axes = tuple(each % np.ndim(out) for each in axes)
        if name in ("hfft", "ihfft"):
            return function(operands[0], params["length"], axes[0], norm)
        lengths = [np.shape(out)[axis] for axis in axes]
        lengths[-1] = params["length"]
        return function(operands[0], lengths, axes, norm)

    return compute


_SEQUENCE = ("num", "endpoint", "axis")
_CALCULUS = {
    "diff": _diff,
    "ediff1d": _ediff1d,
    "gradient": lambda x, p, _: np.gradient(*x, axis=p["axis"], edge_order=p["edge_order"]),
    "trapezoid": _trapezoid,
    "interp": _interp,
    "arange": lambda x, _, out: x[0] + np.arange(len(out)) * x[1],
    "linspace": lambda x, p, _: np.linspace(*x, **{each: p[each] for each in _SEQUENCE}),
    "linspace_step": lambda x, p, _: np.linspace(*x, retstep=True, **{each: p[each] for each in _SEQUENCE})[
        1
    ],
    "logspace": _logspace,
    "geomspace": lambda x, p, _: np.geomspace(*x, **{each: p[each] for each in _SEQUENCE}),
    "convolve": lambda x, p, _: np.convolve(*x, p["mode"] or "full"),
    "correlate": lambda x, p, _: np.correlate(*x, p["mode"]),
    "polyval": lambda x, _, __: np.polyval(*x),
    "vander": lambda x, p, out: np.vander(x[0], np.shape(out)[1], p["increasing"]),
    "polyfit": _polyfit,
    "polyder": lambda x, p, _: np.polyder(x[0], p["m"]),
    "polyint": _polyint,
    "polyadd": lambda x, _, __: np.polyadd(*x),
    "polysub": lambda x, _, __: np.polysub(*x),
    "polymul": lambda x, _, __: np.polymul(*x),
    "polydiv_quotient": lambda x, _, __: np.polydiv(*x)[0],
    "polydiv_rest": lambda x, _, __: np.polydiv(*x)[1],
    "roots": lambda x, _, __: np.roots(x[0]),
    "poly": lambda x, _, __: np.poly(x[0]),
    **{name: _transformed(name) for name in ("fftn", "ifftn", "rfftn", "irfftn", "hfft", "ihfft")},
}

ARRAY_FUNCTIONS: dict[str, Any] = {**_SHAPES, **_REDUCTIONS, **_ALGEBRA, **_CALCULUS}
