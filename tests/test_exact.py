"""What stands for a function of `math` or NumPy while a trace runs is that function, for whoever asks."""

from __future__ import annotations

import copy
import functools
import inspect
import math
import pickle
import statistics
import threading
import types

import numpy as np
import pytest
from checks import assert_untouched

from tracer import record, trace

DERIVATIVE = {math.sin: math.cos, math.exp: math.exp, (math.tanh, 1): abs, np.zeros: np.ones}
SMOOTH = frozenset({math.sin, math.exp})
LONG = {**dict.fromkeys(range(500)), math.sin: math.cos}
EARLIER = math.sin


@functools.lru_cache
def squared(x):
    return x * x


CACHED = {squared: "squared"}
KINDS = {np.random.RandomState: "kind"}


class Layer:
    activation = math.sin  # written in C: no method
    mean = statistics.mean  # a method

    def __len__(self):
        return 2

    def __iter__(self):
        return iter([1.0, 2.0])


def named(function):
    @functools.wraps(function)
    def wrapper(x):
        return function(x)

    return wrapper


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (DERIVATIVE[math.sin](x), DERIVATIVE[math.tanh, 1](x), DERIVATIVE[np.zeros](2)[0]),
        lambda x: (math.sin in DERIVATIVE, math.cos in DERIVATIVE, math.exp in SMOOTH, math.cos in SMOOTH),
        lambda x: ([each.__name__ for each in SMOOTH if each == math.sin], len(LONG), math.sin in LONG),
        lambda x: (CACHED[squared], KINDS[np.random.RandomState], squared in CACHED, squared(x)),
        lambda x: (
            EARLIER is math.sin,
            math.sin == EARLIER,
            math.sin != EARLIER,
            EARLIER in [math.sin, math.cos],
            EARLIER is math.cos,
        ),
        lambda x: (repr(math.sin), f"{math.sin} {sum} {np.array}", str(np.linspace)[:19], repr([math.exp])),
        lambda x: (isinstance(math.sin, types.BuiltinFunctionType), inspect.isbuiltin(max), callable(np.zeros)),
        lambda x: (inspect.isfunction(statistics.mean), inspect.isroutine(math.sin), type(math.sin).__name__),
        lambda x: (math.sin.__name__, math.sin.__module__, math.sin.__doc__, np.full.__module__, math.sin.__self__.__name__),
        lambda x: (hasattr(math.sin, "__wrapped__"), hasattr(math.sin, "__dict__"), hasattr(math.sin, "__get__")),
        lambda x: str(inspect.signature(math.sin)) + str(inspect.signature(statistics.mean)),
        lambda x: (pickle.dumps(math.sin), pickle.dumps([np.zeros, sum, statistics.mean, math.sin])),
        lambda x: (copy.copy(math.sin) is math.sin, copy.deepcopy([math.sin])[0] is math.sin),
        lambda x: (Layer.activation(x), Layer().activation(x), Layer().mean(), Layer.mean([x, 2 * x])),
        lambda x: (named(math.sin)(x), named(math.sin).__name__, sorted(vars(named(math.sin)))),
        lambda x: (functools.partial(math.pow, x).func is math.pow, functools.partial(math.pow, x)(2)),
        lambda x: repr(functools.partial(math.pow, 2.0)),
        lambda x: {math.sin: x, math.sin: 2 * x}[EARLIER],
        lambda x: (getattr(math, "sin") in SMOOTH, vars(math)["sin"] in SMOOTH),  # noqa: B009
        lambda x: (hash(math.sin) == hash(EARLIER), len({math.sin, EARLIER})),
        lambda x: [f(x) for f in (math.sin, math.cos) if f in DERIVATIVE],
        lambda x: math.sin.nonsense,
    ],
)  # fmt: skip
def test_it_is_the_function_itself(function):
    assert_untouched(function, 0.3)


def test_dicts_and_sets_are_never_rebuilt():
    found, done = [], threading.Event()
    walked = iter(DERIVATIVE)
    next(walked)

    def read():
        while not done.is_set():
            found.append(DERIVATIVE.get(EARLIER) is not None and EARLIER in SMOOTH)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(30):
        assert record(lambda x: DERIVATIVE[math.sin](x), 0.3).grads["x"] == -math.sin(0.3)
    done.set()
    reader.join()
    assert all(found)
    assert list(walked) == list(DERIVATIVE)[1:]


class Model:
    def __init__(self):
        self.activation, self.several = math.sin, [(math.cos, np.array)]


def test_what_the_program_returns_and_keeps_is_the_function_itself():
    kept = []

    @trace
    def function(x, table):
        kept.append(Model())
        table["new"] = math.sin
        return kept[-1].activation(x), math.sin, {"sum": [sum]}

    for _ in range(2):
        table = {}
        _, sine, others = function(0.3, table)
        model = kept.pop()
        assert sine is math.sin is table["new"] is model.activation
        assert others["sum"][0] is sum
        assert model.several == [(math.cos, np.array)]
        assert model.several[0][1] is np.array
        assert pickle.loads(pickle.dumps(model)).activation is math.sin  # noqa: S301  (its own)
