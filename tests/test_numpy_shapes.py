"""NumPy functions that move, choose, build and multiply: the arrays of the plain run, the gradients of central differences."""

from __future__ import annotations

import numpy as np
import pytest
from checks import assert_differentiates, assert_untouched
from numpy_arrays import CUBE, RANDOM, SQUARE, VECTOR

SHAPES = [
    lambda x: np.reshape(x, (3, 8)),
    lambda x: x.reshape(-1, 4),
    lambda x: x.reshape((4, -1)),
    lambda x: x.reshape([4, 6]),
    lambda x: np.reshape(x, -1),
    lambda x: np.transpose(x),
    lambda x: np.transpose(x, (1, 0, 2)),
    lambda x: np.transpose(x, axes=(2, 0, -2)),
    lambda x: x.transpose(),
    lambda x: x.transpose(2, 0, 1),
    lambda x: x.transpose((0, 2, 1)),
    lambda x: x.T,
    lambda x: np.squeeze(x[:1]),
    lambda x: np.squeeze(x[:1], axis=0),
    lambda x: x[:, :1].squeeze(1),
    lambda x: np.expand_dims(x, 1),
    lambda x: np.expand_dims(x, axis=(0, -1)),
    lambda x: np.broadcast_to(x, (5, 2, 3, 4)),
    lambda x: np.broadcast_to(x[:, :1], (2, 3, 4)),
    lambda x: np.ravel(x),
    lambda x: x.ravel(),
    lambda x: x.flatten(),
    lambda x: x.copy(),
    lambda x: np.copy(x),
    lambda x: x.astype(np.float64) * 2,
    lambda x: np.concatenate([x, x * 2, np.ones((2, 3, 4))]),
    lambda x: np.concatenate((x, x[:, :1]), axis=1),
    lambda x: np.concatenate([x, x], -1),
    lambda x: np.stack([x, 2 * x]),
    lambda x: np.stack([x, x], axis=1),
    lambda x: np.stack([x, np.ones((2, 3, 4))], -1),
    lambda x: np.where(x > 0, x, 2 * x),
    lambda x: np.where(x > 0, x, 0.0),
    lambda x: np.where([[True], [False], [True]], 3.0, x),
    lambda x: np.clip(x, -0.5, 0.5),
    lambda x: x.clip(-0.5, None),
    lambda x: np.clip(x, None, 0.5),
    lambda x: np.clip(x, a_min=-0.5, a_max=0.5),
    lambda x: np.clip(0.3, x, x + 1),
    lambda x: x[0],
    lambda x: x[-1, 1:, ::2],
    lambda x: x[..., 0],
    lambda x: x[:, None, 1],
    lambda x: x[1, 2, 3],
    lambda x: x[(1, 2, 3)],
    lambda x: x[0, :3, :3][np.diag_indices_from(np.ones((3, 3)) * x[0, 0, 0])],
    lambda x: x[[0, 0, 1]],
    lambda x: x[:, [2, 0], [1, 1]],
    lambda x: x[np.array([[0, 1], [1, 1]])],
    lambda x: x[x > 0],
    lambda x: x[:, np.array([True, False, True])],
    lambda x: x[np.array([-1, 1, 0]), :, np.array([0, 0, -1])],
    lambda x: x[np.argmax(x[:, 0, 0])],
    lambda x: np.array([[x[0, 0, 0], 1.0], [2, x[1, 2, 3]]]),
    lambda x: np.asarray([x[0], x[1] * 2]),
    lambda x: np.array(x),
    lambda x: np.asarray(x),
    lambda x: np.array([x, x]),
    lambda x: np.array((each.sum() for each in x).__next__()),
    lambda x: [row for plane in x for row in plane][4],
    lambda x: x[0] + [1.0, 2.0, 3.0, 4.0],
    lambda x: (1.0, 2.0, 3.0, 4.0) * x,
    lambda x: x.real.conj(),
    lambda x: x.item(5),
    lambda x: x.item(1, 2, 3) * x.sum().item(),
    lambda x: x.round(1) * x,
    lambda x: np.round(x, decimals=1) * x,
    lambda x: sum(x),
    lambda x: sum([x, x], start=x[0]),
    lambda x: max(x[0, 0]),
    lambda x: np.amax(x, 0) + np.amin(x),
    lambda x: -x + abs(x) - +x,
    lambda x: x**2 + x**3.0 + 2.0**x,
    lambda x: x**-1,
    lambda x: x // 0.7 * x + divmod(x, 0.7)[1],
    lambda x: np.modf(x)[0] + np.divmod(x, 0.7)[1],
]


@pytest.mark.parametrize("function", SHAPES)
def test_moving_choosing_and_building(function):
    assert_differentiates(lambda x: function(x) * 1.5, CUBE)
    assert_untouched(function, CUBE)
    assert_untouched(function, np.asfortranarray(CUBE))
    assert_untouched(function, CUBE.astype(np.float32))


PRODUCTS = [
    (lambda a, b: a @ b, [((2, 3), (3, 4)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2))]),
    (
        lambda a, b: a @ b,
        [((5, 2, 3), (5, 3, 4)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)), ((1, 2, 3), (5, 3, 4))],
    ),
    (lambda a, b: a @ b, [((5, 1, 2, 3), (4, 3, 2)), ((3,), (5, 3, 2)), ((5, 2, 3), (3,))]),
    (np.matmul, [((2, 3), (3, 4)), ((5, 2, 3), (3,))]),
    (
        np.dot,
        [((2, 3), (3, 4)), ((3,), (3,)), ((2, 3), (3,)), ((), (3,)), ((4, 2, 3), (5, 3, 2)), ((2, 3), ())],
    ),
    (np.outer, [((3,), (2,)), ((2, 2), (3,))]),
    (lambda a, b: np.einsum("ij,jk->ik", a, b), [((2, 3), (3, 4))]),
    (lambda a, b: np.einsum("bij,bjk", a, b), [((5, 2, 3), (5, 3, 4))]),
    (lambda a, b: np.einsum("...i,i->...", a, b), [((5, 2, 3), (3,))]),
    (lambda a, b: np.einsum("ii,i->", a, b), [((3, 3), (3,))]),
    (lambda a, b: np.einsum("ij,kl->jl", a, b, optimize=True), [((2, 3), (3, 4))]),
]


@pytest.mark.parametrize(
    ("function", "left", "right"), [(f, *pair) for f, pairs in PRODUCTS for pair in pairs]
)
def test_a_product(function, left, right):
    a, b = np.asarray(RANDOM.normal(size=left)), np.asarray(RANDOM.normal(size=right))
    assert_differentiates(lambda a, b: function(a, b) * 1.5, a, b)
    assert_differentiates(lambda a: function(a, b), a)
    assert_differentiates(lambda b: function(a, b), b)
    assert_untouched(function, a, b)
    assert_untouched(function, a.astype(np.float32), b)


def test_a_product_with_itself():
    assert_differentiates(lambda a: a @ a + np.dot(a, a.T) + np.einsum("ij,ij->i", a, a), SQUARE)
    assert_differentiates(lambda a: np.outer(a, a), VECTOR)
    assert_differentiates(lambda a: np.maximum(a, a) * np.where(a > 0, a, a), VECTOR)
