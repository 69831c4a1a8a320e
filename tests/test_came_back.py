"""What left the graph and is only looked at is nothing to warn of; what came back, or may have, is."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from checks import same

from tracer import record, trace
from tracer.errors import CutError, CutWarning

KEPT: dict[str, float] = {}
RATES = [0.013, 0.37, np.array(0.5)]
ROUND, OWN = np.array([1.0, 2.0, 3.0]), np.array([1.37, 0.42, 2.9])
X = np.array([[1.0, 2.2, 0.3], [0.7, 0.1, 1.9]])


def history(w):
    kept = []
    for _ in range(3):
        kept.append(float((w * w).sum()))
        w = w - 0.01 * w
    return (w * w).sum()


def metrics(w):
    loss = (w * w).sum()
    return {"loss": loss, "metrics": {"loss": float(loss), "n": int(w.size), "short": np.float32(loss)}}


def best_so_far(w):
    best = float("inf")
    for step in range(3):
        loss = ((w - step) ** 2).sum()
        if float(loss) < best:
            best, kept = float(loss), w
        w = w * 0.9
    return (kept * kept).sum()


def data_around(w):
    for row in X:
        p = math.exp(-float(row @ w))
        assert p > 0
        w = w - 0.1 * (row @ w) * row
    return np.sum(X @ w)


def labelled(w, labels=(0, 1, 1)):
    return (w[np.array(labels)] ** 2).sum()


def beside_what_the_program_has_not(w):
    rng, kept = np.random.default_rng(0), []
    for epoch in range(3):
        loss = ((X @ w + rng.normal(size=2)) ** 2).sum() / (2 * len(X))
        kept.append(float(loss))
        if len(kept) > 1 and abs(kept[-1] - kept[-2]) / kept[0] < 1e-9:
            break
        report(epoch, float(loss), f"{float(loss):.3f}")
        w = w - 0.1 / (epoch + 0.7) * w
    return (w * w).sum(), min(kept)


def report(epoch, loss, text):
    assert math.isfinite(loss), f"diverged: {loss}"
    return [epoch, loss * 100, text]


class Trainer:
    """Its history can be read anywhere, and its data is large."""

    def __init__(self, count):
        self.history, self.data = [], np.random.default_rng(0).normal(size=(count, 3))

    def fit(self, w):
        for start in (0, 10):
            self.history.append(float((self.data @ w).sum()))
            w = w - 0.25 * (self.data[start : start + 10] @ w).sum() * w
        return (w * w).sum()


LOOKED_AT = [history, metrics, best_so_far, data_around, labelled, beside_what_the_program_has_not]
LOOKED_AT += [Trainer(20_000).fit]


@pytest.mark.parametrize("given", [ROUND, OWN], ids=["round", "own"])
@pytest.mark.parametrize("function", LOOKED_AT)
def test_what_is_only_looked_at_is_nothing_to_warn_of(function, given):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        finished = record(function, given)
    assert same(finished.result, function(given))
    assert any(node.kind == "cut" for node in finished.nodes)
    with pytest.raises(CutError, match="left the graph"):
        trace(strict=True)(function)(given)


def sums_from_zero(w):
    for _ in range(2):
        total = 0.0
        for each in w:
            total = total + each * each
        print(float(total))
    return total


def test_a_sum_that_starts_at_zero_is_written(capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        record(sums_from_zero, OWN)
    assert capsys.readouterr().out


def rates_of_the_program(w):
    print(float(w.sum()))
    return (w * RATES[1]).sum()


def test_a_number_that_the_program_had_before_is_its_own(capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        record(rates_of_the_program, OWN)
    assert capsys.readouterr().out


def kept_by_the_program(x):
    KEPT["it"] = float(x) * 2.1
    return KEPT["it"] * x


def kept_in_an_argument(x, history):
    history.append(float(x) * 2.1)
    return history[-1] * x


@pytest.mark.parametrize("x", [1.0, 1.37])
def test_what_the_program_keeps_of_it_is_not_its_own(x):
    with pytest.warns(CutWarning):
        record(kept_by_the_program, x)
    with pytest.warns(CutWarning):
        record(kept_in_an_argument, x, [])


def times(factor, y):
    return factor * y


def listed(*numbers):
    kept = []
    kept.extend(numbers)
    return kept


def caught(number):
    try:
        raise ValueError(number)
    except ValueError as error:
        return error.args[0]


def evaluated(x):
    kept = float(x) * 3
    return eval("x * kept") + kept * 0.0  # noqa: S307  (as programs do)


CAME_BACK = {
    "itself": lambda x: float(x) * x,
    "changed": lambda x: (float(x) - 0.3) * x + 1.0,
    "changed to what is written": lambda x: (float(x) * 3.0) * x + 3.0 * x,
    "changed to zero": lambda x: (float(x) - 1.0) * x + x * 0.0,
    "in an array": lambda x: np.sum(np.array([float(x), 1.0]) * x),
    "in zeros": lambda x: (np.full(2, float(x) * 2) * x).sum(),
    "in ones": lambda x: (np.full(2, float(x) * 2 - 1) * x).sum(),
    "in a choice": lambda x: x * (2.0 if x > 7 else float(x) * 2),
    "beside a comparison": lambda x: np.where(x * ROUND > 2.0, float(x) * 2, 0.25).sum(),
    "in a list": lambda x: x * sum([float(x)] * 3),
    "as an exponent": lambda x: x ** (float(x) + 1),
    "as a bound": lambda x: np.clip(np.array([x, 2 * x]), 0.0, float(x) * 1.5).sum(),
    "as a parameter": lambda x: np.quantile(np.array([x, 2 * x, x * x]), float(x) * 0.1),
    "as all of the result": lambda x: float(x * x),
    "as a whole number": lambda x: int(x) * x,
    "as hundredths": lambda x: int(x * 100) / 100 * x,
    # What the program has anyway
    "as what another part of it is": lambda x: (float(x) - 1.37) * x + x * 0.0,
    "as another literal": lambda x: (float(x) + 1.63) * x + 3.0 * x,
    "through a helper": lambda x: times(float(x) - 1.37, x * 0.0),
    "in a list of what went on": lambda x: x * listed(float(x) * 3)[-1],
    "in an error": lambda x: x * caught(float(x) * 3),
    "in what is evaluated": evaluated,
}  # fmt: skip


@pytest.mark.parametrize("x", [1.0, 1.37])
@pytest.mark.parametrize("function", CAME_BACK.values(), ids=CAME_BACK)
def test_what_came_back_is_one_warning(function, x):
    with pytest.warns(CutWarning, match=r"left the graph through .*; at test_came_back\.py") as caught:
        record(function, x)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(CutWarning):
            record(function, x)


SCALE = 0.37
NAMES = ["faults__", "als__"]  # which the text does not say


def scaled(loss, count, by=0.13):
    return loss * (0.7 * by * count) + loss * (SCALE * count)


def given_another_default(x):
    setattr(scaled, "__de" + NAMES[0], (float(x) * 2,))
    return sum(scaled(x, count) for count in range(1, 3))


def given_another_global(x):
    getattr(scaled, "__glob" + NAMES[1])["SCALE"] = float(x) * 2
    return sum(scaled(x, count, 0.13) for count in range(1, 3))


@pytest.mark.parametrize("function", [given_another_default, given_another_global])
def test_what_a_name_that_is_not_written_is_given_may_have_come_back(function, monkeypatch):
    monkeypatch.setattr(scaled, "__de" + NAMES[0], (0.13,))
    monkeypatch.setitem(getattr(scaled, "__glob" + NAMES[1]), "SCALE", SCALE)
    with pytest.warns(CutWarning, match=r"left the graph through .*; at test_came_back\.py"):
        record(function, 1.37)


def kept_by_numpy(x, n):
    before = np.setbufsize(16 * int(n))
    size = np.getbufsize()
    before = np.setbufsize(before)
    return x * size


@pytest.mark.parametrize(
    "function",
    [lambda x, n: x * (int(n) + 1), lambda x, n: (x * (np.array([n, 2]) - 3)).sum(), kept_by_numpy],
    ids=["number", "array", "what NumPy keeps"],
)
def test_a_whole_number_that_came_back_is_told(function):
    with pytest.warns(CutWarning):
        record(function, 1.37, 3)
