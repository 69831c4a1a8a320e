"""`type(x)` of a stand-in: the type of what it stands for, so that `type(x) is float` takes the plain program's branch.

Python offers no hook for it. While a trace runs, the modules whose functions only call `type` have a global of that,
name, which answers as the builtin does wherever a program can tell (`stored.py` puts it there).
"""

from __future__ import annotations

from typing import Any

from tracer.exact import Exact
from tracer.standins import Traced


class _TypeOf:
    """Stands for the builtin `type`."""

    __slots__ = ()

    def __call__(self, *args: Any, **options: Any) -> Any:
        if len(args) != 1 or options:
            return type(*args, **options)
        kind = type(args[0])
        if issubclass(kind, (Traced, Exact)):
            kind = args[0].__class__
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
