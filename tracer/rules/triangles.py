"""Vjps of the factors of Gaussian elimination, `scipy.linalg.lu`, `lu_factor` and `lu_solve`; see rules.RULES.

Rows are exchanged so that B = A[order] = L U. With one of L and U filled up to a square, B moves by
dL = L tril(L⁻¹ dB U⁻¹, -1) and dU = triu(L⁻¹ dB U⁻¹) U. Params of lu_solve: `order`, `trans`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tracer.rules.from_scipy import from_scipy
from tracer.rules.kinds import Array, Operands, Params, Vjp, typed
from tracer.rules.matrices import adjoint, solved, tolerance, transposed


def order_of(pivots: Any, rows: int) -> list[int]:
    """Return the order of the rows after they were exchanged one by one."""
    order = list(range(rows))
    for at, other in enumerate(np.asarray(pivots).tolist()):
        order[at], order[other] = order[other], order[at]
    return order


def _factors(packed: Any) -> tuple[Any, Any]:
    """Return L and U, both square: with ones on the diagonal where they are not given."""
    rows, columns = packed.shape
    both = min(rows, columns)
    left, right = np.eye(rows, dtype=packed.dtype), np.eye(columns, dtype=packed.dtype)
    left[:, :both] += np.tril(packed[:, :both], -1)
    right[:both] = np.triu(packed[:both])
    return left, right


def _back(of_lower: Any, of_upper: Any, packed: Any) -> Any:
    """Go back from gradients of L and U, in the shape of B, to that of B."""
    left, right = _factors(packed)
    inner = np.tril(transposed(left) @ of_lower, -1) + np.triu(of_upper @ transposed(right))
    return solved(transposed(left), transposed(solved(right, transposed(inner))))


def _put(g: Any, shape: tuple[int, ...]) -> Any:
    whole = np.zeros(shape, g.dtype)
    whole[: g.shape[0], : g.shape[1]] = g
    return whole


def _lu(which: str) -> Any:
    def pull(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
        del port, out, params
        (a,) = operands
        exchange, lower, upper = from_scipy("linalg", "lu")(a)
        order = exchange.argmax(0)
        packed = _put(np.tril(lower, -1), a.shape) + _put(upper, a.shape)
        g = g[order] if which == "exchanged" else g
        nothing = np.zeros(a.shape, g.dtype)
        whole = _put(g, a.shape)
        back = _back(nothing, whole, packed) if which == "upper" else _back(whole, nothing, packed)
        return typed(back[np.argsort(order)], a)

    return pull


def _lu_factor(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port
    back = _back(np.tril(g, -1), np.triu(g), out)
    return typed(back[np.argsort(params["order"])], operands[0])


def _lu_solve(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back over a system of the matrix that the factors are of."""
    packed, b = operands
    left, right = _factors(packed)
    order = params["order"]
    a = (left @ right)[np.argsort(order)]
    turn: Any = (lambda x: x, transposed, adjoint)[params["trans"]]
    g, x = (each[:, None] if each.ndim == 1 else each for each in (g, out))
    back = solved(transposed(turn(a)), g)
    if port == 1:
        return typed(back.reshape(b.shape), b)
    of_matrix = turn(-back @ transposed(x))[order]
    return typed(np.tril(of_matrix @ transposed(right), -1) + np.triu(transposed(left) @ of_matrix), packed)


def _lacks_rank(out: Any, operands: Operands, params: Params) -> bool:
    del out, params
    pivots = np.abs(np.diagonal(from_scipy("linalg", "lu")(operands[0])[2]))
    return bool((pivots <= tolerance(pivots)).any())


TRIANGLES = {
    **{
        name: Vjp(
            pull,
            kink="not of full rank",
            choice="lu without full rank: no derivative, nan or very large",
            at_kink=_lacks_rank,
        )
        for name, pull in (
            ("lu_lower", _lu("lower")),
            ("lu_exchanged", _lu("exchanged")),
            ("lu_upper", _lu("upper")),
            ("lu_factor", _lu_factor),
        )
    },
    "lu_solve": Vjp(_lu_solve),
}
