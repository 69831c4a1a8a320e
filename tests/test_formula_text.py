"""The formula beside a number in explain: simple as a book's, and still the rule's own derivative."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.diagnose.formula_text import formula_text
from tracer.rules.elementwise import ELEMENTWISE
from tracer.rules.formula import VOCABULARY

POWER = "y * x**(y - 1)"
WRITTEN = [
    (POWER, {"x": "x", "y": 2}, "2 * x"),
    (POWER, {"x": "h[1]", "y": 3.0}, "3 * h[1]**2"),
    (POWER, {"x": "x", "y": True}, ""),
    (POWER, {"x": "x", "y": 1}, ""),
    (POWER, {"x": "x", "y": 0}, ""),
    (POWER, {"x": "a + b", "y": -1}, "-1/(a + b)**2"),
    (POWER, {"x": "x", "y": -2.0}, "-2/x**3"),
    (POWER, {"x": "x", "y": 0.5}, "0.5/sqrt(x)"),
    (POWER, {"x": "x", "y": 1.5}, "1.5 * sqrt(x)"),
    (POWER, {"x": "x", "y": 1.23456}, "1.235 * x**0.2346"),
    (POWER, {"x": "x", "y": "n"}, "n * x**(n - 1)"),
    (POWER, {"x": "x", "y": math.inf}, "inf * x**(inf - 1)"),
    (POWER, {"x": "x", "y": ""}, ""),
    ("y", {"y": "a + b"}, "a + b"),
    ("y", {"y": 3}, ""),
    ("1/y", {"y": 3.0}, ""),
    ("-out/y", {"out": "a + b", "y": -2}, "(a + b)/2"),
    ("-out/y", {"out": "a * b", "y": "c"}, "-(a * b)/c"),
    ("-sin(x)", {"x": "a - b"}, "-sin(a - b)"),
    ("2*x", {"x": "_0_"}, "2 * _0_"),
    ("y/(x**2 + y**2)", {"x": "a", "y": -3.0}, "-3/(a**2 + (-3)**2)"),
    ("exp(x - out)", {"x": 0.0, "out": "c"}, "exp(-c)"),
    ("exp(x - out)", {"x": "a", "out": "-c"}, "exp(a - (-c))"),
    ("2/sqrt(pi) * exp(-x**2)", {"x": "sqrt"}, "2/sqrt(pi) * exp(-sqrt**2)"),
    ("1/(x * log(base))", {"x": "a", "base": np.complex128(1 + 2j)}, "1/(a * log(1+2j))"),
]


@pytest.mark.parametrize(("formula", "operands", "text"), WRITTEN)
def test_a_formula_is_written_as_in_a_book(formula, operands, text):
    assert formula_text(formula, operands) == text


PARTIALS = sorted(
    {
        (partial, rule.operand_names)
        for rule in ELEMENTWISE.values()
        for partial in rule.partials
        if partial and not rule.zero_where
    }
    | {(POWER, ("x", "y")), ("log(x) * out", ("x", "y"))}
)


@given(st.sampled_from(PARTIALS), st.data())
def test_the_simple_formula_has_the_value_of_the_rule(partial, data):
    formula, names = partial
    names = (*names, "out")
    # A quarter of a whole number is exact in four digits, so that what is shown is what is computed.
    quarters = st.integers(-12, 12).map(lambda number: number / 4)
    values = {name: data.draw(quarters, name) for name in names}
    constants = data.draw(st.sets(st.sampled_from(names)), "constants")
    operands = {name: values[name] if name in constants else f"{name} + {name}" for name in names}
    text = formula_text(formula, operands)
    if not text:
        return
    with np.errstate(all="ignore"):
        halves = {name: np.float64(value / 2) for name, value in values.items()}
        doubled = {name: np.float64(value) for name, value in values.items()}
        expected = eval(formula, dict(VOCABULARY), doubled)  # noqa: S307  (the rules' own text)
        if np.all(np.isfinite(expected)):
            written = eval(text, dict(VOCABULARY), halves)  # noqa: S307  (as above)
            assert written == pytest.approx(expected, rel=1e-9)
