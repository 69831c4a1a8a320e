"""The turns of loops: in which turn of which loop something was done.

A loop is found in the program's text, and its turns by an operation that runs once in each of them. Where nothing
tells, no turn is claimed. An explanation, what a page shows turn by turn (`viz.loops`) and a picture are told so.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tracer.diagnose.loop_text import argument_name, operand_name
from tracer.diagnose.program_text import parameters_in_order
from tracer.diagnose.turn_markers import Marker, Markers
from tracer.graph import OUTPUT
from tracer.operations import OP_NAMES
from tracer.sites import NO_PLACE, Variable

if TYPE_CHECKING:
    from tracer.diagnose.written_loop import WrittenLoop
    from tracer.trace import Trace

    Ints = np.ndarray[Any, np.dtype[Any]]

CALLS_LOOKED_AT = 16
MOST_LOOPS = 4  # around each other, by which a place in a run is named


class Flat(NamedTuple):
    """Turns of one loop by row, −1 for none; its marker, and the calls of its function that the rows are in."""

    loop: WrittenLoop
    marker: Marker
    scopes: Ints
    turns: Ints


class Turns:
    """The turns of all loops of a trace."""

    def __init__(self, trace: Trace) -> None:
        self.graph, self.sites = trace.graph, trace.sites
        self.recording = trace.recording
        self._inputs = trace.input_rows
        self._marks = Markers(trace)
        self._of_all: dict[WrittenLoop, Marker | None] = {}

    def text(self, edge: int) -> str:
        """Say in which turn an exact edge's value was used: `t = 24`, `for row: turn 3, k = 7`; empty where unknown."""
        return self.text_of(self._user(edge))

    def text_of(self, row: int) -> str:
        """Say in which turn of the loops around it a row was recorded; empty where unknown, or in none."""
        found = self.of_row(row) if row >= 0 else None
        if not found or len(found) > MOST_LOOPS:
            return ""
        return ", ".join(loop.turn(number) for loop, number in found)

    def of_uses(self, uses: list[int], told: list[int]) -> dict[int, str]:
        """Say when some of a value's uses were: `t = 43`, else which run of its operation from 0: `run 16`.

        Of an operation that uses the value in one run alone nothing is said.
        """
        if len(uses) == 1:
            return {}
        graph, row_places = self.graph, self.sites.row_places
        slots = graph.slots[np.array(uses, np.int64)]
        rows = np.unique(graph.slot_consumer[slots[slots >= 0]])  # x * x uses x twice in one run
        counts = np.bincount(row_places[rows] + 1, minlength=1)
        found = {}
        for use in told:
            slot = int(graph.slots[use])
            row = int(graph.slot_consumer[slot]) if slot >= 0 else -1
            if row >= 0 and row_places[row] != NO_PLACE and counts[row_places[row] + 1] > 1:
                found[use] = self.text_of(row) or f"run {self.run_of(row):,}"
        return found

    def run_of(self, row: int) -> int:
        """Return the how manyth a row is, from 0, of those that its operation recorded at its place."""
        place, ops = self.sites.row_places[row], self.recording.ops
        return int(np.count_nonzero((self.sites.row_places[:row] == place) & (ops[:row] == ops[row])))

    def _user(self, edge: int) -> int:
        """Return the row that uses an edge's value; −1 for an output."""
        node = self.graph.dst_of(edge)
        if self.graph.kinds[node] == OUTPUT:
            return -1
        return int(self.graph.acting_rows(np.array([node]))[0])

    def of_row(self, row: int) -> list[tuple[WrittenLoop, int]] | None:
        """Return the loops around a row, also those around the calls that it was in, with their turns; outermost first.

        None where one of them is unknown.
        """
        scopes = self.sites.scopes
        place, scope = int(self.sites.row_places[row]), int(self.sites.row_scopes[row])
        found: list[tuple[WrittenLoop, int]] = []
        while True:
            turns = self._in_call(place, scope, row)
            if turns is None:
                return None
            found = [*turns, *found]
            call = scopes[scope]
            if call.parent < 0:
                return found
            place, scope = call.place, call.parent

    def _in_call(self, place: int, scope: int, row: int) -> list[tuple[WrittenLoop, int]] | None:
        """Return the loops around a place, and their turns at a row in one call; None where one is unknown."""
        loops = self._marks.around(place, scope)
        if loops is None:
            return None
        found: list[tuple[WrittenLoop, int]] = []
        entered = -1  # before the loop that is looked at
        around: list[tuple[WrittenLoop, int]] = []  # it, in which it takes so many turns each time
        for loop, inner in zip_longest(loops, loops[1:]):
            region = around[0][0] if around else loop
            for marker in self._marks.markers(loop):
                rows = marker.of(scope)
                first = int(rows.searchsorted(entered, "right"))
                if self._is_from_the_start(marker.place, rows[first : first + 1], region, scope, entered):
                    break
            else:
                text = self._marks.text_of(place)
                count = text.turns_in_each(inner, loop) if text is not None and inner is not None else None
                if count is None:
                    return None
                around.append((loop, count))
                continue
            before = int(rows.searchsorted(row))
            turn = before - first
            if self._marks.is_behind(place, marker.place, loop):
                turn = int(rows.searchsorted(row, "right")) - first - 1
            if turn < 0:
                return None
            found += _of_each(around, loop, turn)
            around = []
            if before > first:
                entered = int(rows[before - 1])
        return found + self._taken(place, scope, row)

    def _taken(self, place: int, scope: int, row: int) -> list[tuple[WrittenLoop, int]]:
        """Return the loop that a row takes an item of an array for, and in which turn, if it is known to."""
        node, text = self._marks.node(place), self._marks.text_of(place)
        index: Any = self.recording.params.get(row, {}).get("index")
        taken = (
            text.items_taken(node) if type(index) is int and node is not None and text is not None else None
        )
        if taken is None or OP_NAMES[int(self.recording.ops[row])] != "getitem":
            return []
        loop, names = taken
        array = int(self.recording.operands[self.recording.starts[row]])
        is_known = any(self._is_held(array, name, place, scope) for name in names)
        return [(loop, index)] if is_known else []

    def _is_held(self, row: int, name: str, place: int, scope: int) -> bool:
        """Say whether a variable of a call can be nothing but what a row made."""
        while True:
            node, text = self._marks.node(place), self._marks.text_of(place)
            function = text.function_around(node) if text is not None and node is not None else None
            if text is None or function is None or not text.is_set_once(name, function):
                return False
            held = self.sites.variables.get(Variable(self.sites.scopes[scope].name, name), ())
            if name not in parameters_in_order(function):
                return row in held
            call = self.sites.scopes[scope]
            if call.parent < 0:
                return self._inputs.get(row) == name
            name = argument_name(self._marks.node(call.place), function, name)
            place, scope = call.place, call.parent

    def _marker_of_all(self, loop: WrittenLoop) -> Marker | None:
        """Return what has all turns of a loop, however often it was entered."""
        if loop not in self._of_all:
            self._of_all[loop] = next(
                (each for each in self._marks.markers(loop) if self._tells_all(each, loop)), None
            )
        return self._of_all[loop]

    def _tells_all(self, marker: Marker, loop: WrittenLoop) -> bool:
        """Say whether a marker has all turns of a loop, by its first run in each of the first calls."""
        scopes, firsts = (
            each[:CALLS_LOOKED_AT].tolist() for each in np.unique(marker.scopes, return_index=True)
        )
        return all(
            self._is_from_the_start(marker.place, marker.rows[first : first + 1], loop, scope, -1)
            for scope, first in zip(scopes, firsts, strict=True)
        )

    def _is_from_the_start(
        self, place: int, first: Ints, loop: WrittenLoop, scope: int, entered: int
    ) -> bool:
        """Say whether the first run of a marker uses what was made before the loop, so that no turn went unrecorded.

        What it uses must be what it would have used in the turns before, too: no variable that was set meanwhile.
        """
        node, text = self._marks.node(place), self._marks.text_of(place)
        if not len(first) or node is None or text is None:
            return False
        row = int(first[0])
        starts, operands = self.recording.starts, self.recording.operands
        used = operands[starts[row] : starts[row + 1]].tolist()
        made_before = [
            at
            for at, each in enumerate(used)
            if each >= 0 and (each <= entered or not self._is_made_in(each, loop, scope))
        ]
        if int(self.sites.row_scopes[row]) == scope and any(
            text.is_steady(operand_name(node, at), loop.node) for at in made_before
        ):
            return True
        is_seen = text.is_seen_from_the_start(node, loop.node) or any(
            self._is_steady_argument(row, at, loop, scope) for at in made_before
        )
        return bool(made_before) and is_seen and self._runs_in_each_call(row, scope)

    def _is_steady_argument(self, row: int, operand: int, loop: WrittenLoop, scope: int) -> bool:
        """Say whether an operand is a parameter that gets the same variable from a call, in each turn of its loop."""
        place, own = int(self.sites.row_places[row]), int(self.sites.row_scopes[row])
        node = self._marks.node(place)
        name = operand_name(node, operand) if node is not None else ""
        while name and own > scope:
            node, text = self._marks.node(place), self._marks.text_of(place)
            function = text.function_around(node) if text is not None and node is not None else None
            if text is None or function is None or not text.is_set_once(name, function):
                return False
            place, own = self.sites.scopes[own].place, self.sites.scopes[own].parent
            name = argument_name(self._marks.node(place), function, name)
        text = self._marks.text_of(place) if place != NO_PLACE else None
        return text is not None and own == scope and text.is_steady(name, loop.node)

    def _runs_in_each_call(self, row: int, scope: int) -> bool:
        """Say whether a row, recorded in calls within a call, is recorded whenever the outermost of them is made."""
        place, own = int(self.sites.row_places[row]), int(self.sites.row_scopes[row])
        while own > scope:
            node = self._marks.node(place)
            text = self._marks.text_of(place) if node is not None else None
            function = text.runs_in_each_call(node) if text is not None and node is not None else None
            if text is None or node is None or function is None:
                return False
            if not text.is_seen_from_the_start(node, function):
                return False
            place, own = self.sites.scopes[own].place, self.sites.scopes[own].parent
        return True

    def _is_made_in(self, row: int, loop: WrittenLoop, scope: int) -> bool:
        """Say whether a row was made in a loop that runs in a call."""
        place, own = int(self.sites.row_places[row]), int(self.sites.row_scopes[row])
        while own > scope:  # a call comes after the one that it is made in
            place, own = self.sites.scopes[own].place, self.sites.scopes[own].parent
        return own == scope and loop in (self._marks.around(place, scope) or ())

    def flat(self, rows: Ints) -> Flat | None:
        """Tell in which turn of the innermost loop around them rows of one place are, counted over all its runs."""
        places, scopes = self.sites.row_places, self.sites.row_scopes[rows].astype(np.int64)
        here = places[rows].astype(np.int64)
        while True:
            place = int(here[0])
            if place == NO_PLACE or np.any(here != place):
                return None
            loops = self._marks.around(place, int(scopes[0]))
            if loops is None:
                return None
            if loops:
                break
            here, scopes = self._marks.call_places[scopes], self._marks.parents[scopes]
            if scopes.min() < 0:
                return None
        marker = self._marker_of_all(loops[-1])
        if marker is None:
            return None
        width = len(places) + 1
        runs, wanted = marker.scopes * width + marker.rows, scopes * width + rows
        is_behind = self._marks.is_behind(place, marker.place, loops[-1])
        turns = runs.searchsorted(wanted, "right") - 1 if is_behind else runs.searchsorted(wanted)
        turns[turns == len(runs)] = -1
        turns[marker.scopes[turns] != scopes] = -1  # in a turn that did not come to its end
        return Flat(loops[-1], marker, scopes, turns)


def _of_each(
    around: list[tuple[WrittenLoop, int]], loop: WrittenLoop, turn: int
) -> list[tuple[WrittenLoop, int]]:
    """Take apart a turn that was counted over all runs of a loop in others, in which it takes so many each time."""
    found = []
    for outer, count in reversed(around):
        turn, own = divmod(turn, count)
        found.append((loop, own))
        loop = outer
    return [(loop, turn), *reversed(found)]
