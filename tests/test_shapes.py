"""Functions that only move elements: NumPy's values to the bit, and the gradients of central differences."""

from __future__ import annotations

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from checks import assert_differentiates, assert_untouched

from tracer import record, trace
from tracer.errors import UnsupportedError

A = np.random.default_rng(3).normal(size=(4, 4))
B = np.random.default_rng(4).normal(size=(4, 4))
WEIGHTS = np.random.default_rng(5).normal(size=200)


def weighted(array, np=np):
    flat = np.reshape(array, -1)
    return np.sum(flat * flat * WEIGHTS[: flat.size])


ONE = {
    "tile": lambda np, x: np.tile(x, (2, 3)),
    "repeat": lambda np, x: np.repeat(x, 2, axis=1),
    "roll": lambda np, x: np.roll(x, -2, 1),
    "rot90": lambda np, x: np.rot90(x, 3),
    "fliplr": lambda np, x: np.fliplr(x),
    "flipud": lambda np, x: np.flipud(x),
    "tril": lambda np, x: np.tril(x, -1),
    "triu": lambda np, x: np.triu(x),
    "array_split": lambda np, x: np.array_split(x, 3)[0],
    "split": lambda np, x: np.split(x, [1, 3], axis=1)[1],
    "vsplit": lambda np, x: np.vsplit(x, 2)[1],
    "hsplit": lambda np, x: np.hsplit(x, 2)[1],
    "rollaxis": lambda np, x: np.rollaxis(x, 1),
    "append": lambda np, x: np.append(x, x * 2),
    "vstack": lambda np, x: np.vstack([x, x[0], x]),
    "hstack": lambda np, x: np.hstack((x, x * x)),
    "column_stack": lambda np, x: np.column_stack((x[0], x)),
    "pad": lambda np, x: np.pad(x, ((1, 0), (2, 1)), "constant", constant_values=3.0),
    "atleast_3d": lambda np, x: np.atleast_3d(x),
}
NUMPY_ONLY = {
    "roll both": lambda np, x: np.roll(x, (1, -2), (0, 1)),
    "concatenate": lambda np, x: np.concatenate((x, x[0]), axis=None),
    "dstack": lambda np, x: np.dstack([x, x]),
    "block": lambda np, x: np.block([[x, x * 2], [np.zeros((4, 4)), x]]),
    "insert": lambda np, x: np.insert(x, [1, 3], x[:2], axis=0),
    "insert scalar": lambda np, x: np.insert(x, 2, x[0, 0]),
    "delete": lambda np, x: np.delete(x, [0, 2], axis=1),
    "diagflat": lambda np, x: np.diagflat(x[0], 1),
    "resize": lambda np, x: np.resize(x, (3, 7)),
    "strides": lambda np, x: np.lib.stride_tricks.as_strided(x * 1.0, (2, 3), (x.itemsize * 2, x.itemsize)),
    "no strides": lambda np, x: np.lib.stride_tricks.as_strided(x * 1.0),
    "windows": lambda np, x: np.lib.stride_tricks.sliding_window_view(x, (2, 3)),
    "broadcast_arrays": lambda np, x: np.broadcast_arrays(x[0], x)[0],
    "meshgrid": lambda np, x: np.meshgrid(x[0], x[:, 1])[1],
    "method repeat": lambda np, x: x.repeat([1, 0, 2, 1], axis=0),
    "by name": lambda np, x: np.tile(A=x, reps=2),
    "atleast several": lambda np, x: np.atleast_2d(x[0], x[1])[1],
    **{
        f"pad {mode}": lambda np, x, mode=mode: np.pad(x, (2, 3), mode=mode)
        for mode in ("edge", "reflect", "symmetric", "wrap")
    },
}


@pytest.mark.parametrize("name", [*ONE, *NUMPY_ONLY])
def test_what_is_moved_takes_its_gradient_along(name):
    function = (ONE | NUMPY_ONLY)[name]
    finished = assert_differentiates(lambda x: weighted(function(np, x)), A)
    for kind in (np.float32, np.float64):
        assert_untouched(lambda x: function(np, x), A.astype(kind))
    narrow = record(lambda x: weighted(function(np, x)), A.astype(np.float32))
    assert narrow.grads["x"].dtype == np.float32
    if name in ONE:
        witness = autograd.grad(lambda x: weighted(ONE[name](anp, x), anp))(A)
        np.testing.assert_allclose(finished.grads["x"], witness, rtol=1e-10)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: np.vstack((x, y)),
        lambda x, y: np.block([[x], [y]]),
        lambda x, y: np.append(x, y, axis=0),
        lambda x, y: np.insert(x, 1, y, axis=1),
        lambda x, y: np.hstack((x, B, y)),
    ],
)
def test_several_operands_each_get_their_own(function):
    assert_differentiates(lambda x, y: weighted(function(x, y)), A, B)
    assert_untouched(function, A.astype(np.float32), B)


@pytest.mark.parametrize("name", ["tile", "roll", "vstack", "pad"])
def test_nothing_is_moved_too(name):
    moves = {
        "tile": lambda x: np.tile(x, 2),
        "roll": lambda x: np.roll(x, 1),
        "vstack": lambda x: np.vstack((x, x)),
        "pad": lambda x: np.pad(x, ((1, 1), (0, 0))),
    }
    assert_untouched(moves[name], np.zeros((0, 3)))
    assert record(lambda x: np.sum(moves[name](x)), np.zeros((0, 3))).grads["x"].shape == (0, 3)


def test_an_array_that_is_handed_on_stays_the_same_array():
    def function(x):
        y = x * 2
        assert np.atleast_1d(y) is y
        assert np.atleast_1d(y, y)[1] is y
        return np.sum(y)

    np.testing.assert_array_equal(record(function, A).grads["x"], np.full_like(A, 2))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.pad(x, 1, lambda *_: None),
        lambda x: np.lib.stride_tricks.as_strided(x.T, (2, 2), (8, 8)),
        lambda x: np.lib.stride_tricks.as_strided(x, (2, 2), (8, 4)),
        lambda x: np.lib.stride_tricks.as_strided(x, (2, 20), (8, 8)),
    ],
)
def test_what_would_compute_new_numbers_is_refused(function):
    with pytest.raises(UnsupportedError, match="not followed"):
        trace(function)(A)
