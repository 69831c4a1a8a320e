"""Values of every awkward kind: each is right, value and gradient, or a clear error with the line, or a cut that is said."""

from __future__ import annotations

import copy
import re
import tempfile
import warnings
from array import array
from collections import deque
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from checks import same

from tracer import record, trace, watch
from tracer.errors import CutError, CutWarning, UnsupportedError
from tracer.run import Options, run

V = np.array([1.0, 2.0, 3.0])
NAN, INF = np.nan, np.inf
READ_ONLY = V.copy()
READ_ONLY.flags.writeable = False
MASKED = np.ma.array(V, mask=[0, 1, 0])
RECORDS = np.array([(1.5, 2), (2.5, 3)], dtype=[("p", float), ("n", int)])
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # PendingDeprecationWarning: np.matrix
    MATRIX = np.matrix([[1.0, 2.0], [3.0, 4.0]])


class Quantity(np.ndarray):
    """A subclass as libraries have it."""

    def __array_finalize__(self, source):
        self.unit = "m"


class Holder:
    def __init__(self, m):
        self.m = m


class Metres(float):
    pass


QUANTITY = V.view(Quantity)
with tempfile.TemporaryFile() as file:
    MAPPED = np.memmap(file, float, "w+", shape=3)
    MAPPED[:] = V
held = SimpleNamespace(m=MAPPED, n=1.0)


def changed_after_use(a):
    total = (a * a).sum()
    a[0] = 5.0
    return total + a.sum()


def constant_changed_after_use(x):
    constant = np.ones(3)
    total = (constant * x).sum()
    constant[0] = 7.0
    return total + (constant * x).sum()


def outer_constant_changed_after_use(x, constant):
    total = (constant * x).sum()
    constant[0] += 6
    return total + (constant * x).sum()


