"""diff of programs with loops, branches and calls: which turn of the one run is which of the other."""

from functools import partial

import numpy as np
import pytest
from diff_programs import codes, program

from tracer import diff, record
from tracer.diagnose.alignment import UNMATCHED, align

LOOP = """
def step(h, x):
    return h * 0.5 + x

def loss(x, n):
    h = x
    for _ in range(n):
        h = step(h, x)
    return h * h
"""


@pytest.mark.parametrize("times", [(3, 4), (4, 3), (1, 30), (0, 2)])
def test_a_loop_with_more_turns(times, register):
    f = program(register, LOOP, "before.py")
    a, b = (record(f, 2.0, count) for count in times)
    found = diff(a, b)
    more = abs(times[1] - times[0])
    gone, new = (found.removed, found.added)[:: 1 if times[0] < times[1] else -1]
    assert gone == ()
    assert codes(new) == [("h * 0.5", more), ("h * 0.5 + x", more)]
    alignment = align(a, b)
    least = min(len(a.recording), len(b.recording)) - 1
    assert alignment.to_b[:least].tolist() == list(range(least))
    assert alignment.to_b[-1] == len(b.recording) - 1


def test_an_operation_in_every_turn_of_a_loop(register):
    f = program(register, LOOP, "before.py")
    g = program(register, LOOP.replace("h * 0.5 + x", "h * 0.5 * 1.25 + x"), "after.py")
    a, b = record(f, 2.0, 50), record(g, 2.0, 50)
    found = diff(a, b)
    assert found.matched == 101
    assert codes(found.added) == [("h * 0.5 * 1.25", 50)]
    (group,) = (each for each in found.values if each.operation.code == "h * 0.5 * 1.25 + x")
    assert (group.differing, group.total, group.born) == (50, 50, 50)


BRANCHES = """
def loss(xs, taken):
    h = 0.0
    for t, x in enumerate(xs):
        h = h + x
        if t in taken:
            h = h * 2.0
    return h
"""


@pytest.mark.parametrize("taken", [((3, 5), (5,)), ((1,), (1, 2, 7)), ((), (4,)), ((0, 1, 2, 3), (3,))])
def test_a_branch_is_matched_in_its_turn(taken, register):
    f = program(register, BRANCHES, "before.py")
    xs = [float(number) for number in range(9)]
    a, b = (record(partial(f, taken=each), xs) for each in taken)
    alignment = align(a, b)
    for one, other, partners in ((a, b, alignment.to_b), (b, a, alignment.to_a)):
        turns = [_turns(each) for each in (one, other)]
        for row, turn in turns[0].items():
            partner = int(partners[row])
            assert (partner != UNMATCHED) == (turn in turns[1].values())
            assert partner == UNMATCHED or turns[1][partner] == turn


def _turns(run):
    """Return the rows of the branch, and in which turn each stands."""
    turn, found = -1, {}
    for row in range(len(run.recording)):
        code = run.sites.place(row).site.text
        turn += code == "h + x"
        if code == "h * 2.0":
            found[row] = turn
    return found


NESTED = """
def loss(x, trips):
    h = x
    for trip in trips:
        o = h * 0.5
        for _ in range(trip):
            h = h + o
        h = h - 0.1
    return h
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((2, 3, 2), (2, 4, 2)), ((2, 3, 2), (1, 3, 3)), ((2, 3, 2), (2, 3, 2, 5)), ((5, 0, 2, 4), (0, 3, 2, 4, 1)),
    ],
)  # fmt: skip
def test_loops_within_loops_are_matched_turn_by_turn(before, after, register):
    f = program(register, NESTED, "before.py")
    a, b = (record(partial(f, trips=trips), 1.0) for trips in (before, after))
    alignment = align(a, b)
    turns = [_outer_turns(run) for run in (a, b)]
    least = min(len(before), len(after))
    for row, (turn, code) in enumerate(turns[0]):
        partner = int(alignment.to_b[row])
        if partner != UNMATCHED:
            assert turns[1][partner] == (turn, code)
        elif turn < least:
            assert code == "h + o"
    inner = sum(map(min, before, after))
    assert np.count_nonzero(alignment.to_b != UNMATCHED) == 1 + least + 2 * least + inner


def _outer_turns(run):
    """Return, by row, the turn of the outer loop and the code."""
    turn, found = -1, []
    for row in range(len(run.recording)):
        code = run.sites.place(row).site.text
        turn += code == "h * 0.5"
        found.append((turn, code))
    return found


@pytest.mark.parametrize("turns", [(3, 4), (4, 3), (5, 5)])
def test_a_line_that_stands_twice_does_not_shift_the_turns(turns, runs):
    before = (
        "def loss(x, n):\n    for _ in range(3):\n        a = x * 2.0\n        x = a - 1.0\n    return x\n"
    )
    more = before.replace("        a = x", "        x = x * 0.5\n        x = x * 0.5\n        a = x")
    once = before.replace("        a = x", "        x = x * 0.5\n        a = x")
    texts = [
        text.replace("range(3)", f"range({count})") for text, count in zip((once, more), turns, strict=True)
    ]
    a, b = runs(*texts, 1.0, 2.0)
    least = min(turns)
    assert diff(a, b).matched == diff(b, a).matched == 3 * least


def test_lines_that_changed_places_are_the_same(runs):
    before = "def loss(x, y):\n    h = x\n    for _ in range(4):\n        a = h * 2.0\n        b = y * 3.0\n        h = a + b\n    return h\n"
    after = before.replace(
        "        a = h * 2.0\n        b = y * 3.0\n", "        b = y * 3.0\n        a = h * 2.0\n"
    )
    a, b = runs(before, after, 1.0, 2.0)
    assert diff(a, b).same
    assert diff(b, a).same


def test_lines_that_changed_places_in_a_call_that_changed_are_the_same(register):
    before = "def half(v, n):\n    for _ in range(3):\n        a = v * 0.5\n        b = v * 0.25\n        v = a + b\n    return v\n\ndef loss(x, y):\n    return half(x, 1)\n"
    after = before.replace(
        "        a = v * 0.5\n        b = v * 0.25\n", "        b = v * 0.25\n        a = v * 0.5\n"
    )
    f = program(register, before, "before.py")
    g = program(register, after.replace("half(x, 1)", "half(x, 2)"), "after.py")
    assert diff(record(f, 2.0, 3.0), record(g, 2.0, 3.0)).same


def test_calls_from_other_places_are_told_apart(runs):
    before = "def half(v):\n    return v * 0.5\n\ndef loss(x, y):\n    return half(x) + half(y)\n"
    found = diff(*runs(before, before.replace("half(x) + half(y)", "half(y)"), 2.0, 3.0))
    assert codes(found.removed) == [("v * 0.5", 1), ("half(x) + half(y)", 1)]
    assert not found.added
    assert not found.values
