"""A watched array that the program also reaches by another way: an alias, a view, a closure, another module."""

from __future__ import annotations

import collections
import contextvars
import functools
import itertools
import sys
import threading
import types
import weakref
from typing import NamedTuple

import numpy as np
import pytest
from checks import central_differences, same

from tracer import trace, watch
from tracer.errors import CutError, CutWarning, UnsupportedError
from tracer.run import Options, run

weights = np.array([1.0, 2.0])
alias = weights
parameters = [weights, {"w": weights}, (weights, 3.0)]
part = weights[:1]
rate = 0.5
cache: dict[str, object] = {}


class Keeper:
    def __init__(self):
        self.w, self.recent = 2.0, collections.deque([3.0])


keeper = Keeper()


def uses_aliases(x):
    return (
        np.sum(weights * x) + np.sum(alias * 2) + np.sum(parameters[0] * 3) + np.sum(parameters[1]["w"] * 4)
    )


@pytest.fixture
def without_part():
    global part
    kept, part = part, None
    yield
    part = kept


@pytest.mark.usefixtures("without_part")
def test_a_second_reference_is_the_same_input():
    def function(x):
        return uses_aliases(x) + np.sum(parameters[2][0] * 5) + np.sum(helper.imported * 6)

    helper = types.ModuleType("helper_of_a_test")
    helper.imported = weights
    sys.modules[helper.__name__] = helper
    try:
        traced = trace(watch=("weights",))(function)
        assert traced(1.0) == function(1.0)
    finally:
        del sys.modules[helper.__name__]
    assert traced.last_trace.grads["weights"].tolist() == [21.0, 21.0]
    places = alias, parameters[0], parameters[1]["w"], parameters[2][0], helper.imported
    assert all(each is weights for each in places)


class Named(list):
    pass


def _named():
    named = Named([weights])
    named.same = weights
    return named


def _closed():
    held = weights
    return types.SimpleNamespace(total=lambda: held.prod())


def _sum_of(held, x=1.0):
    return np.prod(held) * x


class _Gives:
    scaled = functools.partialmethod(lambda _, held, x: held.prod() * x, weights)

    def __call__(self, x=weights):
        return x

    @staticmethod
    def given(x=weights):
        return x

    @functools.singledispatchmethod
    def chosen(self, _kind, x=weights):
        return x

    @chosen.register
    def _(self, _kind: int, x=weights):
        return x * 1.0

    kept = property(lambda self, x=weights: x)
    computed = functools.cached_property(lambda self, x=weights: x)


class _Keeps:
    def __init__(self, held):
        self.held = held

    def prod(self):
        return self.held.prod()


def _with_attribute():
    def function():
        return function.same

    function.same = weights
    return function


class Pair(NamedTuple):
    w: np.ndarray
    rate: float


HIDDEN = {
    "a default": (lambda: lambda x=weights: x, lambda held: held().prod()),
    "a default by keyword": (lambda: lambda *, x=weights: x, lambda held: held().prod()),
    "an attribute of a function": (_with_attribute, lambda held: held().prod()),
    "a partial": (lambda: functools.partial(_sum_of, weights), lambda held: held()),
    "a partial by keyword": (lambda: functools.partial(_sum_of, held=weights), lambda held: held(x=1.0)),
    "a partial in a partial": (
        lambda: functools.partial(functools.partial(_sum_of, weights), 1.0),
        lambda held: held(),
    ),
    "a method of it": (lambda: types.MethodType(_sum_of, weights), lambda held: held()),
    "a weak reference": (lambda: weakref.ref(weights), lambda held: held().prod()),
    "a class": (lambda: _Gives, lambda held: held.given().prod()),
    "a call": (_Gives, lambda held: held().prod()),
    "a property": (_Gives, lambda held: held.kept.prod()),
    "a cached property": (_Gives, lambda held: held.computed.prod()),
    "a method chosen by type": (_Gives, lambda held: held.chosen("").prod()),
    "another method chosen by type": (_Gives, lambda held: held.chosen(1).prod()),
    "a partial method": (_Gives, lambda held: held.scaled(1.0)),
    "a method of what holds it": (
        lambda: _Keeps(weights).prod,
        lambda held: held(),
    ),
    "a named tuple": (lambda: (Pair(weights, 1.0),), lambda held: held[0].w.prod()),
    "a chain of dicts": (lambda: collections.ChainMap({}, {"w": weights}), lambda held: held["w"].prod()),
    "a dict of one's own": (lambda: collections.UserDict(w=weights), lambda held: held["w"].prod()),
    "a list in a tuple": (lambda: (1, ([weights],)), lambda held: held[1][0][0].prod()),
    "a closure": (_closed, lambda held: held.total()),
    "an attribute of a list": (_named, lambda held: held.same.prod()),
    "a namespace": (lambda: types.SimpleNamespace(same=weights), lambda held: held.same.prod()),
}


