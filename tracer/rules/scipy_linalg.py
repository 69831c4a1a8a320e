"""Vjps of `scipy.linalg`, by the names that its functions have there. Read through rules.RULES.

What SciPy shares with `numpy.linalg` (solve, inv, det, …) is in the tables of that. The derivative of a function of a
matrix in the direction E is the corner of that function of [[A, E], [0, A]]: R. Mathias, SIAM J. Matrix Anal. Appl. 17
(1996), theorem 2.1; going back is the same for A' and g.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np

from tracer.rules.decompositions import DECOMPOSITIONS
from tracer.rules.from_scipy import from_scipy
from tracer.rules.kinds import Array, Operands, Params, Vjp, typed
from tracer.rules.matrices import adjoint, transposed


def _columns(b: Array) -> Array:
    return b[:, None] if b.ndim == 1 else b


def _solve_triangular(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back over a system of which one triangle is read, and not its diagonal where that is ones."""
    a, b = operands
    part, beside = (np.tril, -1) if params["lower"] else (np.triu, 1)
    read = part(a, beside) if params["unit_diagonal"] else part(a)
    triangle = read + np.eye(len(a), dtype=a.dtype) if params["unit_diagonal"] else read
    turn = {"N": lambda x: x, "T": transposed, "C": adjoint}[params["trans"]]
    back = np.linalg.solve(transposed(turn(triangle)), _columns(g))
    if port == 1:
        return typed(back.reshape(b.shape), b)
    of_matrix = turn(-back @ transposed(_columns(out)))
    return typed(part(of_matrix, beside if params["unit_diagonal"] else 0), a)


def _cho_factor(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back over a factor beside which the other triangle stands as it was, or zeros, from SciPy 1.18 on."""
    (a,) = operands
    part, rest = (np.tril, partial(np.triu, k=1)) if params["lower"] else (np.triu, partial(np.tril, k=-1))
    is_kept = rest(out).any() or (not rest(a).any() and _keeps_the_rest())
    other = rest(g) if is_kept else 0
    back = DECOMPOSITIONS["cholesky"].pull(
        port, part(g), part(out), operands, {"upper": not params["lower"]}
    )
    return typed(np.asarray(back + other), a)


@cache
def _keeps_the_rest() -> bool:
    """Tell whether SciPy leaves the triangle that it does not read as it was: of zeros, no values tell."""
    return bool(from_scipy("linalg", "cho_factor")(np.array([[1.0, 0.0], [0.5, 1.0]]))[0][1, 0])


def _cho_solve(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back over a system of L L*, with L the triangle that is read, or its adjoint."""
    c, b = operands
    factor = np.tril(c) if params["lower"] else adjoint(np.triu(c))
    back = np.linalg.solve(transposed(factor @ adjoint(factor)), _columns(g))
    if port == 1:
        return typed(back.reshape(b.shape), b)
    of_product = -back @ transposed(_columns(out))
    of_factor = np.tril((of_product + adjoint(of_product)) @ factor.conj())
    return typed(of_factor if params["lower"] else adjoint(of_factor), c)


def _of_matrix(name: str, port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, out, params
    (a,) = operands
    n = a.shape[-1]
    function = from_scipy("linalg", name)
    both = np.block([[a.T, g], [np.zeros_like(a), a.T]])
    whole = function(both.astype(np.result_type(both, np.float64), copy=False))
    return typed(whole[:n, n:], a)


FUNCTIONS_OF_MATRICES = ("expm", "logm", "sqrtm")

SCIPY_LINALG = {
    "solve_triangular": Vjp(_solve_triangular),
    "cho_factor": Vjp(_cho_factor),
    "cho_solve": Vjp(_cho_solve),
    **{name: Vjp(partial(_of_matrix, name)) for name in FUNCTIONS_OF_MATRICES},
}
