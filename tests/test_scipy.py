"""SciPy's functions of numbers, special ones and densities, followed where a program has imported them."""

from __future__ import annotations

import functools
import inspect
import subprocess
import sys

import numpy as np
import pytest
import scipy.special
from autograd import grad as autograd_grad
from autograd.scipy import special as autograd_special
from autograd.scipy import stats as autograd_stats
from checks import assert_differentiates, assert_untouched
from scipy import interpolate, signal, sparse, spatial, special, stats
from scipy.special import expit, logsumexp, softmax
from scipy_inputs import MATRIX, SIGNAL, VECTOR, since

from tracer import load, record, trace, verify
from tracer.errors import CutWarning, UnsupportedError
from viz.wording import gate_text


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


def heights_of_peaks(x):
    places, found = signal.find_peaks(x, height=x[0] / 3, threshold=0.1, prominence=0.5)
    weights = np.arange(len(places)) + 1.0
    names = ("peak_heights", "left_thresholds", "right_thresholds", "prominences")
    return sum(found[name] @ weights * (turn + 1) for turn, name in enumerate(names))


def products_with(m):
    return lambda x: (m @ x) @ x + (x @ m).sum() + (np.outer(x, x) @ m).sum() * m.dot(x)[1]


def powers(x):
    for _ in range(4):
        x = S @ x / 3
    return x @ S @ x


DENSE = np.array([[4.0, 1.0, 0.0], [0.0, 3.0, -2.0], [0.0, 1.5, 0.0]])
S, TREE = sparse.csr_matrix(DENSE), spatial.KDTree(np.array([[0.1, 0.2], [1.0, 1.0], [5.0, 5.0]]))
KINDS = (sparse.csr_array, sparse.csc_matrix, sparse.coo_array, sparse.dia_matrix, sparse.lil_array)
SPARSE = [
    *(products_with(kind(DENSE)) for kind in KINDS),
    lambda x: (S * x)[0] + (x * S)[1] + (S.T @ np.outer(x, x))[1, 2] + np.sum(S @ [x[0], 1.0, x[1]]),
    lambda x: (sparse.csr_array(DENSE).multiply(x) @ x)[0] + (S[:2] @ x[:, None]).sum(),
    lambda x: (sparse.csr_array(DENSE.astype(np.float32)) @ x)[0] + (S.astype(int) @ x)[1],
    powers,
]
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
    since(
        1, 17, lambda x, y: stats.f_oneway(x, y).pvalue, (VECTOR, VECTOR**2), why="it calls float(): a cut"
    ),
    (lambda p: stats.norm.ppf(p) + stats.t(5).isf(p), (0.3,)),
    (lambda x, a, b: stats.beta.logpdf(x, a, b).sum(), (np.array([0.2, 0.7]), 2.0, 3.0)),
    (
        lambda a, scale: (
            stats.gamma.mean(a, scale=scale) * stats.gamma(a, 0.5, scale).var()
            + stats.expon.std(scale=scale)
            + stats.beta.entropy(a, 3.0, scale=scale)
            + stats.binom.var(5, p=a / 4)
            + stats.norm.interval(0.9, a, scale)[1]
            + stats.norm.median(a)
        ),
        (1.3, 2.0),
    ),
    (
        lambda z, m: special.poch(z, m[:, None]).sum() + special.binom(m[:, None], z / 2).sum(),
        (VECTOR, VECTOR + 2),
    ),
    (lambda p: stats.norm.ppf(q=p, scale=2.0) + stats.poisson.pmf(k=2, mu=p), (0.3,)),
    (lambda a: stats.lognorm.mean(a).sum() + stats.gamma.var([1.0, 2.0], scale=a[:2]).sum(), (VECTOR,)),
    *((program, (VECTOR,)) for program in SPARSE),
    (lambda x: x[signal.find_peaks(x)[0]] @ signal.find_peaks(-x)[0][:2], (SIGNAL,)),
    (heights_of_peaks, (SIGNAL,)),
    (lambda x: x[TREE.query_ball_point(x[:2], 2.0)].sum() * len(TREE.query_pairs(x[0])), (VECTOR,)),
    (lambda x, df: stats.t.logpdf(x, df, 0.1, 2.0).sum() + stats.chi2.pdf(x, df).sum(), (VECTOR, 4.0)),
]


@pytest.mark.parametrize(("program", "arguments"), PROGRAMS)
def test_programs_with_scipy_are_differentiated(program, arguments):
    assert_untouched(program, *arguments)
    assert_differentiates(program, *arguments, rtol=2e-5)


KEPT, SPLINE = (
    stats.gaussian_kde([1.0, 2.0, 4.0]),
    interpolate.CubicSpline([0.0, 1.0, 2.0], [0.0, 1.0, 0.5]),
)
logpdf, density, prior = stats.norm.logpdf, {"t": (stats.t.pdf, 3.0)}, stats.gamma(2.0)
of_prior, of_whole, estimated, log_estimated = prior.logpdf, stats.poisson.pmf, KEPT.evaluate, KEPT.logpdf
along, between, wide = SPLINE.__call__, SPLINE.integrate, functools.partial(stats.norm.pdf, scale=3.0)


class Model:
    cdf = stats.norm.cdf

    def __init__(self):
        self.ppf, self.prior = stats.norm.ppf, stats.norm(1.0, 2.0)

    def loss(self, x):
        return self.ppf(x) + self.cdf(x) + self.prior.logpdf(x)


def by_default(x, mean=stats.gamma.mean):
    return mean(x)


