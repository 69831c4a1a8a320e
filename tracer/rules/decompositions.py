"""Vjps of decompositions: cholesky, eigh, eig, svd, qr. Read through rules.RULES.

A function of several results has one rule per result, with all of them in `params["results"]`. Where NumPy reads
one triangle of a symmetric matrix, the gradient lies on that triangle: it is the derivative of what was computed.

Sources of the equations: cholesky: I. Murray, arXiv:1602.07527; eigh and eig: M. Giles, "An extended collection of
matrix derivative results" (2008); svd: J. Townsend, "Differentiating the singular value decomposition" (2016); qr:
S. Walter and L. Lehmann, arXiv:1001.1654.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tracer.errors import GradientError
from tracer.rules.kinds import Array, Operands, Params, Vjp, typed
from tracer.rules.matrices import (
    adjoint,
    diagonal_of,
    has_equal,
    inverse_gaps,
    inverse_of,
    inverse_of_lower,
    lower_triangle,
    solved,
    tolerance,
    transposed,
)


def _onto_triangle(symmetric: Any, *, upper: bool) -> Array:
    """Put what belongs to both places of a symmetric matrix onto the triangle that NumPy reads."""
    triangle = np.triu if upper else np.tril
    return np.asarray(triangle(symmetric) + triangle(symmetric, 1 if upper else -1))


def _cholesky(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port
    upper = params["upper"]
    factor, g = (adjoint(out), transposed(g)) if upper else (out, g.conj())
    is_lower = lower_triangle(factor.shape[-1])
    inner = np.where(is_lower, adjoint(factor) @ np.where(is_lower, g, 0), 0)
    diagonal_of(inner)[...] = diagonal_of(inner).real / 2
    inverse = inverse_of_lower(factor)
    whole = adjoint(inverse) @ inner @ inverse
    # It counts for both triangles: what belongs to the other one is read from this one.
    lower = np.where(is_lower, whole + adjoint(whole), 0)
    diagonal_of(lower)[...] = diagonal_of(whole).real
    return typed(transposed(lower) if upper else lower.conj(), operands[0])


# symmetric matrices


def _eigh_values(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, out
    vectors = params["results"][1]
    whole = (vectors * g[..., None, :]) @ adjoint(vectors)
    return typed(_onto_triangle(whole, upper=params["UPLO"] == "U").conj(), operands[0])


def _eigvalsh(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    results = tuple(np.linalg.eigh(operands[0], params["UPLO"]))
    return _eigh_values(port, g, out, operands, {**params, "results": results})


def _eigh_vectors(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port
    g = g.conj()
    if out.dtype.kind == "c":
        row = 0 if params["UPLO"] == "L" else -1
        g = g + _at_row(row, _phases(g, out) / _real_row(out, row), out)
    turned = inverse_gaps(params["results"][0]) * (adjoint(out) @ g)
    whole = out @ ((turned + adjoint(turned)) / 2) @ adjoint(out)
    return typed(_onto_triangle(whole, upper=params["UPLO"] == "U").conj(), operands[0])


def _phases(g: Any, vectors: Any) -> Any:
    """Return how the output changes with the phase of each vector."""
    return np.sum(vectors.conj() * g, -2).imag


def _real_row(vectors: Any, row: int) -> Any:
    """Return the elements by which LAPACK's reduction to a real matrix fixes the phases: they are real.

    Raises GradientError where they are not: another library has fixed the phases otherwise.
    """
    chosen = vectors[..., row, :]
    if np.abs(chosen.imag).max(initial=0.0) > np.finfo(chosen.dtype).eps ** 0.5:
        raise GradientError(
            "the phases of complex eigenvectors and singular vectors are not those of LAPACK here",
            got=f"row {row} of the vectors is not real",
            advice="use the eigenvalues or singular values alone, or pass detach(x)",
        )
    return chosen.real


def _at_row(row: int, turns: Any, vectors: Any) -> Array:
    """Return the gradient by the vectors of what keeps a row of them real."""
    total: Array = np.zeros_like(vectors)
    total[..., row, :] = -1j * turns
    return total


def _has_equal_values(out: Any, operands: Operands, params: Params) -> bool:
    del operands
    return has_equal(params["results"][0] if "results" in params else out)


# square matrices


def _eig_values(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, out
    back = transposed(params["results"][1])
    return typed(solved(back, g[..., None] * back), operands[0])


def _eigvals(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    return _eig_values(port, g, out, operands, {**params, "results": tuple(np.linalg.eig(operands[0]))})


def _eig_vectors(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port
    back = transposed(out)
    # NumPy's vectors have the length 1, and a largest element that is real: what would change that is taken away.
    along = np.sum(g * out, -2, keepdims=True)
    g = g - along.real * out.conj()
    if out.dtype.kind == "c":
        is_largest = np.where(out.imag == 0, np.abs(out.real), -1)
        is_largest = np.arange(out.shape[-1])[:, None] == np.argmax(is_largest, -2)[..., None, :]
        g = g - 1j * along.imag * np.where(is_largest, 1 / np.where(is_largest, out.real, 1), 0)
    turned = back @ g
    turned = inverse_gaps(params["results"][0]) * turned
    return typed(solved(back, turned @ back), operands[0])


# singular values


def _svd_s(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, out
    u, _, vh = params["results"]
    return typed(((u * g[..., None, :]) @ vh).conj(), operands[0])


def _svdvals(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    results = tuple(np.linalg.svd(operands[0], full_matrices=False))
    return _svd_s(port, g, out, operands, {**params, "results": results})


def _beside(g: Any, basis: Any) -> Any:
    """Return what of the columns of g does not lie in the columns of `basis`."""
    return g - basis @ (adjoint(basis) @ g)


def _turned(g: Any, basis: Any, s: Any) -> Any:
    inner = adjoint(basis) @ g
    sums = s[..., None, :] + s[..., :, None]
    gaps = inverse_gaps(s) / np.where(sums > 0, sums, 1)
    return gaps * (inner - adjoint(inner))


def _of_left(g: Any, u: Any, s: Any, vh: Any) -> Any:
    """Go back over the left singular vectors, whose phases stay."""
    inside = (u @ _turned(g, u, s)) * s[..., None, :]
    if u.shape[-2] > u.shape[-1]:
        inside = inside + _beside(g, u) * inverse_of(s)[..., None, :]
    return inside @ vh


def _of_left_with_phases(g: Any, u: Any, s: Any, vh: Any, *, is_left_real: bool) -> Any:
    """Go back over the left singular vectors of a complex matrix: a row of the left or of the right ones is real."""
    turns = _phases(g, u)
    if is_left_real:
        return _of_left(g + _at_row(0, turns / _real_row(u, 0), u), u, s, vh)
    v = adjoint(vh)
    # The phase of a left vector follows that of the right one, and the angle of u' da v.
    through_right = adjoint(_of_left(_at_row(0, turns / _real_row(v, 0), v), v, s, adjoint(u)))
    return _of_left(g, u, s, vh) + through_right + (u * (1j * turns * inverse_of(s))[..., None, :]) @ vh


def _svd_u(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port
    _, s, vh = params["results"]
    rows, columns = operands[0].shape[-2:]
    if out.dtype.kind != "c":
        return typed(_of_left(g, out, s, vh), operands[0])
    return typed(
        _of_left_with_phases(g.conj(), out, s, vh, is_left_real=rows < columns).conj(), operands[0]
    )


def _svd_vh(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    # The right vectors of a matrix are the left ones of its adjoint.
    del port
    u, s, _ = params["results"]
    rows, columns = operands[0].shape[-2:]
    g, v, uh = transposed(g), adjoint(out), adjoint(u)
    if out.dtype.kind != "c":
        return typed(transposed(_of_left(g, v, s, uh)), operands[0])
    return typed(transposed(_of_left_with_phases(g, v, s, uh, is_left_real=rows >= columns)), operands[0])


def _has_equal_or_zero(out: Any, operands: Operands, params: Params) -> bool:
    del operands
    s = np.asarray(params["results"][1] if "results" in params else out)
    return has_equal(s) or bool((s <= tolerance(s)).any())


# qr


def _back_of_qr(gq: Any, gr: Any, q: Any, r: Any) -> Any:
    """Go back over q r = a for a with at least as many rows as columns."""
    inner = r @ adjoint(gr) - adjoint(gq) @ q
    beside = np.tril(inner, -1)
    both = beside + adjoint(beside)
    places = np.arange(inner.shape[-1])
    both[..., places, places] = inner[..., places, places].real  # as the diagonal of r is
    return adjoint(solved(r, adjoint(gq + q @ both)))


def _qr(gq: Any, gr: Any, operands: Operands, results: tuple[Any, ...], order: Any = None) -> Array:
    """Go back over qr of a, or of its columns in an order."""
    (a,) = operands
    if order is not None:
        back: Array = np.empty_like(a)
        back[:, order] = _qr(gq, gr, (a[:, order],), results)
        return back
    q, r = results[:2]
    rows, columns = a.shape[-2:]
    gq, gr = gq.conj(), gr.conj()
    if columns <= rows:
        return typed(_back_of_qr(gq, np.triu(gr), q, r).conj(), a)
    # The first columns are decomposed, and the others are turned by q.
    of_rest = gr[..., rows:]
    gq = gq + a[..., rows:] @ adjoint(of_rest)
    first = _back_of_qr(gq, np.triu(gr[..., :rows]), q, r[..., :rows])
    return typed(np.concatenate([first, q @ of_rest], -1).conj(), a)


def _qr_q(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, out
    results = params["results"]
    return _qr(g, np.zeros_like(results[1]), operands, results, params.get("order"))


def _qr_r(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, out
    order = params.get("order", slice(None))
    g = g[..., : operands[0].shape[-1], :]  # SciPy's has rows of zeros below
    results = params["results"] if "results" in params else tuple(np.linalg.qr(operands[0][..., order]))
    return _qr(np.zeros_like(results[0]), g, operands, results, params.get("order"))


def _lacks_rank(out: Any, operands: Operands, params: Params) -> bool:
    r = np.asarray(params["results"][1] if "results" in params else out)
    pivots = np.abs(np.diagonal(r, axis1=-2, axis2=-1))
    del operands
    return bool((pivots <= tolerance(pivots)).any())


_OF_VALUES = "each of NumPy's own vectors takes what its value got"
_OF_VECTORS = "nothing for a turn among their vectors"

DECOMPOSITIONS = {
    "cholesky": Vjp(_cholesky),
    **{
        name: Vjp(
            pull, kink="equal eigenvalues", choice=f"equal eigenvalues: {says}", at_kink=_has_equal_values
        )
        for name, pull, says in (
            ("eigh_values", _eigh_values, _OF_VALUES),
            ("eigvalsh", _eigvalsh, _OF_VALUES),
            ("eigh_vectors", _eigh_vectors, _OF_VECTORS),
            ("eig_values", _eig_values, _OF_VALUES),
            ("eigvals", _eigvals, _OF_VALUES),
            ("eig_vectors", _eig_vectors, _OF_VECTORS),
        )
    },
    **{
        name: Vjp(
            pull,
            kink="equal singular values, or a zero one",
            choice=f"singular values equal or zero: {says}",
            at_kink=_has_equal_or_zero,
        )
        for name, pull, says in (
            ("svd_s", _svd_s, _OF_VALUES),
            ("svdvals", _svdvals, _OF_VALUES),
            ("svd_u", _svd_u, _OF_VECTORS),
            ("svd_vh", _svd_vh, _OF_VECTORS),
        )
    },
    **{
        name: Vjp(
            pull,
            kink="not of full rank",
            choice="qr without full rank: no derivative, nan or very large",
            at_kink=_lacks_rank,
        )
        for name, pull in (("qr_q", _qr_q), ("qr_r", _qr_r))
    },
}
