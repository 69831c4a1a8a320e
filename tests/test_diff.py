"""diff: two runs of one program or of two versions of it; what is matched, what differs, and where that begins."""

import dataclasses
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from command_line import golden
from diff_programs import BEFORE, changed, codes, program
from hypothesis import given, note, settings
from strategies import array_programs, scalar_programs
from test_properties import QUICK

import tracer
from tracer import diff, load, record, trace
from tracer.diagnose.alignment import skeleton
from tracer.errors import UsageError
from viz.as_json import as_json

# what was edited; then: operations matched, removed, added, the first value and the first gradient that differ
EDITS = {
    "nothing": ((), 3, [], [], None, None),
    "a line above": (("    t = s", "\n    # why\n\n    t = s"), 3, [], [], None, None),
    "a renamed variable": (
        (("s = x", "q = x"), ("t = s *", "t = q *")), 3, [], [], None, None
    ),
    "a renamed function": (("loss", "cost"), 3, [], [], None, None),
    "a constant": (("3.0", "4.0"), 3, [], [], ("constant", "t = s * 4.0"), ("local", "t = s * 4.0")),
    "an operation": (
        ("x * y", "x / y"), 2, [("x * y", 1)], [("x / y", 1)], ("operand", "t = s * 3.0"), ("uses", "input y")
    ),
    "an operation more": (
        ("s * 3.0", "-s * 3.0"), 3, [], [("-s", 1)], ("operand", "t = -s * 3.0"), ("uses", "s = x * y")
    ),
    "an operation less": (
        ("t + x", "t"), 2, [("t + x", 1)], [], None, ("uses", "input x")
    ),
    "operands": (("x * y", "y * x"), 3, [], [], None, None),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_edits_of_a_program(edit, runs):
    edits, matched, removed, added, value, gradient = EDITS[edit]
    edits = edits if not edits or isinstance(edits[0], tuple) else (edits,)
    found = diff(*runs(BEFORE, changed(*edits), 2.0, 5.0))
    assert (found.matched, codes(found.removed), codes(found.added)) == (matched, removed, added)
    for cause, expected in ((found.first_value, value), (found.first_gradient, gradient)):
        told = cause and (cause.kind, str(cause.operation).partition(" (")[0])
        assert told == expected
    assert found.same == (not any((removed, added, value, gradient)))


def test_the_numbers_of_a_changed_constant(runs):
    a, b = runs(BEFORE, changed(("3.0", "4.0")), 2.0, 5.0)
    found = diff(a, b)
    assert found.first_value.message == "its constant changed: 3 → 4"
    assert (found.first_value.change.old, found.first_value.change.new) == (30, 40)
    assert found.first_value.follow == 1
    assert "1 × 3 = 3 → 1 × 4 = 4" in found.first_gradient.message
    edge = b.edges[found.first_gradient.b]
    assert (edge.upstream, edge.local, edge.grad) == (1, 4, 4)
    assert [(each.name, each.value, each.gradient.new) for each in found.inputs] == [
        ("x", None, 21), ("y", None, 8)
    ]  # fmt: skip
    assert [each.value.new for each in found.outputs] == [42]
    assert [(group.operation.variable, group.born) for group in found.values] == [("t", 1), ("", 0)]


def test_the_local_partial_is_told_from_the_upstream(runs):
    before = "def loss(x):\n    a = x * x\n    b = a * 2.0\n    return b * 5.0\n"
    found = diff(*runs(before, before.replace("5.0", "7.0"), 3.0))
    assert found.first_gradient.kind == "local"
    assert found.first_gradient.operation.code == "b * 7.0"
    # What is further back has another upstream, and is no first difference.
    assert {group.operation.code for group in found.gradients} == {"b * 7.0", "a * 2.0", "x * x", ""}


def test_another_input_is_told_from_what_follows(runs):
    found = diff(*runs(BEFORE, BEFORE, 2.0, 5.0, others=(2.0, 5.5)))
    assert (found.first_value.kind, found.first_value.operation.variable) == ("input", "y")
    assert found.first_value.follow == 3
    assert [group.born for group in found.values] == [0, 0, 0]
    assert found.first_gradient.kind == "local"
    assert "with the value of y: 5 → 5.5" in found.first_gradient.message


def test_a_use_more_is_named_with_its_gradient(runs):
    found = diff(*runs(BEFORE, changed(("t + x", "t + x + 7 * x")), 2.0, 5.0))
    assert found.first_gradient.kind == "uses"
    assert found.first_gradient.message.startswith(
        "its uses changed (2 → 3): it gained 7 * x (after.py:5): 7"
    )
    assert (found.first_gradient.change.old, found.first_gradient.change.new) == (16, 23)


def test_without_the_source_variables_tell_operations_apart():
    runs = []
    for lines in ("    a = x * 2.0\n    b = x * 3.0\n", "    b = x * 3.0\n    a = x * 2.0\n"):
        scope = {}
        exec(f"def loss(x):\n{lines}    return a - b\n", scope)  # noqa: S102
        runs.append(record(scope["loss"], 1.0))
    assert runs[0].nodes[2].site.text == ""
    assert diff(*runs).same


def test_types_have_a_tolerance_of_their_own():
    def f(w, x):
        return (np.tanh(w * x) ** 2).sum()

    w, x = np.linspace(-1, 1, 7), np.linspace(0.1, 3, 7)
    full, single = record(f, w, x), record(f, w.astype(np.float32), x.astype(np.float32))
    found = diff(single, full)
    assert found.same
    assert "float32 → float64" in found.notes[0]
    assert not diff(single, full, rtol=1e-12).same
    assert not diff(full, record(f, w * (1 + 1e-6), x)).same
    assert diff(full, record(f, w * (1 + 1e-12), x)).same
    assert diff(full, record(f, w * (1 + 1e-6), x), atol=1e-3).same


def test_nan_is_nan_and_infinity_is_no_number():
    def f(x):
        return x * 2

    nan, infinite, one = (record(f, number) for number in (math.nan, math.inf, 1.0))
    assert diff(nan, record(f, math.nan)).same
    assert diff(infinite, record(f, math.inf)).same
    for a, b in (
        (nan, one),
        (one, nan),
        (infinite, one),
        (one, infinite),
        (infinite, record(f, -math.inf)),
    ):
        found = diff(a, b)
        assert (found.first_value.kind, found.first_value.change.size) == ("input", math.inf)
    array = np.array([1.0, np.nan, np.inf])
    assert diff(*(record(lambda x: (x * 2).sum(), array.copy()) for _ in range(2))).same


def test_what_cancels_to_rounding_is_no_difference(runs):
    before = "def loss(x):\n    a = x * 0.1 + x * 0.2\n    return a - x * 0.3\n"
    a, b = runs(before, before.replace("a - x * 0.3", "x * 0.3 - a"), 1.0)
    assert 0 < a.result < 1e-15
    assert b.result == -a.result
    assert not diff(a, b).values
    more = [
        text.replace("return ", "r = ") + "    return r * 1e9\n"
        for text in (before, before.replace("a - x * 0.3", "x * 0.3 - a"))
    ]
    larger = diff(*runs(*more, 1.0)).first_value
    assert larger.operation.code == "r * 1e9"
    assert larger.message == "it enlarges a difference within tolerance: r 5.551e-17 → −5.551e-17"


@pytest.mark.parametrize("sign", [1, -1])
def test_what_is_small_has_digits_of_its_own(sign):
    assert not diff(*(record(lambda x: x * 1e-30, number) for number in (1.0, 2.0 * sign))).same


def two(x):
    a = x * 2
    b = x * 3
    return {"a": a, "b": b}


def test_another_seed_and_another_output():
    run = record(two, 1.0)
    a, b = run.backward(of="a"), run.backward(of="b")
    assert diff(a, a).same
    seeded = diff(a, run.backward(of="a", seed=3.0))
    assert (seeded.first_gradient.kind, seeded.first_gradient.message) == ("seed", "another seed: 1 → 3")
    assert not seeded.values
    other = diff(a, b)
    assert other.first_gradient.kind == "output"
    assert [each.gradient.new for each in other.inputs] == [3]


def test_without_gradients_the_values_are_compared():
    found = diff(record(two, 1.0), record(two, 2.0))
    assert found.first_gradient is None
    assert found.first_value.kind == "input"
    assert (
        "no gradients are compared, as the first trace has none: two returned several values" in found.notes
    )
    assert "values differ" in str(found)


def test_a_run_that_failed_is_compared_as_far_as_it_came():
    @trace
    def f(x, y):
        a = x * 3
        b = a * a
        if y > 1:
            raise ValueError("too much")
        return b + y

    f(2.0, 1.0)
    whole = f.last_trace
    with pytest.raises(ValueError, match="too much"):
        f(2.5, 2.0)
    found = diff(whole, f.last_trace)
    assert found.notes[0] == "the second run stopped with ValueError: too much: compared as far as it came"
    assert found.notes[1].startswith("no gradients are compared, as the second trace has none")
    assert codes(found.removed) == [("b + y", 1)]
    assert found.first_value.operation.variable == "x"
    assert [group.operation.variable for group in found.values] == ["b", "a"]


def test_what_is_returned_is_compared_by_path():
    assert not diff(record(lambda: 3.0), record(lambda: 4.0)).same
    more = diff(record(lambda x: {"a": x * 2}, 1.0), record(lambda x: {"a": x * 2, "b": x}, 1.0))
    assert [each.operation.variable for each in more.added] == ["['b']"]


def test_arrays_are_compared_by_element():
    def f(w):
        return (w @ w.T * 0.5).sum()

    w = np.arange(6.0).reshape(2, 3)
    other = w.copy()
    other[1, 2] += 1
    found = diff(record(f, w), record(f, other))
    assert found.first_value.change.place == (1, 2)
    assert (found.first_value.change.old, found.first_value.change.new) == (5, 6)
    # A transposed gradient has the norm, the extremes and the mean of the right one.
    square = np.arange(4.0).reshape(2, 2)
    w = square.copy()
    turned = diff(record(lambda w: (w * square).sum(), w), record(lambda w: (w * square.T).sum(), w))
    assert [each.gradient.place for each in turned.inputs] == [(0, 1)]
    shapes = diff(record(f, other), record(f, other[:1]))
    assert shapes.first_value.change.size == math.inf
    assert "(2, 3)" in str(shapes)


def test_gradients_that_were_not_kept_are_compared_by_statistics(monkeypatch):
    def f(w, scale):
        h = w
        for _ in range(4):
            h = np.sin(h * w)
        return h.sum() * scale

    w = np.linspace(0, 1, 200)
    monkeypatch.setattr("tracer.backward.BUDGET", 4_000)
    a, same, b = record(f, w, 1.0), record(f, w, 1.0), record(f, w, 1.5)
    assert len(a.gradients.measured.edges)
    assert diff(a, same).same
    found = diff(a, b)
    assert found.edges_differing == found.edges_compared - 1  # that of `scale` is what it was
    assert any(re.fullmatch(r"\d+ arrays were not kept in full, .*", note) for note in found.notes)


@pytest.mark.parametrize("most", [1 << 25, 0])
def test_arrays_that_are_written_into(most, monkeypatch):
    monkeypatch.setattr("tracer.diagnose.comparison._MOST_ELEMENTS", most)

    def written(order):
        def f(x):
            out = np.zeros(50)
            for place, factor in zip(order, (2.0, 3.0, 4.0, 5.0), strict=True):
                out[place] = x * factor
            return (out[:3] * out[:3]).sum()

        return record(f, 1.5)

    a, same, b = written((0, 1, 2, 3)), written((0, 1, 2, 3)), written((1, 0, 2, 3))
    assert diff(a, same).same
    assert bool(diff(a, same).notes) == (most == 0)
    found = diff(a, b)
    assert not found.same
    if most:
        assert (found.first_value.kind, found.first_value.change.place) == ("option", (0,))


def test_a_condition_that_is_compiled_twice_is_one_site(register):
    text = "def loss(x):\n    while abs(x) > 0.1:\n        x = x * 0.5\n    return x\n"
    f = program(register, text, "before.py")
    found = diff(record(f, 1.0), record(f, 1.1))
    assert [group.operation.code for group in found.values] == ["abs(x)", "x * 0.5"]


def summed(start, axis):
    def f(x):
        return (np.sum(x, axis=axis) ** 2).sum()

    return record(f, start)


def test_complex_numbers_options_and_whole_numbers():
    z = diff(record(lambda z: abs(z * z), 1 + 2j), record(lambda z: abs(z * z), 1 + 2.5j))
    assert z.first_value.change.new == 1 + 2.5j
    a = np.arange(6.0).reshape(2, 3)
    options = (summed(a, axis) for axis in (0, 1))
    assert diff(*options).first_value.kind == "option"
    huge = (record(lambda n: (n - 10**400) * 1.0, 10**400 + more) for more in (1, 2))
    assert diff(*huge).first_value.kind == "input"


@settings(QUICK, max_examples=60)
@given(scalar_programs())
def test_a_program_of_numbers_is_like_itself(program):
    _is_like_itself(program)


@settings(QUICK, max_examples=60)
@given(array_programs())
def test_a_program_of_arrays_is_like_itself(program):
    _is_like_itself(program)


def _is_like_itself(program):
    note(repr(program))
    a, b = (record(program.function(), *program.arguments) for _ in range(2))
    assert diff(a, a).same
    found = diff(a, b)
    assert found.same, str(found)
    assert found.matched == found.operations_a == found.operations_b


def test_programs_that_have_nothing_in_common_are_one_message():
    def f(x, y):
        return x * y + x

    def g(p, q):
        return np.sin(p) / np.exp(q)

    with pytest.raises(
        UsageError, match=r"nothing in common; got .*f with 2 operations and .*g with 3, of which none"
    ):
        diff(record(f, 1.0, 2.0), record(g, 1.0, 2.0))


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((record(two, 1.0), 3.0), {}, "diff takes a Trace; got float; give one"),
        ((record(two, 1.0),) * 2, {"rtol": -1}, "rtol is no tolerance; got -1"),
        ((record(two, 1.0),) * 2, {"atol": math.nan}, "atol is no tolerance; got nan"),
    ],
)
def test_what_is_no_trace_and_no_tolerance_is_said(arguments, options, message):
    with pytest.raises(UsageError, match=message):
        diff(*arguments, **options)


