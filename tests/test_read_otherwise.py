"""An array argument that the program holds too, and uses there before it is written into: told, or refused."""

import copy
import re
from dataclasses import dataclass, replace
from functools import partial
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


class Base:
    def loss(self):
        return (self.W * DATA).sum()


class Model(Base):
    def __init__(self):
        self.W, self.b = np.array([1.0, 2.0]), np.array([0.5])
        self.layers = {"first": [SimpleNamespace(V=np.array([3.0, 1.0]))]}

    def loss(self):
        return super().loss() * 2.0

    @property
    def size(self):
        return (self.W**2).sum()

    @staticmethod
    def loss_of(model):
        return model.loss()

    def __call__(self):
        return self.layers["first"][0].V @ DATA

    def __matmul__(self, other):
        return self.W @ other

    def step(self, w):
        return self.loss() * w[0]


@dataclass
class Weights:
    W: np.ndarray

    def loss(self):
        return (self.W * DATA).sum()


DATA, MODEL, VECTOR = np.array([3.0, 4.0]), Model(), np.array([0.3, 0.7])
V = MODEL.layers["first"][0].V
WEIGHTS = {"a": np.array([1.0, 2.0]), "b": np.array([3.0, 4.0])}
LAYERS = [{"W": np.array([1.0, 2.0])}, {"W": np.array([3.0, 4.0])}]
PARAMS = [np.array([1.0, 2.0]), np.array([3.0, 4.0])]
PAIR = Weights(np.array([2.0, 1.0]))


def read_by_a_helper():
    return float(VECTOR @ DATA)


def closed_over(vector):
    return vector, lambda w: (vector * DATA).sum() + w.sum()


def loss_of(weights, data=DATA):
    return (weights["a"] * data).sum()


def loss_of_a_model(model=MODEL):
    return model.loss()


def through_layers(layers, x):
    for at, layer in enumerate(layers):
        x = x * layer["W"] + at
    return x.sum()


NAMED = {
    "in a method": (lambda w: MODEL.loss() + (w * w).sum(), MODEL.W, "MODEL.W"),
    "by a call": (lambda w: MODEL() * w[0], V, "MODEL.layers['first'][0].V"),
    "of self": (MODEL.step, MODEL.W, "self.W"),
    "in a helper": (lambda w: read_by_a_helper() * w.sum(), VECTOR, "VECTOR"),
    "a part": (lambda w: w.sum() * MODEL.W[:1].sum(), MODEL.W, "MODEL.W"),
    "around": (*reversed(closed_over(np.array([2.0, 5.0]))), "vector"),
    "a property": (lambda w: MODEL.size * w.sum(), MODEL.W, "MODEL.W"),
    "an operator": (lambda w: MODEL @ DATA * w.sum(), MODEL.W, "MODEL.W"),
    "by a default": (lambda w: loss_of_a_model() * w.sum(), MODEL.W, "model.W"),
    "by a method of the class": (lambda w: Model.loss_of(MODEL) * w.sum(), MODEL.W, "MODEL.W"),
    "in a partial": (lambda w: partial(loss_of_a_model, MODEL)() * w.sum(), MODEL.W, "model.W"),
    "by a variable": (lambda w: (lambda: [m := MODEL, m.loss()][1])() * w.sum(), MODEL.W, "MODEL.W"),
    "by an item": (lambda w: (WEIGHTS["a"] * DATA).sum() * w.sum(), WEIGHTS["a"], "WEIGHTS['a']"),
    "by an item of a parameter": (lambda w: loss_of(WEIGHTS) * w[0], WEIGHTS["a"], "WEIGHTS['a']"),
    "by `get`": (lambda w: WEIGHTS.get("b") @ DATA * w[0], WEIGHTS["b"], "WEIGHTS['b']"),
    "in a loop": (lambda w: through_layers(LAYERS, DATA) * w[0], LAYERS[1]["W"], "LAYERS[1]['W']"),
    "by getattr": (lambda w: (getattr(PAIR, "W") * DATA).sum() * w[0], PAIR.W, "PAIR.W"),  # noqa: B009
    "in a loop over arrays": (
        lambda w: sum((p * DATA).sum() for p in PARAMS) * w[0],
        PARAMS[1],
        "PARAMS[1]",
    ),
    "at a place": (lambda w, at=0: (PARAMS[at] * DATA).sum() * w[0], PARAMS[0], "PARAMS[0]"),
    "under a key": (lambda w, k="b": WEIGHTS[k] @ DATA * w[0], WEIGHTS["b"], "WEIGHTS['b']"),
    "gone through by map": (lambda w: sum(map(DATA.dot, PARAMS)) * w[0], PARAMS[0], "PARAMS[0]"),
    "stacked": (lambda w: np.stack(PARAMS).sum() * w[0], PARAMS[1], "PARAMS[1]"),
    "by vars": (lambda w: (vars(PAIR)["W"] * DATA).sum() * w[0], PAIR.W, "PAIR.W"),
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
    "another item": (lambda w: (WEIGHTS["b"] * DATA).sum() * w[0], WEIGHTS["a"]),
    "the item of a copy": (lambda w: loss_of({**WEIGHTS, "a": w}), WEIGHTS["a"]),
    "another object": (lambda w: replace(PAIR, W=w).loss(), PAIR.W),
    "a copy of the object": (lambda w: (m := copy.copy(PAIR), setattr(m, "W", w), m.loss())[2], PAIR.W),
    "another one than by default": (lambda w: loss_of_a_model(Model()) * w[0], MODEL.W),
    "an unknown one": (lambda w: loss_of_a_model(*[copy.deepcopy(MODEL)]) * w[0], MODEL.W),
    "all but the one that is given": (
        lambda w, k=0: np.stack([w if at == k else p for at, p in enumerate(PARAMS)]).sum(),
        PARAMS[0],
    ),
    "the others": (lambda w: sum((p * DATA).sum() for p in PARAMS if p is not w) * w[0], PARAMS[0]),
    "those before and after": (
        lambda w, k=0: np.stack([*PARAMS[:k], w, *PARAMS[k + 1 :]]).sum(),
        PARAMS[0],
    ),
    "how many there are": (lambda w: sum(p.size for p in PARAMS) * len(PARAMS) * w[0], PARAMS[0]),
    "its own default": (lambda w=PAIR.W: (w * DATA).sum(), PAIR.W),
    "its shape": (lambda w: np.zeros_like(PAIR.W).sum() + PAIR.W.shape[0] * w[0], PAIR.W),
}


