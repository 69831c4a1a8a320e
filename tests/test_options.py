"""What @trace, record and watch refuse, and what they keep apart."""

import contextlib
import functools

import numpy as np
import pytest

from tracer import audit, diff, load, record, trace, verify, watch
from tracer.errors import CutError, GradientError, LookupNameError, UnsupportedError, UsageError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"static": "x"}, r"@trace\(static=…\) takes several names; got 'x'; write static=\('x',\)"),
        ({"watch": "W"}, r"@trace\(watch=…\) takes several names; got 'W'"),
        ({"watch": np.ones(3)}, r"several names; got what is no text; name it: watch=\(\"W\", "),
        ({"keep": "some"}, r"takes 'auto' or 'all'; got 'some'"),
        ({"static": ("y",)}, r"no parameter 'y' to be static; it is <lambda>\(x, weight\)$"),
    ],
)
def test_options_that_would_be_misread_are_refused(options, message):
    with pytest.raises((UsageError, LookupNameError), match=message):
        trace(**options)(lambda x, weight=WEIGHT: x)
    with pytest.raises(TypeError, match="wach"):
        trace(wach=("W",))


def doubled(function):
    @functools.wraps(function)
    def twice(*args):
        return 2 * function(*args)

    return twice


def test_a_decorator_around_trace_is_part_of_what_is_recorded():
    finished = record(doubled(trace(lambda x: x * x)), 3.0)
    assert (finished.result, finished.grads) == (18.0, {"x": 12.0})


WEIGHT = np.array([2.0, 3.0])


def test_a_value_watched_twice_is_one_input():
    def helper(x):
        return (watch(WEIGHT, "W") * x).sum()

    finished = record(lambda x: helper(x) + helper(2 * x), 3.0)
    assert finished.grads["W"].tolist() == [9.0, 9.0]
    assert finished.grads["x"] == 15.0


def test_a_watched_value_takes_no_name_that_is_taken():
    def swallowing(x):
        with contextlib.suppress(ValueError):
            x = x * watch(5.0, "x")
        return x

    for function in (lambda x: x * watch(5.0, "x"), swallowing):
        with pytest.raises(UsageError, match="the name 'x' is taken"):
            record(function, 3.0)


def test_outputs_are_chosen_by_their_whole_path_first():
    nested = record(lambda x: ((x, x * 2), x * 3), 1.0)
    assert nested.backward(of=1).grads == {"x": 3.0}
    assert nested.backward(of="[0][1]").grads == {"x": 2.0}
    both = record(lambda x: {"aux": {"loss": 100 * x}, "loss": 3 * x}, 1.0)
    assert both.backward(of="loss").grads == {"x": 3.0}
    several = record(lambda x: {"a": {"loss": 100 * x}, "b": {"loss": 3 * x}}, 1.0)
    with pytest.raises(LookupNameError, match=r"several outputs 'loss'.*; give the whole path"):
        _ = several.backward(of="loss").grads


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt])
def test_a_refusal_that_became_another_error(error):
    outside = np.ones((2, 2))
    held = memoryview(outside)

    def function(x):
        try:
            outside.reshape(-1)[0] = x  # where NumPy says that it got no number
        except Exception as caught:
            raise error("later") from caught

    expected = KeyboardInterrupt if error is KeyboardInterrupt else UnsupportedError
    with pytest.raises(
        expected, match="later" if error is KeyboardInterrupt else "made outside of the trace"
    ):
        record(function, 2.0)
    held.release()


def test_a_refusal_that_the_program_catches_is_still_an_error():
    def careful(x):
        try:
            return np.var(x, ddof=0.1 * x[0])
        except TypeError:
            return x.sum()

    with pytest.raises(
        UnsupportedError, match=r"np\.var with a traced ddof= that is no whole number is not followed"
    ):
        record(careful, WEIGHT)

    @trace(strict=True)
    def hiding(x):
        try:
            return float(x) * x
        except ValueError:
            return x * 100

    with pytest.raises(CutError, match=r"left the graph through float\(\)"):
        hiding(2.0)
    assert record(lambda x: x * x, 3.0).grads == {"x": 6.0}


@pytest.mark.parametrize("seed", [1j, "one"])
def test_a_seed_is_a_real_number(seed):
    with pytest.raises(GradientError, match=r"the seed is no real number"):
        _ = record(lambda x: x * x, 3.0).backward(seed=seed).grads


