"""What is kept of gradients within a budget, what is computed again, and what is known of all: their statistics."""

# ruff: noqa: N803, N806, PERF401 -- matrices have capital letters, and loops are what is tested

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from invariants import assert_invariants
from saved_programs import PROGRAMS, answer, assert_same, bits, saved
from strategies import array_programs
from test_properties import QUICK

import tracer.backward
import tracer.gradients
from tracer import load, record, trace
from tracer.rules import RULES, Outer, Part, edited
from tracer.rules.edited import Edited
from tracer.statistics import Measurer, Statistics

GENERATOR = np.random.default_rng(7)
VECTOR, MATRIX = GENERATOR.normal(size=40), GENERATOR.normal(size=(40, 40)) / 6


def recurrent(W, U, h):
    for step in range(12):
        h = np.tanh(W @ h + U @ (VECTOR + step))
    return (h**2).sum()


def batches(W, b, x):
    for _ in range(6):
        x = np.maximum(x @ W + b, 0.1 * x)
    return np.log(np.exp(x - x.max(axis=1, keepdims=True)).sum(axis=1)).mean()


def fills(x):
    out = np.zeros(400)
    out[0] = x[0]
    for i in range(1, 60):
        out[i] = np.sin(out[i - 1]) + x[i % 40]
    out[100:140] = x * out[30]
    return (out * out).sum() + out[120]


def views(W, x):
    total = 0.0
    for i in range(40):
        total = total + W[:, i] * x[max(i - 3, 0) : i + 1].sum() * W[i]
    return total.sum() + (W.T[3:9].reshape(-1) ** 2).sum()


