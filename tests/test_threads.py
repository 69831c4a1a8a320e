"""Threads beside a trace: those that meet what it watches, and those it hands work to."""

from __future__ import annotations

import concurrent.futures
import copy
import functools
import json
import math
import pickle
import queue
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest
from checks import same
from scipy import interpolate, sparse, stats

from tracer import detach, record, trace
from tracer.errors import CutError, CutWarning, UnsupportedError
from tracer.standins import plain_deep

pytestmark = [
    pytest.mark.usefixtures("small_program"),
    pytest.mark.filterwarnings("ignore:Setting the shape:DeprecationWarning"),  # from NumPy 2.5 on
]
W = 0.3
N = 7
MATRIX = sparse.csr_array(np.eye(2))
A = np.array([[1.5, -2.0], [0.25, 3.0]])


class Model:
    def __init__(self):
        self.w, self.A, self.pair = 0.7, np.array([1.0, 2.0]), (1.5, [2.5])


model = Model()


class Bystander:
    """A thread that is there before the trace, and works when the traced function says so, to its end."""

    def __init__(self, work):
        self.go, self.done, self.answers = threading.Event(), threading.Event(), []
        self.work = work
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        self.go.wait()
        try:
            self.answers.append(self.work())
        except Exception as error:  # noqa: BLE001  (whatever it may be, it is compared)
            self.answers.append(error)
        finally:
            self.done.set()

    def meet(self):
        self.go.set()
        assert self.done.wait(300)

    @property
    def answer(self):
        self.thread.join()
        return self.answers[0]


def pickled(value):
    return pickle.loads(pickle.dumps(value))  # noqa: S301  (written here)


WORK = [
    lambda: W * 2.0, lambda: 2.0 / W, lambda: W + W, lambda: -W, lambda: abs(W), lambda: W**2, lambda: W**W,
    lambda: math.sin(W), lambda: math.hypot(W, 1.0), lambda: math.atan2(1.0, W), lambda: divmod(W, 0.25),
    lambda: float(W), lambda: int(W), lambda: round(W, 1), lambda: complex(W), lambda: W < 1.0, lambda: bool(W),
    lambda: W == 0.3, lambda: hash(W), lambda: f"{W:.3f} {W}" + "%.2f" % W, lambda: {W: 1}[0.3],
    lambda: max(W, 0.1) + 0.0, lambda: sum([W, 1.0]), lambda: min([W * 1.0, 2.0]), lambda: np.exp(W),
    lambda: np.array([W, 1.0]), lambda: np.float64(2.0) * W, lambda: math.floor(W), lambda: detach(W),
    lambda: json.dumps([W * 1.0]), lambda: pickled(W), lambda: sorted([W * 1.0, 0.1]),
    lambda: W.is_integer(), lambda: W.hex(), lambda: W.real * 1.0, lambda: N * 2, lambda: list(range(N)),
    lambda: N // 2 + W, lambda: "ab" * N, lambda: N & 3,
    lambda: A * 2.0, lambda: A + A, lambda: A @ A, lambda: -A, lambda: A.T, lambda: A[0], lambda: A[0, 1],
    lambda: A[A > 0], lambda: A.sum(), lambda: A.mean(axis=0), lambda: np.dot(A, A), lambda: A.tolist(),
    lambda: A.copy(), lambda: A.reshape(4), lambda: A.ravel(), lambda: [row * 1.0 for row in A], lambda: len(A),
    lambda: np.array(A), lambda: A.astype(int), lambda: A.astype(np.float32), lambda: A.item(2), lambda: A.flat[3],
    lambda: np.concatenate([A, A]), lambda: np.linalg.norm(A), lambda: np.split(A, 2), lambda: A.tobytes(),
    lambda: copy.deepcopy(A), lambda: pickled(A), lambda: np.where(A > 0, A, 0.0),
    lambda: np.einsum("ij,jk", A, A), lambda: np.sort(A), lambda: np.add.reduce(A), lambda: A.max(),
    lambda: np.isnan(A), lambda: A.shape, lambda: A.dtype, lambda: np.modf(A), lambda: A.clip(0, 1),
    lambda: np.linalg.svd(A)[1], lambda: np.full(2, W), lambda: np.zeros(2) + A, lambda: A * W, lambda: A[N - 6],
    lambda: np.stack([A[0] * W, A[1]]), lambda: np.polyval([1.0, 2.0], A), lambda: A.view() + 0.0, lambda: A / N,
    lambda: np.asarray(A.T) + 1, lambda: A.argmax(), lambda: A == A, lambda: np.array_equal(A, A), lambda: A.data[1, 1],
    lambda: model.w * 2, lambda: model.A[1] * 1.0, lambda: model.A.dot(model.A), lambda: model.pair[1][0] + model.pair[0],
]  # fmt: skip


