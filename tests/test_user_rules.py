"""@rule: a user's own operation with the derivative that the user writes for it."""

from __future__ import annotations

import json
import math
import zipfile

import numpy as np
import pytest
from checks import assert_differentiates, assert_untouched, central_differences
from invariants import assert_invariants

from tracer import load, record, rule, trace
from tracer.errors import (
    CutError,
    CutWarning,
    GradientError,
    RuleError,
    TraceFileError,
    UnsupportedError,
    UsageError,
)
from tracer.operations import OP_NAMES


@rule("1 - out**2")
def fast_tanh(x):
    return np.tanh(x)


@rule("y", "x", symbol="⊙")
def times(x, y):
    return np.multiply(x, y)


@rule("n * x**(n - 1)")
def to_the(x, n=3):
    return x**n


@rule(
    lambda g, out, a, b: -np.outer(np.linalg.solve(a.T, g), out),
    lambda g, out, a, b: np.linalg.solve(a.T, g),
)
def solve(a, b):
    return np.linalg.solve(a, b)


@rule(lambda g, out, x, *, axis: np.broadcast_to(np.expand_dims(g, axis), x.shape))
def total(x, *, axis=0):
    return np.sum(x, axis=axis)


square_root = rule("1/(2*out)")(math.sqrt)
tanh_of_numpy = rule("1 - out**2")(np.tanh)


VECTOR = np.array([0.3, -1.2, 2.0])


MATRIX = np.array([[2.0, 0.5, 0.1], [0.3, 1.5, -0.2], [0.0, 0.4, 3.0]])


PROGRAMS = [
    (lambda x: fast_tanh(x * 2) * x, (0.3,)),
    (lambda x: fast_tanh(x * 2) * x, (VECTOR,)),
    (lambda x, y: times(x, y) + times(x, x), (0.3, 2.0)),
    (lambda x, y: times(x, y).sum(), (VECTOR, 2.0)),
    (lambda x, y: times(y=x, x=y).sum(), (VECTOR, MATRIX)),
    (lambda x: times(x, 3).sum() + times(2, x).sum(), (VECTOR,)),
    (lambda x: to_the(x) + to_the(x, 2) + to_the(n=4, x=x), (1.7,)),
    (lambda x: to_the(x, 2).sum(), (VECTOR,)),
    (lambda a, b: (solve(a, b) ** 2).sum(), (MATRIX, VECTOR)),
    (lambda x: (total(x, axis=1) ** 2).sum() + (total(x) ** 3).sum(), (MATRIX,)),
    (lambda x: square_root(x) + square_root(x * x), (2.0,)),
    (lambda x: tanh_of_numpy(x) * x, (0.3,)),
    (lambda x, y: times([x, y], [y, 2.0]).sum(), (0.3, 2.0)),
]


@pytest.mark.parametrize(("program", "arguments"), PROGRAMS)
def test_a_function_with_a_rule_is_differentiated(program, arguments):
    assert_untouched(program, *arguments)
    assert_invariants(assert_differentiates(program, *arguments))


def test_the_function_is_one_node_with_its_name_and_its_formula():
    finished = record(lambda x: fast_tanh(x) + times(x, 2.0), 0.3)
    tanh, product = (node for node in finished.nodes if node.op in ("fast_tanh", "times"))
    assert (tanh.symbol, product.symbol) == ("fast_tanh", "⊙")
    assert tanh.in_edges[0].formula == "1 - out**2"
    assert tanh.in_edges[0].local == 1 - math.tanh(0.3) ** 2
    assert tanh.site.text == "fast_tanh(x)"


def test_without_a_trace_the_function_is_called_as_it_is():
    calls = []

    @rule("1")
    def noted(x):
        calls.append(type(x))
        return x

    assert noted(2.5) == 2.5
    assert record(lambda x: noted(x) * noted(1.0), 2.0).grads == {"x": 1.0}
    assert calls == [float, float, float]


@pytest.mark.parametrize(
    ("ruled", "arguments"),
    [
        (fast_tanh, (0.3,)),
        (fast_tanh, (VECTOR,)),
        (times, (VECTOR, 2)),
        (times, (MATRIX, VECTOR)),
        (to_the, (1.7,)),
        (to_the, (2, 4)),
        (solve, (MATRIX, VECTOR)),
        (total, (MATRIX,)),
        (square_root, (2.0,)),
    ],
)
def test_a_right_rule_passes_its_check(ruled, arguments):
    ruled.check(*arguments)


