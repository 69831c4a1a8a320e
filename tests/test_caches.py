"""Functions with a cache, and numbers as keys: two values that are equal are still two."""

import functools
import json
import warnings

import numpy as np
import pytest
from checks import assert_differentiates

from tracer import record, trace
from tracer.errors import CutWarning


@functools.lru_cache
def square(x, *, scale=1.0):
    return x * x * scale


@functools.cache
def legendre(n, x):
    if n < 2:
        return x if n else 1.0
    return ((2 * n - 1) * x * legendre(n - 1, x) - (n - 1) * legendre(n - 2, x)) / n


@functools.cache
def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def memoised(x, y):
    known = {}

    def squared(value):
        if value not in known:
            known[value] = value * value
        return known[value]

    return squared(x) * squared(y)


class Curve:
    @functools.lru_cache  # noqa: B019  (that it keeps the object is what people do)
    def at(self, x):
        return x * x


def kept_by_a_method(x, curve=Curve()):
    return curve.at(x) * x


def decorated_inside(x, y):
    @functools.lru_cache
    def inside(value):
        return value * value

    return inside(x) * inside(y)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: square(x) * square(y) + square(x, scale=y),
        lambda x, y: legendre(40, x / 2) * square(y, scale=2.0),
        lambda x, y: fibonacci(20) * x * y,
        memoised,
        decorated_inside,
    ],
)
@pytest.mark.parametrize("arguments", [(1.3, 0.7), (0.7, 1.3)])
def test_a_cache_is_followed(function, arguments):
    for _ in range(2):
        assert_differentiates(function, *arguments)


def test_equal_numbers_in_a_cached_function_are_two_values():
    square(1.3)
    finished = record(lambda x, y: square(x) + 3 * square(y), 1.3, 1.3)
    assert finished.grads == {"x": 2.6, "y": pytest.approx(7.8)}
    assert record(square, 1.3).grads["x"] == 2.6
    assert square.cache_info().currsize >= 1


@functools.lru_cache
def of_a_pair(pair):
    return pair[0] * pair[1][0]


def test_traced_numbers_in_tuples_are_told_apart_and_not_kept():
    of_a_pair.cache_clear()
    finished = record(lambda x, y: of_a_pair((x, (y,))) + 3 * of_a_pair((y, (y,))), 1.5, 1.5)
    assert finished.grads == {"x": 1.5, "y": 1.5 + 9.0}
    assert of_a_pair.cache_info().currsize == 0


def test_a_cache_keeps_nothing_of_a_trace():
    square.cache_clear()
    record(lambda x: square(x), 5.0)
    assert square.cache_info().currsize == 0
    assert json.dumps(square(5.0)) == "25.0"
    assert type(square) is type(functools.lru_cache(len))


def test_a_cached_function_is_called_once_for_each_value():
    calls = []

    @functools.cache
    def counted(x):
        calls.append(x)
        return x * 2

    assert record(lambda x: counted(x) + counted(x) + counted(x + 1), 3.0).grads["x"] == 6.0
    assert len(calls) == 2


@pytest.mark.parametrize(
    ("function", "arguments", "via"),
    [
        (memoised, (1.3, 1.3), "a key that equals another one"),
        (decorated_inside, (1.3, 1.3), "a key that equals another one"),
        (lambda x: {1.3: 2.0}[x] * x, (1.3,), "a key that equals another one"),
        (lambda x: {1.3: 2.0}[np.array([x, x])[1]] * x, (1.3,), "a key that equals another one"),
        (lambda x: {1.3: 2.0}.get(x) * x, (1.3,), "a key that equals another one"),
        (lambda x, y: len({x, y}) * x, (1.3, 1.3), "a key that equals another one"),
        (lambda x, y: {(x, 1): y}[y, 1], (1.3, 1.3), "a key that equals another one"),
        (lambda n, x: legendre(n, x), (5, 0.3), "the cache of a function"),
        (lambda n: fibonacci(n) * 1.0, (9,), "the cache of a function"),
    ],
)
def test_where_one_value_stands_for_another_a_cut_says_so(function, arguments, via):
    with pytest.warns(CutWarning, match=rf"left the graph through {via}.*; at test_caches\.py:\d+"):
        finished = record(function, *arguments)
    assert finished.result == function(*arguments)


def test_a_method_that_was_called_before_the_trace():
    kept_by_a_method(1.3)
    assert record(kept_by_a_method, 1.3).grads["x"] == pytest.approx(3 * 1.3**2)
    assert type(vars(Curve)["at"]) is type(square)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: {x: x * y}[x],
        lambda x, y: {x: x, y: y}[x] if x == y else y,
        lambda x, y: [hash(x), x in (y, 2.0), x == y, x * y][3],
        lambda x, y: {x: y}[1.3] * x,
        lambda x, y: [hash(x), x in [1.3, 2.0], y][2],
        lambda x, y: [{x: 1.0}.setdefault(x, 2.0), {1: x}[1] * y][1],
    ],
)
def test_other_keys_are_reads(function):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert trace(strict=True)(function)(1.3, 0.7) == function(1.3, 0.7)


