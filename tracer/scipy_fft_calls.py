"""How a call of `scipy.fft` is read: as one of `np.fft` wherever that is the same. SciPy is not imported here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.numpy_table import FOLLOWED
from tracer.numpy_table.reading import OptionError
from tracer.standins import plain, plain_deep

if TYPE_CHECKING:
    from collections.abc import Callable

_ALONG = "fft ifft rfft irfft hfft ihfft".split()
_OVER = "fft2 ifft2 rfft2 irfft2 fftn ifftn rfftn irfftn".split()


def _as_numpy(name: str, default: Any) -> Callable[..., Any]:
    """Read a transform: `overwrite_x`, `workers` and `plan` say how SciPy computes, not what."""

    def read(
        x: Any,
        size: Any = None,
        axes: Any = default,
        norm: Any = None,
        overwrite_x: Any = False,
        workers: Any = None,
        *,
        plan: Any = None,
        **named: Any,
    ) -> Any:
        del overwrite_x, workers, plan
        size, axes = named.pop("n", named.pop("s", size)), named.pop("axis", axes)
        if name in _ALONG:
            return FOLLOWED[getattr(np.fft, name)](x, size, axes, norm)
        ndim = np.ndim(plain_deep(x))
        if size is not None and np.ndim(plain_deep(size)) == 0:
            size = (size,)
        if axes is not None and np.ndim(plain_deep(axes)) == 0:
            axes = (axes,)
        if axes is None:
            axes = range(ndim) if size is None else range(ndim - len(size), ndim)
        return FOLLOWED[getattr(np.fft, name)](x, size, axes, norm)

    return read


def _cosines(name: str) -> Callable[..., Any]:
    several = name.endswith("n")

    def read(
        x: Any,
        type: Any = 2,  # noqa: A002  (SciPy's own name)
        size: Any = None,
        axes: Any = None if several else -1,
        norm: Any = None,
        overwrite_x: Any = False,
        workers: Any = None,
        orthogonalize: Any = None,
        **named: Any,
    ) -> Any:
        del overwrite_x, workers
        size, axes = plain_deep(named.pop("n", named.pop("s", size))), plain_deep(named.pop("axis", axes))
        ndim, norm = np.ndim(plain_deep(x)), norm or "backward"
        if not several:
            axes = (axes,)
        elif axes is None:
            axes = range(ndim) if size is None else range(ndim - np.size(size), ndim)
        axes = tuple(int(axis) for axis in np.ravel(list(axes) if np.ndim(axes) or several else axes))
        is_orthogonal = norm == "ortho" if orthogonalize is None else bool(plain(orthogonalize))
        if np.iscomplexobj(plain_deep(x)) and is_orthogonal != (norm == "ortho"):
            raise OptionError("orthogonalize= of complex numbers, which some versions of SciPy do not read")
        params = {"type": int(plain(type)), "axes": axes, "norm": norm, "orthogonalize": is_orthogonal}
        return name if several else f"{name}n", (x,), params

    return read


READERS: dict[str, Callable[..., Any]] = {
    **{name: _as_numpy(name, -1) for name in _ALONG},
    **{name: _as_numpy(name, (-2, -1) if name.endswith("2") else None) for name in _OVER},
    **{
        f"{inverse}{kind}{several}": _cosines(f"{inverse}{kind}{several}")
        for inverse in ("", "i")
        for kind in ("dct", "dst")
        for several in ("", "n")
    },
}
