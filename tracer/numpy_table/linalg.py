"""The functions of np.linalg, and those of linear algebra that NumPy keeps outside of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.numpy_table.everyday import EVERYDAY
from tracer.numpy_table.reading import (
    NOT_GIVEN,
    Followed,
    OptionError,
    Reader,
    operands_only,
)
from tracer.rules.assumed import HERMITIAN
from tracer.standins import is_traced, plain, plain_deep

if TYPE_CHECKING:
    from collections.abc import Callable


def _ndim(a: Any) -> int:
    return int(np.ndim(plain_deep(a)))


def _as_tuple(axis: Any) -> tuple[int, ...]:
    return tuple(axis) if isinstance(axis, tuple | list) else (int(axis),)


def _several(a: Any, rules: tuple[str, ...], **params: Any) -> list[Followed | None]:
    return [(rule, (a,), {**params, "results": None}) for rule in rules]


def _slogdet(a: Any) -> list[Followed | None]:
    # The sign of a real determinant takes steps, that of a complex one turns.
    sign = ("slogdet_sign", (a,), None) if np.iscomplexobj(plain_deep(a)) else None
    return [sign, ("slogdet", (a,), None)]


def _cholesky(a: Any, /, *, upper: Any = False) -> Followed:
    return "cholesky", (a,), {"upper": bool(plain(upper))}


def _eigh(a: Any, UPLO: str = "L") -> list[Followed | None]:  # noqa: N803  (NumPy's own name)
    return _several(a, ("eigh_values", "eigh_vectors"), UPLO=UPLO.upper())


def _eigvalsh(a: Any, UPLO: str = "L") -> Followed:  # noqa: N803  (NumPy's own name)
    return "eigvalsh", (a,), {"UPLO": UPLO.upper()}


def _eig(a: Any) -> list[Followed | None]:
    return _several(a, ("eig_values", "eig_vectors"))


def _svd(
    a: Any, full_matrices: Any = True, compute_uv: Any = True, hermitian: Any = False
) -> Followed | list[Followed | None]:
    if plain(hermitian):
        parts = ("svd_hermitian_u", "svd_hermitian_s", "svd_hermitian_vh")
        return _several(a, parts) if compute_uv else ("svd_hermitian_s", (a,), None)
    if not compute_uv:
        return "svdvals", (a,), None
    rows, columns = np.shape(plain_deep(a))[-2:]
    if full_matrices and rows != columns:
        raise OptionError(
            f"full_matrices=True for {rows} rows and {columns} columns: the vectors beyond the singular values "
            "are any basis of what is left and have no derivative (full_matrices=False is followed)"
        )
    return _several(a, ("svd_u", "svd_s", "svd_vh"))


def _qr(a: Any, mode: str = "reduced") -> Followed | list[Followed | None]:
    rows, columns = np.shape(plain_deep(a))[-2:]
    if mode == "r":
        return "qr_r", (a,), None
    if mode == "reduced" or (mode == "complete" and rows <= columns):
        return _several(a, ("qr_q", "qr_r"))
    raise OptionError(
        f"mode={mode!r} for {rows} rows and {columns} columns: beyond the first it is any basis of what is left "
        "(mode='reduced' is followed)"
    )


_LESS_RANK = "rcond= that leaves singular values out: nearby matrices of less rank have another inverse"


def _leaves_out(a: Any, rcond: Any) -> bool:
    """Tell whether a limit counts some of the singular values as zero: what is left has another derivative."""
    s = np.linalg.svd(np.asarray(plain_deep(a)), compute_uv=False)
    return bool((s <= np.asarray(plain(rcond))[..., None] * s[..., :1]).any())


def _pinv(a: Any, rcond: Any = None, hermitian: Any = False, *, rtol: Any = NOT_GIVEN) -> Followed:
    limit = rcond if rtol in (NOT_GIVEN, None) else rtol
    if limit is not None and _leaves_out(a, limit):
        raise OptionError(_LESS_RANK)
    if plain(hermitian):
        return "pinv_assuming", (a,), {"structure": HERMITIAN, "lower": True}
    return "pinv", (a,), None


def _lstsq(a: Any, b: Any, rcond: Any = None) -> list[Followed | None]:
    if np.ndim(plain(rcond)):
        raise OptionError("an array as rcond=")
    if rcond is not None and _leaves_out(a, rcond):
        raise OptionError(_LESS_RANK)
    return [
        ("lstsq", (a, b), None),
        ("lstsq_residuals", (a, b), {"results": None}),
        None,
        ("svdvals", (a,), None),
    ]


def _matrix_power(a: Any, n: Any) -> Followed:
    return "matrix_power", (a,), {"n": int(plain(n))}


def _multi_dot(arrays: Any, *, out: Any = None) -> Followed:
    if out is not None:
        raise OptionError("out=")
    return "multi_dot" if len(arrays) > 2 else "dot", tuple(arrays), None


def _tensorinv(a: Any, ind: Any = 2) -> Followed:
    return "tensorinv", (a,), {"ind": int(plain(ind))}


def _tensorsolve(a: Any, b: Any, axes: Any = None) -> Followed:
    return "tensorsolve", (a, b), {"axes": None if axes is None else tuple(plain_deep(axes))}


def _cond(x: Any, p: Any = None) -> Followed:
    return "cond", (x,), {"p": plain(p)}


def _norm_row(x: Any, kind: str, order: Any, axes: tuple[int, ...], keepdims: Any) -> Followed | None:
    if kind == "vector" and plain(order) == 0:
        return None  # it counts
    params = {"kind": kind, "ord": plain(order), "axes": axes, "keepdims": bool(keepdims)}
    by_order = is_traced(order) and kind == "vector"  # of matrices, a few orders are norms alone
    return "norm", (x, order) if by_order else (x,), params


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Followed | None:  # noqa: A002
    axis, every = plain_deep(axis), tuple(range(_ndim(x)))
    axes = every if axis is None else _as_tuple(axis)
    if ord is None and axis is None:
        return _norm_row(x, "vector", None, every, keepdims)
    return _norm_row(x, "vector" if len(axes) == 1 else "matrix", ord, axes, keepdims)


def _vector_norm(x: Any, /, *, axis: Any = None, keepdims: Any = False, ord: Any = 2) -> Followed | None:  # noqa: A002
    axis = plain_deep(axis)
    axes = tuple(range(_ndim(x))) if axis is None else _as_tuple(axis)
    return _norm_row(x, "vector", ord, axes, keepdims)


def _matrix_norm(x: Any, /, *, keepdims: Any = False, ord: Any = "fro") -> Followed | None:  # noqa: A002
    return _norm_row(x, "matrix", ord, (-2, -1), keepdims)


def _diagonal(rule: str, axis1: int, axis2: int) -> Callable[..., Followed]:
    def read(
        a: Any,
        offset: Any = 0,
        axis1: Any = axis1,
        axis2: Any = axis2,
        dtype: Any = None,
        out: Any = None,
    ) -> Followed:
        del dtype  # the engine gives every gradient the type of its operand
        if out is not None:
            raise OptionError("out=")
        return rule, (a,), {"offset": plain(offset), "axis1": plain(axis1), "axis2": plain(axis2)}

    return read


def _diag(v: Any, k: Any = 0) -> Followed:
    if _ndim(v) == 1:
        return "diag", (v,), {"k": plain(k)}
    return "diagonal", (v,), {"offset": plain(k), "axis1": 0, "axis2": 1}


def _cross_row(a: Any, b: Any, axes: tuple[Any, Any, Any]) -> Followed:
    lengths = {np.shape(plain_deep(each))[axis] for each, axis in zip((a, b), axes[:2], strict=True)}
    if lengths != {3}:
        raise OptionError(
            "vectors of 2 elements: NumPy will refuse it (a[0] * b[1] - a[1] * b[0] is followed)"
        )
    return "cross", (a, b), {"axes": axes}


def _cross(a: Any, b: Any, axisa: Any = -1, axisb: Any = -1, axisc: Any = -1, axis: Any = None) -> Followed:
    return _cross_row(a, b, plain_deep((axisa, axisb, axisc) if axis is None else (axis,) * 3))


def _linalg_cross(a: Any, b: Any, /, *, axis: Any = -1) -> Followed:
    return _cross_row(a, b, (plain(axis),) * 3)


def _vecdot(a: Any, b: Any, /, *, axis: Any = -1) -> Followed:
    return "vecdot", (a, b), {"axis": plain(axis)}


def _matrix_transpose(x: Any, /) -> Followed:
    return "swapaxes", (x,), {"axis1": -2, "axis2": -1}


_ROWS: dict[str, Reader] = {
    "inv": operands_only("inv"),
    "solve": operands_only("solve"),
    "det": operands_only("det"),
    "slogdet": _slogdet,
    "cholesky": _cholesky,
    "eigh": _eigh,
    "eigvalsh": _eigvalsh,
    "eig": _eig,
    "eigvals": operands_only("eigvals"),
    "svd": _svd,
    "svdvals": operands_only("svdvals"),
    "qr": _qr,
    "pinv": _pinv,
    "lstsq": _lstsq,
    "matrix_power": _matrix_power,
    "multi_dot": _multi_dot,
    "tensorinv": _tensorinv,
    "tensorsolve": _tensorsolve,
    "cond": _cond,
    "norm": _norm,
    "vector_norm": _vector_norm,
    "matrix_norm": _matrix_norm,
    "trace": _diagonal("trace", -2, -1),
    "diagonal": _diagonal("diagonal", -2, -1),
    "cross": _linalg_cross,
    "vecdot": _vecdot,
    "matmul": operands_only("matmul"),
    "outer": operands_only("outer"),
    "tensordot": EVERYDAY[np.tensordot],
    "matrix_transpose": _matrix_transpose,
}

LINALG: dict[Any, Reader] = {
    **{getattr(np.linalg, name): row for name, row in _ROWS.items()},
    np.matrix_transpose: _matrix_transpose,
    np.kron: operands_only("kron"),
    np.cross: _cross,
    np.trace: _diagonal("trace", 0, 1),
    np.diagonal: _diagonal("diagonal", 0, 1),
    np.diag: _diag,
}
