"""Text of a traced value beside data: what the program has anyway was not read back from the text."""

from __future__ import annotations

import ast
import collections
import contextlib
import io
import json
import math
import random
from typing import NamedTuple

import numpy as np
import pytest
from test_texts import cut_nodes, recorded

from tracer import record, trace
from tracer.errors import CutWarning

DATA = np.array([2.7181, 3.1411, 1.4143, 0.5771])
POINTS = np.array([[random.Random(n).gauss(n % 3, 0.3) for n in (3 * m, 3 * m + 7)] for m in range(20)])  # noqa: S311


class Model:
    def __init__(self):
        self.data = DATA * 1

    def fit(self, x):
        print(x)
        return np.sum((self.data - x) ** 2)


def nearest(x):
    print(x)
    return np.sum((DATA - x) ** 2)


def nearest_one_by_one(x):
    print(x)
    return sum((each - x) ** 2 for each in DATA)


def nearest_of_a_list(x):
    print(x)
    return sum((each - x) ** 2 for each in LISTED)


def nearest_of_an_attribute(x, model):
    return model.fit(x)


def nearest_of_an_argument(x, data):
    print(x)
    return np.sum((data - x) ** 2)


def far_from_the_start(x):
    print(x)
    return np.sum((x - START) ** 2) + (x[0] - AT) ** 2


def soft_means(centres, points=POINTS):
    for _ in range(3):
        near = np.exp(-np.sum((points[:, None] - centres) ** 2, axis=-1))
        centres = near.T @ points / near.sum(axis=0)[:, None]
        print(centres)
    return np.sum(centres**2)


def soft_means_that_show_the_start(centres, points=POINTS):
    print(centres)
    return soft_means(centres, points)


def soft_means_point_by_point(centres):
    print(centres, centres.tolist())
    total = 0.0
    for point in POINTS:
        total = total + np.exp(-np.sum((centres - point) ** 2, axis=1)).sum()
    return total


START = np.array([0.71342, 1.2291])
AT = 0.71342
FIRST = float(DATA[0])
LISTED = DATA.tolist()
ELEMENTS = {  # the input is an element of the data
    "a global": (nearest, (FIRST,), ()),
    "a global, one by one": (nearest_one_by_one, (FIRST,), ()),
    "a list": (nearest_of_a_list, (FIRST,), ()),
    "an attribute of self": (Model().fit, (FIRST,), ()),
    "an attribute of an argument": (nearest_of_an_attribute, (FIRST, Model()), ("model",)),
    "an argument": (nearest_of_an_argument, (FIRST, DATA), ("data",)),
    "two of an argument": (nearest_of_an_argument, (DATA[:1].copy(), DATA[:2]), ("data",)),
    "the start": (far_from_the_start, (START.copy(),), ()),
    "soft means": (soft_means, (POINTS[:3].copy(),), ()),
    "soft means, the start": (soft_means_that_show_the_start, (POINTS[:3].copy(),), ()),
    "soft means, static": (soft_means_that_show_the_start, (POINTS[:3].copy(), POINTS), ("points",)),
    "soft means, point by point": (soft_means_point_by_point, (POINTS[:3].copy(),), ()),
}


@pytest.mark.parametrize(("function", "arguments", "static"), ELEMENTS.values(), ids=ELEMENTS)
def test_data_that_the_input_was_taken_from_is_not_read_back(function, arguments, static):
    with contextlib.redirect_stdout(io.StringIO()):
        finished = trace(strict=True, static=static)(function)
        finished(*arguments)
    assert not cut_nodes(finished.last_trace)


def enclosing(data):
    def function(x):
        print(x)
        return sum((each - x) ** 2 for each in data)

    return function


def loaded(x):
    print(x)
    return np.sum((np.frombuffer(DATA.tobytes()) - x) ** 2)


@pytest.mark.parametrize("function", [enclosing(DATA * 1), loaded])
def test_nor_is_data_that_is_enclosed_or_made_in_it(function):
    with contextlib.redirect_stdout(io.StringIO()):
        assert not cut_nodes(recorded(trace(strict=True)(function), FIRST)[0])


def start_read_back(x):
    return np.sum(x * np.array(ast.literal_eval(repr(x.tolist())))) + np.sum(x * np.array([0.2718, 0.5141]))


def beside_data(x):
    return np.sum(x * np.array([float(f"{x[0] * 1.1:.6f}"), math.sqrt(0.7)]))


@pytest.mark.parametrize("function", [start_read_back, beside_data])
def test_an_array_of_which_half_is_in_texts_is_read_back(function):
    finished, caught = recorded(function, START * 1.1)
    assert cut_nodes(finished)
    assert {each.category for each in caught} == {CutWarning}


class History(dict):
    """A dict of the program's own."""


class Pair(NamedTuple):
    value: float
    name: str


def logged(history, **options):
    def function(x):
        history.clear()
        history.update(loss=[x * 2, [x, 1]], at=Pair(x, "k"), by={"name": x, "none": None})
        file = io.StringIO()
        json.dump(history, file, **options)
        assert json.dumps(history, **options) == file.getvalue()
        written.append(file.getvalue())
        return x * x

    written = []
    return function, written


@pytest.mark.parametrize("options", [{}, {"indent": 1}])
@pytest.mark.parametrize(
    "made", [dict, History, collections.OrderedDict, lambda: collections.defaultdict(list)]
)
def test_dicts_and_tuples_of_other_classes_are_written_as_json(made, options):
    function, written = logged(made(), **options)
    function(1.75)
    assert record(function, 1.75).grads == {"x": 3.5}
    assert written[1] == written[0]
