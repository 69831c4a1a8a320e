"""Globals, closure variables and attributes as inputs for the time of one call: `@trace(watch=("W", "model.W"))`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tracer.errors import LookupNameError, UnsupportedError
from tracer.standins import is_traced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tracer.boxing import Boxes, Structure

_Place = tuple["Callable[[], Any]", "Callable[[Any], None]"]  # how to read and to set a watched name


@contextmanager
def watched(
    function: Any, names: tuple[str, ...], boxes: Boxes, structures: dict[str, Structure]
) -> Iterator[None]:
    """Put stand-ins where the names are bound, and afterwards the plain values that are bound there then.

    Raises LookupNameError for a name that is not bound, UnsupportedError for one that another running trace watches.
    """
    done: list[tuple[_Place, Any, Any]] = []
    try:
        for name in names:
            place = _find(function, name)
            original = place[0]()
            if is_traced(original):
                raise UnsupportedError(
                    f"{name} is being watched by another trace that is running",
                    got="two traces at once can't both replace it",
                    advice="run them one after the other, or pass it as an argument",
                )
            boxed, structures[name] = boxes.box(original, name)
            place[1](boxed)
            done.append((place, boxed, original))
        yield
    finally:
        for (read, write), boxed, original in reversed(done):
            now = read()
            write(original if now is boxed else boxes.unbox(now))


def _find(function: Any, name: str) -> _Place:
    """Return how to read and set a watched name, as the function sees it."""
    first, *attributes = name.split(".")
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    if first in cells:
        cell = cells[first]
        place: _Place = (lambda: cell.cell_contents, lambda value: setattr(cell, "cell_contents", value))
    elif first in function.__globals__:
        namespace = function.__globals__
        place = (lambda: namespace[first], lambda value: namespace.__setitem__(first, value))
    else:
        raise LookupNameError(
            f"nothing named {first!r} can be watched",
            got=f"it is neither a global nor a closure variable of {function.__name__}",
            advice="name arguments and values made inside with watch(value, name)",
        )
    for attribute in attributes:
        place = _attribute(place[0](), attribute)
    return place


def _attribute(holder: Any, attribute: str) -> _Place:
    if not hasattr(holder, attribute):
        raise LookupNameError(f"a {type(holder).__name__} that is watched has no attribute {attribute!r}")
    return (lambda: getattr(holder, attribute), lambda value: setattr(holder, attribute, value))
