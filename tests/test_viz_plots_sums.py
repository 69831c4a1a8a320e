"""The plot of a sum: the terms of a splitter, one bar after the other."""

import math

import numpy as np
import pytest
import viz_programs as programs
from test_viz_plots import TRACES, line_of

from tracer import record
from viz import labels
from viz.plots.sums import splitter_sum


def test_the_sum_of_numbers_is_a_waterfall():
    trace = TRACES["mixed"]()
    bars = trace.plot("sum", "x").axes[0].patches
    ends = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in bars]
    terms = [edge.grad for edge in sorted(trace["x"].uses, key=lambda edge: edge.step)]
    assert [high - low for low, high in ends[:-1]] == pytest.approx(terms)
    assert [low for low, _ in ends[1:-1]] == pytest.approx([high for _, high in ends[:-2]])
    assert ends[-1] == (0, trace["x"].grad)
    assert ends[-2][1] == pytest.approx(trace["x"].grad)


def test_the_sum_of_arrays_is_told_by_shares():
    trace = TRACES["recurrent"]()
    found = splitter_sum(trace, "W")
    total = trace["W"].grad
    uses = sorted(trace["W"].uses, key=lambda edge: edge.step)
    assert [term.amount for term in found.terms] == pytest.approx(
        [np.vdot(edge.grad, total) / np.vdot(total, total) for edge in uses]
    )
    assert sum(term.amount for term in found.terms) == pytest.approx(1)
    assert [term.label for term in found.terms] == [
        f"line {line_of('np.tanh')} (turn {turn})" for turn in (3, 2, 1, 0)
    ]
    assert "shares of the sum" in trace.plot("sum", "W").texts[1].get_text()


def test_of_many_terms_the_largest_are_named_and_the_others_are_one_bar():
    trace = record(programs.loop, 0.5, 0.7)
    found = splitter_sum(trace, "w")
    grads = [edge.grad for edge in trace["w"].uses]
    assert len(found.terms) == 13
    assert found.terms[-1].label == "13 more"
    assert [term.amount for term in found.terms[:-1]] == sorted(grads, reverse=True)[:12]
    assert sum(term.amount for term in found.terms) == pytest.approx(trace["w"].grad)


@pytest.mark.parametrize("factor", [0.1, -0.1])
def test_what_many_uses_add_does_not_hide_the_bars_of_the_largest(factor):
    def many(x):
        total = 0.0
        for _ in range(200):
            total = total + x * factor
        return total

    axes = record(many, 2.0).plot("sum", "x").axes[0]
    low, high = axes.get_xlim()
    shares = [abs(bar.get_width()) / (high - low) for bar in axes.patches]
    assert len(shares) == 14
    assert all(0.05 < share < 0.2 for share in shares)
    texts = {text.get_text(): text for text in axes.texts}
    assert low < texts["not to scale"].get_position()[0] < high
    numbers = [text.get_text() for text in axes.texts if text.get_text() != "not to scale"]
    assert numbers[-2:] == [labels.number(188 * factor), labels.number(200 * factor)]


def test_terms_that_cancel_are_told_by_norm():
    found = splitter_sum(TRACES["opposite"](), "x")
    assert found.by_norm
    assert [term.amount for term in found.terms] == pytest.approx([math.sqrt(3)] * 2)
    assert found.total == 0


def test_what_is_not_finite_ends_the_bars_and_is_told():
    figure = TRACES["mixed"]().plot("sum", "y")
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts == ["⚠ inf", "2", "0", "⚠ inf"]
    assert len(figure.axes[0].patches) == 0
