"""Whether a constant came back is told by the object that it is, not by its digits; and a step says so once."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from tracer import record
from tracer.errors import CutWarning

GIVEN = np.array([1.37, 0.42])
LOSS = float((GIVEN * GIVEN).sum())


def loss_of(w):
    return (w * w).sum()


class Rates:
    """What a program keeps beside its history; `steady` is what `rate` was at first."""

    decay = 0.93

    def __init__(self):
        self.rate = self.steady = 0.37
        self.kept, self.factor = [], None

    @property
    def restored(self):
        self.rate = self.steady
        return 2.0

    def __matmul__(self, other):
        self.rate = self.steady
        return other

    def give_back(self, w):
        self.rate = self.steady
        return w


def by_a_ratio_of_one(rates, w):
    rates.kept.append(float(loss_of(w)) / LOSS)
    return loss_of(w - rates.rate * rates.kept[-1] * w)


def by_a_literal_and_one(rates, w):
    rates.kept.append(float(loss_of(w)) / LOSS)
    return loss_of(w - 0.05 * rates.kept[-1] * w)


def put_back_by_a_call(rates, w):
    rates.rate = rates.steady * (float(loss_of(w)) / LOSS)
    return loss_of(w - 2 * rates.rate * rates.give_back(w))


def put_back_by_a_property(rates, w):
    rates.rate = rates.steady * (float(loss_of(w)) / LOSS)
    return loss_of(2 * rates.rate * (rates.restored * w))


def put_back_by_an_operator(rates, w):
    rates.rate = rates.steady * (float(loss_of(w)) / LOSS)
    return loss_of(2 * rates.rate * (rates @ w))


def kept_in_a_variable(rates, w):
    rate = rates.rate
    rates.kept.append(float(loss_of(w)) / LOSS)
    rate = rate * rates.kept[-1]
    return loss_of(2 * rate * (w + (rate := rates.steady) * 0.0))


def half_of_it(rates, w):
    rates.factor = 0.5 * float(loss_of(w))
    return loss_of(w - rates.factor * w)


def root_of_it(rates, w):
    rates.factor = np.sqrt(float(loss_of(w)))
    return loss_of(w - rates.factor * w)


def array_of_it(rates, w):
    rates.factor = np.array([0.1, 0.2]) * float(loss_of(w))
    return loss_of(w - rates.factor * w)


CAME_BACK = [by_a_ratio_of_one, by_a_literal_and_one, put_back_by_a_call, put_back_by_a_property]
CAME_BACK += [put_back_by_an_operator, kept_in_a_variable, half_of_it, root_of_it, array_of_it]


@pytest.mark.parametrize("function", CAME_BACK)
def test_what_has_the_digits_of_the_programs_own_is_told_again_and_again(function):
    rates = Rates()
    for _ in range(2):  # what the first call has left has the digits of what the second one computes
        with pytest.warns(CutWarning):
            record(lambda w: function(rates, w), GIVEN)


def a_number_that_is_an_input(rate, kept):
    kept.append(float(rate))
    return kept[-1] * rate


def test_an_input_is_no_number_that_was_there():
    rates = Rates()
    with pytest.warns(CutWarning):
        record(lambda rate: a_number_that_is_an_input(rate, rates.kept), rates.rate)


def made_of_rates(rates, w):
    momentum = w
    for _ in range(3):
        rates.kept.append(float(loss_of(w)))
        momentum = rates.decay * momentum + (1 - rates.decay) * w
        w = w - 2 * rates.rate * momentum - 0.5 * rates.rate * np.sum(w) * w
        w -= -rates.rate * w
    return loss_of(w)


class Adam:
    """Made in the run, so what it holds is known as what is written; and the whole number counts."""

    def __init__(self, decay=0.9123):
        self.decay, self.momentum, self.turns, self.kept = decay, 0.0, 0, []

    def step(self, w, slope):
        self.turns += 1
        self.kept.append(float(slope.max()))
        self.momentum = self.decay * self.momentum + (1 - self.decay) * slope
        return w - 0.0123 * self.momentum / (1 - self.decay**self.turns)


def made_of_counts(_, w):
    adam = Adam()
    for _ in range(3):
        w = adam.step(w, 2 * w)
    return loss_of(w)


@pytest.mark.parametrize("number", [3, 3.7])
def test_a_whole_number_is_no_count_where_one_has_left(number):
    with pytest.warns(CutWarning):
        record(whole_number_back, Rates(), number)


def whole_number_back(rates, number):
    rates.turns = int(number)
    rates.again = rates.turns
    return number * (0.37 * rates.again)


@pytest.mark.parametrize("function", [made_of_rates, made_of_counts])
@pytest.mark.parametrize("given", [GIVEN, np.array([1.0, 2.0])], ids=["own", "round"])
def test_what_a_line_makes_of_what_was_there_is_nothing_to_warn_of(function, given):
    rates = Rates()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        finished = record(lambda w: function(rates, w), given)
    assert finished.result == function(rates, given)
    assert rates.kept[:3] == rates.kept[3:]


def test_a_step_that_is_traced_again_and_again_says_it_once():
    rates = Rates()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for at in range(3):
            record(lambda w: half_of_it(rates, w), GIVEN + 0.1 * at)
    assert len(caught) == 1


def test_what_is_kept_of_the_program_keeps_no_array_that_it_may_write_into():
    state = Rates()
    state.w = GIVEN * 2.0

    def step(x):
        state.kept.append(float(state.w @ x))
        state.w -= 0.1 * x
        return state.w @ x

    def fresh(x):
        state.w = GIVEN * 2.0
        return step(x)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        t = record(fresh, GIVEN)
    np.testing.assert_allclose(t.grads["x"], 2.0 * GIVEN - 0.2 * GIVEN)
