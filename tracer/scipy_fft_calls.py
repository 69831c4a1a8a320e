"""How a call of `scipy.fft` is read: as one of `np.fft` wherever that is the same. SciPy is not imported here.

`scipy.fftpack`, which older programs call, is read as `scipy.fft`, but for names of arguments and inverses.
"""

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
        axes = tuple(int(axis) for axis in np.ravel(list(axes) if np.ndim(axes) else axes))
        is_orthogonal = norm == "ortho" if orthogonalize is None else bool(plain(orthogonalize))
        if np.iscomplexobj(plain_deep(x)) and is_orthogonal != (norm == "ortho"):
            raise OptionError("orthogonalize= of complex numbers, which some versions of SciPy do not read")
        params = {"type": int(plain(type)), "axes": axes, "norm": norm, "orthogonalize": is_orthogonal}
        return name if several else f"{name}n", (x,), params

    return read


_INVERSE = {1: 1, 2: 3, 3: 2, 4: 4}


def _older(name: str) -> Callable[..., Any]:
    """Read a function of `scipy.fftpack`: no inverse of its cosines and sines divides."""
    is_inverse = name.startswith("id")
    sizes = ("n", "axis") if name.endswith("t") else ("s", "axes")
    names = sizes if name in (*_ALONG, *_OVER) else ("type", *sizes, "norm")

    def read(x: Any, *args: Any, **options: Any) -> Any:
        named = {"s" if each == "shape" else each: value for each, value in options.items()}
        named = dict(zip(names, args, strict=False)) | named
        named.pop("overwrite_x", None)
        if not is_inverse:
            return READERS[name](x, **named)
        named["type"] = _INVERSE[int(plain(named.get("type", 2)))]
        return READERS[name[1:]](x, **named)

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

# Its rfft and irfft put the parts of complex numbers into a row.
FFTPACK_READERS: dict[str, Callable[..., Any]] = {
    name: _older(name) for name in READERS if "rfft" not in name and "hfft" not in name
}
