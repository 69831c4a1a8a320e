"""SciPy's functions of numbers, followed where a program has imported them."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import scipy.fft
import scipy.linalg
import scipy.special
from autograd import grad as autograd_grad
from autograd.scipy import special as autograd_special
from autograd.scipy import stats as autograd_stats
from checks import assert_differentiates, assert_untouched
from scipy import integrate, interpolate, ndimage, optimize, signal, spatial, special, stats
from scipy.special import expit, logsumexp, softmax

from tracer import detach, load, record
from tracer.errors import CutWarning, UnsupportedError

VECTOR = np.array([0.3, 0.8, 1.7])
MATRIX = np.array([[0.3, 0.8, 1.7], [2.1, 0.1, 0.6]])


def negative_log_likelihood(x, mean, deviation):
    return -stats.norm.logpdf(x, loc=mean, scale=deviation).sum()


def frozen(x, mean, deviation):
    return stats.norm(mean, deviation).cdf(x).sum()


def cross_entropy(logits):
    return -special.log_softmax(logits, axis=1)[np.arange(2), [2, 0]].mean()


def mixture(x, weights, means):
    return logsumexp(stats.norm.logpdf(x[:, None], means, 0.5), axis=1, b=softmax(weights)).sum()


def black_scholes(spot, strike, rate, volatility, years):
    d1 = (np.log(spot / strike) + (rate + volatility**2 / 2) * years) / (volatility * np.sqrt(years))
    d2 = d1 - volatility * np.sqrt(years)
    return spot * special.ndtr(d1) - strike * np.exp(-rate * years) * stats.norm.cdf(d2)


def gamma_posterior(a, rate, counts):
    return stats.gamma.logpdf(rate, a, scale=2.0) + stats.poisson.logpmf(counts, rate).sum()


PROGRAMS = [
    (lambda x: expit(x), (0.3,)),
    (lambda x: (expit(x) * special.erf(x)).sum(), (VECTOR,)),
    (lambda x: special.expit(x[0]) + special.xlogy(x[1], x[2]), (VECTOR,)),
    (lambda x: logsumexp(x), (MATRIX,)),
    (lambda x: (logsumexp(x, axis=0, keepdims=True) ** 2).sum(), (MATRIX,)),
    (lambda x, y: logsumexp([x, y, 1.0]), (0.3, 2.0)),
    (lambda x: (softmax(x, axis=1) ** 2).sum(), (MATRIX,)),
    (cross_entropy, (MATRIX,)),
    (lambda x: special.polygamma(1, x).sum() + special.digamma(x).sum(), (VECTOR,)),
    (lambda x: scipy.special.jv(2, x).sum() + special.jn(1, x).sum(), (VECTOR,)),
    (negative_log_likelihood, (VECTOR, 0.5, 1.5)),
    (frozen, (VECTOR, 0.5, 1.5)),
    (mixture, (VECTOR, np.array([0.2, -0.4]), np.array([0.0, 2.0]))),
    (black_scholes, (100.0, 95.0, 0.02, 0.3, 1.5)),
    (lambda x: sum(special.airy(x)) + special.sici(x)[1] * special.fresnel(x)[0], (0.7,)),
    (lambda x: special.ellipj(x, 0.4)[1].sum() + special.spherical_jn(2, x).sum(), (VECTOR,)),
    (lambda x: special.zeta(3, x).sum() + special.hyp2f1(1.5, 0.7, 2.5, x / 3).sum(), (VECTOR,)),
    (
        lambda x: (
            np.abs(special.hankel1(1.5, x) * special.jv(0.5, x * 1j)).sum()
            + special.voigt_profile(x, x, 0.3).sum()
        ),
        (VECTOR,),
    ),
    (lambda x, y: stats.f_oneway(x, y).pvalue, (VECTOR, VECTOR**2)),
    (lambda p: stats.norm.ppf(p) + stats.t(5).isf(p), (0.3,)),
    (lambda x, a, b: stats.beta.logpdf(x, a, b).sum(), (np.array([0.2, 0.7]), 2.0, 3.0)),
    (lambda x, df: stats.t.logpdf(x, df, 0.1, 2.0).sum() + stats.chi2.pdf(x, df).sum(), (VECTOR, 4.0)),
]


OTHER = np.array([0.5, -0.2, 1.1])
SIGNAL = np.array([0.3, 1.9, -0.7, 0.4, 2.2, 1.1, -1.6, 0.9])
SECTIONS = signal.butter(3, 0.4, output="sos")


def spring(_, y, a):
    return [y[1], -a * y[0] - 0.1 * y[1]]


WRITTEN_OUT = {  # in Python, which is followed as the program's own is
    "zscore": (lambda m: (stats.zscore(m, axis=1, ddof=1) ** 3).sum(), (MATRIX,)),
    "zmap": (lambda x, y: stats.zmap(x, y)[1], (VECTOR, OTHER)),
    "skew and kurtosis": (lambda x: stats.skew(x, bias=False) + stats.kurtosis(x), (VECTOR,)),
    "means": (lambda x: stats.gmean(x) * stats.hmean(x) + stats.pmean(x, 3.0), (VECTOR,)),
    "spread": (lambda x: stats.sem(x) + stats.variation(x) + stats.moment(x, 3), (VECTOR,)),
    "quartiles": (lambda x: stats.iqr(x) + stats.median_abs_deviation(x), (VECTOR,)),
    "line": (lambda x, y: stats.linregress(x, y).slope * stats.linregress(x, y)[1], (VECTOR, OTHER)),
    "t of one": (lambda x: stats.ttest_1samp(x, 0.5).statistic, (VECTOR,)),
    "t of two": (lambda x, y: stats.ttest_ind(x, y).statistic, (VECTOR, OTHER)),
    "entropy": (lambda x, y: stats.entropy(x) + stats.entropy(x, y * y), (VECTOR, OTHER)),
    "trapezoid": (lambda y, x: integrate.trapezoid(y, x), (OTHER, VECTOR)),
    "simpson": (lambda y, x: integrate.simpson(y, x=x) + integrate.simpson(y, dx=0.1), (OTHER, VECTOR)),
    "running": (lambda y, x: integrate.cumulative_trapezoid(y, x, initial=0)[2], (OTHER, VECTOR)),
    "romberg": (lambda y: integrate.romb(y), (OTHER,)),
    "convolution": (lambda x, y: signal.fftconvolve(x, y)[1] + signal.correlate(x, y)[2], (VECTOR, OTHER)),
    "distances": (
        lambda x, y: sum(
            getattr(spatial.distance, name)(x, y)
            for name in "euclidean sqeuclidean cityblock cosine correlation chebyshev canberra".split()
        ),
        (VECTOR, OTHER),
    ),
    "more distances": (
        lambda x, y: (
            spatial.distance.minkowski(x, y, 3)
            + spatial.distance.jensenshannon(x, y * y)
            + spatial.distance.mahalanobis(x, y, np.eye(3) + 0.1)
        ),
        (VECTOR, OTHER),
    ),
    "distances of points": (lambda m: spatial.distance_matrix(m, m[:, ::-1]).sum(), (MATRIX,)),
    "distances of all": (
        lambda m: (
            (spatial.distance.cdist(m, m[:, ::-1], "cosine") ** 2).sum()
            + spatial.distance.squareform(spatial.distance.pdist(m, "cityblock"))[0, 1]
            + spatial.distance.cdist(m, XB=m[:1] + 1.0, metric="minkowski", p=3)[1, 0]
        ),
        (MATRIX,),
    ),
    "lambertw": (lambda x: special.lambertw(x).real.sum() + special.lambertw(-x[0], -1).real, (VECTOR,)),
    "sums of masses": (
        lambda x: (
            stats.poisson.cdf([2, 0, 5], x).sum() + stats.binom.sf(3, 8, x[0]) + stats.geom.cdf(2, x[1])
        ),
        (VECTOR,),
    ),
    "splines": (
        lambda x: (
            interpolate.CubicSpline([0.0, 1.0, 2.0, 3.0], [0.4, -1.0, 0.7, 1.5])(x).sum()
            + interpolate.PchipInterpolator([0.0, 1.0, 2.0], [[0.4, 1.0], [-1.0, 2.0], [0.7, 3.0]])(x)[1, 1]
            + interpolate.CubicSpline([0.0, 1.0, 2.0], [1.0, 0.5, 1.0], bc_type="periodic")(x[0] - 4.0, 1)
        ),
        (VECTOR,),
    ),
    "correlation": (lambda x, y: stats.pearsonr(x, y).statistic, (VECTOR, OTHER)),
    "normal of several": (  # of the covariance, one triangle is read
        lambda x, m, a: stats.multivariate_normal.logpdf(x, m, a) + stats.multivariate_normal(m, a).pdf(x),
        (VECTOR, OTHER, np.diag([1.5, 0.9, 1.2]) + 0.2),
    ),
    "trends": (lambda x: (signal.detrend(x * x) ** 2).sum(), (SIGNAL,)),
    "savgol": (
        lambda x: (
            (signal.savgol_filter(x, 5, 2) ** 2).sum()
            + signal.savgol_filter(x, 5, 3, deriv=1, mode="nearest")[1]
        ),
        (SIGNAL,),
    ),
    "filters": (
        lambda b, a, x: (
            (signal.lfilter(b, a, x) ** 2).sum()
            + (signal.lfilter(b, [1.0, 0.3], x, zi=[x[0]])[1] ** 2).sum()
            + (signal.filtfilt([0.4, 0.3], [1.2, -0.4], x, padlen=4) ** 2).sum()
        ),
        (np.array([0.4, 0.3]), np.array([1.2, -0.4]), SIGNAL),
    ),
    "sections": (
        lambda x: (
            (signal.sosfiltfilt(SECTIONS, x, padlen=3) ** 2).sum()
            + signal.sosfilt(SECTIONS, x, zi=np.outer(x[:2], [1.0, 2.0]))[1][1, 0]
        ),
        (SIGNAL,),
    ),
    "rates": (
        lambda x: (signal.resample_poly(x, 3, 2) ** 2).sum() + signal.upfirdn([0.3, 1.0], x, 2)[5],
        (SIGNAL,),
    ),
    "images": (
        lambda m: sum(
            (0.1 + 0.9 * each[0, 1]) * each[1, 2] + each.sum()
            for each in (
                ndimage.gaussian_filter(m, [0.7, 1.2], mode=["wrap", "nearest"]),
                ndimage.uniform_filter(m, 2),
                ndimage.sobel(m, 0),
                ndimage.laplace(m, mode="mirror"),
                ndimage.correlate1d(m, [0.2, 1.0, 0.4], 0, origin=-1),
                ndimage.convolve1d(m, [0.2, 1.0], mode="constant", cval=0.3),
            )
        ),
        (MATRIX,),
    ),
    "windows": (
        lambda m, w: (
            (ndimage.convolve(m, w) ** 2).sum()
            + ndimage.correlate(m, w, mode="wrap", origin=(0, -1))[0, 2]
            + (signal.convolve2d(m, w, "same", "symm") ** 2).sum()
            + signal.correlate2d(m, w, "valid")[0, 1]
            + signal.convolve(m, w)[2, 1] * signal.correlate(m, w, "same")[1, 1]
        ),
        (MATRIX, np.array([[0.3, -0.6], [0.8, 0.5]])),
    ),
    "steps of an equation": (
        lambda a, y: sum(
            integrate.solve_ivp(spring, (0, 1.5), y, method=method, args=(a,), rtol=tolerance).y[0, -1]
            for method, tolerance in (("RK45", 1e-6), ("RK23", 1e-3), ("DOP853", 1e-6))
        ),
        (1.3, np.array([0.4, 1.0])),
    ),
    "solution at times": (
        lambda a: (
            (integrate.solve_ivp(spring, (0, 2), [1.0, 0.0], args=(a,), t_eval=[0.5, 1.5]).y ** 2).sum()
            + integrate.solve_ivp(spring, (0, 1), [1, 0], args=(a,), dense_output=True).sol(0.7)[1]
        ),
        (1.3,),
    ),
    "rosen": (lambda x: optimize.rosen(x), (VECTOR,)),
}


KEPT = ("filters", "sections", "rates", "images", "windows")


@pytest.mark.filterwarnings("ignore:.*as of SciPy 1.18:DeprecationWarning")
@pytest.mark.parametrize("name", WRITTEN_OUT)
def test_what_scipy_writes_in_python_is_followed(name):
    program, arguments = WRITTEN_OUT[name]
    assert_untouched(program, *arguments)
    assert_differentiates(program, *arguments, rtol=2e-5)


@pytest.mark.parametrize(("program", "arguments"), PROGRAMS)
def test_programs_with_scipy_are_differentiated(program, arguments):
    assert_untouched(program, *arguments)
    assert_differentiates(program, *arguments, rtol=2e-5)


def test_whole_numbers_that_are_no_inputs_of_a_derivative():
    def program(rate):
        return gamma_posterior(3.0, rate, np.array([2, 3, 1]))

    assert_differentiates(program, 1.7)


@pytest.mark.parametrize(
    ("ours", "theirs", "x"),
    [
        (special.gammaln, autograd_special.gammaln, VECTOR),
        (special.erfinv, autograd_special.erfinv, VECTOR / 2),
        (logsumexp, autograd_special.logsumexp, MATRIX),
        (special.logit, autograd_special.logit, VECTOR / 2),
        (special.i0, autograd_special.i0, VECTOR),
        (lambda x: stats.norm.logcdf(x), autograd_stats.norm.logcdf, VECTOR),
        (lambda x: stats.t.logpdf(x, 3.0), lambda x: autograd_stats.t.logpdf(x, 3.0, 0.0, 1.0), VECTOR),
        (lambda a: stats.gamma.logpdf(1.5, a), lambda a: autograd_stats.gamma.logpdf(1.5, a), VECTOR),
    ],
)
def test_autograd_agrees(ours, theirs, x):
    got = record(lambda x: ours(x).sum(), x).grads["x"]
    assert np.allclose(got, autograd_grad(lambda x: theirs(x).sum())(x), rtol=1e-10)


def test_the_node_says_what_it_is_and_by_which_formula():
    finished = record(lambda x: stats.norm.cdf(expit(x)), 0.3)
    assert [node.op for node in finished.nodes if node.kind == "function"] == ["expit", "norm.cdf"]
    assert finished["x"].uses[0].formula == "out*(1 - out)"


@pytest.mark.parametrize(
    ("function", "argument", "message"),
    [
        (lambda v: special.jv(v, 1.0), 0.5, "the derivative of scipy.special.jv by v has no closed form"),
        (
            lambda a: special.gammainc(a, 1.0),
            0.5,
            "the derivative of scipy.special.gammainc by a has no closed",
        ),
        (lambda x: special.airye(x), 0.5, "scipy.special.airye is not followed yet"),
        (
            lambda m: special.ellipj(0.3, m)[0],
            0.5,
            "the derivative of scipy.special.ellipj by m has no closed form",
        ),
        (
            lambda n: special.spherical_jn(1, n, derivative=True),
            0.5,
            "scipy.special.spherical_jn with derivative=True",
        ),
        (lambda x: special.zeta(x), 2.5, "the derivative of scipy.special.zeta by x has no closed form"),
        (
            lambda x: spatial.distance.cdist(x, x, "canberra"),
            MATRIX,
            "scipy.spatial.distance.cdist with metric='canberra' is not followed yet",
        ),
        (lambda x: stats.nct.pdf(x, 2.0, 0.3), 0.5, "scipy.stats.nct.pdf is not followed yet"),
        (
            lambda a: stats.gamma.cdf(1.0, a),
            0.5,
            "the derivative of scipy.stats.gamma.cdf by a has no closed",
        ),
        (
            lambda x: scipy.linalg.eigh(np.outer(x, x), subset_by_index=[0, 1])[0].sum(),
            VECTOR,
            r"scipy\.linalg\.eigh with subset_by_index= is not followed.*test_scipy\.py:",
        ),
        (lambda x: logsumexp(x, return_sign=True), VECTOR, "logsumexp with return_sign is not followed"),
    ],
)
def test_what_has_no_rule_is_an_error(function, argument, message):
    with pytest.raises(UnsupportedError, match=message):
        record(function, argument)


def test_a_whole_number_may_be_an_order():
    assert record(lambda n, x: special.jv(n, x), 2, 1.0).grads["n"] == 0.0


def test_the_order_of_a_number_s_polynomial_may_be_whole_alone():
    assert record(lambda x: special.eval_hermite(3, x), 0.3).grads["x"] == pytest.approx(24 * 0.3**2 - 12)


def test_outside_of_a_support_nothing_goes_back():
    for method in (stats.gamma.pdf, stats.gamma.logpdf, stats.gamma.cdf):
        assert record(lambda x, m=method: m(x, 2.0), -1.0).grads["x"] == 0.0


def test_the_tails_keep_their_gradient():
    assert record(lambda x: stats.norm.sf(x), 9.0).grads["x"] == pytest.approx(
        -stats.norm.pdf(9.0), rel=1e-12
    )
    assert record(lambda x: special.log_ndtr(x), -30.0).grads["x"] == pytest.approx(30.033, abs=1e-3)


REGULAR = np.array([[3.1, 0.4, -0.7], [0.2, 2.6, 0.9], [-0.5, 0.3, 4.2]])
SIDES = np.array([[0.3, 1.8], [0.8, -0.6], [1.7, 0.2]])


def gaussian_process(a, y):
    factor = scipy.linalg.cho_factor(a @ a.T + np.eye(3), lower=True)
    return y @ scipy.linalg.cho_solve(factor, y) + 2 * np.log(np.diag(factor[0])).sum()


@pytest.mark.filterwarnings("ignore:.*as of SciPy 1.18:DeprecationWarning")
@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (
            lambda a, b: scipy.linalg.solve(a * 2, b, overwrite_a=True).sum(),
            (np.asfortranarray(REGULAR), SIDES),
        ),
        (lambda a: scipy.linalg.inv(a)[0, 1] + scipy.linalg.det(a=a), (REGULAR,)),
        (lambda a: scipy.linalg.cholesky(a @ a.T)[0, 2] * scipy.linalg.norm(a), (REGULAR,)),
        (lambda a: scipy.linalg.cholesky(a @ a.T, lower=True).sum(), (REGULAR,)),
        (gaussian_process, (REGULAR, VECTOR)),
        (lambda a, b: scipy.linalg.solve_triangular(a, b, 1, lower=True).sum(), (REGULAR, SIDES)),
        (lambda a: scipy.linalg.expm(a / 3)[0].sum() + scipy.linalg.sqrtm(a)[1, 2], (REGULAR,)),
        (lambda a: scipy.linalg.logm(a @ a.T)[1].sum(), (REGULAR,)),
        (
            lambda a: (scipy.linalg.eigh(a + a.T)[1] ** 2)[0, 1] + scipy.linalg.eigvalsh(a + a.T)[0],
            (REGULAR,),
        ),
        (lambda a: scipy.linalg.svd(a)[1] @ scipy.linalg.svdvals(a) ** 2, (REGULAR,)),
        (lambda a: scipy.linalg.pinv(a).sum(), (SIDES,)),
        (
            lambda a: (
                sum(part.sum() for part in scipy.linalg.lu(a)[1:]) + scipy.linalg.lu(a, True)[0][1, 0]
            ),
            (REGULAR,),
        ),
        (lambda a: (scipy.linalg.lu(a * 1j, p_indices=True)[2] ** 2).real.sum(), (REGULAR,)),
        (
            lambda a, b: scipy.linalg.lu_solve(scipy.linalg.lu_factor(a, True), b, trans=1).sum(),
            (REGULAR, SIDES),
        ),
        (
            lambda a: scipy.linalg.qr(a)[0][0, :2] @ scipy.linalg.qr(a[:, :2], mode="economic")[1][0],
            (REGULAR[:, :1].T @ REGULAR + REGULAR,),
        ),
        (lambda a: (scipy.linalg.qr(a, pivoting=True)[1] ** 2)[:, 1:].sum(), (REGULAR,)),
        (lambda a: scipy.linalg.qr(a * a[0], pivoting=True, mode="r")[0][0].sum(), (REGULAR,)),
        (
            lambda a: sum(
                (part[::-1] * (1 + number)).sum()
                for number, part in enumerate(scipy.linalg.qr(a[:, :2], False, None, "economic", True)[:2])
            ),
            (REGULAR,),
        ),
        (
            lambda a: (
                scipy.linalg.qr(a[:2], pivoting=True)[0][0].sum()
                * scipy.linalg.qr(a[:2], pivoting=True)[2][0]
            ),
            (REGULAR,),
        ),
        (
            lambda a: scipy.linalg.qr(a, mode="r")[0].sum() + scipy.linalg.det(a * 1, True, False),
            (REGULAR,),
        ),
        (lambda a, b: scipy.linalg.solve(a @ a.T, b, assume_a="pos").sum(), (REGULAR, SIDES)),
        (
            lambda a, b: (
                scipy.linalg.solve(a, b, True, assume_a="sym").sum()
                + scipy.linalg.inv(a, True, assume_a="her")[0, 1]
            ),
            (REGULAR, SIDES),
        ),
        (
            lambda c: (scipy.linalg.toeplitz(c, c[1:] ** 2) @ scipy.linalg.toeplitz([c[0], 2.0])[:1]).sum(),
            (SIDES[0],),
        ),
        (
            lambda c: (
                scipy.linalg.hankel(c) @ scipy.linalg.circulant(c) * scipy.linalg.block_diag(c, 2.0)[0, 1]
            ).sum(),
            (VECTOR,),
        ),
        (
            lambda a: (
                np.abs(scipy.fft.fft(a * 1, 4, 0, "ortho", True)).sum()
                + scipy.fft.rfft2(a, workers=1).real.sum()
            ),
            (REGULAR,),
        ),
        (
            lambda a: (
                scipy.fft.irfftn(a, s=(4,)).sum()
                + scipy.fft.hfft(a[0], n=4).sum()
                + scipy.fft.ifftn(a, 2, 0).real.sum()
            ),
            (REGULAR,),
        ),
        (
            lambda a: (scipy.fft.dct(a, 3, n=4, axis=0) ** 2).sum() * scipy.fft.idst(a[0], norm="ortho")[1],
            (REGULAR,),
        ),
        (
            lambda a: (
                (scipy.fft.idctn(a, s=[2], axes=[1], overwrite_x=False) ** 2).sum()
                + scipy.fft.dstn(a, 1)[0, 1]
            ),
            (REGULAR,),
        ),
        (lambda a: scipy.linalg.sinm(a / 3)[0].sum(), (REGULAR,)),  # made of expm
    ],
)
def test_linear_algebra_is_followed(function, arguments):
    assert_untouched(function, *arguments)
    assert_differentiates(function, *arguments)


def test_what_may_be_overwritten_is_not():
    def kept(b, *, overwritten):
        c = b[::-1] * 3
        solved = scipy.linalg.solve(REGULAR, c, overwrite_b=overwritten)
        return solved @ c + np.median(c, overwrite_input=overwritten) * c[0]

    expected = record(kept, VECTOR, overwritten=False)
    finished = record(kept, VECTOR, overwritten=True)
    assert finished.result == expected.result
    np.testing.assert_array_equal(finished.grads["b"], expected.grads["b"])


def test_everything_is_put_back():
    before = (stats.rv_continuous.pdf, stats.rv_discrete.pmf, special.logsumexp, logsumexp)
    record(lambda x: stats.norm.pdf(logsumexp(x)), VECTOR)
    with pytest.raises(KeyError):
        record(lambda x: {}[special.logsumexp(x)], VECTOR)
    assert (stats.rv_continuous.pdf, stats.rv_discrete.pmf, special.logsumexp, logsumexp) == before


def test_what_scipy_reads_in_c_is_an_error_at_the_users_line():
    with pytest.raises(UnsupportedError, match=r"at test_scipy\.py:"):
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
        (lambda x: scipy.linalg.eigh(x, x)[0].sum(), r"scipy\.linalg\.eigh with b= \(of L = "),
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
        (lambda x: spatial.KDTree(x).query([0.0, 1.0])[0] * x[0, 0], r"a traced .*code in C"),
        (
            lambda x: interpolate.RBFInterpolator(np.eye(3)[:, :2], [*x[0], 1.0])([[0.2, 0.3]])[0],
            r"a traced .*code in C",
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
    with pytest.raises(UnsupportedError, match=rf"{message}.*at test_scipy\.py:"):
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
        "method='RK45', 'RK23' and 'DOP853' are followed",
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
    (
        lambda a: ndimage.zoom(np.eye(3) * a, 2).sum(),
        "ndimage.zoom",
        "an index with weights",
    ),
)


@pytest.mark.parametrize(("function", "called", "advice"), SOLVERS, ids=[row[1] for row in SOLVERS])
def test_a_cut_names_the_function_of_the_library_and_a_way_around(function, called, advice):
    where = rf"left the graph through .* in scipy\.{called}; at test_scipy\.py:"
    with pytest.warns(CutWarning, match=rf"{where}.*{advice}") as warned:
        assert record(function, 2.0).result == function(2.0)
    assert len(warned) == 1


def test_an_error_names_the_function_of_the_library_and_a_way_around():
    def fitted(y):
        return optimize.curve_fit(lambda x, a, b: a * x + b, TIMES, y)[0][0]

    with pytest.raises(UnsupportedError, match=rf"^scipy\.optimize\.curve_fit .*; {NEWTON}"):
        record(fitted, TIMES**2)


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
        x = detach(optimize.brentq(lambda x: x**3 - detach(a), 0, 2))
        return x - (x**3 - a) / (3 * x**2)

    def minimum(a):
        x = optimize.minimize(lambda x: squared(x, detach(a)), np.zeros(2)).x
        return (x - np.linalg.solve(np.eye(2) * 2, 2 * (x - a))).sum()

    assert record(root, 1.5).grads["a"] == pytest.approx(1.5 ** (-2 / 3) / 3, rel=1e-9)
    assert record(minimum, 1.5).grads["a"] == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("program", "arguments"),
    [(mixture, (VECTOR, np.array([0.2, -0.4]), np.array([0.0, 2.0]))), *map(WRITTEN_OUT.get, KEPT)],
)
def test_a_loaded_trace_shows_the_same(tmp_path, program, arguments):
    finished = record(program, *arguments)
    finished.save(tmp_path / "t.trace")
    for before, after in zip(finished.edges, load(tmp_path / "t.trace").edges, strict=True):
        assert np.array_equal(before.grad, after.grad)


WITHOUT = """
import sys
sys.modules["scipy"] = None
import numpy as np
from tracer import record
assert record(lambda x: np.exp(x).sum(), np.ones(3)).grads["x"].shape == (3,)
assert not any(name.startswith("scipy.") for name in sys.modules)
"""


def test_scipy_is_neither_needed_nor_imported():
    subprocess.run([sys.executable, "-c", WITHOUT], check=True)  # noqa: S603  (our own text)


@pytest.mark.parametrize(
    "ask", [lambda x: spatial.ConvexHull(x).volume, lambda x: spatial.cKDTree(np.eye(2)).query(x[0])[0]]
)
def test_compiled_code_which_has_no_frame_gets_real_arrays(ask):
    points = np.array([[0.0, 0.0], [1.0, 0.2], [0.3, 0.9]])
    with pytest.warns(CutWarning, match=r"np\.ascontiguousarray; at test_scipy\.py:"):
        finished = record(lambda x: ask(x) * x[1, 0], points)
    assert finished.grads["x"].tolist() == [[0.0, 0.0], [ask(points), 0.0], [0.0, 0.0]]
