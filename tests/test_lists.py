"""Lists of traced numbers handed straight to NumPy, which does not look into lists itself."""

from __future__ import annotations

import functools
import operator
import warnings
from collections import UserList, deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
from checks import assert_differentiates, assert_untouched, central_differences, outcome, same

from tracer import lists, record
from tracer.errors import CutWarning, UnsupportedError


class Pair(NamedTuple):
    first: Any
    second: Any


class Measures:
    """As programs wrap an array, without a thought of more."""

    def __init__(self, data):
        self.data = data

    def __array__(self, dtype=None, copy=None):
        return self.data


class Summing(Measures):
    def sum(self, **_):
        return self.data.sum() * 3


class Doubled(Measures):
    def __array__(self, dtype=None, copy=None):
        out = np.zeros(2)
        out[:] = self.data * 2
        return np.array(out, dtype=dtype)


class Steps(Sequence):
    def __init__(self, *steps):
        self.steps = steps

    def __len__(self):
        return len(self.steps)

    def __getitem__(self, index):
        return self.steps[index]


class Wrapped(np.lib.mixins.NDArrayOperatorsMixin):
    """As NumPy's documentation has it."""

    def __init__(self, data):
        self.data = data

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        plain = (each.data if isinstance(each, Wrapped) else each for each in inputs)
        return Wrapped(getattr(ufunc, method)(*plain, **options))


