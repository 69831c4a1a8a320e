"""Vjps of inverses, systems and determinants: inv, solve, det, slogdet, pinv, lstsq, …. Read through rules.RULES.

Source of the equations: M. Giles, "An extended collection of matrix derivative results" (2008); pinv and lstsq:
G. Golub and V. Pereyra, SIAM J. Numer. Anal. 10 (1973), equation 4.12. All take leading axes as batches.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tracer.rules.kinds import Array, Operands, Params, Vjp, typed
from tracer.rules.matrices import adjoint, solved, summed_to, transposed


def inverted(g: Any, inverse: Any) -> Any:
    """Go back over a matrix inverse: -inverse' g inverse'."""
    back = transposed(inverse)
    return -(back @ g @ back)


def _inv(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, params
    return typed(inverted(g, out), operands[0])


def _solve(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del params
    a, b = operands
    vector = b.ndim == 1
    back = np.linalg.solve(transposed(a), g[..., None] if vector else g)
    if port == 1:
        return typed(summed_to(back[..., 0] if vector else back, b.shape), b)
    x = out[..., None] if vector else out
    return typed(summed_to(-back @ transposed(x), a.shape), a)


def _cofactors(a: Array) -> Array:
    """Return the derivative of the determinant of any square matrix, also of a singular one."""
    left, values, right = np.linalg.svd(a)
    n = values.shape[-1]
    others = np.where(np.eye(n, dtype=bool), 1, values[..., None, :]).prod(-1)
    signs = np.asarray(np.linalg.det(left) * np.linalg.det(right))[..., None, None]
    product: Array = signs * ((left * others[..., None, :]) @ right).conj()
    return product


def _det(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, params
    (a,) = operands
    g, out = np.asarray(g)[..., None, None], np.asarray(out)[..., None, None]
    # The inverse of a itself, not of a transposed: det and solve then divide by the same tiny pivot.
    local = out * transposed(solved(a, np.eye(a.shape[-1], dtype=a.dtype)))
    if np.isfinite(a).all() and not (np.isfinite(local).all() and np.all(out != 0)):
        local = _cofactors(a)
    return typed(g * local, a)


def _slogdet(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, out, params
    (a,) = operands
    inverse = solved(transposed(a), np.eye(a.shape[-1], dtype=a.dtype))
    return typed(np.asarray(g)[..., None, None] * inverse, a)


def _slogdet_sign(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back over the sign of a complex determinant, which only turns: d sign = i Im(trace(inv(a) da)) sign."""
    turn = 1j * np.imag(np.asarray(g) * np.asarray(out))
    return _slogdet(port, turn, out, operands, params)


def _is_singular(out: Any, operands: Operands, params: Params) -> bool:
    del operands, params
    return bool(np.any(np.isneginf(out)))


def _pinv(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, params
    (a,) = operands
    g = g.conj()
    back, of_g = adjoint(out), adjoint(g)
    # What the columns and the rows of a do not reach: zero for a square matrix of full rank.
    from_left = of_g - a @ (out @ of_g)
    from_right = of_g - (of_g @ out) @ a
    answer = -(back @ g @ back) + from_left @ out @ back + back @ (out @ from_right)
    return typed(answer.conj(), a)


def _lacks_rank(out: Any, operands: Operands, params: Params) -> bool:
    del out, params
    a = np.asarray(operands[0])
    return bool(np.any(np.linalg.matrix_rank(a) < min(a.shape[-2:])))


def _lstsq(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back over x = pinv(a) b."""
    del params
    a, b = operands
    inverse = np.linalg.pinv(a)
    if port == 1:
        return typed(inverse.T @ g, b)
    columns, x, g = (each.reshape(len(each), -1) for each in (b, out, g.conj()))
    through_a = adjoint(inverse) @ g
    missed = (columns - a @ x) @ adjoint(inverse @ through_a)
    free = (adjoint(inverse) @ x) @ adjoint(g - adjoint(a) @ through_a)
    return typed((-through_a @ adjoint(x) + missed + free).conj(), a)


def _lstsq_residuals(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back over the squared lengths of b - a x; at the best x its own derivative is zero."""
    del out
    a, b = operands
    if not np.size(g):  # NumPy gives residuals only where there are more equations than unknowns
        return np.zeros_like(operands[port])
    x = params["results"][0]
    missed = (b - a @ x).conj()
    back = 2 * (g if b.ndim == 2 else np.ravel(g)[0]) * missed  # of one right side, SciPy gives a number
    if port == 1:
        return typed(back, b)
    columns = back.reshape(len(b), -1)
    return typed(-columns @ x.reshape(len(x), -1).T, a)


def _matrix_power(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Read the sum of (a')**i g (a')**(n-1-i) off the corner of a block matrix's power."""
    del port, out
    (a,) = operands
    n, size = params["n"], a.shape[-1]
    base = np.linalg.inv(a) if n < 0 else a
    back = transposed(base)
    block = np.concatenate(
        [np.concatenate([back, g], -1), np.concatenate([np.zeros_like(back), back], -1)], -2
    )
    gradient = np.linalg.matrix_power(block, abs(n))[..., :size, size:]
    return typed(inverted(gradient, base) if n < 0 else gradient, a)


def _multi_dot(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del out, params
    last = len(operands) - 1
    matrices = [
        operand.reshape((1, -1) if at == 0 else (-1, 1)) if operand.ndim == 1 else operand
        for at, operand in enumerate(operands)
    ]
    back = np.reshape(g, (len(matrices[0]), matrices[last].shape[1]))
    for before in matrices[:port]:
        back = before.T @ back
    for after in reversed(matrices[port + 1 :]):
        back = back @ after.T
    return typed(back.reshape(operands[port].shape), operands[port])


def _tensorinv(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port
    (a,) = operands
    rows = math.prod(a.shape[params["ind"] :])
    back = inverted(g.reshape(rows, -1), out.reshape(rows, -1))
    return typed(back.reshape(a.shape), a)


def _tensorsolve(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    a, b = operands
    order = list(range(a.ndim))
    for axis in params["axes"] or ():
        order.remove(axis)
        order.append(axis)
    moved = a.transpose(order)
    flat = (moved.reshape(b.size, b.size), b.ravel())
    back = _solve(port, g.ravel(), out.ravel(), flat, {})
    if port == 1:
        return back.reshape(b.shape)
    return back.reshape(moved.shape).transpose(np.argsort(order))


RANK_CHOICE = "the derivative that keeps the rank"

SYSTEMS = {
    "inv": Vjp(_inv),
    "solve": Vjp(_solve),
    "det": Vjp(_det),
    "slogdet": Vjp(
        _slogdet,
        kink="a singular matrix",
        choice="slogdet of a singular matrix: no derivative, nan",
        at_kink=_is_singular,
    ),
    "slogdet_sign": Vjp(_slogdet_sign, "sign det"),
    "matrix_power": Vjp(_matrix_power),
    "multi_dot": Vjp(_multi_dot, "@"),
    "tensorinv": Vjp(_tensorinv),
    "tensorsolve": Vjp(_tensorsolve),
    **{
        name: Vjp(
            pull,
            kink="not of full rank",
            choice=f"{name} without full rank: {RANK_CHOICE}",
            at_kink=_lacks_rank,
        )
        for name, pull in (("pinv", _pinv), ("lstsq", _lstsq), ("lstsq_residuals", _lstsq_residuals))
    },
}
