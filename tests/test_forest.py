"""Ways and sums of a forest of rows, against steps taken one by one: to the bit, in whatever order they are made."""

from __future__ import annotations

import numpy as np
import pytest

from tracer.diagnose.forest import END, Forest
from tracer.groups import members_of

ROWS = 3_000  # so many that parts are made at once


def _chained(steps):
    """Let each row lead on by the steps of one turn, over and over."""
    return np.arange(ROWS) + np.resize(steps, ROWS)


def _random(most):
    return np.arange(ROWS) + np.random.default_rng(most).integers(1, most, ROWS)


FORESTS = {
    "one chain": _chained([1]),
    "a loop with branches": _chained([2, 1, 3, 1, 1]),
    "a turn of many rows": _chained([1] * 700 + [9] * 9),
    "states side by side": _chained([7]),
    "more states than parts": _chained([100]),
    "a tree": (np.arange(ROWS) + ROWS + 1) // 2,
    "near": _random(5),
    "far": _random(ROWS),
    "two loops": np.where(np.arange(ROWS) < ROWS // 2, _chained([1, 1, 2]), _chained([3, 1, 2, 2])),
    "roots alone": np.full(ROWS, ROWS),
    "few rows": np.array([2, 2, 4, 4, 5]),
}


@pytest.mark.parametrize("name", FORESTS)
def test_ways_and_sums_are_those_of_single_steps(name):
    following = FORESTS[name]
    following = np.where(following < len(following), following, END)
    column = np.random.default_rng(1).normal(size=len(following))
    column[len(column) // 2] = np.nan
    forest = Forest(following)
    sums = np.zeros(len(following) + 1)
    for row in range(len(following) - 1, -1, -1):
        sums[row] = column[row] + sums[following[row]]
    assert np.array_equal(forest.sums(column), sums[:-1], equal_nan=True)
    for row in (0, 1, len(following) // 2, len(following) - 1):
        way, at = [], row
        while following[at] != END:
            way.append(at)
            at = following[at]
        assert forest.way(row).tolist() == way


GROUPED = {
    "evenly spaced": np.resize([0, 1, 2, 1], 90),
    "in another order later": np.concatenate([np.resize([0, 1], 40), np.resize([1, 1, 0], 40)]),
    "one that ends early": np.array([0, 1, 0, 1, 0, 1, 1, 1, 2]),
    "even but for what is between": np.array([0, 1, 0, 0, 0, 1, 1]),
    "without a number": np.array([-1, 0, -1, 1, 0, -1]),
    "as many as rows": np.arange(300)[::-1],
    "without the first and the last number": np.array([1, 2, 1, 1]),
    "none": np.zeros(0, np.int64),
}


@pytest.mark.parametrize("name", GROUPED)
def test_members_are_all_rows_of_a_number_in_order(name):
    numbers = GROUPED[name].astype(np.int32)
    count = int(numbers.max(initial=-1)) + 2  # the last of no row
    found = members_of(numbers, count)
    assert [each.tolist() for each in found] == [
        np.flatnonzero(numbers == k).tolist() for k in range(count)
    ]
