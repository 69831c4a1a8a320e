import math
from dataclasses import replace

import numpy as np
import pytest
from viz_programs import several_outputs, trace_of

from tracer import record, trace
from tracer.errors import DrawError
from viz import diagram as rooms
from viz.calls import calls_named
from viz.choice import View, choose
from viz.diagram import diagram
from viz.export import picture as picture_of
from viz.sizes import shape_size


def text(lines):
    return ["".join(span.text for span in line) for line in lines]


def roles(lines):
    return [[span.role for span in line] for line in lines]


def boxes(picture, shape):
    return [box for box in picture.boxes if box.shape == shape]


def wire(picture, source_text, target_text):
    """The one arrow between a box and another, both found by the first line of their text."""

    def first_line(number):
        return "".join(text(picture.boxes[number].lines)[:1])

    found = [
        a
        for a in picture.arrows
        if (first_line(a.source), first_line(a.target)) == (source_text, target_text)
    ]
    assert len(found) == 1
    return found[0]


def test_a_splitter_says_the_sum_that_it_made():
    (fork,) = boxes(diagram(trace_of("splitter")), "splitter")
    assert text(fork.lead.above) == ["2"]
    assert text(fork.lead.below) == ["Σ 2 + 5 = 7"]


def test_an_input_wire_says_the_product_that_made_its_gradient():
    arrow = wire(diagram(trace_of("splitter")), "+", "×")
    assert text(arrow.label.above) == ["s = 5"]
    assert text(arrow.label.below) == ["1 × 2 = 2"]
    assert roles(arrow.label.below) == [["working", "gradient"]]
    assert "local partial: x\n" in arrow.tooltip
    assert "s * x  (viz_programs.py:" in arrow.tooltip


def test_inputs_and_outputs_show_name_value_and_gradient():
    picture = diagram(trace_of("splitter"))
    assert [text(box.lines) for box in boxes(picture, "input")] == [["x", "2", "7"], ["y", "3", "2"]]
    assert [text(box.lines) for box in boxes(picture, "output")] == [["output", "10", "1"]]


def test_the_same_value_twice_has_two_wires():
    picture = diagram(trace_of("square"))
    assert text(boxes(picture, "splitter")[0].lead.below) == ["Σ 3 + 3 = 6"]
    assert sum(picture.boxes[arrow.target].shape == "function" for arrow in picture.arrows) == 2


def test_many_terms_are_counted():
    (fork,) = boxes(diagram(trace_of("fan_out")), "splitter")
    assert text(fork.lead.below) == ["Σ 10 terms: 10 + 9 + … = 55"]


def test_a_gate_shows_its_constants():
    gates = {"".join(text(box.lines)) for box in boxes(diagram(trace_of("constants")), "function")}
    assert {"3 ×", "1 −", "x²", "+"} < gates
    assert any(gate.endswith(" 7") for gate in gates)


def indices(x, at):
    filled = np.zeros(4)
    filled[1:] = x[0]
    filled[at] = x[-1, at]
    joined = np.concatenate([x, x]) + np.concatenate([x, x], axis=0)
    return (
        filled[filled > 2].sum() + joined.sum(axis=0)[at] + x.mean(axis=(0, 1)) + np.einsum("ij->i", x)[0]
    )


def test_a_gate_shows_its_index_and_its_axis():
    picture = diagram(record(indices, np.arange(6.0).reshape(2, 3), 2))
    gates = {"".join(text(box.lines)) for box in boxes(picture, "function")}
    assert gates == {
        *("[0]", "(4,) [1:]=", "[−1, 2]", "[2]=", "[mask 1 of 4]", "Σ", "[2]"),
        *("concatenate", "Σ axis 0", "mean axis (0, 1)", "einsum ij->i", "+"),
    }


