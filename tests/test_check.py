"""`edgegrad check`: what it prints as text, JSON and annotations, and when it exits with 1."""

from __future__ import annotations

import json
from pathlib import Path

import findings_page
import pytest
from command_line import in_a_process
from test_faults import ALL, FOLDER, trace_of

from tracer import load, record
from tracer.diagnose.finding import KINDS
from tracer.errors import CutWarning, GradientError
from viz.check import checked, finding_parts, github
from viz.text import show

PROGRAM = """\
import numpy as np

def masked(x=np.array([2.0, 0.0])):
    inverse = 1.0 / x
    return np.sum(np.where(x > 0, inverse, 0.0))

def fine(x=2.0):
    return x * x

def unused(x=2.0, b=1.0):
    return x * 3.0

def kinked(a=0.0, b=2.0):
    return abs(a) + max(b, 0.0)

def fails(x=1.0):
    y = x - 1.0
    if y < 3:
        raise ValueError("y: 50%, too small")
    return y

def several(x=1.0):
    return {"loss": x * x, "count": x + 1}

def nothing(x=1.0):
    return None

class Average:
    def __init__(self, value):
        self.value = value
    @property
    def number(self):
        return float(self.value)

def averaged(x=2.345):
    return 0.9 * x + 0.1 * Average(x).number

def compared(x=2.345):
    return x * 0.7 + (0.0 if float(x) > 3 else x)

def long_line(x=0.0):
    return 1.0 * 1.0 * 1.0 * 1.0 * 1.0 * 1.0 * 1.0 * 1.0 * 1.0 * 1.0 * 1.0 * 1.0 * 1.0 * 1.0 * 1.0 * 1.0 * np.sqrt(x)
"""

MASKED = """\
error nonfinite  m.py:4 in masked
  4 │ inverse = 1.0 / x
    │           ^^^^^^^
  nan = 0 (masked by np.where, line 5) × −inf (-inverse/x at x = 0, line 4) at
  element [1]; so the gradient of x is not finite (spoils 2 edges)
  → mask the operand before this operation, not its result after it:
  f(np.where(ok, x, 1))

masked: 1 error
"""


@pytest.fixture
def check(edgegrad):
    """Check a function of the program; (exit code, stdout, stderr)."""
    Path("m.py").write_text(PROGRAM, encoding="utf-8")
    return lambda target, *words: edgegrad("check", target, *words)


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_text_shows_the_place_the_arithmetic_the_advice_and_what_is_spoiled(check):
    assert check("m.py:masked") == (0, MASKED, "")


def test_where_nothing_is_wrong_one_calm_line_says_so(check):
    assert check("m.py:fine") == (
        0,
        "fine: found nothing wrong with its gradients (4 edges looked at)\n",
        "",
    )
    assert check("m.py:fine", "x=-1e30", "--fail-on", ",".join(KINDS))[0] == 0
    assert check("m.py:fine", "--format", "github") == (0, "", "")


@pytest.mark.parametrize(
    ("target", "kinds", "code"),
    [
        ("unused", "dead", 1),
        ("unused", "nonfinite, dead", 1),
        ("unused", "nonfinite,cut", 0),
        ("kinked", "kink", 1),
        ("long_line", "nonfinite", 1),
        ("fails", "nonfinite", 1),
        ("fails", "failed", 1),
    ],
)
def test_fail_on_names_the_kinds_that_matter(check, target, kinds, code):
    assert check(f"m.py:{target}", "--fail-on", kinds)[0] == code


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("m.py:fine", "--fail-on", "nonfinit"), 2, "did you mean nonfinite?"),
        (("m.py:fine", "--fail-on", "everything"), 2, "the kinds are failed, nonfinite, "),
        (("m.py:fine", "--fail-on", " , "), 2, "--fail-on names no kind"),
        (("m.py:fine", "--format", "xml"), 2, "'xml'"),
        (("m.py:fin",), 2, "did you mean fine?"),
        (("m.trace",), 2, "there is no file m.trace"),
        (("m.py:several",), 1, "choose one: --of loss"),
        (("m.py:nothing",), 1, "nothing that has a gradient"),
    ],
)
def test_what_cannot_be_checked_is_one_clear_line(check, words, code, said):
    got, out, err = check(*words)
    assert (got, out) == (code, "")
    assert said in err
    assert err.count("\n") == 1


def test_an_output_can_be_chosen(check):
    assert check("m.py:several", "--of", "loss")[0] == 0