@pytest.mark.parametrize(
    ("right", "wrong", "function", "arguments"),
    [
        ("cos(x)", "1.001*cos(x)", np.sin, (VECTOR,)),
        ("cos(x)", "-cos(x)", math.sin, (0.4,)),
        (
            lambda g, out, x: np.full(x.shape, g),
            lambda g, out, x: g * np.array([1, 1, 1.001]),
            np.sum,
            (VECTOR,),
        ),
    ],
)
def test_a_rule_that_is_wrong_by_a_thousandth_fails_its_check(right, wrong, function, arguments):
    def forward(x):
        return function(x)

    rule(right)(forward).check(*arguments)
    with pytest.raises(
        RuleError, match=r"of forward by x is wrong; at .*; the rule gives .*, differences give"
    ):
        rule(wrong)(forward).check(*arguments)


def test_the_check_names_the_operand_the_formula_and_the_worst_element():
    @rule("y", "0*x")
    def product(x, y):
        return x * y

    with pytest.raises(RuleError) as caught:
        product.check(np.array([1.0, 3.0]), 2.0)
    assert str(caught.value) == (
        "the partial, 0*x, of product by y is wrong; at 3, 2; the rule gives 0, differences give 3"
    )


@pytest.mark.parametrize(
    ("formula", "function", "x"),
    [
        ("x > 0", lambda x: max(x, 0.0), 0.0),
        ("1/(2*out)", math.sqrt, 0.0),
        ("1/x", np.log, np.array([1.0, -1.0])),
    ],
)
def test_the_check_says_where_it_can_not_tell(formula, function, x):
    def forward(x):
        with np.errstate(all="ignore"):
            try:
                return function(x)
            except ValueError:
                return math.nan

    with pytest.raises(UsageError, match=r"can't be checked here; at (0|−1); .* away from kinks"):
        rule(formula)(forward).check(x)


def test_single_precision_is_checked_as_far_as_it_goes():
    def forward(x):
        return np.sin(np.float32(x))

    rule("cos(x)")(forward).check(np.array([0.3, 1.0], np.float32))
    with pytest.raises(RuleError):
        rule("1.01*cos(x)")(forward).check(np.array([0.3, 1.0], np.float32))


# what leaves the graph, and what is refused


def test_a_traced_value_without_a_partial_is_cut():
    with pytest.warns(CutWarning, match="through n of to_the"):
        finished = record(lambda x, n: to_the(x, n), 2.0, 4.0)
    assert finished.grads == {"x": 32.0, "n": 0.0}
    with pytest.raises(CutError, match="through n of to_the"):
        trace(strict=True)(lambda x, n: to_the(x, n))(2.0, 4.0)


def test_a_traced_option_is_cut():
    with pytest.warns(CutWarning, match="through axis of total"):
        record(lambda x, axis: total(x, axis=axis)[0], MATRIX, 1)


def writing(x):
    x[0] = 1.0
    return x.sum()


def tuple_of(x):
    return x, x


@pytest.mark.parametrize(
    ("function", "partial", "message"),
    [
        (writing, "1", "writing has a rule, and writes into its argument"),
        (tuple_of, lambda g, out, x: g, "gave a result that can't be followed yet"),
        (np.sum, "1", "is not elementwise, and its rule is a text"),
    ],
)
def test_what_a_rule_can_not_be_for_is_an_error_whatever_the_program_catches(function, partial, message):
    def given(x):
        return function(x)

    def program(x):
        try:
            return rule(partial)(given)(x)
        except (TypeError, ValueError):
            return 2.0 * x

    with pytest.raises((UnsupportedError, UsageError), match=message.replace("writing ", "given ")):
        record(program, VECTOR)
    with pytest.raises(UsageError, match=r"is not elementwise, .*; got shape \(5,\) from \(3,\), \(2,\)"):
        record(lambda a, b: rule("1", "1")(lambda a, b: np.append(a, b))(a, b), np.ones(3), np.ones(2))


def test_a_traced_value_that_is_no_argument_is_an_error():
    def outer(x):
        return rule("1")(lambda y: y + x)(x)

    with pytest.raises(UnsupportedError, match="uses a traced value that is none of its arguments"):
        record(outer, 2.0)


def test_a_partial_of_the_wrong_shape_is_an_error_that_names_it():
    summed = rule(lambda g, out, x, *, axis: g)(total.__wrapped__)
    with pytest.raises(
        RuleError, match=r"the rule of total answered with the wrong shape for x; got \(3,\)"
    ):
        record(lambda x: summed(x).sum(), MATRIX).grads  # noqa: B018


# defined anew, saved, loaded


