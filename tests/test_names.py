"""Every node knows its place, its variable and its call; from the user's own source, after the run."""

from __future__ import annotations

import inspect
import math
import re
import subprocess
import sys

import numpy as np
import pytest
from invariants import assert_names

from tracer import load, record
from tracer.errors import GradientError, LookupNameError


def line_of(function, text):
    """The line in this file on which a text stands in a function."""
    lines, first = inspect.getsourcelines(function)
    return first + next(number for number, line in enumerate(lines) if text in line)


def program(x, y):
    s = x + y
    p = s * x  # a comment
    for _ in range(3):
        p = p * 0.5 + y
    s = math.sin(
        # on lines of its own
        p
    )
    return s * p


def test_variables_and_their_counts():
    finished = record(program, 2.0, 3.0)
    assert finished["p"] == finished["p[3]"] == finished["p[-1]"]
    assert [finished[f"p[{n}]"].value for n in range(4)] == [10.0, 8.0, 7.0, 6.5]
    assert (finished["s[0]"].value, finished["s"].value) == (5.0, math.sin(6.5))
    assert [node.label for node in finished.nodes if node.kind == "function" and node.name] == [
        "s[0]", "p[0]", "p[1]", "p[2]", "p[3]", "s[1]",
    ]  # fmt: skip
    assert finished["x"].kind == "input"
    assert finished["s"].name == "s"
    unnamed = [node for node in finished.nodes if node.kind == "function" and node.name is None]
    assert [node.op for node in unnamed] == ["multiply", "multiply", "multiply", "multiply"]
    assert {node.label for node in unnamed} == {""}


def test_a_place_has_line_columns_and_text():
    finished = record(program, 2.0, 3.0)
    site = finished["p[2]"].site
    assert (site.line, site.text) == (line_of(program, "p * 0.5"), "p * 0.5 + y")
    assert (site.column, site.end_column) == (12, 23)
    assert site.file == __file__
    assert finished["s"].site.text == "math.sin(\n        # on lines of its own\n        p\n    )"
    assert (finished["s"].site.end_line - finished["s"].site.line) == 3
    inner = next(node for node in finished.nodes if node.op == "multiply" and node.site.text == "p * 0.5")
    assert (inner.site.column, inner.site.end_column) == (12, 19)
    assert finished["x"].site is None
    assert finished.output.site is None
    splitters = [node for node in finished.nodes if node.kind == "splitter"]
    assert [node.label for node in splitters][:2] == ["x", "y"]
    assert finished.source[__file__].startswith('"""Every node knows its place')


class Model:
    def __init__(self, w):
        self.w = w

    def step(self, x):
        self.h = self.w * x
        return self.h + 1.0


def assignments(x, y):
    a = b = x * 2
    c, d = x + y, x - y
    (e, [f, g]), k = (x * 3, [y * 3, 4.0]), y * 4
    h: float = x * 5
    i = [x * 6, y][0]
    if (j := x * 7) > 0:
        i += j
    box = Model(x * 8)
    box.w = y * 9
    items = [0.0] * 2
    items[1] = y * 10
    items[0] += x
    return a + b + c + d + e + f + g + k + h + i + box.w + items[1] + items[0]


def test_a_loop_has_one_place_however_python_runs_it():
    def program(xs, w):
        total = 0.0
        for t in range(25):  # in Python 3.11 `xs[t]` is called otherwise after some turns
            total = total + w * xs[t] * (t + 1)
        return total

    finished = record(program, np.arange(25.0), 2.0)
    assert len({use.dst.site for use in finished["xs"].uses}) == 1
    reads = [node for node in finished.nodes if node.op == "getitem"]
    assert len({int(finished.sites.row_places[node.row]) for node in reads}) == 1 < len(reads)
    assert "[24]" in finished.explain("xs")


def test_a_comprehension_names_none_of_what_it_goes_through_by_what_it_makes():
    def program(a):
        doubled = [v * 2 for v in a]
        products = [v * u for v, u in zip(a, a, strict=True)]
        return sum(doubled) + sum(products)

    reads = [node for node in record(program, np.ones(2)).nodes if node.op == "getitem"]
    assert [node.site.text for node in reads] == ["a"] * 2 + ["zip(a, a, strict=True)"] * 4
    assert {node.name for node in reads} <= {None, "v"}  # in Python 3.11 the loop is a function of its own