def test_arguments_do_not_go_with_a_trace(check, edgegrad):
    edgegrad("run", "m.py:fine", "-o", "m.trace")
    code, _, err = check("m.trace", "x=3.0")
    assert code == 2
    assert "is a trace, which has its arguments" in err


def test_where_the_run_has_warned_the_last_line_says_what_is_not_known(check, edgegrad):
    edgegrad("run", "m.py:averaged", "-o", "m.trace")
    for target in ("m.py:averaged", "m.trace"):
        code, out, _ = check(target, "--fail-on", "cut")
        assert (code, out.split(" ")[:2]) == (1, ["warning", "cut"])
        assert " ".join(out.split("\n\n")[-1].split()) == (
            "averaged: nothing wrong among the recorded operations (5 edges looked at), but 1 cut: the gradients "
            "lack whatever was computed from a number after it left (m.py:33: float(self.value)); 1 warning"
        )


def test_a_cut_that_lacks_nothing_is_a_note(check):
    code, out, _ = check("m.py:compared", "--fail-on", "cut")
    assert (code, out.count("note cut")) == (0, 1)
    assert "it is only looked at: nothing is computed from the number" in " ".join(out.split())
    assert "found nothing wrong with its gradients" in out.splitlines()[-1]
    assert out.splitlines()[-1].endswith("; 1 note")


KEPT = []


def keeps(x):
    KEPT.append(x * 2.0)
    return x * x


def meets_it(x):
    return x * KEPT[-1]


def test_what_a_run_has_warned_of_beside_cuts_is_told_also_from_its_file(tmp_path):
    kept = record(keeps, 2.0)
    with pytest.warns(CutWarning):
        trace = record(meets_it, 3.0)
    trace.save(tmp_path / "t.trace")
    for each in (trace, load(tmp_path / "t.trace")):
        (found,) = each.findings()
        assert (found.kind, found.severity, found.site.line) == (
            "cut",
            "warning",
            meets_it.__code__.co_firstlineno + 1,
        )
        assert "earlier trace" in found.message
        last = " ".join(str(finding_parts(each, [found])[-1]).split())
        assert last.startswith(
            "meets_it: nothing wrong among the recorded operations (2 edges looked at), but 1 cut"
        )
    assert kept.findings() == []


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_a_trace_file_says_what_the_program_said(check, edgegrad):
    edgegrad("run", "m.py:masked", "-o", "m.trace")
    Path("m.py").unlink()
    assert check("m.trace") == (0, MASKED, "")


def test_a_run_that_failed_is_told_by_where_it_did_also_from_its_file(check, edgegrad):
    code, out, err = check("m.py:fails")
    assert code == 1
    assert "ValueError: y: 50%, too small" in err
    assert out.startswith('error failed  m.py:19 in fails\n  19 │ raise ValueError("y: 50%, too small")\n')
    assert "the last that was recorded is y = 0" in " ".join(out.split())
    edgegrad("run", "m.py:fails", "-o", "m.trace")
    assert check("m.trace") == (1, out, err)
    assert (
        check("m.trace", "--fail-on", "nonfinite")[0]
        == check("m.py:fails", "--fail-on", "nonfinite")[0]
        == 1
    )


def test_json_and_annotations_are_not_both_to_be_had(check):
    code, out, err = check("m.py:fails", "--json", "--format", "github")
    assert (code, out) == (2, "")
    assert "check prints JSON or annotations, not both; got --json --format github" in err


def test_labels_and_indices_are_one_note_and_the_line_of_what_is_well_stays(check):
    Path("labels.py").write_text(
        "import numpy as np\n"
        "def f(w=np.ones(3), i=np.array([0, 1]), y=np.array([1, 0])):\n    return np.sum(w[i] * y)\n",
        encoding="utf-8",
    )
    code, out, _ = check("labels.py:f")
    assert code == 0
    assert "i is an array of int64, y is an array of int64, so they are not traced" in " ".join(out.split())
    assert out.splitlines()[-1] == "f: found nothing wrong with its gradients (4 edges looked at); 1 note"