def test_a_rule_that_is_defined_anew_leaves_old_traces_as_they_were():
    def define(text):
        @rule(text)
        def changing(x):
            return 2 * x

        return changing

    first, second, third = define("2"), define("3"), define("2")
    old = record(lambda x: first(x), 1.0)
    new = record(lambda x: second(x), 1.0)
    again = record(lambda x: third(x), 1.0)
    assert [each.grads["x"] for each in (old, new, again)] == [2.0, 3.0, 2.0]
    assert [node.op for node in new.nodes if node.kind == "function"] == ["changing"]
    assert OP_NAMES.count("changing") == 2  # an equal rule is the same operation


def with_rules(x, a):
    return fast_tanh(x).sum() + solve(a, fast_tanh(x)).sum() + to_the(x, 2).sum()


def test_a_loaded_trace_shows_the_same(tmp_path):
    finished = record(with_rules, VECTOR, MATRIX)
    finished.save(tmp_path / "t.trace")
    loaded = load(tmp_path / "t.trace")
    for before, after in zip(finished.edges, loaded.edges, strict=True):
        assert (before.dst.op, before.dst.symbol, before.formula) == (
            after.dst.op,
            after.dst.symbol,
            after.formula,
        )
        assert np.array_equal(before.grad, after.grad)
    again = loaded.backward(seed=2.0)  # the rules are known here
    assert np.array_equal(again.grads["a"], 2 * finished.grads["a"])


def renamed(path, target, **names):
    """Write a trace file anew with other names of operations, as if another program's rules were in it."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w") as copy:
        for info in source.infolist():
            data = source.read(info)
            if info.filename == "trace.json":
                document = json.loads(data)
                document["operations"] = [names.get(name, name) for name in document["operations"]]
                data = json.dumps(document).encode()
            copy.writestr(info, data)


def test_a_loaded_trace_needs_no_rules_for_what_is_in_it(tmp_path):
    finished = record(with_rules, VECTOR, MATRIX)
    finished.save(tmp_path / "t.trace")
    renamed(tmp_path / "t.trace", tmp_path / "u.trace", fast_tanh="their_tanh", solve="their_solve")
    loaded = load(tmp_path / "u.trace")
    assert {"their_tanh", "their_solve"} <= {node.op for node in loaded.nodes}
    for before, after in zip(finished.edges, loaded.edges, strict=True):
        assert np.array_equal(before.grad, after.grad)
    with pytest.raises(GradientError, match="the rule of their_solve is code of the traced program"):
        loaded.backward(seed=2.0).grads  # noqa: B018


@pytest.mark.parametrize(
    "entry",
    [
        {"symbol": "", "operands": ["x"], "partials": ["__import__('os').getcwd()"]},
        {"symbol": "", "operands": ["x", "y"], "partials": ["x"]},
        {"symbol": "", "operands": ["x = 1\n"], "partials": ["1"]},
        {"symbol": "", "operands": ["exp"], "partials": ["1"]},
        {"symbol": 1, "operands": ["x"], "partials": ["1"]},
        {"symbol": "", "operands": ["x", "y"], "partials": ["1", "1"]},
        {"operands": ["x"]},
        [],
    ],
)
def test_a_file_with_a_rule_that_is_none_is_refused(tmp_path, entry):
    record(lambda x: fast_tanh(x), 0.3).save(tmp_path / "t.trace")
    with (
        zipfile.ZipFile(tmp_path / "t.trace") as source,
        zipfile.ZipFile(tmp_path / "u.trace", "w") as copy,
    ):
        for info in source.infolist():
            data = source.read(info)
            if info.filename == "trace.json":
                document = json.loads(data)
                document["rules"] = {str(document["operations"].index("fast_tanh")): entry}
                data = json.dumps(document).encode()
            copy.writestr(info, data)
    with pytest.raises(TraceFileError):
        load(tmp_path / "u.trace")


def test_a_rule_on_a_loop_of_scalars_is_as_right_as_any():
    def program(x, y):
        for _ in range(20):
            x = fast_tanh(times(x, y)) + x / 2
        return x

    finished = record(program, 0.3, 0.9)
    assert np.allclose(list(finished.grads.values()), central_differences(program, 0.3, 0.9), rtol=1e-6)


def test_rule_without_parentheses_is_refused():
    with pytest.raises(UsageError, match=r'@rule before square .*; write @rule\("…"\)'):

        @rule
        def square(x):
            return x * x

    with pytest.raises(UsageError, match=r'@rule is called .*; write @rule\("…"\)'):
        rule(lambda x, y, z: x * y * z)(1.0)
