"""Methods written in Python that are followed from within: while a trace runs, they have another code.

A program may have got a method long before (`logpdf = stats.norm.logpdf`), and keep it anywhere: it is the same
function there, and no place is looked for. The other code has the same parameters, and hands every call on.
"""

from __future__ import annotations

import inspect
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_TEXT = """
def around({outer}):
    def method({parameters}):
        {used}
        _following = "following"
        return _following({passed})
    return method
"""


class Within:
    """A method, and the two codes that it can have."""

    __slots__ = ("_following", "_function", "_own")

    def __init__(
        self, function: FunctionType, follow: Callable[[FunctionType], Callable[..., Any]]
    ) -> None:
        own = function.__code__
        plain = FunctionType(
            own, function.__globals__, function.__name__, function.__defaults__, function.__closure__
        )
        plain.__kwdefaults__, plain.__qualname__ = function.__kwdefaults__, function.__qualname__
        self._function, self._own, self._following = function, own, _code(own, follow(plain))

    def exchange(self, *, following: bool) -> None:
        """Have the method followed, or no more."""
        self._function.__code__ = self._following if following else self._own


def _code(own: CodeType, following: Callable[..., Any]) -> CodeType:
    """Return a code with the parameters and the closure of a method, which calls `following` instead."""
    places, end = own.co_argcount, own.co_argcount + own.co_kwonlyargcount
    by_place, by_name, more = own.co_varnames[:places], own.co_varnames[places:end], own.co_varnames[end:]
    several = more[0] if own.co_flags & inspect.CO_VARARGS else ""
    named = own.co_varnames[end + bool(several)] if own.co_flags & inspect.CO_VARKEYWORDS else ""
    stars, double_stars = [f"*{several}"] * bool(several), [f"**{named}"] * bool(named)
    text = _TEXT.format(
        outer=", ".join(own.co_freevars),  # a method with super() has one
        used=", ".join(own.co_freevars) or "pass",
        parameters=", ".join([*by_place, *(stars or ["*"] * bool(by_name)), *by_name, *double_stars]),
        passed=", ".join([*by_place, *stars, *(f"{each}={each}" for each in by_name), *double_stars]),
    )
    space: dict[str, Any] = {}
    exec(compile(text, __file__, "exec"), space)  # noqa: S102  (our own text, as in lists.py)
    code: CodeType = space["around"](*own.co_freevars).__code__
    # Its globals are SciPy's: what it needs, it holds as a constant.
    return code.replace(
        co_consts=tuple(following if each == "following" else each for each in code.co_consts),
        co_posonlyargcount=own.co_posonlyargcount,
        co_name=own.co_name,
        co_qualname=own.co_qualname,
    )