def test_annotations_escape_what_the_runner_would_take_for_its_own(check):
    code, out, _ = check("m.py:fails", "--format", "github")
    assert code == 1
    assert out.startswith(
        "::error file=m.py,line=19,endLine=19,title=edgegrad%3A failed::the run ended here"
    )
    assert "y: 50%25, too small" in out
    assert out.count("\n") == 1
    assert "%0Alook at" in out


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_annotations_name_the_columns_and_a_note_is_a_notice(check):
    _, out, _ = check("m.py:masked", "--format", "github")
    assert out.startswith(
        "::error file=m.py,line=4,endLine=4,col=15,endColumn=21,title=edgegrad%3A nonfinite::"
    )
    notes = [finding for finding in trace_of(ALL["healthy"]["relu_net"]).findings()]
    assert github(notes).startswith("::notice ")


def test_an_input_that_is_the_cause_has_no_file(check):
    _, out, _ = check("m.py:unused", "--format", "github")
    assert out.startswith("::warning title=edgegrad%3A dead::b gets no gradient")


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_json_has_the_finding_with_its_numbers(check):
    _, out, _ = check("m.py:masked", "--json")
    report = json.loads(out)
    (found,) = report["findings"]
    assert {
        key: found[key] for key in ("kind", "severity", "file", "line", "column", "end_column", "code")
    } == {
        "kind": "nonfinite",
        "severity": "error",
        "file": "m.py",
        "line": 4,
        "column": 15,
        "end_column": 22,
        "code": "1.0 / x",
    }
    assert found["numbers"]["local"] == "-inf"
    assert found["numbers"]["spoiled"] == 2
    assert (report["function"], report["nodes"], report["edges"]) == ("masked", 5, 4)


@pytest.mark.parametrize("file", ALL)
def test_every_finding_fits_the_terminal(monkeypatch, capsys, file):
    for function in ALL[file].values():
        trace = trace_of(function)
        findings = trace.findings()
        for columns in (40, 80):
            monkeypatch.setenv("COLUMNS", str(columns))
            show(*finding_parts(trace, findings))
            lines = capsys.readouterr().out.split("\n")
            assert max(map(len, lines)) <= columns, lines
            assert not any(line.endswith(" ") for line in lines)


def test_a_long_line_is_shown_around_its_place(check):
    _, out, _ = check("m.py:long_line")
    source, marks = out.split("\n")[1:3]
    assert "np.sqrt(x)" in source
    assert source[marks.index("^") : marks.rindex("^") + 1] == "np.sqrt(x)"


def test_piped_text_has_no_colours(folder):
    (folder / "m.py").write_text(PROGRAM, encoding="utf-8")
    run = in_a_process("check", "m.py:unused")
    assert run.returncode == 0
    assert b"\x1b" not in run.stdout


def test_findings_of_a_loaded_trace_are_those_of_the_run(tmp_path):
    for kind in ("nonfinite", "dead", "cut", "kink"):
        for function in list(ALL[kind].values())[:6]:
            trace = trace_of(function)
            trace.save(tmp_path / "t.trace")
            loaded = load(tmp_path / "t.trace")
            mine, theirs = (
                [(each.kind, each.severity, each.message, each.place, each.code) for each in one.findings()]
                for one in (trace, loaded)
            )
            assert mine == theirs


def test_findings_read_well_in_a_list_and_by_themselves():
    (found, *_) = trace_of(ALL["dead"]["sign_of_error"]).findings()
    assert repr(found).startswith("<error: dead at dead.py:")
    assert str(found).split("\n")[0].endswith(": np.sign(x - target)")
    assert len(str(found).split("\n")) == 3


def test_one_cause_is_one_finding_however_often_and_far_it_spoils():
    def spoil(x):
        total = 0.0
        for _ in range(50):
            total = total + (x - x) ** 0.5
        return total * 2.0

    (found,) = [each for each in record(spoil, 2.0).findings() if each.severity != "note"]
    assert (found.numbers["runs"], found.kind) == (50, "nonfinite")
    assert found.numbers["spoiled"] > 100


def test_without_an_output_to_go_back_from_the_error_says_what_to_choose():
    with pytest.raises(GradientError, match="several values"):
        record(lambda x: (x * x, x + 1.0), 2.0).findings()


def test_a_finding_as_data_counts_columns_as_editors_do():
    trace = trace_of(ALL["cut"]["half_of_it_cut"])
    line = checked(trace, trace.findings()).findings[0]
    text = (FOLDER / "cut.py").read_text(encoding="utf-8").split("\n")[line.line - 1]
    assert text[line.column - 1 : line.end_column - 1] == line.code == "float(y)"


def test_the_page_of_findings_is_what_is_printed():
    assert findings_page.PAGE.read_text(encoding="utf-8") == findings_page.text(), (
        "run python tests/findings_page.py"
    )
