"""Code in C that is given traced values: arrays that it fills, exceptions that it swallows, errors that it raises."""

from __future__ import annotations

import array
import contextlib
import ctypes
import functools
import hashlib
import io
import json
import math
import operator
import sqlite3
import struct
import sys
import warnings
import zlib

import numpy as np
import pytest
from checks import assert_untouched, same

from tracer import record, trace
from tracer.errors import CutWarning, UnsupportedError

X, A = 0.7, np.array([0.5, 1.5, 2.5])
OUTSIDE = np.ones(3)
OTHERS = np.array([OUTSIDE, None], object)  # so that no stand-in can take its place


def fill_by_generator(x):
    y = np.empty(4)
    total = 0.0
    for seed in range(2):
        rng = np.random.default_rng(seed)
        try:
            rng.standard_normal(out=y)
        except ValueError:
            total = total + 100 * x
        total = total + (y * x).sum()
    return total


def fill_by_permuting(x):
    y = np.zeros(4)
    np.random.default_rng(0).permuted(np.arange(4.0), out=y)
    return y[0] * x


def fill_by_file(x):
    y = np.zeros(2)
    io.BytesIO(struct.pack("dd", 1.5, 2.5)).readinto(y)
    return y[1] * x


def fill_by_struct(x):
    y = np.ones(2)
    struct.pack_into("dd", y, 0, 1.5, 2.5)
    return (y * x)[0]


@pytest.mark.parametrize("fill", [fill_by_generator, fill_by_permuting, fill_by_file, fill_by_struct])
def test_an_array_that_code_in_c_fills_is_a_plain_one(fill):
    assert_untouched(fill, 2.0)
    assert record(fill, 2.0).grads["x"] == fill(1.0)


def looked_at_in_place(x):
    y = np.zeros(3)
    made = hashlib.sha1(y).digest()[0]  # noqa: S324  (no secret)
    y[0] = x
    return made * np.sum(y)


LOOKED_AT = {
    "digest": lambda x: hashlib.sha256(np.zeros(3)).digest()[0] * x,
    "checksum": lambda x: zlib.crc32(np.ones(2)) * x,
    "memoryview": lambda x: memoryview(np.arange(3.0))[2] * x,
    "numbers in C": lambda x: (ctypes.c_double * 2).from_buffer_copy(np.ones(2))[1] * x,
    "written into later": looked_at_in_place,
}
LOOKED_AT_BY_ITS_METHODS = {
    "a variable of another function": lambda x: (lambda y: hashlib.sha1(y).digest()[0])(np.ones(2)[:1]) * x,  # noqa: S324
    "joined": lambda x: b"".join([np.ones(2), np.zeros(1)])[7] * x,
    "read into": lambda x: read_into(np.zeros(2)) * x,
    "a row, not contiguous": lambda x: zlib.crc32(np.ones((2, 2))[:, 0]) * x,
}


def read_into(y):
    io.BytesIO(struct.pack("dd", 1.5, 2.5)).readinto(y)
    return y[1]


@pytest.mark.parametrize("look", LOOKED_AT.values(), ids=LOOKED_AT)
def test_code_in_c_looks_at_an_array_without_a_traced_value(look):
    assert_untouched(look, 2.0)
    assert record(look, 2.0).grads["x"] == look(1.0)


@pytest.mark.skipif(not hasattr(memoryview, "__buffer__"), reason="Python asks from 3.12 on")
@pytest.mark.parametrize("look", LOOKED_AT_BY_ITS_METHODS.values(), ids=LOOKED_AT_BY_ITS_METHODS)
def test_any_code_in_c_does(look):
    assert_untouched(look, 2.0)


def write_while_looked_at(x, look):
    y = np.zeros(2)
    seen = look(y)
    y[0] = x
    return seen[0] * x


@pytest.mark.parametrize(
    "look", [memoryview, np.frombuffer, lambda y: (ctypes.c_double * 2).from_buffer(y)]
)
def test_what_c_still_looks_at_is_not_written_into(look):
    with pytest.raises(UnsupportedError):
        record(write_while_looked_at, 2.0, look)


def test_what_is_written_into_such_an_array_later_is_followed():
    def function(x):
        y = np.zeros(4)
        np.random.default_rng(0).random(out=y)
        y[0] = x
        return y.sum()

    assert_untouched(function, 2.0)
    assert record(function, 2.0).grads == {"x": 1.0}


