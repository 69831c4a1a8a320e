"""Arrays that the user's function has code in C fill: `rng.random(out=y)`, `file.readinto(y)`.

C asks for the array itself and takes no stand-in, so what `np.empty` makes for it stays a plain array. A traced value
written into it later is refused, as one written into an array from outside is.
"""

from __future__ import annotations

import ast
import dis
import functools
from typing import TYPE_CHECKING

from tracer.callee import call_at
from tracer.instructions import instructions_of, taken_by_next

if TYPE_CHECKING:
    from types import CodeType

_BY_OUT = frozenset(
    ("permuted", "random", "standard_exponential", "standard_gamma", "standard_normal")
)  # methods of np.random.Generator
_BY_POSITION = frozenset(("pack_into", "readinto", "readinto1", "recv_into", "recvfrom_into"))
_FILLING = _BY_OUT | _BY_POSITION


@functools.lru_cache(maxsize=512)
def is_filled_by_c(code: CodeType, offset: int) -> bool:
    """Tell whether the array made at an instruction goes to a variable that the same function has code in C fill."""
    if _FILLING.isdisjoint(code.co_names):
        return False
    (instruction,) = instructions_of(code, {offset})
    return taken_by_next(instruction)[0] in _filled(code)


@functools.lru_cache(maxsize=512)
def _filled(code: CodeType) -> frozenset[str]:
    """Return the variables that the text of a function hands to what fills them."""
    found: set[str] = set()
    for each in dis.get_instructions(code):
        call = call_at(code, each.offset) if each.opname.startswith("CALL") else None
        if call is None or not isinstance(call.func, ast.Attribute):
            continue
        handed: list[ast.expr] = []
        if call.func.attr in _BY_OUT:
            handed = [keyword.value for keyword in call.keywords if keyword.arg == "out"]
        elif call.func.attr in _BY_POSITION:
            handed = call.args
        found.update(each.id for each in handed if isinstance(each, ast.Name))
    return frozenset(found)
