"""Complex numbers in traced functions: the plain result, the gradients, and what is refused."""

from __future__ import annotations

import cmath
import math
import operator

import autograd
import autograd.numpy as autograd_numpy
import numpy as np
import pytest
from checks import assert_differentiates, assert_untouched
from invariants import assert_invariants

from tracer import load, record, rule
from tracer.diagnose.explain import explain
from tracer.errors import CutWarning, GradientError, UnsupportedError
from tracer.numbers_text import addition, largest
from tracer.rules import RULES
from viz.as_json import as_json

VECTOR = np.array([0.7, -1.2, 0.4, 1.9])
MATRIX = np.array([[1.0, 2.0, 0.5], [0.3, -1.0, 2.0], [1.0, 0.2, -3.0]])
ROTATION = np.array([[0.1, 1.0], [-1.3, 0.2]])


def filled(a):
    z = np.zeros(4, dtype=complex)
    for i in range(4):
        z[i] = a[i] * np.exp(1j * i)
    return np.sum(np.abs(z.cumsum()))


def set_parts(z, a):
    z.real = a * 2
    z.imag = a[0]
    return np.sum(np.abs(z * a))


def written_through_a_part(z, a):
    z.real[1:] = a[1:] ** 2
    z.imag[::2] = z.real[1]
    return weighted(z * a)


def written_under_its_parts(a):
    z = a * (1 + 1j)
    real, imaginary = z.real, z.imag[1:]
    z[0] = a[1] * 1j
    real += a
    imaginary *= real[1:]
    z.imag *= 2
    z[2] = 7j
    return weighted(z) + np.sum(real * a) + np.sum(imaginary * a[1:])


def hermitian(a):
    square = a * (1 + 1j) + 1j * np.sin(a)
    return square + square.conj().T + np.diag([1.0, 4.0, 9.0])


def weighted(z):
    """Make a real number of an array, in which no element counts as another."""
    return np.sum(z.real * np.arange(1, z.size + 1).reshape(z.shape) + z.imag**2)


