"""Everything through which a traced value can leave: each is followed, a read, a cut with its place, or an error.

A row is a function of a number and an array. What it must be says the table in which it stands; each kind is checked.
"""

# ruff: noqa: S311, NPY002 -- the random numbers of programs as they are

from __future__ import annotations

import array
import bisect
import builtins
import cmath
import collections
import copy
import datetime as dt
import decimal
import fractions
import functools
import heapq
import io
import itertools
import json
import math
import operator
import pickle
import pprint
import random
import re
import statistics
import string
import struct
import sys
import types
import warnings

import numpy as np
import pytest
from checks import assert_untouched, central_differences, same

from tracer import record, trace
from tracer.errors import CutWarning, UnsupportedError

X, A = 0.7, np.array([0.5, 1.5, 2.5])
OUTSIDE = np.ones(3)
OTHERS = np.array([OUTSIDE, None], object)  # so that no stand-in can take its place


class Money(decimal.Decimal):
    pass


def seeded():
    return random.Random(3)


def numpys():
    return np.random.default_rng(3)


FOLLOWED = {
    # Python's own ways to use a number
    "comparison as a number": lambda x, a: (x > 0) * x + sum(a > 1) * x + (a < 2) @ a,
    "round": lambda x, a: round(x, 1) * x + np.round(a, 1) @ a,
    "floor and remainder": lambda x, a: divmod(x, 0.4)[1] + x // 0.4 + x % 0.3 + math.floor(x) * x,
    "position of the largest": lambda x, a: a[np.argmax(a)] * a.argmin() + a[a.argsort()[1]],
    "in a container": lambda x, a: (x in [x, 1.0]) * x + (1.5 in a) * x + [1.0, x].index(x) * x,
    "key and member": lambda x, a: {x: 2.0}[x] * x + sum({x, 2 * x}) + sum({x: 1, 3 * x: 2}) + max(frozenset([x])),
    "counted": lambda x, a: collections.Counter([x, x])[x] * x,
    "length": lambda x, a: len(a) * x + len(range(len(a))) * x,
    "copy": lambda x, a: copy.copy(x) * copy.copy(a).sum() + copy.deepcopy([x, {"a": a}])[1]["a"].sum() * x,
    "unpacked": lambda x, a: (lambda first, *rest: first * rest[1])(*a) + sum(p * q for p, q in itertools.pairwise(a)),
    "chosen": lambda x, a: sum(filter(None, a)) + any(a) * x + next(reversed(list(a))) + sorted(a, reverse=True)[1],
    "counted and chained": lambda x, a: sum(i * v for i, v in enumerate(a)) + sum(itertools.chain(a, [x])),
    "accumulate": lambda x, a: list(itertools.accumulate([x, x, x], operator.mul))[2] + list(itertools.accumulate(a))[2],
    "product of pairs": lambda x, a: sum(p * q for p, q in itertools.product([x, 2.0], a)),
    "reduce": lambda x, a: functools.reduce(operator.add, a) * functools.reduce(operator.mul, [x, x]),
    "sorted by a function": lambda x, a: sorted([x, 0.1], key=math.sin)[1] + max([x, 2 * x], key=lambda v: -v),
    "smallest": lambda x, a: min([x, 2 * x], default=0.0) + heapq.nsmallest(1, a)[0] + heapq.nlargest(1, [x, 0.1])[0],
    "heap": lambda x, a: (lambda heap: [heapq.heappush(heap, each) for each in (2 * x, x)] and heapq.heappop(heap))([]),
    "bisected": lambda x, a: bisect.bisect([0.1, 0.2, 1.0], x) * x + bisect.bisect(list(a), 1.0) * x,
    # What computes in Python
    "statistics": lambda x, a: statistics.mean([x, 2 * x, 1]) + statistics.fmean(a) + statistics.median([x, 2.0, x * x]),
    "spread": lambda x, a: statistics.stdev([x, 2.0, 1.0]) + statistics.pvariance(a) + statistics.variance(list(a)),
    "spread of all": lambda x, a: statistics.pstdev(iter([x, 2.0, 1.0])) + statistics.geometric_mean([x, 2.0]) * statistics.harmonic_mean([x, 3.0]),
    "spread about a point": lambda x, a: statistics.variance([x, 2.0], x * x) + statistics.pstdev(a, mu=1.5) * statistics.pvariance([1.0, 2], x) + statistics.stdev(a, None),
    "weighted means": lambda x, a: statistics.harmonic_mean([x, 2.0, 1], weights=[1, x * x, 0]) + statistics.fmean(a, [x, *a[1:]]) + statistics.harmonic_mean([3.0, 2], [x, 1.0]),
    "statistics of pairs": lambda x, a: statistics.correlation([x, 2.0, 1.0], [1.0, 2.0, 4.0]) + statistics.quantiles(a)[0],
    "Fraction beside it": lambda x, a: x * fractions.Fraction(1, 2) + float(fractions.Fraction(1, 3)) * x,
    "random": lambda x, a: seeded().gauss(x, x * x) + seeded().uniform(0.0, x) + seeded().expovariate(x),
    "random by acceptance": lambda x, a: seeded().normalvariate(x, x) + seeded().triangular(0.0, 2.0, x),
    "random choice": lambda x, a: seeded().choice(a) + seeded().sample([x, 2 * x], 2)[0] + seeded().choices([x, 3 * x], [x, 1])[0],
    "random order": lambda x, a: (lambda order: seeded().shuffle(order) or order[0] * order[1])([x, 2 * x, 3.0]),
    "random order of an array": lambda x, a: (lambda y: numpys().shuffle(y) or np.random.RandomState(1).shuffle(y) or y[0] * y[1])(a * x),
    "NumPy's random choice": lambda x, a: numpys().choice(a) + a[numpys().permutation(len(a))][0] * x + numpys().choice(a, 2) @ A[:2],
    "cmath": lambda x, a: cmath.exp(x * 1j).real + cmath.sqrt(-x).imag + abs(x + 2j * x),
    # NumPy
    "array of them": lambda x, a: np.asarray(a).sum() + np.array([x, a[0]]).sum() + np.asanyarray([x])[0],
    "indices": lambda x, a: sum(a[at] for at in np.ndindex(a.shape)) * x,
    "tested": lambda x, a: np.testing.assert_allclose(a, a) or np.testing.assert_array_equal([x], [x]) or x * a[0],
    "shape set": lambda x, a: (lambda b: [setattr(b, "shape", (3, 1))] and b[1, 0] * b.sum())(a * x),
    "by type": lambda x, a: x * type(x)(2) if type(x) is float and type(a) is np.ndarray else 0.0,
    "by class": lambda x, a: isinstance(x, float) * x + issubclass(x.__class__, float) * x + isinstance(a, np.ndarray) * x,
}  # fmt: skip