# By name: the function, its arguments, and the gradients by them; None for what is no number that has one.
RIGHT = {
    "float32 with float64": (lambda a, b: (a * b).sum(), (V.astype(np.float32), V * 2), (V.astype(np.float32) * 2, V)),
    "float32 with a float": (lambda a, x: (a * x).sum(), (V.astype(np.float32), 2.0), (np.full(3, 2, np.float32), 6.0)),
    "float32 with a float64": (lambda a, x: (a * x).sum(), (V.astype(np.float32), np.float64(2)), (np.full(3, 2, np.float32), np.float64(6))),
    "float16": (lambda a: (a * a).sum(), (V.astype(np.float16),), ((2 * V).astype(np.float16),)),
    "float16 beyond its range": (lambda a: (a * a).sum(), (np.full(2, 300, np.float16),), (np.full(2, 600, np.float16),)),
    "longdouble": (lambda a: (a * a * a).sum(), (V.astype(np.longdouble),), ((3 * V**2).astype(np.longdouble),)),
    "longdouble number": (lambda x: x * x, (np.longdouble(3),), (np.longdouble(6),)),
    "ints with a float": (lambda a, x: (a * x).sum(), (np.arange(3), 2.0), (None, 3.0)),
    "small ints with a float32": (lambda a, x: (a * x).sum(), (np.arange(3, dtype=np.uint8), np.float32(2)), (None, np.float32(3))),
    "bools with a float": (lambda a, x: (a * x).sum(), (np.array([True, False, True]), 2.0), (None, 2.0)),
    "bools with an array": (lambda a, b: (a + b).sum(), (np.array([True, False, True]), V), (None, np.ones(3))),
    "bools as an index": (lambda a, b: b[a].sum(), (np.array([True, False, True]), V), (None, np.array([1.0, 0.0, 1.0]))),
    "bool": (lambda flag, x: x * flag, (True, 2.0), (None, 1.0)),
    "integer overflow": (lambda n, x: (n * n) * x, (np.int64(2**62), 1.5), (2.0**63 * 1.5, 0.0)),
    "a huge int": (lambda n, x: float(n % 7 == n % 7) * x, (10**400, 1.5), (0.0, 1.0)),
    "text": (lambda a, x: x * len(a), (np.array(["a", "b"]), 2.0), (None, 2.0)),
    "objects that are not met": (lambda a, x: a.sum() * 0 + x, (np.array([1, 2], object), 2.0), (None, 1.0)),
    "dates": (lambda d, x: len(d) * x, (np.array(["2020-01-01"], "M8[D]"), 2.0), (None, 1.0)),
    "read-only": (lambda a: (a * a).sum(), (READ_ONLY,), (2 * V,)),
    "NaN": (lambda a: (a * a).sum(), (np.array([NAN, 1.0, INF]),), (np.array([NAN, 2.0, INF]),)),
    "NaN passed by": (lambda a: a[1] * 2, (np.array([NAN, 1.0, INF]),), (np.array([0.0, 2.0, 0.0]),)),
    "NaN is the largest": (lambda a: a.max(), (np.array([1.0, NAN, INF]),), (np.array([0.0, 1.0, 0.0]),)),
    "NaN number": (lambda x: x * x + x, (NAN,), (NAN,)),
    "infinite number": (lambda x: 1 / x + x * 0.0 * 0, (INF,), (0.0,)),
    "nothing": (lambda a: a.sum(), (np.zeros(0),), (np.zeros(0),)),
    "nothing, of two axes": (lambda a: (a @ a.T).sum() + a.sum(), (np.zeros((0, 3)),), (np.zeros((0, 3)),)),
    "the median of nothing": (lambda a: np.median(a), (np.zeros(0),), (np.zeros(0),)),
    "what goes with nothing": (lambda a: np.cov(a), (np.zeros(0),), (np.zeros(0),)),
    "trimmed to nothing": (lambda a: np.trim_zeros(a).sum(), (np.zeros(0),), (np.zeros(0),)),
    "no axes": (lambda a: a * a, (np.array(3.0),), (np.array(6.0),)),
    "no axes, indexed": (lambda a: a[()] * 2 + a[...] * 3, (np.array(3.0),), (np.array(5.0),)),
    "backwards": (lambda a: (a * [0.0, 1.0, 2.0]).sum() * a[0], (V[::-1],), (np.array([4.0, 3.0, 6.0]),)),
    "with gaps": (lambda a: (a * a).sum(), (np.arange(12.0).reshape(3, 4)[:, ::2],), (2 * np.arange(12.0).reshape(3, 4)[:, ::2],)),
    "column by column": (lambda a: a.ravel()[1] * a[0, 1], (np.asfortranarray(np.arange(4.0).reshape(2, 2)),), (np.array([[0.0, 2.0], [0.0, 0.0]]),)),
    "stretched": (lambda a: (a * a).sum(), (np.broadcast_to(V, (2, 3)),), (np.broadcast_to(2 * V, (2, 3)),)),
    "not aligned": (lambda a: (a * a).sum(), (np.ndarray((3,), float, b"\0" + V.tobytes(), 1),), (2 * V,)),
    "big-endian": (lambda a: (a * np.exp(a)).sum() + a[0] * a[1], (V.astype(">f8"),), (((1 + V) * np.exp(V) + [2.0, 1.0, 0.0]).astype(">f8"),)),
    "big-endian with little-endian": (lambda a, b: (a * b).sum(), (V.astype(">f4"), V.astype("<f4")), (V.astype(">f4"), V.astype("<f4"))),
    "big-endian constant": (lambda x: (V.astype(">f8") * x).sum(), (2.0,), (6.0,)),
    "changed after use": (changed_after_use, (V,), (2 * V + [0.0, 1.0, 1.0],)),
    "constant changed after use": (constant_changed_after_use, (2.0,), (12.0,)),
    "untraced argument changed after use": (outer_constant_changed_after_use, (2.0, np.ones(3, int)), (12.0, None)),
    "a ratio of times": (lambda d, x: d / np.timedelta64(1, "m") * x, (np.timedelta64(30, "s"), 2.0), (None, 0.5)),
    "the same memory twice": (lambda a, b: (a * b).sum(), (V, V), (V, V)),
}  # fmt: skip


class Scaled(tuple):  # noqa: SLOT001  (what users write)
    unit = 0.0


SCALED = Scaled((2.0,))
SCALED.unit = 3.0

