"""Planted faults: each is named at its line, as its kind, before everything else; no healthy program raises an alarm."""

from __future__ import annotations

import copy
import importlib.util
import inspect
import math
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from program_rows import ROWS
from test_samples import SAMPLES
from test_samples import trace_of as sample_trace

from tracer import load, record
from tracer import trace as traced
from tracer.errors import CutWarning, LookupNameError
from tracer.run import Options, run

if TYPE_CHECKING:
    from tracer.diagnose.finding import Finding
    from tracer.trace import Trace

FOLDER = Path(__file__).parent / "faults"
_CAUSE = re.compile(r"# cause(?P<input>: \S+)?(?: of (?P<of>\w+))?$")


def functions_in(path: Path) -> dict[str, Any]:
    """Return the public functions that a file defines."""
    spec = importlib.util.spec_from_file_location(f"faults_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {
        name: each
        for name, each in vars(module).items()
        if inspect.isfunction(each) and each.__module__ == module.__name__ and not name.startswith("_")
    }


ALL = {path.stem: functions_in(path) for path in sorted(FOLDER.glob("*.py"))}
FAULTS = [
    pytest.param(kind, function, id=f"{kind}-{name}")
    for kind, functions in ALL.items()
    if not kind.startswith("healthy")
    for name, function in functions.items()
]
HEALTHY = [
    pytest.param(function, id=f"{file}-{name}")
    for file, functions in ALL.items()
    if file.startswith("healthy")
    for name, function in functions.items()
]


def trace_of(function: Any) -> Trace:
    """Record a function with its defaults as arguments, also one that raises."""
    arguments = [copy.deepcopy(each.default) for each in inspect.signature(function).parameters.values()]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", CutWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        return run(function, tuple(arguments), {}, Options())[0]


def cause_of(function: Any) -> tuple[int, str]:
    """Return the line that is marked as the cause; or 0, and the input that is."""
    lines, first = inspect.getsourcelines(function)
    marked = [
        (first + at, found) for at, line in enumerate(lines) if (found := _CAUSE.search(line.rstrip()))
    ]
    if not marked:
        text = Path(inspect.getsourcefile(function)).read_text(encoding="utf-8").splitlines()
        marked = [
            (at, found)
            for at, line in enumerate(text, 1)
            if (found := _CAUSE.search(line)) and found["of"] == function.__name__
        ]
    ((line, found),) = marked
    return (0, found["input"].removeprefix(": ")) if found["input"] else (line, "")


def told(findings: list[Finding]) -> str:
    return "\n".join(map(str, findings)) or "nothing is found"


@pytest.mark.parametrize(("kind", "function"), FAULTS)
def test_a_fault_is_named_at_its_line_before_everything_else(kind, function):
    findings = trace_of(function).findings()
    line, name = cause_of(function)
    worst = findings[0] if findings else None
    assert worst is not None, told(findings)
    assert (worst.kind, worst.severity != "note") == (kind, True), told(findings)
    if name:
        assert worst.site is None, told(findings)
        assert worst.node.label == name, told(findings)
    else:
        assert worst.site is not None, told(findings)
        assert (worst.site.line, worst.site.file) == (line, inspect.getsourcefile(function)), told(findings)


@pytest.mark.parametrize("function", HEALTHY)
def test_nothing_above_a_note_is_said_of_a_healthy_program(function):
    findings = trace_of(function).findings()
    assert not [finding for finding in findings if finding.severity != "note"], told(findings)


def outputs_of(trace: Trace) -> list[Trace]:
    """Return a trace for each of the first outputs that are traced, seeded with ones."""
    return [
        trace.backward(of=output.path or None, seed=np.ones(np.shape(output.value))[()])
        for output in [each for each in trace.recording.outputs if each.row >= 0][:3]
    ]


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_above_a_note_is_said_of_a_sample(name):
    for trace in outputs_of(sample_trace(name)):
        findings = trace.findings()
        assert not [finding for finding in findings if finding.severity != "note"], told(findings)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.function)
def test_nothing_above_a_note_is_said_of_a_program(row):
    function = traced(watch=row.watch)(row.called)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CutWarning)
        function(*row.arguments_given, **row.named_given)
    for trace in outputs_of(function.last_trace):
        findings = trace.findings()
        assert not [finding for finding in findings if finding.severity != "note"], told(findings)


@pytest.mark.parametrize(
    ("function", "x", "advice"),
    [
        (np.sqrt, -2.0, "look at why its operand is negative (−2)"),
        (np.sqrt, 0.0, "sqrt(x + 1e-12)"),
        (np.sqrt, np.array([0.0, -2.0]), "look at why its operand is negative (−2)"),
        (np.log, -2.0, "look at why its operand is negative (−2)"),
        (np.log, np.array([1.0, 0.0]), "log(x + 1e-12)"),
        (np.log1p, -3.0, "look at why its operand is negative (−3)"),
        (np.log1p, -1.0, "keep its operand above -1"),
        (lambda x: x**0.5, np.array([-2.0]), "look at why its operand is negative (−2)"),
        (lambda x: x**-2.0, np.array([0.0]), "(x + 1e-12) ** p"),
        (lambda x: x**2.0, np.array([1e200]), "keep its size down"),
        (lambda x: 1.0 / x, np.array([0.0, 1.0]), "x / (y + 1e-12)"),
        (lambda x: 1e300 / x, np.array([1e-300]), "keep its size down"),
    ],
)
def test_the_advice_fits_the_operand(function, x, advice):
    with np.errstate(all="ignore"):
        found = record(lambda x: np.sum(function(x)), x).findings()
    assert advice in found[0].advice


