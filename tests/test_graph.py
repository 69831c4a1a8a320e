"""One edge for every use: splitters, broadcasts, outputs, and the invariants of the backward pass."""

from __future__ import annotations

import math

import numpy as np
import pytest
from invariants import assert_invariants, assert_names
from saved_programs import PROGRAMS as SAVED
from saved_programs import assert_same

from tracer import detach, freezing, graph, outlines, record
from tracer.errors import CutWarning


def kinds(finished):
    return [
        f"{node.kind} {node.op}" if node.kind == "function" else f"{node.kind}" for node in finished.nodes
    ]


def helper(x):
    return x * x


PROGRAMS = {
    "one use: no splitter": (lambda x: x * 2, (3.0,), ["input", "function multiply", "output"]),
    "two uses": (lambda x: x * 2 + x, (3.0,), ["input", "splitter", "function multiply", "function add", "output"]),
    "the same value twice in one operation": (
        lambda x: x * x,
        (3.0,),
        ["input", "splitter", "function multiply", "output"],
    ),
    "an unused value": (lambda x, y: x * 2, (3.0, 4.0), ["input", "input", "function multiply", "output"]),
    "an operation whose result is not used": (
        lambda x: (x * 5, x * 2)[1],
        (3.0,),
        ["input", "splitter", "function multiply", "function multiply", "output"],
    ),
    "an output that is an input": (lambda x: x, (3.0,), ["input", "output"]),
    "an output that is used": (
        lambda x: (lambda y: (y, y * 2))(x + 1),
        (3.0,),
        ["input", "function add", "splitter", "function multiply", "output", "output"],
    ),
    "an output twice": (lambda x: (x, [x]), (3.0,), ["input", "splitter", "output", "output"]),
    "an output that is a constant": (lambda x: (x * 2, 5.0), (3.0,), ["input", "function multiply", "output", "output"]),
    "a broadcast": (
        lambda a, b: a + b,
        (np.ones((2, 3)), np.ones(3)),
        ["input", "input", "splitter", "function add", "output"],
    ),
    "a value broadcast twice in one operation": (
        lambda a, b: (b + b) + a,
        (np.ones((2, 3)), np.ones(3)),
        ["input", "input", "splitter", "function add", "splitter", "function add", "output"],
    ),
    "a number among arrays": (
        lambda a, x: a * x,
        (np.ones(3), 2.0),
        ["input", "input", "splitter", "function multiply", "output"],
    ),
    "a broadcast of a value with two uses": (
        lambda a, b: a + b + np.sum(b),
        (np.ones((2, 3)), np.ones(3)),
        [
            "input", "input", "splitter", "splitter", "function add", "function sum", "splitter", "function add",
            "output",
        ],
    ),
    "batched matrices": (
        lambda a, b: a @ b,
        (np.ones((5, 2, 3)), np.ones((1, 3, 4))),
        ["input", "input", "splitter", "function matmul", "output"],
    ),
    "many operands": (
        lambda x, y: sum([x, 1.0, y, x]) + max(x, y, x),
        (1.0, 2.0),
        ["input", "splitter", "input", "splitter", "function sum_scalars", "function max_scalars", "function add", "output"],
    ),
    "a cut": (lambda x: x * detach(x), (3.0,), ["input", "splitter", "cut", "function multiply", "output"]),
    "a helper": (lambda x: helper(x) + helper(2 * x), (3.0,), [
        "input", "splitter", "function multiply", "function multiply", "splitter", "function multiply", "function add",
        "output",
    ]),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_nodes_of_a_program(name):
    function, arguments, wanted = PROGRAMS[name]
    finished = record(function, *arguments)
    assert kinds(finished) == wanted
    first = finished.outputs[0].name if len(finished.outputs) > 1 else None
    assert_invariants(finished.backward(of=first, seed=np.ones(np.shape(finished.outputs[0].value))))


@pytest.mark.filterwarnings("ignore:.*leaves the graph")
@pytest.mark.parametrize("name", SAVED)
def test_few_records_are_frozen_as_many_are(name, monkeypatch):
    monkeypatch.setattr(freezing, "_FEW", 0)
    in_columns = SAVED[name]()
    monkeypatch.setattr(freezing, "_FEW", 1_000_000)
    assert_same(SAVED[name](), in_columns)


@pytest.mark.filterwarnings("ignore:.*leaves the graph")
@pytest.mark.parametrize("name", SAVED)
def test_a_few_rows_are_connected_as_many_are(name, monkeypatch):
    made = []
    for most in (1_000_000, -1):
        monkeypatch.setattr(graph, "_FEW", most)
        outlines.forget()
        made.append(graph.Graph(SAVED[name]().recording))
    few, many = made
    assert few.first_output == many.first_output
    for column in ("kinds", "rows", "node_slots", "node_of_row", "first_in", "src", "slots"):
        assert getattr(few, column).tolist() == getattr(many, column).tolist()


@pytest.mark.filterwarnings("ignore:.*leaves the graph")
@pytest.mark.parametrize("name", SAVED)
def test_what_a_value_is_called_finds_it(name):
    assert_names(SAVED[name]())


def test_a_splitter_adds_its_uses():
    def function(x):
        a = 3 * x
        b = x * 7
        return a + b

    finished = record(function, 2.0)
    (splitter,) = [node for node in finished.nodes if node.kind == "splitter"]
    assert [edge.grad for edge in splitter.out_edges] == [3.0, 7.0]
    assert splitter.grad == splitter.in_edges[0].grad == finished["x"].grad == 10.0
    assert [edge.dst.label for edge in finished["x"].uses] == ["a", "b"]
    products = [(edge.upstream, edge.local, edge.formula) for edge in finished["x"].uses]
    assert products == [(1.0, 3.0, "x"), (1.0, 7.0, "y")]


def test_operands_are_edges_and_constants_in_order():
    finished = record(lambda x, y: 3.0 - max(x, 2.5, y), 1.0, 2.0)
    maximum, subtract = finished.nodes[2], finished.nodes[3]
    assert [getattr(each, "port", each) for each in maximum.operands] == [0, 2.5, 2]
    assert [edge.port for edge in maximum.in_edges] == [0, 2]
    assert [getattr(each, "port", each) for each in subtract.operands] == [3.0, 1]


def test_the_same_array_on_both_sides():
    for function in (
        lambda a: a @ a,
        lambda a: np.maximum(a, a),
        lambda a: a / a,
        lambda a: np.where(a > 0, a, a),
    ):
        finished = record(function, np.arange(1.0, 5.0).reshape(2, 2)).backward(seed=np.ones((2, 2)))
        splitter = finished.nodes[1]
        assert splitter.kind == "splitter"
        assert len(splitter.out_edges) == 2
        assert {edge.dst.index for edge in splitter.out_edges} == {2}
        assert_invariants(finished)


def test_an_edge_beyond_the_reach_of_the_output_is_zero_and_has_no_step():
    def function(x, y):
        aside = math.exp(x) * y
        return x * 2, aside

    finished = record(function, 1.0, 2.0).backward(of=0)
    assert finished.grads == {"x": 2.0, "y": 0.0}
    exponential = next(node for node in finished.nodes if node.op == "exp")
    assert exponential.grad == 0.0
    assert [edge.step for edge in exponential.in_edges] == [None]
    assert [edge.grad for edge in exponential.in_edges] == [0.0]
    assert_invariants(finished)


def test_steps_count_from_the_output():
    finished = record(lambda x: math.exp(x * x) + x, 1.0)
    assert sorted(edge.step for edge in finished.edges) == list(range(len(finished.edges)))
    assert finished.output.in_edges[0].step == 0
    assert finished.nodes[1].in_edges[0].step == len(finished.edges) - 1


def test_slices_and_lengths_of_nodes_and_edges():
    finished = record(lambda x: x * x + x, 2.0)
    assert len(finished.nodes) == 5
    assert finished.nodes[-1] == finished.output
    assert [node.index for node in finished.nodes[1:3]] == [1, 2]
    assert finished.nodes[1] != finished.edges[1]
    with pytest.raises(IndexError):
        finished.nodes[5]


def test_a_broadcast_sums_over_what_it_copied():
    finished = record(lambda a, b: np.sum((a + b) * a), np.arange(6.0).reshape(2, 3), np.ones((1, 3)))
    (broadcast,) = [node for node in finished.nodes if node.op == "broadcast"]
    assert broadcast.value.shape == (2, 3)
    assert broadcast.out_edges[0].grad.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    assert broadcast.grad.tolist() == broadcast.in_edges[0].grad.tolist() == [[3.0, 5.0, 7.0]]


def test_a_chain_of_a_million_operations():
    def chain(x):
        y = x
        for _ in range(500_000):
            y = y * 1.0000001 + 1e-7
        return y

    finished = record(chain, 1.0)
    assert len(finished.nodes) == 1_000_002
    assert finished.grads["x"] == pytest.approx(1.0000001**500_000, rel=1e-9)
    assert finished["y[499999]"].grad == 1.0
    assert finished["y"].site.text == "y * 1.0000001 + 1e-7"
    assert finished.edges[0].step == len(finished.edges) - 1


def test_a_value_with_a_hundred_thousand_uses():
    def fan_out(x):
        total = 0.0
        for _ in range(100_000):
            total = total + x
        return total

    finished = record(fan_out, 1.0)
    assert finished.grads["x"] == 100_000.0
    assert len(finished["x"].uses) == 100_000


def test_a_program_without_operations():
    finished = record(lambda: 3.0)
    assert kinds(finished) == ["output"]
    assert finished.grads == {}
    assert finished.output.grad == 1.0


def test_a_cut_passes_nothing_back():
    with pytest.warns(CutWarning):
        finished = record(lambda x: float(x) * x + math.sin(detach(x)), 3.0)
    assert finished.grads["x"] == 3.0
    cuts = [node for node in finished.nodes if node.kind == "cut"]
    assert [(node.grad, node.value, node.in_edges[0].grad, node.in_edges[0].step) for node in cuts] == [
        (None, 3.0, 0.0, None),
        (None, 3.0, 0.0, None),
    ]
    assert_invariants(finished)
