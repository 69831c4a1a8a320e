"""NumPy calls as signatures allow them: by any name, with any kind of constants, types, `out=` and axes."""

from __future__ import annotations

import numpy as np
import pytest
from checks import assert_differentiates, assert_untouched

from tracer import record
from tracer.errors import CutWarning, UnsupportedError

A = np.array([[1.5, 0.4, 3.0], [2.0, 0.3, 1.1], [0.7, 1.9, 0.2]])
V = np.array([1.3, 0.7, 2.2])
Z = np.array([1 + 2j, 3 - 1j, 2 + 0.5j])
W = np.array([0.3 + 1j, -1 - 1j, 2.5 - 0.5j])


BY_NAME = [
    lambda a, v: np.dot(a=a, b=v),
    lambda a, v: np.linalg.solve(a=a, b=v),
    lambda a, v: np.outer(a=v, b=v),
    lambda a, v: np.kron(b=v, a=a),
    lambda a, v: np.polyadd(a1=v, a2=v) + np.polyval(p=v, x=v),
    lambda a, v: np.hstack(tup=[v, v * v]),
    lambda a, v: np.vstack(tup=(a, v)) @ v,
    lambda a, v: np.array_split(ary=a, indices_or_sections=2)[1],
    lambda a, v: np.hsplit(ary=a, indices_or_sections=[1])[1],
    lambda a, v: np.broadcast_to(array=v, shape=(3, 3)) * a,
    lambda a, v: np.flip(m=a, axis=0),
    lambda a, v: np.emath.sqrt(x=a) * np.emath.power(x=a, p=2),
    lambda a, v: np.fft.fft(a=a).real,
]
WITH_OPTIONS = [
    lambda a, v: np.average(a, [0]) + np.percentile(a, 30, axis=[0]),
    lambda a, v: np.gradient(a, axis=[0]),
    lambda a, v: np.cumulative_sum(v, axis=(0,)) if hasattr(np, "cumulative_sum") else np.cumsum(v),
    lambda a, v: np.cumprod(v[0], axis=0),
    lambda a, v: np.minimum.accumulate(v, axis=None),
    lambda a, v: np.repeat(np.sum(v), 2) * np.delete(np.sum(v), slice(0, 0)),
    lambda a, v: np.dsplit(a[None].tolist(), [1])[1],
    lambda a, v: np.linalg.multi_dot([np.stack([a, a * a]), a]),
    lambda a, v: np.polyint(v, 1, v),
    lambda a, v: np.polydiv(v, v[0])[0],
    lambda a, v: np.interp(v, [0.0, 1, 3], np.array([False, True, False])),
    lambda a, v: a.item((4,)) * a.item(-1) * a.item((1, 2)),
    lambda a, v: (
        np.hypot.reduce(-a[:1]) * np.hypot.reduce(-a[1, 1]) + np.hypot.reduce(-a[:1], initial=None)
    ),
    lambda a, v: np.fmod.reduce(v[0]) * v,
    lambda a, v: np.transpose(v, axes=0),
    lambda a, v: np.histogramdd(v, 3)[1][0],
    lambda a, v: np.polyfit(
        v[:2], v[1:], 3
    ),  # more unknowns than equations: the shortest of the scaled ones
    lambda a, v: np.polyfit(v[:2], a[:2], 2, w=v[1:]),
]
INTO_OUT = [
    lambda a, v: a.clip(0.5, out=np.zeros((3, 3))),
    lambda a, v: np.add.accumulate(a, out=np.zeros((3, 3))),
    lambda a, v: np.greater(a, 1, out=np.zeros((3, 3), bool)) * a,
    lambda a, v: np.take(a, np.argmax(a, 0, np.zeros(3, int))),
    lambda a, v: np.isfinite(v, out=np.zeros(3)) * v,
    lambda a, v: np.var(a * 1j, out=np.zeros((), complex)).real,
    lambda a, v: np.fft.irfft(a, out=np.zeros((3, 4), complex)).real,
    # NumPy returns a number here, and has written it.
    lambda a, v: np.dot(v, v, out=np.zeros(())),
    lambda a, v: v[0].clip(0.5, 9, out=np.zeros(())),
    lambda a, v: np.sum(v[0], out=np.zeros(())),
    lambda a, v: [np.dot(v, v * each, out=each) * each for each in [np.ones(())]],
    lambda a, v: np.full((), [v[0]]) * np.full((), v[1:2]) * np.full_like(2.0, [[v[2]]]),
]


