"""Writes into arrays that can't be followed: errors that say so."""

import numpy as np
import pytest
from checks import assert_differentiates, assert_untouched
from numpy.lib.stride_tricks import sliding_window_view

from tracer import record
from tracer.errors import UnsupportedError

X = np.array([1.1, 2.2, 3.3, 4.4])


def test_an_array_that_was_made_outside_is_not_written_into():
    outside = np.zeros(3)
    others = np.array([outside, None], object)

    def by_index(x):
        outside[0] = x
        return outside.sum()

    def by_out(x):
        return np.multiply(x, np.ones(3), out=outside).sum()

    def by_at(x):
        np.add.at(outside, [0], x)
        return outside.sum()

    def by_function(x):
        np.copyto(outside, x * np.ones(3))
        return outside.sum()

    for function in (by_index, by_out, by_at, by_function):
        with pytest.raises(
            UnsupportedError, match=r"made outside of the trace.*test_buffers_refused\.py:\d+"
        ):
            record(function, 2.0)
    assert others[0] is outside


def test_what_else_sees_the_memory_is_named():
    def by_operator(x):
        a = X.reshape(2, 2).copy()
        row = a[0]
        total = row.base.sum
        a += x
        return a.sum() + total() + row.sum()

    def by_index(x):
        a = X.copy()
        first, last = a[:1], a[-1:]
        total = a.sum
        a[1] = x
        return total() + first.sum() + last.sum()

    for function, names in ((by_operator, "row"), (by_index, "first and last")):
        with pytest.raises(UnsupportedError, match=rf"; at .*; it is also seen through {names}; "):
            record(function, 2.0)


@pytest.mark.parametrize("index", [[0, 1], 0, slice(1, None)])
def test_what_at_writes_into_a_read_only_array_is_refused(index):
    def function(x):
        a = np.zeros((2, 2))
        np.add.at(np.diagonal(a), index, x)
        return a.sum()

    try:
        function(2.0)
    except ValueError:
        assert_untouched(function, 2.0)
    else:  # NumPy has not looked
        with pytest.raises(
            UnsupportedError, match=r"add\.at writes into a read-only array; at test_buffers_ref"
        ):
            record(function, 2.0)


@pytest.mark.parametrize(
    "change",
    [
        lambda seen, x: seen.__setitem__((0, 1), x[0]),
        lambda seen, x: seen.T.__setitem__((0, 1), 9.0),
        lambda seen, x: seen.flat.__setitem__(1, x[0]),
        lambda seen, x: seen.fill(2.0),
        lambda seen, x: seen.__imul__(2),
        lambda seen, x: np.multiply(seen, 2, out=seen),
        lambda seen, x: np.add.at(seen, (0, 1), x[0]),
    ],
)
@pytest.mark.parametrize("make", [lambda x: x * 1.0, lambda x: x[0] * np.ones(4)], ids=["whole", "filled"])
def test_a_write_through_windows_that_overlap_is_refused(change, make):
    def function(x):
        seen = sliding_window_view(make(x), 2, writeable=True)
        change(seen, x)
        return seen.sum()

    with pytest.raises(
        UnsupportedError, match=r"elements share memory with each other.*test_buffers_refused\.py:\d+"
    ):
        record(function, X)


@pytest.mark.parametrize(
    ("index", "part"),
    [
        (slice(None, None, 2), slice(0, 4)),
        (slice(1, None, 2), slice(3, 7)),
        (np.array([False, True] * 4), slice(0, 4)),
        ([True] * 3 + [False] * 5, slice(2, 7, 2)),
    ],
    ids=["steps", "steps up", "mask", "list"],
)
@pytest.mark.parametrize("is_copied", [False, True], ids=["as it is", "copied"])
def test_what_a_write_overwrites_before_it_reads_it_is_refused(index, part, is_copied):
    def function(x):
        y = np.concatenate((x, x * 2.0))
        seen = y[:]
        seen[index] = y[part].copy() if is_copied else y[part]
        return y @ np.arange(8.0)

    plain = np.concatenate((X, X * 2.0))
    expected = plain.copy()
    expected[index] = plain[part]
    plain[index] = plain[part]
    if is_copied or np.array_equal(plain, expected):
        assert_differentiates(function, X)
        return
    with pytest.raises(UnsupportedError, match="after they are overwritten"):
        record(function, X)


@pytest.mark.parametrize(
    ("index", "part", "is_followed"),
    [
        (slice(1, 4), slice(0, 3), False),
        (slice(None, None, 2), slice(0, 2), True),
        ([0, 1], slice(1, 3), True),
    ],
)
def test_what_a_write_by_flat_places_overwrites_before_it_reads_it_is_refused(index, part, is_followed):
    def function(x):
        y = x * 2.0
        y.flat[index] = y[part]
        return y @ np.arange(4.0)

    if is_followed:
        assert_untouched(function, X)
        assert_differentiates(function, X)
        return
    with pytest.raises(UnsupportedError, match="after they are overwritten"):
        record(function, X)


def test_a_method_that_writes_its_result_is_followed():
    def function(x):
        y = x * 2.0
        y.take([1, 2], out=y[:2])
        y.compress([True, False, True], out=y[2:])
        return y @ np.arange(4.0)

    assert_untouched(function, X)
    assert_differentiates(function, X)


def test_the_first_write_through_windows_that_overlap_is_refused_too():
    def function(x):
        made = np.zeros(3)
        seen = sliding_window_view(made, 2, writeable=True)
        seen[0, 1] = x[0]
        return seen.sum()

    with pytest.raises(UnsupportedError, match="elements share memory with each other"):
        record(function, X)


def readwrite(x):
    y = x * 1.0
    for each in np.nditer(y, ["external_loop"], ["readwrite"]):
        each[...] = each * 2
    return y.sum()


def allocating(x):
    with np.nditer([x, None]) as iterator:
        for each, made in iterator:
            made[...] = each * 2
        return iterator.operands[1].sum()


def into_the_other(x):
    y = np.zeros(4)
    for each, made in np.nditer((x, y), [], [["readonly"], ["writeonly"]]):
        made[...] = each
    return y.sum()


def nested(x):
    for _ in np.nested_iters(x.reshape(2, 2), [[0], [1]], op_flags=["readwrite"])[0]:
        pass
    return x.sum()


@pytest.mark.parametrize("function", [readwrite, allocating, into_the_other, nested])
def test_an_iterator_that_writes_into_copies_is_refused(function):
    line = function.__code__.co_firstlineno
    with pytest.raises(
        UnsupportedError, match=r"np\.\w+ that writes is not followed; at test_buffers_refused\.py:(\d+)"
    ) as e:
        record(function, X)
    assert f"py:{line + 1};" in str(e.value) or f"py:{line + 2};" in str(e.value)
