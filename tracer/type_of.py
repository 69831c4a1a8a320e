"""`type(x)` of a stand-in: the type of what it stands for, so that `type(x) is float` takes the plain program's branch.

Python offers no hook for it. While a trace runs, the user's modules have a global of that name, which answers as the
builtin does wherever Python asks it (`stored.py` puts it there); not those with a function that hands `type` on to
where only the builtin will do.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tracer import handed_on
from tracer.exact import Exact
from tracer.handed_on import MOST_FUNCTIONS
from tracer.seeds import STANDING
from tracer.standins import Traced

if TYPE_CHECKING:
    from types import CodeType

    from tracer.handed_on import Use


@lru_cache(maxsize=MOST_FUNCTIONS)
def is_handed_on(code: CodeType) -> bool:
    """Tell whether a function does with `type` what only the builtin is good for: `kind is type`, an argument in C."""
    return handed_on.hands_on(code, "type", _is_answered)


def _is_answered(read: Use, use: Use, uses: list[Use]) -> bool:
    if use.name == "IS_OP":  # `type(kind) is type`: what `type` answers is itself
        return any(
            each.name.startswith("CALL") and handed_on.called(each, uses) == "type"
            for each in uses
            if each.is_in(use)
        )
    return not handed_on.is_argument(read, use) or handed_on.called(use, uses) in handed_on.ASKING


class _TypeOf:
    """Stands for the builtin `type`."""

    __slots__ = ()

    def __call__(self, *args: Any, **options: Any) -> Any:
        if len(args) != 1 or options:
            return type(*args, **options)
        kind = type(args[0])
        if issubclass(kind, (Traced, Exact)):
            kind = args[0].__class__
        if (
            type(kind) is type and kind in STANDING
        ):  # `type(d) is Decimal`, of which the name is another class
            return STANDING[kind]
        return self if kind is type or kind is _TypeOf else kind

    def __getattr__(self, name: str) -> Any:
        return getattr(type, name)

    def __eq__(self, other: object) -> bool:
        return other is type or other is self

    def __hash__(self) -> int:
        return hash(type)

    def __repr__(self) -> str:
        return repr(type)

    def __reduce__(self) -> Any:
        return type, (int,)

    def __or__(self, other: Any) -> Any:
        return type | other

    def __ror__(self, other: Any) -> Any:
        return other | type

    def __getitem__(self, parameters: Any) -> Any:
        return type[parameters]

    def __mro_entries__(self, bases: Any) -> tuple[type, ...]:
        return (type,)

    def __instancecheck__(self, value: Any) -> bool:
        return isinstance(value, type)

    def __subclasscheck__(self, kind: Any) -> bool:
        return issubclass(kind, type)


TYPE_OF = _TypeOf()
