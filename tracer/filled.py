"""Arrays that the user's function hands to code in C: `rng.random(out=y)`, `file.readinto(y)`, `sha1(np.zeros(3))`.

C asks for the array itself and takes no stand-in, so what `np.empty` makes for it stays a plain array. A traced value
written into it later is followed where one written into an array from outside is (`adopted.py`).

To code that only looks at the memory a stand-in gives it (`Blank.__buffer__`), where Python asks: from 3.12 on.
"""

from __future__ import annotations

import ast
import dis
import functools
from typing import TYPE_CHECKING

from tracer.callee import call_at
from tracer.instructions import called_with, instructions_of, taken_by_next

if TYPE_CHECKING:
    from types import CodeType

# Methods of np.random.Generator
_BY_OUT = frozenset(("permuted", "random", "standard_exponential", "standard_gamma", "standard_normal"))
_BY_POSITION = frozenset(("pack_into", "readinto", "readinto1", "recv_into", "recvfrom_into"))
# Names that hardly anything else has: an array that goes to a program's own `update` is to be followed as any other.
_LOOKING = frozenset(
    (
        "adler32", "b64encode", "blake2b", "blake2s", "bytearray", "crc32", "from_buffer", "from_buffer_copy",
        "frombuffer", "hexlify", "md5", "memoryview", "sha1", "sha224", "sha256", "sha384", "sha512", "unpack",
    )
)  # fmt: skip
_BY_PLACE = _BY_POSITION if hasattr(memoryview, "__buffer__") else _BY_POSITION | _LOOKING
_HANDED_ON = _BY_OUT | _BY_PLACE


@functools.lru_cache(maxsize=512)
def is_handed_to_c(code: CodeType, offset: int) -> bool:
    """Tell whether the array made at an instruction is handed to such code: at once, or by a variable it goes to."""
    if _HANDED_ON.isdisjoint(code.co_names):
        return False
    (instruction,) = instructions_of(code, {offset})
    taker = call_at(code, called_with(instruction))
    return _name_of(taker) in _BY_PLACE or taken_by_next(instruction)[0] in _handed_on(code)


@functools.lru_cache(maxsize=512)
def _handed_on(code: CodeType) -> frozenset[str]:
    """Return the variables that the text of a function hands to such code."""
    found: set[str] = set()
    for each in dis.get_instructions(code):
        call = call_at(code, each.offset) if each.opname.startswith("CALL") else None
        handed: list[ast.expr] = []
        if call is not None and _name_of(call) in _BY_OUT:
            handed = [keyword.value for keyword in call.keywords if keyword.arg == "out"]
        elif call is not None and _name_of(call) in _BY_PLACE:
            handed = call.args
        found.update(each.id for each in handed if isinstance(each, ast.Name))
    return frozenset(found)


def _name_of(call: ast.Call | None) -> str | None:
    match call:
        case ast.Call(ast.Attribute(attr=name)) | ast.Call(ast.Name(name)):
            return name
    return None