@pytest.mark.parametrize(
    ("program", "x"),
    [
        (lambda x: logpdf(x, 0.1, scale=2.0), VECTOR),
        (lambda x: density["t"][0](x, df=density["t"][1]), 0.3),
        (lambda x: prior.logpdf(x) + of_prior(x), 0.3),
        (lambda x: of_whole([1, 2], x), 0.3),
        (lambda x: estimated(x) + log_estimated(x), VECTOR),
        (lambda x: along(x) + between(0.0, x[0]), VECTOR),
        (lambda x: wide(x), VECTOR),
        (Model().loss, 0.3),
        (lambda x: by_default(x), 0.3),
    ],
)
def test_methods_that_a_program_has_kept_are_followed(program, x):
    assert_untouched(program, x)
    assert_differentiates(program, x, rtol=2e-5)


def test_a_method_stays_in_all_what_it_is():
    seen = []

    def function(x, pdf=stats.norm.pdf):
        seen.append(
            (pdf, stats.norm.pdf, inspect.signature(pdf), pdf.__name__, inspect.getfullargspec(pdf))
        )
        with pytest.raises(TypeError, match=r"^rv_continuous\.pdf\(\) missing 1 required .*'x'$"):
            pdf()
        return pdf(x)

    code = stats.rv_continuous.pdf.__code__
    traced = trace(function)
    assert traced(0.3) == function(0.3)
    assert seen[0] == seen[1]
    assert stats.rv_continuous.pdf.__code__ is code


def test_a_method_kept_while_a_trace_ran_is_the_plain_one_after():
    kept = []
    record(lambda x: kept.append(stats.norm.pdf) or kept[0](x), 0.3)
    assert kept[0] == stats.norm.pdf
    assert kept[0].__func__ is stats.rv_continuous.pdf


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
        (lambda v: special.jv(v, 1.0), 0.5, "the derivative of scipy.special.jv by v is not followed"),
        (
            lambda a: special.gammainc(a, 1.0),
            0.5,
            "the derivative of scipy.special.gammainc by a is not followed",
        ),
        (lambda x: special.airye(x), 0.5, "scipy.special.airye is not followed yet"),
        (
            lambda m: special.ellipj(0.3, m)[0],
            0.5,
            "the derivative of scipy.special.ellipj by m is not followed",
        ),
        (
            lambda n: special.spherical_jn(1, n, derivative=True),
            0.5,
            "scipy.special.spherical_jn with derivative=True",
        ),
        (lambda x: special.zeta(x), 2.5, "the derivative of scipy.special.zeta by x is not followed"),
        (
            lambda x: spatial.distance.cdist(x, x, "canberra"),
            MATRIX,
            "scipy.spatial.distance.cdist with metric='canberra' is not followed yet",
        ),
        (lambda x: stats.nct.pdf(x, 2.0, 0.3), 0.5, "scipy.stats.nct.pdf is not followed yet"),
        (lambda x: stats.cauchy.mean(x), 0.5, "scipy.stats.cauchy.mean is not followed yet"),
        (
            lambda x: stats.gamma.stats(x)[0],
            0.5,
            r"scipy\.stats\.gamma\.stats is not followed yet; .*, var, entropy are followed",
        ),
        (
            lambda a: stats.gamma.cdf(1.0, a),
            0.5,
            "the derivative of scipy.stats.gamma.cdf by a is not followed",
        ),
        (
            lambda x: scipy.linalg.eigh(np.outer(x, x), subset_by_index=[0, 1])[0].sum(),
            VECTOR,
            r"scipy\.linalg\.eigh with subset_by_index= is not followed.*test_scipy\.py:",
        ),
        (
            lambda x: logsumexp(x, return_sign=True),
            VECTOR,
            "logsumexp with return_sign=True is not followed",
        ),
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


def test_everything_is_put_back():
    def everything():
        methods = (stats.rv_continuous.pdf, stats.rv_discrete.pmf, interpolate.CubicSpline.__init__)
        return [*methods, *(each.__code__ for each in methods), special.logsumexp, logsumexp]

    before = everything()
    record(lambda x: stats.norm.pdf(logsumexp(x)), VECTOR)
    with pytest.raises(KeyError):
        record(lambda x: {}[special.logsumexp(x)], VECTOR)
    assert everything() == before


def test_a_product_with_a_sparse_matrix_is_that_with_the_dense_one():
    x = np.stack([VECTOR, VECTOR**2], 1)
    for of_sparse, of_dense in (
        (lambda x: ((S @ x) ** 2).sum(), lambda x: ((DENSE @ x) ** 2).sum()),
        (lambda x: ((x.T @ S) ** 2).sum(), lambda x: ((x.T @ DENSE) ** 2).sum()),
    ):
        ours, theirs = record(of_sparse, x), record(of_dense, x)
        np.testing.assert_allclose(ours.grads["x"], theirs.grads["x"], rtol=1e-14)
    assert "@" in ours.explain("x")
    assert verify(record(powers, VECTOR)).ok


def test_a_picture_shows_the_shape_of_a_sparse_matrix_and_its_side():
    x = np.ones(DENSE.shape[1])
    gates = [
        gate_text(node)
        for function in (lambda x: (S @ x).sum(), lambda x: (x @ S).sum())
        for node in record(function, x).nodes
        if node.op == "sparse_matmul"
    ]
    assert gates == ["sparse (3, 3) @", "@ sparse (3, 3)"]


def test_a_sparse_matrix_may_change_between_two_products():
    def function(x):
        matrix = S.copy()
        y = matrix @ x
        matrix.data *= 2.0
        return (matrix @ y).sum()

    np.testing.assert_allclose(record(function, VECTOR).grads["x"], 2 * (DENSE @ DENSE).sum(0))


@pytest.mark.parametrize("program", [mixture, powers])
def test_a_loaded_trace_shows_the_same(tmp_path, program):
    finished = record(
        program, VECTOR, *[np.array([0.2, -0.4]), np.array([0.0, 2.0])][: 2 * (program is mixture)]
    )
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
