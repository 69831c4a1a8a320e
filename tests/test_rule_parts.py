"""What stands beside the rules: constants among operands, compressed gradients, special functions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from rule_rows import DIGAMMA

from tracer.pull import pull
from tracer.rules import RULES, Outer, Part
from tracer.rules.elementwise import ELEMENTWISE
from tracer.rules.special import digamma, digamma_rise

# constants among the operands


@pytest.mark.parametrize(
    ("op", "port", "operands", "expected"),
    [
        ("power", 0, (None, 2), [0.0, 2.0, 4.0]),
        ("power", 0, (None, 1), [1.0, 1.0, 1.0]),
        ("power", 0, (None, 0), [0.0, 0.0, 0.0]),
        ("power", 0, (None, -1), [-math.inf, -1.0, -0.25]),
        ("power", 1, (2, None), [math.log(2), 2 * math.log(2), 4 * math.log(2)]),
        ("power", 1, (0, None), [0.0, 0.0, 0.0]),
        ("divide", 0, (None, 0), math.inf),
        ("divide", 1, (2, None), [-math.inf, -2.0, -0.5]),
        ("multiply", 0, (None, 3), 3),
        ("maximum", 0, (None, 1), [0.0, 0.5, 1.0]),
        ("maximum", 1, (1, None), [0.0, 0.5, 1.0]),
        ("clip", 0, (None, 1, math.inf), [0.0, 1.0, 1.0]),
        ("log_base", 1, (1, None), [0.0, 0.0, 0.0]),
        ("remainder", 0, (None, 2), 1),
        ("hypot", 0, (None, 0), [0.0, 1.0, 1.0]),
        ("copysign", 0, (None, -1), [0.0, -1.0, -1.0]),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constants_are_plain_numbers_and_widen_nothing(op, port, operands, expected, dtype):
    x = np.array([0, 1, 2], dtype)
    filled = [x if operand is None else operand for operand in operands]
    forward = {"log_base": lambda x, base: np.log(x) / np.log(base + 10), "clip": np.clip}.get(op)
    with np.errstate(all="ignore"):
        out = (forward or getattr(np, op))(*filled).astype(dtype)
        if op == "log_base":
            filled[1] = x + 10
        got = RULES[op].local(port)(*filled, out)
    assert np.allclose(got, expected, rtol=1e-6)
    assert not isinstance(got, np.ndarray) or got.dtype == dtype


def test_formula_is_the_text_that_is_computed():
    rule = RULES["divide"]
    assert [rule.formula(0), rule.formula(1)] == ["1/y", "-out/y"]
    assert rule.local(1)(np.array([6.0]), np.array([2.0]), np.array([3.0])) == -1.5


def test_the_symbols_of_arithmetic():
    ops = (
        "add",
        "subtract",
        "multiply",
        "divide",
        "power",
        "negative",
        "matmul",
        "absolute",
        "floor",
        "ceil",
        "sqrt",
    )
    assert " ".join(RULES[op].symbol for op in ops) == "+ − × ÷ ^ − @ |x| ⌊x⌋ ⌈x⌉ √"


# compressed gradients


def test_an_outer_product_is_a_column_times_a_row():
    outer = Outer(np.array([1.0, 2.0], np.float32), np.array([3.0, 4.0, 5.0]), np.dtype(np.float32))
    assert outer.shape == (2, 3)
    assert outer.dense().tolist() == [[3, 4, 5], [6, 8, 10]]
    assert outer.dense().dtype == np.float32
    total = np.ones((2, 3))
    outer.add_to(total)
    assert total.tolist() == [[4, 5, 6], [7, 9, 11]]


def test_the_numbers_of_a_part_are_those_of_the_full_array():
    once = Part((0, slice(None)), np.array([3.0, 4.0]), (2, 2), np.float64)
    twice = Part(np.array([1, 1]), np.array([3.0, 4.0]), (3,), np.float64)
    assert np.linalg.norm(once.numbers) == np.linalg.norm(once.dense()) == 5
    assert np.linalg.norm(twice.numbers) == np.linalg.norm(twice.dense()) == 7


def test_a_part_adds_only_where_it_points():
    part = Part((slice(None), 1), np.array([1.0, 2.0]), (2, 3), np.float64)
    total = np.ones((2, 3))
    part.add_to(total)
    assert total.tolist() == [[1, 2, 1], [1, 3, 1]]
    assert part.dense().tolist() == [[0, 1, 0], [0, 2, 0]]


@pytest.mark.parametrize(
    "index", [[0, 0], np.array([0, 0]), (np.array([0, -3]),), ((0, 0),), np.array([0, 0], np.uint8)]
)
def test_a_part_adds_up_what_is_named_twice(index):
    assert Part(index, np.array([1.0, 2.0]), (3,), np.float64).dense().tolist() == [3, 0, 0]


# special functions


@pytest.mark.parametrize(("x", "expected"), DIGAMMA)
def test_digamma_is_right_to_thirteen_digits(x, expected):
    assert abs(digamma(x) - expected) <= 1e-13 * max(1, abs(expected))


def test_digamma_vanishes_at_the_minimum_of_gamma():
    assert abs(digamma(1.4616321449683622)) <= 1e-15


def test_digamma_has_no_value_at_its_poles():
    assert np.isnan(digamma(np.array([0.0, -1.0, -50.0]))).all()


@pytest.mark.parametrize(
    ("x", "step"), [(0.3, 2.4), (7.0, -6.5), (-2.7, 1.9), (-0.6, 2.2), (3.2, -4.9), (0.5, 90.0)]
)
def test_digamma_rises_by_the_difference(x, step):
    expected = digamma(x + step) - digamma(x)
    assert abs(digamma_rise(x, x + step, step) - expected) <= 1e-13 * max(1, abs(expected))


def test_digamma_rises_by_a_limit_between_two_poles_and_by_nothing_from_one():
    assert digamma_rise(0.0, -3.0, -3.0) == pytest.approx(11 / 6, rel=1e-14)
    assert np.isnan(digamma_rise(np.array([-1.0, 0.5]), np.array([0.5, -1.0]), np.array([1.5, -1.5]))).all()


def test_digamma_keeps_shape_and_type():
    answer = digamma(np.ones((2, 0, 3), np.float32))
    assert (answer.shape, answer.dtype) == ((2, 0, 3), np.float32)


def test_a_piece_of_an_array_sends_back_no_array_of_zeros():
    x = np.arange(6.0)
    for place, piece in enumerate(np.split(np.arange(1, 7), 3)):
        back = pull(RULES["split"], 0, np.array([3.0, 4.0]), x[piece - 1], (x,), {"places": piece}, None)
        assert isinstance(back, Part)
        assert np.flatnonzero(back.dense()).tolist() == [2 * place, 2 * place + 1]


def test_where_joined_elements_stand_is_worked_out_once_for_all_operands():
    operands = tuple(np.arange(3.0) + at for at in range(50))
    places = np.arange(1, 151).reshape(50, 3)[::-1]
    shared = RULES["vstack"].shared(operands, {"places": places})
    g = np.arange(150.0).reshape(50, 3)
    for port in range(50):
        g_of_others = np.full_like(g, np.nan)
        g_of_others[49 - port] = g[49 - port]
        back = RULES["vstack"].pull(port, g_of_others, None, operands, shared)
        assert back.tolist() == g[49 - port].tolist()
    assert [shared["bounds"][at] for at in (0, 1, 50)] == [0, 3, 150]


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_formula_that_is_written_in_steps_gives_the_same_bits(name):
    rule = ELEMENTWISE[name]
    count = len(rule.partials)
    *operands, out, upstream = np.random.default_rng(8).uniform(0.1, 0.9, size=(count + 2, 40))
    for each in (*operands, out, upstream):
        each[:6] = 0.0, -0.0, np.inf, -np.inf, np.nan, -np.nan
    given = operands + [None] * (3 - count)
    with np.errstate(all="ignore"):
        for port, compiled in rule.pulls if count <= len(given) else ():
            if compiled is None or not rule.partials[port]:
                continue
            expected = rule.product(upstream, rule.local(port)(*operands, out)).tobytes()
            for room in (None, lambda: np.full(40, 7.0)):
                assert compiled(upstream, *given, out, room).tobytes() == expected