def skips(x):
    h, memory = x, []
    for i in range(8):
        memory.append(h * (i + 1))
        h = np.tanh(h + memory[i // 2]) + memory[0]
    return sum(each.sum() for each in memory) + np.concatenate([h, *memory]).mean()


def gathers(x):
    picked = x[np.array([0, 3, 3, 5])]
    return (picked * picked).sum() + x[x > 0].sum() + x[[1, 2]].prod() + np.take(x, [4, 4]).sum()


def reshapes(W):
    h = W
    for _ in range(5):
        h = (h.T.reshape(20, 80).reshape(40, 40) + W)[::-1] * 0.5
    return h.sum()


CASES = {
    "recurrent": (recurrent, MATRIX, MATRIX.T * 0.5, VECTOR),
    "batches": (batches, MATRIX, VECTOR, GENERATOR.normal(size=(7, 40))),
    "single precision": (batches, *(each.astype(np.float32) for each in (MATRIX, VECTOR, MATRIX[:5]))),
    "fills": (fills, VECTOR),
    "views": (views, MATRIX, VECTOR),
    "skips": (skips, VECTOR),
    "gathers": (gathers, VECTOR),
    "reshapes": (reshapes, MATRIX),
}
BUDGETS = (0, 1_000, 20_000, 100_000)


@pytest.fixture
def budget(monkeypatch):
    def set_budget(count):
        monkeypatch.setattr(tracer.backward, "BUDGET", count)
        monkeypatch.setattr(tracer.gradients, "RECENT", count // 4)

    return set_budget


def assert_alike(full, lean):
    """Compare every gradient bit for bit, and the statistics with those of what is asked for."""
    assert bits(full.grads) == bits(lean.grads)
    for edge, other in zip(full.edges, lean.edges, strict=True):
        assert bits(edge.grad) == bits(other.grad), edge
        assert bits(edge.upstream) == bits(other.upstream), edge
        assert edge.step == other.step
    for node, other in zip(full.nodes, lean.nodes, strict=True):
        assert bits(node.grad) == bits(other.grad), node
    for finished in (full, lean):
        for edge in finished.edges:
            assert_statistics(edge.stats, edge.grad)


def assert_statistics(got, gradient):
    flat = np.asarray(gradient).ravel()
    flat = (np.abs(flat) if np.iscomplexobj(flat) else flat).astype(np.float64)
    size = np.abs(flat).max(initial=0)
    size = size if 0 < size < np.inf else 1.0
    tolerance = {"rtol": 1e-6 if np.asarray(gradient).dtype == np.float32 else 1e-12, "atol": 1e-14 * size}
    if flat.size:
        expected = (size * np.linalg.norm(flat / size), flat.min(), flat.max(), flat.mean())
        np.testing.assert_allclose(got[:4], expected, **tolerance)
    assert got.not_finite == (~np.isfinite(flat)).sum()


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


def test_statistics_take_no_dense_arrays():
    def function(W, x):
        for i in range(50):
            x = np.tanh(W @ x) + W[i % 3, 0]
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


WEIRD = (
    np.array([1.0, -2.0, 0.0]),
    np.array([np.nan, 1.0]),
    np.array([np.inf, -1.0, np.nan, -np.inf]),
    np.array([1e200, -3e200]),
    np.array([1e-200, 2e-200]),
    np.array([5e-324]),
    np.zeros((3, 4)),
    np.broadcast_to(np.array([[2.0], [-7.0]]), (2, 900)),
    np.arange(12.0).reshape(3, 4).T[::2],
    np.float32([3e38, 1.0]),
    np.asarray(-4.0),
    np.arange(20_000.0) - 3,
)


@pytest.mark.parametrize("alone", [True, False])
def test_statistics_of_arrays(alone):
    measurer = Measurer()
    lines = [measurer.of(each) for each in WEIRD] if alone else measurer.table(WEIRD)
    with np.errstate(all="ignore"):
        for line, array in zip(lines, WEIRD, strict=True):
            norm, least, most, mean, not_finite = line
            wide = array.astype(np.longdouble)
            np.testing.assert_allclose(
                [norm, least, most, mean],
                np.array([np.sqrt((wide**2).sum()), wide.min(), wide.max(), wide.mean()], np.float64),
                rtol=1e-14,
            )
            assert not_finite == (~np.isfinite(array)).sum()
    assert np.isnan(measurer.of(np.zeros((0, 3)))[1:4]).all()
    assert measurer.of(np.array([3 + 4j, 1j])) == (26**0.5, 1.0, 5.0, 3.0, 0)
    assert measurer.of(-2.0) == Statistics(2.0, -2.0, -2.0, -2.0, 0)
    assert measurer.of(float("inf")).not_finite == 1


FLOAT = np.dtype(np.float64)
VALUES = np.array([[1.0, -2.0], [0.5, 3.0]])
COMPRESSED = {
    "one element": Part((1, 2), np.asarray(-3.0), (4, 5), FLOAT),
    "all of it": Part(..., VALUES, (2, 2), FLOAT),
    "nothing": Part(slice(0, 0), np.zeros((0, 5)), (4, 5), FLOAT),
    "rows": Part(slice(1, 3), VALUES[:, [0, 1, 1]], (4, 3), FLOAT),
    "mask": Part(np.array([True, False, True]), np.array([2.0, np.nan]), (3,), FLOAT),
    "each once": Part(np.array([3, 1]), np.array([2.0, 5.0]), (4,), FLOAT),
    "one twice": Part(np.array([3, 3]), np.array([2.0, 5.0]), (4,), FLOAT),
    "the same from both ends": Part(np.array([1, -1]), np.array([2.0, 5.0]), (2,), FLOAT),
    "two arrays": Part((np.array([0, 0]), np.array([1, 1])), np.array([2.0, 5.0]), (2, 2), FLOAT),
    "an element of a part": Part(slice(1, 4), Part(2, np.asarray(4.0), (3,), FLOAT), (5,), FLOAT),
    "infinity": Part(0, np.asarray(-np.inf), (4,), FLOAT),
    "huge": Part(slice(2), np.array([1e200, -1e250]), (4,), FLOAT),
    "negative": Part(slice(2), np.array([-1.0, -2.0]), (4,), FLOAT),
    "narrowed": Part(0, np.asarray(1 / 3), (4,), np.dtype(np.float32)),
    "product": Outer(np.array([1.0, -2.0]), np.array([3.0, -5.0, 0.5]), FLOAT),
    "product of signs": Outer(np.array([-1.0, -2.0]), np.array([3.0]), FLOAT),
    "product with infinity": Outer(np.array([0.0, 1.0]), np.array([np.inf, 2.0]), FLOAT),
    "product that overflows": Outer(np.array([1e200, 1.0]), np.array([1e200, 2.0]), FLOAT),
    "tiny product": Outer(np.array([1e-200, 1.0]), np.array([1e-200, 1e-300]), FLOAT),
    "narrowed product": Outer(np.array([1e30, 1.0]), np.array([1e30, 1 / 3]), np.dtype(np.float32)),
}


@pytest.mark.parametrize("name", COMPRESSED)
def test_statistics_of_compressed_gradients(name):
    compressed = COMPRESSED[name]
    with np.errstate(all="ignore"):
        dense = compressed.dense()
        assert_statistics(Measurer().of(compressed), dense)


def test_statistics_of_many_compressed_gradients_are_those_of_each():
    with np.errstate(all="ignore"):
        table = Measurer().table(list(COMPRESSED.values()))
        for line, compressed in zip(table, COMPRESSED.values(), strict=True):
            assert_statistics(Statistics(*line), compressed.dense())


def test_statistics_of_differences_go_from_one_to_the_next():
    array = GENERATOR.normal(size=(100, 100))
    edited, measurer = array, Measurer()
    indices = [
        (3, 4),
        slice(0, 2),
        (slice(None), 5),
        np.array([1, 1]),
        (50, 50),
        ...,
        (99, 99),
        (0, 0),
        (1, 0),
    ]
    values = [1e3, 0.0, -2.0, 5.0, np.nan, 0.0, 7.0, np.inf, 1e-200]
    for index, value in zip(indices, values, strict=True):
        part = Part(index, np.asarray(value), array.shape, array.dtype)
        edited = edited.plus(part) if value == 5.0 else Edited(edited, index, value)
        with np.errstate(all="ignore"):
            assert_statistics(measurer.of(edited), edited.dense())


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
    x = GENERATOR.normal(size=20)
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
