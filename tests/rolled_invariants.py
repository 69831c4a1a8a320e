"""What holds for the roll-up of every program: it has all of the exact graph, and its numbers are those of it."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
from invariants import assert_close

from viz.rolled_numbers import Numbers
from viz.rollup import BUDGET, READABLE, roll_up


def assert_rolled(finished):
    """Whole, with all groups closed that can be, and of a part of the nodes."""
    whole = roll_up(finished)
    assert_folded(whole)
    exact = len(finished.nodes)
    assert exact > READABLE or all(node.kind != "group" for node in whole.nodes)
    assert_few_boxes(whole, BUDGET)
    assert_numbers(whole)
    closed = roll_up(finished, budget=1)
    assert_folded(closed)
    assert_few_boxes(closed, 1)
    assert_numbers(closed)
    keep = np.arange(len(finished.nodes)) % 3 != 1
    part = roll_up(finished, keep)
    assert_folded(part, keep)


def assert_few_boxes(rolled, budget):
    """There are few boxes, or no open calls left that hold several."""
    inside = Counter(node.group for node in rolled.nodes if node.group >= 0)
    assert len(rolled.nodes) <= budget or set(inside.values()) <= {1}


def assert_folded(rolled, keep=None):
    """Every exact node and edge is in one place; what is in one place is of one kind; no circle but by back edges."""
    nodes, edges = rolled.trace.nodes, rolled.trace.edges
    kept = np.ones(len(nodes), bool) if keep is None else keep
    assert np.array_equal(rolled.of_node >= 0, kept)
    for numbers, made in ((rolled.of_node, rolled.nodes), (rolled.of_edge, rolled.edges)):
        for index, each in enumerate(made):
            assert each.index == index
            assert each.members.tolist() == np.flatnonzero(numbers == index).tolist() != []
        assert sum(len(each.members) for each in made) == np.count_nonzero(numbers >= 0)
    for node in rolled.nodes:
        if node.kind != "group":
            members = [nodes[int(member)] for member in node.members]
            assert node.count == len(members)
            assert {(each.kind, each.op) for each in members} == {(node.kind, node.op)}
            assert {each.site for each in members} == {node.site}
        assert node.group < len(rolled.groups)
    for edge in edges:
        ends = int(rolled.of_node[edge.src.index]), int(rolled.of_node[edge.dst.index])
        number = int(rolled.of_edge[edge.index])
        if number < 0:
            assert -1 in ends or (ends[0] == ends[1] and rolled.nodes[ends[0]].kind == "group")
            continue
        found = rolled.edges[number]
        assert (found.src, found.dst) == ends
        is_one = found.port >= 0 and rolled.nodes[found.dst].kind != "group"
        assert not is_one or edge.dst.op == "broadcast" or found.port == edge.port
    for edge in rolled.edges:
        assert edge.count == len(edge.members)
        assert edge.is_back == (edge.dst <= edge.src)
    for number, group in enumerate(rolled.groups):
        assert group.parent < number
        assert group.count >= 1


def assert_numbers(rolled):
    """Each series is made of the exact gradients; the sum of a splitter is that over its members and over its uses."""
    numbers, trace = Numbers(rolled), rolled.trace
    grads = [edge.grad for edge in trace.edges]
    for edge in rolled.edges:
        series = numbers.gradients(edge)
        own = [grads[int(member)] for member in edge.members]
        exact = [size(each) for each in own] if series.is_norm else [float(each) for each in own]
        assert_close(series.values, exact)
        assert_series(series)
        assert numbers.fired(edge) == sum(trace.edges[int(each)].step is not None for each in edge.members)
    for node in rolled.nodes:
        if node.kind != "splitter":
            continue
        total = numbers.sum_of(node)
        into = [trace.nodes[int(member)].in_edges[0] for member in node.members]
        uses = [grads[int(member)] for edge in rolled.outgoing[node.index] for member in edge.members]
        if node.op == "copy":
            assert (
                total.uses
                == len(uses)
                == sum(len(trace.nodes[int(each)].out_edges) for each in node.members)
            )
            same_shape = len({np.shape(each.grad) for each in into}) == 1
            if same_shape:
                assert_close(sum(uses), sum(each.grad for each in into))
        if total.total is not None:
            assert_close(total.total, sum(each.grad for each in into))
        for term in total.terms:
            exact = grads[int(rolled.edges[term.edge].members[term.run])]
            assert_close(term.value, size(exact) if np.ndim(exact) or np.iscomplexobj(exact) else exact)
        if (
            node.count == 1
            and node.op == "copy"
            and total.uses <= 3
            and not math.isnan(total.terms[0].share)
        ):
            assert_close(sum(term.share for term in total.terms), 1.0)
    for node in trace.inputs:
        place = rolled.nodes[rolled.of_node[node.index]]
        assert node.index in place.members
        for edge in node.out_edges:
            series = numbers.gradients(rolled.edges[rolled.of_edge[edge.index]])
            run = rolled.edges[rolled.of_edge[edge.index]].members.tolist().index(edge.index)
            assert_close(abs(series.values[run]), size(node.grad))


def assert_series(series):
    """What is drawn of a series has its first, its last and its extremes."""
    finite = np.abs(series.values[np.isfinite(series.values)])
    assert series.runs[0] == 0
    assert series.runs[-1] == len(series.values) - 1
    assert np.all(np.diff(series.runs) > 0)
    if len(finite):
        assert abs(series.values[series.least]) == finite.min()
        assert abs(series.values[series.most]) == finite.max()
    drawn = np.abs(series.points[np.isfinite(series.points)])
    if len(finite):
        assert drawn.max() == finite.max()
        assert drawn.min() == finite.min()
    assert series.bad == len(series.values) - len(finite)
    assert series.zeros == np.count_nonzero(series.values == 0)


def size(gradient):
    """The norm of an array, the size of a number."""
    with np.errstate(all="ignore"):
        return (
            float(np.sqrt(np.sum(np.abs(gradient).astype(np.float64) ** 2))) if np.size(gradient) else 0.0
        )
