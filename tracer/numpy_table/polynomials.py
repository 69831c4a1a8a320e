"""NumPy's functions of polynomials, highest power first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.numpy_table.reading import Followed, OptionError, Reader, operands_only
from tracer.standins import holds_traced, plain, plain_deep

if TYPE_CHECKING:
    from collections.abc import Callable


def _vander(x: Any, N: Any = None, increasing: Any = False) -> Followed:  # noqa: N803  (NumPy's own name)
    del N
    return "vander", (x,), {"increasing": bool(increasing)}


def _polyfit(
    x: Any, y: Any, deg: Any, rcond: Any = None, full: Any = False, w: Any = None, cov: Any = False
) -> Followed:
    if rcond is not None or full or cov:
        raise OptionError("rcond=, full= or cov= (np.polyfit without them is followed)")
    return "polyfit", (x, y) if w is None else (x, y, w), {"deg": int(plain(deg))}


def _no_matrices(*polynomials: Any) -> None:
    if any(np.ndim(plain_deep(each)) > 1 for each in polynomials):
        raise OptionError("a matrix, where a polynomial is a vector,")


def _polyval(p: Any, x: Any) -> Followed:
    if type(x) is np.poly1d:
        raise OptionError("a poly1d to evaluate at (p(x) of numbers is followed)")
    return "polyval", (p, x), None


def _of_two(name: str) -> Callable[..., Followed]:
    def read(a1: Any, a2: Any) -> Followed:
        _no_matrices(a1, a2)
        return name, (a1, a2), None

    return read


def _repeated(name: str) -> Callable[..., Followed]:
    """Read polyder and polyint; constants of integration may be traced, one for each or one for all."""

    def read(p: Any, m: Any = 1, k: Any = None) -> Followed:
        _no_matrices(p)
        return name, (p, k) if holds_traced(k) else (p,), {"m": int(plain(m))}

    return read


def _polydiv(u: Any, v: Any) -> list[Followed | None]:
    _no_matrices(u, v)
    operands = (u, v)
    return [("polydiv_quotient", operands, None), ("polydiv_rest", operands, {"results": None})]


def _poly(seq_of_zeros: Any) -> Followed:
    if np.ndim(plain_deep(seq_of_zeros)) > 1:
        raise OptionError("a matrix (np.poly(np.linalg.eigvals(a)) is followed)")
    return "poly", (seq_of_zeros,), None


POLYNOMIALS: dict[Any, Reader] = {
    np.polyval: _polyval,
    np.vander: _vander,
    np.polyfit: _polyfit,
    np.polyder: _repeated("polyder"),
    np.polyint: _repeated("polyint"),
    np.polyadd: _of_two("polyadd"),
    np.polysub: _of_two("polysub"),
    np.polymul: _of_two("polymul"),
    np.polydiv: _polydiv,
    np.roots: operands_only("roots"),
    np.poly: _poly,
}