def computes(x, meet):
    y = x * W + N * 0.5
    z = np.sum(A * y) * model.w
    meet()
    return np.sum(A @ A) * z + W + model.A[0] * model.pair[0] + model.pair[1][0]


WATCHED = ("W", "N", "A", "model")


def counted(trace):
    return len(trace.nodes), len(trace.edges), [node.op for node in trace.nodes]


@functools.cache
def alone():
    traced = trace(watch=WATCHED, static=("meet",))(computes)
    traced(2.0, lambda: None)
    return traced.last_trace


@pytest.mark.parametrize("work", WORK)
def test_a_bystander_computes_plain_values(work):
    plain = work()
    bystander = Bystander(work)
    traced = trace(watch=WATCHED, static=("meet",))(computes)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        result = traced(2.0, bystander.meet)
    assert same(bystander.answer, plain)
    assert type(bystander.answer) is type(plain)
    assert same(result, computes(2.0, lambda: None))
    assert counted(traced.last_trace) == counted(alone())
    assert same(traced.last_trace.grads, alone().grads)
    assert len(warned) <= 1
    for each in warned:
        assert each.category is CutWarning
        assert "another thread has read a value that is an input of this trace" in str(each.message)
        assert "at test_threads.py:" in str(each.message)


def test_what_a_bystander_reads_strictly_is_an_error_of_the_trace_alone():
    bystander = Bystander(lambda: W * 3.0)
    with pytest.raises(
        CutError, match=r"another thread has read a value that is an input of this trace.*; at test_threads"
    ):
        trace(watch=("W",), strict=True)(computes)(2.0, bystander.meet)
    assert bystander.answer == 0.3 * 3.0


@pytest.mark.filterwarnings("ignore::tracer.errors.CutWarning")
@pytest.mark.parametrize("named", [True, False])
def test_a_place_that_the_function_has_bound_anew_and_the_bystander_too(named):
    global W

    def function(x):
        global W
        W = W * x
        first.meet()
        W = W + x
        second.meet()
        return W * x

    def double():
        return W * 2.0

    def increment():
        global W
        W += 1.0
        return W

    before = W
    results = []
    try:
        for each in (function, trace(watch=("W",) if named else ("W", "model"))(function)):
            W = before
            first, second = Bystander(double), Bystander(increment)
            results.append((each(2.0), W, first.answer, second.answer))
    finally:
        W = before
    assert same(*results)


def write_item():
    A[0, 0] = 9.0


def write_all():
    global A
    A += 1.0


def write_shape():
    A.shape = (4,)


def write_view():
    A.T[0, 0] = 9.0


def write_into():
    np.multiply(A, 2.0, out=A)


@pytest.mark.filterwarnings("ignore::tracer.errors.CutWarning")
@pytest.mark.parametrize(
    "work", [write_item, write_all, write_shape, lambda: A.sort(), write_into, lambda: A.fill(0)]
)
def test_a_write_of_a_bystander_is_an_error_of_the_trace_alone(work):
    global A
    before, own = A.copy(), A
    work()
    written, A = A.copy(), own
    A.shape = before.shape
    A[...] = before
    bystander = Bystander(work)
    with pytest.raises(
        UnsupportedError, match=r"a traced array is written into in another thread .*; at .*\.py:\d+"
    ):
        trace(watch=("A",), static=("meet",))(computes)(2.0, bystander.meet)
    assert bystander.answer is None
    assert A is own
    assert same(A, written)
    A.shape = before.shape
    A[...] = before


@pytest.mark.filterwarnings("ignore::tracer.errors.CutWarning")
def test_what_a_bystander_sees_of_an_array_is_only_to_be_read():
    bystander = Bystander(write_view)
    traced = trace(watch=WATCHED, static=("meet",))(computes)
    traced(2.0, bystander.meet)
    assert "read-only" in str(bystander.answer)
    assert same(traced.last_trace.grads, alone().grads)
    assert A.flags.writeable


