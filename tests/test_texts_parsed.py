"""Several numbers that are read back from text together: told where that may be, quiet where text is only shown."""

from __future__ import annotations

import ast
import io
import json
import math
import sys
import warnings

import numpy as np
import pytest

from tracer import record, trace
from tracer.errors import CutError, CutWarning

RATE = 0.37


def parsed(text):
    return sum(float(each) for each in text.split(","))


def through_a_helper(y):
    return parsed(",".join(f"{v:.9g}" for v in y))


def line_by_line(y):
    file, total = io.StringIO(), 0.0
    for v in y:
        print(v, file=file)
    for line in file.getvalue().splitlines():
        total += float(line)
    return total


def by_digits(y):
    text = "".join(f"{v:.4f}" for v in y)
    return sum((ord(each) - 48) / 7 for each in text if each != ".")


class Read:
    """Has texts, and is their sum."""

    def __init__(self, y):
        self.texts = [str(v) for v in y]

    def __len__(self):
        return len(self.texts)

    @property
    def total(self):
        make = float
        return sum(map(make, self.texts))


SUMS = {
    "joined": lambda y: np.array(" ".join("%.8f" % v for v in y).split(), float).sum(),
    "map": lambda y: sum(map(float, " ".join(str(v) for v in y).split())),
    "loadtxt": lambda y: np.loadtxt(io.StringIO("\n".join(str(v) for v in y))).sum(),
    "fromstring": lambda y: np.fromstring(" ".join(f"{v:.8f}" for v in y), sep=" ").mean(),
    "json": lambda y: sum(json.loads(json.dumps(y.tolist()))),
    "json by hand": lambda y: sum(json.loads("[" + ", ".join(str(v) for v in y) + "]")),
    "literal_eval": lambda y: sum(ast.literal_eval("(" + ",".join(f"{v}" for v in y) + ")")),
    "the largest": lambda y: max(map(float, str(y.tolist())[1:-1].split(","))) * 3.1,
    "a helper": through_a_helper,
    "line by line": line_by_line,
    "digits": by_digits,
    "a property": lambda y: Read(y).total,
}  # fmt: skip


@pytest.mark.parametrize(
    "y", [np.array([1.2345678, 2.7654321]), np.array([1.5, 2.25])], ids=["own", "round"]
)
@pytest.mark.parametrize("way", SUMS.values(), ids=SUMS)
def test_numbers_that_come_back_together_are_told(way, y):
    def function(y):
        return (way(y) * y).sum()

    with pytest.warns(CutWarning, match=r"test_texts_parsed\.py") as told:
        record(function, y)
    assert len(told) == 1
    with pytest.raises(CutError, match=r"test_texts_parsed\.py"):
        trace(strict=True)(function)(y)


class Shown:
    def __init__(self, value):
        self.value = value

    def __repr__(self):
        return f"Shown({self.value!r})"


RESULTS = {
    "an array": lambda y: np.fromstring(np.array2string(y * 3, precision=17)[1:-1], sep=" ").sum(),
    "a representation": lambda y: np.array(ast.literal_eval(repr(y * 3)[6:-1])).sum(),
    "a row": lambda y: np.genfromtxt(io.StringIO(f"{y[0]},{y[1]}"), delimiter=",").prod(),
    "an object": lambda y: sum(eval(repr(Shown(y.tolist()))).value),  # noqa: S307
    "code": lambda y: eval(f"{y[0]}*2+v", {"v": y[1]}),  # noqa: S307
    "a function": lambda y: eval(compile(f"lambda v: v * {y[0]}", "", "eval"))(y[1]),  # noqa: S307
}


@pytest.mark.parametrize("way", RESULTS.values(), ids=RESULTS)
def test_a_result_that_is_made_of_text_is_told(way):
    y = np.array([1.3127, 2.1349])
    with pytest.warns(CutWarning, match=r"read back .*; at test_texts_parsed\.py:\d+; "):
        assert record(way, y).result == way(y)


def logged_as_json(x):
    for step in range(3):
        line = json.dumps({"loss": x * x, "step": step}, indent=1)
        json.dump([x, {"x": np.array([x])}], io.StringIO(), default=list)
        x = x * json.loads('{"rate": 0.875}')["rate"] + 0.1 * json.loads('{"loss": 9.0}')["loss"]
    print(line)
    return x


def kept_by_its_text(x):
    text = f"{x:.1f}"
    rates = [float(each) for each in "0.37 0.41".split()]
    found = {text: x * rates[0]}
    return found[text] * len(text) * (2.0 if float(text) > 1 else 3.0)


def beside_what_is_computed(x):
    rates = [RATE * 0.7**epoch for epoch in range(3)]
    for epoch, rate in enumerate((0.3, 0.2)):
        lines = [f"{epoch}: {x:.3f}", str(x)]
        sys.stdout.write("\n".join(lines))
        x = x - rate * 0.9**epoch * x
    return x * math.sqrt(len(rates))


def loaded(x):
    data = np.array([float(each) for each in "0.37 0.41".split()])
    sys.stderr.write(f"{x}\n")
    return (data * x).sum() * float("1.7")


@pytest.mark.parametrize("x", [2.0, math.sqrt(7.3891)])
@pytest.mark.parametrize("function", [logged_as_json, kept_by_its_text, beside_what_is_computed, loaded])
def test_what_is_only_shown_is_quiet(function, x):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        record(function, x)


@pytest.mark.parametrize(
    "result", [lambda x: None, lambda x: f"{x:.3f}", lambda x: 0.37, lambda x: float("1.7") > 1]
)
def test_a_result_that_has_nothing_of_the_text_is_quiet(result):
    def function(x):
        sys.stdout.write(f"{x * 3}\n")
        return result(float("0.37") * 0 + x * 2)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        record(function, math.sqrt(7.3891))