KEPT, KEPTS = 1.37, np.array([1.37, 2.5])


class Last:
    """Keeps what it computed last, as programs do that hand one function to an optimiser and its slopes."""

    def __init__(self, is_same):
        self.x, self.is_same = None, is_same

    def __call__(self, x):
        if self.x is None or not self.is_same(self.x, x):
            self.x, self.y = np.copy(x) if np.ndim(x) else x, np.sum(x * x)
        return self.y * np.sum(x)


@pytest.mark.parametrize(
    ("is_same", "x"),
    [
        (lambda kept, x: kept == x, 1.37),
        (lambda kept, x: not kept != x, 1.37),  # noqa: SIM202  (as users write it)
        (lambda kept, x: x in (kept, 7.0), 1.37),
        (np.array_equal, np.array([2.0, 1.37])),
        (lambda kept, x: (x == kept).all(), np.array([2.0, 1.37])),
        (lambda kept, x: not np.any(kept != x), np.array([2.0, 1.37])),
    ],
)
def test_what_is_equal_to_a_number_that_the_program_has_kept_is_told(is_same, x):
    function = Last(is_same)
    plain = function(x)
    with pytest.warns(
        CutWarning, match="through a comparison with an equal value that the program has kept"
    ):
        assert record(function, x).result == plain
    function.x = None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(
            record(function, x + 1).grads["x"], 2 * (x + 1) * np.sum(x + 1) + np.sum((x + 1) ** 2)
        )


def checked(x, w):
    assert x == KEPT or np.array_equal(w, w)
    np.testing.assert_array_equal([x], [x])
    np.testing.assert_allclose(x * KEPTS, x * KEPTS)
    return x * 2


def converged(x, _):
    last, count = 0.0, 0
    for _ in range(9):
        if x == last:
            break
        if last != x:
            count += 1
        last = float(x)
    return x * count


def bounded(x, _):
    y = min(x, KEPT)
    if y == KEPT and not y != KEPT:  # noqa: SIM202  (as users write it)
        return np.sin(x)
    return y * x


def skipping(x, _):
    total = x
    for each in (KEPT, 2.0):
        if x == each:
            continue
        total = total + each / (x - each + 9)
    return total


@pytest.mark.parametrize(
    "function",
    [
        lambda x, w: x * 2 if x == 1.37 else x,
        lambda x, w: x * 2 if x == ROUND else x,
        lambda x, w: (x * w * (w == ROUNDS)).sum() if x == x * 1.0 else x,
        lambda x, w: x * np.sum(w[w == w.max()]) * (w == KEPT_ELSEWHERE).sum(),
        checked,
        converged,
        bounded,
        skipping,
        lambda x, w: x * 2 if not x != KEPT or x in (KEPT, 2 * KEPT) else x,  # noqa: SIM202  (as users write it)
    ],
)
def test_what_is_equal_by_chance_or_as_it_is_written_is_not_told(function):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        record(function, 1.37, np.array([1.0, 2.5]))
        record(function, 2.0, np.array([1.0, 2.5]))


class Memo:
    """As above, in a class."""

    x, y, has = KEPT, 2.5, {KEPT: 2.5}.get


def memo_returned(x):
    if x == Memo.x:
        return x * Memo.y
    return x


def memo_left(x):
    y = Memo.y
    if x != Memo.x:
        y = x * x
    return x * y


def memo_searched(x):
    value = x
    for key, value in ((1.0, 2.0), (KEPT, 2.5)):  # noqa: B007  (as users write it)
        if key == x:
            break
    return x * value


def memo_in_order(x):
    for key, value in ((1.0, 2.0), (KEPT, 2.5)):
        if key != x:
            continue
        return x * value
    return x


def memo_of_a_method(x, get=Memo.has):
    return x * get(KEPT) if x == KEPT else x


def memo_after_an_error(x):
    try:
        assert x != KEPT
    except AssertionError:
        return x * Memo.y
    return x


def memo_of_another_value(x):
    last, y, total = None, 0.0, x
    for each in (x, x * 1.0):
        if each == last:
            total = total + y
        else:
            y, last = each * each, float(each)
    return total


@pytest.mark.parametrize(
    "function",
    [
        memo_returned,
        memo_left,
        memo_searched,
        memo_in_order,
        memo_of_a_method,
        memo_of_another_value,
        memo_after_an_error,
    ],
)
def test_what_is_taken_for_an_equal_number_is_told(function):
    with pytest.warns(
        CutWarning, match="through a comparison with an equal value that the program has kept"
    ):
        record(function, KEPT)


ROUND, ROUNDS, KEPT_ELSEWHERE = 2.0, np.array([1.0, 2.5]), np.array([1.37, 2.5])