# What holds floats and is not traced: by name also what is said of it.
LOST = {
    "masked": (lambda a, x: (a * 2).sum() * x, (MASKED, 2.0), 8.0, r"a is a MaskedArray of float64: not .* np\.ma\.getdata\(a\)"),
    "matrix": (lambda m, x: m.A[1, 0] * x, (MATRIX, 2.0), 3.0, r"m is a matrix of .*np\.asarray\(m\)"),
    "subclass": (lambda q, x: float((q * 2).sum()) * x, (QUANTITY, 2.0), 12.0, r"q is a Quantity of .*np\.asarray\(q\)"),
    "memmap": (lambda m, x: (m[1:] * x).sum(), (MAPPED, 2.0), 5.0, r"m is a memmap of .*np\.asarray\(m\)"),
    "records": (lambda r, x: r["p"].sum() * x, (RECORDS, 2.0), 4.0, "r is a structured array of .* give each field"),
    "record array": (lambda r, x: r.p.sum() * x, (RECORDS.view(np.recarray), 2.0), 4.0, "r is a recarray of .* give each field"),
    "a record": (lambda r, x: r["p"] * x, (RECORDS[0], 2.0), 1.5, "r is a structured record of .* give each field"),
    "floats as objects": (lambda a, x: a.sum() * 0 + x, (np.array(["s", 2.0], object)[1:], 2.0), 1.0, r"a is an array of object: .* a\.tolist\(\)"),
    "arrays as objects": (lambda a, x: (a[0] * x).sum(), (np.array([V, V[:2]], object), 2.0), 6.0, r"a\.tolist\(\); static=\('a',\) says"),
    "lists as objects": (lambda a, x: a[1][0] * x, (np.array([[], [1.5]], object), 2.0), 1.5, r"a\.tolist\(\)"),
    "in a list": (lambda a, x: (a[1] * x).sum(), ([None, MAPPED], 2.0), 6.0, r"a\[1\] is a memmap of .*; static=\('a',\)"),
    "in a dict": (lambda a, x: (a["k"][0] * x).sum(), ({"k": MAPPED}, 2.0), 1.0, r"a\['k'\] is a memmap of"),
    "in an object": (trace(watch=("held",))(lambda x: held.m.sum() * x), (2.0,), 6.0, r"held\.m is a memmap of .*np\.asarray\(held\.m\)$"),
    "by name": (trace(watch=("MAPPED",))(lambda x: MAPPED.sum() * x), (2.0,), 6.0, r"MAPPED is a memmap of .*np\.asarray\(MAPPED\)$"),
    "by watch": (lambda x: watch(MAPPED, "m").sum() * x, (2.0,), 6.0, r"m is a memmap of .*np\.asarray\(m\)$"),
    "a Decimal": (lambda d, x: float(d) * x, (Decimal("2.5"), 2.0), 2.5, r"d is a Decimal: not traced, .* give float\(d\); static"),
    "a Fraction": (lambda q, x: q * x, (Fraction(1, 2), 2.0), 0.5, r"q is a Fraction: not .* give float\(q\)"),
    "a class of floats": (lambda m, x: m * x, (Metres(1.5), 2.0), 1.5, r"m is a Metres: not .* give float\(m\)"),
    "a set": (lambda s, x: sum(s) * x, ({1.0, 2.0}, 2.0), 3.0, r"s is a set of floats: not .* give a list, list\(s\)"),
    "a deque": (lambda s, x: s[0][0] * x, ([deque((1.5, V))], 2.0), 1.5, r"s\[0\] is a deque of floats: .* list\(s\[0\]\)"),
    "an array of Python's": (lambda s, x: s[0] * x, (array("d", V), 2.0), 1.0, r"s is an array of floats: .* list\(s\)"),
    "beside a tuple": (lambda p, x: p.unit * p[0] * x, (SCALED, 2.0), 6.0, r"p\.unit is an attribute of a Scaled: .* as an item; static"),
    "many": (lambda a, x: x, ([MAPPED] * 5, 2.0), 1.0, r"a\[2\] is a memmap of float64 and 2 more like it: not traced"),
}  # fmt: skip

# Ordinary arguments, of which nothing is said.
QUIET = {
    "ints": np.arange(3),
    "a mask": V > 1,
    "masked ints": np.ma.array([1, 2], mask=[0, 1]),
    "mapped ints": MAPPED.view(np.int64),
    "text": np.array(["a"]),
    "text as objects": np.array(["a", None, 3], object),
    "records of ints": np.zeros(2, [("n", int), ("s", "U3")]),
    "dates": np.array(["2020-01-01"], "M8[D]"),
    "None": None,
    "a function": len,
    "an object": Holder(MASKED),
    "nothing": np.array([], object),
    "truth": True,
    "a set of texts": {"a", 1},
    "a deque of ints": deque((1, None)),
    "an array of Python's ints": array("i", (1, 2)),
}


def _written(texts, x):
    texts[0] = x
    return x * 2


