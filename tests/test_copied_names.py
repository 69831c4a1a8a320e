"""A value has the name that it was first given, and those of the variables that it was copied to."""

# ruff: noqa: RET504, SIM108  (the names are what is tested)

from __future__ import annotations

import collections
import math
import sys

import numpy as np
import pytest

from tracer import load, record
from tracer.errors import LookupNameError
from tracer.standins import is_traced
from tracer.tape import WIDTH
from viz.rollup import roll_up


def doubled(x):
    b = x * 2
    return b


def through(x):
    inner = doubled(x)
    return inner


def two(x):
    first = x * 3
    return first, (doubled(first), x - 1)


def power_loop(x, h0, n=3):
    h = h0
    for _ in range(n):
        h = h * x
    return h


def until(x):
    while True:
        x = x * 2
        guess = x + 1
        if guess > 10:
            break
    return guess


def either(x):
    if x > 1:
        b = x * 2
    else:
        b = x * 3
    return b


def in_two_steps(x):
    for _ in range(2):
        h = x * 2
        h = h + 1
    print(end="")
    result = h
    return result


class Cell:
    def step(self, x):
        b = x * x
        self.h = b
        return self.h


def named(x):
    u = doubled(x)
    v, (w, [y]) = two(u)[0], (x * 5, [x * 6])
    p, (q, r) = two(v)
    z = q
    self_h = Cell().step(z)
    if (j := x * 7) > 0:
        y = y + 0.5
    k = j
    k += 1
    m = k
    out = np.zeros(2)
    out[0] = m
    out[1] = m * 2
    filled = out
    total = filled.sum() + u + v + w + y + p + q + r + self_h
    return total


