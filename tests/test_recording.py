"""Python's own operators and builtins: the same bits, types and errors as without @trace, and their gradients."""

from __future__ import annotations

import copy
import enum
import functools
import itertools
import numbers
import operator
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from checks import assert_differentiates, assert_untouched, outcome

from tracer import record
from tracer.errors import CutWarning

OPERATORS = {
    "+": (lambda x, y: x + y),
    "-": (lambda x, y: x - y),
    "*": (lambda x, y: x * y),
    "/": (lambda x, y: x / y),
    "//": (lambda x, y: x // y),
    "%": (lambda x, y: x % y),
    "**": (lambda x, y: x**y),
    "@": (lambda x, y: x @ y),
    "divmod": divmod,
    "<": (lambda x, y: x < y),
    "<=": (lambda x, y: x <= y),
    ">": (lambda x, y: x > y),
    ">=": (lambda x, y: x >= y),
    "==": (lambda x, y: x == y),
    "!=": (lambda x, y: x != y),
    "&": (lambda x, y: x & y),
    "|": (lambda x, y: x | y),
    "^": (lambda x, y: x ^ y),
    "<<": (lambda x, y: x << y),
    ">>": (lambda x, y: x >> y),
}

ORDERINGS = ("<", "<=", ">", ">=")


class Vector:
    """A class of the user's own, which knows what to do with numbers on either side."""

    def __init__(self, *items):
        self.items = items

    def __rmul__(self, factor):
        return [factor * item for item in self.items]

    def __add__(self, other):
        return [item + other for item in self.items]


class Stubborn:
    """A class that takes part in no operator."""


class Tripled(float):
    """A float with operators of its own, on which Python calls first."""

    def __mul__(self, other):
        return float(self) * 3 * other

    __rmul__ = __mul__

    def __rsub__(self, other):
        return other * other - float(self)

    def __rpow__(self, other):
        return NotImplemented

    def __rdivmod__(self, other):
        return other * 2, other * 3


class Tenfold(int):
    """An int with an operator of its own, on which Python calls where a float does not take it."""

    def __rmul__(self, other):
        return other * 10


TRACED = [
    2.5,
    -0.0,
    float("nan"),
    3,
    0,
    np.float64(1.5),
    np.float32(1.5),
    np.int64(3),
    np.array([1.0, -2.0]),
]
OTHERS = [
    *TRACED,
    True,
    "s",
    "%s",
    b"x",
    None,
    (1, 2),
    [1.5, 2.5],
    {},
    range(3),
    Stubborn(),
    np.array([1, 2]),
    np.array([[1.0], [2.0]], np.float32),
    np.bool_(True),
    np.float64(0),
]


def described(value):
    return f"{type(value).__name__} {value}".split(" at ")[0]


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::tracer.errors.CutWarning")
@pytest.mark.parametrize("traced", TRACED, ids=described)
@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_gives_what_it_gives_without_a_trace(name, traced):
    compute = OPERATORS[name]
    for other in OTHERS:
        if name == "%" and isinstance(other, (str, bytes)):
            continue  # what can be indexed, as NumPy's scalars can, counts as a mapping: '%' leaves its errors out
        assert_untouched(lambda x, other=other: compute(x, other), traced)
        if name in ORDERINGS and outcome(compute, other, traced)[0] == "raised":
            with pytest.raises((TypeError, ValueError)):  # the message has it the other way round
                record(lambda x, other=other: compute(other, x), traced)
        else:
            assert_untouched(lambda x, other=other: compute(other, x), traced)
    for function in (compute, lambda x, y: compute(y, x)):
        assert_untouched(function, traced, 1.5)
        assert_untouched(function, traced, 2)


def add(x, y):
    x += y
    return x


def multiply(x, y):
    x *= y
    return x


def power(x, y):
    x **= y
    return x


def divide(x, y):
    x /= y
    return x


@pytest.mark.parametrize("function", [add, multiply, power, divide])
@pytest.mark.parametrize("x", [2.5, 3, np.float32(1.5), np.array([1.5, 2.0])], ids=described)
def test_an_operator_in_place(function, x):
    for y in (2, 1.5, "a", None, Stubborn(), np.float64(2)):
        assert_untouched(lambda x, y=y: function(x, y), x)


@pytest.mark.parametrize("x", [2.5, -2.5, 3, np.float64(2.5), np.array([1.5, -2.5])], ids=described)
@pytest.mark.parametrize(
    "function",
    [
        abs,
        operator.neg,
        operator.pos,
        round,
        lambda x: round(x, 1),
        lambda x: round(x, None),
        lambda x: pow(x, 2),
        lambda x: pow(x, 2, None),
        lambda x: pow(2, x),
        lambda x: pow(x, 2, 5),
        lambda x: pow(2, x, 5),
        lambda x: pow(x, exp=2),
        lambda x: pow(mod=5, base=x, exp=2),
        lambda x: pow(x, mod=5),
        lambda x: pow(x, 2, base=2),
        lambda x: pow(x),
        lambda x: sum([x, x]),
        lambda x: sum([x, 1.5], x),
        lambda x: sum((x for _ in range(3)), start=0.5),
        lambda x: sum([]) + sum([1, 2]) * x,
        lambda x: min(x, 1),
        lambda x: max(1, x),
        lambda x: max([1, x, 2]),
        lambda x: max([], default=x),
        lambda x: min(1, x, key=lambda each: -each),
        lambda x: min(),
        lambda x: min([]),
        lambda x: sorted([x, 1, 2], reverse=True),
        lambda x: sorted([x, -9, 2], key=abs),
        lambda x: functools.reduce(operator.mul, [x, 1.5, x]),
        lambda x: list(itertools.accumulate([x, 1, x])),
        lambda x: list(map(abs, [x, -1])),
        lambda x: (x and 1, x or 2, not x, bool(x)),
        lambda x: 1 < x < 3,
        lambda x: x in (1, 2.5, 3),
        lambda x: x == x and x is x,
        lambda x: "big" if x > 1 else "small",
        lambda x: (hash(x), {x: 1}, {2.5: "a", 3: "b"}.get(x), {x, 1}, frozenset([x])),
        lambda x: [x, 1].index(x) + [x, 1].count(1),
        lambda x: (f"{x}", f"{x!r:>9}", f"{x:.2f}", f"{x=}"),
        lambda x: (str(x), repr(x), format(x), "{:9}".format(x)),
        lambda x: "%s %r" % (x, x),
        lambda x: (copy.copy(x), copy.deepcopy(x), copy.deepcopy([x, {"a": x}])),
        lambda x: [
            isinstance(x, kind) for kind in (float, int, bool, str, np.ndarray, np.floating, numbers.Real)
        ],
        lambda x: (x.__class__, x.__class__.__name__),
        lambda x: x.is_integer(),
        lambda x: x.real,
        lambda x: x.imag,
        lambda x: x.conjugate(),
        lambda x: x.numerator,
        lambda x: x.shape,
        lambda x: x.dtype,
        lambda x: x.nonsense,
        lambda x: "ab" * x,
        lambda x: [0] * x,
        lambda x: x * (1, 2),
        lambda x: list(range(x)),
        lambda x: [1, 2, 3, 4][x] if isinstance(x, int) else 0,
        lambda x: operator.index(x),
        lambda x: x / 0,
        lambda x: 0**-x,
        lambda x: [1] + x,
        lambda x: x + "a",
        lambda x: None - x,
        lambda x: x @ 1,
        lambda x: x < "a",
        lambda x: {"a": x}["a"],
        lambda x: (lambda *args, **named: (args, named))(x, b=x),
        lambda x: [y := x * 2, y + 1],
        lambda x: Vector(1, 2.5) + x,
        lambda x: Vector(1, 2.5) * x,
        lambda x: x.item(),
        lambda x: [each for each in x],
        lambda x: len(x),
        lambda x: x[0],
        lambda x: x(),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::tracer.errors.CutWarning")
def test_what_python_does_with_a_number(function, x):
    try:
        assert_untouched(function, x)
    except AssertionError as error:
        # The one difference: messages that name the type of a number call each of them a float.
        if type(x) in (int, np.float64) and (
            "'float' object" in str(error) or "type 'float'" in str(error)
        ):
            return
        raise


def test_a_count_repeats_a_list_in_place():
    def repeat(items, n):
        same_list = items
        items *= n
        return same_list

    assert_untouched(repeat, [1.5, 2], 3)


def test_a_traced_int_is_a_plain_int_where_python_needs_an_index():
    def index(n, x):
        total = 0.0
        for i in range(n):
            total += [x, 2.0, 3.0][i] * "ab".count("a") + len("abcdef"[n:]) + (10, 20, 30, 40)[n]
        return total

    finished = record(index, 3, 5.0)
    assert finished.grads == {"n": 0.0, "x": 1.0}
    assert_untouched(index, 3, 5.0)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (lambda x, y: x + y - x * y / (x - y), (2.0, 3.5)),
        (lambda x, y: x**y + 2**x + y**3 - (-x) ** 2, (1.3, 2.2)),
        (lambda x, y: x % y + y % x + 7.5 % x + x % 0.7, (2.3, 0.9)),
        (lambda x, y: x // y * x + divmod(y, x)[1] + divmod(x, y)[0] * y + divmod(5.5, x)[1], (2.3, 0.9)),
        (lambda x, y: abs(-x) * +y + (3 - x) * (3 / y), (2.0, -3.5)),
        (lambda x, y: round(x) * y + round(x, 1) * y, (2.3, 3.5)),
        (lambda x, y: sum([x, y, x * y, 3]) + sum([y], start=x), (2.0, 3.5)),
        (lambda x, y: max(x, y) * min(x, y, 1.0) + max([x, 9.0, y * 4]), (0.7, 3.5)),
        (lambda x, y: sorted([x, y, x * y])[1] ** 2, (2.0, 3.5)),
        (lambda x, y: pow(x, y) + pow(x, 2) + pow(2.0, y), (1.5, 2.5)),
        (
            lambda x, y: (
                pow(x, exp=y) + pow(base=y, exp=2) + pow(x, y, None) + pow(exp=y, base=2, mod=None)
            ),
            (1.5, 2.5),
        ),
        (lambda x, y: x if x > y else y * y, (2.0, 3.5)),
        (lambda x, y: functools.reduce(lambda a, b: a * b + x, [x, y, 2.0]), (2.0, 3.5)),
        (lambda x, y: x.real * y.conjugate(), (2.0, 3.5)),
        (lambda x, y: Fraction(1, 3) * x + y / Fraction(3, 7), (2.0, 3.5)),
        (lambda x, y: sum(Vector(x, y) + x) + sum(x * Vector(x, y)), (2.0, 3.5)),
        (
            lambda x, y: sum(np.float64(1.5) * Vector(x, y)) + sum((np.ones(2) * x)[0] * Vector(1.0, y)),
            (2.0, 3.5),
        ),
        (
            lambda x, y: x * Tripled(2.0) + Tripled(2.0) * y + (x - Tripled(1.5)) * y ** Tripled(2.0),
            (2.0, 3.5),
        ),
        (lambda x, y: sum(divmod(x, Tripled(2.0))) + y / Tripled(3.0) + x * Tenfold(3) * y, (2.0, 3.5)),
        (lambda x, y: (np.ones(2) * x)[0] * Tripled(2.0) + (np.ones(2) * y * Tripled(2.0))[1], (2.0, 3.5)),
        (lambda x, y: np.float64(2) * x + y * np.float64(3) - np.int64(2) / y, (2.0, 3.5)),
    ],
)
def test_gradients_are_those_of_central_differences(function, arguments):
    assert_differentiates(function, *arguments)
    assert_untouched(function, *arguments)


class Metres(float):
    """A float with a name."""


class Level(enum.IntEnum):
    HIGH = 2


@pytest.mark.parametrize(
    "constant", [Metres(3.0), Level.HIGH, True, np.bool_(1), np.float16(3), np.int8(3), 10**30]
)
def test_a_constant_of_another_type_has_its_value_in_the_gradient(constant):
    finished = record(lambda x: x * constant, 2.0)
    assert finished.grads["x"] == float(constant)
    assert record(lambda x: constant - x * x, 2.0).grads["x"] == -4.0


def test_a_decimal_is_a_cut_that_is_said():
    with pytest.warns(
        CutWarning, match=r"left the graph through an operator with a Decimal; at test_recording.py:\d+"
    ):
        finished = record(lambda n: n * Decimal("1.5") + 0, 3)
    assert finished.result == Decimal("4.5")
    assert [node.kind for node in finished.nodes] == ["input", "cut"]


def test_a_tuple_beside_an_array_is_an_array():
    finished = record(lambda a, x: np.sum(a * (1.0, 2.0) + [x, 3.0] * a), np.array([1.0, 2.0]), 4.0)
    np.testing.assert_array_equal(finished.grads["a"], [5.0, 5.0])
    assert finished.grads["x"] == 1.0