FOLLOWED = {
    "sum": lambda x, y: np.sum([x, y, x * y]) * x,
    "sum of a tuple": lambda x, y: np.sum((x, y)) * y,
    "sum of plain numbers from a first number on": lambda x, y: np.sum([1.0, 2.0], initial=x) * np.max(RATES, initial=9 * y),
    "sum by keyword": lambda x, y: np.sum(a=[x, y * y]),
    "sum with axis": lambda x, y: np.sum([[x, y], [1.0, x * y]], axis=0),
    "sum of arrays": lambda x, y: np.sum([np.array([x, y]), np.ones(2) * y]),
    "mean": lambda x, y: np.mean([x, 2, y * x]),
    "mean of generated losses": lambda x, y: np.mean([(x * n - y) ** 2 for n in range(4)]),
    "prod": lambda x, y: np.prod([x, y, y]),
    "max": lambda x, y: np.max([x, y]) * y,
    "min": lambda x, y: np.min([[x], [y]]) * x,
    "var": lambda x, y: np.var([x, y, 2.0]),
    "std": lambda x, y: np.std((x, y, 2.0), ddof=1),
    "cumsum": lambda x, y: np.cumsum([x, y, x]),
    "cumprod": lambda x, y: np.cumprod([x, y, x]),
    "diff": lambda x, y: np.diff([x, y, x * y]),
    "dot": lambda x, y: np.dot([x, y], [1.0, 2.0]) * y,
    "dot of a plain matrix": lambda x, y: np.dot(np.ones((2, 2)), [x, y]),
    "inner": lambda x, y: np.inner([x, y], [y, x * x]),
    "vdot": lambda x, y: np.vdot([x, y], [3.0, y]),
    "outer": lambda x, y: np.outer([x, y], [y, 2.0]),
    "cross": lambda x, y: np.cross([x, y, 1.0], [y, 2.0, x]),
    "kron": lambda x, y: np.kron([x, y], [1.0, y]),
    "tensordot": lambda x, y: np.tensordot([x, y], [x, y], 1),
    "einsum": lambda x, y: np.einsum("i,i->", [x, y], [y, y]),
    "trace": lambda x, y: np.trace([[x, y], [y, x * y]]),
    "convolve": lambda x, y: np.convolve([x, y], [1.0, y]),
    "clip": lambda x, y: np.clip([x, y], 0.0, 1.0) * [x, y],
    "round": lambda x, y: np.round([x, y], 3) * 0.0 + x + y,
    "where": lambda x, y: np.where([True, False], [x, y], [0.0, x * y]),
    "sort": lambda x, y: np.sort([x, y, 0.0]) * x,
    "take": lambda x, y: np.take([x, y, x * y], [2, 0]),
    "roll": lambda x, y: np.roll([x, y], 1) * [1.0, 2.0],
    "flip": lambda x, y: np.flip([x, y]) * [1.0, 2.0],
    "repeat": lambda x, y: np.repeat([x, y], 2),
    "tile": lambda x, y: np.tile([x, y], 2),
    "pad": lambda x, y: np.pad([x, y], 1),
    "reshape": lambda x, y: np.reshape([x, y], (2, 1)) * y,
    "ravel": lambda x, y: np.ravel([[x, y]]) * y,
    "transpose": lambda x, y: np.transpose([[x, y]]) @ [[y]],
    "squeeze": lambda x, y: np.squeeze([[x, y]]) * x,
    "broadcast_to": lambda x, y: np.broadcast_to([x, y], (3, 2)) * y,
    "atleast_2d": lambda x, y: np.atleast_2d([x, y]) @ [x, y],
    "append": lambda x, y: np.append([x], [y, 2.0]) * y,
    "stack": lambda x, y: np.stack([[x, y], [y, 1.0]]) * y,
    "stack of a deque": lambda x, y: np.stack(deque([np.array([x, y]), [y, 1.0]], 2)) * y,
    "stack of a deque, into an array": lambda x, y: np.stack(deque([np.array([x, y]), [y, 1.0]]), out=np.zeros((2, 2))) * y,
    "hstack of a deque": lambda x, y: np.hstack(deque([x, y])) * y,
    "concatenate of a named tuple": lambda x, y: np.concatenate(Pair([x, y], np.array([y]))) * y,
    "append to a class of lists": lambda x, y: np.vstack(UserList((np.array([x, y]), [y, 2.0]))) * y,
    "roots of a class of polynomials": lambda x, y: np.abs(np.roots(np.poly1d(np.array([x, y, 2.0])))) * y,
    "sum of a deque": lambda x, y: np.sum(deque([x, y])) * y,
    "sum of a named tuple": lambda x, y: np.sum(Pair(x, x * y)),
    "mean of a class of lists": lambda x, y: np.mean(UserList([x, y, 1.0])) * y,
    "sum of a class of sequences": lambda x, y: np.sum(Steps(x, y, x * y)),
    "dot of it": lambda x, y: np.dot(Steps(x, y), [1.0, 2.0]) * y,
    "sum of a class with __array__": lambda x, y: np.sum(Measures(np.array([x, y]))) * y,
    "where of it": lambda x, y: np.where([True, False], Doubled(np.array([x, y])), 1.0) * y,
    "sum of a plain one": lambda x, y: np.sum(Measures(np.ones(2))) * y,
    "sum of one with its own": lambda x, y: np.sum(Summing(np.array([x, y]))) * y,
    "added in place": lambda x, y: operator.iadd(np.array([x, y]), Doubled(np.array([y, x]))) * y,
    "array of a deque": lambda x, y: np.array(deque([x, y])) * y,
    "array of a class of sequences": lambda x, y: np.asarray(Steps(x, y, 1)) * y,
    "array of such in such": lambda x, y: np.array(Steps(Steps(x, y), [1.0, x])) * y,
    "dot with a class of sequences": lambda x, y: np.dot(np.array([x, y]), Steps(y, 2.0)),
    "times a class of sequences": lambda x, y: np.array([x, y]) * Steps(y, 2.0),
    "asarray of a class with __array__": lambda x, y: np.asarray(Measures(np.array([x, y]))) * y,
    "array of it": lambda x, y: np.array(Doubled(np.array([x, y]))) * y,
    "array of it, of a type": lambda x, y: np.array(Doubled(np.array([x, y])), np.float64) * y,
    "array of it, in two axes": lambda x, y: np.array(Measures(np.array([x, y])), ndmin=2) * y,
    "array of a list of it": lambda x, y: np.array([Measures(np.array([x, y])), [y, 1.0]]) * y,
    "times it": lambda x, y: np.array([x, y]) * Measures(np.array([y, x])),
    "it in an operator": lambda x, y: Measures(np.array([y, x])) - np.array([x, y]),
    "a plain one": lambda x, y: np.array([x, y]) * Measures(np.ones(2)),
    "multiply by it": lambda x, y: np.multiply(np.array([x, y]), Doubled(np.array([y, x]))),
    "dot with it": lambda x, y: np.dot(Measures(np.array([y, x])), np.array([x, y])),
    "concatenate of it": lambda x, y: np.concatenate([Measures(np.array([y, x])), np.array([x, y])]) * y,
    "it written": lambda x, y: (lambda out: (out.__setitem__(..., Doubled(np.array([y, x]))), out * y)[1])(np.zeros(2)),
    "times a class with __array_ufunc__": lambda x, y: (np.array([x, y]) * Wrapped(np.array([y, x]))).data,
    "it times": lambda x, y: (Wrapped(np.array([y, x])) ** np.array([x, y])).data,
    "a number and it": lambda x, y: (x - Wrapped(np.array([y, x]))).data,
    "minimum with it": lambda x, y: np.minimum(np.array([x, y]), Wrapped(np.array([y, x * x]))).data,
    "vstack": lambda x, y: np.vstack([[x, y], (y, 1.0)]) * y,
    "hstack": lambda x, y: np.hstack([[x, y], x]) * y,
    "column_stack": lambda x, y: np.column_stack(([x, y], [y, x])) * y,
    "concatenate": lambda x, y: np.concatenate([[x, y], np.ones(2)]) * y,
    "block": lambda x, y: np.block([[x, y], [1.0, x]]) * y,
    "meshgrid": lambda x, y: np.meshgrid([x, y], [1.0, y])[0] * y,
    "full": lambda x, y: np.full((2, 2), [x, y]) * y,
    "fft": lambda x, y: np.abs(np.fft.fft([x, y, 0.5])) ** 2,
    "irfft": lambda x, y: np.fft.irfft([x, y + 1j * x, 0.5]),
    "norm": lambda x, y: np.linalg.norm([x, y]),
    "det": lambda x, y: np.linalg.det([[x, y], [y, 3.0]]),
    "inv": lambda x, y: np.linalg.inv([[x, 1.0], [2.0, y]]),
    "solve": lambda x, y: np.linalg.solve([[x, 1.0], [2.0, y]], [y, 2.0]),
    "multi_dot": lambda x, y: np.linalg.multi_dot([[[x, y]], [[y, 1.0], [x, x]], [[1.0], [y]]]),
    "array, deeper": lambda x, y: np.array([x, y], ndmin=2) @ [x, y],
    "array by keyword": lambda x, y: np.array(object=[x, y]) * np.asarray(a=y),
    "asanyarray": lambda x, y: np.asanyarray([x, y]) * y,
    "ascontiguousarray": lambda x, y: np.ascontiguousarray([x, y]) * np.ascontiguousarray(x),
    "asarray_chkfinite": lambda x, y: np.asarray_chkfinite([x, y]) * y,
    "a method of an array of one's own": lambda x, y: np.ones(2).dot([x, y]),
    "@ with an array of one's own": lambda x, y: np.ones((2, 2)) @ [x, y],
    "+ with an array of one's own": lambda x, y: np.ones(2) + [x, y],
}  # fmt: skip
RATES = np.array([0.5, 2.0])  # made outside of the trace
BY_OTHER_NAMES = {"total": np.sum}