ERRORS = {
    "objects": (lambda a, x: a * x, (np.array([1, 2], object), 2.0), "multiply gave .* got ndarray of object"),
    "objects with an array": (lambda a, b: b + a, (np.array([1, 2, 3], object), V), "add gave .* got ndarray of object"),
    "an element of text": (lambda x: _written(np.array(["", ""], "U20"), x), (2.5,), "setting an array element"),
    "an element of bytes": (lambda x: _written(np.array(["", ""], "S20"), x), (2.5,), "setting an array element"),
    "differences of time": (lambda d, x: d * x, (np.array([1], "m8[s]"), 2.0), r"got ndarray of timedelta64"),
    "a difference of time": (lambda d, x: d * x, (np.timedelta64(1, "s"), 2.0), r"got timedelta64"),
    "masked": (lambda a, x: (a * x).sum(), (MASKED, 2.0), ""),
    "masked second": (lambda a, x: (x * a).sum(), (MASKED, 2.0), ""),
    "masked with an array": (lambda a, b: (b * a).sum(), (MASKED, V), ""),
    "masked by the function": (lambda b: np.ma.masked_where(b > 1, b).sum(), (V,), ""),
    "matrix": (lambda m, x: (m * x).sum(), (MATRIX, 2.0), ""),
    "matrix second": (lambda m, x: (x * m).sum(), (MATRIX, 2.0), ""),
    "matrix with an array": (lambda m, b: (b @ m).sum(), (MATRIX, np.ones((2, 2))), "got matrix of float64"),
    "matrix by the function": (lambda b: np.matrix(b).sum(), (V,), ""),
    "matrix in a function": (lambda m, b: np.dot(m, b).sum(), (MATRIX, np.ones((2, 2))), "got matrix of float64"),
    "subclass": (lambda q, b: (q * b).sum(), (QUANTITY, V), "got Quantity of float64"),
    "subclass second": (lambda q, b: (b * q).sum(), (QUANTITY, V), "got Quantity of float64"),
    "a field of records": (lambda x: fill_records(x), (2.0,), "an array of records .* keep each field"),
    "whole numbers written into": (lambda x: fill_whole(x), (2.0,), r"an array of int64 .* make whole an array of floats"),
}  # fmt: skip

CUTS = {
    "objects": (lambda x: np.array([x, 2 * x], dtype=object).sum(), "np.array of object"),
    "text": (lambda x: len(np.array([x, "a"])) * 1.0, r"np\.array of <U32"),
    "ints": (lambda x: np.array([x, 2.5], dtype=np.int32).sum() * 1.0, r"np\.array of int32"),
    "as objects": (lambda x: (np.array([x]) * 1).astype(object)[0], r"\.astype\(object\)"),
    "as text": (lambda x: len((np.array([x]) * 1).astype(str)) * 1.0, r"\.astype\(<U32\)"),
}


def fill_records(x):
    records = np.zeros(2, dtype=[("p", float)])
    records["p"][0] = x
    return records["p"].sum()


def fill_whole(x):
    whole = np.zeros(2, np.int64)
    whole[0] = x
    return (whole * x).sum()


