"""Rows by what is the same of them, in columns: a program's loops make the same again and again."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

Ints: TypeAlias = np.ndarray[Any, np.dtype[Any]]

_SPARSE = 8  # keys a row
_CHUNK = 1 << 16  # rows that are looked at together


class Numbered:
    """Numbers for the keys in use, in their order; rows whose key is the bound itself have none."""

    def __init__(self, keys: Ints, bound: int) -> None:
        self._of_row, self._bound = keys, bound
        given = None
        if is_sparse(bound, len(keys)):
            found, self._of_row = np.unique(keys, return_inverse=True)
            given = found[: found.searchsorted(bound)]
            self._bound = len(given)
        first = first_rows(self._of_row, self._bound)
        self._used = (first >= 0).nonzero()[0]
        self.first = first[self._used]
        self.keys = self._used if given is None else given

    def by_row(self, items: Any) -> Ints:
        """Return by row what is given for its number; -1 for none."""
        of_key = np.full(self._bound + 1, -1, np.int32)
        of_key[self._used] = items
        return of_key.take(self._of_row)


def is_sparse(bound: int, count: int) -> bool:
    """Say whether a table of all keys is too large for a column of so many rows: sorting them is cheaper."""
    return bound > _SPARSE * count + 1024


def first_rows(numbers: Ints, count: int) -> Ints:
    """Return, by number, the first row that has it; -1 is no number. Most are among the first of all."""
    first = np.full(count + 1, -1, np.int64)
    first[-1] = 0  # of no number
    for start in range(0, len(numbers), _CHUNK):
        here = numbers[start : start + _CHUNK]
        new = (first.take(here) < 0).nonzero()[0][::-1]
        first[here[new]] = start + new
    return first[:-1]


def members_of(numbers: Ints, count: int) -> list[Ints]:
    """Return, by number, the rows that have it, in order; -1 is no number.

    In a loop they are equally far apart, which is seen sooner than rows are sorted.
    """
    sizes = np.bincount(numbers + 1, minlength=count + 1)[1:]
    last = len(numbers) - 1 - first_rows(numbers[::-1], count)
    members: list[Ints] = []
    others = []
    columns = (first_rows(numbers, count), last, sizes)
    for number, (start, stop, size) in enumerate(zip(*(each.tolist() for each in columns), strict=True)):
        if not size:
            members.append(np.zeros(0, np.int64))
            continue
        step, rest = divmod(stop - start, max(size - 1, 1))
        is_even = not rest and (size < 3 or numbers[start + step] == number)
        if is_even and bool((numbers[start : stop + 1 : max(step, 1)] == number).all()):
            members.append(np.arange(start, stop + 1, max(step, 1)))
        else:
            members.append(np.zeros(0, np.int64))
            others.append(number)
    if others:
        is_other = np.zeros(count + 1, np.bool_)
        is_other[others] = True
        rows = is_other.take(numbers).nonzero()[0]
        # 16 bits sort in two passes.
        keys = numbers.take(rows).astype(np.uint16 if count < np.iinfo(np.uint16).max else np.int64)
        order = rows.take(np.argsort(keys, kind="stable"))
        for number, part in zip(others, np.split(order, np.cumsum(sizes[others])[:-1]), strict=True):
            members[number] = part
    return members
