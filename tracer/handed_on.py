"""How the user's code uses a builtin that something stands in for, read off its bytecode: called, asked, or handed on.

`type_of.py` stands for a builtin in modules whose functions only call it, or ask what the stand-in answers; where it is
handed on to something that only the builtin will do for, the module keeps the builtin.
"""

from __future__ import annotations

import dis
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType

# Of which is kept what they read. More than a search looks at: fewer, and each search would read all of them again.
MOST_FUNCTIONS = 20_000
# What asks for nothing that a stand-in would not answer as the builtin does.
ASKING = (
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


class Use(NamedTuple):
    """An instruction, and where its expression starts and ends."""

    name: str
    what: Any
    start: tuple[int, int]
    end: tuple[int, int]

    def is_in(self, other: Use) -> bool:
        """Tell whether this stands within another."""
        return other.start <= self.start and self.end <= other.end


def hands_on(code: CodeType, name: str, is_answered: Callable[[Use, Use, list[Use]], bool]) -> bool:
    """Tell whether a function, or one in it, reads a builtin elsewhere than where `is_answered(read, use, all)`."""
    if any(hands_on(each, name, is_answered) for each in code.co_consts if isinstance(each, type(code))):
        return True
    if name not in code.co_names:
        return False
    uses = list(_uses(code))
    if not uses:  # compiled without columns
        return True
    reads = [each for each in uses if each.what == name and each.name in _READS]
    nearest = [(each, _nearest(each, uses)) for each in reads]
    return not all(use is not None and is_answered(each, use, uses) for each, use in nearest)


def _uses(code: CodeType) -> Iterator[Use]:
    for each in dis.get_instructions(code):
        where = each.positions
        if where is None or None in where:
            continue
        start, end = (where.lineno, where.col_offset), (where.end_lineno, where.end_col_offset)
        yield Use(each.opname, each.argval, start, end)  # type: ignore[arg-type]


def _nearest(read: Use, uses: list[Use]) -> Use | None:
    """Return the innermost expression around a name that does something with it."""
    around = [each for each in uses if each.name.startswith(_USES) and read.is_in(each)]
    return min(
        around,
        key=lambda each: (each.end[0] - each.start[0], each.end[1] - each.start[1]),
        default=None,
    )


def is_argument(read: Use, use: Use) -> bool:
    """Tell whether a name is handed to a call, and not what is called."""
    return use.name.startswith("CALL") and use.start != read.start


def called(call: Use, uses: list[Use]) -> Any:
    """Return the name that the expression of what is called starts with: `np` of `np.zeros(3)`."""
    return next((each.what for each in uses if each.start == call.start and each.what is not None), None)
