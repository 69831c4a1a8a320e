"""NumPy functions, ufuncs and methods: the same arrays as without @trace, and the gradients of central differences."""

from __future__ import annotations

import numpy as np
import pytest
from checks import assert_differentiates, assert_untouched
from numpy import polynomial
from numpy_arrays import CUBE, MATRIX, POSITIVE, RANDOM, SMALL, SQUARE, VECTOR

from tracer import record, trace
from tracer.errors import CutWarning, UnsupportedError

UNARY = [
    *((name, VECTOR) for name in (
        "negative positive absolute fabs square exp exp2 expm1 sin cos tan arctan sinh cosh tanh arcsinh cbrt "
        "degrees radians deg2rad rad2deg reciprocal floor ceil trunc rint sign conjugate"
    ).split()),
    *((name, POSITIVE) for name in "sqrt log log2 log10 log1p".split()),
    *((name, SMALL) for name in "arcsin arccos arctanh".split()),
    ("arccosh", POSITIVE + 1),
]  # fmt: skip


BINARY = [
    *((name, VECTOR, SMALL) for name in (
        "add subtract multiply divide true_divide maximum minimum fmax fmin arctan2 hypot copysign logaddexp "
        "logaddexp2 remainder mod fmod floor_divide nextafter heaviside"
    ).split()),
    *((name, POSITIVE, VECTOR) for name in ("power", "float_power")),
]  # fmt: skip


JUMPING = ("copysign", "remainder", "mod", "fmod", "nextafter", "heaviside", "floor_divide")


OPTIONS = [
    {},
    {"axis": 0},
    {"axis": -1},
    {"axis": (0, 2)},
    {"axis": (-1, 0), "keepdims": True},
    {"axis": None, "keepdims": True},
    {"axis": 1, "keepdims": True},
    {"axis": ()},
]


class Named(np.ndarray):
    """Of which arrays are made by `x.view(Named)`, as by its `__new__`."""


@pytest.mark.parametrize(("name", "x"), UNARY, ids=lambda each: each if isinstance(each, str) else "")
def test_a_ufunc_of_one_array(name, x):
    function = getattr(np, name)
    assert_differentiates(lambda x: function(x) * 3, x)
    for kind in (np.float64, np.float32, np.float16):
        assert_untouched(lambda x: function(x), x.astype(kind))
    assert_untouched(lambda x: function(x), x[0].item() if x.ndim == 1 else x[0, 0].item())
    assert_untouched(lambda x: function(x), x.ravel()[0])
    assert_untouched(lambda x: function(x), np.array(x.ravel()[0]))
    assert_untouched(lambda x: function(x), x[:0])


@pytest.mark.parametrize(("name", "x", "y"), BINARY, ids=lambda each: each if isinstance(each, str) else "")
def test_a_ufunc_of_two_arrays_and_of_constants_on_either_side(name, x, y):
    function = getattr(np, name)
    for call in (
        lambda x, y: function(x, y),
        lambda x, y: function(y, x) if "power" not in name else function(x, y),
        lambda x, y: function(x, 0.7) + function(0.7, y if "power" in name else x),
        lambda x, y: function(x, [0.7, 0.3, 1.1]) + function([0.7, 0.3, 1.1], y),
        lambda x, y: function(x, x),
    ):
        if name in JUMPING:
            assert_untouched(call, x, y)  # they jump, or are constant: their numbers are in test_rules
        else:
            assert_differentiates(call, x, y)
        assert_untouched(call, x.astype(np.float32), y.astype(np.float32))
        assert_untouched(call, x.astype(np.float32), y)


