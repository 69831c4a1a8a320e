"""Nothing is left behind: no patch, no frame, no memory; also on errors, in nested calls, threads and generators."""

from __future__ import annotations

import builtins
import contextlib
import gc
import math
import multiprocessing
import sys
import threading
import types
import warnings
import weakref

import numpy as np
import pytest

import tracer.backward
from tracer import detach, record, trace, watch
from tracer.errors import CutWarning, GradientError, UnsupportedError

ORIGINALS = {
    (module.__name__, name): id(
        getattr(module, name)
    )  # the functions themselves would be found, and replaced
    for module, names in (
        (math, [name for name in dir(math) if not name.startswith("_")]),
        (builtins, ["sum", "min", "max", "pow", "round", "abs", "sorted", "divmod"]),
        (np, ["array", "asarray", "stack", "exp"]),
    )
    for name in names
}


def replaced():
    return [
        name
        for (module, name), original in ORIGINALS.items()
        if id(getattr(sys.modules[module], name)) != original
    ]


class Local:
    """Something that lives in a local variable of a traced function."""


def succeed(x):
    return math.exp(x) * sum([x, 1.0])


def fail(x):
    math.exp(x)
    raise ValueError(x)


def exit_early(x):
    raise SystemExit(math.exp(x) and 3)


def nest(x):
    return record(succeed, 2.0).result + trace(succeed)(x) + math.exp(x)


def fail_nested(x):
    try:
        trace(fail)(x)
    except ValueError:
        return math.exp(x)


def unsupported(x):
    return np.var(np.array([x, x]), ddof=x)


@pytest.mark.parametrize(
    ("function", "error"),
    [
        (succeed, None),
        (fail, ValueError),
        (exit_early, SystemExit),
        (nest, None),
        (fail_nested, None),
        (unsupported, UnsupportedError),
        (lambda x: x.nonsense, AttributeError),
        (lambda x: succeed(), TypeError),
    ],
)
def test_no_replacement_is_left(function, error):
    assert replaced() == []
    if error is None:
        trace(function)(1.5)
    else:
        with pytest.raises(error):
            trace(function)(1.5)
    assert replaced() == []


def test_the_replacements_are_there_only_while_a_trace_runs():
    seen = []
    record(lambda x: seen.append(replaced()) or x, 1.0)
    assert {"exp", "sum", "array"} <= set(seen[0])


def test_a_module_imported_while_a_trace_runs_gets_the_originals_back():
    def imports(x):
        module = types.ModuleType("imported_by_a_trace")
        sys.modules[module.__name__] = module
        module.exp = math.exp
        return module.exp(x)

    try:
        assert record(imports, 1.0).grads["x"] == math.e
        assert sys.modules["imported_by_a_trace"].exp is math.exp
    finally:
        del sys.modules["imported_by_a_trace"]


def test_a_nested_trace_restores_only_when_the_outer_one_ends():
    def outer(x):
        inside = record(succeed, 2.0)
        return math.exp(x) * inside.result

    finished = record(outer, 1.0)
    assert finished.grads["x"] == math.e * succeed(2.0)
    assert replaced() == []


def test_a_value_of_the_outer_trace_in_an_inner_one_stays_traced():
    def outer(x):
        inner = record(lambda y: y * y, x)
        return inner.result * 2, inner.grads["y"]

    with pytest.warns(CutWarning, match=r"y is a value of the outer trace, .*; detach\(y\)") as caught:
        finished = record(outer, 3.0)
    assert len(caught) == 1
    assert finished.grads["x"] == 12.0
    assert finished.result[1] is None


def test_a_detached_value_is_an_input_of_the_inner_trace():
    def outer(x):
        return record(lambda y: y * y, detach(x)).grads["y"] * x

    assert record(outer, 3.0).grads["x"] == 6.0


def test_eight_threads_each_have_their_own_trace():
    start = threading.Barrier(8)
    found = {}

    def work(number):
        start.wait()
        for turn in range(20):

            @trace
            def function(x, a):
                total = math.sin(x) * number
                for _ in range(30):
                    total = total * 0.9 + math.exp(-x * x) + np.sum(a * x)
                return total

            x, a = 0.1 * number + 0.01 * turn, np.full(3, float(number))
            function(x, a)
            found[number, turn] = function.last_trace.grads, x, len(function.last_trace.nodes)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    weights = sum(0.9**k for k in range(30))
    for (number, _), (grads, x, nodes) in found.items():
        slope = 0.9**30 * number * math.cos(x) + weights * (-2 * x * math.exp(-x * x) + 3 * number)
        assert grads["x"] == pytest.approx(slope, rel=1e-12)
        assert grads["a"] == pytest.approx(np.full(3, weights * x), rel=1e-12)
        assert nodes == next(iter(found.values()))[2]
    assert len(found) == 160
    assert replaced() == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("caught", [(), Exception], ids=["ends the thread", "caught in the thread"])
