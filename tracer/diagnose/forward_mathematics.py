"""What operations of linear algebra and calculus compute, on polynomials and transforms: read by forward_arrays.py."""

from __future__ import annotations

from typing import Any

import numpy  # noqa: ICN001  (np is what has no types here)

from tracer.rules.assumed import assumed

np: Any = numpy  # whose annotations say nothing here, as there


def given(params: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return those of some parameters that the call had."""
    return {
        name: params[name] for name in names if params.get(name) is not None and params[name] is not False
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
    "lstsq_residuals": lambda x, _, out: np.reshape(np.linalg.lstsq(*x)[1], np.shape(out)),
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
    found = given(params, "left", "right", "period") | dict(zip(params["traced"], traced, strict=True))
    return np.interp(np.real(x), np.real(xp), fp, **found)


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

MATHEMATICS: dict[str, Any] = {**_ALGEBRA, **_CALCULUS}
