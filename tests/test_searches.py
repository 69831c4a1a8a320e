"""How often a program is searched for what holds an array that is written into, and what is found again."""

import gc
import weakref
from types import SimpleNamespace

import numpy as np
import pytest
from checks import same

from tracer import first_writes, leftovers, record, trace, watching, who_holds
from tracer.reach import places_leading_to, reachable

A, X = np.array([1.0, 2.0, 3.0]), np.array([0.5, 1.5, 2.5])
NET = SimpleNamespace(
    W=A.copy(), layers=[SimpleNamespace(W=A.copy())], table={"b": A.copy()}, pair=(A.copy(), 1)
)
SHARED = A.copy()


@pytest.fixture
def searches(monkeypatch):
    """One item for each search, of which the first finds nothing known."""
    found = []

    def search(*given):
        found.append(len(found))
        return places_leading_to(*given)

    for room in (first_writes, who_holds, watching):
        monkeypatch.setattr(room, "places_leading_to", search)
    monkeypatch.setattr("tracer.known_places._known", {})
    return found


def only_written(a):
    a *= 2.0
    return (np.arange(3.0) * a).sum()


def test_an_array_that_nothing_else_holds_costs_no_search(searches):
    weights = A.copy()
    assert record(only_written, weights[:, None].repeat(3, 1)[0]).grads is not None
    assert same(record(lambda w: w.__iadd__(1.0), weights).result, A + 1.0)
    assert not searches
    record(only_written, SHARED)
    assert searches


class Net:
    def __init__(self):
        self.W, self.layers, self.pair = A.copy(), [SimpleNamespace(W=A.copy())], (A.copy(), 1)


def of_net(net, x):
    return (net.W * x).sum() * net.layers[0].W.sum()


def of_global(x):
    return of_net(WATCHED, x)


WATCHED = Net()


@pytest.mark.parametrize(
    ("function", "given", "name"), [(of_net, (WATCHED, X), "net"), (of_global, (X,), "WATCHED")]
)
def test_what_is_watched_and_held_by_nothing_else_costs_no_search(searches, function, given, name):
    traced = trace(watch=(name,))(function)
    traced(*given)
    assert same(traced.last_trace.grads[name]["W"], X * A.sum())
    assert not searches
    other = [WATCHED.layers[0].W]
    traced(*given)
    assert searches
    assert other[0] is WATCHED.layers[0].W


def returned_beside_another(x):
    return [KEPT], x * 2.0


def written_into(x):
    KEPT[0] = x
    return KEPT.sum() * RETURNED[0][0].sum() if RETURNED[0] else KEPT.sum()


KEPT, RETURNED = A.copy(), [None]


@pytest.mark.parametrize("is_kept", [False, True])
def test_what_a_trace_has_returned_is_written_into(is_kept):
    finished = record(returned_beside_another, 1.0)
    RETURNED[0] = finished.result[0] if is_kept else None
    assert record(written_into, 3.0).grads["x"] == (16.0 if is_kept else 1.0)
    assert finished.result[0][0] is KEPT


WEIGHTS = [np.full(3, float(at)) for at in range(20)]


def updated_weights(weights, x):
    for each in weights:
        each -= 0.1 * x  # noqa: PLW2901  (written in place)
    first, WEIGHTS[0] = WEIGHTS[0], WEIGHTS[1]  # which the search did not see
    return sum((each**2).sum() for each in WEIGHTS), first


def test_one_search_is_for_all_arguments(searches):
    finished = record(updated_weights, [*WEIGHTS], X)
    assert len(searches) == 1
    assert finished.result[1] is not WEIGHTS[0]
    after = [np.full(3, float(max(at, 1))) - 0.1 * X for at in range(20)]
    assert same(WEIGHTS[0], after[0])
    assert WEIGHTS[0] is WEIGHTS[1]
    grads = finished.backward(of=0).grads
    np.testing.assert_allclose(grads["x"], -0.2 * sum(after))
    np.testing.assert_allclose(grads["weights"][:3], [0.0 * X, 4.0 * after[1], 2.0 * after[2]])


def move_then_write(a, b, x):
    a[0] = x
    KEEPER.kept = [KEEPER.others.pop()]
    b[0] = 3.0 * x
    return KEEPER.kept[0].sum()


KEEPER = SimpleNamespace(others=[])


def test_what_has_moved_between_two_writes_is_found():
    one, other = np.ones(2), np.ones(2)
    KEEPER.others, KEEPER.kept = [one, other], []
    assert record(move_then_write, one, other, 5.0).grads["x"] == 3.0
    assert KEEPER.kept[0] is other


def in_a_closure():
    weights = A.copy()
    return lambda: weights


HELD = {  # what reads the array
    "global": lambda: SHARED,
    "attribute": lambda: NET.W,
    "item of a list": lambda: NET.layers[0].W,
    "item of a dict": lambda: NET.table["b"],
    "closure": in_a_closure(),
}


def updated(w, x, read):
    w *= x
    return (read() ** 2).sum()


@pytest.mark.parametrize("way", HELD)
def test_what_holds_an_array_is_known_at_the_next_call(searches, way):
    read = HELD[way]
    for _ in range(2):
        read()[:] = A
        assert same(record(updated, read(), X, read).grads["x"], 2.0 * A * A * X)
    assert len(searches) == 1


def test_what_callers_hold_is_known_at_the_next_call(searches):
    net = SimpleNamespace(W=A.copy())
    for _ in range(2):
        record(only_written, net.W)
    assert len(searches) == 1


def updated_in_a_loop(x):
    for each in [NET.W, NET.layers[0].W, NET.table["b"]]:
        each -= 0.1 * x  # noqa: PLW2901  (written in place)
    for each, _ in (NET.pair, (SHARED, 2)):
        each[1:] *= x[0]
    return (NET.W * SHARED + NET.table["b"] * NET.pair[0]).sum()


def test_what_holds_an_array_that_is_no_argument_is_known_at_the_next_call(searches, monkeypatch):
    def search(*given):
        searches.append(given)
        return reachable(*given)

    monkeypatch.setattr(who_holds, "reachable", search)
    record(updated_in_a_loop, X)
    assert searches
    searches.clear()
    monkeypatch.setattr(leftovers, "_search", None)  # nor is there anything to be put back
    record(updated_in_a_loop, X)
    assert not searches


def test_what_is_new_or_has_moved_is_found(searches):
    weights = NET.layers[0].W
    weights[:] = A
    record(updated, weights, X, lambda: NET.layers[0].W)
    NET.layers.insert(0, SimpleNamespace(W=None))
    weights[:] = A
    assert same(record(updated, weights, X, lambda: NET.layers[1].W).grads["x"], 2.0 * A * A * X)
    NET.layers[0].W = weights
    weights[:] = A
    assert same(record(updated, weights, X, lambda: NET.layers[0].W).grads["x"], 2.0 * A * A * X)
    NET.layers.pop(0)
    assert len(searches) >= 2


def test_what_can_not_be_written_into_is_searched_for_each_time(searches):
    for _ in range(2):
        NET.pair[0][:] = A
        assert same(record(updated, NET.pair[0], X, lambda: NET.pair[0]).grads["x"], 2.0 * A * A * X)
    assert len(searches) == 2


class Net:
    def __init__(self):
        self.W = A.copy()


def test_what_is_known_is_not_kept_alive():
    net = Net()
    gone = [weakref.ref(net), weakref.ref(net.W)]
    record(only_written, net.W)
    del net
    gc.collect()
    assert [each() for each in gone] == [None, None]
