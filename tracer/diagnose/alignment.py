"""Which row of one trace is which row of another: by what is written, by whom it was called, and by order.

Used by diff.py alone. A row's key is the text of its expression in its function, its operation and the calls that led
there; lines and files are no part of it, so that what moved is still the same. What both runs begin with is matched
first; then the k-th row of a key is the k-th of the other run where both have equally many. Where one has more (a loop
that ran longer, a branch that was taken), rows are matched between the nearest pairs around them. What is left is tried
with weaker keys, each only between pairs that are known: without the texts of the calls, by the variable that was
assigned, with names and numbers left out (a variable was renamed), and by the operation alone.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tracer.operations import OP_NAMES, OP_NUMBERS
from tracer.sites import NO_PLACE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.source import Place
    from tracer.trace import Trace

Column: TypeAlias = np.ndarray[Any, Any]
Key: TypeAlias = tuple[Column, Column]
"""What a row is known by, in two columns of numbers."""

UNMATCHED = -1
_ROUNDS = 6  # in which loops within loops find their turns; what is left is matched by order alone
_MOST_CORNERS = 100_000  # of runs of pairs, of which the longest row in order is looked for
_FEW = 1 << 16  # keys that are sorted as short numbers, which takes a tenth of the time
_LITERAL = re.compile(
    r"""'[^']*'|"[^"]*"|(?P<kept>\.\s*[^\W\d]\w*|[^\W\d]\w*(?=\s*\())|(?P<name>[^\W\d]\w*)|\d[\w.]*((?<=[eE])[-+]\d+)?"""
)


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """Pairs of rows: `to_b` by row of the first trace, `to_a` by row of the second; UNMATCHED without a partner."""

    to_b: Column
    to_a: Column
    alike: int
    """Operations, other than inputs, that were matched by their texts."""


def align(a: Trace, b: Trace) -> Alignment:
    """Match the rows of two traces."""
    words: dict[Any, int] = {}
    keys = _Keys(a, words), _Keys(b, words)
    pairs = _Pairs(len(a.recording), len(b.recording))
    for level in (_Keys.in_full, _Keys.by_functions, _Keys.by_variable, _Keys.by_skeleton):
        if pairs.is_complete:
            break
        columns = _dense(*map(level, keys))
        if level is _Keys.in_full:
            pairs.start(*columns)
        pairs.between(*columns)
        if level in (_Keys.in_full, _Keys.by_functions):
            pairs.moved(*columns)
    alike = pairs.count_of(a)
    if not pairs.is_complete:
        pairs.between(*_dense(*map(_Keys.by_operation, keys)), is_weak=True)
    return Alignment(pairs.to_b, pairs.to_a, alike)


class _Keys:
    """The keys of a trace's rows, as numbers that two traces share."""

    def __init__(self, trace: Trace, words: dict[Any, int]) -> None:
        self._trace = trace
        self._words = words
        self._sites = trace.sites
        self._root = trace.sites.scopes[0].name
        self._distinct, self._number = _numbered(
            (trace.sites.row_places.astype(np.int64) + 1) * len(OP_NAMES) + trace.recording.ops
        )

    def in_full(self) -> Key:
        """Tell rows by their text, operation, function and the texts of the calls that led there."""
        return self._with_calls(self._calls(has_texts=True))

    def by_functions(self) -> Key:
        """Tell rows by their text, operation and the functions that were called."""
        return self._with_calls(self._calls(has_texts=False))

    def by_variable(self) -> Key:
        """Tell rows by the variable that they were assigned to, and their operation; others by their text."""
        return self._alone(
            lambda place, op: (
                ("variable", place.targets, op)
                if place and place.targets
                else ("text", one_line(place.site.text) if place else "", op)
            )
        )

    def by_skeleton(self) -> Key:
        """Tell rows by their text without names and numbers, and their operation."""
        return self._alone(lambda place, op: ("skeleton", skeleton(place.site.text) if place else "", op))

    def by_operation(self) -> Key:
        """Tell rows by their operation alone."""
        return self._alone(lambda _, op: ("operation", op))

    def _alone(self, key_of: Callable[[Place | None, str], Any]) -> Key:
        column = self._column(key_of)
        return column, np.zeros(len(column), np.int64)

    def _with_calls(self, calls: Column) -> Key:
        column = self._column(
            lambda place, op: (
                (self._function(place.site.function), one_line(place.site.text) or place.targets, op)
                if place
                else (op,)
            )
        )
        for row, name in self._trace.input_rows.items():
            column[row] = self._word(("input", name))
        return column, calls[self._sites.row_scopes]

    def _column(self, key_of: Callable[[Place | None, str], Any]) -> Column:
        """Give each row the number of its key, which is found once for each place and operation."""
        places = self._sites.places
        found = []
        for pair in self._distinct.tolist():
            number, op = divmod(pair, len(OP_NAMES))
            place = places[number - 1] if number - 1 != NO_PLACE else None
            found.append(self._word(key_of(place, OP_NAMES[op])))
        return np.array(found, np.int64)[self._number]

    def _calls(self, *, has_texts: bool) -> Column:
        """Give each scope the number of the calls that led there."""
        places = self._sites.places
        numbers: list[int] = []
        # One number for all calls from one place: there may be a million
        known: dict[tuple[int, int, str], int] = {}
        for scope in self._sites.scopes:
            call = numbers[scope.parent] if scope.parent >= 0 else -1, scope.place, scope.name
            number = known.get(call)
            if number is None:
                is_known = has_texts and scope.place != NO_PLACE
                text = one_line(places[scope.place].site.text) if is_known else ""
                number = known[call] = self._word(("call", call[0], text, self._function(scope.name)))
            numbers.append(number)
        return np.array(numbers, np.int64)

    def _function(self, name: str) -> str:
        """Name a function from the traced one on, whatever that is called."""
        if name == self._root:
            return ""
        return name.removeprefix(f"{self._root}.")

    def _word(self, key: Any) -> int:
        return self._words.setdefault(key, len(self._words))


