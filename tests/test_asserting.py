"""`assert_gradients`: what fails, what the failure says, and how little of us it shows."""

from __future__ import annotations

import os
import subprocess
import sys
import unittest
from pathlib import Path

import numpy as np
import pytest
import sweep_programs
from command_line import BY_ZERO

import tracer
from tracer import assert_gradients, record
from tracer.errors import GradientError, LookupNameError, UsageError

ROOT = Path(tracer.__file__).parent.parent
PAGE = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")


def unused(x, b):
    return x * 3.0 + b * 0.0


def test_what_is_well_returns_its_trace():
    trace = assert_gradients(sweep_programs.product, (2.0, 3.0))
    assert trace.grads == {"x": 3.0, "y": 2.0}
    assert assert_gradients(sweep_programs.product, {"x": 2.0}, no=()).result == 4.0
    assert assert_gradients(sweep_programs.chosen, (2.0,)).grads == {"x": 4.0}


def test_a_finding_that_does_harm_is_the_message():
    with pytest.raises(AssertionError) as raised, pytest.warns(RuntimeWarning):
        assert_gradients(sweep_programs.masked, (np.array([2.0, 0.0]),))
    lines = str(raised.value).splitlines()
    assert lines[0].startswith("error nonfinite  sweep_programs.py:")
    assert lines[1].endswith("│ inverse = 1.0 / x")
    assert lines[2].endswith("│           ^^^^^^^")
    assert "nan = 0 (masked by np.where, line" in lines[3]
    assert any(line.startswith("  → mask the operand before") for line in lines)


@pytest.mark.parametrize(
    ("no", "fails"),
    [(("dead",), True), (("nonfinite",), False), (["nonfinite", "dead"], True), ((), False)],
)
def test_only_the_kinds_that_are_named_fail(no, fails):
    if not fails:
        assert_gradients(unused, (1.0, 2.0), no=no)
        return
    with pytest.raises(AssertionError, match=r"^warning dead|^error dead"):
        assert_gradients(unused, (1.0, 2.0), no=no)


def noted(x):
    inverse = 1.0 / x
    unused = inverse * np.inf  # noqa: F841  (as people write it)
    return x.sum()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_note_does_not_fail():
    x = np.array([0.0, 1.0])
    assert {(each.kind, each.severity) for each in record(noted, x).findings()} == {("nonfinite", "note")}
    assert_gradients(noted, (x,), no=("nonfinite",))


def test_claims_are_audited_and_the_wrong_ones_are_the_message():
    good = {"x": 3.0, "y": 2.0}
    assert assert_gradients(sweep_programs.product, (2.0, 3.0), matches=good).grads == good
    with pytest.raises(AssertionError) as raised:
        assert_gradients(sweep_programs.product, (2.0, 3.0), no=(), matches={"x": 3.0, "y": -2.0})
    assert str(raised.value).startswith("y: sign")
    assert "x: " not in str(raised.value)
    with pytest.raises(LookupNameError, match="did you mean scale"):
        assert_gradients(sweep_programs.sums, (1.0, 2.0), matches={"scal": 1.0})


def test_findings_come_before_claims():
    with pytest.raises(AssertionError) as raised:
        assert_gradients(unused, (1.0, 2.0), matches={"x": -3.0})
    assert [part.split()[1] for part in str(raised.value).split("\n\n")] == ["dead", "sign"]


@pytest.mark.parametrize(
    ("args", "no", "said"),
    [
        ((1.0,), ("nonfinit",), "did you mean nonfinite?"),
        ((1.0,), ("everything",), "the kinds are failed, nonfinite, "),
        ((1.0,), "dead", "write no=('dead',)"),
        (1.0, ("dead",), "write assert_gradients(f, (x,))"),
        ([1.0], ("dead",), "got list"),
    ],
)
def test_what_is_no_assertion_is_refused(args, no, said):
    with pytest.raises(UsageError) as raised:
        assert_gradients(sweep_programs.product, args, no=no)
    assert said in str(raised.value)


def test_what_the_function_raises_is_the_finding_that_it_failed():
    with pytest.raises(AssertionError, match="is too large") as raised:
        assert_gradients(sweep_programs.loss, (10.0,))
    assert str(raised.value).startswith("error failed  sweep_programs.py:")
    assert isinstance(raised.value.__cause__, ValueError)


def skipping(x):
    raise unittest.SkipTest(str(x))


def test_errors_that_say_something_else_pass_through():
    with pytest.raises(unittest.SkipTest):
        assert_gradients(skipping, (10.0,))
    with pytest.raises(GradientError, match="choose one"):
        assert_gradients(sweep_programs.several, (1.0,))


def blocks(language):
    return [part.split("```")[0] for part in PAGE.split(f"```{language}\n")[1:]]


def run(folder, *words):
    return subprocess.run(  # noqa: S603
        [sys.executable, *words],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "COLUMNS": "80"},
    )


def test_the_page_is_right_about_pytest(tmp_path):
    Path(tmp_path, "test_model.py").write_text(blocks("python")[0], encoding="utf-8")
    ran = run(tmp_path, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "test_model.py")
    assert ran.returncode == 1
    assert blocks("text")[0].rstrip() in ran.stdout
    assert "1 failed, 1 passed" in ran.stdout
    assert "asserting.py" not in ran.stdout


def test_the_page_is_right_about_sweeps(tmp_path):
    Path(tmp_path, "many.py").write_text(blocks("python")[1], encoding="utf-8")
    ran = run(tmp_path, "-W", "ignore", "many.py")
    said = blocks("text")[1].replace("ZeroDivisionError: float division by zero", BY_ZERO)
    assert (ran.stdout, ran.stderr) == (said, "")


def test_it_works_in_unittest(tmp_path):
    body = blocks("python")[0].replace("def test_", "def check_") + (
        "\n\nimport unittest\n\nclass Case(unittest.TestCase):\n"
        "    def test_it(self):\n        check_gradient_with_a_mask()\n\nunittest.main()\n"
    )
    Path(tmp_path, "case.py").write_text(body, encoding="utf-8")
    ran = run(tmp_path, "-W", "ignore", "case.py")
    assert ran.returncode == 1
    assert "AssertionError: error nonfinite  case.py:" in ran.stderr