@pytest.mark.parametrize(
    "left", [(), (1,), (3,), (2, 3), (2, 1), (4, 2, 3), (1, 1, 3), (0,), (4, 1, 1)], ids=str
)
@pytest.mark.parametrize("right", [(), (1,), (3,), (2, 1), (1, 3), (4, 1, 3)], ids=str)
def test_broadcasting_in_each_direction(left, right):
    try:
        np.broadcast_shapes(left, right)
    except ValueError:
        assert_untouched(lambda x, y: x * y, np.ones(left), np.ones(right))
        return
    # Beside y on either side, never within a step of the differences of it.
    x = np.asarray(RANDOM.choice([0.3, 2.2], size=left) + RANDOM.uniform(0, 0.5, size=left))
    y = np.asarray(RANDOM.uniform(1, 2, size=right))
    for function in (lambda x, y: x * y, lambda x, y: y - x / y, np.maximum, np.hypot):
        finished = assert_differentiates(lambda x, y: function(x, y), x, y)  # noqa: B023
        assert_untouched(lambda x, y: function(x, y), x, y)  # noqa: B023
    assert finished.grads["x"].shape == left


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "min"])
def test_a_reduction(name, options):
    function = getattr(np, name)
    assert_differentiates(lambda x: function(x, **options) * 2, CUBE)
    assert_differentiates(lambda x: getattr(x, name)(**options) * 2, CUBE)
    assert_untouched(
        lambda x: (function(x, **options), getattr(x, name)(**options)), CUBE.astype(np.float32)
    )
    if "keepdims" not in options and options:
        assert_differentiates(
            lambda x: function(x, options["axis"]) + getattr(x, name)(options["axis"]), CUBE
        )
    ufunc = {"sum": np.add, "prod": np.multiply, "max": np.maximum, "min": np.minimum}.get(name)
    if ufunc:
        assert_differentiates(lambda x: ufunc.reduce(x, **options), CUBE)
        assert_untouched(lambda x: ufunc.reduce(x), CUBE)


@pytest.mark.parametrize("name", ["sum", "prod"])
def test_a_reduction_of_nothing(name):
    assert_untouched(lambda x: getattr(np, name)(x), np.zeros((0, 3)))
    finished = record(lambda x: np.sum(getattr(np, name)(x, axis=0)), np.zeros((0, 3), np.float32))
    assert finished.grads["x"].shape == (0, 3)
    assert finished.grads["x"].dtype == np.float32


def test_arrays_meet_scalars():
    assert_differentiates(lambda a, x: x * a + a / x - x**a + np.where(a > x, a, x), POSITIVE, 1.5)
    constant = np.array([1.0, 2.0, 3.0])
    assert_differentiates(lambda x: constant * x + x / constant + np.float64(3) * x, 1.5)
    assert_untouched(
        lambda a, x: (x * a, a / x, x + constant, constant - x, np.float32(2) * x), VECTOR, 1.5
    )
    assert_untouched(
        lambda a, n: (n * a, a / n, a**n, constant**n, n - constant), VECTOR.astype(np.float32), 2
    )
    with pytest.warns(CutWarning):
        assert_untouched(lambda n: np.arange(3) ** n, 2)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.dot(x, VECTOR) + np.dot(VECTOR, x) * 2,
        lambda x: np.dot(x, x) * np.dot(2.0, x),
        lambda x: np.outer(x, VECTOR),
        lambda x: np.outer([x, 1.0], [x, 2.0, x * x]),
        lambda x: np.einsum(",i->i", x, VECTOR),
        lambda x: np.sum(x) * np.mean(x) * np.prod(x) + np.max(x, axis=None),
        lambda x: np.reshape(x, (1, 1)) * np.ravel(x) + np.expand_dims(x, 0),
        lambda x: np.squeeze(x) * np.transpose(x) * np.copy(x),
        lambda x: np.broadcast_to(x, (2, 3)) * MATRIX,
        lambda x: np.stack([x, 2.0, x * x]) * VECTOR,
        lambda x: np.array([x, 2 * x, 3]) @ SQUARE @ [1.0, x, 2.0],
        lambda x: np.asarray([[x, 1], [2, x]]) @ np.array([x, 1.0]),
        lambda x: np.array(x) * x,
        lambda x: np.where(True, x, 0.0) * np.where(x > 1, x * x, 0.0) + np.where(np.bool_(0), x, 3 * x),
        lambda x: x * np.bool_(1) * np.int8(3) * np.array(2) * True,
        lambda x: np.array([x], dtype=np.float64)[0] * x,
        lambda x: np.where([True, False], x, [x * x, 3 * x]),
        lambda x: np.clip(x, 0.0, [1.0, 3.0]) * np.clip([0.5, 2.0], x, None),
        lambda x: np.maximum(x, [x, 9.0]) * np.hypot([1.0, x], x),
        lambda x: np.sum(np.array([[x, 1.0], [x, x]]), axis=0),
        lambda x: np.exp(x) * np.sin(x) - np.divmod(x, 0.7)[1],
        lambda x: np.sum(x, axis=-1, keepdims=True) * np.prod(x, axis=0) + np.max(x, axis=-1),
        lambda x: np.ptp(x, axis=0) + np.var(x) + x * len(np.gradient(x)) + np.linalg.norm(x),
        lambda x: np.quantile(x, 0.3, axis=None) * np.median(x) + np.nansum(x, axis=0) + np.nanmax(x),
        lambda x: np.sum([x, x], dtype=complex).real + np.mean(np.array([x, 2.0]), dtype=complex).real,
        lambda x: np.trapezoid(np.array([x])[:0]) + x,
    ],
)
def test_numpy_functions_of_numbers_and_lists(function):
    for kind in (float, np.float64, np.array):
        finished = assert_differentiates(function, kind(1.5))
        assert all(isinstance(node.kink, str) for node in finished.nodes)
        assert_untouched(function, kind(1.5))


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.float16])
def test_gradients_keep_shape_and_type(kind):
    def network(w, b, x):
        hidden = np.tanh(x @ w + b)
        return np.mean((hidden * hidden).sum(axis=1))

    arrays = [RANDOM.normal(size=shape).astype(kind) for shape in ((3, 4), (4,), (5, 3))]
    grads = record(network, *arrays).grads
    for array, gradient in zip(arrays, grads.values(), strict=True):
        assert (gradient.dtype, gradient.shape) == (array.dtype, array.shape)
    assert_untouched(network, *arrays)


