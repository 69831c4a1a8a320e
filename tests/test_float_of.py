"""`float(x)` in the user's own modules gives the number back, traced."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import pytest
from checks import assert_differentiates, assert_untouched

from tracer import record, verify
from tracer.errors import CutWarning

KINDS = {float: 2.0, int: 3.0}
ARRAY = np.array([1.5, 2.5])


class Quaternion:
    """Made of what its caller has, checked as such classes do."""

    def __init__(self, *parts):
        self.parts = np.array([float(each) for each in parts])
        if not all(isinstance(each, float) for each in self.parts):
            raise TypeError

    def __mul__(self, other):
        a, b, c, d = self.parts
        p, q, r, s = other.parts
        return Quaternion(
            a * p - b * q - c * r - d * s,
            a * q + b * p + c * s - d * r,
            a * r - b * s + c * p + d * q,
            a * s + b * r - c * q + d * p,
        )


@dataclass
class Measured:
    values: list

    @property
    def mean(self):
        return float(np.mean(self.values))


KIND = float
TABLE = "1.5 2 -3e-1"


def read_from_text(x):
    rows = [float(each) for each in TABLE.split()]
    return float(sum(row * x for row in rows)) + float("nan" if not rows else 1)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: float(x) * x,
        lambda x: float(np.dot(x * ARRAY, ARRAY)),
        lambda x: float(np.sum(x * ARRAY)) / float(np.array([x])[0]),
        lambda x: float(np.array(2.0) * x) ** 2,
        lambda x: sum(map(float, [x, x * x, 3])),
        lambda x: sorted([x, 2 * x], key=float)[1] * x,
        lambda x: x * 2 if isinstance(float(x), float) else 0.0,
        lambda x: x * 2 if isinstance(x, (int, float)) else 0.0,
        lambda x: x * 2 if isinstance(x, int | float) else 0.0,
        lambda x: x * 2 if type(float(x)) == float and type(x) in (int, float) else 0.0,  # noqa: E721
        lambda x: float(x) * KINDS[type(float(x))],
        lambda x: np.array([x, 1.0], dtype=float).astype(float)[0] * np.zeros(2, float).size * float(x),
        lambda x: np.finfo(float).eps + np.sum(np.asarray([x, x]), dtype=float),
        lambda x: float(x).is_integer() + float.fromhex("0x1p1") * x,
        lambda x: (Quaternion(x, 1, 2.0, x) * Quaternion(0.5, x, 1, 1)).parts.sum(),
        lambda x: Measured([x, x * x, 1.0]).mean * math.exp(float(x)),
        read_from_text,
    ],
)
def test_it_is_followed(function):
    assert_untouched(function, 2.5)
    assert_differentiates(function, 2.5)
    assert verify(record(function, 2.5)).ok


def test_it_is_a_step_of_its_own_with_the_variables_name():
    def function(x):
        y = float(x)
        return y * x

    t = record(function, 2.5)
    assert (t["y"].grad, t["y"].site.text) == (2.5, "float(x)")
    assert [node.op for node in t.nodes if node.kind == "function"] == ["positive", "multiply"]


def test_a_whole_number_becomes_a_float():
    t = record(lambda n: float(n) * 0.5, 3)
    assert (t.result, type(t.result), t.grads["n"]) == (1.5, float, 0.5)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: float(x * 1j),
        lambda x: float(x * ARRAY),
        lambda x: float([x]),
        lambda x: float(x, x),
        lambda x: float(real=x),
        lambda x: float("x") * x,
        lambda x: (
            float(),
            float(True),
            float("1e3"),
            repr(float),
            hash(float) == hash(KIND),
        ),
        lambda x: (float | None, None | float, float.__name__, isinstance(1, float), {float: 1}[float]),
    ],
)
def test_it_is_as_good_as_the_builtin(function):
    assert_untouched(lambda x: repr(function(x)), 2.5)


def matched(x):
    match x:
        case float():
            return x * 2
    return 0.0


@pytest.mark.parametrize(
    "function",
    [
        matched,
        lambda x: x * 2 if type(x) is float else 0.0,
        lambda x: x * 2 if issubclass(float, float) else 0.0,
        lambda x: x * defaultdict(float)[0] + x,
        lambda x: next(kind(3) * x for kind in (float,)),
        lambda x: type("Kind", (float,), {})(2.0) * x,
    ],
)
def test_a_function_that_uses_float_otherwise_has_the_builtin(function):
    assert_untouched(function, 2.5)
    assert_differentiates(function, 2.5)


def test_where_the_builtin_is_used_otherwise_too_a_cut_says_so():
    with pytest.warns(CutWarning, match=r"left the graph through float\(\); at test_float_of.py"):
        finished = record(lambda x: float(x) * x if type(x) is float else x, 2.5)
    assert finished.grads["x"] == 2.5


def test_the_modules_have_no_float_of_their_own_afterwards():
    assert record(lambda x: float(x) * ("float" in globals()), 2.0).grads["x"] == 1.0
    assert "float" not in globals()
    with pytest.raises(ZeroDivisionError):
        record(lambda x: float(x) / 0, 2.0)
    assert "float" not in globals()
