"""The way that most of a gradient came, from the output back to each value, and what each step did to its size.

Columns by row, for the detectors of gradients that are lost or blown up on their way. Of the uses of a value the
strongest is followed, so the ways are a forest whose root is the output: what is added up along them is one sweep.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np

from tracer.diagnose.forest import END, Forest
from tracer.diagnose.scale import Column, gradient_sizes
from tracer.diagnose.spread import brings_operand
from tracer.operations import IS_ELEMENTWISE, OP_NUMBERS, RULE_OF
from tracer.recording import operand_of
from tracer.rules.kinds import Vjp

if TYPE_CHECKING:
    from tracer.recording import Indices
    from tracer.trace import Trace

Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]

_MIXING = frozenset(
    OP_NUMBERS[name]
    for name in (
        "matmul",
        "dot",
        "einsum",
        "tensordot",
        "inner",
        "matvec",
        "vecmat",
        "convolve",
        "correlate",
    )
)
"""Their sums lose what cancels in them, as at an optimum, and what their other operand is too small for."""
_PRODUCTS = frozenset(OP_NUMBERS[name] for name in ("prod", "cumprod"))
_MATRIX = 2
_REMEMBERED = 4  # ways from single rows


@dataclass(frozen=True, eq=False)
class Ways:
    """By row: the row of its strongest use, the slot of that, and by what power of ten the gradient changed there.

    `gain` leaves out what is lost because terms cancel, in a sum over uses or within a product of matrices; by it is
    judged. `sent` is the like of it as measured, and what a message tells: what the use sent to what had come to it,
    and what further uses add. `growth` is the whole change, of one gradient's size to the next. `gain` and `growth` are
    NaN or infinite where a gradient is zero or not finite. `sizes` are the gradients' norms.
    """

    following: Numbers
    slots: Numbers
    gain: Column
    sent: Column
    growth: Column
    sizes: Column
    _known: dict[int, Numbers] = field(default_factory=dict)  # by row: the ways from those asked for last

    @cached_property
    def _forest(self) -> Forest:
        return Forest(self.following)

    def total(self, column: Column) -> Column:
        """Add up a column along the way from each row to the output."""
        return self._forest.sums(column)

    def change(self, rows: Numbers) -> float:
        """Return by what power of ten the first gradient on a way differs from the output's."""
        whole = float(self.growth[rows].sum())
        return whole if np.isfinite(whole) else float(self.sent[rows].sum())

    def largest(self, column: Column) -> Numbers:
        """Return, by row, which row on the way from it to the output has the largest number in a column."""
        numbers = column.tolist()
        numbers.append(-np.inf)
        best = list(range(len(column)))
        best.append(END)
        for row, following in zip(
            reversed(range(len(column))), reversed(self._forest.as_list), strict=True
        ):
            there = best[following]
            if numbers[there] > numbers[row]:
                best[row] = there
        return np.fromiter(best, np.int64, len(column))

    def rows_from(self, row: int) -> Numbers:
        """Return the rows on the way from a row to the output, without the output's."""
        if row not in self._known:
            if len(self._known) == _REMEMBERED:
                del self._known[next(iter(self._known))]
            self._known[row] = self._forest.way(row)
        return self._known[row]


_KNOWN: WeakKeyDictionary[Trace, Ways] = WeakKeyDictionary()  # two detectors go the same ways


def ways(trace: Trace) -> Ways:
    """Return the strongest way from every value to the output."""
    if trace not in _KNOWN:
        _KNOWN[trace] = _ways(trace)
    return _KNOWN[trace]


