"""np.linalg end to end: NumPy's results to the bit, central differences, and HIPS autograd as the second witness."""

from __future__ import annotations

import numpy as np
import pytest
from checks import assert_differentiates, assert_untouched

from tracer import load, record
from tracer.errors import UnsupportedError

RANDOM = np.random.default_rng(3)
SQUARE = RANDOM.normal(size=(3, 3)) + 3 * np.diag([1.0, -2.0, 3.0])
BATCH = RANDOM.normal(size=(2, 3, 3)) + 4 * np.eye(3)
TALL = RANDOM.normal(size=(4, 3))
WIDE = TALL.T.copy()
VECTOR = np.array([0.7, -1.3, 2.1])
REAL = np.array([[3.0, 0.4, -0.2], [0.1, 6.0, 0.5], [0.3, -0.4, 9.0]])  # as its eigenvalues are
WEIGHTS = RANDOM.normal(size=(4, 4))


def spd(a):
    return a @ np.swapaxes(a, -1, -2) + np.eye(a.shape[-2])


def weighed(a):
    """Give every element of a result its own weight, so that none can stand for another."""
    return (
        (a * WEIGHTS[: a.shape[-2], : a.shape[-1]]).sum()
        if np.ndim(a) > 1
        else (a * WEIGHTS[0, : len(a)]).sum()
    )


FUNCTIONS = {
    "inv": (lambda np, a: weighed(np.linalg.inv(a)), SQUARE, BATCH),
    "det": (lambda np, a: np.linalg.det(a).sum(), SQUARE, BATCH),
    "slogdet": (lambda np, a: (np.linalg.slogdet(a)[0] * np.linalg.slogdet(a)[1]).sum(), SQUARE, BATCH),
    "solve": (lambda np, a: weighed(np.linalg.solve(a, a * a)), SQUARE, BATCH),
    "solve vector": (lambda np, a: weighed(np.linalg.solve(a, a[0])), SQUARE),
    "cholesky": (
        lambda np, a: weighed(np.linalg.cholesky(np.matmul(a, np.swapaxes(a, -1, -2)))),
        SQUARE,
        BATCH,
    ),
    "eigh": (
        lambda np, a: weighed(np.linalg.eigh(a)[1] ** 2) + np.linalg.eigh(a)[0][..., 1].sum(),
        spd(SQUARE),
        spd(BATCH),
    ),
    # Complex in any case from NumPy 2.5 on
    "eig": (
        lambda np, a: weighed(np.real(np.linalg.eig(a)[1] ** 2)) + np.real(np.linalg.eig(a)[0])[1],
        REAL,
    ),
    "svd": (
        lambda np, a: (
            sum(weighed(x * x) for x in np.linalg.svd(a, full_matrices=False)[::2])
            + np.linalg.svd(a, full_matrices=False)[1][..., 0].sum()
        ),
        TALL,
        WIDE,
        BATCH,
    ),
    "svd values": (lambda np, a: weighed(np.linalg.svd(a, compute_uv=False)), SQUARE),
    "pinv": (lambda np, a: weighed(np.linalg.pinv(a)), TALL, WIDE),
    "norm": (lambda np, a: np.linalg.norm(a), SQUARE, VECTOR, BATCH, np.array(2.5)),
    "norm of rows": (lambda np, a: np.linalg.norm(a, axis=-1).sum(), SQUARE, BATCH),
    "norm nuc": (lambda np, a: np.linalg.norm(a, "nuc"), SQUARE, TALL),
    "trace": (lambda np, a: np.trace(a, 1), SQUARE, TALL),
    "diag": (lambda np, a: weighed(np.diag(a, 0)), SQUARE, VECTOR),
    "kron": (lambda np, a: (np.kron(a, np.array([[1.0, 2.0]])) ** 2).sum(), SQUARE),
}
ALONE = {  # what the second witness does not have
    "svd of a square": (lambda np, a: weighed(np.linalg.svd(a)[0] * np.linalg.svd(a)[2]), SQUARE),
    "diagonal": (lambda np, a: weighed(np.diagonal(a, -1)), SQUARE, TALL),
    "vector_norm": (lambda np, a: np.linalg.vector_norm(a, ord=3), SQUARE, VECTOR, BATCH),
    "matrix_norm": (lambda np, a: np.linalg.matrix_norm(a, ord=2).sum(), SQUARE, BATCH),
    "norm inf": (lambda np, a: np.linalg.norm(a, np.inf), SQUARE, VECTOR),
    "norm over axes": (lambda np, a: np.linalg.norm(a, 1, axis=(2, 0), keepdims=True).sum(), BATCH),
    "upper": (lambda np, a: weighed(np.linalg.cholesky(spd(a), upper=True)), SQUARE),
    "eigvalsh": (lambda np, a: weighed(np.linalg.eigvalsh(a, "U")), spd(SQUARE)),
    "eigvals": (lambda np, a: weighed(np.real(np.linalg.eigvals(a))), REAL),
    "svdvals": (lambda np, a: weighed(np.linalg.svdvals(a)), SQUARE, TALL),
    "qr": (lambda np, a: sum(weighed(x) for x in np.linalg.qr(a)), SQUARE, TALL, WIDE, BATCH),
    "r": (lambda np, a: weighed(np.linalg.qr(a, mode="r")), SQUARE, TALL, WIDE),
    "complete": (lambda np, a: weighed(np.linalg.qr(a, "complete").Q), SQUARE, WIDE),
    "matrix_power": (lambda np, a: weighed(np.linalg.matrix_power(a, -3)), SQUARE, BATCH),
    "lstsq": (lambda np, a: weighed(np.linalg.lstsq(a, a[:, 0] ** 2, rcond=None)[0]), TALL, WIDE, SQUARE),
    "residuals": (lambda np, a: np.linalg.lstsq(a, a[:, :2] ** 2)[1].sum(), TALL),
    "multi_dot": (lambda np, a: weighed(np.linalg.multi_dot([a, a.T, a])), TALL),
    "tensorinv": (lambda np, a: np.linalg.tensorinv(a, 1)[1].sum(), SQUARE),
    "tensorsolve": (lambda np, a: weighed(np.linalg.tensorsolve(a, a[:, 0])), SQUARE),
    "cond": (lambda np, a: np.linalg.cond(a) + np.linalg.cond(a, 1), SQUARE),
    "aliases": (
        lambda np, a: weighed(np.linalg.matmul(a, a)) + weighed(np.linalg.outer(a[0], a[1]))
        + np.linalg.trace(a, offset=1) + weighed(np.linalg.diagonal(a)) + weighed(np.linalg.tensordot(a, a, axes=1))
        + weighed(np.linalg.vecdot(a, a[::-1])) + weighed(np.linalg.matrix_transpose(a)) + weighed(a.mT @ a)
        + weighed(np.linalg.cross(a, a[::-1])) + weighed(np.cross(a, a[0], axisa=0)) + a.trace() + weighed(a.diagonal(1)),
        SQUARE,
    ),
    "vecdot": (lambda np, a: weighed(np.vecdot(a, a[::-1])), SQUARE),
}  # fmt: skip
EACH = [(name, f, a) for name, (f, *arrays) in (FUNCTIONS | ALONE).items() for a in arrays]
WITNESSED = [each for each in EACH if each[0] in FUNCTIONS]


