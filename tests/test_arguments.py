"""Arguments of every shape become inputs, t.grads mirrors them; functions of every kind are called as they are."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import functools
import json
import sys
from collections import ChainMap, UserDict, UserList, defaultdict
from types import SimpleNamespace

import numpy as np
import pytest
from argument_classes import Layer, Point
from checks import assert_untouched, same

from tracer import record, trace
from tracer.errors import UnsupportedError


@dataclasses.dataclass(frozen=True)
class Frozen:
    scale: float
    inner: Layer


def by_position(x, y=3.0, *rest, scale=2.0, **named):
    total = x * y * scale
    for item in rest:
        total = total + item * x
    for item in named.values():
        total = total + item * y
    return total


@pytest.mark.parametrize(
    ("arguments", "named", "grads"),
    [
        ((2.0,), {}, {"x": 6.0, "y": 4.0, "rest": (), "scale": 6.0, "named": {}}),
        ((2.0, 5.0), {}, {"x": 10.0, "y": 4.0, "rest": (), "scale": 10.0, "named": {}}),
        ((2.0, 5.0, 7.0, 1.0), {}, {"x": 18.0, "y": 4.0, "rest": (2.0, 2.0), "scale": 10.0, "named": {}}),
        (
            (2.0,),
            {"y": 5.0, "scale": 1.0},
            {"x": 5.0, "y": 2.0, "rest": (), "scale": 10.0, "named": {}},
        ),
        ((2.0,), {"k": 1.5}, {"x": 6.0, "y": 5.5, "rest": (), "scale": 6.0, "named": {"k": 3.0}}),
        ((), {"x": 2, "y": 5}, {"x": 10.0, "y": 4.0, "rest": (), "scale": 10.0, "named": {}}),
    ],
)
def test_positional_keyword_default_and_variable_arguments(arguments, named, grads):
    finished = record(by_position, *arguments, **named)
    assert finished.grads == grads
    assert list(finished.grads) == list(grads)
    assert_untouched(by_position, *arguments, **named)


def positional_only(x, y=3.0, z=4.0, /, *, k=5.0):
    return x * y * z * k


def test_positional_only_and_keyword_only():
    assert record(positional_only, 2.0, 1.0).grads == {"x": 20.0, "y": 40.0, "z": 10.0, "k": 8.0}
    assert_untouched(positional_only, 2.0, 1.0)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), {}),
        ((1.0, 2.0, 3.0, 4.0), {}),
        ((1.0,), {"x": 2.0}),
        ((1.0,), {"w": 2.0}),
        ((1.0,), {"k": 1.0, "y": 2}),
    ],
)
def test_a_wrong_call_says_what_the_plain_call_says(arguments, named):
    assert_untouched(positional_only, *arguments, **named)
    assert_untouched(each_given, *arguments, **named)


def each_given(x, /, y, z):
    return x * y / z


@pytest.mark.parametrize(
    ("arguments", "named"),
    [((6.0, 4.0, 2.0), {}), ((6.0, 4.0), {"z": 2.0}), ((6.0,), {"z": 2.0, "y": 4.0})],
)
def test_each_parameter_is_given_one_argument(arguments, named):
    finished = record(each_given, *arguments, **named)
    assert finished.grads == {"x": 2.0, "y": 3.0, "z": -6.0}
    assert list(finished.grads) == ["x", "y", "z"]
    assert_untouched(each_given, *arguments, **named)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), {"x": 6.0, "y": 4.0, "z": 2.0}),
        ((6.0, 4.0), {"y": 2.0}),
        ((6.0, 4.0), {"x": 2.0}),
        ((6.0, 4.0), {"w": 2.0}),
    ],
)
def test_as_many_arguments_as_parameters_can_be_wrong(arguments, named):
    assert_untouched(each_given, *arguments, **named)


STRUCTURES = [
    ([1.0, 2.0], lambda s: s[0] * s[1] * 3, [6.0, 3.0]),
    ((1.0, "a", 2, None), lambda s: s[0] * s[2] * 3, (6.0, None, 3.0, None)),
    ({"a": 1.0, 3: [2.0, True]}, lambda s: s["a"] * s[3][0] * 3, {"a": 6.0, 3: [3.0, None]}),
    (Point(1.0, [2.0]), lambda s: s.x * s.y[0] * 3, Point(6.0, [3.0])),
    (
        Layer(2.0, np.array([1.0, 4.0])),
        lambda s: np.sum(s.weight * s.bias),
        Layer(5.0, np.array([2.0, 2.0]), None),
    ),
    (
        Frozen(3.0, Layer(2.0, np.array([1.0]))),
        lambda s: np.sum(s.inner.bias * s.scale * s.inner.weight),
        Frozen(2.0, Layer(3.0, np.array([6.0]), None)),
    ),
    (
        collections.OrderedDict(b=1.0, a=2.0),
        lambda s: s["a"] * s["b"] * 3,
        collections.OrderedDict(b=6.0, a=3.0),
    ),
    (defaultdict(list, a=[1.0, 2.0]), lambda s: s["a"][0] * s["a"][1] + len(s["new"]), {"a": [2.0, 1.0]}),
    (UserDict(a=1.0, b=[2.0]), lambda s: s["a"] * s["b"][0] * 3, {"a": 6.0, "b": [3.0]}),
    (UserList([1.0, 2.0]), lambda s: s[0] * s.pop() * 3, [6.0, 3.0]),
    (
        ChainMap({"a": 1.0}, {"a": 4.0, "b": 2.0}),
        lambda s: s["a"] * s["b"] * 3,
        {"maps": [{"a": 6.0}, {"a": 0.0, "b": 3.0}]},
    ),
    (SimpleNamespace(a=1.0, b=[2.0], c="d"), lambda s: s.a * s.b[0] * 3, {"a": 6.0, "b": [3.0], "c": None}),
    ([[1.0], [[2.0]]], lambda s: s[0][0] * s[1][0][0] * 3, [[6.0], [[3.0]]]),
    ([], lambda s: 1.0, None),
    ("text", lambda s: 1.0, None),
    (True, lambda s: s * 1.0, None),
    (np.array([1, 2]), lambda s: float(s.sum()), None),
    (np.array([True]), lambda s: 1.0, None),
    (1 + 2j, lambda s: (s * s).imag, 4 - 2j),
    ([np.complex64(1 + 2j), 3j], lambda s: abs(s[0]) * 5**0.5, [np.complex64(1 - 2j), 0j]),
    ([1.0, 2.0], lambda s: s[0] * 3, [3.0, 0.0]),
    (np.float32(2.0), lambda s: s * s, np.float32(4.0)),
    (np.array(2.0), lambda s: s * s, np.array(4.0)),
    (np.zeros((0, 2)), lambda s: s.sum(), np.zeros((0, 2))),
]


@pytest.mark.parametrize(
    ("structure", "function", "wanted"), STRUCTURES, ids=lambda each: type(each).__name__
)
def test_gradients_mirror_the_structure_of_the_argument(structure, function, wanted):
    finished = record(function, structure)
    got = finished.grads["s"]
    assert same(got, wanted) or (isinstance(got, dict) and dict(got) == dict(wanted))
    assert_untouched(function, structure)


def test_the_names_of_inputs_are_paths():
    def function(params, *rest, **named):
        return params["W"][0] * params[1].x * rest[0] * named["k"].weight * np.sum(named["k"].bias)

    finished = record(function, {"W": [2.0], 1: Point(3.0, "y")}, 4.0, k=Layer(5.0, np.ones(1)))
    names = [node.name for node in finished.inputs]
    assert names == ["params['W'][0]", "params[1].x", "rest[0]", "named['k'].weight", "named['k'].bias"]
    assert finished["params['W'][0]"].grad == finished['params["W"][0]'].grad == 60.0


def test_what_is_put_into_python_s_own_objects_is_plain_whatever_happens():
    def function(a, m, s):
        s.first, s.own = s.b * 2, a
        m["new"] = m["a"] * a
        m.data["b"].append(a)
        assert isinstance(s, SimpleNamespace)
        raise ValueError(m["new"])

    given = UserDict(a=2.0, b=[1.0]), SimpleNamespace(b=3.0)
    with pytest.raises(ValueError, match=r"^3\.0$"):
        trace(function)(1.5, *given)
    assert repr(given) == repr(
        (UserDict(a=2.0, b=[1.0, 1.5], new=3.0), SimpleNamespace(b=3.0, first=6.0, own=1.5))
    )
    names = [node.name for node in record(lambda m, s: m["a"] * s.b, *given).inputs]
    assert names == ["m['a']", "m['b'][0]", "m['b'][1]", "m['new']", "s.b", "s.first", "s.own"]
    json.dumps([each for held in given for each in vars(held).values()])


class Model:
    """Has everything that a class of the user's can have."""

    rate = 0.5

    def __init__(self, w):
        self.w = w

    @trace
    def loss(self, x, scale=2.0):
        return self.w * x * x * scale

    @classmethod
    @trace
    def by_class(cls, x):
        return x * cls.rate

    @staticmethod
    @trace
    def by_static(x):
        return x * x

    def __call__(self, x):
        return self.w * x

    @property
    @trace
    def squared(self):
        return self.w * self.w