def written_there_for_the_time(w):
    before, PAIR.W = PAIR.W, w
    try:
        return PAIR.loss()
    finally:
        PAIR.W = before


NOT_NAMED["the argument itself, for the time"] = written_there_for_the_time, PAIR.W


def looked_at(w):
    if np.isnan(MODEL.W).any() or (MODEL.W * 2).max() > 1e9:
        raise ValueError
    assert np.linalg.norm(MODEL.W) < 1e9
    print(f"{np.mean(MODEL.W):.2f}", end="\r")
    return w.sum()


NOT_NAMED["tested, compared and shown"] = looked_at, MODEL.W


@pytest.mark.parametrize("how", NAMED)
def test_what_only_plain_code_reads_by_another_way_is_told(how):
    function, array, way = NAMED[how]
    said = rf"w is an argument, and {re.escape(way)}, which the function may read here, is the same array"
    with pytest.warns(CutWarning, match=said) as caught:
        record(function, array)
    assert len(caught) == 1


def test_it_is_told_where_it_is_read():
    with pytest.warns(CutWarning) as caught:
        record(lambda w, net: net.loss() * w.sum(), MODEL.W, MODEL)
    line = Base.loss.__code__.co_firstlineno + 1
    assert [(each.filename, each.lineno) for each in caught] == [(__file__, line)]
    assert "net.W, which the function may read here" in str(caught[0].message)


@pytest.mark.parametrize("how", NOT_NAMED)
def test_what_the_text_does_not_read_is_not_told(how):
    record(*NOT_NAMED[how])


def test_what_is_watched_or_written_is_read_with_its_gradient():
    finished = trace(watch=("MODEL",))(lambda w: MODEL.loss() + w.sum())
    finished(MODEL.W)
    assert finished.last_trace.grads["MODEL"]["W"].tolist() == [6.0, 8.0]
    own = Model()
    record(lambda w, x: (w.__isub__(0.0 * x), own.loss())[1], own.W, 2.0)
    with pytest.warns(CutWarning, match=r"w is an argument, and MODEL\.W"):  # what else is watched or not
        trace(watch=("PAIR",))(lambda w: MODEL.loss() * w.sum() * PAIR.loss())(MODEL.W)


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


def read_first(w, x):
    y = (NET.W * 2.0).sum()
    w[0] = x
    return y + w.sum()


def read_while_it_waits(w, x):
    return (NET.W + write(w, x)).sum()


def write(w, x):
    w[0] = x
    return 0.0


def read_in_an_earlier_turn(w, x):
    total = 0.0
    for turn in range(3):
        if turn:
            w[0] = x
        total = total + NET.W.sum()
    return total


def read_by_a_view(w, x):
    total = NET.W.T
    total = total.sum()
    write(w, x)
    return total + w.sum()


@pytest.mark.parametrize(
    "function", [read_first, read_while_it_waits, read_in_an_earlier_turn, read_by_a_view]
)
def test_what_plain_code_reads_before_a_write_is_told(function):
    kept = NET.W.copy()
    with pytest.warns(CutWarning, match=r"w is an argument, and NET\.W, which the function may read here"):
        record(function, NET.W, NET.X)
    NET.W[...] = kept


def read_after_it(w, x):
    for _ in range(3):
        write(w, x)
        y = (NET.W * x).sum()
    return write(w, x) + (NET.W * x).sum() + y


def test_what_is_read_after_a_write_has_its_gradient():
    kept = NET.W.copy()
    assert record(read_after_it, NET.W, NET.X).grads["x"].tolist() == [8.0, 16.0]
    NET.W[...] = kept


def test_a_view_at_the_address_of_another_one_is_told():
    net = SimpleNamespace(A=np.ones(3), B=np.ones(3))

    def step(w):
        return w.sum() + net.A @ net.A + net.B.size

    for _ in range(2):
        record(step, net.B[:])
        with pytest.warns(CutWarning, match=r"w is an argument, and net\.A, which"):
            record(step, net.A[:])


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


@pytest.mark.parametrize("made", [lambda x: x * 2, lambda x: {"y": [x * 2]}], ids=["itself", "inside"])
def test_the_result_of_an_earlier_trace_is_not_read_again_once_it_is_written(made):
    x = np.array([1.3, 0.7])
    earlier = record(made, x)

    def inside(held):
        return held["y"][0] if type(held) is dict else held

    def after(x, y):
        y[0] = x[0] * x[1]
        return (inside(earlier.result) * y).sum()

    def before(x, y):
        again = earlier.result
        y[0] = x[0] * x[1]
        return (inside(again) * y).sum()

    y = inside(earlier.result)
    with pytest.raises(UnsupportedError, match=r"result of an earlier trace again.*shape \(2,\)"):
        record(after, x, y)
    gradient = record(before, x, y).grads["x"]
    assert np.allclose(gradient, 2 * y[0] * x[::-1])
