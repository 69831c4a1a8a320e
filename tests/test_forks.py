"""A process that is forked while a trace runs is plain Python, and the trace in the parent doesn't notice."""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import traceback

import numpy as np
import pytest
from test_plain_result import replaced
from test_threads import Bystander

from tracer import record, trace, watch
from tracer.errors import CutWarning

pytestmark = [
    pytest.mark.usefixtures("small_program"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork"),
    # Python's own, of a fork while there are threads; nothing here goes on using them in the child.
    pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning"),
]

W = 0.5
A = np.array([1.0, 2.0])


class Model:
    def __init__(self):
        self.w, self.A = 0.7, np.array([3.0, 4.0])


model = Model()


def child(work):
    """What `work` returns in a forked child, as JSON keeps it; an error's text."""
    read, write = os.pipe()
    number = os.fork()
    if number == 0:
        try:
            answer = work()
        except BaseException:  # noqa: BLE001  (the child must end here)
            answer = traceback.format_exc()
        os.write(write, json.dumps(answer).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        answer = json.load(pipe)
    os.waitpid(number, 0)
    return answer


def plain_state():
    """What of a trace would be seen by a plain program: nothing."""
    kinds = [type(each).__module__ + type(each).__name__ for each in (W, A, model.w, model.A, math.exp)]
    return kinds, replaced(), A.tolist(), model.A.tolist(), trace(lambda x: x * 2)(1.5)


def traces():
    traced = trace(watch=("W", "model"))(lambda x: math.exp(x * W) * model.w + np.sum(model.A))
    value = float(traced(2.0))
    return value, float(traced.last_trace.grads["x"]), replaced()


@pytest.mark.parametrize("work", [plain_state, traces])
@pytest.mark.parametrize("names", [(), ("W", "A", "model")])
def test_a_child_that_is_forked_in_a_traced_function(work, names):
    expected = json.loads(json.dumps(work()))
    answers = []

    def function(x):
        watch(model, "m")
        y = x * W * model.w + np.sum(A)
        answers.append(child(work))
        return y * math.exp(x)

    traced = trace(watch=names)(function)
    plain = function(1.5)
    assert traced(1.5) == plain
    assert answers == [expected, expected]
    assert traced.last_trace.grads["x"] == record(function, 1.5).grads["x"]
    assert replaced() == []


def goes_on(x, fork):
    global W
    y = x * W
    A[0] = 5.0
    model.A *= 2.0
    found = fork()
    y = math.exp(-x) * y + np.sum(A * x) + model.w
    out = np.zeros(2)
    out[0], out[1] = y, W
    W = y
    A[1] += 1.0
    model.A[0] = 0.0
    return float(np.sum(out)), found


def outcome(function):
    result, _ = function()
    return result, W, A.tolist(), model.A.tolist(), type(model.w).__module__, replaced()


@pytest.mark.filterwarnings("ignore::tracer.errors.CutWarning")
def test_a_function_that_goes_on_in_the_child_computes_plain_values():
    expected = child(lambda: outcome(lambda: goes_on(1.5, lambda: None)))
    traced = trace(watch=("W", "A", "model"), static=("fork",))(goes_on)

    def whole():
        """In a child of the test: trace, and fork in the midst of it; the grandchild's answer and the child's own."""
        read, write = os.pipe()
        is_parent = []

        def fork():
            is_parent.append(os.fork())

        mine = outcome(lambda: traced(1.5, fork))
        if not is_parent[0]:
            os.write(write, json.dumps(mine).encode())
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as pipe:
            return mine, json.load(pipe), traced.last_trace.grads["x"] is not None

    mine, grandchilds, has_gradient = child(whole)
    assert mine == expected
    assert grandchilds == expected
    assert has_gradient


def test_a_child_has_plain_values_in_the_containers_that_were_given():
    params, a = {"w": 2.0, "of": [3.0]}, np.ones(2)
    answers = []

    def kinds():
        return [type(params["w"]).__name__, type(params["w"]).__module__, params["of"], float(np.sum(a))]

    def function(params, a, x):
        a[0] = 5.0
        y = params["w"] * params["of"][0] * x
        answers.append(child(kinds))
        return y + a[0]

    finished = record(function, params, a, 1.5)
    assert answers == [["float", "builtins", [3.0], 6.0]]
    assert finished.grads["params"] == {"w": 4.5, "of": [3.0]}


def test_a_fork_of_another_thread_while_a_trace_runs():
    expected = json.loads(json.dumps(plain_state()))
    bystander = Bystander(lambda: child(plain_state))

    def function(x):
        bystander.meet()
        return x * W + np.sum(A) * model.w

    traced = trace(watch=("W", "A", "model"))(function)
    traced(2.0)
    assert bystander.answer == expected
    assert traced.last_trace.grads["W"] == 2.0


def squares(x):
    return x * x * W, type(W).__module__, math.exp(x), replaced(), trace(lambda y: y * y)(x)


@pytest.mark.filterwarnings("ignore::tracer.errors.CutWarning")
def test_workers_of_a_pool_that_is_made_in_a_traced_function():
    def function(x):
        with multiprocessing.get_context("fork").Pool(2) as pool:
            found.extend(pool.map(squares, [1.0, 2.0]))
        return x * W

    found = []
    traced = trace(watch=("W",))(function)
    assert traced(3.0) == 1.5
    assert found == list(map(squares, [1.0, 2.0]))
    assert traced.last_trace.grads == {"x": 0.5, "W": 3.0}


def test_a_traced_number_goes_to_a_child_as_a_cut():
    def function(x):
        read, write = multiprocessing.Pipe()
        write.send(x)
        return read.recv() * x

    with pytest.warns(CutWarning, match="pickle"):
        assert trace(function)(3.0) == 9.0
