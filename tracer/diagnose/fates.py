"""What became of the inputs that have no gradient: where their ways end. Columns only; used by dead.py and cuts.py.

From a value without gradient the ways forward lead over values without gradient, and end at an operation that has one
and hands none of it back, at a cut, at another output than the one that is asked for, or at a value that nothing uses.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from tracer.diagnose.spread import (
    NOTHING,
    Column,
    first_of,
    gradient_edges,
    operand_edges,
    roots_of,
)
from tracer.operations import OP_NUMBERS

if TYPE_CHECKING:
    from tracer.trace import Trace

_LAST = 6
_CUT = 3
_NAMES = 2  # beside the first
_ELEMENT = re.compile(r"\[\d+\]")
End = Literal["killed", "cut", "unused", "balanced"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """An input; or the elements of a list of inputs, which are judged as one."""

    name: str
    rows: tuple[int, ...]
    also: tuple[str, ...] = ()
    """Its other names, as tied weights have them."""

    @property
    def title(self) -> str:
        """Its names; of many, the first."""
        more = f" and {len(self.also) - _NAMES:,} more" if len(self.also) > _NAMES else ""
        return f"{self.name} (also {', '.join(self.also[:_NAMES])}{more})" if self.also else self.name


@dataclass(frozen=True, slots=True)
class Fate:
    """Where most of the ways of a parameter without gradient end."""

    parameter: Parameter
    end: End
    row: int  # the operation, the cut, or the value that nothing uses
    slot: int  # the operand that gets nothing; NOTHING where the end is no operation's
    spoiled: int  # edges without gradient from which the ways lead to that place


@dataclass(frozen=True, slots=True)
class Fates:
    """The fates of the parameters without gradient, and whether any has one, of this or another output."""

    dead: tuple[Fate, ...]
    is_any_alive: bool


def parameters_of(trace: Trace) -> list[Parameter]:
    """Return the inputs that may have a gradient: floats, and arrays of them that are not empty."""
    groups: dict[str, list[int]] = {}
    for row, path in trace.input_rows.items():
        value = trace.recording.values.kept(row)
        if type(value) is not float and (isinstance(value, (int, np.integer)) or np.size(value) == 0):
            continue
        groups.setdefault(_ELEMENT.sub("[…]", path), []).append(row)
    also: dict[int, list[str]] = {}
    for name, row in trace.run.second_names.items():
        also.setdefault(row, []).append(name)
    return [
        Parameter(
            trace.input_rows[rows[0]] if len(rows) == 1 else name, tuple(rows), tuple(also.get(rows[0], ()))
        )
        for name, rows in groups.items()
    ]


def whole_numbers(trace: Trace) -> list[Parameter]:
    """Return the inputs that are whole numbers; not those in containers, which are labels or sizes."""
    return [
        Parameter(path, (row,))
        for row, path in trace.input_rows.items()
        if isinstance(trace.recording.values.kept(row), (int, np.integer)) and path.isidentifier()
    ]


def _was_computed_with(trace: Trace, fate: Fate) -> bool:
    """Say whether a whole number lost its gradient as a part of a float; one that only counts has none to lose."""
    if fate.end != "killed":
        return False
    value = trace.recording.values.kept(int(trace.recording.operands[fate.slot]))
    return not isinstance(value, (int, np.integer))


def fates_of(trace: Trace) -> Fates:
    """Find what became of the parameters without gradient; those that another output depends on are left out."""
    graph, recording = trace.graph, trace.recording
    sizes = trace.edge_statistics.norm
    edges = gradient_edges(graph)
    is_live = edges != NOTHING
    is_live[is_live] = sizes[edges[is_live]] != 0  # NaN is not zero
    parameters = parameters_of(trace)
    whole = whole_numbers(trace)
    dead = [parameter for parameter in parameters + whole if not is_live[list(parameter.rows)].any()]
    if not dead:
        return Fates((), is_any_alive=bool(parameters or whole))
    feeds_other = feeding_other_outputs(trace)
    dead = [parameter for parameter in dead if not feeds_other[list(parameter.rows)].any()]
    is_any_alive = any(each not in dead for each in parameters or whole)

    count = len(recording)
    operands, consumers = recording.operands, graph.slot_consumer
    slots = np.flatnonzero(operands >= 0)
    slots = slots[~is_live[operands[slots]]]
    users = consumers[slots]
    sent = np.zeros(len(slots))
    into = operand_edges(graph)[slots]
    has_edge = into != NOTHING
    sent[has_edge] = sizes[into[has_edge]]
    is_cut = recording.ops[users] == OP_NUMBERS["cut"]
    # The ways that are taken first: what shows most about why there is no gradient.
    rank = np.select(
        [sent != 0, is_live[users], trace.gradients.reached[users], is_cut], [0, 1, 2, 3], default=5
    )
    rank[(rank > _CUT) & _leading_to(count, is_cut, users, operands[slots])[users]] = _CUT + 1
    ends_here = (rank == 0) | (rank == 1) | is_cut
    is_overwritten = (recording.ops[users] == OP_NUMBERS["setitem"]) & (slots == recording.starts[users])
    rank[is_overwritten & (rank == 1)] = _LAST  # what it was used for before tells more
    order = np.argsort(rank, kind="stable")
    parent = np.arange(count + len(operands))
    first = first_of(count, operands[slots[order]], np.where(ends_here, count + slots, users)[order])
    parent[:count][first != NOTHING] = first[first != NOTHING]
    roots = roots_of(parent)
    # By row without gradient: the place where its ways end; inputs that nothing uses have none.
    at = roots[:count].copy()
    at[at >= count] = consumers[at[at >= count] - count]
    places = trace.sites.row_places[at]
    spoiled = np.bincount(places[operands[slots]] + 1)
    fates = [_fate(trace, parameter, (roots, places, spoiled), is_live) for parameter in dead]
    return Fates(
        tuple(fate for fate in fates if fate.parameter not in whole or _was_computed_with(trace, fate)),
        is_any_alive=is_any_alive,
    )


def _leading_to(count: int, is_cut: Column, users: Column, operands: Column) -> Column:
    """Say of each row whether a cut takes something that was computed from it."""
    leads = bytearray(count)
    if is_cut.any():
        for user, operand, ends in zip(
            users[::-1].tolist(), operands[::-1].tolist(), is_cut[::-1].tolist(), strict=True
        ):
            if ends or leads[user]:
                leads[operand] = 1
    return np.frombuffer(leads, np.bool_)


def _fate(
    trace: Trace, parameter: Parameter, columns: tuple[Column, Column, Column], is_live: Column
) -> Fate:
    roots, places, counts = columns
    count, consumers = len(trace.recording), trace.graph.slot_consumer
    rows = list(parameter.rows)
    place, _ = Counter(places[rows].tolist()).most_common(1)[0]
    end = int(roots[rows][places[rows] == place][0])
    spoiled = int(counts[place + 1]) if place >= 0 and len(counts) > place + 1 else 0
    if end < count:
        return Fate(parameter, "unused", end, NOTHING, spoiled)
    slot, row = end - count, int(consumers[end - count])
    if trace.recording.ops[row] == OP_NUMBERS["cut"]:
        return Fate(parameter, "cut", row, slot, spoiled)
    edge = int(operand_edges(trace.graph)[slot])
    is_killed = is_live[row] and not trace.edge_statistics[edge].norm
    return Fate(parameter, "killed" if is_killed else "balanced", row, slot, spoiled)


def feeding_other_outputs(trace: Trace) -> Column:
    """Say of each row whether an output that is not asked for depends on it."""
    recording = trace.recording
    seeded = trace.output.index - trace.graph.first_output
    ends = {output.row for number, output in enumerate(recording.outputs) if number != seeded}
    ends -= {NOTHING}
    feeds = bytearray(len(recording))
    for end in ends:
        feeds[end] = 1
    if ends:
        stop = int(recording.starts[max(ends) + 1])
        operands = recording.operands[:stop][::-1].tolist()
        for user, operand in zip(trace.graph.slot_consumer[:stop][::-1].tolist(), operands, strict=True):
            if feeds[user] and operand >= 0:
                feeds[operand] = 1
    return np.frombuffer(feeds, np.bool_)
