"""NumPy's functions of polynomials that are given a `poly1d`, which NumPy asks for nothing: its coefficients are."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.numpy_calls import call_function
from tracer.standins import holds_traced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_frame = sys._getframe  # noqa: SLF001  (the only way to see the caller at this speed)
_FUNCTIONS = (np.polyint, np.polyder, np.polyadd, np.polysub, np.polymul, np.polydiv, np.polyval)
# What it gives is no polynomial, and a polynomial may be what it is given to evaluate at
_OF_NUMBERS = np.polyval


def _following(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def function(*args: Any, **options: Any) -> Any:
        if np.poly1d not in map(type, (*args, *options.values())):
            return original(*args, **options)
        last = 1 if original is _OF_NUMBERS else len(args)
        given = (*map(_coefficients, args[:last]), *args[last:])
        named = {name: value if name == "x" else _coefficients(value) for name, value in options.items()}
        if not any(map(holds_traced, (*given, *named.values()))):
            return original(*args, **options)
        result = call_function(original, given, named, _frame(1))
        if original is _OF_NUMBERS:
            return result
        return tuple(map(np.poly1d, result)) if type(result) is tuple else np.poly1d(result)

    return function


def _coefficients(value: Any) -> Any:
    return value.coeffs if type(value) is np.poly1d else value


def replacements() -> Iterator[tuple[Any, Callable[..., Any]]]:
    """Yield (original, replacement) for the functions of polynomials."""
    for original in _FUNCTIONS:
        yield original, _following(original)
