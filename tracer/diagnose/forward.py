"""What every operation computes, as a function of its operands: a trace can be computed again without its program.

`forward(operation)` answers with `(operands, params, out) -> value`, or None where the function is code that is not at
hand. `out` is the recorded result, whose shape some need. Elementwise functions take whole columns. Used by the rooms
that check.
"""

from __future__ import annotations

import importlib
import math
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tracer.diagnose.forward_arrays import ARRAY_FUNCTIONS
from tracer.operations import OP_NAMES, RULE_OF, is_own
from tracer.rules.cosines import COSINES
from tracer.rules.distances import DISTANCES
from tracer.rules.distributions import KERNELS, SCIPY_STATS
from tracer.rules.filters import BY_AXES, FILTERS, correlated
from tracer.rules.formula import of_whole_order
from tracer.rules.kinds import Elementwise, Many
from tracer.rules.scipy_linalg import FUNCTIONS_OF_MATRICES, SCIPY_LINALG
from tracer.rules.scipy_special import RESULTS
from tracer.rules.sparse import SPARSE
from tracer.rules.splines import SPLINES
from tracer.rules.triangles import TRIANGLES
from tracer.user_rules import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

Forward: TypeAlias = "Callable[[tuple[Any, ...], dict[str, Any], Any], Any]"


def _each(function: Callable[..., float]) -> Callable[..., Any]:
    """Apply a function of numbers to columns; NaN where it raises."""

    def safe(*numbers: Any) -> float:
        try:
            return function(*map(float, numbers))
        except (ValueError, OverflowError):
            return math.nan

    vectorized = np.vectorize(safe, otypes=[np.float64])
    return lambda *columns: vectorized(*columns)[()]


def _itself(x: Any) -> Any:
    return x


def _nan_to_num(operands: tuple[Any, ...], _: dict[str, Any], out: Any) -> Any:
    """Put numbers in the place of what is not finite; those that are no operand are in the result alone."""
    x, *given = operands
    if np.iscomplexobj(x):
        parts = (_nan_to_num((part(x), *given), {}, part(out)) for part in (np.real, np.imag))
        return next(parts) + 1j * next(parts)
    if not given:
        return np.where(np.isfinite(x), x, out)
    return np.select([np.isnan(x), x == np.inf, x == -np.inf], given, x)


def _modf(part: int) -> Callable[..., Any]:
    return lambda x: np.modf(x)[part]


def _unwrap(operands: tuple[Any, ...], _: dict[str, Any], out: Any) -> Any:
    """Add the multiples of the period that were added: they are the same nearby."""
    x, period = operands
    return x + np.round((out - x) / period) * period


# What the neighbours of a number, or options that no record keeps, had a part in.
_BY_RESULT: dict[str, Forward] = {
    "unwrap": _unwrap,
    **dict.fromkeys(("nan_to_num", "nan_to_given"), _nan_to_num),
}