CROWDED = {
    "the function's own": lambda held, crowd: held[1][0][0],
    "a list of many": lambda held, crowd: crowd.lists[7_000][1][0],
    "a tuple at two places": lambda held, crowd: crowd.pairs[4_000][1][0][0],
    "its other place": lambda held, crowd: crowd.lists[3_000][3]["pair"][1][0][0],
    "a long list of an object": lambda held, crowd: crowd.lists[8_000][4].held[1_999],
}


@pytest.mark.parametrize("name", HIDDEN)
@pytest.mark.usefixtures("without_part")
def test_a_reference_is_found_where_it_is(name):
    make, read = HIDDEN[name]
    held = make()

    def function(x):
        return read(held) * x

    traced = trace(watch=("weights",))(function)
    assert traced(3.0) == function(3.0) == 6.0
    assert traced.last_trace.grads["weights"].tolist() == [6.0, 3.0]
    assert type(read(held)) is np.float64


@pytest.mark.usefixtures("without_part")
@pytest.mark.parametrize("place", CROWDED)
def test_however_much_a_program_holds_all_references_are_found(place):
    crowd = types.ModuleType("crowd")
    crowd.lists = [[[each], [], (each,), {each: each}, _Keeps(each)] for each in range(10_000)]
    crowd.lists[7_000][1].append(weights)
    crowd.pairs = [[each] for each in range(5_000)]
    crowd.pairs[4_000] = crowd.lists[3_000][3]["pair"] = (1, ([weights],))
    crowd.lists[8_000][4].held = [weights] * 2_000
    held = (1, ([weights],))
    sys.modules[crowd.__name__] = crowd
    try:
        traced = trace(watch=("weights",))(lambda x: CROWDED[place](held, crowd).prod() * x)
        assert traced(3.0) == 6.0
    finally:
        del sys.modules[crowd.__name__]
    assert traced.last_trace.grads["weights"].tolist() == [6.0, 3.0]
    assert CROWDED[place](held, crowd) is weights


def _waiting():
    held = weights
    while True:
        yield held


def _local():
    held = threading.local()
    held.w = weights
    return held


def _cached():
    @functools.cache
    def function():
        return alias

    function()
    return function


UNSEEN = {  # what can be looked through, but not written into
    "builtin_function_or_method": (lambda: weights.prod, lambda held: held()),
    "map": (lambda: map(np.prod, [weights] * 9), next),
    "generator": (lambda: iter(_waiting()), lambda held: next(held).prod()),
    "repeat": (lambda: itertools.repeat(weights), lambda held: next(held).prod()),
    "mappingproxy": (lambda: types.MappingProxyType({"w": weights}), lambda held: held["w"].prod()),
    "ContextVar": (
        lambda: contextvars.ContextVar("held", default=weights),
        lambda held: held.get().prod(),
    ),
    "WeakValueDictionary": (
        lambda: weakref.WeakValueDictionary(w=weights),
        lambda held: held["w"].prod(),
    ),
    "_local": (_local, lambda held: held.w.prod()),
    "memoryview": (lambda: weights.data, lambda held: np.asarray(held).prod()),
    "ndarray": (lambda: np.array([weights, None], dtype=object), lambda held: held[0].prod()),
    "_lru_cache_wrapper": (_cached, lambda held: held().prod()),
}


@pytest.mark.parametrize("kind", UNSEEN)
@pytest.mark.usefixtures("without_part")
def test_what_holds_a_reference_out_of_reach_is_named(kind):
    make, read = UNSEEN[kind]
    held = make()
    if kind == "generator":
        next(held)
    traced = trace(watch=("weights",))(lambda x: read(held) * x)
    with pytest.warns(CutWarning, match=rf"a variable \({kind}\) holds weights, which is watched"):
        assert traced(3.0) == 6.0