def test_what_a_function_kept_is_plain_after_its_run():
    kept = []

    def keeping(x):
        kept.append(x * 2)
        return x.sum()

    record(keeping, WEIGHT)
    (array,) = kept
    array[0] = 5.0
    assert array.std() == np.array([5.0, 6.0]).std()
    assert (array * 1).tolist() == [5.0, 6.0]


@pytest.mark.parametrize("name", ["ctypes", "base", "choose"])
def test_no_attribute_of_an_array_is_a_way_out(name):
    with pytest.raises(UnsupportedError, match=f"ndarray.{name} is not followed yet"):
        record(lambda x: getattr(x, name), np.ones((2, 2)))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.cumsum(x, axis=1)[:, 1],
        lambda x: x.cumsum() * np.arange(6),
        lambda x: np.flip(x, 0)[0],
        lambda x: x.swapaxes(0, 1)[2] * 3.0,
        lambda x: np.moveaxis(x, 0, 1)[1] ** 2,
        lambda x: np.inner(x, x)[0],
        lambda x: np.tensordot(x, x, axes=([0, 1], [0, 1])) * np.ones(1),
        lambda x: np.vdot(x, 2 * x) * np.ones(1),
    ],
)
def test_functions_that_move_and_multiply(function):
    x = np.arange(6.0).reshape(2, 3) + 0.5
    finished = record(function, x)
    seed = np.ones(np.shape(finished.result))
    gradient = finished.backward(seed=seed).grads["x"]
    for place in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[place] = 1e-6
        slope = (function(x + step).sum() - function(x - step).sum()) / 2e-6
        assert gradient[place] == pytest.approx(slope, rel=1e-6, abs=1e-8)


class Decorated:
    @trace
    @staticmethod
    def alone(x):
        return x * 3

    @trace
    @classmethod
    def of_class(cls, x):
        return x * 5


def test_descriptors_are_decorated_beneath():
    assert (Decorated().alone(2.0), Decorated.alone(2.0)) == (6.0, 6.0)
    assert Decorated.alone.last_trace.grads["x"] == 3.0
    assert (Decorated().of_class(2.0), Decorated.of_class(2.0)) == (10.0, 10.0)
    assert Decorated.of_class.last_trace.grads["x"] == 5.0


def test_what_is_no_function_is_refused_at_once():
    with pytest.raises(UsageError, match="@trace stands before a function; got 3"):
        trace(3)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: record(3), r"record takes a function and its arguments; got int; write record\(f, x\)"),
        (lambda: load(3), r"load takes the path of a trace file; got int; load\('x.trace'\)"),
        (lambda: verify("m.trace"), r"verify takes a Trace; got str; give one: tracer\.load\('m\.trace'\)"),
        (
            lambda: audit("m.trace", {"x": 1.0}),
            r"audit takes a Trace; got str; .*tracer\.load\('m\.trace'\)",
        ),
        (lambda: diff("a", "b"), r"diff takes a Trace; got str; give one: tracer\.load\('a'\)"),
        (lambda: verify(None), r"verify takes a Trace; got NoneType; give one: f\.last_trace, record"),
    ],
)
def test_what_is_no_trace_and_no_function_is_said(call, said):
    with pytest.raises(UsageError, match=said):
        call()


def test_an_output_that_is_not_there_is_told_which_is():
    with pytest.raises(LookupNameError, match=r"no output 'zz'; its one output is the result, and of="):
        _ = record(trace(of="zz")(lambda x: x * 2), 1.0).grads
    with pytest.raises(LookupNameError, match=r"no output 'zz'; its one output is \['loss'\], and of="):
        _ = record(trace(of="zz")(lambda x: {"loss": x * 2}), 1.0).grads


def test_a_long_list_of_names_says_how_many_more_there_are():
    finished = record(lambda *x: sum(x), *map(float, range(20)))
    with pytest.raises(LookupNameError, match=r"holds several inputs: x\[0\], .*, x\[11\] … and 8 more$"):
        finished["x"]
    with pytest.raises(LookupNameError, match=r"known names: x\[0\], .*, x\[11\] … and 8 more$"):
        finished["unlike"]
