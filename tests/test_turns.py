"""Traces in several threads at once: those that watch the same take turns, all others are what they are in one."""

from __future__ import annotations

import copy
import functools
import math
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from checks import same
from test_plain_result import replaced

from tracer import record, tape, trace, turns, watch
from tracer.errors import UnsupportedError
from tracer.run import Options, run

pytestmark = pytest.mark.usefixtures("small_program")
A = np.array([[1.5, -2.0], [0.25, 3.0]])


class Model:
    def __init__(self):
        self.w, self.A, self.pair = 0.7, np.array([1.0, 2.0]), (1.5, [2.5])


model = Model()


class Turns:
    """Which of several threads are in a traced function at once."""

    def __init__(self):
        self.inside, self.most, self.order = 0, 0, []

    def __enter__(self):
        self.inside += 1
        self.most = max(self.most, self.inside)

    def __exit__(self, *_):
        self.inside -= 1


def in_threads(*works):
    """Run in threads that start at once; what each returns, or raises."""
    start = threading.Barrier(len(works))
    answers = [None] * len(works)

    def run(number, work):
        start.wait()
        try:
            answers[number] = work()
        except Exception as error:  # noqa: BLE001  (as above)
            answers[number] = error

    threads = [threading.Thread(target=run, args=each, daemon=True) for each in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
        assert not thread.is_alive()
    return answers


weights = np.array([1.0, 2.0])
other = [0.5]
shared = Model()


def by_name(x):
    global weights
    with turns_taken:
        y = np.sum(weights * x)
        weights -= 0.25
        weights = weights * 2.0
        return y


def by_object(x):
    watch(shared, "shared")
    with turns_taken:
        y = np.sum(shared.A * x) * shared.w
        shared.A += 1.0
        shared.w = shared.w + 1.0
        return y


def by_item(x):
    return x * other[0]


turns_taken = Turns()


@pytest.mark.parametrize(("function", "names"), [(by_name, ("weights",)), (by_object, ())])
def test_traces_that_watch_the_same_take_turns(function, names):
    def start():
        global weights, turns_taken, shared
        weights, turns_taken, shared = np.array([1.0, 2.0]), Turns(), Model()

    def work():
        traced = trace(watch=names)(function)
        answers = []
        for _ in range(5):
            result = traced(3.0)
            answers.append((float(result), repr(traced.last_trace.grads)))
        return answers

    start()
    expected = [each for _ in range(4) for each in work()]
    state = copy.deepcopy((weights, vars(shared)))
    start()
    answers = in_threads(work, work, work, work)
    assert not [each for each in answers if isinstance(each, Exception)]
    found = [each for answer in answers for each in answer]
    assert sorted(found) == sorted(expected)
    assert same((weights, vars(shared)), state)
    assert turns_taken.most == 1


def test_traces_that_wait_for_each_other_are_told():
    global weights
    weights = np.array([1.0, 2.0])
    both = threading.Barrier(2)

    def nested(first, second, inner):
        def outer(x):
            both.wait(300)
            finished, error = run(inner, (), {}, Options(watch=(second,)))
            if error is not None:
                raise error
            return finished.result * x

        return trace(watch=(first,))(outer)(1.5)

    answers = in_threads(
        lambda: nested("other", "weights", lambda: weights[1] * 3.0),
        lambda: nested("weights", "other", lambda: other[0] * 3.0),
    )
    refused = [each for each in answers if isinstance(each, UnsupportedError)]
    assert len(refused) == 1
    assert "is in use by another trace that is running; at " in str(refused[0])
    assert next(each for each in answers if each not in refused) in (9.0, 2.25)
    assert type(weights) is np.ndarray
    assert type(other[0]) is float


def test_a_trace_that_waits_for_a_thread_that_waits_for_it(monkeypatch):
    monkeypatch.setattr(turns, "_PATIENCE", 0.02)
    answers = []

    def work():
        try:
            trace(watch=("other",))(by_item)(2.0)
        except UnsupportedError as error:
            answers.append(str(error))

    def starts_and_joins(x):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return x * other[0]

    assert trace(watch=("other",))(starts_and_joins)(2.0) == 1.0
    assert answers[0].startswith("other[0] is in use by another trace that is running; at test_")
    assert other == [0.5]


class Worker:
    """Numbers that a thread's own traces watch, and change."""

    def __init__(self, number):
        self.w, self.v, self.seen = 0.1 + number, np.array([1.0, number]), []

    def step(self, x):
        y = np.sum(self.v * x) * self.w + math.tanh(x)
        self.w = self.w * 0.9 + 0.01 * y
        self.v -= 0.125
        self.seen.append(y)
        return y


def unfinished(x):
    while True:
        x = x * 0.5 + math.sin(x)
        yield x


def program(worker, turn):
    """One of several traces: of its own object, of what all share, nested, failing, or leaving a generator."""
    kind = turn % 5
    x = 0.25 + turn
    if kind == 0:
        step = trace(watch=("self",))(Worker.step)
        result = step(worker, x)
        return result, step.last_trace.grads["x"], step.last_trace.grads["self"]["w"]
    if kind == 1:
        by_shared = trace(watch=("other", "model"))(lambda x: x * other[0] * model.w + np.sum(model.A * x))
        return by_shared(x), by_shared.last_trace.grads["other"], by_shared.last_trace.grads["model"]["A"]
    if kind == 2:
        outer = record(lambda x: record(lambda y: y * math.exp(-y), 2.0).grads["y"] * x * x, x)
        return outer.result, outer.grads["x"]
    if kind == 3:

        def fails(x):
            worker.seen.append(x * other[0])
            raise KeyError(np.sum(model.A))

        traced = trace(watch=("other", "model"))(fails)
        try:
            traced(x)
        except KeyError as error:
            return repr(error), len(traced.last_trace.nodes)
    source = unfinished(x)
    traced = trace(lambda x: next(source) * x + next(kept.setdefault(threading.get_ident(), unfinished(x))))
    return traced(x), traced.last_trace.grads["x"], len(traced.last_trace.edges)


kept = {}


def test_traces_of_every_kind_in_eight_threads_are_what_they_are_in_one():
    # In a process of its own: they search what the program has, and here that is what all tests have.
    program = "import test_turns; test_turns.in_eight_threads()"
    finished = subprocess.run(  # noqa: S603  (Python itself)
        [sys.executable, "-c", program],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr


def in_eight_threads():
    def work(number):
        worker, answers = Worker(number), []
        for turn in range(5):
            kept.pop(threading.get_ident(), None)
            answers.append(program(worker, turn))
        # A copy: Python 3.13.0 empties what only the __dict__ of a collected object holds (python/cpython#130327)
        return answers, vars(worker).copy()

    expected = [work(number) for number in range(8)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    try:
        answers = in_threads(*(functools.partial(work, number) for number in range(8)))
    finally:
        sys.setswitchinterval(before)
        kept.clear()
    for answer, each in zip(answers, expected, strict=True):
        assert same(answer, each)
    assert replaced() == []
    assert (type(other[0]), type(model.w), type(model.A)) == (float, float, np.ndarray)
    assert not tape._RUNNING