READS = {
    "read back": lambda x, a: float("%.2f" % x) + float(f"{x}") + float(str(x)),  # a constant: see README
    "text": lambda x, a: f"{x:.3f}{x!r}{x}" + "{:.2f}".format(x) + str(x) + repr(a) + format(x, "e"),
    "% of text": lambda x, a: "%f %d %s %5.1e %r" % (x, x, x, x, a),
    "template": lambda x, a: string.Template("$x").substitute(x=x) + ",".join(map(str, a)),
    "printed": lambda x, a: print(x, a, file=io.StringIO()),
    "pprint": lambda x, a: pprint.pformat([x, {"a": a}]),
    "truth": lambda x, a: bool(x) and x != 2 and (a > 0).all(),
    "hash": lambda x, a: hash(x),
    "count": lambda x, a: ([0] * int(len(a)), "x" * len(a), list(range(len(a))), [1.0, X].count(x)),
    "whole": lambda x, a: x.is_integer(),
    "facts": lambda x, a: (a.shape, a.dtype, a.ndim, a.size, a.strides, a.flags.writeable, np.shape(x), len(a)),
    "tests": lambda x, a: (math.isnan(x), np.isfinite(a).all(), np.allclose(a, a), np.array_equal(a, a), math.isclose(x, 1)),
    "warned": lambda x, a: str(ValueError(f"not {x}")),
}  # fmt: skip