# By name: a function of real numbers with complex ones inside, and its arguments.
PROGRAMS = {
    "z of two parts": (lambda x, y: abs((x + 1j * y) ** 2) * (x + 1j * y).imag, 1.2, 0.7),
    "conjugate": (lambda x, y: ((x + 1j * y).conjugate() * 3j).real, 1.2, 0.7),
    "sum of complex": (lambda x, y: abs(sum([x + 1j * y, x * 1j, 2.0])), 1.2, 0.7),
    "math.prod": (lambda x, y: abs(math.prod([x + 1j * y, x * 1j, y])), 1.2, 0.7),
    "negative to a fraction": (lambda x: ((-x) ** 0.5).imag + abs((-x) ** (1 / 3)), 1.7),
    "cmath": (lambda x: cmath.exp(1j * x).real + cmath.sqrt(-x).imag + cmath.phase(1 + 1j * x), 1.7),
    "cmath.polar": (lambda x: cmath.polar(x + 2j)[0] * cmath.polar(x + 2j)[1], 1.7),
    "cmath.rect": (lambda x: cmath.rect(x, x * x).imag + cmath.log(x * 1j, 3).imag, 1.7),
    "cmath on a cut": (lambda x: cmath.acos(x).imag + cmath.atanh(x).real, 1.7),
    "formatted": (lambda x: (f"{x * 1j:.2f} {x * 1j}", abs(x * 1j))[1], 0.3),
    "np.exp": (lambda a: np.sum(np.exp(1j * a).real * np.arange(4)), VECTOR),
    "np.conj": (lambda a: np.sum((np.conj(a * 1j + 1) * np.exp(1j * a)).imag), VECTOR),
    "parts of real arrays": (lambda a: np.sum(np.real(a) * a.real * a.conj() + np.imag(a) + a.imag), VECTOR),
    "angles": (lambda a: np.sum(np.angle(a + 1j) + np.angle(a + 2j, deg=True) + np.angle(a)), VECTOR),
    "complex power of a negative number": (lambda a: weighted((-1.7) ** (1j * a + 0.3)), VECTOR),
    "clipped between numbers of Python": (lambda a: weighted(np.clip(1j * a, -0.1 + 2j, 1.4)), VECTOR),
    "sign": (lambda a: np.sum(np.sign(a + 1j).imag), VECTOR),
    "emath": (lambda a: weighted(np.emath.sqrt(a) + np.emath.log(a) + np.emath.power(a, 0.3)), VECTOR),
    "emath on a cut": (lambda a: weighted(np.emath.arcsin(a) + np.emath.logn(3, a)), VECTOR),
    "real_if_close": (lambda a: weighted(np.real_if_close(a * (1 + 0j)) + np.real_if_close(a * 1j)), VECTOR),
    "filled": (filled, VECTOR),
    "set parts": (lambda a: set_parts(a * 1j, a), VECTOR),
    "set parts of zeros": (lambda a: set_parts(np.zeros(4, complex), a), VECTOR),
    "a part written": (lambda a: written_through_a_part(a * (2 + 1j), a), VECTOR),
    "a part of zeros written": (lambda a: written_through_a_part(np.zeros(4, complex), a), VECTOR),
    "parts that are written under": (written_under_its_parts, VECTOR),
    "in place": (lambda a: np.abs(operator.iadd(a * 1j, a)).sum(), VECTOR),
    "astype": (lambda a: np.sum(np.abs(a.astype(complex) * 1j + 1)), VECTOR),
    "np.array": (lambda x: np.abs(np.array([x * 1j + 1, x, 2.0])).sum(), 0.3),
    "np.full": (lambda x: np.abs(np.full(3, x * 1j + 1)).sum(), 0.3),
    "where": (lambda a: np.abs(np.where(a > 0, a * 1j, a)).sum(), VECTOR),
    "joined": (lambda a: weighted(np.concatenate([a, 1j * a]).reshape(2, 4).T @ np.array([1, 2j])), VECTOR),
    "iterated": (lambda a: sum(abs(z) for z in a * 1j + 1), VECTOR),
    "number and array": (lambda x, a: np.abs((x + 2j) * a + 1).sum(), 0.7, VECTOR),
    "var and std": (lambda a: np.var(a * np.exp(1j * a)) + np.std(a * 1j), VECTOR),
    "vdot": (lambda a: np.vdot(a * 1j + 1, np.exp(1j * a)).real, VECTOR),
    "einsum": (lambda a: weighted(np.einsum("i,j->ij", a * 1j, np.exp(1j * a))), VECTOR),
    "matmul": (lambda m: np.abs((m * 1j + 1) @ (m + 1j)).sum(), MATRIX),
    "sort": (lambda a: np.sum(np.sort(a + 1j * a**2).imag * np.arange(4)), VECTOR),
    "determinant": (lambda m: (lambda s: (s[0] * s[1]).imag)(np.linalg.slogdet(m + 1j * np.eye(3))), MATRIX),
    "solve": (lambda m: weighted(np.linalg.solve(m + 2j * np.eye(3), np.array([1, 2j, 3]))), MATRIX),
    "inv": (lambda m: weighted(np.linalg.inv(m + 2j * np.eye(3))), MATRIX),
    "norm": (lambda m: np.linalg.norm(m * 1j + np.sin(m)), MATRIX),
    "singular values": (lambda m: weighted(np.linalg.svdvals(m * 1j + np.sin(m))), MATRIX),
    "eigenvalues of a rotation": (lambda m: weighted(np.linalg.eigvals(m)), ROTATION),
    "eigenvectors of a rotation": (lambda m: weighted(np.linalg.eig(m)[1]), ROTATION),
    "eigenvalues of a Hermitian matrix": (lambda m: weighted(np.linalg.eigh(hermitian(m))[0]), MATRIX),
    "eigh, sizes of vectors": (lambda m: weighted(np.abs(np.linalg.eigh(hermitian(m))[1]) ** 3), MATRIX),
    "eigh": (lambda m: weighted(np.linalg.eigh(hermitian(m), "U")[1]), MATRIX),
    "singular vectors": (lambda m: weighted(np.linalg.svd(m * 1j + np.sin(m))[0]), MATRIX),
    "cholesky": (lambda m: weighted(np.linalg.cholesky(hermitian(m / 9) + 2 * np.eye(3))), MATRIX),
    "qr": (lambda m: weighted(np.linalg.qr(m + 1j * np.cos(m))[0]), MATRIX),
    "fft": (lambda a: np.sum(np.abs(np.fft.fft(a)) ** 2 * np.fft.fftfreq(4)), VECTOR),
    "filter": (lambda a: np.sum(np.fft.irfft(np.fft.rfft(a) * np.exp(-np.arange(3)), 4) ** 3), VECTOR),
    "fft2, shifted": (lambda m: weighted(np.fft.fftshift(np.fft.fft2(m, norm="ortho"))), MATRIX),
    "irfftn": (lambda m: weighted(np.fft.irfftn(np.fft.rfftn(m, (4, 5), (0, 1)) * 1j + 2, (3, 3), (1, 0))), MATRIX),
    "hfft": (lambda a: weighted(np.fft.ihfft(np.fft.hfft(a * (1 + 1j)) ** 2)), VECTOR),
    "fft into an array": (
        lambda a: (lambda out: (np.fft.fft(a, out=out), weighted(out))[1])(np.zeros(4, complex)),
        VECTOR,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_real_program_with_complex_numbers_inside(name, tmp_path):
    function, *arguments = PROGRAMS[name]
    assert_untouched(function, *arguments)
    finished = assert_differentiates(function, *arguments)
    assert_invariants(finished)
    finished.save(tmp_path / "program.trace")
    loaded = load(tmp_path / "program.trace")
    for left, right in zip(loaded.grads.values(), finished.grads.values(), strict=True):
        np.testing.assert_array_equal(left, right)
    assert [edge.grad for edge in loaded.edges if not np.ndim(edge.grad)] == [
        edge.grad for edge in finished.edges if not np.ndim(edge.grad)
    ]
    for each in loaded.run.structures:
        assert loaded.explain(each, depth=20) == finished.explain(each, depth=20)


COMPLEX_VECTOR = VECTOR * (1 + 2j) + 0.3

WITNESSED = {
    "squared size": (lambda np, z: np.sum(np.abs(z) ** 2), COMPLEX_VECTOR),
    "parts": (lambda np, z: np.sum(np.real(z * z) + np.imag(z) * np.angle(z)), COMPLEX_VECTOR),
    "conj": (lambda np, z: np.real(np.sum(np.conj(z) * np.exp(z))), COMPLEX_VECTOR),
    "fft": (lambda np, z: np.sum(np.abs(np.fft.fft(z)) ** 1.5), COMPLEX_VECTOR),
    "matrix": (lambda np, z: np.abs(np.linalg.det(np.outer(z, z)[:3, :3] + np.eye(3))), COMPLEX_VECTOR),
    "number": (lambda np, z: np.abs(np.sin(z) / (1 + z**2)), 0.4 - 0.9j),
}


@pytest.mark.parametrize("name", WITNESSED)
def test_the_convention_is_that_of_autograd(name):
    function, z = WITNESSED[name]
    ours = record(lambda z: function(np, z), z)
    assert_invariants(ours)
    np.testing.assert_allclose(ours.grads["z"], autograd.grad(lambda z: function(autograd_numpy, z))(z))
    assert np.result_type(ours.grads["z"]) == np.result_type(z)


def test_the_gradient_has_the_derivative_by_the_imaginary_part_with_a_minus():
    finished = record(lambda z: (z * z).imag, 1 + 2j)  # 2ab
    assert finished.grads == {"z": 4 - 2j}
    assert type(finished.grads["z"]) is complex


def test_gradients_keep_single_precision():
    finished = record(
        lambda z, x: np.sum(np.abs(z * x)), COMPLEX_VECTOR.astype(np.complex64), np.float32(0.5)
    )
    assert finished.grads["z"].dtype == np.complex64
    assert type(finished.grads["x"]) is np.float32


def test_a_complex_output_needs_a_seed():
    finished = record(lambda z: z * z, 1 + 2j)
    with pytest.raises(GradientError, match=r"output of <lambda> is complex.*seed=1\) is that of z\.real"):
        _ = finished.grads
    assert finished.backward(seed=1).grads == {"z": 2 + 4j}
    assert finished.backward(seed=-1j).grads == {"z": record(lambda z: (z * z).imag, 1 + 2j).grads["z"]}
    assert record(lambda x: (x * 2j, x * x), 3.0).backward(of=1).grads == {"x": 6.0}


def test_a_real_output_takes_no_complex_seed():
    for seed in (1j, np.array(1j), np.complex64(1)):
        with pytest.raises(GradientError, match="the seed is no real number"):
            _ = record(lambda z: abs(z), 1 + 2j).backward(seed=seed).grads


def test_the_real_part_that_is_taken_is_written():
    finished = record(lambda x, y: abs((x + 1j * y) * (2 + 1j)), 3.0, 4.0)
    text = finished.explain("x")
    assert "x = 3 · grad 1.342 (1 use)" in text
    assert "1.342 = Re((1.342−1.789j) × 1)" in text
    (edge,) = finished["x"].uses
    assert (edge.upstream * edge.local).real == edge.grad
    y = finished["y"].uses[0]
    assert y.local == 1j
    assert y.grad == (y.upstream * y.local).real


def test_a_formula_has_the_imaginary_unit():
    for function, formula in (
        (lambda x: cmath.phase(x + 2j), "(-1j/(x + 2j))"),
        (lambda x: cmath.rect(x, x).imag, "(exp(1j * x))"),
    ):
        assert formula in explain(record(function, 3.0), "x", width=200)


def test_numbers_whose_modulus_is_infinite_are_sorted():
    huge = complex(1.5e308, 1.5e308)
    assert largest([1j, huge, 2, 3], 1) == [1]
    assert addition([huge, -huge], 0j) == ("1.5e+308+1.5e+308j − 1.5e+308−1.5e+308j", "=")


def test_sizes_are_moduli():
    finished = record(lambda z: abs(z * 1j) ** 2, 3 + 4j)
    edge = finished["z"].uses[0]
    assert finished.edge_statistics.norm[edge.index] == edge.stats.norm == 10
    assert (
        as_json({"grad": complex(1.5, math.inf)})
        == '{\n  "grad": {\n    "re": 1.5,\n    "im": "inf"\n  }\n}'
    )


def test_the_sum_at_a_splitter_of_many_complex_uses():
    def function(z):
        total = z * 0
        for k in range(9):
            total = total + z * (k + 1j)
        return abs(total)

    finished = assert_real_and_imaginary_differences(function, 0.3 - 0.8j)
    assert "more, together" in finished.explain("z", top=3)


CMATH = [name for name in vars(cmath) if callable(getattr(cmath, name)) and name[0] != "_"]
CMATH_READS = {"isclose", "isfinite", "isinf", "isnan"}


@pytest.mark.parametrize("name", sorted(set(CMATH) - CMATH_READS))
def test_every_function_of_cmath_is_followed(name):
    def function(z):
        result = getattr(cmath, name)(*((z.real, z.imag) if name == "rect" else (z,)))
        return result[0] * 2 + result[1] if name == "polar" else (result * (1 - 2j)).real

    assert_untouched(function, 0.3 - 0.8j)
    assert_real_and_imaginary_differences(function, 0.3 - 0.8j)
    assert_real_and_imaginary_differences(function, -1.2 + 0.4j)


@pytest.mark.parametrize("name", sorted(CMATH_READS))
def test_a_question_to_cmath_is_answered_plainly(name):
    assert_untouched(lambda z: getattr(cmath, name)(*(z, z) if name == "isclose" else (z,)), 0.3 - 0.8j)


def assert_real_and_imaginary_differences(function, z, step=1e-5):
    finished = record(function, z)
    by_parts = [(function(z + h) - function(z - h)) / (2 * step) for h in (step, step * 1j)]
    assert abs(finished.grads["z"] - complex(by_parts[0], -by_parts[1])) < 1e-8
    return finished


@rule("2")
def doubled(x):
    return x * 2


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda a: doubled(a * 1j), "doubled of complex numbers is not followed; at test_complex"),
        (lambda a: np.fft.fftn(a[None], axes=(0, 0)), r"np\.fft\.fftn with axes=\(0, 0\)"),
    ],
)
def test_what_is_not_followed_says_why(function, says):
    function(VECTOR)
    with pytest.raises(UnsupportedError, match=says):
        record(function, VECTOR)


