"""What stands for a function while a trace runs, and is that function in all that a program can ask of it.

Equal to it with the same hash (`RULES[math.exp]`), of its class (`isinstance(f, BuiltinFunctionType)`), with its
attributes, its text and its pickle, and bound to an object as it is, or not. Only who asks by C's `type` can tell.
"""

from __future__ import annotations

import functools
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable


# Who asks whether it is a partial is told so, and may look beneath.
_OWN = ("func", "args", "keywords", "__reduce_ex__")


class Exact(functools.partial[Any]):
    """Called, it follows the call; a partial is called by C, and shows no frame of its own."""

    __slots__ = ("original",)

    def __new__(cls, original: Any, following: Callable[..., Any]) -> Self:
        """Stand for `original`, and call `following`."""
        made = super().__new__(cls, following)
        _ORIGINAL.__set__(made, original)
        # With a dict of its own, it is the function of a `functools.partial`; without, that takes what is beneath.
        object.__getattribute__(made, "__dict__")
        return made

    def __getattribute__(self, name: str) -> Any:
        return super().__getattribute__(name) if name in _OWN else getattr(original_of(self), name)

    def __eq__(self, other: object) -> bool:
        original = original_of(self)
        return (
            other is self or other is original or (type(other) is Exact and original_of(other) is original)
        )

    def __hash__(self) -> int:
        return hash(original_of(self))

    def __repr__(self) -> str:
        return repr(original_of(self))

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        binds = hasattr(type(original_of(self)), "__get__")
        return MethodType(self, instance) if binds and instance is not None else self

    def __reduce_ex__(self, protocol: Any) -> Any:
        original = original_of(self)
        # As pickle writes a function: by the name by which its module knows it.
        return original.__qualname__ if type(original) is FunctionType else original.__reduce_ex__(protocol)


class Loose:
    """Replacements that are plain functions: called at their fastest, as long as a program only calls them."""

    def __init__(self, originals: dict[Any, Any]) -> None:
        self.originals = originals  # by replacement
        self.by_name: dict[str, list[Any]] = {}
        for each, original in originals.items():
            self.by_name.setdefault(original.__name__, []).append(each)

    def make_exact(self, each: Any) -> Exact:
        """Return what is to take the place of a replacement, which is loose no more."""
        original = self.originals.pop(each)
        self.by_name[original.__name__].remove(each)
        return Exact(original, each)


_ORIGINAL: Any = vars(Exact)["original"]
original_of: Callable[[Exact], Any] = _ORIGINAL.__get__
following_of: Callable[[functools.partial[Any]], Any] = vars(functools.partial)["func"].__get__