def _ways(trace: Trace) -> Ways:
    graph, recording, gradients = trace.graph, trace.recording, trace.gradients
    slots = np.flatnonzero(recording.operands >= 0)
    producers, consumers = recording.operands[slots], graph.slot_consumer[slots]
    norms = trace.edge_statistics.norm
    used = norms[brings_operand(graph)]
    sizes = gradient_sizes(trace)
    partials = np.abs(gradients.locals[slots])
    with np.errstate(all="ignore"):
        strongest = np.zeros(len(recording))
        np.fmax.at(strongest, producers, used)
        of_value = strongest.take(producers)
        chosen = np.flatnonzero((used == of_value) & (used > 0))
        following, slot_of = np.full(len(recording), END), np.full(len(recording), END)
        following[producers[chosen]] = consumers[chosen]
        slot_of[producers[chosen]] = chosen
        vanished = np.flatnonzero((of_value == 0) & (partials > 0) & gradients.reached.take(consumers))
        if len(vanished):
            _find_through_zero(
                following, slot_of, np.log10(strongest), vanished, producers, consumers, np.log10(partials)
            )
        rows = np.flatnonzero(following != END)
        if trace.output.row >= 0:
            rows = rows[rows != trace.output.row]
            following[trace.output.row] = END
        at = slot_of[rows]
        gain, sent, growth = np.zeros((3, len(recording)))
        local = np.log10(partials[at])
        of_arrays = np.flatnonzero(np.isnan(partials[at]))
        measured, judged = local.copy(), local
        measured[of_arrays] = np.log10(used[at[of_arrays]] / sizes[following[rows[of_arrays]]])
        judged[of_arrays] = _array_gains(trace, slots[at[of_arrays]], measured[of_arrays])
        measured = np.where(np.isfinite(measured), measured, judged)
        ratio, powers = sizes[rows] / used[at], np.log10(sizes)
        grown = (ratio > 1).nonzero()[0]
        gathered = np.zeros(len(rows))
        gathered[grown] = np.log10(ratio[grown])
        gain[rows], sent[rows] = judged + gathered, measured + gathered
        growth[rows] = powers[rows] - powers[following[rows]]
    slot_of[rows] = slots[at]
    return Ways(following, slot_of, gain, sent, growth, sizes)


def _find_through_zero(
    following: Numbers,
    slot_of: Numbers,
    reach: Column,
    vanished: Numbers,
    producers: Indices,
    consumers: Indices,
    local: Column,
) -> None:
    """Find the way where all gradients are zero, too small for a float or cancelled, by the partials alone.

    `reach` is by row the power of ten of what came there; `vanished` are uses by number, in the order of the run.
    """
    best = reach.tolist()
    columns = (vanished, producers[vanished], consumers[vanished], local[vanished])
    for use, producer, consumer, partial in zip(
        *(column[::-1].tolist() for column in columns), strict=True
    ):
        power = best[consumer] + partial
        if power > best[producer]:
            best[producer] = power
            following[producer], slot_of[producer] = consumer, use


def _array_gains(trace: Trace, slots: Numbers, measured: Column) -> Column:
    """Return what some operations on arrays did to a gradient, in powers of ten, but for what cancels in them."""
    recording, consumers = trace.recording, trace.graph.slot_consumer[slots]
    gains: Column = measured.copy()
    ops = recording.ops[consumers]
    known: dict[int, float] = {}
    for place in np.flatnonzero((gains < 0) & ~IS_ELEMENTWISE[ops]).tolist():
        op = int(ops[place])
        if not isinstance(RULE_OF[op], Vjp) or op in _PRODUCTS:
            continue
        least = 0.0  # what moves or adds elements makes none smaller
        if op in _MIXING:
            row, slot = int(consumers[place]), int(slots[place])
            first, stop = int(recording.starts[row]), int(recording.starts[row + 1])
            others = [int(recording.operands[each]) for each in range(first, stop) if each != slot]
            for other in others:
                if other not in known:
                    known[other] = _usual_gain(operand_of(recording, other))
            least = sum(known[other] for other in others)
        gains[place] = max(gains[place], least)
    return gains


def _usual_gain(factor: Any) -> float:
    """Return by what power of ten a product with a factor changes a vector that has no preferred direction."""
    array = np.asarray(factor)
    if array.dtype.kind not in "fciub" or not array.size:
        return 0.0
    side = max(array.shape[-_MATRIX:], default=1) if array.ndim >= _MATRIX else 1
    return float(np.log10(np.linalg.norm(array.ravel()) / np.sqrt(side)))
