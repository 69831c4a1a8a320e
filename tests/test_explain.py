"""explain: the arithmetic of a gradient as a tree, its text and its data."""

import math
import re

import numpy as np
import pytest

from sample_graphs.fan_out import fan_out
from sample_graphs.residual import residual
from sample_graphs.splitter import splitter
from tracer import detach, record
from tracer.diagnose.explain import explain, explanation
from tracer.diagnose.tree import shorten_code
from tracer.errors import CutWarning, GradientError, LookupNameError
from tracer.run import Options, run
from viz.plots.sums import splitter_sum


def text_of(trace, name, **options):
    return explain(trace, name, **options).split("\n")


def test_a_splitter_is_explained_down_to_the_seed():
    assert explain(record(splitter), "x") == (
        "x = 2 · grad 10 = Σ 3 + 7 (2 uses)\n"
        "├─ 3 = 1 × 3      multiply   left = 3 * x    splitter.py:12\n"
        "│  └─ 1 = 1 × 1   add        left + right    splitter.py:14\n"
        "│     └─ 1 = seed   output\n"
        "└─ 7 = 1 × 7      multiply   right = 7 * x   splitter.py:13\n"
        "   └─ 1 = 1 × 1   add        left + right    splitter.py:14\n"
        "      └─ 1 = seed   output"
    )


def test_local_partials_are_written_in_the_names_of_the_program():
    text = explain(record(residual), "x")
    assert "45 = 7.5 × 6 (2 * x)" in text
    assert "7.5 = 15 × 0.5 (weight)" in text


def test_a_value_is_explained_once_at_the_place_nearest_to_the_top():
    text = explain(record(residual), "x")
    assert text.count("15 = 1 × 15") == 1
    assert "15 = grad of y, explained below" in text

    def squared(x):
        s = x * x
        return s * 3

    assert text_of(record(squared, 2.0), "x")[-1].strip() == "└─ 3 = grad of s, explained above"


def test_every_gradient_in_the_tree_is_the_product_or_the_sum_that_it_says():
    trace = record(residual)
    for name in ("x", "weight", "main", "y"):
        explained = explanation(trace, name)
        uses = [term for term in explained.terms if term.kind == "use"]
        assert uses
        for term in uses:
            assert term.grad == pytest.approx(term.upstream * term.local)
        assert sum(term.grad for term in explained.terms if term.parent == -1) == pytest.approx(
            explained.grad
        )
        for position, term in enumerate(explained.terms):
            children = [child for child in explained.terms if child.parent == position]
            if term.kind == "use" and children:
                assert sum(child.grad for child in children) == pytest.approx(term.upstream)


def test_of_a_long_sum_the_largest_terms_are_shown_and_the_rest_together():
    lines = text_of(record(fan_out), "x", top=2, depth=1)
    assert lines[0] == "x = 2 · grad 129 = Σ 1 + 4 + 12 + 32 + 80 (5 uses)"
    assert [line.split("   ")[0].strip() for line in lines if line.startswith(("├─", "└─"))] == [
        "├─ 80 = 1 × 80 (5 * x**4)",
        "├─ 32 = 1 × 32 (4 * x**3)",
        "└─ … 3 more, together 17",
    ]


def test_of_a_long_sum_of_arrays_too():
    def rows(table):
        return sum(table[i].sum() * (i + 1) for i in range(6))

    lines = text_of(record(rows, np.ones((6, 4))), "table", top=1, depth=1)
    assert lines[0] == "table = (6, 4)  ‖4.899‖ · grad ‖19.08‖ from Σ 6 terms: ‖12‖, ‖10‖, … (6 uses)"
    assert lines[-1] == f"└─ … 5 more, together ‖{math.sqrt(4 * (1 + 4 + 9 + 16 + 25)):.4g}‖"


def test_depth_limits_the_tree_and_says_so():
    lines = text_of(record(residual), "weight", depth=2)
    assert lines[-1].strip() == "└─ 15 = grad of y, …"


def test_the_same_value_at_two_operands_is_told_apart():
    def squared(x):
        return x * x

    text = explain(record(squared, 3.0), "x")
    assert "3 = 1 × 3 (x)   1st operand of multiply" in text
    assert "3 = 1 × 3 (x)   2nd operand of multiply" in text