def test_skeletons():
    assert skeleton("a * np.exp(2 * b)") == "_*_.exp(0*_)"
    assert skeleton("w['key'] + f(1e-3)") == "_[0]+f(0)"


EXAMPLE = """
def model(x, rate):
    error = x - 1.0
    y = x - rate * error
    return y * y
"""


NEWER = EXAMPLE.replace("rate * error", "2 * rate * error").replace("y * y", "y * y + 0.1 * x")


def saved(folder):
    """Write the program of docs/diff.md in two versions."""
    for name, text in (("before", EXAMPLE), ("after", NEWER)):
        Path(folder, f"{name}.py").write_text(text, encoding="utf-8")


def test_the_command_and_its_example(edgegrad, folder, monkeypatch):
    saved(folder)
    for name in ("before", "after"):
        assert edgegrad("run", f"{name}.py:model", "x=3.0", "rate=0.25", "-o", f"{name}.trace")[0] == 0
    monkeypatch.setenv("COLUMNS", "100")
    code, out, err = edgegrad("diff", "before.trace", "after.trace")
    assert (code, err) == (1, "")
    assert out == golden("diff.txt")
    page = (Path(tracer.__file__).parent.parent / "docs" / "diff.md").read_text(encoding="utf-8")
    assert out in page
    for line in EXAMPLE.strip().split("\n"):
        assert line in page
    monkeypatch.setenv("COLUMNS", "60")
    assert max(map(len, edgegrad("diff", "before.trace", "after.trace")[1].split("\n"))) <= 60

    found = diff(load("before.trace"), load("after.trace"))
    told = json.loads(edgegrad("diff", "before.trace", "after.trace", "--json")[1])
    assert told == json.loads(as_json(found))
    assert (told["same"], found.same) == (False, False)
    assert told["first_value"]["kind"] == "operand"
    assert edgegrad("diff", "before.trace", "before.trace")[0] == 0
    assert edgegrad("diff", "before.trace", "after.trace", "--atol", "1e9")[0] == 1  # operations are new


def test_a_saved_trace_is_like_the_run(folder):
    saved(folder)
    scope = {}
    exec(EXAMPLE, scope)  # noqa: S102
    run = record(scope["model"], 3.0, 0.25)
    run.save("run.trace")
    assert diff(run, load("run.trace")).same
    assert dataclasses.replace(diff(load("run.trace"), run)) == diff(run, load("run.trace"))
