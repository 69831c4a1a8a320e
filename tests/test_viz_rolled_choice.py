"""A part of a graph that is rolled up: its marks, what enters and leaves, and what that carries."""

import math

import numpy as np
import pytest
from small_programs import scaled
from test_viz_choice import tags, words

from tracer import record
from viz import export, labels
from viz.choice import View, choose
from viz.rollup import roll_up


def layer(values, weights):
    out = []
    for row in weights:
        total = 0.0
        for value, weight in zip(values, row, strict=True):
            total = total + value * weight
        out.append(math.tanh(total))
    return out


def network(x, weights):
    for each in weights:
        x = layer(x, each)
    return sum(x)


def network_trace():
    weights = [[[0.1 * (i - j + k) for i in range(6)] for j in range(6)] for k in range(3)]
    return record(network, [0.5] * 6, weights)


def test_marks_stand_at_the_places_that_marked_nodes_are_folded_into():
    trace = network_trace()
    view = View(path="x[0]")
    picture, notes = export.picture(trace, view)
    assert picture.is_rolled
    assert notes[-1].startswith(f"rolled up: {len(trace.nodes):,} nodes as ")
    rolled = roll_up(trace)
    choice = choose(trace, view)
    assert {arrow.edge for arrow in picture.arrows if arrow.mark} == {
        int(rolled.of_edge[edge]) for edges in choice.on_edges for edge in edges
    }
    assert {box.node for box in picture.boxes if box.mark} == {
        int(rolled.of_node[node]) for nodes in choice.on_nodes for node in nodes
    }
    assert any(arrow.is_calm for arrow in picture.arrows)
    assert [mark.sign for mark in picture.marks] == ["▶1", "▶2", "▶3"]


def turns(x, w):
    for _ in range(3):
        x = scaled(x, w)
    return x


def test_a_small_graph_is_rolled_up_where_that_is_asked_for():
    trace = record(turns, 2.0, 3.0)
    exact, _ = export.picture(trace)
    assert not exact.is_rolled
    picture, notes = export.picture(trace, View(rolled=True))
    assert picture.is_rolled
    assert notes == (f"rolled up: {len(trace.nodes)} nodes as {len(roll_up(trace).nodes)} boxes",)
    assert max(box.count for box in picture.boxes) == 3
    part, _ = export.picture(trace, View(rolled=True, only="scaled"))
    assert part.is_rolled
    assert len(part.boxes) < len(exact.boxes)


def test_a_part_above_the_budget_is_rolled_up_with_what_enters_and_leaves():
    trace = network_trace()
    picture, _ = export.picture(trace, View(only="layer"))
    assert picture.is_rolled
    assert picture.is_part
    assert tags(picture, "enters") == ["weights  ×108", "x  ×36"]
    assert tags(picture, "leaves") == ["Σ  ×6"]
    kept = [node for node in trace.nodes if node.scope.depth == 1 and node.kind == "function"]
    assert sum(box.count for box in picture.boxes if box.shape == "function") == len(kept)


def test_a_part_is_drawn_as_it_ran_where_it_is_small_or_asked_for_so():
    trace = network_trace()
    assert not export.picture(trace, View(focus="x[0]", depth=2))[0].is_rolled
    exact, _ = export.picture(trace, View(only="layer", exact=True))
    assert not exact.is_rolled
    assert sum(box.node >= 0 for box in exact.boxes) == np.count_nonzero(
        choose(trace, View(only="layer")).keep
    )


def summed(series):
    return [labels.number(each) for each in (series[0], series[-1])]


@pytest.mark.parametrize("only", ["layer", "cell"])
def test_what_crosses_the_border_of_a_rolled_part_says_what_it_carries_and_what_comes_back(only):
    trace = network_trace() if only == "layer" else record(stepping, 0.3, 0.9)
    picture, _ = export.picture(trace, View(only=only))
    rolled = roll_up(trace, choose(trace, View(only=only)).keep)
    assert picture.is_rolled
    entering = [arrow for arrow in picture.arrows if picture.boxes[arrow.source].shape == "enters"]
    leaving = [arrow for arrow in picture.arrows if picture.boxes[arrow.target].shape == "leaves"]
    assert entering
    assert leaving
    assert len(entering) == len(rolled.entering)
    assert len(leaving) == len(rolled.leaving)
    for arrow, (place, port, edges) in zip(entering, rolled.entering, strict=True):
        assert arrow.target == place
        crossing = [trace.edges[int(each)] for each in edges]
        assert {edge.port for edge in crossing} == {port} or port == -1
        first, last = summed([edge.value for edge in crossing])
        assert words(arrow.label.above)[0] == (first if first == last else f"{first} → {last}")
        first, last = summed([edge.grad for edge in crossing])
        told = words(arrow.label.below)[0]
        assert told.endswith(f"= {first}") or told.startswith(
            first if first == last else f"{first} → {last}"
        )
    for arrow, (place, edges) in zip(leaving, rolled.leaving, strict=True):
        assert arrow.source == place
        terms = {}
        for each in edges:
            edge = trace.edges[int(each)]
            terms.setdefault(edge.src.index, []).append(edge.grad)
        first, last = summed([math.fsum(each) for each in terms.values()])
        assert any(line.startswith((f"{first} → {last}", first)) for line in words(arrow.label.below))


def cell(x, h, w):
    z = w * h - x
    return math.tanh(z) * 0.9


def stepping(x, w):
    h = x
    for _ in range(60):
        h = cell(x, h, w)
        x = x * 0.99 + h * h
    return h + x


def test_operands_from_outside_keep_their_order_and_what_leaves_is_used():
    trace = record(stepping, 0.3, 0.9)
    picture, _ = export.picture(trace, View(only="cell"))
    gates = {words(box.lines)[0]: box for box in picture.boxes if box.shape == "function"}
    assert gates["−"].is_ordered
    assert gates["−"].wires_in == 2
    last = gates["× 0.9"]
    assert "never used" not in repr(last)
    assert words(last.caption) == ["×60"]
    into = [
        arrow.operand or "inner" for arrow in picture.arrows if picture.boxes[arrow.target] is gates["−"]
    ]
    assert into == ["1st operand", "2nd operand"]