@pytest.mark.filterwarnings("ignore:Polyfit may be poorly conditioned")  # NumPy's own
@pytest.mark.parametrize("function", [*BY_NAME, *WITH_OPTIONS, *INTO_OUT])
def test_a_call_is_followed_however_it_is_written(function):
    assert_untouched(function, A, V)
    assert_differentiates(function, A, V)


WHOLE = [
    lambda k, v: np.arctan2(k, v),
    lambda k, v: np.arctan2(v, k),
    lambda k, v: np.arctan2(k[0], v),
    lambda k, v: np.hypot(v, k),
    lambda k, v: np.power(k % 3 + 1, v),
    lambda k, v: np.power(v, k % 3),
    lambda k, v: np.interp(v, [0.0, 1, 3], k),
    lambda k, v: np.convolve(k, v),
    lambda k, v: np.polyval(k, v),
    lambda k, v: k / v + k @ v,
]


@pytest.mark.parametrize("kind", ["uint8", "int8", "uint64", "int32", "bool"])
@pytest.mark.parametrize("function", WHOLE)
def test_whole_numbers_of_every_kind_are_as_large_in_a_rule_as_in_the_program(function, kind):
    k = np.array([100, 1, 7]).astype(kind)
    if kind != "bool" or "%" not in str(function.__code__.co_consts):
        assert_differentiates(lambda v: function(k, v), V, rtol=1e-4)


def test_constants_of_few_digits_take_none_from_a_gradient():
    few = np.array([1.1, 2.3, 0.7], np.float16)
    t = record(lambda v: np.vdot(v, few) * 0.7, V)
    np.testing.assert_allclose(t.grads["v"], few.astype(float) * 0.7, rtol=1e-15)


INTO_WHOLE = [
    ("c += n", r"np\.add of int"),
    ("c[1:] -= n", r"np\.subtract of int"),
    ("np.multiply(c, n, out=c)", r"np\.multiply of int"),
    ("np.add.at(c, [0, 0], n)", r"np\.add\.at of int"),
]


@pytest.mark.parametrize(("line", "named"), INTO_WHOLE)
def test_a_whole_number_that_changes_whole_numbers_is_cut(line, named):
    space = {"np": np}
    exec(f"def function(v, n):\n    c = np.arange(3)\n    {line}\n    return v * c", space)  # noqa: S102
    with pytest.warns(CutWarning, match=named):
        assert_untouched(space["function"], V, 2)


REAL_PARTS = [
    lambda z, w: np.multiply(z, w, dtype=float, casting="unsafe"),
    lambda z, w: np.power(z, w, dtype=float, casting="unsafe"),
    lambda z, w: np.divide(z, W, dtype=float, casting="unsafe"),
    lambda z, w: np.square(z, dtype=float, casting="unsafe"),
    lambda z, w: np.matmul(z, w, dtype=float, casting="unsafe"),
    lambda z, w: np.vecdot(z, w, dtype=float, casting="unsafe"),
    lambda z, w: np.multiply.outer(z, w, dtype=float, casting="unsafe"),
    lambda z, w: np.multiply.reduceat(z, [0, 1], dtype=float),
    lambda z, w: np.std(z, dtype=complex).real,
    lambda z, w: np.amin(z, out=np.zeros(())),
]


@pytest.mark.filterwarnings("ignore:Casting complex values")  # NumPy's own
@pytest.mark.parametrize("function", REAL_PARTS)
def test_a_real_type_computes_with_the_real_parts(function):
    assert_untouched(function, Z, W)
    assert_differentiates(
        lambda x, y, u, v: function(x + 1j * y, u + 1j * v), Z.real, Z.imag, W.real, W.imag
    )


