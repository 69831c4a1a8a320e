"""An array argument that the program reaches by a second way, as a global or a view, and writes into by one of them."""

import copy
import re
import threading
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from checks import central_differences, same
from second_way_rows import FEW, PARTS, WARNED, WAYS, WRITES, made

from tracer import record, trace
from tracer.errors import CutError, CutWarning, UnsupportedError
from tracer.standins import Traced
from tracer.structures import items_of, put_into

pytestmark = pytest.mark.filterwarnings("ignore:Setting the shape")  # NumPy's own, from 2.5 on

SHARED = np.arange(1.0, 5.0)
WHOLE = np.arange(1.0, 7.0).reshape(2, 3)
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
        (written_elsewhere, SHARED),
        (written_elsewhere, SHARED[:3]),
        (written_elsewhere, SHARED[::-1]),
        (written_elsewhere_in_large, LARGE),
    ],
)
def test_a_write_that_the_argument_misses_is_refused(function, argument):
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


A, X = np.array([1.0, 2.0, 3.0]), np.array([0.5, 1.5, 2.5])


def plainly(way, write, a, x):
    function, argument, _ = made(way, write, a.copy(), np)
    return function(argument, x.copy()), argument


def check(way, write):
    """What is recorded has the plain result and effect, and the gradients of differences; nothing stays behind."""
    expected, left = plainly(way, write, A, X)
    function, argument, names = made(way, write, A.copy(), np)
    finished = record(function, argument, X.copy())
    assert same(finished.result, expected)
    assert same(argument, left)
    assert not any(issubclass(type(each), Traced) for each in names.values())
    differences = central_differences(lambda a, x: plainly(way, write, a, x)[0], A, X)
    for ours, theirs in zip(finished.grads.values(), differences, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("write", FEW)
@pytest.mark.parametrize("way", WAYS)
def test_what_holds_an_argument_reads_what_is_written(way, write):
    check(WAYS[way], WRITES[write])


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("way", ["global", "part", "other order"])
def test_whatever_writes_is_read(way, write):
    check(WAYS[way], WRITES[write])


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("way", PARTS)
def test_what_an_argument_is_a_part_of_reads_what_is_written(way, write):
    check(PARTS[way], WRITES[write])


@pytest.mark.parametrize("way", WARNED)
def test_what_can_not_lead_to_the_argument_is_told(way):
    *lines, said = WARNED[way]
    expected, left = plainly(lines, "a[0] = x[1]", A, X)
    function, argument, _ = made(lines, "a[0] = x[1]", A.copy(), np)
    with pytest.warns(CutWarning, match=re.escape(f"{said}, which is written into here; at ")):
        finished = record(function, argument, X.copy())
    assert same(finished.result, expected)
    assert same(argument, left)
    function, argument, _ = made(lines, "a[0] = x[1]", A.copy(), np)
    with pytest.raises(CutError, match=re.escape(said)):
        trace(strict=True)(function)(argument, X.copy())


@pytest.mark.parametrize(
    ("way", "write", "array"),
    [
        ("iterator", "a[0] = x[1]", A),
        ("other type", "a[0] = x[1]", A),
        ("other type", "for at in range(100): a[at] = x[1]", np.ones(1000)),
    ],
)
def test_a_write_by_what_can_not_lead_to_the_argument_is_refused(way, write, array):
    setup, _, said = WARNED[way]
    read = "(np.copyto(next(kept) if 'kept' in globals() else W.view(float), 2.0), a.sum())[1]"
    function, argument, _ = made((setup, read), write, array.copy(), np)
    with (
        pytest.warns(CutWarning, match=re.escape(said)),
        pytest.raises(UnsupportedError, match="second way"),
    ):
        record(function, argument, X.copy())


def test_a_closure_of_who_calls_reads_what_is_written():
    weights = A.copy()

    def loss():
        return (weights**2).sum()

    def step(w, x):
        w -= 0.1 * x
        return loss()

    grads = record(step, weights, X).grads
    assert same(weights, A - 0.1 * X)
    assert np.allclose(grads["w"], 2 * weights)
    assert np.allclose(grads["x"], -0.2 * weights)


def test_what_is_raised_leaves_what_was_written():
    function, argument, names = made(("W = A", "1 // 0"), "a[0] = x[1]", A.copy(), np)
    with pytest.raises(ZeroDivisionError):
        record(function, argument, X)
    assert names["W"] is argument
    assert same(argument, np.array([1.5, 2.0, 3.0]))


CUTS = {
    "rows": lambda whole: (whole[0], whole[1]),
    "ends": lambda whole: (whole.reshape(-1)[:3], whole.reshape(-1)[3:]),
    "in turns": lambda whole: (whole.reshape(-1)[::2], whole.reshape(-1)[1::2]),
    "columns": lambda whole: (whole[:, 0], whole[:, :0:-2][:, 0]),
    "of two shapes": lambda whole: (whole.reshape(-1)[:4].reshape(2, 2), whole[1, 1:]),
}


def one_is_written(a, b, x):
    a[:] = x * b
    return (a * b).sum()


def both_are_written(a, b, x):
    b *= x
    a += b * x
    return (a * a * b).sum()


def what_they_are_parts_of_is_read(a, b, x):
    a[-1] = x
    total = (WHOLE**2).sum() * x
    b += a[-1] * x
    return total + (WHOLE**3).sum() + (WHOLE[0] * a.sum()).sum()


@pytest.mark.parametrize("function", [one_is_written, both_are_written, what_they_are_parts_of_is_read])
@pytest.mark.parametrize("cut", CUTS)
def test_parts_of_one_array_are_arguments(cut, function):
    kept = WHOLE.copy()
    a, b = map(np.copy, CUTS[cut](kept))

    def given(a, b):
        WHOLE[...] = kept
        parts = CUTS[cut](WHOLE)
        for part, numbers in zip(parts, (a, b), strict=True):
            part[...] = numbers
        return parts

    expected = function(*given(a, b), 2.0)
    left = WHOLE.copy()
    finished = record(function, *given(a, b), 2.0)
    assert same(finished.result, expected)
    assert same(WHOLE, left)
    differences = central_differences(lambda a, b, x: function(*given(a, b), float(x)), a, b, np.array(2.0))
    for ours, theirs in zip(finished.grads.values(), differences, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    WHOLE[...] = kept


def test_a_part_that_no_argument_sees_is_a_constant(monkeypatch):
    whole = np.arange(1.0, 7.0)
    monkeypatch.setitem(globals(), "SHARED", whole[4:])

    def function(a, b, x):
        a *= x
        return (a * b).sum() * SHARED.sum()

    finished = record(function, *whole[:4].reshape(2, 2), 2.0)
    assert finished.result == 22.0 * 11.0
    assert finished.grads["x"] == 11.0 * 11.0
    assert same(finished.grads["b"], np.array([22.0, 44.0]))
    assert same(whole, np.array([2.0, 4.0, 3.0, 4.0, 5.0, 6.0]))


def test_another_thread_reads_plain_numbers():
    model = SimpleNamespace(W=A.copy())
    seen = []

    def step(w, x):
        w[0] = x[1]
        reader = threading.Thread(target=lambda: seen.append((type(model.W + 0.0), (model.W * 1.0).sum())))
        reader.start()
        reader.join()
        return model.W.sum()

    with pytest.warns(CutWarning, match="another thread"):
        finished = record(step, model.W, X)
    assert seen == [(np.ndarray, 6.5)]
    assert same(finished.grads["x"], np.array([0.0, 1.0, 0.0]))


def test_the_trace_of_another_thread_waits_for_its_turn():
    model = SimpleNamespace(W=A.copy())
    found, threads = [], []

    def step(w, x):
        w *= x
        return model.W.sum()

    def first(w, x):
        w[0] = x[1]
        threads.append(threading.Thread(target=lambda: found.append(record(step, model.W, X))))
        threads[0].start()
        return model.W.sum()

    assert same(record(first, model.W, X.copy()).grads["x"], np.array([0.0, 1.0, 0.0]))
    threads[0].join()
    assert same(found[0].grads["x"], np.array([1.5, 2.0, 3.0]))
    assert same(model.W, X * [1.5, 2.0, 3.0])


PARAMS = [1.0, 2.0]
TABLE = {"w": 1.0}


@dataclass
class Model:
    w: float

    def loss(self):
        return self.w * 2.0


MODEL = Model(3.0)


def loss_of_params():
    return PARAMS[0] * 2.0


def read_as_a_global(params, x):
    params[0] = x
    return loss_of_params()


def read_in_a_lambda(params, x):
    params[0] = x
    return (lambda: sum(PARAMS))()


def read_by_its_key(table, x):
    table["w"] = x
    return TABLE["w"] * x


def read_as_an_object(model, x):
    model.w = x
    return MODEL.loss()


def read_by_a_bound_method(params, x):
    params[0] = x
    return bound_loss()


def read_by_a_partial(params, x):
    params[0] = x
    return partial_loss() * x


class Net:
    weights = (1.0, 2.0)

    def __init__(self):
        self.params = list(self.weights)

    def loss(self):
        return sum(self.params)


NET = Net()
bound_loss = NET.loss
KEPT = {"inner": [1.0, 2.0]}
partial_loss = partial(sum, KEPT["inner"])


def read_in_a_container(params, x):
    params[0] = x
    return KEPT["inner"][0] * x


def only_updated(params, x):
    for at in range(len(params)):
        params[at] = params[at] - 0.1 * x
    return sum(params)


def updated_object(model, x):
    model.w = model.w * x
    return model.loss()


LIST, DICT, OBJECT = [1.0, 2.0], {"w": 1.0}, Model(3.0)


def written_as_a_global(params, x):
    LIST[1] = x
    return params[1]


def grown_as_a_global(params, x):
    LIST.append(x)
    return sum(params)


def written_by_its_key(table, x):
    DICT["w"] = x
    return table["w"]


def written_as_an_object(model, x):
    OBJECT.w = x
    return model.w


@pytest.mark.parametrize(
    ("function", "argument"),
    [
        (read_as_a_global, PARAMS),
        (read_in_a_lambda, PARAMS),
        (read_by_its_key, TABLE),
        (read_as_an_object, MODEL),
        (read_by_a_bound_method, NET.params),
        (read_by_a_partial, KEPT["inner"]),
        (read_in_a_container, KEPT["inner"]),
        (only_updated, PARAMS),
        (updated_object, MODEL),
        (written_as_a_global, LIST),
        (grown_as_a_global, LIST),
        (written_by_its_key, DICT),
        (written_as_an_object, OBJECT),
    ],
)
def test_every_way_to_a_container_leads_to_the_same_inputs(function, argument):
    before = copy.copy(argument)

    def computed(call, x):
        put_into(argument, dict(items_of(before)))
        return call(function, argument, x)

    def plain(x):
        return computed(lambda function, *given: function(*given), x)

    plainly = plain(4.0)
    left = copy.copy(argument)
    finished = computed(record, 4.0)
    assert same(finished.result, plainly)
    assert same(argument, left)
    assert finished.grads["x"] == pytest.approx(
        (plain(4.5) - plain(3.5)), rel=1e-9
    )  # at most of degree two
    put_into(argument, dict(items_of(before)))


def test_a_closure_reads_what_is_written_into_a_container():
    kept = [1.0, 2.0]

    def step(params, x):
        params[0] = x
        return sum(kept) * x

    assert record(step, kept, 3.0).grads["x"] == 8.0
    assert kept == [3.0, 2.0]
