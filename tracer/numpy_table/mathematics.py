"""Functions of statistics, signals and numpy.linalg."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.numpy_table.reading import NOT_GIVEN, Followed, OptionError, Reader, only_defaults, with_params
from tracer.standins import plain_deep

if TYPE_CHECKING:
    from collections.abc import Callable


def _spread(name: str) -> Callable[..., Followed]:
    def read(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        ddof: Any = 0,
        keepdims: Any = False,
        **options: Any,
    ) -> Followed:
        correction = options.pop("correction", NOT_GIVEN)
        only_defaults((dtype, out), options)
        keeps = bool(keepdims) and keepdims is not NOT_GIVEN
        freedom = plain_deep(ddof if correction is NOT_GIVEN else correction)
        return name, (a,), {"axis": plain_deep(axis), "keepdims": keeps, "ddof": freedom}

    return read


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Followed:  # noqa: A002  (NumPy's)
    ndim = np.ndim(plain_deep(x))
    is_matrix = isinstance(axis, tuple) or (axis is None and ndim == 2)
    if not (ord is None or (ord == "fro" and is_matrix) or (ord == 2 and not is_matrix)):
        raise OptionError(f"ord={ord!r}")
    return "norm", (x,), {"axis": plain_deep(axis), "keepdims": bool(keepdims)}


def _convolve(a: Any, v: Any, mode: Any = "full") -> Followed:
    return "convolve", (a, v), {"mode": mode}


def _slogdet(a: Any) -> list[Followed]:
    return [("slogdet_sign", (a,), {}), ("slogdet_logabsdet", (a,), {})]


def _of_matrices(name: str) -> Callable[..., Followed]:
    def read(*operands: Any, **options: Any) -> Followed:
        only_defaults(
            (), {key: value for key, value in options.items() if (key, value) != ("upper", False)}
        )
        return name, operands, {}

    return read


def _eigvalsh(a: Any, UPLO: Any = "L") -> Followed:  # noqa: N803  (NumPy's)
    return "eigvalsh", (a,), {"UPLO": UPLO}


MATHEMATICS: dict[Any, Reader] = {
    np.var: _spread("var"),
    np.std: _spread("std"),
    np.cumprod: with_params("cumprod", "axis"),
    np.trace: with_params("trace", "offset", "axis1", "axis2"),
    np.diff: with_params("diff", "n", "axis"),
    np.convolve: _convolve,
    np.linalg.norm: _norm,
    np.linalg.inv: _of_matrices("inv"),
    np.linalg.solve: _of_matrices("solve"),
    np.linalg.det: _of_matrices("det"),
    np.linalg.slogdet: _slogdet,
    np.linalg.cholesky: _of_matrices("cholesky"),
    np.linalg.eigvalsh: _eigvalsh,
}