IN_C = {  # what code in C makes of an exception out of `__float__`: another one, another way, or itself
    "struct": lambda x: struct.unpack("d", struct.pack("d", x))[0],
    "struct into a buffer": lambda x: (
        lambda b: struct.pack_into("d", b, 0, x) or struct.unpack("d", b)[0]
    )(bytearray(8)),
    "array.array": lambda x: array.array("d", [x])[0],
    "array.array, added to": lambda x: (lambda b: b.append(x) or b.insert(0, x) or b[0])(array.array("d")),
    "NumPy's float64": lambda x: np.float64(x),
    "NumPy's float32": lambda x: np.float32(x),
    "an item by a method": lambda x: OTHERS[0].__setitem__(0, x) or OTHERS[0][0],
    "an item by operator": lambda x: operator.setitem(OTHERS[0], 0, x) or OTHERS[0][0],
    "fill": lambda x: OTHERS[0].fill(x) or OTHERS[0][0],
    "put": lambda x: OTHERS[0].put(0, x) or OTHERS[0][0],
    "ctypes": lambda x: ctypes.c_double(x).value,
    "ctypes, a field": lambda x: (lambda c: setattr(c, "value", x) or c.value)(ctypes.c_double()),
    "ctypes, several": lambda x: (ctypes.c_double * 2)(x, x)[1],
    "a key": lambda x: {x * 1.0: 2.0}[x * 1.0],
    "members": lambda x: len({x, x * 1.0}) * 1.0,
    "sqlite3": lambda x: through_sqlite(x),
}


def through_sqlite(x):
    with contextlib.closing(sqlite3.connect(":memory:")) as base:
        return base.execute("select ?", (x,)).fetchone()[0]


@pytest.mark.parametrize("function", IN_C.values(), ids=IN_C)
def test_a_cut_whose_warning_is_an_error_is_that_error_whatever_code_in_c_makes_of_it(function):
    def program(x, catching=()):
        try:
            return function(x) * x
        except catching:
            return 100 * x

    OTHERS[0][:] = 1.0
    with pytest.warns(CutWarning):
        assert same(trace(program)(X), program(X))
    plain = math.sin, np.zeros, sum, struct.pack
    for catching in ((), Exception):
        traced = trace(static=("catching",))(program)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(CutWarning, match=r"left the graph through .*; at test_code_in_c\.py:\d+; "):
                traced(X, catching)
        assert traced.last_trace.error.startswith("CutWarning: ")
        assert (math.sin, np.zeros, sum, struct.pack) == plain
    with pytest.warns(CutWarning):
        assert same(trace(program)(X), program(X))
    OTHERS[0][:] = 1.0


TIMES, HALF, METHODS = float.__mul__, (0.5).__mul__, {"times": float.__mul__}
CAUGHT = {
    "of the class": lambda x, a: float.__mul__(x, 2.0),
    "kept": lambda x, a: TIMES(x, 2.0) + METHODS["times"](x, 2.0),
    "the other operand": lambda x, a: float.__mul__(2.0, x) * 1.0,
    "bound": lambda x, a: HALF(x) + 1.0,
    "in a partial": lambda x, a: functools.partial(float.__mul__, x)(2.0),
    "mapped": lambda x, a: sum(map(float.__add__, [x, 1.0], [1.0, x])),
    "reduced": lambda x, a: functools.reduce(float.__add__, [x, 2.0, x]),
    "a key": lambda x, a: min([x, 0.2], key=float.__neg__),
    "a method": lambda x, a: float.is_integer(x) * x,
    "hex": lambda x, a: float.fromhex(float.hex(x)),
    "an attribute": lambda x, a: float.real.__get__(x),
    "of arrays": lambda x, a: np.ndarray.sum(a),
    "item of an array": lambda x, a: np.ndarray.__getitem__(a, 0),
    "of NumPy's numbers": lambda x, a: np.float64.__mul__(a[0], x),
    "an out= made in the line": lambda x, a: OUTSIDE.cumsum(out=np.zeros(OUTSIDE.size))[0],
}  # fmt: skip


@pytest.mark.parametrize("function", CAUGHT.values(), ids=CAUGHT)
def test_an_error_of_code_in_c_is_clear(function):
    assert np.isfinite(function(X, A))
    with pytest.raises(UnsupportedError, match=r"code in C .*; at test_code_in_c\.py:\d+; it says: "):
        record(lambda x, a: function(x, a) * x, X, A.copy())


