"""Derivatives of what takes complex numbers apart: real, imag, conj, angle, abs, …. Read through rules.RULES.

The gradient of a real L by z = a + ib is dL/da - i dL/db, so that dL = Re(g dz); docs/complex.md has the source. A
function out with d out = A dz + B conj(dz) sends back g A + conj(g B): a holomorphic one (B = 0) multiplies by its
derivative, and none conjugates it. A real operand gets the real part of its answer, which the engine takes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.rules.kinds import Array, Elementwise, Operands, Params, Vjp, typed

if TYPE_CHECKING:
    from tracer.rules.kinds import Rule


def _conjugate(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, out, params
    return typed(np.conjugate(g), operands[0])


def _sign(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back over z/|z|: only what turns z changes it."""
    del port, params
    (z,) = operands
    size = np.abs(z)
    turned = 1j * np.imag(g * out) * np.conj(out) / np.where(size == 0, 1, size)
    return typed(np.asarray(np.where(size == 0, 0, turned)), z)


def _nan_to_num(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back over each of the two parts on its own."""
    del out, params
    z = operands[0]
    holds = (np.isfinite, np.isnan, np.isposinf, np.isneginf)[port]
    real, imaginary = g.real * holds(z.real), g.imag * holds(z.imag)
    return typed(np.asarray(real - imaginary if port else real + 1j * imaginary), operands[port])


def _with_part(is_imaginary: bool) -> Any:
    """Go back over (z, x) -> z with x as its real part, or as its imaginary one."""

    def pull(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
        del out, params
        if port == 0:
            return typed(np.asarray(g.real + 0j if is_imaginary else 1j * g.imag), operands[0])
        return typed(np.asarray((1j * g).real if is_imaginary else g.real), operands[1])

    return pull


_ANGLE = Elementwise(("-1j/x",), "∠", zero_where=("x == 0",), kink="x == 0", choice="angle'(0) = 0")
# What stands for a rule where a number is complex. Through `out`, which knows the side of a branch cut.
ABSOLUTE = Elementwise(
    ("conj(x)/out",), "|z|", kink="out == 0", choice="abs'(0) = 0", zero_where=("out == 0",)
)
SIGN = Vjp(_sign, kink="0", choice="sign'(0) = 0", at_kink=lambda out, _, __: bool(np.any(out == 0)))
NAN_TO_NUM = Vjp(_nan_to_num)
ARCSIN = Elementwise(("1/cos(out)",), kink="cos(out) == 0", choice="arcsin'(±1) = inf")
ARCCOS = Elementwise(("-1/sin(out)",), kink="sin(out) == 0", choice="arccos'(±1) = inf")
ARCSINH = Elementwise(("1/cosh(out)",), kink="cosh(out) == 0", choice="arcsinh'(±i) = inf")
ARCCOSH = Elementwise(("1/sinh(out)",), kink="sinh(out) == 0", choice="arccosh'(±1) = inf")

COMPLEX_NUMBERS: dict[str, Rule] = {
    "real": Elementwise(("1",), "Re"),
    "imag": Elementwise(("-1j",), "Im"),
    "conjugate": Elementwise(("1",), "conj", of_complex=Vjp(_conjugate, "conj")),
    "angle": _ANGLE,
    "angle_degrees": replace(_ANGLE, partials=("-180j/(pi*x)",), symbol="∠°"),
    "rect": Elementwise(("exp(1j*phi)", "1j*out"), names=("r", "phi")),
    "with_real": Vjp(_with_part(is_imaginary=False), "Re="),
    "with_imag": Vjp(_with_part(is_imaginary=True), "Im="),
}
