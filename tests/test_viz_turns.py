"""In which turn of which loop something ran, as pictures, pages and explanations tell it."""

import math
import re
from itertools import chain, pairwise

import numpy as np
import pytest
from turn_programs import ARGUMENTS, PROGRAMS, STEP, looping_while, nested, only_in_some_turns

from tracer import record
from tracer.diagnose.turns import Turns
from viz.loops import Loops
from viz.rolled_diagram import rolled_diagram
from viz.rolled_numbers import Numbers
from viz.rollup import roll_up


def traced(function):
    return record(function, *ARGUMENTS.get(function, (0.01, 0.001)))


def uses(trace):
    """Yield the operations whose constant says in which turn they ran, with i and j."""
    for node in trace.nodes:
        numbers = [each for each in node.operands if isinstance(each, int | float)]
        if (
            node.op == "multiply"
            and numbers
            and (numbers[0] % 1 == 0 or numbers[0] % 1 == 0.5 < numbers[0])
        ):
            yield node, divmod(int(numbers[0]), STEP)


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda each: each.__name__)
def test_a_turn_is_that_of_the_loop_or_none_is_claimed(function):
    trace = traced(function)
    turns = Turns(trace)
    counted = list(uses(trace))
    assert len(counted) > 3
    for node, numbers in counted:
        found = turns.of_row(node.row)
        expected = [numbers[which] for which in PROGRAMS[function]]
        assert ([number for _, number in found] if expected else found) == (expected or None), node.site


@pytest.mark.parametrize(
    "function", [each for each in PROGRAMS if PROGRAMS[each] == (0,)], ids=lambda each: each.__name__
)
def test_a_page_tells_the_same_turns(function):
    rolled = roll_up(traced(function), budget=1)
    loops = Loops(rolled)
    counted = {node.index: numbers[0] for node, numbers in uses(rolled.trace)}
    looked_at = 0
    for edge in rolled.edges:
        users = [rolled.trace.edges[int(each)].dst.index for each in edge.members]
        if edge.count > 1 and any(user in counted for user in users):
            _, runs = loops.of(edge)
            looked_at += len(runs)
            assert all(counted.get(users[run], turn) == turn for turn, run in runs.items())
    assert looked_at > 2


def three_deep(x, w):
    total = x
    for _ in range(2):
        for k in range(3, 5):
            for j in range(8, 0, -2):
                total = total + x * w * (k * j)
    return total


def test_loops_around_each_other_are_told_apart_by_how_often_the_inner_ones_are_written_to_run():
    trace = record(three_deep, 0.1, 0.2)
    rolled = roll_up(trace, budget=1)
    texts = [f"turn {i}, k = {k}, j = {j}" for i in range(2) for k in (3, 4) for j in (8, 6, 4, 2)]
    assert [Turns(trace).text(use.index) for use in trace["w"].uses] == texts
    loops = Loops(rolled)
    (edge,) = (each for each in rolled.edges if each.count == 16 and rolled.nodes[each.src].name == "w")
    number, _ = loops.of(edge)
    assert loops.found[number].names == tuple(texts)


def from_five(x, w):
    for k in range(5, 40):  # noqa: B007  (its name is told)
        x = math.tanh(x * w)
    return x


def downwards(x, w):
    for k in range(30, 0, -1):  # noqa: B007  (as above)
        x = math.tanh(x * w)
    return x


def from_a_number(x, w, n):
    for k in range(n, n + 30):  # noqa: B007  (as above)
        x = math.tanh(x * w)
    return x


def set_again(x, w):
    for k in range(30):
        k = k * 2  # noqa: PLW2901  (so it counts no turns)
        x = math.tanh(x * w)
    return x


def of_words(words, w):
    total = 0.0
    for word in words:
        total = total + math.tanh(word * w)
    return total


def of_pairs(words, w):
    total = 0.0
    for left, right in pairwise(words):
        total = total + math.tanh((left - right) * w)
    return total


WORDS = [0.1 * k for k in range(30)]


@pytest.mark.parametrize(
    ("function", "arguments", "text"),
    [
        (from_five, (0.1, 0.9), "k = 8"),
        (downwards, (0.1, 0.9), "k = 27"),
        (from_a_number, (0.1, 0.9, 7), "for k: turn 3"),
        (set_again, (0.1, 0.9), "for k: turn 3"),
        (of_words, (WORDS, 0.9), "for word: turn 3"),
        (of_pairs, (WORDS, 0.9), "for left, right: turn 3"),
        (looping_while, (0.1, 0.9), "turn 3"),
        (nested, (0.1, 0.9), "i = 0, j = 3"),
        (only_in_some_turns, (0.1, 0.9), ""),
    ],
)
def test_a_turn_goes_by_the_variable_of_its_loop(function, arguments, text):
    trace = record(function, *arguments)
    fourth = trace["w"].uses[3]
    assert Turns(trace).text(fourth.index) == text


def items(xs, w):
    total = 0.0
    for x in xs:
        total = total + x * w
    return total


def items_in_step(xs, w):
    for k, x in enumerate(xs, 5):  # noqa: B007  (its name is told)
        w = w * x
    for x, z in zip(xs, w * xs, strict=True):
        w = w + x * z
    return w


def items_handed_on(xs, w):
    both = xs * w
    return sum(items(both, w) for _ in range(2))


