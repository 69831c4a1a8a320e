"""Methods that are given a traced value which nobody asks: `X.dot(w)` of a plain X, `np.add.reduce([x, y])`."""

import gc
import pickle
from functools import partial, reduce
from operator import methodcaller

import numpy as np
import pytest
from checks import assert_differentiates, assert_untouched

from tracer import array_methods, record

X, Y = np.arange(6.0).reshape(3, 2), np.arange(12.0).reshape(2, 6)
W = np.array([1.0, 2.0])


class Layer:
    def __init__(self):
        self.X = X

    def forward(self, w):
        return self.X.dot(w)


def in_a_helper(w):
    return X.dot(w)


def of_an_import(w):
    import numpy as np

    return np.dot(X, w) + X.copy().dot(w)


@pytest.mark.parametrize(
    "function",
    [
        lambda w: X.dot(w).sum(),
        lambda w: (X.T.dot(X.dot(w)) * w).sum(),
        lambda w: X.dot(w[:, None])[1, 0],
        lambda w: X.dot(w[0] * 2.0).sum(),
        lambda w: X.dot([w[0], w[1]]).sum(),
        lambda w: X.dot(w, None).sum(),
        lambda w: X.dot(w, out=np.zeros(3)).sum(),
        lambda w: w.dot(Y).sum(),
        lambda w: np.random.RandomState(0).randn(3, 2).dot(w).sum(),
        lambda w: sum(map(X[1].dot, [w, w * 2.0])),
        lambda w: np.ndarray.dot(X, w).sum(),
        lambda w: reduce(np.ndarray.dot, [np.eye(2), np.eye(2) * w[0], X.T]).sum(),
        lambda w: Layer().forward(w).sum() * in_a_helper(w).sum() * of_an_import(w).sum(),
        lambda w: getattr(X, "dot")(w).sum() * methodcaller("dot", w)(X).sum(),  # noqa: B009
        lambda w: np.add.reduce([w[0], w[1] * w[0]]) * np.multiply.outer((w[0], 2.0), [w[1]]).sum(),
        lambda w: np.add.reduce(X, None, initial=w[0]) + np.maximum.reduce((w, w[::-1], X[0])).sum(),
        lambda w: np.multiply.reduceat([w[0], w[1], w[0]], [0, 2]) @ np.add.accumulate([w[1], w[0]]),
        lambda w: np.add.reduce(axis=1, array=[[w[0], 1.0], w], out=np.zeros(2)).prod(),
        lambda w: sum(map(np.logaddexp.reduce, [[w[0], w[1]], w])),
        lambda w: np.array([0, 1, 1]).choose([w[0], w[1] * w[0]]).sum(),
        lambda w: record(lambda v: X.dot(v).sum(), W).grads["v"].sum() * X.dot(w).sum(),
    ],
)
def test_a_method_of_a_plain_array_is_followed(function):
    assert_untouched(function, W)
    assert_differentiates(function, W)


def test_the_class_is_as_it_was_afterwards():
    methods, of_ufuncs = dict(vars(np.ndarray)), dict(vars(np.ufunc))

    def fails(w):
        assert np.ndarray.dot.__name__ == X.dot.__name__ == "dot"
        return X.dot(w[:1])

    with pytest.raises(ValueError, match="not aligned"):
        record(fails, W)
    held = [lambda w: w]

    def keeps(w):
        held[:] = X.dot, (np.ndarray.choose,), partial(X.dot, w), partial(np.ndarray.dot, X)
        return X.dot, X.dot(w), np.add.reduce

    kept, _, reducing = record(keeps, W).result
    assert dict(vars(np.ndarray)) == methods
    assert dict(vars(np.ufunc)) == of_ufuncs
    assert type(reducing) is type(gc.get_objects)
    assert type(X.dot) is type(gc.get_objects)
    assert held[0] == kept == held[2].func == X.dot
    assert pickle.dumps(kept) == pickle.dumps(X.dot)
    assert held[1] == (np.ndarray.choose,)
    assert (held[3].func, held[3](W).tolist()) == (np.ndarray.dot, X.dot(W).tolist())


@pytest.mark.parametrize("function", [lambda w: np.dot(X, w).sum(), lambda w: (X @ w).sum()])
def test_a_program_without_one_leaves_the_class_alone(function, monkeypatch):
    monkeypatch.setattr(array_methods, "exchange", None)
    record(function, W)


def test_what_is_wrong_is_what_numpy_says_of_it():
    for call in (
        lambda w: X.dot() * w,
        lambda w: np.add.reduce([w[0]], 0, axis=0),
        lambda w: np.add.reduce([w[0]], bad=0),
        lambda w: np.add.reduceat([w[0]]),
    ):
        with pytest.raises(TypeError) as plain:
            call(W)
        with pytest.raises(TypeError) as traced:
            record(call, W)
        assert str(traced.value) == str(plain.value)
