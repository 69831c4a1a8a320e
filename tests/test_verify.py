"""Verification: right programs are right, what is wrong is named where it is, and what can't be told is not called wrong."""

from __future__ import annotations

import contextlib
import importlib
import io
import math
import sys
import warnings
from dataclasses import replace

import numpy as np
import pytest
from program_rows import ROWS as PROGRAMS
from scipy import linalg
from test_rules import perturbed
from test_samples import SAMPLES, trace_of

from tracer import load, record, rule, trace, verify
from tracer.diagnose import forward
from tracer.errors import CutWarning
from tracer.operations import OP_NUMBERS
from tracer.rules import RULES


def saved(traced, folder):
    traced.save(folder / "t.trace")
    return load(folder / "t.trace")


@pytest.mark.parametrize("name", SAMPLES)
def test_every_edge_of_a_sample_is_right(name, tmp_path):
    traced = trace_of(name)
    checked = verify(traced)
    assert checked.ok
    assert checked
    assert checked.right == checked.edges > 0
    assert not checked.unclear
    assert not checked.other_values
    assert str(verify(saved(traced, tmp_path))) == str(checked)


def is_a_kink(fault):
    """Tell whether the programs are at a kink or a jump there, or as near as rounding takes them."""
    operations = "absolute max min max_scalars min_scalars clip maximum minimum remainder sort"
    return fault.operation in operations.split()


@pytest.mark.parametrize("row", PROGRAMS, ids=lambda row: row.function)
def test_no_edge_of_a_program_is_wrong(row):
    traced = trace(watch=row.watch)(row.called)
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore", CutWarning)
        traced(*row.arguments_given, **row.named_given)
    last = traced.last_trace
    output = next(each for each in last.recording.outputs if each.row >= 0)
    if np.ndim(output.value) or len(last.recording.outputs) > 1:
        last = last.backward(of=output.path or None, seed=np.ones(np.shape(output.value)))
    checked = verify(last)
    assert checked.ok, str(checked)
    assert not checked.other_values
    assert all(is_a_kink(fault) for fault in checked.unclear), str(checked)
    assert checked.right > 0.9 * checked.edges


def chain(x, y):
    for step in range(400):
        x = math.sin(x) * y + step
        y = math.tanh(y) + 0.1 * x / (step + 1)
    z = math.exp(-x * x / 1e6)
    return z * y


def test_one_wrong_rule_among_thousands_is_named(rule_of):
    rule_of[OP_NUMBERS["exp"]] = perturbed(RULES["exp"], 0)
    checked = verify(record(chain, 0.3, 0.7))
    assert checked.edges > 3000
    (wrong,) = checked.wrong
    assert wrong.operation == "exp"
    assert wrong.site.line == chain.__code__.co_firstlineno + 4
    assert wrong.edge.dst.op == "exp"
    assert wrong.found == pytest.approx(1.001 * wrong.expected)
    assert "the partial, 1.001*(out), of exp by its 1st operand at test_verify.py:" in str(checked)


def test_a_wrong_way_back_beside_a_right_rule_is_named(rule_of, monkeypatch):
    monkeypatch.setattr("tracer.backward_pass._FEW_ROWS", 0)
    rule = RULES["matmul"]
    rule_of[OP_NUMBERS["matmul"]] = replace(rule, pulls=perturbed(rule, 1).pulls)
    (wrong,) = verify(record(lambda a, b: (a @ b).sum(), np.ones((2, 3)), np.ones((3, 2)))).wrong
    assert (wrong.operation, wrong.operand) == ("matmul", 1)


def test_what_is_wrong_alike_is_told_once(rule_of):
    rule_of[OP_NUMBERS["sin"]] = perturbed(RULES["sin"], 0)
    checked = verify(record(chain, 0.3, 0.7))
    assert len(checked.wrong) == 400
    assert str(checked).count("\nwrong: ") == 1
    assert "400 edges like it" in str(checked)