def items_of_iterators(xs, w):
    ahead = iter(xs)
    next(ahead)
    first = chain([0.5], xs)
    xs = reversed(xs)
    return sum(x * w for each in (ahead, first) for x in each) + sum(x * w for x in xs)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (items, {f"for x: turn {k}" for k in range(5)}),
        (
            items_in_step,
            {f"k = {k + 5}" for k in range(5)} | {f"for x, z: turn {k}" for k in range(5)} | {""},
        ),
        (items_handed_on, {f"turn {t}, for x: turn {k}" for t in range(2) for k in range(5)}),
        (items_of_iterators, {""}),
    ],
)
def test_an_item_of_an_array_is_taken_in_the_turn_of_its_loop_or_in_none_that_is_claimed(
    function, expected
):
    trace = record(function, np.linspace(0.5, 0.9, 5), 1.5)
    turns = Turns(trace)
    taken = [node for node in trace.nodes if node.op == "getitem"]
    told = [turns.text(node.in_edges[0].index) for node in taken]
    assert set(told) == expected
    for node, text in zip(taken, told, strict=True):
        index = node.params["index"]
        assert not text or text.endswith(
            (f"for x: turn {index}", f"for x, z: turn {index}", f"k = {index + 5}")
        )


def weighted(x, w, sizes):
    for _ in range(3):
        x = math.tanh(x)
        for k in range(12):
            if k % 4 == 1:
                x = x + w * sizes[k]
            x = x + 0.01
    return x


def test_a_sum_names_the_turns_of_its_terms_and_not_their_runs():
    trace = record(weighted, 0.1, 0.5, [0.1] * 5 + [3.0] + [0.1] * 6)
    rolled = roll_up(trace)
    fork = next(node for node in rolled.nodes if node.kind == "splitter" and node.name == "w")
    (box,) = (each for each in rolled_diagram(rolled).boxes if each.node == fork.index)
    total, terms = ("".join(span.text for span in line) for line in box.lead.below)
    assert total.startswith("Σ over 9 runs = ")
    assert terms.startswith("turn 2, k = 5: ")
    largest = max(trace["w"].uses, key=lambda use: abs(use.grad))
    assert trace["w"].uses.index(largest) == 7  # which is the run


def test_where_the_loop_is_unknown_a_run_is_a_run():
    rolled = roll_up(record(only_in_some_turns, 0.1, 0.5))
    edge = next(edge for edge in rolled.edges if edge.count > 1)
    assert Numbers(rolled).when(edge, 3) == "run 3"


def fib(n, w):
    return 0.9 * fib(n - 1, w) * (0.8 * fib(n - 2, w)) if n > 1 else w


def product(n, w):
    return product(n - 1, w) * product(n - 2, w) if n > 1 else w


def times(v, w):
    return v * w


def called_twice(x, w):
    for _ in range(6):
        x = times(x, w)
    return sum(times(x + k, w) for k in range(2)) + times(x, w)


def _carried(x, w):
    for _ in range(300):
        x = x * w
    return x


def test_without_a_turn_the_runs_of_the_gate_are_counted_and_not_those_of_the_use():
    rolled = roll_up(record(product, 5, 1.1))
    uses = [edge for edge in rolled.edges if rolled.nodes[edge.src].name == "w" and edge.count > 1]
    told = [[Numbers(rolled).when(edge, run) for run in range(edge.count)] for edge in uses]
    assert told[:2] == [["run 0", "run 2"], ["run 0", "run 1", "run 2"]]  # both are operands of four runs


NAMED = [  # what uses a value is called as its box; where two are called the same, by their lines or their calls'
    (fib, (4, 1.1), {"0.8 ×", "0.9 ×"}),
    (called_twice, (1.1, 0.9), {f"× called in line {called_twice.__code__.co_firstlineno + 2}"}),
]


@pytest.mark.parametrize(("function", "given", "expected"), NAMED)
def test_the_terms_of_a_sum_name_what_uses_the_value_so_that_it_is_found(function, given, expected):
    rolled = roll_up(record(function, *given))
    fork = next(node for node in rolled.nodes if node.kind == "splitter" and node.name == "w")
    (box,) = (each for each in rolled_diagram(rolled).boxes if each.node == fork.index)
    terms = "".join(span.text for span in box.lead.below[1])
    assert {re.split(r" \(|: ", term)[0] for term in re.split(r"(?<=%), ", terms)} == expected


@pytest.mark.parametrize(("factor", "expected"), [(0.99995, "×0.99995"), (1.0, "×1"), (0.9, "×0.9")])
def test_a_gain_has_as_many_digits_as_tell_it_from_one(factor, expected):
    picture = rolled_diagram(roll_up(record(_carried, 0.5, factor)))
    lines = ["".join(span.text for span in line) for arrow in picture.arrows for line in arrow.label.below]
    (told,) = (line for line in lines if "for each turn back" in line)
    assert told.startswith(f"{expected} for each turn back")


def halved(x, w, depth):
    return halved(x, w, depth - 1) * w if depth else x


def in_calls_of_calls(x, w):
    total = x
    for k in range(3):
        total = total + halved(x, w, 6) * (k + 1.0)
    return total


def test_terms_of_one_turn_are_told_apart_by_their_runs():
    rolled = roll_up(record(in_calls_of_calls, 0.1, 0.9))
    (box,) = (
        each for each in rolled_diagram(rolled).boxes if each.shape == "splitter" and each.name == "w"
    )
    terms = "".join(span.text for span in box.lead.below[1]).split(": ")
    assert [term.rpartition("%, ")[2] for term in terms[:-1]] == [
        f"k = 2, run {run}" for run in (12, 13, 14)
    ]


def test_a_series_that_begins_and_ends_with_zero_says_how_large_it_gets():
    rolled = roll_up(record(spread, 0.1, 0.9))
    texts = [
        "".join(span.text for span in line)
        for arrow in rolled_diagram(rolled).arrows
        for line in arrow.label.below
    ]
    assert "0 → 0  up to 2" in texts


def spread(x, w):
    total = 0.0
    for k in range(30):
        total = total + (x * w) * (2.0 if 5 < k < 20 else 0.0)
    return total