COUNTS = {  # of an int, which steps: it is a plain int wherever Python needs one
    "range": lambda n: len(range(n)) + len(range(0, 10, n)) + len([0] * n) + len("x" * n) + len(n * (1,)),
    "index": lambda n: [1.0, 2.0, 3.0, 4.0][n] + np.arange(5.0)[n] + "abcd".index("abcd"[n]),
    "slice": lambda n: len("abcdef"[:n]) + len([1, 2, 3, 4][-n:]) + np.arange(9.0)[::n].sum(),
    "shape": lambda n: np.zeros(n).size + np.ones((n, 2)).sum() + np.reshape(np.arange(6.0), (n, -1)).size,
    "bits": lambda n: (n & 1) + (n | 4) + (n << 2) + (1 << n) + (~n) + (n ^ 1) + n.bit_length(),
    "text": lambda n: len(f"{n:03d}") + len("%d" % n) + len(hex(n)) + len(chr(n + 60)),
    "islice": lambda n: sum(itertools.islice(range(10), n)) + sum(itertools.repeat(2, n)) + math.comb(5, n) + math.factorial(n),
}  # fmt: skip

SEEDS = {
    "random.seed": lambda n: [random.seed(n), random.random()][1],
    "random.Random": lambda n: random.Random(n).random(),
    "seed of one that is there": lambda n: (lambda made: [made.seed(n), made.random()][1])(random.Random(1)),
    "default_rng": lambda n: np.random.default_rng(seed=abs(n)).normal(),
    "default_rng of several": lambda n: np.random.default_rng([abs(n), 2]).normal(),
    "SeedSequence": lambda n: np.random.SeedSequence(3, spawn_key=(abs(n),)).generate_state(1)[0] / 7,
    "bits": lambda n: np.random.Generator(np.random.PCG64(abs(n))).normal() + np.random.Generator(np.random.Philox(key=abs(n))).normal(),
    "NumPy's old ways": lambda n: [np.random.seed(abs(n) % 99), np.random.rand()][1] + np.random.RandomState(abs(n) % 98).rand(),
    "its class": lambda n: isinstance(np.random.RandomState(1), np.random.RandomState) + issubclass(np.random.PCG64, np.random.BitGenerator) * 1.0,
}  # fmt: skip