def test_the_type_of_a_gradient_is_that_of_its_edge():
    def mixed(a, b):
        return np.sum(a.astype(np.float64) * b)

    finished = record(mixed, np.ones(3, np.float32), np.full(3, 2.0))
    for edge in finished.edges:
        assert np.asarray(edge.grad).dtype == np.asarray(edge.value).dtype


def test_plain_reads_leave_no_node():
    def read(a):
        shapes = a.shape, a.ndim, a.size, len(a), a.dtype, np.shape(a), np.ndim(a)
        where = np.argmax(a), a.argmin(), np.argsort(a), np.nonzero(a > 0), (a > 0).any(), np.where(a > 0)
        tests = (
            np.isnan(a),
            np.isfinite(a),
            np.allclose(a, a),
            np.array_equal(a, a),
            a == 0,
            np.logical_and(a, 1),
        )
        likes = np.zeros_like(a), np.ones_like(a), np.empty_like(a).shape
        return shapes, where, tests, likes, str(a), repr(a), f"{a}", -2 in a

    finished = record(lambda a: (read(a), None)[1] or a.sum(), VECTOR)
    assert [node.kind for node in finished.nodes] == ["input", "function", "output"]
    assert_untouched(read, VECTOR)


def test_iteration_and_unpacking():
    def unpacked(a):
        first, *rest = a
        total = first * 2
        for i, x in enumerate(rest):
            total = total + x * a[i]
        (p, q), _ = np.stack([a[:2], a[1:]])
        return total + p * q

    assert_differentiates(unpacked, VECTOR)
    assert_untouched(unpacked, VECTOR)
    assert_untouched(lambda a: [each for each in a], np.array(2.5))


