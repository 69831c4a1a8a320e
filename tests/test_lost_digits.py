"""Values that are short of digits, and gradients by them: the errors, who is guilty, the words. Faults: test_faults.py."""

from __future__ import annotations

import math
import sys
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tracer import load, record, rule
from tracer.diagnose import lost_digits as room
from tracer.diagnose import roundings
from tracer.diagnose.lost_digits import lost_digits
from tracer.diagnose.short_values import ShortValues

if TYPE_CHECKING:
    from tracer.diagnose.finding import Finding

_PAIRS = [(0.1, 0.2), (1e16, 1.0), (1.0, -0.9999999), (3.0, 7.0), (1e-9, 1e9), (0.1, 3.0), (-2.5, 1e-3)]


@pytest.mark.parametrize("pair", _PAIRS)
@pytest.mark.parametrize(
    ("name", "compute", "exact"),
    [
        ("add", lambda x, y: x + y, lambda x, y: x + y),
        ("subtract", lambda x, y: x - y, lambda x, y: x - y),
        ("multiply", lambda x, y: x * y, lambda x, y: x * y),
        ("divide", lambda x, y: x / y, lambda x, y: x / y),
    ],
)
def test_the_errors_of_arithmetic_are_the_very_errors(name, compute, exact, pair):
    out = compute(*pair)
    expected = exact(*map(Fraction, pair)) - Fraction(out)
    found = roundings.of_elementwise(name, pair, out, 2.0**-53)
    assert float(found) == pytest.approx(float(expected), rel=1e-12, abs=0.0)


@pytest.mark.parametrize("x", [2.0, 0.3, 1e10, 4.0, 1e-20])
def test_the_error_of_a_root_is_the_very_error(x):
    with localcontext() as context:
        context.prec = 50
        expected = Decimal(x).sqrt() - Decimal(math.sqrt(x))
    assert float(roundings.of_elementwise("sqrt", [x], math.sqrt(x), 2.0**-53)) == pytest.approx(
        float(expected), rel=1e-6, abs=1e-40
    )


EXACT = [
    ("cos", [0.0], 1.0),
    ("exp", [0.0], 1.0),
    ("log", [1.0], 0.0),
    ("power", [3.0, 2.0], 9.0),
    ("power", [0.1, 1.0], 0.1),
    ("maximum", [0.1, 0.2], 0.2),
    ("negative", [0.1], -0.1),
    ("subtract", [1.1, 1.0], 1.1 - 1.0),
    ("multiply", [0.1, 4.0], 0.4),
    ("floor", [1.7], 1.0),
]


@pytest.mark.parametrize(("name", "operands", "out"), EXACT)
def test_what_is_exact_commits_no_error(name, operands, out):
    assert roundings.of_elementwise(name, operands, out, 2.0**-53) == 0


def test_the_same_computation_commits_the_same_error():
    x = np.array([0.3, 0.4, 0.3])
    first, second, again = roundings.of_elementwise("cos", [x], np.cos(x), 2.0**-53)
    assert first == again != second
    assert 0.25 <= abs(first) / (2.0**-53 * math.cos(0.3)) <= 1


def test_the_error_of_a_value_is_what_exact_arithmetic_would_change():
    def chain(x, y):
        z = x * y
        for k in range(1, 20):
            z = z * 1.1 - y / k
        return math.sqrt(abs(z))

    t = record(chain, 1.7, 0.3)
    x, y = Fraction(1.7), Fraction(0.3)
    z = x * y
    for k in range(1, 20):
        z = z * Fraction(1.1) - y / k
    with localcontext() as context:
        context.prec = 60
        exact = (abs(Decimal(z.numerator) / Decimal(z.denominator))).sqrt()
        expected = float(exact - Decimal(t.result))
    found = ShortValues(t).errors.of(t.output.row)
    assert found == pytest.approx(expected, rel=1e-3)


def the_finding(function: Any, *arguments: Any) -> Finding:
    found = [each for each in record(function, *arguments).findings() if each.severity != "note"]
    assert [each.kind for each in found] == ["cancellation"], found
    return found[0]


def versine(x):
    return (1 - math.cos(x)) / x**2


@pytest.mark.parametrize(
    ("x", "severity", "digits"),
    [(1e-8, "error", 0), (1e-4, "error", 0), (2e-3, "warning", 4), (1e-2, "warning", 6.7)],
)
def test_the_severity_is_by_the_digits_that_are_kept(x, severity, digits):
    finding = the_finding(versine, x)
    assert finding.severity == severity
    assert finding.numbers["digits"] == pytest.approx(digits, abs=0.7)
    assert finding.site.text == "1 - math.cos(x)"


@pytest.mark.parametrize("x", [0.1, 0.5, 3.0])
def test_a_gradient_that_keeps_half_of_its_digits_is_no_finding(x):
    assert not record(versine, x).findings()


