import numpy as np
import pytest

from tracer import record, trace
from viz import notebook


def product(x, y):
    for _ in range(5):
        x = x * y
    return x


def twice(x):
    return x * 2


def both(x):
    return x * 2, x * 3


@trace
def fails(x):
    y = x * 2
    raise ValueError(f"<b>{y}</b> & é")


def failed():
    with pytest.raises(ValueError, match="<b>"):
        fails(2.0)
    return fails.last_trace


def test_a_small_trace_is_a_picture():
    assert record(product, 1.0, 2.0)._repr_html_().startswith("<svg ")


TOLD = [
    (
        lambda: record(product, 1.0, 2.0),
        ["product → 32", "2 inputs · 5 operations", "y          2        80"]
        + ["a picture of 9 nodes is not drawn unasked", "to draw it: trace.draw(&quot;graph.svg&quot;)"],
    ),
    (
        lambda: record(twice, np.ones(3)),
        ["twice → ‖3.464‖", "the output of twice is an array", "backward(seed=np.ones((3,)))"],
    ),
    (lambda: record(both, 1.0), ["both → [0] 2, [1] 3", "choose one: @trace(of=…)"]),
    (
        failed,
        ["fails raised ValueError: &lt;b&gt;4.0&lt;/b&gt; &amp; é", "y = x * 2 at test_viz_notebook.py:"]
        + ["to draw it: trace.draw(&quot;graph.svg&quot;)"],
    ),
]


@pytest.mark.parametrize(("make", "lines"), TOLD)
def test_what_is_no_picture_to_look_at_is_told(monkeypatch, make, lines):
    monkeypatch.setattr(notebook, "MOST_NODES", 8)
    shown = make()._repr_html_()
    assert shown.startswith("<pre>")
    for line in lines:
        assert line in shown
    assert ("to draw it" in shown) == ("to draw it" in lines[-1])


def test_how_to_draw_is_not_told_of_what_cannot_be_drawn(monkeypatch):
    monkeypatch.setattr(notebook, "MOST_NODES", 7)
    monkeypatch.setattr(notebook, "NODE_LIMIT", 8)
    assert "to draw it" not in record(product, 1.0, 2.0)._repr_html_()


def test_of_a_run_that_failed_the_forward_graph_is_drawn(tmp_path):
    failed().draw(tmp_path / "out.svg")
    picture = (tmp_path / "out.svg").read_text("utf-8")
    assert "fails, no gradients" in picture
    assert ">y = <" in picture