@pytest.mark.parametrize(
    ("function", "named"),
    [
        (lambda a: np.var(a, ddof=a[0]), r"np\.var with a traced ddof= that is no whole number"),
        (lambda a: np.linalg.pinv(np.diag(a), 0.7), r"np\.linalg\.pinv with rcond"),
        (lambda a: np.power.reduce(a), r"np\.power\.reduce with steps that NumPy skips"),
        (lambda a: np.heaviside.accumulate(a), r"np\.heaviside\.accumulate with a ufunc that takes steps"),
        (lambda a: np.frompyfunc(lambda t: t, 1, 1)(a), r"np\.frompyfunc of <lambda>"),
        (lambda a: a.view(np.int64), r"ndarray\.view as another type"),
        (lambda a: a.view(Named), r"ndarray\.view as another class, Named,"),
        (lambda a: a.byteswap(), r"ndarray\.byteswap"),
        (
            lambda a: a.sum(out=VECTOR[0, ...]),
            r"a traced value is written into the array of a, an input",
        ),
        (lambda a: np.logspace(0.1, 1, 3, base=a * a), r"np\.logspace with an array base="),
        (lambda a: np.cov(a[None], rowvar=False, ddof=0), r"np\.cov with rowvar=False of one row"),
        (lambda a: np.histogram(a, 2, density=True), r"np\.histogram with density=True and bins that move"),
        (
            lambda a: np.histogram2d(a, a, 2, density=True),
            r"np\.histogram2d with density=True and bins that",
        ),
        (lambda a: np.pad(a, 1, lambda *_: None), r"np\.pad with a function of the program as mode="),
        (lambda a: np.polyfit(a, a, 1, full=True), r"np\.polyfit with rcond=, full= or cov="),
        (lambda a: np.matmul(a, a, axes=[0, 0, ()]), r"np\.matmul with axes="),
        (lambda a: np.array(a, like=VECTOR), r"np\.array with like="),
    ],
)
def test_what_is_not_followed_is_refused_by_name_and_line(function, named):
    line = function.__code__.co_firstlineno
    with pytest.raises(UnsupportedError, match=rf"{named}.*; at test_numpy\.py:{line}; "):
        record(function, VECTOR)


def test_what_is_not_followed_works_on_plain_arrays():
    constant = np.array([3.0, 1.0, 2.0])
    finished = record(lambda a: np.sum(np.sort(constant) * a * np.linalg.norm(constant)), VECTOR)
    np.testing.assert_allclose(finished.grads["a"], np.sort(constant) * np.linalg.norm(constant))


@pytest.mark.parametrize(
    ("function", "via"),
    [
        (lambda a: a.astype(int) * 2, r"\.astype\(int64\)"),
        (lambda a: np.float64(a[0]) * 2, r"np\.float64\(\)"),
        (lambda a: np.random.default_rng(0).normal(a), "a conversion to a plain array in normal"),
        (
            lambda a: np.random.default_rng(0).normal(a[0]),
            r"(float\(\)|a conversion to a plain array) in normal",
        ),
        (lambda a: np.fromiter(a, int), r"np\.fromiter of int64"),
        (lambda a: np.array(a, dtype=int), r"np\.array of int64"),
        (lambda a: np.array([a[0], 2], dtype=int), r"np\.array of int64"),
    ],
)
def test_an_array_that_leaves_the_graph_is_cut(function, via):
    with pytest.warns(CutWarning, match=rf"left the graph through {via}; at test_numpy\.py:\d+"):
        finished = record(function, VECTOR)
    assert "cut" in [node.kind for node in finished.nodes]
    np.testing.assert_array_equal(finished.result, function(VECTOR))


def test_a_plain_array_that_others_have_is_written_into_for_all_of_them():
    out = np.zeros(2)
    others = [out]

    def write(x):
        out[0] = x
        return others[0].sum() * out[0]

    assert record(write, 3.0).grads == {"x": 6.0}
    assert others[0] is out
    assert out.tolist() == [3.0, 0.0]
    assert type(out) is np.ndarray


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_an_array_of_one_element_is_a_number_to_math(shape):
    import math

    def function(a):
        return math.exp(a.sum()) + math.sin(a.reshape(()))

    assert record(function, np.full(shape, 0.3)).grads["a"].shape == shape
    assert_differentiates(function, np.full(shape, 0.3))


