"""The arguments of one call by parameter, with stand-ins for their numbers. Used by run.py."""

from __future__ import annotations

import inspect
import sys
from types import FunctionType
from typing import TYPE_CHECKING, Any

from tracer.errors import UnsupportedError
from tracer.signatures import any_signature_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.boxing import Boxes
    from tracer.structures import Structure

_VARIABLE = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS


def box_arguments(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    static: tuple[str, ...],
    boxes: Boxes,
    structures: dict[str, Structure],
) -> tuple[tuple[Any, ...], dict[str, Any], dict[str, Any]]:
    """Return the arguments with stand-ins for their numbers, and by name.

    Where they don't fit, the call says so itself.
    """
    given = _by_name(function, args, kwargs)
    if given is not None:
        for name, value in given.items():
            given[name] = _boxed(value, name, static, boxes, structures)
        return tuple(given.values()), {}, given
    try:
        bound = any_signature_of(function).bind(*args, **kwargs)
    except TypeError:
        return args, kwargs, {}
    given, bound.arguments = bound.arguments, {}
    for name, parameter in bound.signature.parameters.items():
        value = given.get(name, parameter.default)
        if value is parameter.empty:
            value = () if parameter.kind is parameter.VAR_POSITIONAL else {}
        boxed = _boxed(value, name, static, boxes, structures)
        # A default that holds no number is the function's own business, but for those that are given by position.
        if structures[name] is None and parameter.kind in (
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
        ):
            structures[name] = dict.fromkeys(value) if isinstance(value, dict) else (None,) * len(value)
        if name in given or boxed is not value or parameter.kind is parameter.POSITIONAL_ONLY:
            bound.arguments[name] = boxed
    return bound.args, bound.kwargs, {**bound.arguments, **_self_of(function)}


def _boxed(
    value: Any, name: str, static: tuple[str, ...], boxes: Boxes, structures: dict[str, Structure]
) -> Any:
    """Return an argument with stand-ins for its numbers, and note its structure."""
    structures[name] = None
    if name not in static:
        try:
            value, structures[name] = boxes.box(value, name)
        except RecursionError:
            raise UnsupportedError(
                f"{name} holds objects in objects, too many deep to look for the numbers in them",
                got=f"got more than Python's limit of {sys.getrecursionlimit():,} calls within calls allows",
                advice=f"raise that by sys.setrecursionlimit(…), or leave all of it out by static=({name!r},)",
            ) from None
    return value


def _by_name(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any] | None:
    """Return the arguments of a plain function by parameter, in order, where each parameter is given one.

    What its code says is enough then; anything else asks for a signature, which costs as much as all of this room.
    """
    if type(function) is not FunctionType or function.__dict__:  # which may say something of its own
        return None
    code = function.__code__
    is_plain = not code.co_kwonlyargcount and not code.co_flags & _VARIABLE
    if not is_plain or len(args) + len(kwargs) != code.co_argcount or len(args) < code.co_posonlyargcount:
        return None
    names = code.co_varnames[: code.co_argcount]
    given = dict(zip(names, args, strict=False)) | kwargs
    return {name: given[name] for name in names} if given.keys() == set(names) else None


def _self_of(function: Any) -> dict[str, Any]:
    """Return the first argument of a bound method, or of an object that is called, by the name of its parameter."""
    method: Any = function if inspect.ismethod(function) else getattr(function, "__call__", None)  # noqa: B004
    code = getattr(getattr(method, "__func__", None), "__code__", None)
    return {} if code is None or not code.co_argcount else {code.co_varnames[0]: method.__self__}