def test_a_traced_value_in_another_thread_is_refused(caught):
    def function(x):
        doubled = [1.0]

        def work():
            try:
                doubled[0] = x * 2
            except caught:
                pass

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return doubled[0] * x

    with pytest.raises(
        UnsupportedError, match=r"used in another thread than the one that runs .*; at .*\.py:\d+"
    ):
        trace(function)(1.0)


def test_a_traced_value_in_a_queue_to_another_process_is_refused_at_the_users_line():
    def function(x):
        queue = multiprocessing.get_context("spawn").Queue()
        queue.put(x * 2)
        return queue.get() * x  # the thread that pickles is waited for

    first = function.__code__.co_firstlineno
    with pytest.raises(
        UnsupportedError, match=r"in another thread .*; to another process, hand detach"
    ) as told:
        trace(function)(1.0)
    assert (
        str(told.value)
        .split("; at ")[1]
        .startswith(tuple(f"test_plain_result.py:{first + each};" for each in (2, 3)))
    )


def powers(x):
    y = 1.0
    while True:
        y = y * x
        yield y


def test_a_generator_that_is_never_finished():
    kept = []

    def function(x):
        kept.append(powers(x))
        return next(kept[0]) + next(kept[0])

    assert record(function, 3.0).grads["x"] == 7.0
    assert replaced() == []
    assert next(kept[0]) == 27.0
    assert type(next(kept[0])) is float


def test_a_function_that_outlives_the_trace_computes_plain_numbers():
    later = trace(lambda x: lambda y: math.exp(x * y) + np.sum(np.array([x, y])))(2.0)
    assert later(0.5) == math.exp(1.0) + 2.5
    with pytest.warns(CutWarning, match="a value kept from an earlier trace is a constant in this one"):
        assert record(later, 0.5).grads["y"] == 2 * math.exp(1.0) + 1


def test_no_frame_is_kept_alive():
    references = []

    @trace
    def function(x, error=None):
        local = Local()
        references.append(weakref.ref(local))
        helper_local(x)
        y = x * x
        if error:
            raise error
        return y

    def helper_local(x):
        local = Local()
        references.append(weakref.ref(local))
        return [x * k for k in range(3)]

    gc.disable()
    try:
        function(2.0)
        assert [reference() for reference in references] == [None, None]
        references.clear()
        try:
            function(2.0, ValueError("no"))
        except ValueError:
            pass
        gc.collect()
        assert [reference() for reference in references] == [None, None]
    finally:
        gc.enable()
    assert function.last_trace.error == "ValueError: no"


WEIGHTS = np.eye(4)


@pytest.mark.usefixtures("small_program")
def test_memory_stays_flat(monkeypatch):
    @trace(watch=("WEIGHTS",))
    def function(x, a, items):
        x = math.tanh(x) + np.sum(a * x)
        out = np.zeros(4)
        out[0] = x * a[1]
        out += WEIGHTS @ out
        row = out[1:3]
        row *= watch(0.5, "rate")
        items.append(out)
        return out.sum()

    @trace
    def fails(a):
        b = np.exp(a) @ a
        raise ValueError(b)

    def many(count):
        for number in range(count):
            # Both ways: all is kept, and nothing is.
            tracer.backward.BUDGET = 1 << 20 if number % 2 else 0
            function(0.5, np.ones(4), [])
            finished = function.last_trace
            assert finished.grads["x"] != 0
            if number % 10 == 0:
                assert finished.edges[number % len(finished.edges)].stats.norm >= 0
                with pytest.raises(ZeroDivisionError):
                    trace(lambda x: x / 0)(1.0)
                with pytest.raises(ValueError, match=r"\d"):
                    fails(np.ones(3))

    def count():
        gc.collect()
        return len(gc.get_objects()), sys.getallocatedblocks()

    monkeypatch.setattr(tracer.backward, "BUDGET", 0)  # and set again when the test ends
    # NumPy and Python fill caches of their own, nearly all in the first runs.
    runs = 200
    many(2 * runs)
    before = count()
    many(runs)
    objects, blocks = (now - then for now, then in zip(count(), before, strict=True))
    assert objects < runs / 10
    assert blocks < runs


