"""Memory for gradients: many in one block, which is used again when nothing looks into it any more."""

import contextlib
from itertools import pairwise

import numpy as np
import pytest

from tracer import record, rooms
from tracer.minus import Minus

SHAPES = {(1000,): 300, (77,): 5, (4, 100): 40, (60_000,): 2}


@pytest.fixture(autouse=True)
def _no_blocks(monkeypatch):
    monkeypatch.setattr(rooms, "_blocks", rooms.deque())


def taken(counts):
    """Take all that there is, of each shape in turn."""
    given = rooms.rooms(counts)
    turns = range(max(counts.values(), default=0))
    return [next(give) for turn in turns for shape, give in given.items() if turn < counts[shape]]


def address(array):
    return array.__array_interface__["data"][0]


def test_each_array_has_memory_of_its_own():
    arrays = taken(SHAPES)
    assert sorted({array.shape for array in arrays}) == [(4, 100), (1000,), (60_000,)]
    assert len(arrays) == 342
    assert all(array.flags.c_contiguous and array.dtype == float for array in arrays)
    places = sorted((address(array), array.nbytes) for array in arrays)
    assert all(start + size <= after for (start, size), (after, _) in pairwise(places))


def test_beyond_what_was_asked_for_arrays_are_made_one_by_one():
    give = rooms.rooms({(1000,): 200})[1000,]
    assert all(rooms.is_in_block(next(give)) for _ in range(200))
    more = [next(give) for _ in range(3)]
    assert [(each.shape, each.dtype, each.base) for each in more] == [((1000,), np.float64, None)] * 3


def test_where_several_rows_are_seeded_there_are_more_sums_than_splitters():
    def fold(x):
        for _ in range(300):
            x = np.abs(x)
        return x.sum()

    (finding,) = record(fold, np.r_[1.0, np.zeros(999)]).findings()
    assert (finding.kind, finding.numbers["runs"]) == ("kink", 300)


@pytest.mark.parametrize("counts", [{(1000,): 100}, {(8,): 100_000}, {(1 << 20,): 4}, {}])
def test_what_is_little_small_or_large_is_made_one_by_one(counts):
    assert rooms.rooms(counts) == {}


def test_a_block_is_used_again_when_nothing_looks_into_it():
    counts = {(1000,): 400}
    first = taken(counts)
    places = set(map(address, first))
    kept = first[7]
    first.clear()
    assert places.isdisjoint(map(address, taken(counts)))
    del kept
    assert places == set(map(address, taken(counts)))


def test_of_many_blocks_few_are_kept():
    arrays = taken({(1000,): 4000})
    assert len({id(array.base) for array in arrays}) == 8
    assert len(rooms._blocks) == 4


def loop(x, rate):
    for _ in range(30):
        x = x + 0.1 * (rate * x * (1.0 - x) - np.tanh(x))
    return np.sum(x)


def gradients_of(function, *arguments):
    return [np.asarray(edge.grad).tobytes() for edge in record(function, *arguments).edges]


def test_gradients_in_blocks_have_the_same_bits(monkeypatch):
    arguments = np.linspace(0.2, 0.8, 1000), np.full(1000, 2.5)
    in_blocks = gradients_of(loop, *arguments)
    assert len(rooms._blocks) == 1
    monkeypatch.setattr(rooms, "_FEWEST", 1 << 40)
    assert in_blocks == gradients_of(loop, *arguments)


def test_what_users_get_holds_no_block():
    trace = record(loop, np.linspace(0.2, 0.8, 1000), np.full(1000, 2.5))
    got = [each.grad for each in (*trace.nodes, *trace.edges)] + [edge.upstream for edge in trace.edges]
    got += trace.edge_gradients().others.values()
    assert len(rooms._blocks) == 1
    arrays = [each for each in got if isinstance(each, np.ndarray)]
    assert len(arrays) > 1000
    block = rooms._blocks[0]
    assert not any(np.may_share_memory(array, block) for array in arrays)
    places = {id(block)}
    del trace, block
    again = record(loop, np.linspace(0.2, 0.8, 1000), np.full(1000, 2.5)).gradients
    arrays = [each[0] if type(each) is Minus else each for each in again.slots.values()]
    assert places == {id(each.base) for each in arrays if type(each.base) is np.ndarray}


def test_what_is_kept_is_what_the_gradients_take(monkeypatch):
    arguments = np.linspace(0.2, 0.8, 1000), np.full(1000, 2.5)
    in_blocks = record(loop, *arguments).gradients.kept_bytes()
    monkeypatch.setattr(rooms, "_FEWEST", 1 << 40)
    assert in_blocks == record(loop, *arguments).gradients.kept_bytes() < rooms._BLOCK


def test_traces_that_live_share_no_block():
    x, rate = np.linspace(0.2, 0.8, 1000), np.full(1000, 2.5)
    traces = [record(loop, x * scale, rate) for scale in (1.0, 0.5, 1.0)]
    first, _, third = [gradients.copy() for gradients in (each.edge_gradients().floats for each in traces)]
    assert len(rooms._blocks) == 3
    assert first.tobytes() == third.tobytes()
    for one, other in zip(traces[0].edges, traces[2].edges, strict=True):
        assert np.asarray(one.grad).tobytes() == np.asarray(other.grad).tobytes()


@pytest.mark.parametrize("size", [10, 1000])
def test_what_edges_share_is_not_written_to(size):
    trace = record(loop, np.linspace(0.2, 0.8, size), np.full(size, 2.5)).backward(seed=2.0)
    before = [np.asarray(edge.grad).tobytes() for edge in trace.edges]
    given = [each.grad for each in (*trace.nodes, *trace.edges)] + list(
        trace.edge_gradients().others.values()
    )
    arrays = [each for each in given if isinstance(each, np.ndarray)]
    for array in arrays:
        with contextlib.suppress(ValueError):
            array[...] = 7.0
    for array in trace.grads.values():  # copies
        array[...] = 7.0
    assert len(arrays) > 900
    assert before == [np.asarray(edge.grad).tobytes() for edge in trace.edges]
    assert trace.grads["x"].max() < 7.0
