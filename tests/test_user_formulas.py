"""Partials that @rule is given as text: arithmetic is one, whatever else is refused, and none runs without end."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest

from tracer import rule
from tracer.errors import (
    UsageError,
)
from tracer.rules.formula import VOCABULARY, compile_formula, fault_of


def of_one(x):
    return x


def of_where(where):
    return where


@pytest.mark.parametrize(
    ("partials", "function", "message"),
    [
        ((), of_one, "has no partials that can be read; got none"),
        (("1", abs), of_one, "has no partials that can be read"),
        ((1.0,), of_one, "has no partials that can be read"),
        (("1", "1"), of_one, "more partials than of_one has parameters; got 2 partials for of_one"),
        (("z",), of_one, "in 'z', z is none of inf, out, pi, x"),
        (("x +",), of_one, "it can't be read: invalid syntax"),
        (("open(x)",), of_one, "calls something else than abs"),
        (("x.real",), of_one, "x.real is no arithmetic"),
        (
            ("1",),
            of_where,
            "can't name; got 'where', which means something else there; give the parameter another",
        ),
        (
            ("out*a",),
            np.cumsum,
            "can't name; got 'out', which means something else there; a lambda has parameters of your own",
        ),
    ],
)
def test_partials_that_do_not_fit_are_refused(partials, function, message):
    with pytest.raises(UsageError) as caught:
        rule(*partials)(function)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "x.__class__",
        "(lambda: x)()",
        "x[0]",
        "[x for x in y]",
        "x if x else y",
        "f'{x}'",
        "x := 1",
        "exp",
        "exp(x, out=y)",
        "exp(*x)",
        "cos.x",
        "1e999 * x",
        "'a'",
        "1j",
        "True",
        "x and y",
        "_local(x)",
        "_typed(x)",
        "-" * 60 + "x",
        "(" * 300 + "x" + ")" * 300,
        "x" + " + x" * 400,
        "cos()",
        "cos(x, out)",
        "where(x)",
        "copysign(x)",
        "x is x",
        "x in x",
        "x < y < 2",
        "x | x",
        "(x > 0) & y",
        "~(x > 0)",
        "-(x > 0)",
        "9**9**9**9 * x",
        "1/0 + x",
        "(0 - 1)**0.5 * x",
    ],
)
def test_only_arithmetic_is_a_formula(text):
    assert fault_of(text, ("x", "y"))


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "x",
        "2**0.5 * x",
        "(x > y) + (x == y)/2",
        "where(x < 0, -1, 1)",
        "pi*out",
        "((x > 0) & (y < 2) | (x == y)) * 1",
        "log(x - 1) / (y - 1)",
        "copysign(1, x)",
    ],
)
def test_arithmetic_is_a_formula(text):
    assert not fault_of(text, ("x", "y"))


def test_a_formula_whose_numbers_grow_without_end_stops():
    with pytest.raises(OverflowError):
        compile_formula("9**9**9**9 * x", ("x",))
    with np.errstate(over="ignore"):
        assert compile_formula("n**n**n + x", ("x", "n"), in_floats=True)(1.0, 99, 1.0) == math.inf


def test_the_page_lists_what_a_formula_knows():
    page = (Path(__file__).parents[1] / "docs" / "adding-a-rule.md").read_text("utf-8")
    listed = re.search(r"comparisons \(1 or 0\) and `([^`]*)`", page)
    assert listed is not None
    assert listed[1].split() == sorted(VOCABULARY)
