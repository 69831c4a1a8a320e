"""Vjps of the Fourier transforms. Read through rules.RULES.

Params: `axes` in the order in which NumPy goes through them from the last; `length`, that of the last of them in the
array of real numbers (or, for fftn and ifftn, of out); `norm` by its name. A transform is a symmetric matrix, so it
is its own transposed; what is halved for real numbers counts twice, but for the first element and a middle one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.rules.kinds import Array, Operands, Params, Vjp, typed

if TYPE_CHECKING:
    from collections.abc import Callable

_OTHER_NORM = {"backward": "forward", "forward": "backward", "ortho": "ortho"}


def fitted(x: Any, operand: Array, axes: tuple[int, ...]) -> Array:
    """Undo the cutting and filling up that came before a transform, and give the operand's type."""
    for axis in axes:
        length, now = operand.shape[axis], x.shape[axis]
        if now > length:
            x = x[(slice(None),) * (axis % x.ndim) + (slice(length),)]
        elif now < length:
            widths = [(0, 0)] * x.ndim
            widths[axis] = (0, length - now)
            x = np.pad(x, widths)
    return typed(np.asarray(x), operand)


def _whole(transform: Callable[..., Any]) -> Callable[..., Array]:
    """Go back over a transform of complex numbers."""

    def pull(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
        del port, out
        axes = params["axes"]
        return fitted(transform(g, axes=axes, norm=params["norm"]), operands[0], axes)

    return pull


def _from_real(g: Any, operand: Array, axes: tuple[int, ...], length: int, norm: Any) -> Array:
    """Go back over rfftn: what it left out gets nothing, as nobody has seen it."""
    last = axes[-1]
    if axes[:-1]:
        g = np.fft.fftn(g, axes=axes[:-1], norm=norm)
    return fitted(np.fft.fftn(g, s=(length,), axes=(last,), norm=norm), operand, axes)


def _to_real(g: Any, operand: Array, axes: tuple[int, ...], length: int, norm: Any) -> Array:
    """Go back over irfftn: all but the first element and a middle one stand for two."""
    last = axes[-1] % g.ndim
    half = length // 2 + 1
    places = (slice(None),) * last
    back = np.fft.ifftn(g, axes=(last,), norm=norm)[(*places, slice(half))].copy()
    doubled = (*places, slice(1, (length + 1) // 2))
    back[doubled] *= 2
    if axes[:-1]:
        back = np.fft.ifftn(back, axes=axes[:-1], norm=norm)
    return fitted(back, operand, axes)


def _rfftn(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, out
    return _from_real(g, operands[0], params["axes"], params["length"], params["norm"])


def _irfftn(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, out
    return _to_real(g, operands[0], params["axes"], params["length"], params["norm"])


def _hfft(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back over irfft of the conjugate, whose norm is the other way round."""
    del port, out
    norm = _OTHER_NORM[params["norm"]]
    return np.conjugate(_to_real(g, operands[0], params["axes"], params["length"], norm))


def _ihfft(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back over the conjugate of rfft, whose norm is the other way round."""
    del port, out
    norm = _OTHER_NORM[params["norm"]]
    return _from_real(np.conjugate(g), operands[0], params["axes"], params["length"], norm)


FOURIER = {
    "fftn": Vjp(_whole(np.fft.fftn), "fft"),
    "ifftn": Vjp(_whole(np.fft.ifftn), "ifft"),
    "rfftn": Vjp(_rfftn, "rfft"),
    "irfftn": Vjp(_irfftn, "irfft"),
    "hfft": Vjp(_hfft),
    "ihfft": Vjp(_ihfft),
}
