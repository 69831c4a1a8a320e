"""Where each row was made: its place in the source, the call it happened in, and the variable that it was assigned to.

Resolved after the run, in bulk, for the distinct places alone: the hot path notes two integers.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.source import Place, Site, resolve, source_of
from tracer.tape import AUXILIARY, NO_INSTRUCTION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.recording import Recording

NO_PLACE = -1
_OFFSET_BITS = 32
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


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of one function."""

    function: str
    name: str


@dataclass
class Sites:
    """By row: `row_places` (an index of `places`, NO_PLACE for inputs) and `row_scopes` (an index of `scopes`)."""

    places: list[Place]
    row_places: np.ndarray[Any, np.dtype[np.int32]]
    row_scopes: np.ndarray[Any, np.dtype[np.int32]]
    scopes: list[Scope]
    source: dict[str, str]

    def place(self, row: int) -> Place:
        """Return the place of a row."""
        return self.places[self.row_places[row]] if self.row_places[row] != NO_PLACE else _UNKNOWN

    @cached_property
    def variables(self) -> dict[Variable, np.ndarray[Any, np.dtype[np.int64]]]:
        """The rows assigned to each variable, in execution order."""
        rows_of: dict[Variable, list[Any]] = defaultdict(list)
        order = np.argsort(self.row_places, kind="stable")
        places, firsts = np.unique(self.row_places[order], return_index=True)
        groups = np.split(order, firsts[1:]) if len(places) else []
        for number, rows in zip(places.tolist(), groups, strict=True):
            if number == NO_PLACE:
                continue
            place = self.places[number]
            for target in place.targets:
                rows_of[Variable(place.site.function, target)].append(rows)
            if place.returned and not place.targets:
                for variable, returned in self._assigned_by_callers(rows):
                    rows_of[variable].append(returned)
        return {variable: np.sort(np.concatenate(parts)) for variable, parts in rows_of.items()}

    def _assigned_by_callers(
        self, rows: np.ndarray[Any, Any]
    ) -> Iterator[tuple[Variable, np.ndarray[Any, Any]]]:
        """Yield the variables to which results of calls were assigned, also through `return` upon `return`."""
        scopes = self.row_scopes[rows]
        while len(rows):
            callers, parents = self._scope_callers
            call_places = callers[scopes]
            goes_on = np.zeros(len(rows), np.bool_)
            for number in np.unique(call_places[call_places != NO_PLACE]).tolist():
                place = self.places[number]
                for target in place.targets:
                    yield Variable(place.site.function, target), rows[call_places == number]
                if place.returned and not place.targets:
                    goes_on |= call_places == number
            rows, scopes = rows[goes_on], parents[scopes[goes_on]]

    @cached_property
    def _scope_callers(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """By scope: the place of the call, and the scope it stands in."""
        places = np.array([scope.place for scope in self.scopes], np.int64)
        return places, np.array([scope.parent for scope in self.scopes], np.int64)

    def name(self, row: int) -> tuple[str, str]:
        """Return the variable that a row was assigned to, and its name with its count; empty without one."""
        for variable in self._variables_of(row):
            rows = self.variables[variable]
            count = f"[{np.searchsorted(rows, row)}]" if len(rows) > 1 else ""
            return variable.name, variable.name + count
        return "", ""

    def _variables_of(self, row: int) -> list[Variable]:
        """Return the variables that a row was assigned to, in its own function or by the callers."""
        place, scope = self.place(row), int(self.row_scopes[row])
        while not place.targets and place.returned and self.scopes[scope].place != NO_PLACE:
            place, scope = self.places[self.scopes[scope].place], self.scopes[scope].parent
        return [Variable(place.site.function, target) for target in place.targets]

    def rows_named(self, name: str) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Return the rows assigned to a variable, in execution order; the traced function's own come before others'.

        `helper.s` names the variable s of the function helper.
        """
        found = {
            variable: rows
            for variable, rows in self.variables.items()
            if name in (variable.name, f"{variable.function.rpartition('.')[2]}.{variable.name}")
        }
        own = [rows for variable, rows in found.items() if variable.function == self.scopes[0].name]
        parts = own or list(found.values())
        return np.sort(np.concatenate(parts)) if parts else np.zeros(0, np.int64)


def sites_of(recording: Recording) -> Sites:
    """Resolve the places of all rows and calls."""
    rows = len(recording)
    if not recording.calls:  # an argument could not be boxed, so nothing ran
        nowhere = np.full(rows, NO_PLACE, np.int32)
        return Sites([], nowhere, np.zeros(rows, np.int32), [Scope(0, "", -1, 0, NO_PLACE)], {})
    # Keyed by identity: equal code objects may stand at different places.
    callers = [call.caller for call in recording.calls if call.caller is not None]
    codes = list({id(code): code for code in (*recording.segment_codes, *callers)}.values())
    numbers = {id(code): number for number, code in enumerate(codes)}
    lengths = np.diff(np.append(recording.segments, rows))
    row_codes = np.repeat(
        np.array([numbers[id(code)] for code in recording.segment_codes], np.int64), lengths
    )
    row_keys = row_codes << _OFFSET_BITS | np.maximum(recording.instructions, 0).astype(np.int64)
    order = np.argsort(row_keys, kind="stable")
    is_first = np.diff(row_keys[order], prepend=-1) > 0
    row_places = np.empty(rows, np.int32)
    row_places[order] = np.cumsum(is_first) - 1
    row_places[recording.instructions == NO_INSTRUCTION] = NO_PLACE
    place_of_key = {key: number for number, key in enumerate(row_keys[order][is_first].tolist())}
    scopes: list[Scope] = []
    for index, call in enumerate(recording.calls):
        place = NO_PLACE
        if call.caller is not None:
            key = numbers[id(call.caller)] << _OFFSET_BITS | call.instruction
            place = place_of_key.setdefault(key, len(place_of_key))
        depth = scopes[call.parent].depth + 1 if call.parent >= 0 else 0
        scopes.append(Scope(index, call.code.co_qualname, call.parent, depth, place))
    offset_mask = (1 << _OFFSET_BITS) - 1
    pairs = [(codes[key >> _OFFSET_BITS], key & offset_mask) for key in place_of_key]
    places = [
        replace(place, targets=(), returned=False) if offset & AUXILIARY else place
        for place, (_, offset) in zip(resolve(pairs), pairs, strict=True)
    ]
    return Sites(
        places=places,
        row_places=row_places,
        row_scopes=np.repeat(recording.segment_scopes, lengths),
        scopes=scopes,
        source=source_of(codes),
    )
