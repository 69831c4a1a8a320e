"""Names that are watched, `"model.layers[0].W"`: what holds their values."""

from __future__ import annotations

import ast
import inspect
from functools import partial
from types import MethodType
from typing import TYPE_CHECKING, Any

from tracer.errors import LookupNameError
from tracer.exact import Exact
from tracer.holders import Cell, Item, attribute, item

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.holders import Holder


def find(name: str, arguments: dict[str, Any], functions: list[Any]) -> tuple[Any, Holder | None]:
    """Return the value of a name as a function sees it, and its place; None for that of an argument."""
    path, steps = _parsed(name)
    place = _variable(path, arguments, functions)
    value = arguments[path] if place is None else place.read()
    for way, key, longer in steps:
        place = way(value, key, path)
        path, value = longer, place.read()
    return value, place


def _variable(name: str, arguments: dict[str, Any], functions: list[Any]) -> Holder | None:
    """Find a variable: an argument, which has no place, or one of a function around it or of its module."""
    if name in arguments:
        return None
    for function in functions:
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        if name in cells:
            return Cell(cells[name])
        if name in function.__globals__:
            return Item(function.__globals__, name)
    from tracer.lookup import meant  # noqa: PLC0415  (for a name that is wrong)

    known = [
        each for function in functions for each in (*function.__code__.co_freevars, *function.__globals__)
    ]
    called = getattr(functions[-1], "__name__", "the function") if functions else "the function"
    raise LookupNameError(
        f"nothing named {name!r} can be watched",
        got=f"it is neither a global nor a closure variable of {called}",
        advice=meant(name, known) or "name arguments and values made inside with watch(value, name)",
    )


def _parsed(name: str) -> tuple[str, list[tuple[Callable[[Any, Any, str], Holder], Any, str]]]:
    """Take `model.layers[0].W` apart: the variable; and how each step is found, by which key, and the path so far."""
    steps: list[tuple[Callable[[Any, Any, str], Holder], Any, str]] = []
    try:
        expression = ast.parse(name, mode="eval").body
        while isinstance(expression, (ast.Attribute, ast.Subscript)):
            path = ast.unparse(expression)
            if isinstance(expression, ast.Attribute):
                steps.insert(0, (attribute, expression.attr, path))
            else:
                steps.insert(0, (item, ast.literal_eval(expression.slice), path))
            expression = expression.value
        if isinstance(expression, ast.Name):
            return expression.id, steps
    except (SyntaxError, ValueError):
        pass
    raise LookupNameError(
        f"{name!r} can't be watched", advice="name a variable, an attribute or an item: model.layers[0].W"
    )


def functions_of(function: Any) -> list[Any]:
    """Return the Python functions whose variables a function sees: its own, and that of what it is wrapped around."""
    while type(function) is not Exact and isinstance(function, partial):
        function = function.func
    found = []
    for each in (function, inspect.unwrap(function)):
        called = each if hasattr(each, "__code__") or isinstance(each, MethodType) else type(each).__call__
        called = getattr(called, "__func__", called)
        if hasattr(called, "__code__") and called not in found:
            found.append(called)
    return found