@pytest.mark.parametrize("op", ["eigh_vectors", "svd_u", "svd_vh"])
def test_vectors_whose_phases_are_not_those_of_lapack_have_no_gradient(op):
    matrix = hermitian(MATRIX)
    if op == "eigh_vectors":
        values, vectors = np.linalg.eigh(matrix)
        params = {"UPLO": "L", "results": (values, vectors * 1j)}
    else:
        u, s, vh = np.linalg.svd(matrix)
        params = {"results": (u * 1j, s, vh * -1j)}
    out = params["results"][{"svd_u": 0, "svd_vh": 2}.get(op, 1)]
    with pytest.raises(GradientError, match=r"phases of complex .* are not those of LAPACK here"):
        RULES[op].pull(0, np.ones_like(out), out, (matrix,), params)


def test_a_transform_of_a_list_of_traced_numbers_is_that_of_the_array():
    for function in (
        lambda x, y: np.abs(np.fft.fft([x, y])).sum(),
        lambda x, y: np.abs(np.fft.fft(np.array([x, y]))).sum(),
    ):
        finished = record(function, 3.0, 1.0)
        assert finished.result == 6.0
        assert finished.grads == {"x": 2, "y": 0}


def test_complex_of_traced_numbers_is_a_cut():
    with pytest.warns(CutWarning, match=r"through complex\(\); x \+ 1j\*y is followed"):
        assert record(lambda x, y: abs(complex(x, y)), 3.0, 4.0).grads == {"x": 0.0, "y": 0.0}