REFUSED = [
    (lambda z, v: np.var(z, dtype=float), r"np\.var with dtype=float64 of complex numbers"),
    (lambda z, v: np.cov(z, dtype=float), r"np\.cov with dtype=float64 of complex numbers"),
    (lambda z, v: np.geomspace(z, 2.0, 3, dtype=float), r"np\.geomspace with dtype=float64 of complex"),
    (
        lambda z, v: np.einsum("i,i", z, z, dtype=float, casting="unsafe"),
        r"np\.einsum with dtype=float64 of",
    ),
    (lambda z, v: np.sum(v, dtype=int, out=np.zeros(())), r"np\.sum with dtype=int\w* and out="),
    (lambda z, v: v.sum(0, int, np.zeros(())), r"np\.sum with dtype=int\w* and out="),
    (
        lambda z, v: np.fft.ifftn(v[None], (2, 3), (0, 1), out=np.zeros((2, 3), complex)),
        r"np\.fft\.ifftn with an out= that changes the result",
    ),
    (
        lambda z, v: np.trapezoid(v, np.array([3, 1, 2], "u1")),
        r"np\.trapezoid with x= of unsigned integers",
    ),
    (lambda z, v: np.polyder(v[:, None]), r"np\.polyder with a matrix"),
    (lambda z, v: np.polyval(v, np.poly1d([1, 2])), r"np\.polyval with a poly1d to evaluate at"),
    (
        lambda z, v: np.interp(v, [1, 2], [1, 2], period=np.array([3.0])),
        "np.interp with an array as period=",
    ),
    (lambda z, v: np.linalg.lstsq(v[:, None], v, np.array([0.1])), "lstsq with an array as rcond="),
    (lambda z, v: v.__setstate__(z), "ndarray.__setstate__ is not followed"),
]


@pytest.mark.filterwarnings("ignore:Casting complex values")  # NumPy's own
@pytest.mark.parametrize(("function", "named"), REFUSED)
def test_what_its_rule_does_not_know_is_refused(function, named):
    with pytest.raises(UnsupportedError, match=named):
        record(function, Z, V)


def test_the_rest_of_a_quotient_has_a_gradient_in_every_precision():
    for kind in ("e", "f", "d", "g"):
        u, v = np.array([1, 2, 4], kind), np.array([2, 1], kind)
        t = record(lambda u, v: np.polydiv(u, v)[1][0], u, v)
        np.testing.assert_allclose(t.grads["u"], [0.25, -0.5, 1])
        assert t.grads["u"].dtype == u.dtype


UNTOUCHED = [
    lambda a, v: np.add(v, 1j, out=np.zeros(3)),
    lambda a, v: np.add(v, 1, out=np.zeros(3, int)),
    lambda a, v: np.add(v, 1, out=np.zeros(3, "f4"), casting="no"),
    lambda a, v: np.equal(v, 1, out=np.zeros(3), casting="equiv"),
    lambda a, v: np.add(v, 1, out=np.zeros(3).sum() * v[0]),
    lambda a, v: np.add.accumulate(v.astype("f4"), out=np.zeros(3)),
    lambda a, v: np.multiply.reduceat(v.astype("f4"), [0, 1], out=np.zeros(2)),
    lambda a, v: np.put(v, [0, 1], v[:0]),
    lambda a, v: np.put(v[0], [0], 1),
    lambda a, v: np.put(v[:0], [0], v),
    lambda a, v: np.put(v, [0, -3, 1], v[1:] * 2),
    lambda a, v: np.put(v, [0, -4], v),
    lambda a, v: np.put(v, [5, -7], v, mode="wrap"),
    lambda a, v: np.put(v, np.array([0], "u8"), v),
    lambda a, v: np.put(v.astype("f4"), [0], v * 1e300),
    lambda a, v: np.put(v, [0], "a"),
    lambda a, v: np.place(v, [True, False], v * 2),
    lambda a, v: np.putmask(v, mask=[True, False, True], values=v * 2),
    lambda a, v: np.fill_diagonal(a, v[:0]),
    lambda a, v: np.copyto(v[0], 1),
    lambda a, v: np.copyto(v, 1j),
    lambda a, v: v.put(indices=[0], values=v[1:]),
    lambda a, v: v.fill(v),
    lambda a, v: np.unique_counts(x=v.tolist()),
    lambda a, v: np.unique_counts(x=np.array([1, 2])),
    lambda a, v: np.nan_to_num(v[0] * np.ones(()), copy=False),
    lambda a, v: np.reshape((v[0],), (), order="A"),
    lambda a, v: np.add(v, 1, out=v.imag),
    lambda a, v: np.copyto(v.imag, v),
    lambda a, v: (a.flat == v[0], v.flat != a[0], a.flat < v[0].item(), v[0] >= a.flat),
    lambda a, v: v[0].item() - a.flat,
    lambda a, v: divmod(a.flat, v[0].item()),
    lambda a, v: hash(v.flat),
]


@pytest.mark.parametrize("function", UNTOUCHED)
def test_what_numpy_does_of_odd_calls_is_what_a_traced_program_gets(function):
    def called(a, v):
        return function(a, v), a, v

    assert_untouched(called, A, V)