def one_sided(a, b, v):
    m = max(a, b)
    e = [math.exp(each - m) for each in (a, b)]
    return e[0] / sum(e) * v + e[1] / sum(e) * 2.0


def with_an_eps(a, b, v):
    e = [math.exp(each - max(a, b)) for each in (a, b)]
    return -math.log(e[1] / sum(e) + 1e-12) * v


@pytest.mark.parametrize(
    ("function", "arguments", "severity"),
    [
        (ALL["dead"]["underflowed_probability"], (-800.0, 3.0), "error"),
        (ALL["dead"]["saturated_softmax"], (np.array([1000.0, 0.0]), 1.5), "warning"),
        (with_an_eps, (800.0, 1.0, 2.0), "warning"),
        (one_sided, (800.0, 1.0, 2.0), "note"),
    ],
)
def test_a_softmax_that_underflows_is_one_finding(function, arguments, severity):
    (finding,) = record(function, *arguments).findings()
    assert (finding.kind, finding.severity) == ("dead", severity)


@pytest.mark.parametrize(
    ("x", "told"),
    [
        (np.array([1, 2, 3]), "x is an array of int64, so it is not traced"),
        (np.array([1.0, 2.0], object), "x is an array of object, so it is not traced"),
        (np.ma.array([1.0, 2.0], mask=[0, 1]), "x is a MaskedArray of float64, so it is not traced"),
        (np.zeros(2, [("a", "i4"), ("b", "f8", (2,))]), "x is a structured array of"),
        (np.zeros(2, [("a", [("c", "f4")])])[0], "x is a structured record of"),
        (np.zeros(2, [("a", "i4"), ("b", "U3")]), ""),
        (np.array([True, False]), ""),
        (np.array([1.0, 2.0]), ""),
    ],
)
@pytest.mark.filterwarnings("ignore:x is .* not traced")
def test_an_array_that_is_not_traced_is_told_also_from_a_file(x, told, tmp_path):
    seen = record(lambda x, w: w * float(np.sum(x.size)), x, 2.0)
    seen.save(tmp_path / "t.trace")
    for trace in (seen, load(tmp_path / "t.trace")):
        found = [finding for finding in trace.findings() if finding.node is None]
        assert [finding.severity for finding in found] == ["note"] * bool(told)
        assert all(told in finding.message for finding in found)
        if told:
            with pytest.raises(LookupNameError, match=told):
                trace["x"]


class Net:
    def __init__(self):
        self.layers = [{"W": np.ones(2)}]


def of_a_net(net, x):
    return np.sum(net.layers[0]["W"] * x)


def test_an_object_whose_floats_nothing_watches_is_told_with_what_to_write(tmp_path):
    watched = run(of_a_net, (Net(), 2.0), {}, Options(watch=("net",)))[0]
    assert watched.findings() == []
    trace = record(of_a_net, Net(), 2.0)
    trace.save(tmp_path / "t.trace")
    for each in (trace, load(tmp_path / "t.trace")):
        (found,) = each.findings()
        assert (found.kind, found.severity) == ("dead", "note")
        assert found.message.startswith("net is a Net with floats in it, which nothing watches")
        assert found.advice.startswith("watch=('net',), or --watch net, makes its numbers inputs")
        with pytest.raises(
            LookupNameError, match=r"so it is not traced; watch=\('net',\) makes its numbers"
        ):
            each["net"]


def test_it_is_a_warning_where_nothing_else_is_traced():
    (found,) = record(lambda x: float((x * 2).sum()), np.array([1, 2])).findings()
    assert (found.severity, found.kind, found.site) == ("warning", "dead", None)


def test_an_infinite_gradient_that_becomes_nan_is_told_to_the_end():
    found = record(lambda x, y: np.sqrt(np.hypot(x, y)), 0.0, 0.0).findings()[0]
    assert found.message.startswith("inf = 1 × inf ")
    assert ", then nan = inf × 0 on line " in found.message
    assert found.message.endswith("; so the gradient of x, y is not finite")


def test_each_cause_names_the_gradients_that_it_spoils():
    def two_causes(x, y):
        return 1 / (1 + np.exp(x)) + np.log(y)

    def beside_another(x, y):
        return np.sqrt(1 / (1 + np.exp(x)) + y)

    with np.errstate(all="ignore"):
        two, beside = (
            record(two_causes, 800.0, 0.0).findings(),
            record(beside_another, 800.0, -1.0).findings(),
        )
    assert [each.message.rpartition(";")[2] for each in two] == [
        " so the gradient of x is not finite",
        " it reaches the result, and the gradient of y is not finite",
    ]
    assert two[0].advice.startswith("subtract the maximum first")
    assert [(each.severity, each.code) for each in beside] == [
        ("error", "np.sqrt(1 / (1 + np.exp(x)) + y)"),
        ("note", "np.exp(x)"),
    ]
    assert beside[1].message.endswith("; it does not reach the result")


def test_what_was_put_in_the_place_of_an_infinity_is_not_blamed_on_it():
    def replaced(z):
        e = np.exp(z)
        return np.log(np.where(np.isfinite(e), e, 0.0)[0])

    with np.errstate(all="ignore"):
        found = record(replaced, np.array([1000.0, 0.0])).findings()
    in_gradient, in_result = found[:2]
    assert in_gradient.message.startswith("nan = 0 (masked by np.where")
    assert in_result.message.startswith("−inf = log(0); it reaches the result")


@pytest.mark.parametrize(
    ("fault", "advice"),
    [("written_twice", "np.add.at"), ("rows_moved_to_one_place", "write each place once")],
)
def test_only_what_was_not_read_there_is_told_to_be_added_up(fault, advice):
    assert advice in trace_of(ALL["dead"][fault]).findings()[0].advice