def by_default(values, average=np.mean):
    return average(values)


@pytest.mark.parametrize("function", FOLLOWED.values(), ids=FOLLOWED)
def test_numpy_of_a_list_is_numpy_of_the_array(function):
    assert_differentiates(function, 1.3, 0.7)
    assert_untouched(function, 1.3, 0.7)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: BY_OTHER_NAMES["total"]([x, y * y]),
        lambda x, y: by_default([x, y * y]),
        lambda x, y: functools.partial(np.dot, RATES)([x, y * y]),
        lambda x, y: sum(map(np.sum, [[x, y], [y]])),
    ],
)
def test_a_function_is_followed_by_whatever_name(function):
    assert_differentiates(function, 1.3, 0.7)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: np.argmax([x, y]),
        lambda x, y: np.shape([[x, y]]),
        lambda x, y: np.allclose([x, y], [1.3, 0.7]),
        lambda x, y: np.argsort([x, y]).tolist(),
        lambda x, y: np.isclose([x], [1.3]).all(),
    ],
)
def test_a_plain_read_of_a_list_is_no_cut(function):
    finished = record(lambda x, y: (function(x, y), x * y)[1], 1.3, 0.7)
    assert [node.kind for node in finished.nodes] == ["input", "input", "function", "output"]
    assert_untouched(function, 1.3, 0.7)


@pytest.mark.parametrize(
    ("function", "via", "advice"),
    [
        (
            lambda x, y: getattr(np, "exp")([x, y]),  # noqa: B009
            r"a conversion to a plain array",
            r"np\.array",
        ),
        (lambda x, y: RATES @ [x, y], "a conversion to a plain array", r"np\.array"),
        (lambda x, y: RATES + [x, y], "a conversion to a plain array", r"np\.array"),
        (lambda x, y: [x, y] * RATES, "a conversion to a plain array", r"np\.array"),
        (lambda x, y: np.histogram2d([x, y], [y, x], density=True)[1], r"np\.histogram2d", "detach"),
        (lambda x, y: np.histogramdd([[x, y]], density=True)[1][0], r"np\.histogramdd", "detach"),
        (lambda x, y: np.array([x, y], dtype=int), r"np\.array of int64", "detach"),
    ],
)
def test_what_is_not_followed_is_a_cut_with_advice(function, via, advice):
    with pytest.warns(CutWarning, match=rf"through {via}; at test_lists\.py:\d+; .*back; {advice}"):
        finished = record(lambda x, y: np.sum(function(x, y)) + x, 1.3, 0.7)
    assert finished.grads == {"x": 1.0, "y": 0.0}
    assert same(finished.result, np.sum(function(1.3, 0.7)) + 1.3)