@pytest.mark.skipif(not hasattr(sys, "monitoring"), reason="Python tells of what is raised from 3.12 on")
@pytest.mark.parametrize("function", CAUGHT.values(), ids=CAUGHT)
def test_it_is_raised_all_the_same_where_the_program_catches_it(function):
    def program(x, a):
        try:
            return function(x, a) * x
        except (TypeError, ValueError):
            return 100 * x

    with pytest.raises(UnsupportedError, match=r"code in C .*; at test_code_in_c\.py:\d+; it says: "):
        record(program, X, A.copy())
    assert [sys.monitoring.get_tool(each) for each in range(6)].count("edgegrad") == 0
    assert record(lambda x: x * x, X).grads["x"] == 2 * X


@pytest.mark.skipif(not hasattr(sys, "monitoring"), reason="Python tells of what is raised from 3.12 on")
def test_what_the_program_raises_and_catches_itself_is_left_alone():
    def program(x):
        for wrong in (
            lambda: len(x),
            lambda: x + "a",
            lambda: float.__mul__("a", 2.0),
            lambda: int.__add__(2.5, 1),
        ):
            with contextlib.suppress(TypeError):
                wrong()
        return x * x

    assert_untouched(program, X)


def test_an_error_of_the_programs_own_is_left_alone():
    for function in (
        lambda x, a: x + "a",
        lambda x, a: json.dumps(a),
        lambda x, a: float("a") * x,
        lambda x, a: range(x),
    ):
        with pytest.raises((TypeError, ValueError)) as plain:
            function(X, A)
        with pytest.raises(type(plain.value)) as traced:
            record(function, X, A)
        assert str(traced.value) == str(plain.value)
        assert not isinstance(traced.value, UnsupportedError)


class Weighing:
    def __init__(self, weight):
        self.weight = weight

    def __float__(self):
        return self.weight * 2.0

    def __int__(self):
        return round(self.weight)

    def __complex__(self):
        return self.weight * 1j


def made_while_it_runs(x):
    class Local:
        twice = x * 2

        def __float__(self):
            return self.twice

    return Local()


class WeighingMore(Weighing):
    def __float__(self):
        return super().__float__() + self.weight


@pytest.mark.parametrize(
    "function",
    [
        lambda x: float(Weighing(x)) * x,
        lambda x: math.sqrt(WeighingMore(x)) * x,
        lambda x: abs(complex(Weighing(x))) * x,
        lambda x: math.sqrt(made_while_it_runs(x)) * x,
        lambda x: float(type("Local", (), {"__float__": lambda self: x * x})()) * x,
    ],
)
def test_what_a_class_of_the_users_converts_to_leaves_the_graph(function):
    def program(x):
        try:
            return function(x)
        except TypeError:
            return 100 * x

    methods = dict(vars(Weighing))
    with pytest.warns(CutWarning, match=r"left the graph through .*; at test_code_in_c\.py:\d+; "):
        assert_untouched(program, 2.5)
    assert dict(vars(Weighing)) == methods


class Measuring:
    def __init__(self, measures):
        self.measures = measures

    def __array__(self, dtype=None, copy=None):
        return self.measures


def test_an_array_of_an_objects_is_an_error_where_the_program_catches_it():
    def program(x, a):
        try:
            return np.sqrt(Measuring(a))[0] * x
        except (TypeError, ValueError):
            return 100 * x

    with pytest.raises(
        UnsupportedError,
        match=r"by an object's __array__; at test_code_in_c\.py:\d+; it gives .* np\.asarray",
    ):
        record(program, X, A.copy())


def test_a_class_that_is_made_while_a_trace_runs_is_what_it_is_without():
    def program(x):
        kinds = type("Of", (), {"__float__": float}), type(made_while_it_runs(x))
        kept.append(kinds[1])
        return x * x, [(kind.__module__, kind.__qualname__, list(vars(kind))) for kind in kinds]

    kept = []
    assert record(program, 2.5).result == program(2.5)
    assert vars(kept[0])["__float__"].__code__.co_filename == __file__


def test_what_the_program_itself_asks_for_a_float_is_followed():
    assert record(lambda x: WeighingMore(x).__float__() * int(Weighing(7.5)), 2.5).grads == {"x": 24.0}
