"""Loops that write into arrays, through whatever view: linear in time and memory, and nothing recorded for nobody."""

import numpy as np
import pytest
from checks import assert_differentiates, assert_untouched

from tracer import load, record
from tracer.rules.edited import Edited
from tracer.tape import AUXILIARY

X = np.array([1.1, 2.2, 3.3, 4.4])
W = np.array([0.5, -1.0, 2.0, 0.3])


def test_a_loop_of_writes_keeps_what_it_wrote_and_no_more():
    def loop(x):
        out = np.zeros(2000)
        out[0] = x
        for i in range(1, 2000):
            out[i] = out[i - 1] * 0.999 + x
        return out.sum()

    finished = record(loop, 1.0)
    values = finished.recording.values.others.values()
    assert sum(isinstance(value, np.ndarray) for value in values) < 20
    assert sum(type(value) is Edited for value in values) > 1900
    assert sum(type(value) is Edited for value in finished.gradients.arrays.values()) > 1900
    slope = (loop(1.0 + 1e-6) - loop(1.0 - 1e-6)) / 2e-6
    np.testing.assert_allclose(finished.grads["x"], slope, rtol=1e-6)


def rows_of_a_table(x):
    out = np.zeros((5, 3))
    for i in range(5):
        row = out[i]
        for j in range(3):
            row[j] = x * (i + j)
    return (out**2).sum()


def views_that_are_never_read(x):
    y = x * 2
    views = [y[i : i + 2] for i in range(3)]
    for i in range(4):
        y[i] = x[i] ** 2
    return y.sum() + views[1][0]


def a_view_read_between(x):
    y = x * 1
    part = y[1:]
    part[0] = x[0]
    total = y.sum()
    part[1] = total
    part[2] = x[3]
    return (y * W).sum()


@pytest.mark.parametrize(
    ("function", "argument", "follow"),
    [
        (rows_of_a_table, 2.0, 15),  # what was written through a row, of which nothing is read
        (views_that_are_never_read, X, 1),  # of twelve
        (a_view_read_between, X, 3),  # what was written through it
    ],
)
def test_what_follows_a_write_is_recorded_only_if_it_is_read(function, argument, follow, tmp_path):
    assert_untouched(function, argument)
    assert_differentiates(function, argument)
    finished = record(function, argument)
    offsets = finished.recording.instructions.tolist()
    followers = [row for row, offset in enumerate(offsets) if offset > 0 and offset & AUXILIARY]
    assert len(followers) == follow
    assert all(finished.nodes[int(finished.graph.node_of_row[row])].out_edges for row in followers)
    finished.save(tmp_path / "t.trace")
    loaded = load(tmp_path / "t.trace")
    for before, after in zip(finished.nodes, loaded.nodes, strict=True):
        np.testing.assert_array_equal(before.value, after.value)
        np.testing.assert_array_equal(before.grad, after.grad)


def test_a_view_without_elements_is_written_into():
    def program(x):
        nothing, backwards = x[1:], x[::-1]
        np.sin(nothing, out=nothing)
        nothing[...] = 2.0
        return (x * backwards).sum() + nothing.sum()

    assert_untouched(program, X[None])
    assert_differentiates(program, X[None])


def by_slices(x, n):
    out = np.zeros(n + 1)
    out[0] = x
    for i in range(n):
        out[1:][i] = out[:-1][i] * 0.9 + x
    return out[-1] + out.sum()


def by_views_that_are_kept(x, n):
    out = np.zeros(n + 1)
    later, earlier = out[1:], out[:-1]
    earlier[0] = x
    for i in range(n):
        later[i] = np.sin(earlier[i]) + x
    return later[-1] + out.sum()


def by_views_of_views(x, n):
    out = np.zeros((2, n + 1))
    row = out[1:][0]
    backwards = row[::-1]
    row[0] = x
    for i in range(n):
        row[1:][i] = backwards[n - i] * 0.9 + x
    return row[-1] + out.sum() * backwards[0]


def by_transposed(x, n):
    out = np.zeros((n, 3))
    turned = out.T
    for i in range(n):
        turned[1, i] = x * i
        out[i, 2] = turned[1, i] * x
    return (out * np.arange(3)).sum() + turned[2, -1]


def by_flat(x, n):
    out = np.zeros((n // 4, 4))
    flat = out.reshape(-1)
    flat[0] = x
    for i in range(1, n):
        flat[i] = flat[i - 1] * 0.9 + x
    return (out**2).sum() + out[-1, 2] * flat[5]


def by_rows(x, n):
    out = np.zeros((n // 10, 10))
    for i in range(n // 10):
        row = out[i]
        for j in range(1, 10):
            row[j] = row[j - 1] * 0.9 + x
    return (out**2).sum()


def by_index_of_rows(x, n):
    out = np.zeros((n // 10, 10))
    for i in range(n // 10):
        for j in range(1, 10):
            out[i][j] = out[i][j - 1] * 0.9 + x
    return (out**2).sum()


def by_parts_of_two(x, n):
    out = np.zeros(n)
    for i in range(n - 2):
        out[i + 1 :][:2] += out[i : i + 2] * 0.4 + x
    return (out**2).sum()


LINEAR = (
    by_slices,
    by_views_that_are_kept,
    by_views_of_views,
    by_transposed,
    by_flat,
    by_rows,
    by_index_of_rows,
    by_parts_of_two,
)


@pytest.mark.parametrize("function", LINEAR, ids=lambda function: function.__name__)
def test_writes_through_views_are_followed(function):
    assert_untouched(lambda x: function(x, 200), 0.3)
    assert_differentiates(lambda x: function(x, 200), 0.3)


@pytest.mark.parametrize("function", LINEAR, ids=lambda function: function.__name__)
def test_a_loop_of_writes_through_views_keeps_what_it_wrote_and_no_more(function, tmp_path):
    kept = {}
    for n in (400, 1600):
        finished = record(function, 0.3, n)
        values = finished.recording.values.others.values()
        kept[n] = sum(
            value.nbytes for value in values if isinstance(value, np.ndarray) and value.base is None
        )
        kept[n] += sum(
            each.nbytes for each in finished.gradients.arrays.values() if isinstance(each, np.ndarray)
        )
        finished.save(tmp_path / f"{n}.trace")
    assert kept[1600] < 5 * kept[400] + 20_000
    assert (tmp_path / "1600.trace").stat().st_size < 5 * (tmp_path / "400.trace").stat().st_size


@pytest.mark.parametrize("function", LINEAR, ids=lambda function: function.__name__)
def test_a_loaded_trace_has_the_same_views(function, tmp_path):
    finished = record(function, 0.3, 100)
    finished.save(tmp_path / "f.trace")
    loaded = load(tmp_path / "f.trace")
    for before, after in zip(finished.nodes, loaded.nodes, strict=True):
        np.testing.assert_array_equal(before.value, after.value)
        np.testing.assert_array_equal(before.grad, after.grad)


def test_a_write_into_a_part_gives_the_whole_array_another_value():
    finished = record(by_slices, 0.3, 5)
    writes = [node for node in finished.nodes if node.op == "setitem"]
    assert [node.name for node in writes] == ["out"] * 6
    assert [np.shape(node.value) for node in writes] == [(6,)] * 6


def test_views_of_views_that_are_dropped_go_no_deeper_than_they_may():
    def queue(x):
        left = np.zeros(200) + x
        while len(left) > 1:
            left = left[1:]
            left[0] = left[0] * 0.9 + x
        return left[0]

    assert_untouched(queue, 0.3)
    assert_differentiates(queue, 0.3)