HANDED = {
    "argument": lambda x, w: x * 2.0,
    "computed": lambda x, w: w + 1.0,
    "with what is watched": lambda x, w: W * x,
    "what is watched first": lambda x, w: A * x,
    "math": lambda x, w: math.sin(x),
    "NumPy": lambda x, w: np.exp(w),
    "SciPy's densities": lambda x, w: stats.norm.logpdf(x),
    "SciPy's splines": lambda x, w: interpolate.CubicSpline([0, 1, 2], [0, 1, 0])(w),
    "SciPy's matrices": lambda x, w: (MATRIX @ [x, 1.0])[0],
    "leaving": lambda x, w: float(w),
    "an argument of a trace": lambda x, w: record(lambda y: y * 2.0, x).result,
    "detached": lambda x, w: detach(x),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::tracer.errors.CutWarning")
@pytest.mark.parametrize("work", HANDED.values(), ids=HANDED)
@pytest.mark.parametrize("watched", [(), ("W", "A")])
@pytest.mark.parametrize("is_new", [True, False])
def test_work_that_the_function_hands_to_a_pool_is_refused(work, watched, is_new):
    def function(x):
        if is_new:
            with concurrent.futures.ThreadPoolExecutor(2) as own:
                return sum(own.map(work, [x, x], [x * W, x]))
        return pool.submit(work, x, x * W).result() * x

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()  # its thread is there before the trace
        plain = function(2.0)
        with pytest.raises(UnsupportedError, match="a traced value is used in another thread"):
            trace(watch=watched)(function)(2.0)
        assert same(function(2.0), plain)


def produce(into, x):
    for turn in range(3):
        into.put(x * turn)
    into.put(None)


def write(into, x):
    a = np.zeros(3)
    a[0] = x
    into.put(a)
    a[1] = x
    a.T[2] = 5.0
    a.shape = (3, 1)
    a += x
    into.put(None)


def look(into, x):
    a = np.atleast_1d(x)
    a.view("u8")[0] += 1
    into.put(a.ctypes.shape[0])
    into.put(None)


@pytest.mark.parametrize("work", [produce, write, look])
def test_a_function_does_not_wait_for_ever_for_a_thread(work):
    def function(x):
        answers = queue.Queue()
        a, found = np.array([x, x]), []
        worker = threading.Thread(target=work, args=(answers, x), daemon=True)
        worker.start()
        while (answer := answers.get(timeout=300)) is not None:
            found.append(answer)
        worker.join()
        written = threading.Event()
        threading.Thread(target=lambda: (a.__setitem__(0, 9.0), written.set()), daemon=True).start()
        assert written.wait(300)
        gone_on.append((plain_deep(found), a[0] == 9.0))
        return a[0]

    gone_on = []
    function(2.0)
    with pytest.raises(UnsupportedError, match="a traced value is used in another thread"):
        trace(function)(2.0)
    assert same(*gone_on)


def test_an_argument_that_another_trace_watches_is_an_input_of_both():
    bystander = Bystander(lambda: record(lambda w, a: np.sum(a * w), W, A).grads)
    with pytest.warns(CutWarning, match="another thread has read"):
        trace(watch=WATCHED, static=("meet",))(computes)(2.0, bystander.meet)
    assert same(bystander.answer, {"w": float(np.sum(A)), "a": np.full((2, 2), W)})


def test_a_trace_beside_one_that_watches_what_it_computes_with():
    bystander = Bystander(lambda: record(lambda x: np.sum(A * x) * W + x * W, 2.0).grads["x"])
    plain = record(lambda x: np.sum(A * x) * W + x * W, 2.0).grads["x"]
    with pytest.warns(CutWarning, match="another thread has read"):
        trace(watch=WATCHED, static=("meet",))(computes)(2.0, bystander.meet)
    assert same(bystander.answer, plain)


def test_a_free_threaded_python_is_refused():
    program = "import sys; sys.version = '3.14.0 free-threading build (main)'; import tracer"
    ended = subprocess.run(
        [sys.executable, "-"], input=program, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith(
        "ImportError: edgegrad does not run on a free-threaded Python: "
    )
    assert "; got Python 3.14.0 free-threading build (main); " in ended.stderr