def test_a_weak_proxy_is_named():
    own = weights.copy()
    held = weakref.proxy(own)
    traced = trace(watch=("own",))(lambda x: np.dot(held, [x, x]) + own.size * 0.0)
    with pytest.warns(CutWarning, match="a weak proxy stands for own, which is watched"):
        assert traced(3.0) == 9.0


def test_an_attribute_of_a_namespace_is_watched():
    space = types.SimpleNamespace(w=np.array([1.0, 2.0]), rate=0.5)
    traced = trace(watch=("space.w", "space.rate"))(lambda x: (space.w * x).sum() * space.rate)
    assert traced(3.0) == 4.5
    assert traced.last_trace.grads["space.rate"] == 9.0
    assert traced.last_trace.grads["space.w"].tolist() == [1.5, 1.5]
    assert type(space.rate) is float


@pytest.mark.usefixtures("without_part")
def test_a_write_through_one_name_is_seen_through_the_other():
    def function(x):
        global weights
        weights += x
        alias[0] = x * x
        return np.sum(weights * alias)

    kept = weights.copy()
    try:
        traced = trace(watch=("weights",))(function)
        assert traced(3.0) == 81.0 + 25.0
        assert weights is alias
        assert weights.tolist() == [9.0, 5.0]
        np.testing.assert_allclose(traced.last_trace.grads["x"], 4 * 27.0 + 2 * 5.0)
    finally:
        alias[:] = kept


@pytest.mark.usefixtures("without_part")
def test_a_view_of_another_type_of_a_watched_array_is_not_missed_in_silence():
    global part
    part = weights.view(np.uint8)
    with pytest.warns(CutWarning, match="part shares its memory with weights, which is watched"):
        trace(watch=("weights",))(lambda x: np.sum(weights) * x)(2.0)
    with pytest.raises(CutError, match="part shares its memory with weights"):
        trace(watch=("weights",), strict=True)(lambda x: np.sum(weights) * x)(2.0)
    assert alias is weights


FLAT = np.arange(1.0, 7.0)
model = types.SimpleNamespace()


def reads_all(x):
    return (model.W @ model.b).sum() * x + (model.flat**2).sum()


def writes_into_the_whole(x):
    before = model.W.sum()
    model.flat[1:5] *= x
    return (model.W @ model.b).sum() * before


def writes_into_a_part(x):
    model.W[0] = x * model.b
    model.b[1] = x
    return (model.flat**2).sum() * model.W.sum()


@pytest.mark.parametrize("function", [reads_all, writes_into_the_whole, writes_into_a_part])
@pytest.mark.parametrize(
    "watched",
    [{"model.flat": slice(None)}, {"model.W": slice(4), "model.b": slice(4, 6)}, {"model.b": slice(4, 6)}],
)
def test_views_of_what_is_watched_and_what_it_is_a_view_of_are_followed(function, watched):
    def given(flat):
        model.flat = flat.copy()
        model.W, model.b = model.flat[:4].reshape(2, 2), model.flat[4:]

    def plain(flat, x):
        given(flat)
        return function(float(x))

    expected, left = plain(FLAT, 2.0), model.flat
    given(FLAT)
    traced = trace(watch=tuple(watched), strict=True)(function)
    assert same(traced(2.0), expected)
    assert same(model.flat, left)
    assert model.b.base is model.flat
    of_flat, of_x = central_differences(plain, FLAT, np.array(2.0))
    grads = traced.last_trace.grads
    np.testing.assert_allclose(grads.pop("x"), of_x, rtol=1e-5)
    for name, seen in watched.items():
        np.testing.assert_allclose(grads[name].ravel(), of_flat[seen], rtol=1e-5, atol=1e-6)


