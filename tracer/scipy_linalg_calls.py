"""How a call of `scipy.linalg` is read: as one of `numpy.linalg` wherever that is the same.

SciPy is not imported here.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.numpy_table import FOLLOWED
from tracer.numpy_table.arrange import numbered
from tracer.numpy_table.reading import OptionError
from tracer.rules.arrange import MATRICES
from tracer.rules.assumed import ASSUMED, BANDED, DIAGONAL, HERMITIAN, LOWER, SYMMETRIC, UPPER
from tracer.rules.matrices import has_equal
from tracer.rules.scipy_linalg import FUNCTIONS_OF_MATRICES
from tracer.rules.triangles import order_of
from tracer.standins import holds_traced, plain, plain_deep

if TYPE_CHECKING:
    from collections.abc import Callable

# These say how SciPy computes, not what.
_HOW = frozenset("overwrite_a overwrite_b check_finite lapack_driver driver overwrite_ab".split())


# As SciPy calls them.
_STRUCTURES = {
    **dict.fromkeys(("pos", "positive definite", "her", "hermitian"), HERMITIAN),
    **dict.fromkeys(("sym", "symmetric"), SYMMETRIC),
    **{each: each for each in (DIAGONAL, BANDED, UPPER, LOWER)},
}


def _one_matrix(a: Any) -> None:
    if np.ndim(plain_deep(a)) != 2:
        raise OptionError("a batch of matrices (that of np.linalg, which takes batches, is followed)")


def _refuse(options: dict[str, Any], **defaults: tuple[Any, ...]) -> None:
    """Refuse options that change the result, and have none of the values that do not."""
    for name, value in options.items():
        given = plain_deep(value)
        if name not in _HOW and (np.ndim(given) or given not in defaults.get(name, ())):
            raise OptionError(f"{name}=")


def _as_numpy(name: str, count: int, names: str, **defaults: tuple[Any, ...]) -> Callable[..., Any]:
    """Read a call as NumPy's function of its first arguments; other options must be as in `defaults`.

    `names` is the order of those that can be given by position.
    """
    order = names.split()

    def read(*args: Any, **options: Any) -> Any:
        options |= dict(zip(order, args, strict=False))
        operands = tuple(options.pop(each) for each in order[:count])
        _one_matrix(operands[0])
        structure = _STRUCTURES.get(plain(options.get("assume_a")))
        if structure is not None and f"{name}_assuming" in ASSUMED:
            if name == "inv" and structure in (DIAGONAL, BANDED):
                raise OptionError(f"assume_a={options['assume_a']!r}")
            lower = bool(plain(options.pop("lower", False)))
            del options["assume_a"]
            _refuse(options, **defaults)
            return f"{name}_assuming", operands, {"structure": structure, "lower": lower}
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


def _eigh(a: Any, b: Any = None, *, lower: Any = True, eigvals_only: Any = False, **options: Any) -> Any:
    _one_matrix(a)
    if b is not None:
        raise OptionError(
            "b= (of L = np.linalg.cholesky(b), np.linalg.eigh(inv(L) @ a @ inv(L).T) is followed)"
        )
    _refuse(options)
    side = "L" if plain(lower) else "U"
    return FOLLOWED[np.linalg.eigvalsh if eigvals_only else np.linalg.eigh](a, side)


def _refuse_equal(a: Any, *rest: Any, eigvals_only: Any = False, **options: Any) -> None:
    """Refuse vectors that have no derivative, where what is computed of them, a density, may be smooth."""
    del rest, options
    if not eigvals_only and np.ndim(plain_deep(a)) == 2 and has_equal(np.linalg.eigvalsh(plain_deep(a))):
        raise OptionError("a matrix of equal eigenvalues")


def _eigvalsh(a: Any, b: Any = None, *, lower: Any = True, **options: Any) -> Any:
    return _eigh(a, b, lower=lower, eigvals_only=True, **options)


def _eig(name: str, order: str) -> Callable[..., Any]:
    """Read eig and eigvals: of one matrix, NumPy's, whose eigenvalues SciPy always makes complex."""
    names = order.split()

    def read(a: Any, *args: Any, **options: Any) -> Any:
        options |= dict(zip(names, args, strict=False))
        _one_matrix(a)
        _refuse(options, b=(None,), left=(False,), right=(True,), homogeneous_eigvals=(False,))
        return FOLLOWED[getattr(np.linalg, name)](a)

    return read


def _lstsq(
    a: Any,
    b: Any,
    cond: Any = None,
    overwrite_a: Any = False,
    overwrite_b: Any = False,
    check_finite: Any = True,
    lapack_driver: Any = None,
) -> Any:
    del overwrite_a, overwrite_b, check_finite
    _one_matrix(a)
    matrix = plain_deep(a)
    if holds_traced(a) and np.linalg.matrix_rank(matrix) < min(np.shape(matrix)):
        raise OptionError("a traced matrix that lacks rank (the answer jumps there)")
    rows: Any = FOLLOWED[np.linalg.lstsq](a, b, plain(cond))
    return [*rows[:3], None] if plain(lapack_driver) == "gelsy" else rows


