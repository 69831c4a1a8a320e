"""Vanishing, exploding and cancelling gradients: the numbers, the words, and that units raise no alarm.

That faults are named at their line, and healthy programs are not, is tested in test_faults.py.
"""

from __future__ import annotations

import itertools
import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tracer import load, record, trace
from tracer.diagnose import cancellation, gain
from tracer.diagnose.passes import Passes
from tracer.numbers_text import power_of_ten

if TYPE_CHECKING:
    from tracer.diagnose.finding import Finding
    from tracer.trace import Trace


def found(t: Trace) -> list[Finding]:
    return [*gain.find(t), *cancellation.find(t)]


def alarms(t: Trace) -> list[Finding]:
    return [each for each in found(t) if each.severity != "note"]


def the_alarm(function: Any, *arguments: Any) -> Finding:
    (finding,) = alarms(record(function, *arguments))
    return finding


def deep(x, weights):
    for w in weights:
        x = math.tanh(w * x)
    return x


def doubled(x, turns):
    for _ in range(turns):
        x = x + x
    return x


def difference(a):
    return a * 3 - a * 3.0001


def recurrent(xs, w):
    h = 0.0
    for x in xs:
        h = w * h + x
    return h


WORDS = [
    (
        deep,
        (0.5, [3.0] * 12),
        (
            "weights[0] loses its gradient: 12 passes through tanh in line {line} make 3.8e-23, 0.014 each on average; multiply in line {line} makes 89000 of it again; 3.4e-18 in all",
            "and 9 more inputs with it",
        ),
    ),
    (
        recurrent,
        ([1.0] * 8_001, 1.004),
        ("8,000 passes through multiply in line {line} make 7.4e+13, 1.004 each; 7.4e+13 in all",),
    ),
    (doubled, (1.0, 40), ("40 passes through add in line {line} make 1.1e+12, 2 each; 1.1e+12 in all",)),
    (
        difference,
        (2.0,),
        (
            "a keeps 11 digits of 16",
            "a * 3 (line {line}) and a * 3.0001 (line {line}) cancel, 3 − 3.0001 = −0.0001",
        ),
    ),
    (
        recurrent,
        ([1.0] * 20, 0.2),
        (
            "xs[0] loses its gradient: 19 passes through multiply in line {line} make 5.2e-14, 0.2 each; 5.2e-14 in all",
        ),
    ),
]


@pytest.mark.parametrize(("function", "arguments", "words"), WORDS)
def test_the_message_tells_the_cause_with_its_numbers(function, arguments, words):
    finding = the_alarm(function, *arguments)
    for text in words:
        assert text.format(line=finding.site.line) in finding.message


def test_what_is_passed_on_a_chain_multiplies_to_the_gradient():
    t = record(lambda x: math.exp(math.sin(math.tanh(0.7 * x) * 3.0)), 0.4)
    passes = Passes(t)
    way = passes.ways.rows_from(int(passes.inputs[0]))
    changes = [each.change for each in passes.stretches(way, passes.ways.gain, passes.ways.sent)]
    assert sum(changes) == pytest.approx(math.log10(abs(t.grads["x"])), rel=1e-12)
    assert sum(passes.ways.growth[way]) == pytest.approx(math.log10(abs(t.grads["x"])), rel=1e-12)


def recurrent_net(xs, w, u):
    h = np.zeros(len(w))
    for x in xs:
        h = np.tanh(w @ h + u @ x)
    return np.sum(h)


def by_hand(xs, w, u):
    """Return what tanh and the matrix made of the gradient's norm in all turns, and the norm for the first item."""
    states = [np.zeros(len(w))]
    for x in xs:
        states.append(np.tanh(w @ states[-1] + u @ x))
    came, by_tanh, by_matrix = np.ones(len(w)), 1.0, 1.0
    for turn in reversed(range(len(xs))):
        sent = came * (1 - states[turn + 1] ** 2)
        by_tanh *= np.linalg.norm(sent) / np.linalg.norm(came)
        if turn:
            came = w.T @ sent
            by_matrix *= np.linalg.norm(came) / np.linalg.norm(sent)
    return by_tanh, by_matrix, np.linalg.norm(u.T @ sent)