CUTS = {
    "float": (lambda x, a: float(x) * 2, r"float\(\)"),
    "int": (lambda x, a: int(x) * 2.0, r"int\(\)"),
    "int of each": (lambda x, a: [int(v) for v in a][1] * 2.0, r"int\(\)"),
    "complex": (lambda x, a: complex(x).real, r"complex\(\); x \+ 1j\*y is followed"),
    "pickle": (lambda x, a: pickle.loads(pickle.dumps(x)), "pickle"),  # noqa: S301  (its own)
    "pickle of an array": (lambda x, a: pickle.loads(pickle.dumps(a)).sum(), "pickle"),  # noqa: S301
    "json": (lambda x, a: json.loads(json.dumps({"x": [1, (x,)]}))["x"][1][0], r"json\.loads"),
    "json to a file": (lambda x, a: (lambda file: json.dump(x, file) or json.loads(file.getvalue()))(io.StringIO()), r"json\.loads"),
    "struct": (lambda x, a: struct.unpack("d", struct.pack("d", x))[0], r"float\(\) in struct\.pack"),
    "array.array": (lambda x, a: array.array("d", [x])[0], r"float\(\) in array\.array"),
    "Fraction": (lambda x, a: float(fractions.Fraction(x)), r"\.as_integer_ratio\(\) in fractions\.Fraction"),
    "ratio": (lambda x, a: x.as_integer_ratio()[0] * 1.0, r"\.as_integer_ratio\(\)"),
    "NormalDist": (lambda x, a: statistics.NormalDist(x, 2.0).pdf(1.0), r"float\(\) in statistics\.NormalDist"),
    "tobytes": (lambda x, a: np.frombuffer(a.tobytes())[0], r"\.tobytes"),
    "bytes": (lambda x, a: np.frombuffer(bytes(a))[0], r"bytes\(\)"),
    "data": (lambda x, a: a.data[0], r"\.data"),
    "astype": (lambda x, a: a.astype(int).sum() * 1.0, r"\.astype\(int64\)"),
    "NumPy's kinds": (lambda x, a: np.float32(x) * 2, r"np\.float32\(\)"),
    "NumPy's float64": (lambda x, a: np.float64(x) * 2, r"np\.float64\(\)"),
    "array of ints": (lambda x, a: np.array([x, 2], dtype=int).sum() * 1.0, r"np\.array of int64"),
    "array of objects": (lambda x, a: np.array([x, 2], dtype=object)[0], r"np\.array of object"),
    "ufunc of a list": (lambda x, a: (lambda exp: exp([x, 1.0])[0])(np.exp), r"a conversion to a plain array in exp"),
    "a reduction's first number": (lambda x, a: OUTSIDE.prod(initial=x), r"initial= of prod\(\) in OUTSIDE\.prod"),
    "array from outside beside a list": (lambda x, a: (OUTSIDE * [x, x, 1.0])[0], "a conversion to a plain array"),
    "Decimal": (lambda x, a: float(decimal.Decimal(x)), "Decimal"),
    "timedelta": (lambda x, a: dt.timedelta(seconds=x).total_seconds(), "timedelta"),
    "nditer": (lambda x, a: sum(float(v) for v, _ in np.nditer([a, OUTSIDE])), r"a conversion to a plain array in np\.nditer"),
    "NumPy's random": (lambda x, a: numpys().normal(x, 1.0), "a conversion to a plain array in normal"),
    "NumPy's random of an array": (lambda x, a: numpys().poisson(a).sum() * 1.0, "a conversion to a plain array in poisson"),
    "write into a buffer by its method": (lambda x, a: (lambda b: b.__setitem__(0, x) or b[0])(array.array("d", [1.0])), r"float\(\) in b\.__setitem__"),
}  # fmt: skip

ERRORS = {
    "out= of a generator, of an attribute": (lambda x, a: fill_held(x), "code in C"),
    "readinto of an array with a traced value": (lambda x, a: read_into(a * x), "code in C"),
    "change of an array from outside": (
        lambda x, a: add_up(OUTSIDE, x),
        r"^\+= writes into an array that was made outside of the trace, or by code that it does not see",
    ),
    "write into an array from outside": (lambda x, a: write(x), "made outside of the trace"),
    "buffer": (lambda x, a: memoryview(a)[0], "code in C"),
    "write into an array.array": (lambda x, a: write(x, array.array("d", [1.0])), "memory of something else"),
    "copyto of whole numbers": (lambda x, a: np.copyto(np.zeros(3, int), a, casting="unsafe"), "into an array of int64"),
    "put into whole numbers": (lambda x, a: np.put(np.zeros(3, int), [0], x), "into an array of int64"),
    "write into a memoryview": (lambda x, a: write(x, memoryview(bytearray(24)).cast("d")), "memory of something else"),
    "write into an array of .data": (lambda x, a: write(x, np.asarray(np.zeros(3).data)), "memory of something else"),
    "write past an array's interface": (lambda x, a: write_beside(x, lambda y: y.__array_interface__), "as raw numbers"),
    "frombuffer": (lambda x, a: np.frombuffer(a)[0], "code in C"),
    "memory of an array, asked for": (lambda x, a: hasattr(a, "__array_interface__") and a.__array_interface__["shape"], r"ndarray\.__array_interface__"),
    "memory of an array": (lambda x, a: a.__array_interface__["shape"], r"ndarray\.__array_interface__"),
    "a class of Decimals": (lambda x, a: float(Money(x)), "code in C"),
    "method by the class": (lambda x, a: np.ndarray.sum(a), "code in C"),
    "operator by the class": (lambda x, a: float.__add__(x, 1.0), "code in C"),
    "json with keys": (lambda x, a: json.dumps({x: 1}), "code in C"),
    "ctypes": (lambda x, a: a.ctypes.data, r"ndarray\.ctypes"),
    "other bits": (lambda x, a: a.view(np.int64)[0], r"ndarray\.view"),
    "wrapped": (lambda x, a: a.__array_wrap__(OUTSIDE), r"ndarray\.__array_wrap__"),
    "masked array": (lambda x, a: np.ma.array(a, mask=[0, 1, 0]).sum(), r"np\.ma\.array is not followed"),
    "columns swapped by C": (lambda x, a: numpys().shuffle(np.reshape(a, (3, 1)), axis=1), "code in C"),
    "rows swapped by C": (lambda x, a: numpys().shuffle(np.reshape(a, (3, 1))), "code in C writes parts"),
}  # fmt: skip