def network(x, weights, b):
    h = x
    for _ in range(3):
        h = np.tanh(h @ weights + b)
    x[0] = 3.0
    return (h * x).sum() / np.sqrt((h**2).mean())


ARGUMENTS = (np.linspace(-1, 1, 12).reshape(4, 3), np.eye(3) * 0.7 + 0.1, np.array([0.1, 0.2, -0.3]))


def changed(traced, **gradients):
    """Return a trace with other gradients; a trace file may hold any."""
    traced.gradients = replace(traced.gradients, **gradients)
    return traced


def test_a_number_that_is_no_sum_is_named_in_backward_order(tmp_path):
    traced = saved(record(chain, 0.3, 0.7), tmp_path)
    node = traced["y[100]"]
    numbers = traced.gradients.numbers.copy()
    numbers[node.row] *= 1.001
    checked = verify(changed(traced, numbers=numbers))
    first = checked.wrong[0]
    assert first.kind == "sum"
    assert first.node.row == node.row
    assert first.found == pytest.approx(1.001 * first.expected)
    assert "the splitter of y" in first.message
    assert "its edges add up to" in first.message


def test_a_local_partial_that_is_none_is_named(tmp_path):
    traced = saved(record(chain, 0.3, 0.7), tmp_path)
    partials = traced.gradients.locals.copy()
    slot = int(np.flatnonzero(np.abs(partials) > 0.5)[50])
    partials[slot] *= 1.001
    wrong = verify(changed(traced, locals=partials)).wrong
    assert slot in [traced.graph.slots[each.edge.index] for each in wrong if each.kind == "partial"]


@pytest.mark.parametrize("held", ["arrays", "slots", "narrowed"])
def test_one_wrong_element_of_an_array_is_named(held):
    traced = record(network, *ARGUMENTS)
    gradients = dict(getattr(traced.gradients, held))
    key = next(key for key, each in gradients.items() if type(each) is np.ndarray and np.all(each))
    gradients[key] = gradients[key].copy()
    gradients[key].flat[0] *= 1.001
    assert not verify(changed(traced, **{held: gradients})).ok


def test_arrays_in_place_and_broadcast_are_right(tmp_path):
    checked = verify(saved(record(network, *ARGUMENTS), tmp_path))
    assert checked.ok
    assert not checked.unclear
    assert checked.sums >= 6


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_single_precision_is_no_alarm(dtype):
    checked = verify(record(network, *(each.astype(dtype) for each in ARGUMENTS)))
    assert checked.ok, str(checked)


def test_complex_numbers_are_right():
    def spectrum(x, w):
        z = np.fft.fft(x) * np.exp(1j * w)
        return (np.abs(z) ** 2 + z.real).sum() + abs(complex(1, 2) * w) ** 2

    checked = verify(record(spectrum, np.array([0.3, -1.2, 0.8, 2.0]), 0.4))
    assert checked.right == checked.edges, str(checked)


KINKS = (
    (lambda x: abs(x) * 2, 0.0),
    (lambda x: max(x, 0.0) * 2, 0.0),
    (lambda x: np.maximum(x, 0.0).sum(), np.array([0.0, 1.0])),
    (lambda x: math.floor(x) * x, 2.0),
    (lambda x: math.sqrt(x) * 0, 0.0),
    (lambda x: np.sort(x)[0], np.array([1.0, 1.0])),
    (lambda x: np.linalg.norm(x), np.zeros(3)),
    (lambda x: x * np.float64(np.inf), 1.0),
    (lambda x: np.log(x).sum(), np.array([0.0, 1.0])),
    (lambda x: np.where(x > 0, 1 / x, 0).sum(), np.array([0.0, 2.0])),
)


