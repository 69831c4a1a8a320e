"""Which values lead to a cut: their gradient is short by what would have come back there, or is none at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.cuts import MEANT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.trace import Trace

NOT_REACHED = "the output does not depend on it"
_NONE = -1


def first_cuts(trace: Trace, cuts: Sequence[int]) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Return by row the first of some cuts that it leads to, -1 where there is none."""
    recording = trace.recording
    first = [_NONE] * len(recording.ops)
    for row in cuts:
        first[row] = row
    stop = int(recording.starts[max(cuts, default=-1) + 1])
    users = trace.graph.slot_consumer[:stop][::-1].tolist()
    for user, operand in zip(users, recording.operands[:stop][::-1].tolist(), strict=True):
        if operand >= 0 and first[user] != _NONE and not _NONE < first[operand] <= first[user]:
            first[operand] = first[user]
    return np.asarray(first, np.int32)


def inputs_cut(trace: Trace, cuts: Sequence[int]) -> list[str]:
    """Name the inputs that lead to one of some cuts."""
    return inputs_cut_at(trace, [cuts])[0]


def inputs_cut_at(trace: Trace, places: Sequence[Sequence[int]]) -> list[list[str]]:
    """Name, for each of a few places, the inputs that lead to one of its cuts: in one pass."""
    recording = trace.recording
    leads = [0] * len(recording.ops)  # bit by bit: whether the row leads to the place
    for place, cuts in enumerate(places):
        for row in cuts:
            leads[row] = 1 << place
    stop = int(recording.starts[max((row for cuts in places for row in cuts), default=-1) + 1])
    users = trace.graph.slot_consumer[:stop][::-1].tolist()
    for user, operand in zip(users, recording.operands[:stop][::-1].tolist(), strict=True):
        if operand >= 0 and leads[user]:
            leads[operand] |= leads[user]
    names = trace.input_rows.items()
    return [[name for row, name in names if leads[row] >> place & 1] for place in range(len(places))]


def why_nothing(trace: Trace, row: int) -> str:
    """Say why no gradient comes back to a row: `cut at line 4`, or that the output does not depend on it."""
    cut = _NONE if row < 0 else int(trace.first_cuts[row])
    if cut == _NONE:
        return NOT_REACHED
    by = "detached" if trace.recording.params.get(cut, {}).get("via") == MEANT else "cut"
    site = trace.sites.place(cut).site
    return f"{by} at line {site.line}" if site is not None and site.line else by
