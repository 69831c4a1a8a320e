"""What a shell or a notebook shows of a result: `repr`, as text that says the value and the gradient."""

import json
import math

import numpy as np
import pytest

from tracer import audit, diff, record, sweep, verify
from tracer.errors import GradientError


def program(x=0.5, w=2.0):
    h = math.tanh(w * x)
    return h * x


def looped(x):
    for _ in range(20):
        x = x * 1.5
    return x


def of_an_array(x):
    return x * 2


TRACE = record(program)
LINE = program.__code__.co_firstlineno
WITHOUT = record(of_an_array, np.ones(3))  # an array, and no seed
LARGE = record(looped, 1.0)


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (TRACE["x"], "<Node 0 input x = 0.5 · grad 1.182>"),
        (TRACE["h"], f"<Node 4 function tanh h = 0.7616 · grad 0.5 (test_shown.py:{LINE + 1})>"),
        (TRACE.nodes[1], "<Node 1 splitter copy x = 0.5 · grad 1.182>"),
        (TRACE.output, "<Node 6 output = 0.3808 · grad 1>"),
        (TRACE["x"].uses[0], "<Edge 2: 1 x → 3 multiply, port 1: 0.5 · grad 0.42>"),
        (WITHOUT["x"], "<Node 0 input x = (3,)  ‖1.732‖>"),
        (WITHOUT.edges[0], "<Edge 0: 0 x → 1 multiply, port 0: (3,)  ‖1.732‖>"),
        (TRACE.edges, "7 edges\n  <Edge 0: 0 x → 1 copy, port 0: 0.5 · grad 1.182>\n"),
        (LARGE.nodes, "22 nodes\n  <Node 0 input x = 1 · grad 3325>\n"),
        (LARGE.nodes, "\n  … and 12 more: index or iterate"),
        (TRACE.paths("x"), "x = 0.5 → output: 2 paths\n"),
        (audit(TRACE, {"x": 1.0}), "program: 0 of 1 claims are right\nfirst wrong: x: "),
        (audit(TRACE, {"h": 0.5})["h"], f"<h: match (test_shown.py:{LINE + 1}): right>"),
        (diff(TRACE, record(program, 0.6)), "program: different\n"),
        (verify(TRACE), "program: nothing is wrong\n"),
        (verify(TRACE).wrong, "0 faults"),
        (sweep(program, [(0.1, 0.2), (0.2, 0.2)]), "program: 2 inputs, 0 failed\n"),
        (record(lambda x: x * 0.0, 1.0).findings(), "[<error: dead at test_shown.py:"),
    ],
    ids=lambda each: "" if isinstance(each, str) else type(each).__name__,
)
def test_a_result_is_shown_as_text(shown, text):
    assert text in repr(shown)


def test_what_explain_gives_is_a_string_that_is_shown_as_it_is():
    told = TRACE.explain("x")
    assert isinstance(told, str)
    assert repr(told) == told == "".join(told)
    assert repr(told).startswith("x = 0.5 · grad 1.182 = Σ ")
    assert json.loads(json.dumps(told)) == told


def test_to_show_a_node_without_gradients_raises_nothing():
    with pytest.raises(GradientError):
        WITHOUT["x"].grad  # noqa: B018  (raises)
    assert "grad" not in repr(WITHOUT.nodes)