class _Pairs:
    """The pairs that are known so far."""

    def __init__(self, a: int, b: int) -> None:
        self.to_b = np.full(a, UNMATCHED, np.int64)
        self.to_a = np.full(b, UNMATCHED, np.int64)

    @property
    def is_complete(self) -> bool:
        """Say whether one of the two traces has no row left."""
        return bool((self.to_b != UNMATCHED).all() or (self.to_a != UNMATCHED).all())

    def count_of(self, a: Trace) -> int:
        """Count the operations among the pairs."""
        return int(np.count_nonzero((self.to_b != UNMATCHED) & (a.recording.ops != OP_NUMBERS["input"])))

    def start(self, a: Column, b: Column) -> None:
        """Match what both begin with. What both end with may be the ends of two turns of a loop."""
        least = min(len(a), len(b))
        differs = a[:least] != b[:least]
        rows = np.arange(int(differs.argmax()) if differs.any() else least)
        self._match(rows, rows)

    def between(self, a: Column, b: Column, *, is_weak: bool = False) -> None:
        """Match rows of equal keys between the pairs that are known; where a key is weak, only equally many."""
        for turn in range(_ROUNDS):
            rows_a, rows_b = (np.flatnonzero(column == UNMATCHED) for column in (self.to_b, self.to_a))
            if not len(rows_a) or not len(rows_b):
                return
            gaps_a, gaps_b = self._gaps(rows_a, rows_b)
            keys_a, keys_b = _dense((gaps_a, a[rows_a]), (gaps_b, b[rows_b]))
            size = int(max(keys_a.max(), keys_b.max())) + 1
            counts_a, counts_b = (np.bincount(keys, minlength=size) for keys in (keys_a, keys_b))
            is_common = (counts_a > 0) & (counts_b > 0)
            chosen = is_common & (counts_a == counts_b)
            if not is_weak and turn == _ROUNDS - 1:
                chosen = is_common
            elif not is_weak and not chosen.any():
                differences = np.abs(counts_a - counts_b)
                chosen[_heads((gaps_a, keys_a), (gaps_b, keys_b), is_common, differences)] = True
            if not chosen.any():
                return
            least = np.minimum(counts_a, counts_b) * chosen
            of_a = _firsts(keys_a, least)
            self._match(rows_a[of_a], rows_b[_firsts(keys_b, least)])
            if is_weak or (
                not self._part_crossing(rows_a[of_a], keys_a[of_a]) and (is_common == chosen).all()
            ):
                return

    def moved(self, a: Column, b: Column) -> None:
        """Match rows of keys of which nothing was matched in order, where both have equally many: lines that moved."""
        size = int(max(a.max(initial=0), b.max(initial=0))) + 1
        left = [np.flatnonzero(column == UNMATCHED) for column in (self.to_b, self.to_a)]
        if not len(left[0]) or not len(left[1]):
            return
        counts = [np.bincount(column, minlength=size) for column in (a, b)]
        counts_left = [
            np.bincount(column[rows], minlength=size) for column, rows in zip((a, b), left, strict=True)
        ]
        is_whole = (counts[0] == counts_left[0]) & (counts[1] == counts_left[1])
        chosen = counts[0] * (is_whole & (counts[0] == counts[1]))
        self._match(left[0][_firsts(a[left[0]], chosen)], left[1][_firsts(b[left[1]], chosen)])

    def _part_crossing(self, rows: Column, keys: Column) -> bool:
        """Part new pairs of a key if one of them crosses others, as turns of an inner loop can those of the outer."""
        partners = self.to_b[rows]
        anchors_a, anchors_b = self._in_order()
        is_crossing = np.searchsorted(anchors_a, rows) != np.searchsorted(anchors_b, partners)
        if not is_crossing.any():
            return False
        is_bad = np.isin(keys, keys[is_crossing])
        self.to_b[rows[is_bad]] = UNMATCHED
        self.to_a[partners[is_bad]] = UNMATCHED
        return True

    def _match(self, a: Column, b: Column) -> None:
        self.to_b[a] = b
        self.to_a[b] = a

    def _gaps(self, rows_a: Column, rows_b: Column) -> tuple[Column, Column]:
        """Return between which pairs rows stand: the number of pairs before them that are in the same order."""
        a, b = self._in_order()
        return np.searchsorted(a, rows_a), np.searchsorted(b, rows_b)

    def _in_order(self) -> tuple[Column, Column]:
        """Return pairs that are in the same order in both."""
        a = np.flatnonzero(self.to_b != UNMATCHED)
        b = self.to_b[a]
        # Between rows that follow one another in both there is no gap: the corners of such runs will do.
        is_start = np.ones(len(a), np.bool_)
        is_start[1:] = (np.diff(a) != 1) | (np.diff(b) != 1)
        is_corner = is_start | np.append(is_start[1:], True)[: len(a)]
        a, b = a[is_corner], b[is_corner]
        if (np.diff(b) <= 0).any():
            chosen = _rising(b) if len(b) <= _MOST_CORNERS else _undisputed(b)
            a, b = a[chosen], b[chosen]
        return a, b