NAMES = {
    "u": "doubled.b[0]", "p": "first[1]", "q": "z", "r": None, "z": "doubled.b[2]", "self_h": "self.h", "j": "k[0]", "m": "k[1]",
    "filled": "out[-1]", "total": None,
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_value_has_all_of_its_names(name):
    finished = record(named, 1.5)
    node = finished[name]
    assert name in (label.partition("[")[0] for label in node.names)
    if NAMES[name]:
        assert finished[NAMES[name]] == node


def test_the_name_on_the_wire_is_the_outermost_calls():
    finished = record(lambda x: through(x) * 2, 3.0)
    assert next(node.label for node in finished.nodes if node.op == "multiply") == "inner"
    finished = record(named, 1.5)
    assert finished["doubled.b[0]"].names == ("u", "doubled.b[0]")
    assert finished["doubled.b[0]"].label == finished["doubled.b[0]"].name == "u"
    assert finished["q"].names == ("q", "z", "doubled.b[2]")


def calls(x):
    a = power_loop(x, x)
    b = power_loop(x, 3.0, 2)
    none = power_loop(x, 3.0, 0)
    c, d = until(x), either(x)
    e = either(x * 0.1)
    f = in_two_steps(x)
    g = through(x)
    return a + b + none + c + d + e + f + g


def test_what_comes_out_of_a_call_has_the_callers_name():
    x = 1.5
    finished = record(calls, x)
    values = {
        "a": x**4, "b": 3 * x**2, "c": 13.0, "d": 3.0, "e": x * 0.1 * 3, "f": x * 2 + 1, "g": 3.0,
        "result": x * 2 + 1, "inner": 3.0,
    }  # fmt: skip
    assert {name: finished[name].value for name in values} == pytest.approx(values)
    with pytest.raises(LookupNameError):
        finished["none"]


def test_an_argument_that_a_variable_starts_with_is_not_counted():
    finished = record(power_loop, 2.0, 5.0)
    assert [finished[f"h[{n}]"].value for n in range(3)] == [10.0, 20.0, 40.0]
    assert finished["h"] == finished["h[2]"]
    assert finished["h0"].names == ("h0",)
    assert record(power_loop, 2.0, 5.0, 0)["h"].names == ("h0", "h")


def seen(x, ys):
    a, b, c = x
    s, best = 0.0, a
    for y in ys:
        s = s + y * b
        if s > 4:
            best = s
    early = returned_early(best, 0)
    items = {"d": c * 2}
    d = items["d"]
    e, f = c * 3, c * 4
    for _ in range(3):
        e, f = f, -e
    table = np.zeros((2, 2))
    for row in range(2):
        line = table[row]
        line[0] = d * 1.5
        line[1] = early * e
    return table[0, 0] * f + s + table[1].sum()


def test_an_operator_tells_what_its_operands_are_called():
    finished = record(seen, np.array([2.0, 3.0, 5.0]), [1.0, 2.0])
    values = {"b": 3.0, "y[0]": 1.0, "y[1]": 2.0, "d": 10.0, "early": 18.0, "s": 9.0, "f": 15.0}
    assert {name: finished[name].value for name in values} == values
    assert finished["early"].names == ("early", "returned_early.b")
    assert finished["table[0]"].op == "setitem"  # nobody assigned it: it follows a write into a line
    assert finished["table[0]"].value.tolist() == [[15.0, 18.0 * -20.0], [0.0, 0.0]]


def conditional(x, n):
    b = x * 2
    if n is None:
        b = 4 * 1.5
    u = b
    return u


def returned_early(x, n):
    b = x * 2
    if n > 1:
        return x
    return b


def named_by_an_early_return(x, n):
    u = returned_early(x, n)
    return u


def sorted_in_place(x):
    b = x * 2
    b.sort()
    u = b
    return u


def rebound_by_a_call(x):
    global shared
    shared = x * 2
    rebind()
    u = shared
    return u


def rebind():
    global shared
    shared = 1.0


def swapped(x):
    a, b = x * 2, x * 3
    for _ in range(3):
        a, b = b, a * 2
    u = a
    return u * b


def nested_loops(x):
    for _ in range(2):
        h = x * 1
        for _ in range(0):
            h = h * 2
    u = h
    return u


def in_a_try(x):
    try:
        b = x * 2
        rebind()
        u = b
    except ValueError:
        u = 1.0
    return u


def left_before_it_is_rebound(x):
    for i in range(3):
        h = 1.0
        if i == 2:
            break
        h = x * 2
    u = h
    return u + x


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (conditional, (2.0, 0)),
        (conditional, (2.0, None)),
        (sorted_in_place, (np.array([2.0, 1.0]),)),
        (rebound_by_a_call, (2.0,)),
        (nested_loops, (2.0,)),
        (in_a_try, (2.0,)),
        (left_before_it_is_rebound, (2.0,)),
        (named_by_an_early_return, (2.0, 0)),
    ],
)
def test_no_name_is_better_than_a_wrong_one(function, arguments):
    finished = record(function, *arguments)
    with pytest.raises(LookupNameError):
        finished["u"]


def held_while(function, arguments):
    """What every variable of every function really held, as rows: looked at line by line."""
    held = collections.defaultdict(set)

    def look(frame, *_):
        if frame.f_code.co_filename == __file__:
            for name, value in frame.f_locals.items():
                for each in leaves(value):
                    held[frame.f_code.co_qualname, name].add(each.id_ // WIDTH)
        return look

    def leaves(value):
        if isinstance(value, (tuple, list)):
            return [leaf for each in value for leaf in leaves(each)]
        return [value] if is_traced(value) else []

    before = sys.gettrace()
    sys.settrace(look)
    try:
        finished = record(function, *arguments)
    finally:
        sys.settrace(before)
    return finished, held


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (named, (1.5,)), (calls, (1.5,)), (power_loop, (2.0, 5.0)), (swapped, (2.0,)), (conditional, (2.0, 0)),
        (conditional, (2.0, None)), (nested_loops, (2.0,)), (in_a_try, (2.0,)), (left_before_it_is_rebound, (2.0,)),
        (named_by_an_early_return, (2.0, 0)), (named_by_an_early_return, (2.0, 2)), (until, (1.5,)),
        (in_two_steps, (1.5,)), (rebound_by_a_call, (2.0,)), (sorted_in_place, (np.array([2.0, 1.0]),)),
    ],
)  # fmt: skip
def test_every_name_is_one_that_held_the_value(function, arguments):
    finished, held = held_while(function, arguments)
    for variable, rows in finished.sites.variables.items():
        if "." not in variable.name and variable.name != "shared":
            assert set(rows.tolist()) <= held[variable.function, variable.name], variable