def test_methods_of_every_kind():
    model = Model(3.0)
    assert model.loss(2.0) == 24.0
    assert Model.loss.last_trace.grads == {"self": None, "x": 24.0, "scale": 12.0}
    assert Model.by_class(2.0) == 1.0
    assert Model.__dict__["by_class"].__func__.last_trace.grads == {"cls": None, "x": 0.5}
    assert Model.by_static(3.0) == 9.0
    assert Model.by_static.last_trace.grads == {"x": 6.0}
    assert model.squared == 9.0
    assert record(model, 2.0).grads == {"x": 3.0}
    assert record(model.loss, 2.0).grads == {"x": 24.0, "scale": 12.0}
    assert record(model.__call__, 2.0).function == "__call__"


def test_lambdas_partials_and_builtins():
    def scaled(x, factor, power=1):
        return factor * x**power

    assert record(lambda x: x * x, 3.0).grads == {"x": 6.0}
    assert record(functools.partial(scaled, power=2), 3.0, 5.0).grads["x"] == 30.0
    assert record(functools.partial(scaled, 3.0), 5.0).grads["factor"] == 3.0
    assert record(abs, -3.0).grads == {"x": -1.0}
    assert record(np.trapezoid, np.ones(2), np.array([3.0, 5.0])).grads["y"].tolist() == [1.0, 1.0]
    assert record(max, 3.0, 4.0).grads["args"] == (0.0, 1.0)