@pytest.mark.parametrize(
    ("function", "x", "true"),
    [
        (lambda x: (math.sqrt(1 + x) - 1) / x, 1e-9, -0.125),
        (lambda x: math.log(1 + x) / x, 1e-12, -0.5),
        (lambda x: (1 / (1 + x) - 1) / x, 1e-9, 1.0),
    ],
)
def test_the_error_that_is_told_is_that_of_the_gradient(function, x, true):
    finding = the_finding(function, x)
    assert finding.numbers["error"] == pytest.approx(abs(finding.numbers["gradient"] - true), rel=1e-2)


WORDS = [
    (lambda x: (math.exp(x) - 1) / x, (1e-9,), "1.000000001 − 1 = 1e-09", "expm1(x)"),
    (lambda x: (1 - math.exp(-x)) / x, (1e-9,), "1 − 0.999999999 = 1e-09", "expm1(x)"),
    (versine, (1e-4,), "1 − 0.999999995 = 5e-09 has 7 right digits", "2*sin(x/2)**2"),
    (versine, (1e-8,), "1 − 1 = 0 has no right digit", "2*sin(x/2)**2"),
    (lambda x: math.log(1 + x) / x, (1e-12,), "log(1.000000000001) = 1e-12", "log1p(x)"),
    (lambda x: math.cosh(x) - math.sinh(x), (20.0,), "has no right digit", "exp(-x)"),
    (
        lambda a, b, c: (-b + math.sqrt(b * b - 4 * a * c)) / (2 * a),
        (1.0, 1e8, 1.0),
        "−100000000 + 99999999.999999985 = −1.49e-08",
        "copysign(sqrt(b*b - 4*a*c), b)",
    ),
    (
        lambda x: np.sqrt(np.mean(x**2) - np.mean(x) ** 2),
        (1e6 + np.array([0.1, 0.4, -0.3]),),
        "the gradient of x[",
        "np.mean((x - np.mean(x))**2)",
    ),
    (
        lambda x, y: 1 / (np.mean(x * y) - np.mean(x) * np.mean(y)),
        (1e6 + np.array([0.1, 0.4, -0.3]), 1e6 + np.array([0.2, 0.3, -0.1])),
        "and 1 more input with it",
        "np.cov(x, y)",
    ),
    (
        lambda x, y: 1 / (math.sqrt(x * x + y * y) - x),
        (1.0, 1e-7),
        "has 1 right digit",
        "multiply by the sum",
    ),
    (lambda x: -math.log(1 - 1 / (1 + math.exp(-x))), (25.0,), "1 − ", "1/(1 + exp(x))"),
    (lambda x: math.log(1 - math.tanh(x) ** 2), (15.0,), "1 − ", "1/cosh(x)**2"),
    (lambda x: (math.sqrt(1 + x) - 1) / x, (1e-9,), "1.0000000005 − 1 = 5e-10", "multiply by the sum"),
    (lambda r: r / ((1 + r) ** 360 - 1), (1e-9,), "1 = 3.6e-07", "expm1(n*log1p(r))"),
    (
        lambda x: math.log((1 + x) ** 2 - (1 - x) ** 2),
        (1e-11,),
        "1.00000000002 − 0.99999999998 = 4e-11",
        "(a - b)*(a + b)",
    ),
    (lambda x: 1 / (x**3 - 3 * x**2 + 3 * x - 1), (1.00001,), "1 = ", "an expanded polynomial"),
    (
        lambda x: 1 / (math.sin(x + 1e-12) - math.sin(x)),
        (0.5,),
        "0.47942553860508 − 0.4794255386042 = 8.776e-13",
        "two close values of one function",
    ),
]
if sys.version_info < (3, 12):  # from then on Python's sum keeps them
    WORDS.append(
        (
            lambda x, y: math.sqrt(sum([x, y, -x])) * x,
            (1e8 / 3, 1e-8 / 3),
            "what sum makes of",
            "rewrite the difference",
        )
    )


@pytest.mark.parametrize(("function", "arguments", "message", "advice"), WORDS)
def test_the_arithmetic_and_the_cure_are_told(function, arguments, message, advice):
    finding = the_finding(function, *arguments)
    assert message in finding.message
    assert advice in finding.advice


ACQUITTED = [
    # Of two inputs that are nearly equal nobody knows more digits than they have.
    (lambda a, b: 1 / (a * 1.1 - b * 1.1), (1.0 + 1e-12, 1.0)),
    (lambda x: np.sum(1 / (x - np.mean(x))), (1e6 + np.array([0.1, 0.4, -0.3]),)),
    (lambda w: np.sum((w * 0.1 - 0.03) ** 2), (0.3,)),
    # What is exact.
    (lambda x: 1 / (x - 1.0), (1.0 + 1e-12,)),
    (lambda x: (x * 0.5 - 0.5) ** -1.0, (1.0 + 1e-12,)),
    # What does not matter to the output.
    (lambda x: x + 1e-20 * (1 - math.cos(x)) / x**2, (1e-4,)),
]


