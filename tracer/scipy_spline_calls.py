"""How splines of `scipy.interpolate` are followed: by the data that they are made of, and by where they are read.

The coefficients of a spline that is made of traced data are a traced array: what SciPy does with them in Python
(`derivative`) is followed, and what it does in C is an error. SciPy is not imported here.
"""

from __future__ import annotations

import functools
import inspect
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.frames import users
from tracer.numpy_calls import any_open, array_of
from tracer.refused import refuse
from tracer.standins import holds_traced, plain_deep, record_call

if TYPE_CHECKING:
    from collections.abc import Callable

_frame = sys._getframe  # noqa: SLF001  (the only way to see the caller at this speed)

# By the class that is made: the rule of its coefficients, if they are not given, and the arguments that may be traced.
_MADE = {
    "CubicSpline": ("cubic_spline", ("y",)),
    "CubicHermiteSpline": ("cubic_hermite", ("y", "dydx")),
    "PchipInterpolator": ("pchip", ("y",)),
    "Akima1DInterpolator": ("", ()),
    "BSpline": ("", ("c",)),
    "PPoly": ("", ("c",)),
    "make_interp_spline": ("interpolating_spline", ("y",)),
}

_TRACED: list[Any] = []  # the splines that have traced coefficients


def leave_plain() -> None:
    """Give splines that may outlive their trace plain coefficients: SciPy keeps them where nobody else looks."""
    for spline in _TRACED:
        spline.c = np.array(plain_deep(spline.c))
    _TRACED.clear()


def made(original: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Follow the `__init__` of a class of splines, or a function that makes one: by its data."""
    signature = inspect.signature(original)
    rule, data = _MADE[name]

    @functools.wraps(original)
    def following(*args: Any, **options: Any) -> Any:
        given = (*args, *options.values())
        if not any(map(holds_traced, given)):
            return original(*plain_deep(args), **plain_deep(options))
        frame = users(_frame(1))
        spline = original(*plain_deep(args), **plain_deep(options))
        if not any_open(given, frame):
            return spline
        bound = signature.bind(*args, **options)
        bound.apply_defaults()
        params = {key: each for key, each in bound.arguments.items() if key not in {"self", *data}}
        wrong = next((f"a traced {key}=" for key, each in params.items() if holds_traced(each)), "")
        params = plain_deep(params)
        if params.get("bc_type") == "periodic":
            wrong = "periodic ends"
        if not rule and params["axis"]:
            wrong = "axis="
        if wrong:
            raise refuse(f"scipy.interpolate.{name} with {wrong}", frame)
        operands = tuple(_in_floats(bound.arguments[key], frame) for key in data)
        holder = bound.arguments.get("self", spline)
        if rule:
            params |= {"axis": int(params["axis"]), "x": np.array(params["x"], np.float64)}
            holder.c = record_call(rule, operands, np.array(holder.c), params, frame)
        else:
            (holder.c,) = operands
        _TRACED.append(holder)
        return spline

    return following


def _in_floats(value: Any, frame: Any) -> Any:
    """Return an array of float64, as SciPy makes one of whatever it is given."""
    if not holds_traced(value):
        return np.array(plain_deep(value), np.float64)
    array = array_of(value, frame)
    return array if array.value_.dtype == np.float64 else array.astype(np.float64)


def integrating(original: Callable[..., Any]) -> Callable[..., Any]:
    """Follow the integral of a piecewise polynomial, by its ends and by its coefficients."""

    def following(self: Any, a: Any, b: Any, extrapolate: Any = None) -> Any:
        if not any(map(holds_traced, (a, b, self.c))):
            return original(self, plain_deep(a), plain_deep(b), plain_deep(extrapolate))
        frame = users(_frame(1))
        if not hasattr(self, "x"):  # a B-spline
            raise refuse(f"scipy.interpolate.{type(self).__name__}.integrate", frame)
        spline, c = _plain(self), self.c
        value = original(spline, plain_deep(a), plain_deep(b), plain_deep(extrapolate))
        if not any_open((a, b, c), frame):
            return value
        if self.axis or "periodic" in (extrapolate, self.extrapolate) or not self.x[0] < self.x[-1]:
            raise refuse(
                f"scipy.interpolate.{type(self).__name__}.integrate of a periodic spline or axis=", frame
            )
        operands = tuple(array_of(each, frame) if holds_traced(each) else each for each in (a, b, c))
        return record_call("piecewise_integral", operands, value, {"breaks": np.array(self.x)}, frame)

    return following


def _plain(spline: Any) -> Any:
    """Return the same spline with plain coefficients. Not by `copy`: from SciPy 1.18 on copies share them."""
    c, shared = plain_deep(spline.c), (spline.extrapolate, spline.axis)
    if hasattr(spline, "x"):
        return type(spline).construct_fast(c, spline.x, *shared)
    return type(spline).construct_fast(spline.t, c, spline.k, *shared)


def evaluating(original: Callable[..., Any], interpolate: Any) -> Callable[..., Any]:
    """Follow the `__call__` of splines: by where they are read, and by their coefficients."""

    def following(self: Any, x: Any, nu: Any = 0, extrapolate: Any = None) -> Any:
        if not (holds_traced(x) or holds_traced(self.c)):
            return original(self, plain_deep(x), plain_deep(nu), plain_deep(extrapolate))
        frame = users(_frame(1))
        nu, extrapolate = plain_deep(nu), plain_deep(extrapolate)
        spline, c = _plain(self), self.c
        value = original(spline, plain_deep(x), nu, extrapolate)
        if not any_open((x, c), frame):
            return value
        is_b_spline = isinstance(self, interpolate.BSpline)
        if (
            not isinstance(self, (interpolate.BSpline, interpolate.PPoly))
            or self.axis
            or nu < 0
            or not (is_b_spline or self.x[0] < self.x[-1])
        ):
            called = f"scipy.interpolate.{type(self).__name__}"
            raise refuse(f"{called} of this kind (axis=, falling breaks, an integral)", frame)
        params = {"nu": int(nu), "extrapolate": self.extrapolate if extrapolate is None else extrapolate}
        if is_b_spline:
            params |= {"t": np.array(self.t), "k": int(self.k)}
        else:
            params["breaks"] = np.array(self.x)
        operands = tuple(array_of(each, frame) if holds_traced(each) else np.array(each) for each in (x, c))
        return record_call(
            "b_spline" if is_b_spline else "piecewise_polynomial", operands, value, params, frame
        )

    return following


def classes(interpolate: Any) -> list[tuple[Any, str, Callable[[Any], Any]]]:
    """Return what is followed: a class, the name of its method, and what makes the function that follows it."""
    return [
        *(
            (getattr(interpolate, name), "__init__", functools.partial(made, name=name))
            for name in _MADE
            if isinstance(getattr(interpolate, name), type)
        ),
        *(
            (kind, "__call__", functools.partial(evaluating, interpolate=interpolate))
            for kind in (interpolate.PPoly, interpolate.BSpline)
        ),
        *((kind, "integrate", integrating) for kind in (interpolate.PPoly, interpolate.BSpline)),
    ]
