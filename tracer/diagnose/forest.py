"""Rows of which each leads on to a later one, or to nothing: a forest whose roots are the last rows. Used by way.py.

In a loop the way on is the same at every turn. That is guessed from some steps and looked at for many at once, so that
a way through a million rows, and sums along it, take no step each.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

import numpy as np

Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Column: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Flags: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]

END = -1
"""What follows a root."""
_FEW = 512  # rows of which each takes a step
_STEPS = 128  # by which the way on is guessed
_MOST_STEPS = 4096  # likewise; what repeats itself more seldom does not pay
_LISTED = 16  # one row in so many, from which on lists of all rows are faster than columns
_PART = 64  # what is less than one row in so many is a small part
_SMALL_ONES = 16  # that are made; what is left then takes a step for each row


class _Part(NamedTuple):
    """Rows whose sums are made at once: of a chain, each from the one before it; else from rows that are done."""

    rows: Numbers
    is_chain: bool


class Forest:
    """Ways from every row to the root above it."""

    def __init__(self, following: Numbers) -> None:
        self.following = following

    def way(self, row: int) -> Numbers:
        """Return the rows on the way from a row to its root, without the root."""
        return self._walked(row, self._is_root)

    def sums(self, column: Column) -> Column:
        """Add up a column along the way from each row to its root, from the root on."""
        sums = np.zeros(len(column) + 1)  # the last for the end, which is row -1
        for rows, is_chain in self._parts[0]:
            before = sums[self.following[rows[:1] if is_chain else rows]]
            if is_chain:
                sums[rows] = np.concatenate([before, column[rows]]).cumsum()[1:]
            else:
                sums[rows] = column[rows] + before
        left = self._parts[1]
        is_most = len(left) * _LISTED > len(column)
        numbers: Any = sums.tolist() if is_most else sums
        following: Any = self.as_list if is_most else self.following
        for row, number in zip(left, column[left].tolist(), strict=True):
            numbers[row] = number + numbers[following[row]]
        sums = np.asarray(numbers)
        return sums[:-1]

    @cached_property
    def as_list(self) -> list[int]:
        """What follows each row, for steps."""
        found: list[int] = self.following.tolist()
        return found

    @cached_property
    def _is_root(self) -> Flags:
        return np.append(self.following == END, True)

    @cached_property
    def _parts(self) -> tuple[list[_Part], list[int]]:
        """The rows in parts, roots first, and those that are left, last ones first."""
        parts: list[_Part] = []
        is_done = np.zeros(len(self.following) + 1, np.bool_)
        is_done[END] = True
        rest, small = np.arange(len(self.following)), 0
        while len(rest) > _FEW and small < _SMALL_ONES:
            part = _Part(rest[is_done[self.following[rest]]], is_chain=False)
            if len(part.rows) * _PART < len(rest):
                chain = self._walked(int(rest[0]), is_done)[::-1]
                if len(chain) > len(part.rows):
                    part = _Part(chain, is_chain=True)
            small += len(part.rows) * _PART < len(rest)
            is_done[part.rows] = True
            parts.append(part)
            rest = rest[~is_done[rest]]
        return parts, rest[::-1].tolist()

    def _walked(self, row: int, is_end: Flags) -> Numbers:
        """Return the rows from one on, as far as the first that is an end."""
        following, pieces = self.following, []
        window, turns = _STEPS, 1
        while window <= _MOST_STEPS and not is_end[row]:
            steps = [row]
            while len(steps) <= window and not is_end[row]:
                row = int(following[row])
                steps.append(row)
            pieces.append(np.array(steps[:-1]))
            if is_end[row]:
                break
            stride = _repeated(np.diff(steps))
            if not len(stride):
                window *= 2
                continue
            ahead = self._guessed(row, stride, turns)
            is_right = (following[ahead[:-1]] == ahead[1:]) & ~is_end[ahead[:-1]]
            right = len(is_right) if is_right.all() else int(is_right.argmin())
            pieces.append(ahead[:right])
            row = int(ahead[right])
            turns = turns * 16 if right == len(is_right) else 1
        if not is_end[row]:
            pieces.append(self._stepped(row, is_end))
        return np.concatenate(pieces) if pieces else np.zeros(0, np.int64)

    def _guessed(self, row: int, stride: Numbers, turns: int) -> Numbers:
        """Return a row and where the way leads on from it, if it goes on in the same steps for some turns."""
        length = int(stride.sum())
        turns = min(turns, (len(self.following) - 1 - row) // length)
        starts = row + length * np.arange(turns)[:, None]
        return np.append(starts + (np.cumsum(stride) - stride), row + length * turns)

    def _stepped(self, row: int, is_end: Flags) -> Numbers:
        rows, following, ends = [], self.as_list, is_end.tolist()
        while not ends[row]:
            rows.append(row)
            row = following[row]
        return np.array(rows)


def _repeated(steps: Numbers) -> Numbers:
    """Return the steps of one turn, where the second half of some steps repeats what was before it; else none."""
    half = len(steps) // 2
    last = steps[-half:]
    for length in (np.flatnonzero(steps[half - 1 : -1][::-1] == steps[-1]) + 1).tolist():
        if np.array_equal(last, steps[len(steps) - half - length : len(steps) - length]):
            return steps[-length:]
    return steps[:0]