def test_arrays_are_told_by_norms_and_broadcasts_by_their_copies():
    def scaled(table, factor):
        return (table * factor).sum()

    text = explain(record(scaled, np.full((2, 8), 3.0), 2.0), "factor")
    assert "48 = Σ over 16 copies" in text
    assert "‖12‖ = ‖4‖ × 3" in text
    assert "‖4‖ from 1" in text


def test_elementwise_partials_of_arrays_are_their_formula():
    def bend(h):
        s = np.tanh(h)
        return s.sum()

    assert "from ‖1.414‖ × (1 - s**2)   tanh   s = np.tanh(h)" in explain(
        record(bend, np.array([0.5, 1.0])), "h"
    )


def test_a_value_that_nothing_depends_on_has_gradient_zero_and_it_is_said():
    def unused(x, y, z):  # noqa: ARG001  (that is the point)
        y * 2
        return x * 3

    trace = record(unused, 1.0, 2.0, 3.0)
    assert text_of(trace, "y")[0] == "y = 2 · grad 0 (the output does not depend on it)"
    assert "0   the output does not depend on this use" in explain(trace, "y")
    assert (
        explain(trace, "z") == "z = 3 · grad 0 (the output does not depend on it: never used in arithmetic)"
    )


def test_a_cut_says_that_no_gradient_comes_back():
    def cut(x):
        return x * detach(x)

    text = explain(record(cut, 2.0), "x")
    assert "├─ no gradient: the value leaves the graph   cut" in text
    assert "detach(x)" in text


def test_outputs_that_are_not_seeded_are_told_apart():
    def both(x):
        s = x * 2
        return s, s * 3

    trace = record(both, 1.0).backward(of=1)
    assert "0   output [0], which is not seeded" in explain(trace, "s")
    assert explain(trace, "[1]") == "[1] = 6 · grad 1 (the seed)"


def test_an_augmented_assignment_is_not_assigned_twice_in_the_text():
    def grow(x):
        s = x
        s += x * 2
        return s * 3

    text = explain(record(grow, 1.0), "x")
    assert "s += x * 2" in text
    assert "= s +=" not in text


def test_code_over_several_lines_is_one_line():
    def spread(x):
        return math.hypot(
            x,
            3.0,
        )

    lines = text_of(record(spread, 4.0), "x", width=200)
    assert "math.hypot(x, 3.0,)" in lines[1]


def test_the_tree_fits_a_width_by_cutting_code_short():
    for line in explain(record(fan_out), "x", width=60).split("\n"):
        assert len(line) <= 60
    assert "…" in explain(record(fan_out), "x", width=60)
    named = record(
        lambda the_first_of_all_parameters: the_first_of_all_parameters**2 * 1.2345678, 2.3456789
    )
    lines = explain(named, "the_first_of_all_parameters", width=40).split("\n")
    assert max(map(len, lines)) <= 40
    assert lines[:2] == ["the_first_of_all_parameters = 2.346 ·", "  grad 5.792 (1 use)"]


def test_the_text_holds_no_folder_and_no_identity():
    text = explain(record(residual), "x")
    assert "/" not in text.replace("1/", "")
    assert not re.search(r"0x[0-9a-f]{6}", text)
    assert text == explain(record(residual), "x")


def test_a_chain_of_many_thousand_operations_is_no_recursion():
    def chain(x):
        for _ in range(5_000):
            x = x + 1.0
        return x

    lines = text_of(record(chain, 1.0), "x", depth=5_001, width=20_000)
    assert len(lines) == 5_002
    assert lines[-1].endswith("1 = seed   output")


def test_a_wrong_name_gets_the_nearest():
    with pytest.raises(LookupNameError, match="did you mean weight"):
        explain(record(residual), "wieght")


def test_a_wrong_name_gets_the_one_that_differs_in_case_or_is_only_its_last_part():
    def product(params, x):
        x = x * params["W"]
        return x * params["b"]

    trace = record(product, {"W": 2.0, "b": 3.0}, 1.0)
    for wrong, right in (("X", "x"), ("W", "params['W']"), ("params['w']", "params['W']")):
        with pytest.raises(LookupNameError, match=f"did you mean {re.escape(right)}\\?$"):
            explain(trace, wrong)


