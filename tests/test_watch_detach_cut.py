"""Values that enter the graph by watch, and leave it by detach or a cut, which is never silent."""

from __future__ import annotations

import ctypes
import math
import re
import struct
import warnings

import numpy as np
import pytest
from checks import same
from invariants import assert_invariants

from tracer import detach, record, trace, watch
from tracer.errors import CutError, CutWarning, LookupNameError, UnsupportedError


def leaves(x):
    total = 0.0
    for _ in range(3):
        total = total + float(x) * x
    return total + int(x)


def test_a_cut_warns_once_for_each_place_and_is_drawn_each_time():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        finished = record(leaves, 2.5)
    first = leaves.__code__.co_firstlineno
    assert [str(each.message) for each in caught] == [
        f"a traced value left the graph through {via}; at test_watch_detach_cut.py:{first + line}; "
        "what is computed from it carries no gradient back; detach(x) says that this is meant"
        for via, line in (("float()", 3), ("int()", 4))
    ]
    assert [(each.category, each.filename, each.lineno) for each in caught] == [
        (CutWarning, __file__, first + 3),
        (CutWarning, __file__, first + 4),
    ]
    cuts = [node for node in finished.nodes if node.kind == "cut"]
    assert [(node.op, node.name, node.value, node.site.text) for node in cuts] == [
        *[("cut", None, 2.5, "float(x)")] * 3,
        ("cut", None, 2.5, "int(x)"),
    ]
    assert finished.grads["x"] == 7.5
    assert_invariants(finished)


@pytest.mark.parametrize(
    ("via", "function"),
    [
        ("np.float64()", lambda x: np.float64(x) * x),
        ("np.float32()", lambda x: np.float32(x) * x),
        ("np.int64()", lambda x: np.int64(x) * x),
        ("float()", lambda x: float(x) * x),
        ("int()", lambda x: int(x) * x),
        ("float() in struct.pack", lambda x: struct.unpack("d", struct.pack("d", x))[0] * x),
        ("float() in ctypes.c_double", lambda x: ctypes.c_double(x).value * x),
    ],
)
def test_a_cut_by_a_type_of_numbers_has_its_name(via, function):
    followed = rf"np\.array\(…, {via[:-2]}\) is followed; " if "np.float" in via else ""
    said = rf"left the graph through {re.escape(via)}; at .*; what is .* back; {followed}detach\(x\) says"
    with pytest.warns(CutWarning, match=said):
        finished = record(function, 2.5)
    assert finished.grads["x"] == float(finished.result) / 2.5


def drawn(x):
    return x * np.random.default_rng(0).choice(2, p=np.array([x, 1 - x]))


def whole(x):
    counts = np.array([1, 2])
    counts[0] = x
    return counts.sum()


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (
            drawn,
            r"in choice; .*; a draw has no gradient by its probability; .*followed",
        ),
        (
            whole,
            r"an array of int64 .*; value 0.25, .* whole numbers there; make counts an array of floats: np",
        ),
    ],
)
def test_what_has_no_gradient_to_give_is_named(function, said):
    with pytest.raises((CutError, UnsupportedError), match=said):
        trace(strict=True)(function)(0.25)


def test_a_new_trace_warns_anew():
    for _ in range(2):
        with pytest.warns(CutWarning):
            record(leaves, 2.5)


def test_strict_raises_at_the_line():
    traced = trace(strict=True)(leaves)
    with pytest.raises(CutError) as caught:
        traced(2.5)
    assert str(caught.value) == (
        "a traced value left the graph through float(); at test_watch_detach_cut.py:"
        f"{leaves.__code__.co_firstlineno + 3}; value 2.5; "
        "what is computed from it carries no gradient back; detach(x) says that this is meant"
    )
    assert isinstance(caught.value, ValueError)
    assert traced.last_trace.error.startswith("CutError: a traced value left")
    assert trace(strict=True)(lambda x: detach(x) * x)(3.0) == 9.0
    with pytest.raises(CutError, match=r"through \.tobytes; at .*; value array of shape \(2,\); "):
        trace(strict=True)(lambda a: a.tobytes())(np.ones(2))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: f"{x} {x:.2f}",
        lambda x: str(x) + repr(x),
        lambda x: x > 1 and x == x,
        lambda x: [1, 2, 3][int(2) if x else 0],
        lambda x: math.isnan(x),
        lambda x: isinstance(x, float),
        lambda x: {x: 1}[x],
        lambda x: hash(x),
    ],
)
def test_a_read_is_no_cut(function):
    finished = trace(strict=True)(lambda x: (function(x), x * 2)[1])
    assert finished(2.0) == 4.0
    assert [node.kind for node in finished.last_trace.nodes] == ["input", "function", "output"]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: int(math.floor(x)),
        lambda x: int(np.round(x)),
        lambda x: int(x // 1),
        lambda x: np.floor(np.array([x, 2.5 * x])).astype(int)[1],
        lambda x: [int(each) for each in np.rint(np.array([x, 2.5 * x]))][1],
        lambda x: np.ceil(np.array([x, 2.5 * x])).reshape(1, 2).tolist()[0][1],
        lambda x: float(min(1, x)) + float(min(9 * x, max(x, 2.5))),
        lambda x: (np.arange(3) * min(1, x)).sum(),
    ],
)
def test_a_step_has_no_gradient_to_lose(function):
    traced = trace(strict=True)(lambda x: function(x) * x)
    assert traced(1.7) == function(1.7) * 1.7
    assert traced.last_trace.grads["x"] == function(1.7)


