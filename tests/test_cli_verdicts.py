"""`edgegrad verify` and `edgegrad audit`: what they print at any width, as JSON, and how they exit."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from test_rules import perturbed

from tracer.operations import OP_NUMBERS, RULE_OF
from tracer.rules import RULES
from viz.samples import sample_file


@pytest.fixture
def mistakes(edgegrad):
    """The command line, with a trace of the sample in m.trace."""
    edgegrad("run", sample_file("mistakes"), "-o", "m.trace")
    return edgegrad


def claimed(**claims):
    Path("c.json").write_text(json.dumps(claims))
    return "c.json"


def test_a_right_trace_verifies(mistakes):
    code, out, err = mistakes("verify", "m.trace")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "mistakes: nothing is wrong",
        "9 edges checked: 9 right; 2 sums",
        "6 values computed again: 6 to the bit",
        "1 input, the recorded graph replayed: right, 12.07 along a direction",
    ]


@pytest.fixture
def wrong(mistakes):
    """The same, where the rule of a product is wrong by a thousandth."""
    number = OP_NUMBERS["multiply"]
    before = RULE_OF[number]
    RULE_OF[number] = perturbed(RULES["multiply"], 1)
    yield mistakes
    RULE_OF[number] = before


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_wrong_rule_is_told_with_its_line(wrong, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    wrong("run", sample_file("mistakes"), "-o", "w.trace")
    code, out, _ = wrong("verify", "w.trace")
    assert code == 1
    assert "wrong" in out
    assert "of multiply by its 2nd operand" in " ".join(out.split())
    assert "mistakes.py:" in out
    assert all(len(line) <= columns for line in out.splitlines())


def test_verify_prints_json(wrong):
    wrong("run", sample_file("mistakes"), "-o", "w.trace")
    code, out, _ = wrong("verify", "w.trace", "--json")
    told = json.loads(out)
    assert code == 1
    assert list(told) == (
        "function ok edges right wrong_edges unclear_edges sums values same_bits wrong unclear other_values cuts inputs failed".split()
    )
    assert told["inputs"]["status"] == "wrong"
    assert told["wrong_edges"] == sum(each["count"] for each in told["wrong"])
    assert {each["operation"] for each in told["wrong"]} == {"multiply"}


def test_a_run_that_failed_is_verified_and_said_to_have_failed(edgegrad):
    Path("half.py").write_text(
        "import math\ndef f(x=4.0):\n    return math.log(-math.sqrt(x))\n", encoding="utf-8"
    )
    edgegrad("run", "half.py:f", "-o", "half.trace")
    code, out, _ = edgegrad("verify", "half.trace")
    assert code == 0
    told = " ".join(out.split())
    assert re.search(
        r"the run failed, ValueError: (math domain error|expected a positive input, got -2\.0): checked is",
        told,
    )


def test_the_sample_of_mistakes_shows_its_audits(edgegrad):
    _, out, _ = edgegrad("samples", "mistakes")
    told = [line.split()[2] for line in out.splitlines() if line.startswith("▸ h  ")]
    assert told[:3] == ["mean-not-sum", "product-not-sum", "missing-uses"]


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_an_audit_names_the_mistake(mistakes, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    code, out, err = mistakes("audit", "m.trace", claimed(h=8.0, x=32.0))
    assert (code, err) == (1, "")
    lines = out.splitlines()
    assert lines[0] == "mistakes: 2 of 2 claims are wrong"
    assert lines[3].startswith("▸ h  missing-uses  the first wrong one  mistakes.py:14")
    assert "    3 + 4 + 5 = 12; claimed 8 = 3 + 5" in lines
    assert "  x  follows" in out
    assert all(len(line) <= columns for line in lines)


def test_right_claims_exit_with_zero(mistakes):
    np.savez("c.npz", h=12.0, x=np.float32(48))
    assert mistakes("audit", "m.trace", "c.npz")[:2] == (
        0,
        "mistakes: all 2 claims are right\n\n  h  match  mistakes.py:12\n\n  x  match\n",
    )


def test_tolerances_are_options(mistakes):
    assert mistakes("audit", "m.trace", claimed(h=12.01))[0] == 1
    assert mistakes("audit", "m.trace", claimed(h=12.01), "--rtol", "0.01")[0] == 0
    assert mistakes("audit", "m.trace", claimed(h=12.01), "--atol", "0.1")[0] == 0


def test_audit_prints_json(mistakes):
    code, out, _ = mistakes("audit", "m.trace", claimed(h=4.0), "--json")
    told = json.loads(out)
    assert (code, told["ok"]) == (1, False)
    (verdict,) = told["verdicts"]
    assert (
        list(verdict)
        == "name kind is_first message arithmetic claimed expected file line code uses also follows".split()
    )
    assert (verdict["kind"], verdict["claimed"], verdict["expected"]) == ("mean-not-sum", 4.0, 12.0)
    assert [use["line"] for use in verdict["uses"]] == [13, 14, 15]


def test_odd_claims_have_verdicts_also_in_json(mistakes):
    words = ("audit", "m.trace", claimed(h=[1.0, 2.0], x=float("nan"), low=None, middle="a", high=1.0))
    code, out, err = mistakes(*words)
    assert (code, err) == (1, "")
    assert out.startswith("mistakes: 4 of 5 claims are wrong\n")
    code, out, _ = mistakes(*words, "--json")
    told = {each["name"]: (each["kind"], each["claimed"]) for each in json.loads(out)["verdicts"]}
    assert (code, told.pop("h")[0]) == (1, "wrong-shape")
    types = {"low": ("wrong-type", None), "middle": ("wrong-type", "a")}
    assert told == types | {"x": ("not-finite", "nan"), "high": ("match", 1.0)}


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("m.trace", "nothing.npz"), 2, "there is no such file"),
        (("m.trace", "m.trace"), 2, "claims are read from .npz and .json"),
        (("nothing.trace", "c.json"), 2, "nothing.trace"),
        (("m.trace", "c.json"), 2, "no input, variable or output is named 'hh'"),
    ],
)
def test_what_can_not_be_audited_is_one_line(mistakes, words, code, message):
    claimed(hh=1.0)
    got, out, err = mistakes("audit", *words)
    assert (got, out) == (code, "")
    assert message in err
    assert err.count("\n") == 1
