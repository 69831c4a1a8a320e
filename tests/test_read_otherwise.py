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
    assert same(record(lambda w: (w * NET.W.copy()).sum(), NET.W).grads["w"], NET.W)
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