def test_at_a_jump_the_side_of_the_value_is_judged():
    checked = verify(record(lambda x, n, m: x * (n // m) + math.ceil(n) * x, 2.0, 6, 3))
    assert checked.right == checked.edges, str(checked)


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
@pytest.mark.parametrize(("function", "x"), KINKS)
def test_kinks_and_poles_are_not_called_wrong(function, x):
    checked = verify(record(function, x))
    assert checked.ok, str(checked)
    assert all(fault.reason for fault in checked.unclear)


EXTREMES = (
    0.0,
    5e-324,
    1e-300,
    -1e-12,
    1.0 - 1e-16,
    37.0,
    700.0,
    -745.0,
    1e8,
    -1e155,
    1e308,
    math.inf,
    math.nan,
)


SMOOTH = [
    np.exp, np.log, np.log1p, np.expm1, np.sqrt, np.cbrt, np.tanh, np.sin, np.cos, np.arctan, np.arcsin, np.arccosh,
    np.square, np.reciprocal, np.sinc, np.exp2, np.logaddexp, np.hypot, np.arctan2, np.multiply, np.divide, np.power,
    np.maximum, np.copysign, np.fmod, np.remainder, np.floor_divide, np.heaviside, np.rint, np.i0, np.cosh,
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("function", SMOOTH, ids=lambda function: getattr(function, "__name__", "f"))
def test_no_extreme_value_is_called_wrong(function):
    with np.errstate(all="ignore"):
        for x in EXTREMES:
            operands = (x, 0.7) if getattr(function, "nin", 1) > 1 else (x,)
            for given in {operands, operands[::-1]}:
                array = [np.full(3, each) for each in given]
                for arguments in (given, array):
                    traced = record(function, *arguments)
                    out = traced.recording.outputs[0].value
                    checked = verify(
                        traced.backward(seed=np.ones(np.shape(out))) if np.ndim(out) else traced
                    )
                    assert checked.ok, f"{given}: {checked}"


@rule("3*x**2", "1")
def cubed(x, y):
    return x**3 + y


@rule("2*x**2", "1")
def wrongly_cubed(x, y):
    return x**3 + y


@rule(lambda g, out, x: g * 2 * x)
def squares(x):
    return x**2


def test_rules_of_users_are_checked():
    assert verify(record(lambda x, y: cubed(x, y) + squares(x), 1.5, 2.0)).right == 5
    (wrong,) = verify(record(wrongly_cubed, 1.5, 2.0)).wrong
    assert (wrong.operation, wrong.operand) == ("wrongly_cubed", 0)
    assert wrong.expected == pytest.approx(3 * 1.5**2)


def test_a_rule_without_its_function_can_t_be_told(monkeypatch):
    traced = record(lambda x: squares(x) + x, 1.5)
    monkeypatch.setattr("tracer.diagnose.forward.FUNCTIONS", {})
    checked = verify(traced)
    assert checked.ok
    (unclear,) = checked.unclear
    assert unclear.operation == "squares"
    assert "code that is not at hand" in unclear.message


def test_scipy_that_is_not_installed_can_t_be_told(monkeypatch):
    traced = record(lambda a, b: linalg.solve_triangular(a, b).sum(), np.eye(2), np.ones(2))
    monkeypatch.setattr(forward, "_forward", forward._forward.__wrapped__)  # which remembers
    monkeypatch.setitem(sys.modules, "scipy.linalg", None)
    checked = verify(traced)
    assert checked.ok
    assert [each.operation for each in checked.unclear] == ["solve_triangular"] * 2
    assert all("code that is not at hand" in each.message for each in checked.unclear)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
def test_what_stands_for_infinity_by_default_is_known(dtype):
    def program(y):
        given = np.array([1.0, np.nan, np.inf, -np.inf], dtype)
        return np.nan_to_num(given, nan=y)

    for given in (2.0, np.float64(3.0)):
        checked = verify(record(program, given).backward(seed=np.ones(4, dtype)))
        assert checked.right == checked.edges == 1
        assert not checked.other_values


def test_a_value_that_is_not_what_its_operation_gives_is_told(tmp_path):
    traced = saved(record(chain, 0.3, 0.7), tmp_path)
    row = traced["z"].row
    traced.recording.values.floats = traced.recording.values.floats + 1e-3 * (
        np.arange(len(traced.recording)) == row
    )
    checked = verify(traced)
    assert [fault.node.row for fault in checked.other_values][-1:] == [row]
    assert "otherwise" in str(checked)
    assert row in [fault.node.row for fault in checked.unclear]


def test_an_edge_whose_partial_is_not_a_number_says_so():
    with np.errstate(all="ignore"):
        traced = record(lambda x, power: np.power(x, power), -1e-12, 0.7)
    assert math.isnan(traced["x"].uses[0].grad)


def test_a_run_that_failed_is_checked_as_far_as_it_came():
    traced = trace(lambda x: [math.sin(x) * x][int(x) + 5])
    with pytest.raises(IndexError):
        traced(0.5)
    checked = verify(traced.last_trace)
    assert checked.right == checked.edges == 3
    assert checked.sums == 0


def test_many_operands_are_told_apart(rule_of):
    numbers = np.random.default_rng(0).normal(size=300).tolist()
    rule_of[OP_NUMBERS["fsum"]] = perturbed(RULES["fsum"], 117)
    (wrong,) = verify(record(lambda x: math.fsum(x), numbers)).wrong
    assert (wrong.operation, wrong.operand) == ("fsum", 117)
    assert wrong.found == pytest.approx(1.001)
    assert wrong.expected == pytest.approx(1.0)


def bisected(low, high):
    low, high = float(low), float(high)
    while high - low > 0.01:
        middle = (low + high) / 2
        low, high = (middle, high) if middle < 1.4 else (low, middle)
    return low


@pytest.mark.parametrize(
    ("function", "arguments", "lines"),
    [
        (
            lambda x: float(x) * x,
            (2.0,),
            ["nothing is wrong", "1 cut: what left the graph is not checked; see findings()"],
        ),
        (
            bisected,
            (1.0, 2.0),
            ["there is no edge to check", "2 cuts: what left the graph is not checked; see findings()"],
        ),
        (lambda x: x, (2.0,), ["there is no edge to check"]),
        (lambda x: x * x, (2.0,), ["nothing is wrong"]),
    ],
)
def test_what_was_not_checked_is_said(function, arguments, lines):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CutWarning)
        checked = verify(record(function, *arguments))
    said = [line.removeprefix(f"{checked.function}: ") for line in str(checked).splitlines()]
    assert [said[0], *(line for line in said if "cut" in line)] == lines


def test_progress_is_reported():
    seen = []
    verify(record(chain, 0.3, 0.7), progress=lambda done, everything: seen.append((done, everything)))
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1]


def test_it_needs_no_code_of_the_program(tmp_path, monkeypatch):
    record(network, *ARGUMENTS).save(tmp_path / "t.trace")
    monkeypatch.setattr(importlib, "import_module", None)  # nothing is looked for
    assert verify(load(tmp_path / "t.trace")).ok


@rule("cos(x)")
def sine_of_a_number(x):
    return math.sin(x)


@rule("where(x > 0, 1, 0.1)")
def leaky(x):
    return x if x > 0 else 0.1 * x


@rule("sin(x)*1.001")
def minus_cosine(x):
    return -math.cos(x)


@rule("0.5/out")
def root(x):
    return math.sqrt(x)


def test_rules_of_functions_that_take_numbers_alone_are_checked_number_by_number():
    def right(x):
        y = sine_of_a_number(x) * 2
        for _ in range(3):
            y = leaky(y) - sine_of_a_number(y)
        return y * root(x * 1e-9)

    checked = verify(record(right, 0.3))
    assert checked.ok
    assert not checked.other_values
    wrong = verify(record(lambda x: minus_cosine(x) + minus_cosine(2 * x), 0.3))
    assert [fault.edge.dst.op for fault in wrong.wrong] == ["minus_cosine"] * 2
