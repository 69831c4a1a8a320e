"""Scopes: which call of which function a record belongs to, also where generators, operators and replaced functions call."""

from __future__ import annotations

import math
import operator

import numpy as np
import pytest

from tracer import record, trace
from tracer.errors import UnsupportedError


def helper(t):
    u = t * t
    return u + 1.0


def test_comprehensions_and_generators_are_part_of_their_function():
    def function(x):
        ys = [x * k for k in range(3)]
        zs = {k: math.exp(y) for k, y in enumerate(ys)}
        total = sum(y * y for y in zs.values())
        best = max([t + 1 for t in ys])
        return total * best

    finished = record(function, 0.5)
    assert finished["total"].op == "sum_scalars"
    assert finished["best"].op == "max_scalars"
    assert {node.scope.name for node in finished.nodes if node.kind == "function"} <= {
        "test_comprehensions_and_generators_are_part_of_their_function.<locals>.function",
        "test_comprehensions_and_generators_are_part_of_their_function.<locals>.function.<locals>.<genexpr>",
    }
    assert {node.site.text for node in finished.nodes if node.op == "exp"} == {"math.exp(y)"}


def generate(x):
    while True:
        x = x * 2
        yield x


def test_a_generator_is_one_scope_however_often_it_is_resumed():
    def function(x):
        source = generate(x)
        a = next(source) * x  # which is computed outside of it
        b = next(source)
        return a + b * helper(next(source))

    finished = record(function, 1.0)
    inside = [
        node.scope for node in finished.nodes if node.kind == "function" and node.scope.name == "generate"
    ]
    assert len(inside) == 3
    assert len({scope.index for scope in inside}) == 1


def test_the_builtin_sum_of_arrays_is_at_the_users_line():
    def function(a):
        total = sum([a, a * 2], start=a[0])
        return np.sum(total)

    finished = record(function, np.ones(2))
    additions = [node for node in finished.nodes if node.op == "add"]
    assert {node.site.text for node in additions} == {"sum([a, a * 2], start=a[0])"}
    assert {node.site.file for node in additions} == {__file__}
    assert finished["total"].value.tolist() == [4.0, 4.0]


def test_what_a_replaced_function_computes_is_at_the_users_line():
    def function(x, a):
        s = sum(map(operator.mul, [x, x * 2], [x, 3.0]))
        e = sum(map(math.exp, [x]))
        m = max(a) * math.fsum(a)
        return s * e * m

    finished = record(function, 2.0, np.array([1.0, 2.0]))
    places = [(node.op, node.name, node.site.text) for node in finished.nodes if node.kind == "function"]
    product, exponential = "sum(map(operator.mul, [x, x * 2], [x, 3.0]))", "sum(map(math.exp, [x]))"
    assert places[:9] == [
        ("multiply", None, "x * 2"),
        ("multiply", None, product),
        ("multiply", None, product),
        ("sum_scalars", "s", product),
        ("exp", None, exponential),
        ("sum_scalars", "e", exponential),
        ("getitem", None, "max(a)"),
        ("getitem", None, "max(a)"),
        ("max_scalars", None, "max(a)"),
    ]
    assert {node.site.file for node in finished.nodes if node.site} == {__file__}
    assert list(finished.source) == [__file__]


def test_what_a_replaced_function_calls_is_placed_in_the_users_code():
    def weight(t):
        return -(t * t)

    def function(x, y):
        best = max(x, y, key=weight)
        ordered = sorted([x, y], key=weight)
        total = sum(helper(t) for t in (x, y))
        return best * ordered[0] * total

    finished = record(function, 2.0, 3.0)
    assert {node.site.file for node in finished.nodes if node.site} == {__file__}
    calls = [scope for scope in finished.sites.scopes if scope.name.endswith("weight")]
    assert len(calls) == 4


def test_lambdas_operators_and_calls_in_one_line():
    finished = record(lambda x: (lambda t: t * 2)(x) + math.exp(x) * np.sin(x), 1.0)
    texts = [node.site.text for node in finished.nodes if node.kind == "function"]
    assert texts == [
        "t * 2", "math.exp(x)", "np.sin(x)", "math.exp(x) * np.sin(x)", "(lambda t: t * 2)(x) + math.exp(x) * np.sin(x)",
    ]  # fmt: skip


@trace
def inner(t):
    v = t * 3
    return v + 1


def test_a_traced_function_within_one_is_a_scope():
    def outer(x):
        w = inner(x)
        return w * x

    finished = record(outer, 2.0)
    assert finished["w"].value == 7.0
    assert finished["v"].scope.name == "inner"
    assert finished["v"].scope.parent == 0


def test_a_function_that_is_part_of_another_trace_has_no_trace_of_its_own():
    def step(x):
        loss = inner(x)
        return loss * inner.last_trace.grads["t"]

    inner(5.0)
    with pytest.raises(
        UnsupportedError, match=r"inner was last called by .*; at test_scopes\.py:\d+; .*\.grads"
    ):
        record(step, 2.0)
    assert repr(inner.last_trace) == "<inner was last called within another trace>"
    assert inner(5.0) == inner.last_trace.result == 16.0
