"""Which terms of a sum were left out. In time that is linear in the terms, or goes with few of them: never 2^n."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

Array = np.ndarray[Any, Any]

_FEW = 16  # numbers whose every subset is tried, from both ends
_MOST = 256  # arrays that are told apart by least squares
_ANSWERS = 4
_MOST_GREEDY = 64
_PAIRS = 2_000  # numbers of which every two are tried
# Of all lines; of more, a part of the columns is looked at, and what is found is checked
_MOST_NUMBERS = 1 << 20
_NEAR = 1e-2  # how far from 0 or 1 a share may be to be read as one; what is read is checked


def left_out(terms: Array, claimed: Array, same: Callable[[Any, Any], bool]) -> list[tuple[int, ...]]:
    """Return which lines of `terms`, left out of their sum, give `claimed`: the smallest sets first.

    `same` tells whether two sums are the same. At most a few answers, of one size each.
    """
    total = terms.sum(0)
    count = len(terms)

    def gives(missing: tuple[int, ...]) -> bool:
        return same(claimed, total - terms[list(missing)].sum(0))

    difference = total - claimed
    if terms.size > _MOST_NUMBERS and terms.shape[1] > (width := max(1, _MOST_NUMBERS // count)):
        columns = np.sort(np.argpartition(np.abs(difference), -width)[-width:])  # which show the most
        return _right(left_out(terms[:, columns], claimed[columns], same), gives)
    found: list[tuple[int, ...]] = [
        (at,) for at in _nearest(terms, difference) if same(claimed, total - terms[at])
    ]
    found += [_all_but(count, at, at + 1) for at in _nearest(terms, claimed) if same(claimed, terms[at])]
    found += _stretches(terms, claimed, same)
    if found:
        return list(dict.fromkeys(found))[:_ANSWERS]
    if terms.shape[1] == 1:
        found = _right(_of_numbers(terms[:, 0], difference[0]), gives)
    elif count <= _MOST:
        found = _right(_by_least_squares(terms, difference), gives)
    if not found and terms.shape[1] > 1:
        found = _greedily(terms, total, claimed, same)
    return found or ([tuple(range(count))] if same(claimed, np.zeros_like(total)) else [])


def _all_but(count: int, first: int, stop: int) -> tuple[int, ...]:
    return (*range(first), *range(stop, count))


def _right(
    candidates: list[tuple[int, ...]], gives: Callable[[tuple[int, ...]], bool]
) -> list[tuple[int, ...]]:
    found = []
    for missing in dict.fromkeys(candidates):
        if len(missing) > 0 and gives(missing):
            found.append(missing)
            if len(found) == _ANSWERS:
                break
    return found


def _nearest(terms: Array, wanted: Array) -> list[int]:
    """Return the lines that are nearest to what is wanted."""
    distances = np.abs(terms - wanted).max(1) if terms.shape[1] else np.zeros(len(terms))
    order = np.argsort(distances, kind="stable")[:_ANSWERS]
    return order.tolist()  # type: ignore[no-any-return]


def _stretches(terms: Array, claimed: Array, same: Callable[[Any, Any], bool]) -> list[tuple[int, ...]]:
    """Return what is missing where the first to arrive were added, or the last."""
    found: list[tuple[int, ...]] = []
    count = len(terms)
    for is_first in (True, False):
        sums = np.cumsum(terms if is_first else terms[::-1], 0)
        (at, *_) = _nearest(sums[:-1], claimed)
        if same(claimed, sums[at]):
            stretch = (0, at + 1) if is_first else (count - at - 1, count)
            found.append(_all_but(count, *stretch))
    return found


def _of_numbers(terms: Array, wanted: Any) -> list[tuple[int, ...]]:
    """Return sets of numbers with about the sum that is wanted: two of many, or any of few, met in the middle."""
    count = len(terms)
    found: list[tuple[float, tuple[int, ...]]] = []
    if count <= _PAIRS and np.isrealobj(terms):
        order = np.argsort(terms, kind="stable")
        ordered = terms[order]
        others = np.clip(np.searchsorted(ordered, wanted - terms), 0, count - 1)
        for shift in (-1, 0, 1):
            partners = order[np.clip(others + shift, 0, count - 1)]
            distance = np.abs(terms + terms[partners] - wanted)
            distance[partners == np.arange(count)] = np.inf
            best = int(np.argmin(distance))
            found.append((float(distance[best]), tuple(sorted((best, int(partners[best]))))))
    if count > _FEW:
        return [missing for _, missing in sorted(found)]
    halves = range(count // 2), range(count // 2, count)
    left, right = ([(sum(terms[list(each)]), each) for each in _all_of(half)] for half in halves)
    right.sort(key=lambda each: (np.real(each[0]), len(each[1])))
    sums = np.array([np.real(each[0]) for each in right])
    for total, part in left:
        at = int(np.searchsorted(sums, np.real(wanted - total)))
        for near in range(max(0, at - 2), min(len(sums), at + 3)):
            distance = abs(total + right[near][0] - wanted)
            found.append((float(distance), (*part, *right[near][1])))
    scale = float(np.abs(terms).max(initial=0)) or 1.0
    close = [each for each in found if each[0] <= _NEAR * scale and each[1]]
    close.sort(key=lambda each: (len(each[1]), each[0]))
    fewest = {len(missing) for _, missing in close}
    # The same number of terms, the nearest sums first: which of them are right is seen by their sum.
    return [
        missing
        for size in sorted(fewest)
        for _, missing in sorted(each for each in close if len(each[1]) == size)
    ]


def _all_of(positions: range) -> list[tuple[int, ...]]:
    return [each for size in range(len(positions) + 1) for each in combinations(positions, size)]


def _by_least_squares(terms: Array, wanted: Array) -> list[tuple[int, ...]]:
    """Return the lines whose share in what is wanted is one, where all others have none."""
    wide = terms
    if terms.shape[1] > 2 * len(terms) + 8:  # as good, and smaller
        mixed = np.random.default_rng(0).normal(size=(terms.shape[1], 2 * len(terms) + 8))
        wide, wanted = terms @ mixed, wanted @ mixed
    shares = np.linalg.lstsq(wide.T, wanted, rcond=None)[0]
    is_one = np.abs(shares - 1) < _NEAR
    return [tuple(np.flatnonzero(is_one).tolist())] if np.all(is_one | (np.abs(shares) < _NEAR)) else []


def _greedily(
    terms: Array, total: Array, claimed: Array, same: Callable[[Any, Any], bool]
) -> list[tuple[int, ...]]:
    """Take away, again and again, the line that brings the sum nearest to what is claimed, until it is that."""
    missing: list[int] = []
    kept, squares = total.copy(), np.sum(np.abs(terms) ** 2, 1)
    free = np.ones(len(terms), np.bool_)
    for _ in range(min(len(terms), _MOST_GREEDY)):
        gains = 2 * (terms.conj() @ (kept - claimed)).real - squares
        gains[~free] = -np.inf
        best = int(np.argmax(gains))
        if gains[best] <= 0:
            return []
        missing.append(best)
        free[best] = False
        kept = kept - terms[best]
        if same(claimed, kept):
            return [tuple(sorted(missing))]
    return []