def test_a_number_in_a_format_with_percent_is_a_read():
    assert trace(strict=True)(lambda x, n: ("%.2f %d %5.1e" % (x, n, x), x)[0])(2.0, 3) == "2.00 3 2.0e+00"
    assert trace(strict=True)(lambda x: "%.2f" % x)(2.0) == "2.00"


def test_detach_is_a_cut_on_purpose():
    a = np.array([1.0, 2.0])

    def function(x, a):
        kept = detach(a)
        kept[0] = 50.0
        return np.sum(a * detach(a)) * detach(x) * x + detach(3.0) + np.sum(kept) * x

    finished = record(function, 2.0, a)
    assert finished.grads["x"] == 5 * 2 + 52
    assert finished.grads["a"].tolist() == [4.0, 8.0]
    assert type(detach(2.0)) is float
    assert detach(a) is a
    assert [node.kind for node in finished.nodes].count("cut") == 3
    assert_invariants(finished)


# Watching values in a function


def watching(x):
    w = watch(np.array([2.0, 3.0]), "w")
    layers = watch([{"b": 4.0}, "text"], "layers")
    return np.sum(w * x) + layers[0]["b"] * x


def test_watch_makes_an_input():
    finished = record(watching, 5.0)
    assert same(finished.grads, {"x": 9.0, "w": np.array([5.0, 5.0]), "layers": [{"b": 5.0}, None]})
    assert [node.name for node in finished.inputs] == ["x", "w", "layers[0]['b']"]
    assert finished["w"].grad.tolist() == [5.0, 5.0]
    assert watching(5.0) == 45.0


def test_watch_leaves_a_traced_value_and_a_plain_program_alone():
    assert record(lambda x: watch(x, "again") * 2, 3.0).grads == {"x": 2.0}
    value = [1.0]
    assert watch(value, "w") is value


text, not_yet, empty = "text", None, []


@pytest.mark.parametrize(
    ("function", "names", "said"),
    [
        (
            lambda x: watch("text", "w") and x,
            (),
            r"w is a str without a float in it: not traced",
        ),
        (lambda x: watch(np.arange(2), "w") + x, (), "w is an array of int64: not traced"),
        (lambda x: watch(Model, "w") and x, (), "w is a type without a float in it"),
        (lambda x: x, ("text",), "text is a str without a float in it"),
        (lambda x: x, ("leaves",), "leaves is a function without a float in it"),
    ],
)
def test_a_watched_value_without_a_float_is_told(function, names, said):
    with pytest.warns(
        CutWarning, match=rf"{said}.*; at test_watch_detach_cut\.py:\d+; name what holds floats"
    ):
        record(trace(watch=names)(function), 2.0)


def test_what_is_empty_or_none_may_be_watched():
    traced = trace(watch=("not_yet", "empty"), strict=True)(
        lambda x: (watch(None, "a"), watch([], "b"), x)[2]
    )
    assert traced(2.0) == 2.0


def test_a_name_that_is_watched_and_static_is_told():
    with pytest.warns(CutWarning, match="k is watched, and static: .*; take it out of one of the two$"):
        trace(watch=("k",), static=("k",))(lambda x, k: x * k)(2.0, 3.0)


def test_what_watch_returned_and_nothing_is_computed_with_is_told():
    weights, rates = np.array([2.0, 3.0]), [0.5]

    def forgotten(x):
        watch(weights, "w")
        return x * float(np.sum(weights * 2))

    def in_a_tuple(x):
        watch(tuple(rates), "w")
        return x * rates[0]

    for function in (forgotten, in_a_tuple):
        place = rf"test_watch_detach_cut\.py:{function.__code__.co_firstlineno + 1}"
        said = rf"nothing is computed with what watch\(…, 'w'\) .*; at {place}; .* go on with w = watch\("
        with pytest.warns(CutWarning, match=said) as caught:
            record(function, 2.0)
        assert len(caught) == 1
    finished = record(
        lambda x: (watch(rates, "w"), x * rates[0])[1], 2.0
    )  # a list stays the one that it is
    assert finished.grads == {"x": 0.5, "w": [2.0]}
    with pytest.warns(CutWarning, match="read here by another way") as caught:
        record(lambda x: (watch(weights, "w"), x * weights)[1], 2.0)
    assert len(caught) == 1
    assert record(lambda x: (x, watch(weights, "w")), 2.0).backward(of="[0]").grads["x"] == 1.0
    assert trace(strict=True)(lambda x: detach(watch(0.5, "w")) * x)(2.0) == 1.0
    assert trace(strict=True)(lambda x: watch(model, "model") and x)(2.0) == 2.0


# @trace(watch=…)