def test_arrays_show_shape_norm_and_worst_element():
    def double(x):
        return (2.0 * x).sum()

    picture = diagram(record(double, np.array([3.0, -4.0])))
    assert text(boxes(picture, "input")[0].lines) == [
        "x",
        "(2,)  ‖5‖",
        "−4 at [1]",
        "(2,)  ‖2.828‖",
        "2 at [0]",
    ]
    product = wire(picture, "x", "2 ×")
    assert text(product.label.above) == ["(2,)  ‖5‖"]
    assert text(product.label.below) == ["‖1.414‖ → ‖2.828‖", "[0]  1 × 2 = 2"]
    reduction = wire(picture, "2 ×", "Σ")
    assert text(reduction.label.below) == ["1 → ‖1.414‖", "1 at [0]"]
    assert picture.has_arrays


def test_a_broadcast_says_how_many_copies_it_summed():
    picture = diagram(trace_of("network"))
    below = [text(box.lead.below) for box in boxes(picture, "broadcast")]
    assert [lines[0].split("=")[0] for lines in below] == ["Σ over 8 ", "Σ over 8 "]


def test_a_cut_is_a_box_of_its_own():
    picture = diagram(trace_of("cut"))
    (end,) = boxes(picture, "cut")
    assert text(end.caption) == ["float(x)", "leaves the graph"]
    assert [arrow.state for arrow in picture.arrows if picture.boxes[arrow.target] is end] == ["cut"]


def test_what_is_not_finite_is_marked_where_it_begins():
    picture = diagram(trace_of("not_finite"))
    assert ["".join(text(box.lines)) for box in boxes(picture, "function") if box.state == "alarm"] == [
        "inf ×"
    ]
    assert text(boxes(picture, "input")[0].lines) == ["x", "1", "⚠ nan"]
    assert {arrow.state for arrow in picture.arrows} == {"alarm", "plain"}


def test_a_zero_gradient_has_a_wire_of_its_own_kind():
    picture = diagram(trace_of("zeros"))
    assert {arrow.state for arrow in picture.arrows} == {"zero", "unreached", "plain"}
    assert ["0  not reached"] in [text(arrow.label.below) for arrow in picture.arrows]
    assert text(boxes(picture, "input")[2].lines) == ["z", "3", "0", "never used", "in arithmetic"]


def test_what_the_output_does_not_depend_on_is_small_and_grey():
    picture = diagram(trace_of("zeros"))
    (gate,) = (box for box in boxes(picture, "function") if box.state == "unreached")
    assert (text(gate.lines), text(gate.caption)) == (
        ["× 3"],
        ["unused = 3", "never used", "in arithmetic"],
    )
    assert roles(gate.lines) == [["faint"]]
    assert shape_size(gate)[1] < shape_size(replace(gate, state="plain"))[1]
    labels = [arrow.label for arrow in picture.arrows if arrow.state == "unreached"]
    assert ["1"] in [text(label.above) for label in labels]
    assert {role for label in labels for line in roles(label.above + label.below) for role in line} == {
        "quiet"
    }


def test_what_is_not_finite_is_loud_even_where_nothing_depends_on_it():
    def wasted(x, y):
        _ = (math.inf * y) * 2
        return x * x

    picture = diagram(record(wasted, 1.0, 2.0))
    spans = [
        span
        for arrow in picture.arrows
        for line in arrow.label.above
        for span in line
        if "inf" in span.text
    ]
    assert {span.role for span in spans} == {"alarm"}


def test_a_mask_is_a_number_in_a_product():
    def positive(x):
        return (x * (x > 0)).sum()

    product = wire(diagram(record(positive, np.array([3.0, -4.0]))), "x", "× (2,)")
    assert text(product.label.below) == ["‖1.414‖ → ‖1‖", "[0]  1 × 1 = 1"]