def test_an_array_in_a_list_is_refused_where_the_function_is_not_followed():
    with pytest.raises(
        UnsupportedError, match=r"np\.histogramdd with .* is not followed yet; at test_lists\.py"
    ):
        record(lambda a: np.histogramdd([a], density=True)[0], RATES)


@pytest.mark.parametrize(
    "call",
    [
        lambda: np.sum(),
        lambda: np.sum(RATES, bad=3),
        lambda: np.concatenate(),
        lambda: np.concatenate([RATES], 0, None, 3),
        lambda: np.stack(iter([RATES])),
        lambda: np.dot(RATES),
        lambda: np.dot([1.0, 2.0], [1.0]),
        lambda: np.reshape([1.0, 2.0], (3, 5)),
        lambda: np.einsum(),
        lambda: np.block([[RATES], RATES]),
        lambda: np.linalg.norm([[1.0, 2.0]], axis=0),
        lambda: np.take_along_axis([[3.0, 1.0]], [[1]], axis=1),
        lambda: np.sum([1.0, 2.0], where=[True, False], initial=3),
        lambda: np.var([[1.0], [2.0]], None, None, None, 1),
        lambda: np.mean([]),
    ],
)
def test_a_plain_call_is_what_it_is_without_a_trace(call):
    def with_warnings():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            return outcome(call), [(each.category, str(each.message)) for each in caught]

    seen = []
    record(lambda x: seen.append(with_warnings()) or x, 1.0)
    assert same(seen, [with_warnings()])


def test_a_list_that_holds_itself_is_numpys_own_error():
    def function(x):
        values = [1.0]
        values.append(values)
        return np.sum(values) * x

    assert_untouched(function, 2.0)


def test_numpy_is_as_before_when_the_trace_has_ended():
    record(lambda x: x, 1.0)
    table = lists._dispatchers()
    names = {dispatcher.__name__ for dispatcher in table.functions}
    assert {
        "_sum_dispatcher",
        "dot",
        "concatenate",
        "where",
        "_norm_dispatcher",
        "_fft_dispatcher",
    } <= names
    assert [each.__code__ for each in table.functions] == table.originals

    def looks(x):
        return x, all(
            each.__code__ is code for each, code in zip(table.functions, table.looking, strict=True)
        )

    assert record(looks, 1.0).result[1]
    with pytest.raises(ZeroDivisionError):
        record(lambda x: x / 0, 1.0)
    assert [each.__code__ for each in table.functions] == table.originals


def test_a_list_of_an_outer_trace_is_followed_by_the_outer_one():
    def outer(x):
        inner = record(lambda y: np.sum([x, y]), 2.0)
        return inner.result * x

    expected = central_differences(lambda x: (x + 2.0) * x, 3.0)
    with pytest.raises(UnsupportedError, match="two traces that are both running"):
        record(outer, 3.0)
    assert record(lambda x: record(lambda: np.sum([x, 2.0])).result * x, 3.0).grads["x"] == pytest.approx(
        expected[0]
    )


def added_at(x):
    made = np.ones(2)
    np.add.at(made, [0, 1], [1.0, x])
    np.multiply.at(made, [0, 1], [x, 2.0])
    return made.sum()


def added_into(x):
    made = np.ones(2)
    np.add(np.ones(2), [1.0, x], out=made)
    made *= [x, 3.0]
    return made.sum()


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.add(np.ones(2), [1.0, x]).sum(),
        lambda x: np.subtract(np.ones((1, 2)), [(1.0, x)], dtype=np.float64).sum(),
        lambda x: np.divmod(np.full(2, 7.0), [0.5, x])[1].sum(),
        lambda x: np.vecdot(np.ones(2), [x, x * x]),
        lambda x: np.matmul(np.eye(2), [[1.0, 2.0], [x, 3.0]], axes=[(1, 0), (0, 1), (1, 0)]).sum(),
        lambda x: np.power.outer(np.full(2, 3.0), [1.0, x]).sum(),
        added_at,
        added_into,
    ],
)
def test_a_list_beside_an_array_that_the_function_made_is_followed(function):
    assert_untouched(function, 1.7)
    assert_differentiates(function, 1.7)
