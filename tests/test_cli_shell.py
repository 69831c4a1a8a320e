"""The command line in its surroundings: pipes, colours, help, completion, and what starting it imports."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import in_a_process, sample

import tracer


@pytest.mark.usefixtures("folder")
def test_piped_output_has_no_colours_and_is_not_cut():
    in_a_process("run", sample("fan_out"), "-o", "s.trace")
    piped = in_a_process("edges", "s.trace")
    assert piped.returncode == 0
    assert b"\x1b" not in piped.stdout
    assert b"total + x**power" in piped.stdout


@pytest.mark.usefixtures("folder")
def test_an_output_without_unicode_keeps_every_minus():
    in_a_process("run", sample("newton"), "-o", "s.trace")
    shown = in_a_process("show", "s.trace", PYTHONIOENCODING="ascii").stdout.decode("ascii")
    assert "-0.5 + 0.5 ~ 1.128e-12" in shown
    assert "newton > 1.414\n1 input ; 15 operations" in shown
    explained = in_a_process("explain", "s.trace", "x", PYTHONIOENCODING="ascii").stdout.decode("ascii")
    assert "|-" in explained
    assert "?" not in shown + explained


def test_a_terminal_has_colours(edgegrad, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    _, out, _ = edgegrad("run", sample("splitter"))
    assert "\x1b[32m" in out
    assert "\x1b[31m" in out


@pytest.mark.usefixtures("folder")
def test_a_reader_that_goes_away_is_no_error():
    in_a_process("run", sample("rnn"), "-o", "s.trace")
    command = [sys.executable, "-c", "from viz.cli import main; main()", "edges", "s.trace", "--json"]
    root = Path(tracer.__file__).parent.parent
    with subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(root)}
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""


def test_every_command_has_help_with_an_example(edgegrad):
    for command in ("run", "show", "edges", "explain", "draw", "samples"):
        code, out, _ = edgegrad(command, "--help")
        assert code == 0
        assert f"Example:  edgegrad {command}" in out
    code, out, _ = edgegrad()
    assert code == 0
    assert "Usage: edgegrad" in out


@pytest.mark.usefixtures("folder")
def test_shells_complete_names():
    in_a_process("run", sample("residual"), "-o", "s.trace")

    def completed(words):
        answer = in_a_process(
            _EDGEGRAD_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(len(words.split(" ")) - 1)
        )
        return answer.stdout.decode().split()

    assert completed("edgegrad explain s.trace w") == ["weight"]
    assert completed("edgegrad samples spl") == ["splitter"]
    assert completed("edgegrad explain no.trace w") == []


@pytest.mark.parametrize(
    ("program", "unneeded"),
    [
        (
            "sys.argv = ['edgegrad', '--help']; from viz.cli import main\ntry: main()\nexcept SystemExit: pass",
            {"numpy", "matplotlib", "tracer"},
        ),
        (
            "import tracer; tracer.record(lambda x: x * x, 2.0).grads",
            {"scipy", "viz", "tracer.diagnose", "tracer.watching", "tracer.reach", "tracer.ways_around"}
            | {f"tracer.rules.{name}" for name in ("densities", "moments", "kernels")},
        ),
    ],
)
@pytest.mark.usefixtures("folder")
def test_nothing_is_imported_before_it_is_needed(program, unneeded):
    program = f"import sys; {program}\nprint(sorted({unneeded} & set(sys.modules)))"
    root = Path(tracer.__file__).parent.parent
    out = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(root), "PYTHONIOENCODING": "utf-8"},
    ).stdout
    assert out.decode().strip().split("\n")[-1] == "[]"
