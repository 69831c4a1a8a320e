"""`type(x)` of a stand-in: the type of what it stands for, so that `type(x) is float` takes the plain program's branch.

Python offers no hook for it. While a trace runs, the user's modules have a global of that name, which answers as the
builtin does wherever Python asks it (`stored.py` puts it there); not those with a function that hands `type` on to
where only the builtin will do.
"""

from __future__ import annotations

import dis
import sys
from functools import lru_cache
from types import CodeType
from typing import TYPE_CHECKING, Any, NamedTuple

from tracer.conversions import met
from tracer.exact import Exact
from tracer.seeds import STANDING
from tracer.standins import Traced

if TYPE_CHECKING:
    from collections.abc import Iterator

# Of which is kept what they read. More than a search looks at: fewer, and each search would read all of them again.
MOST_FUNCTIONS = 20_000
# What asks for nothing that a stand-in would not answer as the builtin does.
_ASKING = (
    "isinstance",
    "issubclass",
    "map",
    "filter",
    "sorted",
    "min",
    "max",
    "hash",
    "repr",
    "str",
    "print",
)
_READS = ("LOAD_GLOBAL", "LOAD_NAME")
_USES = (
    "CALL",
    "IS_OP",
    "COMPARE_OP",
    "CONTAINS_OP",
    "BINARY_OP",
    "BINARY_SUBSCR",
    "LOAD_ATTR",
    "LOAD_METHOD",
)


class _Use(NamedTuple):
    """An instruction, and where its expression starts and ends."""

    name: str
    what: Any
    start: tuple[int, int]
    end: tuple[int, int]

    def is_in(self, other: _Use) -> bool:
        return other.start <= self.start and self.end <= other.end


@lru_cache(maxsize=MOST_FUNCTIONS)
def is_handed_on(code: CodeType) -> bool:
    """Tell whether a function does with `type` what only the builtin is good for: `kind is type`, an argument in C."""
    if any(is_handed_on(each) for each in code.co_consts if type(each) is CodeType):
        return True
    if "type" not in code.co_names:
        return False
    uses = list(_uses(code))
    if not uses:  # compiled without columns
        return True
    return not all(_is_answered(each, uses) for each in uses if each.what == "type" and each.name in _READS)


@lru_cache(maxsize=MOST_FUNCTIONS)
def only_asks(code: CodeType, name: str) -> bool:
    """Tell whether a function does with a parameter that is `type` by default nothing but what is answered."""
    uses = list(_uses(code)) if name not in code.co_cellvars else []
    reads = [each for each in uses if name in (each.what if type(each.what) is tuple else (each.what,))]
    return bool(uses) and all(
        each.what == name and each.name.startswith("LOAD_FAST") and _is_answered(each, uses)
        for each in reads
    )


def _uses(code: CodeType) -> Iterator[_Use]:
    for each in dis.get_instructions(code):
        where = each.positions
        if where is None or None in where:
            continue
        start, end = (where.lineno, where.col_offset), (where.end_lineno, where.end_col_offset)
        yield _Use(each.opname, each.argval, start, end)  # type: ignore[arg-type]


def _is_answered(read: _Use, uses: list[_Use]) -> bool:
    around = [each for each in uses if each.name.startswith(_USES) and read.is_in(each)]
    if not around:
        return False
    nearest = min(around, key=lambda each: (each.end[0] - each.start[0], each.end[1] - each.start[1]))
    if nearest.name == "IS_OP":  # `type(kind) is type`: what `type` answers is itself
        return any(
            each.name.startswith("CALL") and _called(each, uses) == "type"
            for each in uses
            if each.is_in(nearest)
        )
    is_argument = nearest.name.startswith("CALL") and nearest.start != read.start
    return not is_argument or _called(nearest, uses) in _ASKING


def _called(call: _Use, uses: list[_Use]) -> Any:
    """Return the name that the expression of what is called starts with: `np` of `np.zeros(3)`."""
    return next((each.what for each in uses if each.start == call.start and each.what is not None), None)


_OF_CLASS = 3  # name, bases, and what is in it
# By which what stands for `type` is copied and pickled; all else is that of `type`: `type.__setattr__(Kind, "x", 1)`
_OWN = ("__reduce__", "__reduce_ex__")


class _TypeOf:
    """Stands for the builtin `type`."""

    __slots__ = ()

    def __call__(self, *args: Any, **options: Any) -> Any:
        if len(args) != 1 or options:
            return met(type(*_with_module(*args), **options))
        kind = type(args[0])
        if issubclass(kind, (Traced, Exact)):
            kind = args[0].__class__
        # `type(d) is Decimal`, where the name is bound to another class
        if type(kind) is type and kind in STANDING:
            return STANDING[kind]
        return self if kind is type or kind is _TypeOf else kind

    def __getattribute__(self, name: str) -> Any:
        return object.__getattribute__(self, name) if name in _OWN else getattr(type, name)

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


def _with_module(*args: Any) -> tuple[Any, ...]:
    """Return what a class is made of, which takes its module from the frame that calls `type`."""
    if len(args) != _OF_CLASS or type(args[-1]) is not dict or "__module__" in args[-1]:
        return args
    module = sys._getframe(2).f_globals.get("__name__")  # noqa: SLF001  (the user's)
    return args if module is None else (*args[:-1], {**args[-1], "__module__": module})


TYPE_OF = _TypeOf()