@trace(static=("n", "table"))
def static(x, n, table):
    assert type(n) is int
    assert type(table[0]) is float
    return x**n * table[0]


def test_a_static_argument_stays_out():
    assert static(2.0, 3, [1.5]) == 12.0
    assert static.last_trace.grads == {"x": 18.0, "n": None, "table": None}


@pytest.mark.skipif(
    sys.version_info < (3, 14), reason="before, annotations run where the function is defined"
)
def test_annotations_of_what_only_type_checkers_know_are_not_run():
    text, space = "def function(x: Missing, y: Missing = 2.0) -> Missing: return x * y", {}
    exec(compile(text, "", "exec", dont_inherit=True), space)  # noqa: S102  (`annotations` of the future are texts)
    assert trace(space["function"])(3.0) == 6.0
    assert record(space["function"], 3.0).grads == {"x": 2.0, "y": 3.0}


def test_the_decorated_function_looks_like_the_plain_one():
    assert (by_position.__name__, trace(by_position).__name__) == ("by_position", "by_position")
    assert trace(by_position).__wrapped__ is by_position
    assert trace(by_position).last_trace is None


def generator(x):
    yield x


async def coroutine(x):
    return x


async def generator_of_coroutines(x):
    yield x


class Later:
    async def __call__(self, x):
        return x

    async def method(self, x):
        yield x


@pytest.mark.parametrize(
    "function",
    [
        generator,
        coroutine,
        generator_of_coroutines,
        functools.partial(coroutine),
        Later(),
        Later().method,
    ],
)
def test_a_function_whose_body_runs_later_is_refused(function):
    for look in (trace, lambda function: record(function, 1.0)):
        with pytest.raises(
            UnsupportedError, match=r"is an? (async|generator) function; .*; trace (the|a) function that"
        ):
            look(function)


def test_a_function_that_runs_such_a_body_is_traced():
    async def doubled(x):
        return x * 2.0

    async def numbers(x):
        yield await doubled(x)
        yield x

    async def total(x):
        return [y async for y in numbers(x)]

    def function(x):
        first, second = asyncio.run(total(x))
        return first * second + sum(generator(x))

    finished = record(function, 3.0)
    assert finished.result == 21.0
    assert finished.grads["x"] == 13.0


class Untouchable:
    """Whatever is asked of it, it says so: a lazy object, a proxy without its subject."""

    def __getattribute__(self, name):
        raise AssertionError(name)

    def _refuse(self, *_):
        raise AssertionError

    __bool__ = __len__ = __eq__ = __hash__ = __iter__ = __contains__ = __getitem__ = __call__ = _refuse


def test_an_object_that_answers_nothing_passes_untouched():
    lazy = Untouchable()
    items, table = [lazy, 1.0], {"lazy": lazy, "x": 2.0}

    def function(lazy, items, table, x):
        items[1] = x
        return items[0], table["lazy"], lazy, table["x"] * x

    for look in (record, lambda *given: record(trace(watch=("items", "table"))(function), *given[1:])):
        result = look(function, lazy, items, table, 3.0).result
        assert all(each is lazy for each in result[:3])
        assert result[3] == 6.0
        assert items[0] is lazy
        assert table["lazy"] is lazy
