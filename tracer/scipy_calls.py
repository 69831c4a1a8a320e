"""SciPy met by a stand-in: functions of `scipy.special` that are no ufuncs, `scipy.linalg`, and `scipy.stats`.

SciPy is never imported here: what the program has imported is followed.
"""

from __future__ import annotations

import copy
import functools
import sys
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.frames import is_library, users
from tracer.numpy_calls import any_open, array_of, call_function, several
from tracer.numpy_table.reading import OptionError
from tracer.numpy_table.scipy_ufuncs import check_partials
from tracer.refused import refuse
from tracer.rules.distributions import CONTINUOUS, SCIPY_STATS
from tracer.rules.scipy_special import SPHERICAL
from tracer.scipy_distance_calls import READERS as DISTANCE_READERS
from tracer.scipy_fft_calls import FFTPACK_READERS
from tracer.scipy_fft_calls import READERS as FFT_READERS
from tracer.scipy_filter_calls import NDIMAGE_READERS, SIGNAL_READERS, finding_peaks
from tracer.scipy_linalg_calls import READERS as LINALG_READERS
from tracer.scipy_linalg_calls import WITHIN_LIBRARIES
from tracer.scipy_sparse_calls import classes as sparse_classes
from tracer.scipy_spline_calls import classes as splines_of
from tracer.scipy_spline_calls import leave_plain, made
from tracer.standins import holds_traced, plain_deep, reading, record_call
from tracer.within import Within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_frame = sys._getframe  # noqa: SLF001  (the only way to see the caller at this speed)
_CONTINUOUS = ("pdf", "logpdf", "cdf", "logcdf", "sf", "logsf", "ppf", "isf")
_DISCRETE = ("pmf", "logpmf", "cdf", "sf")
_MOMENTS = ("mean", "var", "std", "entropy", "stats", "moment")  # the last two are refused


def replacements() -> Iterator[tuple[Any, Callable[..., Any]]]:
    """Yield (original, replacement) for functions of SciPy that are no ufuncs, if the program has imported them."""
    for module, readers in PARTS:
        package = sys.modules.get(module)
        for name, read in readers.items():
            original = getattr(package, name, None)
            if original is not None:
                yield original, _following(original, f"{module}.{name}", read)
    make_spline = getattr(sys.modules.get("scipy.interpolate"), "make_interp_spline", None)
    if make_spline is not None:
        yield make_spline, made(make_spline, "make_interp_spline")
    find_peaks = getattr(sys.modules.get("scipy.signal"), "find_peaks", None)
    if find_peaks is not None:
        yield find_peaks, finding_peaks(find_peaks)
    # SciPy's own, by which it asks whether it may write into what it computed: into an array, not into a number.
    for module in ("scipy._external.array_api_compat", "scipy._lib.array_api_compat"):
        asking = getattr(sys.modules.get(f"{module}.common._helpers"), "is_writeable_array", None)
        if asking is not None:
            yield asking, reading(asking)


