"""The rolled-up picture: what its boxes and wires say is what the exact trace says; curves, and wires that go back."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from rolled_programs import ROLLED, rolled_trace
from test_samples import SAMPLES
from test_samples import trace_of as sample
from test_viz_diagram import text

import viz
from tracer import record, trace
from viz import labels, vector
from viz.choice import View, choose
from viz.diagram import diagram
from viz.forward import Forward
from viz.geometry import PlacedText
from viz.layout import geometry
from viz.legend import legend
from viz.rolled_diagram import rolled_diagram
from viz.rolled_numbers import Series
from viz.rollup import roll_up
from viz.sparks import spark_of


def drawn(name):
    """The rolled graph of a program or a sample, and its diagram."""
    rolled = roll_up(rolled_trace(name) if name in ROLLED else sample(name))
    return rolled, rolled_diagram(rolled)


def gate(picture, symbol):
    (found,) = (box for box in picture.boxes if box.shape == "function" and text(box.lines) == [symbol])
    return found


@pytest.mark.parametrize("name", [*ROLLED, *SAMPLES])
def test_every_wire_says_the_gradients_of_its_first_and_its_last_run(name):
    rolled, picture = drawn(name)
    edges = rolled.trace.edges
    looked_at = 0
    for arrow, edge in zip(picture.arrows, rolled.edges, strict=True):
        assert (arrow.source, arrow.target, arrow.edge) == (edge.src, edge.dst, edge.index)
        if edge.count == 1 or arrow.label.is_empty or arrow.state in ("cut", "unreached"):
            continue
        grads = [edges[int(member)].grad for member in edge.members]
        ends = dict.fromkeys(labels.norm(each) for each in (grads[0], grads[-1]))
        said = text(arrow.label.below)[0].removeprefix("⚠ ")
        assert said.removesuffix("  each time") in (" → ".join(ends), " → ".join(list(ends) * 2))
        assert said.endswith("each time") == (
            len({float(np.linalg.norm(each)) for each in grads}) == 1 and len(ends) == 1
        )
        if arrow.label.spark is not None:
            sizes = [float(np.linalg.norm(each)) for each in grads]
            drawn_sizes = [each for each in sizes if each and math.isfinite(each)]
            scale = "".join(text(arrow.label.spark.scale)).replace("  log", "")
            for each in {max(drawn_sizes), min(drawn_sizes)} if drawn_sizes else ():
                assert labels.number(each, 3) in scale
        looked_at += 1
    assert looked_at or name in (*SAMPLES, "two_places", "unused_often", "cut_often")


@pytest.mark.parametrize("name", [*ROLLED, *SAMPLES])
def test_the_counts_of_the_boxes_sum_to_the_nodes_of_the_graph(name):
    rolled, picture = drawn(name)
    said = 0
    for box, node in zip(picture.boxes, rolled.nodes, strict=True):
        assert box.node == node.index
        if box.shape in ("splitter", "broadcast"):
            said += node.count
            continue
        lines = text((*box.lines, *box.caption))
        counts = [
            int(each.replace(",", "")) for line in lines for each in re.findall(r"(?:^|  )×([\d,]+)$", line)
        ]
        assert counts == ([node.count] if node.count > 1 else [])
        said += counts[0] if counts else 1
    assert said == len(rolled.trace.nodes)


@pytest.mark.parametrize("name", [*ROLLED, *SAMPLES])
def test_a_splitter_says_the_sum_of_all_its_uses(name):
    rolled, picture = drawn(name)
    for box, node in zip(picture.boxes, rolled.nodes, strict=True):
        if box.shape == "splitter" and node.count == 1 and box.state != "unreached":
            exact = rolled.trace.nodes[int(node.members[0])]
            first = text(box.lead.below)[0]
            assert first.startswith("Σ ")
            assert first.endswith(labels.norm(exact.grad))


def test_the_largest_terms_of_a_sum_are_named_by_their_turns():
    _, picture = drawn("recurrent")
    said = {box.name: text(box.lead.below) for box in picture.boxes if box.shape == "splitter"}
    assert said["w"] == ["Σ over 25 runs = 0.9176", "turn 24: 42 %, turn 23: 24 %, turn 22: 14 %"]
    assert said["x"] == ["Σ over 26 uses = 0.4625", "× (turn 24): 42 %, × (turn 23): 24 %"]


def test_terms_that_cancel_are_shown_themselves():
    def cancelling(x):
        total = 0.0
        for k in range(10):
            total = total + x * (-1.0) ** k * (k + 1)
        return total

    picture = rolled_diagram(roll_up(record(cancelling, 2.0)))
    (fork,) = (box for box in picture.boxes if box.shape == "splitter")
    assert text(fork.lead.below) == ["Σ over 10 runs = −5", "k = 9: −10, k = 8: 9, k = 7: −8"]


def test_terms_of_arrays_are_the_largest_by_their_share_not_by_their_norm():
    def aside(w):
        total = 0.0
        for t in range(30):
            part = np.array([4.0, 0.0]) if t % 10 == 3 else np.array([0.0, 5.0 * (-1) ** t])
            total = total + (w * part).sum()
        return total

    picture = rolled_diagram(roll_up(record(aside, np.ones(2))))
    (fork,) = (box for box in picture.boxes if box.shape == "splitter")
    told = re.findall(r"t = (\d+): (\S+) %", text(fork.lead.below)[1])
    finished = record(aside, np.ones(2))
    total = finished.grads["w"]
    shares = [float(use.grad @ total / (total @ total)) for use in finished["w"].uses]
    largest = sorted((round(100 * abs(share)) for share in shares), reverse=True)[:3]
    assert [int(share.replace("−", "")) for _, share in told] == largest


def test_terms_that_are_all_small_are_told_once():
    def even(x):
        total = 0.0
        for _ in range(300):
            total = total + x * 0.5
        return total

    picture = rolled_diagram(roll_up(record(even, 2.0)))
    (fork,) = (box for box in picture.boxes if box.shape == "splitter")
    assert text(fork.lead.below) == ["Σ over 300 runs = 150", "300 terms, each under 1 %"]


def test_terms_that_equal_operations_bring_are_told_apart_by_their_lines():
    def both(x, w):
        h = x
        for k in range(60):
            h = w * h if k % 3 == 0 else h
            h = h - w * x
        return h

    start = both.__code__.co_firstlineno
    picture = rolled_diagram(roll_up(record(both, 0.4, 0.98)))
    (fork,) = (box for box in picture.boxes if box.shape == "splitter" and box.name == "w")
    told = re.findall(r"× in line (\d+) \(k = \d+\): \S+", text(fork.lead.below)[1])
    assert len(told) == 2
    assert {int(line) for line in told} <= {start + 3, start + 4}


def test_a_term_of_less_than_half_a_percent_is_not_called_nothing():
    def one_large(x):
        total = 1000.0 * x
        for _ in range(8):
            total = total + x * 0.5
        return total

    picture = rolled_diagram(roll_up(record(one_large, 2.0)))
    (fork,) = (box for box in picture.boxes if box.shape == "splitter")
    assert re.search(r": 100 %, .* \(turn 0\): under 1 %$", text(fork.lead.below)[1])


def test_the_sum_of_a_splitter_whose_uses_are_elsewhere_counts_all_of_them():
    def cell(h, w):
        return math.tanh(w * h)

    def stepping(x, w):
        h = x
        for _ in range(60):
            a = cell(h, w)
            h = a * (a + x)
        return h

    finished = record(stepping, 0.4, 0.98)
    keep = choose(finished, View(only="cell")).keep
    rolled = roll_up(finished, keep)
    picture = rolled_diagram(rolled)
    (fork,) = (box for box in picture.boxes if box.shape == "splitter")
    assert text(fork.lead.below)[0] == "Σ of 2 uses, ×60"

    keep = np.array([node.kind != "function" or node.index % 2 == 0 for node in finished.nodes])
    picture = rolled_diagram(roll_up(finished, keep))
    said = {box.name: text(box.lead.below) for box in picture.boxes if box.shape == "splitter"}
    assert said["w"][0] == f"Σ over 60 uses = {labels.number(finished.grads['w'])}"


def test_splitters_of_one_place_say_from_how_many_uses_to_how_many():
    def uneven(x):
        h = x
        for turn in range(60):
            a = h * 0.9
            h = a + 0.1 * a
            if turn % 2:
                h = h + a * 0.01
        return h

    picture = rolled_diagram(roll_up(record(uneven, 0.4)))
    (fork,) = (box for box in picture.boxes if box.shape == "splitter")
    assert text(fork.lead.below)[0] == "Σ of 2 to 3 uses, ×60"


def legend_of(picture):
    texts = legend(picture, 1000.0)[0]
    return [run[1] for each in texts if isinstance(each, PlacedText) for run in each.runs]


def test_the_legend_tells_how_to_read_turns_where_there_are_any():
    told = "turn 24: what the use in that turn of its loop adds, counted from 0: its share of the sum, or the term where terms cancel"
    shown = legend_of(drawn("recurrent")[1])
    assert told in shown
    assert told not in legend_of(diagram(record(lambda x: x * x, 2.0)))
    assert any(each.startswith("×25: one place in the program, run 25 times; ") for each in shown)


def test_the_legend_takes_its_example_from_the_picture():
    def loop(x, n):
        for _ in range(n):
            x = math.sin(x)
        return x

    shown = legend_of(rolled_diagram(roll_up(record(trace(static=("n",))(loop), 0.5, 30))))
    assert any(each.startswith("×30: one place in the program, run 30 times; ") for each in shown)


def test_the_legend_of_a_run_without_gradients_has_none():
    @trace
    def fails(x):
        return math.log(-(x * 2.0))

    with pytest.raises(ValueError, match=r"domain|positive"):
        fails(2.0)
    words = " ".join(legend_of(diagram(Forward(fails.last_trace))))
    assert "operation" in words
    assert "gradient" not in words
    assert "gradient" in " ".join(legend_of(diagram(record(lambda x: x * x, 2.0))))


def test_a_value_that_only_some_turns_use_has_no_gain_by_the_turn():
    def now_and_then(x, w):
        h = x
        for k in range(60):
            z = w * h if k % 3 == 0 else h - 0.01
            h = z + 0.02 * x
        return h

    picture = rolled_diagram(roll_up(record(now_and_then, 0.4, 0.8)))
    backs = [arrow for arrow in picture.arrows if arrow.is_back]
    assert len(backs) == 2
    assert not any("for each turn back" in line for arrow in backs for line in text(arrow.label.below))


@pytest.mark.parametrize(
    ("name", "symbol"),
    [("dead", "− …"), ("tree", "× 0.5"), ("newton", "2 ×"), ("momentum", "0.9 ×"), ("overflowing", "× …")],
)
def test_a_gate_shows_a_constant_where_it_is_the_same_in_all_runs(name, symbol):
    rolled, picture = drawn(name)
    assert gate(picture, symbol).count == rolled.nodes[gate(picture, symbol).node].count > 1


def test_runs_that_are_zero_not_reached_or_not_finite_are_counted():
    _, picture = drawn("dead")
    said = {line for arrow in picture.arrows for line in text(arrow.label.below)}
    assert {"17 of 30 zero", "17 of 30 not reached"} <= said
    _, picture = drawn("overflowing")
    assert any(arrow.state == "alarm" for arrow in picture.arrows)
    assert any("inf  each time" in line for arrow in picture.arrows for line in text(arrow.label.below))


def test_only_where_a_number_goes_bad_is_the_gate_marked():
    _, picture = drawn("overflowing")
    assert [
        text(box.lines) for box in picture.boxes if box.shape == "function" and box.state == "alarm"
    ] == [["×"]]


def test_many_inputs_are_one_box_with_the_norm_of_their_gradients():
    rolled, picture = drawn("small_net")
    (box,) = (box for box in picture.boxes if box.name == "params[0]['W'][…][…]")
    grads = [rolled.trace.nodes[int(member)].grad for member in rolled.nodes[box.node].members]
    assert text(box.lines)[0] == "params[0]['W'][…][…]  ×16"
    assert text(box.lines)[-1] == labels.norm(np.array(grads))


def test_what_ran_once_is_said_as_in_the_exact_picture():
    _, picture = drawn("two_places")
    said = [
        text(arrow.label.below)
        for arrow in picture.arrows
        if picture.boxes[arrow.target].shape == "function"
    ]
    assert ["1 × 2 = 2"] in said


@pytest.mark.parametrize(
    ("values", "curves", "zeros", "bad", "scale"),
    [
        ([1.0, 1.0, 1.0], None, None, None, None),
        ([1.0, 2.0], None, None, None, None),
        ([1.0, 0.1, 0.01], 1, [], [], ["1  log", "0.01"]),
        ([4.0, 5.0, -8.0], 1, [], [], ["8", "4"]),
        ([1.0, 0.0, 2.0, 3.0], 2, [(1 / 3, 1 / 3)], [], ["3", "1"]),
        ([0.0, 0.0, 0.0, 3.0], 1, [(0.0, 2 / 3)], [], ["3"]),
        ([math.nan, 1.0, 2.0], 1, [], [0.0], ["2", "1"]),
        ([math.inf, 0.0, math.nan], 0, [(0.5, 0.5)], [0.0, 1.0], []),
        ([5e-324, 1e308, 1.0], 1, [], [], ["1e+308  log", "4.94e-324"]),
    ],
)
def test_a_curve_breaks_where_a_number_is_zero_or_not_finite(values, curves, zeros, bad, scale):
    spark = spark_of(Series.of(np.array(values)))
    if curves is None:
        assert spark is None
        return
    assert len(spark.curves) == curves
    assert np.allclose(np.array(spark.zeros).reshape(-1, 2), np.array(zeros).reshape(-1, 2))
    assert list(spark.bad) == bad
    assert text(spark.scale) == scale
    assert all(0 <= place <= 1 for curve in spark.curves for at in curve for place in at)


def test_every_curve_is_in_the_svg_and_rises_where_its_series_does():
    _, picture = drawn("recurrent")
    root = ET.fromstring(vector.write(geometry(picture)))  # noqa: S314  (our own text)
    lines = root.findall(".//{*}g[@class='series']/{*}polyline")
    curves = [arrow.label.spark for arrow in picture.arrows if arrow.label.spark]
    assert len(lines) == len(curves) + 1  # one in the legend
    for line in lines[: len(curves)]:
        heights = [float(point.split(",")[1]) for point in line.get("points").split()]
        assert heights == sorted(heights, reverse=True)


def test_a_long_run_that_failed_is_drawn_without_gradients(tmp_path):
    @trace
    def failing(x):
        for k in range(200):
            x = x * 1.01 + max(x, 0.5)
            if k == 150:
                raise KeyError(k)
        return x

    with pytest.raises(KeyError):
        failing(1.0)
    (remark, note) = viz.draw(failing.last_trace, tmp_path / "failing.svg")
    assert "without gradients" in remark
    assert "rolled up" in note
    picture = rolled_diagram(roll_up(failing.last_trace))
    assert picture.title == "failing, no gradients"
    roles = {span.role for arrow in picture.arrows for line in arrow.label.below for span in line}
    assert not roles
    assert not any(arrow.label.spark or arrow.state != "plain" for arrow in picture.arrows)


@pytest.mark.parametrize("make", [lambda x: 3.0, lambda x: x, lambda x: x + 1.0])
def test_a_graph_of_next_to_nothing_is_drawn(make):
    picture = rolled_diagram(roll_up(record(make, 1.0)))
    assert len(geometry(picture).shapes) == len(picture.boxes) >= 2


def test_long_names_are_cut_and_hostile_ones_drawn_as_themselves():
    def named(values):
        total = 0.0
        for _ in range(30):
            for value in values.values():
                total = total * 0.9 + value
        return total

    values = {"k" * 10_000: 1.0, "</svg><script>alert(1)</script>": 2.0}
    written = vector.write(geometry(rolled_diagram(roll_up(record(named, values)))))
    assert len(written) < 60_000
    assert "<script" not in written
    ET.fromstring(written)  # noqa: S314  (our own text)


def test_the_legend_explains_what_is_new_and_only_that():
    def said(name):
        return " ".join(
            "".join(run for _, run, _ in entry.runs)
            for entry in geometry(drawn(name)[1]).legend
            if hasattr(entry, "runs")
        )

    assert "first run at the left" in said("recurrent")
    assert "goes back" in said("recurrent")
    assert "is zero in these runs" not in said("recurrent")
    assert "is zero in these runs" in said("dead")
    assert "goes back" not in said("two_places")
