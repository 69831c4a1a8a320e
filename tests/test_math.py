"""Every function of `math`: followed and right, or a plain read; however the user's code reaches it."""

from __future__ import annotations

import math
import math as m
import sys
import types
from math import exp, tanh

import numpy as np
import pytest
from checks import assert_differentiates, assert_untouched, central_differences

from tracer import record, trace

# By name: the arguments at which the gradient is compared with central differences.
FOLLOWED = {
    "acos": (0.3,),
    "acosh": (1.7,),
    "asin": (0.3,),
    "asinh": (0.3,),
    "atan": (0.3,),
    "atan2": (0.3, -1.2),
    "atanh": (0.3,),
    "cbrt": (-2.3,),
    "copysign": (2.3, -1.5),
    "cos": (0.3,),
    "cosh": (0.3,),
    "degrees": (0.3,),
    "dist": ([1.0, 2.5], [0.5, -1.0]),
    "erf": (0.3,),
    "erfc": (0.3,),
    "exp": (0.3,),
    "exp2": (0.3,),
    "expm1": (0.3,),
    "fabs": (-2.3,),
    "fma": (2.3, -1.5, 0.5),
    "fmod": (-7.3, 2.2),
    "fsum": ([1.0, 2.5, -3.0],),
    "gamma": (2.6,),
    "hypot": (1.0, -2.5, 3.0),
    "lgamma": (-2.6,),
    "log": (2.3, 3.1),
    "log10": (2.3,),
    "log1p": (2.3,),
    "log2": (2.3,),
    "pow": (2.3, 1.7),
    "prod": ([1.5, -2.5, 3.0],),
    "radians": (0.3,),
    "remainder": (7.3, 2.2),
    "sin": (0.3,),
    "sinh": (0.3,),
    "sqrt": (2.3,),
    "sumprod": ([1.0, 2.5], [0.5, -1.0]),
    "tan": (0.3,),
    "tanh": (0.3,),
}
ONE_OF_TWO = {"frexp": (2.3,), "modf": (-2.3,), "ldexp": (2.3, 3), "nextafter": (2.3, 9.0)}
FLAT = {"ceil": (2.3,), "floor": (-2.3,), "trunc": (2.3,), "ulp": (2.3,)}
PLAIN_READS = {
    "comb": (5, 2),
    "factorial": (5,),
    "gcd": (12, 18),
    "isclose": (1.0, 1.0),
    "isfinite": (1.0,),
    "isinf": (math.inf,),
    "isnan": (math.nan,),
    "isnormal": (1.0,),
    "issubnormal": (1.0,),
    "isqrt": (17,),
    "lcm": (4, 6),
    "perm": (5, 2),
    "signbit": (-1.0,),
}
AVAILABLE = [name for name in dir(math) if callable(getattr(math, name)) and not name.startswith("_")]


def test_every_function_of_this_python_is_sorted():
    known = {*FOLLOWED, *ONE_OF_TWO, *FLAT, *PLAIN_READS}
    new = [name for name in AVAILABLE if name not in known]
    assert not new, (
        f"Python {sys.version.split()[0]} has math.{new}: give each a row here, and a rule where it has a derivative"
    )


def available(table):
    return [name for name in table if name in AVAILABLE]


@pytest.mark.parametrize("name", available(FOLLOWED))
def test_a_followed_function_has_the_gradient_of_central_differences(name):
    arguments = FOLLOWED[name]
    takes_lists = isinstance(arguments[0], list)
    numbers = [number for each in arguments for number in each] if takes_lists else arguments

    def plain(*numbers):
        if not takes_lists:
            return getattr(math, name)(*numbers)
        length = len(arguments[0])
        lists = (numbers[:length], numbers[length:])
        return getattr(math, name)(*lists[: len(arguments)])

    finished = record(plain, *numbers)
    assert finished.result == plain(*numbers)
    expected = central_differences(plain, *numbers)
    np.testing.assert_allclose(finished.grads["numbers"], expected, rtol=1e-5, atol=1e-7)
    assert [node.kind for node in finished.nodes[len(numbers) :]] == ["function", "output"]


@pytest.mark.parametrize("name", available({**FOLLOWED, **ONE_OF_TWO, **FLAT, **PLAIN_READS}))
def test_a_function_is_untouched_also_where_it_fails(name):
    arguments = {**FOLLOWED, **ONE_OF_TWO, **FLAT, **PLAIN_READS}[name]

    def called(*arguments):
        return getattr(math, name)(*arguments)

    assert_untouched(called, *arguments)
    if isinstance(arguments[0], list):
        return
    for strange in (2, -3, 0.0, -1.0, 1e308, math.inf, math.nan, np.float64(0.5), np.float32(0.5), True):
        assert_untouched(called, strange, *arguments[1:])
    assert_untouched(called, "a", *arguments[1:])


@pytest.mark.parametrize("name", available(FLAT))
def test_a_step_has_the_gradient_zero(name):
    finished = record(lambda x: getattr(math, name)(x) * x, *FLAT[name])
    assert finished.grads["x"] == getattr(math, name)(*FLAT[name])
    marks = [node.kink for node in finished.nodes if node.op == name]
    assert marks == (
        [] if name == "ulp" else [f"{name}' = 0 everywhere, also at its jumps"]
    )  # ulp: a plain read