def _following(original: Callable[..., Any], called: str, read: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def function(*args: Any, **options: Any) -> Any:
        frame = _frame(1)
        if not any(holds_traced(each) for each in (*args, *options.values())):
            return plain_deep(original(*plain_deep(args), **plain_deep(options)))
        # Copies, where LAPACK may overwrite them.
        given = {name: _copied(plain_deep(each)) for name, each in options.items()}
        # SciPy's own Python may have filled a stand-in
        value = plain_deep(original(*_copied(plain_deep(args)), **given))
        if not any_open((*args, *options.values()), frame):
            return value
        try:
            if called in WITHIN_LIBRARIES and is_library(str(frame.f_globals.get("__name__"))):
                WITHIN_LIBRARIES[called](*args, **options)
            followed = read(*args, **options)
        except OptionError as error:
            raise refuse(f"{called} with {error}", frame) from None
        if followed is NotImplemented:  # it is made of steps that are
            return original(*args, **options)
        if isinstance(followed, list):
            return several(followed, value, frame)
        rule, operands, params = followed
        operands = tuple(array_of(each, frame) if holds_traced(each) else each for each in operands)
        check_partials(called, rule, operands, frame)
        return record_call(rule, operands, value, params, frame)

    return function


def _copied(value: Any) -> Any:
    """Copy arrays, also those in a tuple; what else is given stays what it is: SciPy asks whether a list is empty."""
    if type(value) is tuple:
        return tuple(map(_copied, value))
    return value.copy() if type(value) is np.ndarray else value


def _logsumexp(
    a: Any, axis: Any = None, b: Any = None, keepdims: Any = False, return_sign: Any = False
) -> Any:
    if return_sign:
        raise OptionError("return_sign=True (without it, it is followed)")
    params = {"axis": plain_deep(axis), "keepdims": bool(keepdims)}
    return "logsumexp", (a,) if b is None else (a, b), params


def _along(name: str) -> Callable[..., Any]:
    def read(x: Any, axis: Any = None) -> Any:
        return name, (x,), {"axis": plain_deep(axis)}

    return read


def _polygamma(n: Any, x: Any) -> Any:
    return "polygamma", (n, x), None


def _lambertw(z: Any, k: Any = 0, tol: Any = 1e-8) -> Any:
    del tol
    return "lambertw", (z, k), None


def _zeta(x: Any, q: Any = None, out: Any = None) -> Any:
    if out is not None:
        raise OptionError("out=")
    return "zeta", (x, 1.0 if q is None else q), None


def _spherical(name: str) -> Callable[..., Any]:
    def read(n: Any, z: Any, derivative: Any = False) -> Any:
        if derivative:
            raise OptionError("derivative=True")
        return name, (n, z), None

    return read


_READERS: dict[str, Callable[..., Any]] = {
    "zeta": _zeta,
    **{name: _spherical(name) for name in SPHERICAL},
    "lambertw": _lambertw,
    "logsumexp": _logsumexp,
    "softmax": _along("softmax"),
    "log_softmax": _along("log_softmax"),
    "polygamma": _polygamma,
}

PARTS: tuple[tuple[str, dict[str, Callable[..., Any]]], ...] = (
    ("scipy.special", _READERS),
    ("scipy.linalg", LINALG_READERS),
    ("scipy.fft", FFT_READERS),
    ("scipy.fftpack", FFTPACK_READERS),
    ("scipy.spatial.distance", DISTANCE_READERS),
    ("scipy.signal", SIGNAL_READERS),
    ("scipy.ndimage", NDIMAGE_READERS),
)
"""The parts of SciPy, and how calls of their functions are read."""


# ------------------------------------------------------------------------------------------------ distributions


class Methods:
    """Methods of SciPy's distributions, splines and sparse matrices, followed however a program got them."""

    def __init__(self) -> None:
        self._followed: list[Within] = []

    def install(self) -> None:
        """Have the methods followed of those parts of SciPy that are imported."""
        if not self._followed:
            for module, methods_of in _METHODS_OF.items():
                self._followed += methods_of(sys.modules.get(module))
            for each in self._followed:
                each.exchange(following=True)

    def remove(self) -> None:
        """Put their own code back."""
        for each in self._followed:
            each.exchange(following=False)
        self._followed.clear()
        leave_plain()


@functools.cache
def _of_stats(stats: Any) -> list[Within]:
    if stats is None:
        return []
    found = [
        (getattr(stats, kind), name, functools.partial(_method, method=name))
        for kind, methods in (("rv_continuous", _CONTINUOUS + _MOMENTS), ("rv_discrete", _DISCRETE))
        for name in methods
    ]
    for name, rule in (("evaluate", "gaussian_kde"), ("logpdf", "gaussian_kde_log")):
        found.append((stats.gaussian_kde, name, functools.partial(_kernels, rule=rule)))
    return _within(found)


@functools.cache
def _of_interpolate(interpolate: Any) -> list[Within]:
    return [] if interpolate is None else _within(splines_of(interpolate))


@functools.cache
def _of_sparse(sparse: Any) -> list[Within]:
    return [] if sparse is None else _within(sparse_classes(sparse))


@functools.cache
def _of_spatial(spatial: Any) -> list[Within]:
    """Return the methods of trees that give places in their data alone; `query` gives distances, too."""
    names = ("query_ball_point", "query_ball_tree", "query_pairs", "count_neighbors")
    tree = getattr(spatial, "KDTree", None)
    return [] if tree is None else _within([(tree, name, reading) for name in names])


_METHODS_OF: dict[str, Callable[[Any], list[Within]]] = {
    "scipy.stats": _of_stats,
    "scipy.interpolate": _of_interpolate,
    "scipy.sparse": _of_sparse,
    "scipy.spatial": _of_spatial,
}


def _within(found: Sequence[tuple[type[Any], str, Callable[[Any], Any]]]) -> list[Within]:
    methods = ((getattr(kind, name, None), follow) for kind, name, follow in found)
    return [Within(each, follow) for each, follow in methods if type(each) is FunctionType]


def _method(original: Callable[..., Any], method: str) -> Callable[..., Any]:
    code = original.__code__
    places = code.co_varnames[1 : code.co_argcount]  # x, k or q; a moment has none

    def following(self: Any, *args: Any, **options: Any) -> Any:
        given = (*args, *options.values())
        if not any(map(holds_traced, given)):
            return original(self, *plain_deep(args), **plain_deep(options))
        frame = users(_frame(1))
        name = f"{self.name}.{method}"
        if name not in SCIPY_STATS:
            raise refuse(f"scipy.stats.{name}", frame)
        value = plain_deep(original(self, *plain_deep(args), **plain_deep(options)))
        if not any_open(given, frame):
            return value
        names = [*places, *(self.shapes.split(", ") if self.shapes else ()), "loc", "scale"]
        given_as = {"loc": 0, "scale": 1, **dict(zip(names, args, strict=False)), **options}
        operands = tuple(given_as[each] for each in names[: None if self.name in CONTINUOUS else -1])
        operands = tuple(array_of(each, frame) if holds_traced(each) else each for each in operands)
        check_partials(f"scipy.stats.{name}", name, operands, frame)
        return record_call(name, operands, value, None, frame)

    return following


def _kernels(original: Callable[..., Any], rule: str) -> Callable[..., Any]:
    """Follow an estimate of a density, by where it is read and by what it is made of, in steps that are followed."""

    def following(self: Any, points: Any) -> Any:
        made_of = (self.dataset, self.covariance, self.weights)
        if not any(map(holds_traced, (points, *made_of))):
            return original(self, plain_deep(points))
        frame = users(_frame(1))
        estimate = copy.copy(self)
        vars(estimate).update({name: plain_deep(each) for name, each in vars(self).items()})
        value = original(estimate, plain_deep(points))
        if not any_open((points, *made_of), frame):
            return value
        places = array_of(points, frame) if holds_traced(points) else np.asarray(plain_deep(points))
        places = call_function(np.reshape, (places, (self.d, -1)), {}, frame)
        return record_call(rule, (places, *made_of), value, None, frame)

    return following


methods = Methods()
"""One for the process, as the functions that `patches.py` replaces are."""
