"""Graph + seed -> the gradient of every edge.

Each edge is written exactly once, by its consumer; a row's gradient is the sum of its uses and is complete when its
turn comes, because rows are gone through in reverse execution order and every use is a later row. The rows are gone
over in backward_pass.py; here stand where it begins, how much is kept, and what it leaves, in columns.
"""

from __future__ import annotations

from itertools import repeat
from operator import is_not
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tracer.backward_pass import NOTHING, BackwardPass
from tracer.gradients import Gradients, Measured
from tracer.keeping import Keeper, array_bytes, most_bytes
from tracer.partials import scalar_locals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tracer.gradients import Flags
    from tracer.graph import Graph
    from tracer.recording import Recording

    Column: TypeAlias = np.ndarray[Any, Any]

# Bytes of operands' gradients that are kept; an edge beyond it is recomputed when asked for
BUDGET = 3 << 27


def backward(graph: Graph, row: int, seed: Any, *, keep_all: bool = False) -> Gradients:
    """Go back from `row`, whose gradient is `seed`, over every operand that it depends on.

    A row of -1 is an output that no input reaches: every gradient is zero.
    """
    seeds = {row: seed} if row >= 0 else {}
    return backward_from(graph, seeds, None if keep_all else _keeper(graph, row))


def backward_from(graph: Graph, seeds: Mapping[int, Any], keeper: Keeper | None = None) -> Gradients:
    """Go back from several rows at once, each with a gradient that is given to it."""
    recording = graph.recording
    row = max(seeds, default=-1)
    with np.errstate(all="ignore"):  # inf and NaN are answers here, and findings say where they were born
        local_column, fast = scalar_locals(graph)
        gradients: list[Any] = [NOTHING] * len(recording)
        work = BackwardPass(graph, gradients, local_column, keeper)
        for seeded, seed in seeds.items():
            gradients[seeded] = seed
        slow = graph.outline.get(("slow", row), lambda: _slow_rows(recording, fast, row))
        work.scalars(0, work.one_by_one(slow, row + 1))
        for turn in tuple(work.outers):
            work.add_outers(turn)
    count = len(gradients)
    reached = np.frombuffer(bytearray(map(is_not, gradients, repeat(NOTHING))), np.bool_)
    wide, rows = graph.outline.get(("wide", reached.tobytes()), lambda: _wide_and_rest(graph, reached))
    if wide:
        arrays = dict(zip(wide, map(gradients.__getitem__, wide), strict=True))
        if keeper is not None:
            arrays = {number: array for number, array in arrays.items() if array is not None}
        numbers = np.zeros(count)
        numbers[rows] = list(map(gradients.__getitem__, rows.tolist()))
    else:
        arrays = {}
        numbers = np.fromiter(gradients, np.float64, count)
        numbers[~reached] = 0.0
    measured = Measured() if keeper is None else keeper.measured()
    return Gradients(graph, numbers, reached, local_column, arrays, work.slots, work.narrowed, measured)


def _slow_rows(recording: Recording, fast: Flags, row: int) -> Column:
    """Return the rows up to one that are gone back over one by one, the last first: not inputs, nor `fast`."""
    starts = recording.starts[: row + 2]
    return (~fast[: row + 1] & (starts[1:] > starts[:-1])).nonzero()[0][::-1]


def _wide_and_rest(graph: Graph, reached: Flags) -> tuple[list[int], Column]:
    """Return which of the rows that were reached hold arrays or complex numbers; and if any do, which do not."""
    wide: list[int] = graph.wide_rows[reached[graph.wide_rows]].tolist()
    if not wide:
        return wide, graph.wide_rows[:0]
    is_number = reached.copy()
    is_number[graph.wide_rows] = False
    return wide, is_number.nonzero()[0]


def _keeper(graph: Graph, row: int) -> Keeper | None:
    """Return what decides about what is kept; None where everything can be."""
    if most_bytes(graph) <= BUDGET:
        return None
    of_rows, of_slots = array_bytes(graph, row)
    return Keeper(graph, row, BUDGET, of_rows) if of_rows + of_slots > BUDGET else None
