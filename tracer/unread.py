"""Leave out of a recording what only follows a write and is read by nobody. Used by run.py, after the run.

A write into an array makes a record for every stand-in that sees the memory (`buffers.py`), because any of them may be
used next. Most are not: a row view that was written through is gone when the loop takes the next. And where a view as a
whole was changed in place a hundred times (`row += x`), the array that it is a view of has changed once, if it is not
read in between.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tracer.operations import OP_NUMBERS
from tracer.recording import INDEX, Output, Recording, Values

if TYPE_CHECKING:
    from collections.abc import Sequence

_SETITEM = OP_NUMBERS["setitem"]


def without_unread(recording: Recording, followed: Sequence[int]) -> Recording:
    """Return the recording without those of the `followed` rows, in ascending order, that no other row needs."""
    if not followed:
        return recording
    uses = np.bincount(recording.operands[recording.operands >= 0], minlength=len(recording))
    for output in recording.outputs:
        uses[output.row] += output.row >= 0
    unread: set[int] = set()
    _drop_unused(recording, followed, uses, unread)
    _join_writes(recording, followed, uses, unread)
    _drop_unused(recording, followed, uses, unread)
    return _without(recording, sorted(unread))


def _drop_unused(
    recording: Recording,
    followed: Sequence[int],
    uses: np.ndarray[tuple[int], np.dtype[np.int64]],
    unread: set[int],
) -> None:
    """Drop what has no use, from the last row on, so that what was only used by that has none either."""
    for row in reversed(followed):
        if not uses[row] and row not in unread:
            unread.add(row)
            for operand in recording.operands[recording.starts[row] : recording.starts[row + 1]].tolist():
                if operand >= 0:
                    uses[operand] -= 1


def _join_writes(
    recording: Recording,
    followed: Sequence[int],
    uses: np.ndarray[tuple[int], np.dtype[np.int64]],
    unread: set[int],
) -> None:
    """Drop a write to a part, if the next thing that happens to the array is a write to all of that part."""
    candidates = set(followed)
    for row in followed:
        if row in unread or recording.ops[row] != _SETITEM:
            continue
        first = recording.starts[row]
        before = int(recording.operands[first])
        if before not in candidates or recording.ops[before] != _SETITEM or uses[before] != 1:
            continue
        # One index, not an equal one: both follow writes through the same view.
        if recording.params[before]["index"] is not recording.params[row]["index"]:
            continue
        array, written = recording.operands[
            recording.starts[before] : recording.starts[before + 1]
        ].tolist()
        recording.operands[first] = array
        uses[before] = 0
        uses[written] -= written >= 0
        unread.add(before)


def _without(recording: Recording, rows: list[int]) -> Recording:
    """Return the recording without some rows, which nothing refers to."""
    kept = np.ones(len(recording), np.bool_)
    kept[rows] = False
    number = np.zeros(len(recording) + 1, INDEX)  # by row: how many rows before it are kept
    np.cumsum(kept, dtype=INDEX, out=number[1:])
    degrees = np.diff(recording.starts)
    starts = np.zeros(int(number[-1]) + 1, INDEX)
    np.cumsum(degrees[kept], dtype=INDEX, out=starts[1:])
    operands = recording.operands[np.repeat(kept, degrees)]
    is_row = operands >= 0
    operands[is_row] = number[operands[is_row]]
    return replace(
        recording,
        ops=recording.ops[kept],
        values=Values(
            recording.values.floats[kept],
            {int(number[row]): value for row, value in recording.values.others.items() if kept[row]},
        ),
        starts=starts,
        operands=operands,
        params={int(number[row]): each for row, each in recording.params.items() if kept[row]},
        instructions=recording.instructions[kept],
        segments=number[recording.segments],
        outputs=[
            Output(each.path, int(number[each.row]) if each.row >= 0 else -1, each.value)
            for each in recording.outputs
        ],
    )
