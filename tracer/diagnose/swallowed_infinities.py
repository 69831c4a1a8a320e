"""Infinities that a division swallows, to 0, and that do harm after it: 1 / inf, then log(0). Used by nonfinite.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tracer.diagnose.killers import CHOOSING
from tracer.diagnose.spread import NOTHING
from tracer.operations import OP_NUMBERS
from tracer.rules.edited import Edited

if TYPE_CHECKING:
    from tracer.diagnose.spread import Column
    from tracer.recording import Values
    from tracer.trace import Trace

_PUT = {OP_NUMBERS[name] for name in CHOOSING if name in OP_NUMBERS}
# Of what these give, a 0 was an element before: no array has to be looked through for it.
_ELEMENTS = {OP_NUMBERS[name] for name in ("getitem", "item", "ravel", "reshape", "transpose")}
_FAR = 64  # operations that a zero is followed back over


def origin_of_zero(trace: Trace, row: int, roots: Column, is_meant: Column) -> int:
    """Return the root of the value that is not finite and gave an operand of a row its 0; NOTHING if none did.

    Followed back over zeros alone, so that what was put in the place of an infinity isn't blamed on it.
    """
    values = trace.recording.values
    way, seen = [row], {row}
    for _ in range(_FAR):
        if not way:
            break
        at = way.pop()
        is_element = at != row and int(trace.recording.ops[at]) in _ELEMENTS
        for each in _operands_of(trace, at):
            if each in seen:
                continue
            seen.add(each)
            if roots[each] != NOTHING:
                if not is_meant[each] and each != row:
                    return int(roots[each])
            elif int(trace.recording.ops[each]) not in _PUT and (is_element or _has_zero(values, each)):
                way.append(each)
    return NOTHING


def _has_zero(values: Values, row: int) -> bool:
    kept = values.kept(row)
    return bool(np.any(np.asarray(kept.current() if type(kept) is Edited else kept) == 0))


def _operands_of(trace: Trace, row: int) -> list[int]:
    recording = trace.recording
    operands = recording.operands[recording.starts[row] : recording.starts[row + 1]]
    found: list[int] = operands[operands >= 0].tolist()
    return found
