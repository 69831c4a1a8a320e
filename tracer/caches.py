"""Functions with a cache (functools.lru_cache) while a trace runs: equal numbers are not the same value.

A cache answers by equality: with the result for another value that happens to be equal, or with one from before the
trace. For traced arguments, a cached function that the traced one can reach gets a memory that is kept for one trace
and knows values apart.
"""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

from tracer.cuts import cut
from tracer.exact import Exact
from tracer.standins import is_traced, plain_deep
from tracer.tape import innermost

if TYPE_CHECKING:
    from collections.abc import Callable

CACHED = type(functools.lru_cache(lambda: None))
_FOLLOWED: dict[int, Exact] = {}  # by identity, while a trace runs
_frame = sys._getframe  # noqa: SLF001  (the only way to see the caller at this speed)


def followed(cached: Any) -> Exact:
    """Return what stands for a cached function, the same each time."""
    known = _FOLLOWED.get(id(cached))
    if known is None:
        known = _FOLLOWED[id(cached)] = Exact(cached, _following(cached))
    return known


def forget() -> None:
    """Let go of the cached functions that were met."""
    _FOLLOWED.clear()


def _following(cached: Any) -> Callable[..., Any]:
    def function(*args: Any, **options: Any) -> Any:
        running = innermost()
        if running is None or not any(map(_holds, (*args, *options.values()))):
            return cached(*plain_deep(args), **plain_deep(options))
        frame = _frame(1)
        # A whole number is what a memory counts by: `f(n)` in terms of `f(n - 1)`.
        args = tuple(_counted(each, frame) for each in args)
        options = {name: _counted(each, frame) for name, each in options.items()}
        if not any(map(_holds, (*args, *options.values()))):
            return cached(*args, **options)
        key = (
            cached,
            *map(_told_apart, args),
            *((name, _told_apart(each)) for name, each in options.items()),
        )
        if key not in running.remembered:
            running.remembered[key] = cached.__wrapped__(*args, **options)
        return running.remembered[key]

    return function


def _counted(value: Any, frame: Any) -> Any:
    if type(value) is tuple:
        return tuple([_counted(each, frame) for each in value])
    return cut(value, "the cache of a function", frame) if is_traced(value) and _is_whole(value) else value


def _holds(value: Any) -> bool:
    """Tell whether an argument is a traced value, or a tuple with one: lists can't be asked a cache for."""
    return any(map(_holds, value)) if type(value) is tuple else is_traced(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value.value_, int)


def _told_apart(value: Any) -> Any:
    """Return a key that two traced values share only if they are the same one; raises where the cache would."""
    if type(value) is tuple:
        return tuple([_told_apart(each) for each in value])
    return (hash(value), value.id_) if is_traced(value) else value