def test_assignments_of_every_form():
    finished = record(assignments, 2.0, 3.0)
    named = {
        "a": "x * 2", "b": "x * 2", "c": "x + y", "d": "x - y", "e": "x * 3", "f": "y * 3", "k": "y * 4", "h": "x * 5",
        "j": "x * 7", "i": "i += j", "box.w": "y * 9", "items[0]": "y * 10", "items[1]": "items[0] += x",
    }  # fmt: skip
    for name, text in named.items():
        assert finished[name].site.text == text, name
        assert finished[name].grad == (2.0 if name in ("a", "b") else 1.0), name


def branching(n, x):
    if n == 0:
        leaf = x * 1.5
        return leaf  # noqa: RET504  (the name is what is tested)
    left = branching(n - 1, x * 2)
    right = branching(n - 1, x * 3)
    return left + right


def test_scopes_of_recursion():
    finished = record(branching, 2, 1.0)
    assert finished["leaf[0]"].value == 6.0
    assert finished["leaf"].value == 13.5
    scopes = {node.scope.index: node.scope for node in finished.nodes if node.kind == "function"}
    assert [scope.name for scope in scopes.values()] == ["branching"] * 7
    assert sorted(scope.depth for scope in scopes.values()) == [0, 1, 1, 2, 2, 2, 2]
    assert finished["leaf"].scope.parent in scopes
    assert finished.output.scope.index == 0


def helper(t):
    u = t * t
    return u + 1.0


def wrapped(t):
    return helper(t)


def with_helpers(x):
    h = helper(x)
    k = wrapped(h)
    return helper(k)


def test_what_a_helper_returns_takes_the_callers_name():
    finished = record(with_helpers, 2.0)
    assert finished["h"].site.text == "u + 1.0"
    assert finished["h"].value == 5.0
    assert finished["k"].value == 26.0
    assert [finished[f"u[{n}]"].value for n in range(3)] == [4.0, 25.0, 676.0]
    assert finished["helper.u"] == finished["u"]
    assert [node.scope.name for node in finished.nodes if node.op == "add"] == [
        "helper",
        "helper",
        "helper",
    ]


def test_a_label_finds_its_own_value():
    def helper(h):
        h = h * 2
        return h  # noqa: RET504  (the name is what is tested)

    def main(x, w):
        h = x * 3
        y = helper(h) + helper(x)
        w = w * 2
        return y * h * w[0]

    finished = record(main, 1.5, np.array([2.0, 3.0]))
    assert_names(finished)
    labels = [node.label for node in finished.nodes if node.kind == "function" and node.name]
    assert labels == ["h", "helper.h[0]", "helper.h[1]", "y", "w[0]"]
    assert (finished["h[0]"].value, finished["helper.h[0]"].value) == (4.5, 9.0)
    assert "→ helper.h[0] = ×" in str(finished.paths("x"))
    assert str(finished.explain("helper.h[0]")).startswith("helper.h[0] = 9")


def turned(x):
    q = math.sin(x)
    q = q * 2
    return q  # noqa: RET504  (the name is what is tested)


def grown(x):
    q = x * 3
    return q  # noqa: RET504  (as above)


def in_a_list(x):
    q = [turned(x), x * 2.0]
    return q  # noqa: RET504  (as above)


def in_a_dict(x):
    q = {"a": turned(x), "b": [q * 2 for q in (x, x)]}
    return q["a"] + q["b"][0]


def of_helpers(x):
    return turned(x) * grown(x)


OWN = "q of {} is no traced number itself, but a container or a plain value"


@pytest.mark.parametrize(
    ("function", "name", "text"),
    [
        (in_a_list, "q", f"{OWN}; a helper's variable of that name is turned.q; did you mean turned.q?"),
        (in_a_list, "q[1]", f"{OWN}; a helper's variable of that name is turned.q; [1] is that part of the result"),
        (in_a_list, "q[-1]", f"{OWN}; a helper's variable of that name is turned.q; did you mean turned.q?"),
        (in_a_dict, "q['a']", "no input, variable or output is named \"q['a']\""),
        (in_a_dict, "q[0]", f"{OWN}; a helper's variable of that name is turned.q; did you mean turned.q?"),
        (of_helpers, "q", "several functions have a variable q; turned.q (2 values), grown.q (1 value); say which"),
        (of_helpers, "q[0]", "several functions have a variable q; turned.q (2 values), grown.q (1 value); say which"),
        (of_helpers, "Q", "did you mean turned.q or grown.q?"),
    ],
)  # fmt: skip
def test_a_name_means_the_traced_functions_own_variable_or_one_helpers(function, name, text, tmp_path):
    finished = record(function, 0.7)
    finished.save(tmp_path / "t.trace")
    for each in (finished, load(tmp_path / "t.trace")):
        with pytest.raises(LookupNameError) as caught:
            each[name]
        assert text.format(function.__name__) in str(caught.value)
        labels = [node.label for node in each.nodes if node.name == "q" and node.scope.name == "turned"]
        assert labels == ["turned.q[0]", "turned.q[1]"]
        assert each["turned.q"] == each["turned.q[-1]"] == each["turned.q[1]"]
        assert each["turned.q[0]"].value == math.sin(0.7)


