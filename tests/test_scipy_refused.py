"""What SciPy computes in ways that are not followed: errors and cuts at the user's line, and what they advise."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import scipy.fft
import scipy.linalg
from checks import assert_differentiates
from scipy import integrate, interpolate, ndimage, optimize, signal, sparse, spatial, special, stats
from scipy.sparse import linalg as sparse_linalg
from scipy_inputs import OTHER, VECTOR, needs, since

from tracer import detach, record, trace
from tracer.errors import CutError, CutWarning, UnsupportedError


def test_what_scipy_reads_in_c_is_an_error_at_the_users_line():
    with pytest.raises(UnsupportedError, match=r"at test_scipy_refused\.py:"):
        record(lambda x: scipy.linalg.schur(x)[0].sum(), np.eye(2))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            lambda x: scipy.linalg.ldl(x)[0].sum(),
            r"^scipy\.linalg\.ldl is not followed yet: it calls np\.",
        ),
        (lambda x: scipy.linalg.bandwidth(x)[0] * x.sum(), "code in C"),  # Cython looks at the exact type
        (
            lambda x: scipy.linalg.eigvals(x, x + 1.0).sum(),
            r"scipy\.linalg\.eigvals with b=",
        ),
        (lambda x: scipy.linalg.eigh(x, x)[0].sum(), r"scipy\.linalg\.eigh with b= .*; of L = "),
        (
            lambda x: ndimage.gaussian_gradient_magnitude(x, 1.0).sum(),
            r"scipy\.ndimage\.gaussian_gradient_magnitude is not .*: it calls scipy\.ndimage\.gaussian_filter with",
        ),
        (
            lambda x: ndimage.gaussian_filter(x, x[0, 0]).sum(),
            r"scipy\.ndimage\.gaussian_filter with a traced sigma=",
        ),
        (
            lambda x: ndimage.sobel(x, output=np.float32).sum(),
            r"scipy\.ndimage\.sobel with output=",
        ),
        (
            lambda x: ndimage.convolve(x * 1j, np.eye(2)).imag.sum(),
            r"scipy\.ndimage\.convolve with an image of whole or complex",
        ),
        (
            lambda x: signal.convolve2d(x, np.eye(3)).sum(),
            r"scipy\.signal\.convolve2d with an in2 that is larger",
        ),
        (
            lambda x: signal.upfirdn([1.0, 0.5], x[0], mode="wrap").sum(),
            r"scipy\.signal\.upfirdn with mode= other than",
        ),
        (
            lambda x: interpolate.Akima1DInterpolator([0.0, 1.0], x[0])(0.3),
            r"scipy\.interpolate\.Akima1DInterpolator with a traced y= is not followed",
        ),
        (
            lambda x: interpolate.BSpline([0.0, 1.0, 2.0, 3.0], x[0], 1).integrate(1.0, 2.0),
            r"scipy\.interpolate\.BSpline\.integrate is not followed",
        ),
        (
            lambda x: interpolate.CubicSpline(x[0] + [0.0, 3.0], [1.0, 2.0])(0.3),
            r"scipy\.interpolate\.CubicSpline with a traced x=",
        ),
        (
            lambda x: interpolate.CubicSpline([0.0, 1.0], x, axis=1)(0.3).sum(),
            r"scipy\.interpolate\.CubicSpline of this kind \(axis=",
        ),
        (
            lambda x: sparse.linalg.splu(sparse.csc_matrix(np.eye(2))).solve(x[0])[0],
            r"a traced .*code in C .*not numpy\.ndarray, of the stand-in by which",
        ),
        (lambda x: spatial.KDTree(x).query([0.0, 1.0])[0] * x[0, 0], r"a traced .*code in C"),
        since(
            1,
            17,
            lambda x: interpolate.RBFInterpolator(np.eye(3)[:, :2], [*x[0], 1.0])([[0.2, 0.3]])[0],
            r"a traced .*code in C of scipy\.interpolate\.RBFInterpolator that",
            why="the message names RBFInterpolator",
        ),
        (
            lambda x: interpolate.RegularGridInterpolator([[0.0, 1.0]] * 2, x)([[0.2, 0.3]])[0],
            r"a traced .*code in C of scipy\.interpolate\.RegularGridInterpolator that",
        ),
        since(
            1,
            15,
            lambda x: special.legendre_p(2, x).sum(),
            r"scipy\.special\.legendre_p is",
            why="it is new",
        ),
        since(
            1,
            15,
            lambda x: special.sph_harm_y(1, 1, x[0, 0], 0.3).real,
            r"scipy\.special\.sph_harm_y is",
            why="it is new",
        ),
        (
            lambda x: scipy.linalg.qr(np.vstack([x, x]))[1].sum(),
            r"scipy\.linalg\.qr with mode='full' for 4 rows",
        ),
        (
            lambda x: scipy.linalg.solve(x, x, transposed=True).sum(),
            r"scipy\.linalg\.solve with transposed=",
        ),
        (lambda x: scipy.linalg.toeplitz(x[0] * 1j).real.sum(), r"scipy\.linalg\.toeplitz with r=None"),
        (
            lambda x: scipy.fft.dct(x * 1j, orthogonalize=True).imag.sum(),
            r"scipy\.fft\.dct with orthogonalize=",
        ),
    ],
)
def test_a_refusal_names_the_function_of_the_library(function, message):
    with pytest.raises(UnsupportedError, match=rf"(?=.*at test_scipy_refused\.py:){message}"):
        record(function, np.eye(2))


def squared(x, a):
    return ((x - a) ** 2).sum()


NEWTON = "one step of Newton's method from the answer"
TIMES = np.arange(4.0)
# What SciPy solves in C, or by steps of its own choice: what it is called, and what a message says to do instead.
SOLVERS = (
    (lambda a: integrate.quad(lambda t: t * a, 0, 1)[0], "integrate.quad", "fixed_quad and simpson"),
    (lambda a: integrate.dblquad(lambda y, x: a * x * y, 0, 1, 0, 1)[0], "integrate.dblquad", "fixed_quad"),
    (lambda a: integrate.odeint(lambda y, t: -a * y, [1.0], [0, 1])[1, 0], "integrate.odeint", "solve_ivp"),
    (
        lambda a: integrate.solve_ivp(lambda t, y: -a * y, (0, 1), [1.0], method="LSODA").y[0, -1],
        "integrate.solve_ivp",
        "method='RK45', 'RK23', 'DOP853' and 'BDF' are followed",
    ),
    (lambda a: optimize.brentq(lambda x: x**3 - a, 0, 2), "optimize.brentq", r"x - f\(x\) / slope"),
    (
        lambda a: optimize.root_scalar(lambda x: x**3 - a, bracket=(0, 2)).root,
        "optimize.root_scalar",
        r"x - f\(x\) / slope",
    ),
    (lambda a: optimize.fsolve(lambda x: x**3 - a, [1.0])[0], "optimize.fsolve", r"solve\(J, f\(x\)\)"),
    (lambda a: optimize.root(lambda x: x**3 - a, [1.0]).x[0], "optimize.root", NEWTON),
    *(
        (
            lambda a, m=method: optimize.minimize(squared, [0.0], args=(a,), method=m).x[0],
            "optimize.minimize",
            NEWTON,
        )
        for method in ("BFGS", "L-BFGS-B", "Nelder-Mead", "SLSQP")
    ),
    (
        lambda a: optimize.least_squares(lambda p: p[0] * TIMES - a, [1.0]).x[0],
        "optimize.least_squares",
        "np.linalg.lstsq and np.polyfit",
    ),
    (lambda a: sparse.diags(TIMES * a).sum(), "sparse.diags", "S @ x of a plain sparse matrix is followed"),
    (
        lambda a: sparse_linalg.spsolve(sparse.eye(4, format="csc"), TIMES * a)[1],
        "sparse.linalg.spsolve",
        r"np\.linalg\.solve\(S\.toarray\(\), b\)",
    ),
    (lambda a: signal.chirp(TIMES, a, 2.0, 3.0)[1], "signal.chirp", r"np\.cos\(2 \* np\.pi \* \(f0 \* t"),
    (
        lambda a: ndimage.zoom(np.eye(3) * a, 2).sum(),
        "ndimage.zoom",
        r"B @ image\.ravel\(\) is followed",
    ),
)


@pytest.mark.parametrize(("function", "called", "advice"), SOLVERS, ids=[row[1] for row in SOLVERS])
def test_a_cut_names_the_function_of_the_library_and_a_way_around(function, called, advice):
    where = rf"left the graph through .* in scipy\.{called}; at test_scipy_refused\.py:"
    with pytest.warns(CutWarning, match=rf"{where}.*{advice}") as warned:
        assert record(function, 2.0).result == function(2.0)
    assert len(warned) == 1


def test_a_sparse_matrix_of_traced_numbers_is_a_cut_with_advice():
    with pytest.warns(
        CutWarning, match="S @ x of a plain sparse matrix is followed; one of traced numbers"
    ):
        record(lambda a: sparse.csr_matrix(a * TIMES).sum() * a, 2.0)


def test_a_smoothing_spline_is_told_whether_scipy_asks_for_floats_or_as_from_1_18_on_for_an_array():
    told = r"scipy\.interpolate\.UnivariateSpline.*make_interp_spline\(x, y, k\) are followed"
    with pytest.raises((CutError, UnsupportedError), match=told):
        trace(strict=True)(lambda a: interpolate.UnivariateSpline(TIMES, TIMES * a)(1.5))(2.0)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            lambda y: optimize.curve_fit(lambda x, a, b: a * x + b, TIMES, y)[0][0],
            rf"^scipy\.optimize\.curve_fit .*; {NEWTON}",
        ),
        (
            lambda y: interpolate.RegularGridInterpolator([[0, 1]] * 2, y.reshape(2, 2))([[0.2, 0.3]])[0],
            r"it says: [^;\n]*; .* it is linear in the values: B @ values\.ravel\(\) is followed",
        ),
        (
            lambda y: spatial.KDTree(np.eye(4)).query(y)[0],
            r"for the plain i = tree\.query\(detach\(x\)\)\[1\]",
        ),
        (lambda y: signal.find_peaks(np.sin(y), width=0)[1]["widths"][0], r"find_peaks with width="),
        (
            lambda y: (sparse.csr_matrix(np.eye(4)) * y[0]).sum(),
            "S @ x of a plain sparse matrix is followed",
        ),
    ],
)
def test_an_error_names_the_function_of_the_library_and_a_way_around(function, message):
    with pytest.raises(UnsupportedError, match=message):
        record(function, TIMES**2)


POINTS, IMAGE = [[0.5, 1.2], [1.3, 2.2]], np.arange(16.0).reshape(4, 4) ** 1.5
PLANE = np.argwhere(np.ones((4, 4))) * 1.0
LINEAR_IN_VALUES = (
    lambda values: interpolate.RegularGridInterpolator([TIMES, TIMES], values, method="cubic")(POINTS),
    lambda values: interpolate.interpn([TIMES, TIMES], values, POINTS),
    lambda values: interpolate.RBFInterpolator(PLANE, values.reshape(16, -1))(POINTS).squeeze(),
    lambda values: interpolate.griddata(PLANE, values.reshape(16, -1), POINTS).squeeze(),
)
LINEAR_IN_AN_IMAGE = (
    lambda image: ndimage.zoom(image, 2),
    lambda image: ndimage.rotate(image, 5.0),
    lambda image: ndimage.shift(image, 0.5),
    lambda image: ndimage.map_coordinates(image, np.transpose(POINTS)),
)
UNITS = np.eye(16)
ADVISED = (
    *((f(IMAGE), f(UNITS.reshape(4, 4, 16))) for f in LINEAR_IN_VALUES),
    *((f(IMAGE), np.stack([f(each) for each in UNITS.reshape(-1, 4, 4)], -1)) for f in LINEAR_IN_AN_IMAGE),
)


@pytest.mark.parametrize(("plain", "matrix"), ADVISED)
def test_the_matrix_that_messages_advise_computes_the_same_and_has_the_gradient(plain, matrix):
    np.testing.assert_allclose(matrix @ IMAGE.ravel(), plain, rtol=1e-9, atol=1e-9)
    assert_differentiates(lambda x: ((matrix @ x.ravel()) ** 2).sum(), IMAGE, rtol=1e-6)


@pytest.mark.parametrize(
    "advised",
    [
        lambda a: integrate.fixed_quad(lambda t: np.exp(-a * t), 0, a, n=12)[0],
        lambda a: integrate.simpson(np.exp(-a * TIMES), x=TIMES),
        lambda a: integrate.solve_ivp(lambda t, y: -a * y, (0, 1), [a], method="RK45").y[0, -1],
        lambda a: special.eval_legendre(3, a / 2) + special.lpmv(1, 2, a / 2),
    ],
)
def test_what_messages_say_is_followed_is(advised):
    assert_differentiates(advised, 1.5)


@pytest.mark.parametrize("covariance", [np.eye(3), np.eye(3) * 1.5 + 0.2])
def test_a_covariance_with_equal_eigenvalues_is_an_error(covariance):
    """SciPy takes it apart into vectors that have no derivative; the density has one."""
    with pytest.raises(
        UnsupportedError, match=r"eigh with a matrix of equal eigenvalues.*np\.linalg\.slogdet"
    ):
        record(lambda c: stats.multivariate_normal.logpdf(VECTOR, OTHER, c), covariance)
    with pytest.raises(
        UnsupportedError, match=r"eigh with a matrix of equal eigenvalues.*np\.linalg\.slogdet"
    ):
        record(lambda c: stats.multivariate_normal(OTHER, c).logpdf(VECTOR), covariance)
    plain = record(lambda x: stats.multivariate_normal.logpdf(x, OTHER, covariance), VECTOR)
    np.testing.assert_allclose(plain.grads["x"], -np.linalg.solve(covariance, VECTOR - OTHER))


def test_the_step_of_newton_s_method_that_messages_advise_has_the_gradient():
    def root(a):
        f = lambda x: x**3 - a  # noqa: E731
        x = optimize.brentq(lambda x: detach(f(x)), 0, 2)
        return x - f(x) / (3 * x**2)

    def minimum(a):
        x = optimize.minimize(lambda x: detach(squared(x, a)), np.zeros(2)).x
        return (x - np.linalg.solve(np.eye(2) * 2, 2 * (x - a))).sum()

    assert record(root, 1.5).grads["a"] == pytest.approx(1.5 ** (-2 / 3) / 3, rel=1e-9)
    assert record(minimum, 1.5).grads["a"] == pytest.approx(2.0)


WITHOUT_THE_NAME = """
import sys
import numpy as np
from scipy import stats
from tracer import record
for name in [name for name in sys.modules if name.endswith("array_api_compat.common._helpers")]:
    del sys.modules[name]
x, y = np.array([0.3, 0.8, 1.7]), np.array([0.5, -0.2, 1.1])
print(record(lambda x: stats.skew(x), x).grads["x"])
record(lambda x: stats.pearsonr(x, y).statistic, x)
"""


@needs(1, 17, "pearsonr does not ask")
@pytest.mark.skipif(not hasattr(np.float64, "device"), reason="with NumPy 2.0 it does not ask either")
def test_where_the_private_name_that_is_asked_for_is_gone_it_is_an_error():
    told = subprocess.run(  # noqa: S603  (our own text)
        [sys.executable, "-c", WITHOUT_THE_NAME], check=False, capture_output=True, text=True
    )
    assert told.stdout == f"{record(lambda x: stats.skew(x), VECTOR).grads['x']}\n"
    assert "UnsupportedError: a traced value was handed to a library's code that" in told.stderr
