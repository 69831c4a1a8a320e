"""What is kept of gradients within a budget, what is computed again, and what is known of all: their statistics."""

# ruff: noqa: N803, N806, PERF401 -- matrices have capital letters, and loops are what is tested

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from invariants import assert_invariants
from keep_programs import (
    CASES,
    assert_alike,
)
from saved_programs import PROGRAMS, answer, assert_same, bits, saved
from strategies import array_programs
from test_properties import QUICK

import tracer.backward
import tracer.gradients
from tracer import load, record, trace
from tracer.rules import RULES, Outer, Part, edited

BUDGETS = (0, 1_000, 20_000, 100_000)


@pytest.fixture
def budget(monkeypatch):
    def set_budget(count):
        monkeypatch.setattr(tracer.backward, "BUDGET", count)
        monkeypatch.setattr(tracer.gradients, "RECENT", count // 4)

    return set_budget


@pytest.mark.parametrize("name", CASES)
def test_what_is_computed_again_has_the_bits_of_what_is_kept(name, budget):
    function, *arguments = CASES[name]
    everything = trace(keep="all")(function)
    everything(*arguments)
    full = everything.last_trace
    assert not len(full.gradients.measured.edges)
    for count in BUDGETS:
        budget(count)
        lean = record(function, *arguments)
        assert_alike(full, lean)
        of_inputs = sum(np.asarray(each).nbytes for each in lean.grads.values())
        tiny = 64 * len(lean.edges)  # which are not counted
        assert lean.gradients.kept_bytes() <= count + of_inputs + tiny
    assert_invariants(lean)


def test_what_is_kept_of_the_rows_fills_the_budget_and_lies_scattered(budget):
    def function(x):
        for _ in range(64):
            x = np.sin(x)
        return x.sum()

    x = np.linspace(0.1, 1.0, 1_000)
    budget(16 * x.nbytes)  # of 64 and more
    kept = [row for row in record(function, x).gradients.arrays if row]  # and that of the input
    assert 12 <= len(kept) <= 18
    assert np.diff(sorted(kept)).max() <= 8


@settings(QUICK, max_examples=60)
@given(array_programs())
def test_random_programs_are_computed_again_alike(program):
    full = record(program.function(), *program.arguments)
    kept, tracer.backward.BUDGET = tracer.backward.BUDGET, 100
    try:
        assert_alike(full, full.backward())
    finally:
        tracer.backward.BUDGET = kept


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_program_is_computed_again_alike(name, budget):
    full = PROGRAMS[name]()
    if answer(lambda: full.grads)[0] == "raised":
        return
    budget(0)
    lean = full.backward(seed=full.seed)
    for edge, other in zip(full.edges, lean.edges, strict=True):
        assert bits(edge.grad) == bits(other.grad)


@pytest.mark.parametrize("order", [1, -1])
def test_any_order_of_asking_gives_the_same(order, budget):
    function, *arguments = CASES["skips"]
    full = record(function, *arguments)
    budget(0)
    lean = record(function, *arguments)
    edges = range(len(full.edges))[::order]
    assert [bits(lean.edges[each].grad) for each in edges] == [
        bits(full.edges[each].grad) for each in edges
    ]
    assert len(lean.gradients.recent) <= 1


@pytest.mark.parametrize("name", ["recurrent", "batches", "views", "skips", "reshapes"])
def test_a_file_holds_the_statistics_of_what_it_does_not_hold(name, budget, tmp_path):
    function, *arguments = CASES[name]
    full = record(function, *arguments)
    full_size = saved(full, tmp_path).stat().st_size
    budget(2_000)
    original = record(function, *arguments)
    path = saved(original, tmp_path)
    assert path.stat().st_size < full_size
    budget(1 << 20)
    loaded = load(path)
    assert len(loaded.gradients.measured.edges)
    assert bits(loaded.edge_statistics.norm) == bits(original.edge_statistics.norm)
    assert bits(loaded.edge_statistics.table) == bits(original.edge_statistics.table)
    assert_same(loaded, original)
    assert_alike(full, loaded)


@pytest.mark.parametrize(
    "product",
    [np.matmul, np.dot, lambda W, x: x @ W, lambda W, x: x.dot(W)],
    ids=["@", "dot", "row @", "row dot"],
)
def test_statistics_take_no_dense_arrays(product):
    def function(W, x):
        for i in range(50):
            x = np.tanh(product(W, x)) + W[i % 3, 0]
        return x.sum()

    import tracemalloc

    W = np.eye(300)
    finished = record(function, W, np.linspace(-1, 1, 300))
    _ = finished.gradients
    tracemalloc.start()
    _ = finished.edge_statistics
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < W.nbytes
    kinds = {type(gradient) for gradient in finished.gradients.slots.values()}
    assert {Part, Outer} <= kinds
    assert finished.gradients.kept_bytes() < 3 * W.nbytes


# ------------------------------------------------------------------------------------------------- memory


def peak_of(function):
    """Return how many bytes a trace, its gradients and their statistics take at most."""
    import tracemalloc

    tracemalloc.start()
    finished = function()
    _ = finished.edge_statistics
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def squares(x):
    total = 0.0
    for i in range(len(x)):
        total = total + x[i] ** 2
    return total


def recurrence(x):
    out = np.zeros(len(x))
    out[0] = x[0]
    for i in range(1, len(x)):
        out[i] = 0.9 * out[i - 1] + x[i]
    return out[-1]


def slices(x):
    total = 0.0
    for i in range(1, len(x)):
        total = total + x[i - 1 : i + 1].sum() * x[i - 1 : i + 1].max()
    return total


def rows_and_columns(x):
    W = x.reshape(5, -1)
    total = 0.0
    for k in range(W.shape[1]):
        total = total + (W[:, k] * W[:, k - 1]).sum()
    for row in x.reshape(-1, 5):
        total = total + (row * row).sum()
    return total


def views_within(x):
    total = 0.0
    W, V = x.reshape(-1, 5), x.reshape(5, -1)
    for i in range(len(x) - 1):
        total = total + x[1:][i] * x[::-1][1:][i] + x[:-1].reshape(-1)[i : i + 1].sum()
    for t in range(W.shape[0]):
        row = W[t]
        total = total + row[0] * W[t][1] * V.T[t][2] + V.T[t].sum() * V[:, 1:].reshape(-1)[t]
    return total


def view_without(x):
    y = x[1:]
    total = 0.0
    for i in range(len(y)):
        total = total + y[i] ** 2
    return total


def views_while_writing(x):
    out = np.zeros(len(x))
    out[0] = x[0]
    for i in range(1, len(x)):
        out[i] = out[i - 1 :][0] * 0.9 + x[1:][i - 1]
    return out[-1]


def grows_a_list(x):
    parts = []
    for i in range(len(x)):
        parts.append(x[i : i + 1] * 2)
    return np.concatenate(parts).sum()


def test_joining_many_arrays_looks_at_each_once():
    looked = []

    class Operands(tuple):
        __slots__ = ()

        def __iter__(self):
            looked.append(len(self))
            return super().__iter__()

        def __getitem__(self, index):
            looked.append(1 if isinstance(index, int) else len(self))
            return super().__getitem__(index)

    rule, arrays = RULES["concatenate"], Operands(np.ones(2) for _ in range(100))
    params = rule.shared(arrays, {"axis": 0})
    for port in range(100):
        assert rule.pull(port, np.arange(200.0), None, arrays, params).tolist() == [2 * port, 2 * port + 1]
    assert sum(looked) <= 300


VIEWS = (views_within, view_without)


@pytest.mark.parametrize("function", [squares, recurrence, slices, rows_and_columns, grows_a_list, *VIEWS])
def test_memory_is_linear_in_the_length_of_a_loop(function):
    short, long = (peak_of(lambda n=n: record(function, np.ones(n))) for n in (500, 2000))
    assert long < 5 * short


@pytest.mark.parametrize("function", [*VIEWS, views_while_writing])
def test_parts_of_parts_have_the_bits_of_full_arrays(function, monkeypatch, budget):
    x = np.random.default_rng(7).normal(size=20)
    parts = record(function, x)
    assert Part in {type(each) for each in parts.gradients.arrays.values()}
    budget(500)
    assert_alike(parts, record(function, x))
    budget(1 << 20)
    monkeypatch.setattr(edited, "_DEEPEST", 0)
    assert_alike(record(function, x), parts)


@pytest.mark.parametrize("function", VIEWS)
def test_an_element_of_a_view_makes_no_array_going_back(function, monkeypatch):
    made = []
    dense = Part.dense
    monkeypatch.setattr(Part, "dense", lambda part: made.append(part.shape) or dense(part))
    finished = record(function, np.ones(100))
    _ = finished.edge_statistics, finished.grads
    assert len(made) <= 2 + 40 * (function is views_within)  # V[:, 1:] is no view where it is reshaped


def test_a_file_says_the_same_of_parts(tmp_path):
    original = record(views_within, np.ones(20))
    loaded = load(saved(original, tmp_path))
    assert_alike(original, loaded)
    assert bits(loaded.edge_statistics.norm) == bits(original.edge_statistics.norm)


def test_a_trace_is_freed_at_once():
    references = []

    def look(finished):
        _ = finished.grads, finished.edge_statistics, finished.output, finished.steps, finished.explain("x")
        _ = [edge.grad for edge in finished.edges], finished.backward(seed=2.0).grads
        references.extend(map(weakref.ref, (finished, finished.run, finished.graph)))

    def fails(x):
        y = np.exp(x)
        raise ValueError(y.sum())

    gc.collect()
    gc.disable()
    try:
        for name in ("fills", "gathers", "skips"):
            look(record(*CASES[name]))
        traced = trace(fails)
        for _ in range(2):
            with pytest.raises(ValueError, match="40"):
                traced(np.zeros(40))
            references.append(weakref.ref(traced.last_trace))
        assert references.pop()() is traced.last_trace
        assert [reference() for reference in references] == [None] * len(references)
    finally:
        gc.enable()