def test_a_label_tells_functions_of_one_name_apart():
    class Other:
        def step(self, x):
            h = x * 5
            return h + 1.0

    class Model:
        def step(self, x):
            h = x * 3
            return h + 1.0

    def main(x):
        return Model().step(x) * Other().step(x)

    finished = record(main, 2.0)
    assert_names(finished)
    whole = "test_a_label_tells_functions_of_one_name_apart.<locals>"
    labels = [node.label for node in finished.nodes if node.name == "h"]
    assert labels == [f"{whole}.Model.step.h", f"{whole}.Other.step.h"]


def test_methods_and_attributes():
    def function(x):
        model = Model(x)
        h = model.step(3.0)
        return h * model.h

    finished = record(function, 2.0)
    assert finished["h"].value == 7.0
    assert finished["self.h"].value == 6.0
    assert finished["self.h"].scope.name == "Model.step"


def test_code_without_a_source_has_places_without_text():
    space = {}
    # Not "<string>": to Python 3.13.0 the text of `python -c` is that of all code of this name
    code = compile("def function(x):\n    y = x * 2\n    return y + 1", "<made>", "exec")
    exec(code, space)  # noqa: S102
    finished = record(space["function"], 1.0)
    assert [node.site.line for node in finished.nodes if node.kind == "function"] == [2, 3]
    assert finished.source == {}
    assert finished.grads == {"x": 2.0}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("q", r"no input, variable or output is named 'q'"),
        ("pp", r"no input, variable or output is named 'pp'; did you mean p\?"),
        (
            "p[4]",
            r"the variable p has no assignment number 4; it was assigned 4 times, \[0\] to \[3\]; p alone is the last",
        ),
        ("x[0]", r"no input, variable or output is named 'x\[0\]'"),
        (0, "a trace is asked by name; got 0"),
        (None, "a trace is asked by name; got None"),
    ],
)
def test_an_unknown_name(name, text):
    finished = record(program, 2.0, 3.0)
    with pytest.raises(LookupNameError, match=text):
        finished[name]
    with pytest.raises(LookupNameError, match=text):
        finished.explain(name)


def test_a_parameter_assigned_anew_keeps_its_name_for_the_argument():
    def program(x):
        x = x * 2
        x = x * 3
        return x + 0.0

    finished = record(program, 5.0)
    with pytest.raises(LookupNameError, match=r"\[0\] to \[1\]; x alone is the argument, x\[-1\] the last"):
        finished["x[2]"]
    assert (finished["x"].value, finished["x[-1]"].value) == (5.0, 30.0)


def test_an_array_of_whole_numbers_says_that_it_is_not_traced():
    finished = record(lambda x, p: (x**2).sum(), np.array([1, 2]), [np.array([True])])
    for name, dtype in (("x", "int64"), ("p[0]", "bool")):
        said = f"{re.escape(name)} is an array of {dtype}, so it is not traced; give it as floats"
        with pytest.raises(LookupNameError, match=said):
            finished.explain(name)
    with pytest.raises(
        GradientError, match=r"nothing that has a gradient; got int64, .*; x is an array of int64"
    ):
        _ = record(lambda x: (x**2).sum(), np.array([1, 2])).output


WITHOUT_TEXT = """
from tracer import record

def helper(x):
    return x * 3.0

def program(x):
    h = x + 1.0
    for _ in range(2):
        h = h * x
    u = helper(h)
    return u * h

finished = record(program, 2.0)
assert finished["h[0]"].value == 3.0
assert finished["h"].value == 12.0
assert finished["u"].value == 36.0
assert finished["u"].name == "u"
"""


def test_a_program_without_a_text_has_names():
    subprocess.run([sys.executable, "-"], input=WITHOUT_TEXT, text=True, check=True)
