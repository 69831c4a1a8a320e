"""verify holds the gradients of the inputs together against differences of the graph, computed again."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tracer import load, record, verify
from tracer.diagnose.partials import RIGHT


def test_the_inputs_are_checked_by_replaying_the_graph(tmp_path):
    def f(x, w, n):
        h = np.tanh(w @ x)
        for _ in range(n):
            h = h + 0.1 * np.sin(w @ h)
        return math.exp(np.mean(h**2)) / x[0]

    record(f, np.array([0.3, -0.2]), np.array([[0.4, 0.2], [0.1, -0.7]]), 3).save(tmp_path / "t.trace")
    checked = verify(load(tmp_path / "t.trace"))
    assert checked.inputs.status == RIGHT
    assert checked.inputs.found == pytest.approx(checked.inputs.expected, rel=1e-8)
    assert "2 inputs, the recorded graph replayed: right, " in str(checked)


def test_a_long_run_of_numbers_is_replayed_with_all_its_steps_at_once():
    def f(x, w, n):
        for _ in range(n):
            x = 0.9 * math.tanh(w * x + 0.1) + np.nan_to_num(x) / 20
        return x

    inputs = verify(record(f, 0.3, 1.1, 2500)).inputs
    assert inputs.status == RIGHT
    assert inputs.found == pytest.approx(inputs.expected, rel=1e-8)


@pytest.mark.parametrize(
    ("function", "x", "told"),
    [
        (lambda x: np.clip(x, 0.0, 1.0), 0.0, "at a kink"),
        (lambda x: 1 / (x - x), 1.0, "not finite"),
        (lambda x: (x + 1e16) - 1e16, 1.0, "too rough"),
    ],
)
def test_where_differences_of_the_graph_say_nothing_that_is_said(function, x, told):
    with np.errstate(all="ignore"):
        trace = record(function, np.float64(x))
    assert "1 input, the recorded graph replayed: can't tell" in str(verify(trace))
    assert told in str(verify(trace))


def test_a_rule_that_divides_by_zero_warns_nobody():
    assert verify(record(lambda x: math.sqrt(x) * 2, 0.0))
    assert verify(record(lambda x: np.sum(np.sqrt(x)), np.array([0.0, 1.0])))
