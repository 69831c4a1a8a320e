"""An array argument that the program reaches by a second way: a write by one of them that the other misses is refused."""

import numpy as np
import pytest
from checks import same

from tracer import record, trace
from tracer.errors import CutError, CutWarning, UnsupportedError

SHARED = np.arange(1.0, 5.0)
LARGE = np.ones((3, 100_000))


def written_and_read(a):
    a[0] = 10.0
    return (SHARED * a).sum()


def written_elsewhere(a):
    SHARED[1] += 1.0
    return (a * a).sum()


def written_elsewhere_in_large(a):
    LARGE[:, ::2] = 2.0
    return a.sum()


def only_read(a):
    return (SHARED * a).sum()


def only_written(a):
    a *= 2.0
    return (np.arange(4.0) * a).sum()


@pytest.mark.parametrize(
    ("function", "argument"),
    [
        (written_and_read, SHARED),
        (written_elsewhere, SHARED),
        (written_elsewhere, SHARED[:3]),
        (written_elsewhere, SHARED[::-1]),
        (written_elsewhere_in_large, LARGE),
    ],
)
def test_a_write_that_the_other_way_misses_is_refused(function, argument):
    line = function.__code__.co_firstlineno
    with pytest.raises(
        UnsupportedError, match=rf"by a second way.*; at test_second_ways\.py:{line}; .*use a "
    ):
        record(function, argument)


@pytest.mark.parametrize("function", [written_and_read, written_elsewhere, only_read, only_written])
def test_what_has_one_way_or_is_only_read_is_followed(function):
    given = np.arange(2.0, 6.0)
    shared = SHARED.copy()
    expected, ours = function(given.copy()), given.copy()
    SHARED[:] = shared
    assert same(record(function, ours).result, expected)
    SHARED[:] = shared
    assert same(record(only_read, SHARED).result, only_read(SHARED))


def kernel(x, y, noise=None):
    k = np.outer(x, y) * (noise is None)
    return (k + np.eye(len(x)) if x is y else k).sum()


def by_a_helper(a, b):
    def helper(x, y):
        k = np.outer(x, y)
        return k if x is not y else k + np.eye(len(x))

    return helper(a, b).sum()


@pytest.mark.parametrize(("function", "line"), [(kernel, 2), (by_a_helper, 3)])
def test_is_that_tells_one_array_apart_is_told(function, line):
    line += function.__code__.co_firstlineno
    with pytest.warns(CutWarning, match=rf"are one array, .*; at test_second_ways\.py:{line}; ") as caught:
        record(function, SHARED, SHARED)
    assert [each.lineno for each in caught] == [line]
    with pytest.raises(CutError, match="are one array"):
        trace(strict=True)(function)(SHARED, SHARED)
    assert same(record(function, SHARED, SHARED.copy()).result, function(SHARED, SHARED.copy()))
    assert record(lambda x, y: (x * y).sum() * (y is not None), SHARED, SHARED).result == (SHARED**2).sum()