def test_the_two_results_of_modf_and_frexp():
    assert record(lambda x: math.modf(x)[0] * 3 + math.modf(x)[1] * x, -2.3).grads["x"] == 3.0 - 2.0
    assert record(lambda x: math.frexp(x)[0], 2.3).grads["x"] == 0.25
    assert record(lambda x: math.ldexp(x, 3), 2.3).grads["x"] == 8.0
    assert record(lambda n: math.ldexp(2.3, n), 3).grads["n"] == 0.0
    assert record(lambda x: math.nextafter(x, 9.0), 2.3).grads["x"] == 1.0


@pytest.mark.parametrize(
    ("function", "x", "gradient"),
    [
        (lambda x: abs(x), 0.0, 0.0),
        (lambda x: math.fabs(x), 0.0, 0.0),
        (lambda x: math.sqrt(x), 0.0, math.inf),
        (lambda x: math.hypot(x, 0.0), 0.0, 0.0),
        (lambda x: math.hypot(x, 0.0, 0.0), 0.0, 0.0),
        (lambda x: math.dist((x,), (0.0,)), 0.0, 0.0),
        (lambda x: x**0, 0.0, 0.0),
        (lambda x: x**2, 0.0, 0.0),
        (lambda x: x**1, 0.0, 1.0),
        (lambda x: 0.0**x, 2.0, 0.0),
        (lambda x: math.prod([x, 0.0, 3.0]), 0.0, 0.0),
        (lambda x: math.prod([x, 2.0], start=x), 0.0, 0.0),
        (lambda x: max(x, 0.0), 0.0, 1.0),
        (lambda x: max(0.0, x), 0.0, 0.0),
        (lambda x: max(x, x), 0.0, 1.0),
        (lambda x: math.log(x, 10), 10.0, 1 / (10 * math.log(10))),
        (lambda x: math.log(2, x), 10.0, -math.log(2) / (10 * math.log(10) ** 2)),
        (lambda x: math.fsum([x, x, 1]), 10.0, 2.0),
    ],
)
def test_at_a_kink_the_gradient_is_the_documented_choice(function, x, gradient):
    assert record(function, x).grads["x"] == pytest.approx(gradient, rel=1e-15)


helpers = types.ModuleType("helpers_of_test_math")
exec(  # noqa: S102  (a module of the user's, in another file)
    compile(
        "import math\nfrom math import exp as e\ndef both(x):\n    y = math.sin(x)\n    return y * e(x)\n",
        "helpers_of_test_math.py",
        "exec",
    ),
    vars(helpers),
)
sys.modules[helpers.__name__] = helpers


def by_default(x, activation=math.tanh):
    return activation(x)


def by_closure():
    activation = math.tanh

    def function(x):
        return activation(x)

    return function


def imported_inside(x):
    from math import tanh as inside

    return inside(x)


slope_of_tanh = 1 - math.tanh(0.3) ** 2


@pytest.mark.parametrize(
    ("function", "arguments", "gradient"),
    [
        (lambda x: math.tanh(x), (0.3,), slope_of_tanh),
        (lambda x: m.tanh(x), (0.3,), slope_of_tanh),
        (lambda x: tanh(x), (0.3,), slope_of_tanh),
        (lambda x, f: f(x), (0.3, math.tanh), slope_of_tanh),
        (lambda x, fs: fs[0](x), (0.3, [math.tanh]), slope_of_tanh),
        (lambda x, fs: fs["f"](x), (0.3, {"f": math.tanh, "x": 2.0}), slope_of_tanh),
        (by_default, (0.3,), slope_of_tanh),
        (by_closure(), (0.3,), slope_of_tanh),
        (imported_inside, (0.3,), slope_of_tanh),
        (lambda x: sum(map(math.tanh, [x])), (0.3,), slope_of_tanh),
        (lambda x: helpers.both(x), (0.3,), math.exp(0.3) * (math.cos(0.3) + math.sin(0.3))),
        (lambda x: exp(exp(x)), (0.3,), math.exp(math.exp(0.3)) * math.exp(0.3)),
    ],
)
def test_a_function_is_followed_however_it_is_reached(function, arguments, gradient):
    assert record(function, *arguments).grads["x"] == pytest.approx(gradient, rel=1e-15)
    assert math.tanh is tanh
    assert by_default.__defaults__ == (math.tanh,)


def test_a_mathematical_program():
    def black_scholes(spot, strike, rate, volatility, years):
        d1 = (math.log(spot / strike) + (rate + volatility**2 / 2) * years) / (
            volatility * math.sqrt(years)
        )
        d2 = d1 - volatility * math.sqrt(years)

        def cumulative(x):
            return (1 + math.erf(x / math.sqrt(2))) / 2

        return spot * cumulative(d1) - strike * math.exp(-rate * years) * cumulative(d2)

    assert_differentiates(black_scholes, 100.0, 95.0, 0.03, 0.2, 0.75)
    assert_untouched(black_scholes, 100.0, 95.0, 0.03, 0.2, 0.75)


def test_the_originals_are_back_after_the_call():
    before = {name: getattr(math, name) for name in AVAILABLE}
    traced = trace(lambda x: math.exp(x) / 0)
    with pytest.raises(ZeroDivisionError):
        traced(1.0)
    assert {name: getattr(math, name) for name in AVAILABLE} == before
