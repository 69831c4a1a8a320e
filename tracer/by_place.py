"""How the parameters of a NumPy function are called, which are `a`, `m`, `ary`, `arr`, `x`, `tup`, ….

Readers of calls take what must be given at its place, and `out=` by its name.
"""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

import numpy as np

# Of functions written in C, an older NumPy does not say how their parameters are called.
_IN_C = {np.dot: ("a", "b", "out"), np.concatenate: ("arrays", "axis", "out")}
_MUST_BE_GIVEN = {np.dot: ("a", "b")}


def by_place(
    function: Any, args: tuple[Any, ...], options: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return a call with the arguments that it must be given at their places: NumPy has many names for an array."""
    names = _names_that_must_be_given(function)
    if len(args) >= len(names) or options.keys().isdisjoint(names):
        return args, options
    rest = dict(options)
    for name in names[len(args) :]:
        if name not in rest:
            break
        args = (*args, rest.pop(name))
    return args, rest


@cache
def _parameters(function: Any) -> tuple[inspect.Parameter, ...] | None:
    try:
        return tuple(inspect.signature(function).parameters.values())
    except ValueError:
        return None


@cache
def _names_that_must_be_given(function: Any) -> tuple[str, ...]:
    """Return the names of the first parameters, which have no default and a name that a call may give."""
    parameters = _parameters(function)
    if parameters is None:
        return _MUST_BE_GIVEN.get(function, ())
    return tuple(
        each.name
        for each in parameters
        if each.kind <= each.POSITIONAL_OR_KEYWORD and each.default is each.empty
    )


@cache
def names_with_out(function: Any) -> tuple[str, ...]:
    """Return the names of the parameters that can be given by position, where `out` is one of them."""
    parameters = _parameters(function)
    if parameters is None:
        return _IN_C.get(function, ())
    names = tuple(each.name for each in parameters if each.kind is not each.KEYWORD_ONLY)
    return names if "out" in names else ()
