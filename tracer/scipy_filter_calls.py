"""How a call of a filter of `scipy.signal` or `scipy.ndimage` is read. SciPy is not imported here."""

from __future__ import annotations

import functools
import inspect
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.numpy_calls import any_open, array_of
from tracer.numpy_table.reading import OptionError
from tracer.refused import refuse
from tracer.rules.filters import BY_AXES, places_of, window_places
from tracer.standins import holds_traced, plain, plain_deep

if TYPE_CHECKING:
    from collections.abc import Callable


def _bound(module: str, name: str, args: tuple[Any, ...], options: dict[str, Any]) -> dict[str, Any]:
    """Return all arguments of a call by name, with SciPy's own defaults."""
    bound = inspect.signature(getattr(sys.modules[module], name)).bind(*args, **options)
    bound.apply_defaults()
    return dict(bound.arguments)


def _constants(params: dict[str, Any]) -> dict[str, Any]:
    """Refuse what is traced of options, and a result that is written somewhere or in another type."""
    for name, value in params.items():
        if holds_traced(value) or (name == "output" and value is not None):
            raise OptionError(f"{'a traced ' * (name != 'output')}{name}=")
    return {name: plain_deep(value) for name, value in params.items() if name != "output"}


def _floating(x: Any) -> Any:
    """Refuse what SciPy would round: of whole numbers it gives whole numbers."""
    if np.asarray(plain_deep(x)).dtype.kind != "f":
        raise OptionError("an image of whole or complex numbers")
    return _something(x)


def _something(x: Any) -> Any:
    if not np.size(plain_deep(x)):
        raise OptionError("an empty array")
    return x


# scipy.ndimage


def _by_axes(name: str) -> Callable[..., Any]:
    def read(*args: Any, **options: Any) -> Any:
        given = _bound("scipy.ndimage", name, args, options)
        x = _floating(given.pop("input"))
        params = _constants(given)
        if name.startswith("gaussian"):
            params.setdefault("radius", None)
        return name, (x,), params

    return read


def _windows(name: str) -> Callable[..., Any]:
    """Read correlate and convolve, and those along one axis: the same window turned round, its middle moved."""

    def read(*args: Any, **options: Any) -> Any:
        given = _bound("scipy.ndimage", name, args, options)
        x, weights = _floating(given.pop("input")), given.pop("weights")
        params = _constants(given)
        shape, sizes = np.shape(plain_deep(x)), np.shape(plain_deep(weights))
        if params.get("axes") is not None:
            raise OptionError("axes=")
        if not isinstance(params["mode"], str):
            raise OptionError("a list of modes")
        along = "axis" in params
        if along:
            axis = int(params["axis"]) % len(shape)
            sizes = (*(1,) * axis, *sizes, *(1,) * (len(shape) - axis - 1))
        origins = np.broadcast_to(params["origin"], len(shape)) * [size > 1 for size in sizes]
        flipped = name.startswith("convolve")
        if flipped:
            origins = [-origin - (size % 2 == 0) for origin, size in zip(origins, sizes, strict=True)]
        places = window_places(shape, sizes, tuple(map(int, origins)), params["mode"])
        about = {"places": places, "fill": float(params["cval"]), "flipped": flipped}
        return "correlate_nd", (x, weights), about | {"sizes": sizes}

    return read


# scipy.signal

_BOUNDARIES = {"fill": "constant", "wrap": "wrap", "symm": "reflect", "symmetric": "reflect"}


