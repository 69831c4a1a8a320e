"""Control flow, closures, generators and objects of the program: the gradients are those of what ran."""

from __future__ import annotations

import pytest
from checks import assert_untouched

from tracer import record, trace


def newton(a):
    x = a
    while abs(x * x - a) > 1e-12:
        x = (x + a / x) / 2
    return x


def factorial(n, x):
    return x if n == 0 else n * factorial(n - 1, x)


def by_generator(x):
    def powers():
        y = 1.0
        while True:
            y = y * x
            yield y

    return sum(y for y, _ in zip(powers(), range(3), strict=False))


def by_closure(x):
    factor = x * 3

    def scaled(y):
        return factor * y

    return scaled(x) + scaled(2.0)


def by_comprehension(x):
    return sum([x**k for k in range(4) if k % 2]) + sum({k: x * k for k in range(3)}.values())


class Counter:
    """Keeps a running total in an attribute."""

    def __init__(self, start):
        self.total = start

    def add(self, x):
        self.total += x * x
        return self


def by_object(x):
    return Counter(x).add(x).add(2.0).total


@trace
def inner(x):
    return x * x * x


def by_nested_trace(x):
    return inner(x) + inner(2.0 * x)


def by_exception(x):
    try:
        y = x * 2
        raise ValueError(y)
    except ValueError as error:
        return error.args[0] * x
    finally:
        x = 0


def by_pattern(x):
    match (x, "a"):
        case (float() as y, "a") if y > 0:
            return y * y
    return None


@pytest.mark.parametrize(
    ("function", "arguments", "gradients"),
    [
        (newton, (2.0,), [0.5 / 2**0.5]),
        (factorial, (4, 2.5), [None, 24.0]),
        (by_generator, (2.0,), [1 + 4 + 12]),
        (by_closure, (2.0,), [12.0 + 6.0]),
        (by_comprehension, (2.0,), [1 + 12 + 3]),
        (by_object, (3.0,), [7.0]),
        (by_nested_trace, (2.0,), [12 + 2 * 48]),
        (by_exception, (3.0,), [12.0]),
        (by_pattern, (3.0,), [6.0]),
    ],
)
def test_control_flow(function, arguments, gradients):
    assert_untouched(function, *arguments)
    found = record(function, *arguments).grads.values()
    for gradient, wanted in zip(found, gradients, strict=True):
        if wanted is not None:
            assert gradient == pytest.approx(wanted, rel=1e-12)