def test_parts_that_are_watched_as_well_as_the_whole_are_told():
    model.flat = FLAT.copy()
    model.W, model.b = model.flat[:4].reshape(2, 2), model.flat[4:]
    said = "model.flat, model.W, model.b: watched, each as an input of its own, in memory that another one sees"
    with pytest.warns(CutWarning, match=said):
        assert trace(watch=("model",))(reads_all)(2.0) == reads_all(2.0)
    with (
        pytest.warns(CutWarning, match=said),
        pytest.raises(
            UnsupportedError, match=r"model\.W, which shares.* by model\.flat, .*; watch model\.flat alone"
        ),
    ):
        trace(watch=("model",))(writes_into_a_part)(2.0)
    trace(watch=("model.flat",), strict=True)(writes_into_a_part)(2.0)  # as advised
    model.flat[:] = FLAT
    with pytest.raises(CutError, match=said):
        trace(watch=("model",), strict=True)(reads_all)(2.0)
    assert type(model.flat) is np.ndarray


def test_a_part_that_is_watched_when_the_whole_is_followed_is_told():
    model.flat = FLAT.copy()
    model.W, model.b = model.flat[:4], None
    hidden = itertools.repeat(model.flat[4:])  # too deep to be found
    for _ in range(9):
        hidden = itertools.chain([hidden])

    def function(x):
        watch(types.SimpleNamespace(W=vars(model).pop("W")), "first")
        late = types.SimpleNamespace(b=next(_innermost(hidden)))
        watch(late, "late")
        late.b[0] = x
        return model.flat.sum()

    with (
        pytest.warns(CutWarning, match=r"late\.b: watched"),
        pytest.raises(UnsupportedError, match=r"late\.b, which shares"),
    ):
        trace(function)(2.0)


def test_a_constant_beside_what_is_watched_is_no_other_way_to_it():
    own = FLAT.copy()
    first, last = own[:2], own[4:]
    del own
    traced = trace(watch=("first",), strict=True)(lambda x: (first * last).sum() * x)
    assert traced(2.0) == 34.0
    assert traced.last_trace.grads["first"].tolist() == [10.0, 12.0]


@pytest.mark.usefixtures("without_part")
def test_a_reference_that_is_found_only_when_it_is_used():
    made = []  # by what is not looked into that far

    def function(x):
        return np.sum(made[0]() * x) + np.sum(weights) * x

    held = itertools.repeat(weights)
    for _ in range(9):
        held = itertools.chain([held])
    made.append(lambda: next(_innermost(held)))
    traced = trace(watch=("weights",))(function)
    with pytest.warns(
        CutWarning, match=r"weights is watched, and read here by another way.*test_aliases\.py:"
    ):
        assert traced(2.0) == 12.0


def _innermost(held):
    while type(held) is not itertools.repeat:
        held = next(held)
    return held


def changes_globals(x):
    global rate
    rate = rate * x
    rate += 1.0
    cache["rate"] = rate
    cache["unwatched"] = [x * 2]
    return rate * 2


@pytest.mark.usefixtures("without_part")
def test_globals_are_left_as_the_plain_program_leaves_them():
    global rate
    try:
        for names in (("weights",), ("rate",), ("rate", "cache")):
            rate = 0.5
            cache.clear()
            assert trace(watch=names)(changes_globals)(3.0) == 5.0
            assert same(rate, 2.5)
            assert same(cache["rate"], 2.5)
        finished, _ = run(changes_globals, (3.0,), {}, Options(watch=("rate",)))
        assert finished.grads["rate"] == 6.0
    finally:
        rate = 0.5
        cache.clear()


@pytest.mark.usefixtures("without_part")
def test_traced_values_are_taken_out_of_what_is_not_watched():
    def function(x):
        keeper.w = keeper.w * x
        keeper.recent.append(weights[0] * x)
        keeper.last = [weights * x]
        return keeper.w + keeper.recent[-1] + keeper.last[0][1]

    trace(watch=("parameters",))(function)(2.0)
    assert type(keeper.w) is float
    assert [type(each) for each in keeper.recent] == [float, np.float64]
    assert type(keeper.last[0]) is np.ndarray


@pytest.mark.parametrize("watched", [lambda: weights, lambda: parameters, lambda: {"w": weights}])
@pytest.mark.usefixtures("without_part")
def test_what_is_watched_inside_and_read_as_it_was_is_told(watched):
    def function(x):
        watch(watched(), "w")
        return np.sum(weights * x)

    with pytest.warns(
        CutWarning, match=r"w.* is watched, and read here by another way, which is a constant"
    ):
        assert trace(function)(2.0) == 6.0
