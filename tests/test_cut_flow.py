"""Where a number that left the graph goes on: what joins the graph again is a warning, what is only looked at a note."""

from __future__ import annotations

import io
import json
import math
import warnings
from ast import literal_eval
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import optimize

from tracer import detach, load, record
from tracer.errors import CutWarning

if TYPE_CHECKING:
    from tracer.diagnose.finding import Finding
    from tracer.trace import Trace


def traced(function: Any, *arguments: Any) -> Trace:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CutWarning)
        return record(function, *arguments)


def cuts_of(trace: Trace) -> list[Finding]:
    return [each for each in trace.findings() if each.kind == "cut"]


def _plain(value):
    return float(value)


def _doubled(number):
    return 2 * number


def _written(value):
    return float(repr(value))


def by_a_keyword(x):
    return x + _doubled(number=float(x))


def by_a_fraction(x):
    return Fraction(x) * x


def changed_in_place(x):
    number = float(x)
    number += 1
    return number * x


def into_a_helper(x):
    return x + _doubled(float(x))


def out_of_a_helper(x):
    return x * _plain(x)


def out_of_a_lambda(x):
    plain = lambda value: float(value)  # noqa: E731  (as people write it)
    return x * plain(x)


def out_of_a_comprehension(x):
    numbers = [float(value) for value in (x, x * x)]
    return x * sum(numbers)


def in_a_pair(x):
    v, w = float(x), 3.0
    return x * v * w


def by_a_walrus(x):
    return x + 3 * (v := float(x)) + v


def out_of_a_list(x):
    numbers = []
    numbers.append(float(x) * 3)
    return x * numbers[-1]


def in_a_choice(x):
    return x * (float(x) if math.pi > 3 else 1.0)


def around_the_loop(x):
    last, total = 0.0, 0.0
    for _ in range(3):
        total = total + x * last
        last = float(x)
    return total


def in_place(x):
    total = x * x
    total += math.sqrt(float(x))
    return total


def into_numpy(x):
    size = float(np.sum(x))
    return np.sum(np.multiply(x, size))


def of_an_object_array(x):
    y = np.asarray(x * 2.0, dtype=object)
    return x[0] + float(y[0]) * x[1]


def through_json(x):
    return x + json.loads(json.dumps(x))


def as_a_method(x):
    return x * np.asarray(x.tolist() + [float(x[0])])[:2].sum()


def by_str(x):
    return x + float(str(x))


def by_a_format(x):
    text = format(x, ".17g")
    return x * float(text)


def by_decimal(x):
    return x + float(Decimal(repr(x)))


def by_text_of_a_variable(x):
    y = x * x
    return y + literal_eval(repr(y))


def by_text_in_a_helper(x):
    return x * _written(x)


def by_texts_of_a_list(x):
    row = f"{x:.2f},{x * x:.2f}"
    return x * sum(float(cell) for cell in row.split(","))


def by_a_map(x):
    return x * sum(map(float, f"{x:.1f} 3".split()))


JOINS_AGAIN = [
    (by_a_keyword, "float(x)", "x"),
    (by_a_fraction, "Fraction(x)", "x"),
    (changed_in_place, "float(x)", "x"),
    (into_a_helper, "float(x)", "x"),
    (out_of_a_helper, "float(value)", "x"),
    (out_of_a_lambda, "float(value)", "x"),
    (out_of_a_comprehension, "float(value)", "x"),
    (in_a_pair, "float(x)", "x"),
    (out_of_a_list, "float(x)", "x"),
    (by_a_walrus, "float(x)", "x"),
    (in_a_choice, "float(x)", "x"),
    (around_the_loop, "float(x)", "x"),
    (in_place, "float(x)", "x"),
    (by_str, "str(x)", "x"),
    (by_a_format, 'format(x, ".17g")', "x"),
    (by_decimal, "repr(x)", "x"),
    (by_text_of_a_variable, "repr(y)", "x"),
    (by_text_in_a_helper, "repr(value)", "x"),
    (by_texts_of_a_list, "float(cell)", "x"),
    (by_a_map, 'map(float, f"{x:.1f} 3".split())', "x"),
    (through_json, "json.loads(json.dumps(x))", "x"),
]
OF_ARRAYS = [
    (into_numpy, "float(np.sum(x))", "x"),
    (of_an_object_array, "np.asarray(x * 2.0, dtype=object)", "x"),
]


@pytest.mark.parametrize(
    ("function", "argument", "code", "name"),
    [
        *((function, 2.0, code, name) for function, code, name in JOINS_AGAIN),
        *((function, np.array([1.0, 2.0]), code, name) for function, code, name in OF_ARRAYS),
    ],
)
def test_what_joins_the_graph_again_is_a_warning(function, argument, code, name):
    (found,) = cuts_of(traced(function, argument))
    assert (found.severity, found.site.text) == ("warning", code)
    assert "it comes back as a constant on line" in found.message
    assert found.message.endswith(f"the gradient of {name} may be short by it")


def compared(x):
    return x * 2 if float(x) > 1 else x


def counted(x):
    return sum(x for _ in range(int(float(x))))


def listed(x):
    history = [float(x)]
    history.append(float(x * 2))
    return x * len(history)


def history_of_losses(w):
    history, best, text = [], [1e9], ""
    for _ in range(3):
        loss = (w * 1.5 - 1) ** 2
        history.append(float(loss))
        best.insert(0, min(best[0], float(loss)))
        text += f"{loss:.3f} " + json.dumps(loss)
        w = w - 0.1 * loss
    print(np.mean(history), history[-1], text)
    return w * len(history)


