"""Where each row was made: its place in the source, the call it happened in, and the variable that it was assigned to.

Of a run, `places.py` finds them; a trace file holds them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from tracer.source import Going, Place, Site, variables_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.copies import Path

Rows: TypeAlias = np.ndarray[Any, np.dtype[Any]]

NO_PLACE = -1
RECENT = 8_192  # rows whose names are kept: pictures ask for them again and again
_SITE_OF_NOTHING = Site("", 0, -1, 0, -1, "", "")
_UNKNOWN = Place(_SITE_OF_NOTHING, (), returned=False)


@dataclass(frozen=True, slots=True)
class Scope:
    """One call of one Python function."""

    index: int
    name: str  # the function's qualified name
    parent: int  # index of the calling scope; -1: the traced function itself
    depth: int
    place: int  # the call's own place; NO_PLACE where it is not known


class Variable(NamedTuple):
    """A variable of one function."""

    function: str
    name: str


class Arrival(NamedTuple):
    """Rows that come, as part `path` of a value, to a place in a function that has it go on; their calls."""

    function: str
    goings: tuple[Going, ...]
    path: Path
    rows: Rows
    scopes: Rows


class Held(NamedTuple):
    """Rows that a variable held, in calls of one depth, and from which row on it did."""

    variable: Variable
    rows: Rows
    times: Rows
    depth: int


@dataclass(eq=False, repr=False)
class Sites:
    """By row: `row_places` (an index of `places`, NO_PLACE for inputs) and `row_scopes` (an index of `scopes`).

    Places of one function are in the order of its instructions; of a file of an older version, those of rows are.
    """

    places: list[Place]
    row_places: np.ndarray[Any, np.dtype[np.int32]]
    row_scopes: np.ndarray[Any, np.dtype[np.int32]]
    scopes: list[Scope]
    source: dict[str, str]
    # Rows of arguments that variables were set to: `h = h0`.
    copied_inputs: list[tuple[int, tuple[Going, ...]]]
    # Of the recording: the names of its inputs, and what tells what a variable held where an operator read it.
    inputs: list[str]
    starts: Rows
    operands: Rows
    is_write: Rows  # by row: whether it wrote into an array
    failed_at: int = NO_PLACE  # the place of the exception that ended the run
    _orders: dict[Variable, Rows] = field(default_factory=dict, repr=False)
    _plain: dict[Variable, str] = field(default_factory=dict, repr=False)  # what a count alone completes
    _spellings: dict[Variable, list[str]] = field(default_factory=dict, repr=False)
    _recent: dict[int, tuple[str, str]] = field(default_factory=dict, repr=False)  # the first name, by row

    def place(self, row: int) -> Place:
        """Return the place of a row."""
        return self.places[self.row_places[row]] if self.row_places[row] != NO_PLACE else _UNKNOWN

    @cached_property
    def variables(self) -> dict[Variable, Rows]:
        """The rows that each variable held, in the order in which it was given them."""
        by_variable: dict[Variable, list[Held]] = defaultdict(list)
        writes = np.flatnonzero(self.is_write)
        for held in (*self._assignments, *self._seen):
            by_variable[held.variable].append(held)
        variables = {}
        for variable, parts in by_variable.items():
            rows = np.concatenate([part.rows for part in parts])
            # An assignment is known first; what was only seen, from its first reader on.
            rows, firsts = np.unique(rows, return_index=True)
            # `out[i] = x` gives out another value; x itself is out's only where that is a list, which has no record.
            of_writes = np.intersect1d(rows, writes, assume_unique=True)
            is_held = ~np.isin(rows, self.operands[self.starts[of_writes] + 1])
            rows, firsts = rows[is_held], firsts[is_held]
            times = np.concatenate([part.times for part in parts])[firsts]
            rows = rows[np.argsort(times, kind="stable")]
            # What a loop starts with is not counted, be it a constant or an argument: h[t] is what step t made.
            made = rows[self.row_places[rows] != NO_PLACE]
            variables[variable] = made if len(made) else rows
        return variables

    @cached_property
    def _assignments(self) -> list[Held]:
        """What went to variables, as far as the code tells.

        Calls are gone through from the innermost outwards: what they return is assigned by their callers.
        """
        found: list[Held] = []
        parents = np.array([scope.parent for scope in self.scopes], np.int64)
        call_places = np.array([scope.place for scope in self.scopes], np.int64)
        arriving = self._made()
        for depth in sorted({scope.depth for scope in self.scopes}, reverse=True):
            returned: list[Arrival] = []
            for arrival in arriving.pop(depth, ()):
                for going in arrival.goings:
                    if going.path != arrival.path[: len(going.path)]:
                        continue
                    rest = arrival.path[len(going.path) :]
                    rows, scopes = arrival.rows, arrival.scopes
                    if going.is_last:
                        rows, scopes = _last_of_each(rows, scopes)
                    if not rest:
                        found += [
                            Held(Variable(arrival.function, name), rows, rows, depth)
                            for name in going.targets
                        ]
                    returned += [
                        arrival._replace(path=(*path, *rest), rows=rows, scopes=scopes)
                        for path in going.returned
                    ]
            if depth:
                arriving[depth - 1] += self._handed_out(returned, call_places, parents)
        return found

    @cached_property
    def _seen(self) -> list[Held]:
        """What variables held where an operator read them: also what came from a list, or out of a branch."""
        seen: list[Held] = []
        for place, rows in self._rows_by_place():
            for position, name in place.reads:
                readers = rows[self.starts[rows + 1] - self.starts[rows] > position]
                held = self.operands[self.starts[readers] + position]
                readers, held = readers[held >= 0], held[held >= 0]
                held, firsts = np.unique(held, return_index=True)
                readers = readers[firsts]
                depths = self._depths[self.row_scopes[readers]]
                variable = Variable(place.site.function, name)
                for depth in np.unique(depths).tolist():
                    here = depths == depth
                    seen.append(Held(variable, held[here], readers[here], depth))
        return seen

    @cached_property
    def _depths(self) -> Rows:
        return np.array([scope.depth for scope in self.scopes], np.int64)

    def _rows_by_place(self) -> Iterator[tuple[Place, Rows]]:
        order = np.argsort(self.row_places, kind="stable")
        places, firsts = np.unique(self.row_places[order], return_index=True)
        groups = np.split(order, firsts[1:]) if len(places) else []
        for number, rows in zip(places.tolist(), groups, strict=True):
            if number != NO_PLACE:
                yield self.places[number], rows

    def _made(self) -> dict[int, list[Arrival]]:
        """Return the rows that go somewhere, by the depth of their call."""
        made: dict[int, list[Arrival]] = defaultdict(list)
        for row, goings in self.copied_inputs:
            first = np.zeros(1, np.int64)
            made[0].append(Arrival(self.scopes[0].name, goings, (), first + row, first))
        for place, rows in self._rows_by_place():
            if not place.goings:
                continue
            scopes = self.row_scopes[rows]
            row_depths = self._depths[scopes]
            for depth in np.unique(row_depths).tolist():
                here = row_depths == depth
                arrival = Arrival(place.site.function, place.goings, (), rows[here], scopes[here])
                made[depth].append(arrival)
        return made

    def _handed_out(self, returned: list[Arrival], call_places: Rows, parents: Rows) -> list[Arrival]:
        """Return what comes out of calls, as it arrives at the places of the calls."""
        parts: dict[tuple[int, Path], list[Arrival]] = defaultdict(list)
        for arrival in returned:
            numbers = call_places[arrival.scopes]
            for number in np.unique(numbers[numbers != NO_PLACE]).tolist():
                place, here = self.places[number], numbers == number
                if place.goings:
                    parts[number, arrival.path].append(
                        Arrival(
                            place.site.function,
                            place.goings,
                            arrival.path,
                            arrival.rows[here],
                            parents[arrival.scopes[here]],
                        )
                    )
        return [
            each[0]._replace(
                rows=np.concatenate([part.rows for part in each]),
                scopes=np.concatenate([part.scopes for part in each]),
            )
            for each in parts.values()
        ]

    @cached_property
    def _by_row(self) -> tuple[list[Variable], Rows, Rows]:
        """All variables; and by row, from the outermost call inwards, the rows and the numbers of their variables."""
        numbers = {variable: number for number, variable in enumerate(self.variables)}
        parts = sorted((*self._assignments, *self._seen), key=lambda part: part.depth)
        if not parts:
            return [], np.zeros(0, np.int64), np.zeros(0, np.int64)
        rows = np.concatenate([part.rows for part in parts])
        variables = np.repeat(
            [numbers[part.variable] for part in parts], [len(part.rows) for part in parts]
        )
        order = np.argsort(rows, kind="stable")
        return list(numbers), rows[order], variables[order]

    def names(self, row: int) -> list[tuple[str, str]]:
        """Return the variables that a row was assigned to, each as its name and its label, which has its count.

        First comes what the outermost call named it, which is the traced function where that did: it is the name
        that its author thinks in, and there are fewer of it than calls of a helper. Within a call, it is what the
        value was first assigned to.
        """
        variables, rows, numbers = self._by_row
        here = slice(rows.searchsorted(row), rows.searchsorted(row, side="right"))
        found = []
        for variable in dict.fromkeys(variables[number] for number in numbers[here].tolist()):
            turn = self._turn(variable, row)
            if turn >= 0:
                found.append((variable.name, self._label(variable, turn)))
        return found

    def _label(self, variable: Variable, turn: int) -> str:
        """Return the shortest text by which one value of a variable is found, and no other value is."""
        if variable not in self._plain:
            first = self._spelt(variable)[0]
            is_plain = len(self.variables[variable]) > 1 and not any(
                text.startswith(f"{first}[") for text in (*self.inputs, *self._by_text)
            )
            self._plain[variable] = first if is_plain and self._meant(first) == [variable] else ""
        plain = self._plain[variable]
        return f"{plain}[{turn}]" if plain else self._label_searched(variable, turn)

    def _label_searched(self, variable: Variable, turn: int) -> str:
        count = len(self.variables[variable])
        spellings = self._spelt(variable)
        counted = [f"{text}[{turn}]" for text in spellings]
        if count == 1:  # `x = x * 2` makes x[0], where x is the argument
            counted = [text for pair in zip(spellings, counted, strict=True) for text in pair]
        # `out[0] = x` is a variable of its own, so the first value of out is counted from the end.
        counted += [f"{text}[{turn - count}]" for text in spellings]
        return next((text for text in counted if self._means(text, variable)), counted[0])

    def _means(self, label: str, variable: Variable) -> bool:
        return label not in self._inputs and self._meant(label) in ([], [variable])

    def _spelt(self, variable: Variable) -> list[str]:
        """Return what may be written for a variable, the shortest first: `h`, `helper.h`, with the whole name."""
        if variable not in self._spellings:
            bare, *qualified = _texts(variable)
            is_argument = variable.function != self.scopes[0].name and bare in self._inputs
            texts = qualified if is_argument else [bare, *qualified]
            sound = [text for text in texts if self._meant(text) == [variable]]
            self._spellings[variable] = sound or texts
        return self._spellings[variable]

    @cached_property
    def _inputs(self) -> frozenset[str]:
        return frozenset(self.inputs)

    @cached_property
    def _by_text(self) -> dict[str, list[Variable]]:
        by_text: dict[str, list[Variable]] = defaultdict(list)
        for variable in self.variables:
            for text in _texts(variable):
                by_text[text].append(variable)
        return dict(by_text)

    def _meant(self, text: str) -> list[Variable]:
        """Return the variables that a text names: the traced function's own, also where that holds no number."""
        found = self._by_text.get(text, [])
        own = [each for each in found if each.function == self.scopes[0].name]
        return own or ([] if found and text in self._own else found)

    @cached_property
    def _own(self) -> frozenset[str]:
        """The variables of the traced function, as far as its text is known: also a list's, and plain values'."""
        function = self.scopes[0].name
        file = next((place.site.file for place in self.places if place.site.function == function), "")
        return variables_of(self.source.get(file, ""), function)

    def _turn(self, variable: Variable, row: int) -> int:
        """Return how many values a variable was given before a row's; -1 for one that is not counted."""
        held = self.variables[variable]
        if variable not in self._orders:
            self._orders[variable] = np.argsort(held)
        order = self._orders[variable]
        at = np.searchsorted(held, row, sorter=order)
        return int(order[at]) if at < len(held) and held[order[at]] == row else -1

    def name(self, row: int) -> tuple[str, str]:
        """Return the first of the names of a row, without and with its count; empty without one."""
        found = self._recent.get(row)
        if found is None:
            if len(self._recent) >= RECENT:
                self._recent.clear()
            found = self._recent[row] = next(iter(self.names(row)), ("", ""))
        return found

    def spellings(self, name: str | None = None) -> list[str]:
        """Return what is written for each variable, or for each that is called so, in whatever function."""
        named = self.variables if name is None else self._by_text.get(name, [])
        return [self._spelt(variable)[0] for variable in named]

    def meant(self, name: str) -> dict[str, int]:
        """Return the variables that a name means, by what is written for them, with the number of their values."""
        return {self._spelt(each)[0]: len(self.variables[each]) for each in self._meant(name)}

    def rows_named(self, name: str) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Return the rows assigned to a variable, in execution order; the traced function's own come before others'.

        `helper.s` names the variable s of the function helper, as its whole name does: `Model.helper.s`.
        """
        parts = [self.variables[variable] for variable in self._meant(name)]
        if len(parts) == 1:
            return parts[0]
        return np.unique(np.concatenate(parts)) if parts else np.zeros(0, np.int64)


def _texts(variable: Variable) -> tuple[str, ...]:
    """Return the texts that name a variable: alone, with its function, with the whole name of its function."""
    function, name = variable
    return tuple(dict.fromkeys((name, f"{function.rpartition('.')[2]}.{name}", f"{function}.{name}")))


def _last_of_each(rows: Rows, scopes: Rows) -> tuple[Rows, Rows]:
    """Return the last row of each call."""
    order = np.lexsort((rows, scopes))
    rows, scopes = rows[order], scopes[order]
    is_last = np.append(scopes[1:] != scopes[:-1], True)[: len(rows)]
    return rows[is_last], scopes[is_last]
