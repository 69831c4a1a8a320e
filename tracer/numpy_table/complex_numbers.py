"""Functions that take complex numbers apart, np.emath, and the functions of np.fft."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.numpy_table.reading import Followed, OptionError, Reader, operands_only
from tracer.standins import plain, plain_deep

if TYPE_CHECKING:
    from collections.abc import Callable


def _imag(val: Any) -> Followed | None:
    return ("imag", (val,), None) if _is_complex(val) else None


def _angle(z: Any, deg: Any = False) -> Followed | None:
    if not _is_complex(z):
        return None  # it is 0 or pi
    return "angle_degrees" if plain(deg) else "angle", (z,), None


def _is_complex(value: Any) -> bool:
    return np.iscomplexobj(plain_deep(value))


def _real_if_close(a: Any, tol: Any = 100) -> Followed:
    is_real = np.isrealobj(np.real_if_close(plain_deep(a), plain(tol)))
    return "real" if is_real else "copy", (a,), None


def _logn(n: Any, x: Any) -> Followed:
    return "log_base", (x, n), None


def _along(name: str) -> Callable[..., Followed]:
    """Read a transform along one axis."""

    def read(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, out: Any = None) -> Followed:
        if out is not None:
            raise OptionError("out=")
        length = np.shape(plain_deep(a))[plain(axis)] if n is None else int(plain(n))
        if n is None and name in ("irfftn", "hfft"):
            length = 2 * (length - 1)
        return name, (a,), {"axes": (int(plain(axis)),), "length": length, "norm": norm or "backward"}

    return read


def _over(name: str, axes: tuple[int, ...] | None = None) -> Callable[..., Followed]:
    """Read a transform over several axes: `s` are its lengths, the last axis the one that is halved."""

    def read(a: Any, s: Any = None, axes: Any = axes, norm: Any = None, out: Any = None) -> Followed:
        if out is not None:
            raise OptionError("out=")
        shape = np.shape(plain_deep(a))
        lengths, axes = plain_deep(s), plain_deep(axes)
        if axes is None:
            axes = range(len(shape)) if lengths is None else range(-len(lengths), 0)
        chosen = tuple(int(axis) for axis in axes)
        if not chosen or len({axis % len(shape) for axis in chosen}) < len(chosen):
            raise OptionError(f"axes={chosen}")
        last = None if lengths is None else lengths[-1]
        length = shape[chosen[-1]] if last in (None, -1) else int(last)
        if last is None and name == "irfftn":
            length = 2 * (length - 1)
        return name, (a,), {"axes": chosen, "length": length, "norm": norm or "backward"}

    return read


COMPLEX_NUMBERS: dict[Any, Reader] = {
    np.real: operands_only("real"),
    np.imag: _imag,
    np.angle: _angle,
    np.real_if_close: _real_if_close,
    # The square root and the logarithm of a negative number are complex; it is the same derivative.
    **{
        getattr(np.emath, name): operands_only(name)
        for name in ("sqrt", "log", "log2", "log10", "power", "arccos", "arcsin", "arctanh")
    },
    np.emath.logn: _logn,
    np.fft.fft: _along("fftn"),
    np.fft.ifft: _along("ifftn"),
    np.fft.rfft: _along("rfftn"),
    np.fft.irfft: _along("irfftn"),
    np.fft.hfft: _along("hfft"),
    np.fft.ihfft: _along("ihfft"),
    np.fft.fft2: _over("fftn", (-2, -1)),
    np.fft.ifft2: _over("ifftn", (-2, -1)),
    np.fft.rfft2: _over("rfftn", (-2, -1)),
    np.fft.irfft2: _over("irfftn", (-2, -1)),
    np.fft.fftn: _over("fftn"),
    np.fft.ifftn: _over("ifftn"),
    np.fft.rfftn: _over("rfftn"),
    np.fft.irfftn: _over("irfftn"),
}