@pytest.mark.parametrize(
    "function",
    [
        float, int, round, math.sin, abs, repr, lambda z: z < 1, lambda z: z // 2, lambda z: max(z, 1j),
        lambda z: z / 0, lambda z: z**-1, lambda z: isinstance(z * 2, complex), lambda z: z == 1 + 2j,
        lambda z: setattr(z, "real", 3), lambda z: 1j**z, lambda z: {z: 1}[1 + 2j],
    ],
)  # fmt: skip
def test_a_complex_number_is_the_plain_one(function):
    assert_untouched(lambda z: function(z), 1 + 2j)


def test_a_real_array_keeps_the_real_part_that_is_written_into_it():
    def function(a):
        out = np.zeros(4)
        out[:] = a * (1 + 2j)
        return np.sum(out * a) + (a * (1 + 2j)).astype(float).sum()

    with pytest.warns(np.exceptions.ComplexWarning) as caught:
        finished = record(function, VECTOR)
    assert len(caught) == 2
    np.testing.assert_allclose(finished.grads["a"], 2 * VECTOR + 1)


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
def test_a_complex_number_of_python_is_added_to_elements_of_a_real_array():
    def function(a, x):
        changed = a * 2
        np.subtract.at(changed, [0, 0], x * (1 + 2j))
        return np.sum(changed * a)

    assert_differentiates(function, VECTOR, 0.3)


def test_complex_numbers_in_containers_are_inputs():
    finished = record(lambda p: abs(p["z"][0] * p["w"]).sum(), {"z": [3 + 4j, 2j], "w": COMPLEX_VECTOR})
    assert finished.grads["p"]["z"][1] == 0j
    assert list(finished.input_rows.values()) == ["p['z'][0]", "p['z'][1]", "p['w']"]
