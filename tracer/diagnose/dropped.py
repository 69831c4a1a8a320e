"""Items that lose their gradient because what is computed from them is overwritten: `total = …` in place of `+=`.

Inputs that have no gradient at all are for dead.py; here the later items, or other elements, have one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tracer.diagnose.dead import names_of
from tracer.diagnose.fates import feeding_other_outputs, parameters_of
from tracer.diagnose.finding import Finding
from tracer.diagnose.killers import ADVICE, why_killed
from tracer.diagnose.overwriting import overwriting_at
from tracer.diagnose.reading import program
from tracer.diagnose.spread import NOTHING, Column, gradient_edges, has_gradients, operand_edges
from tracer.numbers_text import clean
from tracer.operations import OP_NUMBERS
from tracer.recording import operand_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.source import Site
    from tracer.trace import Trace
    from tracer.views import Node

_MOST = 64  # places, and values of one, that are looked at; more seldom show another cause
_ROWS = 10_000  # that are looked at on the way back to the inputs
_STEPS = 16  # back from what is written to where it was read
_BROADCAST = OP_NUMBERS["broadcast_to"]
_SETITEM, _GETITEM = OP_NUMBERS["setitem"], OP_NUMBERS["getitem"]


def find(trace: Trace) -> list[Finding]:
    """Find the lines that overwrite what was computed, at each turn or by a write, where items are lost by it."""
    if not has_gradients(trace):
        return []
    outlet = gradient_edges(trace.graph)
    is_live = outlet != NOTHING
    is_live[is_live] = trace.edge_statistics.norm[outlet[is_live]] != 0
    is_live |= feeding_other_outputs(trace)
    found = []
    for site, node, target, rows in (*_turns(trace, is_live), *_writes(trace, is_live)):
        lost = _lost(trace, rows, is_live)
        if lost:
            verb, them = ("get", "them") if len(lost) > 1 else ("gets", "it")
            how = (
                f"overwritten by each turn of the loop, {target} = …"
                if target
                else "overwritten before it is used"
            )
            found.append(
                Finding(
                    kind="dead",
                    severity="warning",
                    site=site,
                    message=f"{names_of(lost)} {verb} no gradient: what is computed from {them} is {how}",
                    advice=ADVICE["overwritten"],
                    node=node,
                    numbers={"inputs": len(lost), "spoiled": len(rows)},
                )
            )
    return found + _written_twice(trace)


def _written_twice(trace: Trace) -> list[Finding]:
    """Find the writes whose index holds a place twice, so that of the elements for it all but the last are lost."""
    recording, consumers = trace.recording, trace.graph.slot_consumer
    slots = np.flatnonzero((recording.operands >= 0) & (recording.ops[consumers] == _SETITEM))
    slots = slots[slots - recording.starts[consumers[slots]] == 1]
    places = trace.sites.row_places[consumers[slots]]
    reached = trace.gradients.reached
    found = []
    for place in np.unique(places)[:_MOST].tolist():
        for slot in slots[places == place][:_MOST].tolist():
            row = int(consumers[slot])
            lost, size = (
                _lost_by_index(trace, row, int(recording.operands[slot])) if reached[row] else (0, 0)
            )
            is_read_alike = lost and _is_read_alike(trace, row, int(recording.operands[slot]))
            if not lost or (
                is_read_alike and _is_equal_where_twice(trace, row, int(recording.operands[slot]))
            ):
                continue  # A[[k, p]] = A[[p, k]] where p is k: whichever stays, it is the same element
            node = trace.nodes[int(trace.graph.node_of_row[row])]
            found.append(
                Finding(
                    kind="dead",
                    severity="warning",
                    site=node.site,
                    message=f"{lost:,} of {size:,} elements that are written get no gradient: the index holds a place "
                    "more than once, and of what is written there the last stays",
                    advice="write each place once: what is written first is lost"
                    if is_read_alike
                    else "add them up where that is meant: np.add.at(a, index, x)",
                    node=node,
                    edges=(trace.edges[trace.graph.edge_of(row, slot)],),
                    numbers={"elements": lost, "spoiled": 1},
                )
            )
            break
    return found


def _lost_by_index(trace: Trace, row: int, written: int) -> tuple[int, int]:
    """Return how many elements of an array are written to a place that is written again, and how many there are."""
    index = trace.recording.params[row]["index"]
    parts = index if isinstance(index, tuple) else (index,)
    if not any(
        isinstance(part, (list, np.ndarray)) and np.asarray(part).dtype.kind in "iu" for part in parts
    ):
        return 0, 0
    shape = np.shape(trace.recording.values[row])
    places = np.arange(int(np.prod(shape))).reshape(shape)[index]
    is_one_number = trace.recording.ops[written] == _BROADCAST
    if is_one_number or places.shape != np.shape(trace.recording.values[written]):
        return 0, 0
    return int(places.size - len(np.unique(places))), int(places.size)


def _is_read_alike(trace: Trace, row: int, written: int) -> bool:
    """Say whether what is written was read by the same numbers, in some order, and only plain numbers went into it."""
    recording = trace.recording
    numbers = _index_numbers(trace, row)
    for _ in range(_STEPS):
        if recording.ops[written] == _GETITEM:
            return _index_numbers(trace, written) == numbers
        operands = recording.operands[recording.starts[written] : recording.starts[written + 1]].tolist()
        traced = [each for each in operands if each >= 0]
        if len(traced) != 1 or any(
            np.size(operand_of(recording, each)) > 1 for each in operands if each < 0
        ):
            return False
        written = traced[0]
    return False


def _index_numbers(trace: Trace, row: int) -> list[list[int]]:
    index = trace.recording.params[row]["index"]
    parts = index if isinstance(index, tuple) else (index,)
    return [sorted(np.ravel(part).tolist()) for part in parts if isinstance(part, (list, np.ndarray))]


def _is_equal_where_twice(trace: Trace, row: int, written: int) -> bool:
    """Say whether all that is written to one place is equal: then what stays there is each of them."""
    stays = trace.recording.values[row][trace.recording.params[row]["index"]]
    return np.array_equal(stays, trace.recording.values[written], equal_nan=True)


def _turns(trace: Trace, is_live: Column) -> Iterator[tuple[Site, Node, str, list[int]]]:
    """Yield the statements that overwrite a variable at each turn of a loop, and the values that nothing used."""
    recording, places = trace.recording, trace.sites.row_places
    is_used = np.zeros(len(recording), np.bool_)
    is_used[recording.operands[recording.operands >= 0]] = True
    is_used[[output.row for output in recording.outputs if output.row >= 0]] = True
    is_used[list(trace.input_rows)] = True
    unused = np.flatnonzero(~is_used)
    with_live = np.unique(places[np.flatnonzero(is_live)])
    unused = unused[np.isin(places[unused], with_live) & (places[unused] >= 0)]
    for place in np.unique(places[unused])[:_MOST].tolist():
        rows = unused[places[unused] == place]
        node = trace.nodes[int(trace.graph.node_of_row[rows[0]])]
        for site in _calls(trace, node):
            if site.file in trace.source:
                told = overwriting_at(program(site.file, trace.source[site.file]), site)
                if told is not None:
                    yield *told[:1], node, told[1], rows[:_MOST].tolist()
                    break


def _calls(trace: Trace, node: Node) -> Iterator[Site]:
    """Yield the place of an operation, and those of the calls that it is in."""
    scopes, number = trace.sites.scopes, node.scope.index
    if node.site is not None:
        yield node.site
    while number >= 0:
        scope = scopes[number]
        if scope.place >= 0:
            yield trace.sites.places[scope.place].site
        number = scope.parent


def _writes(trace: Trace, is_live: Column) -> Iterator[tuple[Site, Node, str, list[int]]]:
    """Yield the writes that overwrite all of what was written before, and what that was."""
    recording, consumers = trace.recording, trace.graph.slot_consumer
    slots = np.flatnonzero((recording.operands >= 0) & (recording.ops[consumers] == _SETITEM))
    slots = slots[slots - recording.starts[consumers[slots]] == 1]
    into = operand_edges(trace.graph)[slots]
    is_lost = (into != NOTHING) & ~is_live[recording.operands[slots]]
    slots = slots[is_lost]
    places = trace.sites.row_places[consumers[slots]]
    for place in np.unique(places)[:_MOST].tolist():
        here = slots[places == place]
        why = why_killed(trace, int(consumers[here[0]]), int(here[0]))
        if why.kind == "overwritten" and why.node.site is not None:
            yield why.node.site, why.node, "", recording.operands[here[:_MOST]].tolist()


def _lost(trace: Trace, rows: list[int], is_live: Column) -> list[str]:
    """Return the items of inputs that some values are computed from and that have no gradient, though others do."""
    recording = trace.recording
    pending, known = list(rows), set(rows)
    parameters = [each.rows for each in parameters_of(trace)]
    of_live = {row for rows in parameters if is_live[list(rows)].any() for row in rows}
    found: list[str] = []
    while pending and len(known) < _ROWS:
        row = pending.pop()
        if is_live[row]:
            continue
        if row in trace.input_rows:
            if row in of_live:
                found.append(trace.input_rows[row])
            continue
        operands = recording.operands[recording.starts[row] : recording.starts[row + 1]].tolist()
        source = operands[0] if operands else NOTHING
        if recording.ops[row] == _GETITEM and source in trace.input_rows and is_live[source]:
            index = recording.params[row]["index"]
            if not np.any(trace.gradients.row(source)[index]):
                found.append(f"{trace.input_rows[source]}[{_written(index)}]")
            continue
        further = [each for each in operands if each >= 0 and each not in known]
        known.update(further)
        pending += further
    return [*dict.fromkeys(map(clean, sorted(found)))]


def _written(index: object) -> str:
    """Write an index as a program does."""
    if isinstance(index, slice):
        ends = ["" if each is None else str(each) for each in (index.start, index.stop)]
        return ":".join(ends)
    return str(index) if isinstance(index, (int, np.integer)) else "…"