@pytest.mark.parametrize(("name", "f", "a"), EACH, ids=[each[0] for each in EACH])
def test_gradients_are_those_of_central_differences(name, f, a):
    del name
    assert_differentiates(lambda a: f(np, a), a, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "f", "a"), WITNESSED, ids=[each[0] for each in WITNESSED])
def test_gradients_are_those_of_autograd(name, f, a):
    pytest.importorskip("autograd.numpy")
    witness = pytest.importorskip("autograd")
    if name == "slogdet" and a.ndim > 2:
        pytest.skip("autograd's rule is for one matrix")
    expected = witness.grad(lambda a: f(witness.numpy, a))(a)
    np.testing.assert_allclose(record(lambda a: f(np, a), a).grads["a"], expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize(("name", "f", "a"), EACH, ids=[each[0] for each in EACH])
def test_single_precision_stays(name, f, a):
    del name
    narrow = record(lambda a: f(np, a), a.astype(np.float32)).grads["a"]
    assert narrow.dtype == np.float32
    np.testing.assert_allclose(narrow, record(lambda a: f(np, a), a).grads["a"], rtol=0.02, atol=0.02)


@pytest.mark.parametrize(
    "function",
    [
        *(
            getattr(np.linalg, name)
            for name in "inv det slogdet eigh eigvalsh svd svdvals qr pinv cond norm".split()
        ),
        *(
            getattr(np.linalg, name)
            for name in "matrix_rank vector_norm matrix_norm diagonal trace".split()
        ),
        lambda a: np.linalg.cholesky(spd(a)),
        lambda a: np.linalg.lstsq(a, a[0]),
        lambda a: np.linalg.lstsq(a, a),
        lambda a: np.linalg.norm(a, 0, axis=1),
        lambda a: np.linalg.solve(a, np.ones(4)),
        lambda a: np.diagonal(a),
        np.diag,
    ],
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_results_are_numpys_to_the_bit_and_type(function, dtype):
    assert_untouched(lambda a: function(a), SQUARE.astype(dtype))


@pytest.mark.parametrize("function", [np.linalg.inv, np.linalg.det, np.linalg.svdvals])
def test_no_matrices_give_no_gradient_elements(function):
    gradient = record(lambda a: function(a).sum(), np.zeros((0, 3, 3))).grads["a"]
    assert gradient.shape == (0, 3, 3)


def test_a_sign_and_a_count_take_steps():
    assert np.array_equal(
        record(lambda a: a[0, 0] * np.linalg.slogdet(a)[0], SQUARE).grads["a"], np.diag([-1.0, 0, 0])
    )
    assert record(lambda x: x[0] * np.linalg.norm(x, 0), VECTOR).grads["x"].tolist() == [3, 0, 0]


def test_one_system_for_a_batch_of_sides_gets_the_sum():
    sides = RANDOM.normal(size=(2, 3, 2))
    assert_differentiates(lambda a, b: np.linalg.solve(a, b).sum(), SQUARE, sides)
    assert_differentiates(lambda a, b: np.linalg.solve(a, b).sum(), BATCH, VECTOR)


@pytest.mark.parametrize(
    ("function", "triangle"),
    [
        (np.linalg.cholesky, np.tril),
        (np.linalg.eigvalsh, np.tril),
        (lambda a: np.linalg.eigvalsh(a, "U"), np.triu),
    ],
)
def test_a_symmetric_function_has_its_gradient_on_the_triangle_that_is_read(function, triangle):
    gradient = record(lambda a: weighed(function(a)), spd(SQUARE)).grads["a"]
    assert gradient.any()
    assert np.array_equal(gradient, triangle(gradient))


def test_equal_eigenvalues_are_said_and_give_finite_gradients():
    t = record(lambda a: weighed(np.linalg.eigh(a)[1]), np.eye(3))
    assert np.isfinite(t.grads["a"]).all()
    assert any("equal eigenvalues" in node.kink for node in t.nodes)


def test_a_singular_matrix_has_a_derivative_of_its_determinant_and_none_of_its_logarithm():
    singular = np.array([[1.0, 2.0], [2.0, 4.0]])
    assert np.allclose(record(np.linalg.det, singular).grads["a"], [[4, -2], [-2, 1]])
    with np.errstate(invalid="ignore"):  # NumPy's own warning
        assert np.isnan(record(np.linalg.det, np.array([[1.0, np.nan], [2.0, 4.0]])).grads["a"]).any()
    t = record(lambda a: np.linalg.cond(a, 1), np.ones((2, 2)))
    assert np.isnan(t.grads["a"]).all()
    assert any("cond" in node.kink for node in t.nodes)
    t = record(lambda a: np.linalg.slogdet(a)[1], np.ones((2, 2)))
    assert np.isnan(t.grads["a"]).all()
    assert any("slogdet" in node.kink for node in t.nodes)


def test_several_results_survive_saving(tmp_path):
    t = record(lambda a: weighed(np.linalg.svd(a, full_matrices=False)[0]), TALL)
    t.save(tmp_path / "svd.trace")
    assert np.array_equal(load(tmp_path / "svd.trace").grads["a"], t.grads["a"])


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda a: np.linalg.svd(a[:, :2]), "any basis"),
        (lambda a: np.linalg.qr(a[:, :2], "complete"), "complete"),
        (lambda a: np.linalg.pinv(a, 0.99), "rcond= that leaves singular values out"),
        (lambda a: np.linalg.lstsq(a, a, 0.99), "rcond= that leaves singular values out"),
    ],
)
def test_what_is_not_followed_says_why(function, says):
    with pytest.raises(UnsupportedError, match=says):
        record(function, SQUARE)


def test_errors_are_numpys():
    assert_untouched(lambda a: np.linalg.inv(a), np.ones((2, 2)))
    assert_untouched(lambda a: np.linalg.cholesky(-spd(a)), SQUARE)
    assert_untouched(lambda a: np.linalg.norm(a, "nothing"), SQUARE)
    assert_untouched(lambda a: np.linalg.qr(a, "nothing"), SQUARE)