def test_a_run_that_failed_has_no_gradient_to_explain():
    def fails(x):
        s = x * 2
        return s / 0

    trace, error = run(fails, (1.0,), {}, Options())
    assert isinstance(error, ZeroDivisionError)
    with pytest.raises(GradientError, match="fails raised an exception"):
        explain(trace, "x")


def test_the_uses_that_a_loop_makes_say_in_which_turn():
    def f(w, x):
        for t in range(5):
            x = w * x + w * t
        return x * w

    text = text_of(record(f, 2.0, 3.0), "w", depth=1, top=3)
    uses = [line for line in text if " multiply " in line]
    assert re.fullmatch(r"test_explain.py:\d+", uses[0].split()[-1])
    assert [line.split()[-1] for line in uses[1:]] == ["4)", "3)"]
    assert re.search(r"test_explain.py:\d+ \(t = 4\)$", uses[1])
    assert "… 8 more" in text[-1]


def test_of_uses_that_a_loop_makes_the_way_of_the_largest_alone_is_told():
    def f(x):
        total = 0.0
        for t in range(8):
            total = total + t * x * 2
        return total

    text = text_of(record(f, 3.0), "x", depth=4, top=3)
    assert [line[:1] for line in text[1:]] == ["├", "│", "│", "│", "├", "├", "└"]
    assert [found[0] for line in text if (found := re.search(r"t = \d", line))] == [
        "t = 7",
        "t = 6",
        "t = 5",
    ]


def test_a_deep_tree_leaves_the_code_of_the_lines_that_have_room():
    def f(x):
        y = np.exp(np.sin(x * 2.5) * 1.25) * 3.125
        return np.cos(y * 1.0625) * 0.53125

    lines = text_of(record(f, 1.1), "x", depth=9, width=66)
    assert "x * 2.5" in lines[1]
    assert max(map(len, lines)) <= 66


def _restarted(x, w):
    h = total = 0.0
    for i in range(2):
        for t in range(6):
            if t % 3 == 1:
                h = x
            h = h * w
            total = total + h * (t + i)
    return total


def _fib(n, w):
    if n < 2:
        return w
    left, right = _fib(n - 1, w), _fib(n - 2, w)
    return left * right


TURNS = [  # a use in some turns alone is told by the turn; where no loop is around it, by the run of its operation
    (_restarted, (1.1, 0.9), "x", ["i = 0, t = 1", "i = 0, t = 4", "i = 1, t = 1", "i = 1, t = 4"]),
    (
        _fib,
        (4, 1.1),
        "w",
        ["run 0", "run 0", "run 1", "run 2", "run 2"],
    ),  # of one operation the same number
]


@pytest.mark.parametrize(("function", "given", "name", "expected"), TURNS)
def test_a_use_is_told_by_the_turn_and_not_by_which_of_the_uses_it_is(function, given, name, expected):
    trace = record(function, *given)
    terms = [term for term in explanation(trace, name, depth=1).terms if term.turn]
    assert [term.turn for term in terms] == expected
    plotted = {term.label.rpartition(" (")[2].removesuffix(")") for term in splitter_sum(trace, name).terms}
    assert plotted == set(expected)


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("self.value + other.value", "sel… + othe…"),
        ("self.value * other.value", "sel… * othe…"),
        ("self.data*other.data", "self.data*o…"),
        ("W[:, at] + b", "W[:, at] + b"),
        ("W[:, word] + V @ h + b", "W[:, wo… + b"),
        ("np.tanh(W @ h + b)", "np.tanh(W @…"),
        ("y = x + other.data", "y = x + oth…"),
    ],
)
def test_of_code_that_is_cut_the_operator_stays(code, shown):
    assert shorten_code(code, 12) == shown


def test_where_a_cut_took_the_gradient_is_told():
    def lost(x, y):
        return float(x * y) * y

    def kept(x, z):
        return x + detach(z * 2.0)

    with pytest.warns(CutWarning):
        trace = record(lost, 2.5, 3.5)
    line = lost.__code__.co_firstlineno + 1
    assert text_of(trace, "x")[0] == f"x = 2.5 · grad 0 (cut at line {line})"
    assert "that of y may be short" in " ".join(each.message for each in trace.findings())
    line = kept.__code__.co_firstlineno + 1
    assert text_of(record(kept, 2.5, 3.5), "z")[0].endswith(f"grad 0 (detached at line {line})")