def _heads(a: Key, b: Key, is_common: Column, differences: Column) -> Column:
    """Return for each gap the key that tells the turns of a loop apart.

    It is the one that stands first in either trace; of two, the one whose counts differ less. `a` and `b` are gaps and
    keys by row, `differences` those of the counts by key.
    """
    keys = []
    for of_row, key in (a, b):
        candidates = np.flatnonzero(is_common[key])
        _, firsts = np.unique(of_row[candidates], return_index=True)
        keys.append(key[candidates[firsts]])
    first, second = keys  # the gaps are the same: what is common is there in both
    heads: Column = np.where(differences[second] < differences[first], second, first)
    return heads


def _firsts(keys: Column, counts: Column) -> Column:
    """Return the positions of the first `counts[key]` of each key, by key and order."""
    short = keys.astype(np.uint16) if len(counts) <= _FEW else keys
    order = np.argsort(short, kind="stable")
    in_order = keys[order]
    all_counts = np.bincount(keys, minlength=len(counts))
    turn = np.arange(len(order)) - (np.cumsum(all_counts) - all_counts)[in_order]
    return order[turn < counts[in_order]]


def _rising(column: Column) -> list[int]:
    """Return the positions of a longest rising part of a column."""
    ends: list[int] = []
    positions: list[int] = []
    before: list[int] = []
    for position, value in enumerate(column.tolist()):
        place = bisect_left(ends, value)
        before.append(positions[place - 1] if place else -1)
        ends[place : place + 1] = [value]
        positions[place : place + 1] = [position]
    found = []
    position = positions[-1] if positions else -1
    while position >= 0:
        found.append(position)
        position = before[position]
    return found[::-1]


def _undisputed(column: Column) -> Column:
    """Return the positions of what is above all before it and below all after it."""
    is_top = column == np.maximum.accumulate(column)
    return np.flatnonzero(is_top & (column == np.minimum.accumulate(column[::-1])[::-1]))


def _dense(a: Key, b: Key) -> tuple[Column, Column]:
    """Give each key of two traces a number from 0, the same key in both the same one."""
    width = 1 + max(int(minor.max(initial=0)) for _, minor in (a, b))
    columns = [major * width + minor for major, minor in (a, b)]
    _, numbers = _numbered(np.concatenate(columns))
    return numbers[: len(columns[0])], numbers[len(columns[0]) :]


def _numbered(column: Column) -> tuple[Column, Column]:
    """Return the distinct numbers of a column, none below zero, in order; and by item which of them it is."""
    span = int(column.max(initial=0)) + 1
    if span > 4 * len(column) + _FEW:
        distinct, numbers = np.unique(column, return_inverse=True)
        return distinct, numbers
    is_there = np.zeros(span, np.bool_)
    is_there[column] = True
    return np.flatnonzero(is_there), (np.cumsum(is_there) - 1)[column]


def one_line(text: str) -> str:
    """Write an expression as it would be with one space wherever there are any."""
    return " ".join(text.split())


def skeleton(text: str) -> str:
    """Leave names and numbers out of an expression: a * np.exp(2 * b) is _ * _.exp(0 * _)."""
    return "".join(
        _LITERAL.sub(lambda found: found["kept"] or ("_" if found["name"] else "0"), text).split()
    )