@pytest.mark.parametrize(("function", "arguments"), ACQUITTED)
def test_what_is_as_good_as_its_inputs_is_not_blamed(function, arguments):
    assert not lost_digits(record(function, *arguments)).cases


def limited(u):
    """Limit slopes as in a step of finite volumes; `1e-8 * (slope == 0)` keeps it from dividing by zero."""
    far = 1000.0 * np.arange(len(u))
    q = (u + far) - far
    before, after = np.roll(q, 1), np.roll(q, -1)
    slope = (after - before) / 0.2
    for near in (q - before, after - q):
        ratio = near / 0.1 / (slope + 1e-8 * (slope == 0))
        slope = np.maximum(0, np.minimum(1, ratio)) * slope
    return np.sum((q + slope) ** 2)


def test_a_division_that_is_kept_from_zero_is_not_off_by_infinity():
    trace = record(limited, np.array([0.3, 0.2, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1]))
    (finding,) = (each for each in trace.findings() if each.kind == "cancellation")
    text = "the gradient of u[3] keeps 3 digits of 16, −0.8005 may be off by 0.00023"
    assert finding.message.startswith(text)
    assert abs(trace["u"].grad[3] + finding.numbers["error"] + 0.8) < 3e-4


def test_two_places_have_the_inputs_that_each_spoils():
    def both(x, y):
        first = (1 - math.cos(x)) / x**2
        second = (math.exp(y) - 1) / y
        return first * second

    found = [each for each in record(both, 1e-4, 1e-9).findings() if each.severity != "note"]
    assert {each.site.text: each.message.split(" keeps")[0] for each in found} == {
        "1 - math.cos(x)": "the gradient of x",
        "math.exp(y) - 1": "the gradient of y",
    }


def test_a_loop_is_one_finding_with_all_that_it_spoils():
    def many(xs):
        return sum(versine(x) for x in xs)

    finding = the_finding(many, [1e-4, 2e-4, 3e-4])
    assert finding.numbers["spoiled"] == 3
    assert finding.message.endswith("and 2 more inputs with it")


def test_of_arrays_the_element_is_named():
    finding = the_finding(lambda x: np.sum((1 - np.cos(x)) / x**2), np.array([0.5, 1e-6, 0.7]))
    assert finding.message.startswith("the gradient of x[1] keeps no digit of 16")


@pytest.mark.parametrize("x", [np.float64(1e-4), np.array(1e-4), np.array([1e-4])])
def test_numbers_of_numpy_are_as_good(x):
    assert the_finding(lambda x: np.sum((1 - np.cos(x)) / x**2), x).severity == "error"


def test_a_whole_number_that_stands_for_a_float_is_an_input_too():
    assert the_finding(lambda n: (1 - math.cos(1e-4 * n)) / n**2, 1).severity == "error"
    assert the_finding(lambda x: math.cosh(x) - math.sinh(x), 20).severity == "error"


def test_single_precision_has_fewer_digits_to_lose():
    finding = the_finding(lambda x: np.sum((1 - np.cos(x)) / x**2), np.array([0.05], np.float32))
    assert "of 7" in finding.message
    assert not record(lambda x: np.sum((1 - np.cos(x)) / x**2), np.array([0.05])).findings()


def test_a_loaded_trace_tells_the_same(tmp_path):
    t = record(versine, 1e-4)
    t.save(tmp_path / "t.trace")
    assert list(map(str, load(tmp_path / "t.trace").findings())) == list(map(str, t.findings()))


def test_long_traces_are_looked_into_where_there_is_reason(monkeypatch):
    def long(x, w):
        total = 0.0
        for k in range(50):
            total = total + w * k
        return total * versine(x)

    harmed, well = record(long, 1e-4, 0.3), record(long, 0.5, 0.3)
    monkeypatch.setattr(room, "SURELY", 10)
    assert lost_digits(harmed).cases
    assert not room._is_worth_it(well)
    monkeypatch.setattr(room, "MOST_ARRAYS", 0)
    of_array = record(lambda x: np.sum((1 - np.cos(x)) / x**2), np.array([1e-4]))
    assert not lost_digits(of_array).cases


def test_a_rule_that_takes_no_other_values_ends_the_search():
    recorded = 1 - math.cos(1e-4)

    def picky(upstream, _, x):
        if x != recorded:
            raise ValueError(x)
        return upstream

    @rule(picky)
    def handed_on(x):
        return x * 1.0

    assert lost_digits(record(lambda x: handed_on(1 - math.cos(x)) / x**2, 1e-4)).cases == ()


def test_complex_numbers_are_not_followed():
    def of_complex(x):
        z = (1 - np.exp(1j * x)) / x
        return abs(z) + (1 - math.cos(x)) / x**2

    assert not [each for each in record(of_complex, 0.5).findings() if each.severity != "note"]
