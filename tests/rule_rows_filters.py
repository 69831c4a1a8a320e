"""Rows of test_rules.py for the filters of scipy.signal and scipy.ndimage: the function, and its operands."""

from __future__ import annotations

import inspect

import numpy as np
from rule_rows_linalg import normal
from scipy import ndimage, signal

from tracer.rules.filters import places_of, window_places

B, A = np.array([0.6, -0.3, 0.2, 0.5]), np.array([1.5, -0.4, 0.3])
SECTIONS = np.array([[0.4, 0.1, -0.2, 1.0, -0.3, 0.2], [0.7, 0.3, 0.1, 1.0, 0.5, 0.1]])
RECTANGLE = np.array([[0.3, -0.7, 0.2, 0.6], [1.1, 0.4, -0.5, 0.8], [-0.9, 0.1, 1.3, -0.2]])
WINDOW = np.array([[0.5, -0.2], [0.9, 0.3], [-0.4, 0.7]])
BY_AXES = (
    ("gaussian_filter", {"sigma": (0.6, 1.1), "order": (0, 1), "mode": ("wrap", "nearest")}),
    ("gaussian_filter", {"sigma": 0.5, "cval": 2.0, "mode": "constant", "truncate": 2.0}),
    ("gaussian_filter1d", {"sigma": 0.7, "axis": 0, "order": 2, "mode": "mirror"}),
    ("gaussian_filter1d", {"sigma": 0.7, "order": 1, "mode": "reflect"}),
    ("uniform_filter", {"size": (2, 3), "origin": (0, 1)}),
    ("uniform_filter1d", {"size": 4, "axis": 0, "mode": "wrap", "origin": -1}),
    ("sobel", {"axis": 0}),
    ("prewitt", {"mode": "nearest"}),
    ("laplace", {"mode": ["wrap", "mirror"]}),
)
WINDOWS = (
    ("correlate", {"mode": "reflect", "origin": 0, "cval": 0.0}),
    ("convolve", {"mode": "mirror", "origin": 0, "cval": 0.0}),
    ("convolve", {"mode": "constant", "origin": -1, "cval": 1.5}),
    ("correlate", {"mode": "wrap", "origin": -1, "cval": 0.0}),
)


def _normalized(sections):
    """Divide by the coefficients that SciPy wants to be 1, so that these can be moved, too."""
    return sections / sections[:, 3:4]


def filter_rows(arrays):
    """Return the rows, made with the class of rows of functions of arrays."""
    for b, a in ((B, A), (A, B), (B[:1], A), (B, A[:1])):
        for axis in (-1, 0):
            yield arrays(
                "lfilter",
                lambda b, a, x, axis=axis: signal.lfilter(b, a, x, axis),
                (b, a, RECTANGLE),
                {"axis": axis},
            )
        state = normal(3, max(len(a), len(b)) - 1)
        for part, name in enumerate(("lfilter", "lfilter_state")):
            for x in (RECTANGLE, RECTANGLE[:, :2]):  # shorter than the memory of the filter
                results = {} if part == 0 else {"results": signal.lfilter(b, a, x, zi=state)}
                yield arrays(
                    name,
                    lambda b, a, x, zi, part=part: signal.lfilter(b, a, x, zi=zi)[part],
                    (b, a, x, state),
                    {"axis": -1, **results},
                )
    for b, a in ((B, A), (A, B), (B, A[:1]), (B[:1], A)):
        yield arrays("lfilter_zi", signal.lfilter_zi, (b, a), {})
    yield arrays(
        "sosfilt",
        lambda s, x: signal.sosfilt(_normalized(s), x, 0),
        (SECTIONS, RECTANGLE),
        {"axis": 0},
    )
    for axis, shape in ((-1, (2, 3, 2)), (0, (2, 2, 4))):
        state = normal(*shape)
        results = signal.sosfilt(SECTIONS, RECTANGLE, axis, state)
        for part, name in enumerate(("sosfilt", "sosfilt_state")):
            yield arrays(
                name,
                lambda s, x, zi, part=part, axis=axis: signal.sosfilt(_normalized(s), x, axis, zi)[part],
                (SECTIONS, RECTANGLE, state),
                {"axis": axis, "results": results},
            )
    for up, down, axis in ((1, 1, -1), (3, 2, -1), (2, 3, 0)):
        params = {"up": up, "down": down, "axis": axis}
        yield arrays("upfirdn", lambda h, x, p=params: signal.upfirdn(h, x, **p), (B, RECTANGLE), params)
    for name, given in BY_AXES:
        function = getattr(ndimage, name)
        bound = inspect.signature(function).bind(RECTANGLE, **given)
        bound.apply_defaults()
        params = {k: v for k, v in bound.arguments.items() if k not in {"input", "output"}}
        yield arrays(name, lambda x, f=function, p=params: f(x, **p), (RECTANGLE,), params)
    for name, given in WINDOWS:
        flipped = name == "convolve"
        origins = [-given["origin"] - (flipped and size % 2 == 0) for size in WINDOW.shape]
        origins = origins if flipped else [given["origin"]] * 2
        params = {
            "places": window_places(RECTANGLE.shape, WINDOW.shape, tuple(origins), given["mode"]),
            "fill": given["cval"],
            "flipped": flipped,
            "sizes": WINDOW.shape,
        }
        function = getattr(ndimage, name)
        yield arrays(
            "correlate_nd", lambda x, w, f=function, g=given: f(x, w, **g), (RECTANGLE, WINDOW), params
        )
    params = {
        "places": places_of(RECTANGLE.shape, [(2, 2), (1, 1)], "wrap"),
        "fill": 0.0,
        "flipped": True,
        "sizes": WINDOW.shape,
    }
    yield arrays(
        "correlate_nd",
        lambda x, w: signal.convolve2d(x, w, boundary="wrap"),
        (RECTANGLE, WINDOW),
        params,
    )