def given_another_value(x):
    v = float(x)
    v = 3.0
    return x * v


def of_another_branch(x):
    scale = 3.0
    if x < 0:
        scale = float(x)
    return x * scale + float(x) * 0


def order_by_a_number(k):
    return min([1.0, 3.0], key=lambda v: float((v - k) ** 2)) * k


def made_whole(x):
    return x + int(x)


def meant(x):
    return x + 3 * detach(x)


def where_nothing_hangs_on_it(x):
    log = x * 0.5 + 3 * float(x)
    print(log)
    return x * x


def shaped(x):
    return np.sum(np.zeros(int(float(x))) + x)


def written(x):
    print(str(x), f"{x:.3f}")
    return x * x


def read_for_a_test(x):
    return x * (2.0 if float(str(x)) > 1 else 1.0)


def root_printed(k):
    print(optimize.brentq(lambda t: t * t - k, 0, 9))
    return k * 1.7


def root_counts(k):
    root = optimize.brentq(lambda t: t * t - k, 0, 9)
    return sum(k for _ in range(int(root)))


def success_is_asked_for(k):
    found = optimize.root(lambda p: p**3 - k, [1.0])
    return k * 1.7 if found.success else k


def looked_at_beyond_the_last_use(w, rate=0.1):
    best = w
    for _ in range(20):  # in Python 3.11 a call changes its place after seven turns
        print(float(w * w))
        w = w - rate * w
    return best * best


def test_what_only_leads_to_a_look_gets_no_gradient_by_right():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (found,) = cuts_of(record(looked_at_beyond_the_last_use, 2.0))
    assert found.severity == "note"
    assert "(20 times); so rate gets no gradient; it is only looked at" in found.message


@pytest.mark.parametrize(
    "function",
    [
        compared,
        counted,
        listed,
        history_of_losses,
        given_another_value,
        order_by_a_number,
        root_printed,
        root_counts,
        success_is_asked_for,
        meant,
        written,
        read_for_a_test,
    ],
)
def test_what_is_only_looked_at_is_a_note(function):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cuts = cuts_of(record(function, 2.0))
    assert {each.severity for each in cuts} <= {"note"}


def test_what_takes_steps_is_a_warning_that_says_so():
    with pytest.warns(CutWarning):
        (found,) = cuts_of(record(made_whole, 2.5))
    assert (found.severity, found.numbers["spoiled"]) == ("warning", 0)
    assert "it takes steps, so its derivative is 0" in found.message
    assert "a step has no slope" in found.advice


def test_each_place_is_judged_by_itself():
    first = cuts_of(traced(of_another_branch, 2.0))
    assert [each.severity for each in first] == ["warning"]
    assert first[0].site.line == of_another_branch.__code__.co_firstlineno + 4


def test_a_loaded_trace_tells_the_same(tmp_path):
    for function in (into_a_helper, by_a_format):
        t = traced(function, 2.0)
        t.save(tmp_path / "t.trace")
        assert list(map(str, load(tmp_path / "t.trace").findings())) == list(map(str, t.findings()))


def test_without_the_text_the_very_number_tells():
    scope: dict[str, Any] = {}
    exec("def hidden(x, w):\n    v = float(x)\n    return x + w * v", scope)  # noqa: S102  (code without a file)
    (found,) = cuts_of(traced(scope["hidden"], 2.345, 3.0))
    assert (found.severity, found.numbers["inputs"]) == ("warning", 0)


def test_a_value_that_has_no_other_way_is_told_once():
    found = traced(lambda x, w: w * float(str(x)), 2.0, 3.0).findings()
    assert [each.kind for each in found if each.severity != "note"] == ["cut"]


def root_in_the_history(k):
    history = []
    root = optimize.brentq(lambda t: t * t - k, 0, 9)
    history.append(root)
    return k * np.float64(1.7)


class Meter:
    def __init__(self):
        self.seen = []

    @property
    def last(self):
        return float(self.value)

    def add(self, value):
        self.seen.append(float(value))

    def mean(self):
        return sum(self.seen) / len(self.seen)


def by_a_property(x):
    meter = Meter()
    meter.value = x
    return 0.9 * x + 0.1 * meter.last


def read_by_a_meter(x):
    meter = Meter()
    meter.add(x)
    return x * 0.9 + 0.1 * meter.mean()


def begun_again(x):
    file = io.BytesIO()
    np.save(file, np.ones(2))
    file.seek(0)
    w = np.load(file)
    for _ in range(3):
        w = w - 0.1 * x
        file.seek(0)
        np.save(file, w)
    return np.sum(w)


@pytest.mark.parametrize(
    "function",
    [
        *(root_in_the_history, where_nothing_hangs_on_it, shaped, by_a_property, read_by_a_meter),
        begun_again,
    ],
)
def test_what_the_run_has_warned_of_and_nobody_can_follow_is_a_warning_that_says_so(function, tmp_path):
    with pytest.warns(CutWarning):
        t = record(function, 2.0)
    t.save(tmp_path / "t.trace")
    for trace in (t, load(tmp_path / "t.trace")):
        (found,) = cuts_of(trace)
        assert (found.severity, found.numbers["untold"] > 0) == ("warning", True)
        name = next(iter(t.grads))
        assert (
            f"where the number went can't be told: the gradient of {name} lacks whatever was"
            in found.message
        )
