"""Rows of test_rules.py for complex numbers and Fourier transforms, and how other rows are made complex."""

from __future__ import annotations

import cmath

import numpy as np
from rule_rows import ARRAYS, ELEMENTS, SCALARS, Arrays, Scalars
from rule_rows_moves import MOVES

RANDOM = np.random.default_rng(7)
FORWARD, BACKWARD = "forward", "backward"


def normal(*shape):
    """Return complex numbers away from 0 and from the negative real numbers."""
    return RANDOM.uniform(0.4, 1.5, shape) * np.exp(1j * RANDOM.uniform(-2.5, 2.5, shape))


def hermitian(n):
    square = 0.3 * normal(n, n)
    return square + square.conj().T + 3 * np.diag(np.arange(1.0, n + 1))


def with_part(part, z, x):
    changed = z.copy()
    setattr(changed, part, x)
    return changed


def transforming(op, name, shape, *, real=False, **given):
    """Give the row of a transform along axes, as its reader writes the parameters."""
    operand = RANDOM.normal(size=shape) if real else normal(*shape)
    several = name.endswith(("2", "n"))
    axes = given.get("axes", given.get("axis", (-2, -1) if name.endswith("2") else range(len(shape))))
    axes = tuple(axes) if several else (given.get("axis", -1),)
    lengths = given.get("s", (given.get("n"),))
    length = lengths[-1] if lengths[-1] is not None else shape[axes[-1]]
    if lengths[-1] is None and op in {"irfftn", "hfft"}:
        length = 2 * (length - 1)
    params = {"axes": axes, "length": length, "norm": given.get("norm", "backward")}
    return Arrays(op, lambda x: getattr(np.fft, name)(x, **given), (operand,), params)


def transforms():
    for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"):
        op = name if name in {"hfft", "ihfft"} else f"{name}n"
        real = name in {"rfft", "ihfft"}
        for given in (
            {},
            {"n": 3},
            {"n": 4},
            {"n": 7},
            {"n": 8},
            {"norm": "ortho"},
            {"norm": FORWARD, "n": 5},
        ):
            yield transforming(op, name, (5,), real=real, **given)
        yield transforming(op, name, (4, 3), real=real, axis=0)
        yield transforming(op, name, (1,), real=real, n=1)
    for op in ("fftn", "ifftn", "rfftn", "irfftn"):
        real = op == "rfftn"
        yield transforming(op, f"{op[:-1]}2", (2, 3, 4), real=real)
        yield transforming(op, f"{op[:-1]}2", (4, 3), real=real, s=(3, 5), axes=(0, 1), norm="ortho")
        yield transforming(op, op, (2, 3, 4), real=real)
        yield transforming(op, op, (2, 3, 4), real=real, axes=(2, 0), s=(5, 3), norm=FORWARD)
        yield transforming(op, op, (3, 4), real=real, axes=(1,))


def shifted(name):
    places = getattr(np.fft, name)(np.arange(1, 16).reshape(3, 5), 1)
    return Arrays(name, lambda x: getattr(np.fft, name)(x, 1), ((3, 5),), {"places": places})


NEW_OPS = (
    Arrays("real", np.real, (normal(5),)),
    Arrays("imag", np.imag, (normal(5),)),
    Arrays("conjugate", np.conjugate, (normal(2, 3),)),
    Arrays("angle", np.angle, (normal(5),)),
    Arrays("angle_degrees", lambda z: np.angle(z, deg=True), (normal(5),)),
    Arrays("rect", lambda r, phi: r * np.exp(1j * phi), (RANDOM.uniform(0.5, 2, 4), RANDOM.normal(size=4))),
    Arrays("with_real", lambda z, x: with_part("real", z, x), (normal(4), RANDOM.normal(size=4))),
    Arrays("with_imag", lambda z, x: with_part("imag", z, x), (normal(4), RANDOM.normal(size=4))),
    Arrays("slogdet_sign", lambda a: np.linalg.slogdet(a)[0], (normal(3, 3) + 2 * np.eye(3),)),
    Arrays("slogdet_sign", lambda a: np.linalg.slogdet(a)[0], (normal(2, 2, 2) + 2 * np.eye(2),)),
    *transforms(),
    shifted("fftshift"),
    shifted("ifftshift"),
)

# Where a real number has a complex result, or a complex one lies on a branch cut.
BRANCHES = tuple(
    Scalars(op, function, (x, 0.3) if op == "power" else (x,))
    for op, function, numbers in (
        ("sqrt", cmath.sqrt, (-2.0, 3 - 4j)),
        ("log", cmath.log, (-2.0, -1 - 1j)),
        ("log10", cmath.log10, (-2.0,)),
        ("arcsin", cmath.asin, (2.0, -2.0, 0.5, 0.3 - 2j)),
        ("arccos", cmath.acos, (2.0, -2.0, 0.5, 0.3 - 2j)),
        ("arctan", cmath.atan, (0.5, 0.3 - 2j)),
        ("arcsinh", cmath.asinh, (2.0, 0.3 - 2j)),
        ("arccosh", cmath.acosh, (2.0, -2.0, 0.5, -0.3 - 2j)),
        ("arctanh", cmath.atanh, (2.0, -2.0, 0.5, -0.3 - 2j)),
        ("power", pow, (-2.0, -1 + 2j)),
    )
    for x in numbers
)

MADE_AGAIN = {
    # What NumPy gives for the operands as they are now.
    "eigh_values": lambda p, a: np.linalg.eigh(a, p["UPLO"]),
    "eigh_vectors": lambda p, a: np.linalg.eigh(a, p["UPLO"]),
    "eig_values": lambda _, a: np.linalg.eig(a),
    "eig_vectors": lambda _, a: np.linalg.eig(a),
    **dict.fromkeys(("svd_u", "svd_s", "svd_vh"), lambda _, a: np.linalg.svd(a, full_matrices=False)),
    "qr_q": lambda _, a: np.linalg.qr(a),
    "qr_r": lambda _, a: np.linalg.qr(a),
    "lstsq_residuals": lambda _, a, b: np.linalg.lstsq(a, b),
}
EVERY_ROW = (*ELEMENTS, *SCALARS, *ARRAYS, *MOVES)
