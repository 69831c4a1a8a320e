"""Cuts put into a recording where they belong, once the run is over: rows before others. Used by texts_back.py."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tracer.operations import OP_NUMBERS
from tracer.recording import INDEX, Output, Recording, Values

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType


class Cut(NamedTuple):
    """A value that left: its row, the row before which it did, where that is written, and what is known of it."""

    of: int
    before: int
    scope: int
    code: CodeType
    instruction: int
    via: str
    value: Any


def with_cuts(
    recording: Recording, cuts: Sequence[Cut], followed: list[int]
) -> tuple[Recording, list[int]]:
    """Return the recording with some cuts, in order, and the new numbers of the rows that are `followed`."""
    rows, every = np.array([cut.before for cut in cuts]), np.arange(len(recording) + 1)
    number = every + np.searchsorted(rows, every, "right")  # by row: its new one
    own = (rows + np.arange(len(rows))).tolist()
    operands = recording.operands.copy()
    operands[operands >= 0] = number[operands[operands >= 0]]
    starts = np.append(0, np.cumsum(np.insert(np.diff(recording.starts), rows, 1)))
    floats = np.insert(recording.values.floats, rows, math.nan)
    others = {int(number[row]): value for row, value in recording.values.others.items()}
    for row, cut in zip(own, cuts, strict=True):
        if isinstance(cut.value, float):
            floats[row] = cut.value
        else:
            others[row] = cut.value
    made = replace(
        recording,
        ops=np.insert(recording.ops, rows, OP_NUMBERS["cut"]),
        values=Values(floats, others),
        starts=starts.astype(INDEX),
        operands=np.insert(operands, recording.starts[rows], number[[cut.of for cut in cuts]]).astype(
            INDEX
        ),
        params={int(number[row]): each for row, each in recording.params.items()}
        | {row: {"via": cut.via} for row, cut in zip(own, cuts, strict=True)},
        instructions=np.insert(recording.instructions, rows, [cut.instruction for cut in cuts]),
        outputs=[
            Output(each.path, int(number[each.row]) if each.row >= 0 else -1, each.value)
            for each in recording.outputs
        ],
        **_segments(recording, cuts, rows),
    )
    return made, number[followed].tolist() if followed else []


def _segments(recording: Recording, cuts: Sequence[Cut], rows: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Return the segments with one more for each cut, after which the one that it stands in goes on."""
    count = len(recording.segments)
    running = np.repeat(np.arange(count), np.diff(np.append(recording.segments, len(recording))))
    running = np.insert(running, rows, count + np.arange(len(rows)))
    starts = np.append(0, np.flatnonzero(np.diff(running)) + 1)
    scopes = np.append(recording.segment_scopes, [cut.scope for cut in cuts])
    codes = [*recording.segment_codes, *(cut.code for cut in cuts)]
    return {
        "segments": starts.astype(INDEX),
        "segment_scopes": scopes[running[starts]].astype(INDEX),
        "segment_codes": [codes[each] for each in running[starts].tolist()],
    }