# Where the name of the rule is not that of NumPy's function, or NumPy's function takes more than numbers.
_ELEMENTWISE: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("astype", "copy", "broadcast_to"), _itself),
    "fma": lambda x, y, z: x * y + z,
    "ieee_remainder": _each(math.remainder),
    "log_base": lambda x, base: np.log(x) / np.log(base),
    "ldexp": lambda x, i: x * np.exp2(i),
    "frexp_mantissa": lambda x: np.frexp(x)[0],
    "ulp": lambda x: np.spacing(np.abs(x)),
    "modf_integral": _modf(1),
    "modf_fractional": _modf(0),
    "angle_degrees": lambda z: np.angle(z, deg=True),
    "rect": lambda r, phi: r * np.exp(1j * phi),
    "where": lambda condition, x, y: np.where(np.asarray(condition).astype(bool), x, y),
    "clip": lambda x, low, high: np.minimum(np.maximum(x, low), high),
    "erf": _each(math.erf),
    "erfc": _each(math.erfc),
    "gamma": _each(math.gamma),
    "lgamma": _each(math.lgamma),
}
_MANY: dict[str, Callable[[Any], Any]] = {
    "fsum": math.fsum,
    "sum_scalars": sum,
    "prod_scalars": math.prod,
    "hypot_scalars": lambda x: math.hypot(*x),
    "dist": lambda x: math.dist(x[: len(x) // 2], x[len(x) // 2 :]),
    "max_scalars": max,
    "min_scalars": min,
    "sumprod": lambda x: math.fsum(p * q for p, q in zip(x[: len(x) // 2], x[len(x) // 2 :], strict=True)),
}

# The same of columns.
MANY_COLUMNS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("fsum", "sum_scalars"), sum),
    "prod_scalars": math.prod,
    "hypot_scalars": lambda x: np.sqrt(sum(each * each for each in x)),
    "dist": lambda x: np.sqrt(
        sum((p - q) ** 2 for p, q in zip(x[: len(x) // 2], x[len(x) // 2 :], strict=True))
    ),
    "max_scalars": np.maximum.reduce,
    "min_scalars": np.minimum.reduce,
    "sumprod": lambda x: sum(p * q for p, q in zip(x[: len(x) // 2], x[len(x) // 2 :], strict=True)),
}

# A small imaginary step gives their derivative without a difference, and so without loss of digits.
HOLOMORPHIC = frozenset(
    "add subtract multiply divide negative positive reciprocal square power fma sqrt exp exp2 expm1 log log2 log10 "
    "log1p sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh astype copy broadcast_to".split()
)


def forward(operation: int) -> Forward | None:
    """Return what an operation computes; None where that is code of the program, or of a library not installed."""
    if not is_own(operation):
        return _of_user(operation)
    return _forward(OP_NAMES[operation], operation)


def _of_user(operation: int) -> Forward | None:
    function = FUNCTIONS.get(operation)
    if function is None:
        return None

    def compute(operands: tuple[Any, ...], params: dict[str, Any], out: Any) -> Any:
        given = [each if np.ndim(each) else np.asarray(each).item() for each in operands]
        options = params.get("options", {})
        if not np.ndim(out):
            return function(*given, **options)
        # One that takes numbers alone, `math.sin(x)` or `if x > 0`, fails with a column
        with suppress(Exception):
            whole = function(*given, **options)
            if np.shape(whole) == np.shape(out):
                return whole
        columns = np.broadcast_arrays(*given, out)[:-1]
        numbers = zip(*(column.ravel().tolist() for column in columns), strict=True)
        return np.reshape([_of_numbers(function, each, options) for each in numbers], np.shape(out))

    return compute


def _of_numbers(function: Callable[..., Any], numbers: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Call a function of numbers; NaN where it has no value, as a step may lead there."""
    try:
        return function(*numbers, **options)
    except (ArithmeticError, ValueError):
        return np.nan


@cache
def _forward(name: str, operation: int) -> Forward | None:
    kind = type(RULE_OF[operation])
    if kind is Many:
        many = _MANY[name]
        return lambda operands, _, __: many(
            [each.item() if hasattr(each, "item") else each for each in operands]
        )
    if kind is not Elementwise:
        return ARRAY_FUNCTIONS.get(name) or _of_scipy(name)
    if name == "round":
        return lambda operands, params, _: np.round(operands[0], params.get("decimals") or 0)
    if name in _BY_RESULT:
        return _BY_RESULT[name]
    function = _ELEMENTWISE.get(name) or getattr(np, name, None) or _found(name)
    if function is None:
        return None
    return lambda operands, _, __: function(*operands)


def _scipy(part: str) -> Any:
    """Return a part of SciPy; None where SciPy is not installed."""
    try:
        return importlib.import_module(f"scipy.{part}")
    except ImportError:
        return None


def _found(name: str) -> Callable[..., Any] | None:
    """Find a function of SciPy by the name of its rule; None where SciPy is not installed."""
    holder, _, method = name.rpartition(".")
    if name in SCIPY_STATS:
        stats = _scipy("stats")
        return stats and getattr(getattr(stats, holder), method, None)
    special = _scipy("special")
    for several, names in RESULTS.items():
        if name in names and special is not None:
            return lambda *operands: getattr(special, several)(*operands)[names.index(name)]
    function = getattr(special, name, None)
    return function if function is None else of_whole_order(function)


def _of_scipy(name: str) -> Forward | None:
    if name in SCIPY_LINALG or name in TRIANGLES:
        return _of_linalg(name)
    if name in COSINES:
        return _of_cosines(name)
    if name in DISTANCES:
        return _of_distances(name)
    if name in FILTERS:
        return _of_filters(name)
    if name in SPLINES:
        return _of_splines(name)
    if name in SPARSE:
        return _sparse_product
    if name in KERNELS:
        return _gaussian_kde(name)
    function = _found(name)
    if function is None:
        return None
    if name == "logsumexp":
        return lambda operands, params, out: np.reshape(
            function(operands[0], params.get("axis"), operands[1] if len(operands) > 1 else None),
            np.shape(out),
        )
    return lambda operands, params, _: function(operands[0], axis=params.get("axis"))


def _of_distances(name: str) -> Forward | None:
    distance = _scipy("spatial.distance")
    if distance is None:
        return None
    function = getattr(distance, name)

    def compute(operands: tuple[Any, ...], params: dict[str, Any], _: Any) -> Any:
        exponent = {"p": params["p"]} if params["metric"] == "minkowski" else {}
        return function(*operands, params["metric"], **exponent)

    return compute


def _of_filters(name: str) -> Forward | None:
    if name == "correlate_nd":
        return lambda operands, params, _: correlated(operands, params)
    called = name.removesuffix("_state")
    function = getattr(_scipy("ndimage" if name in BY_AXES else "signal"), called, None)
    if function is None:
        return None

    def compute(operands: tuple[Any, ...], params: dict[str, Any], _: Any) -> Any:
        options = {key: value for key, value in params.items() if value is not None and key != "results"}
        if called == "sosfilt":  # which takes no other a[0] than 1
            operands = (operands[0] / operands[0][:, 3:4], *operands[1:])
        places = 3 if called == "lfilter" else 2
        if len(operands) <= places:
            return function(*operands, **options)
        return function(*operands[:places], zi=operands[places], **options)[called != name]

    return compute


def _of_splines(name: str) -> Forward | None:
    interpolate = _scipy("interpolate")
    if interpolate is None:
        return None
    table: dict[str, Forward] = {
        "piecewise_polynomial": lambda operands, params, _: interpolate.PPoly(
            operands[1], params["breaks"]
        )(operands[0], params["nu"], params["extrapolate"]),
        "piecewise_integral": lambda operands, params, _: interpolate.PPoly(
            operands[2], params["breaks"]
        ).integrate(*operands[:2]),
        "b_spline": lambda operands, params, _: interpolate.BSpline(params["t"], operands[1], params["k"])(
            operands[0], params["nu"], params["extrapolate"]
        ),
        "cubic_spline": lambda operands, params, _: (
            interpolate.CubicSpline(params["x"], *operands, params["axis"], params["bc_type"]).c
        ),
        "cubic_hermite": lambda operands, params, _: (
            interpolate.CubicHermiteSpline(params["x"], *operands, params["axis"]).c
        ),
        "pchip": lambda operands, params, _: (
            interpolate.PchipInterpolator(params["x"], *operands, params["axis"]).c
        ),
        "interpolating_spline": lambda operands, params, _: (
            interpolate.make_interp_spline(
                params["x"], *operands, params["k"], params["t"], params["bc_type"], params["axis"]
            ).c
        ),
    }
    return table[name]


def _sparse_product(operands: tuple[Any, ...], params: dict[str, Any], out: Any) -> Any:
    numbers, x = operands
    sides = [params["rows"], params["columns"]]
    into, of = reversed(sides) if params["is_right"] else sides
    made, x = np.zeros(np.shape(out.T if params["is_right"] else out)), x.T if params["is_right"] else x
    for turn, number in enumerate(numbers):
        made[into[turn]] += number * x[of[turn]]
    return made.T if params["is_right"] else made


def _gaussian_kde(name: str) -> Forward:
    def compute(operands: tuple[Any, ...], _: dict[str, Any], out: Any) -> Any:
        del out
        places, points, covariance, weights = operands
        apart = places[:, :, None] - points[:, None]
        energy = np.sum(apart * np.tensordot(np.linalg.inv(covariance), apart, 1), 0) / 2
        density = np.exp(-energy) @ weights / np.sqrt(np.linalg.det(2 * math.pi * covariance))
        return np.log(density) if name.endswith("_log") else density

    return compute


def _of_cosines(name: str) -> Forward | None:
    fft = _scipy("fft")
    if fft is None:
        return None
    function = getattr(fft, name)

    def compute(operands: tuple[Any, ...], params: dict[str, Any], out: Any) -> Any:
        lengths = [np.shape(out)[axis] for axis in params["axes"]]
        return function(operands[0], s=lengths, **params)

    return compute


_LU: dict[str, Any] = {
    "lu_lower": lambda linalg, a: linalg.lu(a)[1],
    "lu_exchanged": lambda linalg, a: linalg.lu(a, permute_l=True)[0],
    "lu_upper": lambda linalg, a: linalg.lu(a)[2],
    "lu_factor": lambda linalg, a: linalg.lu_factor(a)[0],
}


def _lu_solve(operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """Solve with the matrix that the factors are of."""
    packed, b = operands
    lower, upper = np.tril(packed, -1) + np.eye(len(packed)), np.triu(packed)
    a = (lower @ upper)[np.argsort(params["order"])]
    turned = (a, a.T, a.T.conj())[params["trans"]]
    return np.linalg.solve(turned, b)


def _of_linalg(name: str) -> Forward | None:
    linalg = _scipy("linalg")
    if linalg is None:
        return None
    if name in _LU:
        return lambda operands, _, __: _LU[name](linalg, operands[0])
    function = getattr(linalg, name)
    if name == "lu_solve":
        return lambda operands, params, _: _lu_solve(operands, params)
    if name in FUNCTIONS_OF_MATRICES:  # in double precision: SciPy warns of less
        return lambda operands, _, __: function(
            np.asarray(operands[0], np.result_type(operands[0], np.float64))
        )
    if name == "cho_factor":
        return lambda operands, params, _: function(*operands, **params)[0]
    if name == "cho_solve":
        return lambda operands, params, _: function((operands[0], params["lower"]), operands[1])
    return lambda operands, params, _: function(*operands, **params)