def test_a_long_convention_at_a_kink_is_broken_not_cut():
    picture = diagram(record(lambda x: (x // 2.0) * x, 5.0))
    (gate,) = (box for box in boxes(picture, "function") if box.caption)
    assert text(gate.caption) == ["floor_divide' = 0 everywhere,", "also at its jumps"]


def test_calls_are_nested_groups():
    picture = diagram(trace_of("calls"))
    assert [(group.title, group.parent) for group in picture.groups] == [
        ("outer_helper()", -1),
        ("helper[0]", 0),
        ("helper[1]", 0),
        ("helper[2]", -1),
    ]


def first(x):
    def same(a):
        return a * 2.0

    return same(x)


def second(x):
    def same(a):
        return a * 3.0

    return same(x)


def two_inners(x):
    def inner(a):
        return a + 1.0

    return inner(first(x)) * inner(second(x))


def test_a_title_is_what_only_is_given():
    trace = record(two_inners, 2.0)
    titles = {group.title for group in diagram(trace).groups}
    assert titles == {"inner[0]", "inner[1]", "first()", "second()", "first.same()", "second.same()"}
    for title in titles:
        (scope,) = calls_named(trace.sites.scopes, title)
        part = diagram(trace, choose(trace, View(only=title)))
        assert title in [group.title for group in part.groups]
        assert title.partition("[")[0].strip("()").rpartition(".")[2] == scope.name.rpartition(".")[2]


def test_other_outputs_are_not_seeded():
    picture = diagram(record(several_outputs, 2.0, 3.0).backward(of="first"))
    assert [text(box.lines)[-1] for box in boxes(picture, "output")] == ["1", "not seeded", "not seeded"]


def test_a_graph_too_big_to_read_is_refused(monkeypatch):
    monkeypatch.setattr(rooms, "NODE_LIMIT", 5)
    with pytest.raises(
        DrawError,
        match=r"a picture of 6 nodes can't be read; it would take about 0 seconds, and be 10.4 KiB as .svg; 5 nodes",
    ):
        diagram(trace_of("splitter"))
    with pytest.raises(
        DrawError, match="can't be read; 5 nodes are drawn unasked"
    ):  # that was not measured
        diagram(trace_of("splitter"), suffix=".png")


def fails(a, b, c):
    d = a * 2.0
    unused = c * b  # noqa: F841
    return math.log(d - b) * d


def fails_in_a_helper(a, b):
    def root(value):
        return math.sqrt(value)

    return root(a - b) + a


def fails_in_a_loop(x, a, n):
    total = 0.0
    for _ in range(n):
        x = x * a - 0.02
        total = total + math.sqrt(x)
    return total


@pytest.mark.parametrize(
    ("function", "arguments", "raised"),
    [
        (fails, (1.0, 2.0, 3.0), [("d - b", "ValueError", "by math.log(d - b)")]),
        (fails_in_a_helper, (1.0, 2.0), [("a - b", "ValueError", "after this, in line {line}")]),
        (fails_in_a_loop, (3.0, 0.001, 9), [("x * a - 0.02", "ValueError", "by math.sqrt(x)")]),
    ],
)
def test_a_value_that_an_exception_came_from_says_so(function, arguments, raised):
    traced = trace(function)
    with pytest.raises(ValueError, match=r"math domain|input, got"):
        traced(*arguments)
    failed = traced.last_trace
    line = failed.sites.places[failed.sites.failed_at].site.line
    picture, _ = picture_of(failed)
    found = [
        (failed.nodes[box.node].site.text, *text(box.caption)[-2:])
        for box in picture.boxes
        if box.state == "alarm"
    ]
    assert found == [(site, f"⚠ {error} raised", by.format(line=line)) for site, error, by in raised]
    said = repr(picture.boxes)
    assert "never used" not in said
    assert said.count("not used before") == (function is not fails_in_a_helper)  # `unused`, and n


def test_a_value_that_an_exception_came_from_says_so_where_it_ran_often():
    traced = trace(fails_in_a_loop)
    with pytest.raises(ValueError, match=r"math domain|input, got"):
        traced(3.0, 0.97, 200)
    picture, _ = picture_of(traced.last_trace)
    assert picture.is_rolled
    ((often, *told),) = (text(box.caption) for box in picture.boxes if box.state == "alarm")
    assert often.startswith("×")
    assert told == ["⚠ ValueError raised", "by math.sqrt(x)"]
