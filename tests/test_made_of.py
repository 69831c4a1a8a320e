"""What left the graph is kept where anything may read it: quiet beside constants that the text says are made of nothing else."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from tracer import record
from tracer.diagnose.program_text import Text
from tracer.errors import CutWarning
from tracer.plain_calls import means_what_it_says

KEPT: list[float] = []
DECAY = [0.37]


def loss_of(w):
    return (w * w).sum()


class Trainer:
    def __init__(self):
        self.history, self.losses, self.loss = [], np.zeros(3), 0.0

    def lists(self, w):
        for epoch in range(3):
            self.history.append(float(loss_of(w)))
            w = w - 0.01 * 0.7**epoch * w
        return loss_of(w)

    def attributes(self, w):
        for epoch, scale in enumerate((0.3, 0.7)):
            self.loss = float(loss_of(w))
            self.losses[epoch] = float(loss_of(w))
            w = w - scale / (1 + 0.9 * epoch) * w
        return loss_of(w)

    def read_by_another_name(self, w):
        history = self.history
        history.append(float(loss_of(w)))
        return loss_of(w) * (self.history[-1] * 0.7)


def in_a_dict(w, epochs=3):
    kept, rate = {"loss": []}, 0.13
    for _ in range(epochs):
        kept["loss"].append(float(loss_of(w)))
        w, rate = w - rate * w, rate * 0.7
    return loss_of(w)


def enclosing():
    history = []

    def function(w):
        rng = np.random.default_rng(0)
        noise = rng.normal(size=len(w))
        for epoch in range(3):
            history.append(float(loss_of(w)))
            w = w - np.multiply(w, math.exp(-epoch - 1)) + 0.3 * noise[:2]
        return loss_of(w)

    return function


def step(w, rate=0.1):
    return w - rate * w


def through_a_helper(w):
    for epoch in range(3):
        KEPT.append(float(loss_of(w)))
        w = step(step(w, 0.1 / (epoch + 1.7)))
    return loss_of(w)


def between(w):
    table, x = np.array([1.3, 4.1, 2.2, 7.9]), w.sum() * 0.7
    at = int(x)
    return table[at] * (at + 1 - x) + table[at + 1] * (x - int(x))


def between_all(w):
    table = np.array([1.3, 4.1, 2.2, 7.9])
    at = w.astype(int)
    return (table[at] * (1 - (w - at)) + table[at + 1] * (w - w.astype(int))).sum()


RATE = 0.1 * 3
MOVED = 0.3


def of_sizes_and_names(w):
    data = np.ones((5, 3))
    rows, columns = data.shape
    KEPT.append(float(loss_of(w)))
    w = (
        w * (0.1 / data.shape[0])
        - w * (1.7 / rows)
        - np.random.default_rng(0).random(w.shape) * w * (0.3 / columns)
    )
    w = w - w * (RATE * 0.9**3) - w * max(0.01, 0.1 * 0.9**2)
    return loss_of(w) * math.cos(math.pi * 2 / 5)


def of_a_global_that_is_written(w):
    global MOVED
    MOVED = float(loss_of(w))
    return loss_of(w) * (MOVED * 0.7)


def largest_of_what_is_kept(w):
    KEPT.append(float(loss_of(w)))
    return loss_of(w) * (max(KEPT) * 0.7) * max(KEPT[-1] * 0.3, 0.1)


QUIET = [
    of_sizes_and_names,
    between,
    between_all,
    Trainer().lists,
    Trainer().attributes,
    in_a_dict,
    enclosing(),
    through_a_helper,
]


@pytest.mark.parametrize("given", [np.array([1.0, 2.0]), np.array([1.37, 0.42])], ids=["round", "own"])
@pytest.mark.parametrize("function", QUIET)
def test_what_is_made_of_what_is_written_did_not_come_back(function, given):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.all(record(function, given).grads["w"])


class Draws:
    def normal(self, size=1):
        return KEPT[-1] * size


def another_name_of_a_list(w):
    rates = [0.5]
    other = rates
    other[0] = float(loss_of(w)) * 3
    return loss_of(w) * (rates[0] * 0.7)


def another_name_of_an_array(w):
    rates = np.ones(2)
    other = rates[:1]
    KEPT.append(float(loss_of(w)))
    other += KEPT[-1]
    return loss_of(w * (rates * 0.7))


def drawn_by_an_object(w):
    rng = Draws()
    KEPT.append(float(loss_of(w)))
    return loss_of(w) * (rng.normal(size=3) * 0.7)


def drawn_around_it(w):
    KEPT.append(float(loss_of(w)))
    rng = np.random.default_rng(0)
    return loss_of(w) * rng.normal(KEPT[-1], 0.3)


def given_to_a_helper(w):
    KEPT.append(float(loss_of(w)))
    return loss_of(step(w, KEPT[-1] * 0.1))


def changed_in_turn(w):
    KEPT.append(float(loss_of(w)))
    rate = 0.13
    rate *= KEPT[-1]
    return loss_of(w) * (rate * 0.7)


def in_a_list_beside_it(w):
    KEPT.append(float(loss_of(w)))
    return loss_of(np.array([0.3, 0.7]) * 0.9 + [KEPT[-1] * 0.7, w[1]])


def in_a_list_that_is_handed_on(w):
    KEPT.append(float(loss_of(w)))
    both = [w[0], KEPT[-1] * 0.7]
    return loss_of(np.add(both, 3.0))


def of_an_inner_function(w):
    rate = 0.13

    def change():
        nonlocal rate
        rate = KEPT[-1]

    KEPT.append(float(loss_of(w)))
    change()
    return loss_of(w) * (rate * 0.7)


def written_by_a_call(w):
    rates = np.zeros(2)
    KEPT.append(float(loss_of(w)))
    np.multiply(KEPT[-1], 3, rates)
    return loss_of(w * (rates * 0.7))


def rounded_beside_another(w):
    return (w[0] - int(w[0])) * (w[1] - int(w[0]) * 0.7)


def after_a_star(w):
    KEPT.append(float(loss_of(w)))
    *_, rate = 0.1, 0.2, KEPT[-1] * 0.7
    return loss_of(w) * (rate * 0.7)


def in_a_list_of_two_lists(w):
    rows = [[0.3, 0.7], [1.3, 2.2]]
    both = rows + []
    KEPT.append(float(loss_of(w)))
    both[0][0] = KEPT[-1] * 0.37
    return loss_of(w * rows[0])


def another_name_of_sizes(w):
    rates = abs(np.ones(2))
    other = rates
    KEPT.append(float(loss_of(w)))
    other *= KEPT[-1]
    return loss_of(w * (rates * 0.7))


def in_a_default(w):
    KEPT.append(float(loss_of(w)))
    rate = KEPT[-1]

    def inner(y=loss_of(w) * (rate * 0.7)):
        rate = 0.13
        return y + rate

    return inner()


TOLD = [rounded_beside_another, another_name_of_a_list]
TOLD += [another_name_of_an_array, drawn_by_an_object]
TOLD += [drawn_around_it, of_a_global_that_is_written, largest_of_what_is_kept]
TOLD += [given_to_a_helper, changed_in_turn, in_a_list_beside_it, in_a_list_that_is_handed_on]
TOLD += [after_a_star, in_a_list_of_two_lists, another_name_of_sizes, in_a_default]
TOLD += [of_an_inner_function, written_by_a_call, Trainer().read_by_another_name]


@pytest.mark.parametrize("function", TOLD)
def test_what_may_be_made_of_it_is_told(function):
    KEPT.clear()
    with pytest.warns(CutWarning, match=r"left the graph through .*; at test_made_of\.py"):
        record(function, np.array([1.37, 0.42]))


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("setattr(model, name, 0.1)", True),
        ("setattr(math, 'exp', other)", False),
        ("mock.patch.object(math, 'exp', other)", False),
        ("math.__dict__['exp'] = other", False),
        ("setattr(model, '__defaults__', (0.1,))", False),
        ("vars(math)['exp'] = other", False),
    ],
)
def test_a_program_that_writes_into_a_module_may_mean_something_else(text, means):
    assert means_what_it_says(Text("", f"import math\n{text}\n")) is means