@pytest.mark.parametrize(("size", "width", "turns"), [(6, 3, 30), (6, 12, 30), (6, 3, 60)])
def test_a_recurrent_net_is_told_what_each_operation_made_of_its_gradient(size, width, turns):
    r = np.random.default_rng(0)
    w, u = r.normal(size=(size, size)) * 0.35, r.normal(size=(size, width)) * 0.4
    xs = r.normal(size=(turns, width))
    by_tanh, by_matrix, first = by_hand(xs, w, u)
    message = the_alarm(recurrent_net, xs, w, u).message
    assert f"{turns} passes through tanh" in message
    assert f"make {by_tanh:.2g}, {by_tanh ** (1 / turns):.2g} each" in message
    assert f"make {by_matrix:.2g}, {by_matrix ** (1 / (turns - 1)):.2g} each" in message
    assert f"; {first:.2g} in all" in message


def fitted(w, rate, steps):
    for _ in range(steps):
        slope = sum(2 * (w * x - y) * x for x, y in ((0.5, 1.0), (1.5, -2.0), (-1.0, 0.5)))
        w = w - rate * slope
    return w


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (deep, (0.5, [3.0] * 12)),
        (doubled, (1.0, 40)),
        (fitted, (2.0, 2.0, 40)),
        (recurrent_net, (np.ones((20, 2)), np.full((3, 3), 0.1), np.ones((3, 2)))),
    ],
)
def test_the_factors_of_a_message_multiply_to_the_change_in_all(function, arguments):
    for finding in gain.find(record(function, *arguments)):
        told = finding.message.partition(": ")[2]
        factors = [float(each) for each in re.findall(r"makes? ([0-9.e+-]+)", told)]
        (whole,) = re.findall(r"([0-9.e+-]+) in all", told)
        assert math.log10(math.prod(factors)) == pytest.approx(math.log10(float(whole)), abs=0.1), told
    assert factors


def test_the_gain_in_a_loop_is_that_of_an_iteration():
    finding = the_alarm(recurrent, [1.0] * 30, 0.25)
    assert finding.numbers["passes"] == 29
    assert finding.numbers["gain_per_pass"] == pytest.approx(0.25)
    assert finding.numbers["gain"] == pytest.approx(0.25**29)
    assert finding.numbers["inputs"] == 20  # 0.25**10 is the last that is less than a millionth
    assert [edge.dst.op for edge in finding.edges] == ["multiply", "multiply"]


def test_a_gradient_too_small_for_a_float_is_told_by_its_power():
    finding = the_alarm(lambda x: recurrent([x, *[0.0] * 400], 0.1), 3.0)
    assert finding.severity == "error"
    assert "1e-400" in finding.message


def test_what_a_logarithm_brings_back_is_not_lost():
    def likelihood(ps):
        product = 1.0
        for p in ps:
            product = product * p
        return math.log(product)

    assert not found(record(likelihood, [0.1] * 60))


def test_many_ways_together_are_not_lost():
    def tree(x):
        leaves = [x * (1 + k / 100) for k in range(33)]
        while len(leaves) > 1:
            leaves = [0.5 * a + 0.5 * b for a, b in itertools.pairwise(leaves)]
        return leaves[0]

    assert not alarms(record(tree, 2.0))