def test_an_exception_passes_unchanged():
    error = KeyError("mine")
    cause = OSError("below")

    def function(x):
        y = x * 2
        try:
            raise error from cause
        finally:
            _ = y * 3

    traced = trace(function)
    with pytest.raises(KeyError) as caught:
        traced(1.0)
    assert caught.value is error
    assert caught.value.__cause__ is cause
    assert caught.traceback[-1].name == "function"
    finished = traced.last_trace
    assert finished.error == "KeyError: 'mine'"
    assert finished.result is None
    assert [node.op for node in finished.nodes] == ["input", "multiply", "multiply"]
    assert finished["y"].value == 2.0


@pytest.mark.parametrize("value", [2.0, 2, np.float32(2), np.int64(2), np.ones(2)], ids=repr)
def test_a_missing_attribute_is_that_of_the_plain_value(value):
    def function(x):
        return x.nonsense

    with pytest.raises(AttributeError) as plain:
        function(value)
    with pytest.raises(AttributeError) as traced:
        record(function, value)
    assert str(traced.value) == str(plain.value)
    assert type(traced.value.obj) is type(value)  # no stand-in, which would keep the whole tape


@pytest.mark.parametrize("value", [2.0, 2, np.float32(2), np.int64(2), np.ones((2, 2))], ids=repr)
def test_a_value_has_the_attributes_of_the_plain_value(value):
    names = sorted({name for each in (float, int, np.ndarray) for name in dir(each) if name[0] != "_"})
    found = []

    def function(x):
        for name in names:
            try:
                found.append((name, hasattr(x, name)))
            except UnsupportedError:
                found.append((name, True))
        return x

    with (
        warnings.catch_warnings(action="ignore", category=CutWarning),
        contextlib.suppress(UnsupportedError),
    ):
        record(function, value)
    assert found == [(name, hasattr(value, name)) for name in names]


@pytest.mark.parametrize("names", [("exp", "tanh"), ("tanh", "exp")])
def test_a_name_that_the_function_binds_anew_stays_bound(names):
    kept, changed = names
    module = types.ModuleType("bound_anew")
    setattr(module, kept, getattr(math, kept))
    setattr(module, changed, getattr(math, changed))
    sys.modules[module.__name__] = module
    try:
        record(lambda x: setattr(module, changed, abs) or getattr(module, kept)(x), 1.0)
        assert getattr(module, changed) is abs
        assert getattr(module, kept) is getattr(math, kept)
        record(lambda x: delattr(module, kept) or x, 1.0)
        assert not hasattr(module, kept)
    finally:
        del sys.modules[module.__name__]
    assert replaced() == []


def test_a_name_bound_to_an_original_in_place_of_another_is_replaced():
    module = types.ModuleType("bound_in_place")
    module.function = math.exp
    sys.modules[module.__name__] = module
    try:
        for name in ("exp", "tanh", "sin"):
            module.function = getattr(math, name)
            derivative = record(lambda x: module.function(x), 0.5).grads["x"]
            assert derivative == record(getattr(math, name), 0.5).grads["x"]
    finally:
        del sys.modules[module.__name__]


def test_a_failing_trace_says_that_there_is_no_output():
    traced = trace(lambda x: x / 0)
    with pytest.raises(ZeroDivisionError):
        traced(1.0)
    with pytest.raises(
        GradientError, match=r"<lambda> raised an exception, so .*ZeroDivisionError: .*division by zero"
    ):
        _ = traced.last_trace.grads


def deep(n, x):
    return x if n == 0 else deep(n - 1, x * 1.0001)


def test_deep_recursion_of_the_users():
    assert record(deep, 200, 2.0).grads["x"] == pytest.approx(1.0001**200)
    with pytest.raises(RecursionError):
        record(deep, 10**6, 2.0)
    assert replaced() == []


def test_what_is_printed_is_what_the_plain_call_prints(capsys):
    def printing(x, a):
        print(x, a, [x], {"a": x}, f"{x:.3f}", "%s" % x, sep="|")
        return print(x * 2, end="")

    printing(2.5, np.array([1.0, 2.0]))
    expected = capsys.readouterr().out
    trace(printing)(2.5, np.array([1.0, 2.0]))
    assert capsys.readouterr().out == expected
