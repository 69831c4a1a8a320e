"""An array argument that the program holds too, and uses there before it is written into: told, or refused."""

import copy
import re
from types import SimpleNamespace

import numpy as np
import pytest
from checks import same

from tracer import record, trace
from tracer.errors import CutError, CutWarning, UnsupportedError

NET = SimpleNamespace(W=np.arange(1.0, 5.0).reshape(2, 2), X=np.array([0.5, 2.0]))
WAYS = {
    "itself": lambda w, x: (w * NET.W).sum() * x[0],
    "on the left": lambda w, x: (NET.W @ x).sum() + w.sum(),
    "a view": lambda w, x: (NET.W.T @ x).sum() + w.sum(),
    "a row": lambda w, x: (x * NET.W[0]).sum() + w.sum(),
    "in a call": lambda w, x: np.concatenate([NET.W[1], x]).sum() + w.sum(),
    "a list": lambda w, x: (np.stack([NET.W, w]) * x).sum(),
    "written into another": lambda w, x: (w.copy().__setitem__(0, NET.W[1]), w.sum() * x[0])[1],
}


@pytest.mark.parametrize("way", WAYS)
def test_what_is_read_by_another_way_is_told(way):
    function, line = WAYS[way], WAYS[way].__code__.co_firstlineno
    said = rf"w is an argument, and read here by another way.*; at test_read_otherwise\.py:{line}; use w itself.*pass w\.copy"
    with pytest.warns(CutWarning, match=said) as caught:
        finished = record(function, NET.W, NET.X)
    assert [each.lineno for each in caught] == [line]
    assert same(finished.result, function(NET.W, NET.X))
    with pytest.raises(CutError, match=said):
        trace(strict=True)(function)(NET.W, NET.X)
    # What differs from the argument is a constant as any other.
    assert same(record(function, NET.W.copy(), NET.X).grads["w"], finished.grads["w"])


class Model:
    def __init__(self):
        self.W, self.b = np.array([1.0, 2.0]), np.array([0.5])
        self.layers = {"first": [SimpleNamespace(V=np.array([3.0, 1.0]))]}

    def loss(self):
        return (self.W * DATA).sum()

    def __call__(self):
        return self.layers["first"][0].V @ DATA

    def step(self, w):
        return self.loss() * w[0]


DATA, MODEL, VECTOR = np.array([3.0, 4.0]), Model(), np.array([0.3, 0.7])
V = MODEL.layers["first"][0].V
WEIGHTS = {"a": np.array([1.0, 2.0]), "b": np.array([3.0, 4.0])}


def read_by_a_helper():
    return float(VECTOR @ DATA)


def closed_over(vector):
    return vector, lambda w: (vector * DATA).sum() + w.sum()


NAMED = {
    "in a method": (lambda w: MODEL.loss() + (w * w).sum(), MODEL.W, "MODEL.W"),
    "by a call": (lambda w: MODEL() * w[0], V, "MODEL.layers['first'][0].V"),
    "of self": (MODEL.step, MODEL.W, "self.W"),
    "in a helper": (lambda w: read_by_a_helper() * w.sum(), VECTOR, "VECTOR"),
    "a part": (lambda w: w.sum() * MODEL.W[:1].sum(), MODEL.W, "MODEL.W"),
    "around": (*reversed(closed_over(np.array([2.0, 5.0]))), "vector"),
}
NOT_NAMED = {
    "another attribute": (lambda w: (w * DATA).sum() * MODEL.b[0], MODEL.W),
    "a copy": (lambda w: MODEL.loss() * w[0], MODEL.W.copy()),
    "data of which it is a part": (lambda w: float(VECTOR @ DATA) * w[0], VECTOR[:1]),
    "one of those that a checker has": (
        lambda w: sum((each * DATA).sum() for each in {**WEIGHTS, "a": w}.values()),
        WEIGHTS["a"],
    ),
    "an attribute of that name of another": (lambda w: w.sum() * SimpleNamespace(V=2.0).V, V),
}


@pytest.mark.parametrize("how", NAMED)
def test_what_only_plain_code_reads_by_another_way_is_told(how):
    function, array, way = NAMED[how]
    said = rf"w is an argument, and {re.escape(way)}, which the function may read, is the same array"
    with pytest.warns(CutWarning, match=said) as caught:
        record(function, array)
    assert len(caught) == 1


@pytest.mark.parametrize("how", NOT_NAMED)
def test_what_the_text_does_not_read_is_not_told(how):
    record(*NOT_NAMED[how])


def test_what_is_watched_or_written_is_read_with_its_gradient():
    finished = trace(watch=("MODEL",))(lambda w: MODEL.loss() + w.sum())
    finished(MODEL.W)
    assert finished.last_trace.grads["MODEL"]["W"].tolist() == [3.0, 4.0]
    own = Model()
    record(lambda w, x: (w.__isub__(0.0 * x), own.loss())[1], own.W, 2.0)


def updated(w, x):
    g = 2.0 * np.outer(NET.W @ x, x)
    w -= 0.1 * g
    return ((NET.W @ x) ** 2).sum()


def test_what_is_read_before_a_write_is_told():
    kept = NET.W.copy()
    line = updated.__code__.co_firstlineno + 1
    with pytest.warns(CutWarning, match=re.escape("read here by another way")) as caught:
        record(updated, NET.W, NET.X)
    NET.W[...] = kept
    assert [each.lineno for each in caught] == [line]


def test_what_is_meant_or_is_another_part_is_not_told():
    rows = np.ones((3, 2))
    assert same(record(lambda w: (w * rows[1:]).sum(), rows[0]).grads["w"], np.array([2.0, 2.0]))
    kept = NET.W.copy()
    assert same(record(lambda w: (w * kept).sum(), NET.W).grads["w"], kept)
    assert same(record(lambda w: (w * rows).sum(), rows[1]).grads["w"], np.array([3.0, 3.0]))  # is data's


def by_index(w, x):
    NET.W[0] = x
    return w.sum()


def in_place(w, x):
    rows = NET.W
    rows += x
    return w.sum()


WRITES = {
    "index": by_index,
    "in place": in_place,
    "out": lambda w, x: (np.add(NET.W, x, out=NET.W), w.sum())[1],
    "call": lambda w, x: (np.copyto(NET.W, x), w.sum())[1],
    "at": lambda w, x: (np.add.at(NET.W, 0, x), w.sum())[1],
}


@pytest.mark.parametrize("how", WRITES)
def test_what_is_written_by_another_way_first_is_refused(how):
    said = r"written into the array of w, an input, .*; at test_read_otherwise\.py:\d+; .* copy .*; write into w"
    kept = NET.W.copy()
    with pytest.raises(UnsupportedError, match=said):
        record(WRITES[how], NET.W, NET.X)
    NET.W[...] = kept


def test_what_is_kept_by_the_identity_of_an_array_is_found():
    params = [NET.W.copy(), NET.X.copy()]
    state = {id(each): 2.0 * each for each in params}

    def step(params, x):
        made = params[0] * 1.0
        assert id(made) != id(params[0])
        for each in params:
            each -= state[id(each)] * x  # noqa: PLW2901  (written in place)
        return sum(state[key].sum() for key in map(id, params)) * made.sum() - params[0].sum()

    assert record(step, params, 0.5).grads["x"] == 2.0 * NET.W.sum()


def test_a_copy_of_all_that_holds_an_array_keeps_the_input():
    held = SimpleNamespace(W=NET.W)
    assert record(lambda w: copy.deepcopy([held, w])[1].sum(), NET.W).grads["w"].all()
