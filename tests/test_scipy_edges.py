"""SciPy's functions at the ends of where they are defined, far out, and of arrays that are empty or of whole numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.linalg
from checks import assert_differentiates
from scipy import interpolate, ndimage, signal, special

from tracer import record
from tracer.errors import CutWarning, UnsupportedError

# A function, where, and its slope there by a formula that has all its digits.
EDGES = {
    "ellipk at 0": (special.ellipk, 0.0, math.pi / 8),
    "ellipk beside 0": (special.ellipk, 1e-15, math.pi / 8),
    "ellipe at 0": (special.ellipe, 0.0, -math.pi / 8),
    "ellipkm1 at 1": (special.ellipkm1, 1.0, -math.pi / 8),
    "erfcx far out": (special.erfcx, 1e8, -1e-16 / math.sqrt(math.pi)),
    "erfcx at 60": (special.erfcx, 60.0, -0.00015665407434606),
    "dawsn far out": (special.dawsn, -1e8, -0.5e-16),
    "wofz far out": (lambda x: special.wofz(x * 1j).real, 1e8, -1e-16 / math.sqrt(math.pi)),
    "rgamma at a pole": (special.rgamma, -3.0, -6.0),
    "rgamma at 0": (special.rgamma, 0.0, 1.0),
    "binom below k": (lambda n: special.binom(n, 3.0), 1.0, -1 / 6),
    "binom above n": (lambda k: special.binom(2.0, k), 3.0, -1 / 3),
    "binom of a negative k": (lambda k: special.binom(2.0, k), -1.0, 1 / 3),
    "poch of a pole": (lambda z: special.poch(z, 1.5), -2.0, -4 * math.sqrt(math.pi)),
    "poch from a pole": (lambda z: special.poch(z, 3.0), -2.0, 2.0),
    "poch between poles": (lambda z: special.poch(z, 2.0), -5.0, -9.0),
    "poch beside poles": (lambda z: special.poch(z, 2.0), -5.0 + 1e-10, -9.0 + 2e-10),
    "poch upside down": (lambda z: special.poch(z, -2.0), -5.0 + 1e-10, 0.0073696145128144906),
    "poch by m beside a pole": (lambda m: special.poch(-5.0 + 1e-10, m), 2.0, -199999983417.8048),
    "poch by m of a pole": (lambda m: special.poch(-5.0, m), 1.5, 0.0),
    "poch far out": (lambda z: special.poch(z, 1.0), 1e15, 1.0),
    "poch of a small step": (lambda z: special.poch(z, 1e-12), 2.5, 4.903577561004615e-13),
    "binom beside poles": (lambda n: special.binom(n, 3.0), -2.0 + 1e-10, 4.333333333033333),
    "binom far out": (lambda n: special.binom(n, 2.0), 1e10, 9999999999.5),
    "beta beside 0": (lambda a: special.beta(a, 2.0), 1e-12, -1e24),
    "beta by the other": (lambda b: special.beta(1e-12, b), 2.0, 1 - math.pi**2 / 6),
    "beta at a pole": (lambda a: special.beta(a, 2.0), -3.0, 5 / 36),
    "betaln far out": (lambda a: special.betaln(a, 2.0), 1e12, -1.999999999999e-12),
    "boxcox of 0": (lambda y: special.boxcox(0.0, y), 0.5, 4.0),
    "boxcox1p of -1": (lambda y: special.boxcox1p(-1.0, y), 0.5, 4.0),
    "powm1 of 0": (lambda y: special.powm1(0.0, y), 0.5, 0.0),
    "powm1 to 0": (lambda x: special.powm1(x, 0.0), 0.0, 0.0),
    "beip at 0": (special.beip, 0.0, 0.5),
    "berp at 0": (special.berp, 0.0, 0.0),
    "expn of order 0": (lambda x: special.expn(0, x), 2.0, -0.75 * math.exp(-2.0)),
    "gammainc at 0": (lambda x: special.gammainc(1.0, x), 0.0, 1.0),
    "betainc at 0": (lambda x: special.betainc(1.0, 3.0, x), 0.0, 3.0),
    "betainc at 1": (lambda x: special.betainc(2.0, 1.0, x), 1.0, 2.0),
    "chdtr at 0": (lambda x: special.chdtr(2.0, x), 0.0, 0.5),
    "gdtr at 0": (lambda a: special.gdtr(a, 1.0, 0.0), 2.0, 0.0),
    "hyp2f1 that is 1": (lambda z: special.hyp2f1(0.0, 2.0, 1.5, z), 1.0, 0.0),
    "tklmbda outside": (lambda x: special.tklmbda(x, 2.0), 3.0, 0.0),
    "struve at 0": (lambda x: special.struve(0, x), 0.0, 2 / math.pi),
    "voigt_profile of one width": (lambda s: special.voigt_profile(0.7, s, 0.8), 0.0, 0.0),
    "voigt_profile, a line": (
        lambda x: special.voigt_profile(x, 0.0, 1.0),
        1.0,
        -0.5 / math.pi,
    ),
    "voigt_profile of a line": (lambda g: special.voigt_profile(0.0, 0.0, g), 0.5, -4 / math.pi),
    "the constants": (
        lambda x: (
            special.eval_hermite(0, x)
            + special.eval_hermitenorm(0, x)
            + special.eval_jacobi(0, -1.0, -1.0, x)
            + special.eval_legendre(0, x)
            + special.eval_chebyu(0, x)
        ),
        -1.0,
        0.0,
    ),
    **{
        f"{name} at {x:g}": (lambda x, f=getattr(special, name): f(3, x), x, slope)
        for name, slope in (("eval_legendre", 6.0), ("eval_chebyt", 9.0), ("eval_chebyu", 20.0))
        for x in (-1.0, 1.0, math.nextafter(1.0, 0.0))
    },
    **{
        f"lpmv {m} at {x:g}": (lambda x, m=m: special.lpmv(m, 3, x), x, slope)
        for m, slopes in ((0, (6.0, 6.0)), (2, (-30.0, -30.0)), (3, (0.0, 0.0)))
        for x, slope in zip((-1.0, 1.0), slopes, strict=True)
    },
}


@pytest.mark.parametrize("name", EDGES)
def test_the_slope_at_the_edge_of_a_special_function(name):
    function, x, expected = EDGES[name]
    got = record(lambda x: function(x) * 1.0, x).grads["x"]
    assert got == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_where_a_quotient_of_gammas_jumps_it_has_no_slope():
    """At two poles of gamma it has a value by the limit along z; at every other m it is zero."""
    assert math.isnan(record(lambda m: special.poch(-5.0, m) * 1.0, 2.0).grads["m"])


@pytest.mark.parametrize(
    ("function", "x"),
    [
        (lambda x: special.struve(1, x) + special.struve(-2.5, -x), -1.3),
        (lambda x: special.modstruve(2, x), -1.3),
        (lambda x: special.elliprc(0.5, x), -1.0),
        (lambda x: special.elliprc(x, -1.0), 0.5),
        (lambda s: special.voigt_profile(0.7, s, 0.8), 0.04),
        (lambda s: special.voigt_profile(0.7, s, 0.8), 0.034),
        (lambda x: special.voigt_profile(x, 0.03, 0.8), 0.7),
        (lambda x: special.lpmv(1, 2, x), -0.4),
    ],
)
def test_the_slope_of_a_special_function_where_signs_turn(function, x):
    assert_differentiates(lambda x: function(x) * 1.0, x, rtol=2e-6)


IMAGE = np.array(
    [[0.3, -0.7, 0.2, 0.6], [1.1, 0.4, -0.5, 0.8], [-0.9, 0.1, 1.3, -0.2], [0.5, 0.2, -1.1, 0.7]]
)
TURNS = np.sin(np.arange(1.0, 80.0))


def weighed(y):
    return (TURNS[: y.size].reshape(y.shape) * y).sum()


@pytest.mark.parametrize("boundary", ["fill", "wrap", "symm"])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("size", [(2, 3), (3, 2), (4, 1)])
def test_products_of_images_with_windows_of_any_size(size, mode, boundary):
    window = IMAGE[: size[0], : size[1]] + 0.2

    def products(x, w):
        convolved = signal.convolve2d(x, w, mode, boundary, 0.3)
        correlated = signal.correlate2d(x, w, mode, boundary, 0.3)
        others = signal.convolve(x, w, mode) + 2 * signal.correlate(x, w, mode)
        return weighed(convolved + 2 * correlated) + weighed(others)

    assert_differentiates(products, IMAGE, window)


@pytest.mark.parametrize(
    "mode",
    ["reflect", "constant", "nearest", "mirror", "wrap", "grid-mirror", "grid-constant", "grid-wrap"],
)
def test_filters_of_images_beyond_every_kind_of_end(mode):
    def filtered(x):
        wide = ndimage.gaussian_filter(x[:2], 2.0, mode=mode, cval=0.6)
        moved = ndimage.correlate1d(x, [0.2, 0.5, 0.1, 0.3], mode=mode, cval=0.6, origin=1)
        return weighed(wide) + weighed(ndimage.convolve(moved, IMAGE[:3, :2], mode=mode, cval=0.6))

    assert_differentiates(filtered, IMAGE)


def test_coefficients_of_a_filter_of_whole_numbers():
    def filtered(b, a, s):
        y = signal.lfilter(b, a, np.arange(5))
        return weighed(y) + weighed(signal.sosfilt(s, np.arange(4)))

    arguments = np.array([0.4, 0.3]), np.array([1.2, -0.4]), np.array([[0.2, 0.1, 0.4, 1.0, 0.3, 0.2]])
    t = record(filtered, *arguments)
    assert_differentiates(lambda b, a: filtered(b, a, arguments[2]), *arguments[:2])
    assert t.grads["s"].shape == (1, 6)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: ndimage.gaussian_filter(x, 1.0).sum(), r"gaussian_filter with an empty"),
        (lambda x: ndimage.correlate(x, [[1.0, 2.0]]).sum(), r"correlate with an empty"),
        (lambda x: signal.lfilter([0.4, 0.3], [1.0, 0.2], x, axis=0).sum(), r"lfilter with an empty"),
        (lambda x: signal.upfirdn([0.4], x, axis=0).sum(), r"upfirdn with an empty"),
    ],
)
def test_a_filter_of_nothing_is_an_error(function, message):
    with pytest.raises(UnsupportedError, match=message):
        record(function, np.zeros((0, 3)))


def test_least_squares_of_a_matrix_that_lacks_rank_go_back_to_the_right_side_alone():
    a = IMAGE[:, :3].copy()
    a[:, 2] = a[:, 0] + a[:, 1]
    with pytest.raises(UnsupportedError, match=r"lstsq with a traced matrix that lacks rank"):
        record(lambda a: scipy.linalg.lstsq(a, IMAGE[3])[0].sum(), a)
    assert_differentiates(lambda b: scipy.linalg.lstsq(a, b)[0] @ [1.0, 2.0, 4.0], IMAGE[3])


def test_what_messages_advise_for_splines_and_spectra_is_right():
    x, at = np.arange(4.0), np.array([0.3, 1.7])
    basis = interpolate.CubicSpline(x, np.eye(4))(at)
    np.testing.assert_allclose(basis @ IMAGE[0], interpolate.CubicSpline(x, IMAGE[0])(at))
    np.testing.assert_allclose(
        signal.spectrogram(TURNS, window="hann", nperseg=16, noverlap=8)[2].mean(axis=-1),
        signal.welch(TURNS, nperseg=16)[1],
    )
    with pytest.raises((UnsupportedError, CutWarning), match=r"such a spline is linear in y"):
        record(
            lambda y: interpolate.CubicSpline(np.arange(5.0), [*y, y[0]], bc_type="periodic")(at).sum(),
            IMAGE[0],
        )


@pytest.mark.filterwarnings("ignore:floating point number truncated to an integer")
@pytest.mark.parametrize(
    ("name", "counts"), [("kn", (2.5,)), ("yn", (-2.5,)), ("nbdtr", (2.3, 3.6)), ("nbdtri", (2.3, 3.6))]
)
def test_a_count_that_is_cut_to_a_whole_one_is_so_on_the_way_back(name, counts):
    function, place, step = getattr(special, name), 0.43, 1e-6
    difference = (function(*counts, place + step) - function(*counts, place - step)) / (2 * step)
    gradient = record(lambda x: function(*counts, x), place).grads["x"]
    assert gradient == pytest.approx(difference, rel=1e-6)
