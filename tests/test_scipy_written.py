"""What SciPy writes in Python, whose steps are followed as the program's own are, and filters of arrays."""

from __future__ import annotations

import numpy as np
import pytest
from checks import assert_differentiates, assert_untouched
from scipy import integrate, interpolate, ndimage, optimize, signal, spatial, special, stats
from scipy_inputs import MATRIX, OTHER, SIGNAL, VECTOR, since

from tracer import load, record

SECTIONS = signal.butter(3, 0.4, output="sos")


TIMES, PLACES = np.arange(5.0) ** 1.2, np.array([0.4, 2.2, 3.7])


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
    "splines by their data": (
        lambda y: (
            interpolate.CubicSpline(TIMES, y)(PLACES).sum()
            + interpolate.CubicSpline(TIMES, [y, y * y], axis=1, bc_type=((1, [0.3, 0.1]), "natural"))
            .c[1]
            .sum()
            + interpolate.PchipInterpolator(TIMES, y)(PLACES) @ PLACES
            + interpolate.make_interp_spline(TIMES, y, k=2)(y[1] + PLACES).sum()
            + interpolate.interp1d(TIMES, y, kind="cubic")(1.3)
            + interpolate.CubicHermiteSpline(TIMES, y, y * 2.0)(0.4, 1)
        ),
        (SIGNAL[:5],),
    ),
    "what splines are asked": (
        lambda y: (
            interpolate.CubicSpline(TIMES, y).derivative()(y[1])
            * interpolate.CubicSpline(TIMES, y).integrate(0.3, y[1])
            + interpolate.PPoly(np.array([y[:4], y[1:]]), TIMES, extrapolate=False)(2.2)
            + interpolate.BSpline(np.arange(9), y, 3, extrapolate=False)([3.2, 4.1, 3.3]).sum()
        ),
        (SIGNAL[:5],),
    ),
    "kernels": (
        lambda x, y: (
            stats.gaussian_kde(x)(y).sum()
            + stats.gaussian_kde(x, bw_method="silverman", weights=y * y).logpdf(x[0])[0]
            + stats.gaussian_kde([x, y + x * x], 0.7).pdf([[0.2, 0.5], y[:2]]) @ [1.0, 2.0]
            + stats.gaussian_kde([0.3, 0.7, 0.1])(y[0])[0]
        ),
        (VECTOR, OTHER),
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
    "filters both ways": (
        lambda b, a: (
            (signal.filtfilt(b, a, SIGNAL, padlen=4) ** 2).sum()
            + signal.lfilter_zi(b, 1.3).sum()
            + signal.filtfilt(b[:2], [1.0], SIGNAL, padlen=2)[1]
        ),
        (np.array([0.4, 0.3, -0.2]), np.array([1.2, -0.4, 0.1])),
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
            for method, tolerance in (("RK45", 1e-6), ("RK23", 1e-3), ("DOP853", 1e-6), ("BDF", 1e-3))
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


KEPT = (
    "splines by their data",
    "what splines are asked",
    "filters",
    "sections",
    "rates",
    "images",
    "windows",
)


@pytest.mark.filterwarnings("ignore:.*as of SciPy 1.18:DeprecationWarning")
@pytest.mark.parametrize(
    "name",
    [
        since(1, 14, name, why="it asks for the type of a sum: an error") if name == "correlation" else name
        for name in WRITTEN_OUT
        if hasattr(np.float64, "device") or name not in ("correlation", "t of two")  # with NumPy 2.0 errors
    ],
)
def test_what_scipy_writes_in_python_is_followed(name):
    program, arguments = WRITTEN_OUT[name]
    assert_untouched(program, *arguments)
    assert_differentiates(program, *arguments, rtol=2e-5)


@pytest.mark.parametrize("name", KEPT)
def test_a_loaded_trace_shows_the_same(tmp_path, name):
    program, arguments = WRITTEN_OUT[name]
    finished = record(program, *arguments)
    finished.save(tmp_path / "t.trace")
    for before, after in zip(finished.edges, load(tmp_path / "t.trace").edges, strict=True):
        assert np.array_equal(before.grad, after.grad)


def test_a_spline_that_outlives_its_trace_is_plain():
    kept = []

    def program(y):
        kept.extend(
            (
                interpolate.CubicSpline(TIMES, y),
                interpolate.make_interp_spline(TIMES, y),
                interpolate.BSpline(np.arange(9), y, 3),
            )
        )
        kept.append(kept[0].derivative())
        return sum(spline(3.3) for spline in kept)

    finished = record(program, SIGNAL[:5])
    assert all(type(spline.c) is np.ndarray for spline in kept[:3])
    assert finished.result == sum(spline(3.3) for spline in kept)
