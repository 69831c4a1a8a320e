"""`float(x)` of a stand-in: the same number, traced.

Python offers no hook for it: `float` makes a bare number of whatever it is given. While a trace runs, the user's
modules have a global of that name, which follows a traced number and is the builtin in all else that is asked of it
(`stored.py` puts it there); not those with a function that hands `float` on to where only the builtin will do. There,
and where code in C asks for a float, a traced number leaves the graph, and that is said.
"""

from __future__ import annotations

import operator
from functools import lru_cache
from sys import _getframe as _frame
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer import handed_on
from tracer.handed_on import MOST_FUNCTIONS
from tracer.numpy_calls import item
from tracer.standins import unary
from tracer.values import Array, Scalar

if TYPE_CHECKING:
    from types import CodeType

    from tracer.handed_on import Use

_ASKING = frozenset(handed_on.ASKING) - {"issubclass"}  # which looks at its first argument as a class
# NumPy takes anything with a `dtype` for a type.
_TYPED = frozenset(
    "array asarray asanyarray ascontiguousarray zeros ones empty full zeros_like ones_like empty_like full_like eye "
    "identity arange linspace logspace fromiter astype finfo dtype sum mean prod cumsum cumprod std var".split()
)


@lru_cache(maxsize=MOST_FUNCTIONS)
def is_handed_on(code: CodeType) -> bool:
    """Tell whether a function does with `float` what only the builtin will do for: `k is float`, `cast(float, x)`."""
    return "float" in _names_in(code) and handed_on.hands_on(code, "float", _is_answered)


def _names_in(code: CodeType) -> set[str]:
    inner = (_names_in(each) for each in code.co_consts if isinstance(each, type(code)))
    return set(code.co_names).union(*inner)


def _is_answered(read: Use, use: Use, uses: list[Use]) -> bool:
    if use.name == "IS_OP":
        return False
    return (
        not handed_on.is_argument(read, use)
        or handed_on.called(use, uses) in _ASKING
        or handed_on.called_last(use, read, uses) in _TYPED
    )


class _FloatOf:
    """Stands for the builtin `float`."""

    __slots__ = ()

    dtype = np.dtype(float)

    def __call__(self, *args: Any, **options: Any) -> Any:
        if len(args) == 1 and not options and type(args[0]) in (Scalar, Array):
            number, frame = args[0], _frame(1)
            value = float(number.value_)  # raises the plain value's own error
            if not number.tape_.is_open:
                return value
            if type(number) is Array:
                number = item(number, frame)
            return unary(number, "positive", float, frame)
        return float(*args, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(float, name)

    def __eq__(self, other: object) -> bool:
        return other is float or other is self

    def __hash__(self) -> int:
        return hash(float)

    def __repr__(self) -> str:
        return repr(float)

    def __reduce__(self) -> Any:
        return operator.attrgetter("__class__"), (0.0,)

    def __or__(self, other: Any) -> Any:
        return float | other

    def __ror__(self, other: Any) -> Any:
        return other | float

    def __instancecheck__(self, value: Any) -> bool:
        return isinstance(value, float)

    def __subclasscheck__(self, kind: Any) -> bool:
        return issubclass(kind, float)


FLOAT_OF = _FloatOf()