W = np.array([1.0, 2.0])
rate = 0.5


class Model:
    def __init__(self):
        self.W = np.array([3.0, 4.0])
        self.layers = {"b": 2.0}
        self.child = None


model = Model()
model.child = Model()


def uses_globals(x):
    return np.sum(W * model.W * model.child.W) * rate * x * model.layers["b"]


NAMES = ("W", "model.W", "model.child.W", "rate", "model.layers")


def test_globals_and_attributes_are_inputs_for_one_call():
    before = W, model.W, model.child.W, rate, model.layers
    traced = trace(watch=NAMES)(uses_globals)
    assert traced(2.0) == uses_globals(2.0)
    grads = traced.last_trace.grads
    assert list(grads) == ["x", *NAMES]
    assert same(grads["W"], np.array([18.0, 32.0]))
    assert same(grads["model.child.W"], np.array([6.0, 16.0]))
    assert same(grads["rate"], 41.0 * 4)
    assert same(grads["model.layers"], {"b": 41.0})
    after = W, model.W, model.child.W, rate, model.layers
    assert all(new is old for new, old in zip(after, before, strict=True))


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt])
def test_what_is_watched_is_restored_also_on_exceptions(error):
    def fails(x):
        _ = W * x
        raise error("no")

    before = W, model.W, rate
    with pytest.raises(error):
        trace(watch=("W", "model.W", "rate"))(fails)(1.0)
    assert all(new is old for new, old in zip((W, model.W, rate), before, strict=True))


def test_a_closure_variable_is_watched_and_restored():
    w, b = [1.0, 2.0], 3.0

    def function(x):
        return w[0] * x + w[1] + b

    traced = trace(watch=("w", "b"))(function)
    assert traced(5.0) == 10.0
    assert traced.last_trace.grads == {"x": 1.0, "w": [5.0, 1.0], "b": 1.0}
    assert type(b) is float
    assert type(w[0]) is float


counter = 1.0
history = []


def test_a_watched_global_that_the_function_changes():
    def function(x):
        global counter
        counter = counter * x
        history.append(counter)
        return counter * 2

    global counter
    try:
        traced = trace(watch=("counter", "history"))(function)
        assert traced(3.0) == 6.0
        assert traced.last_trace.grads["counter"] == 6.0
        assert same(counter, 3.0)
        assert same(history, [3.0])
    finally:
        counter = 1.0
        history.clear()


def test_a_watched_array_written_in_place():
    def function(x):
        model.W += x
        return np.sum(model.W * model.W)

    before, old = model.W, model.W.copy()
    try:
        traced = trace(watch=("model.W",))(function)
        assert traced(1.0) == 16.0 + 25.0
        assert model.W is before
        assert model.W.tolist() == [4.0, 5.0]
        assert traced.last_trace.grads["x"] == 18.0
    finally:
        before[:] = old


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "nothing",
            "nothing named 'nothing' can be watched; it is neither a global nor a closure variable of uses_globals",
        ),
        (
            "model.nothing",
            "a Model that is watched has no attribute 'nothing'; model is one; known names: W",
        ),
        ("w", "nothing named 'w' can be watched; .*; did you mean W?"),
    ],
)
def test_a_name_that_is_not_there(name, text):
    with pytest.raises(LookupNameError, match=text):
        trace(watch=("W", name))(uses_globals)(1.0)
    assert type(W) is np.ndarray
    assert trace(uses_globals)(1.0) == uses_globals(1.0)


def test_two_running_traces_cannot_watch_the_same_name():
    def outer(x):
        return record(trace(watch=("rate",))(uses_globals), 1.0).result * x

    with pytest.raises(
        UnsupportedError, match="rate is in use by another trace that is running; at test_watch_detach_cut"
    ):
        trace(watch=("rate",))(outer)(1.0)
    assert type(rate) is float


def test_a_value_kept_from_an_earlier_trace_is_a_constant_and_that_is_said():
    known = {}

    def doubled(x):
        known["doubled"] = known.get("doubled", x * 2)
        return known["doubled"]

    def function(x):
        return doubled(x) * x

    assert record(function, 3.0).grads["x"] == 12.0
    text = (
        r"kept from an earlier trace is a constant in this one; at test_watch_detach_cut\.py:\d+; a cache"
    )
    with pytest.warns(CutWarning, match=text):
        assert record(function, 3.0).grads["x"] == 6.0
    with pytest.raises(CutError, match=text):
        trace(strict=True)(function)(3.0)
    assert trace(strict=True)(lambda x: detach(doubled(x)) * x)(3.0) == 18.0
    assert doubled(3.0) * 2.0 == 12.0


@pytest.mark.parametrize("name", ["W", "rate", "model.W"])
def test_a_constant_that_is_asked_for_can_be_watched_as_the_error_says(name):
    with pytest.raises(
        LookupNameError, match=rf"'{name}'; .* constant; watch=\('{name}',\) makes it an input"
    ):
        _ = record(uses_globals, 1.0)[name]
    assert trace(watch=(name,))(uses_globals)(1.0) == uses_globals(1.0)