def outcome(function, arguments):
    """The result or the error, and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = "returned", function(*arguments)
        except Exception as error:  # noqa: BLE001  (whatever the plain program raises)
            result = "raised", type(error), str(error)
    return result, [(each.category, str(each.message), each.filename, each.lineno) for each in caught]


@pytest.mark.parametrize(("function", "arguments", "gradients"), RIGHT.values(), ids=RIGHT)
def test_the_value_and_the_gradient_are_right(function, arguments, gradients):
    before = copy.deepcopy(arguments)
    traced = trace(function)
    # Views and strides are what is tested: only what the function writes into is copied.
    writes = "changed" in getattr(function, "__name__", "")
    given = [copy.deepcopy(arguments) if writes else arguments for _ in range(2)]
    assert same(outcome(traced, given[1]), outcome(function, given[0]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NaN times 0
        got = traced.last_trace.grads.values()
    for gradient, wanted in zip(got, gradients, strict=True):
        assert type(gradient) is type(wanted)
        if isinstance(wanted, np.ndarray):
            assert gradient.dtype == wanted.dtype
            assert gradient.shape == wanted.shape
        if wanted is not None:
            np.testing.assert_allclose(
                gradient.astype(float) if isinstance(gradient, np.ndarray) else gradient, wanted, rtol=1e-6
            )
    if not writes:
        assert same(arguments, before)


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize(("function", "arguments", "gradient", "said"), LOST.values(), ids=LOST)
def test_what_holds_floats_and_is_not_traced_is_told_at_the_call(function, arguments, gradient, said):
    with pytest.warns(CutWarning, match=said) as caught:
        finished = record(function, *arguments)
    (told,) = caught
    assert f"; at test_bad_values.py:{told.lineno}; " in str(told.message)
    assert told.filename == __file__
    assert finished.grads["x"] == gradient
    plain = getattr(function, "__wrapped__", function)
    assert same(finished.result, plain(*arguments))
    strict = Options(strict=True, watch=getattr(function, "edgegrad", (0, Options()))[1].watch)
    assert type(run(plain, arguments, {}, strict)[1]) is CutError


@pytest.mark.parametrize("argument", QUIET.values(), ids=QUIET)
def test_what_has_no_gradient_is_not_told(argument):
    for nested in (argument, [argument], {"k": (argument,)}):
        assert trace(strict=True)(lambda a, x: x * 2)(nested, 1.0) == 2.0
    assert trace(strict=True, static=("a",))(lambda a, x: x * 2)(MASKED, 1.0) == 2.0


def test_it_is_told_once_for_a_call_in_a_loop():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            record(lambda a, x: x, MASKED, 2.0)
    assert len(caught) == 1


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.filterwarnings("ignore:. is a .* not traced")
@pytest.mark.parametrize(("function", "arguments", "text"), ERRORS.values(), ids=ERRORS)
def test_what_is_not_followed_is_an_error_with_the_line(function, arguments, text):
    with pytest.raises(UnsupportedError, match=r"at test_bad_values\.py:\d+; ") as caught:
        record(function, *copy.deepcopy(arguments))
    assert re.search(text, str(caught.value))
    assert outcome(function, copy.deepcopy(arguments))[0][0] == "returned"


@pytest.mark.parametrize(("function", "via"), CUTS.values(), ids=CUTS)
def test_what_becomes_no_float_is_a_cut(function, via):
    with pytest.warns(
        CutWarning, match=rf"through {via}; at test_bad_values\.py:{function.__code__.co_firstlineno}; "
    ):
        finished = record(lambda x: function(x) * 0 + x * 3, 2.0)
    assert finished.grads["x"] == 3.0
    assert finished.result == 6.0


def test_a_read_only_array_is_not_written_to():
    def function(a):
        a[0] = 1.0

    assert same(outcome(trace(function), (READ_ONLY,)), outcome(function, (READ_ONLY,)))
    assert READ_ONLY.tolist() == V.tolist()


@pytest.mark.parametrize(
    "call",
    [
        lambda n: np.int8(100) * n,
        lambda n: n * np.int8(100),
        lambda n: n + n,
        lambda n: n - n - n - n,
        lambda n: n // (n - n),
        lambda n: n ** np.int8(3),
    ],
)
def test_overflow_of_an_int_warns_as_without_a_trace(call):
    assert same(outcome(trace(call), (np.int8(100),)), outcome(call, (np.int8(100),)))


@pytest.mark.parametrize(
    "call",
    [lambda a: a.max(), lambda a: np.min(a), lambda a: a.mean(), lambda a: a[0], lambda a: np.argmax(a)],
)
def test_what_nothing_does_is_what_it_does_without_a_trace(call):
    assert same(outcome(trace(call), (np.zeros(0),)), outcome(call, (np.zeros(0),)))


def test_a_value_of_another_running_trace():
    def outer(x):
        return record(lambda y: y * x, 2.0).result

    with pytest.raises(UnsupportedError, match=r"values of two traces .* at test_bad_values\.py:\d+"):
        record(outer, 3.0)

    def array(x):
        return record(lambda y: np.sum([y * V, x]), 2.0).result

    with pytest.raises(UnsupportedError, match=r"values of two traces .* at test_bad_values\.py:\d+"):
        record(array, V)


def test_a_value_kept_from_an_earlier_trace():
    kept = []
    record(lambda x, a: kept.extend((x, a * 1)) or x, 2.0, V)
    for function, gradient in (
        (lambda x: kept[0] * x, 2.0),
        (lambda x: np.sum(kept[1] * x), 6.0),
        (lambda x: np.sum([kept[0], x]), 1.0),
        (lambda x: np.dot(kept[1], [x, x, 1.0]), 3.0),
    ):
        with pytest.warns(
            CutWarning, match=r"kept from an earlier trace is a constant .* at test_bad_values\.py:\d+"
        ):
            assert record(function, 3.0).grads["x"] == gradient
    assert kept[0] * 2 == 4.0
    assert (kept[1] + 1).tolist() == [2.0, 3.0, 4.0]