def _svd(a: Any, full_matrices: Any = True, compute_uv: Any = True, **options: Any) -> Any:
    _one_matrix(a)
    _refuse(options)
    return FOLLOWED[np.linalg.svd](a, plain(full_matrices), plain(compute_uv))


def _lu(
    a: Any,
    permute_l: Any = False,
    overwrite_a: Any = False,
    check_finite: Any = True,
    p_indices: Any = False,
) -> Any:
    del overwrite_a, check_finite, p_indices
    _one_matrix(a)
    if plain(permute_l):
        return [("lu_exchanged", (a,), {}), ("lu_upper", (a,), {})]
    return [None, ("lu_lower", (a,), {}), ("lu_upper", (a,), {})]


def _lu_factor(a: Any, overwrite_a: Any = False, check_finite: Any = True) -> Any:
    del overwrite_a, check_finite
    _one_matrix(a)
    matrix = np.array(plain_deep(a))
    order = order_of(sys.modules["scipy.linalg"].lu_factor(matrix)[1], len(matrix))
    return [("lu_factor", (a,), {"order": order}), None]


def _lu_solve(
    lu_and_piv: Any, b: Any, trans: Any = 0, overwrite_b: Any = False, check_finite: Any = True
) -> Any:
    del overwrite_b, check_finite
    packed, pivots = lu_and_piv
    _one_matrix(packed)
    order = order_of(plain_deep(pivots), len(plain_deep(pivots)))
    return "lu_solve", (packed, b), {"order": order, "trans": int(plain(trans))}


def _qr(
    a: Any,
    overwrite_a: Any = False,
    lwork: Any = None,
    mode: Any = "full",
    pivoting: Any = False,
    check_finite: Any = True,
) -> Any:
    del overwrite_a, lwork, check_finite
    _one_matrix(a)
    rows, columns = np.shape(plain_deep(a))
    if mode == "raw" or (mode == "full" and rows > columns):
        raise OptionError(
            f"mode={mode!r} for {rows} rows and {columns} columns "
            "(with mode='economic', or 'r' for R alone, it is followed)"
        )
    if plain(pivoting):
        order = sys.modules["scipy.linalg"].qr(plain_deep(a), mode="r", pivoting=True)[1]
        if mode == "r":
            return [("qr_r", (a,), {"order": order}), None]
        return [(name, (a,), {"results": None, "order": order}) for name in ("qr_q", "qr_r")] + [None]
    if mode == "r":
        return [("qr_r", (a,), None)]
    return FOLLOWED[np.linalg.qr](a)


def _arranged(name: str) -> Callable[..., Any]:
    """Read a function that puts the elements of its arguments into a matrix."""

    def read(*args: Any, **options: Any) -> Any:
        operands = tuple(each for each in (*args, *options.values()) if each is not None)
        if name == "toeplitz" and len(operands) == 1 and np.iscomplexobj(plain_deep(operands[0])):
            raise OptionError("r=None for complex c (with r=np.conj(c) it is followed)")
        places = getattr(sys.modules["scipy.linalg"], name)(*numbered(operands))
        return name, operands, {"places": places}

    return read


READERS: dict[str, Callable[..., Any]] = {
    # Where a structure is looked for, it is that of the matrix as a whole.
    "solve": _as_numpy(
        "solve",
        2,
        "a b lower overwrite_a overwrite_b check_finite assume_a transposed",
        assume_a=(None, "gen", "general", "banded"),
        lower=(False,),
        transposed=(False,),
    ),
    "inv": _as_numpy(
        "inv", 1, "a overwrite_a check_finite", assume_a=(None, "gen", "general"), lower=(False,)
    ),
    "det": _as_numpy("det", 1, "a overwrite_a check_finite"),
    "pinv": _as_numpy("pinv", 1, "a", return_rank=(False,), atol=(None,), rtol=(None,)),
    "svdvals": _as_numpy("svdvals", 1, "a overwrite_a check_finite"),
    "lu": _lu,
    "lu_factor": _lu_factor,
    "lu_solve": _lu_solve,
    "qr": _qr,
    **{name: _arranged(name) for name in MATRICES},
    "cholesky": _cholesky,
    "cho_factor": _cho_factor,
    "cho_solve": _cho_solve,
    "solve_triangular": _solve_triangular,
    "norm": _norm,
    "eigh": _eigh,
    "eigvalsh": _eigvalsh,
    "svd": _svd,
    **{name: _function(name) for name in FUNCTIONS_OF_MATRICES},
    "eig": _eig("eig", "b left right overwrite_a overwrite_b check_finite homogeneous_eigvals"),
    "eigvals": _eig("eigvals", "b overwrite_a check_finite homogeneous_eigvals"),
    "lstsq": _lstsq,
}

WITHIN_LIBRARIES: dict[str, Callable[..., None]] = {"scipy.linalg.eigh": _refuse_equal}
"""What else is refused of a call that another function of SciPy makes."""