def write(x, array=OUTSIDE):
    array[0] = x


def write_beside(x, look):
    array = np.zeros(3)
    seen = look(array)
    array[0] = x
    return seen


def line_of(function):
    return function.__code__.co_firstlineno


def fill_held(x):
    held = types.SimpleNamespace(y=np.zeros(4))
    np.random.default_rng(0).standard_normal(out=held.y)
    return held.y.sum() * x


def read_into(array):
    return io.BytesIO(bytes(24)).readinto(array)


def add_up(array, x):
    array += x
    return array.sum()


def test_what_a_plain_array_is_asked_with_a_traced_number_is_followed():
    def function(x):
        limited = OUTSIDE.clip(x, x + 0.5).sum() + OUTSIDE.clip(x, 9.0, out=np.zeros(3)).prod()
        return limited * OUTSIDE.searchsorted(x, side="right")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        t = record(function, 1.3)
    assert t.result == function(1.3)
    assert t.grads["x"] == pytest.approx((function(1.3001) - function(1.2999)) / 2e-4)
    assert not [each for each in t.findings() if each.kind == "cut"]


def test_an_array_asked_for_itself_is_itself():
    def function(x):
        first, second = np.zeros(2), x * 2
        first.__array__()[0] = x[0]
        second.__array__(copy=True)[0] = 7.0
        second.__array__()[1] = 5.0
        return first.sum() + second.sum()

    t = record(function, np.array([1.0, 3.0]))
    assert t.result == function(np.array([1.0, 3.0]))
    assert t.grads["x"].tolist() == [3.0, 0.0]


def test_an_array_that_can_not_be_changed_is_told_with_what_can():
    with pytest.raises(
        UnsupportedError, match=r"np\.array\(…\).*; b = b \+ … makes a new one, for b alone$"
    ):
        record(lambda x: add_up(OUTSIDE, x), 2.0)
    finished = record(lambda x: add_up(np.array(OUTSIDE.copy()), x), 2.0)
    assert finished.grads["x"] == len(OUTSIDE)


def test_what_numpy_itself_refuses_to_write_is_numpys_own_error():
    for function in (
        lambda x: add_up(np.arange(3), x),
        lambda x: np.multiply(x, [1.5, 2], out=np.arange(2)),
    ):
        assert_untouched(function, 1.5)


@pytest.mark.filterwarnings("ignore:Setting the shape")  # NumPy's own, from 2.5 on
@pytest.mark.parametrize("function", FOLLOWED.values(), ids=FOLLOWED)
def test_what_is_followed_has_its_gradient(function):
    traced = trace(strict=True)(function)
    assert same(traced(X, A.copy()), function(X, A.copy()))
    expected = central_differences(function, X, A, step=1e-5)
    for gradient, wanted in zip(traced.last_trace.grads.values(), expected, strict=True):
        np.testing.assert_allclose(gradient, wanted, rtol=1e-6, atol=1e-6)
    assert not [node for node in traced.last_trace.nodes if node.kind == "cut"]


@pytest.mark.parametrize("function", READS.values(), ids=READS)
def test_a_read_is_what_it_is_without_a_trace_and_no_cut(function):
    seen = []
    finished = trace(strict=True)(lambda x, a: (seen.append(function(x, a)), x * 3)[1])
    assert finished(X, A.copy()) == X * 3
    assert same(seen, [function(X, A.copy())])
    assert not [node for node in finished.last_trace.nodes if node.kind == "cut"]
    assert finished.last_trace.grads["x"] == 3.0