def _products(name: str) -> Callable[..., Any]:
    """Read convolutions and correlations: sums over all windows that have a part in the result.

    Those along a line are NumPy's, whose steps are followed.
    """

    def read(*args: Any, **options: Any) -> Any:
        given = _bound("scipy.signal", name, args, options)
        x, weights = given.pop("in1"), given.pop("in2")
        params = _constants(given)
        shape, sizes = np.shape(plain_deep(x)), np.shape(plain_deep(weights))
        if len(shape) < 2:
            return NotImplemented
        if any(small > large for small, large in zip(sizes, shape, strict=True)):
            raise OptionError("an in2 that is larger than in1")
        # Where the size is even, there are two middles: of all functions, this one takes the other.
        middles = [(size - (name == "correlate2d")) // 2 for size in sizes]
        widths = {
            "full": [(size - 1, size - 1) for size in sizes],
            "same": [(middle, size - 1 - middle) for middle, size in zip(middles, sizes, strict=True)],
            "valid": [(0, 0) for _ in sizes],
        }[params["mode"]]
        places = places_of(shape, widths, _BOUNDARIES[params.get("boundary", "fill")])
        about = {"places": places, "fill": float(params.get("fillvalue", 0)), "sizes": sizes}
        return "correlate_nd", (x, weights), about | {"flipped": name.startswith("convolve")}

    return read


def _upfirdn(*args: Any, **options: Any) -> Any:
    given = _bound("scipy.signal", "upfirdn", args, options)
    h, x = given.pop("h"), _something(given.pop("x"))
    params = _constants(given)
    if params.get("mode") not in (None, "constant") or params.get("cval"):
        raise OptionError("mode= other than 'constant'")
    return "upfirdn", (h, x), {name: int(params[name]) for name in ("up", "down", "axis")}


def _lfilter(b: Any, a: Any, x: Any, axis: Any = -1, zi: Any = None) -> Any:
    _something(x)
    if zi is None:
        return "lfilter", (b, a, x), {"axis": int(plain(axis))}
    params = {"axis": int(plain(axis))}
    return [
        ("lfilter", (b, a, x, zi), params),
        ("lfilter_state", (b, a, x, zi), params | {"results": None}),
    ]


def _lfilter_zi(b: Any, a: Any) -> Any:
    if not np.ravel(plain_deep(a))[0]:
        raise OptionError("a[0] that is 0")
    return "lfilter_zi", (b, a), {}


def _sosfilt(sos: Any, x: Any, axis: Any = -1, zi: Any = None) -> Any:
    _something(x)
    params = {"axis": int(plain(axis))}
    if zi is None:
        return "sosfilt", (sos, x), params
    return [("sosfilt", (sos, x, zi), params), ("sosfilt_state", (sos, x, zi), params | {"results": None})]


NDIMAGE_READERS: dict[str, Callable[..., Any]] = {
    **{name: _by_axes(name) for name in BY_AXES},
    **{name: _windows(name) for name in ("correlate", "convolve", "correlate1d", "convolve1d")},
}
SIGNAL_READERS: dict[str, Callable[..., Any]] = {
    "lfilter": _lfilter,
    "lfilter_zi": _lfilter_zi,
    "sosfilt": _sosfilt,
    "upfirdn": _upfirdn,
    **{name: _products(name) for name in ("convolve", "correlate", "convolve2d", "correlate2d")},
}


def finding_peaks(original: Callable[..., Any]) -> Callable[..., Any]:
    """Follow `find_peaks`: where the peaks are is read as argmax is; how high they are are traced values."""

    @functools.wraps(original)
    def function(x: Any, *args: Any, **options: Any) -> Any:
        peaks, properties = original(plain_deep(x), *plain_deep(args), **plain_deep(options))
        frame = sys._getframe(1)  # noqa: SLF001  (the only way to see the caller)
        if not any_open((x,), frame):
            return peaks, properties
        if "widths" in properties:
            raise refuse("scipy.signal.find_peaks with width=", frame)
        signal = array_of(x, frame).astype(np.float64)  # as SciPy makes one
        for name in properties.keys() & _HEIGHTS.keys():
            properties[name] = _HEIGHTS[name](signal, peaks, properties)
        return peaks, properties

    return function


_HEIGHTS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "peak_heights": lambda x, peaks, _: x[peaks],
    "left_thresholds": lambda x, peaks, _: x[peaks] - x[peaks - 1],
    "right_thresholds": lambda x, peaks, _: x[peaks] - x[peaks + 1],
    "prominences": lambda x, peaks, found: (
        x[peaks] - np.maximum(x[found["left_bases"]], x[found["right_bases"]])
    ),
}
