"""A traced whole number as a shift, a count, an axis or an index: a plain read, without a warning."""

import time

import numpy as np
import pytest
from checks import assert_untouched

from tracer import record
from tracer.errors import CutWarning

X = np.array([3.0, 1.0, 2.0, 5.0])
V = np.array([0.5, 4.0, 1.5, 3.0])
A = np.arange(6.0).reshape(2, 3) + 0.5
RNG = np.random.default_rng(0)

OF_A_TRACED_ARRAY = {
    "roll": lambda x, n: np.roll(x, n) * V,
    "roll, by axes": lambda x, n: np.roll(x.reshape(2, 2), (1, n), axis=(0, n - 1)) * A[:, :2],
    "tile": lambda x, n: np.tile(x, n) * np.arange(8),
    "tile, by axes": lambda x, n: np.tile(x, (n, 1)) * V,
    "repeat": lambda x, n: np.repeat(x, n) * np.arange(8),
    "x.repeat": lambda x, n: x.repeat([n, 0, 1, n]) * np.arange(5),
    "take": lambda x, n: np.take(x, n),
    "take, a list": lambda x, n: x.take([n, 0]) * V[:2],
    "rot90": lambda x, n: np.rot90(x.reshape(2, 2), n) * A[:, :2],
    "tril": lambda x, n: np.tril(x.reshape(2, 2), n - 3),
    "triu": lambda x, n: np.triu(x.reshape(2, 2), k=n - 1),
    "resize": lambda x, n: np.resize(x, (n, 3)) * A,
    "delete": lambda x, n: np.delete(x, n) * V[:3],
    "pad": lambda x, n: np.pad(x, (n, 1), mode="edge") * np.arange(7),
    "index": lambda x, n: x[[n, 0]] * V[:2],
}
OF_A_PLAIN_ARRAY = {
    "roll": lambda n: np.roll(V, n),
    "tile": lambda n: np.tile(V, n),
    "repeat": lambda n: np.repeat(V, n),
    "V.repeat": lambda n: V.repeat(n),
    "take": lambda n: np.take(V, [n, 0]),
    "V.take": lambda n: V.take(n),
    "rot90": lambda n: np.rot90(A, n),
    "tril": lambda n: np.tril(A, n - 1),
    "resize": lambda n: np.resize(V, n),
    "delete": lambda n: np.delete(V, n),
    "pad": lambda n: np.pad(V, n),
    "partition": lambda n: np.partition(V, n),
    "index": lambda n: V[[n, 0]],
    "tri": lambda n: np.tri(n, k=n - 1),
    "indices": lambda n: np.indices((n, 3)),
    "triu_indices": lambda n: np.triu_indices(n)[1],
    "diag_indices": lambda n: np.diag_indices(n)[0],
    "hanning": lambda n: np.hanning(n + 2),
    "bartlett": lambda n: np.bartlett(n + 2),
    "polyfit": lambda n: np.polyfit(V, V**2, n),
    "arange": lambda n: np.arange(n),
    "zeros": lambda n: np.zeros((n, n)) + 1,
    "eye": lambda n: np.eye(n),
    "integers": lambda n: RNG.integers(n, size=1) * 0,
}
OF_A_VALUE = {
    "float()": lambda n: float(n),
    "int()": lambda n: int(n),
    "mean of random numbers": lambda n: RNG.normal(n, 0.0),
    "array of whole numbers": lambda n: np.array([n, 1])[0],
    "filling of whole numbers": lambda n: np.full(2, n)[0],
}


@pytest.mark.parametrize("name", OF_A_TRACED_ARRAY)
def test_a_traced_count_of_a_traced_array_is_read(name):
    def function(x, n):
        return OF_A_TRACED_ARRAY[name](x, n).sum()

    assert_untouched(function, X, 2)
    expected = record(lambda x: function(x, 2), X.copy()).grads["x"]
    finished = record(function, X.copy(), 2)
    np.testing.assert_array_equal(finished.grads["x"], expected)
    assert finished.grads["n"] == 0


@pytest.mark.parametrize("name", OF_A_PLAIN_ARRAY)
def test_a_traced_count_of_a_plain_array_is_read(name):
    def function(x, n):
        return OF_A_PLAIN_ARRAY[name](n).sum() * x

    assert_untouched(function, 2.0, 2)
    finished = record(function, 2.0, 2)
    assert finished.grads["x"] == pytest.approx(OF_A_PLAIN_ARRAY[name](2).sum())
    assert finished.grads["n"] == 0


@pytest.mark.parametrize("name", OF_A_VALUE)
def test_a_traced_whole_number_that_is_a_value_leaves_with_a_warning(name):
    with pytest.warns(CutWarning, match="left the graph"):
        assert record(lambda x, n: OF_A_VALUE[name](n) * x, 3.0, 2).grads["x"] == 2


def test_a_traced_time_to_sleep_is_read():
    def function(x):
        time.sleep(x * 1e-6)
        return x * 2

    assert record(function, 1.0).grads["x"] == 2