@pytest.mark.parametrize("function", COUNTS.values(), ids=COUNTS)
def test_an_int_is_a_count(function):
    finished = trace(strict=True)(lambda n: function(n) * 1.0 + n * 0.5)
    assert same(finished(3), function(3) * 1.0 + 1.5)
    assert finished.last_trace.grads["n"] == 0.5


@pytest.mark.parametrize("function", SEEDS.values(), ids=SEEDS)
@pytest.mark.parametrize("seed", [-5, 7, 2**61 + 5, 2**70])
def test_a_seed_is_a_plain_int(function, seed):
    before = random.Random.seed, random.seed, np.random.RandomState, np.random.seed
    finished = trace(strict=True)(lambda n: function(n) + n * 0.5)
    assert finished(seed) == function(seed) + seed * 0.5
    assert finished.last_trace.grads["n"] == 0.5
    assert (random.Random.seed, random.seed, np.random.RandomState, np.random.seed) == before


@pytest.mark.parametrize(("function", "via"), CUTS.values(), ids=CUTS)
def test_a_cut_is_said_once_and_drawn(function, via):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        finished = record(lambda x, a: function(x, a) + x * a[1], X, A.copy())
    assert {(each.category, each.filename, each.lineno) for each in caught} == {
        (CutWarning, __file__, line_of(function))
    }
    (warning,) = caught
    assert re.match(f"a traced value left the graph through {via}; at test_escapes", str(warning.message))
    cuts = [node for node in finished.nodes if node.kind == "cut"]
    assert cuts
    assert {node.site.line for node in cuts} == {line_of(function)}
    assert same(finished.result, function(X, A.copy()) + X * A[1])
    assert finished.grads["x"] == A[1]
    assert finished.grads["a"].tolist() == [0.0, X, 0.0]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "value",
    [1.5, 3, 2.5j, np.float32(0.1), np.array(2.0), np.arange(6.0).reshape(2, 3).T, np.zeros(0)],
    ids=repr,
)
def test_what_is_pickled_is_plain_also_for_who_reads_it_without_edgegrad(value, protocol):
    with pytest.warns(CutWarning, match="pickle"):
        _, kept = trace(lambda x: (x, pickle.dumps({"x": x}, protocol)))(value)
    assert b"tracer" not in kept
    assert same(pickle.loads(kept), {"x": value})  # noqa: S301  (its own)


@pytest.mark.filterwarnings("ignore:you are shuffling")  # NumPy's, of whatever is no array of its own
@pytest.mark.parametrize(("function", "text"), ERRORS.values(), ids=ERRORS)
def test_what_is_neither_is_an_error_at_the_users_line(function, text):
    with pytest.raises(UnsupportedError, match=rf"{text}.*; at test_escapes\.py:\d+; ") as caught:
        record(lambda x, a: function(x, a) and x, X, A.copy())
    assert isinstance(caught.value, TypeError)


def test_an_error_that_the_program_catches_is_raised_all_the_same():
    def program(x, a, raises=False):
        try:
            return a.ctypes.data * x
        except TypeError:
            if raises:
                raise ValueError("none") from None
            return x

    for raises in (False, True):
        with pytest.raises(UnsupportedError, match=r"ndarray\.ctypes"):
            record(program, X, A.copy(), raises=raises)


def test_a_module_that_is_first_imported_in_the_traced_function_is_followed(monkeypatch):
    def function(x):
        import statistics
        from json import dumps, loads

        return statistics.mean([x, 3 * x]), loads(dumps({"x": x}))

    imports = builtins.__import__
    for name in ("json", "statistics"):
        monkeypatch.delitem(sys.modules, name)
    with pytest.warns(CutWarning, match=r"left the graph through json\.loads"):
        finished = record(function, 2.0)
    assert finished.result == (4.0, {"x": 2.0})
    assert finished.grads == {"x": 2.0}
    assert not hasattr(sys.modules["json"].dumps, "__wrapped__")
    assert not hasattr(sys.modules["statistics"].mean, "__wrapped__")
    assert builtins.__import__ is imports