@pytest.mark.parametrize("unit", [1e-30, 1e-11, 1.0, 1e11, 1e30])
def test_the_units_of_inputs_and_output_change_nothing(unit):
    def healthy(x, w):
        h = w * (x / unit)
        for _ in range(30):
            h = h + 0.1 * math.tanh(h)
        return h * unit

    def faulty(x, w):
        h = w * (x / unit)
        for _ in range(30):
            h = math.tanh(0.3 * h)
        return h * unit

    def cancelling(x):
        return x * 3e7 - x * (3e7 - 1)

    assert not found(record(healthy, 0.5 * unit, 0.8))
    assert [each.kind for each in alarms(record(faulty, 0.5 * unit, 0.8))] == ["vanishing"]
    assert [each.kind for each in alarms(record(cancelling, 0.5 * unit))] == ["cancellation"]


def test_the_digits_of_single_precision_are_fewer():
    a = np.array([2.0, 3.0], np.float32)
    scale = np.array([30000.0, 20000.0], np.float32)
    finding = the_alarm(lambda x: np.sum(x * scale - x * (scale - np.float32(1))), a)
    assert "digits of 7" in finding.message
    assert finding.severity == "error"


def test_what_cancels_exactly_is_a_note_at_most():
    (finding,) = cancellation.find(record(lambda a, b: (a - a) * b + b, 2.0, 3.0))
    assert (finding.severity, finding.numbers["total"]) == ("note", 0)


def test_a_minimum_is_no_cancellation_that_does_harm():
    ys = (1.0, 2.0, 6.0)
    (finding,) = cancellation.find(record(lambda m: sum((y - m) ** 2 for y in ys), 3.0 + 1e-9))
    assert finding.severity == "note"


def test_the_terms_of_a_cancellation_are_its_edges():
    finding = the_alarm(difference, 2.0)
    assert [edge.grad for edge in finding.edges] == [3.0, -3.0001]
    assert finding.node.name == "a"


NOTHING = [
    (lambda x: 1.0, 2.0),
    (lambda x: x, 2.0),
    (lambda x: x * 0.0, 2.0),
    (lambda x: x / 1e-320, 2.0),
    (lambda x: x * math.nan, 2.0),
    (lambda x: np.sum(x), np.zeros(0)),
    (lambda x: np.sum(np.sin(x) + x), np.array(0.4)),
    (lambda x: np.sum(x * np.inf) + np.sum(x), np.ones(3)),
    (lambda z: abs(z * (1 + 2j)) ** 2, 0.3 + 1j),
    (lambda x: np.sum(np.abs(np.fft.fft(x))), np.arange(4.0)),
    (lambda n: n * 2, 3),
]


@pytest.mark.parametrize(("function", "argument"), NOTHING)
def test_nothing_is_found_where_nothing_is_lost(function, argument):
    with np.errstate(all="ignore"):
        t = record(function, argument)
    assert not alarms(t)


def test_a_loaded_trace_tells_the_same(tmp_path):
    t = record(deep, 0.5, [3.0] * 12)
    t.save(tmp_path / "deep.trace")
    assert [str(each) for each in found(load(tmp_path / "deep.trace"))] == [str(each) for each in found(t)]


def test_a_run_without_output_has_no_gains():
    def failing(x):
        raise ValueError(x * 2)

    traced = trace(failing)
    with pytest.raises(ValueError, match="4"):
        traced(2.0)
    assert not found(traced.last_trace)


@pytest.mark.parametrize(
    ("exponent", "text"),
    [(0.0, "1"), (-0.60206, "0.25"), (-7.0, "1e-07"), (-512.3, "1e-512"), (400.0, "1e+400")],
)
def test_powers_of_ten(exponent, text):
    assert power_of_ten(exponent) == text


def test_a_gradient_that_is_nan_beside_an_output_of_no_digits_is_no_cancellation():
    def logistic(x):
        safe = np.where(x > 0, np.log1p(np.exp(-x)), np.log(np.exp(x)))
        return np.log(1 + np.exp(-x)).sum() - safe.sum()

    with np.errstate(all="ignore"):
        found = record(logistic, np.array([800.0, 1.0])).findings()
    assert [each.kind for each in found] == ["nonfinite"]
