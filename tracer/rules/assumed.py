"""Vjps of linear algebra that reads a part of a matrix, as it is told what the rest is; see rules.RULES.

`scipy.linalg.solve(a, b, assume_a="pos")` and `np.linalg.svd(a, hermitian=True)` read one triangle, so the gradient
lies on that: it is the derivative of what was computed. Params: `structure`, `lower`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.rules.decompositions import DECOMPOSITIONS
from tracer.rules.kinds import Array, Operands, Params, Vjp, typed
from tracer.rules.matrices import adjoint, has_equal, transposed
from tracer.rules.systems import SYSTEMS

if TYPE_CHECKING:
    from collections.abc import Callable

HERMITIAN, SYMMETRIC, DIAGONAL, BANDED, UPPER, LOWER = (
    *("hermitian", "symmetric", "diagonal", "tridiagonal"),
    *("upper triangular", "lower triangular"),
)
_FOLDED: dict[str, Callable[[Any], Any]] = {HERMITIAN: adjoint, SYMMETRIC: transposed}


def _part(a: Any, structure: str, *, lower: bool, strictly: bool = False) -> Any:
    """Return the part of a matrix that is read."""
    if structure == DIAGONAL:
        return np.tril(np.triu(a))
    if structure == BANDED:
        return np.tril(np.triu(a, -1), 1)
    is_lower = structure == LOWER or (lower and structure != UPPER)
    return np.tril(a, -strictly) if is_lower else np.triu(a, int(strictly))


def assumed(a: Array, structure: str, *, lower: bool) -> Array:
    """Return the matrix that is computed with."""
    read: Array = _part(a, structure, lower=lower)
    if structure in _FOLDED:
        strictly = _part(a, structure, lower=lower, strictly=True)
        read = read + _FOLDED[structure](strictly)
        if structure == HERMITIAN and a.dtype.kind == "c":
            read[..., np.arange(a.shape[-1]), np.arange(a.shape[-1])] = np.diagonal(a, 0, -2, -1).real
    return read


def _onto_part(g: Any, structure: str, *, lower: bool) -> Array:
    """Go back over `assumed`."""
    back: Array = _part(g, structure, lower=lower)
    if structure in _FOLDED:
        back = back + _part(_FOLDED[structure](g), structure, lower=lower, strictly=True)
        if structure == HERMITIAN and back.dtype.kind == "c":
            places = np.arange(back.shape[-1])
            back[..., places, places] = back[..., places, places].real
    return back


def _assuming(rule: Vjp) -> Vjp:
    def pull(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
        a, *rest = operands
        structure, lower = params["structure"], params["lower"]
        back = rule.pull(port, g, out, (assumed(a, structure, lower=lower), *rest), {})
        return back if port else typed(_onto_part(np.asarray(back), structure, lower=lower), a)

    return Vjp(pull)


# singular values by the eigenvalues of a symmetric matrix


def _eigen(a: Array) -> tuple[Any, Any, Any]:
    """Return eigenvalues and vectors, and which singular value each becomes."""
    values, vectors = np.linalg.eigh(a)
    return values, vectors, np.argsort(np.argsort(np.abs(values))[..., ::-1])


def _values(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del out, params
    values, vectors, places = _eigen(operands[0])
    g = np.take_along_axis(np.asarray(g), places, -1) * np.sign(values)
    given = {"results": (values, vectors), "UPLO": "L"}
    back: Array = DECOMPOSITIONS["eigh_values"].pull(port, g, values, operands, given)
    return back


def _left(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del out, params
    values, vectors, places = _eigen(operands[0])
    g = np.take_along_axis(np.asarray(g), places[..., None, :], -1)
    given = {"results": (values, vectors), "UPLO": "L"}
    back: Array = DECOMPOSITIONS["eigh_vectors"].pull(port, g, vectors, operands, given)
    return back


def _right(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back over the adjoint of the left vectors, with the signs of the eigenvalues."""
    values, _, places = _eigen(operands[0])
    order = np.argsort(places, -1)
    signs = np.sign(np.take_along_axis(values, order, -1))
    return _left(port, adjoint(g) * signs[..., None, :], adjoint(out), operands, params)


def _has_equal(out: Any, operands: Operands, params: Params) -> bool:
    del out, params
    values = np.linalg.eigvalsh(operands[0])
    return has_equal(values) or bool((values == 0).any())


_KINK = "equal eigenvalues, or a zero one"
ASSUMED = {
    "solve_assuming": _assuming(SYSTEMS["solve"]),
    "inv_assuming": _assuming(SYSTEMS["inv"]),
    "pinv_assuming": _assuming(SYSTEMS["pinv"]),
    **{
        name: Vjp(
            pull,
            kink=_KINK,
            choice="singular values of equal or zero eigenvalues: as eigh",
            at_kink=_has_equal,
        )
        for name, pull in (
            ("svd_hermitian_u", _left),
            ("svd_hermitian_s", _values),
            ("svd_hermitian_vh", _right),
        )
    },
}
