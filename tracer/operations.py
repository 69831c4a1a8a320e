"""Every operation that a tape can hold, by number: edgegrad's own first, then those that a user's `@rule` adds.

A number is for good: a rule that is defined anew (a cell of a notebook run again) gets a number of its own, and
traces that were recorded before keep the rule that they were recorded with.
"""

from __future__ import annotations

import threading
from itertools import starmap

import numpy as np

from tracer.errors import UnsupportedError
from tracer.rules import RULES
from tracer.rules.kinds import Elementwise, Rule, Vjp

LIMIT = 1 << 15  # numbers are kept as int16
OP_NAMES: list[str] = []
RULE_OF: list[Rule | None] = []
# By the name that `record_call` is given; of a rule that was defined anew, the name with its number.
OP_NUMBERS: dict[str, int] = {}
COMPACT_OPERANDS: list[int] = []
"""How many operands the compact form of an operation has; 0 where it has none."""

# The same as columns, with room for every number, so that a whole column of operations can be looked up.
COMPACT_COLUMN = np.zeros(LIMIT, np.int32)
IS_ELEMENTWISE = np.zeros(LIMIT, np.bool_)

_KEYS: dict[str, list[str]] = {}  # by name: the names that OP_NUMBERS has users' rules under
_TWO = 2
_OWN = len(RULES) + 2  # with inputs and cuts
_lock = threading.Lock()


def add_operation(name: str, rule: Rule) -> str:
    """Give a user's rule a number, and return the name that OP_NUMBERS has it under; an equal one keeps its number.

    Raises UnsupportedError where all numbers are taken.
    """
    with _lock:
        number, keys = len(OP_NAMES), _KEYS.setdefault(name, [])
        for key in keys:
            if RULE_OF[OP_NUMBERS[key]] == rule:
                return key
        if number == LIMIT:
            raise UnsupportedError(
                f"there are more than {LIMIT:,} operations",
                got=f"got one more rule, {name}",
                advice="define a rule once, outside of loops",
            )
        key = f"{name} #{number}" if keys or name in OP_NUMBERS else name
        keys.append(key)
        COMPACT_OPERANDS.append(0)
        IS_ELEMENTWISE[number] = isinstance(rule, Elementwise)
        RULE_OF.append(rule)
        OP_NAMES.append(name)
        OP_NUMBERS[key] = number
        return key


def keys_of(name: str) -> list[str]:
    """Return the names that OP_NUMBERS has users' rules of one name under, the oldest first."""
    return list(_KEYS.get(name, ()))


def is_own(number: int) -> bool:
    """Tell whether an operation is one of edgegrad's own; a user's may have the same name."""
    return number < _OWN


def _compact_operands(name: str, rule: Rule | None) -> int:
    if isinstance(rule, Elementwise):
        count = len(rule.names or rule.partials)  # the texts of what has names may not have been read yet
        return count if count <= _TWO else 0
    if name in ("matmul", "dot", "outer"):
        return _TWO
    return int(isinstance(rule, Vjp))


# Column by column: there are hundreds, and importing waits for them.
_own: dict[str, Rule | None] = {"input": None, "cut": None, **RULES}
OP_NAMES += _own
RULE_OF += _own.values()
OP_NUMBERS.update(zip(_own, range(_OWN), strict=True))
COMPACT_OPERANDS += starmap(_compact_operands, _own.items())
COMPACT_COLUMN[:_OWN] = COMPACT_OPERANDS
IS_ELEMENTWISE[:_OWN] = [isinstance(rule, Elementwise) for rule in _own.values()]
