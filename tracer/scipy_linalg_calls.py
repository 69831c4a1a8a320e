"""How a call of `scipy.linalg` is read: as one of `numpy.linalg` wherever that is the same.

SciPy is not imported here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.numpy_table import FOLLOWED
from tracer.numpy_table.reading import OptionError
from tracer.rules.scipy_linalg import FUNCTIONS_OF_MATRICES
from tracer.standins import plain, plain_deep

if TYPE_CHECKING:
    from collections.abc import Callable

# These say how SciPy computes, not what.
_HOW = frozenset("overwrite_a overwrite_b check_finite lapack_driver driver overwrite_ab".split())


def _one_matrix(a: Any) -> None:
    if np.ndim(plain_deep(a)) != 2:
        raise OptionError("a batch of matrices")


def _refuse(options: dict[str, Any], **defaults: tuple[Any, ...]) -> None:
    """Refuse options that change the result, and have none of the values that do not."""
    for name, value in options.items():
        if name not in _HOW and plain(value) not in defaults.get(name, ()):
            raise OptionError(f"{name}=")


def _as_numpy(name: str, names: str, **defaults: tuple[Any, ...]) -> Callable[..., Any]:
    """Read a call as NumPy's function, whose arguments have these names; other options must be as in `defaults`."""
    order = names.split()

    def read(*args: Any, **options: Any) -> Any:
        if len(args) > len(order):
            raise OptionError("options by position")
        operands = (*args, *(options.pop(each) for each in order[len(args) :]))
        _one_matrix(operands[0])
        _refuse(options, **defaults)
        return FOLLOWED[getattr(np.linalg, name)](*operands)

    return read


def _cholesky(a: Any, lower: Any = False, overwrite_a: Any = False, check_finite: Any = True) -> Any:
    del overwrite_a, check_finite
    _one_matrix(a)
    return "cholesky", (a,), {"upper": not plain(lower)}


def _cho_factor(a: Any, lower: Any = False, overwrite_a: Any = False, check_finite: Any = True) -> Any:
    del overwrite_a, check_finite
    _one_matrix(a)
    return [("cho_factor", (a,), {"lower": bool(plain(lower))}), None]


def _cho_solve(c_and_lower: Any, b: Any, overwrite_b: Any = False, check_finite: Any = True) -> Any:
    del overwrite_b, check_finite
    c, lower = c_and_lower
    _one_matrix(c)
    return "cho_solve", (c, b), {"lower": bool(plain(lower))}


def _solve_triangular(
    a: Any,
    b: Any,
    trans: Any = 0,
    lower: Any = False,
    unit_diagonal: Any = False,
    *rest: Any,
    **options: Any,
) -> Any:
    del rest
    _one_matrix(a)
    _refuse(options)
    turns = {0: "N", 1: "T", 2: "C"}
    params = {"trans": turns.get(plain(trans), plain(trans)), "lower": bool(plain(lower))}
    return "solve_triangular", (a, b), {**params, "unit_diagonal": bool(plain(unit_diagonal))}


def _function(name: str) -> Callable[..., Any]:
    def read(a: Any, **options: Any) -> Any:
        _one_matrix(a)
        _refuse(options)
        return name, (a,), {}

    return read


def _norm(a: Any, *args: Any, check_finite: Any = True, **options: Any) -> Any:
    del check_finite
    return FOLLOWED[np.linalg.norm](a, *args[:3], **options)


def _eigh(a: Any, *, lower: Any = True, eigvals_only: Any = False, **options: Any) -> Any:
    _one_matrix(a)
    _refuse(options)
    side = "L" if plain(lower) else "U"
    return FOLLOWED[np.linalg.eigvalsh if eigvals_only else np.linalg.eigh](a, side)


def _eigvalsh(a: Any, *, lower: Any = True, **options: Any) -> Any:
    return _eigh(a, lower=lower, eigvals_only=True, **options)


def _svd(a: Any, full_matrices: Any = True, compute_uv: Any = True, **options: Any) -> Any:
    _one_matrix(a)
    _refuse(options)
    return FOLLOWED[np.linalg.svd](a, plain(full_matrices), plain(compute_uv))


def _elsewhere(name: str) -> Callable[..., Any]:
    def read(*args: Any, **options: Any) -> Any:
        del args, options
        raise OptionError(f"SciPy's own options (np.linalg.{name} is followed)")

    return read


READERS: dict[str, Callable[..., Any]] = {
    # Where a structure is looked for, it is that of the matrix as a whole.
    "solve": _as_numpy(
        "solve", "a b", assume_a=(None, "gen", "general"), lower=(False,), transposed=(False,)
    ),
    "inv": _as_numpy("inv", "a", assume_a=(None, "gen", "general"), lower=(False,)),
    "det": _as_numpy("det", "a"),
    "pinv": _as_numpy("pinv", "a", return_rank=(False,), atol=(None,), rtol=(None,)),
    "svdvals": _as_numpy("svdvals", "a"),
    "cholesky": _cholesky,
    "cho_factor": _cho_factor,
    "cho_solve": _cho_solve,
    "solve_triangular": _solve_triangular,
    "norm": _norm,
    "eigh": _eigh,
    "eigvalsh": _eigvalsh,
    "svd": _svd,
    **{name: _function(name) for name in FUNCTIONS_OF_MATRICES},
    **{name: _elsewhere(name) for name in ("eig", "eigvals", "qr", "lstsq")},
}