def test_warnings_are_those_of_the_plain_program():
    def divide(a, x):
        return a / x

    for arguments in ((np.array([1.0, 0.0]), 0.0), (np.float64(1), 0.0), (np.float64(1), np.float64(0))):
        texts = []
        for call in (divide, trace(divide)):
            with pytest.warns(RuntimeWarning) as caught:
                call(*arguments)
            texts.append([str(each.message) for each in caught])
        assert texts[0] == texts[1]


def test_the_element_of_a_number_is_that_number():
    assert_differentiates(lambda x: np.sin(x * np.float64(2)).item() * (x * np.float64(2)), 0.4)

    def twice(x):
        number = np.tanh(x)
        return number * 0.7 + np.tanh(number.item())

    assert_differentiates(twice, np.float64(0.4))


COEFFICIENTS = np.array([0.4, -1.2, 0.7, 1.9])


@pytest.mark.parametrize(
    "function",
    [
        lambda c, x: polynomial.polynomial.polyval(x, c),
        lambda c, x: polynomial.polynomial.polyval2d(x, x, np.outer(c, c)),
        lambda c, x: polynomial.chebyshev.chebval(x, c),
        lambda c, x: polynomial.legendre.legval(x, c),
        lambda c, x: polynomial.hermite.hermval(x, c),
        lambda c, x: polynomial.polynomial.polyder(c) * x[0],
        lambda c, x: polynomial.polynomial.polyvander(x, 2) * c[0],
        lambda c, x: polynomial.polynomial.polymul(c, x),
        lambda c, x: polynomial.polynomial.polydiv(c, x)[0],
        lambda c, x: polynomial.polynomial.polypow(c, 3) * x[0],
        lambda c, x: polynomial.polynomial.polyfromroots(c) * x[0],
        lambda c, x: polynomial.polynomial.polyfit(c, c**3, 1) * x[0],
        lambda c, x: polynomial.polynomial.polyroots(x) * c[0],
        lambda c, x: polynomial.Polynomial.fit(c, c**2 + 1, 1).convert()(x),
        lambda c, x: polynomial.Polynomial(c)(x),
        lambda c, x: polynomial.Polynomial(c).deriv()(x),
        lambda c, x: polynomial.Polynomial(c).integ(2)(x),
        lambda c, x: (polynomial.Polynomial(c) * polynomial.Polynomial(x) + 1)(0.5),
        lambda c, x: polynomial.Chebyshev(c)(x) ** 2,
        lambda c, x: np.poly1d(c)(x),
        lambda c, x: np.polyint(np.poly1d(c), 2, k=x)(x) + np.polyder(np.poly1d(c))(x),
        lambda c, x: np.polymul(np.poly1d(c), np.poly1d(c))(x),
        lambda c, x: np.polyadd(c, np.poly1d([1.0, 2.0]))(x) * np.polysub(np.poly1d(c), x)(2.0),
        lambda c, x: sum(part(x) for part in np.polydiv(np.poly1d(c), np.poly1d([1.0, x[1]]))),
        lambda c, x: np.polyval(np.poly1d(c), x),
        lambda c, x: np.polyval(np.outer(c, x), x[0] * x),
        lambda c, x: np.polyval(c[:0], x) + c[0] * x,
    ],
)
def test_polynomials_of_every_kind(function):
    x = np.array([0.3, 0.8])
    assert_differentiates(function, COEFFICIENTS, x)
    assert_untouched(function, COEFFICIENTS, x)


def test_where_passes_nothing_to_what_it_did_not_choose_not_even_nan():
    def masked(x):
        z = np.where(x < 0, np.nan, x) ** 2
        return z[~np.isnan(z)].sum()

    x = np.array([0.3, 1.2, -0.7, 2.1])
    wanted = np.where(x < 0, 0, 2 * x)
    np.testing.assert_array_equal(record(masked, x).grads["x"], wanted)
    np.testing.assert_array_equal(
        record(masked, x.astype(np.float32)).grads["x"], wanted.astype(np.float32)
    )
    (z,) = record(
        lambda z: np.nansum(np.abs(np.where(z.real < 1, np.nan, z))), np.array([0.5j, 3 + 4j])
    ).grads.values()
    np.testing.assert_allclose(z, [0, 0.6 - 0.8j])