def test_a_write_names_what_the_array_becomes_and_not_what_is_written():
    def function(x):
        out, listed = np.zeros(3), [None] * 3
        for i in range(3):
            out[i] = x * i
            listed[i] = x + i
        out[0] += 5 * x
        return out.sum() + sum(listed)

    finished = record(function, 2.0)
    assert [finished[f"out[{n}]"].op for n in range(4)] == ["setitem"] * 4
    assert finished["out[1]"].value.tolist() == [0.0, 2.0, 0.0]
    assert [finished[f"listed[{n}]"].value for n in range(3)] == [2.0, 3.0, 4.0]
    assert {node.label for node in finished.nodes if node.op == "multiply"} == {""}


def test_names_are_kept_in_a_trace_file(tmp_path):
    for function, arguments in (
        (named, (1.5,)),
        (calls, (1.5,)),
        (power_loop, (2.0, 5.0)),
        (swapped, (2.0,)),
    ):
        finished = record(function, *arguments)
        finished.save(tmp_path / "t.trace")
        loaded = load(tmp_path / "t.trace")
        assert [node.names for node in loaded.nodes] == [node.names for node in finished.nodes]
        assert any(len(node.names) > 1 for node in loaded.nodes) == (function is not power_loop)
        for name in finished.sites.spellings():
            assert loaded[name].index == finished[name].index


def test_both_names_are_known_to_messages_and_choices():
    def results(x):
        loss, other = two(x)
        return loss, other[0]

    finished = record(results, 1.5)
    assert finished.backward(of="loss").grads == {"x": 3.0}
    assert finished.backward(of="first").grads == {"x": 3.0}
    with pytest.raises(LookupNameError, match="did you mean first"):
        finished["firstt"]
    with pytest.raises(LookupNameError, match="did you mean loss"):
        finished["losss"]
    explained = finished.backward(of="loss")
    assert explained.explain("first") == explained.explain("loss")
    assert explained.explain("first").startswith("loss = 4.5")


def stepped(x, state):
    for _ in range(3):
        state["h"] = math.tanh(state["h"] * x)
        state["c"] = state["c"] * 0.5 + state["h"]
    return state["c"] * 2.0


class Keeper:
    def __init__(self, h):
        self.kept = {"h": h}
        self.h = h

    def step(self, x):
        self.kept["h"] = self.kept["h"] * x
        self.h = self.h + self.kept["h"]
        rows = [0.0]
        rows[0] = self.h * 0.25
        return rows[0] * 1.0


def test_an_item_with_a_written_key_goes_by_its_text():
    finished = record(stepped, 0.5, {"h": 0.1, "c": 0.2})
    made = [node.label for node in finished.nodes if node.kind == "function" and node.name]
    assert [label for label in made if label.startswith("state['h']")] == [
        f"state['h'][{k}]" for k in range(3)
    ]
    assert [label for label in made if label.startswith("state['c']")] == [
        f"state['c'][{k}]" for k in range(3)
    ]
    assert all(finished[label].label == label for label in made)
    assert finished['state["c"][1]'].op == "add"
    assert finished["state['h']"].kind == "input"
    assert [node.name for node in roll_up(finished, budget=1).nodes if node.kind == "function"].count(
        "state['c']"
    ) == 1


def test_an_item_of_an_attribute_goes_by_its_text_and_one_by_number_by_its_list():
    def run(x, h):
        return Keeper(h).step(x)

    finished = record(run, 0.5, 0.1)
    names = {node.op: node.name for node in finished.nodes if node.kind == "function" and node.name}
    assert names["add"] == "self.h"
    assert {node.name for node in finished.nodes if node.op == "multiply"} == {
        "self.kept['h']",
        "rows",
        None,
    }


def test_a_dict_that_is_returned_names_its_items_by_their_own_text():
    def step(x):
        made = {}
        made["h"] = x * 2.0
        return made

    def run(x):
        state = step(x)
        return state["h"] + 1.0

    assert record(run, 1.0).nodes[1].label == "made['h']"
