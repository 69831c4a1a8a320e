"""What runs once in each turn of a loop of the program, by which turns.py counts them."""

from __future__ import annotations

import ast
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tracer.diagnose.loop_text import LoopText
from tracer.diagnose.program_text import called_name
from tracer.operations import OP_NAMES
from tracer.sites import NO_PLACE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.diagnose.written_loop import WrittenLoop
    from tracer.trace import Trace

    Ints = np.ndarray[Any, np.dtype[Any]]

_ONCE = (ast.BinOp, ast.UnaryOp, ast.AugAssign, ast.Subscript, ast.Compare)  # one operation each


class Marker(NamedTuple):
    """What runs once in each turn of a loop: its place, and its runs by call and row, both of them in order."""

    place: int
    scopes: Ints
    rows: Ints

    def of(self, scope: int) -> Ints:
        """Return the runs in one call."""
        return self.rows[self.scopes.searchsorted(scope) : self.scopes.searchsorted(scope, "right")]


class Markers:
    """The markers of all loops of a trace, and the text around each place."""

    def __init__(self, trace: Trace) -> None:
        self.sites, self.recording = trace.sites, trace.recording
        self._texts: dict[str, LoopText | None] = {}
        self._marked: dict[WrittenLoop, list[int]] = {}
        self._runs_at: dict[int, Marker] = {}
        self._known: dict[tuple[int, str], list[WrittenLoop] | None] = {}

    def text_of(self, place: int) -> LoopText | None:
        """Return the text of the file that a place is in."""
        site = self.sites.places[place].site
        if site.file not in self._texts:
            source = self.sites.source.get(site.file, "")
            self._texts[site.file] = LoopText(site.file, source) if source else None
        return self._texts[site.file]

    def node(self, place: int) -> ast.AST | None:
        """Return what is written at a place."""
        if place == NO_PLACE:
            return None
        text, site = self.text_of(place), self.sites.places[place].site
        return text.node_at(site) if text is not None and site.column >= 0 else None

    def around(self, place: int, scope: int) -> list[WrittenLoop] | None:
        """Return the loops around a place in the function of a call; None where they are unclear."""
        function = self.sites.scopes[scope].name.rpartition(".")[2]
        if (place, function) not in self._known:
            node = self.node(place)
            text = self.text_of(place) if node is not None else None
            found = text.around(node, function) if text is not None and node is not None else None
            self._known[place, function] = found
        return self._known[place, function]

    def markers(self, loop: WrittenLoop) -> Iterator[Marker]:
        """Give what runs once in each turn of a loop: those that were recorded most often."""
        if loop not in self._marked:
            counts = {place: self._count(place) for place in self._candidates(loop)}
            most = max(counts.values(), default=0)
            self._marked[loop] = [place for place, count in counts.items() if count == most > 0]
        for place in self._marked[loop]:
            if place not in self._runs_at:
                self._runs_at[place] = self._runs(place)
            yield self._runs_at[place]

    def _candidates(self, loop: WrittenLoop) -> list[int]:
        found = []
        for place in self._places_in.get(loop, ()):
            node, text = self.node(place), self.text_of(place)
            if node is None or text is None or not text.runs_in_each_turn(node, loop):
                continue
            if isinstance(node, ast.Call) and not self._is_one_operation(place, node):
                continue
            if isinstance(node, (*_ONCE, ast.Call)):
                found.append(place)
        return found

    @cached_property
    def _places_in(self) -> dict[WrittenLoop, list[int]]:
        """The places in each loop, without those in the loops within it."""
        found: dict[WrittenLoop, list[int]] = {}
        for place in range(len(self.sites.places)):
            node, text = self.node(place), self.text_of(place)
            loops = text.around(node, "") if text is not None and node is not None else None
            if loops:
                found.setdefault(loops[-1], []).append(place)
        return found

    def _is_one_operation(self, place: int, node: ast.Call) -> bool:
        """Say whether a call is one operation, or one call of a function of the program: both have its name."""
        name = called_name(node)
        if self._row_counts[place]:
            op = OP_NAMES[int(self.recording.ops[self._first_row(place)])]
            return op in (name, f"{name}_scalars")
        called = np.flatnonzero(self.call_places == place)
        return len(called) > 0 and all(
            self.sites.scopes[scope].name.rpartition(".")[2] == name for scope in called[:1].tolist()
        )

    @cached_property
    def _row_counts(self) -> Ints:
        return np.bincount(self.sites.row_places + 1, minlength=len(self.sites.places) + 1)[1:]

    @cached_property
    def call_places(self) -> Ints:
        """By call: the place where it was made."""
        scopes = self.sites.scopes
        return np.fromiter(map(attrgetter("place"), scopes), np.int64, len(scopes))

    def _first_row(self, place: int) -> int:
        return int(np.argmax(self.sites.row_places == place))

    def _count(self, place: int) -> int:
        rows = self._row_counts[place]
        return int(rows) if rows else int(np.count_nonzero(self.call_places == place))

    def _runs(self, place: int) -> Marker:
        """Return the runs of a place: the rows of its operation, or the first ones of the calls that are made there."""
        if self._row_counts[place]:
            op = self.recording.ops[self._first_row(place)]
            rows = np.flatnonzero((self.sites.row_places == place) & (self.recording.ops == op))
            scopes = self.sites.row_scopes[rows].astype(np.int64)
        else:
            calls = np.flatnonzero(self.call_places == place)
            rows, scopes = self._first_rows[calls], self.parents[calls]
            scopes, rows = scopes[rows >= 0], rows[rows >= 0]
        if all(bool((each[1:] >= each[:-1]).all()) for each in (scopes, rows)):
            return Marker(place, scopes, rows)
        order = np.lexsort((rows, scopes))
        return Marker(place, scopes[order], rows[order])

    @cached_property
    def parents(self) -> Ints:
        """By call: the one that it was made in."""
        scopes = self.sites.scopes
        return np.fromiter(map(attrgetter("parent"), scopes), np.int64, len(scopes))

    @cached_property
    def _first_rows(self) -> Ints:
        """By call: the first row that it recorded, itself or in a call within it."""
        scopes, rows = self.sites.scopes, self.sites.row_scopes
        none = len(rows)
        first = np.full(len(scopes), none, np.int64)
        first[rows[::-1]] = np.arange(none - 1, -1, -1)
        depths = np.fromiter(map(attrgetter("depth"), scopes), np.int64, len(scopes))
        for depth in range(int(depths.max(initial=0)), 0, -1):
            level = np.flatnonzero(depths == depth)
            np.minimum.at(first, self.parents[level], first[level])
        first[first == none] = -1
        return first

    def is_behind(self, place: int, marker: int, loop: WrittenLoop) -> bool:
        """Say whether in each turn of a loop a place comes after its marker, or is it."""
        text, node, other = self.text_of(place), self.node(place), self.node(marker)
        assert text is not None
        assert node is not None
        assert other is not None
        step, of_marker = text.step_of(node, loop), text.step_of(other, loop)
        if step != of_marker:
            return step > of_marker
        here, there = self.sites.places[place].site, self.sites.places[marker].site
        return place >= marker if here.function == there.function else text.is_behind(node, other)
